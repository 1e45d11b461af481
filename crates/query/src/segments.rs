//! The segments of a lake as rows for DataFusion: Parquet files and which of their rows to read.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, StringArray, TimestampNanosecondArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DataFusionError, Result, ScalarValue, ToDFSchema};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::object_store::path::Path;
use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use lake::{Lake, Lookup, Segment};
use matcher::Sought;

use crate::selection::SelectionExec;

/// The kind and the period of a segment, which stand in the names of its folders.
const OF_SEGMENT: [&str; 2] = ["kind", "period"];

/// The columns of `records`: those of the files, and what a segment is of.
pub(crate) fn table_schema() -> TableSchema {
    let of_segment = OF_SEGMENT.map(|name| Arc::new(Field::new(name, DataType::Utf8, false)));
    TableSchema::builder(lake::columns()).with_table_partition_cols(of_segment.to_vec()).build()
}

/// Some rows of a lake.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    lake: Arc<Lake>,
    segments: Vec<(Segment, Rows)>,
}

#[derive(Debug, Clone)]
enum Rows {
    All,
    /// Counted from 0, in rising order.
    These(Vec<u32>),
}

impl Chosen {
    /// The rows that may satisfy the filters, as far as times, kinds and periods tell, and that show something of each clause.
    pub(crate) async fn new(
        lake: &Arc<Lake>,
        state: &dyn Session,
        filters: &[Expr],
        clauses: Vec<Vec<Sought>>,
    ) -> Result<Self> {
        let predicate = physical(state, filters)?;
        let within = within(lake.segments(), predicate)?;
        let lake = Arc::clone(lake);
        let looked_up = tokio::task::spawn_blocking(move || {
            let lookups: Vec<Lookup> = clauses.iter().map(Lookup::new).collect();
            let segments = lake.segments().iter().zip(within).filter(|(_, within)| *within);
            let chosen = segments.filter_map(|(segment, _)| choose(&lake, segment, &lookups).transpose());
            let segments = chosen.collect::<Result<Vec<_>>>()?;
            Ok(Self { lake, segments })
        });
        looked_up.await.map_err(external)?
    }

    /// Reads them. Where the plan is for other machines, the rows travel with it.
    pub(crate) fn plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        travels: bool,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let table = table_schema();
        if self.segments.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(table.table_schema().project(columns)?),
                None => Arc::clone(table.table_schema()),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let files = self.segments.iter().map(|(segment, rows)| self.file(segment, rows));
        let files = files.collect::<Result<Vec<_>>>()?;
        let mut source = ParquetSource::new(table).with_enable_page_index(true);
        if let Some(predicate) = physical(state, filters)? {
            source = source.with_predicate(predicate);
        }
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .build();
        let plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(scan);
        Ok(if travels { SelectionExec::over(plan) } else { plan })
    }

    fn file(&self, segment: &Segment, rows: &Rows) -> Result<PartitionedFile> {
        let path = absolute(&self.lake.parquet_path(segment))?;
        let mut file = PartitionedFile::new("", segment.parquet_bytes);
        // Made from a text it would have other letters than the file's name.
        file.object_meta.location = Path::from_absolute_path(path).map_err(external)?;
        let of_segment = [segment.kind.clone(), period(segment)].map(ScalarValue::from);
        let file = file.with_partition_values(of_segment.to_vec());
        Ok(match rows {
            Rows::All => file,
            Rows::These(rows) => file.with_extension(ParquetRowSelection::new(selection(rows, segment.rows))),
        })
    }
}

/// The path from the root, without parts that lead upwards; symbolic links stay, since other machines may have them elsewhere.
pub(crate) fn absolute(path: &std::path::Path) -> std::io::Result<std::path::PathBuf> {
    let upwards = path.components().any(|part| part == std::path::Component::ParentDir);
    if upwards { std::fs::canonicalize(path) } else { std::path::absolute(path) }
}

fn external(cause: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(cause))
}

fn period(segment: &Segment) -> String {
    segment.period().map(|period| period.to_string()).unwrap_or_default()
}

fn selection(rows: &[u32], end: u32) -> RowSelection {
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut next = 0_u32;
    for row in rows {
        let skipped = row.saturating_sub(next) as usize;
        match selectors.last_mut() {
            Some(last) if skipped == 0 && !last.skip => last.row_count += 1,
            _ => selectors.extend([RowSelector::skip(skipped), RowSelector::select(1)]),
        }
        next = row.saturating_add(1);
    }
    selectors.push(RowSelector::skip(end.saturating_sub(next) as usize));
    selectors.retain(|selector| selector.row_count > 0);
    selectors.into()
}

/// What to read of a segment; `None`: nothing.
fn choose(lake: &Lake, segment: &Segment, lookups: &[Lookup]) -> Result<Option<(Segment, Rows)>> {
    let mut chosen: Option<Vec<u32>> = None;
    for lookup in lookups {
        let showing = lake.rows_showing(segment, lookup).map_err(external)?;
        chosen = Some(match chosen {
            Some(before) => before.into_iter().filter(|row| showing.binary_search(row).is_ok()).collect(),
            None => showing,
        });
        if chosen.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
    }
    Ok(Some((segment.clone(), chosen.map_or(Rows::All, Rows::These))))
}

/// The filters as one expression over the columns of `records`; `None` where there is none.
fn physical(state: &dyn Session, filters: &[Expr]) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let schema = Arc::clone(table_schema().table_schema()).to_dfschema()?;
    let all = conjunction(filters.iter().cloned().map(unqualified).collect::<Result<Vec<_>>>()?);
    all.map(|all| state.create_physical_expr(all, &schema)).transpose()
}

/// Without the name that a query gave the table.
pub(crate) fn unqualified(filter: Expr) -> Result<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let plain = filter.transform(|expression| {
        Ok(match expression {
            Expr::Column(column) if column.relation.is_some() => {
                Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(plain.data)
}

/// For each segment whether any of its rows may satisfy the predicate, as far as the manifest tells.
fn within(segments: &[Segment], predicate: Option<Arc<dyn PhysicalExpr>>) -> Result<Vec<bool>> {
    let Some(predicate) = predicate else { return Ok(vec![true; segments.len()]) };
    let schema: SchemaRef = Arc::clone(table_schema().table_schema());
    let pruning = PruningPredicateBuilder::new().with_file_schema(schema).try_build(predicate)?;
    pruning.prune(&Manifest(segments))
}

/// What the manifest tells of its segments.
struct Manifest<'s>(&'s [Segment]);

impl Manifest<'_> {
    fn times(&self, of: fn(&Segment) -> i64) -> ArrayRef {
        let times: TimestampNanosecondArray = self.0.iter().map(|segment| Some(of(segment))).collect();
        Arc::new(times.with_timezone("UTC"))
    }

    fn texts(&self, of: fn(&Segment) -> String) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(self.0.iter().map(of)))
    }

    fn values(&self, column: &Column, time: fn(&Segment) -> i64) -> Option<ArrayRef> {
        match column.name.as_str() {
            "time" => Some(self.times(time)),
            "kind" => Some(self.texts(|segment| segment.kind.clone())),
            "period" => Some(self.texts(period)),
            _ => None,
        }
    }
}

impl PruningStatistics for Manifest<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |segment| segment.from)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |segment| segment.until)
    }

    fn num_containers(&self) -> usize {
        self.0.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.0.iter().map(|segment| u64::from(segment.rows)))))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
