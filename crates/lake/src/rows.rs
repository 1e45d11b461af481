//! Observations as rows of columns, and back.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    BooleanBuilder, StringBuilder, TimestampNanosecondBuilder, UInt16Builder, UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampNanosecondType, UInt16Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, ListArray, RecordBatch, StringArray, StructArray,
    TimestampNanosecondArray, UInt16Array, UInt64Array,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, TimeUnit};
use jiff::Timestamp;
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

static VALUE_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    Fields::from(vec![text("field"), text("kind"), text("value"), text("role")])
});

/// The columns of every Parquet file of a lake.
pub(crate) static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let value = Field::new("element", DataType::Struct(VALUE_FIELDS.clone()), false);
    let column = |name: &str, kind: DataType, nullable| Field::new(name, kind, nullable);
    Arc::new(Schema::new(vec![
        column("time", time, false),
        column("time_is_of_record", DataType::Boolean, false),
        column("source", DataType::Utf8, false),
        column("line", DataType::UInt64, false),
        column("position", DataType::UInt64, false),
        column("record", DataType::Utf8, false),
        column("protocol", DataType::Utf8, true),
        column("src_port", DataType::UInt16, true),
        column("dst_port", DataType::UInt16, true),
        column("bytes", DataType::UInt64, true),
        column("src_bytes", DataType::UInt64, true),
        column("dst_bytes", DataType::UInt64, true),
        column("http_method", DataType::Utf8, true),
        column("observed", DataType::List(Arc::new(value)), false),
        column("text", DataType::Utf8, true),
    ]))
});

/// Where a record came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whence<'a> {
    pub(crate) source: &'a str,
    pub(crate) line: u64,
    pub(crate) offset: u64,
    /// When it was read, for a record without a time.
    pub(crate) read: Timestamp,
    pub(crate) text: Option<&'a str>,
}

/// Rows that are being collected.
#[derive(Default)]
pub(crate) struct Rows {
    time: TimestampNanosecondBuilder,
    time_is_of_record: BooleanBuilder,
    source: StringBuilder,
    line: UInt64Builder,
    offset: UInt64Builder,
    record: StringBuilder,
    protocol: StringBuilder,
    ports: [UInt16Builder; 2],
    bytes: [UInt64Builder; 3],
    http_method: StringBuilder,
    ends: Vec<i32>,
    field: StringBuilder,
    kind: StringBuilder,
    value: StringBuilder,
    role: StringBuilder,
    text: StringBuilder,
    times: Vec<i64>,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// The times of the rows in nanoseconds since 1970.
    pub(crate) fn times(&self) -> &[i64] {
        &self.times
    }

    pub(crate) fn push(&mut self, seen: &Observation<'_>, from: &Whence<'_>) {
        let time = nanoseconds(seen.time.unwrap_or(from.read));
        self.times.push(time);
        self.time.append_value(time);
        self.time_is_of_record.append_value(seen.time.is_some());
        self.source.append_value(from.source);
        self.line.append_value(from.line);
        self.offset.append_value(from.offset);
        self.record.append_value(&seen.kind);
        self.protocol.append_option(seen.protocol.as_deref());
        let [src_port, dst_port] = &mut self.ports;
        src_port.append_option(seen.src_port);
        dst_port.append_option(seen.dst_port);
        let [bytes, src_bytes, dst_bytes] = &mut self.bytes;
        bytes.append_option(seen.bytes);
        src_bytes.append_option(seen.src_bytes);
        dst_bytes.append_option(seen.dst_bytes);
        self.http_method.append_option(seen.http_method.as_deref());
        for value in &seen.values {
            self.field.append_value(&value.field);
            self.kind.append_value(value.kind.name());
            self.value.append_value(&value.value);
            self.role.append_value(role_name(value.role));
        }
        let end = self.ends.last().copied().unwrap_or(0);
        self.ends.push(end.saturating_add(i32::try_from(seen.values.len()).unwrap_or(i32::MAX)));
        self.text.append_option(from.text);
    }

    /// The rows as they came.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let values: Vec<ArrayRef> = vec![
            Arc::new(self.field.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.value.finish()),
            Arc::new(self.role.finish()),
        ];
        let values = StructArray::try_new(VALUE_FIELDS.clone(), values, None)?;
        let offsets: ScalarBuffer<i32> = [0].into_iter().chain(self.ends).collect();
        let DataType::List(element) = SCHEMA.field_with_name("observed")?.data_type() else {
            return Err(ArrowError::SchemaError("`observed` is no list".to_owned()));
        };
        let values =
            ListArray::try_new(Arc::clone(element), OffsetBuffer::new(offsets), Arc::new(values), None)?;
        let [src_port, dst_port] = &mut self.ports;
        let [bytes, src_bytes, dst_bytes] = &mut self.bytes;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.time.finish().with_timezone("UTC")),
            Arc::new(self.time_is_of_record.finish()),
            Arc::new(self.source.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.offset.finish()),
            Arc::new(self.record.finish()),
            Arc::new(self.protocol.finish()),
            Arc::new(src_port.finish()),
            Arc::new(dst_port.finish()),
            Arc::new(bytes.finish()),
            Arc::new(src_bytes.finish()),
            Arc::new(dst_bytes.finish()),
            Arc::new(self.http_method.finish()),
            Arc::new(values),
            Arc::new(self.text.finish()),
        ];
        RecordBatch::try_new(Arc::clone(&SCHEMA), columns)
    }
}

