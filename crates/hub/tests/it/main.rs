//! The hub over HTTP: each test starts one in its own folder, on a free port.

mod access;
mod authenticator;
mod bad_input;
mod cases;
mod doors;
mod edge_link;
mod openapi;
mod people;
mod rest;
mod search;
mod sign_in;
mod support;
mod taxii;
