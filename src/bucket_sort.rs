//! Bucket sort for pseudonyms and tags. They are uniform, so their first bits say about where in order each belongs.
//!
//! Putting them into buckets by those bits, and sorting each small bucket, is less work than comparing all with each
//! other.

/// Cuts uniform numbers by some of their bits; those of one bucket follow those of the bucket before.
#[derive(Clone, Copy, Default)]
pub(crate) struct Buckets {
    /// The bits of a number before those that say its bucket: all numbers have the same.
    skipped: u32,
    /// How many bits say it.
    bits: u32,
}

/// How many numbers a bucket has, about, where they are to be found or sorted in it.
const BUCKET: usize = 16;

/// The rows by ascending number; rows of one number stay in their order.
pub(crate) fn sorted<T: Clone>(rows: &[T], number: impl Fn(&T) -> u128) -> Vec<T> {
    let mut sorted = Vec::new();
    Buckets::default().in_each(rows.len()).sort(rows.iter().cloned(), &number, &number, &mut sorted, &mut Vec::new());
    sorted
}

impl Buckets {
    /// Buckets by so many of the first bits.
    pub(crate) const fn by_first(bits: u32) -> Buckets {
        Buckets { skipped: 0, bits }
    }

    /// Buckets of a few numbers each, for so many that are in one bucket of these.
    pub(crate) fn in_each(self, numbers: usize) -> Buckets {
        Buckets { skipped: self.skipped + self.bits, bits: (numbers / BUCKET).next_power_of_two().ilog2() }
    }

    /// How many buckets there are.
    pub(crate) fn count(self) -> usize {
        1 << self.bits
    }

    /// The bucket of a number.
    pub(crate) fn of(self, number: u128) -> usize {
        // As two shifts, since all bits shifted out at once would be too many where there is one bucket.
        ((number << self.skipped) >> 64 >> (64 - self.bits)) as usize
    }

    /// How far into its bucket a number is: 0 for where it begins, 2^64 for where it ends.
    pub(crate) fn within(self, number: u128) -> u128 {
        (number << self.skipped << self.bits) >> 64
    }

    /// For each bucket the place of its first number among all; and, one more, where the last bucket ends.
    pub(crate) fn starts(self, numbers: impl Iterator<Item = u128>, starts: &mut Vec<u32>) {
        starts.clear();
        starts.resize(self.count() + 1, 0);
        numbers.for_each(|number| starts[self.of(number) + 1] += 1);
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
    }

    /// Puts rows into their buckets, and leaves those of a bucket in their order. `ends` is where each bucket ends.
    pub(crate) fn part<T: Clone>(
        self,
        rows: impl Iterator<Item = T> + Clone,
        number: impl Fn(&T) -> u128,
        parted: &mut Vec<T>,
        ends: &mut Vec<u32>,
    ) {
        self.starts(rows.clone().map(|row| number(&row)), ends);
        let count = ends.pop().unwrap_or_default();
        parted.clear();
        let Some(any) = rows.clone().next() else { return };
        parted.resize(count as usize, any);
        for row in rows {
            // Where a bucket begins as long as it is empty; in the end, where it ends.
            let end = &mut ends[self.of(number(&row))];
            parted[*end as usize] = row;
            *end += 1;
        }
    }

    /// Puts rows in the order of `key`, which begins with the number; rows of equal keys stay in theirs. `ends` is room
    /// to count in.
    ///
    /// The rows may be many short runs, or a few long ones: either way they are put into their buckets at once, where
    /// merging would take a pass for each doubling of a run and a second copy of all.
    pub(crate) fn sort<T: Clone, K: Ord>(
        self,
        rows: impl Iterator<Item = T> + Clone,
        number: impl Fn(&T) -> u128,
        key: impl Fn(&T) -> K,
        sorted: &mut Vec<T>,
        ends: &mut Vec<u32>,
    ) {
        self.part(rows, number, sorted, ends);
        let mut from = 0;
        for end in ends {
            sorted[from..*end as usize].sort_by_key(&key);
            from = *end as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_are_sorted_and_equal_ones_stay(
            uniform in prop::collection::vec(any::<u128>(), 0..300),
            dense in prop::collection::vec(0u128..40, 0..300),
            shift in 0u32..100,
            expected in 0usize..1_000,
        ) {
            let numbers = uniform.into_iter().chain(dense.into_iter().map(|number| number << shift));
            let rows: Vec<(u128, usize)> = numbers.map(|number| number >> 8).zip(0..).collect();
            let mut wanted = rows.clone();
            wanted.sort_by_key(|row| row.0);
            for first in [0, 8] {
                let (mut sorted, mut ends) = (vec![(1, 0)], vec![7]);
                let buckets = Buckets::by_first(first).in_each(expected);
                buckets.sort(rows.iter().copied(), |row| row.0, |row| row.0, &mut sorted, &mut ends);
                prop_assert!(sorted == wanted);
            }
        }
    }
}
