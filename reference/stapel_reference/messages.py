"""Section 4: messages, byte for byte. Reading is strict: what decodes encodes to the same bytes again."""

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import Refused
from .fields import (
    NO_LINE,
    LogEntry,
    Reader,
    ascending,
    column,
    malformed,
    prefixed,
    read_log_entry,
    uint,
    write_log_entry,
)
from .hidden import has_hidden
from .keys import verifies
from .talk import Exchange, Kept, Post, PutForward, Totals, TotalsRequest, Year

ENVELOPE = 0x01
VERSION = 1
MAX_HEADER = 1_024
MAX_BODY = 16_777_216
MAX_MESSAGE = 1 + MAX_HEADER + MAX_BODY + 64
MAX_GROUPS = 1_024
MAX_FLAGS = 1_000_000
MAX_ASKED = 100_000
MAX_SENTENCE = 1_000
MAX_PROOF = 65
MAX_LINES = 1_000
MAX_RECEIPT = 2_048
# 5.3 step 6: how far a number may be above the highest that the broker saw.
MAX_LEAP = 1 << 32
NO_SIGNATURE = bytes(64)

# 4.10: the codes of a rejection, from 1.
CODES = (
    "malformed unknown_partner bad_signature wrong_consortium wrong_purpose wrong_key_id wrong_policy wrong_epoch gap "
    "stale not_permitted over_budget too_large shrink renewal_not_declared clock full_set_required recovering "
    "unavailable other_epoch not_yet_answering not_certified too_many_renewals"
).split()
# Of these, those that can come before the sender is authenticated.
UNSIGNED = {"malformed", "unknown_partner", "bad_signature", "wrong_consortium", "too_large"}
# Those whose rejections use up no number, and have no line of the log.
NOT_LOGGED = {"unavailable", "stale", "wrong_purpose", "wrong_epoch"}
# And those that have a number.
NUMBERED = {"gap", "stale", "over_budget", "shrink", "other_epoch", "too_many_renewals"}

# 4.4: the reasons of a renewal, from 1.
REASONS = "observed_again being_acted_on procedure_pending under_supervision".split()


# 4.1


@dataclass(frozen=True)
class Header:
    kind: int
    consortium: str
    purpose: str
    epoch: int
    key_id: bytes
    partner: int
    sequence: int
    previous: int
    time: int
    policy: bytes
    context: bytes

    def encode(self, body_length: int) -> bytes:
        return b"".join(
            [
                uint(VERSION, 1),
                uint(self.kind, 1),
                prefixed(self.consortium.encode(), 8),
                prefixed(self.purpose.encode(), 8),
                uint(self.epoch, 4),
                self.key_id,
                uint(self.partner, 2),
                uint(self.sequence, 8),
                uint(self.previous, 8),
                uint(self.time, 8),
                self.policy,
                self.context,
                uint(body_length, 4),
            ]
        )

    @staticmethod
    def decode(reader: Reader) -> tuple["Header", int]:
        """The header and the body length that it states."""
        if reader.uint(1) != VERSION:
            raise malformed("another version than 1")
        kind = reader.uint(1)
        if kind not in BODIES:
            raise malformed(f"no message has kind {kind:#04x}")
        header = Header(
            kind=kind,
            consortium=reader.slug(8),
            purpose=reader.slug(8),
            epoch=reader.uint(4),
            key_id=reader.take(16),
            partner=reader.uint(2),
            sequence=reader.uint(8),
            previous=reader.uint(8),
            time=reader.uint(8),
            policy=reader.take(32),
            context=reader.take(32),
        )
        header.check_numbers()
        return header, reader.uint(4)

    def check_numbers(self) -> None:
        """5.2: which kinds have which numbers. A reply repeats those of what it replies to."""
        if self.kind not in map(KINDS.get, (Delta, FullSet, Confirm, Receipt, Rejection)) and self.previous:
            raise malformed("only state messages have a previous number")


# 4.4 and 4.5

