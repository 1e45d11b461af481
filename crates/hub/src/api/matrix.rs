//! `/api/v1/matrix`: techniques by tactic, from the matrices in the log (ATT&CK, ATLAS), and who is known to use each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use analysis::tempo::stage;
use api::{Code, Matrix, MatrixCell, MatrixColumn, MatrixList, MatrixName};
use axum::Json;
use axum::extract::{Path, State};
use jiff::SignedDuration;
use policy::{LabelKey, Visible};
use serde::Deserialize;
use serde_json::Value;
use stix::{Id, Object};
use store::collections::CollectionKey;
use store::objects::{Filter, Order};
use store::{StoreError, objects, sightings};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actors::ACTING;
use super::graph::answer;
use super::summaries::parse;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::relations::{Relations, phases};
use crate::request::Query;
use crate::state::AppState;

/// Techniques read at most; ATT&CK has some 900.
const TECHNIQUES_MAX: usize = 5_000;
/// Users of techniques of each type read at most.
const USERS_MAX: usize = 1_500;
/// Users that one question names.
const NAMED_MAX: usize = 20;
/// Indicators whose sightings count, the most sighted first.
const INDICATORS_MAX: usize = 300;
/// Sightings of so many days count.
const SIGHTED_DAYS: i64 = 90;
/// Worked-out counts that are kept.
const KEPT_MAX: usize = 16;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// Counts by technique for a view of the log: they hold until something comes in or the view changes.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<Vec<(View, Arc<Uses>)>>);

/// A reader's view: what it sees of which log, and whom it asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct View {
    sequence: i64,
    labels: Vec<LabelKey>,
    of: Vec<Id>,
}

/// Who uses each technique.
#[derive(Debug, Default)]
struct Uses {
    by_technique: BTreeMap<Id, [u64; 4]>,
    at_least: bool,
}

/// The matrices that you may see, by kill chain.
#[utoipa::path(get, path = "/api/v1/matrix", tag = "matrix", security(("session" = []), ("token" = [])),
    responses((status = 200, body = MatrixList), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<MatrixList>> {
    let told = answer(&state, caller, "matrix", move |work, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let relations = Relations::new(reader, asker.realm(), &visible);
        let techniques = techniques(&relations, work.collection.key)?;
        let mut chains: BTreeMap<&str, BTreeSet<&Id>> = BTreeMap::new();
        for technique in &techniques {
            for (chain, _) in &technique.phases {
                chains.entry(chain).or_default().insert(&technique.id);
            }
        }
        let names = matrix_names(&relations, work.collection.key)?;
        let matrices = chains.into_iter().map(|(chain, techniques)| name(chain, &names, techniques.len()));
        Ok(Some((MatrixList { matrices: matrices.collect() }, Vec::new())))
    });
    told.await
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MatrixQuery {
    /// Only what these use: STIX identifiers of actors, campaigns, malware and tools, separated by commas; absent: everybody.
    #[serde(default)]
    of: String,
}

/// A matrix with counts: how many actors, campaigns and programs use each technique, and how often it was sighted in 90 days.
#[utoipa::path(get, path = "/api/v1/matrix/{kill_chain}", tag = "matrix", security(("session" = []), ("token" = [])),
    params(("kill_chain" = String, Path, description = "`mitre-attack`, `mitre-ics-attack`, `mitre-atlas` …"), MatrixQuery),
    responses((status = 200, body = Matrix), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(chain): Path<String>,
    Query(query): Query<MatrixQuery>,
) -> Answer<Json<Matrix>> {
    let of: Vec<Id> = query
        .of
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| Id::parse(id).map_err(|_| Failure::not_found()))
        .collect::<Answer<_>>()?;
    if of.len() > NAMED_MAX {
        return Err(Failure::new(Code::BadRequest, format!("of: name at most {NAMED_MAX}")));
    }
    let told = answer(&state, caller, "matrix", move |work, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let mut relations = Relations::new(reader, asker.realm(), &visible);
        let all = techniques(&relations, work.collection.key)?;
        let here: Vec<&Technique> =
            all.iter().filter(|one| one.phases.iter().any(|(known, _)| *known == chain)).collect();
        if here.is_empty() {
            return Ok(None);
        }
        let uses = uses(work, &mut relations, &visible, of)?;
        let tactics = tactics(&relations, work.collection.key, &chain, &here)?;
        let columns: Vec<MatrixColumn> =
            tactics.into_iter().map(|(tactic, name)| column(&chain, tactic, name, &here, &uses)).collect();
        let is_covered =
            |one: &&&Technique| uses.by_technique.get(&one.id).is_some_and(|counts| counts != &[0; 4]);
        let covered = here.iter().filter(is_covered).count();
        let names = matrix_names(&relations, work.collection.key)?;
        let matrix = Matrix {
            matrix: name(&chain, &names, here.len()),
            columns,
            covered: u64::try_from(covered).unwrap_or(u64::MAX),
            at_least: uses.at_least,
            as_of: reader.now().to_string(),
        };
        Ok(Some((matrix, Vec::new())))
    });
    told.await
}

