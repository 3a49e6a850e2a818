//! Characters that are not seen, or that change how the text around them is read.

use std::path::Path;

/// The first and last of each run of them, ascending: SPEC.md 1.
const RUNS: [(char, char); 27] = [
    ('\0', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a character is hidden: a control or format character, one that breaks lines, reorders what is read, or is
/// not shown where a font does not know it. Line feed and tab are among them.
///
/// A policy or a rejection with one is refused, because its text is shown to people.
pub fn is_hidden(c: char) -> bool {
    let at = RUNS.partition_point(|(_, last)| *last < c);
    RUNS.get(at).is_some_and(|(first, _)| *first <= c)
}

/// A path as it can be shown to people: hidden characters are escaped. Whoever may write to a folder chooses the names
/// in it, and one with a line break or a terminal's command would forge a line of what is said about it.
pub fn shown_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_debug()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_in_one_line_that_steers_nothing() {
        let shown = shown_path(Path::new("map/één \u{1b}[2J\r\n\u{9b}\u{202e}\u{e0001}.msg"));
        assert_eq!(shown, "map/één \\u{1b}[2J\\r\\n\\u{9b}\\u{202e}\\u{e0001}.msg");
    }

    #[test]
    fn they_are_those_of_unicodes_properties() {
        let properties = r"\A[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]\z";
        let listed = regex::Regex::new(properties).unwrap();
        for c in '\0'..=char::MAX {
            assert_eq!(is_hidden(c), listed.is_match(c.encode_utf8(&mut [0; 4])), "{}", c.escape_unicode());
        }
    }
}
