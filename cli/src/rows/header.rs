//! Accounts for every column of a table: read as a field, told to be passed over, or plainly not of an address.

use std::collections::HashSet;
use std::path::PathBuf;
use std::str::FromStr;

use csv::StringRecord;
use serde_json::{Value, json};
use stapel::AddressKey;
use stapel::register::Register;

use super::REFUSAL_COLUMNS;
use super::names::{Field, MAPPED};
use crate::failure::Failure;
use crate::output::plain;

/// What is said of columns on the command line.
#[derive(clap::Args)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct ColumnArgs {
    /// Read a column as a field: postcode, huisnummer, huisletter, toevoeging, adres, aanduiding, locatiebeschrijving,
    /// status, straat, woonplaats, bag_id or ref. May be given again
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub(super) maps: Vec<Mapping>,
    /// Pass over a column whose name could be of an address; "" is one without a name. May be given again
    #[arg(long = "ignore", value_name = "COLUMN")]
    pub(super) ignored: Vec<String>,
    /// The column of local references, which come back with the hits and never leave this side [default: ref]
    #[arg(long = "ref", value_name = "COLUMN")]
    pub(super) reference: Option<String>,
    /// A local register (stapel register build): then BAG ids are read, and street, huisnummer and woonplaats without a
    /// postcode, and what it does not have is counted
    #[arg(long, value_name = "FILE")]
    pub(crate) register: Option<PathBuf>,
    /// The column of branches, for a command that reads one.
    #[arg(skip)]
    pub(super) branch: Option<String>,
}

/// The value of `--map`: a column, and what to read it as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    column: String,
    field: Field,
}

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Field(Field),
    /// The branch of what stands there.
    Branch,
    /// `--ignore` names it.
    Ignored,
    /// It has no name, and may have no value.
    Unnamed,
    /// Its name is plainly of something else.
    Other,
    /// It is one of a file of refused rows, and says why.
    Refusal,
}

/// Where the address of a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In columns of its own; an address in one column beside them is held against those.
    Fields {
        /// `None` only with a register, which completes it from street and town, or from an id.
        postcode: Option<usize>,
        number: usize,
        letter: Option<usize>,
        addition: Option<usize>,
        line: Option<usize>,
    },
    /// In one column; postcode and number beside it are held against it.
    Line { line: usize, postcode: Option<usize>, number: Option<usize> },
    /// In the ids that a register knows it by, and nowhere else.
    Id,
}

/// Which column is what.
pub(crate) struct Layout {
    /// The names of the columns.
    names: Vec<String>,
    /// What each column is.
    pub(super) roles: Vec<Role>,
    pub(super) source: Source,
    /// The column of what is kept beside each address: its branch, or else its local reference.
    beside: Option<usize>,
    pub(super) register: Option<Register>,
    /// Flags that a row may name by their canonical form, whatever a register says.
    pub(super) own: HashSet<AddressKey>,
}

/// The most names of columns that an error shows.
const MOST_SHOWN: usize = 20;

/// The most columns that are named on standard error for one kind.
const MOST_TOLD: usize = 40;

/// The most characters of a column's name that are shown.
const LONGEST_SHOWN: usize = 60;

impl ColumnArgs {
    pub(crate) fn are_given(&self) -> bool {
        !self.maps.is_empty() || !self.ignored.is_empty() || self.reference.is_some()
    }
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Mapping, String> {
        let (column, name) = text.rsplit_once('=').ok_or("write COLUMN=FIELD, as in Huisnr=huisnummer")?;
        if column.trim().is_empty() {
            return Err("the column has no name; write COLUMN=FIELD, as in Huisnr=huisnummer".into());
        }
        match Field::named(name) {
            Some(field) => Ok(Mapping { column: column.to_owned(), field }),
            None => Err(format!("'{name}' is not a field; use {MAPPED}")),
        }
    }
}

impl Layout {
    /// Reads a header. Every column has a role after that, or the header is refused.
    pub(crate) fn read(header: &StringRecord, args: &ColumnArgs, own: HashSet<AddressKey>) -> Result<Layout, Failure> {
        let columns = Columns { header, args, reads_ids: reads_ids(args, &own) };
        columns.refuse_unknown_names()?;
        let roles: Vec<Role> = (0..header.len()).map(|at| columns.role(at)).collect();
        let find = |field| columns.find(&roles, field);
        let reference = find(Field::Reference)?;
        let beside = roles.iter().position(|role| *role == Role::Branch).or(reference);
        let source = columns.source(&roles)?;
        columns.refuse_suspected(&roles)?;
        let names = header.iter().map(str::to_owned).collect();
        let register = args.register.as_deref().map(Register::open).transpose()?;
        Ok(Layout { names, roles, source, beside, register, own })
    }

