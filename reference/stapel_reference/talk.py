"""spec/after-a-hit.md, 2, 7 and 8: the bodies of what comes after a hit."""

from dataclasses import dataclass, field
from typing import Any

from .errors import Refused
from .fields import LogEntry, Reader, ascending, malformed, read_log_entry, uint, write_log_entry

MAX_ROWS = 10_000
MAX_RECEIVERS = 1_000
LEFT_AT_ONCE = 8
NOTES_AT_ONCE = 4
ENTRIES_AT_ONCE = 32
SEALED = 32 + 1_064
SLOT = 16 + 2 + 4 + 8 + 4 + SEALED
ENTRY = 84
# 2.4: what became of a note, from 0; what an entry tells, from 1.
FATES = "empty kept not_introduced over_budget too_many_wait".split()
TOLD = "asked introduced left".split()
# 8: a bit for each way in which a conversation goes.
ALL_WAYS = 0x1F
NOBODY = bytes(16)


def slots(reader: Reader, size: int, count: int) -> list[Reader]:
    """Of slots of one size those that are used. They come first, and the others are zeros."""
    every = [reader.take(size) for _ in range(count)]
    used = [one for one in every if any(one)]
    if every[: len(used)] != used:
        raise malformed("a slot that is used comes after an empty one")
    return [Reader(one) for one in used]


def filled(used: list[bytes], size: int, count: int) -> bytes:
    if len(used) > count:
        raise Refused("too_large", f"{len(used)} slots where {count} may be used")
    return b"".join(used) + bytes(size * (count - len(used)))


# 2.1


@dataclass(frozen=True)
class Row:
    pseudonym: bytes
    codes: list[bytes]


