//! What each record of the journal changes in the partner's state.

use super::flags::{Flag, Holds, Row, Undelivered};
use super::own_lines::OwnLine;
use super::record::{CheckpointOutcome, JournalEvent, JournalRecord, ReplyRecord, Series, StatusRecord};
use super::sent::{End, MessageHead, PastMessage, SignedMessage};
use super::state::{EpochState, LatestReceipt, MAX_PAST, PartnerState, SeenRelease, Stacked, raise};
use super::talk::record::TalkEvent;
use super::talk::state::SaidOn;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::message::{Code, Kind, LogEntry, Standing};

impl PartnerState {
    /// Applies a record that came after this snapshot.
    pub(super) fn replay(&mut self, number: u64, record: &JournalRecord) {
        self.apply(number, record);
        if let JournalEvent::Delivering { messages, .. } = &record.event {
            // Their bytes are not in the snapshot: a crash came before they were handed out, or the snapshot is an old
            // one.
            let highest = messages.iter().map(|message| message.number).max();
            self.lost = self.lost.max(highest.unwrap_or(0));
        }
    }

    /// Applies a record. All that journal and state have in common goes this way, when it happens and when it is read
    /// back.
    pub(super) fn apply(&mut self, number: u64, record: &JournalRecord) {
        let today = record.time.day();
        self.latest = record.time;
        self.expire(today);
        let went_back = record.event.reply().is_some_and(|reply| reply.went_back);
        if let Some(ReplyRecord { origin, log, went_back, day, told, .. }) = record.event.reply()
            && log.is_line()
        {
            let is_restored = log.restored > self.own_lines.restored;
            if is_restored || *went_back {
                // What it said before is forgotten.
                self.said_accepted = 0;
            }
            if is_restored && !*went_back {
                // In each epoch it waits for a full set, also where there is nothing else to say. The first one that it
                // accepts follows nothing.
                self.accepted = 0;
                self.epochs.iter_mut().for_each(|epoch| epoch.undelivered.forget(&self.flags));
            }
            let line = OwnLine { index: log.index, leaf: log.leaf, record: number, day: *day, told: *told };
            self.own_lines.note(origin, log.restored, *went_back, line);
        }
        let record_number = number;
        // A reply of before the latest restore came late, and the broker forgot what it says.
        let restored = self.own_lines.restored;
        let is_current = went_back || record.event.reply().is_none_or(|reply| reply.log.restored >= restored);
        match &record.event {
            JournalEvent::Flagged { flags, typed, .. } => {
                self.flag(flags);
                self.typed.take_flagged(typed, &self.flags);
            }
            JournalEvent::Withdrawn { homes } => self.withdraw(homes, today),
            JournalEvent::Replaced { shrink, added, withdrawn, typed } => {
                self.withdraw(withdrawn, today);
                self.flag(added);
                self.typed.take_flagged(typed, &self.flags);
                self.unknown_since = self.unknown_since.filter(|_| !shrink);
                for undelivered in self.epochs.iter_mut().flat_map(EpochState::each_undelivered) {
                    undelivered.full_set = true;
                    undelivered.unknown_flags &= !shrink;
                }
            }
            JournalEvent::Shortened { flags, ended } => {
                self.withdraw(ended, today);
                self.flag(flags);
            }
            JournalEvent::Delivering { messages, .. } => {
                let numbers = || messages.iter().map(|message| message.number);
                if let (Some(first), Some(last)) = (numbers().min(), numbers().max()) {
                    self.state_used = self.state_used.max(last);
                    self.note_made((first, last));
                }
            }
            JournalEvent::Asking { number, .. } => self.question_used = self.question_used.max(*number),
            JournalEvent::Accepted { epoch, number, release, reply, .. } => {
                self.see_release(*epoch, *release, went_back);
                let is_latest = self.receipt.as_ref().is_none_or(|latest| reply.log.is_after(&latest.log));
                if reply.log.is_line() && is_latest {
                    self.receipt = Some(LatestReceipt { log: reply.log, bytes: reply.bytes.clone() });
                }
                if reply.log.restored == self.own_lines.restored {
                    self.said_accepted = self.said_accepted.max(*number);
                }
                if !is_current {
                    // The message stays in flight, if it is, and is sent again.
                } else if self.chain.iter().any(|message| message.head.sequence == *number) {
                    self.accept_through(*number);
                } else if let Some(past) = self.past_mut(Series::State, *number, End::Implied) {
                    past.end = End::Read;
                } else {
                    if *number > self.accepted {
                        // It was given up, or is read back into an older snapshot: what it said is no longer known.
                        self.accept_unknown(*number);
                        self.epoch_mut(*epoch).delivered = true;
                    }
                    if let Some(past) = self.past_mut(Series::State, *number, End::Dropped) {
                        past.end = End::Read;
                    }
                }
            }
            JournalEvent::Answered { asking, answer, standings, .. } => {
                // One that came after a later one, also of another epoch, is told, and says nothing of how it is now.
                let is_latest = went_back
                    || (self.epoch(answer.epoch).is_none_or(|it| it.release <= answer.release)
                        && self.stacked_as_of <= answer.as_of);
                self.see_release(answer.epoch, answer.release, went_back);
                if is_latest {
                    self.seen = Some(SeenRelease {
                        read: record.time,
                        epoch: answer.epoch,
                        number: answer.release,
                        as_of: answer.as_of,
                        until: answer.until,
                        organisations: answer.organisations,
                        fresh: answer.fresh,
                    });
                }
                if let Some(at) = self.questions.iter().position(|question| question.record == *asking) {
                    let question = self.questions.remove(at);
                    if is_latest {
                        // At most now: a broker that names a day to come must not have all later answers ignored.
                        self.stacked_as_of = answer.as_of.min(record.time);
                        self.learn(record_number, &question.addresses, standings);
                    }
                    self.remember(question.message.head, End::Read);
                }
            }
            JournalEvent::Rejected { series, epoch, number, code, detail, reply } => {
                if *series == Series::Talk {
                    let said = SaidOn::of(reply, record_number);
                    self.after_hit.rejected(*number, *code, *detail, said);
                }
                let code = Code::ALL.into_iter().find(|known| *known as u8 == *code);
                if (code, *series) == (Some(Code::Recovering), Series::Question)
                    && is_current
                    && !self.is_outdated(*number, reply.log)
                {
                    self.assume_broker_empty(*epoch);
                }
                if (code, *series) == (Some(Code::OverBudget), Series::State) {
                    self.over_budget(today, *epoch, *number, *detail);
                }
                let code = code
                    .filter(|code| is_current || !matches!(code, Code::Gap | Code::FullSetRequired | Code::Recovering));
                self.rejected(*series, *epoch, *number, code, *detail);
            }
            JournalEvent::Late { series, number, .. } => {
                if let Some(past) = self.past_mut(*series, *number, End::Dropped) {
                    past.end = End::Read;
                }
            }
            JournalEvent::GaveUp { series, number } => {
                if let (Series::State, Some(last)) = (series, self.chain.last()) {
                    self.lost = self.lost.max(last.head.sequence);
                }
                self.drop_flight(*series, *number, End::Dropped);
            }
            JournalEvent::Status(status) => self.take_status(status, is_current),
            JournalEvent::AnotherOperator { .. } => self.forget_broker(),
            JournalEvent::Talk(event) => self.talked(number, record.time, event),
            JournalEvent::Pruned { to, .. } => self.after_hit.forget_through(*to),
            // Those have nothing that the state is made of: an epoch that is over goes from it by itself.
            JournalEvent::ClockAccepted
            | JournalEvent::LookedUp { .. }
            | JournalEvent::NewsShown { .. }
            | JournalEvent::Queried(_)
            | JournalEvent::RequestNoted { .. }
            | JournalEvent::EpochForgotten { .. } => {}
        }
        // Rows end with their flags, and flags end in many ways.
        self.after_hit.keep_flagged(&self.flags);
        debug_assert!(self.journal.records <= number);
    }

