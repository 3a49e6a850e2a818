"""How the transcripts' JSON says what a partner does, what a reply was taken for, and what is kept."""

from typing import Any

from . import jsonform, policy
from .errors import Refused
from .keys import unhex
from .messages import Rejection
from .partner import Partner, Read


def play(transcript: dict[str, Any], policies: dict[str, dict[str, Any]]) -> str | None:
    """Plays a transcript: the first thing that is not as it says."""
    start = transcript["start"]
    first = policies[start["policy"]]
    partner = Partner(start["partner"], unhex(start["seed"], 32), first["toml"].encode(), first["signatures"])
    for text in start["certificates"]:
        partner.add_certificate(text)
    for text in start["secrets"]:
        partner.add_secret(text.encode())
    due = kept(partner)
    for at, step in enumerate(transcript["steps"]):
        due |= step["kept"]
        made = done(partner, step, policies)
        found = {**made, "kept": kept(partner)}
        for name, value in {"messages": None, "told": None, "error": None, **found}.items():
            said = due if name == "kept" else step.get(name)
            if value != said:
                return f"step {at}, {step['do']}: {name} is {value!r}, and not {said!r}"
    return None


def done(partner: Partner, step: dict[str, Any], policies: dict[str, dict[str, Any]]) -> dict[str, Any]:
    try:
        return do(partner, step, policies)
    except Refused as error:
        return {"error": error.code}


def do(partner: Partner, step: dict[str, Any], policies: dict[str, dict[str, Any]]) -> dict[str, Any]:
    now, homes, looked_up = step["now"], step.get("homes", []), step.get("looked_up", False)
    match step["do"]:
        case "flag":
            partner.flag(now, homes, policy.day_number(step["until"]) if "until" in step else None, looked_up)
        case "renew":
            partner.renew(now, homes, step["reason"], looked_up)
        case "withdraw":
            partner.withdraw(now, homes)
        case "replace_all":
            partner.replace_all(now, homes, step["shrink"], looked_up)
        case "accept_clock":
            partner.accept_clock(now)
        case "give_up":
            partner.give_up(unhex(step["message"], 32), now)
        case "policy":
            versions = [policies[name] for name in step["policies"]]
            partner.adopt(now, [(one["toml"].encode(), one["signatures"]) for one in versions])
        case "certificate":
            partner.add_certificate(step["text"])
        case "message_key":
            partner.seed = unhex(step["seed"], 32)
        case "secret":
            partner.add_secret(step["text"].encode())
        case "parts":
            partner.add_parts([text.encode() for text in step["texts"]])
        case "deliver" | "confirm" as what:
            return {"messages": [one.hex() for one in partner.deliver(now, confirm=what == "confirm")]}
        case "ask":
            return {"messages": [one.hex() for one in partner.ask(now, homes, step.get("sweep"), looked_up)]}
        case "status":
            return {"messages": [partner.status(now).hex()]}
        case "read":
            return {"told": told(partner.read(reply(step), now))}
        case other:
            raise ValueError(f"no partner does {other}")
    return {}


def reply(step: dict[str, Any]) -> bytes:
    if "reply" in step:
        return unhex(step["reply"])
    return b"".join(bytes(one["zeros"]) if "zeros" in one else unhex(one["hex"]) for one in step["pieces"])


def told(read: Read) -> dict[str, Any]:
    """What a reply was taken for."""
    made: dict[str, Any] = {"kind": read.kind}
    if isinstance(read.body, Rejection):
        made |= {"code": read.body.code, "number": read.body.number}
    if read.next:
        made["next"] = read.next
    if read.standings:
        made["standings"] = read.standings
    return made


def kept(partner: Partner) -> dict[str, Any]:
    """What a partner keeps."""
    today = partner.latest // 86_400
    epochs = sorted(partner.epochs.items())
    return {
        "numbers": [partner.state_number, partner.question_number, partner.status_number],
        "accepted": partner.accepted,
        "in_flight": [
            [jsonform.kind_name(one.header.kind), one.header.epoch, one.header.sequence] for one in partner.in_flight()
        ],
        "flags": {
            home: [policy.date_of(flag.first_day), policy.date_of(flag.last_day), flag.renewal]
            for home, flag in sorted(partner.flags.held.items())
            if flag.last_day >= today
        },
        "full_set": [number for number, epoch in epochs if epoch.delivered and epoch.full_set],
        "releases": {str(number): epoch.release for number, epoch in epochs if epoch.release},
        "restored": partner.restored,
        "broker_policy": partner.brokers_policy.hex() if partner.brokers_policy else None,
        "answering": partner.answering,
        "unproven": sorted(partner.lines),
        "checkpoint": partner.checkpoint[1] if partner.checkpoint else 0,
        "complaints": sorted(partner.complaints),
        "secrets": sorted(partner.secrets),
    }
