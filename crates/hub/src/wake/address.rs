//! Where the NATS servers are, and how a hub signs in there.

use std::net::IpAddr;
use std::path::PathBuf;

use async_nats::ServerAddr;
use url::Url;

use crate::config::Secret;

/// Servers of one address at most.
const SERVERS_MAX: usize = 16;
/// The form of an address, for whoever wrote another one.
const FORM: &str = "`nats://user:password@host1,host2,host3` or `tls://…`, with `?creds=FILE`, `?nkey=FILE`, `?ca=FILE`, \
    or `?cert=FILE&key=FILE`";

/// The NATS servers by which hubs wake each other.
#[derive(Clone)]
pub struct WakeConfig {
    pub(super) servers: Vec<ServerAddr>,
    /// Off this machine always.
    pub(super) tls: bool,
    pub(super) sign_in: SignIn,
    /// Certificates that the servers' are checked by, in place of the system's.
    pub(super) roots: Option<PathBuf>,
    /// This hub's certificate and key.
    pub(super) certificate: Option<(PathBuf, PathBuf)>,
}

/// How a hub signs in.
#[derive(Clone)]
pub(super) enum SignIn {
    Nothing,
    Password(String, Secret),
    Token(Secret),
    /// A file with a JWT and a seed, as `nsc` writes it.
    Credentials(PathBuf),
    /// A file with a seed.
    Nkey(PathBuf),
}

impl std::fmt::Debug for WakeConfig {
    /// Without what signs in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl WakeConfig {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it; never what signs in.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("not of the form {FORM}");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        if !matches!(scheme, "nats" | "tls") {
            return Err(wrong());
        }
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
        let (user, hosts) = rest.rsplit_once('@').map_or((None, rest), |(user, hosts)| (Some(user), hosts));
        let hosts: Vec<&str> = hosts.trim_end_matches('/').split(',').map(str::trim).collect();
        if hosts.len() > SERVERS_MAX {
            return Err(format!("more than {SERVERS_MAX} servers"));
        }
        let server = |(place, host): (usize, &&str)| -> Option<(Url, bool)> {
            // Every server but the first may bear the scheme once more, as other clients write lists.
            let host = match host.split_once("://") {
                Some((own, host)) if place > 0 && own == scheme => host,
                Some(_) => return None,
                None => *host,
            };
            // The scheme of the web: only of those that it knows does the crate read hosts as such.
            let url = Url::parse(&format!("{scheme}://{host}")).ok()?;
            let name = url.host_str()?.trim_matches(['[', ']']).to_owned();
            let is_plain = url.username().is_empty() && matches!(url.path(), "" | "/");
            let is_near = name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
            is_plain.then_some((url, is_near))
        };
        let found: Vec<(Url, bool)> =
            hosts.iter().enumerate().map(server).collect::<Option<_>>().ok_or_else(wrong)?;
        let tls = scheme == "tls" || found.iter().any(|(_, is_near)| !is_near);
        let servers = found.into_iter().map(|(url, _)| ServerAddr::from_url(url));
        let servers = servers.collect::<Result<_, _>>().map_err(|_| wrong())?;
        let mut config = Self { servers, tls, sign_in: sign_in(user), roots: None, certificate: None };
        config.read_query(query)?;
        Ok(config)
    }

    fn read_query(&mut self, query: &str) -> Result<(), String> {
        let (mut certificate, mut key) = (None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let file = PathBuf::from(value.as_ref());
            match name.as_ref() {
                "creds" => self.sign_in = SignIn::Credentials(file),
                "nkey" => self.sign_in = SignIn::Nkey(file),
                "ca" => self.roots = Some(file),
                "cert" => certificate = Some(file),
                "key" => key = Some(file),
                other => return Err(format!("`{other}` is not known; an address is of the form {FORM}")),
            }
        }
        self.certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("`cert` and `key` come together".to_owned()),
        };
        self.tls |= self.roots.is_some() || self.certificate.is_some();
        Ok(())
    }

    /// The servers, as they may be told to people.
    pub(super) fn shown(&self) -> String {
        let shown = |server: &ServerAddr| match server.host() {
            host if host.contains(':') => format!("[{host}]:{}", server.port()),
            host => format!("{host}:{}", server.port()),
        };
        let hosts: Vec<String> = self.servers.iter().map(shown).collect();
        format!("{}://{}", if self.tls { "tls" } else { "nats" }, hosts.join(","))
    }
}

