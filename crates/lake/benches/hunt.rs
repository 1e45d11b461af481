//! How long a thousand indicators and a million take through how many records, beside DuckDB on the same Parquet files, and
//! what it costs to write them.
//!
//! `cargo bench -p lake --bench hunt -- [RECORDS [FOLDER]]`; ten million records without a number, in a temporary folder without
//! a folder. A folder that this benchmark filled before with as many records is hunted as it is, so that filling and measuring can
//! be apart. `YAGURA_DUCKDB` names a Python that has `duckdb`; without it that comparison is left out. Records are synthetic: the
//! mix and the skew are those of a busy sensor, the values are nobody's. One record of a thousand carries what is sought.
//! Cold: each file of the lake is first dropped from the page cache (`posix_fadvise`, `DONTNEED`).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints what it measures and stops at what it did not expect"
)]

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lake::{Contents, Hunt, HuntTally, Keep, Lake, Limits, Origin, Writer};
use matcher::{Covers, Indicator, IndicatorSet, Options, WarningLists};
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

/// As the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 2026-01-01.
const START: i64 = 1_767_225_600;
const DAYS: u64 = 30;
pub(crate) const INDICATORS: u64 = 1000;

/// SplitMix64: reproducible, no more is asked of it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
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

/// What the indicators ask for, by their number: 30 % addresses, 2 % networks, 40 % names with all below them, 15 % URLs, 13 %
/// hashes. Names and addresses of theirs are no others'.
///
/// The first thousand are carried by records; those behind them by none.
pub(crate) fn sought(number: u64) -> (ValueKind, String) {
    match number % 100 {
        0..30 if number < INDICATORS => {
            (ValueKind::Ipv4, format!("203.{}.{}.{}", number / 1000, number % 250, number / 250 % 250))
        }
        0..30 => (
            ValueKind::Ipv4,
            format!("{}.{}.{}.{}", 170 + (number >> 24), number >> 16 & 255, number >> 8 & 255, number & 255),
        ),
        30..32 if number < INDICATORS => {
            (ValueKind::Ipv4, format!("198.{}.{}.0/24", 18 + number % 2, number / 100 % 250))
        }
        30..32 => {
            (ValueKind::Ipv4, format!("{}.{}.{}.0/24", 190 + (number >> 16), number >> 8 & 255, number & 255))
        }
        32..72 => (ValueKind::Domain, format!("bad{number:x}.example")),
        72..87 => (ValueKind::Url, format!("http://files{number:x}.test/load/{number}?id={number}")),
        _ => (ValueKind::Sha256, digest(number | 1 << 40)),
    }
}

/// A digest, as different in its beginning as real ones are.
fn digest(number: u64) -> String {
    format!("{:016x}{number:048x}", Random(number).next())
}

/// A value that the indicator is met by.
fn carried(number: u64, random: &mut Random) -> (ValueKind, String) {
    match sought(number) {
        (ValueKind::Ipv4, network) if network.ends_with("/24") => {
            (ValueKind::Ipv4, network.replace(".0/24", &format!(".{}", random.below(256))))
        }
        (ValueKind::Domain, name) if random.below(2) == 0 => {
            (ValueKind::Domain, format!("www{}.{name}", random.below(9)))
        }
        other => other,
    }
}

fn host(random: &mut Random) -> String {
    let rank = random.skewed(1 << 20);
    format!("{}.{}.{}.{}", 11 + rank % 150, rank >> 12 & 255, rank >> 4 & 255, 1 + rank % 200)
}

fn name(random: &mut Random) -> String {
    let (site, service) = (random.skewed(1 << 19), random.skewed(40));
    format!("s{service}.site-{site:x}.com")
}

