//! What a suspension, a policy, the end of an epoch and a restore leave of what comes after a hit; totals and years.

use super::*;
use crate::message::{Totals, TotalsCell, YearCell};
use crate::policy::{Certificate, PolicySignature, Statement};

/// Keeps a suspension of a partner from today on.
pub(super) fn suspend(town: &mut Town, partner: u8) {
    let policy = town.policy.policy();
    let entry = policy.partner(partner.into()).unwrap();
    let (first_day, last_day) = (town.now.day(), policy.epochs[0].closes);
    let statement = Statement { partner: entry.number, epoch: 1, serial: 2, keys: None, first_day, last_day };
    let key = sample::policy_key(entry.organisation.as_str());
    let suspension = Certificate::sign(policy, statement, &key).unwrap();
    assert!(town.broker.keep_certificate(&suspension, town.now).unwrap());
}

/// A folder with a policy, signatures of all its organisations and certificates of all its partners.
pub(super) fn policy_folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, text).unwrap();
    let policy = Policy::parse(text).unwrap();
    for organisation in &policy.organisations {
        let key = sample::policy_key(organisation.slug.as_str());
        let signature = PolicySignature::sign(&policy, &key).unwrap();
        std::fs::write(signature.path_beside(&path), signature.to_text()).unwrap();
    }
    for certificate in sample::certificates(&policy) {
        std::fs::write(folder.path().join(certificate.file_name()), certificate.to_text()).unwrap();
    }
    folder
}

/// A town whose broker has a folder, as [`Town::begin`].
pub(super) fn in_folder(folder: &Path, keys: tempfile::TempDir, text: &str) -> Town {
    let files = policy_folder(text);
    let broker_keys = BrokerKeys::open(keys.path()).unwrap();
    let broker = Broker::create(folder, broker_keys, &files.path().join("policy.toml"), START).unwrap();
    let policy = sample::signed_with_meet(Policy::parse(text).unwrap());
    let disk = SimDisk::default();
    let mut town = Town { keys, disk, broker, policy, members: BTreeMap::new(), now: START, epoch: 1 };
    town.deliver();
    town.turn();
    town
}

/// How many of each are kept: what is put forward, asked, and last replied, and notes and conversations.
fn kept(broker: &Broker) -> [usize; 5] {
    broker.database.inspect(|state| {
        let meet = &state.meet;
        [meet.forwarded.len(), meet.asked.len(), meet.last.len(), meet.notes.len(), meet.conversations.len()]
    })
}

fn rejected(reply: Reply) -> &'static str {
    match reply {
        Reply::Rejection(rejection) => rejection.code.as_str(),
        _ => "ok",
    }
}

#[test]
fn a_suspension_ends_rows_at_once_and_no_introduction() {
    let mut town = Town::begin(&[]);
    let id = town.introduce();
    town.put(1, &[1, 2]);
    suspend(&mut town, 1);
    assert!(town.broker.database.inspect(|state| !state.meet.forwarded.contains_key(&(1, 1))));
    assert_eq!(rejected(town.say(1, &Request::Exchange(Exchange::default()))), "not_certified");
    town.turn();
    town.reopen();
    assert_eq!((town.told(2), town.told(3), town.told(5)), (vec![], vec![], vec![]));
    let sent = town.exchange(2, Exchange { notes: vec![slot(id, 1, 1)], ..Exchange::default() }).sent;
    assert_eq!(sent[0], NoteFate::Kept);
}

#[test]
fn a_row_ends_with_its_flag_with_its_last_day_and_with_the_policy() {
    let mut town = Town::begin(&[]);
    let rows = |town: &Town| {
        town.broker.database.inspect(|state| {
            let forwarded = state.meet.forwarded.get(&(1, 1));
            forwarded.map(|forwarded| forwarded.rows.len())
        })
    };
    town.put(1, &[1, 2]);
    assert_eq!(town.flag(1, &[1]), "ok");
    town.turn();
    assert_eq!(rows(&town), Some(1), "the other has no flag any more");
    // Flagged again it is not put forward again: that takes a person.
    assert_eq!(town.flag(1, &[1, 2]), "ok");
    town.turn();
    assert_eq!(rows(&town), Some(1));
    for _ in 0..11 {
        town.turn();
        assert_eq!(rows(&town), Some(1));
    }
    town.turn();
    assert_eq!(rows(&town), None, "13 days after it was put forward");
    let kept = town.put(1, &[1]);
    assert_eq!((kept.new, kept.held_left), (1, 199), "an old one is as none");
}

