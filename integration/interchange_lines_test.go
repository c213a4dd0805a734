// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

var keyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// keyLine writes any bytes as a key, with the right checksum (FORMAT.md, section 11).
func keyLine(kind string, key []byte) string {
	sum := sha256.Sum256(slices.Concat([]byte(kind), []byte{0}, key))
	return kind + ":" + strings.ToLower(keyEncoding.EncodeToString(slices.Concat(key, sum[:4])))
}

// keyLines are keys of every kind, the same with their lines damaged, and lines of
// keys that must not be used.
func keyLines(t *testing.T) []string {
	t.Helper()
	var lines []string
	for kind, line := range goodKeyLines(t) {
		data := line[len(kind)+1:]
		lines = append(lines, line, strings.ToUpper(line), kind+":"+strings.ToUpper(data), kind+":", kind, data, line+"=", line+"a", line+"\u00e9",
			line[:len(line)-1], line[:len(line)-8], kind+":aaaa", "tgsp-unknown:"+data, kind+"::"+data, strings.Replace(line, "a", "0", 1))
		for i := len(kind) + 1; i < len(line); i += 1 + len(line)/20 {
			other := byte('b')
			if line[i] == 'b' {
				other = 'c'
			}
			lines = append(lines, line[:i]+string(other)+line[i+1:])
		}
		last := line[len(line)-1] // its spare bits are zero in the canonical form
		for _, c := range "abcdefghijklmnopqrstuvwxyz234567" {
			if byte(c) != last {
				lines = append(lines, line[:len(line)-1]+string(c))
			}
		}
		for _, size := range []int{0, 31, 33, 71, 73, 1184, 1215, 1217} {
			lines = append(lines, keyLine(kind, bytes.Repeat([]byte{9}, size)))
		}
	}
	return append(lines, unfitKeys(t)...)
}

func goodKeyLines(t *testing.T) map[string]string {
	t.Helper()
	author := tgspcrypto.GenerateAuthorKey()
	good := map[string]string{"tgsp-author": author.Public().String(), "tgsp-secret-author": author.SecretLine()}
	for kind, kem := range map[string]tgspcrypto.KEM{"x25519": tgspcrypto.X25519, "mlkem768-x25519": tgspcrypto.MLKEM768X25519} {
		id := must(tgspcrypto.GenerateIdentity(kem))(t)
		good["tgsp-"+kind] = id.Recipient().String()
		good["tgsp-secret-"+kind] = must(id.SecretLine())(t)
	}
	authority := tgspcrypto.GenerateAuthorityKey()
	good["tgsp-fleet"], good["tgsp-secret-fleet"] = authority.Public().String(), authority.SecretLine()
	good["tgsp-secret-epoch"] = fleet.NewEpochSecret(authority.Public().FleetID(), 1).SecretLine()
	return good
}

// unfitKeys are points of small order, coordinates that are not reduced, and
// neighbours of both that are neither; and the secret of no epoch.
func unfitKeys(t *testing.T) []string {
	t.Helper()
	var points [][]byte
	for _, s := range []string{
		"00", "01", "02", "09", // small coordinates
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", // X25519, order 8
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // Ed25519, order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	} {
		points = append(points, append(fromHex(t, s), make([]byte, 32-len(s)/2)...))
	}
	for first := 0xe8; first <= 0xff; first++ { // the prime is 0xed and 255-bit ones above
		points = append(points, slices.Concat([]byte{byte(first)}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f}))
	}
	hybrid := must(tgspcrypto.GenerateIdentity(tgspcrypto.MLKEM768X25519))(t).Recipient().String()
	raw := must(keyEncoding.DecodeString(strings.ToUpper(strings.TrimPrefix(hybrid, "tgsp-mlkem768-x25519:"))))(t)
	mlkem := raw[:1184]
	var lines []string
	for _, p := range points {
		signed := bytes.Clone(p)
		signed[31] |= 0x80
		for _, p := range [][]byte{p, signed} {
			lines = append(lines, keyLine("tgsp-author", p), keyLine("tgsp-fleet", p), keyLine("tgsp-x25519", p), keyLine("tgsp-mlkem768-x25519", slices.Concat(mlkem, p)))
		}
	}
	over := bytes.Clone(raw[:1216])
	over[0], over[1] = 0xff, over[1]|0x0f // a coefficient of 4095, above ML-KEM's modulus
	epochZero := make([]byte, 72)
	return append(lines, keyLine("tgsp-mlkem768-x25519", over), keyLine("tgsp-secret-epoch", epochZero))
}

func isKey(line string) bool {
	_, a := tgspcrypto.ParseAuthorPublicKey(line)
	_, b := tgspcrypto.ParseAuthorKey(line)
	_, c := tgspcrypto.ParseRecipient(line)
	_, d := tgspcrypto.ParseIdentity(line)
	_, e := tgspcrypto.ParseAuthorityPublicKey(line)
	_, f := tgspcrypto.ParseAuthorityKey(line)
	_, g := tgspcrypto.ParseEpochSecret(line)
	return slices.Contains([]error{a, b, c, d, e, f, g}, nil)
}

func fromHex(t *testing.T, s string) []byte {
	t.Helper()
	return must(hex.DecodeString(s))(t)
}
