// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
)

// raiseReadAhead sets how far the kernel reads ahead on this mount. It needs
// root; without, reads are right and a cold sequential one is slower.
func (s *Server) raiseReadAhead() {
	bytes := s.tree.opts.ReadAhead
	if bytes < 0 {
		return
	}
	name := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", s.major, s.minor)
	if err := os.WriteFile(name, []byte(strconv.Itoa(bytes/1024)), 0); err != nil {
		s.log.Info("the kernel's read-ahead stays as it is: cold sequential reads are slower", slog.Any("reason", err))
		return
	}
	s.log.Info("read-ahead set", slog.Int("bytes", bytes))
}
