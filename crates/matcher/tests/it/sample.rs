//! The sample's telemetry against the sample's campaign: what is planted is found, ordinary days are quiet.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use matcher::{Indicator, IndicatorSet, Options, Scanner, WarningLists};
use stix::Object;
use stix::marking::{Tlp, marking_refs, tlp};
use telemetry::Reader;

fn sample(path: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What an operator's edge holds: indicators up to AMBER.
fn indicators() -> IndicatorSet {
    let bundle = Bytes::from(sample("campaign.ja-en.json"));
    let objects =
        stix::bundle::split(&bundle).unwrap().into_iter().map(|bytes| Object::parse(bytes).unwrap());
    let level = |object: &Object| marking_refs(object).iter().filter_map(tlp).max();
    let held: Vec<Indicator> = objects
        .filter(|object| {
            object.object_type() == "indicator" && level(object).is_some_and(|level| level <= Tlp::Amber)
        })
        .map(|object| Indicator::from_object(&object).unwrap())
        .collect();
    let built = IndicatorSet::build(held, &WarningLists::built_in(), &Options::default(), 1);
    let refused: Vec<_> = built.refused.iter().map(|(_, unusable)| unusable.code).collect();
    assert_eq!(refused, ["revoked"], "all but the withdrawn one can be matched");
    assert!(built.partial.is_empty());
    built.set
}

/// The indicators met by each record of one part of a script, as `seconds: names`.
fn play(log: &str, part: &str, set: &Arc<IndicatorSet>) -> String {
    let mut scanner = Scanner::new(Arc::clone(set), Reader::auto());
    let now = "2026-11-23T00:00:00Z".parse().unwrap();
    let (mut told, mut played) = (String::new(), 0);
    for line in sample(&format!("telemetry/{log}")).lines() {
        if line.starts_with('#') {
            scanner.scan_line(line.as_bytes(), now, &mut |_| {});
            continue;
        }
        let (when, record) = line.split_once('\t').unwrap();
        let Some(seconds) = when.strip_prefix(part) else { continue };
        let record = record
            .replace("{{iso}}", "2026-11-23T00:00:00.000000+0000")
            .replace("{{epoch}}", "1795392000.000000")
            .replace("{{number}}", "7");
        let mut names = Vec::new();
        scanner.scan_line(record.as_bytes(), now, &mut |found| {
            names.push(found.indicator.name().rsplit(" / ").next().unwrap_or_default().to_owned());
        });
        names.sort();
        if !names.is_empty() {
            writeln!(told, "{:>6} {}", seconds.trim(), names.join("; ")).unwrap();
        }
        played += 1;
    }
    assert!(scanner.tally().unreadable.is_empty(), "{log}: {:?}", scanner.tally().unreadable);
    assert!(played > 0, "{log} has no {part} part");
    told
}

const HOSPITAL: [&str; 5] = ["conn", "dns", "files", "http", "ssl"];

#[test]
fn ordinary_days_are_quiet() {
    let set = Arc::new(indicators());
    assert_eq!(play("edge-port/eve.json", "ordinary", &set), "");
    for log in HOSPITAL {
        assert_eq!(play(&format!("edge-hospital/{log}.log"), "ordinary", &set), "");
    }
}

#[test]
fn the_attack_on_the_port_is_seen() {
    let set = Arc::new(indicators());
    expect_test::expect![[r#"
         1.000 TAKOTSUBO command server posing as a carrier
         1.010 Address of a TAKOTSUBO command server; TAKOTSUBO command server posing as a carrier
         1.400 Address of a TAKOTSUBO command server; TAKOTSUBO command server posing as a carrier
         8.000 FUNAUTA delivery site
         8.010 Address of a FUNAUTA delivery site; FUNAUTA delivery site
         8.300 Address of a FUNAUTA delivery site; FUNAUTA delivery site; Where the forged berth schedule comes from
         8.600 Address of a FUNAUTA delivery site; FUNAUTA (forged berth schedule); FUNAUTA delivery site; Where the forged berth schedule comes from
        14.000 Address of a TAKOTSUBO command server; TAKOTSUBO beacon; TAKOTSUBO command server posing as a carrier
        19.000 Address of a TAKOTSUBO command server; TAKOTSUBO command server posing as a carrier; TAKOTSUBO itself
        26.000 Address of a TAKOTSUBO command server; TAKOTSUBO beacon; TAKOTSUBO command server posing as a carrier
        31.000 A pair of TAKOTSUBO command servers; Address of TAKOTSUBO command server no. 2
        35.000 Address of a TAKOTSUBO command server; TAKOTSUBO beacon; TAKOTSUBO command server posing as a carrier
        38.000 TAKOTSUBO over DNS
        38.010 A range of TAKOTSUBO command servers; TAKOTSUBO over DNS
        41.000 TAKOTSUBO over DNS
        41.010 A range of TAKOTSUBO command servers; TAKOTSUBO over DNS
        44.000 Address of a TAKOTSUBO command server; TAKOTSUBO beacon; TAKOTSUBO command server posing as a carrier
        44.000 TAKOTSUBO over DNS
        44.010 A range of TAKOTSUBO command servers; TAKOTSUBO over DNS
        49.000 TAKOTSUBO command server (IPv6)
        53.000 Address of a TAKOTSUBO command server; TAKOTSUBO beacon; TAKOTSUBO command server posing as a carrier
        57.000 Address of TAKOTSUBO command server no. 4
    "#]].assert_eq(&play("edge-port/eve.json", "attack", &set));
}

#[test]
fn the_attack_on_the_hospital_is_seen() {
    let set = Arc::new(indicators());
    let told: String = HOSPITAL
        .iter()
        .map(|log| format!("{log}\n{}", play(&format!("edge-hospital/{log}.log"), "attack", &set)))
        .collect();
    expect_test::expect![[r#"
        conn
         4.900 Address of a spare TAKOTSUBO command server
        11.200 Address of a FUNAUTA delivery site
        18.000 Address of a spare TAKOTSUBO command server
        23.000 Address of a spare TAKOTSUBO command server
        29.000 Where the YAMIFUDA Crew works from
        36.400 YAMIFUDA drop range
        44.000 Address of a spare TAKOTSUBO command server
        51.000 Address of a spare TAKOTSUBO command server
        58.000 Address of a spare TAKOTSUBO command server
        dns
         4.500 Address of a spare TAKOTSUBO command server; TAKOTSUBO command server posing as a maker of medical equipment
        11.000 Address of a FUNAUTA delivery site
        36.000 YAMIFUDA drop; YAMIFUDA drop range
        files
        11.250 Address of a FUNAUTA delivery site; FUNAUTA (forged equipment update)
        23.050 Address of a spare TAKOTSUBO command server; YAMIFUDA itself
        http
        11.220 Address of a FUNAUTA delivery site; Where the forged equipment update comes from
        23.020 Address of a spare TAKOTSUBO command server; TAKOTSUBO command server posing as a maker of medical equipment
        ssl
         4.930 Address of a spare TAKOTSUBO command server; TAKOTSUBO command server posing as a maker of medical equipment
        18.030 Address of a spare TAKOTSUBO command server; TAKOTSUBO command server posing as a maker of medical equipment
        36.430 YAMIFUDA drop; YAMIFUDA drop range
        44.030 Address of a spare TAKOTSUBO command server; TAKOTSUBO command server posing as a maker of medical equipment
        51.030 Address of a spare TAKOTSUBO command server; TAKOTSUBO command server posing as a maker of medical equipment
        58.030 Address of a spare TAKOTSUBO command server; TAKOTSUBO command server posing as a maker of medical equipment
    "#]].assert_eq(&told);
}
