//! Who asks: a person's session, a program's token, an edge's token.
//!
//! A handler that takes a [`Caller`] answers signed-in people and programs only; one that takes an [`EdgeCaller`] answers edges
//! only. Anybody else gets 401 before the handler runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::Code;
use axum::extract::FromRequestParts;
use axum_extra::extract::CookieJar;
use axum_server::tls::TlsInfo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use jiff::SignedDuration;
use oversight::{Actor, OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};
use policy::{Operation, Personal, Principal, PrincipalKind};
use store::certificates::{Binding, Holder};
use store::saved_searches::Owner;
use store::secrets::SecretHash;
use store::tokens::{Door, Token};
use store::{
    Act, Reader, StoreError, certificates, edges, organisations, people, qualifications, secrets, sessions,
    tokens,
};
use subtle::ConstantTimeEq;

use crate::emergencies;
use crate::problem::{Answer, Failure};
use crate::state::AppState;
use crate::{misp, stream, tls};

/// The cookie of a person's session.
pub(crate) const SESSION_COOKIE: &str = "yagura_session";
/// The header that every changing request of a session carries.
pub(crate) const CSRF_HEADER: &str = "x-yagura-csrf";
/// The header that states another purpose than the usual one.
pub(crate) const PURPOSE_HEADER: &str = "x-yagura-purpose";
/// What a program's token starts with.
pub(crate) const PROGRAM_PREFIX: &str = "yg_";
/// What an edge's token starts with.
pub(crate) const EDGE_PREFIX: &str = "ye_";

/// A person or program that is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) actor: Actor,
    /// What it acts for: what the `X-Yagura-Purpose` header says, else what its organisation is for.
    pub(crate) purpose: Purpose,
    /// A person's session, by its hash; programs have none.
    pub(crate) session: Option<SecretHash>,
    /// What the connection showed, by its SHA-256, where a program or an edge signs in over TLS.
    pub(crate) shown: Option<[u8; 32]>,
}

/// An edge that is signed in.
#[derive(Debug, Clone)]
pub(crate) struct EdgeCaller(pub(crate) Caller);

/// How long a session lasts after it was last used.
pub(crate) const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(12);
/// How long a session lasts at most, however much it is used.
pub(crate) const SESSION_LIFE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long the proof of who a person is counts as fresh: long enough to choose a password in peace, too short for a session that was
/// left open at a desk.
pub(crate) const PROOF_FRESH: SignedDuration = SignedDuration::from_mins(15);
/// A session's or token's last use is written down when the one on record is older than this.
const SEEN_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// What became known about who asks; the outermost layer reads it to write down a refusal.
#[derive(Debug, Default)]
pub(crate) struct Asker(std::sync::OnceLock<Caller>);

impl Asker {
    /// The signed-in principal, where one is.
    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.0.get()
    }
}

impl Caller {
    /// Whether policy allows an operation on the node as a whole.
    pub(crate) fn may(&self, state: &AppState, operation: Operation) -> bool {
        state.engine.load().may(&self.principal, operation)
    }

    /// The operation must be allowed.
    ///
    /// # Errors
    /// 403; the refusal is written down.
    pub(crate) fn demand(&self, state: &AppState, operation: Operation) -> Answer<()> {
        self.demand_any(state, &[operation])
    }

    /// One of the operations must be allowed.
    ///
    /// # Errors
    /// 403; the refusal is written down.
    pub(crate) fn demand_any(&self, state: &AppState, operations: &[Operation]) -> Answer<()> {
        let allowed = operations.iter().any(|operation| self.may(state, *operation));
        if allowed { Ok(()) } else { Err(Failure::not_allowed()) }
    }

