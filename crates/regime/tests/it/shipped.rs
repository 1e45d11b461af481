//! The files that ship.

use expect_test::expect_file;
use regime::{Due, Lang, Owes, Verified, rows, table};

use crate::given::{at, shipped, shipped_files};

#[test]
fn twelve_regimes_and_none_has_a_fault() {
    let regimes = shipped();
    let names: Vec<&str> = regimes.iter().map(|regime| regime.id.as_str()).collect();
    let expected = [
        "eu.gdpr",
        "eu.nis2",
        "jp.common.ddos",
        "jp.common.ransomware",
        "jp.designated",
        "jp.financial",
        "jp.medical",
        "jp.police",
        "jp.power",
        "jp.ppc",
        "jp.telecoms",
        "us.circia",
    ];
    assert_eq!(names, expected);
    assert_eq!(shipped_files().len(), expected.len() + 2);
}

#[test]
fn what_nobody_knows_is_said_to_be_unknown() {
    let regimes = shipped();
    for regime in regimes.iter() {
        for clock in regime.stages.iter().flat_map(|stage| &stage.clocks) {
            let verified = regime.verified(&clock.basis);
            assert!(
                (clock.due != Due::Unknown) || verified == Verified::Unknown,
                "{}: an unknown deadline cannot be {verified:?}",
                regime.id
            );
        }
    }
    let unknown: Vec<&str> = regimes
        .iter()
        .filter(|regime| {
            regime.stages.iter().flat_map(|stage| &stage.clocks).any(|clock| clock.due == Due::Unknown)
        })
        .map(|regime| regime.id.as_str())
        .collect();
    assert_eq!(unknown, ["jp.designated", "jp.financial", "jp.police"]);
    let disabled: Vec<&str> =
        regimes.iter().filter(|regime| !regime.enabled).map(|regime| regime.id.as_str()).collect();
    assert_eq!(disabled, ["us.circia"]);
}

#[test]
fn every_fact_says_where_it_was_read() {
    for regime in shipped().iter() {
        for basis in regime.bases.values() {
            assert!(!basis.source.is_empty());
            assert!(
                basis.verified == Verified::Unknown
                    || basis.url.is_some()
                    || basis.verified == Verified::Secondary
            );
        }
    }
    assert!(rows(shipped(), at("2026-11-29T00:00:00Z")).iter().all(|row| row.read_on.is_some()));
}

#[test]
fn the_table_is_aligned_in_both_languages() {
    let regimes = shipped();
    let now = at("2026-11-29T00:00:00Z");
    let [ja, en] = [Lang::Ja, Lang::En].map(|lang| table(regimes, now, lang));
    expect_file!["table.ja.txt"].assert_eq(&ja);
    expect_file!["table.en.txt"].assert_eq(&en);
    // Every line's second column begins at the same column of the terminal, whatever stands in the first.
    for text in [&ja, &en] {
        let starts = text.lines().map(|line| {
            let (first, rest) = line.split_once("  ").unwrap();
            unicode_width(first) + 2 + (rest.len() - rest.trim_start().len())
        });
        let starts: std::collections::BTreeSet<usize> = starts.collect();
        assert_eq!(starts.len(), 1, "{text}");
    }
    assert_eq!(ja.lines().count(), rows(regimes, now).len() + 1);
}

/// Columns of a terminal, counted by another rule than the library's: every letter beyond Latin in these files takes two.
fn unicode_width(text: &str) -> usize {
    text.chars().map(|c| if c as u32 >= 0x2e80 { 2 } else { 1 }).sum()
}

#[test]
fn there_is_one_scheme_of_severity() {
    let regimes = shipped();
    let choices = &regimes.catalogue.get("severity").unwrap().choices;
    let levels = &regimes.severity.levels;
    assert_eq!(choices.len(), levels.len());
    for (choice, level) in choices.iter().zip(levels) {
        assert_eq!(choice.id, level.level.to_string());
        assert_eq!(choice.ja, format!("{} {}", level.level, level.name.ja));
        assert_eq!(choice.en, format!("{} {}", level.level, level.name.en.to_lowercase()));
    }
}

#[test]
fn a_regime_is_not_in_use_before_its_day() {
    let regimes = shipped();
    let status = |now| {
        let rows = rows(regimes, at(now));
        let row = rows.iter().find(|row| row.regime == "jp.designated").unwrap();
        (row.in_use, row.status.en.clone())
    };
    assert_eq!(status("2026-09-30T14:59:59Z"), (false, "from 2026-10-01".to_owned()));
    assert_eq!(status("2026-09-30T15:00:00Z"), (true, "in use".to_owned()));
    let rows = rows(regimes, at("2026-11-29T00:00:00Z"));
    let answers: Vec<&str> =
        rows.iter().filter(|row| row.owes == Owes::Authority).map(|row| row.stage.as_str()).collect();
    assert_eq!(answers, ["answer"]);
}