/// Nanoseconds since 1970; saturated.
pub(crate) fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}

pub(crate) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Destination => "destination",
        Role::Content => "content",
    }
}

fn role(name: &str) -> Role {
    match name {
        "source" => Role::Source,
        "destination" => Role::Destination,
        _ => Role::Content,
    }
}

/// Rows that were read.
pub(crate) struct ReadRows {
    time: TimestampNanosecondArray,
    time_is_of_record: BooleanArray,
    source: StringArray,
    line: UInt64Array,
    offset: UInt64Array,
    record: StringArray,
    protocol: StringArray,
    ports: [UInt16Array; 2],
    bytes: [UInt64Array; 3],
    http_method: StringArray,
    values: ListArray,
    field: StringArray,
    kind: StringArray,
    value: StringArray,
    role: StringArray,
    text: StringArray,
}

impl ReadRows {
    /// The columns of a batch; `None` where it has others.
    pub(crate) fn new(batch: &RecordBatch) -> Option<Self> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>().cloned();
        let count = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>().cloned();
        let port = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<UInt16Type>().cloned();
        let values = batch.column_by_name("observed")?.as_list_opt::<i32>()?.clone();
        let parts = values.values().as_struct_opt()?.clone();
        let part = |name: &str| parts.column_by_name(name)?.as_string_opt::<i32>().cloned();
        Some(Self {
            time: batch.column_by_name("time")?.as_primitive_opt::<TimestampNanosecondType>()?.clone(),
            time_is_of_record: batch.column_by_name("time_is_of_record")?.as_boolean_opt()?.clone(),
            source: text("source")?,
            line: count("line")?,
            offset: count("position")?,
            record: text("record")?,
            protocol: text("protocol")?,
            ports: [port("src_port")?, port("dst_port")?],
            bytes: [count("bytes")?, count("src_bytes")?, count("dst_bytes")?],
            http_method: text("http_method")?,
            field: part("field")?,
            kind: part("kind")?,
            value: part("value")?,
            role: part("role")?,
            text: text("text")?,
            values,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.time.len()
    }

    /// Nanoseconds since 1970.
    pub(crate) fn time(&self, row: usize) -> i64 {
        self.time.value(row)
    }

    pub(crate) fn source(&self, row: usize) -> &str {
        self.source.value(row)
    }

    pub(crate) fn line(&self, row: usize) -> u64 {
        self.line.value(row)
    }

    pub(crate) fn offset(&self, row: usize) -> u64 {
        self.offset.value(row)
    }

    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        self.text.is_valid(row).then(|| self.text.value(row))
    }

    /// The record as it was read from its source.
    pub(crate) fn observation(&self, row: usize) -> Observation<'_> {
        let is_set = |column: &StringArray| column.is_valid(row);
        let [src_port, dst_port] = &self.ports;
        let [bytes, src_bytes, dst_bytes] = &self.bytes;
        let port = |column: &UInt16Array| column.is_valid(row).then(|| column.value(row));
        let count = |column: &UInt64Array| column.is_valid(row).then(|| column.value(row));
        let offsets = self.values.value_offsets();
        let end = |at: usize| offsets.get(at).and_then(|end| usize::try_from(*end).ok()).unwrap_or(0);
        Observation {
            time: self.time_is_of_record.value(row).then(|| timestamp(self.time(row))),
            kind: self.record.value(row).into(),
            protocol: is_set(&self.protocol).then(|| self.protocol.value(row).into()),
            src_port: port(src_port),
            dst_port: port(dst_port),
            bytes: count(bytes),
            src_bytes: count(src_bytes),
            dst_bytes: count(dst_bytes),
            http_method: is_set(&self.http_method).then(|| self.http_method.value(row).into()),
            values: (end(row)..end(row + 1)).filter_map(|at| self.observed(at)).collect(),
        }
    }

    /// `None` for a kind that a later version wrote.
    fn observed(&self, at: usize) -> Option<Observed<'_>> {
        Some(Observed {
            field: Cow::Borrowed(self.field.value(at)),
            kind: ValueKind::from_name(self.kind.value(at))?,
            value: Cow::Borrowed(self.value.value(at)),
            role: role(self.role.value(at)),
        })
    }
}
