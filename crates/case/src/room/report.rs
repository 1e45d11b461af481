//! The situation report that several people type in at once: changes of a text that come to the same in whatever order they were heard.
//!
//! A change is an entry of the room like any other, under its own label. What it holds is an update of Yjs, version 1 of its encoding, and
//! of that only what typing in one text makes: letters, and that letters are gone. [`Update::read`] refuses the rest before
//! `yrs` sees it: nested values could be deeper than a stack, and lengths could be made up.
//!
//! The text that a report comes to is made of the changes in the order in which entries count, so it is the same in every copy that has
//! heard the same, also where somebody's programme used one name of a writer twice.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use yrs::updates::decoder::Decode;
use yrs::{ClientID, Doc, GetString, ReadTxn, StateVector, TextRef, Transact};

use super::entry::{EntryId, RoomEntry, Says};

/// Bytes of one change at most.
pub const UPDATE_BYTES_MAX: usize = 16 << 10;
/// Changes of one report at most.
pub const REPORT_UPDATES_MAX: usize = 4_000;
/// Letters of the base64 of all changes of one report at most. What somebody makes up to be hard to put together stays a matter of seconds.
pub const REPORT_BYTES_MAX: usize = 512 << 10;
/// Parts of one change at most: runs of letters, and of letters that are gone.
const PARTS_MAX: u64 = 1_000;
/// Bytes of what a reader says it knows, at most.
const STATE_BYTES_MAX: usize = 64 << 10;

/// What the one text is called in the document.
const ROOT: &str = "report";
/// Greater numbers of letters and writers are made up: JavaScript counts no further.
const NUMBER_MAX: u64 = (1 << 53) - 1;
/// So many letters one writer may have written.
const CLOCK_MAX: u64 = 1 << 30;
/// Changes at which a report may fail before it is given as far as it came.
const LEFT_OUT_MAX: usize = 8;
/// The writer as whom nothing is ever written.
const NOBODY: u64 = 0;

/// What a block of an update is, by the five lower bits of its first byte.
mod block {
    pub(super) const GONE: u8 = 0;
    pub(super) const DELETED: u8 = 1;
    pub(super) const LETTERS: u8 = 4;
    pub(super) const KIND: u8 = 0b0001_1111;
    pub(super) const PARENT_KEY: u8 = 0b0010_0000;
    pub(super) const RIGHT: u8 = 0b0100_0000;
    pub(super) const LEFT: u8 = 0b1000_0000;
}

