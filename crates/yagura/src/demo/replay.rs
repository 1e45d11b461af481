//! Plays the sample telemetry as if it happened now. The script's form is told in `sample/README.md`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The attack goes on with pauses so many times longer once it has been told.
const AFTERWARDS: u32 = 8;
/// Pause between two rounds of the same part.
const BETWEEN_ROUNDS: Duration = Duration::from_secs(2);

/// A log of an edge: its name and its script.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    /// The file's name.
    pub(super) name: &'static str,
    script: &'static str,
}

#[derive(rust_embed::RustEmbed)]
#[folder = "../../sample/telemetry"]
struct Scripts;

/// The logs that an edge of the sample reads.
pub(super) fn logs_of(edge: &str) -> Vec<Log> {
    let folder = format!("{edge}/");
    let script = |path: std::borrow::Cow<'static, str>| {
        let name: &'static str = Box::leak(path.strip_prefix(&folder)?.to_owned().into_boxed_str());
        let text = String::from_utf8(Scripts::get(&path)?.data.into_owned()).ok()?;
        Some(Log { name, script: Box::leak(text.into_boxed_str()) })
    };
    Scripts::iter().filter_map(script).collect()
}

/// One record of a script.
#[derive(Debug, Clone, Copy)]
struct Record {
    at: Duration,
    text: &'static str,
}

/// Writes one log as its script says.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    header: Vec<&'static str>,
    ordinary: Vec<Record>,
    attack: Vec<Record>,
    number: u64,
}

impl Writer {
    /// Reads a script; lines that are none of it are left out.
    pub(super) fn new(log: &Log, path: PathBuf) -> Self {
        let mut writer =
            Self { path, header: Vec::new(), ordinary: Vec::new(), attack: Vec::new(), number: 0 };
        for line in log.script.lines() {
            if line.starts_with('#') {
                writer.header.push(line);
            } else if let Some((part, record)) = parse(line) {
                match part {
                    "attack" => writer.attack.push(record),
                    _ => writer.ordinary.push(record),
                }
            }
        }
        writer
    }

    /// Plays until stopped: ordinary traffic from now on, the attack from when `begun` turns true.
    pub(super) async fn play(mut self, begun: watch::Receiver<bool>) {
        if let Err(error) = self.play_on(begun).await {
            tracing::warn!(log = %self.path.display(), %error, "the sample log cannot be written");
        }
    }

    async fn play_on(&mut self, mut begun: watch::Receiver<bool>) -> std::io::Result<()> {
        let mut file = append_to(&self.path)?;
        if file.metadata()?.len() == 0 {
            for line in &self.header {
                writeln!(file, "{line}")?;
            }
        }
        let ordinary = std::mem::take(&mut self.ordinary);
        let attack = std::mem::take(&mut self.attack);
        let mut plain = Round::of(&ordinary, 1);
        let mut hostile: Option<Round> = None;
        loop {
            tokio::select! {
                text = next(Some(&mut plain), &ordinary) => self.write(&mut file, text)?,
                text = next(hostile.as_mut(), &attack) => self.write(&mut file, text)?,
                told = begun.changed(), if hostile.is_none() => {
                    if told.is_err() {
                        // Nobody can tell any more: the demo is ending.
                        return Ok(());
                    }
                    hostile = Some(Round::of(&attack, AFTERWARDS));
                }
            }
        }
    }

    fn write(&mut self, file: &mut std::fs::File, text: &str) -> std::io::Result<()> {
        self.number += 1;
        let now = jiff::Timestamp::now();
        let iso = now.strftime("%Y-%m-%dT%H:%M:%S%.6f+0000").to_string();
        let epoch = format!("{}.{:06}", now.as_second(), now.subsec_microsecond());
        let number = format!("{}{:06}", now.as_second(), self.number % 1_000_000);
        let line = text.replace("{{iso}}", &iso).replace("{{epoch}}", &epoch).replace("{{number}}", &number);
        writeln!(file, "{line}")
    }
}

fn append_to(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)
}

fn parse(line: &'static str) -> Option<(&'static str, Record)> {
    let (head, text) = line.split_once('\t')?;
    let (part, seconds) = head.split_once(' ')?;
    let at = Duration::try_from_secs_f64(seconds.trim().parse().ok()?).ok()?;
    Some((part, Record { at, text }))
}

/// A part being played: which record comes next, and when.
struct Round {
    begun: Instant,
    next: usize,
    /// How much slower than written this round is played, and the later ones.
    slower: u32,
    slower_afterwards: u32,
}

impl Round {
    fn of(records: &[Record], slower_afterwards: u32) -> Self {
        // A part without records is never due; it is asked again once a day.
        let begun =
            if records.is_empty() { Instant::now() + Duration::from_secs(86_400) } else { Instant::now() };
        Self { begun, next: 0, slower: 1, slower_afterwards }
    }
}

/// Waits for the next record of a part. Cancelled, it loses nothing; of a part that has not begun there is none.
async fn next(round: Option<&mut Round>, records: &[Record]) -> &'static str {
    let Some(round) = round else { return std::future::pending().await };
    loop {
        match records.get(round.next) {
            Some(record) => {
                tokio::time::sleep_until(round.begun + record.at * round.slower).await;
                round.next += 1;
                return record.text;
            }
            None => {
                let last =
                    records.last().map_or(Duration::from_secs(86_400), |record| record.at) * round.slower;
                round.begun += last + BETWEEN_ROUNDS;
                round.next = 0;
                round.slower = round.slower_afterwards;
            }
        }
    }
}
