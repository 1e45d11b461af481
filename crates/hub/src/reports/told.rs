//! Reports as they are told: the wire's words for what `regime` says.

use std::collections::BTreeSet;

use api::{
    ReportCase, ReportCatalogue, ReportChoice, ReportDuty, ReportEvent, ReportField, ReportFile,
    ReportFiling, ReportFinding, ReportForm, ReportLine, ReportMoment, ReportRecipient, ReportRegime,
    ReportReply, ReportStated, ReportSummary, ReportValue, SeverityFactor, SeverityLevel, Words,
};
use oversight::OrganisationId;
use regime::{
    Answer, Attachment, Duty, Field, Finding, Form, Kind, Lang, Line, Moment, Owes, Record, Regime, Regimes,
    State, Text, Value, What,
};
use store::reports::{Filed, Head, Logged};

/// The largest attachment in bytes: what travels in one request and is sealed in memory.
pub(crate) const FILE_BYTES_MAX: usize = 32 << 20;

pub(crate) fn words(text: &Text) -> Words {
    Words { ja: text.ja.clone(), en: text.en.clone() }
}

pub(crate) fn value(value: &Value) -> ReportValue {
    match value {
        Value::YesNo(yes) => ReportValue::YesNo(*yes),
        Value::Number(number) => ReportValue::Number(*number),
        Value::Text(text) => ReportValue::Text(text.clone()),
        Value::List(lines) => ReportValue::List(lines.clone()),
    }
}

/// What was written, without characters that deceive a reader.
pub(crate) fn read_value(written: &ReportValue) -> Value {
    match written {
        ReportValue::YesNo(yes) => Value::YesNo(*yes),
        ReportValue::Number(number) => Value::Number(*number),
        ReportValue::Text(text) => Value::text(text),
        ReportValue::List(lines) => Value::list(lines.iter().map(String::as_str)),
    }
}

/// All that there is to report with.
pub(crate) fn catalogue(regimes: &Regimes) -> ReportCatalogue {
    let choice = |id: &str, label: &Text| ReportChoice { id: id.to_owned(), label: words(label) };
    let scheme = &regimes.severity;
    ReportCatalogue {
        kinds: Kind::ALL.iter().map(|kind| choice(kind.name(), &kind.label())).collect(),
        moments: Moment::ALL.iter().map(|moment| choice(moment.name(), &moment.label())).collect(),
        fields: regimes.catalogue.fields().map(field).collect(),
        regimes: regimes.iter().map(regime).collect(),
        severity: scheme
            .levels
            .iter()
            .map(|level| SeverityLevel { level: level.level, name: words(&level.name) })
            .collect(),
        severity_factors: scheme
            .factors
            .iter()
            .map(|factor| SeverityFactor {
                id: factor.id.clone(),
                label: words(&factor.name),
                choices: factor.choices.iter().map(|(id, label, _)| choice(id, label)).collect(),
            })
            .collect(),
        significant_from: scheme.significant_from,
        file_bytes_max: u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX),
    }
}

fn field(field: &Field) -> ReportField {
    ReportField {
        id: field.id.clone(),
        field_type: field.field_type.name().to_owned(),
        kinds: field.kinds.iter().map(|kind| kind.name().to_owned()).collect(),
        emergency: field.emergency,
        profile: field.profile,
        label: words(&field.label),
        help: field.help.as_ref().map(words),
        unit: field.unit.as_ref().map(words),
        choices: field
            .choices
            .iter()
            .map(|choice| ReportChoice {
                id: choice.id.clone(),
                label: Words { ja: choice.ja.clone(), en: choice.en.clone() },
            })
            .collect(),
    }
}

fn regime(regime: &Regime) -> ReportRegime {
    let recipient = |recipient: &regime::Recipient| ReportRecipient {
        id: recipient.id.clone(),
        name: words(&recipient.name),
        channel: recipient.channel.as_ref().map(words),
        by_consent: recipient.by_consent,
    };
    ReportRegime {
        id: regime.id.clone(),
        name: words(&regime.name),
        authority: words(&regime.authority),
        law: regime.law.as_ref().map(words),
        note: regime.note.as_ref().map(words),
        enabled: regime.enabled,
        recipients: regime.recipients.iter().map(recipient).collect(),
    }
}

