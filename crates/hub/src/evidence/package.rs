//! Packages for a court: content, custody, CASE/UCO, and what proves all of it offline ([`oversight::custody::package`]).
//!
//! 1. In one transaction: each item's custody says that it left in this package; the manifest, which names every document by its hash, is made, and its
//!    own hash is an act. So what is in a package is fixed before a byte of it leaves.
//! 2. The log's checkpoint comes to cover these acts, within a second or two; then the proofs are made.
//! 3. The archive is written as it is read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use api::{Code, EvidenceExport};
use axum::response::Response;
use oversight::custody::package::{
    ENTRY_ENDING, FORMAT, MANIFEST, MANIFEST_PATH, MANIFEST_PROOF_PATH, Manifest, ManifestProof, PACKAGE,
    POLICY_PATH, PackagedItem,
};
use oversight::custody::{CustodyAct, CustodyEntry, CustodyProof};
use oversight::{Action, AuditEvent, Realm};
use sha2::Digest;
use stix::Id;
use store::evidence::{self as rows, Filter, Item, State};
use store::objects::Row;
use store::trees::Tree;
use store::{Reader, StoreError, Tx, audit};
use tlog::{TlogProof, TlogProofError};
use uuid::Uuid;

use super::custody::{Book, Said, entries, hashes, party};
use super::give::{self, Part, Sealed};
use super::{case, case_uco, label, seen, stream_permit};
use crate::api::summaries::parse;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::sharing::{answered, unfit};
use crate::state::AppState;

/// Items of one package.
const ITEMS_MAX: usize = 200;
/// Entries of custody in one package: each has a proof, which is made in memory.
const ENTRIES_MAX: u64 = 20_000;
/// How long the checkpoint that covers a package is waited for, beyond the time that the log keeps still.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Where it is said, for people, what this is.
const README_PATH: &str = "README.txt";
const README: &str = include_str!("readme.txt");
/// Where the same stands for forensic programs.
const CASE_PATH: &str = "case-uco.jsonld";

/// What is asked for.
#[derive(Clone)]
struct Wanted {
    case: Id,
    items: Option<Vec<Uuid>>,
    reason: String,
    legal_basis: Option<String>,
}

/// A package that was written down and is to be proved.
struct Fixed {
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    documents: Vec<(String, Vec<u8>)>,
    /// The leaf of the manifest's act.
    leaf: u64,
    /// Where the proof of each entry goes, and the entry's leaf.
    proofs: Vec<(String, u64)>,
}

/// Makes a package and gives it.
///
/// # Errors
/// Not found; nothing to pack; the log's checkpoint does not come.
pub(crate) async fn make(
    state: &AppState,
    caller: &Caller,
    (id, body): (Id, EvidenceExport),
    (reason, legal_basis): (String, Option<String>),
) -> Answer<Response> {
    let password = give::password(body.password)?;
    let permit = stream_permit()?;
    let realm = caller.realm().clone();
    let wanted = Wanted { case: id, items: body.items, reason, legal_basis };
    // Before anything is written down: what cannot be opened is in no package.
    let mut contents = contents(state, caller, &wanted).await?;
    let (work, asker, keys) = (state.clone(), caller.clone(), contents.keys().copied().collect::<Vec<_>>());
    let fixed = state.store.write(move |tx| {
        let (fixed, book) = fix(tx, &work, &asker, &wanted, &keys)?;
        Ok(book.done(fixed, asker.realm()))
    });
    let fixed = answered(fixed.await)?;
    let proofs = prove(state, &realm, &fixed).await?;
    let Fixed { manifest, manifest_bytes, documents, .. } = fixed;
    let documents = documents.into_iter().chain([(MANIFEST_PATH.to_owned(), manifest_bytes)]).chain(proofs);
    let mut parts: Vec<Part> = documents.map(|(path, bytes)| Part::Document(path, bytes)).collect();
    for item in &manifest.items {
        parts.extend(
            contents.remove(&item.id).map(|sealed| Part::Content(item.file_path(), Box::new(sealed))),
        );
    }
    let name = format!("evidence-{}.zip", manifest.id);
    Ok(give::answer(state, (&name, manifest.made), (realm, parts), password, permit))
}

