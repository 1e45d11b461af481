//! A stream that several edges read together: what a message gave is in the spool before it is acknowledged.

use async_nats::jetstream::Message;
use telemetry::Lines;

use super::{Pipeline, RETRY, Yield};
use crate::SpoolError;
use crate::config::Nats;
use crate::source::nats::Group;
use crate::source::tail::Stretch;
use crate::source::taken::Taken;
use crate::source::{Inlet, Mark, RECORD_BYTES_MAX};
use crate::spool::Position;

/// A message of a stream or a topic.
pub(super) struct Come<'m> {
    pub(super) body: &'m [u8],
    /// Its number there.
    pub(super) line: u64,
    pub(super) mark: Mark,
}

impl Pipeline<'_> {
    /// Matches messages of the stream, until the edge stops.
    pub(super) fn take_messages(&mut self, config: &Nats) -> Result<(), SpoolError> {
        let shared = self.shared;
        let Some(inlet) = shared.inlets.get(&self.source.name) else { return Ok(()) };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return Ok(()) };
        let mut position = shared.spool.position_of_row(&self.source.name)?;
        let mut taken = Taken::new(shared.spool.taken(&self.source.name)?);
        while !shared.is_stopping() {
            let mut group = match runtime.block_on(Group::join(config)) {
                Ok(group) => group,
                Err(error) => {
                    self.away(&error);
                    continue;
                }
            };
            shared.status.set_trouble_of(&self.source.name, "stream-away", false);
            while !shared.is_stopping() {
                self.tell();
                if self.must_wait()? {
                    std::thread::sleep(self.patience());
                    continue;
                }
                let done = match runtime.block_on(group.next()) {
                    Ok(messages) => {
                        let kept =
                            self.take_batch(config, &group, inlet, &messages, (&mut position, &mut taken))?;
                        if kept { runtime.block_on(group.acknowledge(&messages)) } else { Ok(()) }
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = done {
                    self.away(&error);
                    break;
                }
            }
        }
        Ok(())
    }

    pub(super) fn away(&self, error: &dyn std::fmt::Display) {
        self.shared.status.set_trouble_of(&self.source.name, "stream-away", true);
        tracing::warn!(source = self.source.name, %error, "the stream of records cannot be read");
        std::thread::sleep(RETRY);
    }

    /// Whether what the messages gave is kept, so that they can be acknowledged.
    fn take_batch(
        &mut self,
        config: &Nats,
        group: &Group,
        inlet: &Inlet,
        messages: &[Message],
        (position, taken): (&mut Position, &mut Taken),
    ) -> Result<bool, SpoolError> {
        let mut all = Yield::default();
        let mut keys = Vec::with_capacity(messages.len());
        for message in messages {
            let Ok(info) = message.info() else {
                inlet.counters.refused("message", 1);
                continue;
            };
            self.report.behind_messages = Some(info.pending);
            let key = group.key_of(info.stream_sequence);
            if !taken.is_new(key) {
                self.report.repeated += 1;
                continue;
            }
            keys.push(key);
            inlet.counters.received(1);
            let come = Come {
                body: &message.payload,
                line: info.stream_sequence,
                mark: Mark::Message { group_key: config.group_key, message: key },
            };
            all.add(self.take_message(inlet, &come, position));
        }
        if keys.is_empty() {
            return Ok(true);
        }
        self.note_lag(&all);
        let stored = self.store_all(position, &all, &keys)?;
        if !all.sightings.is_empty() {
            self.shared.spooled.notify_one();
        }
        Ok(stored)
    }

    /// What one message gave. One that cannot be read would be no better at another edge, so it is counted and done with.
    pub(super) fn take_message(&mut self, inlet: &Inlet, come: &Come<'_>, position: &mut Position) -> Yield {
        let lines = match Lines::of_body(come.body, RECORD_BYTES_MAX) {
            Ok(lines) => lines,
            Err(why) => {
                inlet.counters.refused(why.code(), 1);
                return Yield::default();
            }
        };
        for (why, count) in &lines.refused {
            inlet.counters.refused(why.code(), *count);
        }
        let stretch = Stretch {
            file: position.file,
            offset: position.position,
            line: come.line,
            bytes: lines.bytes,
            oversize: 0,
            mark: come.mark,
        };
        position.position += stretch.bytes.len() as u64;
        let found = self.scan(&stretch, &position.header);
        if let Some(scanner) = self.scanners.get(&stretch.file) {
            position.header.clone_from(&scanner.header);
        }
        found
    }
}

impl Yield {
    pub(super) fn add(&mut self, other: Self) {
        self.sightings.extend(other.sightings);
        self.ledger.extend(other.ledger);
        self.verdicts.extend(other.verdicts);
        for (indicator, held) in other.held {
            self.held.entry(indicator).and_modify(|known| *known = known.with(held)).or_insert(held);
        }
        for (id, selected) in other.selected {
            let known = self.selected.remove(&id);
            self.selected.insert(id, known.map_or_else(|| selected.clone(), |known| known.with(&selected)));
        }
        self.told.extend(other.told);
        self.newest = other.newest.or(self.newest);
    }
}
