//! What is asked of the hub for authorisations, and what it is told: the log, the grants, receipts, finds. It is believed in nothing.

use std::sync::Arc;
use std::time::Duration;

use api::client::{Client, Error};
use api::{EdgeKey, ReceiptOutcome, SelectionOutcome};
use jiff::Timestamp;
use oversight::authorisation::{IndicatorList, Package, Selected, SelectedInformation};
use uuid::Uuid;

use super::follow::Followed;
use super::{Authority, Told, row};
use crate::ledger::{LedgerKind, LedgerRow};
use crate::{Shared, SpoolError};

/// How often the hub is asked.
const INTERVAL: Duration = Duration::from_secs(5);
/// Pages of grants at most, of 50 each.
const PAGES_MAX: usize = 40;
/// Entries of the log at most: requests, decisions and uses of decades.
const ENTRIES_MAX: usize = 4_000_000;
/// Receipts, and finds, in one request.
const RECEIPTS_BATCH: usize = 100;
const SELECTIONS_BATCH: usize = 500;
/// What stands before the edge's name under the signature that shows that it has its key.
const KEY_DOMAIN: &[u8] = b"yagura edge key v1\0";

/// Why a round brought nothing.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Hub(#[from] Error),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("{0}")]
    Answer(&'static str),
}

