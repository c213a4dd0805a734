# SPDX-License-Identifier: Apache-2.0
"""Keys as text (FORMAT.md, section 11), and what makes a key unfit."""

import base64
import hashlib
from dataclasses import dataclass

import primitives
from errors import BadKey

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FIELD_PRIME = 2**255 - 19
MAX_KEY_FILE = 4 << 20
MAX_KEY_LINE = 65535

LENGTHS = {
    "tgsp-author": 32,
    "tgsp-secret-author": 32,
    "tgsp-x25519": 32,
    "tgsp-secret-x25519": 32,
    "tgsp-mlkem768-x25519": 1216,
    "tgsp-secret-mlkem768-x25519": 32,
    "tgsp-fleet": 32,
    "tgsp-secret-fleet": 32,
    "tgsp-secret-epoch": 72,
}

# The y-coordinates of the eight points of Ed25519 whose order divides 8.
_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER = {0, 1, FIELD_PRIME - 1, _ORDER_8, FIELD_PRIME - _ORDER_8}


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def check_ed25519(key):
    """Refuses a public key that is not reduced, or a point of small order."""
    y = int.from_bytes(key, "little") & (2**255 - 1)
    if y >= FIELD_PRIME:
        raise BadKey("Ed25519 key: not reduced")
    if y in SMALL_ORDER:
        raise BadKey("Ed25519 key: a point of small order")


def check_x25519(key):
    """Refuses a public key that is not reduced, or with which every agreement gives zero."""
    if int.from_bytes(key, "little") >= FIELD_PRIME:
        raise BadKey("X25519 key: not reduced")
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(key))
    except ValueError:
        raise BadKey("X25519 key: a point of small order") from None


def check_mlkem768_x25519(key):
    if not primitives.ask("mlkem768-check", key=key[:1184])["ok"]:
        raise BadKey("MLKEM768-X25519 key: not an ML-KEM encapsulation key")
    check_x25519(key[1184:])


def check_epoch(key):
    if not any(key[32:40]):
        raise BadKey("epoch secret: epochs are counted from 1")


_CHECKS = {
    "tgsp-author": check_ed25519,
    "tgsp-fleet": check_ed25519,
    "tgsp-secret-epoch": check_epoch,
    "tgsp-x25519": check_x25519,
    "tgsp-mlkem768-x25519": check_mlkem768_x25519,
}


def parse(line):
    """The kind and the bytes of a key's one line of text."""
    kind, colon, data = line.partition(":")
    if not colon or kind not in LENGTHS:
        raise BadKey("not a key of a kind that is known")
    try:
        body = base64.b32decode(data.upper() + "=" * (-len(data) % 8))
    except ValueError:  # also what is no ASCII
        raise BadKey(f"{kind}: not base32") from None
    key, checksum = body[:-4], body[-4:]
    if len(key) != LENGTHS[kind]:
        raise BadKey(f"{kind}: wrong length")
    if hashlib.sha256(kind.encode() + b"\0" + key).digest()[:4] != checksum:
        raise BadKey(f"{kind}: wrong checksum")
    if format_line(kind, key) != line:
        raise BadKey(f"{kind}: not in canonical form")
    _CHECKS.get(kind, lambda key: None)(key)
    return kind, key


def format_line(kind, key):
    body = key + hashlib.sha256(kind.encode() + b"\0" + key).digest()[:4]
    return kind + ":" + base64.b32encode(body).decode().rstrip("=").lower()


def author_public(line):
    """The 32 bytes of an author's public key."""
    return _of(line, "tgsp-author")[1]


def recipient_public(line):
    """The kind of a recipient's public key, as in an entry's type, and its bytes."""
    kind, key = _of(line, "tgsp-x25519", "tgsp-mlkem768-x25519")
    return kind.removeprefix("tgsp-").upper(), key


def _of(line, *kinds):
    kind, key = parse(line)
    if kind not in kinds:
        raise BadKey(f"a key of kind {kind}, not {' or '.join(kinds)}")
    return kind, key


@dataclass(frozen=True)
class Identity:
    """A recipient's secret key."""

    type: str  # as in a recipient's entry
    secret: bytes
    public: bytes

    @property
    def name(self):
        """The agent_id of whoever has this key."""
        return hashlib.sha256(self.public).digest()

    @property
    def hint(self):
        return self.name[:4]


def identity(line):
    kind, secret = _of(line, "tgsp-secret-x25519", "tgsp-secret-mlkem768-x25519")
    if kind == "tgsp-secret-x25519" and (secret[0] & 7 or secret[31] & 0xC0 != 0x40):
        raise BadKey("X25519 secret key: not clamped")
    return pair(kind.removeprefix("tgsp-secret-").upper(), secret)


def pair(kind, secret):
    """The key pair of a kind, from the 32 bytes of its secret key."""
    if kind == "X25519":
        return Identity(kind, secret, raw(X25519PrivateKey.from_private_bytes(secret).public_key()))
    mlkem, x25519 = expand(secret)
    public = primitives.ask("mlkem768-public", seed=mlkem)["key"]
    return Identity(kind, secret, public + raw(x25519.public_key()))


def expand(seed):
    """The ML-KEM seed and the X25519 key of a hybrid secret key (X-Wing)."""
    wide = hashlib.shake_256(seed).digest(96)
    return wide[:64], X25519PrivateKey.from_private_bytes(wide[64:])


def author_secret(line):
    """The public key that belongs to an author's secret key."""
    _, seed = _of(line, "tgsp-secret-author")
    return raw(Ed25519PrivateKey.from_private_bytes(seed).public_key())


def fleet_public(line):
    """The 32 bytes of a fleet authority's public key."""
    return _of(line, "tgsp-fleet")[1]


def fleet_secret(line):
    """The public key that belongs to a fleet authority's secret key."""
    _, seed = _of(line, "tgsp-secret-fleet")
    return raw(Ed25519PrivateKey.from_private_bytes(seed).public_key())


def epoch_secret(line):
    """The fleet, the epoch and the secret of that epoch."""
    _, key = _of(line, "tgsp-secret-epoch")
    return key[:32], int.from_bytes(key[32:40], "big"), key[40:]


def file_lines(data):
    """The lines of a key file that hold keys."""
    lines = data.split(b"\n")
    if len(data) > MAX_KEY_FILE or any(len(line) > MAX_KEY_LINE for line in lines):
        raise BadKey("key file: too large")
    # Comments may be in any encoding; what is not UTF-8 in a key makes it none.
    lines = [line.decode("utf-8", "replace").strip(" \t\r") for line in lines]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise BadKey("key file: holds no key")
    return keys


def identities(data):
    """The identities in a key file."""
    return [identity(line) for line in file_lines(data)]
