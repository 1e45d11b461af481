//! What hubs tell each other beside objects: that an object they were given is recalled, or bears another marking.
//!
//! 1. Whoever recalls or marks writes the act and puts it on its way to every peer that the ledger names, in one transaction
//!    ([`carry`]). A feed sends it until the peer has said that it has it.
//! 2. The receiving hub does what the act says ([`Writing::act`]): what came by that peer goes, everybody whom its own ledger names
//!    is told, and the act goes on to its peers.
//! 3. How many were given the object and how many have acknowledged comes back the same way, hop by hop, as numbers and without
//!    names ([`report`]). The recall is acknowledged by a hub when everybody it gave the object to has acknowledged it.
//!
//! An act that comes by several ways is done once; the first way's peer waits for those here, the others are answered at once, so
//! that no two hubs wait for each other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use oversight::{Action, Actor, AuditEvent, OrganisationId, Purpose};
use serde::{Deserialize, Serialize};
use stix::Id;
use stix::marking::Tlp;
use store::carried::{self, Kind, Reach};
use store::peers::{self, Peer, Way};
use store::recalls::{self, Part, Recall};
use store::routes::{self, HOPS_MAX};
use store::{Act as Written, Reader, StoreError, Tx, objects, releases};

use super::card::is_hub_id;
use super::frame::{Frame, Gone, Malformed};
use super::letters;
use super::links::Remote;
use super::pull::{address, good, link};
use super::receive::{Trouble, Why, Writing};
use crate::REALM;
use crate::sharing::{self, LINE_CHARS_MAX, TEXT_CHARS_MAX};
use crate::state::AppState;

/// Acts of one read of a feed, and receipts of one request.
pub(super) const ACTS_MAX: usize = 100;
/// How often it is looked whether somebody here has acknowledged something.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the peer may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// An act as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Act {
    /// Its id, the same at every hub.
    pub(crate) id: String,
    /// The object.
    pub(crate) object: Id,
    /// Why.
    pub(crate) reason: String,
    /// When it was done.
    pub(crate) at: Timestamp,
    /// The hubs that it passed through, the first one first and the sender last.
    pub(crate) hops: Vec<String>,
    /// What is done.
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What an act says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum What {
    /// The object is taken back.
    Recall {
        /// One version; absent: every one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// The name that the recipients knew it by.
        name: String,
        /// By when it is to be acknowledged.
        deadline: Timestamp,
    },
    /// A newer version bears this level; a stricter one binds the older versions as well.
    Marking {
        /// The level.
        tlp: String,
    },
}

/// How far an act has come at a hub and beyond it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Receipt {
    id: String,
    holders: u64,
    acknowledged: u64,
    settled: bool,
}

/// Receipts on their way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Receipts {
    pub(super) receipts: Vec<Receipt>,
}

/// The acts of which a peer that cannot be reached asks how far they have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) ids: Vec<String>,
}

impl Act {
    /// Checks an act that came from a peer.
    pub(super) fn checked(self) -> Result<Self, Malformed> {
        let is_line = |text: &str, max: usize| text.chars().count() <= max && !text.contains('\0');
        let distinct: BTreeSet<&String> = self.hops.iter().collect();
        let fits = match &self.what {
            What::Recall { version, name, .. } => {
                is_line(name, LINE_CHARS_MAX)
                    && version.as_deref().is_none_or(|version| stix::Timestamp::parse(version).is_ok())
            }
            What::Marking { tlp } => Tlp::parse(tlp).is_some(),
        };
        let good = uuid::Uuid::parse_str(&self.id).is_ok_and(|id| id.to_string() == self.id)
            && is_line(&self.reason, TEXT_CHARS_MAX)
            && (1..=HOPS_MAX).contains(&self.hops.len())
            && distinct.len() == self.hops.len()
            && self.hops.iter().all(|hop| is_hub_id(hop))
            && fits;
        if good { Ok(self) } else { Err(Malformed("an act on an object is broken".to_owned())) }
    }

    fn kind(&self) -> Kind {
        match self.what {
            What::Recall { .. } => Kind::Recall,
            What::Marking { .. } => Kind::Marking,
        }
    }
}

