"""Section 4: how the fields of a message are read and written, and the log entry that every reply begins with."""

from dataclasses import dataclass

from .errors import Refused
from .keys import SLUG


def malformed(text: str) -> Refused:
    return Refused("malformed", text)


class Reader:
    """Takes fields off the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise malformed("the bytes end too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def uint(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def bits(self, known: int) -> int:
        value = self.uint(1)
        if value & ~known:
            raise malformed(f"unknown bits in {value:#04x}")
        return value

    def slug(self, length_size: int) -> str:
        size = self.uint(length_size)
        if not 1 <= size <= 64:
            raise malformed(f"a slug of {size} bytes")
        text = self.take(size).decode("latin-1")
        if not SLUG.fullmatch(text):
            raise malformed("a slug with other characters than a to z, 0 to 9 and -")
        return text

    def pseudonyms(self, least: int, most: int) -> list[bytes]:
        count = self.uint(4)
        column = self.take(16 * count)
        if count > most:
            raise Refused("too_large", f"{count} pseudonyms where {most} may stand")
        if count < least:
            raise malformed("no pseudonyms where at least one is due")
        rows = [column[at : at + 16] for at in range(0, len(column), 16)]
        ascending(rows)
        return rows

    def end(self) -> None:
        if self.at != len(self.data):
            raise malformed(f"{len(self.data) - self.at} bytes too many")


def ascending(rows: list) -> None:
    if any(a >= b for a, b in zip(rows, rows[1:])):
        raise malformed("rows out of order, or one of them twice")


def uint(value: int, size: int) -> bytes:
    if not 0 <= value < 1 << (8 * size):
        raise malformed(f"{value} does not fit {size} bytes")
    return value.to_bytes(size, "little")


def prefixed(raw: bytes, length_size: int) -> bytes:
    return uint(len(raw), length_size) + raw


def column(rows: list[bytes]) -> bytes:
    return uint(len(rows), 4) + b"".join(rows)


@dataclass(frozen=True)
class LogEntry:
    """What every reply begins with: the last restore, which names the log, and the line. Zeros: there is none."""

    restored: int = 0
    line: int = 0
    leaf: bytes = bytes(32)
    salt: bytes = bytes(16)


NO_LINE = LogEntry()


def read_log_entry(reader: Reader) -> LogEntry:
    entry = LogEntry(reader.uint(8), reader.uint(8), reader.take(32), reader.take(16))
    if entry.leaf == bytes(32) and entry != LogEntry(entry.restored):
        raise malformed("a line with a number or a salt, and no leaf hash")
    return entry


def write_log_entry(log: LogEntry) -> bytes:
    return uint(log.restored, 8) + uint(log.line, 8) + log.leaf + log.salt
