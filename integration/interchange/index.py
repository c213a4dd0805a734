# SPDX-License-Identifier: Apache-2.0
"""The index, and where files lie in the payload (FORMAT.md, section 10)."""

import hashlib
import json
from dataclasses import dataclass

import cbor
import names
import stream
from errors import Altered, Malformed

BIG_FILE = 8 << 20
BIG_START = 65536
MAX_JSON_DEPTH = 64

_COUNT = cbor.uint(least=1)

_FINDINGS = {  # beside the format, which always stands there
    "tensors": _COUNT,
    "parameters": _COUNT,
    "dtypes": lambda v: type(v) is dict and v and all(type(n) is int for n in v.values()),
    "problem": lambda v: type(v) is str and v,
}


@dataclass(frozen=True)
class File:
    path: str
    size: int
    mode: int
    hash: bytes
    offset: int


@dataclass(frozen=True)
class Index:
    files: list
    folders: list
    metadata: str | None
    weights: list


def open_section(section, data_key, m):
    """The index of a package, from its encrypted section."""
    plain = stream.decrypt(data_key, m["suite"], b"tgsp/v1 index", section[:24], section[24:56], section[56:])
    return parse(plain, m["payload_length"])


def parse(plain, payload_length):
    length = int.from_bytes(plain[:4], "big")
    if len(plain) < 4 or length > len(plain) - 4 or any(plain[4 + length :]):
        raise Malformed("index: not a table and zeros after it")
    table = cbor.fields(
        cbor.decode(plain[4 : 4 + length], "index"),
        "index",
        {"files": cbor.array, "folders": lambda v: type(v) is list and all(type(f) is str for f in v)},
        {"metadata": _json_object, "weights": lambda v: type(v) is list and v},
    )
    files, end = [], 0
    for entry in table["files"]:
        if not (type(entry) is list and len(entry) == 4 and all(check(v) for check, v in zip(_FILE, entry))):
            raise Malformed("index: an entry of files")
        path, size, mode, digest = entry
        offset = -(-end // BIG_START) * BIG_START if size >= BIG_FILE else end
        files.append(File(path, size, mode, digest, offset))
        end = offset + size
    if end != payload_length:
        raise Malformed("index: the files do not end where the payload does")
    names.check_all([f.path for f in files] + table["folders"])
    _check_weights(table.get("weights", []), len(files))
    return Index(files, table["folders"], table.get("metadata"), table.get("weights", []))


_FILE = (cbor.text, cbor.uint(), lambda v: type(v) is int and v in (0o644, 0o755), cbor.octets(32))


def _check_weights(weights, files):
    last = -1
    for entry in weights:
        if not (type(entry) is list and len(entry) == 2 and cbor.uint(last + 1, files - 1)(entry[0])):
            raise Malformed("index: an entry of weights")
        last = entry[0]
        cbor.fields(entry[1], "weights", {"format": cbor.text}, _FINDINGS)


def _json_object(text):
    def no_constant(name):
        raise ValueError(f"{name} is not JSON")

    if type(text) is not str:
        return False
    try:
        # Numbers stay text: Python refuses to convert very long ones.
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=no_constant)
    except (ValueError, RecursionError):
        return False
    return type(value) is dict and _json_depth(value) <= MAX_JSON_DEPTH


def _json_depth(value):
    depth, level = 0, [value]
    while level:
        depth += 1
        parts = [part for v in level for part in (v.values() if type(v) is dict else v)]
        level = [part for part in parts if type(part) in (dict, list)]
    return depth


def split(payload, files):
    """The contents of the files, after a check of every byte of the payload."""
    contents, end = {}, 0
    for f in files:
        if any(payload[end : f.offset]):
            raise Altered(f"the bytes before {f.path} are not zero")
        end = f.offset + f.size
        contents[f.path] = payload[f.offset : end]
        if hashlib.sha256(contents[f.path]).digest() != f.hash:
            raise Altered(f"{f.path} is not what the index says")
    return contents
