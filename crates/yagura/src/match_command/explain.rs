//! Why a match is one, for the person who has to act on it (`--explain`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};

use analysis::decay::Decay;
use anstyle::Style;
use jiff::Timestamp;
use matcher::{Covers, Explanation, Indicator, Match, Reach, UrlMode, WarningLists};
use serde::Serialize;
use stix::Id;

use crate::match_command::report::{Beside, Met, clean};

/// What a match is explained with.
pub(crate) struct Explainer {
    patterns: HashMap<Id, (stix::Timestamp, String)>,
    lists: WarningLists,
    reach: Reach,
    any_time: bool,
    japanese: bool,
}

/// One explanation, for programs.
#[derive(Serialize)]
pub(crate) struct Explained<'a> {
    pattern: &'a str,
    observations: Vec<Observed<'a>>,
    valid_from: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    /// The record's time; where it bore none, when it was read.
    record_time: Timestamp,
    /// Records from any time were asked for.
    any_time: bool,
    covers: &'static str,
    urls: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<u8>,
    /// Of the confidence what is left by the indicator's age, 0–1; of the kind of value that lives longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_by_age: Option<f64>,
    warning_lists_asked: usize,
    on_warning_lists: Vec<&'a str>,
}

/// One observation of the pattern and the records that met it.
#[derive(Serialize)]
struct Observed<'a> {
    text: String,
    /// Whether this record satisfies it.
    holds: bool,
    tests: Vec<Tested>,
    /// The other records that it was met by.
    with: Vec<&'a Beside>,
}

#[derive(Serialize)]
struct Tested {
    text: String,
    holds: bool,
    met: Vec<Meeting>,
}

#[derive(Serialize)]
struct Meeting {
    field: String,
    value: String,
    canonical: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<String>,
}

impl Explainer {
    pub(crate) fn new(indicators: &[Indicator], reach: Reach, any_time: bool, japanese: bool) -> Self {
        let mut patterns: HashMap<Id, (stix::Timestamp, String)> = HashMap::with_capacity(indicators.len());
        for Indicator { id, version, pattern, .. } in indicators {
            match patterns.entry(id.clone()) {
                Entry::Vacant(free) => drop(free.insert((version.clone(), pattern.clone()))),
                Entry::Occupied(mut known) if known.get().0 < *version => {
                    known.insert((version.clone(), pattern.clone()));
                }
                Entry::Occupied(_) => {}
            }
        }
        Self { patterns, lists: WarningLists::none(), reach, any_time, japanese }
    }

    /// With the lists that the indicators were held against.
    pub(crate) fn asking(self, lists: WarningLists) -> Self {
        Self { lists, ..self }
    }

    /// Why the record matches; `None` where the indicator's text is not at hand.
    pub(crate) fn explain<'a>(&'a self, met: &'a Met<'_>, found: &Match<'_>) -> Option<Explained<'a>> {
        let (_, pattern) = self.patterns.get(&found.indicator.id())?;
        let Explanation { observations } = matcher::explain(pattern, self.reach, found.observation)?;
        let others = |number: usize| {
            let with = met.with.iter().zip(found.bound_as);
            with.filter(move |(_, as_what)| as_what.iter().any(|of| *of as usize == number))
                .map(|(beside, _)| beside)
        };
        let hits = found.hits.iter().filter_map(|hit| found.observation.values.get(*hit));
        let mut on_lists: Vec<&str> =
            hits.filter_map(|value| self.lists.list_of(value.kind, &value.value)).collect();
        on_lists.dedup();
        Some(Explained {
            pattern,
            observations: observations
                .into_iter()
                .enumerate()
                .map(|(number, observed)| Observed {
                    with: others(number).collect(),
                    text: observed.text,
                    holds: observed.holds,
                    tests: observed.tests.into_iter().map(Tested::from).collect(),
                })
                .collect(),
            valid_from: found.indicator.valid_from(),
            valid_until: found.indicator.valid_until(),
            record_time: found.place.time,
            any_time: self.any_time,
            covers: match self.reach.covers {
                Covers::Host => "host",
                Covers::Subtree => "subtree",
            },
            urls: match self.reach.urls {
                UrlMode::Exact => "exact",
                UrlMode::WithoutQuery => "without-query",
                UrlMode::Prefix => "prefix",
            },
            confidence: found.indicator.confidence(),
            left_by_age: left_by_age(found),
            warning_lists_asked: self.lists.names().len(),
            on_warning_lists: on_lists,
        })
    }

