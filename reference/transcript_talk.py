"""A conversation from putting forward to how it ended, as a broker is held to it (spec/after-a-hit.md 2 to 5).

Organisations 1 and 2 meet directly, all others by the coordinator, which is partner 7 of organisation 5. Home 1 is
flagged by partners 1, 2 and 3.
"""

from dataclasses import replace
from typing import Any

from stapel_reference import certificate, hpke, jsonform, messages, notes, policy
from stapel_reference.certificate import Statement
from stapel_reference.notes import Note, NoteScope, RowScope
from stapel_reference.talk import NOBODY, Entry, Exchange, NoteSlot, PutForward, Row, Year, YearCell
from succession_vectors import POLICY_KEYS, public, seed, signature
from transcript_broker import MIDNIGHT, Play, full, until
from transcript_consortium import (
    CONSORTIUM, DAY, PURPOSE, START, Version, certificates, drawn, moment, pseudonym, version,
)  # fmt: skip

COORDINATOR = 7
PARTNERS = {1: 1, 2: 2, 3: 3, 4: 4, COORDINATOR: 5}
PEPPER = drawn("pepper 1")
TODAY = START // DAY
LAST_DAY = TODAY + 14
ROW = pseudonym(1)
SUBJECT = notes.subject(ROW)
CONVERSATION = notes.conversation(PEPPER, SUBJECT)


def seal_key(partner: int) -> bytes:
    return drawn(f"seal key {partner}")


def certify(partner: int) -> str:
    keys = (public(10 + partner), hpke.public_key(seal_key(partner)).hex())
    statement = Statement(CONSORTIUM, partner, 1, 1, keys, "2026-12-01", "2027-12-31")
    return certificate.sign(statement, messages.private_key(seed(POLICY_KEYS[PARTNERS[partner]])))


def meeting() -> Version:
    partners = tuple(PARTNERS.items())
    made = version(partners=partners, tables='\n[meet]\ndirect = [["organisatie-1", "organisatie-2"]]\n').toml
    before, entry = made.split(f"number = {COORDINATOR}\n")
    table, after = entry.split("\n[budgets]")
    table = table.split("may = ")[0] + 'may = ["coordinate"]\nlegal_basis_coordinate = "Wet C"\n'
    made = f"{before}number = {COORDINATOR}\n{table}\n[budgets]{after}"
    digest = policy.digest(policy.parse(made.encode()))
    return Version(made, [signature(digest, one, POLICY_KEYS[one]) for one in sorted(PARTNERS.values())])


MEETING = meeting()
POLICIES = {"meeting": MEETING}


def code(sender: int, receiver: int, number: int, last_day: int = LAST_DAY) -> bytes:
    about = SUBJECT if receiver == COORDINATOR else ROW
    key = RowScope(CONSORTIUM, PURPOSE, 1, sender, receiver).key(seal_key(sender), hpke.public_key(seal_key(receiver)))
    return notes.code(key, MEETING.digest, about, number, last_day)


def put_forward(sender: int, number: int, receivers: list[int], *others: int, last_day: int = LAST_DAY) -> PutForward:
    """Of home 1, with codes that are right, and of others with none."""
    none = [Row(pseudonym(one), [NOBODY] * len(receivers)) for one in others]
    own = Row(ROW, [code(sender, receiver, number, last_day) for receiver in receivers])
    return PutForward(last_day, receivers, sorted([own, *none], key=lambda row: row.pseudonym))


# What each sealed note says.
SEALED: dict[bytes, Note] = {}


def slot(note: Note, sender: int, receiver: int, number: int, conversation: bytes = CONVERSATION) -> NoteSlot:
    scope = NoteScope(CONSORTIUM, PURPOSE, 1, SUBJECT, 1, sender, receiver, number)
    random = drawn(f"note {sender} {receiver} {number}")
    sealed = scope.seal(note.encode(), seal_key(sender), hpke.public_key(seal_key(receiver)), random)
    SEALED[sealed] = note
    return NoteSlot(conversation, receiver, 1, number, 1, sealed)


