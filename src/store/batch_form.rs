//! A batch as few bytes: the tags in one column, each distinct span once, and of every row the number of its span in as
//! few bits as there are spans.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the version of this form: 1 |
//! | 2, 2 | which part of a full set, of how many; 0 of 0 for a delta |
//! | 4, 4 | the number of rows *n*, the number of distinct spans *s* |
//! | 4 *s* | the spans, ascending: first day, last day |
//! | 16 *n* | the tags, ascending |
//! | ⌈*n* *b* / 8⌉ | the rows' spans, *b* bits each, lowest bit first, with *b* the fewest that number *s* spans |
//!
//! All integers are little-endian. Bits of the last byte that no row takes are zero.

use super::model::{Batch, BatchId, Row, Span};
use crate::codec::{Malformed, Reader, Writer};
use crate::day::Day;
use crate::tag::Tag;

impl Batch {
    /// The rows and the part as bytes. A batch of more than `u32::MAX` rows does not exist: a partner's flags are a
    /// `u32`.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (part, of) = self.part.unwrap_or((0, 0));
        let codes: Vec<u32> = self.rows.iter().map(|row| code(row.span)).collect();
        let mut spans = codes.clone();
        spans.sort_unstable();
        spans.dedup();
        let mut writer = Writer::with_capacity(13 + 4 * spans.len() + 20 * codes.len());
        writer.u8(VERSION).u16(part).u16(of).u32(codes.len() as u32).u32(spans.len() as u32);
        for span in &spans {
            writer.u16((span >> 16) as u16).u16(*span as u16);
        }
        for row in &self.rows {
            writer.bytes(&row.tag.0);
        }
        let width = width(spans.len());
        let (mut bits, mut filled) = (0u64, 0);
        for code in codes.iter().filter(|_| width > 0) {
            // All codes are among the spans, which were made of them.
            let number = spans.partition_point(|span| span < code);
            bits |= (number as u64) << filled;
            filled += width;
            while filled >= 8 {
                writer.u8(bits as u8);
                bits >>= 8;
                filled -= 8;
            }
        }
        if filled > 0 {
            writer.u8(bits as u8);
        }
        writer.finish()
    }

    /// Reads what [`Batch::encode`] wrote; an error for any other bytes.
    pub(super) fn decode(id: BatchId, bytes: &[u8]) -> Result<Batch, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(Malformed("the version of the batch is not known"));
        }
        let part = match (reader.u16()?, reader.u16()?) {
            (0, 0) => None,
            (part, of) if (1..=of).contains(&part) => Some((part, of)),
            _ => return Err(Malformed("a batch is no part of a set")),
        };
        let (count, distinct) = (reader.u32()? as usize, reader.u32()? as usize);
        let spans = reader.take(distinct.checked_mul(4).ok_or(TOO_LARGE)?)?;
        let spans: Vec<u32> = spans.as_chunks::<4>().0.iter().map(|span| read_code(*span)).collect();
        let (tags, _) = reader.take(count.checked_mul(16).ok_or(TOO_LARGE)?)?.as_chunks::<16>();
        let width = width(distinct);
        let packed = reader.take(count.checked_mul(width).ok_or(TOO_LARGE)?.div_ceil(8))?;
        reader.end()?;
        if distinct > count || (distinct == 0) != (count == 0) {
            return Err(Malformed("a batch has more spans than rows, or none"));
        }
        if !spans.is_sorted_by(|a, b| a < b) || !tags.is_sorted_by(|a, b| a < b) {
            return Err(Malformed("a batch is not sorted and unique"));
        }
        let mut used = vec![false; distinct];
        let mut rows = Vec::with_capacity(count);
        let mut packed = packed.iter();
        let (mut bits, mut filled) = (0u64, 0);
        for tag in tags {
            while filled < width {
                // As many bytes as the rows' bits take were taken above.
                bits |= u64::from(*packed.next().ok_or(TOO_LARGE)?) << filled;
                filled += 8;
            }
            let number = (bits & ((1 << width) - 1)) as usize;
            bits >>= width;
            filled -= width;
            let code = *spans.get(number).ok_or(Malformed("a row of a batch has no span"))?;
            used[number] = true;
            rows.push(Row { tag: Tag(*tag), span: span(code) });
        }
        if bits != 0 {
            return Err(Malformed("a batch ends in bits that are not zero"));
        }
        if used.contains(&false) {
            return Err(Malformed("a batch has a span that no row has"));
        }
        Ok(Batch { id, part, rows })
    }
}

