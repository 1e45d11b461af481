//! `restSearch` and the index of events.

use std::collections::HashSet;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use jiff::Timestamp;
use policy::Operation;
use serde_json::{Value, json};
use stix::observable::recognise;
use store::StoreError;
use store::objects::{self, Filter, Order, Row, SearchFilter};

use super::gather::{Gathered, Gatherer, dressed, numbers, object_body};
use super::{Fields, answer, events};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::state::AppState;

/// Events that one answer gives at most, and where the client does not say.
const EVENTS_MAX: usize = 500;
/// Attributes likewise.
const ATTRIBUTES_MAX: usize = 10_000;
/// Reports looked at for one search; a search that is so wide is narrowed by its sender.
const LOOKED_AT_MAX: usize = 20_000;
/// Objects that one value is looked up in.
const MENTIONS_MAX: usize = 1_000;

/// What is searched for, as far as it is understood. What is not is refused and not passed over: an answer to another question
/// would be taken for the answer to this one.
#[derive(Debug, Default, Clone)]
pub(super) struct Wanted {
    values: Vec<String>,
    types: Vec<String>,
    categories: Vec<String>,
    tags: Terms,
    event_tags: Terms,
    ids: Vec<String>,
    organisations: Vec<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    info: Option<String>,
    published: Option<bool>,
    to_ids: Option<bool>,
    object_name: Option<String>,
    deleted: bool,
    metadata: bool,
    limit: Option<usize>,
    page: usize,
}

/// Names that must be there (any of them), and names that must not.
#[derive(Debug, Default, Clone)]
struct Terms {
    any: Vec<String>,
    all: Vec<String>,
    none: Vec<String>,
}

impl Wanted {
    fn read(mut query: Fields) -> Answer<Self> {
        if let Some(Value::Object(inner)) = query.get_mut("request") {
            query = std::mem::take(inner);
        }
        let mut wanted = Self { page: 1, ..Self::default() };
        for (name, value) in query {
            if !value.is_null() {
                wanted.take(&name, &value)?;
            }
        }
        Ok(wanted)
    }

    fn take(&mut self, name: &str, value: &Value) -> Answer<()> {
        let wrong = || Failure::new(api::Code::BadRequest, format!("`{name}` cannot be read"));
        match name {
            "returnFormat" => {
                if !texts(value).iter().all(|format| format.eq_ignore_ascii_case("json")) {
                    let detail = "only `json` is returned here; ask TAXII or the REST for STIX";
                    return Err(Failure::new(api::Code::BadRequest, detail));
                }
            }
            "value" => self.values = texts(value),
            "type" | "type_attribute" => self.types = texts(value),
            "category" => self.categories = texts(value),
            "tags" | "tag" => self.tags = Terms::read(value),
            "event_tags" => self.event_tags = Terms::read(value),
            "eventid" | "uuid" | "event_uuid" => self.ids = texts(value),
            "org" => self.organisations = texts(value),
            "from" | "datefrom" | "date_from" => self.from = Some(moment(value).ok_or_else(wrong)?),
            "to" | "dateuntil" | "date_to" => self.to = Some(moment(value).ok_or_else(wrong)?),
            "timestamp" | "last" | "publish_timestamp" | "event_timestamp" => match value {
                Value::Array(range) => {
                    self.since = range.first().and_then(moment);
                    self.until = range.get(1).and_then(moment);
                }
                value => self.since = Some(moment(value).ok_or_else(wrong)?),
            },
            "eventinfo" | "searchall" | "quickFilter" | "quickfilter" => {
                self.info = texts(value).first().map(|text| text.trim_matches('%').to_lowercase());
            }
            "published" => self.published = truth(value),
            "to_ids" => self.to_ids = truth(value),
            "object_name" => self.object_name = texts(value).into_iter().next(),
            "deleted" => self.deleted = texts(value).iter().any(|text| text == "1" || text == "true"),
            "metadata" => self.metadata = truth(value).unwrap_or(false),
            "limit" => self.limit = Some(count(value).ok_or_else(wrong)?),
            "page" => self.page = count(value).ok_or_else(wrong)?.max(1),
            // These say how the answer is to look; it has what they ask for, or nothing of the kind.
            "withAttachments"
            | "includeEventUuid"
            | "includeEventTags"
            | "includeContext"
            | "includeSightings"
            | "includeDecayScore"
            | "includeCorrelations"
            | "sgReferenceOnly"
            | "headerless"
            | "excludeDecayed"
            | "enforceWarninglist"
            | "requested_attributes"
            | "minimal"
            | "sort"
            | "direction"
            | "scope" => {}
            _ => {
                let detail = format!("searching by `{name}` is not offered here");
                return Err(Failure::new(api::Code::BadRequest, detail));
            }
        }
        Ok(())
    }

