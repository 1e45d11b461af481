//! Evidence of cases, as configured.

use serde::Deserialize;
use vault::Name;

use super::ConfigError;
use crate::retention::RetentionConfig;

/// The largest content where the configuration says nothing, in bytes: the image of a small disk.
const ITEM_BYTES_MAX: u64 = 4 << 30;
/// What one organisation brings into one case where the configuration says nothing, in bytes.
const CASE_BYTES_MAX: u64 = 64 << 30;
/// The largest that may be configured, in bytes.
const BYTES_MAX: u64 = 1 << 43;

/// How much evidence is taken in, and how long it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceConfig {
    /// The largest content of one item, in bytes.
    pub item_bytes_max: u64,
    /// All that one organisation brings into one case, in bytes.
    pub case_bytes_max: u64,
    /// The retention class that content is sealed under; none: it is kept until somebody disposes of it, under keys that
    /// `[retention]` destroys, where there is one.
    pub class: Option<Name>,
}

/// The table `evidence` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEvidence {
    /// See [`EvidenceConfig::item_bytes_max`].
    pub item_bytes_max: Option<u64>,
    /// See [`EvidenceConfig::case_bytes_max`].
    pub case_bytes_max: Option<u64>,
    /// See [`EvidenceConfig::class`]; one of `retention.classes`.
    pub class: Option<String>,
}

impl Default for EvidenceConfig {
    fn default() -> Self {
        Self { item_bytes_max: ITEM_BYTES_MAX, case_bytes_max: CASE_BYTES_MAX, class: None }
    }
}

impl RawEvidence {
    pub(super) fn resolve(self, retention: Option<&RetentionConfig>) -> Result<EvidenceConfig, ConfigError> {
        let bytes = |name: &str, given: Option<u64>, usual: u64| match given.unwrap_or(usual) {
            bytes @ 1..=BYTES_MAX => Ok(bytes),
            _ => Err(ConfigError::value(format!("evidence.{name}: from 1 to {BYTES_MAX} bytes"))),
        };
        let class = self.class.map(|name| {
            let known = Name::new(name.as_str()).ok();
            let known = known.filter(|name| retention.is_some_and(|kept| kept.classes.get(name).is_some()));
            known.ok_or_else(|| {
                ConfigError::value(format!("evidence.class: `{name}` is none of `retention.classes`"))
            })
        });
        let item_bytes_max = bytes("item_bytes_max", self.item_bytes_max, ITEM_BYTES_MAX)?;
        // A case takes at least one item of the largest size.
        let case_bytes_max =
            bytes("case_bytes_max", self.case_bytes_max, CASE_BYTES_MAX.max(item_bytes_max))?;
        Ok(EvidenceConfig { item_bytes_max, case_bytes_max, class: class.transpose()? })
    }
}
