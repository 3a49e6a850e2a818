//! What is due of what comes after a hit, and what a restore, a policy, a suspension or the end of an epoch changes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::incoming::{Incoming, PolicyInForce};
use super::super::rows::{OrganisationRow, write_row};
use super::super::state::BrokerState;
use super::request::MeetVerdict;
use super::rows::{Asked, Conversation, Forwarded, TurnRow, other_of};
use super::state::MeetState;
use super::turn::{MeetDecision, MeetTurn};
use crate::audit::Event;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{Entry, EntryKind, Kept, LogEntry, Reply, Totals, TotalsCell};
use crate::policy::Policy;
use crate::store::{Change, Key};
use crate::system::SystemError;
use crate::talk::{ConversationId, Subject};

impl BrokerState {
    /// The turn of the day, once the releases of the day are in force: rows that are over go, and in the epoch that
    /// answers partners are asked and introduced. All of it is in `change`, and the day, so that it is done once.
    pub(crate) fn turn_meet(
        &mut self,
        in_force: &PolicyInForce,
        now: Timestamp,
        change: &mut Change,
    ) -> Result<(), SystemError> {
        let (policy, today) = (in_force.policy(), now.day());
        if self.meet.turned >= today || policy.meet.is_none() && self.meet.is_unused() {
            return Ok(());
        }
        self.end_rows(policy, today, change);
        if let Some((number, decision)) = self.decide_turn(in_force, today) {
            let pairs = decision.introduced.len() as u32;
            self.meet.apply(number, decision, self.log.restored, change);
            // Also where nobody was: each partner sees how many lines there are, and so it would see whether others
            // were.
            let event = Event::Introduced { day: today, epoch: number, pairs };
            self.log.append(change, now, in_force.digest(), event)?;
        }
        self.meet.turned = today;
        self.meet.count_month(today);
        let row = TurnRow { turned: today, counted: self.meet.counted };
        change.rows.push((Key::Introduced, Some(write_row(&row))));
        Ok(())
    }

    fn decide_turn(&self, in_force: &PolicyInForce, today: Day) -> Option<(u32, MeetDecision)> {
        let policy = in_force.policy();
        let (meet, number) = (policy.meet.as_ref()?, self.answering(policy)?);
        let epoch = self.epochs.get(&number)?;
        let of_epoch = self.meet.forwarded.range((number, 0)..=(number, u16::MAX));
        let nobody = Asked::default();
        let turn = MeetTurn {
            policy,
            meet,
            digest: in_force.digest(),
            epoch: number,
            today,
            index: &epoch.index,
            enough_sources: epoch.tally.sources(policy, number, today) >= usize::from(policy.counting.min_sources),
            forwarded: of_epoch.map(|((_, partner), forwarded)| (*partner, forwarded.as_ref())).collect(),
            asked: self.meet.asked.get(&number).unwrap_or(&nobody),
            conversations: &self.meet.conversations,
        };
        Some((number, turn.decide()))
    }

    /// Takes away the rows whose last day is over, and those on which their sender holds no flag any more.
    fn end_rows(&mut self, policy: &Policy, today: Day, change: &mut Change) {
        let mut changed = Vec::new();
        for ((number, partner), forwarded) in &self.meet.forwarded {
            let epoch = self.epochs.get(number).filter(|_| policy.flags_for(*partner, *number).is_some());
            let Some(epoch) = epoch.filter(|_| forwarded.last_day >= today) else {
                changed.push(((*number, *partner), None));
                continue;
            };
            // Of one whose flags are unknown since a restore nobody knows whether it holds them.
            if !epoch.accounts.get(partner).is_some_and(|account| account.row.delivered) {
                continue;
            }
            let mut known = epoch.known_flags(*partner);
            let mut rows = forwarded.rows.clone();
            rows.retain(|row| known.get(&row.tag).is_some_and(|span| !span.ended(today)));
            if rows.len() < forwarded.rows.len() {
                changed.push(((*number, *partner), Some(Forwarded { rows, ..forwarded.as_ref().clone() })));
            }
        }
        for (of, forwarded) in changed {
            self.keep_forwarded(of, forwarded, change);
        }
    }

