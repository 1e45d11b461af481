//! From a step's command to an order that an edge takes: the command with its end and its identifier, signed by this hub.

use cacao::run::Order;
use jiff::{SignedDuration, Timestamp};
use openc2::signed::{Statement, sign};
use openc2::slpf::TRIAL;
use openc2::{Action, Command, Content, DateTime, Headers, Language, Message, Reading, Target};
use policy::permit::{Hit, Permit};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Response;

/// How long an edge may take an order after it was given. One that was away for longer does not carry out yesterday's.
pub(crate) const TAKEN_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// An order that is not given yet.
pub(super) struct Draft {
    /// The OpenC2 command, with its end where it has one.
    pub(super) command: Map<String, Value>,
    /// What it names.
    pub(super) hits: Vec<Hit>,
    /// When its effect ends.
    pub(super) stops: Option<Timestamp>,
}

/// Reads the command of a step. What it says of its end counts where the safeguards do not say an earlier one; `longest_ms` bounds both.
///
/// # Errors
/// Why it cannot be ordered.
pub(super) fn draft(order: &Order, now: Timestamp, longest_ms: Option<u64>) -> Result<Draft, String> {
    let body = order.command.body().ok_or_else(|| "the step has no OpenC2 command in its body".to_owned())?;
    let value: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let request = value.pointer("/body/openc2/request").unwrap_or(&value);
    let read = Command::read(request, &Reading::default()).map_err(|refusal| refusal.to_string())?;
    let Value::Object(mut command) = request.clone() else {
        return Err("the OpenC2 command is no object".to_owned());
    };
    let hits = hits(&read.target);
    if order.undoes.is_some() {
        return Ok(Draft { command, hits, stops: None });
    }
    if !matches!(read.action, Action::Deny | Action::Contain) {
        // To let traffic through, to update or to delete is no measure that ends by itself, and nobody bounds it.
        return Err(format!("`{}` is not ordered of edges: `deny` and `contain` are", read.action.as_str()));
    }
    let from = read.args.start_time.map_or(Ok(now), instant)?;
    let said = match (read.args.stop_time, read.args.duration) {
        (Some(stop), _) => Some(instant(stop)?),
        (None, Some(long)) => Some(later(from, long)),
        (None, None) => None,
    };
    let guarded = order.stop_after_ms.map(|after| later(now, after));
    let longest = longest_ms.map(|longest| later(now, longest));
    let stops = [said, guarded, longest].into_iter().flatten().min();
    if let Some(stops) = stops {
        let args = command.entry("args").or_insert_with(|| json!({}));
        let args = args.as_object_mut().ok_or_else(|| "the command's `args` are no object".to_owned())?;
        args.shift_remove("duration");
        args.insert("stop_time".to_owned(), DateTime::from(stops).0.into());
    }
    if let Some(trial) = trial(order, &hits) {
        let args = command.entry("args").or_insert_with(|| json!({}));
        let args = args.as_object_mut().ok_or_else(|| "the command's `args` are no object".to_owned())?;
        args.insert(TRIAL.to_owned(), trial);
    }
    Ok(Draft { command, hits, stops })
}

/// What an edge is asked to try first, as it stands in the signed command: to count for so long, and how large a share may be hit. Names cannot be
/// counted.
fn trial(order: &Order, hits: &[Hit]) -> Option<Value> {
    let the = order.safeguards.as_ref()?;
    let shadow = the.rollout.as_ref()?.shadow_ms?;
    if !hits.iter().all(|hit| matches!(hit, Hit::Network(_))) {
        return None;
    }
    let mut trial = Map::new();
    trial.insert("shadow".to_owned(), shadow.into());
    if let Some(percent) = the.blast_radius.as_ref().and_then(|radius| radius.traffic_percent_max) {
        trial.insert("traffic_percent_max".to_owned(), percent.into());
    }
    Some(Value::Object(trial))
}

pub(super) fn instant(at: DateTime) -> Result<Timestamp, String> {
    let millis = i64::try_from(at.0).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    millis.ok_or_else(|| "the command's times lie too far ahead".to_owned())
}

fn later(at: Timestamp, milliseconds: u64) -> Timestamp {
    let long = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    at.checked_add(long).unwrap_or(Timestamp::MAX)
}

