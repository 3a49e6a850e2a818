//! One row of a table: the address in it, or why it is none.

use csv::StringRecord;
use stapel::register::{How, Lookup, Register, RegisterError, Resolved};
use stapel::{AddressError, AddressKey, Fields};

use super::grid::Odd;
use super::header::{Layout, Role, Source};
use super::names::Field;
use super::same_id;
use crate::failure::Failure;

/// Why a row is not an address.
pub(crate) enum Refusal {
    Address(AddressError),
    /// What the register says of it.
    Register(RegisterError),
    /// It has another number of cells than the header; the numbers of both.
    Columns {
        cells: usize,
        named: usize,
    },
    /// It has a cell in a column without a name; the column, counted from 1.
    Unnamed {
        column: usize,
    },
    /// A workbook has no plain value in a cell of the address.
    Cell {
        field: &'static str,
        message: String,
    },
    /// An address in one cell and those beside it are not the same.
    Differs {
        field: &'static str,
        message: String,
    },
    /// A column says that the place is not the house itself.
    NotTheHouse {
        field: &'static str,
        column: String,
        value: String,
    },
    /// A column says that the address is withdrawn.
    Withdrawn {
        column: String,
        value: String,
    },
}

/// The address of a row, and how a register found it, where there is one.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) key: AddressKey,
    pub(crate) how: Option<How>,
}

/// What is certain of a row that was refused as a home.
pub(super) enum Certain {
    /// Its house number.
    Number(AddressKey),
    /// A house number at which a register has no standing address.
    NotInRegister,
    /// Nothing.
    None,
}

impl From<AddressKey> for Found {
    fn from(key: AddressKey) -> Found {
        Found { key, how: None }
    }
}

fn is_unreadable(error: &RegisterError) -> bool {
    matches!(error, RegisterError::System(_) | RegisterError::Unusable { .. })
}

/// What a register makes of an address.
pub(crate) fn resolve(register: &Register, lookup: Lookup<'_>) -> Result<Found, Refusal> {
    match register.resolve(lookup) {
        Ok(Resolved { key, how }) => Ok(Found { key, how: Some(how) }),
        Err(RegisterError::Address(error)) => Err(Refusal::Address(error)),
        Err(error) => Err(Refusal::Register(error)),
    }
}

/// The most characters of a cell that a refusal shows.
const SHOWN: usize = 40;

impl Refusal {
    /// Whether it says nothing of the row: the register cannot be read.
    fn ends_the_command(&self) -> bool {
        matches!(self, Refusal::Register(error) if is_unreadable(error))
    }

    /// Itself, or what ends the command.
    pub(crate) fn or_end(self) -> Result<Refusal, Failure> {
        match self {
            Refusal::Register(error) if is_unreadable(&error) => Err(error.into()),
            other => Ok(other),
        }
    }

    /// The key of the house number, where it is certain although the home is not.
    pub(crate) fn number_key(&self) -> Option<AddressKey> {
        match self {
            Refusal::Address(error) => error.number_key(),
            _ => None,
        }
    }

    /// The stable code, the field at fault, and what was found and would help.
    pub(crate) fn parts(self) -> (&'static str, &'static str, String) {
        match self {
            Refusal::Address(error) => (error.code(), error.field(), error.message().to_owned()),
            Refusal::Register(error) => (error.code(), "line", error.to_string()),
            Refusal::Columns { cells, named } => {
                let remedy = if cells > named {
                    "take out what separates too many, or in a CSV file put quotes around a cell that has the \
                     delimiter in it"
                } else {
                    "a row that was cut short may lack a part of its address, so give it all cells, empty ones \
                     included"
                };
                ("columns", "line", format!("the row has {cells} cells, and the header names {named}; {remedy}"))
            }
            Refusal::Unnamed { column } => {
                let message = format!(
                    "the row has a cell in column {column}, which has no name; give it one in the header, or pass it \
                     over with --ignore \"\""
                );
                ("columns", "line", message)
            }
            Refusal::Cell { field, message } => ("cell", field, message),
            Refusal::Differs { field, message } => ("differs", field, message),
            Refusal::NotTheHouse { field, column, value } => {
                let message = format!(
                    "\"{value}\" in the column '{column}' says that this is a place near, not the house itself; give \
                     the address of the house itself"
                );
                ("not_the_house", field, message)
            }
            Refusal::Withdrawn { column, value } => {
                let message = format!(
                    "\"{value}\" in the column '{column}' says that this is no address any more; look up the one that \
                     it has now, or pass a column of another status over with --ignore \"{column}\""
                );
                ("withdrawn", "status", message)
            }
        }
    }
}

