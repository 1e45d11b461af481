//! What `yagura report` and `yagura admin regime` take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::HubLink;

/// `yagura admin regime`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum RegimeCommand {
    /// Print the deadlines of every regime, and how sure each is; exit 1 where a file cannot be used.
    Show {
        /// Regimes of one's own, over those that are shipped.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

/// `yagura report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub(crate) command: ReportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Write an emergency report into a file, without a hub: it is sent later.
    Draft(DraftArgs),
    /// Send drafts. What was sent before is not doubled.
    Send(SendArgs),
    /// Reports that one may see.
    List(HubLink),
    /// One report: what is stated, what is owed, what was filed and answered.
    Show(OneArgs),
    /// Every clock that runs, the most urgent first; exit 1 where one is overdue.
    Duties(HubLink),
    /// Add to a report.
    Add(AddArgs),
    /// Attach files to a report.
    Attach(AttachArgs),
    /// Print a form as it would be filed now.
    Form(FormArgs),
    /// Who can be given copies, at this hub and at neighbouring ones.
    Receivers(HubLink),
    /// File a form; keep its exact copy and its receipt.
    File(FileArgs),
    /// Fetch the copy and the receipt of what was filed.
    Receipt(ReceiptArgs),
    /// Check, without any server, that a copy is what was filed and that the log says so; exit 1 where it does not.
    Verify(VerifyReceiptArgs),
}

/// What is said of an incident.
#[derive(Debug, Clone, Args)]
pub(crate) struct Said {
    /// A field and its value; a field that takes several is given several times.
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) set: Vec<String>,
    /// The regimes of one's own that the hub uses too.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) regimes: Option<PathBuf>,
}

/// `yagura report draft`.
#[derive(Debug, Args)]
pub(crate) struct DraftArgs {
    /// `ransomware`, `ddos`, `intrusion`, `data-breach`, `banking-fraud`, `fraud-accounts`, `supply-chain` or `near-miss`.
    #[arg(long)]
    pub(crate) kind: String,
    /// When you became aware (RFC 3339); by default now.
    #[arg(long, value_name = "TIME")]
    pub(crate) aware: Option<String>,
    #[command(flatten)]
    pub(crate) said: Said,
    /// The draft's file.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// `yagura report send`.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// Drafts.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// One report of a hub.
#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// The report (`incident--…`).
    #[arg(value_name = "REPORT")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura report add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The report (`incident--…`).
    #[arg(value_name = "REPORT")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) said: Said,
    /// A field of which it is not known yet what it holds.
    #[arg(long, value_name = "FIELD")]
    pub(crate) unknown: Vec<String>,
    /// A moment and its time: `occurred`, `detected`, `aware`, `believed`, `classified`, `paid` or `handled`.
    #[arg(long, value_name = "MOMENT=TIME")]
    pub(crate) happened: Vec<String>,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura report attach`.
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// The report (`incident--…`).
    #[arg(value_name = "REPORT")]
    pub(crate) id: String,
    /// Files, each at most 32 MiB.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// Which form.
#[derive(Debug, Args)]
pub(crate) struct FormArgs {
    /// The report (`incident--…`).
    #[arg(value_name = "REPORT")]
    pub(crate) id: String,
    /// The regime, e.g. `eu.gdpr`.
    pub(crate) regime: String,
    /// The stage.
    pub(crate) stage: String,
    /// The recipient, as the regime calls it.
    pub(crate) recipient: String,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura report file`.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    #[command(flatten)]
    pub(crate) form: FormArgs,
    /// The organisation that is given the copy: `ministry`, or `ministry.west` of the neighbouring hub `west` (see `yagura report receivers`);
    /// without it, it goes another way.
    #[arg(long, value_name = "ORGANISATION")]
    pub(crate) given_to: Option<String>,
    /// The version of the record that you looked at: where it has changed, nothing is filed.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) of_version: Option<u64>,
    /// When it left, where it left before (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// The name of this act, where it is sent a second time.
    #[arg(long, value_name = "UUID")]
    pub(crate) send: Option<uuid::Uuid>,
    /// Where copy and receipt are written.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

/// `yagura report receipt`.
#[derive(Debug, Args)]
pub(crate) struct ReceiptArgs {
    /// The report (`incident--…`).
    #[arg(value_name = "REPORT")]
    pub(crate) id: String,
    /// The filing, by its event.
    #[arg(value_name = "FILING")]
    pub(crate) filing: String,
    /// Where copy and receipt are written.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura report verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyReceiptArgs {
    /// The receipt (`.tlog-proof`).
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: PathBuf,
    /// The exact copy.
    #[arg(long, value_name = "FILE")]
    pub(crate) copy: PathBuf,
    /// Which log is meant and whose cosignatures are enough (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
}
