//! What is flagged, asked and told.

use super::*;
use crate::message::{RenewalReason, Request, Role, Terms, Unverified};

/// The pseudonyms of a delta: those flagged, and those withdrawn.
fn delta(message: &[u8]) -> (usize, usize) {
    let key = sample::partner_key(1).verifying_key();
    let message = Unverified::parse(message, Role::Partner).unwrap().verify(&key).unwrap();
    match message.request().unwrap() {
        Request::Delta(delta) => {
            let flagged = delta.flagged.iter().map(|group| group.pseudonyms.len()).sum();
            (flagged, delta.withdrawn.len())
        }
        _ => panic!("it is no delta"),
    }
}

/// The terms of a delta's flags.
fn terms(message: &[u8]) -> Vec<Terms> {
    let key = sample::partner_key(1).verifying_key();
    let message = Unverified::parse(message, Role::Partner).unwrap().verify(&key).unwrap();
    match message.request().unwrap() {
        Request::Delta(delta) => delta.flagged.iter().map(|group| group.terms).collect(),
        _ => panic!("it is no delta"),
    }
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// A policy that allows fewer days comes while flags have more, on some of which a person said why.
#[test]
fn where_a_policy_allows_fewer_days_flags_end_sooner() {
    let mut play = Play::new();
    let later = |days: u64| NOW.plus(days * 86_400);
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    pass(&mut play.partner, later(100));
    play.partner.flag(homes(4..7), &by(), later(100)).unwrap();
    play.partner.renew(homes(3..4), RenewalReason::ObservedAgain, &by(), later(100)).unwrap();
    play.deliver(later(100));
    let adopt = |play: &mut Play, more: &str| {
        let text = policy_text().replacen("[[epoch]]", &format!("{more}[[epoch]]"), 1);
        let newer = sample::folder(&following(&text, play.partner.policy()));
        play.partner.adopt_policy(&newer.path().join("policy.toml"), later(100)).unwrap();
        play.broker.policy = play.partner.policy().clone();
    };
    adopt(&mut play, "[retention]\nmax_days = 90\nmax_renewals = 3\n");
    // 2027-03-25. Those of 2026-12-15 may stand through 2027-03-15 and so no whole month more, but for the one that was
    // renewed; all others 90 days from now.
    let end: Day = "2027-05-31".parse().unwrap();
    assert!(matches!(play.deliver(later(100))[..], [Received::Receipt(_), Received::Receipt(_)]));
    assert_eq!(play.partner.take_shortened(), Shortened { shortened: 4, ended: 2 });
    assert_eq!(play.partner.take_shortened(), Shortened::default(), "it was told");
    let mut play = play.reopen();
    let held: Vec<_> = play.partner.flags().map(|flag| (flag.address, flag.last_day)).collect();
    assert_eq!(held, homes(3..7).into_iter().map(|home| (home, end)).collect::<Vec<_>>());
    play.assert_up_to_date(1, later(100));
    let events: Vec<_> = dossier(&mut play, &homes(1..2)[0]).into_iter().map(|entry| entry.event).collect();
    assert_eq!(events.last(), Some(&DossierEvent::Withdrawn));
    // So a first full set is accepted, and what was said before is said to a broker that forgot it.
    play.broker.held.clear();
    play.partner.confirm(later(100)).map(|messages| play.carry(messages, later(100))).unwrap();
    assert!(matches!(play.deliver(later(100))[..], [Received::Receipt(_)]));
    // More days later give none back.
    adopt(&mut play, "[retention]\nmax_days = 180\n");
    assert!(play.deliver(later(100)).is_empty());
    assert!(play.partner.flags().all(|flag| flag.last_day == end));
}

#[test]
fn an_epoch_begins_with_a_full_set_and_goes_on_with_deltas() {
    let mut play = Play::new();
    let changed = play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    assert_eq!(changed, Changed { added: 3, ..Changed::default() });
    let messages = play.partner.deliver(NOW).unwrap();
    assert_eq!(header(&messages[0]).kind, Kind::FullSet);
    assert_eq!(header(&messages[0]).context, play.partner.journal_head());
    assert!(matches!(play.carry(messages, NOW)[..], [Received::Receipt(_)]));
    play.assert_up_to_date(1, NOW);
    assert!(play.partner.deliver(NOW).unwrap().is_empty());

    play.partner.flag(homes(3..6), &by(), NOW).unwrap();
    play.partner.withdraw(homes(1..2), &by(), NOW).unwrap();
    let messages = play.partner.deliver(NOW).unwrap();
    let said: Vec<_> = messages.iter().map(|message| delta(message)).collect();
    assert_eq!(said, [(0, 2), (4, 0)], "a home with its house number, and two; what is withdrawn goes first");
    play.carry(messages, NOW);
    play.assert_up_to_date(1, NOW);

    // What came and went again is nothing to tell.
    play.partner.flag(homes(8..9), &by(), NOW).unwrap();
    play.partner.withdraw(homes(8..9), &by(), NOW).unwrap();
    assert!(play.partner.deliver(NOW).unwrap().is_empty());
    let messages = play.partner.confirm(NOW).unwrap();
    assert_eq!(header(&messages[0]).kind, Kind::Confirm);
    assert!(matches!(play.carry(messages, NOW)[..], [Received::Receipt(_)]));
}

#[test]
fn a_partner_without_flags_says_so_once() {
    let mut play = Play::new();
    let messages = play.partner.confirm(NOW).unwrap();
    assert_eq!(header(&messages[0]).kind, Kind::FullSet, "an empty one; the epoch must begin with it");
    play.carry(messages, NOW);
    assert!(play.partner.deliver(NOW).unwrap().is_empty());
}

#[test]
fn a_house_number_stays_while_a_home_in_it_does() {
    let mut play = Play::new();
    let flats = [home("1012JS|1|A"), home("1012JS|1|B")];
    play.partner.flag(flats, &by(), NOW).unwrap();
    play.deliver(NOW);
    let number_key = source(1).pseudonym(&home("1012JS|1"));
    play.partner.withdraw(&flats[..1], &by(), NOW).unwrap();
    let messages = play.partner.deliver(NOW).unwrap();
    assert_eq!(delta(&messages[0]), (0, 1));
    play.carry(messages, NOW);
    assert!(play.broker.held[&1].contains_key(&number_key));
    play.partner.withdraw(flats, &by(), NOW).unwrap();
    play.deliver(NOW);
    assert!(play.broker.held[&1].is_empty());
}

#[test]
fn a_house_number_alone_has_nothing_at_the_level_of_homes() {
    let mut play = Play::new();
    // Between the number and its home stands another number's home.
    let (number, flat, other) = (home("1012JS|1"), home("1012JS|1|A"), home("1012JS|10|"));
    let said = |play: &mut Play| {
        let messages = play.partner.deliver(NOW).unwrap();
        let said: Vec<_> = messages.iter().map(|message| delta(message)).collect();
        play.carry(messages, NOW);
        play.assert_up_to_date(1, NOW);
        assert_eq!(play.partner.undelivered(), 0);
        said
    };
    play.partner.flag([number, other], &by(), NOW).unwrap();
    let messages = play.partner.deliver(NOW).unwrap();
    play.carry(messages, NOW);
    assert_eq!(play.broker.held[&1].len(), 3, "one number alone, and a home with its own");
    play.partner.ask_own(&by(), NOW).unwrap();
    assert_eq!(play.partner.data.state().questions[0].addresses.len(), 3);
    // The number goes with whatever is at it, and stays with the other, in either order.
    play.partner.flag([flat], &by(), NOW).unwrap();
    assert_eq!(said(&mut play), [(1, 0)], "the number is there");
    play.partner.withdraw([number], &by(), NOW).unwrap();
    assert_eq!(said(&mut play), [], "the number stays with the home");
    play.partner.flag([number], &by(), NOW).unwrap();
    assert_eq!(said(&mut play), []);
    let mut play = play.reopen();
    play.partner.withdraw([flat], &by(), NOW).unwrap();
    assert_eq!(said(&mut play), [(0, 1)], "the number stays by itself");
    assert_eq!(play.partner.withdraw([flat, number], &by(), NOW).unwrap().withdrawn, 1);
    assert_eq!(said(&mut play), [(0, 1)]);
    assert_eq!(play.broker.held[&1].len(), 2);
    // A home that ends sooner leaves the number its days.
    play.partner.flag_until([number], day("2027-02-28"), &by(), NOW).unwrap();
    play.partner.flag_until([flat], day("2027-01-31"), &by(), NOW).unwrap();
    assert_eq!(said(&mut play), [(2, 0)]);
    play.partner.flag_until([flat], day("2027-03-31"), &by(), NOW).unwrap();
    assert_eq!(said(&mut play), [(2, 0)], "and one that ends later gives it its own");

    let of = |play: &mut Play, address| dossier(play, address).iter().map(|entry| entry.address).collect::<Vec<_>>();
    assert!(of(&mut play, &flat).contains(&number) && of(&mut play, &number).contains(&flat));
    assert!(!of(&mut play, &other).contains(&number));
}

#[test]
fn a_house_number_alone_has_its_own_days_and_renewals() {
    let mut play = Play::new();
    let number = home("1012JS|1");
    play.partner.flag([number], &by(), NOW).unwrap();
    play.deliver(NOW);
    let later = day("2027-01-10").start();
    pass(&mut play.partner, later);
    play.partner.withdraw([number], &by(), later).unwrap();
    // The broker, which is told a month later, keeps no first day of a house number: here alone it is known.
    let latest = day("2027-02-08").start();
    pass(&mut play.partner, latest);
    play.partner.flag([number], &by(), latest).unwrap();
    assert_eq!(play.partner.flags().next().unwrap().first_day, NOW.day(), "within 30 days it goes on");
    play.partner.renew([number], RenewalReason::ObservedAgain, &by(), latest).unwrap();
    let flag = *play.partner.flags().next().unwrap();
    assert!(flag.first_day == NOW.day() && flag.last_day > day(LAST_DAY));
    play.partner.withdraw([number], &by(), latest).unwrap();
    let after = day("2027-03-10").start();
    pass(&mut play.partner, after);
    play.partner.flag([number], &by(), after).unwrap();
    assert_eq!(play.partner.flags().next().unwrap().first_day, after.day(), "it is a new one");
    let mut play = play.reopen();
    let error = play.partner.replace_all([] as [AddressKey; 0], false, &by(), after);
    assert_eq!(code(error), "shrink");
    play.partner.replace_all([number], false, &by(), after).unwrap();
    assert_eq!(play.partner.flags().len(), 1);
}

#[test]
fn days_and_renewals() {
    let mut play = Play::new();
    let flats = [home("1012JS|1|A"), home("1012JS|1|B")];
    play.partner.flag(&flats[..1], &by(), NOW).unwrap();
    assert_eq!(play.partner.flags().next().unwrap().last_day, day(LAST_DAY));
    let until = |play: &mut Play, text: &str, now| code(play.partner.flag_until(&flats[..1], day(text), &by(), now));
    assert_eq!(until(&mut play, "2027-02-27", NOW), "last_day", "not a month's last");
    assert_eq!(until(&mut play, "2026-11-30", NOW), "last_day", "over");
    assert_eq!(until(&mut play, "2027-06-30", NOW), "last_day", "too far");
    assert_eq!(until(&mut play, "2027-02-28", NOW), "none");
    play.deliver(NOW);

    // Sixty days later: up to 180 days after its first day it is put off, beyond that it is renewed.
    let later = Timestamp(NOW.0 + 60 * 86_400);
    pass(&mut play.partner, later);
    let reason = RenewalReason::BeingActedOn;
    assert_eq!(until(&mut play, "2027-07-31", later), "last_day");
    assert_eq!(until(&mut play, "2027-05-31", later), "none");
    assert!(matches!(play.deliver(later)[..], [Received::Receipt(_)]));
    assert_eq!(play.partner.flag(&flats[..1], &by(), later).unwrap().unchanged, 1, "flagged already");
    assert_eq!(code(play.partner.renew(flats, reason, &by(), later)), "not_flagged");
    let twice = play.partner.renew(flats[1..].iter().chain(&flats), reason, &by(), later);
    assert!(matches!(twice, Err(PartnerError::NotFlagged { missing: 1 })), "each counts once");
    assert_eq!(play.partner.renew(&flats[..1], reason, &by(), later).unwrap().changed, 1);
    let renewed = *play.partner.flags().next().unwrap();
    assert_eq!((renewed.first_day, renewed.last_day), (NOW.day(), day("2027-07-31")));
    let of_flat =
        Terms { last_day: day("2027-07-31"), first_day: NOW.day(), renewal: Some(reason), house_number: false };
    let messages = play.partner.deliver(later).unwrap();
    assert_eq!(terms(&messages[0]), [of_flat, Terms { house_number: true, ..of_flat }]);
    play.carry(messages, later);
    play.assert_up_to_date(1, later);

    // A second flat that ends later puts its house number's end off, which has its days then.
    let third = Timestamp(later.0 + 40 * 86_400);
    pass(&mut play.partner, third);
    play.partner.flag(&flats[1..], &by(), third).unwrap();
    let messages = play.partner.deliver(third).unwrap();
    let of_flat = Terms { last_day: day("2027-08-31"), first_day: third.day(), ..of_flat };
    let of_flat = Terms { renewal: None, ..of_flat };
    assert_eq!(terms(&messages[0]), [of_flat, Terms { house_number: true, ..of_flat }]);
    assert!(matches!(play.carry(messages, third)[..], [Received::Receipt(_)]));

    // Twice 180 days after its first day it can be renewed no more; no message is made.
    let last = Timestamp(NOW.0 + 220 * 86_400);
    pass(&mut play.partner, last);
    assert_eq!(play.partner.renew(&flats[..1], reason, &by(), last).unwrap().changed, 1);
    assert_eq!(play.partner.flags().next().unwrap().last_day, day("2027-11-30"), "less than 180 days more");
    assert_eq!(code(play.partner.renew(&flats[..1], reason, &by(), last)), "too_many_renewals");
    assert!(matches!(play.deliver(last)[..], [Received::Receipt(_)]));
    assert_eq!(until(&mut play, "2027-07-31", last), "none");
    assert!(matches!(play.deliver(last)[..], [Received::Receipt(_)]));

    // What ends needs no message.
    let end = day("2027-08-01").start();
    let messages = play.partner.deliver(end).unwrap();
    assert!(messages.is_empty());
    play.partner.flag(homes(1..2), &by(), end).unwrap();
    play.deliver(end);
    assert_eq!(play.partner.flags().count(), 2);
    play.assert_up_to_date(1, end);
}

#[test]
fn a_truncated_set_is_noticed_here() {
    let mut play = Play::new();
    play.partner.replace_all(homes(1..11), false, &by(), NOW).unwrap();
    play.deliver(NOW);
    assert_eq!(code(play.partner.replace_all(homes(1..8), false, &by(), NOW)), "shrink");
    assert_eq!(play.partner.flags().count(), 10);
    let changed = play.partner.replace_all(homes(2..12), false, &by(), NOW).unwrap();
    assert_eq!(changed, Changed { added: 1, withdrawn: 1, unchanged: 9, ..Changed::default() });
    let messages = play.partner.deliver(NOW).unwrap();
    assert_eq!([0, 1].map(|at| header(&messages[at]).kind), [Kind::Delta, Kind::FullSet]);
    play.carry(messages, NOW);
    play.assert_up_to_date(1, NOW);
    play.partner.replace_all(homes(2..3), true, &by(), NOW).unwrap();
    assert!(matches!(play.deliver(NOW)[..], [Received::Receipt(_), Received::Receipt(_)]));
    play.assert_up_to_date(1, NOW);
}

#[test]
fn an_overlap_of_epochs() {
    let mut play = Play::new();
    let just_before = day("2027-05-20").start();
    play.partner.flag(homes(1..4), &by(), just_before).unwrap();
    play.deliver(just_before);
    let question_epoch = |play: &mut Play| header(&play.partner.ask(homes(1..2), &by(), OVERLAP).unwrap()[0]).epoch;
    let outside = tempfile::tempdir().unwrap();
    sample::secret_file(2).create(&outside.path().join("two")).unwrap();
    play.partner.add_secret(&outside.path().join("two")).unwrap();
    assert_eq!(question_epoch(&mut play), 1, "it has not delivered in the newer one");

    play.partner.withdraw(homes(1..2), &by(), OVERLAP).unwrap();
    let messages = play.partner.deliver(OVERLAP).unwrap();
    let headers: Vec<_> = messages.iter().map(|message| header(message)).collect();
    let first = headers[0].sequence;
    let shown: Vec<_> = headers.iter().map(|h| (h.epoch, h.kind, h.sequence, h.previous)).collect();
    let accepted = headers[0].previous;
    assert_eq!(shown, [(1, Kind::Delta, first, accepted), (2, Kind::FullSet, first + 1, first)]);
    // The receipt of the second says that the first was accepted too.
    play.broker.handle(&messages[0], OVERLAP);
    let second = play.broker.handle(&messages[1], OVERLAP);
    let _ = play.partner.read(&second, OVERLAP).unwrap();
    assert!(play.partner.deliver(OVERLAP).unwrap().is_empty());
    play.assert_up_to_date(1, OVERLAP);
    play.assert_up_to_date(2, OVERLAP);
    assert_eq!(question_epoch(&mut play), 2);

    let closed = day("2027-12-05").start();
    pass(&mut play.partner, closed);
    play.partner.flag(homes(7..8), &by(), closed).unwrap();
    let messages = play.partner.deliver(closed).unwrap();
    assert_eq!(messages.iter().map(|m| header(m).epoch).collect::<Vec<_>>(), [2]);
}

/// What is withdrawn counts on in an epoch whose secret is gone, so nobody is told that all is said.
#[test]
fn a_secret_that_is_gone_is_said_and_never_taken_for_nothing_to_say() {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), OVERLAP).unwrap();
    play.deliver(OVERLAP);
    play.deliver(OVERLAP);
    let open: Vec<u32> = play.partner.data.state().epochs.iter().map(|epoch| epoch.number).collect();
    let gone = *open.iter().max().unwrap();
    assert_eq!(play.partner.unreached_epochs(OVERLAP.day()), [0; 0]);
    assert_eq!(play.partner.deliver(OVERLAP).unwrap(), [[0u8; 0]; 0]);
    fs::write(play.folder.path().join(format!("epoch-{gone}.secret")), "").unwrap();
    let mut play = play.reopen();
    assert_eq!(play.partner.unreached_epochs(OVERLAP.day()), [gone]);
    play.partner.withdraw(homes(1..2), &by(), OVERLAP).unwrap();
    // Until nothing else is to be said, that goes.
    while let Ok(messages) = play.partner.deliver(OVERLAP) {
        assert!(!messages.is_empty(), "all is not said");
        play.carry(messages, OVERLAP);
    }
    assert_eq!(code(play.partner.deliver(OVERLAP)), "no_epoch");
}

