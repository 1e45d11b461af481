//! What is kept for a time only: sealed through the vault when it comes, opened for whoever may see it, and made unreadable in every
//! backup when its time is over.
//!
//! The key service holds the roots and the folder of the configuration what it wrapped; the database holds sealed records and what the
//! commission is told of them. Neither key file nor folder may lie in the data folder, whose backups must not hold them.
//!
//! [`initialise`] makes the key service, once, by a person; [`check_deletion`] is the drill with a backup. Nothing here makes a key because
//! one is missing.

mod config;
mod drill;
mod ledger;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::vault::service::SystemRandom;
use ::vault::{
    CacheLimits, ClassKeyId, Holds, Keyring, LegalHold, NewRecord, Parts, RecordId, SealedRecord, TwoPersons,
    VaultError,
};
use jiff::{SignedDuration, Timestamp};
use oversight::authorisation::{Frame, SignedSelection};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::authorisations::selections::Kept;
use store::holds::{self, Hold};
use store::{Act, Reader, Store, evidence, settings};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::config::HubConfig;
use crate::state::{AppState, Stopping};
use crate::{HubError, REALM};

pub use ::vault::{DeletionReport, RetentionClasses};
pub(crate) use config::until_destroyed;
pub use config::{KeyServiceConfig, RetentionConfig};
pub use drill::{Drill, Drilled, EvidenceReport, Outcome, TriedItem, check_deletion};

use ledger::NodeLedger;

/// The setting that says to which key service and folder the database belongs.
const IDENTITY_SETTING: &str = "retention.identity";
/// The file in the folder that says to which node and key service it belongs.
const IDENTITY_FILE: &str = "identity";
/// Class keys in memory, and for how long: a reader of one authorisation touches one a day of it.
const CACHE: CacheLimits = CacheLimits { keys_max: 64, held_for: SignedDuration::from_mins(5) };
/// How often what is in memory is looked over, and how often it is looked what is to be destroyed.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
const EXPIRE_EVERY: Duration = Duration::from_secs(600);
/// Class keys of destroyed evidence that one look ends.
const UNENDED_MAX: usize = 100;

/// Seals, opens and ends what is kept for a time.
pub(crate) struct Retention {
    keyring: Keyring,
    store: Store,
}

/// What stands in a sealed record: what the edge signed, and the key that it was verified with, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Found {
    pub(crate) signed: SignedSelection,
    pub(crate) key: String,
}

/// Why something that is kept was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    /// Its time is over.
    #[error("its time is over")]
    Over,
    /// It is not what was sealed for its row.
    #[error("it was altered, or moved to another row")]
    Altered,
    /// It was not found out; perhaps later.
    #[error("{0}")]
    Unavailable(String),
}

/// Makes the key service of a configuration: the key file, or the signing key in a token. Done once, by a person; gives the public key that
/// certificates will be verified with, to be noted down.
///
/// # Errors
/// `retention`, also where there is one.
pub async fn initialise(config: &RetentionConfig) -> Result<String, HubError> {
    let service = config::make(&config.service).await?;
    service.public_key().await.map(|key| key.to_string()).map_err(failed)
}

impl Retention {
    /// Opens what the configuration names. `node` is the node's public key.
    ///
    /// # Errors
    /// `retention` where it cannot be used, lies where backups are made, or belongs to another node or key service.
    pub(crate) async fn open(
        config: &HubConfig,
        store: &Store,
        frame: Option<&Frame>,
        node: &str,
    ) -> Result<Option<Self>, HubError> {
        let Some(retention) = &config.retention else { return Ok(None) };
        retention.check_places(&config.data)?;
        check_covers(retention, frame)?;
        let service = config::open(&retention.service).await?;
        let public_key = service.public_key().await.map_err(failed)?.to_string();
        let ledger = NodeLedger::open(&retention.folder, store.clone()).map_err(failed)?;
        identify(&retention.folder, store, format!("{node}\n{public_key}\n")).await?;
        ledger.take_up().await.map_err(failed)?;
        let keyring = Keyring::new(Parts {
            service,
            ledger: Arc::new(ledger),
            fill: Arc::new(SystemRandom),
            classes: config::with_own(&retention.classes)?,
            cache: CACHE,
            bucket_counts: true,
        });
        let opened = Self { keyring, store: store.clone() };
        opened.look_at_holds().await?;
        Ok(Some(opened))
    }

