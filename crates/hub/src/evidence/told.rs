//! Evidence as it is told to a caller who may see it.

use std::sync::atomic::Ordering;

use api::{
    Evidence, EvidenceAskable, EvidenceAskableHub, EvidenceCustody, EvidenceHold, EvidenceItem,
    EvidenceNamed, EvidenceOffer, EvidenceParty, EvidenceRequest, EvidenceRequestStep, Words,
};
use jiff::Timestamp;
use oversight::OrganisationId;
use oversight::custody::Party;
use oversight::reason::CustodyReason;
use policy::Operation;
use stix::Id;
use store::evidence::abroad::{self as passed, Named};
use store::evidence::requests::{self, Request};
use store::evidence::{self as rows, Item, State, holds};
use store::{Reader, StoreError};
use uuid::Uuid;
use vault::ClassKeyId;

use super::abroad::{askable, is_abroad};
use super::fetched::{Coming, may_receive};
use super::{custody, label, requests as asking};
use crate::principal::Caller;
use crate::reports::abroad::{hub_of, words_of};
use crate::state::AppState;

/// For whom it is told, and on which snapshot.
pub(crate) struct Telling<'a, 'c> {
    pub(crate) reader: &'a Reader<'c>,
    pub(crate) state: &'a AppState,
    pub(crate) caller: &'a Caller,
}