fn value(field: &'static str, kind: ValueKind, value: String, role: Role) -> Observed<'static> {
    Observed { field: field.into(), kind, value: value.into(), role }
}

/// One record; whether it carries what is sought.
fn record(number: u64, all: u64, random: &mut Random) -> (Observation<'static>, bool) {
    let nanoseconds = i128::from(START) * 1_000_000_000
        + i128::from(number) * i128::from(DAYS * 86_400) * 1_000_000_000 / i128::from(all);
    let client = format!("10.{}.{}.{}", random.below(4), random.below(64), 1 + random.below(250));
    let mut values = vec![
        value("src_ip", ValueKind::Ipv4, client, Role::Source),
        value("dest_ip", ValueKind::Ipv4, host(random), Role::Destination),
    ];
    let kind = match random.below(100) {
        0..40 => "flow",
        40..70 => {
            values.push(value("dns.rrname", ValueKind::Domain, name(random), Role::Content));
            values.push(value("dns.answers.rdata", ValueKind::Ipv4, host(random), Role::Content));
            "dns"
        }
        70..85 => {
            values.push(value("tls.sni", ValueKind::Domain, name(random), Role::Destination));
            "tls"
        }
        85..93 => {
            let name = name(random);
            let url = format!("http://{name}/p/{}?q={}", random.skewed(5000), random.below(1 << 16));
            values.push(value("http.hostname", ValueKind::Domain, name, Role::Destination));
            values.push(value("http.url", ValueKind::Url, url, Role::Content));
            "http"
        }
        _ => {
            let digest = digest(random.skewed(1 << 22));
            values.push(value("fileinfo.sha256", ValueKind::Sha256, digest, Role::Content));
            "fileinfo"
        }
    };
    let hit = random.below(1000) == 0;
    if hit {
        let (kind, text) = carried(random.below(INDICATORS), random);
        let field = match kind {
            ValueKind::Ipv4 => "dest_ip",
            ValueKind::Domain => "dns.rrname",
            ValueKind::Url => "http.url",
            _ => "fileinfo.sha256",
        };
        values.push(value(field, kind, text, Role::Content));
    }
    let record = Observation {
        time: Timestamp::from_nanosecond(nanoseconds).ok(),
        kind: kind.into(),
        protocol: Some("tcp".into()),
        src_port: Some(1024 + random.below(60_000) as u16),
        dst_port: Some(443),
        bytes: Some(random.below(1 << 20)),
        values,
        ..Observation::default()
    };
    (record, hit)
}

pub(crate) fn indicators(count: u64) -> IndicatorSet {
    let quoted = |kind: ValueKind, text: &str| match kind {
        ValueKind::Ipv4 => format!("[ipv4-addr:value = '{text}']"),
        ValueKind::Domain => format!("[domain-name:value = '{text}']"),
        ValueKind::Url => format!("[url:value = '{text}']"),
        _ => format!("[file:hashes.'SHA-256' = '{text}']"),
    };
    let all = (0..count).map(|number| {
        let (kind, text) = sought(number);
        let begin = stix::Timestamp::parse("2026-01-01T00:00:00.000Z").unwrap();
        Indicator {
            id: stix::Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012}")).unwrap(),
            version: begin.clone(),
            name: text.clone(),
            pattern: quoted(kind, &text),
            confidence: None,
            valid_from: begin,
            valid_until: None,
            revoked: false,
            reach: None,
        }
    });
    let options = Options { reach: Covers::Subtree.into(), any_time: true, ..Options::default() };
    let built = IndicatorSet::build(all, &WarningLists::none(), &options, 1);
    assert!(built.refused.is_empty() && built.partial.is_empty(), "{:?}", built.refused.first());
    built.set
}

/// Records that are made before any of them is written, so that making them is not measured.
const MADE_AT_ONCE: u64 = 1 << 20;

