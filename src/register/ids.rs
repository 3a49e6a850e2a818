//! BAG ids in the forms in which people and programs write them.

use std::borrow::Cow;

use crate::address::in_ascii;

/// The digits of a BAG id in any form that [`Lookup::Id`](super::Lookup::Id) takes; any other text without the space
/// around it.
pub fn id_digits(text: &str) -> Cow<'_, str> {
    match in_ascii(text) {
        Cow::Borrowed(text) => id_in(text).into(),
        Cow::Owned(text) => id_in(&text).to_owned().into(),
    }
}

/// Whether there are digits, and nothing else.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits of an id, also where it is written as the BAG's own services do, `NL.IMBAG.Nummeraanduiding.` and the
/// digits, or as a URL that ends in it.
pub(super) fn id_in(text: &str) -> &str {
    let text = text.trim();
    let long = text.trim_end_matches('/');
    let (before, digits) = long.split_at(long.rfind(['.', '/']).map_or(0, |at| at + 1));
    let begins = |with: &str| before.get(..with.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(with));
    let is_long = ["NL.IMBAG.", "https://", "http://"].iter().any(|with| begins(with));
    if is_long && is_digits(digits) { digits } else { text }
}
