//! `/edge/v1`: the link of the edges. They open it, outwards only; each signs in with its own token.

mod authorisations;
mod intake;
mod intelligence;
mod opinions;
pub(crate) mod orders;
mod reported;
pub(crate) mod rounds;
mod selections;
pub(crate) mod sighting_object;
pub(crate) mod watch;

use api::{EdgeHello, OpinionsAccepted, OpinionsPosted, SightingsAccepted, SightingsPosted, StreamEvent};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use oversight::AuditEvent;
use policy::Operation;
use store::{Act, StoreError, Tx, edges};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::summaries::{bare_edge, newest_indicator};
use crate::principal::EdgeCaller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::state::{AppState, Live};
use api::Code;

/// Most sightings of one request.
pub(crate) const SIGHTINGS_MAX: usize = 1_000;
/// Most opinions of one request.
const OPINIONS_MAX: usize = 100;
/// Most indicators that a hello names as quarantined.
const QUARANTINED_MAX: usize = 100;
/// Most sources that an edge tells of.
const SOURCES_MAX: usize = 256;
/// Longest name or code in a hello, in characters.
const WORD_CHARACTERS_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(hello))
        .routes(routes!(intelligence::get))
        .routes(routes!(opinions))
        .merge(authorisations::routes())
        .merge(orders::routes())
        .merge(rounds::routes())
        .merge(selections::routes())
        .routes(
            // A thousand sightings of full length fit in this.
            utoipa_axum::router::UtoipaMethodRouterExt::layer(
                routes!(sightings),
                axum::extract::DefaultBodyLimit::max(32 << 20),
            ),
        )
}

/// Say how this edge is.
///
/// Every few seconds; an edge that is not heard for a minute counts as silent.
#[utoipa::path(post, path = "/edge/v1/hello", tag = "edge link", security(("edge" = [])), request_body = EdgeHello,
    responses((status = 204, description = "heard"), crate::api::CallerRefusal))]
async fn hello(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    JsonBody(hello): JsonBody<EdgeHello>,
) -> Answer<StatusCode> {
    caller.demand(&state, Operation::ReportSightings)?;
    check_hello(&hello)?;
    let text = serde_json::to_string(&hello).map_err(Failure::internal)?;
    let work = state.clone();
    let heard = move |tx: &mut Tx<'_>| {
        edges::heard(tx, caller.realm(), caller.id(), &text)?;
        let edge = edges::get(tx, caller.realm(), caller.id())?;
        let edge = edge.ok_or_else(|| StoreError::NotFound { what: caller.id().to_owned() })?;
        let current = newest_indicator(&work, tx, &caller.principal)?;
        Ok(Act::bookkeeping(bare_edge(&edge, current, tx.now())))
    };
    let edge = state.store.write(heard).await?;
    state.watched.saw(&edge);
    // Nobody may be listening.
    let _ = state.live.send(Live::Edge(StreamEvent::Edge { edge }));
    state.wake.tell_beside();
    Ok(StatusCode::NO_CONTENT)
}

/// Report sightings.
///
/// Each is taken in once, however often it is sent, and answered one by one. What is answered as accepted is durable.
#[utoipa::path(post, path = "/edge/v1/sightings", tag = "edge link", security(("edge" = [])), request_body = SightingsPosted,
    responses((status = 200, body = SightingsAccepted), crate::api::CallerRefusal))]
async fn sightings(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    JsonBody(posted): JsonBody<SightingsPosted>,
) -> Answer<Json<SightingsAccepted>> {
    caller.demand(&state, Operation::ReportSightings)?;
    if posted.sightings.len() > SIGHTINGS_MAX {
        return Err(Failure::new(
            Code::Unprocessable,
            format!("sightings: at most {SIGHTINGS_MAX} at a time"),
        ));
    }
    let outcomes = intake::take(&state, &caller, posted.sightings).await?;
    Ok(Json(SightingsAccepted { outcomes }))
}

/// Give opinions.
///
/// An operator says that an indicator of somebody else is a false alarm in its network, or takes that back. It becomes a STIX opinion,
/// marked as the operator says and never freer than the indicator; whoever brought the indicator in may read it, and it counts among
/// the judgements of that contribution. Each is taken in once and answered one by one.
#[utoipa::path(post, path = "/edge/v1/opinions", tag = "edge link", security(("edge" = [])), request_body = OpinionsPosted,
    responses((status = 200, body = OpinionsAccepted), crate::api::CallerRefusal))]
async fn opinions(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    JsonBody(posted): JsonBody<OpinionsPosted>,
) -> Answer<Json<OpinionsAccepted>> {
    caller.demand(&state, Operation::ReportSightings)?;
    if posted.opinions.len() > OPINIONS_MAX {
        return Err(Failure::new(Code::Unprocessable, format!("opinions: at most {OPINIONS_MAX} at a time")));
    }
    let outcomes = opinions::take(&state, &caller, posted.opinions).await?;
    Ok(Json(OpinionsAccepted { outcomes }))
}

fn check_hello(hello: &EdgeHello) -> Answer<()> {
    let words = hello.sources.iter().flat_map(|source| [&source.name, &source.format]);
    let is_short =
        |word: &String| word.chars().count() <= WORD_CHARACTERS_MAX && !word.chars().any(char::is_control);
    let good = hello.sources.len() <= SOURCES_MAX
        && hello.quarantined_indicators.len() <= QUARANTINED_MAX
        && hello.quarantined_indicators.iter().all(|id| stix::Id::parse(id).is_ok())
        && words.chain([&hello.version]).chain(&hello.trouble).all(is_short)
        && hello.sources.iter().all(|source| source.lag_seconds.is_none_or(f64::is_finite));
    if good {
        return Ok(());
    }
    let why = format!("at most {SOURCES_MAX} sources, and names of at most {WORD_CHARACTERS_MAX} characters");
    Err(Failure::new(Code::Unprocessable, why))
}

/// What an edge did, for the audit log.
fn act(caller: &crate::principal::Caller, action: oversight::Action) -> AuditEvent {
    AuditEvent::done(action, caller.actor.clone(), caller.purpose)
}
