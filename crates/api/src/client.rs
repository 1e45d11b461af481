//! The typed client of a hub: for edges, commands and drills. The only module of this crate that does I/O.
//!
//! ```no_run
//! # async fn example() -> Result<(), api::client::Error> {
//! let hub = api::client::Client::new(&api::client::Settings {
//!     address: "http://127.0.0.1:8440".to_owned(),
//!     token: Some("yg_…".to_owned()),
//!     ..Default::default()
//! })?;
//! for edge in hub.edges().await?.edges {
//!     println!("{} {:?}", edge.id, edge.health);
//! }
//! # Ok(())
//! # }
//! ```

mod case;
mod evidence;
mod order;
mod report;
mod request;
mod response;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oversight::authorisation::{Selected, SignedSelection};
use oversight::{MechanicalInformation, Minimised, Opinion};
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use self::request::Connection;
use crate::{
    AuditList, AuthorisedIndicators, Board, CaseList, EdgeAuthorisationLog, EdgeAuthorisations, EdgeHello,
    EdgeKey, EdgeList, EdgeRounds, EdgeStatus, Ingested, Intelligence, NewEdge, NewOpinion, NewOrganisation,
    NewPerson, NewSighting, NewToken, Node, OpinionsAccepted, OpinionsPosted, Organisation, Person,
    PersonAdded, Problem, ReceiptsAccepted, ReceiptsPosted, RegisteredEdge, SelectionsAccepted,
    SelectionsPosted, SightingsAccepted, SightingsPosted, TokenInfo, TokenIssued,
};

/// Longest time that a hub is asked to hold an answer back for, in seconds.
pub const WAIT_SECONDS_MAX: u64 = 60;

/// Where a hub is and how to sign in to it.
#[derive(Clone, Default)]
pub struct Settings {
    /// `https://host[:port]`; `http://` to this machine only.
    pub address: String,
    /// A program's (`yg_…`) or an edge's (`ye_…`) token; without one only public addresses answer.
    pub token: Option<String>,
    /// The certificate (PEM) that the hub's must lead back to; without one those that this machine trusts.
    pub root_certificate: Option<Vec<u8>>,
    /// What this client shows of itself, where the hub binds its token to a certificate.
    pub identity: Option<Identity>,
}

/// A certificate with its key, in files. When they are replaced the next request goes out with the new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate and those above it, PEM.
    pub certificate: PathBuf,
    /// The key, PEM (PKCS #8).
    pub key: PathBuf,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret and stays out of every log.
        f.debug_struct("Settings").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why a request brought nothing. Each variant asks for another act.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The settings cannot be used; mend the configuration.
    #[error("{0}")]
    Settings(String),
    /// Nobody answered, or the connection broke; try again later.
    #[error("cannot reach the hub: {0}")]
    Unreachable(String),
    /// The hub answered and refuses: token, permission, or it is not there for us. Trying again will not help.
    #[error("the hub refuses: {}", words(.0))]
    Refused(Box<Problem>),
    /// The hub could not read what we sent, or it breaks a rule. Trying the same again will not help.
    #[error("the hub cannot take this: {}", words(.0))]
    Request(Box<Problem>),
    /// The hub failed or is busy; try again later.
    #[error("the hub failed: {}", words(.0))]
    Hub(Box<Problem>),
    /// What answered does not speak as a hub of this version does.
    #[error("the answer cannot be understood: {0}")]
    Answer(String),
}

impl Error {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Hub(_))
    }

    /// The hub's own words, where it gave some.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) | Self::Request(problem) | Self::Hub(problem) => Some(problem),
            Self::Settings(_) | Self::Unreachable(_) | Self::Answer(_) => None,
        }
    }
}

fn words(problem: &Problem) -> String {
    problem
        .detail
        .as_ref()
        .map_or_else(|| problem.title.clone(), |detail| format!("{}: {detail}", problem.title))
}

/// A hub, as one program or edge sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    connection: Arc<Mutex<Connection>>,
    settings: Settings,
    base: reqwest::Url,
}

/// A page of an export: whole objects, as their producers wrote them.
#[derive(Debug, Clone)]
pub struct ExportPage {
    /// The objects.
    pub objects: Vec<Box<RawValue>>,
    /// Give this back for the following page; absent on the last.
    pub next: Option<String>,
}

