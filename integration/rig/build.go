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

// Build compiles the command without cgo into dir and returns its path. The
// caller's working directory must lie inside the module.
func Build(ctx context.Context, dir string) (string, error) { return BuildFor(ctx, dir, "") }

// BuildFor is Build for another architecture, without what only debuggers want.
func BuildFor(ctx context.Context, dir, arch string) (string, error) {
	bin := filepath.Join(dir, "tgsp")
	args := []string{"build", "-trimpath", "-o", bin}
	env := append(os.Environ(), "CGO_ENABLED=0")
	if arch != "" {
		args, env = append(args, "-ldflags=-s -w"), append(env, "GOARCH="+arch)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, command)...)
	cmd.Env = env
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
