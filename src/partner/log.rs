//! How a partner watches the broker's audit log: it keeps the latest checkpoint, holds each reply to the line that it
//! names, and complains of what does not fit. spec/audit-log.md, section 3.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::Partner;
use super::error::PartnerError;
use super::own_lines::LogConflict;
use super::record::{CheckpointOutcome, JournalEvent, ReplyRecord};
use super::sent::MessageHead;
use crate::audit::{AuditError, Checkpoint, follow, prune_before};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::files::io;
use crate::message::{Header, Reply, StatusReply};
use crate::trace;

/// The codes that a complaint may have.
const CODES: [&str; 5] =
    ["log_inconsistent", "checkpoint", "unannounced_restore", "false_introduction", "late_introduction"];

/// What is wrong with the audit log as the broker's replies show it, or with whom it introduced. What else those
/// replies say holds none the less.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Complaint {
    /// The code of the [`PartnerError`] that it is: `log_inconsistent` where the log does not continue what was seen of
    /// it, `checkpoint` where what the broker shows is no checkpoint of the log that the policy names,
    /// `unannounced_restore` where it forgot what it had said and does not say that it was restored;
    /// `false_introduction` where it told of somebody who did not put forward what it says, and `late_introduction`
    /// where it told others of this partner by what did not stand then, since it was taken back, rejected or over.
    pub code: &'static str,
    /// What was found, and what to do.
    pub text: String,
    /// The files in the partner's folder that show it: what the broker said and signed, before and now. They stay until
    /// somebody takes them away, and the complaint with them.
    pub evidence: Vec<PathBuf>,
}

/// What does not fit of a reply, though it is taken over all the same.
pub(super) struct Findings {
    conflict: Option<LogConflict>,
    /// What the broker forgot without saying that it was restored.
    forgotten: Option<String>,
}

impl Partner {
    /// The latest checkpoint of the broker's audit log that a status reply showed, as it was signed. It is for
    /// comparing with those of others ([`audit::compare`](crate::audit::compare)), and the broker is asked to prove
    /// that its next one continues it.
    pub fn checkpoint(&self) -> Option<&[u8]> {
        Some(self.data.state().checkpoint.as_slice()).filter(|kept| !kept.is_empty())
    }

