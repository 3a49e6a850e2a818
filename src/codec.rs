//! Strict decoding and its encoding: a value has one encoding, and other bytes are refused.
//!
//! No length is believed before the bytes are there, so that a false one allocates nothing. [`encode`] and
//! [`decode_prefix`] are bincode 1 with fixed-width little-endian integers, for headers on the wire, and nothing else
//! in the crate knows bincode. [`Writer`] and [`Reader`] are for forms that are written field by field, such as message
//! bodies; [`Encode`] is for what is stored, and for the receipt and the log entry, which go over the wire in that
//! form.

use std::collections::BTreeMap;
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

/// A value with one stored form. [`encode_fields`] and [`encode_variants`] make it of a list.
///
/// The bytes follow the order of the list, never the order of a struct's fields, so that no edit of a type changes what
/// is on disk. Integers are little-endian.
pub(crate) trait Encode: Sized {
    fn encode(&self, writer: &mut Writer);
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed>;

    /// Encodes the items of a list. Bytes do this and the next at one stroke, and not byte by byte.
    fn encode_items(items: &[Self], writer: &mut Writer) {
        items.iter().for_each(|item| item.encode(writer));
    }

    fn decode_items(count: usize, reader: &mut Reader<'_>) -> Result<Vec<Self>, Malformed> {
        // At first as much memory as there are bytes, whatever the count says.
        let mut items = Vec::with_capacity(count.min(reader.0.len() / size_of::<Self>().max(1)));
        for _ in 0..count {
            items.push(reader.get()?);
        }
        items.shrink_to_fit();
        Ok(items)
    }
}

/// Implements [`Encode`] for a struct from the list of its fields.
///
/// The list is the stored form: the fields are written and read in its order, and where they stand in the struct does
/// not matter. A field that is left out of it does not compile. A tuple struct's fields are called `0`, `1` and so on.
/// What must hold of a value that is read, beyond what its fields check themselves, comes after `where`, and what is
/// wrong otherwise after `else`.
///
/// ```ignore
/// encode_fields! { Day { 0 } }
/// encode_fields! { Span { first, last } where |span| span.first <= span.last, else "a span ends before it begins" }
/// ```
macro_rules! encode_fields {
    ($type:ident { $($field:tt),+ } $(where $is_valid:expr, else $finding:literal)?) => {
        impl $crate::codec::Encode for $type {
            fn encode(&self, writer: &mut $crate::codec::Writer) {
                $(writer.put(&self.$field);)+
            }

            fn decode(reader: &mut $crate::codec::Reader<'_>) -> Result<$type, $crate::codec::Malformed> {
                let value = $type { $($field: reader.get()?),+ };
                $(
                    let is_valid: fn(&$type) -> bool = $is_valid;
                    if !is_valid(&value) {
                        return Err($crate::codec::Malformed($finding));
                    }
                )?
                Ok(value)
            }
        }
    };
}
pub(crate) use encode_fields;

/// Implements [`Encode`] for an enum from the list of its variants.
///
/// A variant is stored as the byte before its arrow, and its fields in the order of the list. A variant or a field that
/// is left out does not compile. A variant in round brackets has one field, which the list names freely. What is wrong
/// with any other byte comes after `else`.
///
/// ```ignore
/// encode_variants! { Change { 1 => Flagged { home, last_day }, 2 => Noted(text), 3 => Nothing }, else "unknown" }
/// ```
macro_rules! encode_variants {
    (
        $type:ident { $($byte:literal => $variant:ident $({ $($field:ident),+ $(,)? })? $(($only:ident))?),+ $(,)? },
        else $finding:literal
    ) => {
        impl $crate::codec::Encode for $type {
            fn encode(&self, writer: &mut $crate::codec::Writer) {
                match self {
                    $($type::$variant $({ $($field),+ })? $(($only))? => {
                        writer.u8($byte);
                        $($(writer.put($field);)+)?
                        $(writer.put($only);)?
                    })+
                }
            }

            fn decode(reader: &mut $crate::codec::Reader<'_>) -> Result<$type, $crate::codec::Malformed> {
                match reader.u8()? {
                    $($byte => {
                        $($(let $field = reader.get()?;)+)?
                        $(let $only = reader.get()?;)?
                        Ok($type::$variant $({ $($field),+ })? $(($only))?)
                    })+
                    _ => Err($crate::codec::Malformed($finding)),
                }
            }
        }
    };
}
pub(crate) use encode_variants;

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

