// SPDX-License-Identifier: Apache-2.0

package sysfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// OpenPrivate is os.OpenFile that makes files for their owner alone. One that is
// there keeps its access list.
func OpenPrivate(name string, flag int) (*os.File, error) {
	if flag&os.O_CREATE == 0 {
		return os.OpenFile(name, flag, 0o600)
	}
	f, err := create(name)
	switch {
	case flag&os.O_EXCL != 0:
		return f, err
	case err == nil:
		err = f.Close()
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return os.OpenFile(name, flag&^os.O_CREATE, 0o600)
}

// create makes a file that is not there. Others may open it as they may what
// os.OpenFile has made: Go lets them read and write, not remove.
func create(name string) (*os.File, error) {
	var h windows.Handle
	err := ownerAlone("", func(path *uint16, sa *windows.SecurityAttributes) (err error) {
		h, err = windows.CreateFile(path, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, sa,
			windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
		return err
	}, name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

// CreateTempPrivate is os.CreateTemp, whose files are for their owner alone. The
// pattern holds one *.
func CreateTempPrivate(dir, pattern string) (*os.File, error) { return create(tempName(dir, pattern)) }

// MkdirPrivate makes a folder for its owner alone, as all is that will be in it.
func MkdirPrivate(name string) error {
	if err := ownerAlone("OICI", windows.CreateDirectory, name); err != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	return nil
}

// MkdirTempPrivate is os.MkdirTemp, whose folders are for their owner alone. The
// pattern holds one *.
func MkdirTempPrivate(dir, pattern string) (string, error) {
	name := tempName(dir, pattern)
	return name, MkdirPrivate(name)
}

// tempName makes a name that nobody has.
func tempName(dir, pattern string) string {
	return filepath.Join(dir, strings.Replace(pattern, "*", rand.Text(), 1))
}

// ownerAlone makes something of a name with an access list that holds the user alone.
// The owner is said as well: of what administrators make it would be their group.
// inherit says, in the words of such lists, what takes it over.
func ownerAlone(inherit string, make func(*uint16, *windows.SecurityAttributes) error, name string) error {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	user, err := currentUser()
	if err != nil {
		return err
	}
	list, err := windows.SecurityDescriptorFromString("O:" + user.String() + "D:P(A;" + inherit + ";FA;;;" + user.String() + ")")
	if err != nil {
		return err
	}
	sa := &windows.SecurityAttributes{SecurityDescriptor: list}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	return make(path, sa)
}

func currentUser() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, err
	}
	return user.User.Sid, nil
}
