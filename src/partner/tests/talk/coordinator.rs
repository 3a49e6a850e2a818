//! The coordinator: a folder without secrets, its agenda, and what it decides.

use super::*;
use crate::talk::{NoteContent, Outcome};

const TOMORROW: Timestamp = Timestamp(NOW.0 + DAY);

/// Police and housing, which do not meet directly, put a home forward, and are introduced to the coordinator.
fn both() -> Town {
    let mut town = Town::new();
    for number in [POLICE, HOUSING] {
        let home = homes(1..2)[0];
        let given = Given::from(home).typed("Dam 1-a, Amsterdam");
        let play = town.play(number);
        play.partner.flag([given], &by(), NOW).unwrap();
        play.deliver(NOW);
        play.partner.put_forward([home], &by(), NOW).unwrap();
        let forwarded = town.keep(number, NOW);
        town.introduce_to_coordinator(&forwarded, 1, TOMORROW.day());
    }
    town
}

fn item(town: &mut Town) -> AgendaItem {
    let mut agenda = agenda(town, TOMORROW);
    assert_eq!(agenda.len(), 1);
    agenda.remove(0)
}

fn undecided(town: &mut Town, number: u16) -> (usize, Option<Day>) {
    let due = town.partner(number).talk_due(TOMORROW.day());
    (due.undecided, due.undecided_since)
}

fn agenda(town: &mut Town, now: Timestamp) -> Vec<AgendaItem> {
    town.partner(COORDINATOR).agenda(now.day()).unwrap()
}

#[test]
fn the_coordinator_flags_nothing_asks_nothing_and_holds_no_secret() {
    let mut town = Town::new();
    let outside = tempfile::tempdir().unwrap();
    sample::secret_file(1).create(&outside.path().join("one")).unwrap();
    let coordinator = town.partner(COORDINATOR);
    assert_eq!(coordinator.epochs().count(), 0);
    assert_eq!(code(coordinator.flag(homes(1..2), &by(), NOW)), "not_permitted");
    assert_eq!(code(coordinator.ask(homes(1..2), &by(), NOW)), "not_permitted");
    assert_eq!(code(coordinator.put_forward(homes(1..2), &by(), NOW)), "not_permitted");
    assert_eq!(code(coordinator.deliver(NOW)), "not_permitted");
    assert_eq!(code(coordinator.report_year(2_025, NOW)), "not_permitted");
    assert_eq!(code(coordinator.add_secret(&outside.path().join("one"))), "not_permitted");
    let message = coordinator.status(NOW).unwrap();
    assert_eq!(kind(&message), Kind::Status, "it watches the broker's log as all do");
    assert_eq!(town.run(COORDINATOR, NOW), [Kind::Exchange; 2], "as many as all others");
}

