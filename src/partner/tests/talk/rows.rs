//! Putting forward, taking back, and being asked.

use super::*;
use crate::message::{Totals, TotalsCell, Year, YearCell};

#[test]
fn what_is_put_forward_is_said_once_a_day_also_where_it_is_nothing() {
    let mut town = Town::new();
    let nothing = town.keep(POLICE, NOW);
    assert_eq!((nothing.rows.len(), nothing.last_day), (0, NOW.day().plus(14)));
    assert_eq!(town.run(POLICE, NOW), [Kind::Exchange; 2], "it is said");
    let said = town.put_forward(POLICE, 1, NOW);
    assert_eq!(said.receivers, [TAX, COORDINATOR], "the one that it meets directly, and the coordinator");
    assert_eq!((said.rows.len(), said.last_day), (1, NOW.day().plus(14)));
    let tomorrow = NOW.plus(DAY);
    assert_eq!(town.keep(POLICE, tomorrow).last_day, NOW.day().plus(15), "it is said anew each day");
    assert_eq!(town.run(POLICE, tomorrow), [Kind::Exchange; 2]);
    let rows: Vec<_> = town.partner(POLICE).put_forward_rows().collect();
    assert_eq!(rows[0].stands_until, Some(NOW.day().plus(15)));
    assert_eq!((rows[0].address, rows[0].since), (homes(1..2)[0], NOW.day()));
    assert_eq!(town.partner(POLICE).take_back(homes(1..3), &by(), tomorrow).unwrap(), 1);
    assert_eq!(town.run(POLICE, tomorrow), [], "that it was taken back waits for the next day's");
    assert_eq!(town.run(POLICE, tomorrow.plus(DAY)), [Kind::PutForward, Kind::Exchange, Kind::Exchange]);
}

#[test]
fn only_own_flags_that_the_broker_holds_are_put_forward_and_they_end_with_the_flag() {
    let mut town = Town::new();
    let police = town.partner(POLICE);
    assert_eq!(code(police.put_forward(homes(1..2), &by(), NOW)), "no_flag");
    police.flag(homes(1..3), &by(), NOW).unwrap();
    assert_eq!(police.put_forward(homes(1..3), &by(), NOW).unwrap(), 2);
    assert_eq!(police.put_forward(homes(1..3), &by(), NOW).unwrap(), 0);
    town.partner(POLICE).resume_talk(TalkRun::after_delivery());
    assert_eq!(town.keep(POLICE, NOW).rows.len(), 0, "the broker has no flag of it");
    assert!(town.partner(POLICE).put_forward_rows().all(|row| row.stands_until.is_none()));
    town.play(POLICE).deliver(NOW);
    assert_eq!(town.keep(POLICE, NOW).rows.len(), 2);
    town.partner(POLICE).withdraw(homes(1..2), &by(), NOW).unwrap();
    assert_eq!(town.keep(POLICE, NOW).rows.len(), 1);
    town.partner(POLICE).flag(homes(1..2), &by(), NOW).unwrap();
    town.play(POLICE).deliver(NOW);
    assert_eq!(town.partner(POLICE).put_forward_rows().count(), 1, "flagged again it is not put forward again");
}

/// Whether a day's flags are delivered before what comes after a hit is sent, or after it, comes to the same.
#[test]
fn what_is_put_forward_waits_on_a_day_for_the_delivery_of_its_flags() {
    let mut town = Town::new();
    let begin = |town: &mut Town, home: u32, now: Timestamp| {
        let police = town.partner(POLICE);
        police.flag(homes(home..home + 1), &by(), now).unwrap();
        police.put_forward(homes(home..home + 1), &by(), now).unwrap();
    };
    // The first full set, and a delta.
    for (home, days) in [(1, 0), (2, 1)] {
        let now = NOW.plus(days * DAY);
        begin(&mut town, home, now);
        assert!(town.partner(POLICE).put_forward_waits(now.day()));
        assert_eq!(town.run(POLICE, now), [Kind::Exchange; 2], "all else goes");
        let messages = town.partner(POLICE).deliver(now).unwrap();
        assert_eq!(town.run(POLICE, now), [], "its reply was not read yet");
        town.play(POLICE).carry(messages, now);
        assert!(!town.partner(POLICE).put_forward_waits(now.day()));
        let message = town.partner(POLICE).talk(now).unwrap().unwrap();
        assert_eq!(forwarded(POLICE, &message).rows.len(), home as usize);
        assert_eq!(town.run(POLICE, now), [Kind::PutForward]);
    }
    // What was taken back waits for nothing, nor does a program wait that delivered before, whatever came of it.
    let now = NOW.plus(2 * DAY);
    begin(&mut town, 3, now);
    town.partner(POLICE).take_back(homes(1..2), &by(), now).unwrap();
    assert_eq!(forwarded(POLICE, &town.partner(POLICE).talk(now).unwrap().unwrap()).rows.len(), 1);
    town.run(POLICE, now);
    let now = NOW.plus(3 * DAY);
    town.partner(POLICE).resume_talk(TalkRun::after_delivery());
    assert_eq!(town.run(POLICE, now), [Kind::PutForward, Kind::Exchange, Kind::Exchange]);
    // Nor is a flag waited for that the day's budget has no room for.
    let now = NOW.plus(4 * DAY);
    begin(&mut town, 4, now);
    let message = town.partner(POLICE).deliver(now).unwrap().remove(0);
    let spent = Rejection::new(Code::OverBudget, 0, "the day's new flags are spent");
    drop(town.reply(POLICE, &message, Reply::Rejection(spent), now).unwrap());
    assert!(!town.partner(POLICE).put_forward_waits(now.day()));
    assert!(town.partner(POLICE).put_forward_waits(now.day().plus(1)), "there is room for it then");
}

