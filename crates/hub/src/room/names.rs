//! How organisations are named in entries: by the hub that speaks for them and their short name there.
//!
//! `coordinator` is another organisation on each hub. So an entry names `9f86d081884c7d65-coordinator`: the beginning of the hub's id, which is
//! made from its key and the same everywhere, and the name there. An organisation that runs a hub of its own is meant by that hub's name.

use std::collections::BTreeMap;

use api::RoomName;
use oversight::{OrganisationId, Realm};
use store::organisations::{self, Organisation};
use store::{Reader, StoreError, peers, people};

use crate::first_start::coordinator;
use crate::sharing::unfit;

/// So much of a hub's id stands in a name.
const HUB_CHARS: usize = 16;

/// The names of the organisations that are known here.
pub(crate) struct Names {
    own: String,
    council: BTreeMap<OrganisationId, Organisation>,
    /// The beginnings of other hubs' ids, and the organisations that they are bound to here.
    hubs: Vec<(String, OrganisationId)>,
    coordinator: OrganisationId,
}

impl Names {
    /// # Errors
    /// Those of the database.
    pub(crate) fn read(reader: &Reader<'_>, realm: &Realm, own_hub: &str) -> Result<Self, StoreError> {
        let council = organisations::list(reader, realm)?;
        let hubs = peers::list(reader, realm)?;
        Ok(Self {
            own: beginning(own_hub),
            council: council.into_iter().map(|known| (known.id.clone(), known)).collect(),
            hubs: hubs.into_iter().map(|peer| (beginning(&peer.hub), peer.organisation)).collect(),
            coordinator: coordinator()?,
        })
    }

    /// The name under which an organisation's people write on this hub.
    ///
    /// # Errors
    /// Its short name is too long to be told to others.
    pub(crate) fn writer(&self, here: &OrganisationId) -> Result<OrganisationId, StoreError> {
        joined(&self.own, here)
    }

    /// The name by which an organisation of this council is meant: its own hub's, where it runs one.
    pub(super) fn meant(&self, here: &OrganisationId) -> Result<OrganisationId, StoreError> {
        match self.hubs.iter().find(|(_, bound)| bound == here) {
            Some((hub, _)) => joined(hub, &self.coordinator),
            None => self.writer(here),
        }
    }

    /// The organisation here that a name means; nothing for the members of other hubs.
    pub(crate) fn here(&self, name: &OrganisationId) -> Option<&OrganisationId> {
        let (hub, short) = parts(name)?;
        if hub == self.own {
            return self.council.keys().find(|known| known.as_str() == short);
        }
        let bound = self.hubs.iter().find(|(known, _)| known == hub).map(|(_, bound)| bound);
        bound.filter(|_| short == self.coordinator.as_str())
    }

    /// What a request names: a short name of this council, or a name as an entry has it.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn asked(&self, text: &str) -> Result<OrganisationId, StoreError> {
        let unknown =
            || unfit("unknown-organisation", format!("`{text}` is no organisation that is known here"));
        let name = OrganisationId::parse(text).ok_or_else(unknown)?;
        if self.council.contains_key(&name) {
            return self.meant(&name);
        }
        match parts(&name) {
            Some((hub, _)) if hub != self.own || self.here(&name).is_some() => Ok(name),
            _ => Err(unknown()),
        }
    }

    /// A person that a request names: an account of this hub writes under this hub's name.
    ///
    /// # Errors
    /// Those of the database; an organisation that is not known.
    pub(crate) fn person(
        &self,
        reader: &Reader<'_>,
        realm: &Realm,
        person: &api::RoomPerson,
    ) -> Result<api::RoomPerson, StoreError> {
        let organisation = match people::get(reader, realm, &person.account)? {
            Some(known) => self.writer(&known.organisation)?,
            None => self.asked(&person.organisation)?,
        };
        Ok(api::RoomPerson { account: person.account.clone(), organisation: organisation.to_string() })
    }

    /// What an organisation is called.
    pub(crate) fn told(&self, name: &OrganisationId) -> RoomName {
        if let Some(known) = self.here(name).and_then(|here| self.council.get(here)) {
            let here = Some(known.id.to_string());
            return RoomName { ja: known.name_ja.clone(), en: known.name_en.clone(), here };
        }
        let Some((hub, short)) = parts(name) else {
            return RoomName { ja: name.to_string(), en: name.to_string(), here: None };
        };
        let speaks = self.hubs.iter().find(|(known, _)| known == hub);
        match speaks.and_then(|(_, bound)| self.council.get(bound)) {
            Some(hub) => RoomName {
                ja: format!("{short}（{}）", hub.name_ja),
                en: format!("{short} ({})", hub.name_en),
                here: None,
            },
            None => RoomName { ja: short.to_owned(), en: short.to_owned(), here: None },
        }
    }
}

/// The beginning of a hub's id.
pub(crate) fn beginning(hub: &str) -> String {
    hub.chars().take(HUB_CHARS).collect()
}

/// A name's hub, and the short name there.
pub(crate) fn parts(name: &OrganisationId) -> Option<(&str, &str)> {
    let (hub, short) = name.as_str().split_at_checked(HUB_CHARS)?;
    let is_hub = hub.bytes().all(|byte| byte.is_ascii_hexdigit());
    short.strip_prefix('-').filter(|short| is_hub && !short.is_empty()).map(|short| (hub, short))
}

/// Whether a hub speaks for an organisation: by its name it is one of that hub's.
pub(crate) fn speaks_for(hub: &str, whose: &OrganisationId) -> bool {
    parts(whose).is_some_and(|(of, _)| of == beginning(hub))
}

/// The name of a hub's organisation.
///
/// # Errors
/// Its short name is too long to be told to others.
pub(crate) fn joined(hub: &str, short: &OrganisationId) -> Result<OrganisationId, StoreError> {
    OrganisationId::parse(&format!("{hub}-{short}")).ok_or_else(|| {
        let longest = 64 - HUB_CHARS - 1;
        let why = format!(
            "the short name `{short}` is longer than the {longest} characters that other hubs can be told"
        );
        unfit("long-name", why)
    })
}
