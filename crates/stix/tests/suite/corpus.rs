//! Real data, found through `$YAGURA_CORPUS` and nowhere else.

use std::path::PathBuf;

/// The file of the corpus, or nothing, said loudly, where there is no corpus.
pub(crate) fn file(relative: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("YAGURA_CORPUS") else {
        eprintln!("SKIPPED: `{relative}` needs YAGURA_CORPUS");
        return None;
    };
    let path = PathBuf::from(root).join(relative);
    assert!(path.exists(), "YAGURA_CORPUS is set and {} is not there", path.display());
    Some(path)
}

/// The file's text.
pub(crate) fn text(relative: &str) -> Option<String> {
    file(relative).map(|path| std::fs::read_to_string(path).expect("the corpus can be read"))
}

/// Each line of the file, as JSON.
pub(crate) fn json_lines(relative: &str) -> Option<Vec<serde_json::Value>> {
    let text = text(relative)?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect())
}
