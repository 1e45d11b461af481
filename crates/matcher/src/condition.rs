//! What one branch of a pattern asks of one record, and whether the record gives it.

use telemetry::{Observation, Role, resolves};

use crate::key::{self, Key, KeyKind};

/// All of these must hold in one record. Comparisons on the same type of object are met by one and the same object
/// (STIX 2.1 §9.5); comparisons on different types by the same record, which is what producers mean by
/// `[domain-name:value = 'a' AND network-traffic:dst_port = 443]`.
pub(crate) type Conjunction = Box<[Condition]>;

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The object has one of these values.
    Value {
        /// Which object.
        subject: Subject,
        /// Which end of the traffic or of the mail; `None` is any.
        role: Option<Role>,
        /// The values, any of which will do.
        keys: Box<[Key]>,
    },
    /// An end of the traffic is an address or a name of this kind (`network-traffic:dst_ref.type`).
    EndKind {
        /// Which end.
        role: Role,
        /// What it is.
        kind: KeyKind,
    },
    /// A port is one of these.
    Port {
        /// Which end.
        role: Role,
        /// The ports.
        ports: Box<[u16]>,
    },
    /// The transport protocol is one of these, in lower case.
    Protocol(Box<[Box<str>]>),
}

/// The object that a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An object that is one value: an address, a name, a URL, an e-mail address, a hardware address.
    Single(Single),
    /// A file, or a certificate seen as a file: its values stand beside each other in the record.
    File,
    /// What a name of the record resolved to.
    Resolved,
    /// The one traffic or message of the record.
    Record,
}

/// Types of object with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Single {
    /// `ipv4-addr`, `ipv6-addr`
    Address,
    /// `domain-name`
    Domain,
    /// `url`
    Url,
    /// `email-addr`
    Email,
    /// `mac-addr`
    Mac,
}

/// A record's values as keys, in the order of [`Observation::values`].
pub(crate) struct Seen<'a> {
    pub(crate) observation: &'a Observation<'a>,
    pub(crate) keys: Vec<Option<Key>>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(observation: &'a Observation<'a>) -> Self {
        let keys = observation.values.iter().map(|value| key::seen(value.kind, &value.value)).collect();
        Self { observation, keys }
    }

    /// The indices of the values that one comparison is met by.
    fn met_by(&self, role: Option<Role>, keys: &[Key]) -> impl Iterator<Item = usize> {
        self.observation.values.iter().zip(&self.keys).enumerate().filter_map(
            move |(index, (value, seen))| {
                let seen = seen.as_ref()?;
                let met =
                    role.is_none_or(|role| role == value.role) && keys.iter().any(|key| key.matches(seen));
                met.then_some(index)
            },
        )
    }

    /// What tells a record's files apart: the path of the object in which the field stands.
    fn file(&self, index: usize) -> &str {
        let field = self.observation.values.get(index).map_or("", |value| value.field.as_ref());
        field.rsplit_once('.').map_or("", |(object, _)| object)
    }

    /// Whether all conditions hold; the indices of the values that they are met by are added to `hits`.
    pub(crate) fn satisfies(&self, conjunction: &[Condition], hits: &mut Vec<usize>) -> bool {
        let before = hits.len();
        let holds = conjunction.iter().all(|condition| self.holds(condition, conjunction, hits));
        if !holds {
            hits.truncate(before);
        }
        holds
    }

    fn holds(&self, condition: &Condition, conjunction: &[Condition], hits: &mut Vec<usize>) -> bool {
        match condition {
            Condition::Value { subject, role, keys } => {
                let before = hits.len();
                let met = self.met_by(*role, keys);
                hits.extend(met.filter(|index| self.others_agree(*subject, *index, conjunction)));
                hits.len() > before
            }
            Condition::EndKind { role, kind } => self.end_is(*role, *kind),
            Condition::Port { role, ports } => {
                let port = match role {
                    Role::Source => self.observation.src_port,
                    Role::Destination | Role::Content => self.observation.dst_port,
                };
                port.is_some_and(|port| ports.contains(&port))
            }
            Condition::Protocol(names) => {
                let seen = [self.observation.protocol.as_deref(), Some(self.observation.kind.as_ref())];
                seen.into_iter().flatten().any(|seen| names.iter().any(|name| name.as_ref() == seen))
            }
        }
    }

    /// Whether every other comparison on the same type is met by the object that this value belongs to.
    fn others_agree(&self, subject: Subject, index: usize, conjunction: &[Condition]) -> bool {
        conjunction.iter().all(|other| match other {
            Condition::Value { subject: also, role, keys } if *also == subject => match subject {
                Subject::Single(_) => self.met_by(*role, keys).any(|met| met == index),
                Subject::File => self.met_by(*role, keys).any(|met| self.file(met) == self.file(index)),
                Subject::Resolved | Subject::Record => true,
            },
            _ => true,
        }) && self.resolution_agrees(subject, index, conjunction)
    }

    /// Where a name and what it resolved to are both asked for, it is one name that is meant and that did.
    fn resolution_agrees(&self, subject: Subject, index: usize, conjunction: &[Condition]) -> bool {
        let on = |wanted: Subject| {
            conjunction.iter().filter_map(move |condition| match condition {
                Condition::Value { subject, role, keys } if *subject == wanted => Some((*role, keys)),
                _ => None,
            })
        };
        let (names, answers) = (|| on(Subject::Single(Single::Domain)), || on(Subject::Resolved));
        if names().next().is_none() || answers().next().is_none() {
            return true;
        }
        let resolves = |name: usize, answer: usize| resolves(self.observation, name, answer);
        let is_meant = |name: usize| {
            names().all(|(role, keys)| self.met_by(role, keys).any(|met| met == name))
                && answers().all(|(role, keys)| self.met_by(role, keys).any(|answer| resolves(name, answer)))
        };
        match subject {
            Subject::Single(Single::Domain) => is_meant(index),
            Subject::Resolved => (0..self.keys.len()).any(|name| resolves(name, index) && is_meant(name)),
            Subject::Single(_) | Subject::File | Subject::Record => true,
        }
    }

    fn end_is(&self, asked: Role, kind: KeyKind) -> bool {
        let values = self.observation.values.iter().zip(&self.keys);
        values
            .into_iter()
            .any(|(value, seen)| value.role == asked && seen.as_ref().is_some_and(|seen| seen.kind == kind))
    }
}
