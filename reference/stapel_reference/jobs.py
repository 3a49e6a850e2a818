"""One partner that is told in JSON what to do, so that a test in another language can play it through a pipe.

A job is an object; `do` says what. The first is `open`, and each gives an object back:

    {"do": "open", "number", "seed", "consortium", "purpose", "epoch", "secret", "policy", "broker_key", "threshold",
     "count_cap", "sees", "organisations"}                             -> {"key_id", "public"}
    {"do": "delta", "time", "flag": {address key: last valid day}, "withdraw": [address key],
     "renewal": reason or null}
    {"do": "full_set", "time", "flag", "renewal", "shrink"}
    {"do": "confirm", "time"}
    {"do": "question", "time", "ask": [address key], "sweep": reason or null}
    {"do": "status", "time", "tree_size"}                              -> {"message", "digest"}
    {"do": "read", "request", "reply"}                                 -> {"kind", "body", "conflicts", "unproven"}
    {"do": "policy", "digest"}                                         -> {}

A reply that was read has `conflicts`, what is wrong with the broker's log, and `unproven`, how many own lines of it are
not proven; an answer has `standings` too.

Bytes are hexadecimal. What is refused gives {"error": code, "text"}.
"""

from collections.abc import Iterable
from typing import Any

from . import jsonform, messages
from .errors import Refused
from .keys import Secret, unhex
from .partner import Partner
from .standings import Counting

_partner: list[Partner] = []
# The address keys that were asked, by the digest of the question.
_asked: dict[bytes, dict[str, str]] = {}


def run(job: dict[str, Any]) -> dict[str, Any]:
    try:
        return JOBS[job.pop("do")](**job)
    except Refused as error:
        return {"error": error.code, "text": error.text}


def open_(
    number: int,
    seed: str,
    consortium: str,
    purpose: str,
    epoch: int,
    secret: str,
    policy: str,
    broker_key: str,
    threshold: int,
    count_cap: int,
    sees: str,
    organisations: int,
) -> dict[str, Any]:
    partner = Partner(
        number=number,
        seed=unhex(seed, 32),
        consortium=consortium,
        secret=Secret(unhex(secret, 32), purpose, epoch),
        policy_digest=unhex(policy, 32),
        broker_key=unhex(broker_key, 32),
        counting=Counting(threshold, 0, count_cap, False),
        sees=sees,
        organisations=organisations,
    )
    _partner[:] = [partner]
    return {"key_id": partner.secret.key_id.hex(), "public": messages.public_key(partner.seed).hex()}


def made(message: bytes) -> dict[str, Any]:
    return {"message": message.hex(), "digest": messages.digest(message).hex()}


def delta(time: int, flag: dict[str, int], withdraw: Iterable[str] = (), renewal: str | None = None) -> dict[str, Any]:
    return made(_partner[0].delta(time, flag, withdraw, renewal))


def full_set(time: int, flag: dict[str, int], renewal: str | None = None, shrink: bool = False) -> dict[str, Any]:
    return made(_partner[0].full_set(time, flag, renewal, shrink))


def confirm(time: int) -> dict[str, Any]:
    return made(_partner[0].confirm(time))


def question(time: int, ask: list[str], sweep: str | None = None) -> dict[str, Any]:
    message = _partner[0].question(time, ask, sweep)
    _asked[messages.digest(message)] = {_partner[0].pseudonym(key).hex(): key for key in ask}
    return made(message)


def status(time: int, tree_size: int = 0) -> dict[str, Any]:
    return made(_partner[0].status(time, tree_size))


def read(request: str, reply: str) -> dict[str, Any]:
    body = _partner[0].read(unhex(request), unhex(reply))
    told = {"kind": jsonform.kind_name(messages.KINDS[type(body)]), "body": jsonform.to_json(body)}
    if isinstance(body, messages.Answer):
        names = _asked.get(messages.digest(unhex(request)), {})
        told["standings"] = {names[row]: standing for row, standing in zip(sorted(names), body.standings)}
    told["conflicts"] = _partner[0].conflicts
    told["unproven"] = len(_partner[0].lines)
    return told


def policy(digest: str) -> dict[str, Any]:
    _partner[0].policy_digest = unhex(digest, 32)
    return {}


JOBS = {
    "open": open_,
    "delta": delta,
    "full_set": full_set,
    "confirm": confirm,
    "question": question,
    "status": status,
    "read": read,
    "policy": policy,
}
