//! The arguments of `yagura admin token`.

use std::path::PathBuf;

use clap::Subcommand;

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
        /// A door that it goes through (`taxii`, `rest`, `stream`, `misp`, `edges`, `mail`); may be given several times; by default every one.
        #[arg(long = "door")]
        doors: Vec<String>,
        /// The file with the certificate (PEM) that the program shows when it connects; the token is good with it only.
        #[arg(long)]
        certificate: Option<PathBuf>,
    },
    /// Revoke one.
    Revoke {
        /// The token's id.
        id: String,
    },
}
