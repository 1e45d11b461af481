//! How the versions that fit a query are found on PostgreSQL.
//!
//! Its index by word gives everything that fits at once and in no order: right for rare words, and slow for a word that half the log
//! bears. A version that is looked at costs less than one that the index gives, so every search begins with the newest few; how many
//! of them fit says, better than the server's statistics alone, whether to go on along the log or to ask the index for the rest.

use super::last_sequence;
use crate::sql::Value;
use crate::{Reader, StoreError};

/// The newest versions that every search looks at.
const PROBE_ROWS: i64 = 2_000;
/// Versions that one search looks at, at most, beside those that the index gives.
const SCAN_ROWS_MAX: i64 = 200_000;
/// How many versions can be looked at in the time in which the index gives one.
const SCANNED_PER_HIT: i64 = 2;
/// How many times as many are looked at as should be enough.
const PATIENCE: i64 = 4;

/// The log, a row at a time: nothing else of it is read than what is joined, and only as long as rows are wanted.
const LOG: &str =
    "CROSS JOIN LATERAL (SELECT * FROM log WHERE log.sequence = words.sequence OFFSET 0) AS log";

/// A search: a query in the database's language, below a sequence, with conditions on `log`.
#[derive(Clone, Copy)]
pub(super) struct Hunt<'a> {
    pub(super) query: &'a str,
    pub(super) below: i64,
    /// Nothing up to here is wanted.
    pub(super) above: i64,
    pub(super) conditions: &'a str,
    pub(super) params: &'a [Value<'a>],
    pub(super) limit: i64,
}

/// The sequences of what fits, newest first.
pub(super) fn find(reader: &Reader<'_>, hunt: &Hunt<'_>) -> Result<Vec<i64>, StoreError> {
    let wanted = usize::try_from(hunt.limit).unwrap_or(usize::MAX);
    let mut found = along_the_newest(reader, hunt, PROBE_ROWS)?;
    let mut rest = *hunt;
    let mut rows = Some(PROBE_ROWS);
    while let Some(looked_at) = rows {
        let sql = "SELECT sequence FROM words WHERE sequence < ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2";
        let end: Option<i64> = reader.first(sql, [rest.below, looked_at - 1], |row| row.get(0))?;
        let Some(end) = end.filter(|end| found.len() < wanted && *end > hunt.above) else {
            found.truncate(wanted);
            return Ok(found);
        };
        rest.below = end;
        // Once the log was followed for long, the index is asked for whatever is left.
        rows = if looked_at == PROBE_ROWS { rows_to_scan(reader, &rest, count(&found))? } else { None };
        if let Some(more) = rows {
            found.extend(along_the_newest(reader, &rest, more)?);
        }
    }
    found.extend(by_index(reader, &rest)?);
    found.truncate(wanted);
    Ok(found)
}

/// How many more versions should hold what is still wanted, `fitting` of the newest having fitted; `None` where the index is the
/// shorter way.
fn rows_to_scan(reader: &Reader<'_>, hunt: &Hunt<'_>, fitting: i64) -> Result<Option<i64>, StoreError> {
    if fitting == 0 {
        return Ok(None);
    }
    let enough = hunt.limit.saturating_sub(fitting).saturating_mul(PROBE_ROWS) / fitting;
    let all = last_sequence(reader)?.min(hunt.below);
    let by_probe = fitting.saturating_mul(all) / PROBE_ROWS;
    let hits = expected(reader, hunt.query)?.max(by_probe);
    if enough > hits.saturating_mul(SCANNED_PER_HIT) || enough > SCAN_ROWS_MAX {
        return Ok(None);
    }
    // Doubled and doubled again: few different statements to prepare, and none of the probe's length.
    let mut rows = PROBE_ROWS * 2;
    while rows < enough.saturating_mul(PATIENCE).min(SCAN_ROWS_MAX) {
        rows *= 2;
    }
    Ok(Some(rows))
}

fn count(found: &[i64]) -> i64 {
    i64::try_from(found.len()).unwrap_or(i64::MAX)
}

/// How many versions the server expects to fit.
fn expected(reader: &Reader<'_>, query: &str) -> Result<i64, StoreError> {
    let sql = "EXPLAIN SELECT 1 FROM words WHERE words.words @@ CAST(?1 AS tsquery)";
    let plan: Option<String> = reader.first(sql, [query], |row| row.get(0))?;
    let rows = plan.as_deref().and_then(|plan| plan.split("rows=").nth(1)?.split(' ').next()?.parse().ok());
    Ok(rows.unwrap_or(0))
}

/// What fits of so many newest versions.
fn along_the_newest(reader: &Reader<'_>, hunt: &Hunt<'_>, rows: i64) -> Result<Vec<i64>, StoreError> {
    let place = hunt.params.len();
    let sql = format!(
        "SELECT words.sequence FROM (SELECT sequence, words FROM words WHERE sequence < ?{} ORDER BY sequence DESC LIMIT {rows})
         AS words {LOG} WHERE words.words @@ CAST(?{} AS tsquery) AND {} ORDER BY words.sequence DESC LIMIT {}",
        place + 1,
        place + 2,
        hunt.conditions,
        hunt.limit
    );
    let mut params = hunt.params.to_vec();
    params.extend([Value::Integer(hunt.below), Value::Text(hunt.query)]);
    reader.rows(&sql, params, |row| row.get(0))
}

/// What fits of all.
fn by_index(reader: &Reader<'_>, hunt: &Hunt<'_>) -> Result<Vec<i64>, StoreError> {
    let place = hunt.params.len();
    let sql = format!(
        "WITH hits AS MATERIALIZED (SELECT sequence FROM words WHERE words.words @@ CAST(?{} AS tsquery))
         SELECT words.sequence FROM (SELECT sequence FROM hits WHERE sequence < ?{} ORDER BY sequence DESC) AS words {LOG}
         WHERE {} ORDER BY words.sequence DESC LIMIT {}",
        place + 1,
        place + 2,
        hunt.conditions,
        hunt.limit
    );
    let mut params = hunt.params.to_vec();
    params.extend([Value::Text(hunt.query), Value::Integer(hunt.below)]);
    reader.rows(&sql, params, |row| row.get(0))
}
