//! `yagura demo`: a hub with a sample council, two edges reading sample telemetry, the console. Everything in it is invented.

mod council;
mod replay;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use api::NewEdge;
use api::client::{Client, Settings};
use edge::{Config, HubLink, Lake, Matching, Origin, RunningEdge, Source};
use hub::administration::{self, By};
use hub::{HubConfig, RunningHub};
use oversight::{AuditEvent, Consent, Purpose, Realm};
use stix::marking::Tlp;

use crate::cli::DemoArgs;
use crate::exchange::hub_failure;
use crate::hub_command::{announce, log_to_stderr, start, until_told_to_stop};
use crate::output::{Failure, Output};
use crate::{admin, stix_command};

/// The sample campaign, in Japanese and English.
const CAMPAIGN: &[u8] = include_bytes!("../../../../sample/campaign.ja-en.json");
/// What the sample council and its partner could sign.
const AGREEMENT: &str = include_str!("../../../../sample/agreement.toml");
/// How often the demo looks whether somebody has signed in.
const WATCH: Duration = Duration::from_millis(300);
/// Whoever looks at an edge's page wants to see its history soon.
const HISTORY_AFTER: Duration = Duration::from_secs(15);

/// Where the demo keeps its data, and whether it is removed at the end.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// Runs until told to stop.
pub(crate) fn run(output: &Output, arguments: &DemoArgs) -> Result<ExitCode, Failure> {
    log_to_stderr(output, "warn");
    let folder = match &arguments.data {
        Some(path) => Folder::Kept(path.clone()),
        None => Folder::Temporary(tempfile::tempdir().map_err(|e| Failure::file(&std::env::temp_dir(), &e))?),
    };
    crate::block_on(async {
        let council = council::sample()?;
        let mut config = HubConfig::new(folder.path().join("hub"), arguments.listen);
        config.name_ja.clone_from(&council.coordinator.name_ja);
        config.name_en.clone_from(&council.coordinator.name_en);
        let running = start(config).await?;
        let administration = admin::serve(&running)?;
        let tokens = prepare(&running, &council, arguments, folder.path()).await?;
        announce(output, &running);
        let edges = start_edges(&running, &council, arguments, folder.path(), &tokens).await?;
        for (edge, link) in council.edges.iter().zip(&edges).filter_map(|(edge, it)| Some((edge, it.link()?)))
        {
            let id = &edge.id;
            output.say(format!("the page of {id}, once: {link}"), format!("{id} の画面（一度だけ）：{link}"));
        }
        let story =
            tokio::spawn(tell(running.store().clone(), telemetry_of(&council, arguments, folder.path())));
        until_told_to_stop().await;
        output.say("stopping", "終了しています");
        story.abort();
        for edge in edges {
            edge.stop().await;
        }
        administration.stop();
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// At the first start: the council, the intelligence, the edges' tokens. Later starts read the tokens back.
async fn prepare(
    running: &RunningHub,
    council: &council::Council,
    arguments: &DemoArgs,
    folder: &Path,
) -> Result<Vec<String>, Failure> {
    let kept = folder.join("edge-tokens");
    let Some(first) = &running.first_start else {
        let text = std::fs::read_to_string(&kept).map_err(|e| Failure::file(&kept, &e))?;
        return Ok(text.lines().map(str::to_owned).collect());
    };
    let by = || By::node(Realm::Live);
    for organisation in &council.organisations {
        administration::add_organisation(running.store(), by(), organisation)
            .await
            .map_err(|e| broken(&e))?;
    }
    draft_agreement(running.store(), &council.coordinator.id).await?;
    let mut tokens = Vec::new();
    for edge in &council.edges {
        let new =
            NewEdge { id: edge.id.clone(), organisation: edge.organisation.clone(), name: edge.name.clone() };
        tokens.push(administration::add_edge(running.store(), by(), &new).await.map_err(|e| broken(&e))?.1);
    }
    write_secret(&kept, &tokens.join("\n"))?;
    let client = client(running, &first.token)?;
    if arguments.intel.is_empty() {
        publish(&client, CAMPAIGN.to_vec()).await?;
    }
    for path in &arguments.intel {
        publish(&client, stix_command::read_file(path)?.to_vec()).await?;
    }
    Ok(tokens)
}

/// Lays an agreement with the sample's partner before both: it gives nothing until they sign it in the console.
async fn draft_agreement(store: &store::Store, coordinator: &str) -> Result<(), Failure> {
    let unfit =
        |why: String| Failure::system("demo", why.clone(), format!("見本の合意を用意できません：{why}"));
    let agreement = policy::Agreement::from_toml(AGREEMENT).map_err(|e| unfit(e.to_string()))?;
    let by = oversight::OrganisationId::parse(coordinator).ok_or_else(|| unfit(coordinator.to_owned()))?;
    let written = store.write(move |tx| {
        store::agreements::draft(tx, &Realm::Live, &agreement, &by)?;
        let event = AuditEvent::done(
            oversight::Action::AgreementChanged,
            oversight::Actor::Node,
            Purpose::Administration,
        )
        .with("agreement", agreement.id.as_str())
        .with("step", "draft");
        Ok(store::Act::audited((), &Realm::Live, event))
    });
    written.await.map_err(|e| unfit(e.to_string()))
}

async fn publish(client: &Client, bundle: Vec<u8>) -> Result<(), Failure> {
    let taken = client.import(bundle).await.map_err(|e| hub_failure(&e))?;
    for refused in &taken.refused {
        tracing::warn!(id = refused.id, code = refused.code, "not taken in: {}", refused.message);
    }
    Ok(())
}

fn client(running: &RunningHub, token: &str) -> Result<Client, Failure> {
    let settings = Settings {
        address: running.address.to_string(),
        token: Some(token.to_owned()),
        root_certificate: None,
        identity: None,
    };
    Client::new(&settings).map_err(|e| hub_failure(&e))
}

fn broken(error: &administration::Error) -> Failure {
    Failure::system("demo", error.to_string(), format!("見本を準備できません：{error}"))
}

fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| Failure::file(path, &e))
}

/// What each edge reads: the visitor's files at the first edge, or the sample's.
fn sources_of(edge: &council::Edge, index: usize, arguments: &DemoArgs, folder: &Path) -> Vec<Source> {
    if arguments.telemetry.is_empty() {
        let source = |log: &replay::Log| Source {
            name: log.name.to_owned(),
            origin: Origin::Files(folder.join(&edge.id).join(log.name).to_string_lossy().into_owned()),
            format: None,
            columns: None,
        };
        return edge.logs.iter().map(source).collect();
    }
    let own = |path: &PathBuf| Source {
        name: path.file_name().map_or_else(|| "log".to_owned(), |name| name.to_string_lossy().into_owned()),
        origin: Origin::Files(path.to_string_lossy().into_owned()),
        format: None,
        columns: None,
    };
    if index == 0 { arguments.telemetry.iter().map(own).collect() } else { Vec::new() }
}

async fn start_edges(
    running: &RunningHub,
    council: &council::Council,
    arguments: &DemoArgs,
    folder: &Path,
    tokens: &[String],
) -> Result<Vec<RunningEdge>, Failure> {
    let mut edges = Vec::new();
    for (index, (edge, token)) in council.edges.iter().zip(tokens).enumerate() {
        let data = folder.join(&edge.id);
        std::fs::create_dir_all(&data).map_err(|e| Failure::file(&data, &e))?;
        let config = Config {
            authority: None,
            orders: None,
            id: edge.id.clone(),
            listen: Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0))),
            hub: HubLink {
                url: running.address.to_string(),
                token: token.clone(),
                certificate: None,
                identity: None,
            },
            consent: Consent {
                purposes: [Purpose::CollectiveDefence].into(),
                up_to: Some(Tlp::Amber),
                mark_as: Some(Tlp::Green),
                own_addresses: false,
                own_networks: Vec::new(),
                opinions: true,
            },
            purpose: Purpose::CollectiveDefence,
            sources: sources_of(edge, index, arguments, folder),
            matching: Matching::default(),
            lake: Some(Lake { commit_after: HISTORY_AFTER, ..Lake::new(data.join("lake")) }),
            data,
        };
        let started = edge::start(config).await;
        edges.push(started.map_err(|e| {
            Failure::system("demo-edge", e.to_string(), format!("見本のエッジを起動できません：{e}"))
        })?);
    }
    Ok(edges)
}

