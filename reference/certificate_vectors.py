"""The vectors of certificates: which hold under a policy, which are refused, which of several counts (SPEC.md 6.6)."""

import hashlib
from dataclasses import replace
from typing import Any

from stapel_reference import certificate, messages
from stapel_reference.certificate import Statement
from succession_vectors import AFTER, BEFORE, POLICY_KEYS, public, seed, text

POLICY = text([BEFORE, AFTER])
FIRST = Statement("proef", 1, 1, 1, (public(11), hashlib.sha256(b"a seal key").hexdigest()), "2026-12-01", "2027-05-31")
SUSPENDED = replace(FIRST, serial=2, keys=None, first_day="2026-12-10")


def signed(statement: Statement, key: int | None = None) -> str:
    number = POLICY_KEYS[statement.partner] if key is None else key
    return certificate.sign(statement, messages.private_key(seed(number)))


def keyed(message: str | None = None, seal: str | None = None) -> Statement:
    assert FIRST.keys
    return replace(FIRST, keys=(message or FIRST.keys[0], seal or FIRST.keys[1]))


def valid() -> list[dict[str, Any]]:
    rows = {
        "a certificate": FIRST,
        "one of another epoch and the highest serial": replace(FIRST, epoch=2, serial=2**32 - 1),
        "one that holds for a day": replace(FIRST, first_day="2026-12-10", last_day="2026-12-10"),
        "one that outlasts its epoch": replace(FIRST, first_day="1970-01-01", last_day="2149-06-06"),
        "a suspension": SUSPENDED,
    }
    return [
        {
            "name": name,
            "text": signed(one),
            "digest": hashlib.sha256(signed(one).encode()).hexdigest(),
            "partner": one.partner,
            "epoch": one.epoch,
            "serial": one.serial,
            "suspends": one.keys is None,
        }
        for name, one in rows.items()
    ]


def invalid() -> list[dict[str, Any]]:
    good, suspended = signed(FIRST), signed(SUSPENDED)
    p = 2**255 - 19

    def point(number: int) -> str:
        return number.to_bytes(32, "little").hex()

    def unlabelled() -> str:
        lines = good.rpartition("signature: ")[0]
        made = messages.private_key(seed(POLICY_KEYS[1])).sign(hashlib.sha256(lines.encode()).digest())
        return f"{lines}signature: {made.hex()}\n"

    rows = {
        "of another consortium": signed(replace(FIRST, consortium="anders")),
        "of no partner": certificate.sign(replace(FIRST, partner=9), messages.private_key(seed(POLICY_KEYS[1]))),
        "of no epoch": signed(replace(FIRST, epoch=3)),
        "serial 0": signed(replace(FIRST, serial=0)),
        "its last day before its first": signed(replace(FIRST, last_day="2026-11-30")),
        "by another organisation": signed(FIRST, POLICY_KEYS[2]),
        "by its own message key": signed(FIRST, 11),
        "by the operator": signed(FIRST, 100),
        "another key named than signed with": good.replace(public(POLICY_KEYS[1]), public(POLICY_KEYS[2])),
        "signed without a label": unlabelled(),
        "a policy key as message key": signed(keyed(message=public(POLICY_KEYS[2]))),
        "the operator's key as message key": signed(keyed(message=public(100))),
        "the checkpoints' key as message key": signed(keyed(message=public(101))),
        "a message key of zeros": signed(keyed(message=point(0))),
        "a seal key of zeros": signed(keyed(seal=point(0))),
        "a seal key of order 1": signed(keyed(seal=point(1))),
        "a seal key of p + 1, its highest bit set": signed(keyed(seal=point(p + 1 + 2**255))),
        "a seal key of order 8": signed(
            keyed(seal="e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
        ),
        "a suspension passed off as a certificate": suspended.replace("suspension", "certificate"),
        "a certificate passed off as a suspension": good.replace("certificate", "suspension"),
        "a changed serial": good.replace("serial: 1", "serial: 2"),
        "a changed day": good.replace("2027-05-31", "2027-06-30"),
        "another version": good.replace("certificate v1", "certificate v2"),
        "a leading zero": good.replace("partner: 1", "partner: 01"),
        "a day that is none": good.replace("2027-05-31", "2027-06-31"),
        "a partner over 65535": signed(replace(FIRST, partner=1)).replace("partner: 1", "partner: 65537"),
        "upper case in a key": good.replace(public(11), public(11).upper()),
        "lines ended as on Windows": good.replace("\n", "\r\n"),
        "two lines changed places": good.replace("epoch: 1\nserial: 1\n", "serial: 1\nepoch: 1\n"),
        "no seal key": good.replace(f"seal-key: {FIRST.keys[1] if FIRST.keys else ''}\n", ""),
        "an empty line after the last": f"{good}\n",
        "no end of the last line": good[:-1],
        "cut short": good[: good.index("key: ")],
        "nothing": "",
    }
    return [{"name": name, "text": made, "error": "certificate"} for name, made in rows.items()]


def kept() -> list[dict[str, Any]]:
    """Several of one partner and epoch, kept one after the other, and what counts on days."""
    other = replace(FIRST, serial=2, keys=(public(12), FIRST.keys[1] if FIRST.keys else ""), first_day="2026-12-10")
    resealed = replace(FIRST, serial=2, keys=(public(11), hashlib.sha256(b"another seal key").hexdigest()))
    lifted = replace(other, serial=3, first_day="2026-12-20")

    def row(name: str, *statements: Statement, days: tuple[str, ...] = ()) -> dict[str, Any]:
        have: list[Statement] = []
        rows = []
        for one in statements:
            made: dict[str, Any] = {"text": signed(one)}
            try:
                have = certificate.keep(have, one)
            except certificate.Refused as error:
                made["error"] = error.code
            rows.append(made)
        told = []
        for day in days:
            serial, key = certificate.counts(have, day)
            told.append({"day": day, "serial": serial, "message_key": key})
        return {"name": name, "given": rows, "counts": told}

    return [
        row("none before the first day", FIRST, days=("2026-11-30", "2026-12-01")),
        row("the same twice", FIRST, FIRST, days=("2026-12-01",)),
        row("a higher serial from its first day on", FIRST, other, days=("2026-12-09", "2026-12-10")),
        row("a lower serial", other, FIRST, days=("2026-12-09", "2026-12-10")),
        row("the same serial with something else", FIRST, replace(FIRST, last_day="2027-05-30"), days=("2026-12-01",)),
        row("another seal key", FIRST, resealed, days=("2026-12-01",)),
        row("a suspension, of which the key before is known", FIRST, SUSPENDED, days=("2026-12-09", "2026-12-10")),
        row("a suspension that is lifted", FIRST, SUSPENDED, lifted, days=("2026-12-19", "2026-12-20")),
        row("a suspension alone", SUSPENDED, days=("2026-12-10",)),
        row("a serial that is 1,001 above the highest", FIRST, replace(other, serial=1_002), days=("2026-12-10",)),
        row("a serial that is 1,000 above the highest", FIRST, replace(other, serial=1_001), days=("2026-12-10",)),
        row("a lower serial does not hold again", FIRST, replace(other, last_day="2026-12-12"), days=("2026-12-13",)),
    ]


def certificate_file() -> dict[str, Any]:
    return {
        "about": "Certificates and suspensions under a policy: those that hold, those that are refused with the error, "
        "and of several kept in turn which serial counts on a day, and by which key messages are verified then.",
        "policy": POLICY,
        "valid": valid(),
        "invalid": invalid(),
        "kept": kept(),
    }
