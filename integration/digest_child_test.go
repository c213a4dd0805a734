// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// digestSteps are how much is read at a time, in turn: pages, leaves and requests are
// cut in their middle.
var digestSteps = []int{1, 4095, 4096, 65_537, 20_001, 1 << 20, 300_000}

// filesUnder lists the files below a folder with their sizes.
func filesUnder(dir string) (map[string]int64, error) {
	files := map[string]int64{}
	return files, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[name] = info.Size()
		return err
	})
}

// digestBy reads a file in one way, piece by piece.
func digestBy(read func(extent) ([]byte, error), path string, size int64) (string, error) {
	digest := sha256.New()
	x := extent{target: target{mount: path, size: size}}
	for i := 0; x.offset < size; i++ {
		x.length = digestSteps[i%len(digestSteps)]
		b, err := read(x)
		if err != nil {
			return "", fmt.Errorf("%s at %d: %w", path, x.offset, err)
		}
		if len(b) == 0 {
			return "", fmt.Errorf("%s ends at %d and should have %d bytes", path, x.offset, size)
		}
		digest.Write(b)
		x.offset += int64(len(b))
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

func digestTree(read func(extent) ([]byte, error), dir string) (digestsOf, error) {
	files, err := filesUnder(dir)
	if err != nil {
		return nil, err
	}
	digests := digestsOf{}
	for name, size := range files {
		if digests[name], err = digestBy(read, filepath.Join(dir, name), size); err != nil {
			return nil, err
		}
	}
	return digests, nil
}

// digests is the role "digests KIND DIR", of one of the tortureKinds.
func digests(args []string) (any, error) {
	for _, kind := range tortureKinds {
		if kind.name == args[0] {
			return digestTree(kind.read, args[1])
		}
	}
	return nil, fmt.Errorf("%q: %w", args[0], os.ErrInvalid)
}
