// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	systemd "github.com/coreos/go-systemd/v22/daemon"
)

// tellManager tells the service manager that has started this process how it
// goes, in the words of sd_notify(3), where it wants to know: systemd for a unit
// with Type=notify. A daemon of ours is not told where: it has a parent to tell.
func (s *service) tellManager(words string) {
	if _, err := systemd.SdNotify(false, words); err != nil {
		s.app.warnf("cannot tell the service manager: %s", escaped(err.Error()))
	}
}

// tellReady says that the folder can be read from now on.
func (s *service) tellReady() {
	tellServiceReady()
	s.tellManager(systemd.SdNotifyReady + "\n" + statusLine(s.state.PackageID+" "+s.state.Version+" is mounted at "+s.dir))
}

// tellClosed says why nothing can be read any more. It is not the end: programs
// may still have files open, and a manager that hears of an end waits only so long
// for it before it kills.
func (s *service) tellClosed() {
	s.tellManager(statusLine("closed, " + s.closing.closure.reason + "; waiting for programs that have files open"))
}

// tellStopping says that nothing is left to do but to end.
func (s *service) tellStopping() { s.tellManager(systemd.SdNotifyStopping) }

// statusLine is what a manager shows its user beside the state. Names come from
// anywhere, and a second line would be a word of its own to the manager.
func statusLine(text string) string {
	return "STATUS=" + strings.ReplaceAll(hideSecrets(escaped(text)), "\n", `\n`)
}
