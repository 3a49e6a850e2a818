//! Workbooks as they come, made by hand, and files that are none.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::package::Package;
use super::*;

const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A workbook of Excel: its sheets with the XML of their data, and what is shared.
fn xlsx(sheets: &[(&str, &str)], shared: &str) -> Vec<u8> {
    let mut parts = vec![
        ("[Content_Types].xml".to_owned(), "<Types/>".to_owned()),
        (
            "_rels/.rels".to_owned(),
            format!(
                "<Relationships><Relationship Id='a' Type='{TYPE}/officeDocument' Target='/xl/workbook.xml'/>\
                    </Relationships>"
            ),
        ),
    ];
    let (mut named, mut related) = (String::new(), String::new());
    for (at, (name, data)) in sheets.iter().enumerate() {
        named += &format!("<sheet name='{name}' sheetId='{at}' r:id='r{at}'/>");
        related += &format!("<Relationship Id='r{at}' Type='{TYPE}/worksheet' Target='worksheets/s{at}.xml'/>");
        parts.push((format!("xl/worksheets/s{at}.xml"), format!("<worksheet>{data}</worksheet>")));
    }
    related += &format!("<Relationship Id='s' Type='{TYPE}/sharedStrings' Target='sharedStrings.xml'/>");
    related += &format!("<Relationship Id='t' Type='{TYPE}/styles' Target='styles.xml'/>");
    parts.push(("xl/workbook.xml".into(), format!("<workbook><sheets>{named}</sheets></workbook>")));
    parts.push(("xl/_rels/workbook.xml.rels".into(), format!("<Relationships>{related}</Relationships>")));
    parts.push(("xl/sharedStrings.xml".into(), format!("<sst uniqueCount='99999999999999'>{shared}</sst>")));
    let styles = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='d-mmm'/>\
        <numFmt numFmtId='165' formatCode='00'/><numFmt numFmtId='166' formatCode='0&quot;A&quot;'/></numFmts>\
        <cellStyleXfs><xf \
                  numFmtId='14'/></cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='164'/>\
                      <xf numFmtId='14'/><xf numFmtId='165'/><xf numFmtId='166'/></cellXfs></styleSheet>";
    parts.push(("xl/styles.xml".into(), styles.into()));
    let parts: Vec<_> = parts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    packed(&parts)
}

/// The data of a sheet, from rows of cells in text.
fn data(rows: &[&[&str]]) -> String {
    let mut text = String::from("<sheetData>");
    for row in rows {
        text += "<row>";
        for cell in *row {
            text += &format!("<c t='inlineStr'><is><t>{cell}</t></is></c>");
        }
        text += "</row>";
    }
    text + "</sheetData>"
}

fn ods(content: &str) -> Vec<u8> {
    packed(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        (
            "content.xml",
            &format!(
                "<office:document-content><office:body><office:spreadsheet>{content}</office:spreadsheet>\
                    </office:body></office:document-content>"
            ),
        ),
    ])
}

fn read(bytes: &[u8], sheet: Option<&str>) -> Result<Sheet, Failure> {
    let args = RowArgs { sheet: sheet.map(str::to_owned), ..RowArgs::default() };
    Sheet::read(bytes, &args, false, HashSet::new())
}

fn good(bytes: &[u8]) -> Sheet {
    read(bytes, None).unwrap_or_else(|failure| panic!("{}", failure.line()))
}

fn addresses(sheet: &Sheet) -> Vec<&str> {
    sheet.rows.addresses().map(AddressKey::as_str).collect()
}

fn refused(sheet: &Sheet) -> Vec<(u64, &str, &str)> {
    sheet.refused.iter().map(|row| (row.line, row.code, row.field)).collect()
}

fn line(bytes: &[u8], sheet: Option<&str>) -> String {
    read(bytes, sheet).err().map_or_else(|| panic!("it is read"), |failure| failure.line())
}

