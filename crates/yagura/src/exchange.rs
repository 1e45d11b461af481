//! `yagura import` and `yagura export`: whole files, or another TAXII server's collection, to and from a hub.

mod feed;
mod peer;

use std::io::Write;
use std::process::ExitCode;

use api::client::{Client, Settings};
use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::catalogue;
use crate::cli::{ExportArgs, ExportForm, HubLink, ImportArgs};
use crate::convert_command::{misp_text, read_as_stix, tell};
use crate::output::{Failure, Output};

#[derive(Debug, Default, Serialize)]
struct Totals {
    accepted: u64,
    duplicates: u64,
    refused: u64,
}

/// Publishes files. What is refused is told, one line each; exit 1 if anything was.
pub(crate) fn import(output: &Output, arguments: &ImportArgs) -> Result<ExitCode, Failure> {
    if let Some(address) = &arguments.from_taxii {
        return peer::import(output, arguments, address);
    }
    if let Some(address) = &arguments.misp_feed {
        return feed::misp(output, arguments, address);
    }
    if let Some(address) = &arguments.from_url {
        return feed::file(output, arguments, address);
    }
    let client = client(&arguments.link)?;
    let mut totals = Totals::default();
    for path in &arguments.files {
        let converted = read_as_stix(path, &arguments.source)?;
        if !converted.account.converted.is_empty() {
            tell(output, &converted.account);
        }
        let objects = converted.objects;
        let bar = progress(output, objects.len() as u64);
        let source = path.display().to_string();
        crate::block_on(async {
            for batch in objects.chunks(arguments.batch as usize) {
                publish(output, &client, batch, &source, &mut totals).await?;
                bar.inc(batch.len() as u64);
            }
            Ok(())
        })?;
        bar.finish_and_clear();
    }
    told_totals(output, &totals)
}

/// Publishes a batch, and tells what of it was refused.
async fn publish(
    output: &Output,
    client: &Client,
    batch: &[Bytes],
    source: &str,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let taken = client.import(envelope(batch)).await.map_err(|e| hub_failure(&e))?;
    totals.accepted += taken.accepted;
    totals.duplicates += taken.duplicates;
    totals.refused += taken.refused.len() as u64;
    for refused in &taken.refused {
        if output.is_json() {
            output.object(refused);
        } else {
            let id = refused.id.as_deref().unwrap_or("?");
            output.result(format!("{source}: {id}: {} [{}]", refused.message, refused.code));
        }
    }
    Ok(())
}

fn told_totals(output: &Output, totals: &Totals) -> Result<ExitCode, Failure> {
    if output.is_json() {
        output.object(totals);
    }
    let Totals { accepted, duplicates, refused } = *totals;
    output.say(
        format!("{accepted} accepted, {duplicates} were there already, {refused} refused"),
        format!("受理 {accepted} 件、既にあるもの {duplicates} 件、拒否 {refused} 件"),
    );
    Ok(if refused > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The objects' own bytes between the brackets of an envelope.
fn envelope(objects: &[Bytes]) -> Vec<u8> {
    let mut body = b"{\"objects\":[".to_vec();
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(object);
    }
    body.extend_from_slice(b"]}");
    body
}

/// Fetches what one may see. Nothing is left half-written under the final name.
pub(crate) fn export(output: &Output, arguments: &ExportArgs) -> Result<ExitCode, Failure> {
    if let Some(address) = &arguments.to_taxii {
        return peer::export(output, arguments, address);
    }
    let client = client(&arguments.link)?;
    let Some(path) = &arguments.output else {
        let mut standard = std::io::stdout().lock();
        let count = write_export(output, &client, arguments, &mut standard)?;
        return told(output, count);
    };
    let failed = |e: std::io::Error| Failure::file(path, &e);
    let part = path.with_extension("part");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&part).map_err(failed)?);
    let count = write_export(output, &client, arguments, &mut file)?;
    file.into_inner().map_err(|e| failed(e.into_error()))?.sync_all().map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)?;
    told(output, count)
}

fn told(output: &Output, count: u64) -> Result<ExitCode, Failure> {
    output.say(format!("{count} objects"), format!("オブジェクト {count} 件"));
    Ok(ExitCode::SUCCESS)
}

