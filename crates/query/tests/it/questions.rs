//! Answers that were counted by hand.

use lake::Lake;

use crate::made::{block_on, compact, lines, session, two_days, write, write_by_hour};

fn check(question: &str, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let answer = block_on(lines(&session(folder.path()), question)).unwrap();
    assert_eq!(answer, expected, "{question}");
}

#[test]
fn records_are_counted() {
    check("SELECT kind, count(*) FROM records GROUP BY kind", &["dns,4800", "flow,480"]);
    check("SELECT count(*) FROM records WHERE kind = 'flow'", &["480"]);
    check("SELECT sum(bytes) FROM records", &["52800"]);
    // The second hour: a hundred of `dns`.
    let hour = "time >= '2026-11-01T01:00:00Z' AND time < '2026-11-01T02:00:00Z'";
    check(&format!("SELECT count(*) FROM records WHERE kind = 'dns' AND {hour}"), &["100"]);
    check("SELECT count(*) FROM records WHERE kind = 'dns' AND period = '2026-11-01T01'", &["100"]);
    check("SELECT count(DISTINCT period) FROM records", &["48"]);
}

#[test]
fn values_are_found_as_they_are_told() {
    check(
        "SELECT src, count(*) FROM observables WHERE value = '203.0.113.9' GROUP BY src",
        // Numbers 5, 1205, 2405, 3605.
        &["192.0.2.0,4"],
    );
    check(
        "SELECT written, count(*) FROM observables WHERE value = 'dropper.evil.example' GROUP BY written",
        &["Dropper.Evil.Example,5"],
    );
    check("SELECT count(*) FROM observables WHERE value = 'Dropper.Evil.Example'", &["0"]);
    check(
        "SELECT count(*) FROM observables WHERE value = canonical('domain-name', 'Dropper.Evil.Example')",
        &["5"],
    );
    check(
        "SELECT value FROM observables WHERE is_below(value, 'evil.example') AND time < '2026-11-01T12:00:00Z'",
        &["dropper.evil.example", "dropper.evil.example"],
    );
    check(
        "SELECT value, count(*) FROM observables WHERE value = 'evil.example' OR is_below(value, 'evil.example') GROUP BY 1",
        &["dropper.evil.example,5", "evil.example,5"],
    );
    check(
        "SELECT count(*) FROM observables WHERE in_network(value, '203.0.113.0/24', '2001:db8::/126')",
        &["484"],
    );
    check(
        "SELECT dst, count(*) FROM observables WHERE kind = 'flow' AND role = 'destination' GROUP BY dst",
        &["2001:db8::,160", "2001:db8::1,160", "2001:db8::2,160"],
    );
    check(
        "SELECT count(*) FROM observables WHERE value IN ('203.0.113.9', 'evil.example', 'nowhere.example')",
        &["9"],
    );
}

#[test]
fn what_no_index_knows_is_in_records_alone() {
    check(
        "SELECT count(*) FROM observables WHERE value = '198.51.100.7' OR value_kind = 'user-agent'",
        &["0"],
    );
    check(
        "SELECT count(*) FROM (SELECT unnest(observed) AS o FROM records) WHERE o['kind'] = 'user-agent'",
        &["480"],
    );
    check(
        "SELECT address(observed, 'destination') FROM records WHERE kind = 'flow' ORDER BY time LIMIT 1",
        &["2001:db8::"],
    );
}

#[test]
fn values_meet_each_other_in_a_join() {
    let question = "SELECT a.src, count(*) FROM observables a JOIN observables b \
                    ON a.source = b.source AND a.line = b.line \
                    WHERE a.value = '203.0.113.9' AND is_below(b.value, 'example.jp') GROUP BY a.src";
    check(question, &["192.0.2.0,4"]);
}

#[test]
fn the_index_passes_over_segments_and_rows() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let lake = Lake::open(folder.path()).unwrap();
    let showing: Vec<_> = lake
        .segments()
        .iter()
        .filter(|it| it.kind == "dns" && it.from % (12 * 3_600_000_000_000) == 0)
        .collect();
    // The four that show it are each the first of a half-day; of the others the files are taken away.
    assert_eq!(showing.len(), 4);
    for segment in lake.segments().iter().filter(|it| !showing.iter().any(|kept| kept.number == it.number)) {
        std::fs::remove_file(lake.parquet_path(segment)).unwrap();
    }
    block_on(async {
        let session = session(folder.path());
        let question = "SELECT count(*) FROM observables WHERE value = '203.0.113.9'";
        assert_eq!(lines(&session, question).await.unwrap(), ["4"]);
        assert!(lines(&session, "SELECT count(*) FROM observables").await.is_err(), "the files are away");
        let told = lines(&session, &format!("EXPLAIN ANALYZE {question}")).await.unwrap().join("\n");
        let scan = told.lines().find(|line| line.contains("DataSourceExec")).unwrap();
        assert!(scan.contains("output_rows=4,"), "four rows of four hundred are read: {scan}");
    });
}