/// The bytes are no change of a report.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("this is no change of a report: {0}")]
pub struct NotAnUpdate(&'static str);

/// A change of a report that was looked at whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update(Vec<u8>);

impl Update {
    /// Reads a change: an update of Yjs, version 1, in which somebody types in the one text.
    ///
    /// # Errors
    /// [`NotAnUpdate`].
    pub fn read(bytes: &[u8]) -> Result<Self, NotAnUpdate> {
        if bytes.len() > UPDATE_BYTES_MAX {
            return Err(NotAnUpdate("it is longer than 16 KiB; send less at once"));
        }
        let mut left = Bytes(bytes);
        let (mut writers, mut parts) = (BTreeSet::new(), 0);
        for _ in 0..left.count()? {
            let (blocks, writer, mut clock) =
                (left.count()?, left.number(NUMBER_MAX)?, left.number(CLOCK_MAX)?);
            parts += blocks;
            if blocks == 0 || !writers.insert(writer) {
                return Err(NotAnUpdate("a writer stands in it twice, or without a word"));
            }
            for _ in 0..blocks {
                clock += left.block()?;
                if clock > CLOCK_MAX {
                    return Err(NotAnUpdate("a writer has written more than can be"));
                }
            }
        }
        parts += left.removals()?;
        if !left.0.is_empty() {
            return Err(NotAnUpdate("something follows after its end"));
        }
        if parts > PARTS_MAX {
            return Err(NotAnUpdate("it has more than 1,000 parts; send less at once"));
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The same out of its base64, as entries hold it.
    ///
    /// # Errors
    /// [`NotAnUpdate`].
    pub fn from_text(text: &str) -> Result<Self, NotAnUpdate> {
        if text.len() > UPDATE_BYTES_MAX * 4 / 3 + 4 {
            return Err(NotAnUpdate("it is longer than 16 KiB; send less at once"));
        }
        Self::read(&BASE64_STANDARD.decode(text).map_err(|_| NotAnUpdate("it is no base64"))?)
    }
}

/// What is left of some bytes.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Result<u8, NotAnUpdate> {
        let (first, rest) = self.0.split_first().ok_or(NotAnUpdate("it ends too early"))?;
        self.0 = rest;
        Ok(*first)
    }

    /// A number, seven bits a byte.
    fn number(&mut self, max: u64) -> Result<u64, NotAnUpdate> {
        let mut number = 0_u64;
        for shift in (0..56).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if number <= max { Ok(number) } else { Err(NotAnUpdate("a number is too great")) };
            }
        }
        Err(NotAnUpdate("a number is too great"))
    }

    /// A number of things that follow: each takes a byte at least, so that nothing is set aside for what is not there.
    fn count(&mut self) -> Result<u64, NotAnUpdate> {
        self.number(u64::try_from(self.0.len()).unwrap_or(0))
    }

    fn text(&mut self) -> Result<&'a str, NotAnUpdate> {
        let length = usize::try_from(self.count()?).unwrap_or(usize::MAX);
        let (text, rest) = self.0.split_at_checked(length).ok_or(NotAnUpdate("it ends too early"))?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| NotAnUpdate("its letters are no UTF-8"))
    }

    /// A letter, by who wrote it and the how manieth of that writer's it is.
    fn letter(&mut self) -> Result<(), NotAnUpdate> {
        self.number(NUMBER_MAX)?;
        self.number(CLOCK_MAX).map(drop)
    }

    /// A block; gives how many letters it counts for.
    fn block(&mut self) -> Result<u64, NotAnUpdate> {
        let info = self.byte()?;
        let kind = info & block::KIND;
        if kind != block::GONE {
            if info & block::LEFT != 0 {
                self.letter()?;
            }
            if info & block::RIGHT != 0 {
                self.letter()?;
            }
            if info & (block::LEFT | block::RIGHT) == 0 {
                let is_root = self.number(1)? == 1;
                if !is_root || self.text()? != ROOT {
                    return Err(NotAnUpdate("it changes something else than the text"));
                }
            }
            if info & block::PARENT_KEY != 0 {
                return Err(NotAnUpdate("it changes something else than the text"));
            }
        }
        let length = match kind {
            block::GONE if info == block::GONE => self.number(CLOCK_MAX)?,
            block::DELETED => self.number(CLOCK_MAX)?,
            // Yjs counts as JavaScript does.
            block::LETTERS => u64::try_from(self.text()?.encode_utf16().count()).unwrap_or(u64::MAX),
            _ => return Err(NotAnUpdate("it holds something else than letters")),
        };
        if length == 0 { Err(NotAnUpdate("a part of it is empty")) } else { Ok(length) }
    }

    /// Which letters are gone; gives in how many runs.
    fn removals(&mut self) -> Result<u64, NotAnUpdate> {
        let (mut writers, mut runs) = (BTreeSet::new(), 0);
        for _ in 0..self.count()? {
            if !writers.insert(self.number(NUMBER_MAX)?) {
                return Err(NotAnUpdate("a writer stands in it twice"));
            }
            let count = self.count()?;
            runs += count;
            for _ in 0..count {
                let (first, length) = (self.number(CLOCK_MAX)?, self.number(CLOCK_MAX)?);
                if length == 0 || first + length > CLOCK_MAX {
                    return Err(NotAnUpdate("what is gone was never there"));
                }
            }
        }
        Ok(runs)
    }
}

/// One report, put together out of the changes that somebody may see.
pub struct Report {
    number: u16,
    document: Doc,
    text: TextRef,
    /// The last change that was looked at, and how many were.
    through: Option<(Timestamp, EntryId)>,
    looked_at: usize,
    taken: usize,
    bytes: usize,
    left_out: BTreeSet<EntryId>,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report")
            .field("number", &self.number)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl Report {
    /// A report in which nobody has typed.
    #[must_use]
    pub fn new(number: u16) -> Self {
        Self::without(number, BTreeSet::new())
    }

    fn without(number: u16, left_out: BTreeSet<EntryId>) -> Self {
        let document = Doc::with_client_id(NOBODY);
        let text = document.get_or_insert_text(ROOT);
        Self { number, document, text, through: None, looked_at: 0, taken: 0, bytes: 0, left_out }
    }

    /// Which of the room's reports it is.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// How many changes it is made of.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.taken
    }

