//! A change of the policies as a proposal: what it would change is looked at before anybody is asked, a second person approves, and
//! each step is an act in the log.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use api::{PolicyFile, PolicyFindings, PolicyProposal};
use jiff::{SignedDuration, Timestamp};
use oversight::{Action, Actor, AuditEvent, Outcome, Purpose};
use policy::{CLEARANCES_FILE, Engine};
use store::proposals::{self, Proposal, State};
use store::{Act, Reader, StoreError, Tx, people};

use super::examine::Examined;
use super::{
    AGREEMENTS, BY_PROPOSALS, ENDINGS, FILES_MAX, Files, PolicyChanges, PolicyKeeper, compiled, files_in,
    hash,
};
use crate::administration::Error;
use crate::principal::Caller;
use crate::{HubError, REALM};

/// How long a proposal can be approved: what it would change was looked at when it was made.
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Bytes of a proposed set at most.
const SET_BYTES_MAX: usize = 512 << 10;
/// Characters of a reason or an answer at most.
const REASON_CHARS_MAX: usize = 2_000;
/// Who proposes at the command line: whoever has the data folder in hand. No account bears this id.
const NODE: &str = "node";

/// Who takes a step.
#[derive(Debug, Clone)]
pub struct Who {
    id: String,
    actor: Actor,
    purpose: Purpose,
}

/// A proposal and its files.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// The proposal.
    pub proposal: Proposal,
    /// The whole set.
    pub files: Vec<(String, String)>,
}

impl Who {
    /// Whoever has the data folder in hand: one person, as far as is known here, and so not both of two.
    #[must_use]
    pub fn node() -> Self {
        Self { id: NODE.to_owned(), actor: Actor::Node, purpose: Purpose::Administration }
    }

    pub(crate) fn caller(caller: &Caller) -> Self {
        Self { id: caller.id().to_owned(), actor: caller.actor.clone(), purpose: caller.purpose }
    }

    fn did(&self, action: Action) -> AuditEvent {
        AuditEvent::done(action, self.actor.clone(), self.purpose)
    }
}

