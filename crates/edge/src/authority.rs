//! What the state asks this edge to look for, and what it does of it: only what the commission granted, as the edge has checked by
//! itself; only as often and as long; and every use is counted, signed for and written into the operator's own ledger first.
//!
//! It stands beside the operator's own defence and takes nothing from it: other scanners, other finds, another way out.

pub(crate) mod follow;
mod link;
mod rounds;
mod set;
mod tasks;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::Timestamp;
use oversight::authorisation::{
    Authorised, Gate, IndicatorList, Package, PseudonymKey, Receipt, Refused, Terms,
};
use uuid::Uuid;

pub(crate) use self::link::attend;
pub(crate) use self::rounds::attend as attend_rounds;
pub(crate) use self::tasks::Tasks;
use crate::config;
use crate::ledger::{LedgerKind, LedgerRow};
use crate::spool::Spool;
use crate::{Shared, SpoolError};

/// The edge's side of authorisations.
pub(crate) struct Authority {
    pinned: config::Authority,
    gate: Mutex<Gate>,
    key: Ed25519KeyPair,
    /// The same key under the edge's name, for what a round of private matching is signed for with.
    notes: tlog::SigningKey,
    pseudonyms: PseudonymKey,
    state: Mutex<State>,
    /// What the sources look for under authorisations.
    tasks: ArcSwap<Tasks>,
}

#[derive(Default)]
struct State {
    /// What the hub told last.
    told: Told,
    /// Lists by their roots.
    lists: HashMap<String, IndicatorList>,
    /// Uses that go on.
    running: BTreeMap<Uuid, Running>,
    /// Why others do not begin, so that each reason is written down once.
    declined: BTreeMap<Uuid, String>,
    /// What the log contradicts, while it does.
    contradiction: Option<String>,
}

/// The grants that the hub hands out.
#[derive(Default)]
struct Told {
    /// By authorisation; those that are not sealed.
    packages: BTreeMap<Uuid, Package>,
    /// Those for private matching.
    private: BTreeMap<Uuid, Package>,
}

struct Running {
    authorised: Arc<Authorised>,
    /// Patterns that cannot be looked for.
    unusable: usize,
}

