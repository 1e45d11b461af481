//! The tree and its proofs, against a recomputation straight from RFC 6962 and against `tlog_tiles`.

use std::collections::HashMap;

use proptest::prelude::*;
use tlog::proof::{ProofError, consistency, inclusion, root, verify_consistency, verify_inclusion};
use tlog::{Frontier, Hash, empty_root, leaf_hash, node_hash};
use tlog_tiles::tlog as oracle;

/// A log with everything stored that an append completes.
pub(crate) struct Log {
    pub(crate) leaves: Vec<Hash>,
    pub(crate) stored: HashMap<(u8, u64), Hash>,
    pub(crate) frontier: Frontier,
}

impl Log {
    pub(crate) fn of_size(size: u64) -> Self {
        let mut log = Self { leaves: vec![], stored: HashMap::new(), frontier: Frontier::new() };
        for index in 0..size {
            log.append(leaf_hash(&index.to_be_bytes()));
        }
        log
    }

    fn append(&mut self, leaf: Hash) {
        self.leaves.push(leaf);
        for (level, index, hash) in self.frontier.append(leaf) {
            assert_eq!(self.stored.insert((level, index), hash), None, "a node is completed once");
        }
    }

    pub(crate) fn read(&self, level: u8, index: u64) -> Option<Hash> {
        self.stored.get(&(level, index)).copied()
    }
}

/// RFC 6962 §2.1, word for word.
pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// The largest power of two smaller than `count`.
fn naive_split(count: usize) -> usize {
    let mut power = 1;
    while power * 2 < count {
        power *= 2;
    }
    power
}

/// RFC 6962 §2.1.1, word for word.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(naive_split(leaves.len()));
    let (mut path, sibling) = if index < left.len() {
        (naive_path(index, left), naive_root(right))
    } else {
        (naive_path(index - left.len(), right), naive_root(left))
    };
    path.push(sibling);
    path
}

/// RFC 6962 §2.1.2, word for word.
fn naive_subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { vec![] } else { vec![naive_root(leaves)] };
    }
    let (left, right) = leaves.split_at(naive_split(leaves.len()));
    let (mut path, sibling) = if old <= left.len() {
        (naive_subproof(old, left, whole), naive_root(right))
    } else {
        (naive_subproof(old - left.len(), right, false), naive_root(left))
    };
    path.push(sibling);
    path
}

/// The hashes of a log as `tlog_tiles` addresses them.
struct OracleHashes<'l>(&'l Log);

impl oracle::HashReader for OracleHashes<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<oracle::Hash>, oracle::Error> {
        let read = |index: &u64| {
            let (level, at) = oracle::split_stored_hash_index(*index);
            oracle::Hash(self.0.read(level, at).expect("the oracle asks for a complete node"))
        };
        Ok(indexes.iter().map(read).collect())
    }
}

fn flip(hash: &mut Hash, bit: u8) {
    hash[usize::from(bit) / 8] ^= 1 << (bit % 8);
}

