// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/tensorguard/tgsp/integration/rig"
)

// windowsKeyFiles has key files as editors of Windows write them: lines that end in CRLF,
// and a byte order mark.
func windowsKeyFiles(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	friend := u.other("friend")
	u.model("model")
	crlf := func(from, to string) { u.write(to, "\ufeff"+strings.ReplaceAll(u.read(from), "\n", "\r\n")) }

	u.write("team.txt", "\ufeff# the team\r\n\r\n"+u.public("home/identity.key")+"\r\n  "+u.public("friend/identity.key")+"\r\n")
	u.does("pack", "model", "-o", "m.tgsp", "-R", "team.txt")
	if r := u.does("recipients", "list", "m.tgsp"); strings.Count(r.Stdout, "X25519") != 2 {
		t.Error(r)
	}
	crlf("friend/identity.key", "identity crlf.key")
	crlf("home/author.key", "author crlf.key")
	u.does("pack", "model", "-o", "n.tgsp", "--sign-key", "author crlf.key")
	u.write("authors.txt", u.public("home/author.key")+"\r\n")
	friend.does("ls", "m.tgsp", "-i", "identity crlf.key", "--trusted-key", "authors.txt")
	friend.refuses(12, []string{"ls", "m.tgsp"}, "tgsp trust add")
	friend.does("trust", "add", u.public("home/author.key"), "--comment", "größe")
	if r := friend.does("trust", "list"); !strings.Contains(r.Stdout, "größe") {
		t.Error(r)
	}
	crlf("friend/trust.json", "trust")
	u.write("friend/trust.json", strings.TrimPrefix(u.read("trust"), "\ufeff")) // no JSON has a mark
	friend.does("ls", "m.tgsp")
	friend.does("trust", "remove", u.public("home/author.key"))
	friend.refuses(12, []string{"ls", "m.tgsp"})

	u.write("passphrase.txt", "correct horse\r\n")
	u.does("keygen", "identity", "-o", "sealed.key", "--passphrase", "--passphrase-file", "passphrase.txt")
	u.write("plain.txt", "correct horse")
	r := u.does("keygen", "author", "-o", "plain.key")
	u.refuses(1, []string{"ls", "m.tgsp", "-i", "sealed.key", "--passphrase-file", "team.txt"}, "sealed.key")
	u.refuses(14, []string{"ls", "m.tgsp", "-i", "sealed.key", "--passphrase-file", "plain.txt"})

	// What PowerShell 5 makes of tgsp keygen … >file.
	var text strings.Builder
	for _, unit := range utf16.Encode([]rune("\ufeff" + r.Stdout)) {
		text.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	u.write("utf16.txt", text.String())
	u.refuses(1, []string{"ls", "m.tgsp", "--trusted-key", "utf16.txt"}, "utf16.txt:1: the text is UTF-16", "UTF-8")
}