#[test]
fn the_order_of_the_rows_comes_back() {
    let mut play = Play::new();
    let rows: Vec<_> = [9, 2, 7, 2, 5].map(|n| homes(n..n + 1)[0]).into_iter().chain([home("1012JS|7")]).collect();
    for (number, row) in rows.iter().enumerate() {
        let standing = [2, 0, 3, 0, 1, 2][number];
        play.broker.standings.insert(source(1).pseudonym(row), standing);
    }
    let messages = play.partner.ask(&rows, &by(), NOW).unwrap();
    let mut play = play.reopen();
    assert_eq!(play.partner.ask(&rows, &by(), NOW).unwrap(), messages, "also after a restart");
    let received = play.carry(messages, NOW);
    let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
    assert_eq!(answer.rows.iter().map(|(address, _)| *address).collect::<Vec<_>>(), rows);
    let count = |number| Standing::Stacked(Told::Count(number));
    let standings: Vec<_> = answer.rows.iter().map(|(_, standing)| *standing).collect();
    let below = Standing::BelowThreshold;
    assert_eq!(standings, [count(2), below, count(3), below, Standing::NoOwnFlag, count(2)]);
    assert_eq!((answer.by.clone(), answer.organisations, answer.fresh), (by(), 4, 3));
}

#[test]
fn what_was_capped_when_it_was_told_stays_at_least_so_many() {
    let mut play = Play::under(&policy_text().replacen("threshold = 2\n", "threshold = 2\ncount_cap = 3\n", 1));
    let own = homes(1..3);
    play.partner.flag(&own, &by(), NOW).unwrap();
    play.deliver(NOW);
    for (address, standing) in own.iter().zip([2, 3]) {
        play.broker.standings.insert(source(1).pseudonym(address), standing);
    }
    let messages = play.partner.ask(&own, &by(), NOW).unwrap();
    let received = play.carry(messages, NOW);
    let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
    assert_eq!(
        answer.rows[1].1,
        Standing::Stacked(Told::Count(3)),
        "under the policy in force it is known what that means"
    );
    // Under another policy it would not be.
    let mut told = |address| {
        let entries = dossier(&mut play, address);
        let last = entries.into_iter().next_back().map(|entry| entry.event);
        let Some(DossierEvent::Answered { standing, .. }) = last else { panic!("{last:?}") };
        standing
    };
    assert_eq!(told(&own[0]), Standing::Stacked(Told::Count(2)));
    assert_eq!(told(&own[1]), Standing::Stacked(Told::Band(3)));
    let news: Vec<_> = play.partner.news().unwrap().into_iter().map(|news| news.change).collect();
    assert_eq!(news, [Told::Count(2), Told::Band(3)].map(StackChange::NewlyStacked));
}