/// Does what is granted, and ends what is not any more. Never ends until stopped.
pub(crate) async fn attend(shared: Arc<Shared>, authority: Arc<Authority>, client: Client) {
    let link = Link { shared, authority, client };
    let mut has_key = false;
    while !link.shared.is_stopping() {
        let told = link.ask(&mut has_key).await;
        if let Err(error) = &told {
            tracing::info!(%error, "nothing new about authorisations");
        }
        // Also where the hub is silent: what was granted ends, and so does the witnesses' word.
        if let Err(error) = link.reconsider().await {
            tracing::warn!(%error, "what the state asks could not be written down, and is not begun");
        }
        if let Err(error) = link.tell().await {
            tracing::info!(%error, "receipts and finds wait for the hub");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

struct Link {
    shared: Arc<Shared>,
    authority: Arc<Authority>,
    client: Client,
}

impl Link {
    async fn ask(&self, has_key: &mut bool) -> Result<(), Failed> {
        if !*has_key {
            self.client.register_key(&self.key()).await?;
            *has_key = true;
        }
        self.follow().await?;
        let told = self.grants().await?;
        self.lists(&told).await?;
        self.authority.state().told = told;
        Ok(())
    }

    fn key(&self) -> EdgeKey {
        let signed = [KEY_DOMAIN, self.shared.config.id.as_bytes()].concat();
        EdgeKey {
            key: hex::encode(self.authority.public_key()),
            signature: hex::encode(self.authority.sign(&signed)),
        }
    }

    /// Reads the log to its newest head.
    async fn follow(&self) -> Result<(), Failed> {
        let from = self.authority.seen().0;
        let mut entries: Vec<Vec<u8>> = Vec::new();
        let checkpoint = loop {
            let page = self.client.authorisation_log(from + entries.len() as u64).await?;
            let is_last = !page.more;
            if !is_last && page.entries.is_empty() || entries.len() + page.entries.len() > ENTRIES_MAX {
                return Err(Failed::Answer("the hub's answer about the log of authorisations does not end"));
            }
            entries.extend(page.entries.into_iter().map(String::into_bytes));
            if is_last {
                break page.checkpoint;
            }
        };
        let authority = Arc::clone(&self.authority);
        let note = checkpoint.clone();
        let followed = self.shared.blocking(move |shared| authority.follow(shared, &note, &entries)).await?;
        self.judge(followed, checkpoint).await
    }

    /// Takes a contradiction for what it is: nothing of the state's goes on, and what was shown is kept.
    async fn judge(&self, followed: Followed, shown: String) -> Result<(), Failed> {
        let why = match followed {
            Followed::Yes => {
                self.authority.state().contradiction = None;
                self.shared.status.set_trouble("authorisation-log", false);
                return Ok(());
            }
            Followed::Unwitnessed(why) => {
                tracing::warn!(why, "the log of authorisations has no new head");
                return Ok(());
            }
            Followed::No(why) => why,
        };
        tracing::error!(why, "the log of authorisations contradicts what was seen of it");
        self.shared.status.set_trouble("authorisation-log", true);
        let is_new = self.authority.state().contradiction.replace(why.clone()) != Some(why.clone());
        if is_new {
            let evidence = LedgerRow {
                at: Timestamp::now(),
                kind: LedgerKind::Declined,
                indicator: String::new(),
                name: why,
                detail: shown,
            };
            self.shared.blocking(move |shared| shared.spool.note(&[evidence])).await?;
        }
        Ok(())
    }

    async fn grants(&self) -> Result<Told, Failed> {
        let mut told = Told::default();
        let mut before = None;
        for _ in 0..PAGES_MAX {
            let page = self.client.authorisations(before).await?;
            for package in page.packages {
                match serde_json::from_value::<Package>(package) {
                    Ok(package) if page.open.contains(&package.terms.id) => {
                        told.packages.insert(package.terms.id, package);
                    }
                    Ok(package) if package.terms.private.is_some() => {
                        told.private.insert(package.terms.id, package);
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "a grant cannot be read"),
                }
            }
            before = page.next;
            if before.is_none() {
                return Ok(told);
            }
        }
        Err(Failed::Answer("the hub's list of grants does not end"))
    }

    /// Fetches the lists that are not here yet, and forgets those that nobody asks for any more. Each fetch is an act in the hub's
    /// record, so it is done once.
    async fn lists(&self, told: &Told) -> Result<(), Failed> {
        let missing: Vec<(Uuid, String)> = {
            let mut state = self.authority.state();
            let wanted =
                |root: &String| told.packages.values().any(|package| package.terms.list_root == *root);
            let in_use: Vec<String> =
                state.running.values().map(|running| running.authorised.terms().list_root.clone()).collect();
            state.lists.retain(|root, _| wanted(root) || in_use.contains(root));
            let is_missing = |package: &&Package| !state.lists.contains_key(&package.terms.list_root);
            let missing = told.packages.values().filter(is_missing);
            missing.map(|package| (package.terms.id, package.terms.list_root.clone())).collect()
        };
        for (id, root) in missing {
            match self.client.authorised_indicators(id).await {
                Ok(list) => {
                    let list = IndicatorList { salt: list.salt, patterns: list.patterns };
                    self.authority.state().lists.insert(root, list);
                }
                Err(error) => tracing::info!(%error, authorisation = %id, "the list is not given"),
            }
        }
        Ok(())
    }

    async fn reconsider(&self) -> Result<(), SpoolError> {
        let authority = Arc::clone(&self.authority);
        self.shared.blocking(move |shared| authority.reconsider(shared, Timestamp::now())).await
    }

    /// Sends what was signed for, and what was found.
    async fn tell(&self) -> Result<(), Failed> {
        while self.tell_receipts().await? {}
        while self.tell_finds().await? {}
        Ok(())
    }

    async fn tell_receipts(&self) -> Result<bool, Failed> {
        let waiting = self.shared.blocking(|shared| shared.spool.waiting_receipts(RECEIPTS_BATCH)).await?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let (numbers, receipts): (Vec<i64>, Vec<_>) = waiting.into_iter().unzip();
        let outcomes = self.client.send_receipts(receipts).await?.outcomes;
        if outcomes.len() != numbers.len() {
            return Err(Failed::Answer("the hub answered for another number of receipts than were sent"));
        }
        let mut ledger = Vec::new();
        let mut answered = Vec::with_capacity(numbers.len());
        for (number, outcome) in numbers.into_iter().zip(outcomes) {
            match outcome {
                ReceiptOutcome::Accepted { .. } | ReceiptOutcome::Duplicate { .. } => {
                    answered.push((number, "sent"));
                }
                ReceiptOutcome::Refused { why } => {
                    answered.push((number, "refused"));
                    ledger.push(LedgerRow {
                        at: Timestamp::now(),
                        kind: LedgerKind::Refused,
                        indicator: String::new(),
                        name: "receipt".to_owned(),
                        detail: why,
                    });
                }
            }
        }
        self.shared.blocking(move |shared| shared.spool.acknowledge_receipts(&answered, &ledger)).await?;
        Ok(true)
    }

    async fn tell_finds(&self) -> Result<bool, Failed> {
        let waiting =
            self.shared.blocking(|shared| shared.spool.waiting_selections(SELECTIONS_BATCH)).await?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let outcomes =
            self.client.send_selections(&waiting, |bytes| self.authority.sign(bytes)).await?.outcomes;
        if outcomes.len() != waiting.len() {
            return Err(Failed::Answer("the hub answered for another number of finds than were sent"));
        }
        let authority = Arc::clone(&self.authority);
        self.shared
            .blocking(move |shared| {
                let (answered, ledger) = authority.answered(waiting, outcomes);
                shared.spool.acknowledge_selections(&answered, &ledger)
            })
            .await?;
        Ok(true)
    }
}

impl Authority {
    /// What became of finds, for the spool and for the operator's ledger.
    fn answered(
        &self,
        sent: Vec<Selected>,
        outcomes: Vec<SelectionOutcome>,
    ) -> (Vec<(Selected, &'static str)>, Vec<LedgerRow>) {
        let at = Timestamp::now();
        let state = self.state();
        let mut answered = Vec::with_capacity(sent.len());
        let mut ledger = Vec::with_capacity(sent.len());
        for (selected, outcome) in sent.into_iter().zip(outcomes) {
            let selection = selected.selection();
            let id = selection.authorisation;
            let (state_of, kind, why) = match outcome {
                SelectionOutcome::Accepted => ("sent", Some(LedgerKind::Selected), None),
                SelectionOutcome::Duplicate => ("sent", None, None),
                SelectionOutcome::Refused { why } => ("refused", Some(LedgerKind::Refused), Some(why)),
            };
            if let Some(kind) = kind {
                let left = format!(
                    "pattern {}, hour {}, at least {}: {}",
                    selection.member,
                    selection.hour,
                    selection.at_least,
                    shown(&selection.information)
                );
                let detail = why.map_or(left.clone(), |why| format!("{why} ({left})"));
                let known = state.told.packages.get(&id);
                ledger.push(match known {
                    Some(package) => row(kind, &package.terms, at, detail),
                    None => LedgerRow { at, kind, indicator: id.to_string(), name: String::new(), detail },
                });
            }
            answered.push((selected, state_of));
        }
        (answered, ledger)
    }
}

/// What left, as the operator reads it: the very text that was sent.
fn shown(information: &SelectedInformation) -> String {
    serde_json::to_string(information).unwrap_or_default()
}
