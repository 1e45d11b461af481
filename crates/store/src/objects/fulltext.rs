//! The table of words, which each database keeps in its own way: FTS5 in SQLite, a `tsvector` in PostgreSQL.

use crate::connection::{Bulk, Connection, Dialect};
use crate::words::Phrase;
use crate::{Reader, StoreError, Tx};

/// Bytes of words and places that one version has at most in PostgreSQL, which takes 1 MiB.
const VECTOR_BYTES_MAX: usize = 900_000;
/// The last place that a word can have there; later ones all have it, so that phrases end here.
const PLACE_MAX: u16 = (1 << 14) - 1;
/// Places of one word there.
const PLACES_MAX: usize = 255;
/// Words between the last of the name and the first of everything else, so that no phrase spans the two.
const GAP: usize = 2;
/// What a mention begins with, and no word does.
const MENTION: char = '~';
/// What a word of the name begins with, and no other word does: an index knows which versions bear a word and not where, and a word
/// that all versions bear and no name does would be looked for in every one of them.
const NAMED: char = '=';

/// Words on their way into the table.
pub(super) struct WordRows<'c> {
    rows: Bulk<'c>,
    dialect: Dialect,
}

impl<'c> WordRows<'c> {
    pub(super) fn new(connection: &'c Connection) -> Result<Self, StoreError> {
        let dialect = connection.dialect();
        let columns = match dialect {
            Dialect::Sqlite => "rowid, text",
            Dialect::Postgres => "sequence, words",
        };
        Ok(Self { rows: connection.bulk("words", columns)?, dialect })
    }

    /// Adds the words of a version: those of its name, of everything else, and its mentions, each with a space after it.
    pub(super) fn push(
        &mut self,
        sequence: i64,
        name: &str,
        rest: &str,
        mentions: &str,
    ) -> Result<(), StoreError> {
        match self.dialect {
            Dialect::Sqlite => self.rows.push((sequence, marked(name, rest, mentions))),
            Dialect::Postgres => self.rows.push((sequence, vector(name, rest, mentions))),
        }
    }
}

/// Takes the words of a version away.
pub(super) fn remove(tx: &Tx<'_>, sequence: i64) -> Result<(), StoreError> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => "DELETE FROM words WHERE rowid = ?1",
        Dialect::Postgres => "DELETE FROM words WHERE sequence = ?1",
    };
    tx.execute(sql, [sequence])?;
    Ok(())
}

/// The SQL that finds versions by their words.
pub(super) struct Finding {
    dialect: Dialect,
}

impl Finding {
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        Self { dialect: reader.dialect() }
    }

    /// The words joined to the log.
    pub(super) fn tables(&self) -> &'static str {
        match self.dialect {
            Dialect::Sqlite => "words CROSS JOIN log ON log.sequence = words.rowid",
            Dialect::Postgres => "words JOIN log ON log.sequence = words.sequence",
        }
    }

    /// The column by which hits are ordered.
    pub(super) fn sequence(&self) -> &'static str {
        match self.dialect {
            Dialect::Sqlite => "words.rowid",
            Dialect::Postgres => "words.sequence",
        }
    }

    /// The condition that the query in a parameter fits.
    pub(super) fn fits(&self, place: usize) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("words MATCH ?{place}"),
            Dialect::Postgres => format!("words.words @@ CAST(?{place} AS tsquery)"),
        }
    }

    /// The query for a mention.
    pub(super) fn mention(&self, word: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("\"{MENTION}{word}\""),
            Dialect::Postgres => format!("'{MENTION}{word}'"),
        }
    }

    /// The forms of a query for words; `None` where there are none.
    ///
    /// Words are letters and digits only, so nothing in them can be taken for an operator within quotes. What is begun only is asked
    /// for apart from whole words: for a beginning, the index gathers all places of all words that begin so before it gives one.
    pub(super) fn query(&self, phrases: &[Phrase]) -> Option<MatchQuery> {
        if phrases.is_empty() {
            return None;
        }
        let all = |place, whole| self.all(phrases, place, whole);
        let (name, text) = (all(Stands::InName, true), all(Stands::Anywhere, true));
        let mut by_fit = vec![(Fit::Name, name.clone())];
        if !phrases.iter().any(|phrase| phrase.open) {
            by_fit.push((Fit::Text, self.but(&text, &name)));
            return Some(MatchQuery { by_fit, whole: text, begun: None });
        }
        let (name_begun, text_begun) = (all(Stands::InName, false), all(Stands::Anywhere, false));
        let rest_begun = self.but(&text_begun, &name_begun);
        by_fit.extend([
            (Fit::NameBegun, self.but(&name_begun, &name)),
            (Fit::Text, self.but(&text, &name_begun)),
            (Fit::TextBegun, self.but(&rest_begun, &text)),
        ]);
        Some(MatchQuery { by_fit, whole: text, begun: Some(text_begun) })
    }

    /// That all phrases are there; `whole`: no word of theirs is only begun.
    fn all(&self, phrases: &[Phrase], place: Stands, whole: bool) -> String {
        let (form, and): (fn(&Phrase, Stands, bool) -> String, _) = match self.dialect {
            Dialect::Sqlite => (sqlite_phrase, " AND "),
            Dialect::Postgres => (postgres_phrase, " & "),
        };
        let all: Vec<String> =
            phrases.iter().map(|phrase| form(phrase, place, phrase.open && !whole)).collect();
        all.join(and)
    }

    /// What one query finds and another one does not.
    fn but(&self, query: &str, other: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("({query}) NOT ({other})"),
            Dialect::Postgres => format!("({query}) & !({other})"),
        }
    }
}

