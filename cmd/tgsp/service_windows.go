// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
)

// supervised runs the program. Where the service manager has started this process it
// runs in another: WinFsp's library talks to the manager by itself, and ends a mount
// in whose process somebody else does.
func supervised(run func(context.Context) int) int {
	if events, found := os.LookupEnv(serviceEvents); found {
		return runForService(events, run)
	}
	if !startedByManager() {
		return run(context.Background())
	}
	s := new(windowsService)
	err := svc.Run("", s) // a process of its own has one service, whatever its name
	switch {
	case errors.Is(err, windows.ERROR_FAILED_SERVICE_CONTROLLER_CONNECT):
		return run(context.Background()) // another program has the manager's name
	case err != nil:
		fmt.Fprintln(os.Stderr, "tgsp:", err)
		return failFailed.Code
	}
	return s.code
}

// startedByManager tells by the name of the process that has started this one. That
// of svc asks for the manager's session too, which Wine does not have.
func startedByManager() bool {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return false
	}
	defer windows.CloseHandle(snapshot) //nolint:errcheck // only read
	names, parent := make(map[uint32]string), uint32(0)
	var entry windows.ProcessEntry32
	entry.Size = uint32(unsafe.Sizeof(entry))
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		names[entry.ProcessID] = windows.UTF16ToString(entry.ExeFile[:])
		if entry.ProcessID == windows.GetCurrentProcessId() {
			parent = entry.ParentProcessID
		}
	}
	return strings.EqualFold(names[parent], "services.exe")
}

// windowsService does what the service manager asks for.
type windowsService struct{ code int }

// Execute runs the program until it ends, or is stopped: then the mount ends as it
// does when it is interrupted. The exit code is the program's own.
func (s *windowsService) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	current := svc.Status{State: svc.StartPending}
	status <- current
	program, err := startServed()
	if err != nil {
		s.code = failFailed.Code
		reportService(s.code, err.Error())
		return true, uint32(s.code) //nolint:gosec // exit codes are small
	}
	ready := program.ready
	for {
		select {
		case <-ready:
			ready = nil
			current = svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
			status <- current
		case s.code = <-program.ended:
			if s.code != 0 {
				reportService(s.code, program.said.String())
			}
			return s.code != 0, uint32(s.code) //nolint:gosec // exit codes are small
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				status <- current
			case svc.Stop, svc.Shutdown:
				current = svc.Status{State: svc.StopPending}
				status <- current
				program.stop()
			}
		}
	}
}

// served is the process in which a service's program runs.
type served struct {
	stopping windows.Handle
	ready    <-chan struct{} // closed when what it serves can be read
	ended    <-chan int
	said     *errorTail
}

func (p *served) stop() { windows.SetEvent(p.stopping) } //nolint:errcheck,gosec // the handle is ours

// startServed starts this program with the arguments that this process has.
func startServed() (*served, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	job, err := newServiceJob()
	if err != nil {
		return nil, err
	}
	isReady, stopping, err := newServiceEvents()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, os.Args[1:]...) //nolint:gosec // this program, as the manager was told to run it
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d,%d", serviceEvents, isReady, stopping))
	said := new(errorTail)
	cmd.Stderr = said
	cmd.SysProcAttr = inheriting(isReady, stopping)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := job.add(cmd.Process); err != nil {
		cmd.Process.Kill() //nolint:errcheck,gosec // it may have ended
		return nil, err
	}
	ready, ended := make(chan struct{}), make(chan int, 1)
	go func() {
		if signaled(isReady) {
			close(ready)
		}
	}()
	go func() {
		cmd.Wait() //nolint:errcheck,gosec // the exit code tells
		ended <- cmd.ProcessState.ExitCode()
	}()
	return &served{stopping, ready, ended, said}, nil
}
