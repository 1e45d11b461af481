//! Reads the descriptions of types against an object.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::model::{Class, INTEGER_MAX, Kind, Property, Record, Rule, Target, TypeDefinition, Vocabulary};
use super::{Finding, Severity, container, domain, forms, observables, parts, rules, vocabularies};
use crate::{Id, InvalidTimestamp, Object, Timestamp};

/// A walk through one object: where it is and what it found.
pub(super) struct Walk<'a> {
    pub(super) object: &'a Object,
    path: String,
    /// Whether the object is of STIX 2.0.
    legacy: bool,
    /// The container of observables that the place is in.
    container: Option<&'a Map<String, Value>>,
    findings: Vec<Finding>,
}

pub(super) fn findings(object: &Object) -> Vec<Finding> {
    let definition = definition(object.object_type());
    let observable = definition.is_some_and(|d| d.class == Class::Observable) || is_custom_observable(object);
    let legacy = match object.get("spec_version") {
        Some(version) => version == "2.0",
        None => !observable && object.object_type() != "bundle",
    };
    let mut walk = Walk { object, path: String::new(), legacy, container: None, findings: Vec::new() };
    walk.properties(definition);
    walk.common(definition, observable);
    if let Some(definition) = definition {
        walk.required(&definition.record, object.properties());
        walk.rules(&definition.record, object.properties());
    }
    walk.findings
}

/// The description of a type; `None` for a custom one.
pub(super) fn definition(object_type: &str) -> Option<&'static TypeDefinition> {
    let all = domain::DOMAIN.iter().chain(observables::OBSERVABLES).chain(domain::META);
    all.into_iter().find(|definition| definition.name == object_type)
}

/// The extension types an object declares.
fn extension_types(object: &Object) -> impl Iterator<Item = &str> {
    let extensions = object.get("extensions").and_then(Value::as_object);
    extensions
        .into_iter()
        .flat_map(Map::values)
        .filter_map(|extension| extension.get("extension_type")?.as_str())
}

/// A custom object says that it is an observable by its extension, or by having nothing of the other kinds.
fn is_custom_observable(object: &Object) -> bool {
    definition(object.object_type()).is_none()
        && (extension_types(object).any(|kind| kind == "new-sco")
            || !["spec_version", "created", "modified", "created_by_ref"]
                .iter()
                .any(|name| object.get(name).is_some()))
}

