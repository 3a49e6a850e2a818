//! Who comes to know what of what people do after a hit, and when: what is said of each act, and of each that is only
//! tried.

use serde_json::{Value, json};
use stapel::partner::Partner;
use stapel::policy::Lang;
use stapel::{AddressKey, Day, Timestamp};
use stapel_service::after_hit::{Audience, joined_names};

use super::report::{typed_text, who};
use super::{PartnerFolder, coordinator, sync};
use crate::failure::{Failure, warn};
use crate::output::Shown;

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

/// The same of what was taken back, and of `back` too, if that is taken back now.
pub(super) fn taken_back(
    partner: &Partner,
    place: &PartnerFolder,
    back: &[AddressKey],
    now: Timestamp,
) -> Result<String, Failure> {
    when(place, partner.taking_back_goes_on(back, now.day()).unwrap_or(now.day()), now)
}

/// What a conversation is about, in brackets: its address, at the coordinator as notes said it. The number of a
/// conversation is another in each folder.
pub(super) fn about(partner: &Partner, conversation: u32, today: Day) -> String {
    let known = partner.conversations().find(|known| known.number == conversation);
    let own = known.and_then(|known| Some(format!("{}{}", known.address?.as_str(), typed_text(&known.typed))));
    let said = own.map_or_else(|| coordinator::addresses(partner, conversation, today), |own| vec![own]);
    if said.is_empty() { String::new() } else { format!(", {}", said.join("; ")) }
}

/// Who learns by a note of another than its writer and its reader that this one is in the conversation.
pub(super) fn naming(partner: &Partner, lead: u16, to: &[u16]) -> Option<String> {
    let others: Vec<u16> = to.iter().copied().filter(|other| *other != lead).collect();
    let is_named = lead != partner.number() && !others.is_empty();
    is_named.then(|| format!("{} as the one that leads, to {}", who(partner, lead), names(partner, &others, "and")))
}

/// Warns of what is missing without which nothing is told, and says what to do. Where that cannot be known, of why:
/// what was done before is done all the same.
pub(super) fn warn_of_what_is_missing(partner: &Partner, place: &PartnerFolder, today: Day) {
    match what_is_missing(partner, place, today) {
        Ok(sentence) => sentence.iter().for_each(|sentence| warn(sentence)),
        Err(failure) => warn(&format!("nothing is told to anybody as long as this is so: {}", failure.line())),
    }
}

/// Which certificates are missing, or the own seal key, without which nothing is told, and what to do.
pub(super) fn what_is_missing(partner: &Partner, place: &PartnerFolder, today: Day) -> Result<Option<String>, Failure> {
    if let Some(path) = partner.missing_seal_key(today) {
        return Ok(Some(format!(
            "{} is not the seal key that this partner's certificate names, and before it is, nothing is told to \
             anybody: put it back from the copy of the keys",
            path.shown()
        )));
    }
    let missing = partner.missing_certificates(today)?;
    if missing.is_empty() {
        return Ok(None);
    }
    let what = match missing.contains(&partner.number()) {
        true => "nothing is told to anybody",
        false => "nothing is told to them, nor of them",
    };
    let files: Vec<_> = missing.iter().map(|number| format!("{number}.*.cert")).collect();
    Ok(Some(format!(
        "no certificate is here of {}, and before there is one, {what}: {}, with the files that stapel policy certify \
         wrote ({}); over HTTPS stapel partner sync fetches them",
        names(partner, &missing, "and"),
        place.command("add-certificate"),
        files.join(", ")
    )))
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