    /// How many changes could not be put in, since what puts them together failed at them.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// Whether it takes no further change whose base64 has so many letters.
    #[must_use]
    pub fn is_full(&self, letters: usize) -> bool {
        self.taken >= REPORT_UPDATES_MAX || self.bytes.saturating_add(letters) > REPORT_BYTES_MAX
    }

    /// The report of what is typed among some entries, which stand in the order in which they count. Where they are those that it was made
    /// of before and some behind them, only these are put in; else it is made anew.
    #[must_use]
    pub fn with(self, entries: &[(EntryId, &RoomEntry)]) -> Self {
        let number = self.number;
        let own: Vec<(EntryId, &RoomEntry)> =
            entries.iter().filter(|(_, entry)| is_change_of(entry, number)).copied().collect();
        let behind = |report: &Self| {
            own.iter()
                .take_while(|(id, entry)| report.through.is_some_and(|last| (entry.at, *id) <= last))
                .count()
        };
        let mut report = if behind(&self) == self.looked_at { self } else { Self::new(number) };
        loop {
            let new = own.get(behind(&report)..).unwrap_or_default();
            match report.put_all(new) {
                None => return report,
                Some(_) if report.left_out.len() >= LEFT_OUT_MAX => return report,
                Some(failed) => {
                    // The document may be half changed: it is made anew, without what it failed at.
                    let mut left_out = std::mem::take(&mut report.left_out);
                    left_out.insert(failed);
                    report = Self::without(number, left_out);
                }
            }
        }
    }

    /// Puts changes in; gives the one at which that failed.
    fn put_all(&mut self, new: &[(EntryId, &RoomEntry)]) -> Option<EntryId> {
        for (id, entry) in new {
            let Says::Typed { update, .. } = &entry.says else { continue };
            if !self.left_out.contains(id) && !self.is_full(update.len()) {
                if !self.put(update) {
                    return Some(*id);
                }
                self.taken += 1;
                self.bytes += update.len();
            }
            self.through = Some((entry.at, *id));
            self.looked_at += 1;
        }
        None
    }

    /// Whether a change was put in. What comes here was read by [`Update`], and `yrs` is not known to fail at such; a stranger's bytes
    /// shall not end the programme where it does.
    fn put(&self, update: &str) -> bool {
        let Ok(Update(bytes)) = Update::from_text(update) else { return false };
        let apply = || {
            let update = yrs::Update::decode_v1(&bytes).ok()?;
            self.document.transact_mut().apply_update(update).ok()
        };
        catch_unwind(AssertUnwindSafe(apply)).ok().flatten().is_some()
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> String {
        let read = || self.text.get_string(&self.document.transact());
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
    }

    /// What somebody lacks who knows what a state vector of Yjs says; all of it without one. An update of Yjs, version 1, in base64.
    ///
    /// # Errors
    /// [`NotAnUpdate`] where it is no state vector.
    pub fn lacking(&self, known: Option<&str>) -> Result<String, NotAnUpdate> {
        let state = known.map(state_vector).transpose()?.unwrap_or_default();
        let encode = || self.document.transact().encode_state_as_update_v1(&state);
        let update =
            catch_unwind(AssertUnwindSafe(encode)).map_err(|_| NotAnUpdate("it cannot be put together"))?;
        Ok(BASE64_STANDARD.encode(update))
    }
}

/// Whether an entry is a change of the report of this number.
fn is_change_of(entry: &RoomEntry, number: u16) -> bool {
    matches!(&entry.says, Says::Typed { report, .. } if *report == number)
}

/// What somebody says that it knows: by writer, how many letters.
fn state_vector(text: &str) -> Result<StateVector, NotAnUpdate> {
    if text.len() > STATE_BYTES_MAX {
        return Err(NotAnUpdate("what is known is told in 64 KiB"));
    }
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| NotAnUpdate("it is no base64"))?;
    let mut left = Bytes(&bytes);
    let mut known = Vec::new();
    for _ in 0..left.count()? {
        let writer = ClientID::new(left.number(NUMBER_MAX)?);
        let letters = u32::try_from(left.number(CLOCK_MAX)?).unwrap_or(u32::MAX);
        known.push((writer, letters));
    }
    if left.0.is_empty() {
        Ok(known.into_iter().collect())
    } else {
        Err(NotAnUpdate("something follows after its end"))
    }
}
