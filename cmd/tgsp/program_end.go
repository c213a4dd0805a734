// SPDX-License-Identifier: Apache-2.0

package main

// execVerb is the verb that runs programs.
const execVerb = "exec"

// Exit statuses of exec beside those of the program that it runs: those of
// env(1), nohup(1) and docker run.
const (
	ownFailure    = 125 // tgsp itself has failed, and says why
	notExecutable = 126
	notFound      = 127
)

// programEnd is how a program that exec has run, or was to run, has ended.
type programEnd struct {
	status int
	err    error // what is left to say; nil for nothing
}

func (e *programEnd) Error() string {
	if e.err == nil {
		return "the program has ended"
	}
	return e.err.Error()
}

func (e *programEnd) Unwrap() error { return e.err }
