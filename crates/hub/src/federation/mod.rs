//! Hub and hub: what other hubs are given, and what they bring.
//!
//! Each hub has a certificate of its own ([`identity`]) and hands out a signed card ([`card`]); hubs that have each other's card
//! are peers and speak mutual TLS, pinned to the certificate on the card.
//!
//! 1. The receiving hub opens the stream of the sending one and asks on from where it stopped ([`pull`]); the sending hub serves
//!    it ([`serve`]). A hub that cannot be reached, or that must take nothing in, sends on its own account instead ([`push`]).
//! 2. What a peer is given is read from the log by a [`feed`], at the pace at which the peer takes it, decided anew for each batch,
//!    and released through the hub's one door.
//! 3. What a peer brings is taken in by [`receive`]: objects, envelopes, and how far the peer's log is read are one transaction.
//! 4. What is decided about objects that were given (recalls, other markings) goes on to whom they were given, and how far that has
//!    come goes back: [`acts`]. Orders that one hub asks for at edges of the other go the same way: [`letters`].
//! 5. Where a data diode stands between two hubs, numbered files are carried over it: [`one_way`].
//! 6. The content of attachments that copies of reports list is asked for by itself, or sent after the copy: [`contents`].
//! 7. The content of evidence that was handed over to an organisation of the peer's hub is given to it as a stream: [`evidence`].
//! 8. [`links`] keeps what should run running; [`administration`] adds and changes peers.

pub(crate) mod acts;
pub(crate) mod administration;
mod card;
pub(crate) mod contents;
pub(crate) mod evidence;
mod feed;
mod frame;
mod identity;
pub(crate) mod letters;
mod links;
mod live;
pub(crate) mod one_way;
mod pull;
mod push;
mod receive;
mod serve;

use std::collections::{BTreeSet, HashMap};
use std::net::TcpListener;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use oversight::{Actor, OrganisationRole, Purpose};
use policy::{Personal, Principal, PrincipalKind};
use store::peers::{self, Peer, State, Way};
use store::{Act, Reader, Store, StoreError, Tx, organisations, settings};
use tlog::SigningKey;
use tokio::sync::watch;

pub(crate) use card::Card;
pub(crate) use identity::Identity;
pub(crate) use live::{Folder, Lives};
pub(crate) use serve::routes;

use crate::config::HubConfig;
use crate::evidence::fetched::Arriving;
use crate::principal::Caller;
use crate::state::AppState;
use crate::{HubError, REALM};

/// The setting that holds the fingerprint of the certificate that peers are shown, where several hubs share a store.
const CERTIFICATE_SETTING: &str = "federation.certificate";

/// What of federation lives as long as the hub.
pub(crate) struct Federation {
    /// This hub, as others know it.
    pub(crate) own: Card,
    /// The key of its log: what its batches are signed with.
    pub(crate) key: Arc<SigningKey>,
    /// Its certificate and key.
    pub(crate) identity: Arc<Identity>,
    /// Which certificates are whose.
    pub(crate) pins: Pins,
    /// How the links are.
    pub(crate) lives: Lives,
    /// Counts up when peers change, so that open streams and links look again.
    pub(crate) changed: watch::Sender<u64>,
    /// What evidence is fetched from other hubs just now.
    pub(crate) arriving: Arriving,
}

/// The peers' certificates: SHA-256 in hexadecimal → short name.
pub(crate) type Pins = Arc<ArcSwap<HashMap<String, String>>>;

impl Federation {
    pub(crate) fn new(own: Card, key: Arc<SigningKey>, identity: Arc<Identity>) -> Self {
        let (pins, lives, arriving) = (Pins::default(), Lives::default(), Arriving::default());
        Self { own, key, identity, pins, lives, changed: watch::Sender::new(0), arriving }
    }

