//! How fast one core matches, beside the fastest full parse of the same file, a search for its line ends, `rg -F -f`, and the
//! OASIS matcher.
//!
//! `cargo bench -p matcher --bench scan -- [BYTES [INDICATORS…]] [--no-rg] [--short]`; pin it to a core (`taskset -c 1`) for steady
//! figures. `YAGURA_OASIS_MATCHER` is a Python that has `stix2-matcher`. Events are synthetic: the mix, the sizes and the skew are those of a busy sensor, the values are nobody's.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a benchmark prints what it measures and stops at what it did not expect"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use matcher::{Delta, Indicator, IndicatorSet, Options, Scanner, Simd, WarningLists};
use stix::{Id, Timestamp};
use telemetry::Reader;

/// As the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// SplitMix64: reproducible, no more is asked of it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A rank below `bound`, small ones far more often: about Zipf's law with exponent one.
    fn skewed(&mut self, bound: u64) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((((bound + 1) as f64).ln() * unit).exp() - 1.0) as u64 % bound
    }
}

fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const SYLLABLES: [&str; 24] = [
    "ho", "shi", "ka", "wa", "mi", "to", "ri", "no", "sen", "tak", "yu", "bel", "cor", "dan", "est", "fin",
    "gra", "hub", "ix", "jun", "kel", "lum", "mar", "net",
];
const ENDINGS: [&str; 10] = ["com", "com", "com", "net", "org", "jp", "co.jp", "io", "info", "xyz"];
const SERVICES: [&str; 8] = ["www", "api", "cdn", "mail", "static", "img", "edge-07", "eu-west-1.compute"];
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Microsoft-CryptoAPI/10.0",
];

/// A name under a top-level domain. Those of nobody's interest have a hyphen, which no indicator's has: of a million and two hundred
/// thousand names without it, a few are equal.
fn name(family: u64, number: u64) -> String {
    let mut random = Random(scramble(family << 48 ^ number));
    let mut name: String = (0..2 + random.below(3)).map(|_| SYLLABLES[random.below(24) as usize]).collect();
    let joint = if family < 900 { "-" } else { "" };
    let _ = write!(name, "{joint}{number:x}.{}", ENDINGS[random.below(10) as usize]);
    name
}

/// An address outside of private ranges. Those of indicators have an odd first octet, so that no benign one lies in a network of theirs.
fn address(family: u64, number: u64, odd: bool) -> u32 {
    let mut random = Random(scramble(family << 48 ^ number ^ 0xadd7));
    loop {
        let value = random.next() as u32;
        let first = if odd { value >> 24 | 1 } else { value >> 24 & !1 };
        if matches!(first, 11..=126 | 128..=168 | 173..=191 | 193..=222) {
            return first << 24 | value & 0x00ff_ffff;
        }
    }
}

/// An IPv6 address of the Internet.
fn address6(family: u64, number: u64) -> String {
    let mut random = Random(scramble(family << 48 ^ number ^ 0xadd6));
    let high = 0x2a00 << 48 | random.next() >> 16;
    std::net::Ipv6Addr::from(u128::from(high) << 64 | u128::from(random.next())).to_string()
}

fn dotted(address: u32) -> String {
    std::net::Ipv4Addr::from(address).to_string()
}

fn digest(family: u64, number: u64) -> String {
    (0..4).fold(String::new(), |mut text, part| {
        let _ = write!(text, "{:016x}", scramble(family << 48 ^ (number * 4 + part)));
        text
    })
}

fn path(random: &mut Random) -> String {
    let mut path = String::new();
    for _ in 0..=random.below(4) {
        let _ =
            write!(path, "/{}{}", SYLLABLES[random.below(24) as usize], SYLLABLES[random.below(24) as usize]);
    }
    match random.below(4) {
        0 => path.push_str(".php"),
        1 => {
            let _ = write!(path, "?id={:x}&t={}", random.next() as u32, random.below(1_000_000));
        }
        _ => {}
    }
    path
}

/// What indicator `number` asks for: 30 % addresses (one in fifteen of IPv6), 2 % networks, 40 % names, 15 % URLs, 13 % hashes.
enum Asked {
    Address(u32),
    Address6(String),
    Network(u32, u32),
    Name(String),
    Url(String, String),
    Digest(String),
}

