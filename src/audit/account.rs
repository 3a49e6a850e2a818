//! The broker's account of a year, from its log and the policies alone: whoever has these files makes the same one.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, Outcome, SignedTree, Subject};
use super::line::Line;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::Code;
use crate::policy::Policy;
use crate::slug::Slug;

/// What a broker did in a year, as its log has it. Days are UTC.
#[derive(Clone, Debug)]
pub struct Account<'a> {
    year: u16,
    first_day: Day,
    last_day: Day,
    policies: BTreeMap<Digest, &'a Policy>,
    /// The policy of the line before, of whatever year.
    in_force: Option<Digest>,
    totals: AccountTotals,
}

/// The numbers and moments of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountTotals {
    /// Lines of the year.
    pub lines: u64,
    /// The times of the first and the last of them.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Lines under a policy that was not given: whose they are is not known.
    pub unknown: BTreeMap<Digest, u64>,
    /// The policies in force, each with the time of the first line under it in the year, in that order.
    pub policies: Vec<AccountPolicy>,
    /// Versions that were announced because a policy key was lost: when, and by which organisation.
    pub announced: Vec<(Timestamp, u32, Slug)>,
    /// The organisations, each with what its partners sent.
    pub organisations: BTreeMap<Slug, BTreeMap<u16, PartnerAccount>>,
    /// Releases by epoch: those in which new flags came to show, and those in which flags only ended.
    pub releases: BTreeMap<u32, (u64, u64)>,
    /// Standings that all partners together were told on days of the year: stacked, and all others. The log has those
    /// of a day once another day has begun.
    pub told: (u64, u64),
    /// The last day of the year of which `told` has them; `None` where it has none of a day yet.
    pub told_until: Option<Day>,
    /// When each epoch was opened.
    pub opened: Vec<(Timestamp, u32)>,
    /// When each was closed, and its keys destroyed.
    pub closed: Vec<(Timestamp, u32)>,
    /// Certificates that were kept.
    pub certificates: u64,
    /// When a partner was suspended, and in which epoch.
    pub suspensions: Vec<(Timestamp, u16, u32)>,
    /// Copies that were made.
    pub backups: Vec<Timestamp>,
    /// When the broker was put back from a copy, with the latest checkpoint that it knew of.
    pub restores: Vec<(Timestamp, Option<SignedTree>)>,
    /// When a partner showed a receipt that the log does not have, its number, and whether a restore explains it.
    pub forgotten: Vec<(Timestamp, u16, bool)>,
    /// When the operator said that the clock is right.
    pub clock_accepted: Vec<Timestamp>,
    /// Rows of ended flags that were erased.
    pub purged: u64,
    /// Turns of the day at which it was looked at who is to be introduced.
    pub turns: u64,
    /// Pairs of partners that were introduced to each other at these.
    pub introduced: u64,
    /// Lines that were pruned.
    pub pruned: u64,
    /// Messages of nobody who is known, by the code with which they were rejected.
    pub unauthenticated: BTreeMap<Code, u64>,
    /// Messages that came again, or too far ahead, and used up no number.
    pub replayed: u64,
}

/// A policy that was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountPolicy {
    /// When it was taken into force; of the first one, the time of its first line in the year.
    pub since: Timestamp,
    /// Its digest.
    pub digest: Digest,
    /// Its version; `None` where it was not given.
    pub version: Option<u32>,
}

/// What one partner sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartnerAccount {
    /// Messages by kind and outcome: `ok`, or the code of the rejection.
    pub messages: BTreeMap<(&'static str, &'static str), u64>,
    /// Pseudonyms in those that were accepted, by kind.
    pub pseudonyms: BTreeMap<&'static str, u64>,
    /// Flags that were renewed.
    pub renewed: u64,
    /// Sweeps that were answered, by reason.
    pub sweeps: BTreeMap<Slug, u64>,
    /// From which day on the roster had it in the year, and from which on no more; again where it came back.
    stays: Vec<(Day, Option<Day>)>,
    /// The days on which a message of it was accepted.
    days: BTreeSet<Day>,
}

impl PartnerAccount {
    /// The days up to `last` on which the roster had it and no message of it was accepted, and the longest run of
    /// them.
    pub fn silent_days(&self, last: Day) -> (u32, u32) {
        let (mut all, mut longest) = (0, 0);
        for (since, until) in &self.stays {
            let end = until.map_or(last.plus(1), |until| until.min(last.plus(1)));
            let mut run = 0;
            for day in (since.0..end.0).map(Day) {
                run = if self.days.contains(&day) { 0 } else { run + 1 };
                all += u32::from(run > 0);
                longest = longest.max(run);
            }
        }
        (all, longest)
    }

    /// The stay that has not ended.
    fn open_stay(&mut self) -> Option<&mut Option<Day>> {
        self.stays.last_mut().map(|(_, until)| until).filter(|until| until.is_none())
    }
}

