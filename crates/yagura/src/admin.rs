//! `yagura admin`: organisations, people, tokens and edges of the hub whose data folder is at hand.
//!
//! Who may read the folder runs the node; nothing more is asked. While the hub runs, it carries the command out itself, asked
//! through a socket in its folder that only the folder's owner can open; while it is stopped, the command opens the store.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use api::{
    EmergencyInfo, NewEdge, NewOrganisation, NewPeer, NewPerson, NewQualification, NewTaxiiLink, NewToken,
    PeerChange, PeerWay, TaxiiLinkChange,
};
use hub::RunningHub;
use hub::administration::{self, By};
use hub::policies::PolicyKeeper;
use hub::statistics::Publisher;
use oversight::Realm;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::statistics::{self, Published};
use store::{Options, Place, Store, StoreError, edges, organisations, peers, people, taxii_links, tokens};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use crate::ca_command::CaRequest;
use crate::cli::{
    AddTaxii, AdminArgs, AdminCommand, CaCommand, EdgeAdminCommand, EmergencyCommand, OrgCommand,
    PeerCommand, PolicyCommand, StatisticsCommand, TokenCommand, UserCommand,
};
use crate::output::{Failure, Output};

/// The socket's name in the data folder.
const SOCKET: &str = "admin.sock";
/// Longest request or answer, in bytes.
const MESSAGE_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Request {
    ListOrganisations,
    AddOrganisation(NewOrganisation),
    ListPeople,
    AddPerson(NewPerson),
    NewLink { login: String },
    ListEmergencies,
    EndEmergency { id: String },
    ListQualifications { login: Option<String> },
    Qualify { login: String, new: NewQualification },
    ConfirmQualification { id: String },
    RefuseQualification { id: String, reason: String },
    EndQualification { id: String, reason: String },
    Ca(CaRequest),
    ListTokens,
    AddToken(NewToken),
    RevokeToken { id: String },
    ListEdges,
    AddEdge(NewEdge),
    RemoveEdge { id: String },
    ShowPolicies,
    ReloadPolicies,
    ListPolicyProposals,
    ProposePolicies { reason: String, files: Vec<(String, String)> },
    ApprovePolicies { id: String, text: String },
    WithdrawPolicies { id: String, text: String },
    ListPeers,
    PeerCard,
    AddPeer(NewPeer),
    ChangePeer { id: String, change: PeerChange },
    ResendToPeer { id: String, from: i64 },
    RemovePeer { id: String },
    ListTaxiiLinks,
    AddTaxiiLink(NewTaxiiLink),
    ChangeTaxiiLink { id: String, change: TaxiiLinkChange },
    RemoveTaxiiLink { id: String },
    ListStatistics,
    PublishStatistics { note: String },
}

/// What came of a request: lines for people, one value for programs. It may hold a secret and is not to be formatted.
#[derive(Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) lines: Vec<String>,
    pub(crate) value: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Carries out the command.
pub(crate) fn run(output: &Output, arguments: &AdminArgs) -> Result<ExitCode, Failure> {
    if let AdminCommand::Policy { command: PolicyCommand::Check { folder } } = &arguments.command {
        return crate::policy_command::check(output, folder);
    }
    if let AdminCommand::Regime { command } = &arguments.command {
        return crate::regime_command::run(output, command);
    }
    if let AdminCommand::Retention { command } = &arguments.command {
        return crate::retention_command::administer(output, command);
    }
    let request = request(&arguments.command)?;
    let mut answer = match UnixStream::connect(arguments.data.join(SOCKET)) {
        Ok(stream) => ask(&stream, &request)?,
        Err(_) => in_stopped_hub(arguments, request)?,
    };
    if let AdminCommand::Ca { command: CaCommand::Issue(issue) } = &arguments.command
        && let Some(folder) = &issue.out
    {
        answer = crate::ca_command::write(folder, &answer)?;
    }
    if output.is_json() {
        output.object(&answer.value);
    } else {
        answer.lines.iter().for_each(|line| output.result(line));
    }
    Ok(ExitCode::SUCCESS)
}

