//! Rounds of private matching, on the operator's side: taken part in where the operator allows it and the commission granted it.
//!
//! 1. The hub says that a round waits. Grant, log, witnesses and time are checked as for anything that the state asks.
//! 2. The use and the ledger's entry are on disk.
//! 3. The set is made, a key is drawn, and the opening is signed for, on disk.
//! 4. The round is opened, the set sent, and only then is anything asked and answered; between two batches it is looked whether the
//!    grant still stands.
//! 5. However it ends, the key is destroyed, and what was asked is signed, on disk, and then sent until the hub has it.
//!
//! A crash loses the key, and with it the round; what was counted stays counted.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::EdgeRound;
use api::client::{Client, Error};
use jiff::Timestamp;
use oprf::{
    Answering, Day, FilterMessage, Ledger, Mode, Operator, Query, RECEIPT_KIND, RoundId, RoundOpen, Seed,
    Threads,
};
use oversight::authorisation::{Package, Receipt, Terms};
use uuid::Uuid;

use super::{Authority, row, set};
use crate::ledger::{LedgerKind, LedgerRow};
use crate::{Shared, SpoolError};

/// How often the hub is asked.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long the same message is sent again while the hub is away, and how often.
const AGAIN_FOR: Duration = Duration::from_secs(600);
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why nothing came of a round, or no more of it.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Hub(#[from] Error),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// In words for the operator's ledger.
    #[error("{0}")]
    Here(String),
}

fn here(error: impl std::fmt::Display) -> Failed {
    Failed::Here(error.to_string())
}

/// A round that may begin: everything is on disk that has to be.
struct Begun {
    operator: Operator,
    open: RoundOpen,
}

