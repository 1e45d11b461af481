//! What is added to a report after its first page: details, moments, consents, corrections; and what can be filled in without asking.

use std::collections::{BTreeMap, BTreeSet};

use api::{NewReportEvent, NewReportEvents, NewReportPrefill, ReportTaken};
use axum::Json;
use axum::extract::{Path, State};
use jiff::{SignedDuration, Timestamp};
use policy::Operation;
use regime::{
    Event, EventId, Fields, Moment, Provenance, Regimes, Sighted, Stated, What, prefill as known_already,
};
use store::sightings;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{append, instant, kind_of, known, unprocessable, wrong};
use crate::api::summaries::SightingDetail;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::reports::{Sent, told};
use crate::request::JsonBody;
use crate::state::AppState;

/// Events of one request.
const EVENTS_MAX: usize = 50;
/// Sightings that a report is filled from.
const SIGHTINGS_MAX: usize = 1_000;
/// How long before an organisation became aware its own sightings are looked at, where nothing else is said.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(add)).routes(routes!(prefill))
}

/// Add to a report: fields, moments, kinds, consents, rulings, more time, corrections.
///
/// Consents, rulings and extensions are for those who file. An event is never changed; a mistaken one is withdrawn, with a reason that
/// stays. What is sent twice under one name is taken once.
#[utoipa::path(post, path = "/api/v1/reports/{id}/events", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewReportEvents,
    responses((status = 200, body = ReportTaken), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewReportEvents>,
) -> Answer<Json<ReportTaken>> {
    caller.demand(&state, Operation::WriteReports)?;
    let decides = |event: &NewReportEvent| {
        use NewReportEvent::{Consent, Extended, Ruled};
        matches!(event, Consent { .. } | Ruled { .. } | Extended { .. })
    };
    if body.events.iter().any(decides) {
        caller.demand(&state, Operation::FileReports)?;
    }
    let id = known(&id)?;
    if body.events.is_empty() || body.events.len() > EVENTS_MAX {
        return Err(Failure::rule("count", "events: 1 to 50 at a time"));
    }
    let sent = Sent::of(body.send, "events", &body);
    let said = body.events.into_iter().map(|event| read(event, &state.regimes));
    let said = said.collect::<Answer<Vec<What>>>()?;
    let (by, work) = (caller.id().to_owned(), state.clone());
    append(&state, caller, (id, sent), move |reader, _| {
        let logged = reader.now();
        for what in &said {
            if let What::Stated { fields } = what {
                for (name, stated) in fields {
                    check(&work.regimes, name, stated).map_err(|error| wrong(&error))?;
                }
            }
        }
        Ok(said.into_iter().map(|what| Event { logged, by: Some(by.clone()), what }).collect())
    })
    .await
}

/// Fill a report with what is known already: what the organisation declared, its own sightings, and when the first was made. What a
/// person has stated is not touched, and what comes from sightings is marked until a person confirms it.
#[utoipa::path(post, path = "/api/v1/reports/{id}/prefill", tag = "reports", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewReportPrefill,
    responses((status = 200, body = ReportTaken), crate::api::CallerRefusal))]
