//! Windows events in the forms that operators have (Winlogbeat's documents, the flat records of NXLog and others, dumps of
//! EVTX files), and Sysmon for Linux, which has the same.

use std::borrow::Cow;

use serde_json::Value;

use crate::logsource::Source;
use crate::record::{Fields, Record, alias, text, value};

pub(crate) fn record(object: Fields) -> Record {
    let mut fields = flatten(object);
    if let Some(number) = event_id(&fields) {
        fields.insert("EventID".to_owned(), number.into());
    }
    alias(
        &mut fields,
        &[
            ("Provider_Name", &["provider_name"]),
            ("Provider_Name", &["SourceName"]),
            ("Provider_Name", &["ProviderName"]),
            ("Provider_Name", &["Provider"]),
            ("Channel", &["channel"]),
            ("Channel", &["log_name"]),
            ("Computer", &["Hostname"]),
            ("Computer", &["computer_name"]),
        ],
    );
    let source = source(&fields);
    if source.categories == ["process_creation"] {
        alias(
            &mut fields,
            &[
                ("Image", &["NewProcessName"]),
                ("ParentImage", &["ParentProcessName"]),
                ("CommandLine", &["ProcessCommandLine"]),
                ("User", &["SubjectUserName"]),
            ],
        );
    }
    Record::new(fields, source)
}

/// The data of the event and what the system says of it, side by side.
fn flatten(mut object: Fields) -> Fields {
    if let Some(Value::Object(event)) = object.remove("Event") {
        return of_dump(event);
    }
    if matches!(object.get("System"), Some(Value::Object(_))) {
        return of_dump(object);
    }
    if let Some(Value::Object(mut winlog)) = object.remove("winlog") {
        let mut fields = members(winlog.remove("event_data"));
        fields.extend(members(winlog.remove("user_data")));
        for (name, value) in winlog.into_iter().chain(object) {
            fields.entry(name).or_insert(value);
        }
        return fields;
    }
    let data = ["event_data", "EventData"].into_iter().find_map(|name| object.remove(name));
    add_data(&mut object, data);
    let dotted: Vec<(String, Value)> = object
        .iter()
        .filter_map(|(name, value)| {
            let short = name.strip_prefix("winlog.")?;
            Some((short.strip_prefix("event_data.").unwrap_or(short).to_owned(), value.clone()))
        })
        .collect();
    object.extend(dotted);
    object
}

/// `{System, EventData}` or `{System, UserData}`, as dumps of EVTX files have them.
fn of_dump(mut event: Fields) -> Fields {
    let system = members(event.remove("System"));
    let mut fields = Fields::new();
    add_data(&mut fields, event.remove("EventData"));
    for inner in members(event.remove("UserData")).into_iter().map(|(_, inner)| inner) {
        add_data(&mut fields, Some(inner));
    }
    let attributes =
        [["Provider", "#attributes", "Name"], ["Provider", "@Name", ""], ["Provider", "Name", ""]];
    let provider = attributes.iter().find_map(|path| {
        let path: Vec<&str> = path.iter().copied().filter(|step| !step.is_empty()).collect();
        text(&system, &path).map(str::to_owned)
    });
    if let Some(provider) = provider {
        fields.insert("Provider_Name".to_owned(), provider.into());
    }
    for (name, value) in system {
        fields.entry(name).or_insert(value);
    }
    fields
}

/// The members of an event's data; where they are a list of names and values, under these names.
fn add_data(fields: &mut Fields, data: Option<Value>) {
    for (name, value) in members(data) {
        match value {
            Value::Array(pairs) if name == "Data" => {
                pairs.into_iter().for_each(|pair| add_pair(fields, pair));
            }
            pair @ Value::Object(_) if name == "Data" => add_pair(fields, pair),
            _ if name.starts_with('#') || name.starts_with('@') => {}
            value => drop(fields.insert(name, value)),
        }
    }
}

