//! The names of columns: which field each is known for, and which look as if they could be of an address.

/// What a column may be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Postcode,
    Number,
    Letter,
    Addition,
    /// An address in one cell, or the street and number of one.
    Line,
    /// Says that the place is not the house itself: GBA 11.50, `to` (opposite) or `by` (near).
    Designation,
    /// Describes a place that has no address.
    Description,
    /// A withdrawn address is refused.
    Status,
    /// Not in the key.
    Street,
    /// Not in the key.
    Town,
    /// Which only a register can turn into an address.
    BagId,
    /// The local reference of a row.
    Reference,
}

/// A field, the word for it, and the names under which it is known, with spaces between them: letters and digits alone,
/// in lower case.
struct Known {
    field: Field,
    word: &'static str,
    names: &'static str,
}

/// Each field's names, in this order: BAG and BRP, the elements of the GBA, StUF, KvK, and what spreadsheets are given.
const KNOWN: &[Known] = &[
    Known {
        field: Field::Postcode,
        word: "postcode",
        names: "postcode 1160 1160postcode aoapostcode postcode6 pc6 pc postkode zipcode",
    },
    Known {
        field: Field::Number,
        word: "huisnummer",
        names: "huisnummer 1120 1120huisnummer aoahuisnummer nummer huisnr huisnum hnr housenumber",
    },
    Known {
        field: Field::Letter,
        word: "huisletter",
        names: "\
            huisletter 1130 1130huisletter aoahuisletter huisnummerletter huisnrletter huislt huisltr hltr",
    },
    Known {
        field: Field::Addition,
        word: "toevoeging",
        names: "\
            huisnummertoevoeging toevoeging 1140 1140huisnummertoevoeging aoahuisnummertoevoeging \
            huisnrtoevoeging huisnummertoev huisnrtoev huistoevoeging huistoev huistv hnrtoev hnrtv toev",
    },
    Known {
        field: Field::Line,
        word: "adres",
        names: "\
            adres volledigadres adresvolledig adresregel straatenhuisnummer straatnaamenhuisnummer \
            straathuisnummer straatennummer address",
    },
    Known {
        field: Field::Designation,
        word: "aanduiding",
        names: "\
            aanduidingbijhuisnummer aanduiding 1150 1150aanduidingbijhuisnummer aoaaanduidingbijhuisnummer \
            aanduidinghuisnummer aanduidingbijhuisnr aandbijhuisnr aandbijhuisnummer",
    },
    Known {
        field: Field::Description,
        word: "locatiebeschrijving",
        names: "locatiebeschrijving 1210 1210locatiebeschrijving locatieomschrijving",
    },
    Known {
        field: Field::Status,
        word: "status",
        names: "status nummeraanduidingstatus statusnummeraanduiding adresstatus statusadres",
    },
    Known {
        field: Field::Street,
        word: "straat",
        names: "\
            straatnaam straat openbareruimtenaam naamopenbareruimte openbareruimte 1110 1110straatnaam 1115 \
            1115naamopenbareruimte gorstraatnaam goropenbareruimtenaam verkortestraatnaam straatnaamverkort \
            street streetname",
    },
    Known {
        field: Field::Town,
        word: "woonplaats",
        names: "\
            woonplaats woonplaatsnaam 1170 1170woonplaatsnaam 1170woonplaats wplwoonplaatsnaam naamwoonplaats \
            plaats plaatsnaam stad town city",
    },
    Known {
        field: Field::BagId,
        word: "bag_id",
        names: "\
            bagid 1180 1190 nummeraanduiding identificatienummeraanduiding identificatiecodenummeraanduiding \
            1190identificatiecodenummeraanduiding 1180identificatiecodeverblijfplaats \
            identificatiecodeverblijfplaats identificatieverblijfsobject identificatieadresseerbaarobject",
    },
    Known { field: Field::Reference, word: "ref", names: "ref" },
];

/// The fields that `--map` takes.
pub(super) const MAPPED: &str = "postcode, huisnummer, huisletter, toevoeging, adres, aanduiding, \
                                 locatiebeschrijving, status, straat, woonplaats, bag_id or ref";

/// Beginnings of the names of columns with BAG ids.
const BAG_IDS: &str = "bag nummeraanduiding verblijfsobject vbo adresseerbaarobject ligplaats standplaats pand";