/// The sample with a second partner of the police, or a version after it without that one.
fn text(previous: Option<Digest>) -> String {
    let second = "[[partner]]\nnumber = 6\nname = \"Politie, recherche\"\norganisation = \"politie\"\n\
                  may = [\"flag\", \"ask\"]\nlegal_basis_flag = \"Politiewet 2012, artikel 3\"\n\
                  legal_basis_ask = \"Politiewet 2012, artikel 3\"\n\n[[partner]]\nnumber = 2";
    let text = sample::text_with_meet();
    match previous {
        None => text.replacen("[[partner]]\nnumber = 2", second, 1),
        Some(previous) => text.replacen("version = 1\n", &format!("version = 2\nprevious = \"{previous}\"\n"), 1),
    }
}

#[test]
fn with_a_policy_rows_end_and_who_leaves_the_roster_leaves_all_conversations() {
    let folder = tempfile::tempdir().unwrap();
    let mut town = in_folder(folder.path(), key_folder(), &text(None));
    for partner in [6, 2, 3] {
        assert_eq!(town.flag(partner, &[1]), "ok");
    }
    (0..7).for_each(|_| town.turn());
    town.put(6, &[1]);
    town.put(2, &[1]);
    town.turn();
    assert_eq!(town.told(2), [("introduced", 6), ("introduced", 5)]);
    let entries = town.exchange(6, Exchange::default()).entries;
    let id = entries.iter().find_map(conversation).unwrap();
    town.exchange(2, Exchange { notes: vec![slot(id, 6, 1)], ..Exchange::default() });
    town.exchange(6, Exchange { notes: vec![slot(id, 5, 1), slot(id, 2, 1)], ..Exchange::default() });
    town.put(3, &[1]);
    let [rows, ..] = kept(&town.broker);
    assert_eq!(rows, 3);

    let newer = text(Some(town.policy.digest()));
    town.broker.adopt_policy(&policy_folder(&newer).path().join("policy.toml"), town.now).unwrap();
    // Nothing of it is said under the policy before, in no days of grace.
    assert_eq!(rejected(town.say(2, &Request::Exchange(Exchange::default()))), "wrong_policy");
    town.policy = sample::signed_with_meet(Policy::parse(&newer).unwrap());
    assert_eq!(kept(&town.broker)[3], 0, "notes of whom has left and to it go");
    assert_eq!(
        (town.told(2), town.told(5)),
        (vec![("left", 6)], vec![("introduced", 2), ("introduced", 6), ("left", 6)])
    );
    let sent = town.exchange(2, Exchange { notes: vec![slot(id, 6, 2), slot(id, 5, 1)], ..Exchange::default() }).sent;
    assert_eq!(sent[..2], [NoteFate::NotIntroduced, NoteFate::Kept]);
    assert_eq!(town.told(3), [("asked", 0)], "before it put it forward");
    town.turn();
    assert_eq!((town.told(3), town.told(5)), (vec![], vec![]), "a row of the policy before does not stand");
    // What was put forward before is no new row.
    assert_eq!(town.put(3, &[1]).new, 0);
    town.turn();
    assert_eq!(town.told(3), [("introduced", 5)]);
    let waiting = Town::waiting(&town.broker);
    drop(town.broker);
    let broker = Broker::open(folder.path(), BrokerKeys::open(town.keys.path()).unwrap()).unwrap();
    assert!(Town::waiting(&broker) == waiting);
}

