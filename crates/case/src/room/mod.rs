//! The case room: what several hubs know, do and decide about one case, as entries that are only ever added.
//!
//! Every [`RoomEntry`] bears its own label. A [`Room`] is one hub's copy; copies that have heard the same entries are equal, in
//! whatever order they heard them. What the entries come to is a [`Situation`], always worked out for somebody: of an entry that one
//! may not see, nothing counts and nothing is told, unless its originator chose a stub.
//!
//! What must not be here: who may see an entry (callers hand in that decision of `policy`), the clock, storage, and chance.

mod brief;
mod carriage;
mod entry;
mod merge;
mod replica;
mod report;
mod situation;
mod task;

pub use brief::{Brief, brief};
pub use carriage::{
    NotAnEntry, ROOM_EXTENSION, Stub, entry_from_stix, entry_to_stix, is_of_a_room, note_id,
    room_extension_definition, stub_from_stix, stub_id, stub_to_stix,
};
pub use entry::{EntryId, Label, Lane, Person, RoomEntry, Says};
pub use merge::joined;
pub use replica::{Named, Room, RoomAdded, RoomRefusal, SKEW};
pub use report::{NotAnUpdate, REPORT_BYTES_MAX, REPORT_UPDATES_MAX, Report, UPDATE_BYTES_MAX, Update};
pub use situation::{Decision, Declared, HandOver, Ignored, Period, Proposed, Reported, Shown, Situation};
pub use task::{Task, TaskState};
