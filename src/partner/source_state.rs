//! What one source of pseudonyms made and is being asked, as the partner's state keeps it.

use std::collections::BTreeMap;

use crate::address::AddressKey;
use crate::codec::encode_fields;
use crate::day::{Day, Timestamp};
use crate::label;
use crate::pseudonym::{Pseudonym, SourceRequest};
use crate::secret::KeyId;

/// What one source made and is being asked, for one epoch.
pub(super) struct SourceState {
    pub(super) epoch: u32,
    pub(super) key_id: KeyId,
    /// The profile of the address keys that the pseudonyms are of.
    pub(super) profile: String,
    pub(super) made: BTreeMap<AddressKey, MadePseudonym>,
    /// What was begun and is not finished, by number, which is the order in which it was begun.
    pub(super) evaluations: BTreeMap<u64, Evaluation>,
    /// The number of the last evaluation that was begun.
    pub(super) begun: u64,
}

/// A pseudonym that a source made.
#[derive(Clone, Copy)]
pub(super) struct MadePseudonym {
    pub(super) pseudonym: Pseudonym,
    /// The day of the last question that needed it; `None` where only flags did.
    pub(super) asked_on: Option<Day>,
}

/// What a source is being asked at once.
pub(super) struct Evaluation {
    /// Ascending, each address once.
    pub(super) addresses: Vec<AddressKey>,
    /// The day of the question that it is for; `None` where it is for flags.
    pub(super) asked_on: Option<Day>,
    /// What the source needs to finish it.
    pub(super) pending: Vec<u8>,
    pub(super) requests: Vec<SourceRequest>,
    pub(super) not_before: Option<Timestamp>,
}

impl SourceState {
    pub(super) fn new(epoch: u32, key_id: KeyId) -> SourceState {
        let profile = label::PROFILE.to_owned();
        SourceState { epoch, key_id, profile, made: BTreeMap::new(), evaluations: BTreeMap::new(), begun: 0 }
    }

    pub(super) fn is(&self, epoch: u32, key_id: KeyId) -> bool {
        self.epoch == epoch && self.key_id == key_id && self.profile == label::PROFILE
    }

    pub(super) fn get(&self, address: &AddressKey) -> Option<Pseudonym> {
        self.made.get(address).map(|made| made.pseudonym)
    }

    pub(super) fn asked(&mut self, addresses: &[AddressKey], today: Day) {
        for address in addresses {
            if let Some(made) = self.made.get_mut(address) {
                made.asked_on = Some(today);
            }
        }
    }

    pub(super) fn begin(
        &mut self,
        addresses: Vec<AddressKey>,
        asked_on: Option<Day>,
        pending: Vec<u8>,
        requests: Vec<SourceRequest>,
    ) {
        self.begun += 1;
        let evaluation = Evaluation { addresses, asked_on, pending, requests, not_before: None };
        self.evaluations.insert(self.begun, evaluation);
    }

    pub(super) fn need(
        &mut self,
        number: u64,
        pending: Vec<u8>,
        requests: Vec<SourceRequest>,
        not_before: Option<Timestamp>,
    ) {
        if let Some(evaluation) = self.evaluations.get_mut(&number) {
            evaluation.pending = pending;
            evaluation.requests = requests;
            evaluation.not_before = not_before;
        }
    }

    pub(super) fn done(&mut self, number: u64, made: &[Pseudonym]) {
        if let Some(Evaluation { addresses, asked_on, .. }) = self.evaluations.remove(&number) {
            let made = made.iter().map(|pseudonym| MadePseudonym { pseudonym: *pseudonym, asked_on });
            self.made.extend(addresses.into_iter().zip(made));
        }
    }

    pub(super) fn is_being_asked(&self, address: &AddressKey) -> bool {
        self.evaluations.values().any(|evaluation| evaluation.addresses.binary_search(address).is_ok())
    }
}

encode_fields! { SourceState { epoch, key_id, profile, made, evaluations, begun } }

encode_fields! { MadePseudonym { pseudonym, asked_on } }

encode_fields! {
    Evaluation { addresses, asked_on, pending, requests, not_before }
    where |evaluation| evaluation.addresses.is_sorted_by(|a, b| a < b),
    else "what a source is asked is not ascending, each address once"
}
