# SPDX-License-Identifier: Apache-2.0
"""The key wrap: HPKE in base mode (RFC 9180) for both KEMs of the format."""

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


def unwrap(recipients, identities, manifest):
    """The data key of a package, by the first identity and entry that give one."""
    info = hashlib.sha256(b"tgsp/v1 wrap\0" + manifest).digest()
    for identity in identities:
        for entry in recipients:
            if entry["type"] != identity.type or entry["hint"] != identity.hint:
                continue
            aad = cbor.encode({"type": entry["type"], "hint": entry["hint"]})
            try:
                return _open(identity, entry["enc"], info, aad, entry["wrapped_key"])
            except (InvalidTag, ValueError):  # made for another key, or an agreement that gives zero
                continue
    raise NoKey("no identity opens the package")


def _open(identity, enc, info, aad, sealed):
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
