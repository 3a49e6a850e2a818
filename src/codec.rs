//! Strict decoding and its encoding: a value has one encoding, and other bytes are refused.
//!
//! No length is believed before the bytes are there, so that a false one allocates nothing. [`encode`] and
//! [`decode_prefix`] are bincode 1 with fixed-width little-endian integers, for headers on the wire, and nothing else
//! in the crate knows bincode. [`Writer`] and [`Reader`] are for forms that are written field by field, such as message
//! bodies; [`Encode`] is for what a partner stores.

use std::io::{self, ErrorKind, Write};

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes are not the encoding of any value; the text says what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Encodes `value`; `None` where it takes more than `limit` bytes.
pub(crate) fn encode<T: Serialize>(value: &T, limit: u64) -> Option<Vec<u8>> {
    unlimited().with_limit(limit).serialize(value).ok()
}

/// Decodes the value that `bytes` begin with, and says how many of them it takes.
pub(crate) fn decode_prefix<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), Malformed> {
    let mut rest = bytes;
    let value = unlimited()
        .with_limit(bytes.len() as u64)
        .deserialize_from(&mut rest)
        .map_err(|_| Malformed("the fields do not decode"))?;
    let length = bytes.len() - rest.len();
    if is_encoding(&bytes[..length], &value) {
        Ok((value, length))
    } else {
        Err(Malformed("the fields do not re-encode to the same bytes"))
    }
}

/// Whether `bytes` are what [`encode`] makes of `value`.
fn is_encoding<T: Serialize>(bytes: &[u8], value: &T) -> bool {
    let mut expected = Expected(bytes);
    unlimited().serialize_into(&mut expected, value).is_ok() && expected.0.is_empty()
}

fn unlimited() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_little_endian()
}

/// A writer that fails at the first byte that differs from those expected.
struct Expected<'a>(&'a [u8]);

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

    /// A value in its stored form.
    pub(crate) fn get<T: Encode>(&mut self) -> Result<T, Malformed> {
        T::decode(self)
    }

    /// A `u64` that says how many bytes or items follow. An item takes a byte or more, so more than are left is an
    /// error.
    fn length(&mut self) -> Result<usize, Malformed> {
        let length = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        if length > self.0.len() { Err(Malformed("the bytes end too early")) } else { Ok(length) }
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

    /// A value in its stored form.
    pub(crate) fn put(&mut self, value: &impl Encode) -> &mut Writer {
        value.encode(self);
        self
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

/// A value with one stored form, which is written by hand, field by field.
///
/// The bytes follow the order of the statements in `encode`, never the order of a struct's fields, so that no edit of a
/// type changes what is on disk. Integers are little-endian.
pub(crate) trait Encode: Sized {
    fn encode(&self, writer: &mut Writer);
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// Writes a stored record after what stands in `bytes`: its version, then the value.
pub(crate) fn write_record(bytes: Vec<u8>, version: u8, value: &impl Encode) -> Vec<u8> {
    let mut writer = Writer::after(bytes);
    writer.u8(version).put(value);
    writer.finish()
}

/// Reads what [`write_record`] wrote, and nothing else.
pub(crate) fn read_record<T: Encode>(bytes: &[u8], version: u8) -> Result<T, Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != version {
        return Err(Malformed("its version is not known here"));
    }
    let value = reader.get()?;
    reader.end()?;
    Ok(value)
}

/// Integers and arrays of bytes as they are.
macro_rules! encode_as_is {
    ($($type:ty, $method:ident;)+) => {$(
        impl Encode for $type {
            fn encode(&self, writer: &mut Writer) {
                writer.$method(*self);
            }

            fn decode(reader: &mut Reader<'_>) -> Result<$type, Malformed> {
                reader.$method()
            }
        }
    )+};
}

// None for `u8`: with one, a run of bytes would be encoded and decoded byte by byte as a list.
encode_as_is! { u16, u16; u32, u32; u64, u64; }

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, writer: &mut Writer) {
        writer.bytes(self);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<[u8; N], Malformed> {
        reader.array()
    }
}

impl Encode for bool {
    fn encode(&self, writer: &mut Writer) {
        writer.u8(u8::from(*self));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
        match reader.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("a yes or no is neither")),
        }
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.is_some());
        if let Some(value) = self {
            writer.put(value);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Option<T>, Malformed> {
        Ok(if reader.get()? { Some(reader.get()?) } else { None })
    }
}

