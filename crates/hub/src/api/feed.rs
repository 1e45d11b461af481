//! `/api/v1/feed` and `/api/v1/products`: of what comes in, what concerns one's own organisation, and why.

use std::collections::BTreeSet;
use std::sync::Arc;

use analysis::products::{Product as Named, of_cpe};
use api::{FeedItem, FeedPage, Product as Told, Products, Words};
use axum::Json;
use axum::extract::State;
use oversight::{Action, AuditEvent, Sector};
use policy::Operation;
use serde::Deserialize;
use serde_json::Value;
use stix::Object;
use store::objects::{Filter, Order, Row};
use store::products::{PRODUCTS_MAX, Product};
use store::{Act, StoreError, objects, products};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::graph::answer;
use super::summaries::{Teller, leaving, parse};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::relations::Relations;
use crate::release::Leaving;
use crate::request::{JsonBody, Query};
use crate::state::AppState;

/// What can concern somebody in particular.
const TYPES: [&str; 10] = [
    "attack-pattern",
    "campaign",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "malware",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
];
/// Objects looked at for one page.
const LOOKED_AT: usize = 400;
/// Reasons told for one object.
const REASONS_MAX: usize = 5;
/// Longest name of a vendor or product, in characters.
const NAME_CHARACTERS_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(feed)).routes(routes!(declared, declare))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FeedQuery {
    /// From the page before.
    next: Option<i64>,
}

/// What concerns your organisation: its declared products, its sectors, what its sector has sighted.
///
/// The newest 400 objects are looked at, and with `next` the 400 before those; a page may hold nothing and still have a next one.
#[utoipa::path(get, path = "/api/v1/feed", tag = "feed", security(("session" = []), ("token" = [])), params(FeedQuery),
    responses((status = 200, body = FeedPage), crate::api::CallerRefusal))]
async fn feed(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<FeedQuery>,
) -> Answer<Json<FeedPage>> {
    let told = answer(&state, caller, "feed", move |work, asker, reader, teller| {
        let visible = Arc::clone(&teller.visible);
        let organisation = asker.principal.organisation.clone();
        let run = products::list(reader, asker.realm(), &organisation)?;
        let run: Vec<Named> =
            run.into_iter().map(|one| Named { vendor: one.vendor, product: one.product }).collect();
        let own: BTreeSet<String> = teller.sectors(&organisation).into_iter().collect();
        let filter = Filter {
            types: &TYPES,
            revoked: false,
            order: Order::Descending,
            after: query.next,
            ..Filter::new(work.collection.key, &visible, LOOKED_AT)
        };
        let page = objects::page(reader, asker.realm(), &filter)?;
        let mut relations = Relations::new(reader, asker.realm(), &visible);
        let (mut items, mut parts) = (Vec::new(), Vec::new());
        for row in page.rows.iter().filter(|row| row.originator != organisation) {
            let object = parse(row)?;
            let mut because = about_products(&object, &run);
            because.extend(about_sectors(teller, &mut relations, (row, &object), &own, &mut parts)?);
            if because.is_empty() {
                continue;
            }
            because.truncate(REASONS_MAX);
            parts.push(leaving(row));
            items.push(FeedItem { object: teller.object(row)?, because });
        }
        let page = FeedPage {
            items,
            looked_at: u64::try_from(page.rows.len()).unwrap_or(u64::MAX),
            next: page.rows.last().filter(|_| page.more).map(|row| row.date_added_us.to_string()),
            as_of: reader.now().to_string(),
        };
        Ok(Some((page, parts)))
    });
    told.await
}

/// Which of the declared products an object names: by CPE, else in its texts.
fn about_products(object: &Object, run: &[Named]) -> Vec<Words> {
    let texts = object.search_texts();
    let named: Vec<Named> = texts.iter().filter_map(|text| of_cpe(text)).collect();
    let mut because = Vec::new();
    for product in run {
        let shown = format!("{} {}", product.vendor, product.product);
        let shown = shown.trim();
        if named.iter().any(|one| one.is(product)) {
            because.push(Words {
                ja: format!("申告された製品 {shown} を CPE で名指ししています"),
                en: format!("it names {shown}, which you declared, by CPE"),
            });
        } else if texts.iter().any(|text| product.is_named_in(text)) {
            because.push(Words {
                ja: format!("申告された製品 {shown} に触れています"),
                en: format!("it mentions {shown}, which you declared"),
            });
        }
    }
    because
}

/// Whether it targets one's sectors, or was sighted by others of them.
fn about_sectors(
    teller: &Teller<'_, '_>,
    relations: &mut Relations<'_, '_>,
    (row, object): (&Row, &Object),
    own: &BTreeSet<String>,
    parts: &mut Vec<Leaving>,
) -> Result<Vec<Words>, StoreError> {
    let mut because = Vec::new();
    if own.is_empty() {
        return Ok(because);
    }
    let mut targeted: BTreeSet<String> = sectors_of(object);
    for relation in relations.of(&row.id)?.into_iter().filter(|one| one.outgoing && one.kind == "targets") {
        let sectors = sectors_of(&parse(&relation.far)?);
        if !sectors.is_disjoint(own) {
            parts.extend([relation.said_by, leaving(&relation.far)]);
            targeted.extend(sectors);
        }
    }
    if let Some(sector) = targeted.intersection(own).next() {
        because.push(Words {
            ja: format!("貴組織の分野（{sector}）を狙うとされています"),
            en: format!("it is said to target your sector ({sector})"),
        });
    }
    if row.id.object_type() == "indicator" {
        let mut members = BTreeSet::new();
        for seen in relations.sightings(&row.id)? {
            if teller.sectors(&seen.by).iter().any(|sector| own.contains(sector)) {
                parts.push(seen.said_by);
                members.insert(seen.by);
            }
        }
        let count = members.len();
        if count > 0 {
            because.push(Words {
                ja: format!("貴組織と同じ分野の {count} 組織で目撃されました"),
                en: format!("{count} members of your sector have sighted it"),
            });
        }
    }
    Ok(because)
}

