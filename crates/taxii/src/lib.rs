//! TAXII 2.1 messages and client.
