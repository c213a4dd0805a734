// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/integration/rig"
)

// The folder interchange holds a second reader, in Python, that was written
// against container/FORMAT.md alone. These tests have both readers look at the
// same packages.

const frozen = "../container/testdata/v1"

var primitives = sync.OnceValues(func() (string, error) {
	program := filepath.Join(lab.scratch, "bin", "primitives")
	out, err := exec.Command("go", "build", "-o", program, "./interchange/primitives").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// secondReader prepares one of the programs of the folder interchange.
func secondReader(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	path := must(filepath.Abs(filepath.Join("interchange", program)))(t)
	cmd := plainUser().Exec(python, append([]string{"-B", path}, args...)...)
	cmd.Env = append(cmd.Env, "TGSP_PRIMITIVES="+must(primitives())(t))
	return cmd
}

// reading is what the second reader says of one package.
type reading struct {
	Package   string `json:"package"`
	Code      int    `json:"code"`
	Message   string `json:"message"`
	PackageID string `json:"package_id"`
	Files     []struct {
		Path   string `json:"path"`
		Mode   uint64 `json:"mode"`
		SHA256 string `json:"sha256"`
	} `json:"files"`
	Folders  []string `json:"folders"`
	Metadata string   `json:"metadata"`
}

// readAgain has the second reader verify packages.
func readAgain(t *testing.T, packages []string, flags ...string) []reading {
	t.Helper()
	r := rig.Collect(secondReader(t, "tgsp_reader.py", append(flags, packages...)...))
	var readings []reading
	want := 0
	for dec := json.NewDecoder(strings.NewReader(r.Stdout)); dec.More(); {
		var v reading
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%v: %s", err, r)
		}
		if readings = append(readings, v); want == 0 {
			want = v.Code
		}
	}
	if len(readings) != len(packages) || r.Stderr != "" || r.Code != want {
		t.Fatalf("%d packages, exit %d, want %d and %d: %s", len(readings), r.Code, len(packages), want, r)
	}
	return readings
}

func frozenAuthor(t *testing.T) tgspcrypto.AuthorPublicKey {
	t.Helper()
	return must(tgspcrypto.ReadAuthorKeyFile(filepath.Join(frozen, "author.key")))(t).Public()
}

// frozenFile is the absolute path of a file beside the frozen packages.
func frozenFile(t *testing.T, name string) string {
	t.Helper()
	return must(filepath.Abs(filepath.Join(frozen, name)))(t)
}

func trusting(t *testing.T) []string {
	t.Helper()
	return []string{"--trusted-key", frozenAuthor(t).String()}
}

func withKeys(t *testing.T, flags ...string) []string {
	t.Helper()
	return append(flags, "-i", frozenFile(t, "x25519.key"), "-i", frozenFile(t, "mlkem768-x25519.key"))
}

// TestSecondReaderOpensFrozenPackages compares what the second reader finds in
// every frozen package with what this program finds.
func TestSecondReaderOpensFrozenPackages(t *testing.T) {
	packages := must(filepath.Glob(frozenFile(t, "*.tgsp")))(t)
	if len(packages) < 11 {
		t.Fatalf("%d frozen packages", len(packages))
	}
	fleet := container.FleetID(bytes.Repeat([]byte{0xf1}, 32)) // as policy-fleet.tgsp has it
	flags := append(withKeys(t, trusting(t)...), "--fleet", fleet.String())
	for i, got := range readAgain(t, packages, flags...) {
		t.Run(filepath.Base(packages[i]), func(t *testing.T) {
			f := must(container.OpenFile(packages[i]))(t)
			defer f.Close()
			trust := &container.Trust{Keys: []container.TrustedKey{{Key: frozenAuthor(t), Role: container.RoleAuthor}}}
			accepted := must(f.Accept(trust))(t)
			var ids []*tgspcrypto.Identity
			for _, name := range []string{"x25519.key", "mlkem768-x25519.key"} {
				ids = append(ids, must(tgspcrypto.ReadIdentityFile(frozenFile(t, name)))(t)...)
			}
			policy := accepted.Manifest().Policy
			facts := container.Facts{Now: time.Now(), Fleets: []container.FleetID{fleet}}
			if policy.NotBefore != 0 {
				facts.Now = time.Unix(int64(policy.NotBefore), 0)
			} else if policy.NotAfter != 0 {
				facts.Now = time.Unix(int64(policy.NotAfter)-1, 0)
			}
			r := must(accepted.Open(facts, ids))(t)
			if got.Code != 0 || got.PackageID != accepted.Manifest().PackageID {
				t.Fatalf("%+v", got)
			}
			if len(got.Files) != len(r.Files()) || fmt.Sprint(got.Folders) != fmt.Sprint(r.Folders()) || got.Metadata != r.Metadata() {
				t.Errorf("the second reader finds %+v", got)
			}
			for i, e := range r.Files() {
				if g := got.Files[i]; g.Path != e.Path || g.Mode != e.Mode || g.SHA256 != e.SHA256.String() {
					t.Errorf("the second reader finds %+v, want %+v", g, e)
				}
			}
		})
	}
}

// TestBothReadersRefuseAlike damages a frozen package in many ways: both readers
// give the exit code that the damage has.
func TestBothReadersRefuseAlike(t *testing.T) {
	whole := must(os.ReadFile(frozenFile(t, "aead_aes_256_gcm-sha-256-x25519.tgsp")))(t)
	const slotA, slotB, index, tree, gap, payload = 4096, 69632, 135168, 139336, 139432, 143360 // FORMAT.md, section 13
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 0x10; return b }
	}
	type damage struct {
		name string
		code int
		make func([]byte) []byte
	}
	all := []damage{
		{"whole", 0, func(b []byte) []byte { return b }},
		{"empty", 10, func(b []byte) []byte { return nil }},
		{"cut off in the preamble", 10, func(b []byte) []byte { return b[:4095] }},
		{"cut off", 10, func(b []byte) []byte { return b[:len(b)-1] }},
		{"longer", 10, func(b []byte) []byte { return append(b, 0) }},
		{"magic", 10, flip(0)},
		{"version 2", 10, func(b []byte) []byte { b[11] = 2; return b }},
		{"preamble, unused", 10, flip(4095)},
		{"length of the envelope", 10, func(b []byte) []byte { binary.BigEndian.PutUint32(b[slotA:], 1<<31); return b }},
		{"envelope longer than its bytes", 10, func(b []byte) []byte { b[slotA+3]++; return b }},
		{"slot A, unused", 10, flip(slotB - 1)},
		{"no envelope", 10, func(b []byte) []byte { clear(b[slotA:slotB]); return b }},
		{"slot B, unused", 19, flip(index - 1)},
		{"both slots", 19, func(b []byte) []byte { copy(b[slotB:index], b[slotA:slotB]); return b }},
		{"slot A torn, slot B whole", 19, func(b []byte) []byte { copy(b[slotB:index], b[slotA:slotB]); b[slotA+100]++; return b }},
		{"slot B alone", 0, func(b []byte) []byte { copy(b[slotB:index], b[slotA:slotB]); clear(b[slotA:slotB]); return b }},
		{"slot B and the payload", 19, func(b []byte) []byte { return flip(payload)(flip(slotB)(b)) }},
		{"index, salt", 13, flip(index)},
		{"index, last byte", 13, flip(tree - 1)},
		{"tree", 13, flip(tree)},
		{"gap", 13, flip(gap)},
		{"gap, last byte", 13, flip(payload - 1)},
		{"payload", 13, flip(payload)},
		{"payload, last byte", 13, flip(len(whole) - 1)},
		{"two leaves exchanged", 13, func(b []byte) []byte {
			copy(b[payload:], whole[payload+container.LeafSize:payload+2*container.LeafSize])
			copy(b[payload+container.LeafSize:], whole[payload:payload+container.LeafSize])
			return b
		}},
	}
	for at := 12; at < 40; at++ { // the preamble's numbers
		all = append(all, damage{"preamble " + strconv.Itoa(at), 10, flip(at)})
	}
	for at := slotA; at < slotA+4+0x3a3; at += 5 { // malformed or a wrong signature
		all = append(all, damage{"envelope " + strconv.Itoa(at-slotA), -1, flip(at)})
	}
	dir := folder(t, plainUser())
	var packages []string
	for i, d := range all {
		name := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(name, d.make(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, name)
	}
	flags := withKeys(t, trusting(t)...)
	for i, got := range readAgain(t, packages, flags...) {
		d := all[i]
		r := plainUser().Run(append([]string{"verify", packages[i]}, flags...)...)
		if r.Code != got.Code || d.code >= 0 && got.Code != d.code || d.code < 0 && got.Code != 10 && got.Code != 11 {
			t.Errorf("%s: the second reader gives %d (%s), want %d: %s", d.name, got.Code, got.Message, d.code, r)
		}
	}
}

