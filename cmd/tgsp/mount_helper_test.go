// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
)

func TestHelperForm(t *testing.T) {
	for args, want := range map[string]string{
		"PKG DIR":                            "mount --helper PKG DIR",
		"PKG DIR -o rw,nofail":               "mount --helper PKG DIR -o rw,nofail",
		"pack DIR -o ro":                     "mount --helper pack DIR -o ro", // no verb, in this form
		"PKG DIR -s -n -v -o -f -t fuse.x":   "mount --helper PKG DIR -o -f",
		"PKG DIR -f -v -o rw":                "mount --helper PKG DIR --fake -o rw",
		"PKG DIR -o":                         "mount --helper PKG DIR -o",
		"PKG DIR -N /proc/1/ns/mnt":          "mount --helper PKG DIR -N /proc/1/ns/mnt", // which mount refuses
		"mount --ready-fd=3 -- /PKG /DIR":    "mount --ready-fd=3 -- /PKG /DIR",
		"--help":                             "--help",
		"PKG":                                "PKG",
		"mount --ready-fd=3 --log=-f -- x y": "mount --ready-fd=3 --log=-f -- x y",
	} {
		if got := strings.Join(helperForm(strings.Fields(args)), " "); got != want {
			t.Errorf("%s becomes %q, want %q", args, got, want)
		}
	}
}

// TestHelperHasAHome takes everything that names a home from the environment, as
// a manager of services does.
func TestHelperHasAHome(t *testing.T) {
	for _, name := range []string{"TGSP_HOME", "XDG_CONFIG_HOME", "HOME"} {
		t.Setenv(name, "")
	}
	if dir, err := home(); err == nil {
		t.Fatalf("there is a home already: %s", dir)
	}
	o := &mountOptions{systemOptions: systemOptions{helper: true, fake: true}}
	if done, err := o.asHelper(); !done || err != nil || os.Getenv("HOME") != "" {
		t.Errorf("a call that only asks is done: %v, %v, HOME=%s", done, err, os.Getenv("HOME"))
	}
	o.fake = false
	if done, err := o.asHelper(); done || err != nil {
		t.Errorf("a call is done: %v, %v", done, err)
	}
	if dir, err := home(); err != nil || !strings.HasSuffix(dir, "/tgsp") {
		t.Errorf("home is %q, %v", dir, err)
	}
	t.Setenv("HOME", "/elsewhere")
	if _, err := o.asHelper(); err != nil || os.Getenv("HOME") != "/elsewhere" {
		t.Errorf("HOME became %q, %v", os.Getenv("HOME"), err)
	}
}
