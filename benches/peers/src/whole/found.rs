//! Makes the consortium that the comparison runs on, and the files of addresses that it begins from.
//!
//! In the folder: `partner-<number>`, each partner's own folder; `broker` and `keys`; and for each partner
//! `flags-<number>.txt`, the addresses that it flags, and `asked-<number>.txt`, those of them that it asks about, in
//! canonical form, one a line. The peers get the same as ready-made hashes in hex, in `flags-<number>.csv` and
//! `asked-<number>.csv`.

use std::fmt::Write;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use stapel::{AddressKey, PseudonymKey};
use stapel_testkit::{partner_folder, secret};

use crate::workload::{Country, setting};
use crate::{PARTNERS, number};

/// The most pseudonyms in a partner's question.
const ASKED: u64 = 100_000;

/// Counts are told up to the number of organisations, so that each answer can be compared with the peers'. No real
/// consortium should.
const RULES: &str = r#"[counting]
threshold = 2
count_cap = 4
levels = ["unit"]
[[override]]
rule = "names-somebody"
reason = "a benchmark compares each count"
"#;

/// Makes a consortium in a folder.
pub(crate) fn found(folder: &Path) {
    let country = Country { addresses: setting("STAPEL_ADDRESSES", 1_000_000), partners: PARTNERS.len() as u16 };
    let secret = secret(1);
    country.broker_under(&country.policy_with(RULES), folder);
    let hashes = PseudonymKey::new(&secret.secret, &secret.scope);
    for number in PARTNERS.map(number) {
        let own = folder.join(format!("partner-{number}"));
        partner_folder(&own, number, &folder.join("policy.toml"), &[1]);
        let count = country.flags_each();
        let asked = ASKED.min(count);
        let flags = country.addresses_of(number).map(address);
        write(&folder.join(format!("flags-{number}")), &hashes, flags);
        let asked = country.addresses_of(number).step_by((count / asked) as usize).take(asked as usize).map(address);
        write(&folder.join(format!("asked-{number}")), &hashes, asked);
    }
}

/// Writes addresses, and their hashes beside them.
fn write(path: &Path, hashes: &PseudonymKey, addresses: impl Iterator<Item = AddressKey>) {
    let open = |extension| BufWriter::new(File::create(path.with_extension(extension)).unwrap());
    let (mut text, mut csv) = (open("txt"), open("csv"));
    let mut hex = String::new();
    for address in addresses {
        hex.clear();
        for byte in *hashes.pseudonym(&address).expose_bytes() {
            write!(hex, "{byte:02x}").unwrap();
        }
        writeln!(text, "{address}").unwrap();
        writeln!(csv, "{hex}").unwrap();
    }
    text.flush().unwrap();
    csv.flush().unwrap();
}

/// The address of a number: twenty house numbers in a postcode, of which every fifth has a letter.
fn address(number: u64) -> AddressKey {
    // Without the letters of the postcodes that are never given out.
    const LETTERS: &[u8; 20] = b"ABCDEFGHJKLMNPRTVWXZ";
    let (postcode, house) = (number / 20, number % 20 + 1);
    let letter = |n: u64| char::from(LETTERS[(n % 20) as usize]);
    let (first, second) = (letter(postcode / 20), letter(postcode));
    let digits = 1000 + postcode / 400;
    let addition = if house % 5 == 0 { "A" } else { "" };
    AddressKey::from_canonical(&format!("{digits}{first}{second}|{house}|{addition}")).unwrap()
}
