//! The rows of the broker's ledger, and the bytes that each is kept as.
//!
//! Every row begins with one byte, the version of its form, which is 1. The fields follow in the order of these tables,
//! and nothing may come after the last. Integers are little-endian. A moment is 8 bytes, seconds since 1970; a day is 2
//! bytes, days since 1970; a digest is 32 bytes; a run of bytes comes after its length, 8 bytes. "If any" stands for a
//! byte 0, or a byte 1 and what may be there.
//!
//! | row | fields |
//! |---|---|
//! | format | the format of the ledger, 4 bytes |
//! | policy | its version, 4; its digest; the digest of the one before, if any; when it was adopted, a moment |
//! |  | if a version for a lost policy key was announced: its digest; the day |
//! | partner | the last accepted state message, if any: its number, 8; its digest; the receipt, bytes |
//! |  | the highest numbers of state messages, questions, status requests and of what comes after a hit, 8 each |
//! |  | the last answered question, if any: its number, 8; its digest; its epoch, 4; release, 8; the answer, bytes |
//! |  | the last answered status request, if any: its number, 8; its digest; the status reply, bytes |
//! |  | the digest of the last receipt that the partner showed and the log lacks, if any |
//! | epoch | the number of its release, 8; the moment it speaks of; the latest moment considered for a full one |
//! |  | fresh, 2; since when it waits for its first full release, a moment, if it does |
//! | share | 1 if a full set has come, else 0 |
//! |  | since when all flags are ended and a full set is wanted again, a day, if that is so |
//! |  | when the last state message was accepted, a moment, if any |
//! |  | flags held, 4; the release that the next counts in, 8; pseudonyms asked free of charge, 4 |
//! |  | the number of the last batch that is released, 8; 0 for none |
//! | organisation | its slug, bytes |
//! |  | the day of what follows; new flags, 4; pseudonyms asked, 4; pseudonyms swept, 4; status requests, 4; new |
//! |  | rows put forward, 4; notes, 4 |
//! |  | the epoch of its first full set, 4, if any |
//! |  | flags held when the last epoch closed that it had delivered in, 4, if any; how many epochs, 8; of each: |
//! |  | its number, 4; pseudonyms asked, 4; flags of first full sets free of the day's budget, 4 |
//! |  | since a restore how many of these there may be, 4, if there was one |
//! |  | the totals that it was told last, if any: their release, 8, and its moment; flags, 4; how many cells, 8; of |
//! |  | each: the fewest organisations, 1; the most, 1; pseudonyms, 4 |
//! | log counts | the day of what follows; how many epochs, 8; of each: its number, 4; stacked, 8; not stacked, 8 |
//! |  | how many lines were pruned, 8; the hour of what follows, a moment; messages that used up no number, 4 |
//! | restored | when the store was last put back from a copy, a moment |
//! | unpurged | how many rows went out of the store since the last purge, 8 |
//! | certificates | how many, 8; of each: the consortium, bytes; the partner, 2; its epoch, 4; its serial, 4 |
//! |  | message key and seal key, 32 and 32, if any; the first day; the last day |
//! |  | the policy key, 32; the signature, 64 |
//!
//! What comes after a hit has rows of its own: `meet/rows.rs`. A checkpoint's row is the signed checkpoint itself. A
//! row that is of another version, ends too early or too late, or holds what no broker writes is refused as
//! `store_damaged`.

use std::collections::BTreeMap;

use super::meet::{SentToday, TotalsRow};
use crate::codec::{Encode, encode_fields, read_record, write_record};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::slug::Slug;
use crate::store::StoreError;

/// The version of every row's form.
const VERSION: u8 = 1;

/// What [`read_row`] says of bytes that are no row.
pub(super) const DAMAGED: StoreError =
    StoreError::StoreDamaged { finding: "a row of its ledger is damaged, or belongs to another" };

/// The bytes of a row.
pub(super) fn write_row(row: &impl Encode) -> Vec<u8> {
    write_record(Vec::new(), VERSION, row)
}

/// The row that all of `bytes` are.
pub(super) fn read_row<R: Encode>(bytes: &[u8]) -> Result<R, StoreError> {
    read_record(bytes, VERSION).map_err(|_| DAMAGED)
}

/// Which policy is in force, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PolicyRow {
    pub(super) version: u32,
    pub(super) digest: Digest,
    /// The one before, while state messages may still name it.
    pub(super) previous: Option<Digest>,
    pub(super) adopted: Timestamp,
    /// The version for a lost policy key that was announced last, if any was.
    pub(super) announced: Option<Announced>,
}

