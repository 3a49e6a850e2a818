"""Sections 5.5 and 7.2: a partner's own flags, of homes and of house numbers alone, and how long each stands."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import Refused
from .messages import Terms

# How long a flag that ended or was withdrawn is remembered.
REMEMBERED_DAYS = 30
FIRST_DAY = datetime.date(1970, 1, 1)


def is_number(address_key: str) -> bool:
    """A unit has two bars, or none where it is an id; a house number has one (section 3)."""
    return address_key.count("|") == 1


def number_key(address_key: str) -> str | None:
    """The house number that an address is at, itself if it is one; none for one without a postcode, whose key is an
    id."""
    return address_key if is_number(address_key) else address_key.rpartition("|")[0] or None


def month_end(day: int) -> int:
    """The latest month's end that is not after a day."""
    date = FIRST_DAY + datetime.timedelta(days=day)
    return day if (date + datetime.timedelta(days=1)).day == 1 else day - date.day


@dataclass(frozen=True)
class Flag:
    first_day: int
    last_day: int
    renewal: str | None = None

    def terms(self, house_number: bool = False) -> Terms:
        return Terms(self.last_day, self.first_day, self.renewal, house_number)


@dataclass
class Flags:
    held: dict[str, Flag] = field(default_factory=dict)
    # Those that ended or were withdrawn, with the last day on which they stood, here or at the broker.
    ended: dict[str, Flag] = field(default_factory=dict)

    def expire(self, today: int, told: list[dict[str, int]], unsure: bool) -> None:
        """The turn of the day. What ended here stands at the broker for as long as it was told so, or may have been; of
        a house number the broker keeps no first day."""
        for home, flag in list(self.held.items()):
            if flag.last_day < today:
                self.ended[home] = self.held.pop(home)
        for home, flag in self.ended.items():
            if is_number(home):
                continue
            there = today - 1 if unsure else max((days.get(home, 0) for days in told), default=0)
            self.ended[home] = replace(flag, last_day=max(flag.last_day, min(there, today - 1)))

    def forget(self, today: int) -> None:
        self.ended = {home: flag for home, flag in self.ended.items() if flag.last_day + REMEMBERED_DAYS >= today}

    def all(self, house_numbers: bool) -> dict[str, Terms]:
        """What is said of homes, and of house numbers where they are counted: on the terms of what lasts longest."""
        said = {home: flag.terms() for home, flag in self.held.items() if not is_number(home)}
        if house_numbers:
            for home, flag in self.held.items():
                number = number_key(home)
                terms = flag.terms(house_number=True)
                if number and (number not in said or said[number].order() < terms.order()):
                    said[number] = terms
        return said

    def put(self, home: str, flag: Flag) -> None:
        self.held[home] = flag
        self.ended.pop(home, None)

    def withdraw(self, homes: Iterable[str], today: int) -> None:
        for home in homes:
            if home in self.held:
                self.ended[home] = replace(self.held.pop(home), last_day=today - 1)


class Rules:
    """What a policy says of the days of flags."""

    def __init__(self, retention: dict[str, Any]) -> None:
        self.max_days: int = retention["max_days"]
        self.max_renewals: int = retention["max_renewals"]

    def needed(self, first_day: int, last_day: int) -> int:
        return max(0, -(-(last_day - first_day) // self.max_days) - 1)

    def longest(self, flag: Flag, renewals: int) -> int:
        return month_end(flag.first_day + (1 + renewals) * self.max_days)

    def latest(self, today: int) -> int:
        last_day = month_end(today + self.max_days)
        if last_day < today:
            raise Refused("last_day", "no month ends within the days that the policy allows")
        return last_day

    def had(self, flag: Flag) -> int:
        return min(self.needed(flag.first_day, flag.last_day), self.max_renewals)

    def flag(self, flags: Flags, homes: Iterable[str], today: int, until: int | None = None) -> None:
        """Flags homes: those that are flagged stay as they are, unless another last valid day is given."""
        latest = self.latest(today)
        made = {}
        for home in homes:
            held, known = flags.held.get(home), flags.held.get(home) or flags.ended.get(home)
            if until is not None:
                if until != month_end(until) or not today <= until <= today + self.max_days:
                    raise Refused("last_day", "not a month's last day, over, or too far ahead")
                if known and until > self.longest(known, self.had(known)):
                    raise Refused("last_day", "it would need a renewal")
                made[home] = replace(known, last_day=until) if known else Flag(today, until)
            elif held is None and known is not None:
                last_day = min(latest, self.longest(known, self.had(known)))
                if last_day >= today:
                    made[home] = replace(known, last_day=last_day)
            elif held is None:
                made[home] = Flag(today, latest)
        for home, flag in made.items():
            flags.put(home, flag)

    def renew(self, flags: Flags, homes: Iterable[str], reason: str, today: int) -> None:
        made = {}
        for home in homes:
            flag = flags.held.get(home) or flags.ended.get(home)
            if flag is None:
                raise Refused("not_flagged", "there is no flag to renew")
            most = self.longest(flag, self.max_renewals)
            if most <= flag.last_day or most < today:
                raise Refused("too_many_renewals", "it would last no longer")
            last_day = max(flag.last_day, min(self.latest(today), most))
            made[home] = replace(flag, last_day=last_day, renewal=reason)
        for home, flag in made.items():
            flags.put(home, flag)

    def shorten(self, flags: Flags, today: int) -> None:
        """Shortens what an earlier policy allowed and this one does not; ends it where there is no such day."""
        for home, flag in list(flags.held.items()):
            renewals = self.max_renewals if flag.renewal else 0
            most = min(today + self.max_days, flag.first_day + (1 + renewals) * self.max_days)
            if today <= most and flag.last_day > most and month_end(most) >= today:
                flags.put(home, replace(flag, last_day=month_end(most)))
            elif flag.last_day > most:
                flags.withdraw([home], today)
