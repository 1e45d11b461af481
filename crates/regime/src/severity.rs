//! How grave an incident is: a scheme as data, and a proposal with its reasons. A person declares.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::event::is_id;
use crate::problem::{Problems, read_toml};
use crate::{Basis, Text, Verified};

/// The highest level.
const LEVEL_MAX: u8 = 5;
/// The most factors, and choices of one.
const FACTORS_MAX: usize = 32;

/// One level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// 0 to 5.
    pub level: u8,
    /// What it is called.
    pub name: Text,
    /// Its colour, `#RRGGBB`. Never shown without number and name.
    pub colour: String,
    /// The scores from which on it is this level.
    pub from_score: u8,
}

/// One thing that makes an incident grave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// Its name in the file.
    pub id: String,
    /// What it is called.
    pub name: Text,
    /// How much it counts.
    pub weight: u16,
    /// What there is to answer: name, words, score from 0 to 100.
    pub choices: Vec<(String, Text, u8)>,
}

/// A scheme of six levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// The levels, 0 to 5.
    pub levels: Vec<Level>,
    /// From this level on an incident is significant: agencies come together.
    pub significant_from: u8,
    /// What is weighed.
    pub factors: Vec<Factor>,
    /// Incidents of a campaign against so many organisations are one level graver: a mean of factors cannot see that.
    pub campaign_from: u16,
    /// What levels and factors rest on.
    pub basis: Basis,
    /// What weights and scores rest on.
    pub weights_basis: Basis,
}

/// What the scheme proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The level, 0 to 5.
    pub level: u8,
    /// The weighted mean of what was answered, 0 to 100, rounded.
    pub score: u8,
    /// What was answered, the greatest share first: factor, answer, its share of the score in hundredths.
    pub reasons: Vec<(String, String, u32)>,
    /// What nobody has answered.
    pub unanswered: Vec<String>,
    /// Whether the level was raised because others are hit too.
    pub campaign: bool,
    /// Whether it is significant.
    pub significant: bool,
}

impl Scheme {
    /// The level of that number.
    #[must_use]
    pub fn level(&self, level: u8) -> Option<&Level> {
        self.levels.get(usize::from(level))
    }

    /// Proposes a level from answers (factor → choice) and the number of organisations that the campaign hits. Nothing where no factor
    /// is answered: an incident of which nothing is known has no severity.
    #[must_use]
    pub fn propose(&self, answers: &BTreeMap<String, String>, organisations: u16) -> Option<Proposal> {
        let mut weighed = Vec::new();
        let mut unanswered = Vec::new();
        for factor in &self.factors {
            let answer = answers.get(&factor.id);
            let choice = answer.and_then(|answer| factor.choices.iter().find(|(id, _, _)| id == answer));
            match choice {
                Some((id, _, score)) => {
                    weighed.push((factor, id, u32::from(factor.weight) * u32::from(*score)));
                }
                None => unanswered.push(factor.id.clone()),
            }
        }
        let weights: u32 = weighed.iter().map(|(factor, _, _)| u32::from(factor.weight)).sum();
        let sum: u32 = weighed.iter().map(|(_, _, points)| points).sum();
        let score = u8::try_from((sum + weights / 2).checked_div(weights)?).unwrap_or(100);
        let base =
            self.levels.iter().rev().find(|level| level.from_score <= score).map_or(0, |level| level.level);
        let campaign = organisations >= self.campaign_from && base < LEVEL_MAX;
        let level = base + u8::from(campaign);
        weighed.sort_by(|a, b| (b.2, &a.0.id).cmp(&(a.2, &b.0.id)));
        let share = |points: u32| (points * 100).checked_div(sum).unwrap_or(0);
        let reasons = weighed
            .iter()
            .map(|(factor, id, points)| (factor.id.clone(), (*id).clone(), share(*points)))
            .collect();
        Some(Proposal {
            level,
            score,
            reasons,
            unanswered,
            campaign,
            significant: level >= self.significant_from,
        })
    }

