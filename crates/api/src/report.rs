//! Reports of incidents: one record, many forms, clocks, filings with receipts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{CodedText, Words};

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ReportValue {
    /// Yes or no.
    YesNo(bool),
    /// A whole number.
    Number(i64),
    /// A text, a time (RFC 3339) or the name of a choice.
    Text(String),
    /// Lines, or names of choices.
    List(Vec<String>),
}

/// A report that is begun: the emergency report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// Made by whoever writes it, at the first word: sent again, it is the same report.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// Of which kind the incident is.
    pub kind: String,
    /// When the organisation became aware, RFC 3339.
    pub aware: String,
    /// The fields of the emergency report; what is not known is left out.
    #[serde(default)]
    pub fields: BTreeMap<String, ReportValue>,
}

/// Events that are added to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportEvents {
    /// Made by whoever sends them: sent again, they are taken once.
    #[schema(value_type = String)]
    pub send: Uuid,
    /// At most 50.
    pub events: Vec<NewReportEvent>,
}

/// What is said of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NewReportEvent {
    /// The incident is of this kind (too).
    Kind {
        /// Which.
        kind: String,
    },
    /// Something happened then. Of several accounts the earliest counts, and none from later than it was logged.
    Happened {
        /// `occurred`, `detected`, `aware`, `believed`, `classified`, `paid` or `handled`.
        moment: String,
        /// RFC 3339.
        at: String,
    },
    /// Fields are stated or amended.
    Stated {
        /// Field → value.
        #[serde(default)]
        fields: BTreeMap<String, ReportValue>,
        /// Fields of which it is not known yet what they hold.
        #[serde(default)]
        unknown: Vec<String>,
    },
    /// Consent to give fields to a recipient, or the end of it.
    Consent {
        /// The regime.
        regime: String,
        /// The recipient.
        recipient: String,
        /// Which fields; absent: all.
        fields: Option<Vec<String>>,
        /// Given, or taken back from now on.
        given: bool,
    },
    /// Counsel or an authority settled whether a regime applies.
    Ruled {
        /// The regime.
        regime: String,
        /// Whether it applies.
        applies: bool,
        /// Why, and who says so.
        reason: String,
    },
    /// The authority gave more time.
    Extended {
        /// The regime.
        regime: String,
        /// The stage.
        stage: String,
        /// The new deadline, RFC 3339.
        until: String,
        /// Why, and who says so.
        reason: String,
    },
    /// An earlier event was a mistake.
    Withdrawn {
        /// Which.
        event: String,
        /// Why.
        reason: String,
    },
}

/// Asks that a report be filled with what is known already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportPrefill {
    /// Made by whoever asks.
    #[schema(value_type = String)]
    pub send: Uuid,
    /// Own sightings since when, RFC 3339; absent: a day before the organisation became aware.
    pub since: Option<String>,
}

/// A form that is filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportFiling {
    /// Made by whoever files it: sent again, it is filed once.
    #[schema(value_type = String)]
    pub send: Uuid,
    /// The regime.
    pub regime: String,
    /// The stage.
    pub stage: String,
    /// The recipient, as the regime calls it.
    pub recipient: String,
    /// The version of the record that was looked at; where it has changed since, nothing is filed.
    pub version: Option<u64>,
    /// The organisation that is given the copy, as `GET /api/v1/report-receivers` tells it: one of this council (`ministry`), or one of a
    /// neighbouring hub (`ministry.east`, or by the name that all hubs have for it). Absent where it goes another way.
    pub given_to: Option<String>,
    /// When it left, where it left before it was written down here; RFC 3339.
    pub at: Option<String>,
}

/// Who can be given copies of one's own organisation's reports, hub by hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportReceiverList {
    /// This council first.
    pub hubs: Vec<ReportReceiverHub>,
    /// RFC 3339.
    pub as_of: String,
}

/// The organisations of one hub that can be given copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportReceiverHub {
    /// The hub's short name here; nothing for this one.
    pub hub: Option<String>,
    /// What it is called.
    pub name: Words,
    /// Its organisations, by name.
    pub organisations: Vec<ReportReceiver>,
}

/// An organisation that can be given copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportReceiver {
    /// What `given_to` takes.
    pub id: String,
    /// What it is called.
    pub name: Words,
}

