//! Agents, targets, authentication information, markings and extensions: whether they are there, used, and make sense.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::values::split_id;
use crate::detail::Detail;
use crate::finding::{Findings, Pointer};
use crate::parts::{AgentTarget, MarkingKind};
use crate::step::StepKind;
use crate::{Playbook, variable};

pub(super) fn check(playbook: &Playbook, findings: &mut Findings) {
    for (name, list) in [("agent_definitions", &playbook.agents), ("target_definitions", &playbook.targets)] {
        for (id, agent) in list {
            one_agent(playbook, agent, &Pointer::root().at(name).at(id), findings);
        }
    }
    authentication(playbook, findings);
    markings(playbook, findings);
    declared_extensions(playbook, findings);
    unused(playbook, findings);
    reused_uuids(playbook, findings);
}

fn one_agent(playbook: &Playbook, agent: &AgentTarget, place: &Pointer, findings: &mut Findings) {
    if agent.name.trim().is_empty() {
        findings.warn(Detail::NameEmpty, &place.at("name"));
    }
    if let Some(id) =
        agent.authentication_info.as_ref().filter(|id| !playbook.authentication_info.contains_key(*id))
    {
        findings.error(Detail::AuthenticationMissing.with(&[("id", &id)]), &place.at("authentication_info"));
    }
    let port_fits =
        |port: &String| variable::mentions_any(port) || port.parse::<u16>().is_ok_and(|port| port > 0);
    if agent.port.as_ref().is_some_and(|port| !port_fits(port)) {
        findings.error(Detail::BadPort, &place.at("port"));
    }
    let addressed = matches!(agent.kind.as_str(), "http-api" | "linux" | "ssh" | "net-address");
    if addressed && agent.raw.contains_key("address") && !agent.has_address() {
        findings.error(Detail::NoAddress, &place.at("address"));
    }
    if let Some(location) = &agent.location {
        civic_location(location, &place.at("location"), findings);
    }
}

/// §10.4: latitude and longitude go together, precision needs both.
fn civic_location(location: &Map<String, Value>, place: &Pointer, findings: &mut Findings) {
    let text = |name: &str| location.get(name).and_then(Value::as_str);
    let (latitude, longitude) = (text("latitude"), text("longitude"));
    let both = latitude.is_some() && longitude.is_some();
    if latitude.is_some() != longitude.is_some() || (text("precision").is_some() && !both) {
        findings.error(Detail::HalfACoordinate, place);
    }
    for (name, value, limit) in [("latitude", latitude, 90.0), ("longitude", longitude, 180.0)] {
        let Some(value) = value.filter(|value| !variable::mentions_any(value)) else { continue };
        if !value.parse::<f64>().is_ok_and(|degrees| degrees > -limit && degrees <= limit) {
            findings.error(
                Detail::DegreesOutOfRange.with(&[("name", &name), ("limit", &limit)]),
                &place.at(name),
            );
        }
    }
    if let Some(country) = text("country").filter(|country| !variable::mentions_any(country))
        && !(country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()))
    {
        findings.error(Detail::BadCountry, &place.at("country"));
    }
}

fn authentication(playbook: &Playbook, findings: &mut Findings) {
    for (id, info) in &playbook.authentication_info {
        let place = Pointer::root().at("authentication_info_definitions").at(id);
        if info.secret.as_deref().is_some_and(|secret| !secret.is_empty() && !variable::mentions_any(secret))
        {
            findings.warn(Detail::PlainSecret, &place);
        }
        if info.kms && info.kms_key_identifier.is_none() {
            findings.error(Detail::KmsWithoutKey, &place);
        }
    }
}

