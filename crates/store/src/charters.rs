//! What the commission is and by which frame it decides: the texts in force, and what the standing commission is asked to put in their
//! place. Each change appends to the log of authorisations.

use oversight::authorisation::{Commission, EntryKind, Frame, Resolved, Subject};
use oversight::{OrganisationId, Realm};

use crate::authorisations::log::{self, NewEntry};
use crate::sql::{Row, count, micros, organisation_id, params, parsed, stored, time};
use crate::{Reader, StoreError, Tx};

/// Bytes of a text at most.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// A text in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter<T> {
    /// What it says.
    pub text: T,
    /// Whose people the commissioners are.
    pub organisation: OrganisationId,
    /// Its place in the log of authorisations.
    pub leaf: u64,
    /// Since when.
    pub at: jiff::Timestamp,
}

/// What the standing commission is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The new text, as JSON.
    pub text: String,
    /// The account that proposed it; empty where it is the node's configuration.
    pub person: String,
    /// The resolution that is being signed.
    pub pending: Option<Resolved>,
    /// When it was proposed.
    pub created: jiff::Timestamp,
}

/// A text of one of the two kinds, ready to be put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Who is the commission.
    Commission(Commission),
    /// By which frame it decides.
    Frame(Frame),
}

impl Text {
    /// Reads a text of a kind.
    #[must_use]
    pub fn parse(subject: Subject, text: &str) -> Option<Self> {
        match subject {
            Subject::Commission => serde_json::from_str(text).ok().map(Self::Commission),
            Subject::Frame => serde_json::from_str(text).ok().map(Self::Frame),
        }
    }

    /// Of which kind it is.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Commission(_) => Subject::Commission,
            Self::Frame(_) => Subject::Frame,
        }
    }

    /// SHA-256 of its canonical text.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Self::Commission(commission) => commission.digest(),
            Self::Frame(frame) => frame.digest(),
        }
    }

    fn to_json(&self) -> Result<serde_json::Value, StoreError> {
        let json = match self {
            Self::Commission(commission) => serde_json::to_value(commission),
            Self::Frame(frame) => serde_json::to_value(frame),
        };
        json.map_err(|error| StoreError::Database(error.to_string()))
    }
}

/// The commission that stands, where there is one.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn commission(reader: &Reader<'_>, realm: &Realm) -> Result<Option<Charter<Commission>>, StoreError> {
    in_force(reader, realm, Subject::Commission)
}

/// The frame in force, where there is one.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn frame(reader: &Reader<'_>, realm: &Realm) -> Result<Option<Charter<Frame>>, StoreError> {
    in_force(reader, realm, Subject::Frame)
}

fn in_force<T: serde::de::DeserializeOwned>(
    reader: &Reader<'_>,
    realm: &Realm,
    subject: Subject,
) -> Result<Option<Charter<T>>, StoreError> {
    let sql = "SELECT text, organisation, leaf, at FROM charters
        WHERE realm = ?1 AND subject = ?2 ORDER BY leaf DESC LIMIT 1";
    reader.first(sql, params![reader.realm(realm)?, subject.name()], |row| {
        Ok(Charter {
            text: parsed(subject.name(), row.text(0)?, |text| serde_json::from_str(text).ok())?,
            organisation: organisation_id(row.text(1)?)?,
            leaf: count(row.get(2)?),
            at: time(row.get(3)?)?,
        })
    })
}

