//! Notes: what is said, what becomes of it, who leads, and leaving.

use super::*;
use crate::partner::talk::record::TalkEvent;
use crate::policy::PartnerKeys;
use crate::talk::{NoteContent, Outcome};

const TOMORROW: Timestamp = Timestamp(NOW.0 + DAY);

#[test]
fn a_note_is_sealed_brought_read_and_said_to_be_read() {
    let mut town = Town::introduced();
    town.write(POLICE, "Zullen we bellen?\r\n  Ik ben er tot vijf.  \n\n", TOMORROW);
    assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::Waiting]);
    let (exchange, _) = town.exchange(POLICE, TOMORROW);
    let [slot] = &exchange.notes[..] else { panic!("it brings one note") };
    assert_eq!((slot.partner, slot.number, slot.epoch, slot.began), (TAX, 1, 1, 1));
    assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::Kept]);
    let (_, posted) = town.exchange(TAX, TOMORROW);
    assert_eq!(posted.news, [TalkNews::Note { conversation: 1, partner: POLICE }]);
    assert_eq!(texts(&town.conversation(TAX)), ["Zullen we bellen?\nIk ben er tot vijf."]);
    town.write(TAX, "Ja.", TOMORROW);
    town.exchange(TAX, TOMORROW);
    town.exchange(POLICE, TOMORROW);
    assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::Read]);
    let shown = format!("{:?}{:?}", town.conversation(TAX), town.conversation(TAX).notes);
    assert!(!shown.contains("bellen") && !shown.contains("1012JS"), "{shown}");
    let error = town.partner(TAX).write_note(1, &NewNote::Text { text: "a\u{202e}b", to: None }, &by(), TOMORROW);
    let error = error.unwrap_err();
    assert!(error.code() == "note_text" && !error.to_string().contains("a\u{202e}b"), "{error}");
    assert_eq!(
        code(town.partner(TAX).write_note(2, &NewNote::Text { text: "a", to: None }, &by(), TOMORROW)),
        "no_conversation"
    );
    let text = NewNote::Text { text: "a", to: Some(HOUSING) };
    assert_eq!(code(town.partner(TAX).write_note(1, &text, &by(), TOMORROW)), "no_conversation");
}

#[test]
fn whom_a_note_would_go_to_is_said_and_what_was_shown_of_one_conversation_is_not_told_again() {
    let mut town = Town::introduced();
    town.write(TAX, "Ja.", TOMORROW);
    town.exchange(TAX, TOMORROW);
    town.exchange(POLICE, TOMORROW);
    let police = town.partner(POLICE);
    let before = police.journal_length();
    let note = |text| NewNote::Text { text, to: None };
    assert_eq!(police.preview_note(1, &note("Belt u mij?"), TOMORROW).unwrap(), [TAX]);
    assert_eq!(code(police.preview_note(1, &note(" \n"), TOMORROW)), "note_text");
    assert_eq!(code(police.preview_note(2, &note("a"), TOMORROW)), "no_conversation");
    let decision = NewNote::Decision { lead: None, next: None, text: "a" };
    assert_eq!(code(police.preview_note(1, &decision, TOMORROW)), "not_permitted");
    assert_eq!(police.journal_length(), before, "nothing was written");
    assert_eq!(police.talk_news(), [TalkNews::Note { conversation: 1, partner: TAX }]);
    assert_eq!([police.take_talk_news_of(2).unwrap(), police.talk_news().len()], [0, 1]);
    assert_eq!([police.take_talk_news_of(1).unwrap(), police.take_talk_news_of(1).unwrap()], [1, 0]);
    town.reopen(POLICE);
    assert!(town.partner(POLICE).talk_news().is_empty());
}

/// A rejection of a message of the police.
fn refused(message: &[u8], code: Code) -> Reply {
    let free = verified(POLICE, message).header().sequence + 1;
    Reply::Rejection(Rejection::new(code, if code == Code::Stale { free } else { 0 }, "no"))
}

/// As many are sent on a day with forty notes as on one with none, whatever is put in between.
#[test]
fn a_day_has_as_many_messages_whatever_there_is_to_say() {
    let mut town = Town::introduced();
    let day = |days: u64| NOW.plus(days * DAY);
    let of_a_day = [Kind::PutForward, Kind::Exchange, Kind::Exchange];
    assert_eq!(town.run(POLICE, day(2)), of_a_day, "with nothing to say");
    assert_eq!(town.run(POLICE, day(2)), [], "a second run on the day sends nothing more");
    town.partner(POLICE).take_back(homes(1..2), &by(), day(2)).unwrap();
    for number in 0..20 {
        town.write(POLICE, &format!("bericht {number}"), day(2));
    }
    town.reopen(POLICE);
    assert_eq!(town.run(POLICE, day(2)), [], "nor does what is new, or a folder that is opened anew");
    let goes_on = |town: &mut Town, days| town.partner(POLICE).notes_go_on(day(days).day()).unwrap();
    assert_eq!(goes_on(&mut town, 2), day(5).day(), "eight go a day");
    let others_go_on = |town: &mut Town, days| {
        let (police, today) = (town.partner(POLICE), day(days).day());
        (police.put_forward_goes_on(today).unwrap(), police.leaving_goes_on(9, today).unwrap())
    };
    assert_eq!(others_go_on(&mut town, 2), (day(3).day(), day(3).day()), "today's have gone");
    assert_eq!(others_go_on(&mut town, 3), (day(3).day(), day(3).day()));
    // A run that is killed in between is gone on with, and no more is sent for it.
    town.keep(POLICE, day(3));
    town.exchange(POLICE, day(3));
    assert_eq!(goes_on(&mut town, 3), day(5).day());
    assert_eq!(others_go_on(&mut town, 3), (day(4).day(), day(3).day()), "one exchange is left");
    town.reopen(POLICE);
    assert_eq!(town.run(POLICE, day(3)), [Kind::Exchange]);
    assert_eq!(town.notes[&TAX].len(), 8);
    for days in [4, 5] {
        assert_eq!(town.run(POLICE, day(days)), of_a_day);
    }
    assert_eq!((town.notes[&TAX].len(), goes_on(&mut town, 5)), (20, day(5).day()));
    for days in 2..6 {
        assert_eq!(town.run(TAX, day(days)), of_a_day, "with more to fetch than fits");
    }
    assert_eq!(texts(&town.conversation(TAX)).len(), 20);
}

