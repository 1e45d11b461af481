//! `/api/v1/cases/{id}/mail`: a mail about a case, handed in by the mail system of an organisation.
//!
//! The hub listens to nobody's mail. Who is let in is who has a token; whom the mail claims to be from is not proved, and so it waits in the side
//! room until a person publishes it, unless whoever hands it in says otherwise.

use api::{CaseMailTaken, Code};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use case::mail::{MAIL_BYTES_MAX, Mail, read};
use case::room::{EntryId, Label, RoomEntry, Says, note_id};
use futures::StreamExt;
use http::{HeaderMap, header};
use jiff::SignedDuration;
use oversight::OrganisationId;
use policy::Operation;
use serde::Deserialize;
use stix::Id;
use store::{StoreError, Tx, cases};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{case_id, look, write};
use crate::ingest::drain;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::Query;
use crate::room::Seen;
use crate::room::write::{MAIL, Wanted, Writer};
use crate::sharing::tell;
use crate::state::AppState;

/// What a mail is sent as.
const MEDIA_TYPE: &str = "message/rfc822";
/// Mails that one organisation brings into one room within a day: a mail that answers itself must not fill it.
const A_DAY_MAX: usize = 200;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The kind of notice that tells an organisation that a mail waits.
const WAITS: &str = "room-mail";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(hand_in))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MailQuery {
    /// `side` where absent: it waits in the side room of the caller's organisation until a person publishes it. `whole`: it is at once for all
    /// who see the case.
    room: Option<String>,
}

/// Hand in a mail about a case: one message as in RFC 5322, at most 10 MiB, as `message/rfc822`.
///
/// It becomes an entry under the case's own level, of the caller's organisation. Its plain text is shown, and no HTML; every other part is named
/// with its size and SHA-256, and not kept. Whom it is from, when it was sent and its `Message-ID` are what it claims. The same mail handed in twice
/// is one entry. A token for the door `mail` opens this and nothing else.
#[utoipa::path(post, path = "/api/v1/cases/{id}/mail", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident, or the case's number"), MailQuery),
    request_body(content = Vec<u8>, content_type = "message/rfc822"),
    responses((status = 200, body = CaseMailTaken), crate::api::CallerRefusal))]
async fn hand_in(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<MailQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<CaseMailTaken>> {
    // Before anything else: whoever sends ten megabytes reads no answer before they are read.
    let body = whole(body).await?;
    caller.demand(&state, Operation::WorkCases)?;
    let waits = match query.room.as_deref() {
        None | Some("side") => true,
        Some("whole") => false,
        Some(_) => return Err(Failure::rule("not-one-of", "room: it is `side` or `whole`")),
    };
    is_mail(&headers)?;
    let id = named_case(&state, &caller, &id).await?;
    look(&state, &caller, &id).await?;
    // Ten megabytes are decoded beside the threads that answer others.
    let mail = tokio::task::spawn_blocking(move || read(&body)).await;
    let mail = mail.map_err(|error| {
        Failure::rule("mail-unreadable", "this cannot be read as a mail").caused_by(error)
    })?;
    let mail = mail.map_err(|error| Failure::rule("mail-refused", error.to_string()))?;
    let taken = write(&state, caller, move |tx, writer| enter(tx, writer, &id, (&mail, waits))).await?;
    taken.0.map(Json).ok_or_else(|| {
        let why = format!(
            "your organisation brought {A_DAY_MAX} mails into this room within a day; hand this one in later"
        );
        Failure::new(Code::TooMany, why)
    })
}

/// All that is sent. Of what is too large the rest is read on within bounds, so that its sender reads why.
async fn whole(body: Body) -> Answer<Vec<u8>> {
    let (mut stream, mut taken) = (body.into_data_stream(), Vec::new());
    while let Some(part) = stream.next().await {
        let part =
            part.map_err(|error| Failure::new(Code::BadRequest, "the mail broke off").caused_by(error))?;
        if taken.len() + part.len() > MAIL_BYTES_MAX {
            drain(&mut stream).await;
            return Err(Failure::new(
                Code::TooLarge,
                format!("a mail has at most {MAIL_BYTES_MAX} bytes here"),
            ));
        }
        taken.extend_from_slice(&part);
    }
    Ok(taken)
}

fn is_mail(headers: &HeaderMap) -> Answer<()> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(MEDIA_TYPE) {
        return Ok(());
    }
    let why = format!("send the mail as `Content-Type: {MEDIA_TYPE}`");
    Err(Failure::new(Code::UnsupportedMediaType, why))
}

