//! A version that its originator brings under a freer marking than the one before: it is taken in under the stricter of both, and the
//! freer one waits as a proposal until another person confirms it, as if it had been proposed at the object.
//!
//! STIX leaves the marking of each version to its creator (§3.6, §7.2), so a version that waits is the creator's, byte for byte; what
//! waits is that this node shows it to more. A council whose members want that at once says `freer_versions = "at-once"`.

use std::collections::{BTreeSet, HashMap};

use oversight::{Action, AuditEvent, OrganisationId};
use policy::{Label, PrincipalKind, TlpLabel};
use serde_json::Value;
use stix::Object;
use stix::marking::{Granular, Tlp};
use store::objects::{self, AddOutcome, Added, Bringer, Earlier, NewObject};
use store::widenings::{self, State as Stand, Widening};
use store::{Reader, StoreError, Tx, copies, labels};

use super::{LINE_CHARS_MAX, change_labels, given_to, recalled, tell, unfit};
use crate::api::summaries::{parse, shown_name};
use crate::federation::acts;
use crate::ingest::Submission;
use crate::meanings::Markings;
use crate::principal::Caller;
use crate::redaction::{self, Whose};
use crate::sharing::marking::Changed;
use crate::state::AppState;

/// Why it waits, for who reads the proposal by a program; the console says it in the reader's language.
const REASON: &str = "a version was brought in under a freer marking than the one before";

/// What is said to a proposal that a newer version has overtaken.
const OVERTAKEN: &str = "a newer version was brought in";

/// Texts that are shorter are not looked for elsewhere: they stand everywhere.
const TOLD_BYTES_MIN: usize = 4;

/// What was put into the log.
pub(crate) struct Placed {
    pub(crate) added: Added,
    /// What waits, by its position, and for which proposal.
    pub(crate) waits: HashMap<usize, String>,
    /// Acts: what was proposed.
    pub(crate) proposals: Vec<AuditEvent>,
}

/// Adds objects under their labels; where two persons are asked for, a version whose marking is freer than that of one that stood in the
/// log at that place, under the stricter of both.
///
/// # Errors
/// Those of the database.
pub(crate) fn place(
    tx: &mut Tx<'_>,
    submission: &Submission,
    bringer: Bringer<'_>,
    fit: &[NewObject],
    two_persons: Option<i64>,
) -> Result<Placed, StoreError> {
    let (realm, collection) = (&submission.principal.realm, submission.collection);
    let label_of = |reader: &Reader<'_>, key| {
        let label = labels::get(reader, realm, key)?;
        label.ok_or_else(|| StoreError::Corrupt(format!("label {key}")))
    };
    let Some(since) = two_persons else {
        let added = objects::add_from(tx, realm, collection, bringer, fit)?;
        return Ok(Placed { added, waits: HashMap::new(), proposals: Vec::new() });
    };
    let guard = |reader: &Reader<'_>, new: &NewObject, earlier: &[Earlier]| {
        is_freer(reader, &new.object, earlier, &label_of(reader, new.label)?, since)
    };
    let mut added = objects::add_guarded(tx, realm, collection, bringer, fit, Some(&guard))?;
    let (mut waits, mut proposals) = (HashMap::new(), Vec::new());
    for (position, earlier) in std::mem::take(&mut added.held) {
        let lost = || StoreError::Corrupt("an object that was held back".to_owned());
        let new = fit.get(position).ok_or_else(lost)?;
        let own = label_of(tx, new.label)?;
        let kept = held(tx, &earlier, &own, since)?;
        let label = match labels::intern(tx, &kept) {
            Ok(label) => Ok(label),
            Err(StoreError::Limit { limit, .. }) => Err(AddOutcome::Refused {
                code: "too-many-labels",
                message: format!(
                    "the objects here bear as many different combinations of markings as there may be ({limit})"
                ),
            }),
            Err(error) => return Err(error),
        };
        let proposed = match label {
            Ok(label) => propose(tx, submission, &new.object, &own)?.map(|proposed| (label, proposed)),
            Err(refused) => Err(refused),
        };
        let outcome = match proposed {
            Ok((label, (id, event))) => {
                let again = NewObject { object: new.object.clone(), label };
                let again = objects::add_from(tx, realm, collection, bringer, &[again])?;
                waits.insert(position, id);
                proposals.push(event);
                again.outcomes.into_iter().next().ok_or_else(lost)?
            }
            Err(refused) => refused,
        };
        *added.outcomes.get_mut(position).ok_or_else(lost)? = outcome;
    }
    Ok(Placed { added, waits, proposals })
}

