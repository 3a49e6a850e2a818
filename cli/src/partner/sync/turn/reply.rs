//! What a run says of a reply, and what comes of the message.

use std::io::Write;
use std::path::Path;

use serde_json::json;
use stapel::message::{Code, Role, Unverified};
use stapel::partner::{Case, Next, Partner, Received};

use super::{Flight, Outcome, Run};
use crate::failure::{self, Failure};
use crate::output::{Output, counted, plain};
use crate::partner::report;

impl Run<'_> {
    /// Whether a question is one that a run asked about own flags, and no person's.
    pub(super) fn is_own(&self, by: &Case) -> bool {
        let is_actor = self.args.actor.as_deref().is_none_or(|actor| actor == by.actor());
        is_actor && by.reference() == self.args.case
    }

    pub(super) fn say(
        &self,
        flight: &Flight,
        received: &Received,
        (own, is_named): (bool, bool),
        partner: &Partner,
        out: &mut Output,
    ) -> Result<(), Failure> {
        match received {
            Received::Answer(answer) if own || is_named => {
                let (file, rows) = (&flight.name, answer.rows.len());
                if self.args.json {
                    return out.json(&json!({
                        "reply": "answer", "file": file, "own": own, "epoch": answer.epoch, "release": answer.release,
                        "as_of": answer.as_of.to_string(), "until": answer.until.to_string(),
                        "organisations": answer.organisations, "fresh": answer.fresh, "standings": rows,
                    }));
                }
                let rows = match own {
                    true => counted(rows, "own flag", "own flags"),
                    false => counted(rows, "address", "addresses"),
                };
                writeln!(out, "{file}: answered about {rows}, as of release {} ({})", answer.release, answer.as_of)?;
                Ok(())
            }
            _ => {
                let mut refs = self.args.place.refs()?;
                let now = self.now()?;
                let of = (Path::new(&flight.name), Some(flight.kind));
                report::received(of, received, partner, &refs, now, self.args.json, out)?;
                refs.settle(partner)
            }
        }
    }

    pub(super) fn outcome(&mut self, received: &Received) -> Outcome {
        match received {
            Received::Receipt(receipt) => {
                self.changed |= receipt.added + receipt.changed + receipt.withdrawn > 0;
                Outcome::Accepted
            }
            Received::Answer(answer) => {
                self.until = self.until.max(Some(answer.until));
                Outcome::Accepted
            }
            Received::Status { status, complaint } => {
                self.until = self.until.max(Some(status.until));
                if complaint.is_some() {
                    failure::some_refused();
                }
                Outcome::Accepted
            }
            Received::Rejection { rejection, next } => {
                self.lacks |= *next == Next::FetchPolicy || rejection.code == Code::NotCertified;
                match (rejection.code, next) {
                    (Code::Unavailable, _) => {
                        // Why is in the reply alone: its disk, its clock, or its keys.
                        let sentence = plain(&rejection.sentence);
                        let finding =
                            format!("a message waits, and is sent again at the next run; the broker: {sentence}");
                        self.failures.push(Failure::new("unavailable", finding));
                    }
                    // What a partner cannot help, and what the next message puts right.
                    (Code::NotYetAnswering | Code::OverBudget | Code::Clock, _) | (_, Next::Again) => {
                        failure::some_warned();
                    }
                    _ => {
                        self.is_refused = true;
                        failure::some_refused();
                    }
                }
                Outcome::Rejected(rejection.code, *next)
            }
            Received::Kept(_) | Received::Totals(_) => Outcome::Accepted,
            Received::Posted(posted) => {
                if posted.complaint.is_some() {
                    failure::some_refused();
                }
                Outcome::Accepted
            }
            Received::Hint(_) => {
                failure::some_refused();
                Outcome::Nothing
            }
            _ => Outcome::Nothing,
        }
    }
}

/// Whether a reply is the broker's answer to this question: no other is kept for a person to read.
pub(super) fn is_answer(reply: &[u8], partner: &Partner, flight: &Flight) -> bool {
    let key = &partner.policy().policy().operator.verifying_key;
    let verified = Unverified::parse(reply, Role::Broker).and_then(|unverified| unverified.verify(key));
    verified.is_ok_and(|verified| {
        let is_its = verified.header().context == flight.digest;
        is_its && matches!(verified.reply(), Ok(stapel::message::Reply::Answer(_)))
    })
}
