// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxWorkers is how many jobs go on at a time: two for each processor, because one
// of them waits for storage. It is asked for at the start: a program may later allow
// more threads than there are processors.
var maxWorkers = 2 * runtime.GOMAXPROCS(0)

// ahead decrypts what streams will ask for. What is read through the kernel's page
// cache it stores there: that is for mounts whose read-ahead in the kernel could not
// be raised, where a program that reads in sequence waits for one small request at a
// time. What is read past the cache (O_DIRECT) has no read-ahead in any kernel; it
// waits in memory here until it is asked for, and so does all where the cache cannot
// be reached.
//
// A job is one piece of a file. Workers read it, and when its data is there they
// store it. A request for a piece under way waits for the data, never for the
// store: the kernel keeps the pages of a request locked until it is answered, and
// the store waits for locked pages. Nor does a request wait for a job that has not
// begun, which may be behind such a store: it does the job itself.
type ahead struct {
	tree    *tree
	cached  bool // what is read through the cache, too
	stopped atomic.Bool
	storing atomic.Int64 // calls that may put pages into the kernel's cache

	mu      sync.Mutex
	queue   []*job // to be read, in this order
	stores  []*job // read by requests, to be stored
	waiting []*job // read past the cache, and not asked for yet
	workers int
	buffers buffers
}

func newAhead(t *tree, cached bool) *ahead {
	return &ahead{tree: t, cached: cached, buffers: buffers{most: t.opts.room().jobs}}
}

// tracked is what is known of one file's readers.
type tracked struct {
	streams streams
	jobs    []*job // those that are not behind their stream; no two overlap
}

// tracking reports whether requests of an open file are looked at.
func (a *ahead) tracking(h *openFile) bool {
	return a != nil && (a.cached || h.direct) && h.item.bytes() >= jobSize && !a.stopped.Load()
}

// read is ReadAt for a request of the kernel. What jobs have is copied, and the
// rest read.
func (a *ahead) read(h *openFile, dest []byte, off int64) (int, error) {
	a.observe(h, off, int64(len(dest)))
	done := 0
	for done < len(dest) {
		p := a.find(h, dest[done:], off+int64(done))
		part := dest[done : done+p.length]
		if p.own && a.run(p.job) && !p.job.waits {
			a.hand(p.job)
		}
		if !p.copied && (p.job == nil || !a.copy(p.job, part, off+int64(done))) {
			if got, err := h.at.ReadAt(part, off+int64(done)); got < len(part) {
				return done + got, err
			}
		}
		done += p.length
	}
	return done, nil
}

// observe takes note of a request, and makes the jobs that it gives reason for.
func (a *ahead) observe(h *openFile, off, length int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := h.item
	if it.tracked == nil {
		it.tracked = new(tracked)
	}
	st := it.tracked.streams.observe(off, length)
	if st == nil {
		return
	}
	size := it.bytes()
	from, to := st.want(size)
	switch {
	case st.next >= size:
		*st = stream{}
	case from >= to:
		return
	}
	a.forgetPassed(it.tracked)
	if from < to {
		a.plan(h, st, from, to)
		st.planned = to
	}
}

// plan makes jobs for a part of a file that lies before a stream, where no other
// stream has led to them.
func (a *ahead) plan(h *openFile, st *stream, from, to int64) {
	if a.stopped.Load() {
		return
	}
	known := h.item.tracked
	for off := from; off < to; {
		end := min(off/jobSize*jobSize+jobSize, to)
		if !known.overlaps(off, end) && !known.streams.covers(st, off, end) {
			j := &job{item: h.item, handle: h, waits: h.direct || h.cache == nil, stream: st.id, off: off, end: end, claimed: off, read: make(chan struct{})}
			known.jobs = append(known.jobs, j)
			a.queue = append(a.queue, j)
		}
		off = end
	}
	a.wake()
}

func (t *tracked) overlaps(off, end int64) bool {
	for _, j := range t.jobs {
		if j.off < end && off < j.end {
			return true
		}
	}
	return false
}

// forgetPassed forgets the jobs that no request of their stream will meet.
func (a *ahead) forgetPassed(t *tracked) {
	kept := t.jobs[:0]
	for _, j := range t.jobs {
		st := t.streams.byID(j.stream)
		if st == nil || j.end <= st.next-st.length-overtaken {
			if j.state == jobStored {
				a.buffers.putPage(&j.first)
				continue
			}
			if a.endWait(j) {
				continue
			}
		}
		kept = append(kept, j)
	}
	clear(t.jobs[len(kept):])
	t.jobs = kept
}

// forget forgets one job.
func (a *ahead) forget(j *job) {
	a.buffers.putPage(&j.first)
	t := j.item.tracked
	for i := range t.jobs {
		if t.jobs[i] == j {
			last := len(t.jobs) - 1
			t.jobs[i], t.jobs[last] = t.jobs[last], nil
			t.jobs = t.jobs[:last]
			return
		}
	}
}

// piece is the front of what a request asks for.
type piece struct {
	length int
	copied bool // it is there already
	job    *job // that has it or will have it; nil where it must be read
	own    bool // the job is the request's to do
}

// find returns how the front of what is asked for is to be had.
func (a *ahead) find(h *openFile, dest []byte, off int64) piece {
	a.mu.Lock()
	defer a.mu.Unlock()
	end, at := off+int64(len(dest)), (*job)(nil)
	for _, j := range h.item.tracked.jobs {
		if j.off <= off && off < j.end {
			end, at = min(end, j.end), j
			break
		}
		if j.off > off {
			end = min(end, j.off)
		}
	}
	if at != nil { // others may lie before it in the list
		end = min(off+int64(len(dest)), at.end)
	}
	p := piece{length: int(end - off)}
	if at == nil {
		return p
	}
	switch at.state {
	case jobQueued:
		if a.stopped.Load() || !a.start(at, h) {
			at.state = jobDropped
			a.forget(at)
			return p
		}
		p.own = true
	case jobStored:
		asked := at.kept && off == at.off && p.length <= pageSize
		if asked && len(at.first) > 0 && !a.stopped.Load() { // which wipes it
			copy(dest, at.first[:p.length])
			p.copied = true
		}
		if st := h.item.tracked.streams.byID(at.stream); st != nil && !asked {
			st.shrink()
		}
		a.forget(at)
		return p
	}
	p.job = at
	at.holders++
	if off <= at.claimed {
		at.claimed = max(at.claimed, end)
	}
	return p
}

// copy waits for a job's data and copies what a request asks for. It reports
// whether there was any.
func (a *ahead) copy(j *job, dest []byte, off int64) bool {
	<-j.read
	ok := !j.failed
	if ok {
		copy(dest, j.data[off-j.off:])
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.release(j)
	if j.claimed >= j.end && a.endWait(j) {
		a.forget(j)
	}
	return ok
}

// endWait lets go of a job that waited to be asked for. It reports whether it did;
// who calls it takes it off its file's list.
func (a *ahead) endWait(j *job) bool {
	i := slices.Index(a.waiting, j)
	if i < 0 {
		return false
	}
	a.waiting = slices.Delete(a.waiting, i, i+1)
	a.release(j)
	return true
}

// askedSoon is how long a job waits to be asked for before others may have its buffer.
const askedSoon = time.Second

// makeRoom lets go of a job that nobody seems to ask for, where no other buffer is
// free.
func (a *ahead) makeRoom() {
	if a.buffers.left() {
		return
	}
	for _, j := range a.waiting {
		if j.item.tracked.streams.byID(j.stream) == nil || time.Since(j.since) > askedSoon {
			a.endWait(j)
			a.forget(j)
			return
		}
	}
}
