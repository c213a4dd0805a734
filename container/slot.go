// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// slotPrefix is the length field before an envelope: 4 bytes, big-endian.
const slotPrefix = 4

// slot is what one of the two slots of a file was found to hold.
type slot struct {
	empty    bool
	envelope *Envelope // nil where the slot is empty or err is set
	err      error     // why it holds no valid envelope
}

// encodeSlot returns the slot's bytes for an envelope; it fails where the
// envelope is too large for it.
func encodeSlot(e *Envelope, size int64) ([]byte, error) {
	data := encode(e.doc)
	if int64(len(data)+slotPrefix) > size {
		return nil, fmt.Errorf("the envelope needs %d bytes and this package's slots have %d: it has too many recipients; pack it again with more room", len(data)+slotPrefix, size)
	}
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(len(data))) //nolint:gosec // at most maxSlot
	copy(b[slotPrefix:], data)
	return b, nil
}

func parseSlot(b []byte, l layout) slot {
	if allZero(b) {
		return slot{empty: true}
	}
	n := int64(binary.BigEndian.Uint32(b))
	if n > int64(len(b)-slotPrefix) {
		return slot{err: malformed("slot", "an envelope of %d bytes in a slot of %d", n, len(b))}
	}
	data, rest := b[slotPrefix:slotPrefix+n], b[slotPrefix+n:]
	if !allZero(rest) {
		return slot{err: malformed("slot", "unused bytes are not zero")}
	}
	e, err := parseEnvelope(data, l)
	if err != nil {
		return slot{err: err}
	}
	return slot{envelope: e}
}

// slots is the changeable part of a file as one reading found it.
type slots [2]slot

// readSlots reads both slots with one request, so that a change in between is
// seen as seldom as can be. It returns errLocked where a lock of another program
// keeps it from reading.
func readSlots(r io.ReaderAt, l layout) ([]byte, error) {
	b := make([]byte, 2*l.slotSize)
	if _, err := r.ReadAt(b, l.slotOffset(0)); err != nil {
		if keptOut(err) {
			err = errLocked
		}
		return nil, fmt.Errorf("reading the envelope: %w", err)
	}
	return b, nil
}

func parseSlots(b []byte, l layout) slots {
	return slots{parseSlot(b[:l.slotSize], l), parseSlot(b[l.slotSize:], l)}
}

// clean reports whether one slot is valid and the other is empty.
func (s slots) clean() bool {
	return s[0].envelope != nil && s[1].empty || s[1].envelope != nil && s[0].empty
}

// generation returns the highest one of a valid slot, or 0. It tells whether
// somebody changes the package, and nothing else.
func (s slots) generation() uint64 {
	var highest uint64
	for _, c := range s {
		if c.envelope != nil {
			highest = max(highest, c.envelope.Generation())
		}
	}
	return highest
}

// choose returns the slot that a reader takes: trusted ones before others, then
// the highest generation, then the first. Without trust (nil) any valid slot
// counts. The error says why no slot is acceptable.
func (s slots) choose(t *Trust) (int, error) {
	best, trusted := -1, false
	var refusal error
	for i, c := range s {
		if c.envelope == nil {
			continue
		}
		ok := t == nil
		if t != nil {
			err := t.check(c.envelope)
			ok = err == nil
			if best < 0 || (!trusted && c.envelope.Generation() > s[best].envelope.Generation()) { //nolint:gosec // best is -1 or a slot
				refusal = err
			}
		}
		switch {
		case best < 0, ok && !trusted, ok == trusted && c.envelope.Generation() > s[best].envelope.Generation(): //nolint:gosec // best is -1 or a slot
			best, trusted = i, ok
		}
	}
	if best < 0 {
		return -1, s.problem()
	}
	if !trusted {
		return best, refusal
	}
	return best, nil
}

// problem says why neither slot is valid: a wrong signature only where no slot
// has damage that comes before it.
func (s slots) problem() error {
	if s[0].empty && s[1].empty {
		return malformed("envelope", "both slots are empty")
	}
	for _, c := range s {
		if c.err != nil {
			if e := new(FormatError); errors.As(c.err, &e) {
				return c.err
			}
		}
	}
	for _, c := range s {
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// unfinished says what is left of a change that was cut off, or nil.
func (s slots) unfinished() error {
	if s.clean() {
		return nil
	}
	if s[0].envelope != nil && s[1].envelope != nil {
		if bytes.Equal(s[0].envelope.doc.Manifest, s[1].envelope.doc.Manifest) {
			return &UnfinishedError{"both slots are in use"}
		}
		return &UnfinishedError{"both slots are in use, with different manifests"}
	}
	for i, c := range s {
		if c.err != nil {
			return &UnfinishedError{fmt.Sprintf("slot %c holds no valid envelope (%v)", 'A'+i, c.err)}
		}
	}
	return &UnfinishedError{"no slot is in use"}
}
