// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// inSlots puts one envelope of the given generation into each slot, each signed by
// its own key. Generation 0 leaves a slot with damage instead.
func inSlots(t *testing.T, o *opened, generations [2]uint64, keys [2]*tgspcrypto.AuthorKey) slots {
	t.Helper()
	for i, generation := range generations {
		slot := o.data[o.layout.slotOffset(i):][:o.layout.slotSize]
		clear(slot)
		if slot[9] = 1; generation == 0 {
			continue
		}
		doc := o.doc
		doc.Generation = generation
		e, err := doc.seal(keys[i], o.layout)
		check(t, err)
		b, err := encodeSlot(e, o.layout.slotSize)
		check(t, err)
		copy(slot, b)
	}
	f, err := NewFile(bytes.NewReader(o.data), int64(len(o.data)))
	check(t, err)
	return f.slots
}

// TestChoiceOfSlots has envelopes of all ranks in the two slots: trusted ones come
// before others, then the highest generation counts. Where none is trusted, the
// refusal is about the one that would have been taken.
func TestChoiceOfSlots(t *testing.T) {
	o := takeApart(t)
	trusted, stranger, another := o.author, tgspcrypto.GenerateAuthorKey(), tgspcrypto.GenerateAuthorKey()
	for what, c := range map[string]struct {
		generations [2]uint64
		keys        [2]*tgspcrypto.AuthorKey
		slot, any   int
		refused     bool
	}{
		"newer in A":              {[2]uint64{3, 2}, [2]*tgspcrypto.AuthorKey{trusted, trusted}, 0, 0, false},
		"newer in B":              {[2]uint64{2, 3}, [2]*tgspcrypto.AuthorKey{trusted, trusted}, 1, 1, false},
		"equal":                   {[2]uint64{2, 2}, [2]*tgspcrypto.AuthorKey{trusted, trusted}, 0, 0, false},
		"trusted in A, older":     {[2]uint64{2, 9}, [2]*tgspcrypto.AuthorKey{trusted, stranger}, 0, 1, false},
		"trusted in B, older":     {[2]uint64{9, 2}, [2]*tgspcrypto.AuthorKey{stranger, trusted}, 1, 0, false},
		"trusted in A, newer":     {[2]uint64{9, 2}, [2]*tgspcrypto.AuthorKey{trusted, stranger}, 0, 0, false},
		"trusted in B, newer":     {[2]uint64{2, 9}, [2]*tgspcrypto.AuthorKey{stranger, trusted}, 1, 1, false},
		"strangers, newer in A":   {[2]uint64{3, 2}, [2]*tgspcrypto.AuthorKey{stranger, another}, 0, 0, true},
		"strangers, newer in B":   {[2]uint64{2, 3}, [2]*tgspcrypto.AuthorKey{stranger, another}, 1, 1, true},
		"strangers, equal":        {[2]uint64{2, 2}, [2]*tgspcrypto.AuthorKey{stranger, another}, 0, 0, true},
		"trusted beside damage":   {[2]uint64{0, 2}, [2]*tgspcrypto.AuthorKey{nil, trusted}, 1, 1, false},
		"stranger beside damage":  {[2]uint64{2, 0}, [2]*tgspcrypto.AuthorKey{stranger, nil}, 0, 0, true},
		"stranger after damage":   {[2]uint64{0, 7}, [2]*tgspcrypto.AuthorKey{nil, stranger}, 1, 1, true},
		"trusted in front of one": {[2]uint64{7, 0}, [2]*tgspcrypto.AuthorKey{trusted, nil}, 0, 0, false},
	} {
		s := inSlots(t, o, c.generations, c.keys)
		got, err := s.choose(o.trust())
		switch {
		case got != c.slot:
			t.Errorf("%s: slot %d, %v", what, got, err)
		case !c.refused && err != nil:
			t.Errorf("%s: %v", what, err)
		case c.refused && (!errors.As(err, new(*UntrustedError)) || !strings.Contains(err.Error(), c.keys[c.slot].Public().String())):
			t.Errorf("%s: %v, want a refusal of %s", what, err, c.keys[c.slot].Public())
		}
		if got, err := s.choose(nil); got != c.any || err != nil {
			t.Errorf("%s, without trust: slot %d, %v", what, got, err)
		}
		if got, want := s.generation(), max(c.generations[0], c.generations[1]); got != want {
			t.Errorf("%s: generation %d, want %d", what, got, want)
		}
	}
}

// secondReading gives other slots when they are read for the second time, or fails.
type secondReading struct {
	*bytes.Reader
	layout   layout
	second   []byte // nil to fail
	readings int
}

func (s *secondReading) ReadAt(p []byte, off int64) (int, error) {
	if off == s.layout.slotOffset(0) && int64(len(p)) == 2*s.layout.slotSize {
		if s.readings++; s.readings == 2 {
			if s.second == nil {
				return 0, errStorage
			}
			return copy(p, s.second), nil
		}
	}
	return s.Reader.ReadAt(p, off)
}

// TestSecondReadingCounts reads slots that look like a change again, under the
// lock: what is found then is the package, if it can be read.
func TestSecondReadingCounts(t *testing.T) {
	o := takeApart(t)
	whole := bytes.Clone(o.data[o.layout.slotOffset(0):o.layout.indexOffset()])
	inSlots(t, o, [2]uint64{7, 0}, [2]*tgspcrypto.AuthorKey{o.author, nil})
	torn := o.data[o.layout.slotOffset(0):o.layout.indexOffset()]
	for what, c := range map[string]struct {
		second     []byte
		generation uint64
		unfinished bool
	}{"ended meanwhile": {whole, 1, false}, "cut off": {torn, 7, true}} {
		src := &secondReading{bytes.NewReader(o.data), o.layout, c.second, 0}
		f, err := NewFile(src, int64(len(o.data)))
		check(t, err)
		if got := f.Claims().Generation(); got != c.generation || (f.Unfinished() != nil) != c.unfinished || src.readings != 2 {
			t.Errorf("a change that was %s: generation %d, %v, after %d readings", what, got, f.Unfinished(), src.readings)
		}
	}
	src := &secondReading{bytes.NewReader(o.data), o.layout, nil, 0}
	if _, err := NewFile(src, int64(len(o.data))); !errors.Is(err, errStorage) || src.readings != 2 {
		t.Errorf("storage that fails: %v, after %d readings", err, src.readings)
	}
}

// TestAllRecipientsAreWrapped packs for several, each of whom can open the package.
func TestAllRecipientsAreWrapped(t *testing.T) {
	identities := []*tgspcrypto.Identity{newIdentity(t, tgspcrypto.X25519), newIdentity(t, tgspcrypto.MLKEM768X25519), newIdentity(t, tgspcrypto.X25519)}
	x := pack(t, smallModel(), func(o *PackOptions) {
		for _, identity := range identities {
			o.Recipients = append(o.Recipients, identity.Recipient())
		}
	})
	check(t, x.verify())
	for i, identity := range identities {
		if err := x.verifyAs(x.trust(), []*tgspcrypto.Identity{identity}); err != nil {
			t.Errorf("recipient %d: %v", i, err)
		}
	}
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	if got := f.Claims().Recipients(); len(got) != 4 || got[2].Type != string(tgspcrypto.MLKEM768X25519) {
		t.Errorf("recipients: %v", got)
	}
}
