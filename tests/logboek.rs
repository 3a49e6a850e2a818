//! Both sides' records as those of a Logboek Dataverwerkingen: they name each other's actions, and nobody.

use std::collections::HashSet;

use serde_json::Value;
use stapel::audit::{ProcessingRecord, ProcessingStatus};
use stapel::broker::LogPlace;
use stapel::partner::Processings;
use stapel::{AddressKey, Broker, Case, Digest, Partner, TraceContext};
use stapel_testkit::{ROSTER, START, broker, partner_folder, policy_text, signed, two_epochs, write_policy};

const PARTNERS: &str = "https://register.example.nl/verwerkingen/12";
const OPERATORS: &str = "https://register.broker.example/3";
const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

struct Pair {
    _folder: tempfile::TempDir,
    partner: Partner,
    broker: Broker,
}

fn by() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}

impl Pair {
    /// A partner that flagged two homes within an action of another system, delivered that, and asked about them.
    fn new() -> Pair {
        let folder = tempfile::tempdir().unwrap();
        let text = policy_text(&ROSTER[..3], &two_epochs());
        write_policy(&folder.path().join("policy.toml"), &text);
        let own = folder.path().join("own");
        partner_folder(&own, ROSTER[0].number, &folder.path().join("policy.toml"), &[1]);
        let (partner, broker) = (Partner::open(&own).unwrap(), broker(&signed(&text)));
        let mut pair = Pair { _folder: folder, partner, broker };
        let homes = ["1012JS|1|A", "1012JS|7|"].map(|text| AddressKey::from_canonical(text).unwrap());
        let within = by().within(TraceContext::parse(CALLER).unwrap());
        pair.partner.flag(homes, &within, START).unwrap();
        let messages = pair.partner.deliver(START.plus(60)).unwrap();
        pair.carry(&messages, 120);
        let questions = pair.partner.ask(homes, &by(), START.plus(180)).unwrap();
        pair.carry(&questions, 240);
        pair.partner.dossier(&homes[0], &by(), START.plus(300)).unwrap();
        pair
    }

    fn carry(&mut self, messages: &[Vec<u8>], seconds: u64) {
        for message in messages {
            let reply = self.broker.handle(message, START.plus(seconds));
            let _ = self.partner.read(&reply, START.plus(seconds)).unwrap();
        }
    }

    /// The partner's organisation, as records name it.
    fn entity(&self) -> String {
        let policy = self.partner.policy().policy();
        format!("urn:oin:{}", policy.organisation(&policy.partner(ROSTER[0].number).unwrap().organisation).unwrap().oin)
    }

    fn of_partner(&self) -> Vec<ProcessingRecord> {
        self.partner.processings(PARTNERS, Digest::NONE).unwrap()
    }

    fn of_broker(&self) -> Vec<ProcessingRecord> {
        self.broker.processings(OPERATORS, LogPlace::default()).unwrap().0
    }
}

fn names(records: &[ProcessingRecord]) -> Vec<&str> {
    records.iter().map(|record| record.name.strip_prefix("stapel.").unwrap()).collect()
}

#[test]
fn each_action_of_a_partner_is_a_record_of_its_own() {
    let pair = Pair::new();
    let records = pair.of_partner();
    assert_eq!(names(&records), ["flag", "full_set", "ask", "question", "look_up"]);
    let moments: Vec<_> = records.iter().map(|record| (record.start.0 - START.0, record.end.0 - START.0)).collect();
    assert_eq!(moments, [(0, 0), (60, 120), (180, 180), (180, 240), (300, 300)]);
    let actions: HashSet<_> = records.iter().map(|record| record.action.traceparent()).collect();
    assert_eq!(actions.len(), records.len());
    let caller = records[0].foreign_operation.as_ref().unwrap();
    assert_eq!((caller.action.traceparent().as_str(), caller.entity.clone()), (CALLER, pair.entity()));
    assert!(records[1..].iter().all(|record| record.foreign_operation.is_none()));
    let flag: Value = serde_json::from_str(&records[0].to_string()).unwrap();
    let attributes = flag["attributes"].as_array().unwrap();
    let value = |key: &str| attributes.iter().find(|pair| pair["key"] == key).map(|pair| pair["value"].clone());
    assert_eq!(value("dpl.core.processing_activity_id"), Some(PARTNERS.into()));
    assert_eq!((value("dpl.stapel.count"), value("dpl.stapel.record")), (Some(2.into()), Some(0.into())));
}

