"""Flags the addresses of a file, tells the broker, asks about them, and prints what came back.

    stack.py SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]

README.md in the folder above says what each step does, and what it prints.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import stapel

BY = stapel.Case("example", "examples")


class Rejected(Exception):
    """The broker did not accept a message."""


def main(arguments: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    step = arguments[2] if len(arguments) > 2 else "all"
    if not 2 <= len(arguments) <= 4 or step not in ("all", "send", "read", "errors"):
        print("usage: stack.py SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]", file=sys.stderr)
        return 2
    sandbox = Path(arguments[0])
    folder = sandbox / (arguments[3] if len(arguments) > 3 else "partner")
    try:
        if step == "errors":
            show_errors(folder)
            return 0
        rows = read_csv(Path(arguments[1]))
        with stapel.Partner(folder) as partner, stapel.Broker(sandbox / "broker", sandbox / "broker/keys") as broker:
            if step == "send":
                partner.flag(rows, BY)
                for message in partner.deliver() + partner.ask(rows, BY):
                    broker.handle(message)
            elif step == "read":
                print_stack(rows, carry(partner, broker, partner.in_flight()))
            else:
                partner.flag(rows, BY)
                carry(partner, broker, partner.deliver())
                print_stack(rows, carry(partner, broker, partner.ask(rows, BY)))
    except (stapel.StapelError, Rejected) as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, UnicodeError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def read_csv(file: Path) -> stapel.Addresses:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        table = [line for line in csv.reader(lines, delimiter=";") if line][1:]
    return stapel.Addresses.from_texts([text for _, text in table], references=[reference for reference, _ in table])


def carry(partner: stapel.Partner, broker: stapel.Broker, messages: Iterable[bytes]) -> list[stapel.Answer]:
    """Carries messages to the broker, and reads its replies. A real program sends the bytes over HTTPS."""
    answers = []
    for message in messages:
        match partner.read(broker.handle(message)):
            case stapel.Answer() as answer:
                answers.append(answer)
            case stapel.Rejection() as rejection:
                raise Rejected(f"{rejection.code}: {rejection.sentence}")
    return answers


def print_stack(rows: stapel.Addresses, answers: list[stapel.Answer]) -> None:
    if not answers:
        raise LookupError("no question was in flight")
    print(f"organisations {answers[-1].organisations}, fresh {answers[-1].fresh}")
    for row, standing in zip(rows, stapel.standings(rows, answers)):
        if row.code:
            print(f"{row.reference}\t-\trefused {row.code}")
        else:
            print(f"{row.reference}\t{row.canonical}\t{standing}")


def show_errors(folder: Path) -> None:
    partner = stapel.Partner(folder)
    print(f"open twice\t{code_of(lambda: stapel.Partner(folder, wait=0))}")
    print(f"reply of garbage\t{code_of(lambda: partner.read(b'garbage'))}")
    print(f"empty reply\t{code_of(lambda: partner.read(b''))}")
    partner.close()
    partner.close()
    print("close twice\tharmless")
    try:
        print(f"use after close\t{partner.number}")
    except stapel.ClosedError:
        print("use after close\trefused")


def code_of(call: Callable[[], object]) -> str:
    try:
        call()
    except stapel.StapelError as error:
        return error.code
    return "went through"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
