//! The drill: a backup of the store against the certificates and the key service in use.

mod evidence;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::authorisations::selections;
use store::{Place, StoreError};
use vault::service::FolderLedger;
use vault::{
    Certificate, ClassKeyId, DeletionCheck, DeletionReport, Ledger, LedgerError, PublicKey, Wrapped,
};

pub use evidence::{EvidenceReport, Outcome, TriedItem};

use super::{IDENTITY_FILE, RetentionConfig, config, failed, wrong};
use crate::HubError;

/// Records that are read of a backup at a time.
const BATCH: usize = 1_000;

/// What is checked.
#[derive(Debug, Clone)]
pub struct Drill {
    /// The backup, restored: a data folder, or a database. It is only read.
    pub backup: Place,
    /// The key service's public key as it was noted when the service was set up; `None`: the one in the retention folder, which proves less.
    pub public_key: Option<String>,
    /// A copy of the retention folder from the time of the backup, where there is one: with a token or a KMS it holds what was wrapped then.
    pub keys_then: Option<PathBuf>,
    /// The database in use, which knows what evidence was destroyed since; without it certificates alone say it. It is only read.
    pub in_use: Option<Place>,
    /// A data folder with the node's key, where one is at hand: what evidence is sealed under it is tried with it.
    pub node: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Drilled {
    /// What happened to the backup's records.
    pub report: DeletionReport,
    /// What happened to its evidence.
    pub evidence: EvidenceReport,
    /// How many certificates verified.
    pub certificates: usize,
    /// The class keys whose certificates did not verify, and why.
    pub unverified: Vec<String>,
    /// With which key.
    pub public_key: String,
}

impl Drilled {
    /// Whether something that was destroyed was tried, nothing of it can be read, what else is evidence can, and each certificate verified. A
    /// drill that tried nothing destroyed has shown nothing.
    #[must_use]
    pub fn passed(&self) -> bool {
        let records = &self.report;
        let shown = records.failed_as_they_must > 0 || self.evidence.count(Outcome::Gone) > 0;
        let held = records.still_open == 0 && records.undecided == 0 && records.unreadable == 0;
        shown && held && self.evidence.held() && self.unverified.is_empty()
    }
}

/// Tries to open every sealed record and every item of evidence in a backup with the key service in use. Each one of a class key that is
/// certified as destroyed must fail, because the key is gone.
///
/// # Errors
/// `retention` where keys or certificates cannot be used; `store-…` where the backup cannot be read.
pub async fn check_deletion(retention: &RetentionConfig, drill: &Drill) -> Result<Drilled, HubError> {
    let key = public_key(retention, drill)?;
    let service = config::open(&retention.service).await?;
    let (mut verified, mut unverified) = (Vec::new(), Vec::new());
    for certificate in folder(&retention.folder)?.certificates().map_err(failed)? {
        match certificate.verify(&key) {
            Ok(certificate) => verified.push(certificate),
            Err(error) => unverified.push(unverifiable(&certificate, &error)),
        }
    }
    let wrapped = wrapped(drill.keys_then.as_deref().unwrap_or(&retention.folder)).await?;
    let check = DeletionCheck::new(&verified);
    let records = Records { backup: drill.backup.clone(), after: (String::new(), 0), batch: Vec::new() };
    let report = check.run(&*service, |id| wrapped.get(id).cloned(), records).await?;
    let destroyed: BTreeSet<String> =
        verified.iter().map(|certificate| certificate.statement().class_key.to_string()).collect();
    let trial = evidence::Trial {
        service: &*service,
        wrapped: &wrapped,
        destroyed: &destroyed,
        in_use: drill.in_use.as_ref(),
        node: evidence::node_vault(drill.node.as_deref()),
    };
    let evidence = trial.run(&drill.backup).await?;
    Ok(Drilled { report, evidence, certificates: verified.len(), unverified, public_key: key.to_string() })
}

fn public_key(retention: &RetentionConfig, drill: &Drill) -> Result<PublicKey, HubError> {
    let text = match &drill.public_key {
        Some(text) => text.trim().to_owned(),
        None => {
            let path = retention.folder.join(IDENTITY_FILE);
            let identity = std::fs::read_to_string(&path).map_err(|error| HubError::file(&path, &error))?;
            identity.lines().last().unwrap_or_default().to_owned()
        }
    };
    PublicKey::parse(&text).map_err(failed)
}

/// A folder that is there: the drill makes none.
fn folder(path: &Path) -> Result<FolderLedger, HubError> {
    if !path.is_dir() {
        return Err(wrong(format!("there is no folder `{}`", path.display())));
    }
    let unknown = |_: &ClassKeyId| Err(LedgerError::Unusable("not asked for in a drill".to_owned()));
    FolderLedger::open(path, Arc::new(unknown)).map_err(failed)
}

async fn wrapped(path: &Path) -> Result<BTreeMap<ClassKeyId, Wrapped>, HubError> {
    let kept = folder(path)?.class_keys().await.map_err(failed)?;
    Ok(kept.into_iter().map(|kept| (kept.id, kept.wrapped)).collect())
}

fn unverifiable(certificate: &Certificate, error: &vault::CertificateError) -> String {
    format!("{}: {error}", certificate.statement().class_key)
}

/// The sealed records of a backup, read as they are needed.
struct Records {
    backup: Place,
    after: (String, u64),
    /// Last one first.
    batch: Vec<(String, u64, Vec<u8>)>,
}

impl Iterator for Records {
    type Item = Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.batch.is_empty() {
            let (authorisation, number) = self.after.clone();
            let read = store::inspect(&self.backup, move |reader| {
                selections::sealed_after(reader, (&authorisation, number), BATCH)
            });
            match read {
                Ok(batch) => self.batch = batch,
                Err(error) => return Some(Err(error)),
            }
            self.batch.reverse();
        }
        let (authorisation, number, sealed) = self.batch.pop()?;
        self.after = (authorisation, number);
        Some(Ok(sealed))
    }
}
