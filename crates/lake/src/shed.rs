//! The oldest segments taken out so that a lake stays within a size.

use jiff::Timestamp;

use crate::error::LakeError;
use crate::manifest::{self, Segment};
use crate::writer::Writer;

impl Writer {
    /// Takes out whole segments, the one whose last record is oldest first, until the rest has no more bytes than this; how
    /// many records went. What is in use of the disk may be more for some minutes: segments that compaction replaced are
    /// removed only then. Everything that was pushed is to be committed before.
    ///
    /// # Errors
    /// The files cannot be written or removed.
    pub fn shed(&mut self, bytes_max: u64, now: Timestamp) -> Result<u64, LakeError> {
        let bytes = |segment: &Segment| segment.parquet_bytes + segment.index_bytes;
        let mut held: u64 = self.manifest.segments.iter().map(bytes).sum();
        let mut oldest: Vec<Segment> = self.manifest.segments.clone();
        oldest.sort_by_key(|segment| (segment.until, segment.number));
        let mut gone = Vec::new();
        for segment in oldest {
            if held <= bytes_max {
                break;
            }
            held -= bytes(&segment);
            gone.push(segment);
        }
        if gone.is_empty() {
            return Ok(0);
        }
        for segment in &gone {
            self.manifest.retire(segment.number, now);
        }
        let stems: Vec<String> = gone.iter().map(Segment::stem).collect();
        self.manifest.retired.retain(|it| !stems.contains(&it.stem));
        self.manifest.commit(&self.root, now)?;
        stems.iter().try_for_each(|stem| manifest::remove(&self.root, stem))?;
        Ok(gone.iter().map(|segment| u64::from(segment.rows)).sum())
    }
}

#[cfg(test)]
mod tests {
    use telemetry::Observation;

    use super::*;
    use crate::writer::{Contents, Limits, Origin};

    #[test]
    fn the_oldest_go_until_the_rest_fits() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(folder.path(), Contents::Mechanical, Limits::default()).unwrap();
        let at = |day: i8| format!("2026-11-{day:02}T10:00:00Z").parse::<Timestamp>().unwrap();
        for day in 1..=3 {
            let record = Observation { time: Some(at(day)), kind: "flow".into(), ..Observation::default() };
            let origin = Origin { source: "s", line: 1, offset: 0, read: at(day), text: b"" };
            writer.push(&record, &origin).unwrap();
        }
        writer.commit(&[], at(4)).unwrap();
        let sizes: Vec<u64> = writer.segments().iter().map(|it| it.parquet_bytes + it.index_bytes).collect();
        assert_eq!(writer.shed(sizes.iter().sum(), at(4)).unwrap(), 0);
        assert_eq!(writer.shed(sizes.iter().sum::<u64>() - 1, at(4)).unwrap(), 1);
        let first = writer.segments().first().unwrap();
        assert_eq!((writer.segments().len(), first.from), (2, crate::columns::nanoseconds(at(2))));
        drop(writer);
        let lake = crate::Lake::open(folder.path()).unwrap();
        assert!(lake.segments().iter().all(|it| lake.parquet_path(it).exists()));
        assert!(!folder.path().join("kind=flow/period=2026-11-01T10").exists());
    }
}