/// `user:password`, or a token alone.
fn sign_in(user: Option<&str>) -> SignIn {
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    match user.map(|user| user.split_once(':').ok_or(user)) {
        None => SignIn::Nothing,
        Some(Ok((user, password))) => SignIn::Password(plain(user), Secret(plain(password))),
        Some(Err(token)) => SignIn::Token(Secret(plain(token))),
    }
}

#[cfg(test)]
mod tests {
    use super::{SignIn, WakeConfig};

    /// What is understood, or why not.
    fn check(address: &str, expected: &str) {
        let found = match WakeConfig::parse(address) {
            Err(why) => why,
            Ok(config) => {
                let sign_in = match &config.sign_in {
                    SignIn::Nothing => "nothing".to_owned(),
                    SignIn::Password(user, password) => format!("{user}/{}", password.0),
                    SignIn::Token(token) => format!("token {}", token.0),
                    SignIn::Credentials(file) => format!("creds {}", file.display()),
                    SignIn::Nkey(file) => format!("nkey {}", file.display()),
                };
                format!("{} {sign_in}", config.shown())
            }
        };
        assert!(found.starts_with(expected), "`{address}` gave `{found}`");
    }

    #[test]
    fn addresses_are_read() {
        check("nats://localhost", "nats://localhost:4222 nothing");
        check("nats://127.0.0.1:1,127.0.0.1:2,[::1]:3", "nats://127.0.0.1:1,127.0.0.1:2,[::1]:3 nothing");
        check("nats://127.0.0.1:1,nats://127.0.0.1:2", "nats://127.0.0.1:1,127.0.0.1:2 nothing");
        check("nats://nats://localhost:5", "not of the form");
        check("nats://127.0.0.1:1,http://127.0.0.1:2", "not of the form");
        check("nats://hub:p%40ss@localhost", "nats://localhost:4222 hub/p@ss");
        check("nats://s3cret@localhost", "nats://localhost:4222 token s3cret");
        check(
            "nats://localhost?creds=/etc/yagura/hub.creds",
            "nats://localhost:4222 creds /etc/yagura/hub.creds",
        );
        check("nats://localhost?nkey=/etc/yagura/hub.nk", "nats://localhost:4222 nkey /etc/yagura/hub.nk");
    }

    #[test]
    fn off_this_machine_there_is_always_tls() {
        check("nats://n1.example.jp,n2.example.jp", "tls://n1.example.jp:4222,n2.example.jp:4222 nothing");
        check("nats://127.0.0.1,n2.example.jp", "tls://127.0.0.1:4222,n2.example.jp:4222");
        check("tls://127.0.0.1", "tls://127.0.0.1:4222");
        check("nats://127.0.0.1?ca=/etc/yagura/ca.pem", "tls://127.0.0.1:4222");
    }

    #[test]
    fn what_cannot_be_used_is_told_without_what_signs_in() {
        for address in ["localhost", "http://localhost", "nats://", "nats://a,,b", "nats://u:hunter2@a b"] {
            check(address, "not of the form");
            assert!(!WakeConfig::parse(address).unwrap_err().contains("hunter2"));
        }
        check("nats://localhost?cert=/c.pem", "`cert` and `key` come together");
        check("nats://localhost?token=hunter2", "`token` is not known");
        let config = WakeConfig::parse("nats://hub:hunter2@localhost").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
