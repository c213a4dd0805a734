// SPDX-License-Identifier: Apache-2.0

package review

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Names of the files that say how a model wants to be packed.
const (
	DescriptionName = "tgsp.yaml"
	cardName        = "README.md" // a model card, as Hugging Face has it
)

// mostDescription bounds what is read of them, in bytes.
const mostDescription = 1 << 20

// Description is what a model's folder says of the package.
type Description struct {
	PackageID   string            `yaml:"package_id"`
	Version     string            `yaml:"version"`
	License     string            `yaml:"license"`
	Annotations map[string]string `yaml:"annotations"`
	Exclude     []string          `yaml:"exclude"` // as --exclude has it

	From string `yaml:"-"` // the file's name in the folder; "" where none says anything
}

// Describe reads tgsp.yaml in a model's folder, or else the front matter of its model
// card. Of a card, which is written for others, only package_id, version and license
// count, and one that cannot be read counts as none.
func Describe(model string) (*Description, error) {
	if info, err := os.Stat(model); err != nil || !info.IsDir() {
		return new(Description), err
	}
	text, err := readStart(filepath.Join(model, DescriptionName))
	switch {
	case err == nil:
		return parseDescription(text)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if text, err = readStart(filepath.Join(model, cardName)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return new(Description), err
	}
	return parseCard(text), nil
}

func readStart(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, mostDescription))
}

func parseDescription(text []byte) (*Description, error) {
	d := &Description{From: DescriptionName}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(d); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", DescriptionName, plain(err))
	}
	return d, nil
}

// plain is an error of the YAML library on one line and without names of Go.
func plain(err error) error {
	wrong := new(yaml.TypeError)
	if !errors.As(err, &wrong) {
		return err
	}
	text := strings.ReplaceAll(strings.Join(wrong.Errors, "; "), " not found in type review.Description", " is unknown")
	return errors.New(text)
}

// parseCard reads the part of a card between two lines of three dashes.
func parseCard(text []byte) *Description {
	text = bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	front, found := bytes.CutPrefix(text, []byte("---\n"))
	end := bytes.Index(front, []byte("\n---"))
	if !found || end < 0 {
		return new(Description)
	}
	var card struct {
		PackageID yaml.Node `yaml:"package_id"`
		Version   yaml.Node `yaml:"version"`
		License   yaml.Node `yaml:"license"`
		Name      yaml.Node `yaml:"license_name"` // where license is "other"
	}
	if yaml.Unmarshal(front[:end+1], &card) != nil {
		return new(Description)
	}
	d := &Description{PackageID: card.PackageID.Value, Version: card.Version.Value, License: card.License.Value}
	if d.License == "other" && card.Name.Value != "" {
		d.License = card.Name.Value
	}
	if d.PackageID != "" || d.Version != "" || d.License != "" {
		d.From = cardName
	}
	return d
}
