//! One run of `stapel partner sync`.
//!
//! The folder is open only between messages. What was made is on disk before it is sent, so that a run that was broken
//! off is gone on with by the next, with the same bytes.

mod end;
mod reply;
mod talk;

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use stapel::message::{Code, Kind, Role, Unverified};
use stapel::partner::{Case, Next, TalkRun};
use stapel::{Day, Digest, Timestamp};
use stapel_service::client::{Carrier, Pace};

use self::reply::is_answer;
use super::day::{self, Due, Record};
use super::fetched;
use super::holder::{Held, Holder};
use super::lock::RunLock;
use super::{SyncArgs, Ways};
use crate::failure::{self, Failure, note, warn};
use crate::files;
use crate::output::{Output, counted};
use crate::partner::outbox;

/// How often what was wrong is put right in a next message, in one run.
const ROUNDS: u32 = 4;

/// The codes of failures after which there is nothing more to do in a run; that of standard output is empty.
const ENDING: [&str; 7] =
    ["", "unreachable", "stopped", "connect_certificate", "not_admitted", "carrier_refused", "folder_in_use"];

/// Those of a clock that is wrong, or may be: what is made under it is refused all the same, and each message more that
/// the broker refuses is one more that the partner dates wrongly in its journal.
const WRONG_CLOCK: [&str; 2] = ["clock", "clock_ahead"];

/// A run in which nothing went wrong.
pub(in crate::partner) struct Turn {
    /// When there is next something to do by itself.
    pub(super) next: Timestamp,
    /// Whether the broker replied to anything: a run in which nothing was due asks it nothing.
    pub(in crate::partner) has_heard: bool,
}

/// One run.
pub(super) fn turn(
    args: &SyncArgs,
    ways: &Ways,
    pace: Arc<dyn Pace>,
    holder: &Holder,
    out: &mut Output,
) -> Result<Turn, Failure> {
    if !args.place.dir.join("journal.sealed").exists() {
        // It is no partner's folder, and nothing is put into it.
        holder.open(args)?;
    }
    let _lock = RunLock::hold(&args.place.dir)?;
    let mut run = Run::begin(args, ways, pace, holder)?;
    run.under_way(out)?;
    run.day(out)?;
    run.end(out)
}

/// A message in flight.
struct Flight {
    name: String,
    kind: Kind,
    digest: Digest,
    bytes: Vec<u8>,
}

/// What came of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Accepted,
    /// An answer that somebody else is to read.
    Left,
    Rejected(Code, Next),
    /// What is not signed, or came too late.
    Nothing,
}

struct Run<'a> {
    args: &'a SyncArgs,
    ways: &'a Ways,
    holder: &'a Holder,
    carrier: Carrier,
    started: Instant,
    record: Record,
    number: u16,
    version: u32,
    may_flag: bool,
    /// Whether it may ask about addresses.
    may_ask: bool,
    /// Whether it takes part in what comes after a hit.
    may_talk: bool,
    /// How far this run came with that.
    talk: TalkRun,
    /// The moment of today.
    moment: Timestamp,
    tried: HashSet<Digest>,
    /// What was wrong, and did not keep the rest from being done.
    failures: Vec<Failure>,
    /// Whether the broker said something by which there is something to fetch.
    lacks: bool,
    /// The hours after which the broker refuses a message for its time.
    max_delay_hours: u16,
    /// Whether a message was refused that no next one puts right.
    is_refused: bool,
    /// Whether it was looked which certificates the broker has.
    has_looked: bool,
    /// Whether anything was done in this run.
    any_done: bool,
    /// Whether the broker replied in this run.
    has_heard: bool,
    /// Whether the broker took a message of what is flagged in this run.
    delivered: bool,
    /// Whether it was told of something new by that.
    changed: bool,
    /// Before this there is no other release, as the broker said last.
    until: Option<Timestamp>,
}