impl Layout {
    /// The address of a row of text.
    pub(crate) fn address(&self, row: &StringRecord) -> Result<Found, Refusal> {
        self.refuse_other_width(row)?;
        match self.own_flag(row) {
            Some((_, key)) => self.unless_contradicted(row, key),
            None => self.address_of(row),
        }
    }

    /// The address of a row of a workbook, with the columns that are odd in it. Cells at its end may be left out.
    pub(super) fn address_in(
        &self,
        row: &StringRecord,
        odd: impl Iterator<Item = (usize, Odd)>,
    ) -> Result<Found, Refusal> {
        if row.len() > self.width() {
            self.refuse_other_width(row)?;
        }
        let odd: Vec<_> = odd.collect();
        if let Some((at, key)) = self.own_flag(row)
            && !odd.iter().any(|(column, _)| *column == at)
        {
            return self.unless_contradicted(row, key);
        }
        for (at, odd) in odd {
            if let Some(Role::Field(field)) = self.roles.get(at)
                && (field.is_looked_at() || (self.register.is_some() && field.is_for_register()))
                // No house number begins with a zero.
                && (*field, odd) != (Field::Number, Odd::Padded)
            {
                let (found, column) = (short(row.get(at).unwrap_or_default().trim()), self.name(at));
                let found = if found.is_empty() { "what stands".to_owned() } else { format!("\"{found}\"") };
                let message = format!("{found} in the column '{column}' is {}", odd.said());
                return Err(Refusal::Cell { field: field.word(), message });
            }
        }
        self.address_of(row)
    }

    /// An own flag that a row names, unless the cells beside it are of another address.
    fn unless_contradicted(&self, row: &StringRecord, own: AddressKey) -> Result<Found, Refusal> {
        match self.address_of(row) {
            Err(refusal @ Refusal::Differs { .. }) => Err(refusal),
            Err(refusal) if refusal.ends_the_command() => Err(refusal),
            // The register may have the id no more, or with another address.
            _ => Ok(own.into()),
        }
    }

    /// The own flag whose canonical form a row without a postcode has, and the column that has it: what was flagged by
    /// an id can be withdrawn also once the register has the id no more, or with another address.
    fn own_flag(&self, row: &StringRecord) -> Option<(usize, AddressKey)> {
        let cell = |at: usize| row.get(at).unwrap_or_default().trim();
        if self.own.is_empty() || self.all(Field::Postcode).any(|at| !cell(at).is_empty()) {
            return None;
        }
        let at = match self.source {
            Source::Line { line, .. } => Some(line),
            Source::Fields { .. } | Source::Id => self.id_at(row),
        }?;
        let key = AddressKey::from_canonical(cell(at)).ok()?;
        self.own.contains(&key).then_some((at, key))
    }

    fn address_of(&self, row: &StringRecord) -> Result<Found, Refusal> {
        let cell = |at: usize| row.get(at).unwrap_or_default().trim();
        if let Some(at) = self.of(Role::Unnamed).find(|at| !cell(*at).is_empty()) {
            return Err(Refusal::Unnamed { column: at + 1 });
        }
        for field in [Field::Designation, Field::Description] {
            if let Some(at) = self.all(field).find(|at| !cell(*at).is_empty()) {
                let value = short(cell(at));
                return Err(Refusal::NotTheHouse { field: field.word(), column: self.name(at), value });
            }
        }
        let is_withdrawn = |text: &str| text.to_lowercase().contains("ingetrokken");
        if let Some(at) = self.all(Field::Status).find(|at| is_withdrawn(cell(*at))) {
            return Err(Refusal::Withdrawn { column: self.name(at), value: short(cell(at)) });
        }
        let found = self.unit(row)?;
        self.hold_ids(row, &found.key)?;
        // What a register found by it is not held against it again.
        let town = self.all(Field::Town).next().map(cell).unwrap_or_default();
        for street in self.all(Field::Street).filter(|_| found.how != Some(How::Completed)) {
            if found.how != Some(How::ById) {
                self.hold_street(street, cell(street), &found.key)?;
            }
            self.hold_registered_street(street, cell(street), town, &found.key)?;
        }
        Ok(found)
    }

