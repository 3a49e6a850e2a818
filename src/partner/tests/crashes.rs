//! Crashes between any two steps, and folders that were put back from a copy.

use proptest::prelude::*;

use super::*;

/// The files of a folder, as a crash or a backup keeps them.
fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

/// One thing that a partner does; replies come back at once where `heard`.
#[derive(Clone, Debug)]
enum Step {
    Flag(u32),
    Withdraw(u32),
    Replace(u32),
    Deliver { heard: bool },
    Confirm { heard: bool },
    Ask { number: u32, heard: bool },
    Status,
    GiveUp,
    News,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1u32..9).prop_map(Step::Flag),
        (1u32..9).prop_map(Step::Withdraw),
        (1u32..9).prop_map(Step::Replace),
        any::<bool>().prop_map(|heard| Step::Deliver { heard }),
        any::<bool>().prop_map(|heard| Step::Confirm { heard }),
        ((1u32..9), any::<bool>()).prop_map(|(number, heard)| Step::Ask { number, heard }),
        Just(Step::Status),
        Just(Step::GiveUp),
        Just(Step::News),
    ]
}

/// Does a step; whatever was handed out reaches the broker. The broker itself panics where a number comes twice.
fn run(play: &mut Play, step: &Step) -> Result<(), PartnerError> {
    let (partner, one) = (&mut play.partner, |number| homes(number..number + 1));
    let (messages, heard) = match step {
        Step::Flag(number) => return partner.flag(one(*number), &by(), NOW).map(|_| ()),
        Step::Withdraw(number) => return partner.withdraw(one(*number), &by(), NOW).map(|_| ()),
        Step::Replace(number) => return partner.replace_all(homes(1..1 + number), true, &by(), NOW).map(|_| ()),
        Step::News => return partner.news().map(|_| ()),
        Step::GiveUp => {
            let first = partner.in_flight().next().map(|message| message.digest);
            return first.map_or(Ok(()), |digest| partner.give_up(digest, NOW));
        }
        Step::Deliver { heard } => (partner.deliver(NOW)?, *heard),
        Step::Confirm { heard } => (partner.confirm(NOW)?, *heard),
        Step::Ask { number, heard } => (partner.ask(one(*number), &by(), NOW)?, *heard),
        Step::Status => (vec![partner.status(NOW)?], true),
    };
    for message in messages {
        let reply = play.broker.handle(&message, NOW);
        if heard {
            match play.partner.read(&reply, NOW) {
                Err(error) if error.code() != "unexpected_reply" => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Delivers until the broker is up to date; a few rejections may come first. No person is asked whether a shrinking set
/// is meant.
fn settle(play: &mut Play) {
    for _ in 0..6 {
        let messages = play.partner.deliver(NOW).unwrap();
        if messages.is_empty() {
            play.assert_up_to_date(1, NOW);
            return;
        }
        for message in messages {
            let reply = play.broker.handle(&message, NOW);
            let received = play.partner.read(&reply, NOW).unwrap();
            assert!(!matches!(received, Received::Rejection { next: Next::DeclareShrink, .. }), "{received:?}");
        }
    }
    panic!("it does not settle");
}

/// What was handed out before a crash comes again after it, and is the only message of its number.
#[test]
fn at_every_step_the_folder_is_whole() {
    let script = [
        Step::Flag(1),
        Step::Deliver { heard: false },
        Step::Flag(2),
        Step::Deliver { heard: true },
        Step::Withdraw(1),
        Step::Replace(3),
        Step::Deliver { heard: true },
        Step::Ask { number: 1, heard: false },
        Step::Ask { number: 1, heard: true },
        Step::Status,
        Step::Confirm { heard: false },
        Step::GiveUp,
        Step::News,
    ];
    for crash_in in 0..script.len() {
        for steps in 0.. {
            let mut play = Play::new();
            for step in &script[..crash_in] {
                run(&mut play, step).unwrap();
            }
            let before: Vec<Vec<u8>> = play.partner.in_flight().map(|message| message.bytes.to_vec()).collect();
            let (flags, length) = (play.partner.flags().count(), play.partner.journal_length());
            files::crash::after(Some(steps));
            let done = run(&mut play, &script[crash_in]);
            let ended = files::crash::point().is_err();
            files::crash::after(None);
            // The process that crashed is gone; another one finds its files.
            let found = copy(play.folder.path());
            let Play { broker, partner, .. } = play;
            drop(partner);
            let partner = Partner::open(found.path()).unwrap_or_else(|error| panic!("{crash_in} {steps}: {error}"));
            let mut play = Play { folder: found, partner, broker };
            play.partner.check_journal().unwrap();
            if done.is_err() && play.partner.journal_length() == length {
                assert_eq!(play.partner.flags().count(), flags);
                let after: Vec<Vec<u8>> = play.partner.in_flight().map(|message| message.bytes.to_vec()).collect();
                assert!(before.iter().all(|bytes| after.contains(bytes)), "what is in flight comes again");
            }
            for step in &script[crash_in..] {
                run(&mut play, step).unwrap();
            }
            settle(&mut play);
            if !ended {
                assert!(done.is_ok());
                break;
            }
        }
    }
}

/// A crash in a call leaves no bytes to hand out that are not on disk.
#[test]
fn nothing_is_handed_out_that_is_not_on_disk() {
    for steps in 0..8 {
        let mut play = Play::new();
        play.partner.flag(homes(1..3), &by(), NOW).unwrap();
        files::crash::after(Some(steps));
        let delivered = play.partner.deliver(NOW);
        files::crash::after(None);
        if delivered.is_err() {
            assert_eq!(play.partner.in_flight().count(), 0);
            // Nobody takes that for nothing being waited for, however often the disk fails.
            for _ in 0..2 {
                assert!(!play.partner.is_in_flight_known());
                files::crash::after(Some(0));
                assert!(play.partner.deliver(NOW).is_err());
                files::crash::after(None);
                assert_eq!(play.partner.in_flight().count(), 0);
            }
            // The disk is back: the same process goes on, with a number that was not used.
            let messages = play.partner.deliver(NOW).unwrap();
            play.broker.handle(&messages[0], NOW);
            let mut play = play.reopen();
            assert_eq!(play.partner.deliver(NOW).unwrap(), messages);
            settle(&mut play);
        }
    }
}

#[test]
fn an_old_copy_of_the_state_does_no_harm() {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), NOW).unwrap();
    play.deliver(NOW);
    let old = fs::read(play.folder.path().join("state.sealed")).unwrap();
    play.partner.flag(homes(3..6), &by(), NOW).unwrap();
    play.deliver(NOW);
    let messages = play.partner.ask(homes(1..3), &by(), NOW).unwrap();
    play.carry(messages, NOW);
    play.partner.flag(homes(6..7), &by(), NOW).unwrap();
    let lost = play.partner.deliver(NOW).unwrap();
    play.broker.handle(&lost[0], NOW);
    for missing in [false, true] {
        let state = play.folder.path().join("state.sealed");
        if missing {
            // The partner's number is then in its certificate alone.
            let certificate = sample::certificates(&sample::policy()).remove(0);
            fs::write(play.folder.path().join(certificate.file_name()), certificate.to_text()).unwrap();
            fs::remove_file(&state).unwrap()
        } else {
            fs::write(&state, &old).unwrap()
        }
        play = play.reopen();
        assert_eq!(play.partner.number(), 1);
        assert_eq!(play.partner.flags().count(), 6);
        play.partner.flag(homes(8..9), &by(), NOW).unwrap();
        play.partner.withdraw(homes(8..9), &by(), NOW).unwrap();
        settle(&mut play);
    }
}

/// The broker accepted a first set that the old copy of the state does not know, and all of it was withdrawn since. The
/// journal knows both, so that no person is asked.
#[test]
fn a_withdrawal_after_a_lost_message_is_no_shrinking() {
    let mut play = Play::new();
    let state = play.folder.path().join("state.sealed");
    let old = fs::read(&state).unwrap();
    run(&mut play, &Step::Flag(3)).unwrap();
    run(&mut play, &Step::Deliver { heard: false }).unwrap();
    run(&mut play, &Step::Withdraw(3)).unwrap();
    fs::write(&state, old).unwrap();
    let mut play = play.reopen();
    let received = play.deliver(NOW);
    let [Received::Rejection { rejection, .. }] = &received[..] else { panic!("{received:?}") };
    assert_eq!(rejection.code, Code::Gap);
    assert!(matches!(play.deliver(NOW)[..], [Received::Receipt(_)]));
    play.assert_up_to_date(1, NOW);
}

/// What the broker accepted unheard is taken back here: then there is nothing to say, and yet the broker holds too
/// much.
#[test]
fn a_lost_message_that_was_taken_back_is_not_forgotten() {
    for (lose, accepted) in [(false, true), (false, false), (true, true), (true, false)] {
        let mut play = Play::new();
        run(&mut play, &Step::Replace(3)).unwrap();
        run(&mut play, &Step::Deliver { heard: true }).unwrap();
        let state = play.folder.path().join("state.sealed");
        let old = fs::read(&state).unwrap();
        run(&mut play, &Step::Flag(5)).unwrap();
        let lost = play.partner.deliver(NOW).unwrap();
        if accepted {
            play.broker.handle(&lost[0], NOW);
        }
        if lose {
            run(&mut play, &Step::Withdraw(5)).unwrap();
            fs::write(&state, old).unwrap();
        } else {
            run(&mut play, &Step::GiveUp).unwrap();
            run(&mut play, &Step::Withdraw(5)).unwrap();
        }
        let mut play = play.reopen();
        let messages = play.partner.deliver(NOW).unwrap();
        assert_eq!(messages.iter().map(|message| header(message).kind).collect::<Vec<_>>(), [Kind::Confirm]);
        let received = play.carry(messages, NOW);
        assert_eq!(matches!(received[..], [Received::Receipt(_)]), !accepted, "{received:?}");
        settle(&mut play);
        assert!(play.partner.deliver(NOW).unwrap().is_empty());
    }
}

#[test]
fn damage_is_noticed() {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), NOW).unwrap();
    play.deliver(NOW);
    let Play { folder, partner, .. } = play;
    drop(partner);
    let opened = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let copy = copy(folder.path());
        let path = copy.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        code(Partner::open(copy.path()).and_then(|partner| partner.check_journal()))
    };
    assert_eq!(opened("state.sealed", &|_| {}), "none");
    assert_eq!(opened("state.sealed", &|bytes| bytes[100] ^= 1), "partner_folder");
    assert_eq!(opened("journal.key", &|bytes| bytes[0] ^= 1), "partner_folder");
    assert_eq!(opened("journal.key", &|bytes| bytes.truncate(31)), "key_file");
    assert_eq!(opened("partner.key", &|bytes| bytes.truncate(31)), "key_file");
    assert_eq!(opened("journal.sealed", &|bytes| bytes[50] ^= 1), "journal_damaged");
    assert_eq!(opened("journal.sealed", &|bytes| bytes.truncate(50)), "journal_damaged");
    assert_eq!(opened("journal.sealed", &|bytes| bytes.clear()), "journal_damaged");
    assert_eq!(opened("policy.toml", &|bytes| bytes.extend(b"# a comment\n")), "none");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    /// Whatever is done, and wherever the process ends, no number is ever of two messages, and in the end the broker
    /// holds what the partner flags.
    #[test]
    fn no_number_is_ever_used_twice(
        rounds in prop::collection::vec((prop::collection::vec(step(), 1..6), prop::option::of(0u32..25)), 1..6),
        put_back in prop::option::of(0usize..6),
    ) {
        let mut play = Play::new();
        let mut backup = None;
        for (at, (steps, crash)) in rounds.iter().enumerate() {
            if put_back == Some(at) {
                backup = Some(copy(play.folder.path()));
            }
            files::crash::after(*crash);
            for step in steps {
                if run(&mut play, step).is_err() {
                    break;
                }
            }
            files::crash::after(None);
            play = play.reopen();
        }
        // An old copy of the state alone, under the journal of today.
        if let Some(backup) = backup {
            let name = "state.sealed";
            fs::copy(backup.path().join(name), play.folder.path().join(name)).unwrap();
            play = play.reopen();
            play.broker.partner_is_unsure = true;
        }
        play.partner.check_journal().unwrap();
        settle(&mut play);
    }
}
