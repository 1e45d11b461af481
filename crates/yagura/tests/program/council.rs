//! Several hubs that are each other's peers, and the ways between them, which a test can cut and slow down.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener as Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::running::{Hub, RUNTIME, admin, get};

/// One hub among several.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) hub: Hub,
    /// Where its peers reach it, as it says itself; none for one that opens all connections.
    port: Option<u16>,
    policies: PathBuf,
}

/// A way to a hub. Its own state says whether what travels on it gets through.
#[derive(Clone)]
pub(crate) struct Way {
    address: String,
    state: Arc<AtomicU8>,
    /// Counts up when the way is cut, so that what is open breaks.
    cuts: tokio::sync::watch::Sender<u64>,
}

const OPEN: u8 = 0;
const SLOW: u8 = 1;
const CUT: u8 = 2;

impl Way {
    fn to(port: u16) -> Self {
        let state = Arc::new(AtomicU8::new(OPEN));
        let cuts = tokio::sync::watch::Sender::new(0);
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let way = Self { address, state, cuts };
        let (state, cuts) = (Arc::clone(&way.state), way.cuts.clone());
        RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if state.load(Ordering::Relaxed) != CUT {
                    tokio::spawn(carry(stream, port, Arc::clone(&state), cuts.subscribe()));
                }
            }
        });
        way
    }

    pub(crate) fn cut(&self) {
        self.state.store(CUT, Ordering::Relaxed);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    pub(crate) fn slow(&self) {
        self.state.store(SLOW, Ordering::Relaxed);
    }

    pub(crate) fn mend(&self) {
        self.state.store(OPEN, Ordering::Relaxed);
    }
}

