//! Numbers of entries and notes.

use super::*;
use crate::partner::talk::known::{CopyProgress, KnownCopy};
use crate::partner::talk::state::AfterHit;

const TOMORROW: Timestamp = Timestamp(NOW.0 + DAY);

#[test]
fn that_notes_were_read_is_said_under_a_number_that_an_old_copy_did_not_use() {
    let mut town = Town::introduced();
    let mut transaction = town.partner(POLICE).data.begin_at_latest().unwrap();
    transaction.state().after_hit.note_old_copy(TOMORROW);
    transaction.commit().unwrap();
    town.write(TAX, "een", TOMORROW);
    town.exchange(TAX, TOMORROW);
    town.exchange(POLICE, TOMORROW);
    let said = town.exchange(POLICE, TOMORROW).0.notes.remove(0);
    assert_eq!((said.partner, said.number), (TAX, (TOMORROW.0 << 32) + 1));
}

#[test]
fn a_post_with_a_number_far_above_what_can_be_is_not_taken() {
    let mut town = Town::introduced();
    town.write(TAX, "een", TOMORROW);
    town.exchange(TAX, TOMORROW);
    town.tell(POLICE, subject(1), TOMORROW.day(), EntryKind::Left { conversation: conversation(9), partner: TAX });
    let message = town.next(POLICE, Kind::Exchange, TOMORROW);
    let exchange = exchange_of(POLICE, &message);
    let honest = town.post(POLICE, &exchange);
    let highest = |last: u64| last + (1 << 24);
    let with = |entry: u64, note: u64| {
        let mut post = honest.clone();
        (post.entries[0].number, post.notes[0].0) = (entry, note);
        Reply::Post(post)
    };
    let (entry, note) = (honest.entries[0].number, honest.notes[0].0);
    let too_far = [
        (u64::MAX, note),
        (entry, u64::MAX),
        (highest(exchange.told) + 1, note),
        (entry, highest(exchange.received) + 1),
        (highest(TOMORROW.0), note),
    ];
    for (entry, note) in too_far {
        assert_eq!(
            code(town.reply(POLICE, &message, with(entry, note), TOMORROW)),
            "unexpected_reply",
            "{entry} {note}"
        );
    }
    let read = with(highest(exchange.told), highest(exchange.received));
    assert!(matches!(town.reply(POLICE, &message, read, TOMORROW), Ok(Received::Posted(_))));
}

/// After a restore a broker counts from the moment of that, in seconds.
#[test]
fn a_post_of_a_restored_broker_may_have_numbers_as_high_as_that_moment() {
    let mut town = Town::introduced();
    town.play(POLICE).broker.restored = TOMORROW;
    town.counted = TOMORROW.0 + 2;
    town.tell(POLICE, subject(1), TOMORROW.day(), EntryKind::Left { conversation: conversation(9), partner: TAX });
    town.exchange(POLICE, TOMORROW);
    assert_eq!(town.exchange(POLICE, TOMORROW).0.told, TOMORROW.0 + 3);
}

/// What went to one that left, and goes once the two are introduced again, has a number that the other did not read.
#[test]
fn a_note_that_was_brought_to_nobody_is_numbered_anew_in_an_old_copy() {
    let mut town = Town::introduced();
    town.write(POLICE, "aan wie vertrok", TOMORROW);
    let mut change = town.partner(POLICE).data.begin(TOMORROW).unwrap();
    let known = &mut change.state().after_hit;
    fn copy(known: &mut AfterHit) -> &mut KnownCopy {
        &mut known.conversations[0].notes.last_mut().unwrap().copies[0]
    }
    copy(known).progress = CopyProgress::NotIntroduced;
    let before = copy(known).number;
    known.note_old_copy(TOMORROW);
    assert!(copy(known).number > before.max(TOMORROW.0));
    change.keep();
}
