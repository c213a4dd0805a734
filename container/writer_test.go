// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestKeysAreRandom makes sure that no two packages have a key or a salt in common.
func TestKeysAreRandom(t *testing.T) {
	src, err := Scan(writeModel(t, map[string][]byte{"a": {1}}), SourceOptions{})
	check(t, err)
	seen := map[string]string{string(make([]byte, tgspcrypto.KeySize)): "zeros", string(make([]byte, len(Manifest{}.PayloadSalt))): "zeros"}
	for i := range 3 {
		w, err := newWriter(src, packOptions(t))
		check(t, err)
		for what, value := range map[string][]byte{"key": w.dek, "salt": w.manifest.PayloadSalt[:], "commitment": w.manifest.PayloadCommitment[:]} {
			if other, known := seen[string(value)]; known {
				t.Errorf("the %s of package %d is that of %s", what, i, other)
			}
			seen[string(value)] = fmt.Sprint("package ", i)
		}
	}
}

// TestPackSaysWhatItDid reads the summary and the progress, of files at the size
// from which they start on a leaf.
func TestPackSaysWhatItDid(t *testing.T) {
	src, err := Scan(writeModel(t, randomFiles(map[string]int{"a": 100, "b": alignFrom, "c": alignFrom - 1, "d": alignFrom + 1})), SourceOptions{})
	check(t, err)
	o := packOptions(t)
	var progress []int64
	total := int64(0)
	o.Progress = func(done, all int64) { progress, total = append(progress, done), all }
	name := filepath.Join(t.TempDir(), "m.tgsp")
	summary, err := Pack(t.Context(), name, src, o)
	check(t, err)
	f, err := OpenFile(name)
	check(t, err)
	defer f.Close() // only read
	if summary.Files != 4 || summary.Bytes != 100+3*alignFrom || summary.Size != f.Size() || summary.Envelope.ManifestHash() != f.Claims().ManifestHash() {
		t.Errorf("%+v", summary)
	}
	if uint64(total) != f.Claims().Manifest().PayloadLength || len(progress) < int(total/batchPlaintext) || progress[len(progress)-1] != total {
		t.Errorf("progress to %v of %d", progress, total)
	}
	for i := range progress[1:] {
		if progress[i+1] <= progress[i] {
			t.Errorf("progress of %d after %d", progress[i+1], progress[i])
		}
	}
	var order []string
	for _, f := range payloadOrder(src.Files) {
		order = append(order, f.Path)
	}
	if got := strings.Join(order, " "); got != "a c b d" {
		t.Errorf("files in the payload: %s", got)
	}
}

// TestSlotsHaveRoomForTwice looks at the slots for few and for many recipients.
func TestSlotsHaveRoomForTwice(t *testing.T) {
	src, err := Scan(writeModel(t, map[string][]byte{"a": {1}}), SourceOptions{})
	check(t, err)
	small, hybrid := newIdentity(t, tgspcrypto.X25519).Recipient(), newIdentity(t, tgspcrypto.MLKEM768X25519).Recipient()
	times := func(key *tgspcrypto.Recipient, n int) (keys []*tgspcrypto.Recipient) {
		for range n {
			keys = append(keys, key)
		}
		return keys
	}
	o := packOptions(t)
	made := func(keys []*tgspcrypto.Recipient, annotation int) (*Manifest, error) {
		o.Recipients, o.Annotations = keys, map[string]string{"x": strings.Repeat("x", annotation)}
		w, err := newWriter(src, o)
		if err != nil {
			return nil, err
		}
		return w.manifest, nil
	}
	const smallEntry, hybridEntry = 144, 1232
	for _, c := range []struct {
		keys []*tgspcrypto.Recipient
		need int
	}{
		{times(small, 1), smallEntry}, {times(small, 500), 500 * smallEntry}, {times(hybrid, 1), hybridEntry}, {times(hybrid, 50), 50 * hybridEntry},
		{times(hybrid, 100), 100 * hybridEntry}, {times(hybrid, 200), 200 * hybridEntry}, {append(times(hybrid, 30), times(small, 30)...), 30 * (smallEntry + hybridEntry)},
	} {
		m, err := made(c.keys, 0)
		check(t, err)
		if want := min(max(roundUp(2*int64(1024+len(encode(m))+c.need), pageSize), minSlot), maxSlot); int64(m.SlotSize) != want {
			t.Errorf("%d recipients: slots of %d bytes, want %d", len(c.keys), m.SlotSize, want)
		}
	}
	// The manifest takes what is left of the largest slot, and then a byte more.
	m, err := made(times(hybrid, 200), 1000)
	check(t, err)
	rest := maxSlot - 1024 - 200*hybridEntry - len(encode(m))
	if m, err = made(times(hybrid, 200), 1000+rest); err != nil || m.SlotSize != maxSlot {
		t.Errorf("recipients that need all of the largest slot: %v", err)
	}
	if _, err = made(times(hybrid, 200), 1000+rest+1); err == nil || !strings.Contains(err.Error(), "need 262145 bytes, and an envelope has at most 262144") {
		t.Errorf("recipients that need a byte more: %v", err)
	}
}

// TestMostRecipients packs for as many as there may be.
func TestMostRecipients(t *testing.T) {
	x := pack(t, map[string][]byte{"a": {1}}, func(o *PackOptions) {
		for len(o.Recipients) < maxRecipients {
			o.Recipients = append(o.Recipients, newIdentity(t, tgspcrypto.X25519).Recipient())
		}
	})
	check(t, x.verify())
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	if n := len(f.Claims().Recipients()); n != maxRecipients {
		t.Errorf("%d recipients", n)
	}
}

// TestLargestIndex asks whether an index at the limit fits, and one byte more.
func TestLargestIndex(t *testing.T) {
	w := new(writer)
	check(t, w.indexFits(maxIndex))
	if w.indexFits(maxIndex+1) == nil {
		t.Error("an index past the limit fits")
	}
}
