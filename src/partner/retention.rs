//! What a partner no longer need keep: the secrets of epochs that are over, and the first records of its journal.

use super::error::PartnerError;
use super::journal::JournalBase;
use super::record::JournalEvent;
use super::{Case, Partner};
use crate::audit::prune_before;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;

/// What went with an epoch that was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForgottenEpoch {
    /// Whether its secret was there.
    pub secret: bool,
    /// Whether its seal key was.
    pub seal: bool,
}

/// The records that a journal no longer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrunedJournal {
    /// How many there were, of all times that it was pruned.
    pub records: u64,
    /// The time of the first.
    pub from: Timestamp,
    /// The time of the last.
    pub to: Timestamp,
    /// The chain's head after the last, which is that before the first record that is there.
    pub head: Digest,
}

/// Something that was removed because it need not be kept any longer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removal {
    /// When.
    pub time: Timestamp,
    /// Who did it, and for which case.
    pub by: Option<Case>,
    /// What went.
    pub removed: Removed,
}

/// What was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removed {
    /// The journal's first records: how many at that time, and the time of the last.
    Records {
        /// How many.
        records: u64,
        /// The time of the last.
        to: Timestamp,
    },
    /// The secrets of an epoch.
    Epoch(u32),
}

impl Partner {
    /// The epochs that are over on `today`, or that the policy has no more, and of which the folder still has secrets:
    /// [`Partner::forget_epoch`] removes them.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn retired_epochs(&self, today: Day) -> Result<Vec<u32>, PartnerError> {
        let mut epochs: Vec<u32> = self.data.folder().epochs_with_secrets()?.into_iter().collect();
        epochs.retain(|epoch| self.refuse_needed(*epoch, today).is_ok());
        Ok(epochs)
    }

    /// Removes the secret and the seal key of an epoch that is over: whoever gets hold of the folder later then has no
    /// pseudonyms of it, and can read nothing that was sealed to the partner in it. The journal has who did it. Copies
    /// of the folder, and the file in which the secret came, are somebody else's to destroy.
    ///
    /// What the broker was not told in the epoch, such as withdrawals, it cannot be told any more since the epoch
    /// closed; it destroys what it has of an epoch then. A message in flight may still be replied to, and is waited
    /// for.
    ///
    /// # Errors
    ///
    /// [`PartnerError::EpochInUse`] where the epoch is not over, or messages of it are in flight;
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`]; [`SystemError::Io`](crate::SystemError::Io): what is
    /// still there then, [`Partner::retired_epochs`] says.
    pub fn forget_epoch(&mut self, epoch: u32, by: &Case, now: Timestamp) -> Result<ForgottenEpoch, PartnerError> {
        let today = self.data.at(now)?.day();
        self.refuse_needed(epoch, today)?;
        let (secret, seal) = self.data.folder().has_secrets(epoch)?;
        if !secret && !seal {
            return Ok(ForgottenEpoch::default());
        }
        // Before they go, so that none goes that the journal does not have.
        self.data.record(now, Some(by), JournalEvent::EpochForgotten { epoch, secret, seal })?;
        self.member.sources.retain(|(number, _)| *number != epoch);
        self.data.folder().remove_secrets(epoch)?;
        Ok(ForgottenEpoch { secret, seal })
    }

    /// An error where an epoch's secrets may still be needed.
    fn refuse_needed(&self, epoch: u32, today: Day) -> Result<(), PartnerError> {
        let policy = self.member.policy();
        let in_use = |finding| Err(PartnerError::EpochInUse { epoch, finding });
        match policy.epoch(epoch) {
            Some(known) if known.closes >= today => return in_use(format!("it closes on {}", known.closes)),
            None if policy.epochs.iter().all(|known| known.number < epoch) => {
                return in_use("the policy does not have it yet, and a newer one may".into());
            }
            _ => {}
        }
        if self.data.state().messages().any(|message| message.head.epoch == epoch) {
            return in_use("messages of it wait for their replies: read these, or give the messages up".into());
        }
        Ok(())
    }

    /// Removes the first records of the journal: those older than the policy's `log_days`, or than `days` where the
    /// partner's own rules have it keep more. No record goes of a day on which a flag that stands, or ended within
    /// 30 days, was first set, nor of a question that waits for its answer or whose answer stays, nor what came after
    /// those.
    ///
    /// A conversation goes with the last record that is about it, and what was said in it.
    ///
    /// The journal itself has who did it, how many records, of which times, and the chain's head after them. Links and
    /// numbers stay as they were, so that the heads that messages named can be shown as before. `None` where there was
    /// nothing to remove.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] for fewer `days` than the policy's; [`PartnerError::Clock`],
    /// [`PartnerError::ClockAhead`]; [`PartnerError::JournalDamaged`]; [`SystemError::Io`](crate::SystemError::Io):
    /// then what was to go may be there or gone, and the journal may say that it was to go: do it again.
    pub fn prune_journal(
        &mut self,
        days: Option<u16>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Option<PrunedJournal>, PartnerError> {
        let least = self.member.policy().retention.log_days;
        let days = days.unwrap_or(least);
        if days < least {
            let finding = format!("the policy has logs kept for {least} days (retention.log_days): prune no sooner");
            return Err(PartnerError::NotPermitted { finding });
        }
        let today = self.data.at(now)?.day();
        let state = self.data.state();
        let known = state.flags.rows().iter().chain(state.ended.rows());
        let known = known.filter(|flag| !flag.last_day.is_forgotten(today)).map(|flag| flag.first_day);
        let before = known.min().into_iter().fold(prune_before(today, days), Day::min);
        let asked = state.questions.iter().map(|question| question.record).min().unwrap_or(u64::MAX);
        let pruned = self.data.prune(by, now, |number, time| time.day() < before && number < asked)?;
        Ok(pruned.map(|base| base.pruned()))
    }

    /// What was removed and when, oldest first, as far as the journal still has that it was. To look at it is no act
    /// that the journal has: it is about no address.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn removals(&self) -> Result<Vec<Removal>, PartnerError> {
        let mut removals = Vec::new();
        self.data.journal().read(|_, record| {
            let removed = match record.event {
                JournalEvent::Pruned { records, to, .. } => Removed::Records { records, to },
                JournalEvent::EpochForgotten { epoch, .. } => Removed::Epoch(epoch),
                _ => return,
            };
            removals.push(Removal { time: record.time, by: record.by, removed });
        })?;
        Ok(removals)
    }

    /// The records that the journal no longer has; `None` where it has all.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn pruned(&self) -> Result<Option<PrunedJournal>, PartnerError> {
        Ok(self.data.journal().base()?.map(|base| base.pruned()))
    }
}

impl JournalBase {
    fn pruned(&self) -> PrunedJournal {
        let JournalBase { position, from, to, .. } = self;
        PrunedJournal { records: position.records, from: *from, to: *to, head: position.head }
    }
}
