// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync/atomic"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// contentsCheck takes the payload's plaintext from front to end, splits it into
// files and compares each with its hash in the index.
type contentsCheck struct {
	index  *indexDoc
	starts []int64
	stream *tgspcrypto.Stream
	tree   *treeReader
	hash   LeafHash
	base   int64 // of the payload in the package
	sink   ContentsSink

	pos    int64
	next   int // file that is being taken
	taking bool
	left   int64
	digest hash.Hash
	out    io.WriteCloser
	bytes  int64

	failed atomic.Bool // what stopped the work is about the contents, not about the bytes that hold them
}

func (a *Accepted) newContentsCheck(o VerifyOptions) (*contentsCheck, error) {
	if err := a.checkFleet(o.Facts); err != nil {
		return nil, err
	}
	dek, err := a.dataKey(o.Facts, o.Identities)
	if err != nil {
		return nil, err
	}
	defer clear(dek)
	c := &contentsCheck{digest: sha256.New(), sink: o.Contents, hash: a.manifest.LeafHash, base: a.file.layout.payloadOffset()}
	c.tree = newTreeReader(a.file.src, a.file.layout, a.manifest.ContentHash)
	if c.index, c.starts, err = a.openIndex(dek); err != nil {
		return nil, err
	}
	if c.stream, err = a.payloadStream(dek); err != nil {
		return nil, err
	}
	if c.sink != nil {
		for _, folder := range c.index.Folders {
			if err := c.sink.Folder(folder); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// open decrypts a batch, after its hashes were found right: what the author did
// not sign is not decrypted.
func (c *contentsCheck) open(b *batch) error {
	for i, digest := range b.digests {
		if err := c.tree.check(b.leaf+int64(i), digest); err != nil {
			return err
		}
	}
	return c.fault(b.open(c.stream, c.base))
}

// write takes the next bytes of the payload.
func (c *contentsCheck) write(p []byte) error {
	for {
		if !c.taking {
			if c.next == len(c.index.Files) {
				return c.padding(p)
			}
			if pad := min(c.starts[c.next]-c.pos, int64(len(p))); pad > 0 {
				if err := c.padding(p[:pad]); err != nil {
					return err
				}
				p = p[pad:]
			}
			if c.pos < c.starts[c.next] {
				return nil
			}
			if err := c.begin(); err != nil {
				return err
			}
		}
		n := min(c.left, int64(len(p)))
		if err := c.take(p[:n]); err != nil {
			return err
		}
		p = p[n:]
		if c.left > 0 {
			return nil
		}
		if err := c.end(); err != nil {
			return err
		}
	}
}

func (c *contentsCheck) padding(p []byte) error {
	if !allZero(p) {
		return &AlteredError{Part: "padding", Offset: c.pos, Reason: "the bytes between two files are not zero"}
	}
	c.pos += int64(len(p))
	return nil
}

func (c *contentsCheck) begin() (err error) {
	entry := c.index.Files[c.next]
	c.taking, c.left = true, int64(entry.Size) //nolint:gosec // bounded by extents
	c.digest.Reset()
	if c.sink != nil {
		c.out, err = c.sink.File(entry)
	}
	return err
}

func (c *contentsCheck) take(p []byte) error {
	c.digest.Write(p)
	c.pos += int64(len(p))
	c.left -= int64(len(p))
	c.bytes += int64(len(p))
	if c.out == nil {
		return nil
	}
	_, err := c.out.Write(p)
	return err
}

func (c *contentsCheck) end() error {
	entry := c.index.Files[c.next]
	if Hash(c.digest.Sum(nil)) != entry.SHA256 {
		return &AlteredError{Part: "file", Path: entry.Path, Reason: "its contents are not those that the index names"}
	}
	c.next++
	c.taking = false
	if c.out == nil {
		return nil
	}
	out := c.out
	c.out = nil
	return out.Close()
}

// finish makes sure that every file was there to its end.
func (c *contentsCheck) finish() error {
	if c.next < len(c.index.Files) { // also where it is being taken
		return &AlteredError{Part: "payload", Offset: c.base, Reason: "it ends before the last file does"}
	}
	return nil
}

// fault remembers that an error is about the contents.
func (c *contentsCheck) fault(err error) error {
	if err != nil {
		c.failed.Store(true)
	}
	return err
}

// check returns which check an error was about that stopped the work.
func (c *contentsCheck) check() Check {
	if c != nil && c.failed.Load() {
		return CheckContents
	}
	return CheckHashTree
}

// abort closes the file that an error left open, if contents are checked at all.
func (c *contentsCheck) abort(err error) error {
	if c != nil && c.out != nil {
		err = errors.Join(err, c.out.Close())
		c.out = nil
	}
	return err
}

func notSigned(off int64) error {
	return &AlteredError{Part: "payload", Offset: off, Reason: "these bytes are not what the author signed"}
}
