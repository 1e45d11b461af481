//! A broker of a test's own: Mosquitto on a free port, to be killed and started again. It shares no code with our client.

use std::io::{PipeWriter, Write as _, pipe};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the broker may take to start.
const WAIT: Duration = Duration::from_secs(60);

pub(crate) struct Mosquitto {
    program: &'static str,
    folder: tempfile::TempDir,
    port: u16,
    process: Option<(Child, PipeWriter)>,
}

impl Mosquitto {
    /// A running broker that anybody may use; `None`, said loudly, where Mosquitto is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("allow_anonymous true\n", |_| {})
    }

    /// The same with more of a configuration, and with what `prepare` puts into its folder.
    pub(crate) fn start_with(configuration: &str, prepare: impl FnOnce(&Path)) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("SKIPPED: OpenC2 by MQTT needs a broker; install `mosquitto`");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("yagura-mqtt-").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        prepare(folder.path());
        let at = folder.path().display();
        let configuration = configuration.replace("FOLDER", &at.to_string());
        // Started as root it would become somebody who may not write here.
        let text = format!(
            "user root\nlistener {port} 127.0.0.1\npersistence true\npersistence_location {at}/\nautosave_interval 1\n\
             autosave_on_changes true\nset_tcp_nodelay true\nlog_dest stderr\n{configuration}"
        );
        std::fs::write(folder.path().join("mosquitto.conf"), text).unwrap();
        let mut broker = Self { program, folder, port, process: None };
        broker.resume();
        Some(broker)
    }

    /// Starts it where it was stopped.
    pub(crate) fn resume(&mut self) {
        let (stops, keeps) = pipe().unwrap();
        // Dies with the test, even with a killed one.
        let script = "\"$@\" & server=$!; read -r how; kill -s \"${how:-KILL}\" $server; wait $server";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", self.program, "-c"]).arg(self.folder.path().join("mosquitto.conf"));
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let process = command.stdin(stops).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.process = Some((process, keeps));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < WAIT, "mosquitto does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGTERM, at which it writes down what it keeps for others. A broker that is killed may lose the last of it.
    pub(crate) fn stop(&mut self) {
        self.end("TERM");
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.end("KILL");
    }

    fn end(&mut self, how: &str) {
        if let Some((mut process, mut keeps)) = self.process.take() {
            let _ = keeps.write_all(format!("{how}\n").as_bytes());
            drop(keeps);
            process.wait().unwrap();
        }
    }

    /// `mqtt://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Where it keeps what it was prepared with.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Debian keeps it where only root's path leads.
fn program() -> Option<&'static str> {
    let works = |program: &&str| {
        Command::new(program).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    ["mosquitto", "/usr/sbin/mosquitto"].into_iter().find(works)
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}
