//! What `=` on a value covers beyond the value itself. STIX says: nothing. Producers of feeds mean more than that, and not all of
//! them the same, so an indicator may have its own ([`Indicator::reach`](crate::Indicator::reach)).

use crate::key::KeyKind;
use crate::suffix;

/// What `=` covers, by the kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// On a domain name.
    pub covers: Covers,
    /// On a URL.
    pub urls: UrlMode,
}

impl From<Covers> for Reach {
    fn from(covers: Covers) -> Self {
        Self { covers, ..Self::default() }
    }
}

/// What `=` on a domain name covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Covers {
    /// The name alone, as STIX says.
    #[default]
    Host,
    /// The name and everything below it, as most feeds mean it. Below a public suffix (`co.jp`, `github.io`) are other people's
    /// names, so of such a name only itself.
    Subtree,
}

impl Covers {
    /// Whether `=` on this name, in its canonical form, covers what is below it.
    pub(crate) fn reaches_below(self, name: &str) -> bool {
        self == Self::Subtree && suffix::of(name.as_bytes()).is_none()
    }
}

/// What `=` on a URL covers. URLs are compared in their canonical form: scheme and host are part of them, user information and
/// fragment are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UrlMode {
    /// The URL alone, as STIX says.
    #[default]
    Exact,
    /// The URL with any query or none; a query that the indicator has does not count.
    WithoutQuery,
    /// The URL, with any query, and everything whose path lies below it (RFC 6265 §5.1.4): `http://a.example/b` covers
    /// `http://a.example/b/c?d` and not `http://a.example/bc`. Below a URL that has a query, or no host, is nothing.
    Prefix,
}

impl UrlMode {
    /// What `=` on a URL in its canonical form asks for, and the URL without what does not count.
    pub(crate) fn asked(self, url: &str) -> (KeyKind, &str) {
        match self {
            Self::Exact => (KeyKind::Url, url),
            Self::WithoutQuery => (KeyKind::UrlPath, without_query(url)),
            Self::Prefix if has_below(url) => (KeyKind::UrlBelow, url),
            Self::Prefix => (KeyKind::Url, url),
        }
    }
}

/// Slashes in the path of a URL of which what lies below is asked for: each is looked up in the URLs that are seen, which
/// strangers write.
const DEPTH_MAX: usize = 64;

/// Whether URLs lie below a URL, and are looked for.
fn has_below(url: &str) -> bool {
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/'));
    path.is_some_and(|host_bytes| host_bytes > 0)
        && !url.contains('?')
        && slashes(url.as_bytes()).count() <= DEPTH_MAX
}

/// A URL's part before its query.
pub(crate) fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(path, _)| path)
}

/// Whether a URL is the other one or lies below it.
pub(crate) fn is_at_or_below(url: &[u8], top: &[u8]) -> bool {
    let rest = url.strip_prefix(top);
    rest.is_some_and(|rest| top.ends_with(b"/") || matches!(rest.first(), None | Some(b'/' | b'?')))
}

/// The URLs, from the host on, that a URL is or lies below; those that are too deep to be asked for apart.
pub(crate) fn at_or_above(url: &str) -> impl Iterator<Item = &[u8]> {
    let path = without_query(url).as_bytes();
    let above =
        slashes(path).take(DEPTH_MAX + 1).flat_map(move |at| [path.get(..at), path.get(..=at)]).flatten();
    above.chain((!path.ends_with(b"/")).then_some(path))
}

/// Where the slashes of a URL's path stand.
fn slashes(url: &[u8]) -> impl Iterator<Item = usize> {
    let path = memchr::memmem::find(url, b"://").map_or(0, |at| at + 3);
    memchr::memchr_iter(b'/', url.get(path..).unwrap_or_default()).map(move |at| at + path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: UrlMode, asked: &str, seen: &str, expected: bool) {
        let (kind, url) = mode.asked(asked);
        let key = crate::key::Key::new(kind, url.as_bytes());
        let met = key.matches(&crate::key::Key::new(KeyKind::Url, seen.as_bytes()));
        assert_eq!(met, expected, "{mode:?}: {asked} and {seen}");
        let found = match kind {
            KeyKind::UrlBelow => at_or_above(seen).any(|above| above == url.as_bytes()),
            KeyKind::UrlPath => without_query(seen) == url,
            _ => seen == url,
        };
        assert_eq!(found, expected, "looked up, {mode:?}: {asked} and {seen}");
    }

    #[test]
    fn modes() {
        let exact = |asked, seen, expected| check(UrlMode::Exact, asked, seen, expected);
        exact("http://a.example/b", "http://a.example/b", true);
        exact("http://a.example/b", "http://a.example/b?c", false);
        let path = |asked, seen, expected| check(UrlMode::WithoutQuery, asked, seen, expected);
        path("http://a.example/b", "http://a.example/b", true);
        path("http://a.example/b", "http://a.example/b?c=1", true);
        path("http://a.example/b?x", "http://a.example/b?c=1", true);
        path("http://a.example/b?x", "http://a.example/b", true);
        path("http://a.example/b", "http://a.example/b/", false);
        path("http://a.example/b", "https://a.example/b", false);
        let below = |asked: &str, seen: &str, expected| check(UrlMode::Prefix, asked, seen, expected);
        below("http://a.example/b", "http://a.example/b", true);
        below("http://a.example/b", "http://a.example/b?c", true);
        below("http://a.example/b", "http://a.example/b/", true);
        below("http://a.example/b", "http://a.example/b/c/d?e/f", true);
        below("http://a.example/b", "http://a.example/bc", false);
        below("http://a.example/b/", "http://a.example/b", false);
        below("http://a.example/b/", "http://a.example/b/c", true);
        below("http://a.example/", "http://a.example/?q", true);
        below("http://a.example/", "http://a.example:8080/", false);
        below("http://a.example/", "http://a.example.evil.test/", false);
        below("http://a.example/b?c", "http://a.example/b?c", true);
        below("http://a.example/b?c", "http://a.example/b?c/d", false);
        below("http://a.example/b", "http://c.example/?u=http://a.example/b", false);
        let deep = format!("http://a.example{}", "/b".repeat(DEPTH_MAX));
        below(&deep, &format!("{deep}/c"), true);
        below(&format!("{deep}/c"), &format!("{deep}/c/d"), false);
        below(&format!("{deep}/c"), &format!("{deep}/c"), true);
        below(&deep, &format!("{deep}{}", "/".repeat(9000)), true);
    }
}
