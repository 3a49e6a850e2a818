//! A message with the policy in force that it is decided under, the check of its sender, and the headers of replies.

use crate::day::Timestamp;
use crate::digest::Digest;
use crate::message::{self, Code, Header, Kind, MessageError, Rejection, Role, Unverified, Verified};
use crate::policy::{Policy, RosterEntry, SignedPolicy};
use crate::secret::KeyId;
use crate::store::BatchId;
use crate::threads::Threads;

use super::rows::{PolicyRow, Replied};

/// The policy in force, and what the ledger says of it.
pub(super) struct PolicyInForce {
    pub(super) signed: SignedPolicy,
    pub(super) row: PolicyRow,
}

/// A message whose sender is authenticated, and all that is given to decide it by, except what the broker knows.
pub(super) struct Incoming<'a> {
    pub(super) in_force: &'a PolicyInForce,
    pub(super) header: &'a Header,
    /// The sender's entry in the roster.
    pub(super) sender: &'a RosterEntry,
    /// The digest of the message's bytes.
    pub(super) digest: Digest,
    pub(super) threads: &'a Threads,
    pub(super) now: Timestamp,
    /// Whether the clock is: then `now` is the latest moment that was acted on, and only withdrawals are accepted.
    pub(super) in_doubt: bool,
}

impl PolicyInForce {
    pub(super) fn policy(&self) -> &Policy {
        self.signed.policy()
    }

    pub(super) fn digest(&self) -> Digest {
        self.signed.digest()
    }
}

impl Incoming<'_> {
    pub(super) fn policy(&self) -> &Policy {
        self.in_force.policy()
    }

    /// The message, and the reply to it.
    pub(super) fn replied(&self, reply: Vec<u8>) -> Replied {
        Replied { sequence: self.header.sequence, digest: self.digest, reply }
    }

    /// The name of the batch that the sender's state message of a number brought.
    pub(super) fn batch(&self, sequence: u64) -> BatchId {
        BatchId { epoch: self.header.epoch, partner: self.header.partner, sequence }
    }
}

/// Steps 1 to 4 of SPEC.md 5.3: the message, verified, and its sender's entry in the roster; or a rejection, with the
/// header that its reply repeats.
pub(super) fn authenticate<'a>(
    policy: &Policy,
    bytes: &'a [u8],
    now: Timestamp,
) -> Result<(Verified<'a>, RosterEntry), Box<(Header, Rejection)>> {
    let unverified = match Unverified::parse(bytes, Role::Partner) {
        Ok(unverified) => unverified,
        Err(error) => return Err(Box::new((blank_header(policy, now), undecodable(&error)))),
    };
    let header = unverified.unverified_header().clone();
    let refuse = |code, sentence: &str| Err(Box::new((header.clone(), Rejection::new(code, 0, sentence))));
    if header.consortium != policy.consortium {
        return refuse(Code::WrongConsortium, "this broker serves another consortium: check where the message is sent");
    }
    let Some(entry) = policy.partner(header.partner) else {
        return refuse(
            Code::UnknownPartner,
            "the roster has no partner of this number: check it, or have the partner enrolled",
        );
    };
    for key in entry.keys(now.day()) {
        if let Ok(verified) = unverified.verify(&key) {
            return Ok((verified, entry.clone()));
        }
    }
    refuse(Code::BadSignature, "the signature is not of the key in the roster: check the partner's key and number")
}

/// The header that a reply to `bytes` repeats, where nothing of them is verified.
pub(super) fn unverified_header(policy: &Policy, bytes: &[u8], now: Timestamp) -> Header {
    match Unverified::parse(bytes, Role::Partner) {
        Ok(unverified) => unverified.unverified_header().clone(),
        Err(_) => blank_header(policy, now),
    }
}

/// The header of a reply to `request`, whose bytes have the digest `digest`.
pub(super) fn reply_header(request: &Header, policy: Digest, kind: Kind, digest: Digest, now: Timestamp) -> Header {
    Header { kind, time: now, policy, context: digest, ..request.clone() }
}

/// The rejection of bytes that do not decode.
pub(super) fn undecodable(error: &MessageError) -> Rejection {
    let code = if matches!(error, MessageError::TooLarge { .. }) { Code::TooLarge } else { Code::Malformed };
    Rejection::new(code, 0, error.to_string())
}

/// What stands in for the header of bytes that have none.
fn blank_header(policy: &Policy, now: Timestamp) -> Header {
    Header {
        version: message::VERSION,
        kind: Kind::Rejection,
        consortium: policy.consortium.clone(),
        purpose: policy.purpose.clone(),
        epoch: 0,
        key_id: KeyId([0; 16]),
        partner: 0,
        sequence: 0,
        previous: 0,
        time: now,
        policy: Digest::NONE,
        context: Digest::NONE,
        body_length: 0,
    }
}
