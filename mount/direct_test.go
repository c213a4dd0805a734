// SPDX-License-Identifier: Apache-2.0

//go:build linux

package mount

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"
)

// directSum reads the file past the cache, in pieces of a size, and prints its hash.
const directSum = `dd if="$DIR/f" bs=%s iflag=direct 2>/dev/null | sha256sum | cut -d " " -f 1`

// waitingJobs returns how many jobs wait to be asked for, and how many buffers are
// in use.
func (a *ahead) waitingJobs() (waiting, held int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting), a.buffers.made - len(a.buffers.free)
}

// awaitJobs returns when all jobs of a stream that has stopped wait to be asked for.
func (a *ahead) awaitJobs(t *testing.T) {
	t.Helper()
	for range 5000 {
		a.mu.Lock()
		done := len(a.waiting) > 0 && a.workers == 0
		a.mu.Unlock()
		if done {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nothing was decrypted ahead")
}

// TestDirectStreamIsDecryptedAhead reads a file with O_DIRECT, whatever the kernel's
// read-ahead is. Bytes are right, hardly one is read twice, nothing is cached, and no
// buffer is kept.
func TestDirectStreamIsDecryptedAhead(t *testing.T) {
	for _, options := range []Options{{}, {ReadAhead: asUser}} {
		for _, piece := range []string{"64k", "1M", "3M", "1000k"} {
			fsys := newStreamedFS()
			s := serve(t, fsys, options)
			tell := startStreamReader(t, s.Dir()+"/f")
			if sum := strings.TrimSpace(mustShell(t, s.Dir(), fmt.Sprintf(directSum, piece))); sum != fsys.sum() {
				t.Errorf("in pieces of %s: %s, want %s", piece, sum, fsys.sum())
			}
			fsys.mu.Lock()
			calls, bytes := fsys.calls, fsys.bytes
			fsys.mu.Unlock()
			if calls > 3*streamedSize>>20 || bytes > streamedSize*11/10 {
				t.Errorf("in pieces of %s: %d reads of %d bytes in all", piece, calls, bytes)
			}
			if n := tell("resident"); n != "0" {
				t.Errorf("in pieces of %s: %s pages are cached", piece, n)
			}
			if waiting, held := s.tree.ahead.Load().waitingJobs(); waiting > 0 || held > 0 {
				t.Errorf("in pieces of %s: %d jobs wait, %d buffers are held", piece, waiting, held)
			}
		}
	}
}

// TestDirectStreamThatStops leaves a file in the middle. What was decrypted for it
// gives way to others after a while, and all of it is wiped at the end.
func TestDirectStreamThatStops(t *testing.T) {
	fsys := newStreamedFS()
	s := serve(t, fsys, Options{})
	a := s.tree.ahead.Load()
	tell := startStreamReader(t, s.Dir()+"/f")
	tell("direct")
	a.awaitJobs(t)
	a.mu.Lock()
	for len(a.buffers.free) > 0 || a.buffers.made < a.buffers.most { // somebody else has all others
		if a.buffers.get() == nil {
			break
		}
	}
	a.mu.Unlock()
	time.Sleep(askedSoon)
	if sum := strings.TrimSpace(mustShell(t, s.Dir(), fmt.Sprintf(directSum, "1M"))); sum != fsys.sum() {
		t.Errorf("%s, want %s", sum, fsys.sum())
	}
	tell("direct")
	a.awaitJobs(t)
	a.mu.Lock()
	var left [][]byte
	for _, j := range a.waiting {
		left = append(left, j.data)
	}
	a.mu.Unlock()
	s.Revoke()
	for _, data := range left {
		if sha256.Sum256(data) != sha256.Sum256(make([]byte, len(data))) {
			t.Error("plaintext is left in a buffer")
		}
	}
	if waiting, _ := a.waitingJobs(); waiting > 0 {
		t.Errorf("%d jobs wait after the end", waiting)
	}
}

// TestManyDirectStreams reads a file by many programs at once, with and without
// O_DIRECT.
func TestManyDirectStreams(t *testing.T) {
	for _, options := range []Options{{}, {ReadAhead: asUser}} {
		fsys := newStreamedFS()
		s := serve(t, fsys, options)
		out := mustShell(t, s.Dir(), fmt.Sprintf(`for i in 1 2 3 4 5 6; do
	(`+directSum+`) &
	(sha256sum < "$DIR/f" | cut -d " " -f 1) &
done
wait`, "512k"))
		sums := strings.Fields(out)
		if len(sums) != 12 {
			t.Errorf("%d sums:\n%s", len(sums), out)
		}
		for _, sum := range sums {
			if sum != fsys.sum() {
				t.Errorf("wrong bytes: %s", sum)
			}
		}
	}
}

// TestDamageBehindDirectStream has a file that cannot be read from some place on. All
// before it can.
func TestDamageBehindDirectStream(t *testing.T) {
	fsys := newStreamedFS()
	fsys.bad = 10<<20 + 5
	s := serve(t, fsys, Options{})
	out, err := shell(t, s.Dir(), `dd if="$DIR/f" bs=64k iflag=direct 2>/dev/null | wc -c; dd if="$DIR/f" bs=64k iflag=direct of=/dev/null`)
	if err == nil || !strings.Contains(out, "Input/output error") {
		t.Errorf("no error: %v\n%s", err, out)
	}
	if got, _, _ := strings.Cut(out, "\n"); strings.TrimSpace(got) != fmt.Sprint(10<<20) {
		t.Errorf("%s bytes could be read, want %d", got, 10<<20)
	}
}
