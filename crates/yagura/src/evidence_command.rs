//! `yagura evidence`: evidence of cases from the command line. What people decide in person (holds, disposal, requests) is done in the console.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use api::client::Client;
use api::{
    Evidence, EvidenceDownload, EvidenceExport, EvidenceItem, EvidenceLabel, EvidenceOfferAnswer,
    EvidenceParty, NewEvidence, NewEvidenceOffer, Secret, Words,
};
use aws_lc_rs::digest::{self, SHA256};
use uuid::Uuid;

use crate::cli::{
    AddEvidenceArgs, AnswerArgs, DownloadArgs, EvidenceArgs, EvidenceCommand, ExportEvidenceArgs, HubLink,
    Leaving, OfCase, OfferArgs,
};
use crate::exchange::{client, hub_failure};
use crate::output::{Failure, Output};
use crate::response_command::case_id;

/// Read at once.
const PART_BYTES: usize = 1 << 20;

/// Carries out the command.
pub(crate) fn run(output: &Output, arguments: &EvidenceArgs) -> Result<ExitCode, Failure> {
    match &arguments.command {
        EvidenceCommand::List(of) => list(output, of),
        EvidenceCommand::Add(arguments) => add(output, arguments),
        EvidenceCommand::Show(one) => {
            let client = client(&one.link)?;
            let found = ask(async { client.evidence(&one.item.to_string()).await })?;
            show(output, &found);
            Ok(ExitCode::SUCCESS)
        }
        EvidenceCommand::Download(arguments) => download(output, arguments),
        EvidenceCommand::Offer(arguments) => offer(output, arguments),
        EvidenceCommand::Answer(arguments) => answer(output, arguments),
        EvidenceCommand::Requests(of) => requests(output, of),
        EvidenceCommand::Export(arguments) => export(output, arguments),
    }
}

/// Asks a hub something.
fn ask<T>(asked: impl Future<Output = Result<T, api::client::Error>>) -> Result<T, Failure> {
    crate::block_on(async { asked.await.map_err(|error| hub_failure(&error)) })
}

fn at_case(link: &HubLink, named: &str) -> Result<(Client, String), Failure> {
    let client = client(link)?;
    let case = case_id(&client, named)?;
    Ok((client, case))
}

