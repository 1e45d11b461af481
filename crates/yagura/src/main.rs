//! `yagura`: hub, edge, matcher and tools in one program.

mod admin;
mod ca_command;
mod case_command;
mod catalogue;
mod cli;
mod completions;
mod convert_command;
mod demo;
mod edge_command;
mod evidence_command;
mod exchange;
mod hub_command;
mod hunt_command;
mod lake_command;
mod log_command;
mod match_command;
mod output;
mod playbook_command;
mod policy_command;
mod qualification_command;
mod regime_command;
mod report_command;
mod response_command;
mod retention_command;
mod round_command;
mod sql_command;
mod stix_command;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::output::{Failure, Output};

/// Objects are parsed on one thread and freed on another, a hundred small pieces each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        // Another part of the program was first; there is one provider either way.
        tracing::debug!("the TLS provider was set already");
    }
    let output = Output::new(cli.global);
    let done = match cli.command {
        Command::Demo(arguments) => demo::run(&output, &arguments),
        Command::Hub(arguments) => hub_command::run(&output, arguments),
        Command::Edge(arguments) => edge_command::run(&output, &arguments),
        Command::Match(arguments) => return match_command::run(&output, &arguments),
        Command::Hunt(arguments) => hunt_command::run(&output, &arguments),
        Command::Lake(arguments) => lake_command::run(&output, &arguments),
        Command::Import(arguments) => exchange::import(&output, &arguments),
        Command::Export(arguments) => exchange::export(&output, &arguments),
        Command::Stix(arguments) => stix_command::run(&output, arguments),
        Command::Check { command: cli::CheckCommand::Deletion(arguments) } => {
            retention_command::check(&output, &arguments)
        }
        Command::Check { command: cli::CheckCommand::Round(arguments) } => {
            round_command::check(&output, &arguments)
        }
        Command::Playbook(arguments) => playbook_command::run(&output, &arguments),
        Command::Run(arguments) => response_command::run(&output, &arguments),
        Command::Order(arguments) => response_command::order(&output, &arguments),
        Command::Report(arguments) => report_command::run(&output, &arguments),
        Command::Evidence(arguments) => evidence_command::run(&output, &arguments),
        Command::Case(arguments) => case_command::run(&output, &arguments),
        Command::Admin(arguments) => admin::run(&output, &arguments),
        Command::Log(arguments) => log_command::run(&output, &arguments),
        Command::Completions(arguments) => completions::shell(&arguments),
        Command::Man(arguments) => completions::man(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(failure) => output.fail(&failure),
    }
}

/// Runs the asynchronous part of a command.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| {
        Failure::system("runtime", format!("cannot start: {e}"), format!("起動できません：{e}"))
    })?;
    runtime.block_on(work)
}