def last_of_month(day: int) -> bool:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day + 1)).day == 1


@dataclass(frozen=True)
class Terms:
    """What a message says of each flag of a group."""

    last_day: int
    first_day: int
    renewal: str | None = None
    house_number: bool = False

    def encode(self) -> bytes:
        return uint(self.last_day, 2) + uint(self.first_day, 2) + bytes(self.marks())

    def marks(self) -> tuple[int, int]:
        return (REASONS.index(self.renewal) + 1 if self.renewal else 0, 0x01 * self.house_number)

    def order(self) -> tuple[int, ...]:
        return (self.last_day, self.first_day, *self.marks())

    @staticmethod
    def decode(reader: Reader) -> "Terms":
        last_day = reader.uint(2)
        if not last_of_month(last_day):
            raise malformed(f"day {last_day} is not the last of a month")
        first_day, reason = reader.uint(2), reader.uint(1)
        if reason > len(REASONS):
            raise malformed(f"no reason of a renewal has number {reason}")
        bits = reader.bits(0x01)
        return Terms(last_day, first_day, REASONS[reason - 1] if reason else None, bool(bits))


Groups = list[tuple[Terms, list[bytes]]]


def read_groups(reader: Reader) -> Groups:
    count = reader.uint(2)
    if count > MAX_GROUPS:
        raise malformed(f"{count} groups where {MAX_GROUPS} may stand")
    groups: Groups = []
    left = MAX_FLAGS
    for _ in range(count):
        terms = Terms.decode(reader)
        rows = reader.pseudonyms(least=1, most=left)
        left -= len(rows)
        groups.append((terms, rows))
    ascending([terms.order() for terms, _ in groups])
    return groups


def write_groups(groups: Groups) -> bytes:
    return uint(len(groups), 2) + b"".join(terms.encode() + column(rows) for terms, rows in groups)


def once_only(columns: list[list[bytes]]) -> None:
    total = sum(map(len, columns))
    if len(set().union(*columns)) != total:
        raise malformed("a pseudonym stands in two places")


@dataclass(frozen=True)
class Delta:
    groups: Groups = field(default_factory=list)
    withdrawn: list[bytes] = field(default_factory=list)

    def encode(self) -> bytes:
        return write_groups(self.groups) + column(self.withdrawn)

    @staticmethod
    def decode(reader: Reader) -> "Delta":
        groups = read_groups(reader)
        flagged = sum(len(rows) for _, rows in groups)
        withdrawn = reader.pseudonyms(least=0, most=MAX_FLAGS - flagged)
        if not flagged and not withdrawn:
            raise malformed("a delta of nothing")
        once_only([rows for _, rows in groups] + [withdrawn])
        return Delta(groups, withdrawn)


@dataclass(frozen=True)
class FullSet:
    shrink: bool = False
    part: int = 1
    parts: int = 1
    groups: Groups = field(default_factory=list)

    def encode(self) -> bytes:
        return uint(self.shrink, 1) + uint(self.part, 2) + uint(self.parts, 2) + write_groups(self.groups)

    @staticmethod
    def decode(reader: Reader) -> "FullSet":
        shrink = bool(reader.bits(0x01))
        part = reader.uint(2)
        parts = reader.uint(2)
        if not 1 <= part <= parts:
            raise malformed(f"part {part} of {parts}")
        groups = read_groups(reader)
        once_only([rows for _, rows in groups])
        return FullSet(shrink, part, parts, groups)


@dataclass(frozen=True)
class Confirm:
    def encode(self) -> bytes:
        return b""

    @staticmethod
    def decode(_reader: Reader) -> "Confirm":
        return Confirm()


# 4.6


