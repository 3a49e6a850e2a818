"""The transcripts that a partner is held to: what it makes, what it refuses, and what it keeps (SPEC.md 6.6, 7, 8.1).

The reference partner makes the messages. The replies are written here, and so is what must come of each.
"""

from dataclasses import replace
from typing import Any

from stapel_reference import jsonform, log, messages, secret_file
from stapel_reference.errors import Refused
from stapel_reference.messages import (
    CODES,
    KINDS,
    NO_LINE,
    NOT_LOGGED,
    Answer,
    Header,
    LineProof,
    LogEntry,
    Question,
    Receipt,
    Rejection,
    StatusReply,
)
from stapel_reference.partner import Partner
from stapel_reference.keys import Secret
from stapel_reference.replies import may_reject, remedy
from stapel_reference.secret_file import SecretFile, SecretPart
from stapel_reference.transcripts import kept, told
from succession_vectors import AFTER, ANOTHER_KEY, BEFORE, POLICY_KEYS, public
from transcript_broker import FIRST, JOINED, LOST_KEY, OTHER
from transcript_consortium import (
    ANOTHER_OPERATOR,
    CHECKPOINTS,
    DAY,
    OPERATOR,
    PURPOSE,
    START,
    certify,
    day,
    drawn,
    message_seed,
    moment,
    secret,
    secret_text,
    version,
)

HOUR = 3_600
RELEASE = START + 1
NUMBERS = version(tables='\n[counting]\nlevels = ["unit", "number"]\n')
SHORTER = version(before=FIRST, tables="\n[retention]\nmax_days = 90\n", valid_from="2026-12-02")
REGISTER = version(before=FIRST, tables='\n[counting]\nregister = "required"\n', valid_from="2026-12-02")
WITHOUT = version(before=NUMBERS, valid_from="2026-12-02")
# Both follow the first; the second says that the first of them is void.
VOIDING = version(
    before=FIRST, rules={"new_flags_a_day": "40"}, valid_from="2026-12-03", more=f'voids = ["{OTHER.digest.hex()}"]\n'
)
TOOK_OVER = version(before=FIRST, verifying_key=public(102), valid_from="2026-12-02")
AFTER_LOST = version(
    before=LOST_KEY,
    partners=((1, 1), (2, 2), (3, 3), (5, 3), (14, 4), (16, 4)),
    policy_keys={4: ANOTHER_KEY},
    valid_from="2027-01-03",
    unsigned={"organisation": 4, "because": "lost-key", "version": 2, "epoch": 1, "more": "announced = 2026-12-01\n"},
    signed=(1, 2, 3, (4, ANOTHER_KEY)),
    rules={"new_flags_a_day": "30"},
)
# By mistake both epochs have one secret.
REUSED = version(
    epochs=(BEFORE, {**AFTER, "key_id": Secret(drawn("secret 1"), PURPOSE, 2).key_id.hex()}),
)
POLICIES = {
    "reused": REUSED,
    "numbers": NUMBERS,
    "without-numbers": WITHOUT,
    "shorter": SHORTER,
    "register": REGISTER,
    "voiding": VOIDING,
    "took-over": TOOK_OVER,
    "after-lost-key": AFTER_LOST,
}
ALL = {"first": FIRST, "other": OTHER, "joined": JOINED, "lost-key": LOST_KEY, **POLICIES}


def homes(*numbers: int) -> list[str]:
    return [f"1012JS|{number}|" for number in numbers]


def given(numbers: tuple[int, ...], looked_up: bool) -> dict[str, Any]:
    """The fields of a step on homes."""
    return {"homes": homes(*numbers), **({"looked_up": True} if looked_up else {})}


