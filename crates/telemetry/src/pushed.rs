//! What a sender packed many records into, taken apart into lines: bodies that log shippers push, and messages of a queue.
//!
//! Vector sends lines of JSON or one array; Fluent Bit an array, lines, or objects one after another (`json`, `json_lines`,
//! `json_stream`); both may wrap the line of a log in an object of their own. Elasticsearch's bulk form
//! (<https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk>) has a line before each document.

use std::collections::BTreeMap;
use std::fmt;

use memchr::memmem;
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sonic_rs::{JsonValueTrait, LazyValue};

use crate::{Format, Unreadable, detect, json, sniff};

/// The records of one body, each a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines, each with its newline.
    pub bytes: Vec<u8>,
    /// How many they are.
    pub count: u64,
    /// What was left out, by reason.
    pub refused: BTreeMap<Unreadable, u64>,
}

impl Lines {
    /// Takes apart a body: an array of objects, objects one after another with or without line ends between them, or lines.
    ///
    /// # Errors
    /// An array that is no JSON or is cut off: where its records end is then not known, and nothing of it is taken.
    pub fn of_body(body: &[u8], record_bytes_max: usize) -> Result<Self, Unreadable> {
        let mut lines = Self::default();
        match body.trim_ascii_start().first() {
            Some(b'[') => lines.add_array(body, record_bytes_max)?,
            Some(b'{') => {
                let mut whole = Self::default();
                match whole.add_stream(body, record_bytes_max) {
                    Ok(()) => lines = whole,
                    // Torn somewhere: then a line is a record, and the torn ones do no harm to the others.
                    Err(_) => lines.add_each_line(body, record_bytes_max),
                }
            }
            _ => lines.add_each_line(body, record_bytes_max),
        }
        Ok(lines)
    }

    /// Takes apart a body of Elasticsearch's bulk form: the documents without the lines before them, and what each line before
    /// asked for, in their order.
    ///
    /// # Errors
    /// A line that should say what to do and does not.
    pub fn of_bulk(body: &[u8], record_bytes_max: usize) -> Result<(Self, Vec<BulkAction>), Unreadable> {
        let mut lines = Self::default();
        let mut actions = Vec::new();
        let mut rest = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        while let Some(line) = rest.next() {
            let action = BulkAction::parse(line)?;
            actions.push(action);
            if action != BulkAction::Delete {
                let document = rest.next().ok_or(Unreadable::CutOff)?;
                if action != BulkAction::Update {
                    lines.add_record(document, record_bytes_max);
                }
            }
        }
        Ok((lines, actions))
    }

    fn add_array(&mut self, body: &[u8], record_bytes_max: usize) -> Result<(), Unreadable> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let read = reader.deserialize_seq(EachRecord { lines: self, record_bytes_max });
        read.and_then(|()| reader.end()).map_err(|error| reason(&error))
    }

    fn add_stream(&mut self, body: &[u8], record_bytes_max: usize) -> Result<(), Unreadable> {
        for record in serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>() {
            self.add_record(record.map_err(|error| reason(&error))?.get().as_bytes(), record_bytes_max);
        }
        Ok(())
    }

    fn add_each_line(&mut self, body: &[u8], record_bytes_max: usize) {
        for line in body.split(|byte| *byte == b'\n') {
            match line.trim_ascii_start().first() {
                None => {}
                Some(b'{') => self.add_records_of_line(line, record_bytes_max),
                Some(_) => self.add_line(line, record_bytes_max),
            }
        }
    }

    /// Whole objects, and from where the line is torn on the rest, of which its reader says what is wrong.
    fn add_records_of_line(&mut self, line: &[u8], record_bytes_max: usize) {
        let mut records = serde_json::Deserializer::from_slice(line).into_iter::<&RawValue>();
        while let Some(Ok(record)) = records.next() {
            self.add_record(record.get().as_bytes(), record_bytes_max);
        }
        let rest = line.get(records.byte_offset()..).unwrap_or_default();
        self.add_line(rest.trim_ascii_start(), record_bytes_max);
    }

    /// An object: the line that is in it, where it is only the wrapping of one.
    fn add_record(&mut self, record: &[u8], record_bytes_max: usize) {
        if !record.trim_ascii_start().starts_with(b"{") {
            return self.refuse(Unreadable::OtherFormat);
        }
        match wrapped_line(record) {
            Some(line) => self.add_line(line.as_bytes(), record_bytes_max),
            None => self.add_line(record, record_bytes_max),
        }
    }

    /// One record as one line: line ends within it are between the members of an object, or part a text that is one message.
    fn add_line(&mut self, line: &[u8], record_bytes_max: usize) {
        let line = line.trim_ascii_end();
        if line.len() > record_bytes_max {
            return self.refuse(Unreadable::TooLong);
        }
        if line.is_empty() {
            return;
        }
        self.bytes.extend(line.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
        self.bytes.push(b'\n');
        self.count += 1;
    }

    fn refuse(&mut self, why: Unreadable) {
        *self.refused.entry(why).or_default() += 1;
    }
}

