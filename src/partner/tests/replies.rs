//! Replies: which are refused, and what the others do.

use super::*;
use crate::message::{Answer, LogEntry, StatusReply, unsigned_rejection};

/// A partner with three flags delivered.
fn delivered() -> Play {
    let mut play = Play::new();
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    play.deliver(NOW);
    play
}

fn receipt(release: u64) -> Reply {
    Reply::Receipt(Receipt {
        log: LogEntry::NONE,
        release,
        part: (0, 0),
        added: 0,
        changed: 0,
        withdrawn: 0,
        held: 0,
        renewed: 0,
    })
}

fn answer(release: u64, standings: &[u8]) -> Reply {
    Reply::Answer(Answer {
        log: LogEntry::NONE,
        release,
        as_of: Timestamp(1),
        until: Timestamp(2),
        organisations: 4,
        fresh: 4,
        standings: standings.to_vec(),
    })
}

fn status(release: u64) -> StatusReply {
    StatusReply {
        log: LogEntry::NONE,
        release,
        as_of: Timestamp(1),
        until: Timestamp(2),
        accepted_state: 1,
        highest_state: 1,
        highest_question: 0,
        held: 6,
        full_set_required: false,
        new_flags_left: 1_000,
        first_sets_left: 100_000,
        held_left: 100_000,
        asked_left_today: 0,
        asked_left_epoch: 0,
        swept_left_today: 0,
        status_left_today: 1,
        checkpoint: vec![],
        consistency: vec![],
        lines: vec![],
    }
}

#[test]
fn the_release_that_the_latest_answer_spoke_of_is_kept() {
    let mut play = delivered();
    assert_eq!(play.partner.seen_release(), None);
    let read = |play: &mut Play, release: u64, at: Timestamp| {
        let question = play.partner.ask(homes(1..2), &by(), at).unwrap().remove(0);
        let bytes = play.broker.sign(&header(&question), Digest::of(&[&question]), &answer(release, &[0]));
        assert_eq!(code(play.partner.read(&bytes, at)), "none");
    };
    read(&mut play, 5, NOW);
    let seen = play.partner.seen_release().unwrap();
    assert_eq!((seen.read, seen.epoch, seen.number), (NOW, 1, 5));
    assert_eq!((seen.as_of, seen.until, seen.organisations, seen.fresh), (Timestamp(1), Timestamp(2), 4, 4));
    read(&mut play, 6, NOW.plus(60));
    let play = play.reopen();
    let seen = play.partner.seen_release().unwrap();
    assert_eq!((seen.read, seen.number), (NOW.plus(60), 6));
}

