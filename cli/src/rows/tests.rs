//! Tables as they come, and what is made of them.

use super::header::Mapping;
use super::*;

fn read(text: &str) -> Sheet {
    sheet(text.as_bytes())
}

pub(super) fn sheet(bytes: &[u8]) -> Sheet {
    told(bytes, &[]).unwrap_or_else(|failure| panic!("{}", failure.line()))
}

/// Reads with what is said of columns: `Nr=huisnummer` maps, `-Nr` ignores, `@Zaak` is the reference, `#2` the line of
/// the header, and `+` lets house numbers count alone.
fn told(bytes: &[u8], said: &[&str]) -> Result<Sheet, Failure> {
    let mut args = RowArgs::default();
    for word in said {
        match word.split_at(1) {
            ("-", name) => args.columns.ignored.push(name.to_owned()),
            ("@", name) => args.columns.reference = Some(name.to_owned()),
            ("+", _) => args.number_only = true,
            ("#", line) => args.header_row = Some(line.parse().unwrap()),
            _ => args.columns.maps.push(word.parse().unwrap()),
        }
    }
    Sheet::read(bytes, &args, false, HashSet::new())
}

fn code(text: &str, said: &[&str]) -> String {
    match told(text.as_bytes(), said) {
        Err(failure) => failure.code().to_owned(),
        Ok(sheet) => format!("{} rows", sheet.rows.len()),
    }
}

/// The error of a file that must be refused.
fn refusal(text: &str, said: &[&str]) -> String {
    told(text.as_bytes(), said).err().map_or_else(|| panic!("it is read: {text}"), |failure| failure.line())
}

/// The code of each row, `ok` where it is an address.
fn codes(text: &str) -> Vec<&'static str> {
    let sheet = read(text);
    let refused = sheet.refused.iter().map(|row| row.code);
    refused.chain(std::iter::repeat_n("ok", sheet.rows.len())).collect()
}

fn addresses(sheet: &Sheet) -> Vec<&str> {
    sheet.rows.addresses().map(AddressKey::as_str).collect()
}

fn references(sheet: &Sheet) -> Vec<&str> {
    let texts = &sheet.rows.references;
    sheet.rows.rows.iter().map(|Row { reference: (from, to), .. }| &texts[*from as usize..*to as usize]).collect()
}

#[test]
fn every_delimiter() {
    for text in [
        "postcode;huisnummer;toevoeging\n1012 JS;1;a\n",
        "postcode,huisnummer,toevoeging\n1012 JS,1,a",
        "postcode\thuisnummer\ttoevoeging\r\n1012 JS\t1\ta\r\n",
        "sep=;\r\npostcode;huisnummer;toevoeging\r\n1012 JS;1;a\r\n",
        "\"postcode\";\"a,b,c,d\";huisnummer;toevoeging\n1012 JS;,,,;1;a\n",
        "adres\nDam 1-A, 1012 JS Amsterdam\n",
        "adres;postcode\n\"Dam 1-A; boven\";1012JS\nDam 1-A;1012 JS",
    ] {
        let sheet = read(text);
        assert_eq!(addresses(&sheet), ["1012JS|1|A"], "{text}");
    }
}

#[test]
fn quotes_as_rfc_4180_has_them() {
    let sheet = read("ref;adres\n\"a \"\"b\"\";c\";\"Dam 1,\n1012 JS\"\nd;\"Dam 2, 1012 JS\"\n");
    assert_eq!(addresses(&sheet), ["1012JS|1|", "1012JS|2|"]);
    assert_eq!(references(&sheet)[0], "a \"b\";c");
}

#[test]
fn a_quote_that_never_ends_swallows_no_row() {
    assert_eq!(code("adres;x\n\"Dam 1, 1012 JS;1\nDam 2, 1012 JS;2\n", &[]), "csv");
    assert_eq!(code("adres;x\nDam 1, 1012 JS;15\" scherm\nDam 2, 1012 JS;2\n", &[]), "2 rows");
}

