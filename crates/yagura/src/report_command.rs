//! `yagura report`: reports of incidents from the command line, written without a hub and sent when there is one.

mod said;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use api::client::Client;
use api::{
    NewReport, NewReportEvent, NewReportEvents, NewReportFiling, Report, ReportDuty, ReportReceipt,
    ReportSummary, Words,
};
use jiff::Timestamp;
use oversight::{FilingReceipt, NoReceipt};
use serde_json::json;
use uuid::Uuid;

use crate::catalogue;
use crate::cli::{
    AddArgs, AttachArgs, DraftArgs, FileArgs, FormArgs, HubLink, ReceiptArgs, ReportArgs, ReportCommand,
    SendArgs, VerifyReceiptArgs,
};
use crate::exchange::{client, hub_failure};
use crate::output::{Failure, Output};

/// How often a receipt is asked for until a checkpoint covers it.
const TRIES: u32 = 30;
/// How long between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// The largest file that is read: as much as a hub takes.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Carries out the command.
pub(crate) fn run(output: &Output, arguments: &ReportArgs) -> Result<ExitCode, Failure> {
    match &arguments.command {
        ReportCommand::Draft(arguments) => draft(output, arguments),
        ReportCommand::Send(arguments) => send(output, arguments),
        ReportCommand::List(link) => list(output, link),
        ReportCommand::Show(arguments) => {
            let client = client(&arguments.link)?;
            let report = ask(async { client.report(&arguments.id).await })?;
            show(output, &report);
            Ok(ExitCode::SUCCESS)
        }
        ReportCommand::Duties(link) => duties(output, link),
        ReportCommand::Add(arguments) => add(output, arguments),
        ReportCommand::Attach(arguments) => attach(output, arguments),
        ReportCommand::Form(arguments) => form(output, arguments),
        ReportCommand::Receivers(link) => receivers(output, link),
        ReportCommand::File(arguments) => file(output, arguments),
        ReportCommand::Receipt(arguments) => receipt(output, arguments),
        ReportCommand::Verify(arguments) => verify(output, arguments),
    }
}

/// Asks a hub something.
fn ask<T>(asked: impl Future<Output = Result<T, api::client::Error>>) -> Result<T, Failure> {
    crate::block_on(async { asked.await.map_err(|error| hub_failure(&error)) })
}

fn draft(output: &Output, arguments: &DraftArgs) -> Result<ExitCode, Failure> {
    let aware = arguments.aware.clone().unwrap_or_else(|| Timestamp::now().to_string());
    let regimes = said::regimes(arguments.said.regimes.as_deref())?;
    let kind = said::kind(&arguments.kind)?;
    said::instant(&aware)?;
    let fields = said::fields(&arguments.said.set, &regimes)?;
    for name in fields.keys() {
        said::demand_emergency(name, &regimes)?;
    }
    let draft = NewReport { id: Uuid::new_v4(), kind: kind.to_owned(), aware, fields };
    let text = serde_json::to_string_pretty(&draft).unwrap_or_default();
    let failed = |error: &std::io::Error| Failure::file(&arguments.out, error);
    // A draft that is there is somebody's only copy.
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .open(&arguments.out)
        .map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    file.sync_all().map_err(|error| failed(&error))?;
    let path = arguments.out.display();
    output.say(
        format!("`{path}` is written; send it with `yagura report send {path}`"),
        format!("`{path}` に書きました。`yagura report send {path}` で送信します"),
    );
    Ok(ExitCode::SUCCESS)
}

