//! What `stapel sandbox` makes: a consortium in which three partners play, and the fourth is for a developer's program
//! to open; and a coordinator for those who put the same address forward.

use std::fs;
use std::path::Path;

use stapel::partner::{Partner, Received};
use stapel::policy::Sees;
use stapel::register::{RegisterBuilder, RegisterRow};
use stapel::{AddressKey, Broker, Case, Day, Fields, Timestamp};

use crate::certificates;
use crate::error::{DemoError, Result};
use crate::founding::{self, Does, Founded, Member, Terms};

/// What the developer's program flags, and how many of the playing partners have flagged it before.
const ADDRESSES: &[(&str, &str, usize)] = &[
    ("Z-1001", "Molenstraat 12-A, 9999 XA Voorbeeldstad", 3),
    ("Z-1002", "Molenstraat 14, 9999XA Voorbeeldstad", 2),
    ("Z-1003", "Kerkplein 3 bis, 9999 XB VOORBEELDSTAD", 1),
    ("Z-1004", "Kerkplein 5, 9999 XB Voorbeeldstad", 1),
    ("Z-1005", "Havenweg 101-2, 9999 XC Voorbeeldstad", 2),
    ("Z-1006", "Havenweg 103, 9999 XC Voorbeeldstad", 0),
    ("Z-1007", "Lindelaan 8, 9999 XD Voorbeeldstad", 0),
    ("Z-1008", "Lindelaan 10 t/m 14, 9999 XD Voorbeeldstad", 0),
];

/// What the playing partners flagged besides, each alone: so each of them has flags, whoever asks.
const OTHERS_ALONE: [&str; 3] = [
    "Dorpsstraat 1, 9999 XE Voorbeeldstad",
    "Dorpsstraat 2, 9999 XE Voorbeeldstad",
    "Dorpsstraat 3, 9999 XE Voorbeeldstad",
];

/// What the sandbox's register has: street, postcode, number, letter, addition, the object that stands there, and what
/// is to be said of it. The nummeraanduidingen are numbered from 1.
const REGISTERED: &[(&str, &str, &str, &str, &str, u64, Note)] = &[
    ("Molenstraat", "9999XA", "12", "A", "", 1, Note::None),
    ("Molenstraat", "9999XA", "14", "", "", 2, Note::None),
    ("Kerkplein", "9999XB", "3", "", "BIS", 3, Note::None),
    ("Kerkplein", "9999XB", "5", "", "", 4, Note::None),
    // Its object is Kerkplein 5 now.
    ("Kerkplein", "9999XB", "7", "", "", 4, Note::Withdrawn),
    ("Kerkplein", "9999XB", "9", "", "", 1, Note::Secondary),
    ("Havenweg", "9999XC", "101", "", "2", 5, Note::None),
    ("Havenweg", "9999XC", "103", "", "", 6, Note::None),
    // Others write it 105-hs.
    ("Havenweg", "9999XC", "105", "H", "", 7, Note::None),
    ("Lindelaan", "9999XD", "8", "", "", 8, Note::None),
    ("Lindelaan", "9999XD", "10", "", "", 9, Note::None),
    ("Lindelaan", "9999XD", "12", "", "", 10, Note::None),
    ("Lindelaan", "9999XD", "14", "", "", 11, Note::None),
    // A garage box has no postcode.
    ("Lindelaan", "", "16", "", "G1", 12, Note::None),
    ("Dorpsstraat", "9999XE", "1", "", "", 13, Note::None),
    ("Dorpsstraat", "9999XE", "2", "", "", 14, Note::None),
    ("Dorpsstraat", "9999XE", "3", "", "", 15, Note::None),
    // Two homes that only their postcodes hold apart.
    ("Dorpsstraat", "9999XF", "3", "", "", 16, Note::None),
    // A street with a number in its name.
    ("Kotter 38", "9999XG", "2", "", "", 17, Note::None),
];

/// What the register says of one of its addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Note {
    None,
    Withdrawn,
    Secondary,
}

