//! Matches of Sigma rules.

use std::io::{self, Write};
use std::path::Path;

use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Event, FAINT, FIELD, FILE, LINE, Report, VALUE, clean};

/// One match for programs.
#[derive(Serialize)]
struct MatchForPrograms<'a> {
    file: &'a str,
    line: u64,
    rule: Rule<'a>,
    /// The fields that the rule is met by; for a correlation, what it groups by.
    fields: Vec<Field<'a>>,
    /// What a correlation counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<f64>,
    event: Event<'a>,
}

#[derive(Serialize)]
struct Rule<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'a str>,
    /// The indicator whose pattern the rule is.
    #[serde(skip_serializing_if = "Option::is_none")]
    indicator: Option<&'a str>,
    /// The file that the rule stands in, and the line on which it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    line: u32,
}

#[derive(Serialize)]
struct Field<'a> {
    field: &'a str,
    value: &'a Value,
}

impl Report {
    /// Writes one match of a rule, on a line of a log.
    pub(crate) fn show_rule(
        &mut self,
        path: &Path,
        line: u64,
        found: &sigma::Match<'_>,
        progress: &ProgressBar,
    ) {
        let file = path.to_string_lossy();
        let written = if self.json {
            self.show_rule_to_programs(&file, line, found)
        } else {
            self.show_rule_to_people(&file, line, found)
        };
        self.waiting = true;
        self.note(&written);
        if self.out.buffer().len() > 1 << 15 {
            self.flush(progress);
        }
    }

    fn show_rule_to_programs(&mut self, file: &str, line: u64, found: &sigma::Match<'_>) -> io::Result<()> {
        let text = std::str::from_utf8(found.text).unwrap_or_default().trim();
        let event = match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) if text.starts_with('{') => Event::Json(raw),
            _ => Event::Text(text),
        };
        let rule = found.rule;
        let (indicator, of_file) = match &rule.origin {
            sigma::Origin::Indicator(indicator) => (Some(indicator.id.as_str()), None),
            sigma::Origin::File(name) => (None, Some(&**name)),
        };
        let shown = MatchForPrograms {
            file,
            line,
            rule: Rule {
                id: rule.id.as_deref(),
                title: &rule.title,
                level: rule.level,
                indicator,
                file: of_file,
                line: rule.line,
            },
            fields: found.met.iter().map(|met| Field { field: &met.field, value: &met.value }).collect(),
            count: found.count,
            event,
        };
        serde_json::to_writer(&mut self.out, &shown)?;
        self.out.write_all(b"\n")
    }

    fn show_rule_to_people(&mut self, file: &str, line: u64, found: &sigma::Match<'_>) -> io::Result<()> {
        let out = &mut self.out;
        write!(out, "{FILE}{}{FILE:#}:{LINE}{line}{LINE:#}:", clean(file))?;
        for met in found.met {
            let value = met.value.as_str().map_or_else(|| met.value.to_string(), str::to_owned);
            write!(out, " {FIELD}{}{FIELD:#}={VALUE}{}{VALUE:#}", clean(&met.field), clean(&value))?;
        }
        if let Some(count) = found.count {
            write!(out, " ×{count}")?;
        }
        let rule = found.rule;
        let level = rule.level.map(|level| format!(" [{level}]")).unwrap_or_default();
        writeln!(out, "  {}{level}  {FAINT}{}{FAINT:#}", clean(&rule.title), clean(rule.origin.name()))
    }
}
