//! Commands (§5): what each type must hold.

use serde_json::Value;

use super::values;
use crate::command::{Command, CommandKind};
use crate::detail::Detail;
use crate::finding::{Findings, Pointer};
use crate::variable;

/// The longest text of a command, decoded, in bytes.
const COMMAND_BYTES_MAX: usize = 1 << 20;

pub(super) fn check(_step: &str, commands: &[Command], place: &Pointer, findings: &mut Findings) {
    for (index, command) in commands.iter().enumerate() {
        one(command, &place.at(index), findings);
    }
}

pub(super) fn one(command: &Command, place: &Pointer, findings: &mut Findings) {
    match &command.kind {
        CommandKind::Manual
        | CommandKind::Bash
        | CommandKind::CalderaCmd
        | CommandKind::Powershell
        | CommandKind::Ssh => {
            words(command, place, findings);
        }
        CommandKind::Elastic
        | CommandKind::Jupyter
        | CommandKind::Kestrel
        | CommandKind::Sigma
        | CommandKind::Yara => {
            encoded(command, place, findings);
        }
        CommandKind::HttpApi => {
            start_line(command, place, findings);
            if command.content.is_some() && command.content_b64.is_some() {
                findings.error(Detail::TwoContents, place);
            }
        }
        CommandKind::OpenC2Http => {
            if start_line(command, place, findings).is_some_and(|method| method != "POST") {
                findings.error(Detail::OpenC2Method, &place.at("command"));
            }
            openc2(command, place, findings);
        }
        CommandKind::Other(_) => {}
    }
}

/// `command` or `command_b64`, either of them.
fn words(command: &Command, place: &Pointer, findings: &mut Findings) {
    match (&command.command, &command.command_b64) {
        (None, None) => {
            findings.error(Detail::NoCommand, place);
        }
        (Some(_), Some(_)) => {
            findings.error(Detail::TwoCommands, place);
        }
        (Some(text), None) if text.trim().is_empty() => {
            findings.error(Detail::CommandEmpty, &place.at("command"));
        }
        (Some(text), None) if text.contains(['"', '\'', '\n', '\r', '\t', '\\']) => {
            findings.note(Detail::BetterBase64, &place.at("command"));
        }
        (Some(_), None) => {}
        (None, Some(_)) => encoded(command, place, findings),
    }
}

fn encoded(command: &Command, place: &Pointer, findings: &mut Findings) {
    let Some(bytes) = command.command_b64.as_deref().and_then(values::decode) else { return };
    let detail = if bytes.iter().all(u8::is_ascii_whitespace) {
        Detail::EncodedEmpty
    } else if bytes.len() > COMMAND_BYTES_MAX {
        Detail::EncodedTooLong
    } else if std::str::from_utf8(&bytes).is_err() {
        Detail::EncodedNotUtf8
    } else {
        return;
    };
    findings.error(detail, &place.at("command_b64"));
}

/// An HTTP start line: method, target, version (§5.8). Gives the method.
fn start_line<'c>(command: &'c Command, place: &Pointer, findings: &mut Findings) -> Option<&'c str> {
    let line = command.command.as_deref()?;
    let parts: Vec<&str> = line.split(' ').collect();
    let method = parts.first().copied().filter(|method| method.bytes().all(|b| b.is_ascii_uppercase()))?;
    let [_, target, version] = parts.as_slice() else {
        findings.warn(Detail::StartLineParts, &place.at("command"));
        return Some(method);
    };
    let version_fits = ["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"].contains(version);
    if !version_fits || target.is_empty() || line.contains(['\r', '\n']) {
        findings.warn(Detail::StartLineNotHttp, &place.at("command"));
    }
    Some(method)
}

/// The body of an OpenC2 command, alone or in a message's `body.openc2.request`. With variables in it only its shape is known: an action and
/// one target. The command as a whole is judged when they have their values ([`openc2_refusal`]).
fn openc2(command: &Command, place: &Pointer, findings: &mut Findings) {
    let Some(bytes) = command.content_b64.as_deref().and_then(values::decode) else { return };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let place = place.at("content_b64");
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        // A variable outside of a text makes the body JSON only once it has its value.
        if variable::mentions_any(&text) {
            findings.note(Detail::OpenC2Late, &place);
        } else {
            findings.error(Detail::OpenC2NotJson, &place);
        }
        return;
    };
    if !variable::mentions_any(&text) {
        if let Some(refusal) = openc2_refusal(&bytes) {
            findings.error(Detail::OpenC2Refused.with(&[("refusal", &refusal)]), &place);
        }
        return;
    }
    let request = openc2_request(&value);
    let action = request.get("action").is_some_and(Value::is_string);
    let target = request.get("target").and_then(Value::as_object).is_some_and(|target| target.len() == 1);
    if !action || !target {
        findings.error(Detail::OpenC2Incomplete, &place);
    }
}

/// Why a body is no OpenC2 command, where it is none. A profile that it names need not be one that is known here.
pub(crate) fn openc2_refusal(body: &[u8]) -> Option<openc2::Refusal> {
    let reading = openc2::Reading::default();
    let is_message = serde_json::from_slice::<Value>(body).is_ok_and(|value| value.get("body").is_some());
    if is_message {
        openc2::Message::parse(body).and_then(|message| message.command(&reading)).err()
    } else {
        openc2::Command::parse(body, &reading).err()
    }
}

/// The command within an OpenC2 message, or the value itself.
pub(crate) fn openc2_request(value: &Value) -> &Value {
    value.pointer("/body/openc2/request").unwrap_or(value)
}
