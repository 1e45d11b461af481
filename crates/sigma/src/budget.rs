//! What a rule by a stranger may cost before anybody looks at what it says.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::rule::Why;

/// The most bytes of one rule. The largest of the public collection has a third of it.
const RULE_BYTES_MAX: usize = 64 << 10;
/// The most scalars, lists and mappings of one rule, each counted as often as an alias writes it out.
const NODES_MAX: u32 = 10_000;
/// How deep lists and mappings may nest.
const DEPTH_MAX: u32 = 32;
/// The most documents of one text.
const DOCUMENTS_MAX: usize = 10_000;

/// One rule's text and the line on which it begins.
pub(crate) struct Document<'a> {
    pub(crate) line: u32,
    pub(crate) text: &'a str,
}

/// Takes a text apart at its lines of `---`. Where documents depend on one another (`action: global`), the text is one.
pub(crate) fn documents(text: &str) -> Result<Vec<Document<'_>>, Why> {
    let is_collection = text.lines().any(|line| line.starts_with("action:"));
    if is_collection {
        return Ok(vec![Document { line: 1, text }]);
    }
    let mut documents = Vec::new();
    let (mut from, mut first_line) = (0, 1_u32);
    let mut at = 0;
    for (number, line) in (1_u32..).zip(text.split_inclusive('\n')) {
        let end = at + line.len();
        if line.trim_end() == "---" {
            add(&mut documents, first_line, text.get(from..at).unwrap_or_default());
            (from, first_line) = (end, number + 1);
        }
        at = end;
    }
    add(&mut documents, first_line, text.get(from..).unwrap_or_default());
    if documents.len() > DOCUMENTS_MAX {
        return Err(Why::new("sigma-too-large", format!("the text has more than {DOCUMENTS_MAX} rules")));
    }
    Ok(documents)
}

/// A document that says anything; comments alone say nothing.
fn add<'a>(documents: &mut Vec<Document<'a>>, first_line: u32, text: &'a str) {
    let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    if let Some(before) = text.lines().position(says) {
        let line = first_line + u32::try_from(before).unwrap_or(0);
        let skipped: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
        documents.push(Document { line, text: text.get(skipped..).unwrap_or(text) });
    }
}

/// Reads the YAML through once and counts, so that no alias grows into more than is affordable.
pub(crate) fn check(text: &str) -> Result<(), Why> {
    if text.len() > RULE_BYTES_MAX {
        return Err(Why::new(
            "sigma-too-large",
            format!("the rule has more than {} KiB", RULE_BYTES_MAX >> 10),
        ));
    }
    let mut spent = 0;
    for document in yaml_serde::Deserializer::from_str(text) {
        let counted = Count { spent: &mut spent, depth: 0 }.deserialize(document);
        counted.map_err(|error| {
            let code = if error.to_string().contains(TOO_LARGE) { "sigma-too-large" } else { "sigma-yaml" };
            let line = error.location().and_then(|location| u32::try_from(location.line()).ok());
            Why { line, ..Why::new(code, error.to_string()) }
        })?;
    }
    Ok(())
}

const TOO_LARGE: &str = "is larger or deeper than a rule may be";

struct Count<'c> {
    spent: &'c mut u32,
    depth: u32,
}

impl Count<'_> {
    fn below(&mut self) -> Count<'_> {
        Count { depth: self.depth + 1, spent: self.spent }
    }
}

impl<'de> DeserializeSeed<'de> for Count<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.spent += 1;
        if *self.spent > NODES_MAX || self.depth > DEPTH_MAX {
            return Err(D::Error::custom(format_args!("the YAML {TOO_LARGE}")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Count<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i128<E>(self, _: i128) -> Result<(), E> {
        Ok(())
    }

    fn visit_u128<E>(self, _: u128) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while members.next_element_seed(self.below())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while members.next_key_seed(self.below())?.is_some() {
            members.next_value_seed(self.below())?;
        }
        Ok(())
    }

    fn visit_enum<A: serde::de::EnumAccess<'de>>(mut self, data: A) -> Result<(), A::Error> {
        // A tag: `!name value`.
        let (_, variant) = data.variant_seed(self.below())?;
        serde::de::VariantAccess::newtype_variant_seed(variant, self.below())
    }
}
