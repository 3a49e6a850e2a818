//! Partners and the broker together, as a program uses them.

use stapel_testkit as common;

use std::fs;

use common::{ROSTER, START, secret};
use stapel::message::{Code, Receipt, RenewalReason, Standing, Told};
use stapel::partner::{Answered, DossierEntry, DossierEvent, Given, News, Next, Received, StackChange};
use stapel::{AddressKey, Broker, Case, Clock, Day, Partner, Timestamp};

const DAY: u64 = 86_400;

/// Two epochs that overlap in November 2027; house numbers are counted.
fn policy_text() -> String {
    let rules = format!(
        "version = 1\nvalid_from = 2026-12-01\n[counting]\nthreshold = 2\nlevels = [\"unit\", \"number\"]\n\
         [budgets]\nswept_a_day = 100\nsweep_reasons = [\"brand\"]\n[[epoch]]\nnumber = 1\nkey_id = \"{}\"\n\
         opens = 2026-12-01\ncloses = 2027-11-30\n[[epoch]]\nnumber = 2\nkey_id = \"{}\"\n\
         opens = 2027-11-01\ncloses = 2028-10-31",
        secret(1).key_id(),
        secret(2).key_id()
    );
    common::policy_text(&ROSTER, &rules)
}

struct Consortium {
    folder: tempfile::TempDir,
    broker: Broker,
    partners: Vec<Partner>,
}

impl Consortium {
    fn new() -> Consortium {
        Consortium::under(&policy_text())
    }

    fn under(policy: &str) -> Consortium {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        common::write_policy(&path, policy);
        let broker = common::broker(&common::signed(policy));
        let partners = ROSTER.map(|entry| {
            let own = folder.path().join(entry.number.to_string());
            common::partner_folder(&own, entry.number, &path, &[1, 2]);
            Partner::open(&own).unwrap()
        });
        Consortium { folder, broker, partners: partners.into() }
    }

    fn carry(&mut self, at: usize, messages: Vec<Vec<u8>>, now: Timestamp) -> Vec<Received> {
        let partner = &mut self.partners[at];
        self.broker.accept_clock(now).unwrap();
        let received =
            messages.iter().map(|message| partner.read(&self.broker.handle(message, now), now).unwrap()).collect();
        assert_eq!(partner.complaints().unwrap(), [], "of an honest broker");
        received
    }

    /// Delivers what there is: what became of it.
    fn delivered(&mut self, at: usize, now: Timestamp) -> Vec<Receipt> {
        let messages = self.partners[at].deliver(now).unwrap();
        let received = self.carry(at, messages, now).into_iter();
        let receipt =
            |received| if let Received::Receipt(receipt) = received { receipt } else { panic!("{received:?}") };
        received.map(receipt).collect()
    }

    /// Lets time pass in which a partner does nothing, so that somebody has to say that its clock is right.
    fn pass(&mut self, at: usize, now: Timestamp) {
        self.partners[at].accept_clock(&by(), now).unwrap();
    }

    fn reopen(&mut self, at: usize) {
        drop(self.partners.remove(at));
        let own = self.folder.path().join(ROSTER[at].number.to_string());
        self.partners.insert(at, Partner::open(&own).unwrap());
    }

    fn deliver(&mut self, at: usize, now: Timestamp) {
        let messages = self.partners[at].confirm(now).unwrap();
        for received in self.carry(at, messages, now) {
            assert!(matches!(received, Received::Receipt(_)), "{received:?}");
        }
    }

    fn ask(&mut self, at: usize, addresses: &[AddressKey], now: Timestamp) -> Vec<Standing> {
        let messages = self.partners[at].ask(addresses, &by(), now).unwrap();
        let received = self.carry(at, messages, now);
        let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
        answer.rows.iter().map(|(_, standing)| *standing).collect()
    }
}

fn by() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}

fn home(text: &str) -> AddressKey {
    AddressKey::from_canonical(text).unwrap()
}