fn asked(number: u64) -> Asked {
    match scramble(number ^ 0x00a5_ced0) % 100 {
        0..=27 => Asked::Address(address(900, number, true)),
        28..=29 => Asked::Address6(address6(900, number)),
        30..=31 => {
            let length = [20_u32, 22, 24, 24, 24, 28][(scramble(number) % 6) as usize];
            Asked::Network(address(901, number, true) & (u32::MAX << (32 - length)), length)
        }
        32..=71 if scramble(number ^ 5).is_multiple_of(3) => {
            Asked::Name(format!("{}.{}", SERVICES[(scramble(number ^ 6) % 8) as usize], name(902, number)))
        }
        32..=71 => Asked::Name(name(902, number)),
        72..=86 => Asked::Url(name(903, number), path(&mut Random(scramble(number ^ 0x77)))),
        _ => Asked::Digest(digest(904, number)),
    }
}

fn value(asked: &Asked) -> String {
    match asked {
        Asked::Address(address) => dotted(*address),
        Asked::Network(first, length) => format!("{}/{length}", dotted(*first)),
        Asked::Name(text) | Asked::Address6(text) => text.clone(),
        Asked::Url(host, path) => format!("http://{host}{path}"),
        Asked::Digest(digest) => digest.clone(),
    }
}

fn indicator(number: u64) -> Indicator {
    let asked = asked(number);
    let path = match &asked {
        Asked::Address(_) | Asked::Network(..) => "ipv4-addr:value",
        Asked::Address6(_) => "ipv6-addr:value",
        Asked::Name(_) => "domain-name:value",
        Asked::Url(..) => "url:value",
        Asked::Digest(_) => "file:hashes.'SHA-256'",
    };
    let operator = if matches!(asked, Asked::Network(..)) { "ISSUBSET" } else { "=" };
    // Each of a moment of its own, from which on it counts, as feeds write them.
    let moment = 1_700_000_000_000 + (scramble(number ^ 0x57a9) % 30_000_000_000) as i64;
    let stamp = Timestamp::from_instant(jiff::Timestamp::from_millisecond(moment).unwrap());
    Indicator {
        id: Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012x}")).unwrap(),
        version: stamp.clone(),
        name: format!("Campaign {number:07}"),
        pattern: format!("[{path} {operator} '{}']", value(&asked)),
        confidence: Some(80),
        valid_from: stamp,
        valid_until: None,
        revoked: false,
        reach: None,
    }
}

/// One event, and the indicator planted in it, if one is. Planted ones are below 10,000, so every set has them.
fn event(random: &mut Random, out: &mut String, micros: &mut u64) -> Option<u64> {
    *micros += random.below(400);
    let planted = random.below(1000).eq(&0).then(|| random.below(10_000));
    let mut kind = match random.below(100) {
        0..=39 => "flow",
        40..=69 => "dns",
        70..=84 => "tls",
        85..=92 => "http",
        _ => "fileinfo",
    };
    let source = dotted(0x0a10_0000 | (random.skewed(20_000) as u32 & 0xffff));
    let mut destination = address(1, random.skewed(300_000), false);
    let mut destination6 = random.below(16).eq(&0).then(|| address6(1, random.skewed(100_000)));
    let mut host = name(1, random.skewed(200_000));
    if random.below(10) < 7 {
        host = format!("{}.{host}", SERVICES[random.below(8) as usize]);
    }
    let mut target = path(random);
    let mut sha256 = digest(1, random.skewed(100_000));
    match planted.map(asked) {
        Some(Asked::Address(address)) => (destination, destination6) = (address, None),
        Some(Asked::Address6(address)) => destination6 = Some(address),
        Some(Asked::Network(first, length)) => {
            (destination, destination6) = (first | random.next() as u32 & u32::MAX >> length, None);
        }
        Some(Asked::Name(name)) => {
            if matches!(kind, "flow" | "fileinfo") {
                kind = "dns";
            }
            host = name;
        }
        Some(Asked::Url(name, path)) => (kind, host, target) = ("http", name, path),
        Some(Asked::Digest(digest)) => (kind, sha256) = ("fileinfo", digest),
        None => {}
    }
    let (seconds, fraction) = (*micros / 1_000_000, *micros % 1_000_000);
    let time = jiff::Timestamp::from_second(1_763_000_000 + seconds as i64)
        .unwrap()
        .strftime("%Y-%m-%dT%H:%M:%S")
        .to_string();
    let flow = random.next() >> 12;
    let destination = destination6.unwrap_or_else(|| dotted(destination));
    let (source_port, port) = (1024 + random.below(60_000), [443, 80, 53, 8080][random.below(4) as usize]);
    let _ = write!(
        out,
        r#"{{"timestamp":"{time}.{fraction:06}+0000","flow_id":{flow},"in_iface":"ens5f0","event_type":"{kind}","vlan":[{}],"src_ip":"{source}","src_port":{source_port},"dest_ip":"{destination}","dest_port":{port},"proto":"{}","community_id":"1:{}=","#,
        random.below(400),
        if kind == "dns" { "UDP" } else { "TCP" },
        &digest(7, flow)[..27],
    );
    body(random, out, kind, &host, &target, &sha256, &time);
    out.push_str("}\n");
    planted
}