    /// The same caller as it is now, for answers that last: `None` where it may not be signed in any more.
    pub(crate) fn renewed(&self, reader: &Reader<'_>) -> Result<Option<Self>, StoreError> {
        let mut personal = Personal::default();
        let (organisation, roles) = match &self.principal.kind {
            PrincipalKind::Program(id) => match tokens::get(reader, self.realm(), id)? {
                Some(token) if token.is_good(reader.now()) && self.holds(reader, Holder::Token, id)? => {
                    (token.organisation, token.roles)
                }
                _ => return Ok(None),
            },
            PrincipalKind::Person(id) => {
                let session = self
                    .session
                    .map(|hash| sessions::get(reader, self.realm(), &hash))
                    .transpose()?
                    .flatten();
                match people::get(reader, self.realm(), id)? {
                    Some(person) if session.is_some() && !person.disabled => {
                        personal = personal_now(reader, id)?;
                        (person.organisation, person.roles)
                    }
                    _ => return Ok(None),
                }
            }
            PrincipalKind::Edge(id) => match edges::get(reader, self.realm(), id)? {
                Some(edge) if self.holds(reader, Holder::Edge, id)? => (edge.organisation, BTreeSet::new()),
                _ => return Ok(None),
            },
            // A peer is known by its certificate, and no open answer of this kind is given to one.
            PrincipalKind::Peer(_) => return Ok(None),
        };
        let role = organisation_role(reader, &organisation)?;
        Ok(role.map(|organisation_role| Self {
            principal: Principal {
                organisation,
                organisation_role,
                roles,
                personal,
                ..self.principal.clone()
            },
            ..self.clone()
        }))
    }

    /// Whether the certificate that it showed still is the one that its token is bound to, where that is bound.
    fn holds(&self, reader: &Reader<'_>, holder: Holder, id: &str) -> Result<bool, StoreError> {
        let binding = certificates::binding(reader, self.realm(), (holder, id), self.shown.as_ref())?;
        Ok(binding != Binding::Broken)
    }

    /// States another purpose than the usual one.
    pub(crate) fn ask_for(&mut self, purpose: Purpose) {
        self.purpose = purpose;
        self.principal.purpose = purpose;
    }

    /// The world it acts in.
    pub(crate) fn realm(&self) -> &Realm {
        &self.principal.realm
    }

    /// Under whom things of its own are kept; edges keep nothing.
    pub(crate) fn owner(&self) -> Option<Owner> {
        match &self.principal.kind {
            PrincipalKind::Person(id) => Some(Owner::Person(id.clone())),
            PrincipalKind::Program(id) => Some(Owner::Program(id.clone())),
            _ => None,
        }
    }

    /// The id of the account, token or edge.
    pub(crate) fn id(&self) -> &str {
        match &self.principal.kind {
            PrincipalKind::Person(id)
            | PrincipalKind::Program(id)
            | PrincipalKind::Edge(id)
            | PrincipalKind::Peer(id) => id,
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let caller = match Credential::of(&parts.headers)? {
            Credential::Token(token) if token.starts_with(EDGE_PREFIX) => {
                return Err(Failure::new(Code::SignInRefused, "an edge's token is good for `/edge/v1` only"));
            }
            Credential::Token(token) => {
                let (caller, token, binding) = program(state, &token, shown(parts)).await?;
                // Known from here on: who tries a stolen token elsewhere is written down under its name.
                note(&caller, parts);
                suits(&token, parts, state)?;
                bound(binding)?;
                caller
            }
            Credential::Session(secret) => {
                let (caller, csrf) = person(state, &secret).await?;
                // Known from here on: a refusal of what follows is the person's, and no stranger's.
                note(&caller, parts);
                check_csrf(&csrf, &parts.method, &parts.headers)?;
                caller
            }
        };
        finish(caller, parts)
    }
}

impl FromRequestParts<AppState> for EdgeCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        match Credential::of(&parts.headers)? {
            Credential::Token(token) if token.starts_with(EDGE_PREFIX) => {
                let (caller, binding) = edge(state, &token, shown(parts)).await?;
                // Known from here on: who tries a stolen token elsewhere is written down under its name.
                note(&caller, parts);
                bound(binding)?;
                finish(caller, parts).map(EdgeCaller)
            }
            _ => Err(Failure::new(
                Code::SignInRefused,
                "this address is for edges: sign in with the edge's own token",
            )),
        }
    }
}

/// What a request brings to prove who it is from.
enum Credential {
    Token(String),
    Session(String),
}

