//! `yagura edge`: the operator's node.

use std::process::ExitCode;

use edge::{Answer, Change, Decided, OrderDecision, Ordered, Request};
use serde::Serialize;

use crate::cli::{EdgeArgs, EdgeCommand};
use crate::hub_command::{SERVER_LOG, log_to_stderr, until_told_to_stop};
use crate::match_command::report::clean;
use crate::output::{Failure, Output};

#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    id: &'a str,
    hub: &'a str,
    page: Option<String>,
    /// The page with the right to decide, for one use.
    link: Option<String>,
}

/// Runs until told to stop.
pub(crate) fn run(output: &Output, arguments: &EdgeArgs) -> Result<ExitCode, Failure> {
    let config = edge::Config::read(&arguments.config).map_err(|e| unusable(&e))?;
    if arguments.check {
        output.say("the configuration can be used", "設定ファイルは使えます");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(command) = &arguments.command {
        return ask(output, &config, command);
    }
    log_to_stderr(output, SERVER_LOG);
    crate::block_on(async {
        let (id, hub) = (config.id.clone(), config.hub.url.clone());
        let running = edge::start(config).await.map_err(|e| failed(&e))?;
        let page = running.address().map(|address| format!("http://{address}"));
        if output.is_json() {
            output.object(&Ready { event: "ready", id: &id, hub: &hub, page, link: running.link() });
        } else if let Some(page) = page {
            output.say(format!("edge {id}: {page}"), format!("エッジ {id}：{page}"));
            output.say(
                "`yagura edge link` prints a link with which it may be used to decide",
                "操作に使うリンクは `yagura edge link` で表示できます",
            );
        }
        until_told_to_stop().await;
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Asks the edge that runs over the data folder.
fn ask(output: &Output, config: &edge::Config, command: &EdgeCommand) -> Result<ExitCode, Failure> {
    let answer = edge::ask(&config.data, &request(command)).map_err(|cause| {
        let folder = config.data.display();
        Failure::system(
            "edge-socket",
            format!("no edge answers in `{folder}`; is it running? {cause}"),
            format!("`{folder}` のエッジが応答しません。動作しているか確かめてください：{cause}"),
        )
    })?;
    match answer {
        Answer::Refused(refused) => {
            return Err(Failure::data(refused.code, refused.message.clone(), refused.message));
        }
        Answer::Decided(all) if output.is_json() => all.iter().for_each(|one| output.object(one)),
        Answer::Decided(all) => all.iter().for_each(|one| output.result(line(one))),
        Answer::Link(Some(link)) if output.is_json() => output.object(&serde_json::json!({ "link": link })),
        Answer::Link(Some(link)) => output.result(link),
        Answer::Link(None) => {
            return Err(Failure::data(
                "edge-no-page",
                "the edge has no page: `listen` is not set in its configuration",
                "エッジのページがありません（設定に `listen` がありません）",
            ));
        }
        Answer::Orders(all) => return Ok(orders(output, &all)),
        Answer::Done => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// What was ordered, those that are not over first.
fn orders(output: &Output, all: &[Ordered]) -> ExitCode {
    let needs = |one: &Ordered| one.may_decide || one.state == api::OrderState::Drifted;
    for one in all {
        if output.is_json() {
            output.object(one);
        } else {
            output.result(order_line(one));
        }
    }
    if all.iter().any(needs) { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// The command, how it stands, until when, what, who asked at which hub, on which basis, why.
fn order_line(one: &Ordered) -> String {
    let ends = one.ends.and_then(|ends| jiff::Timestamp::from_millisecond(i64::try_from(ends).ok()?).ok());
    let ends = ends.map_or_else(|| "–".to_owned(), |ends| ends.to_string());
    let state = serde_json::to_value(one.state).ok();
    let state = state.as_ref().and_then(serde_json::Value::as_str).unwrap_or("–");
    let about = &one.about;
    let hub = about.hubs.as_ref().map(|hubs| format!(" ({})", hubs.asking)).unwrap_or_default();
    let asked = format!("{}{hub}", about.requested_by.organisation);
    let basis = about.basis.as_deref().unwrap_or("–");
    let why = one.why.as_deref().unwrap_or_default();
    let parts = [&one.command_id, state, &ends, &one.words, &one.issuer, &asked, basis, why];
    parts.map(|part| clean(part).into_owned()).join("\t")
}

fn request(command: &EdgeCommand) -> Request {
    Request::Change(match command.clone() {
        EdgeCommand::Decided => return Request::Decided,
        EdgeCommand::Link => return Request::Link,
        EdgeCommand::Orders => return Request::Orders,
        EdgeCommand::Agree { command } => return Request::Order { command, what: OrderDecision::Agree },
        EdgeCommand::Refuse { command } => return Request::Order { command, what: OrderDecision::Refuse },
        EdgeCommand::TakeBack { command } => return Request::Order { command, what: OrderDecision::Undo },
        EdgeCommand::Mark { indicator, reason, strongly, send_reason } => {
            Change::Mark { indicator, reason, strongly, send_reason }
        }
        EdgeCommand::Hold { indicator, reason } => Change::Hold { indicator, reason },
        EdgeCommand::Release { indicator } => Change::Release { indicator },
        EdgeCommand::Dismiss { indicator } => Change::Dismiss { indicator },
        EdgeCommand::Undo { indicator } => Change::Undo { indicator },
    })
}

/// State, reason, how much was held back, the indicator.
fn line(one: &Decided) -> String {
    let Decided { state, reason, count, indicator, name, note, last, .. } = one;
    let last = last.as_deref().unwrap_or("–");
    let parts = [state, reason, &count.to_string(), last, indicator, name, note];
    parts.map(|part| clean(part).into_owned()).join("\t")
}

fn unusable(error: &edge::ConfigError) -> Failure {
    Failure::usage("edge-config", error.to_string(), format!("エッジの設定が使えません：{error}"))
}

fn failed(error: &edge::EdgeError) -> Failure {
    match error {
        edge::EdgeError::Config(error) => unusable(error),
        error => Failure::system("edge-start", error.to_string(), format!("エッジを起動できません：{error}")),
    }
}