/// A broker whose clock is in doubt says the same time in all replies, and gives neither.
#[test]
fn an_answer_and_a_receipt_for_flags_are_refused_where_they_are_of_before_their_message() {
    let mut play = delivered();
    play.partner.flag(homes(4..5), &by(), NOW).unwrap();
    let delta = play.partner.deliver(NOW).unwrap().remove(0);
    let question = play.partner.ask(homes(1..3), &by(), NOW).unwrap().remove(0);
    let read = |play: &mut Play, message: &[u8], reply: &Reply, before: u64| {
        let header = Header { time: Timestamp(NOW.0 - before), ..header(message) };
        let bytes = play.broker.sign(&header, Digest::of(&[message]), reply);
        code(play.partner.read(&bytes, NOW))
    };
    // Ten minutes is the policy's most.
    for (message, reply) in [(&delta, receipt(0)), (&question, answer(0, &[0, 0]))] {
        assert_eq!(read(&mut play, message, &reply, 601), "unexpected_reply");
        assert_eq!(read(&mut play, message, &reply, 600), "none");
    }
    play.partner.withdraw(homes(1..2), &by(), NOW).unwrap();
    let withdrawal = play.partner.deliver(NOW).unwrap().remove(0);
    assert_eq!(read(&mut play, &withdrawal, &receipt(0), 86_400), "none", "it is accepted in doubt");
    let request = play.partner.status(NOW).unwrap();
    assert_eq!(read(&mut play, &request, &Reply::Status(status(0)), 86_400), "none");
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut play = delivered();
    play.partner.flag(homes(4..5), &by(), NOW).unwrap();
    let delta = play.partner.deliver(NOW).unwrap().remove(0);
    let question = play.partner.ask(homes(1..3), &by(), NOW).unwrap().remove(0);
    let request = play.partner.status(NOW).unwrap();
    let (length, flying) = (play.partner.journal_length(), play.partner.in_flight().count());
    let refused = |play: &mut Play, bytes: &[u8], expected: &str| {
        assert_eq!(code(play.partner.read(bytes, NOW)), expected);
        assert_eq!(play.partner.journal_length(), length);
        assert_eq!(play.partner.in_flight().count(), flying);
    };
    let sign = |play: &Play, message: &[u8], reply: &Reply, change: &dyn Fn(&mut Header)| {
        let mut header = header(message);
        change(&mut header);
        play.broker.sign(&header, Digest::of(&[message]), reply)
    };
    let messages = [(&delta, receipt(0)), (&question, answer(0, &[0, 0])), (&request, Reply::Status(status(0)))];
    let rejection = Reply::Rejection(Rejection::new(Code::Gap, 0, "no"));
    for (message, right) in &messages {
        for (other, reply) in &messages {
            if other != message {
                // A kind that is no reply to this one, or whose header cannot even be.
                let (bytes, header) = (sign(&play, message, reply, &|_| {}), header(message));
                let names_none_before = matches!(reply.kind(), Kind::StatusReply | Kind::Answer);
                let is_malformed = names_none_before && header.previous > 0;
                refused(&mut play, &bytes, if is_malformed { "malformed" } else { "unexpected_reply" });
            }
        }
        for reply in [right, &rejection] {
            let changes: [&dyn Fn(&mut Header); 7] = [
                &|header| header.consortium = "elders".parse().unwrap(),
                &|header| header.purpose = "iets-anders".parse().unwrap(),
                &|header| header.epoch = 2,
                &|header| header.key_id = KeyId([0; 16]),
                &|header| header.partner = 2,
                &|header| header.sequence += 1,
                &|header| header.previous += 1,
            ];
            for (at, change) in changes.into_iter().enumerate() {
                let bytes = sign(&play, message, reply, change);
                // A status reply and an answer name none before them.
                let is_malformed = at == 6 && matches!(reply.kind(), Kind::StatusReply | Kind::Answer);
                refused(&mut play, &bytes, if is_malformed { "malformed" } else { "unexpected_reply" });
            }
            let bytes = play.broker.sign(&header(message), Digest([7; 32]), reply);
            refused(&mut play, &bytes, "unexpected_reply");
            let bytes = sign(&play, message, reply, &|_| {});
            play.broker.key = sample::partner_key(2);
            let other_broker = sign(&play, message, reply, &|_| {});
            play.broker.key = sample::operator_key();
            refused(&mut play, &other_broker, "bad_signature");
            for at in [0, 1, bytes.len() / 2, bytes.len() - 1] {
                let mut flipped = bytes.clone();
                flipped[at] ^= 0x20;
                assert!(["malformed", "bad_signature"].contains(&code(play.partner.read(&flipped, NOW))));
                assert!(["malformed", "bad_signature"].contains(&code(play.partner.read(&bytes[..at], NOW))));
            }
        }
    }
    refused(&mut play, &delta, "malformed");
    // Standings that cannot be.
    for standings in [&[0][..], &[0, 0, 0], &[255, 0], &[0, 9], &[4, 0]] {
        let bytes = sign(&play, &question, &answer(0, standings), &|_| {});
        refused(&mut play, &bytes, "unexpected_reply");
    }
    // An answer under other rules than those that its bytes would be read by.
    let Reply::Answer(other) = answer(0, &[0, 0]) else { unreachable!() };
    let header =
        Header { kind: Kind::Answer, policy: Digest([7; 32]), context: Digest::of(&[&question]), ..header(&question) };
    let bytes = message::sign(&header, &Reply::Answer(other).encode().unwrap(), &sample::operator_key()).unwrap();
    refused(&mut play, &bytes, "unexpected_reply");
    assert_eq!(play.partner.deliver(NOW).unwrap(), std::slice::from_ref(&delta));
    for (message, right) in &messages {
        let bytes = sign(&play, message, right, &|_| {});
        let _ = play.partner.read(&bytes, NOW).unwrap();
        // What a receipt or an answer said is told again; another reply to the same message is not.
        let other = match right {
            Reply::Receipt(_) => receipt(1),
            Reply::Answer(_) => answer(1, &[0, 0]),
            _ => continue,
        };
        let bytes = sign(&play, message, &other, &|_| {});
        assert_eq!(code(play.partner.read(&bytes, NOW)), "unexpected_reply", "a reply is read once");
    }
}

#[test]
fn what_was_read_is_told_again_and_changes_nothing() {
    let mut play = delivered();
    play.partner.flag(homes(4..5), &by(), NOW).unwrap();
    let delta = play.partner.deliver(NOW).unwrap().remove(0);
    let asked = [homes(3..4), homes(1..3)].concat();
    let question = play.partner.ask(&asked, &by(), NOW).unwrap().remove(0);
    let replies = [&delta, &question].map(|message| play.broker.handle(message, NOW));
    let told = [&replies[0], &replies[1]].map(|reply| play.partner.read(reply, NOW).unwrap());
    assert!(matches!(&told[1], Received::Answer(answer) if answer.rows.iter().map(|(home, _)| *home).eq(asked)));
    let head = play.partner.journal_head();
    let mut play = play.reopen();
    for (reply, told) in replies.iter().zip(told) {
        assert_eq!(play.partner.read(reply, NOW).unwrap(), told);
    }
    assert_eq!(play.partner.journal_head(), head);
    // What was given up stays so.
    let lost = play.partner.ask(homes(1..2), &by(), NOW).unwrap().remove(0);
    let reply = play.broker.handle(&lost, NOW);
    play.partner.give_up(Digest::of(&[&lost]), NOW).unwrap();
    assert_eq!(code(play.partner.read(&reply, NOW)), "unexpected_reply");
}

