//! `/api/v1/oversight`: who the commission is and by which frame it decides; the first one is named, every later one is resolved on.

use api::{
    Candidate, ChallengeAnswer, CharterProposal, CommissionMember, DecisionChallenge, NewCommission,
    NewResolution, Oversight, StandingCommission, StandingFrame,
};
use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;
use oversight::authorisation::{Commission, Frame, Member, Resolution, Resolved, Subject};
use oversight::{Action, AuditEvent, OrganisationId, OrganisationRole, PersonRole};
use policy::Operation;
use serde_json::Value;
use store::charters::{self, Charter, Proposal, Text};
use store::people::Person;
use store::{Act, Reader, StoreError, Tx, credentials, organisations, people};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::fresh_proof;
use crate::commission::{self, cast, demand_member, is_open, names, options, public_key, site};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::{self, LINE_CHARS_MAX, answered, unfit};
use crate::sign_in::challenges::{self, Challenge};
use crate::state::AppState;

/// Members of a commission at most.
const MEMBERS_MAX: usize = 100;
/// The longest that somebody is named a commissioner for.
const OFFICE_MAX: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);
/// Most characters of a reason.
pub(super) const REASON_CHARS_MAX: usize = 2_000;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, constitute)).routes(routes!(start)).routes(routes!(finish))
}

/// The commission, its frame, and what it is asked about either.
///
/// Everybody who is signed in may know it: an operator compares the digests with those that its edges go by.
#[utoipa::path(get, path = "/api/v1/oversight/commission", tag = "oversight", security(("session" = []), ("token" = [])),
    responses((status = 200, body = Oversight), crate::api::CallerRefusal))]
async fn get(State(state): State<AppState>, caller: Caller) -> Answer<Json<Oversight>> {
    let known = [Operation::Read, Operation::Inspect, Operation::ConstituteCommission];
    caller.demand_any(&state, &known)?;
    told(&state, &caller).await.map(Json)
}

/// Name the first commission; where one stands, propose another one to it.
///
/// The first is named by an administrator of the oversight organisation. A later one comes into force when as many members of the
/// standing commission as decide together have signed for it (`/api/v1/oversight/resolutions/start`). The last sign-in must be no
/// older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/oversight/commission", tag = "oversight", security(("session" = [])),
    request_body = NewCommission, responses((status = 200, body = Oversight), crate::api::CallerRefusal))]
async fn constitute(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewCommission>,
) -> Answer<Json<Oversight>> {
    caller.demand(&state, Operation::ConstituteCommission)?;
    fresh_proof(&state, &caller).await?;
    let name = sharing::text("name", &body.name, LINE_CHARS_MAX)?;
    let until = sharing::ahead("until", &body.until)?;
    let site = site(&state.address).ok_or_else(|| {
        let why = "commissioners decide by passkeys, which need a domain name: set the hub's `address`";
        Failure::rule("commission-no-domain", why)
    })?;
    let new = New { name, until, site, body };
    let asker = caller.clone();
    answered(state.store.write(move |tx| new.carry_out(tx, &asker)).await)?;
    told(&state, &caller).await.map(Json)
}

/// A commission as it was asked for.
struct New {
    name: String,
    until: jiff::Timestamp,
    site: (String, String),
    body: NewCommission,
}

impl New {
    fn carry_out(self, tx: &mut Tx<'_>, caller: &Caller) -> Result<Act<()>, StoreError> {
        let realm = caller.realm().clone();
        let of = caller.principal.organisation.clone();
        let standing = charters::commission(tx, &realm)?;
        if standing.as_ref().is_some_and(|standing| standing.organisation != of) {
            return Err(unfit(
                "not-allowed-other-commission",
                "the commission that stands is another organisation's",
            ));
        }
        let commission = self.read(tx, &of, standing.as_ref())?;
        let text = Text::Commission(commission);
        let event = event(caller, Subject::Commission, &text.digest());
        let event = match standing {
            None => {
                let leaf = charters::enact(tx, &realm, &text, &of, None)?;
                tell_all(tx, &of, Subject::Commission)?;
                event.with("step", "constituted").with("leaf", leaf.to_string())
            }
            Some(_) => {
                charters::propose(tx, &realm, &text, caller.id())?;
                commission::tell(tx, &realm, [&of], "commission-proposed", "commission")?;
                event.with("step", "proposed")
            }
        };
        Ok(Act::audited((), &realm, event))
    }

