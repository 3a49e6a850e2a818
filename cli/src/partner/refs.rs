//! The partner's own references of rows, which come back with the hits.
//!
//! They never leave this side. They are kept in the partner's folder, sealed as its journal is, under a key of their own: so
//! a backup that has no keys does not show which addresses the partner looks at.
//!
//! A reference of a flag stays as long as the flag; one of a question, until no question is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use stapel::AddressKey;
use stapel::message::Kind;
use stapel::partner::Partner;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files;
use crate::rows::Row;

/// Bound to what is sealed, so that it is taken for nothing else.
const LABEL: &[u8] = b"stapel1 refs\0\0\0\0";

/// The most bytes that are read back.
const MAX_BYTES: usize = 2 << 30;

/// References by canonical address.
type ByAddress = BTreeMap<String, BTreeSet<String>>;

/// See the module.
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
    /// Reads the references in a partner's folder, which must be open, so that nobody else writes them.
    pub(super) fn open(folder: &Path) -> Result<Refs, Failure> {
        let (path, key_path) = (folder.join("refs.sealed"), folder.join("refs.key"));
        let kept = if path.exists() { unseal(&path, &read_key(&key_path)?)? } else { Kept::default() };
        Ok(Refs { path, key_path, kept })
    }

    /// Takes the references of rows that were flagged; those of addresses that are flagged no longer go.
    pub(super) fn flagged(mut self, rows: &[Row], partner: &Partner) -> Result<(), Failure> {
        add(&mut self.kept.flagged, rows);
        self.keep_flagged(partner)
    }

    /// Takes the references of rows in the place of all that flags had.
    pub(super) fn replaced(mut self, rows: &[Row], partner: &Partner) -> Result<(), Failure> {
        self.kept.flagged.clear();
        add(&mut self.kept.flagged, rows);
        self.keep_flagged(partner)
    }

    /// Takes the references of rows that are asked about.
    pub(super) fn asked(mut self, rows: &[Row]) -> Result<(), Failure> {
        add(&mut self.kept.asked, rows);
        self.save()
    }

    /// Drops the references of questions once none is waited for.
    pub(super) fn settle(&mut self, partner: &Partner) -> Result<(), Failure> {
        if self.kept.asked.is_empty() || partner.in_flight().any(|message| message.kind == Kind::Question) {
            return Ok(());
        }
        self.kept.asked.clear();
        self.save()
    }

    /// The references of an address; of a building, those of the homes in it.
    pub(super) fn of(&self, address: &AddressKey) -> BTreeSet<&str> {
        let mut prefix = address.building().as_str().to_owned();
        prefix.push('|');
        let mut found = BTreeSet::new();
        for kept in [&self.kept.flagged, &self.kept.asked] {
            let homes = kept.range(prefix.clone()..).take_while(|(home, _)| home.starts_with(&prefix));
            let concerned = homes.filter(|(home, _)| *home == address.as_str() || address.building() == *address);
            found.extend(concerned.flat_map(|(_, references)| references.iter().map(String::as_str)));
        }
        found
    }

    fn keep_flagged(&mut self, partner: &Partner) -> Result<(), Failure> {
        let flagged: BTreeSet<_> = partner.flags().map(|flag| flag.address).collect();
        let is_flagged = |home: &String| AddressKey::from_canonical(home).is_ok_and(|home| flagged.contains(&home));
        self.kept.flagged.retain(|home, _| is_flagged(home));
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        let nothing = self.kept.flagged.is_empty() && self.kept.asked.is_empty();
        if nothing && !self.path.exists() {
            return Ok(());
        }
        if !self.key_path.exists() {
            let mut key = Zeroizing::new([0; 32]);
            draw(&mut *key)?;
            files::replace(&self.key_path, &*key)?;
        }
        let plain = serde_json::to_vec(&self.kept).map_err(|error| Failure::new("refs", error.to_string()))?;
        files::replace(&self.path, &seal(&read_key(&self.key_path)?, plain)?)
    }
}

fn add(to: &mut ByAddress, rows: &[Row]) {
    for row in rows {
        if let Some(reference) = &row.reference {
            to.entry(row.address.as_str().to_owned()).or_default().insert(reference.clone());
        }
    }
}

fn read_key(path: &Path) -> Result<LessSafeKey, Failure> {
    let bytes = Zeroizing::new(files::read_up_to(path, 33)?);
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| {
        Failure::new("refs", format!("{} is not 32 bytes long: take it and refs.sealed away", path.display()))
    })?;
    Ok(LessSafeKey::new(key))
}

fn unseal(path: &Path, key: &LessSafeKey) -> Result<Kept, Failure> {
    let damaged = || {
        let finding = "was altered, or refs.key is another's; take it away: then hits come back without references";
        Failure::new("refs", format!("{} {finding}", path.display()))
    };
    let mut sealed = files::read_up_to(path, MAX_BYTES)?;
    let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE_LEN>().ok_or_else(damaged)?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let plain = key.open_in_place(nonce, Aad::from(LABEL), rest).map_err(|_| damaged())?;
    serde_json::from_slice(plain).map_err(|_| damaged())
}

fn seal(key: &LessSafeKey, mut bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let mut nonce = [0; NONCE_LEN];
    draw(&mut nonce)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(LABEL), &mut bytes)
        .map_err(|_| Failure::new("refs", "there are too many references to seal"))?;
    Ok([nonce.as_slice(), &bytes].concat())
}

fn draw(bytes: &mut [u8]) -> Result<(), Failure> {
    use ring::rand::SecureRandom;
    ring::rand::SystemRandom::new().fill(bytes).map_err(|_| Failure::Stapel(stapel::Error::Random))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(address: &str, reference: &str) -> Row {
        let reference = (!reference.is_empty()).then(|| reference.to_owned());
        Row { address: AddressKey::from_canonical(address).unwrap(), reference }
    }

    #[test]
    fn references_come_back_and_are_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Refs::open(folder.path()).unwrap_or_else(|failure| panic!("{}", failure.line()));
        let rows = [
            row("1012JS|1|A", "zaak-9"),
            row("1012JS|1|B", "zaak-8"),
            row("1012JS|11|", "zaak-7"),
            row("1012JS|1|", ""),
        ];
        assert!(open().asked(&rows).is_ok());
        let refs = open();
        let of = |address: &str| refs.of(&AddressKey::from_canonical(address).unwrap()).into_iter().collect::<Vec<_>>();
        assert_eq!(of("1012JS|1|A"), ["zaak-9"]);
        assert_eq!(of("1012JS|1"), ["zaak-8", "zaak-9"]);
        assert!(of("1012JS|1|").is_empty() && of("1012JS|2").is_empty());
        let path = folder.path().join("refs.sealed");
        let mut sealed = std::fs::read(&path).unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"zaak" || bytes == b"1012"));
        sealed[20] ^= 1;
        std::fs::write(&path, sealed).unwrap();
        assert!(Refs::open(folder.path()).is_err_and(|failure| failure.line().ends_with("[refs]")));
    }
}
