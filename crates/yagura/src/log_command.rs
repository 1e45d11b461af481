//! `yagura log`: logs verified, witnessed, mirrored, proved, counted.

mod files;
mod package;
mod rows;
mod statistics;

use std::process::ExitCode;

use crate::cli::{LogArgs, LogCommand};
use crate::output::{Failure, Output};

pub(crate) use package::password;

/// Carries out the command.
pub(crate) fn run(output: &Output, arguments: &LogArgs) -> Result<ExitCode, Failure> {
    match &arguments.command {
        LogCommand::Verify(verify) if verify.package.is_some() => {
            let package = verify.package.as_deref().unwrap_or(std::path::Path::new(""));
            package::verify_package(output, package, verify)
        }
        LogCommand::Verify(verify) => match (&verify.policy, &verify.from, &verify.proof, &verify.entry) {
            (Some(policy), Some(from), _, _) => {
                files::verify(output, (from.as_str(), policy.as_path()), verify)
            }
            (Some(policy), None, Some(proof), Some(entry)) => {
                files::verify_proof(output, proof, entry, policy)
            }
            _ => rows::run(output, &verify.rows),
        },
        LogCommand::Witness(arguments) => files::witness(output, arguments),
        LogCommand::Mirror(arguments) => files::mirror(output, arguments),
        LogCommand::Prove(arguments) => files::prove(output, arguments),
        LogCommand::Statistics(arguments) => statistics::run(output, arguments),
        LogCommand::Key(arguments) => files::key(output, arguments),
    }
}
