//! The typed client of a hub: for edges, commands and drills. The only module of this crate that does I/O.