/// A reply to a message, signed by the broker, whatever it says.
fn signed(play: &Play, message: &[u8], reply: &Reply) -> Vec<u8> {
    play.broker.sign(&header(message), Digest::of(&[message]), reply)
}

/// Reads replies that must be refused with a code, and then one that must not.
fn only_the_last_fits(play: &mut Play, message: &[u8], refused: &[Reply], fits: &Reply) {
    let length = play.partner.journal_length();
    for reply in refused {
        let bytes = signed(play, message, reply);
        assert_eq!(code(play.partner.read(&bytes, NOW)), "unexpected_reply", "{reply:?}");
        assert_eq!(play.partner.journal_length(), length);
    }
    let bytes = signed(play, message, fits);
    let _ = play.partner.read(&bytes, NOW).unwrap();
}

fn counts(added: u32, changed: u32, withdrawn: u32, held: u32) -> Receipt {
    Receipt { log: LogEntry::NONE, release: 0, part: (0, 0), added, changed, withdrawn, held, renewed: 0 }
}

#[test]
fn a_receipt_counts_no_other_flags_than_its_message() {
    let mut play = Play::new();
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    let set = play.partner.deliver(NOW).unwrap().remove(0);
    // Three homes, and the house number of each.
    let wrong = [counts(7, 0, 0, 7), counts(0, 7, 0, 7), counts(6, 1, 0, 7), counts(6, 0, 0, 7)];
    let part = Receipt { part: (2, 2), ..counts(6, 0, 0, 6) };
    let wrong: Vec<_> = wrong.into_iter().chain([part]).map(Reply::Receipt).collect();
    only_the_last_fits(&mut play, &set, &wrong, &Reply::Receipt(counts(2, 3, 9, 6)));
    play.partner.flag(homes(4..6), &by(), NOW).unwrap();
    play.partner.withdraw(homes(1..2), &by(), NOW).unwrap();
    let deltas = play.partner.deliver(NOW).unwrap();
    let wrong = [counts(1, 0, 2, 4), counts(0, 1, 2, 4), counts(0, 0, 3, 4)].map(Reply::Receipt);
    only_the_last_fits(&mut play, &deltas[0], &wrong, &Reply::Receipt(counts(0, 0, 2, 4)));
    let wrong = [counts(5, 0, 0, 9), counts(3, 2, 0, 9), counts(4, 0, 1, 9)].map(Reply::Receipt);
    only_the_last_fits(&mut play, &deltas[1], &wrong, &Reply::Receipt(counts(4, 0, 0, 8)));
    let confirm = play.partner.confirm(NOW).unwrap().remove(0);
    let wrong = [counts(1, 0, 0, 8), counts(0, 1, 0, 8), counts(0, 0, 1, 8)].map(Reply::Receipt);
    only_the_last_fits(&mut play, &confirm, &wrong, &Reply::Receipt(counts(0, 0, 0, 8)));
}

#[test]
fn a_rejection_has_a_code_and_a_number_that_its_message_can_have() {
    let mut play = delivered();
    let rejection = |code, number| Reply::Rejection(Rejection::new(code, number, "no"));
    let wrong_for = |kind: Kind| -> Vec<Reply> {
        let number = |code| if code == Code::Stale { 9 } else { 0 };
        let codes = Code::ALL.into_iter().filter(|code| !code.rejects(kind));
        codes.map(|code| rejection(code, number(code))).collect()
    };
    let request = play.partner.status(NOW).unwrap();
    let (accepted_state, highest_state) = (play.broker.accepted, play.broker.accepted);
    let fits = Reply::Status(StatusReply { accepted_state, highest_state, ..status(0) });
    only_the_last_fits(&mut play, &request, &wrong_for(Kind::Status), &fits);
    let question = play.partner.ask(homes(1..3), &by(), NOW).unwrap().remove(0);
    let mut wrong = wrong_for(Kind::Question);
    // A number that was used is not free, and one that leaps is far above.
    wrong.extend([rejection(Code::Stale, 1)]);
    let mut more = answer(0, &[0, 0]);
    let Reply::Answer(told) = &mut more else { unreachable!() };
    told.organisations = 5;
    wrong.push(more);
    only_the_last_fits(&mut play, &question, &wrong, &rejection(Code::Stale, 2));
    play.partner.flag(homes(4..5), &by(), NOW).unwrap();
    let delta = play.partner.deliver(NOW).unwrap().remove(0);
    let mut wrong = wrong_for(Kind::Delta);
    let number = header(&delta).sequence;
    wrong.extend([rejection(Code::Gap, number), rejection(Code::Gap, u64::MAX), rejection(Code::Stale, number)]);
    only_the_last_fits(&mut play, &delta, &wrong, &rejection(Code::Gap, header(&delta).previous));
}

