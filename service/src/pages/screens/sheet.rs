//! A spreadsheet of addresses: what its columns are is shown and confirmed before anything is flagged.

use std::sync::Arc;

use maud::{Markup, html};

use super::Visit;
use super::deeds::{self, Deed, GivenRow, Kind, refused_list};
use super::flagging::{self, Typed};
use super::forms::{Wrong, hidden, marks, said, wrong_case};
use super::overview::shown;
use super::parts::row;
use crate::desk::{FIELDS, ReadSheet, SaidColumn, SaidSheet, SheetFault};
use crate::pages::dutch;
use crate::pages::kept::{RefusedRow, Upload};
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The most rows of a spreadsheet; more are for the command.
const MOST_ROWS: usize = 50_000;

/// How many rows are shown as they were read.
const FIRST: usize = 5;

/// The form in which somebody chooses a file, or drops one on its field.
pub(super) fn form(visit: &Visit<'_>, wrong: &[Wrong], case: &str) -> Markup {
    let words = visit.words;
    let marked = |field: &str| marks(wrong, field);
    let ((case_invalid, case_described), (invalid, described)) = (marked("sheet-case"), marked("file"));
    html! {
        section aria-labelledby="sheet" {
            h2 #sheet { (words.t("Of met een spreadsheet", "Or with a spreadsheet")) }
            p {
                (words.t(
                    "CSV, Excel (.xlsx) of OpenDocument (.ods), tot 4 MiB en 50.000 regels, met de namen van de \
                     kolommen erboven. Formules worden niet uitgerekend. Hierna ziet u eerst hoe de kolommen gelezen \
                     zijn.",
                    "CSV, Excel (.xlsx) or OpenDocument (.ods), up to 4 MiB and 50,000 rows, with the names of the \
                     columns above it. No formula is worked out. Next you see how the columns were read.",
                ))
            }
            form method="post" action={ "/" (words.lang()) "/flag" } enctype="multipart/form-data" {
                (hidden(visit, "sheet"))
                div.field {
                    label for="sheet-case" { (words.t("Zaak, voor alle regels", "Case, for all rows")) }
                    p.hint #sheet-case-hint {
                        (words.t("Het kenmerk in uw eigen systeem.", "The reference in your own system."))
                    }
                    (said(words, wrong, "sheet-case"))
                    input #sheet-case name="case" type="text" value=(case) autocomplete="off" maxlength="200"
                        aria-invalid=[case_invalid] aria-describedby=[case_described];
                }
                div.field {
                    label for="file" { (words.t("Bestand", "File")) }
                    p.hint #file-hint {
                        (words.t("Kies het, of sleep het op het veld.", "Choose it, or drop it on the field."))
                    }
                    (said(words, wrong, "file"))
                    input #file name="file" type="file" accept=".csv,.xlsx,.ods,.txt" aria-invalid=[invalid]
                        aria-describedby=[described];
                }
                button type="submit" { (words.t("Kolommen bekijken", "See the columns")) }
            }
        }
    }
}

/// Takes a file, and shows its columns.
pub(super) fn take(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let case = fields.filled("case").unwrap_or_default().to_owned();
    let mut wrong: Vec<Wrong> = wrong_case(&case).into_iter().collect();
    wrong.iter_mut().for_each(|one| one.field = "sheet-case");
    let file = fields.file();
    if file.is_none() {
        wrong.push(Wrong::new("file", "Kies een bestand dat niet leeg is.", "Choose a file that is not empty."));
    }
    match file.filter(|_| wrong.is_empty()) {
        None => Ok(flagging::form(visit, &Typed { sheet_case: case, ..Typed::default() }, &wrong, &[])),
        Some(bytes) => {
            let upload = Upload { bytes: Arc::new(bytes.to_vec()), case };
            let token = visit.kept.take(visit.csrf, upload.clone(), visit.now).ok_or_else(Refusal::internal)?;
            let said = SaidSheet::default();
            let read = read(visit, &upload.bytes, &said);
            Ok(shown_columns(visit, &token, &upload, &said, &read))
        }
    }
}

/// Reads the file again with what was said of its columns; goes on where they are confirmed.
pub(super) fn columns(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let token = fields.one("token").unwrap_or_default();
    let upload = visit.kept.upload(visit.csrf, token, visit.now).ok_or_else(|| Refusal::of("not_asked"))?;
    let sheet = fields.filled("sheet").map(str::to_owned);
    let header_row = fields.filled("header").map(str::parse).transpose().map_err(|_| Refusal::of("bad_request"))?;
    let mut said = SaidSheet { sheet, header_row, columns: Vec::new() };
    // Other columns than those that were shown: nothing was said of them, and nobody saw what they are.
    let differs = |is, was| fields.filled(is) != fields.filled(was);
    let is_other = differs("sheet", "was_sheet") || differs("header", "was_header");
    for (name, field) in fields.all("column").zip(fields.all("field")).filter(|(_, field)| !field.is_empty()) {
        let field = match field {
            "ignored" => None,
            field if FIELDS.contains(&field) => Some(field.to_owned()),
            _ => return Err(Refusal::of("bad_request")),
        };
        if !is_other {
            said.columns.push(SaidColumn { name: name.to_owned(), field });
        }
    }
    let read = read(visit, &upload.bytes, &said);
    match read {
        Ok(sheet) if fields.one("next") == Some("ask") && !is_other && is_usable(&sheet) => {
            let (rows, refused) = given(&sheet);
            let refused_file = (!refused.is_empty()).then_some(sheet.refused_file);
            deeds::ask(visit, Deed { kind: Kind::Flag, case: upload.case, rows, refused, refused_file }, "/flag")
        }
        read => Ok(shown_columns(visit, token, &upload, &said, &read)),
    }
}