// TestBothReadersRankAlike gives both readers packages with several reasons to
// refuse them.
func TestBothReadersRankAlike(t *testing.T) {
	dir := folder(t, plainUser())
	altered := func(name string) string {
		data := must(os.ReadFile(frozenFile(t, name+".tgsp")))(t)
		data[len(data)-1] ^= 1
		path := filepath.Join(dir, name+".tgsp")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const hybrid = "aead_aes_256_gcm-blake3-mlkem768-x25519"
	stranger := tgspcrypto.GenerateAuthorKey().Public().String()
	wrongKey := []string{"-i", frozenFile(t, "x25519.key")}
	noTrust := []string{"--trusted-key", stranger}
	closed := time.Unix(1_600_000_060, 0)
	for _, c := range []struct {
		name, pkg string
		code      int
		at        time.Time
		flags     []string
	}{
		{"a missing signature before altered", altered(hybrid), 11, time.Time{}, append(trusting(t), "--require-key", stranger)},
		{"altered before untrusted", altered(hybrid), 13, time.Time{}, withKeys(t, noTrust...)},
		{"altered before no key", altered(hybrid), 13, time.Time{}, append(wrongKey, trusting(t)...)},
		{"untrusted before no key", frozenFile(t, hybrid+".tgsp"), 12, time.Time{}, append(wrongKey, noTrust...)},
		{"untrusted before fleet", frozenFile(t, "policy-fleet.tgsp"), 12, time.Time{}, withKeys(t, noTrust...)},
		{"another package", frozenFile(t, hybrid+".tgsp"), 12, time.Time{}, append(trusting(t), "--expect", "tgsp/other")},
		{"another version", frozenFile(t, hybrid+".tgsp"), 12, time.Time{}, append(trusting(t), "--expect", "tgsp/frozen@1.0.1")},
		{"the expected version", frozenFile(t, hybrid+".tgsp"), 0, time.Time{}, append(trusting(t), "--expect", "tgsp/frozen@1.0.0")},
		{"fleet before no key", frozenFile(t, "policy-fleet.tgsp"), 15, time.Time{}, append(trusting(t), "-i", frozenFile(t, "mlkem768-x25519.key"))},
		{"fleet matters to those with keys", frozenFile(t, "policy-fleet.tgsp"), 0, time.Time{}, trusting(t)},
		{"no key before time", frozenFile(t, "policy-not-after.tgsp"), 14, closed, append(trusting(t), "-i", frozenFile(t, "mlkem768-x25519.key"))},
		{"no longer open", frozenFile(t, "policy-not-after.tgsp"), 16, closed, withKeys(t, trusting(t)...)},
		{"open, in the last second of grace", frozenFile(t, "policy-not-after.tgsp"), 0, closed.Add(-time.Second), withKeys(t, trusting(t)...)},
		{"not yet open", frozenFile(t, "policy-not-before.tgsp"), 16, time.Unix(3_999_999_999, 0), trusting(t)},
		{"open from its first second", frozenFile(t, "policy-not-before.tgsp"), 0, time.Unix(4_000_000_000, 0), trusting(t)},
	} {
		ours, theirs := c.flags, c.flags
		if !c.at.IsZero() {
			ours = append([]string{"--at", c.at.UTC().Format(time.RFC3339)}, c.flags...)
			theirs = append([]string{"--at", strconv.FormatInt(c.at.Unix(), 10)}, c.flags...)
		}
		got := readAgain(t, []string{c.pkg}, theirs...)[0]
		if r := plainUser().Run(append([]string{"verify", c.pkg}, ours...)...); r.Code != c.code || got.Code != c.code {
			t.Errorf("%s: the second reader gives %d (%s), want %d: %s", c.name, got.Code, got.Message, c.code, r)
		}
	}
}

// TestSecondReaderKnowsCodePoints compares the rules for names at every code
// point that both readers' Unicode assigns: which can be names, and which are
// equal after folding.
func TestSecondReaderKnowsCodePoints(t *testing.T) {
	r := rig.Collect(secondReader(t, "unicode_table.py"))
	if r.Code != 0 {
		t.Fatal(r)
	}
	first := map[string]string{} // of the names with one folded form
	var distinct []string
	lines, pairs := 0, 0
	for line := range strings.Lines(r.Stdout) {
		var code rune
		var fit int
		var folded []byte
		if _, err := fmt.Sscanf(line, "%x %d %x", &code, &fit, &folded); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !assigned(code) {
			continue
		}
		lines++
		name := string(code)
		if err := container.CheckPath(name); (err == nil) != (fit == 1) {
			t.Errorf("%U: %v, and the second reader says %d", code, err, fit)
		}
		if fit == 0 {
			continue
		}
		other, met := first[string(folded)]
		if !met {
			first[string(folded)] = name
			distinct = append(distinct, name)
		} else if pairs++; container.CheckPaths([]string{other, name}, nil) == nil {
			t.Errorf("%U and %U are equal for the second reader alone", []rune(other), code)
		}
	}
	if err := container.CheckPaths(distinct, nil); err != nil {
		t.Errorf("two names are equal for this program alone: %v", err)
	}
	if lines < 280_000 || pairs < 2000 {
		t.Errorf("only %d code points and %d pairs were compared", lines, pairs)
	}
}

// TestSecondReaderKnowsKeys compares which lines both readers take for keys.
func TestSecondReaderKnowsKeys(t *testing.T) {
	lines := keyLines(t)
	cmd := secondReader(t, "key_lines.py")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	r := rig.Collect(cmd)
	answers := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	if r.Code != 0 || len(answers) != len(lines) {
		t.Fatalf("%d answers to %d lines: %s", len(answers), len(lines), r)
	}
	taken := 0
	for i, line := range lines {
		want := "no"
		if isKey(line) {
			want, _, _ = strings.Cut(line, ":")
			taken++
		}
		if answers[i] != want {
			t.Errorf("%.100q: the second reader says %s, want %s", line, answers[i], want)
		}
	}
	if taken < 10 || len(lines)-taken < 100 {
		t.Errorf("%d of %d lines are keys", taken, len(lines))
	}
}

func isKey(line string) bool {
	_, a := tgspcrypto.ParseAuthorPublicKey(line)
	_, b := tgspcrypto.ParseAuthorKey(line)
	_, c := tgspcrypto.ParseRecipient(line)
	_, d := tgspcrypto.ParseIdentity(line)
	return a == nil || b == nil || c == nil || d == nil
}

func fromHex(t *testing.T, s string) []byte {
	t.Helper()
	return must(hex.DecodeString(s))(t)
}
