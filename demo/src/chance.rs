//! Random numbers for a demonstration, the same for the same seed. Never for keys.

/// Xorshift-multiply numbers (SplitMix64, Steele, Lea and Flood 2014): small, and good enough to make up a town.
pub(crate) struct Chance(u64);

impl Chance {
    /// Chance from a seed, for one use of it: another use gives other numbers.
    pub(crate) fn new(seed: u64, using: &str) -> Chance {
        // FNV-1a, so that one use does not run along another.
        let hash = using.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Chance(seed ^ hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number under `bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high bits of a product are evenly spread enough for bounds far under 2^64.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// True with this probability, in per cent.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `all`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// One of `all` by weight; of weights that are all 0, the last.
    pub(crate) fn weighted<T: Copy>(&mut self, all: &[(T, u64)]) -> T {
        let mut at = self.below(all.iter().map(|(_, weight)| weight).sum());
        for (one, weight) in all {
            if at < *weight {
                return *one;
            }
            at -= weight;
        }
        all[all.len() - 1].0
    }

    /// Puts `all` in another order.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_known_ones() {
        // The first outputs of SplitMix64 for state 1234567, as published with the algorithm's reference code.
        let mut chance = Chance(1_234_567);
        assert_eq!(
            [chance.next(), chance.next(), chance.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn choices_are_spread() {
        let mut chance = Chance::new(1, "test");
        let mut seen = [0; 4];
        for _ in 0..4000 {
            seen[chance.weighted(&[(0, 10), (1, 20), (2, 70), (3, 0)])] += 1;
        }
        assert!(seen[0] > 300 && seen[1] > 650 && seen[2] > 2500 && seen[3] == 0, "{seen:?}");
        assert!((0..1000).all(|_| chance.below(7) < 7));
        let mut order: Vec<_> = (0..50).collect();
        chance.shuffle(&mut order);
        assert_ne!(order, (0..50).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
        assert_ne!(Chance::new(1, "a").next(), Chance::new(1, "b").next());
    }
}