    /// What can be told from the event without its attributes.
    fn fits_head(&self, event: &Fields, originator: &str) -> bool {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let date = format!("{}T00:00:00Z", text("date")).parse::<Timestamp>().ok();
        let changed = text("timestamp").parse::<i64>().ok().and_then(|at| Timestamp::from_second(at).ok());
        let author = event.get("Orgc").and_then(Value::as_object);
        let author = |name: &str| author.and_then(|author| author.get(name)?.as_str()).unwrap_or_default();
        let is_from = |organisation: &String| {
            [author("name"), author("uuid"), originator]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(organisation))
        };
        let is_published = event.get("published").and_then(truth).unwrap_or(false);
        self.from.is_none_or(|from| date.is_some_and(|date| date >= from.min(date_of(from))))
            && self.to.is_none_or(|to| date.is_some_and(|date| date <= to))
            && self.since.is_none_or(|since| changed.is_some_and(|changed| changed >= since))
            && self.until.is_none_or(|until| changed.is_some_and(|changed| changed <= until))
            && self.published.is_none_or(|published| published == is_published)
            && (self.organisations.is_empty() || self.organisations.iter().any(is_from))
            && self.event_tags.fit(&names_of(event))
    }

    /// Whether the attribute is one that is searched for.
    fn fits_attribute(&self, attribute: &Fields) -> bool {
        let text = |name: &str| attribute.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_deleted = attribute.get("deleted").and_then(truth).unwrap_or(false);
        (self.values.is_empty() || self.values.iter().any(|value| same_value(value, text("value"))))
            && (self.types.is_empty() || self.types.iter().any(|kind| same_value(kind, text("type"))))
            && (self.categories.is_empty()
                || self.categories.iter().any(|kind| same_value(kind, text("category"))))
            && self
                .to_ids
                .is_none_or(|wanted| attribute.get("to_ids").and_then(truth).unwrap_or(false) == wanted)
            && (self.deleted || !is_deleted)
    }

    fn asks_for_attributes(&self) -> bool {
        !self.values.is_empty()
            || !self.types.is_empty()
            || !self.categories.is_empty()
            || self.to_ids.is_some()
    }

    /// Whether an event, gathered, is searched for.
    fn fits(&self, event: &Fields) -> bool {
        let mut names = names_of(event);
        let parts: Vec<&Fields> = attributes_of(event).map(|(attribute, _)| attribute).collect();
        parts.iter().for_each(|attribute| names.extend(names_of(attribute)));
        let info = event.get("info").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let is_told = |wanted: &String| {
            info.contains(wanted)
                || parts.iter().any(|attribute| {
                    ["value", "comment"].iter().any(|name| {
                        attribute
                            .get(*name)
                            .and_then(Value::as_str)
                            .is_some_and(|text| text.to_lowercase().contains(wanted))
                    })
                })
                || names.iter().any(|name| name.to_lowercase().contains(wanted))
        };
        self.tags.fit(&names)
            && self.info.as_ref().is_none_or(is_told)
            && (!self.asks_for_attributes() || parts.iter().any(|attribute| self.fits_attribute(attribute)))
    }
}

impl Terms {
    fn read(value: &Value) -> Self {
        let mut terms = Self::default();
        if let Value::Object(query) = value {
            for (name, value) in query {
                match name.to_ascii_uppercase().as_str() {
                    "OR" => terms.any = texts(value),
                    "AND" => terms.all = texts(value),
                    "NOT" => terms.none = texts(value),
                    _ => {}
                }
            }
            return terms;
        }
        for text in texts(value) {
            match text.strip_prefix('!') {
                Some(unwanted) => terms.none.push(unwanted.to_owned()),
                None => terms.any.push(text),
            }
        }
        terms
    }

    fn is_empty(&self) -> bool {
        self.any.is_empty() && self.all.is_empty() && self.none.is_empty()
    }

