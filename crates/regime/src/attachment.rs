use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::event::parse_hash;
use crate::text::is_unclean;

/// The longest name of a file in characters.
pub const NAME_CHARS_MAX: usize = 120;
/// The largest file in bytes: 512 MiB. What is larger is handed over as evidence, not as a part of a report.
pub const ATTACHMENT_BYTES_MAX: u64 = 512 << 20;

/// Endings of files that do something when they are opened.
const ACTIVE: [&str; 43] = [
    "docm", "dotm", "xlsm", "xltm", "xlsb", "xlam", "xla", "pptm", "potm", "ppsm", "ppam", "sldm", "exe",
    "scr", "com", "pif", "dll", "cpl", "msi", "msp", "bat", "cmd", "ps1", "psm1", "vbs", "vbe", "js", "jse",
    "wsf", "wsh", "hta", "lnk", "url", "reg", "jar", "iso", "img", "vhd", "svg", "html", "htm", "one", "chm",
];

/// Names of devices that Windows opens instead of a file.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A file that belongs to a report. Its content is kept elsewhere, by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// A name that does no harm where it is shown, saved or put into a table; see [`safe_name`].
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its content, in lower-case hexadecimal.
    pub sha256: String,
}

impl Attachment {
    /// Whether it is one that a report may hold.
    #[must_use]
    pub fn is_legal(&self) -> bool {
        self.size <= ATTACHMENT_BYTES_MAX
            && parse_hash(&self.sha256).is_some()
            && safe_name(&self.name).name == self.name
    }

    /// Whether its name says that it does something when it is opened: macros, scripts, programs.
    #[must_use]
    pub fn is_active(&self) -> bool {
        has_active_ending(&self.name)
    }
}

/// A name made safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeName {
    /// The name to use.
    pub name: String,
    /// Whether anything had to be changed.
    pub changed: bool,
    /// Whether the file does something when it is opened, by its ending.
    pub active: bool,
}

/// Makes a name that a stranger gave safe: no controls, no marks that turn the direction of writing (`exe.txt` read backwards), no
/// path, nothing that a shell, a template or a spreadsheet takes for a command, no name of a device, one normal form (NFC), at
/// most [`NAME_CHARS_MAX`] characters with its ending kept.
#[must_use]
pub fn safe_name(given: &str) -> SafeName {
    let tame = |c: char| match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '$' | '%' | '`' | '{' | '}' | ';' | '&'
        | '!' | '\'' | '#' | '~' | '^' | '\t' | '\n' => '_',
        c if c.is_whitespace() => ' ',
        c => c,
    };
    // A name need not be read in full to be cut.
    // Composed first: some letters are composed to marks that are then tamed.
    let plain: String =
        given.chars().take(NAME_CHARS_MAX * 8).nfc().filter(|c| !is_unclean(*c)).map(tame).collect();
    let mut name = shortened(plain.trim());
    // A leading dot hides it; the others begin a formula in a spreadsheet or an option of a program.
    while name.starts_with(['.', ' ']) {
        name.remove(0);
    }
    if name.starts_with(['=', '+', '-', '@']) {
        name = shortened(&format!("_{name}"));
    }
    while name.ends_with(['.', ' ']) {
        name.pop();
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    if name.is_empty() || DEVICES.contains(&stem.as_str()) {
        name = shortened(&format!("_{name}"));
    }
    let changed = name != given;
    let active = has_active_ending(&name);
    SafeName { name, changed, active }
}

fn has_active_ending(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ACTIVE.contains(&ending.as_str()))
}

/// At most [`NAME_CHARS_MAX`] characters, with an ending of at most 16 kept.
fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let ending =
        name.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ending.chars().count() <= 16);
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    let room = NAME_CHARS_MAX.saturating_sub(ending.chars().count());
    let head: String = name.chars().take(room).collect();
    format!("{}{ending}", head.trim_end_matches(['.', ' ']))
}
