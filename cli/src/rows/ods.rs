//! Workbooks of LibreOffice: ods, as ODF 1.2 has them.

use quick_xml::events::{BytesStart, Event};

use super::grid::{Grid, MOST_COLUMNS, MOST_ROWS, Odd, is_long, number};
use super::package::{MOST_SHEETS, Package, Part, attribute, damaged, push_text, too_large, too_many_sheets};
use crate::failure::Failure;

/// The most spaces that stand for one element.
const MOST_SPACES: usize = 100;

/// The most bytes of a cell, and of a row: a short element may stand for many spaces. Programs keep some ten thousand
/// letters of a cell.
const MOST_CELL: usize = 1 << 18;
const MOST_ROW: usize = 1 << 24;

/// A cell that is read.
struct Cell {
    text: String,
    odd: Option<Odd>,
    /// How many columns it takes.
    repeated: u32,
}

/// The names of the sheets that are, and whether each has a value.
pub(super) fn sheets(package: &mut Package<'_>) -> Result<Vec<(String, bool)>, Failure> {
    let mut sheets = Vec::new();
    read_tables(package, |name, part| {
        let has_value = read_table(part, None)?;
        if sheets.len() == MOST_SHEETS {
            return Err(too_many_sheets());
        }
        sheets.push((name, has_value));
        Ok(())
    })?;
    Ok(sheets)
}

/// Reads a sheet into a grid: the one at that place among all.
pub(super) fn read_sheet(package: &mut Package<'_>, wanted: usize, grid: &mut Grid) -> Result<(), Failure> {
    let mut at = 0;
    read_tables(package, |_, part| {
        let into = (at == wanted).then_some(&mut *grid);
        at += 1;
        read_table(part, into).map(drop)
    })
}

fn read_tables(
    package: &mut Package<'_>,
    mut read: impl FnMut(String, &mut Part<'_, '_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut part = package.part("content.xml")?.ok_or_else(|| damaged("it has no content"))?;
    loop {
        let name = match part.next()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "table" => {
                    let name = attribute(&element, "name")?.unwrap_or_default();
                    read(name, &mut part)?;
                    continue;
                }
                // Cells that were changed, and those of other files.
                "tracked-changes" | "dde-links" => element.name().as_ref().to_owned(),
                _ => continue,
            },
            Event::Eof => return Ok(()),
            _ => continue,
        };
        part.skip(&name)?;
    }
}

/// Reads a table that was begun, up to its end, and says whether a cell of it has a value.
fn read_table(part: &mut Part<'_, '_>, mut grid: Option<&mut Grid>) -> Result<bool, Failure> {
    let (mut row, mut has_value) = (0_u32, false);
    loop {
        let skipped = match part.next()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "table-row" => {
                    let repeated = count(&element, "number-rows-repeated")?;
                    let cells = read_row(part)?;
                    let holds = cells.iter().any(|cell| !cell.text.trim().is_empty());
                    has_value |= holds;
                    let is_noted = holds || cells.iter().any(|cell| cell.odd.is_some());
                    if let Some(grid) = grid.as_deref_mut().filter(|_| is_noted) {
                        // What fills a sheet to its end is a format, and has no value.
                        for row in row..row.saturating_add(repeated).min(MOST_ROWS + 1) {
                            write_row(&cells, row, grid)?;
                        }
                    }
                    row = row.saturating_add(repeated);
                    continue;
                }
                // Drawings and forms may have tables in them.
                "shapes" | "forms" => element.name().as_ref().to_owned(),
                _ => continue,
            },
            Event::End(element) if element.local_name().as_ref() == "table" => return Ok(has_value),
            Event::Eof => return Err(damaged("it ends in a sheet")),
            _ => continue,
        };
        part.skip(&skipped)?;
    }
}

fn write_row(cells: &[Cell], row: u32, grid: &mut Grid) -> Result<(), Failure> {
    let mut column = 0_u32;
    for cell in cells {
        if !cell.text.is_empty() || cell.odd.is_some() {
            for column in column..column.saturating_add(cell.repeated) {
                if column >= MOST_COLUMNS {
                    return Err(too_large());
                }
                grid.cell(column, &cell.text)?;
                if let Some(odd) = cell.odd {
                    grid.note(row, column, odd)?;
                }
            }
        }
        column = column.saturating_add(cell.repeated);
    }
    grid.end_row(row)
}

fn read_row(part: &mut Part<'_, '_>) -> Result<Vec<Cell>, Failure> {
    let (mut cells, mut length): (Vec<Cell>, usize) = (Vec::new(), 0);
    loop {
        match part.next()? {
            Event::Start(element) if element.local_name().as_ref().ends_with("table-cell") => {
                let is_covered = element.local_name().as_ref() == "covered-table-cell";
                let repeated = count(&element, "number-columns-repeated")?;
                let said = Said::of(&element)?;
                let mut cell = read_cell(part, said)?;
                if is_covered {
                    cell.odd = Some(Odd::Merged);
                }
                length += cell.text.len();
                if cells.len() == MOST_COLUMNS as usize || length > MOST_ROW {
                    return Err(too_large());
                }
                cells.push(Cell { repeated, ..cell });
            }
            Event::End(element) if element.local_name().as_ref() == "table-row" => return Ok(cells),
            Event::Eof => return Err(damaged("it ends in a row")),
            _ => {}
        }
    }
}

