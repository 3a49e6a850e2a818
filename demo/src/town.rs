//! A town: one that is made, the same from the same seed, or one that is read from a register.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use stapel::{AddressError, AddressKey, Fields};

use crate::chance::Chance;

/// The homes of a town, each with another key.
pub(crate) struct Town {
    /// Its name; the most common one of a register.
    pub(crate) name: String,
    /// The homes, in the order in which they were made or read.
    pub(crate) homes: Vec<Home>,
    /// Whether it was made, and not read.
    pub(crate) made: bool,
    /// How many rows were made or read.
    pub(crate) rows: usize,
    /// How many rows had the key of a row before them, and count as that.
    pub(crate) shared: usize,
    /// Rows that have no key.
    pub(crate) left_out: Vec<LeftOut>,
}

/// One home, as the BAG has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// The street (openbare ruimte).
    pub(crate) street: Rc<str>,
    /// The house number.
    pub(crate) number: u32,
    /// The house letter, or nothing.
    pub(crate) letter: String,
    /// The addition, or nothing; both as the key has them.
    pub(crate) addition: String,
    /// The postcode without a space.
    pub(crate) postcode: Rc<str>,
    /// The town.
    pub(crate) town: Rc<str>,
    /// The key of it all.
    pub(crate) key: AddressKey,
}

/// A row of a register that has no key.
#[derive(Debug)]
pub(crate) struct LeftOut {
    /// Its line, counted from 1.
    pub(crate) line: usize,
    /// Why.
    pub(crate) error: AddressError,
}

impl Home {
    fn new(place: &Stretch, number: u32, letter: &str, addition: &str) -> Result<Home, AddressError> {
        let text = number.to_string();
        let key = AddressKey::from_fields(&Fields { postcode: &place.postcode, number: &text, letter, addition })?;
        Ok(Home::of(key, !letter.is_empty(), &place.street, &place.town, &place.postcode))
    }

    /// The home of a key: its suffix begins with a house letter if `lettered`.
    fn of(key: AddressKey, lettered: bool, street: &Rc<str>, town: &Rc<str>, postcode: &Rc<str>) -> Home {
        let (letter, addition) = key.addition().split_at(usize::from(lettered));
        Home {
            street: Rc::clone(street),
            number: key.number(),
            letter: letter.to_owned(),
            addition: addition.to_owned(),
            postcode: Rc::clone(postcode),
            town: Rc::clone(town),
            key,
        }
    }

    /// Street, number and suffix as NEN 5825 prints them: a hyphen before a digit, a space before a letter.
    pub(crate) fn line(&self) -> String {
        let suffix = self.key.addition();
        let before = match suffix.chars().next() {
            None => "",
            Some(first) if first.is_ascii_digit() => "-",
            Some(_) => " ",
        };
        format!("{} {}{before}{suffix}", self.street, self.number)
    }
}

/// What the homes along one stretch of a street have in common.
struct Stretch {
    street: Rc<str>,
    postcode: Rc<str>,
    town: Rc<str>,
}

impl Town {
    /// Makes a town of `size` homes.
    pub(crate) fn made(size: usize, seed: u64) -> Result<Town, AddressError> {
        let mut chance = Chance::new(seed, "town");
        let name: Rc<str> = chance.pick(TOWNS).into();
        // Below those whose streets have numbers, where a line of text is refused for it.
        let mut postcodes = Postcodes { district: 1100 + chance.below(5000) as u32, letters: 0 };
        let mut streets = Streets::new(&mut chance);
        let mut homes: Vec<Home> = Vec::with_capacity(size + 400);
        while homes.len() < size {
            let street: Rc<str> = streets.next().into();
            build_street(&mut chance, &mut postcodes, &street, &name, &mut homes)?;
        }
        homes.truncate(size);
        Ok(Town { name: name.to_string(), made: true, rows: size, homes, shared: 0, left_out: Vec::new() })
    }

