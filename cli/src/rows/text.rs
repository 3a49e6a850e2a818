//! A spreadsheet's bytes as text: encoding, delimiter, quotes, lines.

use std::borrow::Cow;

use csv::{Reader, ReaderBuilder, StringRecord};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::failure::Failure;

/// The text of a spreadsheet.
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) charset: Charset,
    pub(super) delimiter: Delimiter,
    /// The line that the text begins on: 2 after a line `sep=;`, and the header's where that was given.
    pub(super) first_line: u64,
    /// The delimiter that need not be detected, line by line.
    said: Option<Delimiter>,
}

/// In how many lines a header is looked for, to say where it is.
const HEADER_LINES: u64 = 10;

/// How the text was encoded.
#[derive(Clone, Copy)]
pub(super) struct Charset {
    encoding: &'static Encoding,
    byte_order_mark: bool,
}

/// What stands between cells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    Semicolon,
    Comma,
    Tab,
    Bar,
    /// There is one column only, and each line is a cell.
    None,
}

/// Counts lines up to places that come one after the other.
pub(super) struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

/// Stands between cells where nothing does: no text has the unit separator of ASCII in it.
const NOTHING: u8 = 0x1f;

impl<'a> Text<'a> {
    /// Decodes the text.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Text<'a>, Failure> {
        let (text, charset) = decode(bytes)?;
        let said = separator_line(&text);
        let delimiter = Delimiter::None;
        let mut read = Text { text, charset, delimiter, first_line: 1, said: said.map(|(delimiter, _)| delimiter) };
        if let Some((_, length)) = said {
            read.cut(length, 2);
        }
        Ok(read)
    }

    /// The text of a sheet, which has tabs between cells.
    pub(super) fn of_sheet(text: String) -> Text<'static> {
        let charset = Charset { encoding: UTF_8, byte_order_mark: true };
        let delimiter = Delimiter::Tab;
        Text { text: text.into(), charset, delimiter, first_line: 1, said: Some(delimiter) }
    }

    /// Begins the text at its header: on the line that is given, or else the first that is not blank.
    pub(super) fn find_header(&mut self, header_row: Option<u64>) -> Result<(), Failure> {
        if let Some(line) = header_row {
            self.begin_at(line)?;
        }
        self.delimiter = self.delimiter_of(&self.text);
        Ok(())
    }

    /// What stands between the cells of the first line.
    fn delimiter_of(&self, text: &str) -> Delimiter {
        self.said.unwrap_or_else(|| Delimiter::detect(text))
    }

    /// The rows, the header first.
    pub(super) fn rows(&self) -> Reader<&[u8]> {
        rows_of(&self.text, self.delimiter)
    }

    /// A cell whose opening quote is never closed would swallow all rows after it.
    pub(super) fn refuse_open_quote(&self) -> Result<(), Failure> {
        refuse_open_quote(&self.text, self.delimiter, self.first_line)
    }

    /// The first of the lines below the first one, each with its own delimiter, that `is_header` knows for a header.
    pub(super) fn header_below(&self, is_header: impl Fn(&StringRecord) -> bool) -> Option<u64> {
        let mut record = StringRecord::new();
        let lines = line_starts(&self.text, self.first_line).take_while(|(line, _)| *line <= HEADER_LINES);
        let mut below = lines.skip(1).filter(|(_, start)| {
            let rest = &self.text[*start..];
            let read = rows_of(rest, self.delimiter_of(rest)).read_record(&mut record);
            !rest.starts_with(['\r', '\n']) && read.is_ok_and(|found| found) && is_header(&record)
        });
        below.next().map(|(line, _)| line)
    }

    /// Begins the text at a line.
    fn begin_at(&mut self, line: u64) -> Result<(), Failure> {
        let start = line_starts(&self.text, self.first_line).find(|(at, _)| *at == line).map(|(_, start)| start);
        match start.filter(|start| !self.text[*start..].lines().next().unwrap_or_default().trim().is_empty()) {
            Some(start) => self.cut(start, line),
            None => {
                let message =
                    format!("line {line} is blank, or there is none: give the header's own with --header-row");
                return Err(Failure::new("header", message));
            }
        }
        Ok(())
    }

    fn cut(&mut self, start: usize, first_line: u64) {
        match &mut self.text {
            Cow::Borrowed(text) => *text = &text[start..],
            Cow::Owned(text) => drop(text.drain(..start)),
        }
        self.first_line = first_line;
    }
}

fn rows_of(text: &str, delimiter: Delimiter) -> Reader<&[u8]> {
    ReaderBuilder::new().delimiter(delimiter.read_byte()).has_headers(false).flexible(true).from_reader(text.as_bytes())
}

/// Each line's number, and where it begins.
fn line_starts(text: &str, first_line: u64) -> impl Iterator<Item = (u64, usize)> {
    let bytes = text.as_bytes();
    let ends = move |at: usize| bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    let later = (0..bytes.len()).filter(move |at| ends(*at)).map(|at| at + 1);
    (first_line..).zip(std::iter::once(0).chain(later))
}

