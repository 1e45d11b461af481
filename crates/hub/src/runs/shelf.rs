//! The playbooks that are here: those that came with the program, and those that organisations brought.
//!
//! A document never changes under its name, version and organisation, so what was read once is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use cacao::signature::{Refused, Runnable, Trust, TrustedKey, Unsigned};
use cacao::{MarkingKind, Playbook, StepKind};
use jiff::Timestamp;
use oversight::OrganisationId;
use stix::Id;
use stix::marking::{Tlp, tlp};
use store::playbooks::{self, Head};
use store::runs::NewRun;
use store::{Reader, StoreError};

use crate::REALM;
use crate::config::{ResponseConfig, SignerConfig};

/// The playbooks that come with the program.
const LIBRARY: [&[u8]; 12] = [
    include_bytes!("../../../../playbooks/data-breach.json"),
    include_bytes!("../../../../playbooks/ddos.json"),
    include_bytes!("../../../../playbooks/fraud-accounts.json"),
    include_bytes!("../../../../playbooks/intrusion.json"),
    include_bytes!("../../../../playbooks/malicious-domain-block.json"),
    include_bytes!("../../../../playbooks/near-miss.json"),
    include_bytes!("../../../../playbooks/online-banking-fraud.json"),
    include_bytes!("../../../../playbooks/ot-anomaly.json"),
    include_bytes!("../../../../playbooks/phishing.json"),
    include_bytes!("../../../../playbooks/ransomware.json"),
    include_bytes!("../../../../playbooks/supply-chain.json"),
    include_bytes!("../../../../playbooks/vulnerable-device.json"),
];
/// Documents that are kept read.
const READ_MAX: usize = 2_000;
/// Playbooks that one run may reach by calling.
const REACHED_MAX: usize = 50;

/// A playbook, and who brought it.
#[derive(Clone)]
pub(crate) struct Shelved {
    pub(crate) playbook: Arc<Playbook>,
    /// None for those that came with the program.
    pub(crate) head: Option<Head>,
}

impl Shelved {
    pub(crate) fn organisation(&self) -> Option<&OrganisationId> {
        self.head.as_ref().map(|head| &head.organisation)
    }

    pub(crate) fn modified(&self) -> &str {
        self.playbook.modified.as_ref().map_or("", |at| at.as_str())
    }

    /// Whether people of an organisation may see it: the library's, its own, and what others marked for more than themselves.
    pub(crate) fn is_seen_by(&self, organisation: &OrganisationId) -> bool {
        match self.organisation() {
            None => true,
            Some(own) if own == organisation => true,
            Some(_) => {
                matches!(level(&self.playbook), Some(Level::Tlp(Tlp::Clear | Tlp::Green | Tlp::Amber)))
            }
        }
    }

    /// Whether it may run now for somebody of an organisation.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn runnable(
        &self,
        config: &ResponseConfig,
        requester: &OrganisationId,
        now: Timestamp,
    ) -> Result<Runnable, Refused> {
        Runnable::check(Arc::clone(&self.playbook), &self.trust(config, requester), now)
    }

    /// The library's runs without a signature, and so does what an approver of the requester's own organisation brought; everything else is
    /// signed by somebody whom the operator trusts.
    fn trust(&self, config: &ResponseConfig, requester: &OrganisationId) -> Trust {
        let own = self.head.as_ref().is_none_or(|head| head.by_approver && head.organisation == *requester);
        Trust {
            keys: keys(config),
            unsigned: if own { Unsigned::Allow } else { Unsigned::Refuse },
            ..Trust::default()
        }
    }

    /// Who signed it, of those whose signatures count.
    pub(crate) fn signers(&self, config: &ResponseConfig, now: Timestamp) -> BTreeSet<String> {
        let trust = Trust { keys: keys(config), ..Trust::default() };
        let signatures = self.playbook.signatures.iter();
        let counted = signatures
            .filter_map(|signature| cacao::signature::verify(&self.playbook, signature, &trust, now).ok());
        counted.map(|verified| verified.signer().to_owned()).collect()
    }
}

