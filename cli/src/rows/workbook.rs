//! The sheet of a workbook that holds the rows.

use super::grid::Grid;
use super::package::{Format, MOST_INFLATED, Package};
use super::{ods, xlsx};
use crate::failure::Failure;
use crate::output::plain;

/// The most sheets that an error names.
const MOST_NAMED: usize = 20;

/// Reads the sheet of that name; without one the only sheet that has rows. Gives what was read, in words, too.
pub(super) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<(Grid, String), Failure> {
    let mut package = Package::open(bytes, MOST_INFLATED)?;
    let mut grid = Grid::default();
    let said = match package.format()? {
        Format::Xlsx => {
            let workbook = xlsx::Workbook::read(&mut package)?;
            let names = workbook.sheets.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
            let at = choose(&names, wanted, |at| workbook.read_sheet(&mut package, &workbook.sheets[at].1, None))?;
            workbook.read_sheet(&mut package, &workbook.sheets[at].1, Some(&mut grid))?;
            format!("xlsx, sheet '{}'", plain(names[at]))
        }
        Format::Ods => {
            let sheets = ods::sheets(&mut package)?;
            let names = sheets.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
            let at = choose(&names, wanted, |at| Ok(sheets[at].1))?;
            ods::read_sheet(&mut package, at, &mut grid)?;
            format!("ods, sheet '{}'", plain(names[at]))
        }
    };
    grid.odd.sort_unstable_by_key(|(place, _)| *place);
    Ok((grid, said))
}

/// The names of all sheets.
pub(super) fn sheets(bytes: &[u8]) -> Result<Vec<String>, Failure> {
    let mut package = Package::open(bytes, MOST_INFLATED)?;
    Ok(match package.format()? {
        Format::Xlsx => xlsx::Workbook::read(&mut package)?.sheets.into_iter().map(|(name, _)| name).collect(),
        Format::Ods => ods::sheets(&mut package)?.into_iter().map(|(name, _)| name).collect(),
    })
}

/// The place of the sheet that was named, or of the only one that has rows.
fn choose(
    names: &[&str],
    wanted: Option<&str>,
    mut has_rows: impl FnMut(usize) -> Result<bool, Failure>,
) -> Result<usize, Failure> {
    if let Some(wanted) = wanted {
        let is_same = |name: &&str| name.trim().to_lowercase() == wanted.trim().to_lowercase();
        let found = names.iter().position(|name| *name == wanted).or_else(|| names.iter().position(is_same));
        return found.ok_or_else(|| {
            let message =
                format!("it has no sheet '{}': its sheets are {}", plain(wanted), listed(names.iter().copied()));
            Failure::new("sheet", message)
        });
    }
    let mut with_rows = Vec::new();
    for at in 0..names.len() {
        if has_rows(at)? {
            with_rows.push(at);
        }
    }
    match with_rows[..] {
        [only] => Ok(only),
        [] => Err(Failure::new("sheet", "no sheet of it has rows: fill one in, or give another file")),
        _ => {
            let message = format!(
                "several sheets of it have rows: {}; choose one with --sheet NAME",
                listed(with_rows.iter().map(|at| names[*at]))
            );
            Err(Failure::new("sheet", message))
        }
    }
}

fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(MOST_NAMED);
    let named: Vec<_> = names.take(MOST_NAMED).map(|name| format!("'{}'", plain(name))).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}
