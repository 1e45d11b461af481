//! Made-up readers and labels, in a made-up council: what a set of policies is tried on before it meets anybody.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose, Qualification, Realm};
use stix::Id;
use stix::marking::{Pap, Tlp};

use crate::{
    Agreement, AgreementId, Circumstances, Cover, Emergency, Engine, GroupId, Label, ObjectClass, Onward,
    Personal, Principal, PrincipalKind, Side, SideState, Standing, Term, Title, TlpLabel,
};

/// Made-up situations: every kind of reader of every kind of organisation, and labels of every make. The same seed makes the same.
#[derive(Debug, Clone)]
pub struct Trial {
    circumstances: Circumstances,
    readers: Vec<Principal>,
    labels: Vec<(usize, Label)>,
}

/// Groups of the made-up council: one that every first organisation of a role is in, one of the coordinator alone.
const GROUPS: [u128; 2] = [1, 2];

impl Trial {
    /// So many pairs of reader and label. Organisations that the policies name are among them.
    #[must_use]
    pub fn new(engine: &Engine, seed: u64, pairs: usize) -> Self {
        let circumstances = circumstances();
        let names = || circumstances.organisations.keys().chain(engine.names());
        let originators: Vec<OrganisationId> =
            names().cloned().chain(OrganisationId::parse(Label::SEVERAL)).collect();
        let defined: Vec<Qualification> = engine.clearances().iter().map(|(one, _)| *one).collect();
        let readers = readers(&circumstances.organisations, engine.names(), &defined);
        let mut draw = Draw(seed);
        let labels = (0..pairs)
            .filter_map(|_| {
                let place = draw.below(readers.len());
                let reader = readers.get(place)?;
                Some((place, draw.label(reader, &originators, &defined)))
            })
            .collect();
        Self { circumstances, readers, labels }
    }

    /// The circumstances under which they stand.
    #[must_use]
    pub fn circumstances(&self) -> &Circumstances {
        &self.circumstances
    }

    /// Every reader.
    #[must_use]
    pub fn readers(&self) -> &[Principal] {
        &self.readers
    }

    /// Readers, each with a label.
    pub fn pairs(&self) -> impl Iterator<Item = (&Principal, &Label)> {
        self.labels.iter().filter_map(|(reader, label)| Some((self.readers.get(*reader)?, label)))
    }
}

/// Two organisations of each role, an agreement of each make, two groups.
fn circumstances() -> Circumstances {
    let names = |end: &str| -> Vec<Named> {
        let named = |role: &OrganisationRole| Some((parse(&format!("{role}-{end}"))?, *role));
        OrganisationRole::ALL.iter().filter_map(named).collect()
    };
    let (firsts, seconds) = (names("a"), names("b"));
    let groups = [firsts.as_slice(), firsts.get(..1).unwrap_or_default()];
    let members =
        |group: &[Named]| group.iter().map(|(organisation, _)| organisation.clone()).collect::<BTreeSet<_>>();
    let agreements = [
        ("wide", Onward::SameTerms, false, SideState::Signed),
        ("closed", Onward::None, false, SideState::Signed),
        ("controlled", Onward::SameTerms, true, SideState::Signed),
        ("ended", Onward::SameTerms, false, SideState::Ended),
    ];
    let standing = |(id, onward, control, state)| standing(id, (onward, control), state, (&firsts, &seconds));
    Circumstances {
        groups: GROUPS.into_iter().map(group).zip(groups.map(members)).collect(),
        carriers: BTreeMap::new(),
        agreements: agreements.into_iter().filter_map(standing).collect(),
        organisations: firsts.iter().chain(&seconds).cloned().collect(),
        personal_boundary: None,
        personal_changes: 0,
        now: Timestamp::UNIX_EPOCH,
    }
}

type Named = (OrganisationId, OrganisationRole);

/// An agreement by which the second organisations give everything to the first partner and agency.
fn standing(
    id: &str,
    (onward, originator_control): (Onward, bool),
    state: SideState,
    (firsts, seconds): (&[Named], &[Named]),
) -> Option<Standing> {
    let side = |(organisation, _): &Named| organisation.clone();
    let receives = |(_, role): &&Named| matches!(role, OrganisationRole::Partner | OrganisationRole::Agency);
    let to: BTreeSet<OrganisationId> = firsts.iter().filter(receives).map(side).collect();
    let from: BTreeSet<OrganisationId> = seconds.iter().map(side).collect();
    let parties: BTreeSet<OrganisationId> = to.union(&from).cloned().collect();
    let sides = |all: BTreeSet<OrganisationId>| all.into_iter().map(Side::Organisation).collect();
    let term = Term {
        from: sides(from),
        to: sides(to),
        classes: ObjectClass::ALL.into_iter().collect(),
        tlp: Tlp::Red,
        pap: Pap::Red,
        purposes: Purpose::ALL.iter().copied().collect(),
        onward,
        originator_control,
    };
    let agreement = Agreement {
        id: AgreementId::parse(id)?,
        title: Title { ja: id.to_owned(), en: id.to_owned() },
        parties: parties.clone(),
        from: Timestamp::MIN,
        until: Timestamp::MAX,
        reciprocal: false,
        terms: vec![term],
        orders: Vec::new(),
    };
    Some(Standing { agreement, sides: parties.into_iter().map(|party| (party, state)).collect() })
}