async fn prefill(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewReportPrefill>,
) -> Answer<Json<ReportTaken>> {
    caller.demand(&state, Operation::WriteReports)?;
    let id = known(&id)?;
    let since = body.since.as_deref().map(|text| instant("since", text)).transpose()?;
    let sent = Sent::of(body.send, "prefill", &body);
    let (work, asker) = (state.clone(), caller.clone());
    append(&state, caller, (id, sent), move |reader, found| {
        let record = found.report.record();
        let aware = record.moment(Moment::Aware).unwrap_or_else(|| found.report.opened());
        let from = since.unwrap_or_else(|| aware.checked_sub(BEFORE).unwrap_or(Timestamp::MIN));
        let visible = work.door.visible(reader, &asker.principal)?;
        let own = (&asker.principal.organisation, from);
        let seen = sightings::of_organisation(reader, asker.realm(), &visible, own, SIGHTINGS_MAX)?;
        let sighted = seen.iter().flat_map(|sighting| {
            let detail: SightingDetail = serde_json::from_str(&sighting.detail).unwrap_or_default();
            let one = |value: String| Sighted { id: sighting.id.clone(), value, at: sighting.first_seen };
            detail.values.into_iter().map(one).collect::<Vec<_>>()
        });
        let sighted: Vec<Sighted> = sighted.collect();
        let stated: BTreeSet<String> = record
            .fields
            .iter()
            .filter(|(_, said)| said.value.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        let events = known_already(&found.profile, &sighted, &work.regimes.catalogue, &stated, reader.now());
        // When it was noticed, a person may have said; then the first sighting is no second account.
        let says_when = |event: &Event| matches!(event.what, What::Happened { .. });
        let is_told = record.moment(Moment::Detected).is_some();
        Ok(events.into_iter().filter(|event| !(is_told && says_when(event))).collect())
    })
    .await
}

/// Reads what is said of an incident.
fn read(event: NewReportEvent, regimes: &Regimes) -> Answer<What> {
    Ok(match event {
        NewReportEvent::Kind { kind } => What::Kind { kind: kind_of(&kind)? },
        NewReportEvent::Happened { moment, at } => What::Happened {
            moment: Moment::parse(&moment).ok_or_else(|| {
                let known: Vec<&str> = Moment::ALL.iter().map(|moment| moment.name()).collect();
                Failure::rule("not-one-of", format!("moment: it is one of {}", known.join(", ")))
            })?,
            at: instant("at", &at)?,
        },
        NewReportEvent::Stated { fields, unknown } => {
            let stated = |value| Stated { value, provenance: Provenance::Person };
            let mut said: BTreeMap<String, Stated> =
                unknown.into_iter().map(|name| (name, stated(None))).collect();
            let known = fields.iter().map(|(name, value)| (name.clone(), Some(told::read_value(value))));
            said.extend(known.map(|(name, value)| (name, stated(value))));
            What::Stated { fields: said }
        }
        NewReportEvent::Consent { regime, recipient, fields, given } => {
            let known = regimes.get(&regime).and_then(|regime| regime.recipient(&recipient));
            known.ok_or_else(|| {
                Failure::rule("no-such-regime", "consent: there is no such regime or recipient")
            })?;
            let fields = fields.map_or(Fields::All, |names| Fields::Only(names.into_iter().collect()));
            What::Consent { regime, recipient, fields, given }
        }
        NewReportEvent::Ruled { regime, applies, reason } => {
            regimes
                .get(&regime)
                .ok_or_else(|| Failure::rule("no-such-regime", "ruled: there is no such regime"))?;
            What::Ruled { regime, applies, reason }
        }
        NewReportEvent::Extended { regime, stage, until, reason } => {
            let known = regimes.get(&regime).and_then(|regime| regime.stage(&stage));
            known.ok_or_else(|| {
                Failure::rule("no-such-regime", "extended: there is no such regime or stage")
            })?;
            What::Extended { regime, stage, until: instant("until", &until)?, reason }
        }
        NewReportEvent::Withdrawn { event, reason } => {
            let event = EventId::parse(&event);
            let event = event.ok_or_else(|| unprocessable("event: it is the name of an event"))?;
            What::Withdrawn { event, reason }
        }
    })
}

/// Whether a field can hold what is stated of it.
fn check(regimes: &Regimes, name: &str, stated: &Stated) -> Result<(), regime::WrongValue> {
    match &stated.value {
        Some(value) => regimes.catalogue.check(name, value),
        None if regimes.catalogue.get(name).is_some() => Ok(()),
        None => Err(regime::WrongValue::NoField(name.chars().take(60).collect())),
    }
}
