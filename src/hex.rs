//! Lower-case hexadecimal, as SPEC.md writes bytes in text.

use data_encoding::HEXLOWER;

/// Exactly `N` bytes in lower-case hexadecimal; any other form is `None`.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if HEXLOWER.decode_len(text.len()) != Ok(N) {
        return None;
    }
    HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_strict() {
        assert_eq!(from_hex("00ff"), Some([0, 255]));
        for bad in ["00FF", "0ff", "00ff0", "00fg", "", "00ff00"] {
            assert_eq!(from_hex::<2>(bad), None, "{bad}");
        }
    }
}
