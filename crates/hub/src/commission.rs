//! The commission as the hub has to do with it: which one stands, what its members' passkeys are, and how they sign together.
//!
//! The hub holds no commissioner's key. It puts questions, keeps answers until they are enough, and writes down what was decided;
//! whoever knows the commission checks that without asking the hub.

use std::collections::BTreeSet;
use std::path::Path;

use api::Code;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use oversight::authorisation::{
    Assertion, Commission, Decided, DecisionError, Frame, Member, PublicKey, Resolved,
};
use oversight::{OrganisationId, Realm};
use serde_json::{Value, json};
use store::charters::{self, Charter};
use store::notices::{self, Notice};
use store::{Reader, StoreError, Tx, credentials};
use url::Url;
use webauthn_rs::prelude::{COSEAlgorithm, COSEKeyType, ECDSACurve, EDDSACurve, Passkey};

use crate::HubError;
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::sharing;
use crate::sign_in::people_address;

/// How long commissioners have to join a decision that one of them began.
pub(crate) const BALLOT_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long an authenticator waits for its owner, in milliseconds.
const TOUCH_WAIT_MS: u32 = 300_000;
/// Longest field of an authenticator's answer, in characters; a browser's client data are a few hundred.
const ANSWER_FIELD_CHARS_MAX: usize = 4_096;
/// Largest frame file, in bytes.
const FRAME_BYTES_MAX: u64 = 64 * 1024;

/// Reads the frame that the configuration names.
///
/// # Errors
/// `file`, or `frame` where it is none that could be used.
pub(crate) fn read_frame(path: &Path) -> Result<Frame, HubError> {
    let wrong = |why: String| HubError::new("frame", format!("oversight.frame: `{}`: {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| HubError::file(path, &error))?.len();
    if length > FRAME_BYTES_MAX {
        return Err(wrong(format!("it has {length} bytes, and at most {FRAME_BYTES_MAX} are read")));
    }
    let text = std::fs::read(path).map_err(|error| HubError::file(path, &error))?;
    let frame: Frame = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    frame.check().map_err(|error| wrong(error.to_string()))?;
    Ok(frame)
}

/// The commission and the frame that decisions are taken by.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) commission: Charter<Commission>,
    pub(crate) frame: Charter<Frame>,
}

impl Standing {
    /// What stands; `None` where no authorisation can be given.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn read(reader: &Reader<'_>, realm: &Realm) -> Result<Option<Self>, StoreError> {
        let commission = charters::commission(reader, realm)?;
        let frame = charters::frame(reader, realm)?;
        Ok(commission.zip(frame).map(|(commission, frame)| Self { commission, frame }))
    }

    /// The same, for an act that needs it.
    ///
    /// # Errors
    /// [`StoreError::Abandoned`] where nothing stands.
    pub(crate) fn demand(
        reader: &Reader<'_>,
        realm: &Realm,
        is_configured: bool,
    ) -> Result<Self, StoreError> {
        let standing = if is_configured { Self::read(reader, realm)? } else { None };
        standing.ok_or_else(|| {
            let why = "state-tasked monitoring cannot be authorised at this node: it needs a frame in the configuration, a \
                commission, and the commission's resolution on the frame";
            sharing::unfit("monitoring-off", why)
        })
    }
}

/// The caller as a member of the commission that stands, now.
pub(crate) fn member<'m>(
    caller: &Caller,
    standing: &'m Charter<Commission>,
    now: Timestamp,
) -> Option<&'m Member> {
    if caller.principal.organisation != standing.organisation || caller.session.is_none() {
        return None;
    }
    let is_now = |member: &&Member| member.id == caller.id() && (member.from..member.until).contains(&now);
    standing.text.members.iter().find(is_now)
}

/// What the caller must be to take part in a decision.
///
/// # Errors
/// The write is taken back, and answered as not allowed.
pub(crate) fn demand_member<'m>(
    caller: &Caller,
    standing: &'m Charter<Commission>,
    now: Timestamp,
) -> Result<&'m Member, StoreError> {
    member(caller, standing, now).ok_or_else(|| {
        sharing::unfit("not-allowed-commissioner", "you are no member of the commission that stands")
    })
}

