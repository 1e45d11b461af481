use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The commission, its frame, and what it is asked about either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Oversight {
    /// Whether state-tasked monitoring can be authorised here: a commission stands, and it took a frame into force.
    pub is_on: bool,
    /// Why not, where it cannot: `no-frame` (the node is configured with none), `no-commission`, `frame-not-adopted`.
    pub off_because: Option<String>,
    /// The commission that stands.
    pub commission: Option<StandingCommission>,
    /// The frame in force.
    pub frame: Option<StandingFrame>,
    /// What the standing commission is asked about itself or its frame.
    pub proposals: Vec<CharterProposal>,
    /// The people who could be commissioners, with the passkeys that they could decide by; for the oversight organisation only.
    pub candidates: Vec<Candidate>,
    /// The verifier key of the log of authorisations (C2SP signed-note): what edges and witnesses are told beforehand.
    pub log_key: String,
}

/// The commission that stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StandingCommission {
    /// SHA-256 of the document, hexadecimal: what operators compare and pin.
    pub digest: String,
    /// Whose people they are.
    pub organisation: String,
    /// Its place in the log of authorisations.
    pub leaf: u64,
    /// Since when: RFC 3339.
    pub at: String,
    /// How many decide together.
    pub threshold: u32,
    /// The members.
    pub members: Vec<CommissionMember>,
    /// The document as it is hashed (RFC 8785), members with their passkeys' public keys.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
}

/// A commissioner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommissionMember {
    /// The account.
    pub id: String,
    /// For people.
    pub name: String,
    /// From when: RFC 3339.
    pub from: String,
    /// Until when, exclusively: RFC 3339.
    pub until: String,
    /// How many passkeys.
    pub passkeys: u64,
}

/// The frame in force: which measures there are, for how long at most, under which limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StandingFrame {
    /// SHA-256 of the document, hexadecimal: what operators compare and pin.
    pub digest: String,
    /// Its place in the log of authorisations.
    pub leaf: u64,
    /// Since when: RFC 3339.
    pub at: String,
    /// The document as it is hashed (RFC 8785).
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
}

/// What the standing commission is asked about itself or its frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CharterProposal {
    /// `commission` or `frame`.
    pub subject: String,
    /// SHA-256 of the document, hexadecimal.
    pub digest: String,
    /// The document that would be in force.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
    /// The names of those who signed for it so far.
    pub signed_by: Vec<String>,
    /// How many it takes.
    pub needed: u32,
}

/// A person who could be a commissioner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The account.
    pub id: String,
    /// For people.
    pub name: String,
    /// Passkeys that can decide: ES256 (P-256) or EdDSA (Ed25519).
    pub passkeys: u64,
    /// Registered passkeys of other kinds, which cannot.
    pub passkeys_of_other_kinds: u64,
    /// Whether the person is a member of the standing commission.
    pub is_member: bool,
}

/// Names the first commission, or proposes another one to the one that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommission {
    /// Its name.
    pub name: String,
    /// How many decide together; at least two.
    pub threshold: u32,
    /// The accounts of its members, who have the role `commissioner` and a passkey that can decide.
    pub members: Vec<String>,
    /// Until when they are commissioners: RFC 3339.
    pub until: String,
}

/// Begins to sign a resolution of the standing commission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewResolution {
    /// `commission` or `frame`.
    pub subject: String,
    /// The digest of the proposal that was read.
    pub digest: String,
    /// Why, for whoever inspects; whoever joins others signs their words.
    #[serde(default)]
    pub reason: String,
}

/// Begins to sign a decision on an authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// `grant`, `refuse`, `suspend`, `resume`, `revoke`.
    pub verdict: String,
    /// SHA-256 of the terms that were read, hexadecimal.
    pub terms: String,
    /// Why; needed where something is refused or stopped. Whoever joins others signs their words.
    #[serde(default)]
    pub reason: String,
}

/// What a commissioner's authenticator is asked to sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionChallenge {
    /// Send it back with the authenticator's answer, within five minutes.
    #[schema(value_type = String)]
    pub challenge_id: uuid::Uuid,
    /// WebAuthn's request options as JSON, binary values in base64url. The challenge is the hash of `document`.
    #[schema(value_type = Object)]
    pub options: serde_json::Value,
    /// What is signed: all who take part sign these words.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
    /// The names of those who signed it so far.
    pub signed_by: Vec<String>,
    /// How many it takes.
    pub needed: u32,
}