impl Credential {
    /// A token goes before a cookie: a program that sends one means it.
    fn of(headers: &HeaderMap) -> Answer<Self> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(value) = given.next() {
            // Of two, a server in front may have looked at the other one.
            if given.next().is_some() {
                return Err(Failure::new(Code::SignInRefused, "there are several `Authorization` headers"));
            }
            let unreadable = || {
                Failure::new(Code::SignInRefused, "the `Authorization` header is neither Bearer nor Basic")
            };
            // MISP's clients send the bare key.
            if let Some(token) = value.to_str().ok().filter(|text| text.starts_with(PROGRAM_PREFIX)) {
                return Ok(Self::Token(token.trim().to_owned()));
            }
            let (scheme, rest) =
                value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
            return match scheme.to_ascii_lowercase().as_str() {
                "bearer" => Ok(Self::Token(rest.trim().to_owned())),
                "basic" => basic_password(rest.trim()).map(Self::Token).ok_or_else(unreadable),
                _ => Err(unreadable()),
            };
        }
        if session_cookies(headers) > 1 {
            let why = "the browser sent several sessions, of which somebody may have planted one; clear this site's cookies and sign in";
            return Err(Failure::new(Code::SignInRefused, why));
        }
        let cookie =
            CookieJar::from_headers(headers).get(SESSION_COOKIE).map(|cookie| cookie.value().to_owned());
        cookie.map(Self::Session).ok_or_else(|| {
            Failure::new(Code::SignInNeeded, "sign in, or send a token as `Authorization: Bearer …`")
        })
    }
}

