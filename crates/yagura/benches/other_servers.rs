//! What the same objects cost in other TAXII 2.1 servers and in ours, by one client: medallion, the OASIS reference server, and
//! OpenTAXII under gunicorn, both from PyPI.
//!
//! `cargo bench -p yagura --bench other_servers -- [OBJECTS]` (20,000 unless told; medallion is given 2,000 at most, since its first page
//! takes time by the square of their number). `YAGURA_OTHER_SERVERS` names the virtual environment in which they are installed.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends where something is wrong"
)]

#[expect(dead_code, reason = "it serves other benchmarks, too")]
mod running;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use running::{Hub, MEDIA, cpu_seconds, indicator};
use serde_json::{Value, json};

/// Objects to a request and to a page.
const BATCH: usize = 1000;
/// Objects that medallion can be asked to hold.
const MEDALLION_OBJECTS: usize = 2_000;

fn main() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let objects =
        std::env::args().skip(1).find_map(|argument| argument.parse::<usize>().ok()).unwrap_or(20_000);
    let objects: Vec<String> = (0..objects).map(indicator).collect();
    let few = &objects[..objects.len().min(MEDALLION_OBJECTS)];
    let Some(installed) = std::env::var_os("YAGURA_OTHER_SERVERS").map(PathBuf::from) else {
        println!("SKIPPED: YAGURA_OTHER_SERVERS does not name where medallion and OpenTAXII are installed");
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        Server::ours().measure("yagura", &objects).await;
        Server::medallion(&installed).measure("medallion, in memory", few).await;
        Server::opentaxii(&installed).measure("OpenTAXII, SQLite", &objects).await;
    });
}

/// A running server in a folder of its own.
struct Server {
    processes: Processes,
    /// The objects of its collection.
    objects: String,
    /// Name and password, or a token.
    key: Key,
    /// What it answers where it has taken objects in.
    accepts: u16,
    _folder: Option<tempfile::TempDir>,
}

enum Processes {
    Hub(Hub),
    Other(Child),
}

enum Key {
    None,
    Basic(&'static str),
    Bearer(String),
}

impl Server {
    fn ours() -> Self {
        let hub = Hub::start();
        let (objects, key) = (hub.objects.clone(), Key::Bearer(hub.token.clone()));
        Self { processes: Processes::Hub(hub), objects, key, accepts: 202, _folder: None }
    }