/// A case by its identifier, or by its number: who has a token for mails alone cannot look it up.
async fn named_case(state: &AppState, caller: &Caller, named: &str) -> Answer<Id> {
    let Ok(number) = named.parse::<i64>() else { return case_id(named) };
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let visible = work.door.visible(reader, &asker.principal)?;
        cases::numbered(reader, asker.realm(), &visible, number)
    });
    found.await?.ok_or_else(Failure::not_found)
}

/// Writes the entry; nothing where there were too many.
fn enter(
    tx: &mut Tx<'_>,
    writer: &mut Writer<'_>,
    case: &Id,
    (mail, waits): (&Mail, bool),
) -> Result<Option<CaseMailTaken>, StoreError> {
    let mut seen = writer.room(tx, case)?;
    let organisation = writer.caller.principal.organisation.clone();
    let own = writer.names.writer(&organisation)?;
    if let Some((id, entry)) = known(&seen, &own, mail) {
        return Ok(Some(CaseMailTaken {
            case: case.to_string(),
            entry: id.to_string(),
            object: note_id(&id).to_string(),
            at: entry.at.to_string(),
            already: true,
            waits: entry.label.only.is_some() && !is_published(&seen, &id),
        }));
    }
    let since = tx.now().checked_sub(DAY).unwrap_or(jiff::Timestamp::MIN);
    let of_today = seen.room.ordered().into_iter().filter(|(_, entry)| {
        entry.organisation == own && entry.at > since && matches!(entry.says, Says::Mailed(_))
    });
    if of_today.count() >= A_DAY_MAX {
        return Ok(None);
    }
    let open = writer.open_label(tx, &seen)?;
    let label = if waits { Label { only: Some([own].into()), ..open } } else { open };
    let key = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:yagura:mail:{}", mail.sha256).as_bytes());
    let says = Says::Mailed(Box::new(mail.clone()));
    let taken =
        writer.write_into(tx, &mut seen, Wanted { key, part: MAIL, label, says, by_system: false })?;
    if waits {
        let text = format!("{}: {}", mail.from, mail.subject);
        let to = [organisation].into();
        tell(tx, writer.caller.realm(), to, (WAITS, case.as_str()), (Some(case), &text))?;
    }
    let api::RoomTaken { case, entry, object, at, already, .. } = taken;
    Ok(Some(CaseMailTaken { case, entry, object, at, already, waits }))
}

/// The entry of the same mail: the same `Message-ID` and the same content, whichever way it came; of mails without one, the same bytes. Another
/// content under a known `Message-ID` is another mail, so that nobody keeps one out by being first.
fn known<'s>(seen: &'s Seen, own: &OrganisationId, mail: &Mail) -> Option<(EntryId, &'s RoomEntry)> {
    let is_same = |known: &Mail| {
        known.sha256 == mail.sha256
            || mail.message_id.is_some() && Mail { sha256: mail.sha256.clone(), ..known.clone() } == *mail
    };
    seen.room.ordered().into_iter().find(|(_, entry)| {
        entry.organisation == *own && matches!(&entry.says, Says::Mailed(known) if is_same(known))
    })
}

fn is_published(seen: &Seen, id: &EntryId) -> bool {
    seen.room
        .ordered()
        .into_iter()
        .any(|(_, entry)| matches!(&entry.says, Says::PublishedAs { entry, .. } if entry == id))
}