    /// The house number of a row that was refused as a home, where that is certain: nothing else in the row names
    /// another, and where there is a register, it has an address at it.
    pub(super) fn certain_number(&self, row: &StringRecord, refusal: &Refusal) -> Result<Certain, Failure> {
        let Some(number) = refusal.number_key() else { return Ok(Certain::None) };
        let cell = |at: usize| row.get(at).unwrap_or_default().trim();
        let names_it = match self.source {
            Source::Fields { line, .. } => line.is_none_or(|at| names_no_other(cell(at), &number)),
            Source::Line { number: beside, .. } => {
                beside.map(cell).is_none_or(|beside| beside.is_empty() || beside.parse() == Ok(number.number()))
            }
            Source::Id => false,
        };
        if !names_it || self.all(Field::Street).any(|at| street_has_unclear(cell(at), &number)) {
            return Ok(Certain::None);
        }
        // An own flag can be withdrawn whatever a register says.
        let Some(register) = self.register.as_ref().filter(|_| !self.own.contains(&number)) else {
            return Ok(Certain::Number(number));
        };
        let town = self.all(Field::Town).next().map(cell).unwrap_or_default();
        for street in self.all(Field::Street).map(cell).filter(|street| !street.is_empty()) {
            if register.is_of_other_street(&number, street, town)? {
                return Ok(Certain::None);
            }
        }
        if register.look_up(&number)?.entries.iter().all(|entry| entry.is_withdrawn) {
            return Ok(Certain::NotInRegister);
        }
        for id in self.all(Field::BagId).map(cell).filter(|id| !id.is_empty()) {
            match resolve(register, Lookup::Id(id)).map_err(Refusal::or_end) {
                Ok(found) if found.key.number_key() != number => return Ok(Certain::None),
                Err(Err(failure)) => return Err(failure),
                // One that the register does not know says nothing against the address beside it.
                Ok(_) | Err(Ok(_)) => {}
            }
        }
        Ok(Certain::Number(number))
    }

    /// Writes the address of a row as its cells have it, in the order in which it would stand on one line.
    pub(super) fn write_typed(&self, row: &StringRecord, typed: &mut String) {
        let cell = |field| {
            let mut cells = self.all(field).map(|at| row.get(at).unwrap_or_default().trim());
            cells.find(|cell| !cell.is_empty()).unwrap_or_default()
        };
        let line = cell(Field::Line);
        let street = if line.is_empty() { cell(Field::Street) } else { line };
        // A line with a house number has all that the row has of it, or the row was refused.
        let house = match [Field::Number, Field::Letter, Field::Addition].map(cell) {
            house if house == [""; 3] || is_street(line) => house,
            _ => [""; 3],
        };
        let cells = [street].into_iter().chain(house).chain([cell(Field::Postcode), cell(Field::Town)]);
        typed.clear();
        for cell in cells.filter(|cell| !cell.is_empty()) {
            if !typed.is_empty() {
                typed.push(' ');
            }
            typed.push_str(cell);
        }
        if typed.is_empty() {
            typed.push_str(self.id(row));
        }
    }

    /// The cells that are not of a file of refused rows.
    pub(super) fn own_cells<'a>(&'a self, row: &'a StringRecord) -> impl Iterator<Item = &'a str> + Clone {
        let is_own = |at: &usize| self.roles.get(*at) != Some(&Role::Refusal);
        row.iter().enumerate().filter(move |(at, _)| is_own(at)).map(|(_, cell)| cell)
    }

    fn refuse_other_width(&self, row: &StringRecord) -> Result<(), Refusal> {
        let (cells, named) = (row.len(), self.width());
        let has_more = row.iter().skip(named).any(|cell| !cell.trim().is_empty());
        if has_more || cells < named {
            let passed_over = self.of(Role::Refusal).filter(|at| *at < cells).count();
            let named = named - self.of(Role::Refusal).count();
            return Err(Refusal::Columns { cells: cells - passed_over, named });
        }
        Ok(())
    }

