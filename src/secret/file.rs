//! The file that holds an epoch's secret, and the files of its parts, which different people carry by separate ways.

use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::error::SecretError;
use super::{KeyId, Scope, Secret, random};
use crate::hex::from_hex;
use crate::system::SystemError;
use crate::{files, label};

const SECRET_HEADER: &str = "stapel-secret v1";
const PART_HEADER: &str = "stapel-secret-part v1";

/// How many parts a secret may be split into.
const PARTS: std::ops::RangeInclusive<u8> = 2..=9;

/// An epoch's secret with what it is for, as it stands in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct SecretFile {
    /// What the secret is for.
    pub scope: Scope,
    /// The secret.
    pub secret: Secret,
}

/// One part of a secret. All parts together give the secret; fewer of them say nothing about it.
pub struct SecretPart {
    scope: Scope,
    number: u8,
    of: u8,
    share: Share,
    key_id: KeyId,
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Share([u8; 32]);

impl SecretFile {
    /// Draws a new secret for `scope`.
    ///
    /// # Errors
    ///
    /// [`SystemError::Random`].
    pub fn generate(scope: Scope) -> Result<SecretFile, SystemError> {
        Ok(SecretFile { scope, secret: Secret::generate()? })
    }

    /// The key id of the secret under its scope.
    pub fn key_id(&self) -> KeyId {
        self.secret.key_id(&self.scope)
    }

    /// Reads a secret file that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`], [`SystemError::FileMode`], and [`SecretError::SecretFile`] where a line is missing,
    /// out of order or damaged.
    pub fn read(path: &Path) -> Result<SecretFile, SecretError> {
        let bytes = files::read_private(path)?;
        SecretFile::parse(&bytes).map_err(|finding| SecretError::SecretFile { path: path.into(), finding })
    }

    /// Writes the secret to a file that does not exist yet, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`], also where the file exists.
    pub fn create(&self, path: &Path) -> Result<(), SystemError> {
        files::create_private(path, self.to_text().as_bytes())
    }

    /// Splits the secret into `parts` (2 to 9) parts that are all needed to put it together again.
    ///
    /// # Errors
    ///
    /// [`SystemError::Random`], and [`SecretError::SecretParts`] for another number of parts.
    pub fn split(&self, parts: u8) -> Result<Vec<SecretPart>, SecretError> {
        if !PARTS.contains(&parts) {
            return Err(SecretError::SecretParts { finding: "a secret is split into 2 to 9 parts" });
        }
        let mut last = Zeroizing::new(*self.secret.expose_secret());
        let mut shares = Vec::with_capacity(parts.into());
        for _ in 1..parts {
            let share = Share(*Zeroizing::new(random()?));
            xor(&mut last, &share.0);
            shares.push(share);
        }
        shares.push(Share(*last));
        let key_id = self.key_id();
        let part = |(number, share)| SecretPart { scope: self.scope.clone(), number, of: parts, share, key_id };
        Ok((1..=parts).zip(shares).map(part).collect())
    }

    /// Puts the parts together, in any order, and checks the result against the key id that each part names.
    ///
    /// # Errors
    ///
    /// [`SecretError::SecretParts`] where a part is missing, double, or of another secret.
    pub fn join(parts: &[SecretPart]) -> Result<SecretFile, SecretError> {
        let wrong = |finding| Err(SecretError::SecretParts { finding });
        let Some(first) = parts.first() else {
            return wrong("no part was given");
        };
        if parts.iter().any(|p| p.scope != first.scope || p.of != first.of || p.key_id != first.key_id) {
            return wrong("the parts are of different secrets: compare their purpose, epoch and key-id lines");
        }
        if parts.len() != usize::from(first.of) {
            return wrong("the number of parts is not the number that the parts themselves name");
        }
        if (1..=first.of).any(|number| parts.iter().filter(|p| p.number == number).count() != 1) {
            return wrong("a part was given twice, and another is missing");
        }
        let mut joined = Zeroizing::new([0; 32]);
        for part in parts {
            xor(&mut joined, &part.share.0);
        }
        let file = SecretFile { scope: first.scope.clone(), secret: Secret::from_bytes(*joined) };
        if file.key_id() != first.key_id {
            return wrong("the joined secret does not have the key id that the parts name: one of them was altered");
        }
        Ok(file)
    }

