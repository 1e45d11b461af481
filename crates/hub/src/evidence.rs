//! Evidence of cases: sealed, held, passed from hand to hand, and made into packages that a court verifies.
//!
//! An item is seen by whoever its label and its case's label let see it; nothing hints at it to anybody else. It bears a label of its own as an
//! entry of a case room does, and no emergency opens it. Each step of its custody is an entry that hangs on the one before, and a leaf of the log in
//! the transaction of the step ([`custody`]). Its content leaves as an archive with a password, and in no other form.

pub(crate) mod abroad;
pub(crate) mod came;
pub(crate) mod case_uco;
pub(crate) mod clock;
pub(crate) mod custody;
pub(crate) mod fetched;
pub(crate) mod give;
pub(crate) mod label;
pub(crate) mod lines;
pub(crate) mod package;
pub(crate) mod passed;
pub(crate) mod receive;
pub(crate) mod requests;
pub(crate) mod seal;
pub(crate) mod told;

use std::sync::Arc;

use oversight::{OrganisationId, PersonRole, Purpose};
use policy::{Label, LabelKey, Operation, Personal, Principal, PrincipalKind, Visible};
use stix::Id;
use store::evidence::{self as rows, Item, State};
use store::objects::{self, Row};
use store::{Reader, StoreError, organisations};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::api::summaries::leaving;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::Recipient;
use crate::state::AppState;

/// Contents that come in or go out at once.
const STREAMS_MAX: usize = 16;
static STREAMS: Semaphore = Semaphore::const_new(STREAMS_MAX);

/// An item that the caller may see, with its case.
pub(crate) struct Seen {
    pub(crate) item: Item,
    pub(crate) incident: Row,
    pub(crate) visible: Arc<Visible>,
}

/// What a caller may see of evidence: no emergency opens any.
pub(crate) fn visible(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
) -> Result<Arc<Visible>, StoreError> {
    let visible = state.door.visible(reader, &caller.principal)?;
    if caller.principal.personal.emergency.is_none() {
        return Ok(visible);
    }
    Ok(Arc::new(visible.narrowed(|key| !visible.is_in_emergency(key))))
}

/// A case that the caller may see.
///
/// # Errors
/// [`StoreError::NotFound`].
pub(crate) fn case(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    id: &Id,
) -> Result<(Arc<Visible>, Row), StoreError> {
    let missing = || StoreError::NotFound { what: id.to_string() };
    if id.object_type() != "incident" {
        return Err(missing());
    }
    let visible = visible(reader, state, caller)?;
    let incident = objects::get(reader, caller.realm(), &visible, id)?.ok_or_else(missing)?;
    Ok((visible, incident))
}

/// An item that the caller may see.
///
/// # Errors
/// [`StoreError::NotFound`].
pub(crate) fn seen(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    id: Uuid,
) -> Result<Seen, StoreError> {
    let missing = || StoreError::NotFound { what: id.to_string() };
    let visible = visible(reader, state, caller)?;
    let item = rows::get(reader, caller.realm(), &visible, id)?.ok_or_else(missing)?;
    if item.state == State::Announced && item.new.organisation != caller.principal.organisation {
        return Err(missing());
    }
    let incident = objects::get(reader, caller.realm(), &visible, &item.new.case)?.ok_or_else(missing)?;
    Ok(Seen { item, incident, visible })
}

/// An item that the caller's organisation has in its hands, and whose content is here.
///
/// # Errors
/// Not found; not in one's hands; not here.
pub(crate) fn in_hand(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    id: Uuid,
) -> Result<Seen, StoreError> {
    let seen = seen(reader, state, caller, id)?;
    if seen.item.custodian != caller.principal.organisation {
        return Err(crate::sharing::unfit(
            "not-allowed-custodian",
            "only whoever has the item in its hands may do this",
        ));
    }
    here(&seen.item)?;
    Ok(seen)
}

/// The content must be here.
pub(crate) fn here(item: &Item) -> Result<(), StoreError> {
    match item.state {
        State::Kept => Ok(()),
        State::Announced => {
            Err(crate::sharing::unfit("evidence-to-come", "the content of this item is still to come"))
        }
        State::Disposed => Err(crate::sharing::unfit(
            "evidence-destroyed",
            "the content of this item was destroyed; its custody log stays",
        )),
    }
}

/// Whether people of an organisation who work cases may read what bears a label.
pub(crate) fn may_see(
    reader: &Reader<'_>,
    state: &AppState,
    organisation: &OrganisationId,
    label: &Label,
) -> Result<bool, StoreError> {
    let Some(organisation) = organisations::get(reader, &label.realm, organisation)? else {
        return Ok(false);
    };
    let principal = Principal {
        kind: PrincipalKind::Person(String::new()),
        organisation: organisation.id,
        organisation_role: organisation.role,
        roles: [PersonRole::Analyst, PersonRole::DutyOfficer].into(),
        realm: label.realm.clone(),
        purpose: Purpose::IncidentResponse,
        personal: Personal::default(),
    };
    Ok(state.engine.load().check(&principal, Operation::Read, label))
}

/// What is told of evidence on its way out: the labels of the items are proved, and that the case was told is in the ledger.
pub(crate) async fn release<T>(
    state: &AppState,
    caller: &Caller,
    (visible, incident): (&Visible, &Row),
    labels: &[LabelKey],
    value: T,
) -> Answer<T> {
    let proved = visible.release(&caller.principal, caller.purpose, labels, value);
    let value = proved.ok_or_else(Failure::not_found)?.into_inner();
    let recipient = Recipient { caller: caller.clone(), door: "evidence" };
    let leaving = [leaving(incident)];
    let released =
        state.door.release(&state.store, &state.metrics, &recipient, visible, &leaving, value).await?;
    Ok(released.into_inner())
}

/// A place among those whose content comes in or goes out.
///
/// # Errors
/// 503 where all are taken.
pub(crate) fn stream_permit() -> Answer<SemaphorePermit<'static>> {
    STREAMS.try_acquire().map_err(|_| {
        let why =
            format!("{STREAMS_MAX} contents of evidence come in or go out already; try again in a moment");
        Failure::new(api::Code::Unavailable, why)
    })
}
