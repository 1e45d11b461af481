//! Whether the receipts that come from other hubs prove the copies that come from there.
//!
//! A receipt is held against the key on its hub's card, which people compared when they added the peer, and against the hash of the copy, whichever
//! of the two comes first. What is found stays with the receipt: that the peer goes later takes nothing away from it. A wrong one is let in all the
//! same, since it is what the other hub says; its recipient is told, and that it came is an act.

use std::collections::{BTreeMap, BTreeSet};

use api::{CodedText, ReportReceipt};
use oversight::reason::ReceiptReason;
use oversight::{AuditEvent, FilingReceipt, OrganisationId};
use stix::Id;
use store::peers::Peer;
use store::reports::receipts::{self as rows, Checked, Found};
use store::{StoreError, Tx};
use tlog::Policy;

use super::abroad::words_of;
use super::passed::Passed;
use crate::REALM;
use crate::federation::Card;
use crate::principal::Caller;
use crate::sharing::tell;

/// A receipt that does not prove a copy: its object, and why.
pub(crate) type Wrong = (Id, ReceiptReason);

/// Looks at a receipt and writes down what it shows; gives what is wrong with it, as far as that can be said now.
///
/// # Errors
/// Those of the database.
pub(crate) fn receipt_came(
    tx: &mut Tx<'_>,
    (peer, passed): (&Peer, &Passed),
    proof: &str,
) -> Result<Option<Wrong>, StoreError> {
    let object = passed.id();
    let looked = look(peer, passed, proof);
    let found = match &looked {
        Ok(Some(copy)) => Found::Proved { copy: copy.clone() },
        Ok(None) => Found::NoKey,
        Err(why) => Found::Wrong { why: why.code().to_owned() },
    };
    let checked = Checked { event: passed.filing, object: object.clone(), found, checked: tx.now() };
    rows::note(tx, &REALM, &passed.report, &checked)?;
    match looked {
        Ok(None) => Ok(None),
        Err(why) => Ok(Some((object, why))),
        Ok(Some(copy)) => {
            let came = rows::copies(tx, &REALM, (&passed.report, &passed.filing))?;
            let is_other = !came.is_empty() && !came.contains(&copy);
            Ok(is_other.then_some((object, ReceiptReason::OtherCopy)))
        }
    }
}

/// Notes a copy; gives what is wrong with the receipt that came before it.
///
/// # Errors
/// Those of the database.
pub(crate) fn copy_came(tx: &mut Tx<'_>, passed: &Passed, sha256: &str) -> Result<Option<Wrong>, StoreError> {
    rows::note_copy(tx, &REALM, (&passed.report, &passed.filing), sha256)?;
    let checked = rows::checked(tx, &REALM, &passed.report)?.into_iter();
    let mut other = None;
    for one in checked.filter(|one| one.event == passed.filing) {
        match &one.found {
            Found::Proved { copy } if copy == sha256 => return Ok(None),
            // The newest stands first.
            Found::Proved { .. } => other = other.or(Some((one.object, ReceiptReason::OtherCopy))),
            Found::Wrong { .. } | Found::NoKey => {}
        }
    }
    Ok(other)
}

/// The hash of the copy that the log of the hub holds to be filed, if its key is known.
fn look(peer: &Peer, passed: &Passed, proof: &str) -> Result<Option<String>, ReceiptReason> {
    let card = Card::open(&peer.card).ok().filter(|card| card.hub == peer.hub);
    let policy = card.and_then(|card| {
        let policy = format!("log {}\nquorum none\n", card.key);
        Policy::parse(policy.as_bytes()).ok()
    });
    let Some(policy) = policy else { return Ok(None) };
    let receipt = FilingReceipt::parse(proof).map_err(|error| error.reason())?;
    let (shown, copy) = receipt.filed(&policy).map_err(|error| error.reason())?;
    // A true receipt of something else would do for whoever looks at nothing but the hash.
    let says = |name: &str| shown.event.detail.get(name).map_or("", String::as_str);
    let is_this = shown.event.objects == [passed.report.to_string()]
        && says("event") == passed.filing.to_string()
        && says("given_to") == passed.to.as_str();
    if is_this { Ok(Some(copy)) } else { Err(ReceiptReason::OtherFiling) }
}