#[test]
fn a_certain_house_number_counts_alone_where_it_may() {
    let text = "ref;adres\n1;Dam 1, 2e verdieping, 1012 JS\n2;Dam 3, 1012 JS\n3;geen adres\n";
    let sheet = read(text);
    assert_eq!((addresses(&sheet), sheet.refused.len(), sheet.certain), (vec!["1012JS|3|"], 2, 1));
    assert_eq!((sheet.counts.number_only, sheet.json().get("number_only")), (None, None));
    let sheet = told(text.as_bytes(), &["+"]).unwrap_or_else(|failure| panic!("{}", failure.line()));
    assert_eq!((addresses(&sheet), references(&sheet)), (vec!["1012JS|1", "1012JS|3|"], vec!["1", "2"]));
    let NumberRow { line, number, code, field, .. } = &sheet.numbers[0];
    assert_eq!((*line, number.as_str(), *code, *field), (2, "1012JS|1", "suffix_in_words", "toevoeging"));
    assert_eq!((sheet.refused.len(), sheet.certain, sheet.json()["number_only"].as_u64()), (1, 0, Some(1)));
    assert!(sheet.counts.told("").contains("1 refused; 1 row only as a house number"), "{}", sheet.counts.told(""));
    assert!(!String::from_utf8(sheet.refused_text().unwrap_or_default()).unwrap().contains("verdieping"));

    // Nothing else in the row may name another house.
    let certain = |text: &str| read(text).certain;
    for (text, is_certain) in [
        ("postcode;huisnummer;toevoeging\n1012JS;1;2e verdieping", true),
        ("postcode;huisnummer;toevoeging;adres\n1012JS;1;2e verdieping;Dam", true),
        ("postcode;huisnummer;toevoeging;adres\n1012JS;1;2e verdieping;Dam 1 2e verdieping", true),
        ("postcode;huisnummer;toevoeging;adres\n1012JS;1;2e verdieping;Dam 1a, 1012 JS", true),
        ("postcode;huisnummer;toevoeging;adres\n1012JS;1;2e verdieping;Dam 3", false),
        ("postcode;huisnummer;toevoeging;adres\n1012JS;1;2e verdieping;Dam 1 t/m 5", false),
        ("postcode;huisnummer;toevoeging;straat\n1012JS;12;2e verdieping;Plein 1945", true),
        ("postcode;huisnummer;toevoeging;straat\n1012JS;12;2e verdieping;Kerkstraat 12-16", false),
        ("postcode;huisnummer;toevoeging;straat\n1012JS;12;2e verdieping;Kerkstraat 12", true),
        ("postcode;huisnummer;toevoeging;straat\n1012JS;12;2e verdieping;2e Kerkstraat", true),
        ("postcode;huisnummer;toevoeging;straat\n1012JS;12;2e verdieping;Kerkstraat 14", false),
        ("adres;huisnummer\nDam 1 2e verdieping, 1012 JS;1", true),
        ("adres;huisnummer\nDam 1 2e verdieping, 1012 JS;3", false),
        ("adres;postcode\nDam 1 2e verdieping;1012JS", true),
        ("adres;status\nDam 1 2e verdieping, 1012 JS;ingetrokken", false),
        ("adres\nDam 1 t/m 5, 1012 JS", false),
    ] {
        assert_eq!(certain(&format!("{text}\n")), usize::from(is_certain), "{text}");
    }
}

