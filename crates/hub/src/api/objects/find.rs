//! Lists and search: by words in Japanese or English, by an exact value also when it is defanged, or simply the newest.

use api::{ObjectPage, ValueHit};
use axum::Json;
use axum::extract::State;
use policy::Operation;
use serde::Deserialize;
use stix::observable::{ValueKind, recognise};
use store::objects::{COUNT_MAX, Filter, Order, Row, SearchCursor, SearchFilter, Versions};
use store::{StoreError, objects};

use crate::api::summaries::{Teller, leaving};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::request::Query;
use crate::state::AppState;

/// Objects of a page where nothing is asked for.
const PAGE_DEFAULT: usize = 50;
/// Most objects of a page.
const PAGE_MAX: usize = 200;
/// Most objects given for an exact value.
const VALUE_MENTIONS_MAX: usize = 500;
/// Longest query, in characters.
const QUERY_CHARACTERS_MAX: usize = 500;
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
        let found = wanted.find(&work, &asker, &teller)?;
        let page = ObjectPage {
            objects: found.rows.iter().map(|row| teller.object(row)).collect::<Result<_, _>>()?,
            count: found.count,
            count_max: found.count_max,
            next: found.next,
            as_of: reader.now().to_string(),
        };
        let mut leaving: Vec<Leaving> = found.rows.iter().map(leaving).collect();
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
    words: String,
    value: Option<(ValueKind, String)>,
    types: Vec<String>,
    revoked: bool,
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

