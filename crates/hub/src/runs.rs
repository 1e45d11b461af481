//! Runs of playbooks: driven by their events, under human authority.
//!
//! What a run wants, `cacao` says; whether something may be ordered, `policy::permit` decides. Here each event is written down in the
//! transaction of what it announces: the order to an edge, the task of a person, the call that is ready for an agent. So no crash can lie
//! between the two, and nothing is carried out twice or lost. Only what leaves by HTTP can be unknown afterwards (see `agents`).

pub(crate) mod abroad;
pub(crate) mod agents;
pub(crate) mod alone;
pub(crate) mod clock;
pub(crate) mod drive;
pub(crate) mod foreign;
mod gates;
mod orders;
pub(crate) mod reported;
pub(crate) mod shelf;
pub(crate) mod told;

use std::sync::Arc;

use arc_swap::ArcSwap;
use cacao::run::{Limits, Run};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use oversight::OrganisationId;
use policy::Engine;
use sha2::Sha256;
use store::runs::{self as rows, Logged};
use store::{Reader, StoreError};
use tokio::sync::watch;
use uuid::Uuid;

use crate::config::ResponseConfig;
use crate::federation::Federation;
use crate::principal::Caller;
use crate::{HubError, REALM};

pub(crate) use orders::TAKEN_WITHIN;
use shelf::Shelf;

/// What runs are named after, with their organisation.
const NAMESPACE: Uuid = Uuid::from_u128(0x3b0d_8c5e_57d1_5c0e_9a6f_52f1_7a4b_c0d2);
/// What the key of orders is made from, beside the node's own.
const KEY_DOMAIN: &[u8] = b"yagura key of orders v1";

/// What drives runs.
pub(crate) struct Response {
    pub(crate) config: ResponseConfig,
    engine: Arc<ArcSwap<Engine>>,
    key: SigningKey,
    issuer: String,
    pub(crate) shelf: Shelf,
    /// Counts up when something was ordered: wakes edges that wait.
    ordered: watch::Sender<u64>,
    /// This hub, as it asks others; none in what has no peers.
    own: Option<OwnHub>,
    /// Events of one transaction. A test that stops between any two makes it one.
    pub(crate) events_max: usize,
}

impl Response {
    /// `seed` is what the node's keys are made of; `issuer` the name that it signs orders by.
    ///
    /// # Errors
    /// `key`, or the playbooks that came with the program cannot be read.
    pub(crate) fn new(
        config: ResponseConfig,
        engine: Arc<ArcSwap<Engine>>,
        (issuer, seed): (&str, &[u8; 32]),
    ) -> Result<Self, HubError> {
        let failed = || HubError::new("key", "the key of orders cannot be made");
        let mut mac = Hmac::<Sha256>::new_from_slice(seed).map_err(|_| failed())?;
        mac.update(KEY_DOMAIN);
        let own: [u8; 32] = mac.finalize().into_bytes().into();
        Ok(Self {
            config,
            engine,
            key: SigningKey::from_bytes(&own),
            issuer: issuer.to_owned(),
            shelf: Shelf::new().map_err(|why| HubError::new("playbook", why))?,
            ordered: watch::Sender::new(0),
            own: None,
            events_max: drive::EVENTS_MAX,
        })
    }

    /// The same, of a hub that has peers.
    pub(crate) fn with_peers(self, federation: &Federation) -> Self {
        let card = &federation.own;
        let own = OwnHub {
            id: card.hub.clone(),
            name: both(&card.name_ja, &card.name_en),
            key: Arc::clone(&federation.key),
            changed: federation.changed.clone(),
        };
        Self { own: Some(own), ..self }
    }

    /// What an edge's operator configures so that this hub's orders count.
    pub(crate) fn order_key(&self) -> api::OrderKey {
        let key = hex::encode(self.key.verifying_key().to_bytes());
        api::OrderKey { issuer: self.issuer.clone(), key }
    }

    /// Wakes the edges that wait for orders at this process, and the links by which other hubs are asked or told.
    pub(crate) fn wake(&self) {
        self.ordered.send_modify(|count| *count = count.wrapping_add(1));
        if let Some(own) = &self.own {
            own.changed.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    pub(crate) fn ordered(&self) -> watch::Receiver<u64> {
        self.ordered.subscribe()
    }
}

/// This hub, as it asks others for orders.
struct OwnHub {
    /// Its id.
    id: String,
    /// Its name, in both languages.
    name: String,
    /// The key of its log: what requests are signed with.
    key: Arc<tlog::SigningKey>,
    /// Counts up when links are to look.
    changed: watch::Sender<u64>,
}

/// A name in both languages.
fn both(ja: &str, en: &str) -> String {
    if ja == en { ja.to_owned() } else { format!("{ja} / {en}") }
}

/// The bounds of every run here. CACAO has none; a hostile playbook ends at these.
pub(crate) fn limits() -> Limits {
    Limits { steps_max: 2_000, loop_turns_max: 200, playbook_depth_max: 4, ..Limits::default() }
}

/// The identifier of the run that an organisation's people call `id`. It depends on the organisation, so that nobody learns from a name that is
/// taken that another one has a run.
pub(crate) fn run_id(organisation: &OrganisationId, id: Uuid) -> String {
    Uuid::new_v5(&NAMESPACE, format!("{organisation}/{id}").as_bytes()).to_string()
}

/// Under whom a run stands that a program began: no account bears such a name.
pub(crate) fn account(caller: &Caller) -> String {
    match caller.session {
        Some(_) => caller.id().to_owned(),
        None => format!("program/{}", caller.id()),
    }
}

/// Whether a run was begun by a program.
pub(crate) fn is_program(person: &str) -> bool {
    person.starts_with("program/")
}

/// A run as its events left it.
///
/// # Errors
/// [`StoreError::Corrupt`] where its events are none of a run, or its playbook is not here any more.
pub(crate) fn load(
    reader: &Reader<'_>,
    response: &Response,
    head: &rows::Run,
) -> Result<(Run, Vec<Logged>), StoreError> {
    let logged = rows::events(reader, &REALM, &head.begun.id)?;
    let corrupt = |why: &dyn std::fmt::Display| StoreError::Corrupt(format!("run {}: {why}", head.begun.id));
    let events = logged.iter().map(|logged| serde_json::from_str(&logged.event));
    let events = events.collect::<Result<Vec<_>, _>>().map_err(|error| corrupt(&error))?;
    let shelf = response.shelf.of_run(reader, &head.begun)?;
    let run = Run::replay(&shelf, &events).map_err(|error| corrupt(&error))?;
    Ok((run.go_on(), logged))
}

#[cfg(test)]
mod kill_tests;
