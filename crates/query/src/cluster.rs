//! A cluster of our own: a scheduler that plans and executors that read, both of Ballista with the lake's tables in them.
//!
//! Its ports know no authentication: whoever reaches one can have any Parquet file read that the processes may read.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::utils::default_session_builder;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;

use crate::codec::{RowCodec, TableCodec};
use crate::error::QueryError;
use crate::functions;
use crate::session::cluster_config;

/// After so many seconds without a sign of life an executor's work is given to others.
const LOST_SECONDS: u64 = 20;

/// Executors give a sign of life whenever they ask for work, several times a second; this is how often that is looked at.
const LOOKED_AT_SECONDS: u64 = 2;

/// Into how many parts a question is cut where the client does not say.
const PARTS: usize = 4;

/// Refuses an address that other machines reach, unless that is wanted.
///
/// # Errors
/// [`QueryError::Exposed`].
pub fn check_exposure(listen: SocketAddr, allow_network: bool) -> Result<(), QueryError> {
    if listen.ip().is_loopback() || allow_network { Ok(()) } else { Err(QueryError::Exposed(listen)) }
}

/// A session of Ballista with our functions.
fn state(config: SessionConfig) -> datafusion::common::Result<SessionState> {
    let mut state = default_session_builder(config)?;
    for function in functions::all() {
        state.register_udf(function)?;
    }
    Ok(state)
}

/// The address as it stands in front of a port.
fn host_of(address: SocketAddr) -> String {
    if address.is_ipv6() { format!("[{}]", address.ip()) } else { address.ip().to_string() }
}

fn failed(at: &str, cause: impl std::fmt::Display) -> QueryError {
    QueryError::Cluster { scheduler: at.to_owned(), what: cause.to_string() }
}

/// Plans what clients ask and gives the parts to executors, until it is dropped.
///
/// # Errors
/// It cannot begin, or its port failed.
pub async fn schedule(listener: TcpListener) -> Result<(), QueryError> {
    let address = listener.local_addr().map_err(|cause| failed("?", cause))?;
    let at = address.to_string();
    let config = SchedulerConfig {
        bind_host: host_of(address),
        bind_port: address.port(),
        external_host: host_of(address),
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: LOST_SECONDS,
        expire_dead_executor_interval_seconds: LOOKED_AT_SECONDS,
        no_executors_grace_period_seconds: LOST_SECONDS,
        override_logical_codec: Some(Arc::new(TableCodec::default())),
        override_physical_codec: Some(Arc::new(RowCodec::default())),
        override_session_builder: Some(Arc::new(state)),
        override_config_producer: Some(Arc::new(|| cluster_config(PARTS))),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(|cause| failed(&at, cause))?;
    let scheduler = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, Arc::new(config)).await;
    let scheduler = scheduler.map_err(|cause| failed(&at, cause))?;
    start_grpc_service_with_listener(listener, scheduler).await.map_err(|cause| failed(&at, cause))
}

/// What an executor is to be.
#[derive(Debug, Clone)]
pub struct Executor {
    /// Where the scheduler is.
    pub scheduler: (String, u16),
    /// Where clients and other executors fetch what it worked out; they must reach it there.
    pub listen: SocketAddr,
    /// How many parts it works on at once.
    pub threads: usize,
    /// The most memory for sorting, joining and grouping.
    pub memory_bytes: u64,
}

/// Works on what the scheduler gives, until the process is told to end. `work` holds what was worked out until it was fetched.
///
/// # Errors
/// The scheduler is not there, or the port is taken.
pub async fn execute(executor: &Executor, work: &Path) -> Result<(), QueryError> {
    let (host, port) = &executor.scheduler;
    let at = format!("{host}:{port}");
    let state = state(cluster_config(executor.threads)).map_err(|cause| failed(&at, cause))?;
    let config = ExecutorProcessConfig {
        bind_host: host_of(executor.listen),
        external_host: Some(host_of(executor.listen)),
        port: executor.listen.port(),
        scheduler_host: host.clone(),
        scheduler_port: *port,
        scheduler_connect_timeout_seconds: 10,
        vcores: executor.threads,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(work.to_string_lossy().into_owned()),
        job_data_ttl_seconds: 3600,
        job_data_clean_up_interval_seconds: 300,
        memory_pool_size: Some(executor.memory_bytes),
        override_function_registry: Some(Arc::new(BallistaFunctionRegistry::from(&state))),
        override_logical_codec: Some(Arc::new(TableCodec::default())),
        override_physical_codec: Some(Arc::new(RowCodec::default())),
        override_config_producer: Some(Arc::new(|| cluster_config(PARTS))),
        ..ExecutorProcessConfig::default()
    };
    start_executor_process(Arc::new(config)).await.map_err(|cause| failed(&at, cause))
}
