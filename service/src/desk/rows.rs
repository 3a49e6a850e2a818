//! Addresses as callers give them, and what became of each.

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use stapel::partner::Given;
use stapel::register::{How, Lookup, Register, RegisterError, Resolved};
use stapel::{AddressError, AddressKey, Fields};

use super::problem::Problem;

/// The most rows of a call.
const MOST_ROWS: usize = 50_000;

/// The most characters of a field of a row.
const LONGEST_FIELD: usize = 1_000;

/// An address in one of four ways: a text, fields, a BAG id, or an address as results have it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    #[serde(default, deserialize_with = "given")]
    text: Option<String>,
    #[serde(default, deserialize_with = "given")]
    postcode: Option<String>,
    #[serde(default, deserialize_with = "given")]
    number: Option<String>,
    #[serde(default, deserialize_with = "given")]
    letter: Option<String>,
    #[serde(default, deserialize_with = "given")]
    addition: Option<String>,
    #[serde(default, deserialize_with = "given")]
    street: Option<String>,
    #[serde(default, deserialize_with = "given")]
    town: Option<String>,
    #[serde(default, deserialize_with = "given")]
    bag_id: Option<String>,
    #[serde(default, deserialize_with = "given")]
    address: Option<String>,
}

/// A value that is there. JSON's null is none: who leaves something out writes nothing.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// The rows of a call. Where there are too many, the others are not read: in memory a row takes many times its bytes.
pub(super) fn rows<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Row>, D::Error> {
    struct Rows;

    impl<'de> Visitor<'de> for Rows {
        type Value = Vec<Row>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list of rows")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Vec<Row>, A::Error> {
            let mut rows = Vec::new();
            while let Some(row) = given.next_element()? {
                if rows.len() == MOST_ROWS {
                    return Err(A::Error::custom(how_many()));
                }
                rows.push(row);
            }
            Ok(rows)
        }
    }

    from.deserialize_seq(Rows)
}

fn how_many() -> String {
    format!("rows: give 1 to {MOST_ROWS}")
}

/// What a row has, in its one way.
enum Form<'a> {
    Text(&'a str),
    Fields { fields: Fields<'a>, street: &'a str, town: &'a str },
    Id(&'a str),
    Address(&'a str),
}

/// Why a row is no address, or none that can be used.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refusal {
    code: &'static str,
    field: &'static str,
    message: String,
}

/// The address of a row.
pub(super) struct Found {
    pub(super) key: AddressKey,
    /// How a register found it; `None` without one.
    how: Option<How>,
    /// Why it is no home, where it counts for its house number alone.
    only_number: Option<Refusal>,
    typed: String,
}

/// The rows of a call, in their order.
pub(super) struct Rows(Vec<Result<Found, Refusal>>);

impl Row {
    /// A text that is in canonical form, or as people write it.
    pub(super) fn of(text: &str) -> Row {
        let given = Some(text.to_owned());
        match AddressKey::from_canonical(text) {
            Ok(_) => Row { address: given, ..Row::default() },
            Err(_) => Row { text: given, ..Row::default() },
        }
    }

    fn form(&self) -> Result<Form<'_>, String> {
        let Row { text, postcode, number, letter, addition, street, town, bag_id, address } = self;
        let fields = [postcode, number, letter, addition, street, town];
        let has_fields = fields.iter().any(|field| field.is_some());
        let all = [text, bag_id, address].into_iter().chain(fields);
        if all.flatten().any(|value| value.chars().count() > LONGEST_FIELD) {
            return Err(format!("a field has more than {LONGEST_FIELD} characters"));
        }
        match (text, bag_id, address, has_fields) {
            (Some(text), None, None, false) => Ok(Form::Text(text)),
            (None, Some(id), None, false) => Ok(Form::Id(id)),
            (None, None, Some(address), false) => Ok(Form::Address(address)),
            (None, None, None, true) if number.is_none() => Err("fields without a number".into()),
            (None, None, None, true) => Ok(Form::Fields {
                fields: Fields {
                    postcode: or_empty(postcode),
                    number: or_empty(number),
                    letter: or_empty(letter),
                    addition: or_empty(addition),
                },
                street: or_empty(street),
                town: or_empty(town),
            }),
            _ => Err("give one of text, fields with a number, bag_id, and address".into()),
        }
    }
}

/// A field as the library takes it, which has an empty one where there is none.
fn or_empty(field: &Option<String>) -> &str {
    field.as_deref().unwrap_or_default()
}

impl Form<'_> {
    /// The one address that is meant.
    fn find(&self, register: Option<&Register>) -> Result<(AddressKey, Option<How>), RegisterError> {
        let resolved = match (self, register) {
            (Form::Address(text), Some(register)) => {
                let key = AddressKey::from_canonical(text)?;
                return Ok((key, Some(how_of(register, &key)?)));
            }
            (Form::Address(text), None) => return Ok((AddressKey::from_canonical(text)?, None)),
            (Form::Text(text), Some(register)) => register.resolve(Lookup::Text(text))?,
            (Form::Id(id), Some(register)) => register.resolve(Lookup::Id(id))?,
            (Form::Fields { fields, street, town }, Some(register)) => {
                register.resolve(Lookup::Place { fields: *fields, street, town })?
            }
            (Form::Text(text), None) => return Ok((AddressKey::parse(text)?, None)),
            (Form::Id(id), None) => return Ok((AddressKey::parse(id)?, None)),
            (Form::Fields { fields, .. }, None) => return Ok((AddressKey::from_fields(fields)?, None)),
        };
        let Resolved { key, how } = resolved;
        Ok((key, Some(how)))
    }

    /// The address as it was written, in the order of a line.
    fn typed(&self) -> String {
        match self {
            Form::Text(text) => (*text).to_owned(),
            Form::Id(id) => (*id).to_owned(),
            // What this program wrote is nobody's text.
            Form::Address(_) => String::new(),
            Form::Fields { fields, street, town } => {
                let Fields { postcode, number, letter, addition } = fields;
                let parts = [*street, *number, *letter, *addition, *postcode, *town];
                let parts: Vec<&str> = parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
                parts.join(" ")
            }
        }
    }
}

