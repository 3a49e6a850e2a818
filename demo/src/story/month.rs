//! A month of work after hits: signals drawn by chance, what is put forward, introductions, notes, decisions and ends.

use std::collections::BTreeSet;
use std::io::Write;

use stapel::partner::{AskAnswer, Conversation, NewNote};
use stapel::talk::Outcome;
use stapel::{AddressKey, Level, Timestamp};

use super::{Month, Story, moment};
use crate::chance::Chance;
use crate::consortium::{COORDINATING, HOUSING, SYSTEMS, number};
use crate::error::Result;
use crate::play::Play;
use crate::show::thousands;
use crate::talking::address_of;

/// Days in which people act, from Monday 1 March on; and days after them in which what is on its way arrives.
const DAYS: u16 = 28;
const QUIET_DAYS: u16 = 4;

/// The most homes of the town that several organisations come across in this month.
const TALKED_OF: usize = 40;

/// What decides in the month, besides what happens.
struct People {
    chance: Chance,
    /// Homes that several come across, each flagged by nobody when the month began.
    talked_of: Vec<AddressKey>,
    /// Notes are numbered, so that each is another.
    notes: usize,
}

impl<W: Write> Story<'_, W> {
    /// Plays the month, and tells its figures.
    pub(super) fn a_month(&mut self) -> Result<()> {
        self.show.phase("A month after hits")?;
        let start = moment(3, 1, 0, 0);
        self.play.wait_until(start.plus(8 * 3600))?;
        let before = (self.play.meetings.counted(), self.play.written());
        let mut people = self.people();
        let mut flags = 0;
        for day in 0..DAYS + QUIET_DAYS {
            for seat in 0..=COORDINATING {
                self.play.wait_until(start.plus(u64::from(day) * 86_400 + 9 * 3600 + 600 * seat as u64))?;
                let is_busy = day < DAYS;
                if delivers(seat, day) {
                    if is_busy {
                        flags += people.flag(&mut self.play, self.town.homes.iter().map(|home| home.key), seat)?;
                    }
                    self.play.deliver(seat)?;
                }
                self.play.talk(seat)?;
                match seat {
                    _ if !is_busy => {}
                    COORDINATING => people.decide(&mut self.play)?,
                    _ => {
                        if day.is_multiple_of(7) {
                            people.look_at_hits(&mut self.play, seat)?;
                        }
                        people.answer(&mut self.play, seat)?;
                        people.work(&mut self.play, seat, delivers(seat, day + 1))?;
                    }
                }
            }
        }
        let (counted, written) = (self.play.meetings.counted(), self.play.written());
        self.play.tally.check(|| "a wait of eight days at most".to_owned(), &(counted.longest_wait <= 8), &true);
        let hits = self.play.truth.stacks(|address| address.level() == Level::Unit);
        self.outcome.month = Month {
            days: usize::from(DAYS),
            flags,
            hits: hits.iter().filter(|(height, _)| **height >= 2).map(|(_, count)| count).sum(),
            put_forward: counted.put_forward - before.0.put_forward,
            asked: counted.asked - before.0.asked,
            introduced: counted.introduced - before.0.introduced,
            addresses: counted.addresses - before.0.addresses,
            longest_wait: usize::from(counted.longest_wait),
            notes: written.notes - before.1.notes,
            outcomes: written.outcomes,
        };
        self.outcome.texts = written.texts;
        self.tell_month()
    }

    fn people(&self) -> People {
        let mut chance = Chance::new(self.seed, "month");
        let truth = &self.play.truth;
        let mut homes: Vec<AddressKey> = self.town.homes.iter().map(|home| home.key).collect();
        homes.retain(|home| (0..SYSTEMS.len()).all(|system| !truth.wanted(system).contains_key(home)));
        chance.shuffle(&mut homes);
        homes.truncate(TALKED_OF.min(homes.len()));
        People { chance, talked_of: homes, notes: 0 }
    }

    fn tell_month(&mut self) -> Result<()> {
        let Month { days, flags, hits, put_forward, asked, introduced, addresses, longest_wait, notes, .. } =
            &self.outcome.month;
        self.show.say(&format!(
            "In {days} days of March the four organisations flag {} homes more, drawn by chance; one of them delivers \
             once a week, the others each day. At the end {} homes are stacked. {} more were put forward, and {} times \
             a partner was asked because another had. {} pairs were introduced, over {} addresses. From the message \
             that completed what it needs, no introduction took more than {} days. {} notes were brought.",
            thousands(*flags),
            thousands(*hits),
            thousands(*put_forward),
            thousands(*asked),
            thousands(*introduced),
            thousands(*addresses),
            longest_wait,
            thousands(*notes)
        ))?;
        let rows: Vec<Vec<String>> = self
            .outcome
            .month
            .outcomes
            .iter()
            .map(|(outcome, count)| vec![outcome.replace('_', " "), thousands(*count)])
            .collect();
        self.show.table(&["how conversations ended", ""], &rows)?;
        self.show.say(
            "The plain count says by sets, each day, who must be introduced to whom. Each partner, and the \
             coordinator, was told just that, on that day, and nothing else; and each note came once.",
        )?;
        Ok(())
    }
}

