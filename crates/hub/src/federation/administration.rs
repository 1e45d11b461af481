//! Peers are added, changed and removed here, whoever asks: the REST handlers, and the command line through the hub's socket or over
//! the data folder of a hub that is stopped.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use oversight::{Action, Actor, AuditEvent, OrganisationRole, Purpose, Realm};
use store::batches::{self, Series};
use store::peers::{self, Peer, State, Way};
use store::{Act, Store, StoreError, Tx, organisations, settings};
use tlog::SigningKey;
use url::Url;

use super::card::{Card, check_address, hub_id, is_hub_id};
use super::identity::Identity;
use super::one_way::{BYTES_MAX, FILES_MAX, new_series};
use crate::administration::{By, Error, short_name};
use crate::config::HubConfig;
use crate::state::AppState;
use crate::{HubError, REALM, first_start};

/// The setting that holds the card's changing part: where the hub is reached, and what it is called.
const CARD_SETTING: &str = "federation.card";
/// Longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 500;

/// What this hub tells of itself; kept in the store, so that the card can be printed while the hub is stopped.
pub(crate) async fn own_card(
    config: &HubConfig,
    store: &Store,
    key: &SigningKey,
    identity: &Identity,
    address: Option<Url>,
) -> Result<Card, HubError> {
    let verifying = key.verifying_key();
    let card = Card {
        hub: hub_id(&verifying),
        name_ja: config.name_ja.clone(),
        name_en: config.name_en.clone(),
        address,
        one_way: config.federation.one_way,
        certificate: STANDARD.encode(identity.certificate()),
        key: verifying.encode(),
        issued: Timestamp::now(),
    };
    let kept = serde_json::to_vec(&card).map_err(|e| HubError::new("card", e.to_string()))?;
    store.write(move |tx| settings::put(tx, &REALM, CARD_SETTING, &kept).map(Act::bookkeeping)).await?;
    Ok(card)
}

/// The hub's card as it is given out, from its data folder.
///
/// # Errors
/// [`Error::Invalid`] where the hub was never started, or its key is not there.
pub async fn signed_card(store: &Store, data: &Path) -> Result<String, Error> {
    let kept = store.read(|reader| settings::get(reader, &REALM, CARD_SETTING)).await?;
    let missing = || Error::Invalid("this hub has no card yet; start it once with this version".to_owned());
    let card: Card = kept.and_then(|kept| serde_json::from_slice(&kept).ok()).ok_or_else(missing)?;
    let key = first_start::key_in(data, store).await.map_err(|e| Error::Invalid(e.message))?;
    Ok(Card { issued: Timestamp::now(), ..card }.sign(&key))
}

/// Adds a peer.
///
/// # Errors
/// [`Error::Rule`] for a card that cannot be used, or what does not belong to peers of this way; [`StoreError::Exists`];
/// [`StoreError::NotFound`] for the organisation.
pub async fn add_peer(store: &Store, by: By, new: &api::NewPeer) -> Result<Peer, Error> {
    let series = series_of(new)?;
    let about = About::of(new, series.as_ref())?;
    let organisation = short_name("organisation", &new.organisation)?;
    let id = short_name("id", new.id.as_deref().unwrap_or(&new.organisation))?.as_str().to_owned();
    let address = new.address.as_deref().map(read_address).transpose()?;
    let way = way_of(new.way);
    let add = move |tx: &mut Tx<'_>| {
        let known = organisations::get(tx, &by.realm, &organisation)?
            .ok_or_else(|| StoreError::NotFound { what: organisation.to_string() })?;
        if known.role == OrganisationRole::Oversight {
            let message = "the oversight organisation has no peer: it is given no content".to_owned();
            return Err(StoreError::Abandoned { code: "oversight-no-content", message });
        }
        not_oneself(tx, &by.realm, &about.hub)?;
        let now = tx.now();
        // What is unique among peers needs something where nothing is known.
        let fingerprint = about.fingerprint.unwrap_or_else(|| format!("none of {id}"));
        let peer = Peer {
            id,
            hub: about.hub,
            organisation,
            fingerprint,
            card: about.card,
            address,
            way,
            state: State::Active,
            reason: None,
            created: now,
            changed: now,
        };
        peers::add(tx, &by.realm, &peer)?;
        if let Some(series) = &series {
            batches::put_series(tx, &by.realm, &peer.id, series)?;
        }
        let event = changed(&by, &peer).with("added", "true").with("role", known.role.name());
        Ok(Act::audited(peer, &by.realm, event))
    };
    Ok(store.write(add).await?)
}

