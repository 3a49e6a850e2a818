//! One attempt to sign in, from when a browser is sent to the provider until it comes back.
//!
//! Nothing is kept of it here, so that whoever begins many takes nobody's place. The browser has a random text as a
//! cookie, and all that the attempt needs is made of that text with a key of this process: so it is bound to that
//! browser, and to this process.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use ring::hmac::{self, HMAC_SHA256, Key};
use ring::rand::SystemRandom;
use stapel::Timestamp;

use super::secret::{Fingerprint, fingerprint, is_same, random_text};

/// How many seconds an attempt may take.
pub(super) const LONGEST: u64 = 600;

/// How many attempts that came back are remembered, of as long as an attempt may take.
const REMEMBERED: usize = 10_000;

/// What makes attempts.
pub(super) struct Attempts {
    key: Key,
    /// Those that came back, with when: each comes back once.
    back: Mutex<VecDeque<(Timestamp, Fingerprint)>>,
}

/// An attempt.
pub(super) struct Attempt {
    /// What the browser has as a cookie.
    pub(super) cookie: String,
    /// The page that was asked for.
    pub(super) to: String,
    /// What the provider sends back with the browser (`state`).
    pub(super) state: String,
    /// What the provider puts into the ID token.
    pub(super) nonce: String,
    /// What only this process can show for the code (PKCE).
    pub(super) verifier: String,
    began: Timestamp,
}

impl Attempts {
    /// `None` where the system has no random bits.
    pub(super) fn new() -> Option<Attempts> {
        Some(Attempts { key: Key::generate(HMAC_SHA256, &SystemRandom::new()).ok()?, back: Mutex::default() })
    }

    /// Begins one, after which the browser is to see the page `to`.
    pub(super) fn begin(&self, to: &str, now: Timestamp) -> Option<Attempt> {
        let text = format!("{}.{}.{}", random_text()?, now.0, BASE64URL_NOPAD.encode(to.as_bytes()));
        self.of_cookie(&text)
    }

    /// The attempt that a browser comes back with, once and in time.
    pub(super) fn come_back(&self, cookie: &str, state: &str, now: Timestamp) -> Option<Attempt> {
        let attempt = self.of_cookie(cookie)?;
        let is_in_time = attempt.began <= now && now.0 - attempt.began.0 < LONGEST;
        if !is_same(&attempt.state, state) || !is_in_time {
            return None;
        }
        let mut back = self.back.lock().unwrap_or_else(PoisonError::into_inner);
        back.retain(|(when, _)| now.0.saturating_sub(when.0) < LONGEST);
        let this = fingerprint(&attempt.state);
        if back.iter().any(|(_, other)| *other == this) {
            return None;
        }
        if back.len() >= REMEMBERED {
            back.pop_front();
        }
        back.push_back((now, this));
        Some(attempt)
    }

    /// What a cookie's text comes to. Whoever changes any of it has another state.
    fn of_cookie(&self, text: &str) -> Option<Attempt> {
        let mut parts = text.split('.');
        let (Some(_), Some(began), Some(to), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let to = String::from_utf8(BASE64URL_NOPAD.decode(to.as_bytes()).ok()?).ok()?;
        let made = |what: &str| {
            let tag = hmac::sign(&self.key, format!("{what}:{text}").as_bytes());
            BASE64URL_NOPAD.encode(tag.as_ref())
        };
        Some(Attempt {
            cookie: text.to_owned(),
            to,
            state: made("state"),
            nonce: made("nonce"),
            verifier: made("verifier"),
            began: Timestamp(began.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn an_attempt_comes_back_once_to_the_browser_that_began_it_and_in_time() {
        let attempts = Attempts::new().unwrap();
        let begun = || attempts.begin("/nl", NOW).unwrap();
        let (one, other) = (begun(), begun());
        assert!(one.state != other.state && one.nonce != one.state && one.verifier != one.nonce);
        assert!(attempts.come_back(&one.cookie, &other.state, NOW).is_none(), "another browser's");
        assert!(attempts.come_back(&one.cookie, "", NOW).is_none());
        let back = attempts.come_back(&one.cookie, &one.state, Timestamp(NOW.0 + LONGEST - 1)).unwrap();
        assert_eq!((back.to.as_str(), &back.nonce, &back.verifier), ("/nl", &one.nonce, &one.verifier));
        assert!(attempts.come_back(&one.cookie, &one.state, NOW).is_none(), "it came back before");
        assert!(attempts.come_back(&other.cookie, &other.state, Timestamp(NOW.0 + LONGEST)).is_none(), "too late");
        assert!(attempts.come_back(&other.cookie, &other.state, Timestamp(NOW.0 - 1)).is_none(), "before it began");
        let elsewhere = Attempts::new().unwrap();
        assert!(elsewhere.come_back(&other.cookie, &other.state, NOW).is_none(), "another process's");
    }

    #[test]
    fn a_cookie_that_was_changed_is_of_no_attempt() {
        let attempts = Attempts::new().unwrap();
        let begun = attempts.begin("/nl", NOW).unwrap();
        let parts: Vec<&str> = begun.cookie.split('.').collect();
        let [random, when, to] = parts[..] else { panic!("{}", begun.cookie) };
        let elsewhere = BASE64URL_NOPAD.encode(b"https://a.nl");
        for changed in [
            format!("{random}.{when}.{elsewhere}"),
            format!("{random}.{}.{to}", NOW.0 + 1),
            format!("{random}.{when}"),
            format!("{random}.{when}.{to}.x"),
            format!("{random}.{when}.!"),
            format!("{random}.x.{to}"),
            String::new(),
        ] {
            assert!(attempts.come_back(&changed, &begun.state, NOW).is_none(), "{changed}");
        }
        assert!(attempts.come_back(&begun.cookie, &begun.state, NOW).is_some());
    }
}