    /// The words of a line's beginning.
    fn label(&self, english: &'static str, japanese: &'static str) -> &'static str {
        if self.japanese { japanese } else { english }
    }

    /// Writes an explanation below its match.
    pub(crate) fn write(
        &self,
        out: &mut dyn Write,
        explained: &Explained<'_>,
        (faint, value): (Style, Style),
    ) -> io::Result<()> {
        let mut line = |label: &str, text: &str| writeln!(out, "    {faint}{label}{faint:#}  {text}");
        line(self.label("pattern", "パターン"), &clean(explained.pattern))?;
        let many = explained.observations.len() > 1;
        for observed in &explained.observations {
            if many {
                line(self.label("part", "部分"), &self.part(observed))?;
            }
            for tested in observed.tests.iter().filter(|tested| tested.holds) {
                for met in &tested.met {
                    let (field, shown) = (clean(&met.field), clean(&met.canonical));
                    let as_read = if met.canonical == met.value {
                        String::new()
                    } else {
                        format!(" ← {}", clean(&met.value))
                    };
                    let below =
                        met.within.as_deref().map_or_else(String::new, |wide| format!(" ⊂ {}", clean(wide)));
                    let text = clean(&tested.text);
                    line(
                        self.label("met", "一致"),
                        &format!("{field} = {value}{shown}{value:#}{as_read}{below}  {text}"),
                    )?;
                }
                if tested.met.is_empty() {
                    line(self.label("holds", "成立"), &clean(&tested.text))?;
                }
            }
        }
        line(self.label("valid", "有効"), &self.validity(explained))?;
        let confidence = self.confidence(explained);
        line(self.label("confidence", "確信度"), &confidence)?;
        line(self.label("warning lists", "警告リスト"), &self.asked(explained))?;
        line(self.label("covers", "範囲"), &format!("{}, {}", explained.covers, explained.urls))
    }

    fn confidence(&self, explained: &Explained<'_>) -> String {
        let Some(stated) = explained.confidence else {
            return self.label("none stated", "記載なし").to_owned();
        };
        match explained.left_by_age {
            None => stated.to_string(),
            Some(left) => {
                let now = self.label("worth by its age", "経過時間を考慮すると");
                format!("{stated}; {now} {:.0}", f64::from(stated) * left)
            }
        }
    }

    /// Which records satisfied one of several observations.
    fn part(&self, observed: &Observed<'_>) -> String {
        let this = observed.holds.then(|| self.label("this record", "この記録").to_owned());
        let others = observed.with.iter().map(|beside| match beside {
            Beside::Line(line) => format!("+{line}"),
            Beside::File { file, line } => format!("+{}:{line}", clean(file)),
        });
        let records: Vec<String> = this.into_iter().chain(others).collect();
        let records = if records.is_empty() { "–".to_owned() } else { records.join(" ") };
        format!("{}: {records}", clean(&observed.text))
    }

    fn validity(&self, explained: &Explained<'_>) -> String {
        let Explained { valid_from, record_time, any_time, .. } = explained;
        let until = explained
            .valid_until
            .map_or_else(|| self.label("open-ended", "期限なし").to_owned(), |until| until.to_string());
        let record = self.label("record of", "記録の時刻");
        let asked = if *any_time {
            self.label(" (any time was asked for)", "（期間を問わず照合）")
        } else {
            ""
        };
        format!("{valid_from} – {until}; {record} {record_time}{asked}")
    }

    fn asked(&self, explained: &Explained<'_>) -> String {
        let count = explained.warning_lists_asked;
        match (explained.on_warning_lists.as_slice(), self.japanese) {
            ([], false) => format!("{count} asked, on none"),
            ([], true) => format!("{count} 件を照会、該当なし"),
            (on, false) => format!("{count} asked; a value is on {}", clean(&on.join(", "))),
            (on, true) => format!("{count} 件を照会、該当：{}", clean(&on.join("、"))),
        }
    }
}

/// MISP's polynomial by the time from the indicator's version to the record, as the hub's scores have it.
fn left_by_age(found: &Match<'_>) -> Option<f64> {
    found.indicator.confidence()?;
    let version = stix::Timestamp::parse(&found.indicator.version()).ok()?.instant()?;
    let days = (found.place.time - version).total(jiff::Unit::Hour).ok()? / 24.0;
    let values = found.hits.iter().filter_map(|hit| found.observation.values.get(*hit));
    values.map(|value| Decay::of(value.kind).left_after(days)).max_by(f64::total_cmp)
}

impl From<matcher::Tested> for Tested {
    fn from(tested: matcher::Tested) -> Self {
        let met = tested.met.into_iter().map(|matcher::Meeting { field, value, canonical, within }| {
            Meeting { field, value, canonical, within }
        });
        Self { text: tested.text, holds: tested.holds, met: met.collect() }
    }
}
