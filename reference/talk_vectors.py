"""Makes talk.json (spec/after-a-hit.md 1, 2.1 and 5), and what messages.json has of the bodies of sections 2, 7, 8."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stapel_reference import hpke, jsonform, notes
from stapel_reference.fields import LogEntry
from stapel_reference.messages import Body
from stapel_reference.notes import Note, NoteScope, RowScope
from stapel_reference.talk import (
    ALL_WAYS,
    NOBODY,
    SEALED,
    Entry,
    Exchange,
    Kept,
    NoteSlot,
    Post,
    PutForward,
    Row,
    Totals,
    TotalsCell,
    TotalsRequest,
    Waiting,
    Year,
    YearCell,
)

RFC_9180 = Path(__file__).parent.parent / "tests" / "vectors" / "known" / "rfc9180_hpke_auth.json"
MOMENT = 1_795_910_400
DAY = 20_786
POLICY = hashlib.sha256(b"stapel vectors: policy").digest()


def drawn(name: str, size: int = 32) -> bytes:
    """Bytes that look random and are always the same."""
    return hashlib.sha256(f"stapel vectors: talk: {name}".encode()).digest()[:size]


def rows(*numbers: int) -> list[bytes]:
    return sorted(drawn(f"pseudonym {number}", 16) for number in numbers)


LOG = LogEntry(1_795_000_000, 41, drawn("leaf"), drawn("salt", 16))
ABOUT = notes.subject(rows(1)[0])
CONVERSATIONS = sorted(drawn(f"conversation {number}", 16) for number in range(8))
SCOPE = NoteScope("zaanstad", "ondermijning-zaanstad", 1, ABOUT, 1, 7, 2, 1)
SENDER, RECEIVER, OTHER = drawn("seal key 7"), drawn("seal key 2"), drawn("seal key 9")
TEXT = Note("text", 0, MOMENT, "Zullen we bellen?\n\nIk ben er tot vijf uur.")


# messages.json


def put_forward(receivers: list[int], *numbers: int) -> PutForward:
    made = [Row(row, [drawn(f"code {row.hex()} {to}", 16) for to in receivers]) for row in rows(*numbers)]
    return PutForward(DAY + 14, receivers, made)


def slot(number: int, sealed: bytes = bytes(SEALED)) -> NoteSlot:
    return NoteSlot(CONVERSATIONS[number % 8], 2, 1, number, 1, sealed)


ASKED = Entry(11, "asked", ABOUT, NOBODY, 1, DAY, DAY + 14, 0, 0, 0, NOBODY)
MET = Entry(12, "introduced", ABOUT, CONVERSATIONS[0], 1, DAY, DAY + 7, 2, 31, 8, drawn("code", 16))
MET_COORDINATOR = replace(MET, number=13, partner=9, row=0, code=NOBODY)
LEFT = Entry(14, "left", NOBODY, CONVERSATIONS[0], 1, DAY + 1, 0, 2, 0, 0, NOBODY)
NONE_SENT = ["empty"] * 4
FIRST = slot(1, SCOPE.seal(TEXT.encode(), SENDER, hpke.public_key(RECEIVER), drawn("random")))
FULL = Exchange(10, 4, CONVERSATIONS[:2], [FIRST, slot(2)])
POST = Post(
    LOG,
    ["kept", "not_introduced", "over_budget", "too_many_wait"],
    True,
    [ASKED, MET, MET_COORDINATOR, LEFT],
    [Waiting(5, FIRST), Waiting(2**64 - 1, slot(2**64 - 1))],
)
TOTALS = Totals(LOG, 6, MOMENT, 2026, 4, 240, [TotalsCell(2, 3, 20), TotalsCell(4, 0, 10)])
KEPT = Kept(LOG, 3, 1, 2, 18, 197)
YEAR = Year(2026, [YearCell(0x01, 12), YearCell(0x1E, 40)])

VALID: list[tuple[str, Body, dict]] = [
    ("put forward", put_forward([2, 9], 1, 2, 3), {}),
    ("put forward to nobody", put_forward([], 1, 2), {}),
    ("put forward of nothing", put_forward([2, 9]), {}),
    ("put forward of nothing to nobody", put_forward([]), {"sequence": 2**64 - 1}),
    ("exchange of nothing", Exchange(), {}),
    ("exchange that reads, leaves and sends", FULL, {}),
    (
        "exchange with every slot in use",
        Exchange(2**64 - 1, 2**64 - 1, CONVERSATIONS, [slot(number) for number in (9, 1, 1, 2**64 - 1)]),
        {},
    ),
    ("totals request", TotalsRequest(), {}),
    ("year", YEAR, {}),
    ("year with a cell for each way", Year(2026, [YearCell(1 << bit, 10 + bit) for bit in range(5)]), {}),
    ("year of fewer than ten conversations", Year(2026, [YearCell(ALL_WAYS, 0)]), {}),
    ("kept", KEPT, {}),
    ("kept of a year", Kept(LOG, 0, 0, 0, 0, 0), {}),
    ("post of nothing", Post(LOG, NONE_SENT), {}),
    ("post", POST, {}),
    (
        "post to the coordinator",
        Post(LOG, NONE_SENT, False, [replace(MET, own_row=0)], []),
        {},
    ),
    (
        "post with every slot in use",
        Post(
            LOG,
            ["kept"] * 4,
            True,
            [replace(ASKED, number=number) for number in range(1, 33)],
            [Waiting(number, slot(number)) for number in range(1, 5)],
        ),
        {},
    ),
    ("totals", TOTALS, {}),
    ("totals of few flags", replace(TOTALS, flags=90, cells=[]), {}),
    ("totals of which fewer than ten are stacked", replace(TOTALS, flags=100, cells=[TotalsCell(2, 0, 0)]), {}),
    ("totals whose last cell has an end", replace(TOTALS, cells=[TotalsCell(2, 2, 230), TotalsCell(3, 9, 10)]), {}),
]


def invalid(body: Callable[..., None]) -> None:
    """Hands each body that is malformed to `body`: its name, type and bytes."""
    said = put_forward([2, 9], 1, 2, 3)
    for what, receivers in (
        ("not in order", [9, 2]),
        ("twice the same", [2, 2]),
        ("partner 0", [0, 2]),
        ("its sender", [2, 7]),
    ):
        body(f"put forward to {what}", PutForward, put_forward(receivers, 1).encode())
    turned = replace(said, rows=said.rows[::-1])
    body("put forward: rows not in order", PutForward, turned.encode())
    body("put forward: a row twice", PutForward, replace(said, rows=said.rows[:1] * 2).encode())
    body("put forward: a code is missing", PutForward, said.encode()[:-16])
    body("put forward: a code too many", PutForward, said.encode() + bytes(16))
    body("put forward: cut", PutForward, put_forward([]).encode()[:-1])
    body("put forward: the largest count of rows", PutForward, put_forward([]).encode()[:-4] + b"\xff" * 4)

    def with_left(*left: bytes) -> bytes:
        raw = Exchange().encode()
        return raw[:16] + b"".join(left).ljust(128, b"\0") + raw[144:]

    def with_slots(first: bytes, second: bytes = b"") -> bytes:
        raw = Exchange().encode()
        size = len(slot(1).encode())
        return raw[:144] + first.ljust(size, b"\0") + second.ljust(size, b"\0") + raw[144 + 2 * size :]

    body("exchange: cut", Exchange, Exchange().encode()[:-1])
    body("exchange: a byte too many", Exchange, Exchange().encode() + b"\0")
    body("exchange: no bytes", Exchange, b"")
    body("exchange: left not in order", Exchange, with_left(CONVERSATIONS[1], CONVERSATIONS[0]))
    body("exchange: left twice", Exchange, with_left(CONVERSATIONS[1], CONVERSATIONS[1]))
    body("exchange: left after an empty slot", Exchange, with_left(NOBODY, CONVERSATIONS[1]))
    one = slot(1)
    for what, changed in (
        ("conversation", replace(one, conversation=NOBODY)),
        ("receiver", replace(one, partner=0)),
        ("number", replace(one, number=0)),
    ):
        body(f"exchange: a note without a {what}", Exchange, with_slots(changed.encode()))
    body("exchange: a note of another epoch", Exchange, with_slots(replace(one, epoch=2).encode()))
    body("exchange: a note after an empty slot", Exchange, with_slots(b"", one.encode()))
    body("totals request: a byte", TotalsRequest, b"\0")

    for what, cells in (
        ("no cells", []),
        ("a way that is in no cell", [(0x01, 12)]),
        ("a cell of no way", [(0x00, 12), (0x1F, 12)]),
        ("an unknown way", [(0x3F, 12)]),
        ("a way in two cells", [(0x03, 12), (0x1E, 12)]),
        ("cells not in order", [(0x1E, 12), (0x01, 12)]),
        ("nine conversations", [(ALL_WAYS, 9)]),
        ("a cell of nine", [(0x01, 9), (0x1E, 40)]),
        ("a cell of none", [(0x01, 0), (0x1E, 40)]),
    ):
        body(f"year: {what}", Year, Year(2026, [YearCell(*cell) for cell in cells]).encode())
    body("year: fewer cells than counted", Year, YEAR.encode()[:-5])
    body("year: cut", Year, YEAR.encode()[:-1])
    body("year: a byte too many", Year, YEAR.encode() + b"\0")

    body("kept: more new than kept", Kept, replace(KEPT, new=4).encode())
    body("kept: cut", Kept, KEPT.encode()[:-1])
    body("kept: a byte too many", Kept, KEPT.encode() + b"\0")
    body("kept: a log line without a leaf hash", Kept, replace(KEPT, log=LogEntry(0, 41)).encode())
    invalid_posts(body)
    for what, changes in (
        ("quarter 0", {"quarter": 0}),
        ("quarter 5", {"quarter": 5}),
        ("flags that are not rounded", {"flags": 241}),
        ("no cells with 100 flags", {"flags": 100, "cells": []}),
        ("a cell with 90 flags", {"flags": 90}),
        ("more in the cells than there are flags", {"flags": 100, "cells": [(2, 0, 110)]}),
        ("a cell that is not rounded", {"cells": [(2, 0, 21)]}),
        ("a cell of fewer than ten beside another", {"cells": [(2, 3, 20), (4, 0, 0)]}),
        ("a cell from 0", {"cells": [(0, 3, 20), (4, 0, 10)]}),
        ("a gap between cells", {"cells": [(2, 3, 20), (5, 0, 10)]}),
        ("cells that overlap", {"cells": [(2, 3, 20), (3, 0, 10)]}),
        ("a cell after one without an end", {"cells": [(2, 0, 20), (3, 0, 10)]}),
        ("a cell after the highest number", {"cells": [(2, 255, 20), (0, 0, 10)]}),
        ("a cell that ends before it begins", {"cells": [(3, 2, 20)]}),
    ):
        cells = [one if isinstance(one, TotalsCell) else TotalsCell(*one) for one in changes.pop("cells", TOTALS.cells)]
        body(f"totals: {what}", Totals, replace(TOTALS, **changes, cells=cells).encode())
    body("totals: cut", Totals, TOTALS.encode()[:-1])
    body("totals: a byte too many", Totals, TOTALS.encode() + b"\0")
    body("totals: a log line without a leaf hash", Totals, replace(TOTALS, log=LogEntry(0, 41)).encode())


def invalid_posts(body: Callable[..., None]) -> None:
    def post(name: str, raw: bytes) -> None:
        body(f"post: {name}", Post, raw)

    def entries(name: str, *told: Entry) -> None:
        post(name, Post(LOG, NONE_SENT, False, list(told)).encode())

    empty = Post(LOG, NONE_SENT).encode()
    post("cut", empty[:-1])
    post("a byte too many", empty + b"\0")
    post("a log line without a leaf hash", Post(LogEntry(0, 41), NONE_SENT).encode())
    post("an unknown fate of a note", empty[:64] + b"\5" + empty[65:])
    post("a fate after an empty slot", empty[:65] + b"\1" + empty[66:])
    post("a yes that is 2", empty[:68] + b"\2" + empty[69:])
    at = 64 + 5
    for told in (0, 4):
        raw = Post(LOG, NONE_SENT, False, [ASKED]).encode()
        post(f"an entry of kind {told}", raw[: at + 8] + bytes([told]) + raw[at + 9 :])
    raw = Post(LOG, NONE_SENT, False, [ASKED]).encode()
    post("an entry whose last byte is 1", raw[: at + 83] + b"\1" + raw[at + 84 :])
    post("an entry after an empty slot", empty[:at] + bytes(84) + ASKED.encode() + empty[at + 168 :])
    entries("an entry of number 0", replace(ASKED, number=0))
    entries("entries not in order", MET, ASKED)
    entries("two entries of one number", ASKED, ASKED)
    lacks = {"conversation": NOBODY, "partner": 0, "until": 0, "row": 0, "own_row": 0, "code": NOBODY}
    for name, value in lacks.items():
        has = getattr(MET, name)
        if name != "until":
            entries(f"asked with a {name}", replace(ASKED, **{name: has}))
        if name in ("conversation", "partner"):
            entries(f"left without a {name}", replace(LEFT, **{name: value}))
            entries(f"introduced without a {name}", replace(MET, **{name: value}))
        else:
            entries(f"left with a {name}", replace(LEFT, **{name: has}))
    entries("left with a subject", replace(LEFT, subject=ABOUT))
    entries("introduced with a row and no code", replace(MET, code=NOBODY))
    entries("introduced with a code and no row", replace(MET, row=0))
    entries("introduced with no row of either", replace(MET_COORDINATOR, own_row=0))

    def waiting(name: str, *notes_: Waiting) -> None:
        post(name, Post(LOG, NONE_SENT, False, [], list(notes_)).encode())

    waiting("a note of number 0", Waiting(0, slot(1)))
    waiting("notes not in order", Waiting(2, slot(1)), Waiting(1, slot(2)))
    waiting("two notes of one number", Waiting(1, slot(1)), Waiting(1, slot(2)))
    waiting("a note without a sender", Waiting(1, replace(slot(1), partner=0)))


# talk.json


def talk_file() -> dict:
    check_hpke()
    return {
        "about": "spec/after-a-hit.md. subjects: section 1; pepper is the broker's. rows: section 2.1; sender_key and "
        "receiver_key are private seal keys, about is the pseudonym, or towards the coordinator the subject. notes: "
        "section 5; plain is the note without the zeros at its end, sealed the encapsulated key and the ciphertext, "
        "made with random as ikmE of RFC 9180. not_opened: what does not open, to the receiver, as of the sender. "
        "The bodies of messages are in messages.json.",
        "subjects": [subject_row(number, epoch) for number in (1, 2) for epoch in (1, 2)],
        "rows": row_codes(),
        "notes": [note_row(name, note) for name, note in NOTES.items()],
        "invalid_notes": [{"name": name, "plain": plain(raw)} for name, raw in invalid_notes()],
        "not_opened": not_opened(),
    }


def check_hpke() -> None:
    """Holds the reference to the RFC's own answer."""
    known = json.loads(RFC_9180.read_text())["cases"][0]
    case = {name: bytes.fromhex(value) for name, value in known.items()}
    sealed = hpke.seal(case["skSm"], case["pkRm"], case["info"], case["aad"], case["pt"], case["ikmE"])
    assert sealed == case["enc"] + case["ct"]
    assert hpke.open_(case["skRm"], case["pkSm"], case["info"], case["aad"], sealed) == case["pt"]


