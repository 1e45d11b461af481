//! The link to the hub: outwards only. Three loops: intelligence in, sightings out, and a word on how we are.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::client::{Client, Error};
use api::{EdgeHello, SightingOutcome};
use futures::future::BoxFuture;
use oversight::{Minimised, Opinion};
use stix::Id;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::ledger::{LedgerKind, LedgerRow};
use crate::tuning::State;
use crate::{Shared, SpoolError};

/// What the hub has told so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    /// Whether it was all there is.
    pub(crate) is_all: bool,
}

/// How long one request for intelligence waits for news.
const INTELLIGENCE_WAIT_SECONDS: u64 = 25;
/// How often the edge says how it is.
const HELLO_INTERVAL: Duration = Duration::from_secs(5);
/// Sightings in one request.
const SIGHTINGS_BATCH: usize = 500;
/// Opinions in one request.
const OPINIONS_BATCH: usize = 100;
/// Quarantined indicators that the hub is told of.
const QUARANTINED_TOLD_MAX: usize = 100;
/// The longest pause between two tries while the hub is away.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Fetches what changed among the indicators, keeps it, and has the set rebuilt. Never ends until stopped.
pub(crate) async fn intelligence(
    shared: Arc<Shared>,
    client: Client,
    changed: watch::Sender<Told>,
    mut sequence: i64,
) {
    let mut backoff = Backoff::default();
    let mut has_all = sequence > 0;
    while !shared.is_stopping() {
        // The logs wait for the first answer, so it is not held back.
        let wait = if has_all { INTELLIGENCE_WAIT_SECONDS } else { 0 };
        match client.intelligence(sequence, wait).await {
            Ok(news) => {
                backoff.reset();
                shared.status.connected.store(true, Ordering::Relaxed);
                let is_news = !news.changes.is_empty() || news.reset || news.sequence != sequence;
                let is_all = !news.more;
                if is_news {
                    let next = news.sequence;
                    match keep(&shared, news).await {
                        Ok(()) => sequence = next,
                        Err(error) => {
                            tracing::warn!(%error, "indicators could not be kept");
                            backoff.wait().await;
                            continue;
                        }
                    }
                    changed.send_modify(|told| told.is_all = is_all);
                }
                has_all = is_all;
            }
            Err(error) => {
                shared.status.connected.store(false, Ordering::Relaxed);
                tracing::info!(%error, "no intelligence from the hub; the kept indicators stay in use");
                backoff.wait().await;
            }
        }
    }
}

async fn keep(shared: &Arc<Shared>, news: api::Intelligence) -> Result<(), SpoolError> {
    let shared = Arc::clone(shared);
    let kept = tokio::task::spawn_blocking(move || {
        let put = news.changes.iter().filter(|c| matches!(c, api::IntelligenceChange::Put { .. })).count();
        let dropped = news.changes.len() - put;
        let detail = format!("+{put} −{dropped}{}", if news.reset { ", reset" } else { "" });
        let asked = LedgerRow {
            at: jiff::Timestamp::now(),
            kind: LedgerKind::Asked,
            indicator: String::new(),
            name: format!("#{}", news.sequence),
            detail,
        };
        let _whole = shared.indicators.changing();
        shared.spool.change_intelligence(&news, &[asked])?;
        shared.indicators.change(&news);
        Ok(())
    });
    kept.await.unwrap_or_else(|e| Err(SpoolError::Unusable(e.to_string())))
}

/// Sends the sightings that wait.
pub(crate) async fn sightings(shared: Arc<Shared>, client: Client) {
    let queue = Queue {
        name: "sightings",
        waiting: |shared| shared.spool.waiting(SIGHTINGS_BATCH),
        send: |client, waiting| {
            Box::pin(async move {
                let sent: Vec<_> = waiting.iter().map(|(id, minimised)| (*id, minimised)).collect();
                client.send_sightings(&sent).await.map(|accepted| accepted.outcomes)
            })
        },
        acknowledge,
    };
    queue.send_all(&shared, &client, &shared.spooled).await;
}

