//! CISA's catalogue of known exploited vulnerabilities.

use serde_json::{Map, Value, json};

use crate::made::{Made, ReadError, Statement, is_cve, moment, read, text};

/// Entries of one catalogue at most.
const ENTRIES_MAX: usize = 200_000;

/// The catalogue as `vulnerability` objects, TLP:CLEAR. An entry's version is the catalogue's date: a newer catalogue makes newer
/// versions of the same objects.
///
/// # Errors
/// Where it is no catalogue. Single entries that cannot be read are passed over and told.
pub fn kev(json: &[u8]) -> Result<Made, ReadError> {
    let catalogue = read(json)?;
    let entries = catalogue.get("vulnerabilities").and_then(Value::as_array);
    let entries =
        entries.ok_or_else(|| ReadError::shape("vulnerabilities", "a catalogue has a list of them"))?;
    if entries.len() > ENTRIES_MAX {
        return Err(ReadError::shape("vulnerabilities", format!("more than {ENTRIES_MAX} entries")));
    }
    let released = catalogue.get("dateReleased").and_then(Value::as_str).and_then(moment);
    let released = released.ok_or_else(|| ReadError::shape("dateReleased", "it is no date"))?;
    let version = catalogue.get("catalogVersion").and_then(Value::as_str).unwrap_or_default();
    let mut made = Made::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(cve) = text(entry, "/cveID").filter(|cve| is_cve(cve)) else {
            made.warnings.push(format!("vulnerabilities[{index}]: `cveID` is no CVE number; passed over"));
            continue;
        };
        let added = text(entry, "/dateAdded").and_then(moment).unwrap_or_else(|| released.clone());
        let mut extension = Map::new();
        for (name, path) in [
            ("date_added", "/dateAdded"),
            ("due_date", "/dueDate"),
            ("required_action", "/requiredAction"),
            ("vendor", "/vendorProject"),
            ("product", "/product"),
            ("vulnerability_name", "/vulnerabilityName"),
            ("notes", "/notes"),
        ] {
            extension.extend(text(entry, path).map(|value| (name.to_owned(), json!(value))));
        }
        let ransomware = text(entry, "/knownRansomwareCampaignUse").unwrap_or("Unknown").to_ascii_lowercase();
        extension.insert("ransomware_use".to_owned(), json!(ransomware));
        extension.insert("source".to_owned(), json!("cisa-kev"));
        if !version.is_empty() {
            extension.insert("catalogue_version".to_owned(), json!(version));
        }
        if let Some(cwes) =
            entry.get("cwes").filter(|cwes| cwes.as_array().is_some_and(|list| !list.is_empty()))
        {
            extension.insert("cwe".to_owned(), cwes.clone());
        }
        let statement = Statement {
            source: "kev",
            cve,
            created: added,
            modified: released.clone(),
            description: text(entry, "/shortDescription").map(str::to_owned),
            extension: Value::Object(extension),
            references: vec![json!({
                "source_name": "cisa-kev",
                "url": "https://www.cisa.gov/known-exploited-vulnerabilities-catalog",
            })],
            marking: Some(stix::marking::Tlp::Clear.id()),
        };
        made.push(&statement.object());
    }
    Ok(made)
}
