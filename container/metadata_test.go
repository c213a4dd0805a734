// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"strings"
	"testing"
)

func nested(levels int) string {
	return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + "}"
}

func TestMetadata(t *testing.T) {
	for data, good := range map[string]bool{
		`{}`: true, ` {"a": [1, {"b": null}]} `: true, nested(maxMetadataNesting): true, `{"[[[\"[[[": "{{{\\"}`: true,
		``: false, `null`: false, `[]`: false, `{} {}`: false, `{"a":1,}`: false, nested(maxMetadataNesting + 1): false,
		`{"text":"` + strings.Repeat("[{", 100) + `"}`: true, `{"siblings":[` + strings.Repeat("{},[],", 100) + `1]}`: true,
		"{\"a\":\"\xff\"}": false, nested(100_000): false,
	} {
		err := CheckMetadata([]byte(data))
		if good != (err == nil) || err != nil && !errors.As(err, new(*FormatError)) {
			t.Errorf("%.80s: %v", data, err)
		}
	}
}
