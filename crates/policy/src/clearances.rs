//! Which clearances and oaths there are (`clearances.toml` of a set of policies), and what a person holds by one of them.

use std::collections::{BTreeMap, BTreeSet};

use oversight::{Qualification, QualificationKind};
use serde::Deserialize;
use stix::Id;
use uuid::Uuid;

use crate::PolicyError;
use crate::compile::Words;

/// The file's name in a set of policies.
pub const CLEARANCES_FILE: &str = "clearances.toml";
/// Clearances and oaths that a set may define.
const DEFINED_MAX: usize = 64;
/// Longest text of one, in bytes.
const TEXT_BYTES_MAX: usize = 400;
/// The longest time for which one may be entered.
const YEARS_MAX: i32 = 40;
/// What identifiers of markings are made under.
const NAMESPACE: Uuid = Uuid::from_u128(0x52d6_9c1e_8a0b_4d37_b1f4_0e6a_73c2_95d8);

/// The clearances and oaths of a set of policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clearances {
    known: BTreeMap<Qualification, Defined>,
    by_marking: BTreeMap<Uuid, Qualification>,
}

/// What one of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defined {
    /// What people call it.
    pub name: Words,
    /// The law that it is under.
    pub law: Words,
    /// For how many years it is entered at most.
    pub years_max: i32,
    /// What it stands for besides, those of these included.
    pub includes: BTreeSet<Qualification>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    clearance: Vec<Entry>,
    #[serde(default)]
    oath: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    ja: String,
    en: String,
    law_ja: String,
    law_en: String,
    years_max: i32,
    #[serde(default)]
    includes: Vec<String>,
}

/// The identifier of the marking definition that says that a person needs this to read what bears it: the same at every node.
#[must_use]
pub fn demand_marking(qualification: &Qualification) -> Id {
    Id::new("marking-definition", marking(qualification))
}

fn marking(qualification: &Qualification) -> Uuid {
    Uuid::new_v5(&NAMESPACE, qualification.to_string().as_bytes())
}

impl Clearances {
    /// Reads the file of a set.
    pub(crate) fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let wrong = |why: String| PolicyError(format!("`{CLEARANCES_FILE}`: {why}"));
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let of = |kind: QualificationKind, entries: Vec<Entry>| {
            entries.into_iter().map(move |entry| (kind, entry)).collect::<Vec<_>>()
        };
        let entries = of(QualificationKind::Clearance, file.clearance);
        let entries: Vec<_> = entries.into_iter().chain(of(QualificationKind::Oath, file.oath)).collect();
        if entries.len() > DEFINED_MAX {
            return Err(wrong(format!("it defines more than {DEFINED_MAX}; remove those that nobody holds")));
        }
        let mut found = Self::default();
        let mut direct = BTreeMap::new();
        for (kind, entry) in entries {
            let (qualification, includes, defined) = entry.read(kind).map_err(wrong)?;
            direct.insert(qualification, includes);
            found.by_marking.insert(marking(&qualification), qualification);
            if found.known.insert(qualification, defined).is_some() {
                return Err(wrong(format!("`{qualification}` is defined twice")));
            }
        }
        if let Some(unknown) = direct.values().flatten().find(|one| !found.known.contains_key(*one)) {
            return Err(wrong(format!("`includes` names `{unknown}`, which is not defined in this file")));
        }
        for (qualification, defined) in &mut found.known {
            defined.includes = reached(qualification, &direct);
        }
        Ok(found)
    }

    /// All of them, by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = (&Qualification, &Defined)> {
        self.known.iter()
    }

    /// What one of them is.
    #[must_use]
    pub fn get(&self, qualification: &Qualification) -> Option<&Defined> {
        self.known.get(qualification)
    }

    /// The one that a marking definition's identifier stands for.
    #[must_use]
    pub fn marked(&self, marking: &Id) -> Option<Qualification> {
        let uuid = marking.as_str().strip_prefix("marking-definition--")?.parse().ok()?;
        self.by_marking.get(&uuid).copied()
    }

    /// All that somebody holds by what was entered: what it includes too, and nothing that is not defined.
    pub(crate) fn held(&self, entered: &BTreeSet<Qualification>) -> BTreeSet<Qualification> {
        let known = entered.iter().filter_map(|one| self.known.get(one).map(|defined| (one, defined)));
        known.flat_map(|(one, defined)| defined.includes.iter().chain([one])).copied().collect()
    }
}

