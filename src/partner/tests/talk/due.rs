//! What waits for people, in numbers.

use super::*;
use crate::partner::TalkDue;

fn due(town: &mut Town, day: Day) -> TalkDue {
    town.partner(POLICE).talk_due(day)
}

#[test]
fn what_others_put_forward_waits_for_an_answer() {
    let mut town = Town::new();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..4), &by(), NOW).unwrap();
    police.deliver(NOW);
    let (today, tomorrow) = (NOW.day(), NOW.plus(DAY));
    assert_eq!(due(&mut town, today), TalkDue::default());
    for (home, days) in [(1, 5), (2, 3), (3, 4)] {
        let answer_by = today.plus(days);
        town.tell(POLICE, subject(home), tomorrow.day(), EntryKind::Asked { answer_by });
    }
    town.exchange(POLICE, tomorrow);
    let TalkDue { unanswered, unanswered_since, late, answer_by, .. } = due(&mut town, today.plus(3));
    assert_eq!((unanswered, late, answer_by), (3, 0, Some(today.plus(3))));
    assert_eq!(unanswered_since, Some(tomorrow.day()), "the day on which it was asked");
    assert_eq!(due(&mut town, today.plus(4)).late, 1, "the last day was one to answer on");
    let police = town.partner(POLICE);
    police.answer(&homes(2..3)[0], AskAnswer::NotNow, &by(), tomorrow).unwrap();
    police.put_forward(homes(3..4), &by(), tomorrow).unwrap();
    let TalkDue { unanswered, late, answer_by, .. } = due(&mut town, today.plus(4));
    assert_eq!((unanswered, late, answer_by), (1, 0, Some(today.plus(5))), "and putting it forward is an answer");
}

#[test]
fn what_the_broker_does_not_have_is_counted_from_the_next_day_on() {
    let mut town = Town::new();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..3), &by(), NOW).unwrap();
    police.deliver(NOW);
    police.partner.put_forward(homes(1..3), &by(), NOW).unwrap();
    let today = NOW.day();
    assert_eq!(due(&mut town, today).not_standing, 0, "it goes today");
    let TalkDue { not_standing, not_standing_since, .. } = due(&mut town, today.plus(1));
    assert_eq!((not_standing, not_standing_since), (2, Some(today)));
    let message = town.next(POLICE, Kind::PutForward, NOW);
    let kept = Kept { log: LogEntry::NONE, kept: 2, unflagged: 0, new: 2, new_left: 0, held_left: 0 };
    assert!(matches!(town.reply(POLICE, &message, Reply::Kept(kept), NOW), Ok(Received::Kept(_))));
    let last_day = forwarded(POLICE, &message).last_day;
    let of = |due: TalkDue| (due.not_standing, due.rows_spent);
    assert_eq!(of(due(&mut town, today)), (0, true));
    assert_eq!(of(due(&mut town, last_day)), (0, true));
    assert_eq!(of(due(&mut town, last_day.plus(1))), (2, true));
}

#[test]
fn notes_that_nobody_was_shown_and_own_ones_that_were_put_off_are_counted() {
    let mut town = Town::introduced();
    let tomorrow = NOW.plus(2 * DAY);
    town.write(TAX, "een", tomorrow);
    town.exchange(TAX, tomorrow);
    town.exchange(POLICE, tomorrow);
    assert_eq!(due(&mut town, tomorrow.day()).unread, 1);
    town.partner(POLICE).take_talk_news().unwrap();
    assert_eq!(due(&mut town, tomorrow.day()).unread, 0);
    let next = tomorrow.plus(DAY);
    town.write(POLICE, "twee", next);
    town.write(POLICE, "drie", next.plus(DAY));
    let of = |due: TalkDue| (due.not_brought, due.not_brought_since, due.put_off, due.too_many_wait);
    assert_eq!(of(due(&mut town, next.day())), (2, Some(next.day()), 0, 0));
    let message = town.next(POLICE, Kind::Exchange, next.plus(DAY));
    let exchange = exchange_of(POLICE, &message);
    let mut post = town.post(POLICE, &exchange);
    (post.sent[0], post.sent[1]) = (NoteFate::TooManyWait, NoteFate::OverBudget);
    let read = town.reply(POLICE, &message, Reply::Post(post), next.plus(DAY));
    assert!(matches!(read, Ok(Received::Posted(_))));
    assert_eq!(of(due(&mut town, next.day())), (2, Some(next.day()), 2, 1));
}
