//! Prints the demonstration: phases, paragraphs and tables in plain text, for a reader who knows no cryptography.

use std::io::{self, IsTerminal, Write};

use stapel::message::{Standing, Told};

/// Text is broken at this many columns.
const WIDTH: usize = 100;

const INDENT: &str = "  ";

/// The number of phases, for whoever watches on standard error.
const PHASES: usize = 13;

/// Where the text goes; nowhere, where only the numbers are wanted.
pub(crate) struct Show<W> {
    out: Option<W>,
    /// Whether somebody looks on who sees no text: the phase is then told on standard error.
    onlooker: bool,
    phases: usize,
    /// Whether the last line was an empty one, or there was none yet.
    gap: bool,
}

impl<W: Write> Show<W> {
    /// Text to `out`, or none.
    pub(crate) fn new(out: Option<W>) -> Show<W> {
        Show { onlooker: out.is_none() && io::stderr().is_terminal(), out, phases: 0, gap: true }
    }

    /// Begins a phase.
    pub(crate) fn phase(&mut self, title: &str) -> io::Result<()> {
        self.phases += 1;
        if self.onlooker {
            write!(io::stderr(), "\r{:<WIDTH$}", format!("{} of {PHASES}: {title} ...", self.phases))?;
        }
        let Some(out) = &mut self.out else { return Ok(()) };
        let title = format!("{}. {title}", self.phases);
        if !self.gap {
            writeln!(out)?;
        }
        self.gap = true;
        writeln!(out, "{title}\n{}\n", "=".repeat(title.chars().count()))?;
        out.flush()
    }

    /// Ends the telling.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if self.onlooker { write!(io::stderr(), "\r{:WIDTH$}\r", "") } else { Ok(()) }
    }

    /// A paragraph.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        for line in wrapped(text, WIDTH - INDENT.len()) {
            writeln!(out, "{INDENT}{line}")?;
            self.gap = false;
        }
        Ok(())
    }

    /// Lines as they are, a step further in, with an empty line before and after; nothing for no lines.
    pub(crate) fn lines(&mut self, lines: &[String]) -> io::Result<()> {
        let Some(out) = self.out.as_mut().filter(|_| !lines.is_empty()) else { return Ok(()) };
        if !self.gap {
            writeln!(out)?;
        }
        for line in lines {
            writeln!(out, "{}", format!("{INDENT}{INDENT}{line}").trim_end())?;
        }
        self.gap = true;
        writeln!(out)
    }

    /// A table; columns whose every cell is a number are set to the right.
    pub(crate) fn table(&mut self, header: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        self.lines(&table(header, rows))
    }
}

/// The lines of a table.
fn table(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| cell(row, column).chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let is_number = |column: usize| {
        let numeric = |text: String| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == ',');
        !rows.is_empty() && rows.iter().all(|row| numeric(cell(row, column)))
    };
    let columns: Vec<(usize, bool)> = (0..header.len()).map(|column| (width(column), is_number(column))).collect();
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(&columns).map(|(text, (width, right))| {
            let fill = " ".repeat(width - text.chars().count().min(*width));
            if *right { format!("{fill}{text}") } else { format!("{text}{fill}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![
        line(header.iter().map(|title| (*title).to_owned()).collect()),
        line(columns.iter().map(|(width, _)| "-".repeat(*width)).collect()),
    ];
    lines.extend(rows.iter().map(|row| line((0..header.len()).map(|column| cell(row, column)).collect())));
    lines
}

/// Breaks text between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A number with commas between thousands.
pub(crate) fn thousands(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A standing in words; `cap` is the highest count that is shown.
pub(crate) fn standing(standing: Standing, cap: usize) -> String {
    match standing {
        Standing::BelowThreshold => "below threshold".to_owned(),
        Standing::NoOwnFlag => "no own flag".to_owned(),
        Standing::Stacked(number) => format!("stacked: {}", told(number, cap)),
    }
}

/// How many, as it was told.
pub(crate) fn told(number: Told, cap: usize) -> String {
    match number {
        Told::Presence => "yes".to_owned(),
        Told::Band(lower) => format!("{lower} or more"),
        Told::Count(count) if usize::from(count) >= cap => format!("{count} or more"),
        Told::Count(count) => count.to_string(),
    }
}

/// Four lines of a file as bytes and as characters, from where it looks least like text.
pub(crate) fn excerpt(bytes: &[u8]) -> Vec<String> {
    const BLOCK: usize = 64;
    let variety = |block: &[u8]| {
        let mut seen = [false; 256];
        block.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        seen.iter().filter(|seen| **seen).count()
    };
    let blocks = bytes.chunks(BLOCK).enumerate();
    let Some((at, block)) = blocks.max_by_key(|(at, block)| (variety(block), std::cmp::Reverse(*at))) else {
        return Vec::new();
    };
    let line = |(row, line): (usize, &[u8])| {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        let text: String = line.iter().map(shown).collect();
        format!("{:08x}  {:<47}  |{text}|", at * BLOCK + row * 16, hex.join(" "))
    };
    block.chunks(16).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = vec![vec!["Curaçaostraat 5".to_owned(), "7".to_owned()], vec!["x".to_owned(), "1,200".to_owned()]];
        assert_eq!(
            table(&["address", "flags"], &rows),
            ["address          flags", "---------------  -----", "Curaçaostraat 5      7", "x                1,200",]
        );
        assert_eq!(table(&["only"], &[]), ["only", "----"]);
    }

    #[test]
    fn text_is_broken_and_can_be_silent() {
        let mut out = Vec::new();
        let mut show = Show::new(Some(&mut out));
        show.phase("A town").unwrap();
        show.say(&"word ".repeat(30)).unwrap();
        show.lines(&["  x ".to_owned()]).unwrap();
        show.lines(&[]).unwrap();
        show.phase("Next").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("1. A town\n=========\n\n  word word"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH && line == line.trim_end()), "{text}");
        assert_eq!(text.matches("word").count(), 30);
        assert!(text.ends_with("word\n\n      x\n\n2. Next\n=======\n\n"), "one empty line each: {text}");

        let mut silent: Show<Vec<u8>> = Show::new(None);
        silent.phase("A town").unwrap();
        silent.table(&["a"], &[]).unwrap();
    }

    #[test]
    fn numbers_and_standings_in_words() {
        assert_eq!([0usize, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        let told = |number| standing(Standing::Stacked(number), 3);
        assert_eq!(told(Told::Count(2)), "stacked: 2");
        assert_eq!(told(Told::Count(3)), "stacked: 3 or more");
        assert_eq!(told(Told::Band(2)), "stacked: 2 or more");
        assert_eq!(told(Told::Presence), "stacked: yes");
        assert_eq!(standing(Standing::NoOwnFlag, 3), "no own flag");
    }

    #[test]
    fn an_excerpt_shows_the_bytes() {
        let file = [vec![0; 128], (0..64).collect(), b"text".repeat(16)].concat();
        let lines = excerpt(&file);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], "00000080  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  |................|");
        assert_eq!(lines[3], "000000b0  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  |0123456789:;<=>?|");
        assert!(excerpt(&[]).is_empty());
        assert_eq!(excerpt(b"abc").len(), 1);
    }
}