#[test]
fn a_workbook_of_excel() {
    // Shared strings with rich text and with how they are pronounced; numbers; cells left out; a row
    // without a number.
    let shared = "<si><t>Postcode</t></si><si><r><t>Huis</t></r><r><t>nummer</t></r></si><si><t>toev</t><rPh>\
        <t>x</t></rPh></si>\
                  <si/><si><t>1012 JS</t></si><si><t>a &amp; b</t></si><si><t>1-A&#10;</t></si>";
    let rows = "<sheetData>\
        <row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c><c r='C1' t='s'><v>2</v></c>\
            <c r='D1' t='str'><v>ref</v></c></row>\
        <row r='3'><c r='A3' t='s'><v>4</v></c><c r='B3'><v>12.0</v></c><c r='C3' t='s'><v>3</v></c>\
            <c r='D3' t='s'><v>5</v></c></row>\
        <row r='4'><c r='A4' t='s'><v>4</v></c><c r='B4' t='n'><v>1.3E1</v></c></row>\
        <row><c t='s'><v>4</v></c><c><v>14</v></c><c t='str'><f>A&amp;B</f><v></v></c><c s='2'><v>46082</v></c></row>\
        <row r='6'><c r='B6'><v>15</v></c></row>\
        </sheetData>";
    let sheet = good(&xlsx(&[("Blad1", rows)], shared));
    assert_eq!(addresses(&sheet), ["1012JS|12|", "1012JS|13|", "1012JS|14|"]);
    assert_eq!(refused(&sheet), [(6, "no_postcode", "postcode")]);
    assert_eq!(sheet.text.said, "xlsx, sheet 'Blad1'");
    let (rows, references) = sheet.rows.into_references();
    let references: Vec<_> = rows.iter().map(|(_, (from, to))| &references[*from as usize..*to as usize]).collect();
    assert_eq!(references, ["a & b", "", "2026-03-01"], "a date may be a reference");
}

#[test]
fn cells_that_are_no_values_are_refused_where_they_are_of_the_address() {
    let head = "<row r='1'><c t='str'><v>postcode</v></c><c t='str'><v>huisnummer</v></c><c t='str'>\
        <v>toevoeging</v></c><c t='str'><v>gezien</v></c></row>";
    let row = |at: u32, cell: &str| {
        format!("<row r='{at}'><c t='str'><v>1012JS</v></c><c><v>12</v></c>{cell}<c s='2'><v>46082</v></c></row>")
    };
    let cells = [
        "<c/>",
        "<c s='1'><v>46082</v></c>",
        "<c t='d'><v>2026-03-01</v></c>",
        "<c t='b'><v>1</v></c>",
        "<c t='e'><v>#N/A</v></c>",
        "<c><f>B2</f></c>",
        "<c><f>B2</f><v></v></c>",
        "<c><f>B2</f><v>3</v></c>",
    ];
    let rows: String = (2..).zip(cells).map(|(at, cell)| row(at, cell)).collect();
    // Rows 10 to 12 have one addition together.
    let merged = format!("{}{}{}", row(10, "<c t='str'><v>B</v></c>"), row(11, "<c/>"), row(12, "<c/>"));
    let data = format!(
        "<sheetData>{head}{rows}{merged}</sheetData><controls><xdr:row>7</xdr:row></controls><mergeCells>\
            <mergeCell ref='A1:B1'/><mergeCell ref='C10:C12'/></mergeCells>"
    );
    let sheet = good(&xlsx(&[("Blad1", &data)], ""));
    assert_eq!(addresses(&sheet), ["1012JS|12|", "1012JS|12|3", "1012JS|12|B"]);
    let lines: Vec<_> = refused(&sheet);
    assert_eq!(lines, [3, 4, 5, 6, 7, 8, 11, 12].map(|at| (at, "cell", "toevoeging")));
    for (row, said) in sheet.refused.iter().zip([
        "\"2026-03-01\" in the column 'toevoeging' is a date",
        "a date",
        "true or false",
        "\"#N/A\"",
        "a formula without",
        "a formula",
        "merged",
        "merged",
    ]) {
        assert!(row.message.contains(said), "{}", row.message);
    }
    // The file of refused rows is CSV that a spreadsheet program opens, and none of it passes as it is.
    let written = sheet.refused_text().ok().unwrap();
    assert!(written.starts_with(b"\xef\xbb\xbfstapel_line;stapel_code;") && written.ends_with(b"\r\n"));
    let again = tests::sheet(&written);
    assert_eq!((again.rows.len(), again.refused.len()), (4, 4), "formulas and merged cells are blank");
}

