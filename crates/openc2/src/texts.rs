//! The fixed texts of the profile, letter for letter as it writes them. Producers compare them.

/// An argument is not supported (SLPF 2.3.1, 2.3.2).
pub const OPTION_NOT_SUPPORTED: &str = "Option not supported";
/// `allow` or `deny` of this kind of target is not implemented (SLPF 2.3.1.1 to 2.3.1.4).
pub const TARGET_TYPE_NOT_SUPPORTED: &str = "Target type not supported";
/// The rule could not be put into force (SLPF 2.3.1).
pub const RULE_NOT_UPDATED: &str = "Rule not updated";
/// The number asked for belongs to another rule (SLPF 2.3.1).
pub const RULE_NUMBER_IN_USE: &str = "Rule number currently in use";
/// Rules are not deleted by number here (SLPF 2.3.4.1).
pub const TARGET_NOT_SUPPORTED: &str = "target not supported";
/// The rule is still there, or never was (SLPF 2.3.4.1).
pub const RULE_NOT_REMOVED: &str = "firewall rule not removed or updated";
/// The command as a whole is not supported (SLPF 2.3.5.1).
pub const COMMAND_NOT_SUPPORTED: &str = "Command not supported";
/// The file of an `update` cannot be had (SLPF 2.3.5.1).
pub const CANNOT_ACCESS_FILE: &str = "cannot access file";