/// A TAXII 2.1 envelope (§3.7), as far as an export needs it.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    more: bool,
    next: Option<String>,
    #[serde(default)]
    objects: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Collections {
    #[serde(default)]
    collections: Vec<Collection>,
}

#[derive(Deserialize)]
struct Collection {
    id: String,
}

/// What everybody may ask.
impl Client {
    /// About the node; needs no sign-in.
    pub async fn node(&self) -> Result<Node, Error> {
        self.get(&["api", "v1", "node"], &[]).await
    }
}

/// What an edge asks.
impl Client {
    /// Says how this edge is.
    pub async fn hello(&self, hello: &EdgeHello) -> Result<(), Error> {
        self.send_for_nothing(Method::POST, &["edge", "v1", "hello"], Some(hello)).await
    }

    /// What changed among the indicators after a sequence. The hub holds the answer back for up to `wait` seconds while there is
    /// nothing to say; 0 asks for an answer at once.
    pub async fn intelligence(&self, after: i64, wait: u64) -> Result<Intelligence, Error> {
        let wait = wait.min(WAIT_SECONDS_MAX);
        let query = [("after", after.to_string()), ("wait", wait.to_string())];
        let request = self.request(Method::GET, &["edge", "v1", "intelligence"], &query)?;
        self.answer(request.timeout(Duration::from_secs(wait) + request::TIMEOUT)).await
    }

    /// Reports sightings. Only what minimisation has let out can be given; each has the identifier that makes it arrive once,
    /// however often it is sent. At most 1,000 at a time.
    pub async fn send_sightings(&self, sightings: &[(Uuid, &Minimised)]) -> Result<SightingsAccepted, Error> {
        let sightings = sightings.iter().map(|(id, minimised)| new_sighting(*id, minimised)).collect();
        self.send(Method::POST, &["edge", "v1", "sightings"], &SightingsPosted { sightings }).await
    }
}

/// What an edge asks of the commission's decisions, and signs for.
impl Client {
    /// The grants in force at this edge's operator, before a place in the log of authorisations.
    pub async fn authorisations(&self, before: Option<u64>) -> Result<EdgeAuthorisations, Error> {
        let query: Vec<_> = before.map(|before| ("before", before.to_string())).into_iter().collect();
        self.get(&["edge", "v1", "authorisations"], &query).await
    }

    /// What is looked for under one of them, where it is not sealed.
    pub async fn authorised_indicators(&self, id: Uuid) -> Result<AuthorisedIndicators, Error> {
        self.get(&["edge", "v1", "authorisations", &id.to_string(), "list"], &[]).await
    }

    /// The log of authorisations from an entry on, and its newest checkpoint.
    pub async fn authorisation_log(&self, from: u64) -> Result<EdgeAuthorisationLog, Error> {
        self.get(&["edge", "v1", "authorisation-log"], &[("from", from.to_string())]).await
    }

    /// Says which key this edge signs receipts with.
    pub async fn register_key(&self, key: &EdgeKey) -> Result<(), Error> {
        self.send_for_nothing(Method::PUT, &["edge", "v1", "key"], Some(key)).await
    }

    /// Sends what was found under authorisations, at most 500 at a time, signed with the edge's key. Nothing but a
    /// [`Selected`](oversight::authorisation::Selected) fits in.
    pub async fn send_selections(
        &self,
        selected: &[Selected],
        sign: impl Fn(&[u8]) -> [u8; 64],
    ) -> Result<SelectionsAccepted, Error> {
        let signed = selected.iter().map(|one| SignedSelection::sign(one.selection(), &sign));
        let selections = signed.filter_map(|signed| serde_json::to_value(signed).ok()).collect();
        self.send(Method::POST, &["edge", "v1", "selections"], &SelectionsPosted { selections }).await
    }

    /// The rounds of private matching that wait for an edge of this operator.
    pub async fn rounds(&self) -> Result<EdgeRounds, Error> {
        self.get(&["edge", "v1", "rounds"], &[]).await
    }