/// A format may show what the cell does not have, and whoever typed it saw another home.
#[test]
fn numbers_that_are_shown_as_something_else_are_refused() {
    let rows = "<sheetData><row><c t='str'><v>postcode</v></c><c t='str'><v>huisnummer</v></c><c t='str'>\
        <v>toev</v></c></row>\
        <row><c t='str'><v>1012JS</v></c><c s='3'><v>2</v></c><c><v>3</v></c></row>\
        <row><c t='str'><v>1012JS</v></c><c s='4'><v>2</v></c></row>\
        <row><c t='str'><v>1012JS</v></c><c><v>2</v></c><c s='3'><v>3</v></c></row></sheetData>";
    let sheet = good(&xlsx(&[("a", rows)], ""));
    assert_eq!(addresses(&sheet), ["1012JS|2|3"], "002 is a house number, and it is 2");
    assert_eq!(refused(&sheet), [(3, "cell", "huisnummer"), (4, "cell", "toevoeging")]);
    assert!(sheet.refused[1].message.contains("shown with zeros"), "{}", sheet.refused[1].message);
}

#[test]
fn a_workbook_of_libreoffice() {
    let content = "<table:tracked-changes><table:table-cell office:value-type='string'><text:p>oud</text:p>\
        </table:table-cell></table:tracked-changes>\
        <table:table table:name='Lijst'><table:shapes><table:table table:name='in een tekening'/></table:shapes>\
        <table:table-column table:number-columns-repeated='16384'/>\
        <table:table-header-rows><table:table-row>\
        <table:table-cell office:value-type='string'><text:p>postcode</text:p></table:table-cell>\
        <table:table-cell office:value-type='string'><text:p>huis<text:span>nummer</text:span></text:p>\
            <office:annotation><text:p>let op</text:p></office:annotation></table:table-cell>\
        <table:table-cell office:value-type='string'><text:p>toevoeging</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='16381'/></table:table-row></table:table-header-rows>\
        <table:table-row table:number-rows-repeated='2'><table:table-cell table:number-columns-repeated='16384'/>\
            </table:table-row>\
        <table:table-row table:number-rows-repeated='2'><table:table-cell office:value-type='string'>\
            <text:p>1012<text:s/>JS</text:p></table:table-cell>\
        <table:table-cell office:value-type='float' office:value='12'><text:p>12,00</text:p></table:table-cell>\
            <table:table-cell/></table:table-row>\
        <table:table-row><table:table-cell office:value-type='string'><text:p>1012JS</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='2' office:value-type='float' office:value='3'/>\
            </table:table-row>\
        ROWS\
        <table:table-row table:number-rows-repeated='1048000'>\
            <table:table-cell table:number-columns-repeated='16384'/></table:table-row>\
        </table:table><table:table table:name='Leeg'><table:table-row><table:table-cell/></table:table-row>\
            </table:table>";
    let odd = [
        "<table:table-cell office:value-type='date' office:date-value='2026-03-01'><text:p>1-3</text:p>\
            </table:table-cell>",
        "<table:table-cell office:value-type='boolean' office:boolean-value='true'/>",
        "<table:table-cell office:value-type='float' office:value='2'><text:p>02</text:p></table:table-cell>",
        "<table:table-cell office:value-type='string' calcext:value-type='error'><text:p>#N/A</text:p>\
            </table:table-cell>",
        "<table:table-cell table:formula='of:=[.A1]'/>",
        "<table:covered-table-cell/>",
        "<table:table-cell office:value-type='string' table:formula='of:=1'><text:p>B</text:p></table:table-cell>",
    ];
    let rows: String = odd
        .iter()
        .map(|cell| {
            format!(
                "<table:table-row><table:table-cell office:value-type='string'><text:p>1012JS</text:p>\
                    </table:table-cell>\
                 <table:table-cell office:value-type='float' office:value='12'/>{cell}</table:table-row>"
            )
        })
        .collect();
    let sheet = good(&ods(&content.replace("ROWS", &rows)));
    assert_eq!(addresses(&sheet), ["1012JS|12|", "1012JS|12|", "1012JS|3|3", "1012JS|12|B"]);
    assert_eq!(refused(&sheet), [7, 8, 9, 10, 11, 12].map(|at| (at, "cell", "toevoeging")));
    assert_eq!(sheet.text.said, "ods, sheet 'Lijst'");
    // A row that is there ten million times is no sheet.
    let many = content
        .replace("ROWS", "")
        .replace("repeated='2'><table:table-cell office", "repeated='10000000'><table:table-cell office");
    assert!(line(&ods(&many), None).ends_with("[too_large]"));
}

