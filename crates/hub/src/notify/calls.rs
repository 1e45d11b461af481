//! Mail and webhooks to organisations that are called into a case room, or offered a task there, until somebody of them looks.
//!
//! Each time that nobody has answered the next address is written to, the last one again and again, and the organisation's webhook is told which
//! time it is. Mail travels in the clear somewhere, so it bears the case's level, says that there is a call, and where to look, and nothing of the
//! case; what the webhook is told is the same.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use store::calls::{self, Call};
use store::{Act, StoreError};

use super::deliver::Sender;
use super::mail::Trouble;
use crate::REALM;
use crate::config::{RoomCalls, SignedWebhook};
use crate::state::AppState;

/// Calls of one round.
const ROUND_MAX: usize = 20;
/// How often one call is told of at most: then it has to be the telephone.
const TIMES_MAX: u64 = 12;
/// After a call that nobody took the next address is tried.
const AFTER_TROUBLE: SignedDuration = SignedDuration::from_mins(1);

/// What is to be done about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next<'a> {
    /// Nothing more.
    End,
    /// It waits until the quiet hours are over.
    Wait(Timestamp),
    /// It is told of.
    Tell(Whom<'a>),
}

/// Whom a call is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Whom<'a> {
    address: Option<&'a str>,
    webhook: Option<&'a SignedWebhook>,
}

/// The body of a webhook's message.
#[derive(Debug, Serialize)]
struct Message {
    /// `room.called` or `room.task-offered`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it was sent.
    timestamp: String,
    data: Data,
}

#[derive(Debug, Serialize)]
struct Data {
    notice: String,
    organisation: String,
    tlp: String,
    urgent: bool,
    /// Which time it is, from 1.
    time: u64,
    link: String,
}

/// Sends what is due.
///
/// # Errors
/// Those of the database.
pub(super) async fn ring(state: &AppState, sender: &Sender) -> Result<(), StoreError> {
    let config = &state.config.room_calls;
    if config.mail.is_empty() && config.webhooks.is_empty() {
        return Ok(());
    }
    let now = Timestamp::now();
    for (call, is_answered) in state.store.read(|reader| calls::due(reader, &REALM, ROUND_MAX)).await? {
        match next(config, &call, is_answered, now) {
            Next::End => drop(put_off(state, &call, None).await?),
            Next::Wait(until) => drop(put_off(state, &call, Some((call.attempts, until))).await?),
            Next::Tell(whom) => {
                // Taken first: where this process dies over it, it is due again in its turn.
                let told = call.attempts + 1;
                if !put_off(state, &call, Some((told, now + config.again))).await? {
                    continue;
                }
                if let Err(code) = tell(state, sender, &call, whom).await {
                    tracing::warn!(code, attempts = told, "a call into a case room was not taken");
                    let soon = now + AFTER_TROUBLE.min(config.again);
                    put_off(state, &Call { attempts: told, ..call }, Some((told, soon))).await?;
                }
            }
        }
    }
    Ok(())
}

/// Tells of a call once; a code where nobody took it.
async fn tell(state: &AppState, sender: &Sender, call: &Call, whom: Whom<'_>) -> Result<(), &'static str> {
    let by_mail = match (whom.address, sender.mailer()) {
        (Some(address), Some(mailer)) => {
            let (subject, text) = words(state, call);
            let sent = mailer.send_text(address, subject, text).await;
            Some(sent.map_err(|(Trouble::Passing(code) | Trouble::Final(code))| code))
        }
        (Some(_), None) => Some(Err("mail-not-configured")),
        (None, _) => None,
    };
    let by_webhook = match (whom.webhook, sender.webhooks()) {
        (Some(to), Some(webhooks)) => {
            let message = message(state, call);
            // Another each time, so that a receiver that drops what it had before drops no call.
            let id = format!("{}.{}.{}", call.organisation, call.notice, message.data.time);
            Some(webhooks.send(&to.address, &to.secret, &id, &message).await)
        }
        (Some(_), None) => Some(Err("webhook-not-configured")),
        (None, _) => None,
    };
    match (by_mail, by_webhook) {
        (Some(Ok(())), Some(Err(code))) | (Some(Err(code)), Some(Ok(()))) => {
            // Somebody was told; the other way is tried again in its turn.
            tracing::warn!(code, "a call into a case room was taken one way only");
            Ok(())
        }
        (Some(Err(code)), _) | (None, Some(Err(code))) => Err(code),
        _ => Ok(()),
    }
}

fn next<'a>(config: &'a RoomCalls, call: &Call, is_answered: bool, now: Timestamp) -> Next<'a> {
    let addresses = config.mail.get(&call.organisation).map(Vec::as_slice).unwrap_or_default();
    let place = usize::try_from(call.attempts).unwrap_or(usize::MAX);
    let address = addresses.get(place).or(addresses.last()).map(String::as_str);
    let webhook = config.webhooks.get(&call.organisation);
    if is_answered || call.attempts >= TIMES_MAX || address.is_none() && webhook.is_none() {
        return Next::End;
    }
    let quiet = config.quiet.as_ref().filter(|_| !call.urgent).and_then(|quiet| quiet.ends(now));
    quiet.map_or(Next::Tell(Whom { address, webhook }), Next::Wait)
}