#[test]
fn without_certificates_nothing_is_put_forward() {
    let mut town = Town::without_certificates();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..2), &by(), NOW).unwrap();
    police.deliver(NOW);
    police.partner.put_forward(homes(1..2), &by(), NOW).unwrap();
    assert!(town.keep(POLICE, NOW).receivers.is_empty());
    let own = certified(&town.plays[&POLICE].partner, 1, 1);
    let tax = certified(&town.plays[&TAX].partner, 1, 1);
    town.partner(POLICE).take_certificates([tax]).unwrap();
    assert!(town.keep(POLICE, NOW).receivers.is_empty(), "nobody knows its own seal key");
    town.partner(POLICE).take_certificates([own]).unwrap();
    assert_eq!(town.keep(POLICE, NOW).receivers, [TAX]);
    // A certificate that comes later is a code more.
    let coordinator = certified(&town.plays[&COORDINATOR].partner, 1, 1);
    town.partner(POLICE).take_certificates([coordinator]).unwrap();
    assert_eq!(town.keep(POLICE, NOW).receivers, [TAX, COORDINATOR]);
}

/// What its organisation's other partners spent a partner does not know before it is told.
#[test]
fn what_is_over_budget_goes_as_far_as_there_is_room_and_then_without_what_is_new() {
    let mut town = Town::new();
    town.put_forward(POLICE, 9, NOW);
    let police = town.play(POLICE);
    police.partner.flag(homes(1..6), &by(), NOW).unwrap();
    police.deliver(NOW);
    police.partner.put_forward(homes(1..6), &by(), NOW).unwrap();
    let day = |days: u64| NOW.plus(days * DAY);
    let message = town.next(POLICE, Kind::PutForward, day(1));
    assert_eq!(forwarded(POLICE, &message).rows.len(), 6);
    let mut refused = message;
    for (left, expected) in [(2, 3), (1, 1)] {
        let rejection = Reply::Rejection(Rejection::new(Code::OverBudget, left, "too many"));
        let received = town.reply(POLICE, &refused, rejection, day(1)).unwrap();
        assert!(matches!(received, Received::Rejection { next: Next::Wait, .. }));
        refused = town.partner(POLICE).talk(day(1)).unwrap().unwrap();
        assert_eq!(forwarded(POLICE, &refused).rows.len(), expected, "{left} are left");
    }
    // Without new rows there is nothing to make less of it: it is said once a day.
    let rejection = Reply::Rejection(Rejection::new(Code::OverBudget, 0, "today it was"));
    drop(town.reply(POLICE, &refused, rejection, day(1)).unwrap());
    assert_eq!(town.run(POLICE, day(1)), [Kind::Exchange; 2]);
    let waiting =
        |town: &mut Town| town.partner(POLICE).put_forward_rows().filter(|row| row.stands_until.is_none()).count();
    assert_eq!(waiting(&mut town), 5);
    // What stands goes in any case, and what comes of it says how much there is room for.
    for (days, expected, held_left) in [(2, 1, 2), (3, 3, 0), (4, 3, 100), (5, 6, 97)] {
        let message = town.next(POLICE, Kind::PutForward, day(days));
        let rows = forwarded(POLICE, &message).rows.len() as u32;
        assert_eq!(rows, expected, "day {days}");
        let kept = Kept { log: LogEntry::NONE, kept: rows, unflagged: 0, new: 0, new_left: 0, held_left };
        drop(town.reply(POLICE, &message, Reply::Kept(kept), day(days)).unwrap());
        town.run(POLICE, day(days));
    }
    assert_eq!(waiting(&mut town), 0);
}

