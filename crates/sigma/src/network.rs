//! Zeek and Suricata. Fields keep their names, and have besides those under which rules for web servers, proxies, name servers
//! and firewalls look for them.

use std::borrow::Cow;

use serde_json::Value;
use telemetry::TsvReader;

use crate::logsource::{DNS, FIREWALL, Source, WEB};
use crate::record::{Fields, Record, alias, text, value};

pub(crate) fn zeek(mut fields: Fields) -> Record {
    let path = ["_path", "@path", "@stream"].into_iter().find_map(|name| text(&fields, &[name]));
    let path = path.map_or_else(|| guessed(&fields).to_owned(), str::to_owned);
    let categories = of_zeek(&path);
    alias(
        &mut fields,
        &[
            ("src_ip", &["id.orig_h"]),
            ("src_port", &["id.orig_p"]),
            ("dst_ip", &["id.resp_h"]),
            ("dst_port", &["id.resp_p"]),
        ],
    );
    if categories == DNS {
        alias(&mut fields, &[("record_type", &["qtype_name"]), ("answer", &["answers"])]);
    }
    if categories == WEB {
        let names: &[(&str, &[&str])] = &[
            ("cs-uri", &["uri"]),
            ("c-uri", &["uri"]),
            ("cs-host", &["host"]),
            ("cs-method", &["method"]),
            ("c-useragent", &["user_agent"]),
            ("cs-user-agent", &["user_agent"]),
            ("cs-referer", &["referrer"]),
            ("sc-status", &["status_code"]),
            ("c-ip", &["id.orig_h"]),
        ];
        alias(&mut fields, names);
        split_target(&mut fields);
    }
    let services = [Some(Cow::Owned(path)).filter(|path: &Cow<'_, str>| !path.is_empty()), None];
    Record::new(fields, Source { products: &["zeek"], services, categories })
}

pub(crate) fn zeek_tsv(line: &str, tsv: &TsvReader) -> Option<Record> {
    if tsv.width() == 0 {
        return None;
    }
    let mut fields = Fields::new();
    for (name, cell) in tsv.cells(line).filter(|(_, cell)| *cell != "-") {
        let unescaped = telemetry::unescape_tsv(cell.as_bytes());
        let text = unescaped.and_then(|bytes| String::from_utf8(bytes.into_owned()).ok());
        let text = text.filter(|text| text != "(empty)").unwrap_or_default();
        fields.insert(name.to_owned(), text.into());
    }
    if !tsv.path().is_empty() {
        fields.insert("_path".to_owned(), tsv.path().into());
    }
    Some(zeek(fields))
}

/// Which log a record is of that does not say so: fields that no other log has all of.
fn guessed(fields: &Fields) -> &'static str {
    const SIGNS: [(&str, &[&str]); 5] = [
        ("dns", &["query", "qtype"]),
        ("dns", &["query", "qtype_name"]),
        ("http", &["uri", "method"]),
        ("conn", &["conn_state"]),
        ("dce_rpc", &["endpoint", "operation"]),
    ];
    let has_all = |names: &[&str]| names.iter().all(|name| fields.contains_key(*name));
    SIGNS.iter().find(|(_, names)| has_all(names)).map_or("", |(log, _)| log)
}

fn of_zeek(path: &str) -> &'static [&'static str] {
    match path {
        "http" => WEB,
        "dns" => DNS,
        "conn" => FIREWALL,
        _ => &[],
    }
}

pub(crate) fn eve(mut fields: Fields) -> Record {
    let kind = text(&fields, &["event_type"]).unwrap_or_default().to_owned();
    alias(&mut fields, &[("dst_ip", &["dest_ip"]), ("dst_port", &["dest_port"])]);
    let categories = match kind.as_str() {
        "dns" => {
            let answers = of_each(value(&fields, &["dns", "answers"]), "rdata");
            let queries = of_each(value(&fields, &["dns", "queries"]), "rrname");
            alias(&mut fields, &[("query", &["dns", "rrname"]), ("record_type", &["dns", "rrtype"])]);
            set(&mut fields, "answer", answers);
            set(&mut fields, "query", queries);
            DNS
        }
        "http" => {
            let names: &[(&str, &[&str])] = &[
                ("cs-uri", &["http", "url"]),
                ("c-uri", &["http", "url"]),
                ("cs-host", &["http", "hostname"]),
                ("cs-method", &["http", "http_method"]),
                ("c-useragent", &["http", "http_user_agent"]),
                ("cs-user-agent", &["http", "http_user_agent"]),
                ("cs-referer", &["http", "http_refer"]),
                ("sc-status", &["http", "status"]),
                ("c-ip", &["src_ip"]),
            ];
            alias(&mut fields, names);
            split_target(&mut fields);
            WEB
        }
        "flow" | "netflow" => FIREWALL,
        _ => &[],
    };
    Record::new(
        fields,
        Source { products: &["suricata"], services: [Some(Cow::Owned(kind)), None], categories },
    )
}

/// One member of each object of a list.
fn of_each(list: Option<&Value>, member: &str) -> Vec<Value> {
    let objects = list.and_then(Value::as_array).into_iter().flatten();
    objects.filter_map(|object| object.get(member).cloned()).collect()
}

fn set(fields: &mut Fields, name: &str, values: Vec<Value>) {
    if !values.is_empty() && !fields.contains_key(name) {
        fields.insert(name.to_owned(), Value::Array(values));
    }
}

/// The path and the query of what was asked for, each by itself.
pub(crate) fn split_target(fields: &mut Fields) {
    let Some(target) = text(fields, &["cs-uri"]).map(str::to_owned) else { return };
    let (stem, query) = target.split_once('?').unwrap_or((&target, ""));
    for (name, part) in [("cs-uri-stem", stem), ("cs-uri-query", query), ("c-uri-query", query)] {
        if !part.is_empty() {
            fields.entry(name).or_insert_with(|| part.into());
        }
    }
}
