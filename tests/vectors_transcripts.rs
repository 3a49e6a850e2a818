//! Holds the broker to the transcripts of tests/vectors/v1/transcripts.json: it is sent what they say, and must reply
//! what they say. The partner is held to its own in src/partner/tests/transcripts.rs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stapel::message::{Code, EntryKind, NoteSlot, Post, Rejection, Reply, Role, Unverified};
use stapel::policy::{Certificate, Policy, SignedPolicy};
use stapel::secret::{SigningKey, UnsealingKey};
use stapel::talk::{ConversationId, NoteScope, Subject};
use stapel::{Broker, BrokerKeys, Digest, Timestamp};
use stapel_testkit::write_private;

use crate::vectors_messages::reply_json;
use crate::vectors_talk::note_json;

#[derive(Deserialize)]
struct File {
    operator: Operator,
    policies: BTreeMap<String, Version>,
    broker: Vec<Transcript>,
}

/// The seeds of the broker's keys.
#[derive(Deserialize)]
struct Operator {
    signing: String,
    checkpoint: String,
}

#[derive(Deserialize)]
struct Version {
    toml: String,
    digest: String,
    signatures: Vec<String>,
}

#[derive(Deserialize)]
struct Transcript {
    name: String,
    start: Start,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Start {
    policy: String,
    now: u64,
    certificates: Vec<String>,
    /// Of epoch 1.
    pepper: Option<String>,
    /// The partners' private ones.
    #[serde(default)]
    seal_keys: BTreeMap<u16, String>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "do")]
    what: String,
    now: u64,
    about: Option<String>,
    message: Option<String>,
    pieces: Option<Vec<Piece>>,
    reply: Option<Due>,
    same_as: Option<usize>,
    text: Option<String>,
    policy: Option<String>,
    certificates: Option<Vec<String>>,
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

/// What a reply must say.
#[derive(Deserialize)]
struct Due {
    kind: String,
    signed: bool,
    line: bool,
    policy: String,
    body: Map<String, Value>,
    /// What each note of a post says.
    opened: Option<Vec<Value>>,
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

impl Step {
    fn message(&self) -> Vec<u8> {
        let piece = |piece: &Piece| match piece {
            Piece::Hex(hex) => bytes(hex),
            Piece::Zeros(count) => vec![0; *count],
            Piece::Pseudonyms(first, count) => (*first..first + count).flat_map(u128::to_be_bytes).collect(),
        };
        let pieces = || self.pieces.iter().flatten().flat_map(piece).collect();
        self.message.as_deref().map_or_else(pieces, bytes)
    }
}

/// The broker of a transcript, in a folder of its own.
struct Play<'a> {
    file: &'a File,
    folder: tempfile::TempDir,
    broker: Option<Broker>,
    /// The replies, by step.
    replies: Vec<Vec<u8>>,
    seal_keys: BTreeMap<u16, UnsealingKey>,
    /// What the broker calls a conversation, and its subject, once a post told it.
    subjects: BTreeMap<ConversationId, Subject>,
}

