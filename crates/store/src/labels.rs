//! Labels and their numbers. A label once interned is never removed, and changed by [`define_marking`] alone.

use std::collections::BTreeSet;

use oversight::{OrganisationId, OrganisationRole, Realm};
use policy::{AgreementId, GroupId, Label, LabelKey, Marking, ObjectClass, TlpLabel};
use serde::{Deserialize, Serialize};
use stix::Id;
use stix::marking::{Pap, Tlp};

use crate::sql::{organisation_id, parsed};
use crate::{Reader, StoreError, Tx, settings};

/// Labels of one realm at most: each is a number in the queries of whoever may see it.
pub const LABELS_MAX: i64 = 20_000;

/// Labels at most that one organisation's objects bring about: a member that makes up markings uses up its own share and nobody
/// else's. The coordinator's have no limit of their own.
pub const LABELS_OF_ONE_MAX: i64 = 2_000;

/// The setting that counts the changes of labels.
const CHANGES_SETTING: &str = "labels.changes";

/// The number of a label, given to it when it is first seen.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`LABELS_MAX`], or beyond [`LABELS_OF_ONE_MAX`] of its originator.
pub fn intern(tx: &mut Tx<'_>, label: &Label) -> Result<LabelKey, StoreError> {
    let realm = tx.realm_for_writing(&label.realm)?;
    let text = Text::of(label)?;
    if let Some(key) = lookup(tx, realm, &text)? {
        return Ok(key);
    }
    if tx.number("SELECT COUNT(*) FROM labels WHERE realm = ?1", [realm])? >= LABELS_MAX {
        let limit = usize::try_from(LABELS_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of different labels", limit });
    }
    take_share(tx, realm, label)?;
    tx.execute("INSERT INTO labels (realm, text) VALUES (?1, ?2)", (realm, &text))?;
    lookup(tx, realm, &text)?.ok_or_else(|| StoreError::corrupt("label"))
}

/// Counts one more label of an organisation.
fn take_share(tx: &mut Tx<'_>, realm: i64, label: &Label) -> Result<(), StoreError> {
    let originator = label.originator.as_str();
    if originator == Label::SEVERAL {
        return Ok(());
    }
    let sql = "SELECT labels FROM label_shares WHERE realm = ?1 AND originator = ?2";
    let counted = match tx.first(sql, (realm, originator), |row| row.get::<i64>(0))? {
        Some(counted) => counted,
        // Labels of before there were shares.
        None => {
            let own =
                all(tx, &label.realm)?.into_iter().filter(|(_, known)| known.originator == label.originator);
            i64::try_from(own.count()).unwrap_or(i64::MAX)
        }
    };
    let role = "SELECT role FROM organisations WHERE realm = ?1 AND id = ?2";
    let is_coordinator = tx
        .first(role, (realm, originator), |row| Ok(row.text(0)? == OrganisationRole::Coordinator.name()))?
        .unwrap_or(false);
    if counted >= LABELS_OF_ONE_MAX && !is_coordinator {
        let limit = usize::try_from(LABELS_OF_ONE_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of different labels of one organisation", limit });
    }
    tx.execute(
        "INSERT INTO label_shares (realm, originator, labels) VALUES (?1, ?2, ?3)
         ON CONFLICT (realm, originator) DO UPDATE SET labels = excluded.labels",
        (realm, originator, counted.saturating_add(1)),
    )?;
    Ok(())
}

/// The number of a label, if any object ever bore it.
///
/// # Errors
/// Those of the database.
pub fn find(reader: &Reader<'_>, label: &Label) -> Result<Option<LabelKey>, StoreError> {
    lookup(reader, reader.realm(&label.realm)?, &Text::of(label)?)
}

/// A label by its number.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, key: LabelKey) -> Result<Option<Label>, StoreError> {
    let realm_key = reader.realm(realm)?;
    reader.first("SELECT text FROM labels WHERE realm = ?1 AND label = ?2", (realm_key, key), |row| {
        Text::read(realm, &row.get::<String>(0)?)
    })
}

/// Every label of a realm.
///
/// # Errors
/// Those of the database.
pub fn all(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<(LabelKey, Label)>, StoreError> {
    let realm_key = reader.realm(realm)?;
    reader.rows("SELECT label, text FROM labels WHERE realm = ?1 ORDER BY label", [realm_key], |row| {
        Ok((row.get(0)?, Text::read(realm, &row.get::<String>(1)?)?))
    })
}

/// Makes known what a marking asks for: what an organisation brought in under it, before it said what the marking means, is from
/// now on under that and no more under an unknown marking. Gives the number of labels that this changed.
///
/// Only the labels of that organisation: nobody can loosen what another one has marked.
///
/// # Errors
/// Those of the database.
pub fn define_marking(
    tx: &mut Tx<'_>,
    realm: &Realm,
    marking: &Id,
    meaning: Marking,
    originator: &OrganisationId,
) -> Result<usize, StoreError> {
    let realm_key = tx.realm_for_writing(realm)?;
    let mut changed = 0;
    for (key, mut label) in all(tx, realm)? {
        let is_unknown = |label: &Label| label.unknown.contains(marking);
        if label.originator != *originator || !(is_unknown(&label) || label.instead_of.iter().any(is_unknown))
        {
            continue;
        }
        label.define(marking, meaning);
        let text = Text::of(&label)?;
        // Where such a label is there already, the old one stays as strict as it was.
        if lookup(tx, realm_key, &text)?.is_none() {
            tx.execute(
                "UPDATE labels SET text = ?3 WHERE realm = ?1 AND label = ?2",
                (realm_key, key, &text),
            )?;
            changed += 1;
        }
    }
    if changed > 0 {
        let count = changes(tx, realm)?.saturating_add(1);
        settings::put(tx, realm, CHANGES_SETTING, count.to_string().as_bytes())?;
    }
    Ok(changed)
}

/// Counts up when a label is added or changed: what was cached of [`all`] holds as long as this is the same.
///
/// # Errors
/// Those of the database.
pub fn epoch(reader: &Reader<'_>, realm: &Realm) -> Result<i64, StoreError> {
    let count = reader.number("SELECT COUNT(*) FROM labels WHERE realm = ?1", [reader.realm(realm)?])?;
    Ok(count.saturating_add(changes(reader, realm)?))
}

/// How often labels were changed, in what they mean and not in number.
///
/// # Errors
/// Those of the database.
pub fn changes(reader: &Reader<'_>, realm: &Realm) -> Result<i64, StoreError> {
    let value = settings::get(reader, realm, CHANGES_SETTING)?;
    Ok(value.and_then(|value| String::from_utf8(value).ok()?.parse().ok()).unwrap_or(0))
}

fn lookup(reader: &Reader<'_>, realm: i64, text: &str) -> Result<Option<LabelKey>, StoreError> {
    reader.first("SELECT label FROM labels WHERE realm = ?1 AND text = ?2", (realm, text), |row| row.get(0))
}

/// A label as it is stored. Fields in one order and sets sorted, so that equal labels have equal texts. The first version had
/// neither class nor what stands after it; what was stored then is of class `other`.
#[derive(Serialize, Deserialize)]
struct Text {
    tlp: Option<String>,
    statements: BTreeSet<Id>,
    unknown: BTreeSet<Id>,
    originator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pap: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    groups: BTreeSet<GroupId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    originator_control: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    granted: BTreeSet<OrganisationId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    demands: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instead_of: Vec<Text>,
}

impl Text {
    fn of(label: &Label) -> Result<String, StoreError> {
        serde_json::to_string(&Self::parts(label)).map_err(|error| StoreError::Database(error.to_string()))
    }

    fn parts(label: &Label) -> Self {
        Self {
            tlp: match label.tlp {
                TlpLabel::Level(level) => Some(level.name().to_owned()),
                TlpLabel::Unmarked => None,
            },
            statements: label.statements.clone(),
            unknown: label.unknown.clone(),
            originator: label.originator.as_str().to_owned(),
            // Left out where it is what the first version meant, so that its texts are found again.
            class: (label.class != ObjectClass::Other).then(|| label.class.name().to_owned()),
            pap: label.pap.map(|level| level.name().to_owned()),
            groups: label.groups.clone(),
            originator_control: label.originator_control,
            agreement: label.agreement.as_ref().map(ToString::to_string),
            granted: label.granted.clone(),
            demands: label.demands.iter().map(ToString::to_string).collect(),
            instead_of: label.instead_of.iter().map(Self::parts).collect(),
        }
    }

    fn read(realm: &Realm, text: &str) -> Result<Label, StoreError> {
        let read: Self = parsed("label", text, |text| serde_json::from_str(text).ok())?;
        read.label(realm)
    }

    fn label(self, realm: &Realm) -> Result<Label, StoreError> {
        let read = self;
        let tlp = match read.tlp {
            Some(name) => TlpLabel::Level(parsed("TLP level", &name, Tlp::parse)?),
            None => TlpLabel::Unmarked,
        };
        let class = match read.class {
            Some(name) => parsed("class of objects", &name, ObjectClass::parse)?,
            None => ObjectClass::Other,
        };
        let demands = read.demands.iter().map(|name| parsed("qualification", name, |name| name.parse().ok()));
        let agreement = read.agreement.map(|name| parsed("agreement", &name, AgreementId::parse));
        // Every field by its name: one that is forgotten here would be forgotten of every object.
        Ok(Label {
            realm: realm.clone(),
            originator: organisation_id(&read.originator)?,
            tlp,
            statements: read.statements,
            unknown: read.unknown,
            class,
            pap: read.pap.map(|name| parsed("PAP level", &name, Pap::parse)).transpose()?,
            groups: read.groups,
            originator_control: read.originator_control,
            agreement: agreement.transpose()?,
            granted: read.granted,
            demands: demands.collect::<Result<_, _>>()?,
            instead_of: read.instead_of.into_iter().map(|one| one.label(realm)).collect::<Result<_, _>>()?,
        })
    }
}
