//! `yagura admin ca`: the node's own certificate authority.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use api::{CertificateInfo, CertificateList, NewCertificate, RootInfo};
use hub::administration::By;
use hub::ca;
use oversight::Realm;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Store;

use crate::admin::{Answer, Refused, read_card};
use crate::cli::{CaCommand, IssueArgs};
use crate::output::Failure;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ca", rename_all = "kebab-case")]
pub(crate) enum CaRequest {
    Make { years: u32 },
    Rotate { years: u32 },
    Finish { force: bool },
    Issue(NewCertificate),
    Revoke { serial: String, reason: String },
    List,
    ListRoots,
}

/// What a command asks of the hub.
pub(crate) fn request(command: CaCommand) -> Result<CaRequest, Failure> {
    Ok(match command {
        CaCommand::Init { years } => CaRequest::Make { years },
        CaCommand::Issue(arguments) => CaRequest::Issue(asked(&arguments)?),
        CaCommand::List => CaRequest::List,
        CaCommand::Roots => CaRequest::ListRoots,
        CaCommand::Revoke { serial, reason } => CaRequest::Revoke { serial, reason },
        CaCommand::Rotate { finish: true, force, .. } => CaRequest::Finish { force },
        CaCommand::Rotate { years, .. } => CaRequest::Rotate { years },
    })
}

fn asked(arguments: &IssueArgs) -> Result<NewCertificate, Failure> {
    let (holder, subject) = match (&arguments.edge, &arguments.token) {
        (Some(edge), _) => ("edge", vec![edge.clone()]),
        (None, Some(token)) => ("token", vec![token.clone()]),
        (None, None) => ("hub", arguments.hub.clone()),
    };
    let request = arguments.request.as_deref().map(read_card).transpose()?;
    Ok(NewCertificate { holder: holder.to_owned(), subject, days: arguments.days, request })
}

/// Carries it out.
pub(crate) async fn execute(store: &Store, data: &Path, request: CaRequest) -> Result<Answer, Refused> {
    let by = By::node(Realm::Live);
    Ok(match request {
        CaRequest::Make { years } => root(&ca::init(store, data, by, years).await?),
        CaRequest::Rotate { years } => root(&ca::rotate(store, data, by, years).await?),
        CaRequest::Finish { force } => root(&ca::finish(store, by, force).await?),
        CaRequest::Issue(new) => issued(&ca::issue(store, data, by, &new).await?),
        CaRequest::Revoke { serial, reason } => {
            let gone = ca::revoke(store, by, &serial, &reason).await?;
            Answer { lines: vec![line(&gone)], value: json!(gone) }
        }
        CaRequest::ListRoots => roots(&ca::list(store, &by).await?.roots),
        CaRequest::List => all(&ca::list(store, &by).await?),
    })
}

fn root(root: &RootInfo) -> Answer {
    Answer { lines: vec![root_line(root)], value: json!(root) }
}

fn roots(roots: &[RootInfo]) -> Answer {
    let lines = roots.iter().map(|root| root.certificate.trim_end().to_owned()).collect();
    Answer { lines, value: json!(roots) }
}

/// The certificate and, where it was made here, its key: the only time that it is told.
fn issued(issued: &ca::Issued) -> Answer {
    let mut lines = vec![issued.certificate.trim_end().to_owned()];
    lines.extend(issued.key.as_ref().map(|key| key.trim_end().to_owned()));
    let value = json!({ "info": issued.info, "certificate": issued.certificate, "key": issued.key });
    Answer { lines, value }
}

fn all(found: &CertificateList) -> Answer {
    let lines = found.roots.iter().map(root_line).chain(found.certificates.iter().map(line)).collect();
    Answer { lines, value: json!(found) }
}

fn root_line(root: &RootInfo) -> String {
    let state = if root.signs { "signs" } else { "trusted" };
    format!("root\t{}\t{state}\t{}\t{}", root.id, root.created, root.ends)
}

fn line(one: &CertificateInfo) -> String {
    let CertificateInfo { serial, holder, subject, state, issued, ends, .. } = one;
    let reason = one.reason.as_deref().unwrap_or_default();
    format!("{holder}\t{serial}\t{state}\t{issued}\t{ends}\t{subject}\t{reason}")
}

/// Writes what was issued into a folder, the key for nobody but the owner's eyes; says where.
pub(crate) fn write(folder: &Path, answer: &Answer) -> Result<Answer, Failure> {
    let text = |place: &str| answer.value.pointer(place).and_then(Value::as_str);
    let subject = text("/info/subject").unwrap_or("certificate");
    let name: String = subject
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' })
        .collect();
    let mut written = Vec::new();
    // The key first: a certificate alone would be of no use.
    for (place, ending, mode) in [("/key", "key", 0o600), ("/certificate", "crt", 0o644)] {
        let Some(pem) = text(place) else { continue };
        let path = folder.join(format!("{name}.{ending}"));
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(mode).open(&path);
        let done = file.and_then(|mut file| {
            file.write_all(pem.as_bytes())?;
            file.sync_all()
        });
        done.map_err(|error| Failure::file(&path, &error))?;
        written.push(path.display().to_string());
    }
    let value = json!({ "info": answer.value.get("info"), "files": written });
    Ok(Answer { lines: written, value })
}
