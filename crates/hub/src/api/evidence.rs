//! `/api/v1/cases/{id}/evidence` and `/api/v1/evidence`: what was secured, who had it when, and how it leaves.

mod hands;
mod keeping;
mod requests;

use api::{
    Evidence, EvidenceDownload, EvidenceExport, EvidenceItem, EvidenceList, NewEvidence, NewEvidenceLabel,
};
use axum::Json;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Response;
use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use oversight::custody::CustodyAct;
use oversight::reason::CustodyReason;
use oversight::{Action, AuditEvent};
use policy::Operation;
use regime::safe_name;
use serde::Deserialize;
use stix::Id;
use store::evidence::{self as rows, Filter, Item, NewItem, State as ItemState};
use store::{Act, Reader, StoreError, Tx};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use uuid::Uuid;

use super::runs::place;
use super::session::second_look;
use crate::evidence::custody::{self, Book, Said};
use crate::evidence::give::{self, Part, Sealed};
use crate::evidence::told::Telling;
use crate::evidence::{case, here, label, package, receive, release, seen, stream_permit};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::{JsonBody, Query};
use crate::room::told::audiences;
use crate::sharing::{answered, text, unfit};
use crate::state::AppState;

/// What an item can be.
const KINDS: [&str; 9] = [
    "disk-image",
    "memory-image",
    "log",
    "network-capture",
    "malware",
    "mail",
    "document",
    "photograph",
    "other",
];
/// Items of one answer.
const LISTED_MAX: usize = 200;
/// The longest name that is read at all, in characters.
const NAME_CHARS_MAX: usize = 1_000;
const DESCRIPTION_CHARS_MAX: usize = 5_000;
const COLLECTOR_CHARS_MAX: usize = 300;
const PLACE_CHARS_MAX: usize = 500;
const TIME_CHARS_MAX: usize = 100;
/// Reasons and legal bases stand in acts' entries, which are not books.
pub(super) const REASON_CHARS_MAX: usize = 2_000;
/// Clocks of where things are seized may be ahead by so much.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, announce))
        .routes(routes!(export))
        .routes(routes!(get))
        .routes(routes!(upload).layer(DefaultBodyLimit::disable()))
        .routes(routes!(download))
        .routes(routes!(relabel))
        .merge(hands::routes())
        .merge(keeping::routes())
        .merge(requests::routes())
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EvidenceQuery {
    /// What an answer before gave as `next`.
    after: Option<String>,
    /// How many, at most 200; 100 where absent.
    limit: Option<usize>,
}

/// The evidence of a case, as far as the caller may see it; nothing hints at the rest.
#[utoipa::path(get, path = "/api/v1/cases/{id}/evidence", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), EvidenceQuery),
    responses((status = 200, body = EvidenceList), crate::api::CallerRefusal))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<EvidenceQuery>,
) -> Answer<Json<EvidenceList>> {
    caller.demand(&state, Operation::SeeEvidence)?;
    let id = case_id(&id)?;
    let limit = query.limit.unwrap_or(100).clamp(1, LISTED_MAX);
    let after = match query.after.as_deref() {
        Some(after) => {
            let (at, id) = place(after)?;
            Some((at, item_id(&id)?))
        }
        None => None,
    };
    let (work, asker) = (state.clone(), caller.clone());
    let read = state.store.read(move |reader| {
        let (visible, incident) = case(reader, &work, &asker, &id)?;
        let own = &asker.principal.organisation;
        let filter = Filter { case: &id, visible: &visible, own, after, limit: limit.saturating_add(1) };
        let mut found = rows::list(reader, asker.realm(), &filter)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more);
        let next = next.map(|item| format!("{}_{}", item.announced.as_microsecond(), item.new.id));
        let telling = Telling { reader, state: &work, caller: &asker };
        let items = found.iter().map(|item| telling.item(item)).collect::<Result<_, _>>()?;
        let config = &work.config.evidence;
        let list = EvidenceList {
            items,
            next,
            item_bytes_max: config.item_bytes_max,
            retention_class: config.class.as_ref().map(ToString::to_string),
            audiences: audiences(&work.engine.load(), &asker),
            as_of: reader.now().to_string(),
        };
        let labels: Vec<_> = found.iter().map(|item| item.new.label).collect();
        Ok((list, labels, visible, incident))
    });
    let (list, labels, visible, incident) = read.await?;
    release(&state, &caller, (&visible, &incident), &labels, list).await.map(Json)
}

