// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// newInput returns the payload of a model, ready to be read.
func newInput(t *testing.T, files map[string][]byte) (*payloadInput, *writer) {
	t.Helper()
	src, err := Scan(writeModel(t, files), SourceOptions{})
	check(t, err)
	w, err := newWriter(src, packOptions(t))
	check(t, err)
	return newPayloadInput(w), w
}

// TestUsedBatchesArePaddedWithZeros fills batches that hold the plaintext of
// something else, as those do that were used before.
func TestUsedBatchesArePaddedWithZeros(t *testing.T) {
	files := randomFiles(map[string]int{"small": 70_000, "weights": alignFrom})
	in, w := newInput(t, files)
	defer in.close()
	var got []byte
	for more := true; more; {
		b := &batch{plain: bytes.Repeat([]byte("secret"), batchPlaintext)[:batchPlaintext:batchPlaintext]}
		var err error
		if more, err = in.fill(b); more {
			got = append(got, b.plain...)
		}
		check(t, err)
	}
	want := append(bytes.Clone(files["small"]), make([]byte, 2*leafPlaintext-70_000)...)
	if want = append(want, files["weights"]...); !bytes.Equal(got, want) || uint64(len(got)) != w.manifest.PayloadLength {
		t.Errorf("%d bytes that are not the files and zeros between them", len(got))
	}
}

// TestCloseEndsWhatAnErrorLeftOpen stops in the middle of a weights file.
func TestCloseEndsWhatAnErrorLeftOpen(t *testing.T) {
	in, _ := newInput(t, map[string][]byte{"w.safetensors": safetensorsFile("{"+strings.Repeat(" ", 3<<20)+"}", 0)})
	more, err := in.fill(&batch{plain: make([]byte, 0, batchPlaintext)})
	if !more || err != nil || in.open == nil || in.sniff == nil {
		t.Fatalf("not in the middle of the file: %v, %v", more, err)
	}
	file, sniffer := in.open.file, in.sniff.(*pipeSniffer)
	in.close()
	if _, err := file.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is open: %v", err)
	}
	if _, err := sniffer.w.Write([]byte(" ")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the header is still being read: %v", err)
	}
}
