//! Which rows of which file to read, sent to another machine.
//!
//! The form in which DataFusion sends a plan knows files and not their rows. A [`SelectionExec`] stands above the scan where a
//! plan is to travel, and does nothing but to put the rows beside it; on arrival they are given back to the files.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

/// A scan whose rows travel with it.
#[derive(Debug)]
pub(crate) struct SelectionExec {
    scan: Arc<dyn ExecutionPlan>,
}

/// The most bytes that rows may take in a plan, whose message is bounded. Beyond them whole files are read, with the same answer.
const SENT_BYTES_MAX: usize = 4 << 20;

/// For each file, how many rows to pass over and to read, in turn.
type Sent = Vec<(String, Vec<usize>)>;

impl SelectionExec {
    pub(crate) fn over(scan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { scan })
    }

    /// What is sent beside the scan.
    pub(crate) fn sent(&self) -> Result<Vec<u8>> {
        let mut sent = Sent::new();
        self.scan.apply(|node| {
            let files = config(node).into_iter().flat_map(|it| &it.file_groups).flat_map(FileGroup::files);
            for file in files {
                let Some(rows) = file.extension::<ParquetRowSelection>() else { continue };
                sent.push((file.path().to_string(), in_turn(rows.selection())));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        // A file that is read in parts is there once for each.
        sent.sort_unstable();
        sent.dedup();
        let bytes = serde_json::to_vec(&sent).map_err(|cause| DataFusionError::External(Box::new(cause)))?;
        Ok(if bytes.len() <= SENT_BYTES_MAX { bytes } else { b"[]".to_vec() })
    }

    /// Gives what was sent back to the files of the scan.
    pub(crate) fn received(scan: Arc<dyn ExecutionPlan>, sent: &[u8]) -> Result<Arc<dyn ExecutionPlan>> {
        let sent: Sent =
            serde_json::from_slice(sent).map_err(|cause| DataFusionError::External(Box::new(cause)))?;
        let rows: HashMap<String, RowSelection> =
            sent.into_iter().map(|(path, counts)| (path, selection(&counts))).collect();
        let whole = scan.transform_down(|node| {
            let Some(config) = config(&node) else { return Ok(Transformed::no(node)) };
            let groups = config.file_groups.iter().map(|group| with_rows(group, &rows)).collect();
            let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build();
            Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
        })?;
        Ok(whole.data)
    }
}

fn config(node: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    node.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()
}

fn with_rows(group: &FileGroup, rows: &HashMap<String, RowSelection>) -> FileGroup {
    let files = group.files().iter().map(|file| match rows.get(file.path().as_ref()) {
        Some(rows) => file.clone().with_extension(ParquetRowSelection::new(rows.clone())),
        None => file.clone(),
    });
    FileGroup::new(files.collect())
}

/// How many rows are passed over and read in turn, passed over first.
fn in_turn(rows: &RowSelection) -> Vec<usize> {
    let mut counts = vec![0];
    let mut skips = true;
    for selector in rows.iter() {
        if selector.skip != skips {
            counts.push(0);
            skips = selector.skip;
        }
        if let Some(last) = counts.last_mut() {
            *last += selector.row_count;
        }
    }
    counts
}

fn selection(counts: &[usize]) -> RowSelection {
    let selectors = counts.iter().zip([true, false].into_iter().cycle());
    let selectors = selectors.filter(|(count, _)| **count > 0);
    selectors.map(|(count, skip)| RowSelector { row_count: *count, skip }).collect::<Vec<_>>().into()
}

impl DisplayAs for SelectionExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SelectionExec")
    }
}

impl ExecutionPlan for SelectionExec {
    fn name(&self) -> &'static str {
        "SelectionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.scan]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(scan), true) => Ok(Self::over(scan)),
            _ => datafusion::common::internal_err!("a selection stands above one scan"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.scan.execute(partition, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_they_were_after_the_journey() {
        for counts in [vec![0, 1], vec![3, 1, 7], vec![131_072, 2, 1, 1]] {
            let rows = selection(&counts);
            assert_eq!(in_turn(&rows), counts);
            assert_eq!(selection(&in_turn(&rows)), rows);
        }
    }
}
