//! Evidence of cases: items, their custody, holds, packages, and requests for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Secret, Words};

/// Who may see an item of evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceLabel {
    /// Its TLP level; never a freer one than its case bears.
    pub tlp: String,
    /// Only these organisations, by their short names, one's own always among them; absent: whoever may see what bears the level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
}

/// An item of evidence is to be brought into a case. Its content comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvidence {
    /// Made by whoever brings it: sent again, it is the same item.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// What the file is called; whatever does harm in a name is taken out of it.
    pub name: String,
    /// `disk-image`, `memory-image`, `log`, `network-capture`, `malware`, `mail`, `document`, `photograph`, `other`.
    pub kind: String,
    /// What it is, in words: 1–5,000 characters.
    pub description: String,
    /// Who secured it: 1–300 characters.
    pub collector: String,
    /// When: RFC 3339 with its offset, and with its zone in brackets where it has one (RFC 9557).
    pub seized_at: String,
    /// Where: 1–500 characters.
    pub seized_where: String,
    /// Why it was secured: 1–2,000 characters.
    pub reason: String,
    /// On what legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Who may see it.
    pub label: EvidenceLabel,
    /// Its SHA-256 in hexadecimal, as it was taken where it was secured: content with another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Somebody who acts, gives or takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceParty {
    /// Its organisation's short name.
    pub organisation: String,
    /// The account or token; absent where the organisation as a whole is meant.
    pub account: Option<String>,
    /// The person's name.
    pub name: Option<String>,
}

/// The items of a case, in the order in which they were brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceList {
    /// At most as many as were asked for.
    pub items: Vec<EvidenceItem>,
    /// Ask on with this as `after`.
    pub next: Option<String>,
    /// The largest content that this node takes, in bytes.
    pub item_bytes_max: u64,
    /// The retention class that content is sealed under; absent where it is kept without an end.
    pub retention_class: Option<String>,
    /// Who sees what bears a TLP level, by level: roles of organisations.
    pub audiences: BTreeMap<String, Vec<String>>,
    /// RFC 3339.
    pub as_of: String,
}

/// An item of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceItem {
    /// Its identifier.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// The case: a STIX identifier.
    pub case: String,
    /// What the file is called.
    pub name: String,
    /// See [`NewEvidence::kind`].
    pub kind: String,
    /// What it is, in words.
    pub description: String,
    /// Who secured it.
    pub collector: String,
    /// When, as it was written.
    pub seized_at: String,
    /// Where.
    pub seized_where: String,
    /// Who may see it.
    pub label: EvidenceLabel,
    /// `announced` (its content is still to come), `kept`, `disposed`.
    pub state: String,
    /// Who brought it.
    pub organisation: String,
    /// Who has it.
    pub custodian: EvidenceParty,
    /// When its content was here whole.
    pub received: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// In hexadecimal.
    pub sha256: Option<String>,
    /// In hexadecimal.
    pub sha3_256: Option<String>,
    /// When its key is destroyed, unless it is held; absent where it has no end.
    pub kept_until: Option<String>,
    /// When its content was destroyed.
    pub disposed: Option<String>,
    /// Whether it may not be destroyed now.
    pub held: bool,
    /// The offer that is open.
    pub offer: Option<EvidenceOffer>,
    /// Entries of its custody.
    pub entries: u64,
    /// What the caller may do: `upload`, `download`, `offer`, `accept`, `decline`, `withdraw`, `label`, `hold`, `lift`, `dispose`.
    pub may: Vec<String>,
}

/// An offer that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceOffer {
    /// To whom.
    pub to: EvidenceParty,
    /// When: RFC 3339.
    pub at: String,
    /// The request that it answers.
    pub request: Option<String>,
}

/// An item with its custody and holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// See there.
    pub item: EvidenceItem,
    /// What happened to it, the oldest first.
    pub custody: Vec<EvidenceCustody>,
    /// Holds, the oldest first.
    pub holds: Vec<EvidenceHold>,
}

