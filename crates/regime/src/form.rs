//! One record rendered into one regime's form for one recipient.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::condition::Facts;
use crate::event::{Kind, Moment, Provenance};
use crate::print::{instant_text, number_text};
use crate::regime::moment_of;
use crate::{
    Catalogue, Field, FieldType, FormItem, FormSpec, Lang, Profile, Recipient, Record, Regime, Regimes,
    Report, Text, Value, Verified,
};

/// The schema of [`Form::to_json`].
pub(crate) const FORM_SCHEMA: &str = "urn:yagura:regime:form:1";

/// What is the matter with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The form asks for it and nobody has said anything.
    Missing,
    /// Somebody said that it is not known yet.
    NotKnownYet,
    /// It was taken from sightings and no person has confirmed it.
    Unconfirmed,
}

impl Mark {
    /// The word of the JSON form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotKnownYet => "not-known-yet",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// What it is called.
    #[must_use]
    pub fn label(self) -> Text {
        match self {
            Self::Missing => Text::new("未記入", "missing"),
            Self::NotKnownYet => Text::new("調査中", "under investigation"),
            Self::Unconfirmed => Text::new("未確認", "not confirmed"),
        }
    }
}

/// One line of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The field, or the built-in name.
    pub field: String,
    /// What the form calls it.
    pub label: Text,
    /// The value for programs; null where there is none.
    pub value: Json,
    /// The value for people; empty where there is none.
    pub shown: Text,
    /// Who says so; nothing for what the report itself knows.
    pub provenance: Option<Provenance>,
    /// What is the matter with it.
    pub mark: Option<Mark>,
    /// Whether the form is incomplete without.
    pub required: bool,
}

/// One line that the recipient is not given, because there is no consent. Neither its value nor whether it has one is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The field.
    pub field: String,
    /// What the form calls it.
    pub label: Text,
}

/// A form for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The report.
    pub report: stix::Id,
    /// `live` or `exercise:<id>`.
    pub realm: String,
    /// Whose report.
    pub organisation: String,
    /// The regime.
    pub regime: String,
    /// The stage.
    pub stage: String,
    /// The recipient.
    pub recipient: String,
    /// What the regime is called.
    pub regime_name: Text,
    /// What the form is called.
    pub name: Text,
    /// What the recipient is called.
    pub recipient_name: Text,
    /// How sure it is that the form asks this.
    pub verified: Verified,
    /// The version of the record: how often it was amended.
    pub version: usize,
    /// When it was rendered.
    pub as_of: Timestamp,
    /// The zone in which people are shown times.
    pub zone: String,
    /// The lines, in the form's order.
    pub lines: Vec<Line>,
    /// What is left out for want of consent.
    pub left_out: Vec<LeftOut>,
}

/// There is no form to render.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoForm {
    /// There is no such regime, stage or recipient, or the stage has no such recipient.
    #[error("there is no regime `{regime}` with a stage `{stage}` for `{recipient}`")]
    Unknown {
        /// The regime.
        regime: String,
        /// The stage.
        stage: String,
        /// The recipient.
        recipient: String,
    },
    /// The authority owes an answer at this stage; nothing is filed.
    #[error("at this stage the authority owes an answer")]
    Answer,
}

/// Renders the form of a stage for a recipient, as of `now`.
///
/// # Errors
/// [`NoForm`].
pub fn render(
    report: &Report,
    profile: &Profile,
    regimes: &Regimes,
    (regime_id, stage_id, recipient_id): (&str, &str, &str),
    now: Timestamp,
) -> Result<Form, NoForm> {
    let unknown = || NoForm::Unknown {
        regime: regime_id.to_owned(),
        stage: stage_id.to_owned(),
        recipient: recipient_id.to_owned(),
    };
    let regime = regimes.get(regime_id).ok_or_else(unknown)?;
    let stage = regime.stage(stage_id).ok_or_else(unknown)?;
    let recipient = regime.recipients_of(stage).find(|found| found.id == recipient_id).ok_or_else(unknown)?;
    let spec = stage.form.as_ref().and_then(|form| regime.form(form)).ok_or(NoForm::Answer)?;
    let record = report.record();
    let desk = Desk { report, record: &record, profile, catalogue: &regimes.catalogue, regime };
    let (lines, left_out) = desk.lines(spec, recipient);
    Ok(Form {
        report: report.id().clone(),
        realm: report.realm().to_owned(),
        organisation: report.organisation().to_owned(),
        regime: regime.id.clone(),
        stage: stage.id.clone(),
        recipient: recipient.id.clone(),
        regime_name: regime.name.clone(),
        name: spec.name.clone(),
        recipient_name: recipient.name.clone(),
        verified: regime.verified(&spec.basis),
        version: record.versions().len(),
        as_of: now,
        zone: regime.zone_name.clone(),
        lines,
        left_out,
    })
}