@dataclass(frozen=True)
class PutForward:
    last_day: int
    receivers: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def encode(self) -> bytes:
        receivers = b"".join(uint(number, 2) for number in self.receivers)
        rows = b"".join(row.pseudonym + b"".join(row.codes) for row in self.rows)
        return uint(self.last_day, 2) + uint(len(self.receivers), 2) + receivers + uint(len(self.rows), 4) + rows

    @staticmethod
    def decode(reader: Reader) -> "PutForward":
        last_day = reader.uint(2)
        receivers = [reader.uint(2) for _ in range(reader.uint(2))]
        ascending([0, *receivers])
        count, size = reader.uint(4), 16 * (1 + len(receivers))
        column = reader.take(count * size)
        if count > MAX_ROWS or len(receivers) > MAX_RECEIVERS:
            raise Refused("too_large", f"{count} rows for {len(receivers)} receivers")
        cells = [column[at : at + 16] for at in range(0, len(column), 16)]
        rows = [Row(cells[at], cells[at + 1 : at + size // 16]) for at in range(0, len(cells), size // 16)]
        ascending([row.pseudonym for row in rows])
        return PutForward(last_day, receivers, rows)


# 2.2


@dataclass(frozen=True)
class Kept:
    log: LogEntry
    kept: int
    unflagged: int
    new: int
    left_new: int
    left_held: int

    def encode(self) -> bytes:
        numbers = (self.kept, self.unflagged, self.new, self.left_new, self.left_held)
        return write_log_entry(self.log) + b"".join(uint(number, 4) for number in numbers)

    @staticmethod
    def decode(reader: Reader) -> "Kept":
        kept = Kept(read_log_entry(reader), *(reader.uint(4) for _ in range(5)))
        if kept.new > kept.kept:
            raise malformed("more rows are new than are kept")
        return kept


# 2.3


@dataclass(frozen=True)
class NoteSlot:
    conversation: bytes
    # In an exchange the receiver, in a post the sender.
    partner: int
    began: int
    number: int
    epoch: int
    sealed: bytes

    def encode(self) -> bytes:
        numbers = uint(self.partner, 2) + uint(self.began, 4) + uint(self.number, 8) + uint(self.epoch, 4)
        return self.conversation + numbers + self.sealed

    @staticmethod
    def decode(reader: Reader) -> "NoteSlot":
        slot = NoteSlot(reader.take(16), *(reader.uint(size) for size in (2, 4, 8, 4)), reader.take(SEALED))
        if slot.conversation == NOBODY or slot.partner == 0 or slot.number == 0:
            raise malformed("a note without a conversation, partner or number")
        return slot


@dataclass(frozen=True)
class Exchange:
    told: int = 0
    received: int = 0
    left: list[bytes] = field(default_factory=list)
    notes: list[NoteSlot] = field(default_factory=list)

    def encode(self) -> bytes:
        left = filled(self.left, 16, LEFT_AT_ONCE)
        notes = filled([note.encode() for note in self.notes], SLOT, NOTES_AT_ONCE)
        return uint(self.told, 8) + uint(self.received, 8) + left + notes

    @staticmethod
    def decode(reader: Reader) -> "Exchange":
        told, received = reader.uint(8), reader.uint(8)
        left = [slot.take(16) for slot in slots(reader, 16, LEFT_AT_ONCE)]
        ascending(left)
        return Exchange(told, received, left, [NoteSlot.decode(slot) for slot in slots(reader, SLOT, NOTES_AT_ONCE)])


@dataclass(frozen=True)
class TotalsRequest:
    def encode(self) -> bytes:
        return b""

    @staticmethod
    def decode(_reader: Reader) -> "TotalsRequest":
        return TotalsRequest()


# 2.4


@dataclass(frozen=True)
class Entry:
    number: int
    told: str
    subject: bytes
    conversation: bytes
    epoch: int
    day: int
    # The day by which to answer, or the last day of a row.
    until: int
    partner: int
    row: int
    own_row: int
    code: bytes

    def encode(self) -> bytes:
        return b"".join(
            [
                uint(self.number, 8),
                uint(TOLD.index(self.told) + 1, 1),
                self.subject,
                self.conversation,
                uint(self.epoch, 4),
                uint(self.day, 2),
                uint(self.until, 2),
                uint(self.partner, 2),
                uint(self.row, 8),
                uint(self.own_row, 8),
                self.code,
                b"\0",
            ]
        )

    @staticmethod
    def decode(reader: Reader) -> "Entry":
        number, told = reader.uint(8), reader.uint(1)
        if not 1 <= told <= len(TOLD):
            raise malformed(f"an entry of kind {told}")
        subject, conversation = reader.take(16), reader.take(16)
        fields = [reader.uint(size) for size in (4, 2, 2, 2, 8, 8)]
        entry = Entry(number, TOLD[told - 1], subject, conversation, *fields, reader.take(16))
        if reader.uint(1) or not entry.is_whole():
            raise malformed(f"an entry {entry.told} with fields of another, or without its own")
        return entry

    def is_whole(self) -> bool:
        rows = (self.row, self.own_row, self.code)
        if self.told == "asked":
            return (self.conversation, self.partner, *rows) == (NOBODY, 0, 0, 0, NOBODY)
        if self.conversation == NOBODY or self.partner == 0:
            return False
        if self.told == "left":
            return (self.subject, self.until, *rows) == (NOBODY, 0, 0, 0, NOBODY)
        return (self.row == 0) == (self.code == NOBODY) and (self.row, self.own_row) != (0, 0)


@dataclass(frozen=True)
class Waiting:
    """A note that waited, with its number at the receiver."""

    number: int
    note: NoteSlot


@dataclass(frozen=True)
class Post:
    log: LogEntry
    sent: list[str]
    more: bool = False
    entries: list[Entry] = field(default_factory=list)
    notes: list[Waiting] = field(default_factory=list)

    def encode(self) -> bytes:
        entries = filled([entry.encode() for entry in self.entries], ENTRY, ENTRIES_AT_ONCE)
        notes = filled([uint(one.number, 8) + one.note.encode() for one in self.notes], 8 + SLOT, NOTES_AT_ONCE)
        sent = bytes(FATES.index(fate) for fate in self.sent)
        return write_log_entry(self.log) + sent + uint(self.more, 1) + entries + notes

    @staticmethod
    def decode(reader: Reader) -> "Post":
        log = read_log_entry(reader)
        sent = list(reader.take(NOTES_AT_ONCE))
        if max(sent) >= len(FATES):
            raise malformed("what became of a note has no meaning")
        if any(after and not before for before, after in zip(sent, sent[1:])):
            raise malformed("a slot that was used comes after an empty one")
        more = bool(reader.bits(0x01))
        entries = [Entry.decode(slot) for slot in slots(reader, ENTRY, ENTRIES_AT_ONCE)]
        waiting = slots(reader, 8 + SLOT, NOTES_AT_ONCE)
        notes = [Waiting(slot.uint(8), NoteSlot.decode(slot)) for slot in waiting]
        for numbers in ([entry.number for entry in entries], [note.number for note in notes]):
            ascending([0, *numbers])
        return Post(log, [FATES[fate] for fate in sent], more, entries, notes)


# 7


@dataclass(frozen=True)
class TotalsCell:
    lowest: int
    highest: int
    number: int


@dataclass(frozen=True)
class Totals:
    log: LogEntry
    release: int
    release_time: int
    year: int
    quarter: int
    flags: int
    cells: list[TotalsCell] = field(default_factory=list)

    def encode(self) -> bytes:
        sizes = ((self.release, 8), (self.release_time, 8), (self.year, 2), (self.quarter, 1), (self.flags, 4))
        front = write_log_entry(self.log) + b"".join(uint(number, size) for number, size in sizes)
        cells = [uint(one.lowest, 1) + uint(one.highest, 1) + uint(one.number, 4) for one in self.cells]
        return front + uint(len(cells), 1) + b"".join(cells)

    @staticmethod
    def decode(reader: Reader) -> "Totals":
        log = read_log_entry(reader)
        numbers = [reader.uint(size) for size in (8, 8, 2, 1, 4)]
        cells = [TotalsCell(reader.uint(1), reader.uint(1), reader.uint(4)) for _ in range(reader.uint(1))]
        totals = Totals(log, *numbers, cells)
        if not totals.is_right():
            raise malformed("totals of no quarter, not rounded or merged, or whose cells do not follow on each other")
        return totals

    def is_right(self) -> bool:
        counts = [one.number for one in self.cells]
        rounded = not any(number % 10 for number in [self.flags, *counts])
        merged = len(counts) < 2 or min(counts) >= 10
        few = (self.flags < 100) == (not counts) and sum(counts) <= self.flags
        following = all(b.lowest == a.highest + 1 for a, b in zip(self.cells, self.cells[1:]))
        closed = all(one.highest >= one.lowest > 0 for one in self.cells[:-1])
        last = all(one.lowest > 0 and (one.highest == 0 or one.highest >= one.lowest) for one in self.cells[-1:])
        return 1 <= self.quarter <= 4 and rounded and merged and few and following and closed and last


# 8


@dataclass(frozen=True)
class YearCell:
    ways: int
    number: int


@dataclass(frozen=True)
class Year:
    year: int
    cells: list[YearCell]

    def encode(self) -> bytes:
        cells = b"".join(uint(one.ways, 1) + uint(one.number, 4) for one in self.cells)
        return uint(self.year, 2) + uint(len(self.cells), 1) + cells

    @staticmethod
    def decode(reader: Reader) -> "Year":
        year = reader.uint(2)
        cells = [YearCell(reader.uint(1), reader.uint(4)) for _ in range(reader.uint(1))]
        ways: list[Any] = [one.ways for one in cells]
        ascending([0, *ways])
        if sum(ways) != ALL_WAYS or any(a & b for a in ways for b in ways if a != b):
            raise malformed("not each way in one cell alone")
        if any(one.number < 10 for one in cells) and cells != [YearCell(ALL_WAYS, 0)]:
            raise malformed("a cell under ten")
        return Year(year, cells)
