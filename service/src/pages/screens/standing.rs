//! How the exchange with the broker stands, in the order in which it matters.

use maud::{Markup, html};
use stapel::Timestamp;
use stapel::partner::SeenRelease;

use super::Visit;
use super::parts::row;
use crate::words::Words;

/// So many seconds after the next release could have been, what is known of the last one is old.
const STALE: u64 = 2 * 86_400;

/// How it stands.
pub(super) struct Standing {
    /// When the last exchange ended in which the broker replied and nothing went wrong, since the server began.
    exchanged: Option<Timestamp>,
    /// Since when the broker does not reply.
    silent_since: Option<Timestamp>,
    /// What went wrong in the last one, by its code.
    fault: Option<&'static str>,
    release: Option<SeenRelease>,
    is_stale: bool,
    flags: usize,
    undelivered: usize,
}

impl Standing {
    pub(super) fn of(visit: &Visit<'_>) -> Standing {
        let (sync, release) = (visit.desk.sync(), visit.partner.seen_release());
        Standing {
            exchanged: sync.last_done,
            silent_since: sync.silent_since,
            fault: sync.last.map(|(_, code)| code).filter(|code| !code.is_empty()),
            is_stale: release.is_none_or(|release| is_stale(&release, visit.now)),
            release,
            flags: visit.partner.flags().len(),
            undelivered: visit.partner.undelivered(),
        }
    }

    /// The state of the exchange, in the order in which it matters.
    pub(super) fn show(&self, words: Words) -> Markup {
        let unknown = words.t("nog niet bekend", "not known yet");
        html! {
            section.standing.stale[self.is_stale] aria-labelledby="standing" {
                h2 #standing { (words.t("Hoe het ervoor staat", "How it stands")) }
                @if self.is_stale {
                    p.note {
                        (match &self.release {
                            Some(release) => {
                                let said = words.t("Dit is oud. Het is gelezen op ", "This is old. It was read on ");
                                format!("{said}{}.", words.moment(release.read))
                            }
                            None => words.t("Er is nog geen antwoord gelezen.", "No answer was read yet.").to_owned(),
                        })
                    }
                }
                dl {
                    (self.exchange(words))
                    (row(words.t("Peilmoment", "Release"), &html! {
                        @match &self.release {
                            Some(release) => (words.moment(release.as_of)),
                            None => (unknown),
                        }
                    }))
                    (row(words.t("Volgende peilmoment, op zijn vroegst", "Next release, at the earliest"), &html! {
                        @match &self.release {
                            Some(release) => (words.moment(release.until)),
                            None => (unknown),
                        }
                    }))
                    (row(words.t("Organisaties die bijgewerkt zijn", "Organisations that are up to date"), &html! {
                        @match &self.release {
                            Some(release) => {
                                (words.number(release.fresh.into())) (words.t(" van ", " of "))
                                (words.number(release.organisations.into()))
                            }
                            None => (unknown),
                        }
                    }))
                    (row(words.t("Eigen meldingen", "Own flags"), &html! {
                        (words.number(self.flags as u64))
                        @if self.undelivered > 0 {
                            ", " (words.t("nog niet aangeleverd: ", "not delivered yet: "))
                            (words.number(self.undelivered as u64))
                        }
                    }))
                }
            }
        }
    }

    /// When the last exchange was that succeeded, since when the broker does not reply, and what went wrong since.
    fn exchange(&self, words: Words) -> Markup {
        row(
            words.t("Laatste geslaagde uitwisseling", "Last successful exchange"),
            &html! {
                @match self.exchanged {
                    Some(moment) => (words.moment(moment)),
                    None => (words.t("nog geen sinds deze dienst startte", "none yet since this service began")),
                }
                @if let Some(since) = self.silent_since {
                    span.fault {
                        (words.t("De teller antwoordt niet, sinds ", "The broker has not replied since "))
                        (words.moment(since)) ". "
                        (words.t("Het wordt opnieuw geprobeerd.", "It is tried again."))
                    }
                }
                @if let Some(code) = self.fault {
                    span.fault { (words.t("De laatste poging mislukte: ", "The last try failed: ")) code { (code) } }
                }
            },
        )
    }
}

/// The state of the exchange at the coordinator, which asks for no answers and so knows of no release.
pub(super) fn of_the_coordinator(visit: &Visit<'_>) -> Markup {
    let (words, standing) = (visit.words, Standing::of(visit));
    html! {
        section.standing aria-labelledby="standing" {
            h2 #standing { (words.t("Hoe het ervoor staat", "How it stands")) }
            dl { (standing.exchange(words)) }
        }
    }
}

/// Whether there is probably a later release than the one that is known.
fn is_stale(release: &SeenRelease, now: Timestamp) -> bool {
    now.0 > release.until.0.saturating_add(STALE)
}

#[cfg(test)]
mod tests {
    use stapel::policy::Lang;

    use super::*;

    #[test]
    fn what_is_not_known_is_said() {
        let (exchanged, silent_since, fault, release) = (None, Some(Timestamp(0)), Some("unreachable"), None);
        let (flags, undelivered) = (1_234, 1);
        let standing = Standing { exchanged, silent_since, fault, release, is_stale: true, flags, undelivered };
        let page = standing.show(Words(Lang::En)).into_string();
        assert!(page.contains("No answer was read yet.") && page.contains("none yet since") && page.contains("1,234"));
        assert!(page.contains("The broker has not replied since 1 January 1970"), "{page}");
        assert!(page.contains("unreachable") && page.contains("class=\"standing stale\""));
    }
}
