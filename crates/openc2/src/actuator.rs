use std::collections::BTreeMap;

use serde_json::Value;

use crate::names::{Language, Reading};
use crate::read::{self, Fields, Writer};
use crate::refusal::{At, Refusal};

/// Who is to carry a command out (LS 3.3.1.3): by profile, one in version 1.0 and perhaps several in 1.1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Actuator {
    /// A packet filter.
    pub slpf: Option<Specifiers>,
    /// Other profiles' actuators, as they came.
    pub extensions: BTreeMap<String, Value>,
}

/// Which packet filters (SLPF 2.1.4). All that is said must fit; nothing said means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Specifiers {
    /// A device's name or address.
    pub hostname: Option<String>,
    /// A group of devices.
    pub named_group: Option<String>,
    /// One packet filter.
    pub asset_id: Option<String>,
    /// One packet filter, by up to ten texts.
    pub asset_tuple: Option<Vec<String>>,
}

/// The most texts of an `asset_tuple`.
pub const ASSET_TUPLE_MAX: usize = 10;

impl Actuator {
    /// A packet filter with these specifiers.
    #[must_use]
    pub fn slpf(specifiers: Specifiers) -> Self {
        Self { slpf: Some(specifiers), extensions: BTreeMap::new() }
    }

    pub(crate) fn read(value: &Value, at: &At, reading: &Reading) -> Result<Self, Refusal> {
        const CLAUSE: &str = "LS 3.3.1.3";
        let map = read::object(value, at, CLAUSE)?;
        if map.is_empty() || (map.len() > 1 && reading.language == Some(Language::V1_0)) {
            return Err(Refusal::malformed(CLAUSE, at, "exactly one actuator belongs here"));
        }
        let mut actuator = Self::default();
        for (nsid, value) in map {
            let at = at.to(nsid);
            if !reading.takes(nsid) {
                return Err(Refusal::malformed(
                    "LS 3.1.4",
                    &at,
                    "the actuator's namespace is not taken here",
                ));
            }
            if nsid == "slpf" {
                actuator.slpf = Some(Specifiers::read(value, &at)?);
            } else {
                read::object(value, &at, CLAUSE)?;
                actuator.extensions.insert(nsid.clone(), value.clone());
            }
        }
        Ok(actuator)
    }

    pub(crate) fn write(&self) -> Value {
        Writer::new().put("slpf", self.slpf.as_ref().map(Specifiers::write)).all(&self.extensions).done()
    }
}

impl Specifiers {
    fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        const CLAUSE: &str = "SLPF 2.1.4";
        let names = ["hostname", "named_group", "asset_id", "asset_tuple"];
        let fields = Fields::new(value, at, CLAUSE, &names, 0)?;
        let tuple = |value: &Value, at: &At| {
            let list = read::list(value, at, CLAUSE)?;
            if list.len() > ASSET_TUPLE_MAX {
                return Err(Refusal::malformed(CLAUSE, at, "a tuple has at most ten texts"));
            }
            list.iter().map(|value| read::text(value, at, CLAUSE)).collect()
        };
        Ok(Self {
            hostname: fields.text("hostname")?,
            named_group: fields.text("named_group")?,
            asset_id: fields.text("asset_id")?,
            asset_tuple: fields.get("asset_tuple", tuple)?,
        })
    }

    fn write(&self) -> Value {
        Writer::new()
            .put("hostname", self.hostname.clone())
            .put("named_group", self.named_group.clone())
            .put("asset_id", self.asset_id.clone())
            .put("asset_tuple", self.asset_tuple.clone())
            .done()
    }
}