    /// Something of what comes after a hit was done, or a reply to a message of it was read.
    fn talked(&mut self, record: u64, time: Timestamp, event: &TalkEvent) {
        if let TalkEvent::PuttingForward { said } = event {
            self.talk_used = self.talk_used.max(said.number);
        }
        if let Some(number) = event.number() {
            self.talk_used = self.talk_used.max(number);
            self.drop_flight(Series::Talk, number, End::Read);
        }
        self.after_hit.apply(record, time, event);
        // It keeps rows in the epoch that answers alone, or in any while none does.
        if let TalkEvent::Kept { number, kept: 1.., .. } = event
            && let Some(sent) = self.after_hit.sent.iter().find(|sent| sent.said.number == *number)
        {
            self.answering = Some(sent.said.epoch);
        }
        if let TalkEvent::Posted { post } = event {
            self.answering = post.answering().or(self.answering);
        }
    }

    fn flag(&mut self, flags: &[Flag]) {
        self.ended.set(flags.iter().map(|flag| (flag.address, None)), |_| {});
        self.set(flags.iter().map(|flag| (flag.address, Some(*flag))));
    }

    fn withdraw(&mut self, homes: &[AddressKey], today: Day) {
        let last_day = Day(today.0.saturating_sub(1));
        let held = homes.iter().filter_map(|home| self.flags.get(home));
        let ended: Vec<Flag> = held.map(|flag| Flag { last_day, ..*flag }).collect();
        self.remember_ended(&ended);
        self.typed.drop(homes);
        self.set(homes.iter().map(|home| (*home, None)));
    }

