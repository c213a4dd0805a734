// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"math/rand/v2"
	"testing"
)

const request = 128 << 10 // what the kernel asks for at once

// recognised counts the streams for which something would be decrypted ahead.
func (s *streams) recognised() (n int) {
	for i := range s.list {
		if s.list[i].window > 0 {
			n++
		}
	}
	return n
}

func TestStreamIsRecognised(t *testing.T) {
	for name, sizes := range map[string][]int64{
		"large requests":   {request, request, request},
		"growing requests": {16 << 10, 32 << 10, 64 << 10, request, request},
		"huge requests":    {1 << 20, 1 << 20, 1 << 20},
	} {
		var s streams
		off := int64(7 << 20)
		for i, n := range sizes {
			if got := s.recognised(); got != 0 {
				t.Errorf("%s: recognised before request %d", name, i)
			}
			s.observe(off, n)
			off += n
		}
		if s.recognised() != 1 {
			t.Errorf("%s: not recognised: %+v", name, s.list[0])
		}
		if st := s.observe(off, request); st == nil || st.window != firstWindow {
			t.Errorf("%s: it begins with %+v", name, st)
		}
	}
}

func TestRequestsOvertakeEachOther(t *testing.T) {
	var s streams
	for i := range int64(16) {
		s.observe((i^1)*request, request) // 1, 0, 3, 2, …
	}
	if s.recognised() != 1 {
		t.Errorf("not recognised: %+v", s.list[:3])
	}
}

func TestWindowGrowsWithTheStream(t *testing.T) {
	const size = 1 << 30
	var s streams
	planned := int64(0)
	for off := int64(0); off < 64<<20; off += request {
		st := s.observe(off, request)
		if st == nil || st.window == 0 {
			continue
		}
		from, to := st.want(size)
		if from < to {
			if from%grain != 0 || to%jobSize != 0 || from < planned {
				t.Fatalf("at %d it wants %d to %d, and %d was planned", off, from, to, planned)
			}
			planned, st.planned = to, to
		}
		if waste := planned - st.next; waste > max(2*jobSize, 2*st.next) || waste > lastWindow+jobSize {
			t.Fatalf("at %d, %d bytes are decrypted ahead", off, waste)
		}
	}
	if st := s.find(64 << 20); st == nil || st.window != lastWindow {
		t.Errorf("it ends with %+v", st)
	}
	if _, to := s.find(64 << 20).want(65<<20 + 5); to != 65<<20+5 {
		t.Errorf("it wants up to %d, past the end", to)
	}
}

func TestThreadsHaveTheirOwnStreams(t *testing.T) {
	var s streams
	const part = 64 << 20
	for i := range int64(8) {
		for thread := range int64(maxStreams) {
			s.observe(thread*part+i*request, request)
		}
	}
	if got := s.recognised(); got != maxStreams {
		t.Errorf("%d streams are recognised, want %d", got, maxStreams)
	}
}

func TestRandomReadsAreNoStream(t *testing.T) {
	for _, n := range []int64{4 << 10, request} {
		var s streams
		r := rand.New(rand.NewPCG(1, 2))
		for range 100_000 {
			s.observe(r.Int64N(8<<30/n)*n, n)
			if s.recognised() > 0 {
				t.Fatalf("requests of %d bytes: %+v", n, s.list)
			}
		}
	}
	var s streams
	for off := int64(64 << 20); off > 0; off -= request {
		s.observe(off, request)
	}
	if s.recognised() > 0 {
		t.Error("what is read backwards is a stream")
	}
}

func TestStreamEndsAtRandomReads(t *testing.T) {
	var s streams
	off := int64(0)
	for ; off < 1<<20; off += request {
		s.observe(off, request)
	}
	id := s.find(off).id
	for i := range int64(maxStrays) {
		s.observe((100+9*i)<<20, request)
	}
	if s.byID(id) == nil {
		t.Error("it has ended early")
	}
	s.observe(500<<20, request)
	if s.byID(id) != nil {
		t.Error("it goes on")
	}
}

func TestShrinkingStreams(t *testing.T) {
	var s streams
	off := int64(0)
	for ; off < 64<<20; off += request {
		s.observe(off, request)
	}
	st := s.find(off)
	for want := int64(lastWindow / 2); want >= firstWindow; want /= 2 {
		if st.shrink(); st.window != want {
			t.Errorf("the window is %d, want %d", st.window, want)
		}
	}
	st.shrink()
	for range relapse {
		s.observe(off, request)
		off += request
	}
	if s.recognised() > 0 {
		t.Error("recognised again at once")
	}
	for range 2 * firstRequests {
		s.observe(off, request)
		off += request
	}
	if s.recognised() != 1 {
		t.Error("never recognised again")
	}
}

func TestObservingAllocatesNothing(t *testing.T) {
	var s streams
	off := int64(0)
	if n := testing.AllocsPerRun(1000, func() { s.observe(off, request); s.observe(off*31%(1<<40), 4096); off += request }); n > 0 {
		t.Errorf("%v allocations for each request", n)
	}
}