/// An answer to what was filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportAnswer {
    /// Made by whoever answers: sent again, it is one answer.
    #[schema(value_type = String)]
    pub send: Uuid,
    /// The filing that is answered, by its event.
    pub filing: String,
    /// `acknowledged`, `advice`, `similar-cases` or `requested`.
    pub answer: String,
    /// What is advised or asked for.
    pub text: Option<String>,
    /// Identifiers of similar cases.
    #[serde(default)]
    pub cases: Vec<String>,
}

/// What an organisation declares in peacetime.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportProfile {
    /// Field → value.
    pub fields: BTreeMap<String, ReportValue>,
}

/// What there is to report with: fields, kinds, regimes, the severity scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportCatalogue {
    /// Kinds of incidents.
    pub kinds: Vec<ReportChoice>,
    /// Moments from which clocks run.
    pub moments: Vec<ReportChoice>,
    /// Every field, in the order in which they are asked.
    pub fields: Vec<ReportField>,
    /// Laws that ask for reports.
    pub regimes: Vec<ReportRegime>,
    /// The severity scheme: the words of every level.
    pub severity: Vec<SeverityLevel>,
    /// What the scheme weighs.
    pub severity_factors: Vec<SeverityFactor>,
    /// The severity from which on an incident is significant.
    pub significant_from: u8,
    /// The largest attachment in bytes.
    pub file_bytes_max: u64,
}

/// Something with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportChoice {
    /// Its name in records.
    pub id: String,
    /// What it is called.
    pub label: Words,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportField {
    /// Its name.
    pub id: String,
    /// `text`, `long-text`, `yes-no`, `number`, `time`, `choice`, `choices` or `list`.
    #[serde(rename = "type")]
    pub field_type: String,
    /// The kinds of incident that it is for; empty for all.
    pub kinds: Vec<String>,
    /// Whether the emergency report asks for it.
    pub emergency: bool,
    /// Whether an organisation declares it in peacetime.
    pub profile: bool,
    /// What it is called.
    pub label: Words,
    /// What belongs there.
    pub help: Option<Words>,
    /// What it is counted in.
    pub unit: Option<Words>,
    /// What there is to choose.
    pub choices: Vec<ReportChoice>,
}

/// A law, or a part of one, that asks for reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportRegime {
    /// Its name.
    pub id: String,
    /// What it is called.
    pub name: Words,
    /// Who is reported to.
    pub authority: Words,
    /// The statute.
    pub law: Option<Words>,
    /// What else a person should know.
    pub note: Option<Words>,
    /// Whether it is in use here.
    pub enabled: bool,
    /// Who is given its forms.
    pub recipients: Vec<ReportRecipient>,
}

/// Who is given a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportRecipient {
    /// Its name in the regime.
    pub id: String,
    /// What it is called.
    pub name: Words,
    /// How it takes reports.
    pub channel: Option<Words>,
    /// Whether it is given only what the organisation consents to.
    pub by_consent: bool,
}

/// One thing that makes an incident grave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeverityFactor {
    /// Its name in the scheme.
    pub id: String,
    /// What it is called.
    pub label: Words,
    /// What there is to answer.
    pub choices: Vec<ReportChoice>,
}

/// A level of severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeverityLevel {
    /// 0 to 5.
    pub level: u8,
    /// What it is called.
    pub name: Words,
}

/// A report in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportSummary {
    /// STIX identifier of the incident.
    pub id: String,
    /// Whose report. Where it is kept at another hub, by the name that all hubs have for that organisation.
    pub organisation: String,
    /// What that organisation is called, where it is one of another hub.
    pub organisation_name: Option<Words>,
    /// What the hub is called that keeps the report; nothing where that is this one.
    pub hub: Option<Words>,
    /// What it is about, in a line; nothing where only a copy was given.
    pub title: Option<String>,
    /// Of which kinds the incident is; nothing where only a copy was given.
    pub kinds: Vec<String>,
    /// RFC 3339.
    pub opened: String,
    /// RFC 3339.
    pub changed: String,
    /// Whether it is one's own organisation's.
    pub own: bool,
    /// The first deadline that is still open, RFC 3339.
    pub next_due: Option<String>,
}

/// Reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportList {
    /// The newest change first.
    pub reports: Vec<ReportSummary>,
    /// Give this back as `after` for the following ones.
    pub next: Option<String>,
    /// RFC 3339.
    pub as_of: String,
}