impl<'a> Run<'a> {
    fn begin(args: &'a SyncArgs, ways: &'a Ways, pace: Arc<dyn Pace>, holder: &'a Holder) -> Result<Run<'a>, Failure> {
        let mut partner = holder.open(args)?;
        let now = args.work.clock.time()?;
        // Before anything is asked, or written down to be of that day.
        partner.check_clock(now)?;
        let policy = partner.policy().policy();
        let own = policy.partner(partner.number());
        let tell = holder.teller();
        let carrier = Carrier::new(&ways.connect, &policy.operator.addresses, &policy.consortium)?
            .with_pace(pace)
            .telling(move |missed| {
                if let Some(tell) = &tell {
                    tell(false);
                }
                note(&format!("{}; again in {} s", missed.findings.join("; "), missed.wait.as_secs().max(1)));
            });
        let record = Record::read(&args.place.dir, now.day())?;
        Ok(Run {
            args,
            ways,
            holder,
            carrier,
            started: Instant::now(),
            lacks: partner.brokers_policy().is_some() && record.kept().fetched != Some(now.day().0),
            version: policy.version,
            record,
            number: partner.number(),
            may_flag: own.is_some_and(|own| own.may.flag),
            may_ask: own.is_some_and(|own| own.may.ask) && policy.counting.answers.is_none(),
            may_talk: policy.meet.is_some() && own.is_some_and(|own| own.may.flag || own.may.coordinate),
            talk: TalkRun::after_delivery(),
            moment: day::moment(args.place.keys(), now.day())?,
            tried: HashSet::new(),
            failures: Vec::new(),
            max_delay_hours: policy.messages.max_delay_hours,
            is_refused: false,
            has_looked: false,
            any_done: false,
            has_heard: false,
            delivered: false,
            changed: false,
            until: None,
        })
    }

    fn now(&self) -> Result<Timestamp, Failure> {
        self.args.work.clock.time()
    }

    fn today(&self) -> Result<Day, Failure> {
        Ok(self.now()?.day())
    }

    /// What is left of the time that a run goes on trying; an attempt is made in any case.
    fn patience(&self) -> Duration {
        Duration::from_secs(60 * self.args.patience).saturating_sub(self.started.elapsed())
    }

    fn open(&self) -> Result<Held, Failure> {
        self.holder.open(self.args)
    }

    /// Whether the day's work is to be done now.
    fn is_time(&self) -> Result<bool, Failure> {
        Ok(self.args.at_once || self.now()? >= self.moment)
    }

    /// Takes up questions that are in flight, and state messages that an earlier run began with.
    fn under_way(&mut self, out: &mut Output) -> Result<(), Failure> {
        if self.record.kept().begun.is_some() {
            self.part(out, Run::deliver)?;
        }
        self.part(out, Run::questions)
    }

    /// Does a part of the work. What this partner's certificate keeps from being done is tried again where the broker
    /// has a newer one: a suspension may have been lifted on this very day.
    fn part(
        &mut self,
        out: &mut Output,
        part: fn(&mut Run<'a>, &mut Output) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut done = part(self, out);
        if done.as_ref().is_err_and(|failure| failure.code() == "not_certified") {
            match self.renewed(out) {
                Ok(true) => done = part(self, out),
                Ok(false) => {}
                Err(failure) => self.go_on(Err(failure))?,
            }
        }
        self.go_on(done)
    }

    /// Keeps a failure for the end, so that the rest is done; but where the broker is not reached there is no rest.
    fn go_on(&mut self, done: Result<(), Failure>) -> Result<(), Failure> {
        let Err(failure) = done else { return Ok(()) };
        if ENDING.contains(&failure.code()) {
            return Err(failure);
        }
        if WRONG_CLOCK.contains(&failure.code()) {
            self.failures.push(failure);
            return Failure::of_several(std::mem::take(&mut self.failures), self.any_done);
        }
        // All epochs may be over, and a newer policy has the next.
        let today = self.now()?.day().0;
        self.lacks |= failure.code() == "no_epoch" && self.record.kept().fetched != Some(today);
        self.failures.push(failure);
        Ok(())
    }

    /// What people asked, about addresses or for totals.
    fn questions(&mut self, out: &mut Output) -> Result<(), Failure> {
        while let Some(flight) = self.next(|kind| matches!(kind, Kind::Question | Kind::TotalsRequest))? {
            self.carry(&flight, out)?;
        }
        Ok(())
    }

    /// The day's work, as far as it is due.
    fn day(&mut self, out: &mut Output) -> Result<(), Failure> {
        let now = self.now()?;
        if self.may_flag {
            let due = match self.record.due(now, self.moment) {
                Due::At(_) if self.args.at_once => Due::Now(now.day()),
                due => due,
            };
            match due {
                Due::Now(day) => {
                    // On disk before there is a message: a run that is killed in between is gone on with.
                    self.record.change(|kept| kept.begun = Some(day.0))?;
                    self.part(out, Run::deliver)?;
                }
                Due::Gone if self.args.at_once => {
                    // A broker that was restored since the day's message says only when it is asked that it wants all
                    // flags again.
                    self.part(out, Run::status)?;
                    self.part(out, Run::deliver)?;
                }
                _ => {}
            }
        }
        let today = now.day().0;
        if self.is_time()? && self.record.kept().status.is_none_or(|day| day < today) {
            self.part(out, Run::status)?;
        }
        let asks = !self.args.no_own && self.may_ask;
        if asks && self.is_time()? && self.record.kept().own.is_none_or(|day| day < today) {
            self.part(out, Run::own)?;
        }
        let talks = self.may_talk && (self.args.at_once || self.record.kept().talked.is_none_or(|day| day < today));
        if talks && self.is_time()? {
            self.part(out, Run::talk)?;
        }
        if self.lacks || self.is_time()? && self.record.kept().fetched.is_none_or(|day| day < today) {
            self.part(out, Run::fetch)?;
        }
        Ok(())
    }

    /// Sends what is flagged, or that nothing changed, one message after another.
    fn deliver(&mut self, out: &mut Output) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            let now = self.now()?;
            let mut partner = self.open()?;
            let made = match self.record.kept().begun {
                Some(_) => partner.confirm(now),
                // The day's has gone: only what there is to say.
                None => partner.deliver(now),
            };
            super::super::warn_of_unreached(&partner, now.day());
            let shortened = partner.take_shortened();
            if shortened.shortened + shortened.ended > 0 {
                warn(&format!(
                    "the policy allows fewer days than when these were flagged: {} flags were shortened, and {} ended; \
                     renew those that are still right with stapel partner flag --renew REASON",
                    shortened.shortened, shortened.ended
                ));
            }
            drop(partner);
            let made = made?;
            let mut outcome = None;
            while let Some(flight) = self.next(is_state)? {
                outcome = Some(self.carry(&flight, out)?);
                if outcome != Some(Outcome::Accepted) {
                    break;
                }
                self.delivered = true;
            }
            let again = match outcome {
                Some(Outcome::Rejected(_, Next::Again)) => true,
                // It waited too long; made now, it is in time.
                Some(Outcome::Rejected(Code::Clock, _)) => true,
                // What fits of the day's budget goes.
                Some(Outcome::Rejected(Code::OverBudget, _)) => true,
                Some(Outcome::Rejected(Code::NotCertified, _)) => self.renewed(out)?,
                _ => false,
            };
            let is_accepted = match outcome {
                Some(outcome) => outcome == Outcome::Accepted,
                // Nothing was sent: there was nothing to say, or it waits for the next run because the broker did not
                // keep it in this one.
                None => !self.open()?.in_flight().any(|message| is_state(message.kind)),
            };
            if is_accepted {
                let moment_was = now >= self.moment;
                return self.record.change(|kept| {
                    if let Some(day) = kept.begun.take() {
                        // A message after today's moment says what today's would.
                        let day = if moment_was { now.day().0 } else { day };
                        kept.delivered = kept.delivered.max(Some(day));
                    }
                });
            }
            if !again || made.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks where the partner stands.
    fn status(&mut self, out: &mut Output) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            let now = self.now()?;
            self.open()?.status(now)?;
            let outcome = match self.next(|kind| kind == Kind::Status)? {
                Some(flight) => self.carry(&flight, out)?,
                // It was sent in this run, and waits for the next.
                None => break,
            };
            match outcome {
                Outcome::Accepted => return self.record.change(|kept| kept.status = Some(now.day().0)),
                // It waited too long; made now, it is in time.
                Outcome::Rejected(Code::Clock, _) => {}
                Outcome::Rejected(Code::NotCertified, _) if self.renewed(out)? => {}
                _ => break,
            }
        }
        Ok(())
    }

