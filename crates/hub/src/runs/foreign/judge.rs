//! What stands against a request: its signature and time, the agreement, what it asks for.

use api::OrderKey;
use jiff::{SignedDuration, Timestamp};
use openc2::signed::{Authority, TrustedKey, Untrusted, Verified, Verifier};
use openc2::{Command, DateTime, Message, Reading};
use oversight::OrganisationId;
use policy::OrderAction;
use policy::permit::{Approver, Hit, Proposed, Radius};
use serde_json::{Map, Value};
use stix::marking::{Pap, Tlp};
use store::edges::{self, Edge};
use store::foreign::Foreign;
use store::{Reader, StoreError};

use super::super::abroad::{Request, audience};
use super::super::orders::{TAKEN_WITHIN, hits, instant};
use super::super::{Response, gates};
use super::Asked;
use crate::REALM;

/// By how much the other hub's clock may be ahead.
const SKEW_MS: u64 = 60_000;
/// By how much the times of a signature may be apart beyond what orders have: they are cut to milliseconds.
const SLACK_MS: u64 = 1_000;

/// A request that may be put before the gates.
pub(super) struct Judged {
    pub(super) edge: Edge,
    pub(super) agreement: String,
    /// The command without its identifier.
    pub(super) command: Map<String, Value>,
    pub(super) hits: Vec<Hit>,
    pub(super) stops: Timestamp,
    pub(super) expires: Timestamp,
}

/// What stands against a request.
pub(super) enum Against {
    /// Its time is over.
    Late(String),
    Other(String),
}

impl Against {
    pub(super) fn into_words(self) -> String {
        match self {
            Self::Late(why) | Self::Other(why) => why,
        }
    }
}

impl From<String> for Against {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

/// What orders for a peer are counted by.
pub(super) fn step_of(peer: &str) -> String {
    format!("asked for by {peer}")
}

impl Asked<'_> {
    /// Looks at a request for an order.
    pub(super) fn judge(&self, reader: &Reader<'_>) -> Result<Result<Judged, Against>, StoreError> {
        judge(reader, self.response, &self.peer.organisation, &self.request)
    }

    /// The command, if its signature holds.
    pub(super) fn verified(&self, now: Timestamp, asks: Authority) -> Result<(Verified, Command), Against> {
        verified(self.response, &self.request, now, asks)
    }
}

/// Looks at a request of a hub that is bound to an organisation.
///
/// # Errors
/// Those of the database; inside, what stands against it.
pub(super) fn judge(
    reader: &Reader<'_>,
    response: &Response,
    requester: &OrganisationId,
    request: &Request,
) -> Result<Result<Judged, Against>, StoreError> {
    let now = reader.now();
    let (verified, command) = match verified(response, request, now, Authority::Named) {
        Ok(both) => both,
        Err(against) => return Ok(Err(against)),
    };
    let edge = edges::get(reader, &REALM, &request.edge)?;
    let action = command.action.as_str();
    let engine = response.engine.load();
    let known = OrderAction::parse(action);
    let allowed = edge.as_ref().zip(known).and_then(|(edge, action)| {
        engine.circumstances().lets_order((requester, &edge.organisation), action, now)
    });
    // Whether there is such an edge is told nobody who may not ask for anything there.
    let (Some(edge), Some((agreement, minutes_max))) = (edge, allowed) else {
        let why = format!("no agreement that stands lets your hub ask for `{action}` at `{}`", request.edge);
        return Ok(Err(why.into()));
    };
    let agreement = agreement.to_string();
    Ok(timed((edge, agreement, minutes_max), &verified, &command, now))
}

fn timed(
    (edge, agreement, minutes_max): (Edge, String, u64),
    verified: &Verified,
    command: &Command,
    now: Timestamp,
) -> Result<Judged, Against> {
    let stops = command.args.stop_time.ok_or_else(|| "it has no end".to_owned())?;
    let stops = instant(stops)?;
    if stops <= now {
        return Err(Against::Late("its time is over".to_owned()));
    }
    let longest = SignedDuration::from_mins(i64::try_from(minutes_max).unwrap_or(i64::MAX / 60));
    if stops.duration_since(now) > longest {
        return Err(format!("the agreement allows {minutes_max} minutes and it would last longer").into());
    }
    let Value::Object(mut body) = verified.command().clone() else {
        return Err("the command is no object".to_owned().into());
    };
    body.shift_remove("command_id");
    let expires = instant(verified.expires())?.min(stops);
    Ok(Judged { edge, agreement, command: body, hits: hits(&command.target), stops, expires })
}

fn verified(
    response: &Response,
    request: &Request,
    now: Timestamp,
    asks: Authority,
) -> Result<(Verified, Command), Against> {
    let own = response.own.as_ref().map_or("", |own| own.id.as_str());
    let bytes = serde_json::to_vec(&request.message).map_err(|error| error.to_string())?;
    let message = Message::parse(&bytes).map_err(|refusal| refusal.to_string())?;
    let taken_within = u64::try_from(TAKEN_WITHIN.as_millis()).unwrap_or(u64::MAX);
    let verifier = Verifier {
        names: [audience(&request.edge, own)].into(),
        keys: vec![key(&request.key)?],
        authority: asks,
        lifetime_max_ms: taken_within.saturating_add(SLACK_MS),
        skew_ms: SKEW_MS,
    };
    let verified = verifier.verify(&message, DateTime::from(now)).map_err(|untrusted| match untrusted {
        Untrusted::Expired => Against::Late("it came too late to be carried out".to_owned()),
        other => Against::Other(other.to_string()),
    })?;
    if verified.statement().command_id != request.about.command_id {
        return Err("what is told of it is about another command".to_owned().into());
    }
    let command =
        Command::read(verified.command(), &Reading::default()).map_err(|refusal| refusal.to_string())?;
    Ok((verified, command))
}

fn key(key: &OrderKey) -> Result<TrustedKey, String> {
    let bytes = hex::decode(&key.key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let bytes = bytes.ok_or_else(|| "its key is no key".to_owned())?;
    Ok(TrustedKey { issuer: key.issuer.clone(), key: bytes, valid_from: None, valid_until: None })
}

/// Everything about a request that the gates ask for.
///
/// # Errors
/// Those of the database.
pub(super) fn proposed(
    reader: &Reader<'_>,
    response: &Response,
    (row, request, judged): (&Foreign, &Request, &Judged),
    approvers: Vec<Approver>,
) -> Result<Proposed, StoreError> {
    let now = reader.now();
    let about = &request.about;
    let named = about.basis.as_deref().map(|basis| (basis, about.reference.as_deref()));
    // A level that nobody knows here is the strictest.
    let tlp = request.tlp.as_deref().map(|name| Tlp::parse(name).unwrap_or(Tlp::Red));
    let pap = request.pap.as_deref().map(|name| Pap::parse(name).unwrap_or(Pap::Red));
    Ok(Proposed {
        hash: row.digest.clone(),
        playbook: Ok(()),
        person: None,
        requester: row.requester.clone(),
        operator: row.organisation.clone(),
        authority: gates::authority(reader, response, named, (&row.requester, &row.organisation))?,
        tlp,
        pap,
        hits: judged.hits.clone(),
        stop_after_ms: Some(gates::until(now, judged.stops)),
        radius: Radius::default(),
        within_hour: gates::within_hour(reader, (&row.requester, &step_of(&row.peer)))?,
        approvers: approvers.into_iter().collect(),
    })
}