/// An entry of custody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceCustody {
    /// Its place, from 1.
    pub number: u64,
    /// RFC 3339.
    pub at: String,
    /// `collected`, `received`, `sealed`, `viewed`, `downloaded`, `offered`, `accepted`, `declined`, `withdrawn`, `labelled`, `exported`,
    /// `hold-set`, `hold-lifted`, `disposed`.
    pub act: String,
    /// Who did it; absent: the node.
    pub by: Option<EvidenceParty>,
    /// From whom it went.
    pub from: Option<EvidenceParty>,
    /// To whom.
    pub to: Option<EvidenceParty>,
    /// Why.
    pub why: String,
    /// The same by a stable code, where the program said it and no person: `received`, `sealed`, `viewed`, `time-over`, `handed-over`, `preserved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_code: Option<String>,
    /// On what legal basis.
    pub legal_basis: Option<String>,
    /// The content's SHA-256 at that time, in hexadecimal.
    pub sha256: String,
    /// What else belongs to it.
    pub facts: BTreeMap<String, String>,
    /// The entry's own SHA-256, which the log of acts names.
    pub hash: String,
    /// Its leaf in the log of acts.
    pub leaf: u64,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceHold {
    /// Its identifier.
    pub id: String,
    /// Who set it.
    pub by: EvidenceParty,
    /// Why.
    pub reason: String,
    /// On what legal basis.
    pub legal_basis: String,
    /// Since when: RFC 3339.
    pub set: String,
    /// When it was lifted.
    pub lifted: Option<String>,
    /// By whom.
    pub lifted_by: Option<String>,
    /// Why.
    pub lift_reason: Option<String>,
}

/// Content is to be taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceDownload {
    /// Why: 1–2,000 characters; it stands in the custody log.
    pub reason: String,
    /// The password of the archive, 8–128 characters; `infected`, as is usual for malware, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password: Option<Secret>,
}

/// A package for a court is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceExport {
    /// Which items; absent: all of the case that one may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub items: Option<Vec<Uuid>>,
    /// Why: 1–2,000 characters; it stands in the custody log.
    pub reason: String,
    /// On what legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// See [`EvidenceDownload::password`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password: Option<Secret>,
}

/// An item is offered to other hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvidenceOffer {
    /// To which organisation, by its short name.
    pub organisation: String,
    /// To which account of it; absent: any that handles evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Why.
    pub reason: String,
    /// On what legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
}

/// An offer is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceOfferAnswer {
    /// `accept` or `decline` by who was offered it, `withdraw` by who has it.
    pub answer: String,
    /// Why, or in what condition it was taken.
    pub reason: String,
}

/// An item is to be seen by others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvidenceLabel {
    /// Who may see it from now on.
    pub label: EvidenceLabel,
    /// Why.
    pub reason: String,
}

/// An item is not to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvidenceHold {
    /// Why.
    pub reason: String,
    /// On what legal basis.
    pub legal_basis: String,
}

/// A hold is to be lifted, by another person than the one who set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceHoldLift {
    /// Why.
    pub reason: String,
}

/// An item's content is to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceDisposal {
    /// Why.
    pub reason: String,
    /// On what legal basis.
    pub legal_basis: String,
}

/// Evidence is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvidenceRequest {
    /// Made by whoever asks: sent again, it is the same request.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// The case: a STIX identifier. The organisation that is asked must be able to see it.
    pub case: String,
    /// `preserve` or `hand-over`.
    pub kind: String,
    /// Who is asked: of this council by its short name, of another hub by its name in `askable`.
    pub organisation: String,
    /// What is meant: 1–5,000 characters.
    pub subject: String,
    /// On what legal basis: 1–2,000 characters.
    pub legal_basis: String,
    /// The number of the document, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Until when: RFC 3339.
    pub due: String,
}

