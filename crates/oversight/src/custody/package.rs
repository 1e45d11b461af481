//! Evidence as a package that a court verifies with nothing but its files and the log's key.
//!
//! | path | what | what shows that it is unchanged |
//! |---|---|---|
//! | `manifest.json` | what is in the package, each document by its SHA-256, each item with its hashes | `manifest.tlog-proof` |
//! | `custody/<item>.json` | the item's custody log | the manifest; and each entry its own proof |
//! | `proofs/<item>/<number>.tlog-proof` | that the entry stands in the log of acts | the log's signature |
//! | `files/<item>` | the content, encrypted | the hashes in manifest and custody log |
//! | every other document | for people, and for other programs | the manifest |
//!
//! Beside each proof stands the entry of the log that it proves, `….entry`, for other people's verifiers. What is a value here is made and read
//! by others: this module touches no file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest;
use tlog::{Policy, TlogProof, TlogProofError};
use uuid::Uuid;

use super::{ContentHashes, CustodyAct, CustodyEntry, CustodyProof, Party, check_chain, named};
use crate::Action;
use crate::leaf_proof::{LeafProof, NoLeafProof, Shown};

/// What a manifest and its proof say they are.
pub const FORMAT: &str = "urn:yagura:evidence-package:1";
/// The fact of an export's record that names the manifest.
pub const MANIFEST: &str = "manifest";
/// The fact of an entry that names the package it left in.
pub const PACKAGE: &str = "package";
/// Where the manifest stands.
pub const MANIFEST_PATH: &str = "manifest.json";
/// Where its proof stands.
pub const MANIFEST_PROOF_PATH: &str = "manifest.tlog-proof";
/// Where the node's own policy stands: its log's key. Whoever trusts the package for it trusts whoever made the package.
pub const POLICY_PATH: &str = "log.policy";
/// What stands behind the name of a proof for the name of its entry.
pub const ENTRY_ENDING: &str = ".entry";

/// What is in a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The package's own name; each item's last entry of custody names it.
    pub id: Uuid,
    /// In which world.
    pub realm: String,
    /// The case: a STIX identifier.
    pub case: String,
    /// What the case is called.
    pub case_name: String,
    /// When it was made, by the node's clock.
    pub made: Timestamp,
    /// Who had it made.
    pub by: Party,
    /// Why.
    pub why: String,
    /// On what legal basis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// The log of acts that the proofs are of.
    pub log: String,
    /// Path → SHA-256, in hexadecimal, of everything that is neither a proof nor content.
    pub documents: BTreeMap<String, String>,
    /// The items.
    pub items: Vec<PackagedItem>,
}

/// An item of evidence in a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackagedItem {
    /// Its identifier.
    pub id: Uuid,
    /// What the file was called.
    pub name: String,
    /// What it is: `disk-image`, `log`, ….
    pub kind: String,
    /// In words.
    pub description: String,
    /// Who secured it.
    pub collector: String,
    /// When it was seized, with the offset or zone as it was written.
    pub seized_at: String,
    /// Where.
    pub seized_where: String,
    /// Who may see it, in words of the Traffic Light Protocol.
    pub marking: String,
    /// The content.
    pub content: ContentHashes,
    /// Whether the content is in the package; it is not where it was destroyed.
    pub has_file: bool,
}

impl PackagedItem {
    /// Where the content stands. No name out of evidence, so that nothing opens it by itself.
    #[must_use]
    pub fn file_path(&self) -> String {
        format!("files/{}", self.id)
    }

    /// Where the custody log stands.
    #[must_use]
    pub fn custody_path(&self) -> String {
        format!("custody/{}.json", self.id)
    }

    /// Where the proof of an entry stands.
    #[must_use]
    pub fn proof_path(&self, number: u64) -> String {
        format!("proofs/{}/{number:04}.tlog-proof", self.id)
    }
}

/// What shows that a manifest stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestProof(LeafProof);

impl ManifestProof {
    /// Out of the proof of the act's leaf, its record and its salt.
    ///
    /// # Errors
    /// [`TlogProofError::TooLarge`].
    pub fn make(proof: TlogProof, record: &[u8], salt: &[u8; 32]) -> Result<Self, TlogProofError> {
        LeafProof::make(FORMAT, proof, record, salt).map(Self)
    }

