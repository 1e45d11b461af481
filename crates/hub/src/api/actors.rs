//! `/api/v1/actors`: who is behind it, what they use, whom they target, and how fast they go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use analysis::tempo::{self, HANDS_SECONDS, Step, Sureness, Trend};
use api::{
    Actor, ActorComparison, ActorList, ActorRow, Code, Compared, KindCount, Leap, ObjectSummary, Tempo, Words,
};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;
use stix::Id;
use store::objects::{Filter, Order, Versions};
use store::{StoreError, objects};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::graph::answer;
use super::sameness::held_for_same;
use super::summaries::{Teller, leaving, parse};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::relations::{Relations, Seen, by_day, phases};
use crate::release::Leaving;
use crate::request::Query;
use crate::state::AppState;

/// Who or what acts.
pub(super) const ACTING: [&str; 3] = ["intrusion-set", "threat-actor", "campaign"];
const PAGE_MAX: usize = 200;
/// Each list of an actor's page is cut here.
const LIST_MAX: usize = 300;
/// Indicators whose sightings are read.
const INDICATORS_MAX: usize = 300;
/// Actors compared at once.
const COMPARED_MAX: usize = 6;
/// Leaps told of.
const LEAPS_MAX: usize = 500;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(compare))
        .routes(routes!(get))
        .routes(routes!(how_fast))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `intrusion-set`, `threat-actor`, `campaign`, separated by commas; absent: all three.
    #[serde(default, rename = "type")]
    types: String,
    /// From the page before.
    next: Option<i64>,
}

/// Intrusion sets, threat actors and campaigns, newest first.
#[utoipa::path(get, path = "/api/v1/actors", tag = "actors", security(("session" = []), ("token" = [])), params(ListQuery),
    responses((status = 200, body = ActorList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Answer<Json<ActorList>> {
    let wanted: Vec<&'static str> = ACTING
        .into_iter()
        .filter(|known| query.types.is_empty() || query.types.split(',').any(|one| one.trim() == *known))
        .collect();
    if wanted.is_empty() {
        return Err(Failure::new(Code::BadRequest, format!("type: one of {}", ACTING.join(", "))));
    }
    let listed = answer(&state, caller, "actors", move |work, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let filter = Filter {
            types: &wanted,
            revoked: false,
            order: Order::Descending,
            after: query.next,
            versions: Versions::last(),
            ..Filter::new(work.collection.key, &visible, PAGE_MAX)
        };
        let page = objects::page(reader, asker.realm(), &filter)?;
        let mut actors = Vec::with_capacity(page.rows.len());
        for row in &page.rows {
            let aliases = objects::names(&parse(row)?).into_iter().skip(1).collect();
            actors.push(ActorRow { object: teller.object(row)?, aliases });
        }
        let next = page.rows.last().filter(|_| page.more).map(|row| row.date_added_us.to_string());
        let parts = page.rows.iter().map(leaving).collect();
        Ok(Some((ActorList { actors, next, as_of: reader.now().to_string() }, parts)))
    });
    listed.await
}

/// All that is known of an actor.
#[utoipa::path(get, path = "/api/v1/actors/{id}", tag = "actors", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of an intrusion set, threat actor or campaign")),
    responses((status = 200, body = Actor), crate::api::CallerRefusal))]
async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Json<Actor>> {
    let id = acting(&id)?;
    let told = answer(&state, caller, "actor", move |_, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let mut relations = Relations::new(reader, asker.realm(), &visible);
        let Some(row) = relations.get(&id)? else { return Ok(None) };
        let object = parse(&row)?;
        let mut parts = vec![leaving(&row)];
        let mut aliases: Vec<String> = objects::names(&object).into_iter().skip(1).collect();
        let mut same_as = Vec::new();
        let mut known = Known::default();
        known.gather(teller, &mut relations, &id, &mut parts)?;
        for same in held_for_same(reader, asker, &visible, &id)? {
            let Some((row, summary)) = teller.object_by_id(&same)? else { continue };
            parts.push(leaving(&row));
            aliases.extend(objects::names(&parse(&row)?));
            same_as.push(summary);
            known.gather(teller, &mut relations, &same, &mut parts)?;
        }
        aliases.sort();
        aliases.dedup();
        let seen = sightings_of(&mut relations, &known.ids("indicator"), &mut parts)?;
        let sectors = sectors(teller, &known, &seen);
        let actor = Actor {
            object: teller.object(&row)?,
            aliases,
            same_as,
            first_seen: object.text("first_seen").map(str::to_owned),
            last_seen: object.text("last_seen").map(str::to_owned),
            techniques: known.take("technique"),
            software: known.take("software"),
            infrastructure: known.take("infrastructure"),
            campaigns: known.take("campaign"),
            targets: known.take("target"),
            indicators: known.take("indicator"),
            sectors,
            sightings: by_day(seen.iter()),
            more: relations.more || known.more,
            as_of: reader.now().to_string(),
        };
        Ok(Some((actor, parts)))
    });
    told.await
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CompareQuery {
    /// Two to six STIX identifiers, separated by commas.
    ids: String,
}