/// What a line of a bulk body asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkAction {
    /// To keep the document of the next line.
    Index,
    /// The same, where there is none of its name.
    Create,
    /// To change a document: its next line is no whole record and is passed over.
    Update,
    /// To remove a document; no line follows.
    Delete,
}

impl BulkAction {
    /// The name in requests and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn parse(line: &[u8]) -> Result<Self, Unreadable> {
        let object = json::object(line)?;
        let (name, _) = object
            .into_object_iter()
            .and_then(|mut members| members.next()?.ok())
            .ok_or(Unreadable::OtherFormat)?;
        let name: &str = &name;
        [Self::Index, Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|action| action.name() == name)
            .ok_or(Unreadable::OtherFormat)
    }
}

/// The line of a log that a shipper wrapped in an object of its own. A record that is one of ours by itself is none.
fn wrapped_line(record: &[u8]) -> Option<String> {
    /// Where shippers keep the line: Fluent Bit (files, containers), Vector and Beats, the systemd journal.
    const LINE_MEMBERS: [&str; 3] = ["log", "message", "MESSAGE"];
    if !LINE_MEMBERS.iter().any(|name| memmem::find(record, name.as_bytes()).is_some()) {
        return None;
    }
    let object = json::object(record).ok()?;
    if !matches!(sniff::format_of(object.clone()), None | Some(Format::Ecs)) {
        return None;
    }
    let mut line: Option<(String, bool)> = None;
    let mut shipper = false;
    for (name, value) in object.into_object_iter()?.flatten() {
        let name: &str = &name;
        // Vector says what each event came from; Fluent Bit says when, in seconds.
        shipper |= (name == "source_type" && value.is_str()) || (name == "date" && value.is_number());
        if LINE_MEMBERS.contains(&name) {
            line = line.or_else(|| Some((text_of(&value)?, name != "message")));
        }
    }
    let (line, certain) = line?;
    let holds_a_record = line.trim_start().starts_with('{') && detect(line.as_bytes()).is_some();
    (certain || shipper || holds_a_record).then_some(line)
}

fn text_of(value: &LazyValue<'_>) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn reason(error: &serde_json::Error) -> Unreadable {
    if error.is_eof() { Unreadable::CutOff } else { Unreadable::NotJson }
}

/// Adds each member of an array as it is read, so that an array of many small members takes no more than its lines.
struct EachRecord<'l> {
    lines: &'l mut Lines,
    record_bytes_max: usize,
}

impl<'de> Visitor<'de> for EachRecord<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(record) = members.next_element_seed(Raw)? {
            self.lines.add_record(record.get().as_bytes(), self.record_bytes_max);
        }
        Ok(())
    }
}

struct Raw;

impl<'de> DeserializeSeed<'de> for Raw {
    type Value = &'de RawValue;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        serde::Deserialize::deserialize(reader)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BulkAction, Lines};
    use crate::Unreadable;

    const RECORD_BYTES_MAX: usize = 100;

    fn check(body: &str, expected: &[&str]) {
        let lines = Lines::of_body(body.as_bytes(), RECORD_BYTES_MAX).unwrap();
        let text = String::from_utf8(lines.bytes).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{body}");
        assert_eq!(lines.count as usize, expected.len(), "{body}");
    }