    /// Seals a content under a class key, which is made where there is none yet.
    pub(crate) async fn seal(
        &self,
        class_key: ClassKeyId,
        id: Uuid,
        content: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let id = RecordId::new(id.to_string())?;
        let sealed = self.keyring.seal(NewRecord { id, class_key, content }, Timestamp::now()).await?;
        Ok(sealed.to_bytes().to_vec())
    }

    /// Opens what a row holds, if it was sealed for a row of this id and authorisation.
    pub(crate) async fn open_as<T: DeserializeOwned>(&self, kept: &Kept) -> Result<T, Unopened> {
        let row = &kept.selection;
        let record = SealedRecord::parse(row.sealed.clone()).map_err(|_| Unopened::Altered)?;
        let is_of_row = record.id().as_str() == row.id.to_string()
            && record.class_key().to_string() == row.class_key
            && record.class_key().authorisation().as_str() == row.authorisation.to_string();
        if !is_of_row {
            return Err(Unopened::Altered);
        }
        let content = self.keyring.open(&record, Timestamp::now()).await.map_err(|error| unopened(&error))?;
        serde_json::from_slice(&content).map_err(|_| Unopened::Altered)
    }

    /// Opens a content that was sealed under an id and a class key, if it is that.
    pub(crate) async fn open_content(
        &self,
        id: Uuid,
        class_key: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let record = SealedRecord::parse(sealed.to_vec()).map_err(|_| Unopened::Altered)?;
        if record.id().as_str() != id.to_string() || record.class_key().to_string() != class_key {
            return Err(Unopened::Altered);
        }
        let content = self.keyring.open(&record, Timestamp::now()).await.map_err(|error| unopened(&error))?;
        Ok(Zeroizing::new(content.to_vec()))
    }

    /// Whether a class key must not be destroyed now.
    pub(crate) fn is_held(&self, class_key: &str) -> bool {
        ClassKeyId::parse(class_key).is_ok_and(|id| self.keyring.is_held(&id))
    }

    /// Destroys a class key before its time. What fails is begun again by [`run`].
    pub(crate) async fn end_early(&self, class_key: &str) {
        let Ok(id) = ClassKeyId::parse(class_key) else { return };
        let report = self.keyring.end_early(&id, Timestamp::now()).await;
        for (_, error) in &report.failures {
            tracing::error!(class_key, %error, "a class key is not destroyed yet; trying again");
        }
    }

    /// Opens a selection, if it is what was sealed for this row: whoever can write the database moves nothing to another
    /// authorisation, operator or edge.
    pub(crate) async fn open_row(&self, kept: &Kept) -> Result<Found, Unopened> {
        let row = &kept.selection;
        let found: Found = self.open_as(kept).await?;
        let selection = &found.signed.selection;
        let is_of_row = selection.id == row.id
            && selection.authorisation == row.authorisation
            && selection.operator == row.operator
            && selection.edge == row.edge;
        if is_of_row { Ok(found) } else { Err(Unopened::Altered) }
    }

    /// Has the vault know the holds that stand now.
    pub(crate) async fn look_at_holds(&self) -> Result<(), HubError> {
        let read = |reader: &Reader<'_>| {
            Ok((holds::list(reader, &REALM)?, evidence::holds::class_keys(reader, &REALM)?))
        };
        let (holds, evidence) = self.store.read(read).await?;
        let held = holds.iter().map(legal_hold).collect::<Option<Vec<_>>>();
        // One that cannot be read would hold nothing: then nothing is destroyed.
        let held = held.ok_or_else(|| HubError::new("retention", "a legal hold in the store is damaged"))?;
        let keys: Result<Vec<_>, _> = evidence.iter().map(|key| ClassKeyId::parse(key)).collect();
        let keys = keys.map_err(|_| HubError::new("retention", "a class key in the store is damaged"))?;
        self.keyring.set_holds(Holds::new(held.into_iter().flatten()).and_keys(keys));
        Ok(())
    }

    /// Destroys what is past its time, and what somebody destroyed while the key service was away or the hub was stopped.
    async fn expire(&self) -> Result<(), HubError> {
        self.look_at_holds().await?;
        for class_key in self.store.read(|reader| evidence::unended(reader, UNENDED_MAX)).await? {
            self.end_early(&class_key).await;
        }
        let report = self.keyring.expire(Timestamp::now()).await;
        for certificate in &report.certificates {
            tracing::info!(class_key = %certificate.statement().class_key, "a class key is destroyed");
        }
        for id in &report.unconfigured {
            tracing::error!(class_key = %id, "no retention class says how long this is kept: decide, and configure it");
        }
        for (id, error) in &report.failures {
            let id = id.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::error!(class_key = id, %error, "what is past its time is not destroyed; trying again");
        }
        Ok(())
    }
}