class Play:
    """A partner's transcript while it is written, with a broker that says what it is told to say."""

    def __init__(
        self,
        name: str,
        about: str,
        policy: str = "first",
        certificates: Any = (),
        epochs: Any = (1, 2),
        partner: int = 1,
    ) -> None:
        self.name, self.about, self.now = name, about, START
        self.start = {
            "policy": policy,
            "partner": partner,
            "seed": message_seed(partner).hex(),
            "certificates": list(certificates),
            "secrets": [secret_text(epoch) for epoch in epochs],
        }
        in_force = ALL[policy]
        self.partner = Partner(partner, message_seed(partner), in_force.toml.encode(), in_force.signatures)
        for text in certificates:
            self.partner.add_certificate(text)
        for text in self.start["secrets"]:
            self.partner.add_secret(text.encode())
        self.in_force = in_force
        self.steps: list[dict[str, Any]] = []
        self.before = kept(self.partner)
        self.leaves: list[bytes] = []
        self.restored = 0
        # The seed of whoever signs replies.
        self.key = OPERATOR

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "about": self.about, "start": self.start, "steps": self.steps}

    def step(self, do: str, call: Any, error: str | None, about: str | None, **fields: Any) -> Any:
        """Does it, and notes what came of it. It must be refused with `error`, or not at all."""
        row = {"do": do, "now": self.now, **({"about": about} if about else {}), **fields}
        made = None
        try:
            made = call()
            refused = None
        except Refused as one:
            refused = one.code
        assert refused == error, f"{self.name}, step {len(self.steps)}, {do} {about}: {refused}, and not {error}"
        if error:
            row["error"] = error
        now = kept(self.partner)
        changed = {name: value for name, value in now.items() if value != self.before[name]}
        assert not error or not changed, f"{self.name}, {about}: refused, and changed {changed}"
        self.before = now
        self.steps.append(row)
        self.row, self.changed = row, changed
        if do not in ("deliver", "confirm", "ask", "status", "read"):
            self.note()
        return made

    def note(self) -> None:
        self.row["kept"] = self.changed

    # What people do

    def flag(
        self, *numbers: int, until: str | None = None, looked_up: bool = False, error: str | None = None,
        about: str | None = None,
    ) -> None:  # fmt: skip
        fields = {**given(numbers, looked_up), **({"until": until} if until else {})}
        last = day(until) if until else None
        call = lambda: self.partner.flag(self.now, homes(*numbers), last, looked_up)  # noqa: E731
        self.step("flag", call, error, about, **fields)

    def renew(
        self, *numbers: int, reason: str = "observed_again", looked_up: bool = False, error: str | None = None,
        about: str | None = None,
    ) -> None:  # fmt: skip
        call = lambda: self.partner.renew(self.now, homes(*numbers), reason, looked_up)  # noqa: E731
        self.step("renew", call, error, about, **given(numbers, looked_up), reason=reason)

    def withdraw(self, *numbers: int, about: str | None = None) -> None:
        self.step(
            "withdraw", lambda: self.partner.withdraw(self.now, homes(*numbers)), None, about, homes=homes(*numbers)
        )

    def flag_all(
        self, *keys: str, until: str | None = None, error: str | None = None, about: str | None = None
    ) -> None:
        """Flags address keys of either level."""
        fields: dict[str, Any] = {"homes": list(keys), **({"until": until} if until else {})}
        last = day(until) if until else None
        self.step("flag", lambda: self.partner.flag(self.now, keys, last), error, about, **fields)

    def renew_all(
        self, *keys: str, reason: str = "observed_again", error: str | None = None, about: str | None = None
    ) -> None:
        call = lambda: self.partner.renew(self.now, keys, reason)  # noqa: E731
        self.step("renew", call, error, about, homes=list(keys), reason=reason)

    def withdraw_all(self, *keys: str, about: str | None = None) -> None:
        self.step("withdraw", lambda: self.partner.withdraw(self.now, keys), None, about, homes=list(keys))

    def replace_all(
        self, *numbers: int, shrink: bool = False, looked_up: bool = False, error: str | None = None,
        about: str | None = None,
    ) -> None:  # fmt: skip
        call = lambda: self.partner.replace_all(self.now, homes(*numbers), shrink, looked_up)  # noqa: E731
        self.step("replace_all", call, error, about, **given(numbers, looked_up), shrink=shrink)

    def accept_clock(self, about: str | None = None, error: str | None = None) -> None:
        self.step("accept_clock", lambda: self.partner.accept_clock(self.now), error, about)

    def give_up(self, message: bytes, about: str | None = None, error: str | None = None) -> None:
        digest = messages.digest(message)
        self.step("give_up", lambda: self.partner.give_up(digest, self.now), error, about, message=digest.hex())

    def adopt(self, *names: str, error: str | None = None, about: str | None = None) -> None:
        versions = [(ALL[name].toml.encode(), ALL[name].signatures) for name in names]
        self.step("policy", lambda: self.partner.adopt(self.now, versions), error, about, policies=list(names))
        if not error:
            self.in_force = ALL[names[-1]]

    def certificate(self, text: str, error: str | None = None, about: str | None = None) -> None:
        self.step("certificate", lambda: self.partner.add_certificate(text), error, about, text=text)

    def message_key(self, number: int, about: str | None = None) -> None:
        """The partner gets another message key, of which the seed is named by a number."""
        made = message_seed(number)
        self.step("message_key", lambda: setattr(self.partner, "seed", made), None, about, seed=made.hex())

    def secret(self, text: str, error: str | None = None, about: str | None = None) -> None:
        self.step("secret", lambda: self.partner.add_secret(text.encode()), error, about, text=text)

    def parts(self, *texts: str, error: str | None = None, about: str | None = None) -> None:
        call = lambda: self.partner.add_parts([text.encode() for text in texts])  # noqa: E731
        self.step("parts", call, error, about, texts=list(texts))

    # What the partner says

    def made(self, do: str, call: Any, error: str | None, about: str | None, **fields: Any) -> list[bytes]:
        made = self.step(do, call, error, about, **fields) or []
        if not error:
            self.row["messages"] = [one.hex() for one in made]
        self.note()
        return made

    def deliver(self, about: str | None = None, error: str | None = None) -> list[bytes]:
        return self.made("deliver", lambda: self.partner.deliver(self.now), error, about)

    def confirm(self, about: str | None = None, error: str | None = None) -> list[bytes]:
        return self.made("confirm", lambda: self.partner.deliver(self.now, confirm=True), error, about)

    def ask(
        self, *numbers: int, sweep: str | None = None, looked_up: bool = False, about: str | None = None,
        error: str | None = None,
    ) -> list[bytes]:  # fmt: skip
        fields = {**given(numbers, looked_up), **({"sweep": sweep} if sweep else {})}
        call = lambda: self.partner.ask(self.now, homes(*numbers), sweep, looked_up)  # noqa: E731
        return self.made("ask", call, error, about, **fields)

    def status(self, about: str | None = None, error: str | None = None) -> bytes:
        made = self.made("status", lambda: [self.partner.status(self.now)], error, about)
        return made[0] if made else b""

    # What the broker says

    def body(self, message: bytes, kind: str, **fields: Any) -> messages.Body:
        sent = messages.decode(message, from_partner=True)
        request = sent.body()
        flagged = sum(len(rows) for _, rows in getattr(request, "groups", []))
        gone = len(getattr(request, "withdrawn", []))
        made: messages.Body
        if kind == "receipt":
            usual: dict[str, Any] = {
                "release": START, "part": 0, "parts": 0, "added": flagged, "changed": 0, "withdrawn": gone,
                "held": max(flagged, 1) if KINDS[messages.FullSet] != sent.header.kind else flagged, "renewed": 0,
            }  # fmt: skip
            made = Receipt(NO_LINE, **{**usual, **fields})
        elif kind == "answer":
            asked = len(request.pseudonyms) if isinstance(request, Question) else 1
            usual = {
                "release": RELEASE, "release_time": self.now - 60, "no_other_before": self.now + DAY,
                "organisations": 4, "fresh": 4, "standings": bytes(asked),
            }  # fmt: skip
            made = Answer(NO_LINE, **{**usual, **fields})
        elif kind == "status_reply":
            usual = {
                "release": START, "release_time": START, "no_other_before": START + DAY, "last_state": 0,
                "highest_state": fields.get("last_state", 0), "highest_question": 0, "held": 0, "full_set_due": False,
                "left_new_flags": 20, "left_first_sets": 0, "left_held": 30, "left_asked_day": 5, "left_asked_epoch": 8,
                "left_swept": 2, "left_status": 19, "checkpoint": b"", "proof": [], "lines": [],
            }  # fmt: skip
            made = StatusReply(NO_LINE, **{**usual, **fields})
        else:
            made = Rejection(NO_LINE, kind, **{"number": 0, "text": "no", **fields})
        return made

    def reply(
        self, message: bytes, kind: str, /, header: dict[str, Any] | None = None, entry: LogEntry | None = None,
        raw: bytes | None = None, key: bytes | None = None, logged: bool = True, **fields: Any,
    ) -> bytes:  # fmt: skip
        """The broker's reply to a message: a kind, or the code of a rejection; with a line of its own in the log. What
        `header` says of the header, and `raw` of the body, is wrong on purpose."""
        body = self.body(message, kind, **fields)
        asked = messages.decode(message, from_partner=True)
        front = replace(
            asked.header, kind=KINDS[type(body)], time=self.now, policy=self.in_force.digest,
            context=messages.digest(message),
        )  # fmt: skip
        front = replace(front, **(header or {}))
        if entry is None:
            entry = LogEntry(self.restored)
            if logged and kind not in NOT_LOGGED:
                entry = self.line(asked, front, replace(body, log=LogEntry(self.restored)))
        body = replace(body, log=entry)
        sign = messages.private_key(key or self.key).sign
        if raw is None:
            return messages.encode(front, body, sign)
        start = bytes([messages.ENVELOPE]) + front.encode(len(raw))
        return start + raw + sign(messages.signed_bytes(front.kind, start, raw))

    def line(self, asked: messages.Unverified, front: Header, body: messages.Body) -> LogEntry:
        """The line of the log on a message; the log grows by it."""
        salt = drawn(f"salt {self.name} {len(self.leaves)}", 16)
        salted = replace(body, log=LogEntry(self.restored, len(self.leaves), bytes(32), salt))
        leaf = log.leaf_hash(log.lines_on(asked, asked.body(), front, salted)[0])
        self.leaves.append(leaf)
        return LogEntry(self.restored, len(self.leaves) - 1, leaf, salt)

    def checkpoint(
        self,
        size: int | None = None,
        leaves: list[bytes] | None = None,
        key: bytes = CHECKPOINTS,
        origin: str | None = None,
    ) -> bytes:
        leaves = (leaves or self.leaves)[:size]
        origin = origin or self.partner.log_origin(self.restored)
        return log.sign(log.body(origin, len(leaves), log.root(leaves)), origin, key).encode()

    def proven(self, lines: list[int], size: int | None = None) -> list[LineProof]:
        leaves = self.leaves[:size]
        return [LineProof(line, log.inclusion(line, leaves)) for line in lines]

    def read(
        self,
        reply: bytes,
        due: str | None = None,
        about: str | None = None,
        error: str | None = None,
        pieces: Any = None,
    ) -> None:
        """The partner reads a reply. `due` is what it must be taken for."""
        given = {"pieces": pieces} if pieces else {"reply": reply.hex()}
        read = self.step("read", lambda: self.partner.read(reply, self.now), error, about, **given)
        if not error:
            made = told(read)
            assert due in (None, read.kind, made.get("code")), f"{self.name}, {about}: {made}, and not {due}"
            self.row["told"] = made
        self.note()

    def refuses(self, reply: bytes, about: str, error: str = "unexpected_reply") -> None:
        self.read(reply, error=error, about=about)

    def receipt(self, message: bytes, about: str | None = None, **fields: Any) -> None:
        self.read(self.reply(message, "receipt", **fields), "receipt", about)

    def reject(self, message: bytes, code: str, number: int = 0, about: str | None = None) -> None:
        self.read(self.reply(message, code, number=number), code, about)

    def delivered(self, *numbers: int) -> None:
        """Flags homes, and delivers all there is."""
        self.flag(*numbers)
        for message in self.deliver():
            self.receipt(message)

    # What a step must have come to

    def demand(self, **due: Any) -> None:
        for name, value in due.items():
            assert self.before[name] == value, f"{self.name}, step {len(self.steps) - 1}: {name} is {self.before[name]}"


def kind_of(message: bytes) -> str:
    return jsonform.kind_name(messages.decode(message, from_partner=True).header.kind)


def header_of(message: bytes) -> Header:
    return messages.decode(message, from_partner=True).header


def a_day() -> Play:
    play = Play("a day at a partner", "Flags, a full set, a delta, a question, a status request, a confirm.")
    play.flag(1, 2, 3)
    (full,) = play.deliver()
    assert kind_of(full) == "full_set"
    assert play.deliver("the same bytes as long as there is no reply") == [full]
    receipt = play.reply(full, "receipt")
    play.read(receipt, "receipt")
    play.read(receipt, "receipt", "what was read is told again, and changes nothing")
    assert play.deliver("nothing to say") == []
    play.flag(4)
    play.withdraw(1)
    gone, more = play.deliver("what was withdrawn goes first, by itself")
    play.receipt(gone, held=2)
    play.receipt(more, held=3)
    (question,) = play.ask(4, 2)
    assert play.ask(4, 2, about="the same call") == [question]
    answer = play.reply(question, "answer", standings=bytes([3, 1]))
    play.read(answer, "answer")
    play.read(answer, "answer", "told again")
    play.now += HOUR
    request = play.status("it has the latest receipt, and the lines that are to be proven")
    told = {"last_state": 3, "highest_question": 1, "held": 3, "release": RELEASE}
    play.read(play.reply(request, "status_reply", **told), "status_reply")
    (confirm,) = play.confirm()
    assert kind_of(confirm) == "confirm"
    play.receipt(confirm, held=3, release=RELEASE)
    play.demand(numbers=[4, 1, 1], accepted=4, in_flight=[], complaints=[])
    return play