#[test]
fn what_is_over_the_days_number_or_was_never_accepted_is_counted_as_what_it_is() {
    let mut town = Town::introduced();
    let now = NOW.plus(2 * DAY);
    town.keep(POLICE, now);
    let rejected = |town: &mut Town, code| {
        let message = town.partner(POLICE).talk(now).unwrap().unwrap();
        assert_eq!(kind(&message), Kind::Exchange);
        drop(town.reply(POLICE, &message, refused(&message, code), now).unwrap());
    };
    rejected(&mut town, Code::Stale);
    rejected(&mut town, Code::Stale);
    assert_eq!(town.run(POLICE, now), [Kind::Exchange; 2], "neither of them was accepted");
    // The broker accepted one of which no reply came: it has had its number.
    town.exchange_more(POLICE);
    rejected(&mut town, Code::OverBudget);
    assert_eq!(town.run(POLICE, now), []);
    assert_eq!(town.run(POLICE, now.plus(DAY)).len(), 3);
    // One that goes on being stale ends the run.
    let now = now.plus(2 * DAY);
    town.keep(POLICE, now);
    for _ in 0..4 {
        let message = town.partner(POLICE).talk(now).unwrap().unwrap();
        drop(town.reply(POLICE, &message, refused(&message, Code::Stale), now).unwrap());
    }
    assert_eq!(town.partner(POLICE).talk(now).unwrap(), None);
}

#[test]
fn a_message_of_before_midnight_that_is_read_after_it_is_one_of_that_day() {
    let mut town = Town::introduced();
    let (late, early) = (NOW.plus(2 * DAY), NOW.plus(3 * DAY));
    town.keep(POLICE, late);
    town.exchange(POLICE, late);
    let message = town.partner(POLICE).talk(late).unwrap().unwrap();
    let post = town.post(POLICE, &exchange_of(POLICE, &message));
    town.play(POLICE).broker.late = DAY;
    drop(town.reply(POLICE, &message, Reply::Post(post), early).unwrap());
    town.play(POLICE).broker.late = 0;
    assert_eq!(town.run(POLICE, early), [Kind::PutForward, Kind::Exchange]);
}

#[test]
fn that_notes_were_read_is_said_once_and_not_of_what_says_no_more() {
    let mut town = Town::introduced();
    town.write(POLICE, "een", TOMORROW);
    town.exchange(POLICE, TOMORROW);
    assert_eq!(town.exchange(TAX, TOMORROW).0.notes.len(), 0, "it reads it");
    let (exchange, _) = town.exchange(TAX, TOMORROW);
    assert_eq!(exchange.notes.iter().map(|slot| (slot.partner, slot.number)).collect::<Vec<_>>(), [(POLICE, 1)]);
    let (_, posted) = town.exchange(POLICE, TOMORROW);
    assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::Read]);
    assert_eq!(posted.news, [], "nobody is shown it");
    assert!(texts(&town.conversation(POLICE)).is_empty() && town.conversation(TAX).notes.len() == 1);
    for number in [POLICE, TAX, POLICE, TAX] {
        assert_eq!(town.exchange(number, TOMORROW).0.notes.len(), 0, "and no such note is sent because of one");
    }
    // Another note says it just as well.
    town.write(POLICE, "twee", TOMORROW);
    town.exchange(POLICE, TOMORROW);
    town.exchange(TAX, TOMORROW);
    town.write(TAX, "drie", TOMORROW);
    assert_eq!(town.exchange(TAX, TOMORROW).0.notes.len(), 1);
    assert_eq!(town.exchange(TAX, TOMORROW).0.notes.len(), 0);
    town.exchange(POLICE, TOMORROW);
    assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::Read; 2]);
    let looks = Case::new("p.officer", "controle").unwrap();
    let acts = town.partner(TAX).acts(&ActQuery::default(), &looks, TOMORROW).unwrap();
    assert_eq!(acts.iter().filter(|act| act.kind == ActKind::Talked(TalkAct::ReadTold)).count(), 1);
}

