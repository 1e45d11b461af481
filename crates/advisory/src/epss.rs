//! The scores of the Exploit Prediction Scoring System.

use serde_json::json;

use crate::made::{BYTES_MAX, Made, ReadError, Statement, is_cve, moment, year_of};

/// Scores of one file at most.
const ROWS_MAX: usize = 2_000_000;

/// A file of scores as `vulnerability` objects, TLP:CLEAR. Read are FIRST's own form (`#model_version:…,score_date:…`, a header, commas)
/// and the bare `CVE;score;percentile`. `date` is that of a file that does not say its own.
///
/// # Errors
/// Where it is no such file. Single lines that cannot be read are passed over and told.
pub fn epss(text: &[u8], date: &str) -> Result<Made, ReadError> {
    let whole = std::str::from_utf8(text).map_err(|_| ReadError::shape("document", "it is not UTF-8"))?;
    if text.len() > BYTES_MAX {
        return Err(ReadError::shape("document", format!("larger than {BYTES_MAX} bytes")));
    }
    let head = whole.lines().next().filter(|line| line.starts_with('#')).unwrap_or_default();
    let said = |name: &str| {
        let (_, rest) = head.split_once(&format!("{name}:"))?;
        rest.split(',').next().map(str::trim).filter(|value| !value.is_empty())
    };
    let day = said("score_date").unwrap_or(date);
    let day = day.get(..10).unwrap_or(day);
    let modified =
        moment(day).ok_or_else(|| ReadError::shape("score_date", format!("`{day}` is no date")))?;
    let delimiter =
        if whole.lines().any(|line| line.starts_with("CVE-") && line.contains(';')) { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .delimiter(delimiter)
        .from_reader(text);
    let mut made = Made::new();
    for (index, record) in reader.records().enumerate().take(ROWS_MAX) {
        let record = record.map_err(|error| ReadError::shape("document", error.to_string()))?;
        let cve = record.get(0).unwrap_or_default().trim();
        if index == 0 && cve.eq_ignore_ascii_case("cve") {
            continue;
        }
        let share = |place: usize| {
            record
                .get(place)
                .and_then(|text| text.trim().parse::<f64>().ok())
                .filter(|value| (0.0..=1.0).contains(value))
        };
        let (Some(score), Some(percentile), Some(created), true) =
            (share(1), share(2), year_of(cve), is_cve(cve))
        else {
            if made.warnings.len() < 1_000 {
                made.warnings
                    .push(format!("row {}: this is no `CVE, score, percentile`; passed over", index + 1));
            }
            continue;
        };
        let mut extension =
            json!({ "source": "epss", "epss_score": score, "epss_percentile": percentile, "epss_date": day });
        if let (Some(model), Some(extension)) = (said("model_version"), extension.as_object_mut()) {
            extension.insert("epss_model".to_owned(), json!(model));
        }
        let statement = Statement {
            source: "epss",
            cve,
            created,
            modified: modified.clone(),
            description: None,
            extension,
            references: vec![json!({ "source_name": "epss", "url": "https://www.first.org/epss/" })],
            marking: Some(stix::marking::Tlp::Clear.id()),
        };
        made.push(&statement.object());
    }
    if made.objects.len() <= 1 {
        return Err(ReadError::shape("document", "there is no score in it"));
    }
    Ok(made)
}
