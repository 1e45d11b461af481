//! Our own extensions: safeguards of steps, translations of a playbook's texts.

use serde_json::{Map, Value};

use super::commands;
use crate::detail::Detail;
use crate::finding::{Findings, Pointer};
use crate::step::{Step, StepKind};
use crate::{Command, Playbook, SAFEGUARDS, Safeguards, TRANSLATIONS};

/// How long an effect may last and a question may stand: 30 days.
const SAFEGUARD_MS_MAX: u64 = 30 * 24 * 3_600_000;

pub(super) fn check(playbook: &Playbook, findings: &mut Findings) {
    for (id, step) in &playbook.workflow {
        let Some(value) = step.extensions.get(SAFEGUARDS) else { continue };
        let place = Pointer::step(id, "step_extensions").at(SAFEGUARDS);
        match value.as_object() {
            Some(map) => shape(map, &place, findings),
            None => findings.error(Detail::SafeguardsNotAnObject, &place),
        }
        if let Some(safeguards) = Safeguards::of(step) {
            one(step, &safeguards, &place, findings);
        }
    }
    if let Some(value) = playbook.extensions.get(TRANSLATIONS) {
        translations(playbook, value, findings);
    }
}

/// Names and types. An unknown name would be a safeguard that nobody keeps, so it is an error here.
fn shape(map: &Map<String, Value>, place: &Pointer, findings: &mut Findings) {
    object(
        map,
        &["type", "approval", "authority", "inverse", "blast_radius", "stop_after", "idempotent", "rollout"],
        place,
        findings,
    );
    if map.get("type").and_then(Value::as_str) != Some("safeguards") {
        findings.error(Detail::SafeguardsType, &place.at("type"));
    }
    wrong_unless(map, "stop_after", Value::is_u64, Detail::SafeguardNotMilliseconds, place, findings);
    wrong_unless(map, "idempotent", Value::is_boolean, Detail::SafeguardNotABoolean, place, findings);
    wrong_unless(map, "inverse", Value::is_array, Detail::SafeguardNotCommands, place, findings);
    if let Some(approval) = nested(map, "approval", place, findings) {
        approval_shape(approval, &place.at("approval"), findings);
    }
    if let Some(rollout) = nested(map, "rollout", place, findings) {
        let place = place.at("rollout");
        object(rollout, &["shadow", "canary", "canary_watch"], &place, findings);
        wrong_unless(rollout, "canary", Value::is_boolean, Detail::SafeguardNotABoolean, &place, findings);
        for name in ["shadow", "canary_watch"] {
            wrong_unless(rollout, name, Value::is_u64, Detail::SafeguardNotMilliseconds, &place, findings);
        }
    }
    if let Some(authority) = nested(map, "authority", place, findings) {
        let place = place.at("authority");
        object(authority, &["basis", "reference"], &place, findings);
        wrong_unless(authority, "basis", Value::is_string, Detail::SafeguardNotAText, &place, findings);
        wrong_unless(authority, "reference", Value::is_string, Detail::SafeguardNotAText, &place, findings);
    }
    if let Some(radius) = nested(map, "blast_radius", place, findings) {
        let place = place.at("blast_radius");
        let whole = ["addresses_max", "ipv4_prefix_min", "ipv6_prefix_min", "actions_per_hour_max"];
        object(radius, &[&whole[..], &["traffic_percent_max"]].concat(), &place, findings);
        for name in whole {
            wrong_unless(radius, name, Value::is_u64, Detail::SafeguardNotANumber, &place, findings);
        }
        let percent = |value: &Value| value.as_f64().is_some_and(|share| (0.0..=100.0).contains(&share));
        wrong_unless(
            radius,
            "traffic_percent_max",
            percent,
            Detail::SafeguardNotAPercentage,
            &place,
            findings,
        );
    }
}

fn approval_shape(approval: &Map<String, Value>, place: &Pointer, findings: &mut Findings) {
    let names = ["required", "approvers", "exclude_requester_organization", "expires_after", "break_glass"];
    object(approval, &names, place, findings);
    for name in ["break_glass", "expires_after"] {
        wrong_unless(approval, name, Value::is_u64, Detail::SafeguardNotMilliseconds, place, findings);
    }
    wrong_unless(approval, "required", Value::is_u64, Detail::SafeguardNotANumber, place, findings);
    let excludes = "exclude_requester_organization";
    wrong_unless(approval, excludes, Value::is_boolean, Detail::SafeguardNotABoolean, place, findings);
    let texts = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    wrong_unless(approval, "approvers", texts, Detail::SafeguardNotIdentities, place, findings);
}

fn nested<'m>(
    map: &'m Map<String, Value>,
    name: &str,
    place: &Pointer,
    findings: &mut Findings,
) -> Option<&'m Map<String, Value>> {
    wrong_unless(map, name, Value::is_object, Detail::SafeguardNotAnObject, place, findings);
    map.get(name).and_then(Value::as_object)
}

fn object(map: &Map<String, Value>, names: &[&str], place: &Pointer, findings: &mut Findings) {
    for name in map.keys().filter(|name| !names.contains(&name.as_str())) {
        findings.error(Detail::UnknownSafeguard.with(&[("name", &name)]), &place.at(name));
    }
}

