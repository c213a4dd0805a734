// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/integration/contest"
	"github.com/tensorguard/tgsp/integration/rig"
)

// guestReport is what a machine has said, by step.
type guestReport struct {
	t     *testing.T
	board *board
	found map[string]json.RawMessage
	disk  string    // as the machine has left it
	began time.Time // when it was started
}

// take takes a line of the console.
func (g *guestReport) take(text string) {
	g.t.Helper()
	var r guestResult
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		g.t.Fatalf("%v: %s", err, text)
	}
	if r.Error != "" {
		g.t.Errorf("step %q: %s", r.Step, r.Error)
	}
	g.t.Logf("step %q took %v", r.Step, r.Took)
	g.found[r.Step] = r.Value
}

// value returns what came of a step.
func value[T any](g *guestReport, step string) (v T) {
	g.t.Helper()
	if g.found[step] == nil {
		return v // it has failed, and the test with it
	}
	if err := json.Unmarshal(g.found[step], &v); err != nil {
		g.t.Fatalf("step %q: %v", step, err)
	}
	return v
}

func (g *guestReport) judge(release string) {
	g.judgeMachine(release)
	g.judgeReads()
	g.judgeAltered()
	g.judgeExpiry()
	g.judgeVerbs()
	g.judgePacked()
	g.judgeMemory()
	g.judgeTests()
	// Two mounts had errors, the altered one and the closed one: their logs are kept.
	left := value[[]string](g, "left")
	if len(left) != 2 || filepath.Ext(left[0]) != ".log" || filepath.Ext(left[1]) != ".log" {
		g.t.Errorf("left behind: %q, want the logs of two mounts", left)
	}
}

func (g *guestReport) judgeMachine(release string) {
	m := value[guestMachine](g, "machine")
	g.t.Logf("%s, Linux %s, pages of %d bytes, %d processors, %d MiB of memory", m.Machine, m.Release, m.PageSize, m.Processors, m.Memory>>20)
	if m.Machine != "aarch64" || m.Release != release || m.Processors != 2 || m.Memory > 1<<30 || strings.HasSuffix(release, "16k") != (m.PageSize == 16<<10) {
		g.t.Errorf("it is another machine than was asked for: %+v", m)
	}
	// Its clock is the emulated one, which shows this machine's time.
	if now := time.Now(); m.Time < g.began.Unix()-1 || m.Time > now.Unix()+1 {
		g.t.Errorf("its clock shows %v, between %v and %v", time.Unix(m.Time, 0), g.began, now)
	}
	var report struct {
		Checks []struct{ Name, Found, Next string }
	}
	doctor := value[guestRan](g, "doctor")
	if err := json.Unmarshal([]byte(doctor.Stdout), &report); err != nil {
		g.t.Fatalf("%v: %+v", err, doctor)
	}
	for _, c := range report.Checks {
		if c.Name == "processor" || c.Name == "kernel" || c.Name == "fuse" || c.Name == "clock" {
			g.t.Logf("doctor: %s: %s", c.Name, c.Found)
		}
		if c.Name == "processor" && (!strings.Contains(c.Found, "with AES instructions") || !strings.Contains(c.Found, "and SHA instructions")) {
			g.t.Errorf("doctor: %s", c.Found)
		}
	}
}

// judgeReads compares what programs have read there with the model here.
func (g *guestReport) judgeReads() {
	want := must(digestTree(pread, g.board.plain))(g.t)
	read := value[map[string]digestsOf](g, "read")
	for _, kind := range tortureKinds {
		if !maps.Equal(read[kind.name], want) {
			g.t.Errorf("%s: %v, want %v", kind.name, read[kind.name], want)
		}
	}
	if got := value[digestsOf](g, "extract"); !maps.Equal(got, want) {
		g.t.Errorf("extracted: %v, want %v", got, want)
	}
	g.t.Logf("%d files are the same, read in %d ways and extracted", len(want), len(read))
	altered := value[guestAltered](g, "altered")
	for name := range altered.Refused {
		delete(want, name)
	}
	if !maps.Equal(altered.Digests, want) {
		g.t.Errorf("beside the altered file: %v, want %v", altered.Digests, want)
	}
}

func (g *guestReport) judgeAltered() {
	a := value[guestAltered](g, "altered")
	if len(a.Refused) != 1 {
		g.t.Errorf("these cannot be read: %v, want a part of one file", a.Refused)
	}
	if a.Probed.Pread != syscall.EIO || !a.Probed.Fault {
		g.t.Errorf("an altered byte gives %v, and a mapping faults: %v; want %v and true", a.Probed.Pread, a.Probed.Fault, syscall.EIO)
	}
	if a.Verify.Code != 13 {
		g.t.Errorf("verify: %+v, want exit 13", a.Verify)
	}
}

