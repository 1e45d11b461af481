//! Tiles: 256 consecutive hashes of every eighth level, as files that never change (C2SP tlog-tiles).

use crate::hash::{Hash, node_hash};

/// The number of hashes in a full tile.
pub const TILE_WIDTH: u16 = 256;
/// The levels of the tree that one tile holds the lowest of.
const TILE_HEIGHT: u8 = 8;
/// The highest level a tile path may name (C2SP tlog-tiles, Merkle Tree).
const TILE_LEVEL_MAX: u8 = 63;

/// The address of a tile, or of the entry bundle that goes with a tile of level 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// The tile's level: its hashes are the tree's nodes of level `8 * level`.
    pub level: u8,
    /// The tile's number within its level, from 0.
    pub index: u64,
    /// The number of hashes in it, 1 to 256; below 256 the tile is partial.
    pub width: u16,
}

/// Why a text is not the path of a tile, or some bytes are not a tile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The text is not a path as C2SP tlog-tiles writes it.
    #[error("`{0}` is not a tile path such as `tile/0/x001/234.p/17`")]
    Path(String),
    /// The bytes are not `width` hashes.
    #[error("a tile of {width} hashes has {expected} bytes, this one has {found}")]
    Length {
        /// The number of hashes the tile's address promises.
        width: u16,
        /// The bytes such a tile has.
        expected: usize,
        /// The bytes there are.
        found: usize,
    },
}

impl Tile {
    /// The path relative to the log's prefix: `tile/<L>/<N>[.p/<W>]`.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, self.place())
    }

    /// The path of the bundle with the entries of this tile, which is meant to be of level 0:
    /// `tile/entries/<N>[.p/<W>]`.
    pub fn entries_path(&self) -> String {
        format!("tile/entries/{}", self.place())
    }

    /// Reads a path that [`Tile::path`] writes; any other spelling of the same tile is refused.
    ///
    /// # Errors
    /// [`TileError::Path`].
    pub fn parse_path(path: &str) -> Result<Self, TileError> {
        let tile =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).and_then(|(level, place)| {
                let level = level.parse().ok().filter(|level| *level <= TILE_LEVEL_MAX)?;
                Self::parse_place(level, place)
            });
        tile.filter(|tile| tile.path() == path).ok_or_else(|| TileError::Path(path.to_owned()))
    }

    /// Reads a path that [`Tile::entries_path`] writes; the tile returned is of level 0.
    ///
    /// # Errors
    /// [`TileError::Path`].
    pub fn parse_entries_path(path: &str) -> Result<Self, TileError> {
        let tile = path.strip_prefix("tile/entries/").and_then(|place| Self::parse_place(0, place));
        tile.filter(|tile| tile.entries_path() == path).ok_or_else(|| TileError::Path(path.to_owned()))
    }

    /// The tile that holds, or lets one compute, the node `(level, index)` in a tree of `size` leaves, in the
    /// width it has there; `None` when such a tree does not have the node.
    pub fn of_node(level: u8, index: u64, size: u64) -> Option<Self> {
        let nodes = size.checked_shr(level.into())?;
        if index >= nodes {
            return None;
        }
        let first = index << (level % TILE_HEIGHT);
        Self::at(level / TILE_HEIGHT, first / u64::from(TILE_WIDTH), size)
    }

    /// The tile of this level and number in the width it has in a tree of `size` leaves; `None` when it is
    /// empty there.
    pub fn at(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = hashes_at(level, size);
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = hashes.checked_sub(before).filter(|left| *left > 0)?.min(u64::from(TILE_WIDTH));
        u16::try_from(width).ok().map(|width| Self { level, index, width })
    }

    /// The nodes of the tree whose hashes, one after the other, are this tile's bytes, as `(level, index)`.
    pub fn nodes(&self) -> impl Iterator<Item = (u8, u64)> + use<> {
        let level = self.level.saturating_mul(TILE_HEIGHT);
        let first = self.index.saturating_mul(u64::from(TILE_WIDTH));
        (0..u64::from(self.width)).map(move |offset| (level, first.saturating_add(offset)))
    }

    /// The tile's bytes, from stored hashes; `None` when `read` lacks one.
    pub fn content(&self, mut read: impl FnMut(u8, u64) -> Option<Hash>) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.byte_len());
        for (level, index) in self.nodes() {
            bytes.extend_from_slice(&read(level, index)?);
        }
        Some(bytes)
    }

    /// The hashes of a tile that was fetched.
    ///
    /// # Errors
    /// [`TileError::Length`] when the bytes are not `width` hashes.
    pub fn parse_content(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        let expected = self.byte_len();
        let (hashes, rest) = bytes.as_chunks::<32>();
        if bytes.len() != expected || !rest.is_empty() {
            return Err(TileError::Length { width: self.width, expected, found: bytes.len() });
        }
        Ok(hashes.to_vec())
    }

    /// The hash of the node `(level, index)`, computed from this tile's hashes; `None` when this tile does not
    /// hold all of it.
    pub fn node(&self, hashes: &[Hash], level: u8, index: u64) -> Option<Hash> {
        let height =
            level.checked_sub(self.level.checked_mul(TILE_HEIGHT)?).filter(|height| *height < TILE_HEIGHT)?;
        let count = 1_usize << height;
        let first = index.checked_mul(1 << height)?;
        let start = first.checked_sub(self.index.checked_mul(u64::from(TILE_WIDTH))?)?;
        let start = usize::try_from(start).ok()?;
        fold(hashes.get(start..start.checked_add(count)?)?)
    }

    /// The root over a full tile's hashes, which is a hash of the tile above; `None` for a partial tile, which has none.
    pub fn root(&self, hashes: &[Hash]) -> Option<Hash> {
        if hashes.len() != usize::from(TILE_WIDTH) || self.width != TILE_WIDTH {
            return None;
        }
        fold(hashes)
    }

    fn byte_len(&self) -> usize {
        usize::from(self.width) * size_of::<Hash>()
    }

    /// `<N>[.p/<W>]`: three digits to a path element, all but the last with an `x`.
    fn place(&self) -> String {
        let mut place = format!("{:03}", self.index % 1000);
        let mut left = self.index / 1000;
        while left > 0 {
            place = format!("x{:03}/{place}", left % 1000);
            left /= 1000;
        }
        if self.width < TILE_WIDTH {
            place = format!("{place}.p/{}", self.width);
        }
        place
    }

    /// Reads generously; the caller compares with the one right spelling.
    fn parse_place(level: u8, place: &str) -> Option<Self> {
        let (number, width) = match place.split_once(".p/") {
            Some((number, width)) => {
                (number, width.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))?)
            }
            None => (place, TILE_WIDTH),
        };
        let digits = number.replace(['x', '/'], "");
        digits.parse().ok().map(|index| Self { level, index, width })
    }
}