def house_numbers() -> Play:
    play = Play(
        "house numbers",
        "Where the policy counts them, a house number is flagged while a home at it is. A policy that ceases to "
        "count them has the next message a full set, with the shrink bit.",
        "numbers",
    )
    a, b = "1012JS|1|A", "1012JS|1|B"

    def add(*of: str) -> None:
        play.step("flag", lambda: play.partner.flag(play.now, of), None, None, homes=list(of))

    add(a, b)
    (full,) = play.deliver("two homes and their house number")
    play.receipt(full)
    play.step("withdraw", lambda: play.partner.withdraw(play.now, [a]), None, None, homes=[a])
    (gone,) = play.deliver("the house number stays")
    play.receipt(gone, held=2)
    play.step("withdraw", lambda: play.partner.withdraw(play.now, [b]), None, None, homes=[b])
    add("1012JS|3|")
    gone, more = play.deliver("the house number goes with its last home")
    play.receipt(gone, held=0)
    play.receipt(more, held=2)
    add("0424200000017336")
    (more,) = play.deliver("a home without a postcode is in no house number")
    play.receipt(more, held=3)
    play.now += DAY
    play.adopt("without-numbers")
    (full,) = play.deliver()
    assert kind_of(full) == "full_set"
    play.receipt(full)
    return play


def a_number_alone() -> Play:
    play = Play(
        "a house number alone",
        "7.2: where no home is certain. It has nothing at the level of homes, and costs one new flag. A policy that "
        "ceases to count house numbers leaves it to its partner, who tells nobody of it.",
        "numbers",
    )
    number, flat, more = "1012JS|1", "1012JS|10|", ["1012JS|2", "1012JS|3|"]
    play.flag_all(number, flat, about="between the number and its homes stands another number's home")
    (full,) = play.deliver("the number alone, and the home with its number")
    play.receipt(full, held=3)
    (question,) = play.made("ask", lambda: play.partner.ask(play.now, [number, flat]), None, None, homes=[number, flat])
    play.read(play.reply(question, "answer", standings=bytes([2, 0])), "answer")
    play.flag_all(*more)
    (delta,) = play.deliver("a number alone, and a home with its number")
    play.reject(delta, "over_budget", 1)
    (delta,) = play.deliver("the number alone is one new flag, and the home with its own would be two")
    play.receipt(delta, held=4)
    play.now += DAY
    (delta,) = play.deliver()
    play.receipt(delta, held=6)
    play.adopt("without-numbers")
    play.flag_all("1012JS|4", error="level")
    play.renew_all(number, error="level")
    play.step("replace_all", lambda: play.partner.replace_all(play.now, [number], True), "level", None,
              homes=[number], shrink=True)  # fmt: skip
    (full,) = play.deliver("the homes; the numbers stay here")
    play.demand(flags={one: ["2026-12-01", "2027-04-30", None] for one in sorted([number, flat, *more])})
    play.receipt(full)
    play.withdraw_all(number, about="it can be withdrawn none the less")
    assert play.deliver("nobody was told of it") == []
    return play


def a_number_and_its_home() -> Play:
    play = Play(
        "a house number alone, and a home at it",
        "7.2: the number is flagged while either is, on the terms of the one that lasts longer.",
        "numbers",
    )
    number, home = "1012JS|1", "1012JS|1|A"
    play.flag_all(number, home)
    (full,) = play.deliver("the home and the number, once")
    play.receipt(full, held=2)
    play.withdraw_all(number)
    assert play.deliver("the number stays with the home") == []
    play.flag_all(number, about="it keeps its first day")
    assert play.deliver() == []
    play.withdraw_all(home)
    (gone,) = play.deliver("the number stays by itself")
    play.receipt(gone, held=1)
    play.flag_all(home)
    (delta,) = play.deliver("the number is there")
    play.receipt(delta, held=2)
    play.withdraw_all(home, number)
    (gone,) = play.deliver("both, each once")
    play.receipt(gone, held=0)
    play.flag_all(number, until="2027-02-28")
    play.flag_all(home, until="2027-01-31")
    (delta,) = play.deliver("on the number's own terms")
    play.receipt(delta, held=2)
    play.flag_all(home, until="2027-03-31")
    (delta,) = play.deliver("on the home's terms")
    play.receipt(delta, added=0, changed=2, held=2)
    play.withdraw_all(home)
    gone, delta = play.deliver("what is withdrawn goes first; then the number's own terms again")
    play.receipt(gone, held=1)
    play.receipt(delta, added=0, changed=1, held=1)
    play.now = moment("2027-01-02")
    play.renew_all(number, reason="being_acted_on")
    (delta,) = play.deliver("with the reason")
    play.receipt(delta, added=0, changed=1, held=1)
    play.withdraw_all(number)
    play.now = moment("2027-01-31")
    play.flag_all(number, about="the 30th day after the last on which it stood here: it keeps its first day")
    play.demand(flags={number: ["2026-12-01", "2027-04-30", "being_acted_on"]})
    play.withdraw_all(number)
    play.now = moment("2027-03-02")
    play.flag_all(number, about="after those it is a new one, although the broker was not told that it ended")
    play.demand(flags={number: ["2027-03-02", "2027-07-31", None]})
    return play


def the_order() -> Play:
    play = Play(
        "the first check that fails decides",
        "A reply to a delta that fails at every step of 7.3, and is mended from the first step on.",
    )
    play.delivered(1, 2)
    play.flag(3)
    (delta,) = play.deliver()
    wrong: dict[str, Any] = {
        "header": {
            "consortium": "elders", "purpose": "iets-anders", "partner": 2, "context": bytes(32), "epoch": 2,
            "key_id": bytes(16), "sequence": 7, "previous": 6,
        },
        "raw": b"\xff", "key": ANOTHER_OPERATOR,
    }  # fmt: skip

    def refuses(about: str, error: str = "unexpected_reply", kind: str = "receipt", **fields: Any) -> None:
        play.refuses(play.reply(delta, kind, logged=False, **{**wrong, **fields}), about, error)

    reply = play.reply(delta, "receipt", logged=False, **wrong)
    play.refuses(b"\x02" + reply[1:], "step 1: the reserved envelope", "malformed")
    play.refuses(reply[:-1], "step 1: cut short", "malformed")
    play.refuses(delta, "step 1: a partner's message", "malformed")
    play.refuses(b"", "step 1: nothing", "malformed")
    large = bytes([1]) + bytes(messages.MAX_MESSAGE)
    pieces = [{"hex": "01"}, {"zeros": messages.MAX_MESSAGE}]
    play.read(large, error="too_large", about="step 1: longer than any message", pieces=pieces)
    hint_header = replace(header_of(delta), kind=KINDS[Rejection], context=messages.digest(delta))
    for code in sorted(messages.UNSIGNED):
        hint = messages.encode(hint_header, Rejection(NO_LINE, code, 0, "no"), lambda _: messages.NO_SIGNATURE)
        play.read(hint, "hint", "step 2: it ends here, and changes nothing")
    lines = LogEntry(0, 1, drawn("leaf"), drawn("salt", 16))
    for about, one in {
        "step 3: a code that no hint has": Rejection(NO_LINE, "wrong_key_id", 0, "no"),
        "step 3: a hint names no line": Rejection(lines, "malformed", 0, "no"),
    }.items():
        hint = messages.encode(hint_header, one, lambda _: messages.NO_SIGNATURE)
        play.refuses(hint, about, "bad_signature")
    broken = bytes([messages.ENVELOPE]) + hint_header.encode(1) + b"\xff" + messages.NO_SIGNATURE
    play.refuses(broken, "step 3: a hint whose body is malformed", "bad_signature")
    refuses("step 3: the signature before the body, which is malformed", "bad_signature")
    del wrong["key"]
    for name in ("consortium", "purpose", "partner"):
        refuses(f"step 4: the {name}, before the body, which is malformed")
        del wrong["header"][name]
    refuses("step 5: the body, before the message that it is to", "malformed")
    del wrong["raw"]
    refuses("step 6: it is to no message in flight")
    del wrong["header"]["context"]
    for name in ("epoch", "key_id", "sequence", "previous"):
        refuses(f"step 7: another {name}")
        del wrong["header"][name]
    refuses("step 8: a status reply to a delta", kind="status_reply", header={"previous": 0})
    refuses("step 8: an answer, which names no previous", "malformed", kind="answer")
    refuses("step 9: more flags added than it has", added=2, held=9)
    play.receipt(delta, "all is well", held=3)
    play.refuses(play.reply(delta, "receipt", held=4), "another reply to it was read")
    play.delivered(4)
    question = play.ask(1)[0]
    request = play.status()
    play.refuses(play.reply(question, "receipt", held=3), "step 8: a receipt to a question")
    play.refuses(play.reply(question, "status_reply"), "step 8: a status reply to a question")
    play.refuses(play.reply(request, "receipt", held=3), "step 8: a receipt to a status request")
    play.refuses(play.reply(request, "answer"), "step 8: an answer to a status request")
    many = play.reply(question, "answer", logged=False, standings=bytes(100_001))
    cut = len(many) - 64 - 100_001
    pieces = [{"hex": many[:cut].hex()}, {"zeros": 100_001}, {"hex": many[-64:].hex()}]
    play.read(many, error="too_large", about="step 5: more standings than an answer has", pieces=pieces)
    play.demand(complaints=[])
    return play


