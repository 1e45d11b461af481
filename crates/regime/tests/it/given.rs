//! Regimes, reports and people to work with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use jiff::Timestamp;
use regime::{Duty, Event, Moment, Profile, Provenance, Regimes, Report, Stated, Value, What, duties};

/// The files of `regimes/`, by name.
pub(crate) fn shipped_files() -> BTreeMap<String, String> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../regimes"));
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let toml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    toml.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    })
    .collect()
}

/// The shipped regimes.
pub(crate) fn shipped() -> &'static Regimes {
    static SHIPPED: OnceLock<Regimes> = OnceLock::new();
    SHIPPED.get_or_init(|| read(&shipped_files()))
}

/// The shipped regimes, some files written anew: `change` gets a file's text and gives back another.
pub(crate) fn shipped_with(file: &str, change: impl Fn(String) -> String) -> Regimes {
    let mut files = shipped_files();
    let text = files.remove(file).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "the change found nothing to change");
    files.insert(file.to_owned(), changed);
    read(&files)
}

fn read(files: &BTreeMap<String, String>) -> Regimes {
    let read = Regimes::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    assert_eq!(read.problems, [], "the files have faults");
    read.regimes.unwrap()
}

/// The fields and the severity scheme of the house, and one regime of the test's own.
pub(crate) fn with_regime(text: &str) -> regime::Read {
    let files = shipped_files();
    let stands_on = [regime::FIELDS_FILE, regime::SEVERITY_FILE];
    let base = stands_on.map(|name| (name, files[name].as_str()));
    Regimes::read(base.into_iter().chain([("own.toml", text)]))
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn report() -> Report {
    let id = stix::Id::parse("incident--00000000-0000-4000-8000-000000000001").unwrap();
    Report::new(id, "live", "kinki-power", at("2026-11-29T00:00:00Z")).unwrap()
}

pub(crate) fn yes() -> Value {
    Value::YesNo(true)
}

pub(crate) fn no() -> Value {
    Value::YesNo(false)
}

pub(crate) fn text(text: &str) -> Value {
    Value::text(text)
}

pub(crate) fn list(lines: &[&str]) -> Value {
    Value::list(lines.iter().copied())
}

pub(crate) fn profile(fields: &[(&str, Value)]) -> Profile {
    let profile =
        Profile { fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect() };
    profile.check(&shipped().catalogue).unwrap();
    profile
}

/// An event of a person.
pub(crate) fn event(logged: &str, what: What) -> Event {
    Event { logged: at(logged), by: Some("hanako".into()), what }
}

pub(crate) fn happened(moment: Moment, when: &str, logged: &str) -> Event {
    event(logged, What::Happened { moment, at: at(when) })
}

pub(crate) fn aware(when: &str) -> Event {
    happened(Moment::Aware, when, when)
}

pub(crate) fn stated(logged: &str, fields: &[(&str, Value)]) -> Event {
    let catalogue = &shipped().catalogue;
    let fields = fields.iter().map(|(name, value)| {
        catalogue.check(name, value).unwrap();
        ((*name).to_owned(), Stated { value: Some(value.clone()), provenance: Provenance::Person })
    });
    event(logged, What::Stated { fields: fields.collect() })
}

pub(crate) fn filed(when: &str, regime: &str, stage: &str, recipient: &str) -> Event {
    let what = What::Filed {
        regime: regime.into(),
        stage: stage.into(),
        recipient: recipient.into(),
        at: at(when),
        copy: "0".repeat(64),
    };
    event(when, what)
}

/// A report with these events.
pub(crate) fn report_of(events: impl IntoIterator<Item = Event>) -> Report {
    let mut report = report();
    for event in events {
        let now = event.logged;
        report.add(event, now).unwrap();
    }
    report
}

/// One duty at an instant.
pub(crate) fn duty(
    report: &Report,
    profile: &Profile,
    regimes: &Regimes,
    (regime, stage, recipient): (&str, &str, &str),
    now: &str,
) -> Duty {
    let found = duties(report, profile, regimes, at(now));
    found
        .into_iter()
        .find(|duty| duty.regime == regime && duty.stage == stage && duty.recipient == recipient)
        .unwrap_or_else(|| panic!("no duty {regime} {stage} {recipient}"))
}
