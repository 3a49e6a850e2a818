//! A spreadsheet that somebody gives: its columns first, what cannot be read, and then as other flags.

use stapel::AddressKey;
use stapel_service::desk::{ReadSheet, RefusedSheetRow, SaidSheet, Says, SheetFault, SheetReader, SheetRow};

use super::acting::token;
use super::monday::plain;
use super::{Browser, Office, refusal, text};

/// Reads lines of one column, which has to be called or said to be `adres`; as a workbook what has sheets, each after a
/// line such as `#A`.
pub(super) struct Lines;

impl SheetReader for Lines {
    fn read(&self, bytes: &[u8], said: &SaidSheet, says: Says<'_>) -> Result<ReadSheet, SheetFault> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let sheets: Vec<_> = text.split('#').skip(1).map(|one| one.lines().next().unwrap().to_owned()).collect();
        let fault = |code, message: &str, columns| {
            Err(SheetFault { code, message: message.to_owned(), sheets: sheets.clone(), columns })
        };
        if text.is_empty() {
            return fault("not_a_table", "this is <no> table", vec![]);
        }
        let text = match &said.sheet {
            None if sheets.len() > 1 => return fault("sheet", "several sheets have rows", vec![]),
            None => text,
            Some(sheet) => text.split('#').find_map(|one| one.strip_prefix(&format!("{sheet}\n"))).unwrap(),
        };
        let header = said.header_row.unwrap_or(1);
        let mut lines = (1..).zip(text.lines()).skip_while(|(line, _)| *line < header);
        let (_, name) = lines.next().unwrap_or_default();
        let is_said = said.columns.iter().any(|one| one.name == name && one.field.as_deref() == Some("adres"));
        if name != "adres" && !is_said {
            return fault("header", "no column is an address", vec![name.to_owned()]);
        }
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        for (line, text) in lines {
            match AddressKey::parse(text) {
                Ok(key) => rows.push(SheetRow { key, typed: text.to_owned(), is_resolved: false }),
                Err(error) => refused.push(RefusedSheetRow {
                    line,
                    code: error.code(),
                    message: error.message().to_owned(),
                    text: text.to_owned(),
                }),
            }
        }
        let said: Vec<_> = refused.iter().map(|row: &RefusedSheetRow| says(row.code, &row.message)).collect();
        let refused_file = format!("stapel_line\r\n{}\r\n{}", refused.len(), said.join("\r\n")).into_bytes();
        let columns = vec![(name.to_owned(), "adres".to_owned())];
        Ok(ReadSheet { form: "lines".to_owned(), sheets, columns, rows, refused, refused_file })
    }
}

fn office() -> Office {
    let office = Office::new();
    office.served.desk.read_sheets_with(Lines);
    office
}

impl Browser {
    pub(super) fn give(&mut self, case: &str, file: &[u8]) -> (u16, String) {
        let csrf = self.csrf();
        let response = self.post_parts(&[("csrf", &csrf), ("do", "sheet"), ("case", case)], Some(file));
        (response.status, text(&response))
    }

    fn post_parts(&mut self, fields: &[(&str, &str)], file: Option<&[u8]>) -> crate::desk::Response {
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        if let Some(file) = file {
            let file = String::from_utf8_lossy(file);
            body += "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
            body += &format!("{file}\r\n");
        }
        body += "--b--\r\n";
        let head = format!(
            "POST /nl/flag HTTP/1.1\r\nHost: {}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: \
             {}\r\nOrigin: http://{}\r\n",
            self.host,
            body.len(),
            self.host
        );
        self.say(&head, &body)
    }
}

const FILE: &[u8] = b"adres\nDam 1-A, 1012 JS Amsterdam\nKerkplein\n<script>alert(1)</script>\nDam 2, 1012 JS\n";

