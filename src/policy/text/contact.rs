//! The table `[contact_point]`: where a citizen turns to.

use toml::Spanned;

use super::super::error::PolicyError;
use super::super::model::ContactPoint;
use super::shape::RawContactPoint;
use super::values::{NAME, PolicyFile, is_host, is_port, shown};

/// The most bytes of an address for e-mail or on the web.
const MAX_BYTES: usize = 200;

/// The most digits of a telephone number.
const MAX_DIGITS: usize = 20;

impl PolicyFile<'_> {
    pub(super) fn contact_point(&self, raw: &RawContactPoint) -> Result<ContactPoint, PolicyError> {
        let way = |key: &str, raw: &Option<Spanned<String>>, is_one: fn(&str) -> bool, form: &str| {
            let Some(raw) = raw else { return Ok(None) };
            let key = format!("contact_point.{key}");
            let text = self.text(&key, raw, NAME)?;
            if !is_one(&text) {
                return Err(self.wrong(raw.span().start, &key, format!("{} is not {form}", shown(&text))));
            }
            Ok(Some(text))
        };
        let contact = ContactPoint {
            name: self.text("contact_point.name", &raw.name, NAME)?,
            postal_address: way("postal_address", &raw.postal_address, |_| true, "")?,
            telephone: way("telephone", &raw.telephone, is_telephone, "a telephone number; write it as 075 000 00 00")?,
            email: way("email", &raw.email, is_email, "an address for e-mail; write it as privacy@zaanstad.example")?,
            url: way("url", &raw.url, is_page, "the address of a page; write it as https://www.zaanstad.example/x")?,
        };
        if contact.ways().iter().all(|(_, way)| way.is_none()) {
            let finding = "nobody can reach it: give one or more of postal_address, telephone, email and url";
            return Err(self.wrong(raw.name.span().start, "contact_point", finding));
        }
        Ok(contact)
    }
}

/// Whether a text is digits, perhaps behind a `+`, with at most one space or hyphen between two.
fn is_telephone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    (3..=MAX_DIGITS).contains(&count)
        && digits.split([' ', '-']).all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()))
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let is_inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-');
    text.len() <= MAX_BYTES && !name.is_empty() && name.bytes().all(is_inside) && is_host(host)
}

fn is_page(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").filter(|_| text.len() <= MAX_BYTES) else { return false };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    is_host(host) && port.is_none_or(is_port) && path.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::super::super::{Policy, PolicyError, sample};

    /// The sample with one way to reach its contact point, or none.
    fn with(way: &str) -> Result<Policy, PolicyError> {
        let contact = format!("[contact_point]\nname = \"Loket\"\n{way}\n");
        Policy::parse(&sample::changed_text(&[(sample::CONTACT_POINT, &contact)]))
    }

    fn refusal(way: &str) -> String {
        with(way).unwrap_err().to_string()
    }

    #[test]
    fn each_way_has_its_form() {
        for (key, good, bad) in [
            ("postal_address", &["Postbus 1, 1500 AA Zaandam"][..], &[" ", "a\\u202eb"][..]),
            ("telephone", &["14 075", "+31 75-0000000"], &["12", "75 00 x", "0 - 75", "", "+", "(075) 00"]),
            ("email", &["p.x_y+z-1@a.nl", "p@localhost"], &["p", "@a.nl", "p@", "p@A.nl", "p q@a.nl", "p@a@b.nl"]),
            (
                "url",
                &["https://a.nl", "https://a.nl/", "https://a.nl:8443/b/?c=d#e"],
                &["http://a.nl", "https://", "https://a.nl:0/", "https://a.nl/é", "https://a.nl/b c", "a.nl"],
            ),
        ] {
            let line = |value: &str| format!("{key} = \"{value}\"");
            for value in good {
                let contact = with(&line(value)).unwrap().contact_point.clone().unwrap();
                assert!(contact.ways().contains(&(key, &Some((*value).to_owned()))), "{contact:?}");
            }
            for value in bad {
                assert!(refusal(&line(value)).contains(&format!("contact_point.{key}")), "{value}");
            }
            let long = format!("{}@a.nl", "p".repeat(196));
            assert!(refusal(&format!("email = \"{long}\"")).contains("contact_point.email"));
        }
    }

    #[test]
    fn somebody_can_reach_it() {
        let said = refusal("");
        assert!(said.contains("contact_point: nobody can reach it"), "{said}");
        assert!(refusal("fax = \"075 000 00 00\"").contains("no such key as `fax`"));
        let unnamed = sample::changed_text(&[("[contact_point]\nname", "[contact_point]\n# name")]);
        assert!(Policy::parse(&unnamed).unwrap_err().to_string().contains("there is no key `name`"));
    }
}
