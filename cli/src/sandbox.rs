//! `stapel sandbox`: a consortium on one machine for whoever writes a program that takes part in one.
//!
//! Three partners play; the fourth is the developer's own, for the program to open.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use stapel::partner::{Partner, Received};
use stapel::policy::Sees;
use stapel::{AddressKey, Broker, Case, NotASlug, Timestamp};

use crate::consortium::{self, Founded, Member, Terms};
use crate::failure::Failure;
use crate::files;
use crate::now::Clock;
use crate::output::Output;

/// Make a small consortium on this machine for a program to take part in: keys, signed policy, broker, and three playing partners
///
/// The program opens DIR/partner as a partner and DIR/broker as the broker, flags DIR/addresses.csv and asks; the others flagged some
/// of these addresses, so that the first question gives a hit. Flags show at once, which only a test may. All in it is made up;
/// its keys are for nothing else.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  stapel sandbox --dir sandbox
  cd sandbox
  stapel partner flag --dir partner --actor me --case Z-1 addresses.csv
  stapel partner deliver --dir partner
  stapel broker handle --dir broker partner/outbox
  stapel partner read --dir partner
  stapel partner ask --dir partner --actor me --case Z-1 addresses.csv
  stapel broker handle --dir broker partner/outbox
  stapel partner read --dir partner")]
pub(crate) struct Args {
    /// The folder to make; it must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Print one JSON object: the folders, and the file of addresses
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

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

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let now = args.clock.time()?;
    refuse_occupied(&args.dir)?;
    files::create_folder(&args.dir)?;
    // Made aside and moved at the end, so that what is there is whole.
    let making = args.dir.join(MAKING);
    files::create_folder(&making)?;
    make(&making, now).and_then(|()| move_up(&making, &args.dir)).inspect_err(|_| {
        let _ = std::fs::remove_dir_all(&making);
    })?;
    tell(args, out)
}

const MAKING: &str = "making";

/// A folder that is not empty is somebody's, but for what an earlier attempt left.
fn refuse_occupied(dir: &Path) -> Result<(), Failure> {
    let entries = match std::fs::read_dir(dir) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|source| files::error("read", dir, source))?,
    };
    for entry in entries {
        let path = entry.map_err(|source| files::error("read", dir, source))?.path();
        if path.file_name().is_none_or(|name| name != MAKING) {
            return Err(Failure::new(
                "folder_not_empty",
                format!("{} is not empty: name a folder that is not there yet, or remove it first", dir.display()),
            ));
        }
        std::fs::remove_dir_all(&path).map_err(|source| files::error("remove", &path, source))?;
    }
    Ok(())
}

fn move_up(from: &Path, to: &Path) -> Result<(), Failure> {
    let entries = std::fs::read_dir(from).map_err(|source| files::error("read", from, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| files::error("read", from, source))?;
        let path = entry.path();
        std::fs::rename(&path, to.join(entry.file_name())).map_err(|source| files::error("move", &path, source))?;
    }
    std::fs::remove_dir(from).map_err(|source| files::error("remove", from, source))
}

fn make(base: &Path, now: Timestamp) -> Result<(), Failure> {
    let members = members(base);
    let (secret_path, broker_folder) = (base.join("epoch-1.secret"), base.join("broker"));
    let terms = terms(now).map_err(|error| Failure::new("not_a_slug", error.to_string()))?;
    let Founded { mut partners, keys, policy_path, .. } =
        consortium::found(base, &secret_path, &broker_folder.join("keys"), &terms, &members)?;
    // Each partner has its copy.
    files::remove(&secret_path)?;
    let broker = Broker::create(&broker_folder, keys, &policy_path, now)?;
    for (at, partner) in partners.iter_mut().skip(1).enumerate() {
        play(partner, at, &broker, now)?;
    }
    let mut csv = String::from("ref;adres\n");
    for (reference, text, _) in ADDRESSES {
        csv += &format!("{reference};{text}\n");
    }
    files::replace(&base.join("addresses.csv"), csv.as_bytes())
}

