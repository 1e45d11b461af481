//! What must hold for any bytes at all; the fuzz target `regime` runs the same functions.

use regime::{
    Copy, FIELDS_FILE, Lang, Profile, Regimes, Report, SEVERITY_FILE, duties, findings, from_stix, next_wake,
    render, table, to_stix,
};

const FIELDS: &str = include_str!("../../../../regimes/fields.toml");
const SEVERITY: &str = include_str!("../../../../regimes/severity.toml");
const NIS2: &str = include_str!("../../../../regimes/eu-nis2.toml");

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_795_910_400).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// Bytes that claim to be a file of `regimes/`: refused with a reason, or a regime that can be used in every way.
pub(crate) fn regime_file(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for name in [FIELDS_FILE, SEVERITY_FILE] {
        let other = if name == FIELDS_FILE { (SEVERITY_FILE, SEVERITY) } else { (FIELDS_FILE, FIELDS) };
        let read = Regimes::read([other, (name, &text), ("eu-nis2.toml", NIS2)]);
        assert!(read.regimes.is_some() || !read.problems.is_empty());
    }
    let read = Regimes::read([(FIELDS_FILE, FIELDS), (SEVERITY_FILE, SEVERITY), ("own.toml", &text)]);
    let regimes = read.regimes.expect("a bad regime leaves the others in use");
    if regimes.iter().next().is_none() {
        assert!(!read.problems.is_empty(), "a file was left out without a reason");
    }
    let report = report_that_has_everything(&regimes);
    used(&report, &regimes);
}

/// Bytes that claim to be a report: refused, or one that can be used in every way and comes back as it was.
pub(crate) fn report_json(input: &[u8]) {
    let Ok(json) = serde_json::from_slice(input) else { return };
    let Ok(report) = Report::from_json(&json) else { return };
    assert_eq!(Report::from_json(&report.to_json()).as_ref(), Ok(&report));
    let identity = stix::Id::parse("identity--00000000-0000-4000-8000-000000000001").expect("an id");
    let carried = to_stix(&report, &identity, stix::marking::Tlp::Red).to_string();
    // A report may hold more than an object of the log can.
    if let Ok(object) = stix::Object::parse(carried.into_bytes().into()) {
        assert_eq!(from_stix(&object).as_ref(), Ok(&report));
    }
    let read = Regimes::read([(FIELDS_FILE, FIELDS), (SEVERITY_FILE, SEVERITY), ("eu-nis2.toml", NIS2)]);
    used(&report, &read.regimes.expect("the shipped files are good"));
}

fn used(report: &Report, regimes: &Regimes) {
    let _ = findings(report, regimes, now());
    let _ = table(regimes, now(), Lang::Ja);
    let profile = Profile::default();
    let owed = duties(report, &profile, regimes, now());
    assert!(next_wake(&owed, now()).is_none_or(|wake| wake > now()));
    for duty in owed {
        let key = (duty.regime.as_str(), duty.stage.as_str(), duty.recipient.as_str());
        let Ok(form) = render(report, &profile, regimes, key, now()) else { continue };
        let _ = form.to_text(Lang::En);
        let copy = Copy::of(&form);
        assert_eq!(Copy::parse(copy.bytes()).as_ref(), Ok(&copy));
    }
}

/// A report that starts every clock of these regimes.
fn report_that_has_everything(regimes: &Regimes) -> Report {
    let id = stix::Id::parse("incident--00000000-0000-4000-8000-000000000001").expect("an id");
    let mut report = Report::new(id, "live", "o", now()).expect("a report");
    let mut add = |what| {
        let event = regime::Event { logged: now(), by: None, what };
        report.add(event, now()).expect("a legal event");
    };
    for moment in regime::Moment::ALL {
        add(regime::What::Happened { moment, at: now() });
    }
    for kind in regime::Kind::ALL {
        add(regime::What::Kind { kind });
    }
    for found in regimes.iter() {
        for stage in found.stages.iter().take(3) {
            for recipient in found.recipients_of(stage).take(3) {
                add(regime::What::Filed {
                    regime: found.id.clone(),
                    stage: stage.id.clone(),
                    recipient: recipient.id.clone(),
                    at: now(),
                    copy: "0".repeat(64),
                });
            }
        }
    }
    report
}

#[test]
fn the_seeds_are_not_refused() {
    let seed = include_str!("../../../../fuzz/seeds/regime/report.json");
    Report::from_json(&serde_json::from_str(seed).unwrap()).unwrap();
    report_json(seed.as_bytes());
    regime_file(include_bytes!("../../../../fuzz/seeds/regime/regime.toml"));
}

#[test]
fn damaged_files_do_no_harm() {
    let whole = NIS2.as_bytes();
    for at in (0..whole.len()).step_by(211) {
        let mut damaged = whole.to_vec();
        for byte in [b'"', b'{', b'9', b'\n', 0xff] {
            damaged[at] = byte;
            regime_file(&damaged);
        }
        regime_file(&whole[..at]);
    }
}

#[test]
fn damaged_reports_do_no_harm() {
    let read = Regimes::read([(FIELDS_FILE, FIELDS), (SEVERITY_FILE, SEVERITY), ("eu-nis2.toml", NIS2)]);
    let report = report_that_has_everything(&read.regimes.unwrap());
    let whole = report.to_json().to_string().into_bytes();
    for at in (0..whole.len()).step_by(13) {
        let mut damaged = whole.clone();
        for byte in [b'"', b'0', b'-', b'9', 0xff] {
            damaged[at] = byte;
            report_json(&damaged);
        }
    }
    report_json(&whole);
}
