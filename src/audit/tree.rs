//! The Merkle tree of RFC 6962, section 2.1, over SHA-256: roots, and proofs that a line is in the log and that a log
//! only grew.
//!
//! Written here and not taken from a crate: after pruning only the hashes of lines are left, and the crates looked at
//! hash the lines themselves (ct-merkle, which the tests hold this to) or bring a second Ed25519 and SHA-256
//! (signed_note, tlog_tiles).

use crate::digest::Digest;
use crate::label;

/// The levels of the tree that a tile of C2SP's tlog-tiles spans.
const TILE_HEIGHT: u32 = 8;

/// The most hashes that a tile has.
pub(crate) const MAX_TILE_WIDTH: u16 = 1 << TILE_HEIGHT;

/// The hashes of a log's lines, in order, with those of all whole subtrees: 64 bytes a line.
///
/// Roots and proofs at any earlier size take time in the logarithm of the size.
#[derive(Clone, Debug)]
pub struct Log {
    /// `levels[k][i]` is the hash of the 2^k lines from `i * 2^k` on, as far as there are so many.
    levels: Vec<Vec<Digest>>,
}

/// The leaf hash of a line: SHA-256(0x00 || line).
pub fn leaf_hash(line: &[u8]) -> Digest {
    Digest::of(&[label::LOG_LEAF, line])
}

/// Whether `proof` shows that the line with the hash `leaf` is number `index` of the log of `size` lines with this
/// `root`.
///
/// RFC 9162, 2.1.3.2.
#[must_use]
pub(crate) fn verify_inclusion(leaf: Digest, index: u64, size: u64, root: Digest, proof: &[Digest]) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            let up = at.trailing_zeros();
            (at, last) = (at >> up, last >> up);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == root
}

