"""What people of a partner do after a hit, for tests/month: seat.py FOLDER.

A line of standard input is a job, a JSON list of its name, what it is given and the moment; a line of standard output
is what came of it, with the names that `stapel partner ... --json` has. The folder is open for the job alone.
"""

import json
import sys
from typing import Any

import stapel

BY = stapel.Case("month", "month")


def flag(partner: stapel.Partner, lines: list[str], now: int) -> None:
    partner.flag(stapel.Addresses.from_texts(lines), BY, now=now)


def forward(partner: stapel.Partner, lines: list[str], now: int) -> None:
    partner.put_forward(stapel.Addresses.from_texts(lines), BY, now=now)


def asked(partner: stapel.Partner, now: int) -> list[dict[str, Any]]:
    return [
        {"address": one.canonical, "typed": one.typed, "day": str(one.day), "answer": one.answer,
         "put_forward": one.is_put_forward}
        for one in partner.asked(BY, now=now)
    ]


def answer(partner: stapel.Partner, canonical: str, said: str, now: int) -> None:
    partner.answer(canonical, said.replace("-", "_"), BY, now=now)


def note(partner: stapel.Partner, number: int, text: str, now: int) -> None:
    partner.write_text(number, text, BY, now=now)


def outcome(partner: stapel.Partner, number: int, way: str, now: int) -> None:
    partner.write_outcome(number, way.replace("-", "_"), BY, now=now)


def conversations(partner: stapel.Partner, now: int) -> list[dict[str, Any]]:
    return [
        {
            "conversation": one.number, "typed": one.typed, "lead": one.lead, "decision": one.decision,
            "outcome": one.outcome,
            "introduced": [
                {"partner": other.partner, "since": str(other.since), "misses_note": other.misses_note}
                for other in one.introduced
            ],
            "notes": [
                {"kind": note.kind.name.lower(), "from": note.from_,
                 "copies": [{"progress": copy.progress.name.lower()} for copy in note.copies]}
                for note in one.notes
            ],
        }
        for one in partner.conversations(BY, now=now)
    ]


JOBS = {
    "flag": flag, "forward": forward, "asked": asked, "answer": answer, "note": note, "outcome": outcome,
    "conversations": conversations,
}

for line in sys.stdin:
    name, *given = json.loads(line)
    with stapel.Partner(sys.argv[1], wait=5.0) as partner:
        print(json.dumps(JOBS[name](partner, *given)), flush=True)
