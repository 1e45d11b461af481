//! Peers: other hubs, how far each has come with this one, and what each may hold.

use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use policy::LabelKey;
use serde::{Deserialize, Serialize};
use stix::Id;

use crate::collections::CollectionKey;
use crate::sql::{Row, micros, organisation_id, params, parsed, stix_id, time, time_opt};
use crate::{Reader, StoreError, Tx, outbox};

/// Peers of one hub at most.
pub const PEERS_MAX: i64 = 500;
/// The longest signed card, in bytes.
pub const CARD_BYTES_MAX: usize = 16 * 1024;
/// Conflicts that are kept of one peer; older ones are forgotten (the audit log has them all).
pub const CONFLICTS_MAX: i64 = 1_000;
/// Sights of one peer that are kept while it does not answer.
const SIGHTS_MAX: i64 = 64;

/// Another hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Short name here.
    pub id: String,
    /// The other hub's id: made from its key, the same everywhere.
    pub hub: String,
    /// The organisation that it is bound to here: what it brings is that organisation's, what it is given is given to it.
    pub organisation: OrganisationId,
    /// SHA-256 of its certificate, hexadecimal.
    pub fingerprint: String,
    /// The card that it signed, as text.
    pub card: String,
    /// Where it is reached, where that is not what its card says.
    pub address: Option<String>,
    /// How objects get from one to the other.
    pub way: Way,
    /// Whether anything is exchanged with it.
    pub state: State,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// When it was added.
    pub created: jiff::Timestamp,
    /// When the row last changed.
    pub changed: jiff::Timestamp,
}

/// How objects get from one hub to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a connection, in both directions.
    Link,
    /// Batches are written for it into a folder. Nothing is heard of it, ever.
    Outlet,
    /// Batches of it are taken out of a folder. Nothing is given to it, ever.
    Inlet,
}

/// Whether anything is exchanged with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Active,
    /// It is not.
    Suspended,
}

/// How far a peer and this hub have come with each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to this sequence of the peer's log is dealt with here.
    pub taken: i64,
    /// The peer's sight under which it was.
    pub taken_sight: i64,
    /// When something last came.
    pub taken_at: Option<jiff::Timestamp>,
    /// Everything up to this sequence of this hub's log is acknowledged by the peer.
    pub given: i64,
    /// The sight that it has acknowledged.
    pub given_sight: i64,
    /// When it last acknowledged something.
    pub given_at: Option<jiff::Timestamp>,
    /// What went where.
    pub counts: Counts,
}

/// What went where, since the peer was added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Object versions that came and are new here.
    pub accepted: u64,
    /// Versions that were here already.
    pub duplicates: u64,
    /// Versions that were kept out.
    pub refused: u64,
    /// Of those, versions with other content than is here.
    pub conflicts: u64,
    /// Versions that were taken back by the peer and are gone here.
    pub withdrawn: u64,
    /// Frames that could not be read.
    pub malformed: u64,
    /// Object versions sent.
    pub sent: u64,
    /// Notices sent that an object is withdrawn or no longer shared.
    pub taken_back: u64,
}

/// The labels of what a peer was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Its number; 0 is that of a peer that was given nothing yet.
    pub number: i64,
    /// The newest label that was decided on.
    pub known: LabelKey,
    /// Those that were allowed.
    pub labels: BTreeSet<LabelKey>,
}

/// Something that a peer brought with other content than is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The object.
    pub id: Id,
    /// The version as written.
    pub version: Option<String>,
    /// SHA-256 of the canonical form that was kept out.
    pub hash: [u8; 32],
    /// When.
    pub at: jiff::Timestamp,
}

impl Way {
    /// The word in storage and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Outlet => "outlet",
            Self::Inlet => "inlet",
        }
    }

    /// The way of such a word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Link, Self::Outlet, Self::Inlet].into_iter().find(|way| way.name() == name)
    }
}

impl State {
    /// The word in storage and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// The state of such a word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|state| state.name() == name)
    }
}