    /// Reads a register: TSV with a header that names `street`, `huisnummer`, `huisletter`, `toevoeging`, `postcode`
    /// and `woonplaats`, in any order and perhaps with more.
    pub(crate) fn read(path: &Path) -> Result<Town, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Town::parse(&text).map_err(|finding| format!("{} is not a register: {finding}", path.display()))
    }

    fn parse(text: &str) -> Result<Town, String> {
        let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let mut columns = [0; 6];
        for (at, name) in columns.iter_mut().zip(COLUMNS) {
            let found = header.iter().position(|column| column.trim() == name);
            *at = found.ok_or_else(|| format!("its first line names no column {name}"))?;
        }
        let mut town =
            Town { name: String::new(), made: false, homes: Vec::new(), rows: 0, shared: 0, left_out: Vec::new() };
        let mut seen = HashSet::new();
        let mut interned: HashSet<Rc<str>> = HashSet::new();
        let mut names: Vec<(Rc<str>, usize)> = Vec::new();
        for (at, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            town.rows += 1;
            let cells: Vec<&str> = line.split('\t').collect();
            let [street, number, letter, addition, postcode, place] =
                columns.map(|column| cells.get(column).map_or("", |cell| cell.trim()));
            let mut intern = |text: &str| match interned.get(text) {
                Some(known) => Rc::clone(known),
                None => {
                    let new: Rc<str> = text.into();
                    interned.insert(Rc::clone(&new));
                    new
                }
            };
            let key = match AddressKey::from_fields(&Fields { postcode, number, letter, addition }) {
                Ok(key) => key,
                Err(error) => {
                    town.left_out.push(LeftOut { line: at + 2, error });
                    continue;
                }
            };
            if !seen.insert(key) {
                town.shared += 1;
                continue;
            }
            let place = intern(place);
            match names.iter_mut().find(|(name, _)| *name == place) {
                Some((_, count)) => *count += 1,
                None => names.push((Rc::clone(&place), 1)),
            }
            town.homes.push(Home::of(key, !letter.is_empty(), &intern(street), &place, &intern(key.postcode())));
        }
        town.name = names.iter().max_by_key(|(_, count)| *count).map_or(String::new(), |(name, _)| name.to_string());
        Ok(town)
    }
}

/// The columns of a register that are read.
const COLUMNS: [&str; 6] = ["street", "huisnummer", "huisletter", "toevoeging", "postcode", "woonplaats"];

/// Builds both sides of a street, each stretch of a side with a postcode of its own.
fn build_street(
    chance: &mut Chance,
    postcodes: &mut Postcodes,
    street: &Rc<str>,
    town: &Rc<str>,
    homes: &mut Vec<Home>,
) -> Result<(), AddressError> {
    let kind = chance.weighted(&KINDS);
    let length = 8 + chance.below(22) as u32;
    for side in [1, 2] {
        let mut place = None;
        let mut left = 0;
        for step in 0..length {
            if left == 0 {
                place = Some(Stretch { street: Rc::clone(street), postcode: postcodes.next(), town: Rc::clone(town) });
                left = 6 + chance.below(9);
            }
            left -= 1;
            // A gap where a house was pulled down, a school stands or the numbers skip.
            if chance.percent(4) {
                continue;
            }
            if let Some(place) = &place {
                for (letter, addition) in suffixes(chance, kind) {
                    homes.push(Home::new(place, side + 2 * step, &letter, &addition)?);
                }
            }
        }
    }
    Ok(())
}

/// What stands along a street.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Row houses, some split in two or three.
    Rows,
    /// Storeys as in Amsterdam: H, 1, 2, 3.
    Storeys,
    /// As in Utrecht: bis.
    Bis,
    /// As in Haarlem: rood for the upper home, zwart for the lower.
    RedBlack,
    /// Upper and lower homes in words.
    UpperLower,
    /// Flats: one number, doors 1 and up.
    Doors,
    /// Flats with wings: a letter and a door, 1A101.
    Wings,
    /// Small business units, a letter each.
    Units,
}

