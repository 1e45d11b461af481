//! Labels written as ACS markings, for readers of other systems; in which words stands in `policies/acs.toml`.
//!
//! A statement says no more than the label that it is written of: it is read back by the rules of this node before it is given out.
//! Its identifier follows from what it says (UUIDv5), so that one organisation's same statement is one object wherever it is made.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use oversight::OrganisationId;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stix::marking::{Pap, Tlp};
use stix::{Id, Object};
use uuid::Uuid;

use super::{ACS_EXTENSION, Acs, Action, WORDS, Words};
use crate::{Marking, ORIGINATOR_CONTROL};

/// The namespace of the statements' identifiers: that of the extension.
const NAMESPACE: Uuid = Uuid::from_u128(0x3a65_884d_005a_4290_8335_cb2d_778a_83ce);
/// The date of every statement: a marking definition has one content for ever (STIX 2.1 §7.2.1), so no clock may be in it.
const WRITTEN_ON: &str = "2026-01-01T00:00:00.000Z";
/// What the identifiers of such markings begin with (GUIDE prefix of ACS 3.0a).
const IDENTIFIER: &str = "isa:guide.19001.ACS3-";

/// `[written]` of `policies/acs.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forms {
    custodian: String,
    unsaid_pap: Action,
    also_permitted: Vec<String>,
    level: BTreeMap<String, Form>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    formal_determination: Vec<String>,
    for_everybody: bool,
}

/// What an object's own markings say, as far as an ACS marking can say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AcsTerms {
    /// The strictest TLP level.
    pub tlp: Tlp,
    /// The strictest PAP level, if there is one.
    pub pap: Option<Pap>,
    /// Whether it goes no further than to the members unless its originator releases it.
    pub originator_control: bool,
}

/// An ACS marking definition that says what a label says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcsStatement {
    /// Its identifier, for `object_marking_refs`.
    pub id: Id,
    /// The definition as the JSON text of a STIX object.
    pub definition: String,
    /// What it comes to here.
    pub acs: Acs,
}

/// Everything that one organisation can say in ACS markings: it stands in them as custodian.
#[derive(Debug, Clone)]
pub struct AcsStatements {
    said: HashMap<AcsTerms, Result<AcsStatement, Unsayable>>,
}

/// Why something cannot be said by an ACS marking; the words go behind "an ACS marking".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    /// Nothing is said by the object either.
    #[error("says what a TLP level says, and there is none; choose one")]
    NoLevel,
    /// A level that the words do not reach.
    #[error("has no words for {}; publish it without", .0.title())]
    Level(Tlp),
    /// A sharing group, a statement, terms that are not understood.
    #[error("has no words for the marking `{0}`; publish it without")]
    Marking(Id),
    /// Parts that bear markings of their own.
    #[error("is for whole objects, and parts of this one bear markings of their own; publish it without")]
    Parts,
    /// The words would give more than the label.
    #[error("in the words of `policies/acs.toml` would give more than {}; have the file mended", .0.title())]
    More(Tlp),
}

impl AcsTerms {
    /// Every combination of terms.
    pub fn all() -> impl Iterator<Item = Self> {
        let paps = || std::iter::once(None).chain(Pap::ALL.map(Some));
        let of = |tlp, pap| [false, true].map(|originator_control| Self { tlp, pap, originator_control });
        Tlp::ALL.into_iter().flat_map(move |tlp| paps().flat_map(move |pap| of(tlp, pap)))
    }

    /// Whether `acs` gives nothing that these terms do not give.
    fn hold_in(self, acs: Acs) -> bool {
        acs.tlp >= self.tlp
            && Some(acs.pap) >= self.pap
            && acs.originator_control >= self.originator_control
            && !acs.hides_source
    }
}

impl AcsStatements {
    /// What `custodian` can say.
    #[must_use]
    pub fn by(custodian: &OrganisationId) -> Self {
        let of = |terms: AcsTerms| {
            let written = WORDS.as_ref().and_then(|words| words.written(terms, custodian));
            let statement = written.ok_or(Unsayable::Level(terms.tlp))?;
            if terms.hold_in(statement.acs) { Ok(statement) } else { Err(Unsayable::More(terms.tlp)) }
        };
        Self { said: AcsTerms::all().map(|terms| (terms, of(terms))).collect() }
    }

    /// The statement of some terms.
    ///
    /// # Errors
    /// [`Unsayable`]: a level that ACS has no words for.
    pub fn say(&self, terms: AcsTerms) -> Result<&AcsStatement, Unsayable> {
        let said = self.said.get(&terms).ok_or(Unsayable::Level(terms.tlp))?;
        said.as_ref().map_err(Clone::clone)
    }