/// Makes keys, folders, a signed policy and a broker in `base`, and has the three playing partners flag and deliver.
/// With a port it also makes what serves that broker over HTTPS on this machine, and what the partners reach it with:
/// `broker.toml`, `partner.toml`, `others/NAME.toml`, and certificates in `tls`.
///
/// # Errors
///
/// What the library says of a file or of the store, and [`DemoError::Rejected`] where the broker does not take a
/// playing partner's flags.
pub fn make(base: &Path, now: Timestamp, port: Option<u16>) -> Result<()> {
    let members = members(base);
    let (secret_path, broker_folder) = (base.join("epoch-1.secret"), base.join("broker"));
    let terms = terms(now, port)?;
    let Founded { mut partners, keys, policy, policy_path, .. } =
        founding::found(base, &secret_path, &broker_folder.join("keys"), &terms, &members)?;
    // Each partner has its copy.
    fs::remove_file(&secret_path).map_err(DemoError::file("remove", &secret_path))?;
    let broker = Broker::create(&broker_folder, keys, &policy_path, now)?;
    for (at, partner) in partners.iter_mut().skip(1).take(OTHERS_ALONE.len()).enumerate() {
        play(partner, at, &broker, now)?;
    }
    if let Some(port) = port {
        certificates::write(&base.join("tls"), &policy)?;
        connect(base, port, &members)?;
    }
    Ok(())
}

/// Where the broker of a sandbox is reached.
pub fn address(port: u16) -> String {
    format!("https://localhost:{port}")
}

/// Writes the configuration files of the broker and of the partners.
fn connect(base: &Path, port: u16, members: &[Member]) -> Result<()> {
    let write = |path: &Path, text: String| fs::write(path, text).map_err(DemoError::file("write", path));
    write(
        &base.join("broker.toml"),
        format!(
            "runtime_dir = \"run\"\n\n[[consortium]]\nfolder = \"broker\"\n\n[[listen]]\naddress = \
             \"127.0.0.1:{port}\"\ncertificate = \"tls/server.pem\"\nkey = \"tls/server.key\"\nclient_ca = \
             [\"tls/ca.pem\"]\ncrls = [\"tls/ca.crl\"]\n"
        ),
    )?;
    for Member { folder, organisation, .. } in members {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let tls = if folder.parent() == Some(base) { "tls" } else { "../tls" };
        let text = format!(
            "dir = \"{name}\"\nactor = \"me\"\n\n[connect]\ncertificate = \"{tls}/client-{organisation}.pem\"\nkey = \
             \"{tls}/client-{organisation}.key\"\nca = [\"{tls}/ca.pem\"]\n"
        );
        write(&folder.with_extension("toml"), text)?;
    }
    Ok(())
}

/// The file of addresses that the developer's program begins with.
pub fn addresses_csv() -> String {
    let mut csv = String::from("ref;adres\n");
    for (reference, text, _) in ADDRESSES {
        csv += &format!("{reference};{text}\n");
    }
    csv
}

/// Writes a local register of the town, of an extract of this day.
///
/// # Errors
///
/// What the library says of a row or of the file.
pub fn register(path: &Path, source: Day) -> Result<()> {
    let mut builder = RegisterBuilder::new();
    for ((street, postcode, number, letter, addition, object, note), id) in REGISTERED.iter().zip(1u64..) {
        let (id, object) = (format!("999920{id:010}"), format!("999901{object:010}"));
        let at = if postcode.is_empty() { ["", ""] } else { ["53.250000", "4.500000"] };
        builder.add(&RegisterRow {
            street,
            town: "Voorbeeldstad",
            fields: Fields { postcode, number, letter, addition },
            id: &id,
            object: &object,
            building: "9999100000000001",
            at,
            is_secondary: *note == Note::Secondary,
            is_withdrawn: *note == Note::Withdrawn,
        })?;
    }
    Ok(builder.finish(path, source)?)
}

