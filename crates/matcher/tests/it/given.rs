//! What the tests begin with.

use matcher::{Covers, Indicator, Reach, UrlMode};
use proptest::prelude::Strategy;
use stix::{Id, Timestamp};

/// An indicator that counts from 2020 on.
pub(crate) fn indicator(number: u64, pattern: &str) -> Indicator {
    let stamp = |text| Timestamp::parse(text).unwrap();
    Indicator {
        id: Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012x}")).unwrap(),
        version: stamp("2026-01-01T00:00:00.000Z"),
        name: format!("number {number}"),
        pattern: pattern.to_owned(),
        confidence: None,
        valid_from: stamp("2020-01-01T00:00:00Z"),
        valid_until: None,
        revoked: false,
        reach: None,
    }
}

/// The time of records that bear none.
pub(crate) fn now() -> jiff::Timestamp {
    "2026-02-01T00:00:00Z".parse().unwrap()
}

/// All that `=` may cover.
pub(crate) const REACHES: [Reach; 6] = [
    Reach { covers: Covers::Host, urls: UrlMode::Exact },
    Reach { covers: Covers::Host, urls: UrlMode::WithoutQuery },
    Reach { covers: Covers::Host, urls: UrlMode::Prefix },
    Reach { covers: Covers::Subtree, urls: UrlMode::Exact },
    Reach { covers: Covers::Subtree, urls: UrlMode::WithoutQuery },
    Reach { covers: Covers::Subtree, urls: UrlMode::Prefix },
];

pub(crate) fn reach() -> impl Strategy<Value = Reach> {
    proptest::sample::select(&REACHES[..])
}