/// Announce an item: everything but its content, which is sent next.
///
/// `id` is made by whoever brings it: sent again, it is the same item. What is announced is seen by one's own organisation alone until its content is
/// here, and given up after a day without it.
#[utoipa::path(post, path = "/api/v1/cases/{id}/evidence", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = NewEvidence,
    responses((status = 200, body = EvidenceItem), crate::api::CallerRefusal))]
async fn announce(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewEvidence>,
) -> Answer<Json<EvidenceItem>> {
    caller.demand(&state, Operation::HandleEvidence)?;
    let case_id = case_id(&id)?;
    let checked = Checked::of(&body)?;
    let (work, asker, item) = (state.clone(), caller.clone(), body.id);
    let write = move |tx: &mut Tx<'_>| {
        let (_, incident) = case(tx, &work, &asker, &case_id)?;
        let own = asker.principal.organisation.clone();
        let drawn = label::draw(tx, &work, &asker, (&incident, &own), &body.label)?;
        let new = checked.item(&asker, case_id, drawn.key);
        let is_new = rows::announce(tx, asker.realm(), &new)?;
        let event = AuditEvent::done(Action::EvidenceChanged, asker.actor.clone(), asker.purpose)
            .on([new.case.to_string(), new.id.to_string()])
            .with("act", "announced");
        let result = drawn.has_new_circle;
        Ok(if is_new || result {
            Act::audited(result, asker.realm(), event)
        } else {
            Act::bookkeeping(result)
        })
    };
    renewed(&state, answered(state.store.write(write).await)?).await?;
    Ok(Json(shown(&state, &caller, item).await?.item))
}

/// What was said of an item, looked through.
struct Checked {
    id: Uuid,
    name: String,
    kind: String,
    description: String,
    collector: String,
    seized_at: String,
    seized_where: String,
    reason: String,
    legal_basis: Option<String>,
    declared: Option<String>,
}

impl Checked {
    fn of(body: &NewEvidence) -> Answer<Self> {
        if !KINDS.contains(&body.kind.as_str()) {
            return Err(Failure::rule("not-one-of", format!("kind: it is one of `{}`", KINDS.join("`, `"))));
        }
        let at = text("seized_at", &body.seized_at, TIME_CHARS_MAX)?;
        let seized: Timestamp = at.parse().map_err(|_| {
            Failure::rule(
                "seized-time",
                "seized_at: a time as in RFC 3339 with its offset, e.g. `2026-11-30T18:05:00+09:00`",
            )
        })?;
        if seized > Timestamp::now() + AHEAD {
            return Err(Failure::rule("seized-ahead", "seized_at: it lies in the future"));
        }
        let declared = body.sha256.as_deref().map(|hash| {
            let is_one = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let wrong = || Failure::rule("sha256-form", "sha256: it is 64 hexadecimal digits");
            if is_one { Ok(hash.to_ascii_lowercase()) } else { Err(wrong()) }
        });
        Ok(Self {
            id: body.id,
            name: safe_name(&text("name", &body.name, NAME_CHARS_MAX)?).name,
            kind: body.kind.clone(),
            description: text("description", &body.description, DESCRIPTION_CHARS_MAX)?,
            collector: text("collector", &body.collector, COLLECTOR_CHARS_MAX)?,
            seized_at: at,
            seized_where: text("seized_where", &body.seized_where, PLACE_CHARS_MAX)?,
            reason: text("reason", &body.reason, REASON_CHARS_MAX)?,
            legal_basis: basis(body.legal_basis.as_deref())?,
            declared: declared.transpose()?,
        })
    }

    fn item(self, caller: &Caller, case: Id, label: policy::LabelKey) -> NewItem {
        NewItem {
            id: self.id,
            case,
            label,
            organisation: caller.principal.organisation.clone(),
            person: caller.id().to_owned(),
            name: self.name,
            kind: self.kind,
            description: self.description,
            collector: self.collector,
            seized_at: self.seized_at,
            seized_where: self.seized_where,
            reason: self.reason,
            legal_basis: self.legal_basis,
            declared: self.declared,
        }
    }
}

/// Send an item's content, as its bytes. It is hashed and sealed as it comes.
///
/// Where it was announced with a SHA-256 and is something else, nothing of it is kept (422). How large it may be, the list of the case's evidence says
/// (`item_bytes_max`); beyond is 413.
#[utoipa::path(put, path = "/api/v1/evidence/{id}/content", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the item")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Evidence), crate::api::CallerRefusal))]
async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Evidence>> {
    caller.demand(&state, Operation::HandleEvidence)?;
    let id = item_id(&id)?;
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    receive::receive(&state, &caller, id, (length, body)).await?;
    shown(&state, &caller, id).await.map(Json)
}