#[test]
fn the_coordinator_is_told_the_address_and_decides() {
    let mut town = both();
    let (_, posted) = town.exchange(COORDINATOR, TOMORROW);
    assert_eq!(posted.news.len(), 2);
    let one = item(&mut town);
    assert!(one.is_new && one.addresses.is_empty() && one.decision.is_none());
    assert_eq!((one.began, one.waits), (TOMORROW.day(), Some((TOMORROW.day(), WaitsFor::FirstDecision))));
    assert_eq!(one.joined, [(POLICE, TOMORROW.day()), (HOUSING, TOMORROW.day())]);
    assert_eq!(undecided(&mut town, COORDINATOR), (1, Some(TOMORROW.day())));
    assert_eq!(town.conversation(COORDINATOR).address, None);
    // With the first exchange after it was told of the introduction, each writes the address.
    for number in [POLICE, HOUSING] {
        let length = town.partner(number).journal_length();
        town.exchange(number, TOMORROW);
        let (exchange, _) = town.exchange(number, TOMORROW);
        assert_eq!(exchange.notes.len(), 1);
        assert!(town.partner(number).journal_length() >= length + 2, "the journal has it");
        assert_eq!(town.exchange(number, TOMORROW).0.notes.len(), 0, "once");
    }
    town.exchange(COORDINATOR, TOMORROW);
    let one = item(&mut town);
    assert_eq!(one.addresses, [("1012JS|1|A".to_owned(), vec!["Dam 1-a, Amsterdam".to_owned()])]);
    assert!(one.is_new && !format!("{one:?}").contains("Dam"));
    let next = TOMORROW.day().plus(14);
    let decision = NewNote::Decision { lead: Some(HOUSING), next: Some(next), text: "Zaanwonen belt aan." };
    town.partner(COORDINATOR).write_note(1, &decision, &by(), TOMORROW).unwrap();
    assert!(!format!("{decision:?}").contains("belt"));
    let over = NewNote::Decision { lead: None, next: Some(NOW.day()), text: "Wij kijken." };
    let refused = town.partner(COORDINATOR).write_note(1, &over, &by(), TOMORROW);
    assert_eq!(code(refused), "not_permitted", "the day is over");
    town.exchange(COORDINATOR, TOMORROW);
    let one = item(&mut town);
    assert_eq!((one.is_new, one.waits, one.lead, one.next), (false, None, Some(HOUSING), Some(next)));
    assert_eq!(one.decision.as_deref(), Some("Zaanwonen belt aan."));
    assert_eq!(undecided(&mut town, COORDINATOR), (0, None));
    for number in [POLICE, HOUSING] {
        let (_, posted) = town.exchange(number, TOMORROW);
        assert_eq!(posted.news, [TalkNews::Decision { conversation: 1 }]);
        assert_eq!(undecided(&mut town, number), (0, None), "it waits for the coordinator alone");
        assert_eq!(town.conversation(number).lead, Some(HOUSING));
        let introduced: Vec<_> = town.conversation(number).introduced.iter().map(|one| one.partner).collect();
        assert_eq!(introduced, [COORDINATOR], "the two are not introduced to each other");
    }
    // Its conversations are found by the address that notes told, also what was done before they did.
    let looks = Case::new("p.officer", "controle").unwrap();
    let entries = town.partner(COORDINATOR).dossier(&homes(1..2)[0], &looks, TOMORROW).unwrap();
    let decided = |entry: &&DossierEntry| entry.event == DossierEvent::Talked(TalkAct::DecisionWritten);
    let places: Vec<_> = entries.iter().filter(decided).map(|entry| &entry.place).collect();
    assert_eq!(places.len(), 1, "{entries:?}");
    assert_eq!((&places[0].conversations[..], &places[0].to[..]), (&[1][..], &[POLICE, HOUSING][..]));
    assert_eq!(entries[0].event, DossierEvent::Talked(TalkAct::Posted), "both were introduced");
    assert_eq!(town.partner(COORDINATOR).dossier(&homes(2..3)[0], &looks, TOMORROW).unwrap(), []);
    // A note after the decision has it wait again.
    let later = TOMORROW.plus(DAY);
    town.write(HOUSING, "Niemand thuis.", later);
    town.run(HOUSING, later);
    town.run(COORDINATOR, later);
    assert_eq!(agenda(&mut town, later)[0].waits, Some((later.day(), WaitsFor::Note)));
    town.partner(COORDINATOR).leave(1, &by(), later).unwrap();
    let ended = agenda(&mut town, later.plus(DAY)).remove(0);
    assert_eq!((ended.ended, ended.waits), (Some((later.day(), AgendaEnd::CoordinatorLeft)), None));
}

#[test]
fn only_the_coordinator_decides() {
    let mut town = both();
    for number in [COORDINATOR, POLICE] {
        town.exchange(number, TOMORROW);
    }
    // A program that does not hold to it: the number is read, and what it says is not.
    let copies = vec![(COORDINATOR, 1)];
    let content = NoteContent::Decision { turn: 9, lead: Some(POLICE), next: None, text: "ik beslis".into() };
    let event = crate::partner::talk::record::TalkEvent::NoteWritten { conversation: 1, content, copies };
    town.partner(POLICE).data.record(TOMORROW, Some(&by()), JournalEvent::Talk(event)).unwrap();
    town.run(POLICE, TOMORROW);
    town.run(COORDINATOR, TOMORROW);
    let one = item(&mut town);
    assert_eq!((one.decision, one.lead), (None, None));
    assert!(!town.conversation(COORDINATOR).introduced[0].misses_note);
}

#[test]
fn a_code_for_the_coordinator_is_checked_too() {
    let mut town = both();
    let entries = town.entries.get_mut(&COORDINATOR).unwrap();
    // The codes of the two in each other's place, and a row moved to another subject.
    let [EntryKind::Introduced { code: first, .. }, EntryKind::Introduced { code: second, .. }] =
        [entries[0].told, entries[1].told]
    else {
        panic!()
    };
    for (entry, other) in entries.iter_mut().zip([second, first]) {
        let EntryKind::Introduced { code, .. } = &mut entry.told else { panic!() };
        *code = other;
    }
    assert_eq!(town.exchange(COORDINATOR, TOMORROW.plus(14 * DAY)).1.complaint, None);
    let (_, posted) = town.exchange(COORDINATOR, TOMORROW.plus(29 * DAY));
    assert!(posted.complaint.is_some_and(|complaint| complaint.code == "false_introduction"));
    assert_eq!(town.partner(COORDINATOR).complaints().unwrap().len(), 2);
    assert!(agenda(&mut town, TOMORROW).is_empty());
}

