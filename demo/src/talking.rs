//! What partners and coordinator do after a hit, each step held to the plain count.

use std::collections::{BTreeMap, BTreeSet};

use stapel::partner::{AskAnswer, Conversation, NewNote, NoteProgress, Received, TalkNews};
use stapel::talk::NoteContent;
use stapel::{AddressKey, Day};

use crate::consortium::{self, COORDINATING, SYSTEMS};
use crate::error::Result;
use crate::meetings::Meetings;
use crate::play::{Play, in_short};

/// Days in which an answer is due, by the policy of the demonstration.
const ANSWER_DAYS: u16 = 5;

/// For so many days after that a partner shows what it was asked.
const SHOWN_DAYS: u16 = 30;

/// Notes, and how the conversations ended.
#[derive(Default)]
pub(crate) struct Written {
    /// Notes that people wrote, and those with the address, each once for everybody whom it is for.
    pub(crate) notes: usize,
    /// By outcome: conversations that ended so.
    pub(crate) outcomes: BTreeMap<&'static str, usize>,
    /// What was written, for the search at the broker.
    pub(crate) texts: Vec<String>,
}

impl Play {
    /// Puts homes forward that a system flags.
    pub(crate) fn put_forward(&mut self, system: usize, homes: &[AddressKey]) -> Result<()> {
        let by = self.case(system)?;
        let count = self.seats[system].partner.put_forward(homes, &by, self.now)?;
        let new = homes.iter().filter(|home| !self.meetings.is_put_forward(system, home)).count();
        self.tally.check(|| "newly put forward".to_owned(), &count, &new);
        self.meetings.put_forward(system, homes);
        Ok(())
    }

    /// Answers what another put forward.
    pub(crate) fn answer(&mut self, system: usize, home: &AddressKey, answer: AskAnswer) -> Result<()> {
        let by = self.case(system)?;
        self.seats[system].partner.answer(home, answer, &by, self.now)?;
        match answer {
            AskAnswer::Join => self.meetings.put_forward(system, &[*home]),
            _ => self.meetings.take_back(system, home),
        }
        Ok(())
    }

    /// Writes a note.
    pub(crate) fn write(&mut self, seat: usize, conversation: u32, note: &NewNote<'_>) -> Result<()> {
        let by = self.case(seat)?;
        Ok(self.seats[seat].partner.write_note(conversation, note, &by, self.now)?)
    }

    /// Leaves the conversation over a home.
    pub(crate) fn leave(&mut self, system: usize, conversation: u32, home: AddressKey) -> Result<()> {
        let by = self.case(system)?;
        self.seats[system].partner.leave(conversation, &by, self.now)?;
        self.meetings.leave(system, home);
        Ok(())
    }

    /// A seat's run of what comes after a hit, once a day: says what is put forward, brings notes and fetches what
    /// waits. What it was told is compared with the plain count; the news of it is given.
    pub(crate) fn talk(&mut self, seat: usize) -> Result<Vec<TalkNews>> {
        let rows = (seat < SYSTEMS.len()).then(|| self.meetings.sent(seat, &self.truth, self.now.day()));
        while let Some(message) = self.seats[seat].partner.talk(self.now)? {
            let reply = self.carry(&message)?;
            match self.seats[seat].partner.read(&reply, self.now)? {
                Received::Kept(kept) => {
                    let what = || format!("rows kept and not kept of {}", consortium::short(seat));
                    let said = (Some(kept.kept as usize), kept.unflagged);
                    self.tally.check(what, &said, &(rows, 0));
                }
                Received::Posted(posted) => {
                    let what = || format!("passed over by {}", consortium::short(seat));
                    self.tally.check(what, &posted.passed_over, &0);
                }
                other => {
                    let (who, said) = (consortium::short(seat), in_short(&other));
                    return Err(format!("{who} talked, and the broker said {said}").into());
                }
            }
        }
        self.check_introductions(seat);
        if seat < SYSTEMS.len() {
            self.check_asks(seat);
        }
        let complaints = self.seats[seat].partner.complaints()?.len();
        self.tally.check(|| format!("complaints of {}", consortium::short(seat)), &complaints, &0);
        Ok(self.seats[seat].partner.take_talk_news()?)
    }

    /// The conversations of a seat that it did not leave, by address: their own order is that of pseudonyms, which are
    /// others each time.
    pub(crate) fn conversations(&self, seat: usize) -> Vec<Conversation> {
        let mut all: Vec<_> = self.seats[seat].partner.conversations().filter(|one| one.left.is_none()).collect();
        all.sort_by_key(|one| (one.address, address_of(one).map(str::to_owned)));
        all
    }

    /// Every introduction that must be there is, on its day, and no other.
    fn check_introductions(&mut self, seat: usize) {
        let expected = self.meetings.introductions(seat);
        let what = || format!("introductions of {}", consortium::short(seat));
        let all: Vec<Conversation> = self.seats[seat].partner.conversations().collect();
        let met = |one: &Conversation| -> BTreeSet<(usize, Day)> {
            one.introduced.iter().map(|other| (consortium::seat(other.partner), other.since)).collect()
        };
        if seat < SYSTEMS.len() {
            let told = all.iter().filter_map(|one| Some((one.address?, met(one))));
            let told = told.flat_map(|(home, met)| met.into_iter().map(move |(other, day)| (home, other, day)));
            return self.tally.check(what, &told.collect(), &expected);
        }
        // The coordinator knows an address from a note; until then a conversation is who joined, and when.
        let mut expected: BTreeMap<String, BTreeSet<(usize, Day)>> =
            expected.into_iter().fold(BTreeMap::new(), |mut all, (home, other, day)| {
                all.entry(home.to_string()).or_insert_with(BTreeSet::new).insert((other, day));
                all
            });
        let (mut told, mut named, mut nameless) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for one in &all {
            match address_of(one) {
                Some(key) => {
                    told.insert(key, met(one));
                    named.insert(key, expected.remove(key).unwrap_or_default());
                }
                None => nameless.push(met(one)),
            }
        }
        let mut rest: Vec<_> = expected.into_values().collect();
        nameless.sort();
        rest.sort();
        self.tally.check(what, &(told, nameless), &(named, rest));
    }