/// TLP levels with identifiers that everybody uses (CACAO common objects).
const TLP_IDS: [(&str, &str); 5] = [
    ("marking-tlp--94868c89-83c2-464b-929b-a1a8aa3c8487", "TLP:CLEAR"),
    ("marking-tlp--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "TLP:GREEN"),
    ("marking-tlp--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "TLP:AMBER"),
    ("marking-tlp--939a9414-2ddd-4d32-a0cd-375ea402b003", "TLP:AMBER+STRICT"),
    ("marking-tlp--e828b379-4e03-4974-9ac4-e53a884c97c1", "TLP:RED"),
];

fn markings(playbook: &Playbook, findings: &mut Findings) {
    let mut levels = BTreeSet::new();
    for (index, id) in playbook.markings.iter().enumerate() {
        let place = Pointer::root().at("markings").at(index);
        let Some(marking) = playbook.marking_definitions.get(id) else {
            findings.error(Detail::MarkingMissing.with(&[("id", &id)]), &place);
            continue;
        };
        if let MarkingKind::Tlp(level) = &marking.kind {
            levels.insert(level.as_str());
        }
        if marking.revoked {
            findings.warn(Detail::RevokedMarking, &place);
        }
    }
    if levels.len() > 1 {
        let place = Pointer::root().at("markings");
        findings.warn(Detail::SeveralTlpLevels, &place);
    }
    for (id, marking) in &playbook.marking_definitions {
        let place = Pointer::root().at("data_marking_definitions").at(id);
        if marking.id != *id && !marking.id.is_empty() {
            findings.error(Detail::IdMismatch, &place.at("id"));
        }
        if let (Some(from), Some(until)) = (&marking.valid_from, &marking.valid_until)
            && until <= from
        {
            findings.error(Detail::NeverValid, &place.at("valid_until"));
        }
        let fixed = TLP_IDS.iter().find(|(known, _)| known == id);
        if let (Some((_, fixed)), MarkingKind::Tlp(level)) = (fixed, &marking.kind)
            && level != fixed
        {
            findings.error(Detail::TlpMismatch.with(&[("level", &fixed)]), &place);
        }
    }
}

/// Extensions are defined where they are used (§3.1 `extension_definitions`).
fn declared_extensions(playbook: &Playbook, findings: &mut Findings) {
    let root = Pointer::root();
    let mut uses: Vec<(Pointer, &BTreeMap<String, Value>)> =
        vec![(root.at("playbook_extensions"), &playbook.extensions)];
    for (id, step) in &playbook.workflow {
        uses.push((Pointer::step(id, "step_extensions"), &step.extensions));
    }
    for (name, list) in [("agent_definitions", &playbook.agents), ("target_definitions", &playbook.targets)] {
        uses.extend(
            list.iter()
                .map(|(id, agent)| (root.at(name).at(id).at("agent_target_extensions"), &agent.extensions)),
        );
    }
    for (id, info) in &playbook.authentication_info {
        let place = root.at("authentication_info_definitions").at(id).at("authentication_info_extensions");
        uses.push((place, &info.extensions));
    }
    for (place, map) in uses {
        for id in map.keys().filter(|id| !playbook.extension_definitions.contains_key(*id)) {
            findings.error(Detail::ExtensionMissing.with(&[("id", &id)]), &place.at(id));
        }
    }
}

fn unused(playbook: &Playbook, findings: &mut Findings) {
    let mut agents = BTreeSet::new();
    let mut targets = BTreeSet::new();
    for step in playbook.workflow.values() {
        if let StepKind::Action(action) = &step.kind {
            agents.insert(action.agent.as_str());
            targets.extend(action.targets.iter().map(String::as_str));
        }
    }
    let both = playbook.agents.values().chain(playbook.targets.values());
    let keys: BTreeSet<&str> = both.filter_map(|agent| agent.authentication_info.as_deref()).collect();
    let marks: BTreeSet<&str> = playbook.markings.iter().map(String::as_str).collect();
    let mut tell = |name: &str, defined: Vec<&String>, used: &BTreeSet<&str>| {
        for id in defined.into_iter().filter(|id| !used.contains(id.as_str())) {
            let place = Pointer::root().at(name).at(id);
            findings.note(Detail::UnusedDefinition, &place);
        }
    };
    tell("agent_definitions", playbook.agents.keys().collect(), &agents);
    tell("target_definitions", playbook.targets.keys().collect(), &targets);
    tell("authentication_info_definitions", playbook.authentication_info.keys().collect(), &keys);
    tell("data_marking_definitions", playbook.marking_definitions.keys().collect(), &marks);
}

/// "A producer MUST NOT reuse the UUID portion of the identifier for objects of different types" (§10.10).
fn reused_uuids(playbook: &Playbook, findings: &mut Findings) {
    let root = Pointer::root();
    let mut homes: BTreeMap<&str, &str> = BTreeMap::new();
    let steps = playbook.workflow.keys().map(|id| (root.at("workflow"), id));
    let agents = playbook.agents.keys().map(|id| (root.at("agent_definitions"), id));
    let targets = playbook.targets.keys().map(|id| (root.at("target_definitions"), id));
    let keys = playbook.authentication_info.keys().map(|id| (root.at("authentication_info_definitions"), id));
    let marks = playbook.marking_definitions.keys().map(|id| (root.at("data_marking_definitions"), id));
    let extensions = playbook.extension_definitions.keys().map(|id| (root.at("extension_definitions"), id));
    for (place, id) in steps.chain(agents).chain(targets).chain(keys).chain(marks).chain(extensions) {
        let Some((kind, uuid)) = split_id(id) else { continue };
        if homes.insert(uuid, kind).is_some_and(|other| other != kind) {
            findings.error(Detail::UuidReused.with(&[("id", &id)]), &place.at(id));
        }
    }
}