    /// Whether a line looks like the header of a table of addresses.
    pub(super) fn names_address(header: &StringRecord, args: &ColumnArgs, reads_ids: bool) -> bool {
        let columns = Columns { header, args, reads_ids };
        let has = |field| (0..header.len()).any(|at| columns.role(at) == Role::Field(field));
        let has_place = has(Field::Street) && has(Field::Number) && has(Field::Town);
        has(Field::Postcode) && has(Field::Number)
            || has(Field::Line)
            || (reads_ids && has(Field::BagId))
            || (args.register.is_some() && has_place)
    }

    /// What is kept beside the address of a row.
    pub(super) fn beside<'a>(&self, row: &'a StringRecord) -> &'a str {
        self.beside.and_then(|at| row.get(at)).unwrap_or_default().trim()
    }

    /// How many columns there are, those of a file of refused rows included.
    pub(super) fn width(&self) -> usize {
        self.roles.len()
    }

    /// The places of the columns that are one field.
    pub(super) fn all(&self, field: Field) -> impl Iterator<Item = usize> {
        self.of(Role::Field(field))
    }

    /// The places of the columns that have one role.
    pub(super) fn of(&self, role: Role) -> impl Iterator<Item = usize> {
        self.roles.iter().enumerate().filter(move |(_, own)| **own == role).map(|(at, _)| at)
    }

    /// The names of the columns, without those of a file of refused rows.
    pub(super) fn own_names(&self) -> impl Iterator<Item = &str> {
        let own = self.names.iter().zip(&self.roles).filter(|(_, role)| **role != Role::Refusal);
        own.map(|(name, _)| name.as_str())
    }

    /// The id in a row that one address alone has, of the first column that has one; empty for none.
    pub(super) fn id<'a>(&self, row: &'a StringRecord) -> &'a str {
        self.id_at(row).and_then(|at| row.get(at)).unwrap_or_default().trim()
    }

    /// The column that has that id.
    pub(super) fn id_at(&self, row: &StringRecord) -> Option<usize> {
        let name = |at: usize| self.names.get(at).map_or("", String::as_str);
        id_columns(&self.roles, name).find(|at| !row.get(*at).unwrap_or_default().trim().is_empty())
    }

    /// A column's name, for a sentence.
    pub(super) fn name(&self, at: usize) -> String {
        self.names.get(at).map_or(String::new(), |name| shown(name))
    }

    /// What was read as what, on one line.
    pub(crate) fn told(&self) -> String {
        let mut parts = Vec::new();
        for (at, role) in self.roles.iter().enumerate() {
            let told = match (role, &self.register) {
                (Role::Field(Field::BagId), None) if has_ids(&self.own) => "bag_id (of own flags)".to_owned(),
                (Role::Field(field), register) => field.told(register.is_some()),
                (Role::Branch, _) => role.word().to_owned(),
                _ => continue,
            };
            parts.push(format!("'{}' is {told}", self.name(at)));
        }
        for (role, what) in [(Role::Ignored, "passed over as told"), (Role::Other, "not of an address")] {
            let names: Vec<_> = self.of(role).map(|at| format!("'{}'", self.name(at))).collect();
            if !names.is_empty() {
                let more = names.len().saturating_sub(MOST_TOLD);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                parts.push(format!("{}{more}: {what}", names[..names.len().min(MOST_TOLD)].join(", ")));
            }
        }
        format!("columns: {}", parts.join("; "))
    }

    /// Each column's name, and the word for what it was read as.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let columns = self.names.iter().zip(&self.roles).filter(|(_, role)| **role != Role::Refusal);
        columns.map(|(name, role)| (name.trim(), role.word()))
    }

    /// The same as JSON.
    pub(crate) fn json(&self) -> Value {
        self.columns().map(|(column, read_as)| json!({ "column": column, "read_as": read_as })).collect()
    }
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Role::Field(field) => field.word(),
            Role::Branch => "branch",
            Role::Ignored => "ignored",
            Role::Unnamed => "unnamed",
            Role::Other | Role::Refusal => "other",
        }
    }
}

impl Field {
    /// The word for it, with what is done with it where it is not in the key.
    fn told(self, has_register: bool) -> String {
        let word = self.word();
        match self {
            Field::Street | Field::Town | Field::BagId if has_register => format!("{word} (for the register)"),
            Field::Street | Field::Town => format!("{word} (not in the key)"),
            Field::Designation | Field::Description | Field::Status => format!("{word} (looked at)"),
            Field::BagId => format!("{word} (not read without a register)"),
            _ => word.to_owned(),
        }
    }
}

