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

/// Shows a type of public bytes in lower-case hexadecimal.
macro_rules! shown_as_hex {
    ($type:ident) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($type))
            }
        }
    };
}

pub(crate) use shown_as_hex;

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
