// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"sync"

	"golang.org/x/sys/windows/svc/eventlog"
)

// serviceSource is the name under which a service's errors stand in the event log. It
// needs no registration: the text is shown all the same.
const serviceSource = "tgsp"

// lastWords is how much is kept of what a service's program writes to standard error,
// in bytes: a service has no other place where it would be seen.
const lastWords = 8 << 10

// errorTail keeps the end of what is written to it.
type errorTail struct {
	mu   sync.Mutex
	text []byte
}

func (t *errorTail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-lastWords):]
	return len(p), nil
}

func (t *errorTail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// reportService writes an error to the event log. Where that fails the exit code, which
// the service manager shows, has to do.
func reportService(code int, text string) {
	log, err := eventlog.Open(serviceSource)
	if err != nil {
		return
	}
	defer log.Close()                                                          //nolint:errcheck // what was written is there
	log.Error(uint32(code), fmt.Sprintf("tgsp: exit code %d\n%s", code, text)) //nolint:errcheck,gosec // see above; exit codes are small
}
