//! How many records one core holds against all public rules, beside reading them as JSON alone.
//!
//! `cargo bench -p sigma --bench rules`; reads the rules and the Windows logs of `$YAGURA_CORPUS`. Pin it to a core
//! (`taskset -c 1`) for steady figures.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it measures and stops at what it did not expect"
)]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sigma::{Options, RuleSet, RuleText, Scanner};
use telemetry::Reader;

/// As the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let Some(corpus) = std::env::var_os("YAGURA_CORPUS").map(PathBuf::from) else {
        println!("SKIPPED: rules and logs need YAGURA_CORPUS");
        return;
    };
    let texts: Vec<RuleText> = files_below(&corpus.join("sigma/rules"), "yml")
        .iter()
        .map(|path| RuleText::of_file(&path.to_string_lossy(), std::fs::read_to_string(path).unwrap()))
        .collect();
    let begun = Instant::now();
    let built = RuleSet::build(texts, Options::default());
    let set = Arc::new(built.set);
    println!("{} rules compiled in {:?}, {} refused", set.len(), begun.elapsed(), built.refused.len());
    let logs = windows_logs(&corpus);
    let bytes: usize = logs.iter().map(Vec::len).sum();
    let (mut lines, mut read, mut matches) = (0, 0, 0);
    let held = fastest(|| {
        (lines, read, matches) = (0, 0, 0);
        for log in &logs {
            let mut scanner = Scanner::new(Arc::clone(&set), Reader::auto());
            scanner.scan(log, Timestamp::UNIX_EPOCH, &mut |_| {});
            let tally = scanner.tally();
            (lines, read, matches) = (lines + tally.lines, read + tally.read, matches + tally.matches);
        }
    });
    let parsed = fastest(|| {
        for line in
            logs.iter().flat_map(|log| log.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty())
        {
            std::hint::black_box(serde_json::from_slice::<serde_json::Value>(line).unwrap());
        }
    });
    let rate = |took: Duration| (lines as f64 / took.as_secs_f64(), bytes as f64 / took.as_secs_f64() / 1e6);
    println!("{lines} records, {:.1} MB, {read} read, {matches} matches", bytes as f64 / 1e6);
    for (what, took) in [("held against all rules", held), ("read as JSON alone (serde_json)", parsed)] {
        let (records, megabytes) = rate(took);
        println!("{what}: {records:.0} records/s, {megabytes:.1} MB/s");
    }
}

/// The fastest of three runs.
fn fastest(mut work: impl FnMut()) -> Duration {
    let timed = |_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    (0..3).map(timed).min().unwrap_or_default()
}

fn windows_logs(corpus: &Path) -> Vec<Vec<u8>> {
    let unpacked = |path: &PathBuf| {
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
        text
    };
    files_below(&corpus.join("telemetry/windows"), "gz").iter().map(unpacked).collect()
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|given| given == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