/// Whether `proof` shows that the log of `new_size` lines with `new_root` begins with that of `old_size` lines and
/// `old_root`.
///
/// RFC 9162, 2.1.4.2. Every log begins with the empty one, for which, and for equal sizes, the proof is empty.
#[must_use]
pub(super) fn verify_consistency(
    old_size: u64,
    old_root: Digest,
    new_size: u64,
    new_root: Digest,
    proof: &[Digest],
) -> bool {
    if old_size == new_size || old_size == 0 {
        let expected = if old_size == 0 { empty_root() } else { new_root };
        return proof.is_empty() && old_root == expected && (new_size > 0 || new_root == expected);
    }
    if old_size > new_size {
        return false;
    }
    // A whole subtree stands in the new tree as it is, so the proof leaves it out.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        match proof.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return false,
        }
    };
    let up = (old_size - 1).trailing_ones();
    let (mut at, mut last) = ((old_size - 1) >> up, (new_size - 1) >> up);
    let (mut old, mut new) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            let up = at.trailing_zeros();
            (at, last) = (at >> up, last >> up);
        } else {
            new = node_hash(&new, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && old == old_root && new == new_root
}

impl Log {
    /// A log without lines.
    pub fn new() -> Log {
        Log { levels: vec![Vec::new()] }
    }

    /// Adds a line's leaf hash, and gives the line's number.
    pub(crate) fn append(&mut self, leaf: Digest) -> u64 {
        let index = self.size();
        let mut hash = leaf;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(hash);
            let [.., left, right] = row.as_slice() else { break };
            if row.len() % 2 == 1 {
                break;
            }
            hash = node_hash(left, right);
        }
        index
    }

    /// The number of lines.
    pub fn size(&self) -> u64 {
        self.levels[0].len() as u64
    }

    /// The leaf hash of a line.
    pub fn leaf(&self, index: u64) -> Option<Digest> {
        self.levels[0].get(usize::try_from(index).ok()?).copied()
    }

    /// The root hash; of no lines it is the SHA-256 of nothing.
    pub fn root(&self) -> Digest {
        self.subtree(0, self.size())
    }

    /// The root hash of the first `size` lines; `None` where there are fewer.
    pub(crate) fn root_at(&self, size: u64) -> Option<Digest> {
        (size <= self.size()).then(|| self.subtree(0, size))
    }

    /// The proof that line `index` is among the first `size`: from its sibling up. `None` where it is not.
    pub(crate) fn prove_inclusion(&self, index: u64, size: u64) -> Option<Vec<Digest>> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut start, mut end) = (0, size);
        let mut proof = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                proof.push(self.subtree(middle, end));
                end = middle;
            } else {
                proof.push(self.subtree(start, middle));
                start = middle;
            }
        }
        proof.reverse();
        Some(proof)
    }

    /// The proof that the first `new_size` lines begin with the first `old_size`; `None` where that is not so.
    pub(crate) fn prove_consistency(&self, old_size: u64, new_size: u64) -> Option<Vec<Digest>> {
        if old_size > new_size || new_size > self.size() {
            return None;
        }
        let (mut start, mut end) = (0, new_size);
        let mut proof = Vec::new();
        while old_size != 0 && old_size != end {
            let middle = start + split(end - start);
            if old_size <= middle {
                proof.push(self.subtree(middle, end));
                end = middle;
            } else {
                proof.push(self.subtree(start, middle));
                start = middle;
            }
        }
        // Where it starts at 0, it is the old root itself, which the verifier has.
        if old_size != 0 && start != 0 {
            proof.push(self.subtree(start, end));
        }
        proof.reverse();
        Some(proof)
    }

    /// A tile of C2SP's tlog-tiles, of the tree of the first `size` lines: `width` hashes of whole subtrees of
    /// 256^`level` lines, from number `256 * index` on. `None` where that tree does not have them all.
    pub(crate) fn tile(&self, level: u8, index: u64, width: u16, size: u64) -> Option<&[Digest]> {
        let height = u32::from(level) * TILE_HEIGHT;
        let start = index.checked_mul(MAX_TILE_WIDTH.into())?;
        let end = start.checked_add(width.into())?;
        // Hashes of whole subtrees never change, so that those of an earlier tree are those of this one.
        let whole = size.min(self.size()).checked_shr(height)?;
        if end > whole {
            return None;
        }
        self.levels.get(height as usize)?.get(start as usize..end as usize)
    }

    /// MTH(D[start:end]) of RFC 6962. `start` must be a multiple of the smallest power of two that is not below
    /// `end - start`; every split of a tree keeps to that.
    fn subtree(&self, start: u64, end: u64) -> Digest {
        let size = end - start;
        if size == 0 {
            return empty_root();
        }
        if size.is_power_of_two() {
            let level = size.trailing_zeros();
            return self.levels[level as usize][(start >> level) as usize];
        }
        let middle = start + split(size);
        node_hash(&self.subtree(start, middle), &self.subtree(middle, end))
    }
}

impl Default for Log {
    fn default() -> Log {
        Log::new()
    }
}

/// A log from its lines' leaf hashes.
impl FromIterator<Digest> for Log {
    fn from_iter<T: IntoIterator<Item = Digest>>(leaves: T) -> Log {
        let mut log = Log::new();
        for leaf in leaves {
            log.append(leaf);
        }
        log
    }
}

/// The largest power of two under `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest::of(&[label::LOG_NODE, &left.0, &right.0])
}

