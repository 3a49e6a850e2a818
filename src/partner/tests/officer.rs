//! What a privacy officer gets of a journal: who did what for which case, and a year in numbers.

use super::*;
use crate::message::RenewalReason;

fn at(text: &str) -> Timestamp {
    text.parse::<Day>().unwrap().start()
}

fn officer() -> Case {
    Case::new("f.officer", "AUDIT-1").unwrap()
}

fn kinds(acts: &[Act]) -> Vec<&ActKind> {
    acts.iter().map(|act| &act.kind).collect()
}

#[test]
fn a_search_finds_what_was_done_by_whom_and_for_what_and_is_an_act_itself() {
    let mut play = Play::new();
    let other = Case::new("p.smit", "Z-2").unwrap();
    let (first, second) = (homes(1..3), homes(3..4));
    play.partner.flag(first.clone(), &by(), NOW).unwrap();
    play.partner.flag(second.clone(), &other, NOW).unwrap();
    play.deliver(NOW);
    let question = play.partner.ask(second.clone(), &other, NOW).unwrap();
    play.carry(question, NOW);
    let mut search = |query: &ActQuery| play.partner.acts(query, &officer(), NOW).unwrap();

    let acts = search(&ActQuery { actor: Some(" p.smit ".into()), ..ActQuery::default() });
    let asked = ActKind::Asked { epoch: 1, number: 1, sweep: None };
    let answered = ActKind::Answered { epoch: 1, number: 1 };
    assert_eq!(kinds(&acts), [&ActKind::Flagged, &asked, &answered], "an answer is of who asked");
    assert!(acts.iter().all(|act| act.by.as_ref() == Some(&other) && act.addresses == second));

    let acts = search(&ActQuery { case: Some(by().reference().to_owned()), ..ActQuery::default() });
    assert_eq!((kinds(&acts), &acts[0].addresses), (vec![&ActKind::Flagged], &first));
    assert_eq!(search(&ActQuery { actor: Some("p.smit".into()), case: Some("Z".into()), ..ActQuery::default() }), []);

    // At both levels, and no other address of the same act.
    let number = ActQuery { address: Some(first[0].number_key()), ..ActQuery::default() };
    let acts = search(&number);
    assert_eq!((kinds(&acts), &acts[0].addresses[..]), (vec![&ActKind::Flagged], &first[..1]));
    let acts = search(&ActQuery { address: Some(first[0]), ..ActQuery::default() });
    assert_eq!(kinds(&acts), [&ActKind::Flagged, &ActKind::Queried(number)]);

    // Days, from the first to the last, both counted.
    let today = NOW.day();
    let days = |from, to| ActQuery { from, to, actor: Some("p.smit".into()), ..ActQuery::default() };
    assert_eq!(search(&days(Some(today), Some(today))).len(), 3);
    assert_eq!(search(&days(Some(today.plus(1)), None)), []);
    assert_eq!(search(&days(None, Some(Day(today.0 - 1)))), []);

    // All of it, with what no person did, and each of the searches.
    let all = search(&ActQuery::default());
    assert!(kinds(&all).contains(&&ActKind::Accepted) && kinds(&all).contains(&&ActKind::Delivered(1)));
    let looked: Vec<_> = all.iter().filter(|act| matches!(act.kind, ActKind::Queried(_))).collect();
    assert!(looked.len() == 8 && looked.iter().all(|act| act.by.as_ref() == Some(&officer())));
    // Those about its number key are looks at its homes.
    let events: Vec<_> = dossier(&mut play, &first[0]).into_iter().map(|entry| entry.event).collect();
    assert_eq!(events[1..], [DossierEvent::LookedUp, DossierEvent::LookedUp]);
}

#[test]
fn a_search_is_in_the_journal_before_anything_is_shown() {
    let mut play = Play::new();
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    files::crash::after(Some(0));
    let shown = play.partner.acts(&ActQuery::default(), &officer(), NOW);
    files::crash::after(None);
    assert_eq!(code(shown), "io");
    let mut play = play.reopen();
    let by = "the acting user that is searched for (--by) cannot be used";
    let case_for = "the case that is searched for (--for) cannot be used";
    for (actor, case, said) in [("", "1", by), ("a\nb", "1", by), ("a", " ", case_for)] {
        let query = ActQuery { actor: Some(actor.into()), case: Some(case.into()), ..ActQuery::default() };
        let error = play.partner.acts(&query, &officer(), NOW).unwrap_err();
        assert!(error.code() == "case" && error.to_string().starts_with(said), "{error}");
    }
    assert_eq!(code(play.partner.acts(&ActQuery::default(), &officer(), Timestamp(NOW.0 * 1000))), "clock_ahead");
    assert_eq!(play.partner.journal_length(), 1);
}

