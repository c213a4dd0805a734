// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// windowsExchange opens on each system what was made on the other, and changes it there.
func windowsExchange(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	friend := u.other("friend")
	l := u.linux()
	linux := func(args ...string) rig.Result {
		t.Helper()
		r := l.Run(args...)
		if r.Code != 0 {
			t.Fatal(r)
		}
		return r
	}
	u.model("model")
	for _, cipher := range []string{"aes-256-gcm", "chacha20-poly1305"} {
		for _, leaf := range []string{"sha-256", "blake3"} {
			options := []string{"pack", "model", "-o", "m.tgsp", "--cipher", cipher, "--leaf-hash", leaf}
			for made, pack := range map[string]func(...string) rig.Result{"on Windows": u.does, "on Linux": linux} {
				pack(options...)
				for opened, run := range map[string]func(...string) rig.Result{"Windows": u.does, "Linux": linux} {
					if r := run("verify", "m.tgsp"); !strings.Contains(r.Stdout, "decrypted and compared") {
						t.Errorf("made %s, verified on %s: %s", made, opened, r)
					}
				}
				l.Run("extract", "m.tgsp", "linux")
				u.does("extract", "m.tgsp", "windows")
				for _, out := range []string{"linux", "windows"} {
					u.sameTree("model", out)
					if err := os.RemoveAll(u.path(out)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}

	// Added by one, opened, removed and renewed by the other.
	key := u.public("friend/identity.key")
	friend.does("trust", "add", u.public("home/author.key"))
	friend.refuses(14, []string{"ls", "m.tgsp"}, "recipients add")
	u.does("recipients", "add", "m.tgsp", key)
	linux("ls", "m.tgsp", "-i", "friend/identity.key")
	linux("recipients", "remove", "m.tgsp", key)
	friend.refuses(14, []string{"ls", "m.tgsp"})
	linux("recipients", "add", "m.tgsp", key)
	friend.does("ls", "m.tgsp")
	u.does("renew", "m.tgsp", "--version", "2.0.0", "-r", key)
	refused(t, l.Run("ls", "m.tgsp"), 14)
	u.does("keygen", "author", "-o", "second.key")
	second := u.public("second.key")
	for _, who := range []*winUser{u, friend} {
		who.does("trust", "add", "--role", "envelope", second)
	}
	linux("sign", "m.tgsp", "--sign-key", "second.key")
	friend.does("verify", "m.tgsp", "--require-key", second)
}

// windowsSameBodies packs a model with the same keys and the same random numbers on both
// systems: index, tree and contents are the same bytes.
func windowsSameBodies(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	u.model("model")
	u.write("model/sub/big.bin", strings.Repeat("0123456789abcdef", 1<<16))
	u.write("meta.json", `{"license": "mit"}`)
	u.write("seed", strings.Repeat("5e", 32))
	for _, leaf := range []string{"sha-256", "blake3"} {
		options := []string{"pack", "model", "--test-seed", "seed", "--metadata", "meta.json", "--leaf-hash", leaf, "-o"}
		u.does(append(options, "windows.tgsp")...)
		if r := u.linux().Run(append(options, "linux.tgsp")...); r.Code != 0 {
			t.Fatal(r)
		}
		a, b := body(t, u.read("windows.tgsp")), body(t, u.read("linux.tgsp"))
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the bodies are different, of %d and %d bytes", leaf, len(a), len(b))
		}
		if len(a) < 1<<20 {
			t.Errorf("%s: a body of %d bytes", leaf, len(a))
		}
	}
}

// body is what follows the two slots (FORMAT.md, section 3).
func body(t *testing.T, pkg string) []byte {
	t.Helper()
	if len(pkg) < 4096 {
		t.Fatalf("a package of %d bytes", len(pkg))
	}
	return []byte(pkg[4096+2*binary.BigEndian.Uint32([]byte(pkg[12:16])):])
}
