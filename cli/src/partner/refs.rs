//! The partner's own references of rows, which come back with the hits.
//!
//! They never leave this side. They are kept in the partner's folder, sealed as its journal is, under a key of their
//! own: so a backup that has no keys does not show which addresses the partner looks at.
//!
//! A reference of a flag stays as long as the flag; one of a question, until no question is waited for.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stapel::AddressKey;
use stapel::message::Kind;
use stapel::partner::Partner;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files;
use crate::output::Shown;
use crate::rows::{Rows, Span};

/// Bound to what is sealed, so that it is taken for nothing else.
const LABEL: &[u8] = b"stapel1 refs\0\0\0\0";

/// The most bytes that are read back.
const MAX_BYTES: usize = 2 << 30;

/// References by address: packed, because there may be millions of them. In JSON an object of lists by canonical
/// address.
#[derive(Default)]
struct ByAddress {
    /// By ascending address and reference, each once; of each reference where it stands in `texts`.
    rows: Vec<(AddressKey, Span)>,
    texts: String,
}

/// The references of a partner's flags and questions, in a sealed file in its folder.
pub(super) struct Refs {
    path: PathBuf,
    key_path: PathBuf,
    kept: Kept,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    flagged: ByAddress,
    asked: ByAddress,
}

impl Refs {
    /// Reads the references in a partner's folder, which must be open, so that nobody else writes them. Their key is
    /// with the partner's own.
    pub(super) fn open(folder: &Path, keys: &Path) -> Result<Refs, Failure> {
        let (path, key_path) = (folder.join("refs.sealed"), keys.join("refs.key"));
        let kept = if path.exists() { unseal(&path, &read_key(&key_path)?)? } else { Kept::default() };
        Ok(Refs { path, key_path, kept })
    }

    /// Takes the references of rows that were flagged; those of addresses that are flagged no longer go.
    pub(super) fn flagged(mut self, rows: Rows, partner: &Partner) -> Result<(), Failure> {
        self.kept.flagged.add(rows)?;
        self.keep_flagged(partner)
    }

    /// Takes the references of rows in the place of all that flags had.
    pub(super) fn replaced(mut self, rows: Rows, partner: &Partner) -> Result<(), Failure> {
        self.kept.flagged = ByAddress::default();
        self.kept.flagged.add(rows)?;
        self.keep_flagged(partner)
    }

    /// Takes the references of rows that are asked about.
    pub(super) fn asked(mut self, rows: Rows) -> Result<(), Failure> {
        self.kept.asked.add(rows)?;
        self.save()
    }

    /// Drops the references of questions once none is waited for.
    pub(super) fn settle(&mut self, partner: &Partner) -> Result<(), Failure> {
        if self.kept.asked.rows.is_empty() || partner.in_flight().any(|message| message.kind == Kind::Question) {
            return Ok(());
        }
        self.kept.asked = ByAddress::default();
        self.save()
    }

    /// The references of an address; of a house number, its own and those of the homes at it.
    pub(super) fn of(&self, address: &AddressKey) -> BTreeSet<&str> {
        // What begins with it and a bar: the homes at a house number, and nothing for a home.
        let at_number = format!("{}|", address.as_str());
        let mut found = BTreeSet::new();
        for kept in [&self.kept.flagged, &self.kept.asked] {
            let from = |form: &str| kept.rows.partition_point(|(other, _)| other.as_str() < form);
            let own = kept.rows[from(address.as_str())..].iter().take_while(|(other, _)| other == address);
            let homes = kept.rows[from(&at_number)..].iter();
            let homes = homes.take_while(|(home, _)| home.as_str().starts_with(&at_number));
            found.extend(own.chain(homes).map(|(_, place)| text(&kept.texts, *place)));
        }
        found
    }

