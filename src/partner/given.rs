//! Addresses as they are given to a partner, and the texts in which people wrote them.

use std::collections::BTreeMap;
use std::fmt;

use super::flags::Flags;
use crate::address::{AddressKey, Level};
use crate::codec::encode_fields;
use crate::hidden::is_hidden;
use crate::register::Resolved;

/// The most characters of an address as it was written that are kept.
const MAX_CHARACTERS: usize = 200;

/// An address as it is given to a partner: its key, how it was written, and whether a register knows it.
///
/// A call that takes addresses takes keys, what a [`Register`](crate::register::Register) resolved, or either with the
/// text beside it:
///
/// ```no_run
/// # use stapel::{AddressKey, Case, Partner, Timestamp};
/// # use stapel::partner::Given;
/// # fn flag(partner: &mut Partner, by: &Case, now: Timestamp) -> Result<(), Box<dyn std::error::Error>> {
/// let line = "Dam 1-a, 1012 JS Amsterdam";
/// let home = AddressKey::parse(line)?;
/// partner.flag([Given::from(home).typed(line)], by, now)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Given<'a> {
    key: AddressKey,
    typed: &'a str,
    is_resolved: bool,
}

/// The addresses that a call is given.
pub(super) struct Taken {
    /// Their keys, in their order.
    pub(super) keys: Vec<AddressKey>,
    pub(super) typed: Texts,
    /// Whether a register resolved each of them.
    pub(super) are_resolved: bool,
}

/// The texts of addresses, where they were given: at most 200 visible characters each.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Texts(BTreeMap<AddressKey, String>);

impl<'a> Given<'a> {
    /// With the address as it was written. It stays in the partner's own folder, sealed, and comes back beside the key
    /// in answers, news and dossiers; of a longer text the first 200 characters are kept.
    pub fn typed(self, text: &'a str) -> Given<'a> {
        Given { typed: text, ..self }
    }

    /// As one that a register resolved, of which only the key was kept.
    pub fn resolved(self) -> Given<'a> {
        Given { is_resolved: true, ..self }
    }

    /// The house number that a home is in; `None` for a home without a postcode, which is in none.
    pub fn number(&self) -> Option<Given<'static>> {
        let key = self.key.number_key();
        (key.level() == Level::Number).then_some(Given { key, typed: "", is_resolved: self.is_resolved })
    }

    /// Its key.
    pub fn key(&self) -> AddressKey {
        self.key
    }

    /// Whether a register resolved it.
    pub fn is_resolved(&self) -> bool {
        self.is_resolved
    }
}

impl From<AddressKey> for Given<'_> {
    fn from(key: AddressKey) -> Self {
        Given { key, typed: "", is_resolved: false }
    }
}

impl From<&AddressKey> for Given<'_> {
    fn from(key: &AddressKey) -> Self {
        Given::from(*key)
    }
}

impl From<Resolved> for Given<'_> {
    fn from(resolved: Resolved) -> Self {
        Given::from(resolved.key).resolved()
    }
}

impl From<&Resolved> for Given<'_> {
    fn from(resolved: &Resolved) -> Self {
        Given::from(*resolved)
    }
}

impl<'a> From<&Given<'a>> for Given<'a> {
    fn from(given: &Given<'a>) -> Self {
        *given
    }
}

impl fmt::Debug for Given<'_> {
    /// Without the text, in which people write more than an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("key", &self.key).field("is_resolved", &self.is_resolved).finish_non_exhaustive()
    }
}

impl Taken {
    pub(super) fn of<'a>(given: impl IntoIterator<Item = impl Into<Given<'a>>>) -> Taken {
        let given = given.into_iter();
        let keys = Vec::with_capacity(given.size_hint().0);
        let mut taken = Taken { keys, typed: Texts::default(), are_resolved: true };
        for Given { key, typed, is_resolved } in given.map(Into::into) {
            taken.keys.push(key);
            taken.are_resolved &= is_resolved;
            if !typed.is_empty() {
                taken.typed.add(key, typed);
            }
        }
        taken
    }
}

impl fmt::Debug for Texts {
    /// How many they are, and nothing of what people wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} texts", self.0.len())
    }
}

impl Texts {
    /// Adds the text of an address; of one that is given twice the first counts.
    fn add(&mut self, key: AddressKey, typed: &str) {
        let text = fit(typed);
        if !text.is_empty() && text != key.as_str() {
            self.0.entry(key).or_insert(text);
        }
    }

    /// That of an address; empty for none.
    pub(super) fn get(&self, address: &AddressKey) -> &str {
        self.0.get(address).map_or("", String::as_str)
    }

    /// Leaves some only.
    pub(super) fn only(mut self, stays: impl Fn(&AddressKey, &str) -> bool) -> Texts {
        self.0.retain(|address, text| stays(address, text));
        self
    }