fn empty_root() -> Digest {
    Digest::of(&[])
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    /// Sizes up to this are tried exhaustively: past 64, so that seven levels are there.
    const SIZES: u64 = 70;

    fn digest(hex: &str) -> Digest {
        hex.parse().unwrap()
    }

    fn line(index: u64) -> Vec<u8> {
        format!("line {index}").into_bytes()
    }

    fn log(size: u64) -> Log {
        (0..size).map(|index| leaf_hash(&line(index))).collect()
    }

    /// The leaves of the known answers of Certificate Transparency.
    fn known() -> Log {
        let leaves =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        leaves.iter().map(|leaf| leaf_hash(&HEXLOWER.decode(leaf.as_bytes()).unwrap())).collect()
    }

    /// google/certificate-transparency, merkletree tests; the same in trillian.
    #[test]
    fn known_roots() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let log = known();
        for (size, root) in roots.into_iter().enumerate() {
            assert_eq!(log.root_at(size as u64), Some(digest(root)), "size {size}");
        }
        assert_eq!(log.root(), digest(roots[8]));
        assert_eq!(Log::new().root(), digest(roots[0]));
    }

    #[test]
    fn known_inclusion_proofs() {
        let proofs: [(u64, u64, &[&str]); 4] = [
            (0, 1, &[]),
            (
                0,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                1,
                5,
                &[
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        for (index, size, expected) in proofs {
            let expected: Vec<_> = expected.iter().map(|hash| digest(hash)).collect();
            assert_eq!(known().prove_inclusion(index, size), Some(expected), "{index} of {size}");
        }
    }

    #[test]
    fn known_consistency_proofs() {
        let proofs: [(u64, u64, &[&str]); 4] = [
            (1, 1, &[]),
            (
                1,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                6,
                8,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                2,
                5,
                &[
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        for (old, new, expected) in proofs {
            let expected: Vec<_> = expected.iter().map(|hash| digest(hash)).collect();
            assert_eq!(known().prove_consistency(old, new), Some(expected), "{old} to {new}");
        }
    }

    /// An implementation by others, over the lines themselves.
    #[test]
    fn ct_merkle_makes_the_same_of_every_size() {
        let concatenated = |proof: Vec<Digest>| proof.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>();
        let log = log(SIZES);
        let mut theirs = ct_merkle::mem_backed_tree::MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
        for size in 1..=SIZES {
            theirs.push(line(size - 1));
            assert_eq!(log.root_at(size).unwrap().0, theirs.root().as_bytes().as_slice(), "size {size}");
            for index in 0..size {
                let proof = theirs.prove_inclusion(index as usize);
                assert_eq!(concatenated(log.prove_inclusion(index, size).unwrap()), proof.as_bytes());
                let proof = theirs.prove_consistency((size - index - 1) as usize);
                assert_eq!(concatenated(log.prove_consistency(index + 1, size).unwrap()), proof.as_bytes());
            }
        }
    }

    #[test]
    fn every_line_of_every_size_is_proved_and_no_other() {
        let log = log(SIZES);
        for size in 1..=SIZES {
            let root = log.root_at(size).unwrap();
            for index in 0..size {
                let leaf = log.leaf(index).unwrap();
                let proof = log.prove_inclusion(index, size).unwrap();
                assert!(verify_inclusion(leaf, index, size, root, &proof), "{index} of {size}");
                assert!(!verify_inclusion(Digest([7; 32]), index, size, root, &proof));
                for other in (0..=SIZES).filter(|other| *other != index) {
                    assert!(!verify_inclusion(leaf, other, size, root, &proof), "{index} as {other} of {size}");
                }
                assert!(!verify_inclusion(leaf, index, size, log.root_at(size - 1).unwrap(), &proof));
                spoilt(&proof, |proof| assert!(!verify_inclusion(leaf, index, size, root, proof)));
            }
            assert_eq!(log.prove_inclusion(size, size), None);
        }
        assert_eq!(log.prove_inclusion(0, SIZES + 1), None);
        assert!(!verify_inclusion(leaf_hash(b""), 0, 0, Log::new().root(), &[]));
    }

    #[test]
    fn every_size_is_proved_to_begin_with_every_smaller_one() {
        let log = log(SIZES);
        let other: Log = (0..SIZES).map(|index| leaf_hash(&line(index + u64::from(index == 0)))).collect();
        for new in 0..=SIZES {
            let new_root = log.root_at(new).unwrap();
            for old in 0..=new {
                let old_root = log.root_at(old).unwrap();
                let proof = log.prove_consistency(old, new).unwrap();
                assert!(verify_consistency(old, old_root, new, new_root, &proof), "{old} to {new}");
                if old > 0 {
                    assert!(!verify_consistency(old, other.root_at(old).unwrap(), new, new_root, &proof));
                    assert!(!verify_consistency(old, old_root, new, other.root_at(new).unwrap(), &proof));
                }
                if old < new {
                    assert!(!verify_consistency(new, new_root, old, old_root, &proof), "backwards");
                    if old > 0 {
                        assert!(!verify_consistency(old - 1, old_root, new, new_root, &proof));
                        spoilt(&proof, |proof| assert!(!verify_consistency(old, old_root, new, new_root, proof)));
                    }
                }
                let longer = [proof.as_slice(), &[Digest([7; 32])]].concat();
                assert!(!verify_consistency(old, old_root, new, new_root, &longer), "{old} to {new}");
            }
            assert_eq!(log.prove_consistency(new + 1, new), None);
        }
        assert_eq!(log.prove_consistency(1, SIZES + 1), None);
    }

    /// Shows every proof that is shorter or longer by one, has two hashes changed about, or one bit flipped in any
    /// byte.
    fn spoilt(proof: &[Digest], check: impl Fn(&[Digest])) {
        for at in 0..=proof.len() {
            let mut longer = proof.to_vec();
            longer.insert(at, Digest([7; 32]));
            check(&longer);
        }
        for at in 0..proof.len() {
            let mut shorter = proof.to_vec();
            shorter.remove(at);
            check(&shorter);
            let mut flipped = proof.to_vec();
            flipped[at].0[at % 32] ^= 0x10;
            check(&flipped);
            if at > 0 && proof[at] != proof[at - 1] {
                let mut swapped = proof.to_vec();
                swapped.swap(at, at - 1);
                check(&swapped);
            }
        }
    }

    #[test]
    fn tiles_make_the_root_of_every_size() {
        let log: Log = (0..70_000u64).map(|index| leaf_hash(&index.to_le_bytes())).collect();
        let root = |hashes: &[Digest]| hashes.iter().copied().collect::<Log>().root();
        let sizes: [u64; 12] = [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_792, 65_793];
        for size in sizes {
            let mut below: Vec<Digest> = Vec::new();
            for level in 0..=2u8 {
                let whole = size >> (8 * level);
                let mut hashes = Vec::new();
                for index in 0..whole.div_ceil(256) {
                    let width = (whole - 256 * index).min(256) as u16;
                    let tile = log.tile(level, index, width, size).unwrap();
                    assert_eq!(tile.len(), usize::from(width));
                    assert_eq!(log.tile(level, index, 1, size), Some(&tile[..1]), "of an earlier tree");
                    if width < MAX_TILE_WIDTH {
                        assert_eq!(log.tile(level, index, width + 1, size), None, "{index} of {level} of {size}");
                    }
                    hashes.extend_from_slice(tile);
                }
                assert_eq!(log.tile(level, whole.div_ceil(256), 1, size), None);
                if level == 0 {
                    assert_eq!(Some(root(&hashes)), log.root_at(size), "{size}");
                } else {
                    // Each hash is the root of a full tile of the level below.
                    let expected: Vec<_> = below.chunks_exact(256).map(root).collect();
                    assert_eq!(hashes, expected, "{level} of {size}");
                }
                below = hashes;
            }
            assert_eq!(log.tile(3, 0, 1, size), None);
        }
        for (level, index) in [(u8::MAX, 0), (8, 0), (0, u64::MAX), (0, u64::MAX / 256), (63, u64::MAX)] {
            assert_eq!(log.tile(level, index, 1, 70_000), None);
        }
        assert_eq!(log.tile(0, 300, 1, u64::MAX), None, "of lines that there are not");
    }

    proptest! {
        #[test]
        fn large_logs_prove_themselves(size in 1u64..5_000, a in 0u64..5_000, b in 0u64..5_000) {
            let log: Log = (0..size).map(|index| leaf_hash(&index.to_le_bytes())).collect();
            let (index, old) = (a % size, b % (size + 1));
            let proof = log.prove_inclusion(index, size).unwrap();
            prop_assert!(verify_inclusion(log.leaf(index).unwrap(), index, size, log.root(), &proof));
            let proof = log.prove_consistency(old, size).unwrap();
            prop_assert!(verify_consistency(old, log.root_at(old).unwrap(), size, log.root(), &proof));
        }

        /// Sizes and proofs that no log has are refused without a panic.
        #[test]
        fn nonsense_is_refused(
            index: u64,
            old: u64,
            new: u64,
            proof in proptest::collection::vec(any::<[u8; 32]>().prop_map(Digest), 0..70),
        ) {
            let none = Digest::NONE;
            prop_assert!(!verify_inclusion(none, index, new, none, &proof));
            prop_assert!(old == new || !verify_consistency(old, none, new, none, &proof));
        }
    }
}
