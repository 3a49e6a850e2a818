//! Who acts, for which case, and how the call came in.

use std::fmt;
use std::ops::RangeInclusive;

use super::error::PartnerError;
use crate::codec::{encode_fields, encode_variants};
use crate::hidden::is_hidden;
use crate::trace_context::TraceContext;

/// The most characters of an acting user's name or a case reference.
const MAX_CHARACTERS: usize = 200;

/// The fewest and the most characters of the name of a request. With fewer, two programs could come upon one name.
const REQUEST_CHARACTERS: RangeInclusive<usize> = 16..=64;

/// Who acts, and for which case. Stays in the partner's own journal; the broker never sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    actor: String,
    reference: String,
    caller: Caller,
    request: String,
    trace: Option<TraceContext>,
}

/// How a call came to the process that has the folder open, and so who vouches for the acting user: this is what the
/// process saw itself. But for [`Caller::SignedIn`] the acting user is what somebody said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The process did it for itself: a command, or a program that opened the folder.
    #[default]
    OwnProcess,
    /// Through a Unix socket, by a process of this user of the machine, as the kernel says.
    LocalUser {
        /// The user's number.
        uid: u32,
    },
    /// Through a loopback address, by whoever had the token: of that the kernel names no user.
    Loopback,
    /// Through a page, by somebody who signed in: the acting user is whom the organisation's provider verified.
    SignedIn,
    /// Through a page, under the one name that the configuration gives: nobody verified whose it is
    /// ([`SignIn::OneUser`](crate::policy::SignIn::OneUser)).
    OneUser,
}

impl Caller {
    /// Its name in JSON: `own_process`, `local_user`, `loopback`, `signed_in` or `one_user`.
    pub fn as_str(self) -> &'static str {
        match self {
            Caller::OwnProcess => "own_process",
            Caller::LocalUser { .. } => "local_user",
            Caller::Loopback => "loopback",
            Caller::SignedIn => "signed_in",
            Caller::OneUser => "one_user",
        }
    }

    /// The number of the machine's user, where it is known.
    pub fn uid(self) -> Option<u32> {
        match self {
            Caller::LocalUser { uid } => Some(uid),
            _ => None,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::OwnProcess => f.write_str("own process"),
            Caller::LocalUser { uid } => write!(f, "local user {uid}"),
            Caller::Loopback => f.write_str("loopback, user unknown"),
            Caller::SignedIn => f.write_str("a page, signed in"),
            Caller::OneUser => f.write_str("a page, its one user"),
        }
    }
}

impl Case {
    /// The acting user as the partner's own systems name them, and the reference of the case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Case`] where either is empty, longer than 200 characters, not on one line, or has a character
    /// that is not visible.
    pub fn new(actor: &str, reference: &str) -> Result<Case, PartnerError> {
        let (actor, reference) = (one_line(actor, "acting user")?, one_line(reference, "case reference")?);
        Ok(Case { actor, reference, caller: Caller::OwnProcess, request: String::new(), trace: None })
    }

    /// The same, of a call that came in so.
    pub fn through(mut self, caller: Caller) -> Case {
        self.caller = caller;
        self
    }

    /// The same, in a request that the caller named, such as with a random UUID: so one that is made again is known for
    /// the same ([`Partner::asked_in`](super::Partner::asked_in)).
    ///
    /// # Errors
    ///
    /// [`PartnerError::Case`] where it is not 16 to 64 letters of ASCII, digits, `-` and `_`.
    pub fn in_request(mut self, request: &str) -> Result<Case, PartnerError> {
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !REQUEST_CHARACTERS.contains(&request.len()) || !request.bytes().all(is_of_name) {
            let expected = "give 16 to 64 letters, digits, - and _, as a random UUID has";
            return Err(PartnerError::Case { field: "name of the request", expected });
        }
        request.clone_into(&mut self.request);
        Ok(self)
    }

