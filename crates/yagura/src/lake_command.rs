//! `yagura lake`: telemetry history in a folder or a bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use jiff::Timestamp;
use lake::{Contents, Keep, Lake, LakeError, Limits, Origin, SourceState, Writer};
use serde::Serialize;
use telemetry::{Columns, Reader, Unreadable};
use uuid::Uuid;

use crate::hunt_command::segments_bar;
use crate::match_command::logs::{Log, Piece};
use crate::match_command::{LogFormat, intel, progress, words};
use crate::output::{Failure, Output};

/// `yagura lake`.
#[derive(Debug, Args)]
pub(crate) struct LakeArgs {
    #[command(subcommand)]
    pub(crate) command: LakeCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LakeCommand {
    /// Take logs into a lake; what is in it already is not taken twice.
    Add(AddArgs),
    /// Merge what is over to days and months, and take out what is too old.
    Compact(CompactArgs),
    /// Say what a lake holds.
    Status(StatusArgs),
    /// Read every file of a lake and hold it against its checksum.
    Check(CheckArgs),
}

/// `yagura lake add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The lake's folder, made if there is none, or `s3://bucket/prefix?endpoint=https://s3.example.jp`.
    #[arg(value_name = "LAKE")]
    pub(crate) lake: PathBuf,
    /// Logs; `-` is standard input. `.gz` and `.zst` are read through.
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<PathBuf>,
    /// Format of the logs; by default each line is judged by itself.
    #[arg(long, value_enum, default_value_t = LogFormat::Auto)]
    pub(crate) format: LogFormat,
    /// What the columns of separated values mean (TOML or JSON); the format is then `csv`.
    #[arg(long, value_name = "FILE")]
    pub(crate) columns: Option<PathBuf>,
    /// Keep each record's text as well, not only the values, ports and counts in it. A lake keeps one or the other.
    #[arg(long)]
    pub(crate) full: bool,
    /// Do not merge segments at the end.
    #[arg(long)]
    pub(crate) no_compact: bool,
}

/// `yagura lake compact`.
#[derive(Debug, Args)]
pub(crate) struct CompactArgs {
    /// The lake's folder or address.
    #[arg(value_name = "LAKE")]
    pub(crate) lake: PathBuf,
    /// Take out what is older than so many days; `KIND=DAYS` for one kind of records. May be given several times.
    #[arg(long, value_name = "[KIND=]DAYS")]
    pub(crate) keep: Vec<String>,
}

/// `yagura lake status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The lake's folder or address.
    #[arg(value_name = "LAKE")]
    pub(crate) lake: PathBuf,
}

/// `yagura lake check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The lake's folder or address.
    #[arg(value_name = "LAKE")]
    pub(crate) lake: PathBuf,
}

/// Runs the command.
pub(crate) fn run(output: &Output, arguments: &LakeArgs) -> Result<ExitCode, Failure> {
    match &arguments.command {
        LakeCommand::Add(arguments) => add(output, arguments),
        LakeCommand::Compact(arguments) => compact(output, arguments),
        LakeCommand::Status(arguments) => status(output, arguments),
        LakeCommand::Check(arguments) => check(output, arguments),
    }
}

