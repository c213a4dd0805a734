// SPDX-License-Identifier: Apache-2.0

package container

import (
	"encoding/json"
	"unicode/utf8"
)

// maxMetadataNesting is how deep objects and arrays of metadata may lie in each
// other, so that whoever reads it can do so by recursion.
const maxMetadataNesting = 64

// CheckMetadata says whether data can be a package's metadata: a JSON object in
// UTF-8, not nested too deep.
func CheckMetadata(data []byte) error {
	if !utf8.Valid(data) { // Go's decoder would mend it in its own way
		return malformed("metadata", "it is not valid UTF-8")
	}
	if jsonNesting(data) > maxMetadataNesting {
		return malformed("metadata", "objects and arrays are nested deeper than %d levels", maxMetadataNesting)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return malformed("metadata", "want a JSON object: %v", err)
	}
	if object == nil {
		return malformed("metadata", "want a JSON object, not null")
	}
	return nil
}

// jsonNesting returns how deep objects and arrays lie in each other. That data
// is JSON at all is for others to check.
func jsonNesting(data []byte) int {
	depth, deepest := 0, 0
	text := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
