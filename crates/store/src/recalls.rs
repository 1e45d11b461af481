//! Recalls: what was given out is taken back, and everybody who was given it says that it is done.

use std::collections::{BTreeMap, BTreeSet};

use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::carried::Reach;
use crate::sql::{Row, count, micros, organisation_id, params, stix_id, stored, time, time_opt};
use crate::{Reader, StoreError, Tx, edges, peers};

/// Recalls one read gives at most.
pub const RECALLS_MAX: usize = 1_000;
/// What stands before the name of an edge, and of a peer, that is a holder.
const EDGE: &str = "edge:";
const PEER: &str = "peer:";

/// A recall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// Its own id.
    pub id: String,
    /// The object.
    pub object: Id,
    /// The version as written; `None`: every version.
    pub version: Option<String>,
    /// The name that the recipients knew it by.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Who had brought it in.
    pub originator: OrganisationId,
    /// Who recalls it.
    pub issuer: OrganisationId,
    /// When.
    pub at: jiff::Timestamp,
    /// By when it is to be acknowledged.
    pub deadline: jiff::Timestamp,
    /// The log's end when it was recalled: whoever has read up to here was told that it is gone.
    pub sequence: i64,
}

/// One who was given what is recalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The organisation.
    pub organisation: OrganisationId,
    /// Which part of it.
    pub part: Part,
    /// Of a peer: how far it has come with those that it gave the object to.
    pub beyond: Option<Reach>,
    /// When it was acknowledged.
    pub acknowledged: Option<jiff::Timestamp>,
    /// By whom: an account, a token, an edge, a peer.
    pub acknowledged_by: Option<String>,
}

/// Who of an organisation was given the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Its people and programs.
    Itself,
    /// One of its edges.
    Edge(String),
    /// Its hub, which may have given it on.
    Peer(String),
}

/// Which recalls a list gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those of what an organisation brought in or recalled itself.
    IssuedFor(OrganisationId),
    /// Those that concern what an organisation was given.
    Given(OrganisationId),
    /// Those of an object.
    Object(Id),
    /// All.
    All,
}

/// Writes a recall down with those who are to acknowledge it: an organisation that was given the object by the doors of its edges
/// and its hub alone is represented by them. Gives the peers among them, which are to be told.
///
/// # Errors
/// [`StoreError::Exists`] for an id that is taken.
pub fn add(
    tx: &mut Tx<'_>,
    realm: &Realm,
    recall: &Recall,
    recipients: &BTreeMap<OrganisationId, BTreeSet<String>>,
) -> Result<Vec<String>, StoreError> {
    let key = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO recalls (realm, id, object, version, name, reason, originator, issuer, at, deadline, sequence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            key,
            recall.id,
            recall.object.as_str(),
            recall.version,
            recall.name,
            recall.reason,
            recall.originator.as_str(),
            recall.issuer.as_str(),
            micros(recall.at),
            micros(recall.deadline),
            recall.sequence,
        ],
        &recall.id,
    )?;
    let edges = edges::list(tx, realm)?;
    let mut told = Vec::new();
    for (organisation, doors) in
        recipients.iter().filter(|(organisation, _)| **organisation != recall.originator)
    {
        let mut holders = Vec::new();
        if doors.contains("edge") {
            let edges = edges.iter().filter(|edge| edge.organisation == *organisation);
            holders.extend(edges.map(|edge| Part::Edge(edge.id.clone())));
        }
        let peer =
            if doors.contains("peer") { peers::of_organisation(tx, realm, organisation)? } else { None };
        told.extend(peer.iter().map(|peer| peer.id.clone()));
        holders.extend(peer.map(|peer| Part::Peer(peer.id)));
        if holders.is_empty() || doors.iter().any(|door| !matches!(door.as_str(), "edge" | "peer")) {
            holders.push(Part::Itself);
        }
        for holder in holders {
            tx.execute(
                "INSERT INTO recall_recipients (realm, recall, organisation, holder, deadline, acknowledged)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0)",
                params![key, recall.id, organisation.as_str(), holder.text(), micros(recall.deadline)],
            )?;
        }
    }
    Ok(told)
}

