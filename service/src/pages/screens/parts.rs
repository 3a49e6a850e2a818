//! Parts of the pages on what comes after a hit.

use maud::{Markup, html};
use stapel::partner::Partner;
use stapel::{AddressKey, Day};

use super::Visit;
use super::forms::{Wrong, summary};
use crate::after_hit;
use crate::words::Words;

/// What each form of a page carries: for which case somebody acts is asked once, and goes along.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) words: Words,
    pub(super) csrf: &'a str,
    /// The page, after the language.
    pub(super) path: &'static str,
    pub(super) case: &'a str,
}

impl<'a> Step<'a> {
    pub(super) fn of(visit: &Visit<'a>, path: &'static str, case: &'a str) -> Step<'a> {
        Step { words: visit.words, csrf: visit.csrf, path, case }
    }

    /// A form, with what it asks for.
    pub(super) fn form(&self, asks: &str, content: &Markup) -> Markup {
        html! {
            form method="post" action={ "/" (self.words.lang()) (self.path) } {
                input type="hidden" name="csrf" value=(self.csrf);
                input type="hidden" name="case" value=(self.case);
                input type="hidden" name="do" value=(asks);
                (content)
            }
        }
    }

    /// A form that is one button.
    pub(super) fn button(&self, asks: &str, label: &str) -> Markup {
        self.form(asks, &html! { button.second type="submit" { (label) } })
    }

    /// For which case somebody looks, and a way to another one.
    pub(super) fn case_line(&self) -> Markup {
        let words = self.words;
        html! {
            p.case-line {
                (words.t("Zaak: ", "Case: ")) b { (self.case) } " – "
                a href={ "/" (words.lang()) (self.path) } { (words.t("een andere zaak", "another case")) }
            }
        }
    }

    /// The form that asks for which case somebody looks. The journal has it with what they are shown.
    pub(super) fn case_form(&self, wrong: bool, button: &str) -> Markup {
        let words = self.words;
        let wrongs = wrong.then(|| {
            Wrong::new(
                "case",
                "Voor welke zaak kijkt u? Geef 1 tot 200 tekens.",
                "For which case do you look? Give 1 to 200 characters.",
            )
        });
        html! {
            (summary(words, &wrongs))
            form method="post" action={ "/" (words.lang()) (self.path) } {
                input type="hidden" name="csrf" value=(self.csrf);
                input type="hidden" name="do" value="look";
                div.field {
                    label for="case" { (words.t("Uw zaak", "Your case")) }
                    p.hint #case-hint {
                        (words.t(
                            "Zij komt in het journaal, bij wat u ziet en doet.",
                            "It is in the journal, with what you see and do.",
                        ))
                    }
                    input #case name="case" type="text" value=(self.case) required autocomplete="off" maxlength="400"
                        aria-invalid=[wrong.then_some("true")]
                        aria-describedby=(if wrong { "case-hint wrong" } else { "case-hint" });
                }
                button type="submit" { (button) }
            }
        }
    }
}

/// That something was done, or was done before.
pub(super) fn done(words: Words, is_new: bool, text: &str) -> Markup {
    html! {
        div.result role="status" {
            h2 {
                (if is_new { words.t("Gedaan", "Done") } else { words.t("Dit was al gedaan", "This was done already") })
            }
            @if is_new {
                p { (text) }
            } @else {
                p { (words.t("Er is niets nog eens gedaan.", "Nothing was done once more.")) }
            }
        }
    }
}

/// That it is no longer as it was seen, so that nothing was done.
pub(super) fn changed(words: Words) -> Markup {
    html! {
        div.alert role="alert" {
            p {
                (words.t(
                    "Er is niets gedaan: het is intussen anders dan u het zag. Kijk het opnieuw na.",
                    "Nothing was done: it has changed since you saw it. Look at it again.",
                ))
            }
        }
    }
}

/// A section that says who comes to know what, and when.
pub(super) fn told(words: Words, lines: &[String]) -> Markup {
    html! {
        section.told aria-labelledby="told" {
            h3 #told { (words.t("Wie hoort wat, en wanneer", "Who learns what, and when")) }
            ul { @for line in lines { li { (line) } } }
        }
    }
}

/// A row of a list of what is known.
pub(super) fn row(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// A partner by its name, and its organisation where that has another.
pub(super) fn who(words: Words, partner: &Partner, number: u16) -> String {
    if number == partner.number() {
        return words.t("uw organisatie", "your organisation").to_owned();
    }
    let policy = partner.policy().policy();
    let Some(entry) = policy.partner(number) else {
        return format!("{} {number}", words.t("partner", "partner"));
    };
    match policy.organisation(&entry.organisation) {
        Some(organisation) if organisation.name != entry.name => format!("{} ({})", entry.name, organisation.name),
        _ => entry.name.clone(),
    }
}

/// Partners by their names.
pub(super) fn names(words: Words, partner: &Partner, numbers: &[u16]) -> String {
    let (and, lang) = (words.t("en", "and"), words.0);
    after_hit::joined_names(numbers, and, lang, |number| who(words, partner, number))
}

/// An address as it was typed, and its key where that is another text.
pub(super) fn address(typed: &str, key: &str) -> Markup {
    html! {
        @if typed.is_empty() { span.address { (key) } } @else { (typed) " " span.canonical { "(" (key) ")" } }
    }
}

/// How an own flag was typed, or else its key.
pub(super) fn shown(partner: &Partner, address: &AddressKey) -> String {
    let typed = partner.typed(address);
    if typed.is_empty() { address.as_str().to_owned() } else { typed }
}

/// When the broker hears of what goes on a day, as a sentence.
pub(super) fn hears(words: Words, day: Day) -> String {
    let day = words.day(day);
    words.t(
        format!("De teller hoort dit met de uitwisseling van {day}."),
        format!("The broker hears of this with the exchange of {day}."),
    )
}
