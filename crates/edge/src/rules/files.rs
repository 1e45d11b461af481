//! Sigma rules out of files and folders.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sigma::{Refused, RuleText};

/// What files and folders of rules gave.
#[derive(Debug, Default)]
pub struct RuleFiles {
    /// The texts of the files, by name.
    pub texts: Vec<RuleText>,
    /// Files of a folder that cannot be used.
    pub refused: Vec<Refused>,
}

/// The largest file of rules, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// The most files.
const FILES_MAX: usize = 50_000;
/// How deep folders may nest, which also ends links that lead back.
const DEPTH_MAX: usize = 16;

/// Reads rules out of files, and out of all `.yml` and `.yaml` files below folders, in the order of their names.
///
/// # Errors
/// A path that was named and cannot be read. What cannot be read below a folder is refused, and the rest is used.
pub fn read_rules(paths: &[PathBuf]) -> Result<RuleFiles, (PathBuf, io::Error)> {
    let mut files = RuleFiles::default();
    for path in paths {
        let about = std::fs::metadata(path).map_err(|cause| (path.clone(), cause))?;
        if about.is_dir() {
            let listed = std::fs::read_dir(path).map_err(|cause| (path.clone(), cause))?;
            files.add_folder(listed, 0);
        } else {
            let text = read(path).map_err(|cause| (path.clone(), cause))?;
            files.texts.push(RuleText::of_file(&path.to_string_lossy(), text));
        }
    }
    Ok(files)
}

impl RuleFiles {
    fn add_folder(&mut self, listed: std::fs::ReadDir, depth: usize) {
        let mut paths: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                match std::fs::read_dir(&path) {
                    Ok(inner) if depth < DEPTH_MAX => self.add_folder(inner, depth + 1),
                    Ok(_) => {
                        self.refuse(
                            &path,
                            "sigma-too-large",
                            format!("folders nest deeper than {DEPTH_MAX}"),
                        );
                    }
                    Err(cause) => self.refuse(&path, "file", cause.to_string()),
                }
            } else if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
                self.add_file(&path);
            }
        }
    }

    fn add_file(&mut self, path: &Path) {
        if self.texts.len() >= FILES_MAX {
            // One is told of; the others would only say the same.
            if self.refused.last().is_none_or(|last| last.code != "set-full") {
                self.refuse(path, "set-full", format!("there are more than {FILES_MAX} files of rules"));
            }
            return;
        }
        match read(path) {
            Ok(text) => self.texts.push(RuleText::of_file(&path.to_string_lossy(), text)),
            Err(cause) => self.refuse(path, "file", cause.to_string()),
        }
    }

    fn refuse(&mut self, path: &Path, code: &'static str, message: String) {
        self.refused.push(Refused { place: path.to_string_lossy().into_owned(), line: None, code, message });
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("the file is larger than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("the file is not UTF-8"))
}
