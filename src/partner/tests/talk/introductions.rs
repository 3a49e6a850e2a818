//! What a broker says of introductions, and what is complained of.

use super::*;
use crate::talk::Outcome;

/// Police and tax office put a home forward each.
fn both() -> (Town, Forwarded, Forwarded) {
    let mut town = Town::new();
    let police = town.put_forward(POLICE, 1, NOW);
    let tax = town.put_forward(TAX, 1, NOW);
    (town, police, tax)
}

/// What the police make of an entry on home 1 of the next day.
fn told(town: &mut Town, told: EntryKind) -> Posted {
    town.tell(POLICE, subject(1), NOW.day().plus(1), told);
    town.exchange(POLICE, NOW.plus(DAY)).1
}

/// The codes of the complaints, and how many files show each.
fn complaints(town: &mut Town) -> Vec<(&'static str, usize)> {
    let complaints = town.partner(POLICE).complaints().unwrap();
    complaints.iter().map(|complaint| (complaint.code, complaint.evidence.len())).collect()
}

#[test]
fn two_that_put_the_same_forward_are_told_of_each_other() {
    let (mut town, police, tax) = both();
    town.introduce(&police, &tax, 1, NOW.day().plus(1));
    let (_, posted) = town.exchange(POLICE, NOW.plus(DAY));
    assert_eq!(posted.news, [TalkNews::Introduced { conversation: 1, partner: TAX }]);
    let one = town.conversation(POLICE);
    assert_eq!((one.number, one.address, one.epoch), (1, Some(homes(1..2)[0]), 1));
    assert_eq!((one.introduced[0].partner, one.introduced[0].since), (TAX, NOW.day().plus(1)));
    assert!(!format!("{one:?}").contains("1012JS"));
    // What it read it says to have read, and told again it is nothing new.
    let (exchange, _) = town.exchange(POLICE, NOW.plus(DAY));
    assert_eq!(exchange.told, 1);
    let again = told(&mut town, introduced(&police, &tax, 1));
    assert_eq!((again.news, again.passed_over), (vec![], 0));
    assert_eq!(complaints(&mut town), []);
}

#[test]
fn a_code_that_is_not_the_others_is_complained_of_and_nothing_is_taken_over() {
    let (mut town, police, tax) = both();
    let other = town.put_forward(TAX, 2, NOW);
    town.put_forward(POLICE, 2, NOW);
    let EntryKind::Introduced { conversation, partner, last_day, row, own_row, code } = introduced(&police, &tax, 1)
    else {
        panic!()
    };
    let with =
        |row, last_day, partner, code| EntryKind::Introduced { conversation, partner, last_day, row, own_row, code };
    let false_ones = [
        ("invented", with(row, last_day, partner, RowCode::from_bytes([7; 16]))),
        ("of another row", with(row, last_day, partner, other.code(&pseudonym(2), POLICE))),
        ("for another", with(row, last_day, partner, tax.code(&pseudonym(1), COORDINATOR))),
        ("of another message", with(row + 1, last_day, partner, code)),
        ("moved to another day", with(row, last_day.plus(1), partner, code)),
    ];
    let number = false_ones.len();
    for (name, entry) in false_ones {
        let posted = told(&mut town, entry);
        assert_eq!((posted.complaint, posted.news, posted.passed_over), (None, vec![], 0), "{name}");
    }
    // A certificate may come by which they are right, with the next run.
    assert_eq!(town.exchange(POLICE, NOW.plus(DAY)).1.complaint, None);
    let (exchange, posted) = town.exchange(POLICE, NOW.plus(2 * DAY));
    assert_eq!(exchange.told, town.counted, "each was read, and is not told again");
    let complaint = posted.complaint.unwrap();
    assert_eq!((complaint.code, posted.news), ("false_introduction", vec![]));
    assert!(complaint.text.contains("partner 2") && !complaint.text.contains("1012JS"), "{}", complaint.text);
    assert_eq!(complaints(&mut town).len(), number);
    assert_eq!(town.exchange(POLICE, NOW.plus(3 * DAY)).1.complaint, None, "once");
    assert_eq!(complaints(&mut town)[0], ("false_introduction", 2), "the post, and what is wrong with it");
    assert_eq!(town.partner(POLICE).conversations().count(), 0);
}

