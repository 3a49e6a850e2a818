"""What the example does not show, on a fresh sandbox: test_stapel.py SANDBOX_DIR."""

from __future__ import annotations

import datetime
import gc
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import unittest
from array import array
from collections.abc import Callable
from pathlib import Path

import stapel

SANDBOX = Path(sys.argv.pop()) if len(sys.argv) > 1 else Path("sandbox")
BY = stapel.Case("é. tester", "T-1")


def flag_one_by_one(folder: Path, number: int) -> None:
    """What one of many processes does: each address with the folder opened and closed."""
    for at in range(50):
        # As long as other processes of a busy machine may take.
        with stapel.Partner(folder, wait=600) as partner:
            changed = partner.flag(stapel.Addresses.from_texts([f"Dam {100 * number + at + 1}, 9999 XZ"]), BY)
            assert changed.added == 1


HOME = "Dam 1-A, 1012 JS Amsterdam"


def day(now: int) -> datetime.date:
    return datetime.datetime.fromtimestamp(now, datetime.timezone.utc).date()


class Meeting:
    """A consortium in which police (1) and tax office (2) meet directly, and others by the coordinator (6)."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        town = Path(shutil.copytree(SANDBOX / "meeting", Path(self.folder.name) / "meeting"))
        self.now = 1_796_126_400  # noon on its first day
        self.broker = stapel.Broker(town / "broker", town / "keys")
        self.partners = {number: stapel.Partner(town / str(number)) for number in range(1, 7)}
        self.homes = stapel.Addresses.from_texts([HOME])

    def close(self) -> None:
        for one in [self.broker, self.homes, *self.partners.values()]:
            one.close()
        self.folder.cleanup()

    def carry(self, partner: stapel.Partner, messages: list[bytes]) -> list[stapel.Reply]:
        return [partner.read(self.broker.handle(one, now=self.now), now=self.now) for one in messages]

    def flag(self, *numbers: int) -> None:
        for number in numbers:
            self.partners[number].flag(self.homes, BY, now=self.now)
        self.run()

    def run(self) -> None:
        """What each partner sends in a day."""
        for number in range(1, 6):
            self.carry(self.partners[number], self.partners[number].confirm(now=self.now))
        for partner in self.partners.values():
            while (message := partner.talk(now=self.now)) is not None:
                [reply] = self.carry(partner, [message])
                assert isinstance(reply, stapel.Talked) and reply.complaint is None, reply

    def next_day(self) -> None:
        self.now += 86_400
        self.run()

    def until(self, is_so: Callable[[], object]) -> None:
        """Days pass until something is so."""
        for _ in range(8):
            self.next_day()
            if is_so():
                return
        raise AssertionError("it is not so after eight days")


class Test(unittest.TestCase):
    def fails(self, code: str, call: object, *arguments: object, **named: object) -> None:
        with self.assertRaises(stapel.StapelError) as raised:
            call(*arguments, **named)  # type: ignore[operator]
        self.assertEqual(raised.exception.code, code)
        self.assertTrue(str(raised.exception).startswith(code + ": "))
        self.assertGreater(len(str(raised.exception)), len(code) + 2)

    def test_addresses(self) -> None:
        texts: list[str | bytes] = ["Dam 1-a, 1012 JS Amsterdam", "geen adres", b"\xff\xfe", "", "1012JS|1|A", "\udc80"]
        with stapel.Addresses.from_texts(texts, [f"rij {at} é" for at in range(len(texts))]) as rows:
            self.assertEqual(rows.canonical(), ["1012JS|1|A", None, None, None, "1012JS|1|A", None])
            self.assertEqual([row.code for row in rows][2:4], ["not_utf8", "empty"])
            self.assertEqual([row.index for row in rows.refused()], [1, 2, 3, 5])
            self.assertEqual(rows[0].reference, "rij 0 é")
            self.assertEqual(rows[-2], rows[4])
            self.assertEqual([row.canonical for row in rows[4:]], ["1012JS|1|A", None])
            self.assertTrue(rows[1].message)
            self.assertRaises(IndexError, lambda: rows[6])
            self.assertEqual([row.level for row in rows.numbers()][:2], [stapel.Level.NUMBER, stapel.Level.NONE])
            self.assertEqual(rows.numbers()[0].canonical, "1012JS|1")
        self.assertRaises(stapel.ClosedError, len, rows)
        fields = stapel.Addresses.from_fields(["1012JS", "1012JS"], ["1", "0"], ["a", ""], ["", ""])
        self.assertEqual(fields.canonical(), ["1012JS|1|A", None])
        self.assertEqual((fields[1].code, fields[1].field, fields[1].reference), ("number_zero", "huisnummer", None))
        self.assertEqual(len(stapel.Addresses.from_texts([])), 0)
        self.assertEqual(list(stapel.Addresses.from_texts(iter([]), references=iter([]))), [])
        self.assertRaises(ValueError, stapel.Addresses.from_texts, ["a"], ["b", "c"])
        self.assertRaises(ValueError, stapel.Addresses.from_fields, ["a"], [], [], [])
        self.fails("not_utf8", stapel.Addresses.from_texts, ["a"], [b"\xff"])
        read = stapel.Address("1012JS|1|A", "1012JS|1", stapel.How.NONE)
        self.assertEqual(stapel.address("Dam 1-a, 1012 JS Amsterdam"), read)
        self.assertEqual(stapel.address_of_fields("1012 js", "1", b"a"), read)
        self.fails("no_postcode", stapel.address, "Dam 1")

    def test_nothing_prints_what_people_wrote(self) -> None:
        with stapel.Addresses.from_texts(["Dam 1-a, 1012 JS Buurvrouw"], ["Zaak-7"]) as rows:
            printed = repr(rows[0]) + str(list(rows))
        self.assertIn("1012JS|1|A", printed)
        standing, unit = stapel.Standing(stapel.StandingKind.STACKED), stapel.Level.UNIT
        asked = stapel.AnswerRow("1012JS|1|A", "Dam 1, Buurvrouw", unit, standing)
        news = stapel.News("1012JS|1|A", "Dam 1, Buurvrouw", unit, stapel.Change.NEWLY_STACKED, standing, standing)
        printed += repr([asked, news, stapel.Case("j.jansen", "Zaak-7")])
        self.assertNotIn("Buurvrouw", printed)
        self.assertNotIn("Zaak-7", printed)
        # They still tell rows apart.
        self.assertNotEqual(asked, stapel.AnswerRow("1012JS|1|A", None, unit, standing))

    def test_the_number_of_a_home_that_is_refused(self) -> None:
        for call in (
            lambda: stapel.address("Dam 1, 2e verdieping, 1012 JS"),
            lambda: stapel.address_of_fields("1012JS", "1", "AB"),
        ):
            with self.assertRaises(stapel.StapelError) as raised:
                call()
            self.assertEqual(raised.exception.number, "1012JS|1")
        with self.assertRaises(stapel.StapelError) as raised:
            stapel.address("Dam 1")
        self.assertIsNone(raised.exception.number)
        rows = stapel.Addresses.from_texts(["Dam 1, 2e verdieping, 1012 JS", "Dam 1", "Dam 1-a, 1012 JS"])
        self.assertEqual([row.number for row in rows], ["1012JS|1", None, "1012JS|1"])
        self.assertEqual([row.number for row in rows.numbers()], ["1012JS|1", None, "1012JS|1"])
        picked = rows.pick([2, 0])
        self.assertEqual((picked.canonical(), picked[0].typed), (["1012JS|1|A", None], "Dam 1-a, 1012 JS"))
        self.assertEqual(len(rows.pick([])), 0)
        for index in (3, -1):
            self.assertRaises(IndexError, rows.pick, [index])
        [alone] = rows.refused_numbers()
        self.assertEqual((alone.canonical, alone.level, alone.how), ("1012JS|1", stapel.Level.NUMBER, stapel.How.NONE))
        self.assertEqual((alone.typed, alone.reference), ("Dam 1, 2e verdieping, 1012 JS", None))

    def test_a_register(self) -> None:
        how, garage = stapel.How, "9999200000000014"
        with stapel.Register(SANDBOX / "bag.stapel") as register:
            self.assertEqual((len(register), register.withdrawn), (19, 1))
            self.assertLess(abs((register.source_day - datetime.date.today()).days), 2)

            for text, unit, found in (
                ("Kerkplein 5, 9999 XB", "9999XB|5|", how.REGISTERED),
                ("9999200000000001", "9999XA|12|A", how.BY_ID),
                ("Kerkplein 5, Voorbeeldstad", "9999XB|5|", how.COMPLETED),
                ("Kotter 38-2, 9999 XG", "9999XG|2|", how.STREET),
                ("Havenweg 105-hs, 9999 XC", "9999XC|105|H", how.OTHER_SPELLING),
                ("Kerkplein 99, 9999 XB", "9999XB|99|", how.UNREGISTERED),
                ("Kerkplein 7, 9999 XB", "9999XB|7|", how.WITHDRAWN),
            ):
                read = stapel.address(text, register=register)
                self.assertEqual((read.unit, read.how), (unit, found))
            read = stapel.address_of_fields("", "16", "", "g1", street="Lindelaan", town="Voorbeeldstad",
                register=register)
            self.assertEqual(read, stapel.Address(garage, None, how.COMPLETED))
            self.fails("no_postcode", stapel.address_of_fields, "", "5", street="Kerkplein", town="Voorbeeldstad")
            for text, code in (
                ("9999200000000099", "bag_id_unknown"),
                ("9999200000000005", "bag_id_withdrawn"),
                ("Kerkplein 99, Voorbeeldstad", "not_in_register"),
                ("Dorpsstraat 3, Voorbeeldstad", "several_in_register"),
            ):
                self.fails(code, stapel.address, text, register=register)

            texts = ["Kerkplein 5, Voorbeeldstad", "Dorpsstraat 3, Voorbeeldstad", "Kerkplein 99, 9999 XB"]
            columns = (["", "", "9999XB"], ["5", "3", "99"], [""] * 3, [""] * 3, ["Z-1", "Z-2", "Z-3"])
            streets, towns = ["Kerkplein", "Dorpsstraat", ""], ["Voorbeeldstad"] * 3
            for rows in (
                stapel.Addresses.from_texts(texts, ["Z-1", "Z-2", "Z-3"], register=register),
                stapel.Addresses.from_fields(*columns, streets=streets, towns=towns, register=register),
            ):
                self.assertEqual([row.canonical for row in rows], ["9999XB|5|", None, "9999XB|99|"])
                self.assertEqual([row.how for row in rows], [how.COMPLETED, how.NONE, how.UNREGISTERED])
                self.assertEqual([row.number for row in rows], ["9999XB|5", None, "9999XB|99"])
                self.assertEqual((rows[0].typed or "").replace(",", ""), "Kerkplein 5 Voorbeeldstad")
                self.assertIsNone(rows[1].typed)
                [refused] = rows.refused()
                self.assertEqual((refused.code, refused.field, refused.reference), ("several_in_register", "line",
                    "Z-2"))
                counts = rows.how_counts()
                self.assertEqual((len(counts), sum(counts.values())), (7, 2))
                self.assertEqual((counts[how.COMPLETED], counts[how.UNREGISTERED]), (1, 1))
            of_floors = ["Kerkplein 5, 2e verdieping, 9999 XB", "Kerkplein 99, 2e verdieping, 9999 XB"]
            floors = stapel.Addresses.from_texts(of_floors, ["Z-1", "Z-2"], register=register)
            [alone] = floors.refused_numbers()
            self.assertEqual((alone.canonical, alone.how, alone.reference), ("9999XB|5", how.REGISTERED, "Z-1"))
            # Without a register none of it is looked at.
            rows = stapel.Addresses.from_fields(*columns, streets=streets, towns=towns)
            self.assertEqual([row.code for row in rows], ["no_postcode", "no_postcode", None])
            self.assertEqual(sum(rows.how_counts().values()), 0)
            self.assertRaises(ValueError, stapel.Addresses.from_fields, *columns, streets=["a"], register=register)
            self.assertRaises(TypeError, stapel.address, "Dam 1", register=rows)

            found = register.look_up("9999XB|7|")
            self.assertEqual(found.now, "9999XB|5|")
            [entry] = found.entries
            self.assertEqual(
                entry,
                stapel.RegisterEntry("9999XB|7|", "Kerkplein", "Voorbeeldstad", "9999XB", 7, "", "",
                    "9999200000000005", "9999010000000004", "9999100000000001", (53.25, 4.5), False, True),
            )
            [entry] = register.look_up("9999XB|9|").entries
            self.assertTrue(entry.is_secondary)
            found = register.look_up(garage)
            self.assertEqual((found.entries[0].at, found.entries[0].addition, found.now), (None, "G1", None))
            self.assertEqual(register.look_up("9999XB|99|"), stapel.Findings([], None))
            self.fails("not_canonical", register.look_up, "Kerkplein 5, 9999 XB")
            rows = stapel.Addresses.from_texts(texts, register=register)
        self.assertRaises(stapel.ClosedError, register.look_up, "9999XB|7|")
        self.assertRaises(stapel.ClosedError, stapel.address, "9999XB|7|", register=register)
        self.assertEqual(rows[0].canonical, "9999XB|5|")
        self.fails("register", stapel.Register, SANDBOX / "policy.toml")
        self.fails("io", stapel.Register, SANDBOX / "no.stapel")

    def test_partner_and_broker(self) -> None:
        rows = stapel.Addresses.from_texts(["Molenstraat 12-A, 9999 XA", "Kerkplein 5, 9999 XB", "Nieuwweg 1, 9999 XX"])
        with stapel.Partner(SANDBOX / "partner") as partner, stapel.Broker(SANDBOX / "broker",
            SANDBOX / "broker/keys") as broker:

            def carry(messages: list[bytes]) -> list[stapel.Reply]:
                return [partner.read(broker.handle(message)) for message in messages]

            self.assertEqual(partner.number, 1)
            self.assertEqual(len(partner.flags()), 0)
            self.fails("not_flagged", partner.renew, rows, "being_acted_on", BY)
            self.fails("last_day", partner.flag, rows, BY, until="2020-01-31")
            self.fails("invalid_argument", partner.flag, rows, BY, until="morgen")
            self.fails("case", partner.flag, rows, stapel.Case("", "T-1"))
            self.assertEqual(partner.flag(rows, BY), stapel.Changed(3, 0, 0, 0, 0, 0, 0))
            self.assertEqual(partner.renew(rows, "being_acted_on", BY).added, 0)
            self.assertEqual(partner.flags().canonical(), ["9999XA|12|A", "9999XB|5|", "9999XX|1|"])
            self.assertEqual([row.typed for row in partner.flags()], [row.typed for row in rows])
            self.assertEqual(partner.undelivered, 3)
            [receipt] = carry(partner.deliver())
            self.assertEqual(partner.undelivered, 0)
            assert isinstance(receipt, stapel.Receipt)
            # Homes and house numbers.
            self.assertEqual((receipt.added, receipt.held, len(receipt.log.leaf)), (6, 6, 32))

            [own] = carry(partner.ask_own(BY))
            assert isinstance(own, stapel.Answer)
            self.assertEqual((own.by, own.organisations, own.fresh, len(own)), (BY, 4, 4, 6))
            told = {row.canonical: row.standing for row in own}
            typed = {row.canonical: row.typed for row in own}
            self.assertEqual((typed["9999XA|12|A"], typed["9999XA|12"]), ("Molenstraat 12-A, 9999 XA",) * 2)
            self.assertEqual(str(told["9999XA|12|A"]), "stacked at least 3")
            self.assertEqual(told["9999XB|5|"], stapel.Standing(stapel.StandingKind.COUNT, 2))
            self.assertFalse(told["9999XX|1|"].is_stacked)
            more = stapel.Addresses.from_texts(["x", "Kerkplein 5, 9999 XB", "Elders 1, 9999 XY"])
            self.assertEqual([str(standing) for standing in own.standings(more)],
                ["refused", "stacked 2", "not answered"])
            self.assertEqual(stapel.standings(stapel.Addresses.from_texts([]), [own]), [])
            self.assertEqual(
                [(news.canonical, news.typed, news.level, news.change, str(news.now)) for news in partner.news()],
                [
                    (canonical, typed, level, stapel.Change.NEWLY_STACKED, now)
                    for canonical, typed, level, now in [
                        ("9999XA|12", "Molenstraat 12-A, 9999 XA", stapel.Level.NUMBER, "stacked at least 3"),
                        ("9999XA|12|A", "Molenstraat 12-A, 9999 XA", stapel.Level.UNIT, "stacked at least 3"),
                        ("9999XB|5", "Kerkplein 5, 9999 XB", stapel.Level.NUMBER, "stacked 2"),
                        ("9999XB|5|", "Kerkplein 5, 9999 XB", stapel.Level.UNIT, "stacked 2"),
                    ]
                ],
            )
            self.assertEqual(partner.news(), [])

            self.fails("not_permitted", partner.sweep, more, "verhuizing", BY)
            question = partner.ask(more, BY)
            self.assertEqual(partner.in_flight(), question)
            partner.give_up(question[0])
            self.assertEqual(partner.in_flight(), [])
            self.fails("unexpected_reply", partner.give_up, b"nothing")
            self.fails("unexpected_reply", partner.read, broker.handle(question[0]))
            hint = partner.read(broker.handle(b"nothing"))
            assert isinstance(hint, stapel.Rejection)
            self.assertEqual((hint.code, hint.hint, hint.late), ("malformed", True, False))

            [confirmed] = carry(partner.confirm())
            self.assertIsInstance(confirmed, stapel.Receipt)
            [position] = carry(partner.status())
            assert isinstance(position, stapel.Position)
            self.assertEqual((position.held, position.full_set_required), (6, False))
            # A folder that was opened leaves out some numbers: a copy of it has made other messages.
            self.assertEqual(position.accepted_state, position.highest_state)
            self.assertIsNone(position.complaint)
            [question] = partner.ask(rows, BY, now=int(time.time()) + 2 * 86_400)
            # The clock was two days ahead, and is set right: somebody says so.
            reply = broker.handle(question)
            self.fails("clock", partner.read, reply)
            self.assertEqual(partner.accept_clock(BY), 0)
            rejected = partner.read(reply)
            assert isinstance(rejected, stapel.Rejection)
            self.assertEqual((rejected.code, rejected.next, rejected.hint), ("clock", stapel.Next.SET_CLOCK, False))

            self.fails("shrink", partner.replace_all, stapel.Addresses.from_texts([]), BY)
            self.assertEqual(partner.replace_all(stapel.Addresses.from_texts([]), BY, allow_shrink=True).withdrawn, 3)
            self.assertEqual(partner.withdraw(rows, BY).withdrawn, 0)
            self.assertEqual(broker.status()["policy_version"], 1)
            self.assertIsInstance(broker.release(), list)
            self.fails("folder_in_use", stapel.Broker, SANDBOX / "broker", SANDBOX / "broker/keys")
            self.fails("policy_successor", partner.adopt_policy, SANDBOX / "policy.toml")
            self.fails("io", partner.add_secret, SANDBOX / "no.secret")
        self.assertRaises(stapel.ClosedError, broker.handle, b"")
        self.assertTrue(partner.closed)

    def test_new_folders(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            self.assertRegex(stapel.Partner.init(here / "nieuw", 9), "^[0-9a-f]{64}$")
            self.fails("partner_folder", stapel.Partner.init, here / "nieuw", 9)
            self.fails("not_in_roster", stapel.Partner.join, here / "nieuw", SANDBOX / "policy.toml")
            stapel.Partner.init(here / "data", 9, keys=here / "apart")
            self.assertEqual(sorted(file.name for file in (here / "apart").iterdir()), ["journal.key", "partner.key"])
            self.assertEqual(list((here / "data").glob("*.key")), [])
            self.fails("partner_folder", stapel.Partner, here / "data")
            policy = SANDBOX / "policy.toml"
            self.fails("not_in_roster", stapel.Partner.join, here / "data", policy, keys=here / "apart")
            self.fails("io", stapel.Partner, here / "data", keys=here / "apart")
            for key in stapel.Broker.init_keys(here / "keys"):
                self.assertRegex(key, "^[0-9a-f]{64}$")
            self.fails("policy_operator", stapel.Broker.create, here / "broker", here / "keys", SANDBOX / "policy.toml")

    def test_threads_have_their_own_errors(self) -> None:
        wrong: list[str] = []

        def parse(text: str, code: str) -> None:
            for _ in range(500):
                try:
                    stapel.address(text)
                except stapel.StapelError as error:
                    if error.code != code or (code == "not_canonical") != ("bars" in str(error)):
                        wrong.append(str(error))

        threads = [
            threading.Thread(target=parse, args=case)
            for case in [("Dam 1", "no_postcode"), ("9999XA|0|", "not_canonical")] * 2
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_what_another_process_opened_is_refused_and_not_held(self) -> None:
        rows = stapel.Addresses.from_texts(["Molenstraat 12-A, 9999 XA"])

        def opened() -> tuple[stapel.Partner, stapel.Broker]:
            return stapel.Partner(SANDBOX / "partner"), stapel.Broker(SANDBOX / "broker", SANDBOX / "broker/keys")

        partner, broker = opened()
        child = os.fork()
        if child == 0:
            codes = []
            for call in (lambda: partner.flag(rows, BY), lambda: broker.release()):
                try:
                    call()
                except stapel.StapelError as error:
                    codes.append(error.code)
            os._exit(0 if codes == ["other_process", "other_process"] else 1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        # A child that never touches them does not keep them from others.
        waits, goes_on = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(goes_on)
            os.read(waits, 1)
            os._exit(0)
        os.close(waits)
        partner.close()
        broker.close()
        partner, broker = opened()
        os.close(goes_on)
        os.waitpid(child, 0)
        partner.close()
        broker.close()

    def test_processes_that_share_a_folder_all_get_through(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shared = Path(folder) / "partner"
            shutil.copytree(SANDBOX / "partner", shared)
            # Processes that begin anew: a fork of this one would not be what programs do.
            spawn = multiprocessing.get_context("spawn")
            processes = [spawn.Process(target=flag_one_by_one, args=(shared, number)) for number in range(8)]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
            self.assertEqual([process.exitcode for process in processes], [0] * 8)
            with stapel.Partner(shared) as partner:
                self.assertEqual(len(partner.flags()), 400)
                # This process has it itself, so that waiting is in vain.
                self.fails("folder_in_use", stapel.Partner, shared, wait=0)
                self.fails("folder_in_use", stapel.Partner, shared, wait=0.02)
                for wrong in (-1, -0.001, 86_401, float("inf"), float("nan")):
                    self.assertRaises(ValueError, stapel.Partner, shared, wait=wrong)
                for wrong in (True, None, "1"):
                    self.assertRaises(TypeError, stapel.Partner, shared, wait=wrong)

    def test_numbers_that_do_not_fit_are_errors(self) -> None:
        with tempfile.TemporaryDirectory() as folder, stapel.Partner(SANDBOX / "partner") as partner:
            for number in (-1, 65_536, 2**32 + 1, 2**64 + 1):
                self.assertRaises(ValueError, stapel.Partner.init, Path(folder) / "x", number)
            for now in (-1, 2**64, 2**64 + int(time.time()), -(2**63)):
                self.assertRaises(ValueError, partner.status, now=now)
            for wrong in (True, 1.5, float(time.time()), "1"):
                self.assertRaises(TypeError, partner.status, now=wrong)
                self.assertRaises(TypeError, stapel.Partner.init, Path(folder) / "x", wrong)
            self.assertEqual(list(Path(folder).iterdir()), [])
            self.fails("clock_ahead", partner.status, now=2**64 - 1)
            self.assertEqual(partner.in_flight(), [])
            rows = stapel.Addresses.from_texts(["Molenstraat 12-A, 9999 XA"] * 3)
            self.assertRaises(IndexError, lambda: rows[2**64])
            self.assertRaises(TypeError, lambda: rows[1.0])
            # Two that are the same count once.
            self.assertEqual(partner.flag(rows, BY), stapel.Changed(1, 0, 0, 0, 0, 0, 2))
            empty = stapel.Addresses.from_texts([])
            self.fails("shrink", partner.replace_all, empty, BY)
            self.assertEqual(partner.replace_all(empty, BY, allow_shrink=True).withdrawn, 1)

    def test_what_is_of_another_type_is_refused(self) -> None:
        def refuses(says: str, call: Callable[..., object], *arguments: object, **named: object) -> None:
            with self.assertRaisesRegex(TypeError, "^" + re.escape(says)):
                call(*arguments, **named)

        texts, fields = stapel.Addresses.from_texts, stapel.Addresses.from_fields
        for one in ("1012JS 1A", b"1012JS 1A", bytearray(b"1"), memoryview(b"1")):
            refuses("texts must be several texts", texts, one)
            refuses("references must be several texts", texts, ["1012JS 1A"], one)
            refuses("letters must be several texts", fields, ["1012JS"], ["1"], one, [""])
        for wrong in (None, 7, bytearray(b"1"), ["1012JS 1A"]):
            refuses("texts[1] must be a str or bytes", texts, ["1012JS 1A", wrong])
            refuses("references[1] must be a str or bytes", texts, ["1012JS 1A"] * 2, ["é", wrong])
            refuses("numbers[0] must be a str or bytes", fields, ["1012JS"], [wrong], ["A"], [""])
            refuses("text must be a str or bytes", stapel.address, wrong)
        for wrong in (None, 7, b"x"):
            refuses("actor must be a str", stapel.Case, wrong, "T-1")
            refuses("reference must be a str", stapel.Case, "tester", wrong)

        class Longer(str):
            def __len__(self) -> int:
                return 1 << 20

        self.assertEqual(texts([Longer("1012JS 1A"), "é", Longer("1012JS 2")]).canonical(), ["1012JS|1|A", None,
            "1012JS|2|"])
        rows = texts(["Molenstraat 98, 9999 XA"])
        with tempfile.TemporaryDirectory() as folder:
            copied = Path(folder) / "sandbox"
            shutil.copytree(SANDBOX, copied)
            with stapel.Partner(copied / "partner") as partner, stapel.Broker(copied / "broker",
                copied / "broker/keys") as broker:
                partner.flag(rows, BY)
                before = partner.flags().canonical()
                for flag in ("false", "", 0, 1, None, []):
                    refuses("accept_clock must be True or False", broker.release, accept_clock=flag)
                    refuses("allow_shrink must be True or False", partner.replace_all, texts([]), BY, allow_shrink=flag)
                for wrong in (None, 7, "9999XA|12|A", ["9999XA|12|A"], partner):
                    for change in (partner.flag, partner.withdraw, partner.replace_all):
                        refuses("homes must be Addresses", change, wrong, BY)
                    refuses("homes must be Addresses", partner.renew, wrong, "observed_again", BY)
                    refuses("rows must be Addresses", partner.ask, wrong, BY)
                    refuses("rows must be Addresses", partner.sweep, wrong, "reason", BY)
                    refuses("rows must be Addresses", stapel.standings, wrong, [])
                    refuses("by must be a Case", partner.flag, rows, wrong)
                    refuses("replies[0] must be a reply", stapel.standings, rows, [wrong])
                refuses("until must be a str or bytes", partner.flag, rows, BY, until=20270531)
                refuses("reason must be a str or bytes", partner.renew, rows, None, BY)
                self.assertEqual(partner.flags().canonical(), before)

                class LongerBytes(bytes):
                    def __len__(self) -> int:
                        return 1 << 20

                    def __bytes__(self) -> bytes:
                        return b""

                for wrong in (None, 7, "text", array("B", b"x"), [1, 2]):
                    refuses("message must be bytes, a bytearray or a memoryview", broker.handle, wrong)
                    refuses("message must be bytes, a bytearray or a memoryview", partner.give_up, wrong)
                    refuses("reply must be bytes, a bytearray or a memoryview", partner.read, wrong)
                messages = partner.deliver()
                self.assertGreater(len(messages), 0)
                for message in messages:
                    # Items of two bytes where the message has an even number of them.
                    wide = memoryview(message).cast("H") if len(message) % 2 == 0 else memoryview(message)
                    replies = {broker.handle(one) for one in (message, bytearray(message), LongerBytes(message), wide)}
                    self.assertEqual(len(replies), 1, "the same message has the same receipt")
                    reply = replies.pop()
                    self.assertIsInstance(partner.read(LongerBytes(reply)), stapel.Receipt)
                (question,) = partner.ask(rows, BY)
                answer = partner.read(memoryview(broker.handle(question)))
                assert isinstance(answer, stapel.Answer)
                refuses("replies[0] must be a reply", stapel.standings, rows, answer)

    def test_closing_while_others_use_it_is_safe(self) -> None:
        texts = ["Molenstraat 12-A, 9999 XA", "geen adres"] * 50
        wrong: list[object] = []
        for _ in range(20):
            partner = stapel.Partner(SANDBOX / "partner")
            broker = stapel.Broker(SANDBOX / "broker", SANDBOX / "broker/keys")
            rows = stapel.Addresses.from_texts(texts, ["Z-1 " + "x" * 100] * 100)
            [answer] = [partner.read(broker.handle(question)) for question in partner.ask(rows, BY)]
            assert isinstance(answer, stapel.Answer)

            def use() -> None:
                while True:
                    for row in rows:
                        if (row.canonical, row.reference) not in seen:
                            wrong.append(row)
                    if any(row.canonical != "9999XA|12|A" for row in answer):
                        wrong.append("another address")
                    partner.flags().close()
                    if rows.canonical()[:2] != ["9999XA|12|A", None]:
                        wrong.append("other rows")

            def until_closed() -> None:
                try:
                    use()
                except stapel.ClosedError:
                    return
                except BaseException as error:
                    wrong.append(error)

            seen = {(canonical, "Z-1 " + "x" * 100) for canonical in ("9999XA|12|A", None)}
            threads = [threading.Thread(target=until_closed) for _ in range(3)]
            for thread in threads:
                thread.start()
            time.sleep(0.005)
            for one in (rows, answer, partner, broker):
                one.close()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            self.assertEqual(stapel.open_handles(), 0)
            self.assertRaises(stapel.ClosedError, next, iter(rows))

    def test_a_conversation_after_a_hit(self) -> None:
        town = Meeting()
        police, tax, coordinator = (town.partners[number] for number in (1, 2, 6))
        self.fails("no_flag", police.put_forward, town.homes, BY, now=town.now)
        town.flag(1, 2, 3)
        town.next_day()
        self.assertEqual([police.put_forward(town.homes, BY, now=town.now) for _ in range(2)], [1, 0])
        mine = police.forwarded(BY, now=town.now)
        self.assertEqual((mine[0].canonical, mine[0].typed, mine[0].stands_until), ("1012JS|1|A", HOME, None))
        self.assertEqual((mine[0].since, mine[0].epoch, mine[0].ended, mine[0].more), (day(town.now), 1, False, []))
        self.fails("not_put_forward", tax.answer, "1012JS|1|A", "join", BY, now=town.now)

        # The others who flag it are asked.
        town.until(lambda: tax.asked(BY, now=town.now))
        self.assertGreater(police.forwarded(BY, now=town.now)[0].stands_until or day(0), day(town.now))
        news = tax.talk_news(BY, now=town.now)
        asked = stapel.TalkNewsKind.ASKED
        self.assertEqual([(one.kind, one.canonical, one.conversation) for one in news], [(asked, "1012JS|1|A", None)])
        self.assertEqual(tax.talk_news(BY, now=town.now), [], "it is told once")
        one = tax.asked(BY, now=town.now)[0]
        self.assertEqual((one.typed, one.answer, one.is_put_forward), (HOME, None, False))
        self.assertGreater(one.answer_by, one.day)
        self.fails("invalid_argument", tax.answer, one.canonical, "yes", BY, now=town.now)
        self.fails("not_canonical", tax.answer, HOME, "join", BY, now=town.now)
        tax.answer(one.canonical, "join", BY, now=town.now)
        one = tax.asked(BY, now=town.now)[0]
        self.assertEqual((one.answer, one.answered, one.is_put_forward), ("join", day(town.now), True))

        # Those who agreed are introduced, and the coordinator is told the address by them.
        town.until(lambda: tax.conversations(BY, now=town.now))
        town.until(lambda: len(coordinator.agenda(BY, now=town.now)[0].joined) == 2)
        item = coordinator.agenda(BY, now=town.now)[0]
        self.assertEqual((item.is_new, item.lead, item.decision, item.outcome), (True, None, None, None))
        self.assertEqual(item.addresses, [("1012JS|1|A", HOME)])
        self.assertEqual((item.waits_for, item.ended, item.left), ("first_decision", None, []))
        self.assertEqual([joined.partner for joined in item.joined], [1, 2])
        talk = police.conversations(BY, now=town.now)[0]
        self.assertEqual((talk.canonical, talk.typed, talk.lead, talk.left), ("1012JS|1|A", HOME, None, None))
        met = {one.partner: one.organisation for one in talk.introduced}
        self.assertEqual(met, {2: "belastingdienst", 6: "coordinatiepunt"})
        self.assertEqual([one.name for one in talk.introduced if one.partner == 2], ["System 2"])
        theirs = tax.conversations(BY, now=town.now)[0].number

        # Notes, who leads, a decision, an outcome.
        self.fails("no_conversation", police.write_text, 99, "x", BY, now=town.now)
        self.fails("note_text", police.write_text, talk.number, " ", BY, now=town.now)
        self.fails("not_leading", police.write_lead, talk.number, 2, BY, now=town.now)
        self.fails("not_permitted", police.write_decision, talk.number, "x", BY, now=town.now)
        self.assertRaises(ValueError, police.write_text, talk.number, "x", BY, to=65_536, now=town.now)
        self.assertRaises(ValueError, police.leave, -1, BY, now=town.now)
        self.assertRaises(TypeError, police.write_text, talk.number, 1, BY, now=town.now)
        police.write_text(talk.number, "Wij gaan kijken", BY, to=2, now=town.now)
        police.write_lead(talk.number, 1, BY, text="Politie", now=town.now)
        said = police.conversations(BY, number=talk.number, now=town.now)[0].notes[-2]
        self.assertEqual((said.kind, said.from_, said.text), (stapel.NoteKind.TEXT, None, "Wij gaan kijken"))
        self.assertEqual(said.copies, [stapel.NoteCopy(2, stapel.NoteProgress.WAITING, None, None)])
        self.assertNotIn("kijken", repr(said))
        town.until(lambda: tax.conversations(BY, number=theirs, now=town.now)[0].lead == 1)
        news = [one for one in tax.talk_news(BY, now=town.now) if one.kind == stapel.TalkNewsKind.NOTE]
        about = {(one.canonical, one.typed, one.actor, one.case_reference) for one in news}
        self.assertEqual(about, {("1012JS|1|A", HOME, BY.actor, BY.reference)}, "what it is about, and for which case")
        heard = [note for note in tax.conversations(BY, number=theirs, now=town.now)[0].notes if note.from_ == 1]
        self.assertEqual([note.text for note in heard], ["Wij gaan kijken", "Politie"])
        self.assertEqual((heard[1].kind, heard[1].lead), (stapel.NoteKind.LEAD, 1))
        look = day(town.now + 7 * 86_400)
        number = coordinator.agenda(BY, now=town.now)[0].conversation
        later = datetime.datetime(2027, 1, 31, tzinfo=datetime.timezone.utc)
        self.assertRaises(TypeError, coordinator.write_decision, number, "x", BY, next=later, now=town.now)
        coordinator.write_decision(number, "Belastingdienst leidt", BY, lead=2, next=look, now=town.now)
        town.until(lambda: police.conversations(BY, now=town.now)[0].decision)
        talk = police.conversations(BY, now=town.now)[0]
        self.assertEqual((talk.decision, talk.lead, talk.next), ("Belastingdienst leidt", 2, look))
        item = coordinator.agenda(BY, now=town.now)[0]
        self.assertEqual((item.is_new, item.lead, item.decision, item.next), (False, 2, "Belastingdienst leidt", look))
        self.fails("invalid_argument", tax.write_outcome, theirs, "done", BY, now=town.now)
        tax.write_outcome(theirs, "nothing_found", BY, text="Niets", now=town.now)
        town.until(lambda: police.conversations(BY, now=town.now)[0].outcome)
        self.assertEqual(police.conversations(BY, now=town.now)[0].outcome, "nothing_found")

        # Who leaves is not written to any more.
        tax.leave(theirs, BY, now=town.now)
        self.fails("no_conversation", tax.leave, theirs, BY, now=town.now)
        self.assertEqual(tax.conversations(BY, now=town.now)[0].left, day(town.now))
        left = stapel.TalkNewsKind.LEFT
        town.until(lambda: left in [one.kind for one in police.talk_news(BY, now=town.now)])
        item = coordinator.agenda(BY, now=town.now)[0]
        self.assertEqual([(one.partner, one.since) for one in item.left], [(2, None)])
        self.assertEqual([one.partner for one in item.joined], [1])
        self.fails("no_conversation", police.write_text, talk.number, "x", BY, to=2, now=town.now)
        self.assertEqual(police.take_back(town.homes, BY, now=town.now), 1)
        self.assertEqual(police.forwarded(BY, now=town.now), [])

        # The year, once it is over.
        all_ways = ["open", "taken_up_together", "taken_up_by_one", "not_taken_up", "nothing_found"]
        self.assertEqual(police.year_cells(2026), [stapel.YearCell(all_ways, 0)])
        self.fails("not_permitted", police.report_year, 2026, now=town.now)
        town.now += 30 * 86_400
        town.broker.release(accept_clock=True, now=town.now)
        [kept] = town.carry(police, police.report_year(2026, now=town.now))
        self.assertIsInstance(kept, stapel.Talked)
        self.assertEqual((kept.kind, kept.kept, kept.totals), (stapel.TalkedKind.KEPT, 0, None))
        self.fails("year_reported", police.report_year, 2026, now=town.now)
        self.fails("not_permitted", police.totals, now=town.now)
        town.close()

    def test_totals(self) -> None:
        folder, later = SANDBOX / "meeting/totals", 1_796_126_400 + 86_400
        with stapel.Partner(folder / "1") as partner, stapel.Broker(folder / "broker", folder / "keys") as broker:
            [message] = partner.totals(now=later)
            self.assertEqual(partner.totals(now=later + 60), [message], "until its reply was read")
            reply = partner.read(broker.handle(message, now=later), now=later)
            assert isinstance(reply, stapel.Talked) and reply.totals is not None
            self.assertEqual(reply.kind, stapel.TalkedKind.TOTALS)
            self.assertEqual((reply.totals.year, reply.totals.quarter, reply.totals.flags), (2026, 4, 240))
            self.assertEqual(reply.totals.cells, [stapel.TotalsCell(2, None, 70)])

    def test_what_is_collected_is_freed(self) -> None:
        rows = stapel.Addresses.from_texts(["Dam 1-a, 1012 JS Amsterdam"])
        del rows
        gc.collect()
        self.assertEqual(stapel.open_handles(), 0)


if __name__ == "__main__":
    unittest.main()