    /// Asks about all own flags.
    fn own(&mut self, out: &mut Output) -> Result<(), Failure> {
        let now = self.now()?;
        let case = Case::new(self.args.actor.as_deref().unwrap_or_default(), &self.args.case)?;
        for _ in 0..ROUNDS {
            let before = self.tried.len();
            self.open()?.ask_own(&case, now)?;
            let (mut again, mut is_unheard) = (false, false);
            while let Some(flight) = self.next(|kind| kind == Kind::Question)? {
                let outcome = self.carry(&flight, out)?;
                again |= matches!(outcome, Outcome::Rejected(Code::OtherEpoch | Code::Stale | Code::Clock, _));
                if let Outcome::Rejected(Code::NotCertified, _) = outcome {
                    again |= self.renewed(out)?;
                }
                is_unheard |= matches!(outcome, Outcome::Rejected(Code::Clock | Code::NotCertified, _));
            }
            if again && self.tried.len() > before {
                continue;
            }
            // A clock that is set right, or a certificate, may come on the same day. What else is refused stays so, and
            // what was not kept is in flight.
            if is_unheard {
                return Ok(());
            }
            break;
        }
        self.record.change(|kept| kept.own = Some(now.day().0))
    }

    fn fetch(&mut self, out: &mut Output) -> Result<(), Failure> {
        self.renewed(out)?;
        out.finish()?;
        let newer = fetched::policies(&self.carrier, &self.args.place, self.version, self.patience())?;
        self.heard();
        if let Some(announced) = &newer.announced {
            note(announced);
        }
        let today = self.today()?.0;
        self.any_done = true;
        self.record.change(|kept| {
            kept.fetched = Some(today);
            kept.brokers_version = newer.in_force;
        })
    }

