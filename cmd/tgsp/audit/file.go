// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// fileSink appends to a file that other processes may append to as well: the
// system puts each write at the end, whole.
type fileSink struct {
	f    *os.File
	torn bool // the last line may lack its end
}

// openFile opens a file at its end. One that is there keeps its permissions.
// A link is not followed: who may write into its folder could lead the log away.
func openFile(name string) (sink, error) {
	// Looked at before it is opened, for what a system without noFollow follows.
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	f, err := sysfile.OpenPrivate(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|noFollow)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileSink{f, staysTorn(f, name)}, nil
}

const (
	// tornLooks is how often a file has to be seen to end within a line, with a nap
	// between: one that another process is about to write looks so for a moment.
	tornLooks = 4
	tornNap   = 2 * time.Millisecond
)

// staysTorn reports whether a file ends within a line, as after a crash.
func staysTorn(f *os.File, name string) bool {
	for look := range tornLooks {
		if look > 0 {
			time.Sleep(tornNap)
		}
		info, err := f.Stat()
		if err != nil || !endsTorn(name, info.Size()) {
			return false
		}
	}
	return true
}

// endsTorn reports whether a file of a size ends within a line, whatever others have
// written behind it since. A log that its writers may not read is taken as it is.
func endsTorn(name string, size int64) bool {
	if size == 0 {
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only read
	last := make([]byte, 1)
	_, err = f.ReadAt(last, size-1)
	return err == nil && last[0] != '\n'
}

// write appends a line in one call. After one that was cut off, by a full disk
// say, it begins a new line.
func (s *fileSink) write(line []byte, _ *Event) error {
	if s.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := s.f.Write(line)
	s.torn = err != nil && (s.torn || n > 0)
	return err
}

// flush makes the lines outlive a crash of the machine, where the file system can.
func (s *fileSink) flush() error {
	err := s.f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

func (s *fileSink) close() error { return s.f.Close() }
