//! What runs of playbooks order: signed orders to edges with what became of them, and commands to configured agents.
//!
//! An order stands here in the transaction that decides it, so that nothing is ordered twice or lost; edges fetch theirs by sequence.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};

use crate::sql::{Row, count, micros, organisation_id, params, stored, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Orders one read gives at most.
pub const ORDERS_MAX: usize = 500;
/// Reports on one order that are kept.
pub const REPORTS_MAX: u64 = 10_000;

/// An order that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The edge.
    pub edge: String,
    /// Its operator.
    pub organisation: OrganisationId,
    /// The command's identifier.
    pub command: String,
    /// Who asked for the run.
    pub requester: OrganisationId,
    /// The run.
    pub run: String,
    /// The command's key in the run.
    pub action: String,
    /// The playbook and step, which rates are counted by.
    pub step: String,
    /// The signed message, as JSON.
    pub message: String,
    /// What is told beside it, as JSON.
    pub about: String,
    /// When it was ordered.
    pub ordered: Timestamp,
    /// From when the edge may not take it any more.
    pub expires: Timestamp,
    /// When its effect ends.
    pub stops: Option<Timestamp>,
    /// The command that it undoes.
    pub undoes: Option<String>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its place in the list of its edge.
    pub sequence: i64,
    /// What was ordered.
    pub new: NewOrder,
    /// How it stands, by the edge's newest report.
    pub state: Option<String>,
    /// The number of that report.
    pub told: u64,
    /// What it stopped until then.
    pub stopped: Option<u64>,
    /// Since when it stands so, by this hub's clock.
    pub since: Option<Timestamp>,
}

/// A report of an edge, as it is taken in.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Its number among those on this command.
    pub number: u64,
    /// The whole, as JSON.
    pub text: &'a str,
    /// How the order stands.
    pub state: &'a str,
    /// What it stopped.
    pub stopped: Option<u64>,
}

/// Gives an order; gives its sequence.
///
/// # Errors
/// [`StoreError::Exists`] where the command was ordered before.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, new: &NewOrder) -> Result<i64, StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT MAX(sequence) FROM orders WHERE realm = ?1 AND edge = ?2";
    let sequence = tx.number(sql, (realm, new.edge.as_str()))? + 1;
    tx.insert(
        "INSERT INTO orders (realm, edge, sequence, command, organisation, requester, run, action, step, message, about, ordered,
             expires, stops, undoes, told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 0)",
        params![
            realm,
            new.edge,
            sequence,
            new.command,
            new.organisation.as_str(),
            new.requester.as_str(),
            new.run,
            new.action,
            new.step,
            new.message,
            new.about,
            micros(new.ordered),
            micros(new.expires),
            new.stops.map(micros),
            new.undoes,
        ],
        &new.command,
    )?;
    Ok(sequence)
}

/// The orders of an edge after `after` that it may still take, oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn of_edge(
    reader: &Reader<'_>,
    realm: &Realm,
    (edge, organisation): (&str, &OrganisationId),
    after: i64,
    limit: usize,
) -> Result<Vec<Order>, StoreError> {
    // An edge that was given to another operator is not given the orders of the one before.
    let sql = format!(
        "SELECT {COLUMNS} FROM orders
         WHERE realm = ?1 AND edge = ?2 AND organisation = ?3 AND sequence > ?4 AND expires > ?5 ORDER BY sequence LIMIT ?6"
    );
    let limit = i64::try_from(limit.min(ORDERS_MAX)).unwrap_or(0);
    let now = micros(reader.now());
    reader.rows(&sql, params![reader.realm(realm)?, edge, organisation.as_str(), after, now, limit], read)
}

/// The orders of an edge, given after `since`, that it may still take and has said nothing of, oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn unanswered(
    reader: &Reader<'_>,
    realm: &Realm,
    (edge, organisation): (&str, &OrganisationId),
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Order>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM orders
         WHERE realm = ?1 AND ordered > ?2 AND edge = ?3 AND organisation = ?4 AND told = 0 AND expires > ?5
         ORDER BY ordered, sequence LIMIT ?6"
    );
    let limit = i64::try_from(limit.min(ORDERS_MAX)).unwrap_or(0);
    let (since, now) = (micros(since), micros(reader.now()));
    let whose = organisation.as_str();
    reader.rows(&sql, params![reader.realm(realm)?, since, edge, whose, now, limit], read)
}

