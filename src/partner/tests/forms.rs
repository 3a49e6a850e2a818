//! The stored forms of the partner, held to bytes that are frozen as data.
//!
//! `STAPEL_KEEP_STORE=1 cargo test -p stapel --lib partner::tests::forms` writes the data anew, in the commit that
//! changes a form.

use std::collections::BTreeMap;

use super::*;
use crate::message::{Entry, EntryKind, LogEntry, NoteFate, NoteSlot, RenewalReason, YearCell};
use crate::partner::flags::{ChangedFlag, Flag, Flags, Holds, Undelivered};
use crate::partner::given::{Given, Taken, Texts};
use crate::partner::journal::{JournalBase, JournalPosition};
use crate::partner::own_lines::{OwnLine, OwnLines};
use crate::partner::record::{AnswerHead, CheckpointOutcome, NumberedMessage, ReplyRecord, Series, StatusRecord};
use crate::partner::sent::{End, MessageHead, PastMessage};
use crate::partner::source_state::{Evaluation, MadePseudonym, SourceState};
use crate::partner::state::{EpochState, LatestReceipt, LeftToday, OpenQuestion, SeenRelease, Stacked};
use crate::partner::talk::agreement::Agreement;
use crate::partner::talk::known::{CopyProgress, KnownConversation, KnownCopy, KnownNote, KnownPartner};
use crate::partner::talk::pace::MadeToday;
use crate::partner::talk::record::{
    Held, HeldBack, Introduction, PostRecord, SentCopy, SentRow, SentRows, TakenEntry, TakenNote, TalkEvent,
};
use crate::partner::talk::state::{AfterHit, Asked, OwnRow, SaidOn, SentMessage, SentReply};
use crate::pseudonym::{Pseudonym, SourceRequest};
use crate::secret::KeyId;
use crate::talk::{ConversationId, NoteContent, Outcome, SealedNote, Subject};
use crate::trace_context::TraceContext;
use data_encoding::HEXLOWER;

const FILE: &str = "tests/stores/v1/partner-forms.json";

fn log(number: u8) -> LogEntry {
    LogEntry { restored: Timestamp(9), index: number.into(), leaf: Digest([number; 32]), salt: [number; 16] }
}

fn reply(number: u8) -> ReplyRecord {
    let (bytes, origin, day) = (vec![number; 3], "a.example".to_owned(), Day(20_800));
    ReplyRecord { bytes, origin, log: log(number), went_back: true, day, told: Day(20_806) }
}