/// A line of a list, as an organisation may see it: of another one's report it was given copies, not what is reported.
pub(crate) fn summary(head: &Head, reader: &OrganisationId) -> ReportSummary {
    let own = head.organisation == *reader;
    ReportSummary {
        id: head.id.to_string(),
        organisation: head.organisation.to_string(),
        organisation_name: None,
        hub: None,
        title: own.then(|| head.title.clone()),
        kinds: head.kinds.iter().filter(|_| own).map(|kind| kind.name().to_owned()).collect(),
        opened: head.opened.to_string(),
        changed: head.changed.to_string(),
        own,
        next_due: head.next_due.filter(|_| own).map(|at| at.to_string()),
    }
}

pub(crate) fn moments(record: &Record) -> Vec<ReportMoment> {
    let told = |(moment, found): (&Moment, &regime::Moments)| ReportMoment {
        moment: moment.name().to_owned(),
        at: found.at.to_string(),
        logged: found.logged.to_string(),
    };
    record.moments.iter().map(told).collect()
}

pub(crate) fn stated(record: &Record) -> Vec<ReportStated> {
    let told = |(field, stated): (&String, &regime::Stated)| ReportStated {
        field: field.clone(),
        value: stated.value.as_ref().map(value),
        from: stated.provenance.name().to_owned(),
    };
    record.fields.iter().map(told).collect()
}

pub(crate) fn file(file: &Attachment) -> ReportFile {
    ReportFile {
        name: file.name.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
        active: file.is_active(),
    }
}

/// A duty of a report. `title` is what the report is about.
pub(crate) fn duty(report: &stix::Id, title: &str, duty: &Duty) -> ReportDuty {
    let at = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    let (met, late, filing) = match &duty.clock.state {
        State::Met { at, late, receipt } => {
            (Some(at.to_string()), *late, receipt.as_ref().map(|(event, _)| event.to_string()))
        }
        _ => (None, false, None),
    };
    ReportDuty {
        report: report.to_string(),
        title: title.to_owned(),
        regime: duty.regime.clone(),
        regime_name: words(&duty.regime_name),
        stage: duty.stage.clone(),
        stage_name: words(&duty.stage_name),
        recipient: duty.recipient.clone(),
        recipient_name: words(&duty.recipient_name),
        owes: if duty.owes == Owes::Authority { "authority" } else { "organisation" }.to_owned(),
        verdict: duty.verdict.name().to_owned(),
        because: duty.because.iter().map(|because| because.field.clone()).collect(),
        state: duty.clock.state.name().to_owned(),
        light: duty.light.name().to_owned(),
        verified: duty.verified.name().to_owned(),
        certain: duty.clock.certain,
        start: at(duty.clock.start),
        half_time: at(duty.clock.half_time),
        target: at(duty.clock.target),
        due: at(duty.clock.due),
        due_before_extension: at(duty.clock.due_before_extension),
        met,
        late,
        filing,
    }
}

/// Overdue first, then by the nearest deadline, then what has none.
pub(crate) fn by_urgency(duties: &mut [ReportDuty]) {
    // Instants of one spelling sort as texts; `~` comes after every digit.
    let due = |duty: &ReportDuty| duty.due.clone().unwrap_or_else(|| "~".to_owned());
    duties.sort_by_key(|duty| {
        let is_met = duty.state == "met";
        (is_met, duty.state != "overdue", due(duty), duty.regime.clone(), duty.stage.clone())
    });
}

pub(crate) fn finding(finding: &Finding) -> ReportFinding {
    ReportFinding {
        code: finding.code.to_owned(),
        event: finding.event.map(|event| event.to_string()),
        message: words(&finding.message),
    }
}

/// An event, with the name of the person who says it.
pub(crate) fn event(logged: &Logged, by_name: Option<String>, withdrawn: &BTreeSet<String>) -> ReportEvent {
    let id = logged.event.id().to_string();
    ReportEvent {
        sequence: logged.sequence,
        logged: logged.event.logged.to_string(),
        by: logged.event.by.clone(),
        by_name,
        what: logged.event.what.name().to_owned(),
        event: serde_json::to_value(&logged.event).unwrap_or_default(),
        withdrawn: withdrawn.contains(&id),
        leaf: logged.leaf,
        id,
    }
}

