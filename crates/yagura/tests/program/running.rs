//! Hubs and edges as real processes on free ports, stopped when the test ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for a state, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Runtime::new().unwrap()
});

/// The program under test; `YAGURA_TESTED` names another build of it, for the figures of an optimised one.
pub(crate) fn yagura() -> Command {
    let mut command = Command::new(
        std::env::var_os("YAGURA_TESTED").unwrap_or_else(|| env!("CARGO_BIN_EXE_yagura").into()),
    );
    command.env("RUST_LOG", "warn").env("LANG", "C.UTF-8");
    command
}

/// Waits for a state, never for a time.
#[track_caller]
pub(crate) fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    wait_until_or_tell(what, is_so, String::new);
}

/// The same, and tells more where it is in vain.
#[track_caller]
pub(crate) fn wait_until_or_tell(what: &str, mut is_so: impl FnMut() -> bool, tell: impl Fn() -> String) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited too long: {what} {}", tell());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A hub.
pub(crate) struct Hub {
    child: Child,
    data: PathBuf,
    config: Option<PathBuf>,
    pub(crate) address: String,
    pub(crate) token: String,
}

/// Posts to a hub from another thread.
pub(crate) struct Poster {
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Hub {
    /// The first start in a folder.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_at(data, None, "127.0.0.1:0", None)
    }

    /// The first start with a configuration file.
    pub(crate) fn start_with(data: &Path, config: &Path) -> Self {
        Self::start_at(data, Some(config.to_owned()), "127.0.0.1:0", None)
    }

    /// The first start on a database on which another hub of the node runs.
    pub(crate) fn start_beside(data: &Path, config: &Path, token: &str) -> Self {
        Self::start_at(data, Some(config.to_owned()), "127.0.0.1:0", Some(token.to_owned()))
    }

    /// The first start, with everything that can be logged in a file.
    pub(crate) fn start_logged(data: &Path, config: &Path, log: &Path) -> Self {
        let mut command = yagura();
        command.env("RUST_LOG", "trace").stderr(std::fs::File::create(log).unwrap());
        Self::start_by(command, data, Some(config.to_owned()), "127.0.0.1:0", None)
    }

    fn start_at(data: &Path, config: Option<PathBuf>, listen: &str, token: Option<String>) -> Self {
        Self::start_by(yagura(), data, config, listen, token)
    }