/// The names of members, for people.
pub(crate) fn names(commission: &Commission, ids: &BTreeSet<String>) -> Vec<String> {
    let of = |member: &&Member| ids.contains(&member.id);
    commission.members.iter().filter(of).map(|member| member.name.clone()).collect()
}

/// Where the passkeys of people of this hub are used: the relying party, and the address. `None` where the hub is opened by a
/// number, which WebAuthn does not know.
pub(crate) fn site(address: &Url) -> Option<(String, String)> {
    let address = people_address(address);
    Some((address.domain()?.to_owned(), address.origin().ascii_serialization()))
}

/// A registered passkey as commissioners decide by it: its credential (base64url) and its public key. `None` for kinds that are
/// neither ES256 over P-256 nor Ed25519.
pub(crate) fn public_key(row: &credentials::Passkey) -> Option<(String, PublicKey)> {
    let passkey: Passkey = serde_json::from_str(&row.credential).ok()?;
    let cose = passkey.get_public_key();
    let key = match (&cose.type_, &cose.key) {
        (COSEAlgorithm::ES256, COSEKeyType::EC_EC2(key))
            if key.curve == ECDSACurve::SECP256R1 && key.x.len() == 32 && key.y.len() == 32 =>
        {
            // SEC 1 §2.3.3: uncompressed.
            PublicKey::Es256 { point: format!("04{}{}", hex::encode(&key.x), hex::encode(&key.y)) }
        }
        (COSEAlgorithm::EDDSA, COSEKeyType::EC_OKP(key))
            if key.curve == EDDSACurve::ED25519 && key.x.len() == 32 =>
        {
            PublicKey::Ed25519 { key: hex::encode(&key.x) }
        }
        _ => return None,
    };
    Some((URL_SAFE_NO_PAD.encode(&row.credential_id), key))
}

/// What `navigator.credentials.get` takes as JSON (WebAuthn Level 3 §5.1.8): the member's own passkeys over a challenge that is the
/// hash of what is decided.
pub(crate) fn options(challenge: &[u8; 32], commission: &Commission, member: &Member) -> Value {
    let credential = |id: &String| json!({ "type": "public-key", "id": id });
    json!({
        "challenge": URL_SAFE_NO_PAD.encode(challenge),
        "rpId": commission.rp_id,
        "allowCredentials": member.passkeys.keys().map(credential).collect::<Vec<_>>(),
        "userVerification": "required",
        "timeout": TOUCH_WAIT_MS,
    })
}

/// The answer of an authenticator, out of what `toJSON()` of the credential gives.
///
/// # Errors
/// 400.
pub(crate) fn assertion(credential: &Value) -> Answer<Assertion> {
    let field = |value: Option<&Value>, name: &str| {
        let text = value.and_then(|value| value.get(name)).and_then(Value::as_str);
        let text = text.filter(|text| text.len() <= ANSWER_FIELD_CHARS_MAX);
        text.map(|text| text.trim_end_matches('=').to_owned()).ok_or_else(|| {
            let why = format!("`credential` is not what `toJSON()` of a credential gives: `{name}`");
            Failure::new(Code::BadRequest, why)
        })
    };
    let response = credential.get("response");
    Ok(Assertion {
        credential: field(Some(credential), "rawId")?,
        authenticator_data: field(response, "authenticatorData")?,
        client_data: field(response, "clientDataJSON")?,
        signature: field(response, "signature")?,
    })
}

/// What commissioners sign together: a decision, or a resolution.
pub(crate) trait Ballot: Clone {
    fn is_same_question(&self, other: &Self) -> bool;
    fn asked(&self) -> Timestamp;
    fn add(&mut self, assertions: Vec<Assertion>);
    fn assertions(&self) -> Vec<Assertion>;
    fn who(&self, commission: &Commission) -> Result<BTreeSet<String>, DecisionError>;
}

impl Ballot for Decided {
    fn is_same_question(&self, other: &Self) -> bool {
        self.decision == other.decision
    }

    fn asked(&self) -> Timestamp {
        self.decision.asked
    }

    fn add(&mut self, assertions: Vec<Assertion>) {
        self.assertions.extend(assertions);
    }

    fn assertions(&self) -> Vec<Assertion> {
        self.assertions.clone()
    }

    fn who(&self, commission: &Commission) -> Result<BTreeSet<String>, DecisionError> {
        self.members(commission)
    }
}