/// The events that a later one took back.
pub(crate) fn withdrawn(events: &[Logged]) -> BTreeSet<String> {
    let target = |logged: &Logged| match &logged.event.what {
        What::Withdrawn { event, .. } => Some(event.to_string()),
        _ => None,
    };
    events.iter().filter_map(target).collect()
}

pub(crate) fn filing(filed: &Filed, by_name: Option<String>, regimes: &Regimes) -> ReportFiling {
    use sha2::Digest;
    let bare = |id: &str| Words { ja: id.to_owned(), en: id.to_owned() };
    let regime = regimes.get(&filed.regime);
    let stage = regime.and_then(|regime| regime.stage(&filed.stage));
    let recipient = regime.and_then(|regime| regime.recipient(&filed.recipient));
    ReportFiling {
        event: filed.event.to_string(),
        regime: filed.regime.clone(),
        regime_name: regime.map_or_else(|| bare(&filed.regime), |regime| words(&regime.name)),
        stage: filed.stage.clone(),
        stage_name: stage.map_or_else(|| bare(&filed.stage), |stage| words(&stage.name)),
        recipient: filed.recipient.clone(),
        recipient_name: recipient.map_or_else(|| bare(&filed.recipient), |recipient| words(&recipient.name)),
        given_to: filed.given_to.as_ref().map(ToString::to_string),
        given_to_name: None,
        object: None,
        at: filed.at.to_string(),
        by: filed.actor.clone(),
        by_name,
        copy: hex::encode(sha2::Sha256::digest(&filed.copy)),
        size: u64::try_from(filed.copy.len()).unwrap_or(u64::MAX),
        leaf: filed.leaf,
        receipt: None,
    }
}

/// A reply; `by` and its name are those of its event, `cases` what the reader may see of the ones that it names.
pub(crate) fn reply(
    reply: &regime::Reply,
    (by, by_name): (Option<String>, Option<String>),
    cases: Vec<ReportCase>,
) -> ReportReply {
    let (answer, text) = match &reply.answer {
        Answer::Acknowledged => ("acknowledged", None),
        Answer::Advice { text } => ("advice", Some(text.clone())),
        Answer::SimilarCases { .. } => ("similar-cases", None),
        Answer::Requested { text } => ("requested", Some(text.clone())),
    };
    ReportReply {
        event: reply.event.to_string(),
        regime: reply.regime.clone(),
        stage: reply.stage.clone(),
        recipient: reply.recipient.clone(),
        at: reply.at.to_string(),
        by,
        by_name,
        answer: answer.to_owned(),
        text,
        cases,
    }
}

pub(crate) fn form(form: &Form, regimes: &Regimes) -> ReportForm {
    let recipient = regimes.get(&form.regime).and_then(|regime| regime.recipient(&form.recipient));
    ReportForm {
        regime: form.regime.clone(),
        stage: form.stage.clone(),
        recipient: form.recipient.clone(),
        regime_name: words(&form.regime_name),
        name: words(&form.name),
        recipient_name: words(&form.recipient_name),
        channel: recipient.and_then(|recipient| recipient.channel.as_ref()).map(words),
        verified: form.verified.name().to_owned(),
        version: u64::try_from(form.version).unwrap_or(u64::MAX),
        as_of: form.as_of.to_string(),
        lines: form.lines.iter().map(line).collect(),
        left_out: form
            .left_out
            .iter()
            .map(|left| ReportChoice { id: left.field.clone(), label: words(&left.label) })
            .collect(),
        complete: form.is_complete(),
        text: Words { ja: form.to_text(Lang::Ja), en: form.to_text(Lang::En) },
    }
}

fn line(line: &Line) -> ReportLine {
    ReportLine {
        field: line.field.clone(),
        label: words(&line.label),
        shown: words(&line.shown),
        from: line.provenance.as_ref().map(|provenance| provenance.name().to_owned()),
        mark: line.mark.map(|mark| mark.name().to_owned()),
        required: line.required,
    }
}
