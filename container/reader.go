// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"errors"
	"io"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// Reader gives the contents of an opened package. It is safe for concurrent use.
type Reader struct {
	accepted *Accepted
	index    *indexDoc
	starts   []int64
	payload  *payloadReader
}

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
	return &Reader{a, index, starts, newPayloadReader(a.file.src, a.file.layout, a.manifest, stream)}, nil
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

// Files returns the file table in payload order. It must not be changed.
func (r *Reader) Files() []Entry { return r.index.Files }

// Folders returns the folders that hold nothing; the others follow from the files.
func (r *Reader) Folders() []string { return r.index.Folders }

// Metadata returns the author's JSON object as it was given, or "".
func (r *Reader) Metadata() string { return r.index.Metadata }

// Weights returns what pack found in the headers of weights files.
func (r *Reader) Weights() []WeightsEntry { return r.index.Weights }

// Place returns where a file's plaintext starts in the payload's plaintext, in bytes.
func (r *Reader) Place(file int) int64 { return r.starts[file] }

// ReadFileAt reads from a file at an offset, as io.ReaderAt does. Every byte it
// returns was checked against the signed tree and then decrypted. An
// *AlteredError names the file and where in it the damage begins, which is the
// same for all reads that meet it.
func (r *Reader) ReadFileAt(file int, p []byte, off int64) (int, error) {
	entry := &r.index.Files[file]
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
	n, err := r.payload.readAt(p, r.starts[file]+off)
	if err != nil {
		if altered := new(AlteredError); errors.As(err, &altered) {
			err = &AlteredError{altered.Part, entry.Path, r.place(file, altered), altered.Reason}
		}
		return n, err
	}
	if short {
		err = io.EOF
	}
	return n, err
}

// place returns where in a file something begins that is wrong in the package.
func (r *Reader) place(file int, e *AlteredError) int64 {
	l := r.accepted.file.layout
	leaf := (e.Offset - l.payloadOffset()) / LeafSize
	if e.Part == "tree" { // the tile of these leaves
		leaf = (e.Offset - l.treeOffset()) / int64(len(Hash{}))
	}
	off := leaf*leafPlaintext - r.starts[file]
	return min(max(off, 0), int64(r.index.Files[file].Size)) //nolint:gosec // bounded by extents
}

// DirectIO reports whether the package is read past the system's page cache.
func (r *Reader) DirectIO() bool {
	d, ok := r.accepted.file.src.(*diskSource)
	return ok && d.directFile() != nil
}

// Close forgets what was decrypted and closes the package.
func (r *Reader) Close() error {
	r.payload.forget()
	return r.accepted.file.Close()
}
