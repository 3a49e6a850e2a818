"""Stapel for Python: a small package over stapel.h, with ctypes and nothing besides.

    import stapel

    by = stapel.Case("j.jansen", "2026-0117")
    with stapel.Partner("partner") as partner:
        rows = stapel.Addresses.from_texts(["Dam 1-A, 1012 JS Amsterdam"], references=["Z-1"])
        partner.flag(rows, by)
        for message in partner.deliver():
            partner.read(send(message))       # send is yours: HTTPS to the broker, which gives back its reply
        answers = [partner.read(send(message)) for message in partner.ask(rows, by)]
        for row, standing in zip(rows, stapel.standings(rows, answers)):
            print(row.reference, row.canonical, standing)

What fails raises StapelError, which has the stable code. Partner, Broker, Register, Addresses and Answer hold what the
library made; they free it at the end of a `with`, at close(), or when they are collected, and raise ClosedError
afterwards. Any thread may use them, also while another closes them. A number that does not fit is a ValueError. What is
of another type than is asked for is a TypeError, and nothing is done: a flag is True or False, a column of texts is no
single text, and a message or a reply is bytes, a bytearray or a memoryview. Times are seconds since
1970-01-01T00:00:00Z, by default the computer's. stapel.h says what each call means, and what it raises.
"""

from __future__ import annotations

import ctypes as c
import dataclasses
import datetime
import itertools
import json
import math
import operator
import os
import threading
import time
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import Any, TypeVar

from . import _abi
from ._abi import library as _library

__all__ = [
    "Address",
    "Addresses",
    "AgendaItem",
    "Answer",
    "AnswerRow",
    "Broker",
    "Case",
    "Change",
    "Changed",
    "ClosedError",
    "Conversation",
    "Findings",
    "How",
    "Introduced",
    "Level",
    "LogEntry",
    "News",
    "Next",
    "Note",
    "NoteCopy",
    "NoteKind",
    "NoteProgress",
    "Partner",
    "Position",
    "PutForward",
    "PutForwardByOther",
    "Receipt",
    "Register",
    "RegisterEntry",
    "Rejection",
    "Row",
    "Standing",
    "StandingKind",
    "StapelError",
    "TalkNews",
    "TalkNewsKind",
    "Talked",
    "TalkedKind",
    "Totals",
    "TotalsCell",
    "YearCell",
    "address",
    "address_of_fields",
    "open_handles",
    "standings",
    "version",
]

Path = str | os.PathLike[str]
Text = str | bytes
Bytes = bytes | bytearray | memoryview
_T = TypeVar("_T", bound="_Handle")
_R = TypeVar("_R")


