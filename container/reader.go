// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// Reader gives the contents of an opened package. It is safe for concurrent use.
type Reader struct {
	accepted *Accepted
	opened   atomic.Pointer[openedContents] // nil when it was closed
}

// openedContents is what was decrypted or decrypts. A read takes it once and
// keeps it to its end; when the last read that began before Close has ended,
// nothing leads to it any more.
type openedContents struct {
	index   *indexDoc
	starts  []int64
	payload *payloadReader
}

// closedContents stands for the contents of a closed package: there are none.
var closedContents = &openedContents{index: new(indexDoc)}

// errReaderClosed is what reads give after Close.
var errReaderClosed = fmt.Errorf("the package was closed: %w", os.ErrClosed)

// newReader checks and decrypts the index and prepares the payload.
func newReader(a *Accepted, dek []byte) (*Reader, error) {
	index, starts, err := a.openIndex(dek)
	if err != nil {
		return nil, err
	}
	stream, err := a.payloadStream(dek)
	if err != nil {
		return nil, err
	}
	r := &Reader{accepted: a}
	r.opened.Store(&openedContents{index, starts, newPayloadReader(a.file.src, a.file.layout, a.manifest, stream)})
	return r, nil
}

// contents returns what is open, which after Close is nothing.
func (r *Reader) contents() *openedContents {
	if c := r.opened.Load(); c != nil {
		return c
	}
	return closedContents
}

func (a *Accepted) payloadStream(dek []byte) (*tgspcrypto.Stream, error) {
	m := a.manifest
	stream, err := tgspcrypto.OpenStream(m.Suite, dek, m.PayloadSalt[:], m.PayloadCommitment[:], payloadContext)
	if errors.Is(err, tgspcrypto.ErrCommitment) {
		return nil, &AlteredError{Part: "payload", Offset: a.file.layout.payloadOffset(), Reason: "its key commitment is not this package's key"}
	}
	return stream, err
}

// readIndex returns the encrypted index after checking it against the manifest.
func (a *Accepted) readIndex() ([]byte, error) {
	l := a.file.layout
	sealed := make([]byte, l.index)
	if _, err := a.file.src.ReadAt(sealed, l.indexOffset()); err != nil {
		return nil, shrunk(l.indexOffset(), err)
	}
	if sha256.Sum256(sealed) != a.manifest.IndexHash {
		return nil, &AlteredError{Part: "index", Offset: l.indexOffset(), Reason: "these bytes are not what the author signed"}
	}
	return sealed, nil
}

func (a *Accepted) openIndex(dek []byte) (*indexDoc, []int64, error) {
	sealed, err := a.readIndex()
	if err != nil {
		return nil, nil, err
	}
	plain, err := tgspcrypto.OpenMessage(a.manifest.Suite, dek, sealed, indexContext)
	if err != nil {
		return nil, nil, &AlteredError{Part: "index", Offset: a.file.layout.indexOffset(), Reason: "the author signed it, and it still does not decrypt (" + err.Error() + ")"}
	}
	return parseIndex(plain, int64(a.manifest.PayloadLength)) //nolint:gosec // bounded by validate
}

// Envelope returns the accepted envelope.
func (r *Reader) Envelope() *Envelope { return r.accepted.Envelope }

// Files returns the file table in payload order. It must not be changed. Like
// all that was encrypted it is gone after Close.
func (r *Reader) Files() []Entry { return r.contents().index.Files }

// Folders returns the folders that hold nothing; the others follow from the files.
func (r *Reader) Folders() []string { return r.contents().index.Folders }

// Metadata returns the author's JSON object as it was given, or "".
func (r *Reader) Metadata() string { return r.contents().index.Metadata }

// Weights returns what pack found in the headers of weights files.
func (r *Reader) Weights() []WeightsEntry { return r.contents().index.Weights }

// Place returns where a file's plaintext starts in the payload's plaintext, in
// bytes. It must not be called after Close.
func (r *Reader) Place(file int) int64 { return r.contents().starts[file] }

// ReadFileAt reads from a file at an offset, as io.ReaderAt does. Every byte it
// returns was checked against the signed tree and then decrypted. An
// *AlteredError names the file and where in it the damage begins, which is the
// same for all reads that meet it. After Close it returns an error that is
// os.ErrClosed; a read that is under way then ends as if nothing had happened, or
// with an error.
func (r *Reader) ReadFileAt(file int, p []byte, off int64) (int, error) {
	c := r.opened.Load()
	if c == nil {
		return 0, errReaderClosed
	}
	entry := &c.index.Files[file]
	size := int64(entry.Size) //nolint:gosec // bounded by extents
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	if off >= size {
		return 0, io.EOF
	}
	short := int64(len(p)) > size-off
	if short {
		p = p[:size-off]
	}
	n, err := c.payload.readAt(p, c.starts[file]+off)
	if err != nil {
		if altered := new(AlteredError); errors.As(err, &altered) {
			err = &AlteredError{altered.Part, entry.Path, c.place(r.accepted.file.layout, file, altered), altered.Reason}
		}
		return n, err
	}
	if short {
		err = io.EOF
	}
	return n, err
}

// place returns where in a file something begins that is wrong in the package.
func (c *openedContents) place(l layout, file int, e *AlteredError) int64 {
	leaf := (e.Offset - l.payloadOffset()) / LeafSize
	if e.Part == "tree" { // the tile of these leaves
		leaf = (e.Offset - l.treeOffset()) / int64(len(Hash{}))
	}
	off := leaf*leafPlaintext - c.starts[file]
	return min(max(off, 0), int64(c.index.Files[file].Size)) //nolint:gosec // bounded by extents
}

// DirectIO reports whether the package is read past the system's page cache.
func (r *Reader) DirectIO() bool {
	d, ok := r.accepted.file.src.(*diskSource)
	return ok && d.directFile() != nil
}

// Close forgets what was decrypted and the keys, and closes the package. Buffers
// that held plaintext are overwritten, those of reads under way when they end.
// Keys that the standard library has expanded cannot be: they are left to the
// garbage collector. Closing again only returns an error.
func (r *Reader) Close() error {
	if c := r.opened.Swap(nil); c != nil {
		c.payload.forget()
	}
	return r.accepted.file.Close()
}
