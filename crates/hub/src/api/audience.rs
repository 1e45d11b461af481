//! `/api/v1/audience` and `/api/v1/objects/{id}/audience|why`: who could see something if it were published, who can see it, and
//! why; in words.

use std::collections::{BTreeSet, HashMap};

use api::{Audience, AudiencePreview, AudienceReader, Code, Explanation, Reasons, Rule};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use http::HeaderMap;
use oversight::{Action, AuditEvent, OrganisationRole, PersonRole, Purpose};
use policy::{Engine, Explainer, Label, Operation, Personal, Principal, PrincipalKind, TlpLabel};
use serde::Deserialize;
use stix::marking::Pap;
use stix::{Id, Object};
use store::organisations::Organisation;
use store::{Act, StoreError, labels, objects, organisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::objects::{REFUSED_TOLD_MAX, refused_object};
use crate::ingest;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::Query;
use crate::sharing::chosen::Chosen;
use crate::state::AppState;

/// Objects of one preview at most.
const OBJECTS_MAX: usize = 200;
/// Objects of one preview that tells of like ones together.
const GROUPED_OBJECTS_MAX: usize = 20_000;
/// Further objects that the answer about one names.
const FURTHER_TOLD_MAX: usize = 200;

/// The kinds of principals, by their names on the wire.
const KINDS: [&str; 4] = ["person", "program", "edge", "peer"];

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(preview)).routes(routes!(of_object)).routes(routes!(why))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhyQuery {
    /// The organisation asked about, by its short name.
    organisation: String,
    /// `person`, `program`, `edge` or `peer`; `person` where absent.
    kind: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PreviewQuery {
    /// Whether objects of one type that bear the same are told of together: one answer for all of them. Then there may be 20,000.
    #[serde(default)]
    grouped: bool,
    /// As for publishing.
    #[serde(default)]
    tlp: String,
    /// As for publishing.
    #[serde(default)]
    pap: String,
    /// As for publishing.
    #[serde(default)]
    group: String,
    /// As for publishing.
    #[serde(default)]
    demand: String,
    /// As for publishing.
    #[serde(default)]
    over: String,
    /// As for publishing.
    #[serde(default)]
    acs: bool,
}

/// Who could see some objects if the caller published them as they are, or with a marking that it chooses. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/audience", tag = "sharing", security(("session" = []), ("token" = [])),
    params(PreviewQuery),
    request_body(content = serde_json::Value, description = "A STIX bundle, a TAXII envelope, a list or one object; at most 200, or 20,000 grouped"),
    responses((status = 200, body = AudiencePreview), crate::api::CallerRefusal))]
async fn preview(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PreviewQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<AudiencePreview>> {
    caller.demand(&state, Operation::Write)?;
    let PreviewQuery { grouped, tlp, pap, group, demand, over, acs } = query;
    let chosen = Chosen { tlp, pap, group, demand, over, acs };
    let marks = chosen.marks(&state, &caller).await?;
    let body = state.ingest.read_body(&caller, &headers, body).await?.with_marks(marks);
    let body = body.stated_by(chosen.stated_by(&caller));
    let (work, asker) = (state.clone(), caller.clone());
    let objects_max = if grouped { GROUPED_OBJECTS_MAX } else { OBJECTS_MAX };
    let ingest::Labelled { objects: labelled, unfit } =
        ingest::labels_of(&state, &caller, body, objects_max).await?;
    let refused = unfit.into_iter().filter_map(|(index, verdict)| refused_object(index, verdict));
    let refused = refused.take(REFUSED_TOLD_MAX).collect();
    let told = state.store.read(move |reader| {
        let council = organisations::list(reader, asker.realm())?;
        let engine = work.engine.load_full();
        let mut teller = Teller::new(&engine, &council);
        Ok(if grouped {
            together(&labelled, |id, label| teller.tell(id, label))
        } else {
            Some(labelled.iter().map(|(object, label)| teller.tell(object.id(), label)).collect())
        })
    });
    let objects = told.await?.ok_or_else(|| {
        let detail = format!("the objects bear more than {OBJECTS_MAX} different combinations of markings; ask for fewer at once");
        Failure::rule("count", detail)
    })?;
    Ok(Json(AudiencePreview { objects, refused }))
}

/// Who can see an object. For its originator and the coordinator.
#[utoipa::path(get, path = "/api/v1/objects/{id}/audience", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")),
    responses((status = 200, body = Audience), crate::api::CallerRefusal))]