impl PolicyKeeper {
    /// Proposes a set of policies. It comes into force when another person approves it.
    ///
    /// # Errors
    /// [`Error::Rule`] where the set cannot be used, is the one in force, allows what no policy may, or would leave nobody to change
    /// it; and on a hub whose policies are changed by its folder.
    pub async fn propose(
        &self,
        who: Who,
        reason: &str,
        files: Vec<(String, String)>,
    ) -> Result<Proposed, Error> {
        let reason = text("reason", reason)?;
        let (base, in_force) = (self.status().hash, self.files());
        self.demand_proposals()?;
        let files = whole(&files, &in_force)?;
        if hash(&files) == hash(&usual(&in_force)) {
            return Err(Error::rule("policy-in-force", "this is the set that is in force"));
        }
        let set = hash(&files);
        let examined = match self.examine(files).await {
            Ok(examined) => examined,
            Err(error) => return Err(self.write_refusal(&who, &set, error).await),
        };
        let Examined { files, findings, .. } = examined;
        let findings = serde_json::to_string(&findings).map_err(|error| Error::Invalid(error.to_string()))?;
        let kept = files.clone();
        let write = move |tx: &mut Tx<'_>| {
            let now = tx.now();
            let proposal = Proposal {
                id: uuid::Uuid::new_v4().to_string(),
                set,
                base,
                reason,
                proposer: who.id.clone(),
                at: now,
                expires: now + LIFE,
                state: State::Open,
                examined: findings,
                decider: None,
                decided: None,
                answer: None,
            };
            proposals::add(tx, &REALM, &proposal, &kept)?;
            let event = who
                .did(Action::PolicyProposed)
                .with("proposal", &proposal.id)
                .with("set", &proposal.set)
                .with("base", &proposal.base);
            Ok(Act::audited(proposal, &REALM, files_in(event, &kept)))
        };
        Ok(Proposed { proposal: self.0.store.write(write).await?, files })
    }

    /// Approves a proposal that another person made: its set is in force when this returns. `set` is what was looked at.
    ///
    /// # Errors
    /// As [`PolicyKeeper::propose`], for the store as it is now; [`StoreError::NotFound`]; [`StoreError::Stale`] where it is decided, its
    /// time is over, or other policies are in force than those it was made for; [`StoreError::Exists`] from the person who proposed it.
    pub async fn approve(
        &self,
        who: Who,
        id: &str,
        set: Option<&str>,
        answer: &str,
    ) -> Result<Proposed, Error> {
        self.demand_proposals()?;
        let Proposed { proposal, files } = self.proposal(id).await?;
        if set.is_some_and(|set| set != proposal.set) {
            return Err(Error::rule("policy-other-set", "set: it is not the set of this proposal"));
        }
        if proposal.state != State::Open {
            return Err(StoreError::Stale { what: id.to_owned() }.into());
        }
        if proposal.proposer == who.id {
            let what = "your own word: another person has to agree".to_owned();
            return Err(StoreError::Exists { what }.into());
        }
        let answer = answer.trim().chars().take(REASON_CHARS_MAX).collect::<String>();
        // Once more: labels, members and the program itself may have changed since it was made.
        let examined = match self.examine(files).await {
            Ok(examined) => examined,
            Err(error) => return Err(self.write_refusal(&who, &proposal.set, error).await),
        };
        let Examined { files, engine, .. } = examined;
        let _turn = self.0.turn.lock().await;
        let proposal = self.put_proposed_in_force(who, proposal, (&files, engine), answer).await?;
        Ok(Proposed { proposal, files })
    }

    /// The second word and the change itself, in one transaction. The caller has the turn.
    async fn put_proposed_in_force(
        &self,
        who: Who,
        proposal: Proposal,
        (files, engine): (&[(String, String)], Engine),
        answer: String,
    ) -> Result<Proposal, Error> {
        let (now, known) = (self.status().hash, self.0.number.load(Ordering::Acquire));
        if now != proposal.base {
            return Err(StoreError::Stale { what: "the policies in force".to_owned() }.into());
        }
        let kept = files.to_vec();
        let write = move |tx: &mut Tx<'_>| {
            if proposals::newest(tx, &REALM)? != known {
                return Err(StoreError::Stale { what: "the policies in force".to_owned() });
            }
            let decided = proposals::decide(tx, &REALM, &proposal.id, (State::Approved, &who.id), &answer)?;
            let number = proposals::put_in_force(tx, &REALM, (&decided.set, &kept), Some(&decided.id))?;
            let told = decision(&who, &decided);
            let changed = who
                .did(Action::PolicyChanged)
                .with("proposal", &decided.id)
                .with("proposer", &decided.proposer)
                .with("set", &decided.set);
            let events = vec![told, files_in(changed, &kept)];
            Ok(Act::audited_all((decided, number), &REALM, events))
        };
        let (decided, number) = self.0.store.write(write).await?;
        self.take(files.to_vec(), engine, number).await.map_err(|error| Error::Invalid(error.message))?;
        Ok(decided)
    }

    /// Takes one's own proposal back, or refuses another person's.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`] where it is decided or its time is over.
    pub async fn close(&self, who: Who, id: &str, answer: &str) -> Result<Proposed, Error> {
        let answer = answer.trim().chars().take(REASON_CHARS_MAX).collect::<String>();
        let (id, key) = (id.to_owned(), id.to_owned());
        let write = move |tx: &mut Tx<'_>| {
            let found = proposals::get(tx, &REALM, &id)?;
            let found = found.ok_or_else(|| StoreError::NotFound { what: id.clone() })?;
            let state = if found.proposer == who.id { State::Withdrawn } else { State::Refused };
            let decided = proposals::decide(tx, &REALM, &id, (state, &who.id), &answer)?;
            let event = decision(&who, &decided);
            Ok(Act::audited((), &REALM, event))
        };
        self.0.store.write(write).await?;
        self.proposal(&key).await
    }

    /// A proposal with its files.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn proposal(&self, id: &str) -> Result<Proposed, Error> {
        let id = id.to_owned();
        let read = move |reader: &Reader<'_>| {
            let found = proposals::get(reader, &REALM, &id)?.zip(proposals::files(reader, &REALM, &id)?);
            found.ok_or_else(|| StoreError::NotFound { what: id.clone() })
        };
        let (proposal, files) = self.0.store.read(read).await?;
        Ok(Proposed { proposal, files })
    }

    /// The proposals, the open ones first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn proposals(&self) -> Result<Vec<Proposal>, Error> {
        Ok(self.0.store.read(|reader| proposals::list(reader, &REALM)).await?)
    }

    /// Writes down by which set a hub with a folder begins, the first time; it is what the folder may go on to hold.
    pub(crate) async fn write_down_start(&self) -> Result<(), HubError> {
        let is_needed = self.0.changes == PolicyChanges::Proposals
            && self.0.folder.is_some()
            && self.0.number.load(Ordering::Acquire) == 0;
        if !is_needed {
            return Ok(());
        }
        let (files, set) = (self.files(), self.status().hash);
        let write = move |tx: &mut Tx<'_>| {
            let newest = proposals::newest(tx, &REALM)?;
            if newest > 0 {
                // Another hub on the same store was there first; its set is taken up as every later one is.
                return Ok(Act::bookkeeping(0));
            }
            let number = proposals::put_in_force(tx, &REALM, (&set, &files), None)?;
            let event = AuditEvent::done(Action::PolicyChanged, Actor::Node, Purpose::Administration);
            let event = files_in(event.with("set", &set).with("how", "first"), &files);
            Ok(Act::audited(number, &REALM, event))
        };
        let number = self.0.store.write(write).await?;
        self.0.number.store(number, Ordering::Release);
        Ok(())
    }

    /// Takes up what another hub on the same store put in force, and ends proposals whose time is over.
    pub(super) async fn keep_up(&self, now: Timestamp) {
        if self.0.changes != PolicyChanges::Proposals {
            return;
        }
        let looked = self
            .0
            .store
            .read(|reader| Ok((proposals::newest(reader, &REALM)?, proposals::next_expiry(reader, &REALM)?)));
        let Ok((newest, expiry)) = looked.await else { return };
        if newest != self.0.number.load(Ordering::Acquire)
            && let Err(error) = self.follow().await
        {
            tracing::error!(%error, "policies that were approved at another hub cannot be used here; the older ones stay in force");
        }
        if expiry.is_some_and(|expiry| expiry <= now)
            && let Err(error) = self.0.store.write(expire).await
        {
            tracing::error!(%error, "proposals whose time is over could not be ended");
        }
    }

    async fn follow(&self) -> Result<(), HubError> {
        let _turn = self.0.turn.lock().await;
        let newest = self.0.store.read(|reader| proposals::in_force(reader, &REALM)).await?;
        let Some(set) = newest.filter(|set| set.number != self.0.number.load(Ordering::Acquire)) else {
            return Ok(());
        };
        let (files, engine) = compiled(set.files).await?;
        self.take(files, engine, set.number).await
    }

    /// What lies in the folder counts no more: it is what there was at first, or what is in force, or it is refused. The caller has the
    /// turn.
    pub(super) async fn judge_folder(&self, files: &[(String, String)]) {
        let first = self.0.store.read(|reader| proposals::first_in_force(reader, &REALM)).await;
        let first = first.ok().flatten().filter(|set| set.proposal.is_none());
        let given = hash(&usual(files));
        let is_known = given == hash(&usual(&self.files()))
            || first.is_some_and(|set| hash(&usual(&set.files)) == given);
        if is_known {
            self.forgive();
        } else {
            let error = HubError::new("policy", BY_PROPOSALS);
            drop(self.refuse(&error, Some(hash(files))).await);
        }
    }

    fn demand_proposals(&self) -> Result<(), Error> {
        if self.0.changes == PolicyChanges::Proposals {
            return Ok(());
        }
        let why = "the policies of this hub are changed in their folder; set `policy_changes = \"proposals\"` in its configuration";
        Err(Error::rule("policy-by-folder", why))
    }

    /// Writes down that a set was turned down at once, and gives the error back.
    async fn write_refusal(&self, who: &Who, set: &str, error: Error) -> Error {
        if !matches!(error, Error::Invalid(_) | Error::Rule { .. }) {
            return error;
        }
        let event = AuditEvent { outcome: Outcome::Refused, ..who.did(Action::PolicyProposed) };
        let event = event.with("set", set).with("why", error.to_string());
        match self.0.store.write(move |_| Ok(Act::audited((), &REALM, event))).await {
            Ok(()) => error,
            Err(failed) => failed.into(),
        }
    }
}

