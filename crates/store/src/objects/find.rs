use oversight::Realm;
use policy::{LabelKey, Visible};
use stix::observable::ValueKind;
use stix::{Id, Object};

use super::condition::{Conditions, label_condition, last_condition};
use super::fulltext::{Finding, Fit};
use super::hits::{self, Hunt};
use super::index::{followed, reference_mention, value_mention};
use super::page::PAGE_MAX;
use super::row::{Row, RowReader};
use crate::sql::{Dialect, Value};
use crate::words::phrases;
use crate::{Reader, StoreError};

/// Counting stops here.
pub const COUNT_MAX: u64 = 1000;
/// Objects that one look-up of a mention reads at most.
const CANDIDATES_MAX: usize = 10_000;

/// An object that mentions another one, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The object that mentions.
    pub row: Row,
    /// The properties in which it does, e.g. `source_ref`, `object_refs[2]`.
    pub properties: Vec<String>,
}

/// What to search for.
#[derive(Debug, Clone)]
pub struct SearchFilter<'a> {
    /// What the reader may see.
    pub visible: &'a Visible,
    /// Words, in Japanese or English; all must be there. The last letters of a longer English word may be missing.
    pub query: &'a str,
    /// Only these types; empty: all.
    pub types: &'a [&'a str],
    /// Whether revoked objects are found.
    pub revoked: bool,
    /// Read on after this.
    pub after: Option<SearchCursor>,
    /// How many hits at most.
    pub limit: usize,
}

/// What a search is narrowed to beside its filter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Within<'a> {
    /// Only versions under one of these labels, as far as the reader may see them; `None`: any.
    pub labels: Option<&'a [LabelKey]>,
    /// Only versions with a greater sequence; 0: all.
    pub newer_than: i64,
}

/// Where a page of hits ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor {
    /// How well the last hit fits.
    pub fit: Fit,
    /// Its sequence.
    pub sequence: i64,
}

/// Hits: those that fit better first, newest first within each [`Fit`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hits {
    /// Last versions that fit.
    pub rows: Vec<Row>,
    /// Where to read on; `None` on the last page.
    pub next: Option<SearchCursor>,
}

/// Objects whose last version refers to an object, newest first. References in `object_marking_refs` are not followed.
///
/// # Errors
/// Those of the database.
pub fn referring_to(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
    limit: usize,
) -> Result<Vec<Mention>, StoreError> {
    referring_before(reader, realm, visible, id, i64::MAX, limit)
}

/// The same from before a sequence on: the last one's of the page before.
///
/// # Errors
/// Those of the database.
pub fn referring_before(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
    before: i64,
    limit: usize,
) -> Result<Vec<Mention>, StoreError> {
    let mention = reference_mention(id);
    let mut found = Vec::new();
    for_each_mention(reader, realm, visible, (&mention, before), |row, object| {
        let properties: Vec<String> =
            followed(&object).filter(|(_, named)| named == id).map(|(property, _)| property).collect();
        if !properties.is_empty() {
            found.push(Mention { row, properties });
        }
        found.len() < limit
    })?;
    Ok(found)
}

/// Objects whose last version mentions an observable value (in the canonical form of `stix::observable`), newest first.
///
/// # Errors
/// Those of the database.
pub fn mentioning(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    kind: ValueKind,
    value: &str,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    mentioning_before(reader, realm, visible, (kind, value), i64::MAX, limit)
}

/// The same from before a sequence on: the last one's of the page before.
///
/// # Errors
/// Those of the database.
pub fn mentioning_before(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    (kind, value): (ValueKind, &str),
    before: i64,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    for_each_mention(reader, realm, visible, (&value_mention(kind, value), before), |row, object| {
        if stix::observable::values(&object).iter().any(|(k, v)| *k == kind && v == value) {
            found.push(row);
        }
        found.len() < limit
    })?;
    Ok(found)
}

/// How many last versions refer to an object, up to [`COUNT_MAX`]. Two objects in 2⁶⁴ are counted as one.
///
/// # Errors
/// Those of the database.
pub fn referring_count(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
) -> Result<u64, StoreError> {
    mention_count(reader, realm, visible, &reference_mention(id))
}

