//! What may leave under an authorisation, and that a use outlives a restart without being another one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jiff::{SignedDuration, Timestamp};
use oversight::authorisation::{
    Authorised, Field, IndicatorList, PseudonymKey, Quota, Refused, Selected, SignedSelection, Terms,
    Unselected, Use,
};
use proptest::prelude::*;
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

use crate::authorisation::{Scene, at, list, noon, terms};
use crate::{consent, observation};

const KEY: [u8; 32] = [7; 32];

fn pseudonyms() -> PseudonymKey {
    PseudonymKey::new([5; 32])
}

fn authorised(terms: &Terms) -> Authorised {
    let mut scene = Scene::new();
    let package = scene.grant(terms, &[0, 1, 2]);
    scene.follow("2026-11-02T11:00:00Z");
    scene.gate.ask(&package, &Quota::default(), noon()).unwrap().permit(&list()).unwrap()
}

fn with_fields(fields: impl IntoIterator<Item = Field>) -> Terms {
    Terms { fields: fields.into_iter().collect(), ..terms() }
}

fn value(kind: ValueKind, role: Role, text: &str) -> Observed<'static> {
    Observed { field: "f".into(), kind, value: text.to_owned().into(), role }
}

/// A flow from an own address to the one that is looked for, with a name and a hash that matched as well.
fn record() -> Observation<'static> {
    let mut record = observation(vec![
        value(ValueKind::Ipv4, Role::Source, "10.1.2.3"),
        value(ValueKind::Ipv4, Role::Destination, "198.51.100.7"),
        value(ValueKind::Domain, Role::Content, "c2.example"),
        value(ValueKind::Md5, Role::Content, "d41d8cd98f00b204e9800998ecf8427e"),
        value(ValueKind::Email, Role::Content, "someone@example.jp"),
    ]);
    record.time = Some(at("2026-11-02T11:59:59Z"));
    (record.src_port, record.dst_port) = (Some(50_000), Some(443));
    record.protocol = Some(Cow::Borrowed("TCP"));
    record.bytes = Some(1234);
    record
}

const MATCHED: &[usize] = &[1, 2, 3, 4];

fn select(authorised: &Authorised, record: &Observation<'_>) -> Selected {
    authorised.select(0, (record, MATCHED), &consent(), &pseudonyms(), noon()).unwrap()
}

#[test]
fn of_a_record_only_the_fields_that_were_granted_leave() {
    for bits in 1_u32..1 << Field::ALL.len() {
        let fields: BTreeSet<Field> = Field::ALL
            .iter()
            .copied()
            .enumerate()
            .filter(|(n, _)| bits >> n & 1 == 1)
            .map(|(_, f)| f)
            .collect();
        let terms = with_fields(fields.clone());
        let selection = select(&authorised(&terms), &record()).selection();
        assert_eq!(selection.information.fields(), fields);
        assert!(selection.is_within(&terms));
        let text = serde_json::to_string(&selection).unwrap();
        for never in ["10.1.2.3", "someone", "11:59:59"] {
            assert!(!text.contains(never), "{text}");
        }
    }
}

#[test]
fn the_operators_own_addresses_leave_as_pseudonyms_of_one_authorisation() {
    let terms = with_fields([Field::OwnPseudonyms]);
    let other = Terms { id: uuid::Uuid::from_u128(8), ..terms.clone() };
    let own = |terms: &Terms| select(&authorised(terms), &record()).selection().information.own;
    assert_eq!(own(&terms), own(&terms));
    assert_ne!(own(&terms), own(&other), "what two authorisations found could be joined");
    assert_eq!(own(&terms).len(), 1);
}

#[test]
fn only_what_matched_within_the_time_and_the_list() {
    let authorised = authorised(&terms());
    let early = Observation { time: Some(at("2026-10-31T23:59:59Z")), ..record() };
    let late = Observation { time: Some(at("2026-12-01T00:00:00Z")), ..record() };
    let ask = |member, record: &Observation<'_>, matched: &[usize]| {
        authorised.select(member, (record, matched), &consent(), &pseudonyms(), noon()).unwrap_err()
    };
    assert_eq!(ask(0, &early, MATCHED), Unselected::Time);
    assert_eq!(ask(0, &late, MATCHED), Unselected::Time);
    assert_eq!(ask(0, &record(), &[]), Unselected::Unmatched);
    assert_eq!(ask(0, &record(), &[99]), Unselected::Unmatched);
    assert_eq!(ask(3, &record(), MATCHED), Unselected::Member);
}