#[test]
fn what_cannot_be_is_passed_over() {
    let (mut town, police, tax) = both();
    let housing = town.put_forward(HOUSING, 1, NOW);
    let EntryKind::Introduced { conversation, partner, last_day, row, own_row, code } = introduced(&police, &tax, 1)
    else {
        panic!()
    };
    let with = |partner, own_row, last_day, code| EntryKind::Introduced {
        conversation,
        partner,
        last_day,
        row,
        own_row,
        code,
    };
    for (name, entry) in [
        ("an own row that was never sent", with(partner, own_row + 9, last_day, code)),
        ("one of the other's that is over", with(partner, own_row, NOW.day(), code)),
        ("one that meets by the coordinator alone", with(HOUSING, own_row, housing.last_day, code)),
        ("the partner itself", with(POLICE, own_row, last_day, code)),
        ("one that is not in the roster", with(77, own_row, last_day, code)),
        ("the coordinator with a code", with(COORDINATOR, own_row, police.last_day, code)),
        ("one who left that was never there", EntryKind::Left { conversation, partner }),
    ] {
        let posted = told(&mut town, entry);
        assert_eq!((posted.passed_over, posted.news), (1, vec![]), "{name}");
    }
    // Another epoch, and a subject that the own row does not have.
    let entry = introduced(&police, &tax, 1);
    town.tell(POLICE, subject(2), NOW.day().plus(1), entry);
    town.tell(POLICE, subject(1), NOW.day().plus(1), entry);
    town.entries.get_mut(&POLICE).unwrap()[1].epoch = 2;
    assert_eq!(town.exchange(POLICE, NOW.plus(DAY)).1.passed_over, 2);
    assert_eq!((town.partner(POLICE).conversations().count(), complaints(&mut town)), (0, vec![]));
}

#[test]
fn a_row_that_was_taken_back_before_the_turn_is_complained_of() {
    for (kept_on, complained) in [(NOW, 1), (NOW.plus(DAY), 0)] {
        let (mut town, police, tax) = both();
        town.run(POLICE, NOW);
        town.partner(POLICE).take_back(homes(1..2), &by(), kept_on).unwrap();
        assert_eq!(town.keep(POLICE, kept_on).rows.len(), 0);
        let posted = told(&mut town, introduced(&police, &tax, 1));
        assert_eq!(posted.complaint.is_some(), complained == 1);
        assert_eq!(posted.news.len(), 1, "the other knows of it, so it is shown");
        let expected: &[_] = if complained == 1 { &[("late_introduction", 4)] } else { &[] };
        assert_eq!(complaints(&mut town), expected, "the kept, its message, the post, and what is wrong with them");
    }
}

/// The days that the broker signed are compared with each other, and not with the clock here.
#[test]
fn a_partner_whose_clock_is_behind_accuses_nobody() {
    let (mut town, police, tax) = both();
    town.run(POLICE, NOW);
    town.partner(POLICE).take_back(homes(1..2), &by(), NOW).unwrap();
    town.play(POLICE).broker.late = 3 * DAY;
    assert_eq!(town.keep(POLICE, NOW).rows.len(), 0);
    // The turn of the day on which the broker kept that, which came before.
    town.tell(POLICE, subject(1), NOW.day().plus(3), introduced(&police, &tax, 1));
    let posted = town.exchange(POLICE, NOW.plus(DAY)).1;
    assert_eq!((posted.complaint, posted.news.len()), (None, 1));
}

/// While epochs overlap, a partner puts forward in the newer one, and its rows in the older stand until they end.
#[test]
fn what_is_said_in_another_epoch_takes_no_row_back() {
    let mut town = Town::new();
    let may = "2027-05-31".parse::<Day>().unwrap().start().plus(DAY / 2);
    let june = may.plus(DAY);
    let police = town.put_forward(POLICE, 1, may);
    let tax = town.put_forward(TAX, 1, may);
    town.run(POLICE, may);
    town.play(POLICE).deliver(june);
    town.other_epoch(POLICE, 2, june);
    town.partner(POLICE).put_forward(homes(1..2), &by(), june).unwrap();
    let message = town.next(POLICE, Kind::PutForward, june);
    assert_eq!(verified(POLICE, &message).header().epoch, 2);
    town.keep(POLICE, june);
    town.introduce(&police, &tax, 1, june.day().plus(1));
    let posted = town.exchange(POLICE, june.plus(DAY)).1;
    assert_eq!((posted.complaint, posted.news.len()), (None, 1));
    assert_eq!(complaints(&mut town), []);
}

