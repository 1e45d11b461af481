//! The query string of TAXII 2.1 §3.4: `added_after`, `limit`, `next` and the filters `match[…]`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use stix::Timestamp;

/// Longest query string read, in bytes.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Most values of one filter.
pub const VALUES_MAX: usize = 200;

/// What a client asks of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Only what was added to the collection strictly after this (§3.4); never compared with `modified`.
    pub added_after: Option<Timestamp>,
    /// At most this many; the server may give fewer.
    pub limit: Option<u32>,
    /// Where a former answer left off.
    pub next: Option<String>,
    /// `match[id]`: any of these; empty means every.
    pub ids: BTreeSet<String>,
    /// `match[type]`: any of these; empty means every.
    pub types: BTreeSet<String>,
    /// `match[version]`: any of these; empty means the last (§3.4.1).
    pub versions: BTreeSet<VersionFilter>,
    /// `match[spec_version]`: any of these; empty means the latest.
    pub spec_versions: BTreeSet<String>,
}

/// One value of `match[version]` (§3.4.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum VersionFilter {
    /// Every version.
    All,
    /// The first that the collection holds.
    First,
    /// The last that the collection holds.
    Last,
    /// This one.
    Exact(Timestamp),
}

/// The parameters that an endpoint understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Objects and manifest (§5.3, §5.4): paging and every filter.
    Collection,
    /// One object (§5.6): paging, `match[version]`, `match[spec_version]`.
    Object,
    /// The versions of one object (§5.8): paging, `match[spec_version]`.
    Versions,
    /// Withdrawing an object (§5.7): `match[version]`, `match[spec_version]`, no paging.
    Delete,
}

/// A query string that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Longer than [`QUERY_BYTES_MAX`].
    #[error("the query string is longer than {QUERY_BYTES_MAX} bytes")]
    TooLong,
    /// Percent-encoding that is cut off, or bytes that are no UTF-8.
    #[error("the query string is not percent-encoded UTF-8")]
    Encoding,
    /// A parameter that may stand once stands twice.
    #[error("`{0}` stands more than once; join its values by commas")]
    Repeated(String),
    /// `match[…]` of a field that the endpoint does not offer.
    #[error("`{0}` is not a filter of this endpoint")]
    UnknownFilter(String),
    /// A parameter without a value.
    #[error("`{0}` has no value")]
    Empty(String),
    /// A filter with more than [`VALUES_MAX`] values.
    #[error("`{0}` has more than {VALUES_MAX} values")]
    TooMany(String),
    /// Not a number from 1 up.
    #[error("`limit` is a whole number from 1 up")]
    Limit,
    /// Not a timestamp.
    #[error("`{0}` is a timestamp such as `2026-01-31T09:00:00.000000Z`")]
    Timestamp(&'static str),
    /// A version that is asked for twice, or `all` beside another one.
    #[error("`match[version]` names each version once, and `all` stands alone")]
    Versions,
    /// Not a STIX version.
    #[error("`match[spec_version]` is a version such as `2.1`")]
    SpecVersion,
}