encode_as_is! { u16, u16; u32, u32; u64, u64; }

impl Encode for u8 {
    fn encode(&self, writer: &mut Writer) {
        writer.u8(*self);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<u8, Malformed> {
        reader.u8()
    }

    fn encode_items(bytes: &[u8], writer: &mut Writer) {
        writer.bytes(bytes);
    }

    fn decode_items(count: usize, reader: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
        Ok(reader.take(count)?.to_vec())
    }
}

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

/// As a list of bytes, which must be UTF-8.
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
        T::encode_items(self, writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Vec<T>, Malformed> {
        let count = reader.length()?;
        T::decode_items(count, reader)
    }
}

/// As a list of keys and values, by ascending key.
impl<K: Encode + Ord, V: Encode> Encode for BTreeMap<K, V> {
    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.len() as u64);
        for (key, value) in self {
            writer.put(key).put(value);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<BTreeMap<K, V>, Malformed> {
        let mut map = BTreeMap::new();
        for _ in 0..reader.length()? {
            let key = reader.get()?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(Malformed("keys do not ascend"));
            }
            map.insert(key, reader.get()?);
        }
        Ok(map)
    }
}

impl<A: Encode, B: Encode> Encode for (A, B) {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.0).put(&self.1);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<(A, B), Malformed> {
        Ok((reader.get()?, reader.get()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_nothing_else_does() {
        #[derive(PartialEq, Debug)]
        struct Record(Vec<u16>, Vec<u8>, Option<u64>, Option<bool>);
        encode_fields! { Record { 0, 1, 2, 3 } }
        let record = Record(vec![1, 2], b"abc".to_vec(), None, Some(true));
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
    fn lists_say_what_is_stored() {
        #[derive(PartialEq, Debug)]
        struct Span {
            last: u16,
            first: u8,
        }
        encode_fields! {
            Span { first, last } where |span| u16::from(span.first) <= span.last, else "it ends too early"
        }

        #[derive(PartialEq, Debug)]
        enum Change {
            Nothing,
            Noted(BTreeMap<u8, (bool, u16)>),
            Moved { from: Span, to: Span },
        }
        encode_variants! { Change { 1 => Moved { to, from }, 2 => Noted(notes), 7 => Nothing }, else "it is unknown" }

        let span = |first, last| Span { first, last };
        let notes = BTreeMap::from([(2, (false, 9)), (1, (true, 8))]);
        for (change, bytes) in [
            (Change::Moved { from: span(1, 2), to: span(3, 4) }, &[1, 3, 4, 0, 1, 2, 0][..]),
            (Change::Noted(notes), &[2, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 8, 0, 2, 0, 9, 0]),
            (Change::Nothing, &[7]),
        ] {
            assert_eq!(write_record(vec![], 5, &change), [&[5], bytes].concat());
            assert_eq!(read_record(&[&[5], bytes].concat(), 5), Ok(change));
        }
        for (bytes, finding) in [
            (&[1, 3, 4, 0, 3, 2, 0][..], "it ends too early"),
            (&[2, 2, 0, 0, 0, 0, 0, 0, 0, 2, 1, 8, 0, 2, 0, 9, 0], "keys do not ascend"),
            (&[3], "it is unknown"),
        ] {
            assert_eq!(read_record::<Change>(&[&[5], bytes].concat(), 5), Err(Malformed(finding)));
        }
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
