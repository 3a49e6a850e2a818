"""A partner's folder through `stapel partner serve`: one file, with Python's own HTTP and nothing besides.

    import stapel_client

    desk = stapel_client.Client("/run/stapel/police.sock")
    by = stapel_client.Acting("j.jansen", "2026-0117")
    desk.flag(["Dam 1-A, 1012 JS Amsterdam"], by)
    question = desk.ask(["Dam 1-A, 1012 JS Amsterdam"], by)      # its answer comes after the server's next sync
    for answer in desk.answers(question.request, by).answers:
        for row in answer.rows:
            print(row.address, row.in_words())

The server owns the folder, so that any number of processes use it at once; who calls needs no libstapel, no keys and no
rights in the folder. It is reached through its Unix socket, or with `Client.loopback` and a token. An address is a text
as people write it, or what `fields`, `bag_id` or `address` makes.

What fails raises ClientError, which has the stable code. A request whose reply was lost, or that comes while the server
starts anew or is busy, is made again by itself for up to `wait` seconds: within one call nothing is flagged or asked
twice. Where `ask` or `ask_own` fails all the same, `ClientError.request` has the name of the question: ask again under
that name, since under another it would be a second question. A reply of status 500 is not asked for again: whether that
helps depends on its code, as docs/partner-serve.md says, which has also what each request does.

Values that a later server knows and this file does not are no error: of an enumeration the text is kept, and all else
is passed over. Any thread may use a client.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

__all__ = [
    "Acting",
    "Answer",
    "AnswerRow",
    "Change",
    "Client",
    "ClientError",
    "DossierEntry",
    "DossierResult",
    "Due",
    "FlagResult",
    "Level",
    "NewsResult",
    "NewsRow",
    "NotAccepted",
    "Pruned",
    "Question",
    "QuestionState",
    "Refusal",
    "RenewalReason",
    "Row",
    "RowResult",
    "Standing",
    "StatusResult",
    "Sync",
    "Told",
    "Waiting",
    "WithdrawResult",
    "address",
    "bag_id",
    "fields",
]

# The server's limit. Whoever sends more is cut off, which would look like a lost reply.
_MOST_BYTES = 16 * 1024 * 1024

# That of W3C Trace Context. Whatever has another form counts for none, there as here.
_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class ClientError(Exception):
    """A request failed. `code` is stable: the server's or the library's, such as "rows_refused"; "unreachable" where no
    reply came in time, and "bad_reply" where what came is none of the server's.

    `status` is that of HTTP, 0 without a reply. With "rows_refused", `rows` has why, for each row that was given.
    `request` is the name of the question that was asked, by `ask` and `ask_own`; else None.
    """

    def __init__(self, code: str, detail: str, status: int = 0, rows: list[Refusal] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status
        self.rows = rows or []
        self.request: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {super().__str__()}"


class Level(StrEnum):
    """How much of an address a row names."""

    UNIT = "unit"  # one home
    NUMBER = "number"  # one postcode and house number


class Standing(StrEnum):
    """What is answered about an address."""

    BELOW_THRESHOLD = "below_threshold"
    NO_OWN_FLAG = "no_own_flag"
    STACKED = "stacked"


class QuestionState(StrEnum):
    """What became of a question."""

    WAITING = "waiting"  # for the broker's answer
    ANSWERED = "answered"
    NOT_ACCEPTED = "not_accepted"  # by the broker, or it was given up: `not_accepted` has the code
    NOTHING = "nothing"  # there was no address to ask about


class Change(StrEnum):
    """How the standing of an own flag changed."""

    NEWLY_STACKED = "newly_stacked"
    COUNT_CHANGED = "count_changed"
    NO_LONGER_STACKED = "no_longer_stacked"


class RenewalReason(StrEnum):
    """Why a flag may stand longer. A policy allows some of these."""

    OBSERVED_AGAIN = "observed_again"  # the partner itself observed again what it flagged
    BEING_ACTED_ON = "being_acted_on"  # an investigation, a visit or a measure of its own is under way
    PROCEDURE_PENDING = "procedure_pending"  # of a court, an objection or a permit
    UNDER_SUPERVISION = "under_supervision"  # a measure was imposed or agreed, and it is watched whether it is kept


class _Discreet:
    """Shows the names of its fields alone: what is printed of these objects, as into a log, has no address, no user,
    no case and no standing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.__slots__)})"


