//! The codes of what is put forward: each shows one receiver that the sender put a pseudonym forward, and shows it to
//! nobody else, because the receiver could have made it.

use std::fmt;

use hmac::{Hmac, Mac};
use ring::hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::subject::Subject;
use crate::codec::encode_fields;
use crate::day::Day;
use crate::digest::Digest;
use crate::label;
use crate::pseudonym::{Pseudonym, first16, keyed};
use crate::secret::{Key32, SealKey, UnsealingKey};
use crate::slug::Slug;

/// Between whom, and where, codes hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowScope<'a> {
    /// The consortium.
    pub consortium: &'a Slug,
    /// The purpose (doel).
    pub purpose: &'a Slug,
    /// The epoch.
    pub epoch: u32,
    /// The partner that puts forward.
    pub sender: u16,
    /// The partner that the code is for.
    pub receiver: u16,
}

/// The key of the codes of one sender for one receiver: both can make it, and nobody else.
pub struct RowKey {
    mac: Hmac<Sha256>,
}

/// What a code is about.
pub struct Row {
    /// The digest of the policy under which it was put forward.
    pub policy: Digest,
    /// The row number: the sequence of the message that says it.
    pub number: u64,
    /// The last day on which it stands.
    pub last_day: Day,
}

/// A code.
#[derive(Clone, Copy)]
pub struct RowCode(pub(crate) [u8; 16]);

encode_fields! { RowCode { 0 } }

impl RowKey {
    /// The key between `own`, of either of the two, and the other's seal key. `None` where the other's key is one that
    /// everybody shares, of small order, which no certificate names.
    pub fn new(own: &UnsealingKey, other: &SealKey, scope: &RowScope<'_>) -> Option<RowKey> {
        let shared = own.agree(other)?;
        let epoch = scope.epoch.to_be_bytes();
        let (sender, receiver) = (scope.sender.to_be_bytes(), scope.receiver.to_be_bytes());
        let info: [&[u8]; 9] = [
            label::PUT_FORWARD,
            &[0],
            scope.consortium.as_str().as_bytes(),
            &[0],
            scope.purpose.as_str().as_bytes(),
            &[0],
            &epoch,
            &sender,
            &receiver,
        ];
        let mut key = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, label::SALT)
            .extract(&*shared)
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut *key))
            .expect("HKDF-SHA256 gives up to 8,160 bytes, and 32 are asked");
        Some(RowKey { mac: keyed(&Key32::from_bytes(*key)) })
    }

    /// The code for a partner that flags the pseudonym too.
    pub fn code(&self, row: &Row, pseudonym: &Pseudonym) -> RowCode {
        self.code_of(row, pseudonym.expose_bytes())
    }

    /// The code for the coordinator, who knows no pseudonym.
    pub fn code_for_coordinator(&self, row: &Row, subject: &Subject) -> RowCode {
        self.code_of(row, subject.expose_bytes())
    }

    fn code_of(&self, row: &Row, subject: &[u8; 16]) -> RowCode {
        let mut mac = self.mac.clone();
        mac.update(&row.policy.0);
        mac.update(subject);
        mac.update(&row.number.to_le_bytes());
        mac.update(&row.last_day.0.to_le_bytes());
        RowCode(first16(mac))
    }
}

impl RowCode {
    /// Stands where there is none.
    pub const NONE: RowCode = RowCode([0; 16]);

    /// Takes 16 raw bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> RowCode {
        RowCode(bytes)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// In constant time.
impl PartialEq for RowCode {
    fn eq(&self, other: &RowCode) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for RowCode {}

impl fmt::Debug for RowCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowCode(..)")
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> UnsealingKey {
        UnsealingKey::from_bytes([number; 32])
    }

    fn row() -> Row {
        Row { policy: Digest([1; 32]), number: 12, last_day: Day(20_801) }
    }

    fn pseudonym(number: u8) -> Pseudonym {
        Pseudonym::danger_from_remote_source([number; 16])
    }

    fn with_scope<T>(run: impl FnOnce(RowScope<'_>) -> T) -> T {
        let (consortium, purpose) = ("zaanstad".parse().unwrap(), "ondermijning-zaanstad".parse().unwrap());
        run(RowScope { consortium: &consortium, purpose: &purpose, epoch: 1, sender: 1, receiver: 2 })
    }

    /// The code of one row, between these two.
    fn code(own: u8, other: u8, scope: &RowScope<'_>) -> RowCode {
        RowKey::new(&key(own), &key(other).seal_key(), scope).unwrap().code(&row(), &pseudonym(3))
    }

    #[test]
    fn sender_and_receiver_make_one_code_and_nobody_else_does() {
        with_scope(|scope| {
            let made = code(1, 2, &scope);
            assert_eq!(made, code(2, 1, &scope), "the receiver makes it with its own key and the sender's seal key");
            assert_ne!(made, code(3, 2, &scope));
            assert_ne!(made, code(1, 3, &scope));
        });
    }

    #[test]
    fn a_code_is_bound_to_who_puts_forward_to_whom_and_where() {
        let (consortium, purpose) = ("zaandam".parse().unwrap(), "zorg".parse().unwrap());
        with_scope(|scope| {
            let made = code(1, 2, &scope);
            let others = [
                RowScope { consortium: &consortium, ..scope.clone() },
                RowScope { purpose: &purpose, ..scope.clone() },
                RowScope { epoch: 2, ..scope.clone() },
                RowScope { sender: 3, ..scope.clone() },
                RowScope { receiver: 3, ..scope.clone() },
                RowScope { sender: 2, receiver: 1, ..scope.clone() },
            ];
            for (at, other) in others.iter().enumerate() {
                assert_ne!(made, code(1, 2, other), "{at}");
            }
        });
    }

    #[test]
    fn a_code_is_bound_to_each_field_of_the_row() {
        let key = with_scope(|scope| RowKey::new(&key(1), &key(2).seal_key(), &scope).unwrap());
        let made = key.code(&row(), &pseudonym(3));
        assert_eq!(made, key.code(&row(), &pseudonym(3)));
        let others = [
            key.code(&Row { policy: Digest([2; 32]), ..row() }, &pseudonym(3)),
            key.code(&Row { number: 13, ..row() }, &pseudonym(3)),
            key.code(&Row { last_day: Day(20_802), ..row() }, &pseudonym(3)),
            key.code(&row(), &pseudonym(4)),
            key.code_for_coordinator(&row(), &Subject::of(&pseudonym(3))),
        ];
        for (at, other) in others.into_iter().enumerate() {
            assert_ne!(made, other, "{at}");
        }
    }

    #[test]
    fn no_codes_are_made_with_a_key_that_everybody_shares() {
        let mut one = [0; 32];
        one[0] = 1;
        for weak in [[0; 32], one] {
            assert!(with_scope(|scope| RowKey::new(&key(1), &SealKey::from_bytes(weak), &scope)).is_none());
        }
    }
}
