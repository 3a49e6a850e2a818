"""The transcripts that a broker is held to: what it is sent, and what it must reply (SPEC.md 5)."""

from dataclasses import replace
from typing import Any

from stapel_reference import messages
from stapel_reference.messages import KINDS, Confirm, Delta, FullSet, Header, Question, StatusRequest, Terms
from stapel_reference.talk import Exchange, PutForward, TotalsRequest, Year
from succession_vectors import ANOTHER_KEY, POLICY_KEYS, signature
from transcript_consortium import (
    CONSORTIUM,
    DAY,
    MARCH,
    PURPOSE,
    SIX,
    START,
    Version,
    certificates,
    certify,
    date,
    day,
    message_seed,
    moment,
    pseudonym,
    secret,
    version,
)

HOUR = 3_600
MIDNIGHT = [moment(date(START // DAY + days)) for days in range(8)]
SERIES = {Question: "question", StatusRequest: "status"} | dict.fromkeys(
    (PutForward, Exchange, TotalsRequest, Year), "talk"
)

FIRST = version()
SPARING = version(rules={"status_a_day": "2", "asked_a_day": "3"})
# Organisation 5 joins with the second epoch; system 5, of the third, leaves.
SIX_TO_SEVEN = (*SIX[:4], SIX[5], (7, 5))
JOINED = version(before=FIRST, partners=SIX_TO_SEVEN, first_epoch={5: 2}, valid_from="2026-12-03")
# Another second version: the one that was adopted is not the one that it follows.
OTHER = version(before=FIRST, rules={"new_flags_a_day": "30"}, valid_from="2026-12-03")
# The fourth organisation lost its policy key; its systems get other numbers.
NEW_NUMBERS = (*SIX[:3], SIX[4], (14, 4), (16, 4))
LOST = {
    "before": FIRST,
    "partners": NEW_NUMBERS,
    "policy_keys": {4: ANOTHER_KEY},
    "valid_from": "2027-01-02",
    "unsigned": {
        "organisation": 4, "because": "lost-key", "version": 2, "epoch": 1, "more": "announced = 2026-12-01\n",
    },
    "signed": (1, 2, 3, (4, ANOTHER_KEY)),
}  # fmt: skip


def lost_key(**more: Any) -> Version:
    made = version(**{**LOST, **more})
    for old, new in ((4, 14), (6, 16)):
        one, two = (
            f'number = {number}\nname = "Systeem van 4"\norganisation = "organisatie-4"\n' for number in (old, new)
        )
        table = FIRST.toml.split(one)[1].split("\n\n")[0]
        assert two in made.toml
        rest = made.toml.split(two)
        made = Version(rest[0] + two + table + "\n\n" + rest[1].split("\n\n", 1)[1], made.signatures)
    by = [(1, POLICY_KEYS[1]), (2, POLICY_KEYS[2]), (3, POLICY_KEYS[3]), (4, ANOTHER_KEY)]
    vetoes = list(more.get("more_signatures", ()))
    return Version(made.toml, [signature(made.digest, *one) for one in by] + vetoes)


LOST_KEY = lost_key()
VETOED = lost_key(more_signatures=(signature(FIRST.digest, 4, POLICY_KEYS[4], "veto"),))
POLICIES = {
    "first": FIRST, "sparing": SPARING, "joined": JOINED, "other": OTHER, "lost-key": LOST_KEY,
    "vetoed": VETOED,
}  # fmt: skip


def until(last_day: str = MARCH, first_day: str | None = None, **more: Any) -> Terms:
    return Terms(day(last_day), day(first_day or last_day), **more)


def rows(*numbers: int, epoch: int = 1) -> list[bytes]:
    return sorted(pseudonym(number, epoch) for number in numbers)


def grouped(numbers: tuple[int, ...], terms: Terms | None, epoch: int) -> messages.Groups:
    return [(terms or until(), rows(*numbers, epoch=epoch))] if numbers else []


def full(*numbers: int, terms: Terms | None = None, epoch: int = 1, **more: Any) -> FullSet:
    return FullSet(groups=grouped(numbers, terms, epoch), **more)


def delta(*numbers: int, gone: tuple[int, ...] = (), terms: Terms | None = None, epoch: int = 1) -> Delta:
    return Delta(grouped(numbers, terms, epoch), rows(*gone, epoch=epoch))


def ask(*numbers: int, epoch: int = 1, sweep: str | None = None) -> Question:
    return Question(rows(*numbers, epoch=epoch), sweep)


class Play:
    """A broker's transcript while it is written. It keeps the partners' numbers, and nothing else."""

    def __init__(
        self,
        name: str,
        about: str,
        policy: str = "first",
        now: int = START,
        certified: Any = None,
        versions: dict[str, Version] | None = None,
    ) -> None:
        self.start = {
            "policy": policy, "now": now,
            "certificates": certificates() if certified is None else certified,
        }  # fmt: skip
        self.name, self.about, self.now = name, about, now
        self.policy = (versions or POLICIES)[policy].digest
        self.steps: list[dict[str, Any]] = []
        self.used: dict[tuple[int, str], int] = {}
        self.accepted: dict[int, int] = {}
        self.bytes: list[bytes] = []

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "about": self.about, "start": self.start, "steps": self.steps}

    def step(self, do: str, **fields: Any) -> int:
        self.steps.append({"do": do, "now": self.now, **fields})
        self.bytes.append(b"")
        return len(self.steps) - 1

    # What a partner sends

    def header(self, partner: int, body: messages.Body, **changes: Any) -> Header:
        series = SERIES.get(type(body), "state")
        sequence = changes.get("sequence") or self.used.get((partner, series), 0) + 1
        # A number that is used again, or is of another series of messages, counts for nothing here.
        self.used[partner, series] = max(sequence, self.used.get((partner, series), 0))
        epoch = changes.get("epoch", 1)
        header = Header(
            kind=KINDS[type(body)], consortium=CONSORTIUM, purpose=PURPOSE, epoch=epoch,
            key_id=secret(epoch if epoch in (1, 2) else 1).key_id, partner=partner, sequence=sequence,
            previous=self.accepted.get(partner, 0) if series == "state" else 0, time=self.now, policy=self.policy,
            context=bytes(32),
        )  # fmt: skip
        return replace(header, **changes)

    def message(
        self, partner: int, body: messages.Body, key: int | None = None, raw: bytes | None = None, **changes: Any
    ) -> bytes:
        """`key` is the number of the partner with whose key it is signed, `raw` stands in the body's place."""
        header = self.header(partner, body, **changes)
        seed = message_seed(key or partner)
        if raw is not None:
            front = bytes([messages.ENVELOPE]) + header.encode(len(raw))
            return front + raw + messages.private_key(seed).sign(messages.signed_bytes(header.kind, front, raw))
        return messages.encode(header, body, messages.private_key(seed).sign)

    def send(self, message: bytes, reply: dict[str, Any], about: str | None = None) -> int:
        at = self.step("message", **({"about": about} if about else {}), message=message.hex(), reply=reply)
        self.bytes[at] = message
        return at

    def reject(
        self, partner: int, body: messages.Body, code: str, number: int = 0, about: str | None = None, **changes: Any
    ) -> int:
        return self.send(self.message(partner, body, **changes), self.rejection(code, number), about)

    def rejection(self, code: str, number: int = 0) -> dict[str, Any]:
        signed = code not in ("unknown_partner", "bad_signature", "wrong_consortium")
        line = signed and code not in messages.NOT_LOGGED
        return self.reply("rejection", {"code": code, "number": number}, signed, line)

    def hint(self, code: str) -> dict[str, Any]:
        return self.reply("rejection", {"code": code, "number": 0}, False, False)

    def reply(self, kind: str, body: dict[str, Any], signed: bool = True, line: bool = True) -> dict[str, Any]:
        return {"kind": kind, "signed": signed, "line": line, "policy": self.policy.hex(), "body": body}

    def accept(
        self,
        partner: int,
        body: messages.Body,
        about: str | None = None,
        policy: bytes | None = None,
        told: dict[str, int] | None = None,
        **changes: Any,
    ) -> int:
        """`told` are the receipt's fields that are not 0, and what is looked at besides."""
        fields = dict.fromkeys(("part", "parts", "added", "changed", "withdrawn", "renewed"), 0)
        if policy:
            changes["policy"] = policy
        message = self.message(partner, body, **changes)
        at = self.send(message, self.reply("receipt", {**fields, **(told or {})}), about)
        self.accepted[partner] = messages.decode(message, from_partner=True).header.sequence
        return at

    def again(self, at: int, about: str | None = None) -> None:
        """The same message once more, which gets the same reply, byte for byte."""
        self.step("message", **({"about": about} if about else {}), message=self.bytes[at].hex(), same_as=at)

    def status(
        self, partner: int, about: str | None = None, epoch: int = 1, key: int | None = None, **told: Any
    ) -> None:
        message = self.message(partner, StatusRequest(), epoch=epoch, key=key)
        self.send(message, self.reply("status_reply", told), about)

    def answer(
        self, partner: int, body: Question, standings: list[int], about: str | None = None, epoch: int = 1, **told: Any
    ) -> int:
        message = self.message(partner, body, epoch=epoch)
        return self.send(message, self.reply("answer", {"standings": bytes(standings).hex(), **told}), about)

    def standings(
        self,
        partner: int,
        asked: dict[int, int],
        about: str | None = None,
        epoch: int = 1,
        sweep: str | None = None,
        **told: Any,
    ) -> int:
        """Asked are homes, each with the standing that is due."""
        by_row = {pseudonym(number, epoch): standing for number, standing in asked.items()}
        due = [by_row[row] for row in sorted(by_row)]
        return self.answer(partner, ask(*asked, epoch=epoch, sweep=sweep), due, about, epoch, **told)

    # What its operator does

    def certificate(self, text: str, error: str | None = None, about: str | None = None) -> None:
        self.step(
            "certificate", **({"about": about} if about else {}), text=text, **({"error": error} if error else {})
        )

    def adopt(
        self, policy: str, certified: list[str] | None = None, error: str | None = None, do: str = "policy"
    ) -> None:
        self.step(do, policy=policy, certificates=certified or [], **({"error": error} if error else {}))
        if not error and do == "policy":
            self.policy = POLICIES[policy].digest


def a_state_message() -> Play:
    play = Play(
        "the first check that fails decides: a state message",
        "A message that fails at every step of 5.3, and is mended from the first step on. Partner 6 may not flag, and "
        "is suspended; partner 1 goes on from step 11.",
    )
    play.certificate(certify(6, 1, 2, suspended=True))
    broken: dict[str, Any] = {
        "consortium": "elders", "purpose": "iets-anders", "epoch": 9, "sequence": 1 << 40, "previous": 7,
        "key_id": bytes(16), "policy": bytes(32), "time": START - 25 * HOUR, "key": 1, "raw": b"\xff",
    }  # fmt: skip
    body = full(1)
    message = bytearray(play.message(9, body, **broken))
    message[1] = 2
    play.send(bytes(message), play.hint("malformed"), "step 1: another version")

    def ladder(partner: int, code: str, number: int = 0, about: str = "") -> None:
        play.reject(partner, body, code, number, about, **broken)

    ladder(9, "wrong_consortium", about="step 2")
    del broken["consortium"]
    ladder(9, "unknown_partner", about="step 3")
    ladder(6, "bad_signature", about="step 4: before the body, which is malformed")
    del broken["key"]
    ladder(6, "wrong_purpose", about="step 5: it uses up no number")
    del broken["purpose"]
    ladder(6, "wrong_epoch", about="step 6: there is none such")
    broken["epoch"] = 2
    ladder(6, "wrong_epoch", about="step 6: it has not opened yet")
    del broken["epoch"]
    broken["sequence"] = (1 << 32) + 1
    ladder(6, "stale", 1, "step 6: it leaps too far, and uses up no number")
    broken["sequence"] = 1
    ladder(6, "not_certified", about="step 7")
    broken["sequence"] = 1
    ladder(6, "stale", 2, "step 6: the message before used the number up")
    play.certificate(certify(6, 1, 3))
    broken["sequence"] = 2
    ladder(6, "wrong_key_id", about="step 8")
    del broken["key_id"]
    broken["sequence"] = 3
    ladder(6, "wrong_policy", about="step 9")
    del broken["policy"]
    broken["sequence"] = 4
    ladder(6, "not_permitted", about="step 10: it may ask only")
    broken["sequence"] = 1
    ladder(1, "clock", about="step 11: more than 24 hours ago")
    broken |= {"sequence": 2, "time": START + 601}
    ladder(1, "clock", about="step 11: more than ten minutes ahead")
    broken |= {"sequence": 3, "time": START + 600}
    ladder(1, "gap", 0, "step 12: no message of it was accepted")
    broken |= {"sequence": 4, "previous": 0, "time": START - 24 * HOUR}
    ladder(1, "malformed", about="step 13")
    play.used.pop((1, "state"))
    play.used[1, "state"] = 4
    late = until("2026-11-30")
    play.reject(1, delta(1, terms=late), "full_set_required", about="step 14")
    play.reject(1, full(1, terms=late, part=2, parts=2), "gap", 0, "step 14: a part that follows none")
    two = [(late, rows(1)), (until("2027-06-30", house_number=True), rows(2))]
    play.reject(1, FullSet(groups=two), "clock", about="step 15: one flag ends before today")
    two[0] = (until("2027-06-30"), rows(1))
    two.sort(key=lambda group: Terms.order(group[0]))
    play.reject(1, FullSet(groups=two), "not_permitted", about="step 15: a house number, where none is counted")
    old = until(MARCH, "2026-03-01")
    far = [(old, rows(2)), (until("2027-06-30"), rows(1))]
    play.reject(1, FullSet(groups=far), "not_permitted", about="step 15: more than 180 days ahead")
    renewed = [(until(MARCH, "2026-03-01"), rows(2)), (until(MARCH, "2026-08-01"), rows(1, 3))]
    play.reject(1, FullSet(groups=renewed), "too_many_renewals", 1, "step 15: more renewals than one")
    first_days = [(until(MARCH, "2026-08-01"), rows(1))]
    play.reject(
        1, FullSet(groups=first_days), "renewal_not_declared", about="step 15: no reason for the renewal it needs"
    )
    play.reject(1, full(*range(1, 32)), "over_budget", 30, "step 17: 20 of the day, and 10 of first full sets")
    play.accept(1, full(*range(1, 11)), told={"added": 10, "held": 10, "release": START}, about="all is well")
    play.status(1, last_state=13, highest_state=13, highest_question=0, held=10, full_set_due=False, left_new_flags=20)
    play.reject(1, full(1, part=2, parts=2), "gap", 13, "step 14: a part that follows none")
    play.accept(1, full(1, 2, part=1, parts=2), told={"part": 1, "parts": 2, "held": 10})
    again = full(2, *range(11, 41), part=2, parts=2)
    play.reject(1, again, "malformed", about="step 16: a pseudonym in two parts")
    play.accept(1, full(1, part=1, parts=2), told={"part": 1, "parts": 2, "held": 10})
    play.reject(1, full(*range(11, 41), part=2, parts=2), "shrink", 9, "step 16: it withdraws nine of ten")
    shrunk = full(*range(1, 10), *range(41, 62))
    play.reject(1, shrunk, "over_budget", 29, "step 17: twenty new flags are left of the day")
    play.accept(1, full(*range(1, 10)), told={"withdrawn": 1, "held": 9}, about="a fifth goes without the shrink bit")
    play.reject(1, full(1, 2), "shrink", 7)
    play.accept(1, full(1, 2, shrink=True), told={"withdrawn": 7, "held": 2}, about="it is said to be meant")
    return play


def a_question() -> Play:
    play = Play(
        "the first check that fails decides: questions and status requests",
        "Partner 5 may not ask, partner 1 may not sweep, partner 4 may.",
        "sparing",
    )
    bad: dict[str, Any] = {"policy": bytes(32), "raw": b"\xff", "time": START - 25 * HOUR}
    question = ask(1)
    play.reject(5, question, "wrong_policy", about="step 9", **bad)
    del bad["policy"]
    play.reject(5, question, "not_permitted", about="step 10", **bad)
    play.reject(1, question, "clock", about="step 11", **bad)
    del bad["time"]
    play.reject(1, question, "not_yet_answering", about="step 12: before the body, which is malformed", **bad)
    for partner in (1, 2, 3):
        play.accept(partner, full(1, partner + 1), told={"added": 2, "held": 2, "release": START})
    for partner in (4, 5):
        play.accept(partner, full(), told={"held": 0})
    play.reject(1, question, "not_yet_answering", about="step 12: nothing was released yet")
    play.now = MIDNIGHT[1]
    play.reject(1, question, "malformed", about="step 13", **{"raw": b"\xff"})
    many = Question([number.to_bytes(16, "big") for number in range(100_001)])
    large = play.message(1, many)
    cut = len(large) - 64 - 16 * 100_001
    pieces = [{"hex": large[:cut].hex()}, {"pseudonyms": [0, 100_001]}, {"hex": large[-64:].hex()}]
    play.step(
        "message", about="step 13: more than a question may have", pieces=pieces, reply=play.rejection("too_large")
    )
    play.reject(1, ask(1, sweep="brand"), "not_permitted", about="step 13: it may not sweep")
    play.reject(4, ask(1, sweep="inval"), "not_permitted", about="step 13: no such reason")
    play.reject(4, ask(1, 2, 3, sweep="brand"), "over_budget", 2, "step 17: two may be swept on a day")
    told: dict[str, Any] = {
        "release": START + 1,
        "release_time": MIDNIGHT[1],
        "no_other_before": MIDNIGHT[2],
        "organisations": 4,
        "fresh": 4,
    }
    at = play.standings(1, {1: 3, 2: 0, 3: 1}, "a count; below threshold; no own flag", **told)
    play.again(at, "a resend gets the same answer, and costs nothing")
    play.status(1, left_asked_day=2, highest_question=7, release=START + 1)
    play.standings(2, {1: 2, 3: 0}, "a band")
    play.standings(3, {1: 255, 9: 1}, "presence")
    play.standings(4, {1: 255, 2: 0}, "a sweep needs no own flag", sweep="brand")
    play.reject(1, ask(11, 12, 13), "over_budget", 2, "step 17: two are left of the day; its own flags are free")
    play.status(1, left_asked_day=2)
    play.reject(1, StatusRequest(), "over_budget", 0, "step 17: two status requests a day")
    play.reject(2, StatusRequest(), "clock", about="a status request, too, has a time", time=MIDNIGHT[1] - 25 * HOUR)
    play.status(2, "and names any policy")
    message = play.message(2, StatusRequest(), policy=bytes(32))
    play.send(message, play.reply("status_reply", {"last_state": 1, "held": 2}))
    play.reject(3, StatusRequest(), "wrong_key_id", about="step 8", key_id=bytes(16))
    play.reject(3, StatusRequest(), "malformed", about="step 13", raw=b"\0")
    return play


def the_bytes() -> Play:
    play = Play(
        "bytes that are no message of a partner",
        "Step 1: each is told with a rejection that is not signed. Where the header cannot be read, its consortium and "
        "purpose are the policy's, and the rest 0.",
    )
    good = play.message(1, Confirm())
    front = len(good) - 64
    for about, message in {
        "nothing at all": b"",
        "the envelope that is reserved": b"\x02" + good[1:],
        "a message of the broker": good[:2] + b"\x11" + good[3:],
        "a kind that nobody sends": good[:2] + b"\x24" + good[3:],
        "cut short": good[:-1],
        "a byte too many": good + b"\0",
        "a consortium that is no slug": good.replace(b"proef", b"Proef", 1),
        "a body that is longer than the bytes": good[: front - 4] + b"\1\0\0\0" + good[front:],
        "previous in a question": play.message(1, ask(1), previous=1),
        "previous in a status request": play.message(1, StatusRequest(), previous=1),
    }.items():
        play.send(message, play.hint("malformed"), about)
    pieces = [{"hex": "01"}, {"zeros": messages.MAX_MESSAGE}]
    play.step("message", about="a byte longer than any message", pieces=pieces, reply=play.hint("too_large"))
    play.reject(1, Confirm(), "bad_signature", about="by another partner's key", key=2)
    flipped = bytearray(play.message(1, full(1)))
    flipped[-1] ^= 1
    play.send(bytes(flipped), play.rejection("bad_signature"), "a bit of the signature")
    broken = bytearray(play.message(1, full(1)))
    broken[-65] ^= 1
    play.send(bytes(broken), play.rejection("bad_signature"), "a bit of the body, which is malformed too")
    play.used.clear()
    play.accept(1, full(1), told={"added": 1, "held": 1}, about="none of these used up a number")
    return play


def numbers() -> Play:
    play = Play("numbers", "5.2, and steps 6 and 12 of 5.3: numbers may be skipped, and none is used twice.")
    at = play.accept(1, full(1), told={"added": 1, "held": 1}, sequence=7)
    play.again(at, "a resend gets the same receipt")
    play.reject(1, Confirm(), "stale", 8, "the number is used, by another message", sequence=7)
    play.reject(1, Confirm(), "stale", 8, "and one below it", sequence=3)
    play.used[1, "state"] = 7
    play.reject(1, Confirm(), "gap", 7, "it names another one as accepted last", previous=6)
    play.status(1, "the rejection used number 8 up", last_state=7, highest_state=8, held=1)
    play.again(at, "it is still the last one accepted")
    at = play.accept(1, delta(2, gone=(1,)), told={"added": 1, "withdrawn": 1, "held": 1})
    play.reject(1, Confirm(), "stale", 10, sequence=9 + (1 << 32) + 1)
    play.used[1, "state"] = 9
    play.accept(1, Confirm(), "the longest leap", told={"held": 1}, sequence=9 + (1 << 32))
    play.send(play.bytes[at], play.rejection("stale", 10 + (1 << 32)), "one that is no longer the last accepted")
    play.status(1, last_state=9 + (1 << 32), highest_state=9 + (1 << 32), highest_question=0)
    play.reject(1, ask(2), "not_yet_answering", about="questions are a series of their own", sequence=5)
    play.reject(1, ask(2), "stale", 6, sequence=5)
    play.reject(1, StatusRequest(), "stale", 3, "and so are status requests", sequence=1)
    play.status(1, highest_question=5, last_state=9 + (1 << 32))
    return play


def sets_in_parts() -> Play:
    play = Play("a full set in parts", "4.5: it takes effect with its last part, whole.")
    play.accept(1, full(1, 2, part=1, parts=3), told={"part": 1, "parts": 3, "held": 0})
    play.status(1, "nothing is held yet", last_state=1, held=0, full_set_due=True)
    play.reject(1, full(3, part=3, parts=3), "gap", 1, "the second part is missing")
    play.reject(1, full(3, part=2, parts=4), "gap", 1, "another number of parts")
    play.accept(1, full(3, part=2, parts=3), told={"part": 2, "parts": 3, "held": 0})
    at = play.accept(1, full(4, part=3, parts=3), told={"part": 3, "parts": 3, "added": 4, "held": 4})
    play.again(at)
    play.accept(1, full(1, 2, 3, part=1, parts=2), told={"part": 1, "parts": 2, "held": 4})
    play.accept(1, Confirm(), "any other message abandons the set", told={"held": 4})
    play.reject(1, full(4, part=2, parts=2), "gap", 7)
    play.accept(1, full(1, 2, 3, part=1, parts=2), told={"part": 1, "parts": 2, "held": 4})
    play.accept(
        1, full(1, 2, 3, 4, part=1, parts=2), "a part 1 begins another set", told={"part": 1, "parts": 2, "held": 4}
    )
    play.accept(1, full(5, part=2, parts=2), told={"part": 2, "parts": 2, "added": 1, "held": 5})
    return play


def days_and_renewals() -> Play:
    play = Play("days and renewals", "5.5, with 180 days and one renewal: 180 days from 2026-12-01 end on 2027-05-30.")
    play.accept(1, full(1, 2), told={"added": 2, "held": 2})
    play.now = moment("2027-01-15")
    play.step("accept_clock")
    later, renewed = until("2027-04-30"), until("2027-06-30", renewal="procedure_pending")
    play.accept(1, delta(1, terms=later), told={"changed": 1, "held": 2})
    play.reject(1, delta(1, terms=until("2027-06-30")), "renewal_not_declared")
    play.accept(1, delta(1, terms=renewed), told={"changed": 1, "held": 2, "renewed": 1})
    again = until("2027-06-30", renewal="observed_again")
    play.accept(1, delta(1, terms=again), "the same last day renews nothing", told={"held": 2})
    play.reject(
        1, delta(2, terms=until("2027-07-31", renewal="observed_again")), "not_permitted", about="197 days ahead"
    )
    play.accept(1, delta(gone=(2,)), told={"withdrawn": 1, "held": 1})
    play.reject(1, delta(2, terms=until("2027-06-30")), "renewal_not_declared", about="flagging again is no way round")
    play.accept(1, delta(2, terms=later), "within its first 180 days", told={"added": 1, "held": 2})
    play.reject(1, delta(3, terms=until("2027-04-30", "2026-04-01", renewal="being_acted_on")), "too_many_renewals", 1,
                "the partner's word of the first day holds")  # fmt: skip
    play.reject(1, delta(1, terms=until("2026-12-31")), "clock", about="a last day that is over")
    return play


def budgets() -> Play:
    play = Play("budgets", "5.6: each is the organisation's; a message that does not fit is rejected whole.")
    numbers_ = tuple(range(1, 26))
    play.accept(3, full(*numbers_), told={"added": 25, "held": 25}, about="25 new: ten are of first full sets")
    play.status(3, left_new_flags=5, left_first_sets=0, left_held=5)
    play.reject(5, full(*range(101, 107)), "over_budget", 5, "another system of the organisation")
    play.reject(3, delta(*range(31, 37)), "over_budget", 5)
    play.accept(3, delta(*range(31, 36)), told={"added": 5, "held": 30})
    play.reject(3, delta(36), "over_budget", 0, "none is left of the day, and none may be held besides")
    play.accept(3, delta(gone=(1, 2)), told={"withdrawn": 2, "held": 28})
    play.reject(3, delta(36), "over_budget", 0, "withdrawing gives nothing back")
    play.now = MIDNIGHT[1]
    play.reject(3, delta(36, 37, 38), "over_budget", 2, "a new day, and 30 may be held")
    play.accept(3, delta(36, 37), told={"added": 2, "held": 30})
    return play


def clock_in_doubt() -> Play:
    play = Play(
        "a clock in doubt", "5.7: more than 14 days past the last release. What is `unavailable` uses up no number."
    )
    for partner in (1, 2, 3, 4):
        play.accept(partner, full(1, 2), told={"added": 2, "held": 2})
    at = play.accept(5, full(3), told={"added": 1, "held": 1})
    play.now = MIDNIGHT[1]
    play.standings(1, {1: 3})
    play.now = MIDNIGHT[1] + 14 * DAY + 1
    for body in (full(1), delta(3), delta(3, gone=(1,)), Confirm(), ask(1)):
        play.reject(1, body, "unavailable")
    play.used = {**play.used, (1, "state"): 1, (1, "question"): 1}
    play.accept(1, delta(gone=(1,)), "a delta that only withdraws", told={"withdrawn": 1, "held": 1})
    play.status(1, last_state=2, highest_state=2, highest_question=1, held=1, release=START + 1)
    play.again(at, "a resend")
    play.step("accept_clock")
    play.used[1, "state"] = 2
    play.standings(2, {1: 2, 2: 2}, "the release of the day took away what was withdrawn")
    play.accept(1, Confirm(), told={"held": 1})
    return play


def a_silence() -> Play:
    play = Play(
        "days without a release",
        "5.7: more than three days and less than 14. The broker goes on.",
    )
    for partner in (1, 2, 3, 4, 5):
        play.accept(partner, full(1, 2), told={"added": 2, "held": 2})
    play.now = MIDNIGHT[1]
    play.standings(1, {1: 3})
    play.now = MIDNIGHT[1] + 5 * DAY + HOUR
    play.standings(2, {1: 2, 2: 2})
    play.accept(1, delta(3), told={"added": 1, "held": 3})
    play.reject(2, Confirm(), "clock", about="its time is of two days before", time=play.now - 2 * DAY)
    play.accept(2, delta(gone=(1,)), "a withdrawal waits for nobody", told={"withdrawn": 1, "held": 1},
                time=play.now - 2 * DAY)  # fmt: skip
    play.accept(2, Confirm(), told={"held": 1})
    play.step("accept_clock")
    play.reject(2, Confirm(), "clock", time=play.now - 2 * DAY)
    return play


def a_restore() -> Play:
    play = Play("a broker that was restored", "5.10: it forgot what all partners hold, and says so in every reply.")
    for partner in (1, 2, 3, 4, 5):
        play.accept(partner, full(1, 2), told={"added": 2, "held": 2})
    play.step("copy")
    play.accept(1, delta(3), told={"added": 1, "held": 3})
    at = play.accept(2, delta(gone=(1,)), told={"withdrawn": 1, "held": 1})
    kept = play.message(3, full(1, 2, 3), sequence=9)
    old = play.message(1, ask(1))
    play.now = START + HOUR
    play.step("restore")
    play.send(play.bytes[at], play.rejection("recovering"), "what was accepted after the copy")
    play.reject(1, Confirm(), "recovering")
    play.reject(1, delta(gone=(1,)), "recovering")
    play.send(old, play.rejection("recovering"), "a question of before the restore")
    play.reject(1, ask(1), "recovering", about="and one of after it")
    play.send(play.bytes[0], play.rejection("stale", 5), "what the copy knows")
    play.send(kept, play.rejection("recovering"), "a full set of before the restore")
    play.status(1, "the copy's last number; nothing is held", last_state=0, highest_state=4, held=0, full_set_due=True,
                release=START + HOUR + 1)  # fmt: skip
    play.reject(1, full(1, 2, 3), "gap", about="it names one that was accepted before the restore")
    play.accepted.clear()
    play.accept(1, full(1, 2, 3), "it follows nothing", told={"added": 3, "held": 3, "release": START + HOUR + 1})
    play.accept(1, delta(gone=(1,)), told={"withdrawn": 1, "held": 2})
    play.reject(1, ask(2), "not_yet_answering", about="nothing was released yet")
    return play


def succession() -> Play:
    play = Play(
        "a newer policy",
        "5.8 and 6.4: organisation 5 joins with the second epoch, and partner 5 leaves. State messages may name the "
        "policy before for 14 days.",
    )
    for partner in (1, 2, 3, 4, 5):
        play.accept(partner, full(1, 2), told={"added": 2, "held": 2})
    play.now = MIDNIGHT[1]
    play.standings(1, {1: 3})
    joining = certificates(((7, 5),), (1, 2))
    play.adopt("joined", joining, "policy_not_yet")
    play.now = MIDNIGHT[2]
    old = play.policy
    play.adopt("joined", joining)
    play.accept(1, Confirm(), "the policy before, and the reply names the newer one", policy=old, told={"held": 2})
    play.reject(1, ask(1), "wrong_policy", about="in a question it may not be named", policy=old)
    message = play.message(1, StatusRequest(), policy=old)
    play.send(message, play.reply("status_reply", {"held": 2}), "in a status request it may")
    play.reject(5, Confirm(), "unknown_partner", about="it left")
    play.reject(7, full(1), "wrong_epoch", about="it joins with the second epoch")
    play.standings(1, {1: 3}, "its organisation flags it still, by partner 3")
    play.now = MIDNIGHT[2] + 14 * DAY
    play.step("accept_clock")
    play.accept(1, Confirm(), "the last moment of the grace", policy=old, told={"held": 2})
    play.now += 1
    play.reject(1, Confirm(), "wrong_policy", about="after it", policy=old)
    play.accept(1, Confirm(), told={"held": 2})
    play.adopt("other", error="policy_successor")
    return play


def a_lost_key() -> Play:
    play = Play(
        "a version for a lost policy key",
        "6.4: organisation 4 lost its key. A line of the log announces the version, and 30 days later it is adopted; "
        "its systems have new numbers.",
    )
    play.accept(4, full(1), told={"added": 1, "held": 1})
    newer = [certify(number, epoch, organisation=4, signer=ANOTHER_KEY) for number in (14, 16) for epoch in (1, 2)]
    play.now = moment("2026-12-03")
    play.adopt("vetoed", error="policy_successor", do="announce")
    play.adopt("lost-key", do="announce")
    play.accept(4, Confirm(), told={"held": 1})
    play.now = moment("2027-01-01", 100)
    play.step("accept_clock")
    play.adopt("lost-key", newer, "policy_not_yet")
    play.now = moment("2027-01-02", 100)
    play.adopt("lost-key", newer)
    old = FIRST.digest
    play.reject(4, Confirm(), "unknown_partner", about="whoever has the lost key says nothing more", policy=old)
    play.reject(14, delta(1), "full_set_required", about="the new number begins anew")
    play.accept(14, full(1, terms=until("2027-03-31")), told={"added": 1, "held": 1})
    return play


def message_keys() -> Play:
    play = Play(
        "certificates",
        "6.6: a message key is replaced, serials ascend by at most 1,000, and a partner is suspended and comes back.",
        certified=[certify(partner, 1, organisation=of) for partner, of in SIX if partner != 6],
    )
    for partner in (1, 2, 3, 4, 5):
        play.accept(partner, full(1, 2), told={"added": 2, "held": 2})
    play.reject(6, StatusRequest(), "bad_signature", about="a partner without a certificate")
    replaced = certify(1, 1, 2, key=31, first_day="2026-12-02")
    play.certificate(replaced)
    play.certificate(replaced, about="the same once more")
    play.certificate(certify(1, 1, 2, key=32), "certificate", "the same serial with another key")
    play.certificate(certify(1, 1, 1_003, key=31), "certificate", "1,001 serials above")
    play.certificate(certify(1, 1, 3, key=31, signer=POLICY_KEYS[2]), "certificate", "by another organisation")
    play.reject(1, Confirm(), "bad_signature", about="its first day is tomorrow", key=21)
    play.used[1, "state"] = 1
    play.accept(1, Confirm(), told={"held": 2})
    play.now = MIDNIGHT[1]
    play.reject(1, Confirm(), "bad_signature", about="the key before")
    play.used[1, "state"] = 2
    play.accept(1, Confirm(), "its numbers go on", told={"held": 2}, key=21)
    play.certificate(certify(2, 1, 2, suspended=True, first_day="2026-12-03"))
    resend = play.accept(2, Confirm(), "until its first day it is not suspended", told={"held": 2})
    play.standings(3, {1: 255})
    play.now = MIDNIGHT[2]
    play.reject(2, Confirm(), "not_certified", about="suspended; the number is used")
    play.send(play.bytes[resend], play.rejection("stale", 4), "and it gets no earlier reply")
    play.reject(2, StatusRequest(), "not_certified")
    play.reject(2, Confirm(), "bad_signature", about="a stranger is told the same as of any partner", key=3)
    play.certificate(certify(2, 1, 3, first_day="2026-12-03", last_day="2026-12-03"))
    play.used[2, "state"] = 3
    play.reject(2, Confirm(), "full_set_required", about="its flags ended")
    play.accept(2, full(1), told={"added": 1, "held": 1})
    play.now = MIDNIGHT[3]
    play.reject(2, Confirm(), "not_certified", about="its certificate has ended")
    return play


def two_epochs() -> Play:
    play = Play(
        "two epochs",
        "5.7: one epoch answers at a time. The first closes on 2027-05-31, the second opens on 2027-05-01.",
    )
    for partner in (1, 2, 3, 4, 5):
        play.accept(partner, full(1, 2), told={"added": 2, "held": 2})
    play.now = MIDNIGHT[1]
    play.step("release")
    play.now = moment("2027-05-01", 60)
    play.step("accept_clock")
    play.reject(1, ask(1, epoch=2), "other_epoch", 1, "the second does not answer yet", epoch=2)
    play.reject(1, Confirm(), "full_set_required", about="the first message in it is a full set", epoch=2)
    last = until("2027-09-30")
    play.accept(1, full(1, terms=last, epoch=2), told={"added": 1, "held": 1}, epoch=2)
    play.accept(1, Confirm(), "the chain of numbers is over all epochs", told={"held": 0})
    for partner in (2, 3, 4, 5):
        play.accept(partner, full(1, terms=last, epoch=2), told={"added": 1, "held": 1}, epoch=2)
    for days in (2, 5, 8):
        play.now = moment("2027-05-01") + (days - 1) * DAY
        play.step("release")
    play.reject(1, ask(1), "other_epoch", 2, "now the second answers")
    play.standings(1, {1: 3}, epoch=2)
    play.now = moment("2027-06-01")
    play.step("accept_clock")
    play.reject(1, Confirm(), "wrong_epoch", about="the first has closed")
    play.used[1, "state"] = 4
    play.accept(1, Confirm(), "the message before used up no number", told={"held": 1}, epoch=2)
    return play


PLAYS = (
    a_state_message, a_question, the_bytes, numbers, sets_in_parts, days_and_renewals, budgets, clock_in_doubt,
    a_silence, a_restore, succession, a_lost_key, message_keys, two_epochs,
)  # fmt: skip


def transcripts() -> list[dict[str, Any]]:
    return [play().to_json() for play in PLAYS]
