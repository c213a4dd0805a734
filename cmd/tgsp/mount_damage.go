// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"time"
)

// maxDamaged is how many files a state names that cannot be read: a package whose
// storage is gone must not fill it.
const maxDamaged = 16

// damagedFile is what others may know of a file that a mount could not read to a
// program, which was told of no more than an input/output error.
type damagedFile struct {
	failure
	File    string    `json:"file"` // its path in the package
	Message string    `json:"message"`
	At      time.Time `json:"at"` // of the first read that failed
}

// noteDamage returns what is told of every read of the mount that failed: it passes
// that on, and has the state name the file before its program hears of the failure.
func (s *service) noteDamage(tell func(file string, off int64, err error)) func(file string, off int64, err error) {
	return func(file string, off int64, err error) {
		if tell != nil {
			tell(file, off, err)
		}
		failed := s.state.change(func(state *mountState) bool {
			if len(state.Damaged) == maxDamaged || state.damaged(file) != nil {
				return false
			}
			message := hideSecrets(escaped(strings.TrimSpace(err.Error())))
			state.Damaged = append(state.Damaged, damagedFile{classify(err), file, message, time.Now().UTC().Truncate(time.Second)})
			return true
		})
		if failed != nil {
			s.logger.Warn("tgsp status cannot know that a file is damaged", "file", file, "error", failed)
		}
	}
}

// damaged returns what the state says of a file, or nil.
func (s *mountState) damaged(file string) *damagedFile {
	i := slices.IndexFunc(s.Damaged, func(d damagedFile) bool { return d.File == file })
	if i < 0 {
		return nil
	}
	return &s.Damaged[i]
}
