//! What one may see, and the one door.

use oversight::{OrganisationRole, PersonRole, Purpose, Realm};
use policy::{PrincipalKind, TlpLabel, Visible};
use stix::marking::Tlp;

use crate::{engine, label, person};

#[test]
fn a_value_leaves_only_if_all_it_is_made_of_may_be_read() {
    let amber = label(TlpLabel::Level(Tlp::Amber), "other");
    let red = label(TlpLabel::Level(Tlp::Red), "other");
    let clear = label(TlpLabel::Level(Tlp::Clear), "other");
    let someone = person(OrganisationRole::Operator, "mine", &[PersonRole::Analyst]);
    let visible = engine().visible(&someone, [(7, &amber), (3, &red), (5, &clear), (5, &clear)]);
    assert_eq!(visible.keys(), [5, 7]);
    let release = |labels: &[i64]| visible.release(&someone, Purpose::OwnDefence, labels, "value");
    let released = release(&[5, 7]).unwrap();
    assert_eq!((released.recipient().as_str(), released.purpose()), ("mine", Purpose::OwnDefence));
    assert_eq!(released.into_inner(), "value");
    assert!(release(&[5, 3]).is_none(), "one of two may not be read");
    assert!(release(&[99]).is_none(), "a label that nobody asked about");
    assert!(release(&[]).is_some(), "made of nothing");
}

#[test]
fn what_one_may_see_serves_nobody_else() {
    let clear = label(TlpLabel::Level(Tlp::Clear), "other");
    let mine = person(OrganisationRole::Operator, "mine", &[PersonRole::Analyst]);
    let visible = engine().visible(&mine, [(1, &clear)]);
    let release = |principal: &policy::Principal| visible.release(principal, Purpose::OwnDefence, &[1], ());
    let mut colleague = mine.clone();
    colleague.kind = PrincipalKind::Person("someone else".into());
    assert!(release(&colleague).is_some(), "of the same kind, organisation and roles");
    let strangers: [fn(&mut policy::Principal); 5] = [
        |p| p.organisation = crate::organisation("theirs"),
        |p| p.organisation_role = OrganisationRole::Coordinator,
        |p| p.roles.extend([PersonRole::Approver]),
        |p| p.realm = Realm::Exercise("fuji".into()),
        |p| p.kind = PrincipalKind::Program("t".into()),
    ];
    for change in strangers {
        let mut stranger = mine.clone();
        change(&mut stranger);
        assert!(release(&stranger).is_none(), "{stranger:?}");
        assert!(
            visible.release(&stranger, Purpose::OwnDefence, &[], ()).is_none(),
            "not even what is made of nothing"
        );
    }
    assert!(
        Visible::default().release(&mine, Purpose::OwnDefence, &[], ()).is_none(),
        "the default releases nothing"
    );
}

#[test]
fn an_edge_knows_its_own_defence_only() {
    let engine = engine();
    let purposes = |role, roles: &[PersonRole], kind, realm| {
        let mut principal = person(role, "mine", roles);
        (principal.kind, principal.realm) = (kind, realm);
        let visible = engine.visible(&principal, []);
        visible.purposes().iter().map(|purpose| purpose.name()).collect::<Vec<_>>().join(" ")
    };
    let edge = || PrincipalKind::Edge("e".into());
    let someone = || PrincipalKind::Person("p".into());
    let exercise = || Realm::Exercise("fuji".into());
    let (operator, oversight) = (OrganisationRole::Operator, OrganisationRole::Oversight);
    assert_eq!(purposes(operator, &[], edge(), Realm::Live), "own-defence");
    assert_eq!(purposes(operator, &[], edge(), exercise()), "own-defence exercise");
    assert_eq!(
        purposes(operator, &[], someone(), Realm::Live),
        "own-defence collective-defence incident-response administration"
    );
    assert_eq!(purposes(oversight, &[PersonRole::Commissioner], someone(), Realm::Live), "oversight");
    assert_eq!(purposes(oversight, &[PersonRole::Analyst], someone(), Realm::Live), "");
}
