//! `yagura match`: indicators against logs, without a server, as one uses grep.

mod explain;
pub(crate) mod intel;
pub(crate) mod logs;
pub(crate) mod report;
mod rules;
mod shown;
mod stats;
pub(crate) mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use matcher::{IndicatorSet, Scanner};
use sigma::RuleSet;
use telemetry::{Binary, Columns, Format, Reader};

use crate::match_command::explain::Explainer;
use crate::match_command::intel::IntelArgs;
use crate::match_command::logs::{Log, Piece};
use crate::match_command::report::{Places, Report, Totals};
use crate::match_command::rules::Ruled;
use crate::match_command::shown::{ShowArgs, Shown};
use crate::output::{Failure, Output};

/// `yagura match`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 something matched, 1 nothing matched, 2 an error.",
    mut_arg("intel", |intel| intel.required(false).required_unless_present("sigma"))
)]
pub(crate) struct MatchArgs {
    #[command(flatten)]
    pub(crate) indicators: IntelArgs,
    /// Sigma rules: files, and folders of `.yml` files. Indicators may hold Sigma rules as well.
    #[arg(long, value_name = "PATH", num_args = 1)]
    pub(crate) sigma: Vec<PathBuf>,
    /// Logs; `-` or none is standard input. `.gz` and `.zst` are read through.
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// Format of the logs; by default each line is judged by itself.
    #[arg(long, value_enum, default_value_t = LogFormat::Auto)]
    pub(crate) format: LogFormat,
    /// What the columns of separated values mean (TOML or JSON); the format is then `csv`.
    #[arg(long, value_name = "FILE")]
    pub(crate) columns: Option<PathBuf>,
    /// Match records from any time, also from before or after an indicator's validity.
    #[arg(long)]
    pub(crate) any_time: bool,
    /// What becomes of patterns that name no value to look up (`!=`, `LIKE '%x%'`, ports alone).
    #[arg(long, value_enum, default_value_t = Unanchored::All)]
    pub(crate) unanchored: Unanchored,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
    /// Colours: `auto` on a terminal that has them, and not where NO_COLOR is set.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
}

/// What becomes of patterns that no value leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unanchored {
    /// They are not used.
    Refuse,
    /// Every record is held against them.
    All,
}

/// A format of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Find out.
    Auto,
    /// Zeek, JSON or tab-separated.
    Zeek,
    /// This one.
    One(Format),
    /// This one, which is not made of lines.
    Binary(Binary),
}

