//! The forms beneath a conversation, one for each thing that somebody can do in it.

use maud::{Markup, html};
use stapel::Day;
use stapel::partner::{Conversation, Partner};
use stapel::talk::{MAX_NOTE_TEXT, Outcome};

use super::agenda;
use super::asked::capital;
use super::draft::{Draft, KINDS, Kind, of};
use super::forms::Wrong;
use super::parts::{Step, who};
use crate::after_hit;
use crate::words::Words;

/// What the forms are made of.
struct Beneath<'a> {
    step: &'a Step<'a>,
    partner: &'a Partner,
    one: &'a Conversation,
    /// Those who can be written to.
    present: Vec<u16>,
    draft: Option<&'a Draft>,
    /// The fields that have to be mended.
    wrong: Vec<&'static str>,
    today: Day,
}

/// The forms; none where nobody can be written to.
pub(super) fn forms(
    step: &Step<'_>,
    partner: &Partner,
    one: &Conversation,
    (draft, wrongs): (Option<&Draft>, &[Wrong]),
    today: Day,
) -> Markup {
    let words = step.words;
    let present: Vec<_> = one.introduced.iter().filter(|it| it.left.is_none()).map(|it| it.partner).collect();
    if one.left.is_some() || present.is_empty() {
        return html! {
            p { (words.t("Niemand kan hier nog schrijven.", "Nobody can write here any more.")) }
        };
    }
    let wrong = wrongs.iter().map(|wrong| wrong.field).collect();
    let beneath = Beneath { step, partner, one, present, draft, wrong, today };
    let coordinates = step.path == agenda::PATH;
    html! {
        section.plain.acts aria-labelledby="acts" {
            h2 #acts { (words.t("Wat u kunt doen", "What you can do")) }
            @for kind in KINDS {
                @if (kind == Kind::Decision) == coordinates || !matches!(kind, Kind::Decision | Kind::Lead) {
                    (beneath.one_form(kind, coordinates))
                }
            }
        }
    }
}

