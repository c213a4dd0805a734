# SPDX-License-Identifier: Apache-2.0
"""Fleets: what their authorities sign, and what agents are handed (FORMAT.md, section 13)."""

import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

import cbor
import hpke
import keys
import manifest
import signatures
import stream
from errors import Altered, BadKey, BadSignature, Malformed

FILE_TYPE = b"application/vnd.tgsp.fleet.v1+cbor"

MAX_FILE = 65_536
MAX_BUNDLE = 64 << 20
MAX_AGENTS = 2**32
MAX_LINKS = 256
MAX_PROOF = 33
LINK = 104

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

_KEY_CHECKS = {
    "X25519": (32, keys.check_x25519),
    "MLKEM768-X25519": (1216, keys.check_mlkem768_x25519),
}

_DOCUMENT = {
    "format_version": cbor.uint(1, 1),
    "fleet_id": cbor.octets(32),
    "name": lambda v: type(v) is str and NAME.fullmatch(v),
    "serial": cbor.uint(least=1),
    "epoch": cbor.uint(least=1),
    "kem": cbor.one_of(*_KEY_CHECKS),
    "public_key": cbor.octets(),
    "issued_at": cbor.uint(),
    "valid_until": cbor.uint(0, manifest.LAST_SECOND),
    "agents": cbor.uint(0, MAX_AGENTS),
    "entries_hash": cbor.octets(32),
    "links": lambda v: type(v) is list and len(v) <= MAX_LINKS and all(map(cbor.octets(LINK), v)),
}

_PROOF = {
    "index": cbor.uint(),
    "proof": lambda v: type(v) is list and len(v) <= MAX_PROOF and all(map(cbor.octets(32), v)),
}

_NEIGHBOUR = {"agent_id": cbor.octets(32), "entry_hash": cbor.octets(32), **_PROOF}


def parse_file(data):
    """The document of a fleet file, after a check of its signature."""
    if len(data) > MAX_FILE:
        raise Malformed("fleet file: too long")
    outer = cbor.fields(
        cbor.decode(data, "fleet file"), "fleet file", {"document": cbor.octets(), "signature": cbor.mapping}
    )
    cbor.fields(outer["signature"], "signature of the fleet file", signatures.FIELDS)
    doc = cbor.fields(cbor.decode(outer["document"], "fleet file"), "fleet file", _DOCUMENT)
    if doc["valid_until"] <= doc["issued_at"]:
        raise Malformed("fleet file: valid_until is not later than issued_at")
    if len(doc["links"]) >= doc["epoch"]:
        raise Malformed("fleet file: as many links as epochs")
    length, check = _KEY_CHECKS[doc["kem"]]
    if len(doc["public_key"]) != length:
        raise Malformed("fleet file: length of public_key")
    try:
        check(doc["public_key"])
    except BadKey as err:
        raise Malformed(f"fleet file: public_key: {err}") from None
    signer = signatures.verify(outer["signature"], FILE_TYPE, outer["document"])
    if hashlib.sha256(signer).digest() != doc["fleet_id"]:
        raise BadSignature("fleet file: signed by another key than the fleet's authority")
    return doc


@dataclass(frozen=True)
class Bundle:
    """A fleet file with entries of agents, and with proofs that agents have none."""

    file: dict
    members: list
    absent: list

    def membership(self, identities):
        """What this says of whoever has the identities, or None where it says nothing."""
        for identity in identities:
            for member in self.members:
                entry = member["entry"]
                if entry["agent_id"] == identity.name and self.file["kem"] == identity.type:
                    return Membership(self.file, _open_entry(self.file, entry, identity))
        names = [identity.name for identity in identities]
        if any(a["agent_id"] in names for a in self.absent):
            return Membership(self.file, None)
        return None


