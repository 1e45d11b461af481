//! Variables (CACAO 2.0 §10.18): their names, their declarations, and how texts refer to them.

use serde_json::{Map, Value};

/// The longest name with its four underscores: the specification's text says 250 for a key, its expression 204; the shorter one holds.
const NAME_BYTES_MAX: usize = 204;
/// What stands behind a name where its value is meant.
const VALUE: &str = ":value";

/// A declaration of a variable. Its value can be a secret and is not printed.
#[derive(Clone, PartialEq)]
pub struct Variable {
    /// Its type, of the vocabulary of §10.18 or another.
    pub kind: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its value: a text, an object, or null, which means unknown and is not the empty text.
    pub value: Value,
    /// Whether it never changes.
    pub constant: bool,
    /// Whether its first value comes from whoever starts the playbook.
    pub external: bool,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variable").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Variable {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        let flag = |name: &str| map.get(name).and_then(Value::as_bool).unwrap_or_default();
        let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            kind: text("type").unwrap_or_default(),
            description: text("description"),
            value: map.get("value").cloned().unwrap_or_default(),
            constant: flag("constant"),
            external: flag("external"),
        }
    }
}

/// Whether the text is a variable's name: `__name__`, a letter first, ASCII.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("__").and_then(|rest| rest.strip_suffix("__")) else { return false };
    text.len() <= NAME_BYTES_MAX
        // The specification's text wants a letter first, its expression takes an underscore as well.
        && inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && inner.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A variable met in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention<'t> {
    /// `__name__`
    pub(crate) name: &'t str,
    /// Whether `:value` stands behind it, as it must.
    pub(crate) with_value: bool,
    /// Where it begins and ends, `:value` included.
    pub(crate) span: (usize, usize),
}

/// Every mention of a variable in a text, from left to right. A name is the shortest text between two pairs of underscores.
pub(crate) fn mentions(text: &str) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find("__")).map(|at| at + from) {
        let inner = text.get(start + 2..).unwrap_or_default();
        let run = inner.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        let run = inner.get(..run.unwrap_or(inner.len())).unwrap_or_default();
        // The name ends at the first `__` that is not followed by a further underscore.
        let end = run
            .char_indices()
            .filter(|(at, _)| *at > 0 && run.get(*at..).is_some_and(|rest| rest.starts_with("__")))
            .find(|(at, _)| !run.get(at + 2..).is_some_and(|rest| rest.starts_with('_')));
        let Some((end, _)) = end else {
            from = start + 2 + run.len();
            continue;
        };
        let stop = start + 2 + end + 2;
        let name = text.get(start..stop).unwrap_or_default();
        if !is_name(name) {
            from = stop;
            continue;
        }
        let with_value = text.get(stop..).is_some_and(|rest| rest.starts_with(VALUE));
        let stop = if with_value { stop + VALUE.len() } else { stop };
        found.push(Mention { name, with_value, span: (start, stop) });
        from = stop;
    }
    found
}

/// Whether any value of a variable is referred to.
pub(crate) fn mentions_any(text: &str) -> bool {
    mentions(text).iter().any(|mention| mention.with_value)
}

/// The name in a list of arguments, which some write with `:value` behind it.
pub(crate) fn argument_name(text: &str) -> &str {
    text.strip_suffix(VALUE).unwrap_or(text)
}

/// The text with every `__name__:value` replaced by what `lookup` gives; what it refuses stops the work.
pub(crate) fn substitute<E>(
    text: &str,
    mut lookup: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for mention in mentions(text).into_iter().filter(|mention| mention.with_value) {
        out.push_str(text.get(from..mention.span.0).unwrap_or_default());
        out.push_str(&lookup(mention.name)?);
        from = mention.span.1;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_texts() {
        let names =
            |text: &str| mentions(text).iter().map(|m| (m.name.to_owned(), m.with_value)).collect::<Vec<_>>();
        assert_eq!(
            names("Look up __ip__:value in __siem__:value."),
            [("__ip__".into(), true), ("__siem__".into(), true)]
        );
        assert_eq!(
            names("GET http://__bia_address__/x/__coa__"),
            [("__bia_address__".into(), false), ("__coa__".into(), false)]
        );
        assert_eq!(names("__a__:value__b__:value"), [("__a__".into(), true), ("__b__".into(), true)]);
        assert_eq!(names("a__b ____ __ 日本__"), []);
        assert_eq!(names("x__日本__:value"), []);
    }

    #[test]
    fn values_take_the_place_of_names() {
        let give = |name: &str| if name == "__a__" { Ok("1".to_owned()) } else { Err(name.to_owned()) };
        assert_eq!(substitute("日__a__:value本__a__", give), Ok("日1本__a__".to_owned()));
        assert_eq!(substitute("__b__:value", give), Err("__b__".to_owned()));
    }
}