    /// The latest signed reply that names a line of the log and is no answer, whose standings are nobody else's. It is
    /// for comparing with those of others: does the broker tell all of its restores
    /// ([`audit::compare_restores`](crate::audit::compare_restores))?
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io), [`PartnerError::JournalDamaged`].
    pub fn latest_reply(&self) -> Result<Option<Vec<u8>>, PartnerError> {
        let mut latest = None;
        self.data.journal().read(|_, record| {
            let is_answer = matches!(record.event, JournalEvent::Answered { .. });
            if let Some(reply) = record.event.reply().filter(|reply| reply.log.is_line() && !is_answer) {
                latest = Some(reply.bytes.clone());
            }
        })?;
        Ok(latest)
    }

    /// How many lines on own messages no checkpoint was shown to have yet. A status request asks for the proofs; those
    /// of a day are proven under the checkpoint that the broker signs after it.
    pub fn unproven_lines(&self) -> usize {
        self.data.state().own_lines.unproven.len()
    }

    /// Those lines, ascending: the number of each, and the day on which the message was made that it is on.
    pub fn unproven(&self) -> impl Iterator<Item = (u64, Day)> {
        self.data.state().own_lines.unproven.iter().map(|line| (line.index, line.day))
    }

    /// All that was complained of and whose evidence nobody took away, also by replies that were read before.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn complaints(&self) -> Result<Vec<Complaint>, PartnerError> {
        let evidence = self.data.folder().evidence()?;
        let name = |path: &PathBuf| path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
        let mut complaints = Vec::new();
        for path in &evidence {
            let file = name(path);
            let Some(stem) = file.strip_suffix(".complaint") else { continue };
            let said = std::fs::read_to_string(path).map_err(|source| io("read", path, source))?;
            let (code, text) = said.split_once('\n').unwrap_or_default();
            complaints.push(Complaint {
                code: CODES.into_iter().find(|known| *known == code).unwrap_or(CODES[0]),
                text: text.trim_end().to_owned(),
                evidence: evidence.iter().filter(|path| name(path).starts_with(stem)).cloned().collect(),
            });
        }
        Ok(complaints)
    }

    /// When the broker's store was last put back from a copy, as its replies say; `None` for never. It then lacks what
    /// was said since the copy, and asks each partner for a full set.
    pub fn broker_restored(&self) -> Option<Timestamp> {
        Some(self.data.state().own_lines.restored).filter(|restored| restored.0 > 0)
    }

    /// Looks at the line of the log that a reply to a message names: what is to be recorded, and what does not fit.
    pub(super) fn look_at_line(
        &self,
        message: &MessageHead,
        header: &Header,
        reply: &Reply,
        bytes: &[u8],
    ) -> (ReplyRecord, Findings) {
        let log = reply.log_entry();
        let origin = self.member.log_origin(log.restored);
        let conflict = self.data.state().own_lines.conflict(&origin, message, header, reply);
        let forgotten = message.went_back(header, reply);
        let is_behind = log.is_line() && log.restored == message.restored && log.index < message.first_line;
        let went_back = is_behind || forgotten.is_some();
        let (bytes, day, told) = (bytes.to_vec(), message.time.day(), header.time.day());
        (ReplyRecord { bytes, origin, log, went_back, day, told }, Findings { conflict, forgotten })
    }

    /// Looks at what a status reply, of which `reply` are the bytes, shows of the log; `days` are its own day and that
    /// of the request, and `asked` the lines that were to be proven. What is complained of is on disk when this
    /// returns.
    pub(super) fn watch_log(
        &self,
        reply: &[u8],
        status: &StatusReply,
        asked: &[u64],
        days: (Day, Day),
        today: Day,
    ) -> Result<(CheckpointOutcome, Vec<u64>, Option<Complaint>), PartnerError> {
        let (kept, key) = (self.checkpoint(), self.member.log_key(status.log.restored));
        let newer = match follow(kept, &status.checkpoint, &status.consistency, &key) {
            Ok(newer) => newer,
            Err(error) => {
                let shown = status.checkpoint.as_slice();
                let complaint = self.complain(
                    error.code(),
                    &error.to_string(),
                    &[("-kept.txt", kept.unwrap_or_default()), ("-shown.txt", shown), (".reply", reply)],
                )?;
                return Ok((CheckpointOutcome::Refused(shown.to_vec()), Vec::new(), Some(complaint)));
            }
        };
        let (proven, conflict) = match newer.as_ref().map(|newer| self.proven(status, asked, newer, today)) {
            None => (Vec::new(), None),
            Some(Ok(proven)) => (proven, None),
            Some(Err(conflict)) => (Vec::new(), Some(conflict)),
        };
        let size = newer.as_ref().map_or(0, Checkpoint::size);
        let overdue = || self.data.state().own_lines.overdue(key.origin(), size, days);
        let conflict = conflict.or_else(overdue);
        let complaint = conflict.map(|conflict| self.complain_of(conflict, reply)).transpose()?;
        let outcome = match newer {
            Some(newer) if kept != Some(newer.as_bytes()) => CheckpointOutcome::Kept(newer.as_bytes().to_vec()),
            _ => CheckpointOutcome::Unchanged,
        };
        Ok((outcome, proven, complaint))
    }

    fn proven(
        &self,
        status: &StatusReply,
        asked: &[u64],
        checkpoint: &Checkpoint,
        today: Day,
    ) -> Result<Vec<u64>, LogConflict> {
        // The broker prunes by its own clock, which may be a day ahead.
        let pruned_before = Day(prune_before(today, self.member.policy().retention.log_days).0.saturating_add(1));
        self.data.state().own_lines.proven(
            &self.member.log_origin(status.log.restored),
            asked,
            &status.lines,
            checkpoint,
            pruned_before,
        )
    }

    /// Complains of what does not fit of a reply: all that shows it is on disk when this returns.
    pub(super) fn complain_of_all(&self, findings: Findings, reply: &[u8]) -> Result<Option<Complaint>, PartnerError> {
        let conflict = findings.conflict.map(|conflict| self.complain_of(conflict, reply)).transpose()?;
        let Some(finding) = findings.forgotten else { return Ok(conflict) };
        let error = PartnerError::UnannouncedRestore { finding };
        let receipt = self.data.state().receipt.as_ref().map(|receipt| receipt.bytes.as_slice());
        let files =
            [("-kept.txt", self.checkpoint().unwrap_or_default()), ("-other.reply", receipt.unwrap_or_default())];
        let files = [files.as_slice(), &[(".reply", reply)]].concat();
        self.complain(error.code(), &error.to_string(), &files).map(Some)
    }

    /// Complains of a conflict that a reply shows. The other reply that shows it is in the journal.
    pub(super) fn complain_of(&self, conflict: LogConflict, reply: &[u8]) -> Result<Complaint, PartnerError> {
        let mut other = Vec::new();
        if let Some(record) = conflict.other {
            self.data.journal().read(|number, read| {
                if number == record {
                    other = read.event.reply().map(|reply| reply.bytes.clone()).unwrap_or_default();
                }
            })?;
        }
        let (older, newer) = (Vec::new(), Vec::new());
        let older = AuditError::LogInconsistent { finding: conflict.finding, older, newer };
        let (kept, line) = (self.checkpoint().unwrap_or_default(), conflict.line.as_bytes());
        let files = [("-kept.txt", kept), ("-line.txt", line), ("-other.reply", &other), (".reply", reply)];
        self.complain(older.code(), &older.to_string(), &files)
    }

    /// Writes down a complaint with the files that show it. The same ones are kept once.
    pub(super) fn complain(
        &self,
        code: &'static str,
        text: &str,
        files: &[(&str, &[u8])],
    ) -> Result<Complaint, PartnerError> {
        trace::event!(ERROR, "what the broker signed does not fit what was seen of it", code = code);
        let text = text.trim_end();
        // What was shown, and not the reply that showed it, which is another each time.
        let shown = files.iter().filter(|(end, _)| *end != ".reply");
        let shown: Vec<&[u8]> = shown.flat_map(|(end, bytes)| [end.as_bytes(), bytes]).collect();
        let id = Digest::of(&[&[code.as_bytes(), text.as_bytes()], shown.as_slice()].concat()).to_string();
        let name = format!("evidence-{}", &id[..16]);
        let folder = self.data.folder();
        let mut evidence = Vec::new();
        for (end, bytes) in files.iter().filter(|(_, bytes)| !bytes.is_empty()) {
            evidence.push(folder.keep_evidence(&format!("{name}{end}"), bytes)?);
        }
        // Last, so that what it names is there.
        let said = format!("{code}\n{text}\n");
        evidence.push(folder.keep_evidence(&format!("{name}.complaint"), said.as_bytes())?);
        evidence.sort();
        Ok(Complaint { code, text: text.to_owned(), evidence })
    }
}
