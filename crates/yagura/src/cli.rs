//! The command line, defined once: parsing, help, completions and manual pages come from here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Administer a hub: organisations, people, tokens, policies, edges.
    Admin(AdminArgs),
    /// Check the transparency log.
    Log(LogArgs),
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

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AdminCommand {
    /// Organisations of the council.
    Org {
        #[command(subcommand)]
        command: OrgCommand,
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
pub(crate) enum UserCommand {
    /// List them.
    List,
    /// Add one; prints the one-time sign-in link.
    Add {
        /// Sign-in name.
        login: String,
        /// Name for people.
        #[arg(long)]
        name: String,
        /// Short name of the organisation.
        #[arg(long)]
        org: String,
        /// A role, e.g. `duty_officer`; may be given several times.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
    },
    /// Print a new one-time sign-in link for somebody who is locked out.
    Link {
        /// Sign-in name.
        login: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum TokenCommand {
    /// List them, without their secrets.
    List,
    /// Issue one; prints the token alone.
    Add {
        /// Short name of the organisation it speaks for.
        #[arg(long)]
        org: String,
        /// A role, e.g. `analyst`; may be given several times.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        /// What it is for.
        #[arg(long, default_value = "")]
        name: String,
        /// A date or RFC 3339 time; by default in 90 days.
        #[arg(long)]
        expires: Option<String>,
    },
    /// Revoke one.
    Revoke {
        /// The token's id.
        id: String,
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

/// `yagura log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Check a log; exit 1 where anything differs. A hub's own against the rows it was made of; with --from, anybody's from nothing
    /// but its files; with --proof, one entry.
    Verify(Box<VerifyArgs>),
    /// Cosign the checkpoints of logs that continue what was cosigned before (C2SP tlog-witness).
    Witness(WitnessArgs),
    /// Keep a checked copy of a log (C2SP tlog-mirror).
    Mirror(MirrorArgs),
    /// Write a proof of one entry that is verified anywhere, offline (C2SP tlog-proof).
    Prove(ProveArgs),
    /// Make a key for a witness or a mirror; tells the verifier key that others put into their policies.
    Key(KeyArgs),
}

/// `yagura log verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) rows: RowsArgs,
    /// Any log's address or folder, in place of a hub's data: nothing but its files is needed.
    #[arg(long, value_name = "ADDRESS", requires = "policy", conflicts_with_all = ["proof", "key"])]
    pub(crate) from: Option<String>,
    /// Which log is meant and whose cosignatures are enough (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A checkpoint that you kept from before, which the log must continue.
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) since: Option<PathBuf>,
    /// A proof of one entry (`.tlog-proof`).
    #[arg(long, value_name = "FILE", requires_all = ["policy", "entry"])]
    pub(crate) proof: Option<PathBuf>,
    /// The entry that is proved, as a file of its bytes.
    #[arg(long, value_name = "FILE", requires = "proof")]
    pub(crate) entry: Option<PathBuf>,
}

/// A hub's own log, with its rows.
#[derive(Debug, Args)]
pub(crate) struct RowsArgs {
    /// The hub's data folder.
    #[arg(long, env = "YAGURA_DATA", default_value = "yagura-data")]
    pub(crate) data: PathBuf,
    /// The hub's PostgreSQL database, where it has one.
    #[arg(long, env = "YAGURA_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,
    /// The bucket that holds the log's tiles, where the hub has one (`s3://bucket/prefix?endpoint=…`).
    #[arg(long, env = "YAGURA_BLOBS", hide_env_values = true)]
    pub(crate) blobs: Option<String>,
    /// The verifier key that you trust (`name+hash+key`); by default the one in the data folder.
    #[arg(long)]
    pub(crate) key: Option<String>,
}

/// `yagura log witness`.
#[derive(Debug, Args)]
pub(crate) struct WitnessArgs {
    /// Where the witness remembers what it cosigned. Never restore it from an older copy.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// Make the folder: a witness that has one and lost it is not to be started anew lightly.
    #[arg(long)]
    pub(crate) new: bool,
    /// The witness's key, as `yagura log key` made it; several while one takes the place of another.
    #[arg(long, value_name = "FILE", required = true, num_args = 1)]
    pub(crate) key: Vec<PathBuf>,
    /// The verifier key of a log that is cosigned (`name+hash+key`).
    #[arg(long, value_name = "KEY", required = true, num_args = 1)]
    pub(crate) log: Vec<String>,
    /// Where to listen; put a proxy with TLS before it.
    #[arg(long, default_value = "127.0.0.1:8450")]
    pub(crate) listen: SocketAddr,
}

/// `yagura log mirror`.
#[derive(Debug, Args)]
pub(crate) struct MirrorArgs {
    /// The log's address or folder.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: String,
    /// Where the copy is kept.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// Which log is meant and whose cosignatures are enough (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The mirror's own key, to cosign what it holds.
    #[arg(long, value_name = "FILE", num_args = 1)]
    pub(crate) key: Vec<PathBuf>,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: u64,
    /// Look once and end.
    #[arg(long)]
    pub(crate) once: bool,
}

/// `yagura log prove`.
#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// The log's address or folder.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: String,
    /// Which log is meant and whose cosignatures are enough (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The entry's number, from 0.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) entry: u64,
    /// The proof's file; the entry's bytes are written beside it, with `.entry` behind the name.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// `yagura log key`.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The key's file, which must not be there yet; only you may read it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The name that stands in cosignatures, e.g. `witness.example.jp/w`.
    #[arg(long)]
    pub(crate) name: String,
    /// What signs.
    #[arg(long, value_enum, default_value_t = KeyKind::MlDsa44)]
    pub(crate) kind: KeyKind,
}

/// What signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KeyKind {
    /// ML-DSA-44 (FIPS 204), which a quantum computer does not forge.
    #[value(name = "ml-dsa-44")]
    MlDsa44,
    /// Ed25519, for verifiers that read nothing newer.
    Ed25519,
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
