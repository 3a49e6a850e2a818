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
use crate::output::{Output, Shown};

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
        files::remove_leftovers(&self.0);
        let is_meant = |flight: &InFlight<'_>| messages.iter().any(|bytes| bytes == flight.bytes) || !self.has(flight);
        let (mut failures, mut any_done) = (Vec::new(), false);
        for message in partner.in_flight().filter(is_meant) {
            let path = self.0.join(name(&message));
            if let Err(failure) = put(&path, message.bytes) {
                failures.push(failure);
                continue;
            }
            any_done = true;
            if as_json {
                let mut value = json(&message);
                value["file"] = path.display().to_string().into();
                out.json(&value)?;
            } else {
                writeln!(out, "{}", path.shown())?;
            }
        }
        Failure::of_several(failures, any_done)
    }

    /// Whether a message's file is there.
    pub(super) fn has(&self, message: &InFlight<'_>) -> bool {
        files::is_regular(&self.0.join(name(message))) == Some(true)
    }

    /// Whether a message's reply is there.
    pub(super) fn has_reply(&self, message: &InFlight<'_>) -> bool {
        files::is_regular(&reply(&self.0.join(name(message)))) == Some(true)
    }

    /// Whether a file is named as the reply to a message in flight.
    pub(super) fn is_awaited(&self, partner: &Partner, path: &Path) -> bool {
        partner.in_flight().any(|message| reply(&self.0.join(name(&message))) == path)
    }

    /// Whether a path is one of a file in this folder.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let folder = path.parent().map(|folder| if folder == Path::new("") { Path::new(".") } else { folder });
        let canonical = |folder: &Path| folder.canonicalize().ok();
        folder.and_then(canonical).is_some_and(|folder| Some(folder) == canonical(&self.0))
    }

    /// Takes out the messages that are no longer waited for, and the replies that were read; what could not be taken
    /// out. Nothing where it is not known what is waited for, as after a disk was full.
    pub(super) fn clean(&self, partner: &Partner, read: &[PathBuf]) -> Result<Vec<Failure>, Failure> {
        if !self.0.is_dir() || !partner.is_in_flight_known() {
            return Ok(Vec::new());
        }
        let waiting: Vec<String> = partner.in_flight().map(|message| name(&message)).collect();
        let mut removed = Vec::new();
        for path in files::list(&self.0, ".msg")? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !path.is_dir() && files::is_message_name(&name) && !waiting.iter().any(|waiting| *waiting == name) {
                removed.push(files::remove(&reply(&path)));
                removed.push(files::remove(&path));
            }
        }
        removed.extend(read.iter().filter(|path| self.holds(path)).map(|path| files::remove(path)));
        files::remove_leftovers(&self.0);
        Ok(removed.into_iter().filter_map(Result::err).collect())
    }
}

/// Puts a message in its place, unless it is there.
fn put(path: &Path, message: &[u8]) -> Result<(), Failure> {
    let is_there = files::is_regular(path) == Some(true) && files::read_found(path, message.len() + 1)? == message;
    if is_there {
        return Ok(());
    }
    // A reply that lies there is to another message of that name.
    files::remove(&reply(path))?;
    files::replace(path, message)
}

/// A message's name in the outbox.
pub(super) fn name(message: &InFlight<'_>) -> String {
    match message.kind {
        Kind::Question => format!("question-{:010}.msg", message.number),
        Kind::Status => "status.msg".to_owned(),
        Kind::PutForward | Kind::Exchange | Kind::TotalsRequest | Kind::Year => {
            format!("talk-{:010}.msg", message.number)
        }
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
        Kind::PutForward => "put_forward",
        Kind::Exchange => "exchange",
        Kind::TotalsRequest => "totals_request",
        Kind::Year => "year",
        _ => "status",
    };
    json!({ "message": name(message), "kind": kind, "epoch": message.epoch, "number": message.number })
}

fn reply(message: &Path) -> PathBuf {
    let mut name = message.file_name().unwrap_or_default().to_owned();
    name.push(".reply");
    message.with_file_name(name)
}