/// What others wait for goes before what says less, and what was never sent before what the broker lost.
#[test]
fn what_was_never_sent_goes_before_what_goes_again() {
    let mut town = Town::introduced();
    for text in ["een", "twee", "drie", "vier"] {
        town.write(POLICE, text, TOMORROW);
    }
    town.exchange(POLICE, TOMORROW);
    town.notes.remove(&TAX);
    town.play(POLICE).broker.restored = TOMORROW;
    town.exchange(POLICE, TOMORROW);
    town.notes.remove(&TAX);
    town.write(POLICE, "vijf", TOMORROW);
    let (exchange, _) = town.exchange(POLICE, TOMORROW.plus(DAY));
    let numbers: Vec<u64> = exchange.notes.iter().map(|slot| slot.number).collect();
    assert_eq!(numbers, [5, 1, 2, 3]);
}

#[test]
fn a_turn_far_above_all_that_is_known_gives_nobody_the_lead_for_ever() {
    for (turn, is_taken) in [(1_000, true), (1_001, false), (u32::MAX, false)] {
        let mut town = Town::introduced();
        let content = NoteContent::Lead { turn, partner: TAX, text: "voorgoed".to_owned() };
        let event = TalkEvent::NoteWritten { conversation: 1, content, copies: vec![(POLICE, 1)] };
        town.partner(TAX).data.record(TOMORROW, None, JournalEvent::Talk(event)).unwrap();
        town.exchange(TAX, TOMORROW);
        let (_, posted) = town.exchange(POLICE, TOMORROW);
        let refused = TalkNews::Refused { conversation: 1, partner: TAX };
        assert_eq!(posted.news == [refused], !is_taken, "{turn}");
        assert_eq!(town.conversation(POLICE).lead, is_taken.then_some(TAX), "{turn}");
        assert!(!town.conversation(POLICE).introduced[0].misses_note, "its number was read");
        if !is_taken {
            let claim = NewNote::Lead { partner: POLICE, text: "" };
            town.partner(POLICE).write_note(1, &claim, &by(), TOMORROW).unwrap();
        }
    }
}

/// Who is written to in a conversation that it does not know, as where its folder is an old copy, leaves it, so that
/// the other does not go on writing.
#[test]
fn a_conversation_that_nothing_is_known_of_is_left() {
    let mut town = Town::introduced();
    town.write(POLICE, "is daar iemand?", TOMORROW);
    let (exchange, _) = town.exchange(POLICE, TOMORROW);
    let unknown = ConversationId::from_bytes([9; 16]);
    let slot = NoteSlot { conversation: unknown, partner: POLICE, ..exchange.notes[0].clone() };
    town.notes.insert(TAX, vec![slot.clone(), slot]);
    assert_eq!(town.exchange(TAX, TOMORROW).1.passed_over, 2);
    town.reopen(TAX);
    assert_eq!(town.exchange(TAX, TOMORROW).0.left, [unknown]);
    assert_eq!(town.exchange(TAX, TOMORROW).0.left, [], "once");
    // Not one that is known, of somebody who was not introduced there.
    let slot = NoteSlot { partner: HOUSING, ..exchange.notes[0].clone() };
    town.notes.insert(TAX, vec![slot]);
    assert_eq!(town.exchange(TAX, TOMORROW).1.passed_over, 1);
    assert_eq!(town.exchange(TAX, TOMORROW).0.left, []);
}

/// The tax office knows that it was introduced to the police, and its first note waits for them. What they are told of
/// it, which they have not read yet.
fn written_to_one_that_does_not_know() -> (Town, Entry) {
    let mut town = Town::new();
    let police = town.put_forward(POLICE, 1, NOW);
    let tax = town.put_forward(TAX, 1, NOW);
    town.introduce(&police, &tax, 1, TOMORROW.day());
    let withheld = town.entries.remove(&POLICE).unwrap().remove(0);
    town.exchange(TAX, TOMORROW);
    town.write(TAX, "Wij kijken.", TOMORROW);
    town.exchange(TAX, TOMORROW);
    (town, withheld)
}

/// What the police are told once they can know of whom the note is.
fn assert_both_are_read(town: &mut Town) {
    let (exchange, posted) = town.exchange(POLICE, TOMORROW);
    assert_eq!((exchange.left.len(), posted.passed_over), (0, 0));
    let note = TalkNews::Note { conversation: 1, partner: TAX };
    assert_eq!(posted.news, [TalkNews::Introduced { conversation: 1, partner: TAX }, note]);
}

/// A post has the first entries that wait, and the first notes: of whom a note is may be told by an entry that comes
/// after these.
#[test]
fn a_note_waits_for_an_introduction_that_a_full_post_had_no_room_for() {
    let (mut town, withheld) = written_to_one_that_does_not_know();
    for home in 100..100 + ENTRIES_AT_ONCE as u32 {
        let answer_by = TOMORROW.day().plus(5);
        town.tell(POLICE, subject(home), TOMORROW.day(), EntryKind::Asked { answer_by });
    }
    let (_, posted) = town.exchange(POLICE, TOMORROW);
    assert_eq!((posted.passed_over, posted.news.len()), (ENTRIES_AT_ONCE as u32, 0), "the note waits");
    let number = town.count();
    town.entries.insert(POLICE, vec![Entry { number, ..withheld }]);
    assert_both_are_read(&mut town);
}

#[test]
fn a_note_waits_for_an_introduction_that_waits_for_a_certificate() {
    let (mut town, introduced) = written_to_one_that_does_not_know();
    let certificates = &mut town.partner(POLICE).member.certificates;
    let all = certificates.clone();
    certificates.retain(|one| one.claimed().partner != TAX);
    town.entries.insert(POLICE, vec![introduced]);
    let (_, posted) = town.exchange(POLICE, TOMORROW);
    assert_eq!((posted.passed_over, posted.news.len()), (0, 0), "both wait");
    town.reopen(POLICE);
    town.partner(POLICE).take_certificates(all).unwrap();
    assert_both_are_read(&mut town);
}

