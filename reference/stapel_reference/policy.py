"""Section 6: from a policy's text to its canonical form and digest, its check, and the signatures beside it."""

import datetime
import hashlib
import json
import math
import re
import tomllib
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .errors import Refused
from .hidden import has_hidden
from .keys import SLUG, verifies
from .messages import public_of
from .standings import Counting

DIGEST_LABEL = b"stapel1 rules\0\0\0"
SIGNATURE_LABEL = b"stapel1 policy\0\0"
VETO_LABEL = b"stapel1 veto\0\0\0\0"
VETO_DAYS = datetime.timedelta(days=30)
MOST_BYTES = 4_194_304
# The keys and the key id of the sample that `stapel policy sample` prints.
PUBLISHED = {
    "8b78db02aef28c15715a3afef3547940a7284a259dc346f03d05ce7be5b01310",
    "5ad1cc8410658346617cf51d0bf26c35949b8f9f220a3e8ed1480340f52dad9d",
    "08e93835e9d423a145914b44fe971127cb93b6704cccb58f1777d5a63716440e",
    "a226db8a79c161f1bb784c43ac4c935a99526987b1e13f7dd8cebc68ce344d45",
    "fcffadcee45dcac6b2541b827b4e1dc738680a1d59e7aedc24545cca1ee89fb3",
    "c995a68017d646815fa0bcc2673e343bba8309f42f2bf7efb413ef5b9244a875",
    "82398e18aede3eefcac01537d4d0ece606c268f34166cd13b3f0870ae3e4616d",
    "a16fd5aaa41328b5b8a0e061887fd992",
}
NEVER_OVERRIDDEN = {
    "operator-in-roster", "threshold", "immediate", "published-key", "contact-point", "flag-days-wgs", "log-days-wgs",
}  # fmt: skip
RULES = {
    *NEVER_OVERRIDDEN, "flag-days", "log-days", "min-changed", "max-wait", "min-sources", "own-flag", "names-somebody",
    "max-days", "grace-days", "leaver-days", "epoch-overlap", "epoch-length", "first-set", "signatures",
}  # fmt: skip


def refused(text: str) -> Refused:
    return Refused("policy_text", text)


# Forms: each takes what TOML has, and gives what the canonical form has.

Form = Callable[[Any], Any]


