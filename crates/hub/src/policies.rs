//! Where the policies in force come from, and how others take their place while the hub runs.
//!
//! A folder of policy files is read several times a second. What changed takes effect once two looks in a row have found the same,
//! so that a file which an editor has emptied and not yet written does not count; and only if it compiles. What does not compile
//! changes nothing: the older set stays in force, and the log, the audit, `/readyz` and `yagura admin policy show` say so.
//!
//! Where policies are changed by proposals ([`PolicyChanges::Proposals`]) the folder is only what there was before the first one. The
//! set in force is then the store's, so that all hubs on it have the same; what is written into the folder is refused as above.

mod examine;
mod proposals;
mod prover;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use oversight::{Action, Actor, AuditEvent, Outcome, Purpose};
use policy::{Agreement, CLEARANCES_FILE, Circumstances, Clearances, Engine};
use sha2::{Digest, Sha256};
use store::{
    Act, Reader, Store, StoreError, agreements, emergencies, organisations, peers, qualifications,
    sharing_groups,
};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

pub use crate::config::PolicyChanges;
pub(crate) use proposals::told;
pub use proposals::{Proposed, Who};
use prover::Prover;

use crate::room::circles;
use crate::state::Stopping;
use crate::{HubError, REALM};

/// How often the folder is read. Two looks and the compilation stay below a second.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Most files of a set.
const FILES_MAX: usize = 256;
/// Longest file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The endings of files that count; every other file in the folder is passed over.
const ENDINGS: [&str; 2] = ["cedar", "cedarschema"];
/// The folder of agreements within that of the policies, and the ending of its files.
const AGREEMENTS: (&str, &str) = ("agreements", "toml");
/// How often it is looked whether an agreement or a sharing group has changed, here or by another process on the same store.
const RENEW_EVERY: Duration = Duration::from_millis(300);
/// How often everything is looked at anew, whether something was counted as changed or not: roles of organisations.
const RENEW_ALL_EVERY: Duration = Duration::from_secs(5);

/// Why a folder does not count.
const BY_PROPOSALS: &str = "the policies of this hub are changed by proposals: `yagura admin policy propose FOLDER` or the console, then another \
     person approves";

/// A set of policy files: names and texts, in the order of the names.
type Files = Vec<(String, String)>;

/// Keeps the policies in force. Cheap to clone.
#[derive(Clone)]
pub struct PolicyKeeper(Arc<Inner>);

struct Inner {
    folder: Option<PathBuf>,
    changes: PolicyChanges,
    prover: Option<Prover>,
    engine: Arc<ArcSwap<Engine>>,
    store: Store,
    status: Mutex<PolicyStatus>,
    /// The set in force.
    files: Mutex<Files>,
    /// Its number among those in the store; 0 where it is none of them.
    number: AtomicI64,
    /// The agreements that stand in files.
    agreements: Mutex<Vec<Agreement>>,
    /// Whoever changes the policies has it: one change at a time.
    turn: tokio::sync::Mutex<()>,
    /// Counts up when another engine is in force, for whoever waits for that.
    changed: watch::Sender<u64>,
}

/// What is in force, and what was not taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStatus {
    /// The folder that is watched; `None` where the built-in policies are used.
    pub folder: Option<PathBuf>,
    /// How policies are changed.
    pub changes: PolicyChanges,
    /// Stands for the set in force: SHA-256 over names and texts, hexadecimal.
    pub hash: String,
    /// The files in force.
    pub files: Vec<String>,
    /// Since when.
    pub since: Timestamp,
    /// A newer set that cannot be used.
    pub refused: Option<RefusedPolicies>,
}

/// A set of policies that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedPolicies {
    /// Its hash; of a folder that cannot be read, the hash of the reason.
    pub hash: String,
    /// What is wrong, for the operator.
    pub why: String,
    /// Since when it has been there.
    pub at: Timestamp,
}

/// Reads the policy files of a folder, by name, as a hub would.
///
/// # Errors
/// `file` where it cannot be read, `policy` where it holds none.
pub fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, HubError> {
    read(folder)
}

/// Reads a folder of policies and compiles them, as a hub would.
///
/// # Errors
/// `file` where it cannot be read, `policy` where it holds no set that can be used.
pub fn check(folder: &Path) -> Result<(String, Vec<String>), HubError> {
    let files = read(folder)?;
    compile(&files)?;
    agreements_in(&files)?;
    Ok((hash(&files), files.into_iter().map(|(name, _)| name).collect()))
}

