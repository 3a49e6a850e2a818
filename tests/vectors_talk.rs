//! Holds what comes after a hit to tests/vectors/v1/talk.json: subjects, the codes of rows, and notes.
//!
//! The file was made by an implementation of its own, in Python. The reader of notes, which is not public, is held to
//! its malformed ones in src/talk/note.rs.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use stapel::secret::UnsealingKey;
use stapel::talk::{NotOpened, Note, NoteContent, NoteScope, Row, RowKey, RowScope, SealedNote, Subject};
use stapel::{Day, Digest, Pseudonym, Slug};

#[derive(Deserialize)]
struct File {
    subjects: Vec<SubjectRow>,
    rows: Vec<CodeRow>,
    notes: Vec<NoteRow>,
    not_opened: Vec<NoteRow>,
}

#[derive(Deserialize)]
struct SubjectRow {
    pseudonym: String,
    subject: String,
    pepper: String,
    conversation: String,
}

#[derive(Deserialize)]
struct CodeRow {
    consortium: Slug,
    purpose: Slug,
    epoch: u32,
    sender: u16,
    receiver: u16,
    sender_key: String,
    receiver_key: String,
    policy: String,
    about: String,
    number: u64,
    last_day: u16,
    code: String,
}

#[derive(Deserialize)]
struct NoteRow {
    name: String,
    note: Option<Value>,
    consortium: Slug,
    purpose: Slug,
    epoch: u32,
    subject: String,
    began: u32,
    sender: u16,
    receiver: u16,
    number: u64,
    sender_key: String,
    receiver_key: String,
    random: Option<String>,
    sealed: String,
}

fn file() -> File {
    serde_json::from_str(include_str!("vectors/v1/talk.json")).unwrap()
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
}

fn pseudonym(hex: &str) -> Pseudonym {
    Pseudonym::danger_from_remote_source(bytes(hex))
}

fn key(hex: &str) -> UnsealingKey {
    UnsealingKey::from_bytes(bytes(hex))
}

impl NoteRow {
    fn open(&self) -> Result<Note, NotOpened> {
        self.with_scope(|scope| {
            let sealed = SealedNote::from_bytes(bytes(&self.sealed));
            scope.open(&sealed, &key(&self.receiver_key), &key(&self.sender_key).seal_key())
        })
    }

    fn with_scope<T>(&self, run: impl FnOnce(NoteScope<'_>) -> T) -> T {
        run(NoteScope {
            consortium: &self.consortium,
            purpose: &self.purpose,
            epoch: self.epoch,
            subject: &Subject::from_bytes(bytes(&self.subject)),
            began: self.began,
            sender: self.sender,
            receiver: self.receiver,
            number: self.number,
        })
    }
}

#[test]
fn subjects_and_conversations() {
    for row in file().subjects {
        let subject = Subject::of(&pseudonym(&row.pseudonym));
        assert_eq!(HEXLOWER.encode(subject.expose_bytes()), row.subject);
        // The pepper never leaves the broker, so that this is the formula alone.
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&bytes::<32>(&row.pepper)).unwrap();
        mac.update(&[b"conversation", &subject.expose_bytes()[..]].concat());
        assert_eq!(HEXLOWER.encode(&mac.finalize().into_bytes()[..16]), row.conversation);
    }
}

#[test]
fn codes_of_rows() {
    let File { subjects, rows, .. } = file();
    assert!(rows.len() > 10);
    for (at, row) in rows.iter().enumerate() {
        let scope = RowScope {
            consortium: &row.consortium,
            purpose: &row.purpose,
            epoch: row.epoch,
            sender: row.sender,
            receiver: row.receiver,
        };
        let (sender, receiver) = (key(&row.sender_key), key(&row.receiver_key));
        let said = Row { policy: Digest(bytes(&row.policy)), number: row.number, last_day: Day(row.last_day) };
        for (own, other) in [(&sender, &receiver), (&receiver, &sender)] {
            let key = RowKey::new(own, &other.seal_key(), &scope).unwrap();
            // Towards the coordinator a code is about the subject.
            let made = match subjects.iter().find(|one| one.subject == row.about) {
                Some(one) => key.code_for_coordinator(&said, &Subject::of(&pseudonym(&one.pseudonym))),
                None => key.code(&said, &pseudonym(&row.about)),
            };
            assert_eq!(HEXLOWER.encode(made.as_bytes()), row.code, "row {at}");
        }
    }
    assert_eq!(rows.iter().filter(|row| subjects.iter().any(|one| one.subject == row.about)).count(), 1);
}

#[test]
fn notes_are_sealed_to_the_same_bytes_and_open() {
    let notes = file().notes;
    for row in &notes {
        let note = row.open().unwrap_or_else(|error| panic!("{}: {error}", row.name));
        assert_eq!(&note_json(&note), row.note.as_ref().unwrap(), "{}", row.name);
        let (own, to) = (key(&row.sender_key), key(&row.receiver_key).seal_key());
        let random = bytes(row.random.as_ref().unwrap());
        let sealed = row.with_scope(|scope| scope.seal(&note, &own, &to, &random)).unwrap();
        assert_eq!(HEXLOWER.encode(sealed.as_bytes()), row.sealed, "{}", row.name);
    }
    let types: std::collections::BTreeSet<_> =
        notes.iter().map(|row| row.note.as_ref().unwrap()["type"].as_str()).collect();
    assert_eq!(types.len(), 6, "each type of a note");
}

#[test]
fn what_was_sealed_otherwise_does_not_open() {
    let rows = file().not_opened;
    assert!(rows.len() > 15);
    for row in rows {
        assert!(row.open().is_err(), "{}", row.name);
    }
}

/// In the file's words.
pub(crate) fn note_json(note: &Note) -> Value {
    let (kind, text, turn, partner, outcome, day) = match &note.content {
        NoteContent::Text(text) => ("text", text.clone(), 0, 0, None, 0),
        NoteContent::Address { key, typed } => ("address", format!("{key}\n{typed}"), 0, 0, None, 0),
        NoteContent::Lead { turn, partner, text } => ("lead", text.clone(), *turn, *partner, None, 0),
        NoteContent::Outcome { outcome, text } => ("outcome", text.clone(), 0, 0, Some(outcome.as_str()), 0),
        NoteContent::Decision { turn, lead, next, text } => {
            ("decision", text.clone(), *turn, lead.unwrap_or(0), None, next.map_or(0, |day| day.0))
        }
        NoteContent::Read => ("read", String::new(), 0, 0, None, 0),
        _ => panic!("the file has no such note"),
    };
    json!({
        "type": kind,
        "received": note.received,
        "time": note.time.0,
        "text": text,
        "turn": turn,
        "partner": partner,
        "outcome": outcome,
        "day": day,
    })
}
