//! The outbox: a folder of messages to be carried to the broker, in which the replies may be put beside them.
//!
//! A message's name says its series and number there, so the same message always has the same name, and by name they
//! are in the order in which the broker must get them: deliveries first.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stapel::message::Kind;
use stapel::partner::{InFlight, Partner};

use crate::failure::Failure;
use crate::files;
use crate::output::Output;

/// A folder of messages to be carried, and of the replies that were put beside them.
pub(super) struct Outbox(PathBuf);

impl Outbox {
    pub(super) fn new(folder: PathBuf) -> Outbox {
        Outbox(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Writes messages that are in flight, and prints where; also others that are in flight and not there, as a command
    /// that was broken off leaves them.
    pub(super) fn write(
        &self,
        partner: &Partner,
        messages: &[Vec<u8>],
        as_json: bool,
        out: &mut Output,
    ) -> Result<(), Failure> {
        files::create_folder(&self.0)?;
        let is_meant = |flight: &InFlight<'_>| messages.iter().any(|bytes| bytes == flight.bytes) || !self.has(flight);
        for message in partner.in_flight().filter(is_meant) {
            let path = self.0.join(name(&message));
            let there = path.is_file() && files::read_up_to(&path, message.bytes.len() + 1)? == message.bytes;
            if !there {
                // A reply that lies there is to another message of that name.
                files::remove(&reply(&path))?;
                files::replace(&path, message.bytes)?;
            }
            if as_json {
                let mut value = json(&message);
                value["file"] = path.display().to_string().into();
                out.json(&value)?;
            } else {
                writeln!(out, "{}", path.display())?;
            }
        }
        Ok(())
    }

    /// Whether a message's file is there.
    pub(super) fn has(&self, message: &InFlight<'_>) -> bool {
        self.0.join(name(message)).exists()
    }

    /// Takes out the messages that are no longer waited for, and the replies that were read.
    pub(super) fn clean(&self, partner: &Partner, read: &[PathBuf]) -> Result<(), Failure> {
        if !self.0.is_dir() {
            return Ok(());
        }
        let waiting: Vec<String> = partner.in_flight().map(|message| name(&message)).collect();
        for path in files::list(&self.0, ".msg")? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !path.is_dir() && is_name(&name) && !waiting.iter().any(|waiting| *waiting == name) {
                files::remove(&reply(&path))?;
                files::remove(&path)?;
            }
        }
        for path in read.iter().filter(|path| path.parent() == Some(&self.0)) {
            files::remove(path)?;
        }
        Ok(())
    }
}

/// A message's name in the outbox.
pub(super) fn name(message: &InFlight<'_>) -> String {
    match message.kind {
        Kind::Question => format!("question-{:010}.msg", message.number),
        Kind::Status => "status.msg".to_owned(),
        _ => format!("delivery-{:010}.msg", message.number),
    }
}

/// What a message is.
pub(super) fn json(message: &InFlight<'_>) -> Value {
    let kind = match message.kind {
        Kind::Delta => "delta",
        Kind::FullSet => "full_set",
        Kind::Confirm => "confirm",
        Kind::Question => "question",
        _ => "status",
    };
    json!({ "message": name(message), "kind": kind, "epoch": message.epoch, "number": message.number })
}

fn is_name(name: &str) -> bool {
    let number =
        |rest: &str| rest.strip_suffix(".msg").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    name == "status.msg" || ["question-", "delivery-"].iter().any(|kind| name.strip_prefix(kind).is_some_and(number))
}

fn reply(message: &Path) -> PathBuf {
    let mut name = message.file_name().unwrap_or_default().to_owned();
    name.push(".reply");
    message.with_file_name(name)
}
