// SPDX-License-Identifier: Apache-2.0

package review

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/container"
)

// lookAtFiles reviews a folder with these files.
func lookAtFiles(t *testing.T, files map[string]string) *Review {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	src, err := container.Scan(dir, container.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Look(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const letters = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEfGhIjKlMnOpQrStUvWxYz0123456789"

func TestSecretsAreFound(t *testing.T) {
	for name, text := range map[string]string{
		".env": "", "a/.ENV": "", ".env.production": "", ".netrc": "", "home/.ssh/id_ed25519": "", "x/.aws/credentials": "",
		".huggingface/token": "", "store.P12": "", "kube/.kube/config": "",
		"pem":     "some words\n-----BEGIN RSA PRIVATE KEY-----\n" + letters,
		"pgp":     "-----BEGIN PGP PRIVATE KEY BLOCK-----",
		"tgsp":    "tgsp-secret-x25519:abcdefghijklmnopqrstuvwxyz234567",
		"age":     "AGE-SECRET-KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE",
		"hub":     `{"token":"hf_` + letters[:36] + `"}`,
		"github":  "https://ghp_" + letters[:36] + "@host",
		"gitlab":  "glpat-" + letters[:20],
		"aws":     "key = AKIAIOSFODNN7ABCDEFG",
		"openai":  "export X=sk-proj-" + letters[:48],
		"nvidia":  "nvapi-" + letters[:64],
		"late":    strings.Repeat("words\n", 100_000) + "glpat-" + letters[:20],
		"many.py": strings.Repeat("hf_"+strings.Repeat("x", 40)+"\n", 100) + "hf_" + letters[:36],
	} {
		if found := lookAtFiles(t, map[string]string{name: text}).Of(Secret); len(found) != 1 || found[0].Path != name || found[0].What == "" {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestWhatIsNoSecret(t *testing.T) {
	r := lookAtFiles(t, map[string]string{
		".env.example": "TOKEN=", "environment.yml": "", "config": "", "token": "x", "public.pem": "-----BEGIN PUBLIC KEY-----",
		"README.md": "use hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx or sk-...\ntgsp-x25519:" + letters,
		"vocab.txt": "hf_short\nAKIA\nsk-learn\nghp_\n", "binary": "\x00\x01-----BEGIN PRIVATE KEY-----",
		"far.txt": strings.Repeat("words\n", 200_000) + "glpat-" + letters[:20],
	})
	if found := r.Of(Secret); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestWhatLoadersShouldKnow(t *testing.T) {
	zip := func(name string) string {
		data, err := os.ReadFile(filepath.Join("../scan/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	samples, err := os.ReadDir("../scan/testdata")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(samples, func(e os.DirEntry) bool { return filepath.Ext(e.Name()) == ".pt" })
	if i < 0 {
		t.Fatal("no sample of PyTorch")
	}
	r := lookAtFiles(t, map[string]string{
		"pytorch_model.bin": zip(samples[i].Name()), "x.joblib": "x", "b/y.PKL": "x", "rank0.engine": "x", "z.plan": "x", "config.json": "{}",
	})
	var got []string
	for _, f := range r.Findings {
		got = append(got, string(f.Kind)+" "+f.Path)
	}
	if want := []string{"pickle b/y.PKL", "pickle pytorch_model.bin", "engine rank0.engine", "pickle x.joblib", "engine z.plan"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(r.Files) != 6 || r.Files[3].Path != "rank0.engine" || r.Files[3].Size != 1 {
		t.Errorf("%+v", r.Files)
	}
}

func TestLargeFiles(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int64{"video.mp4": unusual, "small.mp4": unusual - 1, "model.onnx_data": 2 * unusual} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, size)); err != nil {
			t.Fatal(err)
		}
	}
	src, err := container.Scan(dir, container.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Look(context.Background(), src)
	if err != nil || len(r.Findings) != 1 || r.Findings[0] != (Finding{"video.mp4", Large, "large, and no format of weights that is known"}) {
		t.Errorf("%+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Look(ctx, src); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestDescriptions(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  Description
	}{
		"none":       {map[string]string{"x": ""}, Description{}},
		"empty":      {map[string]string{DescriptionName: ""}, Description{From: DescriptionName}},
		"both":       {map[string]string{DescriptionName: "version: 1.2.3", "README.md": "---\nversion: 9.9.9\n---"}, Description{Version: "1.2.3", From: DescriptionName}},
		"card":       {map[string]string{"README.md": "\ufeff---\r\nlicense: mit\r\nversion: 1.0\r\n---\r\n# x"}, Description{Version: "1.0", License: "mit", From: cardName}},
		"card alone": {map[string]string{"README.md": "# x\n---\nlicense: mit\n---"}, Description{}},
		"unended":    {map[string]string{"README.md": "---\nlicense: mit\n"}, Description{}},
		"of others":  {map[string]string{"README.md": "---\nlicense: [a, b]\ntags: x\n---"}, Description{}},
		"wrong":      {map[string]string{"README.md": "---\n\tlicense: : mit\n---"}, Description{}},
	} {
		dir := t.TempDir()
		for file, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		d, err := Describe(dir)
		if err != nil || d.PackageID != c.want.PackageID || d.Version != c.want.Version || d.License != c.want.License || d.From != c.want.From {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	file := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if d, err := Describe(file); err != nil || d.From != "" {
		t.Errorf("one file: %+v, %v", d, err)
	}
	if _, err := Describe(filepath.Join(file, "missing")); err == nil {
		t.Error("no error for what is not there")
	}
}
