// SPDX-License-Identifier: Apache-2.0

package mount

import "testing"

// TestRoomKeepsToMemory tries all amounts of memory: what is divided is never more,
// but for the least, and each part gets what it needs to get on.
func TestRoomKeepsToMemory(t *testing.T) {
	if r := (&Options{}).room(); r != (room{maxRequest, maxBackground, maxBuffers}) {
		t.Errorf("without a limit: %+v", r)
	}
	last := room{}
	for memory := int64(1); memory < 256<<20; memory += 99_991 {
		r := (&Options{Memory: memory}).room()
		if took := int64(r.request*r.background + r.jobs*jobSize); took > max(memory, LeastMemory) {
			t.Fatalf("%d bytes: %+v takes %d", memory, r, took)
		}
		if r.request < minRequest || r.background < minBackground || r.jobs < 1 || r.request < last.request || r.jobs < last.jobs {
			t.Fatalf("%d bytes: %+v, after %+v", memory, r, last)
		}
		last = r
	}
	if last != (room{maxRequest, maxBackground, maxBuffers}) {
		t.Errorf("with plenty: %+v", last)
	}
}