fn request(command: &AdminCommand) -> Result<Request, Failure> {
    Ok(match command.clone() {
        AdminCommand::Org { command: OrgCommand::List } => Request::ListOrganisations,
        AdminCommand::Org {
            command: OrgCommand::Add { id, name_ja, name_en, role, sectors, prefecture },
        } => Request::AddOrganisation(NewOrganisation { id, name_ja, name_en, role, sectors, prefecture }),
        AdminCommand::User { command: UserCommand::Add { login, name, org, roles } } => {
            Request::AddPerson(NewPerson { login, name, organisation: org, roles })
        }
        AdminCommand::User { command: UserCommand::Link { login } } => Request::NewLink { login },
        AdminCommand::User { command } => {
            crate::qualification_command::request(command).unwrap_or(Request::ListPeople)
        }
        AdminCommand::Ca { command } => Request::Ca(crate::ca_command::request(command)?),
        AdminCommand::Token { command: TokenCommand::List } => Request::ListTokens,
        AdminCommand::Token {
            command: TokenCommand::Add { org, roles, name, expires, doors, certificate },
        } => {
            let certificate = certificate.as_deref().map(read_card).transpose()?;
            Request::AddToken(NewToken { organisation: org, roles, name, expires, doors, certificate })
        }
        AdminCommand::Token { command: TokenCommand::Revoke { id } } => Request::RevokeToken { id },
        AdminCommand::Edge { command: EdgeAdminCommand::List } => Request::ListEdges,
        AdminCommand::Edge { command: EdgeAdminCommand::Add { id, org, name } } => {
            Request::AddEdge(NewEdge { id, organisation: org, name })
        }
        AdminCommand::Edge { command: EdgeAdminCommand::Remove { id } } => Request::RemoveEdge { id },
        AdminCommand::Emergency { command: EmergencyCommand::List } => Request::ListEmergencies,
        AdminCommand::Emergency { command: EmergencyCommand::End { id } } => Request::EndEmergency { id },
        AdminCommand::Policy { command } => crate::policy_command::request(command)?,
        // Regimes and retention need no hub and were dealt with before.
        AdminCommand::Regime { .. } | AdminCommand::Retention { .. } => Request::ShowPolicies,
        AdminCommand::Peer { command } => peer_request(command)?,
        AdminCommand::Statistics { command: StatisticsCommand::List } => Request::ListStatistics,
        AdminCommand::Statistics { command: StatisticsCommand::Publish { note } } => {
            Request::PublishStatistics { note: read_card(&note)? }
        }
    })
}

fn peer_request(command: PeerCommand) -> Result<Request, Failure> {
    let change = |id, change| Request::ChangePeer { id, change };
    Ok(match command {
        PeerCommand::List => Request::ListPeers,
        PeerCommand::Card => Request::PeerCard,
        PeerCommand::Add { card, org, id, address } => Request::AddPeer(NewPeer {
            card: Some(read_card(&card)?),
            address,
            ..new_peer(org, id, PeerWay::Link)
        }),
        PeerCommand::AddOutlet { org, id, files_max, bytes_max } => {
            Request::AddPeer(NewPeer { files_max, bytes_max, ..new_peer(org, id, PeerWay::Outlet) })
        }
        PeerCommand::AddInlet { card, org, id, series } => {
            let (card, series) = (Some(read_card(&card)?), Some(series));
            Request::AddPeer(NewPeer { card, series, ..new_peer(org, id, PeerWay::Inlet) })
        }
        PeerCommand::Resend { id, from } => Request::ResendToPeer { id, from },
        PeerCommand::Renew { id, card } => {
            change(id, PeerChange { card: Some(read_card(&card)?), ..PeerChange::default() })
        }
        PeerCommand::Suspend { id, reason } => {
            change(id, PeerChange { suspended: Some(true), reason: Some(reason), ..PeerChange::default() })
        }
        PeerCommand::Resume { id } => {
            change(id, PeerChange { suspended: Some(false), ..PeerChange::default() })
        }
        PeerCommand::Remove { id } => Request::RemovePeer { id },
        PeerCommand::ListTaxii => Request::ListTaxiiLinks,
        PeerCommand::AddTaxii(new) => Request::AddTaxiiLink(taxii_link(new)?),
        PeerCommand::SuspendTaxii { id } => {
            Request::ChangeTaxiiLink { id, change: TaxiiLinkChange { suspended: true } }
        }
        PeerCommand::ResumeTaxii { id } => {
            Request::ChangeTaxiiLink { id, change: TaxiiLinkChange { suspended: false } }
        }
        PeerCommand::RemoveTaxii { id } => Request::RemoveTaxiiLink { id },
    })
}

