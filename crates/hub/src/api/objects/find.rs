//! Lists and search: by words in Japanese or English, by an exact value also when it is defanged, or simply the newest.

use std::sync::Arc;

use api::{ObjectPage, SearchTerms, ValueHit};
use axum::Json;
use axum::extract::State;
use oversight::Realm;
use policy::Operation;
use serde::Deserialize;
use stix::observable::recognise;
use store::objects::{COUNT_MAX, Filter, Fit, Order, Row, SearchCursor, SearchFilter, Versions};
use store::{Reader, StoreError, objects};

use crate::api::summaries::{Teller, leaving};
use crate::finding::{Scope, Terms, VALUE_MENTIONS_MAX};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::request::Query;
use crate::state::AppState;

/// Objects of a page where nothing is asked for.
const PAGE_DEFAULT: usize = 50;
/// Most objects of a page.
const PAGE_MAX: usize = 200;
/// Largest number that every JSON reader holds exactly: an exact count never reaches it.
const COUNT_EXACT: u64 = (1 << 53) - 1;

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ObjectQuery {
    /// Words in Japanese or English, or one exact value (address, domain name, URL, hash, CVE …), also defanged.
    #[serde(default)]
    query: String,
    /// STIX types, separated by commas.
    #[serde(default, rename = "type")]
    types: String,
    /// TLP levels (`clear`, `green`, `amber`, `amber+strict`, `red`, `unmarked`), separated by commas.
    #[serde(default)]
    tlp: String,
    /// Short names of the organisations that brought it in, separated by commas.
    #[serde(default)]
    originator: String,
    /// Only with at least this `confidence`; then the newest or best 1000 are looked through.
    confidence: Option<u8>,
    /// Whether revoked objects are given too.
    #[serde(default)]
    revoked: bool,
    /// `added` (newest first) or `relevance`; absent: relevance where there are words.
    #[param(inline)]
    sort: Option<Sort>,
    /// Objects of a page, at most 200; 50 where absent.
    limit: Option<usize>,
    /// From the page before.
    next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sort {
    Added,
    Relevance,
}

/// What was found of it.
struct Found {
    rows: Vec<Row>,
    count: u64,
    count_max: u64,
    next: Option<String>,
}

/// Objects, newest or most relevant first.
#[utoipa::path(get, path = "/api/v1/objects", tag = "objects", security(("session" = []), ("token" = [])), params(ObjectQuery),
    responses((status = 200, body = ObjectPage), crate::api::CallerRefusal))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ObjectQuery>,
) -> Answer<Json<ObjectPage>> {
    caller.demand(&state, Operation::Read)?;
    let wanted = Wanted::read(&query)?;
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let scope = wanted.terms.scope(reader, asker.realm(), Arc::clone(&teller.visible))?;
        let found = wanted.find(&work, &asker, &teller, &scope)?;
        let similar = if wanted.is_first_page_of_words() {
            wanted.terms.similar(&work.names, reader, asker.realm(), &scope, &found.rows)?
        } else {
            Vec::new()
        };
        let page = ObjectPage {
            objects: found.rows.iter().map(|row| teller.object(row)).collect::<Result<_, _>>()?,
            count: found.count,
            count_max: found.count_max,
            next: found.next,
            similar: similar.iter().map(|row| teller.object(row)).collect::<Result<_, _>>()?,
            as_of: reader.now().to_string(),
        };
        let mut leaving: Vec<Leaving> = found.rows.iter().chain(&similar).map(leaving).collect();
        leaving.extend(teller.take_named());
        Ok((page, leaving, teller.visible))
    });
    let (page, leaving, visible) = found.await?;
    let recipient = Recipient { caller, door: "search" };
    let page = state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, page).await?;
    Ok(Json(page.into_inner()))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ValueQuery {
    /// An address, domain name, URL, hash, CVE number …, also defanged.
    value: String,
}

/// What mentions an observable value.
#[utoipa::path(get, path = "/api/v1/values", tag = "objects", security(("session" = []), ("token" = [])), params(ValueQuery),
    responses((status = 200, body = [ValueHit]), crate::api::CallerRefusal))]