fn list(output: &Output, of: &OfCase) -> Result<ExitCode, Failure> {
    let (client, case) = at_case(&of.link, &of.case)?;
    let mut after: Option<String> = None;
    loop {
        let page = ask(async { client.evidence_of(&case, after.as_deref()).await })?;
        for item in &page.items {
            if output.is_json() {
                output.object(item);
            } else {
                output.result(line(output, item));
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn line(output: &Output, item: &EvidenceItem) -> String {
    let size = item.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
    let held = if item.held { output.words(" held", " 消去の保留中") } else { "" };
    let EvidenceItem { id, state, kind, name, .. } = item;
    format!("{id} {state:<9} {kind} {size} {} {name}{held}", item.custodian.organisation)
}

/// The file's size and its SHA-256.
fn hashed(path: &Path) -> Result<(u64, String), Failure> {
    let failed = |error: &std::io::Error| Failure::file(path, error);
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let (mut hash, mut size) = (digest::Context::new(&SHA256), 0_u64);
    let mut part = vec![0; PART_BYTES];
    loop {
        let read = file.read(&mut part).map_err(|error| failed(&error))?;
        let Some(now) = part.get(..read).filter(|now| !now.is_empty()) else { break };
        hash.update(now);
        size = size.saturating_add(u64::try_from(read).unwrap_or(0));
    }
    let hash = hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((size, hash))
}

fn add(output: &Output, arguments: &AddEvidenceArgs) -> Result<ExitCode, Failure> {
    let (size, sha256) = hashed(&arguments.file)?;
    let (client, case) = at_case(&arguments.link, &arguments.case)?;
    let name = arguments.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let id = arguments.id.unwrap_or_else(Uuid::new_v4);
    let only = (!arguments.only.is_empty()).then(|| arguments.only.clone());
    let new = NewEvidence {
        id,
        name,
        kind: arguments.kind.clone(),
        description: arguments.description.clone(),
        collector: arguments.collector.clone(),
        seized_at: arguments.seized_at.clone(),
        seized_where: arguments.seized_where.clone(),
        reason: arguments.reason.clone(),
        legal_basis: arguments.legal_basis.clone(),
        label: EvidenceLabel { tlp: arguments.tlp.clone(), only },
        sha256: Some(sha256),
    };
    let announced = ask(async { client.announce_evidence(&case, &new).await })?;
    if announced.state != "announced" {
        output.say("it is here already", "すでに登録されています");
        return told(output, &ask(async { client.evidence(&id.to_string()).await })?);
    }
    let sent = crate::block_on(async {
        let file = tokio::fs::File::open(&arguments.file).await;
        let file = file.map_err(|error| Failure::file(&arguments.file, &error))?;
        let content = reqwest::Body::from(file);
        let sent = client.send_evidence(&id.to_string(), (content, size)).await;
        sent.map_err(|error| hub_failure(&error))
    });
    let sent = sent.inspect_err(|failure| {
        if failure.is_system() {
            output.say(
                format!("whether it arrived is not known: repeat this with `--id {id}`, which is one item"),
                format!("届いたかどうか分かりません。`--id {id}` を付けて繰り返してください。重ねて登録されることはありません"),
            );
        }
    })?;
    told(output, &sent)
}

/// What became of an item.
fn told(output: &Output, found: &Evidence) -> Result<ExitCode, Failure> {
    if output.is_json() {
        output.object(&found.item);
    } else {
        output.result(found.item.id);
    }
    Ok(ExitCode::SUCCESS)
}

fn named(party: &EvidenceParty) -> String {
    match party.name.as_ref().or(party.account.as_ref()) {
        Some(name) => format!("{name} ({})", party.organisation),
        None => party.organisation.clone(),
    }
}

fn show(output: &Output, found: &Evidence) {
    if output.is_json() {
        return output.object(found);
    }
    let item = &found.item;
    output.result(line(output, item));
    output.result(format!("  {}", item.description));
    let (at, place, by) = (&item.seized_at, &item.seized_where, &item.collector);
    output.result(format!("  {} {at} {place} {by}", output.words("secured", "採取")));
    if let Some(hash) = &item.sha256 {
        output.result(format!("  SHA-256 {hash}"));
    }
    if let Some(hash) = &item.sha3_256 {
        output.result(format!("  SHA3-256 {hash}"));
    }
    for hold in found.holds.iter().filter(|hold| hold.lifted.is_none()) {
        let words = output.words("held", "消去の保留");
        output.result(format!("  {words} {} {} [{}]", hold.set, hold.reason, hold.legal_basis));
    }
    for entry in &found.custody {
        let by = entry.by.as_ref().map_or_else(|| "-".to_owned(), named);
        let way = match (&entry.from, &entry.to) {
            (Some(from), Some(to)) => format!(" {} → {}", named(from), named(to)),
            (None, Some(to)) => format!(" → {}", named(to)),
            (Some(from), None) => format!(" {} →", named(from)),
            (None, None) => String::new(),
        };
        let basis = entry.legal_basis.as_ref().map(|basis| format!(" [{basis}]")).unwrap_or_default();
        let (number, at, act) = (entry.number, &entry.at, &entry.act);
        output.result(format!("  #{number} {at} {act} {by}{way}: {}{basis} ({})", entry.why, entry.leaf));
    }
}

fn password(leaving: &Leaving) -> Result<Option<Secret>, Failure> {
    let Some(path) = &leaving.password_file else { return Ok(None) };
    crate::log_command::password(path).map(Some)
}

/// Writes an archive as it comes into a file that was not there; what broke off is removed.
fn save<T>(
    path: &Path,
    fetch: impl FnOnce(&mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let failed = |error: &std::io::Error| Failure::file(path, error);
    let mut file = File::options().write(true).create_new(true).open(path).map_err(|error| failed(&error))?;
    let fetched = fetch(&mut |part| file.write_all(part));
    let done = fetched.and_then(|value| file.sync_all().map(|()| value).map_err(|error| failed(&error)));
    if done.is_err() {
        // Half an archive would only be mistaken for a whole one.
        let _ = std::fs::remove_file(path);
    }
    done
}

fn saved(output: &Output, path: &Path) -> ExitCode {
    let shown = path.display();
    output.say(format!("`{shown}` is written"), format!("`{shown}` に書きました"));
    ExitCode::SUCCESS
}

fn download(output: &Output, arguments: &DownloadArgs) -> Result<ExitCode, Failure> {
    let client = client(&arguments.link)?;
    let leaving = &arguments.leaving;
    let body = EvidenceDownload { reason: leaving.reason.clone(), password: password(leaving)? };
    let item = arguments.item.to_string();
    save(&leaving.out, |take| ask(async { client.download_evidence(&item, &body, take).await }))?;
    Ok(saved(output, &leaving.out))
}

fn export(output: &Output, arguments: &ExportEvidenceArgs) -> Result<ExitCode, Failure> {
    let (client, case) = at_case(&arguments.link, &arguments.case)?;
    let leaving = &arguments.leaving;
    let body = EvidenceExport {
        items: (!arguments.items.is_empty()).then(|| arguments.items.clone()),
        reason: leaving.reason.clone(),
        legal_basis: arguments.legal_basis.clone(),
        password: password(leaving)?,
    };
    save(&leaving.out, |take| ask(async { client.export_evidence(&case, &body, take).await }))?;
    Ok(saved(output, &leaving.out))
}

fn offer(output: &Output, arguments: &OfferArgs) -> Result<ExitCode, Failure> {
    let client = client(&arguments.link)?;
    let new = NewEvidenceOffer {
        organisation: arguments.to.clone(),
        person: arguments.person.clone(),
        reason: arguments.reason.clone(),
        legal_basis: arguments.legal_basis.clone(),
    };
    let item = arguments.item.to_string();
    told(output, &ask(async { client.offer_evidence(&item, &new).await })?)
}

fn answer(output: &Output, arguments: &AnswerArgs) -> Result<ExitCode, Failure> {
    let client = client(&arguments.link)?;
    let answer = EvidenceOfferAnswer { answer: arguments.answer.clone(), reason: arguments.reason.clone() };
    let item = arguments.item.to_string();
    told(output, &ask(async { client.answer_evidence_offer(&item, &answer).await })?)
}

fn requests(output: &Output, of: &OfCase) -> Result<ExitCode, Failure> {
    let (client, case) = at_case(&of.link, &of.case)?;
    let found = ask(async { client.evidence_requests(&case).await })?;
    for request in &found.requests {
        if output.is_json() {
            output.object(request);
            continue;
        }
        let late = if request.overdue { output.words(" overdue", " 期限超過") } else { "" };
        let (id, kind, state, due) = (request.id, &request.kind, &request.state, &request.due);
        let called =
            |words: &Option<Words>, name: &str| words.as_ref().map_or_else(|| name.to_owned(), Words::both);
        let from = called(&request.from_name, &request.from.organisation);
        let to = called(&request.to_name, &request.to);
        output.result(format!(
            "{id} {kind} {state}{late} {due} {from} → {to}: {} [{}]",
            request.subject, request.legal_basis
        ));
        // What a package of the other hub is held against, and the item here that was received from there.
        for file in &request.named {
            let own = file.own.as_ref().map(|own| format!(" → {own}")).unwrap_or_default();
            output.result(format!("  {} {} {}{own}", file.sha256, file.size, file.name));
        }
    }
    let is_late = found.requests.iter().any(|request| request.overdue);
    Ok(if is_late { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
