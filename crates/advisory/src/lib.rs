//! What others publish about vulnerabilities, as STIX 2.1: CSAF 2.0 advisories, CISA's catalogue of exploited vulnerabilities
//! (KEV), and the scores of EPSS.
//!
//! Each source's statement on a vulnerability is a `vulnerability` object of its own, with an identifier that follows from the
//! source and the CVE number: a newer catalogue makes a newer version of it, and two sources never write the same object. What
//! belongs together is found by the CVE number, which every one bears as an external reference. What STIX has no property for
//! stands in the [extension](ADVISORY_EXTENSION).

pub mod check;
mod csaf;
mod epss;
mod extension;
mod kev;
mod made;

pub use csaf::csaf;
pub use epss::epss;
pub use extension::{ADVISORY_EXTENSION, extension_definition};
pub use kev::kev;
pub use made::{Made, ReadError};
