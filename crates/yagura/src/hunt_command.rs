//! `yagura hunt`: indicators against telemetry history.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use lake::{Hunt, HuntTally, Lake, Sighting};

use crate::lake_command::failure;
use crate::match_command::Colour;
use crate::match_command::intel::IntelArgs;
use crate::match_command::report::{Beside, Met, Report, TOLD_MAX};
use crate::output::{Failure, Output};

/// `yagura hunt`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 something was found, 1 nothing was found, 2 and above an error.")]
pub(crate) struct HuntArgs {
    #[command(flatten)]
    pub(crate) indicators: IntelArgs,
    /// The folder or `s3://` address that `yagura lake add` or an edge writes.
    #[arg(value_name = "LAKE")]
    pub(crate) lake: PathBuf,
    /// Records from this time on: `2026-11-28` or `2026-11-28T10:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) since: Option<Timestamp>,
    /// Records before this time.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) until: Option<Timestamp>,
    /// Only records within an indicator's validity. By default history from before an indicator was published counts too.
    #[arg(long)]
    pub(crate) within_validity: bool,
    /// Say what was opened, read and passed over.
    #[arg(long, visible_alias = "stats")]
    pub(crate) explain: bool,
    /// Colours: `auto` on a terminal that has them, and not where NO_COLOR is set.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
}

/// A time or a date, which begins at midnight UTC.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    let midnight = || text.parse::<civil::Date>()?.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>().or_else(|_| midnight()).map_err(|error: jiff::Error| error.to_string())
}

/// Runs the command; exit codes are those of `yagura match`.
pub(crate) fn run(output: &Output, arguments: &HuntArgs) -> Result<ExitCode, Failure> {
    let lake = Lake::open(&arguments.lake).map_err(|error| failure(&error))?;
    let (set, mut totals) = arguments.indicators.build(output, !arguments.within_validity, true)?;
    if set.unanchored() > 0 {
        let count = set.unanchored();
        output.say(
            format!("yagura: {count} comparisons name no value to look up, so every record is read"),
            format!("yagura: 値で索けない比較が {count} 件あるため、すべての記録を読みます"),
        );
    }
    let hunt = Hunt {
        set: Arc::new(set),
        since: arguments.since,
        until: arguments.until,
        now: Timestamp::now(),
        exhaustive: false,
    };
    let mut report = Report::new(output, arguments.color);
    let bar = segments_bar(output, lake.segments().len() as u64);
    let hunted = lake.hunt(&hunt, &mut |done| bar.set_position(done), &mut |sighting| {
        report.show_at(&met(sighting), sighting.found, &bar);
    });
    report.flush(&bar);
    bar.finish_and_clear();
    let tally = hunted.map_err(|error| failure(&error))?;
    totals.add(&tally.matcher);
    if !report.reader_is_gone() {
        totals.tell(output);
    }
    if arguments.explain {
        explain(output, &tally);
    }
    Ok(if tally.matcher.matches > 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn met<'a>(sighting: &'a Sighting<'_>) -> Met<'a> {
    let with = sighting.with.iter().take(TOLD_MAX).map(|other| {
        if other.source == sighting.place.source {
            Beside::Line(other.line)
        } else {
            Beside::File { file: other.source.clone(), line: other.line }
        }
    });
    Met {
        file: sighting.place.source.as_str().into(),
        line: sighting.place.line,
        with: with.collect(),
        time: Some(sighting.time),
    }
}

fn explain(output: &Output, tally: &HuntTally) {
    let HuntTally { segments, rows, outside_time, cleared_by_filter, cleared_by_index, opened, .. } = tally;
    let HuntTally { rows_read, index_bytes, rows_bytes, unanchored, .. } = tally;
    if output.is_json() {
        let line = serde_json::json!({
            "segments": segments, "rows": rows, "outside_time": outside_time,
            "cleared_by_filter": cleared_by_filter, "cleared_by_index": cleared_by_index, "opened": opened,
            "rows_read": rows_read, "index_bytes": index_bytes, "rows_bytes": rows_bytes,
            "unanchored": unanchored,
        });
        let _ = writeln!(std::io::stderr(), "{line}");
        return;
    }
    output.say(
        format!(
            "yagura: {segments} segments with {rows} records: {outside_time} outside of the time, \
             {cleared_by_filter} cleared by the filter, {cleared_by_index} by the index, {opened} opened; \
             {rows_read} records, {index_bytes} bytes of index and {rows_bytes} bytes of rows read"
        ),
        format!(
            "yagura: 区分 {segments} 個（{rows} 件）：期間外 {outside_time}、フィルターで除外 {cleared_by_filter}、\
             索引で除外 {cleared_by_index}、読み込み {opened}；読んだ記録 {rows_read} 件、索引 {index_bytes} バイト、\
             行 {rows_bytes} バイト"
        ),
    );
}

/// A bar over the segments, where a person watches.
pub(crate) fn segments_bar(output: &Output, segments: u64) -> ProgressBar {
    const WORTH_A_BAR_SEGMENTS: u64 = 16;
    if !output.draws_progress() || segments < WORTH_A_BAR_SEGMENTS {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(segments);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos} / {len}  {elapsed}") {
        bar.set_style(style);
    }
    bar
}
