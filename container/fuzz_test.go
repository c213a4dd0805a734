// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/tensorguard/tgsp/container/kit"
)

// What reading may allocate, whatever an input claims about itself: so many
// bytes for each byte of the input, and so many besides.
const (
	memoryPerByte = 128
	memoryBase    = 512 << 10
)

// inMemory runs f on an input of so many bytes and fails the test where it
// allocates more than its bound. The runtime's counter is cheap to read and
// rises in steps, so only what seems too much is measured exactly. f must do
// the same when it is run again.
func inMemory(t *testing.T, input int, f func()) {
	t.Helper()
	bound := uint64(memoryBase + memoryPerByte*input)
	counter := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(counter)
	before := counter[0].Value.Uint64()
	f()
	metrics.Read(counter)
	if counter[0].Value.Uint64()-before <= bound {
		return
	}
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	f()
	runtime.ReadMemStats(&to)
	if n := to.TotalAlloc - from.TotalAlloc; n > bound {
		t.Errorf("%d bytes allocated for an input of %d", n, input)
	}
}

// typed makes sure that an error, or nil, is of a kind that callers can tell.
func typed(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.As(err, new(*FormatError)), errors.As(err, new(*SignatureError)), errors.As(err, new(*UntrustedError)),
		errors.As(err, new(*AlteredError)), errors.As(err, new(*NoKeyError)), errors.As(err, new(*PolicyError)), errors.As(err, new(*ClockError)), errors.As(err, new(*UnfinishedError)):
	default:
		t.Errorf("an error of no known kind: %T %v", err, err)
	}
}

// seedPackages are the packages whose parts fuzzers start from.
func seedPackages(f *testing.F) [][]byte {
	f.Helper()
	names, err := filepath.Glob(filepath.Join(frozen, "*.tgsp"))
	check(f, err)
	if len(names) == 0 {
		f.Fatal("no package to start from")
	}
	var all [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		check(f, err)
		all = append(all, data)
	}
	return all
}

// packagesOfKit are the packages of the test kit, each with its own defect.
func packagesOfKit(f *testing.F) [][]byte {
	f.Helper()
	cases, err := kit.ReadAll(kitDir)
	check(f, err)
	var all [][]byte
	for _, c := range cases {
		if len(c.Package) > 0 {
			all = append(all, c.Package)
		}
	}
	return all
}

// seedEnvelopes are the envelopes in the packages that fuzzers start from.
func seedEnvelopes(f *testing.F) []*Envelope {
	f.Helper()
	var all []*Envelope
	for _, data := range seedPackages(f) {
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err == nil {
			all = append(all, file.Claims())
		}
	}
	return all
}
