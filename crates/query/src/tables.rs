//! The two tables of a lake.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{col, ident, lit};
use lake::Lake;

use crate::asked;
use crate::functions;
use crate::segments::{Chosen, table_schema, unqualified};

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// One row for each record.
    Records,
    /// One row for each record and each of its values that an index knows.
    Observables,
}

impl View {
    pub(crate) const ALL: [Self; 2] = [Self::Records, Self::Observables];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Observables => "observables",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }
}

/// A table over the segments that a lake's manifest names.
#[derive(Debug, Clone)]
pub(crate) struct LakeTable {
    pub(crate) lake: Arc<Lake>,
    pub(crate) view: View,
    /// Whether what reads it runs on other machines.
    pub(crate) travels: bool,
}

/// The columns of `records` that `observables` has as well.
const SHARED: [&str; 15] = [
    "time",
    "time_is_of_record",
    "source",
    "line",
    "position",
    "record",
    "protocol",
    "src_port",
    "dst_port",
    "bytes",
    "src_bytes",
    "dst_bytes",
    "http_method",
    "kind",
    "period",
];

static OBSERVABLES: LazyLock<SchemaRef> = LazyLock::new(|| {
    let records = table_schema();
    let shared = SHARED.iter().filter_map(|name| records.table_schema().field_with_name(name).ok().cloned());
    let own = ["src", "dst", "field", "value_kind", asked::VALUE, "written", "role"];
    let own = own.into_iter().map(|name| Field::new(name, DataType::Utf8, true));
    Arc::new(Schema::new(shared.chain(own).collect::<Vec<_>>()))
});

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        match self.view {
            View::Records => Arc::clone(table_schema().table_schema()),
            View::Observables => Arc::clone(&OBSERVABLES),
        }
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters choose what is read; DataFusion holds each row against them again.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match self.view {
            View::Records => {
                let chosen = Chosen::new(&self.lake, state, filters, Vec::new()).await?;
                chosen.plan(state, projection, filters, self.travels)
            }
            View::Observables => self.scan_observables(state, projection, filters).await,
        }
    }
}

impl LakeTable {
    async fn scan_observables(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let of_records: Vec<Expr> = filters.iter().filter(|filter| is_of_records(filter)).cloned().collect();
        let clauses = filters.iter().flat_map(asked::clauses).collect();
        let chosen = Chosen::new(&self.lake, state, &of_records, clauses).await?;
        let rows = ChosenRows { chosen, travels: self.travels };
        let schema = match projection {
            Some(indices) => OBSERVABLES.project(indices)?,
            None => Schema::clone(&OBSERVABLES),
        };
        let wanted: Vec<Expr> = schema.fields().iter().map(|field| ident(field.name())).collect();
        let mut plan = LogicalPlanBuilder::scan(ROWS, provider_as_source(Arc::new(rows)), None)?;
        for filter in of_records {
            plan = plan.filter(unqualified(filter)?)?;
        }
        let plan = plan
            .project(with_ends())?
            .unnest_column("observed")?
            .project(taken_apart())?
            .filter(ident(asked::VALUE).is_not_null())?
            .project(wanted)?
            .build()?;
        state.create_physical_plan(&plan).await
    }
}

/// The name of the chosen rows in a plan of ours.
const ROWS: &str = "rows";

/// Whether a filter is about a record, and not about one of its values.
fn is_of_records(filter: &Expr) -> bool {
    filter.column_refs().iter().all(|column| SHARED.contains(&column.name.as_str()))
}

fn shared() -> impl Iterator<Item = Expr> {
    SHARED.iter().map(|name| ident(*name))
}

/// The record, and the addresses of its two ends.
fn with_ends() -> Vec<Expr> {
    let end =
        |role: &str, name: &str| functions::address().call(vec![col("observed"), lit(role)]).alias(name);
    shared()
        .chain([end("source", "src"), end("destination", "dst"), col("observed").alias("observed")])
        .collect()
}

/// One value with its record.
fn taken_apart() -> Vec<Expr> {
    let part = |name: &str| get_field(col("observed"), ScalarValue::from(name));
    let told = functions::canonical().call(vec![part("kind"), part("value")]);
    shared()
        .chain([
            col("src"),
            col("dst"),
            part("field").alias("field"),
            part("kind").alias("value_kind"),
            told.alias(asked::VALUE),
            part("value").alias("written"),
            part("role").alias("role"),
        ])
        .collect()
}

/// Rows that were chosen already.
#[derive(Debug)]
struct ChosenRows {
    chosen: Chosen,
    travels: bool,
}

#[async_trait]
impl TableProvider for ChosenRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(table_schema().table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.chosen.plan(state, projection, filters, self.travels)
    }
}