def receipts() -> Play:
    play = Play("receipts that fit, and that do not", "Step 9 of 7.3.")
    play.flag(1, 2, 3)
    (full,) = play.deliver()
    for about, fields in {
        "more added and changed than it flags": {"added": 3, "changed": 1, "held": 4},
        "more renewals": {"renewed": 4},
        "more held than the set": {"held": 4},
        "it has no parts": {"part": 2, "parts": 2},
        "an older time than the broker would take it at": {"header": {"time": START - 601}},
    }.items():
        play.refuses(play.reply(full, "receipt", logged=False, **fields), about)
    play.read(
        play.reply(full, "receipt", header={"time": START - 600}, withdrawn=9), "receipt", "ten minutes are the most"
    )
    play.flag(4, 5)
    play.withdraw(1)
    gone, more = play.deliver()
    for about, fields in {
        "it withdraws one": {"withdrawn": 2, "held": 4},
        "it adds none": {"added": 1, "held": 4},
    }.items():
        play.refuses(play.reply(gone, "receipt", logged=False, **fields), about)
    early = play.reply(gone, "receipt", header={"time": START - DAY}, held=2)
    play.read(early, "receipt", "a withdrawal is taken by a broker whose clock stands still")
    for about, fields in {
        "it adds two": {"added": 1, "changed": 2, "held": 9},
        "it withdraws none": {"withdrawn": 1, "held": 4},
    }.items():
        play.refuses(play.reply(more, "receipt", logged=False, **fields), about)
    other = {"policy": OTHER.digest, "time": START - DAY}
    play.read(play.reply(more, "receipt", header=other, held=4), "receipt", "the time is not judged by another policy")
    (confirm,) = play.confirm()
    for about, fields in {
        "a confirm adds none": {"added": 1},
        "changes none": {"changed": 1},
        "withdraws none": {"withdrawn": 1},
        "renews none": {"renewed": 1},
    }.items():
        play.refuses(play.reply(confirm, "receipt", logged=False, **fields), about)
    play.receipt(confirm, held=4)
    return play


def answers() -> Play:
    play = Play(
        "answers that fit, and that do not", "Step 9 of 7.3: this partner is told counts, of 2 and of 3 or more."
    )
    play.delivered(1, 2)
    (question,) = play.ask(1, 2)
    for about, fields in {
        "under another policy": {"header": {"policy": OTHER.digest}},
        "more organisations than the roster has": {"organisations": 5},
        "one standing of two": {"standings": bytes(1)},
        "three standings": {"standings": bytes(3)},
        "presence, which it is not told": {"standings": bytes([255, 0])},
        "over the cap": {"standings": bytes([0, 4])},
        "an older time than the broker would take it at": {"header": {"time": START - 601}},
    }.items():
        play.refuses(play.reply(question, "answer", logged=False, **fields), about)
    play.refuses(play.reply(question, "answer", logged=False, standings=bytes([0, 251])), "no standing", "malformed")
    play.read(play.reply(question, "answer", standings=bytes([3, 2])), "answer")
    play.refuses(play.reply(question, "answer"), "another one was read")
    request = play.status()
    lines = [LineProof(7, [])]
    shown = {"checkpoint": play.checkpoint(), "lines": lines, "last_state": 1}
    play.refuses(play.reply(request, "status_reply", logged=False, **shown), "it proves a line that was not asked for")
    play.read(play.reply(request, "status_reply", last_state=1, release=RELEASE, held=2), "status_reply")
    return play


def told_less(partner: int, sees: str, right: list[int], wrong: list[int]) -> Play:
    play = Play(f"answers to one who sees a {sees}", "4.8: it is told nothing of another row.", partner=partner)
    play.delivered(*range(1, len(right) + 1))
    (question,) = play.ask(*range(1, len(right) + 1))
    for byte in wrong:
        standings = bytes([byte, *right[1:]])
        play.refuses(play.reply(question, "answer", logged=False, standings=standings), f"it is not told {byte}")
    play.read(play.reply(question, "answer", standings=bytes(right)), "answer")
    return play


def joining() -> Play:
    play = Play(
        "an organisation that joins with the second epoch",
        "6.4: it takes no part in the first, has no secret of it, and delivers when the second has opened.",
        "joined",
        epochs=(),
        partner=7,
    )
    play.secret(secret_text(1), "secret_mismatch", "of an epoch in which it takes no part")
    play.secret(secret_text(2))
    play.flag(1)
    play.deliver(error="no_epoch")
    play.now = moment("2027-04-30")
    play.accept_clock()
    play.flag(2)
    play.deliver(error="no_epoch")
    play.now = moment("2027-05-01")
    (full,) = play.deliver()
    assert (kind_of(full), header_of(full).epoch) == ("full_set", 2)
    play.receipt(full)
    return play


def impossible_rejections() -> Play:
    play = Play("rejections that a message cannot get", "Step 9 of 7.3.")
    play.flag(1)
    (full,) = play.deliver()

    def all_refused(message: bytes) -> None:
        body = messages.decode(message, from_partner=True).body()
        for code in CODES:
            if not may_reject(code, body):
                number = 9 if code == "stale" else 0
                play.refuses(play.reply(message, code, logged=False, number=number), f"{code} to a {kind_of(message)}")

    all_refused(full)
    play.receipt(full)
    play.flag(2)
    (delta,) = play.deliver()
    all_refused(delta)
    for about, code, number in (
        ("what is accepted is before it", "gap", 2),
        ("far above it", "gap", (1 << 64) - 1),
        ("its own number is free", "stale", 2),
        ("and so is one under it", "stale", 1),
    ):
        play.refuses(play.reply(delta, code, logged=False, number=number), about)
    play.receipt(delta, held=2)
    (confirm,) = play.confirm()
    all_refused(confirm)
    play.receipt(confirm, held=2)
    (question,) = play.ask(1)
    all_refused(question)
    request = play.status()
    all_refused(request)
    play.reject(question, "stale", 2, "the number after it is free")
    play.demand(complaints=[])
    return play


def after_a_rejection(code: str) -> Play:
    """Of a delta, or where it gets no such code of another message."""
    number = {"gap": 1, "stale": 41, "over_budget": 1, "other_epoch": 2, "too_many_renewals": 1}.get(code, 0)
    play = Play(f"after {code}", f"7.5: the remedy is {remedy(code)}.")
    play.delivered(1, 2, 3)
    play.flag(4, 5)
    if code in ("other_epoch", "not_yet_answering"):
        play.now = moment("2026-12-15") if code == "not_yet_answering" else play.now
        (message,) = play.ask(1)
        play.reject(message, code, number)
        again = play.ask(1, about="asked anew")
        assert header_of(again[0]).sequence == 2
        play.reject(again[0], code, number)
        play.deliver("what was flagged is delivered none the less")
        return play
    (message,) = play.deliver()
    play.reject(message, code, number)
    again = play.deliver("what is said then")
    kind, number = kind_of(again[0]), header_of(again[0]).sequence
    if code == "unavailable":
        assert again == [message]
    elif code == "stale":
        assert (kind, number) == ("delta", 41)
    else:
        due = "full_set" if code in ("full_set_required", "recovering") else "delta"
        assert (kind, number) == (due, 3), f"{code}: {kind} {number}"
    if code != "over_budget":
        play.receipt(again[0], held=5)
    else:
        play.receipt(again[0], held=4)
        assert play.deliver("the other waits for the next day") == []
        play.now = moment("2026-12-02")
        (rest,) = play.deliver()
        play.receipt(rest, held=5)
    for request in (play.ask(1)[0], play.status()):
        body = messages.decode(request, from_partner=True).body()
        if may_reject(code, body):
            play.reject(request, code, 41 if code == "stale" else 0, f"to a {kind_of(request)}")
        else:
            play.give_up(request)
    if code in ("full_set_required", "recovering", "stale"):
        play.ask(1)
        play.deliver()
    return play