    /// Opens a round.
    pub async fn open_round(&self, id: Uuid, opening: Vec<u8>) -> Result<(), Error> {
        self.send_bytes(&["edge", "v1", "rounds", &id.to_string(), "open"], opening).await
    }

    /// Sends the set of a round that is open.
    pub async fn send_filter(&self, id: Uuid, filter: Vec<u8>) -> Result<(), Error> {
        self.send_bytes(&["edge", "v1", "rounds", &id.to_string(), "filter"], filter).await
    }

    /// A batch of what is asked in a round.
    pub async fn round_query(&self, id: Uuid, batch: u32) -> Result<Vec<u8>, Error> {
        self.bytes(&["edge", "v1", "rounds", &id.to_string(), "queries", &batch.to_string()]).await
    }

    /// Answers a batch.
    pub async fn send_round_answer(&self, id: Uuid, answer: Vec<u8>) -> Result<(), Error> {
        self.send_bytes(&["edge", "v1", "rounds", &id.to_string(), "answers"], answer).await
    }

    /// Sends what was signed at the end of a round. It is taken in once, however often it is sent.
    pub async fn send_round_receipt(&self, id: Uuid, receipt: String) -> Result<(), Error> {
        self.send_bytes(&["edge", "v1", "rounds", &id.to_string(), "receipt"], receipt.into_bytes()).await
    }

    /// Sends receipts, at most 100 at a time. Each is taken in once, however often it is sent.
    pub async fn send_receipts(&self, receipts: Vec<serde_json::Value>) -> Result<ReceiptsAccepted, Error> {
        self.send(Method::POST, &["edge", "v1", "receipts"], &ReceiptsPosted { receipts }).await
    }
}

/// What an edge's operator says.
impl Client {
    /// Sends opinions; `Opinion` is the only thing that it takes.
    pub async fn send_opinions(&self, opinions: &[(Uuid, &Opinion)]) -> Result<OpinionsAccepted, Error> {
        let opinions = opinions.iter().map(|(id, opinion)| new_opinion(*id, opinion)).collect();
        self.send(Method::POST, &["edge", "v1", "opinions"], &OpinionsPosted { opinions }).await
    }
}

/// What programs and commands ask.
impl Client {
    /// Publishes a bundle, a list of objects, or one object a line.
    pub async fn import(&self, body: Vec<u8>) -> Result<Ingested, Error> {
        let request = self.request(Method::POST, &["api", "v1", "objects"], &[])?;
        let request = request
            .header(reqwest::header::CONTENT_TYPE, "application/stix+json;version=2.1")
            .timeout(request::TIMEOUT_IMPORT);
        self.answer(request.body(body)).await
    }

    /// A page of a collection's objects, oldest first; of each its newest version, or with `all_versions` every one.
    /// `collection` is the first that this principal may read where absent.
    pub async fn export(
        &self,
        collection: &str,
        next: Option<&str>,
        all_versions: bool,
    ) -> Result<ExportPage, Error> {
        let mut query = Vec::new();
        if let Some(next) = next {
            query.push(("next", next.to_owned()));
        }
        if all_versions {
            query.push(("match[version]", "all".to_owned()));
        }
        let request =
            self.request(Method::GET, &["council", "collections", collection, "objects", ""], &query)?;
        let envelope: Envelope =
            self.answer(request.header(reqwest::header::ACCEPT, TAXII_MEDIA_TYPE)).await?;
        Ok(ExportPage { objects: envelope.objects, next: envelope.next.filter(|_| envelope.more) })
    }

    /// The identifiers of the collections that this principal may know of.
    pub async fn collections(&self) -> Result<Vec<String>, Error> {
        let request = self.request(Method::GET, &["council", "collections", ""], &[])?;
        let answer: Collections =
            self.answer(request.header(reqwest::header::ACCEPT, TAXII_MEDIA_TYPE)).await?;
        Ok(answer.collections.into_iter().map(|collection| collection.id).collect())
    }

    /// The situation board.
    pub async fn board(&self) -> Result<Board, Error> {
        self.get(&["api", "v1", "board"], &[]).await
    }

    /// Cases: `open`, `closed` or `all`.
    pub async fn cases(&self, state: &str) -> Result<CaseList, Error> {
        self.get(&["api", "v1", "cases"], &[("state", state.to_owned())]).await
    }