    fn start_by(
        mut command: Command,
        data: &Path,
        config: Option<PathBuf>,
        listen: &str,
        token: Option<String>,
    ) -> Self {
        command.args(["hub", "--json", "--listen", listen, "--data"]).arg(data);
        if let Some(config) = &config {
            command.arg("--config").arg(config);
        }
        let (child, ready) = ready(command);
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let token = token.unwrap_or_else(|| text("token"));
        Self { child, data: data.to_owned(), config, address: text("address"), token }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts again at the same address with the same data.
    pub(crate) fn start_again(mut self) -> Self {
        self.kill();
        let listen = self.address.trim_start_matches("http://").to_owned();
        Self::start_at(&self.data, self.config.clone(), &listen, Some(self.token.clone()))
    }

    /// SIGTERM; gives the data folder.
    pub(crate) fn stop(mut self) -> PathBuf {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(self.child.wait().unwrap().success(), "a stop that was asked for succeeds");
        self.data.clone()
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn poster(&self) -> Poster {
        Poster { url: format!("{}/api/v1/objects", self.address), token: self.token.clone() }
    }

    /// Posts objects and fails unless every one was taken.
    #[track_caller]
    pub(crate) fn post(&self, objects: &Value) {
        let answer = self.poster().try_post(objects).unwrap();
        assert_eq!(answer["refused"], serde_json::json!([]), "{answer}");
    }
}

impl Poster {
    /// The answer, or nothing where the hub gave none.
    pub(crate) fn try_post(&self, objects: &Value) -> Option<Value> {
        RUNTIME.block_on(async {
            let request = reqwest::Client::new().post(&self.url).bearer_auth(&self.token);
            let request = request.header("Content-Type", "application/json").body(objects.to_string());
            let answer = request.send().await.ok()?;
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.json().await.ok()
        })
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An edge.
pub(crate) struct Edge {
    child: Child,
    page: String,
}

impl Edge {
    pub(crate) fn start(config: &Path) -> Self {
        let mut command = yagura();
        // Resident is then what the program uses, without what the kernel adds to make huge pages whole.
        command.args(["edge", "--json", "--config"]).arg(config).env("MIMALLOC_ALLOW_THP", "0");
        let (child, ready) = ready(command);
        Self { child, page: ready["page"].as_str().unwrap_or_default().to_owned() }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The memory that it takes, in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// Where the edge's own page is.
    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    /// What the edge's own page tells.
    pub(crate) fn ledger(&self) -> Value {
        get(&format!("{}/api/v1/ledger", self.page), None).unwrap()
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.kill();
    }
}

fn ready(mut command: Command) -> (Child, Value) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("`{line}` is no ready line: {e}"));
    (child, ready)
}

/// GET as JSON.
pub(crate) fn get(url: &str, token: Option<&str>) -> Option<Value> {
    RUNTIME.block_on(async {
        let mut request = reqwest::Client::new().get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.ok()?.error_for_status().ok()?.json().await.ok()
    })
}

/// DELETE; the status, or nothing where the hub gave none.
pub(crate) fn delete(url: &str, token: &str) -> Option<u16> {
    RUNTIME.block_on(async {
        let answer = reqwest::Client::new().delete(url).bearer_auth(token).send().await.ok()?;
        Some(answer.status().as_u16())
    })
}

/// `yagura admin` on a running hub; gives what it printed.
#[track_caller]
pub(crate) fn admin(hub: &Hub, arguments: &[&str]) -> String {
    let done = yagura().args(["admin", "--data"]).arg(hub.data()).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// A consent that lets out what the tests look for.
pub(crate) const CONSENT: &str =
    "purposes = [\"collective-defence\"]\nup_to = \"amber\"\nmark_as = \"green\"";

/// Registers an operator and its edge; gives the edge's token.
#[track_caller]
pub(crate) fn register_edge(hub: &Hub) -> String {
    admin(
        hub,
        &[
            "org",
            "add",
            "harbour",
            "--name-ja",
            "港湾",
            "--name-en",
            "Harbour",
            "--role",
            "operator",
            "--sector",
            "ports",
        ],
    );
    admin(hub, &["edge", "add", "harbour-1", "--org", "harbour", "--name", "Harbour"])
}

/// Writes the configuration of an edge that reads one log.
pub(crate) fn edge_config(folder: &Path, hub: &Hub, token: &str, consent: &str, log: &Path) -> PathBuf {
    let source = format!("[[source]]\nname = \"suricata\"\npath = {log:?}\n");
    edge_config_of(&folder.join("edge"), "harbour-1", hub, token, &format!("[consent]\n{consent}\n{source}"))
}

/// Writes the configuration of an edge beside its data, with these sections behind the hub's.
pub(crate) fn edge_config_of(data: &Path, id: &str, hub: &Hub, token: &str, sections: &str) -> PathBuf {
    let (path, address) = (data.with_extension("toml"), &hub.address);
    let text = format!(
        "id = \"{id}\"\ndata = {data:?}\nlisten = \"127.0.0.1:0\"\n[hub]\nurl = \"{address}\"\ntoken = \"{token}\"\n{sections}"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// `yagura export`; gives the objects.
#[track_caller]
pub(crate) fn export(hub: &Hub) -> Vec<Value> {
    let done = yagura()
        .args(["export", "--form", "lines", "--hub", &hub.address])
        .env("YAGURA_TOKEN", &hub.token)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