#[test]
fn counts_leave_roughly_and_hours_whole() {
    let authorised = authorised(&with_fields([Field::Addresses, Field::Bytes]));
    let one = select(&authorised, &record());
    let all = (1..12).fold(one.clone(), |all, _| all.with(&one));
    let selection = all.selection();
    assert_eq!((selection.at_least, selection.information.bytes), (10, Some(12 * 1234)));
    assert_eq!(selection.hour, at("2026-11-02T11:00:00Z"));
    assert_eq!(selection.id, one.id());
    let elsewhere = Observation { time: Some(at("2026-11-02T10:30:00Z")), ..record() };
    assert_ne!(select(&authorised, &elsewhere).id(), one.id(), "another hour is another find");
}

#[test]
fn a_find_is_known_by_its_seal_and_by_its_signature() {
    let selected = select(&authorised(&terms()), &record());
    let sealed = selected.seal(&KEY);
    assert_eq!(Selected::unseal(&sealed, &KEY).as_ref(), Some(&selected));
    assert_eq!(Selected::unseal(&sealed, &[8; 32]), None);
    for place in 0..sealed.len() {
        let mut other = sealed.clone();
        other[place] ^= 1;
        assert_eq!(Selected::unseal(&other, &KEY), None, "octet {place}");
    }
    let pair = Ed25519KeyPair::generate().unwrap();
    let key: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
    let sign = |bytes: &[u8]| pair.sign(bytes).as_ref().try_into().unwrap();
    let signed = SignedSelection::sign(selected.selection(), sign);
    assert!(signed.is_of(&key));
    let mut other = signed;
    other.selection.at_least = 100;
    assert!(!other.is_of(&key));
}

#[test]
fn what_is_wider_than_granted_is_told_from_what_is_not() {
    let terms = with_fields([Field::Addresses]);
    let within = select(&authorised(&terms), &record()).selection();
    assert!(within.is_within(&terms));
    let changed = |change: &dyn Fn(&mut oversight::authorisation::Selection)| {
        let mut selection = within.clone();
        change(&mut selection);
        selection.is_within(&terms)
    };
    assert!(!changed(&|s| s.information.ports = vec![443]));
    assert!(!changed(&|s| s.information.domains = vec!["c2.example".to_owned()]));
    assert!(!changed(&|s| s.member = 3));
    assert!(!changed(&|s| s.at_least = 12));
    assert!(!changed(&|s| s.hour += SignedDuration::from_mins(1)));
    assert!(!changed(&|s| s.hour = at("2026-12-01T00:00:00Z")));
    assert!(!changed(&|s| s.authorisation = uuid::Uuid::from_u128(8)));
    assert!(!changed(&|s| s.operator = oversight::OrganisationId::parse("elsewhere").unwrap()));
}

