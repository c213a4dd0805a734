// SPDX-License-Identifier: Apache-2.0

package main

import "math/big"

// k256 are the first 32 bits of the fractional parts of the cube roots of the
// first 64 primes (FIPS 180-4, section 4.2.2).
var k256 = func() (k [64]uint32) {
	n := 0
	for p := int64(2); n < len(k); p++ {
		if !big.NewInt(p).ProbablyPrime(0) {
			continue
		}
		k[n] = cubeRoot(p)
		n++
	}
	return k
}()

// cubeRoot returns the fraction of a cube root: the low 32 bits of the root of
// p·2^96, which is found by halving.
func cubeRoot(p int64) uint32 {
	target := new(big.Int).Lsh(big.NewInt(p), 96)
	lo, hi := new(big.Int), new(big.Int).Lsh(big.NewInt(1), 40)
	for one := big.NewInt(1); new(big.Int).Sub(hi, lo).Cmp(one) > 0; {
		mid := new(big.Int).Rsh(new(big.Int).Add(lo, hi), 1)
		if new(big.Int).Exp(mid, big.NewInt(3), nil).Cmp(target) <= 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return uint32(lo.Uint64())
}