@dataclass(frozen=True)
class Question:
    pseudonyms: list[bytes]
    # The reason of a sweep; None where it is no sweep.
    sweep: str | None = None

    def encode(self) -> bytes:
        reason = (self.sweep or "").encode()
        return uint(self.sweep is not None, 1) + prefixed(reason, 1) + column(self.pseudonyms)

    @staticmethod
    def decode(reader: Reader) -> "Question":
        sweep = None
        if reader.bits(0x01):
            sweep = reader.slug(1)
        elif reader.uint(1):
            raise malformed("a reason without a sweep")
        return Question(reader.pseudonyms(least=1, most=MAX_ASKED), sweep)


@dataclass(frozen=True)
class StatusRequest:
    tree_size: int = 0
    # Numbers of own lines of the log that are to be proven.
    lines: list[int] = field(default_factory=list)
    # The latest receipt that was read.
    receipt: bytes = b""

    def encode(self) -> bytes:
        lines = b"".join(uint(line, 8) for line in self.lines)
        return uint(self.tree_size, 8) + uint(len(self.lines), 2) + lines + prefixed(self.receipt, 2)

    @staticmethod
    def decode(reader: Reader) -> "StatusRequest":
        tree_size = reader.uint(8)
        lines = [reader.uint(8) for _ in range(reader.uint(2))]
        check_lines(lines)
        size = reader.uint(2)
        if size > MAX_RECEIPT:
            raise malformed(f"a receipt of {size} bytes")
        return StatusRequest(tree_size, lines, reader.take(size))


# 4.7 to 4.10


@dataclass(frozen=True)
class LineProof:
    line: int
    path: list[bytes]


def check_lines(lines: list[int]) -> None:
    if len(lines) > MAX_LINES:
        raise malformed(f"{len(lines)} lines where {MAX_LINES} may stand")
    ascending(lines)


def read_hashes(reader: Reader) -> list[bytes]:
    count = reader.uint(1)
    if count > MAX_PROOF:
        raise malformed(f"a proof of {count} hashes")
    return [reader.take(32) for _ in range(count)]


def write_hashes(hashes: list[bytes]) -> bytes:
    return uint(len(hashes), 1) + b"".join(hashes)


@dataclass(frozen=True)
class Receipt:
    log: LogEntry
    release: int
    part: int
    parts: int
    added: int
    changed: int
    withdrawn: int
    held: int
    renewed: int

    def encode(self) -> bytes:
        return b"".join(
            [
                write_log_entry(self.log),
                uint(self.release, 8),
                uint(self.part, 2),
                uint(self.parts, 2),
                uint(self.added, 4),
                uint(self.changed, 4),
                uint(self.withdrawn, 4),
                uint(self.held, 4),
                uint(self.renewed, 4),
            ]
        )

    @staticmethod
    def decode(reader: Reader) -> "Receipt":
        log = read_log_entry(reader)
        receipt = Receipt(log, *(reader.uint(size) for size in (8, 2, 2, 4, 4, 4, 4, 4)))
        if (receipt.part, receipt.parts) != (0, 0) and not 1 <= receipt.part <= receipt.parts >= 2:
            raise malformed(f"part {receipt.part} of {receipt.parts}")
        if receipt.part < receipt.parts and receipt.added + receipt.changed + receipt.withdrawn:
            raise malformed("a part before the last that has an effect")
        if receipt.added + receipt.changed > receipt.held:
            raise malformed("more flags added and changed than are held")
        return receipt


@dataclass(frozen=True)
class Answer:
    log: LogEntry
    release: int
    release_time: int
    no_other_before: int
    organisations: int
    fresh: int
    standings: bytes

    def encode(self) -> bytes:
        return b"".join(
            [
                write_log_entry(self.log),
                uint(self.release, 8),
                uint(self.release_time, 8),
                uint(self.no_other_before, 8),
                uint(self.organisations, 2),
                uint(self.fresh, 2),
                prefixed(self.standings, 4),
            ]
        )

    @staticmethod
    def decode(reader: Reader) -> "Answer":
        log = read_log_entry(reader)
        fields = [reader.uint(size) for size in (8, 8, 8, 2, 2)]
        count = reader.uint(4)
        standings = reader.take(count)
        if count > MAX_ASKED:
            raise Refused("too_large", f"{count} standings where {MAX_ASKED} may stand")
        if count == 0:
            raise malformed("an answer without standings")
        if fields[4] > fields[3]:
            raise malformed("more organisations are fresh than there are")
        if any(251 <= byte <= 254 for byte in standings):
            raise malformed("an unknown standing")
        return Answer(log, *fields, standings)