impl Entry {
    fn read(
        self,
        kind: QualificationKind,
    ) -> Result<(Qualification, BTreeSet<Qualification>, Defined), String> {
        let qualification = Qualification::new(kind, &self.id)
            .ok_or_else(|| format!("the id `{}` is not 1–40 of `a–z 0–9 -`", self.id))?;
        let texts = [&self.ja, &self.en, &self.law_ja, &self.law_en];
        if texts.iter().any(|text| text.trim().is_empty() || text.len() > TEXT_BYTES_MAX) {
            let why = "`ja`, `en`, `law_ja` and `law_en` each have 1 to 400 bytes";
            return Err(format!("`{qualification}`: {why}"));
        }
        if !(1..=YEARS_MAX).contains(&self.years_max) {
            return Err(format!("`{qualification}`: `years_max` is from 1 to {YEARS_MAX}"));
        }
        let includes = self.includes.iter().map(|name| {
            Qualification::new(kind, name)
                .ok_or_else(|| format!("`{qualification}`: `includes` names `{name}`, which is no id"))
        });
        let includes = includes.collect::<Result<BTreeSet<_>, String>>()?;
        let defined = Defined {
            name: Words { ja: self.ja, en: self.en },
            law: Words { ja: self.law_ja, en: self.law_en },
            years_max: self.years_max,
            includes: BTreeSet::new(),
        };
        Ok((qualification, includes, defined))
    }
}

/// What one includes, over any number of steps; not itself.
fn reached(
    from: &Qualification,
    direct: &BTreeMap<Qualification, BTreeSet<Qualification>>,
) -> BTreeSet<Qualification> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        for included in direct.get(next).into_iter().flatten() {
            if included != from && found.insert(*included) {
                open.push(included);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, id: &str, rest: &str) -> String {
        format!(
            "[[{kind}]]\nid = \"{id}\"\nja = \"あ\"\nen = \"a\"\nlaw_ja = \"法\"\nlaw_en = \"law\"\nyears_max = 5\n{rest}\n"
        )
    }

    fn qualification(text: &str) -> Qualification {
        text.parse().unwrap()
    }

    #[test]
    fn what_includes_another_one_stands_for_it_over_any_number_of_steps() {
        let text = entry("clearance", "high", "includes = [\"middle\"]")
            + &entry("clearance", "middle", "includes = [\"low\", \"high\"]")
            + &entry("clearance", "low", "")
            + &entry("oath", "low", "");
        let clearances = Clearances::from_toml(&text).unwrap();
        let held = |names: &[&str]| {
            let entered = names.iter().map(|name| qualification(name)).collect();
            let held = clearances.held(&entered);
            held.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(held(&["clearance:high"]), "clearance:high clearance:low clearance:middle");
        assert_eq!(held(&["clearance:low"]), "clearance:low", "and not the other way round");
        assert_eq!(held(&["oath:low"]), "oath:low", "an oath is no clearance of the same name");
        assert_eq!(held(&["clearance:gone"]), "", "what is not defined is held by nobody");
    }

    #[test]
    fn a_marking_stands_for_one_of_them() {
        let clearances = Clearances::from_toml(&entry("oath", "low", "")).unwrap();
        let oath = qualification("oath:low");
        assert_eq!(clearances.marked(&demand_marking(&oath)), Some(oath));
        assert_eq!(clearances.marked(&demand_marking(&qualification("clearance:low"))), None);
    }

    #[test]
    fn a_file_that_means_nothing_is_refused() {
        let check = |text: &str, told: &str| {
            let error = Clearances::from_toml(text).unwrap_err().to_string();
            assert!(error.starts_with("`clearances.toml`: ") && error.contains(told), "{error}");
        };
        check("[[clearance]]", "missing field");
        check(&entry("clearance", "A", ""), "not 1–40 of");
        check(&entry("clearance", "a", "includes = [\"b\"]"), "`clearance:b`, which is not defined");
        check(&entry("clearance", "a", "colour = 1"), "unknown field");
        check(&entry("oath", "a", "").repeat(2), "defined twice");
        check(&entry("oath", "a", "").replace("years_max = 5", "years_max = 0"), "`years_max`");
        check(&entry("oath", "a", "").replace("\"law\"", "\"\""), "1 to 400 bytes");
    }
}
