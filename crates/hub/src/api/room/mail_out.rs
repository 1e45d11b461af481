//! `/api/v1/cases/{id}/room/{entry}/mail`: an entry sent by mail to people who are not at the console.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::{Code, NewRoomMail, RoomMailSent, RoomRecipients};
use axum::Json;
use axum::extract::{Path, State};
use case::room::{EntryId, note_id};
use jiff::{SignedDuration, Timestamp};
use oversight::{Action, AuditEvent, OrganisationId};
use policy::{Operation, PrincipalKind, Visible};
use stix::Id;
use stix::marking::Tlp;
use store::mails::{self, RoomMail};
use store::{Act, Reader, StoreError, Tx, people};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Rooms, case_id, lost, tell};
use crate::REALM;
use crate::api::session::second_look;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::room::letters::{Post, fit, participants};
use crate::room::told::Telling;
use crate::room::write::entry_id;
use crate::room::{Names, Seen, seen};
use crate::sharing::unfit;
use crate::state::AppState;

/// People whom one entry is sent to at once.
const RECIPIENTS_MAX: usize = 50;
/// Mails that one person sends within an hour.
const AN_HOUR_MAX: usize = 100;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// So long it is known what was sent under a key.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// People of one list.
const LISTED_MAX: usize = 500;
/// Characters of a name that a refusal repeats.
const NAME_CHARS_MAX: usize = 80;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(send)).routes(routes!(recipients))
}

/// What is to be sent, once it is known that it may be.
struct Chosen {
    case: Id,
    entry: EntryId,
    tlp: Tlp,
    key: String,
    /// By account, whose.
    recipients: BTreeMap<String, OrganisationId>,
}

/// Send an entry by mail to people of the organisations in the room.
///
/// Only to accounts of this hub that gave an address (`/api/v1/me/mail`), and only to who may read the entry by its own roles: where one of those who
/// are named may not, nothing is sent, and the answer names it. TLP:RED goes by no mail. At most 50 people at once, and 100 mails of one person within
/// an hour (`too-many`). A person's last sign-in must be no older than 15 minutes (`fresh-proof-needed`). Whether a recipient may read it is asked again
/// when the mail leaves.
#[utoipa::path(post, path = "/api/v1/cases/{id}/room/{entry}/mail", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), ("entry" = String, Path, description = "The entry's name")),
    request_body = NewRoomMail, responses((status = 200, body = RoomMailSent), crate::api::CallerRefusal))]
async fn send(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, entry)): Path<(String, String)>,
    JsonBody(body): JsonBody<NewRoomMail>,
) -> Answer<Json<RoomMailSent>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    let PrincipalKind::Person(sender) = caller.principal.kind.clone() else {
        let why = "only a person sends mail out of a room: sign in as one";
        return Err(Failure::rule("not-a-person", why));
    };
    if !(1..=RECIPIENTS_MAX).contains(&(body.people.len() + body.organisations.len())) {
        let why = format!("people, organisations: name 1 to {RECIPIENTS_MAX} of them");
        return Err(Failure::rule("mail-recipients-none", why).with("max", RECIPIENTS_MAX));
    }
    second_look(&state, &caller).await?;
    let (work, asker) = (state.clone(), caller.clone());
    // Before anybody who writes is held up: of up to fifty people it is asked what they may read.
    let chosen = state.store.read(move |reader| choose(&work, reader, &asker, (&id, &entry), &body)).await?;
    let sent = state.store.write(move |tx| put(tx, &caller, &sender, &chosen)).await?;
    sent.map(Json).map_err(too_many)
}

/// Who may be sent an entry by mail.
///
/// People of one's own organisation, and of the others in the room those whom it names; of the rest, that somebody of an organisation may be sent it.
#[utoipa::path(get, path = "/api/v1/cases/{id}/room/{entry}/recipients", tag = "cases", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier of the incident"), ("entry" = String, Path, description = "The entry's name")),
    responses((status = 200, body = RoomRecipients), crate::api::CallerRefusal))]
