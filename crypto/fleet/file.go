// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"regexp"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// FileType is the DSSE payload type of a fleet file.
const FileType = "application/vnd.tgsp.fleet.v1+cbor"

// Limits of a fleet file (FORMAT.md, section 13).
const (
	MaxLinks      = 256          // earlier epochs that it leads to
	MaxAgents     = 1 << 32      // of a fleet
	maxFile       = 64 << 10     // bytes
	maxTime       = 253402300799 // the last second of the year 9999
	formatVersion = 1
)

// Hash is a SHA-256 value.
type Hash [32]byte

// fileDoc is what the authority signs.
type fileDoc struct {
	FormatVersion uint64             `cbor:"format_version"`
	Fleet         tgspcrypto.FleetID `cbor:"fleet_id"`
	Name          string             `cbor:"name"`
	Serial        uint64             `cbor:"serial"`
	Epoch         uint64             `cbor:"epoch"`
	KEM           tgspcrypto.KEM     `cbor:"kem"`
	PublicKey     []byte             `cbor:"public_key"`
	IssuedAt      uint64             `cbor:"issued_at"`
	ValidUntil    uint64             `cbor:"valid_until"`
	Agents        uint64             `cbor:"agents"`
	EntriesHash   Hash               `cbor:"entries_hash"`
	Links         [][]byte           `cbor:"links"`
}

// signedDoc is a fleet file as it is handed around.
type signedDoc struct {
	Document  []byte    `cbor:"document"`
	Signature signature `cbor:"signature"`
}

// signature is the authority's, with the key that checks it: its hash is the
// fleet's name, so that the key needs no trust of its own.
type signature struct {
	Algorithm string   `cbor:"algorithm"`
	PublicKey [32]byte `cbor:"public_key"`
	Signature [64]byte `cbor:"signature"`
}

// File is a fleet file whose signature by the fleet's authority was found right.
type File struct {
	doc       fileDoc
	recipient *tgspcrypto.Recipient
	raw       []byte
}

var fleetName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// CheckName says whether s can name a fleet.
func CheckName(s string) error {
	if !fleetName.MatchString(s) {
		return malformed("name", "%q: want 1 to 64 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first", s)
	}
	return nil
}

// ParseFile reads a fleet file strictly and checks its signature. It returns a
// *FormatError or a *SignatureError.
func ParseFile(data []byte) (*File, error) {
	const part = "fleet file"
	if len(data) > maxFile {
		return nil, malformed(part, "%d bytes, and at most %d are allowed", len(data), maxFile)
	}
	var outer signedDoc
	if err := decode(part, data, &outer); err != nil {
		return nil, err
	}
	f := &File{raw: data}
	if err := decode(part, outer.Document, &f.doc); err != nil {
		return nil, err
	}
	if err := f.validate(); err != nil {
		return nil, err
	}
	if outer.Signature.Algorithm != tgspcrypto.SignatureEd25519 {
		return nil, malformed(part+".signature", "unknown algorithm %q", outer.Signature.Algorithm)
	}
	key, err := tgspcrypto.NewAuthorityPublicKey(outer.Signature.PublicKey[:])
	if err != nil {
		return nil, &SignatureError{"the fleet file's public key: " + err.Error()}
	}
	if key.FleetID() != f.doc.Fleet {
		return nil, &SignatureError{"the fleet file is signed by another key than the authority of the fleet that it names"}
	}
	if !key.Verify(FileType, outer.Document, outer.Signature.Signature[:]) {
		return nil, &SignatureError{"the fleet file is not what the fleet's authority signed"}
	}
	return f, nil
}

func (f *File) validate() (err error) {
	const part = "fleet file."
	d := &f.doc
	if d.FormatVersion != formatVersion {
		return malformed(part+"format_version", "%d, and this program reads version %d", d.FormatVersion, formatVersion)
	}
	if err := CheckName(d.Name); err != nil {
		return malformed(part+"name", "%q is no name of a fleet", d.Name)
	}
	switch {
	case d.Serial == 0:
		return malformed(part+"serial", "0, and they are counted from 1")
	case d.Epoch == 0:
		return malformed(part+"epoch", "0, and they are counted from 1")
	case d.IssuedAt > maxTime || d.ValidUntil > maxTime:
		return malformed(part+"valid_until", "a time after the year 9999")
	case d.ValidUntil <= d.IssuedAt:
		return malformed(part+"valid_until", "not later than issued_at")
	case d.Agents > MaxAgents:
		return malformed(part+"agents", "%d, and at most %d are allowed", d.Agents, int64(MaxAgents))
	case len(d.Links) > MaxLinks || uint64(len(d.Links)) >= d.Epoch:
		return malformed(part+"links", "%d of them at epoch %d, and at most %d are allowed", len(d.Links), d.Epoch, MaxLinks)
	}
	for _, link := range d.Links {
		if len(link) != linkSize {
			return malformed(part+"links", "a link of %d bytes, want %d", len(link), linkSize)
		}
	}
	if f.recipient, err = tgspcrypto.NewRecipient(d.KEM, d.PublicKey); err != nil {
		return malformed(part+"public_key", "%v", err)
	}
	return nil
}

// decode reads a document of a fleet, or says that it is not in its one form.
func decode(part string, data []byte, v any) error {
	if err := dcbor.Decode(data, v); err != nil {
		return malformed(part, "%v", err)
	}
	return nil
}

// Bytes returns the file as it is handed around. They must not be changed.
func (f *File) Bytes() []byte { return f.raw }

// ID returns the fleet's name that cannot be forged.
func (f *File) ID() tgspcrypto.FleetID { return f.doc.Fleet }

// Name returns what the authority calls the fleet.
func (f *File) Name() string { return f.doc.Name }

// Serial counts the files that the authority has signed for this fleet, from 1.
func (f *File) Serial() uint64 { return f.doc.Serial }

// Epoch returns the present epoch, from 1.
func (f *File) Epoch() uint64 { return f.doc.Epoch }

// Oldest returns the oldest epoch that the links reach.
func (f *File) Oldest() uint64 { return f.doc.Epoch - uint64(len(f.doc.Links)) }

// KEM returns the kind of the fleet's keys.
func (f *File) KEM() tgspcrypto.KEM { return f.doc.KEM }

// Recipient returns the epoch's public key, to encrypt packages to.
func (f *File) Recipient() *tgspcrypto.Recipient { return f.recipient }

// IssuedAt returns when the authority signed the file, by its own clock.
func (f *File) IssuedAt() time.Time { return unixTime(f.doc.IssuedAt) }

// ValidUntil returns the time from which the file counts no longer.
func (f *File) ValidUntil() time.Time { return unixTime(f.doc.ValidUntil) }

// Agents returns how many agents have an entry.
func (f *File) Agents() int64 { return int64(f.doc.Agents) } //nolint:gosec // bounded by validate

// EntriesHash returns the root of the tree over all entries.
func (f *File) EntriesHash() Hash { return f.doc.EntriesHash }

// CheckValid returns a *StaleError where the file is out of date.
func (f *File) CheckValid(now time.Time) error {
	if now.Unix() < f.ValidUntil().Unix() {
		return nil
	}
	return &StaleError{f.ID(), f.Name(), f.ValidUntil(), now}
}

func unixTime(seconds uint64) time.Time { return time.Unix(int64(min(seconds, maxTime)), 0).UTC() } // bounded
