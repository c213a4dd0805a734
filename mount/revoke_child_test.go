// SPDX-License-Identifier: Apache-2.0

//go:build linux

package mount

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readerVariable names a mountpoint and makes this binary be a reader of it.
const readerVariable = "TGSP_TEST_READER"

func TestMain(m *testing.M) {
	if file := os.Getenv(streamVariable); file != "" {
		if err := beStreamReader(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(readerVariable); dir != "" {
		if err := beReader(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// readerReport is what a reader has got: "" for each way that works, else the
// error; and what is cached of the files that it has mapped.
type readerReport struct {
	Got      map[string]string
	Resident int // pages of them in the cache
	RSS      int // kilobytes of them in the reader's memory
}

// beReader opens and maps what it can, reports, and does so again for each line
// that it is told, with what it has open since the first time.
func beReader(dir string) error {
	debug.SetPanicOnFault(true) // a bus error becomes something to recover from
	r, err := newReader(dir)
	if err != nil {
		return err
	}
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		report, err := r.report()
		if err == nil {
			err = out.Encode(report)
		}
		if err != nil || !lines.Scan() {
			return err
		}
	}
}

// reader has files of the mount open in every way; it works in the folder sub.
type reader struct {
	dir                    string
	file, direct, list     int
	shared, private, fixed []byte // mappings of "sub/shared", "sub/private", "sub/locked"
}

func newReader(dir string) (*reader, error) {
	r := &reader{dir: dir}
	err := os.Chdir(filepath.Join(dir, "sub"))
	open := func(name string, flags int) (fd int) {
		if err == nil {
			fd, err = unix.Open(name, unix.O_RDONLY|flags, 0)
		}
		return fd
	}
	mapped := func(name string, flags int) (area []byte) {
		fd := open(name, 0)
		if err == nil {
			area, err = unix.Mmap(fd, 0, mappedSize, unix.PROT_READ, flags)
		}
		return area
	}
	r.file, r.direct, r.list = open("plain", 0), open("plain", unix.O_DIRECT), open(".", unix.O_DIRECTORY)
	r.shared, r.private, r.fixed = mapped("shared", unix.MAP_SHARED), mapped("private", unix.MAP_PRIVATE), mapped("locked", unix.MAP_SHARED)
	if err == nil {
		err = unix.Mlock(r.fixed)
	}
	return r, err
}

func (r *reader) report() (*readerReport, error) {
	page := make([]byte, 2*os.Getpagesize())
	skew := -int(uintptr(unsafe.Pointer(&page[0]))) & (os.Getpagesize() - 1)
	page = page[skew : skew+os.Getpagesize()]
	var stat unix.Stat_t
	ways := map[string]func() error{
		"open":     func() error { return opens(filepath.Join(r.dir, "config.json")) },
		"open cwd": func() error { return opens("plain") },
		"opendir":  func() error { return opens(".") },
		"stat":     func() error { return unix.Stat("plain", &stat) },
		"pread":    func() error { return reads(unix.Pread(r.file, page, 0)) },
		"O_DIRECT": func() error { return reads(unix.Pread(r.direct, page, 0)) },
		"list":     func() error { return r.lists() },
		"shared":   func() error { return touches(r.shared) },
		"private":  func() error { return touches(r.private) },
		"locked":   func() error { return touches(r.fixed) },
	}
	report := &readerReport{Got: make(map[string]string)}
	for name, way := range ways {
		report.Got[name] = ""
		if err := way(); err != nil {
			report.Got[name] = err.Error()
		}
	}
	for _, area := range [][]byte{r.shared, r.private, r.fixed} {
		resident := make([]byte, len(area)/os.Getpagesize())
		if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&area[0])), uintptr(len(area)), uintptr(unsafe.Pointer(&resident[0]))); errno != 0 {
			return nil, errno
		}
		report.Resident += bytes.Count(resident, []byte{1})
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	for _, area := range [][]byte{r.shared, r.private, r.fixed} {
		_, rest, _ := strings.Cut(string(smaps), fmt.Sprintf("\n%x-", uintptr(unsafe.Pointer(&area[0]))))
		_, rest, _ = strings.Cut(rest, "Rss:")
		size := 0
		if _, scanErr := fmt.Sscan(rest, &size); scanErr != nil {
			err = errors.Join(err, scanErr)
		}
		report.RSS += size
	}
	return report, err
}

func opens(name string) error {
	fd, err := unix.Open(name, unix.O_RDONLY, 0)
	if err == nil {
		err = unix.Close(fd)
	}
	return err
}

func reads(n int, err error) error {
	if err == nil && n == 0 {
		err = errors.New("nothing was read")
	}
	return err
}

func (r *reader) lists() error {
	if _, err := unix.Seek(r.list, 0, 0); err != nil {
		return err
	}
	return reads(unix.Getdents(r.list, make([]byte, 4096)))
}

// touches reads a byte of each page.
func touches(area []byte) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = errors.New("SIGBUS")
		}
	}()
	sum := byte(0)
	for i := 0; i < len(area); i += os.Getpagesize() {
		sum += area[i]
	}
	if sum == 255 { // which keeps the loop
		return errors.New("other bytes")
	}
	return nil
}

// startChild starts this program as a reader, which a variable tells what to read,
// and returns its standard input and output. It ends with the input.
func startChild(t *testing.T, variable, value string) (in io.Writer, out io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+value)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err = cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close() // it ends then
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return stdin, out
}

// startReader returns a function that lets a reader report once more.
func startReader(t *testing.T, dir string) func() readerReport {
	t.Helper()
	in, out := startChild(t, readerVariable, dir)
	reports, asked := json.NewDecoder(out), false
	return func() (r readerReport) {
		t.Helper()
		if asked {
			if _, err := in.Write([]byte("\n")); err != nil {
				t.Fatal(err)
			}
		}
		asked = true
		if err := reports.Decode(&r); err != nil {
			t.Fatal(err)
		}
		return r
	}
}
