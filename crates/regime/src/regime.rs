//! One regime: what a file of `regimes/` says.

use serde::Serialize;
use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::event::Moment;
use crate::{Basis, Calendar, Condition, Length, Text, Verified};

/// A law, or a part of one, that asks for reports.
#[derive(Debug, Clone)]
pub struct Regime {
    /// Its name, e.g. `jp.ppc`.
    pub id: String,
    /// What it is called.
    pub name: Text,
    /// Who is reported to.
    pub authority: Text,
    /// The statute.
    pub law: Option<Text>,
    /// What else a person should know.
    pub note: Option<Text>,
    /// Whether it is in use here. One whose rule is not final is shipped and not in use.
    pub enabled: bool,
    /// The first day on which it applies.
    pub effective: Option<Date>,
    /// The authority's time zone, by its name in the IANA database.
    pub zone_name: String,
    /// The same.
    pub zone: TimeZone,
    /// When the authority is closed.
    pub calendar: Calendar,
    /// What its facts rest on, by name.
    pub bases: BTreeMap<String, Basis>,
    /// When it applies.
    pub applies: Condition,
    /// What that rests on.
    pub applies_basis: String,
    /// Who is given the forms.
    pub recipients: Vec<Recipient>,
    /// The reports that are owed, in order.
    pub stages: Vec<Stage>,
    /// The forms.
    pub forms: Vec<FormSpec>,
}

/// Who is given a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its name in the file.
    pub id: String,
    /// What it is called.
    pub name: Text,
    /// How it takes reports: telephone, a form on the web, a file.
    pub channel: Option<Text>,
    /// Whether it is given only what the organisation consents to.
    pub by_consent: bool,
    /// When it is owed the report, beside the regime's own condition.
    pub when: Condition,
    /// What this rests on.
    pub basis: String,
}

/// Who owes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Owes {
    /// The organisation that was attacked.
    Organisation,
    /// The authority owes an answer.
    Authority,
}

/// One report that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name in the file.
    pub id: String,
    /// What it is called.
    pub name: Text,
    /// The form that is filed; nothing where the authority owes an answer.
    pub form: Option<String>,
    /// Who owes it.
    pub owes: Owes,
    /// When it is owed, beside the regime's own condition.
    pub when: Condition,
    /// The recipients that it is for; empty for all.
    pub recipients: Vec<String>,
    /// Its clocks: the first whose condition holds counts.
    pub clocks: Vec<ClockSpec>,
}

/// One clock of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSpec {
    /// When it is this one.
    pub when: Condition,
    /// From when it runs.
    pub from: Start,
    /// Until when.
    pub due: Due,
    /// What is better than the latest moment, e.g. three of "three to five days".
    pub target: Option<Length>,
    /// What it rests on.
    pub basis: String,
}

/// From when a clock runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// From something that happened.
    Moment(Moment),
    /// From the filing of another stage, with the same recipient.
    Filed(String),
}

/// Until when a report is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Within a length of time.
    Within(Length),
    /// "Promptly", "without delay": there is no number.
    Promptly,
    /// Whenever what was filed is no longer so.
    OnChange,
    /// When the authority asks.
    OnRequest,
    /// There is a deadline and nobody here knows it.
    Unknown,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormSpec {
    /// Its name in the file.
    pub id: String,
    /// What it is called.
    pub name: Text,
    /// What it asks, in order.
    pub items: Vec<FormItem>,
    /// What it rests on.
    pub basis: String,
}

/// One thing that a form asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormItem {
    /// The field, or one of the built-in names: `@kind`, `@organisation`, `@attachments`, `@version`, or `@` and the name of a moment.
    pub field: String,
    /// What the form calls it, where that is another word than the field's own.
    pub label: Option<Text>,
    /// Whether the form is incomplete without.
    pub required: bool,
}

impl Regime {
    /// The stage of that name.
    #[must_use]
    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// The recipient of that name.
    #[must_use]
    pub fn recipient(&self, id: &str) -> Option<&Recipient> {
        self.recipients.iter().find(|recipient| recipient.id == id)
    }

    /// The form of that name.
    #[must_use]
    pub fn form(&self, id: &str) -> Option<&FormSpec> {
        self.forms.iter().find(|form| form.id == id)
    }

    /// The recipients of a stage, in order.
    pub fn recipients_of<'a>(&'a self, stage: &'a Stage) -> impl Iterator<Item = &'a Recipient> {
        self.recipients
            .iter()
            .filter(|recipient| stage.recipients.is_empty() || stage.recipients.contains(&recipient.id))
    }

    /// How sure a basis is; one that is not there is not sure.
    #[must_use]
    pub fn verified(&self, basis: &str) -> Verified {
        self.bases.get(basis).map_or(Verified::Unknown, |basis| basis.verified)
    }
}

/// The names that a form can ask for beside fields and moments.
pub(crate) const BUILT_IN: [&str; 4] = ["@kind", "@organisation", "@attachments", "@version"];

/// The moment that `@aware` and its like name.
pub(crate) fn moment_of(field: &str) -> Option<Moment> {
    let name = field.strip_prefix('@')?;
    Moment::ALL.into_iter().find(|moment| moment.name() == name)
}
