//! What a node needs before it can serve, and what only its first start does.
//!
//! A node is known by its key file and by the settings in its store. Neither appears because the other is missing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use oversight::{Action, Actor, AuditEvent, OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};
use stix::marking::Tlp;
use store::collections::Collection;
use store::organisations::Organisation;
use store::people::Person;
use store::tokens::Token;
use store::trees::Tree;
use store::{
    Act, Store, StoreError, Tx, collections, links, organisations, people, secrets, settings, tokens,
};
use tlog::SigningKey;
use url::Url;
use uuid::Uuid;

use crate::config::HubConfig;
use crate::edge_link::sighting_object;
use crate::principal::PROGRAM_PREFIX;
use crate::sign_in::link_address;
use crate::tls::write_secret;
use crate::{HubError, REALM, ingest};

/// How long the printed sign-in link is good for.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// How long the administrator's token is good for.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);
/// The setting that holds the id of the node's collection; there from the first start on.
const COLLECTION_SETTING: &str = "node.collection";
/// The setting that holds the log's origin, which never changes.
const ORIGIN_SETTING: &str = "node.log-origin";
/// The setting that holds the public half of the node's key.
const KEY_SETTING: &str = "node.key";
/// What the first account and token may do: everything but inspect and learn.
const FIRST_ROLES: [PersonRole; 5] = [
    PersonRole::Administrator,
    PersonRole::Analyst,
    PersonRole::Approver,
    PersonRole::DutyOfficer,
    PersonRole::Planner,
];

/// The collection of the definitions that the node brings along, the same on every node; not offered through TAXII.
pub(crate) const DEFINITIONS: Uuid = Uuid::from_u128(0x9c6f_6c5e_3a0b_4d5c_8a51_5f0a_6d1b_7e21);

/// What only the start that made the data folder gives. Both are secrets, shown once.
#[derive(Clone)]
pub struct FirstStart {
    /// A link that signs the administrator in, once, within 24 hours.
    pub sign_in: String,
    /// A token of the administrator's, good for 90 days.
    pub token: String,
}

impl std::fmt::Debug for FirstStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FirstStart")
    }
}

/// What the node is.
pub(crate) struct NodeIdentity {
    pub(crate) collection: Collection,
    pub(crate) key: Arc<SigningKey>,
    /// The same key under the name of the log of authorisations: a log's key is named by its origin.
    pub(crate) authorisations_key: Arc<SigningKey>,
    /// And under that of the log of statistics.
    pub(crate) statistics_key: Arc<SigningKey>,
    pub(crate) first_start: Option<FirstStart>,
}

impl NodeIdentity {
    fn new(
        config: &HubConfig,
        origin: &str,
        (collection, key): (Collection, SigningKey),
        first_start: Option<FirstStart>,
    ) -> Result<Self, HubError> {
        let key_of = |tree: Tree| read_key(config, &tree.origin(origin)).map(Arc::new);
        let (authorisations_key, statistics_key) = (key_of(Tree::Authorisations)?, key_of(Tree::Statistics)?);
        Ok(Self { collection, key: Arc::new(key), authorisations_key, statistics_key, first_start })
    }
}

/// Reads what the node is; at the first start, makes it.
///
/// The order at the first start, so that a crash anywhere leaves either a node or nothing that the next start cannot use:
/// 1. the key file is written (a key without a store is taken up by the next first start);
/// 2. one transaction makes organisation, account, link, token, collection, marking definitions and settings.
pub(crate) async fn prepare(
    config: &HubConfig,
    store: &Store,
    address: &Url,
    policy_set: &str,
) -> Result<NodeIdentity, HubError> {
    let known = store.read(|reader| {
        let setting = |name| {
            Ok::<_, StoreError>(
                settings::get(reader, &REALM, name)?.and_then(|value| String::from_utf8(value).ok()),
            )
        };
        Ok(match (setting(COLLECTION_SETTING)?, setting(ORIGIN_SETTING)?, setting(KEY_SETTING)?) {
            (Some(collection), Some(origin), Some(key)) => Some((collection, origin, key)),
            _ => None,
        })
    });
    match known.await? {
        Some((collection, origin, public)) => {
            let key = read_key(config, &origin)?;
            if key.verifying_key().encode() != public {
                return Err(wrong_key(&config.data));
            }
            let collection = find_collection(store, &collection).await?;
            NodeIdentity::new(config, &origin, (collection, key), None)
        }
        None => first(config, store, address, policy_set).await,
    }
}