func (g *guestReport) judgeExpiry() {
	x := value[guestExpiry](g, "expiry")
	end := time.Unix(x.End, 0)
	for kind, want := range map[string]string{loadPread: "permission denied", loadDirect: "permission denied", loadMapped: "SIGBUS"} {
		l := x.Loads[kind]
		g.t.Logf("%-8s read %d KiB; refused %v after the end: %s; left %d pages", kind, l.Bytes>>10, time.Unix(0, l.Failed).Sub(end), l.Outcome, l.Resident)
		if l.Bytes == 0 || l.Outcome != want || time.Unix(0, l.Failed).Before(end) || l.Resident > 0 || l.RSS > 0 {
			g.t.Errorf("%s: %+v, want bytes until %v, then %s and nothing that is left", kind, l, end, want)
		}
	}
	if x.Opened != "EACCES" {
		g.t.Errorf("a file of the closed mount opens: %s, want EACCES", x.Opened)
	}
	if x.Again.Code != 16 {
		g.t.Errorf("mounted again: %+v, want exit 16", x.Again)
	}
}

func (g *guestReport) judgeVerbs() {
	for name, r := range value[map[string]guestRan](g, "verbs") {
		if r.Code != 0 {
			g.t.Errorf("%s: %+v", name, r)
		}
		if name == "inspect model.tgsp" {
			here := g.board.user.Run("inspect", "--json", g.board.pkg("model"))
			if strings.ReplaceAll(r.Stdout, guestDisk, g.board.disk) != here.Stdout {
				g.t.Errorf("inspect there: %s\nand here: %s", r.Stdout, here.Stdout)
			}
		}
		if name == "cat config.json" && r.Stdout != string(must(os.ReadFile(filepath.Join(g.board.plain, "config.json")))(g.t)) {
			g.t.Errorf("cat: %s", r.Stdout)
		}
	}
}

// judgeTests looks for what has failed of other packages' tests, and that they ran.
func (g *guestReport) judgeTests() {
	ran := value[map[string]guestRan](g, "tests")
	for name := range strings.SplitSeq(*arm64Tests, ",") {
		r := ran[name]
		passed := strings.Count(r.Stdout, "--- PASS")
		g.t.Logf("tests of %s: %d passed", name, passed)
		if r.Code != 0 || passed == 0 {
			g.t.Errorf("tests of %s: exit %d\n%s%s", name, r.Code, failuresOf(r.Stdout), r.Stderr)
		}
	}
}

// failuresOf gives what tests have said that failed.
func failuresOf(verbose string) string {
	var failures strings.Builder
	for run := range strings.SplitSeq(verbose, "=== RUN ") {
		if strings.Contains(run, "--- FAIL") || strings.Contains(run, "panic: ") {
			failures.WriteString(lastOf(run, 30) + "\n")
		}
	}
	return failures.String()
}

// judgePacked opens here what was packed there. The seed is the same, so all that was
// encrypted is, too.
func (g *guestReport) judgePacked() {
	name := filepath.Join(folder(g.t, g.board.user), "packed.tgsp")
	if err := rig.FromDisk(g.disk, "/packed.tgsp", name); err != nil {
		g.t.Fatal(err)
	}
	succeeds(g.t, g.board.user.Run("verify", name))
	out := filepath.Join(filepath.Dir(name), "out")
	succeeds(g.t, g.board.user.Run("extract", name, out))
	wantEqual(g.t, compare(g.t, g.board.user, g.board.plain, out, 0), len(must(filesUnder(g.board.plain))(g.t)))
	// What comes before has the times and signatures of two packings.
	const head = 4<<10 + 2*64<<10
	here, there := must(os.ReadFile(g.board.pkg("model")))(g.t), must(os.ReadFile(name))(g.t)
	if len(here) != len(there) || !bytes.Equal(here[head:], there[head:]) {
		g.t.Errorf("the bodies differ: %d and %d bytes", len(here), len(there))
	}
}

func (g *guestReport) judgeMemory() {
	m := value[guestMemory](g, "memory")
	g.t.Logf("daemon that served %d MiB, with a limit of %s: peak of %d KiB resident", m.Read.Length>>20, leastMemory, m.Peak>>10)
	digest := sha256.New()
	size := must(io.CopyN(digest, zeros{}, *arm64Large<<20))(g.t)
	if m.Read.Length != size || m.Read.Errno != 0 || !bytes.Equal(m.Read.SHA256, digest.Sum(nil)) {
		g.t.Errorf("read: %+v", m.Read)
	}
	if m.Peak == 0 || m.Peak > must(contest.ParseSize(leastMemory))(g.t) {
		g.t.Errorf("the daemon took %d bytes, with a limit of %s", m.Peak, leastMemory)
	}
}

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
