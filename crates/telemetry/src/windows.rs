//! Windows events as JSON, in the forms that operators have: Winlogbeat's documents, the flat records of NXLog and others, and
//! dumps of EVTX files, in which `Event.System` and `Event.EventData` stand apart.

use std::sync::LazyLock;

use sonic_rs::LazyValue;

use crate::Role;
use crate::fields::{Fields, Table, read_object};
use crate::reading::{Draft, Reading};

const SRC: Role = Role::Source;
const DST: Role = Role::Destination;
const IN: Role = Role::Content;

/// What events say, by the names that the Security log, Sysmon and others give it. Script texts, messages and payloads are left
/// out on purpose.
pub(crate) const DATA: Table = &[
    ("UtcTime", Reading::Time),
    // Traffic.
    ("SourceIp", Reading::Address(SRC)),
    ("SourceHostname", Reading::Host(SRC)),
    ("SourcePort", Reading::SourcePort),
    ("DestinationIp", Reading::Address(DST)),
    ("DestinationHostname", Reading::Host(DST)),
    ("DestinationPort", Reading::DestinationPort),
    ("Protocol", Reading::Protocol),
    ("SourceAddress", Reading::Address(SRC)),
    ("DestAddress", Reading::Address(DST)),
    ("DestPort", Reading::DestinationPort),
    ("IpAddress", Reading::Address(SRC)),
    ("IpPort", Reading::SourcePort),
    ("ClientAddress", Reading::Address(SRC)),
    ("QueryName", Reading::Host(IN)),
    ("QueryResults", Reading::Answers),
    ("url", Reading::Url),
    ("Url", Reading::Url),
    // Processes.
    ("Image", Reading::FilePath),
    ("NewProcessName", Reading::FilePath),
    ("ProcessName", Reading::FilePath),
    ("Application", Reading::FilePath),
    ("ParentImage", Reading::FilePath),
    ("ParentProcessName", Reading::FilePath),
    ("SourceImage", Reading::FilePath),
    ("TargetImage", Reading::FilePath),
    ("CommandLine", Reading::CommandLine),
    ("ProcessCommandLine", Reading::CommandLine),
    ("ParentCommandLine", Reading::CommandLine),
    ("ServiceFileName", Reading::CommandLine),
    ("ImagePath", Reading::CommandLine),
    // Files and the registry.
    ("ImageLoaded", Reading::FilePath),
    ("TargetFilename", Reading::FilePath),
    ("RelativeTargetName", Reading::FilePath),
    ("Hashes", Reading::HashList),
    ("Hash", Reading::HashList),
    ("ObjectName", Reading::KernelObject),
    ("TargetObject", Reading::RegistryTarget),
    ("Details", Reading::RegistryData),
    ("ObjectValueName", Reading::RegistryValue),
    // Accounts.
    ("SubjectUserName", Reading::Account),
    ("TargetUserName", Reading::Account),
    ("User", Reading::Account),
];

/// What stands beside the data in flat records.
const FLAT: Table = &[
    ("EventID", Reading::EventNumber),
    ("event_id", Reading::EventNumber),
    ("Channel", Reading::Channel),
    ("log_name", Reading::Channel),
    ("TimeCreated", Reading::Time),
    // The clock of the machine, in its own zone.
    ("EventTime", Reading::TimeElse),
];

const SYSTEM: Table = &[
    ("EventID", Reading::EventNumber),
    ("EventID.#text", Reading::EventNumber),
    ("Channel", Reading::Channel),
    ("TimeCreated.#attributes.SystemTime", Reading::Time),
    ("TimeCreated.@SystemTime", Reading::Time),
    ("TimeCreated_attributes.SystemTime", Reading::Time),
    ("TimeCreated.SystemTime", Reading::Time),
];

/// Who signed in from where, by the services for remote desktops.
const SESSION: Table = &[("Address", Reading::Address(SRC)), ("User", Reading::Account)];

const PAIRS: Table = &[("Data[]", Reading::EventData)];

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let own: [(&'static str, Table); 13] = [
        ("", FLAT),
        ("", DATA),
        ("winlog", &[("event_id", Reading::EventNumber), ("channel", Reading::Channel)]),
        ("event_data", DATA),
        ("Event.System", SYSTEM),
        ("Event.EventData", DATA),
        ("Event.EventData", PAIRS),
        ("Event.UserData", DATA),
        ("Event.UserData.EventXML", SESSION),
        ("System", SYSTEM),
        ("EventData", DATA),
        ("EventData", PAIRS),
        ("winlog.event_data", DATA),
    ];
    Fields::below(&[crate::ecs::TABLES, own.as_slice()].concat())
});

static NAMES: LazyLock<Fields> = LazyLock::new(|| Fields::below(&[("", DATA)]));

/// The rule for a field of an event's data.
pub(crate) fn reading_of(name: &str) -> Option<Reading> {
    NAMES.reading_of(name)
}

pub(crate) fn read<'a>(object: LazyValue<'a>, draft: &mut Draft<'a>) {
    read_object(&FIELDS, object, draft);
}
