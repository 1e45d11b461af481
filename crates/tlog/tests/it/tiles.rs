//! Tiles and entry bundles, against C2SP tlog-tiles, its examples, and `tlog_tiles`.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;
use tlog::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
use tlog::{
    ENTRY_BYTES_MAX, EntriesError, Tile, TileError, decode_entries, encode_entries, read_from_tiles,
    tiles_to_write,
};

use crate::tree::{Log, naive_root};

fn tile(level: u8, index: u64, width: u16) -> Tile {
    Tile { level, index, width }
}

#[test]
fn paths_as_specified() {
    let check = |tile: Tile, path: &str| {
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::parse_path(path), Ok(tile));
    };
    check(tile(0, 0, 256), "tile/0/000");
    check(tile(2, 0, 15), "tile/2/000.p/15");
    check(tile(0, 1_234_067, 256), "tile/0/x001/x234/067");
    check(tile(0, 1000, 1), "tile/0/x001/000.p/1");
    check(tile(63, 999, 255), "tile/63/999.p/255");
    check(tile(1, u64::MAX, 256), "tile/1/x018/x446/x744/x073/x709/x551/615");
}

#[test]
fn entry_paths_as_specified() {
    let check = |index: u64, width: u16, path: &str| {
        assert_eq!(tile(0, index, width).entries_path(), path);
        assert_eq!(Tile::parse_entries_path(path), Ok(tile(0, index, width)));
    };
    check(0, 256, "tile/entries/000");
    check(273, 112, "tile/entries/273.p/112");
    check(1_234_067, 256, "tile/entries/x001/x234/067");
}

/// One tile has one path: a second spelling would be a second, unchecked door to a cache.
#[test]
fn other_spellings_are_refused() {
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/x002",
        "tile/00/000",
        "tile/+1/000",
        "tile/-1/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/../000",
        "tile/0/x1/000",
        "tile/0/0x0",
        "tile/0/+01",
        "tile/0/٠٠٠",
        "tile/entries/000",
        "tile/8/2/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/000.P/1",
        "TILE/0/000",
        "tile/0/000 ",
    ] {
        assert_eq!(Tile::parse_path(path), Err(TileError::Path(path.to_owned())));
    }
    for path in
        ["tile/entries/", "tile/entries/0", "tile/0/000", "tile/entries/000.p/256", "tile/entries/000.p/0"]
    {
        assert_eq!(Tile::parse_entries_path(path), Err(TileError::Path(path.to_owned())));
    }
}

/// "A tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of width 112,
/// one full level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of width 1."
#[test]
fn the_example_of_the_specification() {
    let tiles = tiles_to_write(0, 70_000);
    assert_eq!(tiles.iter().filter(|tile| tile.level == 0 && tile.width == 256).count(), 273);
    let others: Vec<Tile> = tiles.into_iter().filter(|tile| tile.level > 0 || tile.width < 256).collect();
    assert_eq!(others, [tile(0, 273, 112), tile(1, 0, 256), tile(1, 1, 17), tile(2, 0, 1)]);
    assert_eq!(tiles_to_write(0, 256), [tile(0, 0, 256), tile(1, 0, 1)]);
    assert_eq!(tiles_to_write(255, 256), [tile(0, 0, 256), tile(1, 0, 1)]);
    assert_eq!(tiles_to_write(256, 257), [tile(0, 1, 1)]);
    assert_eq!(tiles_to_write(5, 5), []);
    assert_eq!(tiles_to_write(6, 5), []);
    assert_eq!(tiles_to_write(u64::MAX - 1, u64::MAX), [tile(0, u64::MAX / 256, 255)]);
}

#[test]
fn content_of_the_wrong_length_is_refused() {
    let three = tile(0, 0, 3);
    assert_eq!(three.parse_content(&[1; 96]).unwrap().len(), 3);
    for found in [0, 95, 97, 128] {
        assert_eq!(
            three.parse_content(&vec![1; found]),
            Err(TileError::Length { width: 3, expected: 96, found })
        );
    }
}

#[test]
fn bundles() {
    assert_eq!(encode_entries([b"ab".as_slice(), b"", b"c"]).unwrap(), b"\x00\x02ab\x00\x00\x00\x01c");
    assert_eq!(decode_entries(b"\x00\x02ab\x00\x00\x00\x01c"), Ok(vec![b"ab".as_slice(), b"", b"c"]));
    assert_eq!(decode_entries(b""), Ok(vec![]));
    assert_eq!(decode_entries(b"\x00"), Err(EntriesError::CutOff { entry: 0 }));
    assert_eq!(decode_entries(b"\x00\x01a\x00\x02b"), Err(EntriesError::CutOff { entry: 1 }));
    assert_eq!(encode_entries([vec![0; ENTRY_BYTES_MAX]]).unwrap().len(), 2 + ENTRY_BYTES_MAX);
    assert_eq!(encode_entries([vec![0; 65_536]]), Err(EntriesError::TooLong { bytes: 65_536 }));
    assert_eq!(encode_entries(vec![b""; 257]), Err(EntriesError::TooMany));
    assert_eq!(decode_entries(&[0; 514]), Err(EntriesError::TooMany));
}

