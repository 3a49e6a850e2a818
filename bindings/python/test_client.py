"""What the example does not show, on ../clients/stub: test_client.py SOCKET PORT."""

from __future__ import annotations

import sys
import unittest
from datetime import UTC, date, datetime

import stapel_client
from stapel_client import Case, Change, Client, Level, QuestionState, Refusal, RowResult, StandingKind

PORT = int(sys.argv.pop())
SOCKET = sys.argv.pop()
BY = Case("j.jansen", "2026-0117")
MOMENT = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOME = "9999XA|12|A"


class Test(unittest.TestCase):
    def setUp(self) -> None:
        self.desk = Client(SOCKET)

    def fails(self, code: str, status: int, call: object, *arguments: object, **named: object) -> None:
        with self.assertRaises(stapel_client.StapelError) as raised:
            call(*arguments, **named)  # type: ignore[operator]
        self.assertEqual((raised.exception.code, raised.exception.status), (code, status))
        self.assertGreater(len(str(raised.exception)), len(code) + 2)

    def test_what_is_flagged_and_withdrawn(self) -> None:
        rows = [HOME, "nowhere", "x|number", stapel_client.bag_id("0363010012345678"), stapel_client.address(HOME),
            stapel_client.fields("1", postcode="1012JS", letter="A", addition="2", street="Dam", town="Amsterdam"),
            stapel_client.fields("1", postcode="1012JS")]
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
            RowResult(address="1|1012JS|A|2|Dam|Amsterdam", level=Level.UNIT, how="fields", last_day=day),
            RowResult(address="1|1012JS", level=Level.UNIT, how="fields", last_day=day),
        ])
        renewed = self.desk.flag([HOME, HOME], BY, renew="observed_again", number_only=True)
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
        self.assertEqual([row.address for row in question.rows], [HOME, ""])
        [answer] = question.answers
        head = (answer.epoch, answer.release, answer.as_of, answer.until, answer.organisations, answer.fresh)
        self.assertEqual(head, (1, 7, MOMENT, MOMENT, 4, 3))
        told = [(row.address, row.level, row.typed, row.kind, row.count, row.at_least) for row in answer.rows]
        self.assertEqual(told[:3], [
            (HOME, Level.UNIT, "Molenstraat 12-A, é", StandingKind.STACKED, None, 3),
            ("9999XB|5|", Level.UNIT, None, StandingKind.STACKED, 2, None),
            ("9999XB|6", Level.NUMBER, None, StandingKind.STACKED, None, None),
        ])
        self.assertEqual([str(row) for row in answer.rows],
            ["stacked at least 3", "stacked 2", "stacked", "below threshold", "no own flag"])
        waiting = self.desk.ask([HOME], BY, request="a-question-waiting")
        self.assertEqual((waiting.request, waiting.state), ("a-question-waiting", QuestionState.WAITING))
        refused = self.desk.answers("a-question-refused", BY)
        self.assertEqual((refused.state, refused.not_accepted), (QuestionState.NOT_ACCEPTED, "gap"))
        self.assertEqual(self.desk.ask_own(BY).state, QuestionState.ANSWERED)
        self.fails("not_found", 404, self.desk.answers, "nobody-asked-this", BY)
        self.fails("bad_request", 400, self.desk.ask, [HOME], BY, request="short")

    def test_what_is_looked_at(self) -> None:
        news = self.desk.news(BY)
        changed = [(row.address, row.typed, row.change, row.before, row.before_at_least, row.now, row.now_at_least)
            for row in news.rows]
        self.assertEqual(changed, [
            (HOME, None, Change.COUNT_CHANGED, 2, None, None, 3),
            ("9999XB|5|", "Kerkplein 5", Change.NEWLY_STACKED, None, None, 2, None),
            ("9999XC|7", None, Change.NO_LONGER_STACKED, None, None, None, None),
        ])
        self.assertEqual(self.desk.seen(news, BY), 3)
        self.assertEqual(self.desk.seen(stapel_client.News(None, []), BY), 0)
        self.fails("news_changed", 409, self.desk.seen, stapel_client.News("0" * 64, []), BY)
        dossier = self.desk.dossier(HOME, BY)
        self.assertEqual([entry.event for entry in dossier.entries],
            ["flagged", "renewed", "asked", "answered", "news_shown"])
        flagged, renewed, asked, answered, shown = dossier.entries
        self.assertEqual((flagged.record, flagged.time, flagged.actor, flagged.case, flagged.caller, flagged.uid),
            (1, MOMENT, "j.jansen", "2026-0117", "local_user", 1001))
        self.assertEqual((renewed.reason, renewed.last_day), ("observed_again", date(2027, 6, 30)))
        self.assertEqual((asked.epoch, asked.number, asked.sweep, asked.last_day), (1, 9, "verhuizing", None))
        self.assertEqual((answered.standing, answered.at_least, answered.release, answered.as_of, answered.actor),
            (StandingKind.STACKED, 3, 7, MOMENT, None))
        self.assertEqual((shown.standing, shown.count), (StandingKind.STACKED, 2))
        pruned = dossier.pruned
        assert pruned is not None
        self.assertEqual((pruned.records, pruned.begin, pruned.end), (6, datetime(2026, 1, 1, tzinfo=UTC), MOMENT))
        self.assertEqual(self.desk.status(), stapel_client.Status(1, 2, "12" * 32, 3, 4, 5, 6, 7, 8, "34" * 32, 9, True,
            False, "waiting", MOMENT, "unreachable", None))

    def test_what_fails_has_its_code(self) -> None:
        with self.assertRaises(stapel_client.StapelError) as raised:
            self.desk.flag(["nowhere"], BY)
        self.assertEqual(raised.exception.rows, [Refusal("no_postcode", "line", "as it is")])
        self.assertEqual((raised.exception.code, raised.exception.status), ("rows_refused", 422))
        self.fails("case", 422, self.desk.news, Case("", "2026-0117"))
        self.fails("bad_reply", 200, self.desk.news, Case("another server", "2026-0117"))
        self.fails("unreachable", 0, Client(SOCKET + ".none", wait=0).status)
        self.fails("too_large", 0, self.desk.flag, ["x" * 17 * 1024 * 1024], BY)
        self.assertRaises(TypeError, self.desk.flag, HOME, BY)

    def test_a_loopback_address_needs_the_token(self) -> None:
        self.assertEqual(Client.loopback(PORT, "token").status().partner, 1)
        self.fails("unauthorized", 401, Client.loopback(PORT, "another").status)

    def test_nothing_prints_what_people_wrote(self) -> None:
        secret = "Molenstraat 12-A, é"
        for printed in (self.desk.ask([HOME], BY), self.desk.dossier(HOME, BY), self.desk.news(BY), BY,
                        stapel_client.fields(secret)):
            self.assertNotIn(secret, repr(printed))
            self.assertNotIn("2026-0117", repr(printed))


if __name__ == "__main__":
    unittest.main()