const KINDS: [(Kind, u64); 8] = [
    (Kind::Rows, 66),
    (Kind::Storeys, 7),
    (Kind::Bis, 4),
    (Kind::RedBlack, 3),
    (Kind::UpperLower, 5),
    (Kind::Doors, 6),
    (Kind::Wings, 4),
    (Kind::Units, 5),
];

/// The suffixes of the homes at one number, as letter and addition.
fn suffixes(chance: &mut Chance, kind: Kind) -> Vec<(String, String)> {
    let pair = |letter: &str, addition: &str| (letter.to_owned(), addition.to_owned());
    let additions = |all: &[&str]| all.iter().map(|addition| pair("", addition)).collect();
    let letters = |count: u8| (0..count).map(|at| pair(&char::from(b'A' + at).to_string(), "")).collect();
    match kind {
        Kind::Rows if chance.percent(4) => vec![pair("", ""), pair("A", "")],
        Kind::Rows if chance.percent(2) => letters(3),
        Kind::Rows => vec![pair("", "")],
        Kind::Storeys if chance.percent(70) => {
            let storeys = ["H", "1", "2", "3"];
            additions(&storeys[..2 + chance.below(3) as usize])
        }
        Kind::Bis if chance.percent(60) => additions(&["", "BIS"]),
        Kind::RedBlack if chance.percent(60) => additions(&["RD", "ZW"]),
        Kind::UpperLower if chance.percent(60) => additions(&["BEN", "BOV"]),
        Kind::Doors if chance.percent(12) => {
            (1..=12 + chance.below(30)).map(|door| pair("", &door.to_string())).collect()
        }
        Kind::Wings if chance.percent(10) => {
            let doors = |storey: u64| (1..=6).map(move |door| 100 * storey + door);
            let wing = |letter: &str| (1..=3).flat_map(doors).map(|door| pair(letter, &door.to_string())).collect();
            let (left, right): (Vec<_>, Vec<_>) = (wing("A"), wing("B"));
            [left, right].concat()
        }
        Kind::Units if chance.percent(15) => letters(6 + chance.below(8) as u8),
        _ => vec![pair("", "")],
    }
}

/// Hands out postcodes: 1384AA, 1384AB and on, without the letters that no postcode has.
struct Postcodes {
    district: u32,
    letters: usize,
}

/// PostNL gives out no F, I, O, Q, U or Y.
const POSTCODE_LETTERS: &[u8; 20] = b"ABCDEGHJKLMNPRSTVWXZ";

impl Postcodes {
    fn next(&mut self) -> Rc<str> {
        loop {
            let count = POSTCODE_LETTERS.len();
            if self.letters == count * count {
                self.letters = 0;
                // From 9999 on to 1000: a made town is nowhere, so its districts need not lie side by side.
                self.district = if self.district == 9999 { 1000 } else { self.district + 1 };
            }
            let [first, second] =
                [self.letters / count, self.letters % count].map(|at| char::from(POSTCODE_LETTERS[at]));
            self.letters += 1;
            if !matches!((first, second), ('S', 'A' | 'D' | 'S')) {
                return format!("{}{first}{second}", self.district).into();
            }
        }
    }
}

/// Hands out street names, each once as long as there are others.
struct Streets {
    names: Vec<String>,
    at: usize,
}

impl Streets {
    fn new(chance: &mut Chance) -> Streets {
        let kinds = STEMS.iter().flat_map(|stem| STREET_KINDS.iter().map(move |kind| format!("{stem}{kind}")));
        let people = PEOPLE.iter().flat_map(|person| PEOPLE_KINDS.iter().map(move |kind| format!("{person}{kind}")));
        let mut names: Vec<String> = kinds.chain(people).collect();
        chance.shuffle(&mut names);
        // Names that are hard to read are few, but every town has some.
        let mut special = SPECIAL.to_vec();
        chance.shuffle(&mut special);
        for (at, name) in special.into_iter().enumerate() {
            names.insert((3 + 6 * at).min(names.len()), name.to_owned());
        }
        Streets { names, at: 0 }
    }