/// The council's sectors that an object names: in its `sectors` (STIX 2.1 §10.12) and its labels.
fn sectors_of(object: &Object) -> BTreeSet<String> {
    let lists = ["sectors", "labels"].into_iter().filter_map(|name| object.get(name)?.as_array());
    lists
        .flatten()
        .filter_map(Value::as_str)
        .flat_map(council_sectors)
        .map(|one| one.name().to_owned())
        .collect()
}

/// A STIX industry sector as sectors of the council; its own names stand for themselves.
fn council_sectors(name: &str) -> Vec<Sector> {
    let known = Sector::parse(name).map(|sector| vec![sector]);
    known.unwrap_or_else(|| match name {
        "aerospace" => vec![Sector::Aviation],
        "chemical" => vec![Sector::Chemical],
        "energy" => vec![Sector::Power, Sector::Gas, Sector::Petroleum],
        "financial-services" => vec![Sector::Finance, Sector::CreditCard],
        "government"
        | "government-local"
        | "government-national"
        | "government-public-services"
        | "government-regional" => vec![Sector::Government],
        "healthcare" => vec![Sector::Medical],
        "communications" | "technology" => vec![Sector::Telecommunications],
        "transportation" => {
            vec![Sector::Railways, Sector::Aviation, Sector::Airports, Sector::Logistics, Sector::Ports]
        }
        "utilities" => vec![Sector::Power, Sector::Gas, Sector::Water],
        _ => Vec::new(),
    })
}

/// What your organisation declared to run.
#[utoipa::path(get, path = "/api/v1/products", tag = "feed", security(("session" = []), ("token" = [])),
    responses((status = 200, body = Products), crate::api::CallerRefusal))]
async fn declared(State(state): State<AppState>, caller: Caller) -> Answer<Json<Products>> {
    caller.demand(&state, Operation::Read)?;
    let known = state
        .store
        .read(move |reader| products::list(reader, caller.realm(), &caller.principal.organisation))
        .await?;
    Ok(Json(Products { products: known.into_iter().map(told).collect() }))
}

/// Declare what your organisation runs, in place of what it declared before. Nobody else is told.
#[utoipa::path(put, path = "/api/v1/products", tag = "feed", security(("session" = []), ("token" = [])),
    request_body = Products, responses((status = 200, body = Products), crate::api::CallerRefusal))]
async fn declare(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<Products>,
) -> Answer<Json<Products>> {
    caller.demand(&state, Operation::Write)?;
    if new.products.len() > PRODUCTS_MAX {
        return Err(Failure::rule("count", format!("products: at most {PRODUCTS_MAX}")));
    }
    let read: Vec<Told> = new.products.into_iter().enumerate().map(checked).collect::<Answer<_>>()?;
    let written = state.store.write(move |tx| {
        let now = tx.now();
        let product = |one: Told| Product {
            id: uuid::Uuid::new_v4().to_string(),
            vendor: one.vendor,
            product: one.product,
            cpe: one.cpe,
            created: now,
        };
        let list: Vec<Product> = read.into_iter().map(product).collect();
        let (realm, organisation) = (caller.realm().clone(), caller.principal.organisation.clone());
        products::replace(tx, &realm, &organisation, &list)?;
        let event = AuditEvent::done(Action::ProductsDeclared, caller.actor.clone(), caller.purpose)
            .with("products", list.len().to_string());
        let kept = products::list(tx, &realm, &organisation)?;
        Ok(Act::audited(kept, &realm, event))
    });
    Ok(Json(Products { products: written.await?.into_iter().map(told).collect() }))
}

fn checked((place, mut product): (usize, Told)) -> Answer<Told> {
    let refused =
        |reason: &'static str, why: &str| Failure::rule(reason, format!("products[{place}]: {why}"));
    product.cpe = product.cpe.map(|cpe| cpe.trim().to_owned()).filter(|cpe| !cpe.is_empty());
    if let Some(cpe) = &product.cpe {
        let named = of_cpe(cpe).ok_or_else(|| {
            refused("product-cpe", "`cpe` is no CPE name such as `cpe:2.3:o:fortinet:fortios:*`")
        })?;
        if product.vendor.trim().is_empty() {
            product.vendor = named.vendor;
        }
        if product.product.trim().is_empty() {
            product.product = named.product;
        }
    }
    product.vendor = product.vendor.trim().to_owned();
    product.product = product.product.trim().to_owned();
    let is_long = |text: &str| text.chars().count() > NAME_CHARACTERS_MAX;
    if is_long(&product.vendor) || is_long(&product.product) || product.cpe.as_deref().is_some_and(is_long) {
        return Err(refused("product-length", "a name is longer than 200 characters"));
    }
    if product.product.is_empty() {
        return Err(refused("product-unnamed", "name the product, or give its CPE"));
    }
    Ok(product)
}

fn told(product: Product) -> Told {
    Told { vendor: product.vendor, product: product.product, cpe: product.cpe }
}
