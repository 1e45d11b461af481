//! Sends to a peer of this hub's own accord: for a hub that nobody can connect to, or that must take nothing in.
//!
//! Connections are opened outwards only. All that comes back is how far the peer has come: two numbers. Attachments that copies of reports list
//! follow the copies, one at a time ([`contents`]).

use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt;

use super::acts;
use super::contents;
use super::feed::Feed;
use super::links::Remote;
use super::pull::{Up, address, client, good, link};
use super::receive::Trouble;
use super::serve::{FRAMES, Place, write_acknowledged};
use crate::state::AppState;

/// Bytes of one body, beyond which nothing is added to it.
const BODY_BYTES_AIM: usize = 1 << 20;
/// Longest answer.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// How long the peer may take over one body.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Sends until the link breaks or the hub stops.
pub(super) async fn run(state: &AppState, remote: &Remote) -> Result<(), Trouble> {
    let client = client(state, remote)?;
    let asked = client.get(address(remote, "/peer/v1/place")?).timeout(ANSWER_WAIT).send().await;
    let place = read(good(asked.map_err(|e| link(&e))?).await?).await?;
    write_acknowledged(state, &remote.peer.id, place).await?;
    let opened = Feed::open(state.clone(), &remote.peer.id, place, 0).await?;
    let (mut feed, mut greeting) = opened.ok_or(Trouble::Gone)?;
    let url = address(remote, "/peer/v1/frames")?;
    let _up = Up::begin(state, &remote.peer.id);
    loop {
        let Some(first) = feed.next().await else {
            return if state.stopping.is_set() { Ok(()) } else { Err(Trouble::Gone) };
        };
        let mut body = BytesMut::from(greeting.as_ref());
        body.extend_from_slice(&first);
        while body.len() < BODY_BYTES_AIM {
            match feed.next_now().await {
                Some(Some(more)) => body.extend_from_slice(&more),
                Some(None) => break,
                None => return Err(Trouble::Gone),
            }
        }
        let request = client.post(url.clone()).timeout(ANSWER_WAIT);
        let sent = request.header(http::header::CONTENT_TYPE, FRAMES).body(body.freeze()).send().await;
        let place = read(good(sent.map_err(|e| link(&e))?).await?).await?;
        write_acknowledged(state, &remote.peer.id, place).await?;
        acts::taken_in(state, &remote.peer, feed.take_acts()).await?;
        if !state.federation.own.one_way {
            acts::ask(state, &client, remote).await?;
        }
        contents::send_owed(state, &client, remote).await?;
        greeting = super::feed::greeting(state, place);
    }
}

/// Two numbers, and nothing else is read.
async fn read(answer: reqwest::Response) -> Result<Place, Trouble> {
    let body = bounded(answer).await?;
    serde_json::from_slice(&body).map_err(|_| Trouble::Fault("its answer is not a place in a log".to_owned()))
}

/// An answer as long as an answer may be.
pub(super) async fn bounded(answer: reqwest::Response) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    let mut parts = answer.bytes_stream();
    while let Some(part) = parts.next().await {
        body.extend_from_slice(&part.map_err(|e| link(&e))?);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(Trouble::Fault("its answer is too long".to_owned()));
        }
    }
    Ok(body)
}
