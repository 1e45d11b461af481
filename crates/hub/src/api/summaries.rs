//! Objects, sightings, cases and edges in the form in which lists, the board and the stream show them.
//!
//! A [`Teller`] works on one snapshot for one reader and tells nothing that the reader may not see.

use std::collections::HashMap;
use std::sync::Arc;

use api::{
    CaseSummary, EdgeHealth, EdgeHello, EdgeLedgerEntry, EdgeStatus, Marking, ObjectSummary, StreamSighting,
};
use case::{Case, State};
use jiff::{SignedDuration, Timestamp};
use oversight::{OrganisationId, OrganisationRole, Purpose, Realm};
use policy::{LabelKey, Personal, Principal, PrincipalKind, TlpLabel, Visible};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stix::{Id, Object};
use store::edges::Edge;
use store::objects::{Filter, Order, Row, Versions};
use store::sightings::Sighting;
use store::{Reader, StoreError, edges, labels, objects, organisations, people, sightings};

use crate::release::{Door, Leaving};
use crate::state::AppState;

/// Most characters of a description in a list.
const DESCRIPTION_CHARACTERS_MAX: usize = 280;
/// Most characters of a name in a list.
const NAME_CHARACTERS_MAX: usize = 300;
/// Most tags of an object in a list.
const TAGS_MAX: usize = 20;
/// Rows of the ledger in an edge's status.
const LEDGER_ROWS: usize = 50;
/// An edge that was not heard for so long is silent.
const SILENT_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A source that is further behind than this, in seconds, is in trouble.
const LAG_SECONDS_MAX: f64 = 300.0;
/// An edge that does not use an indicator so long after it came in is behind.
const OUTDATED_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// More sightings waiting than this are trouble on the way to the hub.
const WAITING_MAX: u64 = 10_000;

/// What the hub keeps of a sighting beside its row.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct SightingDetail {
    /// Values to show: mechanical information only.
    #[serde(default)]
    pub(crate) values: Vec<String>,
    /// What the indicator is tied to.
    #[serde(default)]
    pub(crate) threads: Vec<Id>,
    /// The edge that reported it.
    #[serde(default)]
    pub(crate) edge: String,
}

/// The newest indicator that an edge may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Newest {
    /// Its sequence; 0 where there is none.
    pub(crate) sequence: i64,
    /// When it came in, in microseconds since 1970.
    pub(crate) added_us: i64,
}

/// Tells one reader of one snapshot.
pub(crate) struct Teller<'a, 'c> {
    pub(crate) reader: &'a Reader<'c>,
    pub(crate) visible: Arc<Visible>,
    realm: Realm,
    markings: HashMap<LabelKey, Marking>,
    names: HashMap<Id, Option<String>>,
    /// Of which something was told beside others.
    named: Vec<Leaving>,
    people: HashMap<String, Option<String>>,
    organisations: HashMap<OrganisationId, organisations::Organisation>,
}