@dataclass(frozen=True)
class StatusReply:
    log: LogEntry
    release: int
    release_time: int
    no_other_before: int
    last_state: int
    highest_state: int
    highest_question: int
    held: int
    full_set_due: bool
    left_new_flags: int
    left_first_sets: int
    left_held: int
    left_asked_day: int
    left_asked_epoch: int
    left_swept: int
    left_status: int
    checkpoint: bytes
    proof: list[bytes]
    lines: list[LineProof]

    def encode(self) -> bytes:
        return b"".join(
            [
                write_log_entry(self.log),
                uint(self.release, 8),
                uint(self.release_time, 8),
                uint(self.no_other_before, 8),
                uint(self.last_state, 8),
                uint(self.highest_state, 8),
                uint(self.highest_question, 8),
                uint(self.held, 4),
                uint(self.full_set_due, 1),
                uint(self.left_new_flags, 4),
                uint(self.left_first_sets, 4),
                uint(self.left_held, 4),
                uint(self.left_asked_day, 4),
                uint(self.left_asked_epoch, 4),
                uint(self.left_swept, 4),
                uint(self.left_status, 4),
                prefixed(self.checkpoint, 2),
                write_hashes(self.proof),
                uint(len(self.lines), 2),
                *(uint(one.line, 8) + write_hashes(one.path) for one in self.lines),
            ]
        )

    @staticmethod
    def decode(reader: Reader) -> "StatusReply":
        log = read_log_entry(reader)
        numbers = [reader.uint(size) for size in (8, 8, 8, 8, 8, 8, 4)]
        full_set_due = bool(reader.bits(0x01))
        left = [reader.uint(4) for _ in range(7)]
        checkpoint = reader.take(reader.uint(2))
        proof = read_hashes(reader)
        lines = [LineProof(reader.uint(8), read_hashes(reader)) for _ in range(reader.uint(2))]
        check_lines([one.line for one in lines])
        if numbers[3] > numbers[4]:
            raise malformed("a state number that was accepted and not used")
        if not checkpoint and (proof or lines):
            raise malformed("a proof without a checkpoint")
        return StatusReply(log, *numbers, full_set_due, *left, checkpoint, proof, lines)


@dataclass(frozen=True)
class Rejection:
    log: LogEntry
    code: str
    number: int
    text: str

    def encode(self) -> bytes:
        code = CODES.index(self.code) + 1
        return write_log_entry(self.log) + uint(code, 1) + uint(self.number, 8) + prefixed(self.text.encode(), 2)

    @staticmethod
    def decode(reader: Reader) -> "Rejection":
        log = read_log_entry(reader)
        code = reader.uint(1)
        if not 1 <= code <= len(CODES):
            raise malformed(f"no rejection has code {code}")
        number = reader.uint(8)
        named = CODES[code - 1]
        if (number and named not in NUMBERED) or (not number and named == "stale"):
            raise malformed(f"{named} does not have the number {number}")
        size = reader.uint(2)
        if size > MAX_SENTENCE:
            raise malformed(f"a sentence of {size} bytes")
        try:
            text = reader.take(size).decode()
        except UnicodeDecodeError as error:
            raise malformed("a sentence that is not UTF-8") from error
        if has_hidden(text):
            raise malformed("a sentence with a hidden character")
        return Rejection(log, CODES[code - 1], number, text)


# 4.2

