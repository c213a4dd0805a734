// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// childWorkload is the variable that turns this program into the one that reads:
// a page fault that hangs must not hang whoever measures.
const childWorkload = "TGSP_BENCH_WORKLOAD"

// randomFaults is the workload whose steps are what counts.
const randomFaults = "mmap, random 4 KiB"

// directReads is the workload that some file systems refuse.
const directReads = "read, O_DIRECT"

// workloads are the ways to read a folder with one large file and many small ones.
// Each does its work once, and may return how long single steps of it took.
var workloads = []struct {
	name string
	what string // of its result; "" for the time of all
	do   func(dir string) ([]time.Duration, error)
}{
	{"read", "", func(dir string) ([]time.Duration, error) { return nil, readers(dir, 1, 0) }},
	{"read, 4 readers", "", func(dir string) ([]time.Duration, error) { return nil, readers(dir, 4, 0) }},
	{directReads, "", func(dir string) ([]time.Duration, error) { return nil, readers(dir, 1, unix.O_DIRECT) }},
	{"mmap", "", func(dir string) ([]time.Duration, error) { return nil, mapped(dir, 0, 0) }},
	{"mmap, MAP_POPULATE", "", func(dir string) ([]time.Duration, error) { return nil, mapped(dir, unix.MAP_POPULATE, 0) }},
	{"mmap, MADV_WILLNEED", "", func(dir string) ([]time.Duration, error) { return nil, mapped(dir, 0, unix.MADV_WILLNEED) }},
	{randomFaults, "median of a fault", faults},
	{"many small files", "", small},
}

// result is what a workload prints.
type result struct {
	Seconds float64 `json:"seconds"`
	P99     float64 `json:"p99,omitempty"` // seconds, where steps are what counts; Seconds is their median then
}

// runWorkload is the child: it does a workload on a folder and prints the result.
func runWorkload(name, dir string, out io.Writer) error {
	for _, w := range workloads {
		if w.name != name {
			continue
		}
		start := time.Now()
		steps, err := w.do(dir)
		r := result{Seconds: time.Since(start).Seconds()}
		if len(steps) > 0 {
			slices.Sort(steps)
			r = result{Seconds: steps[len(steps)/2].Seconds(), P99: steps[len(steps)*99/100].Seconds()}
		}
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(r)
	}
	return fmt.Errorf("unknown workload %q", name)
}

// readSize is what one read asks for.
const readSize = 1 << 20

// readers reads the large file to its end, each of them a part.
func readers(dir string, n int64, flags int) error {
	f, err := os.OpenFile(filepath.Join(dir, shard), os.O_RDONLY|flags, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	part := (info.Size()/n + readSize - 1) / readSize * readSize
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			buf, err := unix.Mmap(-1, 0, readSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE) // on a page, as O_DIRECT wants it
			for off := i * part; err == nil && off < min((i+1)*part, info.Size()); {
				var got int
				if got, err = f.ReadAt(buf, off); errors.Is(err, io.EOF) {
					err = nil
				}
				off += int64(max(got, 1))
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// mapped maps the large file and touches every page in order.
func mapped(dir string, flags, advice int) error {
	data, err := mapFile(dir, flags)
	if err != nil {
		return err
	}
	defer unix.Munmap(data) //nolint:errcheck // the process ends soon
	if advice != 0 {
		if err := unix.Madvise(data, advice); err != nil {
			return err
		}
	}
	sum := byte(0)
	for i := 0; i < len(data); i += os.Getpagesize() {
		sum += data[i]
	}
	runtime.KeepAlive(sum)
	return nil
}

// faultCount is how many pages faults touches.
const faultCount = 2000

// faults touches pages all over the large file, and says how long each took.
func faults(dir string) ([]time.Duration, error) {
	data, err := mapFile(dir, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Munmap(data) //nolint:errcheck // the process ends soon
	if err := unix.Madvise(data, unix.MADV_RANDOM); err != nil {
		return nil, err
	}
	page := os.Getpagesize()
	pages := len(data) / page
	steps, sum := make([]time.Duration, 0, faultCount), byte(0)
	for at := 1; len(steps) < min(faultCount, pages); {
		at = (at*1103515245 + 12345) & (1<<31 - 1) // the same places for everybody
		start := time.Now()
		sum += data[at%pages*page]
		steps = append(steps, time.Since(start))
	}
	runtime.KeepAlive(sum)
	return steps, nil
}

func mapFile(dir string, flags int) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, shard))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED|flags)
}

// small reads all small files, one after the other.
func small(dir string) ([]time.Duration, error) {
	entries, err := os.ReadDir(filepath.Join(dir, smallFolder))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, err := os.ReadFile(filepath.Join(dir, smallFolder, e.Name())); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
