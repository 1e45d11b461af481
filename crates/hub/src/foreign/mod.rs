//! Parties that run no hub of ours and have a TAXII 2.1 server: it is read on a schedule, and written to where that is wanted.
//!
//! 1. [`administration`] adds and removes links; [`run`] keeps one task for each, one round after another.
//! 2. [`pull`] reads on from where it stopped. A page and the server's cursor behind it are one transaction, so a crash reads a page
//!    again and loses none; what the server gives is its organisation's, as if that had published it here.
//! 3. [`push`] reads the log as another hub would: TLP:CLEAR and what an agreement gives, decided when it is sent. What the
//!    organisation brought itself is not sent back to it, so nothing echoes in either direction.
//! 4. A round that fails is tried again after a pause that doubles; a server that says when to come back is believed, within limits.

pub(crate) mod administration;
mod pull;
mod push;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use oversight::{Actor, OrganisationRole, Purpose};
use policy::{Personal, Principal, PrincipalKind};
use store::taxii_links::{self, Progress, TaxiiLink};
use store::{Act, Reader, StoreError, Tx, organisations};
use taxii::client::{Client, Credentials, Error, Place, Settings};
use tokio::task::JoinHandle;

use crate::REALM;
use crate::principal::Caller;
use crate::problem::Failure;
use crate::state::AppState;
use crate::vault::Unopenable;

/// What the duties of links begin with.
const DUTY: &str = "taxii/";
/// How often it is looked whether links were added, changed or removed: the command line changes them beside the running hub.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long is waited after the first failure, and at most.
const WAIT_FIRST: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Longest text of what went wrong, in characters.
const TROUBLE_CHARACTERS_MAX: usize = 500;

/// Why a round ended before its end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Server(#[from] Error),
    #[error("this hub's store failed: {0}")]
    Store(#[from] StoreError),
    #[error("nothing is given to it: {0}")]
    Refused(String),
    #[error("its secret: {0}; remove the link and add it again")]
    Sealed(#[from] Unopenable),
    #[error("it was removed or suspended here")]
    Gone,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure.detail().to_owned())
    }
}

