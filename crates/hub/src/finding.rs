//! What is searched for, and how it is found: the one way for the search page, its facets and the alerts of saved searches.

use std::sync::Arc;

use analysis::names::Dictionary;
use api::{Code, SearchTerms};
use oversight::{OrganisationId, Realm};
use policy::{LabelKey, TlpLabel, Visible};
use serde_json::Value;
use stix::Id;
use stix::observable::{ValueKind, recognise};
use store::objects::{COUNT_MAX, Change, Place, Row, SearchFilter, TailFilter, Within};
use store::openings::View;
use store::{Reader, StoreError, labels, objects};

use crate::api::summaries::parse;
use crate::names::Names;
use crate::problem::{Answer, Failure};

/// Most objects looked at for an exact value.
pub(crate) const VALUE_MENTIONS_MAX: usize = 500;
/// Most hits that a search is told of at once.
const NEWS_MAX: usize = 1_000;
/// Longest query, in characters.
const QUERY_CHARACTERS_MAX: usize = 500;
/// Most values of one filter.
const FILTER_VALUES_MAX: usize = 64;
/// Objects with similar names that are told of.
const SIMILAR_MAX: usize = 8;

/// What is searched for, read and judged.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) words: String,
    pub(crate) value: Option<(ValueKind, String)>,
    types: Vec<String>,
    tlp: Vec<TlpLabel>,
    originators: Vec<OrganisationId>,
    pub(crate) confidence: Option<u8>,
    pub(crate) revoked: bool,
}

/// What is new to a search.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) rows: Vec<Row>,
    /// How far was looked.
    pub(crate) through: Place,
    /// Whether there is more to look at.
    pub(crate) more: bool,
}

/// The labels that a reader's filters leave.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// What the reader may see.
    pub(crate) visible: Arc<Visible>,
    /// Of that, what the filters by TLP and originator leave; `None`: all.
    pub(crate) labels: Option<Vec<LabelKey>>,
}

impl Terms {
    /// # Errors
    /// What is too long or not a value of its filter.
    pub(crate) fn read(terms: &SearchTerms) -> Answer<Self> {
        let bad = |detail: String| Failure::new(Code::BadRequest, detail);
        let words = terms.query.trim().to_owned();
        if words.chars().count() > QUERY_CHARACTERS_MAX {
            return Err(bad(format!("query: more than {QUERY_CHARACTERS_MAX} characters")));
        }
        for (name, values) in
            [("type", &terms.types), ("tlp", &terms.tlp), ("originator", &terms.originators)]
        {
            if values.len() > FILTER_VALUES_MAX {
                return Err(bad(format!("{name}: more than {FILTER_VALUES_MAX} values")));
            }
        }
        let level = |word: &String| {
            TlpLabel::from_word(word).ok_or_else(|| bad(format!("tlp: `{word}` is not a level")))
        };
        let originator = |id: &String| {
            OrganisationId::parse(id).ok_or_else(|| bad(format!("originator: `{id}` is not a short name")))
        };
        Ok(Self {
            value: recognise(&words),
            words,
            types: terms.types.clone(),
            tlp: terms.tlp.iter().map(level).collect::<Answer<_>>()?,
            originators: terms.originators.iter().map(originator).collect::<Answer<_>>()?,
            confidence: terms.confidence.filter(|least| *least > 0),
            revoked: terms.revoked,
        })
    }

    pub(crate) fn types(&self) -> Vec<&str> {
        self.types.iter().map(String::as_str).collect()
    }

    /// The labels that the filters leave of what the reader may see.
    pub(crate) fn scope(
        &self,
        reader: &Reader<'_>,
        realm: &Realm,
        visible: Arc<Visible>,
    ) -> Result<Scope, StoreError> {
        if self.tlp.is_empty() && self.originators.is_empty() {
            return Ok(Scope { visible, labels: None });
        }
        let fits = |label: &policy::Label| {
            (self.tlp.is_empty() || self.tlp.contains(&label.tlp))
                && (self.originators.is_empty() || self.originators.contains(&label.originator))
        };
        let known = labels::all(reader, realm)?;
        let left = known.into_iter().filter(|(key, label)| visible.contains(*key) && fits(label));
        Ok(Scope { labels: Some(left.map(|(key, _)| key).collect()), visible })
    }

    /// Whether a version fits the filters beside the words.
    pub(crate) fn takes(&self, row: &Row, scope: &Scope) -> Result<bool, StoreError> {
        let is_of_type =
            self.types.is_empty() || self.types.iter().any(|wanted| wanted == row.id.object_type());
        if !is_of_type || (row.revoked && !self.revoked) || !scope.takes(row.label) {
            return Ok(false);
        }
        match self.confidence {
            None => Ok(true),
            Some(least) => {
                let stated = parse(row)?.get("confidence").and_then(Value::as_u64);
                Ok(stated.is_some_and(|stated| stated >= u64::from(least)))
            }
        }
    }

