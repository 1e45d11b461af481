//! The durable form of a [`Minimised`], of an [`Opinion`] and of a [`Selected`], for an edge's spool: only what this edge let out itself can be read
//! back.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use stix::Id;
use stix::marking::Tlp;

use crate::authorisation::{Selected, Selection};
use crate::minimise::{Minimised, MinimisedSighting};
use crate::opinion::{Judgement, Opinion, Said};
use crate::{MechanicalInformation, Purpose};

/// Set before the content under the digest, so that a key used elsewhere too cannot be made to sign a sighting.
const DOMAIN: &[u8] = b"yagura minimised sighting v1\0";
/// The same for opinions.
const OPINION_DOMAIN: &[u8] = b"yagura opinion v1\0";
/// The same for what was found under an authorisation.
const SELECTED_DOMAIN: &[u8] = b"yagura selected v1\0";
const TAG_BYTES: usize = 32;

/// The sealed content. Its JSON is deterministic: the order of the fields is that of this type.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    indicator: Id,
    indicator_version: String,
    seen: jiff::Timestamp,
    purpose: Purpose,
    marking: String,
    information: MechanicalInformation,
}

impl Minimised {
    /// The durable form for a spool: content and a keyed digest (HMAC-SHA-256), so that nothing but our own output can be read
    /// back. Equal values under equal keys give equal bytes.
    #[must_use]
    pub fn seal(&self, key: &[u8; 32]) -> Vec<u8> {
        let sighting = self.sighting().clone();
        let content = Content {
            indicator: sighting.indicator,
            indicator_version: sighting.indicator_version,
            seen: sighting.seen,
            purpose: sighting.purpose,
            marking: sighting.marking.name().to_owned(),
            information: sighting.information,
        };
        // Strings, numbers and lists of them: writing them as JSON has no way to fail. Should it ever, an empty text results,
        // which `unseal` refuses.
        sealed(DOMAIN, key, &serde_json::to_vec(&content).unwrap_or_default())
    }

    /// Reads what [`Minimised::seal`] wrote under the same key; anything else is `None`.
    #[must_use]
    pub fn unseal(sealed: &[u8], key: &[u8; 32]) -> Option<Self> {
        let content: Content = serde_json::from_slice(opened(DOMAIN, key, sealed)?).ok()?;
        Some(Self::restored(MinimisedSighting {
            indicator: content.indicator,
            indicator_version: content.indicator_version,
            seen: content.seen,
            purpose: content.purpose,
            marking: Tlp::parse(&content.marking)?,
            information: content.information,
        }))
    }
}

/// The sealed opinion. Its JSON is deterministic, too.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpinionContent {
    indicator: Id,
    judgement: Judgement,
    explanation: Option<String>,
    withdrawn: bool,
    created: jiff::Timestamp,
    modified: jiff::Timestamp,
    purpose: Purpose,
    marking: String,
}

impl Opinion {
    /// The durable form for a spool, as [`Minimised::seal`] gives it.
    #[must_use]
    pub fn seal(&self, key: &[u8; 32]) -> Vec<u8> {
        let said = self.said().clone();
        let content = OpinionContent {
            indicator: said.indicator,
            judgement: said.judgement,
            explanation: said.explanation,
            withdrawn: said.withdrawn,
            created: said.created,
            modified: said.modified,
            purpose: said.purpose,
            marking: said.marking.name().to_owned(),
        };
        sealed(OPINION_DOMAIN, key, &serde_json::to_vec(&content).unwrap_or_default())
    }

    /// Reads what [`Opinion::seal`] wrote under the same key; anything else is `None`.
    #[must_use]
    pub fn unseal(sealed: &[u8], key: &[u8; 32]) -> Option<Self> {
        let content: OpinionContent = serde_json::from_slice(opened(OPINION_DOMAIN, key, sealed)?).ok()?;
        Some(Self::restored(Said {
            indicator: content.indicator,
            judgement: content.judgement,
            explanation: content.explanation,
            withdrawn: content.withdrawn,
            created: content.created,
            modified: content.modified,
            purpose: content.purpose,
            marking: Tlp::parse(&content.marking)?,
        }))
    }
}

/// The sealed find. Its JSON is deterministic, too.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SelectedContent {
    selection: Selection,
    count: u64,
}

impl Selected {
    /// The durable form for a spool, as [`Minimised::seal`] gives it.
    #[must_use]
    pub fn seal(&self, key: &[u8; 32]) -> Vec<u8> {
        let (selection, count) = self.content();
        let content = SelectedContent { selection: selection.clone(), count };
        sealed(SELECTED_DOMAIN, key, &serde_json::to_vec(&content).unwrap_or_default())
    }

    /// Reads what [`Selected::seal`] wrote under the same key; anything else is `None`.
    #[must_use]
    pub fn unseal(sealed: &[u8], key: &[u8; 32]) -> Option<Self> {
        let content: SelectedContent = serde_json::from_slice(opened(SELECTED_DOMAIN, key, sealed)?).ok()?;
        Some(Self::restored(content.selection, content.count))
    }
}

fn sealed(domain: &[u8], key: &[u8; 32], content: &[u8]) -> Vec<u8> {
    let mut sealed = digest(domain, key, content).finalize().into_bytes().to_vec();
    sealed.extend_from_slice(content);
    sealed
}

fn opened<'s>(domain: &[u8], key: &[u8; 32], sealed: &'s [u8]) -> Option<&'s [u8]> {
    let (tag, content) = sealed.split_at_checked(TAG_BYTES)?;
    digest(domain, key, content).verify_slice(tag).ok()?;
    Some(content)
}

fn digest(domain: &[u8], key: &[u8; 32], content: &[u8]) -> Hmac<Sha256> {
    // RFC 2104 §2: a key shorter than the block is padded with zeros. Done here, the key has the block's length and
    // no failure is possible.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(domain);
    mac.update(content);
    mac
}