/// Has a playing partner, the `at`th, flag and deliver. The first of them puts all of that forward too: so from the
/// next day on it meets whoever does the same, by the coordinator, and the others are asked to.
fn play(partner: &mut Partner, at: usize, broker: &Broker, now: Timestamp) -> Result<()> {
    let shared = ADDRESSES.iter().filter(|(_, _, others)| *others > at).map(|(_, text, _)| *text);
    let texts = shared.chain([OTHERS_ALONE[at]]);
    let addresses: Vec<AddressKey> = texts.map(AddressKey::parse).collect::<std::result::Result<_, _>>()?;
    let by = Case::new("sandbox", "sandbox")?;
    partner.flag(&addresses, &by, now)?;
    let mut messages = partner.deliver(now)?;
    if at == 0 {
        partner.put_forward(&addresses, &by, now)?;
    }
    // What is put forward is said once the broker has the flags.
    while let Some(message) = next(&mut messages, partner, at == 0, now)? {
        match partner.read(&broker.handle(&message, now), now)? {
            Received::Receipt(_) | Received::Kept(_) | Received::Posted(_) => continue,
            Received::Rejection { rejection, .. } => {
                return Err(DemoError::Rejected { code: rejection.code.as_str(), sentence: rejection.sentence });
            }
            _ => return Err("the broker did not take what a playing partner said".into()),
        }
    }
    Ok(())
}

/// The next message of a playing partner: of what is flagged, and then of what comes after a hit.
fn next(messages: &mut Vec<Vec<u8>>, partner: &mut Partner, talks: bool, now: Timestamp) -> Result<Option<Vec<u8>>> {
    if !messages.is_empty() {
        return Ok(Some(messages.remove(0)));
    }
    Ok(if talks { partner.talk(now)? } else { None })
}

fn members(base: &Path) -> Vec<Member> {
    let member =
        |number, name, organisation, oin, [legal_basis_flag, legal_basis_ask]: [&'static str; 2], folder: &str| {
            Member {
                number,
                name,
                organisation,
                oin,
                does: Does::Flag { sees: Sees::Count, legal_basis_flag, legal_basis_ask },
                folder: base.join(folder),
            }
        };
    vec![
        member(
            1,
            "Gemeente Voorbeeldstad, uw programma",
            "gemeente",
            "00000099000000001000",
            ["Gemeentewet, artikel 172; Opiumwet, artikel 13b", "Gemeentewet, artikel 172; Wet Bibob, artikel 3"],
            "partner",
        ),
        member(
            2,
            "Politie, basisteam",
            "politie",
            "00000099000000002000",
            [
                "Politiewet 2012, artikel 3; Wet politiegegevens, artikel 20",
                "Politiewet 2012, artikel 3; Wet politiegegevens, artikel 9",
            ],
            "others/politie",
        ),
        member(
            3,
            "Belastingdienst, stroomlijning fraude",
            "belastingdienst",
            "00000099000000003000",
            [
                "Algemene wet inzake rijksbelastingen, artikel 67, tweede lid",
                "Algemene wet inzake rijksbelastingen, artikel 55",
            ],
            "others/belastingdienst",
        ),
        member(
            4,
            "Woningcorporatie, woonfraude",
            "woningcorporatie",
            "00000099000000004000",
            [
                "AVG, artikel 6, eerste lid, onder f; Huisvestingswet 2014, artikel 21",
                "AVG, artikel 6, eerste lid, onder f",
            ],
            "others/woningcorporatie",
        ),
        Member {
            number: 5,
            name: "Coördinatiepunt Voorbeeldstad",
            organisation: "coordinatiepunt",
            oin: "00000099000000005000",
            does: Does::Coordinate { legal_basis: "Wet gegevensverwerking door samenwerkingsverbanden, artikel 2.20" },
            folder: base.join("others/coordinatiepunt"),
        },
    ]
}

fn terms(now: Timestamp, port: Option<u16>) -> Result<Terms> {
    Ok(Terms {
        remark: "The rules of a sandbox: its flags show at once, and all in it is made up.",
        name: "sandbox",
        purpose: "sandbox".parse()?,
        address: port.map(address),
        opens: now.day(),
        closes: now.day().plus(365),
        immediate: true,
        threshold: 2,
        min_sources: 3,
        count_cap: 3,
        min_changed: 3,
        max_wait_days: 7,
        freshness_days: 35,
        max_days: 180,
        // A developer tries large files, and often.
        new_flags_a_day: 2_500_000,
        first_set_flags: 10_000_000,
        flags_held: 10_000_000,
        asked_a_day: 10_000_000,
        asked_an_epoch: 1_000_000_000,
        direct: &[],
    })
}