/// How well a hit fits a query; better ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// All words stand in the name.
    Name,
    /// They do when words may go on.
    NameBegun,
    /// All words are there.
    Text,
    /// They are when words may go on.
    TextBegun,
}

/// The forms of a query, in the database's language.
pub(super) struct MatchQuery {
    /// What fits how well, in this order; no two have a hit in common.
    pub(super) by_fit: Vec<(Fit, String)>,
    /// All that have the words.
    pub(super) whole: String,
    /// All that have words that begin so, where some may go on.
    pub(super) begun: Option<String>,
}

/// Where a phrase stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    InName,
    Anywhere,
}

fn sqlite_phrase(phrase: &Phrase, place: Stands, begun: bool) -> String {
    let open = if begun { " *" } else { "" };
    let mut named = String::with_capacity(phrase.words.len() * 2);
    mark(&phrase.words, NAMED, &mut named);
    let named = format!("\"{}\"{open}", named.trim_end());
    match place {
        Stands::InName => named,
        Stands::Anywhere => format!("(\"{}\"{open} OR {named})", phrase.words.trim_end()),
    }
}

fn postgres_phrase(phrase: &Phrase, place: Stands, begun: bool) -> String {
    let words: Vec<&str> = phrase.words.split_ascii_whitespace().collect();
    let last = words.len().saturating_sub(1);
    let form = |mark: &str| {
        let words = words.iter().enumerate().map(|(place, word)| {
            let open = if begun && place == last { ":*" } else { "" };
            format!("'{mark}{word}'{open}")
        });
        format!("({})", words.collect::<Vec<_>>().join(" <-> "))
    };
    let named = form(&NAMED.to_string());
    match place {
        Stands::InName => named,
        Stands::Anywhere => format!("({} | {named})", form("")),
    }
}

/// All that a version is found by, as one text.
fn marked(name: &str, rest: &str, mentions: &str) -> String {
    let mut words = String::with_capacity(name.len() * 2 + rest.len() + mentions.len() * 2);
    mark(name, NAMED, &mut words);
    words.push_str(rest);
    mark(mentions, MENTION, &mut words);
    words
}

/// Appends words, each with a mark before it and a space after it.
fn mark(words: &str, mark: char, out: &mut String) {
    for word in words.split_ascii_whitespace() {
        out.push(mark);
        out.push_str(word);
        out.push(' ');
    }
}