#[test]
fn a_spreadsheets_columns_are_confirmed_before_anything_is_flagged() {
    let office = office();
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let (status, page) = browser.give("Z-1", FILE);
    let said = plain(&page);
    assert_eq!(status, 200, "{said}");
    for part in [
        "Zo is het gelezen",
        "Adressen 2",
        "Niet te lezen 2",
        "Dam 2, 1012 JS → 1012JS 2",
        "adres gelezen als: het hele adres op één regel",
        "Regel 3: Kerkplein – ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    let columns = format!("do=columns&token={}&column=adres&field=", token(&page));
    // Another has no such file, and what is no field is none.
    let mut other = office.signed_in("m.smit", &["look", "flag"]);
    assert_eq!(other.send("/nl/flag", &format!("{columns}&next=ask")).0, 409);
    assert_eq!(browser.send("/nl/flag", &format!("{columns}naam&next=ask")).0, 400);
    let (_, page) = browser.send("/nl/flag", &format!("{columns}adres&next=read"));
    assert!(page.contains("<option value=\"adres\" selected>") && page.contains("De kolommen kloppen"), "{page}");
    let (_, page) = browser.send("/nl/flag", &format!("{columns}&next=ask"));
    let said = plain(&page);
    assert!(said.contains("Wilt u dit melden?") && said.contains("Nieuw gemeld 2") && said.contains("Z-1"), "{said}");
    assert_eq!(office.served.desk.lend().flags().len(), 0);
    let (_, page) = browser.confirm("/nl/flag", &token(&page));
    assert!(plain(&page).contains("Gedaan Zaak Z-1 Nieuw gemeld 2 Niet te lezen 2"), "{page}");
    assert_eq!(office.served.desk.lend().flags().len(), 2);
    let key = AddressKey::parse("Dam 2, 1012 JS").unwrap();
    assert_eq!(office.served.desk.lend().typed(&key), "Dam 2, 1012 JS");
    // The refused rows come back as the file that they would be in.
    let file = text(&browser.get("/nl/flag?refused=file"));
    assert!(file.starts_with("stapel_line\r\n2\r\nde postcode ontbreekt: "), "{file}");
    assert!(text(&browser.get("/nl/flag")).contains("Kerkplein\n&lt;script&gt;"));
    let csrf = browser.csrf();
    browser.post("/nl/flag", &format!("csrf={csrf}&do=forget"));
    assert!(!text(&browser.get("/nl/flag")).contains("Kerkplein\n"));
}

#[test]
fn what_a_days_budget_does_not_take_is_said_to_be_delivered_later() {
    let office = office();
    office.flag("Dam 1-A, 1012 JS Amsterdam", "Z-1");
    office.served.carry();
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let lines: Vec<String> = (2..1_202).map(|number| format!("Dam {number}, 1012 JS")).collect();
    let (_, page) = browser.give("Z-1", format!("adres\n{}\n", lines.join("\n")).as_bytes());
    let (_, page) = browser.send("/nl/flag", &format!("do=columns&token={}&next=ask", token(&page)));
    let later = |page: &str| {
        let said = plain(page);
        let (_, rest) = said.split_once("Wordt later aangeleverd ").unwrap_or_else(|| panic!("{said}"));
        assert!(rest.contains(", op zijn vroegst vanaf 2 december 2026: de afspraken staan per dag niet"), "{said}");
        rest.split(',').next().unwrap().to_owned()
    };
    let asked = later(&page);
    let (_, page) = browser.confirm("/nl/flag", &token(&page));
    assert_eq!(later(&page), asked);
    // It is so when the day's message goes.
    office.served.carry();
    assert_eq!(office.served.desk.lend().undelivered().to_string(), asked);
}

#[test]
fn the_sheet_and_the_line_of_the_header_are_chosen() {
    let office = office();
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let (_, page) = browser.give("Z-1", b"#<b>A\nadres\nDam 1, 1012 JS\n#B\nMeldingen 2026\nadres\nDam 2, 1012 JS\n");
    let said = plain(&page);
    assert!(said.contains("kies hieronder het blad met de adressen") && said.contains("Blad"), "{said}");
    assert!(page.contains("<option value=\"&lt;b&gt;A\">") && page.contains("<option value=\"B\">"), "{page}");
    let read = format!("do=columns&token={}&was_sheet=&was_header=", token(&page));
    // Another sheet is shown before anything is asked, whatever is pressed.
    let (_, page) = browser.send("/nl/flag", &format!("{read}&sheet=%3Cb%3EA&header=&next=ask"));
    assert!(plain(&page).contains("Dam 1, 1012 JS → 1012JS 1") && page.contains("De kolommen kloppen"), "{page}");
    let (_, page) = browser.send("/nl/flag", &format!("{read}&sheet=B&header=&next=read"));
    assert!(plain(&page).contains("Staat er een titel boven de namen van de kolommen"), "{page}");
    assert!(page.contains("<option value=\"B\" selected>") && page.contains("Meldingen 2026"), "{page}");
    assert_eq!(browser.send("/nl/flag", &format!("{read}&sheet=B&header=twee&next=read")).0, 400);
    // What was said of a column was of the line that was the header before.
    let of_title = "column=Meldingen+2026&field=adres";
    let (_, page) = browser.send("/nl/flag", &format!("{read}&sheet=B&header=2&{of_title}&next=ask"));
    let said = plain(&page);
    assert!(said.contains("Dam 2, 1012 JS → 1012JS 2") && said.contains("De kolommen kloppen"), "{said}");
    assert!(page.contains("name=\"was_header\" value=\"2\"") && page.contains("name=\"was_sheet\" value=\"B\""));
    let confirmed = format!("do=columns&token={}&was_sheet=B&was_header=2&sheet=B&header=2&next=ask", token(&page));
    let (_, page) = browser.send("/nl/flag", &confirmed);
    assert!(plain(&page).contains("Wilt u dit melden? Zaak Z-1 Nieuw gemeld 1"), "{}", plain(&page));
}

#[test]
fn a_column_that_is_not_certain_is_said() {
    let office = office();
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let (_, page) = browser.give("Z-1", b"<b>plek</b>\nDam 2, 1012 JS\n");
    let said = plain(&page);
    assert!(
        said.contains("Dit bestand is nog niet te lezen. Er is niets gedaan.") && said.contains("header"),
        "{said}"
    );
    assert!(page.contains("&lt;b&gt;plek") && !page.contains("De kolommen kloppen"), "{page}");
    let columns = format!("do=columns&token={}&column=%3Cb%3Eplek%3C%2Fb%3E&field=", token(&page));
    // What is not certain is not flagged, whatever is pressed.
    let (_, page) = browser.send("/nl/flag", &format!("{columns}&next=ask"));
    assert!(plain(&page).contains("Dit bestand is nog niet te lezen."), "{page}");
    let (_, page) = browser.send("/nl/flag", &format!("{columns}adres&next=ask"));
    assert!(plain(&page).contains("Wilt u dit melden?"), "{page}");
}

#[test]
fn a_file_is_there_has_a_case_is_not_too_large_and_goes_to_this_page_alone() {
    let office = office();
    let mut browser = office.signed_in("j.jansen", &["look", "flag", "officer"]);
    let (_, page) = browser.give("", FILE);
    assert!(page.contains("<a href=\"#sheet-case\">Voor welke zaak is dit?"), "{page}");
    let (_, page) = browser.give("Z-1", b"");
    assert!(page.contains("<a href=\"#file\">Kies een bestand") && page.contains("value=\"Z-1\""), "{page}");
    let (status, page) = browser.give("Z-1", &b"a\n".repeat(3 << 20));
    assert!(status == 413 && page.contains("<code>too_large</code>"), "{page}");
    let long = "a".repeat(70_000);
    let csrf = browser.csrf();
    let said = browser.post_parts(&[("csrf", &csrf), ("do", "sheet"), ("case", &long)], Some(FILE));
    assert_eq!(refusal(&said), (413, "too_large".into()));
    let said = browser.post_parts(&[("do", "sheet"), ("case", "Z-1")], Some(FILE));
    assert_eq!(refusal(&said), (403, "form".into()), "a form of this session has its text");
    let mut look = office.signed_in("m.smit", &["look"]);
    let csrf = look.csrf();
    let said = look.post_parts(&[("csrf", &csrf), ("do", "sheet"), ("case", "Z-1")], Some(FILE));
    assert_eq!(refusal(&said), (403, "not_for_you".into()));
    assert_eq!(office.served.desk.lend().flags().len(), 0);
}