    fn next(&mut self) -> String {
        let round = self.at / self.names.len();
        let name = &self.names[self.at % self.names.len()];
        self.at += 1;
        // More streets than names: every village of a large municipality has its own Kerkstraat.
        if round == 0 { name.clone() } else { format!("{} {name}", VILLAGE[(round - 1) % VILLAGE.len()]) }
    }
}

const TOWNS: &[&str] = &["Oosterveen", "Nieuwerdam", "Zuidbroek aan de Waal", "Havenrode", "Sint Jansdijk", "'t Zand"];

const VILLAGE: &[&str] = &["Oude", "Nieuwe", "Grote", "Kleine", "Korte", "Lange"];

/// Names with digits, apostrophes, accents and words that also mean something else.
const SPECIAL: &[&str] = &[
    "1e Dorpsstraat",
    "2e Dorpsstraat",
    "3e Kruislaan",
    "Plein 1940-1945",
    "Plein 1945",
    "Laan 1813",
    "'s-Gravelandseweg",
    "'t Hoge Land",
    "Curaçaostraat",
    "Brünnplantsoen",
    "Onder de Linden",
    "Achter de Kerk",
    "Huis ter Heideweg",
    "IJsbaanpad",
    "De Ruyterkade",
    "Burg. de Vriesstraat",
    "St. Jansstraat",
    "Van 't Hoffstraat",
    "Eerste Kade",
    "Zijdeweg",
];

const STEMS: &[&str] = &[
    "Kerk",
    "Dorps",
    "School",
    "Molen",
    "Nieuw",
    "Haven",
    "Markt",
    "Kanaal",
    "Park",
    "Station",
    "Linden",
    "Eiken",
    "Beuken",
    "Berken",
    "Kastanje",
    "Iepen",
    "Populieren",
    "Wilgen",
    "Rozen",
    "Tulpen",
    "Anjer",
    "Dahlia",
    "Merel",
    "Leeuwerik",
    "Zwaluw",
    "Reiger",
    "Ooievaar",
    "Vink",
    "Meidoorn",
    "Vlier",
    "Hazelaar",
    "Jasmijn",
    "Sering",
    "Boterbloem",
    "Klaproos",
    "Korenbloem",
    "Veld",
    "Weide",
    "Akker",
    "Smids",
    "Bakkers",
    "Wevers",
    "Visser",
    "Schippers",
    "Touwslagers",
    "Vecht",
    "Amstel",
    "Maas",
    "Waal",
    "Linge",
    "Spaarne",
    "Zaan",
    "Singel",
    "Poort",
    "Wal",
    "Bolwerk",
    "Vesting",
    "Oranje",
    "Nassau",
    "Wilhelmina",
    "Juliana",
    "Beatrix",
    "Emma",
    "Mauritshof",
    "Rembrandt",
    "Vermeer",
    "Mondriaan",
    "Vondel",
    "Huygens",
    "Erasmus",
    "Spinoza",
    "Curie",
    "Einstein",
    "Newton",
    "Saturnus",
    "Jupiter",
];

const STREET_KINDS: &[&str] = &["straat", "weg", "laan", "plein", "hof", "dijk", "pad", "plantsoen", "dreef"];

const PEOPLE: &[&str] = &[
    "Burgemeester de Vries",
    "Burgemeester van Dijk",
    "Pastoor Jansen",
    "Dominee Visser",
    "Dokter Schaepman",
    "Prins Hendrik",
    "Prinses Irene",
    "Koningin Emma",
    "Willem de Zwijger",
    "Jan van Galen",
    "Piet Hein",
    "Michiel de Ruyter",
    "Johan van Oldenbarnevelt",
    "Aletta Jacobs",
    "Anna Bijns",
    "Hendrik Marsman",
    "Multatuli",
    "Anton de Kom",
];