async fn carry(
    near: TcpStream,
    port: u16,
    state: Arc<AtomicU8>,
    mut cuts: tokio::sync::watch::Receiver<u64>,
) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    cuts.mark_unchanged();
    tokio::select! {
        () = copy(near_in, far_out, &state) => {}
        () = copy(far_in, near_out, &state) => {}
        _ = cuts.changed() => {}
    }
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    state: &AtomicU8,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer).await {
        if state.load(Ordering::Relaxed) == SLOW {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

impl Member {
    /// A hub that listens for peers.
    pub(crate) fn start(folder: &Path, name: &'static str) -> Self {
        let port = free_port();
        Self::with(folder, name, Some(port), &format!("listen = \"127.0.0.1:{port}\""))
    }

    /// A hub that listens for peers, with settings of its own.
    pub(crate) fn set(folder: &Path, name: &'static str, settings: &str) -> Self {
        let port = free_port();
        let federation = format!("listen = \"127.0.0.1:{port}\"");
        let (policies, config) = write_config(folder, name, settings, &federation);
        Self { name, hub: Hub::start_with(&folder.join(name), &config), port: Some(port), policies }
    }

    /// Puts an agreement among the hub's files.
    pub(crate) fn agrees(&self, text: &str) {
        let folder = self.policies.join("agreements");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("agreement.toml"), text).unwrap();
        admin(&self.hub, &["policy", "reload"]);
    }

    /// A hub that gives its peers what agreements give, and no more.
    pub(crate) fn by_agreement(folder: &Path, name: &'static str) -> Self {
        let member = Self::start(folder, name);
        std::fs::remove_file(member.policies.join(PEER_RULES)).unwrap();
        admin(&member.hub, &["policy", "reload"]);
        member
    }

    /// A hub that listens to nobody, with a folder for what is carried over a diode.
    pub(crate) fn at_a_diode(folder: &Path, name: &'static str) -> Self {
        let carried = folder.join(format!("{name}-carried"));
        std::fs::create_dir(&carried).unwrap();
        Self::with(folder, name, None, &format!("folders = {carried:?}"))
    }

    /// A hub that gives only.
    pub(crate) fn one_way(folder: &Path, name: &'static str) -> Self {
        Self::with(folder, name, None, "direction = \"up\"")
    }

    /// Two hubs of one node, on one database, that open all connections to peers themselves.
    pub(crate) fn two_on(folder: &Path, database: &str) -> [Self; 2] {
        let (policies, config) = write_config(folder, "first", &format!("store = {database:?}"), "");
        let first = Hub::start_with(&folder.join("first"), &config);
        let data = folder.join("second");
        std::fs::create_dir(&data).unwrap();
        for name in ["node.key", "peer.key", "peer.crt"] {
            std::fs::copy(first.data().join(name), data.join(name)).unwrap();
        }
        let second = Hub::start_beside(&data, &config, &first.token);
        let member = |name, hub| Self { name, hub, port: None, policies: policies.clone() };
        [member("first", first), member("second", second)]
    }

    fn with(folder: &Path, name: &'static str, port: Option<u16>, federation: &str) -> Self {
        let (policies, config) = write_config(folder, name, "", federation);
        Self { name, hub: Hub::start_with(&folder.join(name), &config), port, policies }
    }

    /// Lets peers have TLP:GREEN, or no more.
    #[track_caller]
    pub(crate) fn give_green(&self, green: bool) {
        write_peer_rules(&self.policies, green);
        admin(&self.hub, &["policy", "reload"]);
    }

    pub(crate) fn start_again(self) -> Self {
        Self { hub: self.hub.start_again(), ..self }
    }

    /// Makes `other` a peer here, bound to an organisation of its name, reached by a way of its own.
    #[track_caller]
    pub(crate) fn knows(&self, other: &Self, role: &str) -> Option<Way> {
        let names = ["--name-ja", other.name, "--name-en", other.name];
        admin(&self.hub, &[&["org", "add", other.name], &names[..], &["--role", role]].concat());
        let card = self.hub.data().with_extension(format!("{}.card", other.name));
        std::fs::write(&card, admin(&other.hub, &["peer", "card"]) + "\n").unwrap();
        let way = other.port.map(Way::to);
        let mut add = vec!["peer", "add", card.to_str().unwrap(), "--org", other.name];
        add.extend(way.as_ref().map(|way| ["--address", &way.address]).into_iter().flatten());
        admin(&self.hub, &add);
        way
    }

    /// What this hub says of a peer.
    pub(crate) fn peer(&self, id: &str) -> Value {
        get(&format!("{}/api/v1/peers/{id}", self.hub.address), Some(&self.hub.token)).unwrap_or_default()
    }

    /// The versions that an administrator sees of these objects: id → version and whether it is revoked.
    pub(crate) fn holds(&self, wanted: &BTreeSet<String>) -> Option<BTreeMap<String, String>> {
        let mut held = BTreeMap::new();
        let mut next = String::new();
        loop {
            let path = format!(
                "{}/council/collections/{}/objects/?limit=1000{next}",
                self.hub.address,
                collection(&self.hub)?
            );
            let page = get(&path, Some(&self.hub.token))?;
            for object in page["objects"].as_array().into_iter().flatten() {
                let id = object["id"].as_str()?.to_owned();
                if wanted.contains(&id) {
                    let revoked = if object["revoked"] == true { " revoked" } else { "" };
                    held.insert(id, format!("{}{revoked}", object["modified"].as_str()?));
                }
            }
            if page["more"] != true {
                return Some(held);
            }
            next = format!("&next={}", page["next"].as_str()?);
        }
    }
}

fn collection(hub: &Hub) -> Option<String> {
    static KNOWN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    if let Some(id) = known.get(&hub.address) {
        return Some(id.clone());
    }
    let list = get(&format!("{}/council/collections/", hub.address), Some(&hub.token))?;
    let id = list["collections"][0]["id"].as_str()?.to_owned();
    known.insert(hub.address.clone(), id.clone());
    Some(id)
}

/// The file of [`write_peer_rules`].
const PEER_RULES: &str = "peers.cedar";

/// Policies of the hub's own and a configuration with them; gives both paths.
fn write_config(folder: &Path, name: &str, settings: &str, federation: &str) -> (PathBuf, PathBuf) {
    let policies = folder.join(format!("{name}-policies"));
    std::fs::create_dir(&policies).unwrap();
    for (file, text) in policy::Engine::built_in() {
        std::fs::write(policies.join(file), text).unwrap();
    }
    let config = folder.join(format!("{name}.toml"));
    let text = format!(
        "name_en = \"{name}\"\nname_ja = \"{name}\"\npolicies = {policies:?}\n{settings}\n[federation]\n{federation}\n"
    );
    std::fs::write(&config, text).unwrap();
    write_peer_rules(&policies, true);
    (policies, config)
}

/// Rules of the hub's own beside those that the program brings along, by which peers get nothing but TLP:CLEAR: TLP:GREEN to every
/// peer, TLP:AMBER to those of agencies.
fn write_peer_rules(policies: &Path, green: bool) {
    let read = "permit (principal is Yagura::Peer, action == Yagura::Action::\"read\", resource)";
    let amber = format!(
        "@id(\"peer-amber\")\n{read} when {{ resource.tlp == Yagura::Tlp::\"amber\" \
         && principal.organisation_role == Yagura::OrganisationRole::\"agency\" }};\n"
    );
    let green = if green {
        format!("@id(\"peer-green\")\n{read} when {{ resource.tlp == Yagura::Tlp::\"green\" }};\n")
    } else {
        String::new()
    };
    std::fs::write(policies.join(PEER_RULES), amber + &green).unwrap();
}

fn free_port() -> u16 {
    Bound::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The definitions of the TLP levels, by name.
pub(crate) const TLP: [(&str, &str); 5] = [
    ("clear", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"),
    ("green", "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"),
    ("amber", "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"),
    ("amber+strict", "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"),
    ("red", "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"),
];

/// An indicator that nobody else has, marked (or not).
pub(crate) fn indicator(tlp: Option<&str>) -> Value {
    let time = "2026-01-01T00:00:00.000Z";
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{}", uuid::Uuid::new_v4()),
        "created": time, "modified": time, "name": "C2", "pattern": "[ipv4-addr:value = '198.51.100.7']",
        "pattern_type": "stix", "valid_from": time,
    });
    if let Some(tlp) = tlp {
        let marking = TLP.iter().find(|(name, _)| *name == tlp).unwrap().1;
        object["object_marking_refs"] = json!([marking]);
    }
    object
}

/// A later version.
pub(crate) fn later(object: &Value, minute: u32, revoked: bool) -> Value {
    let mut later = object.clone();
    later["modified"] = json!(format!("2026-01-01T00:{minute:02}:00.000Z"));
    if revoked {
        later["revoked"] = json!(true);
    }
    later
}

pub(crate) fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

pub(crate) fn objects(list: &[Value]) -> Value {
    json!({ "objects": list })
}
