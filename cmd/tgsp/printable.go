// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// printable returns a text from elsewhere as a terminal can show it: quoted
// where it holds control characters, or others that are not seen.
func printable(s string) string {
	if isPrintable(s) {
		return s
	}
	return strconv.Quote(s)
}

// escaped returns a text of several lines with what a terminal would obey, or
// not show, written as escapes: names in errors come from anywhere.
func escaped(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == '\n' || strconv.IsPrint(r) && (r != utf8.RuneError || n > 1) {
			b.WriteString(s[:n])
		} else {
			quoted := strconv.Quote(s[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[n:]
	}
	return b.String()
}

func isPrintable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) })
}

// shortList names the first of many things.
func shortList(names []string) string {
	const show = 5
	quoted := make([]string, 0, show)
	for _, name := range names[:min(show, len(names))] {
		quoted = append(quoted, printable(name))
	}
	text := strings.Join(quoted, ", ")
	if len(names) > show {
		text += fmt.Sprintf(" and %d more", len(names)-show)
	}
	return text
}

// countOf writes a number of things.
func countOf[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// byteCount writes a number of bytes for people.
func byteCount(n int64) string {
	const units = "KMGTPE"
	value, unit := float64(n), -1
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit < 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %ciB", value, units[unit])
}