fn add_pair(fields: &mut Fields, pair: Value) {
    let Value::Object(mut pair) = pair else { return };
    let name = text(&pair, &["@Name"])
        .or_else(|| text(&pair, &["Name"]))
        .or_else(|| text(&pair, &["#attributes", "Name"]))
        .map(str::to_owned);
    let value = pair.remove("#text").or_else(|| pair.remove("Value")).or_else(|| pair.remove("text"));
    if let Some(name) = name {
        fields.insert(name, value.unwrap_or(Value::Null));
    }
}

fn members(value: Option<Value>) -> Fields {
    match value {
        Some(Value::Object(members)) => members,
        _ => Fields::new(),
    }
}

fn event_id(fields: &Fields) -> Option<u64> {
    let written = [&["EventID"][..], &["event_id"], &["EventID", "#text"], &["winlog.event_id"]];
    written.iter().filter_map(|path| value(fields, path)).find_map(|value| match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

fn source(fields: &Fields) -> Source {
    let channel = text(fields, &["Channel"]).unwrap_or_default();
    let provider = text(fields, &["Provider_Name"]).unwrap_or_default();
    let id = event_id(fields).unwrap_or(0);
    let is_linux = provider == "Linux-Sysmon" || channel == "Linux-Sysmon/Operational";
    let is_sysmon = is_linux
        || provider == "Microsoft-Windows-Sysmon"
        || channel == "Microsoft-Windows-Sysmon/Operational";
    let service = if is_sysmon { Some("sysmon") } else { service(channel) };
    let categories =
        if is_sysmon { of_sysmon(id, text(fields, &["EventType"])) } else { of_channel(service, id) };
    Source {
        products: if is_linux { &["linux"] } else { &["windows"] },
        services: [service.map(Cow::Borrowed), None],
        categories,
    }
}

/// The categories of Sysmon's events (Sigma's taxonomy, "Windows / Sysmon").
fn of_sysmon(id: u64, kind: Option<&str>) -> &'static [&'static str] {
    match id {
        1 => &["process_creation"],
        2 => &["file_change"],
        3 => &["network_connection"],
        4 | 16 => &["sysmon_status"],
        5 => &["process_termination"],
        6 => &["driver_load"],
        7 => &["image_load"],
        8 => &["create_remote_thread"],
        9 => &["raw_access_thread"],
        10 => &["process_access"],
        11 => &["file_event"],
        12 if kind == Some("CreateKey") => &["registry_event", "registry_add"],
        12 => &["registry_event", "registry_delete"],
        13 => &["registry_event", "registry_set"],
        14 => &["registry_event", "registry_rename"],
        15 => &["create_stream_hash"],
        17 | 18 => &["pipe_created"],
        19..=21 => &["wmi_event"],
        22 => &["dns_query"],
        23 | 26 => &["file_delete"],
        24 => &["clipboard_capture"],
        25 => &["process_tampering"],
        27 => &["file_block_executable"],
        28 => &["file_block_shredding"],
        29 => &["file_executable_detected"],
        255 => &["sysmon_error"],
        _ => &[],
    }
}

/// The categories of what Windows itself logs.
fn of_channel(service: Option<&str>, id: u64) -> &'static [&'static str] {
    match (service, id) {
        (Some("security"), 4688) => &["process_creation"],
        (Some("powershell"), 4103) => &["ps_module"],
        (Some("powershell"), 4104) => &["ps_script"],
        (Some("powershell-classic"), 400) => &["ps_classic_start"],
        (Some("powershell-classic"), 600) => &["ps_classic_provider_start"],
        (Some("powershell-classic"), 800) => &["ps_classic_script"],
        _ => &[],
    }
}

