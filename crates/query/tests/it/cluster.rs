//! A scheduler and two executors on loopback, against the same question in process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use lake::Lake;
use query::{Executor, QueryError, Session};
use tokio::runtime::Runtime;

use crate::made::{BOUNDS, compact, lines, session, two_days, write_by_hour};

/// Each part runs on threads of its own, which can be taken away from it.
struct Part {
    runtime: Option<Runtime>,
    _work: Option<tempfile::TempDir>,
}

impl Part {
    fn new(work: Option<tempfile::TempDir>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { runtime: Some(runtime), _work: work }
    }

    fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.runtime.is_some() {
            self.kill();
        }
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

struct Cluster {
    at: String,
    executors: Vec<Part>,
    _scheduler: Part,
    client: Runtime,
}

impl Cluster {
    fn start(executors: usize) -> Self {
        let scheduler = Part::new(None);
        let runtime = scheduler.runtime.as_ref().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(query::schedule(listener));
        let executors = (0..executors).map(|_| executor(port)).collect();
        let client =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { at: format!("127.0.0.1:{port}"), executors, _scheduler: scheduler, client }
    }

    fn session(&self, folder: &Path) -> Session {
        Session::on_cluster(Lake::open(folder).unwrap(), &self.at, &BOUNDS).unwrap()
    }

    fn lines(&self, folder: &Path, question: &str) -> Result<Vec<String>, QueryError> {
        self.client.block_on(lines(&self.session(folder), question))
    }
}

fn executor(scheduler: u16) -> Part {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().to_owned();
    let part = Part::new(Some(work));
    let executor = Executor {
        scheduler: ("127.0.0.1".to_owned(), scheduler),
        listen: free_port(),
        threads: 2,
        memory_bytes: 256 << 20,
    };
    part.runtime.as_ref().unwrap().spawn(async move { query::execute(&executor, &path).await });
    part
}

const QUESTIONS: [&str; 8] = [
    "SELECT kind, count(*), sum(bytes), min(time), max(time) FROM records GROUP BY kind",
    "SELECT src, count(*) FROM observables WHERE value = '203.0.113.9' GROUP BY src",
    "SELECT value, line FROM observables WHERE is_below(value, 'evil.example') OR in_network(value, '203.0.113.0/24')",
    "SELECT value, count(DISTINCT src) FROM observables WHERE is_below(value, 'example.jp') GROUP BY value",
    "SELECT a.src, count(*) FROM observables a JOIN observables b ON a.source = b.source AND a.line = b.line \
     WHERE a.value = '203.0.113.9' AND b.role = 'content' GROUP BY a.src",
    "SELECT count(*) FROM records WHERE kind = 'flow' AND time < '2026-11-01T12:00:00Z'",
    "SELECT value FROM observables WHERE value = 'nowhere.example'",
    "SELECT address(observed, 'source'), count(*) FROM records WHERE period < '2026-11-02' GROUP BY 1",
];

#[test]
fn two_executors_answer_as_one_process_does() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let cluster = Cluster::start(2);
    for merged in [false, true] {
        if merged {
            compact(folder.path());
        }
        for question in QUESTIONS {
            let here = cluster.client.block_on(lines(&session(folder.path()), question)).unwrap();
            assert_eq!(cluster.lines(folder.path(), question).unwrap(), here, "{question}");
        }
        let found = cluster.lines(folder.path(), QUESTIONS[1]).unwrap();
        assert_eq!(found, ["192.0.2.0,4"], "counted by hand");
    }
    let error =
        cluster.lines(folder.path(), "SELECT 1 FROM observables WHERE is_below(value, 'a b')").unwrap_err();
    assert_eq!(error.code(), "sql-cluster");
    assert!(error.to_string().contains("`a b` is no domain name"), "{error}");
}

#[test]
fn rows_are_chosen_on_the_executors_as_well() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let cluster = Cluster::start(2);
    let question = "EXPLAIN ANALYZE SELECT line FROM observables WHERE value = '203.0.113.9'";
    let told = cluster.lines(folder.path(), question).unwrap().join("\n");
    let scan = told.lines().find(|line| line.contains("DataSourceExec")).unwrap_or_else(|| panic!("{told}"));
    assert!(scan.contains("output_rows=4,"), "four rows of four hundred are read: {scan}");
}

/// One of two executors is killed while a question is worked on: the other gives the whole answer, or there is an error.
#[test]
fn a_killed_executor_costs_no_row() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let mut cluster = Cluster::start(2);
    let question = "SELECT a.value, count(*) FROM observables a JOIN observables b ON a.src = b.src AND a.kind = b.kind \
                    WHERE b.line % 100 = 0 GROUP BY a.value";
    let expected = cluster.lines(folder.path(), question).unwrap();
    assert!(expected.len() > 50);
    let session = cluster.session(folder.path());
    let asked = cluster.client.spawn(async move { lines(&session, question).await });
    std::thread::sleep(Duration::from_millis(150));
    cluster.executors[0].kill();
    let begun = Instant::now();
    match cluster.client.block_on(asked).unwrap() {
        Ok(answer) => assert_eq!(answer, expected),
        Err(error) => assert_eq!(error.code(), "sql-cluster", "{error}"),
    }
    println!("after {:.1?}", begun.elapsed());
    assert_eq!(cluster.lines(folder.path(), question).unwrap(), expected, "the other goes on alone");
}

#[test]
fn no_cluster_is_an_error_that_says_where() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hour(folder.path(), &two_days());
    let client = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let at = free_port().to_string();
    let session = Session::on_cluster(Lake::open(folder.path()).unwrap(), &at, &BOUNDS).unwrap();
    let error = client.block_on(lines(&session, "SELECT count(*) FROM records")).unwrap_err();
    assert_eq!(error.code(), "sql-cluster");
    assert!(error.to_string().contains(&at), "{error}");
}

#[test]
fn a_network_is_reached_by_wish_alone() {
    let check = |listen: &str, allowed| query::check_exposure(listen.parse().unwrap(), allowed).is_ok();
    assert!(check("127.0.0.1:50050", false) && check("[::1]:50050", false));
    assert!(!check("0.0.0.0:50050", false) && !check("192.0.2.1:50050", false) && !check("[::]:1", false));
    assert!(check("192.0.2.1:50050", true));
}
