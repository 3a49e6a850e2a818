"""Section 2: from a secret to pseudonyms and tags; and whether a signature is right (section 4.3)."""

import hashlib
import hmac
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .errors import Refused

PROFILE = "nl-address/1"
SALT = b"stapel/v1"
UNIT = 0x01
NUMBER = 0x02

SLUG = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)


def slug(text: str) -> str:
    """The text itself, if it is a slug (section 1)."""
    if not SLUG.fullmatch(text):
        raise Refused("malformed", f"{text!r} is no slug")
    return text


def unhex(text: str, size: int | None = None) -> bytes:
    """Bytes of lower-case hexadecimal (section 1), `size` of them."""
    if not re.fullmatch(r"([0-9a-f]{2})*", text, re.ASCII):
        raise Refused("malformed", "not lower-case hexadecimal")
    raw = bytes.fromhex(text)
    if size is not None and len(raw) != size:
        raise Refused("malformed", f"{len(raw)} bytes of hexadecimal where {size} are due")
    return raw


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def extract(secret: bytes) -> bytes:
    """HKDF-Extract (RFC 5869, 2.2): the pseudo-random key."""
    return hmac_sha256(SALT, secret)


def expand(prk: bytes, info: bytes) -> bytes:
    """HKDF-Expand (RFC 5869, 2.3) to 32 bytes, which is one block."""
    return hmac_sha256(prk, info + b"\x01")


def info(label: str, purpose: str, epoch: int) -> bytes:
    if not 0 <= epoch < 2**32:
        raise Refused("malformed", f"{epoch} is no epoch")
    return b"\0".join([label.encode(), PROFILE.encode(), slug(purpose).encode(), epoch.to_bytes(4, "big")])


class Secret:
    """The 32 bytes of one epoch, with what is derived from them for one purpose."""

    def __init__(self, secret: bytes, purpose: str, epoch: int) -> None:
        if len(secret) != 32:
            raise Refused("malformed", "a secret is 32 bytes")
        prk = extract(secret)
        self.purpose = slug(purpose)
        self.epoch = epoch
        self.k = expand(prk, info("pseudonym", purpose, epoch))
        self.key_id = expand(prk, info("fingerprint", purpose, epoch))[:16]

    def hmac(self, level: int, address_key: str) -> bytes:
        """The whole HMAC of an address key at a level. Only its first half ever leaves."""
        if level not in (UNIT, NUMBER):
            raise Refused("malformed", f"level {level} is reserved")
        return hmac_sha256(self.k, bytes([level]) + address_key.encode("ascii"))

    def pseudonym(self, level: int, address_key: str) -> bytes:
        return self.hmac(level, address_key)[:16]


def tag(pepper: bytes, pseudonym: bytes) -> bytes:
    """What a broker may keep in a pseudonym's place. A partner never needs it."""
    return hmac_sha256(pepper, pseudonym)[:16]


def verifies(key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether it is the signature of an Ed25519 key: OpenSSL, too, verifies without the cofactor."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
