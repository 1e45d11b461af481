//! What `yagura admin statistics` takes.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum StatisticsCommand {
    /// List what was published, newest first.
    List,
    /// Publish a statement that the commission signed and handed over, through the running hub. Nobody can take it back.
    Publish {
        /// The signed note, as `yagura log statistics --key` wrote it; `-` reads standard input.
        note: PathBuf,
    },
}
