//! MISP to STIX 2.1 and back, with nothing lost on the way.
//!
//! ```
//! let json = br#"{"Event": {"uuid": "5a6f1f2e-0000-4000-8000-000000000001", "info": "Example", "date": "2026-01-02",
//!     "Tag": [{"name": "tlp:green"}],
//!     "Attribute": [{"uuid": "5a6f1f2e-0000-4000-8000-000000000002", "type": "ip-dst", "category": "Network activity",
//!                    "value": "198.51.100.7", "to_ids": true, "distribution": "5"}]}}"#;
//! let events = misp::read(json, &misp::Limits::default())?;
//! let made = misp::to_stix(&events, &misp::Options::at(jiff::Timestamp::UNIX_EPOCH));
//! let objects: Vec<stix::Object> =
//!     made.objects.into_iter().filter_map(|bytes| stix::Object::parse(bytes).ok()).collect();
//! assert!(objects.iter().any(|object| object.text("pattern") == Some("[network-traffic:dst_ref.value = '198.51.100.7']")));
//! let back = misp::to_misp(&objects);
//! assert_eq!(misp::canonical(&back.events[0].clone().into_json()), misp::canonical(&events[0].clone().into_json()));
//! # Ok::<(), misp::ReadError>(())
//! ```
//!
//! Equality is that of [`canonical`]: the order of MISP's lists means nothing, everything else counts.
//!
//! How it works: an element becomes a STIX object; what that object's own properties say is read back; the difference from the
//! original travels in the [extension](MISP_EXTENSION) on the same object, and is released with it and to nobody else.

mod document;
mod equality;
mod extension;
mod facts;
mod from_stix;
mod homograph;
mod lenient;
mod marking;
mod patch;
mod projection;
mod report;
mod seen;
mod to_stix;

pub mod feed;
pub mod list;

pub use document::{Event, Limits, ReadError, read};
pub use equality::canonical;
pub use extension::{MISP_EXTENSION, extension_definition};
pub use from_stix::{MadeEvents, to_misp};
pub use homograph::suspicion;
pub use projection::{ElementKind, element};
pub use report::{Report, Warning};
pub use seen::Seen;
pub use to_stix::{MadeObjects, Options, to_stix};