def parse_bundle(data):
    """A bundle, or a fleet file alone, after a check of all its proofs."""
    if len(data) > MAX_BUNDLE:
        raise Malformed("bundle: too long")
    value = cbor.decode(data, "bundle")
    if type(value) is dict and "document" in value:
        return Bundle(parse_file(data), [], [])
    cbor.fields(value, "bundle", {"fleet_file": cbor.octets(), "members": cbor.array, "absent": cbor.array})
    file = parse_file(value["fleet_file"])
    for member in value["members"]:
        cbor.fields(member, "member", {"entry": cbor.mapping, **_PROOF})
        entry = cbor.fields(
            member["entry"],
            "entry",
            {"agent_id": cbor.octets(32), "enc": cbor.octets(hpke.ENC_LENGTHS[file["kem"]]), "sealed": cbor.octets(48)},
        )
        digest = hashlib.sha256(entry["enc"] + entry["sealed"]).digest()
        if not _in_tree(file, entry["agent_id"] + digest, member):
            raise BadSignature("bundle: an entry that the authority has not signed")
    for absent in value["absent"]:
        cbor.fields(absent, "absent", {"agent_id": cbor.octets(32)}, {"left": cbor.mapping, "right": cbor.mapping})
        for side in ("left", "right"):
            if side in absent:
                cbor.fields(absent[side], side, _NEIGHBOUR)
        if not _no_place(file, absent):
            raise BadSignature("bundle: an absence that the authority has not signed")
    return Bundle(file, value["members"], value["absent"])


def _in_tree(file, record, proof):
    """Whether the tree over all entries has a record at its place."""
    if proof["index"] >= file["agents"]:
        return False
    node = hashlib.sha256(b"\0" + record).digest()
    return _root(node, proof["index"], file["agents"], proof["proof"]) == file["entries_hash"]


def _root(node, index, count, path):
    """The root of a tree of count entries by the audit path of one of them (RFC
    6962, section 2.1.1), or None where the path has a wrong length."""
    if count == 1:
        return node if not path else None
    if not path:
        return None
    split = 1 << ((count - 1).bit_length() - 1)
    if index < split:
        inner = _root(node, index, split, path[:-1])
        return inner and hashlib.sha256(b"\1" + inner + path[-1]).digest()
    inner = _root(node, index - split, count - split, path[:-1])
    return inner and hashlib.sha256(b"\1" + path[-1] + inner).digest()


def _no_place(file, absent):
    """Whether two neighbours, or the ends of the tree, leave no place for an agent."""
    left, right = absent.get("left"), absent.get("right")
    for neighbour in (left, right):
        if neighbour and not _in_tree(file, neighbour["agent_id"] + neighbour["entry_hash"], neighbour):
            return False
    if left and not left["agent_id"] < absent["agent_id"] or right and not absent["agent_id"] < right["agent_id"]:
        return False
    before = left["index"] + 1 if left else 0
    after = right["index"] if right else file["agents"]
    return before == after


def _open_entry(file, entry, identity):
    """The epoch's secret, from an agent's own entry."""
    bound = cbor.encode([file["fleet_id"], file["epoch"], entry["agent_id"]])
    info = hashlib.sha256(b"tgsp/v1 fleet entry\0" + bound).digest()
    try:
        secret = hpke.unseal(identity, entry["enc"], info, b"", entry["sealed"])
    except (InvalidTag, ValueError):
        raise Malformed("entry: it is this agent's and does not open") from None
    if _epoch_key(file, file["epoch"], secret).public != file["public_key"]:
        raise Malformed("entry: its secret is not the one of the fleet file's public_key")
    return secret


def _derive(file, epoch, secret, label):
    info = label + b"\0" + file["fleet_id"] + epoch.to_bytes(8, "big")
    return HKDFExpand(algorithm=hashes.SHA256(), length=32, info=info).derive(secret)


def _epoch_key(file, epoch, secret):
    return keys.pair(file["kem"], _derive(file, epoch, secret, b"tgsp/v1 fleet kem"))


@dataclass(frozen=True)
class Membership:
    """What an agent has of a fleet."""

    file: dict
    secret: bytes | None  # of the present epoch; None where the agent was revoked

    def key(self, epoch):
        """The key pair of an epoch, or None where the fleet file does not reach it."""
        at, secret = self.file["epoch"], self.secret
        if secret is None or epoch > at or at - epoch > len(self.file["links"]):
            return None
        for link in self.file["links"][: at - epoch]:
            chain = _derive(self.file, at, secret, b"tgsp/v1 fleet chain")
            at -= 1
            context = b"tgsp/v1 fleet link\0" + self.file["fleet_id"] + at.to_bytes(8, "big")
            try:
                secret = stream.decrypt(chain, "AEAD_AES_256_GCM", context, link[:24], link[24:56], link[56:])
            except Altered:
                return None
        return _epoch_key(self.file, at, secret)