/// Sigma's names for channels of the Windows event log.
const SERVICES: [(&str, &str); 58] = [
    ("Application", "application"),
    ("Security", "security"),
    ("System", "system"),
    ("Windows PowerShell", "powershell-classic"),
    ("Microsoft-Windows-PowerShell/Operational", "powershell"),
    ("PowerShellCore/Operational", "powershell"),
    ("DNS Server", "dns-server"),
    ("Microsoft-Windows-DNS-Server/Audit", "dns-server-audit"),
    ("Microsoft-Windows-DNS-Server/Analytical", "dns-server-analytic"),
    ("Microsoft-Windows-DNS Client Events/Operational", "dns-client"),
    ("Microsoft-Windows-DriverFrameworks-UserMode/Operational", "driver-framework"),
    ("Microsoft-Windows-DHCP-Server/Operational", "dhcp"),
    ("Microsoft-Windows-NTLM/Operational", "ntlm"),
    ("Microsoft-Windows-Windows Defender/Operational", "windefend"),
    ("Microsoft-Windows-PrintService/Admin", "printservice-admin"),
    ("Microsoft-Windows-PrintService/Operational", "printservice-operational"),
    (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
        "terminalservices-localsessionmanager",
    ),
    ("Microsoft-Windows-SmbClient/Security", "smbclient-security"),
    ("Microsoft-Windows-SmbClient/Connectivity", "smbclient-connectivity"),
    ("Microsoft-Windows-SMBServer/Connectivity", "smbserver-connectivity"),
    ("Microsoft-Windows-CodeIntegrity/Operational", "codeintegrity-operational"),
    ("Microsoft-Windows-AppLocker/MSI and Script", "applocker"),
    ("Microsoft-Windows-AppLocker/EXE and DLL", "applocker"),
    ("Microsoft-Windows-AppLocker/Packaged app-Deployment", "applocker"),
    ("Microsoft-Windows-AppLocker/Packaged app-Execution", "applocker"),
    ("MSExchange Management", "msexchange-management"),
    ("Microsoft-ServiceBus-Client", "microsoft-servicebus-client"),
    ("Microsoft-ServiceBus-Client/Admin", "microsoft-servicebus-client"),
    ("Microsoft-ServiceBus-Client/Operational", "microsoft-servicebus-client"),
    ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall", "firewall-as"),
    ("Microsoft-Windows-Bits-Client/Operational", "bits-client"),
    ("Microsoft-Windows-Security-Mitigations/Kernel Mode", "security-mitigations"),
    ("Microsoft-Windows-Security-Mitigations/User Mode", "security-mitigations"),
    ("Microsoft-Windows-Diagnosis-Scripted/Operational", "diagnosis-scripted"),
    ("Microsoft-Windows-Shell-Core/Operational", "shell-core"),
    ("OpenSSH/Operational", "openssh"),
    ("Microsoft-Windows-LDAP-Client/Debug", "ldap"),
    ("Microsoft-Windows-LDAP-Client/Debug ETW", "ldap"),
    ("Microsoft-Windows-TaskScheduler/Operational", "taskscheduler"),
    ("Microsoft-Windows-WMI-Activity/Operational", "wmi"),
    ("Microsoft-Windows-AppXDeploymentServer/Operational", "appxdeployment-server"),
    ("Microsoft-Windows-AppxPackaging/Operational", "appxpackaging-om"),
    ("Microsoft-Windows-AppModel-Runtime/Admin", "appmodel-runtime"),
    ("Microsoft-Windows-LSA/Operational", "lsa-server"),
    ("Microsoft-Windows-VHDMP-Operational", "vhdmp"),
    ("Microsoft-Windows-VHDMP/Operational", "vhdmp"),
    ("Microsoft-Windows-CAPI2/Operational", "capi2"),
    (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
        "certificateservicesclient-lifecycle-system",
    ),
    ("Microsoft-Windows-Kernel-ShimEngine/Operational", "kernel-shimengine"),
    ("Microsoft-Windows-Kernel-ShimEngine/Diagnostic", "kernel-shimengine"),
    ("Microsoft-Windows-Application-Experience/Program-Telemetry", "application-experience"),
    ("Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant", "application-experience"),
    ("Microsoft-Windows-Hyper-V-Worker-Admin", "hyper-v-worker"),
    ("Microsoft-Windows-Kernel-EventTracing/Admin", "kernel-event-tracing"),
    ("Microsoft-Windows-SENSE/Operational", "sense"),
    ("Microsoft-IIS-Configuration/Operational", "iis-configuration"),
    ("Microsoft-Windows-Sysmon/Operational", "sysmon"),
    ("Microsoft-Windows-NTFS/Operational", "ntfs"),
];

fn service(channel: &str) -> Option<&'static str> {
    SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(channel)).map(|(_, service)| *service)
}
