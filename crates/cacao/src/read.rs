//! Lenient reading of values: what is not as it should be is left out, and a finding tells of it elsewhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use stix::Timestamp;

pub(crate) struct Reader<'m>(pub(crate) &'m Map<String, Value>);

impl<'m> Reader<'m> {
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    pub(crate) fn text_or_empty(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let members = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        members.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.0.get(name).and_then(Value::as_str).and_then(|text| Timestamp::parse(text).ok())
    }

    pub(crate) fn object(&self, name: &str) -> Option<&'m Map<String, Value>> {
        self.0.get(name).and_then(Value::as_object)
    }

    pub(crate) fn objects<T>(&self, name: &str, read: impl Fn(&Map<String, Value>) -> T) -> Vec<T> {
        let members = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        members.filter_map(Value::as_object).map(read).collect()
    }

    pub(crate) fn dictionary<T>(
        &self,
        name: &str,
        read: impl Fn(&str, &Map<String, Value>) -> T,
    ) -> BTreeMap<String, T> {
        let entries = self.object(name).into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.clone(), read(key, value.as_object()?)))).collect()
    }

    pub(crate) fn values(&self, name: &str) -> BTreeMap<String, Value> {
        let entries = self.object(name).into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