impl People {
    /// New flags of a day, some put forward with the flag. How many.
    fn flag(&mut self, play: &mut Play, town: impl Iterator<Item = AddressKey>, system: usize) -> Result<usize> {
        let town: Vec<AddressKey> = town.collect();
        let mut new = BTreeSet::new();
        for _ in 0..1 + self.chance.below(3) {
            let from = if self.chance.percent(70) && !self.talked_of.is_empty() { &self.talked_of } else { &town };
            new.insert(self.chance.pick(from));
        }
        new.retain(|home| !play.truth.wanted(system).contains_key(home));
        // What was put forward once stays as it ended.
        let is_over = |home: &AddressKey| play.meetings.introductions(system).iter().any(|(met, ..)| met == home);
        new.retain(|home| !is_over(home));
        let new: Vec<AddressKey> = new.into_iter().collect();
        if !new.is_empty() {
            play.flag(system, &new, None)?;
        }
        let forward: Vec<AddressKey> = new.iter().filter(|_| self.chance.percent(50)).copied().collect();
        if !forward.is_empty() {
            play.put_forward(system, &forward)?;
        }
        Ok(new.len())
    }

    /// Once a week: what is stacked of the own flags is looked at, and two of them put forward.
    fn look_at_hits(&mut self, play: &mut Play, system: usize) -> Result<()> {
        let answered = play.ask_own(system)?;
        let stacked = answered.rows.iter().filter(|(home, standing)| {
            matches!(standing, stapel::message::Standing::Stacked(_)) && home.level() == Level::Unit
        });
        let mut stacked: Vec<AddressKey> = stacked.map(|(home, _)| *home).collect();
        // An answer's rows come in another order each time.
        stacked.sort_unstable();
        if stacked.is_empty() {
            return Ok(());
        }
        let two: BTreeSet<AddressKey> = [(); 2].iter().map(|()| self.chance.pick(&stacked)).collect();
        let two: Vec<_> = two.into_iter().filter(|home| !play.meetings.is_put_forward(system, home)).collect();
        if two.is_empty() { Ok(()) } else { play.put_forward(system, &two) }
    }

    /// What others put forward is answered.
    fn answer(&mut self, play: &mut Play, system: usize) -> Result<()> {
        let mut asked: Vec<_> = play.seats[system].partner.asked().filter(|asked| asked.answer.is_none()).collect();
        asked.sort_unstable_by_key(|asked| asked.address);
        for asked in asked {
            let answers = [(AskAnswer::Join, 55), (AskAnswer::NotNow, 30), (AskAnswer::Review, 15)];
            play.answer(system, &asked.address, self.chance.weighted(&answers))?;
        }
        Ok(())
    }

    /// Who leads writes, and some days after the decision how it ended. Of a wrong signal the flag is withdrawn, and
    /// the conversation left; on a day before a delivery, so that nobody is asked about a flag that only the broker
    /// still has.
    fn work(&mut self, play: &mut Play, system: usize, delivers_next: bool) -> Result<()> {
        for one in play.conversations(system) {
            let (Some(decision), true) = (&one.decision, one.lead == Some(number(system))) else { continue };
            let own = |one: &Conversation| one.notes.iter().filter(|note| note.from.is_none()).count();
            let has_begun = own(&one) > 1;
            let is_due = play.now > decision.time.plus(3 * 86_400);
            match one.outcome {
                None if !has_begun => {
                    let text = self.text("Wij nemen dit gesprek op");
                    play.write(system, one.number, &NewNote::Text { text: &text, to: None })?;
                }
                None if is_due => {
                    let outcomes = [
                        (Outcome::Together, 25),
                        (Outcome::ByOne, 35),
                        (Outcome::NotTakenUp, 15),
                        (Outcome::NothingFound, 15),
                        (Outcome::WrongSignal, 10),
                    ];
                    let (outcome, text) = (self.chance.weighted(&outcomes), self.text("Dit gesprek is afgerond"));
                    play.write(system, one.number, &NewNote::Outcome { outcome, text: &text })?;
                }
                Some(Outcome::WrongSignal) if delivers_next && is_written(&one, play.now) => {
                    let Some(home) = one.address else { continue };
                    play.withdraw(system, &[home])?;
                    play.leave(system, one.number, home)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The coordinator decides where two joined, or nobody else did in four days; from the second day on, when the
    /// notes with the addresses have all come: which of many come first is another order each time.
    fn decide(&mut self, play: &mut Play) -> Result<()> {
        for one in play.conversations(COORDINATING) {
            let mut joined: Vec<u16> =
                one.introduced.iter().filter(|other| other.left.is_none()).map(|other| other.partner).collect();
            // Those of one day come in another order each time.
            joined.sort_unstable();
            let is_late = one.began.plus(4) <= play.now.day();
            let has_just_begun = one.began == play.now.day();
            if one.decision.is_some() || joined.is_empty() || has_just_begun || address_of(&one).is_none() {
                continue;
            }
            if joined.len() > 1 || is_late {
                let (lead, next) = (Some(self.chance.pick(&joined)), Some(play.now.day().plus(14)));
                let text = self.text("Wie trekt, gaat deze week kijken");
                play.write(COORDINATING, one.number, &NewNote::Decision { lead, next, text: &text })?;
            }
        }
        Ok(())
    }

    fn text(&mut self, what: &str) -> String {
        self.notes += 1;
        format!("{what}, bericht {}.", self.notes)
    }
}

/// Whether a seat's system is brought up to date on a day of the month: one organisation's once a week.
fn delivers(seat: usize, day: u16) -> bool {
    seat < SYSTEMS.len() && (seat != HOUSING || day.is_multiple_of(7))
}

/// Whether the outcome was written on a day before this one, so that it was brought.
fn is_written(one: &Conversation, now: Timestamp) -> bool {
    one.notes.iter().all(|note| note.time.day() < now.day())
}
