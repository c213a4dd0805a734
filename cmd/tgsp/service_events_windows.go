// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// serviceEvents is the variable in which a service's program finds two events that it
// has inherited: one that it sets when it is ready, and one that is set to stop it.
const serviceEvents = "TGSP_SERVICE_EVENTS"

// serviceReady is 0 in a process that no service has started.
var serviceReady windows.Handle

// tellServiceReady says that what a service serves can be read.
func tellServiceReady() {
	if serviceReady != 0 {
		windows.SetEvent(serviceReady) //nolint:errcheck,gosec // where nobody waits for it any more it is no matter
	}
}

// runForService runs the program until it ends, or the service is stopped.
func runForService(events string, run func(context.Context) int) int {
	var stopping windows.Handle
	if _, err := fmt.Sscanf(events, "%d,%d", &serviceReady, &stopping); err != nil {
		fmt.Fprintf(os.Stderr, "tgsp: $%s is %q: only tgsp itself sets it, where it is a service\n", serviceEvents, events)
		return failUsage.Code
	}
	os.Unsetenv(serviceEvents) //nolint:errcheck // it is there
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		if signaled(stopping) {
			stop()
		}
	}()
	return run(ctx)
}

// newServiceEvents makes events that a process can inherit.
func newServiceEvents() (ready, stopping windows.Handle, err error) {
	inherited := &windows.SecurityAttributes{InheritHandle: 1}
	inherited.Length = uint32(unsafe.Sizeof(*inherited))
	if ready, err = windows.CreateEvent(inherited, 1, 0, nil); err == nil {
		stopping, err = windows.CreateEvent(inherited, 1, 0, nil)
	}
	return ready, stopping, err
}

func inheriting(handles ...windows.Handle) *syscall.SysProcAttr {
	attr := new(syscall.SysProcAttr)
	for _, h := range handles {
		attr.AdditionalInheritedHandles = append(attr.AdditionalInheritedHandles, syscall.Handle(h))
	}
	return attr
}

// signaled waits for an event.
func signaled(event windows.Handle) bool {
	got, err := windows.WaitForSingleObject(event, windows.INFINITE)
	return err == nil && got == windows.WAIT_OBJECT_0
}

// serviceJob ends the processes in it with the process that has made it, however that
// ends: its handle is never closed before.
type serviceJob windows.Handle

func newServiceJob() (serviceJob, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))) //nolint:gosec // the call takes an address and a size
	return serviceJob(job), err
}

func (j serviceJob) add(p *os.Process) (err error) {
	given := p.WithHandle(func(process uintptr) {
		err = windows.AssignProcessToJobObject(windows.Handle(j), windows.Handle(process))
	})
	if given != nil {
		return given
	}
	return err
}
