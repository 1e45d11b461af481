//! What every handler can reach.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::StreamEvent;
use arc_swap::ArcSwap;
use axum::extract::FromRef;
use jiff::Timestamp;
use oversight::OrganisationId;
use oversight::authorisation::Frame;
use policy::Engine;
use store::Store;
use store::collections::Collection;
use store::saved_searches::Owner;
use tokio::sync::broadcast;
use url::Url;

use crate::api::anonymous::Reporters;
use crate::api::matrix::Counted;
use crate::casework::PutOff;
use crate::config::HubConfig;
use crate::duties::Duties;
use crate::edge_link::watch::Watched;
use crate::federation::Federation;
use crate::ingest::Ingest;
use crate::log::PublishedLog;
use crate::mqtt::Mqtt;
use crate::names::Names;
use crate::operations::Metrics;
use crate::policies::PolicyKeeper;
use crate::problem::Answer;
use crate::release::Door;
use crate::reports::Known;
use crate::retention::Retention;
use crate::room::RoomKeeper;
use crate::rounds::Rounds;
use crate::runs::Response;
use crate::shares::Shares;
use crate::sign_in::SignIn;
use crate::statistics::Publisher;
use crate::strangers::Strangers;
use crate::stream::Looks;
use crate::tls::Served;
use crate::transparency::Transparency;
use crate::vault::Vault;
use crate::wake::Wake;

/// What every handler can reach; cheap to clone.
///
/// To add something that lives as long as the hub (a cache, a challenge table), add a field to [`Inner`] and make it in
/// `Hub::start`.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Inner>);

/// The parts of [`AppState`].
pub(crate) struct Inner {
    /// The resolved configuration.
    pub(crate) config: HubConfig,
    /// The address others reach the hub by, without a path: sign-in links, passkeys and absolute links are made from it.
    pub(crate) address: Url,
    /// The collection that takes and gives every object.
    pub(crate) collection: Collection,
    /// All state.
    pub(crate) store: Store,
    /// The policies in force. Ask `door` for what may be read; ask this for what may be done.
    pub(crate) engine: Arc<ArcSwap<Engine>>,
    /// The one way out.
    pub(crate) door: Door,
    /// The one way in.
    pub(crate) ingest: Ingest,
    /// The transparency log's published files.
    pub(crate) log: PublishedLog,
    /// The published files of the log of authorisations.
    pub(crate) authorisations_log: PublishedLog,
    /// The published files of the log of statistics.
    pub(crate) statistics_log: PublishedLog,
    /// What publishes statistics.
    pub(crate) publisher: Publisher,
    /// What the public is told without signing in.
    pub(crate) transparency: Transparency,
    /// The frame that the configuration proposes to the commission.
    pub(crate) frame: Option<Frame>,
    /// What is kept for a time only, where that is configured.
    pub(crate) retention: Option<Retention>,
    /// The laws that ask for reports, and the fields that a report can hold.
    pub(crate) regimes: Known,
    /// What drives runs of playbooks.
    pub(crate) response: Response,
    /// Rounds of private matching that this process holds.
    pub(crate) rounds: Rounds,
    /// What is held of case rooms: what was read before, and who is in which.
    pub(crate) rooms: RoomKeeper,
    /// What this one of several hubs on one database does.
    pub(crate) duties: Duties,
    /// How it and the others wake each other.
    pub(crate) wake: Wake,
    /// How orders go by a broker.
    pub(crate) mqtt: Mqtt,
    /// Other hubs.
    pub(crate) federation: Federation,
    /// What it speaks TLS with, where it does.
    pub(crate) tls: Option<Arc<Served>>,
    /// What seals the credentials of others.
    pub(crate) vault: Vault,
    /// Counters.
    pub(crate) metrics: Metrics,
    /// Passwords, passkeys, and what slows down guessing.
    pub(crate) sign_in: SignIn,
    /// What this hub's open streams are told of that is not in the log: edges, notices, alerts.
    pub(crate) live: broadcast::Sender<Live>,
    /// The health in which each edge was last told of.
    pub(crate) watched: Watched,
    /// Cases that go to the log a little later.
    pub(crate) put_off: PutOff,
    /// How many reports each organisation made with its name withheld.
    pub(crate) reporters: Reporters,
    /// What became of submissions that asked for their maker's name to be withheld.
    pub(crate) withheld_statuses: crate::taxii::Statuses,
    /// The names of things, for whoever mistypes one.
    pub(crate) names: Names,
    /// Who uses each technique, for views that were asked for.
    pub(crate) counted: Counted,
    /// How many refusals of strangers are written down.
    pub(crate) strangers: Strangers,
    /// Looks at the log that open streams share.
    pub(crate) looks: Looks,
    /// Who holds how many of the open streams.
    pub(crate) streams: Shares,
    /// Where the policies in force come from.
    pub(crate) policies: PolicyKeeper,
    /// Cancelled when the hub stops: long answers (streams, long polls) end then.
    pub(crate) stopping: Stopping,
    /// Holds the data folder where the store does not.
    pub(crate) _folder_lock: Option<std::fs::File>,
}

/// Something that is told to open streams and is not in the log.
#[derive(Debug, Clone)]
pub(crate) enum Live {
    /// To those who may see the edge.
    Edge(StreamEvent),
    /// To the owner of a saved search.
    Alert(Owner, StreamEvent),
    /// To these organisations.
    Notice(Arc<BTreeSet<OrganisationId>>, StreamEvent),
}

/// Tells long answers that the hub stops.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(tokio::sync::watch::Receiver<bool>);

impl Stopping {
    /// A pair: set the sender to `true` to stop.
    pub(crate) fn new() -> (tokio::sync::watch::Sender<bool>, Self) {
        let (sender, receiver) = tokio::sync::watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether the hub is stopping.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the hub stops.
    pub(crate) async fn wait(&self) {
        let mut receiver = self.0.clone();
        // An error means that the hub is gone altogether.
        let _ = receiver.wait_for(|stopping| *stopping).await;
    }
}

impl AppState {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// When the certificate that the hub serves with ends, where it speaks TLS.
    pub(crate) fn certificate_ends(&self) -> Option<Timestamp> {
        self.tls.as_ref().and_then(|served| served.ends())
    }

    /// The logs that this node publishes.
    pub(crate) fn logs(&self) -> [&PublishedLog; 3] {
        [&self.log, &self.authorisations_log, &self.statistics_log]
    }

    /// Neither the log of acts nor that of authorisations may have gone unwitnessed for too long: state-tasked monitoring and what comes of it rest until then.
    ///
    /// # Errors
    /// 503.
    pub(crate) fn demand_witnesses(&self) -> Answer<()> {
        let mut both = [&self.log, &self.authorisations_log].into_iter().filter_map(|log| log.cosigned());
        both.try_for_each(|witnesses| witnesses.demand())
    }
}

impl std::ops::Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl FromRef<AppState> for Store {
    fn from_ref(state: &AppState) -> Self {
        state.store.clone()
    }
}
