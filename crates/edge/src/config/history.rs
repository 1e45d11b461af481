//! What the edge keeps of what it read, for how long, and how it hunts in it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use lake::Keep;
use serde::Deserialize;

use super::ConfigError;

/// The edge's own history.
#[derive(Debug, Clone)]
pub struct Lake {
    /// The lake's folder. It belongs to the edge's data folder: both are kept, or neither.
    pub path: PathBuf,
    /// Whether the text of records is kept as well. A lake keeps one or the other for as long as it lives.
    pub full: bool,
    /// How long records are kept, by the kind of their folder.
    pub keep: Keep,
    /// How large the lake may be: the oldest segments go first. `None`: only age counts.
    pub bytes_max: Option<u64>,
    /// Whether hunts hold to an indicator's validity.
    pub within_validity: bool,
    /// Bytes of what was read that may wait to be written to the lake, packed. Beyond, logs are read no faster than the lake takes
    /// them; while the lake takes nothing, what comes then is not kept.
    pub behind_bytes_max: u64,
    /// The longest that what was read waits to be written.
    pub commit_after: Duration,
    /// How the edge hunts by itself.
    pub hunts: Hunts,
}

/// How the edge hunts by itself when intelligence comes.
#[derive(Debug, Clone)]
pub struct Hunts {
    /// Indicators of one hunt; those beyond are hunted by the next ones.
    pub indicators_max: u32,
    /// What is told of one indicator by one hunt, the newest first; the rest is counted.
    pub found_max: u64,
    /// How long more intelligence is waited for.
    pub gather: Duration,
}

impl Lake {
    /// A history in a folder, kept without limit.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            full: false,
            keep: Keep::default(),
            bytes_max: None,
            within_validity: false,
            behind_bytes_max: 1 << 30,
            commit_after: Duration::from_secs(300),
            hunts: Hunts { indicators_max: 20_000, found_max: 1000, gather: Duration::from_secs(5) },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLake {
    path: PathBuf,
    #[serde(default)]
    full: bool,
    keep_days: Option<u32>,
    #[serde(default)]
    keep: BTreeMap<String, u32>,
    bytes_max: Option<u64>,
    #[serde(default)]
    within_validity: bool,
    behind_bytes_max: Option<u64>,
    commit_seconds: Option<u64>,
    #[serde(default)]
    hunts: WrittenHunts,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenHunts {
    indicators_max: Option<u32>,
    found_max: Option<u64>,
    gather_seconds: Option<u64>,
}

impl WrittenLake {
    pub(super) fn resolve(self) -> Result<Lake, ConfigError> {
        let mut lake =
            Lake { full: self.full, within_validity: self.within_validity, ..Lake::new(self.path) };
        let days = self.keep.values().chain(&self.keep_days);
        within("lake.keep_days", days.copied().min().map(u64::from), &(1..=36_500), "1 to 36500 days")?;
        lake.keep = Keep { days: self.keep_days, by_kind: self.keep };
        let bytes = 1 << 20..=u64::MAX;
        within("lake.bytes_max", self.bytes_max, &bytes, "at least 1048576")?;
        lake.bytes_max = self.bytes_max;
        within("lake.behind_bytes_max", self.behind_bytes_max, &bytes, "at least 1048576")?;
        lake.behind_bytes_max = self.behind_bytes_max.unwrap_or(lake.behind_bytes_max);
        within("lake.commit_seconds", self.commit_seconds, &(1..=86_400), "1 to 86400")?;
        lake.commit_after = self.commit_seconds.map_or(lake.commit_after, Duration::from_secs);
        let WrittenHunts { indicators_max, found_max, gather_seconds } = self.hunts;
        within("lake.hunts.indicators_max", indicators_max.map(u64::from), &(1..=1_000_000), "1 to 1000000")?;
        lake.hunts.indicators_max = indicators_max.unwrap_or(lake.hunts.indicators_max);
        within("lake.hunts.found_max", found_max, &(1..=100_000), "1 to 100000")?;
        lake.hunts.found_max = found_max.unwrap_or(lake.hunts.found_max);
        within("lake.hunts.gather_seconds", gather_seconds, &(0..=3600), "0 to 3600")?;
        lake.hunts.gather = gather_seconds.map_or(lake.hunts.gather, Duration::from_secs);
        Ok(lake)
    }
}

fn within(
    name: &'static str,
    value: Option<u64>,
    range: &RangeInclusive<u64>,
    wanted: &'static str,
) -> Result<(), ConfigError> {
    match value {
        Some(value) if !range.contains(&value) => {
            Err(ConfigError::Value { name, value: value.to_string(), wanted })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<Lake, String> {
        let written: WrittenLake = toml::from_str(text).map_err(|error| error.to_string())?;
        written.resolve().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_kept_and_for_how_long_is_read() {
        let lake = resolved("path = \"l\"\nkeep_days = 400\nkeep = { flow = 90 }\nhunts = { found_max = 5 }")
            .unwrap();
        assert_eq!(
            (lake.keep.days, lake.keep.by_kind.get("flow"), lake.hunts.found_max),
            (Some(400), Some(&90), 5)
        );
        assert_eq!((lake.full, lake.within_validity, lake.bytes_max), (false, false, None));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (text, why) in [
            ("full = true", "missing field `path`"),
            ("path = \"l\"\nday = 4", "unknown field `day`"),
            ("path = \"l\"\nkeep_days = 0", "`lake.keep_days`"),
            ("path = \"l\"\nkeep = { dns = 0 }", "`lake.keep_days`"),
            ("path = \"l\"\nbytes_max = 5", "`lake.bytes_max`"),
            ("path = \"l\"\nhunts = { indicators_max = 0 }", "`lake.hunts.indicators_max`"),
        ] {
            let error = resolved(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
