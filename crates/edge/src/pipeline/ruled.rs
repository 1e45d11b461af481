//! Sigma rules beside patterns: what a record meets of them, and what of it may leave.

use std::sync::Arc;

use jiff::Timestamp;
use sigma::{Match, Met, RuleSet, Scanner};

use super::{FileScanner, Source, Yield, is_held, sighting_id};
use crate::Shared;
use crate::ledger::{LedgerKind, LedgerRow};
use crate::source::tail::Stretch;
use crate::spool::NewSpooled;

/// Holds the rules in use against one stretch; how many matches there were.
pub(super) fn scan(
    shared: &Shared,
    source: &Source,
    file: &mut FileScanner,
    stretch: &Stretch,
    now: Timestamp,
    found: &mut Yield,
) -> u64 {
    let set = shared.indicators.rules();
    if set.is_empty() {
        file.rules = None;
        return 0;
    }
    let scanner = file.scanner_of_rules(&set, source);
    let before = scanner.tally().matches;
    scanner.scan(&stretch.bytes, now, &mut |hit| consider(shared, source, stretch, hit, now, found));
    scanner.tally().matches - before
}

impl FileScanner {
    /// The scanner that holds this set of rules against the file. The first one goes on with what was remembered before a restart.
    pub(super) fn scanner_of_rules(&mut self, set: &Arc<RuleSet>, source: &Source) -> &mut Scanner {
        let Self { rules, rules_before, header, .. } = self;
        let scanner = rules.get_or_insert_with(|| {
            let mut scanner = Scanner::new(Arc::clone(set), source.reader());
            scanner.scan(header, Timestamp::UNIX_EPOCH, &mut |_| {});
            if let Some(remembered) = rules_before.take() {
                scanner.remember(remembered);
            }
            scanner
        });
        scanner.adopt(Arc::clone(set));
        scanner
    }
}

/// Decides on one match. It is written to the ledger; it can leave only where a shared indicator stands behind the rule, and
/// then as far as the operator consents.
fn consider(
    shared: &Shared,
    source: &Source,
    stretch: &Stretch,
    hit: &Match<'_>,
    now: Timestamp,
    found: &mut Yield,
) {
    let indicator = hit.rule.origin.indicator();
    let named = indicator.map(|indicator| indicator.id.to_string()).unwrap_or_default();
    let row = |kind, detail| LedgerRow {
        at: now,
        kind,
        indicator: named.clone(),
        name: hit.rule.title.clone(),
        detail,
    };
    let place = format!("{}:{}", source.name, stretch.line + hit.line);
    let met: Vec<String> = hit.met.iter().map(shown).collect();
    let own = if indicator.is_none() { format!(" [{}]", hit.rule.origin.name()) } else { String::new() };
    let detail = format!("{place} {}{own}", met.join(", "));
    if let Some(indicator) = indicator {
        let times = (hit.observation.time.unwrap_or(now), now);
        if is_held(shared, (&indicator.id, &hit.rule.title), hit.observation, times, (&row, &detail), found) {
            return;
        }
    }
    found.ledger.push(row(LedgerKind::Matched, detail));
    let Some(indicator) = indicator else { return };
    let about = (&indicator.id, indicator.version.as_str(), shared.indicators.marking_of(&indicator.id));
    let config = &shared.config;
    match oversight::minimise(about, hit.observation, hit.hits, config.purpose, &config.consent, now) {
        Ok(minimised) => {
            let id = sighting_id(shared, source, stretch, (hit.line_offset, hit.text), &indicator.id);
            // Several rules of one indicator that one record meets are one sighting.
            if !found.sightings.iter().any(|known| known.id == id) {
                found.sightings.push(NewSpooled { id, minimised });
            }
        }
        Err(why) => found.ledger.push(row(LedgerKind::Withheld, why.to_string())),
    }
}

/// A field and its value, cut where it is long: command lines are, and the ledger keeps many.
fn shown(met: &Met) -> String {
    const VALUE_CHARS_MAX: usize = 200;
    let value = met.value.as_str().map_or_else(|| met.value.to_string(), str::to_owned);
    let value: String = value.chars().take(VALUE_CHARS_MAX).collect();
    format!("{} = {value}", met.field)
}
