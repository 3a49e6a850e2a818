"""Section 8.1: the files that carry a secret, and its parts."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .errors import Refused
from .keys import PROFILE, Secret, slug, unhex

SECRET = "stapel-secret v1"
PART = "stapel-secret-part v1"
LABEL = b"stapel1 secret\0\0"
Read = TypeVar("Read")


@dataclass(frozen=True)
class SecretFile:
    purpose: str
    epoch: int
    secret: bytes


@dataclass(frozen=True)
class SecretPart:
    purpose: str
    epoch: int
    number: int
    of: int
    share: bytes
    key_id: bytes


def refused(text: str) -> Refused:
    return Refused("secret_file", text)


def checksum(lines: bytes) -> str:
    return hashlib.sha256(LABEL + lines).digest()[:8].hex()


def values(data: bytes, first: str, names: list[str]) -> list[str]:
    """What stands behind each name, if the file is whole and has just these lines."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise refused("not text") from error
    pattern = re.escape(first) + r"\n" + "".join(re.escape(name) + r": ([^\n]*)\n" for name in names)
    match = re.fullmatch(rf"({pattern})checksum: ([^\n]*)\n", text)
    if not match:
        raise refused("a line is missing, out of order or of another form")
    lines, *found, stated = match.groups()
    if stated != checksum(lines.encode()):
        raise refused("the checksum is wrong")
    return found


def strictly(read: Callable[[], Read]) -> Read:
    """Any line of a wrong form makes the file a wrong one."""
    try:
        return read()
    except Refused as error:
        raise refused(error.text) from error


def scope(purpose: str, epoch: str, profile: str) -> tuple[str, int]:
    if profile != PROFILE:
        raise refused("another profile")
    return slug(purpose), decimal(epoch, 2**32 - 1)


def decimal(text: str, most: int) -> int:
    if not re.fullmatch("0|[1-9][0-9]{0,9}", text) or int(text) > most:
        raise refused(f"{text!r} is no number from 0 to {most}")
    return int(text)


def parse(data: bytes) -> SecretFile:
    purpose, epoch, profile, secret, key_id = values(data, SECRET, ["purpose", "epoch", "profile", "secret", "key-id"])
    return strictly(
        lambda: checked(SecretFile(*scope(purpose, epoch, profile), unhex(secret, 32)), unhex(key_id, 16)),
    )


def parse_part(data: bytes) -> SecretPart:
    names = ["purpose", "epoch", "profile", "part", "share", "key-id"]
    purpose, epoch, profile, part, share, key_id = values(data, PART, names)
    match = re.fullmatch("([1-9]) of ([2-9])", part)
    if not match or match[1] > match[2]:
        raise refused("a part is numbered as in '1 of 2'")
    number, of = int(match[1]), int(match[2])
    return strictly(
        lambda: SecretPart(*scope(purpose, epoch, profile), number, of, unhex(share, 32), unhex(key_id, 16)),
    )


def join(parts: list[SecretPart]) -> SecretFile:
    def demand(holds: bool, finding: str) -> None:
        if not holds:
            raise Refused("secret_parts", finding)

    demand(len({(part.purpose, part.epoch, part.of, part.key_id) for part in parts}) == 1, "of different secrets")
    demand(sorted(part.number for part in parts) == list(range(1, parts[0].of + 1)), "one is missing, or there twice")
    secret = bytes(32)
    for part in parts:
        secret = bytes(a ^ b for a, b in zip(secret, part.share))
    file = SecretFile(parts[0].purpose, parts[0].epoch, secret)
    demand(Secret(secret, file.purpose, file.epoch).key_id == parts[0].key_id, "the key id is not that of the secret")
    return file


def checked(file: SecretFile, key_id: bytes) -> SecretFile:
    if Secret(file.secret, file.purpose, file.epoch).key_id != key_id:
        raise refused("the key id is not that of the secret")
    return file


def text(file: SecretFile) -> bytes:
    """The file's bytes."""
    lines = [
        SECRET,
        f"purpose: {file.purpose}",
        f"epoch: {file.epoch}",
        f"profile: {PROFILE}",
        f"secret: {file.secret.hex()}",
        f"key-id: {Secret(file.secret, file.purpose, file.epoch).key_id.hex()}",
    ]
    return whole(lines)


def part_text(part: SecretPart) -> bytes:
    lines = [
        PART,
        f"purpose: {part.purpose}",
        f"epoch: {part.epoch}",
        f"profile: {PROFILE}",
        f"part: {part.number} of {part.of}",
        f"share: {part.share.hex()}",
        f"key-id: {part.key_id.hex()}",
    ]
    return whole(lines)


def whole(lines: list[str]) -> bytes:
    body = "".join(line + "\n" for line in lines).encode()
    return body + f"checksum: {checksum(body)}\n".encode()
