//! The arguments of `yagura admin ca`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CaCommand {
    /// Make the authority: its first root. Once, by a person.
    Init {
        /// For how many years the root is good, 1 to 20.
        #[arg(long, default_value_t = hub::ca::ROOT_YEARS)]
        years: u32,
    },
    /// Issue a certificate to an edge, a program, or the hub itself.
    Issue(IssueArgs),
    /// List the roots, and the certificates that are not over.
    List,
    /// Print the roots that are trusted, in PEM form: for edges and programs that know the hub by a certificate of this authority.
    Roots,
    /// Revoke a certificate; the next request that shows it is refused.
    Revoke {
        /// Its serial number, hexadecimal.
        serial: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Make another root, which signs from now on. The older one stays trusted until `rotate --finish`.
    Rotate {
        /// For how many years the root is good, 1 to 20.
        #[arg(long, default_value_t = hub::ca::ROOT_YEARS, conflicts_with = "finish")]
        years: u32,
        /// Retire the older root: nothing under it counts any more.
        #[arg(long)]
        finish: bool,
        /// Do so although certificates under it are in use.
        #[arg(long, requires = "finish")]
        force: bool,
    },
}

#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("holder").required(true).args(["edge", "token", "hub"])))]
pub(crate) struct IssueArgs {
    /// Short name of the edge. From now on its token is good with a certificate of its own only.
    #[arg(long, value_name = "ID")]
    pub(crate) edge: Option<String>,
    /// Id of a program's token. From now on it is good with a certificate of its own only.
    #[arg(long, value_name = "ID")]
    pub(crate) token: Option<String>,
    /// A host name or address of the hub; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) hub: Vec<String>,
    /// For how many days, 1 to 825; 397 by default.
    #[arg(long)]
    pub(crate) days: Option<u32>,
    /// A certificate signing request (PEM) of whoever keeps the key; `-` reads standard input. Without one a key is made here.
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Folder for `NAME.crt` and `NAME.key`; without one both are printed.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}