fn body(
    random: &mut Random,
    out: &mut String,
    kind: &str,
    host: &str,
    target: &str,
    sha256: &str,
    time: &str,
) {
    let answer = dotted(address(1, random.skewed(300_000), false));
    let _ = match kind {
        "flow" => write!(
            out,
            r#""app_proto":"tls","flow":{{"pkts_toserver":{},"pkts_toclient":{},"bytes_toserver":{},"bytes_toclient":{},"start":"{time}.000000+0000","end":"{time}.500000+0000","age":{},"state":"closed","reason":"timeout","alerted":false}},"tcp":{{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed","ts_max_regions":1,"tc_max_regions":1}},"host":"sensor-07","metadata":{{"flowbits":["tls.seen"],"flowints":{{"tls.anomaly.count":0}}}}"#,
            random.below(900),
            random.below(900),
            random.below(90_000),
            random.below(900_000),
            random.below(300)
        ),
        "dns" => write!(
            out,
            r#""dns":{{"version":2,"type":"answer","id":{},"flags":"8180","qr":true,"rd":true,"ra":true,"opcode":0,"rrname":"{host}","rrtype":"A","rcode":"NOERROR","answers":[{{"rrname":"{host}","rrtype":"CNAME","ttl":300,"rdata":"c-{}.cdn-of-nobody.net"}},{{"rrname":"c-{}.cdn-of-nobody.net","rrtype":"A","ttl":60,"rdata":"{answer}"}}],"grouped":{{"CNAME":["c-{}.cdn-of-nobody.net"],"A":["{answer}"]}}}},"host":"sensor-07","pkt_src":"wire/pcap","metadata":{{"flowbits":["dns.seen"]}}"#,
            random.below(65_536),
            random.below(9999),
            random.below(9999),
            random.below(9999)
        ),
        "tls" => write!(
            out,
            r#""tls":{{"subject":"CN=*.{host}","issuerdn":"C=US, O=Nobody's Certificates, CN=Nobody TLS CA 7","serial":"0A:{:02X}:4F:9C:11:7B:20:55:D1:3E:64:8A:90:CC:02:77","fingerprint":"{}","sni":"{host}","version":"TLS 1.2","notbefore":"2025-08-01T00:00:00","notafter":"2026-08-01T00:00:00","ja3":{{"hash":"{}","string":"771,4865-4866-4867-49195-49199-49196-49200-52393-52392,0-23-65281-10-11-35-16-5-13-18-51-45-43-27,29-23-24,0"}},"ja3s":{{"hash":"{}","string":"771,49199,65281-0-11-35-16"}}}},"host":"sensor-07""#,
            random.below(256),
            fingerprint(&digest(8, random.skewed(50_000))),
            &digest(9, random.skewed(900))[..32],
            &digest(10, random.skewed(900))[..32]
        ),
        "http" => write!(
            out,
            r#""tx_id":{},"http":{{"hostname":"{host}","url":"{target}","http_user_agent":"{}","http_content_type":"text/html","http_refer":"https://{}/","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":{}}},"app_proto":"http","host":"sensor-07","flow":{{"pkts_toserver":9,"pkts_toclient":12,"bytes_toserver":1200,"bytes_toclient":15000,"start":"{time}.000000+0000"}}"#,
            random.below(5),
            AGENTS[random.below(3) as usize],
            name(1, random.skewed(200_000)),
            random.below(90_000)
        ),
        _ => write!(
            out,
            r#""http":{{"hostname":"{host}","url":"{target}","http_user_agent":"{}","http_content_type":"application/octet-stream","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":{}}},"app_proto":"http","fileinfo":{{"filename":"{}","gaps":false,"state":"CLOSED","md5":"{}","sha1":"{}","sha256":"{sha256}","stored":false,"size":{},"tx_id":0}},"host":"sensor-07""#,
            AGENTS[random.below(3) as usize],
            random.below(900_000),
            target.replace('"', ""),
            &digest(11, random.next())[..32],
            &digest(12, random.next())[..40],
            random.below(900_000)
        ),
    };
}