#[test]
fn with_its_epoch_goes_what_names_a_subject_and_the_conversation_goes_on() {
    let closes = "closes = 2027-11-30\n";
    let second = format!(
        "{closes}\n[[epoch]]\nnumber = 2\nkey_id = \"{}\"\nopens = 2027-11-01\ncloses = 2028-10-31\n",
        sample::secret_file(2).key_id()
    );
    let mut town = Town::begin(&[(closes, &second)]);
    let at = |day: &str| day.parse::<Day>().unwrap().start().plus(DAY / 2);
    town.now = at("2027-11-20");
    town.broker.accept_clock(town.now).unwrap();
    town.deliver();
    town.turn();
    let id = town.introduce();
    // 3 is introduced to the coordinator over 2, and never told.
    town.put(3, &[2]);
    town.put(1, &[1, 2]);
    town.epoch = 2;
    town.deliver();
    town.epoch = 1;
    town.turn();
    assert_eq!(town.told(1), [("introduced", 5)]);
    assert_eq!(town.told(5), [("introduced", 1), ("introduced", 3)]);
    assert_eq!(town.told(5), [], "it says that it read it");
    assert_eq!(town.told(2), []);
    town.exchange(1, Exchange { notes: vec![slot(id, 2, 1)], ..Exchange::default() });
    town.put(2, &[1]);
    let put_forward_in = |town: &Town| {
        town.broker.database.inspect(|state| state.meet.forwarded.keys().map(|of| of.0).collect::<Vec<_>>())
    };
    assert!(put_forward_in(&town).contains(&1));
    while town.now < at("2027-11-29") {
        town.turn();
    }
    // From its first full release on the newer epoch answers, and the older is not looked at.
    town.epoch = 2;
    for partner in [1, 2] {
        town.put(partner, &[1]);
    }
    town.epoch = 1;
    town.turn();
    assert_eq!(town.told(2), [("introduced", 1), ("introduced", 5)]);
    town.turn();
    assert_eq!(rejected(town.say(1, &Request::Exchange(Exchange::default()))), "wrong_epoch");
    town.members.get_mut(&1).unwrap().talk -= 1;
    town.reopen();
    town.epoch = 2;
    assert!(!put_forward_in(&town).contains(&1));
    let [_, _, last, notes, conversations] = kept(&town.broker);
    assert_eq!((last, notes), (0, 0), "nobody can open what was sealed in it");
    assert_eq!(conversations, 3, "over 1 in both epochs, over 2 in the first");
    let told = town.exchange(5, Exchange::default()).entries;
    let left: Vec<&Entry> = told.iter().filter(|entry| what(entry) == ("left", 3)).collect();
    assert_eq!(left.len(), 1, "3 was never told");
    assert_eq!((left[0].epoch, left[0].subject), (1, Subject::from_bytes([0; 16])));
    assert_eq!(told.iter().filter(|entry| what(entry).0 == "left").count(), 1);
    assert_eq!(town.told(3), [("asked", 0), ("left", 5)], "in the epoch that answers; and what it can have read");
    let note = NoteSlot { epoch: 2, ..slot(id, 2, 1) };
    assert_eq!(town.exchange(1, Exchange { notes: vec![note], ..Exchange::default() }).sent[0], NoteFate::Kept);
    assert_eq!(town.exchange(2, Exchange::default()).notes.len(), 1);
}

/// People agree to be told of in the epoch that answers: a row of another one is refused, be that older or newer. What
/// takes all back is not.
#[test]
fn rows_are_put_forward_in_the_epoch_that_answers_alone() {
    let closes = "closes = 2027-11-30\n";
    let second = format!(
        "{closes}\n[[epoch]]\nnumber = 2\nkey_id = \"{}\"\nopens = 2027-11-01\ncloses = 2028-10-31\n",
        sample::secret_file(2).key_id()
    );
    let mut town = Town::begin(&[(closes, &second)]);
    town.now = "2027-11-02".parse::<Day>().unwrap().start();
    town.broker.accept_clock(town.now).unwrap();
    town.deliver();
    town.epoch = 2;
    town.deliver();
    let refused_in = |town: &mut Town, epoch: u32, rows: &[u8]| {
        town.epoch = epoch;
        let said = put_forward(1, rows, town.now.day().plus(13));
        match town.say(1, &said) {
            Reply::Rejection(rejection) => Some((rejection.code.as_str(), rejection.number)),
            _ => None,
        }
    };
    let count = |town: &Town| town.broker.database.inspect(|state| state.meet.forwarded.len());
    assert_eq!(refused_in(&mut town, 2, &[1]), Some(("other_epoch", 1)));
    assert_eq!(count(&town), 0, "nothing of it is kept");
    assert_eq!([1, 2].map(|epoch| refused_in(&mut town, epoch, &[])), [None, None]);
    assert_eq!((refused_in(&mut town, 1, &[1]), count(&town)), (None, 1));
    while town.broker.database.inspect(|state| state.answering(town.policy.policy())) == Some(1) {
        town.turn();
    }
    assert_eq!(refused_in(&mut town, 1, &[1, 2]), Some(("other_epoch", 2)));
    assert_eq!((refused_in(&mut town, 2, &[1]), count(&town)), (None, 2));
    assert_eq!((refused_in(&mut town, 1, &[]), count(&town)), (None, 1), "the older ones are taken back");
}