fn new_peer(organisation: String, id: Option<String>, way: PeerWay) -> NewPeer {
    NewPeer {
        card: None,
        way,
        series: None,
        files_max: None,
        bytes_max: None,
        organisation,
        id,
        address: None,
    }
}

fn taxii_link(new: AddTaxii) -> Result<NewTaxiiLink, Failure> {
    Ok(NewTaxiiLink {
        id: new.id.unwrap_or_else(|| new.org.clone()),
        organisation: new.org,
        discovery: new.discovery,
        collection: new.collection,
        user: new.user,
        secret: new.secret.map(Into::into),
        certificate: new.certificate.as_deref().map(read_card).transpose()?,
        every_seconds: new.every,
        pulls: !new.no_pull,
        pushes: new.push,
    })
}

pub(crate) fn read_card(path: &Path) -> Result<String, Failure> {
    let read = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin().lock().take(MESSAGE_BYTES_MAX))
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|e| {
        let path = path.display();
        Failure::usage(
            "file",
            format!("`{path}` cannot be read: {e}"),
            format!("`{path}` を読み込めません：{e}"),
        )
    })
}

fn ask(stream: &UnixStream, request: &Request) -> Result<Answer, Failure> {
    let failed = |cause: String| {
        Failure::system(
            "admin-socket",
            format!("the hub did not answer: {cause}"),
            format!("ハブが応答しません：{cause}"),
        )
    };
    let mut line = serde_json::to_vec(request).map_err(|e| failed(e.to_string()))?;
    line.push(b'\n');
    let mut writer = stream;
    writer.write_all(&line).map_err(|e| failed(e.to_string()))?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(|e| failed(e.to_string()))?;
    let answer: Result<Answer, Refused> = serde_json::from_str(&answer).map_err(|e| failed(e.to_string()))?;
    answer.map_err(refusal)
}

fn in_stopped_hub(arguments: &AdminArgs, request: Request) -> Result<Answer, Failure> {
    let data = &arguments.data;
    let place = arguments.store.as_deref().map_or_else(|| Place::from(data), Place::parse);
    if place == Place::from(data) && !data.join("yagura.sqlite").is_file() {
        let path = data.display();
        return Err(Failure::usage(
            "no-data",
            format!(
                "`{path}` is no hub's data folder; start `yagura hub --data {path}` once, or give the right folder with --data"
            ),
            format!(
                "`{path}` はハブのデータフォルダーではありません。`yagura hub --data {path}` を一度起動するか、--data で正しい場所を指定してください"
            ),
        ));
    }
    crate::block_on(async {
        let store = Store::open(place, Options::default())
            .map_err(|e| refusal(Refused { code: e.code().to_owned(), message: e.to_string() }))?;
        execute(&store, data, None, request).await.map_err(refusal)
    })
}

pub(crate) fn refusal(refused: Refused) -> Failure {
    let japanese = format!("できませんでした：{}", refused.message);
    Failure::data(refused.code, refused.message, japanese)
}

/// The socket of a running hub.
pub(crate) struct Administration {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

/// Takes administrative commands from the owner of the data folder while the hub runs.
pub(crate) fn serve(running: &RunningHub) -> Result<Administration, Failure> {
    let path = running.data().join(SOCKET);
    let failed = |e: std::io::Error| Failure::file(&path, &e);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    let listener = tokio::net::UnixListener::bind(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let store = running.store().clone();
    let hub = (running.address.clone(), running.policies(), running.publisher());
    let data = running.data().to_owned();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (store, hub, data) = (store.clone(), hub.clone(), data.clone());
            tokio::spawn(async move {
                if let Err(error) = answer(stream, &store, &data, &hub).await {
                    tracing::debug!(%error, "an administrative command ended early");
                }
            });
        }
    });
    Ok(Administration { path, task })
}

