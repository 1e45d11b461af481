//! Redacted copies of objects whose parts are marked more strictly than the whole: ordinary rows of the log, under labels of their own.
//!
//! 1. A version comes in, or is made here: [`follow`] makes its copies in the same transaction. What there is to be is `policy`'s
//!    matter; the identifier is made with the node's secret, the version is the original's.
//! 2. Labels change, by a grant, a stricter marking, a recall: the same is done to the copies ([`settle`]). What each stands in
//!    for is worked out anew, so that a reader is shown the original or one copy.
//! 3. A version goes: so do its copies ([`follow_removal`]). A revoked one revokes them.
//!
//! The copies' originator is the original's: whose release is asked for, and whose terms count. It brings no versions of them, though.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oversight::{OrganisationId, Realm};
use policy::redaction::{label_of_properties, profiles};
use policy::{Label, LabelKey, Marking, Visible};
use serde_json::Value;
use stix::{Id, Object};
use store::collections::CollectionKey;
use store::copies::{self, Tie};
use store::objects::{self, AddOutcome, Bringer, NewObject, Standing};
use store::{Reader, StoreError, Tx, labels, organisations, releases, secrets, settings};

use crate::api::summaries::shown_name;

/// The setting that holds the secret from which the identifiers of copies are made.
const SECRET_SETTING: &str = "redaction.secret";
/// Versions of one copy that are kept: what is older is superseded, and each is to be settled with all others.
const VERSIONS_KEPT: usize = 16;

/// The type of translations.
pub(crate) const TRANSLATION: &str = "language-content";

/// Whose version, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) collection: CollectionKey,
    pub(crate) originator: &'a OrganisationId,
}

/// Whether an object may have copies by what it says itself.
pub(crate) fn has_marked_parts(object: &Object) -> bool {
    let markings = object.get("granular_markings").and_then(Value::as_array);
    markings.into_iter().flatten().any(|marking| marking.get("marking_ref").is_some())
}

/// Whether more is to be done for an object once it is in the log.
pub(crate) fn is_followed(object: &Object) -> bool {
    object.object_type() == TRANSLATION || has_marked_parts(object)
}

/// Makes the copies of a version that has come in; gives their places in the log.
///
/// # Errors
/// Those of the database.
pub(crate) fn follow(
    tx: &mut Tx<'_>,
    whose: Whose<'_>,
    object: &Object,
    meaning: impl Fn(&Id) -> Option<Marking>,
) -> Result<Vec<i64>, StoreError> {
    let known = own_copies(tx, whose, object.id())?;
    let wanted = profiles(object, whose.originator, whose.realm, meaning);
    if wanted.is_empty() && known.is_empty() {
        return Ok(Vec::new());
    }
    let version = object.version().map_or("", stix::Timestamp::sort_key);
    let standing = objects::standing(tx, whose.realm, object.id(), whose.originator)?;
    let Some(own) = standing.iter().find(|own| own.version_key == version) else { return Ok(Vec::new()) };
    let label = label(tx, whose.realm, own.label)?;
    let (secret, creator) = (secret(tx, whose.realm)?, creator(tx, whose.realm)?);
    let (mut made, mut before) = (Vec::new(), vec![label.clone()]);
    for profile in wanted {
        let id = profile.id(&secret, whose.realm, object.id(), whose.originator);
        let Some(copy) = profile.copy(object, &id, creator.as_ref()) else { continue };
        let tie = Tie {
            original: object.id().clone(),
            originator: whose.originator.clone(),
            id,
            units: profile.units,
            withheld: profile.withheld(),
            profile: profile.key,
        };
        if !copies::put(tx, whose.realm, &tie)? {
            continue;
        }
        let alone = Label { agreement: label.agreement.clone(), ..profile.label };
        made.extend(add(tx, whose, copy, &alone.in_place_of(before.iter().cloned()))?);
        before.push(alone);
    }
    if standing.len() > 1 || !known.is_empty() {
        made.extend(revoke(tx, whose, object.id(), standing.last())?);
        forget_old_versions(tx, whose, object.id())?;
        settle(tx, whose.realm, object.id(), whose.originator, &|_, _| {})?;
    }
    Ok(made)
}