    fn fit(&self, names: &[String]) -> bool {
        let has = |wanted: &String| names.iter().any(|name| same_value(wanted, name));
        (self.any.is_empty() || self.any.iter().any(has))
            && self.all.iter().all(has)
            && !self.none.iter().any(has)
    }
}

/// `%` stands for anything at either end; letters count alike.
fn same_value(wanted: &str, found: &str) -> bool {
    let (wanted, found) = (wanted.to_lowercase(), found.to_lowercase());
    match (wanted.strip_prefix('%'), wanted.strip_suffix('%')) {
        (Some(rest), Some(_)) => found.contains(rest.trim_end_matches('%')),
        (Some(end), None) => found.ends_with(end),
        (None, Some(start)) => found.starts_with(start),
        (None, None) => wanted == found || found.split('|').any(|part| part == wanted),
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split("&&").map(str::to_owned).collect(),
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(query) => query.values().flat_map(texts).collect(),
        Value::Null => Vec::new(),
    }
}

fn truth(value: &Value) -> Option<bool> {
    match texts(value).first()?.to_ascii_lowercase().as_str() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

fn count(value: &Value) -> Option<usize> {
    texts(value).first()?.parse().ok()
}

/// Seconds since 1970, a date, or how long ago (`7d`, `24h`, `30m`).
fn moment(value: &Value) -> Option<Timestamp> {
    let text = texts(value).into_iter().next()?;
    if let Ok(seconds) = text.parse::<f64>() {
        // A second is as fine as MISP's times are.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a moment outside of the range is refused by the next call"
        )]
        return Timestamp::from_second(seconds as i64).ok();
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let unit = text.chars().next_back()?;
    let hours = match unit {
        'd' => 24 * 60,
        'h' => 60,
        'm' => 1,
        _ => return format!("{}T00:00:00Z", text.get(..10)?).parse().ok(),
    };
    let number: i64 = text.trim_end_matches(unit).parse().ok()?;
    Timestamp::now().checked_sub(jiff::SignedDuration::from_mins(number.checked_mul(hours)?)).ok()
}

/// The midnight before.
fn date_of(at: Timestamp) -> Timestamp {
    format!("{}T00:00:00Z", at.to_string().get(..10).unwrap_or_default()).parse().unwrap_or(at)
}

fn names_of(fields: &Fields) -> Vec<String> {
    let tags = fields.get("Tag").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| tag.get("name")?.as_str()).map(str::to_owned).collect()
}

/// Every attribute of an event, with the object that it is of.
pub(super) fn attributes_of(event: &Fields) -> impl Iterator<Item = (&Fields, Option<&Fields>)> {
    let own = event.get("Attribute").and_then(Value::as_array).into_iter().flatten();
    let own = own.filter_map(Value::as_object).map(|attribute| (attribute, None));
    let objects =
        event.get("Object").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let objects = objects.filter(|object| object.get("name").and_then(Value::as_str) != Some("stix2-object"));
    own.chain(objects.flat_map(|object| {
        let inner = object.get("Attribute").and_then(Value::as_array).into_iter().flatten();
        inner.filter_map(Value::as_object).map(move |attribute| (attribute, Some(object)))
    }))
}

/// The events that are searched for: gathered, newest first.
fn find(gatherer: &Gatherer<'_, '_>, wanted: &Wanted) -> Result<Vec<Gathered>, StoreError> {
    let limit = wanted.limit.unwrap_or(EVENTS_MAX).min(EVENTS_MAX);
    let mut skip = limit.saturating_mul(wanted.page - 1);
    let mut found = Vec::new();
    let mut look = |container: Row| -> Result<bool, StoreError> {
        let originator = container.originator.as_str().to_owned();
        let Some(head) = gatherer.head(container.clone())? else { return Ok(true) };
        if !wanted.fits_head(&head.event, &originator) {
            return Ok(true);
        }
        let whole = wanted.asks_for_attributes() || wanted.info.is_some() || !wanted.tags.is_empty();
        let event = if whole || !wanted.metadata { gatherer.event(container)? } else { Some(head) };
        if let Some(event) = event.filter(|event| wanted.fits(&event.event)) {
            if skip > 0 {
                skip -= 1;
            } else {
                found.push(event);
            }
        }
        Ok(found.len() < limit)
    };
    if !wanted.ids.is_empty() {
        for container in identified(gatherer, &wanted.ids)? {
            look(container)?;
        }
        return Ok(found);
    }
    let plain = |value: &&String| !value.contains('%');
    if !wanted.values.is_empty() && wanted.values.iter().all(|value| plain(&value)) {
        for container in holding(gatherer, &wanted.values)? {
            if !look(container)? {
                break;
            }
        }
        return Ok(found);
    }
    let mut after = None;
    let mut seen = 0;
    loop {
        let filter = Filter {
            types: &["report", "grouping"],
            order: Order::Descending,
            revoked: false,
            after,
            ..Filter::new(gatherer.collection, gatherer.visible, EVENTS_MAX)
        };
        let page = objects::page(gatherer.reader, gatherer.realm, &filter)?;
        after = page.rows.last().map(|row| row.date_added_us);
        seen += page.rows.len();
        for row in page.rows {
            if !look(row)? {
                return Ok(found);
            }
        }
        if !page.more || seen >= LOOKED_AT_MAX {
            return Ok(found);
        }
    }
}