/// Asks the commission for an authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAuthorisation {
    /// `ordinary`, or `emergency`: decided by few, short, and told to the whole commission at once.
    pub kind: String,
    /// On which ground, e.g. `foreign-domestic`; the frame in force says which there are, and names the article.
    pub category: String,
    /// Short names of the operators in whose networks.
    pub operators: Vec<String>,
    /// What is looked for: STIX patterns, in an order that counts.
    pub indicators: Vec<String>,
    /// Whether the operators' edges are not given the list: it is then for private matching only.
    #[serde(default)]
    pub sealed: bool,
    /// What may leave: `addresses`, `own-pseudonyms`, `domains`, `hashes`, `ports`, `protocol`, `bytes`.
    pub fields: Vec<String>,
    /// How often the list may be put to each operator in a day (UTC).
    pub queries_per_day: u32,
    /// From when: RFC 3339.
    pub from: String,
    /// Until when, exclusively: RFC 3339.
    pub until: String,
    /// The class by which what comes of it is kept, as the frame names it.
    pub retention: String,
    /// What for, e.g. `collective-defence`.
    pub purpose: String,
    /// Why, for the commissioners.
    pub reason: String,
    /// The authorisation that this one is a narrower form of.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub narrows: Option<uuid::Uuid>,
    /// Where the list is matched privately: how. The list is sealed then, `fields` is empty and `queries_per_day` is 1.
    #[serde(default)]
    pub private: Option<crate::NewPrivateMatching>,
}

/// Authorisations that the reader may know of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorisationList {
    /// Those asked for last first.
    pub authorisations: Vec<AuthorisationInfo>,
    /// Give it as `before` for older ones.
    pub next: Option<u64>,
}

/// An authorisation and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorisationInfo {
    /// Its id.
    #[schema(value_type = String)]
    pub id: uuid::Uuid,
    /// `requested`, `granted`, `suspended`, `refused`, `withdrawn`, `revoked`.
    pub state: String,
    /// Whether it counts now: granted, and within its time.
    pub in_force: bool,
    /// SHA-256 of the terms, hexadecimal: what commissioners sign.
    pub terms_hash: String,
    /// The terms as they are hashed (RFC 8785).
    #[schema(value_type = Object)]
    pub terms: serde_json::Value,
    /// Whether the operators' edges are not given the list.
    pub sealed: bool,
    /// The request's place in the log of authorisations.
    pub request_leaf: u64,
    /// The grant's, where there is one.
    pub grant_leaf: Option<u64>,
    /// When it was asked for: RFC 3339.
    pub created: String,
    /// When it last changed: RFC 3339.
    pub changed: String,
    /// The decision that is being signed; for the commission only.
    pub pending: Option<PendingDecision>,
    /// How often edges signed for having used it; for the commission only.
    pub uses: Option<u64>,
    /// The decisions that the reader may take: `grant`, `refuse`, `suspend`, `resume`, `revoke`.
    pub may: Vec<String>,
    /// What happened to it, oldest first; only where one authorisation is asked for.
    pub history: Vec<AuthorisationEntry>,
}

/// A decision that is being signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PendingDecision {
    /// `grant` or `resume`.
    pub verdict: String,
    /// The names of those who signed so far.
    pub signed_by: Vec<String>,
    /// How many it takes.
    pub needed: u32,
    /// The reason that they signed.
    pub reason: String,
    /// When the question was put: RFC 3339.
    pub asked: String,
}

/// An entry of the log of authorisations with what it commits to: whoever holds both can check it against the published log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthorisationEntry {
    /// Its place in the log.
    pub leaf: u64,
    /// `request`, `grant`, `refuse`, `withdraw`, `suspend`, `resume`, `revoke`.
    pub kind: String,
    /// When: RFC 3339.
    pub at: String,
    /// The entry as it stands in the log.
    pub entry: String,
    /// The record that it commits to: terms, and decision with the commissioners' passkeys over it.
    pub record: String,
    /// The salt of the commitment, hexadecimal.
    pub salt: String,
}

