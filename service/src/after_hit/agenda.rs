//! The words of the coordinator's agenda, and its order.

use std::cmp::Reverse;

use stapel::Day;
use stapel::partner::{AgendaEnd, AgendaItem, WaitsFor};
use stapel::policy::Lang;

use super::t;

/// The words of an agenda in one language.
#[derive(Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "a field is what its words say")]
pub struct AgendaWords {
    pub title: &'static str,
    pub ended_title: &'static str,
    pub none: &'static str,
    pub none_ended: &'static str,
    /// One conversation, and several.
    pub conversations: [&'static str; 2],
    pub conversation: &'static str,
    pub new: &'static str,
    pub of_them_new: &'static str,
    /// Of one that waits, and of several.
    pub wait: [&'static str; 2],
    pub waits: &'static str,
    pub not: &'static str,
    pub joined: &'static str,
    /// Of one that joined after the decision.
    pub not_told: &'static str,
    pub left: &'static str,
    pub since: &'static str,
    pub on: &'static str,
    pub address: &'static str,
    pub typed: &'static str,
    pub unknown: &'static str,
    pub differ: &'static str,
    pub lead: &'static str,
    pub rivals: &'static str,
    pub decision: &'static str,
    pub next: &'static str,
    pub outcome: &'static str,
    pub ended: &'static str,
    /// Of one that was closed and came back, before the day.
    pub closed: &'static str,
    pub partner: &'static str,
    pub nobody: &'static str,
    pub nothing: &'static str,
}

static NL: AgendaWords = AgendaWords {
    title: "Agenda",
    ended_title: "Afgelopen gesprekken",
    none: "Er zijn geen gesprekken die lopen.",
    none_ended: "Er zijn geen gesprekken afgelopen.",
    conversations: ["gesprek", "gesprekken"],
    conversation: "Gesprek",
    new: "NIEUW",
    of_them_new: "nieuw",
    wait: ["wacht op u", "wachten op u"],
    waits: "Wacht",
    not: "niet op u",
    joined: "Doen mee",
    not_told: "kwam erbij na wat het laatst is besloten, en heeft dat niet",
    left: "Vertrokken",
    since: "sinds",
    on: "op",
    address: "Adres",
    typed: "aangedragen als",
    unknown: "nog niet genoemd",
    differ: "LET OP: er zijn verschillende adressen genoemd",
    lead: "Trekker",
    rivals: "LET OP: zij noemden tegelijk een trekker; besluit wie het is",
    decision: "Besluit",
    next: "Opnieuw op",
    outcome: "Afloop",
    ended: "Afgelopen",
    closed: "was gesloten op",
    partner: "partner",
    nobody: "niemand",
    nothing: "-",
};

static EN: AgendaWords = AgendaWords {
    title: "Agenda",
    ended_title: "Conversations that have ended",
    none: "There are no conversations that go on.",
    none_ended: "No conversations have ended.",
    conversations: ["conversation", "conversations"],
    conversation: "Conversation",
    new: "NEW",
    of_them_new: "new",
    wait: ["waits for you", "wait for you"],
    waits: "Waiting",
    not: "not for you",
    joined: "Joined",
    not_told: "joined after what was decided last, and has not got it",
    left: "Left",
    since: "since",
    on: "on",
    address: "Address",
    typed: "put forward as",
    unknown: "not said yet",
    differ: "NOTE: different addresses were said",
    lead: "Leads",
    rivals: "NOTE: these were said to lead at the same time; decide who does",
    decision: "Decision",
    next: "Next on",
    outcome: "Outcome",
    ended: "Ended",
    closed: "was closed on",
    partner: "partner",
    nobody: "nobody",
    nothing: "-",
};

/// The words of an agenda.
pub fn agenda(lang: Lang) -> &'static AgendaWords {
    t(lang, &NL, &EN)
}

/// Those that are on it, or those that have ended, in the order in which they are looked at: what waits first, and
/// longest, and then what is looked at next; of those that have ended the latest first.
pub fn in_order(mut items: Vec<AgendaItem>, ended: bool) -> Vec<AgendaItem> {
    items.retain(|item| item.ended.is_some() == ended);
    let last = |day: Option<Day>| day.unwrap_or(Day(u16::MAX));
    match ended {
        true => items.sort_by_key(|item| Reverse(item.ended.map(|(day, _)| day))),
        false => items.sort_by_key(|item| (last(item.waits.map(|(since, _)| since)), last(item.next))),
    }
    items
}

/// Why a conversation waits for the coordinator.
pub fn waits_for(why: WaitsFor, lang: Lang) -> &'static str {
    match why {
        WaitsFor::FirstDecision => t(lang, "er is nog niets besloten", "nothing was decided yet"),
        WaitsFor::Joined => {
            t(lang, "er kwam iemand bij, die het besluit niet heeft", "somebody joined, who has not got the decision")
        }
        WaitsFor::Note => t(lang, "er kwam een bericht na het besluit", "a note came after the decision"),
        WaitsFor::NextDay => t(lang, "de afgesproken dag is gekomen", "the day that was agreed has come"),
        WaitsFor::LeaderLeft => t(lang, "wie trekt, is vertrokken", "who leads has left"),
        _ => t(lang, "om een reden die deze versie niet kent", "for a reason that this version does not know"),
    }
}

/// Why a conversation has ended.
pub fn ended(why: AgendaEnd, lang: Lang) -> &'static str {
    match why {
        AgendaEnd::AllSaid => t(lang, "allen die meedoen gaven de afloop door", "all who joined said how it ended"),
        AgendaEnd::Closed => t(lang, "door de coördinator gesloten", "closed by the coordinator"),
        AgendaEnd::AllLeft => t(lang, "iedereen is vertrokken", "all have left"),
        AgendaEnd::CoordinatorLeft => t(lang, "de coördinator is vertrokken", "the coordinator left"),
        _ => t(lang, "om een reden die deze versie niet kent", "for a reason that this version does not know"),
    }
}