/// The first eight roots of the tree that every implementation of Certificate Transparency is tried with.
#[test]
fn roots_of_the_known_tree() {
    let entries =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
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
    let mut frontier = Frontier::new();
    let mut found = vec![frontier.root()];
    for entry in entries {
        frontier.append(leaf_hash(&bytes_of(entry)));
        found.push(frontier.root());
    }
    assert_eq!(found, roots.map(|root| Hash::try_from(bytes_of(root)).unwrap()));
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// Every entry of every tree up to 40, and every pair of sizes: made, verified, and equal to the two others.
#[test]
fn every_small_tree() {
    let log = Log::of_size(40);
    for size in 0..=40_u64 {
        let leaves = &log.leaves[..size as usize];
        let read = |level: u8, index: u64| {
            assert!((index + 1) << level <= size, "asks for a node ({level}, {index}) outside of {size}");
            log.read(level, index)
        };
        let head = naive_root(leaves);
        assert_eq!(root(size, read), Ok(head));
        assert_eq!(Frontier::restore(size, read).unwrap().root(), head);
        let oracle_head = oracle::tree_hash(size, &OracleHashes(&log)).unwrap();
        assert!(size == 0 || oracle_head.0 == head);
        for index in 0..size {
            let path = inclusion(index, size, read).unwrap();
            assert_eq!(path, naive_path(index as usize, leaves));
            let theirs = oracle::prove_record(size, index, &OracleHashes(&log)).unwrap();
            assert_eq!(path, theirs.iter().map(|hash| hash.0).collect::<Vec<_>>());
            verify_inclusion(&leaves[index as usize], index, size, &path, &head).unwrap();
        }
        for old in 0..=size {
            let path = consistency(old, size, read).unwrap();
            let old_head = naive_root(&leaves[..old as usize]);
            verify_consistency(old, &old_head, size, &head, &path).unwrap();
            if old > 0 {
                assert_eq!(path, naive_subproof(old as usize, leaves, true));
                let theirs = oracle::prove_tree(size, old, &OracleHashes(&log)).unwrap();
                assert_eq!(path, theirs.iter().map(|hash| hash.0).collect::<Vec<_>>());
            }
        }
    }
}

/// A valid proof verifies for no other entry, place or size of the same log.
#[test]
fn a_proof_is_for_one_place() {
    let log = Log::of_size(20);
    let roots: Vec<Hash> = (0..=20).map(|size| naive_root(&log.leaves[..size])).collect();
    for size in 1..=20_u64 {
        for index in 0..size {
            let path = inclusion(index, size, |l, i| log.read(l, i)).unwrap();
            let leaf = &log.leaves[index as usize];
            for other in (0..=20).filter(|other| *other != index) {
                assert!(verify_inclusion(leaf, other, size, &path, &roots[size as usize]).is_err());
            }
            for other in (0..=20).filter(|other| *other != size) {
                assert!(verify_inclusion(leaf, index, other, &path, &roots[other as usize]).is_err());
            }
        }
    }
}

#[test]
fn what_is_not_there_is_an_error() {
    let nothing = |_: u8, _: u64| None;
    assert_eq!(inclusion(5, 5, nothing), Err(ProofError::IndexOutOfRange { index: 5, size: 5 }));
    assert_eq!(inclusion(0, 0, nothing), Err(ProofError::IndexOutOfRange { index: 0, size: 0 }));
    assert_eq!(inclusion(0, 2, nothing), Err(ProofError::MissingHash { level: 0, index: 1 }));
    assert_eq!(consistency(3, 2, nothing), Err(ProofError::Shrunk { old: 3, new: 2 }));
    assert_eq!(Frontier::restore(6, nothing), Err(ProofError::MissingHash { level: 2, index: 0 }));
    assert_eq!(
        verify_inclusion(&[0; 32], 0, 0, &[], &empty_root()),
        Err(ProofError::IndexOutOfRange { index: 0, size: 0 })
    );
    assert_eq!(verify_consistency(0, &[1; 32], 3, &[2; 32], &[]), Err(ProofError::RootMismatch));
    assert_eq!(verify_consistency(1, &[1; 32], 3, &[2; 32], &[]), Err(ProofError::WrongLength));
}

/// Sizes at the end of the number range neither overflow nor hang.
#[test]
fn the_largest_sizes_do_not_overflow() {
    let one = |_: u8, _: u64| Some([9; 32]);
    let head = root(u64::MAX, one).unwrap();
    let answer = |index| {
        let path = inclusion(index, u64::MAX, one).unwrap();
        assert!(path.len() <= 64);
        verify_inclusion(&[9; 32], index, u64::MAX, &path, &head)
    };
    // The made-up nodes are no tree, except for the last leaf, whose path is the peaks themselves.
    for index in [0, 1, u64::MAX / 2, u64::MAX - 2] {
        assert_eq!(answer(index), Err(ProofError::RootMismatch));
    }
    assert_eq!(answer(u64::MAX - 1), Ok(()));
    assert!(consistency(u64::MAX - 1, u64::MAX, one).is_ok());
    assert!(verify_consistency(u64::MAX - 1, &head, u64::MAX, &head, &[head; 64]).is_err());
    assert!(verify_consistency(1 << 63, &head, u64::MAX, &head, &[head; 70]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn larger_trees_agree(size in 1..1500_u64, at in any::<prop::sample::Index>(), before in any::<prop::sample::Index>()) {
        let log = Log::of_size(size);
        let (index, old) = (at.index(size as usize) as u64, before.index(size as usize) as u64 + 1);
        let head = log.frontier.root();
        prop_assert_eq!(head, naive_root(&log.leaves));
        let path = inclusion(index, size, |l, i| log.read(l, i)).unwrap();
        prop_assert_eq!(&path, &naive_path(index as usize, &log.leaves));
        verify_inclusion(&log.leaves[index as usize], index, size, &path, &head).unwrap();
        let theirs: oracle::RecordProof = path.iter().map(|hash| oracle::Hash(*hash)).collect();
        oracle::check_record(&theirs, size, oracle::Hash(head), index, oracle::Hash(log.leaves[index as usize])).unwrap();

        let old_head = naive_root(&log.leaves[..old as usize]);
        let path = consistency(old, size, |l, i| log.read(l, i)).unwrap();
        prop_assert_eq!(&path, &naive_subproof(old as usize, &log.leaves, true));
        verify_consistency(old, &old_head, size, &head, &path).unwrap();
        let theirs: oracle::TreeProof = path.iter().map(|hash| oracle::Hash(*hash)).collect();
        oracle::check_tree(&theirs, size, oracle::Hash(head), old, oracle::Hash(old_head)).unwrap();
    }

    #[test]
    fn a_restored_edge_grows_as_the_old_one(size in 0..700_u64, more in 1..40_u64) {
        let mut log = Log::of_size(size);
        let mut restored = Frontier::restore(size, |l, i| log.read(l, i)).unwrap();
        prop_assert_eq!(&restored, &log.frontier);
        for extra in 0..more {
            let leaf = leaf_hash(&extra.to_le_bytes());
            prop_assert_eq!(restored.append(leaf), log.frontier.append(leaf));
        }
        prop_assert_eq!(restored.root(), log.frontier.root());
    }

    /// One bit of the leaf, of any hash of the path or of the root; a hash too few, too many or exchanged.
    #[test]
    fn tampering_with_inclusion_is_caught(size in 2..600_u64, at in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in any::<u8>()) {
        let log = Log::of_size(size);
        let index = at.index(size as usize) as u64;
        let (leaf, head) = (log.leaves[index as usize], log.frontier.root());
        let path = inclusion(index, size, |l, i| log.read(l, i)).unwrap();
        let holds = |leaf: &Hash, path: &[Hash], head: &Hash| verify_inclusion(leaf, index, size, path, head).is_ok();
        prop_assert!(holds(&leaf, &path, &head));

        let mut other = leaf;
        flip(&mut other, bit);
        prop_assert!(!holds(&other, &path, &head));
        let mut other = head;
        flip(&mut other, bit);
        prop_assert!(!holds(&leaf, &path, &other));
        for other in tampered(&path, place.index(path.len()), bit) {
            prop_assert!(!holds(&leaf, &other, &head));
        }
    }

    #[test]
    fn tampering_with_consistency_is_caught(size in 3..600_u64, before in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in any::<u8>()) {
        let log = Log::of_size(size);
        let old = before.index(size as usize - 1) as u64 + 1;
        let (old_head, head) = (naive_root(&log.leaves[..old as usize]), log.frontier.root());
        let path = consistency(old, size, |l, i| log.read(l, i)).unwrap();
        let holds = |old_head: &Hash, head: &Hash, path: &[Hash]| verify_consistency(old, old_head, size, head, path).is_ok();
        prop_assert!(holds(&old_head, &head, &path));

        let mut other = old_head;
        flip(&mut other, bit);
        prop_assert!(!holds(&other, &head, &path));
        let mut other = head;
        flip(&mut other, bit);
        prop_assert!(!holds(&old_head, &other, &path));
        for other in tampered(&path, place.index(path.len()), bit) {
            prop_assert!(!holds(&old_head, &head, &other));
        }
    }

    /// A log that changed one entry of its past has no proof that holds, not even the one it would make.
    #[test]
    fn a_rewritten_past_is_caught(size in 3..300_u64, before in any::<prop::sample::Index>(), changed in any::<prop::sample::Index>()) {
        let honest = Log::of_size(size);
        let old = before.index(size as usize - 1) as u64 + 1;
        let changed = changed.index(old as usize);
        let mut rewritten = Log::of_size(0);
        for (index, leaf) in honest.leaves.iter().enumerate() {
            rewritten.append(if index == changed { leaf_hash(b"rewritten") } else { *leaf });
        }
        let path = consistency(old, size, |l, i| rewritten.read(l, i)).unwrap();
        let seen = naive_root(&honest.leaves[..old as usize]);
        prop_assert!(verify_consistency(old, &seen, size, &rewritten.frontier.root(), &path).is_err());
    }

    /// Whatever a stranger sends is answered.
    #[test]
    fn strange_proofs_are_refused(old in any::<u64>(), new in any::<u64>(), path in prop::collection::vec(any::<Hash>(), 0..80)) {
        let (some, other) = ([1; 32], [2; 32]);
        prop_assert!(verify_inclusion(&some, old, new, &path, &other).is_err());
        prop_assert!(verify_consistency(old, &some, new, &other, &path).is_err());
    }
}

/// The path with one bit flipped, a hash left out, one put in, and two neighbours exchanged.
fn tampered(path: &[Hash], place: usize, bit: u8) -> Vec<Vec<Hash>> {
    let mut flipped = path.to_vec();
    flip(&mut flipped[place], bit);
    let mut shorter = path.to_vec();
    shorter.remove(place);
    let mut longer = path.to_vec();
    longer.insert(place, [3; 32]);
    let mut repeated = path.to_vec();
    repeated.push(path[path.len() - 1]);
    let mut paths = vec![flipped, shorter, longer, repeated];
    if path.len() > 1 {
        let mut exchanged = path.to_vec();
        let last = path.len() - 1;
        exchanged.swap(place.min(last - 1), place.min(last - 1) + 1);
        paths.push(exchanged);
    }
    paths
}
