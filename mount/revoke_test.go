// SPDX-License-Identifier: Apache-2.0

//go:build linux

package mount

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

// mappedSize is the size of the files that readers map.
const mappedSize = 3 << 20

func revokedFS() fstest.MapFS {
	data := bytes.Repeat([]byte{1}, mappedSize)
	fsys := fstest.MapFS{"config.json": {Data: []byte("{}")}}
	for _, name := range []string{"plain", "shared", "private", "locked"} {
		fsys["sub/"+name] = &fstest.MapFile{Data: data}
	}
	return fsys
}

// gate is an Options.Allow that a test can shut.
type gate struct{ shut atomic.Bool }

func (g *gate) allow() error {
	if g.shut.Load() {
		return errors.New("shut")
	}
	return nil
}

// TestRefusedWithoutRevoke shuts a mount whose cache nobody empties: what the
// kernel asks for is refused.
func TestRefusedWithoutRevoke(t *testing.T) {
	var g gate
	s := serve(t, revokedFS(), Options{Allow: g.allow})
	mustShell(t, s.Dir(), `cat "$DIR/sub/plain" > /dev/null; ls "$DIR"`)
	g.shut.Store(true)
	for _, script := range []string{`cat "$DIR/sub/plain"`, `cat "$DIR/config.json"`, `ls "$DIR"`, `ls "$DIR/sub"`, `stat "$DIR/sub/shared"`} {
		if out, err := shell(t, s.Dir(), script); err == nil || !strings.Contains(out, "Permission denied") {
			t.Errorf("%s: %v, %d bytes", script, err, len(out))
		}
	}
	g.shut.Store(false)
	mustShell(t, s.Dir(), `cat "$DIR/sub/shared" "$DIR/config.json"`)
}

// TestRevokeOverridesLateReads shuts the mount while a read waits for storage.
// When its bytes come at last they are not given away, and its failing is not
// logged.
func TestRevokeOverridesLateReads(t *testing.T) {
	for name, result := range map[string]error{"bytes": nil, "error": errors.New("closed")} {
		var g gate
		var log syncBuffer
		began, release := make(chan struct{}, 100), make(chan struct{})
		read := func(p []byte, _ int64) (int, error) {
			began <- struct{}{}
			<-release
			for i := range p {
				p[i] = 1
			}
			return len(p), result
		}
		s := serve(t, brokenFS{fstest.MapFS{"held": {Data: make([]byte, 4096)}}, read}, Options{
			Allow: g.allow, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		cmd := exec.Command("/bin/cat", s.Dir()+"/held")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-began
		g.shut.Store(true)
		close(release)
		if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "Permission denied") {
			t.Errorf("%s: %v: %q", name, err, out.String())
		}
		if strings.Contains(log.String(), "read refused") {
			t.Errorf("%s: logged as damage:\n%s", name, log.String())
		}
	}
}

// TestDetachSparesTheNext detaches a mount that is in use and mounts another at
// its place. Who ends the first then must not end the second.
func TestDetachSparesTheNext(t *testing.T) {
	first := serve(t, sampleFS(), Options{})
	cmd := exec.Command("/bin/sh", "-c", `cd "$DIR/sub" && echo in && read line`)
	cmd.Env = append(os.Environ(), "DIR="+first.Dir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if err := first.Detach(); err != nil {
		t.Fatal(err)
	}
	second, err := Mount(first.Dir(), sampleFS(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Detach(); reasonOf(err) != NotMounted {
		t.Errorf("detached again: %v", err)
	}
	if _, err := first.Unmount(context.Background()); reasonOf(err) != NotMounted {
		t.Errorf("unmounted again: %v", err)
	}
	mustShell(t, second.Dir(), `cat "$DIR/config.json"`)
	if err := errors.Join(second.Detach(), stdin.Close()); err != nil {
		t.Error(err)
	}
	cmd.Wait() // its read has met the end
	first.Wait()
	second.Wait()
}