impl Ballot for Resolved {
    fn is_same_question(&self, other: &Self) -> bool {
        self.resolution == other.resolution
    }

    fn asked(&self) -> Timestamp {
        self.resolution.asked
    }

    fn add(&mut self, assertions: Vec<Assertion>) {
        self.assertions.extend(assertions);
    }

    fn assertions(&self) -> Vec<Assertion> {
        self.assertions.clone()
    }

    fn who(&self, commission: &Commission) -> Result<BTreeSet<String>, DecisionError> {
        self.members(commission)
    }
}

/// Whether others can still join what is being signed: it is young enough, and each answer to it still counts.
pub(crate) fn is_open(ballot: &impl Ballot, commission: &Commission, now: Timestamp) -> bool {
    now.duration_since(ballot.asked()) <= BALLOT_LIFE && ballot.who(commission).is_ok()
}

/// Adds a member's answer to those that are there: the ballot as it is now, and who signed it. All answers are verified, not only
/// the new one.
///
/// # Errors
/// The answer proves nothing, or is another member's; the member signed before; another question is being signed.
pub(crate) fn cast<B: Ballot>(
    own: &B,
    pending: Option<B>,
    (commission, member, now): (&Commission, &Member, Timestamp),
) -> Result<(B, BTreeSet<String>), StoreError> {
    let refused = |error: DecisionError| sharing::unfit("not-allowed-decision", error.to_string());
    if own.who(commission).map_err(refused)? != BTreeSet::from([member.id.clone()]) {
        return Err(sharing::unfit(
            "not-allowed-passkey",
            "the passkey that answered is another commissioner's",
        ));
    }
    let mut ballot = match pending.filter(|pending| is_open(pending, commission, now)) {
        None => return Ok((own.clone(), BTreeSet::from([member.id.clone()]))),
        Some(pending) if pending.is_same_question(own) => pending,
        // Two began at the same time: the second one signs the first one's words.
        Some(_) => return Err(StoreError::Stale { what: "what is being signed".to_owned() }),
    };
    if ballot.who(commission).map_err(refused)?.contains(&member.id) {
        return Err(StoreError::Exists { what: format!("the answer of {}", member.name) });
    }
    ballot.add(own.assertions());
    let who = ballot.who(commission).map_err(refused)?;
    Ok((ballot, who))
}

/// Puts a notice into inboxes. Open streams are not told: who may know of authorisations is decided where an inbox is read.
///
/// # Errors
/// Those of the database.
pub(crate) fn tell<'o>(
    tx: &mut Tx<'_>,
    realm: &Realm,
    to: impl IntoIterator<Item = &'o OrganisationId>,
    kind: &str,
    subject: &str,
) -> Result<(), StoreError> {
    let notice = Notice {
        id: uuid::Uuid::now_v7().to_string(),
        at: tx.now(),
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        object: None,
        text: String::new(),
        seen: None,
    };
    let to: BTreeSet<&OrganisationId> = to.into_iter().collect();
    notices::tell(tx, realm, to, &notice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_from_its_example_and_refused_for_what_is_wrong() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators/frame.example.json");
        let frame = read_frame(&example).unwrap();
        assert!(!frame.categories.is_empty());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frame.json");
        assert_eq!(read_frame(&path).unwrap_err().code, "file");
        let mut alone = frame.clone();
        alone.emergency.persons = 1;
        for text in ["{}".to_owned(), serde_json::to_string(&alone).unwrap(), " ".repeat(70_000)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_frame(&path).unwrap_err().code, "frame");
        }
    }

    #[test]
    fn an_answer_that_is_none_is_not_read() {
        let good = json!({
            "rawId": "YQ==", "response": { "authenticatorData": "Yg", "clientDataJSON": "Yw", "signature": "ZA" },
        });
        assert_eq!(assertion(&good).unwrap().credential, "YQ");
        for (place, name) in
            [("/rawId", "rawId"), ("/response/signature", "signature"), ("/response", "authenticatorData")]
        {
            for with in [Value::Null, json!(1), json!("x".repeat(5000))] {
                let mut bad = good.clone();
                *bad.pointer_mut(place).unwrap() = with;
                assert!(assertion(&bad).unwrap_err().detail().contains(name), "{bad}");
            }
        }
    }
}
