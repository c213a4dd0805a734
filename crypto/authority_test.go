// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

// epochSecret is a secret of an authority's fleet.
func epochSecret(authority *AuthorityKey) *EpochSecret {
	return &EpochSecret{Fleet: authority.Public().FleetID(), Epoch: 7, Secret: [EpochSecretSize]byte{1, 2, 3}}
}

func TestAuthorityKey(t *testing.T) {
	key := GenerateAuthorityKey()
	public, err := ParseAuthorityPublicKey(key.Public().String())
	if err != nil || public != key.Public() {
		t.Errorf("%v", err)
	}
	back, err := ParseAuthorityKey(key.SecretLine())
	if err != nil || back.Public() != key.Public() {
		t.Errorf("%v", err)
	}
	if raw, err := NewAuthorityPublicKey(public.Bytes()); err != nil || raw != public {
		t.Errorf("%v", err)
	}
	seed := bytes.Repeat([]byte{7}, 32)
	first, err := NewAuthorityKey(seed)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := NewAuthorityKey(seed); err != nil || second.Public() != first.Public() || first.Public() == public {
		t.Errorf("one seed gives %s and %s, %v", first.Public(), second.Public(), err)
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := NewAuthorityPublicKey(make([]byte, n)); err == nil {
			t.Errorf("a public key of %d bytes was taken", n)
		}
		if _, err := NewAuthorityKey(make([]byte, n)); err == nil {
			t.Errorf("a secret key of %d bytes was taken", n)
		}
	}
	for _, y := range smallOrder {
		if _, err := NewAuthorityPublicKey(unhex(t, y)); !errors.Is(err, ErrLowOrder) {
			t.Errorf("%s: %v", y, err)
		}
		if _, err := ParseAuthorityPublicKey(formatLine(lineAuthority, unhex(t, y))); !errors.Is(err, ErrLowOrder) {
			t.Errorf("%s: %v", y, err)
		}
	}
}

func TestFleetID(t *testing.T) {
	key := GenerateAuthorityKey().Public()
	sum := sha256.Sum256(key.Bytes())
	id := key.FleetID()
	if want := hex.EncodeToString(sum[:]); id.String() != want || id.ShortID() != want[:8] {
		t.Errorf("%s and %s, want %s", id, id.ShortID(), want)
	}
}

func TestAuthoritySignature(t *testing.T) {
	key := GenerateAuthorityKey()
	sig := key.Sign("type", []byte("body"))
	if !key.Public().Verify("type", []byte("body"), sig) {
		t.Fatal("a right signature is refused")
	}
	for name, ok := range map[string]bool{
		"another type": key.Public().Verify("typf", []byte("body"), sig),
		"another body": key.Public().Verify("type", []byte("bodz"), sig),
		"another key":  GenerateAuthorityKey().Public().Verify("type", []byte("body"), sig),
		"none":         key.Public().Verify("type", []byte("body"), nil),
		"zero key":     AuthorityPublicKey{}.Verify("type", []byte("body"), sig),
	} {
		if ok {
			t.Errorf("%s: was taken", name)
		}
	}
}

// An epoch's secret has one line, of 32, 8 and 32 bytes.
func TestEpochSecretLine(t *testing.T) {
	for _, epoch := range []uint64{1, 258, math.MaxUint64} {
		s := epochSecret(GenerateAuthorityKey())
		s.Epoch = epoch
		back, err := ParseEpochSecret(s.SecretLine())
		if err != nil || *back != *s {
			t.Errorf("epoch %d comes back as %+v, %v", epoch, back, err)
		}
		kind, raw, err := parseLine(s.SecretLine(), "")
		if err != nil || kind != lineEpochSecret || len(raw) != epochLineSize || raw[39] != byte(epoch) || raw[40] != 1 {
			t.Errorf("%s, %x, %v", kind, raw, err)
		}
	}
	s := epochSecret(GenerateAuthorityKey())
	s.Epoch = 0
	if _, err := ParseEpochSecret(s.SecretLine()); !errors.Is(err, errEpochZero) {
		t.Errorf("epoch 0: %v", err)
	}
}

func TestReadFleetKeyFiles(t *testing.T) {
	lines := everyLine(t)
	if key, err := ReadAuthorityKeyFile(write(t, "# the fleet's\n"+lines[lineAuthoritySecret])); err != nil || key.Public().String() != lines[lineAuthority] {
		t.Errorf("%v", err)
	}
	if s, err := ReadEpochSecretFile(write(t, lines[lineEpochSecret]+"\r\n")); err != nil || s.SecretLine() != lines[lineEpochSecret] {
		t.Errorf("%v", err)
	}
	for kind, read := range map[string]func(name string) error{
		lineAuthoritySecret: func(name string) error { _, err := ReadAuthorityKeyFile(name); return err },
		lineEpochSecret:     func(name string) error { _, err := ReadEpochSecretFile(name); return err },
	} {
		for name, text := range map[string]string{"none": "# nothing\n", "two": lines[kind] + "\n" + lines[kind], "an author's": lines[lineAuthorSecret]} {
			err := read(write(t, text))
			if !errors.As(err, new(*FileError)) || strings.Contains(err.Error(), lines[kind]) {
				t.Errorf("%s in place of one %s: %v", name, kind, err)
			}
		}
	}
}
