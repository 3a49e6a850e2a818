//! Holds the partner to the transcripts of tests/vectors/v1/transcripts.json, which the reference partner made.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::Error;
use crate::audit::UnverifiedCheckpoint;
use crate::message::RenewalReason;
use crate::partner::given::Given;
use crate::secret::{SecretFile, SecretPart};

thread_local! {
    static NO_JOURNAL: Cell<bool> = const { Cell::new(false) };
}

/// Whether messages name no journal, as those of a partner without one. No two journals are the same, since what is in
/// them is sealed.
pub(in crate::partner) fn names_no_journal() -> bool {
    NO_JOURNAL.get()
}

#[derive(Deserialize)]
struct File {
    policies: BTreeMap<String, Version>,
    partner: Vec<Transcript>,
}

#[derive(Deserialize)]
struct Version {
    toml: String,
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
    partner: u16,
    seed: String,
    certificates: Vec<String>,
    secrets: Vec<String>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "do")]
    what: String,
    now: u64,
    about: Option<String>,
    #[serde(default)]
    homes: Vec<String>,
    #[serde(default)]
    looked_up: bool,
    until: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    shrink: bool,
    sweep: Option<String>,
    message: Option<String>,
    reply: Option<String>,
    pieces: Option<Vec<Piece>>,
    text: Option<String>,
    seed: Option<String>,
    texts: Option<Vec<String>>,
    policies: Option<Vec<String>>,
    messages: Option<Vec<String>>,
    told: Option<Value>,
    error: Option<String>,
    kept: Value,
}

/// A piece of a reply that is too long to store.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Piece {
    Hex(String),
    Zeros(usize),
}

/// What came of a step.
#[derive(Default)]
struct Done {
    messages: Option<Vec<Vec<u8>>>,
    told: Option<Value>,
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

struct Player<'a> {
    file: &'a File,
    folder: TempDir,
    /// None only while it is opened again.
    partner: Option<Partner>,
    written: usize,
    /// What it kept after the step before.
    kept: Value,
}

