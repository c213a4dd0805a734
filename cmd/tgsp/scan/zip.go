// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strings"
)

// Sizes of the records of a ZIP file that are read here, and limits (PKWARE's
// APPNOTE.TXT, sections 4.3.12 to 4.3.16).
const (
	zipEntry     = 46
	zipEnd       = 22
	zipLocator   = 20
	zipEnd64     = 56
	zipMaxTail   = zipLocator + zipEnd + 1<<16 // with the longest comment
	zipMaxLook   = 16 << 20                    // of the directory: some 100,000 tensors
	zipMaxRecord = 1<<16 - 1
)

// isPyTorchZip: what torch.save, torch.jit.save and torch.export.save write is a
// ZIP file with all entries in one folder, of which one states the version of
// the format and another is the pickle, or names the kind of archive
// (caffe2/serialize/inline_container.h and torch/export/pt2_archive of PyTorch).
// NumPy's and others' ZIP files have no such entries.
func isPyTorchZip(in *input) bool {
	if !bytes.HasPrefix(in.head, []byte("PK\x03\x04")) {
		return false
	}
	const version, model = 1, 2
	found := make(map[string]int)
	const maxFolders = 64 // one is usual
	is := false
	in.zipNames(func(name string) bool {
		folder, rest, _ := strings.Cut(name, "/")
		part := 0
		switch rest {
		case "version":
			part = version
		case "data.pkl", "archive_format":
			part = model
		}
		if part != 0 && len(found) < maxFolders {
			found[folder] |= part
			is = found[folder] == version|model
		}
		return !is
	})
	return is
}

// zipNames goes through the names of the entries until it is told to stop. It
// is not done by archive/zip because that keeps the whole directory, and takes
// memory by the number of entries that the file claims to have.
func (in *input) zipNames(next func(name string) bool) {
	start, length, ok := in.zipDirectory()
	if !ok {
		return
	}
	r := bufio.NewReader(io.NewSectionReader(in, start, min(length, zipMaxLook)))
	var head [zipEntry]byte
	name := make([]byte, zipMaxRecord)
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:4]) != "PK\x01\x02" {
			return
		}
		n := int(binary.LittleEndian.Uint16(head[28:]))
		rest := int(binary.LittleEndian.Uint16(head[30:])) + int(binary.LittleEndian.Uint16(head[32:]))
		if _, err := io.ReadFull(r, name[:n]); err != nil || !next(string(name[:n])) {
			return
		}
		if _, err := r.Discard(rest); err != nil {
			return
		}
	}
}

// zipDirectory finds the directory, which the end of the file points to.
func (in *input) zipDirectory() (start, length int64, ok bool) {
	from := max(0, in.size-zipMaxTail)
	tail := in.bytes(from, zipMaxTail)
	at := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if at < 0 || len(tail)-at < zipEnd {
		return 0, 0, false
	}
	end := tail[at:]
	length, start = int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	// PyTorch writes the large form always, and it counts where it is there.
	if at >= zipLocator && bytes.HasPrefix(tail[at-zipLocator:], []byte("PK\x06\x07")) {
		end64 := in.bytes(int64(binary.LittleEndian.Uint64(tail[at-zipLocator+8:])), zipEnd64) //nolint:gosec // bytes refuses what is outside of the file
		if len(end64) < zipEnd64 || !bytes.HasPrefix(end64, []byte("PK\x06\x06")) {
			return 0, 0, false
		}
		length, start = int64(binary.LittleEndian.Uint64(end64[40:])), int64(binary.LittleEndian.Uint64(end64[48:])) //nolint:gosec // checked below
	}
	return start, length, start >= 0 && length > 0 && start < in.size
}