/// Each kind of reader of the first organisation of each role, and of those that policies name as each role, with no role, with
/// each one, with all; in the live world and in an exercise; of persons every third one with a clearance or an oath, and every third
/// one with all of them.
fn readers(
    organisations: &BTreeMap<OrganisationId, OrganisationRole>,
    named: &[OrganisationId],
    defined: &[Qualification],
) -> Vec<Principal> {
    let firsts = organisations.iter().filter(|(name, _)| name.as_str().ends_with("-a"));
    let as_each = |name: &OrganisationId| {
        let name = name.clone();
        OrganisationRole::ALL.iter().map(move |role| (name.clone(), *role)).collect::<Vec<_>>()
    };
    let all: Vec<Named> = firsts
        .map(|(name, role)| (name.clone(), *role))
        .chain(named.iter().filter(|name| name.as_str() != Label::SEVERAL).flat_map(as_each))
        .collect();
    let ones = PersonRole::ALL.iter().map(|role| BTreeSet::from([*role]));
    let sets: Vec<BTreeSet<PersonRole>> =
        ones.chain([BTreeSet::new(), PersonRole::ALL.iter().copied().collect()]).collect();
    let kinds = [
        PrincipalKind::Person(String::new()),
        PrincipalKind::Program(String::new()),
        PrincipalKind::Edge(String::new()),
        PrincipalKind::Peer(String::new()),
    ];
    let mut readers = Vec::new();
    for realm in [Realm::Live, Realm::Exercise("one".into())] {
        for (organisation, role) in &all {
            for (kind, roles) in kinds.iter().flat_map(|kind| sets.iter().map(move |set| (kind, set))) {
                let purpose = Purpose::ALL.get(readers.len() % Purpose::ALL.len()).copied();
                let held = match readers.len() % 3 {
                    0 => defined.to_vec(),
                    1 => defined.iter().copied().skip(readers.len() % defined.len().max(1)).take(1).collect(),
                    _ => Vec::new(),
                };
                readers.push(Principal {
                    kind: kind.clone(),
                    organisation: organisation.clone(),
                    organisation_role: *role,
                    roles: roles.clone(),
                    realm: realm.clone(),
                    purpose: purpose.unwrap_or(Purpose::CollectiveDefence),
                    personal: Personal {
                        qualifications: held.into_iter().collect(),
                        emergency: emergency(readers.len()),
                    },
                });
            }
        }
    }
    readers
}

/// Of every second reader: of one class, or of what a second organisation marked.
fn emergency(number: usize) -> Option<Emergency> {
    let classes = ObjectClass::ALL;
    let covers = match number % 4 {
        0 => Cover::Class(classes.get(number / 4 % classes.len()).copied()?),
        1 => {
            let role = OrganisationRole::ALL.get(number / 4 % OrganisationRole::ALL.len())?;
            Cover::Level(parse(&format!("{role}-b"))?, Tlp::Red)
        }
        _ => return None,
    };
    Some(Emergency { id: String::new(), covers })
}

fn parse(name: &str) -> Option<OrganisationId> {
    OrganisationId::parse(&name.replace('_', "-"))
}

fn group(number: u128) -> GroupId {
    GroupId(uuid::Uuid::from_u128(number))
}

/// Numbers that only the seed decides (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(mixed % limit).unwrap_or(0)
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        all.get(self.below(all.len())).cloned()
    }

    fn label(
        &mut self,
        reader: &Principal,
        originators: &[OrganisationId],
        defined: &[Qualification],
    ) -> Label {
        let own = self.once_in(5).then(|| reader.organisation.clone());
        let originator =
            own.or_else(|| self.one_of(originators)).unwrap_or_else(|| reader.organisation.clone());
        let other_realm = self.once_in(6).then(|| Realm::Exercise("other".into()));
        let mut label = Label::unmarked(&originator, &other_realm.unwrap_or_else(|| reader.realm.clone()));
        if !self.once_in(6) {
            label.tlp = self.one_of(&Tlp::ALL).map_or(TlpLabel::Unmarked, TlpLabel::Level);
        }
        label.pap = if self.once_in(3) { self.one_of(&Pap::ALL) } else { None };
        label.class = self.one_of(&ObjectClass::ALL).unwrap_or(ObjectClass::Other);
        // What an emergency covers is met often enough.
        match reader
            .personal
            .emergency
            .as_ref()
            .filter(|_| self.once_in(2))
            .map(|emergency| &emergency.covers)
        {
            Some(Cover::Class(class)) => label.class = *class,
            Some(Cover::Level(originator, _)) => label.originator = originator.clone(),
            _ => {}
        }
        let mut marking = |times: usize, last: u8| {
            let id = format!("marking-definition--00000000-0000-4000-8000-0000000000{last:02x}");
            if self.once_in(times) { Id::parse(&id).ok() } else { None }
        };
        label.statements.extend(marking(4, 1));
        label.unknown.extend(marking(5, 2));
        if self.once_in(4) {
            label.groups.extend(self.one_of(&GROUPS).map(group));
        }
        label.originator_control = self.once_in(4);
        if self.once_in(4) {
            label.demands.extend(self.one_of(defined));
        }
        if self.once_in(3) {
            label.agreement = self
                .one_of(&["wide", "closed", "controlled", "ended", "unknown"])
                .and_then(AgreementId::parse);
        }
        if self.once_in(6) {
            label.granted.insert(reader.organisation.clone());
        }
        label
    }
}
