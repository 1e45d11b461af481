//! `yagura lake sql` as an analyst uses it, in process and on a cluster of processes.
#![cfg(test)]

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Output, Stdio};

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A lake of a hundred look-ups by five hosts and one flow.
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let look_up = |number: u32| {
            let (minute, host) = (number % 60, number % 5);
            format!(
                r#"{{"timestamp":"2026-02-01T0{}:{minute:02}:00.000000+0000","event_type":"dns","src_ip":"10.0.0.{host}","dest_ip":"10.0.1.1","proto":"UDP","dns":{{"rrname":"host{}.Example.jp"}}}}"#,
                number / 60,
                number % 20
            )
        };
        let flow = r#"{"timestamp":"2026-02-01T05:00:00.000000+0000","event_type":"flow","src_ip":"10.0.0.1","dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP"}"#;
        let log: String = (0..100).map(look_up).chain([flow.to_owned()]).map(|line| line + "\n").collect();
        std::fs::write(desk.folder.path().join("eve.json"), log).unwrap();
        assert!(desk.run(&["lake", "add", "history", "eve.json"]).status.success());
        desk
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C.UTF-8");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exit code, standard output and standard error as one text.
    fn told(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.run(arguments);
        let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
        format!("{}\n{stdout}---\n{stderr}", status.code().unwrap())
    }
}

fn check(arguments: &[&str], expected: &str) {
    let desk = Desk::new();
    let told = desk.told(&[&["lake", "sql", "history"], arguments].concat());
    assert_eq!(told, expected, "{arguments:?}");
}

const BY_SOURCE: &str = "SELECT src, count(*) AS times FROM observables WHERE is_below(value, 'example.jp') GROUP BY src ORDER BY src LIMIT 2";

#[test]
fn answers_are_for_people_and_for_programs() {
    check(&[BY_SOURCE], "0\nsrc,times\n10.0.0.0,20\n10.0.0.1,20\n---\n");
    check(
        &["--output", "json", BY_SOURCE],
        "0\n{\"src\":\"10.0.0.0\",\"times\":20}\n{\"src\":\"10.0.0.1\",\"times\":20}\n---\n",
    );
    check(
        &["--json", BY_SOURCE],
        "0\n{\"src\":\"10.0.0.0\",\"times\":20}\n{\"src\":\"10.0.0.1\",\"times\":20}\n---\n",
    );
    let table = "0\n+----------+-------+\n| src      | times |\n+----------+-------+\n| 10.0.0.0 | 20    |\n+----------+-------+\n---\n\
                 yagura: stopped after 1 rows; `--limit 0` prints all\n";
    check(&["--output", "table", "--limit", "1", BY_SOURCE], table);
}

#[test]
fn a_question_comes_from_a_file_or_by_standard_input() {
    let desk = Desk::new();
    std::fs::write(desk.folder.path().join("q.sql"), "SELECT count(*) AS n FROM records;\n").unwrap();
    assert_eq!(desk.told(&["lake", "sql", "history", "--file", "q.sql"]), "0\nn\n101\n---\n");
    let mut command = desk.command(&["lake", "sql", "history"]);
    let mut asked = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    asked
        .stdin
        .take()
        .unwrap()
        .write_all(b"SELECT dst FROM observables WHERE value = '203.0.113.9'")
        .unwrap();
    assert_eq!(String::from_utf8(asked.wait_with_output().unwrap().stdout).unwrap(), "dst\n203.0.113.9\n");
}

#[test]
fn errors_say_what_to_do_in_both_languages() {
    check(
        &["DROP TABLE records"],
        "2\n---\nyagura: `DROP TABLE records` is no question: `SELECT`, `EXPLAIN`, `SHOW` and `DESCRIBE` are [sql-not-a-question]\n",
    );
    check(
        &["--lang", "ja", "DROP TABLE records"],
        "2\n---\nyagura: `DROP TABLE records` は問い合わせではありません。使えるのは `SELECT`・`EXPLAIN`・`SHOW`・`DESCRIBE` だけです [sql-not-a-question]\n",
    );
    let desk = Desk::new();
    let told = desk.told(&["lake", "sql", "none", "SELECT 1"]);
    assert!(told.starts_with("2\n---\n") && told.ends_with("[lake-none]\n"), "{told}");
    for command in ["scheduler", "executor"] {
        let told = desk.told(&["lake", command, "--listen", "0.0.0.0:50999"]);
        assert!(told.starts_with("2\n---\n") && told.contains("--allow-network"), "{told}");
    }
}

#[test]
fn it_says_how_it_answers() {
    let desk = Desk::new();
    let told = desk.told(&[
        "lake",
        "sql",
        "history",
        "--explain",
        "SELECT line FROM observables WHERE value = '203.0.113.9'",
    ]);
    assert!(
        told.starts_with("0\n") && told.contains("DataSourceExec") && told.contains("output_rows=1,"),
        "{told}"
    );
}

/// A process of the cluster, which does not outlive the test.
struct Process(Child);

impl Process {
    fn start(desk: &Desk, arguments: &[&str]) -> Self {
        let mut child = desk.command(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("127.0.0.1:"), "{said}");
        Self(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> String {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_cluster_of_processes_answers_and_loses_one() {
    let desk = Desk::new();
    let at = free();
    let _scheduler = Process::start(&desk, &["lake", "scheduler", "--listen", &at]);
    let executor = || {
        Process::start(
            &desk,
            &["lake", "executor", "--scheduler", &at, "--listen", &free(), "--threads", "1"],
        )
    };
    let (one, _other) = (executor(), executor());
    let ask = || desk.told(&["lake", "sql", "history", "--cluster", &at, BY_SOURCE]);
    let expected = "0\nsrc,times\n10.0.0.0,20\n10.0.0.1,20\n---\n";
    assert_eq!(ask(), expected);
    drop(one);
    assert_eq!(ask(), expected);
}
