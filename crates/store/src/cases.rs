//! Cases and their timelines. The STIX incident of each version goes to the log by [`crate::objects`].

use std::collections::BTreeSet;

use case::{Case, Entry, Severity, State};
use oversight::Realm;
use policy::{LabelKey, Visible};
use stix::Id;
use stix::marking::Tlp;

use crate::objects::label_condition;
use crate::sql::{Row, micros, organisation_id, params, parsed, stix_id, time};
use crate::{Reader, StoreError, Tx};

/// Cases one read gives at most.
pub const CASES_MAX: usize = 10_000;
/// Entries of one timeline at most.
pub const ENTRIES_MAX: usize = 100_000;

/// The running number of the next case in a realm; it is that of the case once [`insert`] is in the same transaction.
///
/// # Errors
/// Those of the database.
pub fn next_number(tx: &mut Tx<'_>, realm: &Realm) -> Result<i64, StoreError> {
    Ok(tx.number("SELECT MAX(number) FROM cases WHERE realm = ?1", [tx.realm(realm)?])? + 1)
}

/// Adds a case, under the label it is released by: the join of what it is made of.
///
/// # Errors
/// [`StoreError::Exists`] when id or number is taken.
pub fn insert(tx: &mut Tx<'_>, case: &Case, label: LabelKey) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(&case.realm)?;
    tx.insert(
        "INSERT INTO cases (realm, id, number, label, state, severity, changed, revision, title, assignee, members,
             objects, opened, last_seen, marking)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            realm,
            case.id.as_str(),
            case.number,
            label,
            state_name(case.state),
            case.severity.level(),
            micros(case.changed),
            case.revision,
            case.title,
            case.assignee,
            member_text(case),
            object_text(case),
            micros(case.opened),
            micros(case.last_seen),
            case.marking.name(),
        ],
        case.id.as_str(),
    )?;
    insert_entries(tx, realm, case, 0)
}

/// Writes a changed case, if it still has the revision that the change was made on. `case.revision` is the new one,
/// which must be greater. A timeline only grows: entries that are stored already are left as they are.
///
/// # Errors
/// [`StoreError::Stale`] when somebody else changed it meanwhile; [`StoreError::NotFound`].
pub fn update(
    tx: &mut Tx<'_>,
    case: &Case,
    label: LabelKey,
    expected_revision: i64,
) -> Result<(), StoreError> {
    let realm = tx.realm(&case.realm)?;
    let sql = "SELECT revision FROM cases WHERE realm = ?1 AND id = ?2";
    let found = tx.first(sql, (realm, case.id.as_str()), |row| row.get::<i64>(0))?;
    match found {
        None => return Err(StoreError::not_found(case.id.as_str())),
        Some(revision) if revision != expected_revision || case.revision <= revision => {
            return Err(StoreError::Stale { what: case.id.as_str().to_owned() });
        }
        Some(_) => {}
    }
    tx.execute(
        "UPDATE cases SET label = ?3, state = ?4, severity = ?5, changed = ?6, revision = ?7, title = ?8,
             assignee = ?9, members = ?10, objects = ?11, last_seen = ?12, marking = ?13
         WHERE realm = ?1 AND id = ?2",
        params![
            realm,
            case.id.as_str(),
            label,
            state_name(case.state),
            case.severity.level(),
            micros(case.changed),
            case.revision,
            case.title,
            case.assignee,
            member_text(case),
            object_text(case),
            micros(case.last_seen),
            case.marking.name(),
        ],
    )?;
    let sql = "SELECT COUNT(*) FROM case_entries WHERE realm = ?1 AND case_id = ?2";
    let stored = tx.number(sql, (realm, case.id.as_str()))?;
    insert_entries(tx, realm, case, usize::try_from(stored).unwrap_or(usize::MAX))
}

/// A case that the reader may see, with its label.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
) -> Result<Option<(Case, LabelKey)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM cases WHERE realm = ?1 AND id = ?2 AND {}",
        label_condition("label", visible)
    );
    let found = reader.first(&sql, (reader.realm(realm)?, id.as_str()), |row| read(realm, row))?;
    found.map(|(case, label)| Ok((with_timeline(reader, case)?, label))).transpose()
}

/// The case of a number, where the reader may see it.
///
/// # Errors
/// [`StoreError::Corrupt`] when its identifier is not readable.
pub fn numbered(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    number: i64,
) -> Result<Option<Id>, StoreError> {
    let sql = format!(
        "SELECT id FROM cases WHERE realm = ?1 AND number = ?2 AND {}",
        label_condition("label", visible)
    );
    reader.first(&sql, (reader.realm(realm)?, number), |row| stix_id(row.text(0)?))
}