#[test]
fn nothing_is_done_by_seeing_what_would_be() {
    let mut town = Town::new();
    town.play(POLICE).partner.flag(homes(1..3), &by(), NOW).unwrap();
    let police = town.partner(POLICE);
    let length = police.journal_length();
    assert_eq!(police.preview_put_forward(homes(1..3), NOW).unwrap(), 2);
    assert_eq!(code(police.preview_put_forward(homes(1..4), NOW).map(drop)), "no_flag");
    assert_eq!(code(police.preview_put_forward(homes(1..2), NOW.plus(4_000 * DAY)).map(drop)), "clock_ahead");
    assert_eq!(police.preview_take_back(homes(1..3), NOW).unwrap(), 0);
    assert_eq!(code(police.preview_answer(&homes(1..2)[0], AskAnswer::Join, NOW)), "not_put_forward");
    assert_eq!(code(police.preview_leave(1, NOW)), "no_conversation");
    assert_eq!(police.journal_length(), length);
    police.put_forward(homes(1..2), &by(), NOW).unwrap();
    assert_eq!(police.preview_put_forward(homes(1..3), NOW).unwrap(), 1);
    assert_eq!(police.preview_take_back(homes(1..3), NOW).unwrap(), 1);
    // A flag that has ended in the meantime, of which nothing is on disk yet.
    let last_day: Day = "2026-12-31".parse().unwrap();
    police.flag_until(homes(1..2), last_day, &by(), NOW).unwrap();
    let ended = last_day.plus(1).start();
    assert_eq!(code(police.preview_put_forward(homes(1..2), ended).map(drop)), "no_flag");
    assert_eq!(police.preview_take_back(homes(1..3), ended).unwrap(), 0);
    let without = &mut Play::new().partner;
    without.flag(homes(1..2), &by(), NOW).unwrap();
    assert_eq!(code(without.preview_put_forward(homes(1..2), NOW).map(drop)), "not_permitted");
    let coordinator = town.partner(COORDINATOR);
    assert_eq!(code(coordinator.preview_put_forward(homes(1..2), NOW).map(drop)), "not_permitted");
    assert_eq!(code(coordinator.preview_answer(&homes(1..2)[0], AskAnswer::Join, NOW)), "not_permitted");
}

/// Nothing on disk says that it is no longer shown.
#[test]
fn what_was_asked_long_ago_is_not_answered_and_nor_does_its_preview_say_so() {
    let mut town = Town::new();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..2), &by(), NOW).unwrap();
    police.deliver(NOW);
    let answer_by = NOW.day().plus(5);
    town.tell(POLICE, subject(1), NOW.day(), EntryKind::Asked { answer_by });
    town.exchange(POLICE, NOW);
    let [one] = [homes(1..2)[0]];
    let police = town.partner(POLICE);
    let last = NOW.plus(35 * DAY);
    for (now, expected) in [(last, None), (last.plus(DAY), Some("not_put_forward"))] {
        for answer in [AskAnswer::NotNow, AskAnswer::Join] {
            let would = police.preview_answer(&one, answer, now).err().map(|error| error.code());
            let length = police.journal_length();
            let does = police.answer(&one, answer, &by(), now).err().map(|error| error.code());
            assert_eq!((would, does), (expected, expected), "{answer:?} at {now}");
            assert_eq!(police.journal_length() == length, expected.is_some());
        }
    }
}

#[test]
fn a_message_in_flight_comes_again() {
    let mut town = Town::new();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..2), &by(), NOW).unwrap();
    police.deliver(NOW);
    police.partner.put_forward(homes(1..2), &by(), NOW).unwrap();
    let message = police.partner.talk(NOW).unwrap().unwrap();
    assert_eq!(town.partner(POLICE).talk(NOW).unwrap().as_ref(), Some(&message));
    town.reopen(POLICE);
    assert_eq!(town.partner(POLICE).talk(NOW).unwrap().as_ref(), Some(&message));
    let january = "2027-01-02".parse::<Day>().unwrap().start();
    assert_eq!(code(town.partner(POLICE).report_year(2_026, january)), "talk_in_flight");
    let other = Rejection::new(Code::Unavailable, 0, "later");
    drop(town.reply(POLICE, &message, Reply::Rejection(other), NOW).unwrap());
    assert_eq!(town.partner(POLICE).talk(NOW).unwrap(), None, "not in this run");
    assert_eq!(town.partner(POLICE).talk(NOW).unwrap().as_ref(), Some(&message));
}

