//! The operand of `MATCHES`: a PCRE (STIX 2.1 §9.6.1), run by an engine whose time is linear in the value.
//!
//! The two languages differ. What has the same meaning in both is passed on, what is spelt differently is rewritten, and what
//! an engine of linear time cannot do (looking around, references back, atomic and possessive repetition, recursion) is refused
//! with its name.

use std::iter::Peekable;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

use super::value::Native;
use super::{EXPRESSION_BYTES_MAX, EXPRESSION_COMPILED_BYTES_MAX, EvaluateError};

/// A regular expression over texts, or over bytes.
#[derive(Debug)]
pub(super) struct Expression {
    /// `None`: an expression over bytes that names characters which are none. It fits nothing.
    regex: Option<Regex>,
    over_bytes: bool,
    /// `$` and `\Z` also stand before a line end that ends the value.
    ends_before_newline: bool,
}

impl Expression {
    /// # Errors
    /// Says what in the expression cannot be done.
    pub(super) fn new(pcre: &str, over_bytes: bool) -> Result<Self, EvaluateError> {
        let error = |reason: String| EvaluateError::Expression {
            expression: pcre.chars().take(60).collect(),
            reason,
        };
        if pcre.len() > EXPRESSION_BYTES_MAX {
            return Err(error(format!("it is longer than {EXPRESSION_BYTES_MAX} bytes")));
        }
        let normal: String = pcre.nfc().collect();
        let mut translation = Translation::new(&normal, over_bytes);
        translation.run().map_err(|reason| error(reason.to_owned()))?;
        if translation.absolute_end && translation.soft_end {
            return Err(error("`\\z` beside `$` or `\\Z`".to_owned()));
        }
        let regex = if translation.beyond_bytes {
            None
        } else {
            let built = RegexBuilder::new(&translation.out)
                .unicode(!over_bytes)
                .dot_matches_new_line(true)
                .size_limit(EXPRESSION_COMPILED_BYTES_MAX)
                .dfa_size_limit(EXPRESSION_COMPILED_BYTES_MAX)
                .nest_limit(64)
                .build();
            Some(built.map_err(|cause| error(short(&cause)))?)
        };
        Ok(Self { regex, over_bytes, ends_before_newline: translation.soft_end })
    }

    /// Whether the expression is found anywhere in the value. Texts are brought into normal form C.
    pub(super) fn found_in(&self, value: &Native<'_>) -> bool {
        match value {
            Native::Text(text) if !self.over_bytes => {
                self.found_in_bytes(text.nfc().collect::<String>().as_bytes())
            }
            Native::Bytes(bytes) if self.over_bytes => self.found_in_bytes(bytes),
            _ => false,
        }
    }

    fn found_in_bytes(&self, value: &[u8]) -> bool {
        let Some(regex) = &self.regex else { return false };
        let without = value.strip_suffix(b"\n").filter(|_| self.ends_before_newline);
        regex.is_match(value) || without.is_some_and(|without| regex.is_match(without))
    }
}