def wholly_withdrawn() -> Play:
    play = Play(
        "unavailable, and something to withdraw", "7.2: nobody who was wrongly flagged waits for what is not accepted."
    )
    play.delivered(1, 2, 3)
    play.flag(4)
    (delta,) = play.deliver()
    play.reject(delta, "unavailable")
    play.reject(delta, "unavailable", about="once more")
    assert play.deliver() == [delta]
    play.withdraw(1)
    gone, more = play.deliver("what was not accepted is given up")
    assert header_of(gone).previous == 1
    late = play.reply(delta, "clock")
    play.receipt(gone, held=2)
    play.read(late, "late", "a rejection of what is no longer in flight is ignored")
    play.refuses(play.reply(delta, "receipt", held=4), "and its receipt is no longer waited for")
    play.receipt(more, held=3)
    return play


def a_gap() -> Play:
    play = Play("a gap that tells what was accepted", "7.2, 7.5: a receipt was lost, and the message given up.")
    play.delivered(1, 2, 3)
    play.flag(4)
    (lost,) = play.deliver()
    play.give_up(lost)
    play.give_up(lost, error="unexpected_reply")
    (confirm_or_delta,) = play.deliver("what it said is still to be said")
    play.reject(confirm_or_delta, "gap", 2, "the message that was given up was accepted")
    play.demand(accepted=2, full_set=[1])
    play.withdraw(1, 2, 3)
    play.flag(1, 2, 3)
    (full,) = play.deliver("all that it lacks the journal has: the shrink bit")
    assert (kind_of(full), header_of(full).previous) == ("full_set", 2)
    play.receipt(full, held=4)
    play.flag(5)
    (second,) = play.deliver()
    play.give_up(second)
    play.withdraw(5)
    (asks,) = play.deliver("nothing to say: a confirm, whose gap tells")
    assert kind_of(asks) == "confirm"
    play.receipt(asks, "it was not accepted", held=4)
    assert play.deliver() == []
    return play


def a_receipt_after_all() -> Play:
    play = Play("a receipt of what was given up", "7.3: the broker accepted it, and a full set follows.")
    play.delivered(1, 2)
    play.flag(3)
    (delta,) = play.deliver()
    play.give_up(delta)
    play.receipt(delta, held=3)
    play.demand(accepted=2, full_set=[1])
    (full,) = play.deliver()
    assert kind_of(full) == "full_set"
    play.receipt(full)
    return play


def an_old_copy() -> Play:
    play = Play(
        "after shrink: a partner whose folder is an old copy",
        "7.2: where the broker names a number that was never used here, somebody flagged what the journal does not "
        "know: no shrink bit, until a person says that the set is meant.",
    )
    play.delivered(1, 2)
    (confirm,) = play.confirm()
    play.reject(confirm, "gap", 1, "this one is known")
    (confirm,) = play.confirm()
    play.reject(confirm, "stale", 8)
    (confirm,) = play.confirm()
    play.reject(confirm, "gap", 7)
    (full,) = play.deliver()
    assert not messages.decode(full, from_partner=True).body().shrink
    play.reject(full, "shrink", 3)
    play.replace_all(1, 2, shrink=True)
    (full,) = play.deliver()
    assert messages.decode(full, from_partner=True).body().shrink
    play.receipt(full, withdrawn=3)
    return play


def nothing_held() -> Play:
    play = Play(
        "withdrawn after the broker said that it holds nothing",
        "7.2: a full set follows, and nothing goes before it. Withdrawals that go before a full set leave it due.",
    )
    play.delivered(1, 2, 3)
    play.flag(4)
    (delta,) = play.deliver()
    play.reject(delta, "full_set_required")
    play.withdraw(1)
    (full,) = play.deliver()
    assert kind_of(full) == "full_set"
    play.receipt(full)
    play.replace_all(2, 5, shrink=True)
    gone, full = play.deliver()
    play.receipt(gone, held=1)
    play.demand(full_set=[1])
    play.reject(full, "clock")
    (full,) = play.deliver()
    assert kind_of(full) == "full_set"
    play.receipt(full)
    return play


def a_chain() -> Play:
    play = Play(
        "messages in flight form a chain", "7.2, 7.3: two epochs overlap, and all is sent in one go.", epochs=(1,)
    )
    play.now = moment("2027-04-20")
    play.delivered(1, 2)
    play.now = moment("2027-05-02")
    play.secret(secret_text(2))
    play.flag(3)
    play.withdraw(1)
    sent = play.deliver("withdrawn in the older; a full set in the newer; new in the older")
    assert [(kind_of(one), header_of(one).epoch) for one in sent] == [("delta", 1), ("full_set", 2), ("delta", 1)]
    last = play.reply(sent[2], "receipt", held=2)
    first = play.reply(sent[0], "receipt", held=1)
    play.read(last, "receipt", "the last receipt says that those before it were accepted")
    play.demand(in_flight=[], accepted=4)
    play.read(first, "receipt", "one that comes after it is taken")
    play.refuses(play.reply(sent[0], "receipt", held=2), "and no other")
    play.flag(4)
    play.withdraw(2)
    sent = play.deliver()
    assert len(sent) == 4
    play.receipt(sent[0], held=1)
    play.reject(sent[1], "clock", about="those after it are no longer in flight")
    play.read(play.reply(sent[2], "gap", number=5), "late", "the broker rejects them with a gap")
    again = play.deliver("what they said is said again")
    assert header_of(again[0]).previous == 5
    play.reject(again[2], "gap", header_of(again[0]).sequence, "the first was accepted, and the second never came")
    assert play.deliver("both stay in flight until their receipts are read") == again[:2]
    play.receipt(again[1], held=2)
    play.flag(5)
    again = play.deliver()
    assert len(again) == 2
    play.reject(again[0], "stale", 1 << 40, "both are given up, and one of them may have been accepted")
    play.demand(in_flight=[])
    play.read(play.reply(again[-1], "receipt", held=2), "receipt", "as the last one's receipt says when it comes again")
    full = play.deliver("what the broker holds is not known any more")
    assert [kind_of(one) for one in full] == ["full_set", "full_set"]
    play.receipt(full[0])
    play.receipt(full[1])
    play.demand(in_flight=[])
    return play


def numbers() -> Play:
    play = Play(
        "numbers that the broker names", "7.3: they raise the partner's by at most 2^24 a reply, and never above 2^63."
    )
    play.delivered(1)
    (confirm,) = play.confirm()
    play.reject(confirm, "stale", 1 << 40)
    play.demand(numbers=[2 + (1 << 24), 0, 0])
    (question,) = play.ask(1)
    play.reject(question, "stale", 1 << 23)
    play.demand(numbers=[2 + (1 << 24), (1 << 23) - 1, 0])
    request = play.status()
    play.reject(request, "stale", 12)
    play.demand(numbers=[2 + (1 << 24), (1 << 23) - 1, 11])
    request = play.status()
    told = {"last_state": 1, "highest_state": (1 << 64) - 1, "highest_question": (1 << 64) - 1, "held": 1}
    play.read(play.reply(request, "status_reply", **told), "status_reply")
    play.demand(numbers=[2 + (1 << 25), (1 << 23) - 1 + (1 << 24), 12])
    (confirm,) = play.confirm("its number is used once")
    assert header_of(confirm).sequence == 3 + (1 << 25)
    play.receipt(confirm)
    return play


def a_lost_folder() -> Play:
    play = Play(
        "a partner whose folder was lost", "7.2, 7.5: it begins with the numbers of a status reply, and a full set."
    )
    request = play.status()
    play.reject(request, "stale", 5)
    request = play.status()
    told = {"last_state": 9, "highest_state": 11, "highest_question": 4, "held": 3, "release": RELEASE}
    play.read(play.reply(request, "status_reply", **told), "status_reply")
    play.flag(1, 2)
    (full,) = play.deliver()
    assert (header_of(full).sequence, header_of(full).previous) == (12, 9)
    play.reject(full, "shrink", 2)
    play.replace_all(1, 2, shrink=True)
    (full,) = play.deliver()
    play.receipt(full, withdrawn=1, release=RELEASE)
    (question,) = play.ask(1)
    assert header_of(question).sequence == 5
    play.read(play.reply(question, "answer"), "answer")
    return play