    /// Whether a marking is one of these statements.
    #[must_use]
    pub fn hold(&self, marking: &Id) -> bool {
        self.said.values().flatten().any(|statement| statement.id == *marking)
    }

    /// The terms of an object's markings. Statements among these say what the others say, and are passed over.
    ///
    /// # Errors
    /// [`Unsayable`]: there is no TLP level, or something that no ACS marking says.
    pub fn terms(&self, object: &Object) -> Result<AcsTerms, Unsayable> {
        if stix::marking::granular(object).iter().any(|part| part.marking_ref.is_some()) {
            return Err(Unsayable::Parts);
        }
        let (mut tlp, mut pap, mut originator_control) = (None, None, false);
        for marking in stix::marking::object_marking_refs(object) {
            if let Some(level) = stix::marking::tlp(&marking) {
                tlp = tlp.max(Some(level));
            } else if let Some(level) = stix::marking::pap(&marking) {
                pap = pap.max(Some(level));
            } else if marking.as_str().eq_ignore_ascii_case(ORIGINATOR_CONTROL) {
                originator_control = true;
            } else if !self.hold(&marking) {
                return Err(Unsayable::Marking(marking));
            }
        }
        Ok(AcsTerms { tlp: tlp.ok_or(Unsayable::NoLevel)?, pap, originator_control })
    }
}

impl Words {
    fn written(&self, terms: AcsTerms, custodian: &OrganisationId) -> Option<AcsStatement> {
        let level = if terms.originator_control { terms.tlp.max(self.limited.0) } else { terms.tlp };
        let form = self.written.level.get(level.name())?;
        let pap = terms.pap.unwrap_or(self.written.unsaid_pap.0);
        let content = self.content(level, form, pap, custodian);
        let text = serde_json_canonicalizer::to_string(&content).ok()?;
        let uuid = Uuid::new_v5(&NAMESPACE, text.as_bytes());
        let mut extension = content;
        extension.insert("identifier".to_owned(), Value::String(format!("{IDENTIFIER}{uuid}")));
        let definition = json!({
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": Id::new("marking-definition", uuid),
            "created": WRITTEN_ON,
            "name": extension.get("name"),
            "extensions": { ACS_EXTENSION: extension },
        })
        .to_string();
        let object = Object::parse(Bytes::from(definition.clone())).ok()?;
        let Some(Marking::Acs(acs)) = Marking::defined_by(&object) else { return None };
        Some(AcsStatement { id: object.id().clone(), definition, acs })
    }

    /// The extension without its identifier.
    fn content(&self, level: Tlp, form: &Form, pap: Pap, custodian: &OrganisationId) -> Map<String, Value> {
        let custodian = format!("{}.{}", self.written.custodian, custodian.as_str().to_ascii_uppercase());
        let sharing = if form.for_everybody { "permit" } else { "deny" };
        let mut control_set = Map::from_iter([("classification".to_owned(), json!("U"))]);
        if !form.formal_determination.is_empty() {
            control_set.insert("formal_determination".to_owned(), json!(form.formal_determination));
        }
        let fields = [
            ("extension_type", json!("property-extension")),
            ("name", json!(format!("{} {}", level.title(), pap.title()))),
            ("create_date_time", json!(WRITTEN_ON)),
            ("responsible_entity_custodian", json!(custodian)),
            (
                "policy_reference",
                json!(format!("urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault={sharing}")),
            ),
            ("access_privilege", json!(self.privileges(pap))),
            ("control_set", Value::Object(control_set)),
        ];
        let mut content: Map<String, Value> =
            fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        if !form.for_everybody {
            let rule = json!([{ "sharing_scope": self.members, "rule_effect": "permit" }]);
            content.insert("further_sharing".to_owned(), rule);
        }
        if form.formal_determination.iter().any(|word| word == "PUBREL") {
            content.insert("public_release".to_owned(), json!({ "released_by": custodian }));
        }
        content
    }

    /// Everything that a level of PAP permits, to everybody who may have the object.
    fn privileges(&self, pap: Pap) -> Vec<Value> {
        let by_level = self.privilege.iter().filter(|(_, level)| level.0 >= pap).map(|(action, _)| action);
        let permitted = |action: &String| {
            json!({
                "privilege_action": action,
                "privilege_scope": {
                    "permitted_nationalities": ["ALL"], "permitted_organizations": ["ALL"],
                    "shareability": ["ALL"], "entity": ["ALL"],
                },
                "rule_effect": "permit",
            })
        };
        by_level.chain(&self.written.also_permitted).map(permitted).collect()
    }
}
