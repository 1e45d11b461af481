//! Text cut into the words that are searched: the same cut for what is stored and for what is asked.
//!
//! After NFKC and lower case, a run of letters and digits is a word; a run of Chinese characters, kana or hangul becomes
//! its overlapping pairs, and the run's last character once more alone. So a word of two or more characters is found
//! as a phrase of pairs, a single one as the beginning of a pair, and no dictionary is needed.

use unicode_normalization::UnicodeNormalization;

/// Bytes of one word that count; longer ones (a hash's hexadecimal fits) are cut.
const WORD_BYTES_MAX: usize = 128;
/// Bytes of one object's text that are searched.
pub(crate) const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a query that are read.
const QUERY_BYTES_MAX: usize = 1024;
/// Phrases of a query that are asked for.
const PHRASES_MAX: usize = 16;

/// Words with a space after each, appended to `out` until it has [`TEXT_BYTES_MAX`].
pub(crate) fn cut(text: &str, out: &mut String) {
    if text.is_ascii() {
        cut_ascii(text, out);
        return;
    }
    let normal = normalised(text);
    for run in runs(&normal) {
        if out.len() >= TEXT_BYTES_MAX {
            return;
        }
        match run {
            Run::Word(word) => push_word(word, out),
            Run::Pairs(run) => push_pairs(run, out),
        }
    }
}

/// What a typed query asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    /// Words one after the other.
    pub(crate) words: String,
    /// Whether the last of them may go on.
    pub(crate) open: bool,
}

/// English words that nearly every text bears, as Lucene's English analyser has them, sorted. To look for one costs as much as all other
/// words of a query together and tells nothing.
const STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no",
    "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to",
    "was", "will", "with",
];

/// The phrases of a query, all of which are wanted; none where it has no word. Stop words are wanted only where nothing else is.
pub(crate) fn phrases(query: &str) -> Vec<Phrase> {
    let normal = normalised(query.get(..query.floor_char_boundary(QUERY_BYTES_MAX)).unwrap_or(query));
    let mut phrases: Vec<Phrase> = Vec::new();
    for typed in normal.split_whitespace() {
        let mut latin = Phrase { words: String::new(), open: false };
        for run in runs(typed) {
            match run {
                Run::Word(word) => push_word(word, &mut latin.words),
                Run::Pairs(run) => {
                    let single = run.chars().nth(1).is_none();
                    let mut pairs = Phrase { words: String::new(), open: single };
                    push_pairs(run, &mut pairs.words);
                    if !single {
                        // The stored run may go on, so its last character need not stand alone.
                        let end = pairs.words.trim_end().rfind(' ').map_or(0, |space| space + 1);
                        pairs.words.truncate(end);
                    }
                    phrases.push(pairs);
                }
            }
        }
        if !latin.words.is_empty() {
            // What begins with one letter is a good part of everything.
            latin.open =
                latin.words.trim_end().rsplit(' ').next().is_some_and(|last| last.chars().nth(1).is_some());
            phrases.push(latin);
        }
    }
    let tells = |phrase: &Phrase| STOP_WORDS.binary_search(&phrase.words.trim_end()).is_err();
    if phrases.iter().any(tells) {
        phrases.retain(tells);
    }
    phrases.truncate(PHRASES_MAX);
    phrases
}

/// NFKC and lower case, and NFKC again: some lower-case letters have a composed form that their capitals lack.
fn normalised(text: &str) -> String {
    if text.chars().all(is_settled) {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// Characters of everyday Japanese that NFKC leaves alone, whatever stands beside them; a combining mark is not one.
fn is_settled(c: char) -> bool {
    matches!(c,
        '\0'..='\u{7f}' | '\u{3001}' | '\u{3002}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fc}'
        | '\u{4e00}'..='\u{9fff}')
}

enum Run<'t> {
    Word(&'t str),
    Pairs(&'t str),
}

/// What a character is to the cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unspaced,
    Spaced,
    Between,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            c if c.is_ascii_alphanumeric() => Self::Spaced,
            c if c.is_ascii() => Self::Between,
            c if is_unspaced(c) => Self::Unspaced,
            c if c.is_alphanumeric() => Self::Spaced,
            _ => Self::Between,
        }
    }
}

/// Maximal runs of one kind; everything else parts them.
fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let mut chars = rest.char_indices().map(|(at, c)| (at, Kind::of(c)));
            let (_, first) = chars.next()?;
            let end = chars.find(|(_, kind)| *kind != first).map_or(rest.len(), |(at, _)| at);
            let (run, after) = rest.split_at_checked(end)?;
            rest = after;
            match first {
                Kind::Between => {}
                Kind::Spaced => return Some(Run::Word(run)),
                Kind::Unspaced => return Some(Run::Pairs(run)),
            }
        }
    })
}

