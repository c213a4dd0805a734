// SPDX-License-Identifier: Apache-2.0

//go:build windows

// Command console runs a program in a console of its own, and when its standard input
// ends it interrupts the program as Ctrl+C there does. It ends as the program does.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"

	"golang.org/x/sys/windows"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	// What Wine starts with its first console stays, and may not have the ends of pipes.
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if err := windows.SetHandleInformation(windows.Handle(f.Fd()), windows.HANDLE_FLAG_INHERIT, 0); err != nil {
			return 0, err
		}
	}
	kernel := windows.NewLazySystemDLL("kernel32.dll")
	// It may have none, or that of whoever has started it.
	kernel.NewProc("FreeConsole").Call() //nolint:errcheck // see above
	if done, _, err := kernel.NewProc("AllocConsole").Call(); done == 0 {
		return 0, fmt.Errorf("AllocConsole: %w", err)
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // this program hears it too
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	stdin, err := cmd.StdinPipe() // open until it ends
	if err != nil {
		return 0, err
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return 0, err
	}
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0); err != nil {
		return 0, err
	}
	cmd.Wait() // the exit code tells
	return cmd.ProcessState.ExitCode(), nil
}