/// Tells of a receipt that proves nothing: to whoever was given the copy, to whoever reads the program's log, and as an act.
///
/// # Errors
/// Those of the database.
pub(crate) fn alarm(
    tx: &mut Tx<'_>,
    (peer, here, caller): (&Peer, OrganisationId, &Caller),
    passed: &Passed,
    (receipt, why): &Wrong,
) -> Result<AuditEvent, StoreError> {
    let name = words_of(tx, &passed.from)?;
    let name = name.map_or_else(|| passed.from.to_string(), |words| words.both());
    let about = ("report-receipt-wrong", passed.report.as_str());
    let text = format!("{name}: {}", why.code());
    tell(tx, &REALM, BTreeSet::from([here]), about, (None, &text))?;
    let code = why.code();
    tracing::error!(
        peer = peer.id,
        why = code,
        "a receipt that a peer sent does not prove the copy of a report"
    );
    Ok(AuditEvent::refused(caller.actor.clone(), caller.purpose, "wrong-receipt")
        .on([passed.report.as_str(), receipt.as_str()])
        .with("filing", passed.filing.to_string())
        .with("why", code))
}

/// What was found out about a receipt, beside the copy with this hash.
pub(crate) fn told(checked: Option<&Checked>, sha256: &str) -> ReportReceipt {
    let (state, why) = match checked.map(|checked| &checked.found) {
        None => ("unchecked", None),
        Some(Found::NoKey) => ("no-key", None),
        Some(Found::Proved { copy }) if copy == sha256 => ("verified", None),
        Some(Found::Proved { .. }) => ("wrong", Some(ReceiptReason::OtherCopy)),
        Some(Found::Wrong { why }) => {
            // A reason of a newer version that wrote to the same database is one that cannot be read here.
            ("wrong", Some(ReceiptReason::of_code(why).unwrap_or(ReceiptReason::Malformed)))
        }
    };
    ReportReceipt {
        state: state.to_owned(),
        why: why.map(|why| why.text().to_owned()),
        why_reason: why.map(|why| CodedText { code: why.code().to_owned(), arguments: BTreeMap::new() }),
        checked: checked.map(|checked| checked.checked.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use regime::EventId;
    use store::peers::{State, Way};
    use uuid::Uuid;

    use super::super::passed::Says;
    use super::*;

    fn peer(card: &str) -> Peer {
        Peer {
            id: "east".to_owned(),
            hub: "0".repeat(32),
            organisation: OrganisationId::parse("east").unwrap(),
            fingerprint: String::new(),
            card: card.to_owned(),
            address: None,
            way: Way::Link,
            state: State::Active,
            reason: None,
            created: Timestamp::UNIX_EPOCH,
            changed: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn without_the_key_of_the_other_log_nothing_is_said_of_a_receipt() {
        let name = |text: &str| OrganisationId::parse(text).unwrap();
        let passed = Passed {
            report: Id::new("incident", Uuid::from_u128(1)),
            filing: EventId([7; 32]),
            from: name("0000000000000001-kinki"),
            to: name("0000000000000002-ministry"),
            at: Timestamp::UNIX_EPOCH,
            says: Says::Receipt { proof: "none".to_owned() },
        };
        assert_eq!(look(&peer("a card of another version"), &passed, "none"), Ok(None));
    }

    #[test]
    fn what_was_found_is_told_beside_the_copy_that_is_shown() {
        let checked = |found| Checked {
            event: EventId([7; 32]),
            object: Id::new("note", Uuid::from_u128(1)),
            found,
            checked: Timestamp::UNIX_EPOCH,
        };
        let proved = checked(Found::Proved { copy: "aa".to_owned() });
        let wrong = |why: &str| checked(Found::Wrong { why: why.to_owned() });
        for (checked, copy, state, code) in [
            (None, "aa", "unchecked", None),
            (Some(checked(Found::NoKey)), "aa", "no-key", None),
            (Some(proved.clone()), "aa", "verified", None),
            (Some(proved), "bb", "wrong", Some("other-copy")),
            (Some(wrong("not-signed")), "aa", "wrong", Some("not-signed")),
            (Some(wrong("of a newer version")), "aa", "wrong", Some("malformed")),
        ] {
            let told = told(checked.as_ref(), copy);
            let why = told.why_reason.map(|why| why.code);
            assert_eq!((told.state.as_str(), why.as_deref()), (state, code));
            assert_eq!(told.why.is_some(), code.is_some());
        }
    }
}
