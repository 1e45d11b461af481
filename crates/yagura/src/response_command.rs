//! `yagura playbook list|add|start`, `yagura run`, `yagura order`: how a hub answers incidents, from the command line. Approvals are given
//! in the console: they need a person and its passkey.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use api::client::Client;
use api::{
    CodedText, NewPlaybook, NewRun, OrderInfo, OrderState, OrderUndo, Playbook, PlaybookAdded, Run,
    RunCancel, RunPause, RunState, RunSummary, Words,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::catalogue;
use crate::cli::{AddPlaybookArgs, HubLink, OrderArgs, OrderCommand, RunArgs, RunCommand, StartArgs};
use crate::exchange::{client, hub_failure};
use crate::output::{Failure, Output};

/// The largest playbook that is read: as much as a hub takes.
const PLAYBOOK_BYTES_MAX: u64 = 1 << 20;

/// Asks a hub something.
fn ask<T>(asked: impl Future<Output = Result<T, api::client::Error>>) -> Result<T, Failure> {
    crate::block_on(async { asked.await.map_err(|error| hub_failure(&error)) })
}

fn in_words<'w>(output: &Output, words: &'w Words) -> &'w str {
    if output.is_japanese() { &words.ja } else { &words.en }
}

/// A wire word, as it is on the wire.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// `yagura playbook list`.
pub(crate) fn list(output: &Output, link: &HubLink) -> Result<ExitCode, Failure> {
    let client = client(link)?;
    let found = ask(async { client.playbooks().await })?;
    for playbook in &found.playbooks {
        if output.is_json() {
            output.object(playbook);
            continue;
        }
        let name = in_words(output, &playbook.name);
        let state = match (playbook.runnable, playbook.revoked) {
            (true, _) => output.words("runs", "実行可"),
            (false, true) => output.words("withdrawn", "撤回済み"),
            (false, false) => output.words("cannot run", "実行不可"),
        };
        output.result(format!("{} {} {state} {name}", playbook.id, playbook.labels.join(",")));
    }
    Ok(ExitCode::SUCCESS)
}