/// A report, whole for its own organisation; for whoever was given a copy, its filings, the files that they list, and their thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The list's line.
    pub summary: ReportSummary,
    /// The version of the record: how often it was amended.
    pub version: u64,
    /// When what happened.
    pub moments: Vec<ReportMoment>,
    /// What each field holds.
    pub fields: Vec<ReportStated>,
    /// The files.
    pub files: Vec<ReportFile>,
    /// What is owed to whom, and until when: what applies or may, the nearest deadline first.
    pub duties: Vec<ReportDuty>,
    /// What was filed, oldest first.
    pub filings: Vec<ReportFiling>,
    /// What was answered, oldest first.
    pub thread: Vec<ReportReply>,
    /// What does not fit together.
    pub findings: Vec<ReportFinding>,
    /// Everything that was said, oldest first.
    pub events: Vec<ReportEvent>,
    /// RFC 3339.
    pub as_of: String,
}

/// When something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportMoment {
    /// What.
    pub moment: String,
    /// From when clocks run, RFC 3339.
    pub at: String,
    /// When it was logged, RFC 3339.
    pub logged: String,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportStated {
    /// The field.
    pub field: String,
    /// Its value; nothing where somebody says that it is not known yet.
    pub value: Option<ReportValue>,
    /// `person`, `profile` or `sightings`: who says so.
    pub from: String,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportFile {
    /// A name that does no harm where it is shown or saved.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Of its content, in hexadecimal.
    pub sha256: String,
    /// Whether it does something when it is opened, by its ending.
    pub active: bool,
}

/// One report to one recipient: whether it is owed, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportDuty {
    /// The report.
    pub report: String,
    /// What the report is about.
    pub title: String,
    /// The regime.
    pub regime: String,
    /// What it is called.
    pub regime_name: Words,
    /// The stage.
    pub stage: String,
    /// What it is called.
    pub stage_name: Words,
    /// The recipient.
    pub recipient: String,
    /// What it is called.
    pub recipient_name: Words,
    /// `organisation` or `authority`: who owes it.
    pub owes: String,
    /// `applies`, `may-apply`, `does-not`, `not-in-force`, `disabled` or `needs-consent`.
    pub verdict: String,
    /// The facts that decide it, by the names of their fields.
    pub because: Vec<String>,
    /// `waiting`, `running`, `half-time`, `overdue`, `prompt`, `unchanged`, `ask-counsel` or `met`.
    pub state: String,
    /// `off`, `green`, `uncertain`, `amber`, `red` or `ask-counsel`: what it may be shown as.
    pub light: String,
    /// `law`, `secondary`, `draft` or `unknown`: how sure it is.
    pub verified: String,
    /// Whether it is certain which clock runs and when it ends.
    pub certain: bool,
    /// From when it runs, RFC 3339.
    pub start: Option<String>,
    /// RFC 3339.
    pub half_time: Option<String>,
    /// What is better than the latest moment, RFC 3339.
    pub target: Option<String>,
    /// The first instant at which it is too late, RFC 3339.
    pub due: Option<String>,
    /// What `due` was before the authority gave more time.
    pub due_before_extension: Option<String>,
    /// When it was done, RFC 3339.
    pub met: Option<String>,
    /// Whether that was too late.
    pub late: bool,
    /// The filing that proves it.
    pub filing: Option<String>,
}

/// The clocks of all reports of one's own organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportDutyList {
    /// Those that are open: overdue first, then by the nearest deadline, then those without one.
    pub duties: Vec<ReportDuty>,
    /// How many reports were looked at.
    pub reports: u64,
    /// RFC 3339.
    pub as_of: String,
}

/// A form as it would be filed now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportForm {
    /// The regime.
    pub regime: String,
    /// The stage.
    pub stage: String,
    /// The recipient.
    pub recipient: String,
    /// What the regime is called.
    pub regime_name: Words,
    /// What the form is called.
    pub name: Words,
    /// What the recipient is called.
    pub recipient_name: Words,
    /// How the recipient takes reports.
    pub channel: Option<Words>,
    /// `law`, `secondary`, `draft` or `unknown`: how sure it is that the form asks this.
    pub verified: String,
    /// The version of the record.
    pub version: u64,
    /// RFC 3339.
    pub as_of: String,
    /// The lines, in the form's order.
    pub lines: Vec<ReportLine>,
    /// What is left out for want of consent.
    pub left_out: Vec<ReportChoice>,
    /// Whether every required line has a value.
    pub complete: bool,
    /// The form as text, in both languages.
    pub text: Words,
}

