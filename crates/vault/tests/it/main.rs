//! The vault from outside: formats, expiry over kills, and each key service against something that really holds keys.
#![cfg(test)]

mod check;
mod classes;
mod expiry;
mod file;
mod formats;
mod kms;
mod kms_server;
mod pkcs11;
mod service;
mod support;
