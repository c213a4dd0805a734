# SPDX-License-Identifier: Apache-2.0
"""The key wrap (FORMAT.md, section 6): HPKE in base mode (RFC 9180) for both KEMs."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

import cbor
import keys
import primitives
from errors import NoKey

_DHKEM_X25519 = 0x0020
_MLKEM768_X25519 = 0x647A
_XWING_LABEL = b"\\.//^\\"
_MLKEM_CIPHERTEXT = 1088

ENC_LENGTHS = {"X25519": 32, "MLKEM768-X25519": 1120}


def unwrap(envelope, identities, memberships):
    """The data key of a package, by the first identity and entry that give one, or
    else by what the agent has of fleets."""
    info = hashlib.sha256(b"tgsp/v1 wrap\0" + envelope.manifest_bytes).digest()
    for identity, entry in _candidates(envelope, identities, memberships):
        public = {key: value for key, value in entry.items() if key not in ("enc", "wrapped_key")}
        try:
            return unseal(identity, entry["enc"], info, cbor.encode(public), entry["wrapped_key"])
        except (InvalidTag, ValueError):  # made for another key, or an agreement that gives zero
            continue
    raise NoKey("nothing that this reader has opens the package")


def _candidates(envelope, identities, memberships):
    """Every key with every entry that it may open, in the order of FORMAT.md, section 6."""
    for identity in identities:
        for entry in envelope.keyed():
            if entry["type"] == identity.type and entry["hint"] == identity.hint:
                yield identity, entry
    for entry in envelope.fleets():
        for member in memberships:
            if member.file["fleet_id"] == entry["fleet_id"]:
                key = member.key(entry["epoch"])
                if key and entry["type"] == "fleet-" + key.type:
                    yield key, entry


def unseal(identity, enc, info, aad, sealed):
    """What was sealed to an identity. Raises InvalidTag or ValueError where it was
    made for another key, or an agreement gives zero."""
    if identity.type == "X25519":
        kem, secret = _DHKEM_X25519, _decap_x25519(identity, enc)
    else:
        kem, secret = _MLKEM768_X25519, _decap_hybrid(identity, enc)
    suite = b"HPKE" + kem.to_bytes(2, "big") + b"\x00\x01" + b"\x00\x03"
    context = b"\0" + _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
    schedule = _extract(suite, secret, b"secret", b"")
    key = _expand(suite, schedule, b"key", context, 32)
    nonce = _expand(suite, schedule, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, sealed, aad)


def _decap_x25519(identity, enc):
    shared = X25519PrivateKey.from_private_bytes(identity.secret).exchange(X25519PublicKey.from_public_bytes(enc))
    suite = b"KEM" + _DHKEM_X25519.to_bytes(2, "big")
    prk = _extract(suite, b"", b"eae_prk", shared)
    return _expand(suite, prk, b"shared_secret", enc + identity.public, 32)


def _decap_hybrid(identity, enc):
    seed, x25519 = keys.expand(identity.secret)
    ciphertext, peer = enc[:_MLKEM_CIPHERTEXT], enc[_MLKEM_CIPHERTEXT:]
    shared = primitives.ask("mlkem768-decapsulate", seed=seed, ciphertext=ciphertext)["shared"]
    agreed = x25519.exchange(X25519PublicKey.from_public_bytes(peer))
    return hashlib.sha3_256(shared + agreed + peer + identity.public[1184:] + _XWING_LABEL).digest()


def _extract(suite, salt, label, key):
    return hmac.digest(salt, b"HPKE-v1" + suite + label + key, "sha256")


def _expand(suite, prk, label, info, length):
    info = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=info).derive(prk)