/// Sends the opinions that wait.
pub(crate) async fn opinions(shared: Arc<Shared>, client: Client) {
    let queue = Queue {
        name: "opinions",
        waiting: |shared| shared.spool.waiting_opinions(OPINIONS_BATCH),
        send: |client, waiting| {
            Box::pin(async move {
                let sent: Vec<_> = waiting.iter().map(|(_, id, opinion)| (*id, opinion)).collect();
                client.send_opinions(&sent).await.map(|accepted| accepted.outcomes)
            })
        },
        acknowledge: acknowledge_opinions,
    };
    queue.send_all(&shared, &client, &shared.opined).await;
}

/// What waits in the spool for the hub, and how it is sent.
struct Queue<T> {
    name: &'static str,
    waiting: fn(&Shared) -> Result<Vec<T>, SpoolError>,
    send: for<'a> fn(&'a Client, &'a [T]) -> Sending<'a>,
    acknowledge: fn(&Shared, &[T], Outcomes) -> Result<(), SpoolError>,
}

/// What the hub says of each that was sent, in their order.
type Outcomes = Vec<SightingOutcome>;
type Sending<'a> = BoxFuture<'a, Result<Outcomes, Error>>;

impl<T: Send + Sync + 'static> Queue<T> {
    /// Sends what waits, oldest first, and lets go of it only when the hub has answered for it. Never ends until stopped.
    async fn send_all(&self, shared: &Arc<Shared>, client: &Client, more: &Notify) {
        let Self { name, waiting, send, acknowledge } = *self;
        let mut backoff = Backoff::default();
        while !shared.is_stopping() {
            let waiting = match shared.blocking(waiting).await {
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::warn!(%error, "the spool cannot be read");
                    backoff.wait().await;
                    continue;
                }
            };
            if waiting.is_empty() {
                more.notified().await;
                continue;
            }
            match send(client, &waiting).await {
                Ok(outcomes) if outcomes.len() == waiting.len() => {
                    backoff.reset();
                    let answered =
                        shared.blocking(move |shared| acknowledge(shared, &waiting, outcomes)).await;
                    if let Err(error) = answered {
                        tracing::warn!(%error, "an acknowledgement could not be kept; the {name} will be sent again");
                        backoff.wait().await;
                    }
                }
                Ok(_) => {
                    tracing::warn!(
                        "the hub answered for another number of {name} than were sent; trying again"
                    );
                    backoff.wait().await;
                }
                Err(error) => {
                    tracing::info!(%error, "{name} wait for the hub");
                    backoff.wait().await;
                }
            }
        }
    }
}

fn acknowledge_opinions(
    shared: &Shared,
    sent: &[(i64, Uuid, Opinion)],
    outcomes: Vec<SightingOutcome>,
) -> Result<(), SpoolError> {
    let now = jiff::Timestamp::now();
    let mut answered = Vec::with_capacity(sent.len());
    let mut ledger = Vec::with_capacity(sent.len());
    for ((number, _, opinion), outcome) in sent.iter().zip(outcomes) {
        let said = opinion.said();
        let row = |kind, detail| LedgerRow {
            at: now,
            kind,
            indicator: said.indicator.to_string(),
            name: shared.indicators.name_of(&said.indicator),
            detail,
        };
        let word = if said.withdrawn { "withdrawn" } else { said.judgement.name() };
        let explanation = said.explanation.as_deref().map_or_else(String::new, |text| format!(", {text}"));
        match outcome {
            SightingOutcome::Accepted => {
                answered.push((*number, "sent"));
                ledger.push(row(LedgerKind::Sent, format!("opinion: {word}{explanation}")));
            }
            SightingOutcome::Duplicate => answered.push((*number, "duplicate")),
            SightingOutcome::Refused { code, message } => {
                answered.push((*number, "refused"));
                ledger.push(row(LedgerKind::Refused, format!("opinion: {code}: {message}")));
            }
        }
    }
    shared.spool.acknowledge_opinions(&answered, &ledger)
}

