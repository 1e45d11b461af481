//! Questions and their answers.

use std::sync::Arc;

use ballista_core::extension::{SessionConfigExt, SessionStateExt};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::{DFParser, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::Statement;
use futures::StreamExt;
use lake::Lake;

use crate::codec::{RowCodec, TableCodec};
use crate::error::QueryError;
use crate::functions;
use crate::tables::{LakeTable, View};

/// What a question may use of the machine.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The most memory that sorting, joining and grouping hold. Beyond it they write to the system's folder for temporary
    /// files, and what cannot is an error.
    pub memory_bytes: usize,
    /// The most bytes of temporary files.
    pub temporary_bytes: u64,
    /// How many threads work at once.
    pub threads: usize,
}

/// No question is longer. A thousand URLs are some hundred kilobytes.
const QUESTION_BYTES_MAX: usize = 8 << 20;

/// One lake with the tables `records` and `observables`, of which questions are asked.
pub struct Session {
    context: SessionContext,
    /// Where the scheduler is, on a cluster.
    scheduler: Option<String>,
}

/// An answer, which is worked out as it is read.
pub struct Answer {
    rows: SendableRecordBatchStream,
    scheduler: Option<String>,
}

impl Session {
    /// Answers in this process.
    ///
    /// # Errors
    /// The bounds leave nothing to work with.
    pub fn in_process(lake: Lake, bounds: &Bounds) -> Result<Self, QueryError> {
        let config = config(bounds.threads);
        let context = SessionContext::new_with_config_rt(config, runtime(bounds)?);
        Self::over(context, lake, None)
    }

    /// Answers on a cluster, whose machines reach the lake under the same path. `scheduler` is `HOST:PORT`.
    ///
    /// # Errors
    /// The bounds leave nothing to work with.
    pub fn on_cluster(lake: Lake, scheduler: &str, bounds: &Bounds) -> Result<Self, QueryError> {
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(cluster_config(bounds.threads))
            .with_runtime_env(runtime(bounds)?)
            .build()
            .upgrade_for_ballista(format!("http://{scheduler}"))
            .map_err(|error| QueryError::of(&error))?;
        Self::over(SessionContext::new_with_state(state), lake, Some(scheduler.to_owned()))
    }

    fn over(context: SessionContext, lake: Lake, scheduler: Option<String>) -> Result<Self, QueryError> {
        for function in functions::all() {
            context.register_udf(function.as_ref().clone());
        }
        let lake = Arc::new(lake);
        for view in View::ALL {
            let table = LakeTable { lake: Arc::clone(&lake), view, travels: false };
            context.register_table(view.name(), Arc::new(table)).map_err(|error| QueryError::of(&error))?;
        }
        Ok(Self { context, scheduler })
    }

    /// Asks a question: one statement that changes nothing.
    ///
    /// # Errors
    /// It is no question, is not understood, or no cluster answers.
    pub async fn ask(&self, question: &str) -> Result<Answer, QueryError> {
        is_question(question)?;
        let allowed =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let asked =
            self.context.sql_with_options(question, allowed).await.map_err(|error| QueryError::of(&error))?;
        let rows = asked.execute_stream().await.map_err(|error| of(&error, self.scheduler.as_deref()))?;
        Ok(Answer { rows, scheduler: self.scheduler.clone() })
    }
}

impl Answer {
    /// The columns.
    #[must_use]
    pub fn columns(&self) -> SchemaRef {
        self.rows.schema()
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// What was asked cannot be worked out.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let next = self.rows.next().await.transpose();
        next.map_err(|error| of(&error, self.scheduler.as_deref()))
    }
}

fn of(error: &datafusion::common::DataFusionError, scheduler: Option<&str>) -> QueryError {
    match (QueryError::of(error), scheduler) {
        (QueryError::Failed(what), Some(scheduler)) => {
            QueryError::Cluster { scheduler: scheduler.to_owned(), what }
        }
        (error, _) => error,
    }
}

/// What an analyst sees of it: names as they are written, times in UTC.
fn config(threads: usize) -> SessionConfig {
    SessionConfig::new().with_information_schema(true).with_target_partitions(threads)
}

/// The same on every machine of a cluster. A client says how many parts a question is cut into.
pub(crate) fn cluster_config(threads: usize) -> SessionConfig {
    SessionConfig::new_with_ballista()
        .with_information_schema(true)
        .with_target_partitions(threads)
        .with_ballista_logical_extension_codec(Arc::new(TableCodec::default()))
        .with_ballista_physical_extension_codec(Arc::new(RowCodec::default()))
}

fn runtime(bounds: &Bounds) -> Result<Arc<RuntimeEnv>, QueryError> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(bounds.memory_bytes)))
        .with_max_temp_directory_size(bounds.temporary_bytes)
        .build_arc()
        .map_err(|error| QueryError::of(&error))
}

/// Whether it is one statement that only asks.
fn is_question(question: &str) -> Result<(), QueryError> {
    if question.len() > QUESTION_BYTES_MAX {
        return Err(QueryError::TooLong(QUESTION_BYTES_MAX));
    }
    let parsed = DFParser::parse_sql(question).map_err(|error| QueryError::of(&error))?;
    match (parsed.front(), parsed.len()) {
        (Some(statement), 1) if only_asks(statement) => Ok(()),
        (Some(statement), 1) => Err(QueryError::NotAQuestion(first_words(&statement.to_string()))),
        (_, count) => Err(QueryError::HowMany(count)),
    }
}

fn only_asks(statement: &DfStatement) -> bool {
    match statement {
        DfStatement::Explain(explained) => only_asks(&explained.statement),
        DfStatement::Statement(plain) => matches!(
            **plain,
            Statement::Query(_)
                | Statement::ExplainTable { .. }
                | Statement::ShowTables { .. }
                | Statement::ShowColumns { .. }
                | Statement::ShowFunctions { .. }
                | Statement::ShowVariable { .. }
        ),
        _ => false,
    }
}

fn first_words(statement: &str) -> String {
    statement.split_whitespace().take(3).collect::<Vec<_>>().join(" ").chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(question: &str, expected: Result<(), &str>) {
        assert_eq!(is_question(question).map_err(|error| error.code()), expected, "{question}");
    }

    #[test]
    fn only_questions_are_answered() {
        for question in [
            "select 1",
            "WITH a AS (SELECT 1) SELECT * FROM a;",
            "EXPLAIN ANALYZE select 1",
            "show tables",
            "SHOW COLUMNS FROM records",
            "DESCRIBE records",
            "VALUES (1), (2)",
        ] {
            check(question, Ok(()));
        }
        for other in [
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "EXPLAIN COPY (SELECT 1) TO '/tmp/x.csv'",
            "INSERT INTO records SELECT * FROM records",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "DROP TABLE records",
            "DELETE FROM records",
            "UPDATE records SET line = 1",
            "SET datafusion.execution.batch_size = 1",
            "BEGIN",
            "PREPARE p AS SELECT 1",
        ] {
            check(other, Err("sql-not-a-question"));
        }
        check("select 1; select 2", Err("sql-how-many"));
        check("", Err("sql-how-many"));
        check("selekt 1", Err("sql-not-understood"));
        check(&" ".repeat(QUESTION_BYTES_MAX + 1), Err("sql-too-long"));
    }
}
