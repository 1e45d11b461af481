//! What a monitoring system reads from the edge's page (`/metrics`, OpenMetrics text).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::Shared;

pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    source: String,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPartition {
    source: String,
    topic: String,
    partition: i32,
}

type Counts = Family<OfSource, Counter>;
type Reasons = Family<OfReason, Counter>;
type Levels = Family<OfSource, Gauge>;

/// What is counted of each source.
#[derive(Default)]
struct Sources {
    received: Counts,
    records: Counts,
    repeated: Counts,
    unreadable: Reasons,
    refused: Reasons,
    dropped: Reasons,
    behind_bytes: Levels,
    behind_messages: Levels,
    behind_in_partition: Family<OfPartition, Gauge>,
    lag_seconds: Family<OfSource, Gauge<f64, std::sync::atomic::AtomicU64>>,
    window_records: Levels,
    windows_not: Reasons,
}

/// The text, made anew from what the edge counts anyway.
pub(crate) fn text(shared: &Shared) -> Option<String> {
    let mut registry = Registry::with_prefix("yagura_edge");
    let status = &shared.status;
    for (name, help, level) in [
        ("indicators", "Indicators in use", status.indicators.load(Ordering::Relaxed)),
        ("indicators_refused", "Indicators that cannot be used", status.refused.load(Ordering::Relaxed)),
        ("sigma_rules", "Sigma rules in use", status.rules.load(Ordering::Relaxed)),
        (
            "sigma_rules_refused",
            "Sigma rules that cannot be used",
            status.rules_refused.load(Ordering::Relaxed),
        ),
    ] {
        let gauge: Gauge = Gauge::default();
        gauge.set(level.cast_signed());
        registry.register(name, help, gauge);
    }
    for (name, help, count) in [
        ("matches", "Matches since the start", &status.matches),
        ("sigma_matches", "Matches of Sigma rules since the start, among all matches", &status.rule_matches),
    ] {
        let counter: Counter = Counter::default();
        counter.inc_by(count.load(Ordering::Relaxed));
        registry.register(name, help, counter);
    }
    sources(shared).register(&mut registry);
    broker(shared, &mut registry);
    if let Some(history) = &shared.history {
        crate::history::metrics::register(history, &shared.spool, &mut registry);
    }
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).ok()?;
    Some(text)
}

/// What came by the broker of orders, where there is one.
fn broker(shared: &Shared, registry: &mut Registry) {
    let has_broker = shared.config.orders.as_ref().is_some_and(|orders| orders.mqtt.is_some());
    let Some(orders) = shared.orders.as_ref().filter(|_| has_broker) else { return };
    let carried = &orders.carried;
    let connected: Gauge = Gauge::default();
    connected.set(i64::from(carried.is_connected.load(Ordering::Relaxed)));
    registry.register("broker_connected", "1 while the broker of orders is reached", connected);
    let messages: Family<OfOutcome, Counter> = Family::default();
    for (outcome, count) in [
        ("judged", &carried.judged),
        ("known", &carried.known),
        ("refused", &carried.refused),
        ("malformed", &carried.malformed),
        ("answered", &carried.answered),
    ] {
        messages.get_or_create(&OfOutcome { outcome }).inc_by(count.load(Ordering::Relaxed));
    }
    let about = "Messages of OpenC2 that came by the broker or went to it, by what became of them";
    registry.register("broker_messages", about, messages);
}

fn sources(shared: &Shared) -> Sources {
    let all = Sources::default();
    for report in shared.status.reports() {
        let source = report.health.name.clone();
        let of = || OfSource { source: source.clone() };
        let counted = shared.inlets.get(&source).map(|inlet| inlet.counters.read()).unwrap_or_default();
        all.received.get_or_create(&of()).inc_by(counted.received);
        all.records.get_or_create(&of()).inc_by(report.health.records);
        all.repeated.get_or_create(&of()).inc_by(report.repeated);
        add(&all.unreadable, &source, &report.unreadable);
        add(&all.refused, &source, &counted.refused);
        add(&all.dropped, &source, &counted.dropped);
        all.behind_bytes.get_or_create(&of()).set(report.health.behind_bytes.cast_signed());
        if let Some(messages) = report.behind_messages {
            all.behind_messages.get_or_create(&of()).set(messages.cast_signed());
        }
        for lag in report.partitions {
            let of = OfPartition { source: source.clone(), topic: lag.topic, partition: lag.partition };
            all.behind_in_partition.get_or_create(&of).set(lag.behind.cast_signed());
        }
        if let Some(seconds) = report.health.lag_seconds {
            all.lag_seconds.get_or_create(&of()).set(seconds);
        }
        all.window_records.get_or_create(&of()).set(report.windows.held.cast_signed());
        let tally = report.windows.tally;
        let not = [
            ("late", tally.late),
            ("future", tally.future),
            ("forgotten", tally.forgotten),
            ("undecided", tally.undecided),
        ];
        add(&all.windows_not, &source, &not.into());
    }
    all
}

fn add(family: &Reasons, source: &str, counts: &BTreeMap<&'static str, u64>) {
    for (reason, count) in counts {
        family.get_or_create(&OfReason { source: source.to_owned(), reason }).inc_by(*count);
    }
}

impl Sources {
    fn register(self, registry: &mut Registry) {
        registry.register("received", "Pushed bodies and messages that came", self.received);
        registry.register("records", "Records that were read", self.records);
        registry.register(
            "repeated",
            "Pushed bodies and messages that had been taken in before",
            self.repeated,
        );
        registry.register("unreadable", "Lines that could not be read", self.unreadable);
        registry.register("turned_away", "What was not taken in, and its sender told", self.refused);
        registry.register("dropped", "What is gone and nobody could be told", self.dropped);
        registry.register("behind_bytes", "Bytes that wait to be read", self.behind_bytes);
        registry.register("behind_messages", "Messages that wait for the group", self.behind_messages);
        registry.register(
            "behind_in_partition",
            "Messages that wait in a partition of this edge",
            self.behind_in_partition,
        );
        registry.register("lag_seconds", "Age of the newest record that was read", self.lag_seconds);
        registry.register(
            "window_records",
            "Records that patterns over several remember",
            self.window_records,
        );
        registry.register(
            "window_misses",
            "Records that such patterns were not held against",
            self.windows_not,
        );
    }
}
