// SPDX-License-Identifier: Apache-2.0

package authority

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
	"github.com/tensorguard/tgsp/crypto/fleet"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// Publish signs a fleet file with what the fleet is now, and makes the entries of
// all agents: anew in a new epoch, else of those who came since. It works in
// memory that does not grow with their number.
func (s *Store) Publish(ctx context.Context, now time.Time, validFor time.Duration, progress func(done, total int64)) (*fleet.File, error) {
	if validFor > 0 {
		s.meta.ValidFor = uint64(validFor / time.Second) // positive
	}
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	serial := s.meta.Serial + 1
	w, err := s.newEntryWriter(serial)
	if err != nil {
		return nil, err
	}
	defer w.discard()
	old, err := s.reusable()
	if err != nil {
		return nil, err
	}
	defer old.close()
	err = s.wrapAll(ctx, secrets[0], old, func(e *fleet.Entry) error {
		if progress != nil {
			progress(w.tree.Agents()+1, s.Agents())
		}
		return w.add(e)
	})
	if err != nil {
		return nil, err
	}
	root, err := w.finish()
	if err != nil {
		return nil, err
	}
	file, err := fleet.Sign(s.key, fleet.FileSpec{
		Name: s.meta.Name, Serial: serial, KEM: s.meta.KEM, IssuedAt: now, ValidUntil: now.Add(time.Duration(s.meta.ValidFor) * time.Second), //nolint:gosec // bounded when it was given
		Agents: w.tree.Agents(), EntriesHash: root, Secrets: secrets,
	})
	if err != nil {
		return nil, err
	}
	old.close() // Windows removes nothing that is open
	if err := w.commit(); err != nil {
		return nil, err
	}
	err = s.update(func(*bolt.Tx) error {
		s.meta.Serial, s.meta.Entries, s.meta.File, s.meta.Pending = serial, s.meta.Epoch, file.Bytes(), false
		return nil
	})
	if err != nil {
		return nil, err
	}
	return file, s.removeEntriesBut(serial)
}

// Names of the files of one publication.
func packedName(serial uint64) string { return fmt.Sprintf("entries-%d", serial) }
func nodesName(serial uint64) string  { return fmt.Sprintf("tree-%d", serial) }

// entryWriter writes the entries of a publication and the tree over them.
type entryWriter struct {
	dir           string
	serial        uint64
	packed, nodes *os.File
	packedBuf     *bufio.Writer
	nodesBuf      *bufio.Writer
	tree          *fleet.Committer
	scratch       []byte
	committed     bool
}

func (s *Store) newEntryWriter(serial uint64) (*entryWriter, error) {
	// A publication that was cut off may have left files of the same names.
	create := func(name string) (*os.File, error) {
		return sysfile.OpenPrivate(filepath.Join(s.dir, name), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	}
	packed, err := create(packedName(serial))
	if err != nil {
		return nil, err
	}
	nodes, err := create(nodesName(serial))
	if err != nil {
		return nil, errors.Join(err, packed.Close())
	}
	const buffer = 1 << 20
	w := &entryWriter{dir: s.dir, serial: serial, packed: packed, nodes: nodes}
	w.packedBuf, w.nodesBuf = bufio.NewWriterSize(packed, buffer), bufio.NewWriterSize(nodes, buffer)
	w.tree = fleet.NewCommitter(w.nodesBuf)
	return w, nil
}

func (w *entryWriter) add(e *fleet.Entry) error {
	if err := w.tree.Add(e); err != nil {
		return err
	}
	w.scratch = e.AppendPacked(w.scratch[:0])
	_, err := w.packedBuf.Write(w.scratch)
	return err
}

func (w *entryWriter) finish() (fleet.Hash, error) {
	if err := errors.Join(w.packedBuf.Flush(), w.nodesBuf.Flush()); err != nil {
		return fleet.Hash{}, err
	}
	return w.tree.Root()
}

// commit makes the files and their names durable. What names them is written
// afterwards.
func (w *entryWriter) commit() error {
	err := errors.Join(w.packed.Sync(), w.nodes.Sync())
	if err == nil {
		err = durable.SyncFolder(w.dir)
	}
	w.committed = err == nil
	return err
}

// discard closes the files, and removes them where they were not committed.
func (w *entryWriter) discard() {
	w.packed.Close() //nolint:errcheck,gosec // commit has synced what counts
	w.nodes.Close()  //nolint:errcheck,gosec // as above
	if !w.committed {
		os.Remove(w.packed.Name()) //nolint:errcheck,gosec // the next publication takes the name again
		os.Remove(w.nodes.Name())  //nolint:errcheck,gosec // as above
	}
}

// removeEntriesBut removes the files of earlier publications.
func (s *Store) removeEntriesBut(serial uint64) error {
	names, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		ours := strings.HasPrefix(n.Name(), "entries-") || strings.HasPrefix(n.Name(), "tree-")
		if ours && n.Name() != packedName(serial) && n.Name() != nodesName(serial) {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, n.Name())))
		}
	}
	return err
}

// PublishedEntries are the entries that the fleet file commits to.
type PublishedEntries struct {
	fleet.Entries
	files []*os.File
}

// Published opens the entries of the last publication.
func (s *Store) Published() (*PublishedEntries, error) {
	file, err := s.File()
	if err != nil {
		return nil, err
	}
	p := &PublishedEntries{}
	for _, name := range []string{packedName(s.meta.Serial), nodesName(s.meta.Serial)} {
		f, err := os.Open(filepath.Join(s.dir, name))
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.files = append(p.files, f)
	}
	p.Entries = fleet.Entries{Count: file.Agents(), KEM: file.KEM(), Packed: p.files[0], Nodes: p.files[1]}
	return p, nil
}

// Close closes the files.
func (p *PublishedEntries) Close() (err error) {
	for _, f := range p.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// oldEntries gives entries again that were made for the same epoch before. They
// are asked for in the order of agents.
type oldEntries struct {
	files *PublishedEntries // nil where there are none
	r     *bufio.Reader
	next  *fleet.Entry
}

// reusable opens the entries of the last publication, where it was of this epoch.
func (s *Store) reusable() (*oldEntries, error) {
	if len(s.meta.File) == 0 || s.meta.Entries != s.meta.Epoch {
		return &oldEntries{}, nil
	}
	p, err := s.Published()
	if errors.Is(err, os.ErrNotExist) {
		return &oldEntries{}, nil // they are made anew
	}
	if err != nil {
		return nil, err
	}
	whole := io.NewSectionReader(p.Packed, 0, p.Count*int64(fleet.EntrySize(p.KEM)))
	return &oldEntries{files: p, r: bufio.NewReaderSize(whole, 1<<20)}, nil
}

// take returns the entry of an agent, or nil where it has none yet.
func (o *oldEntries) take(agent fleet.AgentID) (*fleet.Entry, error) {
	for o.files != nil {
		if o.next == nil {
			b := make([]byte, fleet.EntrySize(o.files.KEM))
			if _, err := io.ReadFull(o.r, b); errors.Is(err, io.EOF) {
				return nil, nil
			} else if err != nil {
				return nil, err
			}
			var err error
			if o.next, err = fleet.UnpackEntry(o.files.KEM, b); err != nil {
				return nil, err
			}
		}
		switch bytes.Compare(o.next.Agent[:], agent[:]) {
		case 0:
			e := o.next
			o.next = nil
			return e, nil
		case 1:
			return nil, nil
		}
		o.next = nil
	}
	return nil, nil
}

func (o *oldEntries) close() {
	if o.files != nil {
		o.files.Close() //nolint:errcheck,gosec // only read
		o.files = nil
	}
}
