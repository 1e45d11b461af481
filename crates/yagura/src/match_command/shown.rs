//! Which matches are shown, with how much of the log around them, and what is counted of them.

use std::collections::VecDeque;
use std::path::Path;

use clap::Args;
use indicatif::ProgressBar;
use jiff::Timestamp;
use matcher::Match;

use crate::hunt_command::instant;
use crate::match_command::report::{Places, Report};
use crate::match_command::stats::Stats;

/// What is shown of matches.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Say of each match why it is one: the comparison, the values, the validity, the lists that were asked.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Say in the end what was read, refused and met, and how fast.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Records from this time on: `2026-11-28` or `2026-11-28T10:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) since: Option<Timestamp>,
    /// Records before this time.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) until: Option<Timestamp>,
    /// Lines after each record that matches.
    #[arg(short = 'A', long, value_name = "LINES", value_parser = clap::value_parser!(u16).range(..=CONTEXT_MAX))]
    pub(crate) after_context: Option<u16>,
    /// Lines before each record that matches.
    #[arg(short = 'B', long, value_name = "LINES", value_parser = clap::value_parser!(u16).range(..=CONTEXT_MAX))]
    pub(crate) before_context: Option<u16>,
    /// Lines before and after each record that matches.
    #[arg(short = 'C', long, value_name = "LINES", value_parser = clap::value_parser!(u16).range(..=CONTEXT_MAX))]
    pub(crate) context: Option<u16>,
}

/// The most lines of context.
const CONTEXT_MAX: i64 = 10_000;

/// The most bytes of lines that are kept to be shown before a match; the earliest of them go first.
const BEFORE_BYTES_MAX: usize = 32 << 20;

/// Takes matches and shows those that are asked for.
pub(crate) struct Shown<'r> {
    pub(crate) report: &'r mut Report,
    pub(crate) stats: Option<Stats>,
    /// Those that were shown.
    pub(crate) matches: u64,
    /// Those that were not, because of the record's time.
    pub(crate) outside_time: u64,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    context: Option<Context>,
}

/// The lines around matches.
struct Context {
    before_max: usize,
    after: usize,
    /// Lines that may have to be shown before the next match.
    before: VecDeque<(u64, Vec<u8>)>,
    before_bytes: usize,
    /// How many lines are still to be shown.
    due: usize,
    /// The last line that was shown of this log.
    shown: u64,
    /// Whether anything was shown, of any log.
    begun: bool,
    /// Whether the line that is being scanned matched.
    matched: bool,
}

impl<'r> Shown<'r> {
    pub(crate) fn new(arguments: &ShowArgs, report: &'r mut Report) -> Self {
        let lines = |one: Option<u16>| usize::from(one.or(arguments.context).unwrap_or(0));
        let (before_max, after) = (lines(arguments.before_context), lines(arguments.after_context));
        let context = (before_max + after > 0).then(|| Context {
            before_max,
            after,
            before: VecDeque::new(),
            before_bytes: 0,
            due: 0,
            shown: 0,
            begun: false,
            matched: false,
        });
        Self {
            report,
            stats: arguments.stats.then(Stats::begin),
            matches: 0,
            outside_time: 0,
            since: arguments.since,
            until: arguments.until,
            context,
        }
    }

    /// Whether lines around matches are asked for: then the log is to be scanned line by line.
    pub(crate) fn needs_lines(&self) -> bool {
        self.context.is_some()
    }

    /// Whether a match of this time is shown; it is counted in any case.
    fn counts(&mut self, time: Timestamp) -> bool {
        let outside =
            self.since.is_some_and(|since| time < since) || self.until.is_some_and(|until| time >= until);
        self.outside_time += u64::from(outside);
        self.matches += u64::from(!outside);
        !outside
    }

    /// Takes one match of a Sigma rule; `now` is the time of a record that bears none.
    pub(crate) fn take_rule(
        &mut self,
        path: &Path,
        line: u64,
        found: &sigma::Match<'_>,
        now: Timestamp,
        progress: &ProgressBar,
    ) {
        if !self.counts(found.observation.time.unwrap_or(now)) {
            return;
        }
        if let Some(context) = &mut self.context {
            context.lead_in(self.report, path, line, progress);
        }
        self.report.show_rule(path, line, found, progress);
    }

    /// Takes one match.
    pub(crate) fn take(&mut self, path: &Path, places: &Places, found: &Match<'_>, progress: &ProgressBar) {
        if !self.counts(found.place.time) {
            return;
        }
        if let Some(stats) = &mut self.stats {
            stats.count(found);
        }
        if let Some(context) = &mut self.context {
            context.lead_in(self.report, path, places.line(found.place.line), progress);
        }
        self.report.show(path, places, found, progress);
    }

    /// Takes a line that was scanned, whatever came of it.
    pub(crate) fn line_done(&mut self, path: &Path, line: u64, text: &[u8], progress: &ProgressBar) {
        if let Some(context) = &mut self.context {
            context.line_done(self.report, path, line, text, progress);
        }
    }

    /// What follows does not stand behind what was read before: another log, or a gap in this one.
    pub(crate) fn break_context(&mut self) {
        if let Some(context) = &mut self.context {
            context.before.clear();
            (context.before_bytes, context.due, context.shown) = (0, 0, 0);
        }
    }
}

impl Context {
    /// Shows what stands before the first match of a line.
    fn lead_in(&mut self, report: &mut Report, path: &Path, line: u64, progress: &ProgressBar) {
        if self.matched {
            return;
        }
        self.matched = true;
        let first = self.before.front().map_or(line, |(first, _)| *first);
        if self.begun && (self.shown == 0 || first > self.shown + 1) {
            report.separate(progress);
        }
        self.begun = true;
        for (line, text) in self.before.drain(..) {
            report.show_line((path, line), &text, false, progress);
        }
        self.before_bytes = 0;
    }

    fn line_done(
        &mut self,
        report: &mut Report,
        path: &Path,
        line: u64,
        text: &[u8],
        progress: &ProgressBar,
    ) {
        if std::mem::take(&mut self.matched) {
            report.show_line((path, line), text, true, progress);
            (self.due, self.shown) = (self.after, line);
        } else if self.due > 0 {
            report.show_line((path, line), text, false, progress);
            self.due -= 1;
            self.shown = line;
        } else if self.before_max > 0 {
            self.before_bytes += text.len();
            self.before.push_back((line, text.to_vec()));
            while self.before.len() > self.before_max || self.before_bytes > BEFORE_BYTES_MAX {
                let Some((_, gone)) = self.before.pop_front() else { break };
                self.before_bytes -= gone.len();
            }
        }
    }
}
