// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

var changesTime = flag.Duration("changes.time", 5*time.Second, "how long packages are changed while others read or change them")

// changerOrder names what a process of this test binary, a changer, is to
// change, and with which keys. It ends when its standard input does.
type changerOrder struct{ Package, Author, Identity, Report string }

// changerReport is what a changer has done.
type changerReport struct {
	Changes  int
	Longest  time.Duration // wait for a change to begin
	Identity string        // whose entry is there in the end
}

// changerVariable makes a test of this binary be a changer.
const changerVariable = "TGSP_TEST_CHANGER"

// changer is a running changer.
type changer struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	report string
}

// startChanger starts a changer of the fixture's package. The test that calls it
// must begin with [asChanger].
func (x *fixture) startChanger(t *testing.T) *changer {
	t.Helper()
	identity, err := x.identity.SecretLine()
	check(t, err)
	c := &changer{report: filepath.Join(t.TempDir(), "report")}
	order, err := json.Marshal(changerOrder{x.name, x.author.SecretLine(), identity, c.report})
	check(t, err)
	c.cmd = exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	c.cmd.Env = append(os.Environ(), changerVariable+"=1")
	c.cmd.Stdout, c.cmd.Stderr = os.Stderr, os.Stderr
	stdin, err := c.cmd.StdinPipe()
	check(t, err)
	c.stdin = stdin
	check(t, c.cmd.Start())
	_, err = stdin.Write(append(order, '\n'))
	check(t, err)
	return c
}

// stop ends a changer and returns what it has done.
func (c *changer) stop(t *testing.T) (r changerReport) {
	t.Helper()
	check(t, c.stdin.Close())
	check(t, c.cmd.Wait())
	data, err := os.ReadFile(c.report)
	check(t, err)
	check(t, json.Unmarshal(data, &r))
	return r
}

// asChanger adds and removes a recipient as fast as it can, if this process is a
// changer, and reports whether it was one.
func asChanger(t *testing.T) bool {
	t.Helper()
	if os.Getenv(changerVariable) == "" {
		return false
	}
	stdin := bufio.NewReader(os.Stdin)
	line, err := stdin.ReadBytes('\n')
	check(t, err)
	var order changerOrder
	check(t, json.Unmarshal(line, &order))
	author, err := tgspcrypto.ParseAuthorKey(order.Author)
	check(t, err)
	identity, err := tgspcrypto.ParseIdentity(order.Identity)
	check(t, err)
	var ended atomic.Bool
	go func() {
		io.Copy(io.Discard, stdin) //nolint:errcheck // however it ends
		ended.Store(true)
	}()

	x := &fixture{name: order.Package, author: author, identity: identity}
	own := newIdentity(t, tgspcrypto.X25519)
	var r changerReport
	r.Identity, err = own.SecretLine()
	check(t, err)
	for adding := true; adding || !ended.Load(); adding = !adding {
		r.Longest = max(r.Longest, x.toggle(t, own.Recipient(), adding))
		r.Changes++
	}
	data, err := json.Marshal(r)
	check(t, err)
	check(t, os.WriteFile(order.Report, data, 0o644))
	return true
}

// toggle adds or removes a recipient, and returns how long it waited.
func (x *fixture) toggle(t *testing.T, key *tgspcrypto.Recipient, adding bool) time.Duration {
	t.Helper()
	start := time.Now()
	c, err := BeginChange(x.name, x.trust())
	check(t, err)
	waited := time.Since(start)
	var n int
	if adding {
		n, err = c.AddRecipients([]*tgspcrypto.Recipient{key}, x.identities(), x.author)
	} else {
		n, err = c.RemoveRecipients(func(r *Recipient) bool { return r.Matches(key) }, x.author)
	}
	check(t, err)
	if n != 1 {
		t.Fatalf("%d recipients were changed, want 1", n)
	}
	check(t, c.End())
	return waited
}

// No reader is refused, and none sees a change half done, while another process
// makes one change after the other.
func TestReadersAgainstChanges(t *testing.T) {
	if asChanger(t) {
		return
	}
	x := pack(t, smallModel(), nil)
	c := x.startChanger(t)
	end := time.Now().Add(*changesTime)
	var reads atomic.Int64
	t.Run("readers", func(t *testing.T) {
		for range 4 {
			t.Run("reader", func(t *testing.T) {
				t.Parallel() // as many at once as there are processors
				for last := uint64(0); time.Now().Before(end); reads.Add(2) {
					generation := x.readAll(t)
					if generation < last {
						t.Fatalf("generation %d after %d", generation, last)
					}
					last = generation
					check(t, x.verify())
				}
			})
		}
	})
	r := c.stop(t)
	t.Logf("opened %d times, half of them for verification, during %d changes", reads.Load(), r.Changes)
	if reads.Load() == 0 {
		t.Error("nothing was read")
	}
	check(t, x.verify())
}

// readAll opens the package, reads everything and returns its generation.
func (x *fixture) readAll(t *testing.T) uint64 {
	t.Helper()
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	check(t, f.Unfinished())
	a, err := f.Accept(x.trust())
	check(t, err)
	r, err := a.Open(Facts{Now: created}, x.identities())
	check(t, err)
	x.checkContents(t, r)
	return a.Generation()
}

// No change is lost, and none is refused, where several processes make them.
func TestChangesAgainstChanges(t *testing.T) {
	if asChanger(t) {
		return
	}
	x := pack(t, smallModel(), nil)
	changers := make([]*changer, 4)
	for i := range changers {
		changers[i] = x.startChanger(t)
	}
	time.Sleep(*changesTime)
	total := 0
	for _, c := range changers {
		r := c.stop(t)
		t.Logf("%d changes, the longest wait for one was %v", r.Changes, r.Longest)
		total += r.Changes
		identity, err := tgspcrypto.ParseIdentity(r.Identity)
		check(t, err)
		check(t, x.verifyAs(x.trust(), []*tgspcrypto.Identity{identity}))
	}
	if got := x.readAll(t); got != uint64(total)+1 {
		t.Errorf("generation %d after %d changes", got, total)
	}
	check(t, x.verify())
}

// A change that is going on is waited for, and not taken for one cut off.
func TestReaderWaitsForChange(t *testing.T) {
	x := pack(t, smallModel(), nil)
	c, err := BeginChange(x.name, x.trust())
	check(t, err)
	envelope, err := c.next().seal(x.author, c.file.layout)
	check(t, err)
	l := c.file.layout
	data, err := encodeSlot(envelope, l.slotSize)
	check(t, err)
	check(t, c.put(data, 1-c.slot))
	verified := make(chan error, 1)
	go func() { verified <- x.verify() }()
	select {
	case err := <-verified:
		t.Fatalf("during a change: %v", err)
	case <-time.After(100 * time.Millisecond): // time enough to be wrong
	}
	check(t, c.put(make([]byte, l.slotSize), c.slot))
	check(t, c.End())
	check(t, <-verified)
}

func TestPatience(t *testing.T) {
	for name, c := range map[string]struct {
		p    patience
		want error
	}{
		"first":    {patience{}, nil},
		"early":    {patience{7, time.Now().Add(time.Hour)}, nil},
		"late":     {patience{7, time.Now().Add(-time.Second)}, ErrBusy},
		"progress": {patience{6, time.Now().Add(-time.Second)}, nil},
	} {
		if err := c.p.wait(7); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
