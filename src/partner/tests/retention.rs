//! Secrets of epochs that are over, and a journal that is pruned: what goes, what stays, and what says so.

use super::*;

/// After the first epoch of the policy.
const AFTER: &str = "2028-01-10";

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    day(text).start()
}

fn add_second(play: &mut Play) {
    let given = tempfile::tempdir().unwrap();
    let path = given.path().join("epoch-2.secret");
    sample::secret_file(2).create(&path).unwrap();
    play.partner.add_secret(&path).unwrap();
}

#[test]
fn a_look_into_the_dossier_is_in_the_journal_before_it_is_shown() {
    let mut play = Play::new();
    let home = homes(1..2)[0];
    play.partner.flag([home], &by(), NOW).unwrap();
    let looker = Case::new("m.smit", "request 7").unwrap();
    let events = |entries: Vec<DossierEntry>| entries.into_iter().map(|entry| entry.event).collect::<Vec<_>>();
    let flagged = DossierEvent::Flagged { last_day: day(LAST_DAY) };
    assert_eq!(events(play.partner.dossier(&home, &looker, NOW).unwrap()), std::slice::from_ref(&flagged));
    assert_eq!(code(play.partner.dossier(&home, &looker, Timestamp(NOW.0 * 1000))), "clock_ahead");
    // What is not in the journal is not shown.
    files::crash::after(Some(0));
    let shown = play.partner.dossier(&home, &looker, NOW);
    files::crash::after(None);
    assert_eq!(code(shown), "io");
    let mut play = play.reopen();
    let later = Timestamp(NOW.0 + 5);
    let entries = play.partner.dossier(&home.number_key(), &looker, later).unwrap();
    assert_eq!((entries[1].time, entries[1].by.as_ref()), (NOW, Some(&looker)));
    assert_eq!(events(entries), [flagged, DossierEvent::LookedUp]);
    assert_eq!(play.partner.dossier(&homes(2..3)[0], &looker, later).unwrap(), [], "another address");
    assert_eq!(play.partner.journal_length(), 4);
}

#[test]
fn the_secrets_of_an_epoch_that_is_over_go_when_somebody_says_so() {
    let mut play = Play::new();
    add_second(&mut play);
    play.partner.keys(1).unwrap();
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    play.deliver(NOW);
    play.partner.withdraw(homes(1..2), &by(), NOW).unwrap();
    assert_eq!(play.partner.retired_epochs(NOW.day()).unwrap(), [0u32; 0]);
    let closes = play.partner.policy().policy().epoch(1).unwrap().closes;
    let refused = play.partner.forget_epoch(1, &by(), NOW).unwrap_err();
    assert!(refused.code() == "epoch_in_use" && refused.to_string().contains(&closes.to_string()), "{refused}");
    assert_eq!(code(play.partner.forget_epoch(7, &by(), NOW)), "epoch_in_use", "the policy does not have it yet");
    let in_flight = play.partner.deliver(NOW).unwrap();
    let after = at(AFTER);
    pass(&mut play.partner, after);
    assert_eq!(play.partner.retired_epochs(after.day()).unwrap(), [0u32; 0], "a reply is waited for");
    let waits = play.partner.forget_epoch(1, &by(), after).unwrap_err();
    assert!(waits.code() == "epoch_in_use" && waits.to_string().contains("replies"), "{waits}");
    let waiting = play.partner.in_flight().next().map(|message| message.digest).unwrap();
    assert_eq!(waiting, Digest::of(&[&in_flight[0]]));
    play.partner.give_up(waiting, after).unwrap();
    assert_eq!(play.partner.retired_epochs(after.day()).unwrap(), [1]);

    let file = |name: &str| play.folder.path().join(name).exists();
    assert!(file("epoch-1.secret") && file("epoch-1.seal"));
    let length = play.partner.journal_length();
    let forgotten = play.partner.forget_epoch(1, &by(), after).unwrap();
    assert_eq!(forgotten, ForgottenEpoch { secret: true, seal: true });
    assert!(!file("epoch-1.secret") && !file("epoch-1.seal") && file("epoch-2.secret"));
    assert_eq!(play.partner.journal_length(), length + 1);
    assert_eq!(play.partner.forget_epoch(1, &by(), after).unwrap(), ForgottenEpoch::default());
    assert_eq!(play.partner.journal_length(), length + 1, "nothing was there any more");
    let mut play = play.reopen();
    assert_eq!(play.partner.epochs().collect::<Vec<_>>(), [2]);
    let given = tempfile::tempdir().unwrap();
    let path = given.path().join("epoch-1.secret");
    sample::secret_file(1).create(&path).unwrap();
    let again = play.partner.add_secret(&path).unwrap_err();
    assert!(again.code() == "secret_mismatch" && again.to_string().contains("over"), "{again}");
    // The other epoch goes on.
    play.partner.flag(homes(8..9), &by(), after).unwrap();
    play.deliver(after);
    play.assert_up_to_date(2, after);
}

