//! Where a broker is and how one signs in there, as configurations write it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::connection::Stream;

/// A broker as a configuration writes it down.
#[derive(Debug, Clone)]
pub struct Written {
    /// `mqtts://broker.example.jp:8883`, or `mqtt://` on this machine.
    pub url: String,
    /// A file of authorities (PEM) that the broker's certificate leads back to; those of the system by default.
    pub ca: Option<PathBuf>,
    /// One's own certificate (PEM), with its chain.
    pub certificate: Option<PathBuf>,
    /// Its key (PEM).
    pub key: Option<PathBuf>,
    /// The name that one signs in by.
    pub user: Option<String>,
    /// The file with the password, read at each connection.
    pub password_file: Option<PathBuf>,
}

/// A broker that can be connected to.
#[derive(Clone)]
pub struct Broker {
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    login: Option<(String, PathBuf)>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// The port of MQTT over TLS, and of MQTT.
const PORTS: (u16, u16) = (8883, 1883);

impl Written {
    /// Reads what is written, and the files that it names.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(&self) -> Result<Broker, String> {
        // Without what was written: somebody may have put a password into it.
        let form = || "url: not of the form `mqtts://broker.example.jp:8883`".to_owned();
        let url = Url::parse(&self.url).map_err(|_| form())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(form)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !is_bare || !url.username().is_empty() || url.password().is_some() {
            return Err(
                "url: a host and a port and no more; who signs in stands in `user` and `password_file`"
                    .to_owned(),
            );
        }
        let by_tls = match url.scheme() {
            "mqtts" => true,
            "mqtt" if is_near(&host) => false,
            "mqtt" => {
                return Err(
                    "url: a broker that is not on this machine is reached with TLS only; write `mqtts://`"
                        .to_owned(),
                );
            }
            _ => return Err(form()),
        };
        let identity = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
            (None, None) => None,
            _ => return Err("`certificate` and `key` are given together".to_owned()),
        };
        if !by_tls && (self.ca.is_some() || identity.is_some()) {
            return Err("`ca`, `certificate` and `key` are for `mqtts://`".to_owned());
        }
        let login = match (&self.user, &self.password_file) {
            (Some(user), Some(file)) => Some((user.clone(), file.clone())),
            (None, None) => None,
            _ => return Err("`user` and `password_file` are given together".to_owned()),
        };
        let tls = by_tls.then(|| tls(self.ca.as_deref(), identity)).transpose()?.map(Arc::new);
        let port = url.port().unwrap_or(if by_tls { PORTS.0 } else { PORTS.1 });
        let broker = Broker { host, port, tls, login };
        // A password that is missing is better said now than at night.
        broker.login()?;
        Ok(broker)
    }
}

impl Broker {
    /// Where it is, without what signs in: `broker.example.jp:8883`.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Who signs in.
    pub(super) fn login(&self) -> Result<Option<(String, String)>, String> {
        let Some((user, file)) = &self.login else { return Ok(None) };
        let password = std::fs::read_to_string(file)
            .map_err(|error| format!("password_file: `{}` cannot be read: {error}", file.display()))?;
        Ok(Some((user.clone(), password.trim_end_matches(['\r', '\n']).to_owned())))
    }

    /// A connection to it, on which nothing has been said.
    pub(super) async fn stream(&self) -> Result<Box<dyn Stream>, String> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|e| e.to_string())?;
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let Some(tls) = &self.tls else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| format!("`{}` is no name that a certificate can have", self.host))?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await;
        Ok(Box::new(stream.map_err(|error| format!("TLS: {error}"))?))
    }
}

fn is_near(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn tls(ca: Option<&Path>, identity: Option<(&Path, &Path)>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(file) => {
            for certificate in certificates("ca", file)? {
                roots.add(certificate).map_err(|error| unusable("ca", file, &error))?;
            }
        }
        // Without any, the broker's certificate is what is complained of.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?.with_root_certificates(roots);
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates("certificate", certificate)?;
    let read = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable("key", key, &error))?;
    builder.with_client_auth_cert(chain, read).map_err(|error| unusable("certificate", certificate, &error))
}

fn certificates(name: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| unusable(name, file, &error))?;
    if read.is_empty() {
        return Err(unusable(name, file, &"there is no certificate in it"));
    }
    Ok(read)
}

fn unusable(name: &str, file: &Path, cause: &dyn std::fmt::Display) -> String {
    format!("{name}: `{}` cannot be used: {cause}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Written), expected: &str) {
        let url = "mqtts://broker.example.jp".to_owned();
        let mut written =
            Written { url, ca: None, certificate: None, key: None, user: None, password_file: None };
        change(&mut written);
        let found = match written.open() {
            Ok(broker) => broker.shown(),
            Err(why) => why,
        };
        assert!(found.contains(expected), "{written:?} gave `{found}`");
    }

    #[test]
    fn brokers_are_read_and_off_this_machine_there_is_tls() {
        check(|_| {}, "broker.example.jp:8883");
        check(|one| one.url = "mqtt://127.0.0.1".to_owned(), "127.0.0.1:1883");
        check(|one| one.url = "mqtt://[::1]:1884/".to_owned(), "[::1]:1884");
        check(|one| one.url = "mqtt://localhost:1884".to_owned(), "localhost:1884");
        check(|one| one.url = "mqtt://broker.example.jp".to_owned(), "with TLS only");
        check(|one| one.url = "https://broker.example.jp".to_owned(), "not of the form");
        check(|one| one.url = "broker.example.jp".to_owned(), "not of the form");
        check(|one| one.url = "mqtts://u:p@broker.example.jp".to_owned(), "`user` and `password_file`");
        check(|one| one.url = "mqtts://broker.example.jp/topic".to_owned(), "and no more");
        check(|one| one.ca = Some("/nowhere.pem".into()), "ca: `/nowhere.pem` cannot be used");
        check(|one| one.key = Some("/nowhere.pem".into()), "given together");
        check(|one| one.user = Some("edge".to_owned()), "given together");
        check(
            |one| {
                one.user = Some("edge".to_owned());
                one.password_file = Some("/nowhere".into());
            },
            "password_file: `/nowhere` cannot be read",
        );
        check(
            |one| {
                one.url = "mqtt://127.0.0.1".to_owned();
                one.ca = Some("/nowhere.pem".into());
            },
            "are for `mqtts://`",
        );
    }
}