#[test]
fn who_is_not_introduced_any_more_at_the_broker_is_shown_to_have_left() {
    let mut town = Town::introduced();
    town.write(POLICE, "een", TOMORROW);
    let message = town.next(POLICE, Kind::Exchange, TOMORROW);
    let mut post = town.post(POLICE, &exchange_of(POLICE, &message));
    town.notes.remove(&TAX);
    post.sent[0] = NoteFate::NotIntroduced;
    drop(town.reply(POLICE, &message, Reply::Post(post), TOMORROW).unwrap());
    let known = town.conversation(POLICE);
    assert_eq!((known.introduced[0].left, progress(&known)), (Some(TOMORROW.day()), vec![NoteProgress::NotIntroduced]));
    assert_eq!(town.partner(POLICE).take_talk_news().unwrap(), [TalkNews::Left { conversation: 1, partner: TAX }]);
}

#[test]
fn that_one_left_is_said_again_after_a_restore_and_until_a_post_confirms_it() {
    let mut town = Town::introduced();
    town.partner(POLICE).leave(1, &by(), TOMORROW).unwrap();
    let left = |town: &mut Town| {
        let message = town.next(POLICE, Kind::Exchange, TOMORROW);
        (exchange_of(POLICE, &message).left, message)
    };
    for code in [Code::Stale, Code::NotCertified] {
        let (said, message) = left(&mut town);
        assert_eq!(said, [conversation(1)], "{code:?}");
        drop(town.reply(POLICE, &message, refused(&message, code), TOMORROW).unwrap());
    }
    let (said, _) = left(&mut town);
    assert_eq!(said, [conversation(1)]);
    town.exchange(POLICE, TOMORROW);
    assert_eq!(town.exchange(POLICE, TOMORROW).0.left, []);
    town.play(POLICE).broker.restored = TOMORROW;
    town.exchange(POLICE, TOMORROW);
    assert_eq!(town.exchange(POLICE, TOMORROW).0.left, [conversation(1)], "the broker may have forgotten it");
    assert_eq!(town.exchange(POLICE, TOMORROW).0.left, []);
}

#[test]
fn a_note_of_nobody_introduced_or_to_another_is_passed_over() {
    let mut town = Town::introduced();
    town.write(POLICE, "voor de belastingdienst", TOMORROW);
    let (exchange, _) = town.exchange(POLICE, TOMORROW);
    let slot = town.notes.remove(&TAX).unwrap().remove(0);
    assert_eq!(exchange.notes.len(), 1);
    let elsewhere = ConversationId::from_bytes([9; 16]);
    let mut altered = slot.clone();
    altered.sealed = crate::talk::SealedNote::from_bytes({
        let mut bytes = *slot.sealed.as_bytes();
        bytes[700] ^= 1;
        bytes
    });
    let unread = |partner| vec![TalkNews::Unreadable { partner }];
    for (name, wrong, passed_over, news) in [
        ("somebody who was not introduced", NoteSlot { partner: HOUSING, ..slot.clone() }, 1, unread(HOUSING)),
        ("another conversation", NoteSlot { conversation: elsewhere, ..slot.clone() }, 1, vec![]),
        ("another epoch in which it began", NoteSlot { began: 2, ..slot.clone() }, 1, unread(POLICE)),
        ("another epoch's keys", NoteSlot { epoch: 2, ..slot.clone() }, 0, vec![]),
        ("another number", NoteSlot { number: 2, ..slot.clone() }, 0, vec![]),
        ("altered", altered, 0, vec![]),
    ] {
        town.notes.insert(TAX, vec![wrong]);
        let (_, posted) = town.exchange(TAX, TOMORROW);
        assert_eq!((posted.passed_over, posted.news), (passed_over, news), "{name}");
    }
    // What was sealed to the tax office the coordinator cannot open, though it was introduced by the same name.
    let forwarded = town.keep(POLICE, TOMORROW.plus(DAY));
    town.introduce_to_coordinator(&forwarded, 1, TOMORROW.day().plus(2));
    town.notes.insert(COORDINATOR, vec![slot.clone()]);
    let (_, posted) = town.exchange(COORDINATOR, TOMORROW.plus(2 * DAY));
    assert_eq!((posted.passed_over, posted.news.len()), (0, 1));
    town.notes.insert(TAX, vec![slot]);
    assert_eq!(town.exchange(TAX, TOMORROW).1.news.len(), 1, "the right one is read");
    // A certificate may come by which the one of a number that was not read opens, within two weeks; then people hear
    // that it did not.
    for (number, first) in [(TAX, TOMORROW), (COORDINATOR, TOMORROW.plus(2 * DAY))] {
        town.reopen(number);
        assert_eq!(town.exchange(number, first.plus(14 * DAY)).1.passed_over, 0);
        let (_, posted) = town.exchange(number, first.plus(15 * DAY));
        assert_eq!((posted.passed_over, posted.news), (1, unread(POLICE)));
    }
}