async fn put_off(state: &AppState, call: &Call, next: Option<(u64, Timestamp)>) -> Result<bool, StoreError> {
    let call = call.clone();
    state.store.write(move |tx| calls::put_off(tx, &REALM, &call, next).map(Act::bookkeeping)).await
}

fn link(state: &AppState, call: &Call) -> String {
    let link = state.address.join(&format!("/cases/{}/room", call.case));
    link.map_or_else(|_| String::new(), |link| link.to_string())
}

fn message(state: &AppState, call: &Call) -> Message {
    Message {
        kind: if call.kind == "room-task" { "room.task-offered" } else { "room.called" },
        timestamp: Timestamp::now().to_string(),
        data: Data {
            notice: call.notice.clone(),
            organisation: call.organisation.to_string(),
            tlp: call.tlp.clone(),
            urgent: call.urgent,
            time: call.attempts + 1,
            link: link(state, call),
        },
    }
}

fn words(state: &AppState, call: &Call) -> (String, String) {
    let link = link(state, call);
    let level = format!("TLP:{}", call.tlp.to_uppercase());
    let (ja, en) = if call.kind == "room-task" {
        ("事案の部屋で依頼が届いています", "a task is offered to you in a case room")
    } else {
        ("事案の部屋に呼ばれています", "you are called into a case room")
    };
    let subject = format!("[Yagura] {level} {ja} / {en}");
    let text = format!(
        "{ja}（{level}）。サインインして確認してください。どなたかが確認するまで、順にお知らせします。\n{link}\n\n\
         {en} ({level}). Sign in and look. Until somebody does, mail goes on to the next address.\n{link}\n"
    );
    (subject, text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use oversight::OrganisationId;

    use super::*;

    #[test]
    fn a_call_goes_on_to_the_next_address_until_it_is_answered_and_keeps_quiet_at_night() {
        let police = OrganisationId::parse("police").unwrap();
        let addresses = vec!["duty@a.jp".to_owned(), "chief@a.jp".to_owned()];
        let config = RoomCalls {
            mail: BTreeMap::from([(police.clone(), addresses)]),
            quiet: Some("22:00-06:00+09:00".parse().unwrap()),
            ..RoomCalls::default()
        };
        let call = |attempts, urgent| Call {
            organisation: police.clone(),
            notice: "n".to_owned(),
            kind: "room-task".to_owned(),
            case: "incident--00000000-0000-4000-8000-000000000001".parse().unwrap(),
            tlp: "amber".to_owned(),
            urgent,
            attempts,
        };
        let day: Timestamp = "2026-11-30T03:00:00Z".parse().unwrap();
        let night: Timestamp = "2026-11-30T20:30:15Z".parse().unwrap();
        let check = |attempts, urgent, answered, now, expected: Next<'_>| {
            assert_eq!(next(&config, &call(attempts, urgent), answered, now), expected);
        };
        let write = |address| Next::Tell(Whom { address: Some(address), webhook: None });
        check(0, false, false, day, write("duty@a.jp"));
        check(1, false, false, day, write("chief@a.jp"));
        check(5, false, false, day, write("chief@a.jp"));
        check(0, false, true, day, Next::End);
        check(TIMES_MAX, true, false, day, Next::End);
        check(0, false, false, night, Next::Wait("2026-11-30T21:00:00Z".parse().unwrap()));
        check(0, true, false, night, write("duty@a.jp"));
        let other = Call { organisation: OrganisationId::parse("other").unwrap(), ..call(0, true) };
        assert_eq!(next(&config, &other, false, day), Next::End);

        // A program alone is told each time, and keeps quiet at night as well.
        let hook = SignedWebhook { address: "https://a.jp/".to_owned(), secret: vec![7; 32] };
        let webhooks = BTreeMap::from([(police.clone(), hook.clone())]);
        let config = RoomCalls { mail: BTreeMap::new(), webhooks, ..config.clone() };
        let ring = Next::Tell(Whom { address: None, webhook: Some(&hook) });
        assert_eq!(next(&config, &call(7, false), false, day), ring);
        assert_eq!(next(&config, &call(7, false), true, day), Next::End);
        assert_eq!(next(&config, &call(TIMES_MAX, false), false, day), Next::End);
        assert!(matches!(next(&config, &call(0, false), false, night), Next::Wait(_)));
    }
}
