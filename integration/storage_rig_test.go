// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// Numbers of FORMAT.md: plaintext and ciphertext of a leaf, bytes of a hash, and the size from which a file starts on a leaf.
const (
	leafPlain  = 64 << 10
	leafSealed = leafPlain + 4*16
	hashSize   = 32
	alignFrom  = 8 << 20
)

// groundFiles are small enough to be read again and again: the weights of
// "far.bin" lie in two tiles, those of "near.bin" in the second alone.
var groundFiles = map[string]int64{"config.json": 300, "far.bin": 18 << 20, "near.bin": 8<<20 + 17, "sub/tokens": 70_000}

var groundModel = sync.OnceValues(func() (plainModel, error) {
	m := plainModel{dir: filepath.Join(lab.scratch, "ground"), files: len(groundFiles)}
	random := rand.NewChaCha8([32]byte{9})
	for name, size := range groundFiles {
		data := make([]byte, size)
		random.Read(data) //nolint:errcheck // never fails
		path := filepath.Join(m.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			return m, err
		}
		m.bytes += size
	}
	return m, nil
})

// ground is the model that is damaged beneath its mount.
func ground(t *testing.T) plainModel {
	t.Helper()
	return must(groundModel())(t)
}

// packGround packs the model once more.
func packGround(u *rig.User, pkg string) error {
	m, err := groundModel()
	if err != nil {
		return err
	}
	if r := u.Run("pack", m.dir, "-o", pkg); r.Code != 0 {
		return fmt.Errorf("%s", r)
	}
	return nil
}

// groundPackages holds the model's package of each user.
var groundPackages sync.Map // *rig.User -> func() (string, error)

// groundPackage is a copy of the user's package for one test to damage.
func groundPackage(t *testing.T, u *rig.User) string {
	t.Helper()
	f, _ := groundPackages.LoadOrStore(u, sync.OnceValues(func() (string, error) {
		pkg := filepath.Join(u.Dir, "ground.tgsp")
		return pkg, packGround(u, pkg)
	}))
	pkg := filepath.Join(folder(t, u), "ground.tgsp")
	if err := copyFile(must(f.(func() (string, error))())(t), pkg, 0o644); err != nil {
		t.Fatal(err)
	}
	return pkg
}

// places is where things lie in a package.
type places struct{ tree, payload, size int64 }

// findPlaces reads them from the preamble (FORMAT.md, section 3).
func findPlaces(t *testing.T, pkg string) places {
	t.Helper()
	b := must(os.ReadFile(pkg))(t)
	slot, index, tree := binary.BigEndian.Uint32(b[12:]), binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:])
	p := places{tree: 4096 + 2*int64(slot) + int64(index), size: int64(len(b))}
	p.payload = (p.tree + int64(tree) + 4095) / 4096 * 4096
	return p
}

// at is where the leaf that holds a byte of a file begins in the package. Small
// files come first, then large ones, each on a leaf of its own; both by name.
func (p places) at(name string, off int64) int64 {
	names := slices.SortedFunc(maps.Keys(groundFiles), func(a, b string) int {
		largeA, largeB := groundFiles[a] >= alignFrom, groundFiles[b] >= alignFrom
		if largeA != largeB {
			return cmp.Compare(groundFiles[a], groundFiles[b])
		}
		return cmp.Compare(a, b)
	})
	var start int64
	for _, n := range names {
		if groundFiles[n] >= alignFrom {
			start = (start + leafPlain - 1) / leafPlain * leafPlain
		}
		if n == name {
			break
		}
		start += groundFiles[n]
	}
	return p.payload + (start+off)/leafPlain*leafSealed
}

// storage is a file system with troubles, served by a process of its own.
type storage struct {
	pkg     string // the package on it
	dir     string
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *json.Decoder
}