impl Wanted {
    fn read(query: &ObjectQuery) -> Answer<Self> {
        let words = query.query.trim().to_owned();
        if words.chars().count() > QUERY_CHARACTERS_MAX {
            return Err(Failure::new(
                api::Code::BadRequest,
                format!("query: more than {QUERY_CHARACTERS_MAX} characters"),
            ));
        }
        let next = query.next.as_deref().filter(|text| !text.is_empty()).map(|text| {
            Next::read(text)
                .ok_or_else(|| Failure::new(api::Code::BadRequest, "next: give it back as it came"))
        });
        Ok(Self {
            value: recognise(&words),
            types: query
                .types
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            revoked: query.revoked,
            sort: query.sort.unwrap_or(if words.is_empty() { Sort::Added } else { Sort::Relevance }),
            limit: query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX),
            next: next.transpose()?,
            words,
        })
    }

    fn types(&self) -> Vec<&str> {
        self.types.iter().map(String::as_str).collect()
    }

    fn find(&self, state: &AppState, caller: &Caller, teller: &Teller<'_, '_>) -> Result<Found, StoreError> {
        if self.words.is_empty() {
            return self.newest(state, caller, teller);
        }
        if let Some((kind, value)) = &self.value {
            let mut rows = objects::mentioning(
                teller.reader,
                caller.realm(),
                &teller.visible,
                *kind,
                value,
                VALUE_MENTIONS_MAX,
            )?;
            rows.retain(|row| self.takes(row));
            // What looks like a value and is none of ours may still be a word of a text: `update.exe`, `rundll32.dll`.
            if !rows.is_empty() {
                return Ok(self.cut_by_sequence(rows, VALUE_MENTIONS_MAX as u64));
            }
        }
        match self.sort {
            Sort::Relevance => self.relevant(caller, teller),
            Sort::Added => self.newest_hits(caller, teller),
        }
    }

    fn takes(&self, row: &Row) -> bool {
        let is_of_type =
            self.types.is_empty() || self.types.iter().any(|wanted| wanted == row.id.object_type());
        is_of_type && (self.revoked || !row.revoked)
    }

    fn newest(
        &self,
        state: &AppState,
        caller: &Caller,
        teller: &Teller<'_, '_>,
    ) -> Result<Found, StoreError> {
        let types = self.types();
        let filter = Filter {
            collection: state.collection.key,
            visible: &teller.visible,
            after: self.next.and_then(|next| if let Next::Added(us) = next { Some(us) } else { None }),
            added_after: None,
            ids: &[],
            types: &types,
            versions: Versions::last(),
            spec_versions: &[],
            revoked: self.revoked,
            order: Order::Descending,
            limit: self.limit,
        };
        let page = objects::page(teller.reader, caller.realm(), &filter)?;
        let (count, count_max) = if self.revoked {
            let limit = usize::try_from(COUNT_MAX).unwrap_or(usize::MAX);
            let all = objects::page(
                teller.reader,
                caller.realm(),
                &Filter { after: None, limit, ..filter.clone() },
            )?;
            (u64::try_from(all.rows.len()).unwrap_or(u64::MAX), COUNT_MAX)
        } else {
            (objects::count(teller.reader, caller.realm(), &teller.visible, &types)?, COUNT_EXACT)
        };
        let next = page.rows.last().filter(|_| page.more).map(|row| Next::Added(row.date_added_us).text());
        Ok(Found { rows: page.rows, count, count_max, next })
    }

    fn relevant(&self, caller: &Caller, teller: &Teller<'_, '_>) -> Result<Found, StoreError> {
        let types = self.types();
        let after = self.next.and_then(|next| if let Next::Hit(cursor) = next { Some(cursor) } else { None });
        let filter = self.search_filter(teller, &types, after, self.limit);
        let hits = objects::search(teller.reader, caller.realm(), &filter)?;
        let count = objects::search_count(teller.reader, caller.realm(), &filter)?;
        Ok(Found {
            rows: hits.rows,
            count,
            count_max: COUNT_MAX,
            next: hits.next.map(|cursor| Next::Hit(cursor).text()),
        })
    }

    /// The newest first, of as many hits as are counted.
    fn newest_hits(&self, caller: &Caller, teller: &Teller<'_, '_>) -> Result<Found, StoreError> {
        let types = self.types();
        let limit = usize::try_from(COUNT_MAX).unwrap_or(usize::MAX);
        let filter = self.search_filter(teller, &types, None, limit);
        let mut rows = objects::search(teller.reader, caller.realm(), &filter)?.rows;
        rows.sort_by_key(|row| std::cmp::Reverse(row.sequence));
        Ok(self.cut_by_sequence(rows, COUNT_MAX))
    }

    fn search_filter<'f>(
        &'f self,
        teller: &'f Teller<'_, '_>,
        types: &'f [&'f str],
        after: Option<SearchCursor>,
        limit: usize,
    ) -> SearchFilter<'f> {
        SearchFilter {
            visible: &teller.visible,
            query: &self.words,
            types,
            revoked: self.revoked,
            after,
            limit,
        }
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

impl Next {
    fn text(self) -> String {
        match self {
            Self::Added(us) => format!("a{us}"),
            Self::Sequence(sequence) => format!("s{sequence}"),
            Self::Hit(SearchCursor { in_name: true, sequence }) => format!("n{sequence}"),
            Self::Hit(SearchCursor { in_name: false, sequence }) => format!("t{sequence}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut characters = text.chars();
        let kind = characters.next()?;
        let number: i64 = characters.as_str().parse().ok()?;
        match kind {
            'a' => Some(Self::Added(number)),
            's' => Some(Self::Sequence(number)),
            'n' => Some(Self::Hit(SearchCursor { in_name: true, sequence: number })),
            't' => Some(Self::Hit(SearchCursor { in_name: false, sequence: number })),
            _ => None,
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
            Next::Hit(SearchCursor { in_name: true, sequence: 7 }),
            Next::Hit(SearchCursor { in_name: false, sequence: 7 }),
        ] {
            assert_eq!(Next::read(&next.text()), Some(next));
        }
        for wrong in ["", "a", "x7", "n7;", "日本"] {
            assert_eq!(Next::read(wrong), None, "{wrong}");
        }
    }
}
