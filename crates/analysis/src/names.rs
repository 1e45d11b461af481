//! Names that are nearly what was typed.
//!
//! A [`Dictionary`] holds every name under its *key* (see [`key`]) and each longer word of it under the word's. A look-up compares
//! lengths, then the sets of characters in one machine word each, and works out the edit distance for the few that are left: it
//! finds everything within the distance and never misses, whatever the length of the list.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

/// Terms of one dictionary at most; names beyond are found by their words only.
pub const TERMS_MAX: usize = 1_000_000;
/// Longest key in characters; longer names are sentences, which nobody types by heart.
const KEY_CHARS_MAX: usize = 64;
/// Shortest word of a name that is a term of its own.
const WORD_CHARS_MIN: usize = 4;
/// Holders of one term at most: a name that thousands bear tells nobody apart.
const HOLDERS_MAX: usize = 64;

/// Names and who bears them.
#[derive(Debug, Clone)]
pub struct Dictionary<H> {
    /// By the number of characters.
    by_length: Vec<Vec<Term<H>>>,
    places: HashMap<Box<str>, (usize, usize)>,
}

#[derive(Debug, Clone)]
struct Term<H> {
    /// Which characters are in it: one bit for each of 64 classes.
    signature: u64,
    key: Box<str>,
    /// Who bears it, and whether it is the whole name.
    holders: Vec<(H, bool)>,
}

/// A name that is near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near<H> {
    /// Who bears it.
    pub holder: H,
    /// Edits away: one is a letter put in, left out, exchanged, or swapped with its neighbour.
    pub distance: usize,
    /// Whether the whole name is near, and not only a word of it.
    pub is_whole: bool,
}

impl<H> Default for Dictionary<H> {
    fn default() -> Self {
        Self { by_length: Vec::new(), places: HashMap::new() }
    }
}

impl<H: Clone + Ord> Dictionary<H> {
    /// Adds a name.
    pub fn add(&mut self, name: &str, holder: &H) {
        let whole = key(name);
        for word in name.split(|c: char| !c.is_alphanumeric()) {
            let word = key(word);
            if word != whole && word.chars().count() >= WORD_CHARS_MIN {
                self.add_term(word, holder, false);
            }
        }
        self.add_term(whole, holder, true);
    }

    /// How many terms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Who bears a name near to what was typed: nearest first, whole names before words. Only holders that `admit` takes count,
    /// so that what is left out leaves no trace in the rest.
    pub fn near(&self, typed: &str, limit: usize, admit: impl Fn(&H) -> bool) -> Vec<Near<H>> {
        let wanted = key(typed);
        let length = wanted.chars().count();
        let distance_max = reach(length);
        let signature = signature(&wanted);
        let mut found: Vec<Near<H>> = Vec::new();
        let from = length.saturating_sub(distance_max);
        for term in self.by_length.iter().skip(from).take(length + distance_max + 1 - from).flatten() {
            // An exchange takes one character out and puts another one in: two bits at most for each edit.
            if (term.signature ^ signature).count_ones() as usize > 2 * distance_max {
                continue;
            }
            let distance = if *term.key == *wanted { 0 } else { strsim::osa_distance(&term.key, &wanted) };
            if distance > distance_max || length == 0 {
                continue;
            }
            for (holder, is_whole) in term.holders.iter().filter(|(holder, _)| admit(holder)) {
                found.push(Near { holder: holder.clone(), distance, is_whole: *is_whole });
            }
        }
        found.sort_by(|a, b| (a.distance, !a.is_whole, &a.holder).cmp(&(b.distance, !b.is_whole, &b.holder)));
        let mut told: Vec<Near<H>> = Vec::new();
        for near in found {
            if told.len() == limit {
                break;
            }
            if !told.iter().any(|known| known.holder == near.holder) {
                told.push(near);
            }
        }
        told
    }

    fn add_term(&mut self, key: String, holder: &H, is_whole: bool) {
        let length = key.chars().count();
        if !(1..=KEY_CHARS_MAX).contains(&length) {
            return;
        }
        if let Some((bucket, place)) = self.places.get(key.as_str()).copied() {
            let term = self.by_length.get_mut(bucket).and_then(|terms| terms.get_mut(place));
            if let Some(term) = term
                && term.holders.len() < HOLDERS_MAX
                && !term.holders.iter().any(|(known, whole)| known == holder && *whole == is_whole)
            {
                term.holders.push((holder.clone(), is_whole));
            }
            return;
        }
        if self.places.len() >= TERMS_MAX {
            return;
        }
        if self.by_length.len() <= length {
            self.by_length.resize_with(length + 1, Vec::new);
        }
        let Some(terms) = self.by_length.get_mut(length) else { return };
        self.places.insert(key.as_str().into(), (length, terms.len()));
        terms.push(Term {
            signature: signature(&key),
            key: key.into(),
            holders: vec![(holder.clone(), is_whole)],
        });
    }
}

