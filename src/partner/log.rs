//! How a partner watches the broker's audit log: it keeps the latest checkpoint, and complains of one that does not
//! continue it. spec/audit-log.md, section 3.

use std::path::PathBuf;

use super::Partner;
use super::error::PartnerError;
use super::record::CheckpointOutcome;
use crate::audit::{LogKey, UnverifiedCheckpoint, follow};
use crate::digest::Digest;
use crate::message::StatusReply;
use crate::trace;

/// What is wrong with the audit log as a status reply shows it. The rest of that reply holds none the less.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Complaint {
    /// The code of the [`PartnerError`] that it is: `log_inconsistent` where the log does not continue what was seen of
    /// it, `checkpoint` where what the broker shows is no checkpoint of the log that the policy names.
    pub code: &'static str,
    /// What was found, and what to do.
    pub text: String,
    /// The checkpoint that the partner holds, and goes on holding, as it was signed; empty for none.
    pub kept: Vec<u8>,
    /// What the broker showed; empty for none.
    pub shown: Vec<u8>,
    /// Where both are, and the broker's signed reply: files in the partner's folder, which stay until somebody takes
    /// them away.
    pub evidence: Vec<PathBuf>,
}

impl Partner {
    /// The latest checkpoint of the broker's audit log that a status reply showed, as it was signed. It is for
    /// comparing with those of others ([`audit::compare`](crate::audit::compare)), and the broker is asked to prove
    /// that its next one continues it.
    pub fn checkpoint(&self) -> Option<&[u8]> {
        Some(self.data.state().checkpoint.as_slice()).filter(|kept| !kept.is_empty())
    }

    /// The size of the log at the checkpoint that is kept; 0 for none, or where the policy names another log by now.
    pub(super) fn tree_size(&self) -> u64 {
        let origin = &self.member.policy().operator.log_origin;
        let kept = self.checkpoint().and_then(|kept| UnverifiedCheckpoint::parse(kept).ok());
        kept.filter(|kept| kept.claimed_origin() == origin).map_or(0, |kept| kept.claimed_size())
    }

    /// Looks at what a status reply, of which `reply` are the bytes, shows of the log. What is complained of is on disk
    /// when this returns.
    pub(super) fn watch(
        &self,
        reply: &[u8],
        status: &StatusReply,
    ) -> Result<(CheckpointOutcome, Option<Complaint>), PartnerError> {
        let (kept, key) = (self.checkpoint(), LogKey::of(self.member.policy()));
        let error = match follow(kept, &status.checkpoint, &status.consistency, &key) {
            Ok(Some(newer)) if kept != Some(newer.as_bytes()) => {
                return Ok((CheckpointOutcome::Kept(newer.as_bytes().to_vec()), None));
            }
            Ok(_) => return Ok((CheckpointOutcome::Unchanged, None)),
            Err(error) => error,
        };
        trace::event!(ERROR, "the broker's log does not continue what was seen of it", code = error.code());
        let (kept, shown) = (kept.unwrap_or_default(), status.checkpoint.as_slice());
        let complaint = Complaint {
            code: error.code(),
            text: error.to_string(),
            kept: kept.to_vec(),
            shown: shown.to_vec(),
            evidence: self.keep_evidence(kept, shown, reply)?,
        };
        Ok((CheckpointOutcome::Refused(shown.to_vec()), Some(complaint)))
    }

    /// The same two checkpoints are kept once, with the first reply that showed them.
    fn keep_evidence(&self, kept: &[u8], shown: &[u8], reply: &[u8]) -> Result<Vec<PathBuf>, PartnerError> {
        let pair = Digest::of(&[&(kept.len() as u64).to_le_bytes(), kept, shown]).to_string();
        let name = format!("evidence-{}", &pair[..16]);
        let mut paths = Vec::new();
        for (end, bytes) in [("-kept.txt", kept), ("-shown.txt", shown), (".reply", reply)] {
            if !bytes.is_empty() {
                paths.push(self.data.folder().keep_evidence(&format!("{name}{end}"), bytes)?);
            }
        }
        Ok(paths)
    }
}
