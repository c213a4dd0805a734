// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
)

// settings are what the user wants of every run: the file settings.json in the
// home folder, which people write by hand.
type settings struct {
	NoRollback bool   `json:"no_rollback"` // as if every verb had --no-rollback
	AuditLog   string `json:"audit_log"`   // as if every verb that has --audit-log had it with this
}

// loadSettings reads the settings; a file that does not exist sets nothing.
func loadSettings() (*settings, error) {
	name, data, err := readHome(settingsFile)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return new(settings), nil
	}
	s, err := parseSettings(data)
	if err != nil {
		return nil, withHint(fmt.Errorf("%s: %w", name, err), `it should look like this: {"no_rollback": true}`)
	}
	return s, nil
}

// parseSettings reads the file's text. A setting that is misspelt would protect
// nobody, so it is an error.
func parseSettings(data []byte) (*settings, error) {
	if err := checkStrictJSON(data, "no_rollback", "audit_log"); err != nil {
		return nil, err
	}
	s := new(settings)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	if s.AuditLog != "" && audit.IsFile(s.AuditLog) && !filepath.IsAbs(s.AuditLog) {
		return nil, fmt.Errorf("audit_log %q: name a file by its whole path, since each run has a folder of its own", s.AuditLog)
	}
	return s, nil
}
