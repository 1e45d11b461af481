//! The Merkle trees of a node: one over all acts, one over the authorisations, one over the public statistics. Leaf `i` is the RFC 6962 hash of the log's entry `i`.
//!
//! The rows, what is kept of the tree's complete nodes, and its right edge are written together, in the transaction of the act, so the root is known
//! at every commit.

use tlog::{Frontier, Hash, node_hash};

use crate::sql::{count, stored};
use crate::{Reader, StoreError, Tx};

/// Rows that [`Tree::verify`] reads at a time.
pub(crate) const VERIFY_CHUNK: i64 = 4096;

/// Beside the leaves every eighth level is kept: the hashes that tiles hold (C2SP tlog-tiles). A node between is made of at most 128
/// of them, which costs less to do where one is asked for than to write a row more for each leaf.
const TILE_LEVELS: u8 = 8;

/// Those of completed nodes that are kept.
fn kept_of(completed: Vec<(u8, u64, Hash)>) -> impl Iterator<Item = (u8, u64, Hash)> {
    completed.into_iter().filter(|(level, ..)| level.is_multiple_of(TILE_LEVELS))
}

/// Which tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// Over all acts ([`crate::audit`]); an entry is a commitment of 32 bytes.
    Acts,
    /// Over what was asked of, decided by and done under the commission ([`crate::authorisations`]); an entry is an
    /// [`oversight::authorisation::Entry`].
    Authorisations,
    /// Over the statistics that the public is told ([`crate::statistics`]); an entry is a signed statement.
    Statistics,
}

impl Tree {
    /// Every tree.
    pub const ALL: [Self; 3] = [Self::Acts, Self::Authorisations, Self::Statistics];

