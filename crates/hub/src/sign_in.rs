//! How people prove who they are: passwords, passkeys, identity providers, and what slows down somebody who guesses.

pub(crate) mod challenges;
pub(crate) mod limits;
pub(crate) mod oidc;
pub(crate) mod passkeys;
pub(crate) mod passwords;

use url::Url;

pub(crate) use limits::Limits;
pub(crate) use passkeys::Passkeys;
pub(crate) use passwords::Passwords;

/// What sign-in needs beside the store; lives as long as the hub.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// Password hashing, on its own threads.
    pub(crate) passwords: Passwords,
    /// Passkeys; absent where the hub's address is no domain name, which WebAuthn demands.
    pub(crate) passkeys: Option<Passkeys>,
    /// Who failed how often.
    pub(crate) limits: Limits,
}

impl SignIn {
    /// For a hub that people open under `address`.
    pub(crate) fn new(address: &Url, name: &str) -> Self {
        Self {
            passwords: Passwords::new(),
            passkeys: Passkeys::new(&people_address(address), name),
            limits: Limits::default(),
        }
    }
}

/// The address that people open the hub by. WebAuthn wants a domain name: on loopback that is `localhost`.
pub(crate) fn people_address(address: &Url) -> Url {
    let mut address = address.clone();
    let is_loopback = match address.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(_)) | None => false,
    };
    if is_loopback {
        // `localhost` is a legal host of every address that has one.
        let _ = address.set_host(Some("localhost"));
    }
    address
}

/// A one-time link as it is printed. The secret stands behind `#`: a browser sends it to nobody.
pub fn link_address(address: &Url, secret: &str) -> String {
    format!("{}/sign-in#link={secret}", people_address(address).as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_open_a_name_and_not_a_number() {
        let check = |address: &str, expected: &str| {
            assert_eq!(
                link_address(&Url::parse(address).unwrap(), "s"),
                format!("{expected}/sign-in#link=s")
            );
        };
        check("http://127.0.0.1:8440", "http://localhost:8440");
        check("http://[::1]:8440/", "http://localhost:8440");
        check("https://hub.example.jp/", "https://hub.example.jp");
        check("https://192.0.2.1:8440", "https://192.0.2.1:8440");
    }
}