/// What the log publishes, written step by step, is enough to prove and to verify everything.
#[test]
fn a_stranger_with_the_files_can_check_everything() {
    let sizes = [1, 2, 255, 256, 257, 511, 700, 66_000];
    let log = Log::of_size(66_000);
    let mut files = HashMap::new();
    let mut old = 0;
    for size in sizes {
        for tile in tiles_to_write(old, size) {
            let content = tile.content(|level, index| log.read(level, index)).expect("every hash is stored");
            assert_eq!(files.insert(tile.path(), content), None, "a tile is written once");
        }
        let fetch = |tile: &Tile| files.get(&tile.path()).cloned();
        let head = naive_root(&log.leaves[..size as usize]);
        for index in [0, size / 3, size / 2, size - 1] {
            let path = inclusion(index, size, read_from_tiles(size, fetch)).unwrap();
            verify_inclusion(&log.leaves[index as usize], index, size, &path, &head).unwrap();
        }
        if old > 0 {
            let path = consistency(old, size, read_from_tiles(size, fetch)).unwrap();
            verify_consistency(old, &naive_root(&log.leaves[..old as usize]), size, &head, &path).unwrap();
        }
        old = size;
    }
    // A bit changed in a file that the proof reads makes a proof that does not hold.
    let last = tile(0, 65_999 / 256, (66_000_u64 % 256) as u16).path();
    files.get_mut(&last).expect("the last tile is there")[0] ^= 1;
    let read = read_from_tiles(66_000, |tile: &Tile| files.get(&tile.path()).cloned());
    let path = inclusion(65_999, 66_000, read).unwrap();
    assert!(verify_inclusion(&log.leaves[65_999], 65_999, 66_000, &path, &log.frontier.root()).is_err());
}

#[test]
fn nodes_outside_of_the_tree_have_no_tile() {
    assert_eq!(Tile::of_node(0, 5, 5), None);
    assert_eq!(Tile::of_node(3, 1, 15), None);
    assert_eq!(Tile::of_node(3, 1, 16), Some(tile(0, 0, 16)));
    assert_eq!(Tile::of_node(8, 0, 255), None);
    assert_eq!(Tile::of_node(8, 0, 256), Some(tile(1, 0, 1)));
    assert_eq!(Tile::of_node(255, 0, u64::MAX), None);
    assert_eq!(tile(0, 0, 4).node(&[[0; 32]; 4], 2, 1), None);
    assert_eq!(tile(0, 0, 4).node(&[[0; 32]; 4], 8, 0), None);
    assert_eq!(tile(1, 0, 4).node(&[[0; 32]; 4], 7, 0), None);
}

proptest! {
    #[test]
    fn every_tile_has_one_path(level in 0..=63_u8, index in any::<u64>(), width in 1..=256_u16) {
        let tile = tile(level, index, width);
        prop_assert_eq!(Tile::parse_path(&tile.path()), Ok(tile));
    }

    /// `tlog_tiles` writes the height into the path (`tile/8/2/000`), as Go's checksum database does; C2SP has
    /// it fixed and left out. Beyond that the paths are the same.
    #[test]
    fn the_same_tiles_as_the_oracle(old in 0..200_000_u64, more in 0..200_000_u64) {
        let new = old + more;
        let ours: BTreeSet<String> = tiles_to_write(old, new).iter().map(Tile::path).collect();
        let theirs: BTreeSet<String> = tlog_tiles::tile::Tile::new_tiles(8, old, new)
            .iter()
            .map(|tile| tile.path().replacen("tile/8/", "tile/", 1))
            .collect();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn each_node_is_in_its_tile(size in 1..3000_u64, level in 0..12_u8, at in any::<prop::sample::Index>()) {
        let log = Log::of_size(size);
        prop_assume!(size >> level > 0);
        let index = at.index((size >> level) as usize) as u64;
        let tile = Tile::of_node(level, index, size).unwrap();
        let hashes = tile.parse_content(&tile.content(|l, i| log.read(l, i)).unwrap()).unwrap();
        prop_assert_eq!(tile.node(&hashes, level, index), log.read(level, index));
    }

    #[test]
    fn bundles_come_back(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..=256)) {
        let bytes = encode_entries(&entries).unwrap();
        prop_assert_eq!(decode_entries(&bytes).unwrap(), entries);
    }

    #[test]
    fn strange_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..600), path in ".{0,40}") {
        if let Ok(entries) = decode_entries(&bytes) {
            prop_assert_eq!(encode_entries(entries).unwrap(), bytes);
        }
        if let Ok(tile) = Tile::parse_path(&path) {
            prop_assert_eq!(tile.path(), path);
        }
    }
}
