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
{more}
[operator]
name = "Beheerder"
oin = "00000099000009000000"
verifying_key = "{verifying_key}"
checkpoint_key = "{checkpoint_key}"
log_origin = "example.nl/{consortium}"

[contact_point]
name = "Loket"
email = "c@example.nl"

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
ORGANISATION = """
[[organisation]]
slug = "{slug}"
name = "Organisatie {organisation}"
oin = "00000099{organisation:09}000"
contact = "c@example.nl"
policy_key = "{key}"
{more}"""
PARTNER = """
[[partner]]
number = {number}
name = "Systeem van {organisation}"
organisation = "organisatie-{organisation}"
may = ["flag", "ask"]
legal_basis_flag = "Wet A"
legal_basis_ask = "Wet B"
"""
# The fourth's system, and the same where it may only ask.
FLAGS_TOO = PARTNER.format(number=4, organisation=4)
ASKS = FLAGS_TOO.replace('"flag", ', "").replace('legal_basis_flag = "Wet A"\n', "")
UNSIGNED = """
[unsigned]
organisation = "organisatie-{organisation}"
because = "{because}"
version = {version}
epoch = {epoch}
{more}"""
BEFORE = {"number": 1, "opens": "2026-12-01", "closes": "2027-05-31"}
AFTER = {"number": 2, "opens": "2027-05-01", "closes": "2027-10-31"}
# Of number and organisation; an organisation's policy key is that of its number, unless said otherwise.
FOUR = ((1, 1), (2, 2), (3, 3), (4, 4))
FIVE = (*FOUR, (5, 5))


def seed(number: int) -> bytes:
    return hashlib.sha256(f"stapel vectors: key {number}".encode()).digest()


def public(number: int) -> str:
    return messages.public_key(seed(number)).hex()


# A version that another says is void.
VOID = f'voids = ["{"ab" * 32}"]\n'
# The seed of an organisation's policy key, by its number.
POLICY_KEYS = {organisation: 1_000 + organisation for organisation in range(10)}
ANOTHER_KEY = 2_000


def text(
    epochs: list[dict[str, Any]],
    partners: tuple[tuple[int, int], ...] = FOUR,
    policy_keys: dict[int, int] | None = None,
    first_epoch: dict[int, int] | None = None,
    unsigned: dict[str, Any] | None = None,
    **head: Any,
) -> str:
    """A policy. What `policy_keys` and `first_epoch` say of an organisation takes the place of what is usual."""
    numbers = sorted({organisation for _, organisation in partners})
    defaults = {
        "consortium": "proef", "purpose": "proef-doel", "version": 1, "valid_from": "2026-12-01", "previous": "",
        "signatures": len(numbers), "more": "",
        "verifying_key": public(100), "checkpoint_key": public(101),
    }  # fmt: skip
    parts = [HEAD.format(**{**defaults, **head})]
    if unsigned:
        parts.append(UNSIGNED.format(**{"more": "", "because": "leaves", "version": 2, **unsigned}))
    parts += [EPOCH.format(**{"key_id": f"{one['number']:032x}", **one}) for one in epochs]
    for organisation in numbers:
        key = public({**POLICY_KEYS, **(policy_keys or {})}[organisation])
        first = (first_epoch or {}).get(organisation)
        more = "" if first is None else f"first_epoch = {first}\n"
        parts.append(
            ORGANISATION.format(organisation=organisation, slug=f"organisatie-{organisation}", key=key, more=more)
        )
    parts += [PARTNER.format(number=number, organisation=organisation) for number, organisation in partners]
    return "".join(parts)


def signature(digest: bytes, organisation: int, key: int, says: str = "signature") -> str:
    return policy.sign(digest, f"organisatie-{organisation}", messages.private_key(seed(key)), says)