    #[test]
    fn every_form_gives_its_records() {
        let expected = [r#"{"a":1}"#, r#"{"b":{"c":2}}"#];
        check("{\"a\":1}\n{\"b\":{\"c\":2}}\n", &expected);
        check("{\"a\":1}\r\n\r\n{\"b\":{\"c\":2}}", &expected);
        check("[{\"a\":1},{\"b\":{\"c\":2}}]", &expected);
        check(" [\n{\"a\":1} , {\"b\":{\"c\":2}}\n]\n", &expected);
        check("{\"a\":1}{\"b\":{\"c\":2}}", &expected);
        check("{\n\"a\": 1\n}\n{}", &[r#"{ "a": 1 }"#, "{}"]);
        check("<13>1 - - - - - - hello\nplain\n", &["<13>1 - - - - - - hello", "plain"]);
        check("", &[]);
        check("[]", &[]);
    }

    #[test]
    fn torn_lines_do_no_harm_and_torn_arrays_give_nothing() {
        check("{\"a\":1}\n{\"b\":\n{\"c\":3}\n", &[r#"{"a":1}"#, r#"{"b":"#, r#"{"c":3}"#]);
        check("{\"a\":1}{\"b\":", &[r#"{"a":1}"#, r#"{"b":"#]);
        for (body, why) in [
            ("[{\"a\":1},{\"b\":", Unreadable::CutOff),
            ("[{\"a\":1} {\"b\":2}]", Unreadable::NotJson),
            ("[{\"a\":1}] x", Unreadable::NotJson),
        ] {
            assert_eq!(Lines::of_body(body.as_bytes(), RECORD_BYTES_MAX), Err(why), "{body}");
        }
    }

    #[test]
    fn what_is_too_long_or_no_record_is_left_out_and_counted() {
        let giant = format!("[{{\"a\":\"{}\"}},{{\"b\":1}},3,\"x\"]", "x".repeat(RECORD_BYTES_MAX));
        let lines = Lines::of_body(giant.as_bytes(), RECORD_BYTES_MAX).unwrap();
        assert_eq!((lines.bytes.as_slice(), lines.count), (b"{\"b\":1}\n".as_slice(), 1));
        assert_eq!(lines.refused, [(Unreadable::TooLong, 1), (Unreadable::OtherFormat, 2)].into());
    }

    #[test]
    fn the_line_of_a_log_is_taken_out_of_its_wrapping() {
        let eve = r#"{"event_type":"dns"}"#;
        let quoted = serde_json::to_string(eve).unwrap();
        // Vector's file source, Fluent Bit's tail, Fluent Bit with a record of its own, Beats.
        check(&format!(r#"{{"file":"/l","host":"h","message":{quoted},"source_type":"file"}}"#), &[eve]);
        check(&format!(r#"[{{"date":1768435200.5,"log":{quoted}}}]"#), &[eve]);
        check(&format!(r#"{{"@timestamp":"2026-01-15T00:00:00Z","message":{quoted}}}"#), &[eve]);
        check(r#"{"source_type":"syslog","message":"a\nb"}"#, &["a b"]);
        let own = r#"{"date":1768435200.5,"event_type":"dns","message":"not this"}"#;
        check(own, &[own]);
        let ecs = r#"{"@timestamp":"2026-01-15T00:00:00Z","message":"in words"}"#;
        check(ecs, &[ecs]);
    }

    #[test]
    fn documents_of_a_bulk_body_are_taken_without_what_stands_before_them() {
        let body = "{\"index\":{\"_index\":\"x\"}}\n{\"a\":1}\n{\"delete\":{\"_id\":\"1\"}}\n{\"create\":{}}\n{\"b\":2}\n\
                    {\"update\":{}}\n{\"doc\":{}}\n";
        let (lines, actions) = Lines::of_bulk(body.as_bytes(), RECORD_BYTES_MAX).unwrap();
        assert_eq!(lines.bytes, b"{\"a\":1}\n{\"b\":2}\n");
        let expected = [BulkAction::Index, BulkAction::Delete, BulkAction::Create, BulkAction::Update];
        assert_eq!(actions, expected);
        for (body, why) in
            [("{\"index\":{}}\n", Unreadable::CutOff), ("{\"a\":1}\n{\"b\":2}\n", Unreadable::OtherFormat)]
        {
            assert_eq!(Lines::of_bulk(body.as_bytes(), RECORD_BYTES_MAX), Err(why), "{body}");
        }
    }

    proptest! {
        /// However the records are packed, the same lines come out.
        #[test]
        fn forms_agree(numbers in prop::collection::vec((any::<u32>(), "[a-z\\\\\"{}\\[\\],\n ]{0,12}"), 0..20)) {
            let records: Vec<String> =
                numbers.iter().map(|(n, text)| serde_json::json!({ "n": n, "t": text }).to_string()).collect();
            let expected: String = records.iter().map(|record| format!("{record}\n")).collect();
            for body in [records.join("\n"), records.concat(), format!("[{}]", records.join(", "))] {
                let lines = Lines::of_body(body.as_bytes(), 1000).unwrap();
                prop_assert_eq!(String::from_utf8(lines.bytes).unwrap(), expected.clone());
                prop_assert_eq!(lines.count as usize, records.len());
            }
        }

        /// Whatever comes, lines are lines, and none is longer than allowed.
        #[test]
        fn anything_gives_lines(body in prop::collection::vec(any::<u8>(), 0..300), start in "[\\[{]?") {
            let body = [start.as_bytes(), &body].concat();
            if let Ok(lines) = Lines::of_body(&body, RECORD_BYTES_MAX) {
                prop_assert_eq!(lines.bytes.iter().filter(|byte| **byte == b'\n').count() as u64, lines.count);
                for line in lines.bytes.split(|byte| *byte == b'\n') {
                    prop_assert!(line.len() <= RECORD_BYTES_MAX);
                }
            }
        }
    }
}