/// Has a partner draw another seal key, and gives its certificate to all, or to itself alone.
fn replace_seal_key(town: &mut Town, number: u16, is_known: bool) -> Certificate {
    fs::remove_file(town.play(number).folder.path().join("epoch-1.seal")).unwrap();
    let newer = certified(&town.play(number).partner, 1, 2);
    for (other, play) in &mut town.plays {
        if is_known || *other == number {
            play.partner.take_certificates([newer.clone()]).unwrap();
        }
    }
    newer
}

/// It was sealed with a key of which this partner has no certificate yet.
#[test]
fn a_note_under_a_newer_certificate_waits_for_that() {
    let mut town = Town::introduced();
    let newer = replace_seal_key(&mut town, POLICE, false);
    town.write(POLICE, "met een nieuwe sleutel", TOMORROW);
    town.exchange(POLICE, TOMORROW);
    let (_, posted) = town.exchange(TAX, TOMORROW);
    assert_eq!((posted.passed_over, posted.news), (0, vec![]));
    town.partner(TAX).take_certificates([newer]).unwrap();
    let (_, posted) = town.exchange(TAX, TOMORROW.plus(DAY));
    assert_eq!(posted.news, [TalkNews::Note { conversation: 1, partner: POLICE }]);
}

/// Whoever seals to nobody can keep no proof of what introductions were told, nor fill another's folder.
#[test]
fn notes_that_do_not_open_hold_up_no_other_thing_and_are_bounded_for_each_sender() {
    let mut town = Town::introduced();
    town.write(POLICE, "dit opent niet", TOMORROW);
    let (exchange, _) = town.exchange(POLICE, TOMORROW);
    let slot = NoteSlot { partner: POLICE, ..exchange.notes[0].clone() };
    town.notes.clear();
    let broken = |number| NoteSlot { number, sealed: crate::talk::SealedNote::from_bytes([39; 1_096]), ..slot.clone() };
    town.notes.insert(TAX, (1..70).map(broken).collect());
    let later = TOMORROW.plus(DAY);
    let passed_over: u32 = (0..18).map(|_| town.exchange(TAX, later).1.passed_over).sum();
    let known = &town.partner(TAX).data.state().after_hit;
    assert_eq!((known.held_back.len(), passed_over), (64, 69 - 64));
    assert_eq!(known.all_told.map(|told| told.day), Some(later.day()), "each introduction was told");
}

/// What was sealed to the key of before nobody can open any more: people hear of whom it was.
#[test]
fn a_note_to_the_own_key_of_before_is_told() {
    let mut town = Town::introduced();
    for text in ["aan de oude sleutel", "nog een"] {
        town.write(POLICE, text, TOMORROW);
    }
    town.exchange(POLICE, TOMORROW);
    replace_seal_key(&mut town, TAX, true);
    let (_, posted) = town.exchange(TAX, TOMORROW);
    assert_eq!((posted.passed_over, posted.news), (2, vec![TalkNews::Unreadable { partner: POLICE }]), "of one, once");
    town.write(POLICE, "nog eens", TOMORROW);
    town.exchange(POLICE, TOMORROW);
    assert_eq!(town.exchange(TAX, TOMORROW).1.news, [TalkNews::Note { conversation: 1, partner: POLICE }]);
}

#[test]
fn each_number_is_read_once_and_a_gap_is_told() {
    let mut town = Town::introduced();
    for text in ["een", "twee", "drie"] {
        town.write(POLICE, text, TOMORROW);
    }
    town.exchange(POLICE, TOMORROW);
    let slots = town.notes.remove(&TAX).unwrap();
    assert_eq!(slots.iter().map(|slot| slot.number).collect::<Vec<_>>(), [1, 2, 3]);
    town.notes.insert(TAX, vec![slots[0].clone(), slots[2].clone(), slots[2].clone()]);
    let (_, posted) = town.exchange(TAX, TOMORROW);
    assert_eq!(posted.news.len(), 2, "one came twice");
    assert!(town.conversation(TAX).introduced[0].misses_note);
    // It says that it read up to the first, and the others are not said to be read.
    town.write(TAX, "wat stond er in de tweede?", TOMORROW);
    town.exchange(TAX, TOMORROW);
    town.exchange(POLICE, TOMORROW);
    assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::Read, NoteProgress::Kept, NoteProgress::Kept]);
    town.notes.insert(TAX, vec![slots[1].clone(), slots[0].clone()]);
    town.exchange(TAX, TOMORROW);
    assert!(!town.conversation(TAX).introduced[0].misses_note);
    assert_eq!(texts(&town.conversation(TAX)), ["een", "drie", "twee"]);
    town.reopen(TAX);
    assert_eq!(texts(&town.conversation(TAX)), ["een", "drie", "twee"]);
}

