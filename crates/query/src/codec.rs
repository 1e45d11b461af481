//! Tables, rows and functions of ours in the messages of a cluster.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use lake::Lake;
use serde::{Deserialize, Serialize};

use crate::segments::absolute;
use crate::selection::SelectionExec;
use crate::tables::{LakeTable, View};

/// Tables, by the folder of their lake, which all machines reach by one name.
#[derive(Debug, Default)]
pub(crate) struct TableCodec(BallistaLogicalExtensionCodec);

#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    lake: PathBuf,
    table: String,
}

fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(cause))
}

impl LogicalExtensionCodec for TableCodec {
    fn try_decode(&self, bytes: &[u8], inputs: &[LogicalPlan], context: &TaskContext) -> Result<Extension> {
        self.0.try_decode(bytes, inputs, context)
    }

    fn try_encode(&self, node: &Extension, bytes: &mut Vec<u8>) -> Result<()> {
        self.0.try_encode(node, bytes)
    }

    fn try_decode_table_provider(
        &self,
        bytes: &[u8],
        _: &TableReference,
        _: SchemaRef,
        _: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        let sent: Sent = serde_json::from_slice(bytes).map_err(failed)?;
        let lake = Arc::new(Lake::open(&sent.lake).map_err(failed)?);
        let view = View::from_name(&sent.table)
            .ok_or_else(|| DataFusionError::Plan(format!("a lake has no table `{}`", sent.table)))?;
        Ok(Arc::new(LakeTable { lake, view, travels: true }))
    }

    fn try_encode_table_provider(
        &self,
        table: &TableReference,
        provider: Arc<dyn TableProvider>,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let any: &dyn Any = provider.as_ref();
        match any.downcast_ref::<LakeTable>() {
            Some(of_lake) => {
                let lake = absolute(of_lake.lake.root())?;
                let sent = Sent { lake, table: of_lake.view.name().to_owned() };
                bytes.extend(serde_json::to_vec(&sent).map_err(failed)?);
                Ok(())
            }
            None => self.0.try_encode_table_provider(table, provider, bytes),
        }
    }

    fn try_decode_file_format(
        &self,
        bytes: &[u8],
        context: &TaskContext,
    ) -> Result<Arc<dyn FileFormatFactory>> {
        self.0.try_decode_file_format(bytes, context)
    }

    fn try_encode_file_format(&self, bytes: &mut Vec<u8>, node: Arc<dyn FileFormatFactory>) -> Result<()> {
        self.0.try_encode_file_format(bytes, node)
    }
}

/// Scans with their rows.
#[derive(Debug, Default)]
pub(crate) struct RowCodec(BallistaPhysicalExtensionCodec);

/// No message of Ballista begins so: in Protocol Buffers it would be a field of a wire type that there is not.
const OURS: &[u8] = b"\xff\x07rows";

impl PhysicalExtensionCodec for RowCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (bytes.strip_prefix(OURS), inputs) {
            (Some(sent), [scan]) => SelectionExec::received(Arc::clone(scan), sent),
            _ => self.0.try_decode(bytes, inputs, context, converter),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        match node.downcast_ref::<SelectionExec>() {
            Some(selection) => {
                bytes.extend_from_slice(OURS);
                bytes.extend(selection.sent()?);
                Ok(())
            }
            None => self.0.try_encode(node, bytes, converter),
        }
    }
}
