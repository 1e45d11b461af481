//! What comes from other hubs about copies: which of it is let in, and what follows.
//!
//! - It comes from the hub of the organisation that it names, from nobody else and by no other hub: whoever only hands on cannot be asked whether
//!   it is true.
//! - A copy is for an organisation here that is given reports. It is shown to it out of its object ([`super::elsewhere`]).
//! - An answer is to a copy that was given to whoever answers. It is an event of the report, once: what comes twice is one object, and what comes
//!   again after it was removed was sent under the same name.
//! - A receipt is held against the other hub's key and the copy ([`super::proved`]). It is let in whatever it proves.
//!
//! What is let in is from whom it says, so nothing has to be asked of it again when it is read.

use std::collections::BTreeSet;

use oversight::{Action, AuditEvent, OrganisationId};
use regime::{Event, EventId, Regimes, Report, What};
use stix::Object;
use store::collections::CollectionKey;
use store::peers::Peer;
use store::reports::abroad as rows;
use store::reports::{self, Filed};
use store::{Reader, StoreError, Tx, audit, organisations};

use super::InHand;
use super::abroad::{is_given_reports, words_of};
use super::contents;
use super::passed::{NotPassed, Passed, Says, is_passed, line};
use super::proved;
use crate::REALM;
use crate::ingest::Outcome;
use crate::principal::Caller;
use crate::room::names::speaks_for;
use crate::room::{Names, circles};
use crate::sharing::tell;

/// What is thought of an object that a hub brings.
pub(crate) enum Judged {
    /// It is about something else.
    Nothing,
    /// It is let in.
    Good(Box<Passed>),
    /// It is kept out.
    Bad(Outcome),
}

/// Why an object that is brought by a member may not come in: what passes is made by the hub when something is filed or answered.
pub(crate) fn refusal(object: &Object) -> Option<Outcome> {
    let why = || {
        let message =
            format!("`{}` is a copy of a report, or about one; file the report, or answer it", object.id());
        Outcome::Refused { code: "reserved".to_owned(), message }
    };
    is_passed(object).then(why)
}

/// Judges what a hub brings; for what is let in its circle is drawn.
///
/// # Errors
/// Those of the database.
pub(crate) fn judge(
    tx: &mut Tx<'_>,
    (own_hub, collection): (&str, CollectionKey),
    (peer, origin): (&Peer, &str),
    object: &Object,
) -> Result<Judged, StoreError> {
    if !is_passed(object) {
        return Ok(Judged::Nothing);
    }
    let bad = |code: &str, why: &str| {
        let message = format!("`{}`: {why}", object.id());
        Ok(Judged::Bad(Outcome::Refused { code: code.to_owned(), message }))
    };
    let passed = match Passed::from_stix(object) {
        Ok(passed) => passed,
        Err(NotPassed { code, why }) => return bad(code, why),
    };
    let names = Names::read(tx, &REALM, own_hub)?;
    let here = match between(&names, (own_hub, peer, origin), (&passed.from, &passed.to)) {
        Ok(here) => here,
        Err((code, why)) => return bad(code, why),
    };
    let objection = match &passed.says {
        Says::Answered { .. } => answers_nothing(tx, &passed, &here)?,
        Says::Given { .. } | Says::Receipt { .. } => is_not_to_be_given(tx, &passed, &here)?,
    };
    if let Some((code, why)) = objection {
        return bad(code, why);
    }
    match circles::draw(tx, &names, (&REALM, collection), &passed.between()) {
        Ok(_) => Ok(Judged::Good(Box::new(passed))),
        // Without its circle it is for nobody here.
        Err(StoreError::Limit { .. }) => {
            bad("too-many-circles", "there are as many circles of organisations here as there may be")
        }
        Err(error) => Err(error),
    }
}

/// Why something is kept out, with a stable code.
pub(crate) type Objection = Option<(&'static str, &'static str)>;

