//! Lakes in real folders: what is written is kept, merged, expired and found as a scan of all would find it.
#![cfg(test)]

mod folder;
mod hunts;
mod made;
mod s3;
