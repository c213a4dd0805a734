// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"compress/zlib"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/c2sp/wycheproof"
)

// hexBytes is a byte string as the vectors write it.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// chunkedVector is one vector of chunked encryption, as the document beside the
// vectors (doc/c2sp_chunked_encryption.md) explains them.
type chunkedVector struct {
	ID        int      `json:"tcId"`
	Comment   string   `json:"comment"`
	Key       hexBytes `json:"key"`
	Context   hexBytes `json:"ctx"`
	Packed    hexBytes `json:"ct"` // compressed
	AEADKey   hexBytes `json:"aeadKey"`
	BaseNonce hexBytes `json:"baseNonce"`
	Length    int      `json:"msgLength"`
	SHA512    hexBytes `json:"msgSha512"`
	Result    string   `json:"result"`
	Flags     []string `json:"flags"`
}

func (v *chunkedVector) has(flag string) bool { return slices.Contains(v.Flags, flag) }

func (v *chunkedVector) message(t *testing.T) []byte {
	t.Helper()
	z, err := zlib.NewReader(bytes.NewReader(v.Packed))
	if err != nil {
		t.Fatal(err)
	}
	message, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// wants fails the test unless plain is a message, or the right front of one.
func (v *chunkedVector) wants(t *testing.T, plain []byte) {
	t.Helper()
	if sum := sha512.Sum512(plain); len(plain) != v.Length || !bytes.Equal(sum[:], v.SHA512) {
		t.Errorf("%d bytes with SHA-512 %x, want %d with %x", len(plain), sum, v.Length, v.SHA512)
	}
}

// readVectors reads one of Wycheproof's files.
func readVectors(t *testing.T, name string, v any) {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// TestWycheproofChunkedEncryption runs all vectors of both published instances.
// Packages use only the one with 256 bits; the other shares the code.
func TestWycheproofChunkedEncryption(t *testing.T) {
	for name, in := range map[string]instance{
		"c2sp_chunked_encryption_aes_128_gcm_test.json": {"AEAD_AES_128_GCM", 16, newGCM},
		"c2sp_chunked_encryption_aes_256_gcm_test.json": mustInstance(t, AES256GCM),
	} {
		var file struct {
			NumberOfTests int
			TestGroups    []struct {
				AEAD  string
				SHA   string
				Tests []chunkedVector
			}
		}
		readVectors(t, name, &file)
		ran := 0
		for _, group := range file.TestGroups {
			if group.AEAD != in.name || group.SHA != "SHA-512" {
				t.Fatalf("%s: a group for %s with %s", name, group.AEAD, group.SHA)
			}
			for i := range group.Tests {
				v := &group.Tests[i]
				ran++
				t.Run(in.name+" "+v.Comment, func(t *testing.T) { v.run(t, in) })
			}
		}
		if ran == 0 || ran != file.NumberOfTests {
			t.Errorf("%s: %d vectors were run, want %d", name, ran, file.NumberOfTests)
		}
	}
}

func mustInstance(t *testing.T, s Suite) instance {
	t.Helper()
	in, err := s.instance()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func (v *chunkedVector) run(t *testing.T, in instance) {
	message := v.message(t)
	plain, err := openMessage(in, v.Key, message, string(v.Context))
	if v.Result != "valid" {
		if err == nil {
			t.Error("opened as a whole")
		}
		v.runInvalid(t, in, message)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	v.wants(t, plain)
	stream, err := newStream(in, v.Key, message[:SaltSize], string(v.Context))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stream.base[:], v.BaseNonce) {
		t.Errorf("base nonce %x, want %x", stream.base, []byte(v.BaseNonce))
	}
	if !bytes.Equal(stream.sealAll(message[:SaltSize], plain), message) {
		t.Error("sealed again with the same salt it is another message")
	}
	v.runRandomAccess(t, stream, message[headerSize:], plain)
}

// runRandomAccess opens every chunk by itself, in no particular order.
func (v *chunkedVector) runRandomAccess(t *testing.T, s *Stream, body, want []byte) {
	t.Helper()
	for _, n := range rand.Perm(len(body)/EncryptedChunkSize + 1) {
		chunk := chunkAt(body, n)
		got, err := s.OpenChunk(nil, chunk, int64(n))
		if err != nil {
			t.Fatalf("chunk %d: %v", n, err)
		}
		if off := n * ChunkSize; !bytes.Equal(got, want[off:off+len(got)]) {
			t.Fatalf("chunk %d differs", n)
		}
	}
}

func chunkAt(body []byte, n int) []byte {
	return body[min(n*EncryptedChunkSize, len(body)):min((n+1)*EncryptedChunkSize, len(body))]
}

// runInvalid makes sure that chunk after chunk no more than the right front of a
// message comes out, and that the end does not pass for one.
func (v *chunkedVector) runInvalid(t *testing.T, in instance, message []byte) {
	t.Helper()
	if len(message) < headerSize || v.has("InvalidKeySize") {
		return
	}
	stream, err := newStream(in, v.Key, message[:SaltSize], string(v.Context))
	if err != nil {
		t.Fatal(err)
	}
	commitment := stream.Commitment()
	if !bytes.Equal(commitment[:], message[SaltSize:headerSize]) {
		if !v.has("HeaderFailure") {
			t.Error("the commitment does not match, and should")
		}
		return
	}
	body := message[headerSize:]
	var front []byte
	for n := 0; n*EncryptedChunkSize < len(body); n++ {
		out, err := stream.OpenChunk(front, chunkAt(body, n), int64(n))
		if err != nil {
			break
		}
		front = out
	}
	// Chunks of a message that goes on after its end may open one by one; it is
	// the length that gives it away, as for a message that was cut.
	if v.has("PartialPlaintext") {
		v.wants(t, front[:min(len(front), v.Length)])
	}
	if _, err := PlaintextSize(int64(len(body))); err == nil && !v.has("ValidFinalChunk") {
		last := len(body) / EncryptedChunkSize
		if _, err := stream.OpenChunk(nil, chunkAt(body, last), int64(last)); err == nil {
			t.Error("the last chunk opens, so that the message's length would be believed")
		}
	}
}

// TestWycheproofLowOrderX25519 refuses every public key that Wycheproof knows
// to give a shared secret of zero.
func TestWycheproofLowOrderX25519(t *testing.T) {
	var file struct {
		TestGroups []struct {
			Tests []struct {
				ID     int      `json:"tcId"`
				Public hexBytes `json:"public"`
				Flags  []string `json:"flags"`
			}
		}
	}
	readVectors(t, "x25519_test.json", &file)
	found := 0
	for _, group := range file.TestGroups {
		for _, v := range group.Tests {
			if !slices.Contains(v.Flags, "ZeroSharedSecret") {
				continue
			}
			found++
			if _, err := NewRecipient(X25519, v.Public); err == nil {
				t.Errorf("vector %d: %x was taken as a recipient", v.ID, []byte(v.Public))
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d vectors have a shared secret of zero", found)
	}
}
