//! The first page. A case worker's is [`monday`]. The coordinator's people go on to the agenda, which begins with what
//! is here of that; whoever of them may not see it has no more than this.

use maud::{Markup, html};

use super::parts::row;
use super::{Visit, monday, standing};
use crate::pages::person::Right;
use crate::pages::refusal::Refusal;
use crate::pages::shell::right;

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    if visit.coordinates() { Ok(beneath(visit)) } else { monday::show(visit) }
}

/// How it stands at the coordinator, and who looks. No flag is in it.
pub(super) fn beneath(visit: &Visit<'_>) -> Markup {
    let words = visit.words;
    let due = visit.person.has(Some(Right::Meet)).then(|| visit.partner.talk_due(visit.now.day()));
    html! {
        @if let Some(due) = due {
            section aria-labelledby="today" {
                h2 #today { (words.t("Vandaag te doen", "To be done today")) }
                @if due.undecided == 0 && due.put_off == 0 {
                    p { (words.t("Niets wacht op u.", "Nothing waits for you.")) }
                } @else {
                    ul {
                        @if due.undecided > 0 {
                            li {
                                (words.t("Gesprekken die op u wachten: ", "Conversations that wait for you: "))
                                (words.number(due.undecided as u64))
                                @if let Some(day) = due.undecided_since {
                                    (words.t("; het langste sinds ", "; the longest since ")) (words.day(day))
                                }
                            }
                        }
                        @if due.put_off > 0 {
                            li {
                                (words.t("Berichten die later gaan: ", "Notes that go later: "))
                                (words.number(due.put_off as u64))
                            }
                        }
                    }
                }
            }
        }
        (standing::of_the_coordinator(visit))
        (who(visit))
    }
}

/// Who looks, what they may, and of which partner these pages are.
pub(super) fn who(visit: &Visit<'_>) -> Markup {
    let (words, person) = (visit.words, visit.person);
    let policy = visit.partner.policy().policy();
    let entry = policy.partner(visit.partner.number());
    let organisation = entry.and_then(|entry| policy.organisation(&entry.organisation));
    let (system, of) = (entry.map(|entry| entry.name.as_str()), organisation.map(|one| one.name.as_str()));
    // The coordinator flags nothing, and sees no flags.
    let is_here = |right: &&Right| !visit.coordinates() || matches!(right, Right::Meet | Right::Officer);
    let rights = person.may.iter().filter(is_here);
    html! {
        section aria-labelledby="who" {
            h2 #who { (words.t("Wie u bent en wat u mag", "Who you are and what you may")) }
            dl {
                (row(words.t("Naam", "Name"), &html! { (person.name) }))
                (row(words.t("In het journaal", "In the journal"), &html! {
                    (person.actor)
                    @if !person.is_verified {
                        " – " (words.t("niemand controleerde wie dit is", "nobody verified who this is"))
                    }
                }))
                (row(words.t("U mag", "You may"), &html! {
                    ul { @for one in rights { li { (right(words, *one)) } } }
                }))
                (row(words.t("Systeem", "System"), &html! {
                    (system.unwrap_or_default()) ", " (of.unwrap_or_default())
                }))
                (row(words.t("Samenwerking", "Consortium"), &html! { (policy.consortium) }))
            }
        }
    }
}
