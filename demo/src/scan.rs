//! Searches the broker's files and replies for what must not be there: addresses, the secret, raw pseudonyms.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use stapel::{AddressKey, Pseudonym};

/// What to search for. One pass over the bytes finds all of it.
pub(crate) struct Scan {
    windows: Windows,
    postcodes: HashSet<[u8; 6]>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A postcode of the town, as every address has one.
    Address,
    /// A raw pseudonym.
    Pseudonym,
    /// Half of the secret or more.
    Secret,
    /// The beginning of what somebody wrote in a note.
    Note,
}

/// How it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// As it is.
    Plain,
    /// In hexadecimal digits.
    Hex,
    /// As a list of decimal numbers, as a program prints bytes.
    Decimal,
}

/// A place where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leak {
    pub(crate) what: What,
    pub(crate) form: Form,
    /// The byte at which it, or the run of digits that it is in, begins.
    pub(crate) at: usize,
}

/// A file and what was found in it.
pub(crate) struct FileLeak {
    /// Its path within the folder that was searched.
    pub(crate) file: String,
    pub(crate) leak: Leak,
}

/// What was searched in a folder.
#[derive(Default)]
pub(crate) struct Searched {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    pub(crate) leaks: Vec<FileLeak>,
}

impl Scan {
    /// Prepares to search for the homes' addresses, pseudonyms and a secret.
    pub(crate) fn new<'a>(
        homes: impl IntoIterator<Item = &'a AddressKey>,
        pseudonyms: impl IntoIterator<Item = Pseudonym>,
        secret: &[u8; 32],
    ) -> Scan {
        let mut whats: HashMap<[u8; 16], What> =
            pseudonyms.into_iter().map(|pseudonym| (*pseudonym.expose_bytes(), What::Pseudonym)).collect();
        for part in secret.windows(16) {
            whats.extend(<[u8; 16]>::try_from(part).map(|part| (part, What::Secret)));
        }
        let postcodes = homes.into_iter().filter_map(|home| home.postcode().as_bytes().try_into().ok()).collect();
        Scan { windows: Windows::new(whats), postcodes }
    }

    /// To search for the beginnings of texts too, of those that are long enough to be told from chance.
    pub(crate) fn with_notes(mut self, texts: impl IntoIterator<Item = impl AsRef<str>>) -> Scan {
        let beginning = |text: &str| text.as_bytes().get(..16).and_then(|text| text.try_into().ok());
        let beginnings = texts.into_iter().filter_map(|text| Some((beginning(text.as_ref())?, What::Note)));
        self.windows.add(beginnings);
        self
    }

    /// Searches bytes.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<Leak> {
        let mut leaks = Vec::new();
        self.windows.search(bytes, |what, at| leaks.push(Leak { what, form: Form::Plain, at }));
        self.addresses(bytes, &mut leaks);
        for (at, run) in runs(bytes, 32, |byte| byte.is_ascii_hexdigit()) {
            for run in [run, &run[1..]] {
                let decoded: Vec<u8> = run.chunks_exact(2).map(|pair| 16 * nibble(pair[0]) + nibble(pair[1])).collect();
                self.windows.search(&decoded, |what, _| leaks.push(Leak { what, form: Form::Hex, at }));
            }
        }
        let is_listed = |byte: u8| byte.is_ascii_digit() || byte == b',' || byte.is_ascii_whitespace();
        for (at, run) in runs(bytes, 32, is_listed) {
            for decoded in decimals(run) {
                self.windows.search(&decoded, |what, _| leaks.push(Leak { what, form: Form::Decimal, at }));
            }
        }
        leaks.sort_unstable();
        leaks.dedup();
        leaks
    }

    /// Searches every file in a folder and in the folders in it.
    pub(crate) fn folder(&self, folder: &Path) -> io::Result<Searched> {
        let mut searched = Searched::default();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(&next)? {
                let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
                if kind.is_dir() {
                    open.push(path);
                    continue;
                }
                let bytes = fs::read(&path)?;
                let file = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                // A file's name is as readable as what is in it.
                let found = [self.bytes(&bytes), self.bytes(file.as_bytes())].concat();
                searched.files += 1;
                searched.bytes += bytes.len() as u64;
                searched.leaks.extend(found.into_iter().map(|leak| FileLeak { file: file.clone(), leak }));
            }
        }
        Ok(searched)
    }

    /// Finds postcodes of the town in any case, with or without a space or a hyphen, where they begin a word that is
    /// short enough not to be a key or a digest in hexadecimal.
    fn addresses(&self, bytes: &[u8], leaks: &mut Vec<Leak>) {
        let alnum = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        let mut at = 0;
        while at + 6 <= bytes.len() {
            if !alnum(at) {
                at += 1;
                continue;
            }
            let end = (at..).find(|next| !alnum(*next)).unwrap_or(bytes.len());
            if let Some(postcode) = postcode_at(&bytes[at..], end - at)
                && self.postcodes.contains(&postcode)
            {
                leaks.push(Leak { what: What::Address, form: Form::Plain, at });
            }
            at = end;
        }
    }
}