    /// The same, as part of an action of the program that had it done: the journal's record as one of a Logboek
    /// Dataverwerkingen then names that action ([`Partner::processings`](super::Partner::processings)).
    pub fn within(mut self, action: TraceContext) -> Case {
        self.trace = Some(action);
        self
    }

    /// Whether it is the same call, made again: the same user, case, caller and request, within whatever action.
    pub fn is_same_call(&self, other: &Case) -> bool {
        let Case { actor, reference, caller, request, trace: _ } = other;
        (actor, reference, caller, request) == (&self.actor, &self.reference, &self.caller, &self.request)
    }

    /// The acting user.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The case reference.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// How the call came in.
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// The name of the request; empty where it has none.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// The action of the program that had it done, where it said so.
    pub fn trace(&self) -> Option<TraceContext> {
        self.trace
    }
}

/// A text as the journal has it of users and cases, trimmed. `field` is what the refusal calls it.
pub(super) fn one_line(text: &str, field: &'static str) -> Result<String, PartnerError> {
    let text = text.trim();
    let refused = |expected| Err(PartnerError::Case { field, expected });
    if !(1..=MAX_CHARACTERS).contains(&text.chars().count()) || text.contains(['\n', '\r']) {
        return refused("give 1 to 200 characters on one line");
    }
    if text.chars().any(is_hidden) {
        return refused("it has a character that is not visible, or changes how others are read: type it anew");
    }
    Ok(text.to_owned())
}

encode_fields! {
    Case { actor, reference, caller, request, trace }
    // `new` trims what it is given, and what was stored is trimmed.
    where |case| {
        let of_request = |again: Case| match case.request.as_str() {
            "" => Ok(again),
            request => again.in_request(request),
        };
        let again = Case::new(&case.actor, &case.reference).and_then(of_request);
        let again = again.map(|again| again.through(case.caller));
        again.is_ok_and(|again| Case { trace: case.trace, ..again } == *case)
    },
    else "an acting user, a case reference or the name of a request cannot be one"
}

encode_variants! {
    Caller { 1 => OwnProcess, 2 => LocalUser { uid }, 3 => Loopback, 4 => SignedIn, 5 => OneUser },
    else "how a call came in is unknown"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_needed() {
        let case = Case::new(" j.jansen ", "2026-0117").unwrap();
        assert_eq!((case.actor(), case.reference()), ("j.jansen", "2026-0117"));
        assert_eq!((case.caller(), case.request()), (Caller::OwnProcess, ""));
        let long = "é".repeat(201);
        for (actor, reference) in
            [("", "1"), ("a", " \t"), ("a\nb", "1"), ("a", "1\0"), ("a\u{202e}b", "1"), (long.as_str(), "1")]
        {
            assert_eq!(Case::new(actor, reference).unwrap_err().code(), "case");
        }
        let said = |actor: &str| Case::new(actor, "1").unwrap_err().to_string();
        for of_length in ["", "a\nb", long.as_str()] {
            assert!(said(of_length).ends_with("give 1 to 200 characters on one line"), "{}", said(of_length));
        }
        for hidden in ["a\u{202e}b", "a\0b"] {
            assert!(said(hidden).contains("a character that is not visible"), "{}", said(hidden));
        }
        assert!(Case::new(&long[2..], "1").is_ok());
    }

    #[test]
    fn a_request_has_a_name_that_no_other_has() {
        let named = |name: &str| Case::new("a", "1").unwrap().in_request(name);
        for name in ["3f2b0a4e-8d0c-4a8e-9a51-6c5c1a0f7f10", "aaaaaaaaaaaaaaa_", &"9".repeat(64)] {
            assert_eq!(named(name).unwrap().request(), name);
        }
        let long = "9".repeat(65);
        for name in ["", "123456789012345", "1234567890 123456", "1234567890/123456", "ééééééééé", &long] {
            assert_eq!(named(name).unwrap_err().code(), "case");
        }
    }
}