Body = (
    Delta
    | FullSet
    | Confirm
    | Question
    | StatusRequest
    | Receipt
    | Answer
    | StatusReply
    | Rejection
    | PutForward
    | Exchange
    | TotalsRequest
    | Year
    | Kept
    | Post
    | Totals
)
BODIES: dict[int, type] = {
    0x01: Delta,
    0x02: FullSet,
    0x03: Confirm,
    0x04: Question,
    0x05: StatusRequest,
    0x11: Receipt,
    0x12: Answer,
    0x13: StatusReply,
    0x14: Rejection,
    0x20: PutForward,
    0x21: Exchange,
    0x22: TotalsRequest,
    0x23: Year,
    0x28: Kept,
    0x29: Post,
    0x2A: Totals,
}
KINDS = {body: kind for kind, body in BODIES.items()}


def of_partner(kind: int) -> bool:
    return kind < 0x10 or 0x20 <= kind < 0x28


# 4.3


def signed_bytes(kind: int, envelope_and_header: bytes, body: bytes) -> bytes:
    role = b"stapel1 partner" if of_partner(kind) else b"stapel1 broker "
    return role + bytes([kind]) + envelope_and_header + hashlib.sha256(body).digest()


def encode(header: Header, body: Body, sign: Callable[[bytes], bytes]) -> bytes:
    """A whole message. `sign` is a private key's own function, or one that gives NO_SIGNATURE."""
    raw = body.encode()
    front = bytes([ENVELOPE]) + header.encode(len(raw))
    return front + raw + sign(signed_bytes(header.kind, front, raw))


@dataclass(frozen=True)
class Unverified:
    """A message taken apart, its signature not looked at and its body not read."""

    header: Header
    front: bytes
    raw_body: bytes
    signature: bytes

    def check_signature(self, key: bytes) -> None:
        """That it is the signature of the Ed25519 public key."""
        data = signed_bytes(self.header.kind, self.front, self.raw_body)
        if not verifies(key, self.signature, data):
            raise Refused("bad_signature", "the signature is not that of the key")

    def verified(self, key: bytes) -> Body:
        """The body, if the signature is that of the key."""
        self.check_signature(key)
        return self.body()

    def unsigned_rejection(self) -> Rejection | None:
        """What anybody can have made: a rejection with 64 zero bytes for a signature. No more than a hint."""
        if self.header.kind != KINDS[Rejection] or self.signature != NO_SIGNATURE:
            return None
        try:
            body = self.body()
        except Refused:
            return None
        return body if body.code in UNSIGNED and body.log == NO_LINE else None

    def body(self) -> Body:
        reader = Reader(self.raw_body)
        body = BODIES[self.header.kind].decode(reader)
        reader.end()
        if isinstance(body, PutForward) and self.header.partner in body.receivers:
            raise malformed("the sender is among the receivers")
        if isinstance(body, Exchange) and any(note.epoch != self.header.epoch for note in body.notes):
            raise malformed("a note of another epoch than the header's")
        return body


def decode(message: bytes, from_partner: bool) -> Unverified:
    """5.3 step 1: all that can be said of the bytes of a partner, or of the broker, before a signature is looked at."""
    if len(message) > MAX_MESSAGE:
        raise Refused("too_large", f"{len(message)} bytes where {MAX_MESSAGE} is the most")
    reader = Reader(message)
    if reader.uint(1) != ENVELOPE:
        raise malformed("another envelope than 0x01")
    header, size = Header.decode(reader)
    front = message[: reader.at]
    if of_partner(header.kind) != from_partner:
        raise malformed("a kind that the other side sends")
    raw_body = reader.take(size)
    signature = reader.take(64)
    reader.end()
    if size > MAX_BODY:
        raise Refused("too_large", f"a body of {size} bytes where {MAX_BODY} is the most")
    return Unverified(header, front, raw_body, signature)


def digest(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


def private_key(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(seed: bytes) -> bytes:
    return public_of(private_key(seed))


def public_of(key: Ed25519PrivateKey) -> bytes:
    # Not public_bytes_raw, which cryptography has from version 40 on: Debian 12 has an older one.
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
