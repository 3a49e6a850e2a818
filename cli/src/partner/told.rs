//! Who comes to know what of what people do after a hit, and when: what is said of each act, and of each that is only
//! tried.

use serde_json::{Value, json};
use stapel::partner::Partner;
use stapel::policy::Lang;
use stapel::{Day, Timestamp};
use stapel_service::after_hit::{Audience, joined_names};

use super::report::who;
use super::{PartnerFolder, sync};
use crate::failure::Failure;

/// Whom a partner may come to be told to that puts an address forward, in one sentence.
pub(super) fn sentence(audience: &Audience, partner: &Partner) -> String {
    let told = audience.clauses(Lang::En, |number| who(partner, number));
    if told.is_empty() {
        return "nobody, since the policy has this partner meet nobody".to_owned();
    }
    format!("where it is a hit, {}; nobody else is told", told.join("; "))
}

pub(super) fn json(audience: &Audience) -> Value {
    let named = &audience.named;
    json!({ "direct": named.direct, "coordinator": named.coordinator, "others": audience.others })
}

/// Partners by their names, the last with "and" or "or", as `word` is.
pub(super) fn names(partner: &Partner, numbers: &[u16], word: &str) -> String {
    joined_names(numbers, word, Lang::En, |number| who(partner, number))
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