impl PolicyKeeper {
    /// Compiles the policies that a hub starts with: those of the last proposal that was approved, where policies are changed by
    /// proposals, else those of the folder.
    ///
    /// # Errors
    /// `file`, `policy`, those of the store.
    pub(crate) async fn start(
        folder: Option<&Path>,
        changes: PolicyChanges,
        prover: Option<&Path>,
        store: &Store,
    ) -> Result<Self, HubError> {
        let approved = match changes {
            PolicyChanges::Folder => None,
            PolicyChanges::Proposals => {
                store.read(|reader| store::proposals::in_force(reader, &REALM)).await?
            }
        };
        let is_approved = approved.is_some();
        let (files, number, since) = match approved {
            Some(set) => (set.files, set.number, set.since),
            None => (folder.map_or_else(|| Ok(Engine::built_in()), read)?, 0, Timestamp::now()),
        };
        let compiled = compile(&files).map_err(|error| {
            let remedy = "this is the set that was approved; to start with a folder of policies instead, name it in `policies` and set \
                 `policy_changes = \"folder\"`";
            if is_approved { HubError::new(error.code, format!("{}; {remedy}", error.message)) } else { error }
        });
        let engine = Arc::new(ArcSwap::from_pointee(compiled?));
        let status = PolicyStatus {
            folder: folder.map(Path::to_owned),
            changes,
            hash: hash(&files),
            files: names(&files),
            since,
            refused: None,
        };
        Ok(Self(Arc::new(Inner {
            folder: folder.map(Path::to_owned),
            changes,
            prover: prover.map(Prover::new),
            engine,
            store: store.clone(),
            status: Mutex::new(status),
            agreements: Mutex::new(agreements_in(&files)?),
            files: Mutex::new(files),
            number: AtomicI64::new(number),
            turn: tokio::sync::Mutex::default(),
            changed: watch::Sender::new(0),
        })))
    }

