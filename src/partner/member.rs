//! The partner as a member of its consortium: its key, its policy and its sources of pseudonyms. It decides nothing on
//! a disk.

use std::cmp::Reverse;

use super::error::PartnerError;
use super::sent::{MessageHead, SignedMessage};
use super::state::PartnerState;
use crate::address::{AddressKey, Level};
use crate::audit::LogKey;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{self, FullSet, Group, Header, MessageError, Request};
use crate::policy::{
    Certificate, Meet, Permissions, Policy, RegisterUse, RosterEntry, SignedPolicy, Statement, latest,
};
use crate::pseudonym::{Pseudonym, PseudonymSource};
use crate::secret::{KeyId, SealKey, SigningKey};
use crate::threads::Threads;

/// Where the pseudonyms of an epoch come from.
pub(super) type Source = Box<dyn PseudonymSource + Send>;

/// A partner as the consortium knows it.
pub(super) struct Member {
    pub(super) number: u16,
    pub(super) key: SigningKey,
    pub(super) policy: SignedPolicy,
    /// The certificates that hold under the policy, of all partners, as far as it was given any.
    pub(super) certificates: Vec<Certificate>,
    /// By epoch, ascending.
    pub(super) sources: Vec<(u32, Source)>,
    pub(super) threads: Threads,
}

/// A message before it is signed.
pub(super) struct Draft<'a> {
    pub(super) epoch: u32,
    pub(super) sequence: u64,
    pub(super) previous: u64,
    /// The pseudonyms that the parts of a full set before this one flag; 0 for all else.
    pub(super) flagged_before: u32,
    pub(super) request: &'a Request<'a>,
}

impl Member {
    pub(super) fn policy(&self) -> &Policy {
        self.policy.policy()
    }

    /// Leaves the certificates that hold under the policy.
    pub(super) fn drop_void_certificates(&mut self) {
        let Member { policy, certificates, .. } = self;
        certificates.retain(|one| one.verify(policy.policy()).is_ok());
    }

    /// The key that notes to a partner are sealed to in an epoch; `None` where no certificate that holds on `day` names
    /// one, as of a partner that is suspended.
    pub(super) fn seal_key(&self, partner: u16, epoch: u32, day: Day) -> Option<SealKey> {
        let Statement { keys, last_day, .. } = latest(self.certificates_of(partner, epoch), day)?;
        keys.filter(|_| day <= *last_day).map(|keys| keys.seal)
    }

    /// All keys that a partner may have sealed with in an epoch, newest first: what it sent before its certificate
    /// ended, or was replaced, may come after that.
    pub(super) fn seal_keys(&self, partner: u16, epoch: u32) -> Vec<SealKey> {
        let mut statements: Vec<_> = self.certificates_of(partner, epoch).map(Certificate::claimed).collect();
        statements.sort_by_key(|statement| Reverse(statement.serial));
        let mut keys = Vec::new();
        for key in statements.into_iter().filter_map(|statement| statement.keys) {
            if !keys.contains(&key.seal) {
                keys.push(key.seal);
            }
        }
        keys
    }

    fn certificates_of(&self, partner: u16, epoch: u32) -> impl Iterator<Item = &Certificate> {
        let is_it = move |of: &Statement| (of.partner, of.epoch) == (partner, epoch);
        self.certificates.iter().filter(move |one| is_it(one.claimed()))
    }

    /// How those who flag an address come to talk; an error where the policy has none of that.
    pub(super) fn meet(&self) -> Result<&Meet, PartnerError> {
        let finding = "the policy has no [meet]: nothing is put forward, and nobody introduced, by the broker";
        self.policy().meet.as_ref().ok_or_else(|| PartnerError::NotPermitted { finding: finding.into() })
    }

    /// Whether this partner brings the others together.
    pub(super) fn coordinates(&self) -> bool {
        self.entry().is_ok_and(|entry| entry.may.coordinate)
    }

    /// What the roster says of this partner.
    pub(super) fn entry(&self) -> Result<&RosterEntry, PartnerError> {
        entry(self.policy(), self.number)
    }

    /// An error where the partner's own certificate in an epoch does not name its message key, or is none: nobody would
    /// take what it signs.
    pub(super) fn refuse_uncertified(&self, epoch: u32, day: Day) -> Result<(), PartnerError> {
        let own = self.certificates_of(self.number, epoch);
        let Some(Statement { serial, keys, first_day, last_day, .. }) = latest(own, day) else { return Ok(()) };
        let finding = match keys {
            None => format!("it is suspended since {first_day}, by serial {serial}"),
            Some(_) if day > *last_day => format!("its certificate has ended on {last_day}"),
            Some(keys) if keys.message != self.key.verifying_key() => {
                format!("its certificate, of serial {serial}, names another message key than partner.key is")
            }
            Some(_) => return Ok(()),
        };
        Err(PartnerError::NotCertified { partner: self.number, epoch, finding })
    }