/// The longest word that a postcode, a number and a suffix make when they are glued, and two for glue.
const LONGEST_WORD: usize = 6 + 5 + 5 + 2;

/// The postcode at the beginning of `bytes`, whose first word is `word` bytes long.
fn postcode_at(bytes: &[u8], word: usize) -> Option<[u8; 6]> {
    let digits = bytes.first_chunk::<4>().filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let rest = &bytes[4..];
    let letters = match word {
        4 => rest.strip_prefix(b" ").or(rest.strip_prefix(b"-")).or(rest.strip_prefix("\u{a0}".as_bytes()))?,
        // The checksum of a secret's file is 16 digits long, so those are passed over.
        5..=15 | 17..=LONGEST_WORD => rest,
        _ => return None,
    };
    let letters = letters.first_chunk::<2>().filter(|letters| letters.iter().all(u8::is_ascii_alphabetic))?;
    let [a, b, c, d] = *digits;
    let [e, f] = letters.map(|letter| letter.to_ascii_uppercase());
    Some([a, b, c, d, e, f])
}

/// Finds 16-byte windows, most of which a small filter tells to be nothing without a look-up.
struct Windows {
    whats: HashMap<[u8; 16], What>,
    /// A bit for each beginning that there is.
    filter: Vec<u64>,
}

/// Bits of the filter: 2 MiB of them.
const FILTER_BITS: u32 = 24;

impl Windows {
    fn new(whats: HashMap<[u8; 16], What>) -> Windows {
        let filter = vec![0; 1 << (FILTER_BITS - 6)];
        let mut windows = Windows { whats: HashMap::new(), filter };
        windows.add(whats);
        windows
    }

    fn add(&mut self, whats: impl IntoIterator<Item = ([u8; 16], What)>) {
        for (window, what) in whats {
            let bit = filter_bit(&window);
            self.filter[bit / 64] |= 1 << (bit % 64);
            self.whats.insert(window, what);
        }
    }

    fn search(&self, bytes: &[u8], mut found: impl FnMut(What, usize)) {
        for (at, window) in bytes.windows(16).enumerate() {
            let Some(window) = window.first_chunk::<16>() else { continue };
            let bit = filter_bit(window);
            if self.filter[bit / 64] >> (bit % 64) & 1 == 1
                && let Some(what) = self.whats.get(window)
            {
                found(*what, at);
            }
        }
    }
}

fn filter_bit(window: &[u8; 16]) -> usize {
    let [a, b, c, d, ..] = *window;
    (u32::from_be_bytes([a, b, c, d]) >> (32 - FILTER_BITS)) as usize
}

/// The maximal runs of at least `least` bytes that `holds` for, each with where it begins.
fn runs(bytes: &[u8], least: usize, holds: impl Fn(u8) -> bool) -> Vec<(usize, &[u8])> {
    let mut runs = Vec::new();
    let mut at = 0;
    for run in bytes.split(|byte| !holds(*byte)) {
        if run.len() >= least {
            runs.push((at, run));
        }
        at += run.len() + 1;
    }
    runs
}

/// The lists of numbers up to 255 in a run of digits, commas and white space.
fn decimals(run: &[u8]) -> Vec<Vec<u8>> {
    let mut lists = vec![Vec::new()];
    for number in run.split(|byte| *byte == b',') {
        match std::str::from_utf8(number.trim_ascii()).ok().and_then(|number| number.parse::<u8>().ok()) {
            Some(byte) => lists.last_mut().into_iter().for_each(|list| list.push(byte)),
            None => lists.push(Vec::new()),
        }
    }
    lists
}

