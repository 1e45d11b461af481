//! Items of evidence and their custody.
//!
//! Entries of custody are only ever added, and nothing changes or removes one; the content goes when it is disposed of, what is written about
//! it stays. Who may see an item its label says: SQL filters by it. What an entry says, `oversight` says; here it is a text.

pub mod abroad;
pub mod backup;
pub mod content;
pub mod holds;
pub mod requests;

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use policy::{LabelKey, Visible};
use stix::Id;
use uuid::Uuid;

use crate::objects::label_condition;
use crate::sql::{Row, count, micros, organisation_id, params, parsed, stix_id, stored, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Items that one organisation brings into one case.
pub const ITEMS_MAX: i64 = 2_000;
/// Items one list gives at most.
pub const LIST_MAX: usize = 500;
/// Entries of one item's custody.
pub const ENTRIES_MAX: u64 = 10_000;

/// An item that is announced: what is said about it before its content comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Its identifier.
    pub id: Uuid,
    /// The case.
    pub case: Id,
    /// Who may see it.
    pub label: LabelKey,
    /// Who brings it.
    pub organisation: OrganisationId,
    /// The account or token.
    pub person: String,
    /// What the file is called.
    pub name: String,
    /// What it is, in a word.
    pub kind: String,
    /// In words.
    pub description: String,
    /// Who secured it.
    pub collector: String,
    /// When it was seized, as it was written, with its offset or zone.
    pub seized_at: String,
    /// Where.
    pub seized_where: String,
    /// Why it was secured.
    pub reason: String,
    /// On what legal basis.
    pub legal_basis: Option<String>,
    /// The SHA-256 that it is said to have, in hexadecimal.
    pub declared: Option<String>,
}

/// How an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its content is still to come.
    Announced,
    /// It is here.
    Kept,
    /// Its content was destroyed.
    Disposed,
}

/// What is known of an item's content; it stays when the content goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// When it was here whole.
    pub received: Timestamp,
    /// In bytes.
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// In hexadecimal.
    pub sha3_256: String,
    /// Pieces that it is kept in.
    pub chunks: u64,
    /// The upload whose pieces count.
    pub upload: Uuid,
    /// The class key that its key is sealed under; none where the node keeps evidence without an end.
    pub class_key: Option<String>,
    /// Its key, sealed; none once it is disposed of.
    pub sealed_key: Option<Vec<u8>>,
}

/// An offer that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// To whom.
    pub organisation: OrganisationId,
    /// To which account of it; any where absent.
    pub person: Option<String>,
    /// Who offered it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Which request it answers.
    pub request: Option<Uuid>,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// How it was announced; the label is the one that it bears now.
    pub new: NewItem,
    /// When.
    pub announced: Timestamp,
    /// How it stands.
    pub state: State,
    /// Its content, once it was here.
    pub kept: Option<Kept>,
    /// Who has it.
    pub custodian: OrganisationId,
    /// Which account of it, where somebody took it in person.
    pub custodian_person: Option<String>,
    /// Entries of its custody.
    pub entries: u64,
    /// The hash of the last of them, in hexadecimal.
    pub last_hash: Option<String>,
    /// When its content was destroyed.
    pub disposed: Option<Timestamp>,
    /// The offer that is open.
    pub offer: Option<Offer>,
}

/// An entry of custody as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its place, from 1.
    pub number: u64,
    /// Its canonical text.
    pub entry: String,
    /// The SHA-256 of the text, in hexadecimal.
    pub hash: String,
    /// The leaf of its act in the log.
    pub leaf: u64,
}

/// Which items a list gives.
#[derive(Debug, Clone)]
pub struct Filter<'f> {
    /// Of which case.
    pub case: &'f Id,
    /// What the reader may see.
    pub visible: &'f Visible,
    /// Whose it sees before their content is there.
    pub own: &'f OrganisationId,
    /// Those that come after this one: when it was announced, and its identifier.
    pub after: Option<(Timestamp, Uuid)>,
    /// How many, at most [`LIST_MAX`].
    pub limit: usize,
}

