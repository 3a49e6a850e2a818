//! Flagging: addresses that somebody types, one a line, or gives in a spreadsheet.

use axum::http::StatusCode;
use maud::{Markup, html};
use stapel::AddressKey;
use stapel::register::{Lookup, Register, RegisterError};

use super::deeds::{self, Deed, GivenRow, Kind, refused_list};
use super::forms::{Wrong, case_field, hidden, marks, said, summary, wrong_case};
use super::overview::is_case;
use super::{Download, Visit, sheet};
use crate::pages::dutch;
use crate::pages::kept::RefusedRow;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The most lines that are typed at once.
const MOST_LINES: usize = 1_000;

/// What was typed.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) case: String,
    pub(super) addresses: String,
    /// The case of a spreadsheet.
    pub(super) sheet_case: String,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    if visit.query.one("refused") == Some("file") {
        let refused = visit.kept.refused(&visit.person.actor).ok_or_else(|| Refusal::of("not_found"))?;
        let bytes = refused.file.unwrap_or_else(|| refused_file(visit.words, &refused.rows));
        visit.file = Some(Download { name: "stapel-refused.csv", kind: "text/csv; charset=utf-8", bytes });
        return Ok(html! {});
    }
    // What was refused is there to be mended.
    let kept = visit.kept.refused(&visit.person.actor);
    let (case, refused) = kept.map(|refused| (refused.case, refused.rows)).unwrap_or_default();
    let addresses: Vec<&str> = refused.iter().take(MOST_LINES).map(|row| row.text.as_str()).collect();
    let typed = Typed { case, addresses: addresses.join("\n"), ..Typed::default() };
    Ok(form(visit, &typed, &[], &refused))
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    match fields.one("do").unwrap_or_default() {
        "confirm" => return deeds::confirm(visit, fields, "/flag"),
        "forget" => {
            visit.kept.forget_refused(&visit.person.actor);
            return Ok(form(visit, &Typed::default(), &[], &[]));
        }
        "sheet" => return sheet::take(visit, fields),
        "columns" => return sheet::columns(visit, fields),
        "flag" => {}
        _ => return Err(Refusal::of("bad_request")),
    }
    let typed = Typed {
        case: fields.filled("case").unwrap_or_default().to_owned(),
        addresses: fields.one("addresses").unwrap_or_default().to_owned(),
        sheet_case: String::new(),
    };
    let mut wrong: Vec<Wrong> = wrong_case(&typed.case).into_iter().collect();
    let lines = typed.addresses.lines().filter(|line| !line.trim().is_empty()).count();
    if lines == 0 {
        wrong.push(Wrong::new("addresses", "Geef minstens één adres.", "Give at least one address."));
    } else if lines > MOST_LINES {
        let english = "Give at most 1,000 addresses at once.";
        wrong.push(Wrong::new("addresses", "Geef hoogstens 1.000 adressen tegelijk.", english));
    }
    if !wrong.is_empty() {
        return Ok(form(visit, &typed, &wrong, &[]));
    }
    let (rows, refused) = read_lines(&typed.addresses, visit.desk.register().as_ref().as_ref())?;
    if rows.is_empty() {
        let english = "None of these can be read as an address: below is why.";
        let dutch = "Geen van deze is als adres te lezen: hieronder staat waarom.";
        return Ok(form(visit, &typed, &[Wrong::new("addresses", dutch, english)], &refused));
    }
    let deed = Deed { kind: Kind::Flag, case: typed.case.clone(), rows, refused, refused_file: None };
    match deeds::ask(visit, deed, "/flag") {
        Err(refusal) if refusal.status == StatusCode::CONFLICT => {
            Ok(form(visit, &typed, &[deeds::wrong_with("addresses", &refusal)], &[]))
        }
        asked => asked,
    }
}

/// Reads an address of each line.
fn read_lines(text: &str, register: Option<&Register>) -> Result<(Vec<GivenRow>, Vec<RefusedRow>), Refusal> {
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines()).map(|(line, text)| (line, text.trim())) {
        if text.is_empty() {
            continue;
        }
        match read(text, register)? {
            Ok((key, is_resolved)) => rows.push(GivenRow { key, typed: text.to_owned(), is_resolved }),
            Err((code, english)) => {
                let dutch = dutch::of_row(code).to_owned();
                refused.push(RefusedRow { line, text: text.to_owned(), code: code.to_owned(), dutch, english });
            }
        }
    }
    Ok((rows, refused))
}