/// Actors side by side: what they share and what they do not.
#[utoipa::path(get, path = "/api/v1/actors/compare", tag = "actors", security(("session" = []), ("token" = [])), params(CompareQuery),
    responses((status = 200, body = ActorComparison), crate::api::CallerRefusal))]
async fn compare(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<CompareQuery>,
) -> Answer<Json<ActorComparison>> {
    let ids: Vec<Id> = query.ids.split(',').map(|id| acting(id.trim())).collect::<Answer<_>>()?;
    if !(2..=COMPARED_MAX).contains(&ids.len()) {
        return Err(Failure::new(Code::BadRequest, format!("ids: name 2 to {COMPARED_MAX} actors")));
    }
    let compared = answer(&state, caller, "actors", move |_, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let mut relations = Relations::new(reader, asker.realm(), &visible);
        let (mut actors, mut sightings, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows: BTreeMap<(&'static str, String), Compared> = BTreeMap::new();
        for (place, id) in ids.iter().enumerate() {
            let Some((row, summary)) = teller.object_by_id(id)? else { return Ok(None) };
            parts.push(leaving(&row));
            actors.push(summary);
            let mut known = Known::default();
            known.gather(teller, &mut relations, id, &mut parts)?;
            let seen = sightings_of(&mut relations, &known.ids("indicator"), &mut parts)?;
            sightings.push(by_day(seen.iter()));
            for kind in ["technique", "software", "infrastructure", "target"] {
                for object in known.take(kind) {
                    let row = rows.entry((kind, object.id.clone())).or_insert_with(|| Compared {
                        kind: kind.to_owned(),
                        object,
                        used_by: Vec::new(),
                    });
                    row.used_by.push(place);
                }
            }
        }
        let mut rows: Vec<Compared> = rows.into_values().collect();
        rows.sort_by(|a, b| {
            (b.used_by.len(), &a.kind, &a.object.name).cmp(&(a.used_by.len(), &b.kind, &b.object.name))
        });
        Ok(Some((ActorComparison { actors, rows, sightings, as_of: reader.now().to_string() }, parts)))
    });
    compared.await
}

/// How fast a campaign or actor goes from stage to stage, and whether that is faster than hands can be.
///
/// Made of the sightings of its indicators and of the kill-chain phases of those, or of the techniques that they indicate.
#[utoipa::path(get, path = "/api/v1/actors/{id}/tempo", tag = "actors", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of an intrusion set, threat actor or campaign")),
    responses((status = 200, body = Tempo), crate::api::CallerRefusal))]
async fn how_fast(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Tempo>> {
    let id = acting(&id)?;
    let told = answer(&state, caller, "tempo", move |_, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let mut relations = Relations::new(reader, asker.realm(), &visible);
        let Some(row) = relations.get(&id)? else { return Ok(None) };
        let mut parts = vec![leaving(&row)];
        let mut known = Known::default();
        known.gather(teller, &mut relations, &id, &mut parts)?;
        for campaign in known.ids("campaign") {
            known.gather(teller, &mut relations, &campaign, &mut parts)?;
        }
        let mut steps = Vec::new();
        for indicator in known.ids("indicator").into_iter().take(INDICATORS_MAX) {
            let stages = stages(&mut relations, &indicator, &mut parts)?;
            for seen in relations.sightings(&indicator)? {
                parts.push(seen.said_by.clone());
                let member = seen.by.as_str();
                let step = |stage: &u8| Step { member: member.to_owned(), at: seen.at, stage: *stage };
                steps.extend(stages.iter().map(step));
            }
        }
        Ok(Some((tempo_told(tempo::tempo(&steps), reader.now()), parts)))
    });
    told.await
}

fn tempo_told(found: tempo::Tempo, now: jiff::Timestamp) -> Tempo {
    let of = found.leaps.len();
    let newest = found.leaps.into_iter().skip(of.saturating_sub(LEAPS_MAX));
    let leaps = newest.map(|leap| Leap {
        organisation: leap.member,
        from: tempo::stage_name(leap.from).to_owned(),
        to: tempo::stage_name(leap.to).to_owned(),
        at: leap.at.to_string(),
        seconds: leap.seconds,
    });
    let trend = match found.trend {
        Trend::Faster => "faster",
        Trend::Slower => "slower",
        Trend::Steady => "steady",
        Trend::Unknown => "unknown",
    };
    let sureness = match found.sureness {
        Sureness::Low => "low",
        Sureness::Medium => "medium",
        Sureness::High => "high",
    };
    Tempo {
        leaps: leaps.collect(),
        median_seconds: found.median_seconds,
        trend: trend.to_owned(),
        fast: u64::try_from(found.fast).unwrap_or(u64::MAX),
        of: u64::try_from(of).unwrap_or(u64::MAX),
        threshold_seconds: HANDS_SECONDS,
        automated: found.is_automated,
        sureness: sureness.to_owned(),
        why: found.why.into_iter().map(words).collect(),
        as_of: now.to_string(),
    }
}