    /// Says that peers have changed.
    pub(crate) fn announce(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Lets in the certificates of the peers that are in the store, and no others.
    pub(crate) async fn refresh_pins(&self, store: &Store) -> Result<Vec<Peer>, StoreError> {
        let known = store.read(|reader| peers::list(reader, &REALM)).await?;
        let linked = known.iter().filter(|peer| peer.way == Way::Link);
        let pins: HashMap<String, String> =
            linked.map(|peer| (peer.fingerprint.clone(), peer.id.clone())).collect();
        if **self.pins.load() != pins {
            self.pins.store(Arc::new(pins));
            self.announce();
        }
        Ok(known)
    }
}

/// All that can fail before something runs: the certificate, the listener, the card.
pub(crate) async fn prepare(
    config: &HubConfig,
    store: &Store,
    key: &Arc<SigningKey>,
) -> Result<(Federation, Option<TcpListener>), HubError> {
    let identity = Arc::new(own_identity(config, store).await?);
    let (listener, address) = match config.federation.listen {
        None => (None, None),
        Some(listen) => {
            let failed = |e: std::io::Error| {
                HubError::new("listen", format!("cannot listen for peers on {listen}: {e}"))
            };
            let listener = TcpListener::bind(listen).map_err(failed)?;
            let listen = listener.local_addr().map_err(failed)?;
            let address = match &config.federation.address {
                Some(address) => address.clone(),
                None => url::Url::parse(&format!("https://{listen}"))
                    .map_err(|e| HubError::new("listen", e.to_string()))?,
            };
            (Some(listener), Some(address))
        }
    };
    let own = administration::own_card(config, store, key, &identity, address).await?;
    let federation = Federation::new(own, Arc::clone(key), identity);
    federation.refresh_pins(store).await?;
    Ok((federation, listener))
}

/// The certificate that peers are shown. They have pinned it, so all hubs on one database show the same.
async fn own_identity(config: &HubConfig, store: &Store) -> Result<Identity, HubError> {
    if config.store.is_none() {
        return Identity::load(&config.data);
    }
    let known = store.read(|reader| settings::get(reader, &REALM, CERTIFICATE_SETTING)).await?;
    if known.is_some() && !Identity::is_in(&config.data) {
        let message = format!(
            "`{}` lacks `peer.crt` and `peer.key`: copy both from another hub on this database; peers know the node by them",
            config.data.display()
        );
        return Err(HubError::new("key", message));
    }
    let identity = Identity::load(&config.data)?;
    let own = identity.fingerprint();
    if known.as_deref() != Some(own.as_bytes()) {
        if known.is_some() {
            tracing::warn!(
                certificate = own,
                "the certificate for peers is not the one that this node had: copy `peer.crt` and `peer.key` to every hub on this \
                 database, and give every peer the new card"
            );
        }
        let put = move |tx: &mut Tx<'_>| {
            settings::put(tx, &REALM, CERTIFICATE_SETTING, own.as_bytes()).map(Act::bookkeeping)
        };
        store.write(put).await?;
    }
    Ok(identity)
}

/// Whether an address is one that peers can be told.
pub(crate) fn is_peer_address(address: &url::Url) -> bool {
    card::check_address(address).is_ok()
}

/// Keeps the links running until the hub stops: those with other hubs, and those with TAXII servers.
pub(crate) async fn run(state: AppState) {
    tokio::join!(links::run(state.clone()), crate::foreign::run(state));
}

/// What the peers' listener serves.
pub(crate) fn server_config(federation: &Federation) -> Result<Arc<rustls::ServerConfig>, HubError> {
    identity::server_config(&federation.identity, Arc::clone(&federation.pins), federation.lives.clone())
}

/// What is beside the routes: what is no address is not found, as everywhere.
pub(crate) fn router() -> Router<AppState> {
    routes().fallback(|| async { crate::problem::Failure::not_found() })
}

/// A peer as a principal; `None` where it is not there or suspended.
pub(crate) fn caller(reader: &Reader<'_>, id: &str) -> Result<Option<(Peer, Caller)>, StoreError> {
    let Some(peer) = peers::get(reader, &REALM, id)?.filter(|peer| peer.state == State::Active) else {
        return Ok(None);
    };
    let organisation = organisations::get(reader, &REALM, &peer.organisation)?;
    Ok(organisation.map(|organisation| {
        let caller = as_caller(&peer, organisation.role);
        (peer, caller)
    }))
}

fn as_caller(peer: &Peer, role: OrganisationRole) -> Caller {
    let principal = Principal {
        kind: PrincipalKind::Peer(peer.id.clone()),
        organisation: peer.organisation.clone(),
        organisation_role: role,
        roles: BTreeSet::new(),
        realm: REALM,
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    };
    let actor = Actor::Program { id: peer.id.clone(), organisation: peer.organisation.clone() };
    Caller { principal, actor, purpose: Purpose::CollectiveDefence, session: None, shown: None }
}