/// The reports of events, or of the attributes, that have these numbers or UUIDs.
fn identified(gatherer: &Gatherer<'_, '_>, ids: &[String]) -> Result<Vec<Row>, StoreError> {
    let mut containers = Vec::new();
    for id in ids.iter().take(EVENTS_MAX) {
        if let Some(container) = gatherer.container(id)? {
            containers.push(container);
        } else if let Ok(uuid) = uuid::Uuid::try_parse(id)
            && let Some(part) = gatherer.part(uuid)?
        {
            containers.extend(gatherer.containers_of(&part, MENTIONS_MAX)?);
        }
    }
    Ok(containers)
}

/// The reports of the objects that hold one of the values.
fn holding(gatherer: &Gatherer<'_, '_>, values: &[String]) -> Result<Vec<Row>, StoreError> {
    let mut containers: Vec<Row> = Vec::new();
    let mut known = HashSet::new();
    for row in bearing(gatherer, values)? {
        for container in gatherer.containers_of(&row, MENTIONS_MAX)? {
            if known.insert(container.id.clone()) {
                containers.push(container);
            }
        }
    }
    containers.sort_by_key(|row| std::cmp::Reverse(row.sequence));
    Ok(containers)
}

/// The objects that hold one of the values: by the index of values, and by words where it is none that the index knows.
fn bearing(gatherer: &Gatherer<'_, '_>, values: &[String]) -> Result<Vec<Row>, StoreError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut known = HashSet::new();
    for value in values.iter().take(100) {
        let mut found = Vec::new();
        // A composite is found by each of its parts; which of the finds is the value is judged by its attributes.
        for part in value.split('|') {
            if let Some((kind, text)) = recognise(part) {
                found.extend(objects::mentioning(
                    gatherer.reader,
                    gatherer.realm,
                    gatherer.visible,
                    kind,
                    &text,
                    MENTIONS_MAX,
                )?);
            }
        }
        let filter = SearchFilter {
            visible: gatherer.visible,
            query: value,
            types: &[],
            revoked: true,
            after: None,
            limit: MENTIONS_MAX,
        };
        found.extend(objects::search(gatherer.reader, gatherer.realm, &filter)?.rows);
        for row in found {
            if known.insert(row.id.clone()) {
                // An observable is held by what was observed of it.
                if !matches!(row.id.object_type(), "observed-data" | "indicator" | "note") {
                    for mention in
                        objects::referring_to(gatherer.reader, gatherer.realm, gatherer.visible, &row.id, 50)?
                    {
                        if mention.row.id.object_type() == "observed-data"
                            && known.insert(mention.row.id.clone())
                        {
                            rows.push(mention.row);
                        }
                    }
                }
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

/// Finds events and lets them through the door.
async fn released(state: &AppState, caller: &Caller, wanted: Wanted) -> Answer<Vec<Fields>> {
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let visible = work.door.visible(reader, &asker.principal)?;
        let gatherer =
            Gatherer { reader, realm: asker.realm(), visible: &visible, collection: work.collection.key };
        Ok((find(&gatherer, &wanted)?, visible.clone()))
    });
    let (found, visible) = found.await?;
    let leaving: Vec<Leaving> = found.iter().flat_map(Gathered::leaving).collect();
    let numbers = numbers(state, found.iter().map(|event| event.uuid).collect()).await?;
    let events: Vec<Fields> = found
        .into_iter()
        .map(|event| {
            let number = numbers.get(&event.uuid).copied().unwrap_or_default();
            dressed(event, number)
        })
        .collect();
    let recipient = Recipient { caller: caller.clone(), door: "misp" };
    let released =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, events).await?;
    Ok(released.into_inner())
}