impl Telling<'_, '_> {
    /// An item.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn item(&self, item: &Item) -> Result<EvidenceItem, StoreError> {
        let (reader, realm) = (self.reader, self.caller.realm());
        let held = self.is_held(item)?;
        let kept = item.kept.as_ref();
        let offer = match &item.offer {
            Some(offer) => Some(EvidenceOffer {
                to: party(custody::named(reader, realm, &offer.organisation, offer.person.as_deref())?),
                at: offer.at.to_string(),
                request: offer.request.map(|request| request.to_string()),
            }),
            None => None,
        };
        Ok(EvidenceItem {
            id: item.new.id,
            case: item.new.case.to_string(),
            name: item.new.name.clone(),
            kind: item.new.kind.clone(),
            description: item.new.description.clone(),
            collector: item.new.collector.clone(),
            seized_at: item.new.seized_at.clone(),
            seized_where: item.new.seized_where.clone(),
            label: label::told(reader, self.caller, item.new.label)?,
            state: state_name(item.state).to_owned(),
            organisation: item.new.organisation.to_string(),
            custodian: party(custody::custodian(reader, realm, item)?),
            received: kept.map(|kept| kept.received.to_string()),
            size: kept.map(|kept| kept.size),
            sha256: kept.map(|kept| kept.sha256.clone()),
            sha3_256: kept.map(|kept| kept.sha3_256.clone()),
            kept_until: self.kept_until(item).map(|at| at.to_string()),
            disposed: item.disposed.map(|at| at.to_string()),
            held,
            offer,
            entries: item.entries,
            may: self.may(item, held)?,
        })
    }

    /// An item with its custody and holds.
    ///
    /// # Errors
    /// Those of the database; an entry is not what was written.
    pub(crate) fn whole(&self, item: &Item) -> Result<Evidence, StoreError> {
        let entries = custody::entries(self.reader, self.caller.realm(), item)?;
        let told = entries.into_iter().map(|(entry, logged)| EvidenceCustody {
            number: entry.number,
            at: entry.at.to_string(),
            act: entry.act.name().to_owned(),
            by: entry.by.map(party),
            from: entry.from.map(party),
            to: entry.to.map(party),
            why_code: CustodyReason::of(&entry.why).map(|reason| reason.code().to_owned()),
            why: entry.why,
            legal_basis: entry.legal_basis,
            sha256: entry.content.sha256,
            facts: entry.facts,
            hash: logged.hash,
            leaf: logged.leaf,
        });
        let custody = told.collect();
        let holds = holds::of_item(self.reader, self.caller.realm(), item.new.id)?;
        let holds = holds.into_iter().map(|hold| self.hold(hold)).collect::<Result<_, _>>()?;
        Ok(Evidence { item: self.item(item)?, custody, holds })
    }

    fn hold(&self, hold: holds::Hold) -> Result<EvidenceHold, StoreError> {
        let (reader, realm) = (self.reader, self.caller.realm());
        let by = custody::named(reader, realm, &hold.organisation, Some(&hold.person))?;
        let lifted_by = match &hold.lifted {
            Some((person, _, _)) => {
                let known = custody::named(reader, realm, &hold.organisation, Some(person))?;
                Some(known.name.unwrap_or_else(|| person.clone()))
            }
            None => None,
        };
        Ok(EvidenceHold {
            id: hold.id.to_string(),
            by: party(by),
            reason: hold.reason,
            legal_basis: hold.legal_basis,
            set: hold.set.to_string(),
            lifted: hold.lifted.as_ref().map(|(_, _, at)| at.to_string()),
            lifted_by,
            lift_reason: hold.lifted.map(|(_, why, _)| why),
        })
    }

    /// Whether an item may not be destroyed now: by a hold of its own, or by one of the commission on its class.
    fn is_held(&self, item: &Item) -> Result<bool, StoreError> {
        let class_key = item.kept.as_ref().and_then(|kept| kept.class_key.as_deref());
        let by_class = class_key.zip(self.state.retention.as_ref());
        let by_class = by_class.is_some_and(|(key, retention)| retention.is_held(key));
        Ok(by_class || holds::is_held(self.reader, self.caller.realm(), item.new.id)?)
    }

    fn kept_until(&self, item: &Item) -> Option<Timestamp> {
        let class_key = item.kept.as_ref()?.class_key.as_deref()?;
        let classes = &self.state.config.retention.as_ref()?.classes;
        classes.expires(&ClassKeyId::parse(class_key).ok()?)
    }

    /// What the caller may do with an item.
    fn may(&self, item: &Item, held: bool) -> Result<Vec<String>, StoreError> {
        let own = &self.caller.principal.organisation;
        let [handles, keeps] = [Operation::HandleEvidence, Operation::KeepEvidence]
            .map(|operation| self.caller.may(self.state, operation));
        let (is_here, has_it) = (item.state == State::Kept, item.custodian == *own);
        let is_offered = item.offer.as_ref().is_some_and(|offer| {
            offer.organisation == *own
                && offer.person.as_ref().is_none_or(|person| person == self.caller.id())
        });
        let set = holds::of_item(self.reader, self.caller.realm(), item.new.id)?;
        let may_lift = set.iter().any(|hold| hold.lifted.is_none() && hold.person != self.caller.id());
        let all = [
            ("upload", handles && item.state == State::Announced && item.new.organisation == *own),
            ("download", handles && is_here),
            ("offer", handles && is_here && has_it && item.offer.is_none()),
            ("withdraw", handles && has_it && item.offer.is_some()),
            ("accept", handles && is_offered),
            ("decline", handles && is_offered),
            ("label", handles && has_it && item.state != State::Announced),
            ("hold", keeps && is_here && has_it),
            ("lift", keeps && has_it && may_lift),
            ("dispose", keeps && is_here && has_it && !held),
        ];
        Ok(all.into_iter().filter(|(_, may)| *may).map(|(name, _)| name.to_owned()).collect())
    }

    /// A request that concerns the caller's organisation.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn request(&self, request: &Request) -> Result<EvidenceRequest, StoreError> {
        let (reader, realm) = (self.reader, self.caller.realm());
        let new = &request.new;
        let visible = super::visible(reader, self.state, self.caller)?;
        let mut items = Vec::new();
        for id in requests::items(reader, realm, new.id)? {
            if rows::get(reader, realm, &visible, id)?.is_some() {
                items.push(id.to_string());
            }
        }
        let notes = passed::notes(reader, realm, new.id)?;
        let files = passed::named(reader, realm, new.id)?.into_iter();
        let named = files.map(|one| self.named(new.id, one)).collect::<Result<Vec<_>, StoreError>>()?;
        let step = |step: requests::Step| {
            let note = notes.iter().find(|note| note.number == step.number);
            Ok(EvidenceRequestStep {
                at: step.at.to_string(),
                step: step.step,
                by: self.who(&step.organisation, &step.person)?,
                note: step.note,
                leaf: step.leaf,
                their_leaf: note.and_then(|note| note.leaf),
            })
        };
        let steps = requests::steps(reader, realm, new.id)?;
        let answers = asking::answers(self.state, self.caller, request).into_iter().map(asking::Answer::name);
        let receives = !named.is_empty() && may_receive(self.state, self.caller, request);
        let may = answers.chain(receives.then_some("receive"));
        Ok(EvidenceRequest {
            id: new.id,
            case: new.case.to_string(),
            kind: new.kind.name().to_owned(),
            state: request.state.name().to_owned(),
            from: self.who(&new.asker, &new.asker_person)?,
            from_name: self.name_abroad(&new.asker)?,
            to: new.asked.to_string(),
            to_name: self.name_abroad(&new.asked)?,
            subject: new.subject.clone(),
            legal_basis: new.legal_basis.clone(),
            reference: Some(new.reference.clone()).filter(|reference| !reference.is_empty()),
            due: new.due.to_string(),
            overdue: request.state.is_open() && new.due <= reader.now(),
            opened: request.opened.to_string(),
            items,
            may: may.map(str::to_owned).collect(),
            named,
            steps: steps.into_iter().map(step).collect::<Result<_, StoreError>>()?,
        })
    }

    /// A file of another hub, and how far it is here.
    fn named(&self, request: Uuid, named: Named) -> Result<EvidenceNamed, StoreError> {
        let (reader, realm) = (self.reader, self.caller.realm());
        let Named { item, name, size, sha256, custody, entries, own } = named;
        let found = match own {
            Some(own) => rows::for_node(reader, realm, own)?,
            None => None,
        };
        let coming = self.state.federation.arriving.of((request, item));
        let (state, arrived, trouble) = match (found.as_ref().map(|found| found.state), coming) {
            (Some(State::Kept), _) => ("here", None, None),
            (Some(State::Disposed), _) => ("destroyed", None, None),
            (_, Some(Coming::Underway(bytes))) => ("coming", Some(bytes.load(Ordering::Relaxed)), None),
            (_, Some(Coming::Failed(reason))) => ("there", None, Some(reason.to_owned())),
            (_, None) => ("there", None, None),
        };
        let visible = super::visible(reader, self.state, self.caller)?;
        let seen = found.filter(|found| found.state != State::Announced && visible.contains(found.new.label));
        Ok(EvidenceNamed {
            item: item.to_string(),
            name,
            size,
            sha256,
            custody,
            entries,
            state: state.to_owned(),
            arrived,
            trouble,
            own: seen.map(|found| found.new.id.to_string()),
        })
    }

    /// Whom of other hubs the caller can ask about a case; nobody where it may not ask.
    ///
    /// # Errors
    /// As [`askable`].
    pub(crate) fn askable(&self, case: &Id) -> Result<Vec<EvidenceAskableHub>, StoreError> {
        if !self.caller.may(self.state, Operation::RequestEvidence) {
            return Ok(Vec::new());
        }
        let mut hubs: Vec<EvidenceAskableHub> = Vec::new();
        for one in askable(self.reader, self.state, self.caller, case)? {
            let told = EvidenceAskable { id: one.name.to_string(), name: one.words };
            match hubs.last_mut().filter(|last| last.hub == one.peer.id) {
                Some(last) => last.organisations.push(told),
                None => {
                    let words = hub_of(self.reader, &one.name)?.map(|(_, words)| words);
                    let bare = || Words { ja: one.peer.id.clone(), en: one.peer.id.clone() };
                    let name = words.unwrap_or_else(bare);
                    hubs.push(EvidenceAskableHub { hub: one.peer.id, name, organisations: vec![told] });
                }
            }
        }
        Ok(hubs)
    }

    /// Who made a step. Of an account at another hub nothing is known here but what its hub says that the person is called.
    fn who(&self, organisation: &OrganisationId, person: &str) -> Result<EvidenceParty, StoreError> {
        if !is_abroad(organisation) {
            let known = custody::named(self.reader, self.caller.realm(), organisation, Some(person))?;
            return Ok(party(known));
        }
        let name = Some(person.to_owned()).filter(|name| !name.is_empty());
        Ok(EvidenceParty { organisation: organisation.to_string(), account: None, name })
    }

    /// What an organisation of another hub is called.
    fn name_abroad(&self, name: &OrganisationId) -> Result<Option<Words>, StoreError> {
        if is_abroad(name) { words_of(self.reader, name) } else { Ok(None) }
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Announced => "announced",
        State::Kept => "kept",
        State::Disposed => "disposed",
    }
}

fn party(party: Party) -> EvidenceParty {
    let Party { organisation, account, name } = party;
    EvidenceParty { organisation: organisation.to_string(), account, name }
}
