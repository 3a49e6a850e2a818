//! Who comes to know what of what people do after a hit, and when: what is said of each act, and of each that is only
//! tried.

use serde_json::{Value, json};
use stapel::partner::{Partner, WouldBeTold};
use stapel::{Day, Timestamp};

use super::report::who;
use super::{PartnerFolder, sync};
use crate::failure::Failure;

/// Whom a partner may come to be told to that puts an address forward, as the policy says.
pub(super) struct Audience {
    named: WouldBeTold,
    /// Whether those who flag it too are told that somebody put it forward.
    others: bool,
}

impl Audience {
    pub(super) fn of(partner: &Partner, now: Timestamp) -> Result<Audience, Failure> {
        let tells_others = partner.policy().policy().meet.as_ref().is_some_and(|meet| meet.tell_others);
        Ok(Audience { named: partner.would_be_told(now.day())?, others: tells_others })
    }

    /// One sentence.
    pub(super) fn sentence(&self, partner: &Partner) -> String {
        let mut told = Vec::new();
        if let Some(coordinator) = self.named.coordinator {
            let name = who(partner, coordinator);
            told.push(format!(
                "{name}, the coordinator, is told that this partner put it forward, and gets the address"
            ));
        }
        if !self.named.direct.is_empty() {
            let word = if self.named.direct.len() == 1 { "is" } else { "are" };
            told.push(format!(
                "{} {word} told so too where the same address is put forward there, and this partner of it",
                names(partner, &self.named.direct, "and")
            ));
        }
        if self.others {
            told.push("others who flag it may be told that somebody did, and never who".to_owned());
        }
        if told.is_empty() {
            return "nobody, since the policy has this partner meet nobody".to_owned();
        }
        format!("where it is a hit, {}; nobody else is told", told.join("; "))
    }

    pub(super) fn json(&self) -> Value {
        json!({ "direct": self.named.direct, "coordinator": self.named.coordinator, "others": self.others })
    }
}

/// Partners by their names, the last with "and" or "or", as `word` is.
pub(super) fn names(partner: &Partner, numbers: &[u16], word: &str) -> String {
    let all: Vec<_> = numbers.iter().map(|number| who(partner, *number)).collect();
    match all.split_last() {
        None => "nobody".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} {word} {last}", first.join(", ")),
    }
}

/// Those of a conversation who can be written to.
pub(super) fn present(partner: &Partner, conversation: u32) -> Vec<u16> {
    let known = partner.conversations().find(|known| known.number == conversation && known.left.is_none());
    let others = known.into_iter().flat_map(|known| known.introduced);
    others.filter(|other| other.left.is_none()).map(|other| other.partner).collect()
}

/// When the broker is told what is put forward, as the end of a sentence.
pub(super) fn put_forward(partner: &Partner, place: &PartnerFolder, now: Timestamp) -> Result<String, Failure> {
    when(place, partner.put_forward_goes_on(now.day()).unwrap_or(now.day()), now)
}

/// The same of what was taken back.
pub(super) fn taken_back(partner: &Partner, place: &PartnerFolder, now: Timestamp) -> Result<String, Failure> {
    when(place, partner.taken_back_goes_on(now.day()).unwrap_or(now.day()), now)
}

/// When what is to go on a day goes, or on the next one where that day's run has been, as the end of a sentence.
pub(super) fn when(place: &PartnerFolder, day: Day, now: Timestamp) -> Result<String, Failure> {
    let today = now.day();
    let Some((day, moment)) = sync::next_talk(&place.dir, place.keys(), day, today)? else {
        let by_hand = "run of stapel partner sync, or of stapel partner talk where files are carried";
        return Ok(match day == today {
            true => format!("with the next {by_hand}"),
            false => format!("with the {by_hand}, of {day}; today's have gone"),
        });
    };
    let at = |moment: Timestamp| moment.to_string().get(11..16).unwrap_or_default().to_owned();
    Ok(match day == today {
        true if moment <= now => "with the next run of stapel partner sync".to_owned(),
        true => format!("with today's run of stapel partner sync, from {} UTC on", at(moment)),
        false => format!("with the run of stapel partner sync of {day}, from {} UTC on; today's has gone", at(moment)),
    })
}
