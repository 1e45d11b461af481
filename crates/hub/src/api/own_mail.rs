//! `/api/v1/me/mail`: where mail with entries of case rooms reaches one.
//!
//! Who gives no address is sent nothing. An address is one's own to give: what is sent there one may read here anyway.

use api::{NewOwnMail, OwnMail};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use oversight::{Action, AuditEvent};
use store::mails::{self, Address};
use store::{Act, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::{fresh_proof, people_only};
use crate::REALM;
use crate::notify;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::room::letters::language;
use crate::state::AppState;

/// Longest address (RFC 5321 §4.5.3.1.3).
const ADDRESS_BYTES_MAX: usize = 254;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(own, set, remove))
}

/// Where mail with entries of case rooms reaches one.
#[utoipa::path(get, path = "/api/v1/me/mail", tag = "session", security(("session" = [])),
    responses((status = 200, body = OwnMail), crate::api::CallerRefusal))]
async fn own(State(state): State<AppState>, caller: Caller) -> Answer<Json<OwnMail>> {
    caller.session.ok_or_else(people_only)?;
    let person = caller.id().to_owned();
    let known = state.store.read(move |reader| mails::address(reader, &REALM, &person)).await?;
    let (address, language) = known.map(|known| (known.address, known.language)).unzip();
    let domains = state.config.mail.as_ref().map(|mail| mail.domains.clone()).unwrap_or_default();
    Ok(Json(OwnMail { address, language, domains }))
}

/// Say where mail with entries of case rooms reaches one, and in which language.
///
/// The last sign-in by passkey, password or link must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(put, path = "/api/v1/me/mail", tag = "session", security(("session" = [])),
    request_body = NewOwnMail, responses((status = 204, description = "kept"), crate::api::CallerRefusal))]
async fn set(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(new): JsonBody<NewOwnMail>,
) -> Answer<StatusCode> {
    fresh_proof(&state, &caller).await?;
    let mail = state.config.mail.as_ref();
    let mail =
        mail.ok_or_else(|| Failure::rule("no-mail", "this hub sends no mail; its operator sets `mail`"))?;
    if language(&new.language).is_none() {
        return Err(Failure::rule("not-one-of", "language: it is `ja` or `en`"));
    }
    let to = Some(&new.address).filter(|text| text.len() <= ADDRESS_BYTES_MAX);
    let to = to.and_then(|text| notify::recipient(text, &mail.domains));
    let known = || format!("address: it is one of {} only", mail.domains.join(", "));
    let to = to.ok_or_else(|| Failure::rule("mail-address", known()))?;
    keep(&state, &caller, Some(Address { address: to.email.to_string(), language: new.language })).await
}

/// Be sent no entries by mail any more.
#[utoipa::path(delete, path = "/api/v1/me/mail", tag = "session", security(("session" = [])),
    responses((status = 204, description = "forgotten"), crate::api::CallerRefusal))]
async fn remove(State(state): State<AppState>, caller: Caller) -> Answer<StatusCode> {
    caller.session.ok_or_else(people_only)?;
    keep(&state, &caller, None).await
}

async fn keep(state: &AppState, caller: &Caller, address: Option<Address>) -> Answer<StatusCode> {
    let person = caller.id().to_owned();
    let change = if address.is_some() { "set" } else { "removed" };
    let event = AuditEvent::done(Action::PersonChanged, caller.actor.clone(), caller.purpose)
        .on([person.as_str()])
        .with("mail", change);
    let keep = move |tx: &mut Tx<'_>| {
        mails::set_address(tx, &REALM, &person, address.as_ref())?;
        Ok(Act::audited((), &REALM, event))
    };
    state.store.write(keep).await?;
    Ok(StatusCode::NO_CONTENT)
}