struct Columns<'a> {
    header: &'a StringRecord,
    args: &'a ColumnArgs,
    /// A column of ids is enough.
    reads_ids: bool,
}

impl Columns<'_> {
    /// What a column is: what was said of it, or else what its name says.
    fn role(&self, at: usize) -> Role {
        let name = self.header.get(at).unwrap_or_default();
        let ColumnArgs { maps, ignored, reference, branch, .. } = self.args;
        if is_refusal(name) {
            Role::Refusal
        } else if branch.as_ref().is_some_and(|branch| same(branch, name)) {
            Role::Branch
        } else if let Some(mapping) = maps.iter().find(|mapping| same(&mapping.column, name)) {
            Role::Field(mapping.field)
        } else if reference.as_ref().is_some_and(|reference| same(reference, name)) {
            Role::Field(Field::Reference)
        } else if ignored.iter().any(|ignored| same(ignored, name)) {
            Role::Ignored
        } else if name.trim().is_empty() {
            Role::Unnamed
        } else {
            match Field::named(name) {
                // The one that was named takes its place.
                Some(Field::Reference) if reference.is_some() => Role::Other,
                Some(field) => Role::Field(field),
                None => Role::Other,
            }
        }
    }

    /// Each name that was given on the command line must be of one column, and said of once.
    fn refuse_unknown_names(&self) -> Result<(), Failure> {
        let ColumnArgs { maps, ignored, reference, branch, .. } = self.args;
        let mapped = maps.iter().map(|mapping| &mapping.column);
        let mut said: Vec<&String> = mapped.chain(reference).chain(branch).chain(ignored).collect();
        for name in &said {
            let is_ignored = ignored.contains(name);
            match self.names().filter(|(_, own)| same(own, name)).count() {
                0 => return Err(Failure::new("map", format!("the header names no column '{}'", plain(name)))),
                1 => {}
                _ if is_ignored => {}
                _ => return Err(named_twice("map", &plain(name))),
            }
        }
        said.sort_by_key(|name| name.trim().to_lowercase());
        if let Some(pair) = said.windows(2).find(|pair| same(pair[0], pair[1])) {
            let message = format!(
                "'{}' is named twice by --map, --ref, --branch and --ignore: say one thing of it",
                plain(pair[0])
            );
            return Err(Failure::new("map", message));
        }
        Ok(())
    }

    fn source(&self, roles: &[Role]) -> Result<Source, Failure> {
        for role in roles {
            if let Role::Field(field) = role
                && !field.may_repeat()
            {
                self.find(roles, *field)?;
            }
        }
        let find = |field| self.find(roles, field);
        let (postcode, number) = (find(Field::Postcode)?, find(Field::Number)?);
        let (letter, addition) = (find(Field::Letter)?, find(Field::Addition)?);
        let line = find(Field::Line)?;
        let has_register = self.args.register.is_some();
        let has = |field| roles.contains(&Role::Field(field));
        match (postcode, number, line) {
            (Some(_), Some(number), line) => Ok(Source::Fields { postcode, number, letter, addition, line }),
            (None, Some(number), None) if has_register && has(Field::Street) && has(Field::Town) => {
                Ok(Source::Fields { postcode, number, letter, addition, line })
            }
            (_, _, Some(_)) if letter.is_some() || addition.is_some() => {
                let message = "beside an address in one column, letter and addition in columns of their own would be \
                               lost; give postcode and huisnummer too, or map a column to each with --map";
                Err(Failure::new("header", message))
            }
            (postcode, number, Some(line)) => Ok(Source::Line { line, postcode, number }),
            _ if self.reads_ids && id_columns(roles, |at| self.header.get(at).unwrap_or_default()).next().is_some() => {
                Ok(Source::Id)
            }
            _ if has(Field::BagId) => {
                let message = "a BAG id needs a local register to become an address: give --register, or postcode \
                               and huisnummer";
                Err(Failure::new("bag_id_needs_register", message))
            }
            _ => {
                let remedies = self.remedies(roles).filter(|_| self.are_shown());
                let remedies =
                    remedies.unwrap_or_else(|| "say which is which with --map \"Huisnr=huisnummer\"".to_owned());
                let message = format!(
                    "the header names no address: {}; it needs postcode and huisnummer, or adres; {remedies}",
                    self.shown()
                );
                Err(Failure::new("header", message))
            }
        }
    }

    /// A column that belongs to an address and is not read would make two homes one.
    fn refuse_suspected(&self, roles: &[Role]) -> Result<(), Failure> {
        let Some(remedies) = self.remedies(roles) else { return Ok(()) };
        Err(Failure::new("header", format!("two homes must not become one for want of a column: {remedies}")))
    }

    /// What can be said of the columns that could be of an address and are not read; none where there are none.
    fn remedies(&self, roles: &[Role]) -> Option<String> {
        let mut remedies = Vec::new();
        for (at, name) in self.names() {
            let Some(field) = Field::suspected(name).filter(|_| roles[at] == Role::Other) else { continue };
            let name = shown(name);
            let is_taken = !field.may_repeat() && roles.contains(&Role::Field(field));
            let map = format!("--map \"{name}={}\" or ", field.word());
            let map = if is_taken { "" } else { &map };
            remedies.push(format!("'{name}' could be of an address: give {map}--ignore \"{name}\""));
        }
        let more = remedies.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            remedies.truncate(MOST_SHOWN);
            remedies.push(format!("and {more} more like these"));
        }
        (!remedies.is_empty()).then(|| remedies.join("; "))
    }

    /// The column of a field: none may have two.
    fn find(&self, roles: &[Role], field: Field) -> Result<Option<usize>, Failure> {
        let mut found = self.names().filter(|(at, _)| roles[*at] == Role::Field(field));
        match (found.next(), found.next()) {
            (Some((_, first)), Some((_, second))) => {
                let word = field.word();
                if same(first, second) {
                    return Err(named_twice("header", word));
                }
                let is_mapped = |name: &str| self.args.maps.iter().any(|mapping| same(&mapping.column, name));
                if is_mapped(first) && is_mapped(second) {
                    return Err(Failure::new("map", format!("two columns are mapped to {word}")));
                }
                let message = if is_plausible(first) && is_plausible(second) {
                    let other = if is_mapped(first) { second } else { first };
                    format!("both '{first}' and '{second}' may be the {word}; pass one over with --ignore \"{other}\"")
                } else {
                    format!("several columns may be the {word}; pass all but one over with --ignore \"COLUMN\"")
                };
                Err(Failure::new("header", message))
            }
            (first, _) => Ok(first.map(|(at, _)| at)),
        }
    }

    /// The columns' names, or how many there are where the line may hold something else than names.
    fn shown(&self) -> String {
        let names: Vec<_> = self.names().map(|(_, name)| name.trim()).collect();
        if self.are_shown() {
            return format!("its columns are {}", names.join(", "));
        }
        let count = names.len();
        let columns = if count == 1 { "column" } else { "columns" };
        format!("it has {count} {columns}, and is not shown because it may be an address or a key instead of names")
    }

    fn are_shown(&self) -> bool {
        self.names().count() <= MOST_SHOWN && self.names().all(|(_, name)| is_plausible(name))
    }

    fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        self.header.iter().enumerate().filter(|(_, name)| !is_refusal(name))
    }
}