#[test]
fn from_flags_to_news() {
    let mut town = Consortium::new();
    let (a, b, c) = (home("1012JS|1|A"), home("1012JS|1|B"), home("1012JS|7|"));
    for (at, homes) in [(0, vec![a, c]), (1, vec![b]), (2, vec![c])] {
        assert_eq!(town.partners[at].flag(&homes, &by(), START).unwrap().added, homes.len());
        town.deliver(at, START);
    }
    let asked = [c, a, a.number_key(), b];
    let messages = town.partners[0].ask(asked, &by(), START).unwrap();
    let received = town.carry(0, messages, START);
    let [Received::Rejection { rejection, next: Next::Wait }] = &received[..] else { panic!("{received:?}") };
    assert_eq!(rejection.code, Code::NotYetAnswering, "the municipality has not delivered, nor was anything released");
    town.deliver(3, START);

    let next = Timestamp(START.0 + DAY);
    let two = Standing::Stacked(Told::Count(2));
    let below = Standing::BelowThreshold;
    assert_eq!(town.ask(0, &asked, next), [two, below, two, Standing::NoOwnFlag]);
    let messages = town.partners[0].ask_own(&by(), next).unwrap();
    town.carry(0, messages, next);
    let mut stacked = [a.number_key(), c, c.number_key()];
    stacked.sort();
    let news = stacked.map(|address| News { address, change: StackChange::NewlyStacked(Told::Count(2)) });
    assert_eq!(town.partners[0].news().unwrap(), news);

    // The other withdraws one flat, and nothing else is in that house number.
    town.partners[1].withdraw([b], &by(), next).unwrap();
    town.deliver(1, next);
    town.partners[2].flag([home("1012JS|9|")], &by(), next).unwrap();
    town.deliver(2, next);
    let third = Timestamp(next.0 + 2 * DAY);
    let messages = town.partners[0].ask_own(&by(), third).unwrap();
    town.carry(0, messages, third);
    // Only two organisations hold flags now, fewer than min_sources: nothing at all is stacked.
    let gone = stacked.map(|address| News { address, change: StackChange::NoLongerStacked(Told::Count(2)) });
    assert_eq!(town.partners[0].news().unwrap(), gone);
    // About the flat and its house number it asked twice and was answered once, and about the house number as an own
    // one it was answered twice.
    assert_eq!(town.partners[0].dossier(&b, &by(), third).unwrap().len(), 2 * 3 + 2 * 2);
    drop(town.folder);
}

