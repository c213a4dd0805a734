// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// File is a package whose public part was read and parsed. Nothing in it is
// believed before Accept or Verify. It is safe for concurrent use.
type File struct {
	src    source
	layout layout
	slots  slots
}

// source is where a package's bytes come from.
type source interface {
	io.ReaderAt
	// readDirect is ReadAt without leaving the bytes in the system's cache,
	// where that can be had. Buffer, offset and length need not be aligned to
	// be right, only to be fast.
	readDirect(p []byte, off int64) (int, error)
	size() int64 // when it was opened
	end() int64  // now, at most size
	// tryLockShared keeps changes out until the returned function is called. It
	// returns errLocked where one is going on.
	tryLockShared() (unlock func() error, err error)
	io.Closer
}

// OpenFile opens a package. A file that is no package gives a *FormatError, or
// a *SignatureError where no envelope carries right signatures.
func OpenFile(name string) (*File, error) {
	// Looked at before it is opened, which would wait at a named pipe.
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		err = malformed("file", "it is a folder, and a package is a file")
	case err == nil && !info.Mode().IsRegular():
		err = malformed("file", "it is not a regular file")
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return open(newDiskSource(f, info.Size()))
}

// NewFile opens a package of size bytes that lies behind any reader.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	return open(&readerSource{r, size})
}

func open(src source) (*File, error) {
	f := &File{src: src}
	if err := f.read(); err != nil {
		return nil, errors.Join(err, src.Close())
	}
	return f, nil
}

// Close releases the file. Readers opened from it end with it.
func (f *File) Close() error { return f.src.Close() }

// Size returns the length of the package in bytes.
func (f *File) Size() int64 { return f.layout.fileSize() }

// read parses preamble and slots.
func (f *File) read() error {
	head := make([]byte, preambleSize)
	n, err := f.src.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if f.layout, err = parsePreamble(head[:n], f.src.size()); err != nil {
		return err
	}
	if err := f.settle(); err != nil {
		return err
	}
	_, err = f.slots.choose(nil)
	return err
}

// settle reads the slots. What is not one valid slot beside zeros may be another
// program's change going on, so it counts only where it is found while a lock
// keeps changes out. A program that makes one change after the other leaves
// hardly a moment to take the lock, but many to find the slots in order.
func (f *File) settle() error {
	for p := (patience{}); ; {
		err := f.trySettle()
		if !errors.Is(err, errLocked) {
			return err
		}
		if err := p.wait(f.slots.generation()); err != nil {
			return fmt.Errorf("waiting for a change to end: %w", err)
		}
	}
}

// trySettle returns errLocked while another program has a lock.
func (f *File) trySettle() error {
	b, err := readSlots(f.src, f.layout)
	if err != nil {
		return err
	}
	if f.slots = parseSlots(b, f.layout); f.slots.clean() {
		return nil
	}
	unlock, err := f.src.tryLockShared()
	if err != nil {
		return err
	}
	again, err := readSlots(f.src, f.layout)
	if err = errors.Join(err, unlock()); err == nil && !bytes.Equal(again, b) {
		f.slots = parseSlots(again, f.layout)
	}
	return err
}

// Claims returns the envelope that stands in the file, with signatures that are
// right but by keys that nobody has said are trusted. It is for showing, never
// for deciding.
func (f *File) Claims() *Envelope {
	i, err := f.slots.choose(nil)
	if err != nil {
		panic(err) // read has made sure of one
	}
	return f.slots[i].envelope
}

// Unfinished returns an *UnfinishedError where a change of the envelope was cut
// off, or nil. Such a package still opens.
func (f *File) Unfinished() error { return f.slots.unfinished() }

// Accepted is a package whose envelope is signed by trusted keys.
type Accepted struct {
	*Envelope
	file *File
}

// Accept decides whether a package is by somebody trusted. It returns a
// *SignatureError or *UntrustedError where it is not.
func (f *File) Accept(t *Trust) (*Accepted, error) {
	i, err := f.slots.choose(t)
	if err != nil {
		return nil, err
	}
	return &Accepted{f.slots[i].envelope, f}, nil
}

// dataKey returns the key by which index and payload were encrypted.
func (a *Accepted) dataKey(facts Facts, identities []*tgspcrypto.Identity) ([]byte, error) {
	return unwrap(a.recipients, a.doc.Manifest, facts, identities)
}

// checkFleet judges the policy's fleet: its recipients first, then this agent.
func (a *Accepted) checkFleet(facts Facts) error {
	if err := a.checkRecipients(); err != nil {
		return err
	}
	return a.manifest.Policy.checkFleet(facts)
}

// CanOpen reports whether this agent is in the policy's fleet, if there is one,
// and opens the package's key, whatever the time.
func (a *Accepted) CanOpen(facts Facts, identities []*tgspcrypto.Identity) bool {
	if a.checkFleet(facts) != nil {
		return false
	}
	dek, err := a.dataKey(facts, identities)
	clear(dek)
	return err == nil
}

// Open opens the contents. The policy is judged by the facts. It returns a
// *PolicyError, *NoKeyError, *ClockError or *AlteredError; where several hold,
// the fleet comes before the key, and the key before the clock and the time.
func (a *Accepted) Open(facts Facts, identities []*tgspcrypto.Identity) (*Reader, error) {
	if err := a.checkFleet(facts); err != nil {
		return nil, err
	}
	dek, err := a.dataKey(facts, identities)
	if err != nil {
		return nil, err
	}
	defer clear(dek)
	if err := a.checkTime(facts); err != nil {
		return nil, err
	}
	return newReader(a, dek)
}
