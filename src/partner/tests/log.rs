//! The broker's log as its replies show it: what a partner finds out, and what it keeps of that.

use super::broker::set_log;
use super::*;
use crate::message::{LineProof, LogEntry, StatusReply};

/// A partner that delivered its first flags.
fn delivered() -> Play {
    let mut play = Play::new();
    play.broker.signs = true;
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    play.deliver(NOW);
    play
}

/// The next message, a confirm.
fn next(play: &mut Play) -> Vec<u8> {
    play.partner.confirm(NOW).unwrap().remove(0)
}

/// What the broker's reply says.
fn said(bytes: &[u8]) -> Reply {
    let reply = message::Unverified::parse(bytes, message::Role::Broker).unwrap();
    reply.verify(&sample::operator_key().verifying_key()).unwrap().reply().unwrap()
}

/// The broker's reply to a message, changed and signed anew.
fn changed(play: &mut Play, message: &[u8], change: impl FnOnce(&mut Reply)) -> Vec<u8> {
    let mut reply = said(&play.broker.handle(message, NOW));
    change(&mut reply);
    play.broker.sign(&header(message), Digest::of(&[message]), &reply)
}

/// The line that a reply names.
fn log(reply: &Reply) -> LogEntry {
    reply.log_entry()
}

fn set(log: LogEntry) -> impl FnOnce(&mut Reply) {
    move |reply| set_log(reply, log)
}

/// Asks where the partner stands, and reads a reply that is changed.
fn ask_status(play: &mut Play, change: impl FnOnce(&mut StatusReply)) -> Option<Complaint> {
    let request = play.partner.status(NOW).unwrap();
    let bytes = changed(play, &request, |reply| {
        let Reply::Status(status) = reply else { panic!("{reply:?}") };
        change(status);
    });
    let Received::Status { complaint, .. } = play.partner.read(&bytes, NOW).unwrap() else { panic!() };
    complaint
}

/// The one complaint that there is; the files that show it are there, whole, also after the folder was opened again.
fn complaint(play: Play, finding: &str) -> (Play, Complaint) {
    let mut complaints = play.partner.complaints().unwrap();
    let play = play.reopen();
    assert_eq!(play.partner.complaints().unwrap(), complaints);
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    let complaint = complaints.remove(0);
    assert_eq!(complaint.code, "log_inconsistent");
    assert!(complaint.text.contains(finding), "{}", complaint.text);
    assert!(complaint.text.contains("tell the coordinator"), "{}", complaint.text);
    (play, complaint)
}

/// The bytes of the file of evidence whose name ends so.
fn evidence(complaint: &Complaint, end: &str) -> Vec<u8> {
    let path = complaint.evidence.iter().find(|path| path.to_string_lossy().ends_with(end));
    fs::read(path.unwrap_or_else(|| panic!("no {end} in {:?}", complaint.evidence))).unwrap()
}

#[test]
fn three_receipts_of_one_entry_are_complained_of() {
    let mut play = delivered();
    let first = next(&mut play);
    let reply = play.broker.handle(&first, NOW);
    let _ = play.partner.read(&reply, NOW).unwrap();
    assert_eq!(play.partner.complaints().unwrap(), []);
    let entry = log(&said(&reply));
    for at in 1..3 {
        let message = next(&mut play);
        let bytes = changed(&mut play, &message, set(entry));
        assert!(matches!(play.partner.read(&bytes, NOW).unwrap(), Received::Receipt(_)), "it is taken over");
        let complaints = play.partner.complaints().unwrap();
        assert_eq!(complaints.len(), at);
        assert!(complaints.iter().all(|it| it.text.contains("is not on the message that it replies to")));
        let kept = complaints.iter().map(|it| evidence(it, ".reply"));
        assert!(kept.into_iter().any(|kept| kept == bytes), "the signed reply");
    }
    // Whoever was not looking is told by the next status reply.
    assert!(ask_status(&mut play, |_| {}).is_some());
}

#[test]
fn another_hash_for_a_line_is_complained_of_with_both_replies() {
    let mut play = delivered();
    let (first, second) = (next(&mut play), play.partner.ask(homes(1..2), &by(), NOW).unwrap().remove(0));
    let one = play.broker.handle(&first, NOW);
    let _ = play.partner.read(&one, NOW).unwrap();
    let mut other = said(&play.broker.handle(&second, NOW));
    // The line is right in itself, and stands at the number of another.
    let entry = LogEntry { index: log(&said(&one)).index, ..log(&other) };
    set_log(&mut other, entry);
    let bytes = play.broker.sign(&header(&second), Digest::of(&[&second]), &other);
    assert!(matches!(play.partner.read(&bytes, NOW).unwrap(), Received::Answer(_)));
    let (_play, complaint) = complaint(play, "with another hash");
    assert_eq!(evidence(&complaint, "-other.reply"), one);
    let line = String::from_utf8(evidence(&complaint, "-line.txt")).unwrap();
    assert!(line.contains(&Digest::of(&[&second]).to_string()), "{line}");
}