def row(
    name: str,
    epochs: list[dict[str, Any]],
    *,
    old: str | None = None,
    signed: tuple[int | tuple[int, int], ...] = (1, 2, 3, 4),
    vetoed: tuple[tuple[int, int], ...] = (),
    vetoed_newer: tuple[tuple[int, int], ...] = (),
    changed: tuple[str, str] | None = None,
    error: str | None = None,
    **newer: Any,
) -> dict[str, Any]:
    """`signed` are organisations, each with the key that it signed with where that is not its usual policy key. Of the
    newer one's text the first of `changed` becomes the second."""
    old = old or text([BEFORE, AFTER])
    in_force = policy.parse(old.encode())
    version = {"version": in_force["version"] + 1, "previous": f'previous = "{policy.digest(in_force).hex()}"\n'}
    new = text(epochs, **{**version, **newer})
    if changed:
        assert changed[0] in new
        new = new.replace(*changed)
    digest = policy.digest(policy.parse(new.encode()))
    own = [int(one["slug"].removeprefix("organisatie-")) for one in in_force["organisation"]]
    by = [one if isinstance(one, tuple) else (one, POLICY_KEYS[one]) for one in signed]
    made = {
        "name": name,
        "in_force": old,
        "in_force_signatures": [signature(policy.digest(in_force), one, POLICY_KEYS[one]) for one in own],
        "newer": new,
        "newer_signatures": [signature(digest, *one) for one in by]
        + [signature(policy.digest(in_force), *one, "veto") for one in vetoed]
        + [signature(digest, *one, "veto") for one in vetoed_newer],
    }
    return made if error is None else {**made, "error": error}


def until(closes: str) -> dict[str, Any]:
    return {**BEFORE, "closes": closes}


def successors() -> list[dict[str, Any]]:
    wrong = {"error": "policy_successor"}
    unasked = {"error": "policy_signatures"}
    both = [BEFORE, AFTER]
    three_sign = text(both, signatures=3)
    later_version = {"version": 2, "previous": f'previous = "{"0" * 64}"\n'}
    passed, third = {**AFTER, "number": 3}, {"number": 3, "opens": "2027-10-01", "closes": "2028-03-31"}
    fourth = {"number": 4, "opens": "2027-10-01", "closes": "2028-03-31"}
    fifth = {"number": 5, "opens": "2028-03-01", "closes": "2028-08-31"}
    return [
        row("the same again, as version 2", both),
        row("a version further on", both, version=3, **wrong),
        row("an epoch more", [*both, {"number": 3, "opens": "2027-10-01", "closes": "2028-03-31"}]),
        row("an epoch less", [AFTER], valid_from="2027-06-01"),
        row("an epoch less on its last day", [AFTER], valid_from="2027-05-31", **wrong),
        row("an epoch less that has not opened", [BEFORE], valid_from="2027-04-30"),
        row("an epoch less on the day on which it opens", [BEFORE], valid_from="2027-05-01", **wrong),
        row(
            "an epoch whose number is not the next",
            [{"number": 3, "opens": "2027-06-01", "closes": "2027-10-31"}],
            old=text([BEFORE]),
            valid_from="2027-06-01",
            **wrong,
        ),
        row(
            "an epoch that has not opened makes way for the next number",
            [BEFORE, {**AFTER, "number": 3}],
            valid_from="2027-04-30",
        ),
        row(
            "an epoch that has not opened makes way for a number further on",
            [BEFORE, {**AFTER, "number": 4}],
            valid_from="2027-04-30",
            **wrong,
        ),
        row(
            "an epoch that has not opened makes way for one with its key id",
            [BEFORE, {**AFTER, "number": 3, "key_id": f"{AFTER['number']:032x}"}],
            valid_from="2027-04-30",
            **wrong,
        ),
        row(
            "an epoch makes way for the next number on the day on which it opens",
            [BEFORE, {**AFTER, "number": 3}],
            valid_from="2027-05-01",
            **wrong,
        ),
        row("two epochs more", [*both, third, {**fifth, "number": 4}]),
        row("two epochs more, and a number between them", [*both, third, fifth], **wrong),
        row(
            "a number that was passed over is not used later",
            [BEFORE, AFTER, {**passed, "opens": "2027-06-01"}],
            old=text([BEFORE, passed], **later_version),
            **wrong,
        ),
        row("the number after one that was passed over", [BEFORE, passed, fourth],
            old=text([BEFORE, passed], **later_version)),
        row("an open epoch is made shorter", [until("2027-05-15"), AFTER], valid_from="2027-02-01"),
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
        row("it becomes a test", both, more="test = true\n", **wrong),
        row("a test becomes real", both, old=text(both, more="test = true\n"), **wrong),
        row("a test stays one", both, old=text(both, more="test = true\n"), more="test = true\n"),
        row(
            "the same version",
            both,
            version=2,
            old=text(both, version=2, previous=f'previous = "{"0" * 64}"\n'),
            **wrong,
        ),
        row("another one before", both, previous=f'previous = "{"0" * 64}"\n', **wrong),
        row("valid from an earlier day", both, valid_from="2026-11-30", **wrong),
        row("an epoch that has opened gets another first day", [{**BEFORE, "opens": "2026-12-02"}, AFTER], **wrong),
        row("an epoch has another key id", [{**BEFORE, "key_id": "f" * 32}, AFTER], **wrong),
        row(
            "a number goes to another organisation",
            both,
            partners=((1, 1), (2, 2), (3, 4), (4, 3)),
            **wrong,
        ),
        row("signed by three of four", both, signed=(1, 2, 3), **unasked),
        row("signed by three of four, as both ask for", both, old=three_sign, signatures=3, signed=(1, 2, 3)),
        *epochs_of_all(both, three_sign),
        row("three of four make a register required", both, old=three_sign, signatures=3, signed=(1, 2, 3),
            changed=("[changes]", '[counting]\nregister = "required"\n\n[changes]')),
        row("signed by two of four", both, old=three_sign, signatures=3, signed=(1, 2), **unasked),
        row("signed by a key that is none of its own", both, signed=(1, 2, 3, (4, 4)), **unasked),
        *keys(both, three_sign),
        *leaving(),
        *joining(both),
        *lost_keys(),
    ]