fn typed(rows: &[(AddressKey, &'static str)]) -> Texts {
    let given: Vec<_> = rows.iter().map(|(address, text)| Given::from(address).typed(text)).collect();
    Taken::of(given).typed
}

/// One record of each event. No two fields of a record have the same value.
fn records() -> Vec<(&'static str, JournalRecord)> {
    let (a, b, c) = (home("1012JS|1|A"), home("1012JS|2|"), home("1012JS|3|"));
    let standings = vec![
        Standing::BelowThreshold,
        Standing::NoOwnFlag,
        Standing::Stacked(Told::Presence),
        Standing::Stacked(Told::Band(2)),
        Standing::Stacked(Told::Count(250)),
    ];
    let answer = AnswerHead {
        epoch: 1,
        number: 2,
        release: 3,
        as_of: Timestamp(4),
        until: Timestamp(5),
        organisations: 6,
        fresh: 7,
        log: log(8),
    };
    let number = |number, kind| NumberedMessage { epoch: 1, kind, number, pseudonyms: 9 };
    let status = |checkpoint| {
        JournalEvent::Status(StatusRecord {
            epoch: 1,
            number: 47,
            release: 2,
            accepted: 3,
            highest_state: 4,
            highest_question: 5,
            full_set: true,
            checkpoint,
            proven: vec![6, 7],
            reply: reply(8),
        })
    };
    let flag = |address, renewal| Flag { address, first_day: Day(20_800), last_day: Day(20_900), renewal };
    let flagged = |renewal: Option<RenewalReason>| JournalEvent::Flagged {
        renewal,
        flags: vec![flag(a, renewal), flag(b, Some(RenewalReason::ObservedAgain))],
        typed: typed(&[(a, "Dam 1-a"), (b, "Dam 2")]),
    };
    let events = vec![
        ("flagged", flagged(None)),
        ("renewed_being_acted_on", flagged(Some(RenewalReason::BeingActedOn))),
        ("renewed_procedure_pending", flagged(Some(RenewalReason::ProcedurePending))),
        ("renewed_under_supervision", flagged(Some(RenewalReason::UnderSupervision))),
        ("withdrawn", JournalEvent::Withdrawn { homes: vec![b] }),
        (
            "replaced",
            JournalEvent::Replaced {
                shrink: true,
                added: vec![flag(a, None)],
                withdrawn: vec![b, c],
                typed: typed(&[(a, "Dam 1 A")]),
            },
        ),
        (
            "delivering",
            JournalEvent::Delivering {
                messages: vec![number(7, Kind::FullSet), number(8, Kind::Delta)],
                waiting: vec![a, c],
            },
        ),
        (
            "asking",
            JournalEvent::Asking {
                epoch: 1,
                number: 2,
                sweep: "brand".parse().ok(),
                own: true,
                addresses: vec![b, a.number_key()],
                typed: typed(&[(b, "Dam 2 te Amsterdam")]),
            },
        ),
        ("accepted", JournalEvent::Accepted { epoch: 1, number: 2, release: 3, held: 4, reply: reply(5) }),
        ("answered", JournalEvent::Answered { asking: 9, answer, standings, reply: reply(8) }),
        (
            "rejected",
            JournalEvent::Rejected {
                series: Series::Question,
                epoch: 1,
                number: 2,
                code: 3,
                detail: 4,
                reply: reply(5),
            },
        ),
        ("gave_up_state", JournalEvent::GaveUp { series: Series::State, number: 1 }),
        ("another_operator", JournalEvent::AnotherOperator { version: 1 }),
        ("gave_up_status", JournalEvent::GaveUp { series: Series::Status, number: 46 }),
        ("status_unchanged", status(CheckpointOutcome::Unchanged)),
        ("status_kept", status(CheckpointOutcome::Kept(b"kept".to_vec()))),
        ("late", JournalEvent::Late { series: Series::State, number: 1, reply: reply(2) }),
        ("status_refused", status(CheckpointOutcome::Refused(b"refused".to_vec()))),
        ("shortened", JournalEvent::Shortened { flags: vec![flag(a, None)], ended: vec![b, c] }),
        ("clock_accepted", JournalEvent::ClockAccepted),
        ("looked_up", JournalEvent::LookedUp { address: a }),
        ("news_shown", JournalEvent::NewsShown { addresses: vec![a, b] }),
        (
            "queried",
            JournalEvent::Queried(ActQuery {
                actor: Some("j.jansen".to_owned()),
                case: Some("2026-0117".to_owned()),
                address: Some(b),
                from: Some(Day(20_801)),
                to: Some(Day(20_802)),
            }),
        ),
        ("queried_all", JournalEvent::Queried(ActQuery::default())),
        ("epoch_forgotten", JournalEvent::EpochForgotten { epoch: 1, secret: true, seal: false }),
        ("pruned", JournalEvent::Pruned { records: 1, from: Timestamp(2), to: Timestamp(3), head: Digest([4; 32]) }),
    ];
    let talked = talk_events().into_iter().map(|(name, event)| (name, JournalEvent::Talk(event)));
    let events: Vec<_> = events.into_iter().chain(talked).collect();
    let served = |caller| by().through(caller).in_request("3f2b0a4e-8d0c-4a8e").unwrap();
    let traced = |case: Case| case.within(TraceContext::of(Digest([7; 32])));
    let by = |at: usize| match at % 4 {
        0 => Some(by()),
        1 => Some(served(Caller::LocalUser { uid: 1_001 })),
        2 => Some(traced(served(Caller::Loopback))),
        _ => None,
    };
    events
        .into_iter()
        .enumerate()
        .map(|(at, (name, event))| (name, JournalRecord { time: NOW, by: by(at), event }))
        .chain([("by_signed_in", Caller::SignedIn), ("by_one_user", Caller::OneUser)].map(|(name, caller)| {
            let event = JournalEvent::Queried(ActQuery::default());
            (name, JournalRecord { time: NOW, by: Some(served(caller)), event })
        }))
        .chain(["request_came", "request_answered"].map(|name| {
            let answer = RequestAnswered { day: Day(20_803), answer: RequestAnswer::Changed };
            let answered = (name == "request_answered").then_some(answer);
            let event = JournalEvent::RequestNoted { received: Day(20_801), answered };
            (name, JournalRecord { time: NOW, by: Some(served(Caller::SignedIn)), event })
        }))
        .collect()
}

/// What was done after a hit, one of each.
fn talk_events() -> Vec<(&'static str, TalkEvent)> {
    let (a, b) = (home("1012JS|1|A"), home("1012JS|2|"));
    let (subject, id) = (Subject::from_bytes([1; 16]), ConversationId::from_bytes([2; 16]));
    let content = || NoteContent::Text("Zullen we bellen?".to_owned());
    let introduction = Introduction {
        subject,
        epoch: 3,
        conversation: id,
        address: Some(a),
        partner: 4,
        day: Day(20_801),
        last_day: Day(20_815),
    };
    let fates = [NoteFate::Empty, NoteFate::Kept, NoteFate::NotIntroduced, NoteFate::OverBudget, NoteFate::TooManyWait];
    let sent = |fate| SentCopy { conversation: id, to: 5, number: 6, epoch: 7, fate };
    let note =
        |content| TakenNote { conversation: id, partner: 8, number: 9, received: 10, time: Timestamp(11), content };
    let post = PostRecord {
        number: 12,
        told: 13,
        received: 14,
        is_full: true,
        fates: fates.map(sent).to_vec(),
        left: vec![id],
        entries: vec![
            TakenEntry::Asked { address: b, subject, epoch: 15, day: Day(20_802), answer_by: Day(20_807) },
            TakenEntry::Introduced(introduction),
            TakenEntry::Left { conversation: id, partner: 16, day: Day(20_803) },
        ],
        notes: vec![note(Some(content())), note(None)],
        passed_over: 17,
        held_back: held_back(),
        expired: vec![32, 33],
        unreadable: vec![35, 36],
        strangers: vec![ConversationId::from_bytes([34; 16])],
        reply: reply(18),
    };
    let answered = |answer| {
        let agreed = (answer == AskAnswer::Join).then(|| agreed(40));
        TalkEvent::Answered { address: a, answer, agreed }
    };
    let written = |content| TalkEvent::NoteWritten { conversation: 1, content, copies: vec![(2, 3), (4, 5)] };
    let address = NoteContent::Address { key: "1012JS|1|A".to_owned(), typed: "Dam 1-a".to_owned() };
    let outcome = NoteContent::Outcome { outcome: Outcome::ByOne, text: "opgepakt".to_owned() };
    let (turn, next) = (6, Some(Day(20_830)));
    vec![
        ("put_forward", TalkEvent::PutForward { addresses: vec![a, b], agreed: agreed(41) }),
        ("took_back", TalkEvent::TookBack { addresses: vec![b] }),
        ("joined", answered(AskAnswer::Join)),
        ("not_now", answered(AskAnswer::NotNow)),
        ("review", answered(AskAnswer::Review)),
        ("text_written", written(content())),
        ("address_written", written(address)),
        ("lead_written", written(NoteContent::Lead { turn, partner: 7, text: "ik".to_owned() })),
        ("outcome_written", written(outcome)),
        ("decision_written", written(NoteContent::Decision { turn, lead: Some(8), next, text: "bellen".to_owned() })),
        ("read_written", written(NoteContent::Read)),
        ("left", TalkEvent::Left { conversation: 1 }),
        ("putting_forward", TalkEvent::PuttingForward { said: said(19) }),
        ("kept", TalkEvent::Kept { number: 1, kept: 2, unflagged: 3, left: 4, reply: reply(5) }),
        ("posted", TalkEvent::Posted { post }),
        ("totals", TalkEvent::Totals { number: 1, reply: reply(2) }),
        (
            "year_kept",
            TalkEvent::YearKept {
                number: 1,
                year: 2_026,
                cells: vec![YearCell { ways: 0x1f, number: 12 }],
                reply: reply(2),
            },
        ),
        ("shown", TalkEvent::Shown { conversations: vec![1, 2], addresses: vec![a] }),
        ("lapsed", TalkEvent::Lapsed { ended: vec![a], wider: vec![(b, vec!["huisvesting".parse().unwrap()])] }),
    ]
}

/// What waits for a certificate, one of each.
fn held_back() -> Vec<HeldBack> {
    let (conversation, subject) = (ConversationId::from_bytes([35; 16]), Subject::from_bytes([36; 16]));
    let told = EntryKind::Asked { answer_by: Day(20_818) };
    let entry = Entry { number: 37, subject, epoch: 38, day: Day(20_819), told };
    let sealed = SealedNote::from_bytes([39; 1_096]);
    let slot = NoteSlot { conversation, partner: 40, began: 41, number: 42, epoch: 43, sealed };
    vec![
        HeldBack { since: Day(20_820), record: 44, wrong: Some(Day(20_822)), held: Held::Entry(entry) },
        HeldBack { since: Day(20_821), record: 0, wrong: None, held: Held::Note(slot) },
    ]
}

/// All of a message that puts forward but its codes.
fn said(number: u64) -> SentRows {
    let row = |address, subject: u8, without: &[u16]| SentRow {
        address: home(address),
        subject: Subject::from_bytes([subject; 16]),
        without: without.to_vec(),
    };
    let rows = vec![row("1012JS|1|A", 20, &[]), row("1012JS|2|", 21, &[2])];
    let (last_day, policy, receivers) = (Day(20_816), Digest([23; 32]), vec![2, 5]);
    SentRows { epoch: 22, number, last_day, policy, receivers, coordinator: Some(5), rows }
}

/// What somebody agreed to.
fn agreed(epoch: u32) -> Agreement {
    let slug = |slug: &str| slug.parse().unwrap();
    Agreement {
        epoch,
        direct: vec![slug("belastingdienst"), slug("politie")],
        coordinator: Some(slug("coordinatiepunt")),
    }
}

/// What is known of what comes after a hit.
fn after_hit() -> AfterHit {
    let (a, subject) = (home("1012JS|1|A"), Subject::from_bytes([1; 16]));
    let progress = [
        CopyProgress::Waiting,
        CopyProgress::PutOff { day: Day(20_804), reason: PutOffReason::TooManyWait },
        CopyProgress::Kept { epoch: 2, restored: Timestamp(3) },
        CopyProgress::Read,
        CopyProgress::NotIntroduced,
    ];
    let copies = progress.map(|progress| KnownCopy { to: 4, number: 5, progress }).to_vec();
    let content = NoteContent::Text("Zullen we bellen?".to_owned());
    let introduced = KnownPartner {
        partner: 6,
        since: Day(20_805),
        last_day: Day(20_806),
        left: Some(Day(20_807)),
        written: 7,
        read: 8,
        beyond: vec![10, 12],
        said: 45,
        acknowledged: 46,
    };
    let conversation = KnownConversation {
        number: 9,
        subject,
        epoch: 10,
        id: ConversationId::from_bytes([11; 16]),
        address: Some(a),
        began: Day(20_802),
        introduced: vec![introduced],
        notes: vec![KnownNote { from: Some(12), time: Timestamp(13), came: Day(20_803), content, copies }],
        left: Some(Day(20_808)),
        left_told: Some(Timestamp(47)),
        touched: Timestamp(14),
    };
    let asked = Asked {
        address: a,
        subject,
        epoch: 14,
        day: Day(20_809),
        answer_by: Day(20_810),
        answer: Some((AskAnswer::NotNow, Day(20_811))),
    };
    let cells = vec![YearCell { ways: 0x1f, number: 29 }];
    let said_on = |day, record, restored| SaidOn { day: Day(day), record, restored: Timestamp(restored) };
    let sent = |number, rejected, record| SentMessage {
        said: said(number),
        day: Day(20_814),
        bytes: vec![29; 3],
        reply: Some(SentReply { rejected, said: said_on(20_812, record, 16) }),
    };
    AfterHit {
        rows: vec![OwnRow {
            address: a,
            since: Day(20_813),
            agreed: agreed(42),
            ended_told: true,
            wider_told: vec!["huisvesting".parse().unwrap()],
        }],
        sent: vec![sent(17, None, 15), sent(18, Some(Code::OverBudget as u8), 30)],
        all_told: Some(said_on(20_818, 31, 32)),
        room: Some((48, 18)),
        made_today: MadeToday { day: Day(20_815), restored: Timestamp(49), put_forward: true, exchanges: 50, last: 51 },
        told: 19,
        received: 20,
        held_back: held_back(),
        strangers: vec![ConversationId::from_bytes([52; 16])],
        asked: vec![asked],
        conversations: vec![conversation],
        numbered: 21,
        notes_above: 33,
        news: vec![
            TalkNews::Asked { address: a, answer_by: Day(20_817) },
            TalkNews::Introduced { conversation: 22, partner: 23 },
            TalkNews::Note { conversation: 24, partner: 25 },
            TalkNews::Decision { conversation: 26 },
            TalkNews::Left { conversation: 27, partner: 28 },
            TalkNews::RowEnded { address: a },
            TalkNews::RowWider { address: home("1012JS|2|") },
            TalkNews::NeverCertified { partner: 53 },
            TalkNews::Refused { conversation: 54, partner: 55 },
            TalkNews::Unreadable { partner: 57 },
        ],
        news_record: 56,
        years: [2_026, 2_027].map(|year| TalkYear { year, day: Day(20_816), cells: cells.clone() }).into(),
    }
}

/// What stands for records that were pruned.
fn base() -> JournalBase {
    let position = JournalPosition { records: 1, bytes: 2, head: Digest([3; 32]) };
    JournalBase { position, from: Timestamp(4), to: Timestamp(5), state: vec![6; 7] }
}

/// A state in which no two fields have the same value, as far as they can differ.
fn state() -> PartnerState {
    let head = |number: u8, kind| MessageHead {
        digest: Digest([number; 32]),
        kind,
        epoch: 1,
        key_id: KeyId([2; 16]),
        sequence: number.into(),
        previous: 4,
        release: 5,
        part: (6, 7),
        flagged: 8,
        withdrawn: 9,
        count: 10,
        sweep: "brand".parse().ok(),
        journal: Digest([11; 32]),
        first_line: 12,
        restored: Timestamp(13),
        accepted: 14,
        time: Timestamp(15),
    };
    let message = |number: u8, kind| SignedMessage {
        head: head(number, kind),
        settles: true,
        put_off: false,
        bytes: vec![number; 3],
    };
    let ends = [End::Read, End::Implied, End::Dropped];
    let past = ends.into_iter().map(|end| PastMessage { head: head(24 + end as u8, Kind::FullSet), end });
    let undelivered = |full_set: bool, delivered| Undelivered {
        full_set,
        unknown_flags: !full_set,
        holds: if full_set { Holds::Nothing } else { Holds::Unsure },
        changed: vec![ChangedFlag { address: home("1012JS|1|A"), delivered, at_number: delivered }],
    };
    let flags = |homes: Vec<AddressKey>, last_day| {
        let mut flags = Flags::default();
        let renewal = Some(RenewalReason::ObservedAgain);
        let flag = |address| (address, Some(Flag { address, first_day: Day(20_800), last_day, renewal }));
        flags.set(homes.into_iter().map(flag), |_| {});
        flags
    };
    let question = OpenQuestion {
        message: message(20, Kind::Question),
        record: 21,
        call: Digest([22; 32]),
        by: by(),
        addresses: homes(5..7),
        typed: typed(&[(home("1012JS|5|"), "Dam 5")]),
        positions: vec![1, 0],
    };
    let left = |left| {
        let mut today = LeftToday::default();
        today.set(Day(20_802), left);
        today
    };
    let epoch = EpochState {
        number: 1,
        delivered: true,
        release: 5,
        full_set: left(31),
        undelivered: undelivered(false, Some(Day(20_850))),
        once_accepted: vec![undelivered(true, None)],
    };
    let evaluation = Evaluation {
        addresses: homes(1..3),
        asked_on: Some(Day(20_803)),
        pending: b"pending".to_vec(),
        requests: vec![SourceRequest { holder: "een".to_owned(), bytes: b"request".to_vec() }],
        not_before: Some(Timestamp(32)),
    };
    let source = SourceState {
        epoch: 1,
        key_id: KeyId([33; 16]),
        profile: "nl-address/1".to_owned(),
        made: BTreeMap::from([(
            home("1012JS|4|"),
            MadePseudonym { pseudonym: Pseudonym::danger_from_remote_source([34; 16]), asked_on: None },
        )]),
        evaluations: BTreeMap::from([(31, evaluation)]),
        begun: 35,
    };
    let stacked = |number| vec![Stacked { address: home("1012JS|1|A"), number }];
    PartnerState {
        number: 7,
        journal: JournalPosition { records: 11, bytes: 12, head: Digest([13; 32]) },
        latest: Timestamp(48),
        state_used: 14,
        question_used: 15,
        status_used: 44,
        talk_used: 46,
        answering: Some(0x1f),
        accepted: 16,
        said_accepted: 43,
        lost: 17,
        made: vec![(1, 3), (7, 18)],
        flags: flags(homes(1..3), Day(20_900)),
        typed: typed(&[(home("1012JS|2|"), "Dam 2 bis")]),
        ended: flags(homes(7..9), Day(20_799)),
        epochs: vec![epoch],
        house_numbers: true,
        unknown_since: Some(Day(20_804)),
        chain: vec![message(18, Kind::Delta), message(19, Kind::Confirm)],
        questions: vec![question],
        status: Some(message(45, Kind::Status)),
        talk: Some(message(46, Kind::Exchange)),
        past: past.collect(),
        stacked: stacked(Told::Count(3)),
        stacked_record: 49,
        stacked_as_of: Timestamp(48),
        seen: Some(SeenRelease {
            read: Timestamp(49),
            epoch: 3,
            number: 5,
            as_of: Timestamp(48),
            until: Timestamp(50),
            organisations: 6,
            fresh: 4,
        }),
        reported: stacked(Told::Band(2)),
        brokers_policy: Some(Digest([25; 32])),
        checkpoint: b"checkpoint".to_vec(),
        own_lines: OwnLines {
            origin: "a.example".to_owned(),
            restored: Timestamp(39),
            next: 40,
            unproven: vec![OwnLine {
                index: 36,
                leaf: Digest([37; 32]),
                record: 38,
                day: Day(20_804),
                told: Day(20_805),
            }],
        },
        receipt: Some(LatestReceipt { log: log(41), bytes: vec![42; 3] }),
        new_flags: left(30),
        sources: vec![source],
        after_hit: after_hit(),
    }
}

#[test]
fn the_bytes_are_those_that_are_frozen() {
    let mut forms: BTreeMap<String, String> = records()
        .iter()
        .map(|(name, record)| (format!("record_{name}"), HEXLOWER.encode(&record.write(Vec::new()))))
        .collect();
    forms.insert("state".to_owned(), HEXLOWER.encode(&state().write(Vec::new())));
    forms.insert("base".to_owned(), HEXLOWER.encode(&base().write(Vec::new())));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("STAPEL_KEEP_STORE").is_some() {
        fs::write(&path, serde_json::to_string_pretty(&forms).unwrap() + "\n").unwrap();
    }
    let frozen: BTreeMap<String, String> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(forms, frozen);
}

#[test]
fn forms_are_read_back_whole_or_not_at_all() {
    let records = records().into_iter().map(|(name, record)| {
        let again = |bytes: &[u8]| JournalRecord::read(bytes).map(|record| record.write(Vec::new()));
        (name, record.write(Vec::new()), Box::new(again) as Box<dyn Fn(&[u8]) -> Result<Vec<u8>, _>>)
    });
    let again = |bytes: &[u8]| PartnerState::read(bytes).map(|state| state.write(Vec::new()));
    let base_again = |bytes: &[u8]| JournalBase::read(bytes).map(|base| base.write(Vec::new()));
    let others = [
        ("state", state().write(Vec::new()), Box::new(again) as Box<_>),
        ("base", base().write(Vec::new()), Box::new(base_again) as Box<_>),
    ];
    for (name, bytes, again) in records.chain(others) {
        assert_eq!(again(&bytes).as_ref(), Ok(&bytes), "{name}");
        for cut in 0..bytes.len() {
            assert!(again(&bytes[..cut]).is_err(), "{name} cut at {cut}");
        }
        assert!(again(&[&bytes[..], &[0]].concat()).is_err(), "{name} with a byte more");
        assert!(again(&[&[2], &bytes[1..]].concat()).is_err(), "{name} of another version");
        // Whatever a byte is changed into, what is read is what is written again, and nothing panics.
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                if let Ok(written) = again(&changed) {
                    assert_eq!(written, changed, "{name} byte {at}");
                }
            }
        }
    }
}

#[test]
fn impossible_values_are_errors() {
    let (a, b) = (home("1012JS|1|A"), home("1012JS|2|"));
    let read = |event| JournalRecord::read(&JournalRecord { time: NOW, by: None, event }.write(Vec::new()));
    for homes in [vec![b, a], vec![a, a], vec![a, a.number_key()]] {
        assert!(read(JournalEvent::Withdrawn { homes: homes.clone() }).is_err());
        let mut state = state();
        state.epochs[0].undelivered.changed =
            homes.iter().map(|home| ChangedFlag { address: *home, delivered: None, at_number: None }).collect();
        assert!(PartnerState::read(&state.write(Vec::new())).is_err());
    }
    let mut state = state();
    state.questions[0].positions.pop();
    assert!(PartnerState::read(&state.write(Vec::new())).is_err());
}
