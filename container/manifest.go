// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"

	"golang.org/x/mod/semver"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// ManifestType is the DSSE payload type of the author's signature.
const ManifestType = "application/vnd.tgsp.manifest.v1+cbor"

// Hash is a SHA-256 value.
type Hash [sha256.Size]byte

// String returns 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// LeafHash names the function over a leaf's ciphertext.
type LeafHash string

// The leaf hashes of format version 1.
const (
	SHA256 LeafHash = "SHA-256" // the default: in hardware on every recent server and Jetson
	BLAKE3 LeafHash = "BLAKE3"  // for amd64 hosts without SHA instructions
)

// LeafHashes lists the leaf hashes, the default first.
func LeafHashes() []LeafHash { return []LeafHash{SHA256, BLAKE3} }

// Manifest is what the author signs: the package's identity, policy, and every
// number and hash that the rest of the file is checked against.
type Manifest struct {
	FormatVersion uint64              `cbor:"format_version"`
	PackageID     string              `cbor:"package_id"`
	Version       string              `cbor:"version"`
	AuthorID      tgspcrypto.AuthorID `cbor:"author_id"`
	CreatedAt     uint64              `cbor:"created_at"`         // seconds since 1970
	ContentHash   Hash                `cbor:"content_hash"`       // root of the hash tree
	Policy        Policy              `cbor:"policy_constraints"` // who may open it, and when
	Annotations   map[string]string   `cbor:"annotations,omitempty"`

	Suite             tgspcrypto.Suite `cbor:"suite"`
	LeafHash          LeafHash         `cbor:"leaf_hash"`
	SlotSize          uint64           `cbor:"slot_size"`
	IndexLength       uint64           `cbor:"index_length"`
	IndexHash         Hash             `cbor:"index_hash"` // SHA-256 of the encrypted index
	TreeLength        uint64           `cbor:"tree_length"`
	PayloadLength     uint64           `cbor:"payload_length"` // plaintext bytes
	PayloadSalt       [24]byte         `cbor:"payload_salt"`
	PayloadCommitment [32]byte         `cbor:"payload_commitment"`
}

var packageID = regexp.MustCompile(`^[a-z0-9._/-]{1,128}$`)

// CheckPackageID says whether s can name a package.
func CheckPackageID(s string) error {
	if !packageID.MatchString(s) {
		return malformed("package_id", "%q: want 1 to 128 of a-z, 0-9, dot, underscore, slash and hyphen", s)
	}
	return nil
}

// CheckVersion says whether s is a version by SemVer 2.0.0, without a leading v.
func CheckVersion(s string) error {
	// The library also accepts v1 and v1.2, which SemVer does not.
	v := "v" + s
	if len(s) > 128 || !semver.IsValid(v) || semver.Canonical(v)+semver.Build(v) != v {
		return malformed("version", "%q is not a version such as 1.0.0 (semver.org)", s)
	}
	return nil
}

func parseManifest(data []byte) (*Manifest, error) {
	const part = "manifest"
	if len(data) > maxManifest {
		return nil, malformed(part, "%d bytes, and at most %d are allowed", len(data), maxManifest)
	}
	m := new(Manifest)
	if err := decode(part, data, m); err != nil {
		return nil, err
	}
	return m, m.validate()
}

func (m *Manifest) validate() error {
	if m.FormatVersion != FormatVersion {
		return malformed("manifest.format_version", "%d, and this program reads version %d", m.FormatVersion, FormatVersion)
	}
	if err := CheckPackageID(m.PackageID); err != nil {
		return err
	}
	if err := CheckVersion(m.Version); err != nil {
		return err
	}
	if m.CreatedAt > maxTime {
		return malformed("manifest.created_at", "a time after the year 9999")
	}
	if m.Suite != tgspcrypto.AES256GCM && m.Suite != tgspcrypto.ChaCha20Poly1305 {
		return malformed("manifest.suite", "unknown encryption suite %q", m.Suite)
	}
	if m.LeafHash != SHA256 && m.LeafHash != BLAKE3 {
		return malformed("manifest.leaf_hash", "unknown hash %q", m.LeafHash)
	}
	if !validSlotSize(m.SlotSize) {
		return malformed("manifest.slot_size", "%d bytes", m.SlotSize)
	}
	if m.PayloadLength > maxPayload {
		return malformed("manifest.payload_length", "%d bytes are more than a package can hold", m.PayloadLength)
	}
	return m.Policy.validate()
}

// layout returns where everything lies by the manifest; the preamble must agree.
func (m *Manifest) layout() layout {
	return layout{
		slotSize: int64(m.SlotSize),                                 //nolint:gosec // bounded by validate
		index:    int64(m.IndexLength),                              //nolint:gosec // compared with the preamble's
		tree:     int64(m.TreeLength),                               //nolint:gosec // compared with the preamble's
		payload:  tgspcrypto.CiphertextSize(int64(m.PayloadLength)), //nolint:gosec // bounded by validate
	}
}
