//! Files that strangers, or tired people, wrote.

use regime::{FIELDS_FILE, FILES_MAX, Gravity, Regimes, SEVERITY_FILE};

use crate::given::{shipped_files, with_regime};

/// A small regime, with one part replaced by another.
fn small(part: &str, by: &str) -> String {
    let text = r#"id = "own"
name = { ja = "自", en = "own" }
authority = { ja = "庁", en = "office" }
enabled = true
zone = "Asia/Tokyo"
[basis.b]
verified = "law"
source = "s"
date = "2026-11-29"
[applies]
basis = "b"
when = { kind = ["ddos"] }
[[recipient]]
id = "r"
name = { ja = "先", en = "recipient" }
basis = "b"
[[stage]]
id = "first"
name = { ja = "初", en = "first" }
form = "f"
[[stage.clock]]
from = "aware"
due = { hours = 24 }
basis = "b"
[[form]]
id = "f"
name = { ja = "様", en = "form" }
basis = "b"
items = [ { field = "summary", required = true } ]
"#;
    let changed = text.replacen(part, by, 1);
    assert!(part.is_empty() || changed != text, "`{part}` is not in the file");
    changed
}

/// What is found where `part` stands as `by`: keys and messages of errors.
fn check(part: &str, by: &str, expected: &[(&str, &str)]) {
    let read = with_regime(&small(part, by));
    let found: Vec<(&str, &str)> =
        read.problems.iter().map(|problem| (problem.key.as_str(), problem.message.as_str())).collect();
    for ((key, message), (wanted_key, wanted)) in found.iter().zip(expected) {
        assert!(key == wanted_key && message.contains(wanted), "{found:?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(read.problems.iter().all(|problem| problem.file == "own.toml"));
    let usable = read.regimes.unwrap().get("own").is_some();
    assert_eq!(usable, !read.problems.iter().any(|problem| problem.gravity == Gravity::Error));
}

#[test]
fn a_good_file_has_no_problems() {
    check("", "", &[]);
}

#[test]
fn what_the_form_does_not_know_is_refused_by_name_and_line() {
    check("enabled = true", "enabled = true\ncolour = 1", &[("line 5", "unknown field `colour`")]);
    check(
        "due = { hours = 24 }",
        "due = { hours = 24 }\nsnooze = 1",
        &[("line 24", "unknown field `snooze`")],
    );
    check("source = \"s\"\n", "", &[("line 6", "missing field `source`")]);
    check("verified = \"law\"", "verified = \"surely\"", &[("line 7", "unknown variant `surely`")]);
    check("kind = [\"ddos\"]", "kind = [\"flood\"]", &[("line 12", "unknown variant `flood`")]);
    check("id = \"own\"", "id = ", &[("line 1", "")]);
}

#[test]
fn what_a_file_calls_by_name_must_be_there() {
    check(
        "form = \"f\"",
        "form = \"g\"",
        &[("stage.first.form", "no form `g`"), ("form.f", "no stage uses")],
    );
    check(
        "due = { hours = 24 }\nbasis = \"b\"",
        "due = { hours = 24 }\nbasis = \"c\"",
        &[("stage.first.clock.1.basis", "no basis `c`")],
    );
    check("field = \"summary\"", "field = \"sumary\"", &[("form.f.items.sumary", "no such field")]);
    check("kind = [\"ddos\"]", "field = \"x\", is = true", &[("applies.when", "no field `x`")]);
    check(
        "kind = [\"ddos\"]",
        "field = \"nis2_entity\", in = [\"vital\"]",
        &[("applies.when", "`vital` is no choice")],
    );
    check(
        "form = \"f\"",
        "form = \"f\"\nrecipients = [\"q\"]",
        &[("stage.first.recipients", "no recipient `q`")],
    );
    check("zone = \"Asia/Tokyo\"", "zone = \"Asia/Kyoto\"", &[("zone", "IANA")]);
}

#[test]
fn clocks_cannot_wait_for_each_other() {
    check(
        "from = \"aware\"",
        "from = \"filed:first\"",
        &[("stage.first.clock.1.from", "no stage that stands before")],
    );
    check("from = \"aware\"", "from = \"noticed\"", &[("stage.first.clock.1.from", "one of occurred")]);
    check(
        "form = \"f\"",
        "owes = \"authority\"",
        &[("stage.first.clock.1.from", "runs from `filed:`"), ("form.f", "no stage")],
    );
    check(
        "form = \"f\"",
        "form = \"f\"\nowes = \"authority\"",
        &[("stage.first.form", "has none"), ("stage.first.clock.1.from", "runs from")],
    );
}

#[test]
fn numbers_and_texts_have_bounds() {
    for length in [
        "hours = 0",
        "hours = 60000",
        "days = 5",
        "days = 0, counts_first_day = true",
        "months = 1, hours = 1",
        "months = 121",
        "hours = 1, counts_first_day = true",
    ] {
        check("hours = 24", length, &[("stage.first.clock.1.due", "one of hours, days")]);
    }
    check("{ hours = 24 }", "\"soon\"", &[("stage.first.clock.1.due", "one of promptly")]);
    check("hours = 24", "hours = -1", &[("line 23", "")]);
    check("ja = \"庁\"", "ja = \" \"", &[("authority", "empty in one")]);
    check("ja = \"庁\"", "ja = \"\\u202E庁\"", &[("authority", "direction")]);
    check("ja = \"庁\"", "ja = \"庁\\n2. x\"", &[("authority", "line breaks")]);
    check("ja = \"庁\"", &format!("ja = \"{}\"", "あ".repeat(2_001)), &[("authority", "longer than")]);
    check("id = \"own\"", "id = \"Own!\"", &[("id", "a name has")]);
    check("date = \"2026-11-29\"", "date = \"29.11.2026\"", &[("basis.b.date", "a day is written")]);
}

#[test]
fn conditions_have_one_meaning() {
    let wrong = "a condition is one of";
    check("kind = [\"ddos\"]", "kind = [\"ddos\"], is = true", &[("applies.when", wrong)]);
    check("kind = [\"ddos\"]", "", &[("applies.when", wrong)]);
    check("kind = [\"ddos\"]", "any = []", &[("applies.when", wrong)]);
    check("kind = [\"ddos\"]", "always = false", &[("applies.when", wrong)]);
    check("kind = [\"ddos\"]", "field = \"summary\"", &[("applies.when", "needs one of is")]);
    let deep = format!("{}kind = [\"ddos\"]{}", "not = { ".repeat(8), " }".repeat(8));
    check("kind = [\"ddos\"]", &deep, &[("applies.when", "nested deeper")]);
    let wide = format!("any = [{}]", "{ kind = [\"ddos\"] },".repeat(64));
    let read = with_regime(&small("kind = [\"ddos\"]", &wide));
    assert!(
        read.problems.iter().all(|problem| problem.message.contains("more than 64"))
            && !read.problems.is_empty()
    );
}

#[test]
fn the_last_clock_is_for_everybody() {
    let only = "from = \"aware\"\nwhen = { field = \"ongoing\", is = true }";
    check("from = \"aware\"", only, &[("stage.first.clock", "may have no condition")]);
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let mut files = shipped_files();
    files.insert("eu-nis2.toml".into(), "id = 1".into());
    files.insert("zz.toml".into(), files["jp-ppc.toml"].clone());
    let read = Regimes::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let keys: Vec<(&str, &str)> =
        read.problems.iter().map(|problem| (problem.file.as_str(), problem.key.as_str())).collect();
    assert_eq!(keys, [("eu-nis2.toml", "line 1"), ("zz.toml", "id")]);
    assert_eq!(read.regimes.unwrap().iter().count(), 11);
}

#[test]
fn nothing_stands_without_its_fields() {
    let files = shipped_files();
    let without = |gone: &str| {
        let read = Regimes::read(
            files.iter().filter(|(name, _)| *name != gone).map(|(name, text)| (name.as_str(), text.as_str())),
        );
        (read.regimes.is_none(), read.problems.first().map(|problem| problem.file.clone()))
    };
    assert_eq!(without(FIELDS_FILE), (true, Some(FIELDS_FILE.to_owned())));
    assert_eq!(without(SEVERITY_FILE), (true, Some(SEVERITY_FILE.to_owned())));
}

#[test]
fn the_later_of_two_files_counts() {
    let files = shipped_files();
    let mine = files["us-circia.toml"].replace("enabled = false", "enabled = true");
    let all = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .chain([("us-circia.toml", mine.as_str())]);
    assert!(Regimes::read(all).regimes.unwrap().get("us.circia").unwrap().enabled);
}

#[test]
fn a_folder_has_bounds() {
    let large = "#".repeat(257 * 1024);
    let read = with_regime(&large);
    assert!(read.problems[0].message.contains("256 KiB"));
    let names: Vec<String> = (0..FILES_MAX + 10).map(|n| format!("f{n}.toml")).collect();
    let files = shipped_files();
    let base = [FIELDS_FILE, SEVERITY_FILE].map(|name| (name, files[name].as_str()));
    let read = Regimes::read(base.into_iter().chain(names.iter().map(|name| (name.as_str(), ""))));
    assert!(read.problems.iter().any(|problem| problem.message.contains("more than 200 files")));
}

#[test]
fn the_emergency_report_cannot_grow() {
    let mut files = shipped_files();
    let more = "\n[[field]]\nid = \"seventh\"\ntype = \"text\"\nemergency = true\nlabel = { ja = \"七\", en = \"seventh\" }\n";
    files.get_mut(FIELDS_FILE).unwrap().push_str(more);
    let read = Regimes::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    assert!(read.regimes.is_none());
    assert!(read.problems[0].message.contains("7 things"), "{:?}", read.problems);
}