/// What makes a name look like one of an address wherever it stands in it, and the field that it then may be; the
/// first that fits counts.
const HINTS: &[(&str, Field)] = &[
    ("toev", Field::Addition),
    ("aanduid", Field::Designation),
    ("letter", Field::Letter),
    ("ltr", Field::Letter),
    ("locati", Field::Description),
    ("lokati", Field::Description),
    ("status", Field::Status),
    ("postc", Field::Postcode),
    ("postk", Field::Postcode),
    ("postal", Field::Postcode),
    ("zip", Field::Postcode),
    ("adres", Field::Line),
    ("addres", Field::Line),
    ("straat", Field::Street),
    ("strt", Field::Street),
    ("street", Field::Street),
    ("woonpl", Field::Town),
    ("verdiep", Field::Addition),
    ("etage", Field::Addition),
    ("laag", Field::Addition),
    ("floor", Field::Addition),
    ("vleugel", Field::Addition),
    ("opgang", Field::Addition),
    ("bovenw", Field::Addition),
    ("benedenw", Field::Addition),
    ("appt", Field::Addition),
    ("apartm", Field::Addition),
    ("postfix", Field::Addition),
    ("addon", Field::Addition),
    ("volgn", Field::Addition),
    ("deur", Field::Addition),
    ("kamer", Field::Addition),
    ("kmr", Field::Addition),
    ("etg", Field::Addition),
    ("eenheid", Field::Addition),
    ("voegsel", Field::Addition),
    ("addition", Field::Addition),
    ("hnr", Field::Number),
    ("portiek", Field::Addition),
    ("gebouw", Field::Addition),
    ("blok", Field::Addition),
    ("appart", Field::Addition),
    ("unit", Field::Addition),
    ("suffix", Field::Addition),
    ("extensi", Field::Addition),
    ("ligplaats", Field::Addition),
    ("standplaats", Field::Addition),
    ("huis", Field::Number),
    ("house", Field::Number),
    ("nummer", Field::Number),
    ("number", Field::Number),
    ("nrs", Field::Number),
];

/// Words that make a name look like one of a part of a house, wherever they stand in it.
const PARTS: &str = "\
    app apt box bus ext verd tot tm flat suite bis volgnr trap ingang boven beneden links rechts room";

/// Names of a part of a house that are words of other names too: `door`, but not `gemeld door`.
const PARTS_ALONE: &str = "door sub level niveau wing zijde entrance stairs tgv";

/// What is shortened or misspelt beside the known names: a name may begin as one of these and have its letters in their
/// order, or differ from it in one letter or two.
const SHORTENED: &[(&str, Field)] = &[
    ("toevoeging", Field::Addition),
    ("tv", Field::Addition),
    ("appt", Field::Addition),
    ("verdieping", Field::Addition),
    ("vleugel", Field::Addition),
    ("woonlaag", Field::Addition),
    ("huisnummertoevoeging", Field::Addition),
    ("huisletter", Field::Letter),
    ("letter", Field::Letter),
    ("huisnummer", Field::Number),
    ("nummer", Field::Number),
    ("postcode", Field::Postcode),
    ("adres", Field::Line),
    ("adresregel", Field::Line),
    ("aanduiding", Field::Designation),
    ("aanduidingbijhuisnummer", Field::Designation),
    ("locatie", Field::Description),
    ("locatiebeschrijving", Field::Description),
    ("status", Field::Status),
    ("straatnaam", Field::Street),
    ("woonplaats", Field::Town),
];

/// What a number or a status may be of that is not a place.
const OTHERS: &str = "\
    aanvraag artikel bericht besluit bsn burgerservice contact contract crediteur crediteuren debiteur \
    debiteuren document dossier factuur fax hoofdzaak incident kenteken klant kvk medewerker melding meldings \
    mobiel mutatie onderneming onderzoek order parket personeel personeels persoon persoons polis project proces \
    procesverbaal pv record referentie regel registratie rekening rij rol rsin serie signaal sofi subsidie taak \
    tel telefoon vestiging vestigings vreemdelingen zaak zaaks";

/// What such names end in, or begin with.
const OF_OTHERS: &str = "nummer nummers nr nrs num number status";

/// Names that look like one of an address and are of something else.
const WORDS: &str = "\
    emailadres mailadres ipadres webadres emailaddress ipaddress aanleiding huur lat latitude lng lon longitude \
    statushouder nationaliteit aantal start naam nee neer and tin hit datumingang ingangdatum";

impl Field {
    /// The field that is known under a name.
    pub(super) fn named(name: &str) -> Option<Field> {
        let bare = bare(name);
        let known = KNOWN.iter().find(|known| is_one_of(&bare, known.names)).map(|known| known.field);
        known.or_else(|| is_bag_id(&bare).then_some(Field::BagId))
    }