#[test]
fn times_and_kinds_pass_over_segments() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let lake = Lake::open(folder.path()).unwrap();
    for segment in lake
        .segments()
        .iter()
        .filter(|it| it.kind != "flow" || it.period().unwrap().to_string() != "2026-11-02T05")
    {
        std::fs::remove_file(lake.parquet_path(segment)).unwrap();
    }
    block_on(async {
        let session = session(folder.path());
        for question in [
            "SELECT count(*) FROM records WHERE kind = 'flow' AND time >= '2026-11-02T05:00:00Z' AND time < '2026-11-02T06:00:00Z'",
            "SELECT count(*) FROM records WHERE kind IN ('flow') AND period = '2026-11-02T05'",
            "SELECT count(*) FROM observables WHERE kind = 'flow' AND period = '2026-11-02T05' AND role = 'source'",
        ] {
            assert_eq!(lines(&session, question).await.unwrap(), ["10"], "{question}");
        }
    });
}

#[test]
fn what_was_replaced_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let before = Lake::open(folder.path()).unwrap();
    compact(folder.path());
    let after = Lake::open(folder.path()).unwrap();
    assert!(after.segments().len() < before.segments().len());
    assert!(before.parquet_path(&before.segments()[0]).exists(), "retired, and still there");
    let session = session(folder.path());
    let question = "SELECT count(*), count(DISTINCT line) FROM records";
    assert_eq!(block_on(lines(&session, question)).unwrap(), ["5280,5280"]);
    let question = "SELECT count(*) FROM observables WHERE value = '203.0.113.9'";
    assert_eq!(block_on(lines(&session, question)).unwrap(), ["4"]);
}

#[test]
fn a_folder_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("履歴 %41~[x]");
    write_by_hour(&lake, &two_days());
    for path in [lake.clone(), lake.join("../履歴 %41~[x]")] {
        let question = "SELECT count(*) FROM observables WHERE value = '203.0.113.9'";
        assert_eq!(block_on(lines(&session(&path), question)).unwrap(), ["4"]);
    }
}

#[test]
fn an_empty_lake_has_tables() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[]);
    let session = session(folder.path());
    for (question, expected) in [
        ("SELECT count(*) FROM records", vec!["0"]),
        ("SELECT count(*) FROM observables WHERE value = 'a.example'", vec!["0"]),
        ("SELECT value FROM observables", vec![]),
    ] {
        assert_eq!(block_on(lines(&session, question)).unwrap(), expected, "{question}");
    }
    let tables = block_on(lines(&session, "SHOW TABLES")).unwrap().join("\n");
    assert!(tables.contains("public,records,") && tables.contains("public,observables,"), "{tables}");
    let columns = block_on(lines(&session, "DESCRIBE observables")).unwrap();
    assert_eq!(columns.len(), 22);
}

fn check_error(question: &str, code: &str, says: &str) {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let error = block_on(lines(&session(folder.path()), question)).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn errors_say_what_to_do() {
    check_error("SELECT nothing FROM records", "sql-not-understood", "SHOW COLUMNS FROM observables");
    check_error("SELECT * FROM other", "sql-not-understood", "other");
    check_error("SELECT * FROM '/etc/passwd'", "sql-not-understood", "/etc/passwd");
    check_error(
        "SELECT count(*) FROM observables WHERE in_network(value, '203.0.113')",
        "sql-failed",
        "203.0.113.0/24",
    );
    check_error(
        "SELECT count(*) FROM observables WHERE is_below(value, 'a b')",
        "sql-failed",
        "`a b` is no domain name",
    );
    check_error("SELECT in_network(value) FROM observables", "sql-not-understood", "at least one text");
    check_error("DROP TABLE records", "sql-not-a-question", "DROP TABLE records");
}

#[test]
fn what_needs_too_much_memory_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let bounds = query::Bounds { memory_bytes: 64 << 10, temporary_bytes: 1 << 10, threads: 1 };
    let session = query::Session::in_process(Lake::open(folder.path()).unwrap(), &bounds).unwrap();
    let question = "SELECT a.line, b.line FROM records a JOIN records b ON a.bytes = b.bytes ORDER BY 1, 2";
    let error = block_on(lines(&session, question)).unwrap_err();
    assert_eq!(error.code(), "sql-memory", "{error}");
}
