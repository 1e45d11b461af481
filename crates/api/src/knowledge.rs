use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ObjectSummary;

/// One sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Words {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl Words {
    /// Both in one line, where only one fits; where they are the same, once.
    #[must_use]
    pub fn both(&self) -> String {
        if self.ja == self.en { self.ja.clone() } else { format!("{} / {}", self.ja, self.en) }
    }
}

/// How many of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KindCount {
    /// Which kind.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// How many at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimeCount {
    /// The day, `2026-04-01`.
    pub day: String,
    /// How many.
    pub count: u64,
}

/// The matrices that are here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MatrixList {
    /// Each.
    pub matrices: Vec<MatrixName>,
}

/// A matrix by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatrixName {
    /// The kill chain's name, e.g. `mitre-attack`: what the matrix is asked for by.
    pub kill_chain: String,
    /// Its name.
    pub name: String,
    /// How many techniques.
    pub techniques: u64,
}

/// A matrix, with what is known of each technique.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Matrix {
    /// Which.
    pub matrix: MatrixName,
    /// Tactics in order.
    pub columns: Vec<MatrixColumn>,
    /// Techniques used by anybody that was asked about.
    pub covered: u64,
    /// Whether only the first so many users of a technique were counted.
    pub at_least: bool,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// A tactic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MatrixColumn {
    /// The tactic's short name, e.g. `initial-access`.
    pub tactic: String,
    /// Its name.
    pub name: String,
    /// Techniques, by their number.
    pub cells: Vec<MatrixCell>,
}

/// A technique within a tactic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MatrixCell {
    /// The attack pattern.
    pub id: String,
    /// Its number, e.g. `T1566.001`.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Intrusion sets and threat actors that use it.
    pub actors: u64,
    /// Campaigns that use it.
    pub campaigns: u64,
    /// Malware and tools that do it.
    pub software: u64,
    /// Sightings of indicators that indicate it, and of itself.
    pub sightings: u64,
}

/// Actors in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActorList {
    /// Each: intrusion sets, threat actors, campaigns.
    pub actors: Vec<ActorRow>,
    /// Give this back as `next` for the following page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// An actor in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActorRow {
    /// The object.
    pub object: ObjectSummary,
    /// Its other names.
    pub aliases: Vec<String>,
}

/// All that is known of an actor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// The object.
    pub object: ObjectSummary,
    /// Its other names, its own and those of objects that your organisation holds for the same.
    pub aliases: Vec<String>,
    /// Objects that your organisation holds for the same.
    pub same_as: Vec<ObjectSummary>,
    /// When it is said to have been seen first and last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// Attack patterns that it uses.
    pub techniques: Vec<ObjectSummary>,
    /// Malware and tools.
    pub software: Vec<ObjectSummary>,
    /// Infrastructure, and what it is made of.
    pub infrastructure: Vec<ObjectSummary>,
    /// Campaigns attributed to it.
    pub campaigns: Vec<ObjectSummary>,
    /// Whom it is said to target: identities and locations.
    pub targets: Vec<ObjectSummary>,
    /// Indicators of it.
    pub indicators: Vec<ObjectSummary>,
    /// Sectors of those who sighted its indicators and of those it is said to target.
    pub sectors: Vec<KindCount>,
    /// Sightings of its indicators by day, oldest first.
    pub sightings: Vec<TimeCount>,
    /// Whether a list was cut.
    pub more: bool,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// Actors side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActorComparison {
    /// The actors, in the order asked.
    pub actors: Vec<ObjectSummary>,
    /// What any of them uses, shared by most first.
    pub rows: Vec<Compared>,
    /// Sightings by day of each actor, in the same order.
    pub sightings: Vec<Vec<TimeCount>>,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// Something that actors use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// `technique`, `software`, `infrastructure`, `target`.
    pub kind: String,
    /// It.
    pub object: ObjectSummary,
    /// Who uses it, as places in `actors`.
    pub used_by: Vec<usize>,
}