/// The one answer that comes to questions.
fn answer(town: &mut Consortium, at: usize, messages: Vec<Vec<u8>>, now: Timestamp) -> Answered {
    match town.carry(at, messages, now).pop() {
        Some(Received::Answer(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_address_comes_back_as_it_was_written() {
    let mut town = Consortium::new();
    let lines = ["Dam 1-a,\t1012 JS  Amsterdam", "dam 1B 1012js", "Dam 7 te Amsterdam, 1012 JS"];
    let [a, b, c] = lines.map(|line| AddressKey::parse(line).unwrap());
    let typed = |key: AddressKey, line| Given::from(key).typed(line);
    town.partners[0].flag([typed(a, lines[0]), typed(b, lines[1]), c.into()], &by(), START).unwrap();
    town.partners[1].flag([a, b, c].iter(), &by(), START).unwrap();
    town.partners[2].flag([a, b, c].iter(), &by(), START).unwrap();
    (0..4).for_each(|at| town.deliver(at, START));
    town.reopen(0);
    let police = &town.partners[0];
    assert_eq!((police.typed(&a).as_str(), police.typed(&b).as_str()), ("Dam 1-a, 1012 JS Amsterdam", lines[1]));
    assert_eq!(police.typed(&a.number_key()), "Dam 1-a, 1012 JS Amsterdam; dam 1B 1012js");
    assert_eq!((police.typed(&c), town.partners[1].typed(&a)), (String::new(), String::new()));

    // Of a question those of the question, also where its reply is read again after the folder was opened again.
    let next = Timestamp(START.0 + DAY);
    let messages = town.partners[0].ask([typed(a, "DAM 1 A"), c.into()], &by(), next).unwrap();
    let replies: Vec<_> = messages.iter().map(|message| town.broker.handle(message, next)).collect();
    for _ in 0..2 {
        town.reopen(0);
        let Received::Answer(answer) = town.partners[0].read(&replies[0], next).unwrap() else { panic!() };
        assert_eq!((answer.typed(&a), answer.typed(&c), answer.rows.len()), ("DAM 1 A", "", 2));
    }
    let messages = town.partners[0].ask_own(&by(), next).unwrap();
    assert_eq!(answer(&mut town, 0, messages, next).typed(&a), "", "the flag has it");

    // A nightly set says the same again, or another line; what is withdrawn is forgotten, and stays in the journal.
    let police = &mut town.partners[0];
    police.replace_all([typed(a, lines[0]), typed(b, "Dam 1 b"), typed(c, lines[2])], false, &by(), next).unwrap();
    assert_eq!((police.typed(&b).as_str(), police.typed(&c).as_str()), ("Dam 1 b", lines[2]));
    police.replace_all([a, b].iter(), true, &by(), next).unwrap();
    assert_eq!((police.typed(&b).as_str(), police.typed(&c).as_str()), ("Dam 1 b", ""));
    police.withdraw([b].iter(), &by(), next).unwrap();
    assert_eq!((police.typed(&a).as_str(), police.typed(&b).as_str()), ("Dam 1-a, 1012 JS Amsterdam", ""));
    let written = |entries: Vec<DossierEntry>| -> Vec<(String, bool)> {
        let is_flagged = |entry: &DossierEntry| matches!(entry.event, DossierEvent::Flagged { .. });
        entries
            .iter()
            .map(|entry| (entry.typed.clone(), is_flagged(entry)))
            .filter(|(text, _)| !text.is_empty())
            .collect()
    };
    let of_b = written(police.dossier(&b, &by(), next).unwrap());
    assert_eq!(of_b, [(lines[1].to_owned(), true), ("Dam 1 b".to_owned(), false)], "flagged, and written otherwise");
    let of_c = written(police.dossier(&c, &by(), next).unwrap());
    assert_eq!(of_c, [(lines[2].to_owned(), false)], "it was flagged before without a text");
    let d = home("1012JS|9|");
    police.replace_all([typed(a, lines[0]), typed(d, "Dam 9")], true, &by(), next).unwrap();
    let of_d = written(police.dossier(&d, &by(), next).unwrap());
    assert_eq!(of_d, [("Dam 9".to_owned(), true)], "flagged, and not written anew beside");
    let of_a = written(police.dossier(&a, &by(), next).unwrap());
    let [line, asked] = ["Dam 1-a, 1012 JS Amsterdam", "DAM 1 A"].map(str::to_owned);
    assert_eq!(of_a, [(line, true), (asked.clone(), false), (asked, false)]);

    // A flag that ends by itself takes its text with it.
    let later = Timestamp(START.0 + 400 * DAY);
    town.pass(0, later);
    assert_eq!((town.partners[0].flags().len(), town.partners[0].typed(&a)), (0, String::new()));
    // Nothing of it is on disk in the clear.
    let mut folders = vec![town.folder.path().join(ROSTER[0].number.to_string())];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            for piece in ["dam 1", "amsterdam"] {
                let mut windows = bytes.windows(piece.len());
                assert!(!windows.any(|bytes| bytes.eq_ignore_ascii_case(piece.as_bytes())), "{}", path.display());
            }
        }
    }
}

#[test]
fn where_a_register_is_required_nothing_else_is_flagged_or_asked_about() {
    let required = policy_text().replace("threshold = 2\n", "threshold = 2\nregister = \"required\"\n");
    let mut town = Consortium::under(&required);
    let (a, b) = (home("1012JS|1|A"), home("1012JS|1|B"));
    let resolved = |key: AddressKey| Given::from(key).resolved();
    let until = Day::from_ymd(2026, 12, 31).unwrap();
    for homes in [vec![Given::from(a)], vec![resolved(a), b.into()], vec![Given::from(b).typed("Dam 1-B"), resolved(a)]]
    {
        let partner = &mut town.partners[0];
        let refusals = [
            partner.flag(&homes, &by(), START).unwrap_err(),
            partner.flag_until(&homes, until, &by(), START).unwrap_err(),
            partner.renew(&homes, RenewalReason::ObservedAgain, &by(), START).unwrap_err(),
            partner.replace_all(&homes, true, &by(), START).unwrap_err(),
            partner.ask(&homes, &by(), START).unwrap_err(),
            town.partners[3].sweep(&homes, &"brand".parse().unwrap(), &by(), START).unwrap_err(),
        ];
        for refusal in refusals {
            assert_eq!(refusal.code(), "register_required");
            assert!(!refusal.to_string().contains("1012"), "{refusal}");
        }
        assert_eq!(town.partners[0].flags().len(), 0);
    }

    let both = [resolved(a), resolved(b)];
    assert_eq!(town.partners[0].flag(both, &by(), START).unwrap().added, 2);
    town.deliver(0, START);
    let number = resolved(a).number().unwrap();
    assert_eq!(town.partners[0].ask([number, resolved(b)], &by(), START).unwrap().len(), 1, "so is its number");
    assert_eq!(town.partners[3].sweep(both, &"brand".parse().unwrap(), &by(), START).unwrap().len(), 1);
    // What is about own flags needs none, and least of all what ends them.
    let partner = &mut town.partners[0];
    assert_eq!(partner.ask_own(&by(), START).unwrap().len(), 1);
    assert_eq!(partner.withdraw([a], &by(), START).unwrap().withdrawn, 1);
    assert!(!partner.dossier(&a, &by(), START).unwrap().is_empty());
    assert_eq!(partner.replace_all([] as [AddressKey; 0], true, &by(), START).unwrap().withdrawn, 1);
}

#[test]
fn a_dossier_finds_a_home_in_every_spelling_and_says_in_which() {
    let mut town = Consortium::new();
    let police = &mut town.partners[0];
    let all = ["1012JS|1|HS", "1012JS|1|H", "1012JS|1|", "1012JS|1|1", "1012JS|2|HS"].map(home);
    police.flag(all.iter(), &by(), START).unwrap();
    let mut found = |address: &AddressKey| -> Vec<AddressKey> {
        let entries = police.dossier(address, &by(), START).unwrap().into_iter();
        entries.filter(|entry| entry.event != DossierEvent::LookedUp).map(|entry| entry.address).collect()
    };
    assert_eq!(found(&home("1012JS|1|BG")), [all[1], all[0]]);
    assert_eq!(found(&all[2]), [all[2]]);
    assert_eq!(found(&home("1012JS|1|I")), [all[3]]);
    assert_eq!(found(&home("1012JS|1")).len(), 4);
}

/// The policy with budgets of ten new flags a day and 30 at a time. A home alone in its house number takes two.
fn of_small_budgets() -> Consortium {
    Consortium::under(&policy_text().replace("[budgets]\n", "[budgets]\nnew_flags_a_day = 10\nflags_held = 30\n"))
}

fn houses(numbers: std::ops::Range<u32>) -> Vec<AddressKey> {
    numbers.map(|number| home(&format!("1012JS|{number}|"))).collect()
}

fn day(number: u64) -> Timestamp {
    Timestamp(START.0 + number * DAY)
}

/// Added and withdrawn by all of them, and held in the end.
fn counts(receipts: &[Receipt]) -> [u32; 3] {
    let sum = |count: fn(&Receipt) -> u32| receipts.iter().map(count).sum();
    let held = receipts.last().expect("a receipt").held;
    [sum(|receipt| receipt.added), sum(|receipt| receipt.withdrawn), held]
}

#[test]
fn what_is_new_beyond_the_budget_waits_and_nothing_waits_with_it() {
    let mut town = of_small_budgets();
    town.partners[0].flag(houses(1..4), &by(), day(0)).unwrap();
    assert_eq!(counts(&town.delivered(0, day(0))), [6, 0, 6]);
    assert_eq!(town.partners[0].undelivered(), 0);

    town.partners[0].flag(houses(31..33), &by(), day(1)).unwrap();
    town.partners[0].flag(houses(20..31), &by(), day(2)).unwrap();
    town.partners[0].withdraw(houses(1..2), &by(), day(2)).unwrap();
    assert_eq!(town.partners[0].undelivered(), 13);
    // Those flagged first go first; and what is withdrawn goes at once.
    assert_eq!(counts(&town.delivered(0, day(2))), [10, 2, 14]);
    assert_eq!(town.partners[0].undelivered(), 8);
    // Nothing more today, whatever happens to the program; but withdrawals do go.
    town.reopen(0);
    assert!(town.delivered(0, day(2)).is_empty());
    town.partners[0].withdraw(houses(31..33), &by(), day(2)).unwrap();
    assert_eq!(counts(&town.delivered(0, day(2))), [0, 4, 10]);
    // One that waits is flagged until another day and one is withdrawn, and the broker hears of each what holds.
    town.partners[0].withdraw(houses(29..30), &by(), day(2)).unwrap();
    town.partners[0].flag_until(houses(30..31), "2027-01-31".parse().unwrap(), &by(), day(2)).unwrap();
    assert_eq!(town.partners[0].undelivered(), 7);
    assert_eq!(counts(&town.delivered(0, day(3))), [10, 0, 20]);
    assert_eq!(counts(&town.delivered(0, day(4))), [4, 0, 24]);
    assert_eq!(town.partners[0].undelivered(), 0);
    assert!(town.delivered(0, day(5)).is_empty());
}

#[test]
fn a_set_in_place_of_all_is_held_to_the_budgets_too() {
    let mut town = of_small_budgets();
    // Even the first of an epoch, which is free of the day's.
    town.partners[0].replace_all(houses(101..121), false, &by(), day(0)).unwrap();
    assert_eq!(counts(&town.delivered(0, day(0))), [30, 0, 30]);
    assert_eq!(town.partners[0].undelivered(), 5);
    assert!(town.delivered(0, day(1)).is_empty(), "no more may be held");
    town.partners[0].replace_all(houses(108..128), true, &by(), day(2)).unwrap();
    // Held are 108 to 115, and five more can be added today.
    assert_eq!(counts(&town.delivered(0, day(2))), [10, 14, 26]);
    assert_eq!(counts(&town.delivered(0, day(3))), [4, 0, 30]);
    assert_eq!(town.partners[0].undelivered(), 5);
}

#[test]
fn one_that_does_not_know_what_is_left_of_the_budget_is_told() {
    let mut town = of_small_budgets();
    town.partners[0].flag(houses(1..4), &by(), day(0)).unwrap();
    town.delivered(0, day(0));
    let state = town.folder.path().join("1/state.sealed");
    let old = fs::read(&state).unwrap();
    town.partners[0].flag(houses(4..7), &by(), day(1)).unwrap();
    assert_eq!(counts(&town.delivered(0, day(1))), [6, 0, 12]);
    // An old copy is put back.
    drop(town.partners.remove(0));
    fs::write(&state, old).unwrap();
    town.partners.insert(0, Partner::open(&town.folder.path().join("1")).unwrap());
    // What it told the broker is not taken for new, nor anything withdrawn.
    assert_eq!(counts(&town.delivered(0, day(1))), [0, 0, 12]);
    town.partners[0].flag(houses(7..10), &by(), day(1)).unwrap();
    let messages = town.partners[0].deliver(day(1)).unwrap();
    let received = town.carry(0, messages, day(1));
    let [Received::Rejection { rejection, next: Next::Wait }] = &received[..] else { panic!("{received:?}") };
    assert_eq!((rejection.code, rejection.number), (Code::OverBudget, 4));
    town.reopen(0);
    assert_eq!(counts(&town.delivered(0, day(1))), [4, 0, 16]);
    assert_eq!(counts(&town.delivered(0, day(2))), [2, 0, 18]);
}

/// What a message of the partner's was rejected with, and what is left.
fn over_budget(town: &mut Consortium, at: usize, now: Timestamp) -> u64 {
    let messages = town.partners[at].deliver(now).unwrap();
    let received = town.carry(at, messages, now);
    let [Received::Rejection { rejection, next: Next::Wait }] = &received[..] else { panic!("{received:?}") };
    assert_eq!(rejection.code, Code::OverBudget);
    rejection.number
}

#[test]
fn a_partner_copes_with_what_another_of_its_organisation_spends() {
    let mut town = of_small_budgets();
    // Both are of the municipality.
    let (one, other) = (3, 4);
    [one, other].into_iter().for_each(|at| town.deliver(at, day(0)));
    town.partners[one].flag(houses(1..5), &by(), day(0)).unwrap();
    assert_eq!(counts(&town.delivered(one, day(0))), [8, 0, 8]);
    town.partners[other].flag(houses(11..15), &by(), day(0)).unwrap();
    assert_eq!(over_budget(&mut town, other, day(0)), 2, "ten are a day's, for both together");
    assert_eq!(counts(&town.delivered(other, day(0))), [2, 0, 2]);
    assert_eq!(town.partners[other].undelivered(), 3);
    assert_eq!(counts(&town.delivered(other, day(1))), [6, 0, 8]);
    // Together they hold 16 of 30.
    town.partners[one].flag(houses(5..9), &by(), day(2)).unwrap();
    assert_eq!(counts(&town.delivered(one, day(2))), [8, 0, 16]);
    town.partners[one].flag(houses(9..13), &by(), day(3)).unwrap();
    assert_eq!(over_budget(&mut town, one, day(3)), 6);
    assert_eq!(counts(&town.delivered(one, day(3))), [6, 0, 22]);
    town.partners[one].withdraw(houses(1..2), &by(), day(4)).unwrap();
    assert_eq!(counts(&town.delivered(one, day(4))), [2, 2, 22], "one goes and one comes");
}

#[test]
fn a_first_full_set_that_is_too_large_goes_in_part() {
    let mut town = Consortium::under(
        &policy_text().replace("[budgets]\n", "[budgets]\nnew_flags_a_day = 10\nfirst_set_flags = 4\n"),
    );
    town.partners[0].flag(houses(1..11), &by(), day(0)).unwrap();
    assert_eq!(over_budget(&mut town, 0, day(0)), 14);
    town.reopen(0);
    assert_eq!(counts(&town.delivered(0, day(0))), [14, 0, 14]);
    assert_eq!(town.partners[0].undelivered(), 3);
    assert_eq!(counts(&town.delivered(0, day(1))), [6, 0, 20]);
    // One that asks where it stands is told before.
    town.partners[1].flag(houses(1..11), &by(), day(1)).unwrap();
    let request = town.partners[1].status(day(1)).unwrap();
    town.carry(1, vec![request], day(1));
    assert_eq!(counts(&town.delivered(1, day(1))), [14, 0, 14]);
    assert_eq!(town.partners[1].undelivered(), 3);
}

#[test]
fn epochs_that_overlap_share_the_budget() {
    let mut town = of_small_budgets();
    let overlap = Timestamp("2027-11-10".parse::<Day>().unwrap().start().0);
    let next = Timestamp(overlap.0 + DAY);
    town.partners[0].flag(houses(1..2), &by(), day(330)).unwrap();
    assert_eq!(town.delivered(0, day(330)).len(), 1);
    assert_eq!(town.delivered(0, overlap).len(), 1, "a full set in the second");
    town.partners[0].flag(houses(2..7), &by(), overlap).unwrap();
    let added = |receipts: Vec<Receipt>| receipts.iter().map(|receipt| receipt.added).collect::<Vec<_>>();
    assert_eq!(added(town.delivered(0, overlap)), [10], "the newer epoch comes first");
    assert_eq!(added(town.delivered(0, next)), [10]);
    assert!(town.delivered(0, Timestamp(next.0 + DAY)).is_empty());
}

#[test]
fn the_lines_on_own_messages_are_proven_once_a_checkpoint_has_them() {
    let mut town = Consortium::new();
    for at in 0..4 {
        town.partners[at].flag(houses(1..4), &by(), day(0)).unwrap();
        town.delivered(at, day(0));
    }
    town.ask(0, &houses(1..3), day(1));
    let status = |town: &mut Consortium, now| {
        let request = town.partners[0].status(now).unwrap();
        let received = town.carry(0, vec![request], now);
        assert!(matches!(received[..], [Received::Status { complaint: None, .. }]), "{received:?}");
        town.partners[0].unproven_lines()
    };
    assert_eq!(town.partners[0].unproven_lines(), 2);
    assert_eq!(status(&mut town, day(1)), 2, "the question's, and that one: there is no checkpoint since");
    assert_eq!(status(&mut town, day(2)), 1, "but the last");
    town.reopen(0);
    assert_eq!(status(&mut town, day(3)), 1);
}

#[test]
fn what_arrives_after_its_epoch_has_closed_is_refused_without_a_complaint() {
    let mut town = Consortium::new();
    let midnight = "2027-12-01".parse::<Day>().unwrap().start();
    town.partners[0].flag(houses(1..4), &by(), day(0)).unwrap();
    town.delivered(0, day(0));
    let last_minute = Timestamp(midnight.0 - 60);
    town.pass(0, last_minute);
    town.delivered(0, last_minute);
    town.partners[0].flag(houses(4..6), &by(), last_minute).unwrap();
    let messages = town.partners[0].deliver(last_minute).unwrap();
    let received = town.carry(0, messages, midnight);
    let is_refused = |received: &&Received| match received {
        Received::Rejection { rejection, .. } => rejection.code == Code::WrongEpoch,
        _ => false,
    };
    assert_eq!(received.iter().filter(is_refused).count(), 1, "{received:?}");
}

/// A leaver knows the secret of the epoch to come: that one makes way for the next number, which has another.
#[test]
fn broker_and_partners_pass_over_an_epoch_that_made_way() {
    let mut town = Consortium::new();
    let flat = home("1012JS|1|");
    let overlap = "2027-11-10".parse::<Day>().unwrap().start();
    let before = Timestamp(overlap.0 - 20 * DAY);
    for at in 0..4 {
        town.partners[at].flag([flat], &by(), before).unwrap();
        town.deliver(at, before);
    }
    let first = policy_text();
    let version = format!("version = 2\nprevious = \"{}\"", common::signed(&first).digest());
    let second = format!("number = 2\nkey_id = \"{}\"", secret(2).key_id());
    let third = format!("number = 3\nkey_id = \"{}\"", secret(3).key_id());
    let newer = town.folder.path().join("newer");
    fs::create_dir(&newer).unwrap();
    let path = newer.join("policy.toml");
    let text = first.replace("version = 1", &version).replace(&second, &third);
    common::write_policy(&path, &text);
    secret(3).create(&newer.join("epoch-3.secret")).unwrap();
    town.broker.adopt_policy(&path, before).unwrap();
    for certificate in common::certificates(common::signed(&text).policy()) {
        let claimed = certificate.claimed();
        let Some(partner) = town.partners.iter_mut().find(|partner| partner.number() == claimed.partner) else {
            continue;
        };
        if claimed.epoch == 3 {
            partner.adopt_policy(&path, before).unwrap();
            partner.add_certificate(&newer.join(certificate.file_name())).unwrap();
            partner.add_secret(&newer.join("epoch-3.secret")).unwrap();
        }
    }
    for at in 0..4 {
        let messages = town.partners[at].confirm(overlap).unwrap();
        let epochs: Vec<u32> = town.partners[at].in_flight().map(|message| message.epoch).collect();
        assert_eq!(epochs, [3, 1], "the newest first");
        let received = town.carry(at, messages, overlap);
        assert!(received.iter().all(|received| matches!(received, Received::Receipt(_))), "{received:?}");
    }
    let later = Timestamp(overlap.0 + 7 * DAY);
    let messages = town.partners[0].ask([flat], &by(), later).unwrap();
    town.carry(0, messages, later);
    let messages = town.partners[0].ask([flat], &by(), later).unwrap();
    let received = town.carry(0, messages, later);
    let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
    assert_eq!((answer.epoch, answer.rows[0].1), (3, Standing::Stacked(Told::Count(3))));
}

#[test]
fn a_partner_asks_in_the_epoch_that_answers_and_withdraws_in_both() {
    let mut town = Consortium::new();
    let flat = home("1012JS|1|");
    let overlap = Timestamp("2027-11-10".parse::<Day>().unwrap().start().0);
    let on = |number: u64| Timestamp(overlap.0 + number * DAY);
    let before = Timestamp(overlap.0 - 20 * DAY);
    for at in 0..4 {
        town.partners[at].flag([flat], &by(), before).unwrap();
        town.deliver(at, before);
    }
    let asked = |town: &mut Consortium, now| {
        let messages = town.partners[0].ask([flat], &by(), now).unwrap();
        match &town.carry(0, messages, now)[..] {
            [Received::Answer(answer)] => Ok((answer.epoch, answer.rows[0].1)),
            [Received::Rejection { rejection, next: Next::Again }] => Err((rejection.code, rejection.number)),
            other => panic!("{other:?}"),
        }
    };
    let stacked = |count| Standing::Stacked(Told::Count(count));
    assert_eq!(asked(&mut town, overlap), Ok((1, stacked(3))));
    // It has delivered in the second epoch and others have not, so that the first goes on answering.
    town.deliver(0, overlap);
    assert_eq!(asked(&mut town, on(1)), Err((Code::OtherEpoch, 1)));
    assert_eq!(asked(&mut town, on(1)), Ok((1, stacked(3))));
    // What is withdrawn goes from both, and at the turn of the day.
    for at in 1..3 {
        town.deliver(at, on(1));
        town.partners[at].withdraw([flat], &by(), on(1)).unwrap();
        assert_eq!(town.delivered(at, on(1)).iter().map(|receipt| receipt.withdrawn).sum::<u32>(), 4);
    }
    assert_eq!(asked(&mut town, on(2)), Ok((1, Standing::BelowThreshold)), "two are left, fewer than min_sources");
    // All have delivered in the second epoch then, and it answers after the whole wait all the same.
    town.deliver(3, on(2));
    for days in 3..7 {
        assert_eq!(asked(&mut town, on(days)), Ok((1, Standing::BelowThreshold)));
    }
    assert_eq!(asked(&mut town, on(7)), Err((Code::OtherEpoch, 2)));
    assert_eq!(asked(&mut town, on(7)), Ok((2, Standing::BelowThreshold)));
}

/// What a broker whose clock is in doubt takes of what is to be delivered, by epoch; it puts off all else.
fn taken_in_doubt(town: &mut Consortium, at: usize, now: Timestamp) -> Vec<(u32, u32)> {
    let messages = town.partners[at].deliver(now).unwrap();
    let epochs: Vec<u32> = town.partners[at].in_flight().map(|message| message.epoch).collect();
    let mut taken = Vec::new();
    for (message, epoch) in messages.iter().zip(epochs) {
        let reply = town.broker.handle(message, Clock::untrusted(now));
        match town.partners[at].read(&reply, now).unwrap() {
            Received::Receipt(receipt) => taken.push((epoch, receipt.withdrawn)),
            Received::Rejection { rejection, next: Next::Resend } => assert_eq!(rejection.code, Code::Unavailable),
            other => panic!("{other:?}"),
        }
    }
    taken
}

#[test]
fn what_is_withdrawn_reaches_a_broker_in_doubt_whatever_else_is_in_flight() {
    let mut town = Consortium::new();
    let flats = [home("1012JS|1|A"), home("1012JS|1|B"), home("1012JS|7|"), home("1012JS|9|")];
    let overlap = Timestamp("2027-11-10".parse::<Day>().unwrap().start().0);
    let on = |days: u64, seconds: u64| Timestamp(overlap.0 - 20 * DAY + days * DAY + seconds);
    for at in 0..4 {
        if at < 3 {
            town.partners[at].flag(flats, &by(), on(0, 0)).unwrap();
        }
        town.deliver(at, on(0, 0));
    }
    let count = |count| Standing::Stacked(Told::Count(count));
    assert_eq!(town.ask(0, &flats, on(20, 0)), [count(3); 4]);

    // Its first full set in the second epoch is in flight, and the broker puts it off with all that comes after it.
    town.partners[1].flag([home("1012JS|11|")], &by(), on(20, 60)).unwrap();
    assert_eq!(taken_in_doubt(&mut town, 1, on(20, 60)), []);
    let put_off = town.partners[1].deliver(on(20, 61)).unwrap();
    assert_eq!(put_off.len(), 2, "a full set, and a delta in the first epoch");
    town.reopen(1);
    assert_eq!(town.partners[1].deliver(on(20, 61)).unwrap(), put_off, "nothing was withdrawn: the same bytes again");
    // A home whose house number stays, and then one whose house number goes with it.
    town.partners[1].withdraw(&flats[..1], &by(), on(20, 62)).unwrap();
    assert_eq!(taken_in_doubt(&mut town, 1, on(20, 62)), [(1, 1)]);
    town.partners[1].withdraw(&flats[2..3], &by(), on(20, 63)).unwrap();
    assert_eq!(taken_in_doubt(&mut town, 1, on(20, 63)), [(1, 2)]);
    assert_eq!(taken_in_doubt(&mut town, 1, on(20, 64)), []);

    // From the next turn of the day on it does not count. What was put off is accepted as it is.
    assert_eq!(town.ask(0, &flats, on(21, 0)), [count(2), count(3), count(2), count(3)]);
    assert_eq!(town.delivered(1, on(21, 1)).len(), 2);
    assert!(town.delivered(1, on(21, 2)).is_empty());
    // In both epochs at once: the older first.
    town.partners[1].flag([home("1012JS|13|")], &by(), on(21, 3)).unwrap();
    assert_eq!(taken_in_doubt(&mut town, 1, on(21, 3)), []);
    town.partners[1].withdraw(flats, &by(), on(21, 4)).unwrap();
    assert_eq!(taken_in_doubt(&mut town, 1, on(21, 4)), [(1, 4), (2, 4)], "two homes with their house numbers");
    let held: Vec<_> = town.delivered(1, on(21, 5)).iter().map(|receipt| receipt.held).collect();
    assert_eq!(held, [4, 4], "each epoch has the two new ones");
}

#[test]
fn standings_find_their_rows_again() {
    let mut town = Consortium::new();
    let (a, b, c) = (home("1012JS|1|A"), home("1012JS|1|B"), home("1012JS|7|"));
    town.partners[0].flag([a, b], &by(), START).unwrap();
    (0..4).for_each(|at| town.deliver(at, START));
    let messages = town.partners[0].ask([b, c, b], &by(), day(1)).unwrap();
    let [Received::Answer(answer)] = &town.carry(0, messages, day(1))[..] else { panic!() };
    let (below, not_own) = (Some(Standing::BelowThreshold), Some(Standing::NoOwnFlag));
    let own = answer.rows[0].1;
    assert_eq!(answer.standings(&[b, c, b]), [Some(own), not_own, Some(own)]);
    assert_eq!(answer.standings(&[c, a, b, b]), [not_own, None, Some(own), Some(own)]);
    assert!(answer.standings(&[]).is_empty());
    assert!(Some(own) == below || Some(own) == not_own);
}

#[test]
fn months_of_flats_renewals_and_two_epochs() {
    let mut town = Consortium::new();
    let mut now = START;
    // A flat more every month, and every other month the first is looked at again, until it can be renewed no more: the
    // broker accepts all of it.
    let mut exhausted = 0;
    for month in 0..14u16 {
        let flat = home(&format!("1012JS|1|{month}"));
        for at in 0..3 {
            town.partners[at].flag([flat], &by(), now).unwrap();
            if month % 2 == 1 {
                let first = *town.partners[at].flags().next().unwrap();
                match town.partners[at].renew([first.address], RenewalReason::ObservedAgain, &by(), now) {
                    Ok(changed) => assert_eq!(changed.changed + changed.unchanged, 1),
                    Err(error) => {
                        assert_eq!(error.code(), "too_many_renewals");
                        exhausted += 1;
                    }
                }
            }
            town.deliver(at, now);
            assert!(town.partners[at].deliver(now).unwrap().is_empty());
        }
        now = Timestamp(Day((now.0 / DAY) as u16 + 28).start().0);
        assert_eq!(
            town.ask(0, &[flat, flat.number_key()], now),
            [Standing::Stacked(Told::Count(3)); 2],
            "month {month}"
        );
    }
    let epochs: Vec<u32> = town.broker.status().epochs.iter().map(|epoch| epoch.number).collect();
    assert!(epochs.contains(&2) && exhausted > 0);
    for partner in &town.partners {
        partner.check_journal().unwrap();
    }
}

/// A change of epoch is no way round the most renewals: the first full set carries first days, and what was withdrawn
/// before it goes on after it.
#[test]
fn first_days_outlast_an_epoch() {
    let mut town = Consortium::new();
    let two = [home("1012JS|1|A"), home("1012JS|2|A")];
    let on = |date: &str| date.parse::<Day>().unwrap().start();
    let renew = |town: &mut Consortium, now| {
        let flags = town.partners[0].flags().count();
        town.partners[0].renew(two, RenewalReason::BeingActedOn, &by(), now).map(|changed| (flags, changed))
    };
    town.partners[0].flag(two, &by(), START).unwrap();
    town.deliver(0, START);
    // 180 days from 2026-12-01 end on 2027-05-30, and twice as many on 2027-11-26.
    town.pass(0, on("2027-04-20"));
    renew(&mut town, on("2027-04-20")).unwrap();
    town.deliver(0, on("2027-04-20"));
    town.pass(0, on("2027-09-20"));
    renew(&mut town, on("2027-09-20")).unwrap();
    town.deliver(0, on("2027-09-20"));
    // Ended on 2027-10-31, the day before the second epoch opened: nothing is flagged in it.
    let second = on("2027-11-02");
    town.pass(0, second);
    let changed = town.partners[0].replace_all(two, false, &by(), second).unwrap();
    assert_eq!((changed.added, changed.lapsed), (0, 2));
    town.deliver(0, second);
    assert_eq!(renew(&mut town, second).unwrap_err().code(), "too_many_renewals");
    assert_eq!(town.partners[0].flag(two, &by(), on("2027-11-30")).unwrap().lapsed, 2);
    // A month later it is a new observation.
    assert_eq!(town.partners[0].flag(two, &by(), on("2027-12-01")).unwrap().added, 2);
    town.deliver(0, on("2027-12-01"));
    assert!(town.partners[0].deliver(on("2027-12-01")).unwrap().is_empty());
}
