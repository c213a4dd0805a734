// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"bytes"
	"errors"
	"io"
	iofs "io/fs"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/tensorguard/tgsp/container"
	tgspfs "github.com/tensorguard/tgsp/fs"
)

// open packs files and opens the package; damage may change its bytes before.
func open(t *testing.T, files map[string][]byte, damage func(pkg []byte)) *tgspfs.FS {
	t.Helper()
	p := pack(t, files, container.PackOptions{})
	if damage != nil {
		damage(p.data)
	}
	f, err := container.NewFile(bytes.NewReader(p.data), int64(len(p.data)))
	check(t, err)
	r, err := p.reader(f)
	check(t, err)
	return tgspfs.New(r)
}

func model() map[string][]byte {
	random := rand.NewChaCha8([32]byte{1})
	files := map[string][]byte{"empty": {}, "a": make([]byte, 1), "weights/one": make([]byte, 65600), "weights/deep/two": make([]byte, 300_000), "z ü": make([]byte, 16384)}
	for _, data := range files {
		random.Read(data) //nolint:errcheck // never fails
	}
	return files
}

func TestFS(t *testing.T) {
	check(t, fstest.TestFS(open(t, model(), nil), "empty", "a", "weights/one", "weights/deep/two", "z ü", "empty folder/inside"))
}

func TestContentsAndAttributes(t *testing.T) {
	files := model()
	f := open(t, files, nil)
	for name, want := range files {
		got, err := f.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", name, err)
		}
		info, err := f.Stat(name)
		check(t, err)
		if info.Size() != int64(len(want)) || !info.ModTime().Equal(created) || info.Mode() != 0o444 {
			t.Errorf("%s: %v", name, info)
		}
	}
}

func TestReadAtFromManyGoroutines(t *testing.T) {
	files := model()
	f := open(t, files, nil)
	want := files["weights/deep/two"]
	file, err := f.Open("weights/deep/two")
	check(t, err)
	at := file.(io.ReaderAt)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 100 {
				from := random.IntN(len(want))
				p := make([]byte, 1+random.IntN(len(want)-from))
				if n, err := at.ReadAt(p, int64(from)); n != len(p) || err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(p, want[from:from+n]) {
					t.Errorf("%d bytes from %d: %d, %v", len(p), from, n, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSeek(t *testing.T) {
	files := model()
	f, err := open(t, files, nil).Open("weights/one")
	check(t, err)
	pos, err := f.(io.Seeker).Seek(-10, io.SeekEnd)
	check(t, err)
	if pos != 65590 {
		t.Errorf("at %d", pos)
	}
	rest, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(rest, files["weights/one"][65590:]) {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}

func TestAlteredByteIsNotRead(t *testing.T) {
	f := open(t, model(), func(pkg []byte) { pkg[len(pkg)-1] ^= 1 })
	failed := 0
	for name := range model() {
		if _, err := f.ReadFile(name); err != nil {
			failed++
			if altered := new(container.AlteredError); !errors.As(err, &altered) || altered.Path != name {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if failed == 0 {
		t.Error("an altered package reads")
	}
}

func TestErrors(t *testing.T) {
	f := open(t, model(), nil)
	for name, want := range map[string]error{"nothing": iofs.ErrNotExist, "../a": iofs.ErrInvalid, "/a": iofs.ErrInvalid, "a/b": iofs.ErrNotExist, "": iofs.ErrInvalid} {
		if _, err := f.Open(name); !errors.Is(err, want) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := f.ReadFile(name); !errors.Is(err, want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := f.ReadFile("weights"); err == nil {
		t.Error("a folder was read")
	}
	if _, err := f.ReadDir("a"); err == nil {
		t.Error("a file was listed")
	}
}
