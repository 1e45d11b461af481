//! `yagura stix convert`, and reading foreign formats for `yagura import`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use misp::{Limits, Options};
use serde_json::{Value, json};
use stix::Object;
use stix::marking::Tlp;

use crate::output::{Failure, Output};
use crate::stix_command::read_file;

/// What files hold, and what is not written in them.
#[derive(Debug, Clone, Args)]
pub(crate) struct SourceArgs {
    /// What the files hold; by default each is looked at.
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    pub(crate) from: Format,
    /// The name of the source of a list of indicators; by default the file's.
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// TLP level of lists, and of MISP events that bear none; without it they stay unmarked, and with whoever brings them.
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub(crate) tlp: Option<Tlp>,
    /// Confidence of a list of indicators, 0 to 100.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) confidence: Option<u8>,
}

/// `yagura stix convert`.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// What to make of them.
    #[arg(long, value_enum, default_value_t = Target::Stix)]
    pub(crate) to: Target,
    /// Write here; by default to standard output.
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// Write an account here: what became what, what is kept in an extension, what deserves a look (JSON).
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Files, or folders that are MISP feeds; `-` is standard input. `.gz` and `.zst` are read through.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Look at it.
    Auto,
    /// STIX 2.1 or 2.0.
    Stix,
    /// MISP events, or a folder that is a MISP feed.
    Misp,
    /// A CSAF 2.0 advisory.
    Csaf,
    /// CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// EPSS scores (CSV).
    Epss,
    /// Any text with values in it, defanged or not.
    Freetext,
    /// A list of indicators with columns.
    Csv,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// One STIX bundle.
    Stix,
    /// MISP events.
    Misp,
}

/// Objects, and the account of how they were made.
#[derive(Default)]
pub(crate) struct Converted {
    pub(crate) objects: Vec<Bytes>,
    pub(crate) account: misp::Report,
}

fn level(text: &str) -> Result<Tlp, String> {
    Tlp::parse(&text.to_ascii_lowercase())
        .ok_or_else(|| "one of `clear`, `green`, `amber`, `amber+strict`, `red`".to_owned())
}