/// Writes down that a node that was made before has started, and by which policies.
pub(crate) async fn audit_start(store: &Store, policy_set: &str) -> Result<(), HubError> {
    let event = AuditEvent::done(Action::NodeStarted, Actor::Node, Purpose::Administration);
    let event = event.with("policies", policy_set);
    Ok(store.write(move |_| Ok(Act::audited((), &REALM, event))).await?)
}

async fn first(
    config: &HubConfig,
    store: &Store,
    address: &Url,
    policy_set: &str,
) -> Result<NodeIdentity, HubError> {
    let collection = Uuid::new_v4();
    let origin = format!(
        "{}/log",
        address.host_str().map_or_else(|| collection.to_string(), |host| log_host(host, &collection))
    );
    if !key_file(&config.data).exists() {
        write_secret(&key_file(&config.data), format!("{}\n", hex::encode(secrets::random()?)).as_bytes())?;
    }
    let key = read_key(config, &origin)?;
    let link = secrets::generate("")?;
    let token = secrets::generate(PROGRAM_PREFIX)?;
    let first = First {
        collection,
        origin: origin.clone(),
        public_key: key.verifying_key().encode(),
        name_ja: config.name_ja.clone(),
        name_en: config.name_en.clone(),
        link_hash: secrets::hash(&link),
        token_hash: secrets::hash(&token),
        policy_set: policy_set.to_owned(),
    };
    store.write(move |tx| first.write(tx)).await?;
    let collection = find_collection(store, &collection.to_string()).await?;
    let sign_in = link_address(address, &link);
    let first_start = Some(FirstStart { sign_in, token });
    NodeIdentity::new(config, &origin, (collection, key), first_start)
}

async fn find_collection(store: &Store, id: &str) -> Result<Collection, HubError> {
    let lost =
        || HubError::new("store-corrupt", "the node's collection is not in its store; restore a backup");
    let id = Uuid::parse_str(id).map_err(|_| lost())?;
    store.read(move |reader| collections::get(reader, &REALM, &id)).await?.ok_or_else(lost)
}

/// A host's name names a log well; loopback names none, so the collection's id does.
fn log_host(host: &str, collection: &Uuid) -> String {
    let is_local = host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if is_local { format!("{collection}.local") } else { host.to_owned() }
}

/// What the first transaction makes.
struct First {
    collection: Uuid,
    origin: String,
    public_key: String,
    name_ja: String,
    name_en: String,
    link_hash: secrets::SecretHash,
    token_hash: secrets::SecretHash,
    policy_set: String,
}

impl First {
    fn write(self, tx: &mut Tx<'_>) -> Result<Act<()>, StoreError> {
        let id = coordinator()?;
        let now = tx.now();
        let organisation = Organisation {
            id: id.clone(),
            name_ja: self.name_ja,
            name_en: self.name_en,
            role: OrganisationRole::Coordinator,
            sectors: Vec::new(),
            prefecture: None,
            identity: stix::Id::new("identity", Uuid::new_v4()),
            created: now,
        };
        organisations::add(tx, &REALM, &organisation)?;
        let person = Person {
            id: Uuid::new_v4().to_string(),
            login: "administrator".to_owned(),
            name: "Administrator".to_owned(),
            organisation: id.clone(),
            roles: FIRST_ROLES.into(),
            password_hash: None,
            disabled: false,
            created: now,
        };
        people::add(tx, &REALM, &person)?;
        links::add(tx, &REALM, &self.link_hash, &person.id, now + LINK_LIFE)?;
        let token = first_token(id, now);
        tokens::add(tx, &REALM, &token, &self.token_hash)?;
        let title = "Council";
        let about = "Every object of the council, as far as the reader may see it";
        collections::add(tx, &REALM, self.collection, title, about)?;
        let mut definitions = add_definitions(tx, &organisation.id)?;
        definitions.extend(add_identity(tx, &REALM, &organisation)?);
        settings::put(tx, &REALM, ORIGIN_SETTING, self.origin.as_bytes())?;
        settings::put(tx, &REALM, KEY_SETTING, self.public_key.as_bytes())?;
        settings::put(tx, &REALM, COLLECTION_SETTING, self.collection.to_string().as_bytes())?;
        let event = |action| AuditEvent::done(action, Actor::Node, Purpose::Administration);
        let events = vec![
            event(Action::NodeStarted)
                .with("first", "true")
                .with("key", self.public_key)
                .with("policies", self.policy_set),
            event(Action::ObjectsAdded).on(definitions),
            event(Action::OrganisationChanged).with("organisation", organisation.id.as_str()),
            event(Action::PersonChanged).with("person", person.id),
            event(Action::TokenIssued).with("token", token.id),
        ];
        Ok(Act::audited_all((), &REALM, events))
    }
}

