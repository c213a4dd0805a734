// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package framework has frameworks load models, each in every way that it knows, in a
// process of its own, and reports what they have loaded and how long it took. The
// work is done by the scripts in integration/testdata.
package framework

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Framework is a program that loads models.
type Framework struct {
	Name string
	// Compared says what of a model the digests are of.
	Compared string
	Ways     []Way
	script   string
}

// Way is one way in which a framework loads a model.
type Way struct {
	Mode string // as the framework's script calls it
	How  string // for people
}

// The frameworks, with the ways that their scripts know.
var (
	PyTorch = Framework{"PyTorch", "weights", []Way{
		{"mmap-shared", "safetensors, mapped"},
		{"mmap-private", "safetensors, mapped copy-on-write"},
		{"read", "safetensors, read"},
		{"torch", "torch.load of a pickle"},
	}, "load.py"}
	ONNXRuntime = Framework{"ONNX Runtime", "weights and answer", []Way{
		{"external", "external data, mapped"},
		{"inline", "one file, read"},
	}, "onnx.mjs"}
	LlamaCpp = Framework{"llama.cpp", "answer", []Way{
		{"mmap", "GGUF, mapped"},
		{"read", "GGUF, read (--no-mmap)"},
		{"direct", "GGUF, read with O_DIRECT"},
	}, "llama.mjs"}
	OpenCV = Framework{"OpenCV dnn", "weights and answer", []Way{
		{"inline", "ONNX in one file, read"},
	}, "opencv.py"}
)

// All lists the frameworks.
func All() []Framework { return []Framework{PyTorch, ONNXRuntime, LlamaCpp, OpenCV} }

// Modes are all ways of the framework, as its script calls them.
func (f Framework) Modes() []string {
	var modes []string
	for _, w := range f.Ways {
		modes = append(modes, w.Mode)
	}
	return modes
}

// Interpreters are Debian's: what they import belongs to them.
const (
	Python = "/usr/bin/python3"
	Node   = "/usr/bin/node"
)

// OnNode tells whether the framework needs Node and its packages.
func (f Framework) OnNode() bool { return strings.HasSuffix(f.script, ".mjs") }

// Flags of the scripts.
const (
	noDigest = "--no-digest" // leave the digests out, for timing
	wait     = "--wait"      // for a line of input before each load
)

// Run starts a script, by a command as Kit.Args makes it, and collects what it
// prints. It calls before when the framework is in memory, before each load.
func Run(cmd *exec.Cmd, modes []string, before func() error) (list []Result, err error) {
	var messages strings.Builder
	cmd.Stderr = &messages
	cmd.Args = append(slices.Clone(cmd.Args), wait)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err = errors.Join(err, stdin.Close(), cmd.Wait()); err != nil {
			err = fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, &messages)
		}
	}()
	lines := bufio.NewReader(stdout)
	for _, mode := range modes {
		if line, err := lines.ReadString('\n'); line != "ready\n" {
			return list, errors.Join(err, fmt.Errorf("it said %q, and not that it was ready", line))
		}
		if err := before(); err != nil {
			return list, err
		}
		if _, err := stdin.Write([]byte("go\n")); err != nil {
			return list, err
		}
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return list, err
		}
		r := Result{}
		if err := json.Unmarshal(line, &r); err != nil || r.Mode != mode {
			return list, errors.Join(err, fmt.Errorf("it said %q, which is no result of %s", line, mode))
		}
		list = append(list, r)
	}
	return list, nil
}
