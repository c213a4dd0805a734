// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Programs of Debian's wine64 and of its compiler for Windows.
const (
	wineLoader   = "/usr/lib/wine/wine64"
	wineServer   = "/usr/lib/wine/wineserver"
	wineCompiler = "x86_64-w64-mingw32-gcc-win32"
)

// MissingForWine returns the packages that [NewWine] needs and the machine lacks.
func MissingForWine() (packages []string) {
	if _, err := os.Stat(wineLoader); err != nil {
		packages = append(packages, "wine64")
	}
	if len(Missing(wineCompiler)) > 0 {
		packages = append(packages, "gcc-mingw-w64-x86-64-win32")
	}
	return packages
}

// Wine is a system in which programs of Windows run: its own drive C:, registry and
// processes, in one folder. Its drive Z: is the whole machine.
type Wine struct {
	dir  string
	idle io.Closer // of a program that waits for the end of its standard input
}

// NewWine makes one below a folder. random is the source of the library that Go
// programs get random numbers from.
func NewWine(dir, random string) (*Wine, error) {
	w := &Wine{dir: dir}
	for _, folder := range []string{"home", "tmp"} {
		if err := os.MkdirAll(w.Path(folder), 0o755); err != nil {
			return nil, err
		}
	}
	if r := Collect(w.Command(nil, "wineboot", "-i")); r.Code != 0 {
		return nil, errors.Join(fmt.Errorf("%s", r), w.Close())
	}
	// All that came with it has to have ended before more begins.
	if err := w.Close(); err != nil {
		return nil, err
	}
	library := w.Path("prefix/drive_c/windows/system32/bcryptprimitives.dll")
	if err := BuildLibrary(library, random, "-ladvapi32"); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, w.stay()
}

// stay begins a program that does nothing. With the last program that is none of its
// own Wine ends its services, and those that end would be asked what the next are for.
func (w *Wine) stay() (err error) {
	cmd := w.Command(nil, "cmd", "/c", "pause")
	if w.idle, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // Close ends it
	return nil
}

// BuildLibrary compiles a library for programs of Windows from sources in C.
func BuildLibrary(library string, sources ...string) error {
	args := append([]string{"-O2", "-Wall", "-Werror", "-s", "-shared", "-o", library}, sources...)
	if out, err := exec.Command(wineCompiler, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", wineCompiler, err, out)
	}
	return nil
}

// Path is the path of a name in the folder, as Linux has it.
func (w *Wine) Path(name string) string { return filepath.Join(w.dir, name) }

// Windows is how a path of Linux's is called on Windows.
func Windows(path string) string { return "Z:" + strings.ReplaceAll(path, "/", `\`) }

// Command prepares a program of Windows, with these variables beside the few that
// all get. It works in the folder home, which nothing else uses.
func (w *Wine) Command(env []string, name string, args ...string) *exec.Cmd {
	// The kernel would put the heap anywhere in a gigabyte, in the middle of which Wine
	// needs a page of its own. One process in some thousands ended without a word.
	cmd := exec.Command("setarch", append([]string{"-R", wineLoader, name}, args...)...)
	w.surround(cmd)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

func (w *Wine) surround(cmd *exec.Cmd) {
	cmd.Dir = w.Path("home")
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + w.Path("home"), "LC_ALL=C.UTF-8",
		// Wine leaves a folder behind where it makes temporary ones.
		"WINEPREFIX=" + w.Path("prefix"), "TMPDIR=" + w.Path("tmp"), "WINEDEBUG=-all",
		// Our library, no entries in menus of this machine, and no offers to install more.
		"WINEDLLOVERRIDES=bcryptprimitives=n;winemenubuilder.exe,mscoree,mshtml=d",
	}
}

// Close ends all that runs in it, and returns when nothing does.
func (w *Wine) Close() error {
	if w.idle != nil {
		w.idle.Close() // nothing was written
	}
	for _, what := range []string{"-k", "-w"} {
		cmd := exec.Command(wineServer, what)
		w.surround(cmd)
		// The first fails where nothing runs any more.
		if out, err := cmd.CombinedOutput(); err != nil && what == "-w" {
			return fmt.Errorf("%v: %w: %s", cmd.Args, err, out)
		}
	}
	return nil
}

// BuildForWindows builds packages for Windows, as their command or their tests, and
// returns nothing but what went wrong.
func (w *Wine) BuildForWindows(args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// What Go's library asks of Windows when it removes a folder, and how it goes on
// where an older Windows does not know that. Wine 8 gives another answer than Windows.
const (
	removalFile   = "src/internal/syscall/windows/at_windows.go"
	removalAnswer = "case STATUS_INVALID_INFO_CLASS,"
	wineAnswer    = "case NTStatus(0xC0000002), STATUS_INVALID_INFO_CLASS," // STATUS_NOT_IMPLEMENTED
)

// Overlay writes a file for the -overlay of go test, with which tests can remove
// their temporary folders under Wine. Programs need none.
func (w *Wine) Overlay() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(root)), removalFile)
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if strings.Count(string(source), removalAnswer) != 1 {
		return "", fmt.Errorf("%s has not the one place %q any more", original, removalAnswer)
	}
	changed, list := w.Path("at_windows.go"), w.Path("overlay.json")
	data, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		return "", err
	}
	return list, errors.Join(os.WriteFile(list, data, 0o644), os.WriteFile(changed, []byte(strings.Replace(string(source), removalAnswer, wineAnswer, 1)), 0o644))
}