/// A run of bytes: how many, and they.
impl Encode for Vec<u8> {
    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.len() as u64).bytes(self);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
        let length = reader.length()?;
        Ok(reader.take(length)?.to_vec())
    }
}

/// As a run of bytes, which must be UTF-8.
impl Encode for String {
    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.len() as u64).bytes(self.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<String, Malformed> {
        String::from_utf8(reader.get()?).map_err(|_| Malformed("a text is not UTF-8"))
    }
}

/// How many, and each.
impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.len() as u64);
        self.iter().for_each(|item| item.encode(writer));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Vec<T>, Malformed> {
        let count = reader.length()?;
        // At first as much memory as there are bytes, whatever the count says.
        let mut items = Vec::with_capacity(count.min(reader.0.len() / size_of::<T>().max(1)));
        for _ in 0..count {
            items.push(reader.get()?);
        }
        items.shrink_to_fit();
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_nothing_else_does() {
        type Fields = (Vec<u16>, Vec<u8>, Option<u64>, Option<bool>);
        #[derive(PartialEq, Debug)]
        struct Record(Fields);
        impl Encode for Record {
            fn encode(&self, writer: &mut Writer) {
                writer.put(&self.0.0).put(&self.0.1).put(&self.0.2).put(&self.0.3);
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Record, Malformed> {
                Ok(Record((reader.get()?, reader.get()?, reader.get()?, reader.get()?)))
            }
        }
        let record = Record((vec![1, 2], b"abc".to_vec(), None, Some(true)));
        let bytes = write_record(b"head".to_vec(), 1, &record);
        assert_eq!(bytes, b"head\x01\x02\0\0\0\0\0\0\0\x01\0\x02\0\x03\0\0\0\0\0\0\0abc\0\x01\x01");
        let bytes = &bytes[4..];
        assert_eq!(read_record::<Record>(bytes, 1), Ok(record));
        assert!(read_record::<Record>(bytes, 2).is_err());
        assert!(read_record::<Record>(&[bytes, b"\0"].concat(), 1).is_err());
        for cut in 0..bytes.len() {
            assert!(read_record::<Record>(&bytes[..cut], 1).is_err(), "cut at {cut}");
        }
        // A list cannot have more items than there are bytes, so a false length takes no memory.
        let false_length = [b"\x01".as_slice(), &u64::MAX.to_le_bytes(), b"abc"].concat();
        assert!(read_record::<Record>(&false_length, 1).is_err());
        let neither = [&bytes[..bytes.len() - 1], b"\x02"].concat();
        assert!(read_record::<Record>(&neither, 1).is_err());
    }

    #[test]
    fn trailing_bytes_and_limits() {
        let bytes = encode(&(1u16, "name".to_owned()), 64).unwrap();
        assert_eq!(bytes, b"\x01\0\x04\0\0\0\0\0\0\0name");
        let longer = [bytes.as_slice(), b"\0"].concat();
        assert_eq!(decode_prefix::<(u16, String)>(&longer), Ok(((1, "name".to_owned()), bytes.len())));
        assert!(decode_prefix::<(u16, String)>(&bytes[..13]).is_err());
        assert!(encode(&(1u16, "name".to_owned()), 13).is_none());
    }

    #[test]
    fn a_false_length_allocates_nothing() {
        let bytes = [&u64::MAX.to_le_bytes()[..], b"abc"].concat();
        assert!(decode_prefix::<String>(&bytes).is_err());
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