    /// The files of the set in force.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The agreements that stand in files.
    pub(crate) fn agreements_in_files(&self) -> Vec<Agreement> {
        self.0.agreements.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts agreements, sharing groups and the council as they stand now in force, for open streams too. Does nothing where that
    /// changes no decision.
    ///
    /// # Errors
    /// Those of the store; then what stood before stays.
    pub(crate) async fn renew(&self) -> Result<(), HubError> {
        let _turn = self.0.turn.lock().await;
        self.renew_in_turn().await
    }

    async fn renew_in_turn(&self) -> Result<(), HubError> {
        let in_files = self.agreements_in_files();
        let circumstances = self.0.store.read(move |reader| circumstances(reader, &in_files)).await?;
        let now = self.0.engine.load_full();
        let renewed = now.under(circumstances);
        // Its boundaries are part of what it knows, so it takes the place of one that decides alike as well, unless nothing differs. So
        // does what holds for single persons: an engine does not know them, but open streams read anew what they have read under
        // another engine.
        let (then, since) = (now.circumstances(), renewed.circumstances());
        if renewed.epoch() != now.epoch()
            || since.next_boundary() != then.next_boundary()
            || since.personal_changes != then.personal_changes
        {
            self.put(renewed);
        }
        Ok(())
    }

    /// Renews the circumstances at each change and at the boundaries of agreements, until the hub stops.
    pub(crate) async fn keep_current(self, stopping: Stopping) {
        let mut seen = None;
        let mut renewed = std::time::Instant::now();
        loop {
            tokio::select! {
                () = stopping.wait() => return,
                () = tokio::time::sleep(RENEW_EVERY) => {}
            }
            let looked = self.0.store.read(|reader| Ok((agreements::changes(reader, &REALM)?, reader.now())));
            let Ok((changes, now)) = looked.await else { continue };
            self.keep_up(now).await;
            let boundary = self.0.engine.load().circumstances().next_boundary();
            let is_due = seen != Some(changes)
                || boundary.is_some_and(|boundary| boundary <= now)
                || renewed.elapsed() >= RENEW_ALL_EVERY;
            if is_due {
                match self.renew().await {
                    Ok(()) => (seen, renewed) = (Some(changes), std::time::Instant::now()),
                    Err(error) => {
                        tracing::error!(%error, "agreements and sharing groups could not be renewed");
                    }
                }
            }
        }
    }

    fn put(&self, engine: Engine) {
        self.0.engine.store(Arc::new(engine));
        self.0.changed.send_modify(|count| *count += 1);
    }

    /// Tells when another engine is in force.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// The engine in force; what holds it sees a change at once.
    pub(crate) fn engine(&self) -> Arc<ArcSwap<Engine>> {
        Arc::clone(&self.0.engine)
    }

    /// The clearances and oaths that there are.
    #[must_use]
    pub fn clearances(&self) -> Clearances {
        self.0.engine.load().clearances().clone()
    }

    /// What is in force, and what was not taken up.
    #[must_use]
    pub fn status(&self) -> PolicyStatus {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts other policies in force, at once and for open streams too.
    ///
    /// # Errors
    /// The policies do not compile, or the change cannot be written down; then the old ones stay.
    pub(crate) async fn replace(&self, files: &[(String, String)]) -> Result<(), HubError> {
        let _turn = self.0.turn.lock().await;
        self.put_in_force(files.to_vec()).await
    }

    /// Reads the folder now and puts what is in it in force, without waiting for it to stay as it is.
    ///
    /// # Errors
    /// The hub has no folder, or what is in it cannot be used; then the old policies stay.
    pub async fn reload(&self) -> Result<PolicyStatus, HubError> {
        let _turn = self.0.turn.lock().await;
        let Some(folder) = self.0.folder.clone() else {
            let message =
                "this hub uses the built-in policies; set `policies` to a folder in its configuration";
            return Err(HubError::new("policy", message));
        };
        if self.0.changes == PolicyChanges::Proposals {
            return Err(HubError::new("policy", BY_PROPOSALS));
        }
        match self.read(folder).await {
            Ok(files) if hash(&files) == self.status().hash => self.forgive(),
            Ok(files) => self.take_up(files).await?,
            Err(error) => return Err(self.refuse(&error, None).await),
        }
        Ok(self.status())
    }

    /// Looks after the folder until the hub stops.
    pub(crate) async fn watch(self, stopping: Stopping) {
        let Some(folder) = self.0.folder.clone() else { return };
        // What the last look found, and what was last dealt with.
        let (mut found, mut settled) = (None, Some(self.status().hash));
        loop {
            tokio::select! {
                () = stopping.wait() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let _turn = self.0.turn.lock().await;
            let files = self.read(folder.clone()).await;
            let now = files.as_ref().map_or_else(reason, |files| hash(files));
            let is_steady = found.replace(now.clone()).is_some_and(|before| before == now);
            if !is_steady || settled.as_ref() == Some(&now) {
                continue;
            }
            settled = Some(now.clone());
            if self.0.changes == PolicyChanges::Proposals {
                if let Ok(files) = files {
                    self.judge_folder(&files).await;
                }
                continue;
            }
            match files {
                // Taken up already, or back to what is in force.
                Ok(_) if now == self.status().hash => self.forgive(),
                Ok(files) => drop(self.take_up(files).await),
                Err(error) => drop(self.refuse(&error, None).await),
            }
        }
    }

    async fn read(&self, folder: PathBuf) -> Result<Files, HubError> {
        let failed = |error: tokio::task::JoinError| HubError::new("policy", error.to_string());
        spawn_blocking(move || read(&folder)).await.map_err(failed)?
    }

    /// Puts a set in force, or writes down why not.
    async fn take_up(&self, files: Files) -> Result<(), HubError> {
        let hash = hash(&files);
        match self.put_in_force(files).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.refuse(&error, Some(hash)).await),
        }
    }

    async fn put_in_force(&self, files: Files) -> Result<(), HubError> {
        let (files, engine) = compiled(files).await?;
        let event = files_in(changed().with("set", hash(&files)), &files);
        self.0.store.write(move |_| Ok(Act::audited((), &REALM, event))).await?;
        self.take(files, engine, self.0.number.load(Ordering::Acquire)).await
    }

    /// Has what was written down as being in force decide from now on.
    async fn take(&self, files: Files, engine: Engine, number: i64) -> Result<(), HubError> {
        let (in_files, hash) = (agreements_in(&files)?, hash(&files));
        *self.0.agreements.lock().unwrap_or_else(PoisonError::into_inner) = in_files.clone();
        let circumstances = self.0.store.read(move |reader| circumstances(reader, &in_files)).await?;
        self.put(engine.under(circumstances));
        tracing::info!(set = hash, "other policies are in force");
        let mut status = self.0.status.lock().unwrap_or_else(PoisonError::into_inner);
        *status = PolicyStatus {
            folder: self.0.folder.clone(),
            changes: self.0.changes,
            hash,
            files: names(&files),
            since: Timestamp::now(),
            refused: None,
        };
        *self.0.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        self.0.number.store(number, Ordering::Release);
        Ok(())
    }

    /// What is in the folder is what is in force.
    fn forgive(&self) {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner).refused = None;
    }