/// Many TAXII clients know Basic only (RFC 7617): the password is the token, the user name is free.
fn basic_password(encoded: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

fn refused() -> Failure {
    Failure::new(
        Code::SignInRefused,
        "the token or session is not known, has expired or was revoked; get a new one",
    )
}

/// How many cookies of the session's name a request has: a page under the same domain can plant one beside ours.
fn session_cookies(headers: &HeaderMap) -> usize {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let names = sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    names.filter(|(name, _)| name.trim() == SESSION_COOKIE).count()
}

/// The session that a request's cookie names, whoever it belongs to.
pub(crate) fn session_of(headers: &HeaderMap) -> Option<SecretHash> {
    CookieJar::from_headers(headers).get(SESSION_COOKIE).map(|cookie| secrets::hash(cookie.value()))
}

async fn program(state: &AppState, token: &str, shown: Option<[u8; 32]>) -> Answer<(Caller, Token, Binding)> {
    let hash = secrets::hash(token);
    let found = state.store.read(move |reader| {
        let Some(token) =
            tokens::by_hash(reader, &crate::REALM, &hash)?.filter(|token| token.is_good(reader.now()))
        else {
            return Ok(None);
        };
        let role = organisation_role(reader, &token.organisation)?;
        let is_due = token.last_used.is_none_or(|used| reader.now().duration_since(used) > SEEN_EVERY);
        let binding =
            certificates::binding(reader, &crate::REALM, (Holder::Token, &token.id), shown.as_ref())?;
        Ok(role.map(|role| (token, role, is_due, binding)))
    });
    let (token, role, is_due, binding) = found.await?.ok_or_else(refused)?;
    if is_due && binding != Binding::Broken {
        let id = token.id.clone();
        state.store.write(move |tx| tokens::used(tx, &crate::REALM, &id).map(Act::bookkeeping)).await?;
    }
    let actor = Actor::Program { id: token.id.clone(), organisation: token.organisation.clone() };
    let kind = PrincipalKind::Program(token.id.clone());
    let caller = caller(kind, actor, token.organisation.clone(), role, token.roles.clone());
    Ok((Caller { shown, ..caller }, token, binding))
}

/// The door that a path is behind.
fn door_of(method: &Method, path: &str, api_root: &str) -> Door {
    match path.split('/').nth(1).unwrap_or_default() {
        "taxii2" => Door::Taxii,
        first if first == api_root => Door::Taxii,
        first if misp::SEGMENTS.contains(&first) => Door::Misp,
        _ if path == stream::PATH => Door::Stream,
        _ if is_about_edges(path) && matches!(*method, Method::GET | Method::HEAD) => Door::Edges,
        _ if is_mail(path) && *method == Method::POST => Door::Mail,
        _ => Door::Rest,
    }
}

fn is_mail(path: &str) -> bool {
    let case = path.strip_prefix("/api/v1/cases/").and_then(|rest| rest.strip_suffix("/mail"));
    case.is_some_and(|case| !case.contains('/'))
}

fn is_about_edges(path: &str) -> bool {
    path.strip_prefix("/api/v1/edges").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A token goes through the doors that it was issued for, and with the certificate that it is bound to (RFC 8705 §3).
fn suits(token: &Token, parts: &Parts, state: &AppState) -> Answer<()> {
    let door = door_of(&parts.method, parts.uri.path(), &state.config.api_root);
    if !token.opens(door) {
        let why =
            format!("this token is not for `{}`; ask an administrator of the council for one", door.name());
        return Err(Failure::new(Code::NotAllowed, why));
    }
    match token.certificate {
        Some(own) if shown(parts) != Some(own) => Err(unbound()),
        _ => Ok(()),
    }
}

/// What the connection showed, by its SHA-256 (RFC 8705 §3.1).
fn shown(parts: &Parts) -> Option<[u8; 32]> {
    let tls = parts.extensions.get::<Arc<TlsInfo>>()?;
    tls.peer_certificates.first().map(|certificate| tls::thumbprint(certificate))
}

/// Whoever was issued a certificate by the node's authority shows one of its own with its token.
fn bound(binding: Binding) -> Answer<()> {
    if binding == Binding::Broken { Err(unbound()) } else { Ok(()) }
}

fn unbound() -> Failure {
    let why = "this token is bound to a certificate, which this connection does not show; connect with it and its key";
    Failure::new(Code::SignInRefused, why)
}

/// A person, and the word that its changing requests bring.
async fn person(state: &AppState, secret: &str) -> Answer<(Caller, api::Secret)> {
    let hash = secrets::hash(secret);
    let found = state.store.read(move |reader| {
        let Some(session) = sessions::get(reader, &crate::REALM, &hash)? else { return Ok(None) };
        let person = people::get(reader, &crate::REALM, &session.person)?.filter(|person| !person.disabled);
        let Some(person) = person else { return Ok(None) };
        let role = organisation_role(reader, &person.organisation)?;
        let is_due = reader.now().duration_since(session.seen) > SEEN_EVERY;
        // Whom a provider vouched for may be gone there by tomorrow: it is asked again each day.
        let longest = if session.origin.provider.is_some() { SESSION_LIFE } else { SESSION_LIFE_MAX };
        let expires = (reader.now() + SESSION_LIFE).min(session.created + longest);
        let personal = personal_now(reader, &person.id)?;
        Ok(role.map(|role| (session, person, personal, role, is_due.then_some(expires))))
    });
    let (session, person, personal, role, extend) = found.await?.ok_or_else(refused)?;
    if let Some(expires) = extend {
        state
            .store
            .write(move |tx| sessions::touch(tx, &crate::REALM, &hash, expires).map(Act::bookkeeping))
            .await?;
    }
    let actor = Actor::Person { id: person.id.clone(), organisation: person.organisation.clone() };
    let kind = PrincipalKind::Person(person.id);
    let mut caller = caller(kind, actor, person.organisation, role, person.roles);
    caller.principal.personal = personal;
    Ok((Caller { session: Some(hash), ..caller }, session.csrf.into()))
}

async fn edge(state: &AppState, token: &str, shown: Option<[u8; 32]>) -> Answer<(Caller, Binding)> {
    let hash = secrets::hash(token);
    let found = state.store.read(move |reader| {
        let Some(edge) = edges::by_token(reader, &crate::REALM, &hash)? else { return Ok(None) };
        let binding = certificates::binding(reader, &crate::REALM, (Holder::Edge, &edge.id), shown.as_ref())?;
        Ok(organisation_role(reader, &edge.organisation)?.map(|role| (edge, role, binding)))
    });
    let (edge, role, binding) = found.await?.ok_or_else(refused)?;
    Ok((Caller { shown, ..as_edge(edge, role) }, binding))
}

/// An edge of that name, for what it says by other means than a connection of its own, and what it shares with the hub: the hash of its
/// token. None where there is no such edge, or one that is bound to a certificate: its token alone proves nothing.
///
/// # Errors
/// Those of the database.
pub(crate) fn edge_named(reader: &Reader<'_>, id: &str) -> Result<Option<(Caller, SecretHash)>, StoreError> {
    let Some(edge) = edges::get(reader, &crate::REALM, id)? else { return Ok(None) };
    let Some(secret) = edges::secret(reader, &crate::REALM, id)? else { return Ok(None) };
    let Some(role) = organisation_role(reader, &edge.organisation)? else { return Ok(None) };
    if certificates::binding(reader, &crate::REALM, (Holder::Edge, id), None)? != Binding::Unbound {
        return Ok(None);
    }
    Ok(Some((as_edge(edge, role), secret)))
}

fn as_edge(edge: edges::Edge, role: OrganisationRole) -> Caller {
    let actor = Actor::Edge { id: edge.id.clone(), organisation: edge.organisation.clone() };
    let mut caller = caller(PrincipalKind::Edge(edge.id), actor, edge.organisation, role, BTreeSet::new());
    caller.ask_for(Purpose::OwnDefence);
    caller
}

/// The owner of something that was kept, as it is now; `None` where it may not be signed in any more.
///
/// # Errors
/// Those of the database.
pub(crate) fn of_owner(reader: &Reader<'_>, owner: &Owner) -> Result<Option<Caller>, StoreError> {
    let mut personal = Personal::default();
    let (kind, actor, organisation, roles) = match owner {
        Owner::Person(id) => {
            match people::get(reader, &crate::REALM, id)?.filter(|person| !person.disabled) {
                Some(person) => {
                    personal = personal_of(reader, id)?;
                    let actor = Actor::Person { id: id.clone(), organisation: person.organisation.clone() };
                    (PrincipalKind::Person(id.clone()), actor, person.organisation, person.roles)
                }
                None => return Ok(None),
            }
        }
        Owner::Program(id) => {
            match tokens::get(reader, &crate::REALM, id)?.filter(|token| token.is_good(reader.now())) {
                Some(token) => {
                    let actor = Actor::Program { id: id.clone(), organisation: token.organisation.clone() };
                    (PrincipalKind::Program(id.clone()), actor, token.organisation, token.roles)
                }
                None => return Ok(None),
            }
        }
    };
    let role = organisation_role(reader, &organisation)?;
    Ok(role.map(|role| {
        let mut owner = caller(kind, actor, organisation, role, roles);
        owner.principal.personal = personal;
        owner
    }))
}

/// What holds for a person alone, by the clock of the store, whether it is there or not: an emergency is for whoever is signed in.
///
/// # Errors
/// Those of the database.
pub(crate) fn personal_of(reader: &Reader<'_>, person: &str) -> Result<Personal, StoreError> {
    let qualifications = qualifications::valid(reader, &crate::REALM, person)?;
    Ok(Personal { qualifications, emergency: None })
}

/// The same for a person who is signed in.
fn personal_now(reader: &Reader<'_>, person: &str) -> Result<Personal, StoreError> {
    Ok(Personal { emergency: emergencies::on(reader, person)?, ..personal_of(reader, person)? })
}

pub(crate) fn organisation_role(
    reader: &Reader<'_>,
    id: &OrganisationId,
) -> Result<Option<OrganisationRole>, StoreError> {
    Ok(organisations::get(reader, &crate::REALM, id)?.map(|organisation| organisation.role))
}

fn caller(
    kind: PrincipalKind,
    actor: Actor,
    organisation: OrganisationId,
    organisation_role: OrganisationRole,
    roles: BTreeSet<PersonRole>,
) -> Caller {
    let purpose = match organisation_role {
        OrganisationRole::Oversight => Purpose::Oversight,
        _ => Purpose::CollectiveDefence,
    };
    let personal = Personal::default();
    let realm = crate::REALM;
    let principal = Principal { kind, organisation, organisation_role, roles, realm, purpose, personal };
    Caller { principal, actor, purpose, session: None, shown: None }
}

/// A page of another origin can make a browser send the cookie, but cannot read the session's secret word.
fn check_csrf(expected: &str, method: &Method, headers: &HeaderMap) -> Answer<()> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let given = headers.get(CSRF_HEADER).map(http::HeaderValue::as_bytes).unwrap_or_default();
    if bool::from(given.ct_eq(expected.as_bytes())) {
        return Ok(());
    }
    Err(Failure::new(
        Code::NotAllowed,
        "the header `X-Yagura-CSRF` is missing or is not this session's; load the page again",
    ))
}

/// Tells the outermost layer who asks.
fn note(caller: &Caller, parts: &Parts) {
    if let Some(asker) = parts.extensions.get::<Arc<Asker>>() {
        // Once is enough: the purpose may be stated more exactly later, the caller stays the same.
        let _ = asker.0.set(caller.clone());
    }
}

/// The stated purpose, and a note of who asks for the outermost layer.
fn finish(mut caller: Caller, parts: &Parts) -> Answer<Caller> {
    if let Some(stated) = parts.headers.get(PURPOSE_HEADER) {
        let purpose = stated.to_str().ok().and_then(Purpose::parse).ok_or_else(|| {
            let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.name()).collect();
            Failure::new(Code::BadRequest, format!("`X-Yagura-Purpose` is one of `{}`", known.join("`, `")))
        })?;
        caller.ask_for(purpose);
    }
    note(&caller, parts);
    Ok(caller)
}
