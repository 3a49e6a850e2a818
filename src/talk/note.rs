//! What a note says, in its one form of 1,048 bytes.

use std::fmt;

use crate::address::AddressKey;
use crate::codec::{Malformed, Reader, Writer, encode_variants};
use crate::codes::{codes, named};
use crate::day::{Day, Timestamp};
use crate::hidden::is_hidden;

/// The bytes of a note before it is sealed.
pub(super) const NOTE: usize = 28 + MAX_NOTE_TEXT;

/// The most bytes of a note's text in UTF-8.
pub const MAX_NOTE_TEXT: usize = 1_020;

const TEXT: u8 = 1;
const ADDRESS: u8 = 2;
const LEAD: u8 = 3;
const OUTCOME: u8 = 4;
const DECISION: u8 = 5;
const READ: u8 = 6;

/// A note between two that were introduced.
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    /// The highest number up to which the sender read all notes of the receiver in this conversation; 0 for none.
    pub received: u64,
    /// When it was written.
    pub time: Timestamp,
    /// What it says.
    pub content: NoteContent,
}

/// What a note says.
///
/// A text may have several lines, and no character that does not show. It is sent normalised: in each line, spaces and
/// tabs become one space, and those at its ends go.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteContent {
    /// What somebody wrote.
    Text(String),
    /// Which address it is about: the canonical key, and the address as it was typed.
    Address {
        /// The canonical key.
        key: String,
        /// As it was typed, in one line; empty where that is not known.
        typed: String,
    },
    /// Who leads from now on.
    Lead {
        /// One more than the highest turn that the sender knew; so at least 1.
        turn: u32,
        /// The partner that leads.
        partner: u16,
        /// What goes with it; may be empty.
        text: String,
    },
    /// How it ended.
    Outcome {
        /// How.
        outcome: Outcome,
        /// What goes with it; may be empty.
        text: String,
    },
    /// What the coordinator decided.
    Decision {
        /// One more than the highest turn that the coordinator knew; so at least 1.
        turn: u32,
        /// The partner that leads; `None` where nobody does yet.
        lead: Option<u16>,
        /// When it is looked at next.
        next: Option<Day>,
        /// What was decided.
        text: String,
    },
    /// That all was read up to [`Note::received`], where there is nothing else to say. It is shown to nobody, and no
    /// such note is sent because of one.
    Read,
}

named! {
    /// How a conversation ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum Outcome {
        /// Those introduced took it up together.
        Together => "taken_up_together",
        /// One of them took it up.
        ByOne => "taken_up_by_one",
        /// Nobody took it up.
        NotTakenUp => "not_taken_up",
        /// They looked, and found nothing.
        NothingFound => "nothing_found",
        /// A flag was wrong. It is told among those introduced alone.
        WrongSignal => "wrong_signal",
    }
}

encode_variants! {
    Outcome {
        1 => Together, 2 => ByOne, 3 => NotTakenUp, 4 => NothingFound, 5 => WrongSignal,
    }, else "an outcome is not one of the list"
}

/// A note cannot be sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteTextError {
    /// It is empty where something must be said.
    #[error("the note says nothing: write what is to be said")]
    Empty,
    /// It is longer than a note holds.
    #[error("the text has {bytes} bytes in UTF-8, and a note holds {MAX_NOTE_TEXT}: write less, or two notes")]
    TooLong {
        /// The bytes.
        bytes: usize,
    },
    /// It has a character that does not show.
    #[error("character {at} of the text does not show (it is a control or format character): take it out")]
    Hidden {
        /// Which, counted from 1.
        at: usize,
    },
    /// It is to say an address, and its key is none, or the address as it was typed has more than one line.
    #[error("the address is not a canonical key with one line beside it: give the key as the partner keeps it")]
    Address,
    /// It is to say who leads, and names nobody, or has no turn.
    #[error("who leads is a partner of the policy, in a turn from 1: take both from the conversation")]
    Lead,
}

codes! { NoteTextError { Empty | TooLong | Hidden | Address | Lead => "note_text" } }

