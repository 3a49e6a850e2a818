//! Columns of rows in the state and the journal: packed, because there may be a million of them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::Visitor;
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::address::AddressKey;
use crate::codec::{Malformed, Reader, Writer};
use crate::message::{Number, Standing};

/// One row of a [`Packed`] column. Takes at least one byte.
pub(super) trait Row: Sized {
    /// How many bytes it takes.
    fn length(&self) -> usize;

    fn put(&self, writer: &mut Writer);
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// A column that is encoded as one run of bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Packed<T>(pub(super) Vec<T>);

/// So many rows are encoded at once.
const PIECE: usize = 1_024;

/// A part of a run of bytes.
struct Piece<'a>(&'a [u8]);

/// Bytes that are encoded as one run.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Blob(pub(super) Vec<u8>);

impl<T> Default for Packed<T> {
    fn default() -> Packed<T> {
        Packed(Vec::new())
    }
}

impl<T: Row> Packed<T> {
    /// How many bytes it takes, its length included.
    pub(super) fn room(&self) -> usize {
        8 + self.length()
    }

    fn length(&self) -> usize {
        self.0.iter().map(T::length).sum()
    }
}

impl Row for AddressKey {
    fn length(&self) -> usize {
        1 + self.as_bytes().len()
    }

    fn put(&self, writer: &mut Writer) {
        let text = self.as_bytes();
        writer.u8(text.len() as u8).bytes(text);
    }

    fn take(reader: &mut Reader<'_>) -> Result<AddressKey, Malformed> {
        let length = reader.u8()?;
        let text = std::str::from_utf8(reader.take(length.into())?).map_err(|_| Malformed("an address is not text"))?;
        AddressKey::from_canonical(text).map_err(|_| Malformed("an address is not canonical"))
    }
}

impl Row for u32 {
    fn length(&self) -> usize {
        4
    }

    fn put(&self, writer: &mut Writer) {
        writer.u32(*self);
    }

    fn take(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
        reader.u32()
    }
}

/// Two bytes: which of five it is, and the number. An answer's own byte would mean another thing under another `sees`.
impl Row for Standing {
    fn length(&self) -> usize {
        2
    }

    fn put(&self, writer: &mut Writer) {
        let (which, number) = match *self {
            Standing::BelowThreshold => (0, 0),
            Standing::NoOwnFlag => (1, 0),
            Standing::Stacked(Number::Presence) => (2, 0),
            Standing::Stacked(Number::Band(number)) => (3, number),
            Standing::Stacked(Number::Count(number)) => (4, number),
        };
        writer.u8(which).u8(number);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Standing, Malformed> {
        Ok(match (reader.u8()?, reader.u8()?) {
            (0, 0) => Standing::BelowThreshold,
            (1, 0) => Standing::NoOwnFlag,
            (2, 0) => Standing::Stacked(Number::Presence),
            (3, number) => Standing::Stacked(Number::Band(number)),
            (4, number) => Standing::Stacked(Number::Count(number)),
            _ => return Err(Malformed("a standing is unknown")),
        })
    }
}

impl<T: Row> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What a run of bytes is: its length, and they. In pieces, so that of a million rows there is no second copy.
        let pieces = self.0.chunks(PIECE);
        let mut run = serializer.serialize_tuple(1 + pieces.len())?;
        run.serialize_element(&(self.length() as u64))?;
        for rows in pieces {
            let mut writer = Writer::with_capacity(rows.iter().map(T::length).sum());
            rows.iter().for_each(|row| row.put(&mut writer));
            run.serialize_element(&Piece(&Zeroizing::new(writer.finish())))?;
        }
        run.end()
    }
}

impl Serialize for Piece<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Sixteen at once: integers are little-endian here, so that they are the bytes.
        let (words, rest) = self.0.as_chunks::<16>();
        let mut piece = serializer.serialize_tuple(words.len() + rest.len())?;
        for word in words {
            piece.serialize_element(&u128::from_le_bytes(*word))?;
        }
        for byte in rest {
            piece.serialize_element(byte)?;
        }
        piece.end()
    }
}

impl<'de, T: Row> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Packed<T>, D::Error> {
        deserializer.deserialize_bytes(Run::<Packed<T>>(PhantomData))
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        deserializer.deserialize_bytes(Run::<Blob>(PhantomData))
    }
}

/// What a run of bytes becomes.
struct Run<T>(PhantomData<T>);

impl<T: Row> Visitor<'_> for Run<Packed<T>> {
    type Value = Packed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("packed rows")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Packed<T>, E> {
        let mut reader = Reader::new(bytes);
        let mut rows = Vec::new();
        while !reader.is_empty() {
            rows.push(T::take(&mut reader).map_err(|Malformed(finding)| E::custom(finding))?);
        }
        rows.shrink_to_fit();
        Ok(Packed(rows))
    }
}

impl Visitor<'_> for Run<Blob> {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn rows_come_back() {
        let addresses: Vec<_> =
            ["1012JS|1|A", "1012JS|1"].iter().map(|t| AddressKey::from_canonical(t).unwrap()).collect();
        let standings = vec![
            Standing::BelowThreshold,
            Standing::NoOwnFlag,
            Standing::Stacked(Number::Presence),
            Standing::Stacked(Number::Band(2)),
            Standing::Stacked(Number::Count(250)),
        ];
        assert_eq!((Packed(addresses.clone()).room(), Packed(standings.clone()).room()), (8 + 11 + 9, 8 + 10));
        let both = (Packed(addresses), Packed(standings), Packed(vec![1u32, 70_000]), Blob(vec![1, 2, 3]));
        let bytes = codec::encode(&both, 1_000).unwrap();
        assert!(
            codec::decode::<(Packed<AddressKey>, Packed<Standing>, Packed<u32>, Blob)>(&bytes, 1_000).unwrap() == both
        );
        for cut in 0..bytes.len() {
            let read = codec::decode::<(Packed<AddressKey>, Packed<Standing>, Packed<u32>, Blob)>(&bytes[..cut], 1_000);
            assert!(read.is_err());
        }
    }

    #[test]
    fn pieces_make_one_run_of_bytes() {
        for count in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 5] {
            let forms: Vec<String> = (1..=count).map(|number| format!("1012JS|{number}")).collect();
            let packed = Packed(forms.iter().map(|form| AddressKey::from_canonical(form).unwrap()).collect());
            let run = forms.iter().flat_map(|form| [&[form.len() as u8], form.as_bytes()].concat()).collect();
            assert_eq!(codec::encode(&packed, 1 << 20), codec::encode(&Blob(run), 1 << 20), "{count} rows");
        }
    }
}