fn telemetry_of(council: &council::Council, arguments: &DemoArgs, folder: &Path) -> Vec<replay::Writer> {
    if !arguments.telemetry.is_empty() {
        return Vec::new();
    }
    let writers = council.edges.iter().flat_map(|edge| {
        edge.logs.iter().map(|log| replay::Writer::new(log, folder.join(&edge.id).join(log.name)))
    });
    writers.collect()
}

/// Ordinary traffic from the start; the attack begins when somebody has signed in to watch.
async fn tell(store: store::Store, writers: Vec<replay::Writer>) {
    let (begin, begun) = tokio::sync::watch::channel(false);
    let mut playing = tokio::task::JoinSet::new();
    for writer in writers {
        playing.spawn(writer.play(begun.clone()));
    }
    while !is_watched(&store).await {
        tokio::time::sleep(WATCH).await;
    }
    // The receivers are the writers; where there are none, nobody is to be told.
    let _ = begin.send(true);
    playing.join_all().await;
}

/// Whether a person has signed in since the node was made.
async fn is_watched(store: &store::Store) -> bool {
    let signed_in = store.read(|reader| {
        let action = Some(oversight::Action::SignedIn.name().to_owned());
        let filter =
            store::audit::AuditFilter { action, before: None, organisation: None, actor: None, limit: 1 };
        Ok(!store::audit::list(reader, &Realm::Live, &filter)?.is_empty())
    });
    signed_in.await.unwrap_or(false)
}
