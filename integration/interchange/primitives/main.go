// SPDX-License-Identifier: Apache-2.0

// Primitives answers questions that the reader in Python cannot answer with
// Debian's packages: BLAKE3 and ML-KEM-768. Every line on standard input is a
// request in JSON, every line on standard output the answer to it, with bytes in
// hexadecimal. It has nothing of this module in it.
package main

import (
	"crypto/mlkem"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/blake3"
)

// octets are bytes, in hexadecimal as JSON.
type octets []byte

func (o octets) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(o)), nil }

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

type request struct {
	Op         string `json:"op"`
	Data       octets `json:"data"`
	Key        octets `json:"key"`
	Seed       octets `json:"seed"`
	Ciphertext octets `json:"ciphertext"`
}

type answer struct {
	OK     bool   `json:"ok"` // false: the input is not what the operation takes
	Digest octets `json:"digest,omitempty"`
	Key    octets `json:"key,omitempty"`
	Shared octets `json:"shared,omitempty"`
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var r request
		err := in.Decode(&r)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = serve(r, out)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "primitives:", err)
			os.Exit(1)
		}
	}
}

func serve(r request, out *json.Encoder) error {
	switch r.Op {
	case "blake3":
		sum := blake3.Sum256(r.Data)
		return out.Encode(answer{OK: true, Digest: sum[:]})
	case "mlkem768-check":
		_, err := mlkem.NewEncapsulationKey768(r.Key)
		return out.Encode(answer{OK: err == nil})
	case "mlkem768-public":
		key, err := mlkem.NewDecapsulationKey768(r.Seed)
		if err != nil {
			return err
		}
		return out.Encode(answer{OK: true, Key: key.EncapsulationKey().Bytes()})
	case "mlkem768-decapsulate":
		key, err := mlkem.NewDecapsulationKey768(r.Seed)
		if err != nil {
			return err
		}
		shared, err := key.Decapsulate(r.Ciphertext)
		return out.Encode(answer{OK: err == nil, Shared: shared})
	default:
		return fmt.Errorf("unknown operation %q", r.Op)
	}
}