def plain(raw: bytes) -> str:
    return raw.rstrip(b"\0").hex()


def subject_row(number: int, epoch: int) -> dict:
    pseudonym, pepper = rows(number)[0], drawn(f"pepper {epoch}")
    about = notes.subject(pseudonym)
    made = {"pseudonym": pseudonym, "subject": about, "pepper": pepper}
    return {name: value.hex() for name, value in {**made, "conversation": notes.conversation(pepper, about)}.items()}


def row_codes() -> list[dict]:
    scope = RowScope("zaanstad", "ondermijning-zaanstad", 1, 7, 2)
    first = {"scope": scope, "policy": POLICY, "about": rows(1)[0], "number": 3, "last_day": DAY + 14}
    changes: list[dict] = [{}, {"about": ABOUT}, {"about": rows(2)[0]}, {"policy": drawn("policy")}]
    changes += [{"number": 2**64 - 1}, {"last_day": 65_535}]
    scopes = [{"consortium": "zaandam"}, {"purpose": "zorg"}, {"epoch": 2**32 - 1}, {"sender": 2, "receiver": 7}]
    changes += [{"scope": replace(scope, **change)} for change in [*scopes, {"sender": 65_535}, {"receiver": 9}]]
    return [row_code(**{**first, **change}) for change in changes]


