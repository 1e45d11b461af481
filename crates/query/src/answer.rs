//! Rows as text, for people and for programs.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv::WriterBuilder;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::arrow::util::display::FormatOptions;
use datafusion::arrow::util::pretty::pretty_format_batches_with_options;

use crate::error::QueryError;

fn failed(cause: &datafusion::arrow::error::ArrowError) -> QueryError {
    QueryError::Failed(cause.to_string())
}

/// A table with frames. What would steer a terminal is shown as `�`: the values are strangers'.
///
/// # Errors
/// A value cannot be shown.
pub fn table(columns: &SchemaRef, rows: &[RecordBatch]) -> Result<String, QueryError> {
    let options = FormatOptions::default().with_null("");
    let empty = [RecordBatch::new_empty(SchemaRef::clone(columns))];
    let rows = if rows.is_empty() { &empty } else { rows };
    let table = pretty_format_batches_with_options(rows, &options).map_err(|cause| failed(&cause))?;
    Ok(table.to_string().chars().map(|c| if c != '\n' && steers(c) { '\u{fffd}' } else { c }).collect())
}

/// Control characters, and those that turn the direction of writing.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Comma-separated values (RFC 4180), with the names of the columns first where it says so.
///
/// # Errors
/// A column is a list or a structure, which such a line cannot hold.
pub fn csv(rows: &RecordBatch, named: bool) -> Result<Vec<u8>, QueryError> {
    let mut text = Vec::new();
    let mut writer = WriterBuilder::new().with_header(named).build(&mut text);
    writer.write(rows).map_err(|cause| failed(&cause))?;
    drop(writer);
    Ok(text)
}

/// One JSON object a line.
///
/// # Errors
/// A value cannot be shown.
pub fn json(rows: &RecordBatch) -> Result<Vec<u8>, QueryError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(rows).and_then(|()| writer.finish()).map_err(|cause| failed(&cause))?;
    Ok(writer.into_inner())
}