/// A recall by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Recall>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM recalls WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// Recalls, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    which: &Which,
    limit: usize,
) -> Result<Vec<Recall>, StoreError> {
    let (condition, value) = match which {
        Which::IssuedFor(organisation) => ("originator = ?2", organisation.as_str().to_owned()),
        Which::Given(organisation) => (
            "id IN (SELECT recall FROM recall_recipients WHERE realm = ?1 AND organisation = ?2)",
            organisation.as_str().to_owned(),
        ),
        Which::Object(id) => ("object = ?2", id.to_string()),
        Which::All => ("?2 = ''", String::new()),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM recalls WHERE realm = ?1 AND {condition} ORDER BY at DESC, id LIMIT ?3"
    );
    let limit = i64::try_from(limit.min(RECALLS_MAX)).unwrap_or(1);
    reader.rows(&sql, (reader.realm(realm)?, value, limit), read)
}

/// Who was given what is recalled, and who has acknowledged it.
///
/// # Errors
/// Those of the database.
pub fn holders(reader: &Reader<'_>, realm: &Realm, recall: &str) -> Result<Vec<Holder>, StoreError> {
    let sql = "SELECT organisation, holder, acknowledged, acknowledged_by FROM recall_recipients
        WHERE realm = ?1 AND recall = ?2 ORDER BY organisation, holder";
    let key = reader.realm(realm)?;
    let mut holders = reader.rows(sql, (key, recall), |row| {
        let (holder, acknowledged): (String, i64) = (row.get(1)?, row.get(2)?);
        Ok(Holder {
            organisation: organisation_id(&row.get::<String>(0)?)?,
            part: Part::of(&holder),
            beyond: None,
            acknowledged: time_opt(Some(acknowledged).filter(|at| *at != 0))?,
            acknowledged_by: row.get(3)?,
        })
    })?;
    let sql =
        "SELECT holders, acknowledged FROM recall_beyond WHERE realm = ?1 AND recall = ?2 AND peer = ?3";
    for holder in &mut holders {
        let Part::Peer(peer) = &holder.part else { continue };
        let is_settled = holder.acknowledged.is_some();
        holder.beyond = reader.first(sql, (key, recall, peer.as_str()), |row| {
            Ok(Reach { holders: count(row.get(0)?), acknowledged: count(row.get(1)?), is_settled })
        })?;
    }
    Ok(holders)
}

/// How far a recall has come with those who were given the object here, and by whom they gave it to.
///
/// # Errors
/// Those of the database.
pub fn reach(reader: &Reader<'_>, realm: &Realm, recall: &str) -> Result<Reach, StoreError> {
    let mut reach = Reach { is_settled: true, ..Reach::default() };
    for holder in holders(reader, realm, recall)? {
        let beyond = holder.beyond.unwrap_or_default();
        let done = holder.acknowledged.is_some();
        reach.holders = reach.holders.saturating_add(beyond.holders).saturating_add(1);
        reach.acknowledged =
            reach.acknowledged.saturating_add(beyond.acknowledged).saturating_add(u64::from(done));
        reach.is_settled &= done;
    }
    Ok(reach)
}

/// Notes how far a peer has come with those that it gave the object to.
///
/// # Errors
/// Those of the database.
pub fn put_beyond(
    tx: &mut Tx<'_>,
    realm: &Realm,
    recall: &str,
    peer: &str,
    reach: Reach,
) -> Result<(), StoreError> {
    let (key, now) = (tx.realm_for_writing(realm)?, micros(tx.now()));
    tx.execute(
        "INSERT INTO recall_beyond (realm, recall, peer, holders, acknowledged, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (realm, recall, peer) DO UPDATE SET holders = excluded.holders,
             acknowledged = excluded.acknowledged, at = excluded.at",
        params![key, recall, peer, stored(reach.holders), stored(reach.acknowledged), now],
    )?;
    Ok(())
}

/// The recalls that a peer has yet to acknowledge, oldest first.
///
/// # Errors
/// Those of the database.
pub fn pending_for_peer(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    peer: &str,
) -> Result<Vec<Recall>, StoreError> {
    pending(reader, realm, organisation, &Part::Peer(peer.to_owned()))
}