/// Puts a recall on its way to the peers that hold the object.
pub(crate) fn carry_recall(
    tx: &mut Tx<'_>,
    own: &str,
    recall: &Recall,
    peers: &[String],
) -> Result<(), StoreError> {
    let what = What::Recall {
        version: recall.version.clone(),
        name: recall.name.clone(),
        deadline: recall.deadline,
    };
    let act = Act {
        id: recall.id.clone(),
        object: recall.object.clone(),
        reason: recall.reason.clone(),
        at: recall.at,
        hops: Vec::new(),
        what,
    };
    carry(tx, own, &act, peers)
}

/// Puts a change of marking on its way to the peers that were given the object.
pub(crate) fn carry_marking(
    tx: &mut Tx<'_>,
    own: &str,
    object: &Id,
    (level, reason): (Tlp, &str),
) -> Result<(), StoreError> {
    let recipients = releases::recipients(tx, &REALM, object)?;
    let act = Act {
        id: uuid::Uuid::now_v7().to_string(),
        object: object.clone(),
        reason: reason.to_owned(),
        at: tx.now(),
        hops: Vec::new(),
        what: What::Marking { tlp: level.name().to_owned() },
    };
    let peers = peers_among(tx, &recipients)?;
    carry(tx, own, &act, &peers)
}

/// The peers among those who were given something.
fn peers_among(
    reader: &Reader<'_>,
    recipients: &BTreeMap<OrganisationId, BTreeSet<String>>,
) -> Result<Vec<String>, StoreError> {
    let by_hub = recipients.iter().filter(|(_, doors)| doors.contains("peer"));
    let peers = by_hub.map(|(organisation, _)| peers::of_organisation(reader, &REALM, organisation));
    Ok(peers.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().map(|peer| peer.id).collect())
}

/// Puts an act on its way; it does not go to a hub that it came through, nor through more than may be.
fn carry(tx: &mut Tx<'_>, own: &str, act: &Act, to: &[String]) -> Result<(), StoreError> {
    let mut act = act.clone();
    act.hops.push(own.to_owned());
    if act.hops.len() > HOPS_MAX {
        return Ok(());
    }
    let text = serde_json::to_string(&act).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    for id in to {
        let peer = peers::get(tx, &REALM, id)?;
        if peer.is_some_and(|peer| peer.way != Way::Inlet && !act.hops.contains(&peer.hub)) {
            let out = carried::Out { id: act.id.clone(), kind: act.kind(), text: text.clone() };
            carried::send(tx, &REALM, id, &out)?;
        }
    }
    Ok(())
}

/// The acts and letters that wait for a peer and were not sent on this link, as frames at a place.
pub(super) fn waiting(
    reader: &Reader<'_>,
    (peer, sequence): (&str, i64),
    is_sent: impl Fn(&str) -> bool,
) -> Result<Vec<Frame>, StoreError> {
    let waiting = carried::waiting(reader, &REALM, peer, ACTS_MAX)?;
    let new = waiting.into_iter().filter(|out| !is_sent(&out.id));
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(format!("an act: {error}"));
    new.map(|out| {
        Ok(match out.kind {
            Kind::Recall | Kind::Marking => {
                Frame::Act { sequence, act: serde_json::from_str(&out.text).map_err(corrupt)? }
            }
            Kind::Order | Kind::Report => {
                Frame::Letter { sequence, letter: serde_json::from_str(&out.text).map_err(corrupt)? }
            }
        })
    })
    .collect()
}

impl Writing {
    /// Does what an act of this peer's says, as far as the peer may say it.
    pub(super) fn act(&mut self, tx: &mut Tx<'_>, act: &Act) -> Result<(), StoreError> {
        let peer = self.peer.id.clone();
        if carried::came(tx, &REALM, &peer, &act.id)?.is_some() {
            // It was told before; the receipt did not arrive.
            let again = carried::In { id: act.id.clone(), kind: act.kind(), is_first: false, told: None };
            return carried::take(tx, &REALM, &peer, &again);
        }
        let came = routes::of_object(tx, &REALM, &act.object)?;
        let is_from_there = came.iter().any(|route| route.peer == peer) && !act.hops.contains(&self.own_hub);
        let is_first = match (&act.what, is_from_there) {
            (What::Recall { version, .. }, true) => self.recall(tx, act, version.as_deref())?,
            (What::Marking { tlp }, true) => {
                if let Some(level) = Tlp::parse(tlp) {
                    self.mark(tx, act, level)?;
                }
                false
            }
            (_, false) => false,
        };
        let taken = carried::In { id: act.id.clone(), kind: act.kind(), is_first, told: None };
        carried::take(tx, &REALM, &peer, &taken)?;
        if self.peer.way == Way::Inlet {
            // Nobody there is told how far it comes here.
            carried::told(tx, &REALM, &peer, &act.id, Reach { is_settled: true, ..Reach::default() })?;
        }
        Ok(())
    }

