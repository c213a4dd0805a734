// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"fmt"

	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// How a fleet file and a bundle begin in their one form: the head of the map and
// its first key.
const (
	fileStart   = "\xa2\x68document"
	bundleStart = "\xa3\x66absent"
)

// read takes a bundle apart, element by element. Nothing of it was found signed
// yet, so that no list is made as long as it claims to be: of elements of one byte
// each it would be a hundred times as large as the bundle.
func (d *bundleDoc) read(data []byte) (err error) {
	rest := data[1:] // the head of the map
	if d.Absent, rest, err = readList[absentDoc](rest, "absent"); err != nil {
		return err
	}
	if d.Members, rest, err = readList[memberDoc](rest, "members"); err != nil {
		return err
	}
	if rest, err = readKey(rest, "fleet_file"); err != nil {
		return err
	}
	const head = 5 // of a byte string of so many bytes
	if len(rest) > head+maxFile {
		return fmt.Errorf("fleet_file: %d bytes, and at most %d are allowed", len(rest), maxFile)
	}
	return dcbor.Decode(rest, &d.File)
}

// readList reads a list of the map, and returns what follows it.
func readList[E any](data []byte, key string) (list []E, rest []byte, err error) {
	if rest, err = readKey(data, key); err != nil {
		return nil, nil, err
	}
	n, rest, err := dcbor.ArrayHead(rest)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", key, err)
	}
	for i := range n {
		var e E
		// A longer one ends too early.
		window := rest[:min(len(rest), maxElement)]
		after, err := dcbor.DecodeFirst(window, &e)
		if err != nil {
			return nil, nil, fmt.Errorf("%s, element %d, of %d bytes at most: %w", key, i, maxElement, err)
		}
		list, rest = append(list, e), rest[len(window)-len(after):]
	}
	return list, rest, nil
}

// readKey reads a key of the map, and returns its value and what follows.
func readKey(data []byte, key string) ([]byte, error) {
	rest, found := bytes.CutPrefix(data, dcbor.Encode(key))
	if !found {
		return nil, fmt.Errorf("want %s where something else stands", key)
	}
	return rest, nil
}