/// The recalls that an organisation itself has yet to acknowledge, oldest first: what a person, a program or a peer asks for.
///
/// # Errors
/// Those of the database.
pub fn pending_for(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
) -> Result<Vec<Recall>, StoreError> {
    pending(reader, realm, organisation, &Part::Itself)
}

/// The recalls that one of an organisation's edges has yet to acknowledge, oldest first.
///
/// # Errors
/// Those of the database.
pub fn pending_for_edge(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    edge: &str,
) -> Result<Vec<Recall>, StoreError> {
    pending(reader, realm, organisation, &Part::Edge(edge.to_owned()))
}

fn pending(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    part: &Part,
) -> Result<Vec<Recall>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM recalls WHERE realm = ?1 AND id IN (
             SELECT recall FROM recall_recipients
             WHERE realm = ?1 AND organisation = ?2 AND acknowledged = 0 AND holder = ?3)
         ORDER BY at, id LIMIT ?4"
    );
    let limit = i64::try_from(RECALLS_MAX).unwrap_or(1);
    reader.rows(&sql, (reader.realm(realm)?, organisation.as_str(), part.text(), limit), read)
}

/// Notes that an organisation (or its edge, or its hub) has done what a recall asks for; whether that is news.
///
/// # Errors
/// [`StoreError::NotFound`] where it was not given the object.
pub fn acknowledge(
    tx: &mut Tx<'_>,
    realm: &Realm,
    recall: &str,
    (organisation, part): (&OrganisationId, &Part),
    by: &str,
) -> Result<bool, StoreError> {
    let (realm, now) = (tx.realm(realm)?, micros(tx.now()));
    let holder = part.text();
    let sql = "SELECT COUNT(*) FROM recall_recipients
        WHERE realm = ?1 AND recall = ?2 AND organisation = ?3 AND holder = ?4";
    if tx.number(sql, (realm, recall, organisation.as_str(), holder.as_str()))? == 0 {
        return Err(StoreError::not_found(recall));
    }
    let changed = tx.execute(
        "UPDATE recall_recipients SET acknowledged = ?5, acknowledged_by = ?6
         WHERE realm = ?1 AND recall = ?2 AND organisation = ?3 AND holder = ?4 AND acknowledged = 0",
        params![realm, recall, organisation.as_str(), holder, now, by],
    )?;
    Ok(changed > 0)
}

/// How many who were given recalled objects are late with their acknowledgement.
///
/// # Errors
/// Those of the database.
pub fn overdue(reader: &Reader<'_>, realm: &Realm) -> Result<u64, StoreError> {
    let sql =
        "SELECT COUNT(*) FROM recall_recipients WHERE realm = ?1 AND acknowledged = 0 AND deadline < ?2";
    Ok(count(reader.number(sql, (reader.realm(realm)?, micros(reader.now())))?))
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::Itself => String::new(),
            Self::Edge(edge) => format!("{EDGE}{edge}"),
            Self::Peer(peer) => format!("{PEER}{peer}"),
        }
    }

    fn of(text: &str) -> Self {
        match (text.strip_prefix(EDGE), text.strip_prefix(PEER)) {
            (Some(edge), _) => Self::Edge(edge.to_owned()),
            (_, Some(peer)) => Self::Peer(peer.to_owned()),
            _ => Self::Itself,
        }
    }
}

const COLUMNS: &str = "id, object, version, name, reason, originator, issuer, at, deadline, sequence";

fn read(row: &Row<'_>) -> Result<Recall, StoreError> {
    Ok(Recall {
        id: row.get(0)?,
        object: stix_id(row.text(1)?)?,
        version: row.get(2)?,
        name: row.get(3)?,
        reason: row.get(4)?,
        originator: organisation_id(row.text(5)?)?,
        issuer: organisation_id(row.text(6)?)?,
        at: time(row.get(7)?)?,
        deadline: time(row.get(8)?)?,
        sequence: row.get(9)?,
    })
}