    /// Reads the file of severity.
    pub(crate) fn read(text: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let raw: RawScheme = read_toml(text, problems)?;
        let levels: Vec<Level> = raw.level.into_iter().map(|raw| level(raw, problems)).collect();
        let rises = levels.windows(2).all(|pair| match pair {
            [a, b] => a.level + 1 == b.level && a.from_score < b.from_score,
            _ => true,
        });
        let whole = levels.len() == usize::from(LEVEL_MAX) + 1;
        if !rises || !whole || levels.first().is_some_and(|first| first.level != 0 || first.from_score != 0) {
            problems.error("level", "six levels, 0 to 5, the first from score 0 and each from a higher one");
        }
        if raw.factor.is_empty() || raw.factor.len() > FACTORS_MAX {
            problems.error("factor", "1 to 32 factors are needed");
        }
        if !(1..=LEVEL_MAX).contains(&raw.significant_from) {
            problems.error("significant_from", "a level from 1 to 5");
        }
        if raw.campaign_from < 2 {
            problems.error("campaign_from", "a campaign hits at least two organisations");
        }
        let factors: Vec<Factor> =
            raw.factor.into_iter().take(FACTORS_MAX).map(|raw| factor(raw, problems)).collect();
        let names: BTreeSet<&str> = factors.iter().map(|factor| factor.id.as_str()).collect();
        if names.len() < factors.len() {
            problems.error("factor", "two factors have one name");
        }
        let basis = basis(raw.basis, "basis", problems)?;
        let weights_basis = self::basis(raw.weights_basis, "weights_basis", problems)?;
        let (significant_from, campaign_from) = (raw.significant_from, raw.campaign_from);
        Some(Self { levels, significant_from, factors, campaign_from, basis, weights_basis })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScheme {
    significant_from: u8,
    campaign_from: u16,
    basis: RawBasis,
    weights_basis: RawBasis,
    level: Vec<RawLevel>,
    factor: Vec<RawFactor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBasis {
    verified: Verified,
    source: String,
    url: Option<String>,
    date: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLevel {
    level: u8,
    name: Text,
    colour: String,
    from_score: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFactor {
    id: String,
    name: Text,
    weight: u16,
    choices: Vec<RawChoice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChoice {
    id: String,
    ja: String,
    en: String,
    score: u8,
}

fn basis(raw: RawBasis, key: &str, problems: &mut Problems<'_>) -> Option<Basis> {
    let date = raw.date.parse().ok().filter(|_| !raw.source.trim().is_empty());
    if date.is_none() {
        problems.error(key, "a basis has a source and a day such as 2026-11-29");
    }
    Some(Basis { verified: raw.verified, source: raw.source, url: raw.url, date: date? })
}

fn level(raw: RawLevel, problems: &mut Problems<'_>) -> Level {
    let key = format!("level.{}", raw.level);
    if let Some(fault) = raw.name.fault() {
        problems.error(&key, fault);
    }
    let digits = raw.colour.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        problems.error(format!("{key}.colour"), "a colour is written #CC0033");
    }
    if raw.from_score > 100 {
        problems.error(format!("{key}.from_score"), "a score is 0 to 100");
    }
    Level { level: raw.level, name: raw.name, colour: raw.colour, from_score: raw.from_score }
}

fn factor(raw: RawFactor, problems: &mut Problems<'_>) -> Factor {
    let key = format!("factor.{}", raw.id.chars().filter(|c| !c.is_control()).take(60).collect::<String>());
    if !is_id(&raw.id)
        || !(1..=1_000).contains(&raw.weight)
        || !(2..=FACTORS_MAX).contains(&raw.choices.len())
    {
        problems.error(&key, "a factor has a name, a weight of 1 to 1,000 and 2 to 32 choices");
    }
    if let Some(fault) = raw.name.fault() {
        problems.error(&key, fault);
    }
    let mut choices: Vec<(String, Text, u8)> = Vec::new();
    for choice in raw.choices {
        let text = Text { ja: choice.ja, en: choice.en };
        let twice = choices.iter().any(|(id, _, _)| *id == choice.id);
        if !is_id(&choice.id) || twice || text.fault().is_some() || choice.score > 100 {
            problems.error(
                &key,
                "each choice has a name of its own, words in both languages and a score of 0 to 100",
            );
        }
        choices.push((choice.id, text, choice.score));
    }
    Factor { id: raw.id, name: raw.name, weight: raw.weight, choices }
}
