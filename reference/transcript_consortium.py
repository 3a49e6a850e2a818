"""Whom the transcripts are of: policies, keys, certificates and secrets, all made from numbers."""

import datetime
import hashlib
from typing import Any

from stapel_reference import certificate, messages, policy, secret_file
from stapel_reference.certificate import Statement
from stapel_reference.keys import UNIT, Secret
from stapel_reference.secret_file import SecretFile
from succession_vectors import AFTER, BEFORE, POLICY_KEYS, public, seed, signature, text

CONSORTIUM, PURPOSE = "proef", "proef-doel"
OPERATOR, CHECKPOINTS = seed(100), seed(101)
ANOTHER_OPERATOR = seed(102)
DAY = 86_400
# 2026-12-01T12:00:00Z, half a day into the first epoch.
START = 1_796_126_400
# What each organisation's first partners may do and see; all others flag and ask, and see that there is a stack.
ROLES = {
    1: ('"flag", "ask"', "count"),
    2: ('"flag", "ask"', "band"),
    4: ('"flag", "ask", "sweep"', "presence"),
    5: ('"flag"', "presence"),
    6: ('"ask"', "presence"),
}
SIX = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 3), (6, 4))
# Lists and numbers that are so small that a few messages reach them.
RULES = {
    "new_flags_a_day": "20",
    "first_set_flags": "10",
    "flags_held": "30",
    "asked_a_day": "5",
    "asked_an_epoch": "8",
    "swept_a_day": "2",
    "sweep_reasons": '["brand"]',
    "status_a_day": "20",
}
MARCH = "2027-03-31"


def day(date: str) -> int:
    return (datetime.date.fromisoformat(date) - datetime.date(1970, 1, 1)).days


def moment(date: str, seconds: int = 0) -> int:
    return day(date) * DAY + seconds


def date(number: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=number)).isoformat()


def drawn(name: str, size: int = 32) -> bytes:
    return hashlib.sha256(f"stapel transcripts: {name}".encode()).digest()[:size]


def message_seed(partner: int) -> bytes:
    return seed(10 + partner)


def secret(epoch: int) -> Secret:
    return Secret(drawn(f"secret {epoch}"), PURPOSE, epoch)


def secret_text(epoch: int) -> str:
    return secret_file.text(SecretFile(PURPOSE, epoch, drawn(f"secret {epoch}"))).decode()


def pseudonym(number: int, epoch: int = 1) -> bytes:
    """That of a home, which the broker cannot tell from any other."""
    return secret(epoch).pseudonym(UNIT, f"1012JS|{number}|")


class Version:
    """A policy that was signed."""

    def __init__(self, toml: str, signatures: list[str]) -> None:
        self.toml = toml
        self.signatures = signatures
        self.policy = policy.parse(toml.encode())
        self.digest = policy.digest(self.policy)

    def to_json(self) -> dict[str, Any]:
        return {"toml": self.toml, "digest": self.digest.hex(), "signatures": self.signatures}


def version(
    *,
    partners: tuple[tuple[int, int], ...] = SIX,
    epochs: tuple[dict[str, Any], ...] = (BEFORE, AFTER),
    before: Version | None = None,
    rules: dict[str, str] | None = None,
    tables: str = "",
    signed: tuple[int | tuple[int, int], ...] | None = None,
    more_signatures: tuple[str, ...] = (),
    **head: Any,
) -> Version:
    """`signed` are organisations, or organisations each with the number of the key that it signed with."""
    named = [{"key_id": secret(one["number"]).key_id.hex(), **one} for one in epochs]
    if before:
        head = {
            "version": before.policy["version"] + 1,
            "previous": f'previous = "{before.digest.hex()}"\n',
            **head,
        }
    made = text(named, partners, **head)
    for number, organisation in partners:
        may, sees = ROLES.get(number, ('"flag", "ask"', "presence"))
        plain = f'number = {number}\nname = "Systeem van {organisation}"\norganisation = "organisatie-{organisation}"\n'
        assert plain in made
        made = made.replace(f'{plain}may = ["flag", "ask"]', f'{plain}may = [{may}]\nsees = "{sees}"')
    parts = made.split("\n[[partner]]")
    for at, part in enumerate(parts):
        if 'may = ["flag"]' in part:
            parts[at] = part.replace('legal_basis_ask = "Wet B"\n', "")
        if 'may = ["ask"]' in part:
            parts[at] = part.replace('legal_basis_flag = "Wet A"\n', "")
    made = "\n[[partner]]".join(parts)
    made += "\n[budgets]\n" + "".join(f"{name} = {value}\n" for name, value in {**RULES, **(rules or {})}.items())
    made += tables
    digest = policy.digest(policy.parse(made.encode()))
    by = signed if signed is not None else tuple(sorted({organisation for _, organisation in partners}))
    pairs = [one if isinstance(one, tuple) else (one, POLICY_KEYS[one]) for one in by]
    return Version(made, [signature(digest, *one) for one in pairs] + list(more_signatures))


def certify(
    partner: int,
    epoch: int = 1,
    serial: int = 1,
    *,
    organisation: int | None = None,
    key: int | None = None,
    suspended: bool = False,
    first_day: str = "2026-12-01",
    last_day: str = "2027-12-31",
    signer: int | None = None,
) -> str:
    """A certificate by the policy key of the partner's organisation; `key` is the number of another message key."""
    organisation = organisation or dict(SIX).get(partner, partner)
    keys = (public(key or 10 + partner), drawn(f"seal {partner} {epoch}").hex())
    statement = Statement(CONSORTIUM, partner, epoch, serial, None if suspended else keys, first_day, last_day)
    return certificate.sign(statement, messages.private_key(seed(signer or POLICY_KEYS[organisation])))


def certificates(partners: tuple[tuple[int, int], ...] = SIX, epochs: tuple[int, ...] = (1, 2)) -> list[str]:
    return [certify(partner, epoch, organisation=of) for partner, of in partners for epoch in epochs]
