//! A report that is kept at another hub, as an organisation here has it: the copies that it was given, their receipts, and what it answered.
//!
//! There is no row of a copy beside the log: what the reader may not see, because it was recalled, taken back, or because the agreement under which it
//! came does not give it to this organisation, is not there.

use std::sync::Arc;

use api::{ReportFile, ReportFiling, ReportReceipt, ReportSummary, Words};
use oversight::OrganisationId;
use policy::{LabelKey, Visible};
use regime::{Attachment, Copy, EventId, Regimes, Reply};
use stix::Id;
use store::reports::Filed;
use store::reports::abroad::{self as rows, Came};
use store::reports::receipts::{self, Checked};
use store::{Reader, StoreError, objects};

use super::abroad::hub_of;
use super::came::sha2_of;
use super::contents::listed;
use super::passed::{Passed, Says};
use super::{proved, told};
use crate::REALM;
use crate::api::summaries::{leaving, parse};
use crate::principal::Caller;
use crate::release::Leaving;
use crate::room::names::{beginning, joined};
use crate::state::AppState;

/// Notes about one incident that are looked at, the newest.
const NOTES_MAX: usize = 2_000;

/// What an organisation here has of a report of another hub.
pub(crate) struct Elsewhere {
    /// Which report, and whose.
    pub(crate) came: Came,
    /// What the reader's organisation may read.
    pub(crate) visible: Arc<Visible>,
    /// What passed, oldest first, each with its object on its way out.
    passed: Vec<(Passed, Leaving)>,
    /// What was found out about its receipts, also about those that the reader sees no more.
    checked: Vec<Checked>,
}

impl Elsewhere {
    /// What the caller's organisation has of a report.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where that is no copy.
    pub(crate) fn seen(
        reader: &Reader<'_>,
        state: &AppState,
        caller: &Caller,
        id: &Id,
    ) -> Result<Self, StoreError> {
        let missing = || StoreError::NotFound { what: id.to_string() };
        let organisation = &caller.principal.organisation;
        let came = rows::came(reader, caller.realm(), organisation, id)?.ok_or_else(missing)?;
        let own = joined(&beginning(&state.federation.own.hub), organisation)?;
        let visible = state.door.visible(reader, &caller.principal)?;
        let mut passed = Vec::new();
        for mention in objects::referring_to(reader, &REALM, &visible, id, NOTES_MAX)? {
            let Ok(one) = Passed::from_stix(&parse(&mention.row)?) else { continue };
            let is_between = |from: &OrganisationId, to: &OrganisationId| one.from == *from && one.to == *to;
            let is_ours = match one.says {
                Says::Given { .. } | Says::Receipt { .. } => is_between(&came.giver, &own),
                Says::Answered { .. } => is_between(&own, &came.giver),
            };
            if is_ours && one.report == *id {
                passed.push((one, leaving(&mention.row)));
            }
        }
        passed.sort_by_key(|(one, leaving)| (one.at, leaving.sequence));
        let checked = receipts::checked(reader, &REALM, id)?;
        let found = Self { came, visible, passed, checked };
        if found.copies().next().is_some() { Ok(found) } else { Err(missing()) }
    }

    /// The copies, oldest first.
    fn copies(&self) -> impl Iterator<Item = (&Passed, &Leaving)> {
        let is_copy = |(one, _): &&(Passed, Leaving)| matches!(one.says, Says::Given { .. });
        self.passed.iter().filter(is_copy).map(|(one, leaving)| (one, leaving))
    }

    /// A copy by its filing's event, as filings of this hub are kept, and its object on its way out.
    pub(crate) fn copy(&self, event: &str, organisation: &OrganisationId) -> Option<(Filed, &Leaving)> {
        let (one, leaving) = self.copies().find(|(one, _)| one.filing.to_string() == event)?;
        filed(one, organisation).map(|filed| (filed, leaving))
    }

    /// A file that a copy lists, and that copy's object with its way out.
    pub(crate) fn file(&self, sha256: &str) -> Option<(Attachment, Id, &Leaving)> {
        self.copies().find_map(|(one, leaving)| {
            let file = files_of(one).into_iter().find(|file| file.sha256 == sha256)?;
            Some((file, one.id(), leaving))
        })
    }

    /// The files that the copies list, each once.
    pub(crate) fn files(&self) -> Vec<ReportFile> {
        let mut files: Vec<Attachment> = Vec::new();
        for file in self.copies().flat_map(|(one, _)| files_of(one)) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files.iter().map(told::file).collect()
    }

