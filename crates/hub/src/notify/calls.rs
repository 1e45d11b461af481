//! Mail to organisations that are called into a case room, or offered a task there, until somebody of them looks.
//!
//! Each time that nobody has answered the next address is written to, the last one again and again. Mail travels in the clear somewhere, so it
//! bears the case's level, says that there is a call, and where to look, and nothing of the case.

use jiff::SignedDuration;
use store::calls::{self, Call};
use store::{Act, StoreError};

use super::mail::{Mailer, Trouble};
use crate::REALM;
use crate::config::RoomCalls;
use crate::state::AppState;

/// Calls of one round.
const ROUND_MAX: usize = 20;
/// Mails of one call at most: then it has to be the telephone.
const MAILS_MAX: u64 = 12;
/// After a mail that was not taken the next address is tried.
const AFTER_TROUBLE: SignedDuration = SignedDuration::from_mins(1);

/// What is to be done about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next<'a> {
    /// Nothing more.
    End,
    /// It waits until the quiet hours are over.
    Wait(jiff::Timestamp),
    /// This address is written to.
    Write(&'a str),
}

/// Sends what is due.
///
/// # Errors
/// Those of the database.
pub(super) async fn ring(state: &AppState, mailer: Option<&Mailer>) -> Result<(), StoreError> {
    let (Some(mailer), config) = (mailer, &state.config.room_calls) else { return Ok(()) };
    if config.mail.is_empty() {
        return Ok(());
    }
    let now = jiff::Timestamp::now();
    for (call, is_answered) in state.store.read(|reader| calls::due(reader, &REALM, ROUND_MAX)).await? {
        match next(config, &call, is_answered, now) {
            Next::End => drop(put_off(state, &call, None).await?),
            Next::Wait(until) => drop(put_off(state, &call, Some((call.attempts, until))).await?),
            Next::Write(address) => {
                // Taken first: where this process dies over it, it is due again in its turn.
                let told = call.attempts + 1;
                if !put_off(state, &call, Some((told, now + config.again))).await? {
                    continue;
                }
                let (subject, text) = words(state, &call);
                if let Err(Trouble::Passing(code) | Trouble::Final(code)) =
                    mailer.send_text(address, subject, text).await
                {
                    tracing::warn!(code, attempts = told, "a call into a case room was not taken");
                    let soon = now + AFTER_TROUBLE.min(config.again);
                    put_off(state, &Call { attempts: told, ..call }, Some((told, soon))).await?;
                }
            }
        }
    }
    Ok(())
}

fn next<'a>(config: &'a RoomCalls, call: &Call, is_answered: bool, now: jiff::Timestamp) -> Next<'a> {
    let addresses = config.mail.get(&call.organisation).map(Vec::as_slice).unwrap_or_default();
    let place = usize::try_from(call.attempts).unwrap_or(usize::MAX);
    let Some(address) = addresses.get(place).or(addresses.last()) else { return Next::End };
    if is_answered || call.attempts >= MAILS_MAX {
        return Next::End;
    }
    let quiet = config.quiet.as_ref().filter(|_| !call.urgent).and_then(|quiet| quiet.ends(now));
    quiet.map_or(Next::Write(address), Next::Wait)
}

async fn put_off(
    state: &AppState,
    call: &Call,
    next: Option<(u64, jiff::Timestamp)>,
) -> Result<bool, StoreError> {
    let call = call.clone();
    state.store.write(move |tx| calls::put_off(tx, &REALM, &call, next).map(Act::bookkeeping)).await
}

fn words(state: &AppState, call: &Call) -> (String, String) {
    let link = state.address.join(&format!("/cases/{}/room", call.case));
    let link = link.map_or_else(|_| String::new(), |link| link.to_string());
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
        let day: jiff::Timestamp = "2026-11-30T03:00:00Z".parse().unwrap();
        let night: jiff::Timestamp = "2026-11-30T20:30:15Z".parse().unwrap();
        let check = |attempts, urgent, answered, now, expected: Next<'_>| {
            assert_eq!(next(&config, &call(attempts, urgent), answered, now), expected);
        };
        check(0, false, false, day, Next::Write("duty@a.jp"));
        check(1, false, false, day, Next::Write("chief@a.jp"));
        check(5, false, false, day, Next::Write("chief@a.jp"));
        check(0, false, true, day, Next::End);
        check(MAILS_MAX, true, false, day, Next::End);
        check(0, false, false, night, Next::Wait("2026-11-30T21:00:00Z".parse().unwrap()));
        check(0, true, false, night, Next::Write("duty@a.jp"));
        let other = Call { organisation: OrganisationId::parse("other").unwrap(), ..call(0, true) };
        assert_eq!(next(&config, &other, false, day), Next::End);
    }
}
