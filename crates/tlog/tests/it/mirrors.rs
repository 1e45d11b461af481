//! What a mirror checks: from the edge down, everything in a log of three levels.

use std::collections::HashMap;

use tlog::mirror::{MirrorError, above, check_bundle, check_edge, check_tile, edge_tiles, origin_hash};
use tlog::{Checkpoint, Frontier, Hash, Tile, encode_entries, leaf_hash, read_from_tiles, tiles_to_write};

fn entry(at: u64) -> Vec<u8> {
    format!("entry {at}").into_bytes()
}

fn log(size: u64) -> (Checkpoint, HashMap<Tile, Vec<u8>>) {
    let (mut stored, mut frontier) = (HashMap::new(), Frontier::new());
    for at in 0..size {
        let nodes = frontier.append(leaf_hash(&entry(at)));
        stored.extend(nodes.into_iter().map(|(level, index, hash)| ((level, index), hash)));
    }
    let read = |level: u8, index: u64| stored.get(&(level, index)).copied();
    let tiles = tiles_to_write(0, size).into_iter().map(|tile| (tile, tile.content(read).unwrap())).collect();
    (Checkpoint { origin: "log".into(), size, root: frontier.root() }, tiles)
}

fn hashes(tiles: &HashMap<Tile, Vec<u8>>, tile: &Tile) -> Vec<Hash> {
    tile.parse_content(&tiles[tile]).unwrap()
}

#[test]
fn every_tile_is_vouched_for_by_the_checkpoint() {
    for size in [1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 66_000] {
        let (head, tiles) = log(size);
        let edge = edge_tiles(size);
        let read = |tile: &Tile| edge.contains(tile).then(|| tiles[tile].clone());
        check_edge(&head, read_from_tiles(size, read)).unwrap();
        for tile in tiles.keys() {
            match above(tile, size) {
                Some((parent, place)) => {
                    check_tile(tile, &hashes(&tiles, tile), place, &hashes(&tiles, &parent)).unwrap();
                }
                None => assert!(edge.contains(tile), "{}: nothing vouches for it", tile.path()),
            }
        }
    }
}

#[test]
fn the_empty_log_has_its_root() {
    let (head, _) = log(0);
    assert!(edge_tiles(0).is_empty());
    check_edge(&head, |_, _| None).unwrap();
    assert!(check_edge(&Checkpoint { root: [1; 32], ..head }, |_, _| None).is_err());
}

#[test]
fn changes_are_named() {
    let (head, tiles) = log(300);
    let edge = |changed: Tile, at: usize| {
        check_edge(
            &head,
            read_from_tiles(300, |tile| {
                let mut bytes = tiles[tile].clone();
                if *tile == changed {
                    bytes[at] ^= 1;
                }
                Some(bytes)
            }),
        )
    };
    for tile in edge_tiles(300) {
        assert!(matches!(edge(tile, 0), Err(MirrorError::Edge(_))));
    }
    let full = Tile { level: 0, index: 0, width: 256 };
    let (parent, place) = above(&full, 300).unwrap();
    let mut changed = hashes(&tiles, &full);
    changed.swap(0, 1);
    let wrong = check_tile(&full, &changed, place, &hashes(&tiles, &parent));
    assert_eq!(wrong, Err(MirrorError::Tile { path: "tile/0/000".into() }));
    assert!(check_tile(&full, &changed[..255], place, &hashes(&tiles, &parent)).is_err());

    let tail = Tile { level: 0, index: 1, width: 44 };
    let good: Vec<Vec<u8>> = (256..300).map(entry).collect();
    let check =
        |entries: &[Vec<u8>]| check_bundle(&tail, &encode_entries(entries).unwrap(), &hashes(&tiles, &tail));
    check(&good).unwrap();
    let path = || "tile/entries/001.p/44".to_owned();
    let mut swapped = good.clone();
    swapped.swap(5, 6);
    assert_eq!(check(&swapped), Err(MirrorError::Entry { path: path(), index: 261 }));
    assert_eq!(check(&good[..43]), Err(MirrorError::Count { path: path(), found: 43, expected: 44 }));
    let cut = encode_entries(&good).unwrap();
    let cut = check_bundle(&tail, &cut[..cut.len() - 1], &hashes(&tiles, &tail));
    assert!(matches!(cut, Err(MirrorError::Bundle { .. })));
}

#[test]
fn the_folder_of_an_origin() {
    // The first example of FIPS 180-4 for SHA-256.
    assert_eq!(origin_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
