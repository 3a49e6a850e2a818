//! Names of streets and towns in a plain form, in which those that people write alike are equal.

use crate::address::in_ascii;

/// The words of a text: runs of letters and digits in upper case, accents taken off, each with where it stands.
pub(super) fn words(text: &str) -> Vec<(String, std::ops::Range<usize>)> {
    let mut words: Vec<(String, std::ops::Range<usize>)> = Vec::new();
    let mut goes_on = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        match plain_letter(c) {
            None => goes_on = false,
            // An accent that stands by itself after its letter says nothing more.
            Some(Letters(_, 0)) => {}
            Some(letters) => {
                match words.last_mut().filter(|_| goes_on) {
                    Some((word, place)) => {
                        word.push_str(letters.as_str());
                        place.end = end;
                    }
                    None => words.push((letters.as_str().to_owned(), at..end)),
                }
                goes_on = true;
            }
        }
    }
    words
}

/// The words of a name with a space between them.
pub(super) fn plain(name: &str) -> String {
    let words: Vec<String> = words(&in_ascii(name)).into_iter().map(|(word, _)| word).collect();
    words.join(" ")
}

/// One character of a word in its plain form, of one or two letters.
struct Letters([u8; 2], usize);

impl Letters {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0[..self.1]).unwrap_or_default()
    }
}

/// `None` for what stands between words.
fn plain_letter(c: char) -> Option<Letters> {
    let one = |letter: u8| Some(Letters([letter, 0], 1));
    let plain = match c {
        '0'..='9' | 'A'..='Z' => return one(c as u8),
        'a'..='z' => return one(c.to_ascii_uppercase() as u8),
        '\u{300}'..='\u{36f}' => return Some(Letters([0; 2], 0)),
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => "A",
        'Æ' | 'æ' => "AE",
        'Ç' | 'ç' | 'Ć'..='č' => "C",
        'Ď'..='đ' | 'Ð' | 'ð' => "D",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => "E",
        'Ĝ'..='ģ' => "G",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => "I",
        'Ĳ' | 'ĳ' => "IJ",
        'Ñ' | 'ñ' | 'Ń'..='ň' => "N",
        'Ò'..='Ö' | 'ò'..='ö' | 'Ø' | 'ø' | 'Ō'..='ő' => "O",
        'Œ' | 'œ' => "OE",
        'Ŕ'..='ř' => "R",
        'Ś'..='š' => "S",
        'ß' => "SS",
        'Ţ'..='ŧ' => "T",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => "U",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' => "Y",
        'Ź'..='ž' => "Z",
        _ => return None,
    };
    let mut bytes = [0; 2];
    bytes[..plain.len()].copy_from_slice(plain.as_bytes());
    Some(Letters(bytes, plain.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_write_alike_are_equal() {
        for (a, b) in [
            ("Burg. van Houtenlaan", "burg van houtenlaan"),
            ("'s-Gravenlandseweg", "’s Gravenlandseweg"),
            ("Café Plein", "CAFE\u{301} PLEIN".trim()),
            ("Hengelo (Gld)", "Hengelo Gld"),
            ("Ĳsselkade", "IJsselkade"),
        ] {
            assert_eq!(plain(a), plain(b));
        }
        assert_ne!(plain("Jol 37"), plain("Jol 3 7"));
        assert_eq!(
            words("Jol 37-01, Urk").into_iter().map(|(_, at)| at).collect::<Vec<_>>(),
            [0..3, 4..6, 7..9, 11..14]
        );
    }
}
