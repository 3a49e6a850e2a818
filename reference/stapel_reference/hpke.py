"""RFC 9180 in mode auth, one shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Sections are its own."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import Refused
from .keys import hmac_sha256

MODE_AUTH = b"\x02"
KEM_SUITE = b"KEM" + b"\x00\x20"
SUITE = b"HPKE" + b"\x00\x20" + b"\x00\x01" + b"\x00\x02"


def public_key(private: bytes) -> bytes:
    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def agree(private: bytes, public: bytes) -> bytes:
    """X25519 (7.1.4); refused where the result is one that everybody can make."""
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise Refused("weak_key", "a public key of small order") from error


# 4


def labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac_sha256(salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """To at most 32 bytes, which is one block of HKDF-Expand."""
    return hmac_sha256(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01")[:length]


# 7.1.3


def derive_private_key(ikm: bytes) -> bytes:
    prk = labeled_extract(KEM_SUITE, b"", b"dkp_prk", ikm)
    return labeled_expand(KEM_SUITE, prk, b"sk", b"", 32)


# 4.1


def shared_secret(agreed: bytes, enc: bytes, receiver: bytes, sender: bytes) -> bytes:
    prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", agreed)
    return labeled_expand(KEM_SUITE, prk, b"shared_secret", enc + receiver + sender, 32)


# 5.1


def cipher(secret: bytes, info: bytes) -> tuple[AESGCM, bytes]:
    """The key of the one message, and its nonce."""
    no_psk = labeled_extract(SUITE, b"", b"psk_id_hash", b"")
    context = MODE_AUTH + no_psk + labeled_extract(SUITE, b"", b"info_hash", info)
    prk = labeled_extract(SUITE, secret, b"secret", b"")
    key = labeled_expand(SUITE, prk, b"key", context, 32)
    return AESGCM(key), labeled_expand(SUITE, prk, b"base_nonce", context, 12)


# 6.1


def seal(own: bytes, to: bytes, info: bytes, aad: bytes, plain: bytes, ikm: bytes) -> bytes:
    """The encapsulated key, then the ciphertext. `ikm` are 32 random bytes for this message alone."""
    ephemeral = derive_private_key(ikm)
    enc = public_key(ephemeral)
    agreed = agree(ephemeral, to) + agree(own, to)
    key, nonce = cipher(shared_secret(agreed, enc, to, public_key(own)), info)
    return enc + key.encrypt(nonce, plain, aad)


def open_(own: bytes, sender: bytes, info: bytes, aad: bytes, sealed: bytes) -> bytes:
    enc, ciphertext = sealed[:32], sealed[32:]
    agreed = agree(own, enc) + agree(own, sender)
    key, nonce = cipher(shared_secret(agreed, enc, public_key(own), sender), info)
    try:
        return key.decrypt(nonce, ciphertext, aad)
    except InvalidTag as error:
        raise Refused("not_opened", "sealed by another, to another, or as another note") from error