impl<'a> Account<'a> {
    /// The account of a year, of which no line was read yet. `policies` say which organisation a partner is of: each
    /// line's is that of the policy that it names. `None` for a year that no line can be of.
    pub fn new(year: u16, policies: &'a [Policy]) -> Option<Account<'a>> {
        let (first_day, last_day) = (Day::from_ymd(year.into(), 1, 1)?, Day::from_ymd(year.into(), 12, 31)?);
        let policies = policies.iter().map(|policy| (policy.digest(), policy)).collect();
        Some(Account { year, first_day, last_day, policies, in_force: None, totals: AccountTotals::default() })
    }

    /// The year.
    pub fn year(&self) -> u16 {
        self.year
    }

    /// What was counted so far.
    pub fn totals(&self) -> &AccountTotals {
        &self.totals
    }

    /// The days of the year that the log's lines span: silence outside of them says nothing. `None` without a line.
    pub fn days(&self) -> Option<(Day, Day)> {
        self.totals.span.map(|(first, last)| (first.day(), last.day()))
    }

    /// Takes the next line of the log. Lines of other years only say which policy was in force.
    pub fn add(&mut self, line: &Line) {
        let is_adopted = self.in_force != Some(line.policy);
        self.in_force = Some(line.policy);
        let day = line.time.day();
        if let Event::Told { day, stacked, not_stacked, .. } = &line.event
            && (self.first_day..=self.last_day).contains(day)
        {
            self.totals.told.0 += stacked;
            self.totals.told.1 += not_stacked;
        }
        // No message is handled before the day that is over has its lines; a release may be.
        if matches!(line.event, Event::Told { .. } | Event::Message { .. }) {
            let over = day.0.checked_sub(1).map(Day).filter(|over| *over >= self.first_day);
            self.totals.told_until = self.totals.told_until.max(over.map(|over| over.min(self.last_day)));
        }
        if day < self.first_day || day > self.last_day {
            return;
        }
        let totals = &mut self.totals;
        let policy = self.policies.get(&line.policy).copied();
        totals.lines += 1;
        // A clock that was set right may have gone back.
        let (first, last) = totals.span.unwrap_or((line.time, line.time));
        totals.span = Some((first.min(line.time), last.max(line.time)));
        if is_adopted || totals.policies.is_empty() {
            let version = policy.map(|policy| policy.version);
            totals.policies.push(AccountPolicy { since: line.time, digest: line.policy, version });
            policy.into_iter().for_each(|policy| totals.take_roster(policy, day));
        }
        if policy.is_none() {
            *totals.unknown.entry(line.policy).or_default() += 1;
        }
        totals.add(line, policy);
    }
}

impl AccountTotals {
    /// Takes the partners of a policy that is in force from a day on.
    fn take_roster(&mut self, policy: &Policy, day: Day) {
        for (number, partner) in self.organisations.values_mut().flatten() {
            if policy.partner(*number).is_none()
                && let Some(until) = partner.open_stay()
            {
                *until = Some(day);
            }
        }
        for entry in &policy.partners {
            let organisation = self.organisations.entry(entry.organisation.clone()).or_default();
            let partner = organisation.entry(entry.number).or_default();
            if partner.open_stay().is_none() {
                partner.stays.push((day, None));
            }
        }
    }