fn nibble(digit: u8) -> u8 {
    char::from(digit).to_digit(16).unwrap_or(0) as u8
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Address => "an address",
            What::Pseudonym => "a raw pseudonym",
            What::Secret => "the secret",
            What::Note => "a note",
        };
        let form = match self.form {
            Form::Plain => "",
            Form::Hex => " in hexadecimal",
            Form::Decimal => " in decimal numbers",
        };
        write!(f, "{what}{form} at byte {}", self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> [u8; 32] {
        std::array::from_fn(|at| (at * 37 + 11) as u8)
    }

    fn pseudonym(seed: u8) -> Pseudonym {
        Pseudonym::danger_from_remote_source(std::array::from_fn(|at| (at as u8).wrapping_mul(91).wrapping_add(seed)))
    }

    fn scan() -> Scan {
        let homes = ["1384CA|12|A", "1384CB|3|"].map(|home| AddressKey::from_canonical(home).unwrap());
        Scan::new(&homes, [pseudonym(1), pseudonym(2)], &secret())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[track_caller]
    fn found(bytes: &[u8]) -> Vec<(What, Form)> {
        // Wherever it stands: at the beginning, at the end, and amid other bytes.
        let scan = scan();
        let alone: Vec<_> = scan.bytes(bytes).iter().map(|leak| (leak.what, leak.form)).collect();
        let amid = [&[0x80; 77], bytes, &[0x90; 33]].concat();
        let amid: Vec<_> = scan.bytes(&amid).iter().map(|leak| (leak.what, leak.form)).collect();
        assert_eq!(alone, amid);
        alone
    }

    #[test]
    fn a_planted_note_is_found_by_its_beginning() {
        let scan = scan().with_notes(["Wij gaan er morgen heen.", "te kort"]);
        let what = |bytes: &[u8]| scan.bytes(bytes).iter().map(|leak| leak.what).collect::<Vec<_>>();
        assert_eq!(what(b"...Wij gaan er morgen..."), [What::Note]);
        assert!(what(b"te kort om te vinden, en Wij gaan er nu heen").is_empty());
    }

    #[test]
    fn planted_pseudonyms_are_found() {
        assert_eq!(found(pseudonym(2).expose_bytes()), [(What::Pseudonym, Form::Plain)]);
        assert_eq!(found(hex(pseudonym(1).expose_bytes()).as_bytes()), [(What::Pseudonym, Form::Hex)]);
        assert_eq!(
            found(format!("a{}", hex(pseudonym(1).expose_bytes()).to_uppercase()).as_bytes()),
            [(What::Pseudonym, Form::Hex)]
        );
        assert_eq!(found(format!("{:?}", pseudonym(1).expose_bytes()).as_bytes()), [(What::Pseudonym, Form::Decimal)]);
        assert_eq!(found(format!("{:#?}", pseudonym(1).expose_bytes()).as_bytes()), [(What::Pseudonym, Form::Decimal)]);
        assert_eq!(
            found(format!("{:?}", [[7; 16], *pseudonym(1).expose_bytes()].concat()).as_bytes()),
            [(What::Pseudonym, Form::Decimal)]
        );
    }

    #[test]
    fn a_planted_secret_is_found_even_half_of_it() {
        let whole = scan().bytes(&secret());
        assert!(whole.len() == 17 && whole.iter().all(|leak| leak.what == What::Secret && leak.form == Form::Plain));
        assert_eq!(found(&secret()[5..21]), [(What::Secret, Form::Plain)]);
        assert_eq!(found(hex(&secret()).as_bytes()), [(What::Secret, Form::Hex)]);
        assert_eq!(found(format!("{:?}", secret()).as_bytes()), [(What::Secret, Form::Decimal)]);
        assert!(found(&secret()[5..20]).is_empty());
    }

    #[test]
    fn planted_addresses_are_found_however_they_are_written() {
        for text in
            ["1384CA|12|A", "1384CA|12", "DAM 12 1384 CA WEESP", "x 1384\u{a0}ca", "1384-Ca", "1384ca12a", "\"1384CA\""]
        {
            assert_eq!(found(text.as_bytes()), [(What::Address, Form::Plain)], "{text}");
        }
        for other in ["1384CC|12|A", "1384", "1384 C", "21384CA", "1384  12", "x1384CA", "", "1384CAB1384CAB1384CAB1"] {
            assert!(found(other.as_bytes()).is_empty(), "{other}");
        }
        assert!(found(format!("checksum: 1384ca{}", "0".repeat(10)).as_bytes()).is_empty());
        assert!(found(format!("digest: 1384ca{}", "0".repeat(58)).as_bytes()).is_empty());
    }

    #[test]
    fn a_folder_is_searched_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a").join("b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(folder.path().join("clean"), [0x55; 5000]).unwrap();
        fs::write(inner.join("store"), [&[1; 4095], pseudonym(1).expose_bytes().as_slice(), &[2; 100]].concat())
            .unwrap();
        fs::write(inner.join("1384CA"), b"").unwrap();
        let mut searched = scan().folder(folder.path()).unwrap();
        assert_eq!((searched.files, searched.bytes), (3, 5000 + 4095 + 16 + 100));
        searched.leaks.sort_by_key(|leak| leak.leak);
        let leaks: Vec<_> =
            searched.leaks.iter().map(|leak| (leak.file.contains("store"), leak.leak.to_string())).collect();
        assert_eq!(
            leaks,
            [(false, "an address at byte 4".to_owned()), (true, "a raw pseudonym at byte 4095".to_owned())]
        );
    }
}