impl Administration {
    /// Ends and removes the socket.
    pub(crate) fn stop(self) {
        self.task.abort();
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the administrative socket was gone already");
        }
    }
}

/// Of a hub that runs: its address, where its policies come from, and what publishes statistics.
type Running = (url::Url, PolicyKeeper, Publisher);

async fn answer(
    stream: tokio::net::UnixStream,
    store: &Store,
    data: &Path,
    hub: &Running,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(read.take(MESSAGE_BYTES_MAX)).read_line(&mut line).await?;
    let done = match serde_json::from_str(&line) {
        Ok(request) => execute(store, data, Some(hub), request).await,
        Err(error) => Err(Refused { code: "bad-request".to_owned(), message: error.to_string() }),
    };
    let mut answer = serde_json::to_vec(&done)?;
    answer.push(b'\n');
    write.write_all(&answer).await
}

async fn execute(
    store: &Store,
    data: &Path,
    hub: Option<&Running>,
    request: Request,
) -> Result<Answer, Refused> {
    let by = || By::node(Realm::Live);
    let link = |secret: String| {
        // While the hub is stopped its address is not known here; the part after it is what counts.
        hub.map_or_else(
            || format!("/sign-in#link={secret}"),
            |(address, ..)| hub::link_address(address, &secret),
        )
    };
    Ok(match request {
        Request::ListOrganisations
        | Request::ListPeople
        | Request::ListTokens
        | Request::ListEdges
        | Request::ListPeers => list(store, &request).await?,
        Request::AddOrganisation(new) => {
            let added = administration::add_organisation(store, by(), &new).await?;
            Answer { lines: vec![added.id.to_string()], value: organisation(&added) }
        }
        Request::AddPerson(new) => secret(link(administration::add_person(store, by(), &new).await?.1)),
        Request::NewLink { login } => secret(link(administration::new_link(store, by(), &login).await?)),
        Request::AddToken(new) => {
            secret(administration::add_token(store, by(), &new, jiff::Timestamp::now()).await?.1)
        }
        Request::RevokeToken { id } => nothing(administration::revoke_token(store, by(), &id).await)?,
        Request::AddEdge(new) => secret(administration::add_edge(store, by(), &new).await?.1),
        Request::RemoveEdge { id } => nothing(administration::remove_edge(store, by(), &id).await)?,
        Request::ShowPolicies
        | Request::ReloadPolicies
        | Request::ListPolicyProposals
        | Request::ProposePolicies { .. }
        | Request::ApprovePolicies { .. }
        | Request::WithdrawPolicies { .. } => crate::policy_command::execute(keeper(hub)?, request).await?,
        Request::ListEmergencies => emergency_list(&hub::emergencies::all(store).await?),
        Request::EndEmergency { id } => nothing(hub::emergencies::end_by(store, by(), &id).await)?,
        Request::ListQualifications { .. }
        | Request::Qualify { .. }
        | Request::ConfirmQualification { .. }
        | Request::RefuseQualification { .. }
        | Request::EndQualification { .. } => {
            crate::qualification_command::execute(store, keeper(hub), request).await?
        }
        Request::Ca(asked) => crate::ca_command::execute(store, data, asked).await?,
        Request::PeerCard => {
            let card = hub::signed_card(store, data).await?;
            Answer { value: json!({ "card": card }), lines: vec![card.trim_end().to_owned()] }
        }
        Request::AddPeer(new) => added(&hub::add_peer(store, by(), &new).await?),
        Request::ChangePeer { id, change } => added(&hub::change_peer(store, by(), &id, &change).await?),
        Request::ResendToPeer { id, from } => added(&hub::resend(store, by(), &id, from).await?),
        Request::RemovePeer { id } => nothing(hub::remove_peer(store, by(), &id).await)?,
        Request::ListTaxiiLinks => taxii_links(store).await?,
        Request::AddTaxiiLink(new) => link_told(&hub::add_taxii_link(store, data, by(), &new).await?),
        Request::ChangeTaxiiLink { id, change } => {
            link_told(&hub::change_taxii_link(store, by(), &id, &change).await?)
        }
        Request::RemoveTaxiiLink { id } => nothing(hub::remove_taxii_link(store, by(), &id).await)?,
        Request::ListStatistics => published(&newest_statistics(store).await?),
        Request::PublishStatistics { note } => {
            published(&[publisher(hub)?.publish(store, by(), note).await?])
        }
    })
}