/// Requests, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceRequestList {
    /// Those that one's own organisation made or was asked, at most 500.
    pub requests: Vec<EvidenceRequest>,
    /// Whom of other hubs the caller's organisation can ask about this case; nobody where the caller may not ask.
    pub askable: Vec<EvidenceAskableHub>,
    /// RFC 3339.
    pub as_of: String,
}

/// The organisations of one other hub that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceAskableHub {
    /// The hub's short name here.
    pub hub: String,
    /// What it is called.
    pub name: Words,
    /// Its organisations, by name.
    pub organisations: Vec<EvidenceAskable>,
}

/// An organisation of another hub that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceAskable {
    /// What `organisation` of a new request takes.
    pub id: String,
    /// What it is called.
    pub name: Words,
}

/// A request for evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceRequest {
    /// Its identifier.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// The case: a STIX identifier.
    pub case: String,
    /// `preserve` or `hand-over`.
    pub kind: String,
    /// `asked`, `accepted`, `refused`, `fulfilled`, `withdrawn`, `closed`.
    pub state: String,
    /// Who asks.
    pub from: EvidenceParty,
    /// What the organisation that asks is called, with its hub; only where it is one of another hub.
    pub from_name: Option<Words>,
    /// Who is asked.
    pub to: String,
    /// What it is called, with its hub; only where it is one of another hub.
    pub to_name: Option<Words>,
    /// What is meant.
    pub subject: String,
    /// On what legal basis it is asked.
    pub legal_basis: String,
    /// The number of the document.
    pub reference: Option<String>,
    /// Until when: RFC 3339.
    pub due: String,
    /// Whether its time is over and somebody still has to do something.
    pub overdue: bool,
    /// When it was asked.
    pub opened: String,
    /// The items that it was fulfilled by, as far as the caller may see them.
    pub items: Vec<String>,
    /// What it was fulfilled by at another hub: what is received from there, or brought in a package, is held against it.
    pub named: Vec<EvidenceNamed>,
    /// What happened to it, the oldest first.
    pub steps: Vec<EvidenceRequestStep>,
    /// What the caller may do: `accept`, `refuse`, `fulfil`, `withdraw`, `close`; `receive`, what is named.
    pub may: Vec<String>,
}

/// A file of another hub that fulfils a request. What is preserved stays there; what is handed over is received from there, or brought in a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceNamed {
    /// The item, as that hub and its packages name it.
    pub item: String,
    /// What the file is called.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// The SHA-256 of the newest entry of its custody when it was named.
    pub custody: String,
    /// The number of that entry.
    pub entries: u64,
    /// `there`: nothing of it is here; `coming`: it is received just now; `here`; `destroyed`: it was here.
    pub state: String,
    /// Bytes that came so far, while it is `coming`.
    pub arrived: Option<u64>,
    /// Why it did not come when it was last tried: the `reason` of a problem.
    pub trouble: Option<String>,
    /// The item here, once it was here; only where the caller may see it.
    pub own: Option<String>,
}

/// Something that happened to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceRequestStep {
    /// RFC 3339.
    pub at: String,
    /// `asked`, `accepted`, `refused`, `fulfilled`, `withdrawn`, `closed`.
    pub step: String,
    /// Who did it.
    pub by: EvidenceParty,
    /// What was said with it.
    pub note: String,
    /// Its leaf in the log of acts.
    pub leaf: u64,
    /// Its leaf in the log of the hub where it was made, as that hub says; only for what came from another hub.
    pub their_leaf: Option<u64>,
}

/// A request is answered, fulfilled or closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRequestAnswer {
    /// `accept`, `refuse` and `fulfil` by who was asked; `withdraw` and `close` by who asked.
    pub answer: String,
    /// What is said with it; to refuse and to withdraw, why.
    pub note: String,
    /// To fulfil: the items, which one has and which the asker may see. To hand over, each is offered to the asker, or named to one of another hub; to preserve,
    /// each is held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub items: Vec<Uuid>,
}