/// Puts a text in force, and drops what was proposed in its place. `resolved` is what the standing commission signed; only the first
/// commission comes without. Gives its place in the log.
///
/// # Errors
/// [`StoreError::Limit`]; [`StoreError::Stale`] where a commission stands and did not resolve on it.
pub fn enact(
    tx: &mut Tx<'_>,
    realm: &Realm,
    text: &Text,
    organisation: &OrganisationId,
    resolved: Option<&Resolved>,
) -> Result<u64, StoreError> {
    let subject = text.subject();
    let is_resolved = resolved.is_some_and(|resolved| {
        resolved.resolution.subject == subject && resolved.resolution.digest == hex::encode(text.digest())
    });
    if !is_resolved && (subject == Subject::Frame || commission(tx, realm)?.is_some()) {
        return Err(StoreError::Stale { what: subject.name().to_owned() });
    }
    let (kind, before) = match subject {
        Subject::Commission => (EntryKind::Commission, commission(tx, realm)?.map(|known| known.leaf)),
        Subject::Frame => (EntryKind::Frame, frame(tx, realm)?.map(|known| known.leaf)),
    };
    let json = text.to_json()?;
    let mut record = serde_json::json!({ "v": 1, "resolved": resolved });
    if let Some(members) = record.as_object_mut() {
        members.insert(subject.name().to_owned(), json.clone());
    }
    let leaf = log::append(
        tx,
        &NewEntry { kind, about: before, authorisation: None, record: record.to_string().as_bytes() },
    )?;
    let key = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO charters (realm, subject, leaf, text, organisation, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![key, subject.name(), stored(leaf), json.to_string(), organisation.as_str(), micros(tx.now())],
    )?;
    tx.execute(
        "DELETE FROM charter_proposals WHERE realm = ?1 AND subject = ?2",
        params![key, subject.name()],
    )?;
    Ok(leaf)
}

/// What the standing commission is asked about a subject.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn proposal(
    reader: &Reader<'_>,
    realm: &Realm,
    subject: Subject,
) -> Result<Option<Proposal>, StoreError> {
    let sql =
        "SELECT text, person, pending, created FROM charter_proposals WHERE realm = ?1 AND subject = ?2";
    reader.first(sql, params![reader.realm(realm)?, subject.name()], read_proposal)
}

/// Asks the standing commission, in place of what it was asked before about the same; answers to that are void.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn propose(tx: &mut Tx<'_>, realm: &Realm, text: &Text, person: &str) -> Result<(), StoreError> {
    let json = text.to_json()?.to_string();
    if json.len() > TEXT_BYTES_MAX {
        return Err(StoreError::Limit { what: "what is proposed, in bytes,", limit: TEXT_BYTES_MAX });
    }
    let key = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO charter_proposals (realm, subject, text, person, pending, created) VALUES (?1, ?2, ?3, ?4, NULL, ?5)
         ON CONFLICT (realm, subject) DO UPDATE SET
             text = excluded.text, person = excluded.person, pending = NULL, created = excluded.created",
        params![key, text.subject().name(), json, person, micros(tx.now())],
    )?;
    Ok(())
}

/// Keeps a resolution that too few have signed so far.
///
/// # Errors
/// [`StoreError::Stale`] where something else is proposed.
pub fn keep_pending(tx: &mut Tx<'_>, realm: &Realm, resolved: &Resolved) -> Result<(), StoreError> {
    let subject = resolved.resolution.subject;
    let stale = || StoreError::Stale { what: subject.name().to_owned() };
    let proposed = proposal(tx, realm, subject)?.ok_or_else(stale)?;
    let text = Text::parse(subject, &proposed.text).ok_or_else(|| StoreError::corrupt(subject.name()))?;
    if hex::encode(text.digest()) != resolved.resolution.digest {
        return Err(stale());
    }
    let pending = serde_json::to_string(resolved).map_err(|error| StoreError::Database(error.to_string()))?;
    let sql = "UPDATE charter_proposals SET pending = ?3 WHERE realm = ?1 AND subject = ?2";
    tx.execute(sql, params![tx.realm(realm)?, subject.name(), pending])?;
    Ok(())
}

fn read_proposal(row: &Row<'_>) -> Result<Proposal, StoreError> {
    let pending: Option<String> = row.get(2)?;
    Ok(Proposal {
        text: row.get(0)?,
        person: row.get(1)?,
        pending: pending
            .as_deref()
            .map(|text| parsed("pending resolution", text, |text| serde_json::from_str(text).ok()))
            .transpose()?,
        created: time(row.get(3)?)?,
    })
}
