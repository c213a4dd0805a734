// SPDX-License-Identifier: Apache-2.0

package kit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// firstLine starts every file of the kit.
const firstLine = "tgsp test kit 1"

// Marshal returns the case as it stands in its file.
func (c *Case) Marshal() []byte {
	var b bytes.Buffer
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	b.WriteString(firstLine + "\n")
	line("about", c.About)
	if !c.IsPackage() {
		line("as", c.As)
		line("accept", strconv.FormatBool(c.Accept))
		for _, id := range c.Identities {
			line("identity", id)
		}
		line("agent", c.Agent)
		if c.As == BundleAs {
			line("bundle", base64.StdEncoding.EncodeToString(c.Bundle))
		} else {
			line("line", strconv.Quote(c.Line))
		}
		b.WriteByte('\n')
		return b.Bytes()
	}
	for _, t := range c.Trusted {
		line("trusted", strings.TrimSpace(t.Role+" "+t.Key+" "+t.Packages))
	}
	line("require", c.Require)
	line("expect", c.Expect)
	for _, id := range c.Identities {
		line("identity", id)
	}
	for _, bundle := range c.Fleets {
		line("fleet", base64.StdEncoding.EncodeToString(bundle))
	}
	line("at", c.At.UTC().Format(time.RFC3339))
	for _, o := range c.answers() {
		line(o.key, string(*o.value))
	}
	for _, f := range c.Files {
		line("file", fmt.Sprintf("%s %d %x %s", f.Outcome, f.Length, f.SHA256, f.Path))
	}
	line("released", fmt.Sprintf("%x", c.Released))
	line("size", strconv.Itoa(len(c.Package)))
	b.WriteByte('\n')
	b.Write(compress(c.Package))
	return b.Bytes()
}

type answer struct {
	key   string
	value *Outcome
}

func (c *Case) answers() []answer {
	return []answer{
		{"public", &c.Public}, {"verify", &c.Verify}, {"open", &c.Open},
		{"extract", &c.Extract}, {"change", &c.Change}, {"repair", &c.Repair},
	}
}

// Parse reads a case as Marshal writes it.
func Parse(data []byte) (*Case, error) {
	head, body, found := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || lines[0] != firstLine {
		return nil, errors.New("not a file of the test kit")
	}
	c := &Case{}
	size := -1
	for _, l := range lines[1:] {
		key, value, ok := strings.Cut(l, ": ")
		if !ok {
			return nil, fmt.Errorf("the line %q has no key", l)
		}
		var err error
		switch key {
		case "about":
			c.About = value
		case "as":
			c.As = value
		case "accept":
			c.Accept, err = strconv.ParseBool(value)
		case "line":
			c.Line, err = strconv.Unquote(value)
		case "bundle":
			c.Bundle, err = base64.StdEncoding.DecodeString(value)
		case "agent":
			c.Agent = value
		case "trusted":
			t := strings.Fields(value + " ")
			if len(t) < 2 || len(t) > 3 {
				return nil, fmt.Errorf("trusted: %q", value)
			}
			c.Trusted = append(c.Trusted, Trusted{t[0], t[1], strings.Join(t[2:], "")})
		case "require":
			c.Require = value
		case "expect":
			c.Expect = value
		case "identity":
			c.Identities = append(c.Identities, value)
		case "fleet":
			var bundle []byte
			bundle, err = base64.StdEncoding.DecodeString(value)
			c.Fleets = append(c.Fleets, bundle)
		case "at":
			c.At, err = time.Parse(time.RFC3339, value)
		case "file":
			err = c.parseFile(value)
		case "released":
			c.Released, err = digest(value)
		case "size":
			size, err = strconv.Atoi(value)
		default:
			err = c.parseAnswer(key, Outcome(value))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if !c.IsPackage() {
		return c, nil
	}
	var err error
	if c.Package, err = expand(body); err != nil {
		return nil, err
	}
	if len(c.Package) != size {
		return nil, fmt.Errorf("a package of %d bytes, and the header says %d", len(c.Package), size)
	}
	return c, nil
}

func (c *Case) parseAnswer(key string, value Outcome) error {
	for _, a := range c.answers() {
		if a.key == key {
			*a.value = value
			if !slices.Contains(outcomes, value) {
				return fmt.Errorf("unknown outcome %q", value)
			}
			return nil
		}
	}
	return errors.New("unknown key")
}

func (c *Case) parseFile(value string) (err error) {
	part := strings.SplitN(value, " ", 4)
	if len(part) != 4 {
		return fmt.Errorf("%q", value)
	}
	f := File{Outcome: Outcome(part[0]), Path: part[3]}
	if f.Length, err = strconv.ParseInt(part[1], 10, 64); err != nil {
		return err
	}
	f.SHA256, err = digest(part[2])
	c.Files = append(c.Files, f)
	return err
}
