//! The pages, in one table. Each is a view, which is data, and a function that makes markup of it.

mod dossier;
mod home;
mod journal;
mod journal_file;
mod log;
mod officer_form;
mod pruned;
mod requests;

use maud::Markup;
use stapel::Timestamp;

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
    /// What somebody needs to see it or to do anything on it. `None`: everybody who is signed in may.
    pub(super) needs: Option<Right>,
    /// Shows it. Nothing is changed by that.
    pub(super) show: fn(&mut Visit<'_>) -> Result<Markup, Refusal>,
    /// What its form has done, where it has one.
    pub(super) act: Option<Act>,
}

/// All pages, in the order of the menu.
pub(super) const SCREENS: [Screen; 6] = [
    Screen { path: "", title: ("Begin", "Start"), needs: None, show: home::show, act: None },
    Screen {
        path: "/journal",
        title: ("Journaal", "Journal"),
        needs: Some(Right::Officer),
        show: journal::show,
        act: Some(journal::act),
    },
    Screen {
        path: "/dossier",
        title: ("Dossier", "Dossier"),
        needs: Some(Right::Officer),
        show: dossier::show,
        act: Some(dossier::act),
    },
    Screen {
        path: "/requests",
        title: ("Verzoeken", "Requests"),
        needs: Some(Right::Officer),
        show: requests::show,
        act: Some(requests::act),
    },
    Screen {
        path: "/removed",
        title: ("Gewist", "Removed"),
        needs: Some(Right::Officer),
        show: pruned::show,
        act: None,
    },
    Screen { path: "/log", title: ("Log", "Log"), needs: Some(Right::Officer), show: log::show, act: Some(log::act) },
];

/// Somebody who looks at a page, and what it is made of. The partner is theirs as long as this lives.
pub(super) struct Visit<'a> {
    pub(super) desk: &'a Desk,
    pub(super) partner: Lent,
    pub(super) now: Timestamp,
    pub(super) words: Words,
    pub(super) person: &'a Person,
    /// What each form has in it.
    pub(super) csrf: &'a str,
    /// What somebody gets to keep in the place of a page, where a screen puts it here.
    pub(super) file: Option<Download>,
}

/// A file that somebody keeps.
pub(super) struct Download {
    /// In letters, digits, dots and hyphens.
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) bytes: Vec<u8>,
}
