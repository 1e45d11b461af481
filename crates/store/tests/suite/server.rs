//! A PostgreSQL server of a test's own: started from a fresh cluster, stopped and removed with the test, even a killed one.

use std::io::{PipeWriter, pipe};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start or stop.
const WAIT: Duration = Duration::from_secs(60);
/// The account of the system that runs the server where the test is run by root, whom PostgreSQL refuses.
const ACCOUNT: &str = "postgres";

pub(crate) struct Server {
    folder: tempfile::TempDir,
    process: Option<(Child, PipeWriter)>,
    settings: &'static [&'static str],
}

impl Server {
    /// A running server; `None`, said loudly, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// One with settings of its own.
    pub(crate) fn start_with(settings: &'static [&'static str]) -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("SKIPPED: the store on PostgreSQL needs its server; install `postgresql`");
            return None;
        };
        let template = template(&programs);
        let folder = tempfile::Builder::new().prefix("yagura-pg-").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        run(Command::new("cp").arg("-a").arg(&template).arg(folder.path().join("data")));
        own(folder.path());
        let mut server = Self { folder, process: None, settings };
        server.resume();
        Some(server)
    }

    /// Where it is.
    pub(crate) fn address(&self) -> String {
        format!("postgres://yagura@/yagura?host={}", self.folder.path().display())
    }

    /// The folder in which it keeps everything.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it where it was stopped.
    pub(crate) fn resume(&mut self) {
        let (stops, keeps) = pipe().unwrap();
        let programs = programs().unwrap();
        let script = "\"$@\" & server=$!; read -r how; kill -s \"${how:-QUIT}\" $server; wait $server";
        let process = as_account("sh")
            .args(["-c", script, "sh"])
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .arg("-k")
            .arg(self.folder.path())
            .args(self.settings.iter().flat_map(|setting| ["-c", *setting]))
            .stdin(stops)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        self.process = Some((process, keeps));
        let begun = Instant::now();
        let status = || Command::new(programs.join("pg_isready")).arg("-qh").arg(self.folder.path()).status();
        while !status().unwrap().success() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < WAIT, "PostgreSQL does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it as a crash would: every connection is cut, nothing is written any more.
    pub(crate) fn crash(&mut self) {
        self.stop("QUIT");
    }

    /// Stops it as a careful operator would who waits for nobody.
    pub(crate) fn shut_down(&mut self) {
        self.stop("INT");
    }

    fn stop(&mut self, signal: &str) {
        if let Some((mut process, mut keeps)) = self.process.take() {
            std::io::Write::write_all(&mut keeps, format!("{signal}\n").as_bytes()).unwrap();
            drop(keeps);
            process.wait().unwrap();
        }
    }

    /// Does something to the tables behind everybody's back.
    pub(crate) fn alter(&self, sql: &str) {
        assert!(self.is_so(sql), "{sql}");
    }

    /// Whether SQL that complains otherwise does not.
    pub(crate) fn is_so(&self, sql: &str) -> bool {
        let psql = programs().unwrap().join("psql");
        let mut command = Command::new(psql);
        command.args(["-qXv", "ON_ERROR_STOP=1", "-c", sql]).arg(self.address()).stderr(Stdio::null());
        command.status().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop("QUIT");
    }
}

/// The folder of the newest server's programs.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .filter(|(_, path)| path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

/// A cluster that was never started, made once for all tests: to make one takes a second, to copy it a moment.
fn template(programs: &Path) -> PathBuf {
    let version = programs.parent().unwrap().file_name().unwrap().to_str().unwrap();
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(place).unwrap();
    let template = place.join(format!("postgres-{version}-template"));
    let lock = std::fs::File::create(place.join("postgres-template.lock")).unwrap();
    lock.lock().unwrap();
    if !template.exists() {
        let folder = tempfile::Builder::new().prefix("yagura-pg-").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        own(folder.path());
        let data = folder.path().join("data");
        let options = ["-U", "yagura", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "--wal-segsize=1"];
        run(as_account(programs.join("initdb")).args(options).arg("-D").arg(&data));
        // The operating system outlives every crash that a test makes.
        let settings = "listen_addresses = ''\nfsync = off\nshared_buffers = 32MB\nmax_connections = 40\n";
        let file = data.join("postgresql.conf");
        std::fs::write(&file, std::fs::read_to_string(&file).unwrap() + settings).unwrap();
        let single = as_account(programs.join("postgres"))
            .args(["--single", "-D"])
            .arg(&data)
            .arg("postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut single = single.unwrap();
        std::io::Write::write_all(&mut single.stdin.take().unwrap(), b"CREATE DATABASE yagura\n").unwrap();
        assert!(single.wait().unwrap().success());
        let unfinished = place.join("postgres-template.new");
        let _ = std::fs::remove_dir_all(&unfinished);
        run(Command::new("cp").arg("-a").arg(&data).arg(&unfinished));
        std::fs::rename(unfinished, &template).unwrap();
    }
    template
}

/// A program run by the account that may run a server.
fn as_account(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(if is_root() { "runuser" } else { "env" });
    if is_root() {
        command.args(["-u", ACCOUNT, "--"]);
    }
    command.arg(program).current_dir("/tmp");
    command
}

fn own(folder: &Path) {
    if is_root() {
        run(Command::new("chown").arg(ACCOUNT).arg(folder));
    }
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