impl Play<'_> {
    fn new<'a>(file: &'a File, Transcript { start, steps, .. }: &Transcript) -> Play<'a> {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        fs::create_dir(&keys).unwrap();
        write_private(&keys.join("signing.key"), &bytes(&file.operator.signing));
        write_private(&keys.join("checkpoint.key"), &bytes(&file.operator.checkpoint));
        if let Some(pepper) = &start.pepper {
            write_private(&keys.join("epoch-1.pepper"), &bytes(pepper));
        }
        let key = |key: &String| UnsealingKey::from_bytes(bytes(key).try_into().unwrap());
        let seal_keys = start.seal_keys.iter().map(|(partner, seed)| (*partner, key(seed))).collect();
        let mut play = Play { file, folder, broker: None, replies: Vec::new(), seal_keys, subjects: BTreeMap::new() };
        let (path, now) = (play.policy(&start.policy, &start.certificates), Timestamp(start.now));
        // In memory, which is faster, where nothing is copied.
        let broker = if steps.iter().any(|step| step.what == "copy") {
            Broker::create(&play.path("store"), play.keys(), &path, now)
        } else {
            let certificates = start.certificates.iter().map(|text| Certificate::parse(text).unwrap());
            let certificates: Vec<_> = certificates.collect();
            Broker::in_memory(play.keys(), SignedPolicy::read(&path).unwrap(), &certificates, now)
        };
        play.broker = Some(broker.unwrap());
        play
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn keys(&self) -> BrokerKeys {
        BrokerKeys::open(&self.path("keys")).unwrap()
    }

    fn broker(&self) -> &Broker {
        self.broker.as_ref().unwrap()
    }

    /// A policy's file, with signatures and certificates beside it.
    fn policy(&self, name: &str, certificates: &[String]) -> PathBuf {
        let folder = self.path(&format!("policy-{}-{name}", self.replies.len()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("policy.toml");
        write_policy(&path, &self.file.policies[name], certificates);
        path
    }

    /// Does a step; the code of the error that came of it.
    fn step(&mut self, step: &Step) -> Option<&'static str> {
        let now = Timestamp(step.now);
        let mut reply = Vec::new();
        let code = match step.what.as_str() {
            "message" => {
                let message = step.message();
                reply = self.broker().handle(&message, now);
                match (&step.reply, step.same_as) {
                    (Some(due), None) => self.check_reply(due, &message, &reply),
                    (None, Some(at)) => assert!(reply == self.replies[at], "not the reply of step {at}"),
                    _ => panic!("a message has a reply, or the same as a step"),
                }
                None
            }
            "certificate" => {
                let certificate = Certificate::parse(step.text.as_ref().unwrap()).unwrap();
                self.broker().keep_certificate(&certificate, now).err().map(|error| error.code())
            }
            "policy" | "announce" => {
                let certificates = step.certificates.as_deref().unwrap_or_default();
                let path = self.policy(step.policy.as_ref().unwrap(), certificates);
                let broker = self.broker();
                match step.what.as_str() {
                    "policy" => broker.adopt_policy(&path, now).err().map(|error| error.code()),
                    _ => broker.announce_policy(&path, now).err().map(|error| error.code()),
                }
            }
            "release" => self.broker().release(now).err().map(|error| error.code()),
            "accept_clock" => self.broker().accept_clock(now).err().map(|error| error.code()),
            "copy" => self.broker().backup(&self.path("copy"), now).err().map(|error| error.code()),
            "restore" => {
                self.broker = None;
                let (copy, store) = (self.path("copy"), self.path("restored"));
                self.broker = Some(Broker::restore(&copy, &store, self.keys(), now).unwrap());
                None
            }
            other => panic!("no broker does {other}"),
        };
        self.replies.push(reply);
        code
    }

    /// Checks all that can be said of a reply to a message (SPEC.md 4.1, 4.7 and 4.10), and what it says.
    fn check_reply(&mut self, due: &Due, message: &[u8], reply: &[u8]) {
        let unverified = Unverified::parse(reply, Role::Broker).unwrap();
        let body = unverified.danger_unsigned_rejection().map(Reply::Rejection).unwrap_or_else(|| {
            let key = SigningKey::from_seed(&bytes(&self.file.operator.signing).try_into().unwrap()).unwrap();
            unverified.verify(&key.verifying_key()).unwrap().reply().unwrap()
        });
        if let (Reply::Post(post), Some(opened)) = (&body, &due.opened) {
            let (repeated, ..) = header_fields(message);
            // Before its two numbers of eight bytes.
            let sender = &repeated[repeated.len() - 18..repeated.len() - 16];
            let receiver = u16::from_le_bytes(sender.try_into().unwrap());
            assert_eq!(&self.opened(post, receiver), opened, "what the notes say");
        }
        let (kind, told) = told(&body);
        let looked_at = |name: &String| (name.clone(), told.get(name).cloned().unwrap_or_default());
        let looked_at: Map<String, Value> = due.body.keys().map(looked_at).collect();
        assert_eq!((kind, &looked_at), (due.kind.as_str(), &due.body), "{told:?}");
        let signed = reply[reply.len() - 64..] != [0; 64];
        assert_eq!((signed, body.log_entry().is_line()), (due.signed, due.line), "is it signed, and has it a line");
        let (repeated, policy, context) = header_fields(reply);
        assert_eq!(policy, bytes(&due.policy), "the policy that it names");
        assert_eq!(context, Digest::of(&[message]).0, "the message that it replies to");
        if Unverified::parse(message, Role::Partner).is_ok() {
            assert_eq!(repeated, header_fields(message).0, "the header repeats that of the message");
        } else {
            let broker = self.broker().policy();
            let slug = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
            let names = [slug(broker.policy().consortium.as_str()), slug(broker.policy().purpose.as_str())].concat();
            assert_eq!(repeated, [names, vec![0; 4 + 16 + 2 + 8 + 8]].concat(), "the header of a reply to no message");
        }
    }
}

impl Play<'_> {
    /// What the notes of a post say to whom it is for.
    fn opened(&mut self, post: &Post, receiver: u16) -> Vec<Value> {
        for entry in &post.entries {
            if let EntryKind::Introduced { conversation, .. } = entry.told {
                self.subjects.insert(conversation, entry.subject);
            }
        }
        let broker = self.broker().policy();
        let policy = broker.policy();
        let open = |(_, slot): &(u64, NoteSlot)| {
            let scope = NoteScope {
                consortium: &policy.consortium,
                purpose: &policy.purpose,
                epoch: slot.epoch,
                subject: &self.subjects[&slot.conversation],
                began: slot.began,
                sender: slot.partner,
                receiver,
                number: slot.number,
            };
            let sender = self.seal_keys[&slot.partner].seal_key();
            note_json(&scope.open(&slot.sealed, &self.seal_keys[&receiver], &sender).unwrap())
        };
        post.notes.iter().map(open).collect()
    }
}