impl Note {
    /// The 1,048 bytes.
    ///
    /// # Errors
    ///
    /// [`NoteTextError`] where the text does not fit.
    pub(super) fn encode(&self) -> Result<Vec<u8>, NoteTextError> {
        let (kind, turn, partner, outcome, day, text) = match &self.content {
            NoteContent::Text(text) => (TEXT, 0, 0, 0, 0, normalised(text)?),
            NoteContent::Address { key, typed } => {
                if AddressKey::from_canonical(key).is_err() || typed.contains('\n') {
                    return Err(NoteTextError::Address);
                }
                (ADDRESS, 0, 0, 0, 0, format!("{key}\n{}", normalised(typed)?))
            }
            NoteContent::Read => (READ, 0, 0, 0, 0, String::new()),
            NoteContent::Lead { turn: 0, .. } | NoteContent::Decision { turn: 0, .. } => {
                return Err(NoteTextError::Lead);
            }
            NoteContent::Lead { partner: 0, .. } => return Err(NoteTextError::Lead),
            NoteContent::Lead { turn, partner, text } => (LEAD, *turn, *partner, 0, 0, normalised(text)?),
            NoteContent::Outcome { outcome, text } => (OUTCOME, 0, 0, outcome.byte(), 0, normalised(text)?),
            NoteContent::Decision { turn, lead, next, text } => {
                (DECISION, *turn, lead.unwrap_or(0), 0, next.unwrap_or(Day(0)).0, normalised(text)?)
            }
        };
        if matches!(kind, TEXT | DECISION) && text.bytes().all(|byte| byte == b'\n') {
            return Err(NoteTextError::Empty);
        }
        if self.content == NoteContent::Read && self.received == 0 {
            return Err(NoteTextError::Empty);
        }
        if text.len() > MAX_NOTE_TEXT {
            return Err(NoteTextError::TooLong { bytes: text.len() });
        }
        let mut writer = Writer::with_capacity(NOTE);
        writer.u8(kind).u64(self.received).u64(self.time.0).u32(turn).u16(partner).u8(outcome).u16(day);
        writer.u16(text.len() as u16).bytes(text.as_bytes()).bytes(&vec![0; MAX_NOTE_TEXT - text.len()]);
        Ok(writer.finish())
    }

    /// Reads what [`Note::encode`] wrote, and nothing else.
    pub(super) fn decode(bytes: &[u8]) -> Result<Note, Malformed> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8()?;
        let (received, time) = (reader.u64()?, Timestamp(reader.u64()?));
        let (turn, partner, outcome, day) = (reader.u32()?, reader.u16()?, reader.u8()?, reader.u16()?);
        let length = usize::from(reader.u16()?);
        let rest = reader.take(MAX_NOTE_TEXT)?;
        reader.end()?;
        let text = rest.get(..length).ok_or(Malformed("a note's text is longer than a note holds"))?;
        let text = std::str::from_utf8(text).map_err(|_| Malformed("a note's text is not UTF-8"))?.to_owned();
        let content = match kind {
            TEXT => NoteContent::Text(text),
            ADDRESS => {
                let (key, typed) = text.split_once('\n').ok_or(Malformed("an address has no second line"))?;
                NoteContent::Address { key: key.to_owned(), typed: typed.to_owned() }
            }
            LEAD => NoteContent::Lead { turn, partner, text },
            OUTCOME => NoteContent::Outcome { outcome: Reader::new(&[outcome]).get()?, text },
            DECISION => NoteContent::Decision {
                turn,
                lead: (partner > 0).then_some(partner),
                next: (day > 0).then_some(Day(day)),
                text,
            },
            READ => NoteContent::Read,
            _ => return Err(Malformed("a note is of no known type")),
        };
        let note = Note { received, time, content };
        // One form alone: fields that the type does not have are zero, and so is what follows the text.
        match note.encode() {
            Ok(again) if again == bytes => Ok(note),
            _ => Err(Malformed("a note is not in its one form")),
        }
    }
}