/// Has the coordinator adopt so many versions, one after another.
fn adopt(town: &mut Town, versions: usize, valid_from: &str) {
    for _ in 0..versions {
        let coordinator = town.partner(COORDINATOR);
        let text = following(&meet_text(), coordinator.policy());
        let text = text.replacen("valid_from = 2026-12-01", &format!("valid_from = {valid_from}"), 1);
        let newer = sample::folder(&text);
        coordinator.adopt_policy(&newer.path().join("policy.toml"), TOMORROW.plus(DAY)).unwrap();
        let play = town.play(COORDINATOR);
        play.broker.policy = play.partner.policy().clone();
    }
}

/// The broker used the row under the policy of that day, and the coordinator fetches what came of it after two more.
#[test]
fn a_row_of_any_version_before_is_known() {
    let mut town = both();
    adopt(&mut town, 3, "2026-12-01");
    town.reopen(COORDINATOR);
    let (_, posted) = town.exchange(COORDINATOR, TOMORROW.plus(DAY));
    let introduced = |partner| TalkNews::Introduced { conversation: 1, partner };
    assert_eq!(posted.news, [introduced(POLICE), introduced(HOUSING)]);
}

#[test]
fn a_version_goes_once_all_its_epochs_are_over_and_nobody_else_keeps_one() {
    let mut town = Town::new();
    adopt(&mut town, 2, "2026-12-01");
    let versions = |town: &mut Town, number: u16| {
        let former = town.partner(number).data.folder().read_former_policies().unwrap();
        former.iter().map(|policy| policy.version).collect::<Vec<_>>()
    };
    assert_eq!(versions(&mut town, COORDINATOR), [1, 2]);
    let last = town.partner(COORDINATOR).policy().policy().epochs.iter().map(|epoch| epoch.closes).max().unwrap();
    for (today, left) in [(last, vec![1, 2, 3]), (last.plus(1), vec![])] {
        town.partner(COORDINATOR).data.folder().keep_former_policy(3, today).unwrap();
        assert_eq!(versions(&mut town, COORDINATOR), left);
    }
    let newer = sample::folder(&following(&meet_text(), town.partner(POLICE).policy()));
    town.partner(POLICE).adopt_policy(&newer.path().join("policy.toml"), TOMORROW).unwrap();
    assert_eq!(versions(&mut town, POLICE), [0; 0]);
}

/// A folder that began later lacks them: nobody is accused, and people hear of whom there was something.
#[test]
fn a_row_of_a_version_of_before_the_folder_is_told_of() {
    let mut town = both();
    adopt(&mut town, 2, "2026-12-16");
    let folder = town.play(COORDINATOR).folder.path().to_owned();
    for version in [1, 2] {
        fs::remove_file(folder.join(format!("former-{version}.toml"))).unwrap();
    }
    let (_, posted) = town.exchange(COORDINATOR, TOMORROW.plus(DAY));
    assert_eq!((posted.news, posted.passed_over), (vec![], 0), "a certificate may come by which it is right");
    let (_, posted) = town.exchange(COORDINATOR, TOMORROW.plus(16 * DAY));
    assert_eq!(posted.news, [POLICE, HOUSING].map(|partner| TalkNews::Unreadable { partner }));
    assert_eq!((posted.complaint, posted.passed_over), (None, 2));
}

/// Brings what was written to whom it is for, also where a day's exchanges have gone.
fn carry(town: &mut Town, now: Timestamp) {
    for number in [COORDINATOR, POLICE, HOUSING, COORDINATOR] {
        town.exchange_more(number);
        town.run(number, now);
    }
}

fn decide(town: &mut Town, next: Option<Day>, now: Timestamp) {
    let decision = NewNote::Decision { lead: None, next, text: "Wij kijken." };
    town.partner(COORDINATOR).write_note(1, &decision, &by(), now).unwrap();
}

fn say_how(town: &mut Town, number: u16, now: Timestamp) {
    let outcome = NewNote::Outcome { outcome: Outcome::NothingFound, text: "" };
    town.partner(number).write_note(1, &outcome, &by(), now).unwrap();
}