/// Of a message's header (SPEC.md 4.1): what a reply repeats, from the consortium to `previous`; the policy; the
/// context.
fn header_fields(message: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let mut end = 3;
    for _ in 0..2 {
        end += 8 + u64::from_le_bytes(message[end..end + 8].try_into().unwrap()) as usize;
    }
    end += 4 + 16 + 2 + 8 + 8;
    (&message[3..end], &message[end + 8..end + 40], &message[end + 40..end + 72])
}

fn told(reply: &Reply) -> (&'static str, Value) {
    match reply {
        Reply::Receipt(receipt) => (
            "receipt",
            json!({
                "release": receipt.release,
                "part": receipt.part.0,
                "parts": receipt.part.1,
                "added": receipt.added,
                "changed": receipt.changed,
                "withdrawn": receipt.withdrawn,
                "held": receipt.held,
                "renewed": receipt.renewed,
            }),
        ),
        Reply::Answer(answer) => (
            "answer",
            json!({
                "release": answer.release,
                "release_time": answer.as_of.0,
                "no_other_before": answer.until.0,
                "organisations": answer.organisations,
                "fresh": answer.fresh,
                "standings": HEXLOWER.encode(&answer.standings),
            }),
        ),
        Reply::Status(status) => (
            "status_reply",
            json!({
                "release": status.release,
                "last_state": status.accepted_state,
                "highest_state": status.highest_state,
                "highest_question": status.highest_question,
                "held": status.held,
                "full_set_due": status.full_set_required,
                "left_new_flags": status.new_flags_left,
                "left_first_sets": status.first_sets_left,
                "left_held": status.held_left,
                "left_asked_day": status.asked_left_today,
            }),
        ),
        Reply::Rejection(Rejection { code, number, .. }) => {
            ("rejection", json!({ "code": code.as_str(), "number": number }))
        }
        Reply::Kept(_) => ("kept", reply_json(reply)),
        Reply::Post(_) => ("post", reply_json(reply)),
        _ => panic!("the file has no such reply"),
    }
}

fn write_policy(path: &Path, version: &Version, certificates: &[String]) {
    fs::write(path, &version.toml).unwrap();
    assert_eq!(Policy::parse(&version.toml).unwrap().digest().to_string(), version.digest);
    for (at, signature) in version.signatures.iter().enumerate() {
        fs::write(path.with_file_name(format!("policy.toml.{at}.sig")), signature).unwrap();
    }
    for (at, certificate) in certificates.iter().enumerate() {
        fs::write(path.with_file_name(format!("{at}.cert")), certificate).unwrap();
    }
}

#[test]
fn the_broker_replies_what_the_transcripts_say() {
    let file: File = serde_json::from_str(include_str!("vectors/v1/transcripts.json")).unwrap();
    let mut wrong = Vec::new();
    for transcript in &file.broker {
        let mut play = Play::new(&file, transcript);
        for (at, step) in transcript.steps.iter().enumerate() {
            let name = format!("{}, step {at}, {}", transcript.name, step.about.as_deref().unwrap_or(&step.what));
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play.step(step)));
            match done {
                Ok(code) if code == step.error.as_deref() => {}
                Ok(code) => wrong.push(format!("{name}: {code:?}, and not {:?}", step.error)),
                Err(_) => {
                    wrong.push(name);
                    play.replies.push(Vec::new());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_among_what_the_broker_replies() {
    let file: File = serde_json::from_str(include_str!("vectors/v1/transcripts.json")).unwrap();
    let replies = file.broker.iter().flat_map(|transcript| &transcript.steps).filter_map(|step| step.reply.as_ref());
    let told: Vec<_> = replies.filter_map(|reply| reply.body.get("code").and_then(Value::as_str)).collect();
    for code in Code::ALL {
        assert!(told.contains(&code.as_str()), "{}", code.as_str());
    }
}

#[test]
fn a_conversation_is_among_them_with_each_entry_and_notes_that_open() {
    let file: File = serde_json::from_str(include_str!("vectors/v1/transcripts.json")).unwrap();
    let talks = file.broker.iter().filter(|transcript| !transcript.start.seal_keys.is_empty());
    let replies: Vec<&Due> = talks.flat_map(|one| &one.steps).filter_map(|step| step.reply.as_ref()).collect();
    let texts = |name: &str, of: &Value| -> Vec<String> {
        let all = of.as_array().into_iter().flatten().filter_map(|one| one.get(name)?.as_str().map(str::to_owned));
        all.collect()
    };
    let entries = replies.iter().filter_map(|due| due.body.get("entries"));
    let told: BTreeSet<String> = entries.flat_map(|entries| texts("told", entries)).collect();
    assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), ["asked", "introduced", "left"]);
    let opened = replies.iter().filter_map(|due| due.opened.clone()).map(Value::Array);
    let written: BTreeSet<String> = opened.flat_map(|notes| texts("type", &notes)).collect();
    for kind in ["text", "address", "decision", "outcome"] {
        assert!(written.contains(kind), "{kind}");
    }
}
