// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// event FILE LINE NAME VALUE: a line of an audit log, counted from 0, has this
// field. A VALUE of * is any.
func cmdEvent(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 4, "event FILE LINE NAME VALUE")
	line, found := auditLine(ts, args[0], args[1])
	var value any
	if found {
		value, found = line[args[2]]
	}
	if ok := found && (args[3] == "*" || fmt.Sprint(value) == args[3]); ok == neg {
		ts.Fatalf("%s is %v, found is %t, want %s: %s", args[2], value, found, args[3], ts.ReadFile(args[0]))
	}
}

// auditLine returns a line of an audit log, where it has so many.
func auditLine(ts *testscript.TestScript, file, number string) (map[string]any, bool) {
	i, err := strconv.Atoi(number)
	ts.Check(err)
	text := ts.ReadFile(file)
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] != "" {
		ts.Fatalf("the last line of %s has no end: %s", file, text)
	}
	for _, line := range lines[:len(lines)-1] {
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		var fields map[string]any
		ts.Check(d.Decode(&fields))
		if i == 0 {
			return fields, true
		}
		i--
	}
	return nil, false
}

// refusal FILE LINE CODE KIND: a line of an audit log is a refusal with a reason.
func cmdRefusal(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 4, "refusal FILE LINE CODE KIND")
	for name, value := range map[string]string{"event": "refused", "code": args[2], "kind": args[3], "reason": "*", "package": "*"} {
		cmdEvent(ts, false, []string{args[0], args[1], name, value})
	}
}

// agent FILE LINE KEYFILE: a line of an audit log names the identity in the file.
func cmdAgent(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 3, "agent FILE LINE KEYFILE")
	ids, err := tgspcrypto.ReadIdentityFile(ts.MkAbs(args[2]))
	ts.Check(err)
	sum := ids[0].Recipient().Fingerprint()
	cmdEvent(ts, false, []string{args[0], args[1], "agent", hex.EncodeToString(sum[:])})
}

// report FILE NAME VALUE: a report has this field, as with the command field.
func cmdReport(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 3, "report FILE NAME VALUE")
	checkField(ts, neg, ts.ReadFile(args[0]), args[1], args[2])
}

// checks FILE CHECK=RESULT…: a report lists these checks with these results.
func cmdChecks(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 1, "checks FILE CHECK=RESULT…")
	var report struct {
		Checks []struct{ Check, Result string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &report))
	var got []string
	for _, c := range report.Checks {
		got = append(got, c.Check+"="+c.Result)
	}
	if fmt.Sprint(got) != fmt.Sprint(args[1:]) {
		ts.Fatalf("got  %v\nwant %v", got, args[1:])
	}
}

// dsse FILE KEY OUT: FILE is a DSSE envelope that KEY, an author's public line,
// has signed; its payload becomes OUT. The check is made from the specification,
// with the standard library alone.
func cmdDSSE(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 3, "dsse FILE KEY OUT")
	var envelope struct {
		PayloadType, Payload string
		Signatures           []struct{ KeyID, Sig string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &envelope))
	payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
	ts.Check(err)
	if len(envelope.Signatures) != 1 || envelope.PayloadType != "application/vnd.tgsp.report.v1+json" {
		ts.Fatalf("%d signatures, type %s", len(envelope.Signatures), envelope.PayloadType)
	}
	sig, err := base64.StdEncoding.DecodeString(envelope.Signatures[0].Sig)
	ts.Check(err)
	key, err := tgspcrypto.ParseAuthorPublicKey(args[1])
	ts.Check(err)
	signed := fmt.Sprintf("DSSEv1 %d %s %d %s", len(envelope.PayloadType), envelope.PayloadType, len(payload), payload)
	ok := ed25519.Verify(key.Bytes(), []byte(signed), sig) && envelope.Signatures[0].KeyID == key.ID().String()
	if ok == neg {
		ts.Fatalf("signed by %s: %t", args[1], ok)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), payload, 0o644))
}
