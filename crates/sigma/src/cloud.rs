//! Audit logs of clouds. Rules for them use the names that the clouds give, by paths with dots.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::logsource::Source;
use crate::record::{Fields, Record, alias, text};

pub(crate) fn aws(fields: Fields) -> Record {
    let is_trail = fields.contains_key("eventSource") && fields.contains_key("eventName");
    let service = is_trail.then_some(Cow::Borrowed("cloudtrail"));
    Record::new(fields, Source { products: &["aws"], services: [service, None], categories: &[] })
}

pub(crate) fn azure(mut fields: Fields) -> Record {
    let category = text(&fields, &["category"]).unwrap_or_default();
    let service = match category.to_ascii_lowercase().as_str() {
        "auditlogs" => Some("auditlogs"),
        "signinlogs"
        | "noninteractiveusersigninlogs"
        | "serviceprincipalsigninlogs"
        | "managedidentitysigninlogs" => Some("signinlogs"),
        "userriskevents" | "riskyusers" => Some("riskdetection"),
        "administrative" | "security" | "policy" | "servicehealth" | "alert" | "autoscale"
        | "recommendation" => Some("activitylogs"),
        _ => None,
    };
    alias(
        &mut fields,
        &[
            ("OperationName", &["operationName"]),
            ("Category", &["category"]),
            ("ResultType", &["resultType"]),
        ],
    );
    // What the portal shows as the members of the record stands one deeper in what is exported.
    if let Some(Value::Object(properties)) = fields.get("properties").cloned() {
        for (name, value) in properties {
            fields.entry(name).or_insert(value);
        }
    }
    let service = service.map(Cow::Borrowed);
    Record::new(fields, Source { products: &["azure"], services: [service, None], categories: &[] })
}

pub(crate) fn gcp(mut fields: Fields) -> Record {
    let payload = fields.get("protoPayload");
    let service_name = payload.and_then(|payload| payload.get("serviceName")).and_then(Value::as_str);
    let workspace = match service_name {
        Some("admin.googleapis.com") => Some("google_workspace.admin"),
        Some("login.googleapis.com") => Some("google_workspace.login"),
        _ => None,
    };
    let audit = payload.is_some().then_some(Cow::Borrowed("gcp.audit"));
    let names: &[(&str, &[&str])] = &[
        ("gcp.audit.method_name", &["protoPayload", "methodName"]),
        ("gcp.audit.service_name", &["protoPayload", "serviceName"]),
        ("eventService", &["protoPayload", "serviceName"]),
    ];
    alias(&mut fields, names);
    // `google.admin.AdminService.addPrivilege` is `ADD_PRIVILEGE` where Google shows it.
    let event =
        text(&fields, &["protoPayload", "methodName"]).and_then(|name| name.rsplit('.').next()).map(shown);
    if let (Some(_), Some(event)) = (workspace, event) {
        fields.entry("eventName").or_insert(event.into());
    }
    // Rules for exported entries name them as messages of Pub/Sub have them.
    let entry = json!({"protoPayload": fields.get("protoPayload"), "logName": fields.get("logName")});
    fields.entry("data").or_insert(entry);
    let services = [audit, workspace.map(Cow::Borrowed)];
    Record::new(fields, Source { products: &["gcp"], services, categories: &[] })
}

fn shown(method: &str) -> String {
    let mut shown = String::with_capacity(method.len() + 4);
    for c in method.chars() {
        if c.is_ascii_uppercase() && !shown.is_empty() {
            shown.push('_');
        }
        shown.push(c.to_ascii_uppercase());
    }
    shown
}