    /// Reads the text of a proof.
    ///
    /// # Errors
    /// [`NoLeafProof::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoLeafProof> {
        LeafProof::parse(FORMAT, text).map(Self)
    }

    /// The text of its file.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// The entry of the log that it is about.
    #[must_use]
    pub fn entry(&self) -> Option<[u8; 32]> {
        self.0.entry()
    }

    /// Checks that a log of the policy holds exactly this manifest.
    ///
    /// # Errors
    /// [`NoLeafProof`].
    pub fn verify(&self, manifest: &[u8], policy: &Policy) -> Result<Shown, NoLeafProof> {
        let hash = hex::encode(sha2::Sha256::digest(manifest));
        named(self.0.verify(policy)?, Action::EvidenceExported, MANIFEST, &hash)
    }
}

/// What somebody found in a package.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Everything but content, by path.
    pub documents: BTreeMap<String, Vec<u8>>,
    /// What stands under `files/`, by path; none where it could not be opened for want of the password.
    pub files: BTreeMap<String, Option<ContentHashes>>,
}

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("`{path}`: {why}")]
pub struct Fault {
    /// The path in the package.
    pub path: String,
    /// What is wrong.
    pub why: String,
}

/// What a package shows that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPackage {
    /// What is in it.
    pub manifest: Manifest,
    /// When the log took the manifest down, and where.
    pub shown: Shown,
    /// Entries of custody, each proved.
    pub entries: usize,
    /// Files whose content was compared.
    pub opened: usize,
    /// Files that were not opened: only their hashes are known to be those of the log.
    pub unopened: Vec<String>,
}

/// Checks all of a package.
///
/// # Errors
/// Everything that is wrong, by path. Where the manifest itself does not hold, nothing else is looked at.
pub fn verify(found: &Found, policy: &Policy) -> Result<VerifiedPackage, Vec<Fault>> {
    let (manifest, shown) = manifest(found, policy).map_err(|fault| vec![fault])?;
    let mut check = Check { found, policy, faults: Vec::new(), expected: BTreeSet::new() };
    check.expect([MANIFEST_PATH, MANIFEST_PROOF_PATH]);
    check.expect([format!("{MANIFEST_PROOF_PATH}{ENTRY_ENDING}")]);
    check.documents(&manifest);
    let mut entries = 0;
    for item in &manifest.items {
        entries += check.item(&manifest, item);
    }
    let (opened, unopened) = check.files(&manifest);
    check.nothing_else();
    if check.faults.is_empty() {
        return Ok(VerifiedPackage { manifest, shown, entries, opened, unopened });
    }
    check.faults.sort();
    Err(check.faults)
}

fn manifest(found: &Found, policy: &Policy) -> Result<(Manifest, Shown), Fault> {
    let fault = |path: &str, why: String| Fault { path: path.to_owned(), why };
    let missing = |path: &str| fault(path, "it is missing".to_owned());
    let bytes = found.documents.get(MANIFEST_PATH).ok_or_else(|| missing(MANIFEST_PATH))?;
    let proof = found.documents.get(MANIFEST_PROOF_PATH).ok_or_else(|| missing(MANIFEST_PROOF_PATH))?;
    let unproved = |error: NoLeafProof| fault(MANIFEST_PROOF_PATH, error.to_string());
    let proof = ManifestProof::parse(&String::from_utf8_lossy(proof)).map_err(unproved)?;
    let shown = proof.verify(bytes, policy).map_err(unproved)?;
    let entry_path = format!("{MANIFEST_PROOF_PATH}{ENTRY_ENDING}");
    if !is_entry(found.documents.get(&entry_path), proof.entry()) {
        return Err(fault(&entry_path, "it is not the entry that is proved".to_owned()));
    }
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| fault(MANIFEST_PATH, error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(fault(MANIFEST_PATH, format!("its form is `{}`, not `{FORMAT}`", manifest.format)));
    }
    if manifest.log != shown.log {
        return Err(fault(MANIFEST_PATH, format!("it names another log than `{}`", shown.log)));
    }
    Ok((manifest, shown))
}

fn is_entry(found: Option<&Vec<u8>>, proved: Option<[u8; 32]>) -> bool {
    found.zip(proved).is_some_and(|(found, proved)| found.as_slice() == proved.as_slice())
}

struct Check<'f> {
    found: &'f Found,
    policy: &'f Policy,
    faults: Vec<Fault>,
    expected: BTreeSet<String>,
}