def row_code(scope: RowScope, policy: bytes, about: bytes, number: int, last_day: int) -> dict:
    key = scope.key(SENDER, hpke.public_key(RECEIVER))
    assert key == scope.key(RECEIVER, hpke.public_key(SENDER))
    return {
        **vars(scope),
        "sender_key": SENDER.hex(),
        "receiver_key": RECEIVER.hex(),
        "key": key.hex(),
        "policy": policy.hex(),
        "about": about.hex(),
        "number": number,
        "last_day": last_day,
        "code": notes.code(key, policy, about, number, last_day).hex(),
    }


NOTES = {
    "text": TEXT,
    "text as long as one can be": Note("text", 2**64 - 1, 2**64 - 1, "é" * 510),
    "address": Note("address", 1, MOMENT, "1012JS|1|A\nDam 1a, Amsterdam"),
    "address that nobody typed": Note("address", 0, MOMENT, "1012JS|1|A\n"),
    "address that is a house number": Note("address", 0, MOMENT, "1012JS|1\nDam 1"),
    "address without a postcode": Note("address", 0, MOMENT, "0424200000017336\n"),
    "lead": Note("lead", 3, MOMENT, "", 1, 7),
    "lead handed over, with a text": Note("lead", 3, MOMENT, "Wil jij?", 2**32 - 1, 65_535),
    **{f"outcome: {one}": Note("outcome", 4, MOMENT, "", outcome=one) for one in notes.OUTCOMES},
    "outcome with a text": Note("outcome", 4, MOMENT, "Op bezoek geweest.", outcome="taken_up_together"),
    "decision": Note("decision", 5, MOMENT, "Politie trekt; volgende week weer.", 2, 7, None, DAY + 7),
    "decision that names nobody": Note("decision", 5, MOMENT, "Nog niet.", 1),
    "read": Note("read", 5, MOMENT, ""),
}


