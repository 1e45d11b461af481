use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Marking, ObjectSummary};

/// What an organisation was told of, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeList {
    /// The newest notices, at most 200.
    pub notices: Vec<Notice>,
    /// How many of them nobody of the organisation has looked at.
    pub unseen: u64,
}

/// A notice to an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// Its id.
    pub id: String,
    /// When: RFC 3339.
    pub at: String,
    /// `recall`, `release-changed`, `release-request`, `release-answer`, `question`, `answer`, `agreement-…`, `authorisation-…`,
    /// `commission-proposed`, `commission-changed`, `frame-changed`.
    pub kind: String,
    /// The recall, request, question, agreement, authorisation or object it is about.
    pub subject: String,
    /// The object concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// What is said: a name, a reason, an answer.
    pub text: String,
    /// Whether somebody of the organisation has looked at it.
    pub seen: bool,
}

/// Up to where notices were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticesSeen {
    /// The `at` of the newest that was shown: RFC 3339.
    pub through: String,
}

/// A recall to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecall {
    /// The object.
    pub object: String,
    /// One version as its producer wrote it; absent: every version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why: told to everybody who was given it.
    pub reason: String,
    /// Hours until it is to be acknowledged, 1 to 8,760.
    pub deadline_hours: u32,
}

/// Recalls, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecallList {
    /// The recalls, at most 200.
    pub recalls: Vec<Recall>,
}

/// A recall, as far as the reader is concerned with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recall {
    /// Its id.
    pub id: String,
    /// The object.
    pub object: String,
    /// The version as written; absent: every version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The name that the recipients knew it by.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Who had brought it in.
    pub originator: String,
    /// Who recalls it.
    pub issuer: String,
    /// When: RFC 3339.
    pub at: String,
    /// By when it is to be acknowledged: RFC 3339.
    pub deadline: String,
    /// Whether the reader's organisation has yet to acknowledge it.
    pub pending: bool,
    /// Who was given it: for originator, issuer, coordinator and oversight; else the reader's own organisation alone.
    pub holders: Vec<RecallHolder>,
    /// How many of `holders` have not acknowledged it.
    pub waiting: u64,
    /// Whether the deadline has passed with some still waiting.
    pub overdue: bool,
}

/// One who was given what is recalled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecallHolder {
    /// The organisation.
    pub organisation: String,
    /// One of its edges; absent: the organisation itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// Its hub, by its short name as a peer: it acknowledges when everybody there has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// Of a hub: how far it has come with those that it gave the object to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<RecallBeyond>,
    /// When it was acknowledged: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<String>,
    /// By which account, token, edge or peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
}

/// How far a recall has come behind another hub: numbers, for a hub does not name its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecallBeyond {
    /// To how many that hub, and the hubs behind it, had given the object.
    pub holders: u64,
    /// How many of them have acknowledged.
    pub acknowledged: u64,
}

/// A request for release to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReleaseRequest {
    /// The object: one that the asker may see, or that an object it may see refers to.
    pub object: String,
    /// Who is to see it; absent: the asker's own organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Under which level it is wanted: `clear`, `green`, `amber`, `amber+strict`; absent: as it is marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<String>,
    /// What for, e.g. `own-defence`.
    pub purpose: String,
    /// Why.
    pub reason: String,
}

/// Requests that an organisation made or has to answer, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRequestList {
    /// The requests, at most 200.
    pub requests: Vec<ReleaseRequest>,
}

/// A request for release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRequest {
    /// Its id.
    pub id: String,
    /// The object.
    pub object: String,
    /// The name under which the asker knows it.
    pub name: String,
    /// Who answers. Absent where the asker may not know who brought it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<String>,
    /// Who asks.
    pub asker: String,
    /// Who is to see the object.
    pub recipient: String,
    /// Under which level it is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<String>,
    /// What for.
    pub purpose: String,
    /// Why.
    pub reason: String,
    /// `open`, `granted`, `refused`, `offered`, `withdrawn`, `ended`.
    pub state: String,
    /// When it was made: RFC 3339.
    pub at: String,
    /// When it was answered: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// On which conditions it was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<String>,
    /// When the grant ends: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether the grant covers the versions that come after it, too.
    #[serde(default)]
    pub later_versions: bool,
    /// Whether the reader's organisation is to answer.
    pub to_answer: bool,
}