def asked(number: int, day: int) -> Entry:
    return Entry(number, "asked", SUBJECT, NOBODY, 1, day, day + 5, 0, 0, 0, NOBODY)


def met(number: int, day: int, receiver: int, other: int, rows: dict[int, tuple[int, int]]) -> Entry:
    """`rows` are the number of each partner's row and its last day."""
    row, last_day = rows.get(other, (0, rows.get(receiver, (0, 0))[1]))
    own_row = rows.get(receiver, (0, 0))[0]
    its_code = code(other, receiver, row, last_day) if row else NOBODY
    return Entry(number, "introduced", SUBJECT, CONVERSATION, 1, day, last_day, other, row, own_row, its_code)


def left(number: int, day: int, partner: int) -> Entry:
    return Entry(number, "left", NOBODY, CONVERSATION, 1, day, 0, partner, 0, 0, NOBODY)


class Talk(Play):
    """Its partners talk; each exchange says what was read before."""

    def __init__(self, name: str, about: str) -> None:
        certified = [certify(partner) for partner in PARTNERS]
        super().__init__(name, about, "meeting", certified=certified, versions=POLICIES)
        self.start |= {
            "pepper": PEPPER.hex(), "seal_keys": {str(partner): seal_key(partner).hex() for partner in PARTNERS},
        }  # fmt: skip
        self.read: dict[int, tuple[int, int]] = {}
        # By sender: its notes that the broker keeps.
        self.waiting: dict[int, list[NoteSlot]] = {partner: [] for partner in PARTNERS}

    def say(self, partner: int, body: messages.Body, about: str | None = None, **told: int) -> int:
        """What is put forward, or a year; `told` are the fields of *kept* that are looked at."""
        return self.send(self.message(partner, body), self.reply("kept", told), about)

    def talk(
        self,
        partner: int,
        about: str | None = None,
        entries: tuple[Entry, ...] = (),
        came: tuple[tuple[int, int], ...] = (),
        sends: tuple[NoteSlot, ...] = (),
        sent: tuple[str, ...] | None = None,
        leaves: tuple[bytes, ...] = (),
    ) -> int:
        """An exchange and its post. `came` are the notes: its number here, and who sent the next of its notes."""
        brought, opened = [], []
        for number, sender in came:
            one = next(slot for slot in self.waiting[sender] if slot.partner == partner)
            self.waiting[sender].remove(one)
            brought.append({"number": number, "note": jsonform.to_json(replace(one, partner=sender))})
            opened.append(jsonform.to_json(SEALED[one.sealed]))
        fates = list(sent or ["kept"] * len(sends))
        self.waiting[partner] += [slot for slot, fate in zip(sends, fates) if fate == "kept"]
        told, received = self.read.get(partner, (0, 0))
        post = {
            "sent": fates + ["empty"] * (4 - len(fates)),
            "more": False,
            "entries": [jsonform.to_json(entry) for entry in entries],
            "notes": brought,
        }
        message = self.message(partner, Exchange(told, received, list(leaves), list(sends)))
        at = self.send(message, self.reply("post", post) | {"opened": opened}, about)
        last = max([told, *(entry.number for entry in entries)])
        self.read[partner] = (last, max([received, *(number for number, _ in came)]))
        return at


def address(number: int) -> Note:
    return Note("address", 0, START, f"1012JS|{number}|\nDam {number}")


