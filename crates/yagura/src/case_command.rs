//! `yagura case`: what a mail system hands in about a case.

use std::io::Read;
use std::process::ExitCode;

use api::client::{Client, Error, Settings};

use crate::cli::{CaseArgs, CaseCommand, CaseMailArgs};
use crate::exchange::hub_failure;
use crate::output::{Failure, Output};

/// The largest mail that is read; the hub takes no larger one.
const MAIL_BYTES_MAX: u64 = 10 << 20;

/// Carries out the command.
pub(crate) fn run(output: &Output, arguments: &CaseArgs) -> Result<ExitCode, Failure> {
    let CaseCommand::Mail(arguments) = &arguments.command;
    mail(output, arguments)
}

fn mail(output: &Output, arguments: &CaseMailArgs) -> Result<ExitCode, Failure> {
    let unreadable = |error: std::io::Error| {
        let (english, japanese) = ("standard input cannot be read", "標準入力を読めません");
        Failure::system("input", format!("{english}: {error}"), format!("{japanese}：{error}"))
            .worth_another_try()
    };
    let mut message = Vec::new();
    // One byte more, so that the hub says that it is too large.
    std::io::stdin().take(MAIL_BYTES_MAX + 1).read_to_end(&mut message).map_err(unreadable)?;
    // A mail that cannot be handed in for want of a setting is kept by the mail system, and not sent back to a stranger.
    let client = client(arguments).map_err(Failure::worth_another_try)?;
    let case = arguments.case.trim_start_matches('#');
    let sent = crate::block_on(async {
        let sent = client.send_case_mail(case, arguments.whole_room, message).await;
        sent.map_err(|error| failure(&error))
    })?;
    if output.is_json() {
        output.object(&sent);
    } else {
        output.result(&sent.entry);
    }
    if sent.waits {
        output.say(
            "it waits in the side room until a person publishes it",
            "自組織の部屋に入りました。担当者が公開するまで、他組織には見えません",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn client(arguments: &CaseMailArgs) -> Result<Client, Failure> {
    let link = &arguments.link;
    let token = match &arguments.token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
            Some(text.trim().to_owned())
        }
        None => link.token.clone(),
    };
    let root_certificate = match &link.certificate {
        Some(path) => Some(std::fs::read(path).map_err(|error| Failure::file(path, &error))?),
        None => None,
    };
    let settings = Settings { address: link.hub.clone(), token, root_certificate, identity: None };
    Client::new(&settings).map_err(|error| hub_failure(&error))
}

/// Whether the mail is at fault, or it is to be tried again: a token that has ended is exchanged, and a stranger hears nothing of it.
fn failure(error: &Error) -> Failure {
    let is_ours = error.problem().is_some_and(|problem| matches!(problem.status, 401 | 403));
    let failure = hub_failure(error);
    if is_ours || failure.is_system() { failure.worth_another_try() } else { failure }
}
