// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// windowsMounts mounts packages with tgsp.exe. WinFsp is a driver of Windows, which
// Wine cannot run: testdata/winfsp stands in for its library, asks tgsp.exe what the
// driver would have it asked, and shows in plain files what it is told.
//
// So this shows all that tgsp.exe does and says. It shows nothing of the driver: that
// its cache forgets a file when it is told to, that mapped pages fault as they should,
// how it judges the rights that it makes of modes, and how Explorer takes it.
func windowsMounts(t *testing.T, w *rig.Wine) {
	prepareMounts(t, w)
	u := newWinUser(t, w)
	u.model("model")
	u.does("pack", "model", "-o", "m.tgsp", "--package-id", "acme/chat", "--version", "1.2.0")
	for _, test := range []struct {
		name string
		run  func(*winUser)
	}{
		{"folders", (*winUser).mountsFolders}, {"drives", (*winUser).mountsDrives}, {"asked", (*winUser).answersWinFsp},
		{"interrupted", (*winUser).endsMountByConsole}, {"revoked", (*winUser).revokesMount}, {"expired", (*winUser).expiresMount},
		{"idle", (*winUser).endsIdleMount}, {"changed", (*winUser).mountsChanged}, {"refused", (*winUser).refusesMountpoints},
		{"without WinFsp", (*winUser).lacksWinFsp}, {"service", (*winUser).servesMount},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := *u
			u.T = t
			test.run(&u)
		})
	}
}

// mountsFolders mounts on a folder that is not there, and on one that is empty.
func (u *winUser) mountsFolders() {
	for _, existed := range []bool{false, true} {
		dir := fmt.Sprintf("größe %v", existed)
		if existed {
			if err := os.Mkdir(u.path(dir), 0o755); err != nil {
				u.Fatal(err)
			}
		}
		m := u.mount("m.tgsp", dir)
		u.sameTree(dir, "model")
		u.serving(rig.Windows(u.path(dir)))
		var options []string
		for _, o := range m.told("option") {
			options = append(options, o.Path)
		}
		if want := []string{"FileInfoTimeout=-1", "FileSystemName=tgsp", "uid=-1", "gid=-1", "volname=acme-chat 1.2.0"}; !slices.Equal(options, want) {
			u.Errorf("options %q, want %q", options, want)
		}
		u.does("umount", dir)
		m.ends(0, "WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos", "https://github.com/winfsp/winfsp", "msg=unmounted")
		if entries, err := os.ReadDir(u.path(dir)); existed != (err == nil) || len(entries) > 0 {
			u.Errorf("%s: %v, %v", dir, entries, err)
		}
		u.unmounted()
	}
}