// newStorage shows a package on storage that the test can give troubles.
func newStorage(t *testing.T, u *rig.User, pkg string) *storage {
	t.Helper()
	s := &storage{dir: subfolder(t, u, folder(t, u), "storage")}
	s.pkg = filepath.Join(s.dir, filepath.Base(pkg))
	s.cmd = childCommand(u, "storage", pkg, s.dir)
	s.cmd.Stderr = os.Stderr
	s.orders = must(s.cmd.StdinPipe())(t)
	s.answers = json.NewDecoder(must(s.cmd.StdoutPipe())(t))
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t) })
	if n := s.waiting(t); n != 0 {
		t.Fatalf("%d reads hang at the start", n)
	}
	return s
}

// suffer gives the storage these troubles and no others.
func (s *storage) suffer(t *testing.T, list ...trouble) {
	t.Helper()
	if list == nil {
		list = []trouble{}
	}
	s.tell(t, list)
}

// waiting is how many reads hang.
func (s *storage) waiting(t *testing.T) int {
	t.Helper()
	return s.tell(t, nil)
}

func (s *storage) tell(t *testing.T, list []trouble) (hanging int) {
	t.Helper()
	err := json.NewEncoder(s.orders).Encode(list)
	if err = errors.Join(err, s.answers.Decode(&hanging)); err != nil {
		t.Fatal(err)
	}
	return hanging
}

// kill ends the storage's process, as a crash does. Its mount stays, and gives
// errors from then on.
func (s *storage) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // it says that the process was killed
}

// end stops the process, if it still runs, and takes away what a dead one leaves.
func (s *storage) end(t *testing.T) {
	if s.cmd.ProcessState == nil {
		if err := errors.Join(s.orders.Close(), s.cmd.Wait()); err != nil {
			t.Error(err)
		}
	}
	if err := unix.Unmount(s.dir, unix.MNT_DETACH); errors.Is(err, syscall.EPERM) {
		_ = exec.Command("fusermount3", "-u", "-z", s.dir).Run() // it says when nothing is left to do
	}
}

// onStorage mounts a fresh package that lies on troubled storage.
func onStorage(t *testing.T, u *rig.User) (*storage, *rig.Mount, places) {
	t.Helper()
	pkg := groundPackage(t, u)
	s := newStorage(t, u, pkg)
	return s, mountForeground(t, u, s.pkg), findPlaces(t, pkg)
}

// wantRefused fails the test unless exactly the named files could not be read,
// for the only reason that is allowed.
func wantRefused(t *testing.T, c comparison, names ...string) {
	t.Helper()
	var refused []string
	for _, p := range c.Problems {
		if p.Errno != syscall.EIO {
			t.Errorf("%s: %s, want %v", p.Path, p.What, syscall.EIO)
		}
		refused = append(refused, p.Path)
	}
	slices.Sort(refused)
	if !slices.Equal(refused, names) || c.Files != len(groundFiles) {
		t.Errorf("of %d files %q cannot be read, want %q", c.Files, refused, names)
	}
}

// refusal is how the daemon logs a failed read.
var refusal = regexp.MustCompile(`level=ERROR msg="read refused" file=(\S+) offset=\d+ reason="(.+)"\n`)

// refusals are the reasons in the daemon's log for failed reads, by file. None
// may stand there twice.
func refusals(t *testing.T, m *rig.Mount) map[string][]string {
	t.Helper()
	log := m.Log()
	found := make(map[string][]string)
	for _, line := range refusal.FindAllStringSubmatch(log, -1) {
		file, reason := line[1], line[2]
		if slices.Contains(found[file], reason) {
			t.Errorf("the log tells it twice: %s", line[0])
		}
		found[file] = append(found[file], reason)
	}
	if errs := strings.Count(log, "level=ERROR"); errs == 0 || errs != len(refusal.FindAllString(log, -1)) {
		t.Errorf("%d errors in the log, not all are refused reads with file, offset and reason:\n%s", errs, log)
	}
	return found
}