/// Records with their numbers, each stretch of a seed of its own, made by two threads.
fn make(numbers: Range<u64>, all: u64) -> Vec<(u64, (Observation<'static>, bool))> {
    let middle = u64::midpoint(numbers.start, numbers.end);
    let stretch = |numbers: Range<u64>| {
        let mut random = Random(numbers.start);
        numbers.map(|number| (number, record(number, all, &mut random))).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(|| stretch(middle..numbers.end));
        let mut made = stretch(numbers.start..middle);
        made.extend(second.join().unwrap());
        made
    })
}

/// Writes the lake; how many records carry what is sought.
pub(crate) fn fill(folder: &Path, records: u64) -> u64 {
    let mut writer = Writer::open(folder, Contents::Mechanical, Limits::default()).unwrap();
    let (mut hits, mut wrote) = (0, Duration::ZERO);
    let read = Timestamp::from_second(START + 400 * 86_400).unwrap();
    for first in (0..records).step_by(MADE_AT_ONCE as usize) {
        let made = make(first..records.min(first + MADE_AT_ONCE), records);
        let begun = Instant::now();
        for (number, (record, hit)) in &made {
            hits += u64::from(*hit);
            let (line, offset) = (number + 1, number * 700);
            let origin = Origin { source: "sensor.json", line, offset, read, text: b"" };
            writer.push(record, &origin).unwrap();
        }
        writer.commit(&[], read).unwrap();
        wrote += begun.elapsed();
    }
    let rate = |time: Duration| records as f64 / time.as_secs_f64() / 1e6;
    println!(
        "written       {records} records in {:.1} s, a commit for each {MADE_AT_ONCE}: {:.2} M/s",
        wrote.as_secs_f64(),
        rate(wrote)
    );
    let (segments, begun) = (writer.segments().len(), Instant::now());
    writer.compact(&Keep::default(), read).unwrap();
    let took = begun.elapsed();
    println!(
        "compacted     {segments} segments to {} in {:.1} s: {:.2} M/s",
        writer.segments().len(),
        took.as_secs_f64(),
        rate(took)
    );
    // What was replaced is gone with this.
    writer.commit(&[], read.checked_add(jiff::SignedDuration::from_hours(1)).unwrap()).unwrap();
    hits
}

/// The lake in the folder, filled now if it was not before; how many records carry what is sought.
pub(crate) fn filled(folder: &Path, records: u64) -> u64 {
    let note = folder.join("bench-hits");
    if let Ok(hits) = std::fs::read_to_string(&note) {
        let (of, hits) = hits.trim().split_once(' ').unwrap();
        assert_eq!(
            of.parse::<u64>().unwrap(),
            records,
            "the folder was filled with another number of records"
        );
        return hits.parse().unwrap();
    }
    let hits = fill(folder, records);
    std::fs::write(note, format!("{records} {hits}")).unwrap();
    hits
}