fn acknowledge(
    shared: &Shared,
    sent: &[(Uuid, Minimised)],
    outcomes: Vec<SightingOutcome>,
) -> Result<(), SpoolError> {
    let now = jiff::Timestamp::now();
    let mut answered = Vec::with_capacity(sent.len());
    let mut ledger = Vec::with_capacity(sent.len());
    for ((id, minimised), outcome) in sent.iter().zip(outcomes) {
        let sighting = minimised.sighting();
        let row = |kind, detail| LedgerRow {
            at: now,
            kind,
            indicator: sighting.indicator.to_string(),
            name: shared.indicators.name_of(&sighting.indicator),
            detail,
        };
        match outcome {
            SightingOutcome::Accepted => {
                answered.push((*id, "sent"));
                ledger.push(row(LedgerKind::Sent, contents(&sighting.information)));
            }
            SightingOutcome::Duplicate => answered.push((*id, "duplicate")),
            SightingOutcome::Refused { code, message } => {
                answered.push((*id, "refused"));
                ledger.push(row(LedgerKind::Refused, format!("{code}: {message}")));
            }
        }
    }
    shared.spool.acknowledge(&answered, &ledger)
}

/// What a sighting held, in full: the operator may know what left its own network.
fn contents(information: &oversight::MechanicalInformation) -> String {
    let mut parts: Vec<String> = information.addresses.iter().map(ToString::to_string).collect();
    parts.extend(information.domains.iter().cloned());
    parts.extend(information.hashes.iter().map(|(algorithm, value)| format!("{algorithm}:{value}")));
    parts.extend(information.ports.iter().map(|port| format!("port {port}")));
    parts.extend(information.protocol.clone());
    parts.extend(information.bytes.map(|bytes| format!("{bytes} bytes")));
    parts.join(", ")
}

/// Tells the hub how we are, every few seconds.
pub(crate) async fn hello(shared: Arc<Shared>, client: Client) {
    while !shared.is_stopping() {
        match shared.blocking(word).await {
            Ok(word) => {
                let heard = client.hello(&word).await;
                if let Err(error) = &heard {
                    tracing::debug!(%error, "the hub did not hear us");
                }
                shared.status.connected.store(heard.is_ok(), Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(%error, "the spool cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(HELLO_INTERVAL) => {}
            () = shared.stopped.notified() => {}
        }
    }
}

fn word(shared: &Shared) -> Result<EdgeHello, SpoolError> {
    let counts = shared.spool.counts()?;
    let status = &shared.status;
    let verdicts = shared.tuning.verdicts();
    let quarantined: Vec<Id> = verdicts
        .into_iter()
        .filter(|(_, verdict)| verdict.state == State::Quarantined)
        .map(|(id, _)| id)
        .collect();
    Ok(EdgeHello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        generation: status.generation.load(Ordering::Relaxed),
        indicators: status.indicators.load(Ordering::Relaxed),
        refused: status.refused.load(Ordering::Relaxed),
        sources: status.sources(),
        records: status.records.load(Ordering::Relaxed),
        matches: status.matches.load(Ordering::Relaxed),
        sent: counts.sent,
        waiting: shared.spool.waiting_count()?,
        withheld: counts.withheld,
        trouble: status.trouble().map(str::to_owned),
        quarantined: quarantined.len() as u64,
        quarantined_indicators: may_be_told(shared, &quarantined)?,
    })
}

/// Those of the indicators whose sightings the operator would let out, had they not been held back: no more than a sighting
/// would tell.
fn may_be_told(shared: &Shared, quarantined: &[Id]) -> Result<Vec<String>, SpoolError> {
    if quarantined.is_empty() {
        return Ok(Vec::new());
    }
    let (held, config) = (shared.spool.held()?, &shared.config);
    let is_told = |id: &&Id| {
        held.contains_key(id.as_str())
            && config.consent.lets_out(config.purpose, shared.indicators.marking_of(id))
    };
    Ok(quarantined.iter().filter(is_told).take(QUARANTINED_TOLD_MAX).map(ToString::to_string).collect())
}

/// Growing pauses between tries, so that a hub that comes back is not met by a rush.
#[derive(Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(crate) async fn wait(&mut self) {
        let pause = Duration::from_millis(250).saturating_mul(1 << self.failures.min(7));
        self.failures += 1;
        tokio::time::sleep(pause.min(BACKOFF_MAX)).await;
    }
}