#[test]
fn several_questions_may_be_in_flight() {
    let mut play = Play::new();
    let first = play.partner.ask(homes(1..3), &by(), NOW).unwrap();
    let second = play.partner.ask(homes(3..5), &by(), NOW).unwrap();
    let other_case = play.partner.ask(homes(1..3), &Case::new("p.peters", "2026-0118").unwrap(), NOW).unwrap();
    assert_ne!(first, other_case, "another case is another question");
    assert_eq!(play.partner.ask(homes(1..3), &by(), NOW).unwrap(), first);
    assert_eq!(play.partner.in_flight().count(), 3);
    let numbers: Vec<_> = [&first, &second, &other_case].map(|messages| header(&messages[0]).sequence).to_vec();
    assert_eq!(numbers, [1, 2, 3]);
    play.carry(second, NOW);
    assert_eq!(play.partner.in_flight().count(), 2);
}

#[test]
fn a_large_question_is_several() {
    let mut play = Play::new();
    let rows: Vec<_> = (0..100_001u32).map(|n| home(&format!("{}JS|{}|", 1000 + n / 50_000, 1 + n % 50_000))).collect();
    let messages = play.partner.ask(&rows, &by(), NOW).unwrap();
    assert_eq!(messages.len(), 2);
    play.broker.standings.insert(source(1).pseudonym(&rows[100_000]), 3);
    let reply = play.broker.handle(&messages[0], NOW);
    let _ = play.partner.read(&reply, NOW).unwrap();
    assert_eq!(play.partner.ask(&rows, &by(), NOW).unwrap(), messages[1..], "only what is still to be answered");
    let received = play.carry(messages[1..].to_vec(), NOW);
    let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
    assert_eq!(answer.rows, [(rows[100_000], Standing::Stacked(Told::Count(3)))]);
}

