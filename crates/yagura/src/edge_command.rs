//! `yagura edge`: the operator's node.

use std::process::ExitCode;

use serde::Serialize;

use crate::cli::EdgeArgs;
use crate::hub_command::{SERVER_LOG, log_to_stderr, until_told_to_stop};
use crate::output::{Failure, Output};

#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    id: &'a str,
    hub: &'a str,
    page: Option<String>,
}

/// Runs until told to stop.
pub(crate) fn run(output: &Output, arguments: &EdgeArgs) -> Result<ExitCode, Failure> {
    let config = edge::Config::read(&arguments.config).map_err(|e| unusable(&e))?;
    if arguments.check {
        output.say("the configuration can be used", "設定ファイルは使えます");
        return Ok(ExitCode::SUCCESS);
    }
    log_to_stderr(output, SERVER_LOG);
    crate::block_on(async {
        let (id, hub) = (config.id.clone(), config.hub.url.clone());
        let running = edge::start(config).await.map_err(|e| failed(&e))?;
        let page = running.address().map(|address| format!("http://{address}"));
        if output.is_json() {
            output.object(&Ready { event: "ready", id: &id, hub: &hub, page });
        } else if let Some(page) = page {
            output.say(format!("edge {id}: {page}"), format!("エッジ {id}：{page}"));
        }
        until_told_to_stop().await;
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
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