/// Whether a column of ids can name an address: by a register, or where own flags are those of ids.
pub(super) fn reads_ids(args: &ColumnArgs, own: &HashSet<AddressKey>) -> bool {
    args.register.is_some() || has_ids(own)
}

/// Whether some are of addresses without a postcode, whose keys are their ids.
fn has_ids(own: &HashSet<AddressKey>) -> bool {
    own.iter().any(|key| key.postcode().is_empty())
}

/// The columns of ids that one address alone has: a pand has many.
fn id_columns<'a>(roles: &[Role], name: impl Fn(usize) -> &'a str) -> impl Iterator<Item = usize> {
    let is_id = |at: &usize| roles[*at] == Role::Field(Field::BagId);
    (0..roles.len()).filter(is_id).filter(move |at| !name(*at).trim().to_lowercase().starts_with("pand"))
}

/// Whether a name is one of a file of refused rows.
fn is_refusal(name: &str) -> bool {
    let prefix = REFUSAL_COLUMNS[0].split_inclusive('_').next().unwrap_or_default();
    name.trim().to_lowercase().starts_with(prefix)
}

/// Whether a cell can only be a column's name. The first line of a file that was named by mistake may be a secret key,
/// or an address where there is no header; an error must repeat neither.
fn is_plausible(name: &str) -> bool {
    let name = name.trim();
    let is_plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | ' ');
    (1..=40).contains(&name.len()) && name.chars().all(is_plain)
}

fn named_twice(code: &'static str, name: &str) -> Failure {
    Failure::new(code, format!("two columns are named '{name}': give each a name of its own in the header"))
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// A column's name as it is shown.
fn shown(name: &str) -> String {
    let name = name.trim();
    let short: String = name.chars().take(LONGEST_SHOWN).collect();
    plain(&if short.len() < name.len() { format!("{short}…") } else { short })
}
