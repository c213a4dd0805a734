# SPDX-License-Identifier: Apache-2.0
"""CBOR in its one deterministic form (FORMAT.md, section 2).

cbor2 accepts far more. So a value is decoded, every part of it is checked to be
of a kind that the format has, and its canonical encoding must give back the bytes.
cbor2 sorts keys by length first, as RFC 7049 has it: for keys that are text this
is the order of RFC 8949, section 4.2.1, too.
"""

import cbor2

from errors import Malformed

MAX_DEPTH = 8
MAX_ENTRIES = 33_554_432
MAX_UINT = 2**64 - 1


def decode(data, what):
    """The value that these bytes are the deterministic encoding of."""
    try:
        value = cbor2.loads(data)
    except Exception as err:  # cbor2 lets errors of many kinds out, also MemoryError
        raise Malformed(f"{what}: not CBOR: {err}") from None
    # With tags a few bytes can stand for a cycle or for a very large value, so
    # no more parts are looked at than the bytes can hold.
    _check(value, what, 1, [len(data)])
    if encode(value) != data:
        raise Malformed(f"{what}: not in deterministic form")
    return value


def encode(value):
    return cbor2.dumps(value, canonical=True)


def _check(value, what, depth, budget):
    budget[0] -= 1
    if budget[0] < 0:
        raise Malformed(f"{what}: more parts than bytes")
    kind = type(value)
    if kind in (dict, list) and depth > MAX_DEPTH:
        raise Malformed(f"{what}: nested deeper than {MAX_DEPTH}")
    if kind in (dict, list) and len(value) > MAX_ENTRIES:
        raise Malformed(f"{what}: more than {MAX_ENTRIES} entries")
    if kind is dict:
        for key, part in value.items():
            if type(key) is not str:
                raise Malformed(f"{what}: a map key is not text")
            _check(part, what, depth + 1, budget)
    elif kind is list:
        for part in value:
            _check(part, what, depth + 1, budget)
    elif kind is int:
        if not 0 <= value <= MAX_UINT:
            raise Malformed(f"{what}: a number is not an unsigned integer")
    elif kind not in (str, bytes, bool):
        raise Malformed(f"{what}: a value of a kind that the format does not have")


# Checks of one field each: they return whether the value will do.


def uint(least=0, most=MAX_UINT):
    return lambda v: type(v) is int and least <= v <= most


def octets(*lengths):
    return lambda v: type(v) is bytes and (not lengths or len(v) in lengths)


def text(v):
    return type(v) is str


def array(v):
    return type(v) is list


def mapping(v):
    return type(v) is dict


def one_of(*values):
    return lambda v: type(v) is str and v in values


def fields(value, what, required, optional=None):
    """Checks that a value is a map of exactly these fields, and returns it."""
    optional = optional or {}
    if type(value) is not dict:
        raise Malformed(f"{what}: not a map")
    for key in required:
        if key not in value:
            raise Malformed(f"{what}: {key} is missing")
    for key, part in value.items():
        check = required.get(key) or optional.get(key)
        if check is None:
            raise Malformed(f"{what}: unknown field {key!r}")
        if not check(part):
            raise Malformed(f"{what}: {key} has a wrong value")
    return value