#[test]
fn only_what_the_roster_permits() {
    let text = policy_text().replacen("may = [\"flag\", \"ask\"] # politie", "may = [\"ask\"]", 1);
    let text = text.replacen("legal_basis_flag = \"Politiewet", "# \"Politiewet", 1);
    let mut play = Play::under(&text);
    assert_eq!(code(play.partner.flag(homes(1..2), &by(), NOW)), "not_permitted");
    assert_eq!(code(play.partner.replace_all(homes(1..2), true, &by(), NOW)), "not_permitted");
    assert_eq!(code(play.partner.deliver(NOW)), "not_permitted");
    assert_eq!(code(play.partner.confirm(NOW)), "not_permitted");
    let reason = "brandveiligheid".parse().unwrap();
    assert_eq!(code(play.partner.sweep(homes(1..2), &reason, &by(), NOW)), "not_permitted");
    assert_eq!(play.partner.ask(homes(1..2), &by(), NOW).unwrap().len(), 1);
    assert_eq!(play.partner.journal_length(), 1, "what was refused left no trace");
}

#[test]
fn sweeps_have_a_reason_of_the_policys() {
    let text = policy_text()
        .replacen("may = [\"flag\", \"ask\"] # politie", "may = [\"flag\", \"ask\", \"sweep\"]", 1)
        .replacen("[[epoch]]", "[budgets]\nswept_a_day = 5\nsweep_reasons = [\"brand\"]\n[[epoch]]", 1)
        .replacen("sees = \"count\"", "sees = \"presence\"", 1);
    let mut play = Play::under(&text);
    assert_eq!(code(play.partner.sweep(homes(1..2), &"water".parse().unwrap(), &by(), NOW)), "not_permitted");
    let messages = play.partner.sweep(homes(1..2), &"brand".parse().unwrap(), &by(), NOW).unwrap();
    assert_ne!(play.partner.ask(homes(1..2), &by(), NOW).unwrap(), messages);
    play.broker.standings.insert(source(1).pseudonym(&homes(1..2)[0]), 255);
    let received = play.carry(messages, NOW);
    let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
    assert_eq!(answer.rows[0].1, Standing::Stacked(Told::Presence));
    let entries = dossier(&mut play, &homes(1..2)[0]);
    assert!(matches!(&entries[0].event, DossierEvent::Asked { sweep: Some(reason), .. } if reason.as_str() == "brand"));
}

