//! Where a PostgreSQL server is, and how it is spoken to.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// How long a connection may take to be made.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// After this long without an answer to what was sent, the server is taken for gone.
const SILENCE_WAIT: Duration = Duration::from_secs(20);
/// How long a connection rests before it is asked whether it still stands.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);

/// A server that can be connected to, again and again.
#[derive(Clone)]
pub(crate) struct Server {
    config: Config,
    /// `None`: only over a local socket or loopback.
    tls: Option<MakeRustlsConnect>,
}

impl Server {
    /// Reads an address such as `postgres://user:password@host/database?sslrootcert=/etc/yagura/ca.pem`.
    ///
    /// Off loopback and local sockets there is always TLS, and the server's certificate is checked: against the file that
    /// `sslrootcert` names, else against the system's.
    ///
    /// # Errors
    /// [`StoreError::Address`].
    pub(crate) fn parse(address: &str) -> Result<Self, StoreError> {
        let (address, roots) = split_roots(address);
        let mut config: Config = address.parse().map_err(|error| unusable(super::told(&error)))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_WAIT);
        }
        config
            .tcp_user_timeout(SILENCE_WAIT)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_IDLE);
        if config.get_application_name().is_none() {
            config.application_name("yagura");
        }
        let is_near =
            config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        let wants_tls = config.get_ssl_mode() == SslMode::Require || roots.is_some();
        if is_near && !wants_tls {
            config.ssl_mode(SslMode::Disable);
            return Ok(Self { config, tls: None });
        }
        if config.get_ssl_mode() == SslMode::Disable {
            return Err(unusable("a server that is not on this machine is reached with TLS only".to_owned()));
        }
        config.ssl_mode(SslMode::Require);
        Ok(Self { config, tls: Some(MakeRustlsConnect::new(tls(roots.as_deref())?)) })
    }

    /// Connects. Not to be called where a runtime is at work.
    pub(crate) fn connect(&self) -> Result<Client, postgres::Error> {
        match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        }
    }
}

/// An address as it may be told to people: without its password.
pub(crate) fn shown(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return "postgres://…".to_owned() };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{}", host.split('?').next().unwrap_or(host))
}

fn unusable(why: String) -> StoreError {
    StoreError::Address(why)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
    }
}

/// Takes `sslrootcert` out of an address: the driver does not know it, its users do.
fn split_roots(address: &str) -> (String, Option<PathBuf>) {
    let Some((place, query)) = address.split_once('?') else { return (address.to_owned(), None) };
    let (mut kept, mut roots) = (Vec::new(), None);
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", file)) => {
                roots = Some(PathBuf::from(file.replace("%2F", "/").replace("%2f", "/")));
            }
            // The certificate is always checked in full.
            Some(("sslmode", "verify-full" | "verify-ca")) => kept.push("sslmode=require"),
            _ => kept.push(pair),
        }
    }
    let kept = kept.join("&");
    (if kept.is_empty() { place.to_owned() } else { format!("{place}?{kept}") }, roots)
}

fn tls(roots_file: Option<&Path>) -> Result<ClientConfig, StoreError> {
    let mut roots = RootCertStore::empty();
    match roots_file {
        Some(file) => {
            let failed = |error: String| unusable(format!("`{}` cannot be used: {error}", file.display()));
            let certificates =
                CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(unusable(
            "there is no certificate to check the server's by; name a file as `sslrootcert`".to_owned(),
        ));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| unusable(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::{Server, shown};

    /// `near`, `tls`, or why not.
    fn check(address: &str, expected: &str) {
        let found = match Server::parse(address) {
            Ok(server) if server.tls.is_some() => "tls".to_owned(),
            Ok(_) => "near".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "`{address}` gave `{found}`");
    }

    #[test]
    fn off_this_machine_there_is_always_tls() {
        check("postgres://u:p@127.0.0.1:5432/yagura", "near");
        check("postgres://u@localhost/yagura", "near");
        check("postgres:///yagura?host=/run/postgresql", "near");
        check("postgres://u@db.example.jp/yagura?sslmode=disable", "with TLS only");
        check("postgres://u@127.0.0.1,db.example.jp/yagura?sslmode=disable", "with TLS only");
        check("postgres://u@db.example.jp/yagura?sslrootcert=/nowhere.pem", "`/nowhere.pem` cannot be used");
        check("postgres://u@db.example.jp/yagura?nonsense=1", "nonsense");
    }

    #[test]
    fn a_certificate_to_check_by_can_be_named() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, file) = (folder.path().join("empty.pem"), folder.path().join("ca.pem"));
        std::fs::write(&empty, "").unwrap();
        let key = rcgen::generate_simple_self_signed(vec!["db.example.jp".to_owned()]).unwrap();
        std::fs::write(&file, key.cert.pem()).unwrap();
        check(
            &format!("postgres://u@db.example.jp/yagura?sslrootcert={}", empty.display()),
            "no certificate",
        );
        check(
            &format!("postgres://u@db.example.jp/yagura?sslmode=verify-full&sslrootcert={}", file.display()),
            "tls",
        );
        check(&format!("postgres://u@localhost/yagura?sslrootcert={}", file.display()), "tls");
    }

    #[test]
    fn the_password_is_not_shown() {
        assert_eq!(shown("postgres://u:p%40x@db/yagura?password=p"), "postgres://db/yagura");
        assert_eq!(shown("host=db password=p"), "postgres://…");
    }
}