@dataclass(frozen=True, slots=True, repr=False)
class Acting(_Discreet):
    """Who acts, and for which case; each 1 to 200 characters on one line. Stays in the partner's own journal.

    `traceparent` is that of the action of the caller's own program (W3C Trace Context), for its logs: the records of
    what is done here name it as theirs. One that is in no such form counts for none.
    """

    actor: str
    case: str
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Row(_Discreet):
    """An address as it is handed over, made by `fields`, `bag_id` or `address`."""

    sent: dict[str, str]


def fields(
    *, number: str, postcode: str = "", letter: str = "", addition: str = "", street: str = "", town: str = ""
) -> Row:
    """An address of separate fields. Without a postcode the server needs a register, and street and town."""
    given = {"postcode": postcode, "letter": letter, "addition": addition, "street": street, "town": town}
    return Row({"number": number} | {name: text for name, text in given.items() if text})


def bag_id(number: str) -> Row:
    """The BAG id of an address, where the server has a register."""
    return Row({"bag_id": number})


def address(canonical: str) -> Row:
    """An address as results have it, such as 1012JS|1|A: docs/partner-serve.md has its form."""
    return Row({"address": canonical})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is no address, or none that can be used."""

    code: str
    field: str  # what of the row is at fault
    message: str = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class RowResult(_Discreet):
    """What became of a row: it was refused, or it is an address. What there is nothing to say of is None."""

    refused: Refusal | None = None
    address: str | None = None
    level: str | None = None  # of Level
    how: str | None = None  # how it was found: "read" without a register
    only_number: Refusal | None = None  # why it is no home, where it counts for its house number alone
    last_day: date | None = None  # of its flag
    lapsed: bool = False  # not flagged: its flag ended within the last 30 days, and only a renewal lets it go on
    was_flagged: bool = False  # before it was withdrawn
    stay: tuple[str, ...] = ()  # own flags that stay when it is withdrawn, and that may be meant too


@dataclass(frozen=True, slots=True)
class FlagResult:
    """What a call changed over the partner's flags; `rows` in the order in which they were given."""

    added: int
    changed: int
    unchanged: int
    lapsed: int
    repeated: int
    refused: int
    rows: list[RowResult]
    put_forward: int | None = None  # with `forward`: how many are put forward and were not before, or are anew


@dataclass(frozen=True, slots=True)
class WithdrawResult:
    """What was withdrawn; `rows` in the order in which they were given."""

    withdrawn: int
    unchanged: int
    repeated: int
    refused: int
    rows: list[RowResult]