fn write_export(
    output: &Output,
    client: &Client,
    arguments: &ExportArgs,
    to: &mut impl Write,
) -> Result<u64, Failure> {
    let failed = |e: std::io::Error| {
        Failure::system("write", format!("cannot write: {e}"), format!("書き込めません：{e}"))
    };
    let is_bundle = arguments.form == ExportForm::Bundle;
    let bar = progress(output, 0);
    let count = crate::block_on(async {
        let collection = collection(client, arguments).await?;
        let mut count = 0_u64;
        let mut next = None;
        let mut gathered = Vec::new();
        if is_bundle {
            write!(to, "{{\"type\":\"bundle\",\"id\":\"bundle--{}\",\"objects\":[", uuid::Uuid::new_v4())
                .map_err(failed)?;
        }
        loop {
            let page = client
                .export(&collection, next.as_deref(), arguments.all_versions)
                .await
                .map_err(|e| hub_failure(&e))?;
            if arguments.form == ExportForm::Misp {
                // An event is written whole, so it has to be gathered first.
                gathered.extend(
                    page.objects
                        .iter()
                        .filter_map(|object| stix::Object::parse(Bytes::from(object.get().to_owned())).ok()),
                );
                count += page.objects.len() as u64;
            }
            for object in page.objects.iter().filter(|_| arguments.form != ExportForm::Misp) {
                let separator = if is_bundle && count > 0 { "," } else { "" };
                let end = if is_bundle { "" } else { "\n" };
                write!(to, "{separator}{}{end}", object.get()).map_err(failed)?;
                count += 1;
            }
            bar.set_position(count);
            match page.next {
                Some(cursor) => next = Some(cursor),
                None => break,
            }
        }
        if is_bundle {
            writeln!(to, "]}}").map_err(failed)?;
        }
        if arguments.form == ExportForm::Misp {
            writeln!(to, "{}", misp_text(misp::to_misp(&gathered).events)).map_err(failed)?;
        }
        Ok(count)
    })?;
    to.flush().map_err(failed)?;
    bar.finish_and_clear();
    Ok(count)
}

async fn collection(client: &Client, arguments: &ExportArgs) -> Result<String, Failure> {
    if let Some(collection) = &arguments.collection {
        return Ok(collection.clone());
    }
    let first = client.collections().await.map_err(|e| hub_failure(&e))?.into_iter().next();
    first.ok_or_else(|| {
        Failure::data(
            "no-collection",
            "this token may read no collection; ask the hub's administrator for a role that may",
            "このトークンで読めるコレクションがありません。ハブの管理者に権限を確かめてください",
        )
    })
}

/// A client for the hub that the options name.
pub(crate) fn client(link: &HubLink) -> Result<Client, Failure> {
    let root_certificate = match &link.certificate {
        Some(path) => Some(std::fs::read(path).map_err(|e| Failure::file(path, &e))?),
        None => None,
    };
    let settings =
        Settings { address: link.hub.clone(), token: link.token.clone(), root_certificate, identity: None };
    Client::new(&settings).map_err(|e| hub_failure(&e))
}

/// Says whose fault it is: the settings', the network's, the hub's.
pub(crate) fn hub_failure(error: &api::client::Error) -> Failure {
    use api::client::Error;
    let text = error.to_string();
    let code = error.problem().map_or("hub", |problem| problem.code.name());
    let rule = error.problem().and_then(broken_rule);
    match error {
        Error::Settings(_) => {
            Failure::usage("hub-address", text.clone(), format!("ハブの指定が使えません：{text}"))
        }
        Error::Unreachable(_) => {
            Failure::system("hub-unreachable", text.clone(), format!("ハブに届きません：{text}"))
        }
        Error::Refused(_) => {
            let japanese = rule
                .unwrap_or_else(|| format!("ハブに拒否されました。トークンと権限を確かめてください：{text}"));
            Failure::usage(code, text, japanese)
        }
        Error::Request(_) => {
            let japanese = rule.unwrap_or_else(|| format!("ハブが受け付けられない内容です：{text}"));
            Failure::data(code, text, japanese)
        }
        Error::Hub(_) | Error::Answer(_) => {
            Failure::system(code, text.clone(), format!("ハブ側の障害です：{text}"))
        }
    }
}

/// Which rule was broken, in Japanese by the console's catalogue, with the hub's own words where they add to it.
fn broken_rule(problem: &api::Problem) -> Option<String> {
    let field = problem.params.get("field").map(|field| {
        let named = catalogue::in_japanese("errors/fields", field, std::iter::empty());
        named.unwrap_or_else(|| field.clone())
    });
    let field = field.as_deref().map(|field| ("field", field));
    let detail = ("detail", problem.detail.as_deref().unwrap_or_default());
    let others = problem.params.iter().map(|(place, value)| (place.as_str(), value.as_str()));
    let places = std::iter::once(detail).chain(field).chain(others);
    catalogue::in_japanese("errors/reasons", problem.reason.as_deref()?, places)
}

fn progress(output: &Output, total: u64) -> ProgressBar {
    if !output.draws_progress() {
        return ProgressBar::hidden();
    }
    let template = if total > 0 {
        "{bar:30} {human_pos}/{human_len} {per_sec} {eta}"
    } else {
        "{spinner} {human_pos} {per_sec}"
    };
    let bar = if total > 0 { ProgressBar::new(total) } else { ProgressBar::new_spinner() };
    ProgressStyle::with_template(template).map_or(bar.clone(), |style| bar.with_style(style))
}
