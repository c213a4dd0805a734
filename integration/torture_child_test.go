// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// So many processes read at the same time, each with so many threads.
const (
	tortureProcesses = 4
	tortureThreads   = 4
)

// target is one file in both folders.
type target struct {
	plain, mount string
	size         int64
}

// extent is a piece of a file, which may reach past the file's end.
type extent struct {
	target
	offset int64
	length int
}

// torture is the role "torture PLAIN MOUNT SEED TIME".
func torture(args []string) (any, error) {
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return nil, err
	}
	duration, err := time.ParseDuration(args[3])
	if err != nil {
		return nil, err
	}
	targets, err := tortureTargets(args[0], args[1])
	if err != nil {
		return nil, err
	}
	// A page fault keeps its processor in Go's eyes: with one for each thread, and
	// one to spare, all of them can wait for the mount at once.
	runtime.GOMAXPROCS(tortureThreads + 1)
	var (
		report = tortureReport{Done: make(map[string]int)}
		end    = time.Now().Add(duration)
		lock   sync.Mutex
		wait   sync.WaitGroup
	)
	for thread := range tortureThreads {
		wait.Go(func() {
			runtime.LockOSThread()
			rng := rand.New(rand.NewPCG(seed, uint64(thread)))
			for time.Now().Before(end) {
				kind := tortureKinds[rng.IntN(len(tortureKinds))]
				x := randomExtent(rng, targets)
				n, err := x.check(kind.read)
				lock.Lock()
				report.Done[kind.name]++
				report.Bytes += int64(n)
				if err != nil && len(report.Problems) < 20 {
					report.Problems = append(report.Problems, fmt.Sprintf("%s of %d bytes at %d of %s: %v",
						kind.name, x.length, x.offset, x.mount, err))
				}
				lock.Unlock()
			}
		})
	}
	wait.Wait()
	return report, nil
}

// tortureTargets lists all files, large ones several times, so that small files
// are hit too but do not take most of the reads.
func tortureTargets(plain, mount string) ([]target, error) {
	var list []target
	err := fs.WalkDir(os.DirFS(plain), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		times := 1
		if info.Size() > 1<<20 {
			times = 8
		}
		for range times {
			list = append(list, target{filepath.Join(plain, path), filepath.Join(mount, path), info.Size()})
		}
		return nil
	})
	return list, err
}

// randomExtent prefers what is easily wrong: edges of chunks (16,384), leaves
// (65,536), requests (1 MiB) and files, a byte to either side.
func randomExtent(rng *rand.Rand, targets []target) extent {
	x := extent{target: targets[rng.IntN(len(targets))]}
	edges := []int64{16384, 65536, 1 << 20}
	near := func(n int64) int64 {
		if rng.IntN(2) == 0 {
			return n
		}
		edge := edges[rng.IntN(len(edges))]
		return n/edge*edge + rng.Int64N(3) - 1
	}
	x.offset = max(0, near(rng.Int64N(x.size+4096)))
	limit := []int64{1, 4096, 70_000, 1 << 20, 5 << 20}[rng.IntN(5)]
	x.length = int(max(1, near(1+rng.Int64N(limit))))
	if rng.IntN(8) == 0 {
		x.offset = max(0, x.size-int64(x.length)+rng.Int64N(3)-1)
	}
	return x
}

// check compares what a kind of read gives for the extent with a plain read, and
// returns how many bytes were compared.
func (x extent) check(read func(extent) ([]byte, error)) (int, error) {
	f, err := os.Open(x.plain)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	want, err := readAt(f, x)
	if err != nil {
		return 0, fmt.Errorf("plain file: %w", err)
	}
	got, err := read(x)
	if err != nil {
		return 0, err
	}
	if bytes.Equal(want, got) {
		return len(want), nil
	}
	i := 0
	for i < min(len(want), len(got)) && want[i] == got[i] {
		i++
	}
	return i, fmt.Errorf("got %d bytes, want %d; the first difference is at %d", len(got), len(want), i)
}