#[test]
fn secrets_that_a_crash_left_are_still_asked_for() {
    for steps in 0..5 {
        let mut play = Play::new();
        play.partner.keys(1).unwrap();
        pass(&mut play.partner, at(AFTER));
        files::crash::after(Some(steps));
        let forgotten = play.partner.forget_epoch(1, &by(), at(AFTER));
        files::crash::after(None);
        let mut play = play.reopen();
        let left = play.partner.retired_epochs(day(AFTER)).unwrap();
        assert_eq!(left.is_empty(), forgotten.is_ok(), "step {steps}");
        play.partner.forget_epoch(1, &by(), at(AFTER)).unwrap();
        assert_eq!(play.partner.retired_epochs(day(AFTER)).unwrap(), [0u32; 0]);
    }
}

/// A partner that did things in 2026 and 2028, and is asked to prune in 2028.
fn of_two_years() -> Play {
    let mut play = Play::new();
    add_second(&mut play);
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    play.deliver(NOW);
    play.partner.withdraw(homes(1..2), &by(), NOW).unwrap();
    pass(&mut play.partner, at(AFTER));
    play.partner.flag(homes(4..6), &by(), at(AFTER)).unwrap();
    play
}

#[test]
fn a_journal_is_pruned_after_its_time_and_says_so() {
    let mut play = of_two_years();
    let (after, later) = (at(AFTER), Timestamp(at(AFTER).0 + 86_400));
    let before: Vec<_> = play.partner.flags().copied().collect();
    let last = header(play.partner.deliver(after).unwrap().last().unwrap()).sequence;
    let (length, head) = (play.partner.journal_length(), play.partner.journal_head());
    assert_eq!(play.partner.pruned().unwrap(), None);
    assert_eq!(code(play.partner.prune_journal(Some(364), &by(), later)), "not_permitted");
    assert_eq!(play.partner.prune_journal(Some(3_000), &by(), later).unwrap(), None, "kept for longer");
    assert_eq!((play.partner.journal_length(), play.partner.journal_head()), (length, head));
    let size = |play: &Play| fs::metadata(play.folder.path().join("journal.sealed")).unwrap().len();
    let pruned = play.partner.prune_journal(None, &by(), later).unwrap().unwrap();
    assert_eq!((pruned.records, pruned.from, pruned.to), (4, NOW, NOW), "flag, number, receipt, withdrawal");
    assert_eq!(play.partner.journal_length(), length + 1, "numbers go on");
    let in_flight: Vec<_> = play.partner.in_flight().map(|message| message.digest).collect();
    for _ in 0..2 {
        play.partner.check_journal().unwrap();
        let records_at = |head| play.partner.check_journal_has(head).unwrap();
        assert_eq!((records_at(head), records_at(pruned.head)), (Some(length), Some(4)), "heads that were noted");
        assert_eq!(records_at(Digest([9; 32])), None);
        assert_eq!(play.partner.pruned().unwrap(), Some(pruned));
        assert_eq!(play.partner.flags().copied().collect::<Vec<_>>(), before);
        assert_eq!(play.partner.in_flight().map(|message| message.digest).collect::<Vec<_>>(), in_flight);
        play = play.reopen();
    }
    assert_eq!(dossier(&mut play, &homes(1..2)[0]), [], "what was done with it is over");
    assert_eq!(dossier(&mut play, &homes(4..5)[0]).len(), 1);
    assert_eq!(play.partner.prune_journal(None, &by(), later).unwrap(), None);
    let removals = play.partner.removals().unwrap();
    let removed: Vec<_> = removals.iter().map(|removal| (removal.time, removal.removed)).collect();
    assert_eq!(removed, [(later, Removed::Records { records: 4, to: NOW })]);
    assert_eq!(removals[0].by, Some(by()));
    assert!(size(&play) > 0);

    // The state is made again from what is left, as it was from all.
    drop(play.partner);
    fs::remove_file(play.folder.path().join("state.sealed")).unwrap();
    let mut partner = Partner::open(play.folder.path()).unwrap();
    assert_eq!((partner.number(), partner.flags().copied().collect::<Vec<_>>()), (1, before));
    assert!(partner.in_flight().next().is_none());
    let messages = partner.deliver(later).unwrap();
    assert!(header(&messages[0]).sequence > last, "no number is used twice");
}

