//! What the operator does: releases, policies, purging, backups, and the log for an officer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::clock::{CLOCK_TOLERANCE, Clock, Moment, refuse_past_epochs};
use super::incoming::PolicyInForce;
use super::report::{Purge, Release, WouldEnd};
use super::rows::{Announced, PolicyRow, SilenceRow, write_row};
use super::schedule::{Due, next_due};
use super::state::{LONGEST_SILENCE, OpenEpoch};
use super::{Broker, BrokerError, BrokerKeys, folder, refuse_unfit, watch};
use crate::audit::{Event, Line, LogRow, prune_before};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::policy::{Certificate, Lang, Policy, PolicyError, PolicySignature, SignedPolicy, VETO_DAYS};
use crate::store::{BlobKeys, Key, Purged, StoreError};

impl Broker {
    /// Makes the releases that are due at `now`, closes epochs whose last day has passed, and purges what was removed.
    ///
    /// [`Broker::handle`] does the same before it looks at a message, except for the purge, so that a broker needs this
    /// once a day.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`]; [`BrokerError::Clock`] where the time is before the latest that was acted on,
    /// [`BrokerError::ClockUntrusted`] where the caller does not trust it, [`BrokerError::ClockRange`] where no clock
    /// says it, [`BrokerError::ClockAhead`] where there was no release for more than two weeks, in all times of more
    /// than three days: then see whether the clock is right, and call [`Broker::accept_clock`]. After less the broker
    /// goes on, but closes no epoch, destroys no keys, and prunes and purges nothing, until that was called:
    /// [`BrokerStatus::silence`](super::BrokerStatus::silence). So it does under a clock that
    /// [destroys](super::Destroys) less: [`BrokerStatus::held_back`](super::BrokerStatus::held_back).
    pub fn release(&self, clock: impl Into<Clock>) -> Result<Vec<Release>, BrokerError> {
        self.release_and_watch(clock.into(), false)
    }

    /// As [`Broker::release`], where there was no release for more than three days and somebody saw that the clock is
    /// right. What waited for that is closed, destroyed, pruned and purged.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`], [`BrokerError::ClockRange`], [`BrokerError::Clock`] where `now` is before the latest
    /// moment that was acted on, and [`BrokerError::ClockPastEpochs`] where it is after the policy's last epoch: then
    /// adopt a newer policy first.
    pub fn accept_clock(&self, now: Timestamp) -> Result<Vec<Release>, BrokerError> {
        self.release_and_watch(now.into(), true)
    }

    fn release_and_watch(&self, clock: Clock, accept_clock: bool) -> Result<Vec<Release>, BrokerError> {
        self.watch.tell(clock.now);
        let released = self.release_if(clock, accept_clock);
        match &released {
            Ok(_) => {
                if accept_clock {
                    self.watch.tell_certain(true);
                }
                self.watch.clock_is_right();
                self.watch.was_kept();
                self.watch.change();
            }
            Err(error) => self.note_fault(error),
        }
        self.settle();
        released
    }

    /// The next moment at which [`Broker::release`] has something to do; each release, opening or end of an epoch and
    /// checkpoint is at one. In the past where something waits.
    pub fn next_due(&self) -> Timestamp {
        let in_force = self.in_force();
        self.database.inspect(|state| next_due(in_force.policy(), state))
    }

