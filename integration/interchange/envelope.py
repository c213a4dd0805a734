# SPDX-License-Identifier: Apache-2.0
"""Slots and envelopes (FORMAT.md, sections 4 and 6)."""

import hashlib
from dataclasses import dataclass

import cbor
import hpke
import manifest
import signatures
from errors import BadSignature, Malformed
from layout import PAGE

MANIFEST_TYPE = b"application/vnd.tgsp.manifest.v1+cbor"
ENVELOPE_TYPE = b"application/vnd.tgsp.envelope.v1+cbor"

MAX_SIGNATURES = 16
MAX_RECIPIENTS = 1024
MAX_RECIPIENT = 8192

_ENVELOPE = {
    "generation": cbor.uint(least=1),
    "manifest": cbor.octets(),
    "signatures": cbor.array,
    "recipients": cbor.array,
}


def _recipient(kind, enc_length):
    return {
        "type": cbor.one_of(kind),
        "hint": cbor.octets(4),
        "enc": cbor.octets(enc_length),
        "wrapped_key": cbor.octets(48),
    }


def _fleet(kind, enc_length):
    return {
        "type": cbor.one_of(kind),
        "fleet_id": cbor.octets(32),
        "epoch": cbor.uint(least=1),
        "enc": cbor.octets(enc_length),
        "wrapped_key": cbor.octets(48),
    }


_RECIPIENTS = {kind: _recipient(kind, length) for kind, length in hpke.ENC_LENGTHS.items()}
_FLEETS = {"fleet-" + kind: _fleet("fleet-" + kind, length) for kind, length in hpke.ENC_LENGTHS.items()}


@dataclass
class Envelope:
    slot: int  # 0 is slot A
    generation: int
    manifest_bytes: bytes
    manifest: dict
    signers: list  # the public keys that signed the manifest
    envelope_signer: bytes
    recipients: list  # all entries, also those of unknown types

    def keyed(self):
        """The entries that are for the key of one recipient."""
        return [entry for entry in self.recipients if entry["type"] in _RECIPIENTS]

    def fleets(self):
        """The entries that are for a fleet."""
        return [entry for entry in self.recipients if entry["type"] in _FLEETS]


def read_slots(data, layout):
    """What the slots hold: None for an empty one, an Envelope, or the exception that refuses it."""
    found = []
    for number in (0, 1):
        at = PAGE + number * layout.slot_size
        slot = data[at : at + layout.slot_size]
        try:
            found.append(_parse(slot, number, layout) if any(slot) else None)
        except (Malformed, BadSignature) as err:
            found.append(err)
    return found


def _parse(slot, number, layout):
    length = int.from_bytes(slot[:4], "big")
    if length > len(slot) - 4 or any(slot[4 + length :]):
        raise Malformed("slot: not an envelope and zeros after it")
    e = cbor.fields(cbor.decode(slot[4 : 4 + length], "envelope"), "envelope", _ENVELOPE, {"envelope_signature": cbor.mapping})
    m = manifest.parse(e["manifest"], layout)
    signed = _entries(e["signatures"], "signature", "algorithm", {"Ed25519": signatures.FIELDS}, MAX_SIGNATURES)
    _entries(e["recipients"], "recipient", "type", {**_RECIPIENTS, **_FLEETS}, MAX_RECIPIENTS)
    for entry in e["recipients"]:
        if len(cbor.encode(entry)) > MAX_RECIPIENT:
            raise Malformed("recipient: too long")
    if "envelope_signature" in e:
        cbor.fields(e["envelope_signature"], "envelope_signature", signatures.FIELDS)
    if len({s["public_key"] for s in signed}) != len(signed):
        raise Malformed("two signatures by one key")

    # From here on the form is right, and only signatures can be wrong.
    signers = [signatures.verify(s, MANIFEST_TYPE, e["manifest"]) for s in signed]
    if m["author_id"] not in [hashlib.sha256(key).digest() for key in signers]:
        raise BadSignature("the author's signature is missing")
    if "envelope_signature" not in e:
        raise BadSignature("the envelope is not signed")
    rest = {key: value for key, value in e.items() if key != "envelope_signature"}
    envelope_signer = signatures.verify(e["envelope_signature"], ENVELOPE_TYPE, cbor.encode(rest))
    return Envelope(number, e["generation"], e["manifest"], m, signers, envelope_signer, e["recipients"])


def _entries(array, what, selector, known, most):
    """Those of an array's maps that are of a known kind, each checked."""
    if len(array) > most:
        raise Malformed(f"{what}: more than {most}")
    found = []
    for entry in array:
        kind = entry.get(selector) if type(entry) is dict else None
        if type(kind) is not str or not kind:
            raise Malformed(f"{what}: not a map with the text {selector}")
        if kind in known:
            found.append(cbor.fields(entry, what, known[kind]))
    return found
