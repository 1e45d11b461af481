//! Wall and processor time of work, for benchmarks.

use std::time::Instant;

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Times some work on so many things: how many a second, and how many a second of processor time.
pub(crate) fn measure(what: &str, count: usize, work: impl FnOnce() -> Outcome<()>) -> Outcome<(f64, f64)> {
    let (start, before) = (Instant::now(), cpu_seconds());
    work()?;
    Ok(report(what, count, start, before))
}

/// The same for work that is done.
pub(crate) fn report(what: &str, count: usize, start: Instant, cpu_before: f64) -> (f64, f64) {
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu_before);
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
    let count = count as f64;
    println!(
        "{what}: {:.0} per second, {:.0} per CPU-second ({wall:.2} s, {cpu:.2} CPU-s)",
        count / wall,
        count / cpu
    );
    (count / wall, count / cpu)
}

/// The server whose time counts too.
pub(crate) static CPU_OF_SERVER: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();

/// User and system time of this process and of the server's, in seconds.
pub(crate) fn cpu_seconds() -> f64 {
    let own = ticks("/proc/self/stat", 2);
    let Some(Some(server)) = CPU_OF_SERVER.get() else { return own / 100.0 };
    // Those that have ended count among their parent's.
    let mut all = own + ticks(&format!("/proc/{server}/stat"), 4);
    let children =
        std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
    for child in children.split_whitespace() {
        all += ticks(&format!("/proc/{child}/stat"), 2);
    }
    all / 100.0
}

/// Hundredths of a second: user, system, and those of ended children.
fn ticks(file: &str, fields: usize) -> f64 {
    let stat = std::fs::read_to_string(file).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(fields).filter_map(|field| field.parse::<f64>().ok()).sum()
}