    fn read(
        &self,
        reader: &Reader<'_>,
        of: &OrganisationId,
        standing: Option<&Charter<Commission>>,
    ) -> Result<Commission, StoreError> {
        if self.body.members.len() > MEMBERS_MAX {
            return Err(unfit("count", format!("members: at most {MEMBERS_MAX}")));
        }
        if self.until.duration_since(reader.now()) > OFFICE_MAX {
            return Err(unfit("office-too-long", "until: a commissioner is named for ten years at most"));
        }
        let (mut members, mut without) = (Vec::new(), Vec::new());
        for id in &self.body.members {
            let person = people::get(reader, &crate::REALM, id)?.filter(|person| is_candidate(person, of));
            let person = person.ok_or_else(|| {
                unfit(
                    "no-such-commissioner",
                    format!("members: `{id}` is no commissioner of your organisation"),
                )
            })?;
            let before =
                standing.and_then(|standing| standing.text.members.iter().find(|known| known.id == *id));
            let passkeys = credentials::of_person(reader, &crate::REALM, id)?;
            let passkeys: std::collections::BTreeMap<_, _> = passkeys.iter().filter_map(public_key).collect();
            if passkeys.is_empty() {
                without.push(person.name.clone());
            }
            members.push(Member {
                id: person.id,
                name: person.name,
                // Who stays is a commissioner without a break: what was granted with its signature goes on to count.
                from: before.map_or(reader.now(), |before| before.from),
                until: self.until,
                passkeys,
            });
        }
        if !without.is_empty() {
            let why = format!(
                "members: these have registered no passkey that can decide (ES256 or Ed25519): {}",
                without.join(", ")
            );
            return Err(unfit("commissioner-no-passkey", why));
        }
        let (rp_id, origin) = self.site.clone();
        let commission = Commission {
            version: standing.map_or(1, |standing| standing.text.version.saturating_add(1)),
            name: self.name.clone(),
            rp_id,
            origins: vec![origin],
            threshold: self.body.threshold,
            members,
        };
        commission.check().map_err(|error| unfit("commission-unfit", error.to_string()))?;
        Ok(commission)
    }
}

fn is_candidate(person: &Person, of: &OrganisationId) -> bool {
    person.organisation == *of && !person.disabled && person.roles.contains(&PersonRole::Commissioner)
}

/// Begin to sign a resolution of the standing commission.
///
/// `options` is what `PublicKeyCredential.parseRequestOptionsFromJSON` takes. Whoever joins others signs the words that they signed.
#[utoipa::path(post, path = "/api/v1/oversight/resolutions/start", tag = "oversight", security(("session" = [])),
    request_body = NewResolution, responses((status = 200, body = DecisionChallenge), crate::api::CallerRefusal))]
async fn start(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewResolution>,
) -> Answer<Json<DecisionChallenge>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    let subject = Subject::parse(&body.subject)
        .ok_or_else(|| Failure::rule("not-one-of", "subject: it is `commission` or `frame`"))?;
    if body.reason.chars().count() > REASON_CHARS_MAX {
        let why = format!("reason: it has at most {REASON_CHARS_MAX} characters");
        return Err(Failure::rule("text-max", why).with("field", "reason").with("max", REASON_CHARS_MAX));
    }
    let (asker, configured) = (caller.clone(), state.frame.clone());
    let begun = state.store.write(move |tx| {
        let standing = charters::commission(tx, asker.realm())?
            .ok_or_else(|| unfit("no-commission", "no commission stands yet"))?;
        let member = demand_member(&asker, &standing, tx.now())?;
        propose_configured(tx, &asker, configured.as_ref())?;
        let proposal = charters::proposal(tx, asker.realm(), subject)?
            .ok_or_else(|| unfit("nothing-proposed", "nothing is proposed to the commission about this"))?;
        let digest = digest_of(subject, &proposal)?;
        if digest != body.digest {
            return Err(StoreError::Stale { what: subject.name().to_owned() });
        }
        let joined = proposal.pending.filter(|pending| is_open(pending, &standing.text, tx.now()));
        let signed_by = match &joined {
            Some(joined) => names(&standing.text, &joined.members(&standing.text).unwrap_or_default()),
            None => Vec::new(),
        };
        let resolution = joined.map_or_else(
            || Resolution {
                subject,
                digest,
                by: hex::encode(standing.text.digest()),
                asked: tx.now(),
                reason: body.reason.trim().to_owned(),
            },
            |joined| joined.resolution,
        );
        let options = options(&resolution.challenge(), &standing.text, member);
        let needed = Resolution::persons(&standing.text);
        Ok(Act::bookkeeping((resolution, options, signed_by, needed)))
    });
    let (resolution, options, signed_by, needed) = answered(begun.await)?;
    let document = serde_json::to_value(&resolution).map_err(Failure::internal)?;
    let challenge = Challenge::Resolve { account: caller.id().to_owned(), resolution };
    let challenge_id = challenges::begin(&state.store, &challenge).await?;
    Ok(Json(DecisionChallenge { challenge_id, options, document, signed_by, needed }))
}