impl Player<'_> {
    fn new<'a>(file: &'a File, start: &Start) -> Player<'a> {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        fs::create_dir(&own).unwrap();
        files::create_private(&own.join("partner.key"), &bytes(&start.seed)).unwrap();
        Partner::init(&own, start.partner).unwrap();
        Partner::join(&own, &write_policy(&folder.path().join("policy"), &file.policies[&start.policy])).unwrap();
        let mut partner = Partner::open(&own).unwrap();
        // The transcripts name each number.
        partner.left_out = 0;
        let mut player = Player { file, folder, partner: Some(partner), written: 0, kept: Value::Null };
        for text in &start.certificates {
            let path = player.write(text);
            player.partner().add_certificate(&path).unwrap();
        }
        for text in &start.secrets {
            let path = player.write(text);
            player.partner().add_secret(&path).unwrap();
        }
        player.kept = player.kept();
        player
    }

    fn partner(&mut self) -> &mut Partner {
        self.partner.as_mut().unwrap()
    }

    fn vacant(&mut self) -> PathBuf {
        self.written += 1;
        self.folder.path().join(self.written.to_string())
    }

    /// A text as a file.
    fn write(&mut self, text: &str) -> PathBuf {
        let path = self.vacant();
        files::create_private(&path, text.as_bytes()).unwrap();
        path
    }

    /// A policy's file with its signatures.
    fn policy(&mut self, name: &str) -> PathBuf {
        let folder = self.vacant();
        write_policy(&folder, &self.file.policies[name])
    }

    fn step(&mut self, step: &Step) -> Result<Done, Error> {
        let given = |text: &String| {
            let home = Given::from(home(text));
            if step.looked_up { home.resolved() } else { home }
        };
        let homes: Vec<_> = step.homes.iter().map(given).collect();
        let (now, homes) = (Timestamp(step.now), homes.as_slice());
        let partner = self.partner();
        let mut done = Done::default();
        match step.what.as_str() {
            "flag" => match &step.until {
                Some(day) => drop(partner.flag_until(homes, day.parse().unwrap(), &by(), now)?),
                None => drop(partner.flag(homes, &by(), now)?),
            },
            "renew" => {
                let reasons = RenewalReason::ALL.into_iter();
                let reason = reasons.into_iter().find(|one| Some(one.as_str()) == step.reason.as_deref()).unwrap();
                partner.renew(homes, reason, &by(), now)?;
            }
            "withdraw" => drop(partner.withdraw(homes, &by(), now)?),
            "replace_all" => drop(partner.replace_all(homes, step.shrink, &by(), now)?),
            "accept_clock" => drop(partner.accept_clock(&by(), now)?),
            "give_up" => {
                let digest = bytes(step.message.as_ref().unwrap());
                partner.give_up(Digest(digest.try_into().unwrap()), now)?;
            }
            "policy" => {
                let paths: Vec<PathBuf> = step.policies.iter().flatten().map(|name| self.policy(name)).collect();
                self.partner().adopt_policies(&paths, now)?;
            }
            "certificate" => {
                let path = self.write(step.text.as_ref().unwrap());
                self.partner().add_certificate(&path)?;
            }
            "message_key" => {
                self.partner = None;
                let own = self.folder.path().join("own");
                fs::remove_file(own.join("partner.key")).unwrap();
                files::create_private(&own.join("partner.key"), &bytes(step.seed.as_ref().unwrap())).unwrap();
                self.partner = Some(Partner { left_out: 0, ..Partner::open(&own)? });
            }
            "secret" => {
                let path = self.write(step.text.as_ref().unwrap());
                self.partner().add_secret(&path)?;
            }
            "parts" => {
                let paths: Vec<PathBuf> = step.texts.iter().flatten().map(|text| self.write(text)).collect();
                let parts = paths.iter().map(|path| SecretPart::read(path)).collect::<Result<Vec<_>, _>>()?;
                let whole = SecretFile::join(&parts)?;
                let path = self.vacant();
                whole.create(&path)?;
                self.partner().add_secret(&path)?;
            }
            "deliver" => done.messages = Some(partner.deliver(now)?),
            "confirm" => done.messages = Some(partner.confirm(now)?),
            "status" => done.messages = Some(vec![partner.status(now)?]),
            "ask" => {
                done.messages = Some(match &step.sweep {
                    Some(reason) => partner.sweep(homes, &reason.parse().unwrap(), &by(), now)?,
                    None => partner.ask(homes, &by(), now)?,
                });
            }
            "read" => {
                let reply = step.reply();
                done.told = Some(told(&partner.read(&reply, now)?));
            }
            other => panic!("no partner does {other}"),
        }
        Ok(done)
    }
}

impl Step {
    fn reply(&self) -> Vec<u8> {
        let piece = |piece: &Piece| match piece {
            Piece::Hex(hex) => bytes(hex),
            Piece::Zeros(count) => vec![0; *count],
        };
        let pieces = || self.pieces.iter().flatten().flat_map(piece).collect();
        self.reply.as_deref().map_or_else(pieces, bytes)
    }
}

fn write_policy(folder: &Path, version: &Version) -> PathBuf {
    fs::create_dir(folder).unwrap();
    let path = folder.join("policy.toml");
    fs::write(&path, &version.toml).unwrap();
    for (at, signature) in version.signatures.iter().enumerate() {
        fs::write(folder.join(format!("policy.toml.{at}.sig")), signature).unwrap();
    }
    path
}

