//! Workbooks of Excel: xlsx, as ECMA-376 has them.

use std::collections::HashMap;

use quick_xml::events::Event;

use super::grid::{Grid, MOST_COLUMNS, MOST_ROWS, Odd, is_long, number};
use super::package::{MOST_SHEETS, Package, Part, attribute, damaged, push_text, too_large, too_many_sheets};
use crate::failure::Failure;

/// The most merged regions of more than one row that a sheet may have.
const MOST_MERGED: usize = 10_000;

/// The most strings that cells share, and the most bytes of them.
const MOST_STRINGS: usize = 1 << 25;
const MOST_SHARED: usize = 1 << 29;

/// The most formats of numbers. Excel takes some hundred.
const MOST_FORMATS: usize = 1 << 16;

/// What sheets have in common.
pub(super) struct Workbook {
    /// Each sheet's name, and its part.
    pub(super) sheets: Vec<(String, String)>,
    /// All strings that cells share, one after another.
    shared: String,
    /// Where each of those ends.
    ends: Vec<u32>,
    /// What each format of cells makes of a number.
    formats: Vec<Option<Odd>>,
    /// Days count from 1904.
    from_1904: bool,
}

/// The targets of a part's relationships: by id, with the end of their type.
struct Relationships(Vec<(String, String, String)>);

/// A cell that is read.
#[derive(Default)]
struct Cell {
    kind: String,
    style: usize,
    value: Option<String>,
    has_formula: bool,
}

impl Workbook {
    pub(super) fn read(package: &mut Package<'_>) -> Result<Workbook, Failure> {
        let root = Relationships::of(package, "")?;
        let path = root.of_kind("/officeDocument").unwrap_or("xl/workbook.xml").to_owned();
        let related = Relationships::of(package, &path)?;
        let mut workbook = Workbook {
            sheets: Vec::new(),
            shared: String::new(),
            ends: Vec::new(),
            formats: Vec::new(),
            from_1904: false,
        };
        workbook.read_sheets(package, &path, &related)?;
        if let Some(path) = related.of_kind("/sharedStrings") {
            workbook.read_shared(package, path)?;
        }
        if let Some(path) = related.of_kind("/styles") {
            workbook.read_styles(package, path)?;
        }
        Ok(workbook)
    }

