//! Every byte of a lake read and held against its checksum.

use crate::error::LakeError;
use crate::manifest::{Lake, Segment};

impl Lake {
    /// Reads every file of the segments that count and holds it against the checksum that was taken when it was written; how many
    /// segments there are. `progress` is told how many are done with. What a hunt reads it checks by itself: this is for what no
    /// hunt reads, Parquet above all.
    ///
    /// # Errors
    /// The first file that is not what was written, or cannot be read.
    pub fn check(&self, progress: &mut dyn FnMut(u64)) -> Result<u64, LakeError> {
        let segments = self.segments();
        for (done, segment) in (1..).zip(segments) {
            self.check_segment(segment)?;
            progress(done);
        }
        Ok(segments.len() as u64)
    }

    fn check_segment(&self, segment: &Segment) -> Result<(), LakeError> {
        for (name, written) in segment.files() {
            if self.root.checksum(&name, written.bytes)? != written.checksum {
                let what = "it does not have the checksum that was taken when it was written";
                return Err(LakeError::damaged(&self.root.path(&name), what));
            }
        }
        Ok(())
    }
}