    /// Writes down once that a set cannot be used, and gives the error back.
    async fn refuse(&self, error: &HubError, hash: Option<String>) -> HubError {
        let refused = RefusedPolicies {
            hash: hash.unwrap_or_else(|| reason(error)),
            why: error.message.clone(),
            at: Timestamp::now(),
        };
        let returned = HubError::new(error.code, error.message.clone());
        if self.status().refused.is_some_and(|known| known.hash == refused.hash) {
            return returned;
        }
        tracing::error!(why = refused.why, "a set of policies cannot be used; the older one stays in force");
        let event = AuditEvent { outcome: Outcome::Refused, ..changed() }.with("code", error.code);
        let event = event.with("set", refused.hash.as_str());
        if let Err(error) = self.0.store.write(move |_| Ok(Act::audited((), &REALM, event))).await {
            tracing::error!(%error, "refused policies could not be written to the audit log");
        }
        // Told once it is written down. Nobody else writes this meanwhile: the caller has the turn.
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner).refused = Some(refused);
        returned
    }
}

/// Every policy file of a folder, by name.
fn read(folder: &Path) -> Result<Files, HubError> {
    let mut files = Vec::new();
    read_into(&mut files, folder, "", &ENDINGS)?;
    if folder.join(CLEARANCES_FILE).is_file() {
        read_one(&mut files, &folder.join(CLEARANCES_FILE), "")?;
    }
    let (agreements, ending) = AGREEMENTS;
    if folder.join(agreements).is_dir() {
        read_into(&mut files, &folder.join(agreements), "agreements/", &[ending])?;
    }
    if !files.iter().any(|(name, _)| name.ends_with(".cedar")) {
        return Err(HubError::new("policy", format!("`{}` holds no `*.cedar` file", folder.display())));
    }
    files.sort();
    Ok(files)
}

fn read_into(files: &mut Files, folder: &Path, prefix: &str, endings: &[&str]) -> Result<(), HubError> {
    for entry in std::fs::read_dir(folder).map_err(|e| HubError::file(folder, &e))? {
        let path = entry.map_err(|e| HubError::file(folder, &e))?.path();
        let counts = path.extension().is_some_and(|found| endings.iter().any(|ending| found == *ending));
        if counts {
            read_one(files, &path, prefix)?;
        }
    }
    Ok(())
}

