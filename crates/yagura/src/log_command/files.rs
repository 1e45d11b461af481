//! What is done around any log with nothing but its files: verified, witnessed, mirrored, an entry proved.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use oversight::authorisation::Statement;
use serde::Serialize;
use tlog::{CosignatureKind, CosigningKey, LogKey, Policy, TlogProof, VerifyingKey, Witnessed, leaf_hash};
use tokio::net::TcpListener;
use witness::{
    MirrorConfig, Mirrored, MirroringError, ProveConfig, Source, VerifyConfig, Witness, WitnessConfig,
    create_key, create_statement_key, read_key,
};

use crate::cli::{KeyArgs, KeyKind, MirrorArgs, ProveArgs, VerifyArgs, WitnessArgs};
use crate::hub_command::{SERVER_LOG, log_to_stderr, until_told_to_stop};
use crate::output::{Failure, Output};

/// A checkpoint and who vouches for it.
#[derive(Serialize)]
struct Vouched {
    origin: String,
    size: u64,
    root: String,
    cosigned_by: Vec<String>,
    /// The time that the quorum vouches for.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

impl Vouched {
    fn of(witnessed: &Witnessed) -> Self {
        let checkpoint = witnessed.checkpoint();
        let seconds = witnessed.quorum_time().and_then(|seconds| i64::try_from(seconds).ok());
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root.iter().map(|byte| format!("{byte:02x}")).collect(),
            cosigned_by: witnessed.cosigned().iter().map(|(name, _)| name.clone()).collect(),
            at: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        }
    }

    fn cosigners(&self, output: &Output) -> String {
        match self.cosigned_by.as_slice() {
            [] => output.words("nobody", "なし").to_owned(),
            names => names.join(", "),
        }
    }
}

#[derive(Serialize)]
struct VerifiedFiles {
    #[serde(flatten)]
    head: Vouched,
    tiles: usize,
    bundles: usize,
}