#[test]
fn no_number_that_the_broker_names_uses_up_the_partners_own() {
    let by_status = |play: &mut Play, state, question| {
        let request = play.partner.status(NOW).unwrap();
        let told = StatusReply { highest_state: state, highest_question: question, ..status(0) };
        let bytes = signed(play, &request, &Reply::Status(told));
        let _ = play.partner.read(&bytes, NOW).unwrap();
    };
    let by_stale = |play: &mut Play, number| {
        let delta = play.partner.confirm(NOW).unwrap().remove(0);
        let question = play.partner.ask(homes(1..2), &by(), NOW).unwrap().remove(0);
        for message in [delta, question] {
            let stale = Reply::Rejection(Rejection::new(Code::Stale, number, "no"));
            let bytes = signed(play, &message, &stale);
            let _ = play.partner.read(&bytes, NOW).unwrap();
        }
    };
    for number in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 24) + 10] {
        let mut play = delivered();
        let mut highest = (0, 0);
        // Each number is used once, whatever the broker says; and an honest one still follows.
        for lie in 0..40u64 {
            // Then it is no lie any more.
            if highest.0.max(highest.1) + 2 >= number {
                break;
            }
            if lie % 2 == 0 {
                by_status(&mut play, number, number)
            } else {
                by_stale(&mut play, number)
            }
            play = play.reopen();
            let state = play.partner.confirm(NOW).unwrap().remove(0);
            let question = play.partner.ask(homes(1..2), &by(), NOW).unwrap().remove(0);
            let made = (header(&state).sequence, header(&question).sequence);
            assert!(made.0 > highest.0 && made.1 > highest.1, "{made:?} after {highest:?}");
            highest = made;
            assert!(highest.0.max(highest.1) < 41 << 24, "an honest broker would soon no longer follow");
            for message in [state, question] {
                play.partner.give_up(Digest::of(&[&message]), NOW).unwrap();
            }
        }
    }
}

#[test]
fn receipts_come_in_any_order() {
    // A full set in parts, and the messages of two epochs: each is accepted, and its receipt read after a later one's.
    let aside = ["max-days", "flag-days"].map(|rule| format!("[[override]]\nrule = \"{rule}\"\nreason = \"a test\"\n"));
    let years = format!("[retention]\nmax_days = 3660\nmax_renewals = 0\n\n{}\n[release]\n", aside.concat());
    let years = policy_text().replacen("[release]\n", &years, 1);
    let mut play = Play::under(&years);
    // Homes and house numbers on eight first and 71 last days.
    for (number, home) in homes(1..569).into_iter().enumerate() {
        let last_day = (NOW.day().plus(30 * (number % 71) as u16)).month_end();
        let now = Timestamp(NOW.0 - (7 - number as u64 / 71) * 86_400);
        play.partner.flag_until([home], last_day, &by(), now).unwrap();
    }
    let mut messages = play.partner.deliver(NOW).unwrap();
    assert_eq!(messages.len(), 2, "more terms than a message has groups");
    for now in [NOW, OVERLAP] {
        let replies: Vec<_> = messages.iter().map(|message| play.broker.handle(message, now)).collect();
        let mut told = Vec::new();
        for reply in replies.iter().rev() {
            told.push(play.partner.read(reply, now).unwrap());
            play = play.reopen();
        }
        assert!(told.iter().all(|told| matches!(told, Received::Receipt(_))), "{told:?}");
        for (reply, told) in replies.iter().rev().zip(&told) {
            assert_eq!(&play.partner.read(reply, now).unwrap(), told, "and are told again");
        }
        assert!(play.partner.deliver(now).unwrap().is_empty());
        play.assert_up_to_date(1, now);
        let outside = tempfile::tempdir().unwrap();
        sample::secret_file(2).create(&outside.path().join("two")).unwrap();
        play.partner.add_secret(&outside.path().join("two")).unwrap();
        pass(&mut play.partner, OVERLAP);
        play.partner.flag(homes(700..702), &by(), OVERLAP).unwrap();
        messages = play.partner.deliver(OVERLAP).unwrap();
    }
}

#[test]
fn an_unsigned_rejection_changes_nothing() {
    let mut play = delivered();
    play.partner.flag(homes(4..5), &by(), NOW).unwrap();
    let messages = play.partner.deliver(NOW).unwrap();
    let header = Header { kind: Kind::Rejection, context: Digest::of(&[&messages[0]]), ..header(&messages[0]) };
    let hint = unsigned_rejection(&header, &Rejection::new(Code::UnknownPartner, 0, "no")).unwrap();
    assert!(matches!(play.partner.read(&hint, NOW), Ok(Received::Hint(_))));
    assert_eq!(play.partner.deliver(NOW).unwrap(), messages);
}

#[test]
fn each_code_has_its_effect() {
    for code in Code::ALL {
        let mut play = delivered();
        play.partner.flag(homes(4..5), &by(), NOW).unwrap();
        let messages = play.partner.deliver(NOW).unwrap();
        let number = match code {
            Code::Gap => header(&messages[0]).previous,
            Code::Stale => header(&messages[0]).sequence + 40,
            Code::OverBudget => 40,
            _ => 0,
        };
        if !code.rejects(Kind::Delta) {
            continue;
        }
        play.broker.reject_next = Some((code, number));
        let received = play.carry(messages.clone(), NOW);
        let [Received::Rejection { rejection, next }] = &received[..] else { panic!("{received:?}") };
        assert_eq!((rejection.code, *next), (code, Next::after(code)));
        let mut play = play.reopen();
        let again = play.partner.deliver(NOW).unwrap();
        let (first, second) = (header(&messages[0]), header(&again[0]));
        match code {
            Code::Unavailable => assert_eq!(again, messages),
            Code::FullSetRequired | Code::Recovering => {
                assert!(second.kind == Kind::FullSet && second.sequence > first.sequence);
            }
            Code::Stale => assert!(second.kind == Kind::Delta && second.sequence >= first.sequence + 40),
            _ => assert!(second.kind == Kind::Delta && second.sequence > first.sequence),
        }
        assert!(matches!(play.carry(again, NOW)[..], [Received::Receipt(_)]), "{code:?}");
        play.assert_up_to_date(1, NOW);
    }
}

