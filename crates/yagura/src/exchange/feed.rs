//! `yagura import --misp-feed` and `--from-url`: a MISP feed, or a list or file of any known format, from a web server.
//!
//! A run that broke off goes on where it was: each event that is safe at the hub is remembered with its date, and the manifest's
//! validators (ETag, Last-Modified) only when all of it is. What the server sends is bounded before it is held.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use misp::Limits;
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::redirect::Policy;
use reqwest::{Client as Http, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::{Totals, client, progress, publish, told_totals};
use crate::cli::ImportArgs;
use crate::convert_command::{Converted, convert, from_misp, tell};
use crate::output::{Failure, Output};
use crate::stix_command::unpacked;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest silence within an answer.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Redirects within one origin that are followed.
const REDIRECTS_MAX: usize = 4;
/// How often a server that does not answer well is asked again.
const ATTEMPTS_MAX: u32 = 4;
/// Pause before it is; doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// What is remembered is written after so many events.
const REMEMBERED_EVERY: usize = 20;
/// Longest validator that is kept.
const VALIDATOR_BYTES_MAX: usize = 1_024;

/// What was read of a server, kept in the file that `--cursor` names.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    address: String,
    #[serde(default)]
    validators: Validators,
    /// Each event with the date that the manifest gave it.
    #[serde(default)]
    events: BTreeMap<Uuid, Option<jiff::Timestamp>>,
}

/// By what a server knows that nothing has changed (RFC 9110 §8.8).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Validators {
    etag: Option<String>,
    last_modified: Option<String>,
}

enum Fetched {
    Unchanged,
    New(Bytes, Validators),
}

/// Reads a MISP feed: what its manifest lists as new or changed.
pub(super) fn misp(output: &Output, arguments: &ImportArgs, address: &str) -> Result<ExitCode, Failure> {
    let mut folder = read_address(address)?;
    // The address may be that of the manifest itself.
    if let Some(parent) = folder.path().strip_suffix(misp::feed::MANIFEST).map(str::to_owned) {
        folder.set_path(&parent);
    } else if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", folder.path()));
    }
    let (hub, http, limits) = (client(&arguments.link)?, http()?, Limits::default());
    let mut known = Known::read(arguments.cursor.as_deref(), folder.as_str())?;
    let mut totals = Totals::default();
    let mut unreadable = 0;
    crate::block_on(async {
        let manifest = beside(&folder, misp::feed::MANIFEST)?;
        let Fetched::New(bytes, validators) =
            fetch(&http, &manifest, &known.validators, limits.bytes_max).await?
        else {
            output
                .say("nothing new: the feed has not changed", "新しいものはありません（フィードに変更なし）");
            return Ok(());
        };
        let entries =
            misp::feed::manifest(&bytes, &limits).map_err(|e| no_feed(&manifest, e.code, &e.to_string()))?;
        let is_news = |entry: &misp::feed::Entry| known.events.get(&entry.uuid) != Some(&entry.timestamp);
        let wanted: Vec<_> = entries.into_iter().filter(is_news).collect();
        let bar = progress(output, wanted.len() as u64);
        for (count, entry) in wanted.into_iter().enumerate() {
            let place = beside(&folder, &entry.file_name())?;
            // One event that cannot be read keeps out no other; a server that is gone ends it.
            match event(&http, &place, entry.uuid, arguments, &limits).await? {
                Ok(made) => {
                    tell(output, &made.account);
                    for batch in made.objects.chunks(arguments.batch as usize) {
                        publish(output, &hub, batch, place.as_str(), &mut totals).await?;
                    }
                    known.events.insert(entry.uuid, entry.timestamp);
                }
                Err(failure) => {
                    unreadable += 1;
                    output.failure(&failure);
                }
            }
            bar.inc(1);
            if count % REMEMBERED_EVERY == REMEMBERED_EVERY - 1 {
                known.write(arguments.cursor.as_deref())?;
            }
        }
        bar.finish_and_clear();
        // What could not be read today may be whole tomorrow, though the manifest stays as it is.
        known.validators = if unreadable == 0 { validators } else { Validators::default() };
        known.write(arguments.cursor.as_deref())
    })?;
    totals.refused += unreadable;
    told_totals(output, &totals)
}

/// Reads one file of any format that is known.
pub(super) fn file(output: &Output, arguments: &ImportArgs, address: &str) -> Result<ExitCode, Failure> {
    let place = read_address(address)?;
    let (hub, http, limits) = (client(&arguments.link)?, http()?, Limits::default());
    let mut known = Known::read(arguments.cursor.as_deref(), place.as_str())?;
    let mut totals = Totals::default();
    crate::block_on(async {
        let Fetched::New(bytes, validators) =
            fetch(&http, &place, &known.validators, limits.bytes_max).await?
        else {
            output
                .say("nothing new: the file has not changed", "新しいものはありません（ファイルに変更なし）");
            return Ok(());
        };
        let name = place.path_segments().and_then(Iterator::last).filter(|name| !name.is_empty());
        let name = Path::new(name.or_else(|| place.host_str()).unwrap_or("list"));
        let made = convert(name, &unpacked(name, bytes, limits.bytes_max)?, &arguments.source)?;
        tell(output, &made.account);
        for batch in made.objects.chunks(arguments.batch as usize) {
            publish(output, &hub, batch, place.as_str(), &mut totals).await?;
        }
        known.validators = validators;
        known.write(arguments.cursor.as_deref())
    })?;
    told_totals(output, &totals)
}

