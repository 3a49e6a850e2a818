//! After a hit: one address from putting it forward to how it ended, as each side sees it.

use std::io::Write;

use stapel::AddressKey;
use stapel::partner::{AskAnswer, NewNote, TalkNews};
use stapel::talk::Outcome;

use super::{Story, moment};
use crate::consortium::{COORDINATING, HOUSING, POLICE, SAFETY, TAX, number, short};
use crate::error::Result;

/// The days of February on which all seats talk.
const DAYS: [u8; 7] = [15, 16, 17, 18, 19, 22, 23];

impl<W: Write> Story<'_, W> {
    /// Tells of an address that all four organisations flag, where there is one.
    pub(super) fn after_a_hit(&mut self) -> Result<()> {
        self.show.phase("After a hit")?;
        self.play.wait_until(moment(2, DAYS[0], 9, 0))?;
        let truth = &self.play.truth;
        let all = [POLICE, TAX, HOUSING, SAFETY];
        let by_all = |home: &&AddressKey| all.iter().all(|system| truth.flaggers(home).contains(system));
        let Some(home) = truth.wanted(POLICE).keys().find(by_all).copied() else { return Ok(()) };
        self.show.say(&format!(
            "A hit names nobody. Whoever wants to talk about {} puts it forward. By this policy police and \
             municipality are told of each other where both do so, and the coordinator, an organisation without flags, \
             questions and secret, of all who do. On 15 February the police and team veiligheid put it forward:",
            self.name(&home)
        ))?;
        let mut seen = Vec::new();
        for day in DAYS {
            self.play.wait_until(moment(2, day, 9, 0))?;
            if day == DAYS[0] {
                for system in [POLICE, SAFETY] {
                    self.play.put_forward(system, &[home])?;
                }
            }
            for seat in 0..=COORDINATING {
                self.play.wait_until(moment(2, day, 9 + seat as u64 / 6, 10 * (seat as u64 % 6)))?;
                for news in self.play.talk(seat)? {
                    seen.push(vec![format!("{day} February"), short(seat).to_owned(), in_words(&news)]);
                }
                let did = self.acts(seat, day, &home)?;
                seen.extend(did.map(|did| vec![format!("{day} February"), short(seat).to_owned(), did]));
            }
        }
        self.show.table(&["", "who", "is told, or does"], &seen)?;
        let met = self.play.meetings.introductions(HOUSING).len();
        self.play.tally.check(|| "whom the housing association was named to".to_owned(), &met, &0);
        self.show.say(
            "The housing association, which did not join, was named to nobody, and nobody was told that it said not \
             now. That the tax office joined, the coordinator alone was told; of the police the tax office heard from \
             the decision, which names who leads. The address stood in the sealed notes to the coordinator and \
             nowhere else. The broker saw which partners were introduced, and who writes to whom, but neither the \
             address nor a word.",
        )?;
        Ok(())
    }

    /// What a seat does on a day, in words.
    fn acts(&mut self, seat: usize, day: u8, home: &AddressKey) -> Result<Option<String>> {
        let conversation = |story: &Self| {
            let all = story.play.conversations(seat);
            // The coordinator has one alone, and it has no other address to tell it by.
            all.iter().find(|one| one.address.is_none_or(|address| address == *home)).map(|one| one.number)
        };
        let did = match (seat, day) {
            (TAX, 16) => {
                self.play.answer(TAX, home, AskAnswer::Join)?;
                "answers: joins"
            }
            (HOUSING, 16) => {
                self.play.answer(HOUSING, home, AskAnswer::NotNow)?;
                "answers: not now"
            }
            (COORDINATING, 18) => {
                let Some(number_of) = conversation(self) else { return Ok(None) };
                let (lead, next) = (Some(number(POLICE)), Some(moment(3, 3, 0, 0).day()));
                let text = "De politie gaat kijken, de gemeente gaat mee. Over twee weken verder.";
                self.play.write(seat, number_of, &NewNote::Decision { lead, next, text })?;
                "decides: the police lead, again on 3 March"
            }
            (POLICE, 22) => {
                let Some(number_of) = conversation(self) else { return Ok(None) };
                let text = "Samen met de gemeente geweest; het pand is gesloten.";
                self.play.write(seat, number_of, &NewNote::Outcome { outcome: Outcome::Together, text })?;
                "writes how it ended: taken up together"
            }
            _ => return Ok(None),
        };
        Ok(Some(did.to_owned()))
    }
}

/// News as people are told it.
fn in_words(news: &TalkNews) -> String {
    let other = |partner: u16| short(crate::consortium::seat(partner));
    match news {
        TalkNews::Asked { answer_by, .. } => format!("somebody put it forward: answer by {answer_by}"),
        TalkNews::Introduced { partner, .. } => format!("introduced to {}", other(*partner)),
        TalkNews::Note { partner, .. } => format!("a note from {}", other(*partner)),
        TalkNews::Decision { .. } => "the coordinator's decision".to_owned(),
        TalkNews::Left { partner, .. } => format!("{} left", other(*partner)),
        _ => "other news".to_owned(),
    }
}
