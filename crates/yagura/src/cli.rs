//! The command line, defined once: parsing, help, completions and manual pages come from here.

mod ca;
mod case;
mod evidence;
mod log;
mod report;
mod response;
mod statistics;
mod token;
mod user;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use ca::{CaCommand, IssueArgs};
pub(crate) use case::{CaseArgs, CaseCommand, CaseMailArgs};
pub(crate) use evidence::{
    AddEvidenceArgs, AnswerArgs, DownloadArgs, EvidenceArgs, EvidenceCommand, ExportEvidenceArgs, Leaving,
    OfCase, OfferArgs,
};
pub(crate) use log::{
    KeyArgs, KeyKind, LogArgs, LogCommand, MirrorArgs, ProveArgs, RowsArgs, StatisticsArgs, VerifyArgs,
    WitnessArgs,
};
pub(crate) use statistics::StatisticsCommand;

pub(crate) use report::{
    AddArgs, AttachArgs, DraftArgs, FileArgs, FormArgs, ReceiptArgs, RegimeCommand, ReportArgs,
    ReportCommand, SendArgs, VerifyReceiptArgs,
};
pub(crate) use response::{
    AddPlaybookArgs, OrderArgs, OrderCommand, PlaybookArgs, PlaybookCommand, RunArgs, RunCommand, StartArgs,
};
pub(crate) use token::TokenCommand;
pub(crate) use user::{EmergencyCommand, UserCommand};

use crate::convert_command::{ConvertArgs, SourceArgs};
use crate::hunt_command::HuntArgs;
use crate::lake_command::LakeArgs;
use crate::match_command::MatchArgs;

/// Yagura: share, match, respond and drill together; telemetry stays with its owner.
#[derive(Debug, Parser)]
#[command(name = "yagura", version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Global {
    /// Print JSON for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Language of messages; by default that of the terminal.
    #[arg(long, global = true, value_enum)]
    pub(crate) lang: Option<Language>,
    /// Print results and errors only.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// A language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// 日本語
    Ja,
    /// English
    En,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A hub with a sample council, two edges reading sample telemetry, the console.
    Demo(DemoArgs),
    /// Run a hub.
    Hub(HubArgs),
    /// Run an edge inside an operator's network.
    Edge(EdgeArgs),
    /// Match indicators against logs, without a server.
    Match(MatchArgs),
    /// Match indicators against telemetry history.
    Hunt(HuntArgs),
    /// Keep telemetry history.
    Lake(LakeArgs),
    /// Publish STIX files at a hub.
    Import(ImportArgs),
    /// Fetch everything one may see from a hub.
    Export(ExportArgs),
    /// Check and identify STIX objects.
    Stix(StixArgs),
    /// Check and read CACAO playbooks; bring them to a hub and have it run them.
    Playbook(PlaybookArgs),
    /// Runs of playbooks at a hub.
    Run(RunArgs),
    /// Orders of a hub to edges.
    Order(OrderArgs),
    /// Report incidents, and file the reports that laws ask for.
    Report(ReportArgs),
    /// Evidence of cases at a hub.
    Evidence(EvidenceArgs),
    /// Cases at a hub.
    Case(CaseArgs),
    /// Administer a hub: organisations, people, tokens, policies, edges.
    Admin(AdminArgs),
    /// Check the transparency log.
    Log(LogArgs),
    /// Check what was promised.
    Check {
        /// What.
        #[command(subcommand)]
        command: CheckCommand,
    },
    /// Print a completion script for a shell.
    #[command(hide = true)]
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder.
    #[command(hide = true)]
    Man(ManArgs),
}

/// `yagura demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8440")]
    pub(crate) listen: SocketAddr,
    /// Keep the data here; by default a temporary folder that is removed at the end.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Your own intelligence in place of the sample campaign (STIX bundles).
    #[arg(long, value_name = "FILE")]
    pub(crate) intel: Vec<PathBuf>,
    /// Your own logs in place of the sample telemetry (Suricata EVE, Zeek); read by the first edge.
    #[arg(long, value_name = "FILE")]
    pub(crate) telemetry: Vec<PathBuf>,
}

