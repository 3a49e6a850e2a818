//! Notes between those who were introduced, and how that ends.

use super::*;

/// What a partner is brought: of whom, and which number of its sender's.
fn notes(town: &mut Town, partner: u8) -> Vec<(u16, u64)> {
    town.exchange(partner, Exchange::default()).notes.iter().map(|(_, slot)| (slot.partner, slot.number)).collect()
}

fn send(town: &mut Town, partner: u8, notes: Vec<NoteSlot>) -> [NoteFate; 4] {
    town.exchange(partner, Exchange { notes, ..Exchange::default() }).sent
}

#[test]
fn a_note_waits_for_whom_its_sender_was_introduced_to_until_it_is_read() {
    use NoteFate::*;
    let mut town = Town::begin(&[]);
    let id = town.introduce();
    let other = ConversationId::from_bytes([9; 16]);
    let began = NoteSlot { began: 2, ..slot(id, 2, 1) };
    let to_nobody = vec![slot(id, 3, 1), slot(other, 2, 1), began, slot(id, 1, 1)];
    assert_eq!(send(&mut town, 1, to_nobody), [NotIntroduced; 4]);
    assert_eq!(send(&mut town, 1, vec![slot(id, 2, 1), slot(id, 5, 1), slot(id, 2, 2)]), [Kept, Kept, Kept, Empty]);
    assert_eq!(send(&mut town, 3, vec![slot(id, 1, 1)]), [NotIntroduced, Empty, Empty, Empty]);
    assert_eq!(notes(&mut town, 3), []);
    let unread = Request::Exchange(Exchange::default());
    let Reply::Post(post) = town.say(2, &unread) else { panic!("no post") };
    let expected = |number| NoteSlot { partner: 1, ..slot(id, 2, number) };
    assert!(post.notes == [(1, expected(1)), (2, expected(2))]);
    town.reopen();
    assert_eq!(notes(&mut town, 2), [(1, 1), (1, 2)], "it is told again");
    assert_eq!(notes(&mut town, 2), [], "and no more once it was read");
    assert_eq!(send(&mut town, 2, vec![slot(id, 1, 1), slot(id, 5, 1)]), [Kept, Kept, Empty, Empty]);
    assert_eq!(notes(&mut town, 5), [(1, 1), (2, 1)]);
    assert_eq!(notes(&mut town, 1), [(2, 1)]);
}

#[test]
fn what_one_may_write_is_bound_by_a_day_and_by_what_waits() {
    let mut town = Town::begin(&[("[meet]", "[meet]\nnotes_a_day = 70")]);
    let id = town.introduce();
    let mut fates = Vec::new();
    for number in 0..18u64 {
        let notes = (1..=4).map(|more| slot(id, 2, 4 * number + more)).collect();
        fates.extend(send(&mut town, 1, notes));
    }
    assert!(fates[..64].iter().all(|fate| *fate == NoteFate::Kept));
    assert!(fates[64..].iter().all(|fate| *fate == NoteFate::TooManyWait), "64 wait for 2");
    let to_coordinator = |from: u64| (from..from + 4).map(|number| slot(id, 5, number)).collect();
    assert_eq!(send(&mut town, 1, to_coordinator(1)), [NoteFate::Kept; 4]);
    let last = [NoteFate::Kept, NoteFate::Kept, NoteFate::OverBudget, NoteFate::OverBudget];
    assert_eq!(send(&mut town, 1, to_coordinator(5)), last, "70 a day");
    assert_eq!(send(&mut town, 2, vec![slot(id, 1, 1)])[0], NoteFate::Kept, "another organisation has its own");
    // A post brings four, and says that more wait.
    let post = town.exchange(2, Exchange::default());
    assert_eq!((post.notes.len(), post.more), (4, true));
    town.turn();
    let more = |from: u64| (from..from + 4).map(|number| slot(id, 2, number)).collect();
    assert_eq!(send(&mut town, 1, more(65)), [NoteFate::Kept; 4], "it said that it read four");
    assert_eq!(send(&mut town, 1, more(69)), [NoteFate::TooManyWait; 4]);
    town.exchange(2, Exchange::default());
    assert_eq!(send(&mut town, 1, more(69)), [NoteFate::Kept; 4]);
}

#[test]
fn an_introduction_outlives_row_flag_and_stack_until_one_leaves() {
    let mut town = Town::begin(&[]);
    let id = town.introduce();
    for partner in [1, 2, 3] {
        town.put(partner, &[]);
        assert_eq!(town.flag(partner, &[]), "ok");
    }
    for _ in 0..20 {
        town.turn();
    }
    assert_eq!(send(&mut town, 1, vec![slot(id, 2, 1)])[0], NoteFate::Kept);
    assert_eq!(send(&mut town, 5, vec![slot(id, 1, 1)])[0], NoteFate::Kept);
    // What it sends in the exchange in which it leaves is no longer of the conversation.
    let leave = Exchange { left: vec![id], notes: vec![slot(id, 2, 2)], ..Exchange::default() };
    assert_eq!(town.exchange(1, leave.clone()).sent[0], NoteFate::NotIntroduced);
    assert_eq!((town.told(2), town.told(5)), (vec![("left", 1)], vec![("left", 1)]));
    assert_eq!((town.told(1), town.told(3)), (vec![], vec![]));
    assert_eq!(send(&mut town, 2, vec![slot(id, 1, 1)])[0], NoteFate::NotIntroduced);
    assert_eq!(send(&mut town, 2, vec![slot(id, 5, 1)])[0], NoteFate::Kept, "the others are introduced still");
    // Leaving twice, or what one is not in, tells nobody.
    town.exchange(1, leave.clone());
    town.exchange(4, leave);
    assert_eq!((town.told(2), town.told(5)), (vec![], vec![]));
    town.reopen();
    assert_eq!(send(&mut town, 2, vec![slot(id, 1, 1)])[0], NoteFate::NotIntroduced);
}

