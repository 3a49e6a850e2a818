//! Flags the addresses of a file, tells the broker, asks about them, and prints what came back: on the library itself,
//! as what the programs on the C ABI are compared with. `ffi/examples/README.md` says what all of them do.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stapel::address::AddressError;
use stapel::message::{Rejection, Standing};
use stapel::partner::{Answered, Received};
use stapel::{AddressKey, Broker, BrokerKeys, Case, Partner, Timestamp};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (sandbox, csv, step, partner) = match arguments[..] {
        [sandbox, csv] => (sandbox, csv, "all", "partner"),
        [sandbox, csv, step] => (sandbox, csv, step, "partner"),
        [sandbox, csv, step, partner] => (sandbox, csv, step, partner),
        _ => return usage(),
    };
    let result = match step {
        "all" => Program::open(sandbox, partner, csv).and_then(Program::all),
        "send" => Program::open(sandbox, partner, csv).and_then(Program::send),
        "read" => Program::open(sandbox, partner, csv).and_then(Program::read),
        _ => return usage(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = match (error.downcast_ref(), error.downcast_ref()) {
                (Some(Rejected(rejection)), _) => rejection.code.as_str(),
                (_, Some(error)) => stapel::Error::code(error),
                _ => "error",
            };
            let _ = writeln!(std::io::stderr(), "{code}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    let _ = writeln!(std::io::stderr(), "usage: run SANDBOX_DIR ADDRESSES_CSV [all|send|read [PARTNER]]");
    ExitCode::from(2)
}

/// The broker did not accept a message.
#[derive(Debug)]
struct Rejected(Rejection);

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.sentence)
    }
}

impl Error for Rejected {}

/// A row of the file, and its address, or why that was refused.
struct Row {
    reference: String,
    address: Result<AddressKey, AddressError>,
}

/// A partner, the broker that its messages are carried to, and the rows that it is about.
struct Program {
    partner: Partner,
    broker: Broker,
    rows: Vec<Row>,
    by: Case,
    now: Timestamp,
}

impl Program {
    fn open(sandbox: &str, partner: &str, csv: &str) -> Result<Program, Box<dyn Error>> {
        let folder = PathBuf::from(sandbox).join("broker");
        Ok(Program {
            partner: Partner::open(&Path::new(sandbox).join(partner))?,
            broker: Broker::open(&folder, BrokerKeys::open(&folder.join("keys"))?)?,
            rows: read_csv(&fs::read_to_string(csv)?),
            by: Case::new("example", "examples")?,
            now: now()?,
        })
    }

    fn all(mut self) -> Result<(), Box<dyn Error>> {
        let addresses = self.addresses();
        self.partner.flag(&addresses, &self.by, self.now)?;
        let messages = self.partner.deliver(self.now)?;
        self.carry(&messages)?;
        let messages = self.partner.ask(&addresses, &self.by, self.now)?;
        let answers = self.carry(&messages)?;
        self.print(&answers)
    }

    fn send(mut self) -> Result<(), Box<dyn Error>> {
        let addresses = self.addresses();
        self.partner.flag(&addresses, &self.by, self.now)?;
        let mut messages = self.partner.deliver(self.now)?;
        messages.extend(self.partner.ask(&addresses, &self.by, self.now)?);
        for message in &messages {
            self.broker.handle(message, self.now);
        }
        Ok(())
    }

    fn read(mut self) -> Result<(), Box<dyn Error>> {
        let messages: Vec<Vec<u8>> = self.partner.in_flight().map(|message| message.bytes.to_vec()).collect();
        let answers = self.carry(&messages)?;
        self.print(&answers)
    }

    /// Those that were not refused.
    fn addresses(&self) -> Vec<AddressKey> {
        self.rows.iter().filter_map(|row| row.address.clone().ok()).collect()
    }

    /// Carries messages to the broker, and reads its replies.
    fn carry(&mut self, messages: &[Vec<u8>]) -> Result<Vec<Answered>, Box<dyn Error>> {
        let mut answers = Vec::new();
        for message in messages {
            let reply = self.broker.handle(message, self.now);
            match self.partner.read(&reply, self.now)? {
                Received::Answer(answer) => answers.push(answer),
                Received::Rejection { rejection, .. } | Received::Late(rejection) | Received::Hint(rejection) => {
                    return Err(Rejected(rejection).into());
                }
                _ => {}
            }
        }
        Ok(answers)
    }

    fn print(&self, answers: &[Answered]) -> Result<(), Box<dyn Error>> {
        let last = answers.last().ok_or("no question was in flight")?;
        let count_cap = self.partner.policy().policy().counting.count_cap;
        let addresses = self.addresses();
        let mut standings = vec![None; addresses.len()];
        for answer in answers {
            for (standing, told) in standings.iter_mut().zip(answer.standings(&addresses)) {
                *standing = told.or(*standing);
            }
        }
        let mut standings = standings.into_iter();
        let mut text = format!("organisations {}, fresh {}\n", last.organisations, last.fresh);
        for Row { reference, address } in &self.rows {
            match address {
                Err(error) => writeln!(text, "{reference}\t-\trefused {}", error.code())?,
                Ok(address) => {
                    let standing = words(standings.next().flatten(), count_cap);
                    writeln!(text, "{reference}\t{address}\t{standing}")?;
                }
            }
        }
        std::io::stdout().write_all(text.as_bytes())?;
        Ok(())
    }
}

fn words(standing: Option<Standing>, count_cap: u8) -> String {
    match standing {
        None => "not answered".into(),
        Some(Standing::BelowThreshold) => "below threshold".into(),
        Some(Standing::NoOwnFlag) => "no own flag".into(),
        Some(Standing::Stacked(number)) => match number.at_least() {
            None => "stacked".into(),
            Some(count) if number.is_exact(count_cap) => format!("stacked {count}"),
            Some(count) => format!("stacked at least {count}"),
        },
    }
}

fn now() -> Result<Timestamp, Box<dyn Error>> {
    Ok(Timestamp(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs()))
}

/// Two fields on a line, `;` between them, as README.md beside this says.
fn read_csv(text: &str) -> Vec<Row> {
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
    let rows = lines.skip(1).filter(|line| !line.is_empty()).map(|line| {
        let (reference, rest) = split_field(line);
        let (address, _) = split_field(rest);
        Row { reference, address: AddressKey::parse(&address) }
    });
    rows.collect()
}

/// The first field of a line, and what comes after it.
fn split_field(line: &str) -> (String, &str) {
    let Some(quoted) = line.strip_prefix('"') else {
        let (field, rest) = line.split_once(';').unwrap_or((line, ""));
        return (field.into(), rest);
    };
    let mut field = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"').unwrap_or((rest, ""));
        field += part;
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return (field, after.strip_prefix(';').unwrap_or(after)),
        }
    }
}
