//! `/api/v1/searches`: searches that one keeps, and what they found since.

use api::{NewSavedSearch, SavedSearch as Told, SavedSearchAdded, SearchAlert, SearchTerms};
use axum::Json;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use oversight::{Action, AuditEvent};
use policy::Operation;
use store::objects::Place;
use store::saved_searches::{Owner, SavedSearch};
use store::{Act, Reader, StoreError, alerts, objects, saved_searches, secrets};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::finding::Terms;
use crate::notify;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::state::AppState;

/// Longest name, in characters.
const NAME_CHARACTERS_MAX: usize = 200;
/// Alerts told with each search.
const NOTICES_TOLD: usize = 20;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

/// The searches that you keep, with their newest alerts.
#[utoipa::path(get, path = "/api/v1/searches", tag = "searches", security(("session" = []), ("token" = [])),
    responses((status = 200, body = [Told]), crate::api::CallerRefusal))]
async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Vec<Told>>> {
    caller.demand(&state, Operation::Read)?;
    let owner = owner(&caller)?;
    let realm = caller.realm().clone();
    let told = state.store.read(move |reader| {
        let kept = saved_searches::of_owner(reader, &realm, &owner)?;
        kept.into_iter().map(|search| told(reader, search)).collect::<Result<Vec<_>, _>>()
    });
    Ok(Json(told.await?))
}

/// Keep a search.
///
/// With `alerts` you are told of what comes in from now on and fits, or is opened to you later (by an agreement, a group, policies): on the stream, and by mail and webhook where you name them. A
/// webhook's messages follow Standard Webhooks; the secret that signs them is in this answer and in no other.
#[utoipa::path(post, path = "/api/v1/searches", tag = "searches", security(("session" = []), ("token" = [])),
    request_body = NewSavedSearch, responses((status = 200, body = SavedSearchAdded), crate::api::CallerRefusal))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewSavedSearch>,
) -> Answer<Json<SavedSearchAdded>> {
    caller.demand(&state, Operation::Read)?;
    let owner = owner(&caller)?;
    let new = checked(&state, new)?;
    let secret = new.webhook.as_ref().map(|_| secrets::random()).transpose()?;
    let terms = serde_json::to_string(&new.terms).map_err(Failure::internal)?;
    let id = uuid::Uuid::new_v4().to_string();
    let place = state.door.read_in_view(&state.store, &caller.principal, |reader, in_view| {
        Ok(Place::behind(objects::newest_sequence(reader)?, &in_view.view))
    });
    let (place, asker) = (place.await?, caller.clone());
    let written = state.store.write(move |tx| {
        let search = SavedSearch {
            id,
            owner,
            organisation: asker.principal.organisation.clone(),
            name: new.name,
            terms,
            alerts: new.alerts,
            mail: new.mail,
            webhook: new.webhook,
            secret: secret.map(Vec::from),
            place,
            created: tx.now(),
        };
        saved_searches::add(tx, asker.realm(), &search)?;
        let event = AuditEvent::done(Action::SearchSaved, asker.actor.clone(), asker.purpose)
            .with("search", search.id.as_str())
            .with("alerts", if search.alerts { "yes" } else { "no" });
        let answer = told(tx, search)?;
        Ok(Act::audited(answer, asker.realm(), event))
    });
    let search = written.await?;
    let secret = secret.map(|secret| format!("whsec_{}", STANDARD.encode(secret)));
    Ok(Json(SavedSearchAdded { search, secret }))
}

/// Forget a search, with all that waits of it.
#[utoipa::path(delete, path = "/api/v1/searches/{id}", tag = "searches", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "The search's id")),
    responses((status = 204), crate::api::CallerRefusal))]
async fn remove(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    caller.demand(&state, Operation::Read)?;
    let owner = owner(&caller)?;
    let asker = caller.clone();
    let removed = state.store.write(move |tx| {
        let not_found = || StoreError::NotFound { what: "search".to_owned() };
        let kept = saved_searches::get(tx, asker.realm(), &id)?;
        if kept.is_none_or(|search| search.owner != owner) {
            return Err(not_found());
        }
        saved_searches::remove(tx, asker.realm(), &id)?;
        let event = AuditEvent::done(Action::SearchSaved, asker.actor.clone(), asker.purpose)
            .with("search", id)
            .with("forgotten", "yes");
        Ok(Act::audited((), asker.realm(), event))
    });
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}

fn owner(caller: &Caller) -> Answer<Owner> {
    caller.owner().ok_or_else(Failure::not_allowed)
}

fn checked(state: &AppState, mut new: NewSavedSearch) -> Answer<NewSavedSearch> {
    new.name = new.name.trim().to_owned();
    if !(1..=NAME_CHARACTERS_MAX).contains(&new.name.chars().count()) {
        let why = format!("name: it has 1 to {NAME_CHARACTERS_MAX} characters");
        return Err(Failure::rule("text-length", why).with("field", "name").with("max", NAME_CHARACTERS_MAX));
    }
    Terms::read(&new.terms)?;
    if let Some(address) = &new.webhook {
        notify::webhook::checked(address, state.config.webhooks_to_private_addresses)
            .map_err(|why| Failure::rule("webhook-address", format!("webhook: {why}")))?;
    }
    if let Some(address) = &new.mail {
        let mail = state.config.mail.as_ref();
        let why = "mail: this hub sends none; its operator sets `mail`";
        let mail = mail.ok_or_else(|| Failure::rule("no-mail", why))?;
        if notify::recipient(address, &mail.domains).is_none() {
            let why = format!("mail: it goes to addresses of {} only", mail.domains.join(", "));
            return Err(Failure::rule("mail-address", why));
        }
    }
    if !new.alerts && (new.mail.is_some() || new.webhook.is_some()) {
        return Err(Failure::rule("alerts-off", "alerts: mail and webhook need it"));
    }
    Ok(new)
}

fn told(reader: &Reader<'_>, search: SavedSearch) -> Result<Told, StoreError> {
    let notices = alerts::of_search(reader, &crate::REALM, &search.id, NOTICES_TOLD)?;
    Ok(Told {
        id: search.id,
        name: search.name,
        terms: serde_json::from_str::<SearchTerms>(&search.terms).unwrap_or_default(),
        alerts: search.alerts,
        mail: search.mail,
        webhook: search.webhook,
        created: search.created.to_string(),
        notices: notices.into_iter().map(notice).collect(),
    })
}

fn notice(notice: alerts::Alert) -> SearchAlert {
    SearchAlert {
        way: notice.way.name().to_owned(),
        state: notice.state.name().to_owned(),
        hits: u64::try_from(notice.objects.len()).unwrap_or(u64::MAX),
        attempts: notice.attempts,
        created: notice.created.to_string(),
        trouble: notice.trouble,
        id: notice.id,
    }
}
