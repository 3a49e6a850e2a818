//! The partners and the broker at work on a simulated clock, beside the plain count that checks all that is said.

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use stapel::message::{Rejection, RenewalReason, Reply, Role, Unverified};
use stapel::partner::{Answered, Case, Changed, Partner, Received};
use stapel::{AddressError, AddressKey, Day, Timestamp};

use crate::chance::Chance;
use crate::consortium::{self, MAX_DAYS, Operator, RULES, SYSTEMS, organisations};
use crate::error::{DemoError, Result};
use crate::meetings::Meetings;
use crate::town::Home;
use crate::truth::Truth;

/// Everything at one moment.
pub(crate) struct Play {
    /// In the order of [`SYSTEMS`], and then the coordinator's.
    pub(crate) seats: Vec<Seat>,
    pub(crate) operator: Operator,
    pub(crate) truth: Truth,
    pub(crate) meetings: Meetings,
    /// The simulated clock, which everybody's is set by.
    pub(crate) now: Timestamp,
    pub(crate) tally: Tally,
}

/// A partner, and what the demonstration keeps of it.
pub(crate) struct Seat {
    pub(crate) partner: Partner,
    pub(crate) folder: PathBuf,
    /// State messages that were accepted, each with its receipt.
    pub(crate) accepted: Vec<(Vec<u8>, Vec<u8>)>,
    chance: Chance,
    cases: usize,
}

/// What was counted on the way.
#[derive(Default)]
pub(crate) struct Tally {
    /// Messages to the broker, all of them.
    pub(crate) sent: Vec<Vec<u8>>,
    /// All that the broker gave back: replies, and what its status and releases print as.
    pub(crate) returned: Vec<Vec<u8>>,
    pub(crate) releases: usize,
    /// Standings that were compared with the plain count.
    pub(crate) standings: usize,
    /// Other things that were compared: numbers of receipts, releases, heads of answers, keys read from text.
    pub(crate) others: usize,
    pub(crate) mismatches: usize,
    /// The first of them in words.
    pub(crate) differences: Vec<String>,
    pub(crate) refused: Vec<Refused>,
}

/// A line of a partner's export that was refused.
pub(crate) struct Refused {
    pub(crate) system: usize,
    pub(crate) line: usize,
    pub(crate) error: AddressError,
}

/// The most differences that are kept in words; the rest are only counted.
const MOST_SHOWN: usize = 10;

impl Tally {
    /// Compares two things that must be equal, the second by the plain count.
    fn compare<T: PartialEq + Debug>(&mut self, what: impl Fn() -> String, is: &T, should_be: &T) {
        if is != should_be {
            self.mismatches += 1;
            if self.differences.len() < MOST_SHOWN {
                self.differences.push(format!("{}: {is:?}, and by the plain count {should_be:?}", what()));
            }
        }
    }

    pub(crate) fn check<T: PartialEq + Debug>(&mut self, what: impl Fn() -> String, is: &T, should_be: &T) {
        self.others += 1;
        self.compare(what, is, should_be);
    }

    /// Bytes to the broker, and back.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        let sum = |all: &[Vec<u8>]| all.iter().map(Vec::len).sum();
        (sum(&self.sent), sum(&self.returned))
    }
}

impl Play {
    /// Begins with partners in the order of [`Play::seats`], each with its folder, and a broker that was made at `now`.
    pub(crate) fn new(partners: Vec<(Partner, PathBuf)>, operator: Operator, seed: u64, now: Timestamp) -> Play {
        let seats = partners.into_iter().enumerate().map(|(seat, (partner, folder))| Seat {
            partner,
            folder,
            accepted: Vec::new(),
            chance: Chance::new(seed, consortium::short(seat)),
            cases: 0,
        });
        let truth = Truth::new(RULES, SYSTEMS.iter().map(|system| (system.organisation, system.sees)), now);
        let meetings = Meetings::new();
        Play { seats: seats.collect(), operator, truth, meetings, now, tally: Tally::default() }
    }

    /// Lets time pass; half a minute after each midnight the operator's timer has the broker look whether a release is
    /// due.
    pub(crate) fn wait_until(&mut self, later: Timestamp) -> Result<()> {
        loop {
            let midnight = self.now.day().plus(1).start().plus(30);
            if midnight > later {
                self.now = later;
                return Ok(());
            }
            self.now = midnight;
            self.release()?;
        }
    }