    fn read_sheets(&mut self, package: &mut Package<'_>, path: &str, related: &Relationships) -> Result<(), Failure> {
        let mut part = package.part(path)?.ok_or_else(|| damaged("it has no workbook in it"))?;
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "workbookPr" => {
                        self.from_1904 =
                            attribute(&element, "date1904")?.is_some_and(|value| value == "1" || value == "true");
                    }
                    "sheet" => {
                        let name = attribute(&element, "name")?.unwrap_or_default();
                        let id = attribute(&element, "id")?.unwrap_or_default();
                        // Charts and dialogs have no cells.
                        let target = related.0.iter().find(|(own, ..)| *own == id);
                        match target {
                            Some((_, kind, target)) if kind.ends_with("/worksheet") => {
                                if self.sheets.len() == MOST_SHEETS {
                                    return Err(too_many_sheets());
                                }
                                self.sheets.push((name, target.clone()));
                            }
                            Some(_) => {}
                            None => return Err(damaged("a sheet of it is missing")),
                        }
                    }
                    _ => {}
                },
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn read_shared(&mut self, package: &mut Package<'_>, path: &str) -> Result<(), Failure> {
        let Some(mut part) = package.part(path)? else { return Ok(()) };
        // Text that says how another is pronounced is not of the string.
        let (mut is_text, mut is_phonetic) = (false, false);
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "t" => is_text = true,
                    "rPh" => is_phonetic = true,
                    _ => {}
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "t" => is_text = false,
                    "rPh" => is_phonetic = false,
                    "si" => {
                        if self.shared.len() > MOST_SHARED || self.ends.len() == MOST_STRINGS {
                            return Err(too_large());
                        }
                        self.ends.push(self.shared.len() as u32);
                    }
                    _ => {}
                },
                Event::Eof => return Ok(()),
                event if is_text && !is_phonetic => push_text(&event, &mut self.shared)?,
                _ => {}
            }
        }
    }

    fn read_styles(&mut self, package: &mut Package<'_>, path: &str) -> Result<(), Failure> {
        let Some(mut part) = package.part(path)? else { return Ok(()) };
        let mut own: HashMap<u32, Option<Odd>> = HashMap::new();
        let mut is_of_cells = false;
        let id = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "numFmt" => {
                        if own.len() == MOST_FORMATS {
                            return Err(too_large());
                        }
                        let code = attribute(&element, "formatCode")?.unwrap_or_default();
                        own.insert(id(attribute(&element, "numFmtId")?), made_of_number(&code));
                    }
                    "cellXfs" => is_of_cells = true,
                    "xf" if is_of_cells => {
                        let format = id(attribute(&element, "numFmtId")?);
                        let is_date = matches!(format, 14..=22 | 27..=36 | 45..=47 | 50..=58);
                        let is_percentage = matches!(format, 9 | 10);
                        let built_in = is_date.then_some(Odd::Date).or(is_percentage.then_some(Odd::Dressed));
                        self.formats.push(own.get(&format).copied().unwrap_or(built_in));
                    }
                    _ => {}
                },
                Event::End(element) if element.local_name().as_ref() == "cellXfs" => is_of_cells = false,
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Reads a sheet into a grid, or, without one, only whether a cell of it has a value.
    pub(super) fn read_sheet(
        &self,
        package: &mut Package<'_>,
        path: &str,
        mut grid: Option<&mut Grid>,
    ) -> Result<bool, Failure> {
        let mut part = package.part(path)?.ok_or_else(|| damaged("a sheet of it is missing"))?;
        let (mut row, mut next_row, mut next_column) = (0, 0, 0);
        let (mut is_data, mut has_value) = (false, false);
        let mut merged = Vec::new();
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    // Drawings below have rows of another kind.
                    "sheetData" => is_data = true,
                    "row" if is_data => {
                        row = match attribute(&element, "r")? {
                            Some(text) => text.parse::<u32>().ok().and_then(|row| row.checked_sub(1)),
                            None => Some(next_row),
                        }
                        .filter(|row| *row >= next_row && *row < MOST_ROWS)
                        .ok_or_else(|| damaged("its rows are not in order"))?;
                        (next_row, next_column) = (row + 1, 0);
                    }
                    "c" if is_data => {
                        let column = match attribute(&element, "r")? {
                            Some(text) => place(&text).filter(|(own, _)| *own == row).map(|(_, column)| column),
                            None => Some(next_column),
                        }
                        .filter(|column| *column >= next_column && *column < MOST_COLUMNS)
                        .ok_or_else(|| damaged("its cells are not in order"))?;
                        next_column = column + 1;
                        let style = attribute(&element, "s")?.and_then(|text| text.parse().ok()).unwrap_or(0);
                        let kind = attribute(&element, "t")?.unwrap_or_default();
                        let cell = Cell { kind, style, ..Cell::default() }.read(&mut part)?;
                        let (text, odd) = self.value(cell)?;
                        has_value |= !text.trim().is_empty();
                        match grid.as_deref_mut() {
                            None if has_value => return Ok(true),
                            None => {}
                            Some(grid) => {
                                grid.cell(column, &text)?;
                                if let Some(odd) = odd {
                                    grid.note(row, column, odd)?;
                                }
                            }
                        }
                    }
                    "mergeCell" => {
                        let text = attribute(&element, "ref")?.unwrap_or_default();
                        let (from, to) = text.split_once(':').unwrap_or((&text, &text));
                        let (Some(from), Some(to)) = (place(from), place(to)) else {
                            return Err(damaged("cells are merged that cannot be"));
                        };
                        if to > from {
                            merged.push((from, to));
                        }
                        if merged.len() > MOST_MERGED {
                            let message = "too many cells of the sheet are merged: take them apart, and save it again";
                            return Err(Failure::new("workbook", message));
                        }
                    }
                    _ => {}
                },
                Event::End(element) => match (element.local_name().as_ref(), grid.as_deref_mut()) {
                    ("sheetData", _) => is_data = false,
                    ("row", Some(grid)) if is_data => grid.end_row(row)?,
                    _ => {}
                },
                Event::Eof if is_data => return Err(damaged("a sheet of it ends in its rows")),
                Event::Eof => break,
                _ => {}
            }
        }
        if let Some(grid) = grid {
            for ((first, left), (last, right)) in merged {
                for row in first..=last.min(next_row) {
                    // The first cell has the value.
                    for column in left + u32::from(row == first)..=right {
                        grid.note(row, column, Odd::Merged)?;
                    }
                }
            }
        }
        Ok(has_value)
    }

    /// The text of a cell, and what it is where it is no plain value.
    fn value(&self, cell: Cell) -> Result<(String, Option<Odd>), Failure> {
        let Cell { kind, style, value, has_formula } = cell;
        let Some(value) = value else {
            // Of a formula that gives no text there is a value, which is empty.
            return Ok((String::new(), has_formula.then_some(Odd::Formula)));
        };
        match kind.as_str() {
            "s" => {
                let at: usize = value.trim().parse().map_err(|_| damaged("a cell of it names no string"))?;
                let text = self.string(at).ok_or_else(|| damaged("a cell of it names no string"))?;
                Ok((text.to_owned(), None))
            }
            "str" | "inlineStr" => Ok((value, None)),
            "b" => Ok((format!("boolean:{}", value.trim()), Some(Odd::Boolean))),
            "e" => Ok((value, Some(Odd::Error))),
            "d" => Ok((value, Some(Odd::Date))),
            "" | "n" if value.trim().is_empty() => Ok((String::new(), has_formula.then_some(Odd::Formula))),
            "" | "n" => {
                let text = number(&value).ok_or_else(|| damaged("a number of it is none"))?;
                match self.formats.get(style).copied().flatten() {
                    Some(Odd::Date) => Ok((date(&text, self.from_1904), Some(Odd::Date))),
                    odd => {
                        let long = is_long(&text).then_some(Odd::Long);
                        Ok((text, odd.or(long)))
                    }
                }
            }
            _ => Err(damaged("a cell of it is of no known kind")),
        }
    }

    fn string(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.shared.get(start as usize..end as usize)
    }
}