#[test]
fn a_use_outlives_a_restart_and_is_no_other_one() {
    let mut scene = Scene::new();
    let package = scene.grant(&terms(), &[0, 1, 2]);
    scene.follow("2026-11-02T11:00:00Z");
    let authorised = scene.gate.ask(&package, &Quota::default(), noon()).unwrap().permit(&list()).unwrap();
    assert_eq!(authorised.until(), at("2026-11-03T00:00:00Z"), "two uses a day last twelve hours each");
    let used = authorised.used();
    let again =
        |used: &Use, list: &IndicatorList, now: Timestamp| scene.gate.resume(&package, list, used, now);
    let later = noon() + SignedDuration::from_hours(1);
    assert_eq!(again(used, &list(), later).unwrap().used(), used);
    let other = |change: &dyn Fn(&mut Use)| {
        let mut used = used.clone();
        change(&mut used);
        again(&used, &list(), later).unwrap_err()
    };
    assert_eq!(other(&|used| used.number = 3), Refused::OtherUse);
    assert_eq!(other(&|used| used.grant = 9), Refused::OtherUse);
    assert_eq!(other(&|used| used.count = 2), Refused::OtherUse);
    assert_eq!(other(&|used| used.edge = "edge-2".to_owned()), Refused::OtherUse);
    assert_eq!(other(&|used| used.at = later + SignedDuration::from_secs(1)), Refused::OtherUse);
    let mut patterns = list();
    patterns.patterns.pop();
    assert!(matches!(again(used, &patterns, later), Err(Refused::List(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..Default::default() })]

    /// Two records that differ only in what did not match give the same bytes.
    #[test]
    fn what_did_not_match_makes_no_difference(
        bits in 1_u32..1 << Field::ALL.len(), one in others(), other in others(), seconds in [0_i64..3600, 0..3600],
    ) {
        let fields = Field::ALL.iter().copied().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, f)| f);
        let authorised = authorised(&with_fields(fields));
        let sealed = |others: &[Observed<'static>], second: i64| {
            let mut record = record();
            record.values.truncate(4);
            record.values.extend(others.iter().cloned());
            record.time = Some(at("2026-11-02T11:00:00Z") + SignedDuration::from_secs(second));
            authorised.select(0, (&record, &[1, 2, 3]), &consent(), &pseudonyms(), noon()).unwrap().seal(&KEY)
        };
        prop_assert_eq!(sealed(&one, seconds[0]), sealed(&other, seconds[1]));
    }
}

/// Anything a log may hold beside what matched, but for the addresses of the two ends.
fn others() -> impl Strategy<Value = Vec<Observed<'static>>> {
    let one = (prop::sample::select(ValueKind::ALL.to_vec()), "\\PC{0,30}");
    prop::collection::vec(one.prop_map(|(kind, text)| value(kind, Role::Content, &text)), 0..6)
}

/// Numbers by chance, from a seed that is told where the test fails (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

/// What two logs have in common: records to the address that is looked for, as far as it may leave.
struct Common(Vec<(u64, u64, u64)>);

impl Common {
    fn draw(chance: &mut Chance) -> Self {
        let count = chance.below(4);
        Self((0..count).map(|_| (chance.below(2), chance.below(60_000), chance.below(100_000))).collect())
    }

    /// A log that has it, and beside it whatever comes: other records, and in the same ones all that may not leave.
    fn log(&self, chance: &mut Chance) -> String {
        let mut log = String::new();
        for (hour, port, bytes) in &self.0 {
            for _ in 0..chance.below(3) {
                log.push_str(&other_record(chance));
            }
            let (minute, noise) = (chance.below(60), noise(chance));
            let hour = 10 + hour;
            log.push_str(&format!(
                r#"{{"timestamp":"2026-11-02T{hour}:{minute:02}:00.000000+0000","event_type":"flow","src_ip":"10.1.2.3","src_port":{port},"dest_ip":"198.51.100.7","dest_port":443,"proto":"TCP","flow":{{"bytes_toserver":{bytes},"bytes_toclient":0}},{noise}}}{}"#,
                '\n'
            ));
        }
        for _ in 0..chance.below(3) {
            log.push_str(&other_record(chance));
        }
        log
    }
}

