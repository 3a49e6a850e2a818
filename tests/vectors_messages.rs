//! Holds messages to tests/vectors/v1/messages.json: the valid ones say what the file says and are made again byte for
//! byte, the invalid ones are refused with the file's code.

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Value, json};
use stapel::Digest;
use stapel::message::{
    Delta, Entry, EntryKind, Exchange, FullSet, Group, Header, Kind, LineProof, LogEntry, NoteFate, NoteSlot, Part,
    PutForward, Question, Rejection, Reply, Request, Role, StatusRequest, Unverified, sign,
};
use stapel::secret::{SigningKey, VerifyingKey};

#[derive(Deserialize)]
struct File {
    keys: Keys,
    valid: Vec<Vector>,
    invalid: Vec<Vector>,
}

#[derive(Deserialize)]
struct Keys {
    partner: Key,
    broker: Key,
}

#[derive(Deserialize)]
struct Key {
    seed: String,
    public: String,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    from: String,
    hex: Option<String>,
    pieces: Option<Vec<Piece>>,
    digest: Option<String>,
    header: Option<Value>,
    body: Option<Value>,
    signed: Option<bool>,
    error: Option<String>,
}

/// A piece of a message that is too long to store.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Piece {
    Hex(String),
    Zeros(usize),
    /// The first of ascending numbers, and how many of them.
    Pseudonyms(u128, u128),
}