/// What a version would be shown by if it were brought in now: for the preview of its audience.
///
/// # Errors
/// Those of the database.
pub(crate) fn shown_under(reader: &Reader<'_>, object: &Object, own: Label) -> Result<Label, StoreError> {
    let earlier = objects::brought_before(reader, &own.realm, &own.originator, object)?;
    let now = i64::MAX;
    if is_freer(reader, object, &earlier, &own, now)? { held(reader, &earlier, &own, now) } else { Ok(own) }
}

/// Whether a new version would be shown to somebody who may not read what came before it. `since` is where the log was when its body
/// came in: versions that come together are one act.
///
/// # Errors
/// Those of the database.
fn is_freer(
    reader: &Reader<'_>,
    object: &Object,
    earlier: &[Earlier],
    new: &Label,
    since: i64,
) -> Result<bool, StoreError> {
    let Some((place, before)) = marked(reader, earlier, new, since)? else { return Ok(false) };
    if widens(&before, new) {
        return Ok(true);
    }
    if earlier.iter().any(|known| known.is_same && known.sequence == place) {
        let version = object.version().map(ToString::to_string).unwrap_or_default();
        return widenings::waits(reader, &new.realm, &new.originator, (object.id(), &version));
    }
    if !redaction::has_marked_parts(object) {
        return Ok(false);
    }
    // Parts bind the whole, and what is outside of them has copies: so the whole is compared with the whole, and part with part.
    let Some(former) = objects::stored(reader, place)? else {
        return Ok(level_of_whole(object) < before.tlp);
    };
    Ok(level_of_whole(object) < level_of_whole(&former) || frees_a_part(&former, object))
}

/// Whether something stands in a version that was marked as a part of the former one, and is not marked so any more.
fn frees_a_part(former: &Object, object: &Object) -> bool {
    let now = stix::marking::granular(object);
    let stays = |marking: &Granular, selector: &String| {
        now.iter().any(|other| other.marking_ref == marking.marking_ref && other.selectors.contains(selector))
    };
    let before = stix::marking::granular(former);
    let mut parts = before.iter().filter(|marking| marking.marking_ref.is_some()).flat_map(|marking| {
        let gone = marking.selectors.iter().filter(|selector| !stays(marking, selector));
        gone.filter_map(|selector| Some((selector, stix::marking::select(former.properties(), selector)?)))
    });
    parts.any(|(selector, value)| {
        let mut texts = Vec::new();
        gather(value, &mut texts);
        let properties = || object.properties().values();
        texts.iter().any(|text| properties().any(|value| holds(value, text)))
            || stix::marking::select(object.properties(), selector) == Some(value)
    })
}

/// The texts of a value that are long enough to be told again elsewhere.
fn gather<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if text.len() >= TOLD_BYTES_MIN => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(properties) => properties.values().for_each(|value| gather(value, texts)),
        _ => {}
    }
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(other) => other.contains(text),
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(properties) => properties.values().any(|value| holds(value, text)),
        _ => false,
    }
}

/// What a version that waits is kept under: the stricter of its own label and that of the version before it.
///
/// # Errors
/// Those of the database.
fn held(reader: &Reader<'_>, earlier: &[Earlier], new: &Label, since: i64) -> Result<Label, StoreError> {
    let before = marked(reader, earlier, new, since)?.map(|(_, label)| label);
    let joined = before.and_then(|before| before.join(new));
    Ok(joined.unwrap_or_else(|| new.clone()))
}

