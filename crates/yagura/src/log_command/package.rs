//! `yagura log verify --package`: evidence as a package, verified with nothing but the file and the log's key.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use api::Secret;
use aws_lc_rs::digest::{self, SHA3_256, SHA256};
use jiff::Timestamp;
use oversight::custody::ContentHashes;
use oversight::custody::archive::{Archive, ArchiveError, Opened};
use oversight::custody::package::{Fault, Found, POLICY_PATH, VerifiedPackage, verify};
use serde::Serialize;
use tlog::Policy;

use crate::cli::VerifyArgs;
use crate::output::{Failure, Output};

/// The largest document of a package: custody logs, and what is made of them.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;
/// What stands before the names of contents.
const FILES: &str = "files/";
/// What is tried where no password is given: packages of malware are opened with it everywhere.
const USUAL_PASSWORD: &str = "infected";

#[derive(Serialize)]
struct Told<'a> {
    package: String,
    case: &'a str,
    made: Timestamp,
    log: &'a str,
    leaf: u64,
    witnesses: usize,
    items: usize,
    entries: usize,
    files_compared: usize,
    files_not_opened: &'a [String],
    /// Whether the key came out of the package itself.
    own_policy: bool,
}

/// Verifies a package.
pub(super) fn verify_package(
    output: &Output,
    path: &Path,
    arguments: &VerifyArgs,
) -> Result<ExitCode, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let mut archive = Archive::open(BufReader::new(file)).map_err(|error| unreadable(&error))?;
    let password = arguments.password_file.as_deref().map(password).transpose()?;
    let found = read(&mut archive, password.as_deref())?;
    let own = || found.documents.get(POLICY_PATH).cloned().unwrap_or_default();
    let text = match &arguments.policy {
        Some(path) => std::fs::read(path).map_err(|error| Failure::file(path, &error))?,
        None => own(),
    };
    let policy = Policy::parse(&text).map_err(|error| {
        Failure::usage("policy", format!("the policy: {error}"), format!("方針ファイル：{error}"))
    })?;
    match verify(&found, &policy) {
        Ok(verified) => {
            tell(output, &verified, (arguments.policy.is_none(), &policy));
            // What was not opened was not compared.
            Ok(if verified.unopened.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Err(faults) => Err(differs(output, &faults)),
    }
}

/// The content of a file without the line feed at its end.
pub(crate) fn password(path: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    Ok(Secret::from(text.trim_end_matches(['\n', '\r']).to_owned()))
}

fn read(archive: &mut Archive<BufReader<File>>, password: Option<&str>) -> Result<Found, Failure> {
    let mut found = Found::default();
    for entry in archive.entries().to_vec() {
        if !entry.name.starts_with(FILES) {
            let document = archive.document(&entry.name, DOCUMENT_BYTES_MAX);
            let document = document.map_err(|error| unreadable(&error))?;
            found.documents.insert(entry.name, document);
            continue;
        }
        let hashes = match hashed(archive, &entry.name, password.or(Some(USUAL_PASSWORD))) {
            // Without the right password, what is known of the content are its hashes in the log.
            Err(ArchiveError::Password) if password.is_none() => None,
            Err(ArchiveError::Changed(_)) => {
                // Whatever it is now, it is not what was packed.
                Some(ContentHashes { size: entry.size, sha256: String::new(), sha3_256: String::new() })
            }
            hashes => hashes.map_err(|error| unreadable(&error))?,
        };
        found.files.insert(entry.name, hashes);
    }
    Ok(found)
}

fn hashed(
    archive: &mut Archive<BufReader<File>>,
    name: &str,
    password: Option<&str>,
) -> Result<Option<ContentHashes>, ArchiveError> {
    let (mut sha256, mut sha3_256) = (digest::Context::new(&SHA256), digest::Context::new(&SHA3_256));
    let mut size = 0_u64;
    let opened = archive.read(name, password, |part| {
        sha256.update(part);
        sha3_256.update(part);
        size = size.saturating_add(u64::try_from(part.len()).unwrap_or(0));
        Ok(())
    })?;
    let text = |hash: digest::Context| hex::encode(hash.finish());
    let hashes = ContentHashes { size, sha256: text(sha256), sha3_256: text(sha3_256) };
    Ok((opened == Opened::Whole).then_some(hashes))
}

fn tell(output: &Output, verified: &VerifiedPackage, (own_policy, policy): (bool, &Policy)) {
    let VerifiedPackage { manifest, shown, entries, opened, unopened } = verified;
    let told = Told {
        package: manifest.id.to_string(),
        case: &manifest.case,
        made: manifest.made,
        log: &shown.log,
        leaf: shown.leaf,
        witnesses: shown.witnesses,
        items: manifest.items.len(),
        entries: *entries,
        files_compared: *opened,
        files_not_opened: unopened,
        own_policy,
    };
    if output.is_json() {
        return output.object(&told);
    }
    let (id, log, items) = (&told.package, told.log, told.items);
    output.say(
        format!("{id}: {items} items with {entries} entries of custody, each in `{log}`; {opened} files are what was received"),
        format!("{id}：証拠 {items} 件、保管記録 {entries} 件はすべて `{log}` に記録されています。ファイル {opened} 件は受領時のものと一致します"),
    );
    for path in unopened {
        output.say(
            format!("`{path}` was not opened: give its password (--password-file) to compare it"),
            format!("`{path}` は開いていません。照合するにはパスワード（--password-file）を指定してください"),
        );
    }
    if own_policy {
        for log in policy.logs() {
            let key = log.key.encode();
            output.say(
                format!("the key came with the package; compare it with the one that is published: {key}"),
                format!("検証鍵は一式に同梱のものです。公表されている鍵と照合してください：{key}"),
            );
        }
    }
}

fn unreadable(error: &ArchiveError) -> Failure {
    let japanese = match error {
        ArchiveError::Password => "パスワードが違います",
        ArchiveError::Changed(_) => "内容が変わっているか、パスワードが違います",
        _ => "一式を読めません",
    };
    Failure::data("package", error.to_string(), format!("{japanese}：{error}"))
}

fn differs(output: &Output, faults: &[Fault]) -> Failure {
    for fault in faults.iter().skip(1) {
        output.say(fault.to_string(), format!("一致しません：{fault}"));
    }
    let first = faults.first().map(ToString::to_string).unwrap_or_default();
    Failure::data("package", first.clone(), format!("一致しません：{first}"))
}
