//! A local register of addresses beside SQLite with indexes: building, size, opening, look-ups, in one run.
//!
//!     cargo run --release --bin register -- [ROWS]
//!
//! With a file after the rows, they are only written to it, as NLExtract's bagadres has them, for `stapel register
//! build`.

use std::error::Error;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use stapel::Fields;
use stapel::register::{Lookup, Register, RegisterBuilder, RegisterRow};

/// How many look-ups are timed, each of another address.
const LOOKUPS: usize = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(10_000_000), |rows| rows.parse())?;
    if let Some(path) = std::env::args().nth(2) {
        return write_csv(rows, Path::new(&path));
    }
    let folder = tempfile::tempdir()?;
    let (file, database) = (folder.path().join("bag.stapel"), folder.path().join("bag.sqlite"));

    let began = Instant::now();
    let mut builder = RegisterBuilder::new();
    for at in 0..rows {
        Made::of(at).row(|row| builder.add(row))?;
    }
    let added = began.elapsed();
    builder.finish(&file, "2026-11-01".parse()?)?;
    say("register: rows added", seconds(added));
    say("register: built", seconds(began.elapsed()));
    say("register: peak of memory, MB", peak_megabytes());
    say("register: size, MB", megabytes(&file)?);

    let began = Instant::now();
    let register = Register::open(&file)?;
    say("register: opened, ms", millis(began.elapsed()));
    // Each in turn, far from the one before it.
    let order: Vec<usize> = (0..LOOKUPS).map(|n| n.wrapping_mul(7_919_999) % rows).collect();
    let ids: Vec<String> = order.iter().map(|at| Made::of(*at).id).collect();
    say("register: by id, us", per_lookup(&ids, |id| found(&register, Lookup::Id(id)))?);
    let made: Vec<Made> = order.iter().map(|at| Made::of(*at)).collect();
    let fields = |made: &Made| made.row(|row| found(&register, Lookup::Fields(row.fields)));
    say("register: by postcode and number, us", per_lookup(&made, fields)?);
    let texts: Vec<String> = made.iter().take(LOOKUPS / 10).map(Made::line).collect();
    say("register: by street, number and town, us", per_lookup(&texts, |text| found(&register, Lookup::Text(text)))?);

    let began = Instant::now();
    let mut connection = Connection::open(&database)?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         CREATE TABLE address (id TEXT, object TEXT, street TEXT, town TEXT, postcode TEXT, number INTEGER,
                               letter TEXT, addition TEXT, latitude REAL, longitude REAL);",
    )?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO address VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        for at in 0..rows {
            let Made { id, object, street, town, postcode, number, letter, latitude, longitude } = Made::of(at);
            insert.execute((id, object, street, town, postcode, number, letter, "", latitude, longitude))?;
        }
    }
    transaction.execute_batch(
        "CREATE INDEX by_id ON address (id); CREATE INDEX by_object ON address (object);
         CREATE INDEX by_place ON address (postcode, number);
         CREATE INDEX by_street ON address (street, town, number);",
    )?;
    transaction.commit()?;
    say("SQLite: built", seconds(began.elapsed()));
    say("SQLite: size, MB", megabytes(&database)?);
    drop(connection);
    let began = Instant::now();
    let connection = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut by_id = connection.prepare("SELECT postcode, number, letter, addition FROM address WHERE id = ?")?;
    say("SQLite: opened, ms", millis(began.elapsed()));
    let time = per_lookup(&ids, |id| Ok(drop(by_id.query_row([id], |row| row.get::<_, String>(0))?)))?;
    say("SQLite: by id, us", time);
    let mut by_place = connection.prepare("SELECT letter, addition FROM address WHERE postcode = ? AND number = ?")?;
    let time = per_lookup(&made, |made| {
        let mut rows = by_place.query((&made.postcode, &made.number))?;
        while rows.next()?.is_some() {}
        Ok(())
    })?;
    say("SQLite: by postcode and number, us", time);
    Ok(())
}