    fn unit(&self, row: &StringRecord) -> Result<Found, Refusal> {
        let register = self.register.as_ref();
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or_default();
        match self.source {
            Source::Fields { postcode, number, letter, addition, line } => {
                let postcode = cell(postcode);
                let fields =
                    Fields { postcode, number: cell(Some(number)), letter: cell(letter), addition: cell(addition) };
                let (street, town) = (cell(self.all(Field::Street).next()), cell(self.all(Field::Town).next()));
                let id = self.id(row);
                let found = match register {
                    Some(register) if postcode.trim().is_empty() && !id.is_empty() => {
                        let found = resolve(register, Lookup::Id(id))?;
                        self.hold_cells(register, &found.key, &fields, number)?;
                        found
                    }
                    Some(register) => resolve(register, Lookup::Place { fields, street, town })?,
                    None => AddressKey::from_fields(&fields).map(Found::from).map_err(Refusal::Address)?,
                };
                if let Some(at) = line
                    && !says_the_same(cell(line), found.key.postcode(), &found.key, register)?
                {
                    return Err(self.differs("adres", at, cell(line), found.key.as_str(), Some(number)));
                }
                Ok(found)
            }
            Source::Line { line, postcode, number } => {
                let town = cell(self.all(Field::Town).next()).trim();
                let found = read_line(cell(Some(line)), cell(postcode), register).or_else(|refusal| {
                    // A line of street and number is completed from a town in a column of its own.
                    let has_town = !town.is_empty() && cell(postcode).trim().is_empty();
                    match (register.filter(|_| has_town), refusal) {
                        (Some(register), Refusal::Address(refusal)) => {
                            let text = format!("{}, {town}", cell(Some(line)));
                            resolve(register, Lookup::Text(&text)).map_err(|other| match other {
                                Refusal::Address(_) => Refusal::Address(refusal),
                                other => other,
                            })
                        }
                        (_, refusal) => Err(refusal),
                    }
                })?;
                let beside = cell(number).trim();
                if let Some(register) = register.filter(|_| found.key.postcode().is_empty()) {
                    let fields = Fields { number: beside, ..Fields::default() };
                    self.hold_cells(register, &found.key, &fields, line)?;
                } else if !beside.is_empty() && beside.parse() != Ok(found.key.number()) {
                    return Err(self.differs("huisnummer", line, cell(Some(line)), beside, number));
                }
                Ok(found)
            }
            Source::Id => match register {
                Some(register) => resolve(register, Lookup::Id(self.id(row))),
                // It is that of no own flag.
                None => AddressKey::parse(self.id(row)).map(Found::from).map_err(Refusal::Address),
            },
        }
    }

    /// Holds the ids beside an address against it. One that the register does not know, or knows as withdrawn, says
    /// nothing against the address that stands beside it.
    fn hold_ids(&self, row: &StringRecord, key: &AddressKey) -> Result<(), Refusal> {
        let Some(register) = &self.register else { return Ok(()) };
        for at in self.all(Field::BagId) {
            let id = row.get(at).unwrap_or_default().trim();
            if id.is_empty() {
                continue;
            }
            let other = match resolve(register, Lookup::Id(id)) {
                Ok(other) => other.key,
                Err(refusal) if refusal.ends_the_command() => return Err(refusal),
                Err(_) => continue,
            };
            // An object has one first address, and this may be a second one of it.
            let entries = || register.look_up(key).map_err(Refusal::Register);
            let is_of_object = |object: &str| same_id(object) == same_id(id);
            if other != *key && !entries()?.entries.iter().any(|entry| is_of_object(&entry.object)) {
                return Err(self.differs("bag_id", at, id, key.as_str(), None));
            }
        }
        Ok(())
    }

    /// Holds number, letter and addition beside an id against what it names, as far as they are there.
    fn hold_cells(&self, register: &Register, key: &AddressKey, fields: &Fields<'_>, at: usize) -> Result<(), Refusal> {
        let entries = register.look_up(key).map_err(Refusal::Register)?.entries;
        let joined = |letter: &str, addition: &str| {
            let signs = [letter, addition].concat();
            signs.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
        };
        let (number, suffix) = (fields.number.trim(), joined(fields.letter, fields.addition));
        let is_same = entries.iter().any(|entry| {
            (number.is_empty() || number.parse() == Ok(entry.number))
                && (suffix.is_empty() || suffix == joined(&entry.letter, &entry.addition))
        });
        let written = format!("{number} {suffix}");
        if is_same { Ok(()) } else { Err(self.differs("huisnummer", at, &written, key.as_str(), None)) }
    }

    /// A street column in which the number stands once more, with a letter or an addition that is nowhere else, names
    /// another home than the columns beside it.
    fn hold_street(&self, at: usize, street: &str, unit: &AddressKey) -> Result<(), Refusal> {
        if !street.contains(|c: char| c.is_ascii_digit()) {
            return Ok(());
        }
        let has_number = || street.split(|c: char| !c.is_ascii_digit()).any(|run| run.parse() == Ok(unit.number()));
        let names_another = match AddressKey::parse(&format!("{street}, {}", unit.postcode())) {
            Ok(other) => other.number() == unit.number() && !other.addition().is_empty() && other != *unit,
            Err(error) => error.code() != "no_number" && has_number(),
        };
        if names_another { Err(self.differs("straat", at, street, unit.as_str(), None)) } else { Ok(()) }
    }