@dataclass(frozen=True, slots=True, repr=False)
class AnswerRow(_Discreet):
    """What was answered about an address. `count` is exact, `at_least` a lower bound; both None where neither is
    shown."""

    address: str
    level: str  # of Level
    typed: str | None
    standing: str  # of Standing
    count: int | None
    at_least: int | None

    def in_words(self) -> str:
        """The standing, such as "stacked at least 3"."""
        if self.count is not None:
            return f"stacked {self.count}"
        if self.at_least is not None:
            return f"stacked at least {self.at_least}"
        return self.standing.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker's answer to a question, or to a part of a large one."""

    epoch: int
    release: int
    as_of: datetime
    until: datetime  # until then the same question has the same answer
    organisations: int  # that may flag
    fresh: int  # of them, at that release
    rows: list[AnswerRow]


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """Why a question was not accepted: the broker's code; "dropped" where a person gave it up, or it never left."""

    code: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what came of it so far. `rows` are those of `ask`, in their order."""

    request: str
    state: str  # of QuestionState
    answers: list[Answer]
    not_accepted: NotAccepted | None
    repeated: int
    refused: int
    rows: list[RowResult]


@dataclass(frozen=True, slots=True, repr=False)
class Told(_Discreet):
    """How many organisations flag an address: exactly, or at least; both None where that is not shown."""

    count: int | None
    at_least: int | None


@dataclass(frozen=True, slots=True, repr=False)
class NewsRow(_Discreet):
    """An own flag whose standing changed. `before` is None where it was not stacked, `now` where it is not."""

    address: str
    level: str  # of Level
    typed: str | None
    change: str  # of Change
    before: Told | None
    now: Told | None


@dataclass(frozen=True, slots=True)
class NewsResult:
    """What changed, until it is marked as seen. `mark` is None where there is none."""

    mark: str | None
    news: list[NewsRow]


@dataclass(frozen=True, slots=True, repr=False)
class DossierEntry(_Discreet):
    """What was done with an address once. What an event does not have is None."""

    record: int
    time: datetime
    event: str
    address: str
    level: str  # of Level
    typed: str | None
    actor: str | None
    case: str | None
    caller: str | None  # how the call came in
    uid: int | None  # of the local user, where the kernel named one
    last_day: date | None
    reason: str | None
    epoch: int | None
    number: int | None
    sweep: str | None
    standing: str | None  # of Standing
    count: int | None
    at_least: int | None
    release: int | None
    as_of: datetime | None
    conversations: list[int] | None  # after a hit: in which of this partner's
    to: list[int] | None  # the partners that a note was written to


@dataclass(frozen=True, slots=True)
class Pruned:
    """The records that the journal no longer has: how many, and when the first and the last were written."""

    records: int
    from_: datetime
    to: datetime


@dataclass(frozen=True, slots=True)
class DossierResult:
    """What was done with an address, oldest first. `pruned` is None where the journal has all its records."""

    entries: list[DossierEntry]
    pruned: Pruned | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages whose replies are waited for."""

    flags: int
    questions: int
    status: int
    talk: int


@dataclass(frozen=True, slots=True)
class Sync:
    """How the exchange with the broker goes."""

    state: str  # "off", "waiting" or "running"
    last_run: datetime | None
    last_code: str | None  # of what went wrong in it
    last_done: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """What waits after a hit: numbers and days alone. A day is None where nothing waits."""

    unanswered: int  # what others put forward and nobody here answered
    unanswered_since: date | None  # since when the oldest of these waits
    late: int  # how many of these are past their day
    answer_by: date | None  # the first day by which one of them was or is to be answered
    unread_notes: int  # notes and decisions that nobody was shown
    not_at_broker: int  # what was put forward before today and does not stand at the broker
    not_at_broker_since: date | None  # when the oldest of these was put forward
    rows_spent: bool  # whether the organisation's budget of what is put forward was spent, when the broker last said so
    notes_waiting: int  # own notes that the broker does not have, each counted for each whom it is for
    notes_waiting_since: date | None  # when the oldest of these was written
    notes_day_spent: int  # how many of these the broker put off because the organisation's notes of the day were spent
    notes_too_many_wait: int  # how many of these the broker put off because as many wait for the other as may
    undecided: int  # at the coordinator, conversations that wait for it
    undecided_since: date | None  # since when the oldest of these waits


@dataclass(frozen=True, slots=True)
class StatusResult:
    """How it goes; numbers and days alone. `after_hit`: what waits after a hit."""

    partner: int
    policy_version: int
    policy: str
    flags: int
    undelivered: int
    waiting: Waiting
    journal_records: int
    journal_head: str
    complaints: int
    has_register: bool
    counts_house_numbers: bool
    sync: Sync
    after_hit: Due