async fn of_object(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Audience>> {
    let (id, label, council) = entitled(&state, &caller, &id).await?;
    note(&state, &caller, &id, "-").await?;
    Ok(Json(Teller::new(&state.engine.load_full(), &council).tell(&id, &label)))
}

/// Why an organisation can, or cannot, see an object. For the object's originator and the coordinator.
#[utoipa::path(get, path = "/api/v1/objects/{id}/why", tag = "sharing", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier"), WhyQuery),
    responses((status = 200, body = Explanation), crate::api::CallerRefusal))]
async fn why(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<WhyQuery>,
) -> Answer<Json<Explanation>> {
    let (id, label, council) = entitled(&state, &caller, &id).await?;
    let organisation = council.iter().find(|known| known.id.as_str() == query.organisation);
    let organisation = organisation.ok_or_else(Failure::not_found)?;
    let asked = query.kind.as_deref().unwrap_or("person");
    let kind = KINDS.into_iter().find(|kind| *kind == asked).ok_or_else(|| {
        Failure::new(Code::BadRequest, format!("kind: it is one of `{}`", KINDS.join("`, `")))
    })?;
    note(&state, &caller, &id, organisation.id.as_str()).await?;
    let engine = state.engine.load_full();
    let reasons = engine.reasons(&principal(organisation, kind, &label, Purpose::CollectiveDefence), &label);
    Ok(Json(Explanation {
        id: id.to_string(),
        organisation: organisation.id.to_string(),
        kind: kind.to_owned(),
        allowed: reasons.allowed,
        because: told_reasons(&engine, reasons),
    }))
}

/// The object's label, where the caller is entitled to know who sees it; else it is not found.
pub(crate) async fn entitled(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Answer<(Id, Label, Vec<Organisation>)> {
    caller.demand(state, Operation::Read)?;
    let id = Id::parse(id).map_err(|_| Failure::not_found())?;
    let (work, asker, asked) = (state.clone(), caller.clone(), id.clone());
    let found = state.store.read(move |reader| {
        let realm = asker.realm();
        let visible = work.door.visible(reader, &asker.principal)?;
        let Some(row) = objects::get(reader, realm, &visible, &asked)? else { return Ok(None) };
        let is_entitled = row.originator == asker.principal.organisation
            || asker.principal.organisation_role == OrganisationRole::Coordinator;
        let label = labels::get(reader, realm, row.label)?
            .ok_or_else(|| StoreError::Corrupt(format!("label {}", row.label)))?;
        let council = organisations::list(reader, realm)?;
        Ok(is_entitled.then_some((label, council)))
    });
    let (label, council) = found.await?.ok_or_else(Failure::not_found)?;
    Ok((id, label, council))
}

/// That somebody asked is an act of its own: the answer tells who is in which agreement and group.
pub(crate) async fn note(state: &AppState, caller: &Caller, id: &Id, organisation: &str) -> Answer<()> {
    let event = AuditEvent::done(Action::AudienceAsked, caller.actor.clone(), caller.purpose)
        .on([id.as_str()])
        .with("organisation", organisation);
    let realm = caller.realm().clone();
    Ok(state.store.write(move |_| Ok(Act::audited((), &realm, event))).await?)
}

/// One answer for all objects of a type that bear the same, in the order in which the first of each came; nothing where there are more
/// different ones than are told of at once.
fn together(
    labelled: &[(Object, Label)],
    mut tell: impl FnMut(&Id, &Label) -> Audience,
) -> Option<Vec<Audience>> {
    let mut places: HashMap<(&str, &Label), usize> = HashMap::new();
    let mut alike: Vec<Vec<&(Object, Label)>> = Vec::new();
    for one in labelled {
        let place = *places.entry((one.0.object_type(), &one.1)).or_insert(alike.len());
        match alike.get_mut(place) {
            Some(known) => known.push(one),
            None if place < OBJECTS_MAX => alike.push(vec![one]),
            None => return None,
        }
    }
    let told = alike.into_iter().filter_map(|group| {
        let (first, rest) = group.split_first()?;
        let further = rest.iter().take(FURTHER_TOLD_MAX).map(|(object, _)| object.id().to_string());
        Some(Audience { count: group.len(), further: further.collect(), ..tell(first.0.id(), &first.1) })
    });
    Some(told.collect())
}

/// Tells of audiences, and asks policy the same question once.
pub(crate) struct Teller<'a> {
    engine: &'a Engine,
    explainer: Explainer<'a>,
    council: &'a [Organisation],
}