impl ValueEnum for LogFormat {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<LogFormat>> = LazyLock::new(|| {
            let lines = Format::ALL.into_iter().map(LogFormat::One);
            let binary = Binary::ALL.into_iter().map(LogFormat::Binary);
            [LogFormat::Auto, LogFormat::Zeek].into_iter().chain(lines).chain(binary).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Auto => ("auto", "Find out"),
            Self::Zeek => ("zeek", "Zeek, JSON or tab-separated"),
            Self::One(format) => (format.name(), format.title()),
            Self::Binary(format) => (format.name(), format.title()),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl LogFormat {
    /// The format of a log that begins like JSON or not; `None`: each line is judged by itself.
    pub(crate) fn of_log(self, json: bool) -> Option<Format> {
        match self {
            Self::Auto => None,
            Self::Zeek if json => Some(Format::ZeekJson),
            Self::Zeek => Some(Format::ZeekTsv),
            Self::One(format) => Some(format),
            Self::Binary(format) => Some(format.lines()),
        }
    }

    /// The format of a log that is not made of lines: the one that was said, or the one that it begins like.
    pub(crate) fn binary(self, start: &[u8]) -> Option<Binary> {
        match self {
            Self::Binary(format) => Some(format),
            Self::Auto => Binary::detect(start),
            Self::One(lines) => Binary::detect(start).filter(|format| format.lines() == lines),
            Self::Zeek => None,
        }
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Runs the command; exit codes are those of grep.
pub(crate) fn run(output: &Output, arguments: &MatchArgs) -> ExitCode {
    match search(output, arguments) {
        Ok(code) => code,
        Err(failure) => output.fail(&failure),
    }
}

fn search(output: &Output, arguments: &MatchArgs) -> Result<ExitCode, Failure> {
    let columns = arguments.columns.as_deref().map(intel::columns).transpose()?;
    if columns.is_some() && !matches!(arguments.format, LogFormat::Auto | LogFormat::One(Format::Csv)) {
        return Err(Failure::usage(
            "columns-format",
            "`--columns` goes with `--format csv`",
            "`--columns` は `--format csv` と共に使います",
        ));
    }
    let mut report = Report::new(output, arguments.color);
    let (set, rules, mut totals) = what_to_look_for(output, arguments, &mut report)?;
    let mut shown = Shown::new(&arguments.show, &mut report);
    let stdin = [PathBuf::from("-")];
    let paths = if arguments.logs.is_empty() { &stdin[..] } else { &arguments.logs[..] };
    let mut failed = None;
    for path in paths {
        match search_log(output, arguments, (&set, &rules, columns.as_ref()), path, &mut shown, &mut totals) {
            Ok(()) => {}
            // Like grep: say what is wrong with one file and go on with the next.
            Err(failure) => failed = Some(output.fail(&failure)),
        }
        if shown.report.reader_is_gone() {
            break;
        }
    }
    totals.matches = shown.matches;
    totals.outside_time = shown.outside_time;
    if !shown.report.reader_is_gone() {
        totals.tell(output);
        if let Some(stats) = &shown.stats {
            stats.tell(output, &set);
        }
    }
    Ok(failed.unwrap_or(if shown.matches > 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }))
}

/// The indicators and the rules, the totals that say which of them are not used; and what explains matches, where that is asked
/// for.
fn what_to_look_for(
    output: &Output,
    arguments: &MatchArgs,
    report: &mut Report,
) -> Result<(Arc<IndicatorSet>, Arc<RuleSet>, Totals), Failure> {
    let (indicators, any_time) = (&arguments.indicators, arguments.any_time);
    let mut intel = intel::load(&indicators.intel)?;
    let of_indicators = std::mem::take(&mut intel.rules);
    let options = sigma::Options { confidence_min: indicators.min_confidence, any_time };
    let rules = rules::build(output, &arguments.sigma, of_indicators, options)?;
    let explainer = arguments
        .show
        .explain
        .then(|| Explainer::new(&intel.indicators, indicators.reach(), any_time, output.is_japanese()));
    let unanchored = arguments.unanchored == Unanchored::All;
    let (set, mut totals, lists) = indicators.compile(intel, any_time, unanchored)?;
    if set.is_empty() && rules.is_empty() {
        return Err(intel::nothing_to_look_for(output, &totals));
    }
    totals.rules = (!rules.is_empty()).then(|| rules.len());
    if let Some(explainer) = explainer {
        report.explain_with(explainer.asking(lists));
    }
    let count = set.unanchored();
    if count > 0 {
        output.say(
            format!("yagura: {count} comparisons name no value to look up, so every line is parsed; `--unanchored refuse` leaves them out"),
            format!("yagura: 値で索けない比較が {count} 件あるため、すべての行を解析します（`--unanchored refuse` で除外）"),
        );
    }
    Ok((Arc::new(set), rules, totals))
}

fn search_log(
    output: &Output,
    arguments: &MatchArgs,
    (set, rules, columns): (&Arc<IndicatorSet>, &Arc<RuleSet>, Option<&Arc<Columns>>),
    path: &std::path::Path,
    shown: &mut Shown<'_>,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let mut log = Log::open(path, arguments.format)?;
    let reader = match (columns, arguments.format.of_log(log.begins_like_json()?)) {
        (Some(columns), _) => Reader::csv(Arc::clone(columns)),
        (None, Some(format)) => Reader::new(format),
        (None, None) => Reader::auto(),
    };
    let progress = progress(output, log.bytes());
    let mut ruled = Ruled::new(rules, &reader, path);
    let mut scanner = Scanner::new(Arc::clone(set), reader);
    let read = read_log(&mut log, (&mut scanner, &mut ruled), path, &progress, shown, totals);
    shown.break_context();
    progress.finish_and_clear();
    ruled.add_to(totals);
    totals.add(scanner.tally());
    totals.add_undecoded(log.decoded());
    read
}

fn read_log(
    log: &mut Log,
    (scanner, ruled): (&mut Scanner, &mut Ruled<'_>),
    path: &std::path::Path,
    progress: &ProgressBar,
    shown: &mut Shown<'_>,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let (mut line, mut places) = (1, Places::default());
    while let Some(piece) = log.next_piece()? {
        let now = Timestamp::now();
        let is_read = !matches!(piece, Piece::TooLong { .. });
        let before = (shown.stats.is_some() && is_read).then(|| scanner.tally().clone());
        let (bytes, format) = (piece.bytes(), format_of(scanner, &piece));
        match piece {
            Piece::Lines(chunk) if shown.needs_lines() => {
                for text in chunk.split_inclusive(|byte| *byte == b'\n') {
                    places.note(scanner.tally().lines, line);
                    scanner.scan(text, now, &mut |found| shown.take(path, &places, found, progress));
                    ruled.scan(text, line, now, (shown, progress));
                    shown.line_done(path, line, text, progress);
                    line += 1;
                }
            }
            Piece::Lines(chunk) => {
                let before = scanner.tally().lines;
                places.note(before, line);
                scanner.scan(chunk, now, &mut |found| shown.take(path, &places, found, progress));
                ruled.scan(chunk, line, now, (shown, progress));
                line += scanner.tally().lines - before;
            }
            Piece::Record { text, line, .. } => {
                places.note(scanner.tally().lines, line);
                scanner.scan_line(text, now, &mut |found| shown.take(path, &places, found, progress));
                ruled.scan_record(text, line, now, (shown, progress));
                shown.line_done(path, line, text, progress);
            }
            Piece::TooLong { .. } => {
                totals.too_long += 1;
                line += 1;
                shown.break_context();
                if let Some(stats) = &mut shown.stats {
                    stats.add_too_long(format, bytes);
                }
            }
        }
        if let (Some(stats), Some(before)) = (&mut shown.stats, before) {
            stats.add(format, bytes, &before, scanner.tally());
        }
        progress.set_position(log.position());
        shown.report.flush(progress);
        if shown.report.reader_is_gone() {
            break;
        }
    }
    Ok(())
}

/// What a piece of the log is, for the counts.
fn format_of(scanner: &Scanner, piece: &Piece<'_>) -> &'static str {
    let sample = match piece {
        Piece::Lines(chunk) => chunk,
        Piece::Record { text, .. } => text,
        Piece::TooLong { .. } => &b""[..],
    };
    let known = scanner.reader().format().or_else(|| telemetry::detect(sample));
    known.map_or("unknown", Format::name)
}

/// A bar on standard error, where a person watches and the size is known and worth it.
pub(crate) fn progress(output: &Output, bytes: Option<u64>) -> ProgressBar {
    const WORTH_A_BAR_BYTES: u64 = 16 << 20;
    let Some(bytes) = bytes.filter(|bytes| output.draws_progress() && *bytes >= WORTH_A_BAR_BYTES) else {
        return ProgressBar::hidden();
    };
    let bar = ProgressBar::new(bytes);
    let template =
        "{bar:32} {percent:>3} %  {binary_bytes} / {binary_total_bytes}  {binary_bytes_per_sec}  {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
