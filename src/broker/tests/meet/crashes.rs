//! A crash at each write of a turn of the day, and of a message.

use super::*;

/// Whatever is lost with the power, all of a turn's entries are there, or none and the next to come makes them.
#[test]
fn a_crash_at_each_write_of_a_turn_tells_all_or_none() {
    let mut town = Town::begin(&[]);
    town.put(1, &[1, 2]);
    town.put(2, &[1]);
    town.put(3, &[2]);
    let base = town.disk.copy();
    let noted = town.keys.path().join("signed.logs");
    let before = std::fs::read(&noted).unwrap();
    let tomorrow = town.now.plus(DAY);
    let all: BTreeMap<u16, usize> = [(1, 3), (2, 2), (3, 2), (5, 4)].into();
    let (mut none, mut step, mut is_done) = (0, 0, false);
    while !is_done {
        files::replace_private(&noted, &before).unwrap();
        let disk = base.copy();
        let broker = town.reopen_on(&disk);
        disk.fail(step, ErrorKind::StorageFull);
        is_done = broker.release(tomorrow).is_ok();
        drop(broker);
        let disk = disk.without_what_was_not_synced();
        let broker = town.reopen_on(&disk);
        let waiting = Town::waiting(&broker);
        assert!(waiting == all || waiting.is_empty(), "step {step}: {waiting:?}");
        none += usize::from(waiting.is_empty());
        broker.release(tomorrow).unwrap();
        assert_eq!(Town::waiting(&broker), all, "step {step}");
        broker.release(tomorrow.plus(60)).unwrap();
        assert_eq!(Town::waiting(&broker), all, "once");
        let introduced = lines(&broker).into_iter().filter(|event| matches!(event, Event::Introduced { .. }));
        assert_eq!(introduced.count(), 2, "step {step}: one a day");
        verify_log(&broker);
        step += 1;
    }
    assert!(step > 8 && none > 4, "{step} steps, {none} of them without");
}

/// The same of a message: what was not receipted is as if it had not been sent.
#[test]
fn a_crash_at_each_write_of_a_message_leaves_it_whole_or_not_at_all() {
    let mut town = Town::begin(&[]);
    let id = town.introduce();
    let base = town.disk.copy();
    let exchange = Exchange { left: Vec::new(), notes: vec![slot(id, 2, 1), slot(id, 5, 1)], ..Exchange::default() };
    let leave = Exchange { left: vec![id], ..Exchange::default() };
    let requests = [Request::Exchange(exchange), Request::Exchange(leave), put_forward(1, &[2], town.now.day())];
    let state = |broker: &Broker| {
        broker.database.inspect(|state| {
            let meet = &state.meet;
            let notes: usize = meet.notes.values().map(Vec::len).sum();
            let entries: usize = meet.mailboxes.values().map(|mailbox| mailbox.entries.len()).sum();
            let left: usize = meet.conversations.values().map(|one| one.left.len()).sum();
            let rows: Vec<u64> = meet.forwarded.values().map(|forwarded| forwarded.number).collect();
            (notes, entries, left, rows)
        })
    };
    for request in &requests {
        let message = town.next(1, request);
        let untouched = state(&town.reopen_on(&base.copy()));
        let (mut step, mut reply) = (0, "");
        while reply != "ok" {
            let disk = base.copy();
            let broker = town.reopen_on(&disk);
            disk.fail(step, ErrorKind::StorageFull);
            reply = code(&broker.handle(&message, town.now));
            drop(broker);
            let broker = town.reopen_on(&disk.without_what_was_not_synced());
            if reply == "ok" {
                assert!(state(&broker) != untouched);
            }
            let kept = state(&broker);
            assert_eq!(code(&broker.handle(&message, town.now)), "ok", "step {step}");
            if kept != untouched {
                assert!(kept == state(&broker), "step {step}: it is done once");
            }
            step += 1;
        }
        assert!(step > 2, "{step} steps");
    }
}