/// What a reply was taken for, in the file's words.
fn told(received: &Received) -> Value {
    let rejection = |kind: &str, why: &Rejection| {
        let (code, number) = (why.code.as_str(), why.number);
        json!({ "kind": kind, "code": code, "number": number })
    };
    match received {
        Received::Receipt(_) => json!({ "kind": "receipt" }),
        Received::Kept(_) => json!({ "kind": "kept" }),
        Received::Posted(_) => json!({ "kind": "post" }),
        Received::Totals(_) => json!({ "kind": "totals" }),
        Received::Status { .. } => json!({ "kind": "status_reply" }),
        Received::Hint(hint) => rejection("hint", hint),
        Received::Late(late) => rejection("late", late),
        Received::Answer(answer) => {
            let byte = |standing: &Standing| match standing {
                Standing::BelowThreshold => 0,
                Standing::NoOwnFlag => 1,
                Standing::Stacked(Told::Count(count) | Told::Band(count)) => *count,
                Standing::Stacked(_) => 255,
            };
            let rows = answer.rows.iter().map(|(home, standing)| (home.to_string(), byte(standing)));
            json!({ "kind": "answer", "standings": rows.collect::<BTreeMap<_, _>>() })
        }
        Received::Rejection { rejection: why, next } => {
            let mut told = rejection("rejection", why);
            told["next"] = match next {
                Next::Again => "again",
                Next::Resend => "resend",
                Next::FetchPolicy => "fetch_policy",
                Next::Wait => "wait",
                Next::DeclareShrink => "declare_shrink",
                Next::Renew => "renew",
                Next::End => "end",
                Next::SetClock => "set_clock",
                Next::AskCoordinator => "ask_coordinator",
            }
            .into();
            told
        }
    }
}

impl Player<'_> {
    /// What the partner keeps, in the file's words.
    fn kept(&self) -> Value {
        let partner = self.partner.as_ref().unwrap();
        let state = partner.data.state();
        let kind = |kind: Kind| match kind {
            Kind::Delta => "delta",
            Kind::FullSet => "full_set",
            Kind::Confirm => "confirm",
            Kind::Question => "question",
            Kind::Status => "status",
            other => panic!("no partner makes a {other:?}"),
        };
        let flag = |flag: &Flag| {
            let renewal = flag.renewal.map(|reason| reason.as_str());
            (flag.address.to_string(), json!([flag.first_day.to_string(), flag.last_day.to_string(), renewal]))
        };
        let flying = state.messages().map(|one| json!([kind(one.head.kind), one.head.epoch, one.head.sequence]));
        let standing = partner.flags().filter(|flag| flag.last_day >= state.latest.day());
        let full_set = state.epochs.iter().filter(|epoch| epoch.delivered && epoch.undelivered.full_set);
        let released = state.epochs.iter().filter(|epoch| epoch.release > 0);
        let checkpoint = UnverifiedCheckpoint::parse(&state.checkpoint).map_or(0, |kept| kept.claimed_size());
        let mut complaints: Vec<_> = partner.complaints().unwrap().iter().map(|one| one.code).collect();
        complaints.sort_unstable();
        let mut full_set: Vec<u32> = full_set.map(|epoch| epoch.number).collect();
        full_set.sort_unstable();
        json!({
            "numbers": [state.state_used, state.question_used, state.status_used],
            "accepted": state.accepted,
            "in_flight": flying.collect::<Vec<_>>(),
            "flags": standing.map(flag).collect::<BTreeMap<_, _>>(),
            "full_set": full_set,
            "releases": released.map(|one| (one.number.to_string(), one.release)).collect::<BTreeMap<_, _>>(),
            "restored": state.own_lines.restored.0,
            "broker_policy": state.brokers_policy.map(|digest| digest.to_string()),
            "answering": state.answering,
            "unproven": state.own_lines.unproven.iter().map(|line| line.index).collect::<Vec<_>>(),
            "checkpoint": checkpoint,
            "complaints": complaints,
            "secrets": partner.epochs().collect::<Vec<_>>(),
        })
    }

    /// Does a step, and checks what came of it and what is kept then: what is wrong.
    fn play(&mut self, step: &Step) -> Option<String> {
        let done = self.step(step);
        let (code, done) = match done {
            Ok(done) => (None, done),
            Err(error) => (Some(error.code()), Done::default()),
        };
        if code != step.error.as_deref() {
            return Some(format!("{code:?}, and not {:?}", step.error));
        }
        let due: Option<Vec<_>> = step.messages.as_ref().map(|all| all.iter().map(|one| bytes(one)).collect());
        if done.messages != due {
            let shown = |messages: &Option<Vec<Vec<u8>>>| messages.iter().flatten().map(|one| shown(one)).collect();
            let (made, due): (Vec<String>, Vec<String>) = (shown(&done.messages), shown(&due));
            return Some(format!("other messages:\n  {made:?}, and not\n  {due:?}"));
        }
        if done.told != step.told {
            return Some(format!("told {:?}, and not {:?}", done.told, step.told));
        }
        // What a step does not name is as it was.
        let mut due = self.kept.clone();
        for (name, value) in step.kept.as_object().unwrap() {
            due[name] = value.clone();
        }
        self.kept = self.kept();
        let differs = |name: &&String| self.kept[name.as_str()] != due[name.as_str()];
        let wrong: Vec<_> = due.as_object().unwrap().keys().filter(differs).collect();
        let told = |name: &&String| format!("{name} is {}, and not {}", self.kept[name.as_str()], due[name.as_str()]);
        (!wrong.is_empty()).then(|| wrong.iter().map(told).collect::<Vec<_>>().join("; "))
    }
}