async fn recipients(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, entry)): Path<(String, String)>,
) -> Answer<Json<RoomRecipients>> {
    caller.demand(&state, Operation::WorkCases)?;
    let id = case_id(&id)?;
    let asked = (id.clone(), false);
    let told = move |state: &AppState,
                     caller: &Caller,
                     rooms: &Rooms,
                     telling: &mut Telling<'_, '_, '_>,
                     _: Timestamp|
          -> Result<RoomRecipients, StoreError> {
        let one = rooms.get(&id).ok_or_else(lost)?;
        listed(state, caller, (&id, &entry), one, telling)
    };
    tell(&state, caller, asked, told, |told, (organisations, people)| RoomRecipients {
        organisations,
        people,
        ..told
    })
    .await
}

fn listed(
    state: &AppState,
    caller: &Caller,
    (case, entry): (&Id, &str),
    seen: &Seen,
    telling: &mut Telling<'_, '_, '_>,
) -> Result<RoomRecipients, StoreError> {
    let (reader, visible) = telling.snapshot();
    let (id, _) = fitting(reader, &visible, seen, entry)?;
    let names = Names::read(reader, &REALM, &state.federation.own.hub)?;
    let post = Post::new(state, reader, (case, &id))?;
    let own = &caller.principal.organisation;
    let participants = participants(&names, seen, own);
    let named: BTreeSet<&str> = seen.room.entries().filter_map(|(_, entry)| entry.by.as_deref()).collect();
    let (mut persons, mut members, mut more) = (Vec::new(), BTreeSet::new(), false);
    let known = people::list(reader, &REALM)?.into_iter();
    for person in known.filter(|person| participants.contains(&person.organisation)) {
        if post.reached(reader, &person.id)?.is_none() {
            continue;
        }
        let organisation = names.writer(&person.organisation)?;
        if person.organisation == *own || named.contains(&*person.id) {
            if persons.len() >= LISTED_MAX {
                more = true;
            } else {
                persons.push(telling.present(&person.id, &organisation)?);
            }
        }
        members.insert(telling.organisation(&organisation));
    }
    let (organisations, people) = (BTreeMap::new(), BTreeMap::new());
    Ok(RoomRecipients { persons, members: members.into_iter().collect(), more, organisations, people })
}

/// An entry that one sees and that may go by mail, with the level under which it goes.
fn fitting(
    reader: &Reader<'_>,
    visible: &Visible,
    seen: &Seen,
    entry: &str,
) -> Result<(EntryId, Tlp), StoreError> {
    let id = entry_id(entry)?;
    let found = seen.room.get(&id).ok_or_else(|| StoreError::NotFound { what: entry.to_owned() })?;
    Ok((id, fit(reader, visible, seen, (&id, found))?))
}

/// Whom it goes to, out of what was asked for.
///
/// One refusal for all that is amiss with a name: that there is no such account, that it may not read the entry, and that mail does not reach it look alike,
/// so that nothing is learnt by asking.
fn choose(
    state: &AppState,
    reader: &Reader<'_>,
    caller: &Caller,
    (case, entry): (&Id, &str),
    body: &NewRoomMail,
) -> Result<Chosen, StoreError> {
    let visible = state.door.visible(reader, &caller.principal)?;
    let seen = seen(&state.rooms, reader, caller.realm(), &visible, case)?
        .ok_or_else(|| StoreError::NotFound { what: case.to_string() })?;
    let (id, tlp) = fitting(reader, &visible, &seen, entry)?;
    let post = Post::new(state, reader, (case, &id))?;
    let names = Names::read(reader, caller.realm(), &state.federation.own.hub)?;
    let participants = participants(&names, &seen, &caller.principal.organisation);
    let known = people::list(reader, caller.realm())?;
    let known: Vec<_> =
        known.into_iter().filter(|person| participants.contains(&person.organisation)).collect();
    let (mut recipients, mut refused) = (BTreeMap::new(), Vec::new());
    let mut take = |asked: &str, is_meant: &dyn Fn(&people::Person) -> bool| -> Result<(), StoreError> {
        let mut is_anybody = false;
        for person in known.iter().filter(|person| is_meant(person)) {
            if post.reached(reader, &person.id)?.is_some() {
                recipients.insert(person.id.clone(), person.organisation.clone());
                is_anybody = true;
            }
        }
        if !is_anybody {
            refused.push(asked.chars().take(NAME_CHARS_MAX).collect::<String>());
        }
        Ok(())
    };
    for asked in &body.people {
        take(asked, &|person| person.id == *asked)?;
    }
    for asked in &body.organisations {
        let here = names.asked(asked).ok().and_then(|name| names.here(&name).cloned());
        take(asked, &|person| here.as_ref() == Some(&person.organisation))?;
    }
    if !refused.is_empty() {
        let why = format!(
            "nothing was sent: who may not read this entry, or whom no mail reaches here, is not sent it: `{}`",
            refused.join("`, `")
        );
        return Err(unfit("mail-recipients-refused", why));
    }
    if recipients.len() > RECIPIENTS_MAX {
        let why =
            format!("these are {} people; send it to at most {RECIPIENTS_MAX} at once", recipients.len());
        return Err(unfit("mail-recipients-many", why));
    }
    Ok(Chosen { case: case.clone(), entry: id, tlp, key: body.key.to_string(), recipients })
}