const PEOPLE_KINDS: &[&str] = &["straat", "laan", "plein", "hof"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_same_seed_makes_the_same_town() {
        let (one, two, other) = (Town::made(900, 7).unwrap(), Town::made(900, 7).unwrap(), Town::made(900, 8).unwrap());
        assert_eq!(one.homes, two.homes);
        assert_ne!(one.homes, other.homes);
        assert_eq!((one.homes.len(), one.rows, one.left_out.len()), (900, 900, 0));
    }

    #[test]
    fn a_made_town_is_like_a_real_one() {
        let town = Town::made(20_000, 1).unwrap();
        let keys: HashSet<_> = town.homes.iter().map(|home| home.key).collect();
        assert_eq!(keys.len(), 20_000, "every home has a key of its own");

        let mut sides: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
        for home in &town.homes {
            let side = (&*home.street, home.number % 2);
            assert_eq!(*sides.entry(&home.postcode).or_insert(side), side, "a postcode is one side of one street");
            assert!(home.letter.is_empty() || home.letter.len() == 1);
            assert!(home.addition.len() <= 4);
        }
        let share = |which: &dyn Fn(&Home) -> bool| {
            town.homes.iter().filter(|home| which(home)).count() as f64 / town.homes.len() as f64
        };
        let number_keys: HashSet<_> = keys.iter().map(AddressKey::number_key).collect();
        let neighbours = share(&|home| {
            let next = format!("{}|{}", home.postcode, home.number + 2);
            AddressKey::from_canonical(&next).is_ok_and(|next| number_keys.contains(&next))
        });
        let plain = share(&|home| home.letter.is_empty() && home.addition.is_empty());
        let lettered = share(&|home| !home.letter.is_empty());
        let added = share(&|home| !home.addition.is_empty());
        assert!((0.4..0.9).contains(&plain), "{plain}");
        assert!(lettered > 0.04 && added > 0.1, "{lettered} {added}");
        assert!(neighbours > 0.5, "{neighbours}");
        for suffix in ["A", "H", "1", "BIS", "RD", "BOV", "A101", "12"] {
            assert!(town.homes.iter().any(|home| home.key.addition() == suffix), "{suffix}");
        }
        for special in SPECIAL {
            assert!(town.homes.iter().any(|home| *home.street == **special), "{special}");
        }
    }

    #[test]
    fn large_towns_have_enough_postcodes() {
        let town = Town::made(120_000, 3).unwrap();
        assert_eq!(town.homes.iter().map(|home| home.key).collect::<HashSet<_>>().len(), 120_000);
    }

    #[test]
    fn a_register_is_read_and_what_has_no_key_is_told() {
        let text = "\u{feff}postcode\tstreet\thuisnummer\thuisletter\ttoevoeging\twoonplaats\tmore\n\
                    1384CA\tOude Papelaan\t1\t\t\tWeesp\tx\n\
                    \tKanaalpad\t1\t\t\tWeesp\n\
                    1384CA\tOude Papelaan\t1\t\t\tWeesp\n\
                    1384CA\tOude Papelaan\t3\tA\t2\tWeesp\n";
        let town = Town::parse(text).unwrap();
        assert_eq!((town.rows, town.homes.len(), town.shared, town.name.as_str()), (4, 2, 1, "Weesp"));
        assert_eq!(town.homes[1].key.as_str(), "1384CA|3|A2");
        assert_eq!(town.homes[1].line(), "Oude Papelaan 3 A2");
        let [left_out] = town.left_out.as_slice() else { panic!("{:?}", town.left_out) };
        assert_eq!((left_out.line, left_out.error.code()), (3, "no_postcode"));
        assert!(Town::parse("street\thuisnummer\n").err().unwrap().contains("huisletter"));
        assert!(Town::parse("").is_err());
    }
}