impl Beneath<'_> {
    fn one_form(&self, kind: Kind, coordinates: bool) -> Markup {
        let words = self.step.words;
        let is_open = self.draft.is_some_and(|draft| draft.kind == kind);
        let content = html! {
            (of(self.one.number, kind, self.one.notes.len()))
            @match kind {
                Kind::Text => { (self.recipient()) (self.text(kind, words.t("Bericht", "Note"), true)) },
                Kind::Lead => (self.lead()),
                Kind::Outcome => {
                    (self.outcomes())
                    (self.text(kind, words.t("Toelichting, als u wilt", "What goes with it, if you like"), false))
                },
                Kind::Decision => (self.decision()),
                Kind::Leave => p {
                    (words.t(
                        "De anderen horen dat u vertrok, en niemand kan u hier nog schrijven. Wat geschreven is, \
                         blijft.",
                        "The others are told that you left, and nobody can write to you here any more. What was \
                         written stays.",
                    ))
                },
            }
            @if kind != Kind::Lead || self.may_lead() {
                button type="submit" { (words.t("Verder", "Go on")) }
            }
            p.hint { (words.t("U ziet eerst wie wat hoort.", "You see first who learns what.")) }
        };
        html! {
            details open[is_open] {
                summary { (capital(kind.called(words, coordinates))) }
                (self.step.form("ask", &content))
            }
        }
    }

    /// What was typed in the form of that kind.
    fn typed<'b>(&'b self, kind: Kind, field: impl Fn(&'b Draft) -> &'b String) -> &'b str {
        self.draft.filter(|draft| draft.kind == kind).map_or("", |draft| field(draft))
    }

    /// What a field says of itself that has to be mended.
    fn invalid(&self, id: &str) -> Option<&'static str> {
        self.wrong.contains(&id).then_some("true")
    }

    /// The id of what says what is wrong with a field, after that of its hint.
    fn also(&self, id: &str) -> &'static str {
        if self.wrong.contains(&id) { " wrong" } else { "" }
    }

    fn text(&self, kind: Kind, label: &str, is_needed: bool) -> Markup {
        let (words, id) = (self.step.words, kind.text_field());
        let most = words.number(MAX_NOTE_TEXT as u64);
        html! {
            div.field.wide {
                label for=(id) { (label) }
                p.hint id={ (id) "-hint" } {
                    (words.t(
                        format!("Hoogstens {most} bytes: zo'n 1.000 letters. Een letter met een accent telt dubbel."),
                        format!("At most {most} bytes: about 1,000 letters. A letter with an accent counts as two."),
                    ))
                }
                textarea id=(id) name="text" rows="5" required[is_needed] aria-invalid=[self.invalid(id)]
                    aria-describedby={ (id) "-hint" (self.also(id)) } {
                    // A browser drops the line feed after the tag, and no other.
                    "\n" (self.typed(kind, |draft| &draft.text))
                }
            }
        }
    }

    fn select(&self, id: &str, name: &str, label: &str, none: Option<&str>, among: &[u16], chosen: &str) -> Markup {
        html! {
            div.field {
                label for=(id) { (label) }
                select id=(id) name=(name) {
                    @if let Some(none) = none { option value="" { (none) } }
                    @for number in among {
                        option value=(number) selected[chosen == number.to_string()] {
                            (who(self.step.words, self.partner, *number))
                        }
                    }
                }
            }
        }
    }

    fn recipient(&self) -> Markup {
        let words = self.step.words;
        if self.present.len() < 2 {
            return html! {};
        }
        let all = words.t("allen die meedoen", "all who are in it");
        let chosen = self.typed(Kind::Text, |draft| &draft.to);
        self.select("text-to", "to", words.t("Aan", "To"), Some(all), &self.present, chosen)
    }

    /// Whether this partner can say who leads.
    fn may_lead(&self) -> bool {
        self.one.lead.is_none_or(|lead| lead == self.partner.number())
    }

    fn lead(&self) -> Markup {
        let words = self.step.words;
        let own = self.partner.number();
        html! {
            @match self.one.lead {
                None => {
                    input type="hidden" name="lead" value=(own);
                    p {
                        (words.t("Niemand trekt dit nog: uw organisatie gaat het doen.",
                            "Nobody leads yet: your organisation will."))
                    }
                },
                Some(lead) if lead == own => {
                    (self.select("lead-lead", "lead", words.t("Overdragen aan", "Hand over to"), None, &self.present,
                        self.typed(Kind::Lead, |draft| &draft.lead)))
                },
                Some(lead) => p {
                    (who(words, self.partner, lead))
                    (words.t(" trekt dit gesprek, en kan dat overdragen: schrijf het.",
                        " leads this conversation, and can hand that over: write to it."))
                },
            }
            @if self.may_lead() {
                (self.text(Kind::Lead, words.t("Toelichting, als u wilt", "What goes with it, if you like"), false))
            }
        }
    }

    fn outcomes(&self) -> Markup {
        let words = self.step.words;
        let chosen = self.typed(Kind::Outcome, |draft| &draft.outcome);
        html! {
            fieldset #outcome-outcome tabindex="-1"
                aria-describedby=[self.invalid("outcome-outcome").map(|_| "wrong")] {
                legend { (words.t("Afloop", "Outcome")) }
                @for outcome in Outcome::ALL {
                    label.choice {
                        input type="radio" name="outcome" value=(outcome.as_str()) required
                            checked[chosen == outcome.as_str()];
                        (capital(after_hit::outcome(outcome, words.0)))
                    }
                }
            }
        }
    }

    fn decision(&self) -> Markup {
        let words = self.step.words;
        let same = words.t("blijft zoals het is", "stays as it is");
        let chosen = self.typed(Kind::Decision, |draft| &draft.lead);
        html! {
            (self.text(Kind::Decision, words.t("Besluit", "Decision"), true))
            (self.select("decision-lead", "lead", words.t("Trekker", "Who leads"), Some(same), &self.present, chosen))
            (self.day(words))
        }
    }

    fn day(&self, words: Words) -> Markup {
        html! {
            div.field {
                label for="decision-next" { (words.t("Opnieuw op, als u wilt", "Next on, if you like")) }
                p.hint #decision-next-hint {
                    (words.t("Een dag als 2027-03-09, vandaag of later.", "A day such as 2027-03-09, today or later."))
                }
                input #decision-next name="next" type="date" min=(self.today) autocomplete="off"
                    value=(self.typed(Kind::Decision, |draft| &draft.next)) aria-invalid=[self.invalid("decision-next")]
                    aria-describedby={ "decision-next-hint" (self.also("decision-next")) };
            }
        }
    }
}