impl Counts {
    /// Adds what happened.
    pub fn add(&mut self, more: &Self) {
        let pairs = [
            (&mut self.accepted, more.accepted),
            (&mut self.duplicates, more.duplicates),
            (&mut self.refused, more.refused),
            (&mut self.conflicts, more.conflicts),
            (&mut self.withdrawn, more.withdrawn),
            (&mut self.malformed, more.malformed),
            (&mut self.sent, more.sent),
            (&mut self.taken_back, more.taken_back),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
    }
}

/// Adds a peer.
///
/// # Errors
/// [`StoreError::Exists`] where the short name, the hub, its certificate or the organisation has a peer already;
/// [`StoreError::Limit`] over [`PEERS_MAX`] or [`CARD_BYTES_MAX`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, peer: &Peer) -> Result<(), StoreError> {
    check_card(&peer.card)?;
    let realm = tx.realm_for_writing(realm)?;
    if tx.number("SELECT COUNT(*) FROM peers WHERE realm = ?1", [realm])? >= PEERS_MAX {
        return Err(StoreError::Limit {
            what: "the number of peers",
            limit: usize::try_from(PEERS_MAX).unwrap_or(0),
        });
    }
    tx.insert(
        "INSERT INTO peers (realm, id, hub, organisation, fingerprint, card, address, state, reason, created, changed, way)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
        params![
            realm,
            peer.id,
            peer.hub,
            peer.organisation.as_str(),
            peer.fingerprint,
            peer.card,
            peer.address,
            peer.state.name(),
            peer.reason,
            micros(peer.created),
            peer.way.name(),
        ],
        "a peer with this short name, hub, certificate or organisation",
    )
}

/// Changes card, certificate, address, state and reason of a peer; short name, hub, organisation and way stay.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Limit`] over [`CARD_BYTES_MAX`].
pub fn update(tx: &mut Tx<'_>, realm: &Realm, peer: &Peer) -> Result<(), StoreError> {
    check_card(&peer.card)?;
    let changed = tx.execute(
        "UPDATE peers SET fingerprint = ?3, card = ?4, address = ?5, state = ?6, reason = ?7, changed = ?8
         WHERE realm = ?1 AND id = ?2",
        params![
            tx.realm(realm)?,
            peer.id,
            peer.fingerprint,
            peer.card,
            peer.address,
            peer.state.name(),
            peer.reason,
            micros(tx.now()),
        ],
    )?;
    if changed == 0 { Err(StoreError::not_found(&peer.id)) } else { Ok(()) }
}

/// Removes a peer with all that is known of its progress. What it brought stays, and where it came from. Whether there was one.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<bool, StoreError> {
    let key = tx.realm(realm)?;
    let tables = [
        "peer_progress",
        "peer_sights",
        "peer_conflicts",
        "carried_out",
        "carried_in",
        "peer_series",
        "peer_batches",
    ];
    for table in tables {
        tx.execute(&format!("DELETE FROM {table} WHERE realm = ?1 AND peer = ?2"), (key, id))?;
    }
    outbox::forget(tx, realm, &consumer(id))?;
    Ok(tx.execute("DELETE FROM peers WHERE realm = ?1 AND id = ?2", (key, id))? > 0)
}

/// A peer by its short name.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Peer>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM peers WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// The peer that is a hub.
///
/// # Errors
/// Those of the database.
pub fn by_hub(reader: &Reader<'_>, realm: &Realm, hub: &str) -> Result<Option<Peer>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM peers WHERE realm = ?1 AND hub = ?2");
    reader.first(&sql, (reader.realm(realm)?, hub), read)
}

/// The peer that is bound to an organisation.
///
/// # Errors
/// Those of the database.
pub fn of_organisation(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
) -> Result<Option<Peer>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM peers WHERE realm = ?1 AND organisation = ?2");
    reader.first(&sql, (reader.realm(realm)?, organisation.as_str()), read)
}

/// All peers, by short name.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Peer>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM peers WHERE realm = ?1 ORDER BY id");
    reader.rows(&sql, [reader.realm(realm)?], read)
}