fn fingerprint(digest: &str) -> String {
    digest.as_bytes()[..40]
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap())
        .collect::<Vec<_>>()
        .join(":")
}

/// Seconds of CPU that this thread has used, which other programs on the machine do not change much; elapsed time where the
/// system does not say.
fn cpu_seconds(since: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|count| count.parse::<f64>().ok());
    nanoseconds.map_or_else(|| since.elapsed().as_secs_f64(), |count| count / 1e9)
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let before = cpu_seconds(start);
    let answer = work();
    (cpu_seconds(start) - before, answer)
}

/// Seconds of the fastest of a few runs; each must give the same answer.
fn best<T: PartialEq + std::fmt::Debug>(runs: usize, mut work: impl FnMut() -> T) -> (f64, T) {
    let (mut fastest, answer) = timed(&mut work);
    for _ in 1..runs {
        let (seconds, again) = timed(&mut work);
        assert_eq!(again, answer);
        fastest = fastest.min(seconds);
    }
    (fastest, answer)
}

/// The file that is looked through, and what a look through it is measured against.
struct Log {
    text: String,
    /// Lines, and the indicators that are planted in them.
    planted: BTreeSet<(u64, u64)>,
    /// Addresses that indicators ask for, or that lie in a network that one asks for, and their lines.
    addresses: Vec<(u64, u32)>,
    lines: f64,
    megabytes: f64,
}

impl Log {
    fn generate(bytes: usize) -> Self {
        let (text, planted, addresses) = events(bytes);
        let (megabytes, length) = (text.len() as f64 / 1e6, text.len());
        // Many times over: the system counts processor time in steps of some milliseconds.
        const TIMES: usize = 20;
        let count = || memchr::memchr_iter(b'\n', std::hint::black_box(text.as_bytes())).count();
        let (newlines, lines) = best(3, || (0..TIMES).map(|_| count()).max().unwrap_or_default());
        println!(
            "events: {lines}, {megabytes:.0} MB, {} bytes each; {} carry an indicator\nmemchr, line ends only: {:.0} MB/s",
            length / lines,
            planted.len(),
            megabytes / newlines * TIMES as f64
        );
        Self { text, planted, addresses, lines: lines as f64, megabytes }
    }

    /// A full parse of every line.
    fn parse(&self) {
        let lines = self.text.lines();
        let parsed = lines
            .map(|line| sonic_rs::from_str::<sonic_rs::Value>(line).unwrap())
            .filter(|value| !sonic_rs::JsonValueTrait::is_null(value))
            .count();
        assert_eq!(parsed as f64, self.lines);
    }

    /// What the first so many indicators have to be found by: those planted, and networks that a planted address lies in.
    fn truth(&self, count: u64) -> BTreeSet<(u64, u64)> {
        let mut truth = self.planted.clone();
        for number in 0..count {
            let (first, length) = match asked(number) {
                Asked::Network(first, length) => (first, length),
                Asked::Address(address) => (address, 32),
                _ => continue,
            };
            let within = |address: u32| (address ^ first).checked_shr(32 - length).unwrap_or(0) == 0;
            let met = self.addresses.iter().filter(|(_, address)| within(*address));
            truth.extend(met.map(|(line, _)| (*line, number)));
        }
        truth
    }