/// What is wrong with a lake, in both languages.
pub(crate) fn failure(error: &LakeError) -> Failure {
    let english = error.to_string();
    let japanese = match error {
        LakeError::Disk { path, cause } => format!("`{}` を扱えません：{cause}", path.display()),
        LakeError::Busy => "別のプロセスがこのレイクに書き込み中です。終わってからやり直してください".to_owned(),
        LakeError::NoLake(path) => {
            format!("`{}` にレイクがありません。`yagura lake add` で作れます", path.display())
        }
        LakeError::Format(format) => {
            format!("レイクの形式 {format} はこの版では読めません。新しい版を使ってください")
        }
        LakeError::Outdated(format) => {
            format!("レイクの形式 {format} は公開前のもので、もう読めません。新しいレイクにログを取り込み直してください")
        }
        LakeError::Overtaken => {
            "別のプロセスが先にこのレイクに書き込んだため、今回の分は確定していません。やり直してください".to_owned()
        }
        LakeError::Stopped => {
            "レイクのファイルの書き込みが途中で止まりました。今回の分は確定していません".to_owned()
        }
        LakeError::Damaged { path, what } => {
            let advice = "バックアップから戻すか、新しいレイクにログを取り込み直してください";
            format!("`{}` が壊れています：{what}。{advice}", path.display())
        }
        LakeError::Overlapping(most) => {
            format!("{most} を超える区分の時間が重なっています。先に `yagura lake compact` を実行してください")
        }
        LakeError::Contents(_) => {
            "レイクの保存内容（機械的な情報だけか全文か）が作成時の指定と違います。一つのレイクでは変えられません".to_owned()
        }
    };
    match error {
        LakeError::Disk { .. } | LakeError::Damaged { .. } | LakeError::Overtaken | LakeError::Stopped => {
            Failure::system(error.code(), english, japanese)
        }
        _ => Failure::usage(error.code(), english, japanese),
    }
}

/// What was taken in.
#[derive(Debug, Default, Serialize)]
struct Taken {
    lines: u64,
    records: u64,
    /// Records that were in the lake already.
    known: u64,
    unreadable: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    examples: BTreeMap<&'static str, String>,
}

impl Taken {
    fn unreadable(&mut self, why: Unreadable) {
        *self.unreadable.entry(why.code()).or_default() += 1;
        self.examples.entry(why.code()).or_insert_with(|| why.to_string());
    }
}

fn add(output: &Output, arguments: &AddArgs) -> Result<ExitCode, Failure> {
    let columns = arguments.columns.as_deref().map(intel::columns).transpose()?;
    let known = Writer::contents_of(&arguments.lake).map_err(|error| failure(&error))?;
    let contents = if arguments.full { Contents::Full } else { known.unwrap_or_default() };
    let mut writer =
        Writer::open(&arguments.lake, contents, Limits::default()).map_err(|error| failure(&error))?;
    let mut taken = Taken::default();
    let mut failed = None;
    for path in &arguments.logs {
        let mut log = match Log::open(path) {
            Ok(log) => log,
            // Like grep: say what is wrong with one file and go on with the next.
            Err(failure) => {
                failed = Some(output.fail(&failure));
                continue;
            }
        };
        let progress = progress(output, log.bytes());
        let took = take(&mut log, path, &mut writer, arguments, columns.as_ref(), &progress, &mut taken);
        progress.finish_and_clear();
        took?;
    }
    if !arguments.no_compact {
        writer.compact(&Keep::default(), Timestamp::now()).map_err(|error| failure(&error))?;
    }
    tell(output, &taken);
    Ok(failed.unwrap_or(ExitCode::SUCCESS))
}

fn tell(output: &Output, taken: &Taken) {
    if output.is_json() {
        return output.object(taken);
    }
    output.say(
        format!("yagura: {} records taken in, {} were known", taken.records, taken.known),
        format!("yagura: {} 件を取り込みました（既知 {} 件）", taken.records, taken.known),
    );
    for (code, count) in &taken.unreadable {
        let english = taken.examples.get(code).map_or("", String::as_str);
        let japanese = words::japanese(code).unwrap_or(english);
        output.say(
            format!("yagura: {count} lines could not be read: {english} [{code}]"),
            format!("yagura: 読めない行が {count} 行ありました：{japanese} [{code}]"),
        );
    }
}

/// A log on its way into a lake.
struct Intake<'a> {
    writer: &'a mut Writer,
    reader: Reader,
    source: String,
    /// What tells this content from another under the same name.
    identity: String,
    /// Everything before this byte is in the lake.
    known_until: u64,
    uncommitted: u64,
}

/// After so many records they are committed, with how far the log was read: a few times what the writer holds, so that it
/// seldom waits for its files.
const COMMIT_RECORDS: u64 = 1 << 22;

/// A list is one whole: nothing is added to it.
const WHOLE: u64 = u64::MAX;