/// What a register says of an address that is named by its key.
fn how_of(register: &Register, key: &AddressKey) -> Result<How, RegisterError> {
    let entries = register.look_up(key)?.entries;
    Ok(match entries.iter().all(|entry| entry.is_withdrawn) {
        _ if entries.is_empty() => How::Unregistered,
        true => How::Withdrawn,
        false => How::Registered,
    })
}

impl Refusal {
    fn of(error: &AddressError) -> Refusal {
        // A row's fields have other names than those of a register's file.
        let field = match error.field() {
            "huisnummer" => "number",
            "huisletter" => "letter",
            "toevoeging" => "addition",
            "straat" => "street",
            "woonplaats" => "town",
            field => field,
        };
        Refusal { code: error.code(), field, message: error.message().to_owned() }
    }
}

impl Rows {
    /// Reads the rows of a call. An error where one is in no form, or the register cannot be read.
    pub(super) fn read(rows: &[Row], register: Option<&Register>, number_only: bool) -> Result<Rows, Problem> {
        if rows.is_empty() {
            return Err(Problem::bad_request(how_many()));
        }
        let read = |(at, row): (usize, &Row)| {
            let form = row.form().map_err(|finding| Problem::bad_request(format!("rows[{at}]: {finding}")))?;
            read(&form, register, number_only)
        };
        rows.iter().enumerate().map(read).collect::<Result<_, _>>().map(Rows)
    }

    /// Refuses rows that were not looked up, where the policy requires it.
    pub(super) fn require_register(&mut self) {
        for row in &mut self.0 {
            if row.as_ref().is_ok_and(|found| found.how.is_none()) {
                *row = Err(Refusal {
                    code: "register_required",
                    field: "line",
                    message: "the policy requires that addresses are looked up in a register: configure one for the \
                              server, [serve] register"
                        .into(),
                });
            }
        }
    }

    /// A problem where every row was refused: what is asked for then is not done at all.
    pub(super) fn refuse_if_none(&self) -> Result<(), Problem> {
        if self.found().next().is_some() {
            return Ok(());
        }
        let detail = "every row was refused, and nothing was done: rows says why";
        let rows = self.0.iter().filter_map(|row| row.as_ref().err()).map(|refusal| json!({ "refused": refusal }));
        Err(Problem { rows: Some(rows.collect()), ..Problem::unprocessable("rows_refused", detail) })
    }