def epochs_of_all(both: list[dict[str, Any]], three_sign: str) -> list[dict[str, Any]]:
    """Three of four may change the rules, and not the epochs: each needs the secret of the one that answers."""
    three = {"old": three_sign, "signatures": 3}
    more = [*both, {"number": 3, "opens": "2027-10-01", "closes": "2028-03-31"}]
    unasked = {**three, "signed": (1, 2, 3), "error": "policy_signatures"}
    return [
        row("three of four add an epoch", more, **unasked),
        row("all four add an epoch", more, **three),
        row("three of four make an epoch shorter", [until("2027-05-15"), AFTER], valid_from="2027-02-01", **unasked),
        row("three of four make an epoch longer", [until("2027-06-30"), AFTER], valid_from="2027-02-01", **unasked),
        row("three of four drop an epoch that has not opened", [BEFORE], valid_from="2027-02-01", **unasked),
        row("three of four drop an epoch that has closed", [AFTER], valid_from="2027-06-01", **three,
            signed=(1, 2, 3)),
    ]  # fmt: skip


def keys(both: list[dict[str, Any]], three_sign: str) -> list[dict[str, Any]]:
    """An organisation's keys are its own."""
    unasked = {"error": "policy_signatures"}
    three = {"old": three_sign, "signatures": 3}
    policy_key = {"policy_keys": {4: ANOTHER_KEY}}
    return [
        *own_places(both),
        row("three of four say that another version is void", both, **three, more=VOID, signed=(1, 2, 3), **unasked),
        row("all four say that another version is void", both, **three, more=VOID),
        row("a new policy key, signed with the old one and the new one", both, **policy_key,
            signed=(1, 2, 3, 4, (4, ANOTHER_KEY))),
        row("a new policy key, not signed with the old one", both, **policy_key, signed=(1, 2, 3, (4, ANOTHER_KEY)),
            **unasked),
        row("a new policy key, not signed with the new one", both, **policy_key, **unasked),
        row("three of four give the fourth another policy key", both, **three, **policy_key, signed=(1, 2, 3),
            **unasked),
    ]  # fmt: skip


