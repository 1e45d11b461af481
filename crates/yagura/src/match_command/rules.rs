//! Sigma rules beside the indicators.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressBar;
use jiff::Timestamp;
use serde::Serialize;
use sigma::{Built, Options, Refused, RuleSet, RuleText, Scanner};
use telemetry::Reader;

use crate::match_command::logs::unreadable;
use crate::match_command::report::Totals;
use crate::match_command::shown::Shown;
use crate::match_command::words;
use crate::output::{Failure, Output};

/// Compiles the rules of files and of indicators, and says which of them cannot be used.
pub(crate) fn build(
    output: &Output,
    paths: &[PathBuf],
    of_indicators: Vec<RuleText>,
    options: Options,
) -> Result<Arc<RuleSet>, Failure> {
    let own = edge::read_rules(paths).map_err(|(path, cause)| unreadable(&path, &cause))?;
    let Built { set, refused } = RuleSet::build(own.texts.into_iter().chain(of_indicators), options);
    tell(output, own.refused.iter().chain(&refused));
    Ok(Arc::new(set))
}

/// Refused rules that are told of one by one; of the others only how many there are.
const TOLD_MAX: usize = 20;

#[derive(Serialize)]
struct RefusedForPrograms<'a> {
    rule_refused: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    code: &'a str,
    message: &'a str,
}

fn tell<'r>(output: &Output, refused: impl Iterator<Item = &'r Refused>) {
    let mut count = 0_usize;
    for Refused { place, line, code, message } in refused {
        count += 1;
        if output.is_json() && !output.is_quiet() {
            let told = RefusedForPrograms { rule_refused: place, line: *line, code, message };
            if let Ok(told) = serde_json::to_string(&told) {
                let _ = writeln!(std::io::stderr(), "{told}");
            }
        } else if count <= TOLD_MAX {
            let at = line.map(|line| format!(":{line}")).unwrap_or_default();
            let place: String = place.chars().filter(|c| !c.is_control()).collect();
            let message: String = message.chars().filter(|c| !c.is_control()).collect();
            let japanese = words::japanese(code).unwrap_or("使えない");
            output.say(
                format!("yagura: the Sigma rule `{place}{at}` is not used: {message} [{code}]"),
                format!("yagura: Sigma ルール `{place}{at}` は使いません：{japanese}（{message}） [{code}]"),
            );
        }
    }
    if count > TOLD_MAX {
        let more = count - TOLD_MAX;
        output.say(
            format!("yagura: {more} more Sigma rules are not used"),
            format!("yagura: このほか {more} 件の Sigma ルールも使いません"),
        );
    }
}

/// The rules over the lines of one log.
pub(crate) struct Ruled<'p> {
    scanner: Option<Scanner>,
    path: &'p Path,
}

impl<'p> Ruled<'p> {
    pub(crate) fn new(rules: &Arc<RuleSet>, reader: &Reader, path: &'p Path) -> Self {
        let scanner = (!rules.is_empty()).then(|| Scanner::new(Arc::clone(rules), reader.clone()));
        Self { scanner, path }
    }

    /// Holds the rules against whole lines, the first of which is this one in the log.
    pub(crate) fn scan(
        &mut self,
        lines: &[u8],
        first: u64,
        now: Timestamp,
        (shown, progress): (&mut Shown<'_>, &ProgressBar),
    ) {
        let Some(scanner) = &mut self.scanner else { return };
        let path = self.path;
        scanner
            .scan(lines, now, &mut |found| shown.take_rule(path, first + found.line, found, now, progress));
    }

    /// Holds the rules against one record, which begins on this line of the log.
    pub(crate) fn scan_record(
        &mut self,
        record: &[u8],
        line: u64,
        now: Timestamp,
        (shown, progress): (&mut Shown<'_>, &ProgressBar),
    ) {
        let Some(scanner) = &mut self.scanner else { return };
        let path = self.path;
        scanner.scan_record(record, now, &mut |found| shown.take_rule(path, line, found, now, progress));
    }

    /// Adds what was met to the totals.
    pub(crate) fn add_to(&self, totals: &mut Totals) {
        if let Some(tally) = self.scanner.as_ref().map(Scanner::tally) {
            totals.add_rules(tally);
        }
    }
}
