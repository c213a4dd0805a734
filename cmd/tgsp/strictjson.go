// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// checkStrictJSON refuses what Go's JSON decoder lets pass and another reader
// may see otherwise: fields whose case differs, fields that stand there twice,
// null, broken UTF-8, and anything after the value. Fields are those that any
// object in data may have.
func checkStrictJSON(data []byte, fields ...string) error {
	if !utf8.Valid(data) {
		return errors.New("it is not valid UTF-8")
	}
	c := strictJSON{json.NewDecoder(bytes.NewReader(data)), fields}
	if err := c.value(0); err != nil {
		return err
	}
	if _, err := c.d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands after the end")
	}
	return nil
}

type strictJSON struct {
	d      *json.Decoder
	fields []string
}

// maxStrictNesting is more than any file of the program's own has.
const maxStrictNesting = 8

func (c *strictJSON) value(depth int) error {
	t, err := c.d.Token()
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case t == nil:
		return errors.New("null stands where a value belongs")
	case depth > maxStrictNesting:
		return errors.New("it is nested too deep")
	case t == json.Delim('{'):
		return c.object(depth)
	case t == json.Delim('['):
		for c.d.More() {
			if err := c.value(depth + 1); err != nil {
				return err
			}
		}
		_, err = c.d.Token()
	}
	return err
}

func (c *strictJSON) object(depth int) error {
	var seen []string
	for c.d.More() {
		t, err := c.d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if !slices.Contains(c.fields, name) {
			return fmt.Errorf("unknown field %q", name)
		}
		if slices.Contains(seen, name) {
			return fmt.Errorf("field %q stands there twice", name)
		}
		seen = append(seen, name)
		if err := c.value(depth + 1); err != nil {
			return err
		}
	}
	_, err := c.d.Token()
	return err
}
