// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/tensorguard/tgsp/integration/contest"
)

// report is everything that a run has found; its JSON is the machine-readable result.
type report struct {
	Time     time.Time     `json:"time"`
	Kernel   string        `json:"kernel"`
	CPUs     int           `json:"cpus"`
	Size     int64         `json:"size"`  // bytes of weights
	Pairs    int           `json:"pairs"` // rounds of every row
	Cold     bool          `json:"cold"`  // whether cold rows could be measured
	Rows     []contest.Row `json:"rows"`
	Memory   []memory      `json:"memory"`
	Costs    []cost        `json:"costs"`
	Package  int64         `json:"package_bytes"`
	Contents int64         `json:"contents_bytes"`
}

// memory is how much a process had resident, in bytes.
type memory struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// cost is what serving files costs the process that does.
type cost struct {
	Name   string  `json:"name"`
	PerGB  float64 `json:"processor_seconds_per_gb"` // of a cold sequential read; a GB has 10^9 bytes
	Memory int64   `json:"memory_bytes"`             // most that was resident
	P50    float64 `json:"fault_median_seconds"`     // of random faults, cold
	P99    float64 `json:"fault_p99_seconds"`
}

func newReport(o options) (*report, error) {
	kernel, err := contest.Kernel()
	if err != nil {
		return nil, err
	}
	return &report{
		Time: time.Now().UTC(), Kernel: kernel, CPUs: runtime.NumCPU(),
		Size: o.size, Pairs: o.pairs, Cold: contest.Coldest(),
	}, nil
}

// table prints the report for people.
func (r *report) table(w io.Writer) error {
	fmt.Fprintf(w, "%d CPUs, Linux %s, %d MiB of weights, %d rounds; median seconds [quartiles]\n\n",
		r.CPUs, r.Kernel, r.Size>>20, r.Pairs)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\ttgsp\tpeer\tratio\tMiB/s\t\tagainst")
	for _, x := range r.Rows {
		speed, decimals := fmt.Sprintf("%.0f", float64(x.Bytes)/x.SubjectSpread.Median/(1<<20)), 3
		if x.What != "" {
			speed, decimals = x.What, 6
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.Name,
			x.SubjectSpread.Text(decimals), x.PeerSpread.Text(decimals), x.Ratio.Text(2), speed, x.Verdict, x.Peer)
	}
	fmt.Fprintln(t)
	for _, c := range r.Costs {
		fmt.Fprintf(t, "%s, who serves\t%.2f processor seconds for a GB\tat most %.1f MiB\ta random fault %.0f µs, 99th percentile %.0f µs\n",
			c.Name, c.PerGB, float64(c.Memory)/(1<<20), c.P50*1e6, c.P99*1e6)
	}
	for _, m := range r.Memory {
		fmt.Fprintf(t, "%s\t%.1f MiB\n", m.Name, float64(m.Bytes)/(1<<20))
	}
	over := r.Package - r.Contents
	fmt.Fprintf(t, "package size over its contents\t%d bytes (%.4f %%)\n", over, 100*float64(over)/float64(r.Contents))
	if !r.Cold {
		fmt.Fprintln(t, "cold rows\tnot measured: only root can empty the kernel's caches")
	}
	return t.Flush()
}

// save writes the report as JSON.
func (r *report) save(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
