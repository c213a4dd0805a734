// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"crypto/sha256"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// kitLines are lines that are said to be keys.
func kitLines(keys kitKeys) []*kit.Case {
	must := func(line string, err error) string {
		if err != nil {
			panic(err) // the keys are constants
		}
		return line
	}
	seed := sha256.Sum256([]byte("tgsp test kit, hybrid identity"))
	hybrid, err := tgspcrypto.NewIdentity(tgspcrypto.MLKEM768X25519, seed[:])
	if err != nil {
		panic(err)
	}
	good := map[string]string{
		"author": keys.author.Public().String(), "author-secret": keys.author.SecretLine(),
		"recipient": keys.reader.Recipient().String(), "identity": must(keys.reader.SecretLine()),
		"hybrid recipient": hybrid.Recipient().String(), "hybrid identity": must(hybrid.SecretLine()),
		"fleet": keys.authority.Public().String(), "fleet secret": keys.authority.SecretLine(), "epoch secret": keys.epochSecret(7).SecretLine(),
	}
	as := func(kind string) string { return strings.ReplaceAll(strings.TrimPrefix(kind, "hybrid "), " ", "-") }
	var cases []*kit.Case
	add := func(name, about, kind, line string, accept bool) {
		cases = append(cases, &kit.Case{ID: slug("line", name), About: about, As: as(kind), Line: line, Accept: accept})
	}
	kinds := slices.Sorted(maps.Keys(good))
	for _, kind := range kinds {
		line := good[kind]
		label, data, _ := strings.Cut(line, ":")
		add(kind+" good", "a key's line with nothing wrong", kind, line, true)
		add(kind+" cut", "the last character is missing", kind, line[:len(line)-1], false)
		add(kind+" longer", "a character stands after the end", kind, line+"a", false)
		add(kind+" in capitals", "the line is written in capitals", kind, label+":"+strings.ToUpper(data), false)
		add(kind+" one letter", "one letter is another, so that the checksum is wrong", kind, otherLetter(line, len(line)/2), false)
		add(kind+" padded", "the base32 is padded", kind, line+"=", false)
		add(kind+" no data", "nothing stands after the colon", kind, label+":", false)
		add(kind+" no kind", "the kind and the colon are missing", kind, data, false)
		add(kind+" unknown kind", "the kind is unknown", kind, "tgsp-rsa:"+data, false)
		add(kind+" a byte less", "the key is one byte short, and the checksum is right", kind, keyLine(label, rawKey(line)[1:]), false)
		add(kind+" a byte more", "the key is one byte long, and the checksum is right", kind, keyLine(label, append(rawKey(line), 0)), false)
		for _, other := range kinds {
			if as(other) != as(kind) {
				add(fmt.Sprint(kind, " is ", other), fmt.Sprintf("a key of the kind %s stands where %s belongs", other, as(kind)), kind, good[other], false)
			}
		}
	}
	point := func(name, about, kind, label, point string, prefix []byte) {
		raw, err := hex.DecodeString(point)
		if err != nil {
			panic(err)
		}
		add(kind+" "+name, about, kind, keyLine(label, append(bytes.Clone(prefix), raw...)), false)
	}
	hybridRaw := rawKey(good["hybrid recipient"])
	for name, y := range map[string]string{
		"order 1": "0100000000000000000000000000000000000000000000000000000000000000", "order 2": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4": "0000000000000000000000000000000000000000000000000000000000000000", "order 4 with a sign": "0000000000000000000000000000000000000000000000000000000000000080",
		"order 8": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "order 8 other": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"order 8 with a sign": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", "order 1 unreduced": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"unreduced": "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		point(name, "an Ed25519 point that protects nothing, or a second name for one", "author", "tgsp-author", y, nil)
		point(name, "an Ed25519 point that protects nothing, or a second name for one", "fleet", "tgsp-fleet", y, nil)
	}
	for name, u := range map[string]string{
		"zero": "0000000000000000000000000000000000000000000000000000000000000000", "one": "0100000000000000000000000000000000000000000000000000000000000000",
		"order 8": "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "order 8 other": "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"minus one": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "p": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"unreduced": "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "top bit": "0900000000000000000000000000000000000000000000000000000000000080",
	} {
		point(name, "an X25519 point that protects nothing, or a second name for one", "recipient", "tgsp-x25519", u, nil)
		point(name, "the X25519 half of a hybrid key protects nothing, or is a second name for one", "hybrid recipient", "tgsp-mlkem768-x25519", u, hybridRaw[:len(hybridRaw)-32])
	}
	for name, change := range map[string]func(raw []byte){
		"low bits": func(raw []byte) { raw[0] |= 1 }, "top bit": func(raw []byte) { raw[31] |= 0x80 }, "second bit": func(raw []byte) { raw[31] &^= 0x40 },
	} {
		raw := rawKey(good["identity"])
		change(raw)
		add("identity "+name, "a bit that X25519 does not look at is another, which would be a second line for the same key", "identity", keyLine("tgsp-secret-x25519", raw), false)
	}
	add("hybrid recipient modulus", "a coefficient of the ML-KEM half is not less than the modulus", "hybrid recipient",
		keyLine("tgsp-mlkem768-x25519", slices.Concat([]byte{0xff, 0xff, 0xff}, hybridRaw[3:])), false)
	for _, epoch := range []uint64{0, 1, math.MaxUint64} {
		secret := keys.epochSecret(epoch)
		add(fmt.Sprint("epoch secret ", epoch), fmt.Sprintf("the secret of epoch %d; epochs are counted from 1", epoch), "epoch secret", secret.SecretLine(), epoch > 0)
	}
	return cases
}

// rawKey is the key in a line.
func rawKey(line string) []byte {
	_, data, _ := strings.Cut(line, ":")
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(data))
	if err != nil {
		panic(err)
	}
	return raw[:len(raw)-4]
}

// keyLine writes a line whose checksum is right, whatever the key.
func keyLine(label string, key []byte) string {
	sum := sha256.Sum256(append([]byte(label+"\x00"), key...))
	return label + ":" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(bytes.Clone(key), sum[:4]...)))
}

func otherLetter(line string, at int) string {
	b := []byte(line)
	if b[at]++; b[at] > 'z' || b[at] < 'a' {
		b[at] = 'a'
	}
	return string(b)
}
