// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// childRole is the variable that turns the test binary into a helper process:
// mounted files are read there, and a fault or a hang stays there.
const childRole = "TGSP_INTEGRATION_CHILD"

// roles maps a name to what the child does with its arguments. The result is
// printed as JSON.
var roles = map[string]func(args []string) (any, error){
	"compare":  compareTrees,
	"writes":   tryWrites,
	"failing":  failing,
	"probe":    probe,
	"hold":     hold,
	"whole":    readWhole,
	"spy":      spy,
	"torture":  torture,
	"storage":  serveStorage,
	"same":     compareFile,
	"stuck":    readStuck,
	"sweep":    sweep,
	"load":     load,
	"confined": confined,
	"digests":  digests,
	"guest":    guest,
}

func runChild(role string, args []string) int {
	f, ok := roles[role]
	if !ok {
		fmt.Fprintln(os.Stderr, "unknown role", role)
		return 3
	}
	v, err := f(args)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(v)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// childCommand prepares a child in the given role as the user.
func childCommand(u *rig.User, role string, args ...string) *exec.Cmd {
	cmd := u.Exec(lab.child, args...)
	cmd.Env = append(cmd.Env, childRole+"="+role)
	return cmd
}

// child runs a role to its end and decodes what it printed into v.
func child(t *testing.T, u *rig.User, v any, role string, args ...string) {
	t.Helper()
	decode(t, rig.Collect(childCommand(u, role, args...)), v)
}

func decode(t *testing.T, r rig.Result, v any) {
	t.Helper()
	if r.Code != 0 {
		t.Fatalf("child: %s", r)
	}
	if err := json.Unmarshal([]byte(r.Stdout), v); err != nil {
		t.Fatalf("child: %v: %s", err, r)
	}
}
