//! What `yagura log` takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `yagura log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Check a log; exit 1 where anything differs. A hub's own logs against the rows they were made of; with --from, anybody's from nothing
    /// but its files; with --proof, one entry; with --package, evidence.
    Verify(Box<VerifyArgs>),
    /// Cosign the checkpoints of logs that continue what was cosigned before (C2SP tlog-witness).
    Witness(WitnessArgs),
    /// Keep a checked copy of a log (C2SP tlog-mirror).
    Mirror(MirrorArgs),
    /// Write a proof of one entry that is verified anywhere, offline (C2SP tlog-proof).
    Prove(ProveArgs),
    /// Count the public statistics of a log of authorisations, from the whole log and the records that it commits to.
    Statistics(StatisticsArgs),
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
    /// Each entry must be a statement of statistics that one of these verifier keys signed: for a log of statistics.
    #[arg(long, value_name = "KEY", requires = "from", num_args = 1)]
    pub(crate) signed_by: Vec<String>,
    /// A checkpoint that you kept from before, which the log must continue.
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) since: Option<PathBuf>,
    /// A proof of one entry (`.tlog-proof`).
    #[arg(long, value_name = "FILE", requires_all = ["policy", "entry"])]
    pub(crate) proof: Option<PathBuf>,
    /// A package of evidence: everything in it, with nothing but the file and the log's key.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "proof", "key"])]
    pub(crate) package: Option<PathBuf>,
    /// The file with the package's password; where it is not given, the usual one is tried.
    #[arg(long, value_name = "FILE", requires = "package")]
    pub(crate) password_file: Option<PathBuf>,
    /// The entry that is proved, as a file of its bytes.
    #[arg(long, value_name = "FILE", requires = "proof")]
    pub(crate) entry: Option<PathBuf>,
}

/// A hub's own logs, with their rows.
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
    /// The verifier key of the log of acts that you trust (`name+hash+key`), by which the others are known too; by default the one in
    /// the data folder.
    #[arg(long)]
    pub(crate) key: Option<String>,
}

/// `yagura log statistics`.
#[derive(Debug, Args)]
pub(crate) struct StatisticsArgs {
    /// The log's address or folder: the hub's `/log/authorisations`, or better a mirror of it.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: String,
    /// Which log is meant and whose cosignatures are enough (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// What its entries commit to: the answers of `GET /api/v1/oversight/records`, one JSON object after another.
    #[arg(long, value_name = "FILE")]
    pub(crate) records: PathBuf,
    /// From when on: RFC 3339, or a date, which begins in the time zone of --zone.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: String,
    /// Until when, exclusively.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: String,
    /// The time zone of dates.
    #[arg(long, value_name = "NAME", default_value = "Asia/Tokyo")]
    pub(crate) zone: String,
    /// Do not tell counts from 1 to one below this.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub(crate) suppress_below: u64,
    /// The published statement that the new one takes the place of: it names it.
    #[arg(long, value_name = "FILE", conflicts_with = "compare")]
    pub(crate) corrects: Option<PathBuf>,
    /// Sign with this key (`yagura log key --kind statement`), which makes a C2SP signed note of it.
    #[arg(long, value_name = "FILE", requires = "out")]
    pub(crate) key: Option<PathBuf>,
    /// Where the numbers are written; without it, to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// A published statement to compare with: exit 1 where the numbers are others.
    #[arg(long, value_name = "FILE", requires = "signed_by", conflicts_with_all = ["key", "out"])]
    pub(crate) compare: Option<PathBuf>,
    /// The verifier key that the published statement must be signed by.
    #[arg(long, value_name = "KEY")]
    pub(crate) signed_by: Option<String>,
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
    /// Ed25519, for statements such as statistics; it cosigns nothing.
    Statement,
}