/// The last line of what the engine says; the others draw the expression.
fn short(cause: &regex::Error) -> String {
    match cause {
        regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
        other => {
            let text = other.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}

/// From PCRE to the engine's own language.
struct Translation<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    over_bytes: bool,
    beyond_bytes: bool,
    absolute_end: bool,
    soft_end: bool,
}

type Step = Result<(), &'static str>;

impl<'a> Translation<'a> {
    fn new(pcre: &'a str, over_bytes: bool) -> Self {
        Self {
            rest: pcre.chars().peekable(),
            out: String::with_capacity(pcre.len() + 8),
            over_bytes,
            beyond_bytes: false,
            absolute_end: false,
            soft_end: false,
        }
    }

    fn run(&mut self) -> Step {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group()?,
                '{' => self.brace()?,
                '}' => self.out.push_str("\\}"),
                '*' | '+' | '?' => {
                    self.out.push(c);
                    self.after_repetition()?;
                }
                '$' => {
                    self.soft_end = true;
                    self.out.push('$');
                }
                _ => self.literal(c),
            }
        }
        Ok(())
    }

    /// A repetition may be lazy; a possessive one gives nothing back, which cannot be told in linear time.
    fn after_repetition(&mut self) -> Step {
        match self.rest.peek() {
            Some('+') => Err("possessive repetition"),
            Some('?') => {
                self.rest.next();
                self.out.push('?');
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A character that stands for itself, or `.`, `^`, `|`, `)`.
    fn literal(&mut self, c: char) {
        match u32::from(c) {
            0..=127 => self.out.push(c),
            code @ 128..=255 if self.over_bytes => self.out.push_str(&format!("\\x{code:02X}")),
            _ => {
                self.beyond_bytes |= self.over_bytes;
                self.out.push(c);
            }
        }
    }

    /// `{2}`, `{2,}`, `{2,3}` repeat; any other brace stands for itself.
    fn brace(&mut self) -> Step {
        let ahead = self.rest.clone();
        let inner: String = ahead.take_while(|c| *c != '}').take(16).collect();
        let (low, high) = inner.split_once(',').unwrap_or((inner.as_str(), ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let closed = self.rest.clone().nth(inner.len()) == Some('}');
        if !closed || low.is_empty() || !digits(low) || !digits(high) {
            self.out.push_str("\\{");
            return Ok(());
        }
        self.out.push_str(&format!("{{{inner}}}"));
        // As many characters as bytes: all are digits but for the comma.
        for _ in 0..=inner.len() {
            self.rest.next();
        }
        self.after_repetition()
    }

    fn group(&mut self) -> Step {
        self.out.push('(');
        match self.rest.peek() {
            Some('*') => return Err("a verb such as `(*SKIP)`"),
            Some('?') => {}
            _ => return Ok(()),
        }
        self.rest.next();
        let mut ahead = self.rest.clone();
        match (ahead.next(), ahead.next()) {
            (Some('=' | '!'), _) | (Some('<'), Some('=' | '!')) => return Err("looking ahead or behind"),
            (Some('>'), _) => return Err("an atomic group"),
            (Some('('), _) => return Err("a condition"),
            (Some('R' | '0'..='9' | '&'), _) | (Some('P'), Some('>')) => return Err("recursion"),
            (Some('P'), Some('=')) => return Err("a reference back"),
            (Some('|'), _) => return Err("groups that share their numbers"),
            (Some('#'), _) => {
                // A comment: an empty group in its place.
                self.out.push_str("?:)");
                let closed = self.rest.any(|c| c == ')');
                return if closed { Ok(()) } else { Err("a comment without an end") };
            }
            _ => {}
        }
        self.out.push('?');
        // A name or flags, up to where the group begins.
        while let Some(c) = self.rest.next() {
            match c {
                ':' | '>' | ')' => {
                    self.out.push(c);
                    return Ok(());
                }
                '<' | 'P' => {
                    self.out.push(c);
                    if self.rest.peek().is_none() {
                        return Err("a group without an end");
                    }
                    let named = c == '<' || self.rest.next_if_eq(&'<').is_some();
                    if !named {
                        return Err("an unknown kind of group");
                    }
                    if c == 'P' {
                        self.out.push('<');
                    }
                    return self.name();
                }
                'i' | 'm' | 's' | 'U' | '-' => self.out.push(c),
                _ => return Err("an option other than `i`, `m`, `s` and `U`"),
            }
        }
        Err("a group without an end")
    }

    fn name(&mut self) -> Step {
        for c in self.rest.by_ref() {
            match c {
                '>' => {
                    self.out.push('>');
                    return Ok(());
                }
                'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => self.out.push(c),
                _ => break,
            }
        }
        Err("a name of a group that is none")
    }

    /// `[…]`, whose engine knows nested classes and set operations that PCRE does not.
    fn class(&mut self) -> Step {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str("\\]");
        }
        while let Some(c) = self.rest.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '\\' => self.escape(true)?,
                '[' if self.rest.peek() == Some(&':') => self.posix_class()?,
                '[' if matches!(self.rest.peek(), Some('.' | '=')) => return Err("a collating element"),
                '[' | '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if self.rest.peek() == Some(&'-') => return Err("`--` within brackets"),
                _ => self.literal(c),
            }
        }
        Err("a bracket without an end")
    }

    fn posix_class(&mut self) -> Step {
        let mut name = String::from("[");
        for c in self.rest.by_ref() {
            name.push(c);
            if c == ']' {
                break;
            }
            if name.len() > 12 {
                return Err("an unknown class in `[: :]`");
            }
        }
        if !name.ends_with(":]") {
            return Err("an unknown class in `[: :]`");
        }
        self.out.push_str(&name);
        Ok(())
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Step {
        let Some(c) = self.rest.next() else { return Err("a backslash at the end") };
        match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'n' | 'r' | 't' | 'f' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'b' if in_class => self.out.push_str("\\x08"),
            'b' | 'B' | 'A' if !in_class => {
                self.out.push('\\');
                self.out.push(c);
            }
            'z' if !in_class => {
                self.absolute_end = true;
                self.out.push_str("\\z");
            }
            'Z' if !in_class => {
                self.soft_end = true;
                self.out.push_str("\\z");
            }
            'a' => self.out.push_str("\\x07"),
            'e' => self.out.push_str("\\x1B"),
            'h' => self.set("\\t\\x20", "\\xA0", in_class),
            'v' => self.set(
                "\\n\\x0B\\f\\r",
                if self.over_bytes { "\\x85" } else { "\\x{85}\\x{2028}\\x{2029}" },
                in_class,
            ),
            'N' if !in_class => self.out.push_str("[^\\n]"),
            'x' => return self.hexadecimal(),
            'p' | 'P' if !self.over_bytes => {
                self.out.push('\\');
                self.out.push(c);
                // The engine reads the name: `\pL`, `\p{Han}`.
                if let Some(brace) = self.rest.next_if_eq(&'{') {
                    self.out.push(brace);
                    for c in self.rest.by_ref() {
                        self.out.push(c);
                        if c == '}' {
                            break;
                        }
                    }
                }
            }
            'Q' => self.quoted(),
            // An end without a beginning means nothing.
            'E' => {}
            '0' => self.octal(),
            '1'..='9' | 'g' | 'k' => return Err("a reference back"),
            'a'..='z' | 'A'..='Z' => return Err("an escape that only PCRE knows"),
            _ if c.is_ascii() => self.number(u32::from(c)),
            _ => self.literal(c),
        }
        Ok(())
    }

    fn set(&mut self, common: &str, more: &str, in_class: bool) {
        let inner = format!("{common}{more}");
        self.out.push_str(&if in_class { inner } else { format!("[{inner}]") });
    }

    /// `\x41`, `\x{1F600}`, and `\x` alone, which is a zero.
    fn hexadecimal(&mut self) -> Step {
        let mut digits = String::new();
        if self.rest.next_if_eq(&'{').is_some() {
            digits = self.rest.by_ref().take_while(|c| *c != '}').take(9).collect();
        } else {
            while digits.len() < 2
                && let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit)
            {
                digits.push(digit);
            }
        }
        let code = if digits.is_empty() { Some(0) } else { u32::from_str_radix(&digits, 16).ok() };
        let code = code.filter(|_| digits.len() <= 8);
        let code = code
            .filter(|code| char::from_u32(*code).is_some())
            .ok_or("`\\x` without a character's number")?;
        self.number(code);
        Ok(())
    }

    fn octal(&mut self) {
        let mut code = 0;
        for _ in 0..2 {
            let Some(digit) = self.rest.next_if(|c| matches!(c, '0'..='7')) else { break };
            code = code * 8 + digit.to_digit(8).unwrap_or_default();
        }
        self.number(code);
    }

    fn number(&mut self, code: u32) {
        self.beyond_bytes |= self.over_bytes && code > 255;
        self.out.push_str(&if self.over_bytes && code <= 255 {
            format!("\\x{code:02X}")
        } else {
            format!("\\x{{{code:X}}}")
        });
    }

    /// Everything up to `\E` stands for itself.
    fn quoted(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            if c.is_ascii_punctuation() {
                self.number(u32::from(c));
            } else {
                self.literal(c);
            }
        }
    }
}
