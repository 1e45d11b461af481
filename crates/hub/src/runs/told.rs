//! Playbooks, runs and orders in the words of the wire.

mod playbook;
mod run;

use std::collections::BTreeMap;

use api::{OrderContext, OrderPerson, Words};
use cacao::run::{Order, Run};
use cacao::{Playbook, TRANSLATIONS};
use oversight::OrganisationId;
use store::organisations::{self, Organisation};
use store::runs::{self as rows, NewRun};
use store::{Reader, StoreError, people};

use super::Response;
use crate::REALM;

pub(crate) use playbook::{added, graph, summary, whole};
pub(crate) use run::{RunView, summary as run_summary, whole as run};

/// A text of a playbook in both languages. What it does not translate is the same in both.
pub(crate) fn words(playbook: &Playbook, pointer: &str, text: &str) -> Words {
    let translated =
        playbook.extensions.get(TRANSLATIONS).and_then(|all| all.get("ja")?.get(pointer)?.as_str());
    Words { ja: translated.unwrap_or(text).to_owned(), en: text.to_owned() }
}

/// The names of a council's organisations and people, looked up once.
pub(crate) struct Names {
    organisations: BTreeMap<OrganisationId, Organisation>,
    viewer: OrganisationId,
}

impl Names {
    /// As people of `viewer` are told them: other organisations' people by their organisation alone.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn for_viewer(reader: &Reader<'_>, viewer: &OrganisationId) -> Result<Self, StoreError> {
        let all = organisations::list(reader, &REALM)?.into_iter();
        Ok(Self { organisations: all.map(|one| (one.id.clone(), one)).collect(), viewer: viewer.clone() })
    }

    pub(crate) fn organisation(&self, id: &OrganisationId) -> String {
        match self.organisations.get(id) {
            Some(one) => super::both(&one.name_ja, &one.name_en),
            None => id.to_string(),
        }
    }

    /// The organisation of a STIX identity.
    pub(crate) fn of_identity(&self, identity: &str) -> Option<&Organisation> {
        self.organisations.values().find(|one| one.identity.as_str() == identity)
    }

    /// A person of an organisation, at a time.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn person(
        &self,
        reader: &Reader<'_>,
        (person, organisation): (&str, &OrganisationId),
        at: String,
    ) -> Result<OrderPerson, StoreError> {
        let name = if *organisation == self.viewer {
            people::get(reader, &REALM, person)?.map(|known| known.name)
        } else {
            None
        };
        Ok(OrderPerson { organisation: self.organisation(organisation), name, at })
    }
}

/// What an edge's operator is told of an order, beside what is signed.
///
/// # Errors
/// Those of the database.
pub(super) fn context(
    reader: &Reader<'_>,
    response: &Response,
    (begun, run, order): (&NewRun, &Run, &Order),
    (command_id, undoes, operator): (&str, Option<&str>, &OrganisationId),
) -> Result<OrderContext, StoreError> {
    let names = Names::for_viewer(reader, operator)?;
    let requested = names.person(reader, (&begun.person, &begun.organisation), begun.started.to_string())?;
    let given = rows::approvals(reader, &REALM, &begun.id)?;
    let mut approved_by = Vec::new();
    for (question, person) in run.agreed_to(&order.hash) {
        if let Some(approval) = super::gates::of(&given, question, &person.person) {
            let by = (approval.person.as_str(), &approval.organisation);
            approved_by.push(names.person(reader, by, approval.at.to_string())?);
        }
    }
    let authority = order.safeguards.as_ref().and_then(|the| the.authority.as_ref());
    let role = names.organisations.get(operator).map(|one| one.role);
    // The case is named to an operator that may see it.
    let sees_case = match role {
        Some(role) => super::gates::may_see_case(reader, response, (operator, role), begun)?,
        None => false,
    };
    let playbook = response.shelf.begun(reader, begun)?;
    Ok(OrderContext {
        command_id: command_id.to_owned(),
        run: Some(begun.id.clone()),
        playbook: Some(playbook.playbook.name.clone()),
        step: Some(order.step_name.clone().unwrap_or_else(|| order.step.clone())),
        case: begun.case.as_ref().filter(|_| sees_case).map(ToString::to_string),
        requested_by: requested,
        approved_by,
        basis: authority.map(|authority| authority.basis.clone()),
        reference: authority.and_then(|authority| authority.reference.clone()),
        undoes: undoes.map(str::to_owned),
        hubs: None,
    })
}