impl Cell {
    /// Reads what is in the cell, up to its end.
    fn read(mut self, part: &mut Part<'_, '_>) -> Result<Cell, Failure> {
        let (mut is_text, mut is_phonetic) = (false, false);
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => {
                        is_text = true;
                        self.value = Some(String::new());
                    }
                    "is" => self.value = Some(String::new()),
                    "t" => is_text = true,
                    "rPh" => is_phonetic = true,
                    "f" => self.has_formula = true,
                    _ => {}
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "v" | "t" => is_text = false,
                    "rPh" => is_phonetic = false,
                    "c" => return Ok(self),
                    _ => {}
                },
                Event::Eof => return Err(damaged("it ends in a cell")),
                event if is_text && !is_phonetic => {
                    if let Some(value) = &mut self.value {
                        push_text(&event, value)?;
                    }
                }
                _ => {}
            }
        }
    }
}

impl Relationships {
    /// Those of a part; of the whole archive for the empty name.
    fn of(package: &mut Package<'_>, path: &str) -> Result<Relationships, Failure> {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut all = Vec::new();
        let Some(mut part) = package.part(&format!("{folder}_rels/{file}.rels"))? else {
            return Ok(Relationships(all));
        };
        loop {
            match part.next()? {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    let get = |name| attribute(&element, name).map(Option::unwrap_or_default);
                    let (id, kind, target) = (get("Id")?, get("Type")?, get("Target")?);
                    let target = if target.starts_with('/') { target } else { resolved(&folder, &target) };
                    // Beside its sheets a workbook has few parts.
                    if all.len() == 2 * MOST_SHEETS {
                        return Err(too_many_sheets());
                    }
                    all.push((id, kind, target));
                }
                Event::Eof => return Ok(Relationships(all)),
                _ => {}
            }
        }
    }

    /// The target of the first of a type. Strict and transitional workbooks have it under different beginnings.
    fn of_kind(&self, end: &str) -> Option<&str> {
        self.0.iter().find(|(_, kind, _)| kind.ends_with(end)).map(|(_, _, target)| target.as_str())
    }
}

/// A target beside the part that names it.
fn resolved(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Row and column, from 0, of a place such as `B12`.
fn place(text: &str) -> Option<(u32, u32)> {
    let text = text.replace('$', "");
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, digits) = text.split_at_checked(letters)?;
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let column = letters.bytes().fold(0, |sum, b| sum * 26 + u32::from(b.to_ascii_uppercase() - b'A') + 1) - 1;
    let row = digits.parse::<u32>().ok()?.checked_sub(1)?;
    (row < MOST_ROWS && column < MOST_COLUMNS).then_some((row, column))
}