/// An item with its custody and holds. That somebody of another organisation sees it for the first time is an entry of its custody.
#[utoipa::path(get, path = "/api/v1/evidence/{id}", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the item")),
    responses((status = 200, body = Evidence), crate::api::CallerRefusal))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Evidence>> {
    caller.demand(&state, Operation::SeeEvidence)?;
    let id = item_id(&id)?;
    let (work, asker) = (state.clone(), caller.clone());
    let is_first =
        state.store.read(move |reader| is_first_view(reader, &asker, &seen(reader, &work, &asker, id)?.item));
    if is_first.await? {
        state.demand_witnesses()?;
        let (work, asker) = (state.clone(), caller.clone());
        let write = move |tx: &mut Tx<'_>| {
            let mut item = seen(tx, &work, &asker, id)?.item;
            let mut book = Book::open(tx)?;
            if is_first_view(tx, &asker, &item)? {
                let realm = asker.realm().clone();
                let said = Said::new(CustodyAct::Viewed, CustodyReason::Viewed.text())
                    .to(custody::party(tx, &asker)?);
                book.write(tx, &realm, &mut item, (Some(&asker), said))?;
            }
            Ok(book.done((), asker.realm()))
        };
        answered(state.store.write(write).await)?;
    }
    shown(&state, &caller, id).await.map(Json)
}

/// Whether the caller, of an organisation that neither brought the item nor has it, was never shown it.
fn is_first_view(reader: &Reader<'_>, caller: &Caller, item: &Item) -> Result<bool, StoreError> {
    let own = &caller.principal.organisation;
    if item.custodian == *own || item.new.organisation == *own || item.state == ItemState::Announced {
        return Ok(false);
    }
    let known = custody::entries(reader, caller.realm(), item)?;
    let is_own = |entry: &oversight::custody::CustodyEntry| {
        entry.act == CustodyAct::Viewed
            && entry.by.as_ref().and_then(|by| by.account.as_deref()) == Some(caller.id())
    };
    Ok(!known.iter().any(|(entry, _)| is_own(entry)))
}

/// An item as the caller may see it now.
pub(super) async fn shown(state: &AppState, caller: &Caller, id: Uuid) -> Answer<Evidence> {
    let (work, asker) = (state.clone(), caller.clone());
    let read = state.store.read(move |reader| {
        let seen = seen(reader, &work, &asker, id)?;
        let telling = Telling { reader, state: &work, caller: &asker };
        Ok((telling.whole(&seen.item)?, seen))
    });
    let (told, seen) = read.await?;
    let labels = [seen.item.new.label];
    release(state, caller, (&seen.visible, &seen.incident), &labels, told).await
}

/// Take content out: an archive (ZIP, AES-256 as WinZip has defined it) with a password, which no browser shows and no scanner looks into.
///
/// It is an entry of its custody, written before the first byte leaves. A person's last sign-in must be no older than 15 minutes
/// (`fresh-proof-needed`), here and wherever something is done to evidence below.
#[utoipa::path(post, path = "/api/v1/evidence/{id}/download", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the item")), request_body = EvidenceDownload,
    responses((status = 200, description = "the archive", body = Vec<u8>, content_type = "application/octet-stream"),
        crate::api::CallerRefusal))]
async fn download(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EvidenceDownload>,
) -> Answer<Response> {
    caller.demand(&state, Operation::HandleEvidence)?;
    second_look(&state, &caller).await?;
    let id = item_id(&id)?;
    let reason = text("reason", &body.reason, REASON_CHARS_MAX)?;
    let password = give::password(body.password)?;
    let permit = stream_permit()?;
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let found = seen(reader, &work, &asker, id)?;
        here(&found.item)?;
        Ok(found)
    });
    let found = answered(found.await)?;
    let own = &caller.principal.organisation;
    if found.item.custodian != *own && found.item.new.organisation != *own {
        state.demand_witnesses()?;
    }
    let sealed = Sealed::of(&state, caller.realm(), &found.item).await?;
    release(&state, &caller, (&found.visible, &found.incident), &[found.item.new.label], ()).await?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let mut item = seen(tx, &work, &asker, id)?.item;
        here(&item)?;
        let (realm, now) = (asker.realm().clone(), tx.now());
        let said = Said::new(CustodyAct::Downloaded, reason)
            .from(custody::custodian(tx, &realm, &item)?)
            .to(custody::party(tx, &asker)?);
        let mut book = Book::open(tx)?;
        book.write(tx, &realm, &mut item, (Some(&asker), said))?;
        Ok(book.done(now, &realm))
    };
    let now = answered(state.store.write(write).await)?;
    let parts = vec![Part::Content(found.item.new.name, Box::new(sealed))];
    let realm = caller.realm().clone();
    Ok(give::answer(&state, (&format!("{id}.zip"), now), (realm, parts), password, permit))
}