/// Holds the rounds that wait. Never ends until stopped.
pub(crate) async fn attend(shared: Arc<Shared>, authority: Arc<Authority>, client: Client) {
    let side = Side { shared, authority, client };
    // Why rounds that wait were declined last: each reason is written down once. The log may show a grant a moment later.
    let mut declined = BTreeMap::new();
    while !side.shared.is_stopping() {
        if let Err(error) = side.turn(&mut declined).await {
            tracing::info!(%error, "no round of private matching");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

struct Side {
    shared: Arc<Shared>,
    authority: Arc<Authority>,
    client: Client,
}

impl Side {
    async fn turn(&self, declined: &mut BTreeMap<Uuid, String>) -> Result<(), Failed> {
        self.tell().await?;
        // Without a grant there is no round, so the hub is asked for none.
        if self.authority.state().told.private.is_empty() {
            return Ok(());
        }
        let waiting = self.client.rounds().await?.rounds;
        declined.retain(|id, _| waiting.iter().any(|round| round.id == *id));
        for round in waiting {
            let package = self.authority.state().told.private.get(&round.authorisation).cloned();
            // It comes with the grants that the hub is asked for next.
            let Some(package) = package else { continue };
            if let Some(why) = self.hold(&round, &package).await?
                && declined.get(&round.id) != Some(&why)
            {
                self.note(LedgerKind::Declined, &package.terms, why.clone()).await?;
                declined.insert(round.id, why);
            }
        }
        self.tell().await
    }

    /// Holds a round; why not, where it is declined.
    async fn hold(&self, round: &EdgeRound, package: &Package) -> Result<Option<String>, Failed> {
        let (authority, of) = (Arc::clone(&self.authority), package.clone());
        let begun =
            self.shared.blocking(move |shared| authority.begin_round(shared, &of, Timestamp::now())).await?;
        let Begun { operator, open } = match begun {
            Ok(begun) => begun,
            Err(why) => return Ok(Some(why)),
        };
        if let Err(error) = self.again(|| self.client.open_round(round.id, open.encode())).await {
            let why = format!("private matching: the round was not opened: {error}");
            self.note(LedgerKind::Ended, &package.terms, why).await?;
            return Ok(None);
        }
        let (answering, filter) = computed(move || operator.filter(threads())).await?.map_err(here)?;
        let (answering, why) = match self.converse(round.id, package, &open, answering, &filter).await {
            (Some(answering), why) => (answering, why),
            (None, why) => return why.map(|()| None),
        };
        let (authority, id, terms) = (Arc::clone(&self.authority), round.id, package.terms.clone());
        self.shared
            .blocking(move |shared| authority.end_round(shared, (id, &terms), answering, why.err()))
            .await?;
        Ok(None)
    }

    /// Sends the set and answers what is asked; gives back what signs for it, whatever came between.
    async fn converse(
        &self,
        id: Uuid,
        package: &Package,
        open: &RoundOpen,
        answering: Answering,
        filter: &FilterMessage,
    ) -> (Option<Answering>, Result<(), Failed>) {
        let filter = filter.encode();
        if let Err(error) = self.again(|| self.client.send_filter(id, filter.clone())).await {
            return (Some(answering), Err(error.into()));
        }
        drop(filter);
        let (mut answering, mut queries) = (answering, Vec::new());
        for batch in 0..open.batches() {
            match self.query(id, package, batch).await {
                Ok(query) => queries.push(query),
                Err(failed) => return (Some(answering), Err(failed)),
            }
            // Where only a number is told, the answers are shuffled over all batches.
            if open.mode == Mode::Count && batch + 1 < open.batches() {
                continue;
            }
            let asked = std::mem::take(&mut queries);
            let work = move || {
                let answers = answering.answer(&asked, threads());
                (answering, answers)
            };
            let answers = match computed(work).await {
                Ok((back, answers)) => {
                    answering = back;
                    answers
                }
                Err(failed) => return (None, Err(failed)),
            };
            let answers = match answers {
                Ok(answers) => answers,
                Err(refused) => return (Some(answering), Err(here(refused))),
            };
            for answer in answers {
                let bytes = answer.encode();
                if let Err(error) = self.again(|| self.client.send_round_answer(id, bytes.clone())).await {
                    return (Some(answering), Err(error.into()));
                }
            }
        }
        (Some(answering), Ok(()))
    }

    /// The next batch, where the grant still stands.
    async fn query(&self, id: Uuid, package: &Package, batch: u32) -> Result<Query, Failed> {
        self.authority.goes_on(package, Timestamp::now()).map_err(Failed::Here)?;
        let bytes = self.again(|| self.client.round_query(id, batch)).await?;
        Query::decode(&bytes).map_err(here)
    }

    /// The same again while the hub is away.
    async fn again<T, F: Future<Output = Result<T, Error>>>(&self, ask: impl Fn() -> F) -> Result<T, Error> {
        let since = Instant::now();
        loop {
            match ask().await {
                Err(error) if error.is_passing() && since.elapsed() < AGAIN_FOR => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                done => return done,
            }
        }
    }

    async fn note(&self, kind: LedgerKind, terms: &Terms, why: String) -> Result<(), Failed> {
        let line = row(kind, terms, Timestamp::now(), why);
        Ok(self.shared.blocking(move |shared| shared.spool.note(&[line])).await?)
    }

    /// Sends what was signed.
    async fn tell(&self) -> Result<(), Failed> {
        let waiting = self.shared.blocking(|shared| shared.spool.waiting_notes()).await?;
        for (number, id, note) in waiting {
            let (state, ledger) = match self.client.send_round_receipt(id, note).await {
                Ok(()) => ("sent", Vec::new()),
                Err(error) if error.is_passing() => return Err(error.into()),
                Err(error) => {
                    let refused = LedgerRow {
                        at: Timestamp::now(),
                        kind: LedgerKind::Refused,
                        indicator: String::new(),
                        name: "receipt of private matching".to_owned(),
                        detail: error.to_string(),
                    };
                    ("refused", vec![refused])
                }
            };
            self.shared.blocking(move |shared| shared.spool.acknowledge_note(number, state, &ledger)).await?;
        }
        Ok(())
    }
}

impl Authority {
    /// Lets a round begin: checked, counted on disk, the set made, the opening signed for on disk. Otherwise why not, for the ledger.
    fn begin_round(
        &self,
        shared: &Shared,
        package: &Package,
        now: Timestamp,
    ) -> Result<Result<Begun, String>, SpoolError> {
        let Some(allowed) = self.pinned.private else {
            return Ok(Err(
                "private matching is not allowed at this edge (`[authorisations.private]`)".to_owned()
            ));
        };
        if let Some(contradiction) = self.state().contradiction.clone() {
            return Ok(Err(contradiction));
        }
        let (round, admitted) = {
            // Held until the use is on disk: what else the state asks is counted in the same place.
            let gate = self.gate();
            let ask = match gate.ask(package, &shared.spool.quota()?, now) {
                Ok(ask) => ask,
                Err(refused) => return Ok(Err(refused.to_string())),
            };
            let quota = ask.quota().clone();
            let round = match ask.permit_round() {
                Ok(round) => round,
                Err(refused) => return Ok(Err(refused.to_string())),
            };
            let mut ledger = Ledger::restore(allowed.elements_a_day_max, shared.spool.round_entries()?);
            let day = Day(u32::try_from(now.as_second().div_euclid(86_400)).unwrap_or(0));
            let (admitted, entry) = match ledger.admit(round.rounds().clone(), RoundId(drawn()?), day) {
                Ok(admitted) => admitted,
                Err(limit) => return Ok(Err(limit.to_string())),
            };
            shared.spool.begin_round(&quota, &entry)?;
            (round, admitted)
        };
        let set = match set::of(&shared.config, &round, allowed.hours, now) {
            Ok(set) => set,
            Err(why) => return Ok(Err(why)),
        };
        let (operator, open) = match Operator::open(admitted, set, Seed::new(drawn()?)) {
            Ok(opened) => opened,
            Err(refused) => return Ok(Err(refused.to_string())),
        };
        let receipt = Receipt::sign(round.used(&open.encode()), |bytes| self.sign(bytes));
        let words = in_words(&open, allowed.hours);
        shared.spool.sign_for(&receipt, &[row(LedgerKind::Tasked, round.terms(), now, words)])?;
        Ok(Ok(Begun { operator, open }))
    }

    fn goes_on(&self, package: &Package, now: Timestamp) -> Result<(), String> {
        if let Some(contradiction) = self.state().contradiction.clone() {
            return Err(contradiction);
        }
        self.gate().stands(package, now).map_err(|refused| refused.to_string())
    }

    /// Destroys the key, signs what was asked, and writes it down.
    fn end_round(
        &self,
        shared: &Shared,
        (id, terms): (Uuid, &Terms),
        answering: Answering,
        why: Option<Failed>,
    ) -> Result<(), SpoolError> {
        let now = Timestamp::now();
        let time = u64::try_from(now.as_second()).unwrap_or(0);
        let (receipt, note) = answering.finish(time, |body| self.notes.sign_statement(RECEIPT_KIND, body));
        let done = format!(
            "private matching: {} of {} elements answered, key destroyed, receipt signed",
            receipt.answered, receipt.open.elements
        );
        let words = why.map_or(done.clone(), |why| format!("{done}; broken off: {why}"));
        shared.spool.keep_note(id, &note, &[row(LedgerKind::Ended, terms, now, words)])
    }
}

/// What the operator reads of a round: never the list, which it does not know, nor what was found, which it is not told.
fn in_words(open: &RoundOpen, hours: u32) -> String {
    let tells = match open.mode {
        Mode::Match => "which of them we have",
        Mode::Count => "how many of them we have",
    };
    format!(
        "private matching was asked of us: {} elements, told is {tells}; from records of the last {hours} hours; round {}",
        open.elements,
        hex::encode(open.round.0)
    )
}

fn drawn<const N: usize>() -> Result<[u8; N], SpoolError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| SpoolError::Unusable(e.to_string()))?;
    Ok(bytes)
}

async fn computed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failed> {
    tokio::task::spawn_blocking(work).await.map_err(here)
}

/// Half of the machine: the other half is the operator's own defence's.
fn threads() -> Threads {
    let all = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Threads(NonZeroUsize::new(all / 2).unwrap_or(NonZeroUsize::MIN))
}
