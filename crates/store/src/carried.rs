//! What hubs tell each other beside their logs: recalls and changed markings of what was given, orders that are asked for at each other's
//! edges and what became of them, until the other side has said that it has them.

use oversight::Realm;

use crate::sql::{micros, params, parsed};
use crate::{Reader, StoreError, Tx};

/// Acts that are kept for one peer, or of one; of more, the oldest that are done with are forgotten.
pub const ACTS_MAX: i64 = 10_000;

/// What kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An object is taken back.
    Recall,
    /// An object bears another marking.
    Marking,
    /// An order is asked for at an edge of the other hub.
    Order,
    /// What became of one.
    Report,
}

/// An act on its way to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Out {
    /// Its own id, the same at every hub.
    pub id: String,
    /// What kind.
    pub kind: Kind,
    /// What it says, as it travels.
    pub text: String,
}

/// An act that came from a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct In {
    /// Its own id, the same at every hub.
    pub id: String,
    /// What kind.
    pub kind: Kind,
    /// Whether it came first by this way, so that this peer waits for those who were given the object here.
    pub is_first: bool,
    /// What the peer was last told of them.
    pub told: Option<Reach>,
}

/// How far an act has reached: numbers and no names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// How many were given the object, here and beyond.
    pub holders: u64,
    /// How many of them have done what it asks for.
    pub acknowledged: u64,
    /// Whether nothing more is to come.
    pub is_settled: bool,
}

impl Kind {
    /// The word in storage and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recall => "recall",
            Self::Marking => "marking",
            Self::Order => "order",
            Self::Report => "report",
        }
    }

    /// The kind of such a word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Recall, Self::Marking, Self::Order, Self::Report].into_iter().find(|kind| kind.name() == name)
    }
}

/// Puts an act on its way to a peer; one that is on its way already stays as it is.
///
/// # Errors
/// Those of the database.
pub fn send(tx: &mut Tx<'_>, realm: &Realm, peer: &str, act: &Out) -> Result<(), StoreError> {
    let (key, now) = (tx.realm_for_writing(realm)?, micros(tx.now()));
    tx.execute(
        "INSERT INTO carried_out (realm, peer, id, kind, text, at, delivered) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)
         ON CONFLICT (realm, peer, id) DO NOTHING",
        params![key, peer, act.id, act.kind.name(), act.text, now],
    )?;
    let done = "SELECT at FROM carried_out WHERE realm = ?1 AND peer = ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3";
    if let Some(oldest) = tx.first(done, (key, peer, ACTS_MAX), |row| row.get::<i64>(0))? {
        let sql = "DELETE FROM carried_out WHERE realm = ?1 AND peer = ?2 AND at <= ?3 AND delivered <> 0";
        tx.execute(sql, (key, peer, oldest))?;
    }
    Ok(())
}

/// Acts that a peer has not said to have, oldest first.
///
/// # Errors
/// Those of the database.
pub fn waiting(reader: &Reader<'_>, realm: &Realm, peer: &str, limit: usize) -> Result<Vec<Out>, StoreError> {
    let sql = "SELECT id, kind, text FROM carried_out WHERE realm = ?1 AND peer = ?2 AND delivered = 0
        ORDER BY at, id LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(ACTS_MAX).min(ACTS_MAX);
    reader.rows(sql, (reader.realm(realm)?, peer, limit), |row| {
        Ok(Out {
            id: row.get(0)?,
            kind: parsed("kind of act", row.text(1)?, Kind::parse)?,
            text: row.get(2)?,
        })
    })
}

/// Notes that a peer has an act; gives its kind where it was on its way to that peer.
///
/// # Errors
/// Those of the database.
pub fn delivered(tx: &mut Tx<'_>, realm: &Realm, peer: &str, id: &str) -> Result<Option<Kind>, StoreError> {
    let (key, now) = (tx.realm(realm)?, micros(tx.now()));
    let sql = "SELECT kind FROM carried_out WHERE realm = ?1 AND peer = ?2 AND id = ?3";
    let kind = tx.first(sql, (key, peer, id), |row| parsed("kind of act", row.text(0)?, Kind::parse))?;
    let sql =
        "UPDATE carried_out SET delivered = ?4 WHERE realm = ?1 AND peer = ?2 AND id = ?3 AND delivered = 0";
    tx.execute(sql, (key, peer, id, now))?;
    Ok(kind)
}

/// Notes in which batch an act was written for an outlet.
///
/// # Errors
/// Those of the database.
pub fn written(tx: &mut Tx<'_>, realm: &Realm, peer: &str, id: &str, batch: i64) -> Result<(), StoreError> {
    let (key, now) = (tx.realm(realm)?, micros(tx.now()));
    let sql = "UPDATE carried_out SET delivered = ?4, batch = ?5 WHERE realm = ?1 AND peer = ?2 AND id = ?3";
    tx.execute(sql, params![key, peer, id, now, batch])?;
    Ok(())
}