def a_conversation() -> Talk:
    play = Talk(
        "a conversation from putting forward to how it ended",
        "Partners 1, 2 and 3 flag home 1. Partner 1 puts it forward, then 2, which meets 1 directly. Partner 7 is the "
        "coordinator. The broker's pepper of epoch 1 and all private seal keys are in `start`.",
    )
    for partner in (1, 2, 3):
        play.accept(partner, full(1, 10 + partner), told={"added": 2, "held": 2})
    play.accept(4, full(9), told={"added": 1, "held": 1})
    play.reject(COORDINATOR, full(1), "not_permitted", about="the coordinator does not flag")
    play.reject(COORDINATOR, put_forward(7, 2, [1]), "not_permitted", about="and puts nothing forward")
    far = put_forward(1, 1, [2, 7], last_day=LAST_DAY + 1)
    play.reject(1, far, "not_permitted", about="a row of more than 14 days")
    play.reject(1, PutForward(LAST_DAY, [1, 7]), "malformed", about="a code for its sender")
    own = put_forward(1, 3, [2, 7], 77)
    play.say(1, own, "home 1, and one without an own flag", kept=1, unflagged=1, new=1, left_new=19, left_held=199)
    nothing = play.talk(1, "nothing before the turn of the day")
    play.again(nothing, "the same message again gets the same post")
    too_soon = slot(address(1), 1, COORDINATOR, 1)
    play.talk(1, "nobody is introduced yet", sends=(too_soon,), sent=("not_introduced",))

    play.now, day = MIDNIGHT[1], TODAY + 1
    rows = {1: (3, LAST_DAY)}
    play.step("release")
    play.talk(4, "who does not flag it hears nothing")
    play.talk(3, "who flags it hears that somebody put it forward", entries=(asked(1, day),))
    play.talk(1, "who put it forward meets the coordinator", entries=(met(1, day, 1, COORDINATOR, rows),))
    play.talk(1, "and writes it the address", sends=(too_soon,))
    play.talk(
        COORDINATOR, "which has entry and note", entries=(met(1, day, COORDINATOR, 1, rows),), came=((1, 1),)
    )
    play.talk(3, "an exchange that says what was read gets it no more")
    play.reject(1, Exchange(), "malformed", about="a body that is too short", raw=Exchange().encode()[:-1])
    unused = Exchange().encode()[:144] + bytes(1_130) + too_soon.encode() + bytes(2 * 1_130)
    play.reject(1, Exchange(), "malformed", about="a slot in use after an empty one", raw=unused)
    nobody = NoteSlot(NOBODY, 7, 1, 1, 1, too_soon.sealed).encode()
    raw = Exchange().encode()[:144] + nobody + bytes(3 * 1_130)
    play.reject(1, Exchange(), "malformed", about="a note without a conversation", raw=raw)
    two = put_forward(2, 1, [1, 7])
    play.say(2, two, kept=1, unflagged=0, new=1, left_new=19, left_held=199)
    rows[2] = (1, LAST_DAY)

    play.now, day = MIDNIGHT[2], TODAY + 2
    play.step("release")
    elsewhere = slot(address(1), 1, 2, 1, conversation=drawn("elsewhere", 16))
    play.talk(
        1,
        "the second is told, with its code; a note in another conversation is not taken",
        entries=(met(2, day, 1, 2, rows),),
        sends=(elsewhere, slot(Note("text", 0, play.now, "Wij hebben er een onderzoek lopen."), 1, 2, 1)),
        sent=("not_introduced", "kept"),
    )
    # It flags the home and was not asked: it does not meet two others directly, and could tell that it was one of them.
    both = (met(1, day, 2, 1, rows), met(2, day, 2, COORDINATOR, rows))
    play.talk(2, "it was never asked, and is introduced to both", entries=both, came=((1, 1),))
    play.talk(2, sends=(slot(address(1), 2, COORDINATOR, 1),))
    decision = Note("decision", 1, play.now, "Partner 1 kijkt, partner 2 gaat mee.", 1, 1, day=day + 14)
    play.talk(
        COORDINATOR,
        "it decides, one note to each",
        entries=(met(2, day, COORDINATOR, 2, rows),),
        came=((2, 2),),
        sends=(slot(decision, COORDINATOR, 1, 1), slot(decision, COORDINATOR, 2, 1)),
    )
    play.talk(2, came=((2, COORDINATOR),))

    play.now = MIDNIGHT[3]
    play.talk(1, came=((1, COORDINATOR),))
    ended = Note("outcome", 1, play.now, "", outcome="taken_up_together")
    to_both = (slot(ended, 1, 2, 2), slot(ended, 1, COORDINATOR, 2))
    play.talk(1, "how it ended goes to all that it was introduced to", sends=to_both)
    play.talk(COORDINATOR, came=((3, 1),))
    play.talk(2, "it reads that, and leaves", came=((3, 1),), leaves=(CONVERSATION,))
    play.talk(1, "of which the others are told", entries=(left(3, TODAY + 3, 2),))
    play.talk(COORDINATOR, entries=(left(3, TODAY + 3, 2),))
    late = slot(Note("text", 0, play.now, "Nog iets."), 1, 2, 3)
    play.talk(1, "and nobody writes to it any more", sends=(late,), sent=("not_introduced",))
    play.say(3, PutForward(LAST_DAY + 3), "with no rows all is taken back", kept=0, unflagged=0, new=0)
    year = Year(2026, [YearCell(0x1F, 0)])
    play.reject(1, year, "not_permitted", about="a year that is not over")
    play.now = MIDNIGHT[4]
    play.send(play.bytes[nothing], play.rejection("stale", play.used[1, "talk"] + 1), "an older message")
    return play


