//! What became of own flags, as a page shows it to those who come back.

use super::*;

/// So many days after the first.
fn on(days: u16) -> Timestamp {
    NOW.plus(Timestamp::days(days))
}

fn by_page(name: &str) -> Case {
    Case::new(name, "start").unwrap().through(Caller::SignedIn)
}

/// Has the broker say so many of addresses, and the partner ask about its own.
fn ask(play: &mut Play, standings: &[(&AddressKey, u8)], days: u16) {
    for (address, standing) in standings {
        play.broker.standings.insert(source(1).pseudonym(address), *standing);
    }
    play.broker.release += 1;
    let questions = play.partner.ask_own(&by(), on(days)).unwrap();
    play.carry(questions, on(days));
}

fn followed(play: &Play, days: u16) -> FlagHistory {
    let mut history = FlagHistory::default();
    play.partner.follow(&mut history, on(days)).unwrap();
    history
}

#[test]
fn since_when_an_address_is_stacked_and_why_it_no_longer_is() {
    let mut play = Play::new();
    let own = homes(1..4);
    let mut history = FlagHistory::default();
    play.partner.flag([Given::from(own[0]).typed("Dam 1a")], &by(), NOW).unwrap();
    play.partner.flag(&own[1..], &by(), NOW).unwrap();
    play.partner.follow(&mut history, NOW).unwrap();
    assert!(!play.partner.is_delivered(&own[0]) && history.flag(&own[0]).unwrap().accepted.is_none());
    play.deliver(on(1));
    play.partner.follow(&mut history, on(1)).unwrap();
    let past = history.flag(&own[0]).unwrap();
    assert_eq!((past.accepted, past.by.as_ref()), (Some((1, play.broker.release, on(1))), Some(&by())));
    assert!(play.partner.is_delivered(&own[0]) && play.partner.is_delivered(&own[0].number_key()));

    ask(&mut play, &[(&own[0], 2), (&own[1], 2), (&own[1].number_key(), 2)], 2);
    ask(&mut play, &[(&own[0], 3)], 3);
    play.partner.follow(&mut history, on(3)).unwrap();
    let stack = *history.stack(&own[0]).unwrap();
    assert_eq!((stack.since, stack.counted, stack.before), (on(2), on(3), Some(Told::Count(2))));
    let stacked: Vec<_> = play.partner.stacked().collect();
    let two = Told::Count(2);
    assert_eq!(stacked, [(own[0], Told::Band(3)), (own[1].number_key(), two), (own[1], two)], "3 is the cap");

    // Others fall away from one; the other is withdrawn, and with it its house number.
    ask(&mut play, &[(&own[0], 0)], 4);
    play.partner.withdraw([own[1]], &by(), on(5)).unwrap();
    play.partner.follow(&mut history, on(5)).unwrap();
    let gone: Vec<_> = history.gone().iter().map(|one| (one.address, one.typed.as_str(), one.time, one.why)).collect();
    let (others, mine) = (GoneWhy::OthersBelow, GoneWhy::OwnEnded);
    let number = own[1].number_key();
    assert_eq!(gone, [(own[0], "Dam 1a", on(4), others), (own[1], "", on(5), mine), (number, "", on(5), mine)]);
    assert_eq!(play.partner.stacked().count(), 0);
    // Whoever reads it all at once, or after the folder was opened anew, has the same.
    let play = play.reopen();
    for again in [followed(&play, 5), followed(&play, 5)] {
        let is_same = |one: &AddressKey| again.stack(one) == history.stack(one) && again.flag(one) == history.flag(one);
        assert!(again.gone() == history.gone() && own.iter().all(is_same));
    }
    // A month later nobody need know.
    play.partner.follow(&mut history, on(36)).unwrap();
    assert_eq!(history.gone().len(), 0);
    assert!(!format!("{history:?}").contains("1012"));
}

