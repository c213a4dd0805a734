// SPDX-License-Identifier: Apache-2.0

// Package review looks at a model before it is packed: for secrets that lie in its
// folder, and for files that those who load it should know about. It decides nothing
// and prints nothing.
package review

import (
	"context"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tensorguard/tgsp/cmd/tgsp/scan"
	"github.com/tensorguard/tgsp/container"
)

// Kind is what a finding is about. The names are stable: programs read them.
type Kind string

// Kinds of findings.
const (
	Secret Kind = "secret" // a password, token or private key
	Pickle Kind = "pickle" // runs code when it is loaded
	Engine Kind = "engine" // bound to one kind of device and one version
	Large  Kind = "large"  // large, and not known to be weights
)

// Finding is one thing that was found in one file.
type Finding struct {
	Path string `json:"path"` // in the model
	Kind Kind   `json:"kind"`
	What string `json:"what"` // it is
}

// File is a file that goes in, and the format of weights that it has.
type File struct {
	Path   string    `json:"path"`
	Size   int64     `json:"bytes"`
	Format scan.Kind `json:"format,omitempty"`
}

// Review is what was found.
type Review struct {
	Files    []File    // by path
	Findings []Finding // by path
}

// Of returns the findings of a kind.
func (r *Review) Of(k Kind) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Kind != k })
}

// parallel is how many files are looked at at a time: storage answers several
// requests as fast as one.
const parallel = 8

// Look reads the beginning of each file, and all of small ones that hold text.
func Look(ctx context.Context, src *container.Source) (*Review, error) {
	looks := make([]*look, len(src.Files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range src.Files {
		group.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				looks[i], err = lookAt(&src.Files[i])
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	r := &Review{Files: make([]File, len(looks))}
	for i, l := range looks {
		r.Files[i] = l.file
		r.Findings = append(r.Findings, l.findings...)
	}
	return r, nil
}

// look is what one file is found to be.
type look struct {
	file     File
	findings []Finding
}

func (l *look) found(k Kind, what string) {
	l.findings = append(l.findings, Finding{l.file.Path, k, what})
}

func lookAt(s *container.SourceFile) (*look, error) {
	l := &look{file: File{Path: s.Path, Size: s.Size}}
	f, err := os.Open(s.Name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	if l.file.Format, err = scan.Detect(f, s.Size); err != nil {
		return nil, err
	}
	if what := secretName(s.Path); what != "" {
		l.found(Secret, what)
	} else if l.file.Format == scan.None {
		if err := l.lookForSecrets(f); err != nil {
			return nil, err
		}
	}
	l.judge()
	return l, nil
}

// judge goes by the format, and by the name where the format is nothing that can be
// told by a look.
func (l *look) judge() {
	extension := strings.ToLower(path.Ext(l.file.Path))
	switch {
	case l.file.Format == scan.PyTorchZip, l.file.Format == scan.PyTorchPickle:
		l.found(Pickle, "a pickle of PyTorch")
	case slices.Contains(pickleNames, extension) && l.file.Format == scan.None:
		l.found(Pickle, "a pickle of Python")
	case l.file.Format == scan.TensorRT, slices.Contains(engineNames, extension) && l.file.Format == scan.None:
		l.found(Engine, "a TensorRT engine")
	case l.file.Format == scan.None && l.file.Size >= unusual && !slices.Contains(weightsNames, extension):
		l.found(Large, "large, and no format of weights that is known")
	}
}

// unusual is the size from which a file that is no weights is worth a word, in bytes.
const unusual = 64 << 20

var (
	pickleNames = []string{".pkl", ".pickle", ".joblib", ".dill"}
	engineNames = []string{".engine", ".plan", ".trt"}
	// weightsNames are of formats without a sign of their own: external data of ONNX
	// and OpenVINO, arrays of NumPy, Flax, TensorFlow and Keras, Core ML.
	weightsNames = []string{".data", ".onnx_data", ".bin", ".weights", ".npy", ".npz", ".msgpack", ".h5", ".keras", ".mlmodel", ".index", ".ot"}
)
