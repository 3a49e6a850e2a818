//! The folder of a partner as this version's formats write it: it opens, and answers what was done in it.
//!
//! It lies under `tests/stores/v1/partner`, keys and all. `STAPEL_KEEP_STORE=1 cargo test --test suite stores_partner`
//! makes it anew, in the commit that changes a format; from v0.1.0 on it is never written again.

use std::fs;
use std::path::{Path, PathBuf};

use stapel::message::{Kind, RenewalReason, Standing, Told};
use stapel::partner::{DossierEvent, Received, StackChange};
use stapel::{AddressKey, Case, Day, Partner, Timestamp};
use stapel_testkit::{DAY, ROSTER, START, broker, partner_folder, policy_text, secret, write_policy};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/v1/partner")
}

/// Copies the files of a folder, each for its owner only, as version control does not keep it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        fs::copy(&from, &to).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

fn homes(numbers: std::ops::Range<u32>) -> Vec<AddressKey> {
    numbers.map(|number| AddressKey::from_canonical(&format!("1012JS|{number}|A")).unwrap()).collect()
}

fn by() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}

fn day(number: u64) -> Timestamp {
    START.plus(number * DAY)
}

#[test]
fn a_partner_of_format_1_opens_and_answers() {
    if std::env::var_os("STAPEL_KEEP_STORE").is_some() {
        let new = tempfile::tempdir().unwrap();
        write(new.path());
        let _ = fs::remove_dir_all(folder());
        copy(&new.path().join("1"), &folder());
        fs::remove_file(folder().join("lock")).unwrap();
    }
    let own = tempfile::tempdir().unwrap();
    copy(&folder(), own.path());
    check(own.path());
}

#[test]
fn a_partner_that_is_written_today_answers_the_same() {
    let own = tempfile::tempdir().unwrap();
    write(own.path());
    check(&own.path().join("1"));
}

/// Opens the folder as [`write`] leaves it, and goes on with it.
fn check(own: &Path) {
    let mut partner = Partner::open(own).unwrap();
    partner.check_journal().unwrap();
    assert_eq!((partner.number(), partner.journal_length()), (1, 13));

    let flags: Vec<_> = partner.flags().copied().collect();
    assert_eq!(flags.iter().map(|flag| flag.address).collect::<Vec<_>>(), homes(2..7));
    let days = |at: usize| (flags[at].first_day.to_string(), flags[at].last_day.to_string());
    assert_eq!(days(0), ("2026-12-01".to_owned(), "2027-05-31".to_owned()), "a renewal keeps its first day");
    assert_eq!(days(1), ("2026-12-01".to_owned(), "2027-02-28".to_owned()), "it ends earlier");
    assert_eq!(partner.undelivered(), 0);

    // Two deltas, the first of which only withdraws, and a question are in flight; a status request was answered.
    let in_flight: Vec<_> = partner.in_flight().map(|message| (message.kind, message.number)).collect();
    let first = in_flight[0].1;
    assert_eq!(in_flight, [(Kind::Delta, first), (Kind::Delta, first + 1), (Kind::Question, 2)]);
    let bytes: Vec<_> = partner.in_flight().map(|message| message.bytes.to_vec()).collect();
    assert_eq!(partner.deliver(day(2)).unwrap(), bytes[..2]);
    assert_eq!(partner.ask(homes(1..4), &by(), day(2)).unwrap(), bytes[2..]);
    assert!(partner.checkpoint().is_some_and(|checkpoint| checkpoint.starts_with(b"example.nl/zaanstad\n")));
    assert_eq!(partner.brokers_policy(), None);

    let events: Vec<_> =
        partner.dossier(&homes(2..3)[0], &by(), day(2)).unwrap().into_iter().map(|entry| entry.event).collect();
    let [flagged, asked, answered, renewed, asked_again] = &events[..] else { panic!("{events:?}") };
    let last_day: Day = "2027-04-30".parse().unwrap();
    assert_eq!(*flagged, DossierEvent::Flagged { last_day });
    let last_day: Day = "2027-05-31".parse().unwrap();
    assert_eq!(*asked, DossierEvent::Asked { epoch: 1, number: 1, sweep: None });
    let two = Standing::Stacked(Told::Count(2));
    assert!(
        matches!(answered, DossierEvent::Answered { epoch: 1, number: 1, standing, .. } if *standing == two),
        "{answered:?}"
    );
    assert_eq!(*renewed, DossierEvent::Renewed { last_day, reason: RenewalReason::UnderSupervision });
    assert_eq!(*asked_again, DossierEvent::Asked { epoch: 1, number: 2, sweep: None });

    // What was told as news is not told again: 2 was, 3 was not yet stacked, and 1 is no longer flagged.
    assert_eq!(partner.news().unwrap(), []);
    // Numbers go on from where they were; those of state messages leave some out after each opening.
    for message in [first, 2] {
        let digest = partner.in_flight().find(|it| it.number == message).unwrap().digest;
        partner.give_up(digest, day(2)).unwrap();
    }
    partner.deliver(day(2)).unwrap();
    partner.ask(homes(2..4), &by(), day(2)).unwrap();
    let in_flight: Vec<_> = partner.in_flight().map(|message| (message.kind, message.number)).collect();
    let next = in_flight[0].1;
    assert!(next > first + 1, "{next}");
    assert_eq!(in_flight, [(Kind::Delta, next), (Kind::Delta, next + 1), (Kind::Question, 3)]);
}