/// A message for whoever looks for what is wrong.
fn shown(message: &[u8]) -> String {
    let unverified = message::Unverified::parse(message, message::Role::Partner).unwrap();
    let kind = Kind::try_from(message[2]).unwrap();
    format!("{kind:?} of partner {}: {}", unverified.claimed_partner(), HEXLOWER.encode(&message[..message.len() - 64]))
}

#[test]
fn the_partner_does_what_the_transcripts_say() {
    let file: File = serde_json::from_str(include_str!("../../../tests/vectors/v1/transcripts.json")).unwrap();
    // Most of the time it waits for the disk.
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = file.partner.chunks(8).map(|some| scope.spawn(|| played(&file, some))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), file.partner.len(), wrong.join("\n"));
}

/// Plays transcripts: what is wrong.
fn played(file: &File, transcripts: &[Transcript]) -> Vec<String> {
    NO_JOURNAL.set(true);
    let mut wrong = Vec::new();
    for transcript in transcripts {
        let mut player = Player::new(file, &transcript.start);
        for (at, step) in transcript.steps.iter().enumerate() {
            if let Some(finding) = player.play(step) {
                let about = step.about.as_deref().unwrap_or_default();
                wrong.push(format!("{}, step {at}, {} {about}: {finding}", transcript.name, step.what));
                break;
            }
        }
    }
    wrong
}

#[test]
fn every_code_has_a_remedy_and_every_check_refuses_among_the_transcripts() {
    let file: File = serde_json::from_str(include_str!("../../../tests/vectors/v1/transcripts.json")).unwrap();
    let steps = || file.partner.iter().flat_map(|transcript| &transcript.steps);
    let is_rejected = |told: &&Value, code: Code| told["kind"] == "rejection" && told["code"] == code.as_str();
    for code in Code::ALL {
        let told = steps().filter_map(|step| step.told.as_ref()).find(|told| is_rejected(told, code));
        // No message of a partner's gets a signed rejection with one of the others.
        let is_signed = [Kind::FullSet, Kind::Delta, Kind::Question].into_iter().any(|kind| code.rejects(kind));
        assert_eq!(told.is_some(), is_signed, "{}", code.as_str());
    }
    let read: Vec<_> = steps().filter(|step| step.what == "read").collect();
    for number in 1..=9 {
        let about = format!("step {number}: ");
        assert!(read.iter().any(|step| step.about.as_ref().is_some_and(|said| said.starts_with(&about))), "{about}");
    }
    for code in ["malformed", "too_large", "bad_signature", "unexpected_reply"] {
        assert!(read.iter().any(|step| step.error.as_deref() == Some(code)), "{code}");
    }
}
