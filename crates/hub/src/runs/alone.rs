//! What one person approves alone in an emergency: told at once, and open until somebody of another organisation has reviewed it.

use std::collections::BTreeSet;

use cacao::Approval as Asked;
use jiff::SignedDuration;
use oversight::{OrganisationId, OrganisationRole};
use store::lone_approvals::{self as rows, LoneApproval};
use store::runs::{Approval, Run};
use store::{StoreError, Tx, organisations};

use crate::REALM;
use crate::sharing::tell;

/// How long there is for the review.
const REVIEWED_WITHIN: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Opens the review of an approval by one person alone, and tells who supervises, who coordinates, and who was asked as well.
///
/// # Errors
/// Those of the database.
pub(crate) fn opened(
    tx: &mut Tx<'_>,
    (run, asked, step): (&Run, &Asked, &str),
    approval: &Approval,
    (hash, reason): (&str, &str),
) -> Result<(), StoreError> {
    let new = LoneApproval {
        id: uuid::Uuid::now_v7().to_string(),
        run: run.begun.id.clone(),
        question: approval.question,
        step: step.to_owned(),
        person: approval.person.clone(),
        organisation: approval.organisation.clone(),
        requester: run.begun.organisation.clone(),
        hash: hash.to_owned(),
        reason: reason.to_owned(),
        at: approval.at,
        review_due: approval.at.checked_add(REVIEWED_WITHIN).unwrap_or(jiff::Timestamp::MAX),
        review: None,
    };
    rows::add(tx, &REALM, &new)?;
    let mut to = BTreeSet::<OrganisationId>::from([run.begun.organisation.clone()]);
    for one in organisations::list(tx, &REALM)? {
        let is_asked = asked.approvers.iter().any(|identity| identity == one.identity.as_str());
        let watches = matches!(one.role, OrganisationRole::Coordinator | OrganisationRole::Oversight);
        if is_asked || watches {
            to.insert(one.id);
        }
    }
    tell(tx, &REALM, to, ("lone-approval", &new.id), (None, reason))
}
