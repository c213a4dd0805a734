// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// PackOptions says what a package is to be.
type PackOptions struct {
	PackageID   string
	Version     string
	CreatedAt   time.Time
	Policy      Policy
	Annotations map[string]string // public
	Metadata    []byte            // private: a JSON object, kept as it is; may be empty
	Suite       tgspcrypto.Suite  // empty for the default
	LeafHash    LeafHash          // empty for the default

	Author     *tgspcrypto.AuthorKey
	Recipients []*tgspcrypto.Recipient
	// Fleet, in place of Recipients, makes a package that opens for this fleet
	// alone: the policy names it.
	Fleet *FleetEpoch

	Progress func(done, total int64) // plaintext bytes; may be nil

	// Seed is for tests alone: whoever has it reads the package. Everything random
	// but the recipients' encapsulations follows from it, so that index, tree and
	// payload come out the same for the same model.
	Seed *[32]byte
}

// PackSummary says what Pack has made.
type PackSummary struct {
	Envelope *Envelope // nil where nothing was made
	Files    int
	Bytes    int64 // of all files
	Size     int64 // of the package
}

// Plan returns what Pack would make of a model, without reading its files: all but
// the envelope.
func Plan(src *Source, o PackOptions) (*PackSummary, error) {
	w, err := newWriter(src, o)
	if err != nil {
		return nil, err
	}
	clear(w.dek)
	return &PackSummary{nil, len(src.Files), w.bytes, w.layout.fileSize()}, nil
}

// Pack encrypts a model into a new package. Each input byte is read once and
// memory does not grow with the model, only with the number of files. The
// package appears under its name whole and synced, in place of an older one, or
// not at all. A file that changes meanwhile is an error.
func Pack(ctx context.Context, out string, src *Source, o PackOptions) (*PackSummary, error) {
	return packThrough(ctx, createTemp, out, src, o)
}

// packThrough is Pack through a file of the caller's making.
func packThrough(ctx context.Context, create func(target string) (outputFile, error), out string, src *Source, o PackOptions) (*PackSummary, error) {
	w, err := newWriter(src, o)
	if err != nil {
		return nil, err
	}
	defer clear(w.dek)
	f, err := createOutput(out, w.layout.fileSize(), create)
	if err != nil {
		return nil, err
	}
	defer f.end()
	if w.manifest.ContentHash, err = w.writePayload(ctx, f); err != nil {
		return nil, err
	}
	envelope, err := w.writeFront(f)
	if err != nil {
		return nil, err
	}
	if err := f.commit(); err != nil {
		return nil, err
	}
	return &PackSummary{envelope, len(src.Files), w.bytes, w.layout.fileSize()}, nil
}

// writer is a package being made.
type writer struct {
	opts     PackOptions
	files    []SourceFile // in payload order
	index    *indexDoc
	bytes    int64
	dek      []byte
	random   io.Reader
	stream   *tgspcrypto.Stream
	manifest *Manifest
	layout   layout
}

// newWriter settles where everything will lie, before a byte is read.
func newWriter(src *Source, o PackOptions) (*writer, error) {
	if o.Author == nil || len(o.Recipients) == 0 && o.Fleet == nil {
		return nil, errors.New("a package needs an author's key and at least one recipient")
	}
	if o.Fleet != nil {
		if len(o.Recipients) > 0 {
			return nil, errors.New("a package for a fleet has no recipients of its own")
		}
		o.Policy.TargetFleet = o.Fleet.Fleet[:]
	}
	if len(o.Recipients) > maxRecipients {
		return nil, fmt.Errorf("%d recipients, and a package has at most %d", len(o.Recipients), maxRecipients)
	}
	if o.Suite == "" {
		o.Suite = tgspcrypto.AES256GCM
	}
	if o.LeafHash == "" {
		o.LeafHash = SHA256
	}
	w := &writer{opts: o, files: payloadOrder(src.Files), dek: make([]byte, tgspcrypto.KeySize), random: rand.Reader}
	if o.Seed != nil {
		w.random = mathrand.NewChaCha8(*o.Seed)
	}
	if err := w.draw(w.dek); err != nil {
		return nil, err
	}
	if err := w.makeIndex(src.Folders); err != nil {
		return nil, err
	}
	return w, w.makeManifest()
}

// draw fills b with random bytes.
func (w *writer) draw(b []byte) error {
	_, err := io.ReadFull(w.random, b)
	return err
}

// payloadOrder puts small files, which include configuration and tokenizer,
// before the large ones, each kind sorted by path. A reader that starts at the
// front then has what it needs to begin.
func payloadOrder(files []SourceFile) []SourceFile {
	ordered := make([]SourceFile, 0, len(files))
	for _, f := range files {
		if f.Size < alignFrom {
			ordered = append(ordered, f)
		}
	}
	for _, f := range files {
		if f.Size >= alignFrom {
			ordered = append(ordered, f)
		}
	}
	return ordered
}

// makeIndex fills the file table but for hashes and findings, and places the
// sections behind it.
func (w *writer) makeIndex(folders []string) error {
	w.index = &indexDoc{Files: make([]Entry, len(w.files)), Folders: folders, Metadata: string(w.opts.Metadata)}
	if folders == nil {
		w.index.Folders = []string{}
	}
	weights, atLeast := 0, int64(0)
	for i, f := range w.files {
		mode := uint64(modeFile)
		if f.Executable {
			mode = modeExecutable
		}
		w.index.Files[i] = Entry{Path: f.Path, Size: uint64(f.Size), Mode: mode} //nolint:gosec // a size is never negative
		w.bytes += f.Size
		atLeast += int64(len(f.Path) + len(Hash{}))
		if hasWeightsHeader(f.Path) {
			weights++
		}
	}
	// Far too many names are refused before a table is made of them.
	if err := w.indexFits(atLeast); err != nil {
		return err
	}
	if err := w.index.validate(); err != nil {
		return err
	}
	_, end, err := extents(w.index.Files)
	if err != nil {
		return err
	}
	w.layout.payload = tgspcrypto.CiphertextSize(end)
	w.layout.tree = treeSize(w.layout.leaves())
	w.layout.index = tgspcrypto.MessageSize(indexPlainSize(w.index.tableSize(weights)))
	return w.indexFits(w.layout.index)
}

