//! A regime file, read: the raw form that the TOML must have, and what becomes of it.
//!
//! The file is foreign input. What the form does not know is refused by name; every list, text and number is bounded; and what a
//! file refers to must be there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;
use serde::Deserialize;

use crate::clock::DAYS_MAX;
use crate::event::{Kind, Moment, is_id};
use crate::problem::{Problems, read_toml};
use crate::regime::{BUILT_IN, moment_of};
use crate::{
    Basis, Calendar, Catalogue, ClockSpec, Condition, Due, FormItem, FormSpec, Length, Owes, Recipient,
    Regime, Stage, Start, Text, Verified,
};

/// The most parts of one list of a file.
const PARTS_MAX: usize = 200;
/// The deepest nesting of a condition, and the most parts of one.
const CONDITION_DEPTH_MAX: usize = 8;
const CONDITION_PARTS_MAX: usize = 64;
/// The most months and hours of a clock: ten years.
const MONTHS_MAX: u16 = 120;
const HOURS_MAX: u16 = 24 * 366;
/// The longest source and address in characters.
const SOURCE_CHARS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegime {
    id: String,
    name: Text,
    authority: Text,
    law: Option<Text>,
    note: Option<Text>,
    enabled: bool,
    effective: Option<String>,
    zone: String,
    #[serde(default)]
    holidays: Vec<String>,
    holidays_known_until: Option<String>,
    basis: BTreeMap<String, RawBasis>,
    applies: RawApplies,
    recipient: Vec<RawRecipient>,
    stage: Vec<RawStage>,
    #[serde(default)]
    form: Vec<RawForm>,
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
struct RawApplies {
    when: RawCondition,
    basis: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecipient {
    id: String,
    name: Text,
    channel: Option<Text>,
    #[serde(default)]
    by_consent: bool,
    when: Option<RawCondition>,
    basis: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStage {
    id: String,
    name: Text,
    form: Option<String>,
    #[serde(default)]
    owes: RawOwes,
    when: Option<RawCondition>,
    #[serde(default)]
    recipients: Vec<String>,
    clock: Vec<RawClock>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum RawOwes {
    #[default]
    Organisation,
    Authority,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClock {
    when: Option<RawCondition>,
    from: String,
    due: RawDue,
    target: Option<RawLength>,
    basis: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawDue {
    Word(String),
    Within(RawLength),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct RawLength {
    hours: Option<u16>,
    days: Option<u16>,
    business_days: Option<u16>,
    months: Option<u16>,
    counts_first_day: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawForm {
    id: String,
    name: Text,
    basis: String,
    items: Vec<RawItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawItem {
    field: String,
    #[serde(default)]
    required: bool,
    ja: Option<String>,
    en: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCondition {
    always: Option<bool>,
    all: Option<Vec<RawCondition>>,
    any: Option<Vec<RawCondition>>,
    not: Option<Box<RawCondition>>,
    kind: Option<BTreeSet<Kind>>,
    field: Option<String>,
    is: Option<bool>,
    #[serde(rename = "in")]
    among: Option<BTreeSet<String>>,
    more_than: Option<i64>,
    at_least: Option<i64>,
}

/// Reads one regime. What is wrong with it goes to `problems`; with an error there is no regime.
pub(crate) fn read(text: &str, catalogue: &Catalogue, problems: &mut Problems<'_>) -> Option<Regime> {
    let raw: RawRegime = read_toml(text, problems)?;
    let mut reader = Reader { catalogue, problems, bases: raw.basis.keys().cloned().collect() };
    let regime = reader.regime(raw);
    if problems.is_fatal() { None } else { regime }
}

struct Reader<'a, 'p> {
    catalogue: &'a Catalogue,
    problems: &'a mut Problems<'p>,
    bases: BTreeSet<String>,
}

impl Reader<'_, '_> {
    fn regime(&mut self, raw: RawRegime) -> Option<Regime> {
        self.name("id", &raw.id);
        let texts =
            [("name", Some(&raw.name)), ("authority", Some(&raw.authority)), ("law", raw.law.as_ref())];
        for (key, text) in texts.into_iter().chain([("note", raw.note.as_ref())]) {
            self.text(key, text);
        }
        let effective = raw.effective.as_deref().and_then(|text| self.date("effective", text));
        let calendar = self.calendar(&raw.holidays, raw.holidays_known_until.as_deref());
        let zone = TimeZoneDatabase::bundled().get(&raw.zone);
        if zone.is_err() {
            self.problems.error("zone", "not a name of the IANA time zone database, e.g. `Asia/Tokyo`");
        }
        let bases = raw.basis.into_iter().filter_map(|(name, basis)| self.basis(name, basis)).collect();
        let applies = self.condition("applies.when", raw.applies.when);
        self.rests_on("applies.basis", &raw.applies.basis);
        let recipients = self.recipients(raw.recipient);
        let forms = self.forms(raw.form);
        let stages = self.stages(raw.stage);
        self.references(&recipients, &stages, &forms);
        Some(Regime {
            id: raw.id,
            name: raw.name,
            authority: raw.authority,
            law: raw.law,
            note: raw.note,
            enabled: raw.enabled,
            effective,
            zone_name: raw.zone,
            zone: zone.ok()?,
            calendar,
            bases,
            applies,
            applies_basis: raw.applies.basis,
            recipients,
            stages,
            forms,
        })
    }

    fn recipients(&mut self, raw: Vec<RawRecipient>) -> Vec<Recipient> {
        self.count("recipient", raw.len(), 1);
        let mut recipients = Vec::new();
        for raw in raw {
            let key = format!("recipient.{}", shown(&raw.id));
            self.name(&key, &raw.id);
            self.text(&key, Some(&raw.name));
            self.text(&format!("{key}.channel"), raw.channel.as_ref());
            self.rests_on(&format!("{key}.basis"), &raw.basis);
            let when = self.condition_or_always(&format!("{key}.when"), raw.when);
            recipients.push(Recipient {
                id: raw.id,
                name: raw.name,
                channel: raw.channel,
                by_consent: raw.by_consent,
                when,
                basis: raw.basis,
            });
        }
        self.unique("recipient", recipients.iter().map(|recipient| recipient.id.as_str()));
        recipients
    }

    fn stages(&mut self, raw: Vec<RawStage>) -> Vec<Stage> {
        self.count("stage", raw.len(), 1);
        let mut stages = Vec::new();
        for raw in raw {
            let key = format!("stage.{}", shown(&raw.id));
            self.name(&key, &raw.id);
            self.text(&key, Some(&raw.name));
            self.count(&format!("{key}.clock"), raw.clock.len(), 1);
            let owes = match raw.owes {
                RawOwes::Organisation => Owes::Organisation,
                RawOwes::Authority => Owes::Authority,
            };
            if (owes == Owes::Organisation) != raw.form.is_some() {
                self.problems.error(
                    format!("{key}.form"),
                    "what the organisation owes has a form; what the authority owes has none",
                );
            }
            let when = self.condition_or_always(&format!("{key}.when"), raw.when);
            let clocks: Vec<ClockSpec> = raw
                .clock
                .into_iter()
                .enumerate()
                .map(|(at, clock)| self.clock(&format!("{key}.clock.{}", at + 1), clock))
                .collect();
            if clocks.last().is_some_and(|clock| clock.when != Condition::Always) {
                self.problems.error(
                    format!("{key}.clock"),
                    "the last clock may have no condition, or there could be none",
                );
            }
            stages.push(Stage {
                id: raw.id,
                name: raw.name,
                form: raw.form,
                owes,
                when,
                recipients: raw.recipients,
                clocks,
            });
        }
        self.unique("stage", stages.iter().map(|stage| stage.id.as_str()));
        stages
    }

    fn clock(&mut self, key: &str, raw: RawClock) -> ClockSpec {
        self.rests_on(&format!("{key}.basis"), &raw.basis);
        let due = match &raw.due {
            RawDue::Within(length) => Due::Within(self.length(&format!("{key}.due"), *length)),
            RawDue::Word(word) => match word.as_str() {
                "promptly" => Due::Promptly,
                "on-change" => Due::OnChange,
                "on-request" => Due::OnRequest,
                "unknown" => Due::Unknown,
                _ => {
                    let message =
                        "a length such as { hours = 24 }, or one of promptly, on-change, on-request, unknown";
                    self.problems.error(format!("{key}.due"), message);
                    Due::Unknown
                }
            },
        };
        let target = raw.target.map(|length| self.length(&format!("{key}.target"), length));
        let from = match raw.from.strip_prefix("filed:") {
            Some(stage) => Start::Filed(stage.to_owned()),
            None => Start::Moment(self.moment(&format!("{key}.from"), &raw.from)),
        };
        let when = self.condition_or_always(&format!("{key}.when"), raw.when);
        ClockSpec { when, from, due, target, basis: raw.basis }
    }

    fn moment(&mut self, key: &str, name: &str) -> Moment {
        Moment::ALL.into_iter().find(|moment| moment.name() == name).unwrap_or_else(|| {
            let names: Vec<&str> = Moment::ALL.iter().map(|moment| moment.name()).collect();
            self.problems.error(key, format!("one of {}, or `filed:` and a stage", names.join(", ")));
            Moment::Aware
        })
    }

    fn length(&mut self, key: &str, raw: RawLength) -> Length {
        let counts_first_day = raw.counts_first_day.unwrap_or(true);
        let found = match (raw.hours, raw.days, raw.business_days, raw.months) {
            (Some(hours @ 1..=HOURS_MAX), None, None, None) => Some(Length::Hours(hours)),
            (None, Some(days @ 1..=DAYS_MAX), None, None) => Some(Length::Days { days, counts_first_day }),
            (None, None, Some(days @ 1..=DAYS_MAX), None) => {
                Some(Length::BusinessDays { days, counts_first_day })
            }
            (None, None, None, Some(months @ 1..=MONTHS_MAX)) => Some(Length::Months(months)),
            _ => None,
        };
        let needs_days = raw.days.is_some() || raw.business_days.is_some();
        if found.is_none() || needs_days != raw.counts_first_day.is_some() {
            let message = "one of hours, days, business_days, months, at least 1 and at most ten years; days and business_days say counts_first_day";
            self.problems.error(key, message);
        }
        found.unwrap_or(Length::Hours(1))
    }

    fn forms(&mut self, raw: Vec<RawForm>) -> Vec<FormSpec> {
        self.count("form", raw.len(), 0);
        let mut forms = Vec::new();
        for raw in raw {
            let key = format!("form.{}", shown(&raw.id));
            self.name(&key, &raw.id);
            self.text(&key, Some(&raw.name));
            self.rests_on(&format!("{key}.basis"), &raw.basis);
            self.count(&format!("{key}.items"), raw.items.len(), 1);
            self.unique(&format!("{key}.items"), raw.items.iter().map(|item| item.field.as_str()));
            let items = raw.items.into_iter().map(|item| self.item(&key, item)).collect();
            forms.push(FormSpec { id: raw.id, name: raw.name, items, basis: raw.basis });
        }
        self.unique("form", forms.iter().map(|form| form.id.as_str()));
        forms
    }

    fn item(&mut self, form: &str, raw: RawItem) -> FormItem {
        let key = format!("{form}.items.{}", shown(&raw.field));
        let known = BUILT_IN.contains(&raw.field.as_str())
            || moment_of(&raw.field).is_some()
            || self.catalogue.get(&raw.field).is_some();
        if !known {
            self.problems.error(&key, "there is no such field in the file of fields");
        }
        let label = match (raw.ja, raw.en) {
            (Some(ja), Some(en)) => Some(Text { ja, en }),
            (None, None) => None,
            _ => {
                self.problems.error(&key, "a label is given in both languages or in none");
                None
            }
        };
        self.text(&key, label.as_ref());
        FormItem { field: raw.field, label, required: raw.required }
    }

    /// What parts of the file call by name must be there.
    fn references(&mut self, recipients: &[Recipient], stages: &[Stage], forms: &[FormSpec]) {
        for (place, stage) in stages.iter().enumerate() {
            let key = format!("stage.{}", shown(&stage.id));
            for id in
                stage.recipients.iter().filter(|id| !recipients.iter().any(|recipient| recipient.id == **id))
            {
                self.problems
                    .error(format!("{key}.recipients"), format!("there is no recipient `{}`", shown(id)));
            }
            if let Some(id) = stage.form.as_ref().filter(|id| !forms.iter().any(|form| form.id == **id)) {
                self.problems.error(format!("{key}.form"), format!("there is no form `{}`", shown(id)));
            }
            for (at, clock) in stage.clocks.iter().enumerate() {
                let Start::Filed(id) = &clock.from else {
                    if stage.owes == Owes::Authority {
                        let message =
                            "what the authority owes runs from `filed:` and the stage that it answers";
                        self.problems.error(format!("{key}.clock.{}.from", at + 1), message);
                    }
                    continue;
                };
                // Only earlier ones, so that no two clocks wait for each other.
                if !stages.iter().take(place).any(|earlier| earlier.id == *id) {
                    let message = format!("`{}` is no stage that stands before this one", shown(id));
                    self.problems.error(format!("{key}.clock.{}.from", at + 1), message);
                }
            }
        }
        for form in
            forms.iter().filter(|form| !stages.iter().any(|stage| stage.form.as_ref() == Some(&form.id)))
        {
            self.problems.warning(format!("form.{}", shown(&form.id)), "no stage uses this form");
        }
    }

    fn basis(&mut self, name: String, raw: RawBasis) -> Option<(String, Basis)> {
        let key = format!("basis.{}", shown(&name));
        self.name(&key, &name);
        let long = |text: &str| text.chars().nth(SOURCE_CHARS_MAX).is_some();
        if raw.source.trim().is_empty() || long(&raw.source) || raw.url.as_deref().is_some_and(long) {
            self.problems.error(&key, "a source says where something was read, in 1 to 1,000 characters");
        }
        if raw.url.as_deref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            self.problems.error(format!("{key}.url"), "an address begins with https:// or http://");
        }
        let date = self.date(&format!("{key}.date"), &raw.date)?;
        Some((name, Basis { verified: raw.verified, source: raw.source, url: raw.url, date }))
    }

    fn calendar(&mut self, holidays: &[String], known_until: Option<&str>) -> Calendar {
        self.count("holidays", holidays.len(), 0);
        let holidays =
            holidays.iter().take(PARTS_MAX).filter_map(|text| self.date("holidays", text)).collect();
        let known_until = known_until.and_then(|text| self.date("holidays_known_until", text));
        Calendar { holidays, known_until }
    }

    fn condition_or_always(&mut self, key: &str, raw: Option<RawCondition>) -> Condition {
        raw.map_or(Condition::Always, |raw| self.condition(key, raw))
    }

    fn condition(&mut self, key: &str, raw: RawCondition) -> Condition {
        let mut parts = 0;
        let condition = self.part(key, raw, 1, &mut parts);
        for field in condition.fields() {
            if self.catalogue.get(field).is_none() {
                self.problems
                    .error(key, format!("there is no field `{}` in the file of fields", shown(field)));
            }
        }
        condition
    }

    fn part(&mut self, key: &str, raw: RawCondition, depth: usize, parts: &mut usize) -> Condition {
        *parts += 1;
        if depth > CONDITION_DEPTH_MAX || *parts > CONDITION_PARTS_MAX {
            self.problems
                .error(key, "the condition is nested deeper than 8 levels or has more than 64 parts");
            return Condition::Always;
        }
        let deeper = |this: &mut Self, list: Vec<RawCondition>, parts: &mut usize| {
            list.into_iter().map(|raw| this.part(key, raw, depth + 1, parts)).collect::<Vec<_>>()
        };
        let RawCondition { always, all, any, not, kind, field, is, among, more_than, at_least } = raw;
        let condition = match (always, all, any, not, kind, field) {
            (Some(true), None, None, None, None, None) => Some(Condition::Always),
            (None, Some(list), None, None, None, None) if !list.is_empty() => {
                Some(Condition::All(deeper(self, list, parts)))
            }
            (None, None, Some(list), None, None, None) if !list.is_empty() => {
                Some(Condition::Any(deeper(self, list, parts)))
            }
            (None, None, None, Some(raw), None, None) => {
                Some(Condition::Not(Box::new(self.part(key, *raw, depth + 1, parts))))
            }
            (None, None, None, None, Some(kinds), None) if !kinds.is_empty() => Some(Condition::Kind(kinds)),
            (None, None, None, None, None, Some(field)) => {
                return self.about_field(key, field, (is, among, more_than, at_least));
            }
            _ => None,
        };
        if condition.is_none() || is.is_some() || among.is_some() || more_than.is_some() || at_least.is_some()
        {
            let message = "a condition is one of always = true, all, any, not, kind, or a field with one of is, in, more_than, at_least";
            self.problems.error(key, message);
        }
        condition.unwrap_or(Condition::Always)
    }

    fn about_field(&mut self, key: &str, field: String, test: FieldTest) -> Condition {
        match test {
            (Some(is), None, None, None) => Condition::Is(field, is),
            (None, Some(among), None, None) if !among.is_empty() => {
                self.choices(key, &field, &among);
                Condition::In(field, among)
            }
            (None, None, Some(than), None) => Condition::MoreThan(field, than),
            (None, None, None, Some(least)) => Condition::AtLeast(field, least),
            _ => {
                self.problems
                    .error(key, format!("`{}` needs one of is, in, more_than, at_least", shown(&field)));
                Condition::Always
            }
        }
    }

    /// A choice that does not exist could never hold: the duty would be missed in silence.
    fn choices(&mut self, key: &str, field: &str, among: &BTreeSet<String>) {
        let Some(known) = self.catalogue.get(field).filter(|field| !field.choices.is_empty()) else { return };
        for name in among.iter().filter(|name| known.choice(name).is_none()) {
            self.problems.error(key, format!("`{}` is no choice of `{}`", shown(name), shown(field)));
        }
    }

    fn rests_on(&mut self, key: &str, basis: &str) {
        if !self.bases.contains(basis) {
            self.problems.error(key, format!("there is no basis `{}`", shown(basis)));
        }
    }

    fn date(&mut self, key: &str, text: &str) -> Option<Date> {
        let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        if date.is_none() {
            self.problems.error(key, "a day is written 2026-11-29");
        }
        date
    }

    fn name(&mut self, key: &str, name: &str) {
        if !is_id(name) {
            self.problems
                .error(key, "a name has 1 to 60 of a–z, 0–9, `.`, `-`, `_`, and begins with a letter");
        }
    }

    fn text(&mut self, key: &str, text: Option<&Text>) {
        if let Some(fault) = text.and_then(Text::fault) {
            self.problems.error(key, fault);
        }
    }

    fn count(&mut self, key: &str, count: usize, least: usize) {
        if count < least || count > PARTS_MAX {
            self.problems.error(key, format!("{least} to {PARTS_MAX} of these are needed, not {count}"));
        }
    }

    fn unique<'n>(&mut self, key: &str, names: impl Iterator<Item = &'n str>) {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                self.problems.error(key, format!("`{}` stands here twice", shown(name)));
            }
        }
    }
}

/// What a condition asks of a field: `is`, `in`, `more_than`, `at_least`.
type FieldTest = (Option<bool>, Option<BTreeSet<String>>, Option<i64>, Option<i64>);

/// The beginning of a name that a stranger wrote.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
