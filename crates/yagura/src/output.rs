//! What commands say, in Japanese or English, to people or to programs.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::{Global, Language};

/// Where a command's words go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    language: Language,
}

/// Why a command failed: one cause, one remedy, a stable code, in both languages.
#[derive(Debug)]
pub(crate) struct Failure {
    /// A stable code.
    pub(crate) code: String,
    exit: u8,
    english: String,
    japanese: String,
}

impl Failure {
    /// The data is at fault (exit 1).
    pub(crate) fn data(
        code: impl Into<String>,
        english: impl Into<String>,
        japanese: impl Into<String>,
    ) -> Self {
        Self { code: code.into(), exit: 1, english: english.into(), japanese: japanese.into() }
    }

    /// The command was used wrongly (exit 2).
    pub(crate) fn usage(
        code: impl Into<String>,
        english: impl Into<String>,
        japanese: impl Into<String>,
    ) -> Self {
        Self { code: code.into(), exit: 2, english: english.into(), japanese: japanese.into() }
    }

    /// The machine, the network or the program failed (exit 3).
    pub(crate) fn system(
        code: impl Into<String>,
        english: impl Into<String>,
        japanese: impl Into<String>,
    ) -> Self {
        Self { code: code.into(), exit: 3, english: english.into(), japanese: japanese.into() }
    }

    /// Whether the machine or the network failed, so that trying again may help.
    pub(crate) fn is_system(&self) -> bool {
        self.exit == 3
    }

    /// The same for a mail system, which keeps the mail and comes again (`EX_TEMPFAIL` of sysexits.h).
    pub(crate) fn worth_another_try(self) -> Self {
        Self { exit: 75, ..self }
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &std::path::Path, cause: &std::io::Error) -> Self {
        let path = path.display();
        Self::system("file", format!("`{path}`: {cause}"), format!("`{path}` を扱えません：{cause}"))
    }
}

#[derive(Serialize)]
struct FailureForPrograms<'a> {
    error: &'a str,
    message: &'a str,
}

impl Output {
    /// By the global options and the terminal.
    pub(crate) fn new(global: Global) -> Self {
        let language = global.lang.unwrap_or_else(language_of_terminal);
        Self { json: global.json, quiet: global.quiet, language }
    }

    /// Whether programs read this.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether only results and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether the reader's language is Japanese.
    pub(crate) fn is_japanese(&self) -> bool {
        matches!(self.language, Language::Ja)
    }

    /// The text in the reader's language.
    pub(crate) fn words<'a>(&self, english: &'a str, japanese: &'a str) -> &'a str {
        match self.language {
            Language::Ja => japanese,
            Language::En => english,
        }
    }

    /// Prints a result line on standard output. A reader that went away ends the printing, not the program.
    pub(crate) fn result(&self, line: impl std::fmt::Display) {
        let _ = writeln!(anstream::stdout(), "{line}");
    }

    /// Prints one JSON object on a line of standard output.
    pub(crate) fn object(&self, value: &impl Serialize) {
        if let Ok(line) = serde_json::to_string(value) {
            self.result(line);
        }
    }

    /// Tells a person something on standard error, unless quiet.
    pub(crate) fn say(&self, english: impl AsRef<str>, japanese: impl AsRef<str>) {
        if !self.quiet && !self.json {
            let _ = writeln!(anstream::stderr(), "{}", self.words(english.as_ref(), japanese.as_ref()));
        }
    }

    /// Whether progress may be drawn: a person watches standard error.
    pub(crate) fn draws_progress(&self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// Tells why the command failed and gives its exit code.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        self.failure(failure);
        ExitCode::from(failure.exit)
    }

    /// Tells of a failure that does not end the command.
    pub(crate) fn failure(&self, failure: &Failure) {
        let message = self.words(&failure.english, &failure.japanese);
        let line = if self.json {
            serde_json::to_string(&FailureForPrograms { error: &failure.code, message }).unwrap_or_default()
        } else {
            format!("yagura: {message} [{}]", failure.code)
        };
        let _ = writeln!(anstream::stderr(), "{line}");
    }
}

fn language_of_terminal() -> Language {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    if set.is_some_and(|locale| locale.starts_with("ja")) { Language::Ja } else { Language::En }
}
