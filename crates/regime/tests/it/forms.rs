//! One record in several forms.

use expect_test::expect_file;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use regime::{
    Copy, Event, Fields, Form, Kind, Lang, Mark, Moment, NoForm, Profile, Report, Sighted, What, prefill,
    render,
};

use crate::given::{at, aware, event, happened, list, profile, report_of, shipped, stated, text, yes};

const NOW: &str = "2026-11-29T06:00:00Z";

fn profile_of_all() -> Profile {
    profile(&[
        ("organisation_name", text("近畿電力株式会社")),
        ("sectors", list(&["power"])),
        ("contact_name", text("山田 花子")),
        ("contact", text("03-0000-0000")),
        ("nis2_entity", text("important")),
        ("data_protection_contact", text("dpo@example.jp")),
        ("handles_personal_data", yes()),
    ])
}

fn incident() -> Report {
    let seen = Sighted {
        id: stix::Id::parse("sighting--00000000-0000-4000-8000-000000000001").unwrap(),
        value: "198.51.100.7".into(),
        at: at("2026-11-28T23:30:00Z"),
    };
    let catalogue = &shipped().catalogue;
    let known = prefill(&profile_of_all(), &[seen], catalogue, &[].into(), at("2026-11-29T00:20:00Z"));
    let mut unknown = stated("2026-11-29T00:15:00Z", &[("cause", text("x"))]);
    if let What::Stated { fields } = &mut unknown.what {
        fields.get_mut("cause").unwrap().value = None;
    }
    report_of(
        [
            event("2026-11-29T00:00:00Z", What::Kind { kind: Kind::Ransomware }),
            event("2026-11-29T00:00:00Z", What::Kind { kind: Kind::DataBreach }),
            aware("2026-11-29T00:00:00Z"),
            happened(Moment::Occurred, "2026-11-28T23:00:00Z", "2026-11-29T00:05:00Z"),
            stated(
                "2026-11-29T00:10:00Z",
                &[
                    ("summary", text("ファイルサーバーが暗号化された。\n業務は手作業で続けている。")),
                    ("service_state", text("degraded")),
                    ("impact", text("検針の受付")),
                    ("response", text("端末を切り離した")),
                    ("malicious", yes()),
                    ("cross_border", yes()),
                    ("severity", text("4")),
                    ("persons_count", regime::Value::Number(12_345)),
                    ("data_items", list(&["氏名", "住所"])),
                    ("ransom_note", text("PAY\n3. 偽の行: これは様式の行ではない")),
                    ("encrypted_extension", text(".locked")),
                    ("attack_path", list(&["vulnerability", "remote-access"])),
                ],
            ),
            unknown,
        ]
        .into_iter()
        .chain(known),
    )
}

fn form(report: &Report, key: (&str, &str, &str)) -> Form {
    render(report, &profile_of_all(), shipped(), key, at(NOW)).unwrap()
}

#[test]
fn one_record_in_four_forms() {
    let report = incident();
    let keys = [
        ("jp.common.ransomware", "first", "police"),
        ("jp.ppc", "preliminary", "ppc"),
        ("eu.nis2", "notification", "csirt"),
        ("eu.gdpr", "notification", "authority"),
    ];
    let texts = |lang| keys.map(|key| form(&report, key).to_text(lang)).join("\n--------\n\n");
    expect_file!["forms.ja.txt"].assert_eq(&texts(Lang::Ja));
    expect_file!["forms.en.txt"].assert_eq(&texts(Lang::En));
}

#[test]
fn a_line_says_what_is_the_matter_with_it() {
    let form = form(&incident(), ("jp.ppc", "preliminary", "ppc"));
    let mark = |field: &str| form.lines.iter().find(|line| line.field == field).unwrap().mark;
    assert_eq!(mark("summary"), None);
    assert_eq!(mark("cause"), Some(Mark::NotKnownYet));
    assert_eq!(mark("prevention"), Some(Mark::Missing));
    let missing: Vec<&str> = form.missing().map(|line| line.field.as_str()).collect();
    assert_eq!(missing, ["cause", "secondary_damage", "persons_response", "publicity", "prevention"]);
    let warning = crate::forms::form(&incident(), ("eu.nis2", "notification", "csirt"));
    let indicators = warning.lines.iter().find(|line| line.field == "indicators").unwrap();
    assert_eq!(indicators.mark, Some(Mark::Unconfirmed), "no person has looked at what sightings gave");
    assert!(warning.is_complete());
}

fn consent(recipient: &str, fields: Fields, given: bool, logged: &str) -> Event {
    event(
        logged,
        What::Consent { regime: "jp.common.ransomware".into(), recipient: recipient.into(), fields, given },
    )
}