def note_row(name: str, note: Note) -> dict:
    raw = note.encode()
    assert Note.decode(raw) == note, name
    random = drawn(f"random {name}")
    return {
        "name": name,
        "note": vars(note),
        "plain": plain(raw),
        **jsonform.to_json(SCOPE),
        "sender_key": SENDER.hex(),
        "receiver_key": RECEIVER.hex(),
        "random": random.hex(),
        "sealed": SCOPE.seal(raw, SENDER, hpke.public_key(RECEIVER), random).hex(),
    }


def invalid_notes() -> list[tuple[str, bytes]]:
    text = TEXT.encode()
    wrong = {
        "a text with a turn": replace(TEXT, turn=1),
        "a text with a partner": replace(TEXT, partner=1),
        "a text with an outcome": replace(TEXT, outcome="nothing_found"),
        "a text with a day": replace(TEXT, day=1),
        "a text that says nothing": replace(TEXT, text=""),
        "a text of line feeds": replace(TEXT, text="\n\n"),
        "a text with two spaces": replace(TEXT, text="Bel  mij"),
        "a text with a space before a line": replace(TEXT, text="Bel\n mij"),
        "a text with a space after a line": replace(TEXT, text="Bel \nmij"),
        "a text with a tab": replace(TEXT, text="Bel\tmij"),
        "a text with a carriage return": replace(TEXT, text="Bel\r\nmij"),
        "a text with a bidirectional override": replace(TEXT, text="Bel\u202emij"),
        "an address of one line": Note("address", 0, MOMENT, "1012JS|1|A"),
        "an address of three lines": Note("address", 0, MOMENT, "1012JS|1|A\nDam 1a\nDam 2"),
        "an address without a key": Note("address", 0, MOMENT, "\nDam 1a"),
        "an address with another key": Note("address", 0, MOMENT, "1012 JS 1a\nDam 1a"),
        "an address with a turn": Note("address", 0, MOMENT, "1012JS|1|A\n", 1),
        "a lead without a turn": Note("lead", 0, MOMENT, "", 0, 7),
        "a lead of nobody": Note("lead", 0, MOMENT, "", 1, 0),
        "a lead with a day": Note("lead", 0, MOMENT, "", 1, 7, None, DAY),
        "an outcome that is none": Note("outcome", 0, MOMENT, "Klaar."),
        "an outcome with a partner": Note("outcome", 0, MOMENT, "", 0, 7, "nothing_found"),
        "a decision without a turn": Note("decision", 0, MOMENT, "Klaar."),
        "a decision that says nothing": Note("decision", 0, MOMENT, "", 1, 7),
        "a decision with an outcome": Note("decision", 0, MOMENT, "Klaar.", 1, 0, "nothing_found"),
        "a read of nothing": Note("read", 0, MOMENT, ""),
        "a read with a text": Note("read", 1, MOMENT, "Gelezen."),
        "a read with a turn": Note("read", 1, MOMENT, "", 1),
    }
    outcome = Note("outcome", 0, MOMENT, "", outcome="wrong_signal").encode()
    end = 28 + text[26] + 256 * text[27]
    return [
        *((name, note.encode()) for name, note in wrong.items()),
        ("type 0", b"\0" + text[1:]),
        ("type 7", b"\7" + text[1:]),
        ("outcome 6", outcome[:23] + b"\6" + outcome[24:]),
        ("a text that is not UTF-8", text[:28] + b"\xff" + text[29:]),
        ("a text cut within a character", replace(TEXT, text="é").encode()[:26] + b"\1\0\xc3" + bytes(1_019)),
        ("a byte after the text", text[:end] + b"\1" + text[end + 1 :]),
        ("a length past the end", text[:26] + b"\xfd\3" + text[28:]),
        ("the largest length", text[:26] + b"\xff\xff" + text[28:]),
        ("a length one too small", text[:26] + bytes([text[26] - 1]) + text[27:]),
    ]