/// The answer to a request for release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseAnswer {
    /// `grant`, `refuse`, `offer` (something else, in words), `end` (a grant), `withdraw` (by who had asked).
    pub answer: String,
    /// The reason, or the offer.
    pub text: String,
    /// On which conditions it is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<String>,
    /// When the grant ends: RFC 3339; absent: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether the grant covers the versions that come after it, too; else those that there are now.
    #[serde(default)]
    pub later_versions: bool,
}

/// A change of an object's marking by its originator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkingChange {
    /// The level that its next version bears: `clear`, `green`, `amber`, `amber+strict`, `red`.
    pub tlp: String,
    /// Why: told to everybody who was given it.
    pub reason: String,
    /// Whether it bears an ACS marking besides that says the same, for readers who read no TLP. One that it bears already is kept in
    /// step with the level without this, and left out where ACS has no words for the level.
    #[serde(default)]
    pub acs: bool,
}

/// What a change of marking did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MarkingChanged {
    /// The new version; absent where a second person of the originator has to confirm the change first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The proposal that waits for a second person: a freer marking changes nothing before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Widening>,
    /// Whether fewer may see it than before; then its older versions are bound by the new marking as well.
    pub stricter: bool,
    /// How many organisations had been given it, and are told.
    pub told: u64,
}

/// A freer marking, proposed by one person of the originator and decided by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Widening {
    /// Its id.
    pub id: String,
    /// The object.
    pub object: String,
    /// The version that it was proposed for; where there is a newer one, it cannot be confirmed any more.
    pub version: String,
    /// The object's name.
    pub name: String,
    /// The level that its next version is to bear.
    pub tlp: String,
    /// Why: told to everybody who was given the object, once it is confirmed.
    pub reason: String,
    /// Who proposes: the name of a person or a program.
    pub proposer: String,
    /// When: RFC 3339.
    pub at: String,
    /// `open`, `confirmed`, `refused`, `withdrawn`.
    pub state: String,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decider: Option<String>,
    /// When: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<String>,
    /// What was said to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Whether it is the reader's own proposal, which another person has to decide.
    pub own: bool,
    /// Whether the version is here already, brought in under this marking, and is shown by a stricter one until it is confirmed; else it
    /// gets a next version.
    pub waits: bool,
}

/// Proposals of one's organisation, the open ones first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WideningList {
    /// The proposals, at most 200.
    pub widenings: Vec<Widening>,
}

/// A decision on a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WideningDecision {
    /// `confirm` or `refuse`, by another person than who proposed; `withdraw`, by who proposed.
    pub decision: String,
    /// Why.
    pub text: String,
}

/// A question to the council.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuestion {
    /// One line.
    pub title: String,
    /// The question.
    pub text: String,
    /// The level that it bears: who may see it.
    pub tlp: String,
    /// Organisations that are asked in particular.
    #[serde(default)]
    pub organisations: Vec<String>,
    /// Sectors whose operators are asked in particular.
    #[serde(default)]
    pub sectors: Vec<String>,
    /// Objects that it is about.
    #[serde(default)]
    pub objects: Vec<String>,
    /// By when an answer is wanted: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuestionAnswer {
    /// The answer.
    pub text: String,
    /// The level that it bears. The asker sees it under every level but `red`.
    pub tlp: String,
}

/// Questions, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuestionList {
    /// The questions, at most 200.
    pub questions: Vec<Question>,
}

/// A question to the council, with the answers that the reader may see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Question {
    /// The STIX note that asks.
    pub id: String,
    /// One line.
    pub title: String,
    /// The question.
    pub text: String,
    /// Who asks.
    pub asker: String,
    /// Its marking.
    pub marking: Marking,
    /// Who is asked in particular; empty: the whole council.
    pub addressed: Vec<String>,
    /// `open`, `answered` (by one whose answer the reader may see), `closed`.
    pub state: String,
    /// When it was asked: RFC 3339.
    pub at: String,
    /// By when an answer is wanted: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Objects that it is about.
    pub objects: Vec<String>,
    /// The answers.
    pub answers: Vec<QuestionAnswer>,
    /// Whether the reader's organisation asked it.
    pub own: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuestionAnswer {
    /// The STIX note that answers.
    pub id: String,
    /// Who answered.
    pub organisation: String,
    /// The answer.
    pub text: String,
    /// Its marking.
    pub marking: Marking,
    /// When: RFC 3339.
    pub at: String,
}

