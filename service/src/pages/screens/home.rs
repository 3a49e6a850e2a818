//! The first page: how this partner stands, who is signed in, and what they may.

use maud::{Markup, html};
use stapel::Timestamp;
use stapel::partner::SeenRelease;

use super::Visit;
use crate::pages::person::Person;
use crate::pages::refusal::Refusal;
use crate::pages::shell::right;
use crate::words::Words;

/// So many seconds after the next release could have been, what is known of the last one is old.
const STALE: u64 = 2 * 86_400;

/// What is seen.
struct View<'a> {
    person: &'a Person,
    partner: String,
    organisation: String,
    consortium: String,
    /// When the last exchange ended in which nothing went wrong, since the server began.
    exchanged: Option<Timestamp>,
    /// What went wrong in the last one, by its code.
    fault: Option<&'static str>,
    release: Option<SeenRelease>,
    is_stale: bool,
    flags: usize,
    undelivered: usize,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    Ok(markup(visit.words, &view(visit)))
}

fn view<'a>(visit: &Visit<'a>) -> View<'a> {
    let Visit { partner, now, person, desk, .. } = visit;
    let policy = partner.policy().policy();
    let entry = policy.partner(partner.number());
    let organisation = entry.and_then(|entry| policy.organisation(&entry.organisation));
    let sync = desk.sync();
    let release = partner.seen_release();
    View {
        person,
        partner: entry.map(|entry| entry.name.clone()).unwrap_or_default(),
        organisation: organisation.map(|one| one.name.clone()).unwrap_or_default(),
        consortium: policy.consortium.to_string(),
        exchanged: sync.last_done,
        fault: sync.last.map(|(_, code)| code).filter(|code| !code.is_empty()),
        is_stale: release.is_none_or(|release| is_stale(&release, *now)),
        release,
        flags: partner.flags().len(),
        undelivered: partner.undelivered(),
    }
}

/// Whether there is probably a later release than the one that is known.
fn is_stale(release: &SeenRelease, now: Timestamp) -> bool {
    now.0 > release.until.0.saturating_add(STALE)
}

fn markup(words: Words, view: &View<'_>) -> Markup {
    html! {
        (standing(words, view))
        section aria-labelledby="who" {
            h2 #who { (words.t("Wie u bent en wat u mag", "Who you are and what you may")) }
            dl {
                (row(words.t("Naam", "Name"), html! { (view.person.name) }))
                (row(words.t("In het journaal", "In the journal"), html! {
                    (view.person.actor)
                    @if !view.person.is_verified {
                        " – " (words.t("niemand controleerde wie dit is", "nobody verified who this is"))
                    }
                }))
                (row(words.t("U mag", "You may"), html! {
                    ul { @for one in &view.person.may { li { (right(words, *one)) } } }
                }))
                (row(words.t("Systeem", "System"), html! { (view.partner) ", " (view.organisation) }))
                (row(words.t("Samenwerking", "Consortium"), html! { (view.consortium) }))
            }
        }
    }
}

/// The state of the exchange, in the order in which it matters.
fn standing(words: Words, view: &View<'_>) -> Markup {
    let unknown = words.t("nog niet bekend", "not known yet");
    html! {
        section.standing.stale[view.is_stale] aria-labelledby="standing" {
            h2 #standing { (words.t("Hoe het ervoor staat", "How it stands")) }
            @if view.is_stale {
                p.note {
                    (match &view.release {
                        Some(release) => {
                            let said = words.t("Dit is oud. Het is gelezen op ", "This is old. It was read on ");
                            format!("{said}{}.", words.moment(release.read))
                        }
                        None => words.t("Er is nog geen antwoord gelezen.", "No answer was read yet.").to_owned(),
                    })
                }
            }
            dl {
                (row(words.t("Laatste geslaagde uitwisseling", "Last successful exchange"), html! {
                    @match view.exchanged {
                        Some(moment) => (words.moment(moment)),
                        None => (words.t("nog geen sinds deze dienst startte", "none yet since this service began")),
                    }
                    @if let Some(code) = view.fault {
                        span.fault {
                            (words.t("De laatste poging mislukte: ", "The last try failed: ")) code { (code) }
                        }
                    }
                }))
                (row(words.t("Peilmoment", "Release"), html! {
                    @match &view.release {
                        Some(release) => (words.moment(release.as_of)),
                        None => (unknown),
                    }
                }))
                (row(words.t("Volgende peilmoment, op zijn vroegst", "Next release, at the earliest"), html! {
                    @match &view.release {
                        Some(release) => (words.moment(release.until)),
                        None => (unknown),
                    }
                }))
                (row(words.t("Organisaties die bijgewerkt zijn", "Organisations that are up to date"), html! {
                    @match &view.release {
                        Some(release) => {
                            (words.number(release.fresh.into())) (words.t(" van ", " of "))
                            (words.number(release.organisations.into()))
                        }
                        None => (unknown),
                    }
                }))
                (row(words.t("Eigen meldingen", "Own flags"), html! {
                    (words.number(view.flags as u64))
                    @if view.undelivered > 0 {
                        ", " (words.t("nog niet aangeleverd: ", "not delivered yet: "))
                        (words.number(view.undelivered as u64))
                    }
                }))
            }
        }
    }
}

fn row(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

#[cfg(test)]
mod tests {
    use stapel::policy::Lang;

    use super::*;

    fn shown(release: Option<SeenRelease>, is_stale: bool) -> String {
        let person = Person::one_user("<script>alert(1)</script>");
        let view = View {
            person: &person,
            partner: "Politie \"Noord\"".into(),
            organisation: "<b>Politie</b>".into(),
            consortium: "zaanstad".into(),
            exchanged: None,
            fault: Some("unreachable"),
            release,
            is_stale,
            flags: 1_234,
            undelivered: 1,
        };
        markup(Words(Lang::En), &view).into_string()
    }

    #[test]
    fn what_is_not_known_is_said_and_names_are_no_markup() {
        let page = shown(None, true);
        assert!(page.contains("No answer was read yet.") && page.contains("none yet since") && page.contains("1,234"));
        assert!(page.contains("unreachable") && page.contains("class=\"standing stale\""));
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script") && !page.contains("<b>"), "{page}");
    }
}
