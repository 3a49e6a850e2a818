//! Looks for secrets in what a program logged, in every form in which a log could show them.

use std::collections::BTreeSet;
use std::fmt::Write;

/// Bytes of a secret that are looked for at a time, because some loggers show a few bytes a line.
const PIECE: usize = 8;

/// The names of those secrets of which `log` has eight bytes in a row, whatever their case and the spaces in between:
/// as they are, in hexadecimal, as a list of numbers, in base64, or escaped.
///
/// # Panics
///
/// If a secret is shorter than that.
pub fn leaks(log: &str, secrets: &[(String, Vec<u8>)]) -> BTreeSet<String> {
    let log = flat(log);
    let is_there = |secret: &[u8]| {
        assert!(secret.len() >= PIECE, "too short to look for");
        let pieces = secret.windows(PIECE).any(|piece| forms(piece).iter().any(|form| log.contains(form)));
        pieces || secret.windows(PIECE + 1).any(|nine| base64(nine).iter().any(|form| log.contains(form)))
    };
    secrets.iter().filter(|(_, secret)| is_there(secret)).map(|(name, _)| name.clone()).collect()
}

/// Letters small, and no spaces.
fn flat(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn forms(piece: &[u8]) -> Vec<String> {
    let each = |one: &dyn Fn(&mut String, u8)| {
        piece.iter().fold(String::new(), |mut all, byte| {
            one(&mut all, *byte);
            all
        })
    };
    let mut forms = vec![
        each(&|all, byte| write!(all, "{byte:02x}").unwrap()),
        each(&|all, byte| write!(all, "{byte},").unwrap()).trim_end_matches(',').to_owned(),
        each(&|all, byte| write!(all, "0x{byte:x},").unwrap()).trim_end_matches(',').to_owned(),
        each(&|all, byte| write!(all, "%{byte:02x}").unwrap()),
        flat(&piece.escape_ascii().to_string()),
    ];
    forms.extend(std::str::from_utf8(piece).map(flat));
    forms
}

/// Nine bytes that begin a group of three. Whoever tries every nine bytes of a secret comes upon those.
fn base64(nine: &[u8]) -> [String; 2] {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| three.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
    let letters = |three: &[u8]| [18, 12, 6, 0].map(|shift| char::from(LETTERS[group(three) >> shift & 63]));
    let common: String = nine.chunks(3).flat_map(letters).collect();
    let for_paths = common.replace('+', "-").replace('/', "_");
    [flat(&common), flat(&for_paths)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form_and_nothing_else_is() {
        let secret: Vec<u8> = (0..32).map(|n: u8| n.wrapping_mul(47) ^ 0xa5).collect();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        // Sixteen bytes a line, in twos, and then as letters: from some place in the middle on.
        let row = |row: &[u8]| row.chunks(2).map(|two| hex(two) + " ").collect::<String>() + "................\n";
        let dump: String = [b"abcde".as_slice(), &secret].concat().chunks(16).map(row).collect();
        let in_base64 = |from: usize| secret[from..from + 27].chunks(9).map(|nine| base64(nine)[0].clone());
        for log in [
            hex(&secret),
            hex(&secret).to_uppercase(),
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{secret:#x?}"),
            format!("{}", secret.escape_ascii()),
            dump,
            in_base64(0).collect(),
            in_base64(1).collect(),
            in_base64(2).collect(),
        ] {
            assert_eq!(leaks(&format!("before {log} after"), &[("it".into(), secret.clone())]).len(), 1, "{log}");
        }
        let text = b"Dam 1-A, 1012 JS Amsterdam".to_vec();
        let found = |log: &str| leaks(log, &[("home".into(), text.clone()), ("key".into(), secret.clone())]);
        assert_eq!(found("asked for 1012 JS Amsterdam").into_iter().collect::<Vec<_>>(), ["home"]);
        assert!(found("status=200 milliseconds=3 oin=00000099000000001000 Amster 0000000000").is_empty());
    }
}