    pub(super) fn word(self) -> &'static str {
        KNOWN.iter().find(|known| known.field == self).map_or("", |known| known.word)
    }

    /// Whether several columns may be it: each is looked at, and none of them is in the key.
    pub(super) fn may_repeat(self) -> bool {
        use Field::{BagId, Description, Designation, Status, Street, Town};
        matches!(self, BagId | Description | Designation | Status | Street | Town)
    }

    /// The field that a name which is not known could be of: a column that belongs to an address and is not read
    /// makes two homes one.
    pub(super) fn suspected(name: &str) -> Option<Field> {
        let (bare, words) = (bare(name), words(name));
        if bare.is_empty() || is_other(&bare, &words) {
            return None;
        }
        let hinted = HINTS.iter().find(|(hint, _)| bare.contains(hint));
        if let Some((_, field)) = hinted {
            return Some(*field);
        }
        // `adres2` and `pc4` are what they are without the digit.
        let plain = bare.trim_matches(|c: char| c.is_ascii_digit());
        if let Some(field) = Field::named(plain).filter(|_| plain != bare) {
            return Some(field);
        }
        if is_one_of(plain, PARTS_ALONE) || words.iter().any(|word| is_one_of(word, PARTS)) {
            return Some(Field::Addition);
        }
        let known = KNOWN.iter().flat_map(|known| known.names.split(' ').map(|name| (name, known.field)));
        let all = SHORTENED.iter().copied().chain(known);
        let spelt = |text: &str| all.clone().find(|(name, _)| is_misspelt(text, name)).map(|(_, field)| field);
        let is_short = |name: &str, field: Field| {
            let is_counted = SHORTENED.iter().any(|(short, _)| *short == name) || field.is_looked_at();
            is_counted && is_shortened(plain, name)
        };
        let short = || all.clone().find(|(name, field)| is_short(name, *field)).map(|(_, field)| field);
        let is_number = |word: &str| matches!(word, "nr" | "no" | "num" | "nrs");
        let number = || words.iter().any(|word| is_number(word)) || bare.ends_with("nr") || bare.starts_with("nr");
        spelt(plain)
            .or_else(|| words.iter().find_map(|word| spelt(word)))
            .or_else(short)
            .or_else(|| (plain == "vbo").then_some(Field::BagId))
            .or_else(|| number().then_some(Field::Number))
    }

    /// Whether a row may be another home, or none, for what stands in it.
    pub(super) fn is_looked_at(self) -> bool {
        !self.is_for_register() && self != Field::Reference
    }

    /// Whether only a register makes anything of it.
    pub(super) fn is_for_register(self) -> bool {
        matches!(self, Field::Street | Field::Town | Field::BagId)
    }
}

/// Letters and digits alone, in lower case: `Huis-nr.` is `huisnr`.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words of a name, in lower case: `HuisNr_toev` has three.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_bag_id(bare: &str) -> bool {
    let bare = bare.strip_suffix("entificatie").unwrap_or(bare);
    bare.ends_with("id") && BAG_IDS.split(' ').any(|beginning| bare.starts_with(beginning))
}

/// Whether a name is plainly of something else: `zaaknummer`, `Tel. nr.`, `zaakstatus`.
fn is_other(bare: &str, words: &[String]) -> bool {
    if is_one_of(bare, WORDS) {
        return true;
    }
    let is_other = |word: &str| is_one_of(word, OTHERS);
    if words.iter().all(|word| is_other(word) || is_one_of(word, OF_OTHERS)) {
        return words.iter().any(|word| is_other(word));
    }
    OF_OTHERS.split(' ').any(|part| {
        let rest = bare.strip_suffix(part).or_else(|| bare.strip_prefix(part));
        rest.is_some_and(is_other)
    })
}

/// Whether a word is one of those that stand in a text with spaces between them.
fn is_one_of(word: &str, words: &str) -> bool {
    words.split(' ').any(|other| other == word)
}

/// Whether a text begins as a name does, and has its letters in their order.
fn is_shortened(text: &str, name: &str) -> bool {
    if text.is_empty() || text.chars().next() != name.chars().next() {
        return false;
    }
    let mut letters = name.chars();
    text.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

/// Whether a text is a name with one letter too many, too few, another or in another place; or with two, where the
/// name is long.
fn is_misspelt(text: &str, name: &str) -> bool {
    let most = match name.len() {
        0..4 => return false,
        4..8 => 1,
        _ => 2,
    };
    text.len().abs_diff(name.len()) <= most && distance(text, name) <= most
}

/// How many letters must be put in, taken out, changed or exchanged with the next to make one text of another.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}