/// `yagura hub`.
#[derive(Debug, Args)]
pub(crate) struct HubArgs {
    /// Configuration file (TOML).
    #[arg(long, env = "YAGURA_HUB_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder; made at the first start.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// A PostgreSQL database for the state (`postgres://user@host/database`), in place of the data folder.
    #[arg(long, env = "YAGURA_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,
    /// NATS servers by which several hubs on one database wake each other (`nats://host1,host2,host3`).
    #[arg(long, env = "YAGURA_WAKE", hide_env_values = true)]
    pub(crate) wake: Option<String>,
    /// A bucket for the log's tiles (`s3://bucket/prefix?endpoint=https://…`), in place of the data folder.
    #[arg(long, env = "YAGURA_BLOBS", hide_env_values = true)]
    pub(crate) blobs: Option<String>,
    /// Where to listen; port 0 picks a free one. TLS always off loopback.
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
}

/// `yagura edge`.
#[derive(Debug, Args)]
pub(crate) struct EdgeArgs {
    /// Configuration file (TOML).
    #[arg(long, env = "YAGURA_EDGE_CONFIG", default_value = "edge.toml", global = true)]
    pub(crate) config: PathBuf,
    /// Check the configuration and end.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(subcommand)]
    pub(crate) command: Option<EdgeCommand>,
}

/// What is asked of a running edge, by whoever owns its data folder.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum EdgeCommand {
    /// List what was decided about indicators, and what is held back.
    Decided,
    /// Call an indicator a false alarm: its sightings stay inside.
    Mark {
        /// The indicator's identifier.
        indicator: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// It is plainly wrong, and not only of no use here.
        #[arg(long)]
        strongly: bool,
        /// Let the reason leave with the opinion, where the consent lets opinions out.
        #[arg(long)]
        send_reason: bool,
    },
    /// Hold an indicator's sightings back, to look at it later.
    Hold {
        /// The indicator's identifier.
        indicator: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let sightings out that are held back.
    Release {
        /// The indicator's identifier.
        indicator: String,
    },
    /// Keep sightings inside that are held back, without calling the indicator a false alarm.
    Dismiss {
        /// The indicator's identifier.
        indicator: String,
    },
    /// Take back what was decided about an indicator.
    Undo {
        /// The indicator's identifier.
        indicator: String,
    },
    /// List what was ordered of this edge, by whom and on which authority, and how it stands; exit 1 where one waits for you or drifted.
    Orders,
    /// Agree to an order that waits: it is carried out.
    Agree {
        /// The command's identifier, as `yagura edge orders` prints it.
        command: String,
    },
    /// Refuse an order that waits.
    Refuse {
        /// The command's identifier, as `yagura edge orders` prints it.
        command: String,
    },
    /// Take an order back before its time.
    TakeBack {
        /// The command's identifier, as `yagura edge orders` prints it.
        command: String,
    },
    /// Print a link with which the edge's page may be used to decide, for one use.
    Link,
}

/// A hub and how to sign in to it.
#[derive(Clone, Args)]
pub(crate) struct HubLink {
    /// The hub's address.
    #[arg(long, env = "YAGURA_HUB", default_value = "http://127.0.0.1:8440")]
    pub(crate) hub: String,
    /// A token; better given in the environment than on the command line.
    #[arg(long, env = "YAGURA_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// A root certificate (PEM) to trust in place of the system's.
    #[arg(long, env = "YAGURA_CERTIFICATE")]
    pub(crate) certificate: Option<PathBuf>,
}

impl std::fmt::Debug for HubLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token stays out of every log.
        f.debug_struct("HubLink").field("hub", &self.hub).finish_non_exhaustive()
    }
}

/// Another TAXII 2.1 server, and how to sign in to it.
#[derive(Args)]
pub(crate) struct TaxiiLink {
    /// The collection there, by id or alias; by default the first that the credentials are good for.
    #[arg(long, value_name = "ID")]
    pub(crate) taxii_collection: Option<String>,
    /// User name there.
    #[arg(long, env = "YAGURA_TAXII_USER", value_name = "NAME")]
    pub(crate) taxii_user: Option<String>,
    /// Password there; better given in the environment than on the command line.
    #[arg(long, env = "YAGURA_TAXII_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub(crate) taxii_password: Option<String>,
    /// A bearer token there, in place of name and password.
    #[arg(long, env = "YAGURA_TAXII_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) taxii_token: Option<String>,
    /// Our certificate and its key (PEM) to show the server (mutual TLS).
    #[arg(long, value_name = "FILE")]
    pub(crate) taxii_identity: Option<PathBuf>,
    /// A root certificate (PEM) to trust for that server in place of the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) taxii_certificate: Option<PathBuf>,
    /// Another origin, such as `https://roots.example`, whose API roots are given the credentials too.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) taxii_origin: Vec<String>,
}