#[test]
fn it_waits_for_whoever_joined_or_wrote_after_the_decision_and_for_the_day_that_was_named() {
    let mut town = Town::new();
    let forwarded = [POLICE, HOUSING].map(|number| town.put_forward(number, 1, NOW));
    town.introduce_to_coordinator(&forwarded[0], 1, TOMORROW.day());
    carry(&mut town, TOMORROW);
    let later = TOMORROW.plus(3 * DAY);
    assert_eq!(agenda(&mut town, later)[0].waits, Some((TOMORROW.day(), WaitsFor::FirstDecision)));
    let next = TOMORROW.plus(DAY);
    decide(&mut town, Some(later.day()), next);
    assert_eq!(agenda(&mut town, next)[0].waits, None);
    assert_eq!(agenda(&mut town, later.plus(DAY))[0].waits, Some((later.day(), WaitsFor::NextDay)));
    // One that joined on the very day of the decision, and of which the coordinator heard after it.
    town.introduce_to_coordinator(&forwarded[1], 1, next.day());
    carry(&mut town, next);
    let one = agenda(&mut town, next).remove(0);
    assert_eq!((one.waits, one.newcomers), (Some((next.day(), WaitsFor::Joined)), vec![HOUSING]));
    decide(&mut town, None, next);
    assert_eq!(agenda(&mut town, later)[0].waits, None, "the day that an earlier decision named is over with it");
    // It waits from the day on which a note came, whatever the clock of whoever wrote it says.
    for written in [later, later.plus(30 * DAY), TOMORROW] {
        town.write(HOUSING, "Niemand thuis.", later);
        let mut change = town.partner(HOUSING).data.begin(later).unwrap();
        change.state().after_hit.conversations[0].notes.last_mut().unwrap().time = written;
        change.keep();
        carry(&mut town, later);
        assert_eq!(agenda(&mut town, later.plus(DAY))[0].waits, Some((later.day(), WaitsFor::Note)));
        decide(&mut town, None, later);
    }
}

/// The others cannot take the lead from one of which they do not know that it left.
#[test]
fn it_waits_where_who_leads_has_left_until_something_is_decided_without_it() {
    let mut town = both();
    carry(&mut town, TOMORROW);
    let next = TOMORROW.plus(DAY);
    let decision = NewNote::Decision { lead: Some(HOUSING), next: None, text: "Ga kijken." };
    town.partner(COORDINATOR).write_note(1, &decision, &by(), next).unwrap();
    carry(&mut town, next);
    assert_eq!(agenda(&mut town, next)[0].waits, None);
    let coordinator = town.partner(COORDINATOR);
    let id = coordinator.data.state().after_hit.conversations[0].id;
    let later = next.plus(DAY);
    town.tell(COORDINATOR, Subject::NONE, later.day(), EntryKind::Left { conversation: id, partner: HOUSING });
    carry(&mut town, later);
    assert_eq!(agenda(&mut town, later)[0].waits, Some((later.day(), WaitsFor::LeaderLeft)));
    decide(&mut town, None, later);
    assert_eq!(agenda(&mut town, later)[0].waits, None);
}

#[test]
fn what_has_ended_goes_from_the_agenda_and_comes_back_with_whoever_writes_or_joins() {
    let mut town = Town::new();
    let forwarded = [POLICE, HOUSING].map(|number| town.put_forward(number, 1, NOW));
    town.introduce_to_coordinator(&forwarded[0], 1, TOMORROW.day());
    carry(&mut town, TOMORROW);
    let next = TOMORROW.plus(DAY);
    // The coordinator says how it ended, and somebody joins after that.
    say_how(&mut town, COORDINATOR, next);
    assert_eq!(agenda(&mut town, next).remove(0).ended, Some((next.day(), AgendaEnd::Closed)));
    town.introduce_to_coordinator(&forwarded[1], 1, next.day());
    carry(&mut town, next);
    let one = agenda(&mut town, next).remove(0);
    assert_eq!((one.ended, one.waits), (None, Some((next.day(), WaitsFor::Joined))));
    assert_eq!((one.closed, one.newcomers), (Some(next.day()), vec![HOUSING]));
    // All say how it ended; one of them alone ends nothing.
    decide(&mut town, None, next);
    carry(&mut town, next);
    say_how(&mut town, POLICE, next);
    carry(&mut town, next);
    assert_eq!(agenda(&mut town, next).remove(0).ended, None);
    say_how(&mut town, HOUSING, next);
    carry(&mut town, next);
    let one = agenda(&mut town, next).remove(0);
    assert_eq!((one.ended, one.waits), (Some((next.day(), AgendaEnd::AllSaid)), None));
    // Whoever writes after that has something to say, and so has the coordinator.
    town.write(HOUSING, "Toch weer bewoond.", next);
    carry(&mut town, next);
    assert_eq!(agenda(&mut town, next).remove(0).waits, Some((next.day(), WaitsFor::Note)));
    say_how(&mut town, COORDINATOR, next);
    assert_eq!(agenda(&mut town, next).remove(0).ended, Some((next.day(), AgendaEnd::Closed)));
    town.write(POLICE, "Wij ook.", next);
    carry(&mut town, next);
    let one = agenda(&mut town, next).remove(0);
    assert_eq!((one.ended, one.waits), (None, Some((next.day(), WaitsFor::Note))));
    assert_eq!((one.closed, one.newcomers), (Some(next.day()), Vec::new()));
    // One leaves, and then the other.
    for (partner, ended) in [(POLICE, None), (HOUSING, Some((next.day(), AgendaEnd::AllLeft)))] {
        let told = EntryKind::Left { conversation: conversation(1), partner };
        town.tell(COORDINATOR, Subject::NONE, next.day(), told);
        carry(&mut town, next);
        assert_eq!(agenda(&mut town, next).remove(0).ended, ended);
    }
    let one = agenda(&mut town, next).remove(0);
    assert_eq!((one.joined, one.left.len()), (Vec::new(), 2));
}