class StapelError(Exception):
    """A call failed. `code` is stable, such as "folder_in_use": the same in every language and version.

    `number`: of a home that was refused, the canonical form of its house number, where that is certain; else None.
    """

    def __init__(self, status: int, message: str, number: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = _code(status)
        self.number = number

    def __str__(self) -> str:
        return f"{self.code}: {super().__str__()}"


class ClosedError(ValueError):
    """Something was used after it was closed."""


class Level(IntEnum):
    """How much of an address a row names."""

    NONE = 0  # the row was refused
    UNIT = 1  # one home
    NUMBER = 2  # one house number


class How(IntEnum):
    """How an address was found in a register."""

    NONE = 0  # it was read without a register, or refused
    REGISTERED = 1  # as it was given; the register has it
    BY_ID = 2  # by its BAG id
    COMPLETED = 3  # from street, number and town, which only one address has
    STREET = 4  # by the name of its street, without which it could not be told which number is the house's
    OTHER_SPELLING = 5  # the register has only another spelling of that floor, as H for hs
    UNREGISTERED = 6  # as it was given; the register has no such address
    WITHDRAWN = 7  # as it was given; the register says that the address was withdrawn


class TalkedKind(IntEnum):
    """What the broker said of what comes after a hit."""

    KEPT = 7  # it keeps what is put forward, or the report of a year
    POSTED = 8  # what waited at it, such as introductions and notes
    TOTALS = 9  # how many of the organisation's flags are stacked


class TalkNewsKind(IntEnum):
    """What is new of what comes after a hit."""

    OTHER = 0
    ASKED = 1  # somebody put forward what this partner flags too: Partner.answer
    INTRODUCED = 2  # this partner was introduced to another
    NOTE = 3  # a note came
    DECISION = 4  # the coordinator decided
    LEFT = 5  # another left
    ROW_ENDED = 6  # what is put forward ended with its epoch: put it forward again
    ROW_WIDER = 7  # the policy lets more know of it than was agreed to: put it forward again
    NEVER_CERTIFIED = 8  # something of another was passed over, as no certificate of it came: ask its organisation why
    REFUSED = 9  # a note of another was passed over: its writer may not say what it says
    UNREADABLE = 10  # something of another was not read here, and it does not know: ask it to write anew


class NoteKind(IntEnum):
    """What a note is."""

    OTHER = 0
    TEXT = 1
    ADDRESS = 2  # which address the conversation is about: what the coordinator is told
    LEAD = 3  # who leads from now on
    OUTCOME = 4  # how it ended
    DECISION = 5  # what the coordinator decided


class NoteProgress(IntEnum):
    """How far an own note came."""

    OTHER = 0
    WAITING = 1  # it goes with the next exchange
    PUT_OFF = 2  # the broker did not take it on that day; it goes on the next
    KEPT = 3  # the broker has it
    READ = 4  # the other says that it read it
    NOT_INTRODUCED = 5  # the broker did not take it: one of the two left


class StandingKind(IntEnum):
    """What a standing says."""

    NONE = 0
    REFUSED = 1
    BELOW_THRESHOLD = 2
    NO_OWN_FLAG = 3
    STACKED = 4
    AT_LEAST = 5
    COUNT = 6


class Next(IntEnum):
    """What to do after a rejection."""

    NOTHING = 0
    AGAIN = 1
    RESEND = 2
    FETCH_POLICY = 3
    WAIT = 4
    DECLARE_SHRINK = 5
    RENEW = 6
    SET_CLOCK = 7
    ASK_COORDINATOR = 8
    END = 9


class Change(IntEnum):
    """What changed."""

    NEWLY_STACKED = 1
    COUNT_CHANGED = 2
    NO_LONGER_STACKED = 3


@dataclass(frozen=True, slots=True)
class Case:
    """Who acts, and for which case. Stays in the partner's own journal."""

    actor: str
    reference: str = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        for name, text in (("actor", self.actor), ("reference", self.reference)):
            if not isinstance(text, str):
                raise _not_a("a str", text, name)


@dataclass(frozen=True, slots=True)
class Address:
    """The canonical forms of one address: of the home, and of the house number, None for a home without a postcode."""

    unit: str
    number: str | None
    how: How


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row. `code` is None, or why the address was refused.

    `typed` is the address as it was given, None of a refused row. `number` is the canonical form of the house number; a
    refused row has it where that is certain. What people wrote, `typed` and `reference`, is in no repr, here and below.
    """

    index: int
    reference: str | None = dataclasses.field(repr=False)
    canonical: str | None
    typed: str | None = dataclasses.field(repr=False)
    number: str | None
    level: Level
    how: How
    code: str | None
    field: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """An address as a register has it. Texts that it does not have are empty."""

    canonical: str
    street: str
    town: str
    postcode: str
    number: int
    letter: str
    addition: str
    id: str  # of the nummeraanduiding
    object: str  # the id of the verblijfsobject, ligplaats or standplaats
    building: str  # the id of the pand
    at: tuple[float, float] | None  # latitude and longitude in degrees (ETRS89)
    is_secondary: bool
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """What a register says of an address: its entries, those that were withdrawn among them.

    `now`: where all were withdrawn, the address that their object has now, if it has one.
    """

    entries: list[RegisterEntry]
    now: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a call changed over the partner's flags, in numbers of addresses."""

    added: int
    changed: int
    withdrawn: int
    unchanged: int
    lapsed: int
    refused: int
    repeated: int  # rows of which another row names the same address: each address counts once


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of one address. `count` is 0 where its kind has none."""

    kind: StandingKind
    count: int = 0

    @property
    def is_stacked(self) -> bool:
        return self.kind >= StandingKind.STACKED

    def __str__(self) -> str:
        return _WORDS[self.kind].format(self.count)


_WORDS = ["not answered", "refused", "below threshold", "no own flag", "stacked", "stacked at least {}", "stacked {}"]

# The standing that two bytes stand for, low byte first: a million of them are so many references to few objects.
_STANDINGS: dict[int, Standing] = {}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The line of the broker's audit log that a reply was logged with."""

    index: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was delivered was accepted, and is kept."""

    release: int
    added: int
    changed: int
    withdrawn: int
    held: int
    part: int
    parts: int
    log: LogEntry


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partner stands with the broker. `complaint` is the code of what is wrong with its audit log, or None."""

    release: int
    as_of: int
    until: int
    accepted_state: int
    highest_state: int
    highest_question: int
    held: int
    new_flags_left: int
    first_sets_left: int
    held_left: int
    asked_left_today: int
    asked_left_epoch: int
    swept_left_today: int
    status_left_today: int
    full_set_required: bool
    complaint: str | None
    complaint_text: str | None
    log: LogEntry


@dataclass(frozen=True, slots=True)
class TotalsCell:
    """How many of the flags are stacked by `from_` to `to` organisations, in tens. `to` None: all above."""

    from_: int
    to: int | None
    number: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How many of the organisation's flags are stacked. `flags` is rounded down to tens; under 100 there are no
    cells."""

    release: int
    as_of: int
    year: int
    quarter: int
    flags: int
    cells: list[TotalsCell]


@dataclass(frozen=True, slots=True)
class YearCell:
    """How many of a year's conversations went in these ways: open, taken_up_together, taken_up_by_one, not_taken_up,
    nothing_found. One of all ways with 0 says that they are fewer than ten together."""

    ways: list[str]
    number: int


_WAYS = ["open", "taken_up_together", "taken_up_by_one", "not_taken_up", "nothing_found"]


@dataclass(frozen=True, slots=True)
class PutForward:
    """An own flag that is put forward. `stands_until`: None where the broker does not have it yet.

    Where its epoch `ended`, or the policy lets `more` organisations know than was agreed to, it is put forward again.
    """

    canonical: str
    typed: str | None = dataclasses.field(repr=False)
    level: Level
    since: datetime.date
    epoch: int
    ended: bool
    more: list[str]
    stands_until: datetime.date | None


@dataclass(frozen=True, slots=True)
class PutForwardByOther:
    """An own flag that somebody else put forward; who did is not said. `answer`: join, not_now, review, or None."""

    canonical: str
    typed: str | None = dataclasses.field(repr=False)
    level: Level
    day: datetime.date
    answer_by: datetime.date
    answer: str | None
    answered: datetime.date | None
    is_put_forward: bool


@dataclass(frozen=True, slots=True)
class TalkNews:
    """Something new of what comes after a hit.

    `canonical`: the address, also of what is in a conversation; None at the coordinator, and of NEVER_CERTIFIED.
    `answer_by`: of ASKED. `actor` and `case_reference`: who put the address forward here last, and for which case;
    None where nobody did. `more`: of ROW_WIDER, the organisations that the policy lets know too.
    """

    kind: TalkNewsKind
    conversation: int | None
    partner: int | None
    name: str | None
    canonical: str | None
    typed: str | None = dataclasses.field(repr=False)
    answer_by: datetime.date | None
    actor: str | None = dataclasses.field(repr=False)
    case_reference: str | None = dataclasses.field(repr=False)
    more: list[str]


@dataclass(frozen=True, slots=True)
class Introduced:
    """Somebody that this partner was introduced to. `name` and `organisation`: None where it is in the roster no
    longer. `since`: None in AgendaItem.left. `misses_note`: a later one came."""

    partner: int
    name: str | None
    organisation: str | None
    since: datetime.date | None
    left: datetime.date | None
    misses_note: bool


@dataclass(frozen=True, slots=True)
class NoteCopy:
    """An own note to one partner. Of PUT_OFF: `put_off`, the day, and `reason`: `day_spent`, where the organisation's
    notes of that day were spent, or `too_many_wait` for the other."""

    to: int
    progress: NoteProgress
    put_off: datetime.date | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """A note in a conversation, of `from_`, or of this partner where that is None. `time` is by its writer's clock.

    What its kind does not have is None: ADDRESS has `canonical` and perhaps `typed`, LEAD and DECISION `lead`, OUTCOME
    `outcome`, DECISION perhaps `next`. What people wrote is in no repr.
    """

    kind: NoteKind
    from_: int | None
    lead: int | None
    time: int
    text: str | None = dataclasses.field(repr=False)
    canonical: str | None = dataclasses.field(repr=False)
    typed: str | None = dataclasses.field(repr=False)
    outcome: str | None
    next: datetime.date | None
    copies: list[NoteCopy]


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that those who were introduced over one address said to each other.

    `canonical`: None at the coordinator, who has it from a note. `outcome`: how it ended, as was said last.
    """

    number: int
    epoch: int
    canonical: str | None
    typed: str | None = dataclasses.field(repr=False)
    began: datetime.date
    lead: int | None
    outcome: str | None
    decision: str | None = dataclasses.field(repr=False)
    decided_at: int | None
    next: datetime.date | None
    left: datetime.date | None
    introduced: list[Introduced]
    notes: list[Note]


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """A conversation on the coordinator's agenda, or one that was.

    `addresses`: canonical and typed, as notes said them.
    `waits_for`: `first_decision`, `joined`, `note`, `next_day` or `leader_left`; None where it does not wait for the
    coordinator. `ended`: `all_said`, `closed`, `all_left` or `coordinator_left`; None where it is on the agenda.
    `left`: who joined and left again.
    """

    conversation: int
    is_new: bool
    began: datetime.date
    waiting_since: datetime.date | None
    waits_for: str | None
    ended: str | None
    ended_on: datetime.date | None
    lead: int | None
    decision: str | None = dataclasses.field(repr=False)
    next: datetime.date | None
    outcome: str | None
    joined: list[Introduced]
    left: list[Introduced]
    addresses: list[tuple[str, str | None]] = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class Talked:
    """What the broker said of what comes after a hit. What its kind does not speak of is 0. `complaint` is the code of
    what is wrong with an introduction, or None. `totals`: those of TOTALS, else None."""

    kind: TalkedKind
    kept: int
    unflagged: int
    added: int
    new_left: int
    held_left: int
    news: int
    passed_over: int
    more: bool
    complaint: str | None
    complaint_text: str | None
    log: LogEntry
    totals: Totals | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message was not accepted. Nothing changed where it is `late` (no longer waited for) or a `hint` (unsigned)."""

    code: str
    next: Next
    number: int
    sentence: str
    late: bool
    hint: bool
    log: LogEntry


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One row of an answer. `typed` is the address as it was written when it was asked about or flagged, or None."""

    canonical: str
    typed: str | None = dataclasses.field(repr=False)
    level: Level
    standing: Standing


@dataclass(frozen=True, slots=True)
class News:
    """A change over one of the partner's own addresses. `typed` is how it was written when it was flagged, or None."""

    canonical: str
    typed: str | None = dataclasses.field(repr=False)
    level: Level
    change: Change
    before: Standing
    now: Standing


def version() -> str:
    """The version of the library."""
    return str(_library.stapel_version().decode())


def open_handles() -> int:
    """How many handles are open, of all kinds."""
    count = c.c_size_t()
    _call("open_handles", c.byref(count))
    return count.value


def address(text: Text, *, register: Register | None = None) -> Address:
    """Reads one address as people write it. With a register also a BAG id, or street, number and town."""
    return _read_address("address_from_text", register, *_text(text, "text"))


def address_of_fields(
    postcode: Text,
    number: Text,
    letter: Text = "",
    addition: Text = "",
    *,
    street: Text = "",
    town: Text = "",
    register: Register | None = None,
) -> Address:
    """Reads the separate fields of one address; any may be empty.

    With a register, street and town are used where there is no postcode.
    """
    fields = {"postcode": postcode, "number": number, "letter": letter, "addition": addition, "street": street,
        "town": town}
    given = [_str(text, name) for name, text in fields.items()]
    return _read_address("address_from_fields", register, c.byref(_abi.Fields(*given)))


def _read_address(function: str, register: Register | None, *arguments: Any) -> Address:
    made = _abi.Address()
    try:
        _call(function, _register(register), *arguments, c.byref(made))
    except StapelError as error:
        error.number = made.number.decode() or None
        raise
    return Address(made.unit.decode(), made.number.decode() or None, How(made.how))


class _Owned:
    """What the library made, and who is using it: freed once it was closed and nobody uses it any more.

    Texts that a call gives are the library's, and are read after the call: so it is used for longer than a call.
    """

    def __init__(self, free: Any, raw: c.c_void_p, name: str) -> None:
        self._free, self._raw, self._name = free, raw, name
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False

    def __enter__(self) -> c.c_void_p:
        with self._lock:
            if self._closed:
                raise ClosedError(f"the {self._name} was closed")
            self._users += 1
        return self._raw

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None) -> None:
        with self._lock:
            self._users -= 1
            is_last = self._closed and self._users == 0
        if is_last:
            self._free(self._raw)

    def close(self) -> None:
        with self._lock:
            is_last = not self._closed and self._users == 0
            self._closed = True
        if is_last:
            self._free(self._raw)