    fn add(&mut self, line: &Line, policy: Option<&Policy>) {
        let time = line.time;
        match &line.event {
            Event::Message { partner, subject, count, outcome, .. } => {
                let Some(entry) = policy.and_then(|policy| policy.partner(*partner)) else { return };
                let organisation = self.organisations.entry(entry.organisation.clone()).or_default();
                organisation.entry(*partner).or_default().add(time.day(), subject, *count, *outcome);
            }
            Event::Unauthenticated { rejected, .. } => {
                for (code, count) in rejected {
                    *self.unauthenticated.entry(*code).or_default() += u64::from(*count);
                }
            }
            Event::Replayed { count, .. } => self.replayed += u64::from(count.get()),
            Event::Release { epoch, full, .. } => {
                let (showed, ended) = self.releases.entry(*epoch).or_default();
                *if *full { showed } else { ended } += 1;
            }
            Event::Introduced { pairs, .. } => {
                self.turns += 1;
                self.introduced += u64::from(*pairs);
            }
            Event::PolicyAnnounced { version, organisation, .. } => {
                self.announced.push((time, *version, organisation.clone()));
            }
            Event::Certificate { partner, epoch, suspends: true, .. } => {
                self.suspensions.push((time, *partner, *epoch));
            }
            Event::Certificate { .. } => self.certificates += 1,
            Event::EpochOpened { epoch } => self.opened.push((time, *epoch)),
            Event::EpochClosed { epoch } => self.closed.push((time, *epoch)),
            Event::ClockAccepted { .. } => self.clock_accepted.push(time),
            Event::Purge { flags, .. } => self.purged += flags,
            Event::Backup => self.backups.push(time),
            Event::Restore { last } => self.restores.push((time, last.clone())),
            Event::Forgotten { partner, announced, .. } => self.forgotten.push((time, *partner, *announced)),
            Event::Prune { lines, .. } => self.pruned += lines,
            // Each line names the policy in force, and what was told is of another day.
            Event::PolicyAdopted { .. } | Event::Told { .. } => {}
        }
    }
}

impl PartnerAccount {
    fn add(&mut self, day: Day, subject: &Subject, count: u32, outcome: Outcome) {
        *self.messages.entry((subject.kind(), outcome.as_str())).or_default() += 1;
        if outcome != Outcome::Accepted {
            return;
        }
        self.days.insert(day);
        *self.pseudonyms.entry(subject.kind()).or_default() += u64::from(count);
        match subject {
            Subject::Delta { renewed } | Subject::FullSet { renewed } => self.renewed += u64::from(*renewed),
            Subject::Sweep { reason } => *self.sweeps.entry(reason.clone()).or_default() += 1,
            Subject::Confirm
            | Subject::Question
            | Subject::Status
            | Subject::PutForward
            | Subject::Exchange
            | Subject::Totals
            | Subject::Year => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::policy::sample;

    fn at(text: &str) -> Timestamp {
        text.parse::<Day>().unwrap().start()
    }

    fn message(partner: u16, subject: Subject, outcome: Outcome) -> Event {
        let (message, journal) = (Digest([1; 32]), Digest::NONE);
        Event::Message { partner, epoch: 1, subject, message, journal, count: 3, outcome }
    }

    fn account<'a>(year: u16, policies: &'a [Policy], lines: &[(&str, Digest, Event)]) -> Account<'a> {
        let mut account = Account::new(year, policies).unwrap();
        for (day, policy, event) in lines {
            account.add(&Line { salt: [0; 16], time: at(day), policy: *policy, event: event.clone() });
        }
        account
    }

    #[test]
    fn turns_count_also_where_nobody_was_introduced() {
        let policy = sample::policy();
        let (digest, policies) = (policy.digest(), [policy]);
        let turn =
            |day: &'static str, pairs| (day, digest, Event::Introduced { day: day.parse().unwrap(), epoch: 1, pairs });
        let lines = [turn("2026-12-31", 4), turn("2027-01-01", 2), turn("2027-01-02", 0), turn("2027-01-03", 3)];
        let account = account(2027, &policies, &lines);
        assert_eq!((account.totals().turns, account.totals().introduced), (3, 5));
    }

    #[test]
    fn what_each_organisation_sent_and_what_became_of_it() {
        let policy = sample::policy();
        let digest = policy.digest();
        let policies = [policy];
        let delta = || Subject::Delta { renewed: 2 };
        let account = account(
            2027,
            &policies,
            &[
                ("2026-12-31", digest, message(1, delta(), Outcome::Accepted)),
                ("2027-01-01", digest, message(1, delta(), Outcome::Accepted)),
                ("2027-01-01", digest, message(2, Subject::Question, Outcome::Rejected(Code::OverBudget))),
                ("2027-01-04", digest, message(1, Subject::Question, Outcome::Accepted)),
                ("2027-01-05", digest, message(1, delta(), Outcome::Rejected(Code::Gap))),
                ("2027-01-06", digest, Event::Replayed { hour: at("2027-01-06"), count: NonZeroU32::new(5).unwrap() }),
                ("2028-01-01", digest, message(1, delta(), Outcome::Accepted)),
            ],
        );
        let totals = account.totals();
        assert_eq!((totals.lines, totals.replayed), (5, 5));
        let days = account.days().unwrap();
        assert_eq!((days.0.to_string(), days.1.to_string()), ("2027-01-01".into(), "2027-01-06".into()));
        let police = &totals.organisations[&"politie".parse::<Slug>().unwrap()][&1];
        assert_eq!(police.messages[&("delta", "ok")], 1);
        assert_eq!(police.messages[&("delta", "gap")], 1);
        assert_eq!((police.pseudonyms["delta"], police.renewed), (3, 2), "what was rejected brought nothing");
        assert_eq!(police.silent_days(days.1), (4, 2), "a rejected message is none");
        let tax = &totals.organisations[&"belastingdienst".parse::<Slug>().unwrap()][&2];
        assert_eq!((tax.messages[&("question", "over_budget")], tax.silent_days(days.1)), (1, (6, 6)));
        assert_eq!(totals.organisations.len(), 4, "also those that sent nothing");
        assert_eq!(totals.policies.len(), 1);
        assert!(Account::new(1969, &policies).is_none() && Account::new(2149, &policies).is_none());
    }

