use super::parser::PatternError;

/// Words that cannot stand as an unquoted type or key (the reference grammar of STIX 2.1 §9).
const KEYWORDS: [&str; 18] = [
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "ISSUPERSET",
    "ISSUBSET",
    "EXISTS",
    "LAST",
    "IN",
    "START",
    "STOP",
    "SECONDS",
    "true",
    "false",
    "WITHIN",
    "REPEATS",
];

/// Whether the word is one of the language.
pub(super) fn is_keyword(word: &str) -> bool {
    word == "TIMES" || KEYWORDS.contains(&word)
}

/// Whether a key may stand without quotes, keywords apart.
pub(super) fn is_plain_key(key: &str) -> bool {
    key.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The text not read yet. Small steps forward; white space is skipped before each.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    /// Skips white space (code points with the property White_Space, STIX 2.1 §9.4) and gives what follows.
    pub(super) fn rest(&mut self) -> &'a str {
        // Most of the time a plain space or nothing stands here.
        if !self.rest.bytes().next().is_none_or(|b| b.is_ascii_graphic()) {
            self.rest = self.rest.trim_start();
        }
        self.rest
    }

    pub(super) fn at_end(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// Reads the symbol if it stands here.
    pub(super) fn take(&mut self, symbol: &str) -> bool {
        match self.rest().strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The word that stands here, not read yet; empty if none.
    pub(super) fn peek_word(&mut self) -> &'a str {
        let rest = self.rest();
        let starts = rest.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !starts {
            return "";
        }
        let end = rest.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    /// Reads the word if it stands here.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_word() == word;
        if found {
            self.skip(word.len());
        }
        found
    }

    /// Goes forward by `count` bytes, which the caller has seen.
    pub(super) fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Reads a literal `'…'` with the escapes `\'` and `\\`.
    pub(super) fn string(&mut self) -> Result<String, PatternError> {
        if !self.take("'") {
            return Err(self.error("a string in apostrophes"));
        }
        let mut out = String::new();
        loop {
            let Some(stop) = memchr::memchr2(b'\'', b'\\', self.rest.as_bytes()) else {
                return Err(self.error("the apostrophe that ends the string"));
            };
            out.push_str(self.rest.get(..stop).unwrap_or_default());
            self.skip(stop);
            if self.rest.starts_with('\'') {
                self.skip(1);
                return Ok(out);
            }
            match self.rest.chars().nth(1) {
                Some(escaped @ ('\'' | '\\')) => out.push(escaped),
                _ => return Err(self.error("an apostrophe or a backslash after a backslash")),
            }
            self.skip(2);
        }
    }

    /// Reads the characters a number may have; the caller judges them.
    pub(super) fn number(&mut self) -> &'a str {
        let rest = self.rest();
        let digits = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+');
        let end = rest.bytes().position(|b| !digits(b)).unwrap_or(rest.len());
        let number = rest.get(..end).unwrap_or_default();
        self.skip(end);
        number
    }

    /// An error at this place.
    pub(super) fn error(&mut self, expected: &'static str) -> PatternError {
        let rest = self.rest();
        let found: String = rest.chars().take(20).collect();
        let message =
            if found.is_empty() { "the pattern ends here".to_owned() } else { format!("found `{found}`") };
        PatternError { offset: self.text.len() - rest.len(), message, expected }
    }
}
