//! The marking that somebody chooses for what it publishes, or would publish.

use oversight::{OrganisationId, Qualification};
use policy::{GroupId, demand_marking};
use serde::Deserialize;
use stix::marking::Pap;
use stix::{Id, Marks};
use store::sharing_groups;

use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::sharing::level;
use crate::state::AppState;

/// Sharing groups that are put on objects at once.
const GROUPS_MAX: usize = 8;

/// Clearances and oaths that are demanded at once.
const DEMANDS_MAX: usize = 8;

/// Markings for the objects of a body, put on them before they are read. Everything else of them stays as it was written.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Chosen {
    /// TLP level: `clear`, `green`, `amber`, `amber+strict`, `red`.
    #[serde(default)]
    pub(crate) tlp: String,
    /// PAP level: `clear`, `green`, `amber`, `red`.
    #[serde(default)]
    pub(crate) pap: String,
    /// Sharing groups that the caller's organisation is in or owns, by their UUIDs, separated by commas; at most 8.
    #[serde(default)]
    pub(crate) group: String,
    /// Clearances and oaths that its readers have to hold (`clearance:…`, `oath:…`), separated by commas; at most 8.
    #[serde(default)]
    pub(crate) demand: String,
    /// `unmarked`: on what bears no marking of its own; `all`: on everything, in place of levels of the same kind. `unmarked` where
    /// absent.
    #[serde(default)]
    pub(crate) over: String,
    /// Whether each object bears an ACS marking (ISA ACS 3.0a) besides that says what its TLP and PAP levels say, for readers who
    /// read no others; its definition comes in beside them and is counted. Where something cannot be said in ACS, nothing is
    /// published. The stricter of both holds here.
    #[serde(default)]
    pub(crate) acs: bool,
}

impl Chosen {
    /// Whose ACS markings are asked for, if any are.
    pub(crate) fn stated_by(&self, caller: &Caller) -> Option<OrganisationId> {
        self.acs.then(|| caller.principal.organisation.clone())
    }

    /// What is to be put on objects.
    ///
    /// # Errors
    /// 422 where there is no such level, group or way. A group that the caller may not know of is none.
    pub(crate) async fn marks(&self, state: &AppState, caller: &Caller) -> Answer<Marks> {
        let tlp = if self.tlp.is_empty() { None } else { Some(level(&self.tlp)?) };
        let pap = if self.pap.is_empty() { None } else { Some(&self.pap) };
        let pap = pap
            .map(|name| {
                Pap::parse(name).ok_or_else(|| {
                    Failure::rule("not-one-of", "pap: it is one of `clear`, `green`, `amber`, `red`")
                })
            })
            .transpose()?;
        let over_others = match self.over.as_str() {
            "" | "unmarked" => false,
            "all" => true,
            _ => return Err(Failure::rule("not-one-of", "over: it is `unmarked` or `all`")),
        };
        let names: Vec<&str> = self.group.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.len() > GROUPS_MAX {
            return Err(Failure::rule("count", format!("group: at most {GROUPS_MAX} at once")));
        }
        let mut groups = Vec::with_capacity(names.len());
        for name in names {
            let unknown = || {
                Failure::rule(
                    "no-such-group",
                    format!("group: your organisation is in no sharing group `{name}`"),
                )
            };
            groups.push(name.parse::<GroupId>().map_err(|_| unknown())?);
        }
        let unknown = unknown_group(state, caller, groups.clone()).await?;
        if let Some(unknown) = unknown {
            let why = format!("group: your organisation is in no sharing group `{unknown}`");
            return Err(Failure::rule("no-such-group", why));
        }
        let others = groups.into_iter().map(GroupId::marking).chain(self.demands(state)?);
        Ok(Marks { tlp, pap, others: others.collect(), over_others })
    }

    /// The markings of the clearances and oaths that are demanded.
    fn demands(&self, state: &AppState) -> Answer<Vec<Id>> {
        let engine = state.engine.load();
        let names = self.demand.split(',').map(str::trim).filter(|name| !name.is_empty());
        let read = |name: &str| {
            let found = name.parse::<Qualification>().ok();
            found.filter(|one| engine.clearances().get(one).is_some()).ok_or_else(|| {
                let known: Vec<String> =
                    engine.clearances().iter().map(|(one, _)| format!("`{one}`")).collect();
                Failure::rule("not-one-of", format!("demand: each is one of {}", known.join(", ")))
            })
        };
        let demanded = names.map(read).collect::<Answer<Vec<_>>>()?;
        if demanded.len() > DEMANDS_MAX {
            return Err(Failure::rule("count", format!("demand: at most {DEMANDS_MAX} at once")));
        }
        Ok(demanded.iter().map(demand_marking).collect())
    }
}

/// The first of some groups that the caller's organisation is not in and does not own.
async fn unknown_group(state: &AppState, caller: &Caller, groups: Vec<GroupId>) -> Answer<Option<GroupId>> {
    if groups.is_empty() {
        return Ok(None);
    }
    let asker = caller.clone();
    let found = state.store.read(move |reader| {
        let (realm, own) = (asker.realm(), &asker.principal.organisation);
        let members = sharing_groups::members(reader, realm)?;
        let all = sharing_groups::list(reader, realm)?;
        let is_known = |group: &GroupId| {
            members.get(group).is_some_and(|members| members.contains(own))
                || all.iter().any(|known| known.id == *group && known.owner == *own)
        };
        Ok(groups.into_iter().find(|group| !is_known(group)))
    });
    Ok(found.await?)
}