/// Scripts written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        && c != '\u{30fb}'
}

fn push_word(word: &str, out: &mut String) {
    out.push_str(word.get(..word.floor_char_boundary(WORD_BYTES_MAX)).unwrap_or(word));
    out.push(' ');
}

/// Each character together with the next one, and the last one alone.
fn push_pairs(run: &str, out: &mut String) {
    let mut starts = run.char_indices().map(|(at, _)| at).chain([run.len()]).skip(1);
    let (mut from, mut middle) = (0, starts.next().unwrap_or(0));
    for to in starts {
        out.push_str(run.get(from..to).unwrap_or_default());
        out.push(' ');
        (from, middle) = (middle, to);
    }
    out.push_str(run.get(from..middle).unwrap_or_default());
    out.push(' ');
}

fn cut_ascii(text: &str, out: &mut String) {
    out.reserve(text.len() + 1);
    let mut length = 0_usize;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            if length == 0 && out.len() >= TEXT_BYTES_MAX {
                return;
            }
            if length < WORD_BYTES_MAX {
                out.push(char::from(byte.to_ascii_lowercase()));
            }
            length += 1;
        } else if length > 0 {
            out.push(' ');
            length = 0;
        }
    }
    if length > 0 {
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::{Phrase, cut, phrases};

    fn check_cut(text: &str, expected: &str) {
        let mut out = String::new();
        cut(text, &mut out);
        assert_eq!(out.trim_end(), expected, "{text}");
    }

    fn check_phrases(query: &str, expected: &[(&str, bool)]) {
        let found: Vec<(String, bool)> = phrases(query)
            .into_iter()
            .map(|Phrase { words, open }| (words.trim_end().to_owned(), open))
            .collect();
        let expected: Vec<(String, bool)> = expected.iter().map(|(w, o)| ((*w).to_owned(), *o)).collect();
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        check_cut("Cobalt-Strike v4.9 (C2)", "cobalt strike v4 9 c2");
        check_cut("Ｅｍｏｔｅｔ", "emotet");
        check_cut("Größe Δelta", "größe δelta");
        check_cut("H\u{331}afiz", "\u{1e96}afiz");
        check_cut("... --", "");
    }

    #[test]
    fn unspaced_scripts_become_pairs() {
        check_cut("攻撃者", "攻撃 撃者 者");
        check_cut("電力", "電力 力");
        check_cut("ﾏﾙｳｪｱ", "マル ルウ ウェ ェア ア");
        check_cut("APT29の攻撃", "apt29 の攻 攻撃 撃");
        check_cut("標的型・攻撃", "標的 的型 型 攻撃 撃");
    }

    #[test]
    fn what_is_settled_is_what_nfkc_leaves_alone() {
        use unicode_normalization::UnicodeNormalization;
        for c in ('\0'..=char::MAX).filter(|c| super::is_settled(*c)) {
            let around = format!("a{c}カ{c}");
            let slowly: String = around.nfkc().flat_map(char::to_lowercase).collect();
            assert_eq!(super::normalised(&around), slowly, "{c}");
        }
    }

    #[test]
    fn stop_words_are_sorted_for_binary_search() {
        assert!(super::STOP_WORDS.is_sorted());
    }

    #[test]
    fn queries_become_phrases() {
        check_phrases("cobalt stri", &[("cobalt", true), ("stri", true)]);
        check_phrases("the Escape to Host", &[("escape", true), ("host", true)]);
        check_phrases("command-and-control", &[("command and control", true)]);
        check_phrases("or", &[("or", true)]);
        check_phrases("192.0.2.1", &[("192 0 2 1", false)]);
        check_phrases("192.0.2.10 x", &[("192 0 2 10", true), ("x", false)]);
        check_phrases("攻撃", &[("攻撃", false)]);
        check_phrases("攻撃者", &[("攻撃 撃者", false)]);
        check_phrases("攻", &[("攻", true)]);
        check_phrases("電力　APT", &[("電力", false), ("apt", true)]);
        check_phrases("\" OR * ^", &[("or", true)]);
        check_phrases("-- !!", &[]);
    }

    #[test]
    fn a_long_text_and_a_long_word_are_cut() {
        let mut out = String::new();
        cut(&"ab ".repeat(1_000_000), &mut out);
        assert!(out.len() <= super::TEXT_BYTES_MAX + super::WORD_BYTES_MAX + 1, "{}", out.len());
        let mut out = String::new();
        cut(&"あ".repeat(1_000_000), &mut out);
        assert!(out.len() > 1000);
    }
}