/// Asks the commission for the frame of the configuration, where it is another than the one in force and not asked for yet.
fn propose_configured(
    tx: &mut Tx<'_>,
    caller: &Caller,
    configured: Option<&Frame>,
) -> Result<(), StoreError> {
    let Some(frame) = configured else { return Ok(()) };
    let realm = caller.realm();
    let is_in_force = charters::frame(tx, realm)?.is_some_and(|known| known.text == *frame);
    let text = Text::Frame(frame.clone());
    let asked = charters::proposal(tx, realm, Subject::Frame)?;
    let is_asked =
        asked.is_some_and(|asked| Text::parse(Subject::Frame, &asked.text).as_ref() == Some(&text));
    if is_in_force || is_asked {
        return Ok(());
    }
    charters::propose(tx, realm, &text, "")
}

fn digest_of(subject: Subject, proposal: &Proposal) -> Result<String, StoreError> {
    let text = Text::parse(subject, &proposal.text);
    let text = text.ok_or_else(|| StoreError::Corrupt(format!("a proposed {}", subject.name())))?;
    Ok(hex::encode(text.digest()))
}

/// Finish signing a resolution. When enough have signed, it is in force at once and stands in the log.
#[utoipa::path(post, path = "/api/v1/oversight/resolutions/finish", tag = "oversight", security(("session" = [])),
    request_body = ChallengeAnswer, responses((status = 200, body = Oversight), crate::api::CallerRefusal))]
async fn finish(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<ChallengeAnswer>,
) -> Answer<Json<Oversight>> {
    caller.demand(&state, Operation::DecideAuthorisation)?;
    let assertion = commission::assertion(&body.credential)?;
    let resolution = match challenges::take(&state.store, body.challenge_id).await? {
        Some(Challenge::Resolve { account, resolution }) if account == caller.id() => resolution,
        _ => return Err(too_late()),
    };
    let (asker, own) = (caller.clone(), Resolved { resolution, assertions: vec![assertion] });
    answered(state.store.write(move |tx| resolve(tx, &asker, &own)).await)?;
    told(&state, &caller).await.map(Json)
}

pub(super) fn too_late() -> Failure {
    Failure::rule("question-late", "the question was put too long ago, or answered before; begin again")
}

fn resolve(tx: &mut Tx<'_>, caller: &Caller, own: &Resolved) -> Result<Act<()>, StoreError> {
    let realm = caller.realm().clone();
    let subject = own.resolution.subject;
    let stale = || StoreError::Stale { what: subject.name().to_owned() };
    let standing = charters::commission(tx, &realm)?.ok_or_else(stale)?;
    let member = demand_member(caller, &standing, tx.now())?;
    let proposal = charters::proposal(tx, &realm, subject)?.ok_or_else(stale)?;
    if digest_of(subject, &proposal)? != own.resolution.digest {
        return Err(stale());
    }
    let text = Text::parse(subject, &proposal.text).ok_or_else(stale)?;
    let (resolved, who) = cast(own, proposal.pending, (&standing.text, member, tx.now()))?;
    let event = event(caller, subject, &text.digest());
    if who.len() < Resolution::persons(&standing.text) as usize {
        charters::keep_pending(tx, &realm, &resolved)?;
        return Ok(Act::audited((), &realm, event.with("step", "signed")));
    }
    resolved.verify(&standing.text).map_err(|error| unfit("not-allowed-decision", error.to_string()))?;
    let leaf = charters::enact(tx, &realm, &text, &standing.organisation, Some(&resolved))?;
    tell_all(tx, &standing.organisation, subject)?;
    Ok(Act::audited((), &realm, event.with("step", "in-force").with("leaf", leaf.to_string())))
}

/// Operators pin what is in force at their edges, so they are told, with the commission itself and the coordinator.
fn tell_all(tx: &mut Tx<'_>, of: &OrganisationId, subject: Subject) -> Result<(), StoreError> {
    let kind = match subject {
        Subject::Commission => "commission-changed",
        Subject::Frame => "frame-changed",
    };
    let concerned = [OrganisationRole::Operator, OrganisationRole::Coordinator, OrganisationRole::Agency];
    let known = organisations::list(tx, &crate::REALM)?;
    let told = known.iter().filter(|known| concerned.contains(&known.role)).map(|known| &known.id);
    commission::tell(tx, &crate::REALM, told.chain([of]), kind, subject.name())
}

fn event(caller: &Caller, subject: Subject, digest: &[u8; 32]) -> AuditEvent {
    let action = match subject {
        Subject::Commission => Action::CommissionChanged,
        Subject::Frame => Action::FrameChanged,
    };
    AuditEvent::done(action, caller.actor.clone(), caller.purpose).with("digest", hex::encode(digest))
}