/// Carries out the command; exit 1 where something was lost or a file's part was passed over.
pub(crate) fn run(output: &Output, arguments: &ConvertArgs) -> Result<ExitCode, Failure> {
    let mut all = Converted::default();
    for path in &arguments.files {
        let converted = read_as_stix(path, &arguments.source)?;
        all.objects.extend(converted.objects);
        all.account.add(converted.account);
    }
    let text = match arguments.to {
        Target::Stix => bundle(&all.objects),
        Target::Misp => {
            let objects: Vec<Object> =
                all.objects.iter().filter_map(|bytes| Object::parse(bytes.clone()).ok()).collect();
            let made = misp::to_misp(&objects);
            all.account.add(made.report);
            misp_text(made.events)
        }
    };
    match &arguments.output {
        Some(path) => std::fs::write(path, text).map_err(|e| Failure::file(path, &e))?,
        None => output.result(text),
    }
    if let Some(path) = &arguments.report {
        let account = serde_json::to_vec_pretty(&all.account).unwrap_or_default();
        std::fs::write(path, account).map_err(|e| Failure::file(path, &e))?;
    }
    tell(output, &all.account);
    Ok(if all.account.lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Tells what deserves a look.
pub(crate) fn tell(output: &Output, account: &misp::Report) {
    for warning in &account.warnings {
        let line = format!("{}: {} [{}]", warning.element, warning.message, warning.code);
        output.say(&line, &line);
    }
    let made: u64 = account.converted.values().sum();
    let kept: u64 = account.kept_in_extension.values().sum();
    let lost: u64 = account.lost.values().sum();
    output.say(
        format!("{made} made, {kept} fields kept in extensions, {lost} lost"),
        format!("変換 {made} 件、拡張に保持した項目 {kept} 件、失われたもの {lost} 件"),
    );
}

/// The objects of a file of any format that is known, as STIX.
pub(crate) fn read_as_stix(path: &Path, source: &SourceArgs) -> Result<Converted, Failure> {
    if path.is_dir() {
        return feed(path, source);
    }
    convert(path, &read_file(path)?, source)
}

/// The objects of a text of any format that is known; `path` is what it is called.
pub(crate) fn convert(path: &Path, content: &Bytes, source: &SourceArgs) -> Result<Converted, Failure> {
    let format = match source.from {
        Format::Auto => guess(path, content),
        given => given,
    };
    match format {
        Format::Stix | Format::Auto => {
            let objects =
                stix::bundle::split(content).map_err(|e| unreadable(path, "stix-file", &e.to_string()))?;
            Ok(Converted { objects, ..Converted::default() })
        }
        Format::Misp => {
            let events = misp::read(content, &Limits::default())
                .map_err(|e| unreadable(path, e.code, &e.to_string()))?;
            Ok(from_misp(&events, source))
        }
        Format::Csaf => {
            advisory::csaf(content).map_err(|e| unreadable(path, e.code, &e.to_string())).map(advised(path))
        }
        Format::Kev => {
            advisory::kev(content).map_err(|e| unreadable(path, e.code, &e.to_string())).map(advised(path))
        }
        Format::Epss => {
            let today = jiff::Timestamp::now().to_string();
            advisory::epss(content, &today)
                .map_err(|e| unreadable(path, e.code, &e.to_string()))
                .map(advised(path))
        }
        Format::Freetext => {
            let made = misp::list::from_text(&String::from_utf8_lossy(content), &list_source(path, source));
            Ok(Converted { objects: made.objects, account: made.report })
        }
        Format::Csv => {
            let made = misp::list::from_csv(content, &list_source(path, source))
                .map_err(|e| unreadable(path, "csv", &e.to_string()))?;
            Ok(Converted { objects: made.objects, account: made.report })
        }
    }
}

/// What events of MISP become.
pub(crate) fn from_misp(events: &[misp::Event], source: &SourceArgs) -> Converted {
    let made = misp::to_stix(events, &options(source));
    Converted { objects: made.objects, account: made.report }
}

fn options(source: &SourceArgs) -> Options {
    Options { now: jiff::Timestamp::now(), unmarked: source.tlp }
}

fn list_source(path: &Path, source: &SourceArgs) -> misp::list::Source {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    misp::list::Source {
        name: source.source.clone().unwrap_or(name),
        confidence: source.confidence,
        tlp: source.tlp,
        date: jiff::Timestamp::now(),
    }
}

/// An advisory's objects with its warnings in the common form.
fn advised(path: &Path) -> impl FnOnce(advisory::Made) -> Converted {
    let element = path.display().to_string();
    move |made| {
        let mut account = misp::Report::default();
        for object in made.objects.iter().filter_map(|bytes| Object::parse(bytes.clone()).ok()) {
            *account.converted.entry(object.object_type().to_owned()).or_default() += 1;
        }
        let warning = |message| misp::Warning { code: "advisory", element: element.clone(), message };
        account.warnings = made.warnings.into_iter().map(warning).collect();
        Converted { objects: made.objects, account }
    }
}

/// A folder that is a MISP feed: every event that its manifest lists.
fn feed(folder: &Path, source: &SourceArgs) -> Result<Converted, Failure> {
    let manifest_path = folder.join(misp::feed::MANIFEST);
    let manifest = read_file(&manifest_path)?;
    let entries = misp::feed::manifest(&manifest, &Limits::default())
        .map_err(|e| unreadable(&manifest_path, e.code, &e.to_string()))?;
    let mut all = Converted::default();
    for entry in entries {
        let path = folder.join(entry.file_name());
        let events = misp::read(&read_file(&path)?, &Limits::default())
            .map_err(|e| unreadable(&path, e.code, &e.to_string()))?;
        let made = misp::to_stix(&events, &options(source));
        all.objects.extend(made.objects);
        all.account.add(made.report);
    }
    Ok(all)
}

fn unreadable(path: &Path, code: &'static str, cause: &str) -> Failure {
    let path = path.display();
    Failure::data(code, format!("`{path}`: {cause}"), format!("`{path}` を読めません：{cause}"))
}

/// What a file holds, by what it begins with.
fn guess(path: &Path, content: &[u8]) -> Format {
    let text = content.trim_ascii_start();
    if text.starts_with(b"{") || text.starts_with(b"[") {
        let head =
            String::from_utf8_lossy(text.get(..1_024).unwrap_or(text)).replace([' ', '\n', '\r', '\t'], "");
        if head.contains("\"type\":\"bundle\"") || head.contains("\"spec_version\":\"2.") {
            return Format::Stix;
        }
        let Ok(whole) = serde_json::from_slice::<Value>(content) else { return Format::Stix };
        let first = whole.as_array().and_then(|list| list.first()).unwrap_or(&whole);
        let has = |name: &str| first.get(name).is_some();
        return if whole.pointer("/document/csaf_version").is_some() {
            Format::Csaf
        } else if has("catalogVersion") {
            Format::Kev
        } else if !has("type") && (has("Event") || has("response") || has("Attribute") || has("info")) {
            Format::Misp
        } else {
            Format::Stix
        };
    }
    let head = String::from_utf8_lossy(content.get(..2_048).unwrap_or(content)).into_owned();
    let is_scores = |line: &str| {
        line.starts_with("#model_version")
            || (line.starts_with("CVE-") && line.matches([',', ';']).count() == 2)
    };
    if head.lines().any(is_scores) {
        return Format::Epss;
    }
    if path.extension().is_some_and(|extension| extension == "csv") { Format::Csv } else { Format::Freetext }
}

fn bundle(objects: &[Bytes]) -> String {
    let mut known = std::collections::HashSet::new();
    let mut text = format!("{{\"type\":\"bundle\",\"id\":\"bundle--{}\",\"objects\":[", uuid::Uuid::new_v4());
    for object in objects.iter().filter(|object| known.insert(*object)) {
        if !text.ends_with('[') {
            text.push(',');
        }
        text.push_str(&String::from_utf8_lossy(object));
    }
    text.push_str("]}");
    text
}

/// As MISP answers a search: its own import reads it.
pub(crate) fn misp_text(events: Vec<misp::Event>) -> String {
    let events: Vec<Value> = events.into_iter().map(misp::Event::into_json).collect();
    match <[Value; 1]>::try_from(events) {
        Ok([event]) => event.to_string(),
        Err(events) => json!({ "response": events }).to_string(),
    }
}
