//! Suricata EVE JSON.
