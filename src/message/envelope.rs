//! The outer form of a message: how it is signed, taken apart and verified.

use super::error::MessageError;
use super::header::{Header, Kind, Role};
use super::limits::{MAX_BODY, MAX_MESSAGE, SIGNATURE};
use super::log_entry::LogEntry;
use super::rejection::Rejection;
use super::reply::Reply;
use super::request::Request;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::secret::{Signature, SigningKey, VerifyingKey};

/// The first byte of a message that is not sealed. 0x02, sealed to the broker, is reserved.
const PLAIN: u8 = 0x01;

/// A message whose signature nobody has checked yet.
///
/// It says who claims to have sent it, so that the right key can be looked up, and nothing else.
pub struct Unverified<'a> {
    bytes: &'a [u8],
    header: Header,
    header_end: usize,
}

/// A message whose signature was right.
pub struct Verified<'a> {
    header: Header,
    body: &'a [u8],
    digest: Digest,
}

impl<'a> Unverified<'a> {
    /// Takes a message apart as far as its header.
    ///
    /// # Errors
    ///
    /// [`MessageError::Malformed`] where the bytes are not a message of `sender`, [`MessageError::TooLarge`] where they
    /// are longer than any message.
    pub fn parse(bytes: &'a [u8], sender: Role) -> Result<Unverified<'a>, MessageError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(MessageError::TooLarge { finding: "the message is longer than any message may be" });
        }
        let malformed = |finding| Err(MessageError::Malformed { finding });
        let Some((&envelope, rest)) = bytes.split_first() else {
            return malformed("there are no bytes");
        };
        match envelope {
            PLAIN => {}
            0x02 => return malformed("the envelope is 0x02 (sealed), which is reserved: send it plain, 0x01"),
            _ => return malformed("the first byte is not a known envelope: a message starts with 0x01"),
        }
        let (header, length) = Header::decode(rest)?;
        if header.kind.role() != sender {
            return malformed("the kind is one that the other side sends");
        }
        let header_end = 1 + length;
        if bytes.len() - header_end != header.body_length as usize + SIGNATURE {
            return malformed("the length of the body is not the one that the header names");
        }
        if header.body_length as usize > MAX_BODY {
            return Err(MessageError::TooLarge { finding: "the body is longer than any body may be" });
        }
        Ok(Unverified { bytes, header, header_end })
    }

    /// The number of the partner that the message claims to be from, or for.
    pub fn claimed_partner(&self) -> u16 {
        self.header.partner
    }

    /// When the message claims that it was made.
    pub fn claimed_time(&self) -> Timestamp {
        self.header.time
    }

    /// The whole header, for a reply that says nothing but that the sender was not authenticated.
    pub(crate) fn unverified_header(&self) -> &Header {
        &self.header
    }

    /// Checks the signature.
    ///
    /// # Errors
    ///
    /// [`MessageError::BadSignature`] where it is not that of `key` over these bytes.
    pub fn verify(&self, key: &VerifyingKey) -> Result<Verified<'a>, MessageError> {
        let (head, rest) = self.bytes.split_at(self.header_end);
        let (body, signature) = rest.split_at(rest.len() - SIGNATURE);
        let signature: &Signature = signature.try_into().map_err(|_| MessageError::BadSignature)?;
        if !key.verifies(&signed_bytes(self.header.kind, head, body), signature) {
            return Err(MessageError::BadSignature);
        }
        Ok(Verified { header: self.header.clone(), body, digest: Digest::of(&[self.bytes]) })
    }

    /// Takes a rejection that the broker could not sign for what it is: a hint from anybody. `None` where it is signed,
    /// is not a rejection, or has a code that only a sender whose signature was right is told.
    ///
    /// The name says what to mind: act on it only in ways that do no harm if it is false.
    pub fn danger_unsigned_rejection(&self) -> Option<Rejection> {
        let (body, signature) = self.bytes[self.header_end..].split_at(self.header.body_length as usize);
        if self.header.kind != Kind::Rejection || signature != [0; SIGNATURE] {
            return None;
        }
        Rejection::decode(body)
            .ok()
            .filter(|rejection| rejection.code.may_be_unsigned() && rejection.log == LogEntry::NONE)
    }
}

impl<'a> Verified<'a> {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The message's digest, by which replies and logs name it: SHA-256 of all its bytes, signature included.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What a partner's message says.
    ///
    /// # Errors
    ///
    /// [`MessageError::Malformed`] for a body that is not the one form of its kind, [`MessageError::TooLarge`] for more
    /// pseudonyms than a message may have.
    pub fn request(&self) -> Result<Request<'a>, MessageError> {
        let request = Request::decode(self.header.kind, self.body)?;
        request.refuse_under(&self.header)?;
        Ok(request)
    }

    /// What a broker's message says.
    ///
    /// # Errors
    ///
    /// As [`Verified::request`].
    pub fn reply(&self) -> Result<Reply, MessageError> {
        Reply::decode(self.header.kind, self.body)
    }
}

/// Makes a message: writes the body's length into `header`, and signs.
///
/// # Errors
///
/// [`MessageError::TooLarge`] where the body is longer than 16,777,216 bytes.
pub fn sign(header: &Header, body: &[u8], key: &SigningKey) -> Result<Vec<u8>, MessageError> {
    frame(header, body.len(), |bytes| bytes.extend_from_slice(body), |signed| key.sign(signed))
}

