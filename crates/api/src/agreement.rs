use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::RefusedObject;

/// Agreements that the reader's organisation is a party to; all of them for the coordinator and for oversight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgreementList {
    /// By short name.
    pub agreements: Vec<AgreementInfo>,
}

/// An agreement and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgreementInfo {
    /// Its text.
    #[serde(flatten)]
    pub text: AgreementText,
    /// SHA-256 of its canonical text, hexadecimal: what parties sign.
    pub hash: String,
    /// `file` or `store`.
    pub source: String,
    /// Whether some term gives now.
    pub in_force: bool,
    /// Where each party stands.
    pub sides: Vec<AgreementSide>,
    /// The states that the reader may put its own organisation's side into: `signed`, `suspended`, `ended`.
    pub may: Vec<String>,
    /// The organisation that drafted it; absent where it stands in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drafted_by: Option<String>,
    /// When it was drafted: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drafted: Option<String>,
    /// What its parties said about it, newest first; only where one agreement is asked for.
    pub history: Vec<AgreementEntry>,
}

/// A party's word about an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgreementEntry {
    /// The party.
    pub party: String,
    /// `signed`, `suspended`, `ended`.
    pub state: String,
    /// The name of the person who said so.
    pub person: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The hash of the text that the person had read.
    pub hash: String,
    /// When: RFC 3339.
    pub at: String,
}

/// The text of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementText {
    /// Short name, 1–64 of `a–z 0–9 -`; stable for ever.
    pub id: String,
    /// Title in Japanese.
    pub title_ja: String,
    /// Title in English.
    pub title_en: String,
    /// Short names of the organisations that sign it.
    pub parties: Vec<String>,
    /// From when on it holds: RFC 3339.
    pub from: String,
    /// Until when: RFC 3339.
    pub until: String,
    /// Whether all give only as long as all give.
    pub reciprocal: bool,
    /// What is given; may be empty beside `orders`.
    pub terms: Vec<AgreementTerm>,
    /// What one party's hub may ask for in the networks of others.
    #[serde(default)]
    pub orders: Vec<AgreementOrders>,
}

/// A right to ask for orders: every gate of the hub that is asked, and of its edge, stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementOrders {
    /// Whose hub may ask: short names of parties.
    pub by: Vec<String>,
    /// In whose networks: `kinki`, or `coordinator:members` for all members of the council it coordinates.
    pub at: Vec<String>,
    /// `deny`, `contain`.
    pub actions: Vec<String>,
    /// The longest effect, in minutes.
    pub minutes_max: u64,
}

/// One direction of giving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementTerm {
    /// Whose objects: `aurora-cert`, or `coordinator:members` for all members of the council it coordinates.
    pub from: Vec<String>,
    /// To whom, likewise.
    pub to: Vec<String>,
    /// `indicator`, `observable`, `sighting`, `threat`, `vulnerability`, `incident`, `report`, `marking`, `other`.
    pub classes: Vec<String>,
    /// TLP ceiling: `clear`, `green`, `amber`, `amber+strict`, `red`.
    pub tlp: String,
    /// PAP ceiling: `clear`, `green`, `amber`, `red`.
    pub pap: String,
    /// Purposes, e.g. `collective-defence`.
    pub purposes: Vec<String>,
    /// `none`, `named` or `same-terms`.
    pub onward: String,
    /// The organisations to which it may be handed on, where `onward` is `named`.
    #[serde(default)]
    pub onward_to: Vec<String>,
    /// Whether each further release needs the originator's consent.
    pub originator_control: bool,
}

/// Where one party stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgreementSide {
    /// The party.
    pub party: String,
    /// `unsigned`, `signed`, `suspended`, `ended`.
    pub state: String,
    /// Since when: RFC 3339; absent where it has said nothing, or signed by a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// The state that a person puts its organisation's side into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementStep {
    /// `signed`, `suspended`, `ended`.
    pub state: String,
    /// The hash of the text that the person has read.
    pub hash: String,
    /// Why; needed to suspend and to end. All parties read it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Sharing groups that the reader's organisation is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharingGroupList {
    /// By name.
    pub groups: Vec<SharingGroupInfo>,
}

/// A sharing group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharingGroupInfo {
    /// UUID.
    pub id: String,
    /// The marking definition that limits objects to it.
    pub marking: String,
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// The organisation that says who is in it.
    pub owner: String,
    /// Short names of the members.
    pub members: Vec<String>,
    /// Whether the reader may change the members.
    pub may_change: bool,
}

/// A sharing group to be made. The maker's organisation is its first member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSharingGroup {
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// Short names of further members.
    #[serde(default)]
    pub members: Vec<String>,
}

/// Who could see each of some objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AudiencePreview {
    /// In the order of the objects.
    pub objects: Vec<Audience>,
    /// The objects that would be refused for what is wrong with them, at most 1,000.
    pub refused: Vec<RefusedObject>,
}

/// Who can see one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Audience {
    /// STIX identifier.
    pub id: String,
    /// STIX type.
    pub object_type: String,
    /// `clear`, `green`, `amber`, `amber+strict`, `red` or `unmarked`.
    pub tlp: String,
    /// `clear`, `green`, `amber` or `red`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pap: Option<String>,
    /// The clearances and oaths that it demands: of the organisations that can see it, only people who hold them all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<String>,
    /// Markings that this node does not understand: nobody but the originator sees what bears one.
    pub unknown_markings: Vec<String>,
    /// The organisations that can see it, by short name.
    pub readers: Vec<AudienceReader>,
    /// How many organisations cannot.
    pub others: usize,
    /// How many objects this stands for: more than one only where like ones were asked to be told of together.
    pub count: usize,
    /// The identifiers of those beside `id`, as far as they are told.
    pub further: Vec<String>,
}

/// An organisation that can see an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AudienceReader {
    /// Short name.
    pub organisation: String,
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// Who of it: `person`, `program`, `edge`, `peer`.
    pub kinds: Vec<String>,
    /// By what.
    pub because: Reasons,
}

/// The redacted copies of an object, those first that are offered first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedactedCopies {
    /// None where no part is marked more strictly than the whole, or where nothing would be left to show.
    pub copies: Vec<RedactedCopy>,
}

/// An object that stands in for another one before those who may see only parts of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedactedCopy {
    /// Its newest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What that leaves out, as selectors of the original (STIX 2.1 §7.2.3.1).
    pub withheld: Vec<String>,
    /// Its identifier and marking, and who sees it.
    pub audience: Audience,
    /// The organisations that were given it.
    pub given_to: Vec<String>,
}

/// Why something can or cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reasons {
    /// The rules that decided; none where nothing permits.
    pub rules: Vec<Rule>,
    /// The agreement that gives it, where only an agreement does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// The number of its term, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<usize>,
}

/// A rule in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// Its id in the policy files.
    pub id: String,
    /// What it says, in Japanese.
    pub ja: String,
    /// What it says, in English.
    pub en: String,
}

/// Whether, and why, an organisation can see an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// STIX identifier.
    pub id: String,
    /// The organisation asked about.
    pub organisation: String,
    /// `person`, `program`, `edge` or `peer`.
    pub kind: String,
    /// Whether it can.
    pub allowed: bool,
    /// Why, or why not.
    pub because: Reasons,
}