impl std::fmt::Debug for TaxiiLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Password and token stay out of every log.
        f.debug_struct("TaxiiLink").field("collection", &self.taxii_collection).finish_non_exhaustive()
    }
}

/// `yagura import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) link: HubLink,
    /// Objects in one request.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// STIX, MISP, CSAF, KEV, EPSS, lists of indicators, or folders that are MISP feeds; `-` is standard input. `.gz` and `.zst` are read
    /// through.
    #[arg(required_unless_present_any = ["from_taxii", "misp_feed", "from_url"], value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Poll another TAXII 2.1 server in place of reading files; the address of its discovery.
    #[arg(long, value_name = "URL", conflicts_with = "files")]
    pub(crate) from_taxii: Option<String>,
    /// Read a MISP feed from a web server in place of files: the address of its folder or of its `manifest.json`.
    #[arg(long, value_name = "URL", conflicts_with_all = ["files", "from_taxii"])]
    pub(crate) misp_feed: Option<String>,
    /// Read one file from a web server: a list of indicators, or anything that a file may be.
    #[arg(long, value_name = "URL", conflicts_with_all = ["files", "from_taxii", "misp_feed"])]
    pub(crate) from_url: Option<String>,
    /// Keep here how far the other server was read, and go on from there the next time.
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub(crate) cursor: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) taxii: TaxiiLink,
}

/// `yagura export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) link: HubLink,
    /// The collection; by default the first that one may read.
    #[arg(long)]
    pub(crate) collection: Option<String>,
    /// Every version, not only the newest.
    #[arg(long)]
    pub(crate) all_versions: bool,
    /// Write here; by default to standard output.
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// A bundle, one object a line, or MISP events.
    #[arg(long, visible_alias = "format", value_enum, default_value_t = ExportForm::Bundle)]
    pub(crate) form: ExportForm,
    /// Push into another TAXII 2.1 server in place of writing; the address of its discovery.
    #[arg(long, value_name = "URL", conflicts_with = "output")]
    pub(crate) to_taxii: Option<String>,
    #[command(flatten)]
    pub(crate) taxii: TaxiiLink,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// One STIX bundle.
    #[value(alias = "stix")]
    Bundle,
    /// One object a line.
    Lines,
    /// MISP events, as MISP imports them.
    Misp,
}

