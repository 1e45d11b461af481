use std::collections::BTreeMap;

use oversight::Realm;
use policy::{LabelKey, Visible};

use super::condition::{Conditions, label_condition, last_condition};
use crate::sql::count;
use crate::{Reader, StoreError};

/// How many objects there are that the reader may see, revoked ones apart, by type and label of their last version.
///
/// # Errors
/// Those of the database.
pub fn spread(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
) -> Result<Vec<(String, LabelKey, u64)>, StoreError> {
    let realm = reader.realm(realm)?;
    // The table of counts has the same names for the same things.
    let settled = format!(
        "SELECT log.type, log.label, CAST(SUM(log.versions - log.revoked) AS BIGINT) FROM tallies AS log
         WHERE log.realm = ?1 AND log.is_last = 1 AND {} GROUP BY log.type, log.label",
        label_condition("log.label", visible)
    );
    let mut all = reader.rows(&settled, [realm], |row| Ok((row.get(0)?, row.get(1)?, count(row.get(2)?))))?;
    let mut mixed = Conditions::in_realm(realm);
    mixed.and("tallies.realm = log.realm AND tallies.is_last = 2 AND tallies.versions > 0");
    mixed
        .and("log.collection = tallies.collection AND log.type = tallies.type AND log.label = tallies.label");
    mixed.and("log.is_last = 2 AND log.kind = 0 AND log.revoked = 0");
    mixed.and(&label_condition("tallies.label", visible));
    mixed.and(&last_condition(visible));
    let sql = format!(
        "SELECT log.type, log.label, COUNT(*) FROM tallies CROSS JOIN log WHERE {} GROUP BY log.type, log.label",
        mixed.sql
    );
    all.extend(reader.rows(&sql, mixed.params, |row| Ok((row.get(0)?, row.get(1)?, count(row.get(2)?))))?);
    Ok(all)
}

/// How many objects there are under each label of their newest version, revoked ones apart. It is made of the counts that are kept
/// beside the log, so it costs as much as there are labels. Numbers only: what they are of is for whoever may see it.
///
/// # Errors
/// Those of the database.
pub fn by_label(reader: &Reader<'_>, realm: &Realm) -> Result<BTreeMap<LabelKey, u64>, StoreError> {
    let sql = "SELECT label, CAST(SUM(versions - revoked) AS BIGINT) FROM tallies WHERE realm = ?1 AND is_last = 1 GROUP BY label";
    let rows = reader.rows(sql, [reader.realm(realm)?], |row| Ok((row.get(0)?, count(row.get(1)?))))?;
    Ok(rows.into_iter().collect())
}