#[test]
fn the_sheet_is_the_only_one_with_rows_or_is_named() {
    let rows = data(&[&["postcode", "huisnummer"], &["1012JS", "1"]]);
    let (other, empty) = (data(&[&["postcode", "huisnummer"], &["1012JS", "2"]]), data(&[&["", " "]]));
    let one = xlsx(&[("Leeg", &empty), ("Lijst", &rows), ("Ook leeg", "<sheetData/>")], "");
    assert_eq!(addresses(&good(&one)), ["1012JS|1|"]);
    let two = xlsx(&[("Lijst", &rows), ("Leeg", &empty), ("Tweede &amp; meer", &other)], "");
    let said = line(&two, None);
    assert!(said.contains("'Lijst', 'Tweede & meer'; choose one with --sheet") && said.ends_with("[sheet]"), "{said}");
    assert_eq!(addresses(&read(&two, Some("tweede & meer ")).ok().unwrap()), ["1012JS|2|"]);
    let said = line(&two, Some("Derde"));
    assert!(said.contains("its sheets are 'Lijst', 'Leeg', 'Tweede & meer'"), "{said}");
    assert!(line(&xlsx(&[("Leeg", &empty)], ""), None).contains("no sheet of it has rows"));
    assert!(line(b"adres\nDam 1, 1012 JS\n", Some("Lijst")).ends_with("[sheet]"));
}

#[test]
fn columns_of_a_workbook_are_accounted_for_and_titles_found_out() {
    let bytes = xlsx(
        &[(
            "a",
            &data(&[
                &["Lijst, week 12; alle"],
                &["postcode", "huisnummer", "toev"],
                &["1012JS", "1", "a \"b\""],
                &["1012JS", "2"],
            ]),
        )],
        "",
    );
    assert!(line(&bytes, None).contains("--header-row 2"));
    let args = RowArgs { header_row: Some(2), ..RowArgs::default() };
    let sheet = Sheet::read(&bytes, &args, false, HashSet::new()).ok().unwrap();
    assert_eq!(addresses(&sheet), ["1012JS|2|"], "cells at the end of a row may be left out");
    assert_eq!((sheet.refused[0].line, sheet.refused[0].cells[2].as_str()), (3, "a \"b\""));
    let unknown = xlsx(&[("a", &data(&[&["postcode", "huisnummer", "tvg"], &["1012JS", "1", "a"]]))], "");
    assert!(line(&unknown, None).contains("--map \"tvg=toevoeging\""));
    let unnamed = xlsx(&[("a", &data(&[&["postcode", "huisnummer"], &["1012JS", "1", "a"]]))], "");
    assert_eq!(refused(&good(&unnamed)), [(2, "columns", "line")]);
}