    pub(super) fn permit(&self, may: impl Fn(&Permissions) -> bool, what: &str) -> Result<(), PartnerError> {
        if may(&self.entry()?.may) {
            return Ok(());
        }
        Err(PartnerError::NotPermitted { finding: format!("the roster does not let partner {} {what}", self.number) })
    }

    /// Refuses addresses of which not all were looked up in a register, where the policy requires that.
    pub(super) fn refuse_without_register(&self, are_resolved: bool) -> Result<(), PartnerError> {
        match self.policy().counting.register {
            RegisterUse::Required if !are_resolved => Err(PartnerError::RegisterRequired),
            _ => Ok(()),
        }
    }

    /// Refuses house numbers where the policy does not count those, with what is said of that.
    pub(super) fn refuse_uncounted(&self, addresses: &[AddressKey], finding: &'static str) -> Result<(), PartnerError> {
        if !self.counts_house_numbers() && addresses.iter().any(|address| address.level() == Level::Number) {
            return Err(PartnerError::Level { finding });
        }
        Ok(())
    }

    /// The name of the broker's audit log since its last restore; 0 for never.
    pub(super) fn log_key(&self, restored: Timestamp) -> LogKey {
        LogKey::of(self.policy()).after_restore(restored)
    }

    /// The origin of that log.
    pub(super) fn log_origin(&self, restored: Timestamp) -> String {
        self.log_key(restored).origin().to_owned()
    }

    pub(super) fn counts_house_numbers(&self) -> bool {
        self.policy().counting.levels.contains(&Level::Number)
    }

    pub(super) fn source(&self, epoch: u32, day: Day) -> Result<&Source, PartnerError> {
        let at = self.sources.binary_search_by_key(&epoch, |(number, _)| *number);
        let source = at.ok().and_then(|at| self.sources.get(at)).map(|(_, source)| source);
        source.ok_or(PartnerError::NoEpoch { day, finding: "the secret of the epoch is missing: add it" })
    }

    /// Puts a source in place of the one that its epoch may have.
    pub(super) fn set_source(&mut self, epoch: u32, mut source: Source) {
        source.use_threads(&self.threads);
        self.sources.retain(|(number, _)| *number != epoch);
        self.sources.push((epoch, source));
        self.sources.sort_by_key(|(number, _)| *number);
    }

    /// The newest epoch that is open on `day` and has a source, and the older ones, newest first.
    pub(super) fn open_epochs(&self, day: Day) -> Result<(u32, Vec<u32>), PartnerError> {
        let open = self.open_to_it(day);
        let is_usable = |number: &u32| self.sources.iter().any(|(of, _)| of == number);
        let usable: Vec<u32> = open.iter().copied().filter(is_usable).collect();
        match usable.split_first() {
            Some((newest, older)) => Ok((*newest, older.to_vec())),
            None if open.is_empty() => Err(self.no_epoch(day)),
            None => Err(PartnerError::NoEpoch { day, finding: "the secret of the open epoch is missing: add it" }),
        }
    }

    /// The epochs, newest first, in which the partner can send what needs no secret. There is one.
    pub(super) fn epochs_without_secret(&self, day: Day) -> Result<Vec<u32>, PartnerError> {
        let open = self.open_to_it(day);
        if open.is_empty() { Err(self.no_epoch(day)) } else { Ok(open) }
    }

    /// The epochs that are open on `day` and in which its organisation takes part, newest first.
    fn open_to_it(&self, day: Day) -> Vec<u32> {
        let policy = self.policy();
        let organisation = policy.partner(self.number).map(|entry| &entry.organisation);
        let takes_part = |number| organisation.is_some_and(|organisation| policy.takes_part(organisation, number));
        let open = policy.epochs.iter().rev().filter(|epoch| epoch.is_open(day)).map(|epoch| epoch.number);
        open.filter(|number| takes_part(*number)).collect()
    }

    /// That no epoch is open to the partner on `day`, and why.
    fn no_epoch(&self, day: Day) -> PartnerError {
        let policy = self.policy();
        let finding = match () {
            () if policy.epochs.iter().any(|epoch| epoch.is_open(day)) => {
                "the organisation takes part from a later epoch on: wait for its first day"
            }
            () if policy.epochs.iter().all(|epoch| day < epoch.opens) => {
                "the first epoch has not opened yet: wait for its first day, or set the clock right"
            }
            () if policy.epochs.iter().all(|epoch| epoch.closes < day) => {
                "all epochs of the policy have closed: adopt a newer policy, or set the clock right"
            }
            () => "no epoch is open between two of the policy's: wait for the next one, or set the clock right",
        };
        PartnerError::NoEpoch { day, finding }
    }

    /// Whether an epoch that is open to the partner has no secret here.
    pub(super) fn lacks_secret(&self, epoch: u32, day: Day) -> bool {
        let policy = self.policy();
        let takes_part = policy.partner(self.number).is_some_and(|entry| policy.takes_part(&entry.organisation, epoch));
        let is_open = policy.epoch(epoch).is_some_and(|epoch| epoch.is_open(day));
        takes_part && is_open && self.sources.iter().all(|(number, _)| *number != epoch)
    }

