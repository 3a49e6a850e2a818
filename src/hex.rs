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

/// Serialises a type of `N` public bytes as hexadecimal in formats that people read, such as JSON, and as its bytes in
/// all others.
macro_rules! serde_as_hex {
    ($type:ident, $length:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() { to.collect_str(self) } else { self.0.serialize(to) }
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                if !from.is_human_readable() {
                    return <[u8; $length]>::deserialize(from).map($type);
                }
                let text = String::deserialize(from)?;
                let wrong = concat!("use ", stringify!($length), " bytes in lower-case hexadecimal");
                from_hex(&text).map($type).ok_or_else(|| serde::de::Error::custom(wrong))
            }
        }
    };
}

pub(crate) use serde_as_hex;

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
