//! Parts of forms: a field with its label, and a summary of what is wrong, with a link to each field.

use std::borrow::Cow;

use maud::{Markup, html};
use stapel::message::RenewalReason;

use super::Visit;
use super::overview::is_case;
use crate::words::Words;

/// What is wrong with a field.
pub(super) struct Wrong {
    /// Its id.
    pub(super) field: &'static str,
    dutch: Cow<'static, str>,
    english: Cow<'static, str>,
}

impl Wrong {
    pub(super) fn new(
        field: &'static str,
        dutch: impl Into<Cow<'static, str>>,
        english: impl Into<Cow<'static, str>>,
    ) -> Wrong {
        Wrong { field, dutch: dutch.into(), english: english.into() }
    }

    /// The same, where it has numbers or names in it and so was written for the page's language alone.
    pub(super) fn written(field: &'static str, text: String) -> Wrong {
        Wrong::new(field, text.clone(), text)
    }

    fn said(&self, words: Words) -> &str {
        words.t(&self.dutch, &self.english)
    }
}

/// What is wrong, at the top of a page.
pub(super) fn summary<'a>(words: Words, wrong: impl IntoIterator<Item = &'a Wrong>) -> Markup {
    let mut wrong = wrong.into_iter().peekable();
    html! {
        @if wrong.peek().is_some() {
            div.alert #wrong role="alert" {
                p { b { (words.t("Er is nog niets gedaan.", "Nothing was done yet.")) } }
                ul { @for one in wrong { li { a href={ "#" (one.field) } { (one.said(words)) } } } }
            }
        }
    }
}

/// What stands with a field that is wrong.
pub(super) fn said(words: Words, wrong: &[Wrong], field: &str) -> Markup {
    html! {
        @for one in wrong.iter().filter(|one| one.field == field) {
            p.fault id={ (field) "-wrong" } { (one.said(words)) }
        }
    }
}

/// Whether a field is wrong, as an attribute has it, and what it is described by.
pub(super) fn marks(wrong: &[Wrong], field: &str) -> (Option<&'static str>, Option<String>) {
    match wrong.iter().any(|one| one.field == field) {
        true => (Some("true"), Some(format!("{field}-hint {field}-wrong"))),
        false => (None, Some(format!("{field}-hint"))),
    }
}

/// The case for which something is done.
pub(super) fn case_field(words: Words, wrong: &[Wrong], value: &str) -> Markup {
    let (invalid, described) = marks(wrong, "case");
    html! {
        div.field {
            label for="case" { (words.t("Zaak", "Case")) }
            p.hint #case-hint {
                (words.t(
                    "Het kenmerk in uw eigen systeem. Het blijft in het journaal van uw organisatie.",
                    "The reference in your own system. It stays in your organisation's journal.",
                ))
            }
            (said(words, wrong, "case"))
            input #case name="case" type="text" value=(value) autocomplete="off" maxlength="200" aria-invalid=[invalid]
                aria-describedby=[described];
        }
    }
}

/// What is wrong with a case, where something is.
pub(super) fn wrong_case(case: &str) -> Option<Wrong> {
    (!is_case(case)).then(|| {
        Wrong::new(
            "case",
            "Voor welke zaak is dit? Geef 1 tot 200 tekens op één regel.",
            "For which case is this? Give 1 to 200 characters on one line.",
        )
    })
}

/// A reason of a renewal, in words.
pub(super) fn reason(words: Words, reason: RenewalReason) -> &'static str {
    match reason {
        RenewalReason::ObservedAgain => words.t("opnieuw waargenomen door onszelf", "observed again by ourselves"),
        RenewalReason::BeingActedOn => words.t(
            "wij zijn ermee bezig: onderzoek, bezoek of maatregel",
            "we are acting on it: an inquiry, a visit or a measure",
        ),
        RenewalReason::ProcedurePending => words.t(
            "er loopt een procedure: rechter, bezwaar of vergunning",
            "a procedure is pending: court, objection or permit",
        ),
        RenewalReason::UnderSupervision => {
            words.t("er geldt een maatregel, en wij zien toe", "a measure holds, and we watch it")
        }
        _ => words.t("een reden die deze versie niet kent", "a reason that this version does not know"),
    }
}

/// The reasons that somebody can give.
pub(super) const REASONS: [RenewalReason; 4] = [
    RenewalReason::ObservedAgain,
    RenewalReason::BeingActedOn,
    RenewalReason::ProcedurePending,
    RenewalReason::UnderSupervision,
];

/// What each form begins with.
pub(super) fn hidden(visit: &Visit<'_>, what: &str) -> Markup {
    html! {
        input type="hidden" name="csrf" value=(visit.csrf);
        input type="hidden" name="do" value=(what);
    }
}
