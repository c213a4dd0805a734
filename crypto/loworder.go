// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"slices"
)

// smallOrder lists the y coordinates, little-endian, of all encodings of points
// of order 1, 2, 4 and 8 on edwards25519, the non-canonical ones included and
// the sign bit cleared. The canonical ones are in "Taming the many EdDSAs"
// (eprint 2020/1244), table 1; the tests show each to be forgeable.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000", // order 1
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
	"0000000000000000000000000000000000000000000000000000000000000000", // order 4
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 4, p
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 1, p+1
}

// lowOrderEd25519 reports whether raw encodes a point of small order.
func lowOrderEd25519(raw []byte) bool {
	masked := [32]byte(raw)
	masked[31] &= 0x7f // the sign of x does not change the order
	s := hex.EncodeToString(masked[:])
	for _, low := range smallOrder {
		if s == low {
			return true
		}
	}
	return false
}

// checkX25519 refuses points with which every key agreement gives zero (RFC
// 7748, section 6.1), and encodings with the unused top bit set or with a
// coordinate that is not reduced, which would be a second name for the same key.
func checkX25519(raw []byte) error {
	pub, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return err
	}
	if raw[31]&0x80 != 0 || unreduced(raw) {
		return errNonCanonical
	}
	// Any scalar does: clamped scalars are multiples of the cofactor.
	scalar := [32]byte{9}
	probe, err := ecdh.X25519().NewPrivateKey(scalar[:])
	if err != nil {
		return err
	}
	if _, err := probe.ECDH(pub); err != nil {
		return ErrLowOrder
	}
	return nil
}

// unreduced reports whether a coordinate, 32 bytes in little-endian order with
// the top bit aside, is not less than the field's prime 2^255-19: RFC 8032,
// section 5.1.3, has it refused, and Go's verification takes it modulo the prime.
func unreduced(raw []byte) bool {
	prime := [32]byte{0: 0xed, 31: 0x7f}
	for i := 1; i < 31; i++ {
		prime[i] = 0xff
	}
	reversed := [32]byte(raw)
	reversed[31] &= 0x7f
	slices.Reverse(reversed[:])
	slices.Reverse(prime[:])
	return bytes.Compare(reversed[:], prime[:]) >= 0
}
