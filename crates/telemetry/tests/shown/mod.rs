//! How the tests write a record down.

use std::fmt::Write;

use telemetry::Reader;

/// A record as `kind time protocol ports bytes`, then a line for each value.
pub(crate) fn shown(reader: &mut Reader, line: &str) -> String {
    let record = match reader.read(line.as_bytes()) {
        Ok(Some(record)) => record,
        Ok(None) => return "nothing".to_owned(),
        Err(why) => return why.code().to_owned(),
    };
    let time = record.time.map_or("-".to_owned(), |time| time.to_string());
    let mut text = format!(
        "{} {time} {} {:?} {:?} {:?}\n",
        record.kind,
        record.protocol.unwrap_or_default(),
        record.src_port,
        record.dst_port,
        record.bytes
    );
    for value in &record.values {
        writeln!(text, "{} {} {} {:?}", value.field, value.kind.name(), value.value, value.role).unwrap();
    }
    text
}