/// A reply of the broker to a message, made at another time than the message, with the line that its log has on it.
fn replied(play: &mut Play, message: &[u8], mut reply: Reply, at: Timestamp) -> Vec<u8> {
    let header = Header { time: at, ..header(message) };
    let digest = Digest::of(&[message]);
    let line = play.broker.line(message, &header, digest, &reply);
    let index = play.broker.log.append(line.leaf());
    let log = LogEntry { restored: play.broker.restored, index, leaf: line.leaf(), salt: line.salt };
    broker::set_log(&mut reply, log);
    play.broker.sign(&header, digest, &reply)
}

/// A broker takes no question of before its restore. To a partner that has recovered that says nothing of its flags,
/// and what it withdrew since is still to be withdrawn.
#[test]
fn a_recovering_that_is_out_of_date_leaves_the_withdrawals_to_be_delivered() {
    let mut play = Play::new();
    play.partner.flag(homes(1..11), &by(), NOW).unwrap();
    play.deliver(NOW);
    let old = play.partner.ask(homes(1..3), &by(), NOW).unwrap().remove(0);

    let restored = NOW.plus(3_600);
    play.broker.restored = restored;
    play.broker.log = crate::audit::Log::new();
    play.broker.accepted = 0;
    play.broker.held.clear();
    let [now, later] = [60, 7_200].map(|seconds| restored.plus(seconds));
    let recovering = || Reply::Rejection(Rejection::new(Code::Recovering, 0, "no"));
    let asked = play.partner.ask(homes(1..2), &by(), now).unwrap().pop().unwrap();
    let late = replied(&mut play, &asked, recovering(), now);
    play.broker.reject_next = Some((Code::Recovering, 0));
    let confirm = play.partner.confirm(now).unwrap();
    assert!(matches!(play.carry(confirm, now)[..], [Received::Rejection { .. }]));
    assert!(matches!(play.deliver(now)[..], [Received::Receipt(_)]), "the full set");

    play.partner.withdraw(homes(1..5), &by(), later).unwrap();
    let to_old = replied(&mut play, &old, recovering(), later);
    for reply in [to_old, late] {
        assert!(matches!(play.partner.read(&reply, later), Ok(Received::Rejection { .. })));
    }
    let messages = play.partner.deliver(later).unwrap();
    assert_eq!(header(&messages[0]).kind, Kind::Delta);
    assert!(matches!(play.carry(messages, later)[..], [Received::Receipt(_)]));
    play.reopen().assert_up_to_date(1, later);
}

/// Two epochs are answered one after the other, and the answers are read in the other order.
#[test]
fn of_two_epochs_the_later_release_tells_how_the_flags_stand() {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), OVERLAP).unwrap();
    play.deliver(OVERLAP);
    let first = play.partner.ask(homes(1..3), &by(), OVERLAP).unwrap().remove(0);
    let outside = tempfile::tempdir().unwrap();
    sample::secret_file(2).create(&outside.path().join("two")).unwrap();
    play.partner.add_secret(&outside.path().join("two")).unwrap();
    play.deliver(OVERLAP);
    let later = OVERLAP.plus(3_600);
    let second = play.partner.ask(homes(1..3), &by(), later).unwrap().pop().unwrap();
    assert_eq!((header(&first).epoch, header(&second).epoch), (1, 2));
    let answer = |as_of, standings: &[u8]| match answer(5, standings) {
        Reply::Answer(answer) => Reply::Answer(Answer { as_of, ..answer }),
        other => other,
    };
    let newer = replied(&mut play, &second, answer(later, &[2, 2]), later);
    let older = replied(&mut play, &first, answer(OVERLAP, &[0, 0]), OVERLAP);
    for (reply, stacked) in [(newer, 2), (older, 2)] {
        assert!(matches!(play.partner.read(&reply, later), Ok(Received::Answer(_))));
        assert_eq!(play.partner.data.state().stacked.len(), stacked);
    }
    let play = play.reopen();
    assert_eq!(play.partner.data.state().stacked.len(), 2);
    let seen = play.partner.seen_release().unwrap();
    assert_eq!((seen.epoch, seen.as_of), (2, later), "what is older and is read later says nothing of how it is now");
}