impl<'a> Teller<'a> {
    pub(crate) fn new(engine: &'a Engine, council: &'a [Organisation]) -> Self {
        Self { engine, explainer: Explainer::new(engine), council }
    }

    pub(crate) fn tell(&mut self, id: &Id, label: &Label) -> Audience {
        let council = self.council;
        let readers: Vec<AudienceReader> =
            council.iter().filter_map(|organisation| self.reader(organisation, label)).collect();
        Audience {
            id: id.to_string(),
            object_type: id.object_type().to_owned(),
            tlp: match label.tlp {
                TlpLabel::Level(level) => level.name().to_owned(),
                TlpLabel::Unmarked => "unmarked".to_owned(),
            },
            pap: label.pap.map(|level: Pap| level.name().to_owned()),
            demands: label.demands.iter().map(ToString::to_string).collect(),
            unknown_markings: label.unknown.iter().map(ToString::to_string).collect(),
            others: council.len() - readers.len(),
            readers,
            count: 1,
            further: Vec::new(),
        }
    }

    /// The organisation, where somebody or something of it may read what bears the label.
    fn reader(&mut self, organisation: &Organisation, label: &Label) -> Option<AudienceReader> {
        let mut kinds = Vec::new();
        let mut because = None;
        for kind in KINDS {
            // An edge defends its own operator; the rest may ask for any purpose, so each is tried.
            let mut purposes =
                Purpose::ALL.iter().filter(|purpose| kind != "edge" || **purpose == Purpose::OwnDefence);
            let asked = purposes.find_map(|purpose| {
                let reader = principal(organisation, kind, label, *purpose);
                Some(self.explainer.reasons(&reader, label)).filter(|reasons| reasons.allowed)
            });
            if let Some(reasons) = asked {
                kinds.push(kind.to_owned());
                because.get_or_insert_with(|| told_reasons(self.engine, reasons));
            }
        }
        because.map(|because| AudienceReader {
            organisation: organisation.id.to_string(),
            name_ja: organisation.name_ja.clone(),
            name_en: organisation.name_en.clone(),
            kinds,
            because,
        })
    }
}

/// Somebody of an organisation who works with information.
fn principal(organisation: &Organisation, kind: &str, label: &Label, purpose: Purpose) -> Principal {
    Principal {
        kind: match kind {
            "program" => PrincipalKind::Program(String::new()),
            "edge" => PrincipalKind::Edge(String::new()),
            "peer" => PrincipalKind::Peer(String::new()),
            _ => PrincipalKind::Person(String::new()),
        },
        organisation: organisation.id.clone(),
        organisation_role: organisation.role,
        roles: if matches!(kind, "edge" | "peer") {
            BTreeSet::new()
        } else {
            BTreeSet::from([PersonRole::Analyst])
        },
        realm: label.realm.clone(),
        purpose,
        // Of people with a clearance that it demands, since there may be some; that it does is told beside.
        personal: Personal { qualifications: label.demands.clone(), ..Personal::default() },
    }
}

fn told_reasons(engine: &Engine, reasons: policy::Explanation) -> Reasons {
    let rule = |id: String| {
        let words = engine.words(&id).cloned().unwrap_or_default();
        Rule { ja: words.ja, en: words.en, id }
    };
    let (agreement, term) = reasons.agreement.unzip();
    Reasons {
        rules: reasons.policies.into_iter().map(rule).collect(),
        agreement: agreement.map(|agreement| agreement.to_string()),
        term,
    }
}
