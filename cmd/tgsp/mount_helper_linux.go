// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// helperName is what mount(8) looks for, in /sbin, to mount the type fuse.tgsp.
// Packages have a link of that name to this program. Where there is none, mount
// calls FUSE's own helper, and that one calls tgsp: see mountForm.
const helperName = "mount.fuse.tgsp"

// calledAsHelper reports whether mount(8) has called this program by the link.
func calledAsHelper() bool { return filepath.Base(os.Args[0]) == helperName }

// helperForm turns the arguments of such a call, PKG DIR [-sfnv] [-t TYPE]
// [-o OPT,…], into those of tgsp mount. The daemon's, which has the name of who
// starts it, stay as they are.
func helperForm(args []string) []string {
	if len(args) < 2 || strings.HasPrefix(args[0], "-") || strings.HasPrefix(args[1], "-") {
		return args
	}
	form := []string{"mount", "--helper"}
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-s", "-n", "-v": // unknown options pass, no mtab, more words
		case "-t":
			i++ // the type is known
		case "-f":
			form = append(form, "--fake")
		case "-o":
			form = append(form, args[i:min(i+2, len(args))]...)
			i++ // whatever its value looks like
		default:
			form = append(form, args[i])
		}
	}
	return form
}

// addHelper adds the flags of that form.
func (o *mountOptions) addHelper(flags *pflag.FlagSet) {
	flags.BoolVar(&o.helper, "helper", false, "")
	flags.BoolVar(&o.fake, "fake", false, "")
	hideFlags(flags, "helper", "fake")
}

// asHelper does what is particular to a call by mount(8), and reports whether that
// is all: mount -f, as in mount -fav, only looks whether it would come to a call.
func (o *mountOptions) asHelper() (done bool, err error) {
	if !o.helper || o.fake {
		return o.fake, nil
	}
	return false, provideHome()
}

// provideHome sets HOME to what the list of users says. The manager that mounts
// what fstab lists, as root, gives its children none.
func provideHome() error {
	for _, name := range []string{"TGSP_HOME", "XDG_CONFIG_HOME", "HOME"} {
		if os.Getenv(name) != "" {
			return nil
		}
	}
	me, err := user.Current()
	if err != nil || me.HomeDir == "" {
		return nil //nolint:nilerr // home says what is missing
	}
	return os.Setenv("HOME", me.HomeDir)
}