/// The broker that says that it holds nothing would only reject what is withdrawn before the full set.
#[test]
fn nothing_is_withdrawn_from_a_broker_that_holds_nothing() {
    for code in [Code::FullSetRequired, Code::Recovering] {
        let mut play = delivered();
        play.partner.flag(homes(4..5), &by(), NOW).unwrap();
        let messages = play.partner.deliver(NOW).unwrap();
        play.broker.reject_next = Some((code, 0));
        play.carry(messages, NOW);
        play.partner.withdraw(homes(1..2), &by(), NOW).unwrap();
        let mut play = play.reopen();
        let kinds: Vec<_> = play.partner.deliver(NOW).unwrap().iter().map(|message| header(message).kind).collect();
        assert_eq!(kinds, [Kind::FullSet], "{code:?}");
    }
}

#[test]
fn after_a_gap_comes_a_full_set() {
    let mut play = delivered();
    play.partner.flag(homes(4..5), &by(), NOW).unwrap();
    let lost = play.partner.deliver(NOW).unwrap();
    // It was accepted, and given up here before the receipt came.
    play.broker.handle(&lost[0], NOW);
    play.partner.give_up(Digest::of(&[&lost[0]]), NOW).unwrap();
    assert_eq!(code(play.partner.give_up(Digest::of(&[&lost[0]]), NOW)), "unexpected_reply");
    play.partner.flag(homes(5..6), &by(), NOW).unwrap();
    let received = play.deliver(NOW);
    let [Received::Rejection { rejection, next: Next::Again }] = &received[..] else { panic!("{received:?}") };
    let lost = header(&lost[0]).sequence;
    assert_eq!((rejection.code, rejection.number), (Code::Gap, lost));
    let messages = play.partner.deliver(NOW).unwrap();
    assert_eq!((header(&messages[0]).kind, header(&messages[0]).previous), (Kind::FullSet, lost));
    play.carry(messages, NOW);
    play.assert_up_to_date(1, NOW);
}

/// The receipt of many new flags is lost, and a person withdraws them meanwhile. Nobody has to say once more that it is
/// meant.
#[test]
fn what_was_withdrawn_after_a_lost_receipt_is_no_shrinking() {
    let mut play = delivered();
    play.partner.flag(homes(4..30), &by(), NOW).unwrap();
    let lost = play.partner.deliver(NOW).unwrap().remove(0);
    play.broker.handle(&lost, NOW);
    play.partner.give_up(Digest::of(&[&lost]), NOW).unwrap();
    play.partner.withdraw(homes(4..30), &by(), NOW).unwrap();
    assert!(matches!(play.deliver(NOW)[..], [Received::Rejection { next: Next::Again, .. }]), "a gap");
    let received = play.deliver(NOW);
    assert!(matches!(received[..], [Received::Receipt(_)]), "{received:?}");
    play.reopen().assert_up_to_date(1, NOW);
}

/// A message was given up, and then its receipt comes: it is the broker's word that it accepted it.
#[test]
fn a_receipt_of_a_message_that_was_given_up_is_taken() {
    let mut play = delivered();
    play.partner.flag(homes(4..30), &by(), NOW).unwrap();
    let lost = play.partner.deliver(NOW).unwrap().remove(0);
    let receipt = play.broker.handle(&lost, NOW);
    play.partner.give_up(Digest::of(&[&lost]), NOW).unwrap();
    play.partner.withdraw(homes(4..30), &by(), NOW).unwrap();
    for _ in 0..2 {
        assert!(matches!(play.partner.read(&receipt, NOW).unwrap(), Received::Receipt(_)));
        play = play.reopen();
    }
    let messages = play.partner.deliver(NOW).unwrap();
    assert_eq!((header(&messages[0]).kind, header(&messages[0]).previous), (Kind::FullSet, header(&lost).sequence));
    assert!(matches!(play.carry(messages, NOW)[..], [Received::Receipt(_)]), "and no gap");
    play.assert_up_to_date(1, NOW);
}

/// The broker was restored, and one epoch's message tells it. In the other there was nothing to say.
#[test]
fn after_a_restore_each_epoch_gets_a_full_set() {
    let mut play = delivered();
    let outside = tempfile::tempdir().unwrap();
    sample::secret_file(2).create(&outside.path().join("two")).unwrap();
    play.partner.add_secret(&outside.path().join("two")).unwrap();
    pass(&mut play.partner, OVERLAP);
    play.deliver(OVERLAP);
    assert!(play.partner.deliver(OVERLAP).unwrap().is_empty());
    play.partner.flag(homes(20..21), &by(), OVERLAP).unwrap();
    let newest = play.partner.deliver(OVERLAP).unwrap().remove(0);
    let log = LogEntry { restored: OVERLAP, index: 0, leaf: Digest([1; 32]), salt: [1; 16] };
    let rejection = Rejection { log, ..Rejection::new(Code::Recovering, 0, "restored") };
    let reply = signed(&play, &newest, &Reply::Rejection(rejection));
    assert_eq!(header(&newest).epoch, 2);
    let _ = play.partner.read(&reply, OVERLAP).unwrap();
    let messages = play.partner.deliver(OVERLAP).unwrap();
    let kinds: Vec<_> = messages.iter().map(|message| (header(message).epoch, header(message).kind)).collect();
    assert_eq!(kinds, [(2, Kind::FullSet), (1, Kind::FullSet)]);
}

