//! A receiver that does not fetch its notes holds up what goes to it, and nothing else.

use super::*;

/// One in which the police are introduced to the tax office and to the coordinator, which has the address.
fn town_of_three() -> Town {
    let mut town = Town::new();
    let police = town.put_forward(POLICE, 1, NOW);
    let tax = town.put_forward(TAX, 1, NOW);
    let tomorrow = NOW.plus(DAY);
    town.introduce(&police, &tax, 1, tomorrow.day());
    town.introduce_to_coordinator(&police, 1, tomorrow.day());
    for number in [POLICE, TAX, COORDINATOR, POLICE] {
        town.exchange(number, tomorrow);
    }
    town
}

/// Writes one of those that the police were introduced to.
fn write_to(town: &mut Town, to: u16, text: &str, now: Timestamp) {
    let note = NewNote::Text { text, to: Some(to) };
    town.partner(POLICE).write_note(1, &note, &by(), now).unwrap();
}

/// An exchange of the police with a broker at which too many notes wait for the tax office once it took `room` more.
/// For whom its notes were, and their numbers.
fn exchange_with_room(town: &mut Town, mut room: usize, now: Timestamp) -> Vec<(u16, u64)> {
    let message = town.next(POLICE, Kind::Exchange, now);
    let exchange = exchange_of(POLICE, &message);
    let mut post = town.post(POLICE, &exchange);
    for (slot, fate) in exchange.notes.iter().zip(&mut post.sent).filter(|(slot, _)| slot.partner == TAX) {
        if room == 0 {
            *fate = NoteFate::TooManyWait;
            town.notes.get_mut(&TAX).unwrap().retain(|kept| kept.number != slot.number);
        }
        room = room.saturating_sub(1);
    }
    drop(town.reply(POLICE, &message, Reply::Post(post), now).unwrap());
    exchange.notes.iter().map(|slot| (slot.partner, slot.number)).collect()
}

#[test]
fn one_that_does_not_fetch_holds_up_nothing_that_goes_to_others() {
    let mut town = town_of_three();
    let day = |days: u64| NOW.plus(days * DAY);
    for number in 0..20 {
        write_to(&mut town, TAX, &format!("bericht {number}"), day(2));
    }
    assert_eq!(exchange_with_room(&mut town, 0, day(2)), [(TAX, 1), (TAX, 2), (TAX, 3), (TAX, 4)]);
    assert_eq!(exchange_with_room(&mut town, 0, day(2)), [], "none of the others goes on that day either");
    // On each later day what goes to others comes first.
    write_to(&mut town, COORDINATOR, "dag", day(3));
    let sent = exchange_with_room(&mut town, 0, day(3));
    assert_eq!(sent, [(COORDINATOR, 2), (TAX, 1), (TAX, 2), (TAX, 3)]);
    assert_eq!(exchange_with_room(&mut town, 0, day(3)), []);
    // So does that something was read.
    town.exchange(COORDINATOR, day(4));
    town.write(COORDINATOR, "ook dag", day(4));
    town.exchange(COORDINATOR, day(4));
    assert_eq!(exchange_with_room(&mut town, 0, day(4)).len(), 4, "it fetches what the coordinator wrote");
    town.keep(POLICE, day(5));
    assert_eq!(exchange_with_room(&mut town, 0, day(5))[0], (COORDINATOR, 3));
    // Once the tax office fetches, all goes on in the order in which it was written.
    let sent: Vec<u64> = (0..6).flat_map(|_| exchange_with_room(&mut town, 99, day(6))).map(|(_, at)| at).collect();
    assert_eq!(sent, (1..=20).collect::<Vec<_>>());
}

/// What can go no more is not said to wait, and keeps nothing else back.
#[test]
fn what_was_put_off_in_a_conversation_that_is_left_waits_no_longer() {
    let mut town = town_of_three();
    let day = |days: u64| NOW.plus(days * DAY);
    write_to(&mut town, TAX, "bericht", day(2));
    exchange_with_room(&mut town, 0, day(2));
    let due = town.partner(POLICE).talk_due(day(2).day());
    assert_eq!((due.not_brought, due.put_off, due.too_many_wait), (1, 1, 1));
    town.partner(POLICE).leave(1, &by(), day(3)).unwrap();
    for days in 3..7 {
        exchange_with_room(&mut town, 0, day(days));
    }
    assert!(town.partner(POLICE).data.state().after_hit.full_receivers().is_empty());
    let due = town.partner(POLICE).talk_due(day(7).day());
    assert_eq!((due.not_brought, due.put_off, due.too_many_wait), (0, 0, 0));
}

#[test]
fn of_several_that_do_not_fetch_each_gets_its_turn() {
    let mut town = town_of_three();
    let day = |days: u64| NOW.plus(days * DAY);
    for number in 0..8 {
        write_to(&mut town, TAX, &format!("bericht {number}"), day(2));
        write_to(&mut town, COORDINATOR, &format!("bericht {number}"), day(2));
    }
    let mut sent = Vec::new();
    for days in 2..6 {
        let message = town.next(POLICE, Kind::Exchange, day(days));
        let exchange = exchange_of(POLICE, &message);
        let mut post = town.post(POLICE, &exchange);
        for fate in post.sent.iter_mut().filter(|fate| **fate == NoteFate::Kept) {
            *fate = NoteFate::TooManyWait;
        }
        drop(town.reply(POLICE, &message, Reply::Post(post), day(days)).unwrap());
        sent.extend(exchange.notes.first().map(|slot| slot.partner));
    }
    assert_eq!(sent, [TAX, COORDINATOR, TAX, COORDINATOR], "whoever was tried longest ago goes first");
}
