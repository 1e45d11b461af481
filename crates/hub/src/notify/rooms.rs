//! Entries of case rooms that somebody sends to people by mail.
//!
//! What is kept is who sends which entry to whom, and nothing of it. When a mail leaves, its recipient is looked up as it is then, and what it may read then
//! passes the one door, which writes it down first; where it may not read the entry any more, nothing is sent. Of what was not sent the sender's
//! organisation finds a notice in its inbox.

use std::collections::BTreeSet;

use api::Code;
use jiff::SignedDuration;
use oversight::OrganisationId;
use store::mails::{self, RoomMail};
use store::{Act, Reader, StoreError, objects, people};

use super::deliver::{ATTEMPTS_MAX, CLAIM, pause};
use super::mail::{Mailer, Trouble};
use crate::REALM;
use crate::api::summaries::{Teller, leaving};
use crate::release::{Leaving, Recipient};
use crate::room::letters::{Content, Post, Reached, fit, language, letter};
use crate::room::told::Telling;
use crate::room::write::entry_id;
use crate::room::{Names, seen};
use crate::sharing::tell;
use crate::state::AppState;

/// Mails of one round.
const ROUND_MAX: usize = 20;
/// The kind of notice that tells an organisation that a mail of one of its people was not sent.
const LOST: &str = "room-mail-lost";
/// The recipient may not read it any more, or mail reaches it no more.
const WITHHELD: Trouble = Trouble::Final("mail-withheld");

/// A mail, ready to be sent.
struct Letter {
    to: String,
    subject: String,
    text: String,
}

/// Sends what is due.
///
/// # Errors
/// Those of the database.
pub(super) async fn send_due(state: &AppState, mailer: Option<&Mailer>) -> Result<(), StoreError> {
    let Some(mailer) = mailer else { return Ok(()) };
    let due = state.store.read(|reader| mails::due(reader, &REALM, ROUND_MAX)).await?;
    let sent = due.into_iter().map(|mail| send(state, mailer, mail));
    futures::future::try_join_all(sent).await.map(drop)
}

async fn send(state: &AppState, mailer: &Mailer, mail: RoomMail) -> Result<(), StoreError> {
    // Taken for a while first: where this process dies over it, it is due again.
    let attempts = mail.attempts + 1;
    if !put_off(state, &mail, (attempts, Some(CLAIM))).await? {
        return Ok(());
    }
    let mail = RoomMail { attempts, ..mail };
    let sent = match released(state, &mail).await? {
        Ok(Letter { to, subject, text }) => mailer.send_text(&to, subject, text).await,
        Err(trouble) => Err(trouble),
    };
    match sent {
        Ok(()) => put_off(state, &mail, (attempts, None)).await.map(drop),
        Err(Trouble::Passing(code)) if attempts < ATTEMPTS_MAX => {
            tracing::warn!(code, attempts, "an entry of a case room was not taken as a mail");
            put_off(state, &mail, (attempts, Some(pause(attempts)))).await.map(drop)
        }
        Err(Trouble::Passing(code) | Trouble::Final(code)) => {
            tracing::warn!(code, attempts, "an entry of a case room is not sent by mail");
            give_up(state, mail).await
        }
    }
}

/// Notes when it is tried next; `None`: never again. Whether it was still to be had.
async fn put_off(
    state: &AppState,
    mail: &RoomMail,
    (attempts, until): (u64, Option<SignedDuration>),
) -> Result<bool, StoreError> {
    let mail = mail.clone();
    let write = move |tx: &mut store::Tx<'_>| {
        let next = until.map(|pause| tx.now() + pause);
        mails::put_off(tx, &REALM, &mail, (attempts, next)).map(Act::bookkeeping)
    };
    state.store.write(write).await
}

