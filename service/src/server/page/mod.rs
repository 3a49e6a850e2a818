//! The status page: what an operator sees in a browser, in Dutch or in English. It is made on the server, has no script
//! and fetches nothing, so that it can be read where there is no network, and saved as it is.

mod after_hit;
mod faults;
mod sections;
mod surroundings;
mod words;

use std::sync::LazyLock;

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};
use stapel::broker::Severity;
use stapel::policy::Lang;

use super::view::View;
use crate::words::Words;

/// The page's look, which stands in it.
const STYLE: &str = include_str!("style.css");

/// What the page may do: show the one style that stands in it, and nothing else.
pub(super) static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64.encode(digest(&SHA256, STYLE.as_bytes()).as_ref());
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// The language of a page: what the address asks for (`?lang=en`), else what the browser prefers, else Dutch.
pub(super) fn language(query: Option<&str>, accepted: Option<&str>) -> Lang {
    let asked = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("lang=")));
    if let Some(lang) = asked.and_then(|lang| lang.parse().ok()) {
        return lang;
    }
    let mut preferred = (Lang::Nl, 0.0);
    for range in accepted.unwrap_or_default().split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |text| text.parse().ok());
        if let (Ok(lang), Some(quality)) = (name.parse::<Lang>(), quality)
            && quality > preferred.1
        {
            preferred = (lang, quality);
        }
    }
    preferred.0
}

/// The page.
pub(super) fn html(view: &View, lang: Lang) -> String {
    let words = Words(lang);
    let worst = view.worst();
    let title = words.t("Toestand van de teller", "Status of the broker");
    let page = html! {
        (DOCTYPE)
        html lang=(lang.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (words.severity(worst)) ": " (title) " – Stapel" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { (words.t("Naar de inhoud", "Skip to the content")) }
                header class="top" {
                    p class="brand" { "Stapel" }
                    nav aria-label=(words.t("Taal", "Language")) {
                        (language_link(words, Lang::Nl, "Nederlands"))
                        (language_link(words, Lang::En, "English"))
                    }
                }
                main id="main" tabindex="-1" {
                    h1 { (title) }
                    (verdict(words, view, worst))
                    @for one in &view.consortia { (sections::consortium(words, one)) }
                    (surroundings::service(words, view))
                }
                footer {
                    p {
                        (words.t(
                            "Tijden zijn in UTC. Aantallen meldingen, stapels en wat van budgetten gebruikt is, zijn \
                             naar beneden afgerond; aantallen geweigerde berichten en antwoorden niet. Codes, adressen \
                             en sleutels staan hier niet. Bij iedere storing hoort een paragraaf in docs/operate.md.",
                            "Times are in UTC. Numbers of flags, of stacks and of what was used of budgets are rounded \
                             down; those of rejected messages and of responses are not. No pseudonym, address or key \
                             is shown here. docs/operate.md has a section for each fault.",
                        ))
                    }
                }
            }
        }
    };
    page.into_string()
}

fn language_link(words: Words, lang: Lang, name: &str) -> Markup {
    let is_this = (words.0 == lang).then_some("true");
    let code = lang.as_str();
    html! { a href={ "?lang=" (code) } lang=(code) hreflang=(code) aria-current=[is_this] { (name) } }
}

/// What is so of all of it, before anything else.
fn verdict(words: Words, view: &View, worst: Option<Severity>) -> Markup {
    let count = |wanted| {
        let faults = view.consortia.iter().flat_map(|one| &one.faults);
        faults.filter(|fault| fault.severity == wanted).count() as u64
    };
    let (critical, warnings) = (count(Severity::Critical), count(Severity::Warning));
    let mut parts = Vec::new();
    if !view.is_alive {
        let dutch = "een schema of de werkers deden een kwartier niets";
        parts.push(words.t(dutch, "a schedule or the workers have done nothing for 15 minutes").to_owned());
    }
    if critical > 0 {
        parts.push(words.counted(
            critical,
            words.t("storing", "critical fault"),
            words.t("storingen", "critical faults"),
        ));
    }
    if warnings > 0 {
        parts.push(words.counted(warnings, words.t("waarschuwing", "warning"), words.t("waarschuwingen", "warnings")));
    }
    let summary = if parts.is_empty() { words.t("niets mis", "nothing is wrong").to_owned() } else { parts.join(", ") };
    html! {
        div class={ "verdict " (class(worst)) } {
            p class="word" { (words.severity(worst)) ": " (summary) }
            p {
                @if let Some(first) = view.consortia.first() {
                    (words.t("Stand van ", "As of ")) (sections::time(words, first.now)) ". "
                }
                a href={ "?lang=" (words.lang()) } { (words.t("Opnieuw kijken", "Look again")) }
            }
            @if view.consortia.len() > 1 {
                ul class="consortia" {
                    @for one in &view.consortia {
                        li {
                            a href={ "#" (one.name) } { (one.name) } " "
                            (badge(words, one.worst()))
                        }
                    }
                }
            }
        }
    }
}

fn class(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "fine",
        Some(Severity::Warning) => "warning",
        Some(_) => "critical",
    }
}

fn badge(words: Words, severity: Option<Severity>) -> Markup {
    html! { span class={ "badge " (class(severity)) } { (words.severity(severity)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_asked_for_or_preferred() {
        let of = |query: &str, accepted: &str| language(Some(query), Some(accepted)).as_str();
        assert_eq!(language(None, None), Lang::Nl);
        assert_eq!([of("lang=en", "nl"), of("a=b&lang=nl", "en"), of("lang=fr", "en")], ["en", "nl", "en"]);
        assert_eq!([of("", "en-GB,en;q=0.9,nl;q=0.8"), of("", "en;q=0.5, nl-NL;q=0.9")], ["en", "nl"]);
        assert_eq!(
            [of("", "fr, en;q=0.1"), of("", "fr"), of("", "en;q=x"), of("", "en;q=0")],
            ["en", "nl", "nl", "nl"]
        );
    }
}