pub(super) async fn values(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ValueQuery>,
) -> Answer<Json<Vec<ValueHit>>> {
    caller.demand(&state, Operation::Read)?;
    let Some((kind, value)) = recognise(query.value.trim()) else { return Ok(Json(Vec::new())) };
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let rows =
            objects::mentioning(reader, asker.realm(), &teller.visible, kind, &value, VALUE_MENTIONS_MAX)?;
        if rows.is_empty() {
            return Ok((Vec::new(), Vec::new(), teller.visible));
        }
        let told = rows.iter().map(|row| teller.object(row)).collect::<Result<_, _>>()?;
        let hit = ValueHit { kind: kind.name().to_owned(), value, objects: told };
        let mut leaving: Vec<Leaving> = rows.iter().map(leaving).collect();
        leaving.extend(teller.take_named());
        Ok((vec![hit], leaving, teller.visible))
    });
    let (hits, leaving, visible) = found.await?;
    let recipient = Recipient { caller, door: "values" };
    let hits = state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, hits).await?;
    Ok(Json(hits.into_inner()))
}

/// A query, read.
struct Wanted {
    terms: Terms,
    sort: Sort,
    limit: usize,
    next: Option<Next>,
}

/// Where the page before ended. Its text is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Of the newest: before this `date_added` in microseconds.
    Added(i64),
    /// Of a search by relevance.
    Hit(SearchCursor),
    /// Of a search or of an exact value, newest first: before this sequence.
    Sequence(i64),
}

/// The letters of the kinds of hits in a cursor.
const FITS: [(char, Fit); 4] =
    [('n', Fit::Name), ('m', Fit::NameBegun), ('t', Fit::Text), ('u', Fit::TextBegun)];

/// What stands between commas.
pub(super) fn list_of(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl ObjectQuery {
    /// What is searched for.
    pub(super) fn terms(&self) -> Answer<Terms> {
        Terms::read(&SearchTerms {
            query: self.query.clone(),
            types: list_of(&self.types),
            tlp: list_of(&self.tlp),
            originators: list_of(&self.originator),
            confidence: self.confidence,
            revoked: self.revoked,
        })
    }
}

impl Wanted {
    fn read(query: &ObjectQuery) -> Answer<Self> {
        let terms = query.terms()?;
        let next = query.next.as_deref().filter(|text| !text.is_empty()).map(|text| {
            Next::read(text)
                .ok_or_else(|| Failure::new(api::Code::BadRequest, "next: give it back as it came"))
        });
        Ok(Self {
            sort: query.sort.unwrap_or(if terms.words.is_empty() { Sort::Added } else { Sort::Relevance }),
            limit: query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX),
            next: next.transpose()?,
            terms,
        })
    }

    fn is_first_page_of_words(&self) -> bool {
        self.next.is_none() && !self.terms.words.is_empty()
    }

    fn find(
        &self,
        state: &AppState,
        caller: &Caller,
        teller: &Teller<'_, '_>,
        scope: &Scope,
    ) -> Result<Found, StoreError> {
        let (reader, realm) = (teller.reader, caller.realm());
        if self.terms.words.is_empty() {
            return self.newest(state, caller, teller, scope);
        }
        if let Some(rows) = self.terms.by_value(reader, realm, scope)? {
            return Ok(self.cut_by_sequence(rows, VALUE_MENTIONS_MAX as u64));
        }
        if self.sort == Sort::Relevance && self.terms.confidence.is_none() {
            return self.relevant(caller, teller, scope);
        }
        let mut rows = self.terms.by_words(reader, realm, scope, 0)?;
        rows.sort_by_key(|row| std::cmp::Reverse(row.sequence));
        Ok(self.cut_by_sequence(rows, COUNT_MAX))
    }

    fn newest(
        &self,
        state: &AppState,
        caller: &Caller,
        teller: &Teller<'_, '_>,
        scope: &Scope,
    ) -> Result<Found, StoreError> {
        let (reader, realm) = (teller.reader, caller.realm());
        let types = self.terms.types();
        let narrowed = scope.visible.narrowed(|key| scope.takes(key));
        let filter = Filter {
            collection: state.collection.key,
            visible: &narrowed,
            after: self.next.and_then(|next| if let Next::Added(us) = next { Some(us) } else { None }),
            added_after: None,
            ids: &[],
            types: &types,
            versions: Versions::last(),
            spec_versions: &[],
            revoked: self.terms.revoked,
            order: Order::Descending,
            limit: self.limit,
        };
        let all =
            Filter { after: None, limit: usize::try_from(COUNT_MAX).unwrap_or(usize::MAX), ..filter.clone() };
        if self.terms.confidence.is_some() {
            let mut rows = Vec::new();
            for row in current(reader, realm, scope, objects::page(reader, realm, &all)?.rows)? {
                if self.terms.takes(&row, scope)? {
                    rows.push(row);
                }
            }
            return Ok(self.cut_by_sequence(rows, COUNT_MAX));
        }
        let page = objects::page(reader, realm, &filter)?;
        let next = page.rows.last().filter(|_| page.more).map(|row| Next::Added(row.date_added_us).text());
        let (count, count_max) = if self.terms.revoked {
            let all = objects::page(reader, realm, &all)?;
            (u64::try_from(all.rows.len()).unwrap_or(u64::MAX), COUNT_MAX)
        } else {
            (objects::count(reader, realm, &narrowed, &types)?, COUNT_EXACT)
        };
        Ok(Found { rows: current(reader, realm, scope, page.rows)?, count, count_max, next })
    }

    fn relevant(&self, caller: &Caller, teller: &Teller<'_, '_>, scope: &Scope) -> Result<Found, StoreError> {
        let types = self.terms.types();
        let after = self.next.and_then(|next| if let Next::Hit(cursor) = next { Some(cursor) } else { None });
        let filter = SearchFilter {
            visible: &teller.visible,
            query: &self.terms.words,
            types: &types,
            revoked: self.terms.revoked,
            after,
            limit: self.limit,
        };
        let narrow = scope.narrow(0);
        let hits = objects::search_within(teller.reader, caller.realm(), &filter, narrow)?;
        // A first page that is the only one has been counted.
        let count = if after.is_none() && hits.next.is_none() {
            u64::try_from(hits.rows.len()).unwrap_or(u64::MAX)
        } else {
            objects::search_count_within(teller.reader, caller.realm(), &filter, narrow)?
        };
        Ok(Found {
            rows: hits.rows,
            count,
            count_max: COUNT_MAX,
            next: hits.next.map(|cursor| Next::Hit(cursor).text()),
        })
    }

    /// A page out of rows that are at hand, newest first.
    fn cut_by_sequence(&self, mut rows: Vec<Row>, count_max: u64) -> Found {
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if let Some(Next::Sequence(before)) = self.next {
            rows.retain(|row| row.sequence < before);
        }
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| more).map(|row| Next::Sequence(row.sequence).text());
        Found { rows, count, count_max, next }
    }
}