/// A receipt of before a restore that is known already comes late: the broker forgot what it received.
#[test]
fn a_receipt_of_before_the_restore_settles_nothing() {
    let mut play = delivered();
    play.partner.flag(homes(4..6), &by(), NOW).unwrap();
    let messages = play.partner.deliver(NOW).unwrap();
    let receipt = play.broker.handle(&messages[0], NOW);
    let request = play.partner.status(NOW).unwrap();
    let log = LogEntry { restored: NOW, index: 0, leaf: Digest([1; 32]), salt: [1; 16] };
    let before = header(&messages[0]).previous;
    let told = StatusReply { log, accepted_state: before, highest_state: before, ..status(play.broker.release) };
    let _ = play.partner.read(&signed(&play, &request, &Reply::Status(told)), NOW).unwrap();
    let _ = play.partner.read(&receipt, NOW).unwrap();
    assert_eq!(play.partner.deliver(NOW).unwrap(), messages, "it is sent again");
}

/// Another folder, of which this is an old copy, may have used the number.
#[test]
fn a_number_in_another_reply_is_no_receipt() {
    let mut play = delivered();
    play.partner.flag(homes(4..6), &by(), NOW).unwrap();
    let messages = play.partner.deliver(NOW).unwrap();
    let number = header(&messages[0]).sequence;
    let request = play.partner.status(NOW).unwrap();
    let told = StatusReply { accepted_state: number, highest_state: number, ..status(play.broker.release) };
    let reply = signed(&play, &request, &Reply::Status(told));
    assert!(matches!(play.partner.read(&reply, NOW).unwrap(), Received::Status { .. }));
    assert_eq!(play.partner.deliver(NOW).unwrap(), messages, "it is sent again, and its receipt tells");
    let receipt = play.broker.handle(&messages[0], NOW);
    assert!(matches!(play.partner.read(&receipt, NOW).unwrap(), Received::Receipt(_)));
    assert!(play.partner.deliver(NOW).unwrap().is_empty());
}

#[test]
fn what_follows_a_rejected_message_is_late() {
    let mut play = delivered();
    let outside = tempfile::tempdir().unwrap();
    sample::secret_file(2).create(&outside.path().join("two")).unwrap();
    play.partner.add_secret(&outside.path().join("two")).unwrap();
    pass(&mut play.partner, OVERLAP);
    play.partner.flag(homes(20..22), &by(), OVERLAP).unwrap();
    let messages = play.partner.deliver(OVERLAP).unwrap();
    assert_eq!(messages.len(), 2);
    play.broker.reject_next = Some((Code::OverBudget, 40));
    let received = play.carry(messages, OVERLAP);
    let [Received::Rejection { next: Next::Wait, .. }, Received::Late(late)] = &received[..] else {
        panic!("{received:?}")
    };
    assert_eq!(late.code, Code::Gap);
    assert_eq!(play.deliver(OVERLAP).len(), 2);
    play.assert_up_to_date(1, OVERLAP);
    play.assert_up_to_date(2, OVERLAP);
}

