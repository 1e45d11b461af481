//! How many objects a second of processor time one core reads, hashes, indexes and judges.
//!
//! `cargo run --release -p stix --example measure -- BUNDLE.json`
#![expect(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stix::pattern::Pattern;
use stix::{Object, bundle, marking, observable, validate};

/// Runs of each measurement; the fastest counts.
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: measure BUNDLE.json")?;
    let text = Bytes::from(std::fs::read(&path)?);
    let members = bundle::split(&text)?;
    let objects = members.iter().cloned().map(Object::parse).collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = members.iter().map(Bytes::len).sum();
    println!("{} objects of {} bytes on average", objects.len(), bytes / objects.len().max(1));

    let count = objects.len();
    report("split", count, || {
        black_box(bundle::split(&text).ok());
    });
    report("serde_json::Value (a limit)", count, || {
        for member in &members {
            black_box(serde_json::from_slice::<serde_json::Value>(member).ok());
        }
    });
    report("parse", count, || {
        for member in &members {
            black_box(Object::parse(member.clone()).ok());
        }
    });
    each("canonical_hash", &objects, |object| {
        black_box(object.canonical_hash());
    });
    each("references", &objects, |object| {
        black_box(object.references());
    });
    each("search_texts", &objects, |object| {
        black_box(object.search_texts());
    });
    each("values", &objects, |object| {
        black_box(observable::values(object));
    });
    each("marking_refs", &objects, |object| {
        black_box(marking::marking_refs(object));
    });
    each("validate", &objects, |object| {
        black_box(validate::validate(object));
    });
    report("all of it from the bundle's bytes", count, || {
        for member in bundle::split(&text).unwrap_or_default() {
            let Ok(object) = Object::parse(member) else { continue };
            black_box((object.canonical_hash(), object.references(), observable::values(&object)));
            black_box((marking::marking_refs(&object), validate::validate(&object)));
        }
    });
    let pattern =
        "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']";
    report("a simple pattern", 100_000, || {
        for _ in 0..100_000 {
            black_box(Pattern::parse(black_box(pattern)).ok());
        }
    });
    Ok(())
}

fn each(name: &str, objects: &[Object], measured: impl Fn(&Object)) {
    report(name, objects.len(), || objects.iter().for_each(&measured));
}

fn report(name: &str, count: usize, measured: impl Fn()) {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let (start, on_processor) = (Instant::now(), processor_time());
        measured();
        let spent = processor_time().zip(on_processor).map(|(after, before)| after - before);
        best = best.min(spent.unwrap_or_else(|| start.elapsed()));
    }
    let one = best.as_secs_f64() / count.max(1) as f64;
    println!("{name:<36} {:>9.2} µs each {:>12.0} a second", one * 1e6, 1.0 / one);
}

/// Time this thread has spent on a processor, where Linux tells it: other programs do not disturb it.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
