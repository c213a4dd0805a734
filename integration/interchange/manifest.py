# SPDX-License-Identifier: Apache-2.0
"""The manifest (FORMAT.md, section 5)."""

import re

import cbor
from errors import Malformed, OutsideTime
from layout import Layout, sealed_length

MAX_MANIFEST = 16384
LAST_SECOND = 253402300799

PACKAGE_ID = re.compile(r"[a-z0-9._/-]{1,128}")
SEMVER = re.compile(
    r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)

_FIELDS = {
    "format_version": cbor.uint(1, 1),
    "package_id": lambda v: type(v) is str and PACKAGE_ID.fullmatch(v),
    "version": lambda v: type(v) is str and len(v) <= 128 and SEMVER.fullmatch(v),
    "author_id": cbor.octets(32),
    "created_at": cbor.uint(0, LAST_SECOND),
    "content_hash": cbor.octets(32),
    "policy_constraints": cbor.mapping,
    "suite": cbor.one_of("AEAD_AES_256_GCM", "AEAD_CHACHA20_POLY1305"),
    "leaf_hash": cbor.one_of("SHA-256", "BLAKE3"),
    "slot_size": cbor.uint(),
    "index_length": cbor.uint(),
    "index_hash": cbor.octets(32),
    "tree_length": cbor.uint(),
    "payload_length": cbor.uint(),
    "payload_salt": cbor.octets(24),
    "payload_commitment": cbor.octets(32),
}

_POLICY = {
    "target_fleet": cbor.octets(32),
    "not_before": cbor.uint(1, LAST_SECOND),
    "not_after": cbor.uint(1, LAST_SECOND),
    "grace_seconds": cbor.uint(1, LAST_SECOND),
}


def _annotations(value):
    return type(value) is dict and value and all(type(v) is str for v in value.values())


def parse(data, layout):
    """The manifest of a package of this layout."""
    if len(data) > MAX_MANIFEST:
        raise Malformed("manifest: too long")
    m = cbor.fields(cbor.decode(data, "manifest"), "manifest", _FIELDS, {"annotations": _annotations})
    policy = cbor.fields(m["policy_constraints"], "policy_constraints", {}, _POLICY)
    if "grace_seconds" in policy and "not_after" not in policy:
        raise Malformed("policy_constraints: grace_seconds without not_after")
    if "not_after" in policy:
        if policy["not_after"] <= policy.get("not_before", 0):
            raise Malformed("policy_constraints: not_after is not later than not_before")
    stated = Layout(m["slot_size"], m["index_length"], m["tree_length"], sealed_length(m["payload_length"]))
    if stated != layout:
        raise Malformed("manifest: other numbers than in the preamble")
    return m


def check_time(m, now):
    """Refuses a package that is not open at this time."""
    policy = m["policy_constraints"]
    if now < policy.get("not_before", 0):
        raise OutsideTime(f"closed before {policy['not_before']}")
    if "not_after" in policy and now >= policy["not_after"] + policy.get("grace_seconds", 0):
        raise OutsideTime(f"closed since {policy['not_after'] + policy.get('grace_seconds', 0)}")