#[test]
fn of_two_leads_at_once_the_lower_number_leads_and_only_who_leads_hands_over() {
    let mut town = Town::introduced();
    let claim = |partner| NewNote::Lead { partner, text: "" };
    assert_eq!(code(town.partner(TAX).write_note(1, &claim(POLICE), &by(), TOMORROW)), "not_leading");
    assert_eq!(code(town.partner(TAX).write_note(1, &claim(HOUSING), &by(), TOMORROW)), "not_permitted");
    town.partner(TAX).write_note(1, &claim(TAX), &by(), TOMORROW).unwrap();
    town.partner(POLICE).write_note(1, &claim(POLICE), &by(), TOMORROW).unwrap();
    for number in [TAX, POLICE, TAX] {
        town.exchange(number, TOMORROW);
    }
    for number in [TAX, POLICE] {
        assert_eq!(town.conversation(number).lead, Some(POLICE));
    }
    let error = town.partner(TAX).write_note(1, &claim(TAX), &by(), TOMORROW).unwrap_err();
    assert!(error.code() == "not_leading" && error.to_string().starts_with("partner 1 leads"), "{error}");
    town.partner(POLICE).write_note(1, &claim(TAX), &by(), TOMORROW).unwrap();
    town.exchange(POLICE, TOMORROW);
    town.exchange(TAX, TOMORROW);
    for number in [TAX, POLICE] {
        assert_eq!(town.conversation(number).lead, Some(TAX), "the highest turn counts");
    }
    let ended = NewNote::Outcome { outcome: Outcome::WrongSignal, text: "verkeerd huisnummer" };
    town.partner(TAX).write_note(1, &ended, &by(), TOMORROW).unwrap();
    town.exchange(TAX, TOMORROW);
    town.exchange(POLICE, TOMORROW);
    assert_eq!(town.conversation(POLICE).outcome, Some(Outcome::WrongSignal));
    let decision = NewNote::Decision { lead: None, next: None, text: "ik beslis" };
    assert_eq!(code(town.partner(TAX).write_note(1, &decision, &by(), TOMORROW)), "not_permitted");
}

#[test]
fn whoever_leaves_takes_back_and_is_written_to_no_more() {
    let mut town = Town::introduced();
    town.write(TAX, "voor het vertrek", TOMORROW);
    town.partner(POLICE).leave(1, &by(), TOMORROW).unwrap();
    assert_eq!(code(town.partner(POLICE).leave(1, &by(), TOMORROW)), "no_conversation");
    assert_eq!(town.partner(POLICE).put_forward_rows().count(), 0);
    let text = NewNote::Text { text: "toch nog iets", to: None };
    assert_eq!(code(town.partner(POLICE).write_note(1, &text, &by(), TOMORROW)), "no_conversation");
    assert_eq!(town.keep(POLICE, TOMORROW).rows.len(), 0);
    let (exchange, _) = town.exchange(POLICE, TOMORROW);
    assert_eq!(exchange.left, [conversation(1)]);
    assert_eq!(town.exchange(POLICE, TOMORROW).0.left, [], "it is said once");
    // The tax office hears of it, and of its note.
    let (id, day) = (conversation(1), TOMORROW.day());
    town.tell(TAX, Subject::NONE, day, EntryKind::Left { conversation: id, partner: POLICE });
    let message = town.next(TAX, Kind::Exchange, TOMORROW);
    let exchange = exchange_of(TAX, &message);
    let mut post = town.post(TAX, &exchange);
    post.sent[0] = NoteFate::NotIntroduced;
    drop(town.reply(TAX, &message, Reply::Post(post), TOMORROW).unwrap());
    assert_eq!(progress(&town.conversation(TAX)), [NoteProgress::NotIntroduced]);
    assert_eq!(town.conversation(TAX).introduced[0].left, Some(day));
    assert_eq!(town.partner(TAX).take_talk_news().unwrap(), [TalkNews::Left { conversation: 1, partner: POLICE }]);
    assert_eq!(code(town.partner(TAX).write_note(1, &text, &by(), TOMORROW)), "no_conversation");
    // Introduced again, after it put forward anew, the conversation goes on, and what was not taken goes.
    let later = TOMORROW.plus(2 * DAY);
    town.partner(POLICE).put_forward(homes(1..2), &by(), later).unwrap();
    let (police, tax) = (town.keep(POLICE, later), town.keep(TAX, later));
    town.introduce(&police, &tax, 1, later.day().plus(1));
    let later = later.plus(DAY);
    town.exchange(POLICE, later);
    town.exchange(TAX, later);
    assert_eq!((town.conversation(POLICE).left, town.conversation(TAX).introduced[0].left), (None, None));
    assert_eq!(town.exchange(TAX, later).0.notes.len(), 1);
    town.exchange(POLICE, later);
    assert_eq!(texts(&town.conversation(POLICE)), ["voor het vertrek"]);
}

