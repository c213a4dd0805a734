// SPDX-License-Identifier: Apache-2.0

//go:build linux && fuse3

package mount

import (
	"fmt"
	"strings"
	"testing"

	"github.com/winfsp/cgofuse/fuse"
)

// TestStreamWaitsToBeAsked reads a file in sequence in several ways, where what was
// decrypted ahead cannot be stored. Every byte must be right, hardly one be read
// twice, and no buffer be kept.
func TestStreamWaitsToBeAsked(t *testing.T) {
	for _, way := range []string{"until", "map", "threads"} {
		fsys := newStreamedFS()
		s := serve(t, fsys, Options{ReadAhead: asUser})
		tell := startStreamReader(t, s.Dir()+"/f")
		want := fsys.sum()
		if way == "until" {
			want = fmt.Sprint(streamedSize, " 0")
		}
		if got := tell(way); got != want {
			t.Errorf("%s: %s, want %s", way, got, want)
		}
		fsys.mu.Lock()
		calls, bytes, largest := fsys.calls, fsys.bytes, fsys.largest
		fsys.mu.Unlock()
		t.Logf("%s: %d reads of %.1f MiB in all for %d MiB, of at most %d KiB", way, calls, float64(bytes)/(1<<20), streamedSize>>20, largest>>10)
		if bytes > streamedSize*3/2 || largest != jobSize {
			t.Errorf("%s: %d reads of %d bytes in all, of at most %d", way, calls, bytes, largest)
		}
		if waiting, _ := s.tree.ahead.Load().waitingJobs(); way == "until" && waiting > 0 {
			t.Errorf("%s: %d jobs wait", way, waiting)
		}
	}
}

// TestRevokeRefusesWhatIsCached takes a mount away from a program that has files open.
// What it has mapped stays with it: the library gives no way to the kernel's cache.
func TestRevokeRefusesWhatIsCached(t *testing.T) {
	var g gate
	s := serve(t, revokedFS(), Options{Allow: g.allow})
	report := startReader(t, s.Dir())
	for way, err := range report().Got {
		if err != "" {
			t.Errorf("%s before: %s", way, err)
		}
	}
	g.shut.Store(true)
	if left := s.Revoke(); left != 6 {
		t.Errorf("%d are left, want the five files and the folder that were open", left)
	}
	after := report()
	for _, way := range []string{"open", "open cwd", "opendir", "stat", "pread", "O_DIRECT", "list"} {
		if got := after.Got[way]; got != "permission denied" {
			t.Errorf("%s afterwards: %q", way, got)
		}
	}
	if err := s.Detach(); err != nil {
		t.Error(err)
	}
}

// TestHostedRefusesChanges asks what no Linux kernel asks of a mount that is
// read-only, but Windows does.
func TestHostedRefusesChanges(t *testing.T) {
	tr, err := newTree(sampleFS(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := newHosted(tr)
	const file = "/config.json"
	created, _ := h.Create("/new", fuse.O_RDWR, 0o644)
	for what, got := range map[string]int{
		"mknod": h.Mknod("/new", 0, 0), "mkdir": h.Mkdir("/new", 0), "unlink": h.Unlink(file), "rmdir": h.Rmdir("/hollow"),
		"link": h.Link(file, "/new"), "symlink": h.Symlink(file, "/new"), "rename": h.Rename(file, "/new"),
		"chmod": h.Chmod(file, 0o777), "chown": h.Chown(file, 1, 1), "chflags": h.Chflags(file, 0), "utimens": h.Utimens(file, nil),
		"setcrtime": h.Setcrtime(file, fuse.Timespec{}), "setchgtime": h.Setchgtime(file, fuse.Timespec{}),
		"truncate": h.Truncate(file, 0, 1), "write": h.Write(file, []byte("x"), 0, 1), "setxattr": h.Setxattr(file, "a", nil, 0),
		"removexattr": h.Removexattr(file, "a"), "create": created, "createex": h.CreateEx("/new", 0, new(fuse.FileInfo_t)),
		"open to write": h.OpenEx(file, &fuse.FileInfo_t{Flags: fuse.O_WRONLY}), "open for both": h.OpenEx(file, &fuse.FileInfo_t{Flags: fuse.O_RDWR}),
		"delete": h.Access(file, fuse.DELETE_OK), "access": h.Access(file, 2),
	} {
		if got != -fuse.EROFS {
			t.Errorf("%s: %d, want %d", what, got, -fuse.EROFS)
		}
	}
	if got := h.Access(file, 4); got != 0 {
		t.Errorf("reading: %d", got)
	}
}

// TestHostedIgnoresCase asks as Windows does, where names are found in any case.
func TestHostedIgnoresCase(t *testing.T) {
	tr, err := newTree(sampleFS(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := newHosted(tr)
	h.names = foldNames(tr)
	info := new(fuse.FileInfo_t)
	if errc := h.OpenEx("/SUB/ÜNÏ CODE.BIN", info); errc != 0 {
		t.Fatalf("error %d", errc)
	}
	buf := make([]byte, 100)
	if n := h.Read("", buf, 3<<20, info.Fh); n != 17 {
		t.Errorf("%d bytes at the end, want 17", n)
	}
	if errc, name := h.Getpath("/SUB/ÜNÏ CODE.BIN", info.Fh); errc != 0 || name != "/sub/ünï code.bin" {
		t.Errorf("%d, %s", errc, name)
	}
	if errc, name := h.Getpath("/", 0); errc != 0 || name != "/" {
		t.Errorf("%d, %s", errc, name)
	}
	for it := range h.asked() {
		if got := shownPath(it); got != "/sub/ünï code.bin" {
			t.Errorf("%s is open", got)
		}
	}
	if h.Release("", info.Fh); h.Read("", buf, 0, info.Fh) != -fuse.EBADF {
		t.Error("read after it was closed")
	}
	if errc := h.OpenEx("/sub", info); errc != -fuse.EISDIR {
		t.Errorf("a folder: %d", errc)
	}
	if errc := h.OpenEx("/no", info); errc != -fuse.ENOENT {
		t.Errorf("nothing: %d", errc)
	}
	var names []string
	h.Readdir("/SUB", func(name string, stat *fuse.Stat_t, _ int64) bool {
		names = append(names, fmt.Sprintf("%s %o", name, stat.Mode))
		return true
	}, 0, 0)
	if got := strings.Join(names, ", "); got != ". 40555, .. 40555, deep 40555, ünï code.bin 100444" {
		t.Errorf("the listing is %s", got)
	}
}