/// What is looked for under an authorisation, in words.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Task {
    terms: Terms,
    /// Since when, and until when this use of it lasts.
    since: Timestamp,
    until: Timestamp,
    /// Which use of its day it is.
    number: u32,
    /// How many patterns, and how many of them cannot be looked for.
    patterns: u32,
    unusable: usize,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Takes up what the spool kept; nothing is looked for yet.
    pub(crate) fn open(pinned: &config::Authority, spool: &Spool) -> Result<Self, SpoolError> {
        let unusable = |_| SpoolError::Unusable("the edge's own key".to_owned());
        let seed = spool.signing_seed()?;
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(unusable)?;
        let notes = tlog::SigningKey::from_seed(&pinned.trusted.edge, seed)
            .map_err(|error| SpoolError::Unusable(format!("the edge's name as that of its key: {error}")))?;
        let gate = follow::restored(pinned, spool.seen_log()?);
        Ok(Self {
            pinned: pinned.clone(),
            gate: Mutex::new(gate),
            key,
            notes,
            pseudonyms: spool.pseudonym_key()?,
            state: Mutex::default(),
            tasks: ArcSwap::default(),
        })
    }

    /// What the sources look for under authorisations, now.
    pub(crate) fn tasks(&self) -> Arc<Tasks> {
        self.tasks.load_full()
    }

    pub(crate) fn pseudonyms(&self) -> &PseudonymKey {
        &self.pseudonyms
    }

    /// What is looked for, for the operator.
    pub(crate) fn in_words(&self) -> Vec<Task> {
        let in_words = |running: &Running| {
            let used = running.authorised.used();
            Task {
                terms: running.authorised.terms().clone(),
                since: used.at,
                until: running.authorised.until(),
                number: used.number,
                patterns: used.count,
                unusable: running.unusable,
            }
        };
        self.state().running.values().map(in_words).collect()
    }

    /// The edge's key as a verifier key (C2SP signed-note).
    pub(crate) fn verifier_key(&self) -> String {
        self.notes.verifying_key().encode()
    }

    /// How many entries of the log of authorisations were seen, and the time that witnesses vouched for last.
    pub(crate) fn seen(&self) -> (u64, Option<Timestamp>) {
        let gate = self.gate();
        (gate.seen(), gate.witnessed())
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        for (to, from) in signature.iter_mut().zip(self.key.sign(bytes).as_ref()) {
            *to = *from;
        }
        signature
    }

    /// Ends what may not go on, begins what may, and has the sources look accordingly. To be called whenever something was told,
    /// and every few seconds: grants end, and witnesses fall silent.
    pub(crate) fn reconsider(&self, shared: &Shared, now: Timestamp) -> Result<(), SpoolError> {
        let mut state = self.state();
        let mut ledger = Vec::new();
        let is_changed = self.end_what_is_over(&mut state, now, &mut ledger);
        // Before anything new is written down: what is over is over, whatever the disk says.
        if is_changed {
            self.publish(&mut state);
        }
        let begun = if state.contradiction.is_none() {
            self.begin_what_may(&mut state, &shared.spool, now, &mut ledger)
        } else {
            Ok(false)
        };
        if matches!(begun, Ok(true)) {
            self.publish(&mut state);
        }
        drop(state);
        shared.spool.note(&ledger)?;
        shared.spool.close_hours(now)?;
        begun.map(drop)
    }

    fn end_what_is_over(&self, state: &mut State, now: Timestamp, ledger: &mut Vec<LedgerRow>) -> bool {
        let State { told, running, contradiction, .. } = state;
        let contradiction = contradiction.clone();
        let gate = self.gate();
        let why = |id: &Uuid, running: &Running| -> Option<String> {
            if let Some(contradiction) = &contradiction {
                return Some(contradiction.clone());
            }
            let Some(package) = told.packages.get(id) else {
                return Some("the hub does not hand it out any more".to_owned());
            };
            if let Err(refused) = gate.stands(package, now) {
                return Some(refused.to_string());
            }
            (now >= running.authorised.until()).then(|| "this use of it is over".to_owned())
        };
        let ended: Vec<(Uuid, String)> =
            running.iter().filter_map(|(id, running)| Some((*id, why(id, running)?))).collect();
        for (id, why) in &ended {
            if let Some(ended) = running.remove(id) {
                ledger.push(row(LedgerKind::Ended, ended.authorised.terms(), now, why.clone()));
            }
        }
        !ended.is_empty()
    }

    fn begin_what_may(
        &self,
        state: &mut State,
        spool: &Spool,
        now: Timestamp,
        ledger: &mut Vec<LedgerRow>,
    ) -> Result<bool, SpoolError> {
        let mut is_changed = false;
        let State { told, running, lists, declined, .. } = state;
        for (id, package) in
            told.packages.iter().filter(|(id, _)| !running.contains_key(*id)).collect::<Vec<_>>()
        {
            let begun = match lists.get(&package.terms.list_root) {
                Some(list) => self.begin(spool, package, list, now)?,
                // Asked for when the hub is reached again.
                None => continue,
            };
            match begun {
                Ok(authorised) => {
                    declined.remove(id);
                    running.insert(*id, Running { authorised: Arc::new(authorised), unusable: 0 });
                    is_changed = true;
                }
                Err(why) => {
                    let why = why.to_string();
                    if declined.get(id) != Some(&why) {
                        ledger.push(row(LedgerKind::Declined, &package.terms, now, why.clone()));
                        declined.insert(*id, why);
                    }
                }
            }
        }
        declined.retain(|id, _| told.packages.contains_key(id));
        Ok(is_changed)
    }

    /// Goes on with the use that a restart interrupted, or begins another one: counted first, then permitted, then signed for.
    fn begin(
        &self,
        spool: &Spool,
        package: &Package,
        list: &IndicatorList,
        now: Timestamp,
    ) -> Result<Result<Authorised, Refused>, SpoolError> {
        let gate = self.gate();
        let last = spool.last_use(package.terms.id)?.filter(|receipt| receipt.is_of(&self.public_key()));
        let interrupted = last.and_then(|receipt| gate.resume(package, list, &receipt.used, now).ok());
        if let Some(authorised) = interrupted.filter(|authorised| now < authorised.until()) {
            return Ok(Ok(authorised));
        }
        let ask = match gate.ask(package, &spool.quota()?, now) {
            Ok(ask) => ask,
            Err(refused) => return Ok(Err(refused)),
        };
        spool.spend(ask.quota())?;
        let authorised = match ask.permit(list) {
            Ok(authorised) => authorised,
            Err(refused) => return Ok(Err(refused)),
        };
        let receipt = Receipt::sign(authorised.used().clone(), |bytes| self.sign(bytes));
        let words = in_words(&authorised);
        spool.sign_for(&receipt, &[row(LedgerKind::Tasked, authorised.terms(), now, words)])?;
        Ok(Ok(authorised))
    }

    fn public_key(&self) -> [u8; 32] {
        use aws_lc_rs::signature::KeyPair;
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(self.key.public_key().as_ref()) {
            *to = *from;
        }
        key
    }

    /// Has the sources look for what runs.
    fn publish(&self, state: &mut State) {
        let State { lists, running, .. } = state;
        let all = running.values().filter_map(|running| {
            let list = lists.get(&running.authorised.terms().list_root)?;
            Some((Arc::clone(&running.authorised), list))
        });
        let (tasks, unusable) = Tasks::compile(all);
        for (id, running) in running {
            running.unusable = unusable.get(id).copied().unwrap_or(0);
        }
        self.tasks.store(Arc::new(tasks));
    }
}

/// A line of the operator's ledger about an authorisation.
fn row(kind: LedgerKind, terms: &Terms, at: Timestamp, detail: String) -> LedgerRow {
    let name = format!("{} · {} · {}", terms.requested_by, terms.category.name(), terms.article);
    LedgerRow { at, kind, indicator: terms.id.to_string(), name, detail }
}

fn in_words(authorised: &Authorised) -> String {
    let (terms, used) = (authorised.terms(), authorised.used());
    let fields: Vec<_> = terms.fields.iter().map(|field| field.name()).collect();
    format!(
        "{} patterns, use {} of {} a day, until {}; may leave: {}; for: {}",
        used.count,
        used.number,
        terms.queries_per_day,
        authorised.until(),
        fields.join(", "),
        terms.purpose.name()
    )
}