impl Query {
    /// Reads a query string. Parameters that are neither TAXII's nor `match[…]` are passed over.
    ///
    /// # Errors
    /// [`QueryError`]; all of them are the client's, status 400.
    pub fn parse(text: &str, allowed: Allowed) -> Result<Self, QueryError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::TooLong);
        }
        let mut query = Self::default();
        let mut seen = BTreeSet::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !is_known(&name) {
                continue;
            }
            if !seen.insert(name.to_string()) {
                return Err(QueryError::Repeated(name.into_owned()));
            }
            if value.is_empty() {
                return Err(QueryError::Empty(name.into_owned()));
            }
            query.take(&name, &value, allowed)?;
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str, allowed: Allowed) -> Result<(), QueryError> {
        use Allowed::{Collection, Delete, Object, Versions};
        match (name, allowed) {
            ("added_after", Collection | Object | Versions) => {
                let read = Timestamp::parse(value).ok().filter(|at| at.instant().is_some());
                self.added_after = Some(read.ok_or(QueryError::Timestamp("added_after"))?);
            }
            ("limit", Collection | Object | Versions) => self.limit = Some(limit(value)?),
            ("next", Collection | Object | Versions) => self.next = Some(value.to_owned()),
            ("match[id]", Collection) => self.ids = values(name, value)?.map(str::to_owned).collect(),
            ("match[type]", Collection) => self.types = values(name, value)?.map(str::to_owned).collect(),
            ("match[version]", Collection | Object | Delete) => {
                self.versions = versions(values(name, value)?)?;
            }
            ("match[spec_version]", _) => {
                self.spec_versions = values(name, value)?.map(spec_version).collect::<Result<_, _>>()?;
            }
            ("added_after" | "limit" | "next", Delete) => {}
            _ => return Err(QueryError::UnknownFilter(name.to_owned())),
        }
        Ok(())
    }

    /// What must stay the same from page to page, in one text: everything but `limit` and `next`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let after = self.added_after.as_ref().map(Timestamp::sort_key);
        format!("{after:?}{:?}{:?}{:?}{:?}", self.ids, self.types, self.versions, self.spec_versions)
    }

    /// Whether objects of a STIX version are asked for. Where nothing is said, they are: a node keeps one version only.
    #[must_use]
    pub fn wants_spec_version(&self, version: &str) -> bool {
        self.spec_versions.is_empty() || self.spec_versions.contains(version)
    }
}

fn is_known(name: &str) -> bool {
    matches!(name, "added_after" | "limit" | "next") || (name.starts_with("match[") && name.ends_with(']'))
}

fn values<'a>(name: &str, value: &'a str) -> Result<impl Iterator<Item = &'a str> + use<'a>, QueryError> {
    if value.split(',').any(str::is_empty) {
        return Err(QueryError::Empty(name.to_owned()));
    }
    if value.split(',').count() > VALUES_MAX {
        return Err(QueryError::TooMany(name.to_owned()));
    }
    Ok(value.split(','))
}

fn limit(value: &str) -> Result<u32, QueryError> {
    if !value.bytes().all(|b| b.is_ascii_digit()) || value.bytes().all(|b| b == b'0') {
        return Err(QueryError::Limit);
    }
    // More than fits is more than any server gives.
    Ok(value.parse().unwrap_or(u32::MAX))
}

fn versions<'a>(values: impl Iterator<Item = &'a str>) -> Result<BTreeSet<VersionFilter>, QueryError> {
    let mut wanted = BTreeSet::new();
    for value in values {
        if !wanted.insert(version(value)?) {
            return Err(QueryError::Versions);
        }
    }
    let is_contradictory = wanted.len() > 1 && wanted.contains(&VersionFilter::All);
    if is_contradictory { Err(QueryError::Versions) } else { Ok(wanted) }
}

fn version(value: &str) -> Result<VersionFilter, QueryError> {
    Ok(match value {
        "all" => VersionFilter::All,
        "first" => VersionFilter::First,
        "last" => VersionFilter::Last,
        _ => VersionFilter::Exact(
            Timestamp::parse(value).map_err(|_| QueryError::Timestamp("match[version]"))?,
        ),
    })
}

fn spec_version(value: &str) -> Result<String, QueryError> {
    let (major, minor) = value.split_once('.').ok_or(QueryError::SpecVersion)?;
    let is_number = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_number(major) && is_number(minor) { Ok(value.to_owned()) } else { Err(QueryError::SpecVersion) }
}

/// Percent-decoding as of `application/x-www-form-urlencoded`: `+` is a space.
fn decode(text: &str) -> Result<Cow<'_, str>, QueryError> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = rest.next().zip(rest.next()).ok_or(QueryError::Encoding)?;
                nibble(high)? << 4 | nibble(low)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| QueryError::Encoding)
}

fn nibble(digit: u8) -> Result<u8, QueryError> {
    char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok()).ok_or(QueryError::Encoding)
}
