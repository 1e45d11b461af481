//! `yagura check round`: what a hub asked in private matching, worked out once more on the commission's own computer.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

use api::{AuthorisationInfo, RoundInfo, RoundList};
use oprf::{Receipt, Threads};
use oversight::OrganisationId;
use oversight::authorisation::{IndicatorList, RoundVerdict, Terms};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::cli::RoundArgs;
use crate::output::{Failure, Output};

/// Works out every round that an edge signed for; one that has no receipt is told of and decides nothing.
pub(crate) fn check(output: &Output, arguments: &RoundArgs) -> Result<ExitCode, Failure> {
    let authorisation: AuthorisationInfo = read(&arguments.authorisation)?;
    let terms: Terms = serde_json::from_value(authorisation.terms)
        .map_err(|error| malformed(&arguments.authorisation, &error.to_string()))?;
    let list: IndicatorList = read(&arguments.list)?;
    let rounds: RoundList = read(&arguments.rounds)?;
    // What the commissioners signed: they have it from their own decision.
    let digest = hex::encode(terms.digest());
    output.say(format!("terms: {digest}"), format!("条件のハッシュ：{digest}"));
    let (mut checked, mut good) = (Vec::new(), true);
    for round in rounds.rounds.iter().filter(|round| round.authorisation == terms.id) {
        let verdict = verdict(round, &terms, &list, &arguments.keys);
        good &= matches!(verdict, None | Some("good"));
        checked.push((round, verdict.unwrap_or("unsigned")));
    }
    for (round, verdict) in &checked {
        if !output.is_json() {
            output.result(format!("{} {} {verdict}", round.id, round.operator));
        }
    }
    if output.is_json() {
        let told = |(round, verdict): &(&RoundInfo, &str)| json!({ "round": round.id, "operator": round.operator, "verdict": verdict });
        output.object(&json!({ "terms": digest, "rounds": checked.iter().map(told).collect::<Vec<_>>() }));
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A word for what was found; `None` where there is no receipt.
fn verdict(round: &RoundInfo, terms: &Terms, list: &IndicatorList, keys: &[String]) -> Option<&'static str> {
    let note = round.receipt.as_ref()?;
    let keys = if keys.is_empty() { round.receipt_key.as_slice() } else { keys };
    let Some(receipt) = keys.iter().find_map(|key| opened(note, key)) else { return Some("signature") };
    let Some(operator) = OrganisationId::parse(&round.operator) else { return Some("terms") };
    let threads = Threads(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    Some(RoundVerdict::on(terms, &operator, list, (&receipt, threads)).name())
}

fn opened(note: &str, key: &str) -> Option<Receipt> {
    let key = tlog::VerifyingKey::parse(key).ok()?;
    Receipt::parse(tlog::open_text(note, &key).ok()?).ok()
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| malformed(path, &error.to_string()))
}

fn malformed(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::data(
        "round-file",
        format!("`{path}` is not what the hub answers: {why}"),
        format!("`{path}` はハブの応答の形ではありません：{why}"),
    )
}