#[test]
fn encodings() {
    let utf8 = "adres;ref\nCoördinaat 1, 1012 JS;ë\n";
    let windows: Vec<u8> = utf8.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let utf16: Vec<u8> = "\u{feff}".chars().chain(utf8.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    for (bytes, name) in [
        (utf8.as_bytes().to_vec(), "UTF-8"),
        ([b"\xef\xbb\xbf", utf8.as_bytes()].concat(), "UTF-8"),
        (windows, "Windows-1252"),
        (utf16, "UTF-16"),
    ] {
        let sheet = sheet(&bytes);
        assert_eq!((addresses(&sheet), sheet.text.charset.name()), (vec!["1012JS|1|"], name));
        assert_eq!(references(&sheet)[0], "ë", "{name}");
    }
    assert_eq!(told(b"\xef\xbb\xbfadres\n\xff", &[]).err().map(|f| f.line().contains("[encoding]")), Some(true));
}

#[test]
fn headers_that_people_use() {
    for header in ["Postcode;Huisnummer;X", "POSTCODE;nummer;x", "pc6; Huis-nr. ;x", "postcode;huisnr;bag_id"] {
        assert_eq!(addresses(&read(&format!("{header}\n1012JS;1;9\n"))), ["1012JS|1|"], "{header}");
    }
    assert_eq!(addresses(&read("huisletter;huisnummertoevoeging;postcode;nummer\na;2;1012JS;1")), ["1012JS|1|A2"]);
    assert_eq!(code("pc;nr\n1012JS;1\n", &["pc=postcode", "NR=huisnummer"]), "1 rows");
    assert_eq!(code("postcode;nummer;huisnr\n1012JS;1;1\n", &[]), "header");
    assert_eq!(code("postcode;nummer;huisnr\n1012JS;1;1\n", &["huisnr=huisnummer"]), "header");
    assert_eq!(code("postcode;nummer;huisnr\n1012JS;1;1\n", &["-nummer"]), "1 rows");
    assert_eq!(code("postcode;straat\n1012JS;Dam\n", &[]), "header");
    assert_eq!(code("pc;nr\n1012JS;1\n", &["nr=huisnummer", "postkode=postcode"]), "map");
    assert_eq!(code("nummeraanduiding_id\n0363200000000001\n", &[]), "bag_id_needs_register");
    assert_eq!(code("", &[]), "header");
    assert_eq!(code("\u{feff}", &[]), "header");
    // Beside a line of text, a suffix in a column of its own would be lost.
    assert_eq!(code("adres;postcode;toevoeging\nDam 1;1012JS;A\n", &[]), "header");
    assert!("x".parse::<Mapping>().is_err() && "x=kleur".parse::<Mapping>().is_err());
    assert!("x=kamer".parse::<Mapping>().is_err() && "=adres".parse::<Mapping>().is_err());
}

#[test]
fn the_column_of_references_can_be_named() {
    let text = "zaak;ref;adres\nZ1;r;Dam 1, 1012 JS\n;r;Dam 2, 1012 JS";
    let sheet = told(text.as_bytes(), &["@Zaak"]).ok().unwrap();
    assert_eq!(references(&sheet), ["Z1", ""]);
    assert_eq!(code(text, &["@nummer"]), "map");
    assert_eq!(code(text, &["@zaak", "-zaak"]), "map", "it is one or the other");
    assert_eq!(code(text, &["zaak=ref"]), "header", "two columns would be the reference");
    let mapped = told(text.as_bytes(), &["zaak=ref", "-ref"]).ok().unwrap();
    assert_eq!(references(&mapped)[0], "Z1");
}

#[test]
fn refused_rows_have_their_lines() {
    let sheet = read("postcode;huisnummer\n\n1012JS;1\n;;\n1012JS;1;A\n\r\n1012JS\n0012JS;1\n\"1012\nJS\";x\n;4\n");
    assert_eq!(addresses(&sheet), ["1012JS|1|"]);
    let refused: Vec<_> = sheet.refused.iter().map(|row| (row.line, row.code, row.field)).collect();
    assert_eq!(
        refused,
        [
            (5, "columns", "line"),
            (7, "columns", "line"),
            (8, "postcode_first_digit", "postcode"),
            (9, "number_form", "huisnummer"),
            (11, "no_postcode", "postcode"),
        ]
    );
}

#[test]
fn refused_rows_go_round() {
    let text = "ref;adres;opmerking\r\n1;Coördinaat 1;\"a;b\"\r\n2;Dam 2, 1012 JS;\r\n3;Plein 3;\"x\"\"y\"\r\n\
                4;Dam 4;a;b\r\n";
    let windows: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let first = sheet(&windows);
    assert_eq!(addresses(&first), ["1012JS|2|"]);
    let written = first.refused_text().ok().unwrap();
    let again = sheet(&written);
    assert_eq!(again.text.charset.name(), "Windows-1252");
    assert_eq!(again.layout.own_names().collect::<Vec<_>>(), ["ref", "adres", "opmerking"]);
    let cells = |sheet: &Sheet| sheet.refused.iter().map(|row| row.cells.clone()).collect::<Vec<_>>();
    assert_eq!(cells(&again), cells(&first));
    let twice = again.refused_text().ok().unwrap();
    assert_eq!(cells(&sheet(&twice)), cells(&first), "the columns that say why are not piled up");
    // Each byte as a character, and back.
    let mended: String = written.iter().map(|byte| char::from(*byte)).collect();
    let mended = mended
        .replace("dinaat 1", "dinaat 1, 1012 JS")
        .replace("Plein 3", "Plein 3, 1012 JS")
        .replace("Dam 4;a;b", "Dam 4, 1012 JS;a");
    let mended: Vec<u8> = mended.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let mended = sheet(&mended);
    assert_eq!(addresses(&mended), ["1012JS|1|", "1012JS|3|", "1012JS|4|"]);
    assert_eq!(references(&mended)[1], "3");
    assert!(mended.refused.is_empty());
}

#[test]
fn a_file_of_one_column_goes_round() {
    let first = read("adres\nDam 1; boven, Amsterdam\n\"Dam 2, 1012 JS\"\n");
    let again = sheet(&first.refused_text().ok().unwrap());
    assert_eq!(again.refused[0].cells, ["Dam 1; boven, Amsterdam"]);
}

#[test]
fn no_bytes_are_too_strange() {
    let samples: [&[u8]; 8] =
        [b"\0", b"\"", b"\xff\xfe", b"\xfe\xff\0", b"adres\n\0\0\n\xff\n", b";\n;", b"sep=", b"adres\r\"\r\"\r"];
    for bytes in samples {
        if let Ok(sheet) = told(bytes, &[]) {
            assert!(sheet.rows.len() == 0);
            assert!(sheet.refused_text().is_ok());
        }
    }
}

#[test]
fn a_column_of_an_address_does_not_vanish() {
    // Each of these once made two homes one, without a word.
    for names in ["toev", "Huisnummer letter", "huisnr_toev", "HUISLT", "HUISTV", "Huisnummer toevoeging"] {
        let read = read(&format!("POSTCODE;HUISNR;{names}\n1234AB;12;A\n1234AB;12;B\n"));
        assert_eq!(addresses(&read), ["1234AB|12|A", "1234AB|12|B"], "{names}");
    }
    let both = read("POSTCODE;HUISNR;HUISLT;HUISTV\n1234AB;12;A;\n1234AB;12;;3\n");
    assert_eq!(addresses(&both), ["1234AB|12|A", "1234AB|12|3"]);
    for (name, field) in [
        ("Toevoegng", "toevoeging"),
        ("tvg", "toevoeging"),
        ("ltr", "huisletter"),
        ("Verdieping", "toevoeging"),
        ("appartement", "toevoeging"),
        ("letter", "huisletter"),
        ("Aand. bij nr", "aanduiding"),
        ("lokatie", "locatiebeschrijving"),
        ("status 2", "status"),
        ("woonpl.", "woonplaats"),
        ("strtnaam", "straat"),
        ("klantadres", "adres"),
        ("appt", "toevoeging"),
        ("apt.", "toevoeging"),
        ("woonlaag", "toevoeging"),
        ("laag", "toevoeging"),
        ("floor", "toevoeging"),
        ("door", "toevoeging"),
        ("flat", "toevoeging"),
        ("suite", "toevoeging"),
        ("bis", "toevoeging"),
        ("sub", "toevoeging"),
        ("volgnr", "toevoeging"),
        ("volgnummer", "toevoeging"),
        ("trap", "toevoeging"),
        ("ingang", "toevoeging"),
        ("opgang", "toevoeging"),
        ("vleugel", "toevoeging"),
        ("Bovenwoning", "toevoeging"),
        ("t.g.v.", "toevoeging"),
        ("postfix", "toevoeging"),
        ("add-on", "toevoeging"),
        ("vbo", "bag_id"),
    ] {
        let text = format!("postcode;huisnummer;{name}\n1234AB;12;A\n");
        let said = refusal(&text, &[]);
        assert!(said.ends_with("[header]"), "{said}");
        assert!(said.contains(&format!("give --map \"{name}={field}\" or --ignore \"{name}\"")), "{said}");
        assert_eq!(code(&text, &[&format!("-{name}")]), "1 rows", "{name}");
        // What the error gives is taken.
        let mapped = told(text.as_bytes(), &[&format!("{name}={field}")]);
        assert!(mapped.is_ok(), "{name}: {}", mapped.err().unwrap().line());
    }
    // The number is taken: to map another would not do.
    let said = refusal("postcode;huisnummer;nr\n1234AB;12;A\n", &[]);
    assert!(said.contains("'nr' could be of an address: give --ignore \"nr\""), "{said}");
    // What would take the header is said where it names no address without it, too.
    assert!(refusal("postkod;huisn\n", &[]).contains("--map \"huisn=huisnummer\""));
}

#[test]
fn what_is_plainly_not_of_an_address_is_passed_over_and_said() {
    for name in [
        "opmerking",
        "naam",
        "datum",
        "zaaknummer",
        "Zaak nr",
        "telefoonnummer",
        "Tel. nr.",
        "bsn",
        "KvK-nummer",
        "x",
        "bron",
        "team",
        "omschrijving",
        "gemeente",
        "provincie",
        "wijk",
        "buurt",
        "lat",
        "lon",
        "oppervlakte",
        "bouwjaar",
        "soort",
        "type",
        "id",
        "datum melding",
        "e-mail adres",
        "dossiernr",
        "aanleiding",
        "ingangsdatum",
        "Datum ingang",
        "gemeld door",
        "subcategorie",
        "zaakreferentie",
        "risiconiveau",
        "meldingsnummer",
        "zaakstatus",
        "score",
        "categorie",
        "prioriteit",
        "behandelaar",
        "organisatie",
    ] {
        let sheet = read(&format!("postcode;huisnummer;{name}\n1234AB;12;A\n"));
        assert_eq!(addresses(&sheet), ["1234AB|12|"], "{name}");
        assert!(sheet.layout.told().ends_with(&format!("; '{name}': not of an address")), "{}", sheet.layout.told());
    }
}

#[test]
fn what_each_column_became_is_said() {
    let text = "Postcode;Huisnr;Woonplaats;Status;bag_id;Zaak;nr;notitie;;stapel_line\n\
                1012JS;1;Amsterdam;actueel;0363200000000001;Z1;7;x;;\n1012 JS;01;;;;;;;;\n1012JS;0;;;;;;;;\n";
    let sheet = told(text.as_bytes(), &["@zaak", "-NR"]).ok().unwrap();
    assert_eq!(
        sheet.layout.told(),
        "columns: 'Postcode' is postcode; 'Huisnr' is huisnummer; 'Woonplaats' is woonplaats (not in the key); \
         'Status' is status (looked at); 'bag_id' is bag_id (not read without a register); 'Zaak' is ref; 'nr': passed \
         over as told; 'notitie': not of an address"
    );
    let json = sheet.json();
    let read_as: Vec<_> = json["columns"].as_array().unwrap().iter().map(|c| c["read_as"].as_str().unwrap()).collect();
    let expected = ["postcode", "huisnummer", "woonplaats", "status", "bag_id", "ref", "ignored", "other", "unnamed"];
    assert_eq!(read_as, expected);
    assert_eq!(json["columns"][1]["column"], "Huisnr");
    let counts = ["rows", "addresses", "repeated", "refused"].map(|name| json[name].as_u64().unwrap());
    assert_eq!(counts, [3, 1, 1, 1]);
    assert_eq!(sheet.counts.told(""), "3 rows, 1 address, 1 repeat, 1 refused");
}

#[test]
fn a_cell_without_a_column_s_name_is_refused() {
    let text = "postcode;huisnummer;\n1234AB;12;A\n1234AB;12;\n";
    assert_eq!(codes(text), ["columns", "ok"]);
    assert!(read(text).refused[0].message.contains("column 3, which has no name"));
    assert_eq!(told(text.as_bytes(), &["-"]).ok().unwrap().rows.len(), 2);
}

#[test]
fn an_address_beside_the_number_is_held_against_it() {
    let line = |line: &str, rest: &str| codes(&format!("adres;postcode;huisnummer;toev\n{line};1234AB;{rest}\n"))[0];
    assert_eq!(line("Lindepad 12-1", "12;"), "differs");
    assert_eq!(line("Lindepad 12-1", "12;1"), "ok");
    assert_eq!(line("Lindepad 12, 1234 AB Plaats", "12;"), "ok");
    assert_eq!(line("Lindepad 12, 1234 AC Plaats", "12;"), "differs");
    assert_eq!(line("Lindepad 14", "12;"), "differs");
    assert_eq!(line("Lindepad 12", "12;1"), "differs");
    assert_eq!(line("Lindepad 12 begane grond", "12;"), "differs");
    assert_eq!(line("Lindepad", "12;"), "ok");
    assert_eq!(line("2e Lindedwarsstraat", "12;"), "ok");
    assert_eq!(line("", "12;"), "ok");
    let message = &read("adres;postcode;huisnummer\nLindepad 12-2;1234AB;12\n").refused[0].message;
    assert!(message.starts_with("\"Lindepad 12-2\" in the column 'adres' is not the same as \"1234AB|12|\""));
    assert!(message.ends_with("--ignore \"adres\" or \"huisnummer\""), "{message}");
    // A number beside a line that has the postcode.
    assert_eq!(
        codes("adres;huisnummer\nDam 1, 1012 JS;1\nDam 1, 1012 JS;2\nDam 3, 1012 JS;\n"),
        ["differs", "ok", "ok"]
    );
    // A postcode that stands in the line and beside it is one, where both are the same.
    assert_eq!(codes("adres;postcode\nDam 1, 1012 JS;1012JS\nDam 1, 1012 JS;1013JS\n"), ["two_postcodes", "ok"]);
}

#[test]
fn a_street_is_not_in_the_key_and_may_not_name_another_home() {
    let street =
        |street: &str, rest: &str| codes(&format!("straat;postcode;huisnummer;toev\n{street};1234AB;{rest}"))[0];
    for (name, rest) in [
        ("Lindepad", "12;"),
        ("Plein 1945", "12;"),
        ("Jol 37", "1;"),
        ("Jol 37", "37;1"),
        ("Lindepad 12", "12;A"),
        ("Lindepad 12-A", "12;a"),
        ("2e Lindedwarsstraat", "2;"),
    ] {
        assert_eq!(street(name, rest), "ok", "{name} {rest}");
    }
    assert_eq!(street("Lindepad 12-1", "12;"), "differs");
    assert_eq!(street("Lindepad 12 B", "12;A"), "differs");
    assert_eq!(street("Lindepad 12, 2e verdieping", "12;"), "differs");
}

#[test]
fn a_place_near_and_a_withdrawn_address_are_refused() {
    for (header, value, code) in [
        ("aanduiding_bij_huisnummer", "to", "not_the_house"),
        ("aanduidingBijHuisnummer", "by", "not_the_house"),
        ("11.50", "to", "not_the_house"),
        ("locatiebeschrijving", "Woonboot in de Vaart", "not_the_house"),
        ("status", "Naamgeving ingetrokken", "withdrawn"),
        ("nummeraanduidingstatus", "INGETROKKEN", "withdrawn"),
    ] {
        let text = format!("postcode;huisnummer;{header}\n1234AB;12;{value}\n1234AB;13; \n");
        assert_eq!(codes(&text), [code, "ok"], "{header}");
        let message = &read(&text).refused[0].message;
        assert!(message.contains(value) && message.contains(&format!("'{header}'")), "{message}");
        assert_eq!(told(text.as_bytes(), &[&format!("-{header}")]).ok().unwrap().rows.len(), 2);
    }
    assert_eq!(codes("postcode;huisnummer;status\n1234AB;12;Naamgeving uitgegeven\n"), ["ok"]);
    // Beside an address in one cell as well.
    assert_eq!(codes("adres;aanduiding bij huisnummer\nLindepad 3, 1234 AB;to\n"), ["not_the_house"]);
}

#[test]
fn a_row_cut_short_stays_refused_until_it_is_mended() {
    let text = "postcode;huisnummer;toevoeging\n1234AB;12;A\n1234AB;12\n";
    assert_eq!(codes(text), ["columns", "ok"]);
    let first = read(text);
    assert!(first.refused[0].message.contains("has 2 cells, and the header names 3"), "{}", first.refused[0].message);
    let again = sheet(&first.refused_text().ok().unwrap());
    assert_eq!((again.rows.len(), again.refused[0].code), (0, "columns"));
    assert!(again.refused[0].message.contains("has 2 cells, and the header names 3"));
}

#[test]
fn a_title_above_the_header_is_found_out_and_passed() {
    let text = "Signalen week 12;;\n\npostcode;huisnummer;toevoeging\n1234AB;12;A\n1234AB;12\n";
    let said = refusal(text, &[]);
    assert!(said.contains("line 3 does: give --header-row 3") && said.ends_with("[header]"), "{said}");
    let sheet = told(text.as_bytes(), &["#3"]).ok().unwrap();
    assert_eq!(addresses(&sheet), ["1234AB|12|A"]);
    assert_eq!(sheet.refused[0].line, 5);
    // The title needs no delimiter, and may look as if it were of addresses, or have a quote in it.
    for title in ["Adressen", "Huisnummers in de straat", "\"Week 12", "Lijst, week 12, alle adressen"] {
        let text = format!("{title}\npostcode|huisnummer|toevoeging\n1234AB|12|A\n");
        assert!(refusal(&text, &[]).contains("--header-row 2"), "{title}");
        assert_eq!(addresses(&told(text.as_bytes(), &["#2"]).ok().unwrap()), ["1234AB|12|A"], "{title}");
    }
    let far = format!("{}postcode;huisnummer\n1234AB;12\n", "titel\n".repeat(10));
    assert!(!refusal(&far, &[]).contains("--header-row"));
    assert_eq!(code(&far, &["#11"]), "1 rows");
    for line in ["#2", "#9"] {
        assert_eq!(code(text, &[line]), "header", "{line}");
    }
    assert_eq!(code("sep=;\ntitel\npostcode;huisnummer\n1234AB;12\n", &["#3"]), "1 rows");
    // What is wrong with a header that names an address is said of it.
    assert!(refusal("postcode;huisnummer;toevgng\npostcode;huisnummer;toev\n", &[]).contains("'toevgng'"));
}

#[test]
fn what_was_typed_has_all_that_the_key_has() {
    let typed = |text: &str| {
        let rows = read(text).rows;
        assert_eq!(rows.len(), 1, "{text}");
        rows.typed
    };
    let beside =
        |address: &str, cells: &str| typed(&format!("adres;huisnummer;toevoeging;postcode\n{address};{cells}\n"));
    assert_eq!(beside("2e Dorpspad", "5;A;1234AB"), "2e Dorpspad 5 A 1234AB");
    assert_eq!(beside("2e Dorpspad", "2;A;1234AB"), "2e Dorpspad 2 A 1234AB");
    assert_eq!(beside("Dorpspad", "2;A;1234AB"), "Dorpspad 2 A 1234AB");
    assert_eq!(beside("Dorpspad 2A", "2;A;1234AB"), "Dorpspad 2A 1234AB");
    assert_eq!(typed("adres;huisnummer\n\"Dorpspad 2A, 1234AB\";2\n"), "Dorpspad 2A, 1234AB");
    // A line that lacks what stands beside it is of another home.
    let other = read("adres;huisnummer;toevoeging;postcode\nDorpspad 1;1;A;1234AB\n");
    assert_eq!(other.refused[0].code, "differs");
}

#[test]
fn one_address_with_two_ids_is_in_doubt() {
    let of = |name: &str, ids: [&str; 4]| {
        let rows = ids.map(|id| format!("1234AB;12;{id}\n")).concat();
        read(&format!("postcode;huisnummer;{name}\n{rows}1234AB;14;7\n")).doubtful
    };
    assert_eq!(of("nummeraanduiding_id", ["1", "2", "", "1"]), 1);
    assert_eq!(of("nummeraanduiding_id", ["1", " 1", "", "1"]), 0);
    assert_eq!(of("pand_id", ["1", "2", "3", "4"]), 0);
    // One id as a number, as text, and in its longer forms.
    let id = "0363200003761447";
    let long = ["NL.IMBAG.Nummeraanduiding.", "https://example.nl/id/"].map(|before| format!("{before}{id}"));
    assert_eq!(of("nummeraanduiding_id", [id, &id[1..], &long[0], &long[1]]), 0);
    assert_eq!(of("nummeraanduiding_id", [id, "363200003761448", "", ""]), 1);
}

#[test]
fn utf_16_that_does_not_say_so_is_named() {
    let text = "postcode;huisnummer;toevoeging\r\n1234AB;12;A\r\n";
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(to_bytes).collect();
        let said = told(&bytes, &[]).err().unwrap().line();
        assert!(said.contains("save it as UTF-8") && said.ends_with("[encoding]"), "{said}");
        // With its mark it is read.
        bytes.splice(0..0, to_bytes(0xfeff));
        assert_eq!(addresses(&told(&bytes, &[]).ok().unwrap()), ["1234AB|12|A"]);
    }
    assert_eq!(codes("postcode;huisnummer\n1234AB;12\0\0\0\n"), ["ok"]);
}

