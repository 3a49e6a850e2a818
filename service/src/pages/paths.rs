//! The paths of this site, and the page that somebody is sent to.

use stapel::policy::Lang;

use super::screens::{SCREENS, Screen};
use crate::words::Words;

/// Where the provider sends a browser back to.
pub(super) const RETURN: &str = "/sign-in/return";

/// Where the provider says by itself that somebody signed out there.
pub(super) const SIGNED_OUT_THERE: &str = "/sign-out/back-channel";

/// Where the provider sends a browser that signed out there.
pub(super) const SIGNED_OUT: &str = "/signed-out";

/// Where a request is to.
pub(super) enum Target {
    Style,
    Start,
    Return,
    BackFromSigningOut,
    FromThere,
    SignIn,
    Begin,
    SignOut,
    SignedOut,
    Screen(&'static Screen),
}

/// The language and the target of a path.
pub(super) fn target_of(path: &str) -> (Lang, Option<Target>) {
    let (lang, rest) = match path.split_at_checked(3) {
        Some(("/nl", rest)) if rest.is_empty() || rest.starts_with('/') => (Lang::Nl, rest),
        Some(("/en", rest)) if rest.is_empty() || rest.starts_with('/') => (Lang::En, rest),
        _ => {
            let target = match path {
                "/" => Some(Target::Start),
                "/style.css" => Some(Target::Style),
                RETURN => Some(Target::Return),
                SIGNED_OUT => Some(Target::BackFromSigningOut),
                SIGNED_OUT_THERE => Some(Target::FromThere),
                _ => None,
            };
            return (Lang::Nl, target);
        }
    };
    let target = match rest {
        "/sign-in" => Some(Target::SignIn),
        "/sign-in/begin" => Some(Target::Begin),
        "/sign-out" => Some(Target::SignOut),
        "/signed-out" => Some(Target::SignedOut),
        rest => SCREENS.iter().find(|screen| screen.path == rest).map(Target::Screen),
    };
    (lang, target)
}

/// The page that somebody is to see after signing in: one of these, and no other address.
pub(super) fn own_page(asked: Option<&str>, words: Words) -> String {
    let asked = asked.filter(|path| matches!(target_of(path), (_, Some(Target::Screen(_)))));
    asked.map_or_else(|| format!("/{}", words.lang()), str::to_owned)
}

pub(super) fn sign_in_for(path: &str, words: Words) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("to", path).finish();
    format!("/{}/sign-in?{query}", words.lang())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_nobody_is_sent_elsewhere() {
        let to = |asked: &str| own_page(Some(asked), Words(Lang::En));
        assert_eq!([to("/nl"), to("/nl/journal"), to("/en/journal")], ["/nl", "/nl/journal", "/en/journal"]);
        for asked in [
            "",
            "/",
            "//a.nl",
            "/\\a.nl",
            "https://a.nl",
            "/nl//a.nl",
            "/nl/../..//a.nl",
            "/nl/sign-out",
            "/nl/sign-in",
            "/sign-in/return",
            "/nl/journal?x",
            "/nl\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
            "/nlx",
        ] {
            assert_eq!(to(asked), "/en", "{asked}");
        }
        assert_eq!(own_page(None, Words(Lang::Nl)), "/nl");
    }
}
