// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/windows/svc"
)

// serviceReady is closed when what a service serves can be read.
var serviceReady = make(chan struct{})

var tellServiceReady = sync.OnceFunc(func() { close(serviceReady) })

// supervised runs the program, under the service manager where that has started it.
func supervised(run func(context.Context) int) int {
	if is, err := svc.IsWindowsService(); err != nil || !is {
		return run(context.Background())
	}
	s := &windowsService{run: run}
	if err := svc.Run("", s); err != nil { // a process of its own has one service, whatever its name
		fmt.Fprintln(os.Stderr, "tgsp:", err)
		return failFailed.Code
	}
	return s.code
}

// windowsService does what the service manager asks for.
type windowsService struct {
	run  func(context.Context) int
	code int
}

// Execute runs the program until it ends, or is stopped: then the mount ends as it
// does when it is interrupted. The exit code is the program's own.
func (s *windowsService) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan int, 1)
	status <- svc.Status{State: svc.StartPending}
	go func() { ended <- s.run(ctx) }()
	current := svc.Status{State: svc.StartPending}
	ready := serviceReady
	for {
		select {
		case <-ready:
			ready = nil
			current = svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
			status <- current
		case s.code = <-ended:
			return s.code != 0, uint32(s.code) //nolint:gosec // exit codes are small
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				status <- current
			case svc.Stop, svc.Shutdown:
				current = svc.Status{State: svc.StopPending}
				status <- current
				stop()
			}
		}
	}
}