/// Words and their places in the binary form of a `tsvector`: how many; for each its bytes, a zero, how many places, and each
/// place. (Two bits above a place are for a weight; all have the lowest, 0.)
fn vector(name: &str, rest: &str, mentions: &str) -> Vec<u8> {
    let named = name.split_ascii_whitespace().count();
    let place = |place: usize| u16::try_from(place).unwrap_or(PLACE_MAX).min(PLACE_MAX);
    let beginning = |mark: char, words: &str| -> Vec<String> {
        words.split_ascii_whitespace().map(|word| format!("{mark}{word}")).collect()
    };
    let (names, mentions) = (beginning(NAMED, name), beginning(MENTION, mentions));
    let mut words: Vec<(&str, Option<u16>)> = mentions.iter().map(|word| (word.as_str(), None)).collect();
    words.extend((1..).zip(&names).map(|(at, word)| (word.as_str(), Some(place(at)))));
    words
        .extend((named + GAP..).zip(rest.split_ascii_whitespace()).map(|(at, word)| (word, Some(place(at)))));
    truncate(&mut words);
    // By word, then by place: a place stands once, and the places of one word rise.
    words.sort_unstable();
    words.dedup();

    let mut bytes = vec![0; 4];
    let mut count: u32 = 0;
    for same in words.chunk_by(|(a, _), (b, _)| a == b) {
        let places: Vec<u16> = same.iter().filter_map(|(_, place)| *place).take(PLACES_MAX).collect();
        bytes.extend_from_slice(same.first().map_or("", |(word, _)| word).as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&u16::try_from(places.len()).unwrap_or(0).to_be_bytes());
        bytes.extend(places.iter().flat_map(|place| place.to_be_bytes()));
        count += 1;
    }
    if let Some(head) = bytes.first_chunk_mut::<4>() {
        *head = count.to_be_bytes();
    }
    bytes
}

/// Leaves the last words out where all of them would be more than PostgreSQL takes.
fn truncate(words: &mut Vec<(&str, Option<u16>)>) {
    let mut bytes = 0;
    let fitting = words.iter().take_while(|(word, _)| {
        // Aligned, and with a number and a place, as if it stood once.
        bytes += word.len() + 6;
        bytes <= VECTOR_BYTES_MAX
    });
    let fitting = fitting.count();
    words.truncate(fitting);
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Finding, vector};
    use crate::words::phrases;

    #[test]
    fn a_vector_is_as_postgres_reads_it() {
        let expected = b"\0\0\0\x05\
            =a\0\0\x01\0\x01\
            =b\0\0\x01\0\x02\
            a\0\0\x01\0\x05\
            c\0\0\x01\0\x04\
            ~ff\0\0\0";
        // The name has places 1 and 2, the rest begins after a gap.
        assert_eq!(vector("a b ", "c a ", "ff "), expected);
    }

    #[test]
    fn queries_are_written_for_each() {
        let check = |typed: &str, dialect, expected: &[&str]| {
            let query = Finding { dialect }.query(&phrases(typed)).unwrap();
            let forms: Vec<&str> = query.by_fit.iter().map(|(_, form)| form.as_str()).collect();
            assert_eq!(forms, expected);
            assert!(query.by_fit.is_sorted_by_key(|(fit, _)| *fit));
        };
        check(
            "192.0 攻撃者",
            Dialect::Postgres,
            &[
                "('=192' <-> '=0') & ('=攻撃' <-> '=撃者')",
                "((('192' <-> '0') | ('=192' <-> '=0')) & (('攻撃' <-> '撃者') | ('=攻撃' <-> '=撃者'))) & \
                 !(('=192' <-> '=0') & ('=攻撃' <-> '=撃者'))",
            ],
        );
        check(
            "apt 攻",
            Dialect::Postgres,
            &[
                "('=apt') & ('=攻')",
                "(('=apt':*) & ('=攻':*)) & !(('=apt') & ('=攻'))",
                "((('apt') | ('=apt')) & (('攻') | ('=攻'))) & !(('=apt':*) & ('=攻':*))",
                "(((('apt':*) | ('=apt':*)) & (('攻':*) | ('=攻':*))) & !(('=apt':*) & ('=攻':*))) & \
                 !((('apt') | ('=apt')) & (('攻') | ('=攻')))",
            ],
        );
        check(
            "apt x",
            Dialect::Sqlite,
            &[
                "\"=apt\" AND \"=x\"",
                "(\"=apt\" * AND \"=x\") NOT (\"=apt\" AND \"=x\")",
                "((\"apt\" OR \"=apt\") AND (\"x\" OR \"=x\")) NOT (\"=apt\" * AND \"=x\")",
                "(((\"apt\" * OR \"=apt\" *) AND (\"x\" OR \"=x\")) NOT (\"=apt\" * AND \"=x\")) NOT ((\"apt\" OR \"=apt\") AND (\"x\" OR \"=x\"))",
            ],
        );
        assert!(Finding { dialect: Dialect::Postgres }.query(&phrases("--")).is_none());
    }
}