/// What a target names.
pub(super) fn hits(target: &Target) -> Vec<Hit> {
    let read = |text: String| Hit::parse(&text).unwrap_or(Hit::Other(text));
    match target {
        Target::Ipv4Net(net) => vec![read(net.to_string())],
        Target::Ipv6Net(net) => vec![read(net.to_string())],
        Target::Ipv4Connection(connection) => {
            let ends = [connection.src_addr, connection.dst_addr];
            ends.into_iter().flatten().map(|net| read(net.to_string())).collect()
        }
        Target::Ipv6Connection(connection) => {
            let ends = [connection.src_addr, connection.dst_addr];
            ends.into_iter().flatten().map(|net| read(net.to_string())).collect()
        }
        Target::DomainName(name) => vec![read(name.to_string())],
        // In the form that name servers know, so that no name is protected in one spelling only.
        Target::IdnDomainName(name) => vec![match url::Host::parse(&name.to_string()) {
            Ok(url::Host::Domain(ascii)) => read(ascii),
            _ => Hit::Other(name.to_string()),
        }],
        other => vec![Hit::Other(format!("a target of the kind `{}`", other.name().spell(Language::V1_0)))],
    }
}

/// An order that may be given: the message, its command's identifier, and until when it can be taken.
pub(super) struct Signed {
    pub(super) message: Value,
    pub(super) command_id: String,
    pub(super) expires: Timestamp,
}

/// The identifier of a command: its key in the run, and which attempt it is.
pub(crate) fn command_id(key: &str, attempts_before: u32) -> String {
    if attempts_before == 0 { key.to_owned() } else { format!("{key}.{attempts_before}") }
}

/// What the signature of an order names as its authority: SHA-256 of the canonical form (RFC 8785) of basis and reference.
pub(super) fn authority(basis: &str, reference: Option<&str>) -> Option<String> {
    let named = json!({ "basis": basis, "reference": reference });
    // Two names in their order and plain texts: this is its canonical form.
    let text = serde_json::to_vec(&named).ok()?;
    Some(hex::encode(Sha256::digest(text)))
}

/// What is to be signed.
pub(super) struct ToSign<'o> {
    /// Over exactly what was permitted.
    pub(super) hash: &'o str,
    /// The command, without its identifier.
    pub(super) command: &'o Map<String, Value>,
    /// The command's identifier.
    pub(super) command_id: String,
    /// The authority's hash.
    pub(super) authority: Option<String>,
    /// When its effect ends, or from when it may not be taken for another reason.
    pub(super) until: Option<Timestamp>,
}

/// Signs an order for one edge. Only what passed the gates is signed: `permit` is used up.
///
/// # Errors
/// Why it cannot be signed.
pub(super) fn signed(
    response: &Response,
    permit: Permit,
    (order, draft): (&Order, &Draft),
    edge: &str,
    now: Timestamp,
) -> Result<Signed, String> {
    let named = order.safeguards.as_ref().and_then(|the| the.authority.as_ref());
    let to_sign = ToSign {
        hash: &order.hash.0,
        command: &draft.command,
        command_id: command_id(&order.key.0, order.attempts_before),
        authority: named.and_then(|named| authority(&named.basis, named.reference.as_deref())),
        until: draft.stops,
    };
    seal(response, permit, to_sign, edge, now)
}

/// The same for what is no step's.
///
/// # Errors
/// Why it cannot be signed.
pub(super) fn seal(
    response: &Response,
    permit: Permit,
    to_sign: ToSign<'_>,
    audience: &str,
    now: Timestamp,
) -> Result<Signed, String> {
    if permit.hash() != to_sign.hash {
        return Err("the permit is for another command".to_owned());
    }
    drop(permit);
    let ToSign { command_id, authority, until, .. } = to_sign;
    let mut command = to_sign.command.clone();
    command.insert("command_id".to_owned(), command_id.clone().into());
    let taken_until = now.checked_add(TAKEN_WITHIN).unwrap_or(Timestamp::MAX);
    let expires = until.map_or(taken_until, |until| until.min(taken_until));
    let statement = Statement {
        issuer: response.issuer.clone(),
        audience: [audience.to_owned()].into(),
        command_id: command_id.clone(),
        not_before: now.into(),
        expires: expires.into(),
        authority,
    };
    let headers = Headers {
        request_id: Some(command_id.clone()),
        created: Some(now.into()),
        from: Some(response.issuer.clone()),
        to: vec![audience.to_owned()],
    };
    let message = Message { headers, content: Content::Request(Value::Object(command)), signature: None };
    let message = sign(message, &statement, &response.key).map_err(|error| error.to_string())?;
    Ok(Signed { message: message.write(), command_id, expires })
}