    /// Nobody was asked but who must be, and they all were where that is known.
    fn check_asks(&mut self, system: usize) {
        let flagged = self.truth.wanted(system);
        let told: BTreeMap<AddressKey, Day> =
            self.seats[system].partner.asked().map(|asked| (asked.address, asked.day)).collect();
        let mut expected = self.meetings.asks(system);
        let today = self.now.day();
        expected.retain(|home, day| flagged.contains_key(home) && day.plus(ANSWER_DAYS + SHOWN_DAYS) >= today);
        if !Meetings::is_asked(system) {
            expected.retain(|home, _| told.contains_key(home));
        }
        self.tally.check(|| format!("what {} was asked", consortium::short(system)), &told, &expected);
    }

    /// What was written up to now. Each note came once to everybody whom it was for.
    pub(crate) fn written(&mut self) -> Written {
        let mut written = Written::default();
        let (mut brought, mut came) = (0, 0);
        for seat in 0..self.seats.len() {
            for one in self.seats[seat].partner.conversations() {
                for note in &one.notes {
                    came += usize::from(note.from.is_some());
                    let copies = note.copies.iter().map(|copy| copy.progress);
                    written.notes += copies.clone().count();
                    brought += copies.filter(|one| matches!(one, NoteProgress::Read | NoteProgress::Kept)).count();
                    if let (None, Some(text)) = (note.from, text_of(&note.content)) {
                        written.texts.push(text.to_owned());
                    }
                }
                if let Some(outcome) = one.outcome.filter(|_| seat == COORDINATING) {
                    *written.outcomes.entry(outcome.as_str()).or_default() += 1;
                }
            }
        }
        self.tally.check(|| "notes that came".to_owned(), &came, &brought);
        written
    }
}

/// The address that a note told the coordinator.
pub(crate) fn address_of(one: &Conversation) -> Option<&str> {
    one.notes.iter().find_map(|note| match &note.content {
        NoteContent::Address { key, .. } => Some(key.as_str()),
        _ => None,
    })
}

/// What people wrote in a note.
pub(crate) fn text_of(content: &NoteContent) -> Option<&str> {
    match content {
        NoteContent::Text(text)
        | NoteContent::Lead { text, .. }
        | NoteContent::Outcome { text, .. }
        | NoteContent::Decision { text, .. } => Some(text).filter(|text| !text.is_empty()).map(String::as_str),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consortium::{Consortium, POLICE, RULES, TAX};

    fn home(number: u32) -> AddressKey {
        AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap()
    }

    /// Police and tax office flag homes 1 and 2, which are stacked from the second day on.
    fn play(base: &std::path::Path) -> Play {
        let start = RULES.opens.start().plus(9 * 3600);
        let Consortium { partners, operator, .. } = Consortium::found(base, 500, start).unwrap();
        let mut play = Play::new(partners, operator, 1, start);
        for system in 0..SYSTEMS.len() {
            // Three organisations must hold flags at all.
            let own = if [POLICE, TAX].contains(&system) { vec![home(1), home(2)] } else { vec![home(9)] };
            play.flag(system, &own, None).unwrap();
            play.deliver(system).unwrap();
        }
        play
    }

    fn day(play: &mut Play) {
        play.wait_until(play.now.plus(86_400)).unwrap();
        for seat in 0..=COORDINATING {
            play.talk(seat).unwrap();
        }
    }

    #[test]
    fn what_all_are_told_is_what_the_plain_count_has() {
        let base = tempfile::tempdir().unwrap();
        let mut play = play(base.path());
        play.put_forward(POLICE, &[home(1)]).unwrap();
        day(&mut play);
        day(&mut play);
        assert_eq!(play.conversations(POLICE).len(), 1);
        play.answer(TAX, &home(1), AskAnswer::Join).unwrap();
        day(&mut play);
        day(&mut play);
        let note = NewNote::Decision { lead: None, next: None, text: "Wij kijken ernaar." };
        play.write(COORDINATING, 1, &note).unwrap();
        day(&mut play);
        play.leave(TAX, 1, home(1)).unwrap();
        day(&mut play);
        assert_eq!((play.tally.mismatches, play.meetings.counted().introduced), (0, 2), "{:?}", play.tally.differences);
        let written = play.written();
        assert_eq!((written.notes, written.texts), (4, vec!["Wij kijken ernaar.".to_owned()]));
    }

    #[test]
    fn an_introduction_too_many_and_one_too_few_are_differences() {
        let base = tempfile::tempdir().unwrap();
        let mut play = play(base.path());
        // The plain count hears of home 1 alone, and the broker of home 2 alone.
        play.meetings.put_forward(POLICE, &[home(1)]);
        let by = play.case(POLICE).unwrap();
        play.seats[POLICE].partner.put_forward([&home(2)], &by, play.now).unwrap();
        day(&mut play);
        day(&mut play);
        let named = |what: &str| play.tally.differences.iter().any(|one| one.starts_with(what));
        assert!(
            named("introductions of politie") && named("what belastingdienst was asked"),
            "{:?}",
            play.tally.differences
        );
    }
}
