//! What must hold for any bytes at all; the fuzz target `advisory` runs the same function.

use stix::Object;
use stix::validate::{Severity, validate};

/// Bytes that claim to be an advisory, a catalogue or scores: refused, or objects that are STIX, each once, the same every time.
pub(crate) fn advisory(input: &[u8]) {
    const TODAY: &str = "2026-01-01T00:00:00Z";
    if let Ok(document) = serde_json::from_slice(input) {
        assert!(advisory::check::mandatory(&document).iter().all(|failed| !failed.message.is_empty()));
    }
    for read in [advisory::csaf, advisory::kev, |input: &[u8]| advisory::epss(input, TODAY)] {
        let Ok(made) = read(input) else { continue };
        let mut ids = std::collections::BTreeSet::new();
        for bytes in &made.objects {
            let object = Object::parse(bytes.clone()).expect("no object is made that cannot be read");
            let errors: Vec<_> =
                validate(&object).into_iter().filter(|finding| finding.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{errors:?}\n{}", String::from_utf8_lossy(bytes));
            assert!(ids.insert(object.id().clone()), "{} stands twice", object.id());
        }
        assert!(read(input).is_ok_and(|again| again.objects == made.objects), "the same makes the same");
    }
}

#[cfg(test)]
mod tests {
    use super::advisory;

    const CSAF: &[u8] = br#"{"document":{"category":"csaf_base","csaf_version":"2.0","title":"t","distribution":{"tlp":{"label":"GREEN"}},
        "publisher":{"category":"vendor","name":"n","namespace":"https://a.example"},"tracking":{"current_release_date":"2026-01-02T00:00:00Z",
        "id":"A-1","initial_release_date":"2026-01-01T00:00:00Z","status":"final","version":"1","revision_history":[{"number":"1",
        "date":"2026-01-01T00:00:00Z","summary":"s"}]}},"product_tree":{"full_product_names":[{"product_id":"P1","name":"p"}]},
        "vulnerabilities":[{"cve":"CVE-2026-0001","product_status":{"known_affected":["P1"]},"remediations":[{"category":"vendor_fix",
        "details":"d","product_ids":["P1"]}]}]}"#;
    const KEV: &[u8] = br#"{"catalogVersion":"1","dateReleased":"2026-01-01T00:00:00.000Z","vulnerabilities":[{"cveID":"CVE-2026-0001",
        "vendorProject":"v","product":"p","vulnerabilityName":"n","dateAdded":"2026-01-01","dueDate":"2026-02-01"}]}"#;
    const EPSS: &[u8] = b"#model_version:v1,score_date:2026-01-01T00:00:00+0000\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\n";

    #[test]
    fn damaged_advisories_do_no_harm() {
        for whole in [CSAF, KEV, EPSS] {
            advisory(whole);
            for at in 0..whole.len() {
                let mut damaged = whole.to_vec();
                for byte in [b'0', b'"', b'}', b'[', b',', 0xff] {
                    damaged[at] = byte;
                    advisory(&damaged);
                }
                advisory(&whole[..at]);
            }
        }
    }

    #[test]
    fn a_year_has_four_digits() {
        let scores = b"cve,epss,percentile\nCVE-2026-0001,0.5,0.9\nCVE-20262-0001,0.5,0.9\n";
        advisory(scores);
        let made = ::advisory::epss(scores, "2026-01-01T00:00:00Z").unwrap();
        assert_eq!(made.warnings.len(), 1, "{:?}", made.warnings);
    }
}
