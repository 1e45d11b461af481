//! The hub's server: TAXII, REST, stream, edge link, console.