    /// A street that a register knows, and in which it has not the address, says that one of the two is wrong.
    fn hold_registered_street(&self, at: usize, street: &str, town: &str, unit: &AddressKey) -> Result<(), Refusal> {
        let Some(register) = self.register.as_ref().filter(|_| !street.is_empty()) else { return Ok(()) };
        match register.is_of_other_street(unit, street, town) {
            Ok(true) => Err(self.differs("straat", at, street, unit.as_str(), None)),
            Ok(false) => Ok(()),
            Err(error) => Err(Refusal::Register(error)),
        }
    }

    /// Two columns are of two addresses. Which of them is right is not known here.
    fn differs(&self, field: &'static str, at: usize, found: &str, beside: &str, or: Option<usize>) -> Refusal {
        let (found, column) = (short(found.trim()), self.name(at));
        let or = or.map_or(String::new(), |at| format!(" or \"{}\"", self.name(at)));
        let message = format!(
            "\"{found}\" in the column '{column}' is not the same as \"{beside}\" in those beside it; mend what is \
             wrong, or pass over the column that is, with --ignore \"{column}\"{or}"
        );
        Refusal::Differs { field, message }
    }
}

/// Holds an address in one cell against the one of the columns beside it. A street alone says nothing else.
fn says_the_same(line: &str, postcode: &str, unit: &AddressKey, register: Option<&Register>) -> Result<bool, Refusal> {
    if !line.contains(char::is_numeric) {
        return Ok(true);
    }
    let read = match register.filter(|_| postcode.is_empty()) {
        // One without a postcode is known by its street and town, of which the cell may have the street alone.
        Some(register) => {
            let town = register.look_up(unit).map_err(Refusal::Register)?.entries.pop().map(|entry| entry.town);
            let in_town = || read_line(&format!("{line}, {}", town.unwrap_or_default()), "", Some(register));
            read_line(line, "", Some(register)).or_else(|_| in_town())
        }
        None => read_line(line, postcode, register),
    };
    match read {
        Ok(other) => Ok(other.key == *unit),
        Err(Refusal::Address(error)) => Ok(error.code() == "no_number"),
        Err(refusal) if refusal.ends_the_command() => Err(refusal),
        Err(_) => Ok(false),
    }
}

/// Whether a street column has another number, or the same and more than it could be meant there, as a range.
fn street_has_unclear(street: &str, number: &AddressKey) -> bool {
    let has_number = || street.split(|c: char| !c.is_ascii_digit()).any(|run| run.parse() == Ok(number.number()));
    match AddressKey::parse(&format!("{street}, {}", number.postcode())) {
        // A street's name may end in a year, and all other numbers are a house's here.
        Ok(other) => other.number() != number.number() && !(1500..2100).contains(&other.number()),
        Err(error) => has_number() && error.number_key().as_ref() != Some(number),
    }
}

/// Whether a whole address in one cell has no number, or is at this one.
fn names_no_other(line: &str, number: &AddressKey) -> bool {
    if !line.contains(char::is_numeric) {
        return true;
    }
    let is_it = |read: Result<AddressKey, AddressError>| match read {
        Ok(home) => Some(home.number_key() == *number),
        Err(error) if error.code() == "no_number" => Some(true),
        Err(error) => error.number_key().map(|key| key == *number),
    };
    // The cell may have the postcode too.
    let beside = is_it(AddressKey::parse(&format!("{line}, {}", number.postcode())));
    beside.or_else(|| is_it(AddressKey::parse(line))).unwrap_or(false)
}

/// Whether a cell names no house number, though a street's name may have a number in it: 2e Dorpsstraat.
fn is_street(line: &str) -> bool {
    let is_without_number = || AddressKey::parse(&format!("{line}, 1000AA")).is_err_and(|e| e.code() == "no_number");
    !line.contains(char::is_numeric) || is_without_number()
}

/// An address in one cell, with a postcode beside it or none.
fn read_line(line: &str, postcode: &str, register: Option<&Register>) -> Result<Found, Refusal> {
    let postcode = postcode.trim();
    let read = |text: &str| match register {
        Some(register) => resolve(register, Lookup::Text(text)),
        None => AddressKey::parse(text).map(Found::from).map_err(Refusal::Address),
    };
    if postcode.is_empty() {
        return read(line);
    }
    read(&format!("{line}, {postcode}")).or_else(|refusal| {
        // The line has the postcode too, where both are the same.
        let beside = AddressKey::from_fields(&Fields { postcode, number: "1", letter: "", addition: "" });
        match (read(line), beside) {
            (Ok(alone), Ok(beside)) if alone.key.postcode() == beside.postcode() => Ok(alone),
            _ => Err(refusal),
        }
    })
}

fn short(text: &str) -> String {
    let short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
