//! Who may change something by the edge's page: whoever followed a link that the edge printed. The link is good for one use; what
//! it is exchanged for stays in the page that asked and goes with each change in a header, so no other page can send it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

/// The header that each change bears.
pub(crate) const TOKEN_HEADER: &str = "x-yagura-edge";
/// How long a link may be followed.
const LINK_LIFE: Duration = Duration::from_secs(3600);
/// How long a page may change something after it was opened by a link.
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 3600);
/// The most links, and the most pages, at a time; the oldest end.
const EACH_MAX: usize = 16;

/// Links that were not followed yet, and tokens of the pages that followed one. In memory: a restart ends them all.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    links: Mutex<Vec<(Secret, Instant)>>,
    tokens: Mutex<Vec<(Secret, Instant)>>,
}

/// 32 octets by chance, in hexadecimal digits.
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Guard {
    /// A link's key; `None` where the system gives no chance.
    pub(crate) fn new_link(&self) -> Option<String> {
        put(&self.links, LINK_LIFE)
    }

    /// Follows a link: its key is good no more, and the token is what changes bear.
    pub(crate) fn enter(&self, key: &str) -> Option<String> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let at = position(&links, key, LINK_LIFE)?;
        links.remove(at);
        drop(links);
        put(&self.tokens, TOKEN_LIFE)
    }

    /// Whether a request may change something.
    pub(crate) fn may_change(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(TOKEN_HEADER).and_then(|token| token.to_str().ok()).unwrap_or_default();
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        position(&tokens, token, TOKEN_LIFE).is_some()
    }
}

/// Whether a request comes from our own page and no other: browsers say so of every request that changes something.
pub(crate) fn is_of_our_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let is_ours = text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    is_ours && site.is_none_or(|site| site == "same-origin")
}

fn put(list: &Mutex<Vec<(Secret, Instant)>>, life: Duration) -> Option<String> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets).ok()?;
    let secret = hex::encode(octets);
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    list.retain(|(_, made)| made.elapsed() < life);
    if list.len() >= EACH_MAX {
        list.remove(0);
    }
    list.push((Secret(secret.clone()), Instant::now()));
    Some(secret)
}

fn position(list: &[(Secret, Instant)], given: &str, life: Duration) -> Option<usize> {
    list.iter().position(|(secret, made)| {
        bool::from(secret.0.as_bytes().ct_eq(given.as_bytes())) && made.elapsed() < life
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_link_is_good_once_and_a_token_is_demanded() {
        let guard = Guard::default();
        let key = guard.new_link().unwrap();
        assert_eq!(guard.enter("0"), None);
        let token = guard.enter(&key).unwrap();
        assert_eq!(guard.enter(&key), None, "it was followed");
        assert!(guard.may_change(&headers(&[(TOKEN_HEADER, &token)])));
        for wrong in ["", &key, token.get(1..).unwrap()] {
            assert!(!guard.may_change(&headers(&[(TOKEN_HEADER, wrong)])), "{wrong}");
        }
        assert!(!guard.may_change(&headers(&[])));
    }

    #[test]
    fn the_oldest_link_ends_when_there_are_many() {
        let guard = Guard::default();
        let links: Vec<String> = (0..=EACH_MAX).map(|_| guard.new_link().unwrap()).collect();
        assert_eq!(guard.enter(&links[0]), None);
        assert!(guard.enter(&links[1]).is_some());
    }

    #[test]
    fn other_pages_are_told_apart() {
        let check = |pairs: &[(&'static str, &str)], expected| {
            assert_eq!(is_of_our_page(&headers(pairs)), expected, "{pairs:?}");
        };
        check(&[("host", "127.0.0.1:8441"), ("origin", "http://127.0.0.1:8441")], true);
        check(&[("host", "127.0.0.1:8441")], true);
        check(&[("host", "127.0.0.1:8441"), ("origin", "http://evil.example")], false);
        check(&[("host", "127.0.0.1:8441"), ("origin", "http://127.0.0.1:9000")], false);
        check(&[("host", "127.0.0.1:8441"), ("origin", "null")], false);
        check(&[("host", "127.0.0.1:8441"), ("sec-fetch-site", "cross-site")], false);
        check(&[("host", "127.0.0.1:8441"), ("sec-fetch-site", "same-site")], false);
    }
}