fn keys(config: &ResponseConfig) -> Vec<TrustedKey> {
    let key = |signer: &SignerConfig| {
        Some(TrustedKey {
            spki: signer.spki()?,
            identity: signer.identity.clone(),
            certificate: None,
            cert_url: None,
            valid_from: None,
            valid_until: None,
            revoked: false,
        })
    };
    config.signers.iter().filter_map(key).collect()
}

/// How a playbook is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Tlp(Tlp),
    /// By something that nobody here knows: it denies.
    Unknown,
}

/// The strictest of its markings; none where it bears none.
pub(crate) fn level(playbook: &Playbook) -> Option<Level> {
    let mut strictest = None;
    for marking in &playbook.markings {
        let known = marking.split_once("--").and_then(|(kind, uuid)| {
            let id = Id::parse(&format!("marking-definition--{uuid}")).ok().and_then(|id| tlp(&id));
            id.filter(|_| kind == "marking-tlp").map(Level::Tlp)
        });
        let defined = || match playbook.marking_definitions.get(marking).map(|defined| &defined.kind) {
            Some(MarkingKind::Tlp(text)) => {
                let name = text.trim_start_matches("TLP:").to_ascii_lowercase();
                Some(Tlp::parse(&name).map_or(Level::Unknown, Level::Tlp))
            }
            Some(MarkingKind::Statement(_)) => None,
            Some(_) | None => Some(Level::Unknown),
        };
        let Some(found) = known.or_else(defined) else { continue };
        strictest = Some(match (strictest, found) {
            (Some(Level::Unknown), _) | (_, Level::Unknown) => Level::Unknown,
            (Some(Level::Tlp(one)), Level::Tlp(two)) => Level::Tlp(one.max(two)),
            (None, found) => found,
        });
    }
    strictest
}

/// Under what a document is kept read: organisation, identifier, version.
type Name = (String, String, String);

/// The playbooks that are here.
pub(crate) struct Shelf {
    library: Vec<Arc<Playbook>>,
    read: Mutex<HashMap<Name, Arc<Playbook>>>,
}

impl Shelf {
    /// # Errors
    /// What is wrong with one that came with the program.
    pub(crate) fn new() -> Result<Self, String> {
        let read = |bytes: &&[u8]| Playbook::parse(bytes).map(Arc::new).map_err(|error| error.to_string());
        Ok(Self {
            library: LIBRARY.iter().map(read).collect::<Result<_, _>>()?,
            read: Mutex::new(HashMap::new()),
        })
    }

    fn brought(&self, reader: &Reader<'_>, head: Head) -> Result<Shelved, StoreError> {
        let name = (head.organisation.to_string(), head.id.clone(), head.modified.clone());
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(playbook) = known {
            return Ok(Shelved { playbook, head: Some(head) });
        }
        let bytes = playbooks::document(reader, &REALM, (&head.organisation, &head.id, &head.modified))?;
        let playbook =
            Playbook::parse(&bytes).map_err(|error| StoreError::Corrupt(format!("{}: {error}", head.id)))?;
        let playbook = Arc::new(playbook);
        // What a transaction wrote may be taken back.
        if reader.is_committed() {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            if read.len() >= READ_MAX {
                read.clear();
            }
            read.insert(name, Arc::clone(&playbook));
        }
        Ok(Shelved { playbook, head: Some(head) })
    }