struct Technique {
    id: Id,
    number: String,
    name: String,
    phases: Vec<(String, String)>,
}

fn techniques(
    relations: &Relations<'_, '_>,
    collection: CollectionKey,
) -> Result<Vec<Technique>, StoreError> {
    let mut found = Vec::new();
    for object in all_of(relations, collection, &["attack-pattern"], TECHNIQUES_MAX)? {
        // ATT&CK keeps what it has given up, and marks it.
        let is_given_up = object.get("x_mitre_deprecated").and_then(Value::as_bool).unwrap_or(false);
        if is_given_up {
            continue;
        }
        found.push(Technique {
            id: object.id().clone(),
            number: number(&object).unwrap_or_default(),
            name: object.text("name").unwrap_or_default().to_owned(),
            phases: phases(&object),
        });
    }
    found.sort_by(|a, b| (&a.number, &a.name, &a.id).cmp(&(&b.number, &b.name, &b.id)));
    Ok(found)
}

fn all_of(
    relations: &Relations<'_, '_>,
    collection: CollectionKey,
    types: &[&str],
    limit: usize,
) -> Result<Vec<Object>, StoreError> {
    let filter = Filter {
        types,
        revoked: false,
        order: Order::Descending,
        ..Filter::new(collection, relations.visible, limit)
    };
    objects::page(relations.reader, relations.realm, &filter)?.rows.iter().map(parse).collect()
}

/// The number that a framework gives: `T1566`, `AML.T0000`.
fn number(object: &Object) -> Option<String> {
    let references = object.get("external_references").and_then(Value::as_array)?;
    let mitre = references.iter().find(|one| {
        one.get("source_name").and_then(Value::as_str).is_some_and(|name| name.starts_with("mitre"))
    })?;
    mitre.get("external_id").and_then(Value::as_str).map(str::to_owned)
}

/// Names of matrices, by kill chain: `enterprise-attack` is the matrix of `mitre-attack`, `ics-attack` of `mitre-ics-attack`.
fn matrix_names(
    relations: &Relations<'_, '_>,
    collection: CollectionKey,
) -> Result<BTreeMap<String, Object>, StoreError> {
    let matrices = all_of(relations, collection, &["x-mitre-matrix"], 100)?;
    let chain = |object: &Object| {
        let id = number(object)?;
        Some(match id.as_str() {
            "enterprise-attack" => "mitre-attack".to_owned(),
            id if id.starts_with("mitre-") => id.to_owned(),
            id => format!("mitre-{id}"),
        })
    };
    Ok(matrices.into_iter().filter_map(|object| Some((chain(&object)?, object))).collect())
}

fn name(chain: &str, names: &BTreeMap<String, Object>, techniques: usize) -> MatrixName {
    let name = names.get(chain).and_then(|object| object.text("name")).unwrap_or(chain);
    MatrixName {
        kill_chain: chain.to_owned(),
        name: name.to_owned(),
        techniques: u64::try_from(techniques).unwrap_or(u64::MAX),
    }
}

/// Tactics in the order of the matrix; where there is none, in that of an intrusion.
fn tactics(
    relations: &Relations<'_, '_>,
    collection: CollectionKey,
    chain: &str,
    techniques: &[&Technique],
) -> Result<Vec<(String, String)>, StoreError> {
    let mut left: BTreeSet<&str> = techniques
        .iter()
        .flat_map(|one| &one.phases)
        .filter(|(known, _)| known == chain)
        .map(|(_, phase)| phase.as_str())
        .collect();
    let mut ordered = Vec::new();
    let names = matrix_names(relations, collection)?;
    let refs = names.get(chain).and_then(|matrix| matrix.get("tactic_refs")).and_then(Value::as_array);
    for id in refs.into_iter().flatten().filter_map(Value::as_str).filter_map(|id| Id::parse(id).ok()) {
        let Some(row) = relations.get(&id)? else { continue };
        let tactic = parse(&row)?;
        let short = tactic.text("x_mitre_shortname").unwrap_or_default().to_owned();
        if left.remove(short.as_str()) {
            let name = tactic.text("name").unwrap_or(&short).to_owned();
            ordered.push((short, name));
        }
    }
    let mut rest: Vec<&str> = left.into_iter().collect();
    rest.sort_by_key(|phase| (stage(phase).unwrap_or(u8::MAX), *phase));
    ordered.extend(rest.into_iter().map(|phase| (phase.to_owned(), phase.replace('-', " "))));
    Ok(ordered)
}

