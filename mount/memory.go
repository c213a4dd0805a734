// SPDX-License-Identifier: Apache-2.0

package mount

// What a mount takes where Options.Memory says nothing.
const (
	// maxRequest is the largest read that the kernel sends.
	maxRequest = 1 << 20
	// maxBackground is how many requests may be under way for the kernel's cache and
	// for O_DIRECT. It bounds memory; while storage lets so many of them hang, the
	// kernel keeps all others of the mount back.
	maxBackground = 32
)

// With less memory requests become smaller before they become few: storage wants
// several at a time, and the kernel's own read-ahead has the least size.
const (
	minRequest    = 128 << 10
	minBackground = 8
)

// LeastMemory is the least that Options.Memory can be held to, in bytes.
const LeastMemory = 2 * (minBackground*minRequest + jobSize)

// room is how the memory of a mount is divided.
type room struct {
	request    int // bytes that the kernel asks for at most
	background int // requests that are under way for its cache
	jobs       int // buffers of what is decrypted ahead
}

// room divides Options.Memory in halves: one is for requests, one for what is
// decrypted ahead. The latter's buffers are free in turn while a request copies, so
// that one is enough to get on.
func (o *Options) room() room {
	r := room{maxRequest, maxBackground, maxBuffers}
	if o.Memory == 0 {
		return r
	}
	half := int(o.Memory / 2)
	for r.request > minRequest && half/r.request < 2*minBackground {
		r.request /= 2
	}
	r.background = min(max(half/r.request, minBackground), maxBackground)
	r.jobs = min(max(half/jobSize, 1), maxBuffers)
	return r
}