/// Writes the mails down, to be sent; how long to wait where there were too many.
fn put(
    tx: &mut Tx<'_>,
    caller: &Caller,
    sender: &str,
    chosen: &Chosen,
) -> Result<Act<Result<RoomMailSent, SignedDuration>>, StoreError> {
    let (realm, now) = (caller.realm(), tx.now());
    let ago = |pause: SignedDuration| now.checked_sub(pause).unwrap_or(Timestamp::MIN);
    let (case, entry) = (chosen.case.clone(), chosen.entry.to_string());
    let before = mails::sent_since(tx, realm, sender, ago(KEPT))?;
    let under_key: Vec<&RoomMail> = before.iter().filter(|mail| mail.request == chosen.key).collect();
    if let Some(first) = under_key.first() {
        if first.entry != entry || first.case != case {
            return Err(unfit("key-used", "key: another entry was sent under it; draw a new one"));
        }
        let sent = answer(chosen, (first.at, under_key.len()), true);
        return Ok(Act::bookkeeping(Ok(sent)));
    }
    let of_hour: Vec<Timestamp> = before.iter().map(|mail| mail.at).filter(|at| *at > ago(HOUR)).collect();
    let beyond = (of_hour.len() + chosen.recipients.len()).saturating_sub(AN_HOUR_MAX);
    // They stand by time: once so many of the oldest are an hour old, there is room.
    if let Some(last) = beyond.checked_sub(1).and_then(|place| of_hour.get(place)) {
        return Ok(Act::bookkeeping(Err(HOUR - now.duration_since(*last))));
    }
    mails::forget(tx, realm, ago(KEPT))?;
    for recipient in chosen.recipients.keys() {
        let mail = RoomMail {
            id: Uuid::new_v4().to_string(),
            request: chosen.key.clone(),
            case: case.clone(),
            entry: entry.clone(),
            sender: sender.to_owned(),
            recipient: recipient.clone(),
            at: now,
            attempts: 0,
        };
        mails::add(tx, realm, &mail)?;
    }
    let sent = answer(chosen, (now, chosen.recipients.len()), false);
    // No address and no account stands in the log: how many, and whose.
    let event = AuditEvent::done(Action::EntryMailed, caller.actor.clone(), caller.purpose)
        .on([sent.case.as_str(), sent.object.as_str()])
        .with("recipients", sent.recipients.to_string())
        .with("organisations", sent.organisations.join(","))
        .with("tlp", chosen.tlp.name());
    Ok(Act::audited(Ok(sent), realm, event))
}

fn answer(chosen: &Chosen, (at, recipients): (Timestamp, usize), already: bool) -> RoomMailSent {
    let organisations: BTreeSet<String> = chosen.recipients.values().map(ToString::to_string).collect();
    RoomMailSent {
        case: chosen.case.to_string(),
        entry: chosen.entry.to_string(),
        object: note_id(&chosen.entry).to_string(),
        at: at.to_string(),
        recipients,
        organisations: organisations.into_iter().collect(),
        already,
    }
}

fn too_many(pause: SignedDuration) -> Failure {
    let pause = Duration::from_secs(u64::try_from(pause.as_secs()).unwrap_or(0) + 1);
    let minutes = pause.as_secs().div_ceil(60);
    let why = format!(
        "you may send {AN_HOUR_MAX} mails out of rooms within an hour; send these again in {minutes} minutes"
    );
    Failure::new(Code::TooMany, why).retry_after(pause)
}