/// A version that waits for a veto, and the day of the log's line on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) version: Digest,
    pub(super) on: Day,
}

/// A partner's numbers and last replies.
#[derive(Clone, Default)]
pub(super) struct PartnerRow {
    pub(super) accepted: Option<Replied>,
    pub(super) highest_state: u64,
    pub(super) highest_question: u64,
    pub(super) highest_status: u64,
    pub(super) highest_talk: u64,
    pub(super) answered: Option<AnsweredQuestion>,
    pub(super) status: Option<Replied>,
    /// The last receipt of this broker's signature that the partner showed and the log lacked; the log says so once.
    pub(super) forgotten: Option<Digest>,
    /// What was accepted of it today of what comes after a hit.
    pub(super) sent_today: SentToday,
}

/// What an organisation spent of its budgets, all its partners together.
#[derive(Clone)]
pub(super) struct OrganisationRow {
    pub(super) slug: Slug,
    /// The day on which the next six were spent.
    pub(super) day: Day,
    pub(super) new_flags: u32,
    pub(super) asked: u32,
    pub(super) swept: u32,
    pub(super) status: u32,
    /// New rows put forward.
    pub(super) new_rows: u32,
    pub(super) notes: u32,
    /// The epoch of its first full set.
    pub(super) began_in: Option<u32>,
    /// Flags that it held when the last epoch closed that it had delivered in; `None` where there was none.
    pub(super) held_before: Option<u32>,
    /// What it spent in epochs that are open, by number.
    pub(super) epochs: BTreeMap<u32, EpochSpending>,
    /// The totals that it was told last.
    pub(super) totals: Option<TotalsRow>,
}

/// What an organisation spent in one epoch.
#[derive(Clone, Copy, Default)]
pub(super) struct EpochSpending {
    /// Pseudonyms asked that cost something.
    pub(super) asked: u32,
    /// Flags that first full sets brought free of the day's budget.
    pub(super) carried: u32,
    /// Since a restore, how many these may be; before, that follows from the epoch before.
    pub(super) may_carry: Option<u32>,
}

/// The last message of a series that was accepted, and the reply to it.
#[derive(Clone)]
pub(super) struct Replied {
    pub(super) sequence: u64,
    pub(super) digest: Digest,
    /// Empty since a restore: what was replied before is true no more.
    pub(super) reply: Vec<u8>,
}

/// The last question that was answered.
#[derive(Clone)]
pub(super) struct AnsweredQuestion {
    pub(super) sequence: u64,
    pub(super) digest: Digest,
    pub(super) epoch: u32,
    pub(super) release: u64,
    pub(super) answer: Vec<u8>,
}

/// Times without a release over which the broker went on, and nobody has said since that its clock is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SilenceRow {
    /// The last release before the first of them.
    pub(super) since: Timestamp,
    /// The end of the last, which is counted once, also where its release is not made yet.
    pub(super) until: Timestamp,
    /// All of them together.
    pub(super) seconds: u64,
}

/// An epoch's release.
#[derive(Clone)]
pub(super) struct EpochRow {
    /// The number of the release.
    pub(super) release: u64,
    pub(super) as_of: Timestamp,
    /// The latest moment that was considered for a full release.
    pub(super) considered: Timestamp,
    /// How many organisations were fresh at the release.
    pub(super) fresh: u16,
    /// Since when the epoch waits for full sets before its first full release; `None` once that was made. After a
    /// restore it waits again.
    pub(super) waits_since: Option<Timestamp>,
}

/// What a partner has in an epoch.
#[derive(Clone, Default)]
pub(super) struct ShareRow {
    /// Whether a full set has come since the epoch opened, or since the broker was restored.
    pub(super) delivered: bool,
    /// The day on which all flags ended, because the partner was suspended or lost the right to flag; `None` once a
    /// full set has come since. What its batches say was held is to be read as withdrawn on that day.
    pub(super) ended: Option<Day>,
    /// When the last state message was accepted; `None` after flags ended.
    pub(super) heard: Option<Timestamp>,
    pub(super) held: u32,
    /// The release in which `free` were asked for nothing.
    pub(super) free_in: u64,
    pub(super) free: u32,
    /// Batches up to this number are released. Those of a full set whose last part has not come have higher ones.
    pub(super) released_through: u64,
}