fn column(chain: &str, tactic: String, name: String, techniques: &[&Technique], uses: &Uses) -> MatrixColumn {
    let is_here =
        |one: &&&Technique| one.phases.iter().any(|(known, phase)| known == chain && *phase == tactic);
    let cells = techniques.iter().filter(is_here).map(|one| {
        let [actors, campaigns, software, sightings] =
            uses.by_technique.get(&one.id).copied().unwrap_or_default();
        MatrixCell {
            id: one.id.to_string(),
            number: one.number.clone(),
            name: one.name.clone(),
            actors,
            campaigns,
            software,
            sightings,
        }
    });
    MatrixColumn { cells: cells.collect(), tactic, name }
}

/// The counts for this view: kept, or worked out.
fn uses(
    state: &AppState,
    relations: &mut Relations<'_, '_>,
    visible: &Visible,
    of: Vec<Id>,
) -> Result<Arc<Uses>, StoreError> {
    let sequence = objects::newest_sequence(relations.reader)?;
    let view = View { sequence, labels: visible.keys().to_vec(), of };
    let kept = &state.counted.0;
    let found = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, uses)) = found.iter().find(|(known, _)| *known == view) {
        return Ok(Arc::clone(uses));
    }
    drop(found);
    let uses = Arc::new(work_out(relations, state.collection.key, &view.of)?);
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT_MAX {
        kept.remove(0);
    }
    kept.push((view, Arc::clone(&uses)));
    Ok(uses)
}

fn work_out(
    relations: &mut Relations<'_, '_>,
    collection: CollectionKey,
    of: &[Id],
) -> Result<Uses, StoreError> {
    let mut uses = Uses::default();
    let users: Vec<Id> = if of.is_empty() {
        let mut users = Vec::new();
        for object_type in ACTING.into_iter().chain(["malware", "tool"]) {
            let found = all_of(relations, collection, &[object_type], USERS_MAX)?;
            uses.at_least |= found.len() == USERS_MAX;
            users.extend(found.iter().map(|object| object.id().clone()));
        }
        users
    } else {
        of.to_vec()
    };
    for user in users {
        let place = match user.object_type() {
            "intrusion-set" | "threat-actor" => 0,
            "campaign" => 1,
            _ => 2,
        };
        if relations.get(&user)?.is_none() {
            continue;
        }
        let mut once = BTreeSet::new();
        for relation in relations.of(&user)? {
            let is_use = relation.outgoing
                && relation.kind == "uses"
                && relation.far.id.object_type() == "attack-pattern";
            if is_use && once.insert(relation.far.id.clone()) {
                count(&mut uses, &relation.far.id, place, 1);
            }
        }
    }
    count_sightings(relations, of, &mut uses)?;
    uses.at_least |= relations.more;
    Ok(uses)
}

/// Sightings of indicators count for the techniques that those indicate; where somebody was asked about, only for theirs.
fn count_sightings(relations: &mut Relations<'_, '_>, of: &[Id], uses: &mut Uses) -> Result<(), StoreError> {
    let from = relations.reader.now() - SignedDuration::from_hours(SIGHTED_DAYS * 24);
    let sighted =
        sightings::per_indicator(relations.reader, relations.realm, relations.visible, from, INDICATORS_MAX)?;
    for (indicator, times) in sighted {
        if relations.get(&indicator)?.is_none() {
            continue;
        }
        let said = relations.of(&indicator)?;
        let far = |object: &Id| said.iter().any(|one| one.outgoing && one.far.id == *object);
        if !of.is_empty() && !of.iter().any(far) {
            continue;
        }
        for relation in said.iter().filter(|one| one.outgoing && one.kind == "indicates") {
            if relation.far.id.object_type() == "attack-pattern" {
                count(uses, &relation.far.id, 3, times);
            }
        }
    }
    Ok(())
}

fn count(uses: &mut Uses, technique: &Id, place: usize, by: u64) {
    let counts = uses.by_technique.entry(technique.clone()).or_default();
    if let Some(count) = counts.get_mut(place) {
        *count += by;
    }
}
