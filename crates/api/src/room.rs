use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Marking, RoomMailPart};

/// Who an entry of a case room is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomLabel {
    /// Its TLP level; never a freer one than its case bears.
    pub tlp: String,
    /// Only these organisations, the writer's own always among them; absent: whoever may see what bears the level. One's own alone is the
    /// side room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// Whether the others in the room are told that there is something: when and whose, and no more.
    #[serde(default)]
    pub stub: bool,
}

/// A person of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomPerson {
    /// The account.
    pub account: String,
    /// Whose.
    pub organisation: String,
}

/// What an entry says: the shape that it has in the STIX note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "says", rename_all = "kebab-case")]
pub enum RoomSays {
    /// An organisation comes into the room.
    Invited {
        /// Which.
        member: String,
    },
    /// A note.
    Note {
        /// 1–20,000 characters.
        text: String,
        /// `asset`, `threat`, `intelligence`, `affected-entity`; absent for all.
        #[serde(default)]
        lane: Option<String>,
    },
    /// Objects belong to the case.
    Objects {
        /// STIX identifiers.
        #[serde(default)]
        ids: Vec<String>,
    },
    /// One takes command of a room that nobody commands.
    Commands,
    /// The commander offers command.
    HandOver {
        /// To whom.
        to: RoomPerson,
        /// What there is to know.
        brief: String,
    },
    /// The one to whom it was offered takes it.
    TakesOver {
        /// The offer's entry.
        hand_over: String,
    },
    /// The commander gives a lane to somebody.
    Leads {
        /// As of a note.
        lane: String,
        /// To whom.
        person: RoomPerson,
    },
    /// The commander sets an operational period.
    Period {
        /// RFC 3339.
        from: String,
        /// RFC 3339.
        until: String,
        /// What is to be reached.
        objectives: String,
    },
    /// A task is offered.
    TaskOffered {
        /// To which organisation.
        to: String,
        /// What is asked.
        title: String,
        /// As of a note.
        lane: String,
        /// RFC 3339.
        #[serde(default)]
        due: Option<String>,
        /// On what legal basis it is asked.
        #[serde(default)]
        legal_basis: Option<String>,
    },
    /// It is accepted.
    TaskAccepted {
        /// Its entry.
        task: String,
        /// On what legal basis one acts.
        legal_basis: String,
    },
    /// It is declined.
    TaskDeclined {
        /// Its entry.
        task: String,
        /// Why.
        reason: String,
        /// On what legal basis one may not.
        #[serde(default)]
        legal_basis: Option<String>,
    },
    /// It is handed back.
    TaskHandedBack {
        /// Its entry.
        task: String,
        /// Whether it is done.
        done: bool,
        /// What came of it.
        result: String,
    },
    /// It is no longer wanted.
    TaskWithdrawn {
        /// Its entry.
        task: String,
        /// Why.
        reason: String,
    },
    /// Something was decided.
    Decided {
        /// The question.
        question: String,
        /// What there was to choose.
        #[serde(default)]
        options: Vec<String>,
        /// What was chosen, from 0.
        chosen: usize,
        /// Why.
        reason: String,
        /// STIX identifiers.
        #[serde(default)]
        evidence: Vec<String>,
    },
    /// The system proposes a severity.
    SeverityProposed {
        /// 0–5.
        level: u8,
        /// Why.
        #[serde(default)]
        reasons: Vec<String>,
    },
    /// A person declares the severity.
    SeverityDeclared {
        /// 0–5.
        level: u8,
        /// Why.
        reason: String,
    },
    /// Another case is the same incident.
    Merged {
        /// STIX identifier of the other incident.
        other: String,
        /// Why.
        reason: String,
    },
    /// It was not.
    Unmerged {
        /// The merge's entry.
        merge: String,
        /// Why.
        reason: String,
    },
    /// In a side room: an entry was published as another one.
    PublishedAs {
        /// The entry of the side room.
        entry: String,
        /// The entry that others see.
        published: String,
    },
    /// Somebody typed in the situation report that several write at once. It stands in no timeline.
    Typed {
        /// Which of the room's reports, from 1; the next one is begun by typing in it.
        report: u16,
        /// An update of Yjs, version 1, in base64, of the text named `report`: at most 16 KiB, letters only.
        update: String,
    },
    /// A person gives a situation report out, as it stands.
    Reported {
        /// Which of the room's reports.
        report: u16,
        /// 1–20,000 characters.
        text: String,
    },
    /// A mail about the case came to an organisation. It is written by handing the mail in, and not by saying this.
    Mailed {
        /// Whom it claims to be from; none of what it claims is proved.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        from: String,
        /// What it claims to be about.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        subject: String,
        /// RFC 3339: when it claims to have been sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent: Option<String>,
        /// The `Message-ID` that it claims.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
        /// The SHA-256 of all of it as it was handed in, in hexadecimal.
        sha256: String,
        /// Its plain text; absent where it has none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        /// Whether the text is longer than that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
        /// Every other part: named, and not kept.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<RoomMailPart>,
    },
}

