//! Who comes to know of what somebody puts forward, and who is in a conversation.

use stapel::Timestamp;
use stapel::partner::{Partner, PartnerError, WouldBeTold};
use stapel::policy::Lang;

use super::t;

/// Whom a partner may come to be told to that puts an address forward, as the policy says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Audience {
    /// Those that may be told by name.
    pub named: WouldBeTold,
    /// Whether those who flag it too are told that somebody put it forward.
    pub others: bool,
}

impl Audience {
    /// Of what is put forward now.
    ///
    /// # Errors
    ///
    /// Those of [`Partner::would_be_told`].
    pub fn of(partner: &Partner, now: Timestamp) -> Result<Audience, PartnerError> {
        let tells_others = partner.policy().policy().meet.as_ref().is_some_and(|meet| meet.tell_others);
        Ok(Audience { named: partner.would_be_told(now.day())?, others: tells_others })
    }

    /// What is told where it is a hit, a clause for each; none where nobody is told. `who` names a partner.
    pub fn clauses(&self, lang: Lang, who: impl Fn(u16) -> String) -> Vec<String> {
        let mut told = Vec::new();
        if let Some(coordinator) = self.named.coordinator {
            let name = who(coordinator);
            told.push(t(
                lang,
                format!("{name}, de coördinator, hoort dat uw organisatie het aandroeg, en krijgt het adres"),
                format!("{name}, the coordinator, is told that this partner put it forward, and gets the address"),
            ));
        }
        if !self.named.direct.is_empty() {
            let is_one = self.named.direct.len() == 1;
            let (hears, is) = if is_one { ("hoort", "is") } else { ("horen", "are") };
            let names = joined_names(&self.named.direct, t(lang, "en", "and"), lang, who);
            told.push(t(
                lang,
                format!("{names} {hears} dat ook als hetzelfde adres daar is aangedragen, en u hoort het dan van hen"),
                format!("{names} {is} told so too where the same address is put forward there, and this partner of it"),
            ));
        }
        if self.others {
            told.push(t(
                lang,
                "anderen die het melden, kunnen horen dat iemand het aandroeg, en nooit wie".to_owned(),
                "others who flag it may be told that somebody did, and never who".to_owned(),
            ));
        }
        told
    }
}

/// Partners by their names, the last with `word`: "and" or "or". `who` names a partner.
pub fn joined_names(numbers: &[u16], word: &str, lang: Lang, who: impl Fn(u16) -> String) -> String {
    let all: Vec<_> = numbers.iter().map(|number| who(*number)).collect();
    match all.split_last() {
        None => t(lang, "niemand", "nobody").to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} {word} {last}", first.join(", ")),
    }
}

/// Those of a conversation who can be written to.
pub fn present(partner: &Partner, conversation: u32) -> Vec<u16> {
    let known = partner.conversations().find(|known| known.number == conversation && known.left.is_none());
    let others = known.into_iter().flat_map(|known| known.introduced);
    others.filter(|other| other.left.is_none()).map(|other| other.partner).collect()
}