/// Make a package for a court: content, custody, CASE/UCO, and what proves all of it offline (`yagura log verify --package`).
///
/// The answer begins when the log's signed checkpoint covers the package, usually within two seconds; 503 where it does not come.
#[utoipa::path(post, path = "/api/v1/cases/{id}/evidence/export", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident")), request_body = EvidenceExport,
    responses((status = 200, description = "the package", body = Vec<u8>, content_type = "application/octet-stream"),
        crate::api::CallerRefusal))]
async fn export(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EvidenceExport>,
) -> Answer<Response> {
    caller.demand(&state, Operation::HandleEvidence)?;
    second_look(&state, &caller).await?;
    let reason = text("reason", &body.reason, REASON_CHARS_MAX)?;
    let legal_basis = basis(body.legal_basis.as_deref())?;
    package::make(&state, &caller, (case_id(&id)?, body), (reason, legal_basis)).await
}

/// Change who may see an item: for who has it in its hands, and while it is offered to nobody.
#[utoipa::path(post, path = "/api/v1/evidence/{id}/label", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the item")), request_body = NewEvidenceLabel,
    responses((status = 200, body = Evidence), crate::api::CallerRefusal))]
async fn relabel(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewEvidenceLabel>,
) -> Answer<Json<Evidence>> {
    caller.demand(&state, Operation::HandleEvidence)?;
    second_look(&state, &caller).await?;
    let id = item_id(&id)?;
    let reason = text("reason", &body.reason, REASON_CHARS_MAX)?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let found = seen(tx, &work, &asker, id)?;
        let (mut item, incident) = (found.item, found.incident);
        if item.custodian != asker.principal.organisation || item.state == ItemState::Announced {
            return Err(unfit("not-allowed-custodian", "only whoever has the item in its hands may do this"));
        }
        if item.offer.is_some() {
            return Err(unfit("offered", "the item is offered to somebody; take the offer back first"));
        }
        let realm = asker.realm().clone();
        let drawn = label::draw(tx, &work, &asker, (&incident, &item.new.organisation), &body.label)?;
        let words = |label: &api::EvidenceLabel| match &label.only {
            Some(only) => format!("TLP:{} ({})", label.tlp.to_uppercase(), only.join(", ")),
            None => format!("TLP:{}", label.tlp.to_uppercase()),
        };
        let before = words(&label::told(tx, &asker, item.new.label)?);
        let after = words(&label::told(tx, &asker, drawn.key)?);
        rows::relabel(tx, &realm, id, drawn.key)?;
        let said = Said::new(CustodyAct::Labelled, reason).with("before", before).with("after", after);
        let mut book = Book::open(tx)?;
        book.write(tx, &realm, &mut item, (Some(&asker), said))?;
        Ok(book.done(drawn.has_new_circle, &realm))
    };
    renewed(&state, answered(state.store.write(write).await)?).await?;
    shown(&state, &caller, id).await.map(Json)
}

/// What is limited to somebody new is decided on at once.
async fn renewed(state: &AppState, has_new_circle: bool) -> Answer<()> {
    if has_new_circle {
        state.policies.renew().await.map_err(Failure::internal)?;
    }
    Ok(())
}

pub(super) fn basis(given: Option<&str>) -> Answer<Option<String>> {
    let given = given.map(str::trim).filter(|given| !given.is_empty());
    given.map(|given| text("legal_basis", given, REASON_CHARS_MAX)).transpose()
}

pub(super) fn case_id(text: &str) -> Answer<Id> {
    Id::parse(text).ok().filter(|id| id.object_type() == "incident").ok_or_else(Failure::not_found)
}

pub(super) fn item_id(text: &str) -> Answer<Uuid> {
    Uuid::parse_str(text).map_err(|_| Failure::not_found())
}
