//! Media types and their negotiation (TAXII 2.1 §1.6.8, §3.2).

/// The media type of every TAXII 2.1 message.
pub const TAXII: &str = "application/taxii+json;version=2.1";
/// The media type of objects of STIX 2.1.
pub const STIX: &str = "application/stix+json;version=2.1";
/// The media type of objects of STIX 2.0.
pub const STIX_2_0: &str = "application/stix+json;version=2.0";

/// The media type of an object of a STIX version: `2.0`, else 2.1.
#[must_use]
pub fn of_stix(spec_version: &str) -> &'static str {
    if spec_version == "2.0" { STIX_2_0 } else { STIX }
}

/// Whether an `Accept` header (its lines joined by commas) admits a TAXII 2.1 answer.
///
/// Spaces around parameters and a missing version are tolerated, as clients in the field send both; another version
/// or another type is not. An absent header admits everything (RFC 9110 §12.5.1).
#[must_use]
pub fn is_acceptable(accept: Option<&str>) -> bool {
    let Some(accept) = accept.map(str::trim).filter(|accept| !accept.is_empty()) else { return true };
    accept.split(',').map(MediaType::read).any(|range| match (range.kind, range.subtype) {
        ("*", "*") => range.is_wanted,
        (kind, "*") => range.is_wanted && kind.eq_ignore_ascii_case("application"),
        _ => range.is_wanted && range.is_taxii(),
    })
}

/// Whether a `Content-Type` header says TAXII 2.1.
#[must_use]
pub fn is_taxii(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|text| MediaType::read(text).is_taxii())
}

/// A media type or range, as far as negotiation looks at it.
struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
    version: Option<&'a str>,
    /// False where `q=0` shuts the range out.
    is_wanted: bool,
}

impl<'a> MediaType<'a> {
    fn read(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next().and_then(|essence| essence.split_once('/')).unwrap_or(("", ""));
        let mut found = Self { kind: kind.trim(), subtype: subtype.trim(), version: None, is_wanted: true };
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            match name.trim() {
                name if name.eq_ignore_ascii_case("version") => found.version = Some(value),
                name if name.eq_ignore_ascii_case("q") => {
                    found.is_wanted = value.parse::<f32>().is_ok_and(|q| q > 0.0);
                }
                _ => {}
            }
        }
        found
    }

    fn is_taxii(&self) -> bool {
        self.kind.eq_ignore_ascii_case("application")
            && self.subtype.eq_ignore_ascii_case("taxii+json")
            && self.version.is_none_or(|version| version == "2.1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept() {
        let check =
            |accept: &str, expected: bool| assert_eq!(is_acceptable(Some(accept)), expected, "{accept}");
        check("application/taxii+json;version=2.1", true);
        check("application/taxii+json; version=2.1", true);
        check("Application/TAXII+json ; Version=\"2.1\"", true);
        check("application/taxii+json", true);
        check("text/html, application/taxii+json;version=2.1;q=0.5", true);
        check("*/*", true);
        check("application/*;q=0.1", true);
        check("", true);
        check("application/taxii+json;version=9.9", false);
        check("application/taxii+json;version=2.0, application/vnd.oasis.taxii+json", false);
        check("application/taxii+json;version=2.1;q=0", false);
        check("*/*;q=0", false);
        check("text/html", false);
        check("text/*", false);
        check("application/json", false);
        assert!(is_acceptable(None));
    }

    #[test]
    fn content_type() {
        let check = |text: &str, expected: bool| assert_eq!(is_taxii(Some(text)), expected, "{text}");
        check("application/taxii+json;version=2.1", true);
        check("application/taxii+json ; version=2.1 ; charset=utf-8", true);
        check("application/taxii+json", true);
        check("application/taxii+json;version=2.0", false);
        check("application/stix+json;version=2.1", false);
        check("application/json", false);
        check("*/*", false);
        check("", false);
        assert!(!is_taxii(None));
    }
}