/// The batch in which an act was written for an outlet; 0 where it is in none.
///
/// # Errors
/// Those of the database.
pub fn batch_of(reader: &Reader<'_>, realm: &Realm, peer: &str, id: &str) -> Result<i64, StoreError> {
    let sql = "SELECT batch FROM carried_out WHERE realm = ?1 AND peer = ?2 AND id = ?3 AND delivered <> 0";
    Ok(reader.first(sql, (reader.realm(realm)?, peer, id), |row| row.get(0))?.unwrap_or(0))
}

/// The acts of a batch and of all that came after it are to be sent again.
///
/// # Errors
/// Those of the database.
pub fn lost(tx: &mut Tx<'_>, realm: &Realm, peer: &str, from: i64) -> Result<(), StoreError> {
    let sql =
        "UPDATE carried_out SET delivered = 0, batch = 0 WHERE realm = ?1 AND peer = ?2 AND batch >= ?3";
    tx.execute(sql, (tx.realm(realm)?, peer, from))?;
    Ok(())
}

/// An act that a peer told, if it did.
///
/// # Errors
/// Those of the database.
pub fn came(reader: &Reader<'_>, realm: &Realm, peer: &str, id: &str) -> Result<Option<In>, StoreError> {
    let sql = format!("SELECT {CAME} FROM carried_in WHERE realm = ?1 AND peer = ?2 AND id = ?3");
    reader.first(&sql, (reader.realm(realm)?, peer, id), read_in)
}

/// Notes that an act came from a peer.
///
/// # Errors
/// Those of the database.
pub fn take(tx: &mut Tx<'_>, realm: &Realm, peer: &str, act: &In) -> Result<(), StoreError> {
    let (key, now) = (tx.realm_for_writing(realm)?, micros(tx.now()));
    tx.execute(
        "INSERT INTO carried_in (realm, peer, id, kind, at, is_first, holders, acknowledged, settled)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, -1, -1, 0) ON CONFLICT (realm, peer, id) DO UPDATE SET settled = 0",
        params![key, peer, act.id, act.kind.name(), now, i64::from(act.is_first)],
    )?;
    let sql = "SELECT at FROM carried_in WHERE realm = ?1 AND peer = ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3";
    if let Some(oldest) = tx.first(sql, (key, peer, ACTS_MAX), |row| row.get::<i64>(0))? {
        tx.execute(
            "DELETE FROM carried_in WHERE realm = ?1 AND peer = ?2 AND at <= ?3",
            (key, peer, oldest),
        )?;
    }
    Ok(())
}

/// Acts of a peer's of which it was not yet told that nothing more is to come, oldest first.
///
/// # Errors
/// Those of the database.
pub fn unsettled(
    reader: &Reader<'_>,
    realm: &Realm,
    peer: &str,
    limit: usize,
) -> Result<Vec<In>, StoreError> {
    let sql = format!(
        "SELECT {CAME} FROM carried_in WHERE realm = ?1 AND peer = ?2 AND settled = 0 ORDER BY at, id LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(ACTS_MAX).min(ACTS_MAX);
    reader.rows(&sql, (reader.realm(realm)?, peer, limit), read_in)
}

/// Notes what a peer was told of an act that came from it.
///
/// # Errors
/// Those of the database.
pub fn told(tx: &mut Tx<'_>, realm: &Realm, peer: &str, id: &str, reach: Reach) -> Result<(), StoreError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    tx.execute(
        "UPDATE carried_in SET holders = ?4, acknowledged = ?5, settled = ?6
         WHERE realm = ?1 AND peer = ?2 AND id = ?3",
        params![
            tx.realm(realm)?,
            peer,
            id,
            number(reach.holders),
            number(reach.acknowledged),
            i64::from(reach.is_settled),
        ],
    )?;
    Ok(())
}

const CAME: &str = "id, kind, is_first, holders, acknowledged, settled";

fn read_in(row: &crate::sql::Row<'_>) -> Result<In, StoreError> {
    let (holders, acknowledged): (i64, i64) = (row.get(3)?, row.get(4)?);
    let told = u64::try_from(holders).ok().map(|holders| Reach {
        holders,
        acknowledged: u64::try_from(acknowledged).unwrap_or(0),
        is_settled: row.get::<i64>(5).is_ok_and(|settled| settled != 0),
    });
    Ok(In {
        id: row.get(0)?,
        kind: parsed("kind of act", row.text(1)?, Kind::parse)?,
        is_first: row.get::<i64>(2)? != 0,
        told,
    })
}