    fn rate(&self, seconds: f64) -> String {
        format!("{:.0} MB/s, {:.2} M events/s", self.megabytes / seconds, self.lines / seconds / 1e6)
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<u64>().ok());
    let short = has("--short");
    let bytes = numbers.next().unwrap_or(if short { 64_000_000 } else { 200_000_000 });
    let mut counts: Vec<u64> = numbers.collect();
    if counts.is_empty() {
        counts = if short {
            vec![10_000, 100_000]
        } else {
            vec![10_000, 100_000, 1_000_000, 5_000_000, 10_000_000]
        };
    }
    let log = Log::generate(bytes as usize);
    for count in counts {
        let (build, rate) = matching(&log, count);
        // It wants some 11 GB for a million.
        if !has("--no-rg") && count <= 1_000_000 {
            fixed_strings(&log.text, count, build, rate);
        }
        if count == 1_000_000 {
            oasis_matcher(&log, count, rate);
        }
    }
}

type Planted = (String, BTreeSet<(u64, u64)>, Vec<(u64, u32)>);

fn events(bytes: usize) -> Planted {
    let mut random = Random(20_261_123);
    let (mut events, mut planted, mut micros) = (String::with_capacity(bytes + 4096), BTreeSet::new(), 0);
    let mut addresses = Vec::new();
    for line in 0.. {
        if events.len() >= bytes {
            break;
        }
        let start = events.len();
        let Some(number) = event(&mut random, &mut events, &mut micros) else { continue };
        planted.insert((line, number));
        if matches!(asked(number), Asked::Address(_) | Asked::Network(..)) {
            let (_, rest) = events[start..].split_once(r#""dest_ip":""#).unwrap();
            let address: std::net::Ipv4Addr = rest.split('"').next().unwrap().parse().unwrap();
            addresses.push((line, address.to_bits()));
        }
    }
    (events, planted, addresses)
}

/// So often everything is measured; the best counts.
const TURNS: usize = 7;

/// Builds a set and matches with every backend; the seconds of the building, and the best backend's rate.
fn matching(log: &Log, count: u64) -> (f64, f64) {
    let indicators: Vec<Indicator> = (0..count).map(indicator).collect();
    let options = Options { seed: 0x5eed, ..Options::default() };
    let lists = WarningLists::built_in();
    let (build, built) = timed(|| IndicatorSet::build(indicators, &lists, &options, 1));
    assert!(built.refused.is_empty(), "{:?}", built.refused.first());
    let set = Arc::new(built.set);
    let allowed = 64.0 + 64.0 * f64::from(1 << 20) / count as f64;
    println!(
        "{count} indicators: built in {build:.2} s ({:.2} us each), {:.1} bytes each (64 MiB and 64 each are {allowed:.1})",
        build / count as f64 * 1e6,
        set.bytes() as f64 / set.len() as f64
    );
    let truth = log.truth(count);
    // In turns, the parse among them: what else the machine does then weighs on all alike.
    let backends: Vec<Simd> = Simd::all().collect();
    let (mut parse, mut fastest, mut read) = (f64::MAX, vec![f64::MAX; backends.len()], 0);
    for _ in 0..TURNS {
        parse = parse.min(timed(|| log.parse()).0);
        for (simd, fastest) in backends.iter().zip(&mut fastest) {
            let (seconds, (found, lines)) = timed(|| scan(log, &set, *simd));
            assert!(found == truth, "{:?} were not planted or not found", found.symmetric_difference(&truth));
            (*fastest, read) = (fastest.min(seconds), lines);
        }
    }
    println!("{count} indicators: sonic-rs DOM, parse only, in the same turns: {}", log.rate(parse));
    for (simd, seconds) in backends.iter().zip(&fastest) {
        println!(
            "{count} indicators: match, {}: {}, {:.2} x the parse; {:.3} % of lines parsed; all {} planted found, nothing else",
            simd.name(),
            log.rate(*seconds),
            parse / seconds,
            100.0 * read as f64 / log.lines,
            truth.len()
        );
    }
    swaps(log, &set, count, (&lists, &options));
    (build, log.megabytes / fastest[0])
}

/// Looks through the file in pieces of a megabyte: what was found, and how many lines were parsed.
fn scan(log: &Log, set: &Arc<IndicatorSet>, simd: Simd) -> (BTreeSet<(u64, u64)>, u64) {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut found = BTreeSet::new();
    let mut scanner = Scanner::with_simd(Arc::clone(set), Reader::auto(), simd);
    let mut base = 0;
    for piece in pieces(log.text.as_bytes()) {
        scanner.scan(piece, now, &mut |hit| {
            found.insert((base + hit.line, u64::from(hit.indicator.number())));
        });
        base = scanner.tally().lines;
    }
    assert_eq!(scanner.tally().unreadable.len(), 0);
    (found, scanner.tally().read)
}

fn pieces(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let near = rest.len().min(1 << 20);
        let end = memchr::memrchr(b'\n', &rest[..near]).map_or(rest.len(), |at| at + 1);
        let (piece, behind) = rest.split_at(end);
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// What a new set costs a scanner at work: a change put over the set, and another set of the same size, the earlier one freed by
/// the scanner itself.
fn swaps(log: &Log, set: &Arc<IndicatorSet>, count: u64, (lists, options): (&WarningLists, &Options)) {
    const CHANGES: u64 = 1000;
    let changes = CHANGES.min(count / 10);
    let put: Vec<Indicator> = (count..count + changes).map(indicator).collect();
    let dropped = (0..changes).map(|number| indicator(number + count / 2).id).collect();
    let (apply, built) = timed(|| set.apply(Delta { put, dropped }, lists, options, 2));
    assert_eq!(built.set.len() as u64, count);
    let changed = Arc::new(built.set);
    let (seconds, (_, read)) = best(3, || scan(log, &changed, Simd::best()));
    println!(
        "{count} indicators: {changes} put and {changes} dropped in {:.1} ms, then {} ({:.3} % of lines parsed)",
        apply * 1e3,
        log.rate(seconds),
        100.0 * read as f64 / log.lines
    );
    if count > 1_000_000 {
        return;
    }
    let other: Vec<Indicator> = (0..count).map(indicator).collect();
    let other = Arc::new(IndicatorSet::build(other, lists, options, 3).set);
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut scanner = Scanner::new(Arc::new(IndicatorSet::none()), Reader::auto());
    let pieces: Vec<&[u8]> = pieces(log.text.as_bytes()).take(40).collect();
    let mut pause = |set: Arc<IndicatorSet>| {
        let start = Instant::now();
        scanner.adopt(set);
        let adopted = start.elapsed();
        let mut longest = std::time::Duration::ZERO;
        for piece in &pieces {
            let start = Instant::now();
            scanner.scan(piece, now, &mut |_| {});
            longest = longest.max(start.elapsed());
        }
        (adopted.as_secs_f64() * 1e3, longest.as_secs_f64() * 1e3)
    };
    let (none, _) = pause(changed);
    // The scanner is the last to hold this one.
    let (whole, longest) = pause(other);
    let (freed, _) = pause(Arc::new(IndicatorSet::none()));
    println!(
        "{count} indicators: a scanner waits {none:.3} ms for a changed set, {whole:.3} ms for another, {freed:.3} ms where it frees the \
         earlier one itself; its longest piece of 1 MB took {longest:.1} ms"
    );
}

/// `rg -F -f`: the tool that many use for this; on a slice of the file, because it needs minutes for the whole.
fn fixed_strings(events: &str, count: u64, build: f64, rate: f64) {
    if std::process::Command::new("rg").arg("--version").output().is_err() {
        println!("{count} indicators: `rg` is not installed, no comparison");
        return;
    }
    let folder = std::env::temp_dir().join(format!("yagura-scan-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (list, log) = (folder.join("values.txt"), folder.join("eve.json"));
    std::fs::write(&list, (0..count).map(|number| value(&asked(number)) + "\n").collect::<String>()).unwrap();
    let slice = events.len().min(64_000_000);
    let slice = memchr::memrchr(b'\n', &events.as_bytes()[..slice]).map_or(slice, |at| at + 1);
    std::fs::write(&log, &events[..slice]).unwrap();
    let before = children_seconds();
    let start = Instant::now();
    let output = std::process::Command::new("rg")
        .args(["--threads", "1", "-c", "-F", "-f"])
        .arg(&list)
        .arg(&log)
        .output()
        .unwrap();
    let seconds = match (children_seconds(), before) {
        (Some(after), Some(before)) => after - before,
        _ => start.elapsed().as_secs_f64(),
    };
    let megabytes = slice as f64 / 1e6;
    println!(
        "{count} indicators: rg -F -f on the first {megabytes:.0} MB: {seconds:.1} s, {:.1} MB/s, {} lines; match is {:.0} x that \
         ({:.0} x with the time to build its set)",
        megabytes / seconds,
        String::from_utf8_lossy(&output.stdout).trim(),
        rate * seconds / megabytes,
        seconds / (build + megabytes / rate),
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Patterns and events that the OASIS matcher is given. It holds each pattern against each event, so what a pair takes says what a
/// million patterns take.
const OASIS_PATTERNS: u64 = 500;
const OASIS_EVENTS: usize = 20;

/// The OASIS matcher: the reference for what a pattern means, not made for speed.
fn oasis_matcher(log: &Log, count: u64, rate: f64) {
    const PROGRAM: &str = r#"
import json, sys, time
from stix2matcher.matcher import Pattern
given = json.load(sys.stdin)
patterns = [Pattern(text) for text in given["patterns"]]
start = time.process_time()
met = sum(bool(pattern.match([event])) for event in given["events"] for pattern in patterns)
print(time.process_time() - start, met)
"#;
    let Ok(python) = std::env::var("YAGURA_OASIS_MATCHER") else {
        println!(
            "{count} indicators: YAGURA_OASIS_MATCHER names no Python with stix2-matcher, no comparison"
        );
        return;
    };
    // The events are ones that carry an indicator, and the patterns begin with theirs.
    let planted: Vec<(u64, u64)> = log.planted.iter().copied().take(OASIS_EVENTS).collect();
    let numbers = planted.iter().map(|(_, number)| *number).chain(0..).take(OASIS_PATTERNS as usize);
    let patterns: Vec<String> = numbers.map(|number| indicator(number).pattern).collect();
    let mut reader = Reader::auto();
    let lines =
        log.text.lines().zip(0..).filter(|(_, number)| planted.iter().any(|(line, _)| line == number));
    let events: Vec<serde_json::Value> = lines
        .map(|(line, _)| {
            serde_json::json!({
                "type": "observed-data",
                "spec_version": "2.0",
                "first_observed": "2026-01-01T00:00:00Z",
                "last_observed": "2026-01-01T00:00:00Z",
                "number_observed": 1,
                "objects": telemetry::objects(&reader.read(line.as_bytes()).unwrap().unwrap()),
            })
        })
        .collect();
    let mut child = std::process::Command::new(python)
        .args(["-c", PROGRAM])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let given = serde_json::json!({ "patterns": patterns, "events": events });
    serde_json::to_writer(child.stdin.take().unwrap(), &given).unwrap();
    let output = child.wait_with_output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let mut answers = answer.split_whitespace();
    let seconds: f64 = answers.next().unwrap().parse().unwrap();
    let met: u64 = answers.next().unwrap().parse().unwrap();
    assert!(met >= OASIS_EVENTS as u64, "{met} met");
    let pair = seconds / (OASIS_PATTERNS as f64 * OASIS_EVENTS as f64);
    let events = rate / log.megabytes * log.lines;
    println!(
        "{count} indicators: stix2-matcher takes {:.1} us for a pattern and an event ({met} of {} met), so {:.3} events/s for all: \
         match is {:.0} x that",
        pair * 1e6,
        OASIS_PATTERNS * OASIS_EVENTS as u64,
        1.0 / (pair * count as f64),
        events * pair * count as f64
    );
}

/// Seconds of CPU of ended child processes; the kernel counts in hundredths.
fn children_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(13)?.parse::<f64>().ok()? + fields.get(14)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}
