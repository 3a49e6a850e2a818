"""Section 7: a partner with its state in memory. It makes its messages, and goes by what the broker replies.

It has no journal, so its messages name 32 zero bytes; and no full set of it has several parts.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from . import certificate, log, messages, policy, replies, secret_file
from .errors import Refused
from .flags import Flags, Rules, is_number, number_key
from .keys import NUMBER, UNIT, Secret
from .messages import (
    MAX_LINES,
    Answer,
    Confirm,
    Delta,
    FullSet,
    Header,
    Question,
    Receipt,
    Rejection,
    StatusReply,
    StatusRequest,
    Terms,
)
from .replies import Sent

# 7.3: how far a number that the broker names raises a partner's own, and up to where.
MAX_RAISE = 1 << 24
HIGHEST_RAISED = 1 << 63
# 7.2: seconds by which the clock may go back, and days without anything after which a person is asked.
RACE = 60
LONGEST_SILENCE = 35
DAY = 86_400


def raised(own: int, named: int) -> int:
    return max(own, min(named, own + MAX_RAISE, HIGHEST_RAISED))


def level(address_key: str) -> int:
    return NUMBER if is_number(address_key) else UNIT


def unexpected(text: str) -> Refused:
    return Refused("unexpected_reply", text)


@dataclass
class Left:
    """What the broker said that is left on a day."""

    day: int = -1
    left: int = 0

    def on(self, today: int, most: int) -> int:
        return min(self.left, most) if self.day == today else most


@dataclass
class Epoch:
    delivered: bool = False
    release: int = 0
    # What the broker holds, by address key, with its last valid day; where that is not known, what it may hold.
    told: dict[str, int] = field(default_factory=dict)
    # What counts as no new flag although it is not told: the broker says how many of these it takes.
    granted: set[str] = field(default_factory=set)
    full_set: bool = False
    # Whether it is not known what the broker accepted: that may be messages that were given up.
    unsure: bool = False
    # Whether the broker may hold flags that the partner does not know of, because its folder is an old copy or new.
    forgotten: bool = False
    most: Left = field(default_factory=Left)


@dataclass
class Read:
    """What a reply said, and what to do."""

    kind: str
    body: Receipt | Answer | StatusReply | Rejection
    next: str | None = None
    # Of an answer: each address key with its standing.
    standings: dict[str, int] = field(default_factory=dict)


class Partner:
    def __init__(self, number: int, seed: bytes, policy_text: bytes, signatures: list[str]) -> None:
        self.number = number
        self.seed = seed
        self.policy = policy.in_force(policy_text, signatures)
        self.policy_before: dict[str, Any] | None = None
        self.secrets: dict[int, Secret] = {}
        self.secret_bytes: dict[int, bytes] = {}
        self.certificates: list[certificate.Statement] = []
        self.vetoes: list[str] = []
        self.flags = Flags()
        # Whether house numbers were counted when messages were made last.
        self.counted = self.house_numbers
        self.latest = 0
        self.state_number = self.question_number = self.status_number = 0
        # The numbers of the state messages that were made here. This partner leaves none out, and has no old copies.
        self.made: set[int] = set()
        self.past: list[tuple[Sent, str, Read | None]] = []
        self.complaints: list[str] = []
        # What was complained of, and the reply that showed it.
        self.complained: set[tuple[str, bytes]] = set()
        self.reading = b""
        self.forget_broker()

    def forget_broker(self) -> None:
        """What is known of one operator's broker; messages in flight are given up."""
        for one in self.in_flight() if hasattr(self, "chain") else []:
            self.past.append((one, "dropped", None))
        self.accepted = self.said_accepted = self.lost = 0
        self.answering: int | None = None
        self.brokers_policy: bytes | None = None
        self.epochs: dict[int, Epoch] = {}
        self.chain: list[Sent] = []
        self.questions: list[Sent] = []
        self.status_request: Sent | None = None
        self.restored = 0
        self.origin = ""
        self.next_line = 0
        self.lines: dict[int, tuple[bytes, int]] = {}
        self.checkpoint: tuple[str, int, bytes] | None = None
        self.receipt: tuple[tuple[int, int], bytes] | None = None
        self.new_flags = Left()
        # The day on which it turned out that the broker may hold such flags: for epochs in which nothing is delivered.
        self.forgotten_on: int | None = None

    # Where it stands

    @property
    def digest(self) -> bytes:
        return policy.digest(self.policy)

    @property
    def entry(self) -> dict[str, Any]:
        return next(one for one in self.policy["partner"] if one["number"] == self.number)

    @property
    def house_numbers(self) -> bool:
        return "number" in self.policy["counting"]["levels"]

    def in_flight(self) -> list[Sent]:
        return self.chain + self.questions + ([self.status_request] if self.status_request else [])

    def at(self, now: int) -> int:
        """The moment of what is done at `now`. What ended before its day is over."""
        if now > self.latest + LONGEST_SILENCE * DAY and (self.latest or now >= 1 << 33):
            raise Refused("clock_ahead", "so long after the last time that the clock may be wrong")
        if now + RACE < self.latest:
            raise Refused("clock", "before the last time")
        return max(now, self.latest)

    def begin(self, now: int) -> int:
        self.latest = self.at(now)
        self.expire(self.flags, self.latest // DAY)
        for epoch in self.epochs.values():
            epoch.told = {key: last for key, last in epoch.told.items() if last >= self.latest // DAY}
        for sent in self.chain:
            if sent.told is not None:
                sent.told = {key: last for key, last in sent.told.items() if last >= self.latest // DAY}
        return self.latest

    def expire(self, flags: Flags, today: int) -> None:
        """The turn of the day. What ended here stands at the broker until it was told so."""
        told = [*self.epochs.values(), *self.chain]
        # In an epoch in which it only asked, nothing of the partner's is held.
        flying = {sent.header.epoch for sent in self.chain if sent.told is not None}
        begun = [epoch for number, epoch in self.epochs.items() if epoch.delivered or number in flying]
        flags.expire(today, [one.told for one in told if one.told], any(one.unsure for one in [*begun, *self.chain]))
        if self.lost <= self.accepted:
            flags.forget(today)

    def accept_clock(self, now: int) -> None:
        """A person says that the clock is right."""
        if policy.day_number(max(one["closes"] for one in self.policy["epoch"])) < now // DAY:
            raise Refused("clock_ahead", "after the last epoch")
        self.latest = now
        self.begin(now)

    # What a person does

    def flag(self, now: int, homes: Collection[str], until: int | None = None, looked_up: bool = False) -> None:
        """`looked_up`: in a register. So it is below."""
        homes = self.to_flag(homes, looked_up)
        today = self.at(now) // DAY
        flags = self.copied(today)
        Rules(self.policy["retention"]).flag(flags, homes, today, until)
        self.take(now, flags)

    def renew(self, now: int, homes: Collection[str], reason: str, looked_up: bool = False) -> None:
        homes = self.to_flag(homes, looked_up)
        today = self.at(now) // DAY
        flags = self.copied(today)
        Rules(self.policy["retention"]).renew(flags, homes, reason, today)
        self.take(now, flags)

    def withdraw(self, now: int, homes: Iterable[str]) -> None:
        self.permit("flag")
        today = self.at(now) // DAY
        flags = self.copied(today)
        flags.withdraw(sorted(set(homes)), today)
        self.take(now, flags)

    def replace_all(
        self, now: int, homes: Collection[str], shrink: bool = False, looked_up: bool = False
    ) -> None:
        """Makes the flags exactly those of some homes."""
        wanted = self.to_flag(homes, looked_up)
        today = self.at(now) // DAY
        flags = self.copied(today)
        gone = [home for home in flags.held if home not in wanted]
        if not shrink and len(gone) * 100 > len(flags.held) * self.policy["max_shrink_percent"]:
            raise Refused("shrink", "more than the policy's share would go")
        Rules(self.policy["retention"]).flag(flags, wanted, today)
        flags.withdraw(gone, today)
        self.take(now, flags)
        self.want_full_sets()
        if shrink:
            self.forgotten_on = None
            for one in [*self.epochs.values(), *self.chain]:
                one.forgotten = False

    def want_full_sets(self) -> None:
        """In each epoch, also once it accepted what is in flight."""
        for one in [*self.epochs.values(), *self.chain]:
            one.full_set = True

    def to_flag(self, homes: Collection[str], looked_up: bool) -> list[str]:
        """Homes, and house numbers alone where the policy counts those."""
        self.permit("flag")
        given = sorted(set(homes))
        if not self.house_numbers and any(is_number(one) for one in given):
            raise Refused("level", "the policy does not count house numbers")
        self.refuse_without_register(given, looked_up)
        return given

    def permit(self, what: str) -> None:
        if what not in self.entry["may"]:
            raise Refused("not_permitted", f"the roster does not let this partner {what}")

    def refuse_without_register(self, address_keys: Collection[str], looked_up: bool) -> None:
        if address_keys and not looked_up and self.policy["counting"]["register"] == "required":
            raise Refused("register_required", "the policy requires that addresses are looked up in a register")

    def copied(self, today: int) -> Flags:
        flags = Flags(dict(self.flags.held), dict(self.flags.ended))
        self.expire(flags, today)
        return flags

    def take(self, now: int, flags: Flags) -> None:
        self.begin(now)
        self.flags = flags
        for epoch in self.epochs.values():
            epoch.granted &= set(flags.all(self.house_numbers))

    # Keys, certificates, secrets, policies

    def add_secret(self, text: bytes) -> None:
        self.add(secret_file.parse(text))

    def add_parts(self, texts: list[bytes]) -> None:
        self.add(secret_file.join([secret_file.parse_part(text) for text in texts]))

    def add(self, file: secret_file.SecretFile) -> None:
        secret = Secret(file.secret, file.purpose, file.epoch)
        named = [one["key_id"] for one in self.policy["epoch"] if one["number"] == file.epoch]
        if not self.takes_part(file.epoch) or file.purpose != self.policy["purpose"] or named != [secret.key_id.hex()]:
            raise Refused("secret_mismatch", "it is not the one that the policy names for an epoch of this partner's")
        if any(held == file.secret for epoch, held in self.secret_bytes.items() if epoch != file.epoch):
            raise Refused("secret_mismatch", "another epoch has it too")
        self.secrets[file.epoch], self.secret_bytes[file.epoch] = secret, file.secret

    def add_certificate(self, text: str) -> None:
        """Keeps any partner's; others' seal keys are what notes go to (spec/after-a-hit.md)."""
        self.certificates.append(certificate.verify(text, self.policy))

    def adopt(self, now: int, versions: list[tuple[bytes, list[str]]]) -> None:
        """Takes policies into force that follow each other (6.4), as far as the last."""
        for at in range(len(versions)):
            self.adopt_one(now, *versions[at], versions[at + 1 :])

    def adopt_one(self, now: int, text: bytes, signatures: list[str], later: list[tuple[bytes, list[str]]]) -> None:
        voids = policy.parse(text).get("voids", [])
        before = self.policy_before if self.digest.hex() in voids else None
        replaces = before is not None and policy.parse(text).get("previous") == policy.digest(before).hex()
        old = before if replaces and before else self.policy
        newer = policy.succeed(old, text, signatures + self.vetoes)
        if now // DAY < policy.day_number(newer["valid_from"]):
            raise Refused("policy_not_yet", "before its first day")
        lost_key = policy.unsigned_now(newer) and newer["unsigned"]["because"] == "lost-key"
        if replaces and self.brokers_policy != policy.digest(old) or lost_key:
            self.demand_named(newer, later)
        if all(one["number"] != self.number for one in newer["partner"]):
            raise Refused("not_in_roster", "the roster no longer has this partner")
        if newer["operator"]["verifying_key"] != self.policy["operator"]["verifying_key"]:
            self.forget_broker()
        if not replaces:
            self.policy_before = self.policy
        self.policy = newer
        if self.brokers_policy == self.digest:
            self.brokers_policy = None
        self.certificates = [one for one in self.certificates if self.still_holds(one)]

    def demand_named(self, newer: dict[str, Any], later: list[tuple[bytes, list[str]]]) -> None:
        """The broker's latest reply named this version, or one that is shown to follow it."""
        reached = newer
        for text, signatures in [*later, (b"", [])]:
            if self.brokers_policy == policy.digest(reached):
                return
            if text:
                reached = policy.succeed(reached, text, signatures)
        raise Refused("policy_successor", "the broker's latest reply did not name it")

    def still_holds(self, statement: certificate.Statement) -> bool:
        epochs = [one["number"] for one in self.policy["epoch"]]
        return statement.epoch in epochs

    def takes_part(self, epoch: int) -> bool:
        organisation = policy.organisations(self.policy)[self.entry["organisation"]]
        return epoch >= organisation.get("first_epoch", 0)

    def open_epochs(self, today: int) -> list[int]:
        """Those that are open and have a secret, the newest first."""
        opened = [
            one["number"]
            for one in self.policy["epoch"]
            if policy.day_number(one["opens"]) <= today <= policy.day_number(one["closes"])
            and one["number"] in self.secrets
            and self.takes_part(one["number"])
        ]
        if not opened:
            raise Refused("no_epoch", "no epoch is open of which the secret is there")
        return sorted(opened, reverse=True)

    # Messages

    def pseudonym(self, epoch: int, address_key: str) -> bytes:
        return self.secrets[epoch].pseudonym(level(address_key), address_key)

    def deliver(self, now: int, confirm: bool = False) -> list[bytes]:
        self.permit("flag")
        now = self.at(now)
        today = now // DAY
        closes = {one["number"]: policy.day_number(one["closes"]) for one in self.policy["epoch"]}
        flying = {sent.header.epoch for sent in self.in_flight()}
        self.epochs = {
            number: epoch
            for number, epoch in self.epochs.items()
            if closes.get(number, -1) >= today or number in flying
        }
        if self.counted != self.house_numbers:
            self.counted = self.house_numbers
            self.want_full_sets()
        if any(sent.put_off for sent in self.chain) and any(
            self.withdrawals(number, told, today) for number, (epoch, told) in self.once_accepted().items()
        ):
            self.begin(now)
            self.give_up(self.chain[0].digest, now)
        if not self.chain:
            self.make(now, confirm)
        return [sent.data for sent in self.chain]

    def once_accepted(self) -> dict[int, tuple[Epoch, dict[str, int]]]:
        """What the broker will hold in each epoch in which the partner has delivered, once it took all in flight."""
        made = {number: (epoch, epoch.told) for number, epoch in self.epochs.items() if epoch.delivered}
        for sent in self.chain:
            if sent.told is not None and sent.header.epoch in made:
                made[sent.header.epoch] = (self.epochs[sent.header.epoch], sent.told)
        return made

    def withdrawals(self, epoch: int, told: dict[str, int], today: int) -> list[str]:
        """What the broker holds and the partner no longer flags. A house number that is counted no longer is none."""
        wanted = self.flags.all(self.house_numbers)
        counted = {key: last for key, last in told.items() if self.house_numbers or level(key) == UNIT}
        return sorted(key for key, last in counted.items() if key not in wanted and last >= today)

    def make(self, now: int, confirm: bool) -> None:
        confirm = confirm or self.lost > self.accepted
        today = now // DAY
        flags = self.copied(today)
        Rules(self.policy["retention"]).shorten(flags, today)
        newest, *older = self.open_epochs(today)
        self.refuse_uncertified(newest, today)
        self.begin(now)
        self.flags = flags
        self.budget = self.new_flags.on(today, self.policy["budgets"]["new_flags_a_day"])
        first: list[tuple[int, messages.Body, dict[str, int] | None]] = []
        then: list[tuple[int, messages.Body, dict[str, int] | None]] = []
        for number in [newest, *(one for one in older if one in self.epochs and self.epochs[one].delivered)]:
            epoch = self.epochs.get(number, Epoch())
            told = dict(epoch.told)
            gone = self.withdrawals(number, told, today) if epoch.delivered else []
            if gone:
                told = {key: last for key, last in told.items() if key not in gone}
                first.insert(0, (number, Delta([], sorted(self.pseudonym(number, key) for key in gone)), told))
            if said := self.rest(number, epoch, told, today, confirm and not gone):
                then.append((number, *said))
        previous = self.accepted
        for number, body, told_then in first + then:
            self.state_number += 1
            self.made.add(self.state_number)
            sent = self.sign(now, number, body, self.state_number, previous)
            sent.told = told_then
            if isinstance(body, Delta) and not body.groups:
                # A full set that is due is still due after what was withdrawn.
                epoch = self.epochs[number]
                sent.full_set, sent.unsure, sent.forgotten = epoch.full_set, epoch.unsure, epoch.forgotten
                sent.granted = set(epoch.granted)
            self.chain.append(sent)
            previous = self.state_number

    def rest(
        self, number: int, epoch: Epoch, told: dict[str, int], today: int, confirm: bool
    ) -> tuple[messages.Body, dict[str, int] | None] | None:
        """What is said in an epoch besides what is withdrawn."""
        wanted = self.flags.all(self.house_numbers)
        held = self.policy["budgets"]["flags_held"]
        is_full_set = not epoch.delivered or epoch.full_set
        if is_full_set:
            held = epoch.most.on(today, held)
        known = {**told, **dict.fromkeys(epoch.granted, 0)} if epoch.delivered else dict.fromkeys(wanted, 0)
        new = [key for key in wanted if key not in known]
        if is_full_set and len(wanted) - len(new) > held:
            # The broker said how many it takes, or the policy does.
            wanted = self.without(wanted, {}, held)
        elif len(new) > (room := min(self.budget, held - (len(wanted) - len(new)))):
            wanted = self.without(wanted, known, max(room, 0))
        self.budget = max(0, self.budget - sum(key not in known for key in wanted))
        if is_full_set:
            forgotten = epoch.forgotten if epoch.delivered else self.may_have_forgotten(number)
            return FullSet(not forgotten, 1, 1, self.groups(number, wanted)), last_days(wanted)
        changed = {key: terms for key, terms in wanted.items() if told.get(key) != terms.last_day}
        if changed:
            return Delta(self.groups(number, changed), []), last_days(wanted)
        return (Confirm(), None) if confirm else None

    def may_have_forgotten(self, number: int) -> bool:
        opens = next(policy.day_number(one["opens"]) for one in self.policy["epoch"] if one["number"] == number)
        return self.forgotten_on is not None and opens <= self.forgotten_on

    def without(self, wanted: dict[str, Terms], told: dict[str, int], room: int) -> dict[str, Terms]:
        """Of what is new those flagged last wait, each with its house number if nothing else at it is flagged."""
        kept = {key: terms for key, terms in wanted.items() if key in told}
        going = Flags({key: flag for key, flag in self.flags.held.items() if key in kept})
        new = sorted(
            (flag.first_day, key)
            for key, flag in self.flags.held.items()
            if key not in told and (self.house_numbers or not is_number(key))
        )
        for _, key in new:
            keys = [] if is_number(key) else [key]
            number = number_key(key)
            if self.house_numbers and number and number not in kept:
                keys.append(number)
            if len(keys) <= room:
                room -= len(keys)
                kept |= {one: wanted[one] for one in keys}
                going.held[key] = self.flags.held[key]
        return going.all(self.house_numbers)

    def groups(self, epoch: int, said: dict[str, Terms]) -> messages.Groups:
        groups: dict[Terms, list[bytes]] = {}
        for key, terms in said.items():
            groups.setdefault(terms, []).append(self.pseudonym(epoch, key))
        return [(terms, sorted(groups[terms])) for terms in sorted(groups, key=Terms.order)]

    def ask(
        self, now: int, address_keys: Collection[str], sweep: str | None = None, looked_up: bool = False
    ) -> list[bytes]:
        self.permit("sweep" if sweep else "ask")
        self.refuse_without_register(address_keys, looked_up)
        now = self.at(now)
        opened = self.open_epochs(now // DAY)
        delivered = [one for one in opened if one in self.epochs and self.epochs[one].delivered]
        epoch = self.answering if self.answering in opened else (delivered or opened)[0]
        asked: dict[bytes, list[str]] = {}
        for key in address_keys:
            asked.setdefault(self.pseudonym(epoch, key), []).append(key)
        for sent in self.questions:
            if (sent.header.epoch, sent.asked, sent.body.sweep) == (epoch, asked, sweep):
                return [sent.data]
        self.refuse_uncertified(epoch, now // DAY)
        self.begin(now)
        self.question_number += 1
        sent = self.sign(now, epoch, Question(sorted(asked), sweep), self.question_number, 0)
        sent.asked = asked
        self.questions.append(sent)
        return [sent.data]

    def status(self, now: int) -> bytes:
        now = self.at(now)
        epoch = self.open_epochs(now // DAY)[0]
        self.refuse_uncertified(epoch, now // DAY)
        self.status_number += 1
        lines = sorted(self.lines)[:MAX_LINES] if self.origin == self.log_origin(self.restored) else []
        size = self.checkpoint[1] if self.checkpoint and self.checkpoint[0] == self.log_origin(self.restored) else 0
        body = StatusRequest(size, lines, self.receipt[1] if self.receipt else b"")
        self.status_request = self.sign(now, epoch, body, self.status_number, 0)
        return self.status_request.data

    def give_up(self, digest: bytes, now: int) -> None:
        sent = next((one for one in self.in_flight() if one.digest == digest), None)
        if sent is None:
            raise unexpected("no such message is in flight")
        self.begin(now)
        if sent.is_state:
            self.lost = max(self.lost, self.chain[-1].header.sequence)
        self.drop(sent, "dropped")

    def refuse_uncertified(self, epoch: int, today: int) -> None:
        """Signs with no other key than the one that is certified, and not while the partner is suspended."""
        date = policy.date_of(today)
        own = [one for one in self.certificates if (one.partner, one.epoch) == (self.number, epoch)]
        begun = [one for one in own if one.first_day <= date]
        latest = max(begun, key=lambda one: one.serial, default=None)
        if latest is None:
            return
        key = messages.public_key(self.seed).hex()
        if latest.keys is None or latest.last_day < date or latest.keys[0] != key:
            raise Refused("not_certified", "suspended, ended, or of another key")

    def sign(self, now: int, epoch: int, body: messages.Body, sequence: int, previous: int) -> Sent:
        header = Header(
            kind=messages.KINDS[type(body)],
            consortium=self.policy["consortium"],
            purpose=self.policy["purpose"],
            epoch=epoch,
            key_id=self.secrets[epoch].key_id,
            partner=self.number,
            sequence=sequence,
            previous=previous,
            time=now,
            policy=self.digest,
            context=bytes(32),
        )
        origin = self.log_origin(self.restored)
        size = self.checkpoint[1] if self.checkpoint and self.checkpoint[0] == origin else 0
        return Sent(
            data=messages.encode(header, body, messages.private_key(self.seed).sign),
            header=header,
            body=body,
            restored=self.restored,
            release=self.epochs[epoch].release if epoch in self.epochs else 0,
            accepted=self.said_accepted,
            first_line=max(size, self.next_line if self.origin == origin else 0),
            asked={},
        )

    # Replies

    def read(self, reply: bytes, now: int) -> Read:
        names = (self.policy["consortium"], self.policy["purpose"], self.number)
        opened = replies.opened(reply, bytes.fromhex(self.policy["operator"]["verifying_key"]), names)
        if isinstance(opened, Rejection):
            return Read("hint", opened)
        told, body = opened
        now = self.at(now)
        self.reading = messages.digest(reply)
        sent = next((one for one in self.in_flight() if one.digest == told.header.context), None)
        if sent is None:
            return self.read_late(told, body, reply, now)
        self.check(sent, told, body)
        behind = self.watch(sent, told, body)
        if isinstance(body, StatusReply):
            self.watch_log(sent, told, body)
        self.begin(now)
        # What the broker forgot was complained of, and what comes is held to how it is now.
        if behind or body.log.restored > self.restored:
            self.said_accepted = 0 if body.log.leaf != bytes(32) else self.said_accepted
        self.note_line(told, body, behind)
        self.brokers_policy = told.header.policy if told.header.policy != self.digest else None
        made = self.take_reply(sent, told, body, reply, behind)
        if isinstance(body, Receipt | Answer):
            self.past = [row if row[0] is not sent else (sent, "read", made) for row in self.past]
        return made

    def check(self, sent: Sent, told: messages.Unverified, body: messages.Body) -> None:
        ahead = self.policy["messages"]["max_ahead_minutes"] * 60
        roster = len(self.policy["organisation"])
        replies.check(sent, told.header, body, self.digest, ahead, roster, replies.sayable(self.policy, self.number))

    def read_late(self, told: messages.Unverified, body: messages.Body, reply: bytes, now: int) -> Read:
        """To a message that is no longer in flight."""
        at = next((at for at, row in enumerate(self.past) if row[0].digest == told.header.context), None)
        if at is None:
            raise unexpected("it is to a message that is not in flight")
        sent, end, before = self.past[at]
        self.check(sent, told, body)
        if isinstance(body, Rejection):
            self.watch(sent, told, body)
            if end == "dropped":
                self.begin(now)
                self.note_line(told, body, False)
                self.past[at] = (sent, "read", None)
            return Read("late", body)
        if isinstance(body, Receipt) and end != "read":
            # The receipt of a message that was given up, too: the broker accepted it.
            behind = self.watch(sent, told, body)
            self.begin(now)
            self.note_line(told, body, behind)
            self.note_receipt(sent, body, reply, behind)
            if self.is_current(body, behind) and sent.header.sequence > self.accepted:
                self.accept_unknown(sent.header.sequence)
                self.epochs[sent.header.epoch].delivered = True
            self.past[at] = (sent, "read", Read("receipt", body))
            return Read("receipt", body)
        if before and before.body == body:
            return before
        raise unexpected("another reply to it was read, or it was given up")

    def take_reply(
        self, sent: Sent, told: messages.Unverified, body: messages.Body, reply: bytes, behind: bool
    ) -> Read:
        header, today = sent.header, self.latest // DAY
        if isinstance(body, Receipt):
            epoch = self.epochs.setdefault(header.epoch, Epoch())
            if epoch.delivered:
                left = self.new_flags.on(today, self.policy["budgets"]["new_flags_a_day"])
                self.new_flags = Left(today, max(0, left - body.added))
            self.note_receipt(sent, body, reply, behind)
            if self.is_current(body, behind):
                self.accept_through(header.sequence)
            return Read("receipt", body)
        if isinstance(body, Answer):
            self.see_release(header.epoch, body.release, behind)
            self.drop(sent, "read")
            rows = sorted(sent.asked)
            standings = {key: byte for row, byte in zip(rows, body.standings) for key in sent.asked[row]}
            return Read("answer", body, standings=standings)
        if isinstance(body, StatusReply):
            self.take_status(sent, body, behind)
            return Read("status_reply", body)
        self.take_rejection(sent, body, self.is_current(body, behind))
        return Read("rejection", body, next=replies.remedy(body.code))

    def note_receipt(self, sent: Sent, body: Receipt, reply: bytes, behind: bool) -> None:
        self.see_release(sent.header.epoch, body.release, behind)
        place = (body.log.restored, body.log.line)
        if body.log.leaf != bytes(32) and (self.receipt is None or place > self.receipt[0]):
            self.receipt = (place, reply)
        if body.log.restored == self.restored:
            self.said_accepted = max(self.said_accepted, sent.header.sequence)

    def see_release(self, number: int, release: int, behind: bool) -> None:
        epoch = self.epochs.setdefault(number, Epoch())
        epoch.release = release if behind else max(release, epoch.release)

    def accept_through(self, number: int) -> None:
        """The receipt of this number was read: the messages of the chain before it were accepted too."""
        self.accepted = number
        while self.chain and self.chain[0].header.sequence <= number:
            sent = self.chain.pop(0)
            epoch = self.epochs.setdefault(sent.header.epoch, Epoch())
            if sent.told is not None:
                epoch.full_set, epoch.unsure, epoch.forgotten = sent.full_set, sent.unsure, sent.forgotten
                epoch.delivered, epoch.told, epoch.granted = True, sent.told, sent.granted
            self.past.append((sent, "read" if sent.header.sequence == number else "implied", None))

    def accepted_is(self, number: int) -> None:
        """One of this number that is in flight is sent again, and its receipt tells: another may have used it."""
        if number != self.accepted and all(sent.header.sequence != number for sent in self.chain):
            self.accept_unknown(number)

    def accept_unknown(self, number: int) -> None:
        """The broker accepted a message of which it is not known what it said: only full sets bring it up to date."""
        if number > 0 and number not in self.made:
            self.have_forgotten()
        self.accepted = number
        self.state_number = raised(self.state_number, number)
        for epoch in self.epochs.values():
            self.forget_told(epoch)

    def forget_told(self, epoch: Epoch) -> None:
        """It is not known what the broker holds in an epoch: it may be each flag of now."""
        epoch.full_set, epoch.unsure, epoch.granted = True, True, set()
        epoch.told = {**last_days(self.flags.all(self.house_numbers)), **epoch.told}

    def is_current(self, body: Any, behind: bool) -> bool:
        """Whether a reply is not of before the latest restore, in which the broker forgot what it says."""
        return behind or body.log.restored >= self.restored

    def raise_state_number(self, named: int) -> None:
        """The broker names a number that was used; one that was never used here was used by another folder."""
        if named > self.state_number:
            self.have_forgotten()
        self.state_number = raised(self.state_number, named)

    def have_forgotten(self) -> None:
        self.forgotten_on = self.latest // DAY
        for epoch in self.epochs.values():
            epoch.forgotten = True

    def assume_empty(self, number: int) -> None:
        if epoch := self.epochs.get(number):
            epoch.told, epoch.full_set, epoch.unsure = {}, True, False
            epoch.granted = set(self.flags.all(self.house_numbers))

    def take_status(self, sent: Sent, body: StatusReply, behind: bool) -> None:
        number, today = sent.header.epoch, self.latest // DAY
        self.status_request = None
        known = self.epochs.get(number)
        forgot = known is not None and 0 < known.release < body.release
        self.see_release(number, body.release, behind)
        later = body.highest_state >= self.said_accepted or forgot or behind
        if later and self.is_current(body, behind):
            self.said_accepted = body.last_state
            self.accepted_is(body.last_state)
            if body.full_set_due:
                self.assume_empty(number)
        self.raise_state_number(body.highest_state)
        self.question_number = raised(self.question_number, body.highest_question)
        self.new_flags = Left(today, body.left_new_flags)
        if body.full_set_due and body.held == 0:
            left = min(body.left_new_flags + body.left_first_sets, body.left_held)
            self.epochs[number].most = Left(today, left)

    def take_rejection(self, sent: Sent, body: Rejection, is_current: bool) -> None:
        """7.5."""
        code, number, epoch = body.code, body.number, sent.header.epoch
        today = self.latest // DAY
        if code == "unavailable":
            sent.put_off = True
            return
        if code in ("gap", "full_set_required", "recovering") and not is_current:
            pass
        elif code == "gap":
            self.said_accepted = number
            self.accepted_is(number)
        elif code in ("full_set_required", "recovering") and not self.outdated(sent, body):
            self.assume_empty(epoch)
        elif code == "stale" and sent.is_state:
            self.raise_state_number(number - 1)
            # It may be that it was accepted, and another after it; the gap that the next message meets tells.
            self.lost = max(self.lost, self.chain[-1].header.sequence)
        elif code == "stale" and isinstance(sent.body, Question):
            self.question_number = raised(self.question_number, number - 1)
        elif code == "stale":
            self.status_number = raised(self.status_number, number - 1)
        elif code == "other_epoch":
            self.answering = number
        elif code == "not_yet_answering":
            self.answering = None
        elif code == "over_budget" and isinstance(sent.body, FullSet):
            most = self.epochs.setdefault(epoch, Epoch())
            most.most = Left(today, most.most.on(today, number))
        elif code == "over_budget" and sent.is_state:
            self.new_flags = Left(today, self.new_flags.on(today, number))
        self.drop(sent, "read")

    def outdated(self, sent: Sent, body: Rejection) -> bool:
        """Whether `recovering` says nothing of what the broker holds now (7.5)."""
        if not isinstance(sent.body, Question):
            return False
        later = self.receipt is not None and self.receipt[0] > (body.log.restored, body.log.line)
        return sent.header.time < body.log.restored or later

    def drop(self, sent: Sent, end: str) -> None:
        """It is no longer in flight, nor is what follows it in the chain."""
        if sent in self.chain:
            at = self.chain.index(sent)
            self.past += [(one, end if one is sent else "dropped", None) for one in self.chain[at:]]
            del self.chain[at:]
            return
        if sent in self.questions:
            self.questions.remove(sent)
        elif self.status_request is sent:
            self.status_request = None
        else:
            return
        self.past.append((sent, end, None))

    # The log (audit-log.md 3)

    def log_origin(self, restored: int) -> str:
        origin = self.policy["operator"]["log_origin"]
        return f"{origin}/{restored}" if restored else origin

    def complain(self, code: str) -> None:
        """Of the reply that is read; once, also where it is read again."""
        if (code, self.reading) not in self.complained:
            self.complained.add((code, self.reading))
            self.complaints.append(code)

    def watch(self, sent: Sent, told: messages.Unverified, body: messages.Body) -> bool:
        """Complains of the line that a reply names, and of what it forgot. Whether the broker is behind what it was."""
        forgotten = replies.went_back(sent, told.header, body)
        has_line = body.log.leaf != bytes(32)
        behind = has_line and body.log.restored == sent.restored and body.log.line < sent.first_line
        if not has_line:
            conflict = not (isinstance(body, Rejection) and body.code in messages.NOT_LOGGED)
        else:
            asked = messages.decode(sent.data, from_partner=True)
            right = map(log.leaf_hash, log.lines_on(asked, sent.body, told.header, body))
            same_log = self.origin == self.log_origin(body.log.restored)
            known = self.lines.get(body.log.line, (body.log.leaf, 0))[0] if same_log else body.log.leaf
            conflict = body.log.leaf not in right or known != body.log.leaf or behind
        if conflict:
            self.complain("log_inconsistent")
        if forgotten:
            self.complain("unannounced_restore")
        return behind or forgotten

    def note_line(self, told: messages.Unverified, body: messages.Body, behind: bool) -> None:
        """Keeps the line that a reply named, until it is proven."""
        entry = body.log
        if entry.leaf == bytes(32) or (entry.restored < self.restored and not behind):
            return
        origin = self.log_origin(entry.restored)
        if entry.restored > self.restored and not behind:
            # In each epoch it waits for a full set, the first of which follows nothing.
            self.accepted = 0
            for epoch in self.epochs.values():
                self.forget_told(epoch)
        if self.origin != origin:
            self.origin, self.restored, self.lines, self.next_line = origin, entry.restored, {}, 0
        if behind:
            self.next_line = entry.line + 1
            self.lines = {line: row for line, row in self.lines.items() if line < entry.line}
        self.next_line = max(self.next_line, entry.line + 1)
        self.lines.setdefault(entry.line, (entry.leaf, told.header.time // DAY))

    def watch_log(self, sent: Sent, told: messages.Unverified, body: StatusReply) -> None:
        """The checkpoint of a status reply, and the lines that it proves."""
        origin = self.log_origin(body.log.restored)
        kept = self.checkpoint if self.checkpoint and self.checkpoint[0] == origin else None
        size = 0
        if body.checkpoint or kept:
            try:
                size, root = self.followed(kept, body, origin)
            except Refused as error:
                self.complain(error.code)
                return
            self.checkpoint = (origin, size, root)
            if not self.prove(sent, body, origin, size, root):
                self.complain("log_inconsistent")
                return
        told_days = [day for _, day in self.lines.values() if day <= sent.header.time // DAY]
        latest = max([told.header.time // DAY, *told_days])
        if self.origin == origin and any(line >= size and day + 2 <= latest for line, (_, day) in self.lines.items()):
            self.complain("log_inconsistent")

    def followed(self, kept: tuple[str, int, bytes] | None, body: StatusReply, origin: str) -> tuple[int, bytes]:
        if kept and not body.checkpoint:
            raise Refused("log_inconsistent", "no checkpoint any more")
        key = bytes.fromhex(self.policy["operator"]["checkpoint_key"])
        try:
            size, root = log.verify_checkpoint(body.checkpoint.decode(), origin, key)
        except UnicodeDecodeError as error:
            raise Refused("checkpoint", "not UTF-8") from error
        if kept:
            try:
                roots = log.roots_of_consistency(kept[1], size, kept[2], body.proof) if kept[1] <= size else None
            except Refused:
                roots = None
            if roots != (kept[2], root):
                raise Refused("log_inconsistent", "it does not continue the one kept")
        return size, root

    def prove(self, sent: Sent, body: StatusReply, origin: str, size: int, root: bytes) -> bool:
        """Whether the lines that were asked for, and are under the checkpoint, are proven."""
        if self.origin != origin:
            return True
        paths = {one.line: one.path for one in body.lines}
        proven = []
        for line in sent.body.lines:
            if line >= size or line not in self.lines:
                continue
            try:
                made = log.root_of_inclusion(line, size, self.lines[line][0], paths[line]) if line in paths else b""
            except Refused:
                made = b""
            if made != root:
                return False
            proven.append(line)
        for line in proven:
            del self.lines[line]
        return True


def last_days(said: dict[str, Terms]) -> dict[str, int]:
    return {key: terms.last_day for key, terms in said.items()}
