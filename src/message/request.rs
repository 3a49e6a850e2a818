//! The bodies of a partner's messages: deltas, full sets, confirmations, questions and status requests. Those of what
//! comes after a hit are in talk.rs.
//!
//! Types that hold pseudonyms have no `Debug`, so that no log shows them.

use super::error::MessageError;
use super::header::{Header, Kind};
use super::limits::{MAX_FLAGS, MAX_GROUPS, MAX_PROVEN_LINES, MAX_QUESTION, MAX_RECEIPT};
use super::talk::{Exchange, PutForward, Year};
use super::terms::{TERMS, Terms};
use crate::codec::{Reader, Writer};
use crate::pseudonym::Pseudonym;
use crate::slug::Slug;

const SHRINK: u8 = 0x01;
const SWEEP: u8 = 0x01;

/// The body of a partner's message.
#[non_exhaustive]
pub enum Request<'a> {
    /// Adds and withdraws flags.
    Delta(Delta<'a>),
    /// All of a partner's flags, or one part of them.
    FullSet(FullSet<'a>),
    /// Nothing changed.
    Confirm,
    /// Asks for the standings of pseudonyms.
    Question(Question<'a>),
    /// Asks where the partner stands.
    Status(StatusRequest),
    /// Says all that the partner puts forward.
    PutForward(PutForward<'a>),
    /// Sends notes, and fetches what waits.
    Exchange(Exchange),
    /// Asks how many of the organisation's flags are stacked.
    Totals,
    /// Reports how a year's conversations went.
    Year(Year),
}

/// Flags on the same terms.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    /// How long they last, since when, and why they were renewed.
    pub terms: Terms,
    /// The pseudonyms, ascending, each once. At least one.
    pub pseudonyms: &'a [Pseudonym],
}

/// Adds and withdraws flags.
pub struct Delta<'a> {
    /// The flags to add, or to give another last day; by ascending terms.
    pub flagged: Vec<Group<'a>>,
    /// The pseudonyms that are no longer flagged, ascending, each once.
    pub withdrawn: &'a [Pseudonym],
}

/// All of a partner's flags, or one part of them.
pub struct FullSet<'a> {
    /// The set may withdraw more than the policy's `max_shrink_percent` of the flags held: it is meant.
    pub shrink: bool,
    /// Which part.
    pub part: Part,
    /// The part's flags, by ascending terms.
    pub flagged: Vec<Group<'a>>,
}

/// Which part of a full set; the set takes effect with its last part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Counted from 1.
    pub number: u16,
    /// How many parts there are.
    pub of: u16,
}

/// Asks for the standings of pseudonyms.
///
/// ```
/// use stapel::message::Question;
/// use stapel::secret::{Scope, Secret};
/// use stapel::{AddressKey, PseudonymKey};
///
/// let home = AddressKey::from_canonical("1012JS|1|A").unwrap();
/// let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch: 1 };
/// let key = PseudonymKey::new(&Secret::generate().unwrap(), &scope);
/// let question = Question { sweep: None, pseudonyms: &[key.pseudonym(&home)] };
/// ```
///
/// An address itself cannot be asked about, neither its key nor its bytes:
///
/// ```compile_fail
/// use stapel::message::Question;
/// use stapel::AddressKey;
///
/// let home = AddressKey::from_canonical("1012JS|1|A").unwrap();
/// let question = Question { sweep: None, pseudonyms: &[home] };
/// ```
///
/// ```compile_fail
/// use stapel::message::Question;
///
/// let question = Question { sweep: None, pseudonyms: &[*b"1012JS|1|A\0\0\0\0\0\0"] };
/// ```
pub struct Question<'a> {
    /// For a sweep, which asks without own flags: the reason, one of the policy's. `None` for an ordinary question.
    pub sweep: Option<Slug>,
    /// The pseudonyms, ascending, each once. At least one.
    pub pseudonyms: &'a [Pseudonym],
}

/// Asks where the partner stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusRequest {
    /// The tree size of the latest checkpoint of the audit log that the partner holds; 0 for none.
    pub tree_size: u64,
    /// The numbers of lines on the partner's own messages whose inclusion is to be proven, ascending. At most 1,000.
    pub lines: Vec<u64>,
    /// The latest receipt that the partner read, as the broker signed it; empty for none. At most 2,048 bytes.
    pub receipt: Vec<u8>,
}