impl<'a, 'c> Teller<'a, 'c> {
    /// For a reader who is a principal.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn new(
        reader: &'a Reader<'c>,
        door: &Door,
        principal: &Principal,
    ) -> Result<Self, StoreError> {
        Self::of(reader, door.visible(reader, principal)?, principal)
    }

    /// For a reader of which it is known what it may read.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn of(
        reader: &'a Reader<'c>,
        visible: Arc<Visible>,
        principal: &Principal,
    ) -> Result<Self, StoreError> {
        let known = organisations::list(reader, &principal.realm)?;
        Ok(Self {
            visible,
            reader,
            realm: principal.realm.clone(),
            markings: HashMap::new(),
            names: HashMap::new(),
            named: Vec::new(),
            people: HashMap::new(),
            organisations: known
                .into_iter()
                .map(|organisation| (organisation.id.clone(), organisation))
                .collect(),
        })
    }

    /// All organisations.
    pub(crate) fn organisations(&self) -> impl Iterator<Item = &organisations::Organisation> {
        self.organisations.values()
    }

    /// An organisation's sectors, by name.
    pub(crate) fn sectors(&self, id: &OrganisationId) -> Vec<String> {
        let organisation = self.organisations.get(id);
        organisation
            .map(|known| known.sectors.iter().map(|sector| sector.name().to_owned()).collect())
            .unwrap_or_default()
    }

    /// The newest version of an object that the reader may see, as it is shown in a list; nothing where there is none.
    pub(crate) fn object_by_id(&mut self, id: &Id) -> Result<Option<(Row, ObjectSummary)>, StoreError> {
        let row = objects::get(self.reader, &self.realm, &self.visible, id)?;
        row.map(|row| self.object(&row).map(|summary| (row, summary))).transpose()
    }

    /// An object in a list.
    pub(crate) fn object(&mut self, row: &Row) -> Result<ObjectSummary, StoreError> {
        let object = parse(row)?;
        Ok(ObjectSummary {
            sequence: row.sequence,
            id: row.id.to_string(),
            object_type: row.id.object_type().to_owned(),
            name: cut(&shown_name(&object), NAME_CHARACTERS_MAX),
            description: object
                .text("description")
                .map(|text| cut_between_words(text, DESCRIPTION_CHARACTERS_MAX)),
            version: row.version.clone(),
            date_added: microseconds(row.date_added_us),
            marking: self.marking(row.label)?,
            originator: row.originator.as_str().to_owned(),
            revoked: row.revoked,
            confidence: object.get("confidence").and_then(Value::as_u64).and_then(|c| u8::try_from(c).ok()),
            tags: tags(&object),
        })
    }

    /// A label in words.
    pub(crate) fn marking(&mut self, label: LabelKey) -> Result<Marking, StoreError> {
        if let Some(known) = self.markings.get(&label) {
            return Ok(known.clone());
        }
        let Some(kept) = labels::get(self.reader, &self.realm, label)? else {
            return Err(StoreError::Corrupt(format!("label {label}")));
        };
        let tlp = match kept.tlp {
            TlpLabel::Level(level) => Some(level.name().to_owned()),
            TlpLabel::Unmarked => None,
        };
        let mut statements = Vec::new();
        for id in &kept.statements {
            if let Some(row) = objects::get(self.reader, &self.realm, &self.visible, id)? {
                self.named.push(leaving(&row));
                let object = parse(&row)?;
                let statement = object.get("definition").and_then(|definition| definition.get("statement"));
                statements.extend(statement.and_then(Value::as_str).map(str::to_owned));
            }
        }
        let marking = Marking { tlp, statements };
        self.markings.insert(label, marking.clone());
        Ok(marking)
    }

    /// An object's name, where the reader may see the object.
    pub(crate) fn name(&mut self, id: &Id) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.names.get(id) {
            return Ok(known.clone());
        }
        let row = objects::get(self.reader, &self.realm, &self.visible, id)?;
        self.named.extend(row.as_ref().map(leaving));
        let name = row
            .map(|row| parse(&row))
            .transpose()?
            .map(|object| cut(&shown_name(&object), NAME_CHARACTERS_MAX));
        self.names.insert(id.clone(), name.clone());
        Ok(name)
    }

    /// The objects of which something was told beside others so far, a name or the terms of a marking: that leaves like any other
    /// part of an object, so whoever tells hands these to the door as well.
    pub(crate) fn take_named(&mut self) -> Vec<Leaving> {
        std::mem::take(&mut self.named)
    }

    /// Something more that leaves when this is told.
    pub(crate) fn also(&mut self, leaving: Leaving) {
        self.named.push(leaving);
    }

    /// A person's name.
    pub(crate) fn person(&mut self, account: &str) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.people.get(account) {
            return Ok(known.clone());
        }
        let name = people::get(self.reader, &self.realm, account)?.map(|person| person.name);
        self.people.insert(account.to_owned(), name.clone());
        Ok(name)
    }

    /// A sighting, ready to be shown. The caller has read it with the labels that the reader may see.
    pub(crate) fn sighting(&mut self, sighting: &Sighting) -> Result<StreamSighting, StoreError> {
        let detail: SightingDetail = serde_json::from_str(&sighting.detail).unwrap_or_default();
        Ok(StreamSighting {
            sequence: sighting.sequence,
            id: sighting.id.to_string(),
            indicator: sighting.indicator.to_string(),
            indicator_name: self.name(&sighting.indicator)?,
            organisation: sighting.organisation.as_str().to_owned(),
            sectors: self.sectors(&sighting.organisation),
            first_seen: sighting.first_seen.to_string(),
            last_seen: sighting.last_seen.to_string(),
            count: sighting.count,
            severity: sighting.severity.level(),
            values: detail.values,
            date_added: sighting.added.to_string(),
        })
    }

    /// A case in a list. Its label is the join of what it is made of: who sees the case sees what is counted here.
    pub(crate) fn case(&mut self, case: &Case, label: LabelKey) -> Result<CaseSummary, StoreError> {
        let mut sectors: Vec<String> = case.members.iter().flat_map(|member| self.sectors(member)).collect();
        sectors.sort_unstable();
        sectors.dedup();
        let sightings = case.objects.iter().filter(|id| id.object_type() == "sighting").count();
        Ok(CaseSummary {
            id: case.id.to_string(),
            number: case.number,
            title: case.title.clone(),
            severity: case.severity.level(),
            state: state_name(case.state).to_owned(),
            assignee_name: case
                .assignee
                .as_deref()
                .map(|account| self.person(account))
                .transpose()?
                .flatten(),
            assignee: case.assignee.clone(),
            members: case.members.iter().map(|member| member.as_str().to_owned()).collect(),
            sectors,
            sightings: u64::try_from(sightings).unwrap_or(u64::MAX),
            opened: case.opened.to_string(),
            changed: case.changed.to_string(),
            last_seen: case.last_seen.to_string(),
            marking: self.marking(label)?,
            revision: case.revision,
        })
    }

    /// An edge as it now is.
    pub(crate) fn edge(
        &mut self,
        edge: &Edge,
        current: Newest,
        now: Timestamp,
    ) -> Result<EdgeStatus, StoreError> {
        let mut ledger = Vec::new();
        for row in edges::ledger(self.reader, &self.realm, &self.visible, &edge.id, LEDGER_ROWS)? {
            let kept = sightings::get(self.reader, &self.realm, &self.visible, &row.sighting)?;
            self.named.extend(kept.as_ref().map(sighting_leaving));
            ledger.push(EdgeLedgerEntry {
                at: row.at.to_string(),
                sighting: row.sighting.to_string(),
                indicator_name: self.name(&row.indicator)?.unwrap_or_default(),
                indicator: row.indicator.to_string(),
                contents: row.contents,
            });
        }
        Ok(EdgeStatus { ledger, sectors: self.sectors(&edge.organisation), ..bare_edge(edge, current, now) })
    }
}

