//! A map of own flags, of a register alone.

use stapel::Fields;
use stapel::register::{Register, RegisterBuilder, RegisterRow};

use super::monday::{DAM, plain};
use super::{Office, text};
use crate::desk::Served;

/// A register of a street, with a place for each home but the last; numbers 18 and 19 are at the same.
pub(super) fn use_register(served: &Served) {
    let mut builder = RegisterBuilder::new();
    for number in 1..=20_u32 {
        let digits = number.to_string();
        let letter = if number == 1 { "A" } else { "" };
        let fields = Fields { postcode: "1012JS", number: &digits, letter, ..Fields::default() };
        let id = format!("03632000000000{number:02}");
        let away = f64::from(number.min(18)) / 10_000.0;
        let place = [52.3731 + away, 4.8926 + away].map(|degrees| format!("{degrees:.6}"));
        let at = if number < 20 { [place[0].as_str(), place[1].as_str()] } else { [""; 2] };
        let row = RegisterRow { fields, street: "Dam", town: "Amsterdam", id: &id, at, ..RegisterRow::default() };
        builder.add(&row).unwrap();
    }
    let path = served.path("register");
    builder.finish(&path, served.desk.time().day()).unwrap();
    served.desk.use_register(Some(Register::open(&path).unwrap()));
}

#[test]
fn hits_are_on_a_map_with_the_numbers_of_a_list_that_says_the_same() {
    let office = Office::new();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    assert!(plain(&text(&browser.get("/nl/map"))).contains("Een kaart is er alleen waar een adresregister"));
    use_register(&office.served);
    assert!(plain(&text(&browser.get("/nl/map"))).contains("Er is niets te tekenen."));
    office.flag(DAM, "Z-1");
    office.flag("Dam 5, 1012 JS", "Z-2");
    office.flag("Dam 20, 1012 JS", "<b>Z-3</b>");
    office.served.carry();
    office.served.others_flag(&[DAM, "Dam 20, 1012 JS"]);
    office.pass(0);
    office.exchange();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let page = text(&browser.get("/nl/map"));
    let count = |what: &str| page.matches(what).count();
    // Each sign stands once more in the list of signs.
    assert_eq!((count("class=\"stack\""), count("class=\"own\""), count("class=\"around\"")), (2, 2, 20), "{page}");
    let said = plain(&page);
    assert!(said.contains("Treffers waarvan het register geen plek heeft: 1"), "{said}");
    assert!(said.contains("De treffers op de kaart Dam 1-A, 1012 JS Amsterdam"), "{said}");
    assert!(said.contains("en ten minste één ander"), "{said}");
    assert!(
        !page.contains("http") && !page.contains("style=") && !page.contains("NaN") && !page.contains("inf"),
        "{page}"
    );
}

#[test]
fn hits_at_one_place_are_one_sign_with_all_their_numbers() {
    let office = Office::new();
    use_register(&office.served);
    office.flag("Dam 18, 1012 JS", "Z-1");
    office.flag("Dam 19, 1012 JS", "Z-2");
    office.served.carry();
    office.served.others_flag(&["Dam 18, 1012 JS", "Dam 19, 1012 JS"]);
    office.pass(0);
    office.exchange();
    let page = text(&office.signed_in("j.jansen", &["look"]).get("/nl/map"));
    assert_eq!(page.matches("class=\"stack\"").count(), 2, "the sign, and that in the list of signs: {page}");
    assert!(page.contains("<title>1, 2</title>") && page.contains(">1, 2</text>"), "{page}");
}
