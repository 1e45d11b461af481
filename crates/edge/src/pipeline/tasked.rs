//! What the state asks for beside the operator's own defence: what is found under an authorisation, and nothing else of the record.

use std::sync::Arc;

use jiff::Timestamp;
use matcher::{Match, Scanner};
use oversight::authorisation::Selected;

use super::{FileScanner, Source, Yield};
use crate::Shared;
use crate::authority::{Authority, Tasks};
use crate::source::tail::Stretch;

/// Holds what is asked for against one stretch. Nothing of what was not selected outlives this function, and nothing of it is shown.
pub(super) fn scan(
    shared: &Shared,
    source: &Source,
    file: &mut FileScanner,
    stretch: &Stretch,
    now: Timestamp,
    found: &mut Yield,
) {
    let Some(authority) = &shared.authority else { return };
    let tasks = authority.tasks();
    if tasks.is_empty() {
        file.tasked = None;
        return;
    }
    let scanner = file.tasked.get_or_insert_with(|| {
        let mut scanner = Scanner::new(Arc::clone(tasks.set()), source.reader());
        scanner.scan(&file.header, Timestamp::UNIX_EPOCH, &mut |_| {});
        scanner
    });
    scanner.adopt(Arc::clone(tasks.set()));
    scanner.scan(&stretch.bytes, now, &mut |hit| {
        if let Some(selected) = select(shared, authority, &tasks, hit, now) {
            let known = found.selected.remove(&selected.id());
            let all = known.map_or_else(|| selected.clone(), |known| known.with(&selected));
            found.selected.insert(all.id(), all);
        }
    });
}

fn select(
    shared: &Shared,
    authority: &Authority,
    tasks: &Tasks,
    hit: &Match<'_>,
    now: Timestamp,
) -> Option<Selected> {
    let (authorised, member) = tasks.of(&hit.indicator.id())?;
    // A use ends by itself: whoever ends it may come a moment later.
    if now >= authorised.until() {
        return None;
    }
    let record = (hit.observation, hit.hits);
    authorised.select(member, record, &shared.config.consent, authority.pseudonyms(), now).ok()
}