#[test]
fn nothing_is_pruned_that_a_standing_flag_or_an_open_question_is_from() {
    let mut play = Play::new();
    play.partner.flag(homes(9..10), &by(), NOW).unwrap();
    play.partner.ask(homes(1..2), &by(), NOW).unwrap();
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    let later = Timestamp(NOW.0 + 400 * 86_400);
    pass(&mut play.partner, later);
    let pruned = play.partner.prune_journal(None, &by(), later).unwrap().unwrap();
    assert_eq!(pruned.records, 1, "the question waits");
    let digest = play.partner.in_flight().next().unwrap().digest;
    play.partner.give_up(digest, later).unwrap();
    let pruned = play.partner.prune_journal(None, &by(), later).unwrap().unwrap();
    assert_eq!((pruned.records, pruned.from, pruned.to), (3, NOW, NOW));

    let text = policy_text().replace("[counting]", "[retention]\nlog_days = 30\n[counting]");
    let mut play = Play::under(&text);
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    let later = Timestamp(NOW.0 + 90 * 86_400);
    pass(&mut play.partner, later);
    assert_eq!(play.partner.prune_journal(None, &by(), later).unwrap(), None, "its flag stands");
    play.partner.withdraw(homes(1..2), &by(), later).unwrap();
    assert_eq!(play.partner.prune_journal(None, &by(), later).unwrap(), None, "it is remembered");
    let later = Timestamp(later.0 + 31 * 86_400);
    assert_eq!(play.partner.prune_journal(None, &by(), later).unwrap().unwrap().records, 3);
}

/// What stands for pruned records has no text of a flag that went since; of one that stands it has.
#[test]
fn a_text_goes_with_its_flag_from_what_stands_for_pruned_records() {
    let text = policy_text().replace("[counting]", "[retention]\nlog_days = 30\n[counting]");
    let mut play = Play::under(&text);
    let [gone, stays] = [homes(1..2)[0], homes(2..3)[0]];
    play.partner
        .flag([Given::from(gone).typed("Dam 1, Jansen"), Given::from(stays).typed("Dam 2")], &by(), NOW)
        .unwrap();
    let day = |days: u64| Timestamp(NOW.0 + days * 86_400);
    pass(&mut play.partner, day(20));
    play.partner.withdraw([gone], &by(), day(20)).unwrap();
    pass(&mut play.partner, day(60));
    // The other was flagged again since, so that its first day keeps no record either.
    let state = play.partner.data.state();
    assert_eq!((state.typed.get(&gone), state.typed.get(&stays)), ("", "Dam 2"));
    let pruned = play.partner.prune_journal(None, &by(), day(61)).unwrap();
    assert_eq!(pruned, None, "its first day keeps the record");
    play.partner.withdraw([stays], &by(), day(61)).unwrap();
    pass(&mut play.partner, day(91));
    play.partner.prune_journal(None, &by(), day(91)).unwrap().unwrap();
    let base = play.partner.data.journal().base().unwrap().unwrap();
    let before = PartnerState::read(&base.state).unwrap();
    assert_eq!((before.typed.get(&gone), before.typed.get(&stays)), ("", ""));
    assert!(before.flags.get(&stays).is_some(), "its withdrawal is in a record that stays");
}

