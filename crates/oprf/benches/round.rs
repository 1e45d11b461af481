//! How fast private matching is, beside the scalar multiplications that it cannot do without.
//!
//! `cargo bench -p oprf --bench round -- [VALUES [ELEMENTS [THREADS]]] [--short]`; 1,000,000 values at the operator, 100,000 elements and 2
//! threads unless told otherwise. Rates are of one core's processor time; the round gives processor and wall time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints what it measures and stops at what it did not expect"
)]

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Instant;

use curve25519_dalek::{RistrettoPoint, Scalar};
use oprf::{
    Answer, Approved, AuthorisationId, Blinds, Day, Element, FilterMessage, Found, Hub, Input, Ledger, List,
    Mode, Operator, OperatorId, Query, RoundId, RoundOpen, SecretKey, Seed, Terms, Threads, list_root,
};

const BATCH: usize = 1000;
/// How often a batch is done in one measurement: the system counts processor time in steps of some milliseconds.
const REPEATS: usize = 20;

/// SplitMix64: reproducible, no more is asked of it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn main() {
    let short = std::env::args().any(|argument| argument == "--short");
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let number = |place: usize, usual: usize| numbers.get(place).copied().unwrap_or(usual);
    let (values, elements) = if short { (50_000, 5_000) } else { (1_000_000, 100_000) };
    println!("load {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    single(if short { 2 } else { 7 });
    round(number(0, values), number(1, elements), number(2, 2));
    println!("load {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
}

/// Rates of one core, a batch at a time.
fn single(runs: usize) {
    let key = SecretKey::derive(&Seed::new([1; 32]), b"bench").unwrap();
    let inputs: Vec<Input> = (0..BATCH as u64).map(name).collect();
    let bytes = || inputs.iter().map(Input::bytes);
    let seed = Seed::new([2; 32]);
    let blind = || Blinds::derive(&seed, 0, BATCH).blind(bytes());
    let blinded = blind();
    let query = Query { round: RoundId([0; 16]), batch: 0, elements: blinded.clone() }.encode();
    let respond = |bytes: &[u8]| {
        let query = Query::decode(bytes).unwrap();
        let (elements, proof) = key.prove_batch(&query.elements, &seed);
        Answer { round: query.round, batch: query.batch, elements, proof: Some(proof) }.encode()
    };
    let answer = respond(&query);
    let (points, scalar) = multiplicands();

    // Each turn measures everything once, so that what else the machine does falls on all of them alike; the best of each counts.
    let mut best = [f64::MAX; 7];
    for _ in 0..runs {
        let turn = [
            seconds(|| drop(black_box(points.iter().map(|point| point * scalar).collect::<Vec<_>>()))),
            seconds(|| {
                let query = Query::decode(black_box(&query)).unwrap();
                let elements = key.evaluate_blinded(&query.elements);
                drop(black_box(Query { elements, ..query }.encode()));
            }),
            seconds(|| drop(black_box(respond(&query)))),
            seconds(|| drop(black_box(blind()))),
            seconds(|| {
                let answer = Answer::decode(&answer).unwrap();
                let blinds = Blinds::derive(&seed, 0, BATCH);
                let proof = answer.proof.unwrap();
                drop(black_box(
                    blinds.finalize(key.public(), bytes(), &blinded, &answer.elements, &proof).unwrap(),
                ));
            }),
            seconds(|| {
                for element in &blinded {
                    black_box(Element::decode(*element.bytes()).unwrap());
                }
            }),
            seconds(|| drop(black_box(RistrettoPoint::double_and_compress_batch(&points)))),
        ];
        best = std::array::from_fn(|place| best[place].min(turn[place]));
    }
    let names = [
        "raw scalar multiplications",
        "server, wire to wire, without proof",
        "server, wire to wire, batch of 1,000 with proof",
        "client: blind",
        "client: decode, verify, finalise a batch of 1,000",
        "decoding an element",
        "encoding a batch of 1,000",
    ];
    for (name, seconds) in names.iter().zip(best) {
        let rate = BATCH as f64 / seconds;
        println!("{name:52} {rate:9.0}/s  {:6.2} µs each  {:5.2} of raw", 1e6 / rate, best[0] / seconds);
    }
}

fn multiplicands() -> (Vec<RistrettoPoint>, Scalar) {
    let mut random = Random(3);
    let mut wide = || std::array::from_fn(|_| random.next() as u8);
    (
        (0..BATCH).map(|_| RistrettoPoint::from_uniform_bytes(&wide())).collect(),
        Scalar::from_bytes_mod_order_wide(&wide()),
    )
}

/// A whole round over encoded messages: every step of each side, timed apart.
fn round(values: usize, elements: usize, threads: usize) {
    let threads = Threads(NonZeroUsize::new(threads).unwrap());
    println!("\nround: {values} values, {elements} elements, {} threads", threads.0);
    let planted = elements / 731;
    let listed: Vec<Input> = (0..elements as u64).map(|number| name(1 << 40 | number)).collect();
    let set: Vec<Input> =
        (0..(values - planted) as u64).map(name).chain(listed[..planted].iter().cloned()).collect();
    let mut expected: Vec<Input> = listed[..planted].to_vec();
    expected.sort_unstable();
    let (list, set) = (List::new(listed).unwrap(), List::new(set).unwrap());
    let seed = Seed::new([4; 32]);
    let terms = Terms {
        authorisation: AuthorisationId([5; 32]),
        operator: OperatorId([6; 16]),
        mode: Mode::Match,
        elements: elements as u32,
        filter_values_max: 1 << 25,
    };
    let approved = Approved {
        terms: terms.clone(),
        list_root: list_root(&list, &seed),
        seed_commitment: seed.commitment(),
    };
    let admit = || Ledger::new(u64::MAX).admit(terms.clone(), RoundId([7; 16]), Day(1)).unwrap().0;

    let mut operator_time = Time::default();
    let mut hub_time = Time::default();
    let (operator, open) = Operator::open(admit(), set, Seed::new([8; 32])).unwrap();
    let (mut answering, filter) = operator_time.step("operator: own list to filter", || {
        let (answering, filter) = operator.filter(threads).unwrap();
        (answering, filter.encode())
    });
    println!("  filter {:.2} MB, {} values", filter.len() as f64 / 1e6, open.filter_values);
    let hub = Hub::open(admit(), RoundOpen::decode(&open.encode()).unwrap(), list.clone(), &[], seed.clone())
        .unwrap();
    let (mut matching, queries) = hub_time.step("hub: read filter, blind", || {
        let (matching, queries) =
            hub.ask(FilterMessage::decode(&filter, open.filter_values).unwrap(), threads).unwrap();
        (matching, queries.iter().map(Query::encode).collect::<Vec<_>>())
    });
    let answers: Vec<Vec<u8>> = operator_time.step("operator: answer with proofs", || {
        let queries = Query::decode_all(&queries, threads).unwrap();
        answering.answer(&queries, threads).unwrap().iter().map(Answer::encode).collect()
    });
    let outcome = hub_time.step("hub: verify, unblind, look up", || {
        matching.take(&Answer::decode_all(&answers, threads).unwrap(), threads).unwrap();
        matching.finish().unwrap()
    });
    let (receipt, ()) = answering.finish(0, |_| ());
    let mut audit_time = Time::default();
    audit_time.step("commission: re-execution", || approved.audit(&list, &seed, &receipt, threads).unwrap());
    println!("  operator {operator_time}\n  hub      {hub_time}");

    let found = if let Found::Values(found) = outcome.trusted().unwrap() { found.as_slice() } else { &[] };
    let found: Vec<Input> = found.iter().map(|place| list.inputs()[*place].clone()).collect();
    assert_eq!(found, expected);
    println!("  {planted} of {planted} planted values found and no other; the audit agrees");
}

fn name(number: u64) -> Input {
    Input::new("domain-name", format!("host-{number:x}.example").as_bytes()).unwrap()
}

/// Processor and wall time of several steps.
#[derive(Default)]
struct Time {
    processor: f64,
    wall: f64,
}

impl Time {
    fn step<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        let (start, before) = (Instant::now(), process_seconds());
        let result = work();
        let step = Self { processor: process_seconds() - before, wall: start.elapsed().as_secs_f64() };
        println!("  {name:32} {step}");
        self.processor += step.processor;
        self.wall += step.wall;
        result
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:6.2} s of processor, {:6.2} s of wall time", self.processor, self.wall)
    }
}

/// Processor time of all threads of the process, those that have ended included; in steps of 10 ms.
fn process_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |place: usize| fields[place].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// Processor time that this thread takes for the work once.
fn seconds(work: impl Fn()) -> f64 {
    let now = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    let before = now();
    for _ in 0..REPEATS {
        work();
    }
    (now() - before) / REPEATS as f64
}
