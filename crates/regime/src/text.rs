use serde::{Deserialize, Serialize};

/// The longest text of a file in characters, in each language.
pub(crate) const TEXT_CHARS_MAX: usize = 2_000;

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Japanese.
    Ja,
    /// English.
    En,
}

/// A text in both languages. Neither is ever empty in what [`crate::Regimes`] gives out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl Text {
    /// A text out of its two forms.
    #[must_use]
    pub fn new(ja: &str, en: &str) -> Self {
        Self { ja: ja.to_owned(), en: en.to_owned() }
    }

    /// The form in one language.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        for text in [&self.ja, &self.en] {
            if text.trim().is_empty() {
                return Some("the text is empty in one of the two languages");
            }
            if text.chars().nth(TEXT_CHARS_MAX).is_some() {
                return Some("the text is longer than 2,000 characters");
            }
            // One line each, so that no label of a form can pass for another line of it.
            if text.chars().any(|c| c.is_control() || is_unclean(c)) {
                return Some("the text holds line breaks, control or direction characters");
            }
        }
        None
    }
}

/// Whether a character has no place in a text that people read as it stands: controls other than line feed and tab, marks that turn
/// the direction of writing, and invisible ones that make two texts look alike.
pub(crate) fn is_unclean(c: char) -> bool {
    let invisible = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}');
    let tag = matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    (c.is_control() && c != '\n' && c != '\t') || invisible || tag
}

/// The text without what [`is_unclean`]; a carriage return before a line feed goes with it, one alone becomes a line feed.
pub(crate) fn cleaned(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| !is_unclean(*c)).collect()
}
