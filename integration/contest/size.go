// SPDX-License-Identifier: Apache-2.0

//go:build linux

package contest

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseSize reads a number of bytes with an optional binary unit.
func ParseSize(s string) (int64, error) {
	digits, unit := s, int64(1)
	for suffix, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if d, ok := strings.CutSuffix(s, suffix); ok {
			digits, unit = d, n
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > (1<<62)/unit {
		return 0, fmt.Errorf("size %q: want a number, and KiB, MiB or GiB after it", s)
	}
	return n * unit, nil
}
