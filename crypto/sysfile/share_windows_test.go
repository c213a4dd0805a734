// SPDX-License-Identifier: Apache-2.0

package sysfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// shareFile lets everybody read a file, and shareFolder write into a folder.
func shareFile(name string) error  { return setList(name, "FR", "") }
func shareFolder(dir string) error { return setList(dir, "FA", "OICI") }

// setList gives the user all rights, and everybody these.
func setList(name, rights, inherit string) error {
	user, err := currentUser()
	if err != nil {
		return err
	}
	list, err := windows.SecurityDescriptorFromString("D:P(A;" + inherit + ";FA;;;" + user.String() + ")(A;" + inherit + ";" + rights + ";;;WD)")
	if err != nil {
		return err
	}
	acl, _, err := list.DACL()
	if err != nil {
		return err
	}
	return windows.SetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, acl, nil)
}

// The list that new files get names the user alone, and says who owns them.
func TestOwnerAloneList(t *testing.T) {
	user, err := currentUser()
	check(t, err)
	for inherit, want := range map[string]string{"": "D:P(A;;FA;;;", "OICI": "D:P(A;OICI;FA;;;"} {
		err := ownerAlone(inherit, func(_ *uint16, sa *windows.SecurityAttributes) error {
			text := sa.SecurityDescriptor.String()
			if owner, _, err := sa.SecurityDescriptor.Owner(); err != nil || !owner.Equals(user) {
				t.Errorf("the owner is %v, %v", owner, err)
			}
			if !strings.Contains(text, want) || strings.Count(text, "(") != 1 {
				t.Errorf("%s, want %s", text, want)
			}
			return nil
		}, "any")
		check(t, err)
	}
}

// A file that another program has open is replaced as soon as it is closed; while it
// is open, both stay as they are.
func TestInUse(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	check(t, os.WriteFile(from, []byte("new"), 0o600))
	check(t, os.WriteFile(to, []byte("old"), 0o600))
	reader, err := os.Open(to)
	check(t, err)
	err = Rename(from, to)
	if !InUse(err) || !strings.Contains(err.Error(), to) {
		t.Errorf("it was replaced while it was open: %v", err)
	}
	for name, want := range map[string]string{from: "new", to: "old"} {
		if text, err := os.ReadFile(name); string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	time.AfterFunc(patience/10, func() { reader.Close() })
	check(t, Rename(from, to))
	if text, err := os.ReadFile(to); string(text) != "new" {
		t.Errorf("%q, %v", text, err)
	}
}

// A program that lets others only read keeps changes out, and one that has ended does not.
func TestOpenForChangeOfWhatIsRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(name, nil, 0o600))
	path, err := windows.UTF16PtrFromString(name)
	check(t, err)
	h, err := windows.CreateFile(path, windows.GENERIC_READ, windows.FILE_SHARE_READ, nil, windows.OPEN_EXISTING, 0, 0)
	check(t, err)
	if _, err := OpenForChange(name); !InUse(err) {
		t.Errorf("it was opened: %v", err)
	}
	time.AfterFunc(patience/10, func() { windows.CloseHandle(h) })
	f, err := OpenForChange(name)
	check(t, errors.Join(err, f.Close()))
}
