//! A register: any text is looked up in a small town, and any bytes are opened as a register's file, as they are and
//! with the checksums that they would need.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use stapel::register::fuzzing::with_checksums;
use stapel::register::{How, Lookup, Register, RegisterBuilder, RegisterRow};
use stapel::{AddressKey, Day, Fields};

/// Street, postcode, number, letter, addition and whether it was withdrawn. Their ids count from 1.
const ROWS: [(&str, &str, &str, &str, &str, bool); 12] = [
    ("Dam", "1012JS", "1", "", "", false),
    ("Dam", "1012JS", "1", "A", "", false),
    ("Dam", "1012JS", "1", "", "HS", false),
    ("Dam", "1012JS", "3", "H", "", false),
    ("Dam", "1012JS", "5", "", "", true),
    ("Jol 37", "8243HP", "1", "", "", false),
    ("Jol 37", "8243HP", "37", "", "", false),
    ("Jol 38", "8243HP", "1", "", "", false),
    ("Dam", "", "1", "", "G1", false),
    ("Plein 1940-1945", "1013AB", "3", "B", "", false),
    ("'s-Gravelandseweg", "1217EN", "12", "", "BIS", false),
    ("2e Dorpsstraat", "1217EP", "5", "", "1", false),
];

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

static TOWN: LazyLock<(Register, Vec<u8>)> = LazyLock::new(|| {
    let path = FOLDER.path().join("town.stapel");
    let mut builder = RegisterBuilder::new();
    for (at, (street, postcode, number, letter, addition, is_withdrawn)) in ROWS.into_iter().enumerate() {
        let id = |kind: &str| format!("0363{kind}{:010}", at + 1);
        let (id, object, building) = (id("20"), id("01"), id("10"));
        let fields = Fields { postcode, number, letter, addition };
        let at = if number == "1" { ["52.373", "4.893"] } else { ["", ""] };
        let ids = (&id, &object, &building);
        let row = RegisterRow {
            street,
            town: "Amsterdam",
            fields,
            id: ids.0,
            object: ids.1,
            building: ids.2,
            at,
            is_secondary: false,
            is_withdrawn,
        };
        builder.add(&row).unwrap();
    }
    builder.finish(&path, Day(20_000)).unwrap();
    (Register::open(&path).unwrap(), fs::read(&path).unwrap())
});

/// What the fuzzer begins with: texts, and the file of the town.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "Dam 1, 1012 JS Amsterdam",
        "Dam 1-G1, Amsterdam",
        "Dam 3 hs, 1012JS",
        "Jol 37-01, 8243 HP Amsterdam",
        "0363200000000002",
        "363010000000009",
        "Plein 1940-45 3 b, 1013 AB",
        "12 bs, 1217EN 's Gravelandseweg",
        "1012JS|1|HS",
    ];
    let mut seeds: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).into();
    seeds.push(TOWN.1.clone());
    seeds
}

pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        look_up(&TOWN.0, text);
    }
    let path = FOLDER.path().join("fuzzed.stapel");
    open(&path, data);
    if let Some(bytes) = with_checksums(data) {
        open(&path, &bytes);
    }
    if let Some(bytes) = with_one_byte(data) {
        open(&path, &bytes);
    }
}

/// The town's file with one byte of its blocks changed, as the first bytes of the input say: a file that is changed in
/// several places is seldom one that can be read.
fn with_one_byte(data: &[u8]) -> Option<Vec<u8>> {
    let [high, low, byte, ..] = *data else { return None };
    let mut bytes = TOWN.1.clone();
    let at = usize::from(u16::from_be_bytes([high, low])) % bytes.len();
    bytes[at] = byte;
    with_checksums(&bytes)
}

/// An address that exists stays itself, and what is found is there, unless it is said not to be.
fn look_up(town: &Register, text: &str) {
    let has = |key: &AddressKey| !town.look_up(key).unwrap().entries.is_empty();
    let plainly = AddressKey::parse(text);
    let Ok(found) = town.resolve(Lookup::Text(text)) else { return };
    assert_eq!(AddressKey::from_canonical(found.key.as_str()), Ok(found.key));
    assert_eq!(has(&found.key), found.how != How::Unregistered, "{text:?}: {found:?}");
    if let Ok(plainly) = plainly {
        let stands = town.look_up(&plainly).unwrap().entries.iter().any(|entry| !entry.is_withdrawn);
        assert!(!stands || found.key == plainly, "{text:?}: {plainly} became {found:?}");
    }
}

/// Whatever a file has in it, it is refused or looked at to its end.
fn open(path: &PathBuf, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    let Ok(register) = Register::open(Path::new(path)) else { return };
    let mut keys = Vec::new();
    let read = register.entries(|entry| keys.push(entry.key));
    assert!(read.is_err() || keys.len() <= register.len());
    for text in ["Dam 1, 1012 JS", "Dam 1-G1, Amsterdam", "Jol 37-01, 8243 HP", "0363200000000002", "363010000000009"] {
        let _ = register.resolve(Lookup::Text(text));
        let _ = register.resolve(Lookup::Id(text));
    }
    for (street, postcode, number, letter, addition, _) in ROWS {
        let fields = Fields { postcode, number, letter, addition };
        let _ = register.resolve(Lookup::Fields(fields));
        let without = Fields { postcode: "", ..fields };
        let _ = register.resolve(Lookup::Place { fields: without, street, town: "Amsterdam" });
    }
    for key in keys.iter().take(20) {
        let _ = register.look_up(key);
    }
}