def not_opened() -> list[dict]:
    raw, random, to = TEXT.encode(), drawn("random"), hpke.public_key(RECEIVER)
    right = SCOPE.seal(raw, SENDER, to, random)
    scopes = {
        "consortium": "zaandam",
        "purpose": "zorg",
        "epoch": 2,
        "subject": notes.subject(rows(2)[0]),
        "began": 2,
        "sender": 8,
        "receiver": 9,
        "number": 2,
    }
    sealed = {}
    for name, value in scopes.items():
        sealed[f"another {name}"] = replace(SCOPE, **{name: value}).seal(raw, SENDER, to, random)
    sealed["by another sender's key"] = SCOPE.seal(raw, OTHER, to, random)
    sealed["to another receiver's key"] = SCOPE.seal(raw, SENDER, hpke.public_key(OTHER), random)
    sealed["with other data beside it"] = hpke.seal(SENDER, to, SCOPE.info(), b"x", raw, random)
    sealed["what is no note"] = SCOPE.seal(bytes(notes.NOTE), SENDER, to, random)
    sealed["a key of small order"] = bytes(32) + right[32:]
    for at in (0, 31, 32, SEALED - 17, SEALED - 1):
        sealed[f"a turned bit in byte {at}"] = right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
    keys = {"sender_key": SENDER.hex(), "receiver_key": RECEIVER.hex()}
    return [{"name": name, **jsonform.to_json(SCOPE), **keys, "sealed": one.hex()} for name, one in sealed.items()]