    /// The receipt of a filing, once it is here, and its object on its way out.
    pub(crate) fn receipt(&self, event: &str) -> Option<(&str, &Leaving)> {
        self.newest_receipt(event).map(|(_, proof, leaving)| (proof, leaving))
    }

    fn newest_receipt(&self, event: &str) -> Option<(&Passed, &str, &Leaving)> {
        self.passed.iter().rev().find_map(|(one, leaving)| match &one.says {
            Says::Receipt { proof } if one.filing.to_string() == event => {
                Some((one, proof.as_str(), leaving))
            }
            _ => None,
        })
    }

    /// What was found out about the receipt of a copy; nothing while there is none.
    fn proved(&self, copy: &Passed) -> Option<ReportReceipt> {
        let Says::Given { sha256, .. } = &copy.says else { return None };
        let (receipt, _, _) = self.newest_receipt(&copy.filing.to_string())?;
        let object = receipt.id();
        Some(proved::told(self.checked.iter().find(|checked| checked.object == object), sha256))
    }

    /// The labels of all of it.
    pub(crate) fn labels(&self) -> Vec<LabelKey> {
        let mut labels: Vec<LabelKey> = self.passed.iter().map(|(_, leaving)| leaving.label).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// A line of a list.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn summary(&self, reader: &Reader<'_>) -> Result<ReportSummary, StoreError> {
        let hub = hub_of(reader, &self.came.giver)?.map(|(_, words)| words);
        Ok(ReportSummary {
            id: self.came.report.to_string(),
            organisation: self.came.giver.to_string(),
            organisation_name: self.giver().cloned(),
            hub,
            title: None,
            kinds: Vec::new(),
            opened: self.came.came.to_string(),
            changed: self.came.changed.to_string(),
            own: false,
            next_due: None,
        })
    }

    /// What whoever gave the copies is called, as it said last.
    fn giver(&self) -> Option<&Words> {
        self.copies().last().and_then(|(one, _)| match &one.says {
            Says::Given { name, .. } => Some(name),
            _ => None,
        })
    }

    /// The copies as filings.
    pub(crate) fn filings(&self, regimes: &Regimes, organisation: &OrganisationId) -> Vec<ReportFiling> {
        let by_name = self.giver().map(Words::both);
        let told = |(one, _): (&Passed, &Leaving)| {
            let filed = filed(one, organisation)?;
            let filing = told::filing(&filed, by_name.clone(), regimes);
            Some(ReportFiling { object: Some(one.id().to_string()), receipt: self.proved(one), ..filing })
        };
        self.copies().filter_map(told).collect()
    }

    /// What was answered, oldest first, each with the name of who did.
    pub(crate) fn replies(&self, organisation: &OrganisationId) -> Vec<(Reply, Option<String>)> {
        let reply = |(one, _): &(Passed, Leaving)| {
            let Says::Answered { answer, name } = &one.says else { return None };
            let (copy, _) = self.copies().find(|(copy, _)| copy.filing == one.filing)?;
            let filed = filed(copy, organisation)?;
            let reply = Reply {
                // It is an event at the hub where the report is kept; here it is an object.
                event: EventId(sha2_of(one)),
                regime: filed.regime,
                stage: filed.stage,
                recipient: filed.recipient,
                at: one.at,
                answer: answer.clone(),
            };
            Some((reply, name.clone()))
        };
        self.passed.iter().filter_map(reply).collect()
    }
}

/// The files that a copy lists.
fn files_of(one: &Passed) -> Vec<Attachment> {
    match &one.says {
        Says::Given { copy, .. } => listed(copy.as_bytes()),
        Says::Receipt { .. } | Says::Answered { .. } => Vec::new(),
    }
}

/// A copy as filings of this hub are kept; nothing where it is none, which was looked at when it came.
fn filed(one: &Passed, organisation: &OrganisationId) -> Option<Filed> {
    let Says::Given { copy, leaf, .. } = &one.says else { return None };
    let form = Copy::parse(copy.as_bytes()).ok()?;
    let (regime, stage, recipient) = form.names();
    Some(Filed {
        event: one.filing,
        send: String::new(),
        regime: regime.to_owned(),
        stage: stage.to_owned(),
        recipient: recipient.to_owned(),
        given_to: Some(organisation.clone()),
        at: one.at,
        actor: one.from.to_string(),
        copy: form.bytes().to_vec(),
        leaf: *leaf,
    })
}