class _Handle:
    """Owns a handle, and frees it once."""

    _free: str

    def __init__(self, raw: c.c_void_p) -> None:
        self._owned = _Owned(getattr(_library, "stapel_" + self._free), raw, type(self).__name__)
        self._finalizer = weakref.finalize(self, self._owned.close)

    def close(self) -> None:
        """Frees it, once the calls on other threads that use it have ended. Doing so twice is harmless."""
        self._finalizer()

    @property
    def closed(self) -> bool:
        return not self._finalizer.alive

    def __enter__(self: _T) -> _T:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None) -> None:
        self.close()


class Register(_Handle):
    """A local register of the addresses that exist (BAG), which `stapel register build` made.

    Open it once. Any thread may use it. What is looked up stays in the process.
    """

    _free = "register_free"

    def __init__(self, file: Path) -> None:
        super().__init__(_make("register_open", *_path(file)))

    def __len__(self) -> int:
        """How many addresses it has, those that were withdrawn included."""
        return int(self._about().addresses)

    @property
    def withdrawn(self) -> int:
        """How many of its addresses were withdrawn."""
        return int(self._about().withdrawn)

    @property
    def source_day(self) -> datetime.date:
        """The day of the extract that it was built from."""
        return datetime.date.fromisoformat(self._about().source_day.decode())

    def look_up(self, canonical: str) -> Findings:
        """What it says of a canonical form, such as that of a row."""
        return _take_findings(_make("register_look_up", self, *_text(canonical, "canonical")))

    def _about(self) -> _abi.RegisterAbout:
        about = _abi.RegisterAbout()
        _call("register_describe", self, c.byref(about))
        return about