/// Fields of a record that say something and may not leave.
fn noise(chance: &mut Chance) -> String {
    let (one, two) = (chance.next(), chance.next());
    let length = chance.below(40) as usize;
    match chance.below(4) {
        0 => format!(r#""flow_id":{one},"in_iface":"eth{}""#, two % 9),
        1 => format!(
            r#""http":{{"hostname":"h{one:x}.example","url":"/{}","http_user_agent":"u{two:x}"}}"#,
            "x".repeat(length)
        ),
        2 => format!(r#""email":{{"from":"p{one:x}@example.jp","subject":"{two:x}"}},"flow_id":{one}"#),
        _ => format!(
            r#""alert":{{"signature":"s{one:x}","signature_id":{}}},"payload":"{two:x}""#,
            two % 1_000_000
        ),
    }
}

/// A record of another kind and of other hosts.
fn other_record(chance: &mut Chance) -> String {
    let (minute, host, noise) = (chance.below(60), chance.below(65_536), noise(chance));
    format!(
        r#"{{"timestamp":"2026-11-02T11:{minute:02}:00.000000+0000","event_type":"flow","src_ip":"10.9.{}.{}","dest_ip":"192.0.2.{}","proto":"UDP",{noise}}}{}"#,
        host / 256,
        host % 256,
        chance.below(256),
        '\n'
    )
}

/// Everything that would leave an edge for a log: what is sent, and in how many requests.
fn everything_out(scanner: &mut matcher::Scanner, authorised: &Authorised, log: &str) -> (Vec<u8>, usize) {
    const BATCH: usize = 500;
    let mut finds = std::collections::BTreeMap::new();
    let mut sightings = Vec::new();
    scanner.scan(log.as_bytes(), noon(), &mut |hit| {
        let record = (hit.observation, hit.hits);
        if let Ok(found) = authorised.select(0, record, &consent(), &pseudonyms(), noon()) {
            let known: Option<Selected> = finds.remove(&found.id());
            finds.insert(found.id(), known.map_or_else(|| found.clone(), |known| known.with(&found)));
        }
        let sighting = crate::let_out(hit.observation, hit.hits, &consent()).unwrap();
        let mut sighting = sighting.sighting().clone();
        // The operator's own sightings bear the record's time, which may leave by its consent.
        sighting.seen = noon();
        sightings.push(format!("{sighting:?}"));
    });
    let mut out = Vec::new();
    for found in finds.values() {
        out.extend(serde_json::to_vec(&found.selection()).unwrap());
        out.extend(found.seal(&KEY));
    }
    let requests = finds.len().div_ceil(BATCH) + sightings.len().div_ceil(BATCH);
    out.extend(sightings.concat().into_bytes());
    (out, requests)
}

/// Pairs of logs that have in common what may leave, and differ in everything else: hosts, contents, lengths, other records. Bytes,
/// sizes and requests are the same. `YAGURA_PAIRS` and `YAGURA_SEED` ask for more, and for others.
#[test]
fn logs_that_differ_in_what_may_not_leave_give_the_same_bytes() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (pairs, seed) = (number("YAGURA_PAIRS", 20_000), number("YAGURA_SEED", 20_261_128));
    let authorised = authorised(&with_fields(Field::ALL.iter().copied()));
    let indicator = serde_json::json!({
        "type": "indicator", "spec_version": "2.1", "id": "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f01",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "pattern_type": "stix",
        "pattern": "[ipv4-addr:value = '198.51.100.7']", "valid_from": "2026-01-01T00:00:00.000Z",
    });
    let object = stix::Object::parse(indicator.to_string().into_bytes().into()).unwrap();
    let indicator = matcher::Indicator::from_object(&object).unwrap();
    let (lists, options) = (matcher::WarningLists::none(), matcher::Options::default());
    let set = std::sync::Arc::new(matcher::IndicatorSet::build([indicator], &lists, &options, 1).set);
    let scanner =
        || matcher::Scanner::new(std::sync::Arc::clone(&set), telemetry::Reader::new(telemetry::Format::Eve));
    let (mut one, mut other) = (scanner(), scanner());
    let mut chance = Chance(seed);
    let mut with_finds = 0;
    for pair in 0..pairs {
        let common = Common::draw(&mut chance);
        let logs = [common.log(&mut chance), common.log(&mut chance)];
        let out = everything_out(&mut one, &authorised, &logs[0]);
        assert_eq!(
            out,
            everything_out(&mut other, &authorised, &logs[1]),
            "pair {pair} of seed {seed}: {logs:#?}"
        );
        assert_eq!(out.0.is_empty(), common.0.is_empty(), "pair {pair} of seed {seed}: {logs:#?}");
        with_finds += u64::from(!out.0.is_empty());
    }
    assert!(with_finds > pairs / 2, "{with_finds} of {pairs} pairs let anything out");
}