pub(crate) fn hunt(folder: &Path, set: &Arc<IndicatorSet>) -> (Duration, BTreeSet<u64>, HuntTally) {
    let begun = Instant::now();
    let lake = Lake::open(folder).unwrap();
    let hunt = Hunt {
        set: Arc::clone(set),
        since: None,
        until: None,
        now: Timestamp::from_second(START + 400 * 86_400).unwrap(),
        exhaustive: false,
    };
    let mut lines = BTreeSet::new();
    let tally = lake.hunt(&hunt, &mut |_| {}, &mut |sighting| _ = lines.insert(sighting.place.line)).unwrap();
    (begun.elapsed(), lines, tally)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn forget(folder: &Path) {
    for path in files(folder) {
        let file = std::fs::File::open(path).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    }
}

pub(crate) fn best(times: &[Duration]) -> Duration {
    times.iter().copied().min().unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let records: u64 = arguments.first().map_or(10_000_000, |count| count.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = arguments.get(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let hits = filled(&folder, records);
    let set = Arc::new(indicators(INDICATORS));
    let lake = Lake::open(&folder).unwrap();
    let bytes =
        |of: fn(&lake::Segment) -> u64| lake.segments().iter().map(of).sum::<u64>() as f64 / records as f64;
    println!(
        "size          {:.1} bytes of Parquet, {:.1} bytes of rows and {:.1} bytes of index a record",
        bytes(|it| it.parquet_bytes),
        bytes(|it| it.rows_bytes),
        bytes(|it| it.index_bytes)
    );
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    let (_, lines, tally) = hunt(&folder, &set);
    assert_eq!(lines.len() as u64, hits, "what was put in is found");
    // From the disk it takes long where there are very many.
    let times = if records > 20_000_000 { 2 } else { 5 };
    for _ in 0..times {
        forget(&folder);
        cold.push(hunt(&folder, &set).0);
    }
    for _ in 0..5 {
        warm.push(hunt(&folder, &set).0);
    }
    let (warm, cold) = (best(&warm), best(&cold));
    println!(
        "hunt          {INDICATORS} indicators, {} records found: warm {warm:.2?} (best of 5), cold {cold:.2?} (best of {times})",
        lines.len()
    );
    println!(
        "              {} segments, {} not opened; {:.1} MiB of index and {:.1} MiB of rows read; {} records decided",
        tally.segments,
        tally.segments - tally.opened,
        tally.index_bytes as f64 / 1048576.0,
        tally.rows_bytes as f64 / 1048576.0,
        tally.rows_read
    );
    absent(&folder, records);
    million(&folder, &lines);
    duckdb(&folder, &lines, records, warm, cold);
}

/// Names that are nowhere: what a feed that does not concern one costs.
fn absent(folder: &Path, records: u64) {
    let all = (0..INDICATORS).map(|number| Indicator {
        id: stix::Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012}")).unwrap(),
        version: stix::Timestamp::parse("2026-01-01T00:00:00.000Z").unwrap(),
        name: String::new(),
        pattern: format!("[domain-name:value = 'nowhere{number}.invalid']"),
        confidence: None,
        valid_from: stix::Timestamp::parse("2026-01-01T00:00:00.000Z").unwrap(),
        valid_until: None,
        revoked: false,
        reach: None,
    });
    let options = Options { reach: Covers::Subtree.into(), any_time: true, ..Options::default() };
    let set = Arc::new(IndicatorSet::build(all, &WarningLists::none(), &options, 1).set);
    let times: Vec<Duration> = (0..5).map(|_| hunt(folder, &set).0).collect();
    let (_, lines, tally) = hunt(folder, &set);
    assert!(lines.is_empty());
    println!(
        "absent        {INDICATORS} names that are nowhere in {records} records: {:.1?}; {} of {} segments opened, {:.2} MiB read",
        best(&times),
        tally.opened,
        tally.segments,
        (tally.index_bytes + tally.rows_bytes) as f64 / 1048576.0
    );
}

/// A million indicators, of which the first thousand are those that records carry.
fn million(folder: &Path, lines: &BTreeSet<u64>) {
    let begun = Instant::now();
    let set = Arc::new(indicators(1_000_000));
    let built = begun.elapsed();
    let mut times = Vec::new();
    for _ in 0..3 {
        let (took, found, tally) = hunt(folder, &set);
        assert_eq!(found, *lines, "the others are nowhere");
        times.push((took, tally));
    }
    let (took, tally) = times.into_iter().min_by_key(|(took, _)| *took).unwrap();
    println!(
        "million       1,000,000 indicators (made and compiled in {built:.1?}): warm {took:.1?} (best of 3); \
         {} of {} segments opened, {:.1} MiB of index and {:.1} MiB of rows read",
        tally.opened,
        tally.segments,
        tally.index_bytes as f64 / 1048576.0,
        tally.rows_bytes as f64 / 1048576.0
    );
}

/// The same question to DuckDB: values, names with all that is below them, and networks, over the list of each record's values.
fn duckdb(folder: &Path, lines: &BTreeSet<u64>, records: u64, warm: Duration, cold: Duration) {
    // Minutes each where there are very many.
    let runs = if records > 20_000_000 { 1 } else { 2 };
    let Ok(python) = std::env::var("YAGURA_DUCKDB") else {
        println!("DuckDB        left out: YAGURA_DUCKDB names no Python that has it");
        return;
    };
    let script = tempfile::NamedTempFile::new().unwrap();
    let listed = |asked: fn(ValueKind, &str) -> bool| {
        let all = (0..INDICATORS).map(sought).filter(|(kind, text)| asked(*kind, text));
        all.map(|(_, text)| format!("{text:?}")).collect::<Vec<_>>().join(",")
    };
    let program = format!(
        "import duckdb, time, ipaddress\n\
         exact=[{exact}]\nnames=[{names}]\nnetworks=[{networks}]\n\
         db=duckdb.connect()\ndb.execute(\"SET threads=2\")\n\
         db.execute('create table exact(v varchar)');db.executemany('insert into exact values (?)',[[v] for v in exact])\n\
         db.execute('create table names(v varchar)');db.executemany('insert into names values (?)',[[v] for v in names])\n\
         db.execute('create table nets(a ubigint,b ubigint)')\n\
         db.executemany('insert into nets values (?,?)',[[int(n[0]),int(n[-1])] for n in map(ipaddress.ip_network,networks)])\n\
         seen=\"select line, o.kind k, o.value v from (select line, unnest(observed) o from read_parquet('{folder}/kind=*/*/*.parquet'))\"\n\
         plain=f\"select distinct line from ({{seen}}) where v in (select v from exact) or v in (select v from names)\"\n\
         full=f\"\"\"with seen as materialized ({{seen}}) select distinct line from (\n\
          select line from seen where v in (select v from exact) union all\n\
          select line from (select line, v, unnest(range(1,len(string_split(v,'.'))+1)) i from seen where k='domain-name')\n\
            where array_to_string(string_split(v,'.')[i:],'.') in (select v from names) union all\n\
          select line from (select line, (split_part(v,'.',1)::ubigint<<24)+(split_part(v,'.',2)::ubigint<<16)+(split_part(v,'.',3)::ubigint<<8)+split_part(v,'.',4)::ubigint n\n\
            from seen where k='ipv4-addr') join nets on n>=a and n<=b)\"\"\"\n\
         def best(q,n):\n  t=[]\n  for _ in range(n):\n    s=time.time(); r=db.execute(q).fetchall(); t.append(time.time()-s)\n  return min(t), r\n\
         t,_=best(plain,{runs})\nu,r=best(full,{runs})\n\
         print(duckdb.__version__,t,u,len(r),sum(x[0] for x in r))\n",
        exact = listed(|kind, text| kind != ValueKind::Domain && !text.contains("/24")),
        names = listed(|kind, _| kind == ValueKind::Domain),
        networks = listed(|_, text| text.ends_with("/24")),
        folder = folder.display(),
        runs = runs,
    );
    std::fs::write(script.path(), program).unwrap();
    let output = Command::new(python).arg(script.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = told.split_whitespace().collect();
    assert!(output.status.success() && words.len() == 5, "{told}{}", String::from_utf8_lossy(&output.stderr));
    let (plain, full): (f64, f64) = (words[1].parse().unwrap(), words[2].parse().unwrap());
    let same = words[3] == lines.len().to_string() && words[4] == lines.iter().sum::<u64>().to_string();
    println!(
        "DuckDB        {}, two threads, page cache warm (best of {runs}): exact values alone {plain:.2} s = {:.0} times the warm hunt; \
         with names below and networks {full:.2} s = {:.0} times, {:.0} times the cold one; {} answer",
        words[0],
        plain / warm.as_secs_f64(),
        full / warm.as_secs_f64(),
        full / cold.as_secs_f64(),
        if same { "the same" } else { "ANOTHER" }
    );
    assert!(same, "both find the same records");
}
