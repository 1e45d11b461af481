//! Keeps running what should run: one link for each peer that this hub reads from, or sends to of its own accord.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use store::peers::{self, Peer, State};
use store::{Act, StoreError};
use tokio::task::JoinHandle;
use url::Url;

use super::administration::turned_away;
use super::card::Card;
use super::receive::{self, Trouble};
use super::{one_way, pull, push};
use crate::REALM;
use crate::state::AppState;
use crate::strangers::Tried;

/// How often peers are looked at: the command line changes them beside the running hub.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What the duties of links begin with.
const DUTY: &str = "peer/";
/// How long is waited after the first failure, and at most.
const WAIT_FIRST: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(15);

/// Which way a link carries objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    /// This hub reads the peer's stream.
    In,
    /// This hub sends, for nobody can read its stream.
    Out,
}

/// What is done for a peer.
#[derive(Debug, Clone)]
enum Errand {
    /// A connection is opened to it.
    Linked(Remote),
    /// Batches are written into a folder, or taken out of one.
    Carried(Peer),
}

/// A peer as a link needs it.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub(super) peer: Peer,
    pub(super) address: Url,
}

impl Remote {
    /// A peer with its card, where it is known how to reach it.
    pub(super) fn of(peer: &Peer, card: &Card) -> Option<Self> {
        let own = peer.address.as_deref().and_then(|text| Url::parse(text).ok());
        let address = own.or_else(|| card.address.clone())?;
        Some(Self { peer: peer.clone(), address })
    }
}

pub(super) async fn run(state: AppState) {
    let mut links = Links::new();
    let mut changed = state.federation.changed.subscribe();
    loop {
        changed.mark_unchanged();
        if let Err(error) = look_after(&state, &mut links).await {
            tracing::error!(%error, "peers cannot be looked after");
        }
        audit_strangers(&state).await;
        tokio::select! {
            () = state.stopping.wait() => break,
            _ = changed.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    for (_, link) in links.into_values() {
        link.abort();
        // It was told to stop, or is made to.
        let _ = link.await;
    }
    state.duties.end(&state.store).await;
}

impl Errand {
    fn peer(&self) -> &Peer {
        match self {
            Self::Linked(remote) => &remote.peer,
            Self::Carried(peer) => peer,
        }
    }
}

/// The links that stand, each with when its peer last changed.
type Links = HashMap<(String, Way), (Timestamp, JoinHandle<()>)>;

/// Looks at the peers, and at which of them are this hub's to link with.
async fn look_after(state: &AppState, links: &mut Links) -> Result<(), StoreError> {
    let peers = state.federation.refresh_pins(&state.store).await?;
    let mut wanted: HashMap<(String, Way), Errand> = HashMap::new();
    for peer in peers.iter().filter(|peer| peer.state == State::Active) {
        for (way, errand) in ways(state, peer) {
            wanted.insert((peer.id.clone(), way), errand);
        }
    }
    // Several hubs on one database are one node, of which a peer's log is read once.
    let named: BTreeSet<String> = wanted.keys().map(duty).collect();
    let own = state.duties.take(&state.store, DUTY, named).await?;
    let is_elsewhere = |key: &(String, Way)| !own.contains(&duty(key));
    for key in wanted.keys() {
        state.federation.lives.with(&key.0, |live| {
            live.is_elsewhere = is_elsewhere(key);
            // How it is, that hub knows.
            live.trouble = live.trouble.take().filter(|_| !live.is_elsewhere);
        });
    }
    wanted.retain(|key, _| !is_elsewhere(key));
    tend(state, &peers, wanted, links);
    Ok(())
}

fn duty((peer, way): &(String, Way)) -> String {
    match way {
        Way::In => format!("{peer}/in"),
        Way::Out => format!("{peer}/out"),
    }
}

/// Starts the links that are missing, and ends those that should not be or have changed.
fn tend(state: &AppState, peers: &[Peer], wanted: HashMap<(String, Way), Errand>, links: &mut Links) {
    links.retain(|key, (changed, link)| {
        let stays = wanted.get(key).is_some_and(|errand| errand.peer().changed == *changed);
        if !stays {
            link.abort();
        }
        stays
    });
    for (key, errand) in wanted {
        let way = key.1;
        links.entry(key).or_insert_with(|| {
            let changed = errand.peer().changed;
            (changed, tokio::spawn(keep(state.clone(), errand, way)))
        });
    }
    state.federation.lives.keep(|id| peers.iter().any(|peer| peer.id == id));
}

/// What this hub does of its own accord: read where both may read, send where the peer cannot read here.
fn ways(state: &AppState, peer: &Peer) -> Vec<(Way, Errand)> {
    let own = &state.federation.own;
    match peer.way {
        peers::Way::Link => {}
        peers::Way::Outlet => return vec![(Way::Out, Errand::Carried(peer.clone()))],
        peers::Way::Inlet if own.one_way => {
            let why = "this hub takes nothing in (`direction = \"up\"`), so this peer's batches stay where they are";
            state
                .federation
                .lives
                .with(&peer.id, |live| live.trouble = Some((why.to_owned(), Timestamp::now())));
            return Vec::new();
        }
        peers::Way::Inlet => return vec![(Way::In, Errand::Carried(peer.clone()))],
    }
    let card = match Card::open(&peer.card) {
        Ok(card) => card,
        Err(error) => {
            state.federation.lives.trouble(&peer.id, error.to_string());
            return Vec::new();
        }
    };
    let Some(remote) = Remote::of(peer, &card) else { return Vec::new() };
    let mut ways = Vec::new();
    if !own.one_way && !card.one_way {
        ways.push((Way::In, Errand::Linked(remote.clone())));
    }
    if own.address.is_none() && !card.one_way {
        ways.push((Way::Out, Errand::Linked(remote)));
    }
    ways
}

/// Runs one link, again and again.
async fn keep(state: AppState, errand: Errand, way: Way) {
    let id = errand.peer().id.clone();
    let mut wait = WAIT_FIRST;
    loop {
        let begun = tokio::time::Instant::now();
        let ended = match (&errand, way) {
            (Errand::Linked(remote), Way::In) => pull::run(&state, remote).await,
            (Errand::Linked(remote), Way::Out) => push::run(&state, remote).await,
            (Errand::Carried(peer), Way::In) => one_way::inlet::run(&state, peer).await,
            (Errand::Carried(peer), Way::Out) => one_way::outlet::run(&state, peer).await,
        };
        let Err(trouble) = ended else { return };
        state.federation.lives.trouble(&id, trouble.to_string());
        if let Trouble::Fault(why) = &trouble {
            receive::blame(&state, &id, why).await;
        }
        if begun.elapsed() > WAIT_MAX {
            wait = WAIT_FIRST;
        }
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(WAIT_MAX);
    }
}

/// Writes down who was turned away, as long as they are few.
async fn audit_strangers(state: &AppState) {
    for stranger in state.federation.lives.take_unaudited() {
        tracing::warn!(
            certificate = stranger.fingerprint,
            "a node that is no peer was turned away; where it should be one, add its card"
        );
        // The handshake tells no address: all of them count as one.
        let tried = Tried::From(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        if !state.strangers.admit(&tried, Instant::now()) {
            continue;
        }
        let event = turned_away(&stranger.fingerprint);
        if let Err(error) = state.store.write(move |_| Ok(Act::audited((), &REALM, event))).await {
            tracing::error!(%error, "a refusal could not be written to the audit log");
        }
    }
}