#[test]
fn what_is_no_table_is_named() {
    for (bytes, what) in [
        (b"%PDF-1.7\n".to_vec(), "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest".to_vec(), "old Office file"),
        (b"\x89PNG\r\n".to_vec(), "an image"),
        (b"\xff\xd8\xff\xe0".to_vec(), "an image"),
        (b"\x1f\x8b\x08".to_vec(), "gzip"),
        (b"{\\rtf1".to_vec(), "rtf"),
        (b"\xef\xbb\xbf {\"a\":1}".to_vec(), "JSON"),
        (b"{\n  \"rijen\": []}".to_vec(), "JSON"),
        (b"[{\"postcode\":1}]".to_vec(), "JSON"),
        (b"<?xml version='1.0'?>".to_vec(), "XML or HTML"),
        (b"\n<html><table>".to_vec(), "XML or HTML"),
        (packed(&[("adressen.csv", "adres\n")]), "zip"),
        (packed(&[("[Content_Types].xml", ""), ("word/document.xml", "")]), "docx"),
        (packed(&[("[Content_Types].xml", ""), ("xl/workbook.bin", "")]), "xlsb"),
        (packed(&[("mimetype", "application/vnd.oasis.opendocument.text")]), "odt"),
    ] {
        let said = line(&bytes, None);
        assert!(said.starts_with("this is ") && said.contains(what) && said.ends_with("[not_a_table]"), "{said}");
    }
}

#[test]
fn names_in_brackets_are_a_header() {
    assert_eq!(addresses(&good(b"[Postcode];[Huisnummer]\n1012JS;1\n")), ["1012JS|1|"]);
}

#[test]
fn damaged_and_hostile_workbooks_end_in_errors() {
    let rows = data(&[&["postcode", "huisnummer"], &["1012JS", "1"]]);
    let whole = xlsx(&[("a", &rows)], "");
    let other = ods("<table:table table:name='a'><table:table-row><table:table-cell office:value-type='string'>\
            <text:p>adres</text:p></table:table-cell></table:table-row></table:table>");
    for bytes in [&whole, &other] {
        assert!(read(bytes, None).is_ok());
        for length in 0..bytes.len() {
            assert!(length < 4 || read(&bytes[..length], None).is_err());
        }
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 0x15;
            // A byte of which nothing is made may be any.
            if let Ok(sheet) = read(&bent, None) {
                assert!(sheet.rows.len() <= 1);
            }
        }
    }
    let sheet = |data: &str| line(&xlsx(&[("a", data)], "<si><t>a</t></si>"), None);
    for data in [
        "<sheetData><row r='2'></row><row r='1'></row></sheetData>",
        "<sheetData><row r='1'><c r='B1'/><c r='A1'/></row></sheetData>",
        "<sheetData><row r='1'><c r='A2'/></row></sheetData>",
        "<sheetData><row r='1'><c r='ZZZZZZZZ1'/></row></sheetData>",
        "<sheetData><row r='99999999999'/></sheetData>",
        "<sheetData><row><c t='s'><v>1</v></c></row></sheetData>",
        "<sheetData><row><c t='s'><v>-1</v></c></row></sheetData>",
        "<sheetData><row><c><v>NaN</v></c></row></sheetData>",
        "<sheetData><row><c><v>12 A</v></c></row></sheetData>",
        "<sheetData><row><c t='x'><v>1</v></c></row></sheetData>",
        "<sheetData><row><c t='str'><v>&own;</v></c></row></sheetData>",
        "<sheetData><row><c>",
    ] {
        assert!(sheet(data).ends_with("[workbook]"), "{data}");
    }
    for content in [
        "<table:table table:name='a'>",
        "<table:table><table:table-row>",
        "<table:table><table:table-row><table:table-cell>",
        "<table:table><table:table-row table:number-rows-repeated='-1'>",
    ] {
        assert!(line(&ods(content), None).ends_with("[workbook]"), "{content}");
    }
    // One cell far away makes no sheet of all that lies before it.
    let far = "<sheetData><row r='1'><c r='A1' t='str'><v>adres</v></c></row><row r='1048576'><c r='XFD1048576'>\
        <v>1</v></c></row></sheetData>";
    assert_eq!(refused(&good(&xlsx(&[("a", far)], ""))), [(1_048_576, "columns", "line")]);
    let merged = format!("{rows}<mergeCells><mergeCell ref='A1:XFD1048576'/></mergeCells>");
    assert_eq!(refused(&good(&xlsx(&[("a", &merged)], ""))), [(2, "cell", "postcode")]);
}

