//! All state of a hub in SQLite: the log of labelled objects, outbox, audit, accounts, cases.
