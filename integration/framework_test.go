// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tensorguard/tgsp/integration/framework"
	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

// TestFrameworkPyTorch loads the sample's weights, all of them but with torch.load.
func TestFrameworkPyTorch(t *testing.T) {
	plain := loadAlike(t, framework.PyTorch, sample(t).dir, 60<<20, 8)
	if all := plain["read"]; all.Bytes < 190<<20 || len(all.Tensors) < 20 {
		t.Errorf("%d tensors of %d bytes in three shards", len(all.Tensors), all.Bytes)
	}
	for name, digest := range plain["torch"].Tensors {
		if plain["read"].Tensors[name] != digest {
			t.Errorf("torch.save changed tensor %s", name)
		}
	}
}

// TestFrameworkONNXRuntime loads the same weights from a second file and from the
// model's own.
func TestFrameworkONNXRuntime(t *testing.T) {
	plain := loadAlike(t, framework.ONNXRuntime, letters(t), onnxSize, 1+onnxSize/(4<<20))
	if !maps.Equal(plain["inline"].Tensors, plain["external"].Tensors) {
		t.Error("the same weights give different tensors in one file and in two")
	}
}

// TestFrameworkOpenCV loads the weights that ONNX Runtime loads.
func TestFrameworkOpenCV(t *testing.T) {
	plain := loadAlike(t, framework.OpenCV, letters(t), onnxSize, 1+onnxSize/(4<<20))
	other := loadAll(t, framework.ONNXRuntime, caller(t).Exec, letters(t))[0].Tensors
	for name, digest := range plain["inline"].Tensors {
		if name != "y" && digest != other[name] { // each adds in an order of its own
			t.Errorf("%s is %s, and %s for ONNX Runtime", name, digest, other[name])
		}
	}
}

// TestFrameworkLlamaCpp has a language model answer.
func TestFrameworkLlamaCpp(t *testing.T) {
	plain := loadAlike(t, framework.LlamaCpp, letters(t), llamaSize, 2)
	if !maps.Equal(plain["mmap"].Tensors, plain["read"].Tensors) {
		t.Error("the model answers otherwise when it is mapped")
	}
}

// loadAlike loads a model in all ways of a framework: from its plain folder, of
// which at least so many bytes and tensors must come, or an empty answer would pass
// for an equal one; from a mount, cold where root can make it so; and in a program of
// tgsp exec. It returns what came from the plain folder.
func loadAlike(t *testing.T, f framework.Framework, dir string, size int64, tensors int) map[string]framework.Result {
	t.Helper()
	want := loadAll(t, f, caller(t).Exec, dir)
	results := make(map[string]framework.Result)
	for _, w := range want {
		if w.Bytes < size || len(w.Tensors) < tensors {
			t.Fatalf("%s: %d tensors of %d bytes from the plain folder, want %d of %d", w.Mode, len(w.Tensors), w.Bytes, tensors, size)
		}
		results[w.Mode] = w
	}
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg := packageOf(t, u, dir)
		m := mount(t, u, pkg)
		if err := framework.Alike(want, loadAll(t, f, u.Exec, m.Dir)); err != nil {
			t.Errorf("from the mount: %v", err)
		}
		unmount(t, m)
		alone := func(name string, args ...string) *exec.Cmd {
			return u.Command(append([]string{"exec", pkg, "--", name}, args...)...)
		}
		if err := framework.Alike(want, loadAll(t, f, alone, "{}")); err != nil {
			t.Errorf("under tgsp exec: %v", err)
		}
	})
	return results
}

// loadAll loads a folder in all ways of a framework, in another process.
func loadAll(t *testing.T, f framework.Framework, command func(string, ...string) *exec.Cmd, dir string) []framework.Result {
	t.Helper()
	if f.OnNode() {
		if err := addNode(); err != nil {
			t.Fatal(err)
		}
	}
	args := lab.kit.Args(f, f.Modes(), dir)
	ready := func() error {
		dropCaches(t)
		return nil
	}
	return must(framework.Run(command(args[0], args[1:]...), f.Modes(), ready))(t)
}

// Sizes of the models for what is not PyTorch.
const (
	onnxSize  = 16 << 20
	llamaSize = 20 << 20
)

var lettersModel = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(lab.scratch, "letters")
	if _, err := model.ONNX(dir, 1, onnxSize); err != nil {
		return "", err
	}
	if _, err := model.Llama(dir, 1, llamaSize); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
})

// letters is a folder with small models that answer.
func letters(t *testing.T) string {
	t.Helper()
	return must(lettersModel())(t)
}

// addNode puts Node's packages beside the scripts, when a test first needs them.
var addNode = sync.OnceValue(func() error { return lab.kit.AddNode() })