/// Has a playing partner, the `at`th, flag and deliver.
fn play(partner: &mut Partner, at: usize, broker: &Broker, now: Timestamp) -> Result<(), Failure> {
    let shared = ADDRESSES.iter().filter(|(_, _, others)| *others > at).map(|(_, text, _)| *text);
    let texts = shared.chain([OTHERS_ALONE[at]]);
    let addresses: Vec<AddressKey> = texts.map(AddressKey::parse).collect::<Result<_, _>>()?;
    partner.flag(&addresses, &Case::new("sandbox", "sandbox")?, now)?;
    for message in partner.deliver(now)? {
        match partner.read(&broker.handle(&message, now), now)? {
            Received::Receipt(_) => continue,
            Received::Rejection { rejection, .. } => {
                return Err(Failure::new(rejection.code.as_str(), rejection.sentence));
            }
            _ => return Err(Failure::new("sandbox", "the broker gave no receipt for a playing partner's flags")),
        }
    }
    Ok(())
}

fn members(base: &Path) -> Vec<Member> {
    let member =
        |number, name, organisation, oin, [legal_basis_flag, legal_basis_ask]: [&'static str; 2], folder: &str| {
            Member {
                number,
                name,
                organisation,
                oin,
                sees: Sees::Count,
                legal_basis_flag,
                legal_basis_ask,
                folder: base.join(folder),
            }
        };
    vec![
        member(
            1,
            "Gemeente Voorbeeldstad, uw programma",
            "gemeente",
            "00000001000000000000",
            ["Gemeentewet, artikel 172; Opiumwet, artikel 13b", "Gemeentewet, artikel 172; Wet Bibob, artikel 3"],
            "partner",
        ),
        member(
            2,
            "Politie, basisteam",
            "politie",
            "00000002000000000000",
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
            "00000003000000000000",
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
            "00000004000000000000",
            [
                "AVG, artikel 6, eerste lid, onder f; Huisvestingswet 2014, artikel 21",
                "AVG, artikel 6, eerste lid, onder f",
            ],
            "others/woningcorporatie",
        ),
    ]
}

fn terms(now: Timestamp) -> Result<Terms, NotASlug> {
    Ok(Terms {
        remark: "The rules of a sandbox: its flags show at once, and all in it is made up.",
        name: "sandbox",
        purpose: "sandbox".parse()?,
        opens: now.day(),
        closes: now.day().plus(365),
        immediate: true,
        threshold: 2,
        min_sources: 3,
        count_cap: 3,
        min_changed: 2,
        max_wait_days: 7,
        freshness_days: 35,
        max_days: 180,
        // A developer tries large files, and often.
        new_flags_a_day: 2_500_000,
        flags_held: 10_000_000,
        asked_a_day: 10_000_000,
        asked_an_epoch: 1_000_000_000,
    })
}

fn tell(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let dir = &args.dir;
    let path = |name: &str| dir.join(name).display().to_string();
    if args.json {
        return out.json(&json!({
            "partner": path("partner"), "broker": path("broker"), "broker_keys": path("broker/keys"),
            "policy": path("policy.toml"), "addresses": path("addresses.csv"),
        }));
    }
    writeln!(
        out,
        "A consortium is in {}, and three partners in it have flagged. For your program:\n\
         \n\
         \x20 partner       {}\n\
         \x20 broker        {}, its keys in {}\n\
         \x20 addresses     {}\n\
         \x20 the rules     {}\n\
         \n\
         Flag the addresses and ask about them: some are stacked, two to four high. `stapel sandbox --help` shows it with this command.",
        dir.display(),
        path("partner"),
        path("broker"),
        path("broker/keys"),
        path("addresses.csv"),
        path("policy.toml"),
    )?;
    Ok(())
}