    /// Those of some addresses.
    pub(super) fn of_rows(&self, rows: &[AddressKey]) -> Texts {
        if self.0.is_empty() {
            return Texts::default();
        }
        Texts(rows.iter().filter_map(|row| Some((*row, self.0.get(row)?.clone()))).collect())
    }

    /// Takes the texts of flagged addresses from `others`, in the place of earlier ones.
    pub(super) fn take_flagged(&mut self, others: &Texts, flags: &Flags) {
        let flagged = others.0.iter().filter(|(address, _)| flags.get(address).is_some());
        self.0.extend(flagged.map(|(address, text)| (*address, text.clone())));
    }

    /// The addresses that have one, ascending.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &AddressKey> {
        self.0.keys()
    }

    /// Drops those of addresses.
    pub(super) fn drop<'a>(&mut self, addresses: impl IntoIterator<Item = &'a AddressKey>) {
        for address in addresses {
            self.0.remove(address);
        }
    }

    /// That of an address; for a house number without one, those of the homes at it. Empty for none.
    pub(super) fn shown(&self, address: &AddressKey) -> String {
        let own = self.get(address);
        if !own.is_empty() || address.level() == Level::Unit {
            return own.to_owned();
        }
        // The homes of a house number stand together from the one without an addition on.
        let Ok(first) = AddressKey::from_canonical(&format!("{address}|")) else { return String::new() };
        let homes = self.0.range(first..).take_while(|(home, _)| home.number_key() == *address);
        homes.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("; ")
    }
}

encode_fields! {
    Texts { 0 }
    // Which characters are visible is not looked at again: another version of Unicode may know more of them.
    where |texts| texts.0.values().all(|text| (1..=MAX_CHARACTERS).contains(&text.chars().count())),
    else "an address is written as none can be"
}

/// A text without what is not seen, on one line, as far as it is kept.
fn fit(text: &str) -> String {
    let visible = text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).take(4 * MAX_CHARACTERS).collect::<String>();
    let mut fitting = String::with_capacity(visible.len());
    for word in visible.split_whitespace() {
        if !fitting.is_empty() {
            fitting.push(' ');
        }
        fitting.push_str(word);
    }
    if let Some((end, _)) = fitting.char_indices().nth(MAX_CHARACTERS) {
        fitting.truncate(end);
        fitting.truncate(fitting.trim_end().len());
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn a_text_is_kept_on_one_line_and_its_first_200_characters() {
        assert_eq!(fit(" Dam\u{a0}1-a,\r\n1012 JS\t Amsterdam\u{202e}\0 "), "Dam 1-a, 1012 JS Amsterdam");
        assert_eq!(fit("\u{200b} \n"), "");
        let long = format!("{} b", "é".repeat(199));
        assert_eq!(fit(&long), "é".repeat(199), "what ends on a space is cut before it");
        assert_eq!(fit(&"é".repeat(900)), "é".repeat(200));
        for text in [long, "a".repeat(300), "x \u{3000} y".repeat(99)] {
            assert_eq!(fit(&fit(&text)), fit(&text));
        }
    }

    #[test]
    fn what_is_read_back_is_held_to_its_length_alone() {
        let key = AddressKey::from_canonical("1012JS|1|").unwrap();
        let read = |text: String| {
            let texts = Texts(BTreeMap::from([(key, text)]));
            codec::read_record::<Texts>(&codec::write_record(Vec::new(), 1, &texts), 1).is_ok()
        };
        // What another version took for visible.
        assert!(read("Dam\u{200b}1".to_owned()) && read("é".repeat(200)));
        assert!(!read(String::new()) && !read("a".repeat(201)));
        assert_eq!(format!("{:?}", Texts(BTreeMap::from([(key, "Dam 1, Jansen".to_owned())]))), "1 texts");
    }

    #[test]
    fn a_house_number_is_written_as_its_homes_are() {
        let key = |form| AddressKey::from_canonical(form).unwrap();
        let [a, b, next] = ["1012JS|1|A", "1012JS|1|B", "1012JS|10|"].map(key);
        let given = [Given::from(b).typed("Dam 1b"), (&a).into(), Given::from(next).typed("Dam 10")];
        let mut texts = Taken::of(given).typed;
        assert_eq!((texts.shown(&b).as_str(), texts.shown(&a).as_str()), ("Dam 1b", ""));
        assert_eq!(texts.shown(&b.number_key()), "Dam 1b");
        texts.0.insert(a, "Dam 1a".to_owned());
        assert_eq!(texts.shown(&b.number_key()), "Dam 1a; Dam 1b");
        texts.0.insert(a.number_key(), "Dam 1".to_owned());
        assert_eq!(texts.shown(&b.number_key()), "Dam 1", "its own text comes first");
        assert!(!format!("{:?}", given[0]).contains("Dam"));
        // The key itself says nothing more.
        assert_eq!(Taken::of([Given::from(a).typed("1012JS|1|A ")]).typed.addresses().count(), 0);
    }
}