/// How fast a campaign or actor goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tempo {
    /// From stage to stage at each member, oldest first; the newest 500.
    pub leaps: Vec<Leap>,
    /// The middle of the seconds between stages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_seconds: Option<i64>,
    /// `faster`, `slower`, `steady`, `unknown`.
    pub trend: String,
    /// How many leaps are faster than hands.
    pub fast: u64,
    /// Of how many.
    pub of: u64,
    /// Below this, in seconds, a leap is faster than hands.
    pub threshold_seconds: i64,
    /// Whether it goes faster than hands can.
    pub automated: bool,
    /// How sure that is: `low`, `medium`, `high`.
    pub sureness: String,
    /// Why, with the threshold's source.
    pub why: Vec<Words>,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// From one stage to a later one, at one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leap {
    /// Whose network.
    pub organisation: String,
    /// From which stage.
    pub from: String,
    /// To which.
    pub to: String,
    /// When the later one was seen: RFC 3339.
    pub at: String,
    /// Seconds between.
    pub seconds: i64,
}

/// What may be one and the same, and what was decided of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SamenessList {
    /// Proposals, strongest first.
    pub proposals: Vec<SamenessProposal>,
    /// Your organisation's decisions, newest first, undone ones too.
    pub decisions: Vec<SamenessDecision>,
    /// How many objects were compared.
    pub compared: u64,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// Two objects that may be one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SamenessProposal {
    /// One.
    pub one: ObjectSummary,
    /// The other.
    pub other: ObjectSummary,
    /// How strong the reasons are, 1–100; not a probability.
    pub strength: u8,
    /// Why, strongest first.
    pub reasons: Vec<Words>,
}

/// A decision about two objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SamenessDecision {
    /// Its id.
    pub id: String,
    /// One.
    pub one: ObjectSummary,
    /// The other.
    pub other: ObjectSummary,
    /// Whether they are one; else they are not, and are not proposed again.
    pub same: bool,
    /// Why, in the person's words.
    pub reason: String,
    /// Who decided, where the name may be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// When: RFC 3339.
    pub decided: String,
    /// When it was undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<String>,
}

/// A decision to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSameness {
    /// STIX identifiers of two objects.
    pub one: String,
    /// The other.
    pub other: String,
    /// Whether they are one.
    pub same: bool,
    /// Why, at most 2000 characters.
    #[serde(default)]
    pub reason: String,
}

/// What an object is worth to your organisation now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// 0–100.
    pub value: u8,
    /// How it came about: the first step is where it begins, each further one a factor.
    pub steps: Vec<ScoreStep>,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// One step of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScoreStep {
    /// `confidence`, `source`, `others`, `decay`, `over`.
    pub name: String,
    /// The beginning (0–100), or what the score is multiplied by.
    pub factor: f64,
    /// Why.
    pub why: Words,
}

/// Your organisation's grades of sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grades {
    /// Each graded source.
    pub grades: Vec<Grade>,
}

/// A grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grade {
    /// The organisation that brings things in.
    pub source: String,
    /// `A`–`F` of the admiralty code.
    pub reliability: String,
    /// In words.
    pub words: Words,
    /// MISP's tag for it.
    pub misp_tag: String,
    /// Why.
    pub reason: String,
    /// When: RFC 3339.
    pub graded: String,
}

/// A grade to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrade {
    /// `A`–`F`.
    pub reliability: String,
    /// Why, at most 2000 characters.
    #[serde(default)]
    pub reason: String,
}

/// What your organisation declared to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Products {
    /// Each product; at most 5000.
    pub products: Vec<Product>,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Who makes it, e.g. `Fortinet`.
    #[serde(default)]
    pub vendor: String,
    /// What it is called, e.g. `FortiOS`.
    #[serde(default)]
    pub product: String,
    /// Its CPE 2.3 name; vendor and product are read from it where they are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
}

/// What concerns your organisation, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FeedPage {
    /// Each object and why it is here.
    pub items: Vec<FeedItem>,
    /// The newest so many objects were looked at.
    pub looked_at: u64,
    /// Give this back as `next` to look further back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// One object of the feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FeedItem {
    /// It.
    pub object: ObjectSummary,
    /// Why it concerns you, strongest first.
    pub because: Vec<Words>,
}
