//! `yagura import --from-taxii` and `yagura export --to-taxii`: between a hub and anybody's TAXII 2.1 server.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use taxii::Status;
use taxii::client::{Client, Credentials, Cursor, Error, Filters, Place, Settings};

use super::{Totals, client, collection, hub_failure, progress, publish, told_totals};
use crate::cli::{ExportArgs, ImportArgs, TaxiiLink};
use crate::output::{Failure, Output};

/// How long a server may take to deal with what was pushed.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
/// How often a busy server is asked again.
const ATTEMPTS_MAX: u32 = 5;
/// Pause before a busy server that names none is asked again; it doubles.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Longest pause that a server is waited for; who wants more is told to come back.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Room in a body for what stands around the objects.
const ENVELOPE_BYTES: u64 = 64;

/// Polls a collection to its end and publishes it at the hub, page by page.
pub(super) fn import(output: &Output, arguments: &ImportArgs, address: &str) -> Result<ExitCode, Failure> {
    let hub = client(&arguments.link)?;
    let peer = peer(&arguments.taxii, address)?;
    let cursor = arguments.cursor.as_deref().map(read_cursor).transpose()?.unwrap_or_default();
    let bar = progress(output, 0);
    let mut totals = Totals::default();
    crate::block_on(async {
        let place = place(&peer, &arguments.taxii, false).await?;
        let mut poll = peer.poll(place, Filters::default(), cursor);
        while let Some(page) = next_page(&mut poll).await? {
            let objects: Vec<Bytes> =
                page.objects.iter().map(|object| Bytes::copy_from_slice(object.get().as_bytes())).collect();
            for batch in objects.chunks(arguments.batch as usize) {
                publish(output, &hub, batch, address, &mut totals).await?;
                bar.inc(batch.len() as u64);
            }
            // Only now are they safe: after a crash the last page is read again, and what is known is a duplicate.
            if let Some(path) = &arguments.cursor {
                write_cursor(path, &poll.cursor())?;
            }
        }
        Ok(())
    })?;
    bar.finish_and_clear();
    told_totals(output, &totals)
}

/// Pushes what one may see at the hub into a collection, and waits until each push is dealt with.
pub(super) fn export(output: &Output, arguments: &ExportArgs, address: &str) -> Result<ExitCode, Failure> {
    let hub = client(&arguments.link)?;
    let peer = peer(&arguments.taxii, address)?;
    let bar = progress(output, 0);
    let mut pushed = Pushed::default();
    crate::block_on(async {
        let place = place(&peer, &arguments.taxii, true).await?;
        let root = asked(|| peer.api_root(&place.root)).await?;
        let from = collection(&hub, arguments).await?;
        let mut next = None;
        loop {
            let page = hub.export(&from, next.as_deref(), arguments.all_versions).await;
            let page = page.map_err(|e| hub_failure(&e))?;
            let objects: Vec<&str> = page.objects.iter().map(|object| object.get()).collect();
            for batch in batches(&objects, root.max_content_length) {
                let begun = asked(|| peer.add(&place, batch)).await?;
                let status = peer.settled(&place.root, begun, SETTLED_WITHIN).await;
                pushed.count(output, &status.map_err(|e| peer_failure(&e))?);
                bar.inc(batch.len() as u64);
            }
            next = page.next;
            if next.is_none() {
                return Ok(());
            }
        }
    })?;
    bar.finish_and_clear();
    pushed.told(output)
}

/// What became of what was pushed.
#[derive(Default)]
struct Pushed {
    taken: u64,
    refused: u64,
    pending: u64,
}

impl Pushed {
    fn count(&mut self, output: &Output, status: &Status) {
        self.taken += status.success_count;
        self.refused += status.failure_count;
        self.pending += status.pending_count;
        for failure in &status.failures {
            let why = failure.message.as_deref().unwrap_or("no reason was given");
            if output.is_json() {
                output.object(&json!({ "id": failure.id, "version": failure.version, "message": why }));
            } else {
                output.result(format!("{}: {why}", failure.id));
            }
        }
    }

