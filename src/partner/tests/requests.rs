//! Questions of named requests: made again, they ask nothing twice.

use super::*;

const NAME: &str = "3f2b0a4e-8d0c-4a8e-9a51-6c5c1a0f7f10";

fn user(uid: u32) -> Case {
    by().through(Caller::LocalUser { uid }).in_request(NAME).unwrap()
}

fn state(play: &mut Play, by: &Case) -> Option<AskedState> {
    play.partner.asked_in(by).unwrap().map(|asked| asked.state)
}

#[test]
fn a_request_is_known_until_its_answer_and_after_it() {
    let mut play = Play::new();
    let own = homes(1..4);
    assert_eq!(state(&mut play, &user(7)), None);
    let messages = play.partner.ask(own.iter().copied(), &user(7), NOW).unwrap();
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Waiting));
    let mut play = play.reopen();
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Waiting), "the journal has it");
    for other in [user(8), by(), by().in_request(NAME).unwrap(), user(7).in_request(&NAME.replace('3', "4")).unwrap()] {
        assert_eq!(state(&mut play, &other), None, "{other:?}");
    }
    play.broker.standings.insert(source(1).pseudonym(&own[1]), 2);
    let received = play.carry(messages, NOW);
    let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
    for _ in 0..2 {
        let asked = play.partner.asked_in(&user(7)).unwrap().unwrap();
        assert_eq!((asked.state, &asked.by), (AskedState::Answered, &user(7)));
        assert_eq!(asked.answers, std::slice::from_ref(answer));
        assert!(asked.is_about(&own, None));
        assert!(!asked.is_about(&own[1..], None) && !asked.is_about(&own, "brand".parse().ok().as_ref()));
        play = play.reopen();
    }
    // Who says that it was for another case is told whose it is, so that a caller can refuse.
    let other = Case::new("m.smit", "2026-0200").unwrap().through(Caller::LocalUser { uid: 7 });
    let asked = play.partner.asked_in(&other.in_request(NAME).unwrap()).unwrap().unwrap();
    assert_eq!(asked.by, user(7));
}

/// Asked about under the same name, they are another question, although they are all that is flagged.
#[test]
fn a_question_about_own_flags_is_known_from_one_about_the_same_addresses() {
    let mut play = Play::new();
    let own = homes(1..3);
    play.partner.flag(own.iter().copied(), &by(), NOW).unwrap();
    play.partner.ask_own(&user(7), NOW).unwrap();
    play.partner.ask(own.iter().copied(), &user(8), NOW).unwrap();
    for _ in 0..2 {
        for (uid, is_own) in [(7, true), (8, false)] {
            let asked = play.partner.asked_in(&user(uid)).unwrap().unwrap();
            assert_eq!((asked.is_about_own(), asked.is_about(&own, None)), (is_own, !is_own), "{uid}");
        }
        play = play.reopen();
    }
}

#[test]
fn what_was_refused_or_given_up_is_asked_anew() {
    let mut play = Play::new();
    let messages = play.partner.ask(homes(1..3), &user(7), NOW).unwrap();
    let question = play.partner.in_flight().find(|flight| flight.kind == Kind::Question).unwrap().digest;
    play.broker.reject_next = Some((Code::OverBudget, 0));
    play.carry(messages, NOW);
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Rejected(Some(Code::OverBudget))));
    let mut play = play.reopen();
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Rejected(Some(Code::OverBudget))));
    play.partner.ask(homes(1..3), &user(7), NOW).unwrap();
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Waiting));
    let again = play.partner.in_flight().find(|flight| flight.kind == Kind::Question).unwrap().digest;
    assert_ne!(again, question);
    play.partner.give_up(again, NOW).unwrap();
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Dropped));
    let mut play = play.reopen();
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Dropped));
}

#[test]
fn a_crash_at_any_point_leaves_a_request_that_can_be_made_again() {
    let mut lost = 0;
    for point in 0.. {
        let mut play = Play::new();
        files::crash::after(Some(point));
        let asked = play.partner.ask(homes(1..3), &user(7), NOW);
        files::crash::after(None);
        let is_done = asked.is_ok();
        let mut play = play.reopen();
        match state(&mut play, &user(7)) {
            Some(AskedState::Dropped) => lost += 1,
            Some(AskedState::Waiting) => {}
            other => assert!(other.is_none() && !is_done, "{other:?} at {point}"),
        }
        let messages = play.partner.ask(homes(1..3), &user(7), NOW).unwrap();
        assert_eq!(messages.len(), 1, "at {point}");
        assert_eq!(state(&mut play, &user(7)), Some(AskedState::Waiting), "at {point}");
        play.carry(messages, NOW);
        let asked = play.partner.asked_in(&user(7)).unwrap().unwrap();
        assert_eq!((asked.state, asked.answers.len()), (AskedState::Answered, 1), "at {point}");
        assert!(asked.is_about(&homes(1..3), None));
        if is_done {
            break;
        }
    }
    assert!(lost > 0, "no crash came between a record and its message");
}

#[test]
fn a_request_is_known_for_thirty_days() {
    let mut play = Play::new();
    let later = |days: u64| Timestamp(NOW.0 + days * 86_400);
    let messages = play.partner.ask(homes(1..3), &user(7), NOW).unwrap();
    play.carry(messages, NOW);
    play.partner.dossier(&homes(5..6)[0], &by(), later(30)).unwrap();
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Answered));
    let mut play = play.reopen();
    assert_eq!(state(&mut play, &user(7)), Some(AskedState::Answered));
    let other = user(7).in_request(&NAME.replace('3', "4")).unwrap();
    play.partner.ask(homes(1..3), &other, later(31)).unwrap();
    assert_eq!(state(&mut play, &user(7)), None, "the next day's request has the old ones forgotten");
    assert_eq!(state(&mut play.reopen(), &user(7)), None);
}