/// What a version is compared with, and its place: itself, where it comes again after it was removed; else the newest earlier one that
/// bears a marking. One without any was shown to nobody, and to mark it is to publish it.
fn marked(
    reader: &Reader<'_>,
    earlier: &[Earlier],
    new: &Label,
    since: i64,
) -> Result<Option<(i64, Label)>, StoreError> {
    let (same, others): (Vec<&Earlier>, Vec<&Earlier>) =
        earlier.iter().filter(|known| known.sequence <= since).partition(|known| known.is_same);
    for known in same.into_iter().chain(others) {
        let label = labels::get(reader, &new.realm, known.label)?;
        let mut label = label.ok_or_else(|| StoreError::Corrupt(format!("label {}", known.label)))?.alone();
        // A corrected version may follow a recall.
        label.unknown.remove(&recalled());
        let is_bare = label.tlp == TlpLabel::Unmarked
            && label.statements.is_empty()
            && label.unknown.is_empty()
            && label.groups.is_empty();
        if !is_bare {
            return Ok(Some((known.sequence, label)));
        }
    }
    Ok(None)
}

/// Whether whoever may read both is fewer than whoever may read the new one, by their markings.
fn widens(before: &Label, new: &Label) -> bool {
    // Terms in words restrict nobody, and grants are given one by one.
    let bare = |label: &Label| Label {
        statements: if matches!(label.tlp, TlpLabel::Level(_)) {
            BTreeSet::new()
        } else {
            label.statements.clone()
        },
        granted: BTreeSet::new(),
        agreement: None,
        originator: new.originator.clone(),
        instead_of: Vec::new(),
        ..label.clone()
    };
    let (before, mut new) = (bare(before), bare(new));
    if new.tlp == TlpLabel::Unmarked {
        if new.statements.is_empty() && new.groups.is_empty() {
            // It is its originator's alone.
            return false;
        }
        new.tlp = TlpLabel::Level(Tlp::Amber);
        new.statements.clear();
    }
    before.join(&new).is_some_and(|both| bare(&both) != new)
}

fn level_of_whole(object: &Object) -> TlpLabel {
    let markings = stix::marking::object_marking_refs(object);
    let levels = markings.iter().filter_map(stix::marking::tlp).map(TlpLabel::Level);
    levels.reduce(TlpLabel::join).unwrap_or(TlpLabel::Unmarked)
}

/// Writes down what waits, in the place of what waited for an older version, and tells the originator's people; or why the version is
/// not taken in.
///
/// # Errors
/// Those of the database.
fn propose(
    tx: &mut Tx<'_>,
    submission: &Submission,
    object: &Object,
    new: &Label,
) -> Result<Result<(String, AuditEvent), AddOutcome>, StoreError> {
    let realm = &submission.principal.realm;
    let originator = &submission.principal.organisation;
    let open = widenings::open_of(tx, realm, object.id())?.into_iter();
    for open in open.filter(|open| open.originator == *originator) {
        let answer = Some(OVERTAKEN.to_owned());
        let overtaken = Widening { state: Stand::Withdrawn, decided: Some(tx.now()), answer, ..open };
        widenings::decide(tx, realm, &overtaken)?;
    }
    let whole = if redaction::has_marked_parts(object) { level_of_whole(object) } else { new.tlp };
    let level = match whole {
        TlpLabel::Level(level) => level,
        // It has the readers of AMBER.
        TlpLabel::Unmarked => Tlp::Amber,
    };
    let widening = Widening {
        id: uuid::Uuid::now_v7().to_string(),
        object: object.id().clone(),
        version: object.version().map(ToString::to_string).unwrap_or_default(),
        name: shown_name(object).chars().take(LINE_CHARS_MAX).collect(),
        originator: originator.clone(),
        tlp: level,
        reason: REASON.to_owned(),
        proposer: proposer(&submission.principal.kind).to_owned(),
        at: tx.now(),
        state: Stand::Open,
        waits: true,
        decider: None,
        decided: None,
        answer: None,
    };
    match widenings::add(tx, realm, &widening) {
        Err(StoreError::Limit { limit, .. }) => {
            let message = format!(
                "its marking is freer than that of the version before, and {limit} such versions of your organisation wait to be \
                 confirmed; decide on some of them, then bring it again"
            );
            return Ok(Err(AddOutcome::Refused { code: "too-many-proposals", message }));
        }
        added => added?,
    }
    let to: BTreeSet<OrganisationId> = [widening.originator.clone()].into();
    tell(tx, realm, to, ("widening-proposed", &widening.id), (Some(object.id()), &widening.name))?;
    let event = AuditEvent::done(Action::ReleaseChanged, submission.actor.clone(), submission.purpose)
        .on([object.id().as_str()])
        .with("change", "widening-proposed")
        .with("widening", &widening.id)
        .with("version", &widening.version)
        .with("to", level.name());
    Ok(Ok((widening.id, event)))
}