    #[test]
    fn what_happened_is_there_with_its_moment() {
        let policies = [sample::policy()];
        let digest = policies[0].digest();
        let certificate =
            |suspends| Event::Certificate { partner: 2, epoch: 1, serial: 1, certificate: Digest([2; 32]), suspends };
        let as_of = at("2027-02-01");
        let account = account(
            2027,
            &policies,
            &[
                ("2027-02-01", digest, Event::EpochOpened { epoch: 1 }),
                ("2027-02-02", digest, certificate(false)),
                ("2027-02-03", digest, certificate(true)),
                ("2027-02-04", digest, Event::Release { epoch: 1, release: 1, as_of, full: true }),
                ("2027-02-05", digest, Event::Release { epoch: 1, release: 2, as_of, full: false }),
                ("2027-02-05", digest, Event::Told { day: as_of.day(), epoch: 1, stacked: 4, not_stacked: 9 }),
                ("2027-02-06", digest, Event::Backup),
                ("2027-02-07", digest, Event::Restore { last: None }),
                ("2027-02-08", digest, Event::EpochClosed { epoch: 1 }),
            ],
        );
        let totals = account.totals();
        assert_eq!((totals.certificates, &totals.suspensions[..]), (1, &[(at("2027-02-03"), 2, 1)][..]));
        assert_eq!((totals.releases[&1], totals.told), ((1, 1), (4, 9)));
        assert_eq!(totals.told_until, Some(at("2027-02-04").day()), "what comes later are no messages");
        assert_eq!(
            (totals.opened.len(), totals.closed.len(), totals.backups.len(), totals.restores.len()),
            (1, 1, 1, 1)
        );
    }

    /// The standings of a year's last day are in the log of the next year.
    #[test]
    fn what_was_told_is_of_the_day_on_which_it_was_told() {
        let policies = [sample::policy()];
        let digest = policies[0].digest();
        let told = |day: &str, stacked| Event::Told { day: at(day).day(), epoch: 1, stacked, not_stacked: 0 };
        let of = |year, lines: &[(&str, Digest, Event)]| {
            let account = account(year, &policies, lines);
            (account.totals().told.0, account.totals().told_until.map(|day| day.to_string()))
        };
        let lines = [
            ("2027-12-31", digest, told("2027-12-30", 1)),
            ("2028-01-01", digest, told("2027-12-31", 2)),
            ("2028-01-03", digest, told("2028-01-01", 4)),
        ];
        assert_eq!(of(2027, &lines[..1]), (1, Some("2027-12-30".into())));
        assert_eq!(of(2027, &lines), (3, Some("2027-12-31".into())));
        assert_eq!(of(2028, &lines), (4, Some("2028-01-02".into())));
        assert_eq!(of(2028, &lines[..2]), (0, None), "its first day is not over");
    }

    #[test]
    fn a_partner_is_silent_only_while_the_roster_has_it_and_lines_of_an_unknown_policy_are_said() {
        let first = sample::policy();
        let version = format!("version = 2\nprevious = \"{}\"", first.digest());
        let text = sample::changed_text(&[("version = 1", &version)]);
        let before = text.split_once("[[partner]]\nnumber = 4").unwrap().0;
        let organisation = before.find("[[organisation]]\nslug = \"gemeente-zaanstad\"").unwrap();
        let end = organisation + before[organisation..].find("[[partner]]").unwrap();
        let second = Policy::parse(&(before[..organisation].to_owned() + &before[end..])).unwrap();
        let (old, new) = (first.digest(), second.digest());
        let policies = [first, second];
        let unknown = Digest([9; 32]);
        let account = account(
            2027,
            &policies,
            &[
                ("2027-03-01", old, Event::Backup),
                ("2027-03-04", new, Event::PolicyAdopted { version: 2, previous: Some(old) }),
                ("2027-03-09", unknown, message(1, Subject::Confirm, Outcome::Accepted)),
                ("2027-03-10", old, message(4, Subject::Confirm, Outcome::Accepted)),
                ("2027-03-15", old, Event::Backup),
                ("2027-03-18", new, Event::Backup),
            ],
        );
        let totals = account.totals();
        let last = account.days().unwrap().1;
        let silent =
            |slug: &str, number| totals.organisations[&slug.parse::<Slug>().unwrap()][&number].silent_days(last);
        assert_eq!(silent("gemeente-zaanstad", 4), (3 + 7, 7), "the first to the third, and the 11th to the 17th");
        assert_eq!(silent("politie", 1), (18, 18), "whose the line of the ninth is, is not known");
        let versions: Vec<_> = totals.policies.iter().map(|policy| policy.version).collect();
        assert_eq!(versions, [Some(1), Some(2), None, Some(1), Some(2)]);
        assert_eq!(totals.unknown, [(unknown, 1)].into());
    }
}