#[test]
fn a_lost_receipt_comes_again_with_the_same_bytes() {
    let mut play = delivered();
    let outside = tempfile::tempdir().unwrap();
    sample::secret_file(2).create(&outside.path().join("two")).unwrap();
    play.partner.add_secret(&outside.path().join("two")).unwrap();
    pass(&mut play.partner, OVERLAP);
    play.partner.flag(homes(20..22), &by(), OVERLAP).unwrap();
    let messages = play.partner.deliver(OVERLAP).unwrap();
    // Both were accepted and both receipts were lost: the first number is stale by now, so that both are given up, and
    // the receipt of the last, which comes again, or else a gap says that it was accepted.
    for message in &messages {
        play.broker.handle(message, OVERLAP);
    }
    let mut play = play.reopen();
    assert_eq!(play.partner.deliver(OVERLAP).unwrap(), messages);
    let received = play.carry(messages, OVERLAP);
    assert!(
        matches!(received[..], [Received::Rejection { next: Next::Again, .. }, Received::Receipt(_)]),
        "{received:?}"
    );
    assert!(play.deliver(OVERLAP).iter().all(|received| matches!(received, Received::Receipt(_))));
    play.assert_up_to_date(1, OVERLAP);
    play.assert_up_to_date(2, OVERLAP);

    // So it is where the first rejection ends what is carried.
    play.partner.flag(homes(22..24), &by(), OVERLAP).unwrap();
    let messages = play.partner.deliver(OVERLAP).unwrap();
    for message in &messages {
        play.broker.handle(message, OVERLAP);
    }
    let mut codes = Vec::new();
    loop {
        let messages = play.partner.deliver(OVERLAP).unwrap();
        match play.partner.carry(&messages, OVERLAP, |message| Ok::<_, &str>(play.broker.handle(message, OVERLAP))) {
            Ok(_) => break,
            Err(CarryError { cause: CarryCause::NotAccepted(received), .. }) => match *received {
                Received::Rejection { rejection, next: Next::Again } => codes.push(rejection.code),
                received => panic!("{received:?}"),
            },
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(codes, [Code::Stale, Code::Gap]);
    play.assert_up_to_date(2, OVERLAP);
}

#[test]
fn a_status_reply_tells_a_lost_folder_where_it_is() {
    for ask_status in [true, false] {
        let mut play = delivered();
        for number in 10..14 {
            play.partner.flag(homes(number..number + 1), &by(), NOW).unwrap();
            play.deliver(NOW);
            let messages = play.partner.ask(homes(1..2), &by(), NOW).unwrap();
            play.carry(messages, NOW);
        }
        // All that is left is the key; and the flags, in the partner's own system.
        let Play { folder: old, partner, broker } = play;
        drop(partner);
        let flags = [homes(1..4), homes(10..15)].concat();
        let folder = partner_folder(&policy_text());
        let partner = Partner::open(folder.path()).unwrap();
        let mut play = Play { folder, partner, broker };
        play.broker.forget_numbers();
        drop(old);
        play.partner.replace_all(&flags, false, &by(), NOW).unwrap();
        if ask_status {
            let request = play.partner.status(NOW).unwrap();
            let received = play.carry(vec![request], NOW);
            assert!(matches!(received[..], [Received::Status { complaint: None, .. }]));
        }
        let mut tries = 0;
        while !matches!(play.deliver(NOW)[..], [Received::Receipt(_)]) {
            tries += 1;
            assert!(!ask_status && tries < 4, "stale, gap, and then it is accepted");
        }
        play.assert_up_to_date(1, NOW);
        let messages = play.partner.ask(homes(1..2), &by(), NOW).unwrap();
        let received = play.carry(messages, NOW);
        if ask_status {
            assert!(matches!(received[..], [Received::Answer(_)]));
        } else {
            assert!(matches!(received[..], [Received::Rejection { next: Next::Again, .. }]));
            let messages = play.partner.ask(homes(1..2), &by(), NOW).unwrap();
            assert!(matches!(play.carry(messages, NOW)[..], [Received::Answer(_)]));
        }
    }
}

#[test]
fn a_lost_folder_with_few_flags_must_say_that_it_shrinks() {
    let mut play = delivered();
    let Play { partner, broker, folder: _old } = {
        play.deliver(NOW);
        play
    };
    drop(partner);
    let folder = partner_folder(&policy_text());
    let partner = Partner::open(folder.path()).unwrap();
    let mut play = Play { folder, partner, broker };
    let request = play.partner.status(NOW).unwrap();
    play.carry(vec![request], NOW);
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    let received = play.deliver(NOW);
    assert!(matches!(received[..], [Received::Rejection { next: Next::DeclareShrink, .. }]), "{received:?}");
    play.partner.replace_all(homes(1..2), true, &by(), NOW).unwrap();
    assert!(matches!(play.deliver(NOW)[..], [Received::Receipt(_)]));
    play.assert_up_to_date(1, NOW);
}

#[test]
fn a_reply_tells_of_another_policy() {
    let mut play = delivered();
    assert_eq!(play.partner.brokers_policy(), None);
    let other = sample::signed();
    play.broker.policy = other.clone();
    let message = play.partner.status(NOW).unwrap();
    let bytes = play.broker.sign(&header(&message), Digest::of(&[&message]), &Reply::Status(status(0)));
    let _ = play.partner.read(&bytes, NOW).unwrap();
    assert_eq!(play.reopen().partner.brokers_policy(), Some(other.digest()));
}

#[test]
fn what_is_not_accepted_is_an_error_of_carrying() {
    let mut play = delivered();
    play.partner.flag(homes(20..22), &by(), NOW).unwrap();
    let messages = play.partner.deliver(NOW).unwrap();
    let broken = play.partner.carry(&messages, NOW, |_| Err::<Vec<u8>, _>("no connection")).unwrap_err();
    assert_eq!(broken.to_string(), "a message could not be carried: no connection; send it again later");
    assert_eq!(play.partner.deliver(NOW).unwrap(), messages, "it is still in flight");

    play.broker.reject_next = Some((Code::OverBudget, 40));
    let send = |message: &[u8]| Ok::<_, &str>(play.broker.handle(message, NOW));
    let refused = play.partner.carry(&messages, NOW, send).unwrap_err();
    assert!(refused.to_string().starts_with("a message was not accepted, over_budget: "), "{refused}");
    let CarryCause::NotAccepted(received) = &refused.cause else { panic!("{refused:?}") };
    assert!(matches!(**received, Received::Rejection { next: Next::Wait, .. }) && refused.before.is_empty());

    // What was accepted before it stands, and is given back.
    let mut two = play.partner.ask(homes(1..2), &by(), NOW).unwrap();
    two.extend(play.partner.ask(homes(2..3), &by(), NOW).unwrap());
    let mut sent = 0;
    let broken = play.partner.carry(&two, NOW, |message| {
        sent += 1;
        if sent == 1 { Ok(play.broker.handle(message, NOW)) } else { Err("gone") }
    });
    assert!(matches!(broken.unwrap_err().before[..], [Received::Answer(_)]));
}
