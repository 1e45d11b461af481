//! Messages to webhooks, signed after Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,…`).
//!
//! Whoever names an address must not be able to reach what only the hub can: names are resolved here, every address that is not
//! public is refused at the moment of connecting, redirects are not followed, and nothing of an answer is kept or told but whether it
//! was good. An operator whose receivers are inside may allow private addresses for the whole hub.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use sha2::Sha256;
use url::{Host, Url};

/// A receiver that takes longer is tried again later.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest address of a webhook.
const ADDRESS_BYTES_MAX: usize = 1_000;

/// What sends to webhooks.
pub(super) struct Webhooks {
    http: reqwest::Client,
    private: bool,
}

impl Webhooks {
    pub(super) fn new(private: bool) -> Result<Self, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")));
        if !private {
            builder = builder.dns_resolver(Arc::new(PublicOnly)).https_only(true);
        }
        Ok(Self { http: builder.build()?, private })
    }

    /// # Errors
    /// A code that says what went wrong and nothing of what the other side said.
    pub(super) async fn send(
        &self,
        address: &str,
        secret: &[u8],
        id: &str,
        message: &impl serde::Serialize,
    ) -> Result<(), &'static str> {
        let address = checked(address, self.private).map_err(|_| "webhook-address")?;
        let body = serde_json::to_vec(message).map_err(|_| "webhook-message")?;
        let at = jiff::Timestamp::now().as_second().to_string();
        let signature = signature(secret, id, &at, &body).ok_or("webhook-secret")?;
        let request = self
            .http
            .post(address)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) if answer.status().is_redirection() => Err("webhook-redirects"),
            Ok(_) => Err("webhook-refused"),
            Err(error) if error.is_timeout() => Err("webhook-slow"),
            Err(_) => Err("webhook-unreachable"),
        }
    }
}

/// An address that messages may go to.
///
/// # Errors
/// Why not, for whoever typed it.
pub(crate) fn checked(address: &str, private: bool) -> Result<Url, &'static str> {
    if address.len() > ADDRESS_BYTES_MAX {
        return Err("it is longer than 1000 bytes");
    }
    let url =
        Url::parse(address).map_err(|_| "it is not an address such as `https://receiver.example.jp/hook`")?;
    if !(url.scheme() == "https" || private && url.scheme() == "http") {
        return Err("it must begin with `https://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a user name or password; messages are signed");
    }
    let is_allowed = match url.host() {
        None => false,
        Some(Host::Domain(name)) => private || !name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => private || is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => private || is_public(IpAddr::V6(ip)),
    };
    if is_allowed { Ok(url) } else { Err("this hub sends to public addresses only") }
}

/// HMAC-SHA256 over `id.timestamp.body`, in Base64.
fn signature(secret: &[u8], id: &str, at: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

/// Resolves names to public addresses. It is asked when a connection is made, so a name that changes its mind changes nothing.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether anybody on the internet could be meant: none of IANA's special-purpose addresses.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let [first, second, ..] = parts;
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    // NAT64 and 6to4 carry an IPv4 address, and whoever translates would reach it.
    if (first, second) == (0x64, 0xff9b) || first == 0x2002 {
        return false;
    }
    // Global unicast is 2000::/3; of that, 2001::/23 and the documentation's are special.
    (first & 0xe000) == 0x2000
        && !(first == 0x2001 && second < 0x200)
        && !(first == 0x2001 && second == 0xdb8)
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_public_is_public() {
        let check = |ip: &str, expected: bool| assert_eq!(is_public(ip.parse().unwrap()), expected, "{ip}");
        for ip in [
            "1.1.1.1",
            "203.0.112.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2400:cb00::1",
        ] {
            check(ip, true);
        }
        for ip in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
        ] {
            check(ip, false);
        }
    }

    #[test]
    fn addresses_are_checked_when_they_are_typed() {
        let check = |address: &str, private: bool, expected: bool| {
            assert_eq!(checked(address, private).is_ok(), expected, "{address}");
        };
        check("https://receiver.example.jp/hook", false, true);
        check("http://receiver.example.jp/hook", false, false);
        check("http://receiver.example.jp/hook", true, true);
        check("https://127.0.0.1/", false, false);
        check("https://2130706433/", false, false);
        check("https://[::1]/", false, false);
        check("https://localhost/", false, false);
        check("https://127.0.0.1/", true, true);
        check("https://user:word@receiver.example.jp/", true, false);
        check("file:///etc/passwd", true, false);
        check("gopher://receiver.example.jp/", true, false);
    }

    #[test]
    fn signatures_are_those_of_the_specification() {
        // Vector of Standard Webhooks' reference libraries.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let found =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(found.as_deref(), Some("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_resolved() {
        let resolved = PublicOnly.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.is_err());
    }
}