    fn keep_flagged(&mut self, partner: &Partner) -> Result<(), Failure> {
        let mut flagged = partner.flags().map(|flag| flag.address).peekable();
        self.kept.flagged.rows.retain(|(home, _)| {
            while flagged.next_if(|other| other < home).is_some() {}
            flagged.peek() == Some(home)
        });
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        let nothing = self.kept.flagged.rows.is_empty() && self.kept.asked.rows.is_empty();
        if nothing && !self.path.exists() {
            return Ok(());
        }
        if !self.key_path.exists() {
            let mut key = Zeroizing::new([0; 32]);
            draw(&mut *key)?;
            files::replace(&self.key_path, &*key)?;
        }
        files::replace(&self.path, &seal(&read_key(&self.key_path)?, &self.kept)?)
    }
}

impl ByAddress {
    /// Adds the references that rows have.
    fn add(&mut self, rows: Rows) -> Result<(), Failure> {
        let (mut rows, texts) = rows.into_references();
        let before = self.texts.len();
        if u32::try_from(before + texts.len()).is_err() {
            return Err(too_many());
        }
        rows.retain(|(_, (from, to))| from < to);
        // Of many rows there is no second copy.
        if before == 0 {
            (self.rows, self.texts) = (rows, texts);
        } else {
            let before = before as u32;
            self.rows.extend(rows.iter().map(|(address, (from, to))| (*address, (before + from, before + to))));
            self.texts.push_str(&texts);
        }
        self.sort();
        Ok(())
    }

    fn sort(&mut self) {
        let texts = &self.texts;
        // Texts are looked at only where an address has several: what is sorted already, as rows that were flagged are,
        // is then gone through once.
        self.rows.sort_unstable();
        for rows in self.rows.chunk_by_mut(|(a, _), (b, _)| a == b).filter(|rows| rows.len() > 1) {
            rows.sort_unstable_by_key(|(_, place)| text(texts, *place));
        }
        self.rows.dedup_by(|(a, at), (b, bt)| a == b && text(texts, *at) == text(texts, *bt));
    }
}

fn text(texts: &str, (from, to): Span) -> &str {
    &texts[from as usize..to as usize]
}

impl Serialize for ByAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for rows in self.rows.chunk_by(|a, b| a.0 == b.0) {
            map.serialize_entry(rows[0].0.as_str(), &List { rows, texts: &self.texts })?;
        }
        map.end()
    }
}

/// The references of one address.
struct List<'a> {
    rows: &'a [(AddressKey, Span)],
    texts: &'a str,
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().map(|(_, place)| text(self.texts, *place)))
    }
}

impl<'de> Deserialize<'de> for ByAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ByAddress, D::Error> {
        deserializer.deserialize_map(Lists)
    }
}

/// Reads the object of lists.
struct Lists;

impl<'de> Visitor<'de> for Lists {
    type Value = ByAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lists of references by address")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByAddress, A::Error> {
        let mut rows = Rows::default();
        while let Some((address, references)) = map.next_entry::<String, Vec<String>>()? {
            let address = AddressKey::from_canonical(&address).map_err(A::Error::custom)?;
            references.iter().for_each(|reference| rows.push(address, reference, ""));
        }
        let mut read = ByAddress::default();
        read.add(rows).map_err(|failure| A::Error::custom(failure.line()))?;
        Ok(read)
    }
}

fn read_key(path: &Path) -> Result<LessSafeKey, Failure> {
    let bytes = Zeroizing::new(files::read_found(path, 33)?);
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| {
        Failure::new("refs", format!("{} is not 32 bytes long: take it and refs.sealed away", path.shown()))
    })?;
    Ok(LessSafeKey::new(key))
}

fn unseal(path: &Path, key: &LessSafeKey) -> Result<Kept, Failure> {
    let damaged = || {
        let finding = "was altered, or refs.key is another's; take it away: then hits come back without references";
        Failure::new("refs", format!("{} {finding}", path.shown()))
    };
    let mut sealed = files::read_found(path, MAX_BYTES)?;
    let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE_LEN>().ok_or_else(damaged)?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let plain = key.open_in_place(nonce, Aad::from(LABEL), rest).map_err(|_| damaged())?;
    serde_json::from_slice(plain).map_err(|_| damaged())
}

