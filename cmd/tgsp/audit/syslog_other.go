// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package audit

const syslogTag = "tgsp"

// openSyslog has nothing to connect to on this system.
func openSyslog(string, string) (sink, error) { return nil, ErrNoSyslog }