#[test]
fn what_was_written_before_one_leaves_is_brought_first_and_leaving_is_told_all_the_same() {
    let mut town = Town::introduced();
    let day = |days: u64| TOMORROW.plus(days * DAY);
    let goes_on = |town: &mut Town, now: Timestamp| town.partner(POLICE).leaving_goes_on(1, now.day()).unwrap();
    for number in 0..5 {
        town.write(POLICE, &format!("bericht {number}"), TOMORROW);
    }
    assert_eq!(goes_on(&mut town, TOMORROW), day(1).day(), "two exchanges a day bring the five notes first");
    town.partner(POLICE).leave(1, &by(), TOMORROW).unwrap();
    assert_eq!(goes_on(&mut town, TOMORROW), day(1).day());
    town.keep(POLICE, TOMORROW);
    let brought = |town: &mut Town, now: Timestamp| {
        let exchange = town.exchange(POLICE, now).0;
        (exchange.notes.len(), exchange.left.len())
    };
    assert_eq!(brought(&mut town, TOMORROW), (4, 0));
    assert_eq!(progress(&town.conversation(POLICE))[3..], [NoteProgress::Kept, NoteProgress::Waiting]);
    assert_eq!(brought(&mut town, TOMORROW), (1, 0));
    assert_eq!(brought(&mut town, day(1)), (0, 1));
    assert_eq!(brought(&mut town, day(1)), (0, 0), "it is said once");

    // Notes that do not get through hold it up until the second day after, and are not brought then.
    let mut town = Town::introduced();
    town.write(POLICE, "vaarwel", TOMORROW);
    town.partner(POLICE).leave(1, &by(), TOMORROW).unwrap();
    let put_off = |town: &mut Town, now: Timestamp| {
        let message = town.next(POLICE, Kind::Exchange, now);
        let exchange = exchange_of(POLICE, &message);
        let mut post = town.post(POLICE, &exchange);
        if let Some(fate) = post.sent.iter_mut().find(|fate| **fate == NoteFate::Kept) {
            *fate = NoteFate::TooManyWait;
        }
        drop(town.reply(POLICE, &message, Reply::Post(post), now).unwrap());
        (exchange.notes.len(), exchange.left.len())
    };
    town.keep(POLICE, TOMORROW);
    assert_eq!(put_off(&mut town, TOMORROW), (1, 0));
    assert_eq!(put_off(&mut town, TOMORROW), (0, 0), "on another day");
    town.keep(POLICE, day(1));
    assert_eq!(put_off(&mut town, day(1)), (1, 0));
    assert_eq!(goes_on(&mut town, day(1)), day(2).day());
    town.keep(POLICE, day(2));
    assert_eq!(put_off(&mut town, day(2)).1, 1);
    assert_eq!(
        progress(&town.conversation(POLICE)),
        [NoteProgress::NotIntroduced],
        "people are told that it did not go"
    );
}

#[test]
fn who_comes_back_is_shown_with_the_day_of_the_last_introduction() {
    let mut town = Town::introduced();
    let began = town.conversation(POLICE).began;
    town.partner(POLICE).leave(1, &by(), TOMORROW).unwrap();
    town.keep(POLICE, TOMORROW);
    town.exchange(POLICE, TOMORROW);
    let later = TOMORROW.plus(2 * DAY);
    town.partner(POLICE).put_forward(homes(1..2), &by(), later).unwrap();
    let (police, tax) = (town.keep(POLICE, later), town.keep(TAX, later));
    town.introduce(&police, &tax, 1, later.day().plus(1));
    town.exchange(POLICE, later.plus(DAY));
    let known = town.conversation(POLICE);
    assert_eq!((known.began, known.introduced[0].since), (began, later.day().plus(1)));
}

#[test]
fn an_introduction_of_before_one_left_does_not_bring_one_back() {
    let mut town = Town::introduced();
    let now = TOMORROW.plus(DAY);
    let (police, tax) = (town.keep(POLICE, now), town.keep(TAX, now));
    town.partner(POLICE).leave(1, &by(), now).unwrap();
    town.run(POLICE, now);
    let day = now.day();
    town.tell(POLICE, subject(1), day, introduced(&police, &tax, 1));
    town.exchange(POLICE, now);
    assert_eq!(town.conversation(POLICE).left, Some(day));
}

#[test]
fn what_was_put_off_goes_on_another_day_and_a_restored_broker_gets_it_again() {
    let mut town = Town::introduced();
    town.write(POLICE, "een", TOMORROW);
    let refuse = |town: &mut Town, fate, now| {
        let message = town.next(POLICE, Kind::Exchange, now);
        let exchange = exchange_of(POLICE, &message);
        let mut post = town.post(POLICE, &exchange);
        town.notes.remove(&TAX);
        post.sent[0] = fate;
        drop(town.reply(POLICE, &message, Reply::Post(post), now).unwrap());
        exchange.notes[0].clone()
    };
    for (fate, reason, now) in [
        (NoteFate::OverBudget, PutOffReason::DaySpent, TOMORROW),
        (NoteFate::TooManyWait, PutOffReason::TooManyWait, TOMORROW.plus(DAY)),
    ] {
        refuse(&mut town, fate, now);
        assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::PutOff(now.day(), reason)]);
        assert_eq!(town.exchange(POLICE, now).0.notes.len(), 0, "not on the same day");
    }
    let now = TOMORROW.plus(2 * DAY);
    let first = refuse(&mut town, NoteFate::Kept, now);
    town.run(POLICE, now);
    assert!(town.notes.get(&TAX).is_none_or(Vec::is_empty), "the broker has it");
    // The broker was restored, and may have lost it.
    town.play(POLICE).broker.restored = now;
    town.exchange(POLICE, now.plus(1));
    town.exchange(POLICE, now.plus(1));
    let again = town.notes.remove(&TAX).unwrap().remove(0);
    assert_eq!((again.number, again.conversation), (first.number, first.conversation));
    assert!(again.sealed != first.sealed, "sealed anew");
    town.notes.insert(TAX, vec![NoteSlot { partner: POLICE, ..first }, again]);
    assert_eq!(town.exchange(TAX, now).1.news.len(), 1, "it is read once");
}