/// Few bytes of a workbook may stand for much: what is kept of them has an end.
#[test]
fn what_is_kept_of_a_workbook_is_bounded() {
    let root = format!(
        "<Relationships><Relationship Id='a' Type='{TYPE}/officeDocument' Target='/xl/workbook.xml'/></Relationships>"
    );
    let relation = |id: usize| format!("<Relationship Id='r{id}' Type='{TYPE}/worksheet' Target='s.xml'/>");
    let book = |sheets: usize, related: usize| {
        let named = "<sheet name='a' r:id='r0'/>".repeat(sheets);
        let related: String = (0..related).map(relation).collect();
        packed(&[
            ("[Content_Types].xml", "<Types/>"),
            ("_rels/.rels", &root),
            ("xl/workbook.xml", &format!("<workbook><sheets>{named}</sheets></workbook>")),
            ("xl/_rels/workbook.xml.rels", &format!("<Relationships>{related}</Relationships>")),
            ("xl/s.xml", &format!("<worksheet>{}</worksheet>", data(&[&["adres"], &["Dam 1, 1012 JS"]]))),
        ])
    };
    assert_eq!(addresses(&good(&book(1, 1))), ["1012JS|1|"]);
    for (sheets, related) in [(10_001, 1), (1, 20_001)] {
        let said = line(&book(sheets, related), None);
        assert!(said.contains("more than 10,000 sheets") && said.ends_with("[too_large]"), "{said}");
    }
    let formats: String = (0..65_537).map(|id| format!("<numFmt numFmtId='{id}' formatCode='0'/>")).collect();
    let styled = packed(&[
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", &root),
        ("xl/workbook.xml", "<workbook><sheets/></workbook>"),
        (
            "xl/_rels/workbook.xml.rels",
            &format!("<Relationships><Relationship Id='t' Type='{TYPE}/styles' Target='t.xml'/></Relationships>"),
        ),
        ("xl/t.xml", &format!("<styleSheet><numFmts>{formats}</numFmts></styleSheet>")),
    ]);
    assert!(line(&styled, None).ends_with("[too_large]"));

    let cell = |spaces: usize| {
        let spaces = "<text:s text:c='1000000000'/>".repeat(spaces);
        format!("<table:table-cell office:value-type='string'><text:p>a{spaces}</text:p></table:table-cell>")
    };
    let table = |cells: &str| ods(&format!("<table:table><table:table-row>{cells}</table:table-row></table:table>"));
    assert!(line(&table(&cell(2_000)), None).ends_with("[header]"));
    assert!(line(&table(&cell(3_000)), None).ends_with("[too_large]"));
    assert!(line(&table(&cell(2_000).repeat(100)), None).ends_with("[too_large]"));
    let sheets = "<table:table table:name='a'></table:table>".repeat(10_001);
    assert!(line(&ods(&sheets), None).contains("more than 10,000 sheets"));
}

#[test]
fn a_part_is_inflated_up_to_a_limit() {
    let long = "x".repeat(100_000);
    let bytes = packed(&[("a.xml", &format!("<a>{long}</a>"))]);
    assert!(bytes.len() < 1_000, "it is packed well");
    for (most, is_read) in [(100_007, true), (100_006, false), (10, false)] {
        let mut package = Package::open(&bytes, most).ok().unwrap();
        let mut part = package.part("/A.XML").ok().unwrap().unwrap();
        let read = (0..4).try_for_each(|_| part.next().map(drop));
        match read {
            Ok(()) => assert!(is_read, "{most}"),
            Err(failure) => assert!(!is_read && failure.code() == "too_large", "{most}: {}", failure.line()),
        }
    }
}
