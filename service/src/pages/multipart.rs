//! Forms with a file, as browsers send them (RFC 7578), of which all bytes are there. Written here because it is this
//! little; crates for it read from a stream, with an executor's types in their interface.

/// The fields of a form, and the bytes of its file.
type Form = (Vec<(String, String)>, Option<Vec<u8>>);

/// The longest boundary (RFC 2046, 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// The boundary of a `multipart/form-data`; `None` where it is no such form.
pub(super) fn boundary(kind: &str) -> Option<&str> {
    let (kind, rest) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let (name, value) = rest.trim().split_once('=')?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let is_of_boundary = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    let is_one = (1..=LONGEST_BOUNDARY).contains(&value.len()) && value.bytes().all(is_of_boundary);
    (name.trim().eq_ignore_ascii_case("boundary") && is_one).then_some(value)
}

/// Reads a form; `None` where it is not in its form, has more than one file, or a field that is no UTF-8.
pub(super) fn read(bytes: &[u8], boundary: &str) -> Option<Form> {
    let delimiter = format!("\r\n--{boundary}");
    let (mut fields, mut file) = (Vec::new(), None);
    let mut rest = bytes.strip_prefix(&delimiter.as_bytes()[2..])?;
    loop {
        rest = match rest {
            [b'-', b'-', ..] => return Some((fields, file)),
            [b'\r', b'\n', rest @ ..] => rest,
            _ => return None,
        };
        let end = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..end]).ok()?;
        if head.contains(&delimiter) {
            return None;
        }
        let body = &rest[end + 4..];
        let length = find(body, delimiter.as_bytes())?;
        let (name, is_file) = disposition(head)?;
        match is_file {
            true if file.is_some() => return None,
            true => file = Some(body[..length].to_vec()),
            false => fields.push((name, String::from_utf8(body[..length].to_vec()).ok()?)),
        }
        rest = &body[length + delimiter.len()..];
    }
}

/// The name of a part, and whether it is a file. What a file is called is of no use here.
fn disposition(head: &str) -> Option<(String, bool)> {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, line) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))?;
    let line = line.trim().strip_prefix("form-data")?;
    let quoted = |key: &str| {
        let (_, rest) = line.split_once(key)?;
        rest.split('"').next()
    };
    Some((quoted("; name=\"")?.to_owned(), line.contains("; filename=\"")))
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    // The first byte alone is looked for byte by byte: files have few line ends where they have none of these.
    let first = *sought.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(sought) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "--b\r\nContent-Disposition: form-data; name=\"case\"\r\n\r\nZ-1 \u{eb}\r\n--b\r\n\
                         content-disposition: form-data; name=\"file\"; filename=\"a; name=x.csv\"\r\nContent-Type: \
                         text/csv\r\n\r\nadres\r\n-- b\r\n--c\r\n\r\n--b--\r\n";

    #[test]
    fn a_form_has_fields_and_one_file() {
        let (fields, file) = read(WHOLE.as_bytes(), "b").unwrap();
        assert_eq!(fields, [("case".to_owned(), "Z-1 \u{eb}".to_owned())]);
        assert_eq!(file.unwrap(), b"adres\r\n-- b\r\n--c\r\n");
        assert_eq!(read(b"--b--\r\n", "b"), Some((vec![], None)));
    }

    #[test]
    fn what_is_in_no_form_is_refused() {
        for (was, is) in [
            ("--b\r\nContent", "--c\r\nContent"),
            ("--b--", "--b"),
            ("--b--", ""),
            ("form-data; name=\"case\"", "form-data"),
            ("form-data; name=\"case\"", "attachment; name=\"case\""),
            ("name=\"case\"\r\n", "name=\"case\"; filename=\"\"\r\n"),
            ("Disposition: form-data; name=\"case\"\r\n\r\n", "Disposition: form-data; name=\"case\"\r\n"),
        ] {
            let form = WHOLE.replacen(was, is, 1);
            assert_ne!(form, WHOLE);
            assert_eq!(read(form.as_bytes(), "b"), None, "{was}");
        }
        let mut bytes = WHOLE.replace('\u{eb}', "e").into_bytes();
        let at = bytes.windows(3).position(|three| three == b"Z-1").unwrap();
        bytes[at] = 0xff;
        assert_eq!(read(&bytes, "b"), None);
    }

    #[test]
    fn a_boundary_is_one_that_a_browser_makes() {
        assert_eq!(boundary("multipart/form-data; boundary=----WebKitFormBoundary7"), Some("----WebKitFormBoundary7"));
        assert_eq!(boundary("Multipart/Form-Data; boundary=\"a b\""), None);
        assert_eq!(boundary("multipart/form-data; boundary=\"ab\""), Some("ab"));
        for kind in ["multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=a", "a"] {
            assert_eq!(boundary(kind), None, "{kind}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "a".repeat(71))), None);
    }
}