/// An entry to be written. Organisations are named by their short names here or as an answer names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomEntry {
    /// A UUID that the writer draws: sent twice under one key it is one entry.
    #[schema(value_type = String)]
    pub key: uuid::Uuid,
    /// Who it is for.
    pub label: RoomLabel,
    /// What it says.
    pub entry: RoomSays,
}

/// An entry that is to be made known to more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomPublication {
    /// As of an entry.
    #[schema(value_type = String)]
    pub key: uuid::Uuid,
    /// Who it is for from now on.
    pub label: RoomLabel,
}

/// What is known of how grave a case is: the scheme of severities proposes a level, and it stands in the room with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomSeverity {
    /// As of an entry.
    #[schema(value_type = String)]
    pub key: uuid::Uuid,
    /// Factor → choice, as `regimes/severity.toml` names them.
    pub answers: BTreeMap<String, String>,
}

/// Entries for several rooms: all of them are written, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomEntries {
    /// 1 to 100.
    pub entries: Vec<NewRoomEntryOf>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomEntryOf {
    /// STIX identifier of the incident.
    pub case: String,
    /// As of an entry.
    #[schema(value_type = String)]
    pub key: uuid::Uuid,
    /// Who it is for.
    pub label: RoomLabel,
    /// What it says; absent where something is undone.
    #[serde(default)]
    pub entry: Option<RoomSays>,
    /// The entry that is undone: a merge, a task that was offered, a severity that was declared.
    #[serde(default)]
    pub undo: Option<String>,
    /// Why it is undone.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomTaken {
    /// STIX identifier of the incident.
    pub case: String,
    /// The entry's name: the hash of what it is.
    pub entry: String,
    /// The STIX note that it is in the log.
    pub object: String,
    /// RFC 3339.
    pub at: String,
    /// Whether it was here already under this key.
    pub already: bool,
    /// Organisations that were to be called in and may not see the case: release it to them, and invite them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_called: Vec<String>,
}

/// What became of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomTakenList {
    /// In the order in which they were sent.
    pub taken: Vec<RoomTaken>,
}

/// A case with a room: one of this hub's, or one that another hub shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoomCase {
    /// STIX identifier of the incident.
    pub id: String,
    /// Title.
    pub title: String,
    /// Running number, of this hub's cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// The organisation that brought it in.
    pub originator: String,
    /// What it bears.
    pub marking: Marking,
}

/// Cases with rooms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoomCaseList {
    /// The newest first, at most 200.
    pub cases: Vec<RoomCase>,
    /// Whether there are more.
    pub more: bool,
    /// RFC 3339.
    pub as_of: String,
}

/// What an organisation is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomName {
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
    /// Its short name here, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<String>,
}

/// A case room, as far as its reader may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Room {
    /// The case.
    pub case: RoomCase,
    /// Who asks, as entries name it; without an account for a program.
    pub you: RoomReader,
    /// What it comes to.
    pub situation: RoomSituation,
    /// The newest lines, newest first; where this continues an answer, those since.
    pub timeline: Vec<RoomLine>,
    /// Whether it continues the answer whose `cursor` was asked with: what that one's timeline told stands.
    pub continues: bool,
    /// To ask with for what comes next.
    pub cursor: String,
    /// How many lines there are in all.
    pub lines: usize,
    /// The cases that are one incident with it, as far as the reader sees them; itself is not among them.
    pub joined: Vec<RoomCase>,
    /// By level: the roles of organisations that see what bears it and is for all.
    pub audiences: BTreeMap<String, Vec<String>>,
    /// What organisations are called.
    pub organisations: BTreeMap<String, RoomName>,
    /// What people are called, by account.
    pub people: BTreeMap<String, String>,
    /// RFC 3339.
    pub as_of: String,
}

/// Who reads a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomReader {
    /// The account, of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whose.
    pub organisation: String,
}