/// What a cell's own attributes say of its value.
struct Said {
    kind: Option<String>,
    value: Option<String>,
    date: Option<String>,
    text: Option<String>,
    is_error: bool,
    has_formula: bool,
}

impl Said {
    fn of(element: &BytesStart<'_>) -> Result<Said, Failure> {
        let mut said = Said { kind: None, value: None, date: None, text: None, is_error: false, has_formula: false };
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|_| damaged("an attribute is not well-formed"))?;
            let value = || {
                let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
                value.map(|value| value.into_owned()).map_err(|_| damaged("an attribute is not well-formed"))
            };
            // LibreOffice says the kind a second time under a name of its own, and there whether it is an error.
            match attribute.key.as_ref() {
                "calcext:value-type" => said.is_error = value()? == "error",
                name => match name.rsplit_once(':').map_or(name, |(_, local)| local) {
                    "value-type" => said.kind = Some(value()?),
                    "value" | "boolean-value" => said.value = Some(value()?),
                    "date-value" | "time-value" => said.date = Some(value()?),
                    "string-value" => said.text = Some(value()?),
                    "formula" => said.has_formula = true,
                    _ => {}
                },
            }
        }
        Ok(said)
    }
}

/// Reads what is in a cell, up to its end.
fn read_cell(part: &mut Part<'_, '_>, said: Said) -> Result<Cell, Failure> {
    let shown = read_text(part)?;
    let value = said.value.unwrap_or_default();
    let (text, odd) = match said.kind.as_deref() {
        _ if said.is_error => (shown, Some(Odd::Error)),
        None if said.has_formula => (shown, Some(Odd::Formula)),
        None => (shown, None),
        Some("float" | "currency" | "percentage") => {
            let text = number(&value).ok_or_else(|| damaged("a number of it is none"))?;
            let odd = made_of_number(&shown).or(is_long(&text).then_some(Odd::Long));
            (text, odd)
        }
        Some("string") => (said.text.unwrap_or(shown), None),
        Some("date" | "time") => (said.date.unwrap_or(shown), Some(Odd::Date)),
        Some("boolean") => (format!("boolean:{value}"), Some(Odd::Boolean)),
        Some("void") => (String::new(), None),
        Some(_) => return Err(damaged("a cell of it is of no known kind")),
    };
    Ok(Cell { text, odd, repeated: 1 })
}

/// The paragraphs of a cell, with spaces between them, without its notes.
fn read_text(part: &mut Part<'_, '_>) -> Result<String, Failure> {
    let mut text = String::new();
    let mut depth = 0;
    loop {
        if text.len() > MOST_CELL {
            return Err(too_large());
        }
        let skipped = match part.next()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "p" => {
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    depth += 1;
                    continue;
                }
                "s" => {
                    let spaces = attribute(&element, "c")?.and_then(|text| text.parse().ok()).unwrap_or(1);
                    text.extend(std::iter::repeat_n(' ', MOST_SPACES.min(spaces)));
                    continue;
                }
                "tab" | "line-break" => {
                    text.push(' ');
                    continue;
                }
                "annotation" | "frame" | "g" | "custom-shape" | "table" => element.name().as_ref().to_owned(),
                _ => continue,
            },
            Event::End(element) => match element.local_name().as_ref() {
                "table-cell" | "covered-table-cell" => return Ok(text),
                "p" => {
                    depth -= 1;
                    continue;
                }
                _ => continue,
            },
            Event::Eof => return Err(damaged("it ends in a cell")),
            event => {
                if depth > 0 {
                    push_text(&event, &mut text)?;
                }
                continue;
            }
        };
        part.skip(&skipped)?;
    }
}

/// What is shown of a number: one with zeros before it, or one with something else in it; none where it is shown as it
/// is. Separators and signs do not count.
fn made_of_number(shown: &str) -> Option<Odd> {
    let shown = shown.trim();
    let letters = shown.replace("E+", "").replace("E-", "");
    if letters.contains(|c: char| c.is_alphabetic() || c == '%')
        || (shown.contains('-') && !shown.starts_with('-') && letters == shown)
    {
        return Some(Odd::Dressed);
    }
    let digits = shown.trim_start_matches(|c: char| !c.is_ascii_digit());
    let is_padded = digits.strip_prefix('0').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_padded.then_some(Odd::Padded)
}

fn count(element: &BytesStart<'_>, name: &str) -> Result<u32, Failure> {
    match attribute(element, name)? {
        Some(text) => text.parse().ok().filter(|count| *count > 0).ok_or_else(|| damaged("a count of it is none")),
        None => Ok(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_numbers() {
        for (made, all) in [
            (Some(Odd::Padded), "02|0012|00,5"),
            (Some(Odd::Dressed), "12A|nr 12|1-2|EUR 12|12%|300 %"),
            (None, "|12|12,00|12.0|1.234|0|0,5|-12|€ 12|1,2E+01|-1E-05"),
        ] {
            for shown in all.split('|') {
                assert_eq!(made_of_number(shown), made, "{shown}");
            }
        }
    }
}
