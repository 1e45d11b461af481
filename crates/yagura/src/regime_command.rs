//! `yagura admin regime`: the reporting duties that there are, as data.

use std::process::ExitCode;

use jiff::Timestamp;
use regime::{Gravity, Lang, Regimes, rows, table};

use crate::cli::RegimeCommand;
use crate::output::{Failure, Output};

/// Carries out the command.
pub(crate) fn run(output: &Output, command: &RegimeCommand) -> Result<ExitCode, Failure> {
    let RegimeCommand::Show { folder } = command;
    let files = hub::regime_files(folder.as_deref()).map_err(|error| {
        let japanese = format!("制度のファイルを読めません：{}", error.message);
        Failure::system(error.code, error.message, japanese)
    })?;
    let read = Regimes::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let mut has_error = false;
    for problem in &read.problems {
        let is_error = problem.gravity == Gravity::Error;
        has_error |= is_error;
        let word = if is_error { output.words("error", "誤り") } else { output.words("warning", "注意") };
        output.say(format!("{word}: {problem}"), format!("{word}：{problem}"));
    }
    if let Some(regimes) = &read.regimes {
        let now = Timestamp::now();
        if output.is_json() {
            output.object(&rows(regimes, now));
        } else {
            let lang = if output.is_japanese() { Lang::Ja } else { Lang::En };
            output.result(table(regimes, now, lang).trim_end());
        }
    }
    Ok(if has_error || read.regimes.is_none() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
