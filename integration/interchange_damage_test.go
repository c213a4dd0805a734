// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestBothReadersRefuseAlike damages a frozen package in many ways: both readers
// give the exit code that the damage has.
func TestBothReadersRefuseAlike(t *testing.T) {
	whole := must(os.ReadFile(frozenFile(t, "aead_aes_256_gcm-sha-256-x25519.tgsp")))(t)
	const slotA, slotB, index, tree, gap, payload = 4096, 69632, 135168, 139336, 139432, 143360 // FORMAT.md, section 13
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 0x10; return b }
	}
	type damage struct {
		name string
		code int
		make func([]byte) []byte
	}
	all := []damage{
		{"whole", 0, func(b []byte) []byte { return b }},
		{"empty", 10, func([]byte) []byte { return nil }},
		{"cut off in the preamble", 10, func(b []byte) []byte { return b[:4095] }},
		{"cut off", 10, func(b []byte) []byte { return b[:len(b)-1] }},
		{"longer", 10, func(b []byte) []byte { return append(b, 0) }},
		{"magic", 10, flip(0)},
		{"version 2", 10, func(b []byte) []byte { b[11] = 2; return b }},
		{"preamble, unused", 10, flip(4095)},
		{"length of the envelope", 10, func(b []byte) []byte { binary.BigEndian.PutUint32(b[slotA:], 1<<31); return b }},
		{"envelope longer than its bytes", 10, func(b []byte) []byte { b[slotA+3]++; return b }},
		{"slot A, unused", 10, flip(slotB - 1)},
		{"no envelope", 10, func(b []byte) []byte { clear(b[slotA:slotB]); return b }},
		{"slot B, unused", 19, flip(index - 1)},
		{"both slots", 19, func(b []byte) []byte { copy(b[slotB:index], b[slotA:slotB]); return b }},
		{"slot A torn, slot B whole", 19, func(b []byte) []byte { copy(b[slotB:index], b[slotA:slotB]); b[slotA+100]++; return b }},
		{"slot B alone", 0, func(b []byte) []byte { copy(b[slotB:index], b[slotA:slotB]); clear(b[slotA:slotB]); return b }},
		{"slot B and the payload", 19, func(b []byte) []byte { return flip(payload)(flip(slotB)(b)) }},
		{"index, salt", 13, flip(index)},
		{"index, last byte", 13, flip(tree - 1)},
		{"tree", 13, flip(tree)},
		{"gap", 13, flip(gap)},
		{"gap, last byte", 13, flip(payload - 1)},
		{"payload", 13, flip(payload)},
		{"payload, last byte", 13, flip(len(whole) - 1)},
		{"two leaves exchanged", 13, func(b []byte) []byte {
			copy(b[payload:], whole[payload+container.LeafSize:payload+2*container.LeafSize])
			copy(b[payload+container.LeafSize:], whole[payload:payload+container.LeafSize])
			return b
		}},
	}
	for at := 12; at < 40; at++ { // the preamble's numbers
		all = append(all, damage{"preamble " + strconv.Itoa(at), 10, flip(at)})
	}
	for at := slotA; at < slotA+4+0x3a3; at += 5 { // malformed or a wrong signature
		all = append(all, damage{"envelope " + strconv.Itoa(at-slotA), -1, flip(at)})
	}
	dir := folder(t, plainUser())
	var packages []string
	for i, d := range all {
		name := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(name, d.make(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, name)
	}
	flags := withKeys(t, trusting(t)...)
	for i, got := range readAgain(t, packages, flags...) {
		d := all[i]
		r := plainUser().Run(append([]string{"verify", packages[i]}, flags...)...)
		if r.Code != got.Code || d.code >= 0 && got.Code != d.code || d.code < 0 && got.Code != 10 && got.Code != 11 {
			t.Errorf("%s: the second reader gives %d (%s), want %d: %s", d.name, got.Code, got.Message, d.code, r)
		}
	}
}

// TestBothReadersRankAlike gives both readers packages with several reasons to
// refuse them.
func TestBothReadersRankAlike(t *testing.T) {
	dir := folder(t, plainUser())
	altered := func(name string) string {
		data := must(os.ReadFile(frozenFile(t, name+".tgsp")))(t)
		data[len(data)-1] ^= 1
		path := filepath.Join(dir, name+".tgsp")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const hybrid = "aead_aes_256_gcm-blake3-mlkem768-x25519"
	stranger := tgspcrypto.GenerateAuthorKey().Public().String()
	wrongKey := []string{"-i", frozenFile(t, "x25519.key")}
	noTrust := []string{"--trusted-key", stranger}
	closed := time.Unix(1_600_000_060, 0)
	for _, c := range []struct {
		name, pkg string
		code      int
		at        time.Time
		flags     []string
	}{
		{"a missing signature before altered", altered(hybrid), 11, time.Time{}, append(trusting(t), "--require-key", stranger)},
		{"altered before untrusted", altered(hybrid), 13, time.Time{}, withKeys(t, noTrust...)},
		{"altered before no key", altered(hybrid), 13, time.Time{}, append(wrongKey, trusting(t)...)},
		{"untrusted before no key", frozenFile(t, hybrid+".tgsp"), 12, time.Time{}, append(wrongKey, noTrust...)},
		{"untrusted before fleet", frozenFile(t, "fleet-x25519.tgsp"), 12, time.Time{}, withKeys(t, noTrust...)},
		{"another package", frozenFile(t, hybrid+".tgsp"), 12, time.Time{}, append(trusting(t), "--expect", "tgsp/other")},
		{"another version", frozenFile(t, hybrid+".tgsp"), 12, time.Time{}, append(trusting(t), "--expect", "tgsp/frozen@1.0.1")},
		{"the expected version", frozenFile(t, hybrid+".tgsp"), 0, time.Time{}, append(trusting(t), "--expect", "tgsp/frozen@1.0.0")},
		{"fleet before no key", frozenFile(t, "fleet-x25519.tgsp"), 15, time.Time{}, append(trusting(t), "-i", frozenFile(t, "mlkem768-x25519.key"))},
		{"fleet matters to those with keys", frozenFile(t, "fleet-x25519.tgsp"), 0, time.Time{}, trusting(t)},
		{"no key before time", frozenFile(t, "policy-not-after.tgsp"), 14, closed, append(trusting(t), "-i", frozenFile(t, "mlkem768-x25519.key"))},
		{"no longer open", frozenFile(t, "policy-not-after.tgsp"), 16, closed, withKeys(t, trusting(t)...)},
		{"open, in the last second of grace", frozenFile(t, "policy-not-after.tgsp"), 0, closed.Add(-time.Second), withKeys(t, trusting(t)...)},
		{"not yet open", frozenFile(t, "policy-not-before.tgsp"), 16, time.Unix(3_999_999_999, 0), trusting(t)},
		{"open from its first second", frozenFile(t, "policy-not-before.tgsp"), 0, time.Unix(4_000_000_000, 0), trusting(t)},
	} {
		ours, theirs := c.flags, c.flags
		if !c.at.IsZero() {
			ours = append([]string{"--at", c.at.UTC().Format(time.RFC3339)}, c.flags...)
			theirs = append([]string{"--at", strconv.FormatInt(c.at.Unix(), 10)}, c.flags...)
		}
		got := readAgain(t, []string{c.pkg}, theirs...)[0]
		if r := plainUser().Run(append([]string{"verify", c.pkg}, ours...)...); r.Code != c.code || got.Code != c.code {
			t.Errorf("%s: the second reader gives %d (%s), want %d: %s", c.name, got.Code, got.Message, c.code, r)
		}
	}
}