/// Reads a spreadsheet. The file of its refused rows says why in the language of the page.
fn read(visit: &Visit<'_>, bytes: &[u8], said: &SaidSheet) -> Result<ReadSheet, SheetFault> {
    let words = visit.words;
    let says = |code: &'static str, english: &str| words.t(dutch::of_row(code), english).to_owned();
    visit.desk.sheets().read(bytes, said, &says)
}

/// Whether anything can be flagged with it.
fn is_usable(sheet: &ReadSheet) -> bool {
    !sheet.rows.is_empty() && sheet.rows.len() + sheet.refused.len() <= MOST_ROWS
}

fn given(sheet: &ReadSheet) -> (Vec<GivenRow>, Vec<RefusedRow>) {
    let row =
        |row: &crate::desk::SheetRow| GivenRow { key: row.key, typed: row.typed.clone(), is_resolved: row.is_resolved };
    (sheet.rows.iter().map(row).collect(), refused(sheet))
}

fn refused(sheet: &ReadSheet) -> Vec<RefusedRow> {
    let row = |row: &crate::desk::RefusedSheetRow| RefusedRow {
        line: row.line,
        text: row.text.clone(),
        code: row.code.to_owned(),
        dutch: dutch::of_row(row.code).to_owned(),
        english: row.message.clone(),
    };
    sheet.refused.iter().map(row).collect()
}

/// What each column was read as, or why that is not certain, to be confirmed or said otherwise.
fn shown_columns(
    visit: &Visit<'_>,
    token: &str,
    upload: &Upload,
    said: &SaidSheet,
    read: &Result<ReadSheet, SheetFault>,
) -> Markup {
    let words = visit.words;
    let sheets = match read {
        Ok(sheet) => &sheet.sheets,
        Err(fault) => &fault.sheets,
    };
    let columns: Vec<(&str, &str)> = match read {
        Ok(sheet) => sheet.columns.iter().map(|(name, read_as)| (name.as_str(), read_as.as_str())).collect(),
        Err(fault) => fault.columns.iter().map(|name| (name.as_str(), "")).collect(),
    };
    html! {
        @match read {
            Err(fault) => div.alert role="alert" {
                p {
                    b {
                        (words.t(
                            "Dit bestand is nog niet te lezen. Er is niets gedaan.",
                            "This file cannot be read yet. Nothing was done.",
                        ))
                    }
                }
                p { (words.t(dutch::of_sheet(fault.code), &fault.message)) " " code { (fault.code) } }
                @if !columns.is_empty() {
                    p {
                        (words.t(
                            "Zeg hieronder wat de kolommen zijn, en lees het opnieuw.",
                            "Say below what the columns are, and read it again.",
                        ))
                    }
                }
            },
            Ok(sheet) => (numbers(words, upload, sheet)),
        }
        @if !columns.is_empty() || !sheets.is_empty() || said.header_row.is_some() {
            form method="post" action={ "/" (words.lang()) "/flag" } {
                (hidden(visit, "columns"))
                input type="hidden" name="token" value=(token);
                (place(words, sheets, said))
                @if !columns.is_empty() { (chosen(words, &columns, &said.columns)) }
                div.actions {
                    @if read.as_ref().is_ok_and(is_usable) {
                        button type="submit" name="next" value="ask" {
                            (words.t("De kolommen kloppen, verder", "The columns are right, next"))
                        }
                    }
                    button.plain type="submit" name="next" value="read" { (words.t("Opnieuw lezen", "Read again")) }
                }
            }
        }
        @if let Ok(sheet) = read {
            @if !sheet.refused.is_empty() {
                section aria-labelledby="refused" {
                    h2 #refused {
                        (words.t("Niet te lezen: ", "Cannot be read: ")) (words.number(sheet.refused.len() as u64))
                    }
                    (refused_list(words, &refused(sheet)))
                }
            }
        }
        p { a href={ "/" (words.lang()) "/flag" } { (words.t("Een ander bestand", "Another file")) } }
    }
}