async fn query(state: &AppState, caller: &Caller, headers: &HeaderMap, sent: Body) -> Answer<Wanted> {
    let held = events::body(state, caller, headers, sent).await?;
    Wanted::read(object_body(&held.bytes)?)
}

pub(super) async fn events(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let wanted = query(&state, &caller, &headers, sent).await?;
    let (metadata, deleted) = (wanted.metadata, wanted.deleted);
    let found = released(&state, &caller, wanted).await?;
    let events: Vec<Value> = found
        .into_iter()
        .map(|event| {
            let mut event = if deleted { event } else { events::without_deleted(event) };
            if metadata {
                for list in ["Attribute", "Object", "EventReport", "ShadowAttribute"] {
                    event.shift_remove(list);
                }
            }
            json!({ "Event": event })
        })
        .collect();
    Ok(answer(&json!({ "response": events })))
}

/// The attributes of the events that are searched for.
pub(super) async fn attributes(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let mut wanted = query(&state, &caller, &headers, sent).await?;
    // Limit and page count attributes here.
    let limit = wanted.limit.take().unwrap_or(ATTRIBUTES_MAX).min(ATTRIBUTES_MAX);
    let skip = limit.saturating_mul(std::mem::replace(&mut wanted.page, 1) - 1);
    let asked = wanted.clone();
    let found = released(&state, &caller, wanted).await?;
    let mut attributes = Vec::new();
    for event in &found {
        let context = json!({
            "id": event.get("id"), "uuid": event.get("uuid"), "info": event.get("info"), "org_id": event.get("org_id"),
            "orgc_id": event.get("orgc_id"), "distribution": event.get("distribution"),
        });
        let event_names = names_of(event);
        for (attribute, object) in attributes_of(event) {
            let mut names = names_of(attribute);
            names.extend(event_names.iter().cloned());
            let is_id = asked.ids.is_empty()
                || ["uuid"].iter().any(|name| {
                    attribute
                        .get(*name)
                        .and_then(Value::as_str)
                        .is_some_and(|id| asked.ids.iter().any(|known| known == id))
                })
                || ["uuid", "id"].iter().any(|name| {
                    event
                        .get(*name)
                        .and_then(Value::as_str)
                        .is_some_and(|id| asked.ids.iter().any(|known| known == id))
                });
            if !is_id || !asked.fits_attribute(attribute) || !asked.tags.fit(&names) {
                continue;
            }
            let mut attribute = attribute.clone();
            if let Some(object) = object {
                attribute
                    .entry("object_uuid")
                    .or_insert_with(|| object.get("uuid").cloned().unwrap_or_default());
            }
            attribute.insert("Event".to_owned(), context.clone());
            attributes.push(Value::Object(attribute));
        }
    }
    let page: Vec<Value> = attributes.into_iter().skip(skip).take(limit).collect();
    Ok(answer(&json!({ "response": { "Attribute": page } })))
}

pub(super) async fn index(State(state): State<AppState>, caller: Caller) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    listed(&state, &caller, Wanted { metadata: true, page: 1, ..Wanted::default() }).await
}

pub(super) async fn index_by(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    sent: Body,
) -> Answer<Response> {
    caller.demand(&state, Operation::Read)?;
    let wanted = query(&state, &caller, &headers, sent).await?;
    listed(&state, &caller, Wanted { metadata: true, ..wanted }).await
}

async fn listed(state: &AppState, caller: &Caller, wanted: Wanted) -> Answer<Response> {
    let mut events = released(state, caller, wanted).await?;
    for event in &mut events {
        for list in ["Attribute", "Object", "EventReport", "ShadowAttribute", "RelatedEvent", "Galaxy"] {
            event.shift_remove(list);
        }
        let tags = event.shift_remove("Tag").unwrap_or_default();
        let tags: Vec<Value> =
            tags.as_array().into_iter().flatten().map(|tag| json!({ "Tag": tag })).collect();
        event.insert("EventTag".to_owned(), Value::Array(tags));
    }
    Ok(answer(&Value::Array(events.into_iter().map(Value::Object).collect())))
}