    /// Has a system write homes into an export file in its own way, and reads that file back, line by line.
    pub(crate) fn import(&mut self, system: usize, file: &str, homes: &[&Home]) -> Result<Vec<AddressKey>> {
        let writing = SYSTEMS[system].writing;
        let seat = &mut self.seats[system];
        let text: String = homes.iter().map(|home| writing.write(home, &mut seat.chance) + "\n").collect();
        let path = seat.folder.join(file);
        fs::write(&path, text).map_err(DemoError::file("write", &path))?;
        let text = fs::read_to_string(&path).map_err(DemoError::file("read", &path))?;
        let mut keys = Vec::with_capacity(homes.len());
        for (at, (line, home)) in text.lines().zip(homes).enumerate() {
            match writing.read(line) {
                Ok(key) => {
                    self.tally.check(|| format!("the line {line:?}"), &key, &home.key);
                    keys.push(key);
                }
                Err(error) => self.tally.refused.push(Refused { system, line: at + 1, error }),
            }
        }
        self.tally.check(|| format!("lines of {file}"), &text.lines().count(), &homes.len());
        Ok(keys)
    }

    /// Flags homes, until the end of a month or as long as the policy lets a flag last.
    pub(crate) fn flag(&mut self, system: usize, homes: &[AddressKey], until: Option<Day>) -> Result<()> {
        let by = self.case(system)?;
        let partner = &mut self.seats[system].partner;
        let changed = match until {
            Some(last_day) => partner.flag_until(homes, last_day, &by, self.now)?,
            None => partner.flag(homes, &by, self.now)?,
        };
        let last_day = until.unwrap_or_else(|| default_last_day(self.now));
        let expected = Changed { added: homes.len(), ..Changed::default() };
        self.tally.check(|| "newly flagged".to_owned(), &changed, &expected);
        self.truth.flag(system, homes, last_day);
        Ok(())
    }

    /// Renews the flags of homes.
    pub(crate) fn renew(&mut self, system: usize, homes: &[AddressKey]) -> Result<()> {
        let by = self.case(system)?;
        let changed = self.seats[system].partner.renew(homes, RenewalReason::BeingActedOn, &by, self.now)?;
        let expected = Changed { changed: homes.len(), ..Changed::default() };
        self.tally.check(|| "renewed".to_owned(), &changed, &expected);
        self.truth.flag(system, homes, default_last_day(self.now));
        Ok(())
    }

    /// Withdraws homes.
    pub(crate) fn withdraw(&mut self, system: usize, homes: &[AddressKey]) -> Result<()> {
        let by = self.case(system)?;
        let changed = self.seats[system].partner.withdraw(homes, &by, self.now)?;
        let expected = Changed { withdrawn: homes.len(), ..Changed::default() };
        self.tally.check(|| "withdrawn".to_owned(), &changed, &expected);
        self.truth.withdraw(system, homes);
        Ok(())
    }

    /// Brings the broker up to date, or confirms that nothing changed.
    pub(crate) fn deliver(&mut self, system: usize) -> Result<()> {
        let mut told = None;
        for message in self.seats[system].partner.confirm(self.now)? {
            let reply = self.carry(&message)?;
            let received = self.seats[system].partner.read(&reply, self.now)?;
            let Received::Receipt(receipt) = &received else {
                return Err(format!(
                    "{} delivered, and the broker said {}",
                    SYSTEMS[system].short,
                    in_short(&received)
                )
                .into());
            };
            told = Some(receipt.held as usize);
            self.seats[system].accepted.push((message, reply));
        }
        // What is withdrawn goes in a message before that with what is new, so that the last one says it all.
        self.truth.told(system, self.now);
        self.meetings.completed(&self.truth, self.now.day());
        let held = self.truth.held(system);
        self.tally.check(|| format!("flags held of {}", SYSTEMS[system].short), &told, &Some(held));
        Ok(())
    }

    /// Asks about all that a system flags itself, and checks every standing.
    pub(crate) fn ask_own(&mut self, system: usize) -> Result<Answered> {
        let by = self.case(system)?;
        let messages = self.seats[system].partner.ask_own(&by, self.now)?;
        let answered = self.asked(system, messages)?;
        let held = self.truth.held(system);
        self.tally.check(|| format!("addresses asked by {}", SYSTEMS[system].short), &answered.rows.len(), &held);
        Ok(answered)
    }

