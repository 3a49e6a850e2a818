//! `stapel audit compare`: whether two parties were shown the same log, and told of the same restores.

use std::io::Write;
use std::path::PathBuf;

use clap::ArgGroup;
use serde_json::json;
use stapel::audit::{AuditError, Comparison, ConsistencyProof, compare, compare_restores};

use super::trusted::{Trusted, read};
use super::{MAX_PROOF, Policies, say};
use crate::failure::Failure;

/// Compare the checkpoints of two parties: were both shown the same log?
///
/// And their latest replies: were both told of the same restores? Give either, or both.
#[derive(clap::Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["ours", "our_reply"])))]
#[command(after_help = "Example:\n  stapel audit compare --policy policy.toml --ours checkpoints/ --theirs politie/")]
pub(super) struct CompareArgs {
    #[command(flatten)]
    policies: Policies,
    /// A checkpoint of ours, or a folder of files that end in .checkpoint
    #[arg(long, value_name = "PATH", requires = "theirs")]
    ours: Option<PathBuf>,
    /// One of theirs, or a folder
    #[arg(long, value_name = "PATH", requires = "ours")]
    theirs: Option<PathBuf>,
    /// The proof that the larger of the latest of both continues the other
    #[arg(long, value_name = "FILE", requires = "ours")]
    proof: Option<PathBuf>,
    /// The latest signed reply that we have of the broker: does it say the same of its restores?
    #[arg(long, value_name = "FILE", requires = "their_reply")]
    our_reply: Option<PathBuf>,
    /// Theirs
    #[arg(long, value_name = "FILE", requires = "our_reply")]
    their_reply: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Compares both the replies and the checkpoints: what is wrong with the ones hides nothing of the others.
pub(super) fn compare_both(args: &CompareArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let replies = compare_replies(args, &trusted);
    let logs = match (&args.ours, &args.theirs) {
        (Some(ours), Some(theirs)) => compare_logs(args, [ours, theirs], &trusted, out),
        _ if replies.is_ok() => {
            let sentence = "The replies say the same of restores; no checkpoints were given.";
            say(out, args.json, &[sentence.to_owned()], &json!({ "restores_agree": true }))
        }
        _ => Ok(()),
    };
    let found = [replies, logs];
    Failure::of_several(found.into_iter().filter_map(Result::err).collect(), false)
}

fn compare_replies(args: &CompareArgs, trusted: &Trusted) -> Result<(), Failure> {
    let (Some(ours), Some(theirs)) = (&args.our_reply, &args.their_reply) else { return Ok(()) };
    Ok(compare_restores(&trusted.reply(ours)?, &trusted.reply(theirs)?)?)
}

fn compare_logs(
    args: &CompareArgs,
    [ours, theirs]: [&PathBuf; 2],
    trusted: &Trusted,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let ours = trusted.checkpoints(std::slice::from_ref(ours))?;
    let theirs = trusted.checkpoints(std::slice::from_ref(theirs))?;
    let mut same = Vec::new();
    for our in &ours {
        for their in theirs.iter().filter(|their| their.size() == our.size()) {
            compare(our, their, None)?;
            same.push(our.size());
        }
    }
    same.dedup();
    let (Some(our), Some(their)) = (ours.last(), theirs.last()) else {
        return Err(AuditError::Checkpoint { finding: "there is none to compare" }.into());
    };
    let read_proof = |path| ConsistencyProof::parse(&read(path, MAX_PROOF)?).map_err(Failure::of_file(path));
    let proof = args.proof.as_deref().map(read_proof).transpose()?;
    let compared = compare(our, their, proof.as_ref())?;
    let (a, b) = (our.size(), their.size());
    let sentence = match (compared, same.last()) {
        (Comparison::Same, _) => format!("Both were shown the same log of {a} lines."),
        (Comparison::Continues, _) => {
            format!("Both were shown one log: the {} lines continue the {}.", a.max(b), a.min(b))
        }
        (Comparison::Unproved, Some(size)) => {
            format!("Both were shown the same first {size} lines; of those after them no proof was given.")
        }
        (Comparison::Unproved, None) => {
            let finding = "no two checkpoints are of one size, and no proof was given: have one made with 'stapel \
                           audit prove --older', and give it as --proof";
            return Err(AuditError::LogProof { finding }.into());
        }
    };
    let proved = compared != Comparison::Unproved;
    say(out, args.json, &[sentence], &json!({ "ours": a, "theirs": b, "same": same, "latest_proved": proved }))
}