fn read_one(files: &mut Files, path: &Path, prefix: &str) -> Result<(), HubError> {
    let length = std::fs::metadata(path).map_err(|e| HubError::file(path, &e))?.len();
    if files.len() >= FILES_MAX || length > FILE_BYTES_MAX {
        let message = format!(
            "`{}`: a set has at most {FILES_MAX} policy files of at most {FILE_BYTES_MAX} bytes each",
            path.display()
        );
        return Err(HubError::new("policy", message));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = std::fs::read_to_string(path).map_err(|e| HubError::file(path, &e))?;
    files.push((format!("{prefix}{name}"), text));
    Ok(())
}

async fn compiled(files: Files) -> Result<(Files, Engine), HubError> {
    spawn_blocking(move || compile(&files).map(|engine| (files, engine)))
        .await
        .map_err(|error| HubError::new("policy", error.to_string()))?
}

fn compile(files: &[(String, String)]) -> Result<Engine, HubError> {
    let policies: Files = files.iter().filter(|(name, _)| !is_agreement(name)).cloned().collect();
    Engine::compile(&policies).map_err(|e| HubError::new("policy", e.to_string()))
}

/// Every file of agreements is TOML, and so is that of clearances.
fn is_agreement(name: &str) -> bool {
    name.ends_with(".toml") && name != CLEARANCES_FILE
}

/// The same event with a hash of each file.
fn files_in(event: AuditEvent, files: &[(String, String)]) -> AuditEvent {
    files.iter().fold(event, |event, (name, text)| event.with(name, hex::encode(Sha256::digest(text))))
}

/// The agreements among the files of a set.
fn agreements_in(files: &[(String, String)]) -> Result<Vec<Agreement>, HubError> {
    let mut agreements: Vec<Agreement> = Vec::new();
    for (name, text) in files.iter().filter(|(name, _)| is_agreement(name)) {
        let agreement = Agreement::from_toml(text)
            .map_err(|error| HubError::new("policy", format!("`{name}`: {error}")))?;
        if agreements.iter().any(|other| other.id == agreement.id) {
            let message = format!("`{name}`: the id `{}` is used by two agreements", agreement.id);
            return Err(HubError::new("policy", message));
        }
        agreements.push(agreement);
    }
    Ok(agreements)
}

/// What stands now beside the policies.
fn circumstances(reader: &Reader<'_>, in_files: &[Agreement]) -> Result<Circumstances, StoreError> {
    let council = organisations::list(reader, &REALM)?;
    let groups = sharing_groups::members(reader, &REALM)?;
    Ok(Circumstances {
        organisations: council.into_iter().map(|organisation| (organisation.id, organisation.role)).collect(),
        carriers: circles::carriers(&groups, &peers::list(reader, &REALM)?),
        groups,
        agreements: agreements::standings(reader, &REALM, in_files)?,
        personal_boundary: qualifications::next_boundary(reader, &REALM)?
            .into_iter()
            .chain(emergencies::next_boundary(reader, &REALM)?)
            .min(),
        personal_changes: qualifications::changes(reader, &REALM)?,
        now: reader.now(),
    })
}

fn hash(files: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for part in files.iter().flat_map(|(name, text)| [name, text]) {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

fn reason(error: &HubError) -> String {
    hex::encode(Sha256::digest(&error.message))
}

fn names(files: &[(String, String)]) -> Vec<String> {
    files.iter().map(|(name, _)| name.clone()).collect()
}

fn changed() -> AuditEvent {
    AuditEvent::done(Action::PolicyChanged, Actor::Node, Purpose::Administration)
}

#[cfg(test)]
mod tests {
    use oversight::OrganisationId;
    use store::Options;

    use super::*;

    #[tokio::test]
    async fn other_policies_stand_under_the_same_circumstances() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let keeper = PolicyKeeper::start(None, PolicyChanges::Folder, None, &store).await.unwrap();
        let group = policy::GroupId(uuid::Uuid::from_u128(1));
        let rail = OrganisationId::parse("rail").unwrap();
        let members = std::collections::BTreeSet::from([rail.clone()]);
        let written = store.write(move |tx| {
            let names = ("鉄道".to_owned(), "Rail".to_owned());
            let made = sharing_groups::SharingGroup {
                id: group,
                name_ja: names.0,
                name_en: names.1,
                owner: rail.clone(),
                created: tx.now(),
            };
            sharing_groups::add(tx, &REALM, &made)?;
            sharing_groups::join(tx, &REALM, group, &rail).map(Act::bookkeeping)
        });
        assert!(written.await.unwrap());
        let engine = keeper.engine();
        let without = engine.load().epoch();
        keeper.renew().await.unwrap();
        let before = engine.load().epoch();
        assert_ne!(before, without, "a group changes who sees what");
        keeper.replace(&Engine::built_in()).await.unwrap();
        assert_eq!(engine.load().circumstances().groups, [(group, members)].into());
        assert_eq!(engine.load().epoch(), before, "the same policies under the same circumstances");
    }

    #[test]
    fn a_set_is_known_by_names_and_texts() {
        let set = |files: &[(&str, &str)]| {
            let files: Files =
                files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            hash(&files)
        };
        assert_eq!(set(&[("a", "bc")]), set(&[("a", "bc")]));
        assert_ne!(set(&[("a", "bc")]), set(&[("ab", "c")]), "a text does not run over into a name");
        assert_ne!(set(&[("a", "b")]), set(&[("a", "c")]));
    }
}