/// Announces an item; whether it is new.
///
/// # Errors
/// [`StoreError::Exists`] where something else has that identifier; [`StoreError::Limit`] beyond [`ITEMS_MAX`].
pub fn announce(tx: &mut Tx<'_>, realm: &Realm, new: &NewItem) -> Result<bool, StoreError> {
    let id = new.id.to_string();
    if let Some(known) = for_node(tx, realm, new.id)? {
        return if known.new == *new { Ok(false) } else { Err(StoreError::Exists { what: id }) };
    }
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT COUNT(*) FROM evidence_items WHERE realm = ?1 AND case_id = ?2 AND organisation = ?3";
    if tx.number(sql, (realm, new.case.as_str(), new.organisation.as_str()))? >= ITEMS_MAX {
        let limit = usize::try_from(ITEMS_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit {
            what: "the number of your organisation's items in this case",
            limit,
        });
    }
    tx.insert(
        "INSERT INTO evidence_items (realm, id, case_id, label, organisation, person, name, kind, description, collector,
             seized_at, seized_where, declared, announced, reason, legal_basis, state, custodian, entries)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 'announced', ?5, 0)",
        params![
            realm,
            id,
            new.case.as_str(),
            new.label,
            new.organisation.as_str(),
            new.person,
            new.name,
            new.kind,
            new.description,
            new.collector,
            new.seized_at,
            new.seized_where,
            new.declared,
            micros(tx.now()),
            new.reason,
            new.legal_basis,
        ],
        &id,
    )?;
    Ok(true)
}

/// Notes that an item's content is here, whole.
///
/// # Errors
/// [`StoreError::Stale`] where it was here before, or the item was given up.
pub fn receive(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, kept: &Kept) -> Result<(), StoreError> {
    let id = id.to_string();
    let changed = tx.execute(
        "UPDATE evidence_items SET state = 'kept', received = ?3, size = ?4, sha256 = ?5, sha3_256 = ?6, chunks = ?7, upload = ?8,
             class_key = ?9, sealed_key = ?10
         WHERE realm = ?1 AND id = ?2 AND state = 'announced'",
        params![
            tx.realm(realm)?,
            id,
            micros(kept.received),
            stored(kept.size),
            kept.sha256,
            kept.sha3_256,
            stored(kept.chunks),
            kept.upload.to_string(),
            kept.class_key,
            kept.sealed_key,
        ],
    )?;
    if changed == 0 { Err(StoreError::Stale { what: id }) } else { Ok(()) }
}

/// Adds an entry to an item's custody, as the act whose leaf is `leaf`.
///
/// # Errors
/// [`StoreError::Stale`] where the item has other entries than that; [`StoreError::Limit`] beyond [`ENTRIES_MAX`].
pub fn add_entry(tx: &mut Tx<'_>, realm: &Realm, item: Uuid, logged: &Logged) -> Result<(), StoreError> {
    let (realm, id) = (tx.realm(realm)?, item.to_string());
    if logged.number > ENTRIES_MAX {
        let limit = usize::try_from(ENTRIES_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the custody of one item, in entries,", limit });
    }
    tx.insert(
        "INSERT INTO evidence_custody (realm, item, number, entry, hash, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![realm, id, stored(logged.number), logged.entry, logged.hash, stored(logged.leaf)],
        &id,
    )?;
    let changed = tx.execute(
        "UPDATE evidence_items SET entries = ?3, last_hash = ?4 WHERE realm = ?1 AND id = ?2 AND entries = ?5",
        params![
            realm,
            id,
            stored(logged.number),
            logged.hash,
            stored(logged.number.saturating_sub(1))
        ],
    )?;
    if changed == 0 { Err(StoreError::Stale { what: id }) } else { Ok(()) }
}

/// The entries of an item's custody, in order.
///
/// # Errors
/// Those of the database.
pub fn custody(reader: &Reader<'_>, realm: &Realm, item: Uuid) -> Result<Vec<Logged>, StoreError> {
    let sql = "SELECT number, entry, hash, leaf FROM evidence_custody WHERE realm = ?1 AND item = ?2 ORDER BY number";
    reader.rows(sql, (reader.realm(realm)?, item.to_string()), |row| {
        Ok(Logged {
            number: count(row.get(0)?),
            entry: row.get(1)?,
            hash: row.get(2)?,
            leaf: count(row.get(3)?),
        })
    })
}

/// An item that the reader may see.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: Uuid,
) -> Result<Option<Item>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM evidence_items WHERE realm = ?1 AND id = ?2 AND {}",
        label_condition("label", visible)
    );
    reader.first(&sql, (reader.realm(realm)?, id.to_string()), read)
}