class Addresses(_Handle, Sequence[Row]):
    """Rows of addresses that were read, as a sequence of Row."""

    _free = "addresses_free"

    @classmethod
    def from_texts(
        cls, texts: Iterable[Text], references: Iterable[Text] | None = None, *, register: Register | None = None
    ) -> Addresses:
        """Reads addresses as people write them, or with a register BAG ids.

        A row that is refused does not stop the others.
        """
        column, count = _pack(texts, "texts")
        names = _references(references, count)
        return cls(_make("addresses_from_packed_texts", _register(register), c.byref(column), names, count))

    @classmethod
    def from_fields(
        cls,
        postcodes: Iterable[Text],
        numbers: Iterable[Text],
        letters: Iterable[Text],
        additions: Iterable[Text],
        references: Iterable[Text] | None = None,
        *,
        streets: Iterable[Text] | None = None,
        towns: Iterable[Text] | None = None,
        register: Register | None = None,
    ) -> Addresses:
        """Reads separate fields, a column of each; any text may be empty.

        With a register, streets and towns are used where there is no postcode.
        """
        fields = {"postcodes": postcodes, "numbers": numbers, "letters": letters, "additions": additions}
        packed = [_pack(column, name) for name, column in fields.items()]
        count = packed[0][1]
        for name, column in (("streets", streets), ("towns", towns)):
            packed.append((_abi.Packed(), count) if column is None else _pack(column, name))
        if any(rows != count for _, rows in packed):
            raise ValueError("the columns must be equally long")
        columns, names = _abi.PackedFields(*(column for column, _ in packed)), _references(references, count)
        return cls(_make("addresses_from_packed_fields", _register(register), c.byref(columns), names, count))

    def numbers(self) -> Addresses:
        """The house numbers that these homes are in, row by row."""
        return Addresses(_make("addresses_numbers", self))

    def refused_numbers(self) -> Addresses:
        """The house numbers of the refused rows where only the home is not certain; with a register those it has.

        They count for that number alone, and for no home, where the policy counts the level `number`.
        """
        return Addresses(_make("addresses_refused_numbers", self))

    def pick(self, indices: Iterable[int]) -> Addresses:
        """Some of the rows, by their index and in that order: to withdraw one of Partner.flags(), for example."""
        count, rows = len(self), array("Q")
        for index in indices:
            if not 0 <= index < count:
                raise IndexError(index)
            rows.append(index)
        return Addresses(_make("addresses_pick", self, rows.buffer_info()[0], len(rows)))

    def canonical(self) -> list[str | None]:
        """The canonical form of each row, None of a refused one: in one call."""
        lines = _take_buffer(_make("addresses_lines", self)).decode().split("\n")
        return [line or None for line in lines[:-1]]

    def how_counts(self) -> dict[How, int]:
        """How many rows were found in the register in each way.

        Show UNREGISTERED and WITHDRAWN to somebody: these are flagged and asked about as they were given.
        """
        counts = _abi.HowCounts()
        _call("addresses_how_counts", self, c.byref(counts))
        return {How[name.upper()]: getattr(counts, name) for name, *_ in _abi.HowCounts._fields_}

    def refused(self) -> Iterator[Row]:
        """The rows that were refused."""
        for index in range(self._counts()[1]):
            yield self._row("addresses_refused_row", index)

    def __len__(self) -> int:
        return self._counts()[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        count, at = len(self), operator.index(index)
        at = at + count if at < 0 else at
        if not 0 <= at < count:
            raise IndexError(index)
        return self._row("addresses_row", at)

    def __iter__(self) -> Iterator[Row]:
        for index in range(len(self)):
            yield self._row("addresses_row", index)

    def _counts(self) -> tuple[int, int]:
        rows, refused = c.c_size_t(), c.c_size_t()
        _call("addresses_count", self, c.byref(rows), c.byref(refused))
        return rows.value, refused.value

    def _row(self, function: str, index: int) -> Row:
        row = _abi.Row()
        with self._owned as raw:
            _call(function, raw, index, c.byref(row))
            code = None if row.status == 0 else _code(row.status)
            return Row(
                row.row,
                row.reference.text(),
                row.canonical.text(),
                row.typed.text(),
                row.number.text(),
                Level(row.level),
                How(row.how),
                code,
                row.field.text(),
                row.message.text(),
            )


class Answer(_Handle, Iterable[AnswerRow]):
    """The standings that were asked: what the answer says of itself, and its rows in the order of the question."""

    _free = "reply_free"

    def __init__(self, raw: c.c_void_p) -> None:
        super().__init__(raw)
        head = _abi.Answer()
        _call("reply_answer", raw, c.byref(head))
        self.by = Case(head.actor.text() or "", head.reference.text() or "")
        self.epoch: int = head.epoch
        self.release: int = head.release
        self.as_of: int = head.as_of
        self.until: int = head.until
        self.organisations: int = head.organisations
        self.fresh: int = head.fresh
        self.log = _log(head.log)
        self._rows: int = head.rows

    def standings(self, rows: Addresses) -> list[Standing]:
        """The standing of each row. Where a question was cut into several, use the function `standings`."""
        return standings(rows, [self])

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[AnswerRow]:
        for index in range(self._rows):
            row = _abi.AnswerRow()
            with self._owned as raw:
                _call("reply_row", raw, index, c.byref(row))
                canonical, typed = row.canonical.text() or "", row.typed.text()
            standing = _standing(row.standing.kind | row.standing.count << 8)
            yield AnswerRow(canonical, typed, Level(row.level), standing)


Reply = Receipt | Answer | Position | Rejection | Talked


def standings(rows: Addresses, replies: Iterable[Reply]) -> list[Standing]:
    """The standing of each row, from the answers among the replies to a question, whole or cut into several."""
    count = len(_addresses(rows, "rows"))
    told = (_abi.Standing * max(count, 1))()
    for at, reply in enumerate(replies):
        if not isinstance(reply, Reply):
            # An answer alone is one too: its rows are no replies, and all would pass for not answered.
            raise _not_a("a reply that was read", reply, f"replies[{at}]")
        if isinstance(reply, Answer):
            _call("reply_standings", reply, rows, told, count)
    pairs = bytes(told)
    return [_standing(kind | number << 8) for kind, number in zip(pairs[: 2 * count : 2], pairs[1 : 2 * count : 2])]


class Partner(_Handle):
    """A partner with its folder open. One at a time, of all processes, can have a folder open.

    What is secret may be in a folder of its own, `keys`, so that no copy of the other need hold it. It is named again
    wherever the other is.

    Where another has it open, it is waited for up to about `wait` seconds, in turn with others that wait; 0 is not at
    all.
    """

    _free = "partner_free"

    def __init__(self, folder: Path, *, keys: Path | None = None, wait: float = 5.0) -> None:
        super().__init__(_make("partner_open", *_path(folder), *_keys(keys), _milliseconds(wait, "wait")))

    @staticmethod
    def init(folder: Path, number: int, *, keys: Path | None = None) -> str:
        """Makes the folder of a new partner. Gives its verifying key, for the coordinator."""
        number = _integer(number, 16, "number")
        return _take_buffer(_make("partner_init", *_path(folder), *_keys(keys), number)).decode()

    @staticmethod
    def join(folder: Path, policy_file: Path, *, keys: Path | None = None) -> None:
        """Copies a first policy, with the signatures beside it, into the folder."""
        _call("partner_join", *_path(folder), *_keys(keys), *_path(policy_file))

    def adopt_policy(self, policy_file: Path, *, now: int | None = None) -> None:
        _call("partner_adopt_policy", self, *_path(policy_file), _now(now))

    def add_secret(self, secret_file: Path) -> None:
        _call("partner_add_secret", self, *_path(secret_file))

    @property
    def number(self) -> int:
        """Its number in the roster."""
        number = c.c_uint16()
        _call("partner_number", self, c.byref(number))
        return number.value

    @property
    def undelivered(self) -> int:
        """How many of its flags are in no delivery yet.

        Those since the last one, and those that wait for the policy's budgets.
        """
        count = c.c_size_t()
        _call("partner_undelivered", self, c.byref(count))
        return count.value

    def flags(self) -> Addresses:
        """The homes that the partner flags."""
        return Addresses(_make("partner_flags", self))

    def flag(self, homes: Addresses, by: Case, *, until: str | None = None, now: int | None = None) -> Changed:
        """Flags homes, through the latest day that the policy has, or through `until`, such as "2027-05-31"."""
        if until is None:
            return self._change("partner_flag", homes, by=by, now=now)
        return self._change("partner_flag_until", homes, *_text(until, "until"), by=by, now=now)

    def renew(self, homes: Addresses, reason: str, by: Case, *, now: int | None = None) -> Changed:
        """`reason`: observed_again, being_acted_on, procedure_pending or under_supervision."""
        return self._change("partner_renew", homes, *_text(reason, "reason"), by=by, now=now)

    def accept_clock(self, by: Case, *, now: int | None = None) -> int:
        """Says that somebody saw that the clock is right, where calls fail with `clock` or `clock_ahead`.

        How many flags end with that, because their last valid day has passed.
        """
        ended = c.c_size_t()
        _call("partner_accept_clock", self, _case(by), _now(now), c.byref(ended))
        return ended.value

    def withdraw(self, homes: Addresses, by: Case, *, now: int | None = None) -> Changed:
        return self._change("partner_withdraw", homes, by=by, now=now)

    def replace_all(self, homes: Addresses, by: Case, *, allow_shrink: bool = False, now: int | None = None) -> Changed:
        """Makes the flags exactly those of `homes`: a full set."""
        return self._change("partner_replace_all", homes, _flag(allow_shrink, "allow_shrink"), by=by, now=now)

    def deliver(self, *, now: int | None = None) -> list[bytes]:
        """The messages that bring the broker up to date, in the order in which it must get them."""
        return _take_messages(_make("partner_deliver", self, _now(now)))

    def confirm(self, *, now: int | None = None) -> list[bytes]:
        return _take_messages(_make("partner_confirm", self, _now(now)))

    def ask(self, rows: Addresses, by: Case, *, now: int | None = None) -> list[bytes]:
        """The questions for the standings of rows."""
        return _take_messages(_make("partner_ask", self, _addresses(rows, "rows"), _case(by), _now(now)))

    def ask_own(self, by: Case, *, now: int | None = None) -> list[bytes]:
        return _take_messages(_make("partner_ask_own", self, _case(by), _now(now)))

    def sweep(self, rows: Addresses, reason: str, by: Case, *, now: int | None = None) -> list[bytes]:
        rows, why = _addresses(rows, "rows"), _text(reason, "reason")
        return _take_messages(_make("partner_sweep", self, rows, *why, _case(by), _now(now)))

    def status(self, *, now: int | None = None) -> list[bytes]:
        """The request where the partner stands with the broker: one message."""
        return _take_messages(_make("partner_status", self, _now(now)))

    def in_flight(self) -> list[bytes]:
        """The messages whose replies were not read yet: to send them after a program ended in between."""
        return _take_messages(_make("partner_in_flight", self))

    def read(self, reply: Bytes, *, now: int | None = None) -> Reply:
        """Reads a reply of the broker. A Rejection is a reply, and raises nothing."""
        return _reply(_make("partner_read", self, *_bytes(reply, "reply"), _now(now)))

    def give_up(self, message: Bytes, *, now: int | None = None) -> None:
        _call("partner_give_up", self, *_bytes(message, "message"), _now(now))

    def news(self) -> list[News]:
        """What changed between the answers that were read when this was called last, and those read since."""
        return _take_news(_make("partner_news", self))

    def put_forward(self, homes: Addresses, by: Case, *, now: int | None = None) -> int:
        """Puts own flags forward, until they are taken back or end. How many were not put forward yet."""
        return self._count("partner_put_forward", homes, by, now)

    def take_back(self, homes: Addresses, by: Case, *, now: int | None = None) -> int:
        """Takes back what was put forward; who was introduced stays so. How many were."""
        return self._count("partner_take_back", homes, by, now)

    def forwarded(self, by: Case, *, now: int | None = None) -> list[PutForward]:
        """What is put forward, for a person to be shown, whom the journal has."""
        made = _make("partner_forwarded", self, _case(by), _now(now))
        return _take_list("forwarded", made, _abi.ForwardedRow, _forwarded)

    def asked(self, by: Case, *, now: int | None = None) -> list[PutForwardByOther]:
        """What others put forward that this partner flags too, for a person to be shown, whom the journal has."""
        return _take_list("asked", _make("partner_asked", self, _case(by), _now(now)), _abi.AskedRow, _asked)

    def answer(self, canonical: str, answer: str, by: Case, *, now: int | None = None) -> None:
        """Answers where another put an own flag forward: `join` puts it forward too; `not_now`, `review`."""
        texts = *_text(canonical, "canonical"), *_text(answer, "answer")
        _call("partner_answer", self, *texts, _case(by), _now(now))

    def talk(self, *, now: int | None = None) -> bytes | None:
        """The next message of what comes after a hit, or None: call it until then, once a day or more often.

        Carry each message, and read its reply before the next call.
        """
        return next(iter(_take_messages(_make("partner_talk", self, _now(now)))), None)

    def talk_news(self, by: Case, *, now: int | None = None) -> list[TalkNews]:
        """What is new of what comes after a hit, told once, for a person to be shown, whom the journal has.

        At most 500 at a time, the oldest first: where there are as many, call it again.
        """
        made = _make("partner_talk_news", self, _case(by), _now(now))
        return _take_list("talk_news", made, _abi.TalkNewsRow, _talk_news)

    def conversations(self, by: Case, *, number: int = 0, now: int | None = None) -> list[Conversation]:
        """All conversations, or that of a number, for a person to be shown, whom the journal has."""
        number = _integer(number, 32, "number")
        return _take_conversations(_make("partner_conversations", self, number, _case(by), _now(now)))

    def write_text(
        self, conversation: int, text: str, by: Case, *, to: int | None = None, now: int | None = None
    ) -> None:
        """Writes a text in a conversation, to all of it or to one partner."""
        self._write("text", conversation, _partner(to, "to"), *_text(text, "text"), by=by, now=now)

    def write_lead(self, conversation: int, lead: int, by: Case, *, text: str = "", now: int | None = None) -> None:
        """Says who leads: this partner, where nobody does, or whom it hands the lead over to."""
        self._write("lead", conversation, _partner(lead, "lead"), *_text(text, "text"), by=by, now=now)

    def write_outcome(
        self, conversation: int, outcome: str, by: Case, *, text: str = "", now: int | None = None
    ) -> None:
        """`outcome`: taken_up_together, taken_up_by_one, not_taken_up, nothing_found or wrong_signal."""
        self._write("outcome", conversation, *_text(outcome, "outcome"), *_text(text, "text"), by=by, now=now)

    def write_decision(
        self,
        conversation: int,
        text: str,
        by: Case,
        *,
        lead: int | None = None,
        next: datetime.date | None = None,
        now: int | None = None,
    ) -> None:
        """Writes what the coordinator decides; `lead` leads, `next` is when it is looked at next."""
        day = "" if next is None else _day(next)
        leads = _partner(lead, "lead")
        self._write("decision", conversation, leads, *_text(day, "next"), *_text(text, "text"), by=by, now=now)

    def leave(self, conversation: int, by: Case, *, now: int | None = None) -> None:
        """Leaves a conversation: nobody can write to this partner there any more."""
        _call("partner_leave", self, _integer(conversation, 32, "conversation"), _case(by), _now(now))

    def agenda(self, by: Case, *, now: int | None = None) -> list[AgendaItem]:
        """The coordinator's agenda, for a person to be shown, whom the journal has."""
        return _take_agenda(_make("partner_agenda", self, _case(by), _now(now)))

    def totals(self, *, now: int | None = None) -> list[bytes]:
        """The request how many of the organisation's flags are stacked, where the policy answers no more."""
        return _take_messages(_make("partner_totals", self, _now(now)))

    def year_cells(self, year: int) -> list[YearCell]:
        """How the conversations went that began in a year, as report_year() reports it."""
        cells, count = (_abi.YearCell * 5)(), c.c_size_t()
        _call("partner_year_cells", self, _integer(year, 16, "year"), cells, len(cells), c.byref(count))
        ways = [[way for bit, way in enumerate(_WAYS) if cell.ways >> bit & 1] for cell in cells]
        return [YearCell(ways[at], cells[at].number) for at in range(count.value)]

    def report_year(self, year: int, *, now: int | None = None) -> list[bytes]:
        """The report of a year that is over, which is made once: one message."""
        return _take_messages(_make("partner_report_year", self, _integer(year, 16, "year"), _now(now)))

    def _count(self, function: str, homes: Addresses, by: Case, now: int | None) -> int:
        count = c.c_size_t()
        _call(function, self, _addresses(homes, "homes"), _case(by), _now(now), c.byref(count))
        return count.value

    def _write(self, kind: str, conversation: int, *arguments: Any, by: Case, now: int | None) -> None:
        conversation = _integer(conversation, 32, "conversation")
        _call(f"partner_write_{kind}", self, conversation, *arguments, _case(by), _now(now))

    def _change(self, function: str, homes: Addresses, *arguments: Any, by: Case, now: int | None) -> Changed:
        changed = _abi.Changed()
        _call(function, self, _addresses(homes, "homes"), *arguments, _case(by), _now(now), c.byref(changed))
        return Changed(*(getattr(changed, name) for name, *_ in _abi.Changed._fields_))


class Broker(_Handle):
    """A broker with its store open."""

    _free = "broker_free"

    def __init__(self, folder: Path, keys: Path) -> None:
        super().__init__(_make("broker_open", *_path(folder), *_path(keys)))

    @staticmethod
    def init_keys(keys: Path) -> tuple[str, str]:
        """Draws a broker's keys. Gives the verifying key and the checkpoint key, for the policy."""
        verifying, checkpoint = c.c_void_p(), c.c_void_p()
        _call("broker_init_keys", *_path(keys), c.byref(verifying), c.byref(checkpoint))
        return _take_buffer(verifying).decode(), _take_buffer(checkpoint).decode()

    @classmethod
    def create(cls, folder: Path, keys: Path, policy_file: Path, *, now: int | None = None) -> Broker:
        """Makes a broker in a folder."""
        broker = cls.__new__(cls)
        _Handle.__init__(broker, _make("broker_create", *_path(folder), *_path(keys), *_path(policy_file), _now(now)))
        return broker

    def handle(self, message: Bytes, *, now: int | None = None) -> bytes:
        """Takes a message, and gives the reply to carry back. Whatever the bytes, there is a reply."""
        return _take_buffer(_make("broker_handle", self, *_bytes(message, "message"), _now(now)))

    def certify(self, file: Path, *, now: int | None = None) -> None:
        """Keeps a certificate or a suspension of a partner. One that was kept before is no error."""
        _call("broker_certify", self, *_path(file), _now(now))

    def release(self, *, accept_clock: bool = False, now: int | None = None) -> list[dict[str, Any]]:
        """Makes the releases that are due: once a day."""
        made: list[dict[str, Any]] = json.loads(
            _take_buffer(_make("broker_release", self, _now(now), _flag(accept_clock, "accept_clock")))
        )
        return made

    def status(self) -> dict[str, Any]:
        """Numbers for the operator."""
        numbers: dict[str, Any] = json.loads(_take_buffer(_make("broker_status", self)))
        return numbers


def _code(status: int) -> str:
    return str(_library.stapel_status_code(status).decode())


def _call(function: str, *arguments: Any) -> None:
    with ExitStack() as used:
        raw = [used.enter_context(one._owned) if isinstance(one, _Handle) else one for one in arguments]
        status = getattr(_library, "stapel_" + function)(*raw)
        if status != 0:
            raise StapelError(status, _library.stapel_last_error_message().decode())


def _make(function: str, *arguments: Any) -> c.c_void_p:
    """Calls a function whose last argument is what it makes."""
    made = c.c_void_p()
    _call(function, *arguments, c.byref(made))
    return made


def _now(now: int | None) -> int:
    return int(time.time()) if now is None else _integer(now, 64, "now")


def _integer(number: int, bits: int, name: str) -> int:
    """A number that fits: ctypes would hand over another one in the place of one that does not."""
    if isinstance(number, bool):
        raise TypeError(f"{name} must be an int, and not a bool")
    number = operator.index(number)
    if not 0 <= number < 1 << bits:
        raise ValueError(f"{name} must be from 0 to {(1 << bits) - 1}")
    return number


def _milliseconds(seconds: float, name: str) -> int:
    """The milliseconds of some seconds, which fit 32 bits: up to those of a day."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise _not_a("a number of seconds", seconds, name)
    if not 0 <= seconds <= 86_400:
        raise ValueError(f"{name} must be from 0 to 86400 seconds")
    return math.ceil(seconds * 1_000)


def _flag(flag: bool, name: str) -> bool:
    """True or False, and nothing that only counts as one of them: the text "false" would count as True."""
    if not isinstance(flag, bool):
        raise _not_a("True or False", flag, name)
    return flag


def _not_a(wanted: str, got: object, name: str) -> TypeError:
    # The type and not the value: that may be an address.
    return TypeError(f"{name} must be {wanted}, and not of type {type(got).__name__}")


def _addresses(rows: Addresses, name: str) -> Addresses:
    # ctypes would take a number or a text for the address of a handle.
    if not isinstance(rows, Addresses):
        raise _not_a("Addresses", rows, name)
    return rows


def _register(register: Register | None) -> Register | None:
    if register is not None and not isinstance(register, Register):
        raise _not_a("a Register", register, "register")
    return register


def _encode(text: Text, name: str) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise _not_a("a str or bytes", text, name)
    # What is no text becomes no UTF-8, of which the library says so for the row that it is in.
    return str.encode(text, "utf-8", "surrogatepass")


def _text(text: Text, name: str) -> tuple[bytes, int]:
    encoded = _encode(text, name)
    return encoded, bytes.__len__(encoded)


def _bytes(data: Bytes, name: str) -> tuple[bytes, int]:
    """All bytes of a message, and how many these are: what an object says of its own length may be in other units."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise _not_a("bytes, a bytearray or a memoryview", data, name)
    taken = memoryview(data).tobytes()
    return taken, len(taken)


def _path(path: Path) -> tuple[bytes, int]:
    return _text(os.fspath(path), "path")


def _keys(keys: Path | None) -> tuple[bytes | None, int]:
    return (None, 0) if keys is None else _path(keys)


def _str(text: Text, name: str) -> _abi.Str:
    encoded, length = _text(text, name)
    made = _abi.Str(c.cast(c.c_char_p(encoded), c.c_void_p), length)
    made._keep = encoded  # the pointer does not keep what it points to
    return made


def _case(by: Case) -> Any:
    if not isinstance(by, Case):
        raise _not_a("a Case", by, "by")
    actor, reference = _str(by.actor, "actor"), _str(by.reference, "reference")
    made = _abi.Case(actor, reference)
    made._keep = (actor, reference)
    return c.byref(made)


def _pack(texts: Iterable[Text], name: str) -> tuple[_abi.Packed, int]:
    """A column in one piece, and its number of rows."""
    if isinstance(texts, (str, bytes, bytearray, memoryview)):
        # Python gives the characters of a text one by one, each of which would be a row.
        raise _not_a("several texts", texts, name)
    rows: list[Any] = list(texts)
    encoded, length = _encode_ascii(rows), str.__len__
    if encoded is None:
        rows = [_encode(text, f"{name}[{at}]") for at, text in enumerate(rows)]
        encoded, length = b"".join(rows), bytes.__len__
    ends = array("Q", itertools.accumulate(map(length, rows))) or array("Q", [0])
    pointed = (c.c_uint64 * len(ends)).from_buffer(ends)
    return _abi.Packed(encoded, len(encoded), c.cast(pointed, c.POINTER(c.c_uint64))), len(rows)


def _encode_ascii(rows: list[Any]) -> bytes | None:
    """All texts at once, where they are as long in bytes as in characters: several times as fast as one by one."""
    try:
        joined = "".join(rows)
    except TypeError:
        return None
    return joined.encode() if joined.isascii() else None


def _references(references: Iterable[Text] | None, count: int) -> Any:
    if references is None:
        return None
    column, rows = _pack(references, "references")
    if rows != count:
        raise ValueError("there must be a reference for each row, or none")
    return c.byref(column)


def _take_bytes(function: str, *arguments: Any) -> bytes:
    start, length = c.c_void_p(), c.c_size_t()
    _call(function, *arguments, c.byref(start), c.byref(length))
    return c.string_at(start, length.value)


def _take_buffer(buffer: c.c_void_p) -> bytes:
    try:
        return _take_bytes("buffer_bytes", buffer)
    finally:
        _library.stapel_buffer_free(buffer)


def _take_messages(messages: c.c_void_p) -> list[bytes]:
    try:
        count = c.c_size_t()
        _call("messages_count", messages, c.byref(count))
        return [_take_bytes("messages_get", messages, index) for index in range(count.value)]
    finally:
        _library.stapel_messages_free(messages)


def _take_findings(findings: c.c_void_p) -> Findings:
    try:
        count, entry, now, entries = c.c_size_t(), _abi.RegisterEntry(), _abi.Str(), []
        _call("findings_count", findings, c.byref(count))
        for index in range(count.value):
            _call("findings_get", findings, index, c.byref(entry))
            values = _values(entry)
            at = values.pop("latitude"), values.pop("longitude")
            values["at"] = None if math.isnan(at[0]) else at
            for flag in ("is_secondary", "is_withdrawn"):
                values[flag] = bool(values[flag])
            entries.append(RegisterEntry(**values))
        _call("findings_now", findings, c.byref(now))
        return Findings(entries, now.text())
    finally:
        _library.stapel_findings_free(findings)


def _take_news(news: c.c_void_p) -> list[News]:
    try:
        count, row, made = c.c_size_t(), _abi.NewsRow(), []
        _call("news_count", news, c.byref(count))
        for index in range(count.value):
            _call("news_get", news, index, c.byref(row))
            before = _standing(row.before.kind | row.before.count << 8)
            now = _standing(row.now.kind | row.now.count << 8)
            canonical, typed = row.canonical.text() or "", row.typed.text()
            made.append(News(canonical, typed, Level(row.level), Change(row.change), before, now))
        return made
    finally:
        _library.stapel_news_free(news)


def _take_list(
    kind: str, made: c.c_void_p, row_type: type[c.Structure], of: Callable[[dict[str, Any]], _R]
) -> list[_R]:
    """The rows of a list, each from its values, and frees the list."""
    try:
        return [of(_values(row)) for row in _rows(kind, made, row_type)]
    finally:
        getattr(_library, f"stapel_{kind}_free")(made)


def _rows(kind: str, made: c.c_void_p, row_type: type[c.Structure]) -> Iterator[Any]:
    count = c.c_size_t()
    _call(f"{kind}_count", made, c.byref(count))
    for index in range(count.value):
        row = row_type()
        _call(f"{kind}_get", made, index, c.byref(row))
        yield row


def _part(function: str, made: c.c_void_p, row_type: type[c.Structure], *at: int) -> dict[str, Any]:
    row = row_type()
    _call(function, made, *at, c.byref(row))
    return _values(row)


def _forwarded(values: dict[str, Any]) -> PutForward:
    more = {"ended": bool(values["ended"]), "more": (values["more"] or "").split()}
    dates = _dates(values, "since", "stands_until")
    return PutForward(**values | {"level": Level(values["level"])} | more | dates)


def _asked(values: dict[str, Any]) -> PutForwardByOther:
    more = {"level": Level(values["level"]), "is_put_forward": bool(values["is_put_forward"])}
    return PutForwardByOther(**values | more | _dates(values, "day", "answer_by", "answered"))


def _talk_news(values: dict[str, Any]) -> TalkNews:
    more = {"kind": TalkNewsKind(values["kind"]), "more": (values["more"] or "").split()}
    more |= _none_if_0(values, "conversation", "partner")
    return TalkNews(**values | more | _dates(values, "answer_by"))


def _take_conversations(made: c.c_void_p) -> list[Conversation]:
    try:
        return [_conversation(made, at, row) for at, row in enumerate(_rows("conversations", made, _abi.Conversation))]
    finally:
        _library.stapel_conversations_free(made)


def _conversation(made: c.c_void_p, at: int, row: _abi.Conversation) -> Conversation:
    values = _values(row)
    values |= _none_if_0(values, "lead", "decided_at") | _dates(values, "began", "next", "left")
    values["introduced"] = [
        _introduced(_part("conversations_introduced", made, _abi.Introduced, at, who)) for who in range(row.introduced)]
    values["notes"] = [_note(made, at, number) for number in range(row.notes)]
    return Conversation(**values)


def _introduced(values: dict[str, Any]) -> Introduced:
    return Introduced(**values | {"misses_note": bool(values["misses_note"])} | _dates(values, "since", "left"))


def _note(made: c.c_void_p, at: int, number: int) -> Note:
    values = _part("conversations_note", made, _abi.Note, at, number)
    copies = []
    for copy in range(values["copies"]):
        told = _part("conversations_copy", made, _abi.NoteCopy, at, number, copy)
        copies.append(NoteCopy(**told | {"progress": NoteProgress(told["progress"])} | _dates(told, "put_off")))
    more = {"kind": NoteKind(values["kind"]), "copies": copies} | _none_if_0(values, "from_", "lead")
    return Note(**values | more | _dates(values, "next"))


def _take_agenda(made: c.c_void_p) -> list[AgendaItem]:
    try:
        items = []
        for at, row in enumerate(_rows("agenda", made, _abi.AgendaRow)):
            values = _values(row)
            values |= _none_if_0(values, "lead") | _dates(values, "began", "waiting_since", "ended_on", "next")
            values["is_new"] = bool(row.is_new)
            for name in ("joined", "left"):
                parts = (_part(f"agenda_{name}", made, _abi.Introduced, at, who) for who in range(values[name]))
                values[name] = [_introduced(part) for part in parts]
            places = [_part("agenda_address", made, _abi.AgendaPlace, at, one) for one in range(row.addresses)]
            values["addresses"] = [(place["canonical"], place["typed"]) for place in places]
            items.append(AgendaItem(**values))
        return items
    finally:
        _library.stapel_agenda_free(made)


def _totals(raw: c.c_void_p) -> Totals:
    values = _part("reply_totals", raw, _abi.Totals)
    values.pop("log")
    cells = [_part("reply_totals_cell", raw, _abi.TotalsCell, at) for at in range(values["cells"])]
    return Totals(**values | {"cells": [TotalsCell(**cell | _none_if_0(cell, "to")) for cell in cells]})


def _dates(values: dict[str, Any], *names: str) -> dict[str, datetime.date | None]:
    texts = {name: values[name] for name in names}
    return {name: None if text is None else datetime.date.fromisoformat(text) for name, text in texts.items()}


def _none_if_0(values: dict[str, Any], *names: str) -> dict[str, int | None]:
    return {name: values[name] or None for name in names}


def _day(day: datetime.date) -> str:
    # A datetime is one too, and its text has a time.
    if not isinstance(day, datetime.date) or isinstance(day, datetime.datetime):
        raise _not_a("a date", day, "next")
    return day.isoformat()


def _partner(number: int | None, name: str) -> int:
    """A partner's number, of which the library's 0 stands for none."""
    return 0 if number is None else _integer(number, 16, name)


def _standing(pair: int) -> Standing:
    standing = _STANDINGS.get(pair)
    if standing is None:
        standing = _STANDINGS[pair] = Standing(StandingKind(pair & 0xFF), pair >> 8)
    return standing


def _log(entry: _abi.LogEntry) -> LogEntry:
    return LogEntry(entry.index, bytes(entry.leaf))


def _reply(raw: c.c_void_p) -> Reply:
    """What a reply says. An answer keeps the handle; of all else it is freed here."""
    kind = c.c_int32()
    try:
        _call("reply_kind", raw, c.byref(kind))
        if kind.value == 2:
            answer = Answer(raw)
            raw = c.c_void_p()
            return answer
        if kind.value == 1:
            receipt = _abi.Receipt()
            _call("reply_receipt", raw, c.byref(receipt))
            return Receipt(**_values(receipt))
        if kind.value == 3:
            position = _abi.Position()
            _call("reply_status", raw, c.byref(position))
            values = _values(position)
            complaint = _code(position.complaint) if position.complaint else None
            return Position(**values | {"complaint": complaint, "full_set_required": bool(position.full_set_required)})
        if kind.value in (7, 8, 9):
            talked = _abi.Talked()
            _call("reply_talked", raw, c.byref(talked))
            complaint = _code(talked.complaint) if talked.complaint else None
            values = _values(talked) | {"complaint": complaint, "more": bool(talked.more)}
            return Talked(TalkedKind(kind.value), **values, totals=_totals(raw) if kind.value == 9 else None)
        rejection = _abi.Rejection()
        _call("reply_rejection", raw, c.byref(rejection))
        return Rejection(
            _code(rejection.status),
            Next(rejection.next),
            rejection.number,
            rejection.sentence.text() or "",
            kind.value == 5,
            kind.value == 6,
            _log(rejection.log),
        )
    finally:
        _library.stapel_reply_free(raw)


def _values(struct: c.Structure) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, *_ in struct._fields_:
        value = getattr(struct, name)
        if isinstance(value, _abi.Str):
            value = value.text()
        elif isinstance(value, _abi.LogEntry):
            value = _log(value)
        values[name] = value
    return values
