//! `yagura log statistics`: numbers for the public, counted from a whole log of authorisations and the records that it commits to.
//!
//! The program is the publication: whoever is given log and records runs it again and compares.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use api::OversightRecord;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use oversight::authorisation::{
    Category, CategoryCounts, Opened, Question, STATEMENT_KIND, Statement, Statistics, Told,
};
use serde::Deserialize;
use tlog::{VerifyingKey, leaf_hash, open_text};
use witness::{VerifyConfig, read_statement_key};

use super::files::{differs, read_policy, read_text, source, stopped, unusable};
use crate::cli::StatisticsArgs;
use crate::output::{Failure, Output};

/// An answer of the hub, or a record alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Many { records: Vec<OversightRecord> },
    One(OversightRecord),
}

pub(super) fn run(output: &Output, arguments: &StatisticsArgs) -> Result<ExitCode, Failure> {
    let counted = count(arguments)?;
    if let (Some(published), Some(key)) = (&arguments.compare, &arguments.signed_by) {
        return compare(output, counted, published, key);
    }
    let text = String::from_utf8(counted.canonical()).map_err(|e| stopped(&e))?;
    match (&arguments.out, &arguments.key) {
        (Some(out), Some(key)) => {
            let key = read_statement_key(key).map_err(|e| unusable("key", &e.to_string()))?;
            write(out, &key.sign_statement(STATEMENT_KIND, &text))?;
        }
        (Some(out), None) => write(out, &format!("{text}\n"))?,
        (None, _) => output.result(&text),
    }
    if arguments.out.is_some() {
        tell(output, &counted);
    }
    Ok(ExitCode::SUCCESS)
}

/// Counts from the verified log, all of it.
fn count(arguments: &StatisticsArgs) -> Result<Statistics, Failure> {
    let zone = TimeZone::get(&arguments.zone).map_err(|e| unusable("zone", &e.to_string()))?;
    let (from, until) = (time("since", &arguments.since, &zone)?, time("until", &arguments.until, &zone)?);
    let config = VerifyConfig {
        source: source(&arguments.from)?,
        policy: read_policy(&arguments.policy)?,
        log: None,
        since: None,
    };
    let (verified, entries) =
        crate::block_on(async { witness::read(&config).await.map_err(|faults| differs(&faults)) })?;
    let mut records = records(&arguments.records)?;
    let checkpoint = verified.witnessed.checkpoint();
    let corrected = arguments.corrects.as_deref().map(std::fs::read).transpose();
    let corrected = corrected.map_err(|e| unusable("corrects", &e.to_string()))?;
    let question = Question {
        log: checkpoint.origin.clone(),
        from,
        until,
        suppressed_below: arguments.suppress_below,
        corrects: corrected.as_deref().map(leaf_hash),
    };
    let opened = (0_u64..).zip(entries).map(|(leaf, entry)| Opened { entry, record: records.remove(&leaf) });
    Statistics::count(&question, (checkpoint.size, verified.witnessed.root()), opened).map_err(|e| {
        Failure::data(
            "statistics-not-counted",
            format!("nothing is counted: {e}"),
            format!("集計できません：{e}"),
        )
    })
}

/// A time, or the beginning of a day.
fn time(name: &'static str, text: &str, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let of_day = || text.parse::<Date>().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(of_day).ok_or_else(|| {
        unusable(name, &format!("`{text}` is neither a date such as 2026-01-01 nor a time (RFC 3339)"))
    })
}

/// Salts and records by their places in the log.
type Records = BTreeMap<u64, ([u8; 32], Vec<u8>)>;

fn records(path: &Path) -> Result<Records, Failure> {
    let malformed = |why: String| unusable("records", &format!("`{}`: {why}", path.display()));
    let text = read_text(path)?;
    let mut records = Records::new();
    for part in serde_json::Deserializer::from_str(&text).into_iter::<Part>() {
        let many = match part.map_err(|e| malformed(e.to_string()))? {
            Part::Many { records } => records,
            Part::One(record) => vec![record],
        };
        for OversightRecord { leaf, record, salt } in many {
            let mut octets = [0; 32];
            hex::decode_to_slice(&salt, &mut octets).map_err(|_| {
                malformed(format!("the salt of entry {leaf} is not of 64 hexadecimal digits"))
            })?;
            records.insert(leaf, (octets, record.into_bytes()));
        }
    }
    Ok(records)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|e| Failure::file(path, &e))
}

/// Whether what was published says the same. It may have been counted when the log was shorter: then it is compared as of then.
fn compare(
    output: &Output,
    mut counted: Statistics,
    published: &Path,
    key: &str,
) -> Result<ExitCode, Failure> {
    let key = VerifyingKey::parse(key).map_err(|e| unusable("signed-by", &e.to_string()))?;
    let note = read_text(published)?;
    open_text(&note, &key).map_err(|e| differs(&e))?;
    let statement = Statement::read(&note, std::slice::from_ref(&key)).ok();
    // What it corrects is said by whoever publishes, and not counted.
    counted.corrects = statement.as_ref().and_then(|statement| statement.statistics.corrects.clone());
    let is_same = statement.as_ref().is_some_and(|statement| statement.statistics == counted);
    if is_same {
        output.say(
            format!("`{}` says what the log says, and is signed by {}", published.display(), key.name()),
            format!("`{}` の数はログと一致し、{} が署名しています", published.display(), key.name()),
        );
        return Ok(ExitCode::SUCCESS);
    }
    let (why, why_ja) = match statement {
        None => ("it holds no statistics", "統計ではありません"),
        Some(other) if other.statistics.size != counted.size => (
            "it was counted from another size of the log: mirror the log as of then",
            "別の時点のログから集計されています。その時点の複製と比べてください",
        ),
        Some(_) => ("its numbers are others", "数が一致しません"),
    };
    Err(Failure::data(
        "statistics-differ",
        format!("`{}` is not what the log says: {why}", published.display()),
        format!("`{}` はログと一致しません：{why_ja}", published.display()),
    ))
}

fn tell(output: &Output, counted: &Statistics) {
    let numbers = |counts: &CategoryCounts| {
        [
            counts.requested,
            counts.requested_in_emergency,
            counts.granted,
            counts.granted_in_emergency,
            counts.used,
        ]
        .map(|told| match told {
            Told::Number(number) => number.to_string(),
            Told::Few => format!("<{}", counted.suppressed_below),
        })
        .join(" / ")
    };
    output.say(
        "asked / asked in emergency / granted / granted in emergency / used",
        "申請／緊急の申請／承認／緊急の承認／利用",
    );
    for category in Category::ALL {
        let said = counted.categories.get(category).map(numbers).unwrap_or_default();
        output.say(format!("{category}: {said}"), format!("{category}：{said}"));
    }
}