/// An item, whoever may see it: for the node's own work. Nothing of this goes to a reader.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn for_node(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Option<Item>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM evidence_items WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id.to_string()), read)
}

/// The items of a case that the reader may see, in the order in which they were announced.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn list(reader: &Reader<'_>, realm: &Realm, filter: &Filter<'_>) -> Result<Vec<Item>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM evidence_items WHERE realm = ?1 AND case_id = ?2
             AND (state <> 'announced' OR organisation = ?3) AND (announced > ?4 OR announced = ?4 AND id > ?5) AND {}
         ORDER BY announced, id LIMIT ?6",
        label_condition("label", filter.visible)
    );
    let (at, id) = filter.after.map_or((i64::MIN, String::new()), |(at, id)| (micros(at), id.to_string()));
    let limit = i64::try_from(filter.limit.min(LIST_MAX)).unwrap_or(0);
    let realm = reader.realm(realm)?;
    reader.rows(&sql, (realm, filter.case.as_str(), filter.own.as_str(), at, id, limit), read)
}

/// Bytes of content that an organisation brought into a case and that are still here.
///
/// # Errors
/// Those of the database.
pub fn bytes_of(
    reader: &Reader<'_>,
    realm: &Realm,
    case: &Id,
    organisation: &OrganisationId,
) -> Result<u64, StoreError> {
    // Cast, since PostgreSQL's sum of big integers is a number without bound.
    let sql = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM evidence_items
        WHERE realm = ?1 AND case_id = ?2 AND organisation = ?3 AND state = 'kept'";
    reader.number(sql, (reader.realm(realm)?, case.as_str(), organisation.as_str())).map(count)
}

/// Puts an item under another label.
///
/// # Errors
/// Those of the database.
pub fn relabel(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, label: LabelKey) -> Result<(), StoreError> {
    let sql = "UPDATE evidence_items SET label = ?3 WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, (tx.realm(realm)?, id.to_string(), label))?;
    Ok(())
}

/// Opens an offer, or ends the one that is open.
///
/// # Errors
/// Those of the database.
pub fn set_offer(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, offer: Option<&Offer>) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE evidence_items SET offer_organisation = ?3, offer_person = ?4, offer_by = ?5, offer_at = ?6, offer_request = ?7
         WHERE realm = ?1 AND id = ?2",
        params![
            tx.realm(realm)?,
            id.to_string(),
            offer.map(|offer| offer.organisation.as_str()),
            offer.and_then(|offer| offer.person.as_deref()),
            offer.map(|offer| offer.by.as_str()),
            offer.map(|offer| micros(offer.at)),
            offer.and_then(|offer| offer.request).map(|request| request.to_string()),
        ],
    )?;
    Ok(())
}

/// Gives an item into other hands, and ends the offer.
///
/// # Errors
/// Those of the database.
pub fn hand_over(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: Uuid,
    (organisation, person): (&OrganisationId, &str),
) -> Result<(), StoreError> {
    let sql = "UPDATE evidence_items SET custodian = ?3, custodian_person = ?4 WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, (tx.realm(realm)?, id.to_string(), organisation.as_str(), person))?;
    set_offer(tx, realm, id, None)
}

/// Destroys an item's content: its pieces and its sealed key. What is written about it stays.
///
/// # Errors
/// [`StoreError::Stale`] where it is not here.
pub fn dispose(tx: &mut Tx<'_>, realm: &Realm, id: Uuid) -> Result<(), StoreError> {
    let name = id.to_string();
    let changed = tx.execute(
        "UPDATE evidence_items SET state = 'disposed', disposed = ?3, sealed_key = NULL
         WHERE realm = ?1 AND id = ?2 AND state = 'kept'",
        (tx.realm(realm)?, &name, micros(tx.now())),
    )?;
    if changed == 0 {
        return Err(StoreError::Stale { what: name });
    }
    set_offer(tx, realm, id, None)?;
    content::remove(tx, realm, id)
}