    fn told(self, output: &Output) -> Result<ExitCode, Failure> {
        let Self { taken, refused, pending } = self;
        if output.is_json() {
            output.object(&json!({ "accepted": taken, "refused": refused, "pending": pending }));
        }
        output.say(
            format!("{taken} accepted, {refused} refused, {pending} still pending"),
            format!("受理 {taken} 件、拒否 {refused} 件、処理待ち {pending} 件"),
        );
        Ok(if refused > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

/// Runs of objects whose envelope stays within what the server takes; an object that is larger alone is pushed alone, and the
/// server says what it thinks of it.
fn batches<'a>(objects: &'a [&'a str], bytes_max: u64) -> impl Iterator<Item = &'a [&'a str]> {
    let mut rest = objects;
    std::iter::from_fn(move || {
        let mut bytes = ENVELOPE_BYTES;
        let fits = rest.iter().take_while(|object| {
            bytes += object.len() as u64 + 1;
            bytes <= bytes_max
        });
        let count = fits.count().clamp(1, rest.len().max(1));
        let (batch, after) = rest.split_at_checked(count)?;
        rest = after;
        Some(batch)
    })
}

async fn next_page(poll: &mut taxii::client::Poll) -> Result<Option<taxii::client::Page>, Failure> {
    let mut pause = PAUSE_FIRST;
    for _ in 1..ATTEMPTS_MAX {
        match poll.next_page().await {
            Err(Error::Busy { retry_after, .. }) if retry_after.is_none_or(|wanted| wanted <= PAUSE_MAX) => {
                tokio::time::sleep(retry_after.unwrap_or(pause)).await;
                pause *= 2;
            }
            other => return other.map_err(|e| peer_failure(&e)),
        }
    }
    poll.next_page().await.map_err(|e| peer_failure(&e))
}

/// Asks, and asks a busy server again.
async fn asked<T, F: Future<Output = Result<T, Error>>>(ask: impl Fn() -> F) -> Result<T, Failure> {
    let mut pause = PAUSE_FIRST;
    for _ in 1..ATTEMPTS_MAX {
        match ask().await {
            Err(Error::Busy { retry_after, .. }) if retry_after.is_none_or(|wanted| wanted <= PAUSE_MAX) => {
                tokio::time::sleep(retry_after.unwrap_or(pause)).await;
                pause *= 2;
            }
            other => return other.map_err(|e| peer_failure(&e)),
        }
    }
    ask().await.map_err(|e| peer_failure(&e))
}

async fn place(peer: &Client, link: &TaxiiLink, to_write: bool) -> Result<Place, Failure> {
    let Some(wanted) = &link.taxii_collection else {
        let found = if to_write { peer.first_writable().await } else { peer.first_readable().await };
        return found.map_err(|e| peer_failure(&e));
    };
    let discovery = asked(|| peer.discovery()).await?;
    for root in peer.api_roots(&discovery) {
        let found = asked(|| peer.collections(&root)).await?;
        let is_wanted =
            |known: &taxii::Collection| known.id == *wanted || known.alias.as_ref() == Some(wanted);
        if found.iter().any(is_wanted) {
            return Ok(Place { root, collection: wanted.clone() });
        }
    }
    Err(Failure::data(
        "no-collection",
        format!("the TAXII server offers no collection `{wanted}`; leave it out to take the first"),
        format!("TAXIIサーバーにコレクション `{wanted}` がありません。省けば最初のものを使います"),
    ))
}

fn peer(link: &TaxiiLink, address: &str) -> Result<Client, Failure> {
    let read = |path: &Path| std::fs::read(path).map_err(|e| Failure::file(path, &e));
    let credentials = match (&link.taxii_token, &link.taxii_user) {
        (Some(token), _) => Credentials::Bearer(token.clone()),
        (None, Some(user)) => Credentials::Basic {
            user: user.clone(),
            password: link.taxii_password.clone().unwrap_or_default(),
        },
        (None, None) => Credentials::None,
    };
    let settings = Settings {
        credentials,
        identity: link.taxii_identity.as_deref().map(read).transpose()?,
        root_certificate: link.taxii_certificate.as_deref().map(read).transpose()?,
        origins: link.taxii_origin.clone(),
        ..Settings::new(address)
    };
    Client::new(&settings).map_err(|e| peer_failure(&e))
}

fn read_cursor(path: &Path) -> Result<Cursor, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
            Failure::data(
                "cursor",
                format!("`{}` is no cursor of `yagura import`: {e}; remove it to begin anew", path.display()),
                format!(
                    "`{}` は `yagura import` の位置情報ではありません：{e}。消せば最初から読みます",
                    path.display()
                ),
            )
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Cursor::default()),
        Err(e) => Err(Failure::file(path, &e)),
    }
}

/// Replaces the file whole, so that a crash leaves the old cursor or the new one.
fn write_cursor(path: &Path, cursor: &Cursor) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::file(path, &e);
    let part = path.with_extension("part");
    std::fs::write(&part, serde_json::to_vec(cursor).unwrap_or_default()).map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)
}

/// Says whose fault it is: the settings', the network's, the other server's.
fn peer_failure(error: &Error) -> Failure {
    let text = error.to_string();
    match error {
        Error::Settings(_) => {
            Failure::usage("taxii-address", text.clone(), format!("TAXIIサーバーの指定が使えません：{text}"))
        }
        Error::Unreachable(_) => {
            Failure::system("taxii-unreachable", text.clone(), format!("TAXIIサーバーに届きません：{text}"))
        }
        Error::Certificate(_) => Failure::usage(
            "taxii-certificate",
            text.clone(),
            format!("TAXIIサーバーの証明書を信頼できません：{text}"),
        ),
        Error::Refused { .. } => {
            Failure::usage("taxii-refused", text.clone(), format!("TAXIIサーバーに拒否されました：{text}"))
        }
        Error::Request { .. } => {
            Failure::data("taxii-request", text.clone(), format!("TAXIIサーバーが受け付けません：{text}"))
        }
        Error::Busy { .. } | Error::Answer(_) => {
            Failure::system("taxii-server", text.clone(), format!("TAXIIサーバー側の障害です：{text}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_stay_within_what_the_server_takes() {
        let check = |lengths: &[usize], bytes_max: u64, expected: &[usize]| {
            let texts: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            let objects: Vec<&str> = texts.iter().map(String::as_str).collect();
            let found: Vec<usize> = batches(&objects, bytes_max).map(<[&str]>::len).collect();
            assert_eq!(found, expected, "{lengths:?} within {bytes_max}");
        };
        check(&[], 100, &[]);
        check(&[10, 10, 10], 1000, &[3]);
        check(&[10, 10, 10], 64 + 22, &[2, 1]);
        check(&[500, 10, 500], 100, &[1, 1, 1]);
    }
}
