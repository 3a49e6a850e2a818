//! A line of text, whatever its bytes: what is accepted has one form, which is accepted as itself.

use stapel::{AddressKey, Fields, Level};

pub fn run(data: &[u8]) {
    let from_bytes = AddressKey::parse_bytes(data);
    let Ok(text) = std::str::from_utf8(data) else {
        assert!(from_bytes.is_err(), "what is not UTF-8 is refused");
        return;
    };
    assert_eq!(from_bytes, AddressKey::parse(text));
    if let Ok(key) = AddressKey::from_canonical(text) {
        assert_eq!(key.as_str(), text, "a canonical form is its own");
    }
    match from_bytes {
        Err(error) => {
            assert!(stapel::ADDRESS_CODES.iter().any(|known| known.code == error.code()), "{}", error.code());
            assert!(!error.message().is_empty());
            if let Some(house) = error.number_key() {
                assert_eq!(AddressKey::from_canonical(house.as_str()), Ok(house));
                assert_eq!(house.level(), Level::Number);
            }
        }
        Ok(key) => {
            assert_eq!(key.level(), Level::Unit);
            assert_eq!(AddressKey::from_canonical(key.as_str()), Ok(key));
            assert_eq!(AddressKey::parse(key.as_str()), Ok(key), "{key}");
            let number_key = key.number_key();
            assert_eq!(AddressKey::from_canonical(number_key.as_str()), Ok(number_key));
            let number = key.number().to_string();
            let fields = Fields { postcode: key.postcode(), number: &number, letter: "", addition: key.addition() };
            match AddressKey::from_fields(&fields) {
                Ok(read) => assert_eq!(read, key),
                // Only the canonical form names a home whose addition is a word, such as NULL.
                Err(_) => assert!(text.contains('|'), "{key}"),
            }
        }
    }
    // The same bytes as fields, parted by bars.
    let mut parts = text.split('|');
    let mut next = || parts.next().unwrap_or_default();
    let fields = Fields { postcode: next(), number: next(), letter: next(), addition: next() };
    if let Ok(key) = AddressKey::from_fields(&fields) {
        assert_eq!(AddressKey::from_canonical(key.as_str()), Ok(key));
    }
}
