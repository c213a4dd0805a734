// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"io/fs"
)

// Destinations that are not files.
const (
	Syslog  = "syslog"
	Journal = "journald"
)

// IsFile reports whether a destination is the path of a file. One that is called
// like a service is ./syslog.
func IsFile(dest string) bool { return dest != Syslog && dest != Journal }

// Open begins an audit log. dest is the path of a file, which is made for its
// owner alone where it is missing, or Syslog, or Journal. It returns an
// *OpenError. The caller closes the log.
func Open(dest string, o Options) (*Log, error) {
	var s sink
	var err error
	switch dest {
	case Syslog:
		s, err = openSyslog("", "")
	case Journal:
		s, err = openJournal()
	default:
		s, err = openFile(dest)
	}
	if e := new(fs.PathError); errors.As(err, &e) {
		err = e.Err // the error names it already
	}
	if err != nil {
		return nil, &OpenError{dest, err}
	}
	return newLog(dest, s, o), nil
}
