//! Address text and separate fields to [`AddressKey`], by profile `nl-address/1`.
//!
//! The bias is deliberate: a wrong merge points at the wrong home, so only what cannot be two homes is folded, and
//! what can be read in two ways is refused with a code of [`ADDRESS_CODES`]. The rules are in spec/nl-address-1.md; the
//! forms of the fields are the BAG's, how they are written NEN 5825's.
//!
//! - `fold`: characters of the input to a small alphabet;
//! - `text`: a folded line to postcode, number and addition, in one pass;
//! - `line`: what stands at a place of a folded line;
//! - `fields`: separate fields to the same;
//! - `suffix`: what letter and addition of either cannot be;
//! - `words`: the few words that decide something;
//! - `parts`: postcode, number and addition, checked;
//! - `key`: the canonical form;
//! - `error`: codes and sentences.

mod error;
mod fields;
mod fold;
mod key;
mod line;
mod parts;
mod suffix;
mod text;
mod words;

pub use error::{ADDRESS_CODES, AddressCode, AddressError};
pub use fields::Fields;
pub(crate) use fields::other_field;
pub(crate) use fold::in_ascii;
pub(crate) use key::line_from_utf8;
pub use key::{AddressKey, Level};
