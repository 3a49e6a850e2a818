"""What the example does not show, on ../clients/stub: test_client.py SOCKET PORT."""

from __future__ import annotations

import dataclasses
import enum
import sys
import unittest
from datetime import UTC, date, datetime

import stapel_client
from stapel_client import Acting, Change, Client, Level, QuestionState, Refusal, RowResult, Standing, Told

# Or "names".
SOCKET = sys.argv.pop(1)
PORT = int(sys.argv.pop()) if SOCKET != "names" else 0
BY = Acting("j.jansen", "2026-0117")
MOMENT = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOME = "9999XA|12|A"


class Test(unittest.TestCase):
    def setUp(self) -> None:
        self.desk = Client(SOCKET)

    def fails(self, code: str, status: int, call: object, *arguments: object, **named: object) -> None:
        with self.assertRaises(stapel_client.ClientError) as raised:
            call(*arguments, **named)  # type: ignore[operator]
        self.assertEqual((raised.exception.code, raised.exception.status), (code, status))
        self.assertGreater(len(str(raised.exception)), len(code) + 2)

    def test_what_is_flagged_and_withdrawn(self) -> None:
        rows = [HOME, "nowhere", "x|number", stapel_client.bag_id("0363010012345678"), stapel_client.address(HOME),
            stapel_client.fields(number="1", postcode="1012JS", letter="A", addition="2", street="Dam",
                town="Amsterdam"),
            stapel_client.fields(number="1", postcode="1012JS")]
        flagged = self.desk.flag(rows, BY, until=date(2027, 3, 31))
        counts = (flagged.added, flagged.changed, flagged.unchanged, flagged.lapsed, flagged.repeated, flagged.refused)
        self.assertEqual(counts, (6, 2, 3, 1, 4, 1))
        day, x = date(2027, 3, 31), Refusal("x", "line", "as it is")
        self.assertEqual(flagged.rows, [
            RowResult(address=HOME, level=Level.UNIT, how="read", last_day=day),
            RowResult(refused=Refusal("no_postcode", "line", "as it is")),
            RowResult(address="9999XA|12", level=Level.NUMBER, how="read", only_number=x, last_day=day),
            RowResult(address="0363010012345678", level=Level.UNIT, how="bag_id", last_day=day),
            RowResult(address=HOME, level=Level.UNIT, how="address", last_day=day),
            RowResult(address="1012JS|1|A|2|Dam|Amsterdam", level=Level.UNIT, how="fields", last_day=day),
            RowResult(address="1012JS|1||||", level=Level.UNIT, how="fields", last_day=day),
        ])
        renewed = self.desk.flag([HOME, HOME], BY, renew=stapel_client.RenewalReason.OBSERVED_AGAIN, number_only=True)
        self.assertEqual((renewed.added, renewed.rows[1].lapsed, renewed.rows[1].last_day), (0, True, None))
        withdrawn = self.desk.withdraw([HOME, HOME], BY)
        self.assertEqual((withdrawn.withdrawn, withdrawn.unchanged), (1, 2))
        self.assertEqual((withdrawn.repeated, withdrawn.refused), (3, 0))
        self.assertEqual([(row.was_flagged, row.stay) for row in withdrawn.rows],
            [(True, ("9999XA|12",)), (False, ("9999XA|12",))])

    def test_what_is_asked(self) -> None:
        question = self.desk.ask([HOME, "nowhere"], BY, sweep="verhuizing", numbers=True)
        self.assertRegex(question.request, "^[0-9a-f-]{36}$")
        self.assertEqual((question.state, question.repeated, question.refused), (QuestionState.ANSWERED, 1, 1))
        self.assertEqual([row.address for row in question.rows], [HOME, None])
        [answer] = question.answers
        head = (answer.epoch, answer.release, answer.as_of, answer.until, answer.organisations, answer.fresh)
        self.assertEqual(head, (1, 7, MOMENT, MOMENT, 4, 3))
        told = [(row.address, row.level, row.typed, row.standing, row.count, row.at_least) for row in answer.rows]
        self.assertEqual(told[:3], [
            (HOME, Level.UNIT, "Molenstraat 12-A, é", Standing.STACKED, None, 3),
            ("9999XB|5|", Level.UNIT, None, Standing.STACKED, 2, None),
            ("9999XB|6", Level.NUMBER, None, Standing.STACKED, None, None),
        ])
        self.assertEqual([row.in_words() for row in answer.rows],
            ["stacked at least 3", "stacked 2", "stacked", "below threshold", "no own flag"])
        waiting = self.desk.ask([HOME], BY, request="a-question-waiting")
        self.assertEqual((waiting.request, waiting.state), ("a-question-waiting", QuestionState.WAITING))
        refused = self.desk.answers("a-question-refused", BY)
        self.assertEqual((refused.state, refused.not_accepted),
            (QuestionState.NOT_ACCEPTED, stapel_client.NotAccepted("gap")))
        self.assertEqual(self.desk.ask_own(BY).state, QuestionState.ANSWERED)
        self.fails("not_asked", 404, self.desk.answers, "nobody-asked-this", BY)
        self.fails("bad_request", 400, self.desk.ask, [HOME], BY, request="short")

    def test_what_is_looked_at(self) -> None:
        news = self.desk.news(BY)
        changed = [(row.address, row.typed, row.change, row.before, row.now) for row in news.news]
        self.assertEqual(changed, [
            (HOME, None, Change.COUNT_CHANGED, Told(2, None), Told(None, 3)),
            ("9999XB|5|", "Kerkplein 5", Change.NEWLY_STACKED, None, Told(2, None)),
            ("9999XC|7", None, Change.NO_LONGER_STACKED, Told(None, None), None),
        ])
        self.assertEqual(self.desk.seen(news, BY), 3)
        self.assertEqual(self.desk.seen(stapel_client.NewsResult(None, []), BY), 0)
        self.fails("news_changed", 409, self.desk.seen, stapel_client.NewsResult("0" * 64, []), BY)
        dossier = self.desk.dossier(HOME, BY)
        self.assertEqual([entry.event for entry in dossier.entries],
            ["flagged", "renewed", "asked", "answered", "news_shown", "lead_written"])
        flagged, renewed, asked, answered, shown, written = dossier.entries
        self.assertEqual((flagged.record, flagged.time, flagged.actor, flagged.case, flagged.caller, flagged.uid),
            (1, MOMENT, "j.jansen", "2026-0117", "local_user", 1001))
        self.assertEqual((renewed.reason, renewed.last_day), ("observed_again", date(2027, 6, 30)))
        self.assertEqual((asked.epoch, asked.number, asked.sweep, asked.last_day), (1, 9, "verhuizing", None))
        self.assertEqual((answered.standing, answered.at_least, answered.release, answered.as_of, answered.actor),
            (Standing.STACKED, 3, 7, MOMENT, None))
        self.assertEqual((shown.standing, shown.count, shown.to), (Standing.STACKED, 2, None))
        self.assertEqual((written.conversations, written.to), ([2], [3, 5]))
        pruned = dossier.pruned
        assert pruned is not None
        self.assertEqual((pruned.records, pruned.from_, pruned.to), (6, datetime(2026, 1, 1, tzinfo=UTC), MOMENT))
        self.assertEqual(self.desk.status(), stapel_client.StatusResult(1, 2, "12" * 32, 3, 4,
            stapel_client.Waiting(5, 6, 7, 10), 8, "34" * 32, 9, True, False,
            stapel_client.Sync("waiting", MOMENT, "unreachable", None),
            stapel_client.Due(11, date(2026, 11, 2), 12, None, 13, 14, None, True, 15, date(2026, 11, 3), 16, 17, 18,
                None)))
        flagged = self.desk.flag([HOME], BY, forward=True)
        self.assertEqual((flagged.put_forward, self.desk.flag([HOME], BY).put_forward), (5, None))

    def test_what_fails_has_its_code(self) -> None:
        with self.assertRaises(stapel_client.ClientError) as raised:
            self.desk.flag(["nowhere"], BY)
        self.assertEqual(raised.exception.rows, [Refusal("no_postcode", "line", "as it is")])
        self.assertEqual((raised.exception.code, raised.exception.status), ("rows_refused", 422))
        self.fails("case", 422, self.desk.news, Acting("", "2026-0117"))
        self.fails("bad_reply", 200, self.desk.news, Acting("another server", "2026-0117"))
        self.fails("bad_reply", 200, self.desk.dossier, HOME, Acting("another calendar", "2026-0117"))
        self.fails("unreachable", 0, Client(SOCKET + ".none", wait=0).status)
        self.fails("too_large", 0, self.desk.flag, ["x" * 17 * 1024 * 1024], BY)
        self.assertRaises(TypeError, self.desk.flag, HOME, BY)

    def test_a_question_that_failed_has_its_name(self) -> None:
        nowhere = Client(SOCKET + ".none", wait=0)
        for ask in (lambda: nowhere.ask([HOME], BY), lambda: nowhere.ask_own(BY)):
            with self.assertRaises(stapel_client.ClientError) as raised:
                ask()
            self.assertRegex(str(raised.exception.request), "^[0-9a-f-]{36}$")
        with self.assertRaises(stapel_client.ClientError) as raised:
            self.desk.ask([HOME], Acting("", "2026-0117"), request="a-name-of-the-caller")
        self.assertEqual((raised.exception.code, raised.exception.request), ("case", "a-name-of-the-caller"))
        with self.assertRaises(stapel_client.ClientError) as raised:
            nowhere.news(BY)
        self.assertIsNone(raised.exception.request)

    def test_the_callers_action_is_sent_where_it_is_in_its_form(self) -> None:
        action = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        for given, sent in ((action, action), (None, "by nobody"), (action + "\r\nX: y", "by nobody")):
            for desk in (self.desk, Client.loopback(PORT, "token")):
                with self.assertRaises(stapel_client.ClientError) as raised:
                    desk.news(Acting("traced", "2026-0117", given))
                self.assertEqual(str(raised.exception), f"traced: {sent}")

    def test_what_a_later_server_knows_is_no_error(self) -> None:
        later = Acting("a later server", "2026-0117")
        [home, refused] = self.desk.flag([HOME, "nowhere"], later).rows
        self.assertEqual((home.level, home.how), ("of_later", "of_later"))
        self.assertEqual(refused.refused, Refusal("no_postcode", "line", "as it is"))
        question = self.desk.ask([HOME], later)
        row = question.answers[0].rows[3]
        self.assertEqual((question.state, row.level, row.standing, row.in_words()),
            ("of_later", "of_later", "of_later", "of later"))
        self.assertEqual([row.change for row in self.desk.news(later).news], ["of_later"] * 3)
        entry = self.desk.dossier(HOME, later).entries[3]
        self.assertEqual((entry.event, entry.level, entry.standing), ("of_later", "of_later", "of_later"))
        self.fails("rows_refused", 422, self.desk.flag, ["nowhere"], later)

    def test_a_loopback_address_needs_the_token(self) -> None:
        self.assertEqual(Client.loopback(PORT, "token").status().partner, 1)
        self.fails("unauthorized", 401, Client.loopback(PORT, "another").status)

    def test_nothing_that_is_printed_says_of_whom_or_what(self) -> None:
        given = stapel_client.fields(number="Molenstraat 12-A, é", postcode="9999XA")
        question, dossier, news = self.desk.ask([HOME], BY), self.desk.dossier(HOME, BY), self.desk.news(BY)
        changed = (self.desk.flag([HOME, "nowhere"], BY), self.desk.withdraw([HOME], BY))
        rows = (question.answers[0].rows[0], question.rows[0], dossier.entries[0], news.news[0], news.news[0].now)
        for printed in (*changed, question, dossier, news, BY, given, *rows):
            for text in (repr(printed), str(printed)):
                for secret in ("Molenstraat", "Kerkplein", "9999X", "j.jansen", "2026-0117", "stacked"):
                    self.assertNotIn(secret, text)
        self.assertEqual(repr(news.news[0].before), "Told(count, at_least)")
        self.assertEqual(repr(news.news[0]), "NewsRow(address, level, typed, change, before, now)")

    def test_what_comes_after_a_hit(self) -> None:
        given = {"conversation": 3}
        found = self.desk.after_hit("conversations", BY, given)
        self.assertEqual(found, {"conversations": [{"conversation": 3, "typed": "Molenstraat 12-A, é"}]})
        self.assertEqual(self.desk.after_hit("news", BY), {"news": [], "given": {}})
        self.fails("no_conversation", 409, self.desk.after_hit, "conversations", BY, {"conversation": 7})


def names() -> None:
    """Prints what there is, for ../clients/names."""
    for name in stapel_client.__all__:
        one = getattr(stapel_client, name)
        if name == "Client":
            told = [method for method in vars(one) if not method.startswith("_") and method != "loopback"]
        elif name == "ClientError":
            told = [*vars(one("code", "detail"))]
        elif dataclasses.is_dataclass(one) and name != "Row":
            told = [field.name.rstrip("_") for field in dataclasses.fields(one)]
        elif isinstance(one, enum.EnumType):
            told = [*one]
        else:
            continue
        print(f"{name}: {' '.join(sorted(told))}")


if __name__ == "__main__":
    if SOCKET == "names":
        names()
    else:
        unittest.main()