/// As [`sign`], of a request whose body, which may be large, is written nowhere but in the message.
pub(crate) fn sign_request(header: &Header, request: &Request<'_>, key: &SigningKey) -> Result<Vec<u8>, MessageError> {
    request.refuse_uncountable()?;
    frame(header, request.length(), |bytes| request.encode_to(bytes), |signed| key.sign(signed))
}

/// Makes the rejection of what is not authenticated: zeros stand where the signature would be.
pub(crate) fn unsigned_rejection(header: &Header, rejection: &Rejection) -> Result<Vec<u8>, MessageError> {
    let body = rejection.encode();
    frame(header, body.len(), |bytes| bytes.extend_from_slice(&body), |_| [0; SIGNATURE])
}

/// Puts a message together. `body` must append exactly `length` bytes.
fn frame(
    header: &Header,
    length: usize,
    body: impl FnOnce(&mut Vec<u8>),
    signature: impl FnOnce(&[u8]) -> Signature,
) -> Result<Vec<u8>, MessageError> {
    if length > MAX_BODY {
        return Err(MessageError::TooLarge { finding: "the body is longer than 16 MiB: send it in more parts" });
    }
    let header = Header { body_length: length as u32, ..header.clone() };
    let head = header.encode();
    let mut bytes = Vec::with_capacity(1 + head.len() + length + SIGNATURE);
    bytes.push(PLAIN);
    bytes.extend(head);
    let from = bytes.len();
    body(&mut bytes);
    let (head, body) = bytes.split_at(from);
    let signature = signature(&signed_bytes(header.kind, head, body));
    bytes.extend_from_slice(&signature);
    Ok(bytes)
}

/// What the signature is over: label of role and kind, envelope byte and header, SHA-256 of the body.
///
/// The body goes in as its digest because Ed25519 reads what it signs twice, with SHA-512.
fn signed_bytes(kind: Kind, head: &[u8], body: &[u8]) -> Vec<u8> {
    [kind.label().as_slice(), head, &Digest::of(&[body]).0].concat()
}

#[cfg(test)]
mod tests {
    use super::super::rejection::Code;
    use super::*;

    fn message() -> Vec<u8> {
        let body = Request::Confirm.encode().unwrap();
        sign(&Header::example(Kind::Confirm), &body, &key()).unwrap()
    }

    fn key() -> SigningKey {
        SigningKey::from_seed(&[1; 32]).unwrap()
    }

    #[test]
    fn a_signed_message_verifies() {
        let bytes = message();
        let verified = Unverified::parse(&bytes, Role::Partner).unwrap().verify(&key().verifying_key()).unwrap();
        assert_eq!(verified.header().partner, 7);
        assert_eq!(verified.digest(), Digest::of(&[&bytes]));
        assert!(matches!(verified.request(), Ok(Request::Confirm)));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let bytes = message();
        let key = key().verifying_key();
        let accepted =
            |bytes: &[u8]| Unverified::parse(bytes, Role::Partner).and_then(|message| message.verify(&key)).is_ok();
        assert!(accepted(&bytes));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert!(!accepted(&flipped), "byte {at} bit {bit}");
            }
            assert!(!accepted(&bytes[..at]), "cut at {at}");
        }
        assert!(!accepted(&[bytes.as_slice(), &[0]].concat()));
    }

    #[test]
    fn a_body_longer_than_any_is_refused() {
        let header = Header { body_length: MAX_BODY as u32 + 1, ..Header::example(Kind::Delta) };
        let bytes = [&[PLAIN], header.encode().as_slice(), &vec![0; MAX_BODY + 1 + SIGNATURE]].concat();
        assert!(bytes.len() <= MAX_MESSAGE);
        assert_eq!(Unverified::parse(&bytes, Role::Partner).err().unwrap().code(), "too_large");
    }

    #[test]
    fn a_kind_of_the_other_role_is_refused() {
        assert_eq!(Unverified::parse(&message(), Role::Broker).err().unwrap().code(), "malformed");
    }

    #[test]
    fn an_unsigned_rejection_is_a_hint_only() {
        let header = Header::example(Kind::Rejection);
        let rejection = Rejection::new(Code::UnknownPartner, 0, "no such partner");
        let bytes = unsigned_rejection(&header, &rejection).unwrap();
        let unverified = Unverified::parse(&bytes, Role::Broker).unwrap();
        assert_eq!(unverified.danger_unsigned_rejection().unwrap(), rejection);
        assert!(unverified.verify(&key().verifying_key()).is_err());
        let logged = Rejection { log: LogEntry { leaf: Digest([1; 32]), ..LogEntry::NONE }, ..rejection.clone() };
        let bytes = unsigned_rejection(&header, &logged).unwrap();
        assert!(Unverified::parse(&bytes, Role::Broker).unwrap().danger_unsigned_rejection().is_none());
        let signed = sign(&header, &rejection.encode(), &key()).unwrap();
        assert!(Unverified::parse(&signed, Role::Broker).unwrap().danger_unsigned_rejection().is_none());
        let bytes = unsigned_rejection(&header, &Rejection::new(Code::Stale, 9, "only for whom it knows")).unwrap();
        assert!(Unverified::parse(&bytes, Role::Broker).unwrap().danger_unsigned_rejection().is_none());
    }
}