/// An edge as it now is, without what needs a snapshot.
pub(crate) fn bare_edge(edge: &Edge, current: Newest, now: Timestamp) -> EdgeStatus {
    let hello: Option<EdgeHello> = edge.hello.as_deref().and_then(|text| serde_json::from_str(text).ok());
    EdgeStatus {
        id: edge.id.clone(),
        name: edge.name.clone(),
        organisation: edge.organisation.as_str().to_owned(),
        sectors: Vec::new(),
        health: health(edge.heard, hello.as_ref(), current, now),
        heard: edge.heard.map(|heard| heard.to_string()),
        hello,
        current_generation: current.sequence,
        ledger: Vec::new(),
    }
}

/// How an edge is at a time, from when it was heard and what it said.
pub(crate) fn health(
    heard: Option<Timestamp>,
    hello: Option<&EdgeHello>,
    current: Newest,
    now: Timestamp,
) -> EdgeHealth {
    let (Some(heard), Some(hello)) = (heard, hello) else { return EdgeHealth::New };
    let silence = now.duration_since(heard);
    if silence > SILENT_AFTER {
        return EdgeHealth::Silent;
    }
    let is_behind = hello
        .sources
        .iter()
        .any(|source| source.lag_seconds.is_some_and(|lag| lag > LAG_SECONDS_MAX) && source.behind_bytes > 0);
    let newest = Timestamp::from_microsecond(current.added_us).unwrap_or_default();
    let is_outdated = hello.generation < current.sequence && now.duration_since(newest) > OUTDATED_AFTER;
    if hello.trouble.is_some() || hello.waiting > WAITING_MAX || is_behind || is_outdated {
        EdgeHealth::Troubled
    } else {
        EdgeHealth::Well
    }
}