#[test]
fn news_is_what_changed_over_own_flags() {
    let mut play = Play::new();
    let own = homes(1..5);
    play.partner.flag(&own, &by(), NOW).unwrap();
    play.deliver(NOW);
    let pseudonym = |address: &AddressKey| source(1).pseudonym(address);
    let ask = |play: &mut Play| {
        play.broker.release += 1;
        let messages = play.partner.ask_own(&by(), NOW).unwrap();
        play.carry(messages, NOW);
    };
    let number_key = own[3].number_key();
    play.broker.standings.insert(pseudonym(&own[0]), 2);
    play.broker.standings.insert(pseudonym(&own[1]), 2);
    play.broker.standings.insert(pseudonym(&number_key), 2);
    ask(&mut play);
    let stranger = home("1012JS|99|");
    play.broker.standings.insert(pseudonym(&stranger), 3);
    let messages = play.partner.ask([stranger], &by(), NOW).unwrap();
    play.carry(messages, NOW);
    let two = Told::Count(2);
    let mut expected = vec![own[0], own[1], number_key];
    expected.sort();
    let expected: Vec<_> =
        expected.into_iter().map(|address| News { address, change: StackChange::NewlyStacked(two) }).collect();
    let mut play = play.reopen();
    files::crash::after(Some(0));
    assert_eq!(code(play.partner.news()), "io");
    files::crash::after(None);
    assert_eq!(play.partner.news().unwrap(), expected, "what could not be noted as told is told again");
    let mut play = play.reopen();
    assert_eq!(play.partner.news().unwrap(), [], "told already");

    play.broker.standings.insert(pseudonym(&own[0]), 3);
    play.broker.standings.insert(pseudonym(&own[1]), 0);
    ask(&mut play);
    play.partner.withdraw(&own[3..], &by(), NOW).unwrap();
    let changed = StackChange::CountChanged { before: two, now: Told::Band(3) };
    let expected = [
        News { address: own[0], change: changed },
        News { address: own[1], change: StackChange::NoLongerStacked(two) },
    ];
    assert_eq!(play.partner.news().unwrap(), expected, "what is no longer flagged is no news");
}

