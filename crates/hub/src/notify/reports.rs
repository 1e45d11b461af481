//! Mail about the clocks of reports: that half of the time is gone, or all of it. It goes to the address that the organisation declared,
//! says which law and when, and nothing of the incident.

use api::Words;
use store::reports::{self, Warning};
use store::{Act, StoreError};

use super::deliver::{ATTEMPTS_MAX, CLAIM, pause};
use super::mail::{Mailer, Trouble};
use crate::REALM;
use crate::state::AppState;

/// Mails of one round.
const ROUND_MAX: usize = 20;

/// Sends what is due.
///
/// # Errors
/// Those of the database.
pub(super) async fn send_due(state: &AppState, mailer: Option<&Mailer>) -> Result<(), StoreError> {
    let Some(mailer) = mailer else { return Ok(()) };
    let due = state.store.read(|reader| reports::mails_due(reader, &REALM, ROUND_MAX)).await?;
    for warning in due {
        // Taken for a while first: where this process dies over it, it is due again.
        let attempts = warning.attempts + 1;
        if !put_off(state, &warning, attempts, Some(CLAIM)).await? {
            continue;
        }
        let (subject, text) = told(state, &warning);
        let again = match mailer.send_text(&warning.mail, subject, text).await {
            Ok(()) => None,
            Err(Trouble::Passing(code)) if attempts < ATTEMPTS_MAX => {
                tracing::warn!(code, attempts, "mail about the clock of a report was not taken");
                Some(pause(attempts))
            }
            Err(Trouble::Passing(code) | Trouble::Final(code)) => {
                tracing::warn!(code, attempts, "mail about the clock of a report is given up");
                None
            }
        };
        put_off(state, &Warning { attempts, ..warning }, attempts, again).await?;
    }
    Ok(())
}

/// Notes when it is tried next; `None`: never again.
async fn put_off(
    state: &AppState,
    warning: &Warning,
    attempts: u64,
    until: Option<jiff::SignedDuration>,
) -> Result<bool, StoreError> {
    let warning = warning.clone();
    let write = move |tx: &mut store::Tx<'_>| {
        let next = until.map(|pause| tx.now() + pause);
        reports::put_off_mail(tx, &REALM, &warning, (attempts, next)).map(Act::bookkeeping)
    };
    state.store.write(write).await
}

fn told(state: &AppState, warning: &Warning) -> (String, String) {
    let mut parts = warning.duty.splitn(3, '/');
    let [regime, stage, recipient] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let name = named(state, regime, stage);
    let link = state.address.join(&format!("/reports/{}", warning.report));
    let link = link.map_or_else(|_| String::new(), |link| link.to_string());
    let (ja, en) = if warning.turn == "overdue" {
        ("報告期限を過ぎました", "a report is overdue")
    } else {
        ("報告期限の半分が経過しました", "half of the time of a report is gone")
    };
    let due = warning.due;
    let subject = format!("[Yagura] {ja} / {en}: {regime}");
    let text = format!(
        "{ja}。\n{} → {recipient}\n期限: {due}\n{link}\n\n{en}.\n{} → {recipient}\ndue: {due}\n{link}\n",
        name.ja, name.en
    );
    (subject, text)
}

/// What regime and stage are called; their identifiers where the files no longer know them.
fn named(state: &AppState, regime: &str, stage: &str) -> Words {
    let bare = || Words { ja: format!("{regime} {stage}"), en: format!("{regime} {stage}") };
    let found = state.regimes.get(regime).and_then(|found| Some((found, found.stage(stage)?)));
    found.map_or_else(bare, |(found, stage)| Words {
        ja: format!("{}・{}", found.name.ja, stage.name.ja),
        en: format!("{}, {}", found.name.en, stage.name.en),
    })
}