fn decision(who: &Who, decided: &Proposal) -> AuditEvent {
    who.did(Action::PolicyProposalDecided)
        .with("proposal", &decided.id)
        .with("set", &decided.set)
        .with("proposer", &decided.proposer)
        .with("state", decided.state.name())
}

fn expire(tx: &mut Tx<'_>) -> Result<Act<()>, StoreError> {
    let over = proposals::expire(tx, &REALM)?;
    let event = |over: Proposal| decision(&Who::node(), &Proposal { state: State::Expired, ..over });
    Ok(Act::audited_all((), &REALM, over.into_iter().map(event).collect()))
}

fn text(what: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if (1..=REASON_CHARS_MAX).contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    Err(Error::rule("length", format!("{what}: it has 1 to {REASON_CHARS_MAX} characters")))
}

/// A set without the program's own schema, which counts where none is given, and in the order of the names.
fn usual(files: &[(String, String)]) -> Files {
    let built_in = Engine::built_in();
    let is_kind = |name: &str, ending: &str| name.ends_with(ending);
    let is_built_in = |name: &str, text: &str| {
        [ENDINGS[1], CLEARANCES_FILE].into_iter().any(|ending| {
            is_kind(name, ending) && built_in.iter().any(|(known, own)| is_kind(known, ending) && own == text)
        })
    };
    let mut usual: Files = files.iter().filter(|(name, text)| !is_built_in(name, text)).cloned().collect();
    usual.sort();
    usual
}

