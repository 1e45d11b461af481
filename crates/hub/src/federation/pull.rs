//! Reads a peer's stream, from where it stopped.

use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt};
use store::StoreError;
use tokio::sync::watch;

use super::acts;
use super::frame::Lines;
use super::identity::client_config;
use super::links::Remote;
use super::receive::{Intake, Trouble};
use super::serve::Place;
use crate::state::AppState;

/// How long a connection may take.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Longest silence: the other side says something every few seconds.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// How often the peer is told how far this hub is.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_millis(500);
/// Longest problem document that is read.
const PROBLEM_BYTES_MAX: usize = 16 * 1024;

/// Reads until the link breaks or the hub stops.
pub(super) async fn run(state: &AppState, remote: &Remote) -> Result<(), Trouble> {
    let client = client(state, remote)?;
    let mut intake = Intake::open(state.clone(), remote.peer.clone()).await?;
    let (after, sight) = intake.place();
    let url = address(remote, &format!("/peer/v1/stream?after={after}&sight={sight}"))?;
    let asked = client.get(url).send().await;
    let answer = good(asked.map_err(|e| link(&e))?).await?;
    let (told, telling) = watch::channel(Place { after, sight });
    let acknowledging = acknowledge(&client, remote, telling);
    let _up = Up::begin(state, &remote.peer.id);
    tokio::select! {
        ended = read(state, &mut intake, answer.bytes_stream(), &told) => ended,
        failed = acknowledging => Err(failed),
        failed = acts::report(state, &client, remote) => Err(failed),
    }
}

async fn read(
    state: &AppState,
    intake: &mut Intake,
    mut parts: impl Stream<Item = reqwest::Result<Bytes>> + Unpin,
    told: &watch::Sender<Place>,
) -> Result<(), Trouble> {
    let mut lines = Lines::default();
    loop {
        let part = tokio::select! {
            part = tokio::time::timeout(SILENCE_MAX, parts.next()) => part,
            () = state.stopping.wait() => return Ok(()),
        };
        let silent = |_| Trouble::Link("it fell silent; it may be down, or the way to it".to_owned());
        let Some(part) = part.map_err(silent)? else {
            return Err(Trouble::Link(
                "it ended the stream: it stops, or it has suspended this hub".to_owned(),
            ));
        };
        take(intake, &mut lines, &part.map_err(|e| link(&e))?).await?;
        // What is there already belongs to the same commit.
        while let Some(Some(part)) = parts.next().now_or_never() {
            take(intake, &mut lines, &part.map_err(|e| link(&e))?).await?;
        }
        if intake.is_due() {
            intake.write().await?;
            let (after, sight) = intake.place();
            told.send_replace(Place { after, sight });
        }
    }
}

async fn take(intake: &mut Intake, lines: &mut Lines, part: &[u8]) -> Result<(), Trouble> {
    lines.push(part);
    while let Some(line) = lines.next()? {
        intake.line(&line).await?;
    }
    Ok(())
}

/// Tells the peer how far this hub is; returns when it cannot.
async fn acknowledge(
    client: &reqwest::Client,
    remote: &Remote,
    mut telling: watch::Receiver<Place>,
) -> Trouble {
    let url = match address(remote, "/peer/v1/acknowledged") {
        Ok(url) => url,
        Err(trouble) => return trouble,
    };
    loop {
        if telling.changed().await.is_err() {
            // The reader is gone, and this with it.
            return Trouble::Store(StoreError::Closed);
        }
        tokio::time::sleep(ACKNOWLEDGE_EVERY).await;
        let place = *telling.borrow_and_update();
        let sent = client.post(url.clone()).timeout(SILENCE_MAX).json(&place).send().await;
        let answer = match sent {
            Ok(answer) => good(answer).await,
            Err(error) => Err(link(&error)),
        };
        if let Err(trouble) = answer {
            return trouble;
        }
    }
}

/// A client that speaks to this peer alone.
pub(super) fn client(state: &AppState, remote: &Remote) -> Result<reqwest::Client, Trouble> {
    let tls = client_config(&state.federation.identity, &remote.peer.fingerprint)
        .map_err(|e| Trouble::Link(format!("this hub's certificate cannot be used: {e}")))?;
    reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_WAIT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| link(&e))
}

pub(super) fn address(remote: &Remote, path: &str) -> Result<url::Url, Trouble> {
    remote.address.join(path).map_err(|e| Trouble::Link(format!("its address cannot be used: {e}")))
}

/// The answer where it is a good one; else what the peer says.
pub(super) async fn good(answer: reqwest::Response) -> Result<reqwest::Response, Trouble> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status();
    let mut body = Vec::new();
    let mut parts = answer.bytes_stream();
    while let Ok(Some(Ok(part))) = tokio::time::timeout(SILENCE_MAX, parts.next()).await {
        body.extend_from_slice(&part);
        if body.len() > PROBLEM_BYTES_MAX {
            break;
        }
    }
    let problem: Option<api::Problem> = serde_json::from_slice(&body).ok();
    let said = problem.and_then(|problem| problem.detail).unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
    Err(Trouble::Link(format!("it answers {status}: {said}")))
}

/// What a failure of the connection means, and what to do.
pub(super) fn link(error: &reqwest::Error) -> Trouble {
    let mut causes = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let all = causes.join(": ");
    Trouble::Link(if all.contains("AccessDenied") {
        "it does not know this hub's certificate: give this hub's card (`yagura admin peer card`) to its administrator"
            .to_owned()
    } else if all.contains("ApplicationVerificationFailure") {
        "its certificate is not the one on its card: somebody stands between, or it has a new one; ask its administrator for its card"
            .to_owned()
    } else if all.to_ascii_lowercase().contains("connection refused") {
        "nobody listens at its address; it may be down, or its card is out of date".to_owned()
    } else if error.is_timeout() {
        "it does not answer in time; it may be down, or a firewall stands between".to_owned()
    } else {
        format!("the connection failed: {}", causes.last().map_or("", String::as_str))
    })
}

/// Counts a link that stands.
pub(super) struct Up {
    state: AppState,
    peer: String,
}

impl Up {
    pub(super) fn begin(state: &AppState, peer: &str) -> Self {
        state.federation.lives.with(peer, |live| {
            live.opened += 1;
            live.trouble = None;
        });
        Self { state: state.clone(), peer: peer.to_owned() }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.state.federation.lives.with(&self.peer, |live| live.opened = live.opened.saturating_sub(1));
    }
}