impl NoteContent {
    /// What kind of note it is: the stable name that JSON has.
    pub fn as_str(&self) -> &'static str {
        match self {
            NoteContent::Text(_) => "text",
            NoteContent::Address { .. } => "address",
            NoteContent::Lead { .. } => "lead",
            NoteContent::Outcome { .. } => "outcome",
            NoteContent::Decision { .. } => "decision",
            NoteContent::Read => "read",
        }
    }

    /// An error where a note cannot say this.
    ///
    /// # Errors
    ///
    /// [`NoteTextError`].
    pub fn refuse_unfit(&self) -> Result<(), NoteTextError> {
        Note { received: 1, time: Timestamp(0), content: self.clone() }.encode().map(drop)
    }
}

impl Outcome {
    fn byte(self) -> u8 {
        let mut writer = Writer::default();
        writer.put(&self);
        writer.finish()[0]
    }
}

/// A text as a note holds it: each line normalised, as a text of a policy is.
fn normalised(text: &str) -> Result<String, NoteTextError> {
    // Counted in what was written, for whoever is to find it there.
    let is_kept = |one: char| matches!(one, '\n' | '\t' | '\r') || !is_hidden(one);
    if let Some(at) = text.chars().position(|one| !is_kept(one)) {
        return Err(NoteTextError::Hidden { at: at + 1 });
    }
    let line = |line: &str| line.split([' ', '\t', '\r']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    Ok(text.split('\n').map(line).collect::<Vec<_>>().join("\n"))
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Note(..)")
    }
}