    fn set(&mut self, wanted: impl Iterator<Item = (AddressKey, Option<Flag>)>) {
        // Before its first full set an epoch lacks everything; there is nothing to keep of that.
        let noted = self.epochs.iter().any(EpochState::has_begun);
        let house_numbers = self.house_numbers;
        let mut changed = Vec::new();
        self.flags.set(wanted, |flag| {
            if noted && (house_numbers || flag.is_of_home()) {
                changed.push(flag);
            }
        });
        for epoch in &mut self.epochs {
            let is_first_set = usize::from(!epoch.delivered);
            for undelivered in epoch.each_undelivered().skip(is_first_set) {
                undelivered.note(&changed, &self.flags);
            }
        }
    }

    fn see_release(&mut self, epoch: u32, release: u64, went_back: bool) {
        let epoch = self.epoch_mut(epoch);
        // What went back was complained of, and what comes is held to how it is now.
        epoch.release = if went_back { release } else { epoch.release.max(release) };
    }

    /// The message of this number in a series that is no longer waited for because of `end`.
    fn past_mut(&mut self, series: Series, number: u64, end: End) -> Option<&mut PastMessage> {
        self.past
            .iter_mut()
            .find(|past| past.end == end && past.head.sequence == number && Series::of(past.head.kind) == series)
    }

    /// The receipt of this number was read. The messages of the chain before it were accepted too, since each is only
    /// accepted after the one before it; their receipts may still come.
    fn accept_through(&mut self, number: u64) {
        self.accepted = number;
        let settled = self.chain.iter().take_while(|message| message.head.sequence <= number).count();
        for message in self.chain.drain(..settled).collect::<Vec<_>>() {
            if message.settles {
                let epoch = self.epoch_mut(message.head.epoch);
                epoch.delivered = true;
                if !epoch.once_accepted.is_empty() {
                    epoch.undelivered = epoch.once_accepted.remove(0);
                }
            }
            let end = if message.head.sequence == number { End::Read } else { End::Implied };
            self.remember(message.head, end);
        }
    }