/// One event of a feed. The outer error ends the run, the inner one this event.
async fn event(
    http: &Http,
    place: &Url,
    uuid: Uuid,
    arguments: &ImportArgs,
    limits: &Limits,
) -> Result<Result<Converted, Failure>, Failure> {
    let bytes = match fetch(http, place, &Validators::default(), limits.bytes_max).await {
        Ok(Fetched::New(bytes, _)) => bytes,
        Ok(Fetched::Unchanged) => Bytes::new(),
        Err(failure) if failure.is_system() => return Err(failure),
        Err(failure) => return Ok(Err(failure)),
    };
    let events = match misp::read(&bytes, limits) {
        Ok(events) => events,
        Err(error) => return Ok(Err(no_feed(place, error.code, &error.to_string()))),
    };
    let is_it = |event: &misp::Event| {
        let named = event.fields().get("uuid").and_then(serde_json::Value::as_str);
        named.and_then(|text| Uuid::try_parse(text).ok()) == Some(uuid)
    };
    if !events.iter().all(is_it) {
        return Ok(Err(no_feed(place, "feed-event", "it is another event than the manifest says")));
    }
    Ok(Ok(from_misp(&events, &arguments.source)))
}

impl Known {
    fn read(path: Option<&Path>, address: &str) -> Result<Self, Failure> {
        let fresh = Self { address: address.to_owned(), ..Self::default() };
        let Some(path) = path else { return Ok(fresh) };
        let wrong = |why: &str| {
            let path = path.display();
            Failure::data(
                "cursor",
                format!("`{path}` is no record of what was read here: {why}; remove it to begin anew"),
                format!("`{path}` はここで読んだものの記録ではありません：{why}。消せば最初から読みます"),
            )
        };
        match std::fs::read(path) {
            Ok(bytes) => {
                let known: Self = serde_json::from_slice(&bytes).map_err(|e| wrong(&e.to_string()))?;
                if known.address == address {
                    Ok(known)
                } else {
                    Err(wrong(&format!("it is of `{}`", known.address)))
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(fresh),
            Err(e) => Err(Failure::file(path, &e)),
        }
    }

    /// Replaces the file whole, so that a crash leaves the old one or the new one.
    fn write(&self, path: Option<&Path>) -> Result<(), Failure> {
        let Some(path) = path else { return Ok(()) };
        let failed = |e: std::io::Error| Failure::file(path, &e);
        let part = path.with_extension("part");
        std::fs::write(&part, serde_json::to_vec(self).unwrap_or_default()).map_err(failed)?;
        std::fs::rename(&part, path).map_err(failed)
    }
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| {
            let value = headers.get(name)?.to_str().ok()?;
            (value.len() <= VALIDATOR_BYTES_MAX).then(|| value.to_owned())
        };
        Self { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }
}

/// Plain HTTP is for this machine only, as everywhere.
fn read_address(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::usage("address", format!("`{text}` {why}"), format!("`{text}` は使えません：{why}"))
    };
    let url = Url::parse(text).map_err(|e| wrong(&format!("is no address: {e}")))?;
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(wrong("names no host")),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err(wrong("is not https")),
    }
}

fn beside(folder: &Url, name: &str) -> Result<Url, Failure> {
    folder.join(name).map_err(|e| no_feed(folder, "address", &e.to_string()))
}

fn http() -> Result<Http, Failure> {
    // The process may have chosen a provider already; then that one stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // A server that sends its readers elsewhere may send them into the reader's own network.
    let same_origin = Policy::custom(|attempt| {
        let began = attempt.previous().first().map(Url::origin);
        if attempt.previous().len() <= REDIRECTS_MAX && began == Some(attempt.url().origin()) {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    Http::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(SILENCE_MAX)
        .redirect(same_origin)
        .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| Failure::system("http", e.to_string(), e.to_string()))
}

/// Fetches what has changed, a few times where the network or the server fails.
async fn fetch(http: &Http, place: &Url, known: &Validators, bytes_max: usize) -> Result<Fetched, Failure> {
    let mut pause = PAUSE_FIRST;
    for _ in 1..ATTEMPTS_MAX {
        match fetch_once(http, place, known, bytes_max).await {
            Err(failure) if failure.is_system() => tokio::time::sleep(pause).await,
            settled => return settled,
        }
        pause *= 2;
    }
    fetch_once(http, place, known, bytes_max).await
}

async fn fetch_once(
    http: &Http,
    place: &Url,
    known: &Validators,
    bytes_max: usize,
) -> Result<Fetched, Failure> {
    let unreachable = |e: reqwest::Error| {
        let why = e.without_url().to_string();
        Failure::system("unreachable", format!("`{place}`: {why}"), format!("`{place}` に届きません：{why}"))
    };
    let mut request = http.get(place.clone());
    for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
        if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            request = request.header(name, value);
        }
    }
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED {
        return Ok(Fetched::Unchanged);
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        let text = format!("`{place}`: HTTP {status}");
        return Err(Failure::system("server", text.clone(), text));
    }
    if !status.is_success() {
        let text = format!("`{place}`: HTTP {status}");
        return Err(Failure::data("not-there", text.clone(), text));
    }
    let validators = Validators::of(response.headers());
    let too_large = || no_feed(place, "too-large", &format!("it is larger than {bytes_max} bytes"));
    if response.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    let mut stream = response.bytes_stream();
    while let Some(part) = stream.next().await {
        let part = part.map_err(unreachable)?;
        if bytes.len() + part.len() > bytes_max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Fetched::New(bytes.freeze(), validators))
}

fn no_feed(place: &Url, code: &'static str, cause: &str) -> Failure {
    Failure::data(code, format!("`{place}`: {cause}"), format!("`{place}` を読めません：{cause}"))
}