def budgets() -> Play:
    play = Play(
        "what waits because of a budget", "7.2: those flagged last. The broker says how many a first full set may have."
    )
    play.flag(*range(1, 5))
    play.now += DAY
    play.flag(*range(5, 9))
    (full,) = play.deliver()
    play.reject(full, "over_budget", 6)
    (full,) = play.deliver("six of eight")
    play.receipt(full)
    request = play.status()
    told = {"last_state": 2, "held": 6, "left_new_flags": 1}
    play.read(play.reply(request, "status_reply", **told), "status_reply")
    play.withdraw(1)
    gone, more = play.deliver("one is left of the day; what is withdrawn does not wait")
    play.receipt(gone, held=5)
    play.receipt(more, held=6)
    assert play.deliver("none is left of the day") == []
    play.now += DAY
    (rest,) = play.deliver()
    play.receipt(rest, held=7)
    return play


def a_restore() -> Play:
    play = Play("a broker that was restored, and says so", "7.3, 7.5: all flags are said again, and no number twice.")
    play.delivered(1, 2, 3)
    (old,) = play.ask(1)
    play.now += HOUR
    play.restored, play.leaves = play.now - 60, play.leaves[:1]
    recovered = {"release": play.restored + 1}
    play.withdraw(1)
    (gone,) = play.deliver()
    play.reject(gone, "recovering", about="the reply names the restore")
    play.demand(restored=play.restored, full_set=[1])
    (full,) = play.deliver("it holds nothing, and accepted nothing: a full set without what was withdrawn")
    assert kind_of(full) == "full_set" and header_of(full).previous == 0
    play.receipt(full, **recovered)
    play.withdraw(2)
    play.reject(old, "recovering", about="out of date: the question is of before the restore")
    (gone,) = play.deliver("what was withdrawn is still a delta")
    assert kind_of(gone) == "delta"
    play.receipt(gone, held=1, **recovered)
    (question,) = play.ask(3)
    play.read(play.reply(question, "answer", **recovered), "answer")
    play.demand(complaints=[])
    return play


def unannounced() -> list[Play]:
    made = []
    for about, to, kind, fields in (
        ("an older release", "question", "answer", {"release": START - 1}),
        ("an older release, in a receipt", "confirm", "receipt", {"release": START - 1, "held": 3}),
        (
            "an older release, in a status reply",
            "status",
            "status_reply",
            {"release": START - 1, "last_state": 2, "held": 3},
        ),
        ("a lower number accepted", "status", "status_reply", {"last_state": 1, "highest_state": 2, "held": 2}),
        ("a gap with a lower number", "confirm", "gap", {"number": 1}),
        ("no restore any more", "status", "status_reply", {"last_state": 2, "held": 3}),
        ("a restore that is to come", "status", "status_reply", {"last_state": 2, "held": 3}),
    ):
        play = Play(
            f"a broker that forgot: {about}",
            "7.3: complained of (`unannounced_restore`), once, and taken over all the same.",
        )
        if about == "no restore any more":
            play.restored = START - DAY
        play.delivered(1, 2)
        play.delivered(3)
        play.now += HOUR
        message = play.status() if to == "status" else (play.ask(1) if to == "question" else play.confirm())[0]
        if about == "no restore any more":
            play.restored, play.leaves = 0, [drawn(f"leaf {number}") for number in range(9)]
        if about == "a restore that is to come":
            play.restored = play.now + 1
        reply = play.reply(message, kind, **fields)
        play.read(reply, about="taken over")
        play.demand(complaints=["unannounced_restore"])
        play.now += 60
        request = play.status("what comes is held to how it is now")
        again = {"release": fields.get("release", START), "last_state": play.before["accepted"], "held": 2}
        play.read(play.reply(request, "status_reply", **again), "status_reply")
        play.demand(complaints=["unannounced_restore"])
        for other in play.confirm():
            play.receipt(other, release=again["release"])
        if kind == "receipt":
            play.read(reply, "receipt", "read once more, it is not complained of once more")
        play.demand(complaints=["unannounced_restore"])
        made.append(play)
    return made


def own_lines() -> Play:
    play = Play(
        "lines of the broker's log", "audit-log.md 3: complained of (`log_inconsistent`), and the reply is taken over."
    )
    play.delivered(1)
    play.flag(2)
    (delta,) = play.deliver()
    wrong = LogEntry(0, 1, drawn("another leaf"), drawn("salt", 16))
    play.read(play.reply(delta, "receipt", entry=wrong, held=2), "receipt", "its leaf hash is not that of the line")
    play.demand(complaints=["log_inconsistent"], accepted=2)
    (confirm,) = play.confirm()
    play.read(play.reply(confirm, "receipt", logged=False, held=2), "receipt", "it names no line")
    return play


def checkpoints() -> Play:
    play = Play("checkpoints and proofs", "7.3, audit-log.md 3: one that continues the one kept takes its place.")
    play.delivered(1)
    play.delivered(2)
    play.now = moment("2026-12-02", 60)

    def ask(about: str, complaints: list[str], **fields: Any) -> None:
        request = play.status()
        told = {"last_state": 2, "held": 2, **fields}
        play.read(play.reply(request, "status_reply", **told), "status_reply", about)
        play.demand(complaints=complaints)

    ask(
        "the first is kept without a proof; it proves both lines",
        [],
        checkpoint=play.checkpoint(),
        lines=play.proven([0, 1]),
    )
    play.demand(checkpoint=2, unproven=[2])
    ask("the same again", [], checkpoint=play.checkpoint(2))
    play.demand(unproven=[2, 3])
    size = len(play.leaves)
    shown = {"checkpoint": play.checkpoint(), "proof": log.consistency(2, play.leaves)}
    ask("a larger one, with the proofs", [], **shown, lines=play.proven([2, 3]))
    play.demand(checkpoint=size, unproven=[4])
    return play


def bad_checkpoints() -> list[Play]:
    made = []

    def begin(about: str) -> Play:
        play = Play(f"a log that does not fit: {about}", "7.3, audit-log.md 3: complained of; the one held is kept.")
        play.delivered(1)
        play.delivered(2)
        play.now = moment("2026-12-02", 60)
        request = play.status()
        shown = {"checkpoint": play.checkpoint(), "lines": play.proven([0, 1])}
        play.read(play.reply(request, "status_reply", last_state=2, held=2, **shown), "status_reply")
        play.now += DAY
        made.append(play)
        return play

    def end(play: Play, code: str, held: int = 2, **shown: Any) -> None:
        request = play.status()
        play.read(play.reply(request, "status_reply", last_state=2, held=2, **shown), "status_reply", "taken over")
        play.demand(complaints=[code], checkpoint=held)
        request = play.status()
        (confirm,) = play.confirm("all else goes on")
        play.receipt(confirm, held=2)

    play = begin("none any more")
    end(play, "log_inconsistent")
    play = begin("a smaller one")
    end(play, "log_inconsistent", checkpoint=play.checkpoint(1))
    play = begin("another root at the same size")
    forked = [drawn("fork"), *play.leaves[1:]]
    end(play, "log_inconsistent", checkpoint=play.checkpoint(2, forked))
    play = begin("no proof that it continues the one held")
    end(play, "log_inconsistent", checkpoint=play.checkpoint())
    play = begin("another key")
    end(play, "checkpoint", checkpoint=play.checkpoint(key=OPERATOR), proof=log.consistency(2, play.leaves))
    play = begin("another origin")
    end(play, "checkpoint", checkpoint=play.checkpoint(origin="example.nl/anders"))
    play = begin("a line that is not proven")
    shown = {"checkpoint": play.checkpoint(), "proof": log.consistency(2, play.leaves)}
    end(play, "log_inconsistent", held=3, **shown)
    play = begin("a wrong proof of a line")
    shown = {"checkpoint": play.checkpoint(), "proof": log.consistency(2, play.leaves)}
    end(play, "log_inconsistent", held=3, **shown, lines=[LineProof(2, [drawn("node")])])
    play = begin("a line of two days ago is not in it")
    play.now += DAY
    end(play, "log_inconsistent", checkpoint=play.checkpoint(2))
    return made


def newer_policies() -> Play:
    play = Play("a newer policy", "6.4, 7.3: a reply names it; it is adopted on its first day, and messages name it.")
    play.delivered(1)
    (question,) = play.ask(1)
    newer = {"policy": OTHER.digest}
    play.read(play.reply(question, "wrong_policy", header=newer), "wrong_policy")
    play.demand(broker_policy=OTHER.digest.hex())
    play.adopt("other", error="policy_not_yet", about="before its first day")
    play.flag(2)
    (delta,) = play.deliver("state messages may name the one before")
    play.read(play.reply(delta, "receipt", header=newer, held=2), "receipt")
    play.now = moment("2026-12-03", 60)
    play.adopt("after-lost-key", error="policy_successor", about="it follows another")
    play.adopt("other")
    play.demand(broker_policy=None)
    (question,) = play.ask(1)
    assert header_of(question).policy == OTHER.digest
    play.read(play.reply(question, "answer", standings=bytes([2])), "answer")
    return play


