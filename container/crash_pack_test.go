// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// faultyFile fails one of the steps by which a package is written.
type faultyFile struct {
	outputFile
	steps   *[]string
	fail    int // the step that fails, from 1; 0 for none
	failure error

	mu sync.Mutex // several write at a time
}

func (f *faultyFile) step(name string, do func() error) error {
	f.mu.Lock()
	*f.steps = append(*f.steps, name)
	number := len(*f.steps)
	f.mu.Unlock()
	if number == f.fail {
		return f.failure
	}
	return do()
}

func (f *faultyFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.step("write", func() (err error) {
		n, err = f.outputFile.WriteAt(p, off)
		return err
	})
	if err != nil { // a disk becomes full in the middle
		n, _ = f.outputFile.WriteAt(p[:len(p)/2], off)
	}
	return n, err
}

func (f *faultyFile) Sync() error { return f.step("sync", f.outputFile.Sync) }

func (f *faultyFile) reserve(size int64) error {
	return f.step("reserve", func() error { return f.outputFile.reserve(size) })
}

func (f *faultyFile) link(target string) error {
	return f.step("link", func() error { return f.outputFile.link(target) })
}

func (f *faultyFile) rename(target string) error {
	return f.step("rename", func() error { return f.outputFile.rename(target) })
}

func (f *faultyFile) syncFolder(target string) error {
	return f.step("sync folder", func() error { return f.outputFile.syncFolder(target) })
}

// TestFailingPack lets every step of packing fail, with an unnamed file and with
// a named one. No output and no temporary file is left, an older package under
// the name is whole, and the next try succeeds.
func TestFailingPack(t *testing.T) {
	x := pack(t, smallModel(), nil)
	older := x.bytes(t)
	src, err := Scan(writeModel(t, x.files), SourceOptions{})
	check(t, err)
	for name, create := range map[string]func(string) (outputFile, error){"as the system does": createTemp, "named": createNamedTemp} {
		for _, replaced := range [][]byte{nil, older} {
			try := func(fail int, failure error) []string {
				dir := t.TempDir()
				y := *x
				y.name = filepath.Join(dir, "model.tgsp")
				if replaced != nil {
					check(t, os.WriteFile(y.name, replaced, 0o644))
				}
				var steps []string
				err := y.packThrough(t, src, func(target string) (outputFile, error) {
					f, err := create(target)
					return &faultyFile{outputFile: f, steps: &steps, fail: fail, failure: failure}, err
				})
				if !errors.Is(err, failure) {
					t.Fatalf("%s: step %d of %v fails, and pack gives %v", name, fail, steps, err)
				}
				files, err := os.ReadDir(dir)
				check(t, err)
				switch {
				case fail == 0 || steps[fail-1] == "sync folder": // it has its name already
					check(t, y.verify())
				case replaced == nil && len(files) == 0:
				case replaced != nil && len(files) == 1 && bytes.Equal(y.bytes(t), replaced):
				default:
					t.Fatalf("%s: after step %d of %v failed there is %v", name, fail, steps, files)
				}
				check(t, y.packThrough(t, src, create))
				check(t, y.verify())
				return steps
			}
			steps := try(0, nil)
			for i := range steps {
				try(i+1, []error{syscall.EIO, syscall.ENOSPC}[i%2])
			}
			t.Logf("%s, replacing %v: %d steps failed: %q", name, replaced != nil, len(steps), slices.Compact(steps))
		}
	}
}

// packThrough packs the model again, under the fixture's name.
func (x *fixture) packThrough(t *testing.T, src *Source, create func(string) (outputFile, error)) error {
	_, err := packThrough(t.Context(), create, x.name, src, x.options())
	return err
}

// simOutput is a file without a name on a simulated disk. At each step the power
// may fail.
type simOutput struct {
	*simDisk
	t      *testing.T
	x      *fixture
	named  bool // the folder may show it under the target's name
	stored bool // and does so after a power failure
	states int
}

func (f *simOutput) Close() error              { return nil }
func (f *simOutput) startWriteback(_, _ int64) {}
func (f *simOutput) link(string) error         { f.powerFails(); return nil }
func (f *simOutput) remove()                   {}
func (f *simOutput) rename(string) error       { f.named = true; f.powerFails(); return nil }
func (f *simOutput) syncFolder(string) error   { f.stored = true; f.powerFails(); return nil }
func (f *simOutput) reserve(size int64) error {
	f.simDisk = newSimDisk(make([]byte, size))
	f.hook = func(_ *simDisk, data []byte, _ int64) (int, error) {
		f.powerFails()
		return len(data), nil
	}
	return nil
}

// powerFails checks what the folder may then show: the package whole, where the
// name may have reached the disk, and otherwise what was there before.
func (f *simOutput) powerFails() {
	if !f.named {
		f.states++ // whatever is stored of a file without a name
		return
	}
	f.images(64, rand.New(rand.NewPCG(3, 4)), func(image []byte) {
		f.states++
		check(f.t, f.x.verifyBytes(image))
	})
}

// TestPackCutOff cuts packing off at every write, sync and change of the folder.
// Whenever the package's name can be seen, the package is whole.
func TestPackCutOff(t *testing.T) {
	x := pack(t, smallModel(), nil)
	src, err := Scan(writeModel(t, x.files), SourceOptions{})
	check(t, err)
	x.name = filepath.Join(t.TempDir(), "model.tgsp")
	f := &simOutput{t: t, x: x}
	check(t, x.packThrough(t, src, func(string) (outputFile, error) { return f, nil }))
	if !f.named || !f.stored {
		t.Error("packed, and the name may be lost")
	}
	f.powerFails()
	t.Logf("%d writes and syncs, %d states", f.ops, f.states)
}