/// The version of a batch's form.
const VERSION: u8 = 1;

const TOO_LARGE: Malformed = Malformed("a count in a batch is too large");

/// The bits that number `distinct` spans.
fn width(distinct: usize) -> usize {
    distinct.checked_sub(1).map_or(0, |last| (usize::BITS - last.leading_zeros()) as usize)
}

/// A span as an integer.
fn code(span: Span) -> u32 {
    u32::from(span.first.0) << 16 | u32::from(span.last.0)
}

fn span(code: u32) -> Span {
    Span { first: Day((code >> 16) as u16), last: Day(code as u16) }
}

fn read_code([f0, f1, l0, l1]: [u8; 4]) -> u32 {
    u32::from(u16::from_le_bytes([f0, f1])) << 16 | u32::from(u16::from_le_bytes([l0, l1]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: BatchId = BatchId { epoch: 1, partner: 2, sequence: 3 };

    fn batches() -> impl Strategy<Value = Batch> {
        let span = (0u16..40, 0u16..9).prop_map(|(f, l)| Span { first: Day(f), last: Day(l) });
        let rows = prop::collection::btree_map(any::<[u8; 16]>(), span, 0..300);
        let part = prop::option::of((1u16..9, 0u16..9).prop_map(|(number, more)| (number, number + more)));
        (part, rows).prop_map(|(part, rows)| {
            let rows = rows.into_iter().map(|(tag, span)| Row { tag: Tag(tag), span }).collect();
            Batch { id: ID, part, rows }
        })
    }

    proptest! {
        #[test]
        fn batches_come_back(batch in batches()) {
            let bytes = batch.encode();
            prop_assert!(Batch::decode(ID, &bytes).unwrap() == batch);
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(
            batch in batches(),
            at in any::<prop::sample::Index>(),
            with in 1u8..,
        ) {
            let mut bytes = batch.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= with;
            if let Ok(other) = Batch::decode(ID, &bytes) {
                prop_assert!(other.encode() == bytes);
            }
            bytes.truncate(at);
            prop_assert!(Batch::decode(ID, &bytes).is_err());
        }
    }

    /// Frozen: another order of the fields, or another width, is another format.
    #[test]
    fn a_batch_is_these_bytes() {
        let row = |tag: u8, (first, last): (u16, u16)| Row {
            tag: Tag([tag; 16]),
            span: Span { first: Day(first), last: Day(last) },
        };
        let rows = vec![row(1, (0x0203, 0x0405)), row(2, (0, 0)), row(3, (0x0203, 0x0406))];
        let head = [1, 7, 0, 8, 0, 3, 0, 0, 0, 3, 0, 0, 0];
        let spans = [0, 0, 0, 0, 3, 2, 5, 4, 3, 2, 6, 4];
        let bytes = [&head[..], &spans, &[1; 16], &[2; 16], &[3; 16], &[0b10_00_01]].concat();
        let batch = Batch { id: ID, part: Some((7, 8)), rows };
        assert_eq!(batch.encode(), bytes);
        assert!(Batch::decode(ID, &bytes).unwrap() == batch);
        for (at, byte) in [(0, 2), (1, 9), (1, 0), (3, 0), (73, 0b10_01_01), (73, 0b11_00_01), (73, 0b1_10_00_01)] {
            let mut other = bytes.clone();
            other[at] = byte;
            assert!(Batch::decode(ID, &other).is_err(), "{at} {byte}");
        }
        let delta = Batch { part: None, rows: Vec::new(), ..batch };
        assert_eq!(delta.encode(), [&[1][..], &[0; 12]].concat());
    }

    #[test]
    fn a_flag_takes_its_tag_and_the_bits_of_its_span() {
        let row = |number: u32, spans: u32| {
            let mut tag = [0; 16];
            tag[..4].copy_from_slice(&number.to_be_bytes());
            Row { tag: Tag(tag), span: Span { first: Day((number % spans) as u16), last: Day(20_000) } }
        };
        for (spans, bits) in [(1, 0), (2, 1), (3, 2), (256, 8), (257, 9), (4096, 12)] {
            let batch = Batch { id: ID, part: None, rows: (0..8192).map(|number| row(number, spans)).collect() };
            assert_eq!(batch.encode().len(), 13 + 4 * spans as usize + 8192 * 16 + 1024 * bits);
        }
    }
}