fn seal(key: &LessSafeKey, kept: &Kept) -> Result<Vec<u8>, Failure> {
    let mut sealed = vec![0; NONCE_LEN];
    draw(&mut sealed)?;
    let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(|_| too_many())?;
    serde_json::to_writer(&mut sealed, kept).map_err(|error| Failure::new("refs", error.to_string()))?;
    let tag =
        key.seal_in_place_separate_tag(nonce, Aad::from(LABEL), &mut sealed[NONCE_LEN..]).map_err(|_| too_many())?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn too_many() -> Failure {
    Failure::new("refs", "there are too many references to keep: make them shorter, or fewer")
}

pub(super) fn draw(bytes: &mut [u8]) -> Result<(), Failure> {
    use ring::rand::SecureRandom;
    ring::rand::SystemRandom::new().fill(bytes).map_err(|_| Failure::Stapel(stapel::SystemError::Random.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &str)]) -> Rows {
        let mut packed = Rows::default();
        for (address, reference) in rows {
            packed.push(AddressKey::from_canonical(address).unwrap(), reference, "");
        }
        packed
    }

    #[test]
    fn the_form_is_lists_by_address() {
        let mut kept = Kept::default();
        let some =
            [("1012JS|2|", "b"), ("1012JS|1|A", "y"), ("1012JS|2|", "a"), ("1012JS|1|B", ""), ("1012JS|2|", "b")];
        assert!(kept.flagged.add(rows(&some)).is_ok());
        let json = r#"{"flagged":{"1012JS|1|A":["y"],"1012JS|2|":["a","b"]},"asked":{}}"#;
        assert_eq!(serde_json::to_string(&kept).unwrap(), json);
        let read: Kept = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert!(serde_json::from_str::<Kept>(&json.replace("1012JS|1|A", "Dam 1")).is_err());
        let mut more = read;
        let others = [("1012JS|2|", "aa"), ("1012JS|1|A", "y"), ("1012JS|10|", "c"), ("1012JS|1|A", "x")];
        assert!(more.flagged.add(rows(&others)).is_ok());
        let json = r#"{"flagged":{"1012JS|10|":["c"],"1012JS|1|A":["x","y"],"1012JS|2|":["a","aa","b"]},"asked":{}}"#;
        assert_eq!(serde_json::to_string(&more).unwrap(), json);
    }

    #[test]
    fn references_come_back_and_are_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Refs::open(folder.path(), folder.path()).unwrap_or_else(|failure| panic!("{}", failure.line()));
        let homes = [("1012JS|1|A", "zaak-9"), ("1012JS|1|B", "zaak-8"), ("1012JS|11|", "zaak-7"), ("1012JS|1|", "")];
        let number_alone = [("1012JS|3", "zaak-6"), ("1012JS|3|", "zaak-5"), ("1012JS|31|", "zaak-4")];
        assert!(open().asked(rows(&[homes.as_slice(), &number_alone].concat())).is_ok());
        let refs = open();
        let of = |address: &str| refs.of(&AddressKey::from_canonical(address).unwrap()).into_iter().collect::<Vec<_>>();
        assert_eq!(of("1012JS|1|A"), ["zaak-9"]);
        assert_eq!(of("1012JS|1"), ["zaak-8", "zaak-9"]);
        assert!(of("1012JS|1|").is_empty() && of("1012JS|2").is_empty());
        assert_eq!((of("1012JS|3"), of("1012JS|3|")), (vec!["zaak-5", "zaak-6"], vec!["zaak-5"]));
        let path = folder.path().join("refs.sealed");
        let mut sealed = std::fs::read(&path).unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"zaak" || bytes == b"1012"));
        sealed[20] ^= 1;
        std::fs::write(&path, sealed).unwrap();
        assert!(Refs::open(folder.path(), folder.path()).is_err_and(|failure| failure.line().ends_with("[refs]")));
    }
}
