// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// TestSlotIsFilled has envelopes that fill their slot to the last byte, and one
// byte more.
func TestSlotIsFilled(t *testing.T) {
	o := takeApart(t)
	size := o.layout.slotSize
	full := func(length int64) (*Envelope, error) {
		o.doc.Recipients = []cbor.RawMessage{o.doc.Recipients[0]}
		for {
			doc := o.doc
			rest := length - slotPrefix - int64(len(encode(doc)))
			if rest <= maxStanza {
				o.doc.Recipients = append(o.doc.Recipients, paddedEntry(int(rest)))
				break
			}
			o.doc.Recipients = append(o.doc.Recipients, paddedEntry(maxStanza/2))
		}
		return o.doc.seal(o.author, o.layout)
	}
	e, err := full(size)
	check(t, err)
	data, err := encodeSlot(e, size)
	check(t, err)
	if back := parseSlot(data, o.layout); back.err != nil || back.envelope == nil || data[size-1] == 0 && bytes.Equal(data[size-64:], make([]byte, 64)) {
		t.Errorf("a full slot: %v", back.err)
	}
	e, err = full(size + 1)
	check(t, err)
	if _, err := encodeSlot(e, size); err == nil || !strings.Contains(err.Error(), "65537 bytes") || !strings.Contains(err.Error(), "65536") {
		t.Errorf("one byte more than fits: %v", err)
	}
}

// TestUnfinishedSaysWhere makes sure that the slot that is bad is named.
func TestUnfinishedSaysWhere(t *testing.T) {
	for bad, name := range []string{"slot A", "slot B"} {
		o := takeApart(t)
		copy(o.data[o.layout.slotOffset(1-bad):], bytes.Clone(o.data[o.layout.slotOffset(0):o.layout.slotOffset(1)]))
		slot := o.data[o.layout.slotOffset(bad):][:o.layout.slotSize]
		clear(slot)
		slot[9] = 1
		e := new(UnfinishedError)
		if err := o.verifyBytes(o.data); !errors.As(err, &e) || !strings.Contains(err.Error(), name+" holds no valid envelope") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
