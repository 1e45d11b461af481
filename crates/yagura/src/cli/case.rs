//! What `yagura case` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::HubLink;

/// `yagura case`.
#[derive(Debug, Args)]
pub(crate) struct CaseArgs {
    #[command(subcommand)]
    pub(crate) command: CaseCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// Hand in a mail about a case, from standard input: for a pipe out of a mail system. Exit 75 where it is to be tried again.
    Mail(CaseMailArgs),
}

/// `yagura case mail`.
#[derive(Debug, Args)]
pub(crate) struct CaseMailArgs {
    /// The case: `incident--…`, or its number.
    pub(crate) case: String,
    /// It is at once for all who see the case, in place of waiting in the side room until a person publishes it.
    #[arg(long)]
    pub(crate) whole_room: bool,
    /// A file with the token, in place of `--token`: a mail system gives its programs no environment.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) link: HubLink,
}