/// How many last versions mention a value, up to [`COUNT_MAX`]. Two values in 2⁶⁴ are counted as one.
///
/// # Errors
/// Those of the database.
pub fn mentioning_count(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    kind: ValueKind,
    value: &str,
) -> Result<u64, StoreError> {
    mention_count(reader, realm, visible, &value_mention(kind, value))
}

fn mention_count(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    mention: &str,
) -> Result<u64, StoreError> {
    let finding = Finding::new(reader);
    let sql = format!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM {} WHERE {} AND log.realm = ?1 AND log.kind = 0 AND {} AND {}
         LIMIT {COUNT_MAX}) AS hits",
        finding.tables(),
        finding.fits(2),
        label_condition("log.label", visible),
        last_condition(visible)
    );
    reader.number(&sql, (reader.realm(realm)?, finding.mention(mention))).map(crate::sql::count)
}

/// Full-text search over last versions. A query without a word finds nothing.
///
/// # Errors
/// Those of the database.
pub fn search(reader: &Reader<'_>, realm: &Realm, filter: &SearchFilter<'_>) -> Result<Hits, StoreError> {
    search_within(reader, realm, filter, Within::default())
}

/// Full-text search over last versions, narrowed.
///
/// # Errors
/// Those of the database.
pub fn search_within(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &SearchFilter<'_>,
    narrow: Within<'_>,
) -> Result<Hits, StoreError> {
    let limit = filter.limit.clamp(1, PAGE_MAX);
    let Some(query) = Finding::new(reader).query(&phrases(filter.query)) else {
        return Ok(Hits::default());
    };
    let mut hits: Vec<(Fit, Row)> = Vec::new();
    for (fit, form) in &query.by_fit {
        let beyond = match filter.after {
            Some(cursor) if cursor.fit > *fit => continue,
            Some(cursor) if cursor.fit == *fit => cursor.sequence,
            _ => i64::MAX,
        };
        let wanted = limit + 1 - hits.len();
        let found = matches(reader, realm, (filter, narrow), form, beyond, wanted)?;
        hits.extend(found.map(|row| (*fit, row)));
        if hits.len() > limit {
            break;
        }
    }
    let more = hits.len() > limit;
    hits.truncate(limit);
    let cursor = hits.last().map(|(fit, row)| SearchCursor { fit: *fit, sequence: row.sequence });
    Ok(Hits { rows: hits.into_iter().map(|(_, row)| row).collect(), next: cursor.filter(|_| more) })
}

/// How many objects a search finds, over all of its pages, up to [`COUNT_MAX`].
///
/// # Errors
/// Those of the database.
pub fn search_count(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &SearchFilter<'_>,
) -> Result<u64, StoreError> {
    search_count_within(reader, realm, filter, Within::default())
}

/// The same of a narrowed search.
///
/// # Errors
/// Those of the database.
pub fn search_count_within(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &SearchFilter<'_>,
    narrow: Within<'_>,
) -> Result<u64, StoreError> {
    let Some(query) = Finding::new(reader).query(&phrases(filter.query)) else {
        return Ok(0);
    };
    let count = |form: &str| {
        if reader.dialect() == Dialect::Postgres {
            let found = sequences(reader, realm, (filter, narrow), (form, i64::MAX), COUNT_MAX)?;
            return Ok(u64::try_from(found.len()).unwrap_or(u64::MAX));
        }
        let (sql, mut params) = match_sql(reader, realm, (filter, narrow), "1", COUNT_MAX)?;
        params.extend([Value::Text(form), Value::Integer(i64::MAX)]);
        reader.number(&format!("SELECT COUNT(*) FROM ({sql}) AS hits"), params).map(crate::sql::count)
    };
    let whole = count(&query.whole)?;
    match &query.begun {
        Some(begun) if whole < COUNT_MAX => count(begun),
        _ => Ok(whole),
    }
}