/// A rejection is the caller's fault and not the partner's, and the broker's log says of it what the partner's does.
#[test]
fn what_was_refused_is_no_error_of_the_system() {
    let pair = Pair::new();
    let question = &pair.of_partner()[3];
    assert_eq!(question.status, ProcessingStatus::Unset, "no other organisation has delivered yet");
    let text = question.to_string();
    assert!(text.contains(r#"{"key":"dpl.stapel.outcome","value":"not_yet_answering"}"#), "{text}");
}

#[test]
fn the_broker_names_a_partners_sending_as_the_partner_does() {
    let pair = Pair::new();
    let sent: Vec<_> = [1, 3].map(|at| pair.of_partner()[at].action).into();
    let broker = pair.of_broker();
    let asked_by = broker.iter().filter_map(|record| record.foreign_operation.as_ref());
    let named: Vec<_> = asked_by.map(|operation| (operation.action, operation.entity.clone())).collect();
    assert_eq!(named, [(sent[0], pair.entity()), (sent[1], pair.entity())]);
}

#[test]
fn no_record_has_an_address_a_user_a_case_or_a_person() {
    let pair = Pair::new();
    let all = pair.of_partner().into_iter().chain(pair.of_broker()).map(|record| record.to_string());
    let all = all.collect::<Vec<_>>().join("\n");
    for never in ["1012JS", "jansen", "2026-0117", "data_subject", "m.smit"] {
        assert!(!all.contains(never), "{never} is in {all}");
    }
}

#[test]
fn records_are_read_on_from_where_they_were_read() {
    let mut pair = Pair::new();
    let head = pair.partner.journal_head();
    assert_eq!(pair.partner.processings(PARTNERS, head).unwrap(), []);
    pair.partner.flag([&AddressKey::from_canonical("1012JS|9|").unwrap()], &by(), START.plus(400)).unwrap();
    assert_eq!(names(&pair.partner.processings(PARTNERS, head).unwrap()), ["flag"]);
    let unknown = pair.partner.processings(PARTNERS, Digest([9; 32])).unwrap();
    assert_eq!(names(&unknown).len(), 6, "of another journal all are given");

    let (records, place) = pair.broker.processings(OPERATORS, LogPlace::default()).unwrap();
    assert_eq!(pair.broker.processings(OPERATORS, place).unwrap(), (Vec::new(), place));
    let request = pair.partner.status(START.plus(500)).unwrap();
    pair.carry(&[request], 500);
    let (new, after) = pair.broker.processings(OPERATORS, place).unwrap();
    assert_eq!(names(&new), ["status"]);
    assert_eq!(after.lines, place.lines + 1);
    let other = LogPlace { leaf: Digest([9; 32]), ..place };
    assert_eq!(pair.broker.processings(OPERATORS, other).unwrap().0.len(), records.len() + 1, "it is of another log");
}

/// Whoever has the partner for its callers lends it for one part at a time, and what they do meanwhile comes last.
#[test]
fn a_journal_is_read_in_parts_and_each_leads_on_to_the_rest() {
    let mut pair = Pair::new();
    let home = AddressKey::from_canonical("1012JS|9|").unwrap();
    for minute in 0..600 {
        pair.partner.dossier(&home, &by(), START.plus(400 + minute)).unwrap();
    }
    let mut read = Processings::after(Digest::NONE);
    assert_eq!(read.head(), None);
    let (mut parts, mut heads) = (Vec::new(), Vec::new());
    while let Some(records) = pair.partner.next_processings(PARTNERS, &mut read).unwrap() {
        assert!(records.len() <= 256, "{}", records.len());
        if parts.is_empty() {
            pair.partner.flag([&home], &by(), START.plus(2_000)).unwrap();
        }
        parts.push(records);
        heads.push(read.head().unwrap());
    }
    let all = pair.of_partner();
    assert_eq!((parts.len(), parts.concat()), (3, all.clone()));
    assert_eq!(all.last().unwrap().name, "stapel.flag");
    let mut sent = 0;
    for (part, head) in parts.iter().zip(&heads) {
        sent += part.len();
        assert_eq!(pair.partner.processings(PARTNERS, *head).unwrap(), all[sent..]);
    }
    // A place is looked for in parts too.
    let mut read = Processings::after(heads[1]);
    for (expected, head) in [(&[][..], None), (&[][..], Some(heads[1])), (&parts[2][..], Some(heads[2]))] {
        assert_eq!(pair.partner.next_processings(PARTNERS, &mut read).unwrap().unwrap(), expected);
        assert_eq!(read.head(), head);
    }
    assert_eq!(pair.partner.next_processings(PARTNERS, &mut read).unwrap(), None);
}
