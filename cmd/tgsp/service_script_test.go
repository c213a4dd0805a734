// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// metricsOfMount returns where the one mount of a script shows its metrics.
func metricsOfMount(ts *testscript.TestScript) string {
	states, err := filepath.Glob(filepath.Join(ts.Getenv("TGSP_HOME"), runFolder, "*.json"))
	ts.Check(err)
	want(ts, len(states) == 1, "one mount has to be there")
	data, err := os.ReadFile(states[0])
	ts.Check(err)
	var state mountState
	ts.Check(json.Unmarshal(data, &state))
	return state.Metrics
}

// scrape FILE: writes what the script's mount shows to Prometheus.
func cmdScrape(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "scrape FILE")
	response, err := http.Get(metricsOfMount(ts))
	ts.Check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	ts.Check(err)
	want(ts, response.StatusCode == http.StatusOK, response.Status)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o644))
}

// taken: sets TAKEN to the address of the script's mount.
func cmdTaken(ts *testscript.TestScript, _ bool, _ []string) {
	u, err := url.Parse(metricsOfMount(ts))
	ts.Check(err)
	ts.Setenv("TAKEN", u.Host)
}