impl Form {
    /// The required lines that nobody has filled, or of which it is only said that they are not known yet.
    pub fn missing(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.required && line.value.is_null())
    }

    /// Whether every required line that the recipient is given has a value.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }

    /// The form for programs. Its canonical spelling is what a receipt is made over.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let lines: Vec<Json> = self.lines.iter().map(Line::to_json).collect();
        let left_out: Vec<&str> = self.left_out.iter().map(|left| left.field.as_str()).collect();
        json!({
            "schema": FORM_SCHEMA,
            "report": self.report,
            "realm": self.realm,
            "organisation": self.organisation,
            "regime": self.regime,
            "stage": self.stage,
            "recipient": self.recipient,
            "name": self.name,
            "verified": self.verified,
            "version": self.version,
            "as_of": self.as_of,
            "lines": lines,
            "left_out": left_out,
        })
    }
}

impl Line {
    fn to_json(&self) -> Json {
        let mut line = Map::new();
        line.insert("field".to_owned(), json!(self.field));
        line.insert("label".to_owned(), json!(self.label));
        line.insert("value".to_owned(), self.value.clone());
        if let Some(provenance) = &self.provenance {
            line.insert("provenance".to_owned(), json!(provenance));
        }
        if let Some(mark) = self.mark {
            line.insert("mark".to_owned(), json!(mark.name()));
        }
        Json::Object(line)
    }
}

/// What is needed to fill lines.
struct Desk<'a> {
    report: &'a Report,
    record: &'a Record,
    profile: &'a Profile,
    catalogue: &'a Catalogue,
    regime: &'a Regime,
}

/// The value of a line: for programs, for people.
type Filled = (Json, Text);

