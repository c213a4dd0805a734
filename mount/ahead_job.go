// SPDX-License-Identifier: Apache-2.0

package mount

import "time"

// jobSize is how much of a file a job reads at most: it ends at a multiple of it.
const jobSize = 1 << 20

// jobState is how far a job has come.
type jobState int

const (
	jobQueued  jobState = iota
	jobRunning          // its data is on the way
	jobReady            // its data is there
	jobStored           // the kernel has got it, and its buffer is gone
	jobDropped          // nothing came of it
)

// job is a piece of a file that is decrypted before anybody has asked for it. What
// changes is guarded by ahead.mu.
type job struct {
	item     *item
	handle   *openFile
	waits    bool // to be asked for: it is never stored into the kernel's cache
	stream   uint64
	off, end int64
	read     chan struct{} // closed when the data is there, or will not come

	state   jobState
	failed  bool   // set before read is closed
	data    []byte // while somebody holds the job
	holders int    // requests that copy from it, and who stores it
	claimed int64  // requests have got what lies before, from off on
	kept    bool   // the kernel was not given the page at off
	first   []byte // that page, where there was room for a copy

	since time.Time // when the data was there, of one that waits
}

// wake starts the workers that there is work for. They end when there is none, so
// nothing is left of them when a mount has ended.
func (a *ahead) wake() {
	for n := len(a.stores) + len(a.queue); n > 0 && a.workers < maxWorkers; n-- {
		a.workers++
		go a.work()
	}
}

func (a *ahead) work() {
	for {
		j := a.next()
		if j == nil {
			return
		}
		if j.state == jobReady || a.run(j) && !j.waits {
			a.store(j)
		}
	}
}

// next returns a job that is ready or that was started, or nil: then the worker
// is none any more.
func (a *ahead) next() *job {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.stores) > 0 {
		j := a.stores[0]
		a.stores = append(a.stores[:0], a.stores[1:]...)
		return j
	}
	for len(a.queue) > 0 {
		if a.makeRoom(); !a.buffers.left() {
			break
		}
		j := a.queue[0]
		a.queue = append(a.queue[:0], a.queue[1:]...)
		if j.state != jobQueued {
			continue
		}
		if j.item.tracked.streams.byID(j.stream) != nil && a.start(j, j.handle) {
			return j
		}
		j.state = jobDropped
		a.forget(j)
	}
	a.workers--
	return nil
}

// start gives a job its buffer and the open file that it reads from. Where there
// is none, nothing has changed.
func (a *ahead) start(j *job, h *openFile) bool {
	if !h.use() {
		return false
	}
	buf := a.buffers.get()
	if buf == nil {
		h.unuse()
		return false
	}
	j.handle, j.data, j.holders, j.state = h, buf[:j.end-j.off], 1, jobRunning
	return true
}

// run reads a job's data, as a request is read. What fails is dropped without a
// word: whoever asks for it meets the failure himself.
func (a *ahead) run(j *job) bool {
	got, _ := j.handle.at.ReadAt(j.data, j.off)
	j.handle.unuse()
	a.mu.Lock()
	defer a.mu.Unlock()
	// Under the lock: what comes to wait after stop would never be wiped.
	ok := got == len(j.data) && !a.stopped.Load() && !a.tree.refuses()
	if ok {
		j.state = jobReady
		if j.waits {
			j.since = time.Now()
			a.waiting = append(a.waiting, j)
		}
	} else {
		clear(j.data)
		j.state, j.failed = jobDropped, true
		a.forget(j)
		a.release(j)
	}
	close(j.read)
	return ok
}

// hand gives a job that a request has done to the workers: a store may wait for
// the pages of that request.
func (a *ahead) hand(j *job) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stores = append(a.stores, j)
	a.wake()
}

// release ends a hold on a job. After the last its buffer is free.
func (a *ahead) release(j *job) {
	j.holders--
	if j.holders > 0 {
		return
	}
	a.buffers.put(j.data[:cap(j.data)], a.stopped.Load())
	j.data = nil
	a.wake()
}