/// A broker that was restored from an older store lost what it had kept, and says so: it may use the row again.
#[test]
fn a_row_that_a_restored_broker_found_again_is_not_complained_of() {
    let (mut town, police, tax) = both();
    town.run(POLICE, NOW);
    town.partner(POLICE).take_back(homes(1..2), &by(), NOW).unwrap();
    town.keep(POLICE, NOW);
    town.play(POLICE).broker.restored = NOW.plus(1);
    let posted = told(&mut town, introduced(&police, &tax, 1));
    assert_eq!((posted.complaint, posted.news.len()), (None, 1));
    // The full set that it waits for, which it rejects once for what came before.
    (0..2).for_each(|_| drop(town.play(POLICE).deliver(NOW.plus(DAY))));
    assert_eq!(town.keep(POLICE, NOW.plus(DAY)).rows.len(), 0, "it is told again that it was taken back");
}

/// What the police put forward is rejected, and the broker introduces by it all the same.
fn rejected(code: Code) -> (Town, Forwarded, Forwarded) {
    let mut town = Town::new();
    let tax = town.put_forward(TAX, 1, NOW);
    let play = town.play(POLICE);
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    play.deliver(NOW);
    play.partner.put_forward(homes(1..2), &by(), NOW).unwrap();
    let message = town.next(POLICE, Kind::PutForward, NOW);
    let said = forwarded(POLICE, &message);
    let number = if code == Code::Stale { said.number + 1 } else { 0 };
    drop(town.reply(POLICE, &message, Reply::Rejection(Rejection::new(code, number, "no")), NOW).unwrap());
    town.reopen(POLICE);
    (town, said, tax)
}

#[test]
fn a_row_that_was_rejected_is_complained_of_where_the_broker_uses_it() {
    for (code, complained) in [(Code::OverBudget, true), (Code::Stale, false)] {
        let (mut town, said, tax) = rejected(code);
        let posted = told(&mut town, introduced(&said, &tax, 1));
        assert_eq!(posted.news.len(), 1, "the other knows of it");
        assert_eq!(posted.complaint.is_some(), complained, "what is stale may have been accepted before");
        let expected: &[_] = if complained { &[("late_introduction", 4)] } else { &[] };
        assert_eq!(complaints(&mut town), expected);
    }
    // A broker that was restored since may have lost that it rejected it.
    let (mut town, said, tax) = rejected(Code::OverBudget);
    town.play(POLICE).broker.restored = NOW.plus(1);
    let posted = told(&mut town, introduced(&said, &tax, 1));
    assert_eq!((posted.complaint, posted.news.len()), (None, 1));
}

/// What may have been accepted is taken back, whatever the broker said to it.
#[test]
fn what_was_rejected_is_taken_back_too() {
    for code in [Code::OverBudget, Code::Stale] {
        let (mut town, ..) = rejected(code);
        town.partner(POLICE).take_back(homes(1..2), &by(), NOW).unwrap();
        assert_eq!(town.keep(POLICE, NOW.plus(DAY)).rows.len(), 0);
    }
}