func (w *writer) indexFits(size int64) error {
	if size > maxIndex {
		return fmt.Errorf("the table of %d files needs %d bytes, and a package's index has at most %d", len(w.files), size, int64(maxIndex))
	}
	return nil
}

func (w *writer) makeManifest() error {
	o := w.opts
	plain, err := tgspcrypto.PlaintextSize(w.layout.payload)
	if err != nil {
		return err
	}
	w.manifest = &Manifest{
		FormatVersion: FormatVersion,
		PackageID:     o.PackageID,
		Version:       o.Version,
		AuthorID:      o.Author.Public().ID(),
		CreatedAt:     uint64(o.CreatedAt.Unix()), //nolint:gosec // validate refuses what wraps
		Policy:        o.Policy,
		Annotations:   o.Annotations,
		Suite:         o.Suite,
		LeafHash:      o.LeafHash,
		SlotSize:      minSlot,
		IndexLength:   uint64(w.layout.index), //nolint:gosec // never negative
		TreeLength:    uint64(w.layout.tree),  //nolint:gosec // never negative
		PayloadLength: uint64(plain),          //nolint:gosec // never negative
	}
	if err := w.draw(w.manifest.PayloadSalt[:]); err != nil {
		return err
	}
	if w.stream, err = tgspcrypto.NewStream(o.Suite, w.dek, w.manifest.PayloadSalt[:], payloadContext); err != nil {
		return err
	}
	w.manifest.PayloadCommitment = w.stream.Commitment()
	if w.manifest.SlotSize, err = slotSizeFor(w.manifest, o.Recipients, o.Fleet); err != nil {
		return err
	}
	w.layout.slotSize = int64(w.manifest.SlotSize) //nolint:gosec // at most maxSlot
	_, err = parseManifest(encode(w.manifest))
	return err
}

// slotSizeFor returns a slot with twice the room that the envelope needs, for
// the recipients and signatures that come later.
func slotSizeFor(m *Manifest, recipients []*tgspcrypto.Recipient, fleet *FleetEpoch) (uint64, error) {
	const fixed, each = 1024, 64 // field names and signatures; field names of a stanza
	need := int64(fixed + len(encode(m)))
	if fleet != nil {
		need += int64(fleet.Key.KEM().EncapsulationSize() + wrappedKeySize + 2*each)
	}
	for _, r := range recipients {
		need += int64(r.KEM().EncapsulationSize() + wrappedKeySize + each)
	}
	if need > maxSlot {
		return 0, fmt.Errorf("%d recipients of these kinds need %d bytes, and an envelope has at most %d", len(recipients), need, maxSlot)
	}
	return uint64(min(max(roundUp(2*need, pageSize), minSlot), maxSlot)), nil // bounded
}

// writePayload encrypts all files and writes payload and tree. It returns the
// tree's root.
func (w *writer) writePayload(ctx context.Context, f *output) (Hash, error) {
	in := newPayloadInput(w)
	defer in.close()
	l := w.layout
	tiles := newTileStream(l.leaves(), func(off int64, tile []byte) error {
		return f.writeAt(tile, l.treeOffset()+off)
	})
	batches := newBatches(2*packWorkers()+2, l)
	hashes := newFileHashes(w.index)
	written := int64(0)
	err := ordered(ctx, packWorkers(), batches, in.fill,
		func(b *batch) error {
			b.seal(w.stream, w.manifest.LeafHash)
			off, _ := l.leafRange(b.leaf)
			return f.stream(b.cipher, l.payloadOffset()+off)
		},
		func(b *batch) error {
			for _, digest := range b.digests {
				if err := tiles.builder.add(digest); err != nil {
					return err
				}
			}
			hashes.take(b)
			written += int64(len(b.plain))
			if w.opts.Progress != nil {
				w.opts.Progress(written, int64(w.manifest.PayloadLength)) //nolint:gosec // bounded by validate
			}
			return nil
		})
	if err != nil {
		return Hash{}, err
	}
	return tiles.finish()
}

// writeFront writes what stands before the tree, now that all hashes are known.
func (w *writer) writeFront(f *output) (*Envelope, error) {
	indexPlain, err := tgspcrypto.MessagePlaintextSize(w.layout.index)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, tgspcrypto.SaltSize)
	if err := w.draw(salt); err != nil {
		return nil, err
	}
	sealed, err := w.index.seal(w.manifest.Suite, w.dek, salt, indexPlain)
	if err != nil {
		return nil, err
	}
	w.manifest.IndexHash = sha256.Sum256(sealed)
	doc := &envelopeDoc{Generation: 1, Manifest: encode(w.manifest)}
	if err := doc.wrapTo(w.opts.Recipients, w.opts.Fleet, w.dek); err != nil {
		return nil, err
	}
	doc.sign(w.opts.Author)
	envelope, err := doc.seal(w.opts.Author, w.layout)
	if err != nil {
		return nil, err
	}
	slotA, err := encodeSlot(envelope, w.layout.slotSize)
	if err != nil {
		return nil, err
	}
	return envelope, errors.Join(
		f.writeAt(w.layout.encode(), 0),
		f.writeAt(slotA, w.layout.slotOffset(0)),
		f.writeAt(sealed, w.layout.indexOffset()),
	)
}