/// Calls `take` with last versions under a mention's word, newest first, until it has enough.
fn for_each_mention(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    (mention, before): (&str, i64),
    mut take: impl FnMut(Row, Object) -> bool,
) -> Result<(), StoreError> {
    let finding = Finding::new(reader);
    let sql = format!(
        "SELECT log.sequence FROM {} WHERE {} AND {} < ?3 AND log.realm = ?1 AND log.kind = 0 AND {} AND {}
         ORDER BY {} DESC LIMIT {CANDIDATES_MAX}",
        finding.tables(),
        finding.fits(2),
        finding.sequence(),
        label_condition("log.label", visible),
        last_condition(visible),
        finding.sequence()
    );
    let mut rows = RowReader::new(reader);
    let query = finding.mention(mention);
    for sequence in reader.rows(&sql, (reader.realm(realm)?, query, before), |row| row.get::<i64>(0))? {
        let row = rows.fetch(sequence)?;
        let object = Object::parse(row.body.clone())
            .map_err(|_| StoreError::corrupt(format!("object of log row {sequence}")))?;
        if !take(row, object) {
            break;
        }
    }
    Ok(())
}

fn matches(
    reader: &Reader<'_>,
    realm: &Realm,
    (filter, narrow): (&SearchFilter<'_>, Within<'_>),
    query: &str,
    beyond: i64,
    limit: usize,
) -> Result<impl Iterator<Item = Row>, StoreError> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let found = sequences(reader, realm, (filter, narrow), (query, beyond), limit)?;
    let mut rows = RowReader::new(reader);
    let found = found.into_iter().map(|sequence| rows.fetch(sequence)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter())
}

/// Where last versions stand that fit a full-text query, newest first, beyond a sequence.
fn sequences(
    reader: &Reader<'_>,
    realm: &Realm,
    (filter, narrow): (&SearchFilter<'_>, Within<'_>),
    (query, beyond): (&str, i64),
    limit: u64,
) -> Result<Vec<i64>, StoreError> {
    match reader.dialect() {
        Dialect::Sqlite => {
            let (sql, mut params) = match_sql(reader, realm, (filter, narrow), "log.sequence", limit)?;
            params.extend([Value::Text(query), Value::Integer(beyond)]);
            reader.rows(&sql, params, |row| row.get::<i64>(0))
        }
        Dialect::Postgres => {
            let conditions = match_conditions(reader, realm, (filter, narrow))?;
            let (conditions, params) = (&conditions.sql, conditions.params.as_slice());
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let (below, above) = (beyond, narrow.newer_than);
            hits::find(reader, &Hunt { query, below, above, conditions, params, limit })
        }
    }
}

/// Last versions that fit a full-text query, newest first; the query and the sequence to begin below are the two parameters
/// that are still to be added.
fn match_sql<'f>(
    reader: &Reader<'_>,
    realm: &Realm,
    (filter, narrow): (&SearchFilter<'f>, Within<'_>),
    columns: &str,
    limit: u64,
) -> Result<(String, Vec<Value<'f>>), StoreError> {
    let finding = Finding::new(reader);
    let conditions = match_conditions(reader, realm, (filter, narrow))?;
    let (place, sequence) = (conditions.params.len(), finding.sequence());
    let sql = format!(
        "SELECT {columns} FROM {} WHERE {} AND {sequence} < ?{} AND {} ORDER BY {sequence} DESC LIMIT {limit}",
        finding.tables(),
        finding.fits(place + 1),
        place + 2,
        conditions.sql
    );
    Ok((sql, conditions.params))
}

/// What must be so of a row of the log that fits a search, whatever its words.
fn match_conditions<'f>(
    reader: &Reader<'_>,
    realm: &Realm,
    (filter, narrow): (&SearchFilter<'f>, Within<'_>),
) -> Result<Conditions<'f>, StoreError> {
    let finding = Finding::new(reader);
    let mut conditions = Conditions::in_realm(reader.realm(realm)?);
    conditions.and("log.kind = 0");
    conditions.and(&label_condition("log.label", filter.visible));
    conditions.and(&last_condition(filter.visible));
    if !filter.revoked {
        conditions.and("log.revoked = 0");
    }
    conditions.one_of("log.type", filter.types);
    if let Some(labels) = narrow.labels {
        let keys: Vec<String> = labels.iter().map(LabelKey::to_string).collect();
        conditions.and(&format!("log.label IN ({})", keys.join(",")));
    }
    if narrow.newer_than > 0 {
        conditions.compare(&format!("{} >", finding.sequence()), narrow.newer_than);
    }
    Ok(conditions)
}