def void_policies() -> Play:
    play = Play("a policy that is void", "6.4: one that was adopted here never came into force at the broker.")
    play.delivered(1)
    play.now = moment("2026-12-03", 60)
    play.adopt("other")
    play.adopt("voiding", error="policy_successor", about="the broker named neither")
    request = play.status()
    told = {"last_state": 1, "held": 1, "header": {"policy": FIRST.digest}}
    play.read(play.reply(request, "status_reply", **told), "status_reply", "the broker holds to the one before")
    play.adopt("voiding")
    play.delivered(2)
    return play


def lost_key() -> Play:
    play = Play(
        "a version for a lost policy key", "6.4: adopted when the broker's latest reply named it, or one that follows."
    )
    play.delivered(1)
    play.now = moment("2027-01-03", 60)
    play.adopt("lost-key", error="policy_successor", about="no reply named it")
    play.adopt("lost-key", "after-lost-key", error="policy_successor")
    (confirm,) = play.confirm()
    play.read(play.reply(confirm, "receipt", header={"policy": AFTER_LOST.digest}), "receipt", "it names the later one")
    play.adopt("lost-key", error="policy_successor", about="which is not shown to follow this one")
    play.adopt("lost-key", "after-lost-key", about="and is")
    play.delivered(2)
    return play


def another_operator() -> Play:
    play = Play("another operator", "7.3: its broker has nothing of what the one before accepted; numbers go on.")
    play.delivered(1, 2)
    play.flag(3)
    (delta,) = play.deliver()
    play.now = moment("2026-12-02", 60)
    play.adopt("took-over")
    play.demand(accepted=0, in_flight=[], numbers=[2, 0, 0])
    play.key, play.leaves = ANOTHER_OPERATOR, []
    late = play.reply(delta, "receipt", logged=False, key=OPERATOR, held=3)
    play.refuses(late, "what was in flight is given up", "bad_signature")
    (full,) = play.deliver()
    assert (kind_of(full), header_of(full).sequence, header_of(full).previous) == ("full_set", 3, 0)
    play.refuses(play.reply(full, "receipt", logged=False, key=OPERATOR), "of the operator before", "bad_signature")
    play.receipt(full)
    return play


def shortened() -> Play:
    play = Play("a policy that allows fewer days", "7.2: flags are shortened before the next state message, or end.")
    play.flag(1)
    play.flag(2, until="2026-12-31")
    for message in play.deliver():
        play.receipt(message)
    play.now = moment("2026-12-02", 60)
    play.adopt("shorter")
    (delta,) = play.deliver("through 2027-02-28, the latest month's end within 90 days")
    play.receipt(delta, changed=1, added=0, held=2)
    return play


def a_required_register() -> Play:
    play = Play(
        "a policy that requires a register", "7.2: what was not looked up in one is neither flagged nor asked about."
    )
    play.delivered(1, 2, 3)
    play.now = moment("2026-12-02", 60)
    play.adopt("register", about="what was flagged before stands")
    required = "register_required"
    play.flag(1, 4, error=required)
    play.flag(4, until="2027-03-31", error=required)
    play.renew(1, error=required)
    play.replace_all(1, 2, 3, error=required)
    play.ask(1, error=required)
    play.flag(4, looked_up=True)
    play.flag(5, until="2027-03-31", looked_up=True)
    play.replace_all(1, 2, 3, 4, looked_up=True, about="which withdraws one")
    play.withdraw(2, about="which waits for no register")
    for message in play.deliver():
        play.receipt(message)
    (question,) = play.ask(1, looked_up=True)
    play.read(play.reply(question, "answer", standings=bytes([2])), "answer")
    play.now = moment("2027-01-03")
    play.renew(1, looked_up=True)
    play.replace_all(shrink=True, about="where there is nothing to look up")
    return play


def days() -> Play:
    play = Play("days, renewals, and flagging again", "5.5, 7.2: 180 days, and one renewal.")
    play.flag(1, 2, about="through 2027-05-30 at most, so through 2027-04-30")
    play.flag(3, until="2026-12-30", error="last_day", about="not a month's last")
    play.flag(3, until="2026-11-30", error="last_day", about="over")
    play.flag(3, until="2027-06-30", error="last_day", about="more than 180 days away")
    play.flag(3, until="2026-12-31")
    play.renew(9, error="not_flagged")
    (full,) = play.deliver()
    play.receipt(full)
    play.now = moment("2026-12-20")
    play.withdraw(1)
    play.now = moment("2027-01-03")
    play.flag(1, about="within 30 days: it keeps its first day")
    play.flag(3, about="so does one that ended")
    (delta,) = play.deliver()
    play.receipt(delta, held=3)
    play.now = moment("2027-02-01")
    play.renew(2, reason="being_acted_on")
    (delta,) = play.deliver("the reason is said")
    play.receipt(delta, added=0, changed=1, renewed=1, held=3)
    for at in ("2027-03-01", "2027-04-01", "2027-05-02", "2027-06-01", "2027-07-01"):
        play.now = moment(at)
        play.accept_clock()
    play.renew(2, about="as far as one renewal goes")
    play.renew(2, error="too_many_renewals", about="it would last no longer")
    return play


def withdrawn_and_not_told() -> Play:
    play = Play(
        "withdrawn, and not yet told",
        "7.2: the broker remembers a flag for 30 days after it heard that it was withdrawn; so does the partner.",
    )
    play.delivered(1, 2, 3)
    play.withdraw(1, 2)
    for at in ("2026-12-20", "2027-01-15"):
        play.now = moment(at)
        play.accept_clock()
    (delta,) = play.deliver("after 45 days")
    play.receipt(delta, held=1)
    play.now = moment("2027-02-13")
    play.flag(1, about="within 30 days after that: it keeps its first day")
    play.now = moment("2027-02-14")
    play.flag(2, about="after those: it is a new one")
    (delta,) = play.deliver()
    play.receipt(delta, held=3)
    return play


def given_up_and_accepted() -> Play:
    play = Play(
        "given up, and accepted all the same",
        "7.2: while it is not known what the broker accepted, each flag that ended may stand there.",
    )
    play.delivered(1)
    play.flag(2, 3)
    (lost,) = play.deliver()
    play.give_up(lost)
    play.withdraw(2, 3)
    for at in ("2026-12-20", "2027-01-15"):
        play.now = moment(at)
        play.accept_clock()
    (confirm,) = play.deliver("whether it was accepted is not known")
    play.reject(confirm, "gap", header_of(lost).sequence, "it was")
    (full,) = play.deliver()
    play.receipt(full)
    play.now = moment("2027-02-13")
    play.flag(2, about="it keeps its first day")
    play.now = moment("2027-02-14")
    play.flag(3, about="it is a new one")
    return play


def clock() -> Play:
    play = Play(
        "a clock that may be wrong", "7.2: nothing is done, and no flag ends, until a person says that it is right."
    )
    play.flag(1, until="2026-12-31")
    (full,) = play.deliver()
    receipt = play.reply(full, "receipt")
    play.now = START * 1_000
    play.flag(2, error="clock_ahead", about="milliseconds")
    play.deliver(error="clock_ahead")
    play.status(error="clock_ahead")
    play.read(receipt, error="clock_ahead")
    play.now = START - 61
    play.flag(2, error="clock", about="more than a minute back")
    play.ask(1, error="clock")
    play.now = START - 60
    play.flag(2, about="up to a minute back is taken for the latest moment")
    play.now = START
    play.read(receipt, "receipt")
    play.now = START + 35 * DAY + 1
    play.confirm(error="clock_ahead", about="more than 35 days")
    play.accept_clock("a person says that it is right: the flag of December ends")
    play.demand(flags={"1012JS|2|": ["2026-12-01", "2027-04-30", None]})
    (delta,) = play.deliver()
    play.receipt(delta)
    play.now = moment("2028-01-01")
    play.accept_clock("after the last epoch of the policy", error="clock_ahead")
    return play