/// `yagura stix`.
#[derive(Debug, Args)]
pub(crate) struct StixArgs {
    #[command(subcommand)]
    pub(crate) command: StixCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StixCommand {
    /// Turn MISP, CSAF, KEV, EPSS and lists of indicators into STIX, and STIX into MISP.
    Convert(ConvertArgs),
    /// Judge objects by the specification; exit 1 where a MUST is broken.
    Validate {
        /// Show warnings (neglected SHOULDs), too.
        #[arg(long)]
        warnings: bool,
        /// STIX files; `-` is standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the deterministic identifier of each observable (STIX 2.1 §2.9).
    Id {
        /// STIX files; `-` is standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// `yagura admin`.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// The hub's data folder on this machine; the hub may be running or not.
    #[arg(long, env = "YAGURA_DATA", default_value = "yagura-data", global = true)]
    pub(crate) data: PathBuf,
    /// The hub's PostgreSQL database, where it has one and is not running.
    #[arg(long, env = "YAGURA_STORE", hide_env_values = true, global = true)]
    pub(crate) store: Option<String>,
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

/// `yagura check`.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Try to open a backup with the keys of today: what was certified as deleted must not open; exit 1 where it does.
    Deletion(DeletionArgs),
    /// Work rounds of private matching out once more: whether the hub asked for the approved list and nothing else; exit 1 where not.
    Round(RoundArgs),
}

/// `yagura check round`.
#[derive(Debug, Args)]
pub(crate) struct RoundArgs {
    /// What `GET /api/v1/authorisations/{id}` answers.
    #[arg(long, value_name = "FILE")]
    pub(crate) authorisation: PathBuf,
    /// List and seed as the asker gave them to the commission: the form of `GET /api/v1/authorisations/{id}/list`.
    #[arg(long, value_name = "FILE")]
    pub(crate) list: PathBuf,
    /// What `GET /api/v1/authorisations/{id}/rounds` answers.
    #[arg(long, value_name = "FILE")]
    pub(crate) rounds: PathBuf,
    /// An edge's key as its operator told it (its ledger page names it); without it the one that the hub names, which proves less.
    #[arg(long = "key", value_name = "KEY")]
    pub(crate) keys: Vec<String>,
}

/// `yagura check deletion`.
#[derive(Debug, Args)]
pub(crate) struct DeletionArgs {
    /// The hub's configuration, whose [retention] names the key service and the folder of certificates.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The backup, restored: a data folder, or the address of a PostgreSQL database. It is only read.
    #[arg(long, value_name = "PLACE")]
    pub(crate) backup: String,
    /// The key service's public key as it was noted down; without it the one in the retention folder, which proves less.
    #[arg(long, value_name = "KEY")]
    pub(crate) public_key: Option<String>,
    /// A copy of the retention folder from the time of the backup, where there is one.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keys_then: Option<PathBuf>,
    /// The database in use, which knows what evidence was destroyed since: a data folder, or the address of a PostgreSQL database. It is only
    /// read; the configuration's own where it is at hand.
    #[arg(long, value_name = "PLACE")]
    pub(crate) in_use: Option<String>,
}

/// `yagura admin retention`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Make the key service that a hub's configuration names; prints its public key. Once, by a person.
    Init {
        /// The hub's configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AdminCommand {
    /// Organisations of the council.
    Org {
        #[command(subcommand)]
        command: OrgCommand,
    },
    /// The node's own certificate authority, for edges, programs and the hub.
    Ca {
        #[command(subcommand)]
        command: CaCommand,
    },
    /// What people opened for themselves in an emergency.
    Emergency {
        #[command(subcommand)]
        command: EmergencyCommand,
    },
    /// People.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Tokens of programs.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Policies.
    Policy {
        /// What to do.
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Edges.
    Edge {
        #[command(subcommand)]
        command: EdgeAdminCommand,
    },
    /// What is kept for a time only.
    Retention {
        /// What to do.
        #[command(subcommand)]
        command: RetentionCommand,
    },
    /// Published statistics of the commission.
    Statistics {
        #[command(subcommand)]
        command: StatisticsCommand,
    },
    /// Reporting duties.
    Regime {
        /// What to do.
        #[command(subcommand)]
        command: RegimeCommand,
    },
    /// Other hubs.
    Peer {
        #[command(subcommand)]
        command: PeerCommand,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PeerCommand {
    /// List them, with how far each has come.
    List,
    /// Print this hub's card, to be given to whoever runs the other hub. It holds no secret.
    Card,
    /// Add the hub whose card this is. Do the same over there, and compare the fingerprints by telephone.
    Add {
        /// The other hub's card; `-` reads standard input.
        card: PathBuf,
        /// Short name of the organisation to bind it to: what it brings is that organisation's, what it is given is given to it.
        #[arg(long)]
        org: String,
        /// Short name of the peer; by default the organisation's.
        #[arg(long)]
        id: Option<String>,
        /// Where it is reached, where that is not what its card says: `https://host:port`.
        #[arg(long)]
        address: Option<String>,
    },
    /// Write numbered batches for a hub behind a data diode. Nothing need be known of it, and nothing is heard of it. Prints the series,
    /// which is given to whoever runs that hub together with this hub's card.
    AddOutlet {
        /// Short name of the organisation to bind it to: what it is given is given to that organisation.
        #[arg(long)]
        org: String,
        /// Short name of the peer; by default the organisation's.
        #[arg(long)]
        id: Option<String>,
        /// Files that may wait for the transfer agent; 1000 by default.
        #[arg(long, value_name = "FILES")]
        files_max: Option<u32>,
        /// Bytes that may; 1 GiB by default.
        #[arg(long, value_name = "BYTES")]
        bytes_max: Option<u64>,
    },
    /// Take numbered batches of a hub in front of a data diode. Nothing is ever given to it.
    AddInlet {
        /// The other hub's card; `-` reads standard input.
        card: PathBuf,
        /// Short name of the organisation to bind it to: what it brings is that organisation's.
        #[arg(long)]
        org: String,
        /// Short name of the peer; by default the organisation's.
        #[arg(long)]
        id: Option<String>,
        /// The series that the other hub's `add-outlet` printed.
        #[arg(long)]
        series: String,
    },
    /// Send batches of an outlet again that were lost on the way: all from this number on, as far as they may still be given.
    Resend {
        /// Short name of the peer.
        id: String,
        /// The first number that is missing over there.
        #[arg(long, value_name = "NUMBER")]
        from: i64,
    },
    /// Take a newer card of a peer: it has a new certificate or address.
    Renew {
        /// Short name of the peer.
        id: String,
        /// The newer card; `-` reads standard input.
        card: PathBuf,
    },
    /// Exchange nothing with a peer until it is resumed.
    Suspend {
        /// Short name of the peer.
        id: String,
        /// Why; shown on the peers' page.
        #[arg(long)]
        reason: String,
    },
    /// Go on where the exchange stopped.
    Resume {
        /// Short name of the peer.
        id: String,
    },
    /// Remove one. What it brought stays.
    Remove {
        /// Short name of the peer.
        id: String,
    },
    /// List the TAXII servers of parties that run no hub, with how far each has come.
    ListTaxii,
    /// Read the TAXII server of a party that runs no hub, on a schedule; and write to it, with `--push`.
    AddTaxii(AddTaxii),
    /// Exchange nothing with a TAXII server until it is resumed.
    SuspendTaxii {
        /// Short name of the link.
        id: String,
    },
    /// Go on where the exchange stopped.
    ResumeTaxii {
        /// Short name of the link.
        id: String,
    },
    /// Forget a TAXII server. What it brought stays.
    RemoveTaxii {
        /// Short name of the link.
        id: String,
    },
}

/// A TAXII server to be read and written to.
#[derive(Clone, Args)]
pub(crate) struct AddTaxii {
    /// Where its discovery is, e.g. `https://taxii.example/taxii2/`.
    pub(crate) discovery: String,
    /// Short name of the organisation whose server it is: what is read there is that organisation's.
    #[arg(long)]
    pub(crate) org: String,
    /// Short name of the link; by default the organisation's.
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Id or alias of the collection; by default the first that can be read, or written to.
    #[arg(long)]
    pub(crate) collection: Option<String>,
    /// User name there.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Password there, or a bearer token where no user is given; better given in the environment than on the command line.
    #[arg(long, env = "YAGURA_TAXII_SECRET", hide_env_values = true)]
    pub(crate) secret: Option<String>,
    /// A file of certificates (PEM) that the server's must lead back to, in place of those that the machine trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// Seconds between two rounds; 60 by default.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) every: Option<i64>,
    /// Write what the organisation may have into its collection, too.
    #[arg(long)]
    pub(crate) push: bool,
    /// Do not read it, only write to it.
    #[arg(long, requires = "push")]
    pub(crate) no_pull: bool,
}

impl std::fmt::Debug for AddTaxii {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret stays out of every log.
        f.debug_struct("AddTaxii").field("org", &self.org).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum OrgCommand {
    /// List them.
    List,
    /// Add one.
    Add {
        /// Short name, `a–z 0–9 -`.
        id: String,
        /// Name in Japanese.
        #[arg(long)]
        name_ja: String,
        /// Name in English.
        #[arg(long)]
        name_en: String,
        /// `coordinator`, `agency`, `operator`, `partner`, `oversight`, `academy`.
        #[arg(long)]
        role: String,
        /// A sector, e.g. `power`; may be given several times.
        #[arg(long = "sector")]
        sectors: Vec<String>,
        /// Prefecture of its seat, 1–47 (JIS X 0401).
        #[arg(long)]
        prefecture: Option<u8>,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Tell which policies are in force in the running hub, and what of its folder was not taken up.
    Show,
    /// Compile a folder of policies as a hub would, without a hub; exit 1 where it cannot be used.
    Check {
        /// The folder with `*.cedar` files.
        folder: PathBuf,
    },
    /// Have the running hub read its folder now; it does so by itself within a second, too.
    Reload,
    /// Tell of proposed changes of the policies, the open ones first.
    Proposals,
    /// Propose the policies of a folder to the running hub; prints what they would change. Another person approves them.
    Propose {
        /// The folder with `*.cedar` files.
        folder: PathBuf,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Approve what a person proposed in the console: it is in force when this returns.
    Approve {
        /// The proposal's id.
        id: String,
        /// What is said to it.
        #[arg(long, default_value = "")]
        text: String,
    },
    /// Take back what was proposed here, or refuse what a person proposed.
    Withdraw {
        /// The proposal's id.
        id: String,
        /// What is said to it.
        #[arg(long, default_value = "")]
        text: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum EdgeAdminCommand {
    /// List them.
    List,
    /// Register one; prints its token alone.
    Add {
        /// Short name, `a–z 0–9 -`.
        id: String,
        /// Short name of its operator.
        #[arg(long)]
        org: String,
        /// Name for people.
        #[arg(long)]
        name: String,
    },
    /// Remove one; its token ends.
    Remove {
        /// Short name.
        id: String,
    },
}

/// `yagura completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

/// `yagura man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder.
    pub(crate) folder: PathBuf,
}
