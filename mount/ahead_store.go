// SPDX-License-Identifier: Apache-2.0

package mount

import "time"

const (
	// storeSize is how much one call gives to the kernel: what may still be under
	// way when a mount is closed, and what a request may claim in the meantime.
	storeSize = 256 << 10
	// settleLimit is how long a closing mount waits for these calls. Only storage
	// that hangs lets one take longer: it waits for pages that a request is to fill.
	settleLimit = 100 * time.Millisecond
)

// store gives a job's data to the kernel, but for what requests have got, and then
// lets go of it. It begins at the end: a program that has waited for the job gets
// the front of it by requests, in the meantime.
//
// Where no request has asked for the job's beginning yet, its first page is kept
// back. A program that finds every page in the cache would let nobody know how far
// it has come, and would wait at the end of each window.
func (a *ahead) store(j *job) {
	from := a.unclaimed(j, j.off)
	if from == j.off {
		from = a.keepFirst(j)
	}
	for to := j.end; to > from; from = a.unclaimed(j, from) {
		at := max(from, to-storeSize)
		if !a.push(j, at, to) {
			break
		}
		to = at
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	j.state = jobStored
	if j.item.tracked.streams.byID(j.stream) == nil {
		a.forget(j)
	}
	a.release(j)
}

// unclaimed returns where the part of a job begins that no request has got, at a
// page and not before an offset.
func (a *ahead) unclaimed(j *job, from int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(from, j.claimed/int64(pageSize)*int64(pageSize))
}

// keepFirst keeps the first page of a job for the request that will ask for it,
// and returns where the rest begins. What nothing is planned behind is not kept.
func (a *ahead) keepFirst(j *job) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	st := j.item.tracked.streams.byID(j.stream)
	if st == nil || st.planned >= j.item.bytes() || a.stopped.Load() {
		return j.off
	}
	j.kept = true
	j.first = a.buffers.page(j.data)
	return j.off + int64(pageSize)
}

// push gives a part of a job's data to the kernel, where that is still allowed.
// It reports whether the kernel has it.
//
// The call is counted before it is asked for: so it either sees that the mount is
// closed, or is seen and waited for by who has closed it. One that has taken longer
// takes back what it has given.
func (a *ahead) push(j *job, from, to int64) bool {
	a.storing.Add(1)
	defer a.storing.Add(-1)
	if a.closed() {
		return false
	}
	stored := j.handle.cache.store(from, j.data[from-j.off:to-j.off])
	if a.closed() {
		j.handle.cache.drop(from, to-from) // who has closed it drops everything too
		return false
	}
	if tell := a.tree.opts.OnStore; tell != nil && stored {
		tell(int(to - from))
	}
	return stored
}

func (a *ahead) closed() bool { return a.stopped.Load() || a.tree.refuses() }

// stop ends all of it, for good. What is under way is not waited for.
func (a *ahead) stop() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped.Store(true)
	for _, j := range a.queue {
		if j.state == jobQueued {
			j.state = jobDropped
			a.forget(j)
		}
	}
	a.queue = nil
	for len(a.waiting) > 0 {
		j := a.waiting[0]
		a.endWait(j)
		a.forget(j)
	}
	a.buffers.wipe()
}

// settle waits until nothing can put pages into the kernel's cache any more, after
// stop, and returns how many calls may still do so.
func (a *ahead) settle() int {
	if a == nil {
		return 0
	}
	for limit := time.Now().Add(settleLimit); a.storing.Load() > 0 && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
	}
	return int(a.storing.Load())
}
