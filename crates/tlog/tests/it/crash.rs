//! The order of writes of a log that keeps files, tried with a crash at every point.
//!
//! 1. entry bundles, made durable;
//! 2. tiles, made durable;
//! 3. the checkpoint, signed and made durable, where the log begins after a crash;
//! 4. the checkpoint, published.
//!
//! A write that was not made durable may be kept or lost in a crash, each by itself: both are tried. After each crash the log reopens,
//! is verified from its files alone, continues what was published, and goes on. Orders that are wrong are found to be wrong.

use std::collections::BTreeMap;

use tlog::{
    Checkpoint, Frontier, SigningKey, Tile, decode_entries, encode_entries, leaf_hash, open, proof,
    read_from_tiles, tiles_to_write,
};

/// A store in which a write is certain only after `sync`.
#[derive(Clone, Default)]
struct Disk {
    durable: BTreeMap<String, Vec<u8>>,
    unsynced: Vec<(String, Vec<u8>)>,
    /// Steps left before the power fails.
    steps: usize,
}

struct PowerFailed;

impl Disk {
    fn step(&mut self) -> Result<(), PowerFailed> {
        self.steps = self.steps.checked_sub(1).ok_or(PowerFailed)?;
        Ok(())
    }

    fn write(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), PowerFailed> {
        self.step()?;
        self.unsynced.push((name.to_owned(), bytes));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), PowerFailed> {
        self.step()?;
        self.durable.extend(self.unsynced.drain(..));
        Ok(())
    }

    fn read(&self, name: &str) -> Option<&Vec<u8>> {
        let newest = self.unsynced.iter().rev().find(|(written, _)| written == name);
        newest.map(|(_, bytes)| bytes).or_else(|| self.durable.get(name))
    }

    /// The disk after a crash, for each choice of the unsynced writes that were kept.
    fn after_crash(&self) -> impl Iterator<Item = Self> + '_ {
        (0..1_u32 << self.unsynced.len()).map(|kept| {
            let survived = self.unsynced.iter().enumerate().filter(move |(at, _)| kept >> at & 1 == 1);
            let mut durable = self.durable.clone();
            durable.extend(survived.map(|(_, write)| write.clone()));
            Self { durable, unsynced: Vec::new(), steps: usize::MAX }
        })
    }
}

/// In which order the log writes.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Order {
    Right,
    /// The checkpoint is published before it is durable where the log begins.
    PublishedFirst,
    /// The checkpoint is made durable together with the tiles that it needs.
    CheckpointWithTiles,
    /// Entries are made durable after the checkpoint.
    EntriesLast,
}

fn key() -> SigningKey {
    SigningKey::from_seed("log.example", [1; 32]).unwrap()
}

fn head_in(disk: &Disk, name: &str) -> Option<Checkpoint> {
    let note = disk.read(name)?;
    open(str::from_utf8(note).ok()?, &key().verifying_key()).ok()
}

/// Adds entries: what a sequencer does.
fn append(disk: &mut Disk, new: &[String], order: Order) -> Result<(), PowerFailed> {
    let mut entries = entries_of(disk).expect("the log was opened before");
    let old = entries.len() as u64;
    entries.extend(new.iter().map(|entry| entry.clone().into_bytes()));
    let (mut nodes, mut frontier) = (BTreeMap::new(), Frontier::new());
    for entry in &entries {
        nodes.extend(
            frontier.append(leaf_hash(entry)).into_iter().map(|(level, index, hash)| ((level, index), hash)),
        );
    }
    let tiles = tiles_to_write(old, frontier.size());
    let bundles = |disk: &mut Disk| {
        for tile in tiles.iter().filter(|tile| tile.level == 0) {
            let first = tile.index as usize * 256;
            let bundle = encode_entries(&entries[first..first + usize::from(tile.width)]).unwrap();
            disk.write(&tile.entries_path(), bundle)?;
        }
        disk.sync()
    };
    let head = Checkpoint { origin: "log.example".into(), size: frontier.size(), root: frontier.root() };
    let note = key().sign_checkpoint(&head).into_bytes();
    if order != Order::EntriesLast {
        bundles(disk)?;
    }
    for tile in &tiles {
        disk.write(&tile.path(), tile.content(|level, index| nodes.get(&(level, index)).copied()).unwrap())?;
    }
    if order != Order::CheckpointWithTiles {
        disk.sync()?;
    }
    if order == Order::PublishedFirst {
        disk.write("published", note.clone())?;
        disk.sync()?;
    }
    disk.write("checkpoint", note.clone())?;
    disk.sync()?;
    if order == Order::EntriesLast {
        bundles(disk)?;
    }
    disk.write("published", note)?;
    disk.sync()
}