/// A broker that answers nobody yet keeps what is put forward until it does.
#[test]
fn where_no_epoch_answers_yet_rows_wait_for_the_first_release() {
    let mut town = Town::begin(&[]);
    let disk = SimDisk::default();
    let keys = Arc::new(BrokerKeys::open(town.keys.path()).unwrap());
    let store = disk.create_store(keys.clone()).unwrap();
    let certificates = sample::certificates(town.policy.policy());
    town.broker = Broker::begin(keys, Box::new(store), town.policy.clone(), &certificates, town.now).unwrap();
    (town.disk, town.members) = (disk, BTreeMap::new());
    assert_eq!((town.flag(1, &[1]), town.flag(2, &[1])), ("ok", "ok"));
    assert_eq!((town.put(1, &[1]).kept, town.put(2, &[1]).kept), (1, 1));
    town.turn();
    assert_eq!(town.told(1), [], "not all have delivered");
    assert_eq!((town.flag(3, &[2]), town.flag(4, &[4])), ("ok", "ok"));
    town.turn();
    assert_eq!(town.told(1), [("introduced", 2), ("introduced", 5)]);
}

/// What a reply names goes with the epoch that it is of, also where it was asked for in a newer one.
#[test]
fn a_last_reply_is_sealed_under_the_oldest_epoch_that_it_names() {
    let closes = "closes = 2027-11-30\n";
    let second = format!(
        "{closes}\n[[epoch]]\nnumber = 2\nkey_id = \"{}\"\nopens = 2027-11-01\ncloses = 2028-10-31\n",
        sample::secret_file(2).key_id()
    );
    let mut town = Town::begin(&[(closes, &second)]);
    town.now = "2027-11-20".parse::<Day>().unwrap().start().plus(DAY / 2);
    town.broker.accept_clock(town.now).unwrap();
    town.deliver();
    town.turn();
    for partner in [1, 2] {
        town.put(partner, &[1]);
    }
    town.turn();
    town.epoch = 2;
    let sealed_in = |town: &Town| town.broker.database.inspect(|state| state.meet.last[&2].0);
    assert!(!town.exchange(2, Exchange::default()).entries.is_empty());
    assert_eq!(sealed_in(&town), 1);
    town.reopen();
    assert_eq!(sealed_in(&town), 1);
    assert!(town.exchange(2, Exchange::default()).entries.is_empty());
    assert_eq!(sealed_in(&town), 2);
}

#[test]
fn after_a_restore_what_was_put_forward_is_unknown_and_the_introduced_stay() {
    let mut town = Town::begin(&[]);
    let id = town.introduce();
    town.exchange(1, Exchange { notes: vec![slot(id, 2, 1)], ..Exchange::default() });
    town.put(3, &[2]);
    let copy = town.disk.copy();
    town.turn();
    let before = town.members.clone();
    let late = town.next(5, &Request::Exchange(Exchange::default()));
    town.disk = copy;
    town.reopen();
    town.now = town.now.plus(DAY);
    town.broker.recover(town.now, true, town.policy.policy()).unwrap();
    let restored = town.now;
    town.reopen();
    assert_eq!(kept(&town.broker), [3, 0, 0, 1, 1]);
    assert_eq!(code(&town.broker.handle(&late, town.now)), "recovering", "it is of before");
    assert_eq!(rejected(town.say(2, &Request::Exchange(Exchange::default()))), "recovering");
    assert_eq!(rejected(town.say(2, &put_forward(2, &[1], town.now.day()))), "recovering");
    assert_eq!(town.told(5), [], "the coordinator has nothing to deliver");
    town.members.values_mut().for_each(|member| member.accepted = 0);
    town.deliver();
    assert!(before[&2].talk > 0);
    let post = town.exchange(2, Exchange::default());
    assert_eq!((post.notes.len(), post.entries.len()), (1, 0));
    town.turn();
    assert_eq!(town.told(3), [], "what the copy has does not stand");
    assert_eq!(town.put(3, &[2]).new, 0, "and is no new row");
    assert_eq!(town.put(1, &[1, 2]).new, 1);
    town.turn();
    let entries = town.exchange(3, Exchange::default()).entries;
    let mut told: Vec<_> = entries.iter().map(what).collect();
    told.sort_unstable();
    assert_eq!(told, [("asked", 0), ("introduced", 5)]);
    assert!(entries[0].number >= restored.0 && entries[1].number > entries[0].number);
    // Those who were introduced are, and nobody is told of it again.
    assert_eq!(town.told(1), [("introduced", 5)], "over 2");
    let sent = town.exchange(1, Exchange { notes: vec![slot(id, 2, 2)], ..Exchange::default() }).sent;
    assert_eq!(sent[0], NoteFate::Kept);
    let notes = town.exchange(2, Exchange::default()).notes;
    assert!(notes[0].0 >= restored.0);
}

