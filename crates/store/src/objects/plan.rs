//! How a page is found quickly, whoever reads and however deep.
//!
//! Three ways, chosen by what the tallies say:
//!
//! 1. By identifier, where the reader names them.
//! 2. Along the collection by date, where most of what comes by fits. It gives up after [`SCAN_ROWS_PER_HIT`] rows for
//!    each row of the page, for what fits may lie all at one end.
//! 3. Branch by branch (type, label, flag) of the index, each of which holds nothing that does not fit, merged by date.
//!    Each branch is asked only for what would come before the page's end as it stands.

use policy::{LabelKey, Visible};

use super::condition::{Conditions, first_condition, label_condition, last_condition, line_condition};
use super::page::{Filter, Order, PAGE_MAX, Page};
use super::place::{object_key, rows_of_any};
use super::row::{COLUMNS, Row, RowReader};
use crate::sql::Value;
use crate::{Reader, StoreError};

/// Rows that a scan looks at for each row it is to give.
const SCAN_ROWS_PER_HIT: i64 = 16;

/// A page of a collection.
pub(super) fn page(reader: &Reader<'_>, realm: i64, filter: &Filter<'_>) -> Result<Page, StoreError> {
    let limit = filter.limit.min(PAGE_MAX);
    let whole = Part { shown: filter.visible, through: None };
    // One row more than the page has, to know whether there is more.
    let mut found = if limit == 0 { Vec::new() } else { rows(reader, realm, filter, &whole, limit + 1)? };
    let more = found.len() > limit;
    found.truncate(limit);
    Ok(Page { rows: found, more })
}

/// Which part of what fits a filter is read. What is the last or first version of an object goes by all that the reader may see.
pub(super) struct Part<'p> {
    /// Only rows under these labels.
    pub(super) shown: &'p Visible,
    /// Only rows up to this `date_added`.
    pub(super) through: Option<i64>,
}

/// The first rows of a part.
pub(super) fn rows(
    reader: &Reader<'_>,
    realm: i64,
    filter: &Filter<'_>,
    part: &Part<'_>,
    wanted: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut plan = Plan { reader, realm, filter, part, wanted, all_seen: false };
    if part.shown.keys().is_empty() {
        Ok(Vec::new())
    } else if filter.ids.is_empty() {
        plan.by_date_or_branch()
    } else {
        plan.by_id()
    }
}

/// The third way, whatever the tallies say.
#[cfg(test)]
pub(super) fn by_branch_for_test(reader: &Reader<'_>, filter: &Filter<'_>) {
    let part = Part { shown: filter.visible, through: Some(9) };
    let plan = Plan { reader, realm: 1, filter, part: &part, wanted: 2, all_seen: false };
    let key = filter.visible.keys()[0];
    let branch = Branch { object_type: "campaign".to_owned(), label: key, is_last: 1, versions: 1 };
    plan.by_branch(&[branch], Some(3), 2).unwrap();
}

struct Plan<'p, 'c> {
    reader: &'p Reader<'c>,
    realm: i64,
    filter: &'p Filter<'p>,
    part: &'p Part<'p>,
    wanted: usize,
    /// Whether the reader sees every label of the collection.
    all_seen: bool,
}

/// One beginning of the index in which everything fits, but perhaps for the finer conditions.
struct Branch {
    object_type: String,
    label: LabelKey,
    is_last: i64,
    versions: i64,
}