/// The whole set that is proposed: the policies given, and what a proposal does not change, as it is in force.
fn whole(files: &[(String, String)], in_force: &[(String, String)]) -> Result<Files, Error> {
    let (agreements, ending) = AGREEMENTS;
    let is_policy =
        |name: &str| (name.ends_with(".cedar") && !name.contains(['/', '\\'])) || name == CLEARANCES_FILE;
    let brings_clearances = files.iter().any(|(name, _)| name == CLEARANCES_FILE);
    let is_kept = |name: &str| {
        name.ends_with(ENDINGS[1])
            || (name == CLEARANCES_FILE && !brings_clearances)
            || (name.starts_with(&format!("{agreements}/")) && name.ends_with(&format!(".{ending}")))
    };
    let in_force = usual(in_force);
    let mut all: Files = in_force.iter().filter(|(name, _)| is_kept(name)).cloned().collect();
    let mut names = BTreeSet::new();
    for (name, text) in usual(files) {
        if !names.insert(name.clone()) {
            return Err(Error::rule("policy-file-twice", format!("`{name}` is there twice")));
        }
        if is_policy(&name) && name.len() <= 200 {
            all.push((name, text));
        } else if !is_kept(&name) {
            let why = format!("`{name}` is not the name of a policy file (`….cedar`, `{CLEARANCES_FILE}`)");
            return Err(Error::rule("policy-file-name", why));
        } else if !in_force.contains(&(name.clone(), text)) {
            let why = "a proposal is about policies; agreements are changed by their parties, and the schema with the program";
            let why = format!("`{name}` is not as it is in force: {why}");
            return Err(Error::rule("policy-file-other", why));
        }
    }
    let bytes: usize = all.iter().map(|(name, text)| name.len() + text.len()).sum();
    if all.len() > FILES_MAX || bytes > SET_BYTES_MAX {
        let message =
            format!("a set has at most {FILES_MAX} files of at most {SET_BYTES_MAX} bytes together");
        return Err(Error::rule("policy-set-size", message));
    }
    all.sort();
    Ok(all)
}

/// A proposal as it is told.
///
/// # Errors
/// [`StoreError::Corrupt`] where what was found out cannot be read.
pub(crate) fn told(
    reader: &Reader<'_>,
    proposal: Proposal,
    files: Option<Files>,
) -> Result<PolicyProposal, StoreError> {
    let name = |id: &str| Ok::<_, StoreError>(people::get(reader, &REALM, id)?.map(|person| person.name));
    let findings: PolicyFindings = serde_json::from_str(&proposal.examined)
        .map_err(|_| StoreError::Corrupt(format!("the proposal {}", proposal.id)))?;
    let file = |(name, text): (String, String)| PolicyFile { name, text };
    Ok(PolicyProposal {
        proposer_name: name(&proposal.proposer)?,
        decider_name: proposal.decider.as_deref().map(name).transpose()?.flatten(),
        id: proposal.id,
        set: proposal.set,
        base: proposal.base,
        reason: proposal.reason,
        proposer: proposal.proposer,
        proposed: proposal.at.to_string(),
        expires: proposal.expires.to_string(),
        state: proposal.state.name().to_owned(),
        decider: proposal.decider,
        decided: proposal.decided.map(|at| at.to_string()),
        answer: proposal.answer,
        findings,
        files: files.map(|files| files.into_iter().map(file).collect()),
    })
}