def rows_of_two_epochs() -> Play:
    """2.1: rows are put forward in the epoch that answers alone."""
    play = Play(
        "rows of two epochs",
        "5.7 and 2.1 of after-a-hit.md: the first epoch answers until the second had its first full release, seven "
        "days after 2027-05-01. Codes are of 16 equal bytes: the broker cannot tell which are right.",
        "meeting",
        certified=certificates(tuple(PARTNERS.items())),
        versions=POLICIES,
    )

    def rows(epoch: int, last_day: int) -> PutForward:
        return PutForward(last_day, [2, 7], [Row(pseudonym(1, epoch), [bytes([0xC0] * 16)] * 2)])

    def say(body: PutForward, kept: int, new: int, epoch: int, about: str) -> None:
        told = {"kept": kept, "unflagged": 0, "new": new, "left_new": 20 - new}
        play.send(play.message(1, body, epoch=epoch), play.reply("kept", told), about)

    for partner in (1, 2, 3, 4):
        play.accept(partner, full(1), told={"added": 1, "held": 1})
    unreleased = rows(1, LAST_DAY)
    say(unreleased, 1, 1, 1, "while no epoch answers rows are kept")
    play.now = MIDNIGHT[1]
    play.step("release")
    play.now = moment("2027-05-01", 60)
    play.step("accept_clock")
    last = until("2027-09-30")
    play.accept(1, full(1, terms=last), told={"added": 1, "held": 1})
    play.accept(1, full(1, terms=last, epoch=2), told={"added": 1, "held": 1}, epoch=2)
    today = play.now // DAY
    play.reject(1, rows(2, today + 14), "other_epoch", 1, "the newer one does not answer yet", epoch=2)
    say(rows(1, today + 14), 1, 1, 1, "in the one that answers")
    for days in (2, 5, 8):
        play.now = moment("2027-05-01") + (days - 1) * DAY
        play.step("release")
    today = play.now // DAY
    play.reject(1, rows(1, today + 14), "other_epoch", 2, "now the newer one answers")
    say(PutForward(today + 14), 0, 0, 1, "with no rows all is taken back in the older one")
    play.now += DAY
    say(rows(2, today + 14), 1, 1, 2, "in the one that answers")
    return play


PLAYS = (a_conversation, rows_of_two_epochs)


def transcripts() -> list[dict[str, Any]]:
    return [play().to_json() for play in PLAYS]