    /// The versions that mention the exact value, newest first, where the words are one and something mentions it.
    pub(crate) fn by_value(
        &self,
        reader: &Reader<'_>,
        realm: &Realm,
        scope: &Scope,
    ) -> Result<Option<Vec<Row>>, StoreError> {
        let Some((kind, value)) = &self.value else { return Ok(None) };
        let rows = objects::mentioning(reader, realm, &scope.visible, *kind, value, VALUE_MENTIONS_MAX)?;
        // What looks like a value and is none of ours may still be a word of a text: `update.exe`, `rundll32.dll`.
        let rows = self.fitting(rows, scope)?;
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }

    /// Up to [`COUNT_MAX`] hits of the words, those in the name first.
    pub(crate) fn by_words(
        &self,
        reader: &Reader<'_>,
        realm: &Realm,
        scope: &Scope,
        newer_than: i64,
    ) -> Result<Vec<Row>, StoreError> {
        let types = self.types();
        let filter = SearchFilter {
            visible: &scope.visible,
            query: &self.words,
            types: &types,
            revoked: self.revoked,
            after: None,
            limit: usize::try_from(COUNT_MAX).unwrap_or(usize::MAX),
        };
        let hits = objects::search_within(reader, realm, &filter, scope.narrow(newer_than))?;
        self.fitting(hits.rows, scope)
    }

    /// What came in behind a place of the reader's view, or was opened there, and fits. With words it is looked through at once, and
    /// [`NEWS_MAX`] of it are given; without, piece by piece.
    pub(crate) fn since(
        &self,
        reader: &Reader<'_>,
        realm: &Realm,
        (scope, view): (&Scope, &View),
        place: Place,
    ) -> Result<News, StoreError> {
        if !self.words.is_empty() {
            let newest = objects::newest_sequence(reader)?.max(place.sequence);
            let mut rows = self.newer_than(reader, realm, scope, place.sequence)?;
            let opened = place.opened_ahead(view);
            if !opened.is_empty() {
                let visible = scope.visible.narrowed(|label| opened.contains(&label));
                let behind = Scope { visible: Arc::new(visible), labels: scope.labels.clone() };
                let found = self.newer_than(reader, realm, &behind, 0)?;
                rows.extend(found.into_iter().filter(|row| row.sequence <= place.sequence));
            }
            rows.truncate(NEWS_MAX);
            return Ok(News { rows, through: Place::behind(newest, view), more: false });
        }
        let types = self.types();
        let filter = TailFilter {
            visible: &scope.visible,
            after: place.sequence,
            types: &types,
            last_only: true,
            limit: objects::TAIL_MAX,
        };
        let tail = objects::tail_in_view(reader, realm, &filter, view, place)?;
        let added = tail.changes.into_iter().filter_map(|(_, change)| match change {
            Change::Added(row) => Some(row),
            Change::Removed { .. } => None,
        });
        Ok(News { rows: self.fitting(added.collect(), scope)?, through: tail.through, more: tail.more })
    }

    /// What fits, exact value or words, and stands behind a sequence of the log.
    fn newer_than(
        &self,
        reader: &Reader<'_>,
        realm: &Realm,
        scope: &Scope,
        after: i64,
    ) -> Result<Vec<Row>, StoreError> {
        let Some((kind, value)) = &self.value else { return self.by_words(reader, realm, scope, after) };
        let all = objects::mentioning(reader, realm, &scope.visible, *kind, value, VALUE_MENTIONS_MAX)?;
        let mut rows = self.fitting(all, scope)?;
        rows.retain(|row| row.sequence > after);
        Ok(rows)
    }

    /// Objects whose names are nearly what was typed, without those that were found.
    pub(crate) fn similar(
        &self,
        names: &Names,
        reader: &Reader<'_>,
        realm: &Realm,
        scope: &Scope,
        found: &[Row],
    ) -> Result<Vec<Row>, StoreError> {
        if self.words.is_empty() {
            return Ok(Vec::new());
        }
        let mut similar = Vec::new();
        for id in names.near(&self.words, &scope.visible) {
            if similar.len() == SIMILAR_MAX {
                break;
            }
            if found.iter().any(|row| row.id == id) {
                continue;
            }
            let Some(row) = objects::get(reader, realm, &scope.visible, &id)? else { continue };
            // What it is called now, for this reader, decides; the list also knows former names.
            if self.takes(&row, scope)? && is_called_nearly(&row, &self.words)? {
                similar.push(row);
            }
        }
        Ok(similar)
    }

    fn fitting(&self, rows: Vec<Row>, scope: &Scope) -> Result<Vec<Row>, StoreError> {
        let mut fit = Vec::with_capacity(rows.len());
        for row in rows {
            if self.takes(&row, scope)? {
                fit.push(row);
            }
        }
        Ok(fit)
    }
}

impl Scope {
    /// Whether the filters leave a label.
    pub(crate) fn takes(&self, label: LabelKey) -> bool {
        self.labels.as_ref().is_none_or(|left| left.binary_search(&label).is_ok())
    }

    pub(crate) fn narrow(&self, newer_than: i64) -> Within<'_> {
        Within { labels: self.labels.as_deref(), newer_than }
    }
}

fn is_called_nearly(row: &Row, typed: &str) -> Result<bool, StoreError> {
    let mut dictionary: Dictionary<Id> = Dictionary::default();
    for name in objects::names(&parse(row)?) {
        dictionary.add(&name, &row.id);
    }
    Ok(!dictionary.near(typed, 1, |_| true).is_empty())
}