/// Keeps a task for each link until the hub stops.
pub(crate) async fn run(state: AppState) {
    let mut running: HashMap<String, (Timestamp, JoinHandle<()>)> = HashMap::new();
    loop {
        match own_links(&state).await {
            Ok(links) => tend(&state, links, &mut running),
            Err(error) => tracing::error!(%error, "TAXII links cannot be looked after"),
        }
        tokio::select! {
            () = state.stopping.wait() => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    for (_, task) in running.into_values() {
        task.abort();
        // It was told to stop, or is made to.
        let _ = task.await;
    }
}

/// The links that this one of several hubs on one database keeps: a server is asked, and given, once.
async fn own_links(state: &AppState) -> Result<Vec<TaxiiLink>, StoreError> {
    let mut links = state.store.read(|reader| taxii_links::list(reader, &REALM)).await?;
    let wanted = links.iter().filter(|link| !link.suspended).map(|link| link.id.clone()).collect();
    let own = state.duties.take(&state.store, DUTY, wanted).await?;
    links.retain(|link| own.contains(&link.id));
    Ok(links)
}

fn tend(state: &AppState, links: Vec<TaxiiLink>, running: &mut HashMap<String, (Timestamp, JoinHandle<()>)>) {
    let wanted: HashMap<String, TaxiiLink> =
        links.into_iter().filter(|link| !link.suspended).map(|link| (link.id.clone(), link)).collect();
    running.retain(|id, (changed, task)| {
        let stays = wanted.get(id).is_some_and(|link| link.changed == *changed);
        if !stays {
            task.abort();
        }
        stays
    });
    for (id, link) in wanted {
        running.entry(id).or_insert_with(|| (link.changed, tokio::spawn(keep(state.clone(), link))));
    }
}

/// One round after another.
async fn keep(state: AppState, link: TaxiiLink) {
    let mut wait = WAIT_FIRST;
    loop {
        let ended = round(&state, &link).await;
        let pause = match &ended {
            Ok(()) => {
                wait = WAIT_FIRST;
                Duration::from_secs(u64::try_from(link.every_seconds).unwrap_or(60))
            }
            Err(Trouble::Gone) => return,
            Err(trouble) => {
                let asked = match trouble {
                    Trouble::Server(Error::Busy { retry_after, .. }) => retry_after.unwrap_or_default(),
                    _ => Duration::ZERO,
                };
                let pause = wait.max(asked).min(WAIT_MAX);
                wait = (wait * 2).min(WAIT_MAX);
                pause
            }
        };
        if let Err(error) = write_down(&state, &link.id, ended).await {
            tracing::error!(%error, link = link.id, "a TAXII link's state is not written down");
        }
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn round(state: &AppState, link: &TaxiiLink) -> Result<(), Trouble> {
    let secret = link.sealed.as_ref().map(|sealed| state.vault.open(&administration::purpose(link), sealed));
    let client = Client::new(&settings(link, secret.transpose()?))?;
    if link.pulls {
        pull::run(state, link, &client).await?;
    }
    if link.pushes {
        push::run(state, link, &client).await?;
    }
    Ok(())
}

async fn write_down(state: &AppState, link: &str, ended: Result<(), Trouble>) -> Result<(), StoreError> {
    let trouble = ended.err().map(|trouble| {
        let text: String = trouble.to_string().chars().filter(|c| !c.is_control()).collect();
        text.chars().take(TROUBLE_CHARACTERS_MAX).collect::<String>()
    });
    if let Some(trouble) = &trouble {
        tracing::warn!(link, trouble, "a TAXII link has trouble");
    }
    let id = link.to_owned();
    let write = move |tx: &mut Tx<'_>| {
        let mut progress = taxii_links::progress(tx, &REALM, &id)?;
        match trouble {
            None => (progress.at, progress.failures) = (Some(tx.now()), 0),
            Some(_) => progress.failures = progress.failures.saturating_add(1),
        }
        progress.trouble = trouble;
        taxii_links::put_progress(tx, &REALM, &id, &progress).map(Act::bookkeeping)
    };
    state.store.write(write).await
}

fn settings(link: &TaxiiLink, secret: Option<String>) -> Settings {
    let credentials = match (&link.user, secret) {
        (Some(user), secret) => {
            Credentials::Basic { user: user.clone(), password: secret.unwrap_or_default() }
        }
        (None, Some(token)) => Credentials::Bearer(token),
        (None, None) => Credentials::None,
    };
    Settings {
        credentials,
        root_certificate: link.certificate.as_ref().map(|pem| pem.clone().into_bytes()),
        answer_bytes_max: ANSWER_BYTES_MAX,
        ..Settings::new(&link.discovery)
    }
}

/// The collection that is read or written to.
async fn place(link: &TaxiiLink, client: &Client, writes: bool) -> Result<Place, Error> {
    let Some(wanted) = &link.collection else {
        return if writes { client.first_writable().await } else { client.first_readable().await };
    };
    let discovery = client.discovery().await?;
    for root in client.api_roots(&discovery) {
        let found = client.collections(&root).await?.into_iter();
        let is_wanted = |id: &String, alias: &Option<String>| id == wanted || alias.as_ref() == Some(wanted);
        if let Some(found) = found.into_iter().find(|found| is_wanted(&found.id, &found.alias)) {
            return Ok(Place { root, collection: found.id });
        }
    }
    Err(Error::Answer(format!(
        "it has no collection `{wanted}` for these credentials; ask its operator for the id"
    )))
}

/// The link as who brings things in, or is given them; nothing where it is not there any more.
fn caller(
    reader: &Reader<'_>,
    link: &str,
    kind: impl FnOnce(String) -> PrincipalKind,
) -> Result<Option<Caller>, StoreError> {
    let Some(link) = taxii_links::get(reader, &REALM, link)?.filter(|link| !link.suspended) else {
        return Ok(None);
    };
    let organisation = organisations::get(reader, &REALM, &link.organisation)?;
    let known = organisation.filter(|known| known.role != OrganisationRole::Oversight);
    Ok(known.map(|known| Caller {
        actor: Actor::Program { id: link.id.clone(), organisation: link.organisation.clone() },
        purpose: Purpose::CollectiveDefence,
        session: None,
        shown: None,
        principal: Principal {
            kind: kind(link.id),
            organisation: link.organisation,
            organisation_role: known.role,
            roles: BTreeSet::new(),
            realm: REALM,
            purpose: Purpose::CollectiveDefence,
            personal: Personal::default(),
        },
    }))
}

/// Changes what is known of a link's progress, in a transaction with something else.
fn advance(tx: &mut Tx<'_>, link: &str, change: impl FnOnce(&mut Progress)) -> Result<(), StoreError> {
    let mut progress = taxii_links::progress(tx, &REALM, link)?;
    change(&mut progress);
    taxii_links::put_progress(tx, &REALM, link, &progress)
}