#[test]
fn an_introduction_is_of_a_day_on_which_it_can_have_been_decided() {
    let day = NOW.day();
    for (name, of_day, complained) in [
        ("the turn of the day after", day.plus(1), false),
        ("the turn of the day on which the row was kept, which came before", day, true),
        ("the day before that", Day(day.0 - 1), true),
        ("a day that is yet to come", day.plus(2), true),
    ] {
        let (mut town, police, tax) = both();
        town.tell(POLICE, subject(1), of_day, introduced(&police, &tax, 1));
        let posted = town.exchange(POLICE, NOW.plus(DAY)).1;
        assert_eq!((posted.complaint.is_some(), posted.news.len()), (complained, 1), "{name}");
    }
    // By a broker that was restored since it said that it kept the row.
    let (mut town, police, tax) = both();
    town.play(POLICE).broker.restored = NOW.plus(1);
    town.tell(POLICE, subject(1), day, introduced(&police, &tax, 1));
    let posted = town.exchange(POLICE, NOW.plus(DAY)).1;
    assert_eq!((posted.complaint, posted.news.len()), (None, 1));
    // After the last day of the own row.
    let (mut town, police, tax) = both();
    let over = police.last_day.plus(1);
    let EntryKind::Introduced { conversation, partner, row, own_row, .. } = introduced(&police, &tax, 1) else {
        panic!()
    };
    let coordinator = EntryKind::Introduced {
        conversation,
        partner: COORDINATOR,
        last_day: police.last_day,
        row: 0,
        own_row,
        code: RowCode::NONE,
    };
    assert!((partner, row) == (TAX, tax.number));
    town.tell(POLICE, subject(1), over, coordinator);
    let posted = town.exchange(POLICE, over.start().plus(DAY / 2)).1;
    assert_eq!((posted.complaint.is_some(), posted.news.len()), (true, 1));
    // Of a message whose reply was never read it is known when it was made.
    for (of_day, complained) in [(Day(day.0 - 1), true), (day, false)] {
        let (mut town, _, tax) = both();
        let play = town.play(POLICE);
        play.partner.flag(homes(2..3), &by(), NOW).unwrap();
        play.deliver(NOW);
        play.partner.put_forward(homes(2..3), &by(), NOW).unwrap();
        play.partner.talk_run = TalkRun::default();
        let message = town.next(POLICE, Kind::PutForward, NOW);
        let digest = town.partner(POLICE).in_flight().next().unwrap().digest;
        town.partner(POLICE).give_up(digest, NOW).unwrap();
        town.partner(POLICE).talk_run = TalkRun::default();
        let unread = forwarded(POLICE, &message);
        town.tell(POLICE, subject(1), of_day, introduced(&unread, &tax, 1));
        let message = town.next(POLICE, Kind::Exchange, NOW.plus(DAY));
        let post = town.post(POLICE, &exchange_of(POLICE, &message));
        let Received::Posted(posted) = town.reply(POLICE, &message, Reply::Post(post), NOW.plus(DAY)).unwrap() else {
            panic!()
        };
        assert_eq!(posted.complaint.is_some(), complained, "{of_day}");
    }
}

/// A broker that dates an introduction back, to before a row was taken back, should have told it then.
#[test]
fn an_introduction_that_was_not_told_when_nothing_more_waited_is_complained_of() {
    for (name, restored, waits, complained) in [
        ("of a turn before a post after which nothing waited", false, false, true),
        ("that post is of before a restore", true, false, false),
        ("more waited then", false, true, false),
    ] {
        let (mut town, police, tax) = both();
        // A post that has as many entries as it can; they are of nothing that is flagged here.
        for home in (50..82).filter(|_| waits) {
            town.tell(POLICE, subject(home), NOW.day(), EntryKind::Asked { answer_by: NOW.day().plus(5) });
        }
        let message = town.next(POLICE, Kind::Exchange, NOW.plus(DAY));
        let post = town.post(POLICE, &exchange_of(POLICE, &message));
        // That more waits where there is room is not believed.
        let full = Reply::Post(Post { more: true, ..post.clone() });
        assert_eq!(town.reply(POLICE, &message, full, NOW.plus(DAY)).is_ok(), waits);
        if !waits {
            drop(town.reply(POLICE, &message, Reply::Post(post), NOW.plus(DAY)).unwrap());
        }
        town.partner(POLICE).take_back(homes(1..2), &by(), NOW.plus(DAY)).unwrap();
        town.partner(POLICE).talk_run = TalkRun::default();
        town.keep(POLICE, NOW.plus(DAY));
        if restored {
            town.play(POLICE).broker.restored = NOW.plus(DAY + 1);
        }
        town.tell(POLICE, subject(1), NOW.day().plus(1), introduced(&police, &tax, 1));
        let posted = town.exchange(POLICE, NOW.plus(2 * DAY)).1;
        assert_eq!((posted.complaint.is_some(), posted.news.len()), (complained, 1), "{name}");
        let expected: &[_] = if complained { &[("late_introduction", 3)] } else { &[] };
        assert_eq!(complaints(&mut town), expected, "{name}");
    }
}

