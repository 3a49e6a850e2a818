//! What is around each page: its head, its top with the menu and who is signed in, and its foot.

use maud::{DOCTYPE, Markup, html};

use super::person::{Person, Right};
use super::refusal::Refusal;
use super::screens::SCREENS;
use crate::words::Words;

/// The look of all pages. Its address has a part of its hash, so that a browser fetches a new one at once.
pub(super) const STYLE: &str = include_str!("style.css");

/// A page before it is put into its shell.
pub(super) struct Page {
    pub(super) title: &'static str,
    pub(super) content: Markup,
}

/// Around what a page is shown.
pub(super) struct Around<'a> {
    pub(super) words: Words,
    /// The path after the language, such as `/journal`; it is the same in the other language.
    pub(super) path: &'a str,
    /// Whether the partner is the coordinator.
    pub(super) coordinates: bool,
    /// Who is signed in, with what their forms have in them.
    pub(super) person: Option<(&'a Person, &'a str)>,
    /// Where the style is.
    pub(super) style: &'a str,
}

impl Around<'_> {
    /// The page as a browser gets it.
    pub(super) fn show(&self, page: Page) -> String {
        let Around { words, path, coordinates, person, style } = self;
        let page = html! {
            (DOCTYPE)
            html lang=(words.lang()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (page.title) " – Stapel" }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href=(style);
                }
                body {
                    a.skip href="#main" { (words.t("Naar de inhoud", "Skip to the content")) }
                    header.top {
                        div.bar {
                            a.brand href={ "/" (words.lang()) } { "Stapel" }
                            nav.languages aria-label=(words.t("Taal", "Language")) {
                                @for (code, name) in [("nl", "Nederlands"), ("en", "English")] {
                                    a href={ "/" (code) (path) } lang=(code) hreflang=(code)
                                        aria-current=[(words.lang() == code).then_some("true")] { (name) }
                                }
                            }
                        }
                        @if let Some((person, csrf)) = person {
                            div.bar {
                                (menu(*words, path, *coordinates, person))
                                form.who method="post" action={ "/" (words.lang()) "/sign-out" } {
                                    input type="hidden" name="csrf" value=(csrf);
                                    span { (words.t("Aangemeld: ", "Signed in: ")) b { (person.name) } }
                                    button type="submit" { (words.t("Afmelden", "Sign out")) }
                                }
                            }
                        }
                    }
                    main #main tabindex="-1" {
                        h1 { (page.title) }
                        (page.content)
                    }
                    footer {
                        p {
                            (words.t(
                                "Een treffer bewijst niets. Tijden zijn in UTC.",
                                "A hit proves nothing. Times are in UTC.",
                            ))
                        }
                    }
                }
            }
        };
        page.into_string()
    }
}

/// The pages that somebody may see.
fn menu(words: Words, path: &str, coordinates: bool, person: &Person) -> Markup {
    let theirs = SCREENS.iter().filter(|screen| screen.is_of(coordinates, person));
    html! {
        nav.menu aria-label=(words.t("Pagina's", "Pages")) {
            ul {
                @for screen in theirs {
                    li {
                        a href={ "/" (words.lang()) (screen.path) }
                            aria-current=[(screen.path == path).then_some("page")]
                            { (words.t(screen.title.0, screen.title.1)) }
                    }
                }
            }
        }
    }
}

/// What somebody may, in words.
pub(super) fn right(words: Words, right: Right) -> &'static str {
    match right {
        Right::Look => {
            words.t("kijken: wat er gemeld is en wat daarvan kwam", "look: what is flagged and what came of it")
        }
        Right::Flag => words.t("melden: melden, intrekken en verlengen", "flag: flag, withdraw and renew"),
        Right::Meet => words.t("aandragen: aandragen, antwoorden en schrijven", "meet: put forward, answer and write"),
        Right::Officer => words.t("toezien: zien wat anderen deden", "officer: see what others did"),
    }
}

/// A page that says what is wrong.
pub(super) fn refused(words: Words, refusal: &Refusal) -> Page {
    let is_signing_in = matches!(
        refusal.code,
        "other_attempt"
            | "refused_by_provider"
            | "provider_unreachable"
            | "token"
            | "no_right"
            | "no_name"
            | "signed_out"
    );
    let content = html! {
        div.alert role="alert" {
            p { (words.t(&refusal.dutch, &refusal.english)) }
            p.code { (words.t("Code: ", "Code: ")) code { (refusal.code) } }
        }
        @if is_signing_in {
            p { a.button href={ "/" (words.lang()) "/sign-in" } { (words.t("Opnieuw aanmelden", "Sign in again")) } }
        } @else {
            p { a href={ "/" (words.lang()) } { (words.t("Naar het begin", "To the start")) } }
        }
    };
    Page { title: words.t("Dat gaat niet", "That cannot be done"), content }
}

/// The page on which somebody signs in at the provider.
pub(super) fn sign_in(words: Words, to: &str) -> Page {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
    let content = html! {
        p {
            (words.t(
                "U meldt zich aan bij de aanmelddienst van uw organisatie. Wat u hier doet, staat op uw naam in het \
                 journaal.",
                "You sign in at your organisation's provider. What you do here is in the journal under your name.",
            ))
        }
        p { a.button href={ "/" (words.lang()) "/sign-in/begin?" (query) } { (words.t("Aanmelden", "Sign in")) } }
    };
    Page { title: words.t("Aanmelden", "Sign in"), content }
}

/// The page on which the one user signs in.
pub(super) fn sign_in_one(words: Words, name: &str, to: &str) -> Page {
    let content = html! {
        p {
            (words.t(
                "Deze pagina's hebben één gebruiker, zonder aanmelddienst: ",
                "These pages have one user, without a provider to sign in at: ",
            ))
            b { (name) } ". "
            (words.t(
                "Wat u hier doet, staat op die naam in het journaal, met erbij dat niemand controleerde wie u bent.",
                "What you do here is in the journal under that name, with that nobody verified who you are.",
            ))
        }
        form method="post" action={ "/" (words.lang()) "/sign-in" } {
            input type="hidden" name="to" value=(to);
            // Whose token it is, for whatever keeps passwords of people.
            input type="text" value=(name) autocomplete="username" readonly hidden;
            div.field {
                label for="token" { (words.t("Sleutel", "Token")) }
                p.hint #token-hint {
                    (words.t(
                        "De regel uit het bestand dat de beheerder u aanwees.",
                        "The line in the file that the administrator named to you.",
                    ))
                }
                input #token type="password" name="token" required autocomplete="current-password"
                    aria-describedby="token-hint";
            }
            button type="submit" { (words.t("Aanmelden", "Sign in")) }
        }
    };
    Page { title: words.t("Aanmelden", "Sign in"), content }
}

/// The page after signing out here. `at` is where the provider signs out.
pub(super) fn signed_out(words: Words, at: Option<&str>) -> Page {
    let content = html! {
        p { (words.t("U bent hier afgemeld.", "You are signed out here.")) }
        @if let Some(at) = at {
            p {
                a.button href=(at) {
                    (words.t("Ook bij de aanmelddienst afmelden", "Sign out at the provider too"))
                }
            }
        } @else {
            p {
                (words.t(
                    "Sluit de browser als anderen deze computer gebruiken.",
                    "Close the browser if others use this computer.",
                ))
            }
            p { a href={ "/" (words.lang()) "/sign-in" } { (words.t("Opnieuw aanmelden", "Sign in again")) } }
        }
    };
    Page { title: words.t("Afgemeld", "Signed out"), content }
}