#[test]
fn news_that_is_shown_to_a_local_program_is_in_the_journal_with_its_user() {
    let mut play = Play::new();
    let own = homes(1..3);
    play.partner.flag(&own, &by(), NOW).unwrap();
    play.deliver(NOW);
    let shown_to = Case::new("m.smit", "2026-0300").unwrap().through(Caller::LocalUser { uid: 1_001 });
    assert_eq!(play.partner.show_news(&shown_to, NOW).unwrap(), []);
    let records = play.partner.journal_length();
    play.broker.standings.insert(source(1).pseudonym(&own[0]), 2);
    play.broker.release += 1;
    let messages = play.partner.ask_own(&by(), NOW).unwrap();
    play.carry(messages, NOW);
    // What is not in the journal is not shown.
    files::crash::after(Some(0));
    let shown = play.partner.show_news(&shown_to, NOW);
    files::crash::after(None);
    assert_eq!(code(shown), "io");
    let mut play = play.reopen();
    let news = play.partner.show_news(&shown_to, NOW).unwrap();
    assert_eq!(news, [News { address: own[0], change: StackChange::NewlyStacked(Told::Count(2)) }]);
    assert_eq!(play.partner.show_news(&shown_to, NOW).unwrap(), news, "it is shown until it was seen");
    assert_eq!(play.partner.journal_length(), records + 4, "a question, its answer, and two times who was shown it");
    let mut play = play.reopen();
    let entries = dossier(&mut play, &own[0]);
    let shown: Vec<_> = entries.iter().filter(|entry| entry.event == DossierEvent::NewsShown).collect();
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|entry| entry.by.as_ref() == Some(&shown_to)), "{shown:?}");
    let of_other = dossier(&mut play, &own[1]);
    assert!(of_other.iter().all(|entry| entry.event != DossierEvent::NewsShown), "{of_other:?}");
}