/// One line of a room's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomLine {
    /// `entry`; `stub`: there is something that the reader may not see; `unknown`: written by a newer version, kept and not interpreted.
    pub kind: String,
    /// RFC 3339.
    pub at: String,
    /// The case, of entries.
    pub case: String,
    /// Whose; absent for what is not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The entry's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The STIX note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The account; the system where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<RoomLabel>,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<RoomSays>,
    /// In words, where it is not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why it has no effect, as a stable code, where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
}

/// What a room comes to for its reader.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomSituation {
    /// Who is in the room.
    pub members: Vec<String>,
    /// Who commands.
    pub commander: Option<RoomPerson>,
    /// The offer of command that waits.
    pub hand_over: Option<RoomHandOver>,
    /// Who leads which lane.
    pub leads: BTreeMap<String, RoomPerson>,
    /// The period that runs.
    pub period: Option<RoomPeriod>,
    /// Every period.
    pub periods: Vec<RoomPeriod>,
    /// Every task, those that are late first, then by due time.
    pub tasks: Vec<RoomTask>,
    /// The decision log, oldest first.
    pub decisions: Vec<RoomDecision>,
    /// What the system proposes.
    pub proposed: Option<RoomSeverity>,
    /// What a person declared.
    pub declared: Option<RoomSeverity>,
    /// The objects of the case that entries name.
    pub objects: Vec<String>,
    /// How many situation reports were begun; the last one is being written.
    #[serde(default)]
    pub reports: u16,
    /// The one that was given out last.
    #[serde(default)]
    pub reported: Option<RoomReported>,
}

/// A situation report that was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomReported {
    /// Its entry.
    pub entry: String,
    /// Which of the room's reports.
    pub report: u16,
    /// Who gave it out.
    pub by: RoomPerson,
    /// RFC 3339.
    pub at: String,
    /// What it says.
    pub text: String,
}

/// A situation report as it is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomReport {
    /// Which of the room's reports; 1 where none was begun.
    pub report: u16,
    /// How many were begun.
    pub reports: u16,
    /// What it says.
    pub text: String,
    /// What the reader lacks: an update of Yjs, version 1, in base64. All of it, where the reader did not say what it knows.
    pub update: String,
    /// How many changes it is made of.
    pub changes: usize,
    /// Changes that could not be put in.
    pub left_out: usize,
    /// RFC 3339.
    pub as_of: String,
}

/// That somebody is in the room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomHere {
    /// Whether one is writing something.
    #[serde(default)]
    pub writes: bool,
    /// Whether one leaves.
    #[serde(default)]
    pub leaves: bool,
}

/// Who is in the room now, of this hub's people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomPresence {
    /// They, oneself among them: people of one's own organisation, and of those that are in the room as the reader sees it.
    pub here: Vec<RoomPresent>,
    /// What organisations are called.
    pub organisations: BTreeMap<String, RoomName>,
    /// What people are called, by account.
    pub people: BTreeMap<String, String>,
    /// RFC 3339.
    pub as_of: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomPresent {
    /// Who.
    pub person: RoomPerson,
    /// RFC 3339: since when.
    pub since: String,
    /// Whether they are writing something.
    pub writes: bool,
}

/// A text in which values are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomText {
    /// Prose; values may be defanged. At most 20,000 characters.
    pub text: String,
}

/// The values in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomValues {
    /// In the order in which they stand, at most 50.
    pub values: Vec<RoomValue>,
    /// Whether there are more.
    pub more: bool,
}

/// A value in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomValue {
    /// `ipv4-addr`, `domain-name`, `url`, `file:hashes.SHA-256` ….
    pub kind: String,
    /// In its one spelling.
    pub value: String,
    /// Objects that mention it, as far as the reader may see them: the newest, at most 5.
    pub known: Vec<RoomThing>,
    /// Whether one of them is linked with the case already.
    pub linked: bool,
}

/// An object by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomThing {
    /// STIX identifier.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// Values that become indicators or observables, and objects that are known: all of them are linked with the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomIndicators {
    /// As of an entry.
    #[schema(value_type = String)]
    pub key: uuid::Uuid,
    /// Who may see them, and that they are linked.
    pub label: RoomLabel,
    /// As somebody types them, defanged or not: what is to be looked for. At most 50.
    #[serde(default)]
    pub indicators: Vec<String>,
    /// The same, where it was only seen and need not be evil.
    #[serde(default)]
    pub observables: Vec<String>,
    /// STIX identifiers of objects that are here. At most 50.
    #[serde(default)]
    pub objects: Vec<String>,
}

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomIndicatorsTaken {
    /// The entry that links them with the case.
    pub taken: RoomTaken,
    /// STIX identifiers of what is linked.
    pub objects: Vec<String>,
}

