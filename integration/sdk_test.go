// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestPythonExample runs the example for Python and compares what it finds with the
// plain folder.
func TestPythonExample(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		cmd := u.Exec(python, must(filepath.Abs("sdk/mounted.py"))(t), samplePackage(t, u), "--expect", "sample")
		cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(u.Bin)+string(os.PathListSeparator)+"/usr/bin:/bin")
		r := rig.Collect(cmd)
		if r.Code != 0 {
			t.Fatal(r)
		}
		info := must(os.Stat(filepath.Join(sample(t).dir, "config.json")))(t)
		if !strings.Contains(r.Stdout, fmt.Sprintf("config.json %d\n", info.Size())) {
			t.Error(r)
		}
		if mounts := must(rig.Mounts(os.TempDir()))(t); len(mounts) != 0 {
			t.Errorf("left mounted: %v", mounts)
		}
	})
}

// TestReadmeShowsTheExample makes sure that what people copy is what is tested.
func TestReadmeShowsTheExample(t *testing.T) {
	readme := string(must(os.ReadFile("../README.md"))(t))
	example := string(must(os.ReadFile("sdk/mounted.py"))(t))
	_, code, found := strings.Cut(example, `"""`+"\n\n")
	code, _, main := strings.Cut(code, "\n\nif __name__")
	if !found || !main || !strings.Contains(readme, "```python\n"+strings.TrimSpace(code)+"\n```") {
		t.Error("README.md does not show sdk/mounted.py")
	}
}