/// The address of a text, and whether a register found it; or else why it is none.
type Read = Result<(AddressKey, bool), (&'static str, String)>;

fn read(text: &str, register: Option<&Register>) -> Result<Read, Refusal> {
    let Some(register) = register else {
        let read = AddressKey::parse(text).map(|key| (key, false));
        return Ok(read.map_err(|error| (error.code(), error.message().to_owned())));
    };
    match register.resolve(Lookup::Text(text)) {
        Ok(resolved) => Ok(Ok((resolved.key, true))),
        Err(RegisterError::Address(error)) => Ok(Err((error.code(), error.message().to_owned()))),
        // It says nothing of the address.
        Err(error @ (RegisterError::System(_) | RegisterError::Unusable { .. })) => Err(error.into()),
        Err(error) => Ok(Err((error.code(), error.to_string()))),
    }
}

/// Rows that were refused as a spreadsheet, to be mended and given again.
fn refused_file(words: Words, rows: &[RefusedRow]) -> Vec<u8> {
    // A spreadsheet program takes it for UTF-8 by this mark.
    let mut text = String::from("\u{feff}");
    text.push_str("stapel_line;stapel_code;stapel_message;adres\r\n");
    for row in rows {
        let said = words.t(row.dutch.as_str(), row.english.as_str());
        let cells = [row.line.to_string(), row.code.clone(), cell(said), cell(&row.text)];
        text.push_str(&cells.join(";"));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// A cell, quoted, that no spreadsheet program takes for a formula.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\""))
}

pub(super) fn form(visit: &Visit<'_>, typed: &Typed, wrong: &[Wrong], refused: &[RefusedRow]) -> Markup {
    let words = visit.words;
    let (invalid, described) = marks(wrong, "addresses");
    let case = if is_case(&typed.case) || !wrong.is_empty() { typed.case.as_str() } else { "" };
    let is_kept = visit.kept.refused(&visit.person.actor).is_some();
    html! {
        (summary(words, wrong))
        p {
            (words.t(
                "Meld een adres alleen als uw organisatie er nu zelf een zorg over heeft, volgens de afspraken. Hierna \
                 leest u wie dit te weten komt, en bevestigt u het.",
                "Flag an address only if your organisation itself has a current concern about it, as the policy says. \
                 Next you read who will learn of this, and confirm it.",
            ))
        }
        @if !refused.is_empty() {
            section aria-labelledby="refused" {
                h2 #refused {
                    (words.t("Geweigerd, om te herstellen: ", "Refused, to be mended: "))
                    (words.number(refused.len() as u64))
                }
                (refused_list(words, refused))
                @if is_kept {
                    p {
                        a href={ "/" (words.lang()) "/flag?refused=file" } {
                            (words.t("Bewaar ze als CSV-bestand", "Keep them as a CSV file"))
                        }
                    }
                    form method="post" action={ "/" (words.lang()) "/flag" } {
                        (hidden(visit, "forget"))
                        button.plain type="submit" { (words.t("Vergeet deze regels", "Forget these rows")) }
                    }
                }
            }
        }
        form method="post" action={ "/" (words.lang()) "/flag" } {
            (hidden(visit, "flag"))
            (case_field(words, wrong, case))
            div.field.wide {
                label for="addresses" { (words.t("Adressen, één per regel", "Addresses, one a line")) }
                p.hint #addresses-hint {
                    (words.t(
                        "Met postcode en huisnummer, zoals Molenstraat 12-A, 1012 JS.",
                        "With postcode and house number, as Molenstraat 12-A, 1012 JS.",
                    ))
                }
                (said(words, wrong, "addresses"))
                textarea #addresses name="addresses" rows="8" autocomplete="off" aria-invalid=[invalid]
                    aria-describedby=[described] { (typed.addresses) }
            }
            button type="submit" { (words.t("Verder", "Next")) }
        }
        (sheet::form(visit, wrong, &typed.sheet_case))
    }
}
