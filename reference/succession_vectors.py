"""The vectors of succession: which policy may take the place of which (SPEC.md 6.4)."""

import hashlib
from typing import Any

from stapel_reference import messages, policy

HEAD = """format = 1
consortium = "{consortium}"
version = {version}
{previous}valid_from = {valid_from}
purpose = "{purpose}"
legal_basis = "Wet"
flag_criterion = "Eigen waarneming"
after_hit = "Overleg"
coordinator = "c@example.nl"

[operator]
name = "Beheerder"
oin = "00000009000000000000"
verifying_key = "{verifying_key}"
checkpoint_key = "{checkpoint_key}"
log_origin = "example.nl/proef"

[changes]
signatures = {signatures}
"""
EPOCH = """
[[epoch]]
number = {number}
key_id = "{key_id}"
opens = {opens}
closes = {closes}
"""
PARTNER = """
[[partner]]
number = {number}
name = "Partner {number}"
oin = "0000000{organisation:03}0000000000"
organisation = "organisatie-{organisation}"
verifying_key = "{key}"
may = ["flag", "ask"]
legal_basis_flag = "Wet A"
legal_basis_ask = "Wet B"
"""
BEFORE = {"number": 1, "opens": "2026-12-01", "closes": "2027-05-31"}
AFTER = {"number": 2, "opens": "2027-05-01", "closes": "2027-10-31"}
FOUR = ((1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4))


def seed(number: int) -> bytes:
    return hashlib.sha256(f"stapel vectors: key {number}".encode()).digest()


def text(epochs: list[dict[str, Any]], partners: tuple[tuple[int, int, int], ...] = FOUR, **head: Any) -> str:
    """A policy; `partners` are of number, organisation and key."""
    defaults = {
        "consortium": "proef", "purpose": "proef-doel", "version": 1, "valid_from": "2026-12-01", "previous": "",
        "signatures": len({organisation for _, organisation, _ in partners}),
        "verifying_key": messages.public_key(seed(100)).hex(), "checkpoint_key": messages.public_key(seed(101)).hex(),
    }  # fmt: skip
    parts = [HEAD.format(**{**defaults, **head})]
    parts += [EPOCH.format(**{"key_id": f"{one['number']:016x}", **one}) for one in epochs]
    parts += [
        PARTNER.format(number=number, organisation=organisation, key=messages.public_key(seed(key)).hex())
        for number, organisation, key in partners
    ]
    return "".join(parts)


def row(
    name: str,
    epochs: list[dict[str, Any]],
    *,
    old: str | None = None,
    signed: tuple[tuple[int, int], ...] = ((1, 1), (2, 2), (3, 3), (4, 4)),
    error: str | None = None,
    **newer: Any,
) -> dict[str, Any]:
    """`signed` are organisations, each with the key that it signed with."""
    old = old or text([BEFORE, AFTER])
    in_force = policy.parse(old.encode())
    defaults = {"version": 2, "previous": f'previous = "{policy.digest(in_force).hex()}"\n'}
    new = text(epochs, **{**defaults, **newer})
    digest = policy.digest(policy.parse(new.encode()))
    own = [(one["organisation"], seed(one["number"])) for one in in_force["partner"]]
    made = {
        "name": name,
        "in_force": old,
        "in_force_signatures": [
            policy.sign(policy.digest(in_force), who, messages.private_key(key)) for who, key in own
        ],
        "newer": new,
        "newer_signatures": [
            policy.sign(digest, f"organisatie-{organisation}", messages.private_key(seed(key)))
            for organisation, key in signed
        ],
    }
    return made if error is None else {**made, "error": error}


def until(closes: str) -> dict[str, Any]:
    return {**BEFORE, "closes": closes}


