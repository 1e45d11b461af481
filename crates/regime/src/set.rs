use std::collections::BTreeMap;

use crate::problem::Problems;
use crate::{Catalogue, Problem, Regime, Scheme, file};

/// The file of the fields that a record can hold.
pub const FIELDS_FILE: &str = "fields.toml";
/// The file of the severity scheme.
pub const SEVERITY_FILE: &str = "severity.toml";
/// The most files of a folder.
pub const FILES_MAX: usize = 200;
/// The largest file in bytes.
pub const FILE_BYTES_MAX: usize = 256 * 1024;

/// All regimes of a node, with the fields and the scheme that go with them.
#[derive(Debug, Clone)]
pub struct Regimes {
    /// The fields.
    pub catalogue: Catalogue,
    /// The severity scheme.
    pub severity: Scheme,
    regimes: BTreeMap<String, Regime>,
}

/// A folder that was read.
#[derive(Debug)]
pub struct Read {
    /// What can be used; nothing where the file of fields or that of severity cannot. A regime with an error is left out, and the others
    /// stay in use: one bad file must not stop the clocks of all.
    pub regimes: Option<Regimes>,
    /// What was found, in the order of the files.
    pub problems: Vec<Problem>,
}

impl Regimes {
    /// Reads the files of a folder, given as names and texts. Of two with one name the later counts, so that a folder of one's own can
    /// replace single files of those that were shipped.
    #[must_use]
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Read {
        let mut problems = Vec::new();
        let mut texts = BTreeMap::new();
        for (name, text) in files {
            let mut found = Problems::of(name);
            if text.len() > FILE_BYTES_MAX {
                found.error("line 1", "the file is larger than 256 KiB");
            } else if texts.len() >= FILES_MAX && !texts.contains_key(name) {
                found.error("line 1", "there are more than 200 files");
            } else {
                texts.insert(name, text);
            }
            problems.extend(found.found);
        }
        let mut part = |name: &'static str| {
            let text = texts.remove(name);
            if text.is_none() {
                let mut found = Problems::of(name);
                found.error("line 1", "the file is missing");
                problems.extend(found.found);
            }
            text
        };
        let (fields, severity) = (part(FIELDS_FILE), part(SEVERITY_FILE));
        let catalogue = fields.and_then(|text| read_part(FIELDS_FILE, text, Catalogue::read, &mut problems));
        let severity = severity.and_then(|text| read_part(SEVERITY_FILE, text, Scheme::read, &mut problems));
        let Some((catalogue, severity)) = catalogue.zip(severity) else {
            return Read { regimes: None, problems };
        };
        let mut regimes = BTreeMap::new();
        for (name, text) in texts {
            let mut found = Problems::of(name);
            if let Some(regime) = file::read(text, &catalogue, &mut found) {
                if regimes.contains_key(&regime.id) {
                    found.error("id", "another file has a regime of this name");
                } else {
                    regimes.insert(regime.id.clone(), regime);
                }
            }
            problems.extend(found.found);
        }
        Read { regimes: Some(Self { catalogue, severity, regimes }), problems }
    }

    /// The regime of that name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Regime> {
        self.regimes.get(id)
    }

    /// Every regime, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Regime> {
        self.regimes.values()
    }
}

/// Reads one of the two files that every regime stands on.
fn read_part<T>(
    name: &str,
    text: &str,
    read: impl Fn(&str, &mut Problems<'_>) -> Option<T>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let mut found = Problems::of(name);
    let part = read(text, &mut found);
    let fatal = found.is_fatal();
    problems.extend(found.found);
    if fatal { None } else { part }
}