fn file() -> File {
    serde_json::from_str(include_str!("vectors/v1/messages.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

impl Keys {
    fn of(&self, from: &str) -> &Key {
        if from == "partner" { &self.partner } else { &self.broker }
    }
}

impl Key {
    fn signing(&self) -> SigningKey {
        SigningKey::from_seed(&bytes(&self.seed).try_into().unwrap()).unwrap()
    }

    fn verifying(&self) -> VerifyingKey {
        VerifyingKey::from_hex(&self.public).unwrap()
    }
}

impl Vector {
    fn role(&self) -> Role {
        if self.from == "partner" { Role::Partner } else { Role::Broker }
    }

    fn bytes(&self) -> Vec<u8> {
        if let Some(hex) = &self.hex {
            return bytes(hex);
        }
        let piece = |piece: &Piece| match piece {
            Piece::Hex(hex) => bytes(hex),
            Piece::Zeros(count) => vec![0; *count],
            Piece::Pseudonyms(first, count) => (*first..first + count).flat_map(u128::to_be_bytes).collect(),
        };
        let bytes: Vec<u8> = self.pieces.iter().flatten().flat_map(piece).collect();
        assert_eq!(self.digest, Some(Digest::of(&[&bytes]).to_string()), "{}: the pieces", self.name);
        bytes
    }
}

/// Reads a message to its end, and makes it again from what was read.
fn read(bytes: &[u8], role: Role, key: &Key) -> Result<(Header, Value, Vec<u8>), stapel::Error> {
    let verified = Unverified::parse(bytes, role)?.verify(&key.verifying())?;
    assert_eq!(verified.digest(), Digest::of(&[bytes]));
    let header = verified.header().clone();
    let (kind, told, body) = match role {
        Role::Partner => {
            let request = verified.request()?;
            (request.kind(), request_json(&request), request.encode()?)
        }
        Role::Broker => {
            let reply = verified.reply()?;
            (reply.kind(), reply_json(&reply), reply.encode()?)
        }
    };
    assert_eq!(kind, header.kind);
    let again = sign(&header, &body, &key.signing())?;
    Ok((header, told, again))
}

#[test]
fn the_valid_are_read_and_made_again() {
    let File { keys, valid, .. } = file();
    for vector in valid.iter().filter(|vector| vector.signed != Some(false)) {
        let bytes = vector.bytes();
        let (header, body, again) = read(&bytes, vector.role(), keys.of(&vector.from)).unwrap();
        assert!(again == bytes, "{}: encodes to other bytes", vector.name);
        if let Some(due) = &vector.header {
            assert_eq!(&header_json(&header), due, "{}", vector.name);
            assert_eq!(&body, vector.body.as_ref().unwrap(), "{}", vector.name);
            assert_eq!(vector.digest, Some(Digest::of(&[&bytes]).to_string()), "{}", vector.name);
        }
    }
}

#[test]
fn every_kind_is_among_the_valid() {
    let mut kinds: Vec<Kind> = Vec::new();
    let File { valid, .. } = file();
    for vector in &valid {
        let bytes = vector.bytes();
        kinds.push(Kind::try_from(bytes[2]).unwrap());
    }
    let all = (0..=255).filter_map(|byte| Kind::try_from(byte).ok()).collect::<Vec<_>>();
    assert_eq!(all.len(), 16);
    assert!(all.iter().all(|kind| kinds.contains(kind)));
}

#[test]
fn the_unsigned_rejections_are_hints() {
    let File { keys, valid, .. } = file();
    let unsigned: Vec<_> = valid.iter().filter(|vector| vector.signed == Some(false)).collect();
    assert_eq!(unsigned.len(), 5);
    for vector in unsigned {
        let bytes = vector.bytes();
        let hint = Unverified::parse(&bytes, Role::Broker).unwrap().danger_unsigned_rejection().unwrap();
        assert_eq!(&rejection_json(&hint), vector.body.as_ref().unwrap(), "{}", vector.name);
        let code = read(&bytes, Role::Broker, &keys.broker).unwrap_err().code();
        assert_eq!(code, "bad_signature", "{}", vector.name);
    }
}

#[test]
fn the_invalid_are_refused_with_their_code() {
    let File { keys, invalid, .. } = file();
    let mut codes = std::collections::BTreeMap::new();
    for vector in &invalid {
        let found = read(&vector.bytes(), vector.role(), keys.of(&vector.from)).map(|_| ()).map_err(|e| e.code());
        assert_eq!(found.err(), vector.error.as_deref(), "{}", vector.name);
        *codes.entry(found.unwrap_err()).or_insert(0) += 1;
    }
    assert_eq!(codes.keys().copied().collect::<Vec<_>>(), ["bad_signature", "malformed", "too_large"]);
    assert_eq!(codes.values().sum::<usize>(), invalid.len());
}

/// Every bit of a message of each kind, turned: nothing is ever accepted.
#[test]
fn no_turned_bit_is_accepted() {
    let File { keys, valid, .. } = file();
    let mut kinds = std::collections::BTreeSet::new();
    for vector in valid.iter().filter(|vector| vector.header.is_some() && vector.signed != Some(false)) {
        let bytes = vector.bytes();
        if !kinds.insert(bytes[2]) {
            continue;
        }
        let key = keys.of(&vector.from);
        for at in 0..bytes.len() {
            // Of a long one a bit of each byte, for the time that it takes.
            let bits = if bytes.len() > 2_000 { at % 8..at % 8 + 1 } else { 0..8 };
            for bit in bits {
                let mut turned = bytes.clone();
                turned[at] ^= 1 << bit;
                assert!(read(&turned, vector.role(), key).is_err(), "{}: byte {at} bit {bit}", vector.name);
            }
            assert!(read(&bytes[..at], vector.role(), key).is_err(), "{}: cut to {at}", vector.name);
        }
    }
    assert_eq!(kinds.len(), 16);
}

// As JSON, in the file's words.

fn header_json(header: &Header) -> Value {
    let kind = match header.kind {
        Kind::Delta => "delta",
        Kind::FullSet => "full_set",
        Kind::Confirm => "confirm",
        Kind::Question => "question",
        Kind::Status => "status",
        Kind::Receipt => "receipt",
        Kind::Answer => "answer",
        Kind::StatusReply => "status_reply",
        Kind::Rejection => "rejection",
        Kind::PutForward => "put_forward",
        Kind::Exchange => "exchange",
        Kind::TotalsRequest => "totals_request",
        Kind::Year => "year",
        Kind::Kept => "kept",
        Kind::Post => "post",
        Kind::Totals => "totals",
        _ => panic!("the file has no such kind"),
    };
    json!({
        "kind": kind,
        "consortium": header.consortium.as_str(),
        "purpose": header.purpose.as_str(),
        "epoch": header.epoch,
        "key_id": header.key_id.to_string(),
        "partner": header.partner,
        "sequence": header.sequence,
        "previous": header.previous,
        "time": header.time.0,
        "policy": header.policy.to_string(),
        "context": header.context.to_string(),
    })
}

fn request_json(request: &Request<'_>) -> Value {
    match request {
        Request::Delta(Delta { flagged, withdrawn }) => {
            json!({"groups": groups_json(flagged), "withdrawn": rows_json(withdrawn)})
        }
        Request::FullSet(FullSet { shrink, part: Part { number, of }, flagged }) => json!({
            "shrink": shrink, "part": number, "parts": of, "groups": groups_json(flagged),
        }),
        Request::Confirm => json!({}),
        Request::Question(Question { sweep, pseudonyms }) => {
            json!({"pseudonyms": rows_json(pseudonyms), "sweep": sweep.as_ref().map(|reason| reason.as_str())})
        }
        Request::Status(StatusRequest { tree_size, lines, receipt }) => {
            json!({"tree_size": tree_size, "lines": lines, "receipt": hex(receipt)})
        }
        Request::PutForward(said) => put_forward_json(said),
        Request::Exchange(Exchange { told, received, left, notes }) => json!({
            "told": told,
            "received": received,
            "left": left.iter().map(|one| hex(one.as_bytes())).collect::<Value>(),
            "notes": notes.iter().map(slot_json).collect::<Value>(),
        }),
        Request::Totals => json!({}),
        Request::Year(year) => {
            let cells = year.cells.iter().map(|cell| json!({"ways": cell.ways, "number": cell.number}));
            json!({"year": year.year, "cells": cells.collect::<Value>()})
        }
        _ => panic!("the file has no such request"),
    }
}

fn put_forward_json(said: &PutForward<'_>) -> Value {
    let rows = said.rows().map(|row| {
        let codes = row.codes().map(|code| hex(code.as_bytes())).collect::<Value>();
        json!({"pseudonym": hex(row.pseudonym.expose_bytes()), "codes": codes})
    });
    json!({"last_day": said.last_day.0, "receivers": said.receivers, "rows": rows.collect::<Value>()})
}

fn slot_json(slot: &NoteSlot) -> Value {
    json!({
        "conversation": hex(slot.conversation.as_bytes()),
        "partner": slot.partner,
        "began": slot.began,
        "number": slot.number,
        "epoch": slot.epoch,
        "sealed": hex(slot.sealed.as_bytes()),
    })
}

fn groups_json(groups: &[Group<'_>]) -> Value {
    let group_json = |Group { terms, pseudonyms }: &Group<'_>| {
        json!({
            "last_day": terms.last_day.0,
            "first_day": terms.first_day.0,
            "renewal": terms.renewal.map(|reason| reason.as_str()),
            "house_number": terms.house_number,
            "pseudonyms": rows_json(pseudonyms),
        })
    };
    groups.iter().map(group_json).collect()
}

fn rows_json(rows: &[stapel::Pseudonym]) -> Value {
    rows.iter().map(|row| hex(row.expose_bytes())).collect()
}

pub(crate) fn reply_json(reply: &Reply) -> Value {
    match reply {
        Reply::Receipt(receipt) => json!({
            "log": log_json(&receipt.log),
            "release": receipt.release,
            "part": receipt.part.0,
            "parts": receipt.part.1,
            "added": receipt.added,
            "changed": receipt.changed,
            "withdrawn": receipt.withdrawn,
            "held": receipt.held,
            "renewed": receipt.renewed,
        }),
        Reply::Answer(answer) => json!({
            "log": log_json(&answer.log),
            "release": answer.release,
            "release_time": answer.as_of.0,
            "no_other_before": answer.until.0,
            "organisations": answer.organisations,
            "fresh": answer.fresh,
            "standings": hex(&answer.standings),
        }),
        Reply::Status(status) => json!({
            "log": log_json(&status.log),
            "release": status.release,
            "release_time": status.as_of.0,
            "no_other_before": status.until.0,
            "last_state": status.accepted_state,
            "highest_state": status.highest_state,
            "highest_question": status.highest_question,
            "held": status.held,
            "full_set_due": status.full_set_required,
            "left_new_flags": status.new_flags_left,
            "left_first_sets": status.first_sets_left,
            "left_held": status.held_left,
            "left_asked_day": status.asked_left_today,
            "left_asked_epoch": status.asked_left_epoch,
            "left_swept": status.swept_left_today,
            "left_status": status.status_left_today,
            "checkpoint": hex(&status.checkpoint),
            "proof": hashes_json(&status.consistency),
            "lines": status.lines.iter().map(line_json).collect::<Value>(),
        }),
        Reply::Rejection(rejection) => rejection_json(rejection),
        Reply::Kept(kept) => json!({
            "log": log_json(&kept.log),
            "kept": kept.kept,
            "unflagged": kept.unflagged,
            "new": kept.new,
            "left_new": kept.new_left,
            "left_held": kept.held_left,
        }),
        Reply::Post(post) => json!({
            "log": log_json(&post.log),
            "sent": post.sent.map(fate),
            "more": post.more,
            "entries": post.entries.iter().map(entry_json).collect::<Value>(),
            "notes": post.notes.iter().map(|(number, slot)| json!({"number": number, "note": slot_json(slot)}))
                .collect::<Value>(),
        }),
        Reply::Totals(totals) => {
            let cells = totals.cells.iter();
            let cells = cells.map(|cell| json!({"lowest": cell.from, "highest": cell.to, "number": cell.number}));
            json!({
                "log": log_json(&totals.log),
                "release": totals.release,
                "release_time": totals.as_of.0,
                "year": totals.year,
                "quarter": totals.quarter,
                "flags": totals.flags,
                "cells": cells.collect::<Value>(),
            })
        }
        _ => panic!("the file has no such reply"),
    }
}

fn fate(fate: NoteFate) -> &'static str {
    match fate {
        NoteFate::Empty => "empty",
        NoteFate::Kept => "kept",
        NoteFate::NotIntroduced => "not_introduced",
        NoteFate::OverBudget => "over_budget",
        NoteFate::TooManyWait => "too_many_wait",
        _ => panic!("the file has no such fate"),
    }
}

fn entry_json(entry: &Entry) -> Value {
    let none = [0; 16];
    let (told, conversation, until, partner, row, own_row, code) = match &entry.told {
        EntryKind::Asked { answer_by } => ("asked", &none, answer_by.0, 0, 0, 0, &none),
        EntryKind::Introduced { conversation, partner, last_day, row, own_row, code } => {
            ("introduced", conversation.as_bytes(), last_day.0, *partner, *row, *own_row, code.as_bytes())
        }
        EntryKind::Left { conversation, partner } => ("left", conversation.as_bytes(), 0, *partner, 0, 0, &none),
        _ => panic!("the file has no such entry"),
    };
    json!({
        "number": entry.number,
        "told": told,
        "subject": hex(entry.subject.expose_bytes()),
        "conversation": hex(conversation),
        "epoch": entry.epoch,
        "day": entry.day.0,
        "until": until,
        "partner": partner,
        "row": row,
        "own_row": own_row,
        "code": hex(code),
    })
}

fn rejection_json(rejection: &Rejection) -> Value {
    json!({
        "log": log_json(&rejection.log),
        "code": rejection.code.as_str(),
        "number": rejection.number,
        "text": rejection.sentence,
    })
}

fn log_json(log: &LogEntry) -> Value {
    if *log == LogEntry::NONE {
        return Value::Null;
    }
    json!({"restored": log.restored.0, "line": log.index, "leaf": log.leaf.to_string(), "salt": hex(&log.salt)})
}

fn line_json(line: &LineProof) -> Value {
    json!({"line": line.index, "path": hashes_json(&line.path)})
}

fn hashes_json(hashes: &[Digest]) -> Value {
    hashes.iter().map(Digest::to_string).collect()
}