    /// Ends this peer's way, and where nothing else holds the object, tells everybody who was given it here. Whether the peer is to
    /// wait for those.
    fn recall(&mut self, tx: &mut Tx<'_>, act: &Act, version: Option<&str>) -> Result<bool, StoreError> {
        let Some(originator) = routes::brought_by(tx, &REALM, &act.object)? else { return Ok(false) };
        let visible = self.door.visible(tx, &self.as_originator(&originator))?;
        let is_meant = |other: Option<&str>| {
            version.is_none_or(|version| routes::version_key(Some(version)) == routes::version_key(other))
        };
        for row in objects::versions(tx, &REALM, &visible, &act.object)? {
            if is_meant(row.version.as_deref()) {
                let gone = Gone { id: row.id.clone(), version: row.version.clone() };
                if self.remove(tx, &gone, Why::Withdrawn)? {
                    self.say_gone(Why::Withdrawn, std::slice::from_ref(&gone.id));
                }
            }
        }
        let standing = objects::versions(tx, &REALM, &visible, &act.object)?;
        let is_held = standing.iter().any(|row| is_meant(row.version.as_deref()));
        if is_held || recalls::get(tx, &REALM, &act.id)?.is_some() {
            return Ok(false);
        }
        let What::Recall { name, deadline, .. } = &act.what else { return Ok(false) };
        let key = version.map(|version| routes::version_key(Some(version)));
        let mut recipients = releases::recipients_of(tx, &REALM, &act.object, key.as_deref())?;
        recipients.remove(&originator);
        let recall = Recall {
            id: act.id.clone(),
            object: act.object.clone(),
            version: version.map(str::to_owned),
            name: name.clone(),
            reason: act.reason.clone(),
            issuer: self.peer.organisation.clone(),
            originator,
            at: act.at,
            deadline: *deadline,
            sequence: objects::newest_sequence(tx)?,
        };
        let peers = recalls::add(tx, &REALM, &recall, &recipients)?;
        carry(tx, &self.own_hub.clone(), act, &peers)?;
        let text = format!("{}: {}", recall.name, recall.reason);
        self.tell(tx, ("recall", &recall.id), recipients, (&act.object, &text))?;
        self.note_act(Action::ObjectsRecalled, act);
        Ok(true)
    }

    /// A stricter level binds the older versions here, too; and everybody who was given the object is told.
    fn mark(&mut self, tx: &mut Tx<'_>, act: &Act, level: Tlp) -> Result<(), StoreError> {
        let Some(originator) = routes::brought_by(tx, &REALM, &act.object)? else { return Ok(()) };
        if self.speaks_for(tx, &act.object)? {
            sharing::change_labels(tx, &REALM, &act.object, None, |label| {
                sharing::marking::tighten(label, level, None);
            })?;
        }
        let mut recipients = releases::recipients(tx, &REALM, &act.object)?;
        recipients.remove(&originator);
        let peers = peers_among(tx, &recipients)?;
        carry(tx, &self.own_hub.clone(), act, &peers)?;
        self.tell(tx, ("release-changed", act.object.as_str()), recipients, (&act.object, &act.reason))?;
        self.note_act(Action::ReleaseChanged, act);
        Ok(())
    }

    /// Whether every way by which an object came leads over this peer.
    fn speaks_for(&self, reader: &Reader<'_>, object: &Id) -> Result<bool, StoreError> {
        let came = routes::of_object(reader, &REALM, object)?;
        let leads_here =
            |route: &routes::Route| route.peer == self.peer.id || route.hops.contains(&self.peer.hub);
        Ok(came.iter().filter(|route| route.held).all(leads_here))
    }