#[test]
fn a_kept_counts_the_rows_of_its_message() {
    let mut town = Town::new();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..2), &by(), NOW).unwrap();
    police.deliver(NOW);
    police.partner.put_forward(homes(1..2), &by(), NOW).unwrap();
    let message = police.partner.talk(NOW).unwrap().unwrap();
    let kept = Kept { log: LogEntry::NONE, kept: 2, unflagged: 0, new: 2, new_left: 20, held_left: 200 };
    assert_eq!(code(town.reply(POLICE, &message, Reply::Kept(kept), NOW)), "unexpected_reply");
    assert_eq!(town.keep(POLICE, NOW).rows.len(), 1);
}

#[test]
fn who_is_asked_joins_or_does_not() {
    let mut town = Town::new();
    for home in [1, 2, 3] {
        let police = town.play(POLICE);
        police.partner.flag(homes(home..home + 1), &by(), NOW).unwrap();
        police.deliver(NOW);
    }
    let tomorrow = NOW.plus(DAY);
    let answer_by = tomorrow.day().plus(5);
    for home in [1, 2, 3, 9] {
        town.tell(POLICE, subject(home), tomorrow.day(), EntryKind::Asked { answer_by });
    }
    let (_, posted) = town.exchange(POLICE, tomorrow);
    assert_eq!(posted.passed_over, 1, "9 is not flagged here");
    assert_eq!(posted.news.len(), 3);
    let shown = format!("{posted:?}{:?}", town.partner(POLICE).asked().collect::<Vec<_>>());
    assert!(!shown.contains("1012JS"), "{shown}");
    let [one, two, three] = [1, 2, 3].map(|home| homes(home..home + 1)[0]);
    let police = town.partner(POLICE);
    police.answer(&one, AskAnswer::Join, &by(), tomorrow).unwrap();
    police.answer(&two, AskAnswer::NotNow, &by(), tomorrow).unwrap();
    police.answer(&three, AskAnswer::Review, &by(), tomorrow).unwrap();
    assert_eq!(code(police.answer(&homes(9..10)[0], AskAnswer::Join, &by(), tomorrow)), "not_put_forward");
    let answers: Vec<_> = police.asked().map(|asked| (asked.answer.unwrap().0, asked.is_put_forward)).collect();
    assert_eq!(answers, [(AskAnswer::Join, true), (AskAnswer::NotNow, false), (AskAnswer::Review, false)]);
    let said = town.keep(POLICE, tomorrow);
    assert!(said.rows.iter().map(|(row, _)| *row).eq([pseudonym(1)]), "of the others the broker hears nothing");
    // Whoever joined and thinks better of it takes it back.
    let police = town.partner(POLICE);
    police.answer(&one, AskAnswer::Review, &by(), tomorrow).unwrap();
    assert_eq!((police.put_forward_rows().count(), police.asked().next().unwrap().is_put_forward), (0, false));
    police.answer(&one, AskAnswer::Join, &by(), tomorrow).unwrap();
    // Asked again after a turn at which no row stood, it is open again; told twice it is not.
    town.tell(POLICE, subject(2), tomorrow.day(), EntryKind::Asked { answer_by });
    town.tell(POLICE, subject(3), tomorrow.day().plus(3), EntryKind::Asked { answer_by: answer_by.plus(3) });
    town.exchange(POLICE, tomorrow.plus(3 * DAY));
    let answers: Vec<_> = town.partner(POLICE).asked().map(|asked| asked.answer.map(|(answer, _)| answer)).collect();
    assert_eq!(answers, [Some(AskAnswer::Join), Some(AskAnswer::NotNow), None]);
    let long_after = Timestamp(u64::from(answer_by.0 + 31) * DAY);
    pass(town.partner(POLICE), long_after);
    assert_eq!(town.partner(POLICE).asked().count(), 1, "what was asked long ago is no longer shown");
}

#[test]
fn a_policy_without_meet_has_none_of_this() {
    let mut play = Play::new();
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    assert_eq!(code(play.partner.put_forward(homes(1..2), &by(), NOW)), "not_permitted");
    assert_eq!(play.partner.talk(NOW).unwrap(), None);
    assert_eq!(code(play.partner.report_year(2_025, NOW)), "not_permitted");
    assert_eq!(code(play.partner.totals_request(NOW)), "not_permitted");
}