    /// Puts rows in the place of those that a partner had, and counts those as removed: their bytes are in the store's
    /// files until the next purge.
    pub(crate) fn keep_forwarded(&mut self, of: (u32, u16), forwarded: Option<Forwarded>, change: &mut Change) {
        let removed = self.meet.keep_forwarded(of, forwarded, change);
        self.count_removed(removed, change);
    }

    /// Does what was decided on a message, and gives the reply. What an exchange costs is charged to `spent`.
    pub(crate) fn apply_meet(
        &mut self,
        incoming: &Incoming<'_>,
        verdict: MeetVerdict,
        (log, spent): (LogEntry, &mut OrganisationRow),
        change: &mut Change,
    ) -> Reply {
        let partner = incoming.header.partner;
        match verdict {
            MeetVerdict::PutForward(said) => {
                self.keep_forwarded((incoming.header.epoch, partner), Some(said.forwarded), change);
                Reply::Kept(Kept { log, ..said.kept })
            }
            MeetVerdict::Exchange(exchange) => {
                let mut post = self.exchange(incoming, &exchange, spent, change);
                post.log = log;
                Reply::Post(post)
            }
            MeetVerdict::Totals(row) => {
                let (year, quarter) = row.as_of.day().quarter();
                let cells =
                    row.cells.iter().map(|(from, (to, number))| TotalsCell { from: *from, to: *to, number: *number });
                let totals = Totals {
                    log,
                    release: row.release,
                    as_of: row.as_of,
                    year,
                    quarter,
                    flags: row.flags,
                    cells: cells.collect(),
                };
                spent.totals = Some(row);
                Reply::Totals(totals)
            }
            MeetVerdict::Year(year, row) => {
                change.rows.push((Key::Year(year, partner), Some(write_row(&row))));
                self.meet.years.insert((year, partner), row);
                Reply::Kept(Kept { log, kept: 0, unflagged: 0, new: 0, new_left: 0, held_left: 0 })
            }
        }
    }

    /// Forgets what names a subject of an epoch that closes. Introductions of which one of the two was never told are
    /// over; all others go on without it.
    pub(crate) fn close_meet(&mut self, number: u32, today: Day, change: &mut Change) {
        let of_epoch: Vec<(u32, u16)> =
            self.meet.forwarded.range((number, 0)..=(number, u16::MAX)).map(|(of, _)| *of).collect();
        of_epoch.into_iter().for_each(|of| self.keep_forwarded(of, None, change));
        self.meet.close(number, (today, self.log.restored), change);
    }

    /// After a restore: nothing that was put forward stands, since it may have been taken back, and what is put forward
    /// again is no new row. Nothing is replied again. What partners were told by the copy stays: an introduction ends
    /// by one of the two alone.
    pub(crate) fn recover_meet(&mut self, change: &mut Change) {
        let all: Vec<_> = self.meet.forwarded.iter().map(|(of, said)| (*of, said.as_ref().clone())).collect();
        for (of, mut forwarded) in all {
            // No policy has this digest.
            forwarded.policy = Digest::NONE;
            forwarded.receivers.clear();
            forwarded.rows.iter_mut().for_each(|row| row.codes.clear());
            self.keep_forwarded(of, Some(forwarded), change);
        }
        let epochs: Vec<u32> = self.meet.asked.keys().copied().collect();
        epochs.into_iter().for_each(|epoch| self.meet.keep_asked(epoch, Asked::default(), change));
        self.meet.forget_replies(change);
    }

    /// Forgets partners that are not in the roster any more, and tells those who were introduced to them.
    pub(crate) fn forget_leavers(&mut self, policy: &Policy, today: Day, change: &mut Change) {
        let is_gone = |partner: u16| policy.partner(partner).is_none();
        let gone: Vec<(u32, u16)> = self.meet.forwarded.keys().copied().filter(|of| is_gone(of.1)).collect();
        gone.into_iter().for_each(|of| self.keep_forwarded(of, None, change));
        let open: BTreeSet<u32> = self.epochs.keys().copied().collect();
        self.meet.forget_leavers(is_gone, &open, (today, self.log.restored), change);
    }
}