/// Tries no more, and tells the organisation of whoever sent it. Which of several people did not get it is not said: it would tell who may read what.
async fn give_up(state: &AppState, mail: RoomMail) -> Result<(), StoreError> {
    let write = move |tx: &mut store::Tx<'_>| {
        let was_waiting = mails::put_off(tx, &REALM, &mail, (mail.attempts, None))?;
        let sender = people::get(tx, &REALM, &mail.sender)?.filter(|_| was_waiting);
        let recipient = people::get(tx, &REALM, &mail.recipient)?;
        if let (Some(sender), Some(recipient)) = (sender, recipient) {
            let to: BTreeSet<OrganisationId> = [sender.organisation].into();
            let text = recipient.organisation.to_string();
            tell(tx, &REALM, to, (LOST, mail.case.as_str()), (Some(&mail.case), &text))?;
        }
        Ok(Act::bookkeeping(()))
    };
    state.store.write(write).await
}

/// What may be sent now. Passing the door writes it down before it leaves.
async fn released(state: &AppState, mail: &RoomMail) -> Result<Result<Letter, Trouble>, StoreError> {
    let (work, wanted) = (state.clone(), mail.clone());
    let Some((letter, parts, to)) = state.store.read(move |reader| made(&work, reader, &wanted)).await?
    else {
        return Ok(Err(WITHHELD));
    };
    let recipient = Recipient { caller: to.caller, door: "mail" };
    let passed =
        state.door.release(&state.store, &state.metrics, &recipient, &to.visible, &parts, letter).await;
    Ok(match passed {
        Ok(released) => Ok(released.into_inner()),
        // The log's witnesses are away, or the database: that passes.
        Err(failure) if failure.code() == Code::Unavailable => Err(Trouble::Passing("mail-waits")),
        Err(_) => Err(WITHHELD),
    })
}

/// The mail as its recipient may read it now, with what leaves in it; nothing where it may not.
fn made(
    state: &AppState,
    reader: &Reader<'_>,
    mail: &RoomMail,
) -> Result<Option<(Letter, Vec<Leaving>, Reached)>, StoreError> {
    let Ok(id) = entry_id(&mail.entry) else { return Ok(None) };
    let post = Post::new(state, reader, (&mail.case, &id))?;
    let Some(to) = post.reached(reader, &mail.recipient)? else { return Ok(None) };
    let Some(seen) = seen(&state.rooms, reader, &REALM, &to.visible, &mail.case)? else { return Ok(None) };
    let Some(entry) = seen.room.get(&id) else { return Ok(None) };
    let level = match fit(reader, &to.visible, &seen, (&id, entry)) {
        Ok(level) => level,
        // It was marked more strictly meanwhile.
        Err(StoreError::Abandoned { .. } | StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let note = objects::get(reader, &REALM, &to.visible, &post.note)?;
    let sender = people::get(reader, &REALM, &mail.sender)?;
    let (Some(note), Some(sender)) = (note, sender) else { return Ok(None) };
    let names = Names::read(reader, &REALM, &state.federation.own.hub)?;
    let mut teller = Teller::of(reader, std::sync::Arc::clone(&to.visible), &to.caller.principal)?;
    let case = Telling::new(&names, &mut teller).case(&to.caller, &seen)?;
    let known = entry.by.as_deref().map(|account| teller.person(account)).transpose()?.flatten();
    let only: Vec<_> = entry.label.only.iter().flatten().map(|name| names.told(name)).collect();
    let link = state.address.join(&format!("/cases/{}/room", mail.case));
    let link = link.map_or_else(|_| String::new(), |link| link.to_string());
    let content = Content {
        entry,
        level,
        case: (case.number, &case.title),
        writer: known.as_deref().or(entry.name.as_deref()),
        organisation: &names.told(&entry.organisation),
        only: &only,
        sender: (&sender.name, &names.told(&names.writer(&sender.organisation)?)),
        link: &link,
    };
    let made = language(&to.address.language).and_then(|lang| letter(&content, lang));
    let parts: Vec<Leaving> =
        [leaving(&seen.incident), leaving(&note)].into_iter().chain(teller.take_named()).collect();
    let letter = made.map(|(subject, text)| Letter { to: to.address.address.clone(), subject, text });
    Ok(letter.map(|letter| (letter, parts, to)))
}