    /// What its log is called behind the node's origin, in addresses and in folders; nothing for the first one.
    #[must_use]
    pub fn segment(self) -> &'static str {
        match self {
            Self::Acts => "",
            Self::Authorisations => "authorisations",
            Self::Statistics => "statistics",
        }
    }

    /// The origin of its log at a node whose log of acts has this origin: also the name of its key.
    #[must_use]
    pub fn origin(self, of_acts: &str) -> String {
        match self.segment() {
            "" => of_acts.to_owned(),
            segment => format!("{of_acts}/{segment}"),
        }
    }

    /// Computes every entry and the whole tree from the rows, and compares with what is stored. Gives size and root.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], naming the first leaf or node that is not what its row makes it.
    pub fn verified(self, reader: &Reader<'_>) -> Result<(u64, Hash), StoreError> {
        match self {
            Self::Acts => crate::audit::verify(reader),
            Self::Authorisations => crate::authorisations::log::verify(reader),
            Self::Statistics => crate::statistics::verify(reader),
        }
    }

    /// The table with a row for each leaf, which has the columns `leaf` and `hash`.
    fn leaves(self) -> &'static str {
        match self {
            Self::Acts => "audit",
            Self::Authorisations => "authorisation_log",
            Self::Statistics => "statistics_log",
        }
    }

    /// The table of complete inner nodes of the levels that are kept.
    fn inner(self) -> &'static str {
        match self {
            Self::Acts => "audit_nodes",
            Self::Authorisations => "authorisation_nodes",
            Self::Statistics => "statistics_nodes",
        }
    }

    /// For people.
    fn name(self) -> &'static str {
        match self {
            Self::Acts => "audit",
            Self::Authorisations => "authorisation",
            Self::Statistics => "statistics",
        }
    }

    /// The tree's size and root at this snapshot.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a node is missing.
    pub fn head(self, reader: &Reader<'_>) -> Result<(u64, Hash), StoreError> {
        let frontier = self.restore(reader)?;
        Ok((frontier.size(), frontier.root()))
    }

    /// The log's entries `from .. to`, in order: what entry bundles are made of.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is not readable.
    pub fn entries(self, reader: &Reader<'_>, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        match self {
            Self::Acts => {
                Ok(crate::audit::entries(reader, from, to)?.into_iter().map(|entry| entry.to_vec()).collect())
            }
            Self::Authorisations => crate::authorisations::log::entries(reader, from, to),
            Self::Statistics => crate::statistics::entries(reader, from, to),
        }
    }

    /// The hash of a complete node of the tree; level 0 are the leaves. `None` where there is no such node yet.
    ///
    /// # Errors
    /// Those of the database.
    pub fn node(self, reader: &Reader<'_>, level: u8, index: u64) -> Result<Option<Hash>, StoreError> {
        if level == 0 {
            let sql = format!("SELECT hash FROM {} WHERE leaf = ?1", self.leaves());
            reader.first(&sql, [stored(index)], |row| row.get(0))
        } else {
            Ok(self.nodes(reader, level, index, index.saturating_add(1))?.pop())
        }
    }

    /// The hashes of consecutive complete nodes `from .. to` of one level, as far as they exist: what a tile is made of.
    ///
    /// # Errors
    /// Those of the database.
    pub fn nodes(self, reader: &Reader<'_>, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let above = level % TILE_LEVELS;
        let width = 1_u64 << above;
        let (from, to) = (from.saturating_mul(width), to.saturating_mul(width));
        let mut hashes = self.kept(reader, level - above, from, to)?;
        for _ in 0..above {
            hashes = hashes.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        Ok(hashes)
    }

    /// The same of a level that is kept.
    fn kept(self, reader: &Reader<'_>, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let (from, to) = (stored(from), stored(to));
        if level == 0 {
            let table = self.leaves();
            let sql = format!("SELECT hash FROM {table} WHERE leaf >= ?1 AND leaf < ?2 ORDER BY leaf");
            reader.rows(&sql, (from, to), |row| row.get(0))
        } else {
            let sql = format!(
                "SELECT hash FROM {} WHERE level = ?1 AND position >= ?2 AND position < ?3 ORDER BY position",
                self.inner()
            );
            reader.rows(&sql, (i64::from(level), from, to), |row| row.get(0))
        }
    }

    /// Computes the whole tree from the rows and compares it with what is stored; gives size and root, which the caller compares
    /// with a signed checkpoint. `rows` gives the next rows from a leaf on, none at the end; `check` gives the leaf's hash as
    /// its row makes it, if the row is the one of that leaf and holds nothing that does not fit.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], naming the first leaf or node that is not what its row makes it.
    pub(crate) fn verify<R>(
        self,
        reader: &Reader<'_>,
        rows: impl Fn(i64) -> Result<Vec<R>, StoreError>,
        check: impl Fn(&R, u64) -> Result<Hash, &'static str>,
    ) -> Result<(u64, Hash), StoreError> {
        let mut frontier = Frontier::new();
        loop {
            let chunk = rows(stored(frontier.size()))?;
            for row in &chunk {
                let leaf = frontier.size();
                let wrong = |what: &str| StoreError::corrupt(format!("{} leaf {leaf}: {what}", self.name()));
                let hash = check(row, leaf).map_err(wrong)?;
                for (level, index, hash) in kept_of(frontier.append(hash)) {
                    if self.node(reader, level, index)? != Some(hash) {
                        return Err(wrong(&format!(
                            "the hash of level {level}, index {index} is not that of the record"
                        )));
                    }
                }
            }
            if chunk.is_empty() {
                break;
            }
        }
        let wrong = |what: &str| StoreError::corrupt(format!("the {} tree {what}", self.name()));
        let (size, root) = self.head(reader)?;
        if (size, root) != (frontier.size(), frontier.root()) {
            return Err(wrong("has a right edge that does not fit its rows"));
        }
        let nodes = reader.number(&format!("SELECT COUNT(*) FROM {}", self.inner()), ())?;
        let made: u64 = (1..).map_while(|tiles| size.checked_shr(tiles * u32::from(TILE_LEVELS))).sum();
        if count(nodes) != made {
            return Err(wrong("has nodes that no row makes"));
        }
        Ok((size, root))
    }

    /// The leaf that is written next.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a node is missing.
    pub(crate) fn next(self, tx: &Tx<'_>) -> Result<u64, StoreError> {
        if let Some(frontier) = tx.state.borrow().trees.get(&self) {
            return Ok(frontier.size());
        }
        let frontier = self.restore(tx)?;
        let size = frontier.size();
        tx.state.borrow_mut().trees.insert(self, frontier);
        Ok(size)
    }

    /// Grows the tree by the leaf whose row was just written at [`Tree::next`].
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn grow(self, tx: &Tx<'_>, hash: Hash) -> Result<(), StoreError> {
        let mut state = tx.state.borrow_mut();
        let unread = || StoreError::corrupt(format!("the {} tree was not read before it grew", self.name()));
        let frontier = state.trees.get_mut(&self).ok_or_else(unread)?;
        for (level, index, hash) in kept_of(frontier.append(hash)).filter(|(level, ..)| *level > 0) {
            let sql = format!("INSERT INTO {} (level, position, hash) VALUES (?1, ?2, ?3)", self.inner());
            tx.execute(&sql, (i64::from(level), stored(index), hash))?;
        }
        Ok(())
    }

    fn restore(self, reader: &Reader<'_>) -> Result<Frontier, StoreError> {
        let size = count(reader.number(&format!("SELECT MAX(leaf) + 1 FROM {}", self.leaves()), ())?);
        Frontier::restore(size, |level, index| self.node(reader, level, index).ok().flatten())
            .map_err(|error| StoreError::corrupt(format!("{} tree: {error}", self.name())))
    }
}