/// What is looked for under an authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthorisedIndicators {
    /// The salt of its root, hexadecimal.
    pub salt: String,
    /// STIX patterns, in an order that counts.
    pub patterns: Vec<String>,
}

/// What edges signed for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptList {
    /// Newest first.
    pub receipts: Vec<ReceiptRow>,
    /// Give it as `before` for older ones.
    pub next: Option<u64>,
}

/// An edge's signature for having used an authorisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptRow {
    /// Its place in the log of authorisations.
    pub leaf: u64,
    /// When it came in: RFC 3339.
    pub at: String,
    /// Under which authorisation.
    #[schema(value_type = String)]
    pub authorisation: uuid::Uuid,
    /// Whose question it was.
    pub asked_by: String,
    /// At which operator.
    pub operator: String,
    /// By which edge.
    pub edge: String,
    /// How many indicators were asked for.
    pub count: u32,
    /// When it was used: RFC 3339.
    pub used_at: String,
    /// The receipt as it was signed.
    #[schema(value_type = Object)]
    pub receipt: serde_json::Value,
    /// The edge's key, Ed25519 in hexadecimal.
    pub key: String,
    /// The entry as it stands in the log.
    pub entry: String,
    /// What the entry commits to: the receipt, byte for byte.
    pub record: String,
    /// The salt of the commitment, hexadecimal.
    pub salt: String,
}

/// Takes one's own request back, before the commission has decided on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorisationWithdrawal {
    /// Why, for the commission and whoever inspects.
    pub reason: String,
}

/// What an edge is given of authorisations: the commission's decisions that are in force at its operator, and by what it can check
/// them. It believes none of it before it has: its operator pins commission and frame, and witnesses vouch for the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EdgeAuthorisations {
    /// Terms, decision, salt and place in the log of each grant, as they are checked.
    #[schema(value_type = Vec<Object>)]
    pub packages: Vec<serde_json::Value>,
    /// Those whose list the edge is given, by their ids; the others are sealed.
    #[schema(value_type = Vec<String>)]
    pub open: Vec<uuid::Uuid>,
    /// Give it as `before` for more.
    pub next: Option<u64>,
    /// The commission that stands: to be compared with the one that the operator pinned.
    #[schema(value_type = Option<Object>)]
    pub commission: Option<serde_json::Value>,
    /// The frame in force, likewise.
    #[schema(value_type = Option<Object>)]
    pub frame: Option<serde_json::Value>,
}

/// The log of authorisations since an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeAuthorisationLog {
    /// The newest signed checkpoint of the log (C2SP signed-note).
    pub checkpoint: String,
    /// The entries from the one asked for on, up to the checkpoint's size or the most that one answer holds.
    pub entries: Vec<String>,
    /// Whether the checkpoint covers more.
    pub more: bool,
}

/// The key that an edge will sign receipts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeKey {
    /// Ed25519, 32 bytes in hexadecimal.
    pub key: String,
    /// The key's signature over `yagura edge key v1`, a zero byte and the edge's short name, in hexadecimal: that the edge has it.
    pub signature: String,
}

/// Receipts of an edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptsPosted {
    /// Each as it was signed.
    #[schema(value_type = Vec<Object>)]
    pub receipts: Vec<serde_json::Value>,
}

/// What became of receipts, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptsAccepted {
    /// One for each.
    pub outcomes: Vec<ReceiptOutcome>,
}

/// What became of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum ReceiptOutcome {
    /// It is kept, and stands in the log.
    Accepted {
        /// Its place there.
        leaf: u64,
    },
    /// It was there already.
    Duplicate {
        /// Its place in the log.
        leaf: u64,
    },
    /// It is not taken.
    Refused {
        /// Why.
        why: String,
    },
}

/// The log of authorisations with what its entries commit to: what statistics are counted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OversightRecords {
    /// In the order of the log.
    pub records: Vec<OversightRecord>,
    /// Give it as `from` for more.
    pub next: Option<u64>,
}

/// What an entry of the log of authorisations commits to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OversightRecord {
    /// Its place in the log.
    pub leaf: u64,
    /// The record.
    pub record: String,
    /// The salt of the commitment, hexadecimal.
    pub salt: String,
}