/// The entries of the log as its checkpoint has it; `None` when files are missing or do not fit it.
fn entries_of(disk: &Disk) -> Option<Vec<Vec<u8>>> {
    let Some(head) = head_in(disk, "checkpoint") else { return Some(Vec::new()) };
    let mut frontier = Frontier::new();
    let mut entries = Vec::new();
    for tile in tiles_to_write(0, head.size).iter().filter(|tile| tile.level == 0) {
        let bundle = decode_entries(disk.read(&tile.entries_path())?).ok()?;
        entries.extend(bundle.into_iter().map(<[u8]>::to_vec));
    }
    for entry in &entries {
        frontier.append(leaf_hash(entry));
    }
    let root =
        proof::root(head.size, read_from_tiles(head.size, |tile: &Tile| disk.read(&tile.path()).cloned()))
            .ok()?;
    ((frontier.size(), frontier.root()) == (head.size, head.root) && root == head.root).then_some(entries)
}

/// What is wrong with a log that was opened after a crash.
fn fault(disk: &Disk) -> Option<&'static str> {
    let Some(entries) = entries_of(disk) else { return Some("the log does not open") };
    let published = head_in(disk, "published")?;
    if published.size > entries.len() as u64 {
        return Some("more was published than the log has");
    }
    let mut frontier = Frontier::new();
    entries[..published.size as usize].iter().for_each(|entry| drop(frontier.append(leaf_hash(entry))));
    (frontier.root() != published.root).then_some("the log does not continue what was published")
}

/// Every fault that a crash at any step of two batches leads to, also after reopening, going on with other entries and crashing again.
fn faults(order: Order, batches: &[usize]) -> Vec<&'static str> {
    let batch = |run: &str, count: usize| (0..count).map(|at| format!("{run} {at}")).collect::<Vec<_>>();
    let mut states = vec![Disk::default()];
    let mut found = Vec::new();
    for (at, count) in batches.iter().enumerate() {
        let mut next = Vec::new();
        for before in states {
            for steps in 0.. {
                let mut disk = Disk { steps, ..before.clone() };
                let run = append(&mut disk, &batch(&format!("{at} {steps}"), *count), order);
                next.extend(disk.after_crash());
                if run.is_ok() {
                    break;
                }
            }
        }
        found.extend(next.iter().filter_map(fault));
        next.retain(|disk| fault(disk).is_none());
        // Of states with the same files one is enough.
        next.sort_by(|a, b| a.durable.cmp(&b.durable));
        next.dedup_by(|a, b| a.durable == b.durable);
        states = next;
    }
    found
}

#[test]
fn the_right_order_survives_a_crash_at_every_point() {
    // The batches fill a tile, so that partial tiles grow, end and give way to the level above.
    assert_eq!(faults(Order::Right, &[250, 5, 3]), [""; 0]);
}

#[test]
fn wrong_orders_are_found_to_be_wrong() {
    assert!(faults(Order::PublishedFirst, &[3, 2]).contains(&"more was published than the log has"));
    assert!(faults(Order::CheckpointWithTiles, &[3, 2]).contains(&"the log does not open"));
    assert!(faults(Order::EntriesLast, &[3, 2]).contains(&"the log does not open"));
}
