//! `yagura check deletion` and `yagura admin retention`: what is kept for a time only.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hub::retention::{self, Drill, Drilled, EvidenceReport, Outcome, RetentionConfig};
use hub::{HubError, RawConfig};
use serde_json::json;
use store::Place;

use crate::cli::{DeletionArgs, RetentionCommand};
use crate::output::{Failure, Output};

/// Makes the key service that a configuration names.
pub(crate) fn administer(output: &Output, command: &RetentionCommand) -> Result<ExitCode, Failure> {
    let RetentionCommand::Init { config } = command;
    let retention = retention_of(read(config)?, config)?;
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
    let raw = read(&arguments.config)?;
    let (in_use, backup) = (in_use(arguments.in_use.as_deref(), &raw), Place::parse(&arguments.backup));
    // The node's key lies in a data folder: the configured one, or one of these two.
    let node = raw.data.clone().or_else(|| in_use.as_ref().and_then(folder)).or_else(|| folder(&backup));
    let retention = retention_of(raw, &arguments.config)?;
    let drill = Drill {
        in_use,
        node,
        backup,
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
    let Drilled { report, evidence, certificates, unverified, public_key } = drilled;
    if output.is_json() {
        output.object(&json!({
            "passed": drilled.passed(), "certificates": certificates, "unverified": unverified, "public_key": public_key,
            "tried": report.tried, "failed_as_they_must": report.failed_as_they_must, "still_open": report.still_open,
            "undecided": report.undecided, "not_covered_open": report.not_covered_open,
            "not_covered_closed": report.not_covered_closed, "unreadable": report.unreadable,
            "evidence": in_json(evidence),
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
    tell_evidence(output, evidence);
}

fn in_json(evidence: &EvidenceReport) -> serde_json::Value {
    let items: Vec<_> = evidence
        .named
        .iter()
        .map(|tried| {
            json!({ "item": tried.item.to_string(), "outcome": tried.outcome.name(), "sealed_under": tried.sealed_under, "why": tried.why })
        })
        .collect();
    json!({
        "tried": evidence.tried, "gone": evidence.count(Outcome::Gone), "still_open": evidence.count(Outcome::StillOpen),
        "kept": evidence.count(Outcome::Kept), "lost": evidence.count(Outcome::Lost),
        "undecided": evidence.count(Outcome::Undecided), "under_node_key": evidence.under_node_key,
        "in_use": evidence.in_use, "items": items,
    })
}

fn tell_evidence(output: &Output, evidence: &EvidenceReport) {
    let [gone, open, kept, lost, undecided] = Outcome::ALL.map(|outcome| evidence.count(outcome));
    output.say(
        format!(
            "{} items of evidence in the backup: {gone} were destroyed and cannot be opened any more; {open} were destroyed AND CAN STILL BE READ; \
             {kept} are kept and open; {lost} should open and do not; {undecided} undecided",
            evidence.tried
        ),
        format!(
            "バックアップの証拠 {} 件：廃棄済みで開けないもの {gone} 件、【廃棄したのに読めるもの】{open} 件、保管中で開けるもの {kept} 件、\
             開けるはずが開けないもの {lost} 件、判定できないもの {undecided} 件",
            evidence.tried
        ),
    );
    if evidence.under_node_key > 0 {
        let number = evidence.under_node_key;
        output.say(
            format!(
                "WARNING: {number} of them are sealed under the node's own key. Destroying such an item does not reach backups: whoever has one, \
                 and the node's key, reads it. Destroy those backups"
            ),
            format!(
                "警告：うち {number} 件はノード自身の鍵で封印されています。廃棄してもバックアップには及ばず、バックアップとノードの鍵があれば読めます。\
                 そのバックアップ自体を廃棄してください"
            ),
        );
    }
    if !evidence.in_use {
        output.say(
            "the database in use was not asked: what was destroyed since is known by certificates alone (--in-use)",
            "稼働中のデータベースは調べていません。その後の廃棄は証明書だけで判断しました（--in-use で指定）",
        );
    }
    for tried in &evidence.named {
        let (english, japanese) = in_words(tried.outcome);
        let under = tried.sealed_under.as_deref().unwrap_or("node.key");
        let why = tried.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        output.result(format!("{} ({under}) {}{why}", tried.item, output.words(english, japanese)));
    }
}

fn in_words(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Gone => ("destroyed, does not open", "廃棄済み・開けない"),
        Outcome::StillOpen => ("DESTROYED, CAN STILL BE READ", "廃棄したのに読める"),
        Outcome::Kept => ("kept, opens", "保管中・開ける"),
        Outcome::Lost => ("should open, does not", "開けるはずが開けない"),
        Outcome::Undecided => ("undecided", "判定できない"),
    }
}

fn folder(place: &Place) -> Option<PathBuf> {
    match place {
        Place::Folder(folder) => Some(folder.clone()),
        Place::Postgres(_) => None,
    }
}

/// The database in use: the one that is named, or that of the configuration where it can be read.
fn in_use(named: Option<&str>, raw: &RawConfig) -> Option<Place> {
    let configured = || {
        let store = raw.store.as_ref().map(|address| Place::parse(&address.0));
        let place = store.or_else(|| raw.data.as_ref().map(Place::from))?;
        store::inspect(&place, |_| Ok(())).ok().map(|()| place)
    };
    named.map(Place::parse).or_else(configured)
}

fn read(path: &Path) -> Result<RawConfig, Failure> {
    let unusable = |e: hub::ConfigError| {
        Failure::usage(e.code, e.message.clone(), format!("ハブの設定が使えません：{}", e.message))
    };
    RawConfig::read(path).map_err(unusable)
}

fn retention_of(raw: RawConfig, path: &Path) -> Result<RetentionConfig, Failure> {
    raw.retention.ok_or_else(|| {
        let path = path.display();
        Failure::usage(
            "retention",
            format!(
                "`{path}` has no [retention]: nothing is kept there for a time only, and evidence that is destroyed can be read in every older backup"
            ),
            format!("`{path}` に [retention] がありません。廃棄した証拠は、以前のバックアップでは読めます"),
        )
    })
}

fn failed(error: &HubError) -> Failure {
    Failure::system(error.code, error.message.clone(), format!("続けられません：{}", error.message))
}
