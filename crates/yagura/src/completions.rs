//! Shell completions and manual pages, made from the command line's own definition.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::output::Failure;

/// Prints a completion script.
pub(crate) fn shell(arguments: &CompletionsArgs) -> Result<ExitCode, Failure> {
    clap_complete::generate(arguments.shell, &mut Cli::command(), "yagura", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}

/// Writes one manual page for each command.
pub(crate) fn man(arguments: &ManArgs) -> Result<ExitCode, Failure> {
    let failed = |e: std::io::Error| Failure::file(&arguments.folder, &e);
    std::fs::create_dir_all(&arguments.folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &arguments.folder).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