#[test]
fn who_left_is_introduced_again_by_what_it_puts_forward_after_that() {
    let mut town = Town::begin(&[]);
    let id = town.introduce();
    town.exchange(1, Exchange { left: vec![id], ..Exchange::default() });
    assert_eq!(town.told(2), [("left", 1)]);
    town.turn();
    town.reopen();
    town.turn();
    assert_eq!((town.told(1), town.told(2)), (vec![], vec![]), "its row is of a message before");
    town.put(1, &[1]);
    town.turn();
    assert_eq!(town.told(1), [("introduced", 2), ("introduced", 5)]);
    assert_eq!(town.told(2), [("introduced", 1)]);
    assert_eq!(send(&mut town, 2, vec![slot(id, 1, 1)])[0], NoteFate::Kept, "in the same conversation");
}

/// That one leaves counts where the others left before it too: its row of that day introduces it to nobody any more.
#[test]
fn who_left_last_is_left_alone_too() {
    let mut town = Town::begin(&[]);
    let id = town.introduce();
    for partner in [2, 5, 1] {
        town.exchange(partner, Exchange { left: vec![id], ..Exchange::default() });
    }
    for partner in [1, 2, 5] {
        town.told(partner);
    }
    town.put(2, &[1]);
    town.turn();
    assert_eq!((town.told(1), town.told(2)), (vec![], vec![("introduced", 5)]));
    // The coordinator left before it, and it comes back by what it puts forward anew.
    town.put(1, &[1]);
    town.turn();
    assert_eq!(town.told(1), [("introduced", 2), ("introduced", 5)]);
}

/// Whoever writes much keeps nobody else's notes waiting.
#[test]
fn senders_take_turns_in_a_post() {
    let mut town = Town::begin(&[]);
    let id = town.introduce();
    for from in [1, 5, 9] {
        let notes = (from..from + 4).map(|number| slot(id, 5, number)).collect();
        assert_eq!(send(&mut town, 1, notes), [NoteFate::Kept; 4]);
    }
    assert_eq!(send(&mut town, 2, vec![slot(id, 5, 1), slot(id, 5, 2), slot(id, 5, 3)])[2], NoteFate::Kept);
    let unread = Request::Exchange(Exchange::default());
    let Reply::Post(post) = town.say(5, &unread) else { panic!("no post") };
    let of = |post: &Post| post.notes.iter().map(|(_, slot)| (slot.partner, slot.number)).collect::<Vec<_>>();
    assert_eq!((of(&post), post.more), (vec![(1, 1), (2, 1), (1, 2), (2, 2)], true));
    // What was told and not read comes again, the same and with the same numbers, also after what came since.
    town.reopen();
    assert_eq!(send(&mut town, 2, vec![slot(id, 5, 4)])[0], NoteFate::Kept);
    let Reply::Post(again) = town.say(5, &unread) else { panic!("no post") };
    assert!(again.notes == post.notes);
    assert!(post.notes.is_sorted_by(|one, other| one.0 < other.0));
    let member = town.members.get_mut(&5).unwrap();
    member.received = post.notes.last().unwrap().0;
    assert_eq!(notes(&mut town, 5), [(1, 3), (2, 3), (1, 4), (2, 4)], "the turn goes on where it was");
    assert_eq!(notes(&mut town, 5), [(1, 5), (1, 6), (1, 7), (1, 8)]);
}

/// As many messages are taken on a day as the policy says; the same bytes again are none more.
#[test]
fn a_day_has_as_many_exchanges_as_the_policy_says_and_puts_forward_once() {
    let mut town = Town::begin(&[("[meet]", "[meet]\nexchanges_a_day = 2")]);
    let exchange = Request::Exchange(Exchange::default());
    let put = |town: &Town| put_forward(1, &[1], town.now.day().plus(9));
    for _ in 0..2 {
        let message = town.next(1, &exchange);
        let reply = town.broker.handle(&message, town.now);
        assert_eq!(code(&reply), "ok");
        assert!(town.broker.handle(&message, town.now) == reply);
    }
    assert_eq!(town.say_once_more(1, &exchange), "over_budget");
    assert_eq!(town.say_once_more(5, &exchange), "ok", "another has its own");
    let wrong_day = put_forward(1, &[1], town.now.day().plus(99));
    assert_eq!(town.say_once_more(1, &wrong_day), "not_permitted");
    let said = put(&town);
    assert_eq!(town.say_once_more(1, &said), "ok", "what was rejected counts for none");
    assert_eq!(town.say_once_more(1, &said), "over_budget");
    assert_eq!(town.broker.database.inspect(|state| state.meet.forwarded.len()), 1, "and changes nothing");
    town.reopen();
    let said = put(&town);
    for request in [&exchange, &said] {
        assert_eq!(town.say_once_more(1, request), "over_budget", "it is on disk");
    }
    town.turn();
    let said = put(&town);
    for request in [&exchange, &said, &exchange] {
        assert_eq!(town.say_once_more(1, request), "ok");
    }
    assert_eq!(town.say_once_more(1, &exchange), "over_budget");
}