/// The items whose keys are sealed under a class key.
///
/// # Errors
/// Those of the database.
pub fn under(reader: &Reader<'_>, class_key: &str) -> Result<Vec<Uuid>, StoreError> {
    let sql = "SELECT id FROM evidence_items WHERE class_key = ?1 ORDER BY id";
    reader.rows(sql, [class_key], |row| uuid(row.text(0)?))
}

/// Class keys of items whose content was destroyed, of which nothing says that their own end was decided: it was destroyed here, and not yet in
/// the backups.
///
/// # Errors
/// Those of the database.
pub fn unended(reader: &Reader<'_>, limit: usize) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT class_key FROM evidence_items WHERE state = 'disposed' AND class_key IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM class_key_ends WHERE class_key_ends.class_key = evidence_items.class_key)
         ORDER BY class_key LIMIT ?1";
    reader.rows(sql, [i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))
}

/// Gives up items that were announced before a time and whose content never came; gives how many.
///
/// # Errors
/// Those of the database.
pub fn forget_announced(tx: &mut Tx<'_>, realm: &Realm, before: Timestamp) -> Result<usize, StoreError> {
    let of = "realm = ?1 AND state = 'announced' AND announced < ?2";
    let realm = tx.realm(realm)?;
    let sql = format!(
        "DELETE FROM evidence_chunks WHERE realm = ?1 AND item IN (SELECT id FROM evidence_items WHERE {of})"
    );
    tx.execute(&sql, (realm, micros(before)))?;
    tx.execute(&format!("DELETE FROM evidence_items WHERE {of}"), (realm, micros(before)))
}

pub(crate) fn uuid(text: &str) -> Result<Uuid, StoreError> {
    parsed("identifier", text, |text| Uuid::parse_str(text).ok())
}

const COLUMNS: &str = "id, case_id, label, organisation, person, name, kind, description, collector, seized_at, seized_where,
    declared, announced, state, received, size, sha256, sha3_256, chunks, upload, class_key, sealed_key, custodian, custodian_person,
    entries, last_hash, disposed, offer_organisation, offer_person, offer_by, offer_at, offer_request, reason, legal_basis";

fn read(row: &Row<'_>) -> Result<Item, StoreError> {
    let new = NewItem {
        id: uuid(row.text(0)?)?,
        case: stix_id(row.text(1)?)?,
        label: row.get(2)?,
        organisation: organisation_id(row.text(3)?)?,
        person: row.get(4)?,
        name: row.get(5)?,
        kind: row.get(6)?,
        description: row.get(7)?,
        collector: row.get(8)?,
        seized_at: row.get(9)?,
        seized_where: row.get(10)?,
        reason: row.get(32)?,
        legal_basis: row.get(33)?,
        declared: row.get(11)?,
    };
    let state = parsed("state of an item", row.text(13)?, |name| match name {
        "announced" => Some(State::Announced),
        "kept" => Some(State::Kept),
        "disposed" => Some(State::Disposed),
        _ => None,
    })?;
    Ok(Item {
        new,
        announced: time(row.get(12)?)?,
        state,
        kept: kept(row)?,
        custodian: organisation_id(row.text(22)?)?,
        custodian_person: row.get(23)?,
        entries: count(row.get(24)?),
        last_hash: row.get(25)?,
        disposed: time_opt(row.get(26)?)?,
        offer: offer(row)?,
    })
}

fn kept(row: &Row<'_>) -> Result<Option<Kept>, StoreError> {
    let Some(received) = time_opt(row.get(14)?)? else { return Ok(None) };
    Ok(Some(Kept {
        received,
        size: count(row.get(15)?),
        sha256: row.get(16)?,
        sha3_256: row.get(17)?,
        chunks: count(row.get(18)?),
        upload: uuid(row.text(19)?)?,
        class_key: row.get(20)?,
        sealed_key: row.get(21)?,
    }))
}

fn offer(row: &Row<'_>) -> Result<Option<Offer>, StoreError> {
    let Some(organisation) = row.get::<Option<String>>(27)? else { return Ok(None) };
    let request: Option<String> = row.get(31)?;
    Ok(Some(Offer {
        organisation: organisation_id(&organisation)?,
        person: row.get(28)?,
        by: row.get(29)?,
        at: time(row.get(30)?)?,
        request: request.as_deref().map(uuid).transpose()?,
    }))
}
