//! `yagura playbook`: judge and read CACAO playbooks; what is asked of a hub about them is with its runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cacao::{Finding, Playbook, Severity, Step, StepKind};
use serde::Serialize;

use crate::catalogue;
use crate::cli::{PlaybookArgs, PlaybookCommand};
use crate::output::{Failure, Output};
use crate::response_command;

/// Carries out the command.
pub(crate) fn run(output: &Output, arguments: &PlaybookArgs) -> Result<ExitCode, Failure> {
    match &arguments.command {
        PlaybookCommand::Validate { errors, files } => validate(output, *errors, files),
        PlaybookCommand::Show { file } => show(output, file),
        PlaybookCommand::List(link) => response_command::list(output, link),
        PlaybookCommand::Add(arguments) => response_command::add(output, arguments),
        PlaybookCommand::Start(arguments) => response_command::start(output, arguments),
    }
}

#[derive(Serialize)]
struct FindingForPrograms<'a> {
    file: &'a str,
    severity: &'static str,
    code: &'a str,
    pointer: &'a str,
    message: &'a str,
    remedy: &'a str,
    detail: &'static str,
    arguments: &'a BTreeMap<&'static str, String>,
}

fn validate(output: &Output, errors_only: bool, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let (mut sound, mut errors, mut others) = (0_u64, 0_u64, 0_u64);
    for path in files {
        let playbook = read(path)?;
        sound += u64::from(playbook.is_sound());
        for finding in playbook.findings() {
            let is_error = finding.severity == Severity::Error;
            errors += u64::from(is_error);
            others += u64::from(!is_error);
            if is_error || !errors_only {
                print(output, &path.display().to_string(), finding);
            }
        }
    }
    let all = files.len();
    output.say(
        format!("{sound} of {all} playbooks can run: {errors} errors, {others} warnings and notes"),
        format!("プレイブック {all} 件のうち {sound} 件を実行できます：誤り {errors} 件、注意 {others} 件"),
    );
    Ok(if errors > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn print(output: &Output, file: &str, finding: &Finding) {
    let Finding { severity, code, pointer, detail, arguments, message, remedy } = finding;
    if output.is_json() {
        output.object(&FindingForPrograms {
            file,
            severity: severity.as_str(),
            code,
            pointer,
            message,
            remedy,
            detail: detail.code(),
            arguments,
        });
        return;
    }
    let word = match severity {
        Severity::Error => output.words("error", "誤り"),
        Severity::Warning => output.words("warning", "注意"),
        Severity::Note => output.words("note", "参考"),
    };
    let place = if pointer.is_empty() { "/" } else { pointer };
    let of_catalogue = || {
        let arguments = arguments.iter().map(|(name, value)| (*name, value.as_str()));
        catalogue::in_japanese("playbookDetails", detail.code(), arguments)
    };
    let said = output.is_japanese().then(of_catalogue).flatten();
    let said = said.unwrap_or_else(|| format!("{message}; {remedy}"));
    output.result(format!("{file}: {word}: {place}: {said} [{code}]"));
}

fn read(path: &Path) -> Result<Playbook, Failure> {
    let text = std::fs::read(path).map_err(|e| Failure::file(path, &e))?;
    Playbook::parse(&text).map_err(|e| {
        let path = path.display();
        Failure::data(
            "playbook-file",
            format!("`{path}`: {e}"),
            format!("`{path}` は CACAO のプレイブックとして読めません：{e}"),
        )
    })
}

/// Prints the steps in the order in which they are come to, each with what comes after it.
fn show(output: &Output, path: &Path) -> Result<ExitCode, Failure> {
    let playbook = read(path)?;
    if output.is_json() {
        output.object(playbook.document());
        return Ok(ExitCode::SUCCESS);
    }
    output.result(&playbook.name);
    for line in [&playbook.description, &Some(playbook.id.clone())].into_iter().flatten() {
        output.result(line);
    }
    let starts = playbook.workflow_start.iter().chain(&playbook.workflow_exception);
    let mut waiting: Vec<&str> = starts.map(String::as_str).rev().collect();
    let mut shown = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        let Some(step) = playbook.workflow.get(id).filter(|_| shown.insert(id)) else { continue };
        output.result(format!("\n{}  {}", name(&playbook, id), kind(step)));
        let next = next(step);
        for (when, to) in &next {
            output.result(format!("    {when} → {}", name(&playbook, to)));
        }
        waiting.extend(next.into_iter().rev().map(|(_, to)| to));
    }
    let unreached = playbook.workflow.len() - shown.len();
    if unreached > 0 {
        output.say(
            format!("{unreached} steps are never come to"),
            format!("到達しない手順が {unreached} 件あります"),
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A step by its name, where it has one.
fn name<'p>(playbook: &'p Playbook, id: &'p str) -> &'p str {
    playbook.workflow.get(id).and_then(|step| step.name.as_deref()).unwrap_or(id)
}

fn kind(step: &Step) -> String {
    match &step.kind {
        StepKind::Start => "[start]".to_owned(),
        StepKind::End => "[end]".to_owned(),
        StepKind::Action(action) => {
            let commands: Vec<_> = action.commands.iter().map(|command| command.kind.as_str()).collect();
            format!("[action: {}]", commands.join(", "))
        }
        StepKind::Playbook(action) => format!("[playbook-action: {}]", action.playbook_id),
        StepKind::Parallel(_) => "[parallel]".to_owned(),
        StepKind::If(condition) => format!("[if: {}]", condition.condition),
        StepKind::While(condition) => format!("[while: {}]", condition.condition),
        StepKind::Switch(switch) => format!("[switch: {}]", switch.switch),
        StepKind::Unknown(kind) => format!("[{kind}?]"),
    }
}

/// What a step leads to, and when.
fn next(step: &Step) -> Vec<(String, &str)> {
    let mut next: Vec<(String, &str)> = Vec::new();
    match &step.kind {
        StepKind::Parallel(branches) => {
            next.extend(
                branches.iter().zip(1..).map(|(to, number)| (format!("branch {number}"), to.as_str())),
            );
        }
        StepKind::If(condition) => {
            next.push(("on_true".to_owned(), &condition.on_true));
            next.extend(condition.on_false.iter().map(|to| ("on_false".to_owned(), to.as_str())));
        }
        StepKind::While(condition) => {
            next.push(("on_true".to_owned(), &condition.on_true));
        }
        StepKind::Switch(switch) => {
            next.extend(switch.cases.iter().map(|(case, to)| (format!("case {case}"), to.as_str())));
        }
        _ => {}
    }
    let pointers = [
        ("on_completion", &step.on_completion),
        ("on_success", &step.on_success),
        ("on_failure", &step.on_failure),
    ];
    next.extend(pointers.into_iter().filter_map(|(when, to)| Some((when.to_owned(), to.as_deref()?))));
    next
}
