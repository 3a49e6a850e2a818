"""A partner with its state in memory: makes its messages, and checks what the broker replies."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from . import log, messages
from .errors import Refused
from .keys import NUMBER, UNIT, Secret
from .messages import (
    MAX_LEAP,
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
from .standings import Counting


def level(address_key: str) -> int:
    """A unit has two bars, a house number one (section 3)."""
    return UNIT if address_key.count("|") == 2 else NUMBER


# 7.3: how far a number that the broker names raises a partner's own, and up to where.
MAX_RAISE = 1 << 24
HIGHEST_RAISED = 1 << 63


def raised(own: int, named: int) -> int:
    return max(own, min(named, own + MAX_RAISE, HIGHEST_RAISED))


def may_reject(code: str, body: messages.Body) -> bool:
    """7.3: whether a signed rejection of such a message can have the code."""
    if code in ("unknown_partner", "bad_signature", "wrong_consortium"):
        return False
    kinds = {
        "gap": Delta | FullSet | Confirm,
        "full_set_required": Delta | FullSet | Confirm,
        "other_epoch": Question,
        "not_yet_answering": Question,
        "shrink": FullSet,
        "renewal_not_declared": Delta | FullSet,
        "too_many_renewals": Delta | FullSet,
    }
    if code in ("wrong_policy", "not_permitted", "recovering"):
        return not isinstance(body, StatusRequest)
    return code not in kinds or isinstance(body, kinds[code])


@dataclass
class Partner:
    number: int
    seed: bytes
    consortium: str
    secret: Secret
    policy_digest: bytes
    broker_key: bytes
    counting: Counting
    sees: str
    # How many the roster has.
    organisations: int
    # How many seconds a message may be ahead of the broker: 10 minutes by default.
    max_ahead: int = 600
    journal_head: bytes = bytes(32)
    # What the broker has accepted, and the numbers used up to now.
    flags: dict[bytes, int] = field(default_factory=dict)
    # The first day of each flag that was ever said. The broker takes the earlier of this and its own.
    first_days: dict[bytes, int] = field(default_factory=dict)
    accepted_state: int = 0
    state_number: int = 0
    question_number: int = 0
    status_number: int = 0
    release: int = 0
    # Own lines of the log that are not proven yet: number, and leaf hash. And what was found wrong with the log.
    lines: dict[int, bytes] = field(default_factory=dict)
    # The last restore of the broker, and the latest receipt.
    restored: int = 0
    receipt: bytes = b""
    conflicts: list[str] = field(default_factory=list)

    def pseudonym(self, address_key: str) -> bytes:
        return self.secret.pseudonym(level(address_key), address_key)

    # Messages

    def delta(
        self, now: int, flag: dict[str, int], withdraw: Iterable[str] = (), renewal: str | None = None
    ) -> bytes:
        """Flags address keys, each with its last valid day and one reason for all, and withdraws others."""
        withdrawn = sorted(map(self.pseudonym, withdraw))
        return self._state(now, Delta(self._groups(now, flag, renewal), withdrawn))

    def full_set(self, now: int, flag: dict[str, int], renewal: str | None = None, shrink: bool = False) -> bytes:
        return self._state(now, FullSet(shrink, 1, 1, self._groups(now, flag, renewal)))

    def confirm(self, now: int) -> bytes:
        return self._state(now, Confirm())

    def question(self, now: int, address_keys: list[str], sweep: str | None = None) -> bytes:
        self.question_number += 1
        pseudonyms = sorted(set(map(self.pseudonym, address_keys)))
        return self._sign(now, Question(pseudonyms, sweep), self.question_number, 0)

    def status(self, now: int, tree_size: int = 0) -> bytes:
        self.status_number += 1
        body = StatusRequest(tree_size, sorted(self.lines)[:MAX_LINES], self.receipt)
        return self._sign(now, body, self.status_number, 0)

    def _state(self, now: int, body: messages.Body) -> bytes:
        self.state_number += 1
        return self._sign(now, body, self.state_number, self.accepted_state)

    def _groups(self, now: int, flag: dict[str, int], renewal: str | None) -> messages.Groups:
        groups: dict[Terms, list[bytes]] = {}
        for address_key, last_day in flag.items():
            pseudonym = self.pseudonym(address_key)
            first_day = self.first_days.setdefault(pseudonym, now // 86_400)
            terms = Terms(last_day, first_day, renewal, level(address_key) == NUMBER)
            groups.setdefault(terms, []).append(pseudonym)
        return [(terms, sorted(groups[terms])) for terms in sorted(groups, key=Terms.order)]

    def _sign(self, now: int, body: messages.Body, sequence: int, previous: int) -> bytes:
        header = Header(
            kind=messages.KINDS[type(body)],
            consortium=self.consortium,
            purpose=self.secret.purpose,
            epoch=self.secret.epoch,
            key_id=self.secret.key_id,
            partner=self.number,
            sequence=sequence,
            previous=previous,
            time=now,
            policy=self.policy_digest,
            context=self.journal_head,
        )
        return messages.encode(header, body, messages.private_key(self.seed).sign)

    # Replies

    def read(self, request: bytes, reply: bytes) -> Receipt | Answer | StatusReply | Rejection:
        """The broker's reply to a request of this partner, taken into its state.

        Refuses with `wrong_reply` what is not the reply to this request. An unsigned rejection is given back, and
        changes nothing here: anybody can have made it.
        """
        asked = messages.decode(request, from_partner=True)
        told = messages.decode(reply, from_partner=False)
        if hint := told.unsigned_rejection():
            return hint
        body = told.verified(self.broker_key)
        if told.header.context != messages.digest(request):
            raise Refused("wrong_reply", "it replies to another message")
        for name in ("consortium", "purpose", "epoch", "key_id", "partner", "sequence", "previous"):
            if getattr(told.header, name) != getattr(asked.header, name):
                raise Refused("wrong_reply", f"its {name} is not that of the request")
        request_body = asked.body()
        due = {Question: Answer, StatusRequest: StatusReply}.get(type(request_body), Receipt)
        if type(body) not in (due, Rejection):
            raise Refused("wrong_reply", "it replies to another kind of message")
        if told.header.policy == self.policy_digest and self._needs_clock(request_body, body):
            if told.header.time + self.max_ahead < asked.header.time:
                raise Refused("wrong_reply", "by its time the request would have been refused")
        if isinstance(body, Answer):
            if told.header.policy != asked.header.policy:
                raise Refused("wrong_reply", "it was answered under another policy than it was asked under")
            if body.organisations > self.organisations:
                raise Refused("wrong_reply", "it counts more organisations than the roster has")
            self._check_standings(request_body, body)
        if isinstance(body, Receipt):
            self._check_receipt(request_body, body)
        if isinstance(body, Rejection):
            self._check_rejection(asked.header.sequence, request_body, body)
        if isinstance(body, StatusReply):
            if not {one.line for one in body.lines} <= set(request_body.lines):
                raise Refused("wrong_reply", "it proves lines that were not asked for")
        self._watch_restore(body)
        self._watch_line(asked, request_body, told, body)
        if isinstance(body, StatusReply):
            self._watch_proofs(body)
        if isinstance(body, Receipt):
            self.receipt = reply
            self.accepted_state = asked.header.sequence
            self._take_flags(request_body)
        if isinstance(body, StatusReply):
            self.accepted_state = body.last_state
            self.state_number = raised(self.state_number, body.highest_state)
            self.question_number = raised(self.question_number, body.highest_question)
        if isinstance(body, Rejection) and body.code == "stale":
            if isinstance(request_body, Question):
                self.question_number = raised(self.question_number, body.number - 1)
            elif isinstance(request_body, StatusRequest):
                self.status_number = raised(self.status_number, body.number - 1)
            else:
                self.state_number = raised(self.state_number, body.number - 1)
        return body

    def _watch_restore(self, reply: messages.Body) -> None:
        """7.3: what the broker forgot, and whether it says that it was restored. One message at a time is in flight."""
        if reply.log.restored > self.restored:
            self.restored, self.lines = reply.log.restored, {}
        elif reply.log.restored < self.restored:
            self.conflicts.append("it was restored, and no longer says so")
        elif isinstance(reply, Receipt | Answer | StatusReply) and reply.release < self.release:
            self.conflicts.append("the release in force is an older one")
        elif isinstance(reply, StatusReply) and reply.last_state < self.accepted_state:
            self.conflicts.append("the last state message accepted is an older one")
        elif isinstance(reply, Rejection) and reply.code == "gap" and reply.number < self.accepted_state:
            self.conflicts.append("the last state message accepted is an older one")
        if isinstance(reply, Receipt | Answer | StatusReply):
            self.release = reply.release

    def _watch_line(
        self, asked: messages.Unverified, request: messages.Body, told: messages.Unverified, reply: messages.Body
    ) -> None:
        """audit-log.md 3: the line that the reply names is the one on this message, and no other reply named it."""
        if reply.log.leaf == bytes(32):
            if not (isinstance(reply, Rejection) and reply.code in messages.NOT_LOGGED):
                self.conflicts.append("it names no line")
            return
        number, leaf = reply.log.line, reply.log.leaf
        if leaf not in map(log.leaf_hash, log.lines_on(asked, request, told.header, reply)):
            self.conflicts.append(f"line {number} is not on the message")
        elif self.lines.setdefault(number, leaf) != leaf:
            self.conflicts.append(f"line {number} was another")

    def _watch_proofs(self, reply: StatusReply) -> None:
        """Of the lines that a status reply proves. The checkpoint itself is for whoever holds its key to check."""
        if not reply.checkpoint:
            return
        size, root = reply.checkpoint.decode().split("\n")[1:3]
        for one in reply.lines:
            try:
                made = log.root_of_inclusion(one.line, int(size), self.lines[one.line], one.path)
            except Refused:
                made = b""
            if made == log.hash_of(root, "checkpoint"):
                del self.lines[one.line]
            else:
                self.conflicts.append(f"line {one.line} is not in the log")

    @staticmethod
    def _needs_clock(request: messages.Body, reply: messages.Body) -> bool:
        """Whether a broker gives such a reply only while its clock is not in doubt."""
        only_withdraws = isinstance(request, Delta) and not request.groups
        return isinstance(reply, Answer) or (isinstance(reply, Receipt) and not only_withdraws)

    @staticmethod
    def _check_receipt(body: messages.Body, receipt: Receipt) -> None:
        """Of a full set in several parts only which part it is: this partner does not make any."""
        in_parts = isinstance(body, FullSet) and body.parts > 1
        due = (body.part, body.parts) if in_parts else (0, 0)
        if (receipt.part, receipt.parts) != due:
            raise Refused("wrong_reply", "it is the receipt of another part")
        if in_parts:
            return
        flagged = 0 if isinstance(body, Confirm) else sum(len(rows) for _, rows in body.groups)
        withdrawn = len(body.withdrawn) if isinstance(body, Delta) else 0
        if (
            receipt.added + receipt.changed > flagged
            or (receipt.withdrawn > withdrawn and not isinstance(body, FullSet))
            or (isinstance(body, FullSet) and receipt.held > flagged)
        ):
            raise Refused("wrong_reply", "it counts other flags than the message has")

    @staticmethod
    def _check_rejection(sequence: int, body: messages.Body, rejection: Rejection) -> None:
        if not may_reject(rejection.code, body):
            raise Refused("wrong_reply", f"such a message is not rejected with {rejection.code}")
        number = rejection.number
        if rejection.code == "gap" and number >= sequence:
            raise Refused("wrong_reply", "what was accepted last is not numbered before the message")
        if rejection.code == "stale" and number <= sequence < number + MAX_LEAP:
            raise Refused("wrong_reply", "the number of the message would be free")

    def _check_standings(self, question: Question, answer: Answer) -> None:
        if len(answer.standings) != len(question.pseudonyms):
            raise Refused("wrong_reply", "it has another number of standings than were asked")
        if not set(answer.standings) <= self.counting.sayable(self.sees):
            raise Refused("wrong_reply", "it has a standing that this partner cannot be told")

    def _take_flags(self, body: messages.Body) -> None:
        if isinstance(body, FullSet):
            self.flags = {}
        if isinstance(body, Delta | FullSet):
            for terms, rows in body.groups:
                self.flags.update(dict.fromkeys(rows, terms.last_day))
        if isinstance(body, Delta):
            for row in body.withdrawn:
                self.flags.pop(row, None)
