"""Section 6.6: certificates and suspensions of partners: their text, whether one holds, and which of several counts."""

import datetime
import hashlib
import re
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .errors import Refused
from .keys import verifies
from .messages import public_of
from .policy import policy_keys, small_order

LABEL = b"stapel1 certify\0"
MOST_BYTES = 1_024
NUMBER = "0|[1-9][0-9]*"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
KEYS = "message-key: ([0-9a-f]{64})\nseal-key: ([0-9a-f]{64})\n"
TEXT = re.compile(
    f"stapel-partner: (certificate|suspension) v1\nconsortium: ([a-z0-9-]{{1,64}})\npartner: ({NUMBER})\n"
    f"epoch: ({NUMBER})\nserial: ({NUMBER})\n(?:{KEYS})?first-day: ({DAY})\nlast-day: ({DAY})\n"
    "key: ([0-9a-f]{64})\nsignature: ([0-9a-f]{128})\n",
    re.ASCII,
)


def refused(text: str) -> Refused:
    return Refused("certificate", text)


@dataclass
class Statement:
    consortium: str
    partner: int
    epoch: int
    serial: int
    # Message key and seal key; none suspends the partner.
    keys: tuple[str, str] | None
    first_day: str
    last_day: str


def signed_text(statement: Statement, key: str) -> str:
    kind, keys = "suspension", ""
    if statement.keys:
        kind, keys = "certificate", "message-key: {}\nseal-key: {}\n".format(*statement.keys)
    return (
        f"stapel-partner: {kind} v1\nconsortium: {statement.consortium}\npartner: {statement.partner}\n"
        f"epoch: {statement.epoch}\nserial: {statement.serial}\n{keys}first-day: {statement.first_day}\n"
        f"last-day: {statement.last_day}\nkey: {key}\n"
    )


def signed_bytes(text: str) -> bytes:
    return LABEL + hashlib.sha256(text.encode()).digest()


def sign(statement: Statement, policy_key: Ed25519PrivateKey) -> str:
    """The text of the file."""
    text = signed_text(statement, public_of(policy_key).hex())
    return f"{text}signature: {policy_key.sign(signed_bytes(text)).hex()}\n"


def verify(text: str, policy: dict[str, Any]) -> Statement:
    """What a certificate states, if it holds under the policy."""
    match = TEXT.fullmatch(text) if len(text.encode()) <= MOST_BYTES else None
    if not match:
        raise refused("not in its one form")
    kind, consortium, partner, epoch, serial, message, seal, first, last, key, signature = match.groups()
    if (kind == "certificate") != (message is not None):
        raise refused("keys go with a certificate alone")
    keys = (message, seal) if message else None
    statement = Statement(consortium, int(partner), int(epoch), int(serial), keys, first, last)
    if statement.partner >= 1 << 16 or statement.epoch >= 1 << 32 or not 1 <= statement.serial < 1 << 32:
        raise refused("a number out of bounds")
    for day in (first, last):
        if not "1970-01-01" <= day <= "2149-06-06":
            raise refused(f"{day} is out of bounds")
        try:
            datetime.date.fromisoformat(day)
        except ValueError as error:
            raise refused(f"{day} is no day") from error
    entry = next((one for one in policy["partner"] if one["number"] == statement.partner), None)
    if consortium != policy["consortium"] or entry is None:
        raise refused("of another consortium, or of no partner")
    if statement.epoch not in {one["number"] for one in policy["epoch"]} or last < first:
        raise refused("of no epoch, or its days are wrong")
    operator = policy["operator"]
    others = [*policy_keys(policy), operator["verifying_key"], operator["checkpoint_key"]]
    if keys and (small_order(message) or small_seal_key(seal) or message in others):
        raise refused("a key that is everybody's, or that has another use")
    organisation = next(one for one in policy["organisation"] if one["slug"] == entry["organisation"])
    if organisation["policy_key"] != key:
        raise refused("signed by another than its organisation")
    if not verifies(bytes.fromhex(key), bytes.fromhex(signature), signed_bytes(signed_text(statement, key))):
        raise refused("altered")
    return statement


def small_seal_key(key: str) -> bool:
    """Whether an X25519 public key is a point of small order (RFC 7748, section 6.1)."""
    u = int.from_bytes(bytes.fromhex(key), "little") & (1 << 255) - 1
    p = 2**255 - 19
    eighths = (
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    )
    return u in (0, 1, p - 1, p, p + 1) or u in [int.from_bytes(bytes.fromhex(one), "little") for one in eighths]


def keep(kept: list[Statement], statement: Statement) -> list[Statement]:
    """Those of one partner and epoch, with one more that holds."""
    if statement in kept:
        return kept
    if any(one.serial >= statement.serial for one in kept):
        raise refused("its serial is not above those that are kept")
    if statement.serial > max((one.serial for one in kept), default=0) + 1_000:
        raise refused("its serial leaps too far")
    if statement.keys and any(one.keys and one.keys[1] != statement.keys[1] for one in kept):
        raise refused("another seal key in the same epoch")
    return [*kept, statement]


def counts(kept: list[Statement], day: str) -> tuple[int | None, str | None]:
    """The serial that counts on a day, and the message key that messages are verified with."""
    begun = sorted((one for one in kept if one.first_day <= day), key=lambda one: one.serial)
    certified = [one.keys[0] for one in begun if one.keys]
    return (begun[-1].serial, certified[-1]) if certified else (None, None)
