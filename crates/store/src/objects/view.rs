//! Reading the log in the order in which a class of readers has it before it ([`crate::openings`]).
//!
//! A view has parts, one behind the other: the log up to the first opening, what was opened then, the log up to the next opening,
//! and so on. In each part the log's own order holds, so each is read by what reads the log, bounded, under those labels that
//! stand in it: a page is as quick as one of the log, however much was opened.

use std::collections::BTreeSet;

use oversight::Realm;
use policy::{LabelKey, Visible};

use super::page::{self, Filter, PAGE_MAX, Page};
use super::plan::{self, Part};
use super::row::Row;
use super::tail::{Change, Narrow, Scan, Tail, TailFilter, scan};
use crate::openings::{Opening, View};
use crate::{Reader, StoreError};

/// Where a reader that follows a view stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// The log was followed through this sequence.
    pub sequence: i64,
    /// And of the opening with this number, what bears a sequence up to this; [`Place::ALL`]: all of it, and of every one before it.
    pub opening: Option<(i64, i64)>,
}

/// What of a view follows a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewTail {
    /// Each change, and the place of a reader that has it.
    pub changes: Vec<(Place, Change)>,
    /// Everything up to here is dealt with, seen or not.
    pub through: Place,
    /// Whether there is more to read at once.
    pub more: bool,
}

impl Place {
    /// The whole of an opening.
    pub const ALL: i64 = i64::MAX;

    /// Behind everything that was opened so far.
    #[must_use]
    pub fn behind(sequence: i64, view: &View) -> Self {
        Self { sequence, opening: view.openings().last().map(|opening| (opening.number, Self::ALL)) }
    }

    /// The labels of what was opened and is not behind this place, or not all of it.
    #[must_use]
    pub fn opened_ahead(&self, view: &View) -> BTreeSet<LabelKey> {
        let openings = view.openings();
        let known = self.opening.and_then(|(number, within)| {
            let place = openings.iter().position(|opening| opening.number == number)?;
            Some(if within == Self::ALL { place + 1 } else { place })
        });
        // As in [`tail_in_view`].
        let before = || openings.iter().take_while(|opening| opening.through < self.sequence).count();
        view.opened_from(known.unwrap_or_else(before))
    }
}

/// A page of a collection in a class's view, oldest first. [`Filter::after`] and [`Filter::added_after`] are dates of the view, and so are
/// those of the rows.
///
/// # Errors
/// As [`super::page()`].
pub fn page_in_view(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &Filter<'_>,
    view: &View,
) -> Result<Page, StoreError> {
    if view.openings().is_empty() {
        return page::page(reader, realm, filter);
    }
    page::check(filter)?;
    if filter.limit == 0 {
        return Ok(Page::default());
    }
    let walk = Walk { reader, realm: reader.realm(realm)?, filter, openings: view.openings() };
    let limit = filter.limit.min(PAGE_MAX);
    let mut rows = Vec::new();
    for place in 0..=view.openings().len() {
        if rows.len() > limit {
            break;
        }
        rows.extend(walk.log(place, view, limit + 1 - rows.len())?);
        if let Some(opening) = view.openings().get(place).filter(|_| rows.len() <= limit) {
            rows.extend(walk.opened(opening, &view.opened_from(place + 1), limit + 1 - rows.len())?);
        }
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Page { rows, more })
}

/// One reading of a page.
struct Walk<'a, 'c> {
    reader: &'a Reader<'c>,
    realm: i64,
    filter: &'a Filter<'a>,
    openings: &'a [Opening],
}

impl Walk<'_, '_> {
    /// The log up to the opening at a place of the list, or to its end.
    fn log(&self, place: usize, view: &View, wanted: usize) -> Result<Vec<Row>, StoreError> {
        let cursor = self.filter.after.max(self.filter.added_after);
        let before = place.checked_sub(1).and_then(|before| self.openings.get(before));
        let next = self.openings.get(place);
        if next.is_some_and(|next| cursor.is_some_and(|cursor| cursor >= next.first)) {
            return Ok(Vec::new());
        }
        let mut after = cursor;
        if let Some(before) = before {
            let Some(floor) = self.date_before(before.through)? else { return Ok(Vec::new()) };
            after = Some(match cursor.filter(|cursor| *cursor > before.line) {
                None => floor,
                // Behind the cursor is what is dated behind it, by its own date or by the line.
                Some(cursor) => {
                    let by_line = before.through.saturating_add(cursor.saturating_sub(before.line));
                    self.date_before(by_line)?.map_or(cursor, |bound| bound.min(cursor)).max(floor)
                }
            });
        }
        let through = match next {
            Some(next) => self.date_before(next.through)?,
            None => None,
        };
        let hidden = view.opened_from(place);
        let shown = self.filter.visible.narrowed(|label| !hidden.contains(&label));
        let mut rows = self.rows(&shown, after, through, wanted)?;
        if let Some(before) = before {
            for row in &mut rows {
                let by_line = before.line.saturating_add(row.sequence.saturating_sub(before.through));
                row.date_added_us = row.date_added_us.max(by_line);
            }
        }
        Ok(rows)
    }

