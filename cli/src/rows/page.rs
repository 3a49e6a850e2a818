//! Spreadsheets that people give on a page of `stapel partner serve`: read as those of the commands are.

use std::collections::HashSet;
use std::path::PathBuf;

use csv::StringRecord;
use stapel_service::desk::{
    ReadSheet, RefusedSheetRow, SaidColumn, SaidSheet, Says, SheetFault, SheetReader, SheetRow,
};

use super::header::{ColumnArgs, Mapping};
use super::kind::Kind;
use super::text::Text;
use super::{RowArgs, Sheet, workbook};
use crate::failure::Failure;

/// Reads them, with the register that this finds.
pub(crate) struct PageSheets<F>(pub(crate) F);

impl<F: Fn() -> Option<PathBuf> + Send + Sync> SheetReader for PageSheets<F> {
    fn read(&self, bytes: &[u8], said: &SaidSheet, says: Says<'_>) -> Result<ReadSheet, SheetFault> {
        let fault = |failure: Failure| {
            let (code, message) = (failure.code(), failure.line());
            let (sheets, columns) = (sheets(bytes), names(bytes, said).unwrap_or_default());
            SheetFault { code, message, sheets, columns }
        };
        let args = args(said, (self.0)()).map_err(fault)?;
        let mut sheet = Sheet::read(bytes, &args, false, HashSet::new()).map_err(fault)?;
        let columns = sheet.layout.columns().map(|(name, word)| (name.to_owned(), word.to_owned())).collect();
        let is_resolved = sheet.rows.are_resolved;
        let typed = |(from, to): (u32, u32)| sheet.rows.typed[from as usize..to as usize].to_owned();
        let row = |row: &super::Row| SheetRow { key: row.address, typed: typed(row.typed), is_resolved };
        let rows = sheet.rows.rows.iter().map(row).collect();
        let refused = sheet.refused.iter().map(|row| {
            // The address alone, to be mended; where the row has none, all that it has says which row it is.
            let mut text = String::new();
            sheet.layout.write_typed(&StringRecord::from(row.cells.clone()), &mut text);
            if text.is_empty() {
                let cells = row.cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
                text = cells.collect::<Vec<_>>().join(" ");
            }
            let message = format!("{}: {}", row.field, row.message);
            RefusedSheetRow { line: row.line, code: row.code, message, text }
        });
        let refused: Vec<_> = refused.collect();
        sheet.refused.iter_mut().for_each(|row| row.message = says(row.code, &row.message));
        let refused_file = sheet.refused_text().map_err(fault)?;
        Ok(ReadSheet { form: sheet.text.said, sheets: sheets(bytes), columns, rows, refused, refused_file })
    }
}

/// What somebody said of a spreadsheet, as a command is told it.
fn args(said: &SaidSheet, register: Option<PathBuf>) -> Result<RowArgs, Failure> {
    let (mut maps, mut ignored) = (Vec::new(), Vec::new());
    for SaidColumn { name, field } in &said.columns {
        match field {
            None => ignored.push(name.clone()),
            Some(field) => {
                let mapping = format!("{name}={field}").parse::<Mapping>();
                maps.push(mapping.map_err(|finding| Failure::new("map", finding))?);
            }
        }
    }
    let columns = ColumnArgs { maps, ignored, reference: None, register, branch: None };
    let (header_row, sheet) = (said.header_row, said.sheet.clone());
    Ok(RowArgs { file: None, columns, header_row, sheet, dry_run: false, refused: None, number_only: false })
}

