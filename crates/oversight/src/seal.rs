//! The durable form of a [`Minimised`], for an edge's spool: only what this edge minimised itself can be read back.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use stix::Id;
use stix::marking::Tlp;

use crate::minimise::{Minimised, MinimisedSighting};
use crate::{MechanicalInformation, Purpose};

/// Set before the content under the digest, so that a key used elsewhere too cannot be made to sign a sighting.
const DOMAIN: &[u8] = b"yagura minimised sighting v1\0";
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
        let content = serde_json::to_vec(&content).unwrap_or_default();
        let mut sealed = digest(key, &content).finalize().into_bytes().to_vec();
        sealed.extend_from_slice(&content);
        sealed
    }

    /// Reads what [`Minimised::seal`] wrote under the same key; anything else is `None`.
    #[must_use]
    pub fn unseal(sealed: &[u8], key: &[u8; 32]) -> Option<Self> {
        let (tag, content) = sealed.split_at_checked(TAG_BYTES)?;
        digest(key, content).verify_slice(tag).ok()?;
        let content: Content = serde_json::from_slice(content).ok()?;
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

fn digest(key: &[u8; 32], content: &[u8]) -> Hmac<Sha256> {
    // RFC 2104 §2: a key shorter than the block is padded with zeros. Done here, the key has the block's length and
    // no failure is possible.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(DOMAIN);
    mac.update(content);
    mac
}