impl Desk<'_> {
    fn lines(&self, spec: &FormSpec, recipient: &Recipient) -> (Vec<Line>, Vec<LeftOut>) {
        let (mut lines, mut left_out) = (Vec::new(), Vec::new());
        for item in &spec.items {
            let unasked = !recipient.by_consent;
            if self.record.may_give(&self.regime.id, &recipient.id, &item.field, unasked) {
                lines.push(self.line(item));
            } else {
                left_out.push(LeftOut { field: item.field.clone(), label: self.label(item) });
            }
        }
        (lines, left_out)
    }

    fn line(&self, item: &FormItem) -> Line {
        let own = item.field.starts_with('@');
        let filled = if own { self.built_in(&item.field) } else { self.field(&item.field) };
        let provenance = if own { None } else { self.provenance(&item.field) };
        let said_unknown = self.record.fields.get(&item.field).is_some_and(|stated| stated.value.is_none());
        let mark = match (&filled, &provenance) {
            (None, _) if said_unknown => Some(Mark::NotKnownYet),
            (None, _) => Some(Mark::Missing),
            (Some(_), Some(Provenance::Sightings { .. })) => Some(Mark::Unconfirmed),
            (Some(_), _) => None,
        };
        let (value, shown) = filled.unwrap_or((Json::Null, Text::new("", "")));
        Line {
            field: item.field.clone(),
            label: self.label(item),
            value,
            shown,
            provenance,
            mark,
            required: item.required,
        }
    }

    fn label(&self, item: &FormItem) -> Text {
        let own = || self.catalogue.get(&item.field).map(|field| field.label.clone());
        let moment = || moment_of(&item.field).map(Moment::label);
        item.label.clone().or_else(own).or_else(moment).unwrap_or_else(|| match item.field.as_str() {
            "@kind" => Text::new("事案の種別", "kind of incident"),
            "@organisation" => Text::new("報告者", "reporting organisation"),
            "@attachments" => Text::new("添付", "attachments"),
            "@version" => Text::new("報告の版", "version of the report"),
            other => Text::new(other, other),
        })
    }

    fn provenance(&self, field: &str) -> Option<Provenance> {
        match self.record.fields.get(field) {
            Some(stated) => Some(stated.provenance.clone()),
            None => self.profile.fields.contains_key(field).then_some(Provenance::Profile),
        }
    }

    fn field(&self, name: &str) -> Option<Filled> {
        let field = self.catalogue.get(name)?;
        let value = Facts { record: self.record, profile: self.profile }.value(name)?;
        let ja = self.words(field, value, Lang::Ja);
        let en = self.words(field, value, Lang::En);
        Some((json!(value), Text { ja, en }))
    }

    fn words(&self, field: &Field, value: &Value, lang: Lang) -> String {
        let choice = |name: &str| {
            let found =
                field.choice(name).map(|choice| if lang == Lang::Ja { &choice.ja } else { &choice.en });
            found.map_or_else(|| name.to_owned(), Clone::clone)
        };
        let separator = if lang == Lang::Ja { "、" } else { ", " };
        match value {
            Value::YesNo(yes) => match (yes, lang) {
                (true, Lang::Ja) => "はい".to_owned(),
                (false, Lang::Ja) => "いいえ".to_owned(),
                (true, Lang::En) => "yes".to_owned(),
                (false, Lang::En) => "no".to_owned(),
            },
            Value::Number(number) => {
                number_text(*number, field.unit.as_ref().map(|unit| unit.in_lang(lang)), lang)
            }
            Value::Text(text) if field.field_type == FieldType::Time => match text.parse::<Timestamp>() {
                Ok(at) => instant_text(at, &self.regime.zone, lang),
                Err(_) => text.clone(),
            },
            Value::Text(text) if field.choices.is_empty() => text.clone(),
            Value::Text(text) => choice(text),
            Value::List(lines) if field.choices.is_empty() => lines.join("\n"),
            Value::List(names) => names.iter().map(|name| choice(name)).collect::<Vec<_>>().join(separator),
        }
    }

    fn built_in(&self, name: &str) -> Option<Filled> {
        if let Some(moment) = moment_of(name) {
            let at = self.record.moment(moment)?;
            let shown = |lang| instant_text(at, &self.regime.zone, lang);
            return Some((json!(at), Text { ja: shown(Lang::Ja), en: shown(Lang::En) }));
        }
        match name {
            "@kind" if !self.record.kinds.is_empty() => {
                let labels: Vec<Text> = self.record.kinds.iter().copied().map(Kind::label).collect();
                let joined =
                    |of: fn(&Text) -> &str, by: &str| labels.iter().map(of).collect::<Vec<_>>().join(by);
                let shown = Text { ja: joined(|text| &text.ja, "、"), en: joined(|text| &text.en, ", ") };
                Some((json!(self.record.kinds), shown))
            }
            "@organisation" => {
                let id = self.report.organisation();
                let name =
                    self.field("organisation_name").map_or_else(|| Text::new(id, id), |(_, shown)| shown);
                Some((json!(id), name))
            }
            "@version" => {
                let version = self.record.versions().len();
                Some((
                    json!(version),
                    Text { ja: format!("第{version}版"), en: format!("version {version}") },
                ))
            }
            "@attachments" if !self.record.attachments.is_empty() => {
                let lines = self.record.attachments.iter().map(|file| {
                    let size = number_text(i64::try_from(file.size).unwrap_or(i64::MAX), None, Lang::En);
                    format!("{} ({size} bytes, SHA-256 {})", file.name, file.sha256)
                });
                let lines = lines.collect::<Vec<_>>().join("\n");
                Some((json!(self.record.attachments), Text { ja: lines.clone(), en: lines }))
            }
            _ => None,
        }
    }
}