/// Which tiles come to be, full or partial, when a log grows from `old` to `new` leaves, lowest level first.
///
/// A tile that was partial and grows is named in its new width only. Entry bundles change with the tiles of
/// level 0.
pub fn tiles_to_write(old: u64, new: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for level in 0..=(u64::BITS as u8 / TILE_HEIGHT) {
        let (before, after) = (hashes_at(level, old), hashes_at(level, new));
        if before >= after {
            break;
        }
        let first = before / u64::from(TILE_WIDTH);
        tiles.extend((first..).map_while(|index| Tile::at(level, index, new)));
    }
    tiles
}

/// Makes a reader for [`crate::proof`] out of the tiles of a log of `size` leaves; `fetch` gives the bytes of
/// one tile.
///
/// The last tiles read are kept, since a proof asks for several nodes of one tile. The tiles are *not*
/// authenticated by this: the proof made from them is, by verifying it against a signed root.
pub fn read_from_tiles(
    size: u64,
    mut fetch: impl FnMut(&Tile) -> Option<Vec<u8>>,
) -> impl FnMut(u8, u64) -> Option<Hash> {
    // A proof touches a tile or two of each level.
    const KEPT_MAX: usize = 32;
    let mut kept: Vec<(Tile, Vec<Hash>)> = Vec::new();
    move |level, index| {
        let wanted = Tile::of_node(level, index, size)?;
        if let Some((tile, hashes)) = kept.iter().find(|(tile, _)| *tile == wanted) {
            return tile.node(hashes, level, index);
        }
        let hashes = wanted.parse_content(&fetch(&wanted)?).ok()?;
        let node = wanted.node(&hashes, level, index);
        if kept.len() == KEPT_MAX {
            kept.remove(0);
        }
        kept.push((wanted, hashes));
        node
    }
}

/// The root over hashes whose number is a power of two.
fn fold(hashes: &[Hash]) -> Option<Hash> {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.pop()
}

/// How many hashes the tiles of this level hold together in a tree of `size` leaves.
fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0)
}
