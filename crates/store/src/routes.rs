//! Envelopes: by which peers an object version came, beside the object and never in it.
//!
//! A version can come by several peers; each route is kept. When a peer takes a version back, every route that leads through that
//! peer's hub ends, so that two hubs cannot keep alive for each other what neither has from anywhere else.

use std::collections::HashMap;

use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::objects::{object_key, rows_of};
use crate::sql::{Row, micros, organisation_id, params, stix_id, time};
use crate::{Reader, StoreError, Tx};

/// Hubs that an object passes through at most.
pub const HOPS_MAX: usize = 8;
/// Routes of one object that one read gives at most.
const ROUTES_READ_MAX: i64 = 200;

/// How a version came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The object.
    pub id: Id,
    /// The version as its sort key ([`version_key`]).
    pub version_key: String,
    /// The peer that it came from, by its short name here.
    pub peer: String,
    /// The hub where it was brought in.
    pub origin: String,
    /// The organisation that brought it in there, as that hub tells it.
    pub organisation: String,
    /// The hubs that it passed through, the origin first and the peer last.
    pub hops: Vec<String>,
    /// The agreement under which it was given, as the peer names it.
    pub agreement: Option<String>,
    /// When it came.
    pub received: jiff::Timestamp,
    /// Whether the peer still gives it.
    pub held: bool,
}

/// What stays after a peer has taken a version back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It never came from there.
    Unknown,
    /// Another route holds it.
    Held,
    /// No route holds it any more.
    Free,
}

/// A version as the key that sorts it; empty for an object without versions.
#[must_use]
pub fn version_key(version: Option<&str>) -> String {
    version
        .and_then(|text| stix::Timestamp::parse(text).ok())
        .map_or_else(String::new, |version| version.sort_key().to_owned())
}

/// Writes down how a version came; a route that was known is as it came last.
///
/// # Errors
/// [`StoreError::Limit`] over [`HOPS_MAX`].
pub fn put(tx: &mut Tx<'_>, realm: &Realm, route: &Route) -> Result<(), StoreError> {
    if route.hops.len() > HOPS_MAX {
        return Err(StoreError::Limit { what: "a route, in hubs,", limit: HOPS_MAX });
    }
    let key = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO routes (realm, id, version_key, peer, origin, organisation, hops, agreement, received, held)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (realm, id, version_key, peer) DO UPDATE SET origin = excluded.origin,
             organisation = excluded.organisation, hops = excluded.hops, agreement = excluded.agreement,
             received = excluded.received, held = excluded.held",
        params![
            key,
            route.id.as_str(),
            route.version_key,
            route.peer,
            route.origin,
            route.organisation,
            route.hops.join(" "),
            route.agreement,
            micros(route.received),
            i64::from(route.held),
        ],
    )?;
    Ok(())
}

/// Ends routes of a version: the peer's own, and where `hub` is given (the peer has it no more), every one through that hub.
///
/// # Errors
/// Those of the database.
pub fn end(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &Id,
    version_key: &str,
    peer: &str,
    hub: Option<&str>,
) -> Result<Ended, StoreError> {
    let known = of_version(tx, realm, id, version_key)?;
    if !known.iter().any(|route| route.peer == peer && route.held) {
        return Ok(Ended::Unknown);
    }
    let ends =
        |route: &&Route| route.peer == peer || hub.is_some_and(|hub| route.hops.iter().any(|hop| hop == hub));
    let key = tx.realm(realm)?;
    for route in known.iter().filter(ends) {
        tx.execute(
            "UPDATE routes SET held = 0 WHERE realm = ?1 AND id = ?2 AND version_key = ?3 AND peer = ?4",
            (key, id.as_str(), version_key, &route.peer),
        )?;
    }
    let stays = known.iter().any(|route| route.held && !ends(&route));
    Ok(if stays { Ended::Held } else { Ended::Free })
}

/// How a version came, the shortest way first; none for what was brought in here.
///
/// # Errors
/// Those of the database.
pub fn of_version(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &Id,
    version_key: &str,
) -> Result<Vec<Route>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM routes WHERE realm = ?1 AND id = ?2 AND version_key = ?3 LIMIT ?4");
    let params = (reader.realm(realm)?, id.as_str(), version_key, ROUTES_READ_MAX);
    let mut routes = reader.rows(&sql, params, read)?;
    sort(&mut routes);
    Ok(routes)
}

/// How the versions of an object came, newest version first.
///
/// # Errors
/// Those of the database.
pub fn of_object(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Vec<Route>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM routes WHERE realm = ?1 AND id = ?2 ORDER BY version_key DESC LIMIT ?3"
    );
    reader.rows(&sql, (reader.realm(realm)?, id.as_str(), ROUTES_READ_MAX), read)
}

/// The routes of many versions at once, by id and version key: for those that have any.
///
/// # Errors
/// Those of the database.
pub fn of_versions<'a>(
    reader: &Reader<'_>,
    realm: &Realm,
    versions: impl IntoIterator<Item = (&'a Id, String)>,
) -> Result<HashMap<(Id, String), Vec<Route>>, StoreError> {
    let mut found = HashMap::new();
    if reader.number("SELECT COUNT(*) FROM (SELECT 1 FROM routes LIMIT 1) AS one", ())? == 0 {
        return Ok(found);
    }
    for (id, version_key) in versions {
        let routes = of_version(reader, realm, id, &version_key)?;
        if !routes.is_empty() {
            found.insert((id.clone(), version_key), routes);
        }
    }
    Ok(found)
}

/// Which organisation brought in an object that is or was in the log, whether or not it may be seen: who alone may bring it again.
///
/// # Errors
/// Those of the database.
pub fn brought_by(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Option<OrganisationId>, StoreError> {
    let sql = format!(
        "SELECT originators.organisation FROM log JOIN originators ON originators.originator = log.originator
         WHERE {} AND log.realm + 0 = ?1 AND log.id = ?2 AND log.kind < 2
         ORDER BY log.line, log.version_key DESC, log.collection DESC LIMIT 1",
        rows_of("log.sequence", "?3")
    );
    let realm = reader.realm(realm)?;
    let object = object_key(realm, id.as_str());
    reader.first(&sql, (realm, id.as_str(), object), |row| organisation_id(&row.get::<String>(0)?))
}

fn sort(routes: &mut [Route]) {
    routes.sort_by(|a, b| {
        (!a.held, a.hops.len(), a.received, &a.peer).cmp(&(!b.held, b.hops.len(), b.received, &b.peer))
    });
}

const COLUMNS: &str = "id, version_key, peer, origin, organisation, hops, agreement, received, held";

fn read(row: &Row<'_>) -> Result<Route, StoreError> {
    Ok(Route {
        id: stix_id(&row.get::<String>(0)?)?,
        version_key: row.get(1)?,
        peer: row.get(2)?,
        origin: row.get(3)?,
        organisation: row.get(4)?,
        hops: row.get::<String>(5)?.split_whitespace().map(str::to_owned).collect(),
        agreement: row.get(6)?,
        received: time(row.get(7)?)?,
        held: row.get::<i64>(8)? != 0,
    })
}