/// A byte order mark decides; without one it is UTF-8 where it can be, and else Windows-1252.
fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Charset), Failure> {
    let (encoding, byte_order_mark, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, true, bytes.get(length..).unwrap_or_default()),
        None if is_bare_utf16(bytes) => return Err(bare_utf16()),
        None if std::str::from_utf8(bytes).is_ok() => (UTF_8, false, bytes),
        None => (WINDOWS_1252, false, bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(rest).ok_or_else(|| {
        let name = encoding.name();
        Failure::new("encoding", format!("the file says that it is {name}, and is not; save it as UTF-8 again"))
    })?;
    Ok((text, Charset { encoding, byte_order_mark }))
}

/// Whether a text is UTF-16 that does not say so: every second of its first bytes is 0.
pub(crate) fn is_bare_utf16(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(200)];
    let zeros = |from: usize| start.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // Of other letters than plain ones neither byte is 0.
    start.len() >= 8 && even.min(odd) == 0 && even.max(odd) * 10 >= start.len() / 2 * 9
}

pub(crate) fn bare_utf16() -> Failure {
    let message = "the file is UTF-16 and does not say which of the two kinds: save it as UTF-8, or as CSV UTF-8";
    Failure::new("encoding", message)
}

/// The line `sep=;` that tells a spreadsheet program the delimiter, and its length.
fn separator_line(text: &str) -> Option<(Delimiter, usize)> {
    let delimiter = match text.strip_prefix("sep=")?.as_bytes().first()? {
        b';' => Delimiter::Semicolon,
        b',' => Delimiter::Comma,
        b'\t' => Delimiter::Tab,
        b'|' => Delimiter::Bar,
        _ => return None,
    };
    let rest = &text["sep=;".len()..];
    let end = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with(['\n', '\r'])) };
    (end > 0).then_some((delimiter, "sep=;".len() + end))
}

impl Delimiter {
    /// The one that stands most often in the first line that is not blank, quoted cells left out.
    fn detect(text: &str) -> Delimiter {
        let header = text.trim_start_matches(['\r', '\n']);
        let mut quoted = false;
        let mut counts = [(Delimiter::Semicolon, 0), (Delimiter::Tab, 0), (Delimiter::Comma, 0), (Delimiter::Bar, 0)];
        for byte in header.bytes() {
            match byte {
                b'"' => quoted = !quoted,
                b'\r' | b'\n' if !quoted => break,
                _ if quoted => {}
                b';' => counts[0].1 += 1,
                b'\t' => counts[1].1 += 1,
                b',' => counts[2].1 += 1,
                b'|' => counts[3].1 += 1,
                _ => {}
            }
        }
        let mut most = (Delimiter::None, 0);
        for (delimiter, count) in counts {
            if count > most.1 {
                most = (delimiter, count);
            }
        }
        most.0
    }

    pub(super) fn read_byte(self) -> u8 {
        match self {
            Delimiter::Semicolon => b';',
            Delimiter::Comma => b',',
            Delimiter::Tab => b'\t',
            Delimiter::Bar => b'|',
            Delimiter::None => NOTHING,
        }
    }

    /// A file of refused rows has several columns, whatever the rows came from.
    pub(super) fn write_byte(self) -> u8 {
        if self == Delimiter::None { b';' } else { self.read_byte() }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Delimiter::Semicolon => "semicolons",
            Delimiter::Comma => "commas",
            Delimiter::Tab => "tabs",
            Delimiter::Bar => "bars",
            Delimiter::None => "one column",
        }
    }
}

impl Charset {
    pub(super) fn name(self) -> &'static str {
        match self.encoding.name() {
            "windows-1252" => "Windows-1252",
            "UTF-16LE" | "UTF-16BE" => "UTF-16",
            name => name,
        }
    }

    /// Text in this encoding; what was UTF-16 becomes UTF-8 with a byte order mark, which spreadsheet programs know as
    /// well.
    pub(super) fn encode(self, text: Vec<u8>) -> Vec<u8> {
        if self.encoding == WINDOWS_1252 {
            return WINDOWS_1252.encode(&String::from_utf8_lossy(&text)).0.into_owned();
        }
        if self.byte_order_mark { [b"\xef\xbb\xbf", text.as_slice()].concat() } else { text }
    }
}

fn refuse_open_quote(text: &str, delimiter: Delimiter, first_line: u64) -> Result<(), Failure> {
    if !text.contains('"') {
        return Ok(());
    }
    let delimiter = delimiter.read_byte();
    let mut opened = None;
    let mut at_start = true;
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        if opened.is_some() {
            // A doubled quote is one that belongs to the cell.
            if byte == b'"' && bytes.next_if(|(_, next)| *next == b'"').is_none() {
                opened = None;
            }
        } else if byte == b'"' && at_start {
            opened = Some(at);
        }
        at_start = byte == delimiter || byte == b'\n' || byte == b'\r';
    }
    match opened {
        None => Ok(()),
        Some(at) => {
            let line = LineCounter::new(text, first_line).line_at(at);
            let message =
                format!("a cell on line {line} begins with a quote that is never closed; close it, or take it away");
            Err(Failure::new("csv", message))
        }
    }
}

impl<'a> LineCounter<'a> {
    pub(super) fn new(text: &'a str, first_line: u64) -> LineCounter<'a> {
        LineCounter { text: text.as_bytes(), at: 0, line: first_line }
    }

    /// The line of the first character from `place` on that is no line break; places must not go back.
    pub(super) fn line_at(&mut self, place: usize) -> u64 {
        while let Some(byte) = self.text.get(self.at) {
            let is_break = matches!(byte, b'\r' | b'\n');
            if self.at >= place && !is_break {
                break;
            }
            let ends_line = *byte == b'\n' || (*byte == b'\r' && self.text.get(self.at + 1) != Some(&b'\n'));
            self.line += u64::from(ends_line);
            self.at += 1;
        }
        self.line
    }
}