fn take(
    log: &mut Log,
    path: &Path,
    writer: &mut Writer,
    arguments: &AddArgs,
    columns: Option<&Arc<Columns>>,
    progress: &ProgressBar,
    taken: &mut Taken,
) -> Result<(), Failure> {
    let reader = match (columns, arguments.format.of_log(log.begins_like_json()?)) {
        (Some(columns), _) => Reader::csv(Arc::clone(columns)),
        (None, Some(format)) => Reader::new(format),
        (None, None) => Reader::auto(),
    };
    let source = match std::path::absolute(path) {
        Ok(absolute) if path != Path::new("-") => absolute.to_string_lossy().into_owned(),
        _ => "-".to_owned(),
    };
    let mut intake =
        Intake { writer, reader, source, identity: String::new(), known_until: 0, uncommitted: 0 };
    let (mut offset, mut line, mut end) = (0, 1, 0);
    while let Some(piece) = log.next_piece()? {
        match piece {
            Piece::Lines(chunk) => {
                for text in chunk.split_inclusive(|byte| *byte == b'\n') {
                    let plain = text.strip_suffix(b"\n").unwrap_or(text);
                    let whole = plain.len() < text.len();
                    let read = intake.take(plain, (line, offset), taken)?;
                    offset += text.len() as u64;
                    line += 1;
                    // A last line that is still being written is read again, unless it is a record by itself.
                    if whole || read {
                        end = offset;
                    }
                    intake.commit_if_many(end)?;
                }
            }
            Piece::Record { text, line, offset } => {
                intake.take(text, (line, offset), taken)?;
                end = WHOLE;
            }
            Piece::TooLong { bytes } => {
                taken.unreadable(Unreadable::TooLong);
                offset += bytes;
                line += 1;
            }
        }
        progress.set_position(log.position());
    }
    intake.commit(end)
}

impl Intake<'_> {
    /// Takes one line; whether it is a record.
    fn take(&mut self, text: &[u8], (line, offset): (u64, u64), taken: &mut Taken) -> Result<bool, Failure> {
        if self.identity.is_empty() {
            self.recognise(text);
        }
        taken.lines += 1;
        match self.reader.read(text) {
            Ok(Some(_)) if offset < self.known_until => {
                taken.known += 1;
                Ok(true)
            }
            Ok(Some(record)) => {
                let origin = Origin { source: &self.source, line, offset, read: Timestamp::now(), text };
                self.writer.push(&record, &origin).map_err(|error| failure(&error))?;
                taken.records += 1;
                self.uncommitted += 1;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(why) => {
                taken.unreadable(why);
                Ok(false)
            }
        }
    }

    /// A log is the one that is known by its name if it begins with the same line. Standard input never is.
    fn recognise(&mut self, first: &[u8]) {
        const FIRST_BYTES: usize = 1024;
        let first = first.get(..FIRST_BYTES).unwrap_or(first);
        self.identity = Uuid::new_v5(&Uuid::NAMESPACE_OID, first).to_string();
        let known = self.writer.source(&self.source).filter(|known| known.identity == self.identity);
        self.known_until = known.filter(|_| self.source != "-").map_or(0, |known| known.offset);
    }

    fn commit_if_many(&mut self, end: u64) -> Result<(), Failure> {
        if self.uncommitted >= COMMIT_RECORDS { self.commit(end) } else { Ok(()) }
    }

    fn commit(&mut self, end: u64) -> Result<(), Failure> {
        self.uncommitted = 0;
        let offset = end.max(self.known_until);
        let state = SourceState { identity: self.identity.clone(), offset, ..SourceState::default() };
        let named = [(self.source.clone(), state)];
        let sources = if self.source == "-" { &[][..] } else { &named[..] };
        self.writer.commit(sources, Timestamp::now()).map_err(|error| failure(&error))
    }
}

