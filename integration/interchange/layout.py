# SPDX-License-Identifier: Apache-2.0
"""The layout of the file and its preamble (FORMAT.md, section 3)."""

import struct
from dataclasses import dataclass

from errors import Malformed

MAGIC = bytes.fromhex("89544753500d0a1a")
PAGE = 4096
CHUNK = 16384
OVERHEAD = 16
LEAF = 4 * (CHUNK + OVERHEAD)
MAX_CHUNKS = 2**38
MAX_INDEX = 256 << 20


def sealed_length(plain):
    """How long n bytes of plaintext are when they are encrypted."""
    return plain + OVERHEAD * (plain // CHUNK + 1)


def _chunks(sealed):
    """How many chunks encrypted bytes are, or 0 if no message has that length."""
    chunks = -(-sealed // (CHUNK + OVERHEAD))
    # A message ends in a chunk that is shorter than the others.
    return chunks if chunks > 0 and sealed_length(sealed - OVERHEAD * chunks) == sealed else 0


def tree_length(payload):
    """T for an encrypted payload of this length."""
    nodes, total = -(-payload // LEAF), 0
    while nodes > 0:
        total += nodes
        nodes //= 256
    return 32 * total


@dataclass(frozen=True)
class Layout:
    slot_size: int
    index_length: int
    tree_length: int
    payload_length: int  # P, encrypted

    @property
    def index(self):
        return PAGE + 2 * self.slot_size

    @property
    def tree(self):
        return self.index + self.index_length

    @property
    def gap(self):
        return self.tree + self.tree_length

    @property
    def payload(self):
        return -(-self.gap // PAGE) * PAGE

    @property
    def end(self):
        return self.payload + self.payload_length

    def preamble(self):
        head = struct.pack(">8sIIQQQ", MAGIC, 1, self.slot_size, self.index_length, self.tree_length, self.payload_length)
        return head.ljust(PAGE, b"\0")


def parse(data):
    """The layout of a package, from its preamble and its length."""
    if len(data) < PAGE or data[:8] != MAGIC:
        raise Malformed("not a TGSP package")
    version, slot, index, tree, payload = struct.unpack(">IIQQQ", data[8:40])
    if version != 1:
        raise Malformed(f"format version {version} is not supported")
    layout = Layout(slot, index, tree, payload)
    if layout.preamble() != data[:PAGE]:
        raise Malformed("preamble: bytes after its fields")
    if not 65536 <= slot <= 262144 or slot % PAGE:
        raise Malformed("preamble: slot size")
    if index > MAX_INDEX or not _chunks(index - 56):
        raise Malformed("preamble: length of the index")
    if not 1 <= _chunks(payload) <= MAX_CHUNKS:
        raise Malformed("preamble: length of the payload")
    if tree != tree_length(payload):
        raise Malformed("preamble: length of the tree")
    if layout.end != len(data):
        raise Malformed("the file is longer or shorter than its preamble says")
    return layout
