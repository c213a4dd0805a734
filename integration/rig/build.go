// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// command is the package that [Build] compiles.
const command = "github.com/tensorguard/tgsp/cmd/tgsp"

// Build compiles the command into dir and returns its path: without cgo, unless this
// package was built for the other adapter. The caller's working directory must lie
// inside the module.
func Build(ctx context.Context, dir string) (string, error) {
	return build(ctx, dir, []string{"-tags", buildTags}, buildCgo)
}

// BuildFor compiles the command for another architecture, without cgo and what only
// debuggers want.
func BuildFor(ctx context.Context, dir, arch string) (string, error) {
	return build(ctx, dir, []string{"-ldflags=-s -w"}, "CGO_ENABLED=0", "GOARCH="+arch)
}

func build(ctx context.Context, dir string, flags []string, env ...string) (string, error) {
	bin := filepath.Join(dir, "tgsp")
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-trimpath", "-o", bin}, flags...), command)...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", command, err, out)
	}
	return bin, nil
}

// Missing returns those of the given programs that $PATH does not have.
func Missing(programs ...string) []string {
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	return missing
}