/// What a format makes of a number: a date or a time, one with zeros before it, or one with something else in it, or
/// that is another or is not seen; none where it is shown as it is.
fn made_of_number(code: &str) -> Option<Odd> {
    let (mut is_dressed, mut says_something) = (false, false);
    // The placeholders of digits, and what is between them.
    let mut plain = String::new();
    let mut letters = code.chars();
    while let Some(c) = letters.next() {
        says_something |= c != '[';
        match c {
            '"' => {
                let text = letters.by_ref().take_while(|c| *c != '"');
                is_dressed |= text.fold(false, |found, c| found | c.is_alphanumeric());
            }
            '\\' => is_dressed |= letters.next().is_some_and(char::is_alphanumeric),
            '_' | '*' => drop(letters.next()),
            '[' => {
                // [h], [m] and [s] are times; other brackets are colours, conditions and countries.
                let inside: String = letters.by_ref().take_while(|c| *c != ']').collect();
                if !inside.is_empty() && inside.chars().all(|c| "hmsHMS".contains(c)) {
                    return Some(Odd::Date);
                }
            }
            // The first section is of positive numbers.
            ';' => break,
            'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S' => return Some(Odd::Date),
            c => plain.push(c),
        }
    }
    let digits = plain.trim_matches(|c: char| !"0#?".contains(c));
    // 3 as 300%, in thousands as 0, or not at all.
    let after_digits = plain.rsplit(|c| "0#?".contains(c)).next().unwrap_or_default();
    let is_scaled =
        plain.contains('%') || plain.contains(",.") || (!digits.is_empty() && after_digits.starts_with(','));
    let has_place = !digits.is_empty() || plain.contains('@') || plain.chars().any(char::is_alphabetic);
    is_dressed |= is_scaled || (says_something && !has_place);
    is_dressed |= digits.replace("E-", "E").contains(|c: char| !"0#?.,E+/ ".contains(c));
    if is_dressed {
        return Some(Odd::Dressed);
    }
    digits.starts_with("00").then_some(Odd::Padded)
}

/// A day that a workbook counts, as `2026-03-01`; a number that is none stays one.
fn date(text: &str, from_1904: bool) -> String {
    let Some(days) = text.parse::<f64>().ok().filter(|days| (0.0..100_000.0).contains(days)) else {
        return format!("date:{text}");
    };
    // Day 0 is 1904-01-01, or two days before 1900-01-01 for all after February of that year, which had no 29th.
    let since_1970 = days as i64 - if from_1904 { 24_107 } else { 25_569 };
    let Ok(day) = u16::try_from(since_1970) else { return format!("date:{text}") };
    stapel::Day(day).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_formats_make_of_numbers() {
        for (made, codes) in [
            (Some(Odd::Date), "d-m-yyyy|[$-413]d mmmm yyyy|hh:mm|[h]:mm|dd/mm/yy;@|\"week \"yyyy"),
            (Some(Odd::Padded), "00|0000|00.0|00;\"d\""),
            (Some(Odd::Dressed), "0\"A\"|0\\d|\"nr \"0|0-0|00\"x\"|0%|0.0 %|0,|0,,|#,##0,|0,.0|;;;|;0|\"-\"|\"\""),
            (
                None,
                "General|0|0.00|#,##0|#,##0.00;(#,##0)|# ##0|0\"%\"|\",\"0|0.00E+00|##0.0E-0|[Red]0|@|\
                 _-* #,##0.00_-|0;\"d\"|# ?/?|\"€\" 0|",
            ),
        ] {
            for code in codes.split('|') {
                assert_eq!(made_of_number(code), made, "{code}");
            }
        }
    }

    #[test]
    fn days_and_places() {
        assert_eq!(date("46082", false), "2026-03-01");
        assert_eq!(date("44620", true), "2026-03-01");
        assert_eq!(date("46082.75", false), "2026-03-01");
        assert_eq!((date("-1", false), date("1e300", false)), ("date:-1".into(), "date:1e300".into()));
        assert_eq!(
            (place("A1"), place("$b$12"), place("XFD1048576")),
            (Some((0, 0)), Some((11, 1)), Some((1_048_575, 16_383)))
        );
        for text in ["", "A", "1", "A0", "XFE1", "A1048577", "AAAA1", "A-1", "é1"] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