/// Verifies a whole log.
pub(super) fn verify(
    output: &Output,
    (from, policy): (&str, &Path),
    arguments: &VerifyArgs,
) -> Result<ExitCode, Failure> {
    let since = arguments.since.as_deref().map(read_text).transpose()?;
    let key = |text: &String| {
        VerifyingKey::parse(text).map_err(|e| unusable("signed-by", &format!("`{text}`: {e}")))
    };
    let keys: Vec<VerifyingKey> = arguments.signed_by.iter().map(key).collect::<Result<_, _>>()?;
    let config = VerifyConfig { source: source(from)?, policy: read_policy(policy)?, log: None, since };
    let verified = crate::block_on(async {
        if keys.is_empty() {
            return witness::verify(&config).await.map_err(|faults| differs(&faults));
        }
        let (verified, entries) = witness::read(&config).await.map_err(|faults| differs(&faults))?;
        check_statements(&entries, &keys)?;
        Ok(verified)
    })?;
    let told = VerifiedFiles {
        head: Vouched::of(&verified.witnessed),
        tiles: verified.tiles,
        bundles: verified.bundles,
    };
    if output.is_json() {
        output.object(&told);
    }
    let VerifiedFiles { head, tiles, bundles } = &told;
    let (origin, size, root, by) = (&head.origin, head.size, &head.root, head.cosigners(output));
    output.say(
        format!("{origin}: {size} entries in {bundles} bundles make the signed root {root} and its {tiles} tiles; cosigned by {by}"),
        format!("{origin}：{size} 件（{bundles} 束）の記録は、署名済みの根 {root} とタイル {tiles} 枚に一致します。副署：{by}"),
    );
    if config.since.is_none() {
        output.say(
            "no earlier checkpoint was given (--since): only its witnesses can tell that a log was rolled back",
            "以前のチェックポイント（--since）がないため、巻き戻しは副署からしか分かりません",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Each entry is a statement of statistics that one of the keys signed.
fn check_statements(entries: &[Vec<u8>], keys: &[VerifyingKey]) -> Result<(), Failure> {
    for (number, entry) in entries.iter().enumerate() {
        let wrong = |why: &dyn std::fmt::Display| differs(&format!("entry {number} is no statement: {why}"));
        let note = std::str::from_utf8(entry).map_err(|e| wrong(&e))?;
        Statement::read(note, keys).map_err(|e| wrong(&e))?;
    }
    Ok(())
}

/// Verifies a proof of one entry, offline.
pub(super) fn verify_proof(
    output: &Output,
    proof: &Path,
    entry: &Path,
    policy: &Path,
) -> Result<ExitCode, Failure> {
    let policy = read_policy(policy)?;
    let entry = std::fs::read(entry).map_err(|e| Failure::file(entry, &e))?;
    let proof = TlogProof::parse(&read_text(proof)?).map_err(|e| differs(&e))?;
    let witnessed = proof.verify(&leaf_hash(&entry), &policy).map_err(|e| differs(&e))?;
    let head = Vouched::of(&witnessed);
    if output.is_json() {
        output.object(&head);
    }
    let (origin, size, by) = (&head.origin, head.size, head.cosigners(output));
    output.say(
        format!("{origin}: the entry is in the log of {size} entries; cosigned by {by}"),
        format!("{origin}：この記録は {size} 件のログに含まれています。副署：{by}"),
    );
    Ok(ExitCode::SUCCESS)
}

/// Serves a witness until told to stop.
pub(super) fn witness(output: &Output, arguments: &WitnessArgs) -> Result<ExitCode, Failure> {
    let keys = read_keys(&arguments.key)?;
    let log = |text: &String| LogKey::parse(text).map_err(|e| unusable("log", &format!("`{text}`: {e}")));
    let config = WitnessConfig {
        folder: arguments.folder.clone(),
        create: arguments.new,
        keys,
        logs: arguments.log.iter().map(log).collect::<Result<_, _>>()?,
    };
    log_to_stderr(output, SERVER_LOG);
    let witness = Witness::open(config).map_err(|e| stopped(&e))?;
    crate::block_on(async {
        let listener = TcpListener::bind(arguments.listen).await.map_err(|e| stopped(&e))?;
        let address = listener.local_addr().map_err(|e| stopped(&e))?;
        let keys: Vec<String> = witness.cosigner_keys().iter().map(tlog::CosignerKey::encode).collect();
        if output.is_json() {
            output.object(&serde_json::json!({ "event": "ready", "address": format!("http://{address}"), "keys": keys }));
        }
        output.say(
            format!("the witness is at http://{address}/ and cosigns as {}", keys.join(", ")),
            format!("証人は http://{address}/ で待ち受け、{} として副署します", keys.join("、")),
        );
        witness::serve(Arc::new(witness), listener, until_told_to_stop()).await.map_err(|e| stopped(&e))
    })?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Looked {
    old: u64,
    size: u64,
    fetched: usize,
}

/// Follows a log until told to stop, or once.
pub(super) fn mirror(output: &Output, arguments: &MirrorArgs) -> Result<ExitCode, Failure> {
    let config = MirrorConfig {
        source: source(&arguments.from)?,
        folder: arguments.folder.clone(),
        policy: read_policy(&arguments.policy)?,
        keys: read_keys(&arguments.key)?,
    };
    log_to_stderr(output, SERVER_LOG);
    crate::block_on(async {
        if arguments.once {
            let mirrored = witness::mirror_once(&config).await.map_err(|e| mirroring(&e))?;
            tell(output, &mirrored);
            return Ok(ExitCode::SUCCESS);
        }
        let every = Duration::from_secs(arguments.every);
        let told = |outcome: Result<Mirrored, MirroringError>| match outcome {
            Ok(mirrored) => tell(output, &mirrored),
            Err(error) => output.failure(&mirroring(&error)),
        };
        witness::mirror(&config, every, until_told_to_stop(), told).await;
        Ok(ExitCode::SUCCESS)
    })
}

fn tell(output: &Output, mirrored: &Mirrored) {
    let Mirrored { old, size, fetched } = mirrored;
    if output.is_json() {
        output.object(&Looked { old: *old, size: *size, fetched: *fetched });
    }
    output.say(
        format!("{size} entries are mirrored, {} of them new, in {fetched} files", size - old),
        format!("{size} 件を複製しました（新しいもの {} 件、ファイル {fetched} 個）", size - old),
    );
}

/// Writes a proof and the entry that it is of.
pub(super) fn prove(output: &Output, arguments: &ProveArgs) -> Result<ExitCode, Failure> {
    let config = ProveConfig {
        source: source(&arguments.from)?,
        policy: read_policy(&arguments.policy)?,
        index: arguments.entry,
    };
    let proved = crate::block_on(async { witness::prove(&config).await.map_err(|e| differs(&e)) })?;
    let mut beside = arguments.out.clone().into_os_string();
    beside.push(".entry");
    let beside = Path::new(&beside);
    std::fs::write(beside, &proved.entry).map_err(|e| Failure::file(beside, &e))?;
    std::fs::write(&arguments.out, proved.proof.to_text()).map_err(|e| Failure::file(&arguments.out, &e))?;
    let head = Vouched::of(&proved.witnessed);
    if output.is_json() {
        output.object(&head);
    }
    let (out, beside, by) = (arguments.out.display(), beside.display(), head.cosigners(output));
    output.say(
        format!(
            "`{out}` proves entry {} of {}, whose bytes are in `{beside}`; cosigned by {by}",
            arguments.entry, head.origin
        ),
        format!(
            "{} の {} 番の証明を `{out}` に、記録を `{beside}` に書きました。副署：{by}",
            head.origin, arguments.entry
        ),
    );
    Ok(ExitCode::SUCCESS)
}

/// Makes a key.
pub(super) fn key(output: &Output, arguments: &KeyArgs) -> Result<ExitCode, Failure> {
    let (out, name) = (&arguments.out, &arguments.name);
    let made = match arguments.kind {
        KeyKind::MlDsa44 => create_key(out, name, CosignatureKind::MlDsa44).map(|key| key.encode()),
        KeyKind::Ed25519 => create_key(out, name, CosignatureKind::Ed25519).map(|key| key.encode()),
        KeyKind::Statement => create_statement_key(out, name).map(|key| key.encode()),
    };
    let encoded = made.map_err(|e| stopped(&e))?;
    if output.is_json() {
        output.object(&serde_json::json!({ "key": encoded }));
    } else {
        output.result(&encoded);
    }
    let out = arguments.out.display();
    output.say(
        format!("the key is in `{out}`; the line above is for the policies of those who rely on it"),
        format!("鍵を `{out}` に書きました。上の行は、副署を確かめる側のポリシーに書くものです"),
    );
    Ok(ExitCode::SUCCESS)
}

pub(super) fn source(address: &str) -> Result<Source, Failure> {
    Source::parse(address).map_err(|e| unusable("from", &format!("`{address}`: {e}")))
}

pub(super) fn read_policy(path: &Path) -> Result<Policy, Failure> {
    let text = std::fs::read(path).map_err(|e| Failure::file(path, &e))?;
    Policy::parse(&text).map_err(|e| unusable("policy", &format!("`{}`: {e}", path.display())))
}

pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))
}

fn read_keys(paths: &[std::path::PathBuf]) -> Result<Vec<CosigningKey>, Failure> {
    let read = |path: &std::path::PathBuf| read_key(path).map_err(|e| unusable("key", &e.to_string()));
    paths.iter().map(read).collect()
}

pub(super) fn unusable(what: &'static str, why: &str) -> Failure {
    Failure::usage(what, why, format!("指定が使えません：{why}"))
}

pub(super) fn stopped(error: &dyn std::fmt::Display) -> Failure {
    Failure::system("log-stopped", error.to_string(), format!("続けられません：{error}"))
}

fn mirroring(error: &MirroringError) -> Failure {
    Failure::system("log-not-mirrored", error.to_string(), format!("ログを複製できません：{error}"))
}

pub(super) fn differs(what: &dyn std::fmt::Display) -> Failure {
    Failure::data(
        "log-differs",
        format!("the log does not verify: {what}"),
        format!("ログを検証できません：{what}"),
    )
}
