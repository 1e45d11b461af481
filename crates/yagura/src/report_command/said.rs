//! What is said of an incident on a command line, read by the fields' own types.

use std::collections::BTreeMap;
use std::path::Path;

use api::ReportValue;
use jiff::Timestamp;
use regime::{Field, FieldType, Kind, Regimes, Value};

use crate::output::Failure;

/// The regimes that are shipped, and those of a folder over them.
pub(super) fn regimes(folder: Option<&Path>) -> Result<Regimes, Failure> {
    let files = hub::regime_files(folder).map_err(|error| {
        Failure::system(
            error.code,
            error.message.clone(),
            format!("制度のファイルを読めません：{}", error.message),
        )
    })?;
    let read = Regimes::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    read.regimes.ok_or_else(|| {
        Failure::data(
            "regimes",
            "the regimes cannot be used; see `yagura admin regime show`",
            "制度のファイルが使えません。`yagura admin regime show` を参照してください",
        )
    })
}

/// A name and what stands behind its `=`.
pub(super) fn pair(given: &str) -> Result<(&str, &str), Failure> {
    given.split_once('=').ok_or_else(|| {
        Failure::usage(
            "form",
            format!("`{given}` has no `=`: write name=value"),
            format!("`{given}` に `=` がありません。名前=値 の形で書いてください"),
        )
    })
}

/// A time.
pub(super) fn instant(text: &str) -> Result<Timestamp, Failure> {
    text.parse().map_err(|_| {
        Failure::usage(
            "time",
            format!("`{text}` is no time such as 2026-11-29T08:15:00+09:00"),
            format!("`{text}` は時刻ではありません（例：2026-11-29T08:15:00+09:00）"),
        )
    })
}

/// A kind of incident.
pub(super) fn kind(name: &str) -> Result<&'static str, Failure> {
    Kind::parse(name).map(Kind::name).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        let known = known.join(", ");
        Failure::usage(
            "kind",
            format!("`{name}` is none of {known}"),
            format!("`{name}` は {known} のいずれでもありません"),
        )
    })
}

/// Fields and their values; one that takes several is given several times.
pub(super) fn fields(given: &[String], regimes: &Regimes) -> Result<BTreeMap<String, ReportValue>, Failure> {
    let mut texts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for given in given {
        let (name, text) = pair(given)?;
        texts.entry(name).or_default().push(text);
    }
    let mut fields = BTreeMap::new();
    for (name, texts) in texts {
        let field = regimes.catalogue.get(name).ok_or_else(|| no_field(name))?;
        let value = read(field, &texts).ok_or_else(|| {
            let wanted = field.field_type.name();
            Failure::usage(
                "field",
                format!("`{name}` holds another type of value: {wanted}, given once"),
                format!("`{name}` の値の形式が違います：{wanted}（1回だけ指定）"),
            )
        })?;
        regimes.catalogue.check(name, &value).map_err(|error| {
            Failure::usage("field", error.to_string(), format!("値が使えません：{error}"))
        })?;
        fields.insert(name.to_owned(), wire(value));
    }
    Ok(fields)
}

/// The emergency report asks for a few fields only; the others are added later.
pub(super) fn demand_emergency(name: &str, regimes: &Regimes) -> Result<(), Failure> {
    if regimes.catalogue.get(name).is_some_and(|field| field.emergency) {
        return Ok(());
    }
    let known: Vec<&str> =
        regimes.catalogue.fields().filter(|field| field.emergency).map(|field| field.id.as_str()).collect();
    let known = known.join(", ");
    Err(Failure::usage(
        "field",
        format!("the emergency report asks for {known}; add `{name}` afterwards with `yagura report add`"),
        format!("緊急報告の項目は {known} です。`{name}` は後から `yagura report add` で追加してください"),
    ))
}

fn no_field(name: &str) -> Failure {
    Failure::usage("field", format!("there is no field `{name}`"), format!("`{name}` という項目はありません"))
}

fn read(field: &Field, texts: &[&str]) -> Option<Value> {
    if matches!(field.field_type, FieldType::Choices | FieldType::List) {
        return Some(Value::list(texts.iter().copied()));
    }
    let [text] = texts else { return None };
    match field.field_type {
        FieldType::YesNo => match *text {
            "yes" | "true" | "はい" => Some(Value::YesNo(true)),
            "no" | "false" | "いいえ" => Some(Value::YesNo(false)),
            _ => None,
        },
        FieldType::Number => text.parse().ok().map(Value::Number),
        _ => Some(Value::text(text)),
    }
}

fn wire(value: Value) -> ReportValue {
    match value {
        Value::YesNo(yes) => ReportValue::YesNo(yes),
        Value::Number(number) => ReportValue::Number(number),
        Value::Text(text) => ReportValue::Text(text),
        Value::List(lines) => ReportValue::List(lines),
    }
}