    /// The lines ([`Shelf::line`]) of all playbooks that people of an organisation may see.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn lines(
        &self,
        reader: &Reader<'_>,
        organisation: &OrganisationId,
    ) -> Result<Vec<Vec<Shelved>>, StoreError> {
        let mut all: Vec<Shelved> = self.library.iter().map(of_library).collect();
        for head in playbooks::all(reader, &REALM)? {
            all.push(self.brought(reader, head)?);
        }
        all.retain(|shelved| shelved.is_seen_by(organisation));
        let mut by_id = BTreeMap::<String, Vec<Shelved>>::new();
        for shelved in all {
            by_id.entry(shelved.playbook.id.clone()).or_default().push(shelved);
        }
        Ok(by_id.into_values().map(|versions| chosen(versions, organisation)).collect())
    }

    /// The versions of one playbook that people of an organisation may see, the newest first: its own line where it has one, else the library's,
    /// else that of whoever brought it first. One identifier has one line for each reader.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn line(
        &self,
        reader: &Reader<'_>,
        organisation: &OrganisationId,
        id: &str,
    ) -> Result<Vec<Shelved>, StoreError> {
        let mut all: Vec<Shelved> =
            self.library.iter().filter(|playbook| playbook.id == id).map(of_library).collect();
        for head in playbooks::versions(reader, &REALM, id)? {
            all.push(self.brought(reader, head)?);
        }
        all.retain(|shelved| shelved.is_seen_by(organisation));
        Ok(chosen(all, organisation))
    }

    /// The playbook of a run, as it was begun.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is not here any more, or says something else.
    pub(crate) fn begun(&self, reader: &Reader<'_>, run: &NewRun) -> Result<Shelved, StoreError> {
        let gone = || {
            let (id, version) = (&run.playbook, &run.version);
            StoreError::Corrupt(format!("run {}: version {version} of {id} is not here", run.id))
        };
        let found = match &run.playbook_of {
            None => self.library.iter().map(of_library).find(|shelved| {
                shelved.playbook.id == run.playbook && hex::encode(shelved.playbook.digest()) == run.digest
            }),
            Some(organisation) => {
                let versions = playbooks::versions(reader, &REALM, &run.playbook)?.into_iter();
                let mut of_this = versions
                    .filter(|head| head.organisation == *organisation && head.modified == run.version);
                of_this.next().map(|head| self.brought(reader, head)).transpose()?
            }
        };
        found.ok_or_else(gone)
    }

    /// What a run may be made of: its own playbook, and those that it can reach by calling. Whether they may run is asked when it begins and
    /// again before anything is ordered; what its events name is here however that is answered.
    ///
    /// # Errors
    /// Those of the database; [`StoreError::Corrupt`].
    pub(crate) fn of_run(&self, reader: &Reader<'_>, run: &NewRun) -> Result<Vec<Runnable>, StoreError> {
        let own = self.begun(reader, run)?;
        let trust = Trust { unsigned: Unsigned::Allow, ..Trust::default() };
        let runnable =
            |shelved: &Shelved| Runnable::check(Arc::clone(&shelved.playbook), &trust, run.started);
        let first =
            runnable(&own).map_err(|refused| StoreError::Corrupt(format!("run {}: {refused}", run.id)))?;
        let (mut all, mut asked) = (vec![first], BTreeSet::from([run.playbook.clone()]));
        let mut open: Vec<String> = calls(&own.playbook);
        while let Some(id) = open.pop() {
            if all.len() >= REACHED_MAX || !asked.insert(id.clone()) {
                continue;
            }
            for shelved in self.line(reader, &run.organisation, &id)? {
                if let Ok(found) = runnable(&shelved) {
                    open.extend(calls(&shelved.playbook));
                    all.push(found);
                }
            }
        }
        Ok(all)
    }
}

/// Of all versions under one identifier those that a reader is shown, the newest first.
fn chosen(all: Vec<Shelved>, organisation: &OrganisationId) -> Vec<Shelved> {
    let whose = |wanted: Option<&OrganisationId>| all.iter().any(|shelved| shelved.organisation() == wanted);
    let line = if whose(Some(organisation)) {
        Some(organisation.clone())
    } else if whose(None) {
        None
    } else {
        let first = all.iter().min_by_key(|shelved| shelved.head.as_ref().map(|head| head.added));
        first.and_then(|shelved| shelved.organisation().cloned())
    };
    let mut line: Vec<Shelved> =
        all.into_iter().filter(|shelved| shelved.organisation() == line.as_ref()).collect();
    line.sort_by(|one, two| two.playbook.modified.cmp(&one.playbook.modified));
    line
}

fn of_library(playbook: &Arc<Playbook>) -> Shelved {
    Shelved { playbook: Arc::clone(playbook), head: None }
}

/// The playbooks that one calls.
fn calls(playbook: &Playbook) -> Vec<String> {
    let steps = playbook.workflow.values();
    let called = steps.filter_map(|step| match &step.kind {
        StepKind::Playbook(action) => Some(action.playbook_id.clone()),
        _ => None,
    });
    called.collect()
}