impl<'a> Request<'a> {
    /// The body.
    ///
    /// # Errors
    ///
    /// [`MessageError::TooLarge`] for more than 1,024 groups, 1,000 lines to be proven, or a receipt of 2,048 bytes.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        self.refuse_uncountable()?;
        let mut bytes = Vec::with_capacity(self.length());
        self.encode_to(&mut bytes);
        Ok(bytes)
    }

    /// An error where a count does not fit the byte that it is written in, so that another message would come out.
    pub(super) fn refuse_uncountable(&self) -> Result<(), MessageError> {
        match self {
            Request::Delta(Delta { flagged, .. }) | Request::FullSet(FullSet { flagged, .. })
                if flagged.len() > MAX_GROUPS =>
            {
                let finding = "there are more than 1,024 groups: send a full set in parts, a delta in several";
                Err(MessageError::TooLarge { finding })
            }
            Request::Status(status) if status.lines.len() > MAX_PROVEN_LINES || status.receipt.len() > MAX_RECEIPT => {
                let finding = "a status request names at most 1,000 lines, and has a receipt of at most 2,048 bytes";
                Err(MessageError::TooLarge { finding })
            }
            Request::PutForward(said) => said.refuse_uncountable(),
            Request::Exchange(exchange) => exchange.refuse_uncountable(),
            Request::Year(year) => year.refuse_uncountable(),
            _ => Ok(()),
        }
    }

    /// Adds the body to `bytes`; only after [`Request::refuse_uncountable`].
    pub(super) fn encode_to(&self, bytes: &mut Vec<u8>) {
        let mut writer = Writer::after(std::mem::take(bytes));
        match self {
            Request::Delta(delta) => {
                write_groups(&mut writer, &delta.flagged);
                writer.column(Pseudonym::as_rows(delta.withdrawn));
            }
            Request::FullSet(set) => {
                writer.u8(if set.shrink { SHRINK } else { 0 });
                writer.u16(set.part.number).u16(set.part.of);
                write_groups(&mut writer, &set.flagged);
            }
            Request::Confirm => {}
            Request::Question(question) => {
                let reason = question.sweep.as_ref().map_or("", Slug::as_str);
                writer.u8(if question.sweep.is_some() { SWEEP } else { 0 });
                writer.u8(reason.len() as u8).bytes(reason.as_bytes());
                writer.column(Pseudonym::as_rows(question.pseudonyms));
            }
            Request::Status(status) => {
                writer.u64(status.tree_size).u16(status.lines.len() as u16);
                for line in &status.lines {
                    writer.u64(*line);
                }
                writer.u16(status.receipt.len() as u16).bytes(&status.receipt);
            }
            Request::PutForward(said) => said.write(&mut writer),
            Request::Exchange(exchange) => exchange.write(&mut writer),
            Request::Totals => {}
            Request::Year(year) => year.write(&mut writer),
        }
        *bytes = writer.finish();
    }

    /// How many bytes the body takes.
    pub(super) fn length(&self) -> usize {
        let column = |rows: &[Pseudonym]| 4 + rows.len() * 16;
        let groups =
            |groups: &[Group<'_>]| 2 + groups.iter().map(|group| TERMS + column(group.pseudonyms)).sum::<usize>();
        match self {
            Request::Delta(delta) => groups(&delta.flagged) + column(delta.withdrawn),
            Request::FullSet(set) => 1 + 4 + groups(&set.flagged),
            Request::Confirm => 0,
            Request::Question(question) => {
                2 + question.sweep.as_ref().map_or(0, |reason| reason.as_str().len()) + column(question.pseudonyms)
            }
            Request::Status(status) => 12 + status.lines.len() * 8 + status.receipt.len(),
            Request::PutForward(said) => said.length(),
            Request::Exchange(_) => Exchange::LENGTH,
            Request::Totals => 0,
            Request::Year(year) => year.length(),
        }
    }

    /// The kind of message that it is the body of.
    pub fn kind(&self) -> Kind {
        match self {
            Request::Delta(_) => Kind::Delta,
            Request::FullSet(_) => Kind::FullSet,
            Request::Confirm => Kind::Confirm,
            Request::Question(_) => Kind::Question,
            Request::Status(_) => Kind::Status,
            Request::PutForward(_) => Kind::PutForward,
            Request::Exchange(_) => Kind::Exchange,
            Request::Totals => Kind::TotalsRequest,
            Request::Year(_) => Kind::Year,
        }
    }

    /// An error where the body does not go with its header.
    pub(super) fn refuse_under(&self, header: &Header) -> Result<(), MessageError> {
        match self {
            Request::PutForward(said) if said.receivers.contains(&header.partner) => {
                malformed("the sender is among the receivers of its codes")
            }
            Request::Exchange(exchange) if exchange.notes.iter().any(|note| note.epoch != header.epoch) => {
                malformed("a note is sealed with the keys of another epoch than the header's")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn decode(kind: Kind, body: &'a [u8]) -> Result<Request<'a>, MessageError> {
        let mut reader = Reader::new(body);
        let request = match kind {
            Kind::Delta => Request::Delta(Delta::read(&mut reader)?),
            Kind::FullSet => Request::FullSet(FullSet::read(&mut reader)?),
            Kind::Confirm => Request::Confirm,
            Kind::Question => Request::Question(Question::read(&mut reader)?),
            Kind::Status => Request::Status(StatusRequest::read(&mut reader)?),
            Kind::PutForward => Request::PutForward(PutForward::read(&mut reader)?),
            Kind::Exchange => Request::Exchange(Exchange::read(&mut reader)?),
            Kind::TotalsRequest => Request::Totals,
            Kind::Year => Request::Year(Year::read(&mut reader)?),
            _ => return malformed("the kind is one that the other side sends"),
        };
        reader.end()?;
        Ok(request)
    }
}

impl<'a> Delta<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Delta<'a>, MessageError> {
        let flagged = read_groups(reader)?;
        let withdrawn = Pseudonym::of_rows(reader.column()?);
        let count = count(&flagged) + withdrawn.len();
        if count == 0 {
            return malformed("the delta says nothing: to say that nothing changed, send a confirm");
        }
        refuse_too_many(count, MAX_FLAGS)?;
        let columns = flagged.iter().map(|group| group.pseudonyms).chain([withdrawn]).collect();
        refuse_repeats(columns, "a pseudonym stands in two groups, or is both flagged and withdrawn")?;
        Ok(Delta { flagged, withdrawn })
    }
}

impl<'a> FullSet<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<FullSet<'a>, MessageError> {
        let bits = read_bits(reader, SHRINK)?;
        let part = Part { number: reader.u16()?, of: reader.u16()? };
        if part.number == 0 || part.number > part.of {
            return malformed("the parts of a full set are numbered from 1 to how many there are");
        }
        let flagged = read_groups(reader)?;
        refuse_too_many(count(&flagged), MAX_FLAGS)?;
        let columns = flagged.iter().map(|group| group.pseudonyms).collect();
        refuse_repeats(columns, "a pseudonym stands in two groups")?;
        Ok(FullSet { shrink: bits & SHRINK != 0, part, flagged })
    }
}

impl<'a> Question<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Question<'a>, MessageError> {
        let bits = read_bits(reader, SWEEP)?;
        let length = usize::from(reader.u8()?);
        let reason = std::str::from_utf8(reader.take(length)?).unwrap_or("?");
        let sweep = match (bits, reason) {
            (SWEEP, reason) => Some(reason.parse().or(malformed("the reason of a sweep is a slug"))?),
            (_, "") => None,
            _ => return malformed("only a sweep has a reason"),
        };
        let pseudonyms = Pseudonym::of_rows(reader.column()?);
        refuse_too_many(pseudonyms.len(), MAX_QUESTION)?;
        if pseudonyms.is_empty() {
            return malformed("the question asks nothing");
        }
        Ok(Question { sweep, pseudonyms })
    }
}

impl StatusRequest {
    fn read(reader: &mut Reader<'_>) -> Result<StatusRequest, MessageError> {
        let tree_size = reader.u64()?;
        let count = usize::from(reader.u16()?);
        let lines = (0..count).map(|_| reader.u64()).collect::<Result<Vec<_>, _>>()?;
        if count > MAX_PROVEN_LINES || !lines.is_sorted_by(|a, b| a < b) {
            return malformed("the lines to be proven are more than 1,000, or not ascending, each once");
        }
        let length = usize::from(reader.u16()?);
        let receipt = reader.take(length)?.to_vec();
        if length > MAX_RECEIPT {
            return malformed("the receipt is longer than any is");
        }
        Ok(StatusRequest { tree_size, lines, receipt })
    }
}

fn read_bits(reader: &mut Reader<'_>, known: u8) -> Result<u8, MessageError> {
    let bits = reader.u8()?;
    if bits & !known == 0 { Ok(bits) } else { malformed("a bit is set that has no meaning in this kind") }
}

fn write_groups(writer: &mut Writer, groups: &[Group<'_>]) {
    writer.u16(groups.len() as u16);
    for group in groups {
        group.terms.write(writer);
        writer.column(Pseudonym::as_rows(group.pseudonyms));
    }
}

fn read_groups<'a>(reader: &mut Reader<'a>) -> Result<Vec<Group<'a>>, MessageError> {
    let count = usize::from(reader.u16()?);
    if count > MAX_GROUPS {
        return malformed("there are more than 1,024 groups");
    }
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(count);
    for _ in 0..count {
        let terms = Terms::read(reader)?;
        if groups.last().is_some_and(|before| before.terms >= terms) {
            return malformed("the groups do not stand in the order of their terms, each once");
        }
        let pseudonyms = Pseudonym::of_rows(reader.column()?);
        if pseudonyms.is_empty() {
            return malformed("a group has no pseudonyms");
        }
        groups.push(Group { terms, pseudonyms });
    }
    Ok(groups)
}

