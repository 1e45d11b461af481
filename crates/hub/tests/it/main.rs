//! The hub over HTTP: each test starts one in its own folder, on a free port.
#![expect(
    unreachable_pub,
    reason = "the helpers of one module are for the others; a test program has no outside"
)]

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod abroad;
#[cfg(test)]
mod access;
#[cfg(test)]
mod acs;
#[cfg(test)]
mod agreements;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod authenticator;
#[cfg(test)]
mod authorisation;
#[cfg(test)]
mod authorisations;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod blobs;
#[cfg(test)]
mod case_mail;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod client;
#[cfg(test)]
mod commissioners;
#[cfg(test)]
mod cosigning;
#[cfg(test)]
#[path = "../../../store/tests/suite/server.rs"]
#[expect(dead_code, reason = "the hub's tests need less of it than the store's")]
mod database;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod edge_link;
#[cfg(test)]
mod emergencies;
#[cfg(test)]
mod every_door;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod evidence_abroad;
#[cfg(test)]
mod evidence_drill;
#[cfg(test)]
mod evidence_received;
#[cfg(test)]
mod federation;
#[cfg(test)]
mod finding;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod identity_provider;
#[cfg(test)]
mod knowledge;
#[cfg(test)]
mod log;
#[cfg(test)]
mod misp_samples;
#[cfg(test)]
#[path = "../../../openc2/tests/broker/mosquitto.rs"]
#[expect(dead_code, reason = "the hub's tests need less of it than the client's")]
mod mosquitto;
#[cfg(test)]
mod mqtt;
#[cfg(test)]
mod nats;
#[cfg(test)]
mod oidc;
#[cfg(test)]
mod one_way;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod openings;
mod outreach;
#[cfg(test)]
mod people;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod proposals;
mod proved;
#[cfg(test)]
mod qualifications;
#[cfg(test)]
mod recoveries;
#[cfg(test)]
mod redaction;
#[cfg(test)]
mod releases;
#[cfg(test)]
mod report_contents;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod reports_abroad;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod rollout;
#[cfg(test)]
mod room;
#[cfg(test)]
mod room_calls;
#[cfg(test)]
mod room_continued;
#[cfg(test)]
mod room_found;
#[cfg(test)]
mod room_hubs;
#[cfg(test)]
mod room_kept;
#[cfg(test)]
mod room_live;
#[cfg(test)]
mod room_mails;
#[cfg(test)]
mod room_several;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod s3;
#[cfg(test)]
mod search;
#[cfg(test)]
mod selections;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod several;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod signed;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod support;
#[cfg(test)]
mod taxii;
#[cfg(test)]
mod taxii_client;
#[cfg(test)]
mod taxii_links;
#[cfg(test)]
mod taxii_sections;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod wake;