    /// The broker says that the last state message it accepted is this one. Where one of this number is in flight, that
    /// is sent again, and its receipt tells: another folder may have used the number for another message.
    fn accepted_is(&mut self, number: u64) {
        let in_flight = self.chain.iter().any(|message| message.head.sequence == number);
        if !in_flight && number != self.accepted {
            self.accept_unknown(number);
        }
    }

    /// The broker accepted a message that was given up, or is not known here: only full sets bring it up to date.
    fn accept_unknown(&mut self, number: u64) {
        if number > 0 && !self.has_made(number) {
            self.note_unknown_flags();
        }
        self.accepted = number;
        raise(&mut self.state_used, number);
        for epoch in &mut self.epochs {
            // What it holds is not known: it gets all flags, and none waits because it is thought to be new.
            epoch.undelivered.forget(&self.flags);
        }
    }

    /// The broker says that a state message of this number was sent.
    fn raise_state_used(&mut self, number: u64) {
        if number > self.state_used {
            self.note_unknown_flags();
        }
        raise(&mut self.state_used, number);
    }

    /// The journal has all messages that were made in this folder, and all that it flagged and withdrew. One that it
    /// does not have was made in another: what a set lacks of what that flagged, a person must look at.
    fn note_unknown_flags(&mut self) {
        self.unknown_since = Some(self.latest.day());
        self.epochs.iter_mut().for_each(|epoch| epoch.undelivered.unknown_flags = true);
    }

    /// Goes by it that the broker holds nothing in an epoch: it gets all flags there.
    fn assume_broker_empty(&mut self, epoch: u32) {
        if let Some(epoch) = self.epochs.iter_mut().find(|known| known.number == epoch) {
            let unknown_flags = epoch.undelivered.unknown_flags;
            let holds = Holds::Nothing;
            epoch.undelivered = Undelivered { full_set: true, unknown_flags, holds, changed: Vec::new() };
        }
    }

    /// Whether a rejection of a question, of this line of the log, says nothing of what the broker holds now. It takes
    /// no question of before its restore, whoever asks it; and a state message that was accepted since may have been
    /// the full set that it waited for.
    ///
    /// Any other tells a partner that only asks that its full set is waited for.
    fn is_outdated(&self, number: u64, log: LogEntry) -> bool {
        let question = self.questions.iter().find(|question| question.message.head.sequence == number);
        question.is_some_and(|question| question.message.head.time < log.restored)
            || self.receipt.as_ref().is_some_and(|latest| latest.log.is_after(&log))
    }

    fn take_status(&mut self, status: &StatusRecord, is_current: bool) {
        self.status = None;
        self.own_lines.settle(&status.proven);
        let StatusRecord { epoch, release, .. } = *status;
        // A reply that is older than the last receipt says nothing new of what was accepted. One of a later release is
        // not older: then the broker is one that forgot what it accepted.
        let forgot = self.epoch(epoch).is_some_and(|epoch| epoch.release > 0 && release > epoch.release);
        self.see_release(epoch, release, status.reply.went_back);
        if is_current && (status.highest_state >= self.said_accepted || forgot || status.reply.went_back) {
            self.said_accepted = status.accepted;
            self.accepted_is(status.accepted);
            if status.full_set {
                self.assume_broker_empty(epoch);
            }
        }
        self.status_used = self.status_used.max(status.number);
        self.raise_state_used(status.highest_state);
        raise(&mut self.question_used, status.highest_question);
        if let CheckpointOutcome::Kept(checkpoint) = &status.checkpoint {
            self.checkpoint = checkpoint.clone();
        }
    }

    /// The broker says how many flags the delta of this number may add, or how many the full set may have.
    fn over_budget(&mut self, today: Day, epoch: u32, number: u64, left: u64) {
        let is_full_set = |message: &SignedMessage| message.head.kind == Kind::FullSet;
        match self.chain.iter().find(|message| message.head.sequence == number).is_some_and(is_full_set) {
            true => self.epoch_mut(epoch).full_set.lower(today, left),
            false => self.new_flags.lower(today, left),
        }
    }