impl Check<'_> {
    fn expect(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) {
        self.expected.extend(paths.into_iter().map(Into::into));
    }

    fn fault(&mut self, path: &str, why: impl Into<String>) {
        self.faults.push(Fault { path: path.to_owned(), why: why.into() });
    }

    fn documents(&mut self, manifest: &Manifest) {
        for (path, wanted) in &manifest.documents {
            self.expect([path]);
            match self.found.documents.get(path) {
                None => self.fault(path, "it is missing"),
                Some(bytes) if hex::encode(sha2::Sha256::digest(bytes)) != *wanted => {
                    self.fault(path, "it was changed: its SHA-256 is not that of the manifest");
                }
                Some(_) => {}
            }
        }
    }

    /// Checks an item's custody; gives how many entries it has.
    fn item(&mut self, manifest: &Manifest, item: &PackagedItem) -> usize {
        let path = item.custody_path();
        if !manifest.documents.contains_key(&path) {
            self.fault(&path, "the manifest does not name it");
            return 0;
        }
        // That it is missing is said already.
        let Some(bytes) = self.found.documents.get(&path) else { return 0 };
        let entries: Vec<CustodyEntry> = match serde_json::from_slice(bytes) {
            Ok(entries) => entries,
            Err(error) => {
                self.fault(&path, format!("it is no custody log: {error}"));
                return 0;
            }
        };
        if let Err(broken) = check_chain(&entries) {
            self.fault(&path, broken.to_string());
        }
        let is_of_item = |entry: &CustodyEntry| {
            entry.item == item.id && entry.case == manifest.case && entry.content == item.content
        };
        if !entries.iter().all(is_of_item) {
            self.fault(&path, "it is not about the item that the manifest names");
        }
        let is_export = |entry: &&CustodyEntry| {
            entry.act == CustodyAct::Exported
                && entry.facts.get(PACKAGE).is_some_and(|package| *package == manifest.id.to_string())
        };
        if entries.last().filter(is_export).is_none() {
            self.fault(&path, "its last entry is not the making of this package: entries are missing");
        }
        let mut before = None;
        for entry in &entries {
            before = self.proof(manifest, item, entry, before).or(before);
        }
        entries.len()
    }

    /// Checks the proof of an entry; gives its place in the log.
    fn proof(
        &mut self,
        manifest: &Manifest,
        item: &PackagedItem,
        entry: &CustodyEntry,
        before: Option<u64>,
    ) -> Option<u64> {
        let path = item.proof_path(entry.number);
        let entry_path = format!("{path}{ENTRY_ENDING}");
        self.expect([path.clone(), entry_path.clone()]);
        let Some(text) = self.found.documents.get(&path) else {
            self.fault(&path, "it is missing");
            return None;
        };
        let proof = CustodyProof::parse(&String::from_utf8_lossy(text));
        let checked = proof.and_then(|proof| Ok((proof.verify(entry, self.policy)?, proof.entry())));
        let (shown, proved) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                self.fault(&path, error.to_string());
                return None;
            }
        };
        if !is_entry(self.found.documents.get(&entry_path), proved) {
            self.fault(&entry_path, "it is not the entry that is proved");
        }
        if shown.log != manifest.log {
            self.fault(&path, "it is of another log");
        }
        if before.is_some_and(|before| shown.leaf <= before) {
            self.fault(&path, "the log has it before the entry that it follows");
        }
        Some(shown.leaf)
    }

    /// Compares the content; gives how many files were compared, and those that were not opened.
    fn files(&mut self, manifest: &Manifest) -> (usize, Vec<String>) {
        let (mut opened, mut unopened) = (0, Vec::new());
        for item in manifest.items.iter().filter(|item| item.has_file) {
            let path = item.file_path();
            match self.found.files.get(&path) {
                None => self.fault(&path, "it is missing"),
                Some(None) => unopened.push(path.clone()),
                Some(Some(hashes)) if *hashes == item.content => opened += 1,
                Some(Some(_)) => {
                    self.fault(&path, "it was changed: its size or hashes are not those of the custody log");
                }
            }
            self.expect([path]);
        }
        (opened, unopened)
    }

    /// Whatever the manifest does not name was put in afterwards.
    fn nothing_else(&mut self) {
        let there = self.found.documents.keys().chain(self.found.files.keys());
        let strange: Vec<String> = there.filter(|path| !self.expected.contains(*path)).cloned().collect();
        for path in strange {
            self.fault(&path, "the manifest does not name it: it was put in afterwards");
        }
    }
}