fn wrong_unless(
    map: &Map<String, Value>,
    name: &str,
    test: impl Fn(&Value) -> bool,
    otherwise: Detail,
    place: &Pointer,
    findings: &mut Findings,
) {
    if map.get(name).is_some_and(|value| !test(value)) {
        findings.error(otherwise, &place.at(name));
    }
}

fn one(step: &Step, safeguards: &Safeguards, place: &Pointer, findings: &mut Findings) {
    let StepKind::Action(action) = &step.kind else {
        findings.error(Detail::SafeguardsWithoutAction, place);
        return;
    };
    approval(safeguards, place, findings);
    if safeguards.authority.as_ref().is_some_and(|authority| authority.basis.trim().is_empty()) {
        findings.error(Detail::NoBasis, &place.at("authority"));
    }
    if !safeguards.inverse.is_empty() && safeguards.inverse.len() != action.commands.len() {
        findings.error(
            Detail::InverseCount
                .with(&[("inverses", &safeguards.inverse.len()), ("commands", &action.commands.len())]),
            &place.at("inverse"),
        );
    }
    for (index, inverse) in safeguards.inverse.iter().enumerate() {
        if let Some(inverse) = inverse {
            inverse_command(inverse, &place.at("inverse").at(index), findings);
        }
    }
    if safeguards.stop_after_ms.is_some_and(|ms| ms == 0 || ms > SAFEGUARD_MS_MAX) {
        findings.error(Detail::EffectOutOfRange, &place.at("stop_after"));
    }
    rollout(step, safeguards, place, findings);
    if let Some(radius) = &safeguards.blast_radius {
        let too_long =
            radius.ipv4_prefix_min.is_some_and(|n| n > 32) || radius.ipv6_prefix_min.is_some_and(|n| n > 128);
        if too_long {
            findings.error(Detail::PrefixTooLong, &place.at("blast_radius"));
        }
    }
}

/// What is tried has to end before the time that it is ordered for, and what is taken back when it fails needs an inverse.
fn rollout(step: &Step, safeguards: &Safeguards, place: &Pointer, findings: &mut Findings) {
    let Some(rollout) = &safeguards.rollout else { return };
    let (place, commands) = (
        place.at("rollout"),
        match &step.kind {
            StepKind::Action(action) => action.commands.len(),
            _ => 0,
        },
    );
    let tried = rollout.shadow_ms.unwrap_or(0).saturating_add(rollout.canary_watch_ms);
    if rollout.shadow_ms == Some(0) || safeguards.stop_after_ms.is_some_and(|stop| stop <= tried) {
        findings.error(Detail::TrialOutOfRange, &place);
    }
    let undone = safeguards.inverse.iter().flatten().count();
    if undone < commands {
        findings.error(Detail::RolloutWithoutInverse, &place);
    }
}

fn inverse_command(inverse: &Command, place: &Pointer, findings: &mut Findings) {
    commands::one(inverse, place, findings);
    if matches!(inverse.kind, crate::CommandKind::Other(_)) {
        findings.error(Detail::BadInverse, place);
    }
}

fn approval(safeguards: &Safeguards, place: &Pointer, findings: &mut Findings) {
    let Some(approval) = &safeguards.approval else { return };
    let place = place.at("approval");
    let others = approval.approvers.len();
    if approval.required == 0 || (others > 0 && usize::try_from(approval.required).is_ok_and(|k| k > others))
    {
        findings.error(Detail::ApprovalCount, &place.at("required"));
    }
    if approval.expires_after_ms == 0 || approval.expires_after_ms > SAFEGUARD_MS_MAX {
        findings.error(Detail::QuestionOutOfRange, &place.at("expires_after"));
    }
    let stop = safeguards.stop_after_ms;
    if approval.break_glass_ms.is_some_and(|ms| ms == 0 || stop.is_none_or(|stop| ms >= stop)) {
        findings.error(Detail::AloneOutOfRange, &place.at("break_glass"));
    }
    for (index, approver) in approval.approvers.iter().enumerate() {
        if super::values::split_id(approver).is_none_or(|(kind, _)| kind != "identity") {
            findings.error(Detail::ApproverNotAnIdentity, &place.at("approvers").at(index));
        }
    }
}

/// `{"type": "translations", "ja": {"/workflow/…/name": "…"}}`: texts by language and by the place of what they translate.
fn translations(playbook: &Playbook, value: &Value, findings: &mut Findings) {
    let place = Pointer::root().at("playbook_extensions").at(TRANSLATIONS);
    let document = Value::Object(playbook.document().clone());
    for (language, texts) in value.as_object().into_iter().flatten().filter(|(name, _)| *name != "type") {
        let place = place.at(language);
        let Some(texts) = texts.as_object() else {
            findings.error(Detail::TranslationsNotAnObject, &place);
            continue;
        };
        for (pointer, text) in texts {
            if !text.is_string() || !document.pointer(pointer).is_some_and(Value::is_string) {
                findings.warn(Detail::TranslationOfNothing, &place.at(pointer));
            }
        }
    }
}