/// The definitions of the TLP levels, so that references to them resolve. They are in the log, but in a collection of their own
/// that TAXII does not offer: what a council's collection gives is what its members put there.
fn add_definitions(tx: &mut Tx<'_>, originator: &OrganisationId) -> Result<Vec<String>, StoreError> {
    let about = "Marking definitions that the node itself brought along";
    let collection = collections::add(tx, &REALM, DEFINITIONS, "Marking definitions", about)?;
    let author = case::extension_identity();
    let author_id = author.get("id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let extensions = [
        author,
        case::extension_definition(),
        case::room::room_extension_definition(),
        sighting_object::extension_definition(&author_id),
        crate::reports::passed::passed_extension_definition(),
        crate::evidence::passed::extension_definition(),
    ];
    let definitions =
        Tlp::ALL.into_iter().map(Tlp::definition).chain(extensions.iter().map(ToString::to_string));
    ingest::add_own(tx, &REALM, collection.key, originator, definitions)
}

/// An organisation's STIX identity, so that references to it resolve: for the community (TLP:GREEN), and beside the definitions.
pub(crate) fn add_identity(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisation: &Organisation,
) -> Result<Vec<String>, StoreError> {
    let missing = || StoreError::Corrupt("the collection of the node's definitions".to_owned());
    let collection = collections::get(tx, realm, &DEFINITIONS)?.ok_or_else(missing)?;
    let created = stix::Timestamp::from_instant(organisation.created);
    let sectors: Vec<&str> = organisation.sectors.iter().map(|sector| sector.name()).collect();
    let mut identity = serde_json::json!({
        "type": "identity",
        "spec_version": "2.1",
        "id": organisation.identity,
        "created": created,
        "modified": created,
        "name": organisation.name_en,
        "description": organisation.name_ja,
        "identity_class": "organization",
        "object_marking_refs": [Tlp::Green.id()],
    });
    if let (Some(properties), false) = (identity.as_object_mut(), sectors.is_empty()) {
        properties.insert("sectors".to_owned(), sectors.into());
    }
    ingest::add_own(tx, realm, collection.key, &coordinator()?, [identity.to_string()])
}

fn first_token(organisation: OrganisationId, now: jiff::Timestamp) -> Token {
    Token {
        id: Uuid::new_v4().to_string(),
        name: "first start".to_owned(),
        organisation,
        roles: BTreeSet::from(FIRST_ROLES),
        created: now,
        expires: now + TOKEN_LIFE,
        last_used: None,
        revoked: None,
        doors: BTreeSet::new(),
        certificate: None,
    }
}

/// The organisation that runs the hub.
pub(crate) fn coordinator() -> Result<OrganisationId, StoreError> {
    OrganisationId::parse("coordinator")
        .ok_or_else(|| StoreError::Corrupt("the coordinator's name".to_owned()))
}

fn key_file(data: &Path) -> PathBuf {
    data.join("node.key")
}

/// The node's key, from the data folder of a node that was made before.
pub(crate) async fn key_in(data: &Path, store: &Store) -> Result<SigningKey, HubError> {
    let origin = store.read(|reader| settings::get(reader, &REALM, ORIGIN_SETTING)).await?;
    let origin = origin.and_then(|origin| String::from_utf8(origin).ok());
    let missing = || HubError::new("store-corrupt", "the log's origin is not in the store; restore a backup");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    read_key(&HubConfig::new(data, any), &origin.ok_or_else(missing)?)
}

fn read_key(config: &HubConfig, origin: &str) -> Result<SigningKey, HubError> {
    SigningKey::from_seed(origin, seed_in(&config.data)?).map_err(|e| HubError::new("key", e.to_string()))
}

/// What the node's keys are made of.
///
/// # Errors
/// `key` where it is not there or is no key.
pub(crate) fn seed_in(data: &Path) -> Result<[u8; 32], HubError> {
    let path = key_file(data);
    let text = std::fs::read_to_string(&path).map_err(|e| {
        let message =
            format!("the node's key `{}` cannot be read ({e}); restore it from a backup", path.display());
        HubError::new("key", message)
    })?;
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| wrong_key(data))?;
    Ok(seed)
}

fn wrong_key(data: &Path) -> HubError {
    let message = format!(
        "`{}` is not the key that this data folder was made with; restore it from a backup",
        key_file(data).display()
    );
    HubError::new("key", message)
}
