// SPDX-License-Identifier: Apache-2.0

package sysfile

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	// changes are the rights by which a file can be changed, also by changing who
	// has rights.
	changes = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.GENERIC_WRITE | windows.GENERIC_ALL |
		windows.DELETE | windows.WRITE_DAC | windows.WRITE_OWNER
	reads = windows.FILE_READ_DATA | windows.GENERIC_READ
)

// Shared reports whether others than the user may read a file, or change it. The
// system and its administrators do not count: nothing keeps them out. Links are
// followed.
func Shared(name string) (bool, error) { return permits(name, reads|changes) }

// WritableByOthers is Shared for changes alone, of a file or of what is in a folder.
func WritableByOthers(name string) (bool, error) { return permits(name, changes) }

func permits(name string, rights windows.ACCESS_MASK) (bool, error) {
	list, err := windows.GetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return false, err
	}
	acl, _, err := list.DACL()
	if errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) || err == nil && acl == nil {
		return true, nil // no list, as on a FAT volume, is for everybody
	}
	if err != nil {
		return false, err
	}
	user, err := currentUser()
	if err != nil {
		return false, err
	}
	for i := range uint32(acl.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(acl, i, &entry); err != nil {
			return false, err
		}
		who := (*windows.SID)(unsafe.Pointer(&entry.SidStart)) //nolint:gosec // an entry of a list ends in whom it is for
		if entry.Header.AceType == windows.ACCESS_ALLOWED_ACE_TYPE && entry.Mask&rights != 0 && !who.Equals(user) && !ownsAnyhow(who) {
			return true, nil
		}
	}
	return false, nil
}

// ownsAnyhow reports whether a name stands for the system, its administrators, or
// whoever owns the file.
func ownsAnyhow(who *windows.SID) bool {
	for _, known := range []windows.WELL_KNOWN_SID_TYPE{
		windows.WinLocalSystemSid, windows.WinBuiltinAdministratorsSid, windows.WinCreatorOwnerSid, windows.WinCreatorOwnerRightsSid,
	} {
		if who.IsWellKnown(known) {
			return true
		}
	}
	return false
}
