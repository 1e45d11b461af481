//! What `yagura evidence` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::HubLink;

/// `yagura evidence`.
#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    #[command(subcommand)]
    pub(crate) command: EvidenceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// The evidence of a case that one may see.
    List(OfCase),
    /// Bring a file into a case as evidence: it is hashed here, and taken only if the hub finds the same.
    Add(Box<AddEvidenceArgs>),
    /// One item: what it is, who has it, and its custody.
    Show(OneItem),
    /// Take an item's content out, as an archive with a password; an entry of its custody.
    Download(DownloadArgs),
    /// Offer an item to other hands.
    Offer(OfferArgs),
    /// Answer an offer: accept, decline, or withdraw.
    Answer(AnswerArgs),
    /// Requests for evidence of a case that one's own organisation made or was asked; exit 1 where one is overdue.
    Requests(OfCase),
    /// Have a package made that a court verifies offline with `yagura log verify --package`.
    Export(ExportEvidenceArgs),
}

/// A case.
#[derive(Debug, Args)]
pub(crate) struct OfCase {
    /// `incident--…`, or its number.
    pub(crate) case: String,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// An item.
#[derive(Debug, Args)]
pub(crate) struct OneItem {
    /// Its identifier, as `yagura evidence list` prints it.
    pub(crate) item: Uuid,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura evidence add`.
#[derive(Debug, Args)]
pub(crate) struct AddEvidenceArgs {
    /// The case: `incident--…`, or its number.
    pub(crate) case: String,
    /// The file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// `disk-image`, `memory-image`, `log`, `network-capture`, `malware`, `mail`, `document`, `photograph` or `other`.
    #[arg(long)]
    pub(crate) kind: String,
    /// What it is.
    #[arg(long)]
    pub(crate) description: String,
    /// Who secured it.
    #[arg(long)]
    pub(crate) collector: String,
    /// When: RFC 3339 with its offset.
    #[arg(long, value_name = "TIME")]
    pub(crate) seized_at: String,
    /// Where.
    #[arg(long, value_name = "PLACE")]
    pub(crate) seized_where: String,
    /// Why it was secured.
    #[arg(long)]
    pub(crate) reason: String,
    /// On what legal basis.
    #[arg(long)]
    pub(crate) legal_basis: Option<String>,
    /// Its TLP level, no freer than the case's.
    #[arg(long, default_value = "amber")]
    pub(crate) tlp: String,
    /// Only these organisations may see it, beside one's own; given several times. One's own short name alone: nobody else.
    #[arg(long, value_name = "ORGANISATION")]
    pub(crate) only: Vec<String>,
    /// The item's identifier, to repeat what may have been sent already: it is one item then.
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<Uuid>,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// What stands in the custody log when something leaves, and what it is opened with.
#[derive(Debug, Args)]
pub(crate) struct Leaving {
    /// Why; it stands in the custody log.
    #[arg(long)]
    pub(crate) reason: String,
    /// A file with the archive's password, 8 to 128 characters of ASCII; `infected`, as is usual for malware, where absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Where the archive is written; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// `yagura evidence download`.
#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    /// The item.
    pub(crate) item: Uuid,
    #[command(flatten)]
    pub(crate) leaving: Leaving,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura evidence export`.
#[derive(Debug, Args)]
pub(crate) struct ExportEvidenceArgs {
    /// The case: `incident--…`, or its number.
    pub(crate) case: String,
    /// Which items; by default all that one may see.
    #[arg(long = "item", value_name = "UUID")]
    pub(crate) items: Vec<Uuid>,
    /// On what legal basis.
    #[arg(long)]
    pub(crate) legal_basis: Option<String>,
    #[command(flatten)]
    pub(crate) leaving: Leaving,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura evidence offer`.
#[derive(Debug, Args)]
pub(crate) struct OfferArgs {
    /// The item.
    pub(crate) item: Uuid,
    /// To which organisation.
    #[arg(long, value_name = "ORGANISATION")]
    pub(crate) to: String,
    /// To which account of it.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) person: Option<String>,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    /// On what legal basis.
    #[arg(long)]
    pub(crate) legal_basis: Option<String>,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura evidence answer`.
#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The item.
    pub(crate) item: Uuid,
    /// `accept`, `decline` or `withdraw`.
    pub(crate) answer: String,
    /// Why, or in what condition it was taken.
    #[arg(long)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) link: HubLink,
}