    /// Asks about some addresses, and checks every standing.
    pub(crate) fn ask(&mut self, system: usize, addresses: &[AddressKey]) -> Result<Answered> {
        let by = self.case(system)?;
        let messages = self.seats[system].partner.ask(addresses, &by, self.now)?;
        let answered = self.asked(system, messages)?;
        self.tally.check(|| "rows of an answer".to_owned(), &answered.rows.len(), &addresses.len());
        Ok(answered)
    }

    /// Asks what is to be rejected, and gives the rejection.
    pub(crate) fn ask_in_vain(&mut self, system: usize, addresses: &[AddressKey]) -> Result<Rejection> {
        let by = self.case(system)?;
        let mut rejected = None;
        for message in self.seats[system].partner.ask(addresses, &by, self.now)? {
            let reply = self.carry(&message)?;
            match self.seats[system].partner.read(&reply, self.now)? {
                Received::Rejection { rejection, .. } => rejected = Some(rejection),
                Received::Answer(answered) => self.check_answer(system, &answered),
                other => return Err(format!("a question got {}", in_short(&other)).into()),
            }
        }
        rejected.ok_or_else(|| "a question that no budget reaches was answered".into())
    }

    /// Brings bytes to the broker and gives back its reply.
    pub(crate) fn carry(&mut self, message: &[u8]) -> Result<Vec<u8>> {
        self.tick();
        let reply = self.operator.broker()?.handle(message, self.now);
        self.tally.sent.push(message.to_vec());
        self.tally.returned.push(reply.clone());
        Ok(reply)
    }

    /// What a rejection says, and whether the broker signed it.
    pub(crate) fn rejection(&self, reply: &[u8]) -> Result<(Rejection, bool)> {
        let unverified = Unverified::parse(reply, Role::Broker)?;
        if let Some(rejection) = unverified.danger_unsigned_rejection() {
            return Ok((rejection, false));
        }
        match unverified.verify(&self.operator.verifying_key)?.reply()? {
            Reply::Rejection(rejection) => Ok((rejection, true)),
            _ => Err("the broker took what it must reject".into()),
        }
    }

    /// What the broker can tell its operator, checked; by system: flags held, and flags that show.
    pub(crate) fn status(&mut self) -> Result<Vec<(usize, usize)>> {
        let broker = self.operator.broker()?;
        let status = broker.status();
        self.tally.returned.push(format!("{broker:?}\n{status:?}\n{status:#?}").into_bytes());
        self.tally.check(|| "a fault at the broker".to_owned(), &status.last_fault, &None);
        let partners = status.epochs.first().map(|epoch| epoch.partners.as_slice()).unwrap_or_default();
        let rows: Vec<_> = partners.iter().map(|partner| (partner.held as usize, partner.released as usize)).collect();
        let expected = (0..SYSTEMS.len()).map(|system| (self.truth.held(system), self.truth.released(system)));
        self.tally.check(|| "the broker's status".to_owned(), &rows, &expected.collect());
        Ok(rows)
    }

    /// Makes the release that is due in the plain count, and decides there who meets. Whether one was due.
    fn tick(&mut self) -> bool {
        let due = self.truth.tick(self.now);
        if due {
            self.tally.releases += 1;
            self.meetings.turn(&self.truth, self.now.day());
        }
        due
    }

    fn release(&mut self) -> Result<()> {
        let due = self.tick();
        let releases = self.operator.broker()?.release(self.now)?;
        self.tally.returned.push(format!("{releases:?}").into_bytes());
        let made: Vec<_> = releases.iter().map(|release| (release.number, release.as_of)).collect();
        let expected: Vec<_> = due.then(|| self.truth.release()).into_iter().collect();
        self.tally.check(|| "releases made".to_owned(), &made, &expected);
        for release in releases {
            let flags: usize = (0..SYSTEMS.len()).map(|system| self.truth.released(system)).sum();
            self.tally.check(|| "flags in a release".to_owned(), &(release.flags as usize), &flags);
            let addresses: usize = self.truth.stacks(|_| true).values().sum();
            self.tally.check(|| "tags in a release".to_owned(), &(release.tags as usize), &addresses);
        }
        Ok(())
    }

