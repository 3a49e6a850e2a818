//! The pages, in one table. Each is a view, which is data, and a function that makes markup of it.
//!
//! - `start`: the first page, which is the case worker's `monday`, or leads the coordinator's people to the agenda;
//! - `flags`: the list of own flags, and `deeds`: what is done with them, each confirmed once; `flagging`: new
//!   flags, and `sheet`: those of a spreadsheet;
//! - `map`: where they are;
//! - `overview`: own flags as a list has them, which the above share; `table`: their markup; `told`: who learns of
//!   what; `standing`: how the exchange stands; `forms`: parts of forms;
//! - `asked`: what is put forward; `conversations`: their list; `conversation`: one, and `conversation_forms` beneath
//!   it; `draft`, `write`: what somebody writes there, and its confirmation; `agenda`: the coordinator's; `parts`: what
//!   these have in common;
//! - `journal` and `journal_file`, `dossier`, `requests`, `pruned`, `log`: the officer's; `officer_form`: what these
//!   have in common.

mod agenda;
mod asked;
mod conversation;
mod conversation_forms;
mod conversations;
mod deeds;
mod dossier;
mod draft;
mod flagging;
mod flags;
mod forms;
mod held;
mod journal;
mod journal_file;
mod log;
mod map;
mod monday;
mod officer_form;
mod overview;
mod parts;
mod pruned;
mod requests;
mod sheet;
mod standing;
mod start;
mod table;
mod told;
mod write;

use maud::Markup;
use stapel::{Partner, Timestamp};

pub(super) use deeds::{Deed, Outcome};

use super::kept::Kept;
use super::person::{Person, Right};
use super::refusal::Refusal;
use super::request::Fields;
use crate::desk::{Desk, Lent};
use crate::words::Words;

/// Does what a form asks for, and shows what came of it.
pub(super) type Act = fn(&mut Visit<'_>, &Fields) -> Result<Markup, Refusal>;

/// A page.
pub(super) struct Screen {
    /// After the language; empty for the first.
    pub(super) path: &'static str,
    /// In Dutch and in English.
    pub(super) title: (&'static str, &'static str),
    /// Of which partners it is.
    pub(super) whose: Whose,
    /// What somebody needs to see it or to do anything on it. `None`: everybody who is signed in may.
    pub(super) needs: Option<Right>,
    /// Shows it. Nothing is changed by that but the journal, which has what was shown to whom.
    pub(super) show: fn(&mut Visit<'_>) -> Result<Markup, Refusal>,
    /// What its form has done, where it has one.
    pub(super) act: Option<Act>,
}

/// Which partners a page is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    All,
    /// Those that flag.
    Flagging,
    /// The coordinator, which flags nothing.
    Coordinator,
}

impl Whose {
    pub(super) fn is_for(self, coordinates: bool) -> bool {
        match self {
            Whose::All => true,
            Whose::Flagging => !coordinates,
            Whose::Coordinator => coordinates,
        }
    }
}

/// All pages, in the order of the menu.
pub(super) const SCREENS: [Screen; 12] = [
    Screen { path: "", title: ("Begin", "Start"), whose: Whose::All, needs: None, show: start::show, act: None },
    Screen {
        path: "/flags",
        title: ("Meldingen", "Flags"),
        whose: Whose::Flagging,
        needs: Some(Right::Look),
        show: flags::show,
        act: Some(flags::act),
    },
    Screen {
        path: "/flag",
        title: ("Melden", "Flag"),
        whose: Whose::Flagging,
        needs: Some(Right::Flag),
        show: flagging::show,
        act: Some(flagging::act),
    },
    Screen {
        path: "/map",
        title: ("Kaart", "Map"),
        whose: Whose::Flagging,
        needs: Some(Right::Look),
        show: map::show,
        act: None,
    },
    Screen {
        path: "/asked",
        title: ("Aangedragen", "Put forward"),
        whose: Whose::Flagging,
        needs: Some(Right::Meet),
        show: asked::show,
        act: Some(asked::act),
    },
    Screen {
        path: "/conversations",
        title: ("Gesprekken", "Conversations"),
        whose: Whose::Flagging,
        needs: Some(Right::Meet),
        show: conversations::show,
        act: Some(conversations::act),
    },
    Screen {
        path: "/agenda",
        title: ("Agenda", "Agenda"),
        whose: Whose::Coordinator,
        needs: Some(Right::Meet),
        show: agenda::show,
        act: Some(agenda::act),
    },
    Screen {
        path: "/journal",
        title: ("Journaal", "Journal"),
        whose: Whose::All,
        needs: Some(Right::Officer),
        show: journal::show,
        act: Some(journal::act),
    },
    Screen {
        path: "/dossier",
        title: ("Dossier", "Dossier"),
        whose: Whose::All,
        needs: Some(Right::Officer),
        show: dossier::show,
        act: Some(dossier::act),
    },
    Screen {
        path: "/requests",
        title: ("Verzoeken", "Requests"),
        whose: Whose::All,
        needs: Some(Right::Officer),
        show: requests::show,
        act: Some(requests::act),
    },
    Screen {
        path: "/removed",
        title: ("Gewist", "Removed"),
        whose: Whose::All,
        needs: Some(Right::Officer),
        show: pruned::show,
        act: None,
    },
    Screen {
        path: "/log",
        title: ("Log", "Log"),
        whose: Whose::All,
        needs: Some(Right::Officer),
        show: log::show,
        act: Some(log::act),
    },
];

impl Screen {
    /// Whether it is one of somebody's pages.
    pub(super) fn is_of(&self, coordinates: bool, person: &Person) -> bool {
        self.whose.is_for(coordinates) && person.has(self.needs) && self.leads_to(coordinates, person).is_none()
    }

    /// The page in the place of which the first one is not shown: the coordinator's people begin with the agenda.
    pub(super) fn leads_to(&self, coordinates: bool, person: &Person) -> Option<&'static str> {
        let leads = self.path.is_empty() && coordinates && person.has(Some(Right::Meet));
        leads.then_some(agenda::PATH)
    }
}

/// The path of the page that takes files.
pub(super) const TAKES_FILES: &str = "/flag";

/// Somebody who looks at a page, and what it is made of. The partner is theirs as long as this lives.
pub(super) struct Visit<'a> {
    pub(super) desk: &'a Desk,
    pub(super) kept: &'a Kept,
    pub(super) partner: Lent,
    pub(super) now: Timestamp,
    pub(super) words: Words,
    pub(super) person: &'a Person,
    /// What each form has in it.
    pub(super) csrf: &'a str,
    /// What stands after the path. No address is in it: paths are in histories and in logs of proxies.
    pub(super) query: &'a Fields,
    /// What somebody gets to keep in the place of a page, where a screen puts it here.
    pub(super) file: Option<Download>,
}

impl Visit<'_> {
    /// Whether the partner is the coordinator.
    pub(super) fn coordinates(&self) -> bool {
        coordinates(&self.partner)
    }
}

/// Whether a partner is the coordinator.
pub(super) fn coordinates(partner: &Partner) -> bool {
    partner.policy().policy().partner(partner.number()).is_some_and(|entry| entry.may.coordinate)
}

/// A file that somebody keeps.
pub(super) struct Download {
    /// In letters, digits, dots and hyphens.
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) bytes: Vec<u8>,
}
