//! The regimes of a node: those that are shipped, and over them a folder of its own.

use std::path::Path;
use std::sync::Arc;

use regime::{Gravity, Regimes};
use sha2::Digest;

use crate::HubError;

/// What is shipped: the fields, the severity scheme, and a file for each regime.
#[derive(rust_embed::RustEmbed)]
#[folder = "../../regimes"]
struct Shipped;

/// The regimes that a node goes by.
pub(crate) struct Known {
    pub(crate) all: Arc<Regimes>,
    /// Stands for the files that they were read from.
    pub(crate) hash: String,
}

impl std::ops::Deref for Known {
    type Target = Regimes;

    fn deref(&self) -> &Regimes {
        &self.all
    }
}

/// Names and texts of the files: what is shipped, and after it, so that it counts, what a folder of one's own holds.
///
/// # Errors
/// `file` where the folder cannot be read.
pub fn files(folder: Option<&Path>) -> Result<Vec<(String, String)>, HubError> {
    let shipped = Shipped::iter().filter_map(|name| {
        let text = String::from_utf8(Shipped::get(&name)?.data.into_owned()).ok()?;
        Some((name.into_owned(), text))
    });
    let mut files: Vec<(String, String)> = shipped.collect();
    files.sort();
    let Some(folder) = folder else { return Ok(files) };
    let mut own = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| HubError::file(folder, &error))? {
        let path = entry.map_err(|error| HubError::file(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).map_err(|error| HubError::file(&path, &error))?;
            own.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text));
        }
    }
    own.sort();
    files.extend(own);
    Ok(files)
}

/// The regimes of a node. A file with a fault is left out and told of in the log: one
/// bad file must not stop the clocks of all.
///
/// # Errors
/// `regimes` where the file of fields or that of severity cannot be used; `file`.
pub(crate) fn read(folder: Option<&Path>) -> Result<Known, HubError> {
    let files = files(folder)?;
    let mut hash = sha2::Sha256::new();
    for part in files.iter().flat_map(|(name, text)| [name, text]) {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let read = Regimes::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    for problem in &read.problems {
        match problem.gravity {
            Gravity::Error => tracing::error!(%problem, "a file of regimes is left out"),
            Gravity::Warning => tracing::warn!(%problem, "somebody should look at a file of regimes"),
        }
    }
    let first = || read.problems.iter().find(|problem| problem.gravity == Gravity::Error);
    let regimes = read.regimes.clone().ok_or_else(|| {
        let why = first().map_or_else(String::new, ToString::to_string);
        HubError::new("regimes", format!("the regimes cannot be used: {why}; see `yagura admin regime show`"))
    })?;
    Ok(Known { all: Arc::new(regimes), hash: hex::encode(hash.finalize()) })
}
