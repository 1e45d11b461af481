//! `yagura hub`: the server.

use std::process::ExitCode;

use hub::{Hub, HubConfig, RawConfig, RunningHub};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::admin;
use crate::cli::HubArgs;
use crate::output::{Failure, Output};

/// What a program that started the hub reads from its first line.
#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    address: &'a str,
    api_root: &'a str,
    collection: String,
    /// Where peers reach the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    federation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// Runs until told to stop.
pub(crate) fn run(output: &Output, arguments: HubArgs) -> Result<ExitCode, Failure> {
    let config = resolve(arguments)?;
    log_to_stderr(output, SERVER_LOG);
    crate::block_on(async {
        let running = start(config).await?;
        let administration = admin::serve(&running)?;
        announce(output, &running);
        until_told_to_stop().await;
        output.say("stopping", "終了しています");
        administration.stop();
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The command line goes before the file.
fn resolve(arguments: HubArgs) -> Result<HubConfig, Failure> {
    let unusable = |e: hub::ConfigError| {
        Failure::usage(e.code, e.message.clone(), format!("ハブの設定が使えません：{}", e.message))
    };
    let mut raw = match &arguments.config {
        Some(path) => RawConfig::read(path).map_err(unusable)?,
        None => RawConfig::default(),
    };
    if let Some(data) = arguments.data {
        raw.data = Some(data);
    }
    if let Some(store) = arguments.store {
        raw.store = Some(hub::Secret(store));
    }
    if let Some(wake) = arguments.wake {
        raw.wake = Some(hub::Secret(wake));
    }
    if let Some(blobs) = arguments.blobs {
        raw.blobs = Some(hub::Secret(blobs));
    }
    if let Some(listen) = arguments.listen {
        raw.listen = Some(listen.to_string());
    }
    raw.resolve().map_err(unusable)
}

/// Starts a hub.
pub(crate) async fn start(config: HubConfig) -> Result<RunningHub, Failure> {
    Hub::start(config).await.map_err(|e| {
        Failure::system(e.code, e.message.clone(), format!("ハブを起動できません：{}", e.message))
    })
}

/// Says where the hub is and how to get in.
pub(crate) fn announce(output: &Output, running: &RunningHub) {
    let address = running.address.as_str().trim_end_matches('/');
    let first = running.first_start.as_ref();
    let sign_in = first.map(|first| first.sign_in.as_str());
    let token = first.map(|first| first.token.as_str());
    if output.is_json() {
        output.object(&Ready {
            event: "ready",
            address,
            api_root: &running.api_root,
            collection: running.collection.to_string(),
            federation: running.federation.as_ref().map(|address| address.as_str().trim_end_matches('/')),
            sign_in,
            token,
        });
        return;
    }
    output.say(format!("Yagura serves at {address}"), format!("やぐらが動いています：{address}"));
    if let Some(link) = sign_in {
        output.say(
            format!("sign in once with {link}"),
            format!("最初のサインイン（一度だけ使えます）：{link}"),
        );
    }
    if let Some(token) = token {
        output.say(
            format!("administrator's token, shown only now: {token}"),
            format!("管理者トークン（この一度だけ表示します）：{token}"),
        );
    }
}

/// What a server logs where `RUST_LOG` says nothing.
pub(crate) const SERVER_LOG: &str = "warn,hub=info,edge=info,krafka=error";

/// Structured logs on standard error: text for people, JSON with `--json`; `RUST_LOG` chooses what is logged.
pub(crate) fn log_to_stderr(output: &Output, otherwise: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(otherwise));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = if output.is_json() { builder.json().try_init() } else { builder.compact().try_init() };
    if set.is_err() {
        output.say("logging was set up already", "ログは設定済みです");
    }
}

/// Returns at Ctrl-C or a termination signal.
pub(crate) async fn until_told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => {
            // Without a handler for it the signal ends the program, which is what was asked.
            let _ = interrupted.await;
        }
    }
}
