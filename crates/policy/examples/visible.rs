//! How long decisions take: `cargo run -p policy --example visible [--release]`.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::time::Instant;

use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};
use policy::{Engine, Label, LabelKey, Personal, Principal, PrincipalKind, TlpLabel};
use stix::marking::Tlp;

const ORGANISATIONS: usize = 67;
const LABELS: usize = 400;
const ROUNDS: u32 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let begun = Instant::now();
    let engine = Engine::compile(&Engine::built_in())?;
    writeln!(out, "compile and try out           {:>10.1?}", begun.elapsed())?;

    let organisation =
        |number: usize| OrganisationId::parse(&format!("organisation-{number}")).ok_or("not a short name");
    let levels: Vec<TlpLabel> =
        Tlp::ALL.into_iter().map(TlpLabel::Level).chain([TlpLabel::Unmarked]).collect();
    let mut labels: Vec<(LabelKey, Label)> = Vec::new();
    for number in 0..LABELS {
        let label = Label {
            tlp: levels.get(number % levels.len()).copied().unwrap_or(TlpLabel::Unmarked),
            ..Label::unmarked(&organisation(number % ORGANISATIONS)?, &Realm::Live)
        };
        labels.push((i64::try_from(number)?, label));
    }
    let principal = Principal {
        kind: PrincipalKind::Person("someone".to_owned()),
        organisation: organisation(1)?,
        organisation_role: OrganisationRole::Operator,
        roles: BTreeSet::from([PersonRole::Analyst, PersonRole::DutyOfficer]),
        realm: Realm::Live,
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    };
    let of = |labels: &[(LabelKey, Label)]| {
        engine.visible(&principal, labels.iter().map(|(key, label)| (*key, label)))
    };
    let visible = || of(&labels);

    let begun = Instant::now();
    let first = visible();
    writeln!(
        out,
        "{LABELS} labels, first time       {:>10.1?}, {} of them readable",
        begun.elapsed(),
        first.keys().len()
    )?;
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        assert_eq!(visible(), first);
    }
    writeln!(out, "{LABELS} labels, remembered       {:>10.1?}", begun.elapsed() / ROUNDS)?;
    // As many of redacted copies, each of which stands in for something stricter.
    let red = |label: &Label| Label { tlp: TlpLabel::Level(Tlp::Red), ..label.clone() };
    let copies: Vec<(LabelKey, Label)> =
        labels.iter().map(|(key, label)| (*key, label.in_place_of([red(label)]))).collect();
    let first = of(&copies);
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        assert_eq!(of(&copies), first);
    }
    writeln!(out, "{LABELS} labels of copies         {:>10.1?}", begun.elapsed() / ROUNDS)?;
    Ok(())
}