    fn tell(
        &mut self,
        tx: &mut Tx<'_>,
        subject: (&'static str, &str),
        recipients: BTreeMap<OrganisationId, BTreeSet<String>>,
        (object, text): (&Id, &str),
    ) -> Result<(), StoreError> {
        sharing::tell(tx, &REALM, recipients.into_keys().collect(), subject, (Some(object), text))?;
        self.done.has_told = true;
        Ok(())
    }

    fn note_act(&mut self, action: Action, act: &Act) {
        let event = AuditEvent::done(action, self.caller.actor.clone(), self.caller.purpose)
            .on([act.object.as_str()])
            .with("peer", self.peer.id.clone())
            .with("act", act.id.clone())
            .with("from", act.hops.first().cloned().unwrap_or_default());
        self.events.push(event);
    }
}

/// What peers are told of the acts that came from them: where something has changed since.
fn due(reader: &Reader<'_>, peer: &str) -> Result<Vec<Receipt>, StoreError> {
    let mut due = Vec::new();
    for came in carried::unsettled(reader, &REALM, peer, ACTS_MAX)? {
        let reach = reach(reader, &came)?;
        if came.told != Some(reach) {
            due.push(Receipt::of(&came.id, reach));
        }
    }
    Ok(due)
}

fn reach(reader: &Reader<'_>, came: &carried::In) -> Result<Reach, StoreError> {
    match came.kind {
        Kind::Recall if came.is_first => recalls::reach(reader, &REALM, &came.id),
        Kind::Recall | Kind::Marking => Ok(Reach { is_settled: true, ..Reach::default() }),
        Kind::Order | Kind::Report => Ok(letters::reach()),
    }
}

impl Receipt {
    fn of(id: &str, reach: Reach) -> Self {
        Self {
            id: id.to_owned(),
            holders: reach.holders,
            acknowledged: reach.acknowledged,
            settled: reach.is_settled,
        }
    }