    fn medallion(installed: &Path) -> Self {
        const COLLECTION: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let base = format!("http://127.0.0.1:{port}");
        let data = json!({
            "/discovery": { "title": "bench", "default": format!("{base}/r1/"), "api_roots": [format!("{base}/r1/")] },
            "r1": {
                "information": { "title": "bench", "versions": [MEDIA], "max_content_length": 209_715_200 }, "status": [],
                "collections": [{ "id": COLLECTION, "title": "bench", "can_read": true, "can_write": true,
                    "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": [] }],
            },
        });
        let config = json!({
            "backend": { "module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": folder.path().join("data.json") },
            "users": { "admin": "admin" }, "taxii": { "max_page_size": 10_000 },
        });
        std::fs::write(folder.path().join("data.json"), data.to_string()).unwrap();
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let child = Command::new(installed.join("bin/medallion"))
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--log-level", "ERROR"])
            .arg(folder.path().join("config.json"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            processes: Processes::Other(child),
            objects: format!("{base}/r1/collections/{COLLECTION}/objects/"),
            key: Key::Basic("admin"),
            accepts: 202,
            _folder: Some(folder),
        }
    }

    fn opentaxii(installed: &Path) -> Self {
        // Not on a file system that is memory: what is durable has to reach a disk.
        let folder = std::env::var("BENCH_FOLDER").unwrap_or_else(|_| "/var/tmp".to_owned());
        let (folder, port) = (tempfile::tempdir_in(folder).unwrap(), free_port());
        let database = |name: &str| {
            let file = folder.path().join(name);
            json!({ "db_connection": format!("sqlite:///{}", file.display()), "create_tables": true, "secret": "bench" })
        };
        let (accounts, mut kept) = (database("accounts.db"), database("objects.db"));
        kept.as_object_mut().unwrap().remove("secret");
        // YAML takes JSON.
        let config = json!({
            "domain": format!("127.0.0.1:{port}"), "taxii1": null,
            "auth_api": { "class": "opentaxii.auth.sqldb.SQLDatabaseAPI", "parameters": accounts },
            "taxii2": {
                "title": "bench", "public_discovery": true, "max_content_length": 209_715_200,
                "persistence_api": { "class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI", "parameters": kept },
            },
            "logging": { "opentaxii": "error", "root": "error" },
        });
        let file = folder.path().join("config.yml");
        std::fs::write(&file, config.to_string()).unwrap();
        let command = |program: &str| {
            let mut command = Command::new(installed.join("bin").join(program));
            command.env("OPENTAXII_CONFIG", &file).stderr(Stdio::null());
            command
        };
        let one = |table: &str| -> uuid::Uuid {
            let database = rusqlite::Connection::open(folder.path().join("objects.db")).unwrap();
            let id: String = database
                .query_row(&format!("SELECT id FROM opentaxii_{table}"), (), |row| row.get(0))
                .unwrap();
            id.parse().unwrap()
        };
        let run = |command: &mut Command| assert!(command.status().unwrap().success());
        run(command("opentaxii-add-api-root").args(["--title", "bench", "--default"]));
        let root = one("api_root");
        let about = ["--title", "bench", "--public", "--public-write", "--rootid", &root.to_string()];
        run(command("opentaxii-add-collection").args(about));
        let collection = one("collection");
        let child = command("gunicorn")
            .args(["--bind", &format!("127.0.0.1:{port}"), "--workers", "1", "opentaxii.http:app"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            processes: Processes::Other(child),
            objects: format!("http://127.0.0.1:{port}/taxii2/{root}/collections/{collection}/objects/"),
            key: Key::None,
            // Version 0.9.3 stores the objects and then fails to write its own status resource; that they are all there, reading shows.
            accepts: 500,
            _folder: Some(folder),
        }
    }

    /// Processor time of the server and of the workers that it has started.
    fn cpu_seconds(&self) -> f64 {
        match &self.processes {
            Processes::Hub(hub) => hub.cpu_seconds(),
            Processes::Other(child) => family(child.id()).into_iter().map(cpu_seconds).sum(),
        }
    }

    async fn measure(&self, name: &str, objects: &[String]) {
        let client = reqwest::Client::new();
        while self.ask(client.get(&self.objects)).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let begun = self.cpu_seconds();
        for batch in objects.chunks(BATCH) {
            let request = self.ask(client.post(&self.objects)).header("Content-Type", MEDIA);
            let answer = request.body(format!("{{\"objects\":[{}]}}", batch.join(","))).send().await.unwrap();
            assert_eq!(answer.status(), self.accepts, "{name}");
        }
        let (between, count) = (self.cpu_seconds(), objects.len());
        let (mut read, mut next) = (0, Some(String::new()));
        while let Some(token) = next {
            let request = self.ask(client.get(format!("{}?limit={BATCH}{token}", self.objects)));
            let page: Value = request.send().await.unwrap().json().await.unwrap();
            read += page["objects"].as_array().map_or(0, Vec::len);
            next = page["next"]
                .as_str()
                .filter(|_| page["more"] == true)
                .map(|next| format!("&next={}", next.replace('+', "%2B")));
        }
        assert!(read >= count, "{name} gave {read} of {count} objects");
        let (into, out) =
            (count as f64 / (between - begun), read as f64 / (self.cpu_seconds() - between).max(0.01));
        println!("{name:<22} {count:>6} objects: {into:>7.0} in, {out:>7.0} out, objects per CPU-second");
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.header("Accept", MEDIA);
        match &self.key {
            Key::None => request,
            Key::Basic(name) => request.basic_auth(name, Some(name)),
            Key::Bearer(token) => request.bearer_auth(token),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Processes::Other(child) = &mut self.processes {
            // It ends its workers when it is asked to.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

/// A process and all that it has started.
fn family(process: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children = children.unwrap_or_default();
    let below = children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(family);
    [process].into_iter().chain(below).collect()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