#[test]
fn without_consent_a_field_is_left_out_and_that_is_said() {
    let some = ["summary", "indicators", "@kind"].map(str::to_owned).into();
    let mut report = incident();
    let now = at(NOW);
    report.add(consent("nco", Fields::Only(some), true, "2026-11-29T01:00:00Z"), now).unwrap();
    report
        .add(
            consent("police", Fields::Only(["ransom_note".to_owned()].into()), false, "2026-11-29T01:00:00Z"),
            now,
        )
        .unwrap();
    let given = |recipient: &str| form(&report, ("jp.common.ransomware", "first", recipient));
    let nco = given("nco");
    let lines: Vec<&str> = nco.lines.iter().map(|line| line.field.as_str()).collect();
    assert_eq!(lines, ["summary", "indicators"]);
    let text = nco.to_json().to_string() + &nco.to_text(Lang::Ja) + &nco.to_text(Lang::En);
    for secret in ["PAY", ".locked", "検針", "山田"] {
        assert!(!text.contains(secret), "{secret} was given without consent");
    }
    assert!(nco.left_out.iter().any(|left| left.field == "ransom_note"));
    let police = given("police");
    assert_eq!(police.left_out.iter().map(|left| left.field.as_str()).collect::<Vec<_>>(), ["ransom_note"]);
    // Consent that is given back takes effect for the next form.
    report.add(consent("nco", Fields::All, false, "2026-11-29T02:00:00Z"), now).unwrap();
    assert_eq!(form(&report, ("jp.common.ransomware", "first", "nco")).lines, []);
}

#[test]
fn an_exercise_says_so_first() {
    let id = stix::Id::parse("incident--00000000-0000-4000-8000-000000000002").unwrap();
    let report = Report::new(id, "exercise:autumn", "kinki-power", at(NOW)).unwrap();
    let form = form(&report, ("eu.nis2", "early-warning", "csirt"));
    assert!(form.to_text(Lang::Ja).starts_with("【訓練】"));
    assert!(form.to_text(Lang::En).starts_with("[EXERCISE]"));
    assert_eq!(form.to_json()["realm"], "exercise:autumn");
}

#[test]
fn what_is_not_there_has_no_form() {
    let none = |key| render(&incident(), &Profile::default(), shipped(), key, at(NOW)).unwrap_err();
    assert_eq!(none(("eu.nis2", "answer", "csirt")), NoForm::Answer);
    assert!(matches!(none(("eu.nis3", "answer", "csirt")), NoForm::Unknown { .. }));
    assert!(
        matches!(none(("jp.ppc", "notice", "ppc")), NoForm::Unknown { .. }),
        "the notice is for the persons"
    );
}

#[test]
fn eras_and_zones_are_those_of_the_authority() {
    let of = |when: &str, lang| {
        let report = report_of([aware(when)]);
        let form = form(&report, ("eu.nis2", "early-warning", "csirt"));
        let line = form.lines.iter().find(|line| line.field == "@aware").unwrap().clone();
        line.shown.in_lang(lang).to_owned()
    };
    assert_eq!(of("2026-11-29T00:05:00Z", Lang::Ja), "令和8年11月29日 1時05分 (CET)");
    assert_eq!(of("2026-07-01T22:05:00Z", Lang::En), "2026-07-02 00:05 CEST");
    assert_eq!(of("2019-12-31T12:00:00Z", Lang::Ja), "令和元年12月31日 13時00分 (CET)");
    assert_eq!(of("2019-04-30T12:00:00Z", Lang::Ja), "2019年4月30日 14時00分 (CEST)");
}

#[test]
fn a_copy_is_its_bytes() {
    let form = form(&incident(), ("jp.common.ransomware", "first", "police"));
    let copy = Copy::of(&form);
    let again = Copy::parse(copy.bytes()).unwrap();
    assert_eq!((again.bytes(), again.names()), (copy.bytes(), ("jp.common.ransomware", "first", "police")));
    let filed = copy.filed(at("2026-11-29T06:01:00Z"), "hanako", at("2026-11-29T06:02:00Z"));
    let record = report_of([filed]).record();
    assert_eq!(record.filings[0].copy, hex(&copy.sha256()));
    // Any other byte is another copy, or none.
    let blank = [b" ", copy.bytes()].concat();
    assert!(Copy::parse(&blank).is_err(), "a blank more is another spelling");
    let text = String::from_utf8(copy.bytes().to_vec()).unwrap();
    let altered = text.replace(".locked", ".locket");
    assert_ne!(Copy::parse(altered.as_bytes()).unwrap().sha256(), copy.sha256());
    assert!(Copy::parse(text.replace("regime:form:1", "regime:form:2").as_bytes()).is_err());
    assert!(Copy::parse(b"{}").is_err() && Copy::parse(b"\xff").is_err() && Copy::parse(b"").is_err());
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

proptest! {
    #[test]
    fn whatever_a_person_writes_stands_in_its_own_line(written in "\\PC{1,60}(\n\\PC{0,60}){0,4}") {
        let report = report_of([aware(NOW), stated(NOW, &[("summary", text(&written))])]);
        let form = form(&report, ("eu.nis2", "early-warning", "csirt"));
        let copy = Copy::of(&form);
        prop_assert_eq!(Copy::parse(copy.bytes()).unwrap(), copy);
        let printed = form.to_text(Lang::En);
        let numbered = printed.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
        prop_assert_eq!(numbered, form.lines.len());
        prop_assert!(!printed.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    }
}