def successors() -> list[dict[str, Any]]:
    wrong = {"error": "policy_successor"}
    both = [BEFORE, AFTER]
    leaves = {"partners": FOUR[:3], "signed": ((1, 1), (2, 2), (3, 3))}
    third = {"number": 3, "opens": "2026-12-31", "closes": "2027-06-30"}
    short, alone = [until("2026-12-31")], [BEFORE]
    three_sign = text(both, signatures=3)
    return [
        row("the same again, as version 2", both),
        row("a version further on", both, version=7),
        row("an epoch more", [*both, {"number": 3, "opens": "2027-10-01", "closes": "2028-03-31"}]),
        row("an epoch less", [AFTER], valid_from="2027-06-01"),
        row("an open epoch is made shorter", [until("2027-04-30"), AFTER], valid_from="2027-02-01"),
        row("an open epoch is made longer", [until("2027-06-30"), AFTER], valid_from="2027-02-01"),
        row("an epoch is made longer from its last day on", [until("2027-06-30"), AFTER], valid_from="2027-05-31"),
        row("a closed epoch is made longer", [until("2027-06-30"), AFTER], valid_from="2027-06-01", **wrong),
        row(
            "a closed epoch is made longer by a day in the past",
            [until("2027-06-15"), AFTER],
            valid_from="2027-08-01",
            **wrong,
        ),
        row("a closed epoch is made shorter", [until("2027-05-30"), AFTER], valid_from="2027-06-01", **wrong),
        row("a closed epoch stays", both, valid_from="2027-06-01"),
        row(
            "all epochs closed, and the last is made longer",
            [BEFORE, {**AFTER, "closes": "2027-12-31"}],
            valid_from="2027-11-01",
            **wrong,
        ),
        row("another consortium", both, consortium="anders", **wrong),
        row("another purpose", both, purpose="ander-doel", **wrong),
        row(
            "the same version",
            both,
            version=2,
            old=text(both, version=2, previous=f'previous = "{"0" * 64}"\n'),
            **wrong,
        ),
        row("another one before", both, previous=f'previous = "{"0" * 64}"\n', **wrong),
        row("valid from an earlier day", both, valid_from="2026-11-30", **wrong),
        row("an epoch has another key id", [{**BEFORE, "key_id": "f" * 16}, AFTER], **wrong),
        row(
            "a number goes to another organisation",
            both,
            partners=((1, 1, 1), (2, 2, 2), (3, 4, 4), (4, 3, 3)),
            **wrong,
        ),
        row("one leaves, and no epoch is new", both, **leaves, **wrong),
        row(
            "one leaves, and what it knows closes late",
            [until("2027-01-01"), third],
            old=text(alone),
            **leaves,
            **wrong,
        ),
        row(
            "one leaves, and the new epoch opens late",
            [*short, {**third, "opens": "2027-01-01"}],
            old=text(alone),
            **leaves,
            **wrong,
        ),
        row("one leaves", [*short, third], old=text(alone), **leaves),
        row(
            "one leaves, signed by two",
            [*short, third],
            old=text(alone),
            partners=FOUR[:3],
            signed=((1, 1), (2, 2)),
            error="policy_signatures",
        ),
        row("signed by three of four", both, signed=((1, 1), (2, 2), (3, 3)), error="policy_signatures"),
        row(
            "signed by three of four, as both ask for",
            both,
            old=three_sign,
            signatures=3,
            signed=((1, 1), (2, 2), (3, 3)),
        ),
        row(
            "signed by two of four",
            both,
            old=three_sign,
            signatures=3,
            signed=((1, 1), (2, 2)),
            error="policy_signatures",
        ),
        row(
            "a new key, not vouched for by the old one",
            both,
            partners=(*FOUR[:3], (4, 4, 5)),
            signed=((1, 1), (2, 2), (3, 3), (4, 5)),
            error="policy_signatures",
        ),
        row(
            "three of four give the fourth another key",
            both,
            old=three_sign,
            signatures=3,
            partners=(*FOUR[:3], (4, 4, 5)),
            signed=((1, 1), (2, 2), (3, 3)),
            error="policy_signatures",
        ),
        row(
            "three of four give the fourth another key, which signs",
            both,
            old=three_sign,
            signatures=3,
            partners=(*FOUR[:3], (4, 4, 5)),
            signed=((1, 1), (2, 2), (3, 3), (4, 5)),
            error="policy_signatures",
        ),
        row(
            "three of four give the fourth another key and another number",
            both,
            old=three_sign,
            signatures=3,
            partners=(*FOUR[:3], (5, 4, 5)),
            signed=((1, 1), (2, 2), (3, 3)),
        ),
        row(
            "the fourth has another key, and signs with the old one",
            both,
            old=three_sign,
            signatures=3,
            partners=(*FOUR[:3], (4, 4, 5)),
            signed=((1, 1), (2, 2), (3, 3), (4, 4)),
        ),
        row(
            "a new key, vouched for by the old one",
            both,
            partners=(*FOUR[:3], (4, 4, 5)),
            signed=((1, 1), (2, 2), (3, 3), (4, 5), (4, 4)),
        ),
    ]


def succession_file() -> dict[str, Any]:
    return {
        "about": "Successions. A policy in force with its signatures, and a newer one with its signatures, which takes "
        "its place, or is refused with the error.",
        "successions": successors(),
    }