#[test]
fn a_request_by_a_data_subject_is_noted_and_then_its_answer() {
    let mut play = Play::new();
    let (first, second) = (officer(), Case::new("f.officer", "REQUEST-2").unwrap());
    let day = NOW.day();
    let came = Day(day.0 - 3);
    let mut note = |received, answered: Option<(Day, RequestAnswer)>, by: &Case| {
        let answered = answered.map(|(day, answer)| RequestAnswered { day, answer });
        play.partner.note_data_subject_request(received, answered, by, NOW)
    };
    for (received, answered) in [
        (day.plus(1), None),
        (came, Some((Day(came.0 - 1), RequestAnswer::Told))),
        (came, Some((day.plus(1), RequestAnswer::Told))),
    ] {
        assert_eq!(code(note(received, answered, &first)), "not_permitted");
    }
    note(came, None, &first).unwrap();
    note(day, None, &second).unwrap();
    note(came, Some((day, RequestAnswer::NothingKnown)), &first).unwrap();
    let play = play.reopen();
    let [one, other] = &play.partner.data_subject_requests().unwrap()[..] else { panic!("two requests") };
    assert_eq!((one.by.reference(), one.received, other.by.reference()), ("AUDIT-1", came, "REQUEST-2"));
    assert_eq!(one.answered, Some(RequestAnswered { day, answer: RequestAnswer::NothingKnown }));
    assert_eq!((other.answered, other.answer_by().to_string().as_str()), (None, "2027-01-15"));
    assert_eq!(play.partner.journal_length(), 3, "to look at them is no act");
}

#[test]
fn a_year_is_counted_and_adds_up() {
    let mut play = Play::new();
    play.partner.flag(homes(1..6), &by(), NOW).unwrap();
    // Once more: two stand already.
    play.partner.flag(homes(4..8), &by(), NOW).unwrap();
    play.partner.withdraw(homes(1..2), &by(), NOW).unwrap();
    play.deliver(NOW);
    let report = play.partner.year_report(2026, NOW.day()).unwrap();
    let total = report.total();
    assert_eq!((report.held_before, total.flagged, total.withdrawn, report.held), (0, 7, 1, 6));
    assert_eq!((report.months.len(), report.until), (12, NOW.day()));
    assert_eq!(report.months[11].flagged, 7);
    assert_eq!(code(play.partner.year_report(2027, NOW.day())), "not_permitted");

    // In the next year: one is renewed, five end after 2027-05-31, and one of these stands again.
    let later = at("2027-05-20");
    pass(&mut play.partner, later);
    let reason = RenewalReason::ObservedAgain;
    play.partner.renew(homes(2..3), reason, &by(), later).unwrap();
    let june = at("2027-06-10");
    play.partner.renew(homes(3..4), reason, &by(), june).unwrap();
    play.partner.dossier(&homes(3..4)[0], &officer(), june).unwrap();
    play.partner.acts(&ActQuery::default(), &officer(), june).unwrap();
    let report = play.partner.year_report(2027, june.day()).unwrap();
    let total = report.total();
    assert_eq!((report.held_before, report.held), (6, 2));
    assert_eq!((total.renewed[&reason], total.resumed, total.ended), (2, 1, 5));
    assert_eq!((total.dossiers, total.searches), (1, 1));
    assert_eq!((report.months[4].ended, report.months[4].renewed[&reason], report.months[5].resumed), (5, 1, 1));
    let came = report.held_before + total.flagged + total.resumed;
    assert_eq!(came, total.withdrawn + total.ended + report.held);
    let before = play.partner.year_report(2026, june.day()).unwrap();
    assert_eq!((before.held, before.until.to_string().as_str()), (6, "2026-12-31"));
}

#[test]
fn few_answers_of_one_kind_are_not_told_apart() {
    let mut play = Play::new();
    play.partner.flag(homes(1..30), &by(), NOW).unwrap();
    play.deliver(NOW);
    let ask = |play: &mut Play, homes: Vec<AddressKey>| {
        let questions = play.partner.ask(homes, &by(), NOW).unwrap();
        play.carry(questions, NOW);
        play.partner.year_report(2026, NOW.day()).unwrap()
    };
    let few = ask(&mut play, homes(1..10));
    assert_eq!((few.answers.all, few.answers.by_standing), (9, None));
    let report = ask(&mut play, homes(10..25));
    assert_eq!(report.answers.all, 24);
    assert_eq!(report.answers.by_standing, None, "the year is not over: a second report would tell what came between");
    let over = play.partner.year_report(2026, Day::from_ymd(2027, 1, 1).unwrap()).unwrap();
    let told = over.answers.by_standing;
    assert!(told.is_none_or(|told| told.iter().all(|count| *count == 0 || *count >= FEWEST_TOLD)), "{told:?}");
    let total = report.total();
    assert_eq!((total.questions, total.sweeps, total.asked), (2, 0, 24));
}

/// What is said of a year does not change when the journal before it is pruned.
#[test]
fn a_pruned_journal_counts_on_from_what_was_pruned() {
    let text = policy_text().replace("[counting]", "[retention]\nlog_days = 30\n[counting]");
    let mut play = Play::under(&text);
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    play.partner.withdraw(homes(1..2), &by(), NOW).unwrap();
    let summer = at("2027-07-20");
    pass(&mut play.partner, summer);
    play.partner.flag(homes(7..8), &by(), summer).unwrap();
    let whole = play.partner.year_report(2027, summer.day()).unwrap();
    assert_eq!((whole.held_before, whole.total().ended, whole.held, whole.pruned_to), (2, 2, 1, None));
    play.partner.prune_journal(None, &officer(), summer).unwrap().expect("records went");
    let left = play.partner.year_report(2027, summer.day()).unwrap();
    assert_eq!(left, whole, "only records of the year before went");
    let before = play.partner.year_report(2026, summer.day()).unwrap();
    assert_eq!(before.pruned_to, Some(NOW), "of that year it is not whole");
}
