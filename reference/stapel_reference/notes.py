"""spec/after-a-hit.md, 1, 2.1 and 5: what a conversation is called, the codes of rows, and notes."""

from dataclasses import dataclass
from typing import Any

from . import hpke
from .address import CANONICAL
from .errors import Refused
from .fields import Reader, malformed, uint
from .hidden import HIDDEN
from .keys import SALT, expand, hmac_sha256

NOTE = 1_048
TEXT = 1_020
TYPES = "text address lead outcome decision read".split()
OUTCOMES = "taken_up_together taken_up_by_one not_taken_up nothing_found wrong_signal".split()


# 1


def subject(pseudonym: bytes) -> bytes:
    return hmac_sha256(pseudonym, b"meet")[:16]


def conversation(pepper: bytes, about: bytes) -> bytes:
    return hmac_sha256(pepper, b"conversation" + about)[:16]


# 2.1


@dataclass(frozen=True)
class RowScope:
    consortium: str
    purpose: str
    epoch: int
    sender: int
    receiver: int

    def info(self) -> bytes:
        named = b"put forward\0" + self.consortium.encode() + b"\0" + self.purpose.encode() + b"\0"
        numbers = ((self.epoch, 4), (self.sender, 2), (self.receiver, 2))
        return named + b"".join(number.to_bytes(size, "big") for number, size in numbers)

    def key(self, own: bytes, other: bytes) -> bytes:
        """Of either of the two: its own private seal key, and the other's public one."""
        return expand(hmac_sha256(SALT, hpke.agree(own, other)), self.info())


def code(key: bytes, policy: bytes, about: bytes, number: int, last_day: int) -> bytes:
    """`about` is the pseudonym, and towards the coordinator the subject."""
    return hmac_sha256(key, policy + about + uint(number, 8) + uint(last_day, 2))[:16]


# 5


@dataclass(frozen=True)
class Note:
    type: str
    received: int
    time: int
    text: str
    turn: int = 0
    partner: int = 0
    outcome: str | None = None
    day: int = 0

    def encode(self) -> bytes:
        text = self.text.encode()
        outcome = OUTCOMES.index(self.outcome) + 1 if self.outcome else 0
        return b"".join(
            [
                uint(TYPES.index(self.type) + 1, 1),
                uint(self.received, 8),
                uint(self.time, 8),
                uint(self.turn, 4),
                uint(self.partner, 2),
                uint(outcome, 1),
                uint(self.day, 2),
                uint(len(text), 2),
                text.ljust(TEXT, b"\0"),
            ]
        )

    @staticmethod
    def decode(data: bytes) -> "Note":
        reader = Reader(data)
        type_ = reader.uint(1)
        received, time, turn, partner, outcome, day, size = (reader.uint(size) for size in (8, 8, 4, 2, 1, 2, 2))
        text = reader.take(TEXT)
        reader.end()
        if not 1 <= type_ <= len(TYPES) or outcome > len(OUTCOMES):
            raise malformed(f"a note of type {type_} with outcome {outcome}")
        if size > TEXT or any(text[size:]):
            raise malformed("a text that does not end where its length says")
        try:
            said = text[:size].decode()
        except UnicodeDecodeError as error:
            raise malformed("a text that is not UTF-8") from error
        named = OUTCOMES[outcome - 1] if outcome else None
        note = Note(TYPES[type_ - 1], received, time, said, turn, partner, named, day)
        note.check()
        return note

    def check(self) -> None:
        has: dict[str, Any] = {"turn": self.turn, "partner": self.partner, "outcome": self.outcome, "day": self.day}
        due = {"lead": {"turn", "partner"}, "outcome": {"outcome"}, "decision": {"turn"}}.get(self.type, set())
        may = {"decision": {"turn", "partner", "day"}}.get(self.type, due)
        given = {name for name, value in has.items() if value}
        if not due <= given <= may:
            raise malformed(f"a note of type {self.type} with {given}")
        lines = self.text.split("\n")
        if any(line != normalised(line) for line in lines):
            raise malformed("a line that is not normalised")
        if any(ord(character) in HIDDEN for line in lines for character in line):
            raise malformed("a text with a hidden character")
        if self.type in ("text", "decision") and not any(lines):
            raise malformed("a note that says nothing")
        if self.type == "read" and (self.text or not self.received):
            raise malformed("a note that all was read which says more, or that nothing was")
        if self.type == "address" and not (len(lines) == 2 and is_address_key(lines[0])):
            raise malformed("an address without a key and one line")


def normalised(line: str) -> str:
    """6.1 of SPEC.md, of one line."""
    return " ".join(piece for piece in line.replace("\t", " ").replace("\r", " ").split(" ") if piece)


def is_address_key(text: str) -> bool:
    """Section 3 of SPEC.md: a home's, a house number's, or the id of an address without a postcode."""
    is_id = len(text) == 16 and text.isascii() and text.isdigit() and text[4:6] == "20"
    return is_id or any(CANONICAL.fullmatch(one) for one in (text, f"{text}|"))


@dataclass(frozen=True)
class NoteScope:
    consortium: str
    purpose: str
    epoch: int
    subject: bytes
    began: int
    sender: int
    receiver: int
    number: int

    def info(self) -> bytes:
        named = b"stapel1 note".ljust(16, b"\0") + self.consortium.encode() + b"\0" + self.purpose.encode() + b"\0"
        to = uint(self.began, 4) + uint(self.sender, 2) + uint(self.receiver, 2) + uint(self.number, 8)
        return named + uint(self.epoch, 4) + self.subject + to

    def seal(self, plain: bytes, own: bytes, to: bytes, random: bytes) -> bytes:
        return hpke.seal(own, to, self.info(), b"", plain, random)

    def open(self, sealed: bytes, own: bytes, sender: bytes) -> Note:
        """Refused, for whatever reason, as a note that does not open."""
        try:
            return Note.decode(hpke.open_(own, sender, self.info(), b"", sealed))
        except Refused as error:
            raise Refused("not_opened", error.text) from error