    /// What was opened, but for labels that were opened again later.
    fn opened(
        &self,
        opening: &Opening,
        later: &BTreeSet<LabelKey>,
        wanted: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let cursor = self.filter.after.max(self.filter.added_after);
        let passed = cursor.map_or(0, |cursor| cursor.saturating_sub(opening.first)).max(0);
        let Some(after) = self.date_before(passed)?.filter(|_| passed < opening.through) else {
            return Ok(Vec::new());
        };
        let through = self.date_before(opening.through)?;
        let shown =
            self.filter.visible.narrowed(|label| opening.labels.contains(&label) && !later.contains(&label));
        let mut rows = self.rows(&shown, Some(after), through, wanted)?;
        for row in &mut rows {
            row.date_added_us = opening.first.saturating_add(row.sequence);
        }
        Ok(rows)
    }

    fn rows(
        &self,
        shown: &Visible,
        after: Option<i64>,
        through: Option<i64>,
        wanted: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let filter = Filter { after, added_after: None, ..self.filter.clone() };
        plan::rows(self.reader, self.realm, &filter, &Part { shown, through }, wanted)
    }

    /// The last date before that of the first row of the collection behind a sequence; `None` where there is no such row.
    fn date_before(&self, sequence: i64) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT date_added FROM log WHERE sequence > ?1 AND realm + 0 = ?2 AND collection + 0 = ?3
             ORDER BY sequence LIMIT 1";
        let date = self
            .reader
            .first(sql, (sequence, self.realm, self.filter.collection), |row| row.get::<i64>(0))?;
        Ok(date.map(|date| date.saturating_sub(1)))
    }
}

/// The changes behind a place of a class's view, over all collections of a realm.
///
/// # Errors
/// Those of the database.
pub fn tail_in_view(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &TailFilter<'_>,
    view: &View,
    from: Place,
) -> Result<ViewTail, StoreError> {
    let openings = view.openings();
    let (mut place, mut within) = match from.opening.and_then(|(number, within)| {
        let place = openings.iter().position(|opening| opening.number == number)?;
        Some((place, within))
    }) {
        Some((place, within)) => (place, Some(within)),
        // Of what was opened at or after that place in the log nothing was given yet.
        None => (openings.iter().take_while(|opening| opening.through < from.sequence).count(), None),
    };
    let mut at = Place { opening: from.opening.filter(|_| within.is_some()), ..from };
    let mut changes: Vec<(Place, Change)> = Vec::new();
    loop {
        let left = filter.limit.saturating_sub(changes.len());
        let part = match (openings.get(place), within) {
            (Some(opening), Some(passed)) => {
                let later = view.opened_from(place + 1);
                let part = opened_tail(reader, realm, filter, (opening, &later), passed, left)?;
                let number = opening.number;
                let placed = |sequence| Place { sequence: at.sequence, opening: Some((number, sequence)) };
                changes.extend(part.changes.into_iter().map(|change| (placed(change.sequence()), change)));
                at = placed(part.through);
                if !part.more {
                    at.opening = Some((number, Place::ALL));
                    (place, within) = (place + 1, None);
                }
                part.more
            }
            (next, _) => {
                let hidden = view.opened_from(place);
                let through = next.map(|next| next.through);
                let part = log_tail(reader, realm, filter, (&hidden, through), at.sequence, left)?;
                let opening = at.opening;
                changes.extend(
                    part.changes
                        .into_iter()
                        .map(|change| (Place { sequence: change.sequence(), opening }, change)),
                );
                at.sequence = part.through;
                if !part.more {
                    let Some(next) = next else { return Ok(ViewTail { changes, through: at, more: false }) };
                    at.sequence = at.sequence.max(next.through);
                    at.opening = Some((next.number, 0));
                    within = Some(0);
                }
                part.more
            }
        };
        if part || changes.len() >= filter.limit {
            return Ok(ViewTail { changes, through: at, more: true });
        }
    }
}

/// What was opened, behind a sequence.
fn opened_tail(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &TailFilter<'_>,
    (opening, later): (&Opening, &BTreeSet<LabelKey>),
    after: i64,
    limit: usize,
) -> Result<Tail, StoreError> {
    let shown: BTreeSet<LabelKey> = opening
        .labels
        .iter()
        .copied()
        .filter(|label| !later.contains(label) && filter.visible.contains(*label))
        .collect();
    if after >= opening.through || shown.is_empty() {
        return Ok(Tail { changes: Vec::new(), through: opening.through, more: false });
    }
    let narrow = Narrow { collection: None, labels: Some(&shown) };
    let bounds = Scan { through: Some(opening.through), hidden: None, additions_only: true };
    scan(reader, realm, &TailFilter { after, limit, ..filter.clone() }, &narrow, &bounds)
}

/// The log, behind a sequence and up to the next opening.
fn log_tail(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &TailFilter<'_>,
    (hidden, through): (&BTreeSet<LabelKey>, Option<i64>),
    after: i64,
    limit: usize,
) -> Result<Tail, StoreError> {
    if through.is_some_and(|through| after >= through) {
        return Ok(Tail { changes: Vec::new(), through: after, more: false });
    }
    let bounds = Scan { through, hidden: Some(hidden), additions_only: false };
    scan(reader, realm, &TailFilter { after, limit, ..filter.clone() }, &Narrow::default(), &bounds)
}