/// A line of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportLine {
    /// The field, or a built-in name such as `@aware`.
    pub field: String,
    /// What the form calls it.
    pub label: Words,
    /// The value for people; empty where there is none.
    pub shown: Words,
    /// `person`, `profile` or `sightings`.
    pub from: Option<String>,
    /// `missing`, `not-known-yet` or `unconfirmed`.
    pub mark: Option<String>,
    /// Whether the form is incomplete without.
    pub required: bool,
}

/// What was filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportFiling {
    /// Its event.
    pub event: String,
    /// The regime.
    pub regime: String,
    /// What it is called.
    pub regime_name: Words,
    /// The stage.
    pub stage: String,
    /// What it is called.
    pub stage_name: Words,
    /// The recipient.
    pub recipient: String,
    /// What it is called.
    pub recipient_name: Words,
    /// The organisation that was given the copy: one of this council, or one of another hub by the name that all hubs have for it.
    pub given_to: Option<String>,
    /// What that organisation is called and of which hub it is, where it is one of another hub.
    pub given_to_name: Option<Words>,
    /// The object that carries the copy to another hub, or brought it here.
    pub object: Option<String>,
    /// When it was logged, RFC 3339.
    pub at: String,
    /// The account that filed it.
    pub by: String,
    /// That person's name.
    pub by_name: Option<String>,
    /// SHA-256 of the exact copy.
    pub copy: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its leaf in the log of acts.
    pub leaf: u64,
    /// Of a copy that came from another hub: what this hub found out about its receipt. None while none has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReportReceipt>,
}

/// What a hub found out about the receipt of a copy that another hub's organisation gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportReceipt {
    /// `verified`: the log of the other hub, by the key on its card, holds that exactly this copy was filed with whoever has it here; `wrong`: it does not prove
    /// that; `no-key`: the key was not known; `unchecked`: it came to a version of the hub that did not look.
    pub state: String,
    /// Why it is wrong, in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The same by its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_reason: Option<CodedText>,
    /// When it was looked at, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<String>,
}

/// An answer to what was filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportReply {
    /// Its event.
    pub event: String,
    /// The regime.
    pub regime: String,
    /// The stage.
    pub stage: String,
    /// The recipient that answers.
    pub recipient: String,
    /// When, RFC 3339.
    pub at: String,
    /// The account that answered, or wrote the answer down.
    pub by: Option<String>,
    /// That person's name.
    pub by_name: Option<String>,
    /// `acknowledged`, `advice`, `similar-cases` or `requested`.
    pub answer: String,
    /// What is advised or asked for.
    pub text: Option<String>,
    /// Similar cases that the reader may see.
    pub cases: Vec<ReportCase>,
}

/// A case that an answer names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportCase {
    /// STIX identifier of the incident.
    pub id: String,
    /// Running number for people.
    pub number: i64,
    /// Title.
    pub title: String,
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportFinding {
    /// A stable code, e.g. `clock-in-future`.
    pub code: String,
    /// The event, where it is one.
    pub event: Option<String>,
    /// What is wrong.
    pub message: Words,
}

/// One event, as it was logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportEvent {
    /// Its place in the report, from 1.
    pub sequence: i64,
    /// SHA-256 of its canonical JSON.
    pub id: String,
    /// When it was logged, RFC 3339.
    pub logged: String,
    /// Who says so; nothing for the node itself.
    pub by: Option<String>,
    /// That person's name.
    pub by_name: Option<String>,
    /// Which kind of event: `kind`, `happened`, `stated`, `attached`, `consent`, `ruled`, `extended`, `filed`, `answered`, `withdrawn`.
    pub what: String,
    /// The event itself.
    #[schema(value_type = Object)]
    pub event: serde_json::Value,
    /// Whether a later event took it back.
    pub withdrawn: bool,
    /// The leaf of its act in the log.
    pub leaf: u64,
}

/// What became of something that was sent to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportTaken {
    /// The report.
    pub id: String,
    /// The events that it made.
    pub events: Vec<String>,
    /// Whether it was there already: it was sent twice.
    pub already: bool,
    /// What does not fit together, in these events.
    pub findings: Vec<ReportFinding>,
}

/// An attachment that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportFileTaken {
    /// The attachment.
    pub file: ReportFile,
    /// Whether its name had to be changed.
    pub renamed: bool,
    /// Whether it was there already.
    pub already: bool,
}