    pub(super) fn found(&self) -> impl Iterator<Item = &Found> {
        self.0.iter().filter_map(|row| row.as_ref().ok())
    }

    pub(super) fn refused(&self) -> usize {
        self.0.iter().filter(|row| row.is_err()).count()
    }

    /// As the library takes them.
    pub(super) fn given(&self) -> impl Iterator<Item = Given<'_>> {
        self.found().map(Found::given)
    }

    /// What became of each row; `of` says it of those that are addresses.
    pub(super) fn told<T: Serialize>(&self, mut of: impl FnMut(&Found) -> T) -> Vec<ToldRow<T>> {
        let told = |row: &Result<Found, Refusal>| match row {
            Err(refusal) => ToldRow::Refused { refused: refusal.clone() },
            Ok(found) => ToldRow::Found {
                address: found.key,
                level: found.key.level().as_str(),
                how: found.how.map_or("read", How::as_str),
                only_number: found.only_number.clone(),
                rest: of(found),
            },
        };
        self.0.iter().map(told).collect()
    }
}

/// What became of a row.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToldRow<T: Serialize> {
    Refused {
        refused: Refusal,
    },
    Found {
        #[serde(serialize_with = "canonical")]
        address: AddressKey,
        level: &'static str,
        how: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        only_number: Option<Refusal>,
        #[serde(flatten)]
        rest: T,
    },
}

/// An address as results have it.
pub(super) fn canonical<S: serde::Serializer>(address: &AddressKey, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(address.as_str())
}

impl Found {
    pub(super) fn given(&self) -> Given<'_> {
        let given = Given::from(self.key).typed(&self.typed);
        if self.how.is_some() { given.resolved() } else { given }
    }
}

fn read(form: &Form<'_>, register: Option<&Register>, number_only: bool) -> Result<Result<Found, Refusal>, Problem> {
    let typed = form.typed();
    let refusal = match form.find(register) {
        Ok((key, how)) => return Ok(Ok(Found { key, how, only_number: None, typed })),
        Err(RegisterError::Address(error)) => {
            let number = error.number_key().filter(|_| number_only);
            if let Some((key, how)) = certain(number, register)? {
                return Ok(Ok(Found { key, how, only_number: Some(Refusal::of(&error)), typed }));
            }
            Refusal::of(&error)
        }
        // It says nothing of the row.
        Err(error @ (RegisterError::System(_) | RegisterError::Unusable { .. })) => return Err(error.into()),
        Err(error) => Refusal { code: error.code(), field: "line", message: error.to_string() },
    };
    Ok(Err(refusal))
}

/// The house number of a row that is no home, if it is certain; with a register only where that has an address at it.
fn certain(
    number: Option<AddressKey>,
    register: Option<&Register>,
) -> Result<Option<(AddressKey, Option<How>)>, Problem> {
    let (Some(key), Some(register)) = (number, register) else { return Ok(number.map(|key| (key, None))) };
    Ok(match how_of(register, &key)? {
        How::Registered => Some((key, Some(How::Registered))),
        _ => None,
    })
}

/// The addresses of which a journal is to be shown what it has on one row: with a register also the one that is read
/// without, under which it may have been flagged.
pub(super) fn looked_at(row: &Row, register: Option<&Register>) -> Result<Vec<AddressKey>, Problem> {
    let form = row.form().map_err(|finding| Problem::bad_request(format!("row: {finding}")))?;
    let plainly = form.find(None).map(|(key, _)| key);
    let resolved = match (register, &form) {
        (None, _) | (_, Form::Address(_)) => return Ok(vec![plainly?]),
        (Some(register), _) => form.find(Some(register)).map(|(key, _)| key),
    };
    match (resolved, plainly) {
        (Ok(resolved), Ok(plainly)) if resolved != plainly && !stapel::register::may_be_one(&resolved, &plainly) => {
            Ok(vec![resolved, plainly])
        }
        (Ok(resolved), _) => Ok(vec![resolved]),
        (Err(error @ (RegisterError::System(_) | RegisterError::Unusable { .. })), _) => Err(error.into()),
        // It may have been flagged while the register had it.
        (Err(_), Ok(plainly)) => Ok(vec![plainly]),
        (Err(error), Err(_)) => Err(error.into()),
    }
}