    /// Edges that this principal may see.
    pub async fn edges(&self) -> Result<EdgeList, Error> {
        self.get(&["api", "v1", "edges"], &[]).await
    }

    /// One edge.
    pub async fn edge(&self, id: &str) -> Result<EdgeStatus, Error> {
        self.get(&["api", "v1", "edges", id], &[]).await
    }

    /// A page of the audit log, newest first.
    pub async fn audit(&self, before: Option<i64>) -> Result<AuditList, Error> {
        let query: Vec<_> = before.map(|before| ("before", before.to_string())).into_iter().collect();
        self.get(&["api", "v1", "audit"], &query).await
    }
}

/// What administrators ask.
impl Client {
    /// All organisations.
    pub async fn organisations(&self) -> Result<Vec<Organisation>, Error> {
        self.get(&["api", "v1", "organisations"], &[]).await
    }

    /// Adds an organisation.
    pub async fn add_organisation(&self, new: &NewOrganisation) -> Result<Organisation, Error> {
        self.send(Method::POST, &["api", "v1", "organisations"], new).await
    }

    /// All people that this principal may know of.
    pub async fn people(&self) -> Result<Vec<Person>, Error> {
        self.get(&["api", "v1", "people"], &[]).await
    }

    /// Adds a person; the answer holds the one-time link that the person signs in with.
    pub async fn add_person(&self, new: &NewPerson) -> Result<PersonAdded, Error> {
        self.send(Method::POST, &["api", "v1", "people"], new).await
    }

    /// All tokens of programs, without their secrets.
    pub async fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        self.get(&["api", "v1", "tokens"], &[]).await
    }

    /// Issues a token; its secret is in this answer and nowhere else.
    pub async fn add_token(&self, new: &NewToken) -> Result<TokenIssued, Error> {
        self.send(Method::POST, &["api", "v1", "tokens"], new).await
    }

    /// Revokes a token.
    pub async fn revoke_token(&self, id: &str) -> Result<(), Error> {
        self.send_for_nothing::<()>(Method::DELETE, &["api", "v1", "tokens", id], None).await
    }

    /// Registers an edge; its token is in this answer and nowhere else.
    pub async fn add_edge(&self, new: &NewEdge) -> Result<RegisteredEdge, Error> {
        self.send(Method::POST, &["api", "v1", "edges"], new).await
    }

    /// Removes an edge; its token ends.
    pub async fn remove_edge(&self, id: &str) -> Result<(), Error> {
        self.send_for_nothing::<()>(Method::DELETE, &["api", "v1", "edges", id], None).await
    }
}

/// TAXII 2.1 §1.6.8.
const TAXII_MEDIA_TYPE: &str = "application/taxii+json;version=2.1";

fn new_opinion(id: Uuid, opinion: &Opinion) -> NewOpinion {
    let said = opinion.said();
    NewOpinion {
        id,
        indicator: said.indicator.to_string(),
        opinion: said.judgement.name().to_owned(),
        explanation: said.explanation.clone(),
        withdrawn: said.withdrawn,
        created: said.created.to_string(),
        modified: said.modified.to_string(),
        purpose: said.purpose.name().to_owned(),
        marking: said.marking.name().to_owned(),
    }
}

/// By hand, field by field: what goes over the wire is decided here and in the closed type alone.
fn new_sighting(id: Uuid, minimised: &Minimised) -> NewSighting {
    let sighting = minimised.sighting();
    let MechanicalInformation { addresses, domains, hashes, ports, protocol, bytes } = &sighting.information;
    let seen = sighting.seen.to_string();
    NewSighting {
        id,
        indicator: sighting.indicator.to_string(),
        indicator_version: sighting.indicator_version.clone(),
        first_seen: seen.clone(),
        last_seen: seen,
        count: 1,
        purpose: sighting.purpose.name().to_owned(),
        marking: sighting.marking.name().to_owned(),
        addresses: addresses.iter().map(ToString::to_string).collect(),
        domains: domains.clone(),
        hashes: hashes.iter().map(|(algorithm, digest)| format!("{algorithm}:{digest}")).collect(),
        ports: ports.clone(),
        protocol: protocol.clone(),
        bytes: *bytes,
    }
}