def own_places(both: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Three signatures suffice, and the fourth organisation has two partners."""
    five = (*FOUR, (5, 4))
    old = text(both, five, signatures=3)
    three = {"old": old, "signatures": 3, "signed": (1, 2, 3), "error": "policy_signatures"}
    partner = 'number = 4\nname = "Systeem van 4"\norganisation = "organisatie-4"\n'
    asks = partner + 'may = ["flag", "ask"]\nlegal_basis_flag = "Wet A"\n'
    changes = {
        "do not let the fourth's partner flag": (asks, partner + 'may = ["ask"]\n'),
        "let the fourth's partner see more": (partner, partner + 'sees = "count"\n'),
        "give the fourth's partner another name": (partner, partner.replace("Systeem van", "Ander systeem van")),
        "give the fourth's partner another legal basis": (asks, asks.replace("Wet A", "Wet C")),
        "give the fourth another contact": ('"Organisatie 4"\noin = "00000099000000004000"\ncontact = "c',
            '"Organisatie 4"\noin = "00000099000000004000"\ncontact = "d'),
    }  # fmt: skip
    rows = [row(f"three of four {name}", both, **three, partners=five, changed=to) for name, to in changes.items()]
    agreed = {key: value for key, value in three.items() if key != "error"}
    sees_more = changes["let the fourth's partner see more"]
    return [
        *rows,
        row("three of four give the fourth's partner another number", both, **three, partners=(*FOUR, (6, 4))),
        row("three of four add a partner of the fourth", both, **three, partners=(*five, (6, 4))),
        row("three of four drop a partner of the fourth", both, **three, partners=FOUR),
        row("two of four and the fourth let its partner see more", both, **{**agreed, "signed": (1, 2, 4)},
            partners=five, changed=sees_more),
        row("three of four change a rule for all", both, **agreed, partners=five, more="freshness_days = 14\n"),
    ]  # fmt: skip


def leaving() -> list[dict[str, Any]]:
    """The fourth or the fifth leaves on 31 December, when epoch 3 opens."""
    wrong, unasked = {"error": "policy_successor"}, {"error": "policy_signatures"}
    third = {"number": 2, "opens": "2026-12-31", "closes": "2027-06-30"}
    epochs = [until("2027-01-30"), third]
    left = {"old": text([BEFORE]), "partners": FOUR[:3], "valid_from": "2026-12-31"}
    put_out = {**left, "unsigned": {"organisation": 4, "epoch": 2}, "signed": (1, 2, 3)}
    five = {**left, "old": text([BEFORE], FIVE), "partners": FOUR}
    three_of_five = {**five, "old": text([BEFORE], FIVE, signatures=3), "signatures": 3}
    fifth = {"organisation": 5, "epoch": 2}
    after_one = text(
        [BEFORE], FIVE, version=2, previous=f'previous = "{"0" * 64}"\n', unsigned={"organisation": 6, "epoch": 1}
    )
    second = {"organisation": 5, "epoch": 2, "version": 3}
    return [
        row("one leaves, and all others sign", epochs, **put_out),
        row("one leaves, and signs too", epochs, **left),
        row("one leaves, and another is missing too", epochs, **{**put_out, "signed": (1, 2)}, **unasked),
        row("one leaves unsigned, and nothing says so", epochs, **left, signed=(1, 2, 3), **unasked),
        row("one leaves, and no epoch is new", [until("2027-01-30")], **put_out, **wrong),
        row("one leaves, and the epoch that it knows and has not opened makes way for another",
            [until("2027-01-30"), {**third, "number": 3}],
            **{**put_out, "old": text([BEFORE, AFTER]), "unsigned": {"organisation": 4, "epoch": 3}}),
        row("one leaves, and the new epoch opens later",
            [until("2027-01-30"), {**third, "opens": "2027-01-01"}], **put_out, **wrong),
        row("one leaves, and what it knows closes late", [until("2027-01-31"), third], **put_out, **wrong),
        row("one leaves, and another epoch is named", epochs,
            **{**put_out, "unsigned": {"organisation": 4, "epoch": 1}}, **wrong),
        row("one leaves, and another one is named", epochs, **{**put_out, "unsigned": {"organisation": 3, "epoch": 2}},
            **wrong),
        row("one of three leaves unsigned", epochs, old=text([BEFORE], FOUR[:3]), valid_from="2026-12-31",
            partners=FOUR[:2], unsigned={"organisation": 3, "epoch": 2}, signed=(1, 2), **wrong),
        row("three of five put the fifth out", epochs, **five, unsigned=fifth, signed=(1, 2, 3), **unasked),
        row("three of five put the fifth out, as they may sign", epochs, **three_of_five, unsigned=fifth,
            signed=(1, 2, 3), **unasked),
        row("three of five let the fifth leave, which agrees", epochs, **three_of_five, signed=(1, 2, 3, 5),
            **unasked),
        row("all five let the fifth leave, where three may sign", epochs, **three_of_five, signed=(1, 2, 3, 4, 5)),
        row("three of five put two out", epochs, **{**three_of_five, "partners": FOUR[:3]}, unsigned=fifth,
            signed=(1, 2, 3), **wrong),
        row("a second one is put out in the same epoch", epochs, **{**five, "old": after_one}, unsigned=second,
            signed=(1, 2, 3, 4), **wrong),
        row("what an earlier version says of its missing signature is left out", [BEFORE],
            old=after_one, partners=FIVE, signed=(1, 2, 3, 4, 5), **wrong),
        row("what an earlier version says of its missing signature stays", [BEFORE], old=after_one, partners=FIVE,
            unsigned={"organisation": 6, "epoch": 1}, signed=(1, 2, 3, 4, 5)),
    ]  # fmt: skip


def joining(both: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A fifth joins with epoch 2."""
    wrong, unasked = {"error": "policy_successor"}, {"error": "policy_signatures"}
    whole = text(both)
    assert FLAGS_TOO in whole
    one_asks = whole.replace(FLAGS_TOO, ASKS)
    joins = {"partners": FIVE, "first_epoch": {5: 2}, "signed": (1, 2, 3, 4, 5)}
    return [
        row("one joins with an epoch that opens later", both, **joins),
        row("one joins, and all others sign", both, **{**joins, "signed": (1, 2, 3, 4)}, **unasked),
        row("one joins unasked, where four signatures suffice", both, **{**joins, "signed": (1, 2, 3, 4)}, signatures=4,
            **unasked),
        row("one joins on the day on which its epoch opens", both, **joins, valid_from="2027-05-01"),
        row("one joins in an epoch that has opened", both, **joins, valid_from="2027-05-02", **wrong),
        row("one joins in an epoch that there is not", both, **{**joins, "first_epoch": {5: 3}}, **wrong),
        row("one joins at once", both, **{**joins, "first_epoch": {}}, **wrong),
        row("one that is there gets a first epoch", both, first_epoch={4: 2}, **wrong),
        row("one that only asked begins to flag amid an epoch", both, old=one_asks, **wrong),
        row("one that only asked begins to flag with an epoch that opens later", both, old=one_asks,
            first_epoch={4: 2}),
        row("one that only asked begins to flag in an epoch that has opened", both, old=one_asks, first_epoch={4: 1},
            valid_from="2026-12-02", **wrong),
        row("one that flagged only asks", both, changed=(FLAGS_TOO, ASKS), old=text(both)),
    ]  # fmt: skip


def lost_keys() -> list[dict[str, Any]]:
    """The fourth lost its policy key, and is partner 9 from then on."""
    wrong, unasked = {"error": "policy_successor"}, {"error": "policy_signatures"}
    both = [BEFORE, AFTER]
    unsigned = {
        "organisation": 4, "epoch": 1, "because": "lost-key", "more": "announced = 2026-12-05\n",
    }  # fmt: skip
    lost = {
        "valid_from": "2027-01-04", "unsigned": unsigned, "policy_keys": {4: ANOTHER_KEY},
        "partners": (*FOUR[:3], (9, 4)), "signed": (1, 2, 3, (4, ANOTHER_KEY)),
    }  # fmt: skip
    return [
        row("a lost policy key, and all others sign", both, **lost),
        row("a lost policy key, and its organisation vetoes", both, **lost, vetoed=((4, POLICY_KEYS[4]),), **wrong),
        row("a lost policy key, vetoed, and handed out anew in other words", both,
            **{**lost, "unsigned": {**unsigned, "more": "announced = 2026-12-04\n"}}, vetoed=((4, POLICY_KEYS[4]),),
            **wrong),
        row("a lost policy key, and a veto over the newer policy", both, **lost, vetoed_newer=((4, POLICY_KEYS[4]),)),
        row("a veto, and a version that says of no key that it is lost", both, vetoed=((4, POLICY_KEYS[4]),)),
        row("a lost policy key, and the new key vetoes", both, **lost, vetoed=((4, ANOTHER_KEY),)),
        row("a lost policy key, and another organisation vetoes", both, **lost, vetoed=((3, POLICY_KEYS[3]),)),
        row("a lost policy key, and another is missing too", both, **{**lost, "signed": (1, 2, (4, ANOTHER_KEY))},
            **unasked),
        row("a lost policy key, not signed with the new one", both, **{**lost, "signed": (1, 2, 3)}, **unasked),
        row("a lost policy key, with 29 days to veto", both, **{**lost, "valid_from": "2027-01-03"}, **wrong),
        row("a lost policy key, announced before the policy in force", both,
            **{**lost, "unsigned": {**unsigned, "more": "announced = 2026-11-30\n"}}, **wrong),
        row("a lost policy key, and the partner keeps its number", both, **{**lost, "partners": FOUR}, **wrong),
        row("a lost policy key, and the partner gets a lower number that nobody has", both,
            old=text(both, ((1, 1), (2, 2), (65_535, 3), (8, 4))),
            **{**lost, "partners": ((1, 1), (2, 2), (65_535, 3), (5, 4))}),
        row("a lost policy key, and another partner gets another number", both,
            **{**lost, "partners": (*FOUR[:2], (8, 3), (9, 4))}, **wrong),
        row("a lost policy key, and an epoch changes", [until("2027-05-30"), AFTER], **lost, **wrong),
        row("a lost policy key, and a purpose's texts change", both, **lost, more="freshness_days = 14\n", **wrong),
        row("a lost policy key that is the same one", both, **{**lost, "policy_keys": {}, "signed": (1, 2, 3, 4)},
            **wrong),
        row("a lost policy key of one of three", both, old=text(both, FOUR[:3]), valid_from="2027-01-04",
            partners=(*FOUR[:2], (9, 3)), policy_keys={3: ANOTHER_KEY}, unsigned={**unsigned, "organisation": 3},
            signed=(1, 2, (3, ANOTHER_KEY)), **wrong),
    ]  # fmt: skip


def succession_file() -> dict[str, Any]:
    return {
        "about": "Successions. A policy in force with its signatures, and a newer one with its signatures and vetoes, "
        "which takes its place, or is refused with the error.",
        "successions": successors(),
    }