async fn told(state: &AppState, caller: &Caller) -> Answer<Oversight> {
    let (asker, configured) = (caller.clone(), state.frame.clone());
    let shows_candidates = caller.may(state, Operation::ConstituteCommission)
        || caller.may(state, Operation::DecideAuthorisation);
    let log_key = state.authorisations_log.key().encode();
    let read = move |reader: &Reader<'_>| {
        let realm = asker.realm();
        let commission = charters::commission(reader, realm)?;
        let frame = charters::frame(reader, realm)?;
        let off_because = match (&configured, &commission, &frame) {
            (None, _, _) => Some("no-frame"),
            (_, None, _) => Some("no-commission"),
            (_, _, None) => Some("frame-not-adopted"),
            _ => None,
        };
        let mut proposals = Vec::new();
        for subject in Subject::ALL.iter().copied() {
            let asked = charters::proposal(reader, realm, subject)?;
            let asked = match (asked, subject, &configured) {
                // What the configuration names is proposed, though no commissioner has looked at it yet.
                (asked, Subject::Frame, Some(configured))
                    if frame.as_ref().is_none_or(|known| known.text != *configured) =>
                {
                    let text = Text::Frame(configured.clone());
                    let pending = asked
                        .filter(|asked| Text::parse(subject, &asked.text).as_ref() == Some(&text))
                        .and_then(|asked| asked.pending);
                    Some((text, pending))
                }
                (Some(asked), _, _) => Text::parse(subject, &asked.text).map(|text| (text, asked.pending)),
                (None, _, _) => None,
            };
            if let Some((text, pending)) = asked {
                proposals.push(told_proposal(&text, pending, commission.as_ref())?);
            }
        }
        let candidates = match shows_candidates {
            true => candidates(reader, &asker.principal.organisation, commission.as_ref())?,
            false => Vec::new(),
        };
        Ok(Oversight {
            is_on: off_because.is_none(),
            off_because: off_because.map(str::to_owned),
            commission: commission.as_ref().map(told_commission).transpose()?,
            frame: frame.as_ref().map(told_frame).transpose()?,
            proposals,
            candidates,
            log_key,
        })
    };
    Ok(state.store.read(read).await?)
}

fn told_proposal(
    text: &Text,
    pending: Option<Resolved>,
    standing: Option<&Charter<Commission>>,
) -> Result<CharterProposal, StoreError> {
    let document = match text {
        Text::Commission(commission) => document(commission)?,
        Text::Frame(frame) => document(frame)?,
    };
    let who = pending.zip(standing).and_then(|(pending, standing)| pending.members(&standing.text).ok());
    Ok(CharterProposal {
        subject: text.subject().name().to_owned(),
        digest: hex::encode(text.digest()),
        document,
        signed_by: standing.map(|known| names(&known.text, &who.unwrap_or_default())).unwrap_or_default(),
        needed: standing.map_or(0, |standing| Resolution::persons(&standing.text)),
    })
}

fn told_commission(standing: &Charter<Commission>) -> Result<StandingCommission, StoreError> {
    let member = |member: &Member| CommissionMember {
        id: member.id.clone(),
        name: member.name.clone(),
        from: member.from.to_string(),
        until: member.until.to_string(),
        passkeys: u64::try_from(member.passkeys.len()).unwrap_or(u64::MAX),
    };
    Ok(StandingCommission {
        digest: hex::encode(standing.text.digest()),
        organisation: standing.organisation.to_string(),
        leaf: standing.leaf,
        at: standing.at.to_string(),
        threshold: standing.text.threshold,
        members: standing.text.members.iter().map(member).collect(),
        document: document(&standing.text)?,
    })
}

fn told_frame(standing: &Charter<Frame>) -> Result<StandingFrame, StoreError> {
    Ok(StandingFrame {
        digest: hex::encode(standing.text.digest()),
        leaf: standing.leaf,
        at: standing.at.to_string(),
        document: document(&standing.text)?,
    })
}

/// A document as it is signed: these have one form, everywhere.
pub(crate) fn document(value: &impl serde::Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Who could be a commissioner, and who lacks a passkey for it.
fn candidates(
    reader: &Reader<'_>,
    of: &OrganisationId,
    standing: Option<&Charter<Commission>>,
) -> Result<Vec<Candidate>, StoreError> {
    let people = people::list(reader, &crate::REALM)?;
    let candidate = |person: Person| {
        let registered = credentials::of_person(reader, &crate::REALM, &person.id)?;
        let usable = registered.iter().filter_map(public_key).count();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Ok(Candidate {
            passkeys: count(usable),
            passkeys_of_other_kinds: count(registered.len().saturating_sub(usable)),
            is_member: standing
                .is_some_and(|standing| standing.text.members.iter().any(|known| known.id == person.id)),
            id: person.id,
            name: person.name,
        })
    };
    people.into_iter().filter(|person| is_candidate(person, of)).map(candidate).collect()
}
