// SPDX-License-Identifier: Apache-2.0

package mount

const (
	// maxStreams is how many streams of one file are told apart: loaders read a
	// file with so many threads.
	maxStreams = 16
	// A stream is recognised when so many requests with so many bytes have followed
	// each other. The kernel begins with small ones.
	firstRequests = 3
	firstBytes    = 256 << 10
	// The window is how far ahead of a stream is decrypted. It doubles each time that
	// the stream has come that far, so that at most about as much is decrypted for
	// nothing as was read.
	firstWindow = 512 << 10
	lastWindow  = 8 << 20
	// Requests of one stream overtake each other by no more than this.
	overtaken = 256 << 10
	// A stream ends where so many requests after its last belonged to none.
	maxStrays = 4
	// relapse is how many requests more a stream must have that was too long for
	// the kernel's memory.
	relapse = 32
	// grain is what a job's begin is a multiple of. Files of some size begin on a leaf
	// of their package, which has as much, and no page is larger.
	grain = 64 << 10
)

// stream is a run of requests that follow each other, by offset: threads that
// share an open file have one each, and programs that read side by side share one.
type stream struct {
	id       uint64 // 0 where there is none; no two are equal
	start    int64  // of the first request
	next     int64  // end of what was asked for
	length   int64  // of the last request
	bytes    int64
	requests int
	window   int64 // 0 until the stream is recognised
	doubles  int64 // offset at which the window does
	planned  int64 // end of what jobs were made for

	used, strays uint64 // what these were at the last request
}

// streams are those of one file.
type streams struct {
	list         [maxStreams]stream
	used, strays uint64 // requests in all, and those that belonged to no stream
}

// observe takes note of a request and returns its stream, or nil where it begins
// one.
func (s *streams) observe(off, n int64) *stream {
	s.used++
	st := s.find(off)
	if st == nil {
		s.strays++
		s.endLost()
		s.begin(off, n)
		return nil
	}
	st.used, st.strays = s.used, s.strays
	st.advance(off, n)
	return st
}

// find returns the stream that a request at an offset belongs to: the one that it
// follows before one into whose window it falls, because neighbours may have
// streams of their own there.
func (s *streams) find(off int64) *stream {
	for i := range s.list {
		if st := &s.list[i]; st.id != 0 && st.next == off {
			return st
		}
	}
	for i := range s.list {
		if st := &s.list[i]; st.id != 0 && off >= st.next-overtaken && off <= max(st.next+st.length, st.planned) {
			return st
		}
	}
	return nil
}

// begin makes the request the first of a stream, in place of the one that has
// waited the longest.
func (s *streams) begin(off, n int64) {
	oldest := &s.list[0]
	for i := range s.list {
		if s.list[i].used < oldest.used {
			oldest = &s.list[i]
		}
	}
	*oldest = stream{id: s.used, start: off, next: off + n, length: n, bytes: n, requests: 1, used: s.used, strays: s.strays}
}

// endLost ends the streams that nothing has followed for a while.
func (s *streams) endLost() {
	for i := range s.list {
		if st := &s.list[i]; st.window > 0 && s.strays-st.strays > maxStrays {
			*st = stream{}
		}
	}
}

// byID returns a stream that has not ended, or nil.
func (s *streams) byID(id uint64) *stream {
	for i := range s.list {
		if st := &s.list[i]; st.id == id && id != 0 {
			return st
		}
	}
	return nil
}

// covers reports whether what a stream has before it was decrypted for another one,
// which began there. Where others have begun before it, the kernel would not have
// asked for it again if it still had their pages.
func (s *streams) covers(st *stream, off, end int64) bool {
	for i := range s.list {
		if o := &s.list[i]; o.start > st.start && o.start <= off && end <= max(o.next, o.planned) {
			return true
		}
	}
	return false
}

// advance takes a request in. One that was overtaken changes nothing.
func (st *stream) advance(off, n int64) {
	end := off + n
	if end <= st.next {
		return
	}
	st.next, st.length = end, n
	st.bytes += n
	st.requests++
	switch {
	case st.window == 0 && st.requests >= firstRequests && st.bytes >= firstBytes:
		st.window, st.planned = firstWindow, end
	case st.window > 0 && st.window < lastWindow && end >= st.doubles:
		st.window *= 2
	default:
		return
	}
	st.doubles = end + st.window
}

// want returns what is to be decrypted for the stream beside what was planned
// already, in a file of a size; nothing where from is not before to.
func (st *stream) want(size int64) (from, to int64) {
	from = (max(st.next, st.planned) + grain - 1) / grain * grain
	if st.window == 0 {
		return from, from
	}
	return from, min(size, (st.next+st.window+jobSize-1)/jobSize*jobSize)
}

// shrink is for a stream whose pages went before they were read: the kernel has no
// memory for so many. Below the smallest window it is a stream no more, for a while.
func (st *stream) shrink() {
	if st.window /= 2; st.window < firstWindow {
		st.window, st.planned, st.bytes, st.requests = 0, 0, 0, -relapse
	}
	st.doubles = st.next + lastWindow
}