#[test]
fn a_question_of_another_local_user_or_request_is_another() {
    let mut play = Play::new();
    let user = |uid| by().through(Caller::LocalUser { uid });
    let first = play.partner.ask(homes(1..3), &user(1_001), NOW).unwrap();
    assert_eq!(play.partner.ask(homes(1..3), &user(1_001), NOW).unwrap(), first, "it is the same that is in flight");
    let others = [user(1_002), by(), user(1_001).in_request("3f2b0a4e-8d0c-4a8e").unwrap()];
    for other in others {
        assert_ne!(play.partner.ask(homes(1..3), &other, NOW).unwrap(), first, "{other:?}");
    }
}

#[test]
fn a_dossier_has_all_there_is_on_one_address() {
    let mut play = Play::new();
    let (address, other) = (home("1012JS|1|A"), home("1012JS|1|B"));
    let second = Case::new("p.peters", "2026-0200").unwrap();
    play.partner.flag([address, other], &by(), NOW).unwrap();
    play.deliver(NOW);
    play.broker.standings.insert(source(1).pseudonym(&address), 2);
    let messages = play.partner.ask([other, address, address.number_key()], &second, NOW).unwrap();
    play.carry(messages, NOW);
    play.partner.renew([address], RenewalReason::ObservedAgain, &by(), NOW).unwrap();
    play.partner.withdraw([address], &second, NOW).unwrap();
    play.partner.replace_all([address, other], false, &by(), NOW).unwrap();
    let mut play = play.reopen();
    let last_day = day(LAST_DAY);
    let shown: Vec<_> = dossier(&mut play, &address)
        .into_iter()
        .map(|entry| {
            let what = match entry.event {
                DossierEvent::Flagged { last_day: until } if until == last_day => "flagged".to_owned(),
                DossierEvent::Renewed { last_day: until, reason } if until == last_day => {
                    format!("renewed {}", reason.as_str())
                }
                DossierEvent::Withdrawn => "withdrawn".to_owned(),
                DossierEvent::Asked { number, .. } => format!("asked {number}"),
                DossierEvent::Answered { number, standing, .. } => format!("answered {number} {standing:?}"),
                other => panic!("{other:?}"),
            };
            (entry.address.as_str().to_owned(), entry.by.unwrap().actor().to_owned(), what)
        })
        .collect();
    let line = |address: &str, actor: &str, what: &str| (address.to_owned(), actor.to_owned(), what.to_owned());
    assert_eq!(
        shown,
        [
            line("1012JS|1|A", "j.jansen", "flagged"),
            line("1012JS|1|A", "p.peters", "asked 1"),
            line("1012JS|1", "p.peters", "asked 1"),
            line("1012JS|1|A", "p.peters", "answered 1 Stacked(Count(2))"),
            line("1012JS|1", "p.peters", "answered 1 BelowThreshold"),
            line("1012JS|1|A", "j.jansen", "renewed observed_again"),
            line("1012JS|1|A", "p.peters", "withdrawn"),
            line("1012JS|1|A", "j.jansen", "flagged"),
        ]
    );
    let all = dossier(&mut play, &address.number_key());
    assert_eq!(all.len(), 8 + 1 + 3, "the look before, and those of the other home");
    assert!(dossier(&mut play, &home("1012JS|10|A")).is_empty());
    play.partner.check_journal().unwrap();
}

#[test]
fn an_address_that_is_given_twice_counts_once_and_is_said() {
    let mut play = Play::new();
    let (a, b) = (home("1012JS|1|A"), home("1012JS|1|B"));
    let thrice = [a, b, a, a];
    let changed = play.partner.flag(thrice, &by(), NOW).unwrap();
    assert_eq!(changed, Changed { added: 2, repeated: 2, ..Changed::default() });
    let reason = RenewalReason::ObservedAgain;
    assert_eq!(play.partner.renew(thrice, reason, &by(), NOW).unwrap().repeated, 2);
    assert_eq!(play.partner.flag_until([b, b], day(LAST_DAY), &by(), NOW).unwrap().repeated, 1);
    assert_eq!(play.partner.replace_all(thrice, false, &by(), NOW).unwrap().repeated, 2);
    let changed = play.partner.withdraw(thrice, &by(), NOW).unwrap();
    assert_eq!(changed, Changed { withdrawn: 2, repeated: 2, ..Changed::default() });
}