impl Walk<'_> {
    pub(super) fn error(&mut self, code: &'static str, section: &'static str, message: String) {
        self.find(Severity::Error, code, section, message);
    }

    pub(super) fn warn(&mut self, code: &'static str, section: &'static str, message: String) {
        self.find(Severity::Warning, code, section, message);
    }

    fn find(&mut self, severity: Severity, code: &'static str, section: &'static str, message: String) {
        let object = self.object.id().to_string();
        // A container may hold observables as STIX 2.0 described them (§2.13); where references lead is told all the same.
        let is_lenient =
            self.container.is_some() && !matches!(code, "dangling-reference" | "reference-target");
        let severity = if is_lenient { Severity::Warning } else { severity };
        self.findings.push(Finding { severity, code, object, path: self.path.clone(), section, message });
    }

    /// Goes into the container of observables of this object, and back.
    pub(super) fn container(&mut self) {
        if let Some(objects) = self.object.get("objects").and_then(Value::as_object) {
            self.container = Some(objects);
            container::objects(self, objects);
            self.container = None;
        }
    }

    /// An observable that stands within another object.
    pub(super) fn part(
        &mut self,
        record: &'static Record,
        extensions: &[(&'static str, &'static Record)],
        map: &Map<String, Value>,
    ) {
        for (name, value) in map {
            let known = record.properties.iter().find(|property| property.name == name);
            self.at(name, |walk| match known {
                Some(property) => walk.property(property, value, record.section),
                None if name == "extensions" => walk.extensions_of(value, extensions),
                None if common_property(name).is_some() => {}
                None => walk.custom(name, value, true),
            });
        }
        self.required(record, map);
        self.rules(record, map);
    }

    /// Goes to a property of the present place, and back.
    pub(super) fn at(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        visit(self);
        self.path.truncate(length);
    }

    /// Goes to an item of the list at the present place, and back.
    pub(super) fn at_index(&mut self, index: usize, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        // Writing into a string cannot fail.
        let _ = write!(self.path, "[{index}]");
        visit(self);
        self.path.truncate(length);
    }

    fn properties(&mut self, definition: Option<&'static TypeDefinition>) {
        let own: &[Property] = definition.map_or(&[], |d| d.record.properties);
        let section = definition.map_or("11.2", |d| d.record.section);
        let extended = extension_types(self.object).any(|kind| kind != "property-extension");
        for (name, value) in self.object.properties() {
            let known = own.iter().map(|p| (p, section)).find(|(p, _)| p.name == name);
            let known = known.or_else(|| common_property(name).map(|p| (p, parts::COMMON.section)));
            self.at(name, |walk| match known {
                Some((property, section)) => walk.property(property, value, section),
                None => walk.custom(name, value, definition.is_some() && !extended),
            });
        }
        if let Some(extensions) = self.object.get("extensions") {
            self.at("extensions", |walk| walk.extensions(extensions, definition));
        }
        if definition.is_none() && !extended {
            let message = "the type is none of the specification's and no extension declares it".to_owned();
            self.warn("custom-object", "11.2", message);
        }
    }

    fn property(&mut self, property: &Property, value: &Value, section: &'static str) {
        if property.required && value.as_str().is_some_and(|text| text.trim().is_empty()) {
            self.warn("empty-text", section, "a required property says nothing".to_owned());
        }
        self.value(&property.kind, value, section);
    }

    /// A property that the specification does not know. `alone`: no extension declares it.
    fn custom(&mut self, name: &str, value: &Value, alone: bool) {
        if !forms::is_property_name(name) {
            let message = format!("`{name}` is no property name: 3 to 250 of a-z, 0-9 and _, a letter first");
            self.error("property-name", "3.1", message);
        }
        if alone {
            let message = format!("`{name}` is none of the type's properties and no extension declares it");
            self.warn("custom-property", "11.1", message);
        }
        self.free(value);
    }

    fn common(&mut self, definition: Option<&TypeDefinition>, observable: bool) {
        let object = self.object;
        if object.object_type() == "bundle" {
            // Whoever reads a bundle takes it apart first, so that this one stood among its objects.
            let message = "a bundle is no STIX object and holds none but objects".to_owned();
            return self.error("bundle-within", "8.1", message);
        }
        self.spec_version(observable);
        let class =
            definition.map_or(if observable { Class::Observable } else { Class::Domain }, |d| d.class);
        let needed: &[&str] = match class {
            Class::Domain | Class::Relationship => &["created", "modified"],
            Class::Meta => &["created"],
            Class::Observable => &[],
        };
        for name in needed.iter().filter(|name| object.get(name).is_none()) {
            self.missing(name, "3.2");
        }
        let inapplicable: &[&str] = match (class, object.object_type()) {
            (Class::Observable, _) => &[
                "created_by_ref",
                "created",
                "modified",
                "revoked",
                "labels",
                "confidence",
                "lang",
                "external_references",
            ],
            (Class::Meta, "marking-definition") => &["modified", "revoked", "labels", "confidence", "lang"],
            (Class::Meta, "extension-definition") => &["confidence", "lang", "extensions"],
            _ => &[],
        };
        for name in inapplicable.iter().filter(|name| definition.is_some() && object.get(name).is_some()) {
            let message = format!("`{name}` does not apply to this type of object");
            self.at(name, |walk| walk.warn("inapplicable-property", "3.2", message));
        }
        if class != Class::Observable && object.get("defanged").is_some() {
            let message = "`defanged` is for cyber-observable objects only".to_owned();
            self.at("defanged", |walk| walk.error("inapplicable-property", "3.2", message));
        }
        self.rules(&parts::COMMON, object.properties());
        rules::identifier(self, class);
        rules::own_properties(self, definition.is_some());
    }

    fn spec_version(&mut self, observable: bool) {
        match self.object.get("spec_version") {
            None if observable => {}
            None => {
                let message = "no `spec_version`: this is an object of STIX 2.0".to_owned();
                self.warn("legacy-version", "3.2", message);
            }
            Some(version) if version == "2.1" => {}
            Some(version) if version == "2.0" => {
                let message = "`spec_version` is `2.0`: an object of STIX 2.0".to_owned();
                self.at("spec_version", |walk| walk.warn("legacy-version", "3.2", message));
            }
            Some(_) => {
                let message = "`spec_version` is not `2.1`".to_owned();
                self.at("spec_version", |walk| walk.error("spec-version", "3.2", message));
            }
        }
    }

    fn missing(&mut self, name: &str, section: &'static str) {
        let message = format!("`{name}` is required and missing");
        let severity = if self.legacy { Severity::Warning } else { Severity::Error };
        self.at(name, |walk| walk.find(severity, "missing-property", section, message));
    }

    fn required(&mut self, record: &Record, map: &Map<String, Value>) {
        for property in record.properties.iter().filter(|p| p.required && !map.contains_key(p.name)) {
            self.missing(property.name, record.section);
        }
    }

    fn record(&mut self, record: &Record, map: &Map<String, Value>) {
        for (name, value) in map {
            let known = record.properties.iter().find(|property| property.name == name);
            self.at(name, |walk| match known {
                Some(property) => walk.property(property, value, record.section),
                None => walk.custom(name, value, true),
            });
        }
        self.required(record, map);
        self.rules(record, map);
    }

    /// One value of a known property; `section` is that of its record.
    fn value(&mut self, kind: &Kind, value: &Value, section: &'static str) {
        match kind {
            Kind::Any => self.free(value),
            Kind::Apart => {}
            Kind::Text => self.text(value, "2.15", |_, _| ()),
            Kind::Boolean if value.is_boolean() => {}
            Kind::Boolean => self.wrong_type("`true` or `false`", "2.2"),
            Kind::Integer(least, most) => self.integer(value, *least, *most, section),
            Kind::Float(least, most) => match value.as_f64() {
                Some(number) if (*least..=*most).contains(&number) => {}
                Some(_) => self.error(
                    "out-of-range",
                    section,
                    format!("the number is not within {least} and {most}"),
                ),
                None => self.wrong_type("a number", "2.6"),
            },
            Kind::Timestamp => self.text(value, "2.16", |walk, text| {
                if !Timestamp::is_valid(text) {
                    let error = InvalidTimestamp(shortened(text));
                    walk.error("invalid-timestamp", "2.16", error.to_string());
                }
            }),
            Kind::Hex => self.text(value, "2.8", |walk, text| {
                if !forms::is_hex(text) {
                    let message = "not an even number of hexadecimal digits in lower case".to_owned();
                    walk.error("invalid-hex", "2.8", message);
                }
            }),
            Kind::Binary => self.text(value, "2.1", |walk, text| {
                if !forms::is_base64(text) {
                    walk.error("invalid-binary", "2.1", "not base64 with padding".to_owned());
                }
            }),
            Kind::Form(form) => self.text(value, form.section, |walk, text| {
                if !(form.accepts)(text) {
                    let message = format!("`{}` is not {}", shortened(text), form.expected);
                    walk.find(form.severity, form.code, form.section, message);
                }
            }),
            Kind::Open(vocabulary) => self.term(value, vocabulary, Severity::Warning),
            Kind::Closed(vocabulary) => self.term(value, vocabulary, Severity::Error),
            Kind::Reference(target) => {
                self.text(value, "2.9", |walk, text| walk.reference(text, target, section));
            }
            Kind::List(item) => self.list(value, item, section),
            Kind::Dictionary(item) => self.dictionary(value, |walk, value| walk.value(item, value, section)),
            Kind::Record(record) => match value.as_object() {
                Some(map) => self.record(record, map),
                None => self.wrong_type("a dictionary", record.section),
            },
            Kind::Hashes => self.hashes(value),
        }
    }

    pub(super) fn text(&mut self, value: &Value, section: &'static str, visit: impl FnOnce(&mut Self, &str)) {
        match value.as_str() {
            Some(text) => visit(self, text),
            None => self.wrong_type("a string", section),
        }
    }

    fn wrong_type(&mut self, expected: &str, section: &'static str) {
        self.error("wrong-type", section, format!("the value is not {expected}"));
    }

    fn integer(&mut self, value: &Value, least: i64, most: i64, section: &'static str) {
        // A number without fraction is an integer however it is written.
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
        let number = value
            .as_i64()
            .or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9.0e15).map(|n| n as i64));
        match number {
            Some(number) if (least..=most).contains(&number) => {}
            Some(_) if most < INTEGER_MAX => {
                self.error("out-of-range", section, format!("the number is not within {least} and {most}"));
            }
            Some(number) if least == 0 && number < 0 => {
                self.error("out-of-range", section, "the number is below zero".to_owned());
            }
            Some(_) => self.error("out-of-range", "2.10", "the number is not within 2^53".to_owned()),
            None if value.is_u64() => {
                self.error("out-of-range", "2.10", "the number is not within 2^53".to_owned());
            }
            None => self.wrong_type("an integer", "2.10"),
        }
    }

    fn term(&mut self, value: &Value, vocabulary: &Vocabulary, severity: Severity) {
        self.text(value, vocabulary.section, |walk, text| {
            if !vocabulary.terms.contains(&text) {
                let code =
                    if severity == Severity::Error { "not-in-enumeration" } else { "not-in-vocabulary" };
                let message = format!("`{}` is no term of `{}`", shortened(text), vocabulary.name);
                walk.find(severity, code, vocabulary.section, message);
            }
        });
    }

    fn list(&mut self, value: &Value, item: &Kind, section: &'static str) {
        let Some(list) = value.as_array() else {
            return self.wrong_type("a list", "2.12");
        };
        if list.is_empty() {
            self.error("empty-list", "2.12", "a list is left out rather than empty".to_owned());
        }
        for (index, member) in list.iter().enumerate() {
            self.at_index(index, |walk| walk.value(item, member, section));
        }
    }

    fn dictionary(&mut self, value: &Value, mut visit: impl FnMut(&mut Self, &Value)) {
        let Some(map) = value.as_object() else {
            return self.wrong_type("a dictionary", "2.3");
        };
        if map.is_empty() {
            self.error("empty-dictionary", "2.3", "a dictionary is left out rather than empty".to_owned());
        }
        for (key, value) in map {
            self.at(key, |walk| {
                if !forms::is_dictionary_key(key) {
                    let message = "a key has 1 to 250 of a-z, A-Z, 0-9, - and _".to_owned();
                    walk.error("dictionary-key", "2.3", message);
                }
                if value.is_null() {
                    return walk.error(
                        "null-value",
                        "2.3",
                        "a value is left out rather than null".to_owned(),
                    );
                }
                visit(walk, value);
            });
        }
    }

    fn hashes(&mut self, value: &Value) {
        let Some(map) = value.as_object() else {
            return self.wrong_type("a dictionary of hashes", "2.7");
        };
        if map.is_empty() {
            self.error("empty-dictionary", "2.7", "a dictionary is left out rather than empty".to_owned());
        }
        for (algorithm, value) in map {
            self.at(algorithm, |walk| {
                if algorithm.len() < 3 || !forms::is_dictionary_key(algorithm) {
                    let message = "the name of a hash has 3 to 250 of a-z, A-Z, 0-9, - and _".to_owned();
                    walk.error("hash-algorithm", "2.7", message);
                } else if !vocabularies::HASH_ALGORITHM.terms.contains(&algorithm.as_str()) {
                    let message = format!("`{algorithm}` is no term of `hash-algorithm-ov`");
                    walk.warn("not-in-vocabulary", "10.7", message);
                }
                walk.text(value, "2.7", |walk, text| {
                    if !forms::is_hash(algorithm, text) {
                        let message = format!("`{}` is no {algorithm} hash", shortened(text));
                        walk.error("invalid-hash", "2.7", message);
                    }
                });
            });
        }
    }

    fn reference(&mut self, text: &str, target: &Target, section: &'static str) {
        if let Some(container) = self.container {
            return container::reference(self, container, text, target, section);
        }
        let Some(named) = Id::type_of(text) else {
            let message =
                format!("`{}` is not an identifier of the form `object-type--UUID`", shortened(text));
            return self.error("invalid-id", "2.9", message);
        };
        let class = || definition(named).map(|definition| definition.class);
        let fits = match target {
            Target::Anything => named != "bundle",
            Target::Preferably(wanted) => named == *wanted,
            Target::Only(types) => types.contains(&named),
            Target::DomainOrObservable => !matches!(class(), Some(Class::Relationship | Class::Meta)),
            Target::Domain => matches!(class(), None | Some(Class::Domain)),
            Target::Observable => matches!(class(), None | Some(Class::Observable)),
            Target::ObservableOrRelationship => {
                matches!(class(), None | Some(Class::Observable | Class::Relationship))
            }
        };
        if !fits {
            let (severity, verb) = match target {
                Target::Preferably(_) => (Severity::Warning, "should"),
                _ => (Severity::Error, "must"),
            };
            let message = format!("the reference names `{named}`, it {verb} name {}", wanted(target));
            self.find(severity, "reference-target", section, message);
        }
    }

    /// A value whose form is nobody's but its producer's: only what holds everywhere is asked of it.
    pub(super) fn free(&mut self, value: &Value) {
        match value {
            Value::Null => self.warn("null-value", "3.1", "a property without value is left out".to_owned()),
            Value::Array(list) => {
                if list.is_empty() {
                    self.error("empty-list", "2.12", "a list is left out rather than empty".to_owned());
                }
                for (index, member) in list.iter().enumerate() {
                    self.at_index(index, |walk| walk.free(member));
                }
            }
            Value::Object(map) => {
                if map.is_empty() {
                    self.error(
                        "empty-dictionary",
                        "2.3",
                        "a dictionary is left out rather than empty".to_owned(),
                    );
                }
                for (key, member) in map {
                    self.at(key, |walk| walk.free(member));
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn extensions(&mut self, value: &Value, definition: Option<&TypeDefinition>) {
        self.extensions_of(value, definition.map_or(&[][..], |definition| definition.extensions));
    }

    fn extensions_of(&mut self, value: &Value, known: &[(&'static str, &'static Record)]) {
        let Some(map) = value.as_object() else {
            return self.wrong_type("a dictionary", "3.2");
        };
        for (key, content) in map {
            let record = known.iter().find_map(|(name, record)| (name == key).then_some(*record));
            self.at(key, |walk| match (content.as_object(), record) {
                (None, _) => walk.wrong_type("a dictionary", "3.2"),
                (Some(map), Some(record)) => walk.record(record, map),
                (Some(map), None) => walk.extension(key, map),
            });
        }
    }

    fn extension(&mut self, key: &str, map: &Map<String, Value>) {
        for (name, value) in map {
            self.at(name, |walk| walk.free(value));
        }
        if key.starts_with("extension-definition--") {
            if Id::parse(key).is_err() {
                let message = "the key is not the identifier of an extension definition".to_owned();
                self.error("invalid-id", "3.2", message);
            }
            match map.get("extension_type") {
                Some(kind) => self.at("extension_type", |walk| walk.extension_type(kind)),
                None => self.missing("extension_type", "3.2"),
            }
            self.extension_properties(map, "7.3.2");
        } else if forms::is_extension_name(key) {
            let message = "a custom extension without extension definition is deprecated".to_owned();
            self.warn("custom-extension", "11.3", message);
            if map.is_empty() {
                let message = "a custom extension has one property or more".to_owned();
                self.error("empty-extension", "11.3.1", message);
            }
            self.extension_properties(map, "11.3.1");
        } else {
            let message = "the key is neither a predefined extension, nor `extension-definition--UUID`, nor a name that ends in `-ext`";
            self.error("extension-key", "3.2", message.to_owned());
        }
    }

    /// An extension that brings a type with it cannot stand on a type of the specification's.
    fn extension_type(&mut self, kind: &Value) {
        self.term(kind, &vocabularies::EXTENSION_TYPE, Severity::Error);
        let object_type = self.object.object_type();
        if matches!(kind.as_str(), Some("new-sdo" | "new-sco" | "new-sro"))
            && definition(object_type).is_some()
        {
            let message =
                format!("`{object_type}` is a type of the specification's, and no extension makes it anew");
            self.error("redefinition", "7.3", message);
        }
    }

    fn extension_properties(&mut self, map: &Map<String, Value>, section: &'static str) {
        for name in map.keys().filter(|name| !forms::is_extension_property(name)) {
            let message = "the name of a property of an extension has 3 to 250 of a-z, 0-9 and _".to_owned();
            self.at(name, |walk| walk.error("property-name", section, message));
        }
    }

    fn rules(&mut self, record: &Record, map: &Map<String, Value>) {
        let has = |name: &str| map.contains_key(name);
        for rule in record.rules {
            match rule {
                Rule::NotBefore(first, second) | Rule::After(first, second) => {
                    let strict = matches!(rule, Rule::After(..));
                    self.order(map, first, second, record.section, strict, Severity::Error);
                }
                Rule::BetterNotBefore(first, second) => {
                    self.order(map, first, second, record.section, false, Severity::Warning);
                }
                Rule::OneOf(names) if !names.iter().any(|name| has(name)) => {
                    let message = format!("one of `{}` is required", names.join("`, `"));
                    self.error("missing-one-of", record.section, message);
                }
                Rule::NotBoth(a, b) if has(a) && has(b) => {
                    self.error(
                        "exclusive-properties",
                        record.section,
                        format!("`{a}` and `{b}` exclude each other"),
                    );
                }
                Rule::Needs(a, b) if has(a) && !has(b) => {
                    self.error("missing-companion", record.section, format!("`{a}` requires `{b}`"));
                }
                Rule::Better(name) if !has(name) => {
                    let message = format!("`{name}` is missing");
                    self.at(name, |walk| walk.warn("missing-property", record.section, message));
                }
                Rule::NotEmpty if !record.properties.iter().any(|p| has(p.name)) && !has("extensions") => {
                    let message = "at least one of the properties described there is required".to_owned();
                    self.error("missing-one-of", record.section, message);
                }
                Rule::AbsentIf(flag, value, name)
                    if map.get(*flag) == Some(&Value::Bool(*value)) && has(name) =>
                {
                    let message = format!("`{name}` must be absent when `{flag}` is `{value}`");
                    self.error("exclusive-properties", record.section, message);
                }
                Rule::Check(check) => check(self, map),
                _ => {}
            }
        }
    }

    fn order(
        &mut self,
        map: &Map<String, Value>,
        first: &str,
        second: &str,
        section: &'static str,
        strict: bool,
        severity: Severity,
    ) {
        let text = |name: &str| map.get(name).and_then(Value::as_str);
        let (Some(earlier), Some(later)) = (text(first), text(second)) else {
            return;
        };
        if earlier == later && !strict {
            return;
        }
        let (Ok(earlier), Ok(later)) = (Timestamp::parse(earlier), Timestamp::parse(later)) else {
            return;
        };
        if later < earlier || (strict && later == earlier) {
            let relation = if strict { "must be later than" } else { "must not be before" };
            self.at(second, |walk| {
                let message = format!("`{second}` {relation} `{first}` ({earlier})");
                walk.find(severity, "time-order", section, message);
            });
        }
    }
}

/// What a reference must name, in words.
fn wanted(target: &Target) -> String {
    match target {
        Target::Anything => "a STIX object, and a bundle is none".to_owned(),
        Target::Preferably(object_type) => format!("`{object_type}`"),
        Target::Only(types) => format!("`{}`", types.join("` or `")),
        Target::DomainOrObservable => "a domain object or a cyber-observable".to_owned(),
        Target::Domain => "a domain object".to_owned(),
        Target::Observable => "a cyber-observable".to_owned(),
        Target::ObservableOrRelationship => "a cyber-observable or a relationship".to_owned(),
    }
}

fn common_property(name: &str) -> Option<&'static Property> {
    parts::COMMON.properties.iter().find(|property| property.name == name)
}

/// What is shown of a value in a message: enough to find it, not enough to flood.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(80).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
