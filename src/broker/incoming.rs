//! A message with the policy in force that it is decided under, the check of its sender, and the headers of replies.

use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{self, Code, Header, Kind, MessageError, Rejection, Role, Unverified, Verified};
use crate::policy::{Policy, RosterEntry, SignedPolicy, Statement};
use crate::secret::KeyId;
use crate::store::BatchId;
use crate::threads::Threads;

use super::certificates::Certificates;
use super::clock::Moment;
use super::rows::{PolicyRow, Replied};
use super::state::BrokerState;

/// The policy in force, what the ledger says of it, and the certificates that hold under it.
#[derive(Clone)]
pub(super) struct PolicyInForce {
    pub(super) signed: SignedPolicy,
    pub(super) row: PolicyRow,
    pub(super) certificates: Certificates,
}

/// Who sent a message.
pub(super) struct Sender {
    /// Its entry in the roster.
    pub(super) entry: RosterEntry,
    /// The statement on it that counts now in the message's epoch, which may suspend it or have ended; `None` where
    /// it has a certificate in another epoch alone.
    pub(super) statement: Option<Statement>,
}

/// A message whose sender is authenticated, and all that is given to decide it by, except what the broker knows.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) in_force: &'a PolicyInForce,
    pub(super) header: &'a Header,
    pub(super) sender: &'a Sender,
    /// The digest of the message's bytes.
    pub(super) digest: Digest,
    pub(super) threads: &'a Threads,
    pub(super) now: Timestamp,
    /// Whether the broker's clock is in doubt. Then `now` is the latest moment that was acted on, and only withdrawals
    /// are accepted.
    pub(super) in_doubt: bool,
    /// Whether nobody has said yet that the clock is right after a time without a release: then no epoch is closed.
    pub(super) is_unconfirmed: bool,
    /// What was over before this day may be destroyed.
    pub(super) certain: Day,
}

impl PolicyInForce {
    pub(super) fn policy(&self) -> &Policy {
        self.signed.policy()
    }

    pub(super) fn digest(&self) -> Digest {
        self.signed.digest()
    }
}

impl<'a> Incoming<'a> {
    pub(super) fn policy(&self) -> &'a Policy {
        self.in_force.policy()
    }

    /// The message at the latest moment that was acted on, where others came to a later one while it waited. `None`
    /// where that is of another day: then it must be authenticated and decided anew, because certificates, epochs,
    /// flags and budgets begin and end with days.
    pub(super) fn at_latest(&self, state: &BrokerState) -> Option<Incoming<'a>> {
        let now = state.not_before_latest(self.now);
        (now.day() == self.now.day()).then_some(Incoming { now, ..*self })
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

/// Steps 1 to 4 of SPEC.md 5.3: the message, verified, and its sender; or a rejection, with the header that its reply
/// repeats.
pub(super) fn authenticate<'a>(
    in_force: &PolicyInForce,
    bytes: &'a [u8],
    moment: Moment,
) -> Result<(Verified<'a>, Sender), Box<(Header, Rejection)>> {
    let policy = in_force.policy();
    let (now, day) = (moment.now, moment.certificates_day());
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
    // A stranger is told the same whatever was certified of the partner, and whether it is suspended.
    let known = in_force.certificates.of(header.epoch, header.partner, day);
    let known = known.map(|(statement, key)| (Some(statement.clone()), key));
    // Its key elsewhere shows who it is, so that it is told what is wrong with the epoch.
    let elsewhere = || Some((None, in_force.certificates.newest_key(policy, header.partner, day)?));
    if let Some((statement, key)) = known.or_else(elsewhere)
        && let Ok(verified) = unverified.verify(&key)
    {
        return Ok((verified, Sender { entry: entry.clone(), statement }));
    }
    refuse(
        Code::BadSignature,
        "the signature is not of a key that is certified for the partner and the epoch: check the partner's key and \
         number, and whether the operator has its certificate",
    )
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