/// Makes partner 1's folder, `1` in `own`, and has it do one of everything with a broker.
fn write(own: &Path) {
    let policy = own.join("policy.toml");
    let rules = format!(
        "version = 1\nvalid_from = 2026-12-01\n[counting]\nthreshold = 2\n[budgets]\nswept_a_day = 100\n\
         sweep_reasons = [\"brand\"]\n[[epoch]]\nnumber = 1\nkey_id = \"{}\"\n\
         opens = 2026-12-01\ncloses = 2027-11-30",
        secret(1).key_id()
    );
    write_policy(&policy, &policy_text(&ROSTER, &rules));
    let broker = broker(&stapel::SignedPolicy::read(&policy).unwrap());
    let mut partners: Vec<Partner> = ROSTER[..4]
        .iter()
        .map(|entry| {
            let folder = own.join(entry.number.to_string());
            partner_folder(&folder, entry.number, &policy, &[1]);
            Partner::open(&folder).unwrap()
        })
        .collect();
    let send = |partner: &mut Partner, messages: Vec<Vec<u8>>, now| {
        for message in messages {
            let received = partner.read(&broker.handle(&message, now), now).unwrap();
            let expected = matches!(received, Received::Receipt(_) | Received::Answer(_) | Received::Status { .. });
            assert!(expected, "{received:?}");
        }
    };
    for (partner, flagged) in partners.iter_mut().zip([1..5, 2..3, 8..9, 9..10]) {
        partner.flag(homes(flagged), &by(), START).unwrap();
        let messages = partner.deliver(START).unwrap();
        send(partner, messages, START);
    }
    let partner = &mut partners[0];
    partner.accept_clock(&by(), day(1)).unwrap();
    let messages = partner.ask(homes(2..4), &by(), day(1)).unwrap();
    send(partner, messages, day(1));
    let news: Vec<_> = partner.news().unwrap().into_iter().map(|news| news.change).collect();
    assert_eq!(news, [StackChange::NewlyStacked(Told::Count(2))]);
    let request = partner.status(day(1)).unwrap();
    send(partner, vec![request], day(1));

    partner.withdraw(homes(1..2), &by(), day(1)).unwrap();
    partner.renew(homes(2..3), RenewalReason::UnderSupervision, &by(), day(1)).unwrap();
    partner.flag_until(homes(3..4), "2027-02-28".parse().unwrap(), &by(), day(1)).unwrap();
    partner.flag(homes(5..7), &by(), day(1)).unwrap();
    partner.deliver(day(1)).unwrap();
    partner.ask(homes(1..4), &by(), day(1)).unwrap();
}