/// Cases that have something in common with one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SimilarCases {
    /// Those with more in common first, at most 20.
    pub cases: Vec<SimilarCase>,
    /// Whether more was there than was looked at.
    pub more: bool,
    /// RFC 3339.
    pub as_of: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SimilarCase {
    /// The case.
    pub case: RoomCase,
    /// Why: at most 20 things.
    pub because: Vec<SimilarBecause>,
    /// How many things there are in common.
    pub common: usize,
    /// Whether the two are said to be one incident already.
    pub joined: bool,
}

/// Something that two cases have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimilarBecause {
    /// `object`: both name it; `value`: both name something that mentions it; `thread`: what both name is tied to it, an actor, a
    /// campaign, malware or a technique.
    pub kind: String,
    /// STIX identifier, of objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is called, or the value.
    pub name: String,
}

/// An offer of command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomHandOver {
    /// Its entry.
    pub entry: String,
    /// To whom.
    pub to: RoomPerson,
    /// What there is to know.
    pub brief: String,
}

/// An operational period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomPeriod {
    /// From 1.
    pub number: usize,
    /// RFC 3339.
    pub from: String,
    /// RFC 3339.
    pub until: String,
    /// What is to be reached.
    pub objectives: String,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomTask {
    /// The entry that offered it.
    pub entry: String,
    /// Which organisation offered it.
    pub from: String,
    /// To which.
    pub to: String,
    /// What is asked.
    pub title: String,
    /// In which lane.
    pub lane: String,
    /// RFC 3339.
    pub due: Option<String>,
    /// On what legal basis it is asked.
    pub legal_basis: Option<String>,
    /// RFC 3339.
    pub offered: String,
    /// `offered`, `accepted`, `declined`, `handed-back`, `withdrawn`.
    pub state: String,
    /// Whether it is late.
    pub late: bool,
    /// Who accepted.
    pub by: Option<RoomPerson>,
    /// When it was accepted or came back: RFC 3339.
    pub at: Option<String>,
    /// Whether it is done, of what came back.
    pub done: Option<bool>,
    /// Why it was not taken or is not wanted; what came of it.
    pub answer: Option<String>,
    /// On what legal basis it was taken, or may not be.
    pub answer_basis: Option<String>,
}

/// A line of the decision log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomDecision {
    /// Its entry.
    pub entry: String,
    /// RFC 3339.
    pub at: String,
    /// Who.
    pub by: RoomPerson,
    /// The question.
    pub question: String,
    /// What there was to choose.
    pub options: Vec<String>,
    /// What was chosen, from 0.
    pub chosen: usize,
    /// Why.
    pub reason: String,
    /// STIX identifiers.
    pub evidence: Vec<String>,
}

/// A severity, proposed or declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomSeverity {
    /// 0–5.
    pub level: u8,
    /// Why.
    pub reasons: Vec<String>,
    /// Who declared it.
    pub by: Option<RoomPerson>,
    /// RFC 3339, of what was declared.
    pub at: Option<String>,
}

/// What the next shift has to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoomBrief {
    /// The case.
    pub case: RoomCase,
    /// RFC 3339: from when it tells.
    pub since: String,
    /// What the room comes to; its tasks are the open ones.
    pub situation: RoomSituation,
    /// How many open tasks are late.
    pub late: usize,
    /// What was handed back, declined, withdrawn, decided and written since, oldest first.
    pub lines: Vec<RoomLine>,
    /// What the situation report says that is being written, where one was begun.
    #[serde(default)]
    pub report: Option<String>,
    /// What organisations are called.
    pub organisations: BTreeMap<String, RoomName>,
    /// What people are called, by account.
    pub people: BTreeMap<String, String>,
    /// RFC 3339.
    pub as_of: String,
}

/// The cases that are one incident, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Campaign {
    /// The case that was asked for first.
    pub cases: Vec<CampaignCase>,
    /// Objects that more than one of them names.
    pub common: Vec<String>,
    /// What organisations are called.
    pub organisations: BTreeMap<String, RoomName>,
    /// What people are called, by account.
    pub people: BTreeMap<String, String>,
    /// RFC 3339.
    pub as_of: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CampaignCase {
    /// It.
    pub case: RoomCase,
    /// What its room comes to.
    pub situation: RoomSituation,
}