impl<'p> Plan<'p, '_> {
    fn by_date_or_branch(&mut self) -> Result<Vec<Row>, StoreError> {
        let sql = "SELECT type, label, is_last, versions FROM tallies
            WHERE realm = ?1 AND collection = ?2 AND versions > 0";
        let all = self.reader.rows(sql, (self.realm, self.filter.collection), |row| {
            Ok(Branch {
                object_type: row.get(0)?,
                label: row.get(1)?,
                is_last: row.get(2)?,
                versions: row.get(3)?,
            })
        })?;
        let total: i64 = all.iter().map(|branch| branch.versions).sum();
        self.all_seen = all.iter().all(|branch| self.part.shown.contains(branch.label));
        let fitting: Vec<Branch> = all.into_iter().filter(|branch| self.may_fit(branch)).collect();
        let seen: i64 = fitting.iter().map(|branch| branch.versions).sum();
        if seen == 0 {
            return Ok(Vec::new());
        }
        if seen.saturating_mul(SCAN_ROWS_PER_HIT) < total {
            return self.by_branch(&fitting, self.filter.after, self.wanted);
        }
        let (mut rows, ended_at) = self.by_date()?;
        if rows.len() < self.wanted
            && let Some(ended_at) = ended_at
        {
            rows.extend(self.by_branch(&fitting, Some(ended_at), self.wanted - rows.len())?);
        }
        Ok(rows)
    }

    fn may_fit(&self, branch: &Branch) -> bool {
        let filter = self.filter;
        let versions = &filter.versions;
        let only_last = versions.last && !versions.first && !versions.all && versions.at.is_empty();
        self.part.shown.contains(branch.label)
            && (filter.types.is_empty() || filter.types.contains(&branch.object_type.as_str()))
            && (!only_last || branch.is_last != 0)
    }

    /// Rows by identifier.
    fn by_id(&self) -> Result<Vec<Row>, StoreError> {
        let mut conditions = self.fine_conditions(self.filter.after);
        self.objects_named(&mut conditions);
        conditions.and(&label_condition("log.label", self.part.shown));
        conditions.one_of("log.type", self.filter.types);
        conditions.one_of("log.id", self.filter.ids);
        let sql = format!(
            "SELECT {COLUMNS} FROM log WHERE {} ORDER BY {} LIMIT {}",
            conditions.sql,
            self.order(),
            self.wanted
        );
        self.rows(&sql, conditions.params)
    }

    fn objects_named(&self, conditions: &mut Conditions<'_>) {
        let mut places = Vec::with_capacity(self.filter.ids.len());
        for id in self.filter.ids {
            conditions.params.push(Value::Integer(object_key(self.realm, id)));
            places.push(format!("?{}", conditions.params.len()));
        }
        conditions.and(&rows_of_any("log.sequence", &format!("IN ({})", places.join(","))));
    }

    /// Rows along the collection; and, where the scan gave up before its end, the `date_added` up to which it looked.
    fn by_date(&self) -> Result<(Vec<Row>, Option<i64>), StoreError> {
        let give_up_at = self.give_up_at()?;
        let mut conditions = self.fine_conditions(self.filter.after);
        if !self.all_seen {
            conditions.and(&label_condition("log.label", self.part.shown));
        }
        conditions.one_of("log.type", self.filter.types);
        if let Some(date) = give_up_at {
            conditions
                .compare(if self.ascending() { "log.date_added <=" } else { "log.date_added >=" }, date);
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM log WHERE {} ORDER BY {} LIMIT {}",
            conditions.sql,
            self.order(),
            self.wanted
        );
        Ok((self.rows(&sql, conditions.params)?, give_up_at))
    }

    /// Where a scan has looked at enough.
    fn give_up_at(&self) -> Result<Option<i64>, StoreError> {
        let mut conditions = Conditions::in_realm(self.realm);
        conditions.compare("log.collection =", self.filter.collection);
        self.bounds(&mut conditions, self.filter.after);
        let rows = i64::try_from(self.wanted).unwrap_or(i64::MAX).saturating_mul(SCAN_ROWS_PER_HIT);
        let sql = format!(
            "SELECT log.date_added FROM log WHERE {} ORDER BY {} LIMIT 1 OFFSET {rows}",
            conditions.sql,
            self.order()
        );
        self.reader.first(&sql, conditions.params, |row| row.get(0))
    }

    /// Rows out of branches.
    fn by_branch(
        &self,
        branches: &[Branch],
        after: Option<i64>,
        wanted: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let fine = self.fine_conditions(after);
        let place = fine.params.len();
        let sql = format!(
            "SELECT log.date_added, log.sequence FROM log WHERE {} AND log.type = ?{} AND log.label = ?{}
             AND log.is_last = ?{} AND log.date_added {} ?{} ORDER BY {} LIMIT {wanted}",
            fine.sql,
            place + 1,
            place + 2,
            place + 3,
            if self.ascending() { "<" } else { ">" },
            place + 4,
            self.order(),
        );
        let mut nearest: Vec<(i64, i64)> = Vec::new();
        for branch in branches {
            let furthest = match nearest.last() {
                Some((date, _)) if nearest.len() >= wanted => *date,
                _ if self.ascending() => i64::MAX,
                _ => i64::MIN,
            };
            let branch = [
                Value::Text(&branch.object_type),
                Value::Integer(branch.label),
                Value::Integer(branch.is_last),
                Value::Integer(furthest),
            ];
            let params = fine.params.iter().chain(&branch).copied().collect::<Vec<_>>();
            nearest.extend(self.reader.rows(&sql, params, |row| Ok((row.get(0)?, row.get(1)?)))?);
            nearest.sort_unstable_by_key(
                |(date, _)| if self.ascending() { *date } else { date.saturating_neg() },
            );
            nearest.truncate(wanted);
        }
        let mut rows = RowReader::new(self.reader);
        nearest.into_iter().map(|(_, sequence)| rows.fetch(sequence)).collect()
    }

    fn rows(&self, sql: &str, params: Vec<Value<'_>>) -> Result<Vec<Row>, StoreError> {
        let mut rows = RowReader::new(self.reader);
        self.reader.rows(sql, params, |row| rows.read(row))
    }

    /// Everything but labels, types and identifiers.
    fn fine_conditions(&self, after: Option<i64>) -> Conditions<'p> {
        let filter = self.filter;
        let mut conditions = Conditions::in_realm(self.realm);
        if self.names_ids() {
            conditions.sql = "log.realm + 0 = ?1".to_owned();
        }
        conditions.compare(
            if self.names_ids() { "log.collection + 0 =" } else { "log.collection =" },
            filter.collection,
        );
        conditions.and("log.kind = 0");
        self.bounds(&mut conditions, after);
        if !filter.revoked {
            conditions.and("log.revoked = 0");
        }
        conditions.one_of("log.spec_version", filter.spec_versions);
        self.version_condition(&mut conditions);
        conditions
    }

    fn bounds(&self, conditions: &mut Conditions<'_>, after: Option<i64>) {
        if let Some(after) = after {
            let beyond = if self.ascending() { ">" } else { "<" };
            conditions.compare(&format!("{} {beyond}", self.date()), after);
        }
        if let Some(added_after) = self.filter.added_after {
            conditions.compare(&format!("{} >", self.date()), added_after);
        }
        if let Some(through) = self.part.through {
            conditions.compare(&format!("{} <=", self.date()), through);
        }
    }

    fn version_condition(&self, conditions: &mut Conditions<'p>) {
        let versions = &self.filter.versions;
        if versions.all {
            conditions.and(&line_condition(self.filter.visible));
            return;
        }
        let mut any: Vec<String> = Vec::new();
        if versions.last {
            any.push(last_condition(self.filter.visible));
        }
        if versions.first {
            any.push(first_condition(self.filter.visible));
        }
        if !versions.at.is_empty() {
            let mut places = Vec::new();
            for version in &versions.at {
                conditions.params.push(Value::Text(version.sort_key()));
                places.push(format!("?{}", conditions.params.len()));
            }
            let line = line_condition(self.filter.visible);
            any.push(format!("log.version_key IN ({}) AND {line}", places.join(",")));
        }
        let any = if any.is_empty() { "1 = 0".to_owned() } else { any.join(" OR ") };
        conditions.and(&format!("({any})"));
    }

    fn ascending(&self) -> bool {
        self.filter.order == Order::Ascending
    }

    fn names_ids(&self) -> bool {
        !self.filter.ids.is_empty()
    }

    /// A sum hides a column from the indexes by date, so that the one by identifier is taken.
    fn date(&self) -> &'static str {
        if self.names_ids() { "log.date_added + 0" } else { "log.date_added" }
    }

    fn order(&self) -> String {
        format!("{}{}", self.date(), if self.ascending() { "" } else { " DESC" })
    }
}