/// How far a peer and this hub have come.
///
/// # Errors
/// Those of the database.
pub fn progress(reader: &Reader<'_>, realm: &Realm, peer: &str) -> Result<Progress, StoreError> {
    let sql = "SELECT taken, taken_sight, taken_at, given, given_sight, given_at, counts FROM peer_progress
               WHERE realm = ?1 AND peer = ?2";
    let found = reader.first(sql, (reader.realm(realm)?, peer), |row| {
        Ok(Progress {
            taken: row.get(0)?,
            taken_sight: row.get(1)?,
            taken_at: time_opt(row.get(2)?)?,
            given: row.get(3)?,
            given_sight: row.get(4)?,
            given_at: time_opt(row.get(5)?)?,
            counts: parsed("counts", &row.get::<String>(6)?, |text| serde_json::from_str(text).ok())?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

/// Writes down how far a peer and this hub have come. Whoever gives the sequence that the peer acknowledged moves the peer's cursor
/// over the log, too.
///
/// # Errors
/// Those of the database.
pub fn put_progress(
    tx: &mut Tx<'_>,
    realm: &Realm,
    peer: &str,
    progress: &Progress,
) -> Result<(), StoreError> {
    let counts = serde_json::to_string(&progress.counts).map_err(|e| StoreError::Database(e.to_string()))?;
    let key = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO peer_progress (realm, peer, taken, taken_sight, taken_at, given, given_sight, given_at, counts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (realm, peer) DO UPDATE SET taken = excluded.taken, taken_sight = excluded.taken_sight,
             taken_at = excluded.taken_at, given = excluded.given, given_sight = excluded.given_sight,
             given_at = excluded.given_at, counts = excluded.counts",
        params![
            key,
            peer,
            progress.taken,
            progress.taken_sight,
            progress.taken_at.map(micros),
            progress.given,
            progress.given_sight,
            progress.given_at.map(micros),
            counts,
        ],
    )?;
    outbox::advance(tx, realm, &consumer(peer), progress.given)
}

/// A sight that a peer was given objects by.
///
/// # Errors
/// Those of the database.
pub fn sight(
    reader: &Reader<'_>,
    realm: &Realm,
    peer: &str,
    number: i64,
) -> Result<Option<Sight>, StoreError> {
    let sql = "SELECT sight, known, labels FROM peer_sights WHERE realm = ?1 AND peer = ?2 AND sight = ?3";
    reader.first(sql, (reader.realm(realm)?, peer, number), read_sight)
}

/// All sights that a peer may have been given objects by since one, that one included, oldest first.
///
/// # Errors
/// Those of the database.
pub fn sights_since(
    reader: &Reader<'_>,
    realm: &Realm,
    peer: &str,
    number: i64,
) -> Result<Vec<Sight>, StoreError> {
    let sql = "SELECT sight, known, labels FROM peer_sights
               WHERE realm = ?1 AND peer = ?2 AND sight >= ?3 ORDER BY sight";
    reader.rows(sql, (reader.realm(realm)?, peer, number), read_sight)
}

/// Writes down a sight, before anything is given by it. Of a peer that acknowledges none, the oldest are joined into one, so that
/// what it may hold stays known.
///
/// # Errors
/// Those of the database.
pub fn put_sight(tx: &mut Tx<'_>, realm: &Realm, peer: &str, sight: &Sight) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    write_sight(tx, key, peer, sight)?;
    let sql = "SELECT COUNT(*) FROM peer_sights WHERE realm = ?1 AND peer = ?2";
    if tx.number(sql, (key, peer))? > SIGHTS_MAX {
        let all = sights_since(tx, realm, peer, 0)?;
        if let [oldest, next, ..] = all.as_slice() {
            let labels = oldest.labels.union(&next.labels).copied().collect();
            forget_sights(tx, realm, peer, next.number)?;
            write_sight(tx, key, peer, &Sight { labels, ..next.clone() })?;
        }
    }
    Ok(())
}

/// Forgets the sights before one that a peer has acknowledged.
///
/// # Errors
/// Those of the database.
pub fn forget_sights(tx: &mut Tx<'_>, realm: &Realm, peer: &str, before: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM peer_sights WHERE realm = ?1 AND peer = ?2 AND sight < ?3";
    tx.execute(sql, (tx.realm(realm)?, peer, before))?;
    Ok(())
}

/// The newest label of a realm: every one up to it was decided on by whoever asks in the same snapshot.
///
/// # Errors
/// Those of the database.
pub fn newest_label(reader: &Reader<'_>, realm: &Realm) -> Result<LabelKey, StoreError> {
    reader.number("SELECT MAX(label) FROM labels WHERE realm = ?1", [reader.realm(realm)?])
}

/// Which versions stand in a collection under labels, between two sequences: sequence, id and version, no content. For telling a
/// peer what it may no longer hold, which it was given before.
///
/// # Errors
/// Those of the database.
pub fn named_under(
    reader: &Reader<'_>,
    realm: &Realm,
    collection: CollectionKey,
    labels: &BTreeSet<LabelKey>,
    (after, through): (i64, i64),
    limit: usize,
) -> Result<Vec<(i64, Id, Option<String>)>, StoreError> {
    let keys: Vec<String> = labels.iter().map(LabelKey::to_string).collect();
    let sql = format!(
        "SELECT sequence, id, version FROM log
         WHERE realm = ?1 AND collection = ?2 AND kind < 2 AND kind = 0 AND sequence > ?3 AND sequence <= ?4 AND label IN ({})
         ORDER BY sequence LIMIT ?5",
        keys.join(",")
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, collection, after, through, limit), |row| {
        Ok((row.get(0)?, stix_id(&row.get::<String>(1)?)?, row.get(2)?))
    })
}

/// Writes down that a peer brought other content for a version that is here; of many, the newest stay.
///
/// # Errors
/// Those of the database.
pub fn note_conflict(
    tx: &mut Tx<'_>,
    realm: &Realm,
    peer: &str,
    conflict: &Conflict,
) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO peer_conflicts (realm, peer, id, version_key, version, hash, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (realm, peer, id, version_key) DO UPDATE SET hash = excluded.hash, at = excluded.at",
        params![
            key,
            peer,
            conflict.id.as_str(),
            crate::routes::version_key(conflict.version.as_deref()),
            conflict.version,
            conflict.hash,
            micros(conflict.at),
        ],
    )?;
    let sql =
        "SELECT at FROM peer_conflicts WHERE realm = ?1 AND peer = ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3";
    if let Some(oldest) = tx.first(sql, (key, peer, CONFLICTS_MAX), |row| row.get::<i64>(0))? {
        tx.execute(
            "DELETE FROM peer_conflicts WHERE realm = ?1 AND peer = ?2 AND at <= ?3",
            (key, peer, oldest),
        )?;
    }
    Ok(())
}

/// What a peer brought with other content, newest first.
///
/// # Errors
/// Those of the database.
pub fn conflicts(
    reader: &Reader<'_>,
    realm: &Realm,
    peer: &str,
    limit: usize,
) -> Result<Vec<Conflict>, StoreError> {
    let sql = "SELECT id, version, hash, at FROM peer_conflicts WHERE realm = ?1 AND peer = ?2
               ORDER BY at DESC, id LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX).min(CONFLICTS_MAX);
    reader.rows(sql, (reader.realm(realm)?, peer, limit), |row| {
        Ok(Conflict {
            id: stix_id(&row.get::<String>(0)?)?,
            version: row.get(1)?,
            hash: row.get(2)?,
            at: time(row.get(3)?)?,
        })
    })
}

/// The name under which a peer's cursor over the log stands.
fn consumer(peer: &str) -> String {
    format!("peer/{peer}")
}

fn check_card(card: &str) -> Result<(), StoreError> {
    if card.len() > CARD_BYTES_MAX {
        return Err(StoreError::Limit { what: "a peer's card, in bytes,", limit: CARD_BYTES_MAX });
    }
    Ok(())
}

fn write_sight(tx: &Tx<'_>, realm: i64, peer: &str, sight: &Sight) -> Result<(), StoreError> {
    let labels: Vec<String> = sight.labels.iter().map(LabelKey::to_string).collect();
    tx.execute(
        "INSERT INTO peer_sights (realm, peer, sight, known, labels) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (realm, peer, sight) DO UPDATE SET known = excluded.known, labels = excluded.labels",
        (realm, peer, sight.number, sight.known, labels.join(" ")),
    )?;
    Ok(())
}

const COLUMNS: &str =
    "id, hub, organisation, fingerprint, card, address, state, reason, created, changed, way";

fn read(row: &Row<'_>) -> Result<Peer, StoreError> {
    Ok(Peer {
        id: row.get(0)?,
        hub: row.get(1)?,
        organisation: organisation_id(&row.get::<String>(2)?)?,
        fingerprint: row.get(3)?,
        card: row.get(4)?,
        address: row.get(5)?,
        state: parsed("peer's state", &row.get::<String>(6)?, State::parse)?,
        reason: row.get(7)?,
        created: time(row.get(8)?)?,
        changed: time(row.get(9)?)?,
        way: parsed("peer's way", &row.get::<String>(10)?, Way::parse)?,
    })
}

fn read_sight(row: &Row<'_>) -> Result<Sight, StoreError> {
    let labels: String = row.get(2)?;
    let labels = labels.split_whitespace().map(|key| parsed("label", key, |key| key.parse().ok()));
    Ok(Sight { number: row.get(0)?, known: row.get(1)?, labels: labels.collect::<Result<_, _>>()? })
}