/// The names of a workbook's sheets; none of what is no workbook, or cannot be read.
fn sheets(bytes: &[u8]) -> Vec<String> {
    match Kind::of(bytes) {
        Ok(Kind::Archive) => workbook::sheets(bytes).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The names of a spreadsheet's columns, where it has a header.
fn names(bytes: &[u8], said: &SaidSheet) -> Result<Vec<String>, Failure> {
    let mut text = match Kind::of(bytes)? {
        Kind::Text => Text::read(bytes)?,
        Kind::Archive => Text::of_sheet(workbook::read(bytes, said.sheet.as_deref())?.0.text),
    };
    text.find_header(said.header_row)?;
    let mut header = StringRecord::new();
    text.rows().read_record(&mut header).map_err(super::unreadable)?;
    Ok(header.iter().map(|name| name.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], said: &[(&str, Option<&str>)]) -> Result<ReadSheet, SheetFault> {
        let said =
            said.iter().map(|(name, field)| SaidColumn { name: (*name).to_owned(), field: field.map(str::to_owned) });
        let said = SaidSheet { columns: said.collect(), ..SaidSheet::default() };
        PageSheets(|| None).read(bytes, &said, &|code, _| format!("wat {code} is"))
    }

    #[test]
    fn a_page_is_told_what_each_column_is_and_which_rows_are_none() {
        let bytes = b"Zaak;Straat;Huisnr;Postcode\nZ-1;Dam;1;1012 JS\nZ-2;Dam;;1012 JS\nZ-3;;;\n";
        let sheet = read(bytes, &[]).unwrap();
        let columns: Vec<_> = sheet.columns.iter().map(|(name, word)| (name.as_str(), word.as_str())).collect();
        let wanted = [("Zaak", "other"), ("Straat", "straat"), ("Huisnr", "huisnummer"), ("Postcode", "postcode")];
        assert_eq!(columns, wanted);
        let rows: Vec<_> =
            sheet.rows.iter().map(|row| (row.key.as_str(), row.typed.as_str(), row.is_resolved)).collect();
        assert_eq!(rows, [("1012JS|1|", "Dam 1 1012 JS", false)]);
        let refused: Vec<_> = sheet.refused.iter().map(|row| (row.line, row.text.as_str())).collect();
        assert_eq!(refused, [(3, "Dam 1012 JS"), (4, "Z-3")], "the address alone, where there is one");
        let file = String::from_utf8(sheet.refused_file).unwrap();
        assert!(file.contains("stapel_code;stapel_field") && file.contains("wat no_number is"), "{file}");
        assert!(sheet.refused[0].message.starts_with("huisnummer: "));
    }

    #[test]
    fn a_column_that_is_not_certain_is_said_to_be_something() {
        let bytes = b"Plek;Nr extra\nDam 1, 1012 JS;x\n";
        let fault = read(bytes, &[]).unwrap_err();
        assert_eq!(fault.columns, ["Plek", "Nr extra"], "{}", fault.message);
        let said = [("Plek", Some("adres")), ("Nr extra", None)];
        let sheet = read(bytes, &said).unwrap();
        assert_eq!((sheet.rows.len(), sheet.columns[1].1.as_str()), (1, "ignored"));
        assert_eq!(read(b"%PDF-1.7", &[]).unwrap_err().code, "not_a_table");
    }

    #[test]
    fn a_header_below_a_title_is_read_where_it_is_said_to_be() {
        let bytes = b"Meldingen 2026\n\nadres;zaak\nDam 1, 1012 JS;Z-1\n";
        assert_eq!(read(bytes, &[]).unwrap_err().columns, ["Meldingen 2026"]);
        let said = |header_row| SaidSheet { header_row: Some(header_row), ..SaidSheet::default() };
        let read = |said: &SaidSheet| PageSheets(|| None).read(bytes, said, &|code, _| code.to_owned());
        let sheet = read(&said(3)).unwrap();
        assert_eq!((sheet.rows.len(), sheet.columns.len(), sheet.sheets.len()), (1, 2, 0));
        assert_eq!(read(&said(2)).unwrap_err().code, "header");
        let of_none = SaidSheet { sheet: Some("A".to_owned()), ..SaidSheet::default() };
        assert_eq!(read(&of_none).unwrap_err().code, "sheet");
    }

    #[test]
    fn each_field_that_a_page_offers_is_one() {
        for field in stapel_service::desk::FIELDS {
            assert!(format!("a={field}").parse::<Mapping>().is_ok(), "{field}");
        }
    }
}
