//! `yagura admin user qualify` and what goes with it: clearances and oaths of people. Whoever has the data folder in hand is one of the
//! two persons that it takes, and never both.

use api::{HeldQualification, NewQualification};
use hub::administration::By;
use hub::policies::PolicyKeeper;
use hub::qualifications::{self, Entrant, Whose};
use oversight::Realm;
use serde_json::{Value, json};
use store::Store;

use crate::admin::{Answer, Refused, Request};
use crate::cli::UserCommand;

/// What a command asks of the hub; `None` for what is about no clearance or oath.
pub(crate) fn request(command: UserCommand) -> Option<Request> {
    Some(match command {
        UserCommand::Qualifications { login } => Request::ListQualifications { login },
        UserCommand::Qualify { login, qualification, since, until, evidence } => {
            Request::Qualify { login, new: NewQualification { qualification, since, until, evidence } }
        }
        UserCommand::ConfirmQualification { id } => Request::ConfirmQualification { id },
        UserCommand::RefuseQualification { id, reason } => Request::RefuseQualification { id, reason },
        UserCommand::EndQualification { id, reason } => Request::EndQualification { id, reason },
        UserCommand::List | UserCommand::Add { .. } | UserCommand::Link { .. } => return None,
    })
}

/// Carries it out. Which clearances there are is known to a hub that runs.
pub(crate) async fn execute(
    store: &Store,
    keeper: Result<&PolicyKeeper, Refused>,
    request: Request,
) -> Result<Answer, Refused> {
    let entrant = || Entrant::new(By::node(Realm::Live), None);
    Ok(match request {
        Request::Qualify { login, new } => {
            let clearances = keeper?.clearances();
            let whose = Whose::Login(login);
            one(&qualifications::enter(store, entrant(), &clearances, whose, &new).await?)
        }
        Request::ConfirmQualification { id } => one(&qualifications::confirm(store, entrant(), &id).await?),
        Request::RefuseQualification { id, reason } => {
            one(&qualifications::refuse(store, entrant(), &id, &reason).await?)
        }
        Request::EndQualification { id, reason } => {
            one(&qualifications::end(store, entrant(), &id, &reason).await?)
        }
        Request::ListQualifications { login: Some(login) } => {
            all(&qualifications::of_person(store, entrant(), Whose::Login(login)).await?)
        }
        _ => all(&qualifications::standing(store, entrant()).await?),
    })
}

fn one(held: &HeldQualification) -> Answer {
    Answer { lines: vec![line(held)], value: value(held) }
}

fn all(held: &[HeldQualification]) -> Answer {
    Answer { lines: held.iter().map(line).collect(), value: Value::Array(held.iter().map(value).collect()) }
}

fn line(held: &HeldQualification) -> String {
    let HeldQualification { id, person_name, organisation, qualification, since, until, state, .. } = held;
    format!("{id}\t{state}\t{organisation}\t{person_name}\t{qualification}\t{since}\t{until}")
}

fn value(held: &HeldQualification) -> Value {
    serde_json::to_value(held).unwrap_or_else(|_| json!({ "id": held.id }))
}
