//! The coordinator: a folder without secrets, its agenda, and what it decides.

use super::*;
use crate::talk::NoteContent;

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
    let mut agenda = town.partner(COORDINATOR).agenda();
    assert_eq!(agenda.len(), 1);
    agenda.remove(0)
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
    assert_eq!((one.began, one.waiting_since), (TOMORROW.day(), Some(TOMORROW.day())));
    assert_eq!(one.joined, [(POLICE, TOMORROW.day()), (HOUSING, TOMORROW.day())]);
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
    assert_eq!(one.addresses, [("1012JS|1|A".to_owned(), "Dam 1-a, Amsterdam".to_owned())]);
    assert!(one.is_new && !format!("{one:?}").contains("Dam"));
    let next = TOMORROW.day().plus(14);
    let decision = NewNote::Decision { lead: Some(HOUSING), next: Some(next), text: "Zaanwonen belt aan." };
    town.partner(COORDINATOR).write_note(1, &decision, &by(), TOMORROW).unwrap();
    assert!(!format!("{decision:?}").contains("belt"));
    town.exchange(COORDINATOR, TOMORROW);
    let one = item(&mut town);
    assert_eq!((one.is_new, one.waiting_since, one.lead, one.next), (false, None, Some(HOUSING), Some(next)));
    assert_eq!(one.decision.as_deref(), Some("Zaanwonen belt aan."));
    for number in [POLICE, HOUSING] {
        let (_, posted) = town.exchange(number, TOMORROW);
        assert_eq!(posted.news, [TalkNews::Decision { conversation: 1 }]);
        assert_eq!(town.conversation(number).lead, Some(HOUSING));
        let introduced: Vec<_> = town.conversation(number).introduced.iter().map(|one| one.partner).collect();
        assert_eq!(introduced, [COORDINATOR], "the two are not introduced to each other");
    }
    // A note after the decision has it wait again.
    let later = TOMORROW.plus(DAY);
    town.write(HOUSING, "Niemand thuis.", later);
    town.run(HOUSING, later);
    town.run(COORDINATOR, later);
    assert_eq!(item(&mut town).waiting_since, Some(later.day()));
    town.partner(COORDINATOR).leave(1, &by(), later).unwrap();
    assert!(town.partner(COORDINATOR).agenda().is_empty());
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
    let (_, posted) = town.exchange(COORDINATOR, TOMORROW);
    assert!(posted.complaint.is_some_and(|complaint| complaint.code == "false_introduction"));
    assert_eq!(town.partner(COORDINATOR).complaints().unwrap().len(), 2);
    assert!(town.partner(COORDINATOR).agenda().is_empty());
}
