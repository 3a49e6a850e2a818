//! What an officer is handed, read and checked: policies, checkpoints, replies, the log, lines and proofs.

use std::path::{Path, PathBuf};

use stapel::audit::{AuditError, Checkpoint, ExportedLog, Line, LogKey, LogRow, LoggedReply, MAX_CHECKPOINT, MAX_LINE};
use stapel::message::MAX_MESSAGE;
use stapel::policy::{Policy, SignedPolicy};

use super::Policies;
use crate::failure::Failure;
use crate::files::{self, Input, Inputs};
use crate::progress::Progress;

/// What the names of checkpoints in a folder end in.
const CHECKPOINT: &str = ".checkpoint";

/// The policies whose keys are trusted.
pub(super) struct Trusted(pub(super) Vec<Policy>);

impl Trusted {
    pub(super) fn read(policies: &Policies) -> Result<Trusted, Failure> {
        let read = |path: &PathBuf| {
            let signed = SignedPolicy::read(path).map_err(Failure::of_policy(path))?;
            Ok(signed.policy().clone())
        };
        Ok(Trusted(policies.policy.iter().map(read).collect::<Result<_, Failure>>()?))
    }

    pub(super) fn checkpoint(&self, path: &Path) -> Result<Checkpoint, Failure> {
        self.verify(&read(path, MAX_CHECKPOINT)?, path)
    }

    fn verify(&self, bytes: &[u8], path: &Path) -> Result<Checkpoint, Failure> {
        self.first(|policy| Checkpoint::verify(bytes, &LogKey::of_checkpoint(policy, bytes)))
            .map_err(Failure::of_file(path))
    }

    /// All checkpoints of files and folders, by size. At least one.
    pub(super) fn checkpoints(&self, given: &[PathBuf]) -> Result<Vec<Checkpoint>, Failure> {
        let mut inputs = Inputs::of(given, CHECKPOINT, MAX_CHECKPOINT + 1, |_| true)?;
        let mut failures = std::mem::take(&mut inputs.failures);
        // A part of them proves less than whoever names the folder means.
        failures.extend(inputs.left());
        Failure::of_several(failures, false)?;
        let read = |input: &mut Input| self.verify(&input.read(MAX_CHECKPOINT + 1)?, &input.path);
        let mut found = inputs.files.iter_mut().map(read).collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() {
            return Err(AuditError::Checkpoint { finding: "the folder has no file that ends in .checkpoint" }.into());
        }
        found.sort_by_key(Checkpoint::size);
        Ok(found)
    }

    pub(super) fn reply(&self, path: &Path) -> Result<LoggedReply, Failure> {
        let bytes = read(path, MAX_MESSAGE)?;
        self.first(|policy| LoggedReply::verify(&bytes, policy)).map_err(Failure::of_file(path))
    }

    /// What the first policy gives under which it succeeds; else the error under the first of all.
    pub(super) fn first<T>(&self, attempt: impl Fn(&Policy) -> Result<T, AuditError>) -> Result<T, Failure> {
        let mut first_error = None;
        for policy in &self.0 {
            match attempt(policy) {
                Ok(found) => return Ok(found),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or(AuditError::Checkpoint { finding: "no policy was given" }).into())
    }
}

pub(super) fn read_log(path: &Path) -> Result<ExportedLog, Failure> {
    read_log_by(path, |_| {})
}

/// As [`read_log`], and `visit` sees each line that was not pruned.
pub(super) fn read_log_by(path: &Path, mut visit: impl FnMut(&Line)) -> Result<ExportedLog, Failure> {
    let progress = Progress::counting("lines");
    let read = ExportedLog::read(path, |_, row| {
        progress.add(1);
        if let LogRow::Line(line) = row {
            visit(line);
        }
        Ok::<_, Failure>(())
    });
    read.map_err(Failure::of_file(path))
}

/// Reads a file that is not larger than `limit`; of a larger one, a byte more, which no reader takes.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    files::read_up_to(path, limit + 1)
}

/// Reads a line, with or without a line break at its end.
pub(super) fn read_line(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut line = read(path, MAX_LINE + 1)?;
    line.pop_if(|last| *last == b'\n');
    Ok(line)
}