fn write_csv(rows: usize, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(
        file,
        "openbareruimte;huisnummer;huisletter;huisnummertoevoeging;postcode;woonplaats;gemeente;provincie;\
         nummeraanduiding;verblijfsobjectgebruiksdoel;oppervlakteverblijfsobject;verblijfsobjectstatus;object_id;\
         object_type;nevenadres;pandid;pandstatus;pandbouwjaar;x;y;lon;lat"
    )?;
    for at in 0..rows {
        let Made { id, object, street, town, postcode, number, letter, latitude, longitude } = Made::of(at);
        let building = format!("{}10{}", &id[..4], &id[6..]);
        writeln!(
            file,
            "{street};{number};{letter};;{postcode};{town};{town};Noord-Holland;{id};woonfunctie;{};Verblijfsobject in \
             gebruik;{object};VBO;f;{building};Pand in gebruik;1974;{}.{:03};{}.{:03};{longitude};{latitude}",
            40 + at % 160,
            120_000 + at % 20_000,
            at % 1000,
            480_000 + at % 30_000,
            at % 997,
        )?;
    }
    file.flush()?;
    Ok(())
}

/// One address of a made extract: thirty a postcode, two postcodes a street, two hundred streets a town.
struct Made {
    id: String,
    object: String,
    street: String,
    town: String,
    postcode: String,
    number: String,
    letter: String,
    latitude: String,
    longitude: String,
}

impl Made {
    fn of(at: usize) -> Made {
        let (postcode, place) = (at / 30, at % 30);
        let (street, town) = (postcode / 2, postcode / 400);
        // Every tenth house has flats, a to c.
        let letter = ["", "A", "B", "C"][if place < 4 { place } else { 0 }];
        let number = postcode % 2 * 60 + if place < 4 { 1 } else { 2 * place };
        let letters = |n: usize| [b'A' + (n / 18 % 18) as u8, b'B' + (n % 18) as u8];
        let [first, second] = letters(postcode / 9_000);
        // Ids of neighbours are near each other, and some are far.
        let far = if at % 11 == 0 { at.wrapping_mul(48_271) % 1_000_000 } else { 0 };
        Made {
            id: format!("{:04}20{:010}", 100 + town % 900, at + far * 10_000_000 % 9_000_000_000),
            object: format!("{:04}01{:010}", 100 + town % 900, at + 17),
            street: format!("{}straat {}", ["Linden", "Eiken", "Berken", "Kerk"][street % 4], street % 400),
            town: format!("Stad {town}"),
            postcode: format!("{:04}{}{}", 1000 + postcode % 9_000, first as char, second as char),
            number: number.to_string(),
            letter: letter.to_owned(),
            latitude: format!("{:.6}", 51.0 + (at % 2_000_000) as f64 / 1e6),
            longitude: format!("{:.6}", 4.0 + (at / 3 % 2_000_000) as f64 / 1e6),
        }
    }

    fn row<T>(&self, take: impl FnOnce(&RegisterRow<'_>) -> T) -> T {
        let fields = Fields { postcode: &self.postcode, number: &self.number, letter: &self.letter, addition: "" };
        take(&RegisterRow {
            street: &self.street,
            town: &self.town,
            fields,
            id: &self.id,
            object: &self.object,
            at: [&self.latitude, &self.longitude],
            ..RegisterRow::default()
        })
    }

    fn line(&self) -> String {
        format!("{} {}{}, {}", self.street, self.number, self.letter, self.town)
    }
}

/// Looks an address up, which must be there.
fn found(register: &Register, lookup: Lookup<'_>) -> Result<(), Box<dyn Error>> {
    let resolved = register.resolve(lookup)?;
    std::hint::black_box(resolved);
    Ok(())
}

/// Microseconds each.
fn per_lookup<T>(
    all: &[T],
    mut look_up: impl FnMut(&T) -> Result<(), Box<dyn Error>>,
) -> Result<String, Box<dyn Error>> {
    let began = Instant::now();
    all.iter().try_for_each(&mut look_up)?;
    Ok(format!("{:.2}", began.elapsed().as_secs_f64() * 1e6 / all.len() as f64))
}

#[allow(clippy::print_stdout, reason = "the figures are what it is run for")]
fn say(what: &str, figure: impl Display) {
    println!("{what}: {figure}");
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

fn megabytes(path: &Path) -> Result<u64, std::io::Error> {
    Ok(std::fs::metadata(path)?.len() / 1_000_000)
}

/// The most memory that the process had, as Linux says it.
fn peak_megabytes() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().map_or("unknown".into(), |kb| (kb / 1_000).to_string())
}