/// A sentence on the wire.
pub(super) fn words(words: analysis::Words) -> Words {
    Words { ja: words.ja, en: words.en }
}

/// The stages that an indicator stands for: its own, else those of the techniques that it indicates.
fn stages(
    relations: &mut Relations<'_, '_>,
    indicator: &Id,
    parts: &mut Vec<Leaving>,
) -> Result<BTreeSet<u8>, StoreError> {
    let Some(row) = relations.get(indicator)? else { return Ok(BTreeSet::new()) };
    let stage = |(_, phase): (String, String)| tempo::stage(&phase);
    let own: BTreeSet<u8> = phases(&parse(&row)?).into_iter().filter_map(stage).collect();
    parts.push(leaving(&row));
    if !own.is_empty() {
        return Ok(own);
    }
    let mut stages = BTreeSet::new();
    for relation in relations.of(indicator)? {
        if relation.outgoing && relation.far.id.object_type() == "attack-pattern" {
            parts.extend([relation.said_by, leaving(&relation.far)]);
            // A technique of several tactics stands for none of them in particular; the earliest is the careful reading.
            stages.extend(phases(&parse(&relation.far)?).into_iter().filter_map(stage).min());
        }
    }
    Ok(stages)
}

/// What relationships say of an actor, by kind.
#[derive(Default)]
struct Known {
    lists: BTreeMap<&'static str, BTreeMap<Id, ObjectSummary>>,
    /// Sectors that targets are of.
    sectors: Vec<String>,
    more: bool,
}

impl Known {
    fn gather(
        &mut self,
        teller: &mut Teller<'_, '_>,
        relations: &mut Relations<'_, '_>,
        id: &Id,
        parts: &mut Vec<Leaving>,
    ) -> Result<(), StoreError> {
        for relation in relations.of(id)? {
            let far = relation.far.id.object_type();
            let kind = match (relation.kind.as_str(), relation.outgoing, far) {
                ("uses", true, "attack-pattern") => "technique",
                ("uses", true, "malware" | "tool") => "software",
                (_, true, "infrastructure") => "infrastructure",
                ("attributed-to", false, "campaign") => "campaign",
                ("indicates", false, "indicator") => "indicator",
                ("targets", true, _) => "target",
                _ => continue,
            };
            let list = self.lists.entry(kind).or_default();
            if list.len() >= LIST_MAX {
                self.more = true;
                continue;
            }
            if kind == "target" {
                let object = parse(&relation.far)?;
                let sectors = object.get("sectors").and_then(Value::as_array).into_iter().flatten();
                self.sectors.extend(sectors.filter_map(Value::as_str).map(str::to_owned));
            }
            parts.extend([relation.said_by, leaving(&relation.far)]);
            list.insert(relation.far.id.clone(), teller.object(&relation.far)?);
        }
        Ok(())
    }

    fn ids(&self, kind: &str) -> Vec<Id> {
        self.lists.get(kind).map(|list| list.keys().cloned().collect()).unwrap_or_default()
    }

    fn take(&mut self, kind: &str) -> Vec<ObjectSummary> {
        let mut list: Vec<ObjectSummary> =
            self.lists.remove(kind).map(|list| list.into_values().collect()).unwrap_or_default();
        list.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        list
    }
}

fn sightings_of(
    relations: &mut Relations<'_, '_>,
    indicators: &[Id],
    parts: &mut Vec<Leaving>,
) -> Result<Vec<Seen>, StoreError> {
    let mut all = Vec::new();
    for indicator in indicators.iter().take(INDICATORS_MAX) {
        let seen = relations.sightings(indicator)?;
        parts.extend(seen.iter().map(|one| one.said_by.clone()));
        all.extend(seen);
    }
    Ok(all)
}

fn sectors(teller: &Teller<'_, '_>, known: &Known, seen: &[Seen]) -> Vec<KindCount> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for sector in seen.iter().flat_map(|one| teller.sectors(&one.by)).chain(known.sectors.iter().cloned()) {
        *counts.entry(sector).or_default() += 1;
    }
    let mut counts: Vec<KindCount> =
        counts.into_iter().map(|(kind, count)| KindCount { kind, count }).collect();
    counts.sort_by(|a, b| (b.count, &a.kind).cmp(&(a.count, &b.kind)));
    counts
}

fn acting(text: &str) -> Answer<Id> {
    let id = Id::parse(text).map_err(|_| Failure::not_found())?;
    if ACTING.contains(&id.object_type()) { Ok(id) } else { Err(Failure::not_found()) }
}
