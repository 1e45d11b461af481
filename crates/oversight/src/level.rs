//! The words for TLP levels in configuration, storage and policy, where `TLP:` would be noise.

use stix::marking::Tlp;

/// `clear`, `green`, `amber`, `amber+strict` or `red`.
#[must_use]
pub fn tlp_word(level: Tlp) -> String {
    let name = level.name();
    name.strip_prefix("TLP:").unwrap_or(name).to_ascii_lowercase()
}

/// The level of such a word; the full name (`TLP:AMBER`) is understood too, in upper or lower case.
#[must_use]
pub fn tlp_from_word(word: &str) -> Option<Tlp> {
    let word = word.trim().to_ascii_lowercase();
    let word = word.strip_prefix("tlp:").unwrap_or(&word);
    Tlp::ALL.into_iter().find(|level| tlp_word(*level) == word)
}