/// The coordinator has a subject alone: whoever took it back meanwhile decides anew whether it hears the address.
#[test]
fn no_address_is_written_of_what_was_taken_back() {
    let mut town = both();
    town.exchange(POLICE, TOMORROW);
    town.partner(POLICE).take_back(homes(1..2), &by(), TOMORROW).unwrap();
    assert_eq!(town.exchange(POLICE, TOMORROW).0.notes.len(), 0);
    town.exchange(HOUSING, TOMORROW);
    assert_eq!(town.exchange(HOUSING, TOMORROW).0.notes.len(), 1);
}

/// One reply of a broker whose clock leapt does not keep a partner silent for as long.
#[test]
fn a_reply_of_a_far_day_silences_nobody() {
    let mut town = Town::new();
    let message = town.next(COORDINATOR, Kind::Exchange, NOW);
    town.play(COORDINATOR).broker.late = 900 * DAY;
    let post = town.post(COORDINATOR, &exchange_of(COORDINATOR, &message));
    drop(town.reply(COORDINATOR, &message, Reply::Post(post), NOW).unwrap());
    town.play(COORDINATOR).broker.late = 0;
    assert_eq!(town.run(COORDINATOR, NOW.plus(2 * DAY)), [Kind::Exchange; 2]);
}

#[test]
fn two_ways_of_typing_one_address_are_one_address() {
    let mut town = both();
    for number in [COORDINATOR, POLICE, HOUSING] {
        town.run(number, TOMORROW);
    }
    // The other types it otherwise, and once another address altogether.
    for (number, key, typed) in [(2, "1012JS|1|A", "Dam 1 A"), (3, "1012JS|1|A", ""), (4, "1012JS|2|", "Dam 2")] {
        let content = NoteContent::Address { key: key.into(), typed: typed.into() };
        let copies = vec![(COORDINATOR, number)];
        let event = crate::partner::talk::record::TalkEvent::NoteWritten { conversation: 1, content, copies };
        town.partner(HOUSING).data.record(TOMORROW, None, JournalEvent::Talk(event)).unwrap();
    }
    carry(&mut town, TOMORROW);
    let spellings = vec!["Dam 1-a, Amsterdam".to_owned(), "Dam 1 A".to_owned()];
    let other = ("1012JS|2|".to_owned(), vec!["Dam 2".to_owned()]);
    assert_eq!(item(&mut town).addresses, [("1012JS|1|A".to_owned(), spellings), other]);
}

#[test]
fn a_partner_has_no_agenda() {
    let mut town = both();
    assert_eq!(code(town.partner(POLICE).agenda(NOW.day()).map(drop)), "not_permitted");
    assert_eq!(code(town.partner(POLICE).show_agenda(&by(), NOW).map(drop)), "not_permitted");
    let length = |town: &mut Town| town.partner(COORDINATOR).journal_length();
    let before = length(&mut town);
    assert!(town.partner(COORDINATOR).show_agenda(&by(), NOW).unwrap().is_empty());
    assert_eq!(length(&mut town), before, "nothing was shown");
    town.exchange(COORDINATOR, TOMORROW);
    let before = length(&mut town);
    assert_eq!(town.partner(COORDINATOR).show_agenda(&by(), TOMORROW).unwrap().len(), 1);
    assert_eq!(length(&mut town), before + 1);
}