/// Removes copies of versions that do not stand any more.
///
/// # Errors
/// Those of the database.
pub(crate) fn follow_removal(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    original: &Id,
) -> Result<(), StoreError> {
    let mut originators = BTreeSet::new();
    for copy in copies::of_original(tx, realm, original)? {
        let left: BTreeSet<String> = objects::standing(tx, realm, original, &copy.originator)?
            .into_iter()
            .map(|version| version.version_key)
            .collect();
        for version in objects::standing(tx, realm, &copy.id, &copy.originator)? {
            if !left.contains(&version.version_key) {
                let version = (&copy.id, version.version_key.as_str());
                objects::remove_made(tx, realm, collection, &copy.originator, version)?;
            }
        }
        originators.insert(copy.originator);
    }
    for originator in originators {
        settle(tx, realm, original, &originator, &|_, _| {})?;
    }
    Ok(())
}

/// The versions that a translation may be of, of the same organisation's.
///
/// # Errors
/// Those of the database.
pub(crate) fn translated(
    reader: &Reader<'_>,
    whose: Whose<'_>,
    translation: &Object,
) -> Result<Vec<Object>, StoreError> {
    let original = translation.text("object_ref").and_then(|id| Id::parse(id).ok());
    let Some(original) = original.filter(|_| translation.object_type() == TRANSLATION) else {
        return Ok(Vec::new());
    };
    let standing = objects::standing(reader, whose.realm, &original, whose.originator)?;
    let newest = standing.iter().rev().take(VERSIONS_KEPT);
    let stored = newest.filter_map(|version| objects::stored(reader, version.sequence).transpose());
    stored.filter(|object| object.as_ref().map_or(true, has_marked_parts)).collect()
}

/// Puts a translation (`language-content`, STIX 2.1 §7.1) under the markings of the parts that it translates, besides its own: it tells
/// what they say.
///
/// # Errors
/// Those of the database.
pub(crate) fn bind_translation(
    tx: &mut Tx<'_>,
    whose: Whose<'_>,
    (original, translation): (&Object, &Object),
    meaning: impl Fn(&Id) -> Option<Marking>,
) -> Result<(), StoreError> {
    let contents = translation.get("contents").and_then(Value::as_object);
    let properties: BTreeSet<&str> = contents
        .into_iter()
        .flat_map(|all| all.values())
        .filter_map(Value::as_object)
        .flat_map(|one| one.keys())
        .map(String::as_str)
        .collect();
    let Some(parts) = label_of_properties(original, whose.originator, whose.realm, &properties, meaning)
    else {
        return Ok(());
    };
    let bound = |label: &Label| {
        let same = label.clone();
        let parts =
            Label { class: same.class, agreement: same.agreement, granted: same.granted, ..parts.clone() };
        label.join(&parts).unwrap_or_else(|| label.clone())
    };
    objects::relabel(tx, whose.realm, translation.id(), |tx, _, key| {
        let label = label(tx, whose.realm, key)?;
        let wanted = bound(&label);
        if label.originator != *whose.originator || wanted == label {
            return Ok(None);
        }
        labels::intern(tx, &wanted).map(Some)
    })?;
    settle(tx, whose.realm, translation.id(), whose.originator, &|_, label| *label = bound(label))
}

