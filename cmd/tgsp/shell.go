// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/user"
	"runtime"
	"strconv"
	"strings"
)

// onWindows decides which shell's commands hints show.
const onWindows = runtime.GOOS == "windows"

// shellQuote returns a word as it can be pasted into a shell.
func shellQuote(s string) string {
	if onWindows {
		return windowsQuote(s)
	}
	return posixQuote(s)
}

const plainCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+"

func posixQuote(s string) string {
	const plain = plainCharacters + "=:,@%"
	switch {
	case s != "" && strings.Trim(s, plain) == "":
		return s
	case isPrintable(s):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	quoted := strconv.Quote(s)
	inner := strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	return "$'" + strings.ReplaceAll(inner, "'", `\'`) + "'"
}

// windowsQuote quotes as both cmd and PowerShell take it, but for names with a % or
// a $, for which they agree on nothing. A " stands in no name there, and a \ before
// the last one would not let it end the word.
func windowsQuote(s string) string {
	const plain = plainCharacters + `\:`
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	name := strings.TrimRight(s, `\`)
	return `"` + name + strings.Repeat(s[len(name):], 2) + `"`
}

// mkdirCommand makes a folder and those above it.
func mkdirCommand(dir string) string {
	if onWindows {
		return "mkdir " + shellQuote(dir)
	}
	return "mkdir -p " + shellQuote(dir)
}

// removeCommand removes a folder with what is in it.
func removeCommand(dir string) string {
	if onWindows {
		return "cmd /c rmdir /s " + shellQuote(dir)
	}
	return "rm -r " + shellQuote(dir)
}

// ownerAloneCommand takes a file or a folder from all but its owner.
func ownerAloneCommand(name string, folder bool) string {
	if onWindows {
		return icaclsCommand(name, folder)
	}
	if folder {
		return "chmod 700 " + shellQuote(name)
	}
	return "chmod 600 " + shellQuote(name)
}

// icaclsCommand takes away what comes from the folder above, and what everybody and
// all users were given. They are named by their ids: the words are not the same in
// every language.
func icaclsCommand(name string, folder bool) string {
	const everybody = "*S-1-1-0 *S-1-5-11 *S-1-5-32-545"
	who, rights := "*S-1-3-4", "F" // the owner
	if u, err := user.Current(); err == nil {
		who = "*" + u.Uid
	}
	if folder {
		rights = "(OI)(CI)F"
	}
	return "icacls " + shellQuote(name) + " /inheritance:r /grant:r " + windowsQuote(who+":"+rights) + " /remove:g " + everybody
}
