//! NATS servers of a test's own: a cluster with JetStream on disk, each server to be killed and started again.

use std::io::{PipeWriter, Write as _, pipe};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start.
const WAIT: Duration = Duration::from_secs(60);

pub(crate) struct Cluster {
    program: &'static str,
    folder: tempfile::TempDir,
    /// Of each server: where clients and where other servers reach it.
    ports: Vec<(u16, u16)>,
    processes: Vec<Option<(Child, PipeWriter)>>,
}

impl Cluster {
    /// Running servers; `None`, said loudly, where NATS is not installed.
    pub(crate) fn start(servers: usize) -> Option<Self> {
        Self::start_with(servers, "")
    }

    /// The same with more of a configuration, such as who may sign in.
    pub(crate) fn start_with(servers: usize, configuration: &str) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("SKIPPED: hubs that wake each other through NATS need it; install `nats-server`");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("yagura-nats-").tempdir_in("/tmp").unwrap();
        let free: Vec<TcpListener> =
            (0..2 * servers).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let ports = free.chunks(2).map(|pair| (port(&pair[0]), port(&pair[1]))).collect();
        drop(free);
        std::fs::write(folder.path().join("more.conf"), configuration).unwrap();
        let mut cluster = Self { program, folder, ports, processes: Vec::new() };
        for number in 0..servers {
            cluster.processes.push(None);
            cluster.resume(number);
        }
        Some(cluster)
    }

    /// Where they are, without a scheme: `127.0.0.1:1,127.0.0.1:2`.
    pub(crate) fn hosts(&self) -> String {
        let hosts: Vec<String> = self.ports.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect();
        hosts.join(",")
    }

    /// Starts a server where it was stopped.
    pub(crate) fn resume(&mut self, number: usize) {
        let (client, route) = self.ports[number];
        let (stops, keeps) = pipe().unwrap();
        // Dies with the test, even with a killed one.
        let script = "\"$@\" & server=$!; read -r how; kill -s \"${how:-KILL}\" $server; wait $server";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", self.program, "-a", "127.0.0.1", "-js"]);
        command.arg("-c").arg(self.folder.path().join("more.conf"));
        command.args(["-p", &client.to_string(), "-n", &format!("n{number}")]);
        command.arg("-sd").arg(self.folder.path().join(format!("n{number}")));
        if self.ports.len() > 1 {
            let routes: Vec<String> =
                self.ports.iter().map(|(_, route)| format!("nats://127.0.0.1:{route}")).collect();
            command.args(["--cluster_name", "yagura", "--cluster", &format!("nats://127.0.0.1:{route}")]);
            command.args(["--routes", &routes.join(",")]);
        }
        let log = std::fs::File::create(self.folder.path().join(format!("n{number}.log"))).unwrap();
        let process = command.stdin(stops).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.processes[number] = Some((process, keeps));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", client)).is_err() {
            assert!(begun.elapsed() < WAIT, "nats-server does not start: {}", self.log(number));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some((mut process, mut keeps)) = self.processes[number].take() {
            let _ = keeps.write_all(b"KILL\n");
            drop(keeps);
            process.wait().unwrap();
        }
    }

    /// What a server says of itself.
    pub(crate) fn log(&self, number: usize) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("n{number}.log"))).unwrap_or_default()
    }
}

/// Debian keeps it where only root's path leads.
fn program() -> Option<&'static str> {
    let works = |program: &&str| Command::new(program).arg("-v").stdout(Stdio::null()).status().is_ok();
    ["nats-server", "/usr/sbin/nats-server"].into_iter().find(works)
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for number in 0..self.processes.len() {
            self.kill(number);
        }
    }
}