impl ShareRow {
    /// Whether a full set has come that still holds, so that a delta can follow it.
    pub(super) fn has_set(&self) -> bool {
        self.delivered && self.ended.is_none()
    }
}

/// What is counted of the log beside its lines.
#[derive(Clone, Default)]
pub(super) struct LogCountsRow {
    /// The day that `told` counts.
    pub(super) day: Day,
    /// Standings told on that day, by epoch: stacked, and all others.
    pub(super) told: BTreeMap<u32, (u64, u64)>,
    /// Lines that were pruned.
    pub(super) pruned: u64,
    /// The first moment of the hour that `replayed` counts.
    pub(super) hour: Timestamp,
    /// Messages in that hour that used up no number, and so have no line of their own.
    pub(super) replayed: u32,
    /// When the last backup was made.
    pub(super) backed_up: Option<Timestamp>,
}

impl PartnerRow {
    /// The number of the last state message that was accepted; 0 for none.
    pub(super) fn accepted_state(&self) -> u64 {
        self.accepted.as_ref().map_or(0, |accepted| accepted.sequence)
    }
}

encode_fields! { PolicyRow { version, digest, previous, adopted, announced } }
encode_fields! { Announced { version, on } }
encode_fields! {
    PartnerRow {
        accepted, highest_state, highest_question, highest_status, highest_talk, answered, status, forgotten, sent_today
    }
    where |row| {
        let answered = row.answered.as_ref().map_or(0, |answered| answered.sequence);
        let status = row.status.as_ref().map_or(0, |status| status.sequence);
        row.accepted_state() <= row.highest_state
            && answered <= row.highest_question
            && status <= row.highest_status
    }, else "a number is above the highest"
}
encode_fields! { Replied { sequence, digest, reply } }
encode_fields! { AnsweredQuestion { sequence, digest, epoch, release, answer } }
encode_fields! { EpochRow { release, as_of, considered, fresh, waits_since } }
encode_fields! { SilenceRow { since, until, seconds } }
encode_fields! { ShareRow { delivered, ended, heard, held, free_in, free, released_through } }
encode_fields! {
    OrganisationRow {
        slug, day, new_flags, asked, swept, status, new_rows, notes, began_in, held_before, epochs, totals
    }
}
encode_fields! { EpochSpending { asked, carried, may_carry } }
encode_fields! { LogCountsRow { day, told, pruned, hour, replayed, backed_up } }

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `row`, and checks that it comes back from these bytes alone.
    fn frozen<R: Encode>(row: R, bytes: &[&[u8]]) {
        let bytes = bytes.concat();
        assert_eq!(write_row(&row), bytes);
        assert_eq!(write_row(&read_row::<R>(&bytes).unwrap()), bytes);
        let refused = |bytes: &[u8]| match read_row::<R>(bytes) {
            Err(error) => assert_eq!(error.code(), "store_damaged"),
            Ok(_) => panic!("these bytes are no row: {bytes:?}"),
        };
        (0..bytes.len()).for_each(|length| refused(&bytes[..length]));
        refused(&[&bytes, &[0][..]].concat());
        for version in [0, 2, 255] {
            refused(&[&[version], &bytes[1..]].concat());
        }
    }

    fn partner() -> PartnerRow {
        PartnerRow {
            accepted: Some(Replied { sequence: 0x21, digest: Digest([0xa1; 32]), reply: vec![0xa2; 3] }),
            highest_state: 0x22,
            highest_question: 0x42,
            highest_status: 0x46,
            highest_talk: 0x47,
            answered: Some(AnsweredQuestion {
                sequence: 0x41,
                digest: Digest([0xb1; 32]),
                epoch: 0x43,
                release: 0x44,
                answer: vec![0xb2; 2],
            }),
            status: Some(Replied { sequence: 0x45, digest: Digest([0xb3; 32]), reply: vec![0xb4; 4] }),
            forgotten: Some(Digest([0xb5; 32])),
            sent_today: SentToday { day: Day(0x48), put_forward: true, exchanges: 0x49 },
        }
    }

    /// No two fields have equal values, so that two writes that change places give other bytes.
    #[test]
    fn rows_are_these_bytes() {
        frozen(0x01020304u32, &[&[1], &[4, 3, 2, 1]]);
        let policy = PolicyRow {
            version: 0x11,
            digest: Digest([0xc1; 32]),
            previous: Some(Digest([0xc2; 32])),
            adopted: Timestamp(0x12),
            announced: None,
        };
        let (version, adopted) = ([0x11, 0, 0, 0], [0x12, 0, 0, 0, 0, 0, 0, 0]);
        frozen(policy.clone(), &[&[1], &version, &[0xc1; 32], &[1], &[0xc2; 32], &adopted, &[0]]);
        let announced = Some(Announced { version: Digest([0xc3; 32]), on: Day(0x13) });
        let rest = [&[0][..], &adopted, &[1], &[0xc3; 32], &[0x13, 0]].concat();
        frozen(PolicyRow { previous: None, announced, ..policy }, &[&[1], &version, &[0xc1; 32], &rest]);
        frozen(
            partner(),
            &[
                &[1],
                &[1, 0x21, 0, 0, 0, 0, 0, 0, 0],
                &[0xa1; 32],
                &[3, 0, 0, 0, 0, 0, 0, 0, 0xa2, 0xa2, 0xa2],
                &[0x22, 0, 0, 0, 0, 0, 0, 0],
                &[0x42, 0, 0, 0, 0, 0, 0, 0],
                &[0x46, 0, 0, 0, 0, 0, 0, 0],
                &[0x47, 0, 0, 0, 0, 0, 0, 0],
                &[1, 0x41, 0, 0, 0, 0, 0, 0, 0],
                &[0xb1; 32],
                &[0x43, 0, 0, 0],
                &[0x44, 0, 0, 0, 0, 0, 0, 0],
                &[2, 0, 0, 0, 0, 0, 0, 0, 0xb2, 0xb2],
                &[1, 0x45, 0, 0, 0, 0, 0, 0, 0],
                &[0xb3; 32],
                &[4, 0, 0, 0, 0, 0, 0, 0, 0xb4, 0xb4, 0xb4, 0xb4],
                &[1],
                &[0xb5; 32],
                &[0x48, 0, 1, 0x49],
            ],
        );
        frozen(PartnerRow::default(), &[&[1], &[0; 1 + 32 + 3 + 4]]);
        let organisation = OrganisationRow {
            slug: "a-b".parse().unwrap(),
            day: Day(0x51),
            new_flags: 0x52,
            asked: 0x53,
            swept: 0x54,
            status: 0x55,
            new_rows: 0x5c,
            notes: 0x5d,
            began_in: Some(0x5b),
            held_before: Some(0x56),
            epochs: [(0x57, EpochSpending { asked: 0x58, carried: 0x59, may_carry: Some(0x5a) })].into(),
            totals: Some(TotalsRow {
                release: 0x5e,
                as_of: Timestamp(0x5f),
                flags: 0x60,
                cells: vec![(0x61, (0x62, 0x63))],
            }),
        };
        let slug = [3, 0, 0, 0, 0, 0, 0, 0, b'a', b'-', b'b'];
        let spent = [0x52, 0x53, 0x54, 0x55, 0x5c, 0x5d].map(|spent| [spent, 0, 0, 0]).concat();
        let totals = [&[1, 0x5e, 0, 0, 0, 0, 0, 0, 0][..], &[0x5f, 0, 0, 0, 0, 0, 0, 0], &[0x60, 0, 0, 0]].concat();
        frozen(
            organisation,
            &[
                &[1],
                &slug,
                &[0x51, 0],
                &spent,
                &[1, 0x5b, 0, 0, 0],
                &[1, 0x56, 0, 0, 0],
                &[1, 0, 0, 0, 0, 0, 0, 0],
                &[0x57, 0, 0, 0],
                &[0x58, 0, 0, 0],
                &[0x59, 0, 0, 0],
                &[1, 0x5a, 0, 0, 0],
                &totals,
                &[1, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x62, 0x63, 0, 0, 0],
            ],
        );
        let epoch = EpochRow {
            release: 0x61,
            as_of: Timestamp(0x62),
            considered: Timestamp(0x63),
            fresh: 0x64,
            waits_since: Some(Timestamp(0x65)),
        };
        let before_wait = [
            [1, 0x61, 0, 0, 0, 0, 0, 0, 0].as_slice(),
            &[0x62, 0, 0, 0, 0, 0, 0, 0],
            &[0x63, 0, 0, 0, 0, 0, 0, 0],
            &[0x64, 0],
        ]
        .concat();
        frozen(epoch.clone(), &[&before_wait, &[1, 0x65, 0, 0, 0, 0, 0, 0, 0]]);
        frozen(EpochRow { waits_since: None, ..epoch }, &[&before_wait, &[0]]);
        let share = ShareRow {
            delivered: true,
            ended: None,
            heard: Some(Timestamp(0x71)),
            held: 0x72,
            free_in: 0x74,
            free: 0x75,
            released_through: 0x76,
        };
        let after_flags = [
            [1, 0x71, 0, 0, 0, 0, 0, 0, 0].as_slice(),
            &[0x72, 0, 0, 0],
            &[0x74, 0, 0, 0, 0, 0, 0, 0],
            &[0x75, 0, 0, 0],
            &[0x76, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        frozen(share.clone(), &[&[1], &[1, 0], &after_flags]);
        let ended = Some(Day(0x77));
        frozen(ShareRow { delivered: false, ended, ..share }, &[&[1], &[0, 1, 0x77, 0], &after_flags]);
        frozen(
            LogCountsRow {
                day: Day(0x81),
                told: [(0x82, (0x83, 0x84)), (0x85, (0, 0))].into(),
                pruned: 0x86,
                hour: Timestamp(0x87),
                replayed: 0x88,
                backed_up: Some(Timestamp(0x89)),
            },
            &[
                &[1],
                &[0x81, 0],
                &[2, 0, 0, 0, 0, 0, 0, 0],
                &[0x82, 0, 0, 0],
                &[0x83, 0, 0, 0, 0, 0, 0, 0],
                &[0x84, 0, 0, 0, 0, 0, 0, 0],
                &[0x85, 0, 0, 0],
                &[0; 16],
                &[0x86, 0, 0, 0, 0, 0, 0, 0],
                &[0x87, 0, 0, 0, 0, 0, 0, 0],
                &[0x88, 0, 0, 0],
                &[1, 0x89, 0, 0, 0, 0, 0, 0, 0],
            ],
        );
        let certificates = crate::policy::sample::certificates(&crate::policy::sample::policy());
        let text = certificates[0].to_text();
        let hex = |line: &str| {
            let value = text.lines().find_map(|it| it.strip_prefix(line)).unwrap();
            data_encoding::HEXLOWER.decode(value.as_bytes()).unwrap()
        };
        frozen(
            certificates[..1].to_vec(),
            &[
                &[1],
                &[1, 0, 0, 0, 0, 0, 0, 0],
                &[8, 0, 0, 0, 0, 0, 0, 0],
                b"zaanstad",
                &[1, 0],
                &[1, 0, 0, 0],
                &[1, 0, 0, 0],
                &[1],
                &hex("message-key: "),
                &hex("seal-key: "),
                &[0x34, 0x51],
                &[0xa0, 0x52],
                &hex("key: "),
                &hex("signature: "),
            ],
        );
        frozen(Timestamp(0x91), &[&[1], &[0x91, 0, 0, 0, 0, 0, 0, 0]]);
        frozen(0x92u64, &[&[1], &[0x92, 0, 0, 0, 0, 0, 0, 0]]);
    }

    #[test]
    fn what_no_broker_writes_is_damage() {
        let refused = |row: &PartnerRow| {
            assert_eq!(read_row::<PartnerRow>(&write_row(row)).err().unwrap().code(), "store_damaged");
        };
        refused(&PartnerRow { highest_state: 0x20, ..partner() });
        refused(&PartnerRow { highest_question: 0x40, ..partner() });
        refused(&PartnerRow { highest_status: 0x44, ..partner() });
        let row = write_row(&ShareRow::default());
        for (at, byte) in [(1, 2), (1, 255), (2, 2)] {
            let mut other = row.clone();
            other[at] = byte;
            assert!(read_row::<ShareRow>(&other).is_err(), "{at} {byte}");
        }
        // A length that no row has room for, in the place of the receipt's and of the number of epochs.
        let mut row = write_row(&partner());
        row[42..50].fill(0xff);
        assert!(read_row::<PartnerRow>(&row).is_err());
        let told = |epochs: [u8; 2]| {
            let of = |epoch| [&[epoch, 0, 0, 0][..], &[0; 16]].concat();
            [&[1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0][..], &of(epochs[0]), &of(epochs[1]), &[0; 21]].concat()
        };
        assert!(read_row::<LogCountsRow>(&told([1, 2])).is_ok());
        for epochs in [[2, 1], [1, 1]] {
            assert!(read_row::<LogCountsRow>(&told(epochs)).is_err());
        }
        let mut endless = told([1, 2]);
        endless[3..11].fill(0xff);
        assert!(read_row::<LogCountsRow>(&endless).is_err());
    }
}