// mountsDrives mounts as a drive, one that is named and one that is free.
func (u *winUser) mountsDrives() {
	for name, drive := range map[string]string{`x:\`: "X", "*": "Y"} { // Z: is there before
		m := u.mount("m.tgsp", name)
		shown := u.wine.Path("prefix/dosdevices/" + strings.ToLower(drive) + ":")
		if out, err := exec.Command("diff", "-r", shown+"/", u.path("model")).CombinedOutput(); err != nil {
			u.Errorf("%v: %s", err, out)
		}
		u.serving(drive + ":")
		u.refuses(17, []string{"umount", "W:"}, "W:", "tgsp status")
		r := rig.Collect(u.command("mounts/tgsp.exe", "mount", "m.tgsp", strings.ToLower(drive)+":"))
		refused(u.T, r, 17, "the drive letter is taken", "tgsp umount "+drive+":")
		u.does("umount", strings.ToLower(drive)+`:\`)
		m.ends(0)
		if _, err := os.Lstat(shown); err == nil {
			u.Errorf("%s: is still there", drive)
		}
	}
	u.unmounted()
}

// answersWinFsp asks for names in other case, for changes, and for counters.
func (u *winUser) answersWinFsp() {
	m := u.mount("m.tgsp", "asked", "--metrics", "0")
	const file = "größe 日本/weights.bin"
	data := u.read("model/" + file)
	for _, path := range []string{"/" + file, "/GRÖßE 日本/Weights.BIN"} {
		got := m.ask("read", path)
		if got.Answer != 0 || got.Size != int64(len(data)) || got.CRC != crc32.ChecksumIEEE([]byte(data)) {
			u.Errorf("read: %+v", got)
		}
		if got := m.ask("stat", path); got.Answer != 0 || got.Spelling != "/"+file || got.Mode&0o777 != 0o400 {
			u.Errorf("stat: %+v", got)
		}
		changes := m.ask("change", path).Answers
		for what, answer := range changes {
			if answer != winReadOnly {
				u.Errorf("%s of %s: %d", what, path, answer)
			}
		}
		if len(changes) != 22 {
			u.Errorf("%d changes were asked for", len(changes))
		}
	}
	if got := m.ask("read", "/none"); got.Answer != winNoEntry {
		u.Errorf("a file that is not there: %+v", got)
	}
	page := must(http.Get(u.mounts()[0].Metrics))(u.T)
	defer page.Body.Close()
	text := string(must(io.ReadAll(page.Body))(u.T))
	if _, rest, _ := strings.Cut(text, "tgsp_read_bytes_total "); rest == "" || rest[0] < '1' {
		u.Errorf("no bytes are counted: %s", text)
	}
	u.does("umount", "asked")
	m.ends(0)
	u.unmounted()
}

// mountsChanged reads a package of which one byte was changed.
func (u *winUser) mountsChanged() {
	data := []byte(u.read("m.tgsp"))
	data[len(data)-20_000] ^= 1
	u.write("changed.tgsp", string(data))
	m := u.mount("changed.tgsp", "changed")
	const file = "größe 日本/weights.bin"
	if not := m.told("not shown"); len(not) != 1 || not[0].Path != "/"+file || not[0].Answer != winIO {
		u.Errorf("not shown: %+v", not)
	}
	if got := m.ask("read", "/"+file); got.Answer != winIO {
		u.Errorf("read: %+v", got)
	}
	if got := m.ask("read", "/config.json"); got.Answer != 0 || got.Size != 3 {
		u.Errorf("a file that is as it was: %+v", got)
	}
	u.does("umount", "changed")
	m.ends(0, "level=ERROR", `msg="read refused"`, file, "offset=")
	u.unmounted()
}

// refusesMountpoints names what is no mountpoint.
func (u *winUser) refusesMountpoints() {
	u.write("full/file", "")
	for dir, words := range map[string][]string{
		"full":         {"is not empty", "file", "mount on an empty folder"},
		`full\file`:    {"not a folder", "a drive letter"},
		`none\below`:   {"does not exist", `mkdir ` + rig.Windows(u.path("none"))},
		"C:":           {"taken"},
		`full\..\full`: {"is not empty"},
	} {
		before := must(filepath.Glob(u.path("*")))(u.T)
		r := rig.Collect(u.command("mounts/tgsp.exe", "mount", "m.tgsp", dir))
		refused(u.T, r, 17, words...)
		if strings.Contains(r.Stderr, "mkdir -p") {
			u.Errorf("that is no command of Windows: %s", r)
		}
		if after := must(filepath.Glob(u.path("*")))(u.T); !slices.Equal(before, after) {
			u.Errorf("%s: %q is now %q", dir, before, after)
		}
	}
	u.unmounted()
}

// lacksWinFsp mounts without a library: nobody is asked for a passphrase first.
func (u *winUser) lacksWinFsp() {
	u.write("secret", "a long passphrase\n")
	u.does("keygen", "identity", "-o", "locked.key", "--passphrase-file", "secret")
	u.refuses(17, []string{"mount", "-i", "locked.key", "m.tgsp", "none"}, "WinFsp", "winget install WinFsp.WinFsp", "tgsp extract")
	if r := u.does("doctor"); !strings.Contains(r.Stdout, "the system lacks WinFsp") || !strings.Contains(r.Stdout, "winget install WinFsp.WinFsp") {
		u.Error(r)
	}
	r := rig.Collect(u.command("mounts/tgsp.exe", "doctor"))
	if r.Code != 0 || !strings.Contains(r.Stdout, "packages can be mounted through WinFsp") {
		u.Error(r)
	}
}
