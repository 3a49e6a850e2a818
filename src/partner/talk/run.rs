//! Which message of what comes after a hit is next.

use super::super::Partner;
use super::super::ask::question_epoch;
use super::super::error::PartnerError;
use super::super::member::Draft;
use super::super::record::JournalEvent;
use super::known::LEAVES_WITHIN;
use super::pace::{MadeToday, TalkRun};
use super::plan;
use super::record::TalkEvent;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::message::{Kind, NOTES_AT_ONCE, Request};
use crate::policy::Answers;
use crate::secret::UnsealingKey;

impl Partner {
    /// The next message of what comes after a hit, byte for byte as before where its reply was not read yet. `None`
    /// once today's have gone; once after a message that was not accepted, which ends the run; and always where this
    /// partner has no part in it: the policy has no `[meet]`, or it may neither flag nor coordinate. A program calls it
    /// until then, carries each message, and reads the reply before the next call.
    ///
    /// On each day (UTC) first comes what is put forward, once, also where that is nothing; then as many exchanges as
    /// the policy says, `exchanges_a_day`. So the number tells nobody whether there was something to say or to read.
    /// What changes after that waits for the next day.
    ///
    /// The broker keeps only what it was told the flag of. So where such a flag is yet to be delivered, the exchanges
    /// come first, and what is put forward once the broker took the delivery: a program that calls
    /// [`Partner::deliver`] later on that day calls this again after it ([`Partner::put_forward_waits`]). One that has
    /// delivered begins with [`TalkRun::after_delivery`]: then nothing waits for a delivery that the broker refuses.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NoEpoch`] where none is open; [`PartnerError::NotCertified`];
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`]; [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::Random`](crate::SystemError::Random),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn talk(&mut self, now: Timestamp) -> Result<Option<Vec<u8>>, PartnerError> {
        let now = self.data.follow(self.member.policy(), now)?;
        if self.talk_run.is_over() || !self.may_talk() {
            self.talk_run = self.talk_run.next();
            return Ok(None);
        }
        self.note_lapsed(now)?;
        if let Some(message) = &self.data.state().talk {
            return Ok(Some(message.bytes.clone()));
        }
        if !self.made_on(now.day()).put_forward && self.put_forward_if_due(now)? {
            return Ok(self.talk_bytes());
        }
        if self.made_on(now.day()).exchanges >= self.member.meet()?.exchanges_a_day {
            self.talk_run = self.talk_run.next();
            return Ok(None);
        }
        self.tell_addresses(now)?;
        self.tell_what_was_read(now)?;
        let (epoch, exchange) = self.next_exchange(now)?;
        self.make_talk(epoch, &Request::Exchange(exchange), now).map(Some)
    }

    /// The first day from `today` on by whose exchanges all notes that the broker was never brought can have been
    /// brought, if no more are written and the organisation's notes of a day are enough. `None` where the policy has no
    /// `[meet]`.
    pub fn notes_go_on(&self, today: Day) -> Option<Day> {
        self.notes_would_go_on(0, today)
    }

    /// The same if a note to so many partners is written now.
    pub fn notes_would_go_on(&self, copies: usize, today: Day) -> Option<Day> {
        let meet = self.member.meet().ok()?;
        let state = self.data.state();
        let a_day = usize::from(meet.exchanges_a_day) * NOTES_AT_ONCE;
        let made = self.made_on(today);
        let left = usize::from(meet.exchanges_a_day.saturating_sub(made.exchanges)) * NOTES_AT_ONCE;
        let unsent = state.after_hit.unsent().saturating_add(copies);
        let later = unsent.saturating_sub(left).div_ceil(a_day);
        Some(today.plus(u16::try_from(later).unwrap_or(u16::MAX)))
    }

    /// The first day from `today` on whose message says what is put forward now: the day's first message is of one
    /// epoch, and of an older one as long as something has to be taken back there. `None` where the policy has no
    /// `[meet]`.
    pub fn put_forward_goes_on(&self, today: Day) -> Option<Day> {
        let next = self.next_to_put_forward(today)?;
        Some(next.plus(plan::days_to_tell(&self.member, self.data.state(), &[], next).0))
    }

    /// The first day from `today` on by whose message the broker has heard of all that was taken back. `None` where the
    /// policy has no `[meet]`.
    pub fn taken_back_goes_on(&self, today: Day) -> Option<Day> {
        self.taking_back_goes_on(&[], today)
    }

    /// The same if `back` is taken back now too.
    pub fn taking_back_goes_on(&self, back: &[AddressKey], today: Day) -> Option<Day> {
        let next = self.next_to_put_forward(today)?;
        Some(next.plus(plan::days_to_tell(&self.member, self.data.state(), back, next).1))
    }

    /// The day from `today` on of the next message that puts forward.
    fn next_to_put_forward(&self, today: Day) -> Option<Day> {
        self.member.meet().ok()?;
        Some(if self.made_on(today).put_forward { today.plus(1) } else { today })
    }

    /// The first day from `today` on with an exchange that says that this partner left a conversation, or would say it
    /// where it leaves now: those before it bring what was written there before. `None` where the policy has no
    /// `[meet]`.
    pub fn leaving_goes_on(&self, conversation: u32, today: Day) -> Option<Day> {
        let meet = self.member.meet().ok()?;
        let state = self.data.state();
        let known = state.after_hit.conversation(conversation);
        let unsent = known.map_or(0, |known| known.unsent().count());
        let left_on = known.and_then(|known| known.left).unwrap_or(today);
        let made = self.made_on(today);
        let left = usize::from(meet.exchanges_a_day.saturating_sub(made.exchanges));
        let needed = unsent.div_ceil(NOTES_AT_ONCE) + 1;
        let days = needed.saturating_sub(left).div_ceil(usize::from(meet.exchanges_a_day));
        let latest = left_on.plus(LEAVES_WITHIN + 1).max(today);
        Some(today.plus(u16::try_from(days).unwrap_or(u16::MAX)).min(latest))
    }

    /// What was made on a day of its messages, as far as the broker was not restored since.
    fn made_on(&self, today: Day) -> MadeToday {
        let state = self.data.state();
        state.after_hit.made_today.on(today, state.own_lines.restored)
    }

    /// Whether the run goes on of which [`Partner::talk`] gives the messages. It is in memory alone: a program that
    /// opens the folder anew for each message, so that others have it while the broker is waited for, takes it from
    /// here after [`Partner::talk`] and after [`Partner::read`], and gives it back with [`Partner::resume_talk`].
    pub fn talk_run(&self) -> TalkRun {
        self.talk_run
    }

    /// Goes on with a run, or with [`TalkRun::default`] begins one.
    pub fn resume_talk(&mut self, run: TalkRun) {
        self.talk_run = run;
    }

    /// The request how many of the organisation's flags are stacked, for a policy whose answers are totals. The same
    /// bytes come again as long as the reply was not read. While two epochs are open it is of the one that answers, as
    /// far as the broker said it: it does when the request is of the other (`other_epoch`), and then the next request
    /// is right.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] where answers are not totals, or this partner may not ask;
    /// [`PartnerError::TalkInFlight`]; [`PartnerError::NoEpoch`];
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`];
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn totals_request(&mut self, now: Timestamp) -> Result<Vec<u8>, PartnerError> {
        self.member.permit(|may| may.ask, "ask")?;
        if self.member.policy().counting.answers != Some(Answers::Totals) {
            let finding = "the policy answers each question (it has no answers = \"totals\"): ask";
            return Err(PartnerError::NotPermitted { finding: finding.into() });
        }
        let now = self.data.at(now)?;
        if let Some(bytes) = self.talk_in_flight(Kind::TotalsRequest)? {
            return Ok(bytes);
        }
        let epoch = question_epoch(&self.member, self.data.state(), now.day())?;
        self.make_talk(epoch, &Request::Totals, now)
    }

    /// The bytes of the message in flight, if it is of this kind; an error where it is of another.
    pub(super) fn talk_in_flight(&self, kind: Kind) -> Result<Option<Vec<u8>>, PartnerError> {
        match &self.data.state().talk {
            None => Ok(None),
            Some(message) if message.head.kind == kind => Ok(Some(message.bytes.clone())),
            Some(_) => Err(PartnerError::TalkInFlight),
        }
    }

    /// Makes a message that the journal need not have before. Its number is on disk before its bytes are handed out.
    pub(super) fn make_talk(
        &mut self,
        epoch: u32,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Vec<u8>, PartnerError> {
        let mut transaction = self.data.begin_at_latest()?;
        let head = transaction.head();
        let state = transaction.state();
        let sequence = state.talk_used.saturating_add(1);
        if matches!(request, Request::Exchange(_)) {
            state.after_hit.made_today = state.after_hit.made_today.on(now.day(), state.own_lines.restored);
            state.after_hit.made_today.exchanged(sequence);
        }
        let draft = Draft { epoch, sequence, previous: 0, flagged_before: 0, request };
        let message = self.member.sign(state, head, &draft, now)?;
        let bytes = message.bytes.clone();
        (state.talk_used, state.talk) = (sequence, Some(message));
        transaction.commit()?;
        Ok(bytes)
    }

    /// The partner's private seal key in an epoch, where others seal to it and know its codes by it: it is the one that
    /// its certificate names.
    pub(super) fn own_seal_key(&self, epoch: u32, today: Day) -> Result<Option<UnsealingKey>, PartnerError> {
        let own = self.data.folder().unsealing_key(epoch)?;
        let certified = self.member.seal_key(self.member.number, epoch, today);
        Ok(own.filter(|own| Some(own.seal_key()) == certified))
    }

    fn may_talk(&self) -> bool {
        self.member.meet().is_ok() && self.member.entry().is_ok_and(|entry| entry.may.flag || entry.may.coordinate)
    }

    fn talk_bytes(&self) -> Option<Vec<u8>> {
        self.data.state().talk.as_ref().map(|message| message.bytes.clone())
    }

    /// Whether what is put forward waits on that day for a delivery: [`Partner::deliver`] has a flag to tell of that is
    /// put forward, or the reply to a message that tells of it was not read yet.
    pub fn put_forward_waits(&self, today: Day) -> bool {
        let (member, state) = (&self.member, self.data.state());
        let made = self.made_on(today);
        let epoch = plan::epoch_to_tell(member, state, today).ok();
        let is_due = self.may_talk() && !member.coordinates() && !made.put_forward;
        epoch.is_some_and(|epoch| is_due && plan::waits_for_delivery(member, state, epoch, today))
    }

    /// Makes the message that says what is put forward: nothing too. Whether there is one: not at the coordinator, and
    /// not yet where it waits for a delivery.
    fn put_forward_if_due(&mut self, now: Timestamp) -> Result<bool, PartnerError> {
        let today = now.day();
        if self.member.coordinates() {
            return Ok(false);
        }
        // A secret or a certificate that is missing keeps no notes from being read in another epoch.
        let Ok(epoch) = plan::epoch_to_tell(&self.member, self.data.state(), today) else { return Ok(false) };
        let waits = !self.talk_run.is_after_delivery() && self.put_forward_waits(today);
        if waits
            || self.member.refuse_uncertified(epoch, today).is_err()
            || plan::waits_for_full_set(self.data.state(), epoch)
        {
            return Ok(false);
        }
        let own = self.own_seal_key(epoch, today)?;
        let made_today = self.made_on(now.day());
        let member = &self.member;
        let mut transaction = self.data.begin(now)?;
        let planned = plan::plan(member, transaction.view(), own.as_ref(), epoch, today)?;
        let number = transaction.view().talk_used.saturating_add(1);
        let said = planned.said(member, number);
        transaction.record(None, JournalEvent::Talk(TalkEvent::PuttingForward { said }))?;
        let request = &Request::PutForward(planned.body(member, own.as_ref(), number));
        let draft = Draft { epoch, sequence: number, previous: 0, flagged_before: 0, request };
        let head = transaction.head();
        let message = member.sign(transaction.view(), head, &draft, now)?;
        let state = transaction.state();
        // Not by the journal's record: after a crash between the two there is no message, and another is made.
        state.after_hit.made_today = MadeToday { put_forward: true, ..made_today };
        if let Some(sent) = state.after_hit.sent.last_mut() {
            // What shows what it said, once the broker does not hold to its reply.
            sent.bytes.clone_from(&message.bytes);
        }
        state.talk = Some(message);
        transaction.commit()?;
        Ok(true)
    }
}