/// `yagura playbook add`.
pub(crate) fn add(output: &Output, arguments: &AddPlaybookArgs) -> Result<ExitCode, Failure> {
    let client = client(&arguments.link)?;
    let mut runs = true;
    for path in &arguments.files {
        let document = read(path)?;
        let added = ask(async { client.add_playbook(&NewPlaybook { document: document.clone() }).await })?;
        runs &= added.playbook.runnable;
        tell_added(output, &added);
    }
    Ok(if runs { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A document, exactly as it is written.
fn read(path: &PathBuf) -> Result<String, Failure> {
    let failed = |error: &std::io::Error| Failure::file(path, error);
    let shown = path.display();
    if std::fs::metadata(path).map_err(|error| failed(&error))?.len() > PLAYBOOK_BYTES_MAX {
        return Err(Failure::data(
            "too-large",
            format!("`{shown}` is larger than 1 MiB, which is no playbook that a hub takes"),
            format!("`{shown}` は1 MiBを超えています。ハブが受け付けるプレイブックではありません"),
        ));
    }
    String::from_utf8(std::fs::read(path).map_err(|error| failed(&error))?).map_err(|_| {
        Failure::data(
            "playbook-file",
            format!("`{shown}` is no text in UTF-8"),
            format!("`{shown}` は UTF-8 のテキストではありません"),
        )
    })
}

fn tell_added(output: &Output, added: &PlaybookAdded) {
    if output.is_json() {
        return output.object(added);
    }
    output.result(&added.playbook.id);
    if added.already {
        output.say("it was here before", "すでに登録されています");
    }
    for finding in &added.findings {
        let at = if finding.at.is_empty() { "/" } else { &finding.at };
        let japanese = in_japanese("playbookDetails", &finding.message, finding.detail.as_ref());
        output.say(
            format!("{}: {at}: {} [{}]", finding.severity, finding.message, finding.code),
            format!("{}：{at}：{japanese} [{}]", finding.severity, finding.code),
        );
    }
    if let Some(why) = added.playbook.why_not.as_ref().filter(|_| !added.playbook.runnable) {
        let japanese = in_japanese("playbookReasons", why, added.playbook.why_not_reason.as_ref());
        output.say(format!("it cannot run: {why}"), format!("実行できません：{japanese}"));
    }
}

/// What a hub says by a code, in Japanese; its English text where the code is not known here.
fn in_japanese(table: &str, english: &str, coded: Option<&CodedText>) -> String {
    let known = coded.and_then(|coded| {
        let arguments = coded.arguments.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        catalogue::in_japanese(table, &coded.code, arguments)
    });
    known.unwrap_or_else(|| english.to_owned())
}

/// `yagura playbook start`.
pub(crate) fn start(output: &Output, arguments: &StartArgs) -> Result<ExitCode, Failure> {
    let client = client(&arguments.link)?;
    let playbook = playbook(&client, &arguments.playbook, arguments.of_version.as_deref())?;
    let case = arguments.case.as_deref().map(|case| case_id(&client, case)).transpose()?;
    let id = arguments.id.unwrap_or_else(Uuid::new_v4);
    let new = NewRun {
        id,
        playbook: playbook.summary.id.clone(),
        version: arguments.of_version.clone(),
        variables: variables(&playbook, &arguments.set, case.as_deref())?,
        case,
        dry_run: arguments.dry_run,
    };
    let run = ask(async { client.start_run(&new).await }).inspect_err(|failure| {
        if failure.is_system() {
            output.say(
                format!("whether it began is not known: repeat this with `--id {id}`, which is one run"),
                format!("開始したかどうか分かりません。`--id {id}` を付けて繰り返してください。重ねて開始されることはありません"),
            );
        }
    })?;
    if output.is_json() {
        output.object(&run.summary);
    } else {
        output.result(&run.summary.id);
        tell_waits(output, &run.summary);
    }
    Ok(if arguments.dry_run { rehearsed(output, &run.summary) } else { ExitCode::SUCCESS })
}

/// What came of a rehearsal, which waits for nobody: 1 where a gate is closed.
fn rehearsed(output: &Output, run: &RunSummary) -> ExitCode {
    if run.state == RunState::Succeeded {
        return ExitCode::SUCCESS;
    }
    let why = run.why.as_deref().unwrap_or_default();
    output.say(format!("it would not get through: {why}"), format!("このままでは最後まで進みません：{why}"));
    ExitCode::from(1)
}

/// A playbook by its identifier, or by a label or name that it alone has.
fn playbook(client: &Client, named: &str, version: Option<&str>) -> Result<Playbook, Failure> {
    if named.starts_with("playbook--") {
        return ask(async { client.playbook(named, version).await });
    }
    let all = ask(async { client.playbooks().await })?.playbooks;
    let is_meant = |labels: &[String], name: &Words| {
        labels.iter().any(|label| label == named) || name.ja == named || name.en.eq_ignore_ascii_case(named)
    };
    let mut meant = all.iter().filter(|one| is_meant(&one.labels, &one.name));
    match (meant.next(), meant.next()) {
        (Some(one), None) => ask(async { client.playbook(&one.id, version).await }),
        (Some(_), Some(_)) => Err(Failure::usage(
            "playbook",
            format!(
                "several playbooks are `{named}`: name one by its identifier, see `yagura playbook list`"
            ),
            format!(
                "`{named}` に当たるプレイブックが複数あります。`yagura playbook list` の識別子で指定してください"
            ),
        )),
        (None, _) => Err(Failure::usage(
            "playbook",
            format!("no playbook is `{named}`: see `yagura playbook list`"),
            format!("`{named}` というプレイブックはありません。`yagura playbook list` を参照してください"),
        )),
    }
}

/// A case by its identifier, or by the number that people know it by.
pub(crate) fn case_id(client: &Client, named: &str) -> Result<String, Failure> {
    let Ok(number) = named.trim_start_matches('#').parse::<i64>() else { return Ok(named.to_owned()) };
    let cases = ask(async { client.cases("all").await })?.cases;
    cases.into_iter().find(|case| case.number == number).map(|case| case.id).ok_or_else(|| {
        Failure::usage(
            "case",
            format!("there is no case #{number} that one may see"),
            format!("閲覧できる事案 #{number} はありません"),
        )
    })
}

/// The variable that our own playbooks keep the case in.
const CASE_VARIABLE: &str = "__case__";

/// Values of external variables, by the types that the playbook gives them.
fn variables(
    playbook: &Playbook,
    given: &[String],
    case: Option<&str>,
) -> Result<BTreeMap<String, Value>, Failure> {
    let mut values = BTreeMap::new();
    let external = || playbook.variables.iter().filter(|variable| variable.external && !variable.constant);
    if let Some(case) = case.filter(|_| external().any(|variable| variable.name == CASE_VARIABLE)) {
        values.insert(CASE_VARIABLE.to_owned(), Value::String(case.to_owned()));
    }
    for given in given {
        let Some((name, text)) = given.split_once('=') else {
            return Err(Failure::usage(
                "set",
                format!("`{given}` has no `=`: write name=value"),
                format!("`{given}` に `=` がありません。名前=値 の形で書いてください"),
            ));
        };
        let Some(variable) = external().find(|one| one.name == name || one.name.trim_matches('_') == name)
        else {
            let known: Vec<_> = external().map(|one| one.name.trim_matches('_')).collect();
            let known = known.join(", ");
            return Err(Failure::usage(
                "set",
                format!("`{name}` is none of what this playbook is given: {known}"),
                format!("`{name}` は、このプレイブックに渡せる変数（{known}）ではありません"),
            ));
        };
        values.insert(variable.name.clone(), value(&variable.kind, name, text)?);
    }
    Ok(values)
}

/// Everything but lists and dictionaries is text, as CACAO writes it; the hub judges it by its type.
fn value(kind: &str, name: &str, text: &str) -> Result<Value, Failure> {
    if !matches!(kind, "list" | "dictionary") {
        return Ok(Value::String(text.to_owned()));
    }
    serde_json::from_str(text).map_err(|error| {
        Failure::usage(
            "set",
            format!("`{name}` is a {kind}, and `{text}` is no JSON: {error}"),
            format!("`{name}` は {kind} ですが、`{text}` は JSON として読めません：{error}"),
        )
    })
}

/// What a run waits for.
fn tell_waits(output: &Output, run: &RunSummary) {
    if run.questions > 0 {
        output.say(
            format!("{} approvals are open: they are given in the console", run.questions),
            format!("承認待ちが {} 件あります。承認はコンソールで行います", run.questions),
        );
    }
    if run.tasks > 0 {
        output.say(
            format!("{} steps are to be done by hand", run.tasks),
            format!("手作業が {} 件あります", run.tasks),
        );
    }
    if run.unknown > 0 {
        output.say(
            format!("of {} commands nobody knows what became", run.unknown),
            format!("結果の分からない命令が {} 件あります", run.unknown),
        );
    }
}

/// `yagura run`.
pub(crate) fn run(output: &Output, arguments: &RunArgs) -> Result<ExitCode, Failure> {
    match &arguments.command {
        RunCommand::List(link) => runs(output, link),
        RunCommand::Show { run, link } => {
            let client = client(link)?;
            let run = ask(async { client.run(run).await })?;
            show(output, &run);
            let has_failed = run.summary.state == RunState::Failed;
            Ok(if has_failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
        }
        RunCommand::Cancel { run, reason, undo, link } => {
            let client = client(link)?;
            let cancel = RunCancel { reason: reason.clone(), undo: *undo };
            told(output, &ask(async { client.cancel_run(run, &cancel).await })?);
            Ok(ExitCode::SUCCESS)
        }
        RunCommand::Pause { run, reason, link } => {
            let (client, pause) = (client(link)?, RunPause { reason: reason.clone() });
            told(output, &ask(async { client.pause_run(run, &pause).await })?);
            Ok(ExitCode::SUCCESS)
        }
        RunCommand::Continue { run, reason, link } => {
            let (client, pause) = (client(link)?, RunPause { reason: reason.clone() });
            told(output, &ask(async { client.continue_run(run, &pause).await })?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn told(output: &Output, run: &Run) {
    if output.is_json() {
        output.object(&run.summary);
    } else {
        output.result(line(output, &run.summary));
    }
}

fn runs(output: &Output, link: &HubLink) -> Result<ExitCode, Failure> {
    let client = client(link)?;
    let mut after: Option<String> = None;
    loop {
        let page = ask(async { client.runs(after.as_deref()).await })?;
        for run in &page.runs {
            if output.is_json() {
                output.object(run);
            } else {
                output.result(line(output, run));
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn line(output: &Output, run: &RunSummary) -> String {
    let name = in_words(output, &run.name);
    format!("{} {:<9} {} {} {name}", run.id, word(&run.state), run.started, run.organisation)
}

/// A run: its steps, what it asks with exactly what would be carried out, what is to be done by hand, and what it sent.
fn show(output: &Output, run: &Run) {
    if output.is_json() {
        return output.object(run);
    }
    output.result(line(output, &run.summary));
    if let Some(why) = &run.summary.why {
        output.result(format!("  {why}"));
    }
    let name = |id: &str| {
        let step = run.graph.steps.iter().find(|step| step.id == id);
        step.and_then(|step| step.name.as_ref()).map_or(id, |name| in_words(output, name)).to_owned()
    };
    for step in &run.steps {
        output.result(format!("  {:<9} {}", step.state, name(&step.step)));
    }
    for question in run.questions.iter().filter(|question| question.state == "open") {
        let (given, required) = (question.given.len(), question.required);
        output.result(format!(
            "  {} #{} {} {given}/{required} {} {}",
            output.words("approval", "承認待ち"),
            question.number,
            name(&question.step),
            output.words("until", "期限"),
            question.expires,
        ));
        for command in &question.commands {
            let text = command.body.as_deref().or(command.text.as_deref()).unwrap_or_default();
            output.result(format!("    {} {text}", command.kind));
        }
        if let Some(hash) = &question.hash {
            output.result(format!("    SHA-256 {hash}"));
        }
    }
    for task in run.tasks.iter().filter(|task| task.state == "open") {
        let by_hand = output.words("by hand", "手作業");
        output.result(format!(
            "  {by_hand} {} {}",
            in_words(output, &task.agent),
            in_words(output, &task.text)
        ));
    }
    for sent in run.commands.iter().filter(|sent| sent.command.kind != "manual") {
        let on = sent.command.target.as_deref().unwrap_or(&sent.command.agent);
        let until = sent.stops.as_deref().unwrap_or("-");
        output.result(format!("  {:<10} {} {on} {until}", sent.state, name(&sent.step)));
    }
    tell_waits(output, &run.summary);
}

/// `yagura order`.
pub(crate) fn order(output: &Output, arguments: &OrderArgs) -> Result<ExitCode, Failure> {
    match &arguments.command {
        OrderCommand::List(link) => orders(output, link),
        OrderCommand::Asked(link) => asked(output, link),
        OrderCommand::Undo { command, reason, link } => {
            let client = client(link)?;
            let undo = OrderUndo { reason: reason.clone() };
            let order = ask(async { client.undo_order(command, &undo).await })?;
            tell_order(output, &order);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn orders(output: &Output, link: &HubLink) -> Result<ExitCode, Failure> {
    let client = client(link)?;
    let mut after: Option<String> = None;
    let mut is_well = true;
    loop {
        let page = ask(async { client.orders(after.as_deref()).await })?;
        for order in &page.orders {
            is_well &= !matches!(order.state, Some(OrderState::Drifted | OrderState::Failed));
            tell_order(output, order);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) }),
        }
    }
}

/// `yagura order asked`.
fn asked(output: &Output, link: &HubLink) -> Result<ExitCode, Failure> {
    let client = client(link)?;
    let mut after: Option<String> = None;
    let mut waits = false;
    loop {
        let page = ask(async { client.asked_orders(after.as_deref()).await })?;
        for asked in &page.orders {
            waits |= asked.state == "waiting";
            if output.is_json() {
                output.object(asked);
                continue;
            }
            let action = asked.command.get("action").and_then(Value::as_str).unwrap_or_default();
            let target = asked.command.get("target").map(Value::to_string).unwrap_or_default();
            let (edge, agreed) = (asked.edge.as_deref().unwrap_or("-"), asked.given.len());
            let (id, peer, state, expires) = (&asked.id, &asked.peer, &asked.state, &asked.expires);
            let required = page.required;
            output.result(format!(
                "{id} {peer} {edge} {state:<9} {agreed}/{required} {expires} {action} {target}"
            ));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(if waits { ExitCode::from(1) } else { ExitCode::SUCCESS }),
        }
    }
}

fn tell_order(output: &Output, order: &OrderInfo) {
    if output.is_json() {
        return output.object(order);
    }
    let state = order.state.map_or_else(|| "ordered".to_owned(), |state| word(&state));
    let until = order.stops.as_deref().unwrap_or("-");
    let stopped = order.stopped.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let (action, target) = (order.command.get("action"), order.command.get("target"));
    let action = action.and_then(Value::as_str).unwrap_or_default();
    let target = target.map(Value::to_string).unwrap_or_default();
    let (id, edge) = (&order.command_id, &order.edge);
    output.result(format!("{id} {edge} {state:<8} {until} {stopped} {action} {target}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playbook() -> Playbook {
        let variable = |name: &str, kind: &str, external: bool, constant: bool| serde_json::json!({ "name": name, "kind": kind, "description": null, "value": null, "constant": constant, "external": external });
        serde_json::from_value(serde_json::json!({
            "summary": {
                "id": "playbook--1", "modified": "2026-11-29T00:00:00.000Z", "name": { "ja": "名", "en": "name" }, "description": null, "types": [], "activities": [],
                "labels": [], "severity": null, "library": true, "organisation": null, "organisation_name": null, "added": "2026-11-29T00:00:00Z",
                "signers": [], "errors": 0, "warnings": 0, "revoked": false, "runnable": true, "why_not": null, "versions": 1
            },
            "digest": "", "document": {}, "findings": [], "agents": [], "versions": [],
            "graph": { "start": null, "exception": null, "steps": [], "edges": [] },
            "variables": [
                variable("__case__", "string", true, false), variable("__domain__", "string", true, false),
                variable("__hosts__", "list", true, false), variable("__inner__", "string", false, false), variable("__fixed__", "string", true, true)
            ]
        }))
        .unwrap()
    }

    fn set(given: &[&str], case: Option<&str>) -> Result<Value, Failure> {
        let given: Vec<String> = given.iter().map(|&text| text.to_owned()).collect();
        variables(&playbook(), &given, case).map(|values| serde_json::to_value(values).unwrap())
    }

    #[test]
    fn values_are_given_by_name_and_read_by_type() {
        let values = set(&["domain=evil.example", r#"__hosts__=["a=b"]"#], Some("incident--1"));
        let values = values.unwrap_or_default();
        assert_eq!(
            values,
            serde_json::json!({ "__case__": "incident--1", "__domain__": "evil.example", "__hosts__": ["a=b"] })
        );
        assert_eq!(
            set(&["case=incident--2"], Some("incident--1")).unwrap_or_default()["__case__"],
            "incident--2",
            "what is said stands over what is concluded"
        );
    }

    #[test]
    fn what_nobody_may_give_is_refused() {
        for wrong in ["inner=1", "fixed=1", "nothing=1", "domain", "hosts=[a]"] {
            assert!(set(&[wrong], None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn states_are_told_as_on_the_wire() {
        assert_eq!([word(&RunState::Waiting), word(&OrderState::Enforced)], ["waiting", "enforced"]);
    }
}