/// Neither an export that still has an address, nor withdrawing and flagging again, makes a flag begin anew.
#[test]
fn flagged_again_within_thirty_days_a_flag_goes_on() {
    let mut play = Play::new();
    let two = homes(1..3);
    let days =
        |play: &Play| -> Vec<(Day, Day)> { play.partner.flags().map(|flag| (flag.first_day, flag.last_day)).collect() };
    play.partner.flag(&two, &by(), NOW).unwrap();
    let first = (NOW.day(), day(LAST_DAY));
    play.deliver(NOW);
    let later = Timestamp(NOW.0 + 20 * 86_400);
    play.partner.withdraw(&two, &by(), later).unwrap();
    play.deliver(later);
    let mut play = play.reopen();
    let again = Timestamp(later.0 + 29 * 86_400);
    assert_eq!(play.partner.flag(&two[..1], &by(), again).unwrap().added, 1);
    assert_eq!(days(&play), [first]);
    assert_eq!(code(play.partner.flag_until(&two[1..], day("2027-06-30"), &by(), again)), "last_day");
    let after = Timestamp(again.0 + 86_400);
    assert_eq!(play.partner.flag(&two, &by(), after).unwrap().added, 1);
    assert_eq!(days(&play), [first, (after.day(), day("2027-07-31"))], "one of them was forgotten");
    play.deliver(after);

    // The first one's last day is over: an export that has it all the same does not flag it.
    let end = day("2027-06-01").start();
    pass(&mut play.partner, end);
    let changed = play.partner.replace_all(&two, false, &by(), end).unwrap();
    assert_eq!(changed, Changed { unchanged: 1, lapsed: 1, ..Changed::default() });
    assert_eq!(play.partner.flag(&two, &by(), end).unwrap(), changed);
    let reason = RenewalReason::UnderSupervision;
    assert_eq!(play.partner.renew(&two[..1], reason, &by(), end).unwrap().added, 1);
    assert_eq!(days(&play)[0], (NOW.day(), day("2027-10-31")));
    play.deliver(end);
    play.assert_up_to_date(1, end);
}

/// The broker remembers a flag for 30 days after it heard that it was withdrawn, and so does the partner.
#[test]
fn a_withdrawn_flag_is_remembered_from_when_the_broker_heard_of_it() {
    let after = |days: u64| NOW.plus(days * 86_400);
    let first_days = |play: &Play| -> Vec<Day> { play.partner.flags().map(|flag| flag.first_day).collect() };
    let mut play = Play::new();
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    play.deliver(NOW);
    play.partner.withdraw(homes(1..4), &by(), after(2)).unwrap();
    let mut play = play.reopen();
    pass(&mut play.partner, after(40));
    play.deliver(after(40));
    let mut play = play.reopen();
    play.partner.flag(homes(1..2), &by(), after(69)).unwrap();
    assert_eq!(first_days(&play), [NOW.day()]);
    play.partner.flag(homes(2..3), &by(), after(70)).unwrap();
    assert_eq!(first_days(&play), [NOW.day(), after(70).day()]);
    play.deliver(after(70));
    play.assert_up_to_date(1, after(70));
}

/// A message that was given up may have been accepted all the same.
#[test]
fn what_a_lost_message_flagged_is_remembered_until_it_is_known_that_it_was_not_accepted() {
    let after = |days: u64| NOW.plus(days * 86_400);
    for was_accepted in [false, true] {
        let mut play = Play::new();
        play.deliver(NOW);
        play.partner.flag(homes(1..3), &by(), after(1)).unwrap();
        let message = play.partner.deliver(after(1)).unwrap().remove(0);
        if was_accepted {
            play.broker.handle(&message, after(1));
        }
        let digest = play.partner.in_flight().next().unwrap().digest;
        play.partner.give_up(digest, after(1)).unwrap();
        play.partner.withdraw(homes(1..3), &by(), after(2)).unwrap();
        pass(&mut play.partner, after(40));
        for round in 0..3 {
            play.deliver(after(40).plus(round));
        }
        let mut play = play.reopen();
        play.partner.flag(homes(1..2), &by(), after(60)).unwrap();
        let first_day = if was_accepted { after(1) } else { after(60) }.day();
        assert_eq!(play.partner.flags().next().unwrap().first_day, first_day);
        play.partner.flag(homes(2..3), &by(), after(71)).unwrap();
        assert_eq!(play.partner.flags().last().unwrap().first_day, after(71).day(), "30 days are over");
    }
}

#[test]
fn a_flag_that_ended_long_ago_is_flagged_until_a_day_anew() {
    let mut play = Play::new();
    let home = &homes(1..2);
    play.partner.flag(home, &by(), NOW).unwrap();
    // Its last day was 2027-05-31, and nothing was done since.
    let day_of = day("2027-07-01");
    pass(&mut play.partner, day_of.start());
    let changed = play.partner.flag_until(home, day("2027-10-31"), &by(), day_of.start()).unwrap();
    assert_eq!(changed, Changed { added: 1, ..Changed::default() });
    assert_eq!(play.partner.flags().next().unwrap().first_day, day_of);
}