    /// The latest checkpoint of the log, as it was signed: that of the day, which is signed now where it was not yet.
    ///
    /// What else is due is done first, as before a message. Where the clock is in doubt, only the log's day ends.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`], [`BrokerError::System`]; [`BrokerError::LogBehind`] where nothing is signed under the
    /// policy's `log_origin`.
    pub fn checkpoint(&self, clock: impl Into<Clock>) -> Result<Vec<u8>, BrokerError> {
        let moment = self.read_clock(clock.into());
        let transaction = self.database.begin_after_release()?;
        let in_force = self.in_force();
        let now = moment.after_wait(&transaction).now;
        let upkeep = self.upkeep(&in_force, now, moment.certain);
        let transaction = if moment.in_doubt { upkeep.sign_day(transaction)? } else { upkeep.catch_up(transaction)?.0 };
        let name = transaction.log.name(in_force.policy());
        let origin = name.origin().to_owned();
        let refusal = self.keys.signed_logs().refusal(name.origin(), &transaction.log.tree);
        let latest = transaction.log.last_signed(&origin).map(|_| transaction.log.checkpoint.clone());
        transaction.commit()?;
        self.settle();
        match (refusal, latest) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(checkpoint)) => Ok(checkpoint),
            (None, None) => {
                let finding = "no checkpoint could be signed, as the broker's status says".into();
                Err(BrokerError::LogBehind { origin, finding })
            }
        }
    }

    /// Looks whether the clock is in doubt, and does nothing else.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Clock`], [`BrokerError::ClockAhead`], [`BrokerError::ClockUntrusted`] and
    /// [`BrokerError::ClockRange`], as of [`Broker::release`].
    pub fn check_clock(&self, clock: impl Into<Clock>) -> Result<(), BrokerError> {
        let clock = clock.into();
        self.database.inspect(|state| clock.judge(state)).map(drop)
    }

    /// What [`Broker::accept_clock`] would end and destroy at `now`, for whoever is to say that the clock is right.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::accept_clock`].
    pub fn would_end(&self, now: Timestamp) -> Result<WouldEnd, BrokerError> {
        let state = self.database.begin_after_release()?;
        let in_force = self.in_force();
        let now = Clock::from(now).judge_accepted(&state, in_force.policy())?;
        let (flags, epochs) = self.confirmed_upkeep(&in_force, now).would_end(&state);
        let lines = self.lines_to_prune(&state, prune_before(now.day(), in_force.policy().retention.log_days))?;
        Ok(WouldEnd { flags, epochs, lines: lines.end - lines.start })
    }

    fn release_if(&self, clock: Clock, accept_clock: bool) -> Result<Vec<Release>, BrokerError> {
        let certain = if accept_clock { clock.now.day() } else { self.certain(clock) };
        let mut transaction = self.database.begin_after_release()?;
        let in_force = self.in_force();
        let now = match accept_clock {
            true => clock.judge_accepted(&transaction, in_force.policy())?,
            false => clock.judge(&transaction)?,
        };
        let upkeep = if accept_clock {
            let silent_since = transaction.silence_at(now).map(|SilenceRow { since, .. }| since);
            let uncertain = self.watch.is_uncertain().then(|| transaction.latest_moment());
            if let Some(last) = silent_since.or(uncertain) {
                transaction.record(now, in_force.digest(), Event::ClockAccepted { last })?;
            }
            self.confirmed_upkeep(&in_force, now)
        } else {
            self.upkeep(&in_force, now, certain)
        };
        let (transaction, releases) = upkeep.catch_up(transaction)?;
        let (any_removed, is_silent) = (transaction.unpurged > 0, transaction.silence.is_some());
        transaction.commit()?;
        let may_destroy = !is_silent && certain >= clock.now.day();
        if may_destroy && (self.prune_log(now)? || any_removed) {
            self.purge_at(now)?;
        }
        Ok(releases)
    }

    /// Writes what counts to fresh files, so that nothing that ended, was withdrawn or belonged to a closed epoch is
    /// left in the store's files. It promises nothing of what a disk, a snapshot or a backup remembers.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::release`]: while the clock is in doubt, nothing is erased; and
    /// [`BrokerError::ClockUnconfirmed`] until a person said after a long silence that it is right;
    /// [`BrokerError::ClockUncertain`] where the caller is not sure enough of it, also after
    /// [`Broker::accept_clock`], which purges what waited by itself.
    pub fn purge(&self, clock: impl Into<Clock>) -> Result<Purge, BrokerError> {
        let clock = clock.into();
        let certain = self.certain(clock);
        let now = self.database.begin().map_err(BrokerError::from).and_then(|state| {
            let now = clock.judge(&state)?;
            if certain < clock.now.day() {
                return Err(BrokerError::ClockUncertain { now });
            }
            state
                .silence_at(now)
                .map_or(Ok(now), |SilenceRow { since, .. }| Err(BrokerError::ClockUnconfirmed { since }))
        });
        self.purge_at(now.inspect_err(|error| self.note_fault(error))?)
    }

    fn purge_at(&self, now: Timestamp) -> Result<Purge, BrokerError> {
        // Another purge would count the same rows.
        let _purging = self.purging.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = self.database.begin()?;
        transaction.flush()?;
        // What others remove from now on may stay in the files until the next purge.
        let rows = transaction.unpurged;
        drop(transaction);
        // A store that has no files of its own leaves nothing in them.
        let upkeep = self.database.store().upkeep();
        let purged = upkeep.map_or(Ok(Purged::default()), |upkeep| upkeep.purge())?;
        let mut transaction = self.database.begin()?;
        let (state, change) = transaction.change();
        state.count_purged(rows, change);
        let bytes = purged.before.saturating_sub(purged.after);
        transaction.record(now, self.in_force().digest(), Event::Purge { flags: rows, bytes })?;
        transaction.commit()?;
        Ok(Purge { rows, bytes_before: purged.before, bytes_after: purged.after })
    }

    /// Puts the policy in the file `policy` in the place of the one in force, and says what changes, in plain English.
    ///
    /// The flags of partners that left the roster end with this, and what a partner may see changes with this. Of the
    /// certificates those are left that hold under the newer policy, and those beside its file come to them.
    ///
    /// # Errors
    ///
    /// Those of [`SignedPolicy::succeed`](crate::SignedPolicy::succeed); [`BrokerError::PolicyOperator`],
    /// [`PolicyError::PolicyNotYet`], [`BrokerError::Clock`], [`BrokerError::ClockAhead`], [`BrokerError::ClockRange`],
    /// [`BrokerError::Store`], [`BrokerError::System`].
    pub fn adopt_policy(&self, policy: &Path, clock: impl Into<Clock>) -> Result<Vec<String>, BrokerError> {
        let (newer, text) = Policy::read_with_text(policy)?;
        let signatures = self.signatures_of(policy, &newer)?;
        let beside = Certificate::read_beside(policy)?;
        let mut clock = clock.into();
        let (said, certain) = (clock.now, self.certain(clock));
        let (mut transaction, old, signed, now) = loop {
            let transaction = self.database.begin_after_release()?;
            let old = self.in_force();
            let signed = old.signed.succeed(newer.clone(), &signatures)?;
            let now = match clock.judge(&transaction) {
                // Nobody can accept a clock there before a newer policy is adopted. So that is done at the latest
                // moment that was acted on, and the clock stays in doubt.
                Err(BrokerError::ClockAhead { now, .. }) if refuse_past_epochs(old.policy(), now).is_err() => {
                    refuse_past_epochs(&newer, now)?;
                    transaction.latest_moment()
                }
                judged => judged?,
            };
            refuse_unfit(&signed, &self.keys, now.max(said))?;
            refuse_unannounced(&signed, old.row.announced, now.day())?;
            let (transaction, _) = self.upkeep(&old, now, certain).catch_up(transaction)?;
            // While a release was made, another thread may have adopted a policy, or, if the state was read anew
            // meanwhile, begun a release that would take the place of those made below, or acted on a later day.
            clock.now = transaction.not_before_latest(now);
            let is_same_day = clock.now.day() == now.day();
            if is_same_day && self.is_in_force(&old) && !transaction.is_release_in_progress() {
                let now = clock.now;
                let epochs = &transaction.epochs;
                let has_released = |number| epochs.get(&number).is_some_and(|epoch| epoch.row.waits_since.is_none());
                old.signed.refuse_late(&newer, now.day(), has_released)?;
                break (transaction, old, signed, now);
            }
        };
        if let Some(folder) = &self.folder {
            folder::keep_policy(&folder::policy_path(folder, signed.policy().version), &text, &signatures)?;
        }
        let mut differences = old.signed.policy().difference(signed.policy(), Lang::En);
        let open = signed.policy().epochs.iter().filter(|epoch| epoch.is_open(now.day()));
        let stay_closed = open.filter(|epoch| self.keys.is_destroyed(epoch.number));
        differences.extend(stay_closed.map(|epoch| {
            format!("Epoch {} stays closed here all the same, because its keys are destroyed.", epoch.number)
        }));
        let lowered = signed.policy().counting.threshold < old.policy().counting.threshold;
        let (version, digest) = (signed.policy().version, signed.digest());
        let previous = (!lowered).then_some(old.row.digest);
        let row = PolicyRow { version, digest, previous, adopted: now, announced: None };
        let certificates = old.certificates.under(signed.policy(), &beside);
        let newer = Arc::new(PolicyInForce { signed, row, certificates });
        transaction.change().1.rows.push((Key::Policy, Some(write_row(&newer.row))));
        let adopted = Event::PolicyAdopted { version, previous: Some(old.row.digest) };
        transaction.record(now, digest, adopted)?;
        transaction.change_certificates(now, &newer, &old.certificates)?;
        let (state, change) = transaction.change();
        state.forget_leavers(newer.policy(), now.day(), change);
        let epochs: Vec<_> = transaction.epochs.keys().copied().collect();
        for number in epochs {
            // Under the newer rules no moment before them is looked at.
            let due = Due { as_of: now, full: false, considered: now };
            self.upkeep(&newer, now, certain).release_now(&mut transaction, number, due)?;
        }
        // Nobody decides under the newer policy before it is kept, because that takes a transaction.
        transaction.flush()?;
        self.put_in_force(&newer);
        // Under a new name or key the log has no checkpoint yet, and partners look for one.
        let (transaction, _) = self.upkeep(&newer, now, certain).catch_up(transaction)?;
        transaction.commit()?;
        self.watch.change();
        self.settle();
        Ok(differences)
    }

    /// Keeps a certificate or a suspension of a partner: `false` where it was kept before. It may be kept before its
    /// first day, and before its epoch opens.
    ///
    /// From its first day on the partner's messages in that epoch must be signed with its key; a suspended partner's
    /// are rejected, and its flags there end with the next release, at the latest at the turn of the day.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Certificate`] where it does not hold under the policy in force, where its serial is not above
    /// those that are kept, or where it names another seal key than they do; [`BrokerError::Store`],
    /// [`BrokerError::System`].
    pub fn keep_certificate(&self, certificate: &Certificate, clock: impl Into<Clock>) -> Result<bool, BrokerError> {
        // Whatever is wrong with the clock, a stolen key is to be stopped.
        let Moment { now, .. } = self.read_clock(clock.into());
        // A release that is being made knows nothing of it, and would put what it was made from in its place.
        let mut transaction = self.database.begin_after_release()?;
        let now = transaction.not_before_latest(now);
        let old = self.in_force();
        let mut newer = (*old).clone();
        if !newer.certificates.keep(certificate, old.policy())? {
            return Ok(false);
        }
        transaction.change_certificates(now, &newer, &old.certificates)?;
        // Nobody decides under it before it is kept, because that takes a transaction.
        transaction.flush()?;
        self.put_in_force(&Arc::new(newer));
        Ok(true)
    }

    /// Announces a version for a lost policy key: a line of the log names it. The first day on which it can be adopted,
    /// which is 30 days later. What was announced before stays so; of two such versions the one announced last counts.
    ///
    /// # Errors
    ///
    /// Those of [`SignedPolicy::succeed`](crate::SignedPolicy::succeed), and [`PolicyError::PolicySuccessor`] where no
    /// key is said to be lost; [`BrokerError::Clock`], [`BrokerError::ClockAhead`], [`BrokerError::ClockRange`],
    /// [`BrokerError::ClockUntrusted`], [`BrokerError::Store`], [`BrokerError::System`].
    pub fn announce_policy(&self, policy: &Path, clock: impl Into<Clock>) -> Result<Day, BrokerError> {
        let (newer, text) = Policy::read_with_text(policy)?;
        let signatures = self.signatures_of(policy, &newer)?;
        let mut transaction = self.database.begin()?;
        let old = self.in_force();
        let newer = old.signed.succeed(newer, &signatures)?;
        let Some(unsigned) = newer.policy().lost_key() else {
            let finding = "it replaces no lost policy key, and so needs no announcement: adopt it".into();
            return Err(PolicyError::PolicySuccessor { finding }.into());
        };
        let now = clock.into().judge(&transaction)?;
        // Those whose key is said to be lost must be able to see what is to come.
        if let Some(folder) = &self.folder {
            folder::keep_policy(&folder::announced_path(folder, newer.digest()), &text, &signatures)?;
        }
        if let Some(announced) = old.row.announced.filter(|announced| announced.version == newer.digest()) {
            return Ok(announced.on.plus(VETO_DAYS));
        }
        let mut announced = (*old).clone();
        announced.row.announced = Some(Announced { version: newer.digest(), on: now.day() });
        let event = Event::PolicyAnnounced {
            version: newer.policy().version,
            announced: newer.digest(),
            organisation: unsigned.organisation.clone(),
        };
        transaction.change().1.rows.push((Key::Policy, Some(write_row(&announced.row))));
        transaction.record(now, old.digest(), event)?;
        transaction.flush()?;
        self.put_in_force(&Arc::new(announced));
        Ok(now.day().plus(VETO_DAYS))
    }

    /// The signatures and vetoes beside a version, and the vetoes that were kept before.
    fn signatures_of(&self, path: &Path, newer: &Policy) -> Result<Vec<PolicySignature>, BrokerError> {
        let mut signatures = PolicySignature::read_beside(path)?;
        if let Some(folder) = &self.folder {
            signatures.extend(PolicySignature::kept_vetoes(&folder::policies(folder), newer.previous)?);
        }
        Ok(signatures)
    }

    /// Keeps an organisation's veto of the versions that follow the policy in force and say that its key is lost. Such
    /// a version is then refused.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where it is no veto over the policy in force, by a policy key of that, and of a
    /// broker in memory; [`BrokerError::System`].
    pub fn keep_veto(&self, veto: &Path) -> Result<(), BrokerError> {
        let veto = PolicySignature::read_veto(veto, self.in_force().policy())?;
        let Some(folder) = &self.folder else {
            let finding = "a broker in memory keeps no veto: lay it beside the version".into();
            return Err(PolicyError::PolicySignature { finding }.into());
        };
        Ok(veto.keep_veto(&folder::policies(folder))?)
    }

    /// Copies the store and the policies to the folder `to`, which must not hold a broker, while the broker goes on.
    ///
    /// The keys are not in the copy: without them it opens nothing. The store gets its name last, so that what was
    /// broken off is no copy, and this can be called again.
    ///
    /// Nothing in it waits for a clock that is right. Where it is in doubt, the line in the log bears the latest moment
    /// that was acted on, and [`BrokerStatus::last_fault`](super::BrokerStatus::last_fault) says what is wrong.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`], [`BrokerError::System`].
    pub fn backup(&self, to: &Path, clock: impl Into<Clock>) -> Result<(), BrokerError> {
        let Moment { now, .. } = self.read_clock(clock.into());
        let upkeep = self.database.store().upkeep().ok_or_else(|| StoreError::Store {
            path: to.into(),
            finding: "a broker in memory has nothing on disk to copy".into(),
        })?;
        folder::begin_backup(to)?;
        upkeep.backup(&folder::making(to))?;
        // After the store, so that the policy that it names is among them, whatever is adopted meanwhile.
        if let Some(folder) = &self.folder {
            folder::copy_policies(folder, to)?;
        }
        folder::name_backup(to)?;
        let mut transaction = self.database.begin()?;
        let (state, change) = transaction.change();
        state.log.row.backed_up = Some(now);
        state.log.keep(change);
        transaction.record(now, self.in_force().digest(), Event::Backup)?;
        transaction.commit()?;
        self.watch.change();
        self.settle();
        Ok(())
    }

    /// Puts the copy in the folder `from` in the place of a store that was lost: in `folder`, which must not hold a
    /// broker.
    ///
    /// What partners said since the copy is not in it. So the broker counts each partner again only when its full set
    /// has come, and says so to each; numbers of releases go on after those of the lost store. Where a checkpoint was
    /// signed after the copy, the log cannot be signed on under its name:
    /// [`BrokerStatus::log_behind`](super::BrokerStatus::log_behind) says so. An attempt that breaks off leaves no
    /// broker, and this can be called again.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::open`]; [`BrokerError::Store`] where there is a broker in `folder`;
    /// [`BrokerError::ClockRange`]; [`BrokerError::Clock`] where `now` is before the latest moment that the copy acted
    /// on, or before another restore; [`BrokerError::ClockAheadOfCopy`] where it is more than three days after that:
    /// then see whether the clock is right, and call [`Broker::restore_under`];
    /// [`BrokerError::ClockPastEpochs`] where all epochs of the copy's policy are over.
    pub fn restore(from: &Path, folder: &Path, keys: BrokerKeys, now: Timestamp) -> Result<Broker, BrokerError> {
        Broker::restore_if(from, folder, keys, now, None)
    }

    /// As [`Broker::restore`], where the copy is older than three days and somebody saw that the clock is right. A
    /// wrong one would destroy the keys of epochs that are not over.
    ///
    /// Where all epochs of the copy's policy are over, as many of the versions in the files `newer`, the oldest first,
    /// are adopted as it takes until one has an epoch that is not; the others are to be adopted afterwards.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::restore`], but [`BrokerError::ClockAheadOfCopy`], and of [`Broker::adopt_policy`].
    pub fn restore_under(
        from: &Path,
        folder: &Path,
        keys: BrokerKeys,
        newer: &[PathBuf],
        now: Timestamp,
    ) -> Result<Broker, BrokerError> {
        Broker::restore_if(from, folder, keys, now, Some(newer))
    }

    fn restore_if(
        from: &Path,
        folder: &Path,
        keys: BrokerKeys,
        now: Timestamp,
        accepted: Option<&[PathBuf]>,
    ) -> Result<Broker, BrokerError> {
        let keys = Arc::new(keys);
        folder::refuse_incomplete(from)?;
        let _making = folder::begin(folder)?;
        folder::copy(from, folder)?;
        let copy = Broker::open_with(&folder::making(folder), keys.clone())?;
        let mut policy = copy.in_force().policy().clone();
        let mut to_adopt = Vec::new();
        for path in accepted.unwrap_or_default() {
            let newer = Policy::read(path)?;
            if refuse_past_epochs(&policy, now).is_err() && newer.version > policy.version {
                policy = newer;
                to_adopt.push(path);
            }
        }
        // First the log has the restore: what is signed from then on is signed under a name of its own.
        copy.recover(now, accepted.is_some(), &policy)?;
        for path in to_adopt {
            copy.adopt_policy(path, now)?;
        }
        let fault = copy.last_fault().take();
        drop(copy);
        folder::put_in_place(folder)?;
        // What stood of the store that was lost is over.
        watch::forget(folder);
        let broker = Broker::open_with(folder, keys)?;
        // Only the copy's opening said which epochs were dropped.
        *broker.last_fault() = fault;
        broker.note_restore();
        Ok(broker)
    }

    /// Notes beside the keys that there is a log of this name, so that another restore, of the same copy too, has a
    /// later moment.
    fn note_restore(&self) {
        let name = self.database.inspect(|state| state.log.name(self.in_force().policy()));
        if let Err(error) = self.keys.signed_logs().begin(name.origin()) {
            self.note_fault(&error.into());
        }
    }

    /// Notes that the store was restored: each partner counts again when its full set has come.
    /// `policy` is the one that is in force afterwards.
    pub(super) fn recover(&self, now: Timestamp, accept_clock: bool, policy: &Policy) -> Result<(), BrokerError> {
        let in_force = self.in_force();
        let mut transaction = self.database.begin()?;
        let now = Clock::from(now).judge_accepted(&transaction, policy)?;
        let latest = transaction.latest_moment();
        // The copy may be older than another restore. Partners were told of that one, and its log was signed.
        let restored_before = self.keys.signed_logs().latest_restore(&in_force.policy().operator.log_origin);
        let restored_before = restored_before.max(Some(transaction.log.restored)).unwrap_or_default();
        if restored_before.since(now) > CLOCK_TOLERANCE {
            return Err(BrokerError::Clock { now, latest: restored_before });
        }
        let is_ahead = now.since(latest) > LONGEST_SILENCE;
        if is_ahead && !accept_clock {
            return Err(BrokerError::ClockAheadOfCopy { now, latest });
        }
        let days_lost = now.day().0.saturating_sub(latest.day().0);
        let origin = transaction.log.name(in_force.policy()).origin().to_owned();
        let last = self.keys.signed_logs().last(&origin).or_else(|| transaction.log.last_signed(&origin));
        transaction.record(now, in_force.digest(), Event::Restore { last })?;
        if accept_clock {
            let (state, change) = transaction.change();
            state.keep_silence(None, change);
        }
        if is_ahead {
            transaction.record(now, in_force.digest(), Event::ClockAccepted { last: latest })?;
        }
        let destroyed: Vec<u32> =
            transaction.epochs.keys().copied().filter(|number| self.keys.is_destroyed(*number)).collect();
        for epoch in destroyed {
            let (state, change) = transaction.change();
            state.remove_epoch(in_force.policy(), epoch, now.day(), change);
            transaction.record(now, in_force.digest(), Event::EpochClosed { epoch })?;
        }
        let (state, change) = transaction.change();
        state.forget_partners(change);
        state.recover_meet(change);
        state.restore_budgets(in_force.policy(), days_lost, change);
        // A log of its own, so also where two restores fall on one second.
        state.log.restored = Timestamp(now.0.max(restored_before.0 + 1));
        change.rows.push((Key::Restored, Some(write_row(&state.log.restored))));
        state.count_removed(state.epochs.values().map(OpenEpoch::stored_rows).sum(), change);
        for (number, epoch) in &mut state.epochs {
            epoch.recover(*number, now, change);
        }
        Ok(transaction.commit()?)
    }

    /// Shows the lines of the log, from the first on, with the hashes of those that were pruned.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`], and those of `visit`.
    pub fn log_rows(&self, mut visit: impl FnMut(u64, &LogRow) -> Result<(), BrokerError>) -> Result<(), BrokerError> {
        let store = self.database.store();
        let leaves = store.leaves()?;
        let end = leaves.len() as u64;
        let mut lines = store.lines(0..end)?.into_iter().peekable();
        for (index, leaf) in (0..).zip(leaves) {
            let row = match lines.next_if(|(at, _)| *at == index) {
                Some((_, bytes)) => LogRow::Line(
                    Line::parse(&bytes)
                        .map_err(|_| StoreError::StoreDamaged { finding: "a line of its log is damaged" })?,
                ),
                None => LogRow::Pruned(Digest(leaf)),
            };
            visit(index, &row)?;
            // The store gives a few lines at a time.
            if lines.peek().is_none() {
                lines = store.lines(index + 1..end)?.into_iter().peekable();
            }
        }
        Ok(())
    }

    /// The checkpoints that were signed, one a day, from the first on.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Store`].
    pub fn checkpoints(&self) -> Result<Vec<Vec<u8>>, BrokerError> {
        let rows = self.database.store().rows()?.into_iter();
        Ok(rows.filter_map(|(key, value)| matches!(key, Key::Checkpoint(_)).then_some(value)).collect())
    }
}

/// Refuses a version for a lost policy key that the log has not announced for as long as its organisation may veto. The
/// day that the version itself names is the word of those who signed it.
fn refuse_unannounced(newer: &SignedPolicy, announced: Option<Announced>, today: Day) -> Result<(), PolicyError> {
    let Some(unsigned) = newer.policy().lost_key() else { return Ok(()) };
    match announced.filter(|announced| announced.version == newer.digest()) {
        Some(announced) if today < announced.on.plus(VETO_DAYS) => {
            Err(PolicyError::PolicyNotYet { valid_from: announced.on.plus(VETO_DAYS), today })
        }
        Some(_) => Ok(()),
        None => Err(PolicyError::PolicySuccessor {
            finding: format!(
                "the log has not announced that '{}' is said to have lost its policy key: run `stapel broker \
                 announce`, and adopt it {VETO_DAYS} days later",
                unsigned.organisation
            ),
        }),
    }
}
