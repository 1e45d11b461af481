use std::fmt;

use oversight::OrganisationId;
use stix::Id;
use stix::marking::Tlp;

use crate::{Label, LabelId, ObjectClass, TlpLabel};

/// What a person opened for itself in an emergency, for a few hours (break-glass). That it did opens nothing by itself: policies say to
/// whom, and what never.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Emergency {
    /// The id under which it was raised: what is read under it is written down with that.
    pub id: String,
    /// What it covers.
    pub covers: Cover,
}

/// What an emergency covers, of labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cover {
    /// What an organisation brought in and marked with a level, up to this one.
    Level(OrganisationId, Tlp),
    /// Objects of a class.
    Class(ObjectClass),
    /// What bears one label.
    Label(LabelId),
    /// Nothing: what it was raised for is not there.
    Nothing,
}

/// What somebody asked for in an emergency, as it can be told from outside: nobody knows the labels of what it does not see. Written as
/// `level kinki-power red`, `class incident`, `object incident--…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmergencyScope {
    /// What an organisation brought in and marked with a level, up to this one.
    Level(OrganisationId, Tlp),
    /// Objects of a class.
    Class(ObjectClass),
    /// One object, a case among them, and what bears the same label.
    Object(Id),
}

impl Emergency {
    /// Whether it covers what bears a label.
    pub(crate) fn covers(&self, label: &Label) -> bool {
        match &self.covers {
            Cover::Level(originator, tlp) => {
                label.originator == *originator
                    && matches!(label.tlp, TlpLabel::Level(level) if level <= *tlp)
            }
            Cover::Class(class) => label.class == *class,
            Cover::Label(id) => label.alone().id() == *id,
            Cover::Nothing => false,
        }
    }
}

impl EmergencyScope {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let found = match (words.next()?, words.next()?) {
            ("level", organisation) => {
                let originator = OrganisationId::parse(organisation)?;
                Self::Level(originator, Tlp::parse(words.next()?)?)
            }
            ("class", name) => {
                Self::Class(ObjectClass::parse(name).filter(|class| *class != ObjectClass::Several)?)
            }
            ("object", id) => Self::Object(Id::parse(id).ok()?),
            _ => return None,
        };
        words.next().is_none().then_some(found)
    }
}

impl fmt::Display for EmergencyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level(originator, tlp) => write!(f, "level {originator} {}", tlp.name()),
            Self::Class(class) => write!(f, "class {}", class.name()),
            Self::Object(id) => write!(f, "object {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        let id = "incident--0b7e3c1a-6f52-4d0b-9b43-3c1d2a5e7f88";
        for good in
            ["level kinki-power red", "level a amber+strict", "class incident", &format!("object {id}")]
        {
            assert_eq!(EmergencyScope::parse(good).map(|scope| scope.to_string()).as_deref(), Some(good));
        }
        for wrong in [
            "",
            "level",
            "level a",
            "level a blue",
            "level a unmarked",
            "level a red more",
            "class all",
            "class several",
            "object x",
            "role approver",
        ] {
            assert_eq!(EmergencyScope::parse(wrong), None, "{wrong}");
        }
    }
}
