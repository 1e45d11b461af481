//! The history's figures for a monitoring system.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::History;
use crate::spool::Spool;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

/// Registers what the history tells; what the spool cannot say just now is left out.
pub(crate) fn register(history: &History, spool: &Spool, registry: &mut Registry) {
    let report = history.report.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let hunting = report.hunting.as_ref();
    let mut levels = vec![
        ("history_records", "Records in the history", report.kept.records),
        ("history_segments", "Segments of the history", report.kept.segments),
        ("history_bytes", "Size of the history", report.kept.bytes),
        ("history_behind_bytes", "Bytes that wait to be written to the history, packed", report.behind_bytes),
        ("hunt_running", "Whether a hunt runs", u64::from(hunting.is_some())),
        ("hunt_segments", "Segments of the running hunt", hunting.map_or(0, |it| it.segments)),
        ("hunt_segments_done", "Segments that it has gone through", hunting.map_or(0, |it| it.segments_done)),
    ];
    if let Ok(seeking) = spool.seeking() {
        levels.push(("hunt_waiting_indicators", "Indicators that wait for a hunt", seeking));
    }
    for (name, help, level) in levels {
        let gauge: Gauge = Gauge::default();
        gauge.set(level.cast_signed());
        registry.register(name, help, gauge);
    }
    let expired: Counter = Counter::default();
    expired.inc_by(report.expired);
    registry.register("history_expired_records", "Records that were taken out since the start", expired);
    if let Ok(counts) = spool.counts() {
        let found: Counter = Counter::default();
        found.inc_by(counts.found);
        registry.register("hunt_found", "What hunts found, since the spool was made", found);
    }
    let lost: Family<OfReason, Counter> = Family::default();
    for (reason, lines) in history.lost_by() {
        lost.get_or_create(&OfReason { reason }).inc_by(lines);
    }
    registry.register("history_lost_lines", "Lines that are missing from the history since the start", lost);
}