/// Destroys what is past its time, until the hub stops.
///
/// Where several hubs share a database each of them does: what one decided, destroyed or certified first stands for all.
pub(crate) async fn run(state: AppState) {
    let Some(retention) = &state.retention else { return };
    let mut expired: Option<tokio::time::Instant> = None;
    while !state.stopping.is_set() {
        retention.keyring.sweep(Timestamp::now());
        if expired.is_none_or(|at| at.elapsed() >= EXPIRE_EVERY) {
            match retention.expire().await {
                Ok(()) => expired = Some(tokio::time::Instant::now()),
                Err(error) => tracing::error!(%error, "nothing that is past its time is destroyed"),
            }
        }
        pause(&state.stopping).await;
    }
}

async fn pause(stopping: &Stopping) {
    tokio::select! { () = tokio::time::sleep(SWEEP_EVERY) => {} () = stopping.wait() => {} }
}

/// A hold that stands, as the vault has it: `Some(None)` where it does not stand, `None` where it cannot be read.
fn legal_hold(hold: &Hold) -> Option<Option<LegalHold>> {
    let (Some((with, at)), None) = (&hold.placed, &hold.lifted) else { return Some(None) };
    let scope = serde_json::from_str(&hold.scope).ok()?;
    let persons = TwoPersons::new(&hold.asked.0, with).ok()?;
    LegalHold::place(scope, &hold.reason, persons, *at).ok().map(Some)
}

fn unopened(error: &VaultError) -> Unopened {
    use ::vault::RecordError;
    use ::vault::service::ServiceError;
    match error {
        VaultError::Expired { .. }
        | VaultError::Service(ServiceError::Gone(_) | ServiceError::Pending(_)) => Unopened::Over,
        VaultError::Record(RecordError::Unopenable | RecordError::OtherKey { .. })
        | VaultError::Service(ServiceError::NotOurs(_)) => Unopened::Altered,
        other => Unopened::Unavailable(other.to_string()),
    }
}

/// Whatever the frame lets the commission name has to be configured.
fn check_covers(retention: &RetentionConfig, frame: Option<&Frame>) -> Result<(), HubError> {
    let named = frame.into_iter().flat_map(|frame| &frame.retention_classes);
    let missing: Vec<&str> = named
        .map(String::as_str)
        .filter(|name| !retention.classes.iter().any(|class| class.name().as_str() == *name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join("`, `");
    Err(wrong(format!("retention.classes: the frame names `{missing}`, which is not configured")))
}

/// Compares what the database and the folder say they belong to. Both are written at the first start, the folder's first; one that is
/// missing later was lost, and is not made anew.
async fn identify(folder: &Path, store: &Store, identity: String) -> Result<(), HubError> {
    let path = folder.join(IDENTITY_FILE);
    let known = store.read(|reader| settings::get(reader, &REALM, IDENTITY_SETTING)).await?;
    let there = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(HubError::file(&path, &error)),
    };
    let is_same = known.as_deref().is_none_or(|known| known == identity.as_bytes())
        && there.as_deref().is_none_or(|there| there == identity);
    if !is_same || known.is_some() && there.is_none() {
        return Err(wrong(format!(
            "`{}` or the key service is not the one that this node has used so far: bring back the right one. What it sealed opens \
             with no other",
            folder.display()
        )));
    }
    if there.is_none() {
        write_new(&path, &identity).map_err(|error| HubError::file(&path, &error))?;
    }
    if known.is_none() {
        let put = store.write(move |tx| {
            settings::put(tx, &REALM, IDENTITY_SETTING, identity.as_bytes()).map(Act::bookkeeping)
        });
        put.await?;
    }
    Ok(())
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::fs::File::options().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether a path lies in a folder, as far as either is there.
fn lies_in(path: &Path, folder: &Path) -> bool {
    fn real(path: &Path) -> PathBuf {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let known = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
        match known {
            Some((part, real)) => path.strip_prefix(part).map_or(real.clone(), |rest| real.join(rest)),
            None => path,
        }
    }
    real(path).starts_with(real(folder))
}

fn wrong(message: impl Into<String>) -> HubError {
    HubError::new("retention", message)
}

fn failed(error: impl std::fmt::Display) -> HubError {
    wrong(format!("retention: {error}"))
}