/// Whoever has the files and the policy sees what is wrong, without the partner's journal.
#[test]
fn the_evidence_can_be_checked_by_somebody_else() {
    let (mut town, police, tax) = both();
    town.run(POLICE, NOW);
    town.partner(POLICE).take_back(homes(1..2), &by(), NOW).unwrap();
    town.keep(POLICE, NOW);
    told(&mut town, introduced(&police, &tax, 1));
    let complaint = town.partner(POLICE).complaints().unwrap().remove(0);
    let file = |end: &str| {
        let mut paths = complaint.evidence.iter().rev();
        // The post has the shortest name, and comes last.
        fs::read(paths.find(|path| path.to_str().unwrap().ends_with(end)).unwrap()).unwrap()
    };
    let (kept, message, post) = (file("-other.reply"), file("-other.message"), file(".reply"));
    let broker = sample::operator_key().verifying_key();
    let kept = Unverified::parse(&kept, Role::Broker).unwrap().verify(&broker).unwrap();
    let post = Unverified::parse(&post, Role::Broker).unwrap().verify(&broker).unwrap();
    let message = verified(POLICE, &message);
    assert_eq!(kept.header().context, message.digest(), "it was kept");
    let (Reply::Kept(_), Reply::Post(told)) = (kept.reply().unwrap(), post.reply().unwrap()) else { panic!() };
    let entry = told.entries[0];
    let EntryKind::Introduced { own_row, .. } = entry.told else { panic!() };
    assert!(message.header().sequence > own_row && message.header().epoch == entry.epoch, "it came after the row");
    let Request::PutForward(said) = message.request().unwrap() else { panic!() };
    assert!(said.rows().all(|row| Subject::of(row.pseudonym) != entry.subject), "and lacks it");
    assert!(kept.header().time.day() < entry.day, "it was kept before the turn");
    assert_eq!(told.log.restored, Timestamp(0), "by a broker that was not restored");
}

#[test]
fn an_unread_kept_or_a_rejected_message_shows_nothing() {
    let (mut town, police, tax) = both();
    town.run(POLICE, NOW);
    town.partner(POLICE).take_back(homes(1..2), &by(), NOW).unwrap();
    let message = town.next(POLICE, Kind::PutForward, NOW);
    let digest = town.partner(POLICE).in_flight().next().unwrap().digest;
    town.partner(POLICE).give_up(digest, NOW).unwrap();
    assert_eq!(kind(&message), Kind::PutForward);
    town.partner(POLICE).talk_run = TalkRun::default();
    town.keep(POLICE, NOW.plus(DAY));
    let posted = told(&mut town, introduced(&police, &tax, 1));
    assert_eq!((posted.complaint, posted.news.len()), (None, 1));
}

#[test]
fn a_post_is_read_once_and_in_order() {
    let (mut town, police, tax) = both();
    town.introduce(&police, &tax, 1, NOW.day().plus(1));
    let now = NOW.plus(DAY);
    let message = town.next(POLICE, Kind::Exchange, now);
    let post = town.post(POLICE, &exchange_of(POLICE, &message));
    let bytes = town.play(POLICE).broker.reply(&message, Reply::Post(post.clone()));
    drop(town.partner(POLICE).read(&bytes, now).unwrap());
    assert_eq!(code(town.partner(POLICE).read(&bytes, now)), "unexpected_reply", "it was read");
    let message = town.next(POLICE, Kind::Exchange, now);
    assert_eq!(code(town.partner(POLICE).read(&bytes, now)), "unexpected_reply", "it is to another message");
    assert_eq!(code(town.reply(POLICE, &message, Reply::Post(post.clone()), now)), "unexpected_reply");
    let sent = [NoteFate::Kept, NoteFate::Empty, NoteFate::Empty, NoteFate::Empty];
    let post = Post { entries: vec![], sent, ..post };
    assert_eq!(code(town.reply(POLICE, &message, Reply::Post(post), now)), "unexpected_reply", "no note was sent");
    assert_eq!(town.partner(POLICE).conversations().count(), 1);
}

