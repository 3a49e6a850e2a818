//! Strict decoding and its encoding: a value has one encoding, and other bytes are refused.
//!
//! [`decode`] encodes what it read and compares, and no length is believed before the bytes are there, so that a false
//! one allocates nothing. [`encode`] and [`decode`] are bincode 1 with fixed-width little-endian integers, and nothing
//! else in the crate knows bincode. [`Writer`] and [`Reader`] are for forms that are written field by field, such as
//! message bodies.

use std::io::{self, ErrorKind, Write};

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes are not the encoding of any value; the text says what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Encodes `value`; `None` where it takes more than `limit` bytes.
pub(crate) fn encode<T: Serialize>(value: &T, limit: u64) -> Option<Vec<u8>> {
    options(limit).serialize(value).ok()
}

/// Appends the encoding of `value` to `bytes`; `None` where it takes more than `limit` bytes.
///
/// For large values, as it goes through them once: [`encode`] goes through them first to learn their size.
pub(crate) fn encode_after<T: Serialize>(mut bytes: Vec<u8>, value: &T, limit: u64) -> Option<Vec<u8>> {
    let room = usize::try_from(limit).unwrap_or(usize::MAX);
    unlimited().serialize_into(Bounded { bytes: &mut bytes, room }, value).ok()?;
    Some(bytes)
}

/// Decodes all of `bytes`; an error for any bytes but those that [`encode`] makes of the value.
pub(crate) fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: u64) -> Result<T, Malformed> {
    if bytes.len() as u64 > limit {
        return Err(Malformed("there are more bytes than there may be"));
    }
    let value = options(limit).deserialize(bytes).map_err(|_| Malformed("the fields do not decode"))?;
    if is_encoding(bytes, &value) { Ok(value) } else { Err(NOT_THE_SAME) }
}

/// Decodes the value that `bytes` begin with, and says how many of them it takes.
pub(crate) fn decode_prefix<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), Malformed> {
    let mut rest = bytes;
    let value = unlimited()
        .with_limit(bytes.len() as u64)
        .deserialize_from(&mut rest)
        .map_err(|_| Malformed("the fields do not decode"))?;
    let length = bytes.len() - rest.len();
    if is_encoding(&bytes[..length], &value) { Ok((value, length)) } else { Err(NOT_THE_SAME) }
}

const NOT_THE_SAME: Malformed = Malformed("the fields do not re-encode to the same bytes");

/// Whether `bytes` are what [`encode`] makes of `value`.
fn is_encoding<T: Serialize>(bytes: &[u8], value: &T) -> bool {
    let mut expected = Expected(bytes);
    unlimited().serialize_into(&mut expected, value).is_ok() && expected.0.is_empty()
}

fn options(limit: u64) -> impl Options {
    unlimited().with_limit(limit).reject_trailing_bytes()
}

fn unlimited() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_little_endian()
}

/// A writer that fails when `room` bytes are full.
struct Bounded<'a> {
    bytes: &'a mut Vec<u8>,
    room: usize,
}

/// A writer that fails at the first byte that differs from those expected.
struct Expected<'a>(&'a [u8]);

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len()).ok_or(ErrorKind::FileTooLarge)?;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads fields from the front of some bytes.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed("the bytes end too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// A `u32` count and that many rows of 16 bytes, strictly ascending. They are borrowed, not copied.
    pub(crate) fn column(&mut self) -> Result<&'a [[u8; 16]], Malformed> {
        let count = self.u32()? as usize;
        let length = count.checked_mul(16).ok_or(Malformed("a count is too large"))?;
        let (rows, _) = self.take(length)?.as_chunks::<16>();
        if rows.is_sorted_by(|a, b| a < b) { Ok(rows) } else { Err(Malformed("pseudonyms are not sorted and unique")) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("there are bytes after the end")) }
    }
}

/// Appends fields to some bytes.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// With room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Writer {
        Writer(Vec::with_capacity(bytes))
    }

    /// Appends to what stands in `bytes`.
    pub(crate) fn after(bytes: Vec<u8>) -> Writer {
        Writer(bytes)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Writer {
        self.bytes(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Writer {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Writer {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Writer {
        self.bytes(&value.to_le_bytes())
    }

    /// A `u32` count and the rows.
    pub(crate) fn column(&mut self, rows: &[[u8; 16]]) -> &mut Writer {
        let count = u32::try_from(rows.len()).expect("a column has at most a million rows");
        self.u32(count).bytes(rows.as_flattened())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_bytes_and_limits() {
        let bytes = encode(&(1u16, "name".to_owned()), 64).unwrap();
        assert_eq!(bytes, b"\x01\0\x04\0\0\0\0\0\0\0name");
        assert_eq!(decode::<(u16, String)>(&bytes, 64).unwrap(), (1, "name".to_owned()));
        let longer = [bytes.as_slice(), b"\0"].concat();
        assert!(decode::<(u16, String)>(&longer, 64).is_err());
        assert!(decode::<(u16, String)>(&bytes, 13).is_err());
        assert!(encode(&(1u16, "name".to_owned()), 13).is_none());
        let after = |limit| encode_after(b"head".to_vec(), &(1u16, "name".to_owned()), limit);
        assert_eq!(after(14).unwrap(), [b"head", bytes.as_slice()].concat());
        assert!(after(13).is_none());
    }

    #[test]
    fn a_false_length_allocates_nothing() {
        let bytes = [&u64::MAX.to_le_bytes()[..], b"abc"].concat();
        assert!(decode::<String>(&bytes, 1024).is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0]).column().is_err());
    }

    #[test]
    fn columns_are_sorted_and_unique() {
        let column = |rows: &[[u8; 16]]| {
            let mut writer = Writer::default();
            writer.column(rows);
            writer.finish()
        };
        let good = column(&[[1; 16], [2; 16]]);
        let mut reader = Reader::new(&good);
        assert_eq!(reader.column().unwrap(), &[[1; 16], [2; 16]]);
        assert_eq!(reader.end(), Ok(()));
        for bad in [column(&[[2; 16], [1; 16]]), column(&[[1; 16], [1; 16]])] {
            assert!(Reader::new(&bad).column().is_err());
        }
        assert!(Reader::new(&good[..good.len() - 1]).column().is_err());
    }
}
