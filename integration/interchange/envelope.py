# SPDX-License-Identifier: Apache-2.0
"""Slots and envelopes (FORMAT.md, sections 4 and 6)."""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import cbor
import keys
import manifest
from errors import BadKey, BadSignature, Malformed
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

_SIGNATURE = {
    "algorithm": cbor.one_of("Ed25519"),
    "public_key": cbor.octets(32),
    "signature": cbor.octets(64),
}

_ENC_LENGTHS = {"X25519": 32, "MLKEM768-X25519": 1120}


@dataclass
class Envelope:
    slot: int  # 0 is slot A
    generation: int
    manifest_bytes: bytes
    manifest: dict
    signers: list  # the public keys that signed the manifest
    envelope_signer: bytes
    recipients: list  # the entries of known types


def pae(kind, body):
    """The pre-authentication encoding of DSSE v1."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


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
    signatures = _entries(e["signatures"], "signature", "algorithm", {"Ed25519": _SIGNATURE}, MAX_SIGNATURES)
    recipients = _entries(
        e["recipients"],
        "recipient",
        "type",
        {kind: _recipient(kind, length) for kind, length in _ENC_LENGTHS.items()},
        MAX_RECIPIENTS,
    )
    for entry in e["recipients"]:
        if len(cbor.encode(entry)) > MAX_RECIPIENT:
            raise Malformed("recipient: too long")
    if "envelope_signature" in e:
        cbor.fields(e["envelope_signature"], "envelope_signature", _SIGNATURE)
    if len({s["public_key"] for s in signatures}) != len(signatures):
        raise Malformed("two signatures by one key")

    # From here on the form is right, and only signatures can be wrong.
    signed = pae(MANIFEST_TYPE, e["manifest"])
    signers = [_verify(s, signed) for s in signatures]
    if m["author_id"] not in [hashlib.sha256(key).digest() for key in signers]:
        raise BadSignature("the author's signature is missing")
    if "envelope_signature" not in e:
        raise BadSignature("the envelope is not signed")
    rest = {key: value for key, value in e.items() if key != "envelope_signature"}
    envelope_signer = _verify(e["envelope_signature"], pae(ENVELOPE_TYPE, cbor.encode(rest)))
    return Envelope(number, e["generation"], e["manifest"], m, signers, envelope_signer, recipients)


def _recipient(kind, enc_length):
    return {
        "type": cbor.one_of(kind),
        "hint": cbor.octets(4),
        "enc": cbor.octets(enc_length),
        "wrapped_key": cbor.octets(48),
    }


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


def _verify(signature, message):
    """The public key of a signature, after a check of the signature."""
    key = signature["public_key"]
    try:
        keys.check_ed25519(key)
        Ed25519PublicKey.from_public_bytes(key).verify(signature["signature"], message)
    except (BadKey, InvalidSignature, ValueError) as err:
        raise BadSignature(f"a signature is wrong: {err}") from None
    return key
