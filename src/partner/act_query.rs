//! What is looked for in the journal: a search is an act, and the journal has what it was for.

use super::case::{Case, one_line};
use super::error::PartnerError;
use crate::address::AddressKey;
use crate::codec::encode_fields;
use crate::day::{Day, Timestamp};

/// What is looked for in the journal. All that is given must hold; where nothing is, it is the whole journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActQuery {
    /// Who acted.
    pub actor: Option<String>,
    /// The case for which.
    pub case: Option<String>,
    /// An address, read as [`Partner::dossier`](super::Partner::dossier) reads it: of a home also what was done with
    /// its house number, of a house number also what was done with its homes.
    pub address: Option<AddressKey>,
    /// The first day.
    pub from: Option<Day>,
    /// The last day.
    pub to: Option<Day>,
}

impl ActQuery {
    /// Refuses an acting user or a case that no record can have.
    pub(super) fn refuse_impossible(&self) -> Result<(), PartnerError> {
        // Named so that nobody takes them for the user who searches, and the case for which.
        let sought = [
            (&self.actor, "acting user that is searched for (--by)"),
            (&self.case, "case that is searched for (--for)"),
        ];
        sought
            .into_iter()
            .filter_map(|(text, field)| Some((text.as_ref()?, field)))
            .try_for_each(|(text, field)| one_line(text, field).map(drop))
    }

    pub(super) fn holds(&self, time: Timestamp, by: Option<&Case>) -> bool {
        let is = |wanted: &Option<String>, said: fn(&Case) -> &str| {
            wanted.as_ref().is_none_or(|wanted| by.is_some_and(|by| said(by) == wanted))
        };
        let day = time.day();
        is(&self.actor, Case::actor)
            && is(&self.case, Case::reference)
            && self.from.is_none_or(|from| from <= day)
            && self.to.is_none_or(|to| day <= to)
    }
}

encode_fields! {
    ActQuery { actor, case, address, from, to }
    where |query| query.refuse_impossible().is_ok(),
    else "an acting user or a case that was looked for cannot be one"
}