class Client:
    """A partner's folder that `stapel partner serve` owns."""

    def __init__(self, path: str | os.PathLike[str], *, wait: float = 5.0, timeout: float = 60.0) -> None:
        """Through the Unix socket at `path`. Nothing is sent yet.

        `wait` is for how many seconds a request is made again that gets no reply, `timeout` how long one may take.
        """
        self._socket: str | None = os.fspath(path)
        self._host, self._port, self._token = "localhost", 80, ""
        self._wait, self._timeout = wait, timeout

    @classmethod
    def loopback(cls, port: int, token: str, *, wait: float = 5.0, timeout: float = 60.0) -> Client:
        """At a port of 127.0.0.1, with the token that is in the server's configuration."""
        client = cls("", wait=wait, timeout=timeout)
        client._socket, client._host, client._port, client._token = None, "127.0.0.1", port, token
        return client

    def flag(
        self,
        rows: Iterable[str | Row],
        by: Acting,
        *,
        until: date | None = None,
        renew: str | None = None,
        number_only: bool = False,
        forward: bool = False,
    ) -> FlagResult:
        """Flags addresses, to the latest day that the policy allows, or `until` one, which is the last of a month.

        `renew` lets flags stand longer, for a RenewalReason. With `number_only` an address that is in order but for
        what follows its house number is flagged as that house number, instead of being refused; for policies that
        count house numbers. With `forward` what is flagged now is put forward too. A row that is refused is not
        flagged, and says why. Where all are, that raises "rows_refused".
        """
        given = {"until": until and until.isoformat(), "renew": renew, "number_only": number_only or None}
        found = self._post("/v1/flag", by, {"rows": _sent(rows), "forward": forward or None} | given)
        return _made(lambda: FlagResult(
            **_numbers(found, FlagResult), rows=[_row(row) for row in found["rows"]],
            put_forward=found.get("put_forward")))

    def withdraw(self, rows: Iterable[str | Row], by: Acting, *, number_only: bool = False) -> WithdrawResult:
        """Withdraws the flags of addresses. One that is not flagged stays so."""
        given = {"number_only": number_only or None}
        found = self._post("/v1/withdraw", by, {"rows": _sent(rows)} | given)

        def made() -> WithdrawResult:
            return WithdrawResult(**_numbers(found, WithdrawResult), rows=[_row(row) for row in found["rows"]])

        return _made(made)

    def ask(
        self,
        rows: Iterable[str | Row],
        by: Acting,
        *,
        request: str | None = None,
        sweep: str | None = None,
        numbers: bool = False,
        number_only: bool = False,
    ) -> Question:
        """Asks about addresses. The question goes to the broker with the server's next sync; `answers` has what came.

        `request` is the caller's own name of it, by default a random one, which the result has, and the error where it
        fails: under the same name, the same question is never asked twice. A caller that may be ended meanwhile keeps
        a name of its own first. `sweep` is a reason of the policy, for what the partner need not flag itself; with
        `numbers` the house number of each address is asked about too.
        """
        given = {"sweep": sweep, "numbers": numbers or None, "number_only": number_only or None}
        return self._ask("/v1/ask", by, request, {"rows": _sent(rows)} | given)

    def ask_own(self, by: Acting, *, request: str | None = None) -> Question:
        """Asks about all that the partner flags. `request` is as for `ask`."""
        return self._ask("/v1/ask-own", by, request, {})

    def answers(self, request: str, by: Acting) -> Question:
        """What came of a question, for the actor and the case that asked it; to others it is "not_asked"."""
        return _question(self._post("/v1/answers", by, {"request": request}))

    def news(self, by: Acting) -> NewsResult:
        """What changed over own flags. It is given again until `seen` marks it as seen."""
        found = self._post("/v1/news", by, {})
        return _made(lambda: NewsResult(found.get("mark"), [_news(row) for row in found["news"]]))

    def seen(self, news: NewsResult, by: Acting) -> int:
        """Marks news as seen, and gives how much. "news_changed" where other news came since, or where this was marked
        before, perhaps by a request whose reply was lost: then read the news again."""
        if news.mark is None:
            return 0
        found = self._post("/v1/news/seen", by, {"mark": news.mark})
        return _made(lambda: int(found["seen"]))

    def dossier(self, row: str | Row, by: Acting) -> DossierResult:
        """What was done with an address. The journal has first who looked."""
        found = self._post("/v1/dossier", by, {"row": _sent([row])[0]})
        return _made(lambda: _dossier(found))

    def after_hit(self, call: str, by: Acting, given: dict[str, Any] | None = None) -> dict[str, Any]:
        """What people do after a hit: `call` is the last part of a path of /v1/after-hit in partner-openapi.json, such
        as "forward" or "news/seen", and `given` what its request has besides actor and case. Gives the result as that
        document has it. A note that is written again after a lost reply is written once."""
        return self._post(f"/v1/after-hit/{call}", by, given or {})

    def status(self) -> StatusResult:
        """How it goes, without addresses and cases."""
        found = self._request("GET", "/v1/status", None, None)
        return _made(lambda: _status(found))

    def _ask(self, path: str, by: Acting, request: str | None, given: dict[str, Any]) -> Question:
        name = request or str(uuid.uuid4())
        try:
            return _question(self._post(path, by, {"request": name} | given))
        except ClientError as error:
            error.request = name
            raise

    def _post(self, path: str, by: Acting, given: dict[str, Any]) -> dict[str, Any]:
        given = {"actor": by.actor, "case": by.case} | given
        body = json.dumps({name: value for name, value in given.items() if value is not None}).encode()
        if len(body) > _MOST_BYTES:
            raise ClientError("too_large", "the request has more than 16 MiB; nothing was done: hand over fewer rows")
        return self._request("POST", path, body, by.traceparent)

    def _request(self, method: str, path: str, body: bytes | None, traceparent: str | None) -> dict[str, Any]:
        """Makes a request, again and again until a reply came or the time is over."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._token:
            headers["Authorization"] = "Bearer " + self._token
        if traceparent is not None and _TRACEPARENT.fullmatch(traceparent):
            headers["traceparent"] = traceparent
        until = time.monotonic() + self._wait
        pause = 0.05
        while True:
            try:
                return self._attempt(method, path, body, headers)
            except ClientError as error:
                if error.code not in ("unreachable", "busy") or time.monotonic() + pause > until:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def _attempt(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        connection: http.client.HTTPConnection
        if self._socket is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        else:
            connection = _SocketConnection(self._socket, self._timeout)
        try:
            connection.request(method, path, body, headers | {"Connection": "close"})
            reply = connection.getresponse()
            status, content = reply.status, reply.read()
        except (OSError, http.client.HTTPException) as error:
            where = self._socket or f"{self._host}:{self._port}"
            detail = f"no reply came through {where} ({error!r}): see whether stapel partner serve runs there"
            raise ClientError("unreachable", detail) from error
        finally:
            connection.close()
        try:
            found = json.loads(content)
        except ValueError as error:
            raise _bad_reply(status) from error
        if not isinstance(found, dict):
            raise _bad_reply(status)
        if status == 200:
            return found
        if not isinstance(found.get("code"), str):
            raise _bad_reply(status)
        rows = _made(lambda: [_refused(row["refused"]) for row in found.get("rows", [])], status)
        raise ClientError(found["code"], str(found.get("detail", "")), status, rows)


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _bad_reply(status: int) -> ClientError:
    return ClientError("bad_reply", f"the reply, with status {status}, is none of stapel partner serve's: see whether "
        "another program has its socket or port", status)


def _made(make: Any, status: int = 200) -> Any:
    """Reads a reply, in which all must be that the server promises."""
    try:
        return make()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _bad_reply(status) from error


def _sent(rows: Iterable[str | Row]) -> list[dict[str, str]]:
    if isinstance(rows, (str, Row)):
        raise TypeError("rows must be several rows, and not one alone")
    return [row.sent if isinstance(row, Row) else {"text": row} for row in rows]


def _numbers(found: dict[str, Any], made: Any) -> dict[str, int]:
    return {name: int(found[name]) for name in made.__slots__ if name not in ("rows", "put_forward")}


def _refused(found: dict[str, Any]) -> Refusal:
    return Refusal(found["code"], found["field"], found["message"])


def _refusal(found: dict[str, Any] | None) -> Refusal | None:
    return None if found is None else _refused(found)


def _day(found: str | None) -> date | None:
    return None if found is None else date.fromisoformat(found)


def _time(found: str | None) -> datetime | None:
    return None if found is None else datetime.fromisoformat(found)


def _told(found: dict[str, Any] | None) -> Told | None:
    return None if found is None else Told(found.get("count"), found.get("at_least"))


def _row(found: dict[str, Any]) -> RowResult:
    if "refused" in found:
        return RowResult(refused=_refused(found["refused"]))
    return RowResult(
        address=found["address"],
        level=found["level"],
        how=found["how"],
        only_number=_refusal(found.get("only_number")),
        last_day=_day(found.get("last_day")),
        lapsed=found.get("lapsed", False),
        was_flagged=found.get("was_flagged", False),
        stay=tuple(found.get("stay", ())),
    )


def _question(found: dict[str, Any]) -> Question:
    def made() -> Question:
        answers = [_answer(answer) for answer in found["answers"]]
        not_accepted = NotAccepted(found["not_accepted"]["code"]) if "not_accepted" in found else None
        rows = [_row(row) for row in found.get("rows", [])]
        repeated, refused = found.get("repeated", 0), found.get("refused", 0)
        return Question(found["request"], found["state"], answers, not_accepted, repeated, refused, rows)

    return _made(made)


def _answer(found: dict[str, Any]) -> Answer:
    as_of, until = datetime.fromisoformat(found["as_of"]), datetime.fromisoformat(found["until"])
    rows = [
        AnswerRow(row["address"], row["level"], row.get("typed"), row["standing"], row.get("count"),
            row.get("at_least"))
        for row in found["rows"]
    ]
    return Answer(found["epoch"], found["release"], as_of, until, found["organisations"], found["fresh"], rows)


def _news(found: dict[str, Any]) -> NewsRow:
    before, now = _told(found.get("before")), _told(found.get("now"))
    return NewsRow(found["address"], found["level"], found.get("typed"), found["change"], before, now)


def _dossier(found: dict[str, Any]) -> DossierResult:
    entries = []
    for entry in found["entries"]:
        read = {name: entry.get(name) for name in DossierEntry.__slots__}
        read |= {name: entry[name] for name in ("record", "event", "address", "level")}
        read |= {"time": datetime.fromisoformat(entry["time"])}
        entries.append(DossierEntry(**read | {"last_day": _day(read["last_day"]), "as_of": _time(read["as_of"])}))
    pruned = found.get("pruned")
    if pruned is None:
        return DossierResult(entries, None)
    begin, end = datetime.fromisoformat(pruned["from"]), datetime.fromisoformat(pruned["to"])
    return DossierResult(entries, Pruned(pruned["records"], begin, end))


def _status(found: dict[str, Any]) -> StatusResult:
    waiting, sync = found["waiting"], found["sync"]
    known = {name: found[name] for name in StatusResult.__slots__}
    known["waiting"] = Waiting(waiting["flags"], waiting["questions"], waiting["status"], waiting["talk"])
    last_run, last_done = _time(sync.get("last_run")), _time(sync.get("last_done"))
    known["sync"] = Sync(sync["state"], last_run, sync.get("last_code"), last_done)
    due = {name: found["after_hit"].get(name) for name in Due.__slots__}
    known["after_hit"] = Due(**due | {name: _day(due[name]) for name in due if name.endswith(("_since", "_by"))})
    return StatusResult(**known)
