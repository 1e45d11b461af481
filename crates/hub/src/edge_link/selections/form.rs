//! The form of a selection's information: what an edge of ours writes and nothing else. Its fields are text in part, and text that is not
//! looked at would be a way for anything to leave a network.

use oversight::PROTOCOLS;
use oversight::authorisation::{SelectedInformation, Selection};

/// Largest selection, in bytes of what is signed: what one record of telemetry gives is a few hundred.
pub(super) const SELECTION_BYTES_MAX: usize = 8 * 1024;
/// Members of one list of a selection.
const MEMBERS_MAX: usize = 64;
/// Longest name (RFC 1035 §2.3.4), in bytes.
const DOMAIN_BYTES_MAX: usize = 253;
/// Ports of a record: of its two ends.
const PORTS_MAX: usize = 2;

/// Whether a selection has the form that edges give it.
pub(super) fn is_ours(selection: &Selection) -> bool {
    let SelectedInformation { addresses, own, domains, hashes, ports, protocol, .. } = &selection.information;
    selection.at_least > 0
        && is_list(addresses)
        && is_list(own)
        && is_list(domains)
        && is_list(hashes)
        && own.iter().all(|pseudonym| is_hexadecimal(pseudonym) && pseudonym.len() == 32)
        && domains.iter().all(|domain| is_domain(domain))
        && hashes.iter().all(|(algorithm, digest)| is_digest(algorithm, digest))
        && ports.len() <= PORTS_MAX
        && protocol.as_deref().is_none_or(|protocol| PROTOCOLS.contains(&protocol))
}

/// Ascending, nothing twice, and not long.
fn is_list<T: Ord>(list: &[T]) -> bool {
    list.len() <= MEMBERS_MAX && list.is_sorted_by(|one, next| one < next)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A-labels in lower case.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    text.len() <= DOMAIN_BYTES_MAX && text.split('.').all(is_label)
}

/// A hash of one of the algorithms (STIX 2.1 §10.7) that records are read for.
fn is_digest(algorithm: &str, digest: &str) -> bool {
    let digits = match algorithm {
        "MD5" => 32,
        "SHA-1" => 40,
        "SHA-256" => 64,
        "SHA-512" => 128,
        _ => return false,
    };
    digest.len() == digits && is_hexadecimal(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(information: &serde_json::Value) -> Option<Selection> {
        serde_json::from_value(serde_json::json!({
            "id": uuid::Uuid::from_u128(1), "authorisation": uuid::Uuid::from_u128(2), "grant": 3, "operator": "harbour", "edge": "e",
            "member": 0, "hour": "2026-11-01T00:00:00Z", "at_least": 1, "information": information,
        }))
        .ok()
    }

    #[test]
    fn what_an_edge_writes_has_the_form_and_nothing_else_has() {
        let check = |information: serde_json::Value, expected: bool| {
            let found = with(&information).is_some_and(|selection| is_ours(&selection));
            assert_eq!(found, expected, "{information}");
        };
        let json = |text: &str| serde_json::from_str(text).unwrap();
        check(json("{}"), true);
        check(
            json(
                r#"{"addresses":["192.0.2.1","198.51.100.7"],"ports":[443,51000],"protocol":"tcp","bytes":9}"#,
            ),
            true,
        );
        check(json(r#"{"domains":["_dmarc.evil.example","xn--80ak6aa92e.example"]}"#), true);
        check(
            serde_json::json!({ "hashes": [["SHA-256", "0a".repeat(32)]], "own": ["00".repeat(16)] }),
            true,
        );
        check(json(r#"{"addresses":["198.51.100.7","192.0.2.1"]}"#), false);
        check(json(r#"{"addresses":["192.0.2.1","192.0.2.1"]}"#), false);
        check(json(r#"{"addresses":["not an address"]}"#), false);
        check(json(r#"{"domains":["said to his lawyer that"]}"#), false);
        check(json(r#"{"domains":["EVIL.example"]}"#), false);
        check(json(r#"{"domains":["evil..example"]}"#), false);
        check(json(r#"{"protocol":"hello"}"#), false);
        check(json(r#"{"ports":[1,2,3]}"#), false);
        check(json(r#"{"own":["10.0.0.1"]}"#), false);
        check(json(r#"{"hashes":[["SHA-256","aa"]]}"#), false);
        check(json(r#"{"hashes":[["note","aa"]]}"#), false);
        check(json(r#"{"body":"x"}"#), false);
        let many: Vec<String> = (0..65).map(|number| format!("{number:03}.example")).collect();
        check(serde_json::json!({ "domains": many[..64] }), true);
        check(serde_json::json!({ "domains": many }), false);
    }
}