#[test]
fn a_line_that_the_log_had_before_is_complained_of_once() {
    let mut play = delivered();
    assert_eq!(ask_status(&mut play, |_| {}), None);
    assert_eq!(ask_status(&mut play, |_| {}), None);
    assert_eq!(play.partner.unproven_lines(), 1, "but the last");
    // A snapshot is put back: the log goes on from where it was.
    play.broker.log = (0..1).map(|index| crate::audit::leaf_hash(&[index])).collect();
    let message = next(&mut play);
    let reply = play.broker.handle(&message, NOW);
    let _ = play.partner.read(&reply, NOW).unwrap();
    let (mut play, _) = complaint(play, "when the message was made");
    let message = next(&mut play);
    let reply = play.broker.handle(&message, NOW);
    let _ = play.partner.read(&reply, NOW).unwrap();
    assert_eq!(play.partner.complaints().unwrap().len(), 1, "what comes is held to the log as it is now");
}

#[test]
fn a_reply_commits_the_broker_to_a_line_of_every_word() {
    for kind in [Kind::Confirm, Kind::Question, Kind::Status] {
        for change in 0..4 {
            let mut play = delivered();
            let message = match kind {
                Kind::Confirm => next(&mut play),
                Kind::Question => play.partner.ask(homes(1..2), &by(), NOW).unwrap().remove(0),
                _ => play.partner.status(NOW).unwrap(),
            };
            let bytes = changed(&mut play, &message, |reply| {
                let mut entry = log(reply);
                match change {
                    0 => entry.salt[0] ^= 1,
                    1 => entry.leaf.0[0] ^= 1,
                    2 => entry = LogEntry::NONE,
                    // It was rejected, and the line says that it was accepted.
                    _ => *reply = Reply::Rejection(Rejection::new(Code::Clock, 0, "no")),
                }
                set_log(reply, entry);
            });
            let _ = play.partner.read(&bytes, NOW).unwrap();
            complaint(play, if change == 2 { "names no line" } else { "is not on the message" });
        }
    }
}

#[test]
fn own_lines_are_proven_by_status_replies() {
    let mut play = delivered();
    for _ in 0..5 {
        let message = next(&mut play);
        let reply = play.broker.handle(&message, NOW);
        let _ = play.partner.read(&reply, NOW).unwrap();
    }
    assert_eq!(play.partner.unproven_lines(), 6);
    play = play.reopen();
    assert_eq!(ask_status(&mut play, |_| {}), None);
    assert_eq!(play.partner.unproven_lines(), 1, "the line on the status request comes after its checkpoint");
    play = play.reopen();
    assert_eq!(play.partner.unproven_lines(), 1);
}

#[test]
fn a_line_that_is_not_proven_is_complained_of() {
    type Change = (&'static str, fn(&mut StatusReply));
    let changes: [Change; 4] = [
        ("it is not shown that", |status| drop(status.lines.pop())),
        ("have another one as number", |status| status.lines[0].path[0].0[0] ^= 1),
        ("have another one as number", |status| status.lines[0].path.push(Digest([7; 32]))),
        ("have another one as number", |status| status.lines[0].path = vec![]),
    ];
    for (finding, change) in changes {
        let mut play = delivered();
        let message = next(&mut play);
        let reply = play.broker.handle(&message, NOW);
        let _ = play.partner.read(&reply, NOW).unwrap();
        let told = ask_status(&mut play, change).unwrap();
        let (mut play, complaint) = complaint(play, finding);
        assert_eq!(told, complaint);
        assert!(!evidence(&complaint, "-other.reply").is_empty(), "the reply that named the line");
        assert!(play.partner.unproven_lines() > 1, "and it goes on asking");
        // The numbers of the reply were taken over, and its checkpoint, which continues the one before.
        assert!(play.partner.checkpoint().is_some());
        for path in &complaint.evidence {
            fs::remove_file(path).unwrap();
        }
        assert_eq!(play.partner.complaints().unwrap(), [], "somebody took the evidence away");
        assert_eq!(ask_status(&mut play, |_| {}), None);
    }
}

#[test]
fn a_proof_that_was_not_asked_for_is_refused() {
    let mut play = delivered();
    let request = play.partner.status(NOW).unwrap();
    let bytes = changed(&mut play, &request, |reply| {
        let Reply::Status(status) = reply else { panic!() };
        status.lines.push(LineProof { index: 99, path: vec![] });
    });
    assert_eq!(code(play.partner.read(&bytes, NOW)), "unexpected_reply");
}

#[test]
fn late_replies_are_held_to_their_lines_too() {
    let mut play = delivered();
    let (message, lost) = (next(&mut play), play.partner.ask(homes(1..2), &by(), NOW).unwrap().remove(0));
    play.partner.give_up(Digest::of(&[&lost]), NOW).unwrap();
    play.broker.reject_next = Some((Code::Clock, 0));
    let reply = play.broker.handle(&lost, NOW);
    for _ in 0..2 {
        assert!(matches!(play.partner.read(&reply, NOW).unwrap(), Received::Late(_)));
    }
    assert_eq!(play.partner.unproven_lines(), 2);
    assert_eq!(play.partner.complaints().unwrap(), []);
    let reply = play.broker.handle(&message, NOW);
    let _ = play.partner.read(&reply, NOW).unwrap();
    let mut other = said(&reply);
    set_log(&mut other, LogEntry { index: 9, ..log(&said(&reply)) });
    let bytes = play.broker.sign(&header(&message), Digest::of(&[&message]), &other);
    assert_eq!(code(play.partner.read(&bytes, NOW)), "unexpected_reply");
}

/// The codes of all complaints.
fn codes(play: &Play) -> Vec<&'static str> {
    play.partner.complaints().unwrap().iter().map(|complaint| complaint.code).collect()
}