def integer(least: int, most: int) -> Form:
    def form(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise refused(f"{value!r} is no integer from {least} to {most}")
        return value

    return form


def boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise refused(f"{value!r} is neither true nor false")
    return value


def day(value: Any) -> str:
    if type(value) is not datetime.date or not datetime.date(1970, 1, 1) <= value <= datetime.date(2149, 6, 6):
        raise refused(f"{value!r} is no day from 1970-01-01 to 2149-06-06")
    return value.isoformat()


def matching(pattern: str) -> Form:
    def form(value: Any) -> str:
        if type(value) is not str or not re.fullmatch(pattern, value, re.ASCII):
            raise refused(f"{value!r} is not of the form {pattern}")
        return value

    return form


def text(most: int) -> Form:
    def form(value: Any) -> str:
        if type(value) is not str:
            raise refused(f"{value!r} is no text")
        normal = " ".join(part for part in re.split("[ \t\r\n]+", value) if part)
        if not 1 <= len(normal) <= most:
            raise refused(f"a text of {len(normal)} characters")
        if has_hidden(normal):
            raise refused("a character that hides or reorders what is read")
        return normal

    return form


def words(of: Form, most: int) -> Form:
    def form(value: Any) -> list[str]:
        if type(value) is not list or len(value) > most:
            raise refused(f"{value!r} is no array of at most {most} words")
        made = [of(word) for word in value]
        if len(set(made)) != len(made):
            raise refused("a word stands twice")
        return sorted(made)

    return form


SLUG_FORM = matching(SLUG.pattern)
HEX_32 = matching("[0-9a-f]{64}")
HEX_16 = matching("[0-9a-f]{32}")
NAME = text(200)
TEXT = text(4_000)
U32 = 2**32 - 1

# Defaults: REQUIRED, ABSENT (a key that stays away), a value, or DERIVED (filled in once the rest is known).
REQUIRED, ABSENT, DERIVED = object(), object(), object()


def oin(value: Any) -> str:
    text_ = matching("000000(?!00)[0-9]{14}")(value)
    prefix, number, suffix = text_[6:8], text_[8:17], text_[17:]
    if number == "0" * 9 or (suffix != "000" and prefix != "04") or (prefix == "03" and number[8] != "0"):
        raise refused(f"{value!r} is no OIN")
    weighed = sum(int(digit) * weight for digit, weight in zip(number, (9, 8, 7, 6, 5, 4, 3, 2, -1)))
    if prefix in ("01", "02") and weighed % 11:
        raise refused(f"{value!r} has an RSIN that does not pass the test of eleven")
    return text_


def log_origin(value: Any) -> str:
    return matching(r"[!-*,-~]+")(NAME(value))


LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = rf"{LABEL}(\.{LABEL})*"
AUTHORITY = f"{HOST}(:[1-9][0-9]{{0,4}})?"


def address(value: Any) -> str:
    text_ = matching(f"https://{AUTHORITY}(/[A-Za-z0-9._~-]+)*")(value)
    authority, *path = text_[8:].split("/")
    host, _, port = authority.partition(":")
    if len(text_) > 200 or len(host) > 253 or int(port or 1) > 65_535 or {".", ".."} & set(path):
        raise refused(f"{value!r} is no address of a broker")
    return text_


def contact_point(value: Any) -> dict[str, Any]:
    contact = CONTACT_POINT(value)
    if len(contact) < 2:
        raise refused("nobody can reach it")
    return contact


def telephone(value: Any) -> str:
    text_ = matching(r"\+?[0-9]+([ -][0-9]+)*")(NAME(value))
    if not 3 <= sum(one.isdigit() for one in text_) <= 20:
        raise refused(f"{value!r} has not 3 to 20 digits")
    return text_


def email(value: Any) -> str:
    text_ = matching(f"[A-Za-z0-9._+-]+@{HOST}")(NAME(value))
    if len(text_.partition("@")[2]) > 253:
        raise refused("a host of more than 253 characters")
    return text_


def page(value: Any) -> str:
    text_ = matching(f"https://{AUTHORITY}(/[!-~]*)?")(NAME(value))
    host, _, port = text_[8:].partition("/")[0].partition(":")
    if len(host) > 253 or int(port or 1) > 65_535:
        raise refused(f"{value!r} is no address of a page")
    return text_


def some(of: Form, most: int) -> Form:
    def form(value: Any) -> list[str]:
        made = words(of, most)(value)
        if not made:
            raise refused("it names none")
        return made

    return form


def table(keys: dict[str, tuple[Form, Any]]) -> Form:
    def form(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise refused(f"{value!r} is no table")
        if unknown := set(value) - set(keys):
            raise refused(f"unknown keys: {', '.join(sorted(unknown))}")
        made = {}
        for name, (of, default) in keys.items():
            if name in value:
                made[name] = of(value[name])
            elif default is REQUIRED:
                raise refused(f"{name} is missing")
            elif default is not ABSENT and default is not DERIVED:
                made[name] = of(default)
        return made

    return form


def tables(of: Form, least: int, most: int, order: str) -> Form:
    def form(value: Any) -> list[dict[str, Any]]:
        if type(value) is not list or not least <= len(value) <= most:
            raise refused(f"not {least} to {most} tables")
        made = [of(one) for one in value]
        keys = [one[order] for one in made]
        if len(set(keys)) != len(keys):
            raise refused(f"a {order} stands twice")
        return made

    return form


PARTNER = table(
    {
        "number": (integer(1, 65_535), REQUIRED),
        "name": (NAME, REQUIRED),
        "organisation": (SLUG_FORM, REQUIRED),
        "may": (words(matching("flag|ask|sweep|coordinate"), 4), REQUIRED),
        "sees": (matching("presence|band|count"), "presence"),
        "sign_in": (matching("one-user"), ABSENT),
        "legal_basis_flag": (TEXT, ABSENT),
        "legal_basis_ask": (TEXT, ABSENT),
        "legal_basis_coordinate": (TEXT, ABSENT),
    }
)
EPOCH = table(
    {
        "number": (integer(0, U32), REQUIRED),
        "key_id": (HEX_16, REQUIRED),
        "opens": (day, REQUIRED),
        "closes": (day, REQUIRED),
    }
)
ORGANISATION = table(
    {
        "slug": (SLUG_FORM, REQUIRED),
        "name": (NAME, REQUIRED),
        "oin": (oin, REQUIRED),
        "contact": (TEXT, REQUIRED),
        "policy_key": (HEX_32, REQUIRED),
        "tls_oins": (some(oin, 100), DERIVED),
        "first_epoch": (integer(0, U32), ABSENT),
    }
)
UNSIGNED = table(
    {
        "organisation": (SLUG_FORM, REQUIRED),
        "because": (matching("leaves|lost-key"), REQUIRED),
        "version": (integer(2, U32), REQUIRED),
        "epoch": (integer(0, U32), REQUIRED),
        "announced": (day, ABSENT),
    }
)
OVERRIDE = table({"rule": (matching("|".join(sorted(RULES - NEVER_OVERRIDDEN))), REQUIRED), "reason": (TEXT, REQUIRED)})
CONTACT_POINT = table(
    {
        "name": (NAME, REQUIRED),
        "postal_address": (NAME, ABSENT),
        "telephone": (telephone, ABSENT),
        "email": (email, ABSENT),
        "url": (page, ABSENT),
    }
)
OPERATOR = table(
    {
        "name": (NAME, REQUIRED),
        "oin": (oin, REQUIRED),
        "verifying_key": (HEX_32, REQUIRED),
        "checkpoint_key": (HEX_32, REQUIRED),
        "log_origin": (log_origin, REQUIRED),
        "addresses": (words(address, 8), []),
    }
)
COUNTING = table(
    {
        "threshold": (integer(1, 250), 2),
        "min_sources": (integer(1, 10_000), DERIVED),
        "count_cap": (integer(1, 250), DERIVED),
        "levels": (words(matching("unit|number"), 2), ["unit"]),
        "own_flag_required": (boolean, True),
        "register": (matching("required|optional"), "optional"),
        "answers": (matching("totals"), ABSENT),
    }
)
RELEASE = table(
    {
        "interval_hours": (integer(1, 720), 24),
        "min_changed": (integer(1, 10_000), DERIVED),
        "max_wait_days": (integer(1, 14), 7),
        "immediate": (boolean, False),
    }
)
RETENTION = table(
    {
        "max_days": (integer(1, 3_660), 180),
        "max_renewals": (integer(0, 99), 1),
        "log_days": (integer(1, 36_600), 365),
    }
)
BUDGETS = table(
    {
        "new_flags_a_day": (integer(1, U32), 1_000),
        "first_set_flags": (integer(0, U32), 5_000),
        "flags_held": (integer(1, U32), 100_000),
        "asked_a_day": (integer(1, U32), 10_000),
        "asked_an_epoch": (integer(1, U32), 1_000_000),
        "swept_a_day": (integer(0, U32), 0),
        "status_a_day": (integer(1, U32), 100),
        "sweep_reasons": (words(SLUG_FORM, 100), []),
    }
)


def sets_of_slugs(value: Any) -> list[list[str]]:
    """Sets of two organisations or more, in the order of their bytes."""
    if type(value) is not list or len(value) > 1_000:
        raise refused("not at most 1,000 sets")
    made = sorted(words(SLUG_FORM, 10_000)(one) for one in value)
    if any(len(one) < 2 for one in made):
        raise refused("a set of fewer than two")
    if any(one == other for one, other in zip(made, made[1:])):
        raise refused("a set stands twice")
    return made


MEET = table(
    {
        "direct": (sets_of_slugs, []),
        "tell_others": (boolean, True),
        "answer_days": (integer(1, 14), 5),
        "new_a_day": (integer(1, 10_000), 20),
        "held": (integer(1, 10_000), 200),
        "notes_a_day": (integer(1, 10_000), 100),
        "exchanges_a_day": (integer(1, 16), 4),
    }
)
MESSAGES = table({"max_delay_hours": (integer(1, 720), 24), "max_ahead_minutes": (integer(0, 1_440), 10)})
CHANGES = table(
    {
        "signatures": (integer(1, 10_000), DERIVED),
        "grace_days": (integer(0, 366), 14),
        "new_epoch_within_days": (integer(1, 366), 30),
    }
)
POLICY = table(
    {
        "format": (integer(1, 1), REQUIRED),
        "consortium": (SLUG_FORM, REQUIRED),
        "version": (integer(1, U32), REQUIRED),
        "previous": (HEX_32, ABSENT),
        "voids": (some(HEX_32, 100), ABSENT),
        "valid_from": (day, REQUIRED),
        "test": (boolean, False),
        "purpose": (SLUG_FORM, REQUIRED),
        "legal_basis": (TEXT, REQUIRED),
        "legal_act": (matching("wgs"), ABSENT),
        "flag_criterion": (TEXT, REQUIRED),
        "after_hit": (TEXT, REQUIRED),
        "coordinator": (TEXT, REQUIRED),
        "freshness_days": (integer(1, 366), 35),
        "max_shrink_percent": (integer(0, 100), 20),
        "contact_point": (contact_point, ABSENT),
        "operator": (OPERATOR, REQUIRED),
        "counting": (COUNTING, {}),
        "release": (RELEASE, {}),
        "retention": (RETENTION, {}),
        "budgets": (BUDGETS, {}),
        "meet": (MEET, ABSENT),
        "messages": (MESSAGES, {}),
        "changes": (CHANGES, {}),
        "override": (tables(OVERRIDE, 0, len(RULES - NEVER_OVERRIDDEN), "rule"), []),
        "unsigned": (UNSIGNED, ABSENT),
        "organisation": (tables(ORGANISATION, 1, 10_000, "slug"), REQUIRED),
        "epoch": (tables(EPOCH, 1, 1_000, "number"), REQUIRED),
        "partner": (tables(PARTNER, 1, 10_000, "number"), REQUIRED),
    }
)


# Reading


def parse(data: bytes) -> dict[str, Any]:
    """The policy as its canonical form has it. Refused with policy_text where the text is not a policy's."""
    if len(data) > MOST_BYTES:
        raise refused(f"over {MOST_BYTES} bytes")
    try:
        text = data.decode()
        if has_hidden(text.translate(dict.fromkeys(map(ord, "\t\r\n")))):
            raise refused("a hidden character")
        raw = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise refused(f"no TOML: {error}") from error
    policy = POLICY(raw)
    fill_in(policy)
    check_whole(policy)
    policy["organisation"].sort(key=lambda one: one["slug"])
    policy["partner"].sort(key=lambda one: one["number"])
    policy["override"].sort(key=lambda one: one["rule"])
    return policy


def organisations(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All that take part, by slug."""
    return {one["slug"]: one for one in policy["organisation"]}


def flagging(policy: dict[str, Any]) -> set[str]:
    """Those that have a partner that may flag."""
    return {one["organisation"] for one in policy["partner"] if "flag" in one["may"]}


def fewest_flagging(policy: dict[str, Any], first: int = 0) -> int:
    """How many may flag in the oldest epoch from number `first` on that closes on the policy's first day or later."""
    open_ = [one["number"] for one in policy["epoch"] if one["closes"] >= policy["valid_from"]]
    lasting = [number for number in open_ if number >= first]
    if not lasting:
        return len(flagging(policy))
    joined = {one["slug"]: one.get("first_epoch", 0) for one in policy["organisation"]}
    return sum(joined.get(one, 0) <= lasting[0] for one in flagging(policy))


def fill_in(policy: dict[str, Any]) -> None:
    """The defaults that depend on other keys."""
    counting = policy["counting"]
    counting.setdefault("min_sources", max(3, counting["threshold"]))
    counting.setdefault("count_cap", max(counting["threshold"], min(250, fewest_flagging(policy) - 1)))
    policy["release"].setdefault("min_changed", fewest_changed(policy))
    policy["changes"].setdefault("signatures", len(organisations(policy)))
    for one in policy["organisation"]:
        one.setdefault("tls_oins", [one["oin"]])


def check_whole(policy: dict[str, Any]) -> None:
    """What no key shows alone."""

    def demand(holds: bool, finding: str) -> None:
        if not holds:
            raise refused(finding)

    counting, budgets, operator = policy["counting"], policy["budgets"], policy["operator"]
    demand(("previous" in policy) == (policy["version"] > 1), "previous belongs to versions after the first")
    demand(counting["count_cap"] >= counting["threshold"], "count_cap under the threshold")
    demand("unit" in counting["levels"], "levels without unit")
    demand(policy["changes"]["signatures"] <= len(organisations(policy)), "more signatures than organisations")
    demand(operator["verifying_key"] != operator["checkpoint_key"], "the operator's keys are the same")
    demand(not policy["consortium"].isdecimal(), "a consortium that is a number alone")
    demand(operator["log_origin"].endswith("/" + policy["consortium"]), "the log is not named after the consortium")
    epochs = policy["epoch"]
    demand(policy["version"] > 1 or epochs[0]["number"] <= 1, "the first epoch is not 0 or 1")
    for before, after in zip(epochs, epochs[1:]):
        step = after["number"] - before["number"]
        demand(step == 1 or step > 1 and policy["version"] > 1, "epoch numbers do not ascend, in version 1 by one")
        demand(before["opens"] <= after["opens"], "an epoch opens before the one before it")
        demand(before["closes"] <= after["closes"], "an epoch closes before the one before it")
    for oldest, newest in zip(epochs, epochs[2:]):
        demand(oldest["closes"] < newest["opens"], "three epochs are open on a day")
    demand(all(one["opens"] <= one["closes"] for one in epochs), "an epoch closes before it opens")
    demand(len({one["key_id"] for one in epochs}) == len(epochs), "a key id stands twice")
    partners = policy["partner"]
    keys = policy_keys(policy)
    demand(len(set(keys)) == len(keys), "a key of the roster stands twice")
    demand(all(one["organisation"] in organisations(policy) for one in partners), "a partner of no organisation")
    demand(
        set(organisations(policy)) == {one["organisation"] for one in partners}, "an organisation without a partner"
    )
    joined = any("first_epoch" in one for one in policy["organisation"])
    demand(policy["version"] > 1 or not joined, "nobody joins with the first version")
    oins = [one["oin"] for one in policy["organisation"]]
    demand(len(set(oins)) == len(oins), "two organisations have one OIN")
    if unsigned := policy.get("unsigned"):
        demand(unsigned["version"] <= policy["version"], "a later version came into force")
        demand(("announced" in unsigned) == (unsigned["because"] == "lost-key"), "announced goes with lost-key")
    coordinators = [one["organisation"] for one in partners if "coordinate" in one["may"]]
    demand(len(coordinators) <= 1, "two that coordinate")
    theirs = [one for one in partners if one["organisation"] in coordinators]
    demand(len(theirs) <= 1, "a coordinator whose organisation has another partner")
    if meet := policy.get("meet"):
        demand("answers" not in counting, "nobody meets where answers are totals")
        named = {slug for one in meet["direct"] for slug in one}
        demand(named <= set(organisations(policy)), "one that meets directly is no organisation")
    weak = [one for one in [*keys, operator["verifying_key"], operator["checkpoint_key"]] if small_order(one)]
    demand(not weak, "a key that anybody can sign for")
    for one in partners:
        may = one["may"]
        demand(bool(may), "a partner that may do nothing")
        demand("sweep" not in may or "ask" in may, "sweep without ask")
        demand(
            "sweep" not in may or bool(budgets["swept_a_day"] and budgets["sweep_reasons"]),
            "sweep without a budget or reasons",
        )
        demand("coordinate" not in may or len(may) == 1, "a coordinator that flags or asks")
        for what in ("flag", "ask", "coordinate"):
            demand((what in may) == (f"legal_basis_{what}" in one), f"legal_basis_{what} goes with {what}")


def small_order(key: str) -> bool:
    """Whether an Ed25519 public key is a point of small order."""
    y = int.from_bytes(bytes.fromhex(key), "little") & (1 << 255) - 1
    p = 2**255 - 19
    eighths = (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
    return y in (0, 1, p - 1, p, p + 1) or any(y == int.from_bytes(bytes.fromhex(one), "little") for one in eighths)


def policy_keys(policy: dict[str, Any]) -> list[str]:
    return [one["policy_key"] for one in policy["organisation"]]


def named_keys(policy: dict[str, Any]) -> set[str]:
    """All keys and key ids in it."""
    operator = policy["operator"]
    own = {operator["verifying_key"], operator["checkpoint_key"]}
    return own | set(policy_keys(policy)) | {one["key_id"] for one in policy["epoch"]}


def canonical(policy: dict[str, Any]) -> bytes:
    return json.dumps(policy, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(policy: dict[str, Any]) -> bytes:
    return hashlib.sha256(DIGEST_LABEL + canonical(policy)).digest()


# The check


def check(policy: dict[str, Any]) -> list[str]:
    """The rules that keep the policy out of force."""
    counting, operator, partners = policy["counting"], policy["operator"], policy["partner"]
    days = datetime.date.fromisoformat
    flag_days = policy["retention"]["max_days"] * (1 + policy["retention"]["max_renewals"])

    def length(epoch: dict[str, Any]) -> int:
        return (days(epoch["closes"]) - days(epoch["opens"])).days + 1

    findings = {
        "operator-in-roster": operator["oin"] in {one["oin"] for one in policy["organisation"]}
        or bool({operator["verifying_key"], operator["checkpoint_key"]} & set(policy_keys(policy))),
        "threshold": counting["threshold"] < 2,
        "immediate": policy["release"]["immediate"] and not policy["test"],
        "published-key": not policy["test"] and bool(PUBLISHED & named_keys(policy)),
        "contact-point": not policy["test"] and "contact_point" not in policy,
        "flag-days-wgs": policy.get("legal_act") == "wgs" and flag_days > 1_827,
        "flag-days": "legal_act" not in policy and flag_days > 366,
        "log-days-wgs": policy.get("legal_act") == "wgs" and policy["retention"]["log_days"] > 1_827,
        "log-days": policy["retention"]["log_days"] < 30
        or "legal_act" not in policy
        and policy["retention"]["log_days"] > 366,
        "min-changed": policy["release"]["min_changed"] < fewest_changed(policy),
        "max-wait": policy["release"]["max_wait_days"] < 7 and not policy["test"],
        "min-sources": counting["min_sources"] < counting["threshold"],
        "own-flag": not counting["own_flag_required"],
        "names-somebody": names_somebody(policy),
        "max-days": policy["retention"]["max_days"] > 366,
        "first-set": not policy["test"] and first_day(policy["budgets"]) > 10_000,
        "grace-days": policy["changes"]["grace_days"] > 60,
        "leaver-days": policy["changes"]["new_epoch_within_days"] > 60,
        "epoch-length": any(
            length(one) > 400 or length(one) < 60 and one["opens"] >= policy["valid_from"] and not policy["test"]
            for one in policy["epoch"]
        ),
        "epoch-overlap": any(
            (days(older["closes"]) - days(newer["opens"])).days + 1 <= policy["release"]["max_wait_days"]
            for older, newer in zip(policy["epoch"], policy["epoch"][1:])
            if older["closes"] >= policy["valid_from"]
        ),
        "signatures": 2 * policy["changes"]["signatures"] <= len(organisations(policy)),
    }
    overridden = {one["rule"] for one in policy["override"]}
    return [rule for rule, found in findings.items() if found and rule not in overridden]


def first_day(budgets: dict[str, Any]) -> int:
    return min(budgets["flags_held"], budgets["first_set_flags"] + budgets["new_flags_a_day"])


def fewest_changed(policy: dict[str, Any]) -> int:
    """The fewest organisations whose new flags may bring a release about."""
    return max(1, min(3, len(flagging(policy))))


def names_somebody(policy: dict[str, Any]) -> bool:
    """Whether some answer has fewer than three explanations."""
    counting = policy["counting"]
    if counting.get("answers") == "totals":
        return False
    may_flag = flagging(policy)
    rule = Counting(
        counting["threshold"], counting["min_sources"], counting["count_cap"], counting["own_flag_required"]
    )
    for asker in policy["partner"]:
        if "ask" not in asker["may"]:
            continue
        flags_itself = asker["organisation"] in may_flag
        fewest = fewest_flagging(policy, organisations(policy)[asker["organisation"]].get("first_epoch", 0))
        others = max(0, fewest - flags_itself)
        known: list[int] = []
        if flags_itself:
            known.append(1)
        if "sweep" in asker["may"] or not rule.own_flag_required:
            known.append(0)
        for low, high in answers(rule, asker["sees"], fewest):
            for own in known:
                sets = sum(math.comb(others, count - own) for count in range(low, high + 1))
                if 0 < sets < 3:
                    return True
    return False


def unsafe_introductions(policy: dict[str, Any], epoch: int) -> list[int]:
    """The numbers of introduced with which an answer would name another (spec/after-a-hit.md 4)."""
    counting = policy["counting"]
    rule = Counting(
        counting["threshold"], counting["min_sources"], counting["count_cap"], counting["own_flag_required"]
    )
    all_ = len(flagging_in(policy, epoch))
    seen = {"presence"} | {one["sees"] for one in policy["partner"] if "ask" in one["may"]}
    shown = [answer for sees in seen for answer in answers(rule, sees, all_)]

    def is_unsafe(known: int, low: int, high: int) -> bool:
        counts = range(max(low, known), min(high, all_) + 1)
        sets = sum(math.comb(all_ - known, count - known) for count in counts)
        return known not in counts and sets in (1, 2)

    numbers = range(1, all_ + 1)
    found = [known for known in numbers if any(is_unsafe(known, low, high) for low, high in shown)]
    # To be introduced to the coordinator tells that the number is a safe one.
    left = sum(math.comb(all_ - 1, known - 1) for known in numbers if known not in found)
    coordinates = any("coordinate" in one["may"] for one in policy["partner"])
    apart = any(not_met_directly(policy, one, epoch) for one in flagging_in(policy, epoch))
    if coordinates and apart and 1 in found and left in (1, 2):
        return list(numbers)
    return found


def flagging_in(policy: dict[str, Any], epoch: int) -> list[str]:
    """The organisations that may flag in an epoch."""
    joined = {one["slug"]: one.get("first_epoch", 0) for one in policy["organisation"]}
    return sorted(one for one in flagging(policy) if joined[one] <= epoch)


def not_met_directly(policy: dict[str, Any], organisation: str, epoch: int) -> list[str]:
    """The others that may flag in an epoch and that an organisation does not meet directly."""
    met = {other for one in policy.get("meet", {}).get("direct", []) if organisation in one for other in one}
    return [one for one in flagging_in(policy, epoch) if one != organisation and one not in met]


def never_asked(policy: dict[str, Any], epoch: int) -> list[str]:
    """The organisations that are never asked to join what another put forward (spec/after-a-hit.md 4)."""
    return [one for one in flagging_in(policy, epoch) if len(not_met_directly(policy, one, epoch)) in (1, 2)]


def answers(counting: Counting, sees: str, most: int) -> list[tuple[int, int]]:
    """The counts, from low to high, that each stacked answer stands for."""
    lows = {
        "presence": [counting.threshold],
        "band": counting.bands(),
        "count": list(range(counting.threshold, counting.count_cap + 1)),
    }[sees]
    highs = [low - 1 for low in lows[1:]] + [max(most, lows[-1])]
    return list(zip(lows, highs))


# Signatures

SIGNATURE = re.compile(
    "stapel-policy-(signature|veto) v1\norganisation: ([a-z0-9-]{1,64})\nkey: ([0-9a-f]{64})\n"
    "digest: ([0-9a-f]{64})\nsignature: ([0-9a-f]{128})\n"
)
LABELS = {"signature": SIGNATURE_LABEL, "veto": VETO_LABEL}


def sign(policy_digest: bytes, organisation: str, key: Ed25519PrivateKey, says: str = "signature") -> str:
    """The text of a signature's file, or of a veto's."""
    public = public_of(key).hex()
    signature = key.sign(LABELS[says] + policy_digest).hex()
    return (
        f"stapel-policy-{says} v1\norganisation: {organisation}\nkey: {public}\ndigest: {policy_digest.hex()}\n"
        f"signature: {signature}\n"
    )


def signer(text_: str, policy_digest: bytes, roster: dict[str, Any], says: str = "signature") -> str | None:
    """The organisation whose signature, or veto, holds under a policy; None where it does not hold."""
    match = SIGNATURE.fullmatch(text_)
    if not match:
        raise Refused("policy_signature", "not a signature's file")
    kind, organisation, key, stated, signature = match.groups()
    known = organisations(roster).get(organisation)
    if kind != says or stated != policy_digest.hex() or known is None or known["policy_key"] != key:
        return None
    signed = verifies(bytes.fromhex(key), bytes.fromhex(signature), LABELS[says] + policy_digest)
    return organisation if signed else None


def signed_by(policy_digest: bytes, signatures: list[str], roster: dict[str, Any], needed: int) -> set[str | None]:
    signed = {signer(one, policy_digest, roster) for one in signatures} - {None}
    if len(signed) < needed:
        raise Refused("policy_signatures", f"{len(signed)} organisations signed")
    return signed


def in_force(data: bytes, signatures: list[str]) -> dict[str, Any]:
    """A policy that may be in force: its check refuses nothing, and enough of its organisations signed."""
    policy = parse(data)
    if rules := check(policy):
        raise Refused("policy_unsafe", ", ".join(rules))
    signed_by(digest(policy), signatures, policy, needed_for(policy, policy))
    return policy


def needed_for(roster: dict[str, Any], version: dict[str, Any]) -> int:
    """How many organisations sign a version: all where that says that others are void, or changes the epochs."""
    lasting = [[one for one in of["epoch"] if one["closes"] >= version["valid_from"]] for of in (roster, version)]
    all_sign = "voids" in version or lasting[0] != lasting[1]
    return len(organisations(roster)) if all_sign else roster["changes"]["signatures"]


def succeed(old: dict[str, Any], data: bytes, signatures: list[str]) -> dict[str, Any]:
    """The newer policy, if it may take the place of the old one."""
    follows(old, parse(data))
    newer = in_force(data, signatures)
    made = digest(newer)

    def demand(holds: bool, finding: str) -> None:
        if not holds:
            raise Refused("policy_signatures", finding)

    before, after = organisations(old), organisations(newer)
    demand(after.keys() - before.keys() <= signed_by(made, signatures, newer, 0), "one joins and has not signed")
    missing = newer["unsigned"]["organisation"] if unsigned_now(newer) else None
    signed = signed_by(made, signatures, old, 0)
    if missing:
        demand(before.keys() - {missing} <= signed, "not all others have signed")
    else:
        demand(len(signed) >= needed_for(old, newer), "too few organisations of the one in force have signed")
        moved = {one for one in before if said_of(old, one) != said_of(newer, one)}
        demand(moved <= signed, "one leaves, or something else is said of it, and it has not signed")
    if missing and newer["unsigned"]["because"] == "lost-key":
        vetoes = {signer(one, digest(old), old, "veto") for one in signatures}
        if missing in vetoes:
            raise Refused("policy_successor", "the key that is said to be lost has vetoed")
    return newer


def said_of(policy: dict[str, Any], slug: str) -> Any:
    """What a policy says of one organisation and its partners."""
    return organisations(policy).get(slug), [one for one in policy["partner"] if one["organisation"] == slug]


def unsigned_now(policy: dict[str, Any]) -> bool:
    """Whether this is a version that came into force without a signature, and not a later one that repeats it."""
    return policy.get("unsigned", {}).get("version") == policy["version"]


def later(day_: str, by: datetime.timedelta) -> str:
    return (datetime.date.fromisoformat(day_) + by).isoformat()


def follows(old: dict[str, Any], newer: dict[str, Any]) -> None:
    """Refuses what is no successor, whoever signed it."""

    def demand(holds: bool, finding: str) -> None:
        if not holds:
            raise Refused("policy_successor", finding)

    demand(all(newer[name] == old[name] for name in ("consortium", "purpose")), "of another consortium or purpose")
    demand(newer["test"] == old["test"], "what is for tests only stays so, and what is not, too")
    demand(newer["version"] == old["version"] + 1, "its version is not the next")
    demand(newer.get("previous") == digest(old).hex(), "it follows another one")
    demand(newer["valid_from"] >= old["valid_from"], "it is valid earlier")
    epochs = {one["number"]: one for one in old["epoch"]}
    known = [(epochs[one["number"]], one) for one in newer["epoch"] if one["number"] in epochs]
    for before, after in known:
        demand(after["key_id"] == before["key_id"], "an epoch has another key id")
        closed = before["closes"] < newer["valid_from"]
        demand(not closed or after["closes"] == before["closes"], "an epoch that has closed gets another last day")
    opens = {one["number"]: one["opens"] for one in newer["epoch"]}
    for before in old["epoch"]:
        if before["opens"] <= newer["valid_from"]:
            closed = before["closes"] < newer["valid_from"]
            stays = opens.get(before["number"], before["opens"] if closed else None) == before["opens"]
            demand(stays, "an epoch that has opened is gone, or gets another first day")
    new = [one for one in newer["epoch"] if one["number"] not in epochs]
    numbers = range(max(epochs) + 1, max(epochs) + 1 + len(new))
    demand([one["number"] for one in new] == list(numbers), "a new epoch's number is not the next")
    known_ids = {one["key_id"] for one in old["epoch"]}
    demand(known_ids.isdisjoint(one["key_id"] for one in new), "a new epoch has the key id of an earlier one")
    of = {one["number"]: one["organisation"] for one in old["partner"]}
    demand(
        all(of.get(one["number"], one["organisation"]) == one["organisation"] for one in newer["partner"]),
        "a number moved",
    )
    organisations_before, organisations_after = organisations(old), organisations(newer)
    for slug, one in organisations_after.items():
        first = one.get("first_epoch")
        if slug not in organisations_before or slug in flagging(newer) - flagging(old):
            demand(first in opens and opens[first] >= newer["valid_from"], "one joins or begins to flag amid an epoch")
        else:
            demand(first == organisations_before[slug].get("first_epoch"), "a first epoch changed")
    left = organisations_before.keys() - organisations_after.keys()
    if left:
        last = later(newer["valid_from"], datetime.timedelta(days=old["changes"]["new_epoch_within_days"]))
        demand(any(one["opens"] == newer["valid_from"] for one in new), "who leaves holds the key of the epoch")
        demand(all(after["closes"] <= last for _, after in known), "who leaves holds the key of one that closes late")
    if not unsigned_now(newer):
        demand(newer.get("unsigned") == old.get("unsigned"), "another unsigned version than the one in force names")
        return
    unsigned = newer["unsigned"]
    name = unsigned["organisation"]
    demand(len(organisations_before) >= 4, "with fewer than four all sign")
    opened = [one["number"] for one in newer["epoch"] if one["opens"] <= newer["valid_from"]]
    demand(unsigned["epoch"] == (opened or [newer["epoch"][0]["number"]])[-1], "not the newest epoch")
    if last_time := old.get("unsigned"):
        epoch = epochs.get(last_time["epoch"])
        demand(epoch is None or epoch["closes"] < newer["valid_from"], "a second one in an epoch")
    demand(name in organisations_before, "it is not in the policy in force")
    if unsigned["because"] == "leaves":
        demand(left == {name}, "not it alone leaves")
        return
    demand(name in organisations_after, "it has no new key")
    demand(organisations_after[name]["policy_key"] != organisations_before[name]["policy_key"], "it has no new key")
    demand(unsigned["announced"] >= old["valid_from"], "announced before the one in force")
    demand(later(unsigned["announced"], VETO_DAYS) <= newer["valid_from"], "under 30 days to veto")
    own = [one for one in newer["partner"] if one["organisation"] == name]
    demand(all(one["number"] not in of for one in own), "a partner keeps its number")
    demand(but_for_a_key(old, name) == but_for_a_key(newer, name), "it changes more than a lost key")


def but_for_a_key(policy: dict[str, Any], name: str) -> Any:
    """What a version for an organisation's lost key leaves as it is."""
    varies = {"version", "previous", "valid_from", "unsigned"}
    rest = {key: value for key, value in policy.items() if key not in varies}
    rest["organisation"] = [
        {key: value for key, value in one.items() if one["slug"] != name or key != "policy_key"}
        for one in policy["organisation"]
    ]
    rest["partner"] = [one for one in policy["partner"] if one["organisation"] != name]
    theirs = [one for one in policy["partner"] if one["organisation"] == name]
    return rest, [{key: value for key, value in one.items() if key != "number"} for one in theirs]


def day_number(text_: str) -> int:
    return (datetime.date.fromisoformat(text_) - datetime.date(1970, 1, 1)).days


def date_of(day_: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day_)).isoformat()