#[test]
fn a_pilot_is_told_totals() {
    let text = policy_text().replace("threshold = 2", "threshold = 2\nanswers = \"totals\"");
    let mut play = Play::under(&text);
    let message = play.partner.totals_request(NOW).unwrap();
    assert_eq!(play.partner.totals_request(NOW).unwrap(), message);
    let (release, as_of, year, quarter) = (4, NOW, 2026, 4);
    let cells = vec![TotalsCell { from: 2, to: 0, number: 10 }];
    let totals = Totals { log: LogEntry::NONE, release, as_of, year, quarter, flags: 120, cells };
    let bytes = play.broker.reply(&message, Reply::Totals(totals));
    let Received::Totals(told) = play.partner.read(&bytes, NOW).unwrap() else { panic!("they are totals") };
    assert_eq!((told.flags, told.cells.len()), (120, 1));
    assert_ne!(play.partner.totals_request(NOW).unwrap(), message);
}

/// Nothing else says which epoch answers, where no question may be asked.
#[test]
fn totals_are_asked_for_in_the_epoch_that_answers() {
    let text = policy_text().replace("threshold = 2", "threshold = 2\nanswers = \"totals\"");
    let mut play = Play::under(&text);
    let outside = tempfile::tempdir().unwrap();
    sample::secret_file(2).create(&outside.path().join("two")).unwrap();
    play.partner.add_secret(&outside.path().join("two")).unwrap();
    let now = "2027-06-02".parse::<Day>().unwrap().start();
    pass(&mut play.partner, now);
    let epoch = |message: &[u8]| Unverified::parse(message, Role::Partner).unwrap().unverified_header().epoch;
    let message = play.partner.totals_request(now).unwrap();
    assert_eq!(epoch(&message), 2, "the newest, as nothing is known");
    let refused = Rejection::new(Code::OtherEpoch, 1, "ask in that one");
    let bytes = play.broker.reply(&message, Reply::Rejection(refused));
    assert!(matches!(play.partner.read(&bytes, now).unwrap(), Received::Rejection { next: Next::Again, .. }));
    let message = play.partner.totals_request(now).unwrap();
    assert_eq!(epoch(&message), 1);
    // None answers, or the broker was put back in this quarter: it is asked again later, and in the same one.
    let refused = Rejection::new(Code::NotYetAnswering, 0, "later");
    let bytes = play.broker.reply(&message, Reply::Rejection(refused));
    assert!(matches!(play.partner.read(&bytes, now).unwrap(), Received::Rejection { next: Next::Wait, .. }));
    assert_eq!(epoch(&play.partner.totals_request(now).unwrap()), 1);
}

#[test]
fn a_year_is_reported_once_it_is_over_and_once() {
    let mut town = Town::introduced();
    let police = town.partner(POLICE);
    assert_eq!(police.year_cells(2026), [YearCell { ways: 0x1f, number: 0 }], "there is one");
    assert_eq!(code(police.report_year(2026, NOW.plus(2 * DAY))), "not_permitted");
    let over = NOW.plus(30 * DAY);
    let message = police.report_year(2026, over).unwrap();
    assert_eq!(police.report_year(2026, over).unwrap(), message);
    let error = police.report_year(2025, over).unwrap_err();
    assert_eq!(error.code(), "not_permitted");
    assert!(error.to_string().contains("could be reported until 2026-12-31"), "{error}");
    assert!(police.reported_years().is_empty(), "the broker has not replied");
    let Request::Year(Year { year, cells }) = verified(POLICE, &message).request().unwrap() else { panic!() };
    assert_eq!((year, cells), (2026, vec![YearCell { ways: 0x1f, number: 0 }]));
    let kept = Kept { log: LogEntry::NONE, kept: 0, unflagged: 0, new: 0, new_left: 0, held_left: 0 };
    let wrong = Kept { kept: 1, ..kept };
    assert_eq!(code(town.reply(POLICE, &message, Reply::Kept(wrong), over)), "unexpected_reply");
    drop(town.reply(POLICE, &message, Reply::Kept(kept), over).unwrap());
    town.reopen(POLICE);
    let police = town.partner(POLICE);
    assert_eq!(code(police.report_year(2026, over)), "year_reported");
    let cells = vec![YearCell { ways: 0x1f, number: 0 }];
    assert_eq!(police.reported_years(), [TalkYear { year: 2026, day: over.day(), cells: cells.clone() }]);
    // What is said of its conversations later changes nothing of what was reported.
    let outcome = NewNote::Outcome { outcome: crate::talk::Outcome::Together, text: "" };
    police.write_note(1, &outcome, &by(), over).unwrap();
    assert_eq!(police.reported_years()[0].cells, cells);
    let next_year = over.plus(366 * DAY);
    pass(police, next_year);
    assert_eq!(code(police.report_year(2026, next_year)), "year_reported", "also when it is too late");
}