#[test]
fn a_flag_that_waits_for_a_later_day_is_not_accepted_with_those_that_went() {
    let text = policy_text().replacen("[[epoch]]", "[budgets]\nnew_flags_a_day = 4\n[[epoch]]", 1);
    let mut play = Play::under(&text);
    let own = homes(1..5);
    play.partner.flag([own[0]], &by(), NOW).unwrap();
    play.deliver(NOW);
    // Of three there is room for two, each with its house number.
    play.partner.flag(&own[1..], &by(), on(1)).unwrap();
    let mut history = FlagHistory::default();
    let mut accepted = Vec::new();
    for days in 1..3 {
        play.broker.release += 1;
        play.deliver(on(days));
        play.partner.follow(&mut history, on(days)).unwrap();
        let past = |address: &AddressKey| history.flag(address).unwrap().accepted;
        assert_eq!(play.partner.is_delivered(&own[3]), days == 2);
        accepted.push((past(&own[1]), past(&own[2]), past(&own[3])));
    }
    let first = Some((1, play.broker.release - 1, on(1)));
    assert_eq!(accepted, [(first, first, None), (first, first, Some((1, play.broker.release, on(2))))]);
    // A program that was started anew knows no other.
    let play = play.reopen();
    let again = followed(&play, 2);
    assert!(own.iter().all(|one| again.flag(one) == history.flag(one)));
}

#[test]
fn a_flag_that_is_over_is_gone_by_itself() {
    let mut play = Play::new();
    let own = homes(1..3);
    play.partner.flag_until([own[0]], on(16).day(), &by(), NOW).unwrap();
    play.partner.flag([own[1]], &by(), NOW).unwrap();
    play.deliver(NOW);
    ask(&mut play, &[(&own[0], 2)], 1);
    let history = followed(&play, 16);
    assert!(history.stack(&own[0]).is_some() && history.gone().is_empty());
    let history = followed(&play, 17);
    assert_eq!(history.gone().len(), 1);
    assert_eq!((history.gone()[0].time, history.gone()[0].why), (on(17), GoneWhy::OwnEnded));
    assert!(history.flag(&own[0]).is_none() && history.flag(&own[1]).is_some());
}

#[test]
fn a_visit_is_of_a_day_before_and_one_persons() {
    let mut play = Play::new();
    let own = homes(1..2);
    play.partner.flag([own[0]], &by(), NOW).unwrap();
    play.deliver(NOW);
    let (jo, mo) = (by_page("j.jansen"), by_page("m.smit"));
    let (first, second) = (on(1), on(1).plus(60));
    let visit = |history: &FlagHistory, who: &Case, days: u16| history.last_visit(who, on(days).day());
    assert_eq!(visit(&followed(&play, 1), &jo, 1), None);
    play.partner.note_shown([], &jo, first).unwrap();
    play.partner.note_shown([own[0], own[0].number_key(), own[0]], &jo, second).unwrap();
    let history = followed(&play, 1);
    assert_eq!((visit(&history, &jo, 1), visit(&history, &jo, 2), visit(&history, &mo, 2)), (None, Some(second), None));
    // Another way in is another's word for who it is.
    assert_eq!(visit(&history, &jo.clone().through(Caller::OneUser), 2), None);
    assert!(history.has_seen(&jo, on(1).day()) && !history.has_seen(&jo, on(2).day()));
    ask(&mut play, &[(&own[0], 2)], 2);
    play.partner.note_shown([own[0]], &jo, on(2)).unwrap();
    let history = followed(&play, 2);
    assert_eq!((visit(&history, &jo, 2), visit(&history, &jo, 3)), (Some(second), Some(on(2))));
    assert!(history.has_seen(&jo, on(2).day()));
    ask(&mut play, &[(&own[0], 3)], 2);
    assert!(!followed(&play, 2).has_seen(&jo, on(2).day()), "there is something new");
    let shown = dossier(&mut play, &own[0]).into_iter().filter(|entry| entry.event == DossierEvent::NewsShown);
    assert!(shown.map(|entry| entry.by).eq([Some(jo.clone()), Some(jo.clone()), Some(jo)]));
}