/// Cases that the reader may see, with their labels but without their timelines: open before closed, then the gravest,
/// then the newest change.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    state: Option<State>,
) -> Result<Vec<(Case, LabelKey)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM cases WHERE realm = ?1 AND (?2 IS NULL OR state = ?2) AND {}
         ORDER BY state DESC, severity DESC, changed DESC LIMIT {CASES_MAX}",
        label_condition("label", visible)
    );
    reader.rows(&sql, (reader.realm(realm)?, state.map(state_name)), |row| read(realm, row))
}

/// A case with its label, whoever may see it: for the node's own work. Nothing of this goes to a reader.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn for_node(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Option<(Case, LabelKey)>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM cases WHERE realm = ?1 AND id = ?2");
    let found = reader.first(&sql, (reader.realm(realm)?, id.as_str()), |row| read(realm, row))?;
    found.map(|(case, label)| Ok((with_timeline(reader, case)?, label))).transpose()
}

/// Every open case with its timeline, whoever may see it: what triage joins sightings to. Nothing of this goes to a reader.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn for_triage(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<(Case, LabelKey)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM cases WHERE realm = ?1 AND state = 'open' ORDER BY number LIMIT {CASES_MAX}"
    );
    let open = reader.rows(&sql, [reader.realm(realm)?], |row| read(realm, row))?;
    open.into_iter().map(|(case, label)| Ok((with_timeline(reader, case)?, label))).collect()
}

/// Every open case without its timeline, whoever may see it: enough to decide which one a sighting joins, and quick however long
/// the timelines are. Whoever changes one reads it whole first ([`for_node`]). Nothing of this goes to a reader.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn open_heads(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<(Case, LabelKey)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM cases WHERE realm = ?1 AND state = 'open' ORDER BY number LIMIT {CASES_MAX}"
    );
    reader.rows(&sql, [reader.realm(realm)?], |row| read(realm, row))
}

fn insert_entries(tx: &Tx<'_>, realm: i64, case: &Case, stored: usize) -> Result<(), StoreError> {
    if case.timeline.len() > ENTRIES_MAX {
        return Err(StoreError::Limit { what: "a case's timeline, in entries,", limit: ENTRIES_MAX });
    }
    for (position, entry) in (0_i64..).zip(&case.timeline).skip(stored) {
        let text = serde_json::to_string(entry).map_err(|error| StoreError::Database(error.to_string()))?;
        tx.execute(
            "INSERT INTO case_entries (realm, case_id, position, entry) VALUES (?1, ?2, ?3, ?4)",
            (realm, case.id.as_str(), position, text),
        )?;
    }
    Ok(())
}

fn with_timeline(reader: &Reader<'_>, mut case: Case) -> Result<Case, StoreError> {
    let sql = "SELECT entry FROM case_entries WHERE realm = ?1 AND case_id = ?2 ORDER BY position";
    let realm = reader.realm(&case.realm)?;
    case.timeline = reader.rows(sql, (realm, case.id.as_str()), |row| {
        let text: String = row.get(0)?;
        parsed("case entry", &text, |text| serde_json::from_str::<Entry>(text).ok())
    })?;
    Ok(case)
}

const COLUMNS: &str =
    "label, id, number, title, severity, state, assignee, members, objects, opened, changed,
    last_seen, marking, revision";

fn read(realm: &Realm, row: &Row<'_>) -> Result<(Case, LabelKey), StoreError> {
    let severity: u8 = row.get(4)?;
    let (members, objects): (String, String) = (row.get(7)?, row.get(8)?);
    let case = Case {
        id: stix_id(&row.get::<String>(1)?)?,
        realm: realm.clone(),
        number: row.get(2)?,
        title: row.get(3)?,
        severity: parsed("severity", &severity.to_string(), |_| Severity::new(severity))?,
        state: parsed("case state", &row.get::<String>(5)?, state_named)?,
        assignee: row.get(6)?,
        members: members.lines().map(organisation_id).collect::<Result<BTreeSet<_>, _>>()?,
        objects: objects.lines().map(stix_id).collect::<Result<BTreeSet<_>, _>>()?,
        opened: time(row.get(9)?)?,
        changed: time(row.get(10)?)?,
        last_seen: time(row.get(11)?)?,
        marking: parsed("TLP level", &row.get::<String>(12)?, Tlp::parse)?,
        timeline: Vec::new(),
        revision: row.get(13)?,
    };
    Ok((case, row.get(0)?))
}

fn member_text(case: &Case) -> String {
    case.members.iter().map(oversight::OrganisationId::as_str).collect::<Vec<_>>().join("\n")
}

fn object_text(case: &Case) -> String {
    case.objects.iter().map(Id::as_str).collect::<Vec<_>>().join("\n")
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Closed => "closed",
    }
}

fn state_named(name: &str) -> Option<State> {
    [State::Open, State::Closed].into_iter().find(|state| state_name(*state) == name)
}
