//! The hub over HTTP: each test starts one in its own folder, on a free port.
#![expect(
    unreachable_pub,
    reason = "the helpers of one module are for the others; a test program has no outside"
)]

mod access;
mod authenticator;
mod authorisation;
mod bad_input;
mod cases;
mod doors;
mod edge_link;
mod log;
mod openapi;
mod people;
mod rest;
mod search;
mod sign_in;
mod stream;
mod support;
mod taxii;
mod tls;