    fn reach(&self) -> Reach {
        Reach { holders: self.holders, acknowledged: self.acknowledged, is_settled: self.settled }
    }
}

/// Tells a peer, as long as its stream is read, how far its acts have come here; returns when it cannot.
pub(super) async fn report(state: &AppState, client: &reqwest::Client, remote: &Remote) -> Trouble {
    loop {
        if let Err(trouble) = report_once(state, client, remote).await {
            return trouble;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn report_once(state: &AppState, client: &reqwest::Client, remote: &Remote) -> Result<(), Trouble> {
    let peer = remote.peer.id.clone();
    let receipts = state.store.read(move |reader| due(reader, &peer)).await?;
    if receipts.is_empty() {
        return Ok(());
    }
    let body = Receipts { receipts };
    let url = address(remote, "/peer/v1/receipts")?;
    let sent = client.post(url).timeout(ANSWER_WAIT).json(&body).send().await;
    good(sent.map_err(|e| link(&e))?).await?;
    let peer = remote.peer.id.clone();
    let write = move |tx: &mut Tx<'_>| {
        for receipt in &body.receipts {
            carried::told(tx, &REALM, &peer, &receipt.id, receipt.reach())?;
        }
        Ok(Written::bookkeeping(()))
    };
    Ok(state.store.write(write).await?)
}

/// What a peer that asks is told.
pub(super) fn answer(reader: &Reader<'_>, peer: &str, asked: &Asked) -> Result<Receipts, StoreError> {
    let mut receipts = Vec::new();
    for id in asked.ids.iter().take(ACTS_MAX) {
        if let Some(came) = carried::came(reader, &REALM, peer, id)? {
            receipts.push(Receipt::of(id, reach(reader, &came)?));
        }
    }
    Ok(Receipts { receipts })
}

/// Takes a peer's receipts.
pub(super) async fn take_receipts(state: &AppState, peer: &Peer, body: Receipts) -> Result<(), StoreError> {
    let peer = peer.clone();
    let write = move |tx: &mut Tx<'_>| {
        let mut events = Vec::new();
        for receipt in body.receipts.iter().take(ACTS_MAX) {
            // Of what was never on its way to it, it has nothing to tell.
            if carried::delivered(tx, &REALM, &peer.id, &receipt.id)? == Some(Kind::Recall) {
                recalls::put_beyond(tx, &REALM, &receipt.id, &peer.id, receipt.reach())?;
                if receipt.settled {
                    events.extend(acknowledge(tx, &peer, receipt)?);
                }
            }
        }
        Ok(if events.is_empty() {
            Written::bookkeeping(())
        } else {
            Written::audited_all((), &REALM, events)
        })
    };
    state.store.write(write).await
}

fn acknowledge(tx: &mut Tx<'_>, peer: &Peer, receipt: &Receipt) -> Result<Option<AuditEvent>, StoreError> {
    let part = Part::Peer(peer.id.clone());
    let done = recalls::acknowledge(tx, &REALM, &receipt.id, (&peer.organisation, &part), &peer.id);
    let is_news = match done {
        // It was given the object and is no holder: another peer stood in its place when it was recalled.
        Err(StoreError::NotFound { .. }) => false,
        done => done?,
    };
    let actor = Actor::Program { id: peer.id.clone(), organisation: peer.organisation.clone() };
    Ok(is_news.then(|| {
        AuditEvent::done(Action::RecallAcknowledged, actor, Purpose::CollectiveDefence)
            .with("recall", &receipt.id)
            .with("peer", peer.id.clone())
            .with("beyond", receipt.holders.to_string())
    }))
}

/// What a peer was sent by this hub's own accord, and has taken in. A hub that takes nothing in hears no more of it, so that counts
/// as the acknowledgement.
pub(super) async fn taken_in(state: &AppState, peer: &Peer, acts: Vec<String>) -> Result<(), StoreError> {
    if state.federation.own.one_way {
        let receipt = |id| Receipt { id, holders: 0, acknowledged: 0, settled: true };
        return take_receipts(state, peer, Receipts { receipts: acts.into_iter().map(receipt).collect() })
            .await;
    }
    let id = peer.id.clone();
    let write = move |tx: &mut Tx<'_>| {
        for act in &acts {
            carried::delivered(tx, &REALM, &id, act)?;
        }
        Ok(Written::bookkeeping(()))
    };
    state.store.write(write).await
}

/// What stood in batches up to this one has left an outlet's folder. More is never heard of it, so a recall in them counts as
/// acknowledged. Whether none of those waits any more.
pub(super) async fn left(state: &AppState, peer: &Peer, through: i64) -> Result<bool, StoreError> {
    let asked = peer.clone();
    let look = move |reader: &Reader<'_>| {
        let pending = recalls::pending_for_peer(reader, &REALM, &asked.organisation, &asked.id)?;
        let is_all = pending.len() < recalls::RECALLS_MAX;
        let mut left = Vec::new();
        for recall in pending {
            let batch = carried::batch_of(reader, &REALM, &asked.id, &recall.id)?;
            if (1..=through).contains(&batch) {
                left.push((recall.id, batch));
            }
        }
        Ok((left, is_all))
    };
    let (left, is_all) = state.store.read(look).await?;
    if left.is_empty() {
        return Ok(is_all);
    }
    let peer = peer.clone();
    let write = move |tx: &mut Tx<'_>| {
        let part = Part::Peer(peer.id.clone());
        let mut events = Vec::new();
        for (recall, batch) in &left {
            let by = format!("{} (batch {batch})", peer.id);
            recalls::acknowledge(tx, &REALM, recall, (&peer.organisation, &part), &by)?;
            let actor = Actor::Program { id: peer.id.clone(), organisation: peer.organisation.clone() };
            let event = AuditEvent::done(Action::RecallAcknowledged, actor, Purpose::CollectiveDefence);
            events.push(
                event.with("recall", recall).with("peer", peer.id.clone()).with("batch", batch.to_string()),
            );
        }
        Ok(Written::audited_all((), &REALM, events))
    };
    state.store.write(write).await?;
    Ok(is_all)
}

/// Asks a peer that cannot reach this hub how far recalls have come there.
pub(super) async fn ask(state: &AppState, client: &reqwest::Client, remote: &Remote) -> Result<(), Trouble> {
    let peer = remote.peer.clone();
    let pending = state
        .store
        .read(move |reader| recalls::pending_for_peer(reader, &REALM, &peer.organisation, &peer.id));
    let ids: Vec<String> = pending.await?.into_iter().map(|recall| recall.id).take(ACTS_MAX).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let url = address(remote, "/peer/v1/receipts/asked")?;
    let sent = client.post(url).timeout(ANSWER_WAIT).json(&Asked { ids }).send().await;
    let answer = good(sent.map_err(|e| link(&e))?).await?;
    let body = super::push::bounded(answer).await?;
    let receipts: Receipts = serde_json::from_slice(&body)
        .map_err(|_| Trouble::Fault("its answer is no list of receipts".to_owned()))?;
    Ok(take_receipts(state, &remote.peer, receipts).await?)
}
