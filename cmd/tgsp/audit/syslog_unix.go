// SPDX-License-Identifier: Apache-2.0

//go:build unix

package audit

import (
	"fmt"
	"log/syslog"
	"strings"
)

// syslogTag is the name under which syslog and the journal keep the lines.
const syslogTag = "tgsp"

// syslogSink sends lines to the machine's syslog in the facility authpriv, whose
// messages are not for everybody to read.
type syslogSink struct{ w *syslog.Writer }

// openSyslog connects to the machine's syslog, or to a socket.
func openSyslog(network, address string) (sink, error) {
	w, err := syslog.Dial(network, address, syslog.LOG_AUTHPRIV|syslog.LOG_NOTICE, syslogTag)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoSyslog, err)
	}
	return &syslogSink{w}, nil
}

func (s *syslogSink) write(line []byte, e *Event) error {
	text := strings.TrimSuffix(string(line), "\n")
	if e.Event.warns() {
		return s.w.Warning(text)
	}
	return s.w.Notice(text)
}

func (s *syslogSink) flush() error { return nil }
func (s *syslogSink) close() error { return s.w.Close() }
