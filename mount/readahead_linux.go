// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
)

// setReadAhead sets how far the kernel reads ahead on this mount. Where that cannot be
// done, as by users, or is not wanted, sequential streams are decrypted ahead here, as
// those with O_DIRECT always are.
func (s *Server) setReadAhead() {
	s.tree.ahead.Store(newAhead(s.tree, !s.raiseReadAhead()))
}

// raiseReadAhead reports whether it has set the kernel's read-ahead. It needs root.
func (s *Server) raiseReadAhead() bool {
	bytes := s.tree.opts.ReadAhead
	if bytes < 0 {
		return false
	}
	name := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", s.major, s.minor)
	if err := os.WriteFile(name, []byte(strconv.Itoa(bytes/1024)), 0); err != nil {
		s.log.Info("the kernel's read-ahead stays as it is: what is read in sequence is decrypted ahead", slog.Any("reason", err))
		return false
	}
	s.log.Info("read-ahead set", slog.Int("bytes", bytes))
	return true
}
