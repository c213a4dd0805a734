// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// view is all that readers see of a package, but for its contents.
type view struct {
	generation   uint64
	recipients   int
	signers      int
	version      string
	owner        bool // opens it
	friend, late bool // open it
}

func (v view) same(w view) bool {
	v.generation = w.generation
	return v == w
}

// look opens the package as everybody does who has to do with it. No reader may be refused for another reason than not having the key.
func (m *crashModel) look(t *testing.T, image []byte) view {
	t.Helper()
	f, err := NewFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatalf("neither before nor after: %v", err)
	}
	a, err := f.Accept(m.trust())
	if err != nil {
		t.Fatalf("neither before nor after: %v", err)
	}
	opens := func(id *tgspcrypto.Identity) bool {
		_, err := a.Open(Facts{Now: created}, []*tgspcrypto.Identity{id})
		if err != nil && !errors.As(err, new(*NoKeyError)) {
			t.Fatalf("a reader is refused: %v", err)
		}
		return err == nil
	}
	return view{
		a.Generation(), len(a.Recipients()), len(a.Signers()), a.Manifest().Version,
		opens(m.identity), opens(m.friend), opens(m.late),
	}
}

// readable makes sure that the package's owner reads what was packed.
func (m *crashModel) readable(t *testing.T, image []byte) {
	t.Helper()
	f, err := NewFile(bytes.NewReader(image), int64(len(image)))
	check(t, err)
	a, err := f.Accept(m.trust())
	check(t, err)
	r, err := a.Open(Facts{Now: created}, m.identities())
	check(t, err)
	m.checkContents(t, r)
}

// verifyImage verifies a package as any of its readers.
func (m *crashModel) verifyImage(t *testing.T, image []byte) error {
	t.Helper()
	f, err := NewFile(bytes.NewReader(image), int64(len(image)))
	check(t, err)
	_, err = f.Verify(t.Context(), VerifyOptions{Trust: m.trust()})
	return err
}

func (e *crashes) succeeds(err error, present view) {
	e.Helper()
	if done := e.sign && present.same(e.after); err != nil && !done {
		e.Fatalf("the next try: %v", err)
	}
}

// allowed accepts the state before the change and the one after it, which the
// next try may have counted once more.
func (e *crashes) allowed(v view) {
	e.Helper()
	was := v.same(e.before) && v.generation == e.before.generation
	is := v.same(e.after) && (v.generation == e.after.generation || v.generation == e.after.generation+1)
	if !was && !is {
		e.Fatalf("neither before nor after: %+v", v)
	}
}

// whole makes sure that nothing is left of a change that was cut off, and that
// index, tree and payload are as they were.
func (e *crashes) whole(image []byte) {
	e.Helper()
	f, err := NewFile(bytes.NewReader(image), int64(len(image)))
	check(e.T, err)
	check(e.T, f.Unfinished())
	if body := f.layout.indexOffset(); !bytes.Equal(image[body:], e.start[body:]) {
		e.Fatal("the body was changed")
	}
}

// powerFails checks what a power failure may leave: it opens, it is whole or
// says that it is unfinished, and a change or a repair then ends well.
func (e *crashes) powerFails(d *simDisk) {
	e.Helper()
	d.images(e.limit, e.random, func(image []byte) {
		e.states++
		sum := sha256.Sum256(image[preambleSize:])
		if e.seen[sum] {
			return
		}
		e.seen[sum] = true
		v := e.look(e.T, image)
		e.allowed(v)
		e.readable(e.T, image)
		err := e.verifyImage(e.T, image)
		if err != nil && !errors.As(err, new(*UnfinishedError)) {
			e.Fatalf("verify: %v", err)
		}
		repaired, changed := newSimDisk(image), newSimDisk(image)
		check(e.T, e.through(repaired, func(*Change) error { return nil }))
		if err == nil && !bytes.Equal(repaired.disk, image) {
			e.Error("a repair changes a whole package")
		}
		e.whole(repaired.disk)
		if w := e.look(e.T, repaired.disk); w != v {
			e.Fatalf("repaired from %+v to %+v", v, w)
		}
		e.succeeds(e.through(changed, e.change), v)
		e.whole(changed.disk)
		if w := e.look(e.T, changed.disk); !w.same(e.after) {
			e.Fatalf("changed from %+v to %+v, want %+v", v, w, e.after)
		}
	})
}