/// Works out anew which labels the copies of an object bear: what `change` makes of each version's, standing in for what the readers of
/// something better are shown. That is the original in the same version or a later one; of the same version a copy that holds
/// more; and any other copy of a later version.
///
/// # Errors
/// Those of the database.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    realm: &Realm,
    original: &Id,
    originator: &OrganisationId,
    change: &dyn Fn(&Standing, &mut Label),
) -> Result<(), StoreError> {
    let mut of_original = copies::of_original(tx, realm, original)?;
    of_original.retain(|copy| copy.originator == *originator);
    if of_original.is_empty() {
        return Ok(());
    }
    let mut settling = Settling::default();
    for version in objects::standing(tx, realm, original, originator)? {
        let label = settling.number(label(tx, realm, version.label)?.alone());
        settling.rows.push(Row { copy: None, version, label });
    }
    for (place, copy) in of_original.iter().enumerate() {
        for version in objects::standing(tx, realm, &copy.id, originator)? {
            let mut alone = label(tx, realm, version.label)?.alone();
            change(&version, &mut alone);
            let label = settling.number(alone);
            settling.rows.push(Row { copy: Some(place), version, label });
        }
    }
    for (place, copy) in of_original.iter().enumerate() {
        let mut nameless = Vec::new();
        objects::relabel(tx, realm, &copy.id, |tx, version, _| {
            let Some(wanted) = settling.wanted(place, version) else { return Ok(None) };
            match labels::intern(tx, &wanted) {
                Ok(key) => Ok(Some(key)),
                Err(StoreError::Limit { .. }) => {
                    nameless.push(version.map(str::to_owned));
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })?;
        // There is no number left for the label that it ought to bear: then nobody reads it.
        for row in settling.rows.iter().filter(|row| row.copy == Some(place)) {
            if nameless.contains(&row.version.version) {
                let version = (&copy.id, row.version.version_key.as_str());
                objects::remove_made(tx, realm, row.version.collection, originator, version)?;
            }
        }
    }
    Ok(())
}

/// What something is a copy of, or itself: what an originator is asked about.
///
/// # Errors
/// Those of the database.
pub(crate) fn original_of(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Id, StoreError> {
    Ok(copies::by_id(reader, realm, id)?.map_or_else(|| id.clone(), |copy| copy.original))
}

/// A copy that was given to somebody.
pub(crate) struct Given {
    pub(crate) id: Id,
    /// The name that its recipients know it by.
    pub(crate) name: String,
    /// Who was given it, and by which doors; not its originator.
    pub(crate) to: BTreeMap<OrganisationId, BTreeSet<String>>,
}

/// The copies of an object, or of one version of it, that were given to anybody: who has them is told of what becomes of the original,
/// by the copy's identifier.
///
/// # Errors
/// Those of the database.
pub(crate) fn given(
    reader: &Reader<'_>,
    realm: &Realm,
    (original, originator): (&Id, &OrganisationId),
    version: Option<&str>,
) -> Result<Vec<Given>, StoreError> {
    let mut given = Vec::new();
    for copy in copies::of_original(reader, realm, original)? {
        let standing = objects::standing(reader, realm, &copy.id, originator)?;
        let wanted = |one: &&Standing| version.is_none_or(|version| one.version.as_deref() == Some(version));
        let Some(last) = standing.iter().rfind(wanted).filter(|_| copy.originator == *originator) else {
            continue;
        };
        let mut to: BTreeMap<OrganisationId, BTreeSet<String>> = BTreeMap::new();
        if version.is_some() {
            for release in releases::of_version(reader, realm, last.sequence)? {
                to.entry(release.recipient).or_default().insert(release.door);
            }
        } else {
            to = releases::recipients(reader, realm, &copy.id)?;
        }
        to.remove(originator);
        let object = objects::stored(reader, last.sequence)?;
        let name = object.map_or_else(|| copy.id.to_string(), |object| shown_name(&object));
        given.push(Given { id: copy.id, name, to });
    }
    given.retain(|copy| !copy.to.is_empty());
    Ok(given)
}

/// The versions that are settled with each other, and their labels by number.
#[derive(Default)]
struct Settling {
    labels: Vec<Label>,
    numbers: HashMap<Label, usize>,
    rows: Vec<Row>,
}

struct Row {
    /// Which copy, in the order in which readers are offered them; `None`: the original.
    copy: Option<usize>,
    version: Standing,
    label: usize,
}

impl Settling {
    fn number(&mut self, label: Label) -> usize {
        *self.numbers.entry(label).or_insert_with_key(|label| {
            self.labels.push(label.clone());
            self.labels.len() - 1
        })
    }

    fn wanted(&self, place: usize, version: Option<&str>) -> Option<Label> {
        let own = self
            .rows
            .iter()
            .find(|row| row.copy == Some(place) && row.version.version.as_deref() == version)?;
        let is_better = |row: &&Row| {
            let order = row.version.version_key.cmp(&own.version.version_key);
            match row.copy {
                None => order.is_ge(),
                Some(other) if other == place => false,
                Some(other) => order.is_gt() || order.is_eq() && other < place,
            }
        };
        let better: BTreeSet<usize> = self.rows.iter().filter(is_better).map(|row| row.label).collect();
        let better = better.into_iter().filter_map(|number| self.labels.get(number).cloned());
        Some(self.labels.get(own.label)?.in_place_of(better))
    }
}

/// The copies of an organisation's object.
fn own_copies(reader: &Reader<'_>, whose: Whose<'_>, original: &Id) -> Result<Vec<Tie>, StoreError> {
    let mut found = copies::of_original(reader, whose.realm, original)?;
    found.retain(|copy| copy.originator == *whose.originator);
    Ok(found)
}

/// Adds a copy under a label; its place, if it is new.
fn add(tx: &mut Tx<'_>, whose: Whose<'_>, copy: Object, label: &Label) -> Result<Option<i64>, StoreError> {
    let label = match labels::intern(tx, label) {
        Ok(label) => label,
        // Without a label of its own there is no copy: then the strictest marking counts for the whole.
        Err(StoreError::Limit { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    // What others brought under this identifier does not count: they cannot know it but by having been shown it.
    let nothing = Visible::default();
    let bringer = Bringer { organisation: whose.originator, visible: Some(&nothing) };
    let new = NewObject { object: copy, label };
    let added = objects::add_from(tx, whose.realm, whose.collection, bringer, std::slice::from_ref(&new))?;
    Ok(match added.outcomes.into_iter().next() {
        Some(AddOutcome::Added { sequence, .. }) => Some(sequence),
        Some(AddOutcome::Refused { code, message }) => {
            tracing::warn!(code, why = message, "a redacted copy cannot be kept");
            None
        }
        Some(AddOutcome::Duplicate { .. }) | None => None,
    })
}

/// Where the newest version of the original revokes it, so do those of its copies, also of those that the revoking version would not
/// have.
fn revoke(
    tx: &mut Tx<'_>,
    whose: Whose<'_>,
    original: &Id,
    newest: Option<&Standing>,
) -> Result<Vec<i64>, StoreError> {
    let Some(Standing { revoked: true, version: Some(modified), .. }) = newest else { return Ok(Vec::new()) };
    let mut made = Vec::new();
    for copy in own_copies(tx, whose, original)? {
        let standing = objects::standing(tx, whose.realm, &copy.id, whose.originator)?;
        let Some(last) = standing.last().filter(|last| !last.revoked) else { continue };
        let Some(object) = objects::stored(tx, last.sequence)? else { continue };
        let mut properties = object.properties().clone();
        properties.insert("modified".to_owned(), Value::String(modified.clone()));
        properties.insert("revoked".to_owned(), Value::Bool(true));
        let text = Value::Object(properties).to_string();
        let revoked = Object::parse(text.into()).map_err(|error| StoreError::Corrupt(error.message))?;
        let label = label(tx, whose.realm, last.label)?;
        made.extend(add(tx, whose, revoked, &label)?);
    }
    Ok(made)
}

fn forget_old_versions(tx: &mut Tx<'_>, whose: Whose<'_>, original: &Id) -> Result<(), StoreError> {
    for copy in own_copies(tx, whose, original)? {
        let standing = objects::standing(tx, whose.realm, &copy.id, whose.originator)?;
        let old = standing.len().saturating_sub(VERSIONS_KEPT);
        for version in standing.iter().take(old) {
            let version = (&copy.id, version.version_key.as_str());
            objects::remove_made(tx, whose.realm, whose.collection, whose.originator, version)?;
        }
    }
    Ok(())
}

fn label(reader: &Reader<'_>, realm: &Realm, key: LabelKey) -> Result<Label, StoreError> {
    labels::get(reader, realm, key)?.ok_or_else(|| StoreError::Corrupt(format!("label {key}")))
}

/// Who stands as creator: this hub, by the identity of the organisation that runs it.
fn creator(reader: &Reader<'_>, realm: &Realm) -> Result<Option<Id>, StoreError> {
    let coordinator = crate::first_start::coordinator()?;
    Ok(organisations::get(reader, realm, &coordinator)?.map(|known| known.identity))
}

/// The node's secret; made when the first copy is.
fn secret(tx: &mut Tx<'_>, realm: &Realm) -> Result<[u8; 32], StoreError> {
    if let Some(stored) = settings::get(tx, realm, SECRET_SETTING)? {
        return stored.try_into().map_err(|_| StoreError::Corrupt(SECRET_SETTING.to_owned()));
    }
    let secret = secrets::random()?;
    settings::put(tx, realm, SECRET_SETTING, &secret)?;
    Ok(secret)
}