fn proposer(kind: &PrincipalKind) -> &str {
    match kind {
        PrincipalKind::Person(id)
        | PrincipalKind::Program(id)
        | PrincipalKind::Edge(id)
        | PrincipalKind::Peer(id) => id,
    }
}

/// Puts the version that waited under its own marking.
///
/// # Errors
/// Not possible for this object: the write is taken back with the reason.
pub(crate) fn release(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    row: &objects::Row,
    decided: &Widening,
) -> Result<Changed, StoreError> {
    let realm = caller.realm();
    let object = parse(row)?;
    let none = HashMap::new();
    let mut meanings = Markings::of(&state.door, &caller.principal, &none);
    let own = meanings.label(tx, &object)?;
    let now = labels::get(tx, realm, row.label)?;
    if now.is_some_and(|label| label.unknown.contains(&recalled())) {
        return Err(unfit("recalled", "the object is recalled; publish a corrected version instead"));
    }
    let to = given_to(tx, realm, &row.id, &row.originator)?;
    // It has no copies yet: they are made now.
    let moved =
        change_labels(tx, realm, &row.id, Some(decided.version.as_str()), |label| *label = own.clone())?;
    let has_copies = redaction::is_followed(&object) || !copies::of_original(tx, realm, &row.id)?.is_empty();
    // Where its parts are as strict as the version before was, the label stays, and the copies are what waited.
    if moved.is_empty() && !has_copies {
        return Err(unfit("unchanged", "the version bears its own marking already"));
    }
    if has_copies {
        let whose = Whose { realm, collection: state.collection.key, originator: &row.originator };
        meanings.follow(tx, whose, &object)?;
    }
    let event = AuditEvent::done(Action::ReleaseChanged, caller.actor.clone(), caller.purpose)
        .on([row.id.as_str()])
        .with("change", "marking")
        .with("version", &decided.version)
        .with("to", own.tlp.word())
        .with("told", to.len().to_string());
    if let TlpLabel::Level(level) = own.tlp {
        acts::carry_marking(tx, &state.federation.own.hub, &row.id, (level, &decided.reason))?;
    }
    let count = to.len();
    tell(tx, realm, to, ("release-changed", row.id.as_str()), (Some(&row.id), &decided.reason))?;
    Ok(Changed { version: decided.version.clone(), stricter: false, count, event })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use oversight::Realm;
    use policy::GroupId;
    use serde_json::json;

    use super::*;

    fn label(change: impl FnOnce(&mut Label)) -> Label {
        let originator = OrganisationId::parse("agency").unwrap();
        let mut label = Label::unmarked(&originator, &Realm::Live);
        label.tlp = TlpLabel::Level(Tlp::Amber);
        change(&mut label);
        label
    }

    fn check(before: impl FnOnce(&mut Label), new: impl FnOnce(&mut Label), expected: bool) {
        let (before, new) = (label(before), label(new));
        assert_eq!(widens(&before, &new), expected, "{before:?} {new:?}");
    }

    fn level(level: Tlp) -> impl FnOnce(&mut Label) {
        move |label| label.tlp = TlpLabel::Level(level)
    }

    #[test]
    fn a_version_is_freer_when_somebody_more_may_read_it() {
        let group = || GroupId(uuid::Uuid::from_u128(7));
        let unknown = || stix::Id::new("marking-definition", uuid::Uuid::from_u128(8));
        check(|_| {}, |_| {}, false);
        check(level(Tlp::Amber), level(Tlp::Green), true);
        check(level(Tlp::Green), level(Tlp::Amber), false);
        check(level(Tlp::Red), level(Tlp::AmberStrict), true);
        check(|_| {}, |label| label.tlp = TlpLabel::Unmarked, false);
        check(
            |label| {
                label.groups.insert(group());
            },
            |_| {},
            true,
        );
        check(
            |_| {},
            |label| {
                label.groups.insert(group());
            },
            false,
        );
        check(
            level(Tlp::Red),
            |label| {
                label.tlp = TlpLabel::Level(Tlp::Red);
                label.groups.insert(group());
            },
            true,
        );
        check(|label| label.originator_control = true, |_| {}, true);
        check(|_| {}, |label| label.originator_control = true, false);
        check(|label| label.pap = Some(stix::marking::Pap::Red), |_| {}, true);
        check(
            |label| {
                label.unknown.insert(unknown());
            },
            |_| {},
            true,
        );
        check(
            |label| {
                label.statements.insert(unknown());
            },
            |_| {},
            false,
        );
        check(
            |_| {},
            |label| {
                label.statements.insert(unknown());
            },
            false,
        );
        let other = || OrganisationId::parse("operator").unwrap();
        check(
            |label| {
                label.granted.insert(other());
            },
            |_| {},
            false,
        );
        check(
            |_| {},
            |label| {
                label.granted.insert(other());
            },
            false,
        );
    }

    #[test]
    fn a_version_is_freer_when_it_demands_less() {
        let demand = |label: &mut Label| {
            label.demands.insert("clearance:specially-designated-secrets".parse().unwrap());
        };
        check(demand, |_| {}, true);
        check(|_| {}, demand, false);
        check(demand, demand, false);
    }

    #[test]
    fn the_level_of_the_whole_is_not_that_of_its_parts() {
        let of = |markings: Value| {
            let text = json!({
                "type": "tool", "spec_version": "2.1", "id": "tool--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a11", "name": "n",
                "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
                "object_marking_refs": markings,
                "granular_markings": [{ "marking_ref": Tlp::Red.id(), "selectors": ["name"] }],
            });
            level_of_whole(&Object::parse(Bytes::from(text.to_string())).unwrap())
        };
        assert_eq!(of(json!([Tlp::Green.id()])), TlpLabel::Level(Tlp::Green));
        assert_eq!(of(json!([Tlp::Green.id(), Tlp::Amber.id()])), TlpLabel::Level(Tlp::Amber));
        assert_eq!(of(json!([unmarked_statement()])), TlpLabel::Unmarked);
    }

    #[test]
    fn a_part_is_freed_where_it_is_told_without_its_marking() {
        let object = |change: Value| {
            let mut text = json!({
                "type": "tool", "spec_version": "2.1", "id": "tool--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a11", "name": "n",
                "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
                "object_marking_refs": [Tlp::Green.id()], "description": "withheld", "confidence": 7, "labels": ["ab", "free"],
                "granular_markings": [
                    { "marking_ref": Tlp::Red.id(), "selectors": ["description", "confidence", "labels.[0]"] },
                    { "lang": "en", "selectors": ["name"] },
                ],
            });
            for (name, value) in change.as_object().unwrap() {
                text[name] = value.clone();
            }
            Object::parse(Bytes::from(text.to_string())).unwrap()
        };
        let parts = |selectors: Value| json!([{ "marking_ref": Tlp::Red.id(), "selectors": selectors }]);
        let former = object(json!({}));
        let check = |change: Value, expected: bool| {
            assert_eq!(frees_a_part(&former, &object(change.clone())), expected, "{change}");
        };
        check(json!({}), false);
        check(json!({ "name": "another" }), false);
        check(json!({ "granular_markings": parts(json!(["confidence", "labels.[0]"])) }), true);
        check(
            json!({ "granular_markings": parts(json!(["confidence", "labels.[0]"])), "description": "new" }),
            false,
        );
        check(
            json!({ "granular_markings": parts(json!(["confidence", "labels.[0]"])), "description": "new", "name": "the withheld" }),
            true,
        );
        check(json!({ "granular_markings": parts(json!(["description", "labels.[0]"])) }), true);
        check(
            json!({ "granular_markings": parts(json!(["description", "labels.[0]"])), "confidence": 8 }),
            false,
        );
        check(
            json!({ "granular_markings": parts(json!(["description", "confidence"])), "labels": ["free"] }),
            false,
        );
        check(json!({ "granular_markings": parts(json!(["description", "confidence"])) }), true);
    }

    fn unmarked_statement() -> String {
        stix::Id::new("marking-definition", uuid::Uuid::from_u128(9)).to_string()
    }
}