/// An order by its command's identifier.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn get(reader: &Reader<'_>, realm: &Realm, command: &str) -> Result<Option<Order>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE realm = ?1 AND command = ?2");
    reader.first(&sql, (reader.realm(realm)?, command), read)
}

/// The newest order that undoes a command.
///
/// # Errors
/// Those of the database.
pub fn undoing(reader: &Reader<'_>, realm: &Realm, command: &str) -> Result<Option<String>, StoreError> {
    let sql =
        "SELECT command FROM orders WHERE realm = ?1 AND undoes = ?2 ORDER BY ordered DESC, command LIMIT 1";
    reader.first(sql, (reader.realm(realm)?, command), |row| row.get(0))
}

/// Orders, the newest first, given before `before` (its time and command); where `organisation` is said, those that it asked for or that
/// went to its edges.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: Option<&OrganisationId>,
    before: Option<(Timestamp, &str)>,
    limit: usize,
) -> Result<Vec<Order>, StoreError> {
    let (at, command) = before.map_or((i64::MAX, ""), |(at, command)| (micros(at), command));
    let whose = organisation.map_or("", OrganisationId::as_str);
    let sql = format!(
        "SELECT {COLUMNS} FROM orders
         WHERE realm = ?1 AND (ordered < ?2 OR (ordered = ?2 AND command < ?3))
           AND (?4 = '' OR requester = ?4 OR organisation = ?4)
         ORDER BY ordered DESC, command DESC LIMIT ?5"
    );
    let limit = i64::try_from(limit.min(ORDERS_MAX)).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, at, command, whose, limit), read)
}

/// How many orders an organisation's runs gave since then: all, and those of one step. Undoing is not counted.
///
/// # Errors
/// Those of the database.
pub fn since(
    reader: &Reader<'_>,
    realm: &Realm,
    (requester, step): (&OrganisationId, &str),
    since: Timestamp,
) -> Result<(u64, u64), StoreError> {
    let key = (reader.realm(realm)?, requester.as_str(), micros(since));
    let sql =
        "SELECT COUNT(*) FROM orders WHERE realm = ?1 AND requester = ?2 AND ordered > ?3 AND undoes IS NULL";
    let all = count(reader.number(sql, key)?);
    let sql = "SELECT COUNT(*) FROM orders
        WHERE realm = ?1 AND requester = ?2 AND ordered > ?3 AND undoes IS NULL AND step = ?4";
    let (realm, requester, since) = key;
    Ok((all, count(reader.number(sql, (realm, requester, since, step))?)))
}

