//! Alerts on their way: a durable queue that holds places in the log and no content.

use oversight::Realm;

use crate::sql::{Row, count, micros, parsed, stored, time};
use crate::{Reader, StoreError, Tx};

/// Alerts of one search that are kept at most; the oldest that are done go first.
pub const KEPT_MAX: i64 = 200;

/// Where a alert goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To whoever has the console open; it is there when it is written.
    Stream,
    /// By mail.
    Mail,
    /// To a webhook.
    Webhook,
}

/// How far a alert has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits to be sent, first or again.
    Waiting,
    /// The other side took it.
    Sent,
    /// It was given up.
    Failed,
    /// Nothing was left that its owner may see when it was to be sent.
    Withheld,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id; a webhook sees it as `webhook-id`.
    pub id: String,
    /// The saved search.
    pub search: String,
    /// Where it goes.
    pub way: Way,
    /// How far it is.
    pub state: State,
    /// Identifiers of the objects that it is about.
    pub objects: Vec<stix::Id>,
    /// How often it was tried.
    pub attempts: u64,
    /// When it is tried next.
    pub due: jiff::Timestamp,
    /// When it arose.
    pub created: jiff::Timestamp,
    /// What went wrong last: a code and no content.
    pub trouble: Option<String>,
}

impl Way {
    const ALL: [Self; 3] = [Self::Stream, Self::Mail, Self::Webhook];

    /// The stored and told name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}

impl State {
    const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Failed, Self::Withheld];

    /// The stored and told name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Withheld => "withheld",
        }
    }
}

/// Puts a alert into the queue, and lets go of what is done and old.
///
/// # Errors
/// Those of the database.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, alert: &Alert) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let objects: Vec<&str> = alert.objects.iter().map(stix::Id::as_str).collect();
    tx.insert(
        "INSERT INTO alerts (realm, id, search, way, state, objects, attempts, due, created, changed, trouble)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, NULL)",
        crate::sql::params![
            realm,
            alert.id,
            alert.search,
            alert.way.name(),
            alert.state.name(),
            objects.join("\n"),
            stored(alert.attempts),
            micros(alert.due),
            micros(alert.created),
        ],
        &alert.id,
    )?;
    tx.execute(
        "DELETE FROM alerts WHERE realm = ?1 AND search = ?2 AND created <=
             (SELECT created FROM alerts WHERE realm = ?1 AND search = ?2 ORDER BY created DESC LIMIT 1 OFFSET ?3)",
        (realm, alert.search.as_str(), KEPT_MAX),
    )?;
    Ok(())
}

/// Those that are to be sent by now, the longest due first.
///
/// # Errors
/// Those of the database.
pub fn due(
    reader: &Reader<'_>,
    realm: &Realm,
    now: jiff::Timestamp,
    limit: usize,
) -> Result<Vec<Alert>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alerts WHERE realm = ?1 AND state = 'waiting' AND due <= ?2 ORDER BY due, id LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, micros(now), limit), read)
}

/// The newest alerts of a search, newest first.
///
/// # Errors
/// Those of the database.
pub fn of_search(
    reader: &Reader<'_>,
    realm: &Realm,
    search: &str,
    limit: usize,
) -> Result<Vec<Alert>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alerts WHERE realm = ?1 AND search = ?2 ORDER BY created DESC, id LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, search, limit), read)
}

/// Puts off a alert that waits and is due, for whoever sends it now; whether it was.
///
/// # Errors
/// Those of the database.
pub fn claim(tx: &mut Tx<'_>, realm: &Realm, id: &str, until: jiff::Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE alerts SET due = ?3 WHERE realm = ?1 AND id = ?2 AND state = 'waiting' AND due <= ?4";
    Ok(tx.execute(sql, (tx.realm(realm)?, id, micros(until), micros(tx.now())))? > 0)
}

/// Notes what became of an attempt.
///
/// # Errors
/// Those of the database.
pub fn settle(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &str,
    state: State,
    (due, trouble): (jiff::Timestamp, Option<&str>),
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE alerts SET state = ?3, attempts = attempts + 1, due = ?4, changed = ?5, trouble = ?6
         WHERE realm = ?1 AND id = ?2",
        (tx.realm(realm)?, id, state.name(), micros(due), micros(tx.now()), trouble),
    )?;
    Ok(())
}

const COLUMNS: &str = "id, search, way, state, objects, attempts, due, created, trouble";

fn read(row: &Row<'_>) -> Result<Alert, StoreError> {
    let way = |name: &str| Way::ALL.into_iter().find(|way| way.name() == name);
    let state = |name: &str| State::ALL.into_iter().find(|state| state.name() == name);
    Ok(Alert {
        id: row.get(0)?,
        search: row.get(1)?,
        way: parsed("way", row.text(2)?, way)?,
        state: parsed("state", row.text(3)?, state)?,
        objects: row.text(4)?.lines().map(crate::sql::stix_id).collect::<Result<_, _>>()?,
        attempts: count(row.get(5)?),
        due: time(row.get(6)?)?,
        created: time(row.get(7)?)?,
        trouble: row.get(8)?,
    })
}