impl fmt::Debug for NoteContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoteContent(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn note(content: NoteContent) -> Note {
        Note { received: 3, time: Timestamp(1_796_126_400), content }
    }

    #[test]
    fn each_type_comes_back_from_its_bytes_alone() {
        let text = || "Zullen we bellen?\nIk ben er tot vijf uur.".to_owned();
        let contents = [
            NoteContent::Text(text()),
            NoteContent::Address { key: "1012JS|1|A".into(), typed: "Dam 1a, Amsterdam".into() },
            NoteContent::Address { key: "1012JS|1|A".into(), typed: String::new() },
            NoteContent::Lead { turn: 2, partner: 7, text: String::new() },
            NoteContent::Outcome { outcome: Outcome::WrongSignal, text: text() },
            NoteContent::Decision { turn: 3, lead: Some(1), next: Some(Day(20_800)), text: text() },
            NoteContent::Decision { turn: 1, lead: None, next: None, text: text() },
            NoteContent::Text("Eerst dit.\n\nDan dat.".into()),
            NoteContent::Read,
        ];
        for content in contents {
            let bytes = note(content.clone()).encode().unwrap();
            assert_eq!(bytes.len(), NOTE);
            assert!(Note::decode(&bytes) == Ok(note(content)));
        }
    }

    #[test]
    fn other_bytes_are_no_note() {
        let bytes = note(NoteContent::Text("Bel mij".into())).encode().unwrap();
        let with = |at: usize, byte: u8| {
            let mut other = bytes.clone();
            other[at] = byte;
            Note::decode(&other)
        };
        // The type, the turn, the partner, the outcome, the day, the length, and what follows the text.
        for (at, byte) in
            [(0, 0), (0, 2), (0, 6), (0, 7), (17, 1), (21, 1), (23, 1), (24, 1), (26, 6), (26, 8), (1_047, 1)]
        {
            assert!(with(at, byte).is_err(), "{at} {byte}");
        }
        assert!(with(28, 0x07).is_err(), "a character that does not show");
        assert!(with(28, b' ').is_err(), "a line that begins with a space");
        assert!(with(28, 0xff).is_err(), "no UTF-8");
        assert!(with(27, 0xff).is_err(), "a length past the end");
        assert!(Note::decode(&bytes[..NOTE - 1]).is_err());
        assert!(Note::decode(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn no_invalid_note_of_the_vectors_is_one() {
        #[derive(serde::Deserialize)]
        struct File {
            notes: Vec<Row>,
            invalid_notes: Vec<Row>,
        }
        #[derive(serde::Deserialize)]
        struct Row {
            name: String,
            plain: String,
        }
        let file: File = serde_json::from_str(include_str!("../../tests/vectors/v1/talk.json")).unwrap();
        let decoded = |row: &Row| {
            let mut bytes = data_encoding::HEXLOWER.decode(row.plain.as_bytes()).unwrap();
            bytes.resize(NOTE, 0);
            Note::decode(&bytes)
        };
        assert!(file.invalid_notes.len() > 30);
        for row in &file.notes {
            assert!(decoded(row).is_ok(), "{}", row.name);
        }
        for row in &file.invalid_notes {
            assert!(decoded(row).is_err(), "{}", row.name);
        }
    }

    #[test]
    fn a_text_is_sent_normalised_line_by_line() {
        let sent = |text: &str| {
            let bytes = note(NoteContent::Text(text.into())).encode().unwrap();
            let Ok(Note { content: NoteContent::Text(text), .. }) = Note::decode(&bytes) else {
                panic!("it is a text")
            };
            text
        };
        assert_eq!(sent(" Bel \t mij.\r\n\r\n  Morgen. \n"), "Bel mij.\n\nMorgen.\n");
        let typed = NoteContent::Address { key: "1012JS|1|A".into(), typed: " Dam  1a ".into() };
        let bytes = note(typed).encode().unwrap();
        let due = NoteContent::Address { key: "1012JS|1|A".into(), typed: "Dam 1a".into() };
        assert!(Note::decode(&bytes) == Ok(note(due)));
    }

    #[test]
    fn an_address_a_lead_and_a_decision_are_whole() {
        let refused = |content| note(content).encode().err();
        let address = |key: &str, typed: &str| refused(NoteContent::Address { key: key.into(), typed: typed.into() });
        assert_eq!(address("1012JS|1", "Dam 1"), None, "a house number");
        for (key, typed) in [("", "Dam 1"), ("1012JS", ""), ("Dam 1, 1012 JS", ""), ("1012JS|1|A", "Dam 1\nDam 2")] {
            assert_eq!(address(key, typed), Some(NoteTextError::Address), "{key:?} {typed:?}");
        }
        let lead = |turn, partner| refused(NoteContent::Lead { turn, partner, text: String::new() });
        assert_eq!(lead(1, 1), None);
        assert_eq!((lead(0, 1), lead(1, 0)), (Some(NoteTextError::Lead), Some(NoteTextError::Lead)));
        let decision =
            |turn, text: &str| refused(NoteContent::Decision { turn, lead: None, next: None, text: text.into() });
        assert_eq!(decision(1, "Afgesloten."), None);
        assert_eq!((decision(0, "x"), decision(1, " ")), (Some(NoteTextError::Lead), Some(NoteTextError::Empty)));
    }

    #[test]
    fn a_note_that_all_was_read_says_nothing_else() {
        let bytes = note(NoteContent::Read).encode().unwrap();
        for (at, byte) in [(17, 1), (21, 1), (23, 1), (24, 1), (26, 1), (28, b'a')] {
            let mut other = bytes.clone();
            other[at] = byte;
            assert!(Note::decode(&other).is_err(), "{at}");
        }
        let nothing = Note { received: 0, ..note(NoteContent::Read) };
        assert!(nothing.encode().is_err() && Note::decode(&[&bytes[..1], &[0; 8], &bytes[9..]].concat()).is_err());
    }

    #[test]
    fn a_text_that_does_not_fit_is_refused_with_what_to_do() {
        let refused = |text: &str| note(NoteContent::Text(text.into())).encode().unwrap_err().to_string();
        assert!(refused(" \n").starts_with("the note says nothing"));
        assert!(refused(&"é".repeat(511)).starts_with("the text has 1022 bytes in UTF-8, and a note holds 1020"));
        assert!(refused("Ik \t  zei:\ngoed\u{202e}zo").starts_with("character 16 of the text does not show"));
        assert!(note(NoteContent::Text("é".repeat(510))).encode().is_ok());
    }

    proptest! {
        #[test]
        fn any_text_that_shows_comes_back(text in "[a-zA-Z0-9.,é€][a-zA-Z0-9 .,é€\n\t]{0,300}") {
            let bytes = note(NoteContent::Text(text.clone())).encode().unwrap();
            let again = Note::decode(&bytes).unwrap();
            prop_assert!(again == note(NoteContent::Text(normalised(&text).unwrap())));
            prop_assert_eq!(again.encode().unwrap(), bytes, "it is normalised once");
        }
    }
}
