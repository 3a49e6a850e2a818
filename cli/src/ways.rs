//! The ways in which a conversation can go, as a year's report counts them.

use stapel::policy::Lang;
use stapel::talk::Outcome;
use stapel_service::after_hit;

/// One way.
pub(crate) struct Way {
    /// Its bit in a report.
    bit: u8,
    /// Its name in JSON.
    pub(crate) name: &'static str,
    /// How it ended; `None` while it goes on.
    outcome: Option<Outcome>,
}

const WAYS: [Way; 5] = [
    Way { bit: 0x01, name: "open", outcome: None },
    Way { bit: 0x02, name: "taken_up_together", outcome: Some(Outcome::Together) },
    Way { bit: 0x04, name: "taken_up_by_one", outcome: Some(Outcome::ByOne) },
    Way { bit: 0x08, name: "not_taken_up", outcome: Some(Outcome::NotTakenUp) },
    Way { bit: 0x10, name: "nothing_found", outcome: Some(Outcome::NothingFound) },
];

/// The ways that a cell of a report counts together.
pub(crate) fn of(ways: u8) -> impl Iterator<Item = &'static Way> {
    WAYS.iter().filter(move |way| ways & way.bit != 0)
}

impl Way {
    /// What it is called.
    pub(crate) fn called(&self, lang: Lang) -> &'static str {
        match (self.outcome, lang) {
            (Some(outcome), lang) => after_hit::outcome(outcome, lang),
            (None, Lang::En) => "open",
            (None, _) => "nog open",
        }
    }
}