/// The contents that go into a package, with their keys.
async fn contents(state: &AppState, caller: &Caller, wanted: &Wanted) -> Answer<BTreeMap<Uuid, Sealed>> {
    let (work, asker, wanted) = (state.clone(), caller.clone(), wanted.clone());
    let (items, is_foreign) = state
        .store
        .read(move |reader| {
            let (_, items) = select(reader, &work, &asker, &wanted)?;
            let own = &asker.principal.organisation;
            let is_foreign = items.iter().any(|item| item.custodian != *own && item.new.organisation != *own);
            Ok((items, is_foreign))
        })
        .await?;
    if is_foreign {
        state.demand_witnesses()?;
    }
    let mut contents = BTreeMap::new();
    for item in items.iter().filter(|item| item.state == State::Kept) {
        contents.insert(item.new.id, Sealed::of(state, caller.realm(), item).await?);
    }
    Ok(contents)
}

/// The items that are asked for, all of which the caller may see.
fn select(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    wanted: &Wanted,
) -> Result<(Row, Vec<Item>), StoreError> {
    let (visible, incident) = case(reader, state, caller, &wanted.case)?;
    let mut items = match &wanted.items {
        Some(ids) => {
            let mut items = Vec::new();
            for id in ids.iter().take(ITEMS_MAX.saturating_add(1)) {
                let item = seen(reader, state, caller, *id)?.item;
                if item.new.case != wanted.case {
                    return Err(StoreError::NotFound { what: id.to_string() });
                }
                items.push(item);
            }
            items
        }
        None => {
            let own = &caller.principal.organisation;
            let limit = ITEMS_MAX.saturating_add(1);
            let filter = Filter { case: &wanted.case, visible: &visible, own, after: None, limit };
            rows::list(reader, caller.realm(), &filter)?
        }
    };
    items.retain(|item| item.state != State::Announced);
    items.sort_by_key(|item| item.new.id);
    items.dedup_by_key(|item| item.new.id);
    if items.is_empty() {
        return Err(unfit("package-empty", "items: there is nothing in this case that could be packed"));
    }
    let entries = items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.entries));
    if items.len() > ITEMS_MAX || entries > ENTRIES_MAX {
        let why = format!(
            "items: a package has at most {ITEMS_MAX} items and {ENTRIES_MAX} entries of custody; name some"
        );
        return Err(unfit("package-size", why));
    }
    Ok((incident, items))
}

/// Writes down that the items leave, and what exactly is in the package.
fn fix(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    wanted: &Wanted,
    opened: &[Uuid],
) -> Result<(Fixed, Book), StoreError> {
    let realm = caller.realm().clone();
    let (incident, mut items) = select(tx, state, caller, wanted)?;
    if items.iter().any(|item| (item.state == State::Kept) != opened.contains(&item.new.id)) {
        return Err(StoreError::Stale { what: "evidence of this case".to_owned() });
    }
    let id = Uuid::new_v4();
    let (mut book, mut logs, mut proofs) = (Book::open(tx)?, Vec::new(), Vec::new());
    for item in &mut items {
        let said = Said::new(CustodyAct::Exported, wanted.reason.as_str())
            .on(wanted.legal_basis.as_deref())
            .with(PACKAGE, id.to_string());
        book.write(tx, &realm, item, (Some(caller), said))?;
    }
    let mut packaged = Vec::new();
    for item in &items {
        let one = packaged_item(tx, caller, item)?;
        let log = entries(tx, &realm, item)?;
        proofs.extend(log.iter().map(|(entry, logged)| (one.proof_path(entry.number), logged.leaf)));
        logs.push(log.into_iter().map(|(entry, _)| entry).collect::<Vec<CustodyEntry>>());
        packaged.push(one);
    }
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        id,
        realm: realm.to_string(),
        case: wanted.case.to_string(),
        case_name: parse(&incident)?.text("name").unwrap_or_default().to_owned(),
        made: tx.now(),
        by: party(tx, caller)?,
        why: wanted.reason.clone(),
        legal_basis: wanted.legal_basis.clone(),
        log: state.log.key().name().to_owned(),
        documents: BTreeMap::new(),
        items: packaged,
    };
    let documents = documents(state, &manifest, &logs)?;
    let hashed = documents.iter().map(|(path, bytes)| (path.clone(), hash(bytes)));
    manifest.documents = hashed.collect();
    let manifest_bytes = pretty(&manifest)?;
    let leaf = book.next_leaf();
    book.note(
        AuditEvent::done(Action::EvidenceExported, caller.actor.clone(), caller.purpose)
            .on([wanted.case.as_str()])
            .with(PACKAGE, id.to_string())
            .with("items", items.len().to_string())
            .with(MANIFEST, hash(&manifest_bytes)),
    );
    Ok((Fixed { manifest, manifest_bytes, documents, leaf, proofs }, book))
}