/// What is known of a hub when it is added.
struct About {
    hub: String,
    fingerprint: Option<String>,
    card: String,
}

impl About {
    /// Of the other side of an outlet nothing is known; in place of its hub stands the series.
    fn of(new: &api::NewPeer, series: Option<&Series>) -> Result<Self, Error> {
        let invalid = |reason: &'static str, message: &str| Err(Error::rule(reason, message));
        match (new.way, &new.card, series) {
            (api::PeerWay::Outlet, None, Some(series)) => {
                Ok(Self { hub: series.name.clone(), fingerprint: None, card: String::new() })
            }
            (api::PeerWay::Outlet, ..) => invalid(
                "outlet-card",
                "card: nothing need be known of the hub behind an outlet; leave it out",
            ),
            (_, None, _) => invalid("card-missing", "card: give the card of the other hub"),
            (way, Some(_), _) if way != api::PeerWay::Link && new.address.is_some() => {
                invalid("one-way-address", "address: no connection is opened to this peer; leave it out")
            }
            (_, Some(text), _) => {
                let card = open(text)?;
                let fingerprint = card.fingerprint().map_err(|e| Error::rule("card", e.to_string()))?;
                Ok(Self { hub: card.hub, fingerprint: Some(fingerprint), card: text.clone() })
            }
        }
    }
}

/// The series of a one-way peer, as it begins.
fn series_of(new: &api::NewPeer) -> Result<Option<Series>, Error> {
    let invalid = |reason: &'static str, message: &str| Err(Error::rule(reason, message));
    let has_bounds = new.files_max.is_some() || new.bytes_max.is_some();
    match (new.way, &new.series) {
        (api::PeerWay::Link, None) if !has_bounds => Ok(None),
        (api::PeerWay::Outlet, None) => {
            let files_max = new.files_max.map_or(FILES_MAX, i64::from);
            let bytes_max = new.bytes_max.map_or(BYTES_MAX, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
            if files_max == 0 || bytes_max == 0 {
                return invalid(
                    "one-way-bounds",
                    "files_max, bytes_max: with none nothing could ever be written",
                );
            }
            Ok(Some(Series { name: new_series(), files_max, bytes_max, ..Series::default() }))
        }
        (api::PeerWay::Inlet, Some(name)) if is_hub_id(name) && !has_bounds => {
            Ok(Some(Series { name: name.clone(), ..Series::default() }))
        }
        (api::PeerWay::Inlet, _) => invalid(
            "inlet-series",
            "series: an inlet needs the name of the series that the other hub writes, 32 hexadecimal digits, and no bounds",
        ),
        _ => invalid("one-way-only", "series, files_max, bytes_max: they belong to one-way peers"),
    }
}

fn way_of(way: api::PeerWay) -> Way {
    match way {
        api::PeerWay::Link => Way::Link,
        api::PeerWay::Outlet => Way::Outlet,
        api::PeerWay::Inlet => Way::Inlet,
    }
}

/// Changes a peer: suspends or resumes it, takes a newer card, another address.
///
/// # Errors
/// [`Error::Rule`]; [`StoreError::NotFound`].
pub async fn change_peer(store: &Store, by: By, id: &str, change: &api::PeerChange) -> Result<Peer, Error> {
    let card = change.card.as_deref().map(open).transpose()?;
    let card = card.map(|card| card.fingerprint().map(|fingerprint| (card, fingerprint))).transpose();
    let card = card.map_err(|e| Error::rule("card", e.to_string()))?;
    let address = change.address.as_deref().map(read_address).transpose()?;
    let reason = change.reason.as_deref().map(read_reason).transpose()?;
    let (id, change) = (id.to_owned(), change.clone());
    let update = move |tx: &mut Tx<'_>| {
        let mut peer = peers::get(tx, &by.realm, &id)?.ok_or(StoreError::NotFound { what: id })?;
        if let Some((card, fingerprint)) = card {
            let invalid = |code: &'static str, message: &str| StoreError::Abandoned {
                code,
                message: message.to_owned(),
            };
            if card.hub != peer.hub {
                let message = "the card is of another hub; add that one as a peer of its own";
                return Err(invalid("card-of-another-hub", message));
            }
            if Card::open(&peer.card).is_ok_and(|old| old.issued > card.issued) {
                return Err(invalid("card-older", "the card is older than the one that is known"));
            }
            peer.fingerprint = fingerprint;
            peer.card = change.card.unwrap_or_default();
        }
        if address.is_some() {
            peer.address = address;
        }
        if let Some(suspended) = change.suspended {
            peer.state = if suspended { State::Suspended } else { State::Active };
            peer.reason = None;
        }
        if reason.is_some() {
            peer.reason = reason;
        }
        peers::update(tx, &by.realm, &peer)?;
        let event = changed(&by, &peer).with("state", peer.state.name());
        Ok(Act::audited(peer, &by.realm, event))
    };
    Ok(store.write(update).await?)
}

