// SPDX-License-Identifier: Apache-2.0

// Package crypto holds the keys of TGSP and everything that is done with them:
// chunked encryption with random access, key wrap to recipients, signatures
// over typed documents, and the text form of keys.
//
// Nothing here is a primitive of its own. AES-GCM, HKDF, HPKE, Ed25519, SHA-2
// and ML-KEM come from the standard library, ChaCha20-Poly1305 from
// golang.org/x/crypto. The package knows nothing of packages, files of models
// or policies; it never logs and its errors never hold key bytes.
package crypto