fn packaged_item(reader: &Reader<'_>, caller: &Caller, item: &Item) -> Result<PackagedItem, StoreError> {
    let kept = item.kept.as_ref();
    let kept = kept.ok_or_else(|| StoreError::Corrupt(format!("the content of item {}", item.new.id)))?;
    let label = label::told(reader, caller, item.new.label)?;
    let marking = match label.only {
        Some(only) => format!("TLP:{} ({})", label.tlp.to_uppercase(), only.join(", ")),
        None => format!("TLP:{}", label.tlp.to_uppercase()),
    };
    Ok(PackagedItem {
        id: item.new.id,
        name: item.new.name.clone(),
        kind: item.new.kind.clone(),
        description: item.new.description.clone(),
        collector: item.new.collector.clone(),
        seized_at: item.new.seized_at.clone(),
        seized_where: item.new.seized_where.clone(),
        marking,
        content: hashes(kept),
        has_file: item.state == State::Kept,
    })
}

/// Everything that the manifest names.
fn documents(
    state: &AppState,
    manifest: &Manifest,
    logs: &[Vec<CustodyEntry>],
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let policy = format!("log {}\nquorum none\n", state.log.key().encode());
    let mut documents = vec![
        (README_PATH.to_owned(), README.as_bytes().to_vec()),
        (POLICY_PATH.to_owned(), policy.into_bytes()),
        (CASE_PATH.to_owned(), pretty(&case_uco::document(manifest, logs))?),
    ];
    for (item, log) in manifest.items.iter().zip(logs) {
        documents.push((item.custody_path(), pretty(log)?));
    }
    Ok(documents)
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec_pretty(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}

/// The proofs of all entries and of the manifest, each with its entry of the log beside it, once a checkpoint covers them.
///
/// # Errors
/// 503 where none comes.
async fn prove(state: &AppState, realm: &Realm, fixed: &Fixed) -> Answer<Vec<(String, Vec<u8>)>> {
    // A log that grows at set times only keeps still until then.
    let still = state.config.padding.map_or(Duration::ZERO, |padding| padding.every);
    let until = Instant::now() + PATIENCE + still;
    loop {
        let note = state.log.newest(&state.store).await?;
        let note = note.and_then(|note| String::from_utf8(note.to_vec()).ok());
        if let Some(note) = note {
            let (realm, leaf, proofs) = (realm.clone(), fixed.leaf, fixed.proofs.clone());
            let made = state.store.read(move |reader| proofs_under(reader, &realm, &note, leaf, &proofs));
            match made.await? {
                Ok(made) => return Ok(made),
                // Its leaf lies beyond the checkpoint.
                Err(TlogProofError::Path(_)) => {}
                Err(error) => return Err(Failure::internal(error)),
            }
        }
        if Instant::now() >= until {
            let why = "the log's signed checkpoint does not cover this package yet; what was done stands in the custody log, ask again";
            return Err(Failure::new(Code::Unavailable, why).retry_after(PATIENCE));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Paths and bytes of proofs.
type Proofs = Result<Vec<(String, Vec<u8>)>, TlogProofError>;

fn proofs_under(
    reader: &Reader<'_>,
    realm: &Realm,
    note: &str,
    leaf: u64,
    entries: &[(String, u64)],
) -> Result<Proofs, StoreError> {
    let missing = |leaf: u64| StoreError::Corrupt(format!("audit leaf {leaf}"));
    let inclusion = |leaf| {
        let node = |level, index| Tree::Acts.node(reader, level, index).ok().flatten();
        TlogProof::make(leaf, note, node)
    };
    let mut made = Vec::new();
    // The last one first: where it is not covered yet, nothing else is worked out.
    let (record, salt) = audit::record(reader, realm, leaf)?.ok_or_else(|| missing(leaf))?;
    let proof = match inclusion(leaf).and_then(|proof| ManifestProof::make(proof, &record, &salt)) {
        Ok(proof) => proof,
        Err(error) => return Ok(Err(error)),
    };
    push(&mut made, MANIFEST_PROOF_PATH, &proof.to_text(), proof.entry());
    for (path, leaf) in entries {
        let (record, salt) = audit::record(reader, realm, *leaf)?.ok_or_else(|| missing(*leaf))?;
        let proof = inclusion(*leaf).and_then(|proof| CustodyProof::make(proof, &record, &salt));
        match proof {
            Ok(proof) => push(&mut made, path, &proof.to_text(), proof.entry()),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(made))
}

fn push(made: &mut Vec<(String, Vec<u8>)>, path: &str, text: &str, entry: Option<[u8; 32]>) {
    made.push((path.to_owned(), text.as_bytes().to_vec()));
    made.push((format!("{path}{ENTRY_ENDING}"), entry.unwrap_or_default().to_vec()));
}