    /// SPEC.md 7.5.
    fn rejected(&mut self, series: Series, epoch: u32, number: u64, code: Option<Code>, detail: u64) {
        match (code, series) {
            (Some(Code::Unavailable), _) => {
                let is_it = |message: &&mut SignedMessage| series == Series::State && message.head.sequence == number;
                self.chain.iter_mut().filter(is_it).for_each(|message| message.put_off = true);
                return;
            }
            (Some(Code::Gap), Series::State) => {
                self.said_accepted = detail;
                self.accepted_is(detail);
            }
            (Some(Code::FullSetRequired | Code::Recovering), Series::State) => self.assume_broker_empty(epoch),
            (Some(Code::Stale), Series::State) => {
                self.raise_state_used(detail.saturating_sub(1));
                // It may be that it was accepted, and another after it; the gap that the next message meets tells.
                if let Some(last) = self.chain.last() {
                    self.lost = self.lost.max(last.head.sequence);
                }
            }
            (Some(Code::OtherEpoch), Series::Question | Series::Talk) => self.answering = u32::try_from(detail).ok(),
            (Some(Code::NotYetAnswering), Series::Question) => self.answering = None,
            (Some(Code::Stale), Series::Question) => {
                raise(&mut self.question_used, detail.saturating_sub(1));
            }
            (Some(Code::Stale), Series::Status) => raise(&mut self.status_used, detail.saturating_sub(1)),
            (Some(Code::Stale), Series::Talk) => {
                let used = detail.saturating_sub(1);
                if used >= number {
                    self.after_hit.note_old_copy(self.latest);
                }
                raise(&mut self.talk_used, used);
            }
            _ => {}
        }
        self.drop_flight(series, number, End::Read);
    }

    /// No longer waits for a message, nor for those of the chain that come after it. What they said is still to be
    /// said. `end` is that of the message itself.
    fn drop_flight(&mut self, series: Series, number: u64, end: End) {
        let dropped = match series {
            Series::State => {
                let from = self.chain.partition_point(|message| message.head.sequence < number);
                self.chain.split_off(from)
            }
            Series::Question => {
                let at = self.questions.iter().position(|question| question.message.head.sequence == number);
                at.map(|at| self.questions.remove(at).message).into_iter().collect()
            }
            Series::Status => self.status.take().into_iter().collect(),
            Series::Talk => self.talk.take().into_iter().collect(),
        };
        for message in dropped {
            if message.settles {
                self.epoch_mut(message.head.epoch).once_accepted.pop();
            }
            let end = if message.head.sequence == number { end } else { End::Dropped };
            self.remember(message.head, end);
        }
    }

    pub(super) fn remember(&mut self, head: MessageHead, end: End) {
        self.past.push(PastMessage { head, end });
        let over = self.past.len().saturating_sub(MAX_PAST);
        self.past.drain(..over);
    }

    /// Takes the standings of own addresses among `rows` over, which record number `record` of the journal has.
    fn learn(&mut self, record: u64, rows: &[AddressKey], standings: &[Standing]) {
        let mut learnt: Vec<_> = rows.iter().copied().zip(standings.iter().copied()).collect();
        learnt.sort_unstable_by_key(|(address, _)| *address);
        learnt.dedup_by_key(|(address, _)| *address);
        let mut merged = Vec::with_capacity(self.stacked.len());
        let mut known = self.stacked.iter().copied().peekable();
        for (address, standing) in learnt {
            while let Some(other) = known.next_if(|stacked| stacked.address < address) {
                merged.push(other);
            }
            known.next_if(|stacked| stacked.address == address);
            if let Standing::Stacked(number) = standing
                && self.flags.covers(&address)
            {
                merged.push(Stacked { address, number });
            }
        }
        merged.extend(known);
        if merged != self.stacked {
            (self.stacked, self.stacked_record) = (merged, record);
        }
    }
}