/// Of versions that are the last under some labels those that are the last of all that the reader may see.
fn current(
    reader: &Reader<'_>,
    realm: &Realm,
    scope: &Scope,
    rows: Vec<Row>,
) -> Result<Vec<Row>, StoreError> {
    if scope.labels.is_none() {
        return Ok(rows);
    }
    let mut current = Vec::with_capacity(rows.len());
    for row in rows {
        let last = objects::get(reader, realm, &scope.visible, &row.id)?;
        if last.is_some_and(|last| last.sequence == row.sequence) {
            current.push(row);
        }
    }
    Ok(current)
}

impl Next {
    fn text(self) -> String {
        match self {
            Self::Added(us) => format!("a{us}"),
            Self::Sequence(sequence) => format!("s{sequence}"),
            Self::Hit(SearchCursor { fit, sequence }) => {
                let kind = FITS.iter().find(|(_, known)| *known == fit).map_or('n', |(kind, _)| *kind);
                format!("{kind}{sequence}")
            }
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut characters = text.chars();
        let kind = characters.next()?;
        let number: i64 = characters.as_str().parse().ok()?;
        match kind {
            'a' => Some(Self::Added(number)),
            's' => Some(Self::Sequence(number)),
            _ => {
                let (_, fit) = FITS.iter().find(|(known, _)| *known == kind)?;
                Some(Self::Hit(SearchCursor { fit: *fit, sequence: number }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_were() {
        for next in [
            Next::Added(-1),
            Next::Sequence(5),
            Next::Hit(SearchCursor { fit: Fit::Name, sequence: 7 }),
            Next::Hit(SearchCursor { fit: Fit::NameBegun, sequence: 7 }),
            Next::Hit(SearchCursor { fit: Fit::Text, sequence: 7 }),
            Next::Hit(SearchCursor { fit: Fit::TextBegun, sequence: 7 }),
        ] {
            assert_eq!(Next::read(&next.text()), Some(next));
        }
        for wrong in ["", "a", "x7", "n7;", "日本"] {
            assert_eq!(Next::read(wrong), None, "{wrong}");
        }
    }
}
