// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// The worked example in FORMAT.md is computed here from a frozen package, so
// that text and code cannot drift apart. On a difference the test prints it.
func TestFormatExample(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	check(t, err)
	want := formatExample(t)
	if !strings.Contains(string(doc), want) {
		t.Errorf("FORMAT.md does not hold the worked example as it is:\n\n%s", want)
	}
}

func formatExample(t *testing.T) string {
	t.Helper()
	const name = "aead_aes_256_gcm-sha-256-x25519.tgsp"
	data, err := os.ReadFile(filepath.Join(frozen, name))
	check(t, err)
	f, err := OpenFile(filepath.Join(frozen, name))
	check(t, err)
	defer f.Close() // only read
	e, l, m := f.Claims(), f.layout, f.Claims().manifest
	identity := frozenIdentities(t, tgspcrypto.X25519)[0]
	dek, err := unwrap(e.recipients, e.doc.Manifest, Facts{}, []*tgspcrypto.Identity{identity})
	check(t, err)

	var b strings.Builder
	say := func(what string, bytes []byte) {
		fmt.Fprintf(&b, "%s, %d bytes\n", what, len(bytes))
		for len(bytes) > 0 {
			n := min(32, len(bytes))
			fmt.Fprintf(&b, "    % x\n", bytes[:n])
			bytes = bytes[n:]
		}
	}
	derive := func(what string, salt []byte, context string) {
		okm, err := hkdf.Expand(sha512.New, dek, "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"+string(salt)+context, 76)
		check(t, err)
		say(what+": salt", salt)
		say(what+": key", okm[:32])
		say(what+": base nonce", okm[32:44])
		say(what+": commitment", okm[44:])
	}
	fmt.Fprintf(&b, "Offsets: slots %d and %d, index %d, tree %d, gap %d, payload %d, end %d\n\n",
		l.slotOffset(0), l.slotOffset(1), l.indexOffset(), l.treeOffset(), l.gapOffset(), l.payloadOffset(), l.fileSize())
	say("preamble, its first bytes", data[:40])
	say("slot A: length of the envelope", data[preambleSize:preambleSize+slotPrefix])
	say("envelope: manifest", e.doc.Manifest)
	say("envelope: the author's entry in signatures", e.doc.Signatures[0])
	say("PAE over the manifest: its first bytes", []byte(fmt.Sprintf("DSSEv1 %d %s %d ", len(ManifestType), ManifestType, len(e.doc.Manifest))))
	say("recipient: the entry", e.recipients[0].raw)
	say("recipient: info", wrapInfo(e.doc.Manifest))
	say("recipient: aad", encode(stanzaPublic{e.recipients[0].stanza.Type, e.recipients[0].stanza.Hint}))
	say("data key", dek)
	sealed := data[l.indexOffset():l.treeOffset()]
	derive("index", sealed[:24], indexContext)
	plain, err := tgspcrypto.OpenMessage(m.Suite, dek, sealed, indexContext)
	check(t, err)
	n := int(plain[2])<<8 | int(plain[3])
	say("index: length of the table, and the table", plain[:indexPrefix+n])
	derive("payload", m.PayloadSalt[:], payloadContext)
	payload := data[l.payloadOffset():]
	say("payload: first 32 bytes of chunk 0", payload[:32])
	leaf := sha256.Sum256(payload[:min(LeafSize, len(payload))])
	say("tree: digest of leaf 0", leaf[:])
	node := recordHash(leaf)
	say("tree: node of leaf 0", node[:])
	say("tree: the section", data[l.treeOffset():l.gapOffset()])
	say("tree: content_hash", m.ContentHash[:])
	return b.String()
}