/// A flag may have ended since the last record, so that nobody has noted it yet.
#[test]
fn a_text_goes_with_a_flag_that_ended_since_the_last_record() {
    let text = policy_text().replace("[counting]", "[retention]\nlog_days = 30\n[counting]");
    let mut play = Play::under(&text);
    let gone = homes(1..2)[0];
    let typed = Given::from(gone).typed("Dam 1, Jansen");
    play.partner.flag_until([typed], day("2026-12-31"), &by(), NOW).unwrap();
    play.partner.flag(homes(2..3), &by(), at("2026-12-31")).unwrap();
    assert_eq!(play.partner.prune_journal(None, &by(), at("2027-02-02")).unwrap().unwrap().records, 1);
    let base = play.partner.data.journal().base().unwrap().unwrap();
    let before = PartnerState::read(&base.state).unwrap();
    assert_eq!((before.typed.get(&gone), before.flags.get(&gone).is_some()), ("", true));

    // One that was flagged anew since, without a text.
    let mut play = Play::new();
    play.partner.flag([typed], &by(), NOW).unwrap();
    let later = |days: u64| Timestamp(NOW.0 + days * 86_400);
    pass(&mut play.partner, later(340));
    play.partner.flag([gone], &by(), later(340)).unwrap();
    pass(&mut play.partner, later(380));
    play.partner.prune_journal(None, &by(), later(380)).unwrap().unwrap();
    let base = play.partner.data.journal().base().unwrap().unwrap();
    let before = PartnerState::read(&base.state).unwrap();
    assert_eq!((before.typed.get(&gone), before.flags.get(&gone).is_some()), ("", true));
    assert!(play.partner.flags().any(|flag| flag.address == gone));
}

/// A standing is said by the place of its address in the question.
#[test]
fn a_question_stays_as_long_as_its_answer() {
    let mut play = Play::new();
    let next = Timestamp(NOW.0 + 86_400);
    let (home, by) = (homes(1..2)[0], by());
    play.partner.flag([home], &by, NOW).unwrap();
    play.deliver(NOW);
    let early = play.partner.ask([home], &by, NOW).unwrap();
    play.carry(early, NOW);
    // Asked on the first day, with a question about another home answered in between; answered on the next.
    let late = play.partner.ask([home, homes(2..3)[0]], &by, NOW).unwrap();
    play.carry(late, next);
    play.partner.withdraw([home], &by, next).unwrap();
    let answered = |play: &mut Play| {
        let entries = dossier(play, &home);
        entries.iter().filter(|entry| matches!(entry.event, DossierEvent::Answered { .. })).count()
    };
    assert_eq!(answered(&mut play), 2);
    let later = Timestamp(NOW.0 + 366 * 86_400);
    pass(&mut play.partner, later);
    let pruned = play.partner.prune_journal(None, &by, later).unwrap().unwrap();
    assert_eq!((pruned.records, pruned.to), (5, NOW), "flag, number, receipt, question, answer");
    assert_eq!(answered(&mut play), 1, "the one that stays says of what it is");
    let last = Timestamp(later.0 + 86_400);
    let pruned = play.partner.prune_journal(None, &by, last).unwrap().unwrap();
    assert_eq!((pruned.records, pruned.from, pruned.to), (9, NOW, next));
    assert_eq!(answered(&mut play), 0);
    let mut said = Vec::new();
    play.partner
        .data
        .journal()
        .read(|_, record| {
            if let JournalEvent::Pruned { records, from, to, .. } = record.event {
                said.push((records, from, to));
            }
        })
        .unwrap();
    assert_eq!(said, [(5, NOW, NOW), (4, NOW, next)], "each says what went with it");
}

/// The call fails or not, the flags and messages are those from before, and it can be done again.
#[test]
fn pruning_that_is_broken_off_loses_nothing() {
    for steps in 0..14 {
        let mut play = of_two_years();
        let after = at(AFTER);
        play.partner.deliver(after).unwrap();
        let seen = |partner: &Partner| {
            let flags: Vec<_> = partner.flags().copied().collect();
            (flags, partner.in_flight().map(|message| message.digest).collect::<Vec<_>>())
        };
        let before = seen(&play.partner);
        files::crash::after(Some(steps));
        let _ = play.partner.prune_journal(None, &by(), after);
        files::crash::after(None);
        let mut play = play.reopen();
        assert!(seen(&play.partner) == before, "step {steps}");
        play.partner.check_journal().unwrap();
        play.partner.prune_journal(None, &by(), after).unwrap();
        assert_eq!(play.partner.pruned().unwrap().unwrap().records, 4, "step {steps}");
        play.partner.flag(homes(30..31), &by(), after).unwrap();
        assert!(seen(&play.reopen().partner).0.len() > before.0.len());
    }
}
