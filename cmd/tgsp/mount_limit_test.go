// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"strings"
	"testing"
)

func TestParseMemory(t *testing.T) {
	for s, want := range map[string]int64{"40MiB": 40 << 20, "1GiB": 1 << 30, "1TiB": 1 << 40, "65536KiB": 64 << 20, "104857600": 100 << 20} {
		if got, err := parseMemory(s); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", s, got, err, want)
		}
	}
	for s, says := range map[string]string{
		"": "want a size", "much": "want a size", "-1GiB": "want a size", "64MB": "want a size", "64 MiB": "want a size", "1.5GiB": "want a size",
		"MiB": "want a size", "99999999999999999999": "want a size", "9000000TiB": "want a size", "0": "40 MiB at the least", "1MiB": "40 MiB at the least", "40959KiB": "40 MiB at the least",
	} {
		if n, err := parseMemory(s); !errors.As(err, new(*usageError)) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %d, %v, want an error that says %q", s, n, err, says)
		}
	}
}
