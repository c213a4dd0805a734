// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// maxPickleLook is how much of a pickle is looked at. What makes a tensor is
// imported before its data.
const maxPickleLook = 64 << 10

// legacyMagic is the number 0x1950a86a20f9469cfc6c as a pickle, the first one in
// a file by torch.save before PyTorch 1.6, or with
// _use_new_zipfile_serialization=False (torch/serialization.py, MAGIC_NUMBER).
var legacyMagic = []byte("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")

// isPyTorchPickle: PyTorch's old format, or a plain pickle of protocol 2 to 5
// that imports something of torch.
func isPyTorchPickle(in *input) bool {
	if len(in.head) < 4 || in.head[0] != opProto || in.head[1] < 2 || in.head[1] > 5 {
		return false
	}
	look := in.bytes(0, maxPickleLook)
	if len(look) < len(in.head) { // it was cut meanwhile, or cannot be read
		return false
	}
	p := pickle{rest: look[2:]}
	if len(p.rest) > 9 && p.rest[0] == opFrame {
		p.rest = p.rest[9:]
	}
	return bytes.HasPrefix(p.rest, legacyMagic) || p.importsTorch()
}

// Opcodes of the pickle format that matter here (Lib/pickletools.py of Python).
const (
	opStop        = '.'
	opGlobal      = 'c'
	opInst        = 'i'
	opProto       = 0x80
	opStackGlobal = 0x93
	opFrame       = 0x95
)

// pickleArgs says what follows an opcode: a number of bytes, or one of these.
const (
	argLine  = -1 // a text up to a line's end
	argLines = -2 // two of them
	argLen1  = -3 // as many bytes as the next 1, 4 or 8 bytes say
	argLen4  = -4
	argLen8  = -5
)

var pickleArgs = func() map[byte]int {
	args := make(map[byte]int)
	for arg, ops := range map[int]string{
		0:        "().012NQRabde]lot}su\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98",
		1:        "Khq\x80\x82",
		2:        "M\x83",
		4:        "Jjr\x84",
		8:        "G\x95",
		argLine:  "FILPSVgp",
		argLines: "ci",
		argLen1:  "CU\x8a\x8c",
		argLen4:  "BTX\x8b",
		argLen8:  "\x8d\x8e\x96",
	} {
		for _, op := range []byte(ops) {
			args[op] = arg
		}
	}
	return args
}()

// pickle is the part of a pickle that was not looked at yet.
type pickle struct {
	rest []byte
	bad  bool
}

// importsTorch follows the opcodes, without obeying any, until one imports
// something of torch.
func (p *pickle) importsTorch() bool {
	var texts [2]string // the last two: what a module and a name in it are taken from
	for len(p.rest) > 0 {
		op := p.take(1)[0]
		kind, known := pickleArgs[op]
		if !known {
			return false
		}
		arg := p.argument(kind)
		switch {
		case p.bad || op == opStop:
			return false
		case op == opGlobal || op == opInst:
			if ofTorch(string(arg)) {
				return true
			}
			p.argument(argLine)
		case op == opStackGlobal:
			if ofTorch(texts[0]) {
				return true
			}
		case op == 'X' || op == 0x8c || op == 0x8d: // the unicode texts
			texts[0], texts[1] = texts[1], string(arg)
		}
	}
	return false
}

func ofTorch(module string) bool { return module == "torch" || strings.HasPrefix(module, "torch.") }

// argument takes what follows an opcode: of two lines the first.
func (p *pickle) argument(kind int) []byte {
	switch kind {
	case argLine, argLines:
		n := bytes.IndexByte(p.rest, '\n')
		if n < 0 {
			p.bad = true
			return nil
		}
		return p.take(uint64(n) + 1)[:n]
	case argLen1:
		return p.take(p.number(1))
	case argLen4:
		return p.take(p.number(4))
	case argLen8:
		return p.take(p.number(8))
	}
	return p.take(uint64(kind)) //nolint:gosec // the negative ones are above
}

func (p *pickle) number(size uint64) uint64 {
	var b [8]byte
	copy(b[:], p.take(size))
	return binary.LittleEndian.Uint64(b[:])
}

func (p *pickle) take(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.bad, p.rest = true, nil
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}