fn keeper(hub: Option<&Running>) -> Result<&PolicyKeeper, Refused> {
    hub.map(|(_, keeper, _)| keeper).ok_or_else(|| Refused {
        code: "hub-stopped".to_owned(),
        message: "the hub is not running, so no policies are in force; start it, or look at a folder with `yagura admin policy check FOLDER`"
            .to_owned(),
    })
}

fn publisher(hub: Option<&Running>) -> Result<&Publisher, Refused> {
    hub.map(|(.., publisher)| publisher).ok_or_else(|| Refused {
        code: "hub-stopped".to_owned(),
        message: "the hub is not running, and only it knows by which keys statistics may be signed; start it"
            .to_owned(),
    })
}

async fn newest_statistics(store: &Store) -> Result<Vec<Published>, administration::Error> {
    Ok(store.read(|reader| statistics::page(reader, None, statistics::PAGE_MAX)).await?)
}

fn published(found: &[Published]) -> Answer {
    rows(found, |published| {
        let told = &published.statement.statistics;
        json!({
            "leaf": published.leaf, "from": told.from, "until": told.until, "published": published.at,
            "corrects": published.corrects, "corrected_by": published.corrected_by, "key": published.statement.key.encode(),
        })
    })
}

fn emergency_list(known: &[EmergencyInfo]) -> Answer {
    let line = |one: &EmergencyInfo| {
        let EmergencyInfo { id, state, organisation, person_name, scope, until, objects_read, .. } = one;
        format!("{id}\t{state}\t{organisation}\t{person_name}\t{scope}\t{until}\t{objects_read}")
    };
    Answer { lines: known.iter().map(line).collect(), value: json!(known) }
}

fn secret(secret: String) -> Answer {
    Answer { value: json!({ "secret": secret }), lines: vec![secret] }
}

/// The fingerprint is what people compare. Of the hub behind an outlet there is none; its series is what the other side needs.
fn added(peer: &peers::Peer) -> Answer {
    let told = if peer.way == peers::Way::Outlet { &peer.hub } else { &peer.fingerprint };
    let line = format!("{}\t{}\t{told}", peer.id, peer.state.name());
    let value = json!({
        "id": peer.id, "hub": peer.hub, "organisation": peer.organisation, "state": peer.state.name(),
        "way": peer.way.name(), "fingerprint": peer.fingerprint,
    });
    Answer { lines: vec![line], value }
}

fn link_told(link: &taxii_links::TaxiiLink) -> Answer {
    let value = json!({
        "id": link.id, "organisation": link.organisation, "discovery": link.discovery, "suspended": link.suspended,
    });
    Answer { lines: vec![format!("{}\t{}\t{}", link.id, link.organisation, link.discovery)], value }
}

async fn taxii_links(store: &Store) -> Result<Answer, administration::Error> {
    let read = |reader: &store::Reader<'_>| {
        let links = taxii_links::list(reader, &Realm::Live)?;
        links
            .into_iter()
            .map(|link| Ok((taxii_links::progress(reader, &Realm::Live, &link.id)?, link)))
            .collect::<Result<Vec<_>, StoreError>>()
    };
    let mut answer = Answer { lines: Vec::new(), value: json!([]) };
    let mut values = Vec::new();
    for (progress, link) in store.read(read).await? {
        let counts = &progress.counts;
        let stand = progress.trouble.as_deref().unwrap_or(if link.suspended { "suspended" } else { "good" });
        let Answer { lines, value } = link_told(&link);
        let line = |line| format!("{line}\t{}\t{}\t{stand}", counts.accepted, counts.sent);
        answer.lines.extend(lines.into_iter().map(line));
        values.push(json!({ "link": value, "trouble": progress.trouble, "counts": counts }));
    }
    answer.value = Value::Array(values);
    Ok(answer)
}