/// The organisation here that something is for which passes between two. It comes from the hub that speaks for whom it is from, from nobody else and by no
/// other hub.
///
/// # Errors
/// Why it is kept out.
pub(crate) fn between(
    names: &Names,
    (own_hub, peer, origin): (&str, &Peer, &str),
    (from, to): (&OrganisationId, &OrganisationId),
) -> Result<OrganisationId, (&'static str, &'static str)> {
    if origin != peer.hub || !speaks_for(origin, from) {
        let why = "it is of an organisation that the hub which brings it does not speak for";
        return Err(("not-creator", why));
    }
    let here = names.here(to).filter(|_| speaks_for(own_hub, to));
    here.cloned().ok_or(("not-for-us", "it is for an organisation that is not of this hub"))
}

/// What stands against a copy, or its receipt, for an organisation here.
fn is_not_to_be_given(
    reader: &Reader<'_>,
    passed: &Passed,
    here: &OrganisationId,
) -> Result<Objection, StoreError> {
    let role = organisations::get(reader, &REALM, here)?.map(|found| found.role);
    if !role.is_some_and(is_given_reports) {
        return Ok(Some(("not-for-us", "it is for an organisation that is given no reports")));
    }
    // Whoever is the first to name a report is the only one whose it is: nobody puts a copy into another one's thread.
    let giver = rows::giver(reader, &REALM, &passed.report)?;
    if reports::head(reader, &REALM, &passed.report)?.is_some()
        || giver.is_some_and(|giver| giver != passed.from)
    {
        return Ok(Some(("not-creator", "it is of a report that is another organisation's")));
    }
    let is_known = rows::came(reader, &REALM, here, &passed.report)?.is_some();
    if !is_known && rows::came_count(reader, &REALM, here)? >= rows::CAME_MAX {
        return Ok(Some(("too-many", "it is for an organisation that has as many reports as it may have")));
    }
    Ok(None)
}

/// What stands against an answer to an organisation here.
fn answers_nothing(
    reader: &Reader<'_>,
    passed: &Passed,
    here: &OrganisationId,
) -> Result<Objection, StoreError> {
    let not_given = Ok(Some(("not-given", "it answers a copy that was not given to whoever answers")));
    let Some(mut found) = InHand::any(reader, &REALM, &passed.report)? else { return not_given };
    let Some(filed) = answered(&found, passed).filter(|_| found.is_of(here)).cloned() else {
        return not_given;
    };
    let event = event(reader, passed, &filed)?;
    match event.map(|event| found.report.add(event, reader.now())) {
        Some(Ok(_)) => Ok(None),
        Some(Err(_)) | None => Ok(Some(("wrong-copy", "what it answers does not fit into the report"))),
    }
}

/// The filing that something answers.
fn answered<'f>(found: &'f InHand, passed: &Passed) -> Option<&'f Filed> {
    let mut filed = found.filed.iter();
    filed.find(|filed| filed.event == passed.filing && filed.given_to.as_ref() == Some(&passed.from))
}

/// An answer as an event of the report.
fn event(reader: &Reader<'_>, passed: &Passed, filed: &Filed) -> Result<Option<Event>, StoreError> {
    let Says::Answered { answer, name } = &passed.says else { return Ok(None) };
    let organisation =
        words_of(reader, &passed.from)?.map_or_else(|| passed.from.to_string(), |words| words.both());
    let by = match name {
        Some(name) => format!("{name} — {organisation}"),
        None => organisation,
    };
    let what = What::Answered {
        regime: filed.regime.clone(),
        stage: filed.stage.clone(),
        recipient: filed.recipient.clone(),
        at: passed.at,
        answer: answer.clone(),
    };
    Ok(Some(Event { logged: reader.now(), by: line(&by), what }))
}