/// What cannot be checked yet keeps nothing that comes after it from people.
#[test]
fn without_the_others_certificate_an_introduction_waits_here_and_not_at_the_broker() {
    let (mut town, police, tax) = both();
    let certificates = &mut town.partner(POLICE).member.certificates;
    let all = certificates.clone();
    certificates.retain(|one| one.claimed().partner != TAX);
    let day = NOW.day().plus(1);
    town.introduce(&police, &tax, 1, day);
    town.tell(POLICE, Subject::NONE, day, EntryKind::Left { conversation: conversation(1), partner: TAX });
    town.introduce_to_coordinator(&police, 1, day);
    let now = NOW.plus(DAY);
    let (_, posted) = town.exchange(POLICE, now);
    let coordinator = [TalkNews::Introduced { conversation: 1, partner: COORDINATOR }];
    assert_eq!((&posted.news[..], posted.more, posted.passed_over), (&coordinator[..], false, 0));
    town.reopen(POLICE);
    town.partner(POLICE).take_certificates(all).unwrap();
    let (exchange, posted) = town.exchange(POLICE, now);
    assert_eq!(exchange.told, town.counted, "all of it was read, and the broker keeps none of it");
    let introduced = TalkNews::Introduced { conversation: 1, partner: TAX };
    assert_eq!(posted.news, [introduced, TalkNews::Left { conversation: 1, partner: TAX }], "in the order it came in");
    assert_eq!(town.exchange(POLICE, now).1.news, []);
}

/// A false code that waited for a certificate is complained of with the post that had it.
#[test]
fn what_is_found_false_later_has_the_post_that_said_it_as_evidence() {
    let (mut town, police, tax) = both();
    let all = town.partner(POLICE).member.certificates.clone();
    town.partner(POLICE).member.certificates.retain(|one| one.claimed().partner != TAX);
    let EntryKind::Introduced { conversation, partner, last_day, row, own_row, .. } = introduced(&police, &tax, 1)
    else {
        panic!()
    };
    let code = RowCode::from_bytes([7; 16]);
    let entry = EntryKind::Introduced { conversation, partner, last_day, row, own_row, code };
    town.tell(POLICE, subject(1), NOW.day().plus(1), entry);
    let now = NOW.plus(DAY);
    let message = town.next(POLICE, Kind::Exchange, now);
    let post = town.post(POLICE, &exchange_of(POLICE, &message));
    let bytes = town.play(POLICE).broker.reply(&message, Reply::Post(post));
    drop(town.partner(POLICE).read(&bytes, now).unwrap());
    assert_eq!(complaints(&mut town), []);
    town.partner(POLICE).take_certificates(all).unwrap();
    assert_eq!(town.exchange(POLICE, now.plus(9 * DAY)).1.complaint, None);
    let (_, posted) = town.exchange(POLICE, now.plus(10 * DAY));
    let complaint = posted.complaint.unwrap();
    assert_eq!(complaint.code, "false_introduction");
    let shown: Vec<_> = complaint.evidence.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(shown.contains(&bytes));
}

#[test]
fn what_no_certificate_comes_for_is_passed_over_after_two_weeks_and_people_hear_it() {
    let (mut town, police, tax) = both();
    town.partner(POLICE).member.certificates.retain(|one| one.claimed().partner != TAX);
    let now = NOW.plus(DAY);
    town.introduce(&police, &tax, 1, now.day());
    town.exchange(POLICE, now);
    let (_, posted) = town.exchange(POLICE, now.plus(14 * DAY));
    assert_eq!((posted.news, posted.passed_over), (vec![], 0));
    let (_, posted) = town.exchange(POLICE, now.plus(15 * DAY));
    assert_eq!((&posted.news[..], posted.passed_over), (&[TalkNews::NeverCertified { partner: TAX }][..], 1));
    assert_eq!(town.exchange(POLICE, now.plus(16 * DAY)).1.passed_over, 0, "once");
}