fn compact(output: &Output, arguments: &CompactArgs) -> Result<ExitCode, Failure> {
    let keep = keep(&arguments.keep)?;
    let known = Writer::contents_of(&arguments.lake).map_err(|error| failure(&error))?;
    let contents = known.ok_or_else(|| failure(&LakeError::NoLake(arguments.lake.clone())))?;
    let mut writer =
        Writer::open(&arguments.lake, contents, Limits::default()).map_err(|error| failure(&error))?;
    let done = writer.compact(&keep, Timestamp::now()).map_err(|error| failure(&error))?;
    if output.is_json() {
        output.object(&serde_json::json!({
            "merged": done.merged, "written": done.written, "expired": done.expired,
        }));
    }
    output.say(
        format!("yagura: {} segments made {}, {} records taken out", done.merged, done.written, done.expired),
        format!(
            "yagura: 区分 {} 個を {} 個にまとめ、{} 件を削除しました",
            done.merged, done.written, done.expired
        ),
    );
    Ok(ExitCode::SUCCESS)
}

fn keep(texts: &[String]) -> Result<Keep, Failure> {
    let mut keep = Keep::default();
    for text in texts {
        let (kind, days) =
            text.rsplit_once('=').map_or((None, text.as_str()), |(kind, days)| (Some(kind), days));
        let days = days.parse::<u32>().map_err(|_| {
            Failure::usage(
                "keep",
                format!("`--keep {text}` is no number of days, perhaps behind `KIND=`"),
                format!("`--keep {text}` は日数（`種類=日数` も可）ではありません"),
            )
        })?;
        match kind {
            Some(kind) => _ = keep.by_kind.insert(kind.to_owned(), days),
            None => keep.days = Some(days),
        }
    }
    Ok(keep)
}

/// What a lake holds of one kind.
#[derive(Debug, Default, Serialize)]
struct OfKind {
    segments: u64,
    records: u64,
    parquet_bytes: u64,
    rows_bytes: u64,
    index_bytes: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

fn status(output: &Output, arguments: &StatusArgs) -> Result<ExitCode, Failure> {
    let lake = Lake::open(&arguments.lake).map_err(|error| failure(&error))?;
    let mut kinds: BTreeMap<&str, OfKind> = BTreeMap::new();
    for segment in lake.segments() {
        let kind = kinds.entry(&segment.kind).or_default();
        let time = |nanoseconds| Timestamp::from_nanosecond(i128::from(nanoseconds)).ok();
        kind.segments += 1;
        kind.records += u64::from(segment.rows);
        kind.parquet_bytes += segment.parquet_bytes;
        kind.rows_bytes += segment.rows_bytes;
        kind.index_bytes += segment.index_bytes;
        kind.first = kind.first.into_iter().chain(time(segment.from)).min();
        kind.last = kind.last.max(time(segment.until));
    }
    if output.is_json() {
        output.object(&kinds);
        return Ok(ExitCode::SUCCESS);
    }
    let heading =
        output.words("records  segments  Parquet, rows, index MiB", "件数  区分  Parquet・行・索引 MiB");
    output.result(format!("{:<20} {heading}", ""));
    for (kind, of) in kinds {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let span =
            of.first.zip(of.last).map_or_else(String::new, |(first, last)| format!("{first} – {last}"));
        output.result(format!(
            "{kind:<20} {}  {}  {}  {}  {}  {span}",
            of.records,
            of.segments,
            mib(of.parquet_bytes),
            mib(of.rows_bytes),
            mib(of.index_bytes)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(output: &Output, arguments: &CheckArgs) -> Result<ExitCode, Failure> {
    let lake = Lake::open(&arguments.lake).map_err(|error| failure(&error))?;
    let bar = segments_bar(output, lake.segments().len() as u64);
    let checked = lake.check(&mut |done| bar.set_position(done));
    bar.finish_and_clear();
    let segments = checked.map_err(|error| failure(&error))?;
    if output.is_json() {
        output.object(&serde_json::json!({ "segments": segments }));
    }
    output.say(
        format!("yagura: {segments} segments are as they were written"),
        format!("yagura: 区分 {segments} 個はすべて書き込んだときのままです"),
    );
    Ok(ExitCode::SUCCESS)
}
