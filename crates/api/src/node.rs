use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// What anybody may know of a node before signing in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// `live` or `exercise:<id>`.
    pub realm: String,
    /// Program version.
    pub version: String,
    /// Stands for the set of policies in force: SHA-256 over names and texts, hexadecimal.
    pub policies: String,
    /// Whether a newer set of policy files does not compile, so that the set in force is older than what its folder holds.
    pub policies_refused: bool,
    /// Whether the public is told of state-tasked monitoring here, at `/transparency`.
    pub transparency: bool,
    /// Whether people may sign in by password; else by passkey, one-time link or their organisation's identity provider alone.
    pub passwords: bool,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The account.
    pub person: Person,
    /// Its organisation.
    pub organisation: Organisation,
    /// Where.
    pub node: Node,
    /// Send this as `X-Yagura-CSRF` with every request that changes something.
    pub csrf: Secret,
    /// When the person last proved who it is, RFC 3339. What changes the means to sign in asks for a proof that is fresh.
    pub proved: String,
    /// Whether the account has neither passkey nor password yet and must choose one.
    pub credential_needed: bool,
    /// Operations that policy allows: `write`, `delete`, `work-cases`, `see-edges`, `administer`, `inspect`.
    pub may: Vec<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// Account id.
    pub id: String,
    /// Sign-in name.
    pub login: String,
    /// For people.
    pub name: String,
    /// Short name of the organisation.
    pub organisation: String,
    /// Roles, e.g. `duty_officer`.
    pub roles: Vec<String>,
    /// Whether the account cannot sign in.
    #[serde(default)]
    pub disabled: bool,
}

/// Adds a person; the answer is a one-time sign-in link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Sign-in name, 1–64 of `a–z 0–9 . - _`.
    pub login: String,
    /// For people.
    pub name: String,
    /// Short name of the organisation.
    pub organisation: String,
    /// Roles.
    pub roles: Vec<String>,
}

/// A person who was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonAdded {
    /// The account.
    pub person: Person,
    /// The one-time link to sign in with: shown once.
    pub sign_in: Secret,
}

/// A one-time link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInLink {
    /// The secret part of the link.
    pub link: Secret,
}

/// Name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordSignIn {
    /// Sign-in name.
    pub login: String,
    /// Password.
    pub password: Secret,
}

/// A new password, 12–256 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// Password.
    pub password: Secret,
}

/// The beginning of a passkey ceremony.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyChallenge {
    /// Send it back with the authenticator's answer, within five minutes.
    #[schema(value_type = String)]
    pub challenge_id: uuid::Uuid,
    /// WebAuthn's options as JSON, binary values in base64url.
    #[schema(value_type = Object)]
    pub options: serde_json::Value,
}

/// An authenticator's answer to a sign-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeAnswer {
    /// From the beginning.
    #[schema(value_type = String)]
    pub challenge_id: uuid::Uuid,
    /// The credential's `toJSON()`.
    #[schema(value_type = Object)]
    pub credential: serde_json::Value,
}

/// An authenticator's answer to a registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyRegistration {
    /// From the beginning.
    #[schema(value_type = String)]
    pub challenge_id: uuid::Uuid,
    /// What the person calls it, 1–64 characters.
    pub name: String,
    /// The credential's `toJSON()`.
    #[schema(value_type = Object)]
    pub credential: serde_json::Value,
}

/// A registered passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyInfo {
    /// Its id here.
    pub id: String,
    /// What the person called it.
    pub name: String,
    /// RFC 3339.
    pub created: String,
}

/// An organisation of the council.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Organisation {
    /// Short name.
    pub id: String,
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// `coordinator`, `agency`, `operator`, `partner`, `oversight`, `academy`.
    pub role: String,
    /// Sectors, of operators.
    pub sectors: Vec<String>,
    /// Prefecture of its seat, JIS X 0401, 1–47.
    pub prefecture: Option<u8>,
    /// Its STIX identity.
    pub identity: String,
}

/// Adds an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganisation {
    /// Short name, `a–z 0–9 -`.
    pub id: String,
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// Role.
    pub role: String,
    /// Sectors.
    #[serde(default)]
    pub sectors: Vec<String>,
    /// Prefecture.
    #[serde(default)]
    pub prefecture: Option<u8>,
}

/// Asks for a program's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The organisation it speaks for.
    pub organisation: String,
    /// What it may do.
    pub roles: Vec<String>,
    /// What it is for, for people.
    #[serde(default)]
    pub name: String,
    /// RFC 3339, or a date; absent: 90 days.
    #[serde(default)]
    pub expires: Option<String>,
    /// Through which doors it goes: `taxii`, `rest`, `stream`, `misp`, `edges` (reading about edges alone),
    /// `mail` (handing mails in about cases alone); none: through every one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doors: Vec<String>,
    /// The certificate (PEM) that the program shows when it connects, or its SHA-256 in hexadecimal: without it the token is good for
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A token, shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenIssued {
    /// About it.
    pub info: TokenInfo,
    /// The secret.
    pub token: Secret,
}

/// About a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenInfo {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The organisation it speaks for.
    pub organisation: String,
    /// What it may do.
    pub roles: Vec<String>,
    /// RFC 3339.
    pub created: String,
    /// RFC 3339.
    pub expires: String,
    /// RFC 3339.
    pub last_used: Option<String>,
    /// Through which doors it goes; none: through every one.
    #[serde(default)]
    pub doors: Vec<String>,
    /// SHA-256 of the certificate that it is bound to, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A page of the audit log, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// The rows.
    pub rows: Vec<AuditRow>,
    /// Give this back as `before` for older rows; absent at the beginning of the log.
    pub next: Option<i64>,
    /// How many leaves the transparency log has.
    pub size: u64,
}

/// One audit event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// The leaf's index in the transparency log.
    pub index: i64,
    /// RFC 3339.
    pub at: String,
    /// What was done, e.g. `objects-released`.
    pub action: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// `person`, `program`, `edge`, `node`, `stranger`.
    pub actor_kind: String,
    /// Account, token or edge id.
    pub actor: Option<String>,
    /// The actor's organisation.
    pub organisation: Option<String>,
    /// What for.
    pub purpose: String,
    /// Objects: ids or ranges of sequence numbers.
    pub objects: Vec<String>,
    /// Small facts.
    pub detail: std::collections::BTreeMap<String, String>,
    /// The leaf's hash, hexadecimal.
    pub leaf: String,
}
