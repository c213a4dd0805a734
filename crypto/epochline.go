// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"encoding/binary"
	"errors"
)

const lineEpochSecret = "tgsp-secret-epoch"

// EpochSecretSize is the length in bytes of an epoch's secret.
const EpochSecretSize = 32

// epochLineSize is what a line of this kind holds: fleet, epoch, secret.
const epochLineSize = len(FleetID{}) + 8 + EpochSecretSize

var errEpochZero = errors.New("it is for epoch 0, and they are counted from 1")

// EpochSecret is the secret of one epoch of a fleet, as it is handed to whoever
// moves packages to a newer epoch. It opens every package of that epoch and of
// earlier ones that the fleet file links to.
type EpochSecret struct {
	Fleet  FleetID
	Epoch  uint64
	Secret [EpochSecretSize]byte
}

// SecretLine returns the secret text line. It is for key files only.
func (s *EpochSecret) SecretLine() string {
	raw := binary.BigEndian.AppendUint64(append(make([]byte, 0, epochLineSize), s.Fleet[:]...), s.Epoch)
	raw = append(raw, s.Secret[:]...)
	defer clear(raw)
	return formatLine(lineEpochSecret, raw)
}

// ParseEpochSecret reads an epoch secret's text line.
func ParseEpochSecret(line string) (*EpochSecret, error) {
	const want = "an epoch's secret key (tgsp-secret-epoch:…)"
	kind, raw, err := parseLine(line, want)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	if kind != lineEpochSecret {
		return nil, &LineError{Kind: kind, Want: want}
	}
	if len(raw) != epochLineSize {
		return nil, &LineError{kind, want, errLength}
	}
	s := &EpochSecret{Fleet: FleetID(raw[:len(FleetID{})])}
	rest := raw[len(FleetID{}):]
	if s.Epoch = binary.BigEndian.Uint64(rest); s.Epoch == 0 {
		return nil, &LineError{kind, want, errEpochZero}
	}
	copy(s.Secret[:], rest[8:])
	return s, nil
}

// ReadEpochSecretFile reads the one epoch secret in a secret key file.
func ReadEpochSecretFile(name string) (*EpochSecret, error) {
	return readOne(name, "epoch secrets", ParseEpochSecret)
}
