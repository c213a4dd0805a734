// SPDX-License-Identifier: Apache-2.0

package container

import (
	"encoding/binary"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// Contexts of the two encrypted messages (FORMAT.md, section 5).
const (
	indexContext   = "tgsp/v1 index"
	payloadContext = "tgsp/v1 payload"
)

// Permission bits that an entry may have.
const (
	modeFile       = 0o644
	modeExecutable = 0o755
)

// indexPrefix is the length field before the index's CBOR: 4 bytes, big-endian.
const indexPrefix = 4

// Entry is one file of a package.
type Entry struct {
	_      struct{} `cbor:",toarray"`
	Path   string   // slash-separated, relative; see CheckPath
	Size   uint64   // bytes
	Mode   uint64   // permission bits: 0644, or 0755 for an executable
	SHA256 Hash     // of the plaintext
}

// WeightsEntry is what pack found in the header of one weights file.
type WeightsEntry struct {
	_    struct{} `cbor:",toarray"`
	File uint64   // which of the index's files, from 0
	Info WeightsInfo
}

// indexDoc is the encrypted file table and private metadata.
type indexDoc struct {
	Files    []Entry        `cbor:"files"`              // in payload order
	Folders  []string       `cbor:"folders"`            // those that hold nothing
	Metadata string         `cbor:"metadata,omitempty"` // a JSON object, as the author gave it
	Weights  []WeightsEntry `cbor:"weights,omitempty"`
}

// extents returns where each file starts in the payload's plaintext, and the
// plaintext's length. Files of alignFrom bytes and more start on a leaf
// boundary; the others follow tightly.
func extents(files []Entry) (starts []int64, end int64, err error) {
	starts = make([]int64, len(files))
	for i, f := range files {
		if f.Size > maxPayload {
			return nil, 0, malformed("index", "file %q of %d bytes", f.Path, f.Size)
		}
		if f.Size >= alignFrom {
			end = roundUp(end, leafPlaintext)
		}
		starts[i] = end
		end += int64(f.Size)
		if end > maxPayload {
			return nil, 0, malformed("index", "the files' sizes add up to more than a package can hold")
		}
	}
	return starts, end, nil
}

// parseIndex decodes the index's plaintext and checks everything in it: names,
// sizes against the payload, references. It returns where each file starts.
func parseIndex(plain []byte, payload int64) (*indexDoc, []int64, error) {
	const part = "index"
	if len(plain) < indexPrefix {
		return nil, nil, malformed(part, "%d bytes", len(plain))
	}
	n := int64(binary.BigEndian.Uint32(plain))
	if n > int64(len(plain)-indexPrefix) {
		return nil, nil, malformed(part, "a table of %d bytes in an index of %d", n, len(plain))
	}
	table, rest := plain[indexPrefix:indexPrefix+n], plain[indexPrefix+n:]
	if !allZero(rest) {
		return nil, nil, malformed(part, "unused bytes are not zero")
	}
	doc := new(indexDoc)
	if err := decode(part, table, doc); err != nil {
		return nil, nil, err
	}
	if err := doc.validate(); err != nil {
		return nil, nil, err
	}
	starts, end, err := extents(doc.Files)
	if err != nil {
		return nil, nil, err
	}
	if end != payload {
		return nil, nil, malformed(part, "the files take %d bytes and the payload has %d", end, payload)
	}
	return doc, starts, nil
}

func (d *indexDoc) validate() error {
	const part = "index"
	files := make([]string, len(d.Files))
	for i, f := range d.Files {
		if f.Mode != modeFile && f.Mode != modeExecutable {
			return malformed(part, "file %q has mode %o", f.Path, f.Mode)
		}
		files[i] = f.Path
	}
	if err := CheckPaths(files, d.Folders); err != nil {
		return malformed(part, "%v", err)
	}
	if d.Metadata != "" {
		if err := CheckMetadata([]byte(d.Metadata)); err != nil {
			return malformed(part, "%v", err)
		}
	}
	next := uint64(0) // references rise, so each file has at most one
	for _, w := range d.Weights {
		if w.File < next || w.File >= uint64(len(d.Files)) {
			return malformed(part, "metadata of weights for file number %d of %d", w.File, len(d.Files))
		}
		next = w.File + 1
	}
	return nil
}

// tableSize returns the length that the table will have at most, before hashes
// and findings are known, so that the sections behind the index have their place
// before the first byte is packed.
func (d *indexDoc) tableSize(weights int) int64 {
	size := int64(len(encode(d)))
	if weights > 0 {
		const field = 16 // the name of the field and the array's head
		const entry = 16 // the pair's head and the file's number
		size += field + int64(weights)*(entry+maxWeightsInfoBytes)
	}
	return size
}

// indexPlainSize returns the length of the index's plaintext for a table: whole
// pages, which also hides how long the names are, to some degree.
func indexPlainSize(table int64) int64 { return roundUp(indexPrefix+table, pageSize) }

// seal encrypts the index in exactly size bytes of plaintext.
func (d *indexDoc) seal(suite tgspcrypto.Suite, dek, salt []byte, size int64) ([]byte, error) {
	table := encode(d)
	if int64(len(table)) > size-indexPrefix {
		return nil, malformed("index", "the table needs %d bytes and %d were kept for it", len(table), size-indexPrefix)
	}
	plain := make([]byte, size)
	binary.BigEndian.PutUint32(plain, uint32(len(table))) //nolint:gosec // at most maxIndex
	copy(plain[indexPrefix:], table)
	return tgspcrypto.SealMessageUnder(suite, dek, salt, plain, indexContext)
}