/// Asks about one address, and reads the answer.
fn ask(play: &mut Play, number: u32) {
    let message = play.partner.ask(homes(number..number + 1), &by(), NOW).unwrap().remove(0);
    let reply = play.broker.handle(&message, NOW);
    assert!(matches!(play.partner.read(&reply, NOW).unwrap(), Received::Answer(_)));
}

#[test]
fn a_broker_that_forgot_and_does_not_say_so_is_complained_of_once_and_followed() {
    let mut play = delivered();
    play.broker.release = 5;
    ask(&mut play, 1);
    assert_eq!(codes(&play), [""; 0]);
    play.broker.release = 3;
    ask(&mut play, 2);
    assert_eq!(codes(&play), ["unannounced_restore"]);
    ask(&mut play, 3);
    assert_eq!(codes(&play).len(), 1, "what comes is held to how it is now");
    let complaint = play.partner.complaints().unwrap().remove(0);
    assert!(complaint.text.contains("release in force is 3, and 5 was said before"), "{}", complaint.text);
    for end in [".reply", "-other.reply"] {
        assert!(!evidence(&complaint, end).is_empty());
    }
}

#[test]
fn numbers_that_went_back_are_complained_of_and_a_full_set_follows() {
    for by_gap in [true, false] {
        let mut play = delivered();
        for _ in 0..3 {
            let message = next(&mut play);
            let reply = play.broker.handle(&message, NOW);
            let _ = play.partner.read(&reply, NOW).unwrap();
        }
        play.broker.accepted = 2;
        if by_gap {
            let message = next(&mut play);
            let reply = play.broker.handle(&message, NOW);
            assert!(matches!(play.partner.read(&reply, NOW).unwrap(), Received::Rejection { .. }));
        } else {
            assert_eq!(ask_status(&mut play, |_| {}).unwrap().code, "unannounced_restore");
        }
        assert_eq!(codes(&play), ["unannounced_restore"]);
        assert_eq!(header(&next(&mut play)).kind, Kind::FullSet);
    }
}

#[test]
fn a_restore_that_is_said_is_no_cause_for_complaint() {
    let mut play = delivered();
    play.broker.release = 5;
    ask(&mut play, 1);
    assert_eq!(ask_status(&mut play, |_| {}), None);
    let (late, message) = (play.partner.ask(homes(3..4), &by(), NOW).unwrap().remove(0), next(&mut play));
    let before = play.broker.handle(&late, NOW);
    assert_eq!(play.partner.broker_restored(), None);
    // Numbers, releases and lines are those of the copy, and the log is one of its own.
    (play.broker.restored, play.broker.accepted, play.broker.release) = (Timestamp(NOW.0 - 5), 0, 6);
    play.broker.log = (0..1).map(|index| crate::audit::leaf_hash(&[index])).collect();
    play.broker.reject_next = Some((Code::Recovering, 0));
    let reply = play.broker.handle(&message, NOW);
    assert!(matches!(play.partner.read(&reply, NOW).unwrap(), Received::Rejection { .. }));
    play = play.reopen();
    assert_eq!(play.partner.broker_restored(), Some(Timestamp(NOW.0 - 5)));
    // A reply of before the restore comes late.
    assert!(matches!(play.partner.read(&before, NOW).unwrap(), Received::Answer(_)));
    assert_eq!(play.partner.broker_restored(), Some(Timestamp(NOW.0 - 5)));
    assert_eq!(ask_status(&mut play, |_| {}), None);
    assert_eq!(ask_status(&mut play, |_| {}), None);
    let checkpoint = String::from_utf8(play.partner.checkpoint().unwrap().to_vec()).unwrap();
    assert!(checkpoint.starts_with(&format!("stapel.example.nl/zaanstad/{}\n", NOW.0 - 5)), "{checkpoint}");
    assert_eq!(codes(&play), [""; 0]);
    // The store of before the restore is put back.
    play.broker.restored = Timestamp(0);
    let shows_none = |status: &mut StatusReply| {
        (status.checkpoint, status.consistency, status.lines) = (vec![], vec![], vec![]);
    };
    assert_eq!(ask_status(&mut play, shows_none).unwrap().code, "unannounced_restore");
}

