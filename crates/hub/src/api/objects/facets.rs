//! How what a search finds is spread over types, sources, markings and confidence.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{FacetCount, Facets};
use axum::Json;
use axum::extract::State;
use policy::{Label, LabelKey, Operation};
use serde_json::Value;
use store::objects::{COUNT_MAX, Row};
use store::{Reader, StoreError, labels, objects};

use super::find::ObjectQuery;
use crate::api::summaries::{Teller, parse};
use crate::principal::Caller;
use crate::problem::Answer;
use crate::release::Recipient;
use crate::request::Query;
use crate::state::AppState;

/// Most values of one facet.
const VALUES_MAX: usize = 100;
/// All of a facet's counts of visible objects: exact up to what every JSON reader holds.
const COUNT_EXACT: u64 = (1 << 53) - 1;

/// How what a search finds is spread.
///
/// The same filters as for the list; `sort`, `limit` and `next` change nothing, and without words neither do `confidence` and
/// `revoked`.
#[utoipa::path(get, path = "/api/v1/objects/facets", tag = "objects", security(("session" = []), ("token" = [])), params(ObjectQuery),
    responses((status = 200, body = Facets), crate::api::CallerRefusal))]
pub(super) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ObjectQuery>,
) -> Answer<Json<Facets>> {
    caller.demand(&state, Operation::Read)?;
    let terms = query.terms()?;
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let teller = Teller::new(reader, &work.door, &asker.principal)?;
        let realm = asker.realm();
        let scope = terms.scope(reader, realm, Arc::clone(&teller.visible))?;
        let mut counts = Counts::new(reader, &asker)?;
        if terms.words.is_empty() {
            let types = terms.types();
            for (object_type, label, count) in objects::spread(reader, realm, &teller.visible)? {
                if scope.takes(label) && (types.is_empty() || types.contains(&object_type.as_str())) {
                    counts.add(&object_type, label, count);
                }
            }
            return Ok((counts.told(COUNT_EXACT, reader), teller.visible));
        }
        let rows = match terms.by_value(reader, realm, &scope)? {
            Some(rows) => rows,
            None => terms.by_words(reader, realm, &scope, 0)?,
        };
        for row in &rows {
            counts.add(row.id.object_type(), row.label, 1);
            counts.add_confidence(row)?;
        }
        Ok((counts.told(COUNT_MAX, reader), teller.visible))
    });
    let (facets, visible) = found.await?;
    let recipient = Recipient { caller, door: "facets" };
    let facets = state.door.release(&state.store, &state.metrics, &recipient, &visible, &[], facets).await?;
    Ok(Json(facets.into_inner()))
}

struct Counts {
    labels: BTreeMap<LabelKey, Label>,
    types: BTreeMap<String, u64>,
    originators: BTreeMap<String, u64>,
    tlp: BTreeMap<String, u64>,
    confidence: BTreeMap<String, u64>,
    counted: u64,
}

impl Counts {
    fn new(reader: &Reader<'_>, caller: &Caller) -> Result<Self, StoreError> {
        Ok(Self {
            labels: labels::all(reader, caller.realm())?.into_iter().collect(),
            types: BTreeMap::new(),
            originators: BTreeMap::new(),
            tlp: BTreeMap::new(),
            confidence: BTreeMap::new(),
            counted: 0,
        })
    }

    fn add(&mut self, object_type: &str, label: LabelKey, count: u64) {
        if count == 0 {
            return;
        }
        self.counted += count;
        *self.types.entry(object_type.to_owned()).or_default() += count;
        if let Some(label) = self.labels.get(&label) {
            *self.originators.entry(label.originator.as_str().to_owned()).or_default() += count;
            *self.tlp.entry(label.tlp.word().to_owned()).or_default() += count;
        }
    }

    fn add_confidence(&mut self, row: &Row) -> Result<(), StoreError> {
        let band = match parse(row)?.get("confidence").and_then(Value::as_u64) {
            Some(70..) => "high",
            Some(30..) => "medium",
            Some(_) => "low",
            None => "none",
        };
        *self.confidence.entry(band.to_owned()).or_default() += 1;
        Ok(())
    }

    fn told(self, count_max: u64, reader: &Reader<'_>) -> Facets {
        Facets {
            types: most(self.types),
            originators: most(self.originators),
            tlp: most(self.tlp),
            confidence: most(self.confidence),
            counted: self.counted,
            count_max,
            as_of: reader.now().to_string(),
        }
    }
}

fn most(counts: BTreeMap<String, u64>) -> Vec<FacetCount> {
    let mut counts: Vec<FacetCount> =
        counts.into_iter().map(|(value, count)| FacetCount { value, count }).collect();
    counts.sort_by(|a, b| (b.count, &a.value).cmp(&(a.count, &b.value)));
    counts.truncate(VALUES_MAX);
    counts
}
