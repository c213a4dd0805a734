# SPDX-License-Identifier: Apache-2.0
"""The hash tree over the encrypted payload (FORMAT.md, section 8)."""

import hashlib

import primitives
from errors import Altered
from layout import LEAF


def check(payload, stored, leaf_hash, content_hash):
    """Rebuilds the tree from the payload and compares its root and all stored nodes."""
    nodes = [_leaf_node(payload[at : at + LEAF], leaf_hash) for at in range(0, len(payload), LEAF)]
    if _root(nodes) != content_hash:
        raise Altered("the payload is not what the author signed")
    if b"".join(_levels(nodes)) != stored:
        raise Altered("the stored hash tree differs from the payload's")


def _leaf_node(leaf, leaf_hash):
    if leaf_hash == "BLAKE3":
        digest = primitives.ask("blake3", data=leaf)["digest"]
    else:
        digest = hashlib.sha256(leaf).digest()
    return hashlib.sha256(b"\0" + digest).digest()


def _root(nodes):
    """The root over nodes of one level: RFC 6962, section 2.1."""
    if len(nodes) == 1:
        return nodes[0]
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + _root(nodes[:split]) + _root(nodes[split:])).digest()


def _levels(nodes):
    """The nodes that are stored, level by level."""
    while nodes:
        yield from nodes
        nodes = [_root(nodes[at : at + 256]) for at in range(0, len(nodes) - 255, 256)]