/// The keys of the epoch in which it is sent seal it, whatever epoch the conversation began in.
#[test]
fn a_conversation_goes_on_in_the_next_epoch() {
    let mut town = Town::introduced();
    town.write(POLICE, "in het eerste tijdvak", TOMORROW);
    town.exchange(POLICE, TOMORROW);
    let lost = town.notes.remove(&TAX).unwrap().remove(0);
    assert_eq!(lost.epoch, 1);
    let after: Day = "2027-12-05".parse().unwrap();
    let now = after.start();
    for number in [POLICE, TAX] {
        pass(town.partner(number), now);
    }
    town.write(POLICE, "in het tweede", now);
    let (exchange, _) = town.exchange(POLICE, now);
    let sent: Vec<_> = exchange.notes.iter().map(|slot| (slot.number, slot.epoch, slot.began)).collect();
    assert_eq!(sent, [(2, 2, 1), (1, 2, 1)], "what was not read goes again, under the new keys");
    // The keys of the first epoch are gone at the reader.
    town.partner(TAX).forget_epoch(1, &by(), now).unwrap();
    town.notes.get_mut(&TAX).unwrap().insert(0, NoteSlot { partner: POLICE, ..lost });
    let (_, posted) = town.exchange(TAX, now);
    assert_eq!(posted.passed_over, 1, "under the old keys nobody can read it any more");
    assert_eq!(texts(&town.conversation(TAX)), ["in het tweede", "in het eerste tijdvak"]);
    assert!(!town.conversation(TAX).introduced[0].misses_note);
}

#[test]
fn a_note_waits_for_the_certificate_of_whom_it_is_for() {
    let mut town = Town::introduced();
    let all = town.partner(POLICE).member.certificates.clone();
    town.partner(POLICE).member.certificates.retain(|one| one.claimed().partner != TAX);
    town.write(POLICE, "later", TOMORROW);
    assert_eq!(town.exchange(POLICE, TOMORROW).0.notes.len(), 0);
    town.partner(POLICE).take_certificates(all.clone()).unwrap();
    assert_eq!(town.exchange(POLICE, TOMORROW).0.notes.len(), 1);
    // The reader lacks the writer's.
    town.partner(TAX).member.certificates.retain(|one| one.claimed().partner != POLICE);
    let (_, posted) = town.exchange(TAX, TOMORROW);
    assert!(!posted.more && posted.news.is_empty());
    town.reopen(TAX);
    town.partner(TAX).take_certificates(all).unwrap();
    let (exchange, posted) = town.exchange(TAX, TOMORROW);
    assert_eq!((exchange.received, posted.news.len()), (town.counted, 1), "it waits here, and not at the broker");
}

/// What was sealed before the writer was suspended can be read after it.
#[test]
fn nobody_writes_to_one_that_is_suspended() {
    let mut town = Town::introduced();
    town.write(TAX, "ervoor", TOMORROW);
    town.exchange(TAX, TOMORROW);
    let policy = town.partner(TAX).policy().policy().clone();
    let (first_day, last_day) = (TOMORROW.day(), "2027-11-30".parse().unwrap());
    let keys: Option<PartnerKeys> = None;
    let statement = Statement { partner: TAX, epoch: 1, serial: 2, keys, first_day, last_day };
    let suspended = Certificate::sign(&policy, statement, &sample::policy_key("belastingdienst")).unwrap();
    town.partner(POLICE).take_certificates([suspended]).unwrap();
    town.write(POLICE, "erna", TOMORROW);
    let (exchange, posted) = town.exchange(POLICE, TOMORROW);
    assert_eq!((exchange.notes.len(), posted.news.len()), (0, 1));
    let note = town.conversation(POLICE).notes.remove(0);
    assert!(matches!(note.content, NoteContent::Text(_)));
}

/// A folder that was put back from a copy knows less notes than it wrote. New ones must not come under their numbers:
/// the other has read those.
#[test]
fn an_old_copy_of_the_folder_gives_no_number_of_a_note_twice() {
    let mut town = Town::introduced();
    town.write(POLICE, "een", TOMORROW);
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(town.play(POLICE).folder.path()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    town.write(POLICE, "twee", TOMORROW);
    town.run(POLICE, TOMORROW);
    town.run(TAX, TOMORROW);
    assert_eq!(texts(&town.conversation(TAX)), ["een", "twee"]);
    let Play { broker, partner, .. } = town.plays.remove(&POLICE).unwrap();
    let used = partner.data.state().talk_used;
    drop(partner);
    let partner = Partner::open(copy.path()).unwrap();
    town.plays.insert(POLICE, Play { folder: copy, partner, broker });
    let now = TOMORROW.plus(DAY);
    // Its numbers were used, as the broker says.
    for _ in 0..2 {
        let Some(message) = town.partner(POLICE).talk(now).unwrap() else { continue };
        if verified(POLICE, &message).header().sequence <= used {
            let stale = Reply::Rejection(Rejection::new(Code::Stale, used + 1, "used"));
            let bytes = Broker::new(town.partner(POLICE).policy().clone()).reply(&message, stale);
            drop(town.partner(POLICE).read(&bytes, now).unwrap());
        }
    }
    town.write(POLICE, "drie", now);
    town.partner(POLICE).talk_run = TalkRun::default();
    town.run(POLICE, now);
    town.run(TAX, now);
    let all = texts(&town.conversation(TAX));
    assert_eq!(all, ["een", "twee", "een", "drie"], "one that may not have been sent comes again, and none is lost");
    assert!(!town.conversation(TAX).introduced[0].misses_note);
    town.write(TAX, "gelezen", now);
    town.exchange(TAX, now);
    town.exchange(POLICE, now);
    assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::Read; 2]);
    town.write(POLICE, "vier", now);
    let slot = town.exchange(POLICE, now).0.notes.remove(0);
    assert_eq!(slot.number, (now.0 << 32) + 3, "and from there they go on");
}
