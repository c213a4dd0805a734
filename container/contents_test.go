// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
)

// TestContentsEndEarly cuts the plaintext of a payload off after every byte. All of
// the index's files have to have been there, empty ones at the end too.
func TestContentsEndEarly(t *testing.T) {
	files := [][]byte{[]byte("abc"), {}, []byte("de"), {}}
	whole := bytes.Join(files, nil)
	for length := range len(whole) + 1 {
		c := &contentsCheck{index: &indexDoc{}, digest: sha256.New()}
		for _, data := range files {
			c.index.Files = append(c.index.Files, Entry{Path: "x", Size: uint64(len(data)), SHA256: sha256.Sum256(data)})
		}
		var err error
		c.starts, _, err = extents(c.index.Files)
		check(t, err)
		check(t, c.write(whole[:length]))
		altered := new(AlteredError)
		err = c.finish()
		if length == len(whole) && err != nil || length < len(whole) && (!errors.As(err, &altered) || altered.Part != "payload") {
			t.Errorf("%d bytes of %d: %v", length, len(whole), err)
		}
	}
}