fn count(groups: &[Group<'_>]) -> usize {
    groups.iter().map(|group| group.pseudonyms.len()).sum()
}

fn refuse_too_many(count: usize, most: usize) -> Result<(), MessageError> {
    if count <= most {
        return Ok(());
    }
    Err(MessageError::TooLarge {
        finding: match most {
            MAX_FLAGS => "there are more than 1,000,000 pseudonyms: send a full set in parts, a delta in several",
            _ => "there are more than 100,000 pseudonyms: ask in several questions",
        },
    })
}

/// Refuses a row that stands in two of the columns, each of which is sorted and has no repeats.
fn refuse_repeats(mut columns: Vec<&[Pseudonym]>, finding: &'static str) -> Result<(), MessageError> {
    columns.retain(|column| !column.is_empty());
    if columns.len() < 2 {
        return Ok(());
    }
    let mut rows: Vec<u128> = columns.into_iter().flatten().map(Pseudonym::number).collect();
    // The stable sort finds the columns' own order, and merges them.
    rows.sort();
    if rows.windows(2).any(|pair| pair[0] == pair[1]) { malformed(finding) } else { Ok(()) }
}

fn malformed<T>(finding: &'static str) -> Result<T, MessageError> {
    Err(MessageError::Malformed { finding })
}

#[cfg(test)]
mod tests {
    use super::super::terms::RenewalReason;
    use super::*;
    use crate::day::Day;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const NOVEMBER: Day = Day(20_787);
    const DECEMBER: Day = Day(20_818);

    fn row(number: u8) -> Pseudonym {
        Pseudonym::danger_from_remote_source([number; 16])
    }

    fn until(last_day: Day) -> Terms {
        Terms { last_day, first_day: Day(20_780), renewal: None, house_number: false }
    }

    fn decoded(request: Request<'_>) -> Result<(), &'static str> {
        let body = request.encode().unwrap();
        assert_eq!(request.length(), body.len());
        match Request::decode(request.kind(), &body) {
            Ok(again) => {
                assert_eq!(again.encode().unwrap(), body);
                Ok(())
            }
            Err(error) => Err(error.code()),
        }
    }

    #[test]
    fn deltas() {
        let (one, two, three) = ([row(1), row(4)], [row(2)], [row(3)]);
        fn group(last_day: Day, pseudonyms: &[Pseudonym]) -> Group<'_> {
            Group { terms: until(last_day), pseudonyms }
        }
        fn delta<'a>(flagged: Vec<Group<'a>>, withdrawn: &'a [Pseudonym]) -> Result<(), &'static str> {
            decoded(Request::Delta(Delta { flagged, withdrawn }))
        }
        assert_eq!(delta(vec![group(NOVEMBER, &one), group(DECEMBER, &two)], &three), Ok(()));
        assert_eq!(delta(vec![], &three), Ok(()));
        assert_eq!(delta(vec![], &[]), Err("malformed"), "says nothing");
        assert_eq!(delta(vec![group(NOVEMBER, &one)], &[row(4)]), Err("malformed"), "flagged and withdrawn");
        assert_eq!(delta(vec![group(NOVEMBER, &one), group(DECEMBER, &[row(4)])], &[]), Err("malformed"), "two groups");
        assert_eq!(delta(vec![group(DECEMBER, &one), group(NOVEMBER, &two)], &[]), Err("malformed"), "order");
        assert_eq!(delta(vec![group(Day(20_786), &one)], &[]), Err("malformed"), "not a month's end");
        assert_eq!(delta(vec![group(NOVEMBER, &[])], &[row(1)]), Err("malformed"), "empty group");
        assert_eq!(delta(vec![group(NOVEMBER, &[row(2), row(1)])], &[]), Err("malformed"), "not sorted");
    }

    /// A group's terms are one of each kind, and groups stand in the order of their terms.
    #[test]
    fn groups_are_told_apart_by_any_of_their_terms() {
        let terms = until(NOVEMBER);
        let ascending = [
            terms,
            Terms { house_number: true, ..terms },
            Terms { renewal: Some(RenewalReason::ObservedAgain), ..terms },
            Terms { renewal: Some(RenewalReason::UnderSupervision), ..terms },
            Terms { first_day: Day(20_781), ..terms },
            until(DECEMBER),
        ];
        let rows: Vec<_> = (1..7).map(|number| [row(number)]).collect();
        let groups = |order: [usize; 6]| {
            let group = |at: usize| Group { terms: ascending[at], pseudonyms: &rows[at] };
            decoded(Request::Delta(Delta { flagged: order.map(group).to_vec(), withdrawn: &[] }))
        };
        assert_eq!(groups([0, 1, 2, 3, 4, 5]), Ok(()));
        for at in 0..5 {
            let mut order = [0, 1, 2, 3, 4, 5];
            order.swap(at, at + 1);
            assert_eq!(groups(order), Err("malformed"), "{at}");
        }
        let delta = Delta { flagged: vec![Group { terms: ascending[3], pseudonyms: &rows[0] }], withdrawn: &[] };
        let body = Request::Delta(delta).encode().unwrap();
        for (at, byte) in [(6, 5), (6, 255), (7, 2), (7, 0x80)] {
            let mut other = body.clone();
            other[at] = byte;
            assert!(Request::decode(Kind::Delta, &other).is_err(), "{at} {byte}");
        }
    }

    #[test]
    fn more_groups_than_a_message_may_have_are_not_written() {
        let rows: Vec<[Pseudonym; 1]> =
            (0..1_025).map(|n: u128| [Pseudonym::danger_from_remote_source(n.to_be_bytes())]).collect();
        let terms = |first_day| Terms { first_day, ..until(NOVEMBER) };
        let groups: Vec<Group<'_>> =
            (0..).zip(&rows).map(|(day, pseudonyms)| Group { terms: terms(Day(day)), pseudonyms }).collect();
        for (count, written) in [(1_024, Ok(())), (1_025, Err("too_large"))] {
            let flagged = groups[..count].to_vec();
            let set = FullSet { shrink: false, part: Part { number: 1, of: 1 }, flagged: flagged.clone() };
            for request in [Request::FullSet(set), Request::Delta(Delta { flagged, withdrawn: &[] })] {
                let encoded = request.encode().map(drop).map_err(|error| error.code());
                assert_eq!(encoded, written, "{count} groups");
                if written.is_ok() {
                    assert_eq!(decoded(request), written);
                }
            }
        }
    }

    #[test]
    fn full_sets() {
        let set = |number, of| {
            let part = Part { number, of };
            decoded(Request::FullSet(FullSet { shrink: true, part, flagged: vec![] }))
        };
        assert_eq!(set(1, 1), Ok(()));
        assert_eq!(set(3, 7), Ok(()));
        for (number, of) in [(0, 0), (0, 1), (2, 1)] {
            assert_eq!(set(number, of), Err("malformed"));
        }
    }

    #[test]
    fn questions() {
        let ask = |sweep: Option<&str>, pseudonyms: &[Pseudonym]| {
            decoded(Request::Question(Question { sweep: sweep.map(|reason| reason.parse().unwrap()), pseudonyms }))
        };
        assert_eq!(ask(None, &[row(1), row(2)]), Ok(()));
        assert_eq!(ask(Some("brandveiligheid"), &[row(1)]), Ok(()));
        assert_eq!(ask(None, &[]), Err("malformed"));
        assert_eq!(ask(None, &[row(1), row(1)]), Err("malformed"));
        for body in [
            &b"\0\x01a\x01\0\0\0aaaaaaaaaaaaaaaa"[..],
            b"\x01\0\x01\0\0\0aaaaaaaaaaaaaaaa",
            b"\x02\0\x01\0\0\0aaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(Request::decode(Kind::Question, body).err().map(|e| e.code()), Some("malformed"));
        }
    }

    #[test]
    fn status_requests() {
        let ask =
            |lines: Vec<u64>| decoded(Request::Status(StatusRequest { tree_size: 7, lines, receipt: vec![9; 3] }));
        assert_eq!(ask(vec![]), Ok(()));
        assert_eq!(ask(vec![0, 3, u64::MAX]), Ok(()));
        assert_eq!(ask((0..1_000).collect()), Ok(()));
        assert_eq!(ask(vec![3, 3]), Err("malformed"));
        assert_eq!(ask(vec![3, 2]), Err("malformed"));
        let many = Request::Status(StatusRequest { lines: (0..1_001).collect(), ..StatusRequest::default() });
        assert_eq!(many.encode().unwrap_err().code(), "too_large");
        let long = Request::Status(StatusRequest { receipt: vec![1; 2_049], ..StatusRequest::default() });
        assert_eq!(long.encode().unwrap_err().code(), "too_large");
        let mut body = ask_body(1_000);
        body[8..10].copy_from_slice(&1_001u16.to_le_bytes());
        body.splice(body.len() - 2.., [1_000u64.to_le_bytes().as_slice(), &[0, 0]].concat());
        assert!(Request::decode(Kind::Status, &body).is_err());
    }

    fn ask_body(lines: u64) -> Vec<u8> {
        Request::Status(StatusRequest { lines: (0..lines).collect(), ..StatusRequest::default() }).encode().unwrap()
    }

    #[test]
    fn one_pseudonym_too_many() {
        let rows: Vec<_> =
            (0..=MAX_FLAGS as u128).map(|n| Pseudonym::danger_from_remote_source(n.to_be_bytes())).collect();
        let asked = |count| decoded(Request::Question(Question { sweep: None, pseudonyms: &rows[..count] }));
        assert_eq!(asked(MAX_QUESTION), Ok(()));
        assert_eq!(asked(MAX_QUESTION + 1), Err("too_large"));
        let withdrawn = |count: usize| decoded(Request::Delta(Delta { flagged: vec![], withdrawn: &rows[..count] }));
        assert_eq!(withdrawn(MAX_FLAGS), Ok(()));
        assert_eq!(withdrawn(MAX_FLAGS + 1), Err("too_large"));
    }

    proptest! {
        #[test]
        fn repeats_are_found_whatever_the_columns(
            columns in prop::collection::vec(prop::collection::btree_set(0u8..40, 0..12), 0..6),
        ) {
            let rows: Vec<Vec<Pseudonym>> = columns.iter().map(|c| c.iter().map(|n| row(*n)).collect()).collect();
            let distinct: BTreeSet<_> = columns.iter().flatten().collect();
            let repeated = distinct.len() != columns.iter().map(BTreeSet::len).sum::<usize>();
            prop_assert_eq!(refuse_repeats(rows.iter().map(Vec::as_slice).collect(), "").is_err(), repeated);
        }

        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(kind in 1u8..6, body in prop::collection::vec(0u8..4, 0..60)) {
            let kind = Kind::try_from(kind).unwrap();
            if let Ok(request) = Request::decode(kind, &body) {
                prop_assert_eq!(request.length(), body.len());
                prop_assert_eq!(request.encode().unwrap(), body);
            }
        }
    }
}