/// Removes a peer. What it brought stays.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_peer(store: &Store, by: By, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    let remove = move |tx: &mut Tx<'_>| {
        let Some(peer) = peers::get(tx, &by.realm, &id)? else {
            return Err(StoreError::NotFound { what: id });
        };
        peers::remove(tx, &by.realm, &id)?;
        let event = changed(&by, &peer).with("removed", "true");
        Ok(Act::audited((), &by.realm, event))
    };
    Ok(store.write(remove).await?)
}

/// Suspends a peer that misbehaves.
pub(super) async fn suspend_for_cause(state: &AppState, peer: &str, reason: &str) -> Result<(), Error> {
    let change = api::PeerChange {
        suspended: Some(true),
        reason: Some(reason.chars().take(REASON_CHARACTERS_MAX).collect()),
        ..api::PeerChange::default()
    };
    change_peer(&state.store, By::node(REALM), peer, &change).await?;
    tracing::error!(peer, reason, "a peer was suspended");
    state.federation.announce();
    Ok(())
}

/// A hub that is its own peer would send everything to itself.
fn not_oneself(tx: &Tx<'_>, realm: &Realm, hub: &str) -> Result<(), StoreError> {
    let own = settings::get(tx, realm, CARD_SETTING)?;
    let own: Option<Card> = own.and_then(|kept| serde_json::from_slice(&kept).ok());
    if own.is_some_and(|own| own.hub == hub) {
        let message =
            "the card is this hub's own; give it to the other hub, and add the other one's here".to_owned();
        return Err(StoreError::Abandoned { code: "card-own", message });
    }
    Ok(())
}

fn changed(by: &By, peer: &Peer) -> AuditEvent {
    let event = AuditEvent::done(Action::PeerChanged, by.actor.clone(), Purpose::Administration);
    let event = event
        .on([peer.id.as_str()])
        .with("hub", peer.hub.clone())
        .with("organisation", peer.organisation.as_str())
        .with("certificate", peer.fingerprint.clone())
        .with("way", peer.way.name());
    match &peer.reason {
        Some(reason) => event.with("reason", reason.clone()),
        None => event,
    }
}

/// Writes down who was turned away at the handshake.
pub(super) fn turned_away(fingerprint: &str) -> AuditEvent {
    AuditEvent::refused(Actor::Stranger, Purpose::Administration, "unknown-peer")
        .with("certificate", fingerprint)
}

fn open(text: &str) -> Result<Card, Error> {
    if text.len() > peers::CARD_BYTES_MAX {
        return Err(Error::rule("card", format!("card: longer than {} bytes", peers::CARD_BYTES_MAX)));
    }
    Card::open(text).map_err(|e| Error::rule("card", e.to_string()))
}

fn read_address(text: &str) -> Result<String, Error> {
    let invalid =
        || Error::rule("peer-address", format!("address: `{text}` is not of the form `https://host:port`"));
    let url = Url::parse(text).map_err(|_| invalid())?;
    check_address(&url).map_err(|_| invalid())?;
    Ok(url.to_string())
}

fn read_reason(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > REASON_CHARACTERS_MAX || text.chars().any(char::is_control) {
        let why = format!("reason: at most {REASON_CHARACTERS_MAX} characters, on one line");
        return Err(Error::rule("length", why));
    }
    Ok(text.to_owned())
}