/// How many edits a key of so many characters may be away: a short name with one letter changed is another name.
#[must_use]
pub fn reach(characters: usize) -> usize {
    match characters {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// What of a name counts when names are compared: NFKC, lower case, hiragana as katakana, no long-vowel mark at the end of
/// a word (サーバ and サーバー), and neither blanks nor punctuation (`Fancy-Bear`, `FancyBear`, `Fancy Bear`). A key is its own key.
#[must_use]
pub fn key(name: &str) -> String {
    // Some lower-case letters have a composed form that their capitals lack (H and a line below).
    let folded: String = name.nfkc().flat_map(char::to_lowercase).nfkc().map(as_katakana).collect();
    let words =
        folded.split(|c: char| !(c.is_alphanumeric() || c == 'ー')).map(|word| word.trim_end_matches('ー'));
    // What stood apart may compose now.
    words.flat_map(str::chars).nfkc().collect()
}

fn as_katakana(c: char) -> char {
    match c {
        'ぁ'..='ゖ' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
        c => c,
    }
}

fn signature(key: &str) -> u64 {
    key.chars().fold(0, |bits, c| bits | 1 << (u32::from(c).wrapping_mul(0x9e37_79b1) >> 26))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

    use super::*;

    fn check(names: &[&str], typed: &str, expected: &[&str]) {
        let mut dictionary = Dictionary::default();
        for name in names {
            dictionary.add(name, &(*name).to_owned());
        }
        let found: Vec<String> =
            dictionary.near(typed, 10, |_| true).into_iter().map(|near| near.holder).collect();
        assert_eq!(found, expected, "{typed}");
    }

    #[test]
    fn a_key_has_nothing_left_to_fold() {
        for (name, expected) in [
            ("サーバーー", "サーバ"),
            ("サー-バー", "サバ"),
            ("\u{1f6b}-\u{345}x", "\u{1fa3}x"),
            ("H\u{331}afiz", "\u{1e96}afiz"),
            ("\u{1100}-\u{1161}", "\u{ac00}"),
        ] {
            assert_eq!(key(name), expected);
            assert_eq!(key(expected), expected);
        }
    }

    #[test]
    fn names_are_found_however_they_are_written_and_nearly_so() {
        let names =
            ["Cobalt Strike", "Fancy Bear", "APT28", "APT29", "エモテット", "Lazarus Group", "標的型攻撃"];
        check(&names, "cobalt strkie", &["Cobalt Strike"]);
        check(&names, "CobaltStrike", &["Cobalt Strike"]);
        check(&names, "fancy-bear", &["Fancy Bear"]);
        check(&names, "lazrus", &["Lazarus Group"]);
        check(&names, "エモテト", &["エモテット"]);
        check(&names, "えもてっとー", &["エモテット"]);
        check(&names, "apt28", &["APT28", "APT29"]);
        check(&names, "標的形攻撃", &["標的型攻撃"]);
        check(&names, "apt", &[]);
        check(&names, "", &[]);
        check(&names, "completely different", &[]);
    }

    #[test]
    fn what_is_not_admitted_neither_shows_nor_takes_a_place() {
        let mut dictionary = Dictionary::default();
        for holder in 0..40 {
            dictionary.add("Emotet", &holder);
        }
        let found = dictionary.near("emotett", 3, |holder| *holder >= 38);
        assert_eq!(found.iter().map(|near| near.holder).collect::<Vec<_>>(), [38, 39]);
    }

    fn word() -> impl Strategy<Value = String> {
        prop_oneof!["[a-e]{0,10}", "[ア-オ]{0,9}", "[a-c]{1,4}[ -][a-c]{1,4}"]
    }

    proptest! {
        #[test]
        fn nothing_within_reach_is_missed(names in prop::collection::vec(word(), 1..40), typed in word()) {
            let mut dictionary = Dictionary::default();
            for name in &names {
                dictionary.add(name, name);
            }
            let found = dictionary.near(&typed, usize::MAX, |_| true);
            let typed_key = key(&typed);
            for name in &names {
                let near = !typed_key.is_empty()
                    && !key(name).is_empty()
                    && strsim::osa_distance(&key(name), &typed_key) <= reach(typed_key.chars().count());
                if near {
                    assert!(found.iter().any(|one| one.holder == *name), "{name} for {typed}");
                }
            }
        }

        #[test]
        fn a_key_is_its_own_key(name in any::<String>(), _unit in Just(())) {
            assert_eq!(key(&key(&name)), key(&name));
        }
    }
}
