//! `yagura edge`: the operator's node.

use std::process::ExitCode;

use edge::{Answer, Change, Decided, Request};
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
        Answer::Done => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn request(command: &EdgeCommand) -> Request {
    Request::Change(match command.clone() {
        EdgeCommand::Decided => return Request::Decided,
        EdgeCommand::Link => return Request::Link,
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
