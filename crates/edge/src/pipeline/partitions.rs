//! Partitions that several edges share: what a message gave is in the spool before its offset is committed.

use std::collections::{HashMap, HashSet};

use super::group::Come;
use super::{Pipeline, Yield};
use crate::SpoolError;
use crate::config::Kafka;
use crate::source::journal::Key;
use crate::source::kafka::{Away, Batch, Group, key_of};
use crate::source::{Inlet, Mark};
use crate::spool::{Position, Reach};

/// How far the partitions were read, as the spool keeps it.
struct Reading {
    position: Position,
    reaches: HashMap<Key, Reach>,
}

impl Pipeline<'_> {
    /// Matches messages of the topics, until the edge stops.
    pub(super) fn take_partitions(&mut self, config: &Kafka) -> Result<(), SpoolError> {
        let shared = self.shared;
        let Some(inlet) = shared.inlets.get(&self.source.name) else { return Ok(()) };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return Ok(()) };
        let known = shared.spool.reaches(&self.source.name)?;
        let mut reading = Reading {
            position: shared.spool.position_of_row(&self.source.name)?,
            reaches: known.into_iter().map(|reach| (reach.place, reach)).collect(),
        };
        while !shared.is_stopping() {
            let mut group = match runtime.block_on(Group::join(config)) {
                Ok(group) => group,
                Err(error) => {
                    self.away(&error);
                    continue;
                }
            };
            let ended = self.take_from(&mut group, &runtime, inlet, config, &mut reading);
            runtime.block_on(group.leave());
            ended?;
        }
        Ok(())
    }

    /// Until this membership is of no use any more.
    fn take_from(
        &mut self,
        group: &mut Group,
        runtime: &tokio::runtime::Handle,
        inlet: &Inlet,
        config: &Kafka,
        reading: &mut Reading,
    ) -> Result<(), SpoolError> {
        let mut is_owed = false;
        while !self.shared.is_stopping() {
            // Held and not left alone: who does not ask for messages loses the partitions.
            runtime.block_on(group.hold(self.must_wait()?));
            let done = match runtime.block_on(group.next()) {
                Ok(batch) => {
                    let has_come = !batch.records.is_empty() || batch.damaged > 0;
                    if has_come && !self.take_records(config, group, inlet, &batch, reading)? {
                        // The edge stops. A commit would tell of these messages, too.
                        return Ok(());
                    }
                    is_owed |= has_come;
                    if is_owed { runtime.block_on(group.commit()) } else { Ok(()) }
                }
                Err(error) => Err(error),
            };
            is_owed &= done.is_err();
            let (all, partitions) = runtime.block_on(group.behind());
            (self.report.behind_messages, self.report.partitions) = (Some(all), partitions);
            self.tell();
            match done {
                Ok(()) => self.shared.status.set_trouble_of(&self.source.name, "stream-away", false),
                Err(error) => {
                    self.away(&error);
                    if matches!(error, Away::Ended(_)) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether what the messages gave is kept, so that their offsets can be committed.
    fn take_records(
        &mut self,
        config: &Kafka,
        group: &Group,
        inlet: &Inlet,
        batch: &Batch,
        reading: &mut Reading,
    ) -> Result<bool, SpoolError> {
        inlet.counters.dropped("damaged", batch.damaged);
        let mut all = Yield::default();
        let mut moved = HashSet::new();
        for record in &batch.records {
            let place = group.place_of(record);
            let reach = reading.reaches.entry(place).or_insert_with(|| Reach::none(place));
            if !reach.is_new(record.offset, record.leader_epoch) {
                self.report.repeated += 1;
                continue;
            }
            moved.insert(place);
            inlet.counters.received(1);
            let Some(value) = &record.value else {
                inlet.counters.refused("tombstone", 1);
                continue;
            };
            let come = Come {
                body: value,
                line: record.offset.cast_unsigned(),
                mark: Mark::Message { group_key: config.group_key, message: key_of(place, record.offset) },
            };
            all.add(self.take_message(inlet, &come, &mut reading.position));
        }
        if moved.is_empty() {
            return Ok(true);
        }
        self.note_lag(&all);
        let reaches: Vec<Reach> =
            moved.iter().filter_map(|place| reading.reaches.get(place).copied()).collect();
        let stored = self.store_kept(&reading.position, &all, &[], &reaches)?;
        if !all.sightings.is_empty() {
            self.shared.spooled.notify_one();
        }
        Ok(stored)
    }
}
