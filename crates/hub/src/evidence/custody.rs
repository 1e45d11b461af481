//! Entries of custody and their leaves, written in the transaction of the act.

use std::collections::BTreeMap;

use oversight::custody::{ContentHashes, CustodyAct, CustodyEntry, ENTRY, Party};
use oversight::{Action, Actor, AuditEvent, OrganisationId, Purpose, Realm};
use policy::PrincipalKind;
use store::evidence::{self as rows, Item, Kept, Logged};
use store::{Act, Reader, StoreError, Tx, audit, people};

use crate::principal::Caller;

/// The acts of one transaction: their events in order, and the leaf that the first of them gets.
pub(crate) struct Book {
    first: u64,
    events: Vec<AuditEvent>,
}

/// What is to be written into an item's custody.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) act: CustodyAct,
    pub(crate) from: Option<Party>,
    pub(crate) to: Option<Party>,
    pub(crate) why: String,
    pub(crate) legal_basis: Option<String>,
    pub(crate) facts: BTreeMap<String, String>,
}

impl Said {
    pub(crate) fn new(act: CustodyAct, why: impl Into<String>) -> Self {
        Self { act, from: None, to: None, why: why.into(), legal_basis: None, facts: BTreeMap::new() }
    }

    pub(crate) fn on(self, legal_basis: Option<&str>) -> Self {
        Self { legal_basis: legal_basis.map(str::to_owned), ..self }
    }

    pub(crate) fn from(self, from: Party) -> Self {
        Self { from: Some(from), ..self }
    }

    pub(crate) fn to(self, to: Party) -> Self {
        Self { to: Some(to), ..self }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

impl Book {
    /// Opens the book of a transaction whose first act is the first that is written here.
    pub(crate) fn open(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        Self::behind(tx, Vec::new())
    }

    /// Opens it behind acts that stand first.
    pub(crate) fn behind(tx: &mut Tx<'_>, events: Vec<AuditEvent>) -> Result<Self, StoreError> {
        Ok(Self { first: audit::next_leaf(tx)?, events })
    }

    /// The leaf that the next act gets.
    pub(crate) fn next_leaf(&self) -> u64 {
        self.first.saturating_add(u64::try_from(self.events.len()).unwrap_or(u64::MAX))
    }

    /// Adds an act that is no entry of custody.
    pub(crate) fn note(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    /// Adds an entry to an item's custody; without a caller the node did it.
    ///
    /// # Errors
    /// Those of the database; the custody is full.
    pub(crate) fn write(
        &mut self,
        tx: &mut Tx<'_>,
        realm: &Realm,
        item: &mut Item,
        (by, said): (Option<&Caller>, Said),
    ) -> Result<CustodyEntry, StoreError> {
        let kept = item.kept.as_ref();
        let kept = kept.ok_or_else(|| StoreError::Corrupt(format!("the content of item {}", item.new.id)))?;
        let Said { act, from, to, why, legal_basis, facts } = said;
        let entry = CustodyEntry {
            v: CustodyEntry::VERSION,
            realm: realm.to_string(),
            case: item.new.case.to_string(),
            item: item.new.id,
            number: item.entries.saturating_add(1),
            previous: item.last_hash.clone(),
            at: tx.now(),
            act,
            by: by.map(|caller| party(tx, caller)).transpose()?,
            from,
            to,
            why,
            legal_basis,
            content: hashes(kept),
            facts,
        };
        let hash = entry.hash();
        let text = String::from_utf8(entry.canonical());
        let text = text.map_err(|_| StoreError::Corrupt("an entry of custody".to_owned()))?;
        let logged = Logged { number: entry.number, entry: text, hash: hash.clone(), leaf: self.next_leaf() };
        rows::add_entry(tx, realm, item.new.id, &logged)?;
        let event = match by {
            Some(caller) => AuditEvent::done(Action::EvidenceChanged, caller.actor.clone(), caller.purpose),
            None => AuditEvent::done(Action::EvidenceChanged, Actor::Node, Purpose::Administration),
        };
        self.events.push(
            event
                .on([item.new.case.to_string(), item.new.id.to_string()])
                .with("act", act.name())
                .with("number", entry.number.to_string())
                .with("content", &kept.sha256)
                .with(ENTRY, &hash),
        );
        item.entries = entry.number;
        item.last_hash = Some(hash);
        Ok(entry)
    }

    /// All of it as one act.
    pub(crate) fn done<T>(self, value: T, realm: &Realm) -> Act<T> {
        if self.events.is_empty() {
            return Act::bookkeeping(value);
        }
        Act::audited_all(value, realm, self.events)
    }

    /// The acts alone.
    pub(crate) fn into_events(self) -> Vec<AuditEvent> {
        self.events
    }
}

/// What an item's content is, as custody says it.
pub(crate) fn hashes(kept: &Kept) -> ContentHashes {
    ContentHashes { size: kept.size, sha256: kept.sha256.clone(), sha3_256: kept.sha3_256.clone() }
}

/// Who acts, by the name that it has now.
pub(crate) fn party(reader: &Reader<'_>, caller: &Caller) -> Result<Party, StoreError> {
    let name = match &caller.principal.kind {
        PrincipalKind::Person(id) => people::get(reader, caller.realm(), id)?.map(|person| person.name),
        _ => None,
    };
    let organisation = caller.principal.organisation.clone();
    Ok(Party { organisation, account: Some(caller.id().to_owned()), name })
}

/// Somebody by organisation and perhaps account.
pub(crate) fn named(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    account: Option<&str>,
) -> Result<Party, StoreError> {
    let name = match account {
        Some(account) => people::get(reader, realm, account)?.map(|person| person.name),
        None => None,
    };
    Ok(Party { organisation: organisation.clone(), account: account.map(str::to_owned), name })
}

/// Whoever has an item in its hands.
pub(crate) fn custodian(reader: &Reader<'_>, realm: &Realm, item: &Item) -> Result<Party, StoreError> {
    named(reader, realm, &item.custodian, item.custodian_person.as_deref())
}

/// The entries of an item's custody, read back and held against what they are named by.
///
/// # Errors
/// [`StoreError::Corrupt`] where one is not what was written.
pub(crate) fn entries(
    reader: &Reader<'_>,
    realm: &Realm,
    item: &Item,
) -> Result<Vec<(CustodyEntry, Logged)>, StoreError> {
    let logged = rows::custody(reader, realm, item.new.id)?;
    let read = |logged: Logged| {
        let damaged = || StoreError::Corrupt(format!("entry {} of item {}", logged.number, item.new.id));
        let entry: CustodyEntry = serde_json::from_str(&logged.entry).map_err(|_| damaged())?;
        if entry.hash() != logged.hash {
            return Err(damaged());
        }
        Ok((entry, logged))
    };
    logged.into_iter().map(read).collect()
}