    /// The pseudonyms of addresses, in their order; `None` where a source has to be asked for some, which are added to
    /// `missing`.
    pub(super) fn pseudonyms(
        &self,
        state: &PartnerState,
        epoch: u32,
        day: Day,
        addresses: &[AddressKey],
        missing: &mut Vec<AddressKey>,
    ) -> Result<Option<Vec<Pseudonym>>, PartnerError> {
        let source = self.source(epoch, day)?;
        if let Some(made) = source.at_once(addresses) {
            refuse_other_number(made.len(), addresses.len())?;
            return Ok(Some(made));
        }
        let kept = state.source(epoch, source.key_id());
        let missing_before = missing.len();
        let mut made = Vec::with_capacity(addresses.len());
        for address in addresses {
            match kept.and_then(|kept| kept.get(address)) {
                Some(pseudonym) => made.push(pseudonym),
                None => missing.push(*address),
            }
        }
        Ok((missing.len() == missing_before).then_some(made))
    }

    /// The key id that a message bears. What comes after a hit may come from a partner without the secret.
    fn key_id(&self, draft: &Draft<'_>, day: Day) -> Result<KeyId, PartnerError> {
        let needs_none = draft.request.kind().is_talk() || self.coordinates();
        match (self.source(draft.epoch, day), self.policy().epoch(draft.epoch)) {
            (Ok(source), _) => Ok(source.key_id()),
            (Err(_), Some(epoch)) if needs_none => Ok(epoch.key_id),
            (Err(error), _) => Err(error),
        }
    }

    /// Signs a message. `journal_head` commits to all that the journal has.
    pub(super) fn sign(
        &self,
        state: &PartnerState,
        journal_head: Digest,
        draft: &Draft<'_>,
        time: Timestamp,
    ) -> Result<SignedMessage, PartnerError> {
        self.refuse_uncertified(draft.epoch, time.day())?;
        let policy = self.policy();
        let key_id = self.key_id(draft, time.day())?;
        let header = Header {
            version: message::VERSION,
            kind: draft.request.kind(),
            consortium: policy.consortium.clone(),
            purpose: policy.purpose.clone(),
            epoch: draft.epoch,
            key_id,
            partner: self.number,
            sequence: draft.sequence,
            previous: draft.previous,
            time,
            policy: self.policy.digest(),
            context: journal_head,
            body_length: 0,
        };
        let bytes = message::sign_request(&header, draft.request, &self.key)?;
        let (part, flagged, withdrawn) = counts(draft.request);
        let head = MessageHead {
            digest: Digest::of(&[&bytes]),
            kind: header.kind,
            epoch: draft.epoch,
            key_id,
            sequence: draft.sequence,
            previous: draft.previous,
            release: state.epoch(draft.epoch).map_or(0, |epoch| epoch.release),
            part,
            flagged: draft.flagged_before + flagged,
            withdrawn,
            count: match draft.request {
                Request::Question(question) => question.pseudonyms.len() as u32,
                Request::PutForward(said) => said.rows().len() as u32,
                _ => flagged + withdrawn,
            },
            sweep: match draft.request {
                Request::Question(question) => question.sweep.clone(),
                _ => None,
            },
            journal: journal_head,
            first_line: state.first_line(&self.log_origin(state.own_lines.restored)),
            restored: state.own_lines.restored,
            accepted: state.said_accepted,
            time,
        };
        Ok(SignedMessage { head, settles: settles(draft.request), put_off: false, bytes })
    }
}

/// Of a full set in several parts which part, and of how many; how many pseudonyms are flagged, and how many withdrawn.
pub(super) fn counts(request: &Request<'_>) -> ((u16, u16), u32, u32) {
    let rows = |groups: &[Group<'_>]| groups.iter().map(|group| group.pseudonyms.len() as u32).sum();
    match request {
        Request::Delta(delta) => ((0, 0), rows(&delta.flagged), delta.withdrawn.len() as u32),
        Request::FullSet(FullSet { part, flagged, .. }) if part.of == 1 => ((0, 0), rows(flagged), 0),
        Request::FullSet(FullSet { part, flagged, .. }) => ((part.number, part.of), rows(flagged), 0),
        _ => ((0, 0), 0, 0),
    }
}

/// Whether the broker knows more of the partner's flags once it accepts a message.
fn settles(request: &Request<'_>) -> bool {
    match request {
        Request::Delta(_) => true,
        Request::FullSet(set) => set.part.number == set.part.of,
        _ => false,
    }
}

/// The roster's entry for a partner's number.
pub(super) fn entry(policy: &Policy, number: u16) -> Result<&RosterEntry, PartnerError> {
    policy.partner(number).ok_or(PartnerError::NotInRoster { number })
}

/// An error where a source gave another number of pseudonyms than it was asked for.
pub(super) fn refuse_other_number(made: usize, asked: usize) -> Result<(), PartnerError> {
    let finding = "a source of pseudonyms gave another number of them than it was asked";
    if made == asked { Ok(()) } else { Err(MessageError::Malformed { finding }.into()) }
}
