# SPDX-License-Identifier: Apache-2.0
"""c2sp.org/chunked-encryption with SHA-512 (FORMAT.md, section 7)."""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from errors import Altered
from layout import CHUNK, OVERHEAD

_AEADS = {"AEAD_AES_256_GCM": AESGCM, "AEAD_CHACHA20_POLY1305": ChaCha20Poly1305}


def decrypt(data_key, suite, context, salt, commitment, chunks):
    """The plaintext of one message."""
    what = context.partition(b"\0")[0].decode()
    info = b"c2sp.org/chunked-encryption@v1+" + suite.encode() + b"\0" + salt + context
    out = HKDFExpand(algorithm=hashes.SHA512(), length=76, info=info).derive(data_key)
    key, base_nonce, expected = out[:32], int.from_bytes(out[32:44], "big"), out[44:]
    if not hmac.compare_digest(expected, commitment):
        raise Altered(f"{what}: the commitment is another key's")
    aead, plain, step = _AEADS[suite](key), bytearray(), CHUNK + OVERHEAD
    for number, at in enumerate(range(0, len(chunks), step)):
        nonce = (base_nonce ^ number).to_bytes(12, "big")
        try:
            plain += aead.decrypt(nonce, bytes(chunks[at : at + step]), None)
        except InvalidTag:
            raise Altered(f"{what}: chunk {number} is not authentic") from None
    if len(chunks) % step < OVERHEAD:
        raise Altered(f"{what}: the last chunk is missing")
    return bytes(plain)