/// The principal that an edge is.
pub(crate) fn edge_principal(edge: &Edge, role: OrganisationRole, realm: &Realm) -> Principal {
    Principal {
        kind: PrincipalKind::Edge(edge.id.clone()),
        organisation: edge.organisation.clone(),
        organisation_role: role,
        roles: std::collections::BTreeSet::new(),
        realm: realm.clone(),
        purpose: Purpose::OwnDefence,
        personal: Personal::default(),
    }
}

/// The newest indicator that an edge may have.
///
/// # Errors
/// Those of the database.
pub(crate) fn newest_indicator(
    state: &AppState,
    reader: &Reader<'_>,
    principal: &Principal,
) -> Result<Newest, StoreError> {
    let visible = state.door.visible(reader, principal)?;
    let filter = Filter {
        collection: state.collection.key,
        visible: &visible,
        after: None,
        added_after: None,
        ids: &[],
        types: &["indicator"],
        versions: Versions::last(),
        spec_versions: &[],
        revoked: true,
        order: Order::Descending,
        limit: 1,
    };
    let page = objects::page(reader, &principal.realm, &filter)?;
    let newest = page.rows.first().map(|row| Newest { sequence: row.sequence, added_us: row.date_added_us });
    Ok(newest.unwrap_or_default())
}

/// One object version on its way out.
pub(crate) fn leaving(row: &Row) -> Leaving {
    Leaving { sequence: row.sequence, label: row.label, originator: row.originator.clone() }
}

/// A sighting on its way out.
pub(crate) fn sighting_leaving(sighting: &Sighting) -> Leaving {
    Leaving { sequence: sighting.sequence, label: sighting.label, originator: sighting.organisation.clone() }
}

/// A stored object, read again.
///
/// # Errors
/// [`StoreError::Corrupt`]: what was stored could once be read.
pub(crate) fn parse(row: &Row) -> Result<Object, StoreError> {
    Object::parse(row.body.clone())
        .map_err(|error| StoreError::Corrupt(format!("object {}: {error}", row.sequence)))
}

/// RFC 3339 with the microseconds by which TAXII clients read on.
pub(crate) fn microseconds(us: i64) -> String {
    Timestamp::from_microsecond(us).map(|at| format!("{at:.6}")).unwrap_or_default()
}

pub(crate) fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Closed => "closed",
    }
}

/// What a list shows for an object: its name, else the value, the pattern, what it says, what a translation calls what it
/// translates, or its identifier.
pub(crate) fn shown_name(object: &Object) -> String {
    const NAMING: [&str; 9] =
        ["name", "value", "pattern", "abstract", "relationship_type", "opinion", "path", "key", "user_id"];
    let text =
        NAMING.iter().find_map(|property| object.text(property).filter(|text| !text.trim().is_empty()));
    if let Some(text) = text {
        return text.trim().to_owned();
    }
    let value = stix::observable::values(object).into_iter().next().map(|(_, value)| value);
    value
        .or_else(|| translated_name(object).map(str::to_owned))
        .or_else(|| object.text("sighting_of_ref").map(str::to_owned))
        .unwrap_or_else(|| object.id().to_string())
}

/// What a translation (`language-content`, STIX 2.1 §7.1) calls the object it translates, in the first language that names it.
fn translated_name(object: &Object) -> Option<&str> {
    let languages = object.get("contents")?.as_object()?;
    languages.values().find_map(|texts| texts.get("name")?.as_str()).map(str::trim)
}

fn tags(object: &Object) -> Vec<String> {
    const TAGGING: [&str; 9] = [
        "labels",
        "indicator_types",
        "malware_types",
        "threat_actor_types",
        "tool_types",
        "report_types",
        "infrastructure_types",
        "roles",
        "sectors",
    ];
    let lists = TAGGING.iter().filter_map(|property| object.get(property).and_then(Value::as_array));
    let mut tags: Vec<String> = Vec::new();
    for tag in lists.flatten().filter_map(Value::as_str) {
        let tag = cut(tag, 80);
        if tags.len() < TAGS_MAX && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// The beginning of a text; an ellipsis stands for the rest.
fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(characters_max - 1).chain(['…']).collect(),
    }
}