#[test]
fn bars_stand_between_cells_too() {
    let sheet = read("postcode|huisnummer|toevoeging\n1234AB|12|A\n");
    assert_eq!((addresses(&sheet), sheet.text.delimiter.name()), (vec!["1234AB|12|A"], "bars"));
    assert_eq!(addresses(&read("sep=|\r\npostcode|huisnummer\r\n1234AB|12")), ["1234AB|12|"]);
    assert_eq!(addresses(&read("adres\n1234AB|12|A\n")), ["1234AB|12|A"], "a canonical form is one cell");
}

/// Small numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }

    /// A name cut off, without its vowels, with one letter wrong, or in another dress.
    fn bend(&mut self, name: &str) -> String {
        let mut letters: Vec<char> = name.chars().collect();
        let at = self.below(letters.len());
        let other = char::from(b'a' + self.below(26) as u8);
        match self.below(8) {
            0 => letters.truncate(at.max(1)),
            1 => {
                letters = letters
                    .iter()
                    .enumerate()
                    .filter(|(at, c)| *at == 0 || !"aeiou".contains(**c))
                    .map(|(_, c)| *c)
                    .collect()
            }
            2 if letters.len() > 4 => drop(letters.remove(at)),
            3 if letters.len() > 4 => letters[at] = other,
            4 if letters.len() > 4 => letters.insert(at, other),
            5 if at > 0 => letters.swap(at - 1, at),
            6 => letters = name.to_uppercase().chars().collect(),
            _ => letters.insert(at, ['_', ' ', '-', '.'][self.below(4)]),
        }
        letters.into_iter().collect()
    }
}

