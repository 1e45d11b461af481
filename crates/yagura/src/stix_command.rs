//! `yagura stix`: judge and identify STIX objects.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use serde::Serialize;
use stix::Object;
use stix::validate::{Finding, Severity};

use crate::cli::{StixArgs, StixCommand};
use crate::output::{Failure, Output};

/// Carries out the command.
pub(crate) fn run(output: &Output, arguments: StixArgs) -> Result<ExitCode, Failure> {
    match arguments.command {
        StixCommand::Convert(arguments) => crate::convert_command::run(output, &arguments),
        StixCommand::Validate { warnings, files } => validate(output, warnings, &files),
        StixCommand::Id { files } => identify(output, &files),
    }
}

#[derive(Serialize)]
struct FindingForPrograms<'a> {
    file: &'a str,
    severity: &'static str,
    code: &'a str,
    object: &'a str,
    path: &'a str,
    section: &'a str,
    message: &'a str,
}

fn validate(output: &Output, warnings: bool, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let (mut objects, mut errors, mut warned) = (0_u64, 0_u64, 0_u64);
    for path in files {
        let name = path.display().to_string();
        for (index, bytes) in read_objects(path)?.into_iter().enumerate() {
            objects += 1;
            let findings = match Object::parse(bytes) {
                Ok(object) => stix::validate::validate(&object),
                Err(error) => vec![Finding {
                    severity: Severity::Error,
                    code: error.code,
                    object: format!("objects[{index}]"),
                    path: String::new(),
                    section: "3",
                    message: error.message,
                }],
            };
            for finding in &findings {
                let is_error = finding.severity == Severity::Error;
                errors += u64::from(is_error);
                warned += u64::from(!is_error);
                if is_error || warnings {
                    print(output, &name, finding);
                }
            }
        }
    }
    output.say(
        format!("{objects} objects: {errors} errors, {warned} warnings"),
        format!("オブジェクト {objects} 件：誤り {errors} 件、注意 {warned} 件"),
    );
    Ok(if errors > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn print(output: &Output, file: &str, finding: &Finding) {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    if output.is_json() {
        output.object(&FindingForPrograms {
            file,
            severity,
            code: finding.code,
            object: &finding.object,
            path: &finding.path,
            section: finding.section,
            message: &finding.message,
        });
        return;
    }
    let word = match finding.severity {
        Severity::Error => output.words("error", "誤り"),
        Severity::Warning => output.words("warning", "注意"),
    };
    let Finding { code, object, path, section, message, .. } = finding;
    output.result(format!("{file}: {word}: {object} {path}: {message} (STIX 2.1 §{section}) [{code}]"));
}

#[derive(Serialize)]
struct Identified<'a> {
    id: &'a str,
    deterministic: Option<&'a str>,
}

fn identify(output: &Output, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    for path in files {
        for bytes in read_objects(path)? {
            let properties: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(&bytes).map_err(|e| malformed(path, &e.to_string()))?;
            let text =
                |name: &str| properties.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
            let id = stix::sco_id::deterministic(text("type"), &properties);
            let id = id.as_ref().map(stix::Id::as_str);
            if output.is_json() {
                output.object(&Identified { id: text("id"), deterministic: id });
            } else if let Some(id) = id {
                output.result(id);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The objects of a file, plain or compressed.
pub(crate) fn read_objects(path: &Path) -> Result<Vec<Bytes>, Failure> {
    let text = read_file(path)?;
    stix::bundle::split(&text).map_err(|e| malformed(path, &e.message))
}

fn malformed(path: &Path, cause: &str) -> Failure {
    let path = path.display();
    Failure::data(
        "stix-file",
        format!("`{path}`: {cause}"),
        format!("`{path}` は STIX として読めません：{cause}"),
    )
}

/// Bytes of a compressed file when it is unpacked.
const UNPACKED_BYTES_MAX: usize = 4 << 30;

/// A file's content, or standard input's for `-`; gzip and Zstandard are read through.
///
/// # Errors
/// Where it cannot be read, or unpacks to too much.
pub(crate) fn read_file(path: &Path) -> Result<Bytes, Failure> {
    let failed = |e: std::io::Error| Failure::file(path, &e);
    let mut content = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut content).map_err(failed)?;
    } else {
        content = std::fs::read(path).map_err(failed)?;
    }
    unpacked(path, Bytes::from(content), UNPACKED_BYTES_MAX)
}

/// What a compressed text holds; others as they are.
///
/// # Errors
/// Where it is damaged, or more than `bytes_max`: some kilobytes can say gigabytes.
pub(crate) fn unpacked(name: &Path, content: Bytes, bytes_max: usize) -> Result<Bytes, Failure> {
    let failed = |e: std::io::Error| Failure::file(name, &e);
    let limit = bytes_max as u64 + 1;
    let mut plain = Vec::new();
    match content.as_ref() {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(content.as_ref())
            .take(limit)
            .read_to_end(&mut plain)
            .map_err(failed)?,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::Decoder::new(content.as_ref())
            .map_err(failed)?
            .take(limit)
            .read_to_end(&mut plain)
            .map_err(failed)?,
        _ => return Ok(content),
    };
    if plain.len() > bytes_max {
        let name = name.display();
        return Err(Failure::data(
            "too-large",
            format!("`{name}` unpacks to more than {bytes_max} bytes"),
            format!("`{name}` は展開すると {bytes_max} バイトを超えます"),
        ));
    }
    Ok(Bytes::from(plain))
}
