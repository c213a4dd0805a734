// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

// ignoredMountOptions are words of mount(8) and fstab(5) that change nothing
// here: they are for those programs, or a mount of ours is like that anyway
// (read-only, nosuid, nodev), or they speak of times that never change.
var ignoredMountOptions = map[string]bool{
	"ro": true, "nosuid": true, "nodev": true,
	"defaults": true, "_netdev": true, "nofail": true, "auto": true, "noauto": true,
	"user": true, "users": true, "nouser": true, "owner": true, "group": true, "comment": true,
	"exec": true, "suid": true, "dev": true, "sync": true, "async": true,
	"atime": true, "noatime": true, "diratime": true, "nodiratime": true,
	"relatime": true, "norelatime": true, "strictatime": true, "nostrictatime": true,
	"lazytime": true, "nolazytime": true, "silent": true, "loud": true,
}

// applyExtra takes the options of -o into account.
func (o *mountOptions) applyExtra(a *app) error {
	for _, list := range o.extra {
		for _, word := range splitMountOptions(list) {
			if err := o.applyWord(a, word); err != nil {
				return err
			}
		}
	}
	o.extra = nil
	return nil
}

func (o *mountOptions) applyWord(a *app, word string) error {
	name, value, hasValue := strings.Cut(word, "=")
	set := func(to *string) func() { return func() { *to = value } }
	add := func(to *[]string) func() { return func() { *to = append(*to, value) } }
	on := func(to *bool) func() { return func() { *to = true } }
	valued := map[string]func(){
		"identity": add(&o.files), "trusted_key": add(&o.trusted), "require_key": add(&o.require),
		"expect": set(&o.expect), "log": set(&o.log), "audit_log": set(&o.auditLog), "grace": set(&o.grace),
		"idle_timeout": set(&o.idle), "metrics": set(&o.metricsAddr), "memory_limit": set(&o.memoryLimit),
		"identity_command": set(&o.command), "passphrase_file": set(&a.secrets.file),
	}
	plain := map[string]func(){
		"foreground": on(&o.foreground), "allow_other": on(&o.allowOther), "noexec": on(&o.noExec),
		"no_rollback": on(&o.noRollback), "allow_rollback": on(&o.allowRollback), "wait_for_clock": on(&o.waitForClock),
	}
	o.addSystemWords(valued, plain, value)
	switch {
	case valued[name] != nil && (hasValue || plain[name] == nil):
		if value == "" {
			return usagef("-o %s: it needs a value, as in %s=…", name, name)
		}
		valued[name]()
	case plain[name] != nil:
		if hasValue {
			return usagef("-o %s: it takes no value", word)
		}
		plain[name]()
	case name == "rw":
		// mount(8) says rw whenever its user has not said ro.
		if !o.calledByMount() {
			return withHint(usagef("-o rw: a mounted package can only be read"), "leave it out")
		}
	case ignoredMountOptions[name], strings.HasPrefix(name, "x-"), strings.HasPrefix(name, "X-"):
	default:
		return withHint(usagef("-o %s: unknown option", word), "see: tgsp mount --help")
	}
	return nil
}

// splitMountOptions splits at commas. A comma or backslash in a value is written
// with a backslash before it, as with other FUSE file systems.
func splitMountOptions(list string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
		}
		word.Reset()
	}
	for escaped, i := false, 0; i < len(list); i++ {
		switch c := list[i]; {
		case escaped:
			word.WriteByte(c)
			escaped = false
		case c == '\\' && i+1 < len(list):
			escaped = true
		case c == ',':
			end()
		default:
			word.WriteByte(c)
		}
	}
	end()
	return words
}