/// Under `answers = "totals"` nobody is answered; what is told in a quarter is told again.
#[test]
fn totals_are_told_once_a_quarter() {
    let totals = "threshold = 2\ncount_cap = 4\nanswers = \"totals\"";
    let mut town = Town::with(sample::changed(&[("threshold = 2", totals)]));
    for (partner, count) in [(1, 120), (2, 60), (3, 25), (4, 12)] {
        assert_eq!(town.flag(partner, &(1..=count).collect::<Vec<u8>>()), "ok");
    }
    town.turn();
    let ask = |town: &mut Town, partner: u8| -> Totals {
        match town.say(partner, &Request::Totals) {
            Reply::Totals(totals) => totals,
            other => panic!("{other:?}"),
        }
    };
    let cell = |from, to, number| TotalsCell { from, to, number };
    let told = ask(&mut town, 1);
    assert_eq!((told.year, told.quarter, told.flags), (2026, 4, 120));
    assert_eq!(told.cells, [cell(2, 3, 40), cell(4, 0, 10)]);
    let few = ask(&mut town, 2);
    assert_eq!((few.flags, few.cells.len()), (60, 0), "fewer than a hundred flags");
    let question = Request::Question(Question { sweep: None, pseudonyms: &[pseudonym(1)] });
    let message = town.sign(1, &question, (1, 0));
    assert_eq!(code(&town.broker.handle(&message, town.now)), "not_permitted");
    assert_eq!(rejected(town.say(1, &Request::Exchange(Exchange::default()))), "not_permitted");
    for partner in [1, 2, 3] {
        assert_eq!(town.flag(partner, &(1..=110).collect::<Vec<u8>>()), "ok");
    }
    town.turn();
    town.reopen();
    assert_eq!(Totals { log: told.log, ..ask(&mut town, 1) }, told, "the same until the quarter is over");
    let copy = town.disk.copy();
    let first = "2027-01-01".parse::<Day>().unwrap();
    town.now = first.start().plus(60);
    town.broker.accept_clock(town.now).unwrap();
    let next = ask(&mut town, 1);
    assert_eq!((next.year, next.quarter, next.flags), (2027, 1, 110));
    assert_eq!(next.cells, [cell(2, 3, 90), cell(4, 0, 10)]);
    // After a restore nothing is told anew in a quarter in which something may have been told.
    town.disk = copy;
    town.reopen();
    town.now = town.now.plus(60);
    town.broker.recover(town.now, true, town.policy.policy()).unwrap();
    town.members.values_mut().for_each(|member| member.accepted = 0);
    assert_eq!(rejected(town.say(1, &Request::Totals)), "recovering");
    for partner in 1..=4 {
        assert_eq!(town.flag(partner, &(1..=110).collect::<Vec<u8>>()), "ok");
    }
    assert_eq!(rejected(town.say(1, &Request::Totals)), "not_yet_answering");
    town.turn();
    assert_eq!(rejected(town.say(1, &Request::Totals)), "not_yet_answering", "in this quarter");
    town.now = first.plus(90).start().plus(60);
    town.broker.accept_clock(town.now).unwrap();
    assert_eq!(ask(&mut town, 1).quarter, 2);
}

#[test]
fn a_year_is_reported_once_and_when_it_is_over() {
    let mut town = Town::begin(&[]);
    let report = |town: &mut Town, partner: u8, year: u16| {
        let cells = vec![YearCell { ways: 0x02, number: 12 }, YearCell { ways: 0x1d, number: 31 }];
        town.say(partner, &Request::Year(message::Year { year, cells }))
    };
    assert_eq!(rejected(report(&mut town, 1, 2026)), "not_permitted", "it is not over");
    town.now = "2027-01-01".parse::<Day>().unwrap().start();
    town.broker.accept_clock(town.now).unwrap();
    assert_eq!(rejected(report(&mut town, 1, 2025)), "not_permitted");
    let Reply::Kept(kept) = report(&mut town, 1, 2026) else { panic!("rejected") };
    assert_eq!((kept.kept, kept.unflagged, kept.new, kept.new_left, kept.held_left), (0, 0, 0, 0, 0));
    assert_eq!(rejected(report(&mut town, 1, 2026)), "not_permitted", "a second one");
    assert_eq!(rejected(report(&mut town, 2, 2026)), "ok");
    assert_eq!(rejected(report(&mut town, 5, 2026)), "not_permitted", "the coordinator");
    town.reopen();
    town.broker.database.inspect(|state| {
        let years: Vec<_> = state.meet.years.iter().map(|(of, row)| (*of, row.cells.clone())).collect();
        let cells = vec![(0x02, 12), (0x1d, 31)];
        assert_eq!(years, [((2026, 1), cells.clone()), ((2026, 2), cells)]);
    });
}
