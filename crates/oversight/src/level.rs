//! TLP levels as people write them in configuration.

use stix::marking::Tlp;

/// `clear`, `green`, `amber`, `amber+strict` or `red`.
#[must_use]
pub fn tlp_word(level: Tlp) -> String {
    level.name().to_owned()
}

/// The level of such a word; the full name (`TLP:AMBER`) is understood too, in upper or lower case.
#[must_use]
pub fn tlp_from_word(word: &str) -> Option<Tlp> {
    let word = word.trim().to_ascii_lowercase();
    Tlp::parse(word.strip_prefix("tlp:").unwrap_or(&word))
}