    /// Adds the certificates that the broker has and this folder has not, once in a run; whether any were the partner's
    /// own.
    fn renewed(&mut self, out: &mut Output) -> Result<bool, Failure> {
        if self.has_looked {
            return Ok(false);
        }
        out.finish()?;
        let added = fetched::certificates(&self.carrier, self.holder, self.args, self.number, self.patience())?;
        self.heard();
        for name in &added.own {
            if self.args.json {
                out.json(&json!({ "sync": "certificate", "file": name }))?;
            } else {
                writeln!(out, "certificate {name}: added")?;
            }
        }
        if added.others > 0 {
            if self.args.json {
                out.json(&json!({ "sync": "certificates_of_others", "added": added.others }))?;
            } else {
                writeln!(out, "{} of other partners: added", counted(added.others, "certificate", "certificates"))?;
            }
        }
        self.has_looked = true;
        self.any_done |= !added.own.is_empty() || added.others > 0;
        Ok(!added.own.is_empty())
    }

    /// The broker replied.
    fn heard(&mut self) {
        self.has_heard = true;
        if let Some(tell) = self.holder.teller() {
            tell(true);
        }
    }

    /// The next message in flight that was not tried in this run. An answer that lies in the outbox is somebody's to
    /// read, and its question is not sent again.
    fn next(&self, is_meant: impl Fn(Kind) -> bool) -> Result<Option<Flight>, Failure> {
        let partner = self.open()?;
        let outbox = self.args.outbox.of(&self.args.place);
        let next = partner.in_flight().find(|message| {
            let is_answered = message.kind == Kind::Question && outbox.has_reply(message);
            is_meant(message.kind) && !self.tried.contains(&message.digest) && !is_answered
        });
        Ok(next.map(|message| Flight {
            name: outbox::name(&message),
            kind: message.kind,
            digest: message.digest,
            bytes: message.bytes.to_vec(),
        }))
    }

    /// Sends one message, and reads its reply. The folder is not open meanwhile.
    fn carry(&mut self, flight: &Flight, out: &mut Output) -> Result<Outcome, Failure> {
        self.tried.insert(flight.digest);
        // What was said so far is seen while the broker is waited for, and is not lost where this is ended then.
        out.finish()?;
        let reply = self.carrier.exchange(&flight.bytes, self.patience())?;
        self.heard();
        let now = self.now()?;
        let mut partner = self.open()?;
        let by = partner.asked_by(flight.digest);
        let own = by.is_some_and(|by| self.is_own(by));
        // Who named the request asks the server for what came of it.
        let is_named = by.is_some_and(|by| !by.request().is_empty());
        if flight.kind == Kind::Question && !own && !is_named && !self.args.show && is_answer(&reply, &partner, flight)
        {
            let outbox = self.args.outbox.of(&self.args.place);
            files::create_folder(outbox.folder())?;
            let path = outbox.folder().join(format!("{}.reply", flight.name));
            files::replace(&path, &reply)?;
            if self.args.json {
                out.json(&json!({ "reply": "answer", "file": path.display().to_string(), "read": false }))?;
            } else {
                writeln!(out, "{}: answered; stapel partner read tells it", flight.name)?;
            }
            self.any_done = true;
            return Ok(Outcome::Left);
        }
        partner.resume_talk(self.talk);
        let received = partner.read(&reply, now).map_err(|error| {
            Failure::of_file(Path::new(&flight.name))(error).and("the message is still waited for, and sent again")
        })?;
        self.talk = partner.talk_run();
        self.say(flight, &received, (own, is_named), &partner, out)?;
        let outcome = self.outcome(&received);
        self.any_done |= outcome == Outcome::Accepted;
        if !matches!(outcome, Outcome::Rejected(Code::Clock, _)) {
            return Ok(outcome);
        }
        if flight.kind == Kind::Question && !own {
            // No run asks it again.
            self.is_refused = true;
            failure::some_refused();
        }
        if self.is_fresh(flight, now) {
            return Err(Failure::new(
                "clock",
                format!(
                    "the broker refused a message of today for its time, and nothing more was sent: this machine's \
                     clock says {now}; see whether that is right, and set it right. If it is, tell the operator, whose \
                     clock is wrong then"
                ),
            ));
        }
        Ok(outcome)
    }

    /// Whether a message was made so lately that the broker takes its time, unless a clock is wrong. On another day its
    /// flags' last valid day may have passed.
    fn is_fresh(&self, flight: &Flight, now: Timestamp) -> bool {
        Unverified::parse(&flight.bytes, Role::Partner).is_ok_and(|message| {
            let made = message.claimed_time();
            made <= now && made.day() == now.day() && now.since(made) <= u64::from(self.max_delay_hours) * 3_600
        })
    }
}

/// Whether a message is one of those that say what is flagged.
fn is_state(kind: Kind) -> bool {
    matches!(kind, Kind::Delta | Kind::FullSet | Kind::Confirm)
}