fn send(output: &Output, arguments: &SendArgs) -> Result<ExitCode, Failure> {
    let client = client(&arguments.link)?;
    for path in &arguments.files {
        let text = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
        let draft: NewReport = serde_json::from_slice(&text).map_err(|error| {
            let path = path.display();
            Failure::data(
                "draft",
                format!("`{path}` is no draft of a report: {error}"),
                format!("`{path}` は報告の下書きではありません：{error}"),
            )
        })?;
        let taken = ask(async { client.begin_report(&draft).await })?;
        if output.is_json() {
            output.object(&taken);
            continue;
        }
        output.result(&taken.id);
        if taken.already {
            output.say("it was there already", "すでに届いています");
        }
        tell_findings(output, &taken.findings);
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_findings(output: &Output, findings: &[api::ReportFinding]) {
    for finding in findings {
        output.say(
            format!("note: {} [{}]", finding.message.en, finding.code),
            format!("注意：{} [{}]", finding.message.ja, finding.code),
        );
    }
}

fn list(output: &Output, link: &HubLink) -> Result<ExitCode, Failure> {
    let client = client(link)?;
    let mut after: Option<String> = None;
    loop {
        let page = ask(async { client.reports(after.as_deref()).await })?;
        for report in &page.reports {
            if output.is_json() {
                output.object(report);
                continue;
            }
            let due = report.next_due.as_deref().unwrap_or("-");
            let title = report.title.as_deref().unwrap_or("");
            output.result(format!("{} {} {due} {title}", report.id, whose(output, report)));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// Whose report it is; of another hub's, with what organisation and hub are called.
fn whose(output: &Output, report: &ReportSummary) -> String {
    match (&report.organisation_name, &report.hub) {
        (Some(name), Some(hub)) => {
            format!("{} ({}, {})", report.organisation, in_words(output, name), in_words(output, hub))
        }
        _ => report.organisation.clone(),
    }
}

fn receivers(output: &Output, link: &HubLink) -> Result<ExitCode, Failure> {
    let client = client(link)?;
    let found = ask(async { client.report_receivers().await })?;
    if output.is_json() {
        output.object(&found);
        return Ok(ExitCode::SUCCESS);
    }
    for hub in &found.hubs {
        for one in &hub.organisations {
            let name = in_words(output, &one.name);
            match &hub.hub {
                // What all hubs call it is long; its short name there and the hub's here mean the same.
                Some(short) => {
                    let id = one.id.split_once('-').map_or(one.id.as_str(), |(_, own)| own);
                    output.result(format!("{id}.{short} {name} ({})", in_words(output, &hub.name)));
                }
                None => output.result(format!("{} {name}", one.id)),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn duties(output: &Output, link: &HubLink) -> Result<ExitCode, Failure> {
    let client = client(link)?;
    let found = ask(async { client.report_duties().await })?;
    let is_late = found.duties.iter().any(|duty| duty.state == "overdue");
    if output.is_json() {
        output.object(&found);
    } else {
        found.duties.iter().for_each(|duty| output.result(line(output, duty)));
    }
    Ok(if is_late { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn line(output: &Output, duty: &ReportDuty) -> String {
    let (due, sure) = (duty.due.as_deref().unwrap_or("-"), is_sure(duty));
    let sure = if sure { "" } else { output.words(" (not certain)", "（不確実）") };
    format!(
        "{:<11} {due} {}/{}/{}: {} {}{sure} {}",
        duty.state,
        duty.regime,
        duty.stage,
        duty.recipient,
        in_words(output, &duty.regime_name),
        in_words(output, &duty.stage_name),
        duty.report,
    )
}

fn is_sure(duty: &ReportDuty) -> bool {
    duty.certain && duty.verified == "law" && duty.verdict == "applies"
}

fn in_words<'w>(output: &Output, words: &'w Words) -> &'w str {
    if output.is_japanese() { &words.ja } else { &words.en }
}

fn show(output: &Output, report: &Report) {
    if output.is_json() {
        return output.object(report);
    }
    output.result(format!("{} {}", report.summary.id, report.summary.title.as_deref().unwrap_or("")));
    for moment in &report.moments {
        output.result(format!("  {} {}", moment.moment, moment.at));
    }
    for stated in &report.fields {
        let value = serde_json::to_string(&stated.value).unwrap_or_default();
        output.result(format!("  {} = {value} [{}]", stated.field, stated.from));
    }
    report.duties.iter().for_each(|duty| output.result(format!("  {}", line(output, duty))));
    for filing in &report.filings {
        let name = filing.given_to_name.as_ref().map(|name| in_words(output, name));
        let to = name.or(filing.given_to.as_deref()).unwrap_or("-");
        output.result(format!(
            "  {} {}/{}/{} {} → {to}",
            output.words("filed", "提出"),
            filing.regime,
            filing.stage,
            filing.recipient,
            filing.event
        ));
        filing.receipt.iter().for_each(|receipt| tell_receipt(output, receipt));
    }
    for file in &report.files {
        let word = output.words("file", "添付");
        output.result(format!("  {word} {} {} SHA-256 {}", file.name, file.size, file.sha256));
    }
    for reply in &report.thread {
        output.result(format!("  {} {} {}", reply.at, reply.answer, reply.text.as_deref().unwrap_or("")));
    }
    tell_findings(output, &report.findings);
}

/// What the hub found out about the receipt of a copy from another hub.
fn tell_receipt(output: &Output, receipt: &ReportReceipt) {
    let said = match receipt.state.as_str() {
        "verified" => output.words(
            "the receipt holds: exactly this copy was filed, by the log of the other hub",
            "受領証は正当です：この写しが提出されたことを、相手ハブのログが証明しています",
        ),
        "wrong" => {
            output.words("the receipt does not prove this copy", "受領証は、この写しの提出を証明していません")
        }
        "no-key" => output.words(
            "the receipt was not checked: the key of the other hub's log is not known",
            "受領証は未検証です：相手ハブのログの鍵が分かりません",
        ),
        _ => output
            .words("the receipt was not checked by this hub", "受領証は、このハブでは検証されていません"),
    };
    let why = receipt
        .why_reason
        .as_ref()
        .and_then(|why| catalogue::in_japanese("receiptReasons", &why.code, std::iter::empty()));
    let why = why.filter(|_| output.is_japanese()).or_else(|| receipt.why.clone());
    match why {
        Some(why) => output.result(format!("    {said}{} {why}", output.words(":", "："))),
        None => output.result(format!("    {said}")),
    }
}

fn add(output: &Output, arguments: &AddArgs) -> Result<ExitCode, Failure> {
    let regimes = said::regimes(arguments.said.regimes.as_deref())?;
    let fields = said::fields(&arguments.said.set, &regimes)?;
    let unknown = arguments.unknown.clone();
    let mut events = Vec::new();
    if !fields.is_empty() || !unknown.is_empty() {
        events.push(NewReportEvent::Stated { fields, unknown });
    }
    for given in &arguments.happened {
        let (moment, at) = said::pair(given)?;
        said::instant(at)?;
        events.push(NewReportEvent::Happened { moment: moment.to_owned(), at: at.to_owned() });
    }
    let new = NewReportEvents { send: Uuid::new_v4(), events };
    let client = client(&arguments.link)?;
    let taken = ask(async { client.add_to_report(&arguments.id, &new).await })?;
    if output.is_json() {
        output.object(&taken);
    } else {
        taken.events.iter().for_each(|event| output.result(event));
        tell_findings(output, &taken.findings);
    }
    Ok(ExitCode::SUCCESS)
}

fn attach(output: &Output, arguments: &AttachArgs) -> Result<ExitCode, Failure> {
    let client = client(&arguments.link)?;
    for path in &arguments.files {
        let failed = |error: &std::io::Error| Failure::file(path, error);
        if std::fs::metadata(path).map_err(|error| failed(&error))?.len() > FILE_BYTES_MAX {
            let path = path.display();
            return Err(Failure::data(
                "too-large",
                format!("`{path}` is larger than 32 MiB: hand it over as evidence"),
                format!("`{path}` は32 MiBを超えています。証拠として引き渡してください"),
            ));
        }
        let content = std::fs::read(path).map_err(|error| failed(&error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let taken = ask(async { client.attach_to_report(&arguments.id, &name, content).await })?;
        if output.is_json() {
            output.object(&taken);
            continue;
        }
        output.result(format!("{} {}", taken.file.sha256, taken.file.name));
        if taken.file.active {
            output.say(
                "note: the file does something when it is opened",
                "注意：開くと動作するおそれのあるファイルです",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn form(output: &Output, arguments: &FormArgs) -> Result<ExitCode, Failure> {
    let client = client(&arguments.link)?;
    let names = [&arguments.regime, &arguments.stage, &arguments.recipient].map(String::as_str);
    let form = ask(async { client.report_form(&arguments.id, names).await })?;
    if output.is_json() {
        output.object(&form);
    } else {
        output.result(in_words(output, &form.text).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn file(output: &Output, arguments: &FileArgs) -> Result<ExitCode, Failure> {
    let form = &arguments.form;
    // Before anything is filed: afterwards there would be nowhere to put the receipt.
    std::fs::create_dir_all(&arguments.out).map_err(|error| Failure::file(&arguments.out, &error))?;
    let send = arguments.send.unwrap_or_else(Uuid::new_v4);
    let new = NewReportFiling {
        send,
        regime: form.regime.clone(),
        stage: form.stage.clone(),
        recipient: form.recipient.clone(),
        version: arguments.of_version,
        given_to: arguments.given_to.clone(),
        at: arguments.at.clone(),
    };
    let client = client(&form.link)?;
    let filed = ask(async { client.file_report(&form.id, &new).await }).inspect_err(|failure| {
        if failure.is_system() {
            output.say(
                format!("whether it was filed is not known: repeat this with `--send {send}`, which files it once"),
                format!("提出されたかどうか分かりません。`--send {send}` を付けて繰り返してください。重ねて提出されることはありません"),
            );
        }
    })?;
    let kept = keep(output, &client, (&form.id, &filed.event), &arguments.out)?;
    if output.is_json() {
        output.object(&json!({ "filing": filed, "files": kept }));
    } else {
        output.result(&filed.event);
    }
    Ok(ExitCode::SUCCESS)
}

fn receipt(output: &Output, arguments: &ReceiptArgs) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(&arguments.out).map_err(|error| Failure::file(&arguments.out, &error))?;
    let client = client(&arguments.link)?;
    let kept = keep(output, &client, (&arguments.id, &arguments.filing), &arguments.out)?;
    if output.is_json() {
        output.object(&json!({ "files": kept }));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes copy and receipt of a filing; gives where.
fn keep(
    output: &Output,
    client: &Client,
    (report, filing): (&str, &str),
    folder: &Path,
) -> Result<Vec<String>, Failure> {
    let fetch = async {
        let copy = client.report_copy(report, filing).await?;
        let mut tries = 0;
        loop {
            match client.report_receipt(report, filing).await {
                Err(error) if error.is_passing() && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                receipt => return receipt.map(|receipt| [("json", copy), ("tlog-proof", receipt)]),
            }
        }
    };
    let mut kept = Vec::new();
    for (ending, bytes) in ask(fetch)? {
        let path = folder.join(format!("{filing}.{ending}"));
        std::fs::write(&path, bytes).map_err(|error| Failure::file(&path, &error))?;
        let shown = path.display().to_string();
        output.say(format!("`{shown}` is written"), format!("`{shown}` に書きました"));
        kept.push(shown);
    }
    Ok(kept)
}

fn verify(output: &Output, arguments: &VerifyReceiptArgs) -> Result<ExitCode, Failure> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| Failure::file(path, &error));
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::usage("policy", format!("the policy: {error}"), format!("方針ファイル：{error}"))
    };
    let policy = tlog::Policy::parse(&read(&arguments.policy)?).map_err(|error| unreadable(&error))?;
    let text = String::from_utf8(read(&arguments.receipt)?).unwrap_or_default();
    let copy = read(&arguments.copy)?;
    let shown = FilingReceipt::parse(&text).and_then(|receipt| receipt.verify(&copy, &policy));
    let shown = shown.map_err(|error| {
        let japanese = match &error {
            NoReceipt::OtherCopy { .. } => "写しは提出されたものではありません",
            NoReceipt::Unproved(_) => "ログはこの提出を証明していません",
            NoReceipt::Malformed(_) => "提出の受領証ではありません",
        };
        Failure::data("receipt", error.to_string(), format!("{japanese}：{error}"))
    })?;
    let fact = |name: &str| shown.event.detail.get(name).cloned().unwrap_or_default();
    if output.is_json() {
        output.object(&json!({
            "at": shown.at, "leaf": shown.leaf, "log": shown.log, "witnesses": shown.witnesses,
            "report": shown.event.objects, "regime": fact("regime"), "stage": fact("stage"),
            "recipient": fact("recipient"), "given_to": fact("given_to"),
        }));
    } else {
        output.result(format!(
            "{} {}/{}/{} {} {} {}",
            output.words("filed", "提出"),
            fact("regime"),
            fact("stage"),
            fact("recipient"),
            shown.at,
            shown.log,
            shown.leaf
        ));
    }
    Ok(ExitCode::SUCCESS)
}