fn nothing(done: Result<(), administration::Error>) -> Result<Answer, Refused> {
    done?;
    Ok(Answer { lines: Vec::new(), value: json!({}) })
}

async fn list(store: &Store, request: &Request) -> Result<Answer, Refused> {
    let realm = Realm::Live;
    let request = request.clone();
    let found = store.read(move |reader| {
        Ok(match request {
            Request::ListPeople => rows(&people::list(reader, &realm)?, person),
            Request::ListTokens => rows(&tokens::list(reader, &realm)?, token),
            Request::ListEdges => rows(&edges::list(reader, &realm)?, edge),
            Request::ListPeers => {
                let known = peers::list(reader, &realm)?.into_iter();
                let known = known.map(|peer| Ok((peers::progress(reader, &realm, &peer.id)?, peer)));
                rows(&known.collect::<Result<Vec<_>, StoreError>>()?, peer)
            }
            _ => rows(&organisations::list(reader, &realm)?, organisation),
        })
    });
    found.await.map_err(|e| Refused::from(administration::Error::from(e)))
}

/// One line of tab-separated values for people, one object for programs.
fn rows<T>(found: &[T], describe: impl Fn(&T) -> Value) -> Answer {
    let values: Vec<Value> = found.iter().map(describe).collect();
    let line = |value: &Value| {
        let cells = value.as_object().into_iter().flat_map(serde_json::Map::values);
        cells.map(cell).collect::<Vec<_>>().join("\t")
    };
    Answer { lines: values.iter().map(line).collect(), value: Value::Array(values) }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn organisation(organisation: &organisations::Organisation) -> Value {
    let sectors: Vec<&str> = organisation.sectors.iter().map(|sector| sector.name()).collect();
    json!({
        "id": organisation.id, "role": organisation.role.name(), "name_ja": organisation.name_ja,
        "name_en": organisation.name_en, "sectors": sectors, "prefecture": organisation.prefecture,
        "identity": organisation.identity,
    })
}

fn person(person: &people::Person) -> Value {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.name()).collect();
    json!({
        "login": person.login, "name": person.name, "organisation": person.organisation, "roles": roles,
        "state": if person.disabled { "disabled" } else { "enabled" },
    })
}

fn token(token: &tokens::Token) -> Value {
    let roles: Vec<&str> = token.roles.iter().map(|role| role.name()).collect();
    json!({
        "id": token.id, "name": token.name, "organisation": token.organisation, "roles": roles,
        "expires": token.expires, "last_used": token.last_used,
    })
}

fn edge(edge: &edges::Edge) -> Value {
    json!({ "id": edge.id, "organisation": edge.organisation, "name": edge.name, "heard": edge.heard })
}

fn peer((progress, peer): &(peers::Progress, peers::Peer)) -> Value {
    json!({
        "id": peer.id, "organisation": peer.organisation, "state": peer.state.name(), "reason": peer.reason,
        "taken": progress.taken, "given": progress.given, "accepted": progress.counts.accepted,
        "sent": progress.counts.sent, "refused": progress.counts.refused, "conflicts": progress.counts.conflicts,
        "fingerprint": peer.fingerprint, "hub": peer.hub, "way": peer.way.name(),
    })
}

impl From<administration::Error> for Refused {
    fn from(error: administration::Error) -> Self {
        let code = match &error {
            administration::Error::Invalid(_) | administration::Error::Rule { .. } => "invalid",
            administration::Error::Store(error) => error.code(),
        };
        Self { code: code.to_owned(), message: error.to_string() }
    }
}