#[test]
fn answers_of_two_releases_are_read_in_any_order() {
    let mut play = delivered();
    let [first, second] = [1, 2].map(|at| play.partner.ask(homes(at..at + 1), &by(), NOW).unwrap().remove(0));
    play.broker.release = 5;
    let older = play.broker.handle(&first, NOW);
    play.broker.release = 6;
    let newer = play.broker.handle(&second, NOW);
    for reply in [newer, older] {
        assert!(matches!(play.partner.read(&reply, NOW).unwrap(), Received::Answer(_)));
    }
    assert_eq!(codes(&play), [""; 0]);
}

#[test]
fn a_broker_that_signs_no_further_checkpoint_is_complained_of() {
    let mut play = delivered();
    assert_eq!(ask_status(&mut play, |_| {}), None);
    // From here on it shows the checkpoint that it has.
    let shown = play.partner.checkpoint().unwrap().to_vec();
    let ask = |play: &mut Play, days: u64| {
        let now = NOW.plus(days * 86_400);
        let request = play.partner.status(now).unwrap();
        let mut reply = said(&play.broker.handle(&request, now));
        let Reply::Status(status) = &mut reply else { panic!("{reply:?}") };
        (status.checkpoint, status.consistency, status.lines) = (shown.clone(), vec![], vec![]);
        let bytes = play.broker.sign(&header(&request), Digest::of(&[&request]), &reply);
        let Received::Status { complaint, .. } = play.partner.read(&bytes, now).unwrap() else { panic!() };
        complaint
    };
    assert_eq!(ask(&mut play, 0), None);
    assert_eq!(ask(&mut play, 1), None, "the lines of a day are signed after it");
    let found = ask(&mut play, 2).expect("a complaint");
    let (_, complaint) = complaint(play, "it signs one on each day after new lines");
    assert_eq!(found, complaint);
}

#[test]
fn a_broker_that_signs_no_more_cannot_hide_behind_a_clock_that_stands_still() {
    let mut play = delivered();
    assert_eq!(ask_status(&mut play, |_| {}), None);
    let shown = play.partner.checkpoint().unwrap().to_vec();
    // It tells the time in receipts, and the first day in status replies.
    for days in [0, 2] {
        let now = NOW.plus(days * 86_400);
        let message = play.partner.confirm(now).unwrap().remove(0);
        let receipt = play.broker.handle(&message, now);
        let _ = play.partner.read(&receipt, now).unwrap();
    }
    let now = NOW.plus(2 * 86_400);
    let request = play.partner.status(now).unwrap();
    let (head, digest) = (Header { time: NOW, ..header(&request) }, Digest::of(&[&request]));
    let mut reply = said(&play.broker.handle(&request, now));
    let Reply::Status(status) = &mut reply else { panic!("{reply:?}") };
    (status.checkpoint, status.consistency, status.lines) = (shown, vec![], vec![]);
    let line = play.broker.line(&request, &head, digest, &reply);
    let entry = LogEntry { leaf: line.leaf(), salt: line.salt, ..log(&reply) };
    set_log(&mut reply, entry);
    let Received::Status { complaint, .. } = play.partner.read(&play.broker.sign(&head, digest, &reply), now).unwrap()
    else {
        panic!("no status")
    };
    assert!(complaint.is_some());
    self::complaint(play, "it signs one on each day after new lines");
}

#[test]
fn a_restore_that_is_still_to_come_is_complained_of() {
    let mut play = delivered();
    let message = next(&mut play);
    let bytes = changed(&mut play, &message, |reply| {
        let entry = log(reply);
        set_log(reply, LogEntry { restored: NOW.plus(1), ..entry });
    });
    assert!(matches!(play.partner.read(&bytes, NOW).unwrap(), Received::Receipt(_)), "it is taken over");
    let complaints = play.partner.complaints().unwrap();
    assert!(complaints.iter().any(|it| it.code == "unannounced_restore" && it.text.contains("before that")));
}