impl MeetState {
    /// Does what a turn of the day decided.
    fn apply(&mut self, number: u32, decision: MeetDecision, restored: Timestamp, change: &mut Change) {
        self.keep_asked(number, decision.asked, change);
        let mut changed: BTreeSet<ConversationId> = BTreeSet::new();
        for (id, partner) in decision.returned {
            if let Some(one) = self.conversations.get_mut(&id) {
                one.left.remove(&partner);
                changed.insert(id);
            }
        }
        for (id, pair) in decision.introduced {
            let new = || Conversation { epoch: number, ..Conversation::default() };
            self.conversations.entry(id).or_insert_with(new).pairs.insert(pair, true);
            changed.insert(id);
        }
        let told: BTreeSet<u16> = decision.entries.iter().map(|(partner, _)| *partner).collect();
        let told: Vec<_> = told.into_iter().map(|partner| (partner, self.epochs_waiting(partner))).collect();
        decision.entries.into_iter().for_each(|(partner, entry)| self.tell(partner, entry, restored));
        told.iter().for_each(|(partner, before)| self.keep_mailbox(*partner, before, change));
        changed.into_iter().for_each(|id| self.keep_conversation(number, id, change));
    }

    fn close(&mut self, number: u32, moment: (Day, Timestamp), change: &mut Change) {
        self.keep_asked(number, Asked::default(), change);
        let waiting: BTreeMap<u16, BTreeSet<u32>> =
            self.mailboxes.keys().map(|partner| (*partner, self.epochs_waiting(*partner))).collect();
        let mut unread: BTreeSet<(ConversationId, (u16, u16))> = BTreeSet::new();
        let mut changed = BTreeSet::new();
        for (partner, mailbox) in &mut self.mailboxes {
            let before = mailbox.entries.len();
            mailbox.entries.retain(|_, entry| match entry.told {
                _ if entry.epoch != number => true,
                EntryKind::Left { .. } => true,
                EntryKind::Introduced { conversation, partner: other, .. } => {
                    unread.insert((conversation, Conversation::pair(*partner, other)));
                    false
                }
                EntryKind::Asked { .. } => false,
            });
            if mailbox.entries.len() < before {
                changed.insert(*partner);
            }
        }
        // Whether a post that has one was read is known by the next exchange alone. So both are told that it is over:
        // whoever knows nothing of it passes that over.
        for (id, (low, high)) in unread {
            let told = self.end_introductions(low, id, moment, |it| it == high);
            if !told.is_empty() {
                changed.extend(told);
                let told = EntryKind::Left { conversation: id, partner: high };
                self.tell(
                    low,
                    Entry { number: 0, subject: Subject::NONE, epoch: number, day: moment.0, told },
                    moment.1,
                );
                changed.insert(low);
            }
        }
        for partner in changed {
            self.keep_mailbox(partner, &waiting.get(&partner).cloned().unwrap_or_default(), change);
        }
        // Nobody has the keys any more that they are sealed with: whoever sent them sends them again.
        self.retain_notes(|_, (_, slot)| slot.epoch != number, change);
        self.forget_replies(change);
        let of_epoch = self.conversations.iter().filter(|(_, one)| one.epoch == number);
        for id in of_epoch.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.tidy_conversation(id, false);
            self.keep_conversation(number, id, change);
        }
    }

    /// Keeps of a conversation what is of use: once its epoch is closed, those who are introduced still.
    pub(super) fn tidy_conversation(&mut self, id: ConversationId, is_open: bool) {
        let Some(one) = self.conversations.get_mut(&id) else { return };
        if !is_open {
            one.pairs.retain(|_, is_introduced| *is_introduced);
            one.left.clear();
        }
        if one.pairs.is_empty() {
            self.conversations.remove(&id);
        }
    }

    /// Forgets what was replied last to each partner: it may name a subject of an epoch that is over, or say what is
    /// true no more.
    fn forget_replies(&mut self, change: &mut Change) {
        let partners: Vec<u16> = self.last.keys().copied().collect();
        partners.into_iter().for_each(|partner| self.forget_last(partner, change));
    }

    fn forget_leavers(
        &mut self,
        is_gone: impl Fn(u16) -> bool,
        open: &BTreeSet<u32>,
        moment: (Day, Timestamp),
        change: &mut Change,
    ) {
        let waiting: BTreeMap<u16, BTreeSet<u32>> =
            self.mailboxes.keys().map(|partner| (*partner, self.epochs_waiting(*partner))).collect();
        let mut told = BTreeSet::new();
        for id in self.conversations.keys().copied().collect::<Vec<_>>() {
            let Some(one) = self.conversations.get_mut(&id) else { continue };
            let epoch = one.epoch;
            one.left.retain(|partner, _| !is_gone(*partner));
            let gone: BTreeSet<u16> =
                one.pairs.keys().flat_map(|(low, high)| [*low, *high]).filter(|partner| is_gone(*partner)).collect();
            if gone.is_empty() {
                continue;
            }
            for partner in &gone {
                told.extend(self.end_introductions(*partner, id, moment, |other| !is_gone(other)));
            }
            if let Some(one) = self.conversations.get_mut(&id) {
                one.pairs.retain(|pair, _| !gone.iter().any(|partner| other_of(*pair, *partner).is_some()));
            }
            self.tidy_conversation(id, open.contains(&epoch));
            self.keep_conversation(epoch, id, change);
        }
        for partner in told {
            self.keep_mailbox(partner, &waiting.get(&partner).cloned().unwrap_or_default(), change);
        }
        for (partner, epochs) in waiting.iter().filter(|(partner, _)| is_gone(**partner)) {
            self.mailboxes.remove(partner);
            change.rows.push((Key::Mailbox(*partner), None));
            change.rows.extend(epochs.iter().map(|epoch| (Key::Entries(*epoch, *partner), None)));
        }
        self.retain_notes(|(receiver, sender), _| !is_gone(receiver) && !is_gone(sender), change);
        for partner in self.last.keys().copied().filter(|partner| is_gone(*partner)).collect::<Vec<_>>() {
            self.forget_last(partner, change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::talk::RowCode;

    /// That a post had an introduction does not say that it was read: the post may be lost.
    #[test]
    fn where_an_epoch_closes_before_both_said_to_have_read_that_they_met_it_is_over_for_both() {
        let of_nobody = Timestamp(0);
        let conversation = ConversationId::from_bytes([7; 16]);
        let left = |partner| EntryKind::Left { conversation, partner };
        for (has_read, expected) in [([true, true], [None, None]), ([true, false], [Some(2), Some(1)])] {
            let mut meet = MeetState::default();
            let pairs = [((1, 2), true)].into();
            meet.conversations.insert(conversation, Conversation { epoch: 3, pairs, ..Conversation::default() });
            for (partner, (other, has_read)) in [(1, (2, has_read[0])), (2, (1, has_read[1]))] {
                let (last_day, code) = (Day(9), RowCode::from_bytes([1; 16]));
                let told = EntryKind::Introduced { conversation, partner: other, last_day, row: 1, own_row: 1, code };
                let subject = Subject::from_bytes([8; 16]);
                meet.tell(partner, Entry { number: 0, subject, epoch: 3, day: Day(1), told }, of_nobody);
                if has_read {
                    meet.mailboxes.get_mut(&partner).unwrap().entries.clear();
                }
            }
            meet.close(3, (Day(5), of_nobody), &mut Change::default());
            for (partner, other) in [(1, expected[0]), (2, expected[1])] {
                let told: Vec<_> = meet.mailboxes[&partner].entries.values().map(|entry| entry.told).collect();
                assert_eq!(told, other.map(left).into_iter().collect::<Vec<_>>(), "{has_read:?} {partner}");
            }
            assert_eq!(meet.conversations.contains_key(&conversation), has_read == [true, true]);
        }
    }
}
