# SPDX-License-Identifier: Apache-2.0
"""Signatures over documents (FORMAT.md, sections 2 and 4)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import cbor
import keys
from errors import BadKey, BadSignature

FIELDS = {
    "algorithm": cbor.one_of("Ed25519"),
    "public_key": cbor.octets(32),
    "signature": cbor.octets(64),
}


def pae(kind, body):
    """The pre-authentication encoding of DSSE v1."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def verify(signature, kind, body):
    """The public key of a signature over a document, after a check of the signature."""
    key = signature["public_key"]
    try:
        keys.check_ed25519(key)
        Ed25519PublicKey.from_public_bytes(key).verify(signature["signature"], pae(kind, body))
    except (BadKey, InvalidSignature, ValueError) as err:
        raise BadSignature(f"a signature is wrong: {err}") from None
    return key