/// What a code is checked by may go on the day after it was found to be wrong: that is complained of no less.
#[test]
fn a_wrong_code_is_complained_of_where_what_it_is_checked_by_goes() {
    for what in ["the other left the roster", "the epoch is over", "the own seal key was replaced"] {
        let (mut town, police, tax) = both();
        let EntryKind::Introduced { conversation, partner, last_day, row, own_row, .. } = introduced(&police, &tax, 1)
        else {
            panic!()
        };
        let code = RowCode::from_bytes([7; 16]);
        let posted = told(&mut town, EntryKind::Introduced { conversation, partner, last_day, row, own_row, code });
        assert_eq!((posted.complaint, posted.passed_over), (None, 0));
        town.reopen(POLICE);
        match what {
            "the other left the roster" => {
                town.partner(POLICE).member.certificates.retain(|one| one.claimed().partner != TAX);
            }
            "the epoch is over" => fs::remove_file(town.play(POLICE).folder.path().join("epoch-1.seal")).unwrap(),
            _ => drop(replace_seal_key(&mut town, POLICE)),
        }
        let is_told = what != "the own seal key was replaced";
        let posted = town.exchange(POLICE, NOW.plus(2 * DAY)).1;
        let expected: &[_] = if is_told { &[("false_introduction", 2)] } else { &[] };
        assert_eq!((posted.complaint.is_some(), &complaints(&mut town)[..]), (is_told, expected), "{what}");
    }
}

/// Has a partner draw another seal key, which the others do not know before they have its certificate.
fn replace_seal_key(town: &mut Town, number: u16) -> Certificate {
    let play = town.play(number);
    fs::remove_file(play.folder.path().join("epoch-1.seal")).unwrap();
    let newer = certified(&play.partner, 1, 2);
    play.partner.take_certificates([newer.clone()]).unwrap();
    newer
}

/// The broker had it before, and this partner gets it with its next run: whoever did nothing wrong is accused of
/// nothing.
#[test]
fn a_code_under_a_certificate_that_is_not_known_here_yet_is_no_wrong_one() {
    let mut town = Town::new();
    let police = town.put_forward(POLICE, 1, NOW);
    let newer = replace_seal_key(&mut town, TAX);
    let tax = town.put_forward(TAX, 1, NOW);
    let posted = told(&mut town, introduced(&police, &tax, 1));
    assert_eq!((posted.complaint, posted.news, posted.passed_over), (None, vec![], 0));
    town.reopen(POLICE);
    town.partner(POLICE).take_certificates([newer]).unwrap();
    let posted = town.exchange(POLICE, NOW.plus(2 * DAY)).1;
    assert_eq!(posted.news, [TalkNews::Introduced { conversation: 1, partner: TAX }]);
    assert_eq!(complaints(&mut town), []);
}

/// A code for the key that it had before cannot be checked. Nobody is accused, and people hear of whom it was.
#[test]
fn what_was_made_for_the_own_key_of_before_is_told_and_not_complained_of() {
    let (mut town, police, tax) = both();
    let newer = replace_seal_key(&mut town, POLICE);
    let posted = told(&mut town, introduced(&police, &tax, 1));
    assert_eq!((&posted.news[..], posted.passed_over), (&[TalkNews::Unreadable { partner: TAX }][..], 1));
    assert_eq!(complaints(&mut town), []);
    town.reopen(POLICE);
    assert_eq!(town.partner(POLICE).talk_news(), [TalkNews::Unreadable { partner: TAX }], "until somebody saw it");
    // Once the other has the newer certificate, and says it again, it is taken.
    town.partner(TAX).take_certificates([newer]).unwrap();
    let tax = town.keep(TAX, NOW.plus(DAY));
    let police = town.keep(POLICE, NOW.plus(DAY));
    town.tell(POLICE, subject(1), NOW.day().plus(2), introduced(&police, &tax, 1));
    let posted = town.exchange(POLICE, NOW.plus(2 * DAY)).1;
    assert_eq!(posted.news, [TalkNews::Introduced { conversation: 1, partner: TAX }]);
}

/// What was said goes with the records of it, from the state and from what stands for them.
#[test]
fn a_conversation_goes_with_the_records_of_it() {
    let mut town = Town::introduced();
    town.write(POLICE, "dit gaat weg", NOW.plus(DAY));
    town.run(POLICE, NOW.plus(DAY));
    let now = NOW.plus(200 * DAY);
    pass(town.partner(POLICE), now);
    let prune = |town: &mut Town, now| town.partner(POLICE).prune_journal(None, &by(), now).unwrap();
    assert_eq!(prune(&mut town, now), None, "the policy has it kept for a year");
    assert_eq!(town.partner(POLICE).conversations().count(), 1);
    // The flag, which keeps its records, ended half a year ago.
    let now = NOW.plus(400 * DAY);
    pass(town.partner(POLICE), now);
    assert_eq!(prune(&mut town, now).unwrap().to, NOW.plus(DAY));
    let none = |town: &mut Town| town.partner(POLICE).conversations().count() == 0;
    let base = town.partner(POLICE).data.journal().base().unwrap().unwrap();
    let kept = PartnerState::read(&base.state).unwrap().after_hit.conversations.len();
    assert_eq!((none(&mut town), kept), (true, 0));
    town.reopen(POLICE);
    assert!(none(&mut town));
}