    fn asked(&mut self, system: usize, messages: Vec<Vec<u8>>) -> Result<Answered> {
        let mut whole: Option<Answered> = None;
        for message in messages {
            let reply = self.carry(&message)?;
            match self.seats[system].partner.read(&reply, self.now)? {
                Received::Answer(answered) => {
                    self.check_answer(system, &answered);
                    match &mut whole {
                        Some(whole) => whole.rows.extend(answered.rows),
                        None => whole = Some(answered),
                    }
                }
                other => {
                    return Err(
                        format!("{} asked, and the broker said {}", SYSTEMS[system].short, in_short(&other)).into()
                    );
                }
            }
        }
        whole.ok_or_else(|| format!("{} had nothing to ask", SYSTEMS[system].short).into())
    }

    fn check_answer(&mut self, system: usize, answered: &Answered) {
        let Play { truth, tally, .. } = self;
        let head = (answered.release, answered.as_of);
        tally.check(|| "the release of an answer".to_owned(), &head, &truth.release());
        let organisations = (usize::from(answered.organisations), usize::from(answered.fresh));
        let expected = (self::organisations().len(), truth.fresh());
        tally.check(|| "organisations in the roster, and fresh ones".to_owned(), &organisations, &expected);
        for (address, standing) in &answered.rows {
            tally.standings += 1;
            let what = || format!("{} told {address}", SYSTEMS[system].short);
            tally.compare(what, standing, &truth.standing(system, address));
        }
    }

    pub(crate) fn case(&mut self, seat: usize) -> Result<Case> {
        let cases = &mut self.seats[seat].cases;
        *cases += 1;
        Ok(Case::new(consortium::actor(seat), &format!("2027-{cases:04}"))?)
    }
}

/// The latest end of a month that a flag may last to.
fn default_last_day(now: Timestamp) -> Day {
    now.day().plus(MAX_DAYS).latest_month_end().unwrap_or_default()
}

pub(crate) fn in_short(received: &Received) -> String {
    match received {
        Received::Rejection { rejection, .. } | Received::Late(rejection) | Received::Hint(rejection) => {
            format!("no ({}): {}", rejection.code.as_str(), rejection.sentence)
        }
        _ => "something else".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consortium::{Consortium, POLICE, SAFETY};

    fn start() -> Timestamp {
        "2027-01-04".parse::<Day>().unwrap().start().plus(8 * 3600)
    }

    fn home(number: u32) -> AddressKey {
        AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap()
    }

    /// All five systems flag homes 1 to 9, and all of it is released.
    fn play(base: &std::path::Path) -> Play {
        let Consortium { partners, operator, .. } = Consortium::found(base, 500, start()).unwrap();
        let mut play = Play::new(partners, operator, 1, start());
        for system in 0..SYSTEMS.len() {
            play.flag(system, &(1..10).map(home).collect::<Vec<_>>(), None).unwrap();
            play.deliver(system).unwrap();
        }
        play.wait_until(start().plus(86_400)).unwrap();
        play
    }

    #[test]
    fn what_is_as_it_should_be_gives_no_mismatch() {
        let base = tempfile::tempdir().unwrap();
        let mut play = play(base.path());
        assert_eq!(play.ask_own(POLICE).unwrap().rows.len(), 18);
        play.ask(SAFETY, &[home(3), home(77)]).unwrap();
        play.status().unwrap();
        assert_eq!(
            (play.tally.mismatches, play.tally.standings, play.tally.releases),
            (0, 20, 1),
            "{:?}",
            play.tally.differences
        );
        assert!(play.rejection(&play.seats[POLICE].accepted[0].1).is_err(), "a receipt is no rejection");
    }

    #[test]
    fn every_difference_from_the_plain_count_is_counted() {
        let base = tempfile::tempdir().unwrap();
        let mut play = play(base.path());
        // The plain count is told of one flag less than the broker, for each of the four organisations' systems but the
        // police's.
        for system in 1..SYSTEMS.len() {
            play.truth.withdraw(system, &[home(5)]);
            play.truth.told(system, play.now);
        }
        play.ask_own(POLICE).unwrap();
        assert_eq!(play.tally.mismatches, 0, "until the release");
        play.now = play.now.plus(86_400);
        play.ask_own(POLICE).unwrap();
        assert_eq!(play.tally.mismatches, 2, "the home and its house number: {:?}", play.tally.differences);
        assert!(play.tally.differences[0].contains("1012JS|5"), "{:?}", play.tally.differences);
        play.status().unwrap();
        assert_eq!(play.tally.mismatches, 3, "and the numbers of flags");
    }
}
