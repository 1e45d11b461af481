//! What `yagura playbook`, `yagura run` and `yagura order` take.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::HubLink;

/// `yagura playbook`.
#[derive(Debug, Args)]
pub(crate) struct PlaybookArgs {
    #[command(subcommand)]
    pub(crate) command: PlaybookCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlaybookCommand {
    /// Judge playbooks by CACAO 2.0, in shape and as a graph; exit 1 where one could not run.
    Validate {
        /// Show errors only, no warnings and notes.
        #[arg(long)]
        errors: bool,
        /// Playbooks.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the steps of a playbook, each with what comes after it.
    Show {
        /// The playbook.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Playbooks that a hub has.
    List(HubLink),
    /// Bring playbooks to a hub, as they are written; exit 1 where one could not run there.
    Add(AddPlaybookArgs),
    /// Have a hub run a playbook; prints the run. Nothing is carried out before others approve it in the console.
    Start(StartArgs),
}

/// `yagura playbook add`.
#[derive(Debug, Args)]
pub(crate) struct AddPlaybookArgs {
    /// Playbooks.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura playbook start`.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// The playbook (`playbook--…`), or a label or name that one playbook alone has, e.g. `ransomware`.
    pub(crate) playbook: String,
    /// Its version (`modified`); by default the newest that may run.
    #[arg(long = "of-version", value_name = "MODIFIED")]
    pub(crate) of_version: Option<String>,
    /// The case that it answers: `incident--…`, or its number.
    #[arg(long)]
    pub(crate) case: Option<String>,
    /// A variable and its value, e.g. `domain=evil.example`; a list or dictionary is written as JSON.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Only rehearse it: commands are rendered and put before the gates, nobody is asked, nothing is ordered.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The run's identifier, to repeat what may have been sent already: it is one run then.
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<Uuid>,
    #[command(flatten)]
    pub(crate) link: HubLink,
}

/// `yagura run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(subcommand)]
    pub(crate) command: RunCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// Runs, the newest first.
    List(HubLink),
    /// One run: where it stands, what it asks, and what it did; exit 1 where it failed.
    Show {
        /// The run.
        run: String,
        #[command(flatten)]
        link: HubLink,
    },
    /// Let a run begin nothing new until it is told to go on.
    Pause {
        /// The run.
        run: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        link: HubLink,
    },
    /// Let a paused run go on.
    Continue {
        /// The run.
        run: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        link: HubLink,
    },
    /// Stop a run: no further step begins.
    Cancel {
        /// The run.
        run: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Undo what was done, too.
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        link: HubLink,
    },
}

/// `yagura order`.
#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    #[command(subcommand)]
    pub(crate) command: OrderCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Orders to edges, the newest first; exit 1 where one drifted or could not be carried out.
    List(HubLink),
    /// What other hubs ask to be ordered of edges here, the newest first; exit 1 where one waits for people here.
    Asked(HubLink),
    /// Have an order undone before its time. The policies that are shipped let only people do so, in the console.
    Undo {
        /// The command's identifier, as `yagura order list` prints it.
        command: String,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        link: HubLink,
    },
}