#[test]
fn another_broker_knows_none_of_the_conversations() {
    let mut town = Town::introduced();
    town.partner(POLICE).data.record(NOW.plus(DAY), None, JournalEvent::AnotherOperator { version: 2 }).unwrap();
    town.write(POLICE, "is daar iemand?", NOW.plus(DAY));
    let state = town.partner(POLICE).data.state();
    assert!(state.after_hit.conversations[0].id == ConversationId::NONE);
    assert_eq!((state.after_hit.told, state.after_hit.sent.len()), (0, 0));
    assert!(state.after_hit.all_told.is_none());
    assert_eq!(town.partner(POLICE).conversations().count(), 1, "what was said stays");
}

#[test]
fn the_journal_has_who_did_what_after_a_hit_with_an_address() {
    let mut town = Town::introduced();
    let now = NOW.plus(DAY);
    town.write(POLICE, "zullen we bellen?", now);
    town.partner(POLICE).show_conversations(Some(1), &by(), now).unwrap();
    assert_eq!(code(town.partner(POLICE).show_conversations(Some(2), &by(), now)), "no_conversation");
    let leads = NewNote::Lead { partner: POLICE, text: "" };
    let ended = NewNote::Outcome { outcome: Outcome::NothingFound, text: "" };
    for note in [leads, ended] {
        town.partner(POLICE).write_note(1, &note, &by(), now).unwrap();
    }
    town.partner(POLICE).leave(1, &by(), now).unwrap();
    let looks = Case::new("p.officer", "controle").unwrap();
    let kinds = |acts: Vec<Act>| acts.into_iter().map(|act| act.kind).collect::<Vec<_>>();
    let query = ActQuery { address: Some(homes(1..2)[0]), ..ActQuery::default() };
    let acts = town.partner(POLICE).acts(&query, &looks, now).unwrap();
    for act in &acts {
        let (conversations, to): (&[u32], &[u16]) = match act.kind {
            ActKind::Talked(TalkAct::NoteWritten | TalkAct::LeadWritten | TalkAct::OutcomeWritten) => (&[1], &[TAX]),
            ActKind::Talked(TalkAct::Shown | TalkAct::Left) => (&[1], &[]),
            _ => (&[], &[]),
        };
        assert_eq!((&act.place.conversations[..], &act.place.to[..]), (conversations, to), "{act:?}");
    }
    let done = kinds(acts);
    for act in [
        TalkAct::PutForward,
        TalkAct::PuttingForward,
        TalkAct::Posted,
        TalkAct::NoteWritten,
        TalkAct::LeadWritten,
        TalkAct::OutcomeWritten,
        TalkAct::Shown,
        TalkAct::Left,
    ] {
        assert!(done.contains(&ActKind::Talked(act)), "{act:?}: {done:?}");
    }
    let entries = town.partner(POLICE).dossier(&homes(1..2)[0], &looks, now).unwrap();
    let talked = |entry: &&DossierEntry| matches!(entry.event, DossierEvent::Talked(TalkAct::NoteWritten));
    let written: Vec<_> = entries.iter().filter(talked).map(|entry| &entry.place).collect();
    assert_eq!(written.len(), 1);
    assert_eq!((&written[0].conversations[..], &written[0].to[..]), (&[1][..], &[TAX][..]));
    let names: Vec<_> = town.partner(POLICE).processings("https://example.nl/1", Digest::NONE).unwrap();
    let names: Vec<&str> = names.iter().map(|one| one.name.as_str()).collect();
    for name in ["put_forward", "putting_forward", "exchange", "write_note", "show_conversations", "leave"] {
        assert!(names.contains(&format!("stapel.{name}").as_str()), "{name}");
    }
}
