//! `yagura check deletion` and `yagura admin retention`: what is kept for a time only.

use std::path::Path;
use std::process::ExitCode;

use hub::retention::{self, Drill, Drilled, RetentionConfig};
use hub::{HubError, RawConfig};
use serde_json::json;
use store::Place;

use crate::cli::{DeletionArgs, RetentionCommand};
use crate::output::{Failure, Output};

/// Makes the key service that a configuration names.
pub(crate) fn administer(output: &Output, command: &RetentionCommand) -> Result<ExitCode, Failure> {
    let RetentionCommand::Init { config } = command;
    let retention = configured(config)?;
    let key = crate::block_on(async { retention::initialise(&retention).await.map_err(|e| failed(&e)) })?;
    if output.is_json() {
        output.object(&json!({ "public_key": key }));
    } else {
        output.result(&key);
    }
    output.say(
        "note this public key down: destruction certificates are verified with it",
        "この公開鍵を控えてください。廃棄証明書はこの鍵で確かめます",
    );
    Ok(ExitCode::SUCCESS)
}

/// Tries to open a backup with the keys of today.
pub(crate) fn check(output: &Output, arguments: &DeletionArgs) -> Result<ExitCode, Failure> {
    let retention = configured(&arguments.config)?;
    let drill = Drill {
        backup: Place::parse(&arguments.backup),
        public_key: arguments.public_key.clone(),
        keys_then: arguments.keys_then.clone(),
    };
    let drilled = crate::block_on(async {
        retention::check_deletion(&retention, &drill).await.map_err(|e| failed(&e))
    })?;
    tell(output, &drilled);
    Ok(if drilled.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn tell(output: &Output, drilled: &Drilled) {
    let Drilled { report, certificates, unverified, public_key } = drilled;
    if output.is_json() {
        output.object(&json!({
            "passed": drilled.passed(), "certificates": certificates, "unverified": unverified, "public_key": public_key,
            "tried": report.tried, "failed_as_they_must": report.failed_as_they_must, "still_open": report.still_open,
            "undecided": report.undecided, "not_covered_open": report.not_covered_open,
            "not_covered_closed": report.not_covered_closed, "unreadable": report.unreadable,
        }));
        return;
    }
    let (tried, gone, open) = (report.tried, report.failed_as_they_must, report.still_open);
    output.say(
        format!("{certificates} certificates verify with {public_key}"),
        format!("証明書 {certificates} 通を {public_key} で確認しました"),
    );
    output.say(
        format!("{tried} sealed records of the backup: {gone} cannot be opened any more, as certified; {open} can although they should not"),
        format!("バックアップの封印された記録 {tried} 件：証明のとおり開けないもの {gone} 件、開けてしまうもの {open} 件"),
    );
    let (kept, lost) = (report.not_covered_open, report.not_covered_closed + report.unreadable);
    output.say(
        format!("under no certificate: {kept} open, {lost} do not; {} undecided", report.undecided),
        format!(
            "証明書のないもの：開けるもの {kept} 件、開けないもの {lost} 件。判定できないもの {} 件",
            report.undecided
        ),
    );
    for why in unverified.iter().chain(&report.undecided_because) {
        output.result(why);
    }
    for (record, class_key) in &report.still_open_named {
        output.result(format!("{} ({class_key})", record.as_str()));
    }
}

fn configured(path: &Path) -> Result<RetentionConfig, Failure> {
    let unusable = |e: hub::ConfigError| {
        Failure::usage(e.code, e.message.clone(), format!("ハブの設定が使えません：{}", e.message))
    };
    let raw = RawConfig::read(path).map_err(unusable)?;
    raw.retention.ok_or_else(|| {
        let path = path.display();
        Failure::usage(
            "retention",
            format!("`{path}` has no [retention]: nothing is kept there for a time only"),
            format!("`{path}` に [retention] がありません"),
        )
    })
}

fn failed(error: &HubError) -> Failure {
    Failure::system(error.code, error.message.clone(), format!("続けられません：{}", error.message))
}