/// Takes a report in; whether it is new. The newest by its number says how the order stands.
///
/// # Errors
/// [`StoreError::NotFound`] where this edge was given no such order; [`StoreError::Limit`] beyond [`REPORTS_MAX`].
pub fn report(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (edge, command): (&str, &str),
    report: Report<'_>,
) -> Result<bool, StoreError> {
    let known = get(tx, realm, command)?.filter(|order| order.new.edge == edge);
    let known = known.ok_or_else(|| StoreError::not_found(command))?;
    if report.number > REPORTS_MAX {
        let limit = usize::try_from(REPORTS_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the reports on one order", limit });
    }
    let realm = tx.realm(realm)?;
    let added = tx.execute(
        "INSERT INTO order_reports (realm, command, number, report, taken) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (realm, command, number) DO NOTHING",
        params![realm, command, stored(report.number), report.text, micros(tx.now())],
    )?;
    if added > 0 && report.number > known.told {
        let stopped = report.stopped.or(known.stopped).map(stored);
        let stands = known.state.as_deref() == Some(report.state);
        let since = known.since.filter(|_| stands).unwrap_or(tx.now());
        tx.execute(
            "UPDATE orders SET state = ?3, told = ?4, stopped = ?5, since = ?6 WHERE realm = ?1 AND command = ?2",
            params![realm, command, report.state, stored(report.number), stopped, micros(since)],
        )?;
    }
    Ok(added > 0)
}

/// The newest reports on an order, oldest first.
///
/// # Errors
/// Those of the database.
pub fn reports(
    reader: &Reader<'_>,
    realm: &Realm,
    command: &str,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let sql =
        "SELECT report FROM order_reports WHERE realm = ?1 AND command = ?2 ORDER BY number DESC LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = reader.rows(sql, (reader.realm(realm)?, command, limit), |row| row.get(0))?;
    found.reverse();
    Ok(found)
}

const COLUMNS: &str = "edge, sequence, command, organisation, requester, run, action, step, message, about, ordered, expires, stops,
    undoes, state, told, stopped, since";

fn read(row: &Row<'_>) -> Result<Order, StoreError> {
    Ok(Order {
        sequence: row.get(1)?,
        new: NewOrder {
            edge: row.get(0)?,
            organisation: organisation_id(row.text(3)?)?,
            command: row.get(2)?,
            requester: organisation_id(row.text(4)?)?,
            run: row.get(5)?,
            action: row.get(6)?,
            step: row.get(7)?,
            message: row.get(8)?,
            about: row.get(9)?,
            ordered: time(row.get(10)?)?,
            expires: time(row.get(11)?)?,
            stops: time_opt(row.get(12)?)?,
            undoes: row.get(13)?,
        },
        state: row.get(14)?,
        told: count(row.get(15)?),
        stopped: row.get::<Option<i64>>(16)?.map(count),
        since: time_opt(row.get(17)?)?,
    })
}

/// A command to a configured agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The run.
    pub run: String,
    /// The command's key in the run.
    pub key: String,
    /// How often it was sent before.
    pub attempt: u32,
    /// The agent, as it is configured.
    pub agent: String,
    /// What is asked of it, as JSON.
    pub request: String,
}

/// Puts a command to an agent down, ready to be sent.
///
/// # Errors
/// [`StoreError::Exists`] where it stands there.
pub fn call(tx: &mut Tx<'_>, realm: &Realm, call: &Call) -> Result<(), StoreError> {
    tx.insert(
        "INSERT INTO agent_calls (realm, run, key, attempt, agent, request, state, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'ready', ?7)",
        params![
            tx.realm_for_writing(realm)?,
            call.run,
            call.key,
            i64::from(call.attempt),
            call.agent,
            call.request,
            micros(tx.now()),
        ],
        &call.key,
    )
}

/// Commands to agents in a state (`ready` or `sent`), the longest in it first; those only that are in it since before `before`.
///
/// # Errors
/// Those of the database.
pub fn calls(
    reader: &Reader<'_>,
    realm: &Realm,
    state: &str,
    before: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Call>, StoreError> {
    let sql = "SELECT run, key, attempt, agent, request FROM agent_calls
        WHERE realm = ?1 AND state = ?2 AND changed < ?3 ORDER BY changed, run, key LIMIT ?4";
    let (limit, before) = (i64::try_from(limit).unwrap_or(i64::MAX), before.map_or(i64::MAX, micros));
    reader.rows(sql, (reader.realm(realm)?, state, before, limit), |row| {
        Ok(Call {
            run: row.get(0)?,
            key: row.get(1)?,
            attempt: u32::try_from(row.get::<i64>(2)?).unwrap_or(u32::MAX),
            agent: row.get(3)?,
            request: row.get(4)?,
        })
    })
}

/// Moves a command to an agent from one state to the next; whether it was in the first.
///
/// # Errors
/// Those of the database.
pub fn called(
    tx: &mut Tx<'_>,
    realm: &Realm,
    call: &Call,
    (from, to): (&str, &str),
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE agent_calls SET state = ?6, changed = ?7
         WHERE realm = ?1 AND run = ?2 AND key = ?3 AND attempt = ?4 AND state = ?5",
        params![tx.realm(realm)?, call.run, call.key, i64::from(call.attempt), from, to, micros(tx.now())],
    )?;
    Ok(changed > 0)
}
