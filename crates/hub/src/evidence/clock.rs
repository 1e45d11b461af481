//! What happens to evidence by itself: what was announced and never came is given up, requests whose time is over are told, and content whose class key
//! is destroyed is gone.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use oversight::AuditEvent;
use oversight::custody::CustodyAct;
use oversight::reason::CustodyReason;
use store::evidence::{self as rows, State, requests};
use store::{Act, StoreError, Tx};

use super::abroad::is_abroad;
use super::custody::{Book, Said};
use crate::REALM;
use crate::sharing::tell;
use crate::state::AppState;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long the content of what was announced may take to come.
const ANNOUNCED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Requests of one look.
const REQUESTS_MAX: usize = 100;

/// The kind of notice that tells of a request whose time is over.
const OVERDUE: &str = "evidence-request-overdue";

/// Looks until the hub stops.
pub(crate) async fn run(state: AppState) {
    while !state.stopping.is_set() {
        if let Err(error) = look(&state).await {
            tracing::error!(%error, "evidence cannot be looked after");
        }
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Nothing is kept here, and what one of several hubs has done the next no longer finds.
async fn look(state: &AppState) -> Result<(), StoreError> {
    let due =
        state.store.read(|reader| requests::overdue(reader, &REALM, reader.now(), REQUESTS_MAX)).await?;
    let write = move |tx: &mut Tx<'_>| {
        let before = tx.now().checked_sub(ANNOUNCED_FOR).unwrap_or(jiff::Timestamp::MIN);
        rows::forget_announced(tx, &REALM, before)?;
        for request in due {
            let still = requests::get(tx, &REALM, request.new.id)?;
            if still.is_none_or(|now| now.steps != request.steps) {
                continue;
            }
            requests::told(tx, &REALM, request.new.id)?;
            // One of another hub is told by that one.
            let both = [request.new.asker.clone(), request.new.asked.clone()].into_iter();
            let to = both.filter(|one| !is_abroad(one)).collect::<BTreeSet<_>>();
            let id = request.new.id.to_string();
            tell(tx, &REALM, to, (OVERDUE, &id), (Some(&request.new.case), &request.new.subject))?;
        }
        Ok(Act::bookkeeping(()))
    };
    state.store.write(write).await
}

/// A class key is gone: so is the content under it, and its custody says so. Gives the acts, the first of which is that of the key.
///
/// # Errors
/// Those of the database.
pub(crate) fn ended(
    tx: &mut Tx<'_>,
    class_key: &str,
    first: AuditEvent,
) -> Result<Vec<AuditEvent>, StoreError> {
    let mut book = Book::behind(tx, vec![first])?;
    for id in rows::under(tx, class_key)? {
        let item = rows::for_node(tx, &REALM, id)?.filter(|item| item.state == State::Kept);
        let Some(mut item) = item else { continue };
        let said =
            Said::new(CustodyAct::Disposed, CustodyReason::TimeOver.text()).with("class_key", class_key);
        book.write(tx, &REALM, &mut item, (None, said))?;
        rows::dispose(tx, &REALM, id)?;
    }
    Ok(book.into_events())
}

#[cfg(test)]
mod tests {
    use oversight::{Action, Actor, OrganisationId, Purpose};
    use policy::Label;
    use store::evidence::{Kept, NewItem, content};
    use store::{Options, Store, audit, labels};
    use uuid::Uuid;

    use super::*;

    const KEY: &str = "e/2026-11-29/r";

    /// An item whose content is here, under a class key.
    fn brought(tx: &mut Tx<'_>, id: u128, class_key: &str) -> Result<(), StoreError> {
        let police = OrganisationId::parse("police").unwrap();
        let new = NewItem {
            id: Uuid::from_u128(id),
            case: stix::Id::parse("incident--00000000-0000-4000-8000-000000000001").unwrap(),
            label: labels::intern(tx, &Label::unmarked(&police, &REALM))?,
            organisation: police,
            person: "hanako".to_owned(),
            name: "n".to_owned(),
            kind: "log".to_owned(),
            description: "d".to_owned(),
            collector: "c".to_owned(),
            seized_at: "2026-11-29T00:00:00Z".to_owned(),
            seized_where: "w".to_owned(),
            reason: "r".to_owned(),
            legal_basis: None,
            declared: None,
        };
        rows::announce(tx, &REALM, &new)?;
        let upload = Uuid::from_u128(9);
        content::add(tx, &REALM, (new.id, upload, 0), b"sealed")?;
        let kept = Kept {
            received: tx.now(),
            size: 1,
            sha256: "aa".to_owned(),
            sha3_256: "bb".to_owned(),
            chunks: 1,
            upload,
            class_key: Some(class_key.to_owned()),
            sealed_key: Some(vec![1]),
        };
        rows::receive(tx, &REALM, new.id, &kept)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn content_goes_with_its_class_key_and_its_custody_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let prepared = store.write(|tx| {
            brought(tx, 1, KEY)?;
            brought(tx, 2, "other/2026-11-29/r")?;
            Ok(Act::bookkeeping(()))
        });
        prepared.await.unwrap();
        for _ in 0..2 {
            let gone = store.write(|tx| {
                let first = AuditEvent::done(Action::ClassKeyDestroyed, Actor::Node, Purpose::Administration);
                Ok(Act::audited_all((), &REALM, ended(tx, KEY, first)?))
            });
            gone.await.unwrap();
        }
        let (one, two, custody, acts) = store
            .read(|reader| {
                let filter = audit::AuditFilter { limit: 10, ..Default::default() };
                let one = rows::for_node(reader, &REALM, Uuid::from_u128(1))?.unwrap();
                Ok((
                    one.clone(),
                    rows::for_node(reader, &REALM, Uuid::from_u128(2))?.unwrap(),
                    crate::evidence::custody::entries(reader, &REALM, &one)?,
                    audit::list(reader, &REALM, &filter)?,
                ))
            })
            .await
            .unwrap();
        assert_eq!((one.state, two.state), (State::Disposed, State::Kept));
        let [(entry, logged)] = custody.as_slice() else { panic!("{custody:?}") };
        assert_eq!((entry.act, entry.by.as_ref(), logged.leaf), (CustodyAct::Disposed, None, 1));
        let actions: Vec<_> = acts.iter().rev().map(|row| row.event.action).collect();
        let expected = [Action::ClassKeyDestroyed, Action::EvidenceChanged, Action::ClassKeyDestroyed];
        assert_eq!(actions, expected, "what is gone goes once");
    }
}