/// Whatever the columns are called and in whichever order they stand, no row becomes another's home: it is read as what
/// it is, or refused, or the header is.
#[test]
fn columns_in_any_order_under_any_name_merge_no_homes() {
    let names: [&[&str]; 7] = [
        &["postcode", "pc6", "postkode"],
        &["huisnummer", "huisnr", "nummer", "hnr"],
        &["huisletter", "huisnummerletter", "huislt", "hltr", "letter"],
        &["huisnummertoevoeging", "toevoeging", "huisnrtoev", "huistv", "toev", "appt", "woonlaag", "vleugel"],
        &["aanduidingbijhuisnummer", "aanduiding", "aandbijhuisnr"],
        &["locatiebeschrijving", "locatie", "locatieomschrijving"],
        &["adres", "volledigadres", "straatenhuisnummer"],
    ];
    let homes = [
        (["1234AB", "12", "", "", "", "", "Lindepad 12"], "1234AB|12|"),
        (["1234AB", "12", "A", "", "", "", "Lindepad 12a"], "1234AB|12|A"),
        (["1234AB", "12", "B", "", "", "", "Lindepad 12 B"], "1234AB|12|B"),
        (["1234AB", "12", "", "1", "", "", "Lindepad 12-1"], "1234AB|12|1"),
        (["1234AB", "12", "A", "2", "", "", "Lindepad 12-A2"], "1234AB|12|A2"),
        (["1234AB", "14", "", "", "", "", "Lindepad 14"], "1234AB|14|"),
        (["1234AC", "12", "", "", "", "", "Lindepad 12"], "1234AC|12|"),
        (["1234AB", "12", "", "", "to", "", "Lindepad 12"], ""),
        (["1234AB", "12", "", "", "", "in de vaart", "Lindepad 12"], ""),
    ];
    let mut dice = Dice(19);
    let (mut read, mut refused) = (0, 0);
    for round in 0..3_000 {
        let mut columns: Vec<usize> = (0..6 + round % 2).collect();
        dice.shuffle(&mut columns);
        let mut header: Vec<String> = names.iter().map(|names| names[dice.below(names.len())].to_owned()).collect();
        for bent in &columns[..round % 4] {
            header[*bent] = dice.bend(&header[*bent]);
        }
        dice.shuffle(&mut columns);
        let header: Vec<&str> = columns.iter().map(|at| header[*at].as_str()).collect();
        let mut text = format!("ref;{}\n", header.join(";"));
        for (at, (cells, _)) in homes.iter().enumerate() {
            let cells: Vec<&str> = columns.iter().map(|at| cells[*at]).collect();
            text += &format!("{at};{}\n", cells.join(";"));
        }
        let Ok(sheet) = told(text.as_bytes(), &[]) else {
            refused += 1;
            continue;
        };
        read += 1;
        for (address, reference) in addresses(&sheet).into_iter().zip(references(&sheet)) {
            let home: usize = reference.parse().unwrap();
            assert_eq!(address, homes[home].1, "{text}");
        }
    }
    assert!(read > 300 && refused > 300, "{read} read, {refused} refused");
}
