"""One partner that is told in JSON what to do, so that a test in another language can play it through a pipe.

A job is an object; `do` says what. The first opens the partner:

    {"do": "open", "number", "seed", "policy": its TOML, "signatures", "epoch", "secret"}      -> {"key_id", "public"}

All others are the steps of a partner's transcript (tests/vectors/v1/README.md), and give back what such a step says of
what came of it: `messages` or `told`, or else an `error`. A reply that was read has its `body` too, `complaints`, and
how many lines of the broker's log are `unproven`.

Bytes are hexadecimal.
"""

from typing import Any

from . import jsonform, messages, transcripts
from .errors import Refused
from .keys import unhex
from .partner import Partner
from .secret_file import SecretFile

_partner: list[Partner] = []


def run(job: dict[str, Any]) -> dict[str, Any]:
    if job["do"] == "open":
        return opened(**{name: value for name, value in job.items() if name != "do"})
    partner = _partner[0]
    try:
        if job["do"] != "read":
            return transcripts.do(partner, job, {})
        read = partner.read(unhex(job["reply"]), job["now"])
    except Refused as error:
        return {"error": error.code, "text": error.text}
    return {
        "told": transcripts.told(read),
        "body": jsonform.to_json(read.body),
        "complaints": partner.complaints,
        "unproven": len(partner.lines),
    }


def opened(number: int, seed: str, policy: str, signatures: list[str], epoch: int, secret: str) -> dict[str, Any]:
    partner = Partner(number, unhex(seed, 32), policy.encode(), signatures)
    partner.add(SecretFile(partner.policy["purpose"], epoch, unhex(secret, 32)))
    _partner[:] = [partner]
    return {"key_id": partner.secrets[epoch].key_id.hex(), "public": messages.public_key(partner.seed).hex()}