    fn parse(bytes: &[u8]) -> Result<SecretFile, &'static str> {
        let mut lines = Lines::open(bytes, SECRET_HEADER)?;
        let scope = lines.scope()?;
        let secret = Secret::from_bytes(*lines.hex32("secret", "the line 'secret:' needs 64 lower-case hex digits")?);
        let key_id = lines.key_id()?;
        lines.end()?;
        let file = SecretFile { scope, secret };
        if file.key_id() != key_id {
            return Err("the key id is not the one of this secret, purpose and epoch; ask for the file again");
        }
        Ok(file)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let hex = Zeroizing::new(HEXLOWER.encode(self.secret.expose_secret()));
        checksummed(SECRET_HEADER, &self.scope, &[("secret", &hex), ("key-id", &self.key_id().to_string())])
    }
}

impl SecretPart {
    /// Which part this is, counted from 1, and of how many.
    pub fn number(&self) -> (u8, u8) {
        (self.number, self.of)
    }

    /// What the secret is for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The key id of the whole secret, as the part names it.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Reads a part's file that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`], [`SystemError::FileMode`], and [`SecretError::SecretFile`] where a line is missing,
    /// out of order or damaged.
    pub fn read(path: &Path) -> Result<SecretPart, SecretError> {
        let bytes = files::read_private(path)?;
        SecretPart::parse(&bytes).map_err(|finding| SecretError::SecretFile { path: path.into(), finding })
    }

    /// Writes the part to a file that does not exist yet, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`], also where the file exists.
    pub fn create(&self, path: &Path) -> Result<(), SystemError> {
        let share = Zeroizing::new(HEXLOWER.encode(&self.share.0));
        let part = format!("{} of {}", self.number, self.of);
        let key_id = self.key_id.to_string();
        let text = checksummed(PART_HEADER, &self.scope, &[("part", &part), ("share", &share), ("key-id", &key_id)]);
        files::create_private(path, text.as_bytes())
    }

    fn parse(bytes: &[u8]) -> Result<SecretPart, &'static str> {
        let mut lines = Lines::open(bytes, PART_HEADER)?;
        let scope = lines.scope()?;
        let wrong = "the line 'part:' needs a form like '1 of 2', with 2 to 9 parts";
        let (number, of) = lines.value("part")?.split_once(" of ").ok_or(wrong)?;
        let (number, of): (u8, u8) = (decimal(number).ok_or(wrong)?, decimal(of).ok_or(wrong)?);
        if !PARTS.contains(&of) || number == 0 || number > of {
            return Err(wrong);
        }
        let share = Share(*lines.hex32("share", "the line 'share:' needs 64 lower-case hex digits")?);
        let key_id = lines.key_id()?;
        lines.end()?;
        Ok(SecretPart { scope, number, of, share, key_id })
    }
}

impl std::fmt::Debug for SecretPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretPart({} of {}, ..)", self.number, self.of)
    }
}

/// The lines of a file whose checksum is right, read one after the other in their fixed order.
struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Lines<'a> {
    fn open(bytes: &'a [u8], header: &str) -> Result<Lines<'a>, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not text")?;
        if text.starts_with('\u{feff}') {
            return Err("it begins with a byte order mark, which an editor put there; ask for the file again");
        }
        if text.contains('\r') {
            return Err("its lines end in CR LF and not in LF, as an editor or mail made them; ask for the file again");
        }
        if !text.starts_with(header) || text.as_bytes().get(header.len()) != Some(&b'\n') {
            return Err(if text.starts_with("stapel-secret") {
                "the first line is of another kind of secret file or another version"
            } else {
                "the first line is not that of a stapel secret file"
            });
        }
        let (body, sum) = text
            .strip_suffix('\n')
            .and_then(|t| t.rsplit_once("checksum: "))
            .ok_or("the last line, 'checksum:', is missing; the file was cut short")?;
        if !bool::from(checksum(body).as_bytes().ct_eq(sum.as_bytes())) {
            return Err("the checksum is wrong: the file was altered or damaged; ask for it again");
        }
        Ok(Lines { rest: &body[header.len() + 1..] })
    }

    fn value(&mut self, name: &str) -> Result<&'a str, &'static str> {
        let (line, rest) = self.rest.split_once('\n').ok_or("a line is missing")?;
        self.rest = rest;
        line.strip_prefix(name).and_then(|l| l.strip_prefix(": ")).ok_or("a line is missing, or out of order")
    }

    fn scope(&mut self) -> Result<Scope, &'static str> {
        let purpose = self.value("purpose")?.parse().map_err(|_| "the line 'purpose:' needs a slug")?;
        let epoch = decimal(self.value("epoch")?).ok_or("the line 'epoch:' needs a number without leading zero")?;
        if self.value("profile")? != label::PROFILE {
            return Err("the line 'profile:' names another canonicaliser than this version's");
        }
        Ok(Scope { purpose, epoch })
    }

    fn hex32(&mut self, name: &str, wrong: &'static str) -> Result<Zeroizing<[u8; 32]>, &'static str> {
        from_hex(self.value(name)?).map(Zeroizing::new).ok_or(wrong)
    }

    fn key_id(&mut self) -> Result<KeyId, &'static str> {
        KeyId::from_hex(self.value("key-id")?).ok_or("the line 'key-id:' needs 32 lower-case hex digits")
    }

    fn end(&self) -> Result<(), &'static str> {
        if self.rest.is_empty() { Ok(()) } else { Err("there are more lines than there should be") }
    }
}