/// What was read, and the first rows of it.
fn numbers(words: Words, upload: &Upload, sheet: &ReadSheet) -> Markup {
    let rows = sheet.rows.len() + sheet.refused.len();
    html! {
        @if rows > MOST_ROWS {
            div.alert role="alert" {
                p {
                    (words.t(
                        "Dit zijn meer dan 50.000 regels: deel het bestand, of gebruik ",
                        "These are more than 50,000 rows: cut the file, or use ",
                    ))
                    code { "stapel partner flag" } "."
                }
            }
        }
        section aria-labelledby="read" {
            h2 #read { (words.t("Zo is het gelezen", "This is how it was read")) }
            dl {
                (row(words.t("Zaak", "Case"), &html! { (upload.case) }))
                (row(words.t("Bestand", "File"), &html! {
                    (words.t(dutch::of_form(&sheet.form), sheet.form.clone()))
                }))
                (row(words.t("Adressen", "Addresses"), &html! { (words.number(sheet.rows.len() as u64)) }))
                (row(words.t("Niet te lezen", "Cannot be read"), &html! {
                    (words.number(sheet.refused.len() as u64))
                }))
            }
            @if !sheet.rows.is_empty() {
                h3 { (words.t("De eerste", "The first")) }
                ul {
                    @for row in sheet.rows.iter().take(FIRST) {
                        li { (row.typed) " → " b { (shown(String::new(), &row.key)) } }
                    }
                }
            }
        }
    }
}

/// Which sheet it is, of a workbook that has several, and the line of its header.
fn place(words: Words, sheets: &[String], said: &SaidSheet) -> Markup {
    let sheet = said.sheet.as_deref();
    html! {
        div.fields {
            @if sheets.len() > 1 || sheet.is_some() {
                div.field {
                    label for="of-sheet" { (words.t("Blad", "Sheet")) }
                    select #of-sheet name="sheet" {
                        option value="" selected[sheet.is_none()] {
                            (words.t("het enige met regels", "the only one with rows"))
                        }
                        @for name in sheets { option value=(name) selected[sheet == Some(name.as_str())] { (name) } }
                    }
                }
            }
            div.field {
                label for="header" {
                    (words.t("Regel met de namen van de kolommen", "Line with the names of the columns"))
                }
                p.hint #header-hint {
                    (words.t("Leeg is: de eerste die niet leeg is.", "Empty is: the first that is not blank."))
                }
                input #header name="header" type="number" min="1" value=[said.header_row]
                    aria-describedby="header-hint";
            }
        }
        input type="hidden" name="was_sheet" value=(sheet.unwrap_or_default());
        input type="hidden" name="was_header" value=[said.header_row];
    }
}

/// The columns, each with what it was read as and what else it may be.
fn chosen(words: Words, columns: &[(&str, &str)], said: &[SaidColumn]) -> Markup {
    html! {
        fieldset {
            legend { (words.t("Kolommen", "Columns")) }
            div.fields {
                @for (at, (name, read_as)) in columns.iter().enumerate() {
                    @let own = said.iter().find(|column| column.name == *name);
                    div.field {
                        label for={ "column-" (at) } {
                            @if name.is_empty() { (words.t("(zonder naam)", "(without a name)")) } @else { (name) }
                        }
                        input type="hidden" name="column" value=(name);
                        select id={ "column-" (at) } name="field" {
                            @if own.is_none() {
                                option value="" selected {
                                    @if read_as.is_empty() {
                                        (words.t("zoals de naam zegt", "as its name says"))
                                    } @else {
                                        (words.t("gelezen als: ", "read as: ")) (called(words, read_as))
                                    }
                                }
                            } @else {
                                option value="" { (words.t("zoals de naam zegt", "as its name says")) }
                            }
                            option value="ignored" selected[own.is_some_and(|own| own.field.is_none())] {
                                (called(words, "ignored"))
                            }
                            @for field in FIELDS {
                                @let is_said = own.is_some_and(|own| own.field.as_deref() == Some(field));
                                option value=(field) selected[is_said] {
                                    (called(words, field))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a column is, in words.
fn called(words: Words, field: &str) -> &str {
    match field {
        "adres" => words.t("het hele adres op één regel", "the whole address on one line"),
        "postcode" => "postcode",
        "huisnummer" => words.t("huisnummer", "house number"),
        "huisletter" => words.t("huisletter", "house letter"),
        "toevoeging" => words.t("toevoeging", "addition"),
        "straat" => words.t("straat", "street"),
        "woonplaats" => words.t("woonplaats", "town"),
        "bag_id" => "BAG-id",
        "aanduiding" => words.t("aanduiding bij het huisnummer", "designation of the house number"),
        "locatiebeschrijving" => words.t("omschrijving van de plek", "description of the place"),
        "status" => words.t("status van het adres", "status of the address"),
        "ref" => words.t("eigen kenmerk van de regel", "own reference of the row"),
        "ignored" => words.t("overslaan", "pass over"),
        "unnamed" => words.t("leeg", "empty"),
        "other" => words.t("niets van het adres", "nothing of the address"),
        other => other,
    }
}