def certificates() -> Play:
    play = Play(
        "certificates",
        "6.6, 7.2: it signs with no other key than the one that is certified, and not while it is suspended.",
    )
    play.delivered(1)
    play.certificate(certify(2), about="another partner's, which says nothing of its own key")
    play.certificate(certify(1, signer=POLICY_KEYS[2]), "certificate", "by another organisation")
    play.certificate(certify(1))
    play.flag(2)
    (delta,) = play.deliver()
    play.receipt(delta, held=2)
    play.certificate(certify(1, 1, 2, key=31, first_day="2026-12-02"))
    (confirm,) = play.confirm("its first day is tomorrow")
    play.receipt(confirm, held=2)
    play.now = moment("2026-12-02", 60)
    play.flag(3)
    play.ask(1, error="not_certified", about="the key that is certified is another")
    play.deliver("no number is used up", "not_certified")
    play.status(error="not_certified")
    play.certificate(certify(1, 1, 3, suspended=True, first_day="2026-12-02"))
    play.ask(1, error="not_certified", about="suspended")
    play.certificate(certify(1, 1, 4, first_day="2026-12-02", last_day="2026-12-02"))
    (question,) = play.ask(1)
    play.read(play.reply(question, "not_certified"), "not_certified")
    (delta,) = play.deliver()
    play.receipt(delta, held=3)
    play.now = moment("2026-12-03", 60)
    play.ask(1, error="not_certified", about="it has ended")
    return play


def part_texts(name: str, epoch: int = 1, of: int = 2, key_id: bytes | None = None) -> list[str]:
    """The parts of an epoch's secret; `name` makes other shares of it."""
    shares = [drawn(f"share {name} {number}") for number in range(1, of)]
    last = drawn(f"secret {epoch}")
    for share in shares:
        last = bytes(one ^ other for one, other in zip(last, share))
    named = key_id or secret(epoch).key_id
    made = [SecretPart(PURPOSE, epoch, at, of, share, named) for at, share in enumerate([*shares, last], 1)]
    return [secret_file.part_text(part).decode() for part in made]


def summed(text: str) -> str:
    """A secret's file, or a part's, whose last line is made again."""
    lines = text[: text.index("checksum: ")]
    return f"{lines}checksum: {secret_file.checksum(lines.encode())}\n"


def secrets() -> Play:
    play = Play(
        "secrets and their parts",
        "8.1: a file that is not of its form is refused with `secret_file`, be it of a secret or a part; parts that do "
        "not fit each other with `secret_parts`; and a whole secret that is not the policy's with `secret_mismatch`.",
        "reused",
        epochs=(),
    )
    play.flag(1)
    play.deliver("there is no secret yet", "no_epoch")
    good = secret_text(1)
    for about, text in {
        "nothing": "",
        "another first line": summed(good.replace("v1", "v2", 1)),
        "a wrong checksum": good[:-2] + ("0" if good[-2] != "0" else "1") + "\n",
        "no checksum": good[: good.index("checksum")],
        "no end of the last line": good[:-1],
        "an empty line after the last": good + "\n",
        "lines ended as on Windows": good.replace("\n", "\r\n"),
        "two lines changed places": summed(
            good.replace("epoch: 1\nprofile: nl-address/1", "profile: nl-address/1\nepoch: 1")
        ),
        "two spaces": summed(good.replace("epoch: 1", "epoch:  1")),
        "a leading zero": summed(good.replace("epoch: 1", "epoch: 01")),
        "an epoch over 32 bits": summed(good.replace("epoch: 1", "epoch: 4294967296")),
        "another profile": summed(good.replace("nl-address/1", "nl-address/2")),
        "a purpose that is no slug": summed(good.replace(PURPOSE, PURPOSE.upper())),
        "upper case": summed(good.replace(drawn("secret 1").hex(), drawn("secret 1").hex().upper())),
        "a short secret": summed(good.replace(drawn("secret 1").hex(), drawn("secret 1").hex()[:-2])),
        "the key id of another": summed(good.replace(secret(1).key_id.hex(), secret(2).key_id.hex())),
        "another secret, by which the key id is wrong": summed(good.replace(drawn("secret 1").hex(), drawn("x").hex())),
        "not ASCII": summed(good).replace("purpose", "purposé"),
        "a part": part_texts("one")[0],
    }.items():
        play.secret(text, "secret_file", about)
    for about, file in {
        "of another purpose": SecretFile("anders", 1, drawn("secret 1")),
        "of an epoch that the policy does not have": SecretFile(PURPOSE, 3, drawn("secret 1")),
        "not the one that the policy names": SecretFile(PURPOSE, 1, drawn("x")),
    }.items():
        play.secret(secret_file.text(file).decode(), "secret_mismatch", about)
    one, two = part_texts("one")
    other = part_texts("other")
    three = part_texts("three", of=3)
    for about, texts in {
        "a checksum is wrong": [one, two[:-2] + ("0" if two[-2] != "0" else "1") + "\n"],
        "part 3 of 2": [one, summed(two.replace("2 of 2", "3 of 2"))],
        "part 1 of 1": [summed(one.replace("1 of 2", "1 of 1"))],
        "part 0": [summed(one.replace("1 of 2", "0 of 2")), two],
        "part 1 of 10": [summed(one.replace("1 of 2", "1 of 10")), two],
        "a whole secret among them": [one, good],
    }.items():
        play.parts(*texts, error="secret_file", about=about)
    for about, texts in {
        "a part is missing": [one],
        "the same part twice": [one, one],
        "parts of two hand-overs": [one, other[1]],
        "parts of two secrets": [one, part_texts("one", 2)[1]],
        "of another number of parts": [one, three[1]],
        "one of three is missing": three[:2],
        "the key id is not that of the secret": part_texts("one", key_id=secret(2).key_id),
    }.items():
        play.parts(*texts, error="secret_parts", about=about)
    play.parts(*three[::-1], about="in any order")
    play.demand(secrets=[1])
    play.parts(*part_texts("one"), about="the same once more")
    reused = SecretFile(PURPOSE, 2, drawn("secret 1"))
    play.secret(secret_file.text(reused).decode(), "secret_mismatch", "that of another epoch, by the policy's mistake")
    (full,) = play.deliver()
    play.receipt(full)
    return play


def another_key() -> Play:
    play = Play(
        "another message key", "6.6, 7.2: the numbers go on, and what is in flight under the old key is given up."
    )
    play.certificate(certify(1))
    play.delivered(1)
    play.flag(2)
    (delta,) = play.deliver()
    play.message_key(21)
    assert play.deliver("what was made with the key before is in flight still") == [delta]
    play.give_up(delta)
    play.deliver("the certificate names the key before", "not_certified")
    play.certificate(certify(1, 1, 2, key=31))
    (again,) = play.deliver()
    assert (header_of(again).sequence, header_of(again).previous) == (3, 1)
    play.receipt(again, held=2)
    play.receipt(delta, "it was given up, and says nothing new", held=2)
    return play


def the_epoch_that_answers() -> Play:
    play = Play("the epoch that answers", "7.2, 7.5: questions are asked in the one that the broker named.")
    play.now = moment("2027-04-20")
    play.delivered(1)
    play.now = moment("2027-05-02")
    for message in play.deliver():
        play.receipt(message)
    (question,) = play.ask(1, about="in the newest in which it has delivered")
    assert header_of(question).epoch == 2
    play.reject(question, "other_epoch", 1)
    (question,) = play.ask(1)
    assert header_of(question).epoch == 1
    first = play.reply(question, "answer", standings=bytes([2]))
    play.read(first, "answer")
    (question,) = play.ask(1)
    play.reject(question, "not_yet_answering", about="the broker was restored, or none answers yet")
    (question,) = play.ask(1)
    assert header_of(question).epoch == 2
    play.reject(question, "other_epoch", 9, "one in which it takes no part")
    (question,) = play.ask(1)
    assert header_of(question).epoch == 2
    return play


PLAYS = (
    a_day, house_numbers, a_number_alone, a_number_and_its_home, the_order, receipts, answers,
    impossible_rejections, wholly_withdrawn, a_gap, a_chain, numbers, a_lost_folder, budgets, a_restore,
    own_lines, checkpoints, newer_policies, void_policies, lost_key, another_operator, shortened, a_required_register,
    days, withdrawn_and_not_told, given_up_and_accepted, clock, certificates, secrets, joining, another_key,
    the_epoch_that_answers, a_receipt_after_all, an_old_copy, nothing_held,
)  # fmt: skip
# Those that no signed rejection has.
HINTS = ("unknown_partner", "bad_signature", "wrong_consortium")


def transcripts() -> list[dict[str, Any]]:
    made = [play() for play in PLAYS]
    made += [after_a_rejection(code) for code in CODES if code not in (*HINTS, "shrink")]
    made += [told_less(2, "band", [2, 0, 1], [3, 255, 4]), told_less(3, "presence", [255, 0, 1], [2, 3])]
    made += unannounced() + bad_checkpoints()
    return [play.to_json() for play in made]