/// A number in its one form: no sign and no leading zero.
fn decimal<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}

fn checksummed(header: &str, scope: &Scope, lines: &[(&str, &str)]) -> Zeroizing<String> {
    // Room for all of it at once, so that growing leaves no copies of the secret behind.
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str(header);
    text.push('\n');
    let epoch = scope.epoch.to_string();
    let scope = [("purpose", scope.purpose.as_str()), ("epoch", &epoch), ("profile", label::PROFILE)];
    for (name, value) in scope.iter().chain(lines) {
        for piece in [name, ": ", value, "\n"] {
            text.push_str(piece);
        }
    }
    let sum = checksum(&text);
    for piece in ["checksum: ", &sum, "\n"] {
        text.push_str(piece);
    }
    text
}

/// The first 8 bytes of SHA-256(label || the lines before the checksum's), in hex.
fn checksum(text: &str) -> String {
    let digest = Sha256::new().chain_update(label::SECRET_FILE).chain_update(text).finalize();
    HEXLOWER.encode(&digest[..8])
}

fn xor(into: &mut [u8; 32], with: &[u8; 32]) {
    for (a, b) in into.iter_mut().zip(with) {
        *a ^= b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> SecretFile {
        let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch: 7 };
        SecretFile { scope, secret: Secret::from_bytes([0x5a; 32]) }
    }

    #[test]
    fn a_file_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        example().create(&path).unwrap();
        assert_eq!(SecretFile::read(&path).unwrap(), example());
        assert_eq!(example().create(&path).unwrap_err().code(), "io");
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let text = example().to_text();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(SecretFile::parse(&bytes).is_err(), "byte {at}");
            assert!(SecretFile::parse(&text.as_bytes()[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn parts_join_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        for parts in PARTS {
            let mut split = example().split(parts).unwrap();
            split.reverse();
            let read: Vec<_> = split
                .iter()
                .map(|part| {
                    let path = folder.path().join(format!("{parts}-{}", part.number));
                    part.create(&path).unwrap();
                    SecretPart::read(&path).unwrap()
                })
                .collect();
            assert_eq!(SecretFile::join(&read).unwrap(), example());
        }
        assert_eq!(example().split(1).unwrap_err().code(), "secret_parts");
        assert_eq!(example().split(10).unwrap_err().code(), "secret_parts");
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let mut split = example().split(2).unwrap();
        let again = example().split(2).unwrap();
        assert!(SecretFile::join(&[]).is_err());
        assert!(SecretFile::join(&split[..1]).is_err());
        let second_again = again.into_iter().nth(1).unwrap();
        let first = split.remove(0);
        assert!(SecretFile::join(&[first, second_again]).is_err(), "parts of two splits do not join");
    }

    #[test]
    fn one_part_alone_says_nothing() {
        let split = example().split(2).unwrap();
        assert!(split.iter().all(|part| part.share.0 != [0x5a; 32]));
        assert_eq!(format!("{:?}", split[0]), "SecretPart(1 of 2, ..)");
    }
}
