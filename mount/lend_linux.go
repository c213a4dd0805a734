// SPDX-License-Identifier: Apache-2.0

//go:build !fuse3

package mount

import "github.com/hanwen/go-fuse/v2/fuse"

// lentReply lets go-fuse hand the pieces of a loan to one writev.
type lentReply struct{ *loan }

func (r lentReply) Slices() ([][]byte, fuse.Status) { return r.pieces, fuse.OK }
func (r lentReply) Size() int                       { return r.size }
func (r lentReply) Done()                           { r.done() }

// Bytes is for transports without vectors.
func (r lentReply) Bytes(buf []byte) ([]byte, fuse.Status) {
	buf = buf[:0]
	for _, p := range r.pieces {
		buf = append(buf, p...)
	}
	return buf, fuse.OK
}