/// The same of prose: where it would be cut within a word, it is cut before that word, if the word is not most of the text.
/// Japanese has no blanks between words, and may be cut anywhere.
fn cut_between_words(text: &str, characters_max: usize) -> String {
    let kept: String = text.chars().take(characters_max.saturating_sub(1)).collect();
    if text.chars().nth(characters_max).is_none() {
        return text.to_owned();
    }
    let is_latin = |c: char| c.is_alphanumeric() && c < '\u{2e80}';
    let is_within = kept.chars().next_back().is_some_and(is_latin)
        && text.chars().nth(characters_max.saturating_sub(1)).is_some_and(is_latin);
    let end =
        if is_within { kept.rfind(|c| !is_latin(c)).filter(|end| *end * 2 >= kept.len()) } else { None };
    let whole = end.and_then(|end| kept.get(..end)).unwrap_or(&kept);
    format!("{}…", whole.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_translation_is_shown_by_the_name_it_gives() {
        let translation = serde_json::json!({
            "type": "language-content", "spec_version": "2.1", "id": "language-content--eb1a4c5f-4d1e-4b6a-9d5c-0d7f4f1f7a10",
            "created": "2026-04-01T00:00:00.000Z", "modified": "2026-04-01T00:00:00.000Z",
            "object_ref": "campaign--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a11",
            "contents": { "de": { "description": "…" }, "ja": { "name": " 霧の水門作戦 " } },
        });
        let object = Object::parse(translation.to_string().into()).unwrap();
        assert_eq!(shown_name(&object), "霧の水門作戦");
    }

    fn hello() -> EdgeHello {
        EdgeHello {
            version: "0.1.0".to_owned(),
            generation: 10,
            indicators: 1,
            refused: 0,
            sources: Vec::new(),
            records: 0,
            matches: 0,
            sent: 0,
            waiting: 0,
            withheld: 0,
            trouble: None,
            quarantined: 0,
            quarantined_indicators: Vec::new(),
        }
    }

    fn check(heard_seconds_ago: Option<i64>, change: impl FnOnce(&mut EdgeHello), expected: EdgeHealth) {
        let now: Timestamp = "2026-04-01T00:00:00Z".parse().unwrap();
        let heard = heard_seconds_ago.map(|seconds| now - SignedDuration::from_secs(seconds));
        let mut hello = hello();
        change(&mut hello);
        let added_us = (now - SignedDuration::from_secs(100)).as_microsecond();
        let newest = Newest { sequence: 10, added_us };
        assert_eq!(health(heard, Some(&hello), newest, now), expected, "{heard_seconds_ago:?} {hello:?}");
        let fresh = Newest { sequence: 11, added_us: now.as_microsecond() };
        let of_fresh = health(heard, Some(&EdgeHello { generation: 10, ..hello }), fresh, now);
        assert!(
            of_fresh != EdgeHealth::Troubled || expected == EdgeHealth::Troubled,
            "what came in just now counts against nobody"
        );
    }

    #[test]
    fn an_edge_is_well_troubled_silent_or_new() {
        check(Some(5), |_| {}, EdgeHealth::Well);
        check(Some(60), |_| {}, EdgeHealth::Well);
        check(Some(61), |_| {}, EdgeHealth::Silent);
        check(None, |_| {}, EdgeHealth::New);
        check(Some(5), |hello| hello.trouble = Some("disk-full".to_owned()), EdgeHealth::Troubled);
        check(Some(5), |hello| hello.waiting = 20_000, EdgeHealth::Troubled);
        check(Some(5), |hello| hello.generation = 9, EdgeHealth::Troubled);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("やぐら", 3), "やぐら");
        assert_eq!(cut("やぐらの上", 3), "やぐ…");
    }

    #[test]
    fn prose_is_cut_between_words() {
        let check = |text: &str, max: usize, expected: &str| {
            assert_eq!(cut_between_words(text, max), expected, "{text} {max}");
        };
        check("it moves laterally", 18, "it moves laterally");
        check("it moves laterally by night", 17, "it moves…");
        check("it moves laterally by night", 19, "it moves laterally…");
        check("it moves laterally by night", 9, "it moves…");
        check("it moves, laterally", 10, "it moves,…");
        check("海霧は港を狙う。夜に動く", 6, "海霧は港を…");
        check("海霧はTAKOTSUBOを使う", 8, "海霧はTAKO…");
        check("Donaudampfschifffahrt", 6, "Donau…");
        check("", 6, "");
    }
}