/// What came of an organisation's contributions, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContributionList {
    /// The contributions.
    pub contributions: Vec<Contribution>,
    /// Give this back as `next` for the following ones; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Sightings that came in before this are counted: RFC 3339.
    pub as_of: String,
}

/// What came of one contribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contribution {
    /// The object.
    pub object: ObjectSummary,
    /// At least so many other organisations saw it too; absent: fewer than 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_by_at_least: Option<u64>,
    /// How many organisations were given it.
    pub given_to: u64,
    /// Other organisations that judged it confirmed.
    pub confirmed: u64,
    /// Other organisations that judged it a false alarm.
    pub false_alarm: u64,
    /// Other organisations that say that it led to a block in their networks.
    #[serde(default)]
    pub blocked: u64,
    /// 0 to 100; the sum of `parts`.
    pub score: u8,
    /// How the score comes about.
    pub parts: Vec<ScorePart>,
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScorePart {
    /// `context`, `confidence`, `seen`, `confirmed`, `blocked`, `false-alarm`.
    pub part: String,
    /// Points; negative for what speaks against it.
    pub points: i16,
    /// Points at most (at least, where negative).
    pub of: i16,
}

/// A judgement on an object that another organisation brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJudgement {
    /// `confirmed`, `false-alarm`, or `blocked` (it led to a block in one's own network; stands beside the other two).
    pub judgement: String,
    /// On what grounds.
    pub explanation: String,
}

/// A report whose reporter's name is withheld.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnonymousReport {
    /// STIX objects, marked. They get new identifiers and times, and lose what names their maker.
    pub objects: Vec<serde_json::Value>,
    /// Only say what would be changed or refused.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnonymousReported {
    /// The receipt, shown once: whoever holds it can follow the report. Absent where nothing was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// The objects as they are shared; nothing else of the report is.
    pub objects: Vec<serde_json::Value>,
    /// What was changed before, and why.
    pub changed: Vec<AnonymousChange>,
    /// What keeps the report out, and why. Nothing was stored unless this is empty.
    pub refused: Vec<AnonymousChange>,
}

/// A change that keeps a name withheld, or a reason why an object cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnonymousChange {
    /// The object's place in the report, from 0.
    pub index: u64,
    /// A stable code: `new-id`, `new-times`, `creator-removed`, `identity`, `names-you`, `unmarked`, or that of a rule of STIX.
    pub code: String,
    /// Why, for a person.
    pub message: String,
}

/// The holder of a receipt asks after its report.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnonymousReceipt {
    /// The receipt.
    pub receipt: String,
}

/// Reports whose reporters' names are withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnonymousReportList {
    /// The reports, newest first, at most 200.
    pub reports: Vec<AnonymousReport>,
    /// The public half of the key to which names are sealed; absent: there is none yet, and no report can be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal_key: Option<String>,
}

/// A report whose reporter's name is withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnonymousReport {
    /// Its pseudonym.
    pub id: String,
    /// When, to the hour: RFC 3339.
    pub at: String,
    /// The leaf of the audit log that says so.
    pub leaf: u64,
    /// What it brought in.
    pub objects: Vec<AnonymousObject>,
}

/// An object of an anonymous report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnonymousObject {
    /// STIX identifier.
    pub id: String,
    /// `shared`, `recalled` or `withdrawn`.
    pub state: String,
    /// How many organisations were given it; absent: fewer than 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_to_at_least: Option<u64>,
}

/// A key to which names are sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SealKey {
    /// The public half, which the node keeps.
    pub public: String,
    /// The private half, shown once and not kept: without it no name can be learnt.
    pub private: String,
}

/// The coordinator wants to know who reported.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealOpening {
    /// The private half of the key.
    pub private: String,
    /// Why: it is written into the record of acts.
    pub reason: String,
}

/// Who reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SealOpened {
    /// The organisation.
    pub organisation: String,
    /// The account or token.
    pub account: String,
    /// When exactly: RFC 3339.
    pub at: String,
}