/// Does what follows from something that is in the log now. `before` is how many acts of the transaction come before this one; gives the act, if it is
/// one of its own.
///
/// # Errors
/// Those of the database.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    (own_hub, regimes, peer): (&str, &Regimes, &Peer),
    (caller, before): (&Caller, usize),
    passed: &Passed,
) -> Result<Option<AuditEvent>, StoreError> {
    let names = Names::read(tx, &REALM, own_hub)?;
    let Some(here) = names.here(&passed.to).cloned() else { return Ok(None) };
    let wrong = match &passed.says {
        Says::Answered { .. } => return take_answer(tx, regimes, (caller, before), passed),
        Says::Given { copy, sha256, name, .. } => {
            rows::take(tx, &REALM, &here, (&passed.report, &passed.from))?;
            contents::came(tx, (&passed.report, &passed.id()), copy)?;
            let form = regime::Copy::parse(copy.as_bytes());
            let form = form.map(|copy| format!("{} / {}", copy.names().0, copy.names().1));
            let text = format!("{} {}", name.both(), form.unwrap_or_default());
            let about = ("report-filed", passed.report.as_str());
            tell(tx, &REALM, BTreeSet::from([here.clone()]), about, (None, &text))?;
            proved::copy_came(tx, passed, sha256)?
        }
        Says::Receipt { proof } => {
            rows::take(tx, &REALM, &here, (&passed.report, &passed.from))?;
            proved::receipt_came(tx, (peer, passed), proof)?
        }
    };
    let alarm = |wrong| proved::alarm(tx, (peer, here, caller), passed, &wrong);
    wrong.map(alarm).transpose()
}

fn take_answer(
    tx: &mut Tx<'_>,
    regimes: &Regimes,
    (caller, before): (&Caller, usize),
    passed: &Passed,
) -> Result<Option<AuditEvent>, StoreError> {
    let Some(mut found) = InHand::any(tx, &REALM, &passed.report)? else { return Ok(None) };
    let Some(filed) = answered(&found, passed).cloned() else { return Ok(None) };
    let Some(event) = event(tx, passed, &filed)? else { return Ok(None) };
    let full =
        AuditEvent::refused(caller.actor.clone(), caller.purpose, "report-full").on([passed.report.as_str()]);
    // It may have become full by what came before it in this transaction.
    if Report::clone(&found.report).add(event.clone(), tx.now()).is_err() {
        return Ok(Some(full));
    }
    // What was removed and brought again was taken in before.
    let (id, hash) = (passed.id(), sha2_of(passed));
    match reports::send(tx, &REALM, &passed.report, (id.as_str(), &hash)) {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(StoreError::Limit { .. }) => return Ok(Some(full)),
        Err(error) => return Err(error),
    }
    let leaf = audit::next_leaf(tx)?.saturating_add(u64::try_from(before).unwrap_or(0));
    let new = found.add(tx, regimes, vec![event], leaf)?;
    let text = format!("{} / {}: {}", filed.regime, filed.stage, word(passed));
    let to = BTreeSet::from([found.head.organisation.clone()]);
    tell(tx, &REALM, to, ("report-answer", passed.report.as_str()), (None, &text))?;
    let event = AuditEvent::done(Action::ReportAnswered, caller.actor.clone(), caller.purpose)
        .on([passed.report.as_str(), id.as_str()])
        .with("events", new.iter().map(EventId::to_string).collect::<Vec<_>>().join(" "))
        .with("filing", filed.event.to_string())
        .with("answer", word(passed));
    Ok(Some(event))
}

/// The hash of all that something says.
pub(crate) fn sha2_of(passed: &Passed) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(serde_json::to_vec(passed).unwrap_or_default()).into()
}

/// The word for an answer.
fn word(passed: &Passed) -> &'static str {
    match &passed.says {
        Says::Answered { answer: regime::Answer::Acknowledged, .. } => "acknowledged",
        Says::Answered { answer: regime::Answer::Advice { .. }, .. } => "advice",
        Says::Answered { answer: regime::Answer::SimilarCases { .. }, .. } => "similar-cases",
        Says::Answered { answer: regime::Answer::Requested { .. }, .. } => "requested",
        Says::Given { .. } | Says::Receipt { .. } => "",
    }
}
