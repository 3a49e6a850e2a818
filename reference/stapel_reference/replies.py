"""Section 7.3: what a reply must be, of which message it is, and what it may say of that."""

from dataclasses import dataclass, field

from . import messages
from .errors import Refused
from .messages import (
    MAX_LEAP,
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
)
from .standings import Counting

REPEATED = ("epoch", "key_id", "sequence", "previous")
STATE = Delta | FullSet | Confirm
# 7.5: what to do after a rejection.
REMEDIES = {
    "again": "gap stale full_set_required recovering other_epoch",
    "resend": "unavailable",
    "wait": "over_budget not_yet_answering",
    "fetch_policy": "wrong_policy wrong_epoch wrong_key_id wrong_purpose",
    "declare_shrink": "shrink",
    "renew": "renewal_not_declared",
    "end": "too_many_renewals",
    "set_clock": "clock",
    "ask_coordinator": "not_certified not_permitted too_large malformed",
}


def remedy(code: str) -> str:
    return next(name for name, codes in REMEDIES.items() if code in codes.split())


def unexpected(text: str) -> Refused:
    return Refused("unexpected_reply", text)


@dataclass
class Sent:
    """A message that was made, and what was known of the broker when it was made."""

    data: bytes
    header: Header
    body: messages.Body
    # The last restore, the release in force in the epoch, the last state message accepted; and the lowest number that
    # the line on the message can have.
    restored: int
    release: int
    accepted: int
    first_line: int
    # The address keys of a question, by pseudonym.
    asked: dict[bytes, list[str]]
    # What the broker will hold once it accepted this, by address key; None where it says nothing of it.
    told: dict[str, int] | None = None
    # As of an epoch, once the broker accepted this.
    full_set: bool = False
    unsure: bool = False
    forgotten: bool = False
    granted: set[str] = field(default_factory=set)
    # Whether the broker said that it cannot take it now.
    put_off: bool = False

    @property
    def digest(self) -> bytes:
        return messages.digest(self.data)

    @property
    def is_state(self) -> bool:
        return isinstance(self.body, STATE)

    @property
    def flagged(self) -> int:
        return sum(len(rows) for _, rows in self.body.groups) if isinstance(self.body, Delta | FullSet) else 0


def opened(
    reply: bytes, verifying_key: bytes, names: tuple[str, str, int]
) -> tuple[messages.Unverified, messages.Body] | Rejection:
    """Steps 1 to 5: a signed reply to this partner; or a hint. `names` are consortium, purpose and partner."""
    told = messages.decode(reply, from_partner=False)
    if hint := told.unsigned_rejection():
        return hint
    # The signature before all that it is over, and the body last: whoever cannot sign is told nothing of a body.
    told.check_signature(verifying_key)
    if (told.header.consortium, told.header.purpose, told.header.partner) != names:
        raise unexpected("it is for another partner")
    return told, told.body()


def check(
    sent: Sent, header: Header, body: messages.Body, policy_digest: bytes, max_ahead: int, organisations: int,
    sayable: set[int],
) -> None:  # fmt: skip
    """Steps 7 to 9."""
    for name in REPEATED:
        if getattr(header, name) != getattr(sent.header, name):
            raise unexpected(f"its {name} is not that of the message")
    due = {Question: Answer, StatusRequest: StatusReply}.get(type(sent.body), Receipt)
    if type(body) not in (due, Rejection):
        raise unexpected("it replies to another kind of message")
    if header.policy == policy_digest and needs_clock(sent.body, body) and header.time + max_ahead < sent.header.time:
        raise unexpected("by its time the message would have been refused")
    if isinstance(body, Answer):
        check_answer(sent.body, header, body, policy_digest, organisations, sayable)
    if isinstance(body, Receipt):
        check_receipt(sent, body)
    if isinstance(body, StatusReply) and not {one.line for one in body.lines} <= set(sent.body.lines):
        raise unexpected("it proves lines that were not asked for")
    if isinstance(body, Rejection):
        check_rejection(sent, body)


def needs_clock(request: messages.Body, reply: messages.Body) -> bool:
    """Whether a broker gives such a reply only while its clock is not in doubt."""
    only_withdraws = isinstance(request, Delta) and not request.groups
    return isinstance(reply, Answer) or (isinstance(reply, Receipt) and not only_withdraws)


def check_answer(
    question: Question, header: Header, answer: Answer, policy_digest: bytes, organisations: int, sayable: set[int]
) -> None:
    if header.policy != policy_digest:
        raise unexpected("it was answered under another policy than the partner's")
    if answer.organisations > organisations:
        raise unexpected("it counts more organisations than the roster has")
    if len(answer.standings) != len(question.pseudonyms):
        raise unexpected("it has another number of standings than were asked")
    if not set(answer.standings) <= sayable:
        raise unexpected("it has a standing that this partner cannot be told")


def check_receipt(sent: Sent, receipt: Receipt) -> None:
    """No full set of this partner has several parts."""
    if (receipt.part, receipt.parts) != (0, 0):
        raise unexpected("it is the receipt of a part")
    is_full_set = isinstance(sent.body, FullSet)
    withdrawn = len(sent.body.withdrawn) if isinstance(sent.body, Delta) else 0
    if (
        receipt.added + receipt.changed > sent.flagged
        or receipt.renewed > sent.flagged
        or (receipt.withdrawn > withdrawn and not is_full_set)
        or (is_full_set and receipt.held > sent.flagged)
    ):
        raise unexpected("it counts other flags than the message has")


def may_reject(code: str, body: messages.Body) -> bool:
    """Whether a signed rejection of such a message can have the code."""
    if code in ("unknown_partner", "bad_signature", "wrong_consortium"):
        return False
    kinds = {
        "gap": STATE,
        "full_set_required": STATE,
        "other_epoch": Question | messages.TotalsRequest | messages.PutForward,
        "not_yet_answering": Question | messages.TotalsRequest,
        "shrink": FullSet,
        "renewal_not_declared": Delta | FullSet,
        "too_many_renewals": Delta | FullSet,
    }
    if code in ("wrong_policy", "not_permitted", "recovering"):
        return not isinstance(body, StatusRequest)
    return code not in kinds or isinstance(body, kinds[code])


def check_rejection(sent: Sent, rejection: Rejection) -> None:
    if not may_reject(rejection.code, sent.body):
        raise unexpected(f"such a message is not rejected with {rejection.code}")
    number, sequence = rejection.number, sent.header.sequence
    if rejection.code == "gap" and number >= sequence:
        raise unexpected("what was accepted last is not numbered before the message")
    if rejection.code == "stale" and number <= sequence < number + MAX_LEAP:
        raise unexpected("the number of the message would be free")


def went_back(sent: Sent, header: Header, body: messages.Body) -> bool:
    """Whether the broker forgot what it had said before the message was made, and names no later restore."""
    restored = body.log.restored
    if restored > header.time:
        return True
    if restored != sent.restored:
        return restored < sent.restored
    if isinstance(body, Receipt | Answer | StatusReply) and body.release < sent.release:
        return True
    if isinstance(body, StatusReply):
        return body.last_state < sent.accepted
    if isinstance(body, Rejection) and body.code == "gap":
        return body.number < sent.accepted
    if isinstance(body, Rejection) and body.code == "stale" and sent.is_state:
        return body.number <= sent.accepted
    return False


def sayable(policy: dict, number: int) -> set[int]:
    """The standings that a partner can be told (4.8)."""
    counting = policy["counting"]
    sees = next(one["sees"] for one in policy["partner"] if one["number"] == number)
    return Counting(counting["threshold"], 0, counting["count_cap"], False).sayable(sees)
