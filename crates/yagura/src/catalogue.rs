//! What has a stable code, said in Japanese by the console's own catalogue: a thing is said in one way wherever it is read.

use std::sync::LazyLock;

use serde_json::Value;

static JAPANESE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../web/src/locales/ja.json")).unwrap_or_default()
});

/// The Japanese text of a code, with what stands in its places; nothing where the catalogue does not know the code, as of a newer hub.
/// A table within another one is named with it: `errors/reasons`.
pub(crate) fn in_japanese<'a>(
    table: &str,
    code: &str,
    arguments: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<String> {
    let mut rest = JAPANESE.pointer(&format!("/{table}/{code}"))?.as_str()?;
    let arguments: Vec<(&str, &str)> = arguments.collect();
    let mut said = String::with_capacity(rest.len());
    while let Some((literal, behind)) = rest.split_once("{{") {
        let (place, behind) = behind.split_once("}}")?;
        said.push_str(literal);
        said.push_str(arguments.iter().find(|(name, _)| *name == place)?.1);
        rest = behind;
    }
    said.push_str(rest);
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_said_with_what_stands_in_its_places() {
        let said = |code, arguments: &[(&'static str, &'static str)]| {
            in_japanese("playbookDetails", code, arguments.iter().copied())
        };
        assert_eq!(
            said("missing-step", &[("id", "{{id}}")]).as_deref(),
            Some("「{{id}}」は workflow にありません。ステップを加えるか、あるものを参照してください")
        );
        assert_eq!(said("missing-step", &[]), None, "half a sentence is none");
        assert_eq!(
            in_japanese("errors/reasons", "text-max", [("field", "題名"), ("max", "5")].into_iter())
                .as_deref(),
            Some("「題名」は 5 文字までです。短くしてください。")
        );
        assert_eq!(said("of-a-newer-hub", &[]), None);
    }
}
